"""grade.py selftest: how often a homework's checks reject right work, and how often they accept wrong work."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from grader import mistakes
from grader.command.check_homework import handed_in
from grader.course.pool import choose_width
from grader.errors import SubmissionError, UsageError
from grader.files import check_place, is_output, write
from grader.loading import load
from grader.model import Homework, Submission
from grader.report.progress import live
from grader.report.text import Printer, Terminal
from grader.sandbox.launch import ONE_THREAD
from grader.selftest import runs, table, trial

SOUND, FINDINGS, FAULT = 0, 1, 3
OWN = Path(__file__).parents[1] / "homework"


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="grade.py selftest",
        description="Grade right work and mutants of the reference, and count what is judged wrongly.",
        epilog="exit codes: 0 nothing is judged wrongly, 1 something is, 2 usage, 3 a check broke, 130 stopped",
    )
    add = root.add_argument
    add("--task", action="append", default=[], metavar="ID", help="only this task or item; repeatable")
    add("--quick", action="store_true", help="fewer seeds and mutants: about a minute on two cores")
    add(
        "--seeds",
        type=int,
        default=trial.SEEDS,
        metavar="N",
        help=f"grade right work with N seeds (default: {trial.SEEDS})",
    )
    add("--jobs", type=int, metavar="N", help="gradings at a time (default: one per core)")
    add("--json", type=Path, metavar="FILE", help="write everything as JSON; - prints it")
    add("--homework", type=Path, default=OWN, metavar="FOLDER", help="another homework's folder")
    return root


def run(arguments: argparse.Namespace) -> int:
    jobs = choose_width(arguments.jobs)
    if arguments.seeds < 1:
        raise UsageError(f"--seeds is {arguments.seeds}; it must be at least 1")
    if arguments.json:
        check_place(arguments.json, '{\n  "title"')
    os.environ.update(ONE_THREAD)
    homework = load(arguments.homework)
    reference = handed_in(homework, homework.reference)
    items, others = trial.chosen(homework, arguments.task)
    if not items:
        raise UsageError("the items asked for have no checks; name others with --task")
    wrong = tuple(known(homework, reference))
    with live(str) as tell, runs.pooled(arguments.homework, jobs) as grade:
        plan = trial.Plan(homework, reference, items, arguments.quick, arguments.seeds, wrong, tell)
        found = trial.tested(plan, grade)
    if others and not arguments.task:
        found.not_tried = others
        found.notes.insert(0, f"not tried: {', '.join(others)}, which read data sets; --task ID tries one")
    show(found, arguments.json)
    return FAULT if found.faults else SOUND if found.sound else FINDINGS


def known(homework: Homework, reference: Submission) -> list[Submission]:
    """The wrong work that the homework names; what cannot be read is for check-homework to tell."""
    found = []
    for one in mistakes.read(homework.folder)[0]:
        try:
            found.append(
                one.made_in(reference) if one.file else handed_in(homework, homework.folder / "wrong" / one.name)
            )
        except (UsageError, SubmissionError):
            continue
    return found


def show(found: table.Table, place: Path | None) -> None:
    printed = place is not None and is_output(place)
    if place:
        write(place, json.dumps(table.document(found), indent=2) + "\n")
    say = Printer(Terminal(stderr=printed))
    for line in table.lines(found):
        say(line)
