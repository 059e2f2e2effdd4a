"""Figures as PNG: each kind is drawn, in colours, and the same report is the same bytes."""

from __future__ import annotations

import math
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
    assert [one.title for one in drawn] == ["Gradient errors", "Other errors", "Numbers that must reach their bars"]
    assert any("on the right side of the bar" in one.caption for one in drawn)


ODD = {
    "nothing": {"steps": [], "losses": [], "epochs": [], "training": [], "validation": []},
    "no numbers": {"losses": [None, None, None, None]},
    "huge": {"losses": [1e300, -1e300, math.inf, 1e-300]},
    "long": {"steps": list(range(200_000)), "losses": [float(at % 7) for at in range(200_000)]},
}


@pytest.mark.medium
@pytest.mark.parametrize("name", ODD)
def test_a_run_that_went_wrong_is_drawn_too(name):
    assert len(png.of_check(check("curves", CURVES | ODD[name]))) == 2


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("images", PICTURES | {"images": [], "labels": []}),
        ("images", PICTURES | {"labels": ["$\\frac{$ 中文 \x1b[2J", ""]}),
        ("bars", BARS | {"classes": ["$\\frac{$", "中文"], "probabilities": [math.nan, 1.0]}),
        ("confusion", CONFUSION | {"counts": [[0, 0], [0, 0]]}),
    ],
)
def test_hostile_words_and_empty_pictures_are_drawn(kind, data):
    assert len(png.of_check(check(kind, data))) == 1
