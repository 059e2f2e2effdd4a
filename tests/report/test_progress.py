"""Progress: what a terminal shows meanwhile is gone at the end; elsewhere it is lines, and none for short work."""

from __future__ import annotations

import io
import sys
import threading

import pytest

from grader.report import progress


class Screen(io.StringIO):
    """Takes itself for a terminal."""

    def isatty(self) -> bool:
        return True


def counted(done: int) -> str:
    return f"{done} of 3 done"


@pytest.mark.parametrize(("pause", "said"), [(5.0, ""), (0.0, "1 of 3 done\n2 of 3 done\n")])
def test_elsewhere_there_is_a_line_now_and_then_and_none_for_short_work(capsys, monkeypatch, pause, said):
    monkeypatch.setattr(progress, "PAUSE", pause)
    with progress.live(counted) as show:
        show(1)
        show(2)
    assert capsys.readouterr().err == said


def test_a_terminal_shows_it_without_a_thread_and_is_clean_afterwards(monkeypatch):
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(progress, "GLANCE", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    before = threading.active_count()
    with progress.live(counted) as show:
        show(1)
        assert "1 of 3 done" in screen.getvalue()
        assert threading.active_count() == before
    assert screen.getvalue().endswith("\x1b[2K"), "the line is erased"
