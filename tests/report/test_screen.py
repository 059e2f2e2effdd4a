"""What `--watch` shows: newly right, newly wrong and the score; plain lines where it is no terminal."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from reports import HOSTILE, check, item

from grader.model import CheckResult, Report, TaskResult, Verdict
from grader.report import text
from grader.report.screen import RIGHT, SKIPPED, STILL, WRONG, Screen, change

SAYS = {"message": "grad_w is transposed.", "where": "net.py:3"}
ESCAPE = "\x1b"


def one(verdict: Verdict, earned: float = 0.0, **more: Any) -> CheckResult:
    return check("backward", verdict, 4, earned, **more)


@pytest.mark.parametrize(
    ("before", "now", "kind"),
    [
        (one(Verdict.FAIL), one(Verdict.PASS, 4), RIGHT),
        (one(Verdict.SKIPPED), one(Verdict.PASS, 4), RIGHT),
        (one(Verdict.PASS, 4), one(Verdict.PASS, 4), ""),
        (one(Verdict.PASS, 4), one(Verdict.PARTIAL, 2), WRONG),
        (one(Verdict.PASS, 4), one(Verdict.INTERNAL), WRONG),
        (one(Verdict.PASS, 4), one(Verdict.SKIPPED), SKIPPED),
        (one(Verdict.FAIL), one(Verdict.SKIPPED), SKIPPED),
        (one(Verdict.SKIPPED), one(Verdict.SKIPPED), ""),
        (one(Verdict.NOT_IMPLEMENTED), one(Verdict.FAIL), STILL),
        (one(Verdict.FAIL, message="a"), one(Verdict.FAIL, message="b"), STILL),
        (one(Verdict.PARTIAL, 1), one(Verdict.PARTIAL, 2), STILL),
        (one(Verdict.FAIL, where="net.py:3"), one(Verdict.FAIL, where="net.py:4"), ""),  # a line was added above
    ],
)
def test_what_changed_is_a_word_or_two(before, now, kind):
    assert change(before, now) == kind


@pytest.fixture
def show(report, monkeypatch):
    """Show a save after which these checks have these results; what was printed."""

    def shown(
        *results: CheckResult, terminal: bool = False, encoding: str = "utf-8", problems: tuple[str, ...] = ()
    ) -> str:
        before = (one(Verdict.PASS, 4), check("forward", Verdict.FAIL, 2), check("step", Verdict.PASS, 1, 1))
        first = made(report, *before)
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setenv("TERM", "xterm" if terminal else "dumb")
        console = text.Terminal()
        raw = io.BytesIO()
        console.file = file = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
        console._force_terminal = terminal
        screen = Screen(console, "student", "work", None)
        screen.show(first, 0.0, (), ())
        file.seek(0)
        raw.truncate(0)
        screen.begin(("net.py",), first, ("1.1",))
        with screen.progress() as (told, _):
            for result in results:
                told(result)
        screen.show(made(report, *(results or before)), 0.0, (), problems)
        return raw.getvalue().decode(encoding)

    return shown


def made(report: Report, *checks: CheckResult) -> Report:
    return replace(report, tasks=(TaskResult("1", "Layers", (item("1.1", "All", *checks),)),), needs_review=())


def test_plain_lines_tell_each_change_and_both_scores(show):
    printed = show(one(Verdict.FAIL, **SAYS), check("forward", Verdict.PASS, 2, 2), check("step", Verdict.PASS, 1, 1))
    assert ESCAPE not in printed
    saved, first, second, last = printed.splitlines()
    assert saved == "saved net.py; graded again: 1.1"
    assert first == "newly wrong: 1.1 backward (net.py:3): grad_w is transposed."
    assert second == "newly right: 1.1 forward"
    assert re.fullmatch(r"Score: 3 of 7, before 5; net\.py graded in \S+ s", last)


def test_one_cause_of_several_checks_is_told_once(show):
    printed = show(one(Verdict.FAIL, **SAYS), check("step", Verdict.FAIL, 1, **SAYS))
    assert "newly wrong: 1.1 step, as 1.1 backward\n" in printed
    assert printed.count("transposed") == 1


def test_a_save_that_changes_no_result_is_told(show):
    assert "Score: 5 of 7; net.py graded in" in (printed := show())
    assert printed.endswith("s; no check's result changed\n")


def test_a_save_on_which_nothing_depends_is_told(report, capsys):
    screen = Screen(text.Terminal(), "student", "work", None)
    screen.begin(("net.py",), report, ())
    assert capsys.readouterr().out == "saved net.py; nothing that is graded here depends on it\n"
    assert screen.status(report, 1.0).startswith("Score: ")
    assert "net.py" not in screen.status(report, 1.0)


def test_a_terminal_is_drawn_anew_with_what_changed_below_the_table(show):
    printed = show(one(Verdict.FAIL, **SAYS), terminal=True)
    drawn = printed.rpartition("\x1b[2J")[2]
    assert drawn.index("Layers") < drawn.index("newly wrong") < drawn.index("before 5") < drawn.index("Ctrl-C ends")


def test_why_a_file_was_not_graded_stands_below_the_score(show):
    printed = show(problems=("net.py:3: '(' was never closed; graded again when it can be read",))
    assert printed.index("Score") < printed.index("net.py:3: '(' was never closed")


@pytest.mark.parametrize("terminal", [False, True])
def test_hostile_text_stays_text(show, terminal):
    printed = show(one(Verdict.RAISED, message=HOSTILE, where=HOSTILE), terminal=terminal)
    assert "\x1b]8" not in printed
    assert "\x00" not in printed
    assert "[bold red]score 100[/]" in printed
    assert ESCAPE not in printed or terminal


def test_a_console_without_utf_8_gets_ascii(show):
    show(one(Verdict.FAIL, message="Größe – falsch"), encoding="ascii").encode("ascii")


def test_a_fault_of_ours_is_no_traceback(show):
    printed = show(one(Verdict.INTERNAL, message="Traceback: secret"))
    assert "secret" not in printed
    assert "newly wrong: 1.1 backward: a fault of the grader; needs review" in printed


def test_a_reader_that_went_away_is_known():
    screen = Screen(text.Terminal(), "student", "work", Path("report.html"))
    assert not screen.gone
    screen.console.quiet = True
    assert screen.gone
