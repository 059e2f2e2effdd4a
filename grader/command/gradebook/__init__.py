"""grade.py gradebook: shows results and open questions of a class, adjusts points, compares runs, exports grades."""

from __future__ import annotations

import argparse
from pathlib import Path

from grader.command.gradebook.change import AS_GRADED, NO_FILE, adjust, take
from grader.command.gradebook.diff import diff
from grader.command.gradebook.export import EACH, EXPORTS, SHEETS, export
from grader.command.gradebook.late import late
from grader.command.gradebook.listing import ONLY, list_, show
from grader.course.caveats import partial
from grader.course.gradebook import Gradebook
from grader.model import LATE_DAYS
from grader.report.text import Printer, Terminal

WIDE = 400  # columns if there is no terminal, so that no line is wrapped


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="grade.py gradebook",
        description="Look at the gradebook of a batch, adjust points, compare runs, export.",
        epilog="exit codes: 0 done, 2 usage",
    )
    root.add_argument("folder", type=Path, metavar="DIR", help="the folder that `grade.py batch --out` filled")
    root.add_argument("--run", type=int, metavar="N", help="an earlier run (default: the last one)")
    root.add_argument("--homework", type=Path, metavar="FOLDER", help="homework folder (default: the run's)")
    verbs = root.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="everyone's points, and what waits for a person")
    listing.add_argument("--only", choices=ONLY, help="list only students in this state")
    listing.add_argument("--below", type=float, metavar="POINTS", help="list only students with fewer points")
    listing.add_argument(
        "--match", default="", metavar="TEXT", help="list only students with TEXT in an id, name or group"
    )
    show = verbs.add_parser("show", help="everything about one student")
    show.add_argument("student", metavar="STUDENT")
    adjust = verbs.add_parser("adjust", help="change the points of an item, or the number of days `late`")
    adjust.add_argument("student", metavar="STUDENT")
    adjust.add_argument("item", metavar="ITEM", help=f"as 2.1, or `{LATE_DAYS}`")
    adjust.add_argument("points", metavar="POINTS", help=f"or days; `{AS_GRADED}` removes the earlier adjustment")
    adjust.add_argument("--why", required=True, metavar="TEXT", help="the reason; the student reads it")
    adjust.add_argument("--author", metavar="NAME", help="who decided (default: the user of this machine)")
    take = verbs.add_parser("take", help="choose which of a student's files counts, from the next batch on")
    take.add_argument("student", metavar="STUDENT")
    take.add_argument("file", metavar="FILE", help=f"as the report names it; `{NO_FILE}` removes the earlier choice")
    take.add_argument("--as", dest="name", required=True, metavar="NAME", help="the wanted file that it counts as")
    take.add_argument("--why", default="it is the one that counts", metavar="TEXT", help="the student reads it")
    take.add_argument("--author", metavar="NAME", help="who decided (default: the user of this machine)")
    verbs.add_parser("late", help="who was late, and the penalties")
    diff = verbs.add_parser("diff", help="whose points or lateness differ between two runs, and why")
    diff.add_argument("old", type=int, metavar="OLD")
    diff.add_argument("new", type=int, metavar="NEW")
    export = verbs.add_parser("export", help="write the grades as another system takes them")
    export.add_argument("format", choices=[*SHEETS, *EACH], metavar="FORMAT", help=", ".join([*SHEETS, *EACH]))
    export.add_argument("--out", type=Path, metavar="FILE", help=f"file, or folder (default: in DIR/{EXPORTS})")
    export.add_argument("--assignment", default="", metavar="TITLE", help="canvas, nbgrader: the assignment's title")
    return root


def run(arguments: argparse.Namespace) -> int:
    console = Terminal()
    say = Printer(console if console.is_terminal else Terminal(width=WIDE))
    with Gradebook.open(arguments.folder) as book:
        run = book.run(arguments.run)
        VERBS[arguments.verb](book, run, arguments, say)
        if run.part and arguments.verb != "diff":
            say(partial(run), "dim")
    return 0


VERBS = {"list": list_, "show": show, "adjust": adjust, "take": take, "late": late, "diff": diff, "export": export}
