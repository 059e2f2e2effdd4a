"""grade.py gradebook: shows results and open questions of a class, adjusts points, compares runs, exports grades."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from pathlib import Path

from grader.command.gradebook.change import AS_GRADED, NO_FILE, adjust, take
from grader.command.gradebook.diff import diff
from grader.command.gradebook.export import EACH, SHEETS, export
from grader.command.gradebook.feedback import FEEDBACK, PLATFORMS
from grader.command.gradebook.forget import forget
from grader.command.gradebook.late import late
from grader.command.gradebook.listing import ONLY, list_, show
from grader.command.gradebook.release import release
from grader.course import forget as forgetting
from grader.course.caveats import partial
from grader.course.database import EXPORTS
from grader.course.gradebook import Gradebook, Run
from grader.files import is_output
from grader.model import LATE_DAYS
from grader.report.text import Printer, Terminal
from grader.report.wording import read_number

WIDE = 400  # columns if there is no terminal, so that no line is wrapped


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="grade.py gradebook",
        description="Look at the gradebook of a batch, adjust points, compare runs, export.",
        epilog="exit codes: 0 done, 1 forget: a file may still name the student, 2 usage",
    )
    root.add_argument("folder", type=Path, metavar="DIR", help="the folder that `grade.py batch --out` filled")
    for where in (root, *add_verbs(root)):  # both options may stand before the verb and after it
        add, given = where.add_argument, None if where is root else argparse.SUPPRESS
        add("--run", type=int, default=given, metavar="N", help="an earlier run (default: the last one)")
        add("--homework", type=Path, default=given, metavar="FOLDER", help="homework folder (default: the run's)")
    return root


def add_verbs(root: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    verbs = root.add_subparsers(dest="verb", required=True, metavar="VERB")

    def add_verb(
        name: str, does: str, *, of_a_student: bool = False, by_a_person: bool = False
    ) -> argparse.ArgumentParser:
        verb = verbs.add_parser(name, help=does, description=f"{does[0].upper()}{does[1:]}.")
        if of_a_student:
            verb.add_argument("student", metavar="STUDENT", help="an id, name or e-mail")
        if by_a_person:
            verb.add_argument("--author", metavar="NAME", help="who decided (default: the user of this machine)")
        return verb

    listing = add_verb("list", "everyone's points, and what waits for a person")
    listing.add_argument("--only", choices=ONLY, help="list only students in this state")
    listing.add_argument("--below", type=points, metavar="POINTS", help="list only students with fewer points")
    listing.add_argument(
        "--match", default="", metavar="TEXT", help="list only students with TEXT in an id, name or group"
    )
    add_verb("show", "everything about one student", of_a_student=True)
    adjust = add_verb(
        "adjust", "change the points of an item, or the number of days `late`", of_a_student=True, by_a_person=True
    )
    adjust.add_argument("item", metavar="ITEM", help=f"as 2.1, or `{LATE_DAYS}`")
    adjust.add_argument("points", metavar="POINTS", help=f"or days; `{AS_GRADED}` removes the earlier adjustment")
    adjust.add_argument("--why", required=True, metavar="TEXT", help="the reason; the student reads it")
    take = add_verb(
        "take", "choose which of a student's files counts, from the next batch on", of_a_student=True, by_a_person=True
    )
    take.add_argument("file", metavar="FILE", help=f"as the report names it; `{NO_FILE}` removes the earlier choice")
    take.add_argument("--as", dest="name", required=True, metavar="NAME", help="the wanted file that it counts as")
    take.add_argument(
        "--why", default="it is the one that counts", metavar="TEXT", help="the reason; the student reads it"
    )
    add_verb("late", "who was late, and the penalties")
    diff = add_verb("diff", "whose points or lateness differ between two runs, and why")
    diff.add_argument("old", type=int, metavar="OLD", help="the number of the earlier run")
    diff.add_argument("new", type=int, metavar="NEW", help="the number of the later run")
    add_export_options(add_verb("export", "write the grades as another system takes them"))
    release = add_verb(
        "release", "show students the results of a run, if the rubric waits for a person", by_a_person=True
    )
    release.add_argument("items", nargs="*", metavar="ITEM", help="as 2.1 (default: all)")
    release.add_argument("--take-back", action="store_true", help="hide them again")
    release.add_argument("--log", action="store_true", help="only list what was released, when and by whom")
    add_verb("forget", "delete all that this folder holds of a student", of_a_student=True)
    return list(verbs.choices.values())


def add_export_options(export: argparse.ArgumentParser) -> None:
    add, formats = export.add_argument, [*SHEETS, *EACH, FEEDBACK]
    add("format", choices=formats, metavar="FORMAT", help=", ".join(formats))
    add("--out", type=Path, metavar="FILE", help=f"file, or folder (default: in DIR/{EXPORTS})")
    add("--assignment", default="", metavar="TITLE", help="canvas, nbgrader: the assignment's title")
    add("--for", dest="platform", choices=PLATFORMS, help=f"{FEEDBACK}: the platform that takes it")
    add("--from", dest="sender", default="", metavar="ADDRESS", help=f"{FEEDBACK} --for email: the sender")
    add("--again", action="store_true", help=f"{FEEDBACK}: also for students who got the same one before")
    add("--pseudonyms", action="store_true", help="csv, jsonl: for research, with pseudonyms instead of names and ids")


def points(text: str) -> float:
    """Read a number. Raises ValueError for nan too, because no score is below it."""
    if math.isnan(value := read_number(text)):
        raise ValueError
    return value


def run(arguments: argparse.Namespace) -> int:
    out = getattr(arguments, "out", None)
    beside = out is not None and is_output(out)
    console = Terminal(stderr=beside)
    say = Printer(console if console.is_terminal else Terminal(stderr=beside, width=WIDE))
    with Gradebook.open(arguments.folder) as book:
        run = book.run(arguments.run)
        if arguments.verb != "forget" and forgetting.pending(book.folder):
            print("grade.py: notice: `forget` was interrupted; type it again to finish it", file=sys.stderr)
        code = VERBS[arguments.verb](book, run, arguments, say)
        if run.part and arguments.verb != "diff":
            say(partial(run), "dim")
    return code or 0


Verb = Callable[[Gradebook, Run, argparse.Namespace, Printer], int | None]  # gives the exit code; None is 0
VERBS: dict[str, Verb] = {
    "list": list_,
    "show": show,
    "adjust": adjust,
    "take": take,
    "late": late,
    "diff": diff,
    "export": export,
    "release": release,
    "forget": forget,
}
