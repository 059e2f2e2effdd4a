"""What a student sees of checks that the rubric keeps until later."""

from __future__ import annotations

import io
import json as strict
from dataclasses import replace

from grader.model import CheckResult, ItemResult, Provenance, Remarks, Report, TaskResult, Verdict
from grader.report import html, json, text
from grader.report.audience import Audience
from grader.report.text import Terminal

SECRET = "the mask is taken from the wrong array"
PROVENANCE = Provenance(1, {}, "", "", "", "")


def report(*levels: str, remarks: Remarks | None = None) -> Report:
    checks = tuple(
        CheckResult(f"check_{level}_{at}", f"title {level}", Verdict.FAIL, 0.0, 2.0, f"{SECRET} {level}",
                    review=(f"asks {level}",), visibility=level)
        for at, level in enumerate(levels)
    )  # fmt: skip
    seen = CheckResult("seen", "what is seen", Verdict.PASS, 1.0, 1.0)
    item = ItemResult("1.1", "an item", 1.0, 1.0 + 2.0 * len(levels), (seen, *checks))
    asked = tuple(f"{check.name}: asks" for check in checks)
    return Report("hw", "ada", "", (TaskResult("1", "a task", (item,)),), asked, PROVENANCE,
                  remarks=remarks or Remarks())  # fmt: skip


def shown(given: Report, audience: Audience = "student") -> str:
    console, written = Terminal(width=200), io.StringIO()
    console.file = written
    text.show(given, audience=audience, console=console)
    pages = [renderer.render(given, audience=audience) for renderer in (html, json)]
    return "\n".join([written.getvalue(), *pages])


def test_a_student_sees_the_points_alone_of_what_is_kept_back() -> None:
    page = shown(report("hidden", "after_due"))
    assert SECRET not in page
    assert "check_hidden" not in page
    assert "asks hidden" not in page
    assert "4 points are measured after you hand in" in page


def test_what_is_kept_back_is_told_once_where_the_rest_of_its_item_is_not_there() -> None:
    given = report("hidden")
    (item,) = given.items
    absent = replace(item.checks[0], verdict=Verdict.NOT_IMPLEMENTED, earned=0.0, message="work.py is not there")
    item = replace(item, score=0.0, checks=(absent, *item.checks[1:]))
    page = shown(replace(given, tasks=(replace(given.tasks[0], items=(item,)),)))
    console = page.lower().partition("<!doctype")[0]
    assert console.count("2 points are measured after you hand in") == 1
    assert "later_1.1" not in console


def test_after_the_due_date_what_waited_for_it_is_shown_and_what_is_hidden_is_not() -> None:
    page = shown(report("hidden", "after_due", remarks=Remarks(after_due=True)))
    assert f"{SECRET} after_due" in page
    assert f"{SECRET} hidden" not in page
    assert "2 points are measured after you hand in" in page


def test_staff_sees_everything_and_visible_checks_are_as_ever() -> None:
    assert f"{SECRET} hidden" in shown(report("hidden"), "staff")
    assert f"{SECRET} visible" in shown(report("visible"))
    assert "measured after" not in shown(report("visible"))


def test_what_is_kept_of_a_report_keeps_its_visibility() -> None:
    given = report("hidden")
    assert json.parse(json.document(given)).tasks == given.tasks
    earlier = strict.loads(strict.dumps(json.document(given)))
    del earlier["tasks"][0]["items"][0]["checks"][1]["visibility"]
    found = json.parse(earlier).tasks[0].items[0].checks[1]
    assert found == replace(given.tasks[0].items[0].checks[1], visibility="visible")
