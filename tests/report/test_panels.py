"""What was measured, drawn: each number lies where its value says, on the right side of its bar."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from grader.model import CheckResult, ItemResult, Measure, TaskResult, Verdict
from grader.report import panels
from grader.report.panels import LEFT, RIGHT, Panel, Row

XML = "{http://www.w3.org/2000/svg}"


def paths(panel: Panel) -> dict[str, list[tuple[float, float]]]:
    """Colour -> where its marks begin."""
    found = ElementTree.fromstring(panels.drawn(panel, 0).replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1))
    return {
        path.get("stroke"): [(float(x), float(y)) for x, y in re.findall(r"M([\d.]+) ([\d.]+)", path.get("d"))]
        for path in found.iter(f"{XML}path")
    }


def one(*measures: Measure, scale: str = "powers") -> Panel:
    return Panel("Errors & <b>", (Row("2.1 <i>grad", measures),), scale)


def test_an_error_that_holds_is_left_of_its_bar_and_one_that_does_not_is_right_of_it():
    found = paths(one(Measure("a", 1e-12, 1e-9), Measure("b", 1e-3, 1e-9)))
    ((bar, row),) = found["var(--accent)"]
    ((good, at),), ((bad, _),) = found["var(--good)"], found["var(--bad)"]
    assert good < bar < bad
    assert at == row
    per_power = (RIGHT - LEFT) / 20
    assert bar - good == pytest.approx(3 * per_power, abs=0.2)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e308])
def test_what_is_not_finite_lies_at_the_bad_edge(value):
    assert paths(one(Measure("a", value, 1e-9)))["var(--bad)"][0][0] == pytest.approx(RIGHT, abs=0.1)
    accuracy = paths(one(Measure("a", float("nan"), 0.5, at_least=True), scale="percent"))
    assert accuracy["var(--bad)"][0][0] == pytest.approx(LEFT, abs=0.1)


def test_an_error_of_zero_lies_at_the_left_edge():
    assert paths(one(Measure("a", 0.0, 1e-9)))["var(--good)"][0][0] == pytest.approx(LEFT, abs=0.1)


@pytest.mark.parametrize(
    ("measure", "good"),
    [
        (Measure("the reward", -200.0, -40.0, at_least=True), False),
        (Measure("the reward", -9.0, -40.0, at_least=True), True),
        (Measure("times as fast", 4.0, 5.0, at_least=True), False),
        (Measure("bytes", 5e6, 4e6), False),
        (Measure("bytes", 3e6, 4e6), True),
        (Measure("bytes", math.inf, 4e6), False),
        (Measure("huge", -1e308, 1e308, at_least=True), False),
    ],
)
def test_a_number_that_is_no_share_and_no_error_has_a_scale_of_its_own(report, measure, good):
    check = CheckResult("one", "T", Verdict.PASS, 1, 1, measures=(measure,))
    tasks = (TaskResult("9", "T", (ItemResult("9.1", "T", 1, 1, (check,)),)),)
    (panel,) = panels.panels(replace(report, tasks=tasks))
    assert panel.title == "Other numbers, each row on its own scale"
    found = paths(panel)
    ((bar, _),), ((at, _),) = found["var(--accent)"], found["var(--good)" if good else "var(--bad)"]
    assert min(at, bar) >= LEFT
    assert max(at, bar) <= RIGHT + 0.1
    if measure.name != "huge" and math.isfinite(measure.value):
        assert sorted((at, bar)) == pytest.approx([LEFT + 0.1 * (RIGHT - LEFT), LEFT + 0.9 * (RIGHT - LEFT)], abs=0.1)
    if measure.name != "huge":
        assert (at > bar) == (good == measure.at_least)


def test_names_are_text():
    drawn = panels.drawn(one(Measure("a", 0.0, 1e-9)), 3)
    assert "2.1 &lt;i&gt;grad" in drawn
    assert "Errors &amp; &lt;b&gt;" in drawn
    assert 'id="plot3-title"' in drawn
