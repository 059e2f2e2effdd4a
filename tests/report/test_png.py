"""Figures as PNG: each kind is drawn, in colours, and the same report is the same bytes."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from figures import BARS, CONFUSION, CURVES, PICTURES, TABLE, WEIGHTS
from PIL import Image

from grader.model import CheckResult, Figure, Verdict
from grader.report import png

KINDS = {"curves": CURVES, "weights": WEIGHTS, "confusion": CONFUSION, "images": PICTURES, "bars": BARS}


def check(kind, data):
    return CheckResult("a", "A.", Verdict.PASS, 1, 1, figures=(Figure(kind, "Title\x1b[2J", data),))


def pixels(picture):
    with Image.open(BytesIO(picture.png)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize(("kind", "data"), KINDS.items())
def test_each_kind_is_drawn_and_is_the_same_each_time(kind, data):
    drawn = png.of_check(check(kind, data))
    assert len(drawn) == (2 if kind == "curves" else 1)
    assert drawn == png.of_check(check(kind, data))
    for one in drawn:
        assert one.title == "Title"
        assert len(np.unique(pixels(one).reshape(-1, 3), axis=0)) > 2
        assert one.url.startswith("data:image/png;base64,")


def test_stand_ins_become_colours():
    found = {tuple(map(int, colour)) for colour in pixels(png.of_check(check("curves", CURVES))[1]).reshape(-1, 3)}
    assert any(blue > red + 60 for red, _, blue in found)
    assert (1, 1, 1) not in found


def test_a_table_is_no_picture():
    assert png.of_check(check("table", TABLE)) == ()


def test_every_measurement_is_drawn_against_its_bar(report):
    drawn = png.of_measures(report)
    assert [one.title for one in drawn] == ["Gradient errors", "Forward errors", "Accuracies"]
    assert any("on the right side of the bar" in one.caption for one in drawn)
