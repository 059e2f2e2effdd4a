"""The report on a terminal: what is said, once, in what the terminal can show, and nothing of it hostile."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest

from grader.model import CheckResult, ItemResult, TaskResult, Verdict
from grader.report import text
from grader.report.text import Terminal


def shown(report, *, width=100, encoding="utf-8", **options):
    buffer = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    console = Terminal(width=width)
    console.file = buffer
    text.show(report, console=console, **options)
    buffer.flush()
    return buffer.buffer.getvalue().decode(encoding)


def row(page, name):
    lines = (" ".join(line.split()) for line in page.splitlines())
    return next(line for line in lines if line.startswith(name))


def test_tasks_items_points_and_verdicts_are_a_table(report):
    page = shown(report)
    assert row(page, "1 Computational") == "1 Computational graphs 8.33 / 10"
    assert row(page, "1.1") == "1.1 f3, forward and backward 8.33 / 10 ◐ partial"
    assert row(page, "1.2") == "1.2 f4 (optional) no points ✗ fail"
    assert row(page, "5 Fashion") == "5 Fashion-MNIST – / 25"
    assert row(page, "5.1") == "5.1 Notebook 1 – / 15 – not graded"
    assert row(page, "2.3") == "2.3 Softmax loss 0 / 5 ○ not implemented"


def test_the_score_keeps_what_was_not_graded_apart(report):
    assert "Score: 19.33 of 40 graded; 25 not graded here" in shown(report)


def test_a_problem_is_a_sentence_with_the_students_own_line(report):
    page = " ".join(shown(report).split())
    assert "✗ 2.1 fc_backward (layers.py:31): grad_w should have shape (5, 3), but it has shape (3, 5)" in page
    assert "■ 3.1 net_predict (net.py:7): It tried to open a network connection." in page
    assert "○ 2.3 not implemented yet" in page
    assert page.count("this version does not grade notebooks yet") == 1
    assert "– 5.1, 5.2 not graded: this version does not grade notebooks yet" in page
    assert "– 3.1 net_save, advice: Prefer log-sum-exp: it stays finite." in page


def test_checks_that_failed_alike_share_their_sentence(report):
    checks = [
        CheckResult(name, "T", Verdict.RAISED, 0, 1, message="layers.py cannot be imported", where="layers.py:3")
        for name in ("one", "two")
    ]
    items = [ItemResult(f"9.{at}", "T", 0, 1, (check,)) for at, check in enumerate(checks, 1)]
    page = shown(replace(report, tasks=(TaskResult("9", "T", tuple(items)),)))
    assert page.count("layers.py cannot be imported") == 1
    assert "9.1, 9.2 2 checks (layers.py:3): layers.py cannot be imported" in page


def test_an_input_is_shown_where_it_is_short_and_its_option_told_where_it_is_long(report):
    def page(example: str) -> str:
        check = CheckResult("one", "T", Verdict.FAIL, 0, 1, message="it is wrong", example=example)
        item = ItemResult("9.1", "T", 0, 1, (check,))
        return " ".join(shown(replace(report, tasks=(TaskResult("9", "T", (item,)),))).split())

    assert "an input that fails: layers.relu_forward(-1.0)" in page("layers.relu_forward(-1.0)")
    told = "the smallest input that fails is too long to be shown here; --repro 9.1 writes it to a file"
    assert told in page("\n".join("x = 1" for _ in range(text.LINES + 1)))
    assert told in page("x" * (text.WIDE + 1))


def test_work_that_is_not_begun_is_one_line_and_advice_is_given_once(report):
    """However many items and checks it is about."""
    stubs = [CheckResult(name, "T", Verdict.NOT_IMPLEMENTED, 0, 1) for name in ("one", "two")]
    advised = [CheckResult(name, "T", Verdict.PASS, 1, 1, advice=("use log-sum-exp",)) for name in ("three", "four")]
    items = [ItemResult(f"9.{at}", "T", 0, 1, (check,)) for at, check in enumerate((*stubs, *advised), 1)]
    page = shown(replace(report, tasks=(TaskResult("9", "T", tuple(items)),)))
    assert "○ 9.1, 9.2 not implemented yet" in page
    assert page.count("use log-sum-exp") == 1
    assert "– 9.3, 9.4 2 checks, advice: use log-sum-exp" in page


def test_a_log_gets_whole_lines(report, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    page = shown(report, width=None)
    assert "grad_w should have shape (5, 3), but it has shape (3, 5): transposed." in page
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, shown(report, width=None).splitlines())) <= 60


def test_a_flood_of_prints_is_cut_and_counted(report):
    page = shown(report)
    assert page.count("shape is (3, 5)") == 12
    assert "… 28 more lines" in page


def test_a_fault_of_ours_is_told_to_staff_only(report):
    assert "a fault of the grader; needs review" in shown(report)
    assert "secret_reference_value" not in shown(report)
    assert "secret_reference_value" in shown(report, audience="staff")
    assert "3 points wait for a review" in shown(report)


def test_nothing_hostile_reaches_the_terminal(report):
    page = shown(report, width=4000)
    assert not [char for char in page if ord(char) < 32 and char != "\n"]
    assert not set("\x9b\u202e\u202c\udce9") & set(page)
    assert "[bold red]score 100[/]" in page  # as it was written, and not obeyed
    assert "{{ 7*7 }}" in page


def test_a_terminal_without_unicode_gets_ascii(report):
    page = shown(report, encoding="ascii")
    assert "+ pass" in page
    assert "? needs review" in page
    assert page.isascii()


@pytest.mark.parametrize("width", [40, 60, 100])
def test_no_line_is_wider_than_the_terminal(report, width):
    assert max(map(len, shown(report, width=width).splitlines())) <= width


def test_seed_isolation_notes_and_the_page_stand_at_the_end(report):
    page = " ".join(shown(report, page=Path("report.html")).split())
    assert re.search(r"isolation: no confinement; seed 7 report: report\.html$", page)
    assert "? needs review: 2.2: a fault of the grader" in page


def test_a_perfect_report_has_no_problems(perfect):
    page = shown(perfect)
    assert "Score: 10 of 10" in page
    assert "✗" not in page


def test_progress_is_shown_on_a_terminal_only(report, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    silent = Terminal(width=80)
    silent.file = io.StringIO()
    with text.progress(silent) as (on_result, on_progress):
        on_progress("epoch 1")
        on_result(report.checks[0])
    assert silent.file.getvalue() == ""
    monkeypatch.setattr(Terminal, "is_terminal", True)
    live = Terminal(width=80)
    live.file = io.StringIO()
    with text.progress(live) as (on_result, on_progress):
        on_result(report.checks[0])
        on_progress("epoch 1 of 3, loss 2.3")
    assert "1 checks" in live.file.getvalue()
    assert "epoch 1 of 3, loss 2.3" in live.file.getvalue()
