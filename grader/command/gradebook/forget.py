"""gradebook forget: deletes all that the folder holds of a student."""

from __future__ import annotations

import argparse

from grader.course import forget as forgetting
from grader.course.folder_lock import claim
from grader.course.gradebook import Gradebook, Run
from grader.report.text import Printer

LEFT = 1  # the exit code where something in the folder still names the student


def forget(book: Gradebook, run: Run, arguments: argparse.Namespace, say: Printer) -> int:
    with claim(book.folder):
        begun = forgetting.pending(book.folder)
        left = finished(book, begun, say) if begun else 0
        if begun is None or not begun.is_of(arguments.student):
            what = forgetting.plan(book, arguments.student)
            together = forgetting.together(book, what)
            left = max(left, finished(book, what, say))
            if together:
                say(f"{', '.join(together)} handed in the same work, which stays")
    folder, roster = (run.settings.get(key) for key in ("folder", "roster"))
    if told := " and ".join(path for path in (folder, roster) if path):
        say(f"delete the student from {told} as well, or the next batch grades the work again")
    say("exports were deleted; export again what you need, and delete copies that lie elsewhere")
    return left


def finished(book: Gradebook, what: forgetting.Plan, say: Printer) -> int:
    left = forgetting.forget(book, what)
    say(
        f"{', '.join(what.ids)}: forgotten{'' if left else f'; {book.folder} holds nothing more of this student'}",
        "bold",
    )
    for path in left:
        say(f"{path} may still name the student; read it, and delete it yourself", "magenta")
    return LEFT if left else 0
