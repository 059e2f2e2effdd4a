"""What a check draws: curves and weights as SVG in the page, as data in the JSON."""

from __future__ import annotations

import base64
import json as stdlib_json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from figures import BARS, CONFUSION, CURVES, PICTURES, TABLE, WEIGHTS
from hypothesis import given
from hypothesis import strategies as st

from grader.model import CheckResult, Figure, ItemResult, Measure, TaskResult, Verdict
from grader.report import charts, html, json, panels, plots

SCHEMA = stdlib_json.loads((Path(json.__file__).parent / "report.schema.json").read_text(encoding="utf-8"))
XML = "{http://www.w3.org/2000/svg}"


def svg(figure: Figure, prefix: str = "a") -> ElementTree.Element:
    text = charts.picture(figure, prefix)
    return ElementTree.fromstring(text.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1))


@pytest.fixture
def drawn(report):
    """A report with two checks that draw both figures."""
    figures = (Figure("curves", "Loss & <accuracy>", CURVES), Figure("weights", "Weights", WEIGHTS))
    checks = [
        CheckResult(name, "T", Verdict.PASS, 1, 1, figures=figures, review=("look at <it>",)) for name in ("one", "two")
    ]
    item = ItemResult("9.2", "Best model", 2, 2, tuple(checks))
    return replace(report, tasks=(*report.tasks, TaskResult("9", "Training", (item,))))


def test_curves_show_both_accuracies_and_the_bar():
    words = " ".join(svg(Figure("curves", "t", CURVES)).itertext())
    for word in ("Training loss", "Accuracy in %", "bar 40 %", "training", "validation", "epoch", "step"):
        assert word in words


def test_the_judged_accuracy_is_drawn_in_ink():
    for judged, other in (("validation", "training"), ("training", "validation")):
        page = charts.picture(Figure("curves", "t", {**CURVES, "judged": judged}), "a")
        labels = {name: re.search(rf"<text[^>]*>{name}<", page)[0] for name in ("training", "validation")}
        assert "var(--ink)" in labels[judged]
        assert "var(--quiet)" in labels[other]


@pytest.mark.parametrize(
    "changed",
    [
        {"losses": [2.3, 50.0, 1e6, None]},
        {"losses": [None] * 4},
        {"steps": [], "losses": []},
        {"epochs": [], "training": [], "validation": []},
        {"training": [0.0], "validation": [1.0], "epochs": [40]},
        {"epochs": list(range(200)), "training": [0.1] * 200, "validation": [0.1] * 200},
    ],
)
def test_runs_that_broke_off_are_drawn_too(changed):
    drawn = ElementTree.fromstring(charts.picture(Figure("curves", "t", CURVES | changed), "a"))
    assert [part.tag for part in drawn] == ["svg", "svg"]


def test_weights_are_one_image_without_a_network():
    root = svg(Figure("weights", "t", WEIGHTS))
    (image,) = root.iter(f"{XML}image")
    assert image.get("href").startswith("data:image/png;base64,")
    assert root.get("viewBox") == f"0 0 {6 * 36 - 4} {2 * 36 - 4}"


def test_a_page_with_figures_is_safe_and_its_ids_are_its_own(drawn):
    page = html.render(drawn)
    assert page.count("<svg") == 2 * 3 + 3  # curves are two drawings each, and there are three panels of measurements
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for used in re.findall(r"(?:url\(#|href=\"#)([^\")]+)", page):
        assert used in ids, used
    assert "<b>early" not in page
    assert "Stopped &lt;b&gt;early&lt;/b&gt; &amp; well." in page
    assert "<accuracy>" not in page
    assert not re.search(r"(?:href|src)=\"https?:", page)


def test_a_panel_that_is_longer_than_a_page_goes_on_in_another(report):
    measures = tuple(Measure(f"grad of x{at}", 1e-12, 1e-9) for at in range(90))
    check = CheckResult("many", "T", Verdict.PASS, 1, 1, measures=measures)
    item = ItemResult("9.1", "T", 1, 1, (check,))
    drawn = panels.panels(replace(report, tasks=(TaskResult("9", "T", (item,)),)))
    assert [panel.title for panel in drawn] == ["Gradient errors", *["Gradient errors, continued"] * 2]
    assert [len(panel.rows) for panel in drawn] == [40, 40, 10]


def test_figures_can_be_left_out(drawn):
    assert "<svg" not in html.render(drawn, figures=False)


def test_the_same_report_is_the_same_page(drawn):
    assert html.render(drawn) == html.render(drawn)


def test_json_holds_figures_and_questions(drawn):
    document = stdlib_json.loads(json.render(drawn))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    check = document["tasks"][-1]["items"][0]["checks"][0]
    assert check["figures"][0] == {"kind": "curves", "title": "Loss & <accuracy>", "data": CURVES}
    assert check["review"] == ["look at <it>"]


@given(st.lists(st.floats(0, 100), max_size=5))
def test_labels_keep_their_order_and_their_distance(heights):
    placed = plots.apart(heights)
    assert sorted(range(len(heights)), key=lambda at: heights[at]) == sorted(
        range(len(placed)), key=lambda at: placed[at]
    )
    assert all(second - first >= 7.99 for first, second in pairwise(sorted(placed)))
    assert all(height <= 100.01 for height in placed)


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("confusion", CONFUSION, ("Shirt", "<Bag>", "75", "25", "Accuracy of each class: Shirt 75%, <Bag> 0%.")),
        ("images", PICTURES, ("Shirt,", "taken for <Bag> (100%)")),
        ("bars", BARS, ("tabby", "90 %", "4 %", "<b>")),
    ],
)
def test_what_a_student_named_is_text(kind, data, words):
    found = " ".join(svg(Figure(kind, "t", data)).itertext())
    for word in words:
        assert word in found


def test_a_share_of_a_row_is_a_share_of_its_cell():
    page = charts.picture(Figure("confusion", "t", CONFUSION), "a")
    assert page.count("fill-opacity") + page.count("opacity: 0.35") >= 2, "a square for 75 %, one for 25 %, none for 0"


def test_pictures_are_png_of_their_own_pixels():
    for kind, data, count in (("images", PICTURES, 2), ("bars", BARS, 1)):
        found = list(svg(Figure(kind, "t", data)).iter(f"{XML}image"))
        assert len(found) == count
        for image in found:
            assert base64.b64decode(image.get("href").partition(",")[2]).startswith(b"\x89PNG")


def test_a_table_is_text():
    page = charts.picture(Figure("table", "t", TABLE), "a")
    assert "&lt;b&gt;Conv2d&lt;/b&gt;" in page
    assert page.count('class="num"') == 2


def test_an_accuracy_of_one_epoch_has_no_epoch_and_a_half():
    one = CURVES | {"epochs": CURVES["epochs"][:1]} | {name: CURVES[name][:1] for name in ("training", "validation")}
    words = list(svg(Figure("curves", "t", one)).itertext())
    assert "1" in words
    assert not {"0.6", "0.8"} & set(words)  # the losses are above 1


def test_curves_of_looks_name_their_accuracy():
    data = {name: value for name, value in CURVES.items() if name != "validation"}
    words = " ".join(
        svg(Figure("curves", "t", data | {"test": [0.3, 0.4], "judged": "test", "look": "look"})).itertext()
    )
    assert "test" in words
    assert "look" in words
    assert "epoch" not in words


def test_measurements_of_one_quantity_share_a_row_whatever_their_sizes_and_circumstances(report):
    names = ("grad_w (2, 3)", "grad_w (N=3), reg=0.7", "grad_w of Net(2, 3), 1 row", "grad_w of Net(4, 3), 70 rows",
             "grad_w of Net(4, 3), 70 rows, asked again", "L on data.pkl['f (y=1)']", "L on data.pkl['f (y=2)'], again",
             "(odd), name")  # fmt: skip
    measures = tuple(Measure(name, 1e-12, 1e-9) for name in names)
    check = CheckResult("grads", "t", Verdict.PASS, 1, 1, measures=measures)
    item = ItemResult("9.1", "t", 1, 1, (check,))
    drawn = panels.panels(replace(report, tasks=(TaskResult("9", "T", (item,)),)))
    found = {row.label: len(row.measures) for panel in drawn for row in panel.rows}
    rows = {
        "grad_w": 2,
        "grad_w of Net": 3,
        "L on data.pkl['f (y=1)']": 1,
        "L on data.pkl['f (y=2)']": 1,
        "(odd), name": 1,
    }
    assert found == {f"9.1 {name}": count for name, count in rows.items()}
