"""What a reader gives back of a notebook and of photographs, and what it does not spend on hostile ones."""

from __future__ import annotations

import base64
import json
import resource
from typing import Any

import hostile
import pytest

from grader.errors import Mismatch, StudentError
from grader.homework.notebooks import photographs, survey
from grader.homework.notebooks.claimed_accuracy import Claim
from grader.model import Limits
from grader.sandbox import reader

pytestmark = pytest.mark.medium

LIMITS = Limits(read_cpu=5, read_memory=600 << 20)
PLOT = "plt.plot(train_acc); plt.plot(val_acc)"


def image(data: bytes) -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": {}, "data": {"image/png": base64.b64encode(data).decode()}}


def file(source: str, *outputs: dict[str, Any]) -> bytes:
    cell = {"cell_type": "code", "id": "a", "execution_count": 1, "metadata": {}, "source": source}
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{**cell, "outputs": list(outputs)}]}
    return json.dumps(document).encode()


def read(data: bytes) -> survey.Survey:
    return reader.read(survey.read, data, "part1.ipynb", {"own.py": b"x = 1"}, limits=LIMITS, about="part1.ipynb")


def test_a_survey_comes_back_whole_and_without_pictures():
    text = {"output_type": "stream", "name": "stdout", "text": "test accuracy: 87.5 %\ud800"}
    source = f"class Net(nn.Module): pass\nlabels = ['cat', 'dog']\nimg1 = open('a.jpg')\n{PLOT}"
    found = read(file(source, text, image(hostile.wide(500))))
    assert (found.name, found.helpers, found.defines_network) == ("part1.ipynb", {"own.py": b"x = 1"}, True)
    assert (found.claimed, found.mentioned, found.truths) == (0.875, ("a.jpg",), (("cat", "dog"),))
    assert found.pictures == (survey.Picture(1, 400, 400, blank=True),)
    assert [plot.cell for plot in found.plots] == [1]
    assert [output.image for output in found.cells[0].outputs] == [b"", b""]
    assert found.cells[0].outputs[0].text.endswith("%\\ud800")


LINES = '<path d="M 0 0"/>' * 3
SVG = '<?xml version="1.0"?>\n<!DOCTYPE svg PUBLIC "-//W3C">\n<svg width="460.8pt" height="345.6pt">{}</svg>'


@pytest.mark.parametrize(
    ("data", "pictures"),
    [
        ({"image/svg+xml": SVG.format(LINES), "text/plain": "<Figure size 640x480 with 1 Axes>"}, [False]),
        ({"image/svg+xml": [SVG.format("<path/>")]}, [True]),
        ({"application/vnd.plotly.v1+json": {"data": [{"y": [0.5, 0.9]}]}, "text/html": "<div></div>"}, [False]),
        ({"application/vnd.vegalite.v5+json": {"mark": "line"}, "text/plain": "alt.Chart(...)"}, [False]),
        ({"text/html": '<div id="a"><script>Plotly.newPlot("a", [{"y": [1, 2]}])</script></div>'}, [False]),
        ({"text/html": "<script>google.colab.kernel</script><table></table>", "text/plain": "0.5"}, []),
    ],
)
def test_a_picture_that_a_browser_draws_is_one(data, pictures):
    found = survey.read(file(PLOT, {"output_type": "display_data", "metadata": {}, "data": data}), "part1.ipynb", {})
    assert [one.blank for one in found.pictures] == pictures
    assert all(min(one.height, one.width) >= 100 for one in found.pictures)
    assert len(found.plots) == len(pictures)


def test_a_survey_has_what_no_known_word_names_and_the_cells_that_print_nothing():
    printed = {"output_type": "stream", "name": "stdout", "text": "Genauigkeit: 71.64%"}
    found = read(file("loss.backward()", printed))
    assert (found.claimed, found.unnamed, found.mute) == (None, Claim(0.7164, 1, of_test=False), (1,))


def test_what_is_no_notebook_is_told_as_before():
    with pytest.raises(Mismatch, match=r"part1\.ipynb is not a notebook, because it is not JSON"):
        read(b"{")


def test_a_hundred_large_plots_are_not_decoded():
    plot = image(hostile.wide())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = read(file(PLOT, *[plot] * 100))
    decoded = sum(one.height > 0 for one in found.pictures)
    assert len(found.pictures) == 100
    assert 0 < decoded <= survey.ROOM // 7900**2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 << 10


def test_where_no_plot_is_asked_of_all_pictures_are_looked_at():
    assert read(file("x = 1", image(hostile.wide(500)))).pictures == (survey.Picture(1, 400, 400, blank=True),)


def test_a_literal_of_integers_that_collide_is_no_list_of_truths():
    numbers = ", ".join(f"{n * (2**61 - 1)}: 1" for n in range(20_000))
    assert read(file(f"labels = {{{numbers}}}")).truths == ()  # a reader over its clock raises


def test_a_jpeg_of_thousands_of_passes_is_told_by_name_at_once():
    data = hostile.passes()
    found, problems = reader.read(photographs.readable, {"a.jpg": data}, ["a.jpg"], limits=LIMITS, about="a photograph")
    assert found == ()
    assert problems == ("a.jpg is a JPEG of more than 100 passes; save it again and hand in that file.",)


def test_a_photograph_over_the_limits_is_named():
    data = hostile.passes(90, 6000)
    with pytest.raises(StudentError, match=r"^b\.jpg takes (longer than|more than)"):
        reader.read(
            photographs.readable,
            {"b.jpg": data},
            ["b.jpg"],
            limits=Limits(read_cpu=1, read_memory=400 << 20),
            about="x",
        )
