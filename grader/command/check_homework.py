"""grade.py check-homework: reports each inconsistency of a homework in a sentence, with its line and how to fix it."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial, wraps
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType
from typing import Any

from numpy.random import Generator

from grader import check, handout, loading, mistakes
from grader.check import Subject
from grader.data import datasets
from grader.errors import SubmissionError, UsageError
from grader.grading import grade
from grader.intake.submission import read, stubs
from grader.loading import load
from grader.model import CheckResult, Homework, Item, Report, Submission, Verdict
from grader.release.recording import unrecordable
from grader.report import html
from grader.report.progress import live
from grader.report.text import Printer, Terminal
from grader.sandbox.launch import ONE_THREAD, Zygotes
from grader.selftest import equivalents
from grader.selftest.wheats import completed
from grader.wrong_parts import Graded

CONSISTENT, FINDINGS = 0, 1
SEEDS = 3
ONE = 1 + 1e-9  # the largest fraction, rounded
Grading = Callable[..., Report]  # of a submission, a homework, a seed, and the items to grade, which may be left out
Run = Callable[[Subject, Generator], float | None]  # a check's function


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="grade.py check-homework",
        description="Find inconsistencies in a homework, and say how to fix them.",
        epilog="exit codes: 0 consistent, 1 findings, 2 usage",
    )
    root.add_argument("folder", type=Path, metavar="FOLDER", help="the homework's folder, which holds rubric.yaml")
    root.add_argument(
        "--seeds", type=int, default=SEEDS, metavar="N", help=f"grade the reference with N seeds (default: {SEEDS})"
    )
    root.add_argument(
        "--data-root", type=Path, metavar="FOLDER", help="folder with data (default: BACKGRADE_DATA, or a cache)"
    )
    return root


def run(arguments: argparse.Namespace) -> int:
    folder = arguments.folder
    if folder.is_file():
        raise UsageError(f"{folder} is a file; name the homework's folder, {folder.parent}")
    if not (folder / "rubric.yaml").is_file():
        make = f"python grade.py new-homework {shlex.quote(str(folder))}"
        raise UsageError(f"{folder} contains no rubric.yaml; name a homework's folder, or make one: {make}")
    if arguments.seeds < 1:
        raise UsageError(f"--seeds is {arguments.seeds}; it must be at least 1")
    datasets.check_root(arguments.data_root)
    os.environ.update(ONE_THREAD)
    say, count = Printer(Terminal()), 0
    lines: list[str] = []

    def note(text: str) -> None:
        lines.append(f"note: {text}")

    try:
        with live(str) as tell:
            for finding in findings(folder, arguments.seeds, arguments.data_root, note, tell):
                lines.append(finding)
                count += 1
    finally:  # also where it is interrupted
        for line in lines:
            say(line)
    say(f"{count} finding{'s' * (count != 1)}" if count else "this homework is consistent")
    return FINDINGS if count else CONSISTENT


def findings(
    folder: Path, seeds: int, data_root: Path | None, note: Callable[[str], None], tell: Callable[[str], None]
) -> Iterator[str]:
    """One sentence for each inconsistency. `note` gets a sentence for each check that cannot run on this machine, and
    `tell` what is done now."""
    try:
        homework = load(folder)
    except UsageError as error:
        yield from str(error).splitlines()  # a rubric's mistakes have a line each
        return
    passed: set[str] = set()
    failed: set[str] = set()
    homework = noting(with_each(homework, quoting), passed)
    store = datasets.Store(homework, data_root)
    with Zygotes() as zygotes:

        def run_on(submission: Submission, homework: Homework, seed: int, only: Collection[str] = ()) -> Report:
            about = f"{submission.name}, seed {seed}"
            return grade(
                submission, homework, seed=seed, only=only, launch=zygotes.launch, data=store,
                on_result=lambda result: tell(f"{about}: {result.name}"),
                on_progress=lambda text: tell(f"{about}: {text}"),
            )  # fmt: skip

        yield from plan_findings(homework)
        yield from selftest_findings(folder)
        yield from handout_findings(homework)
        try:
            yield from reference_findings(homework, run_on, seeds, note, failed)
            yield from untouched_findings(homework, run_on, failed)
            yield from right_findings(homework, run_on, note, failed)
            yield from wrong_findings(homework, run_on, note, failed)
            yield from number_findings(homework, passed, note)
            if not failed:
                note_recording(homework, run_on, note)
        except UsageError as error:  # a mistake in the rubric or a data set, found while a check ran
            yield str(error)


# The rubric and the handout


def plan_findings(homework: Homework) -> Iterator[str]:
    """Modules that the handout does not list, and data sets that no task reads."""
    plan = homework.rubric
    for section in plan.sections:
        for module, path in section.modules.items():
            if not {path, str(Path(path).with_suffix(".ipynb"))} & set(plan.handout.files):
                yield f"{plan.where('module', module)}: the handout does not list {path}; add it under `handout:`"
        there = {Path(path).name for path in (*section.modules.values(), *plan.handout.files)}
        for file in (name for name in section.submit if name.endswith(".py") and name not in there):
            where = plan.where("section", section.id)
            yield f"{where}: submit names {file}, which is in neither `modules` nor `handout:`; correct the name"
        for name in section.needs:
            if not (find_spec(name) or imports(homework, name)):
                where = plan.where("need", name)
                yield f"{where}: section {section.id} needs {name}, but no file imports it; correct or delete it"
    for one in homework.checks.values() if homework.modules else ():
        if one.about and not is_there(homework, one.about):
            where = check.defined_at(one)
            yield f"{where}: {one.name} is about {one.about}, which the reference does not have; correct it"
    for section in plan.sections if homework.modules else ():
        graded = Graded(homework, section, {})
        own = [item for task in plan.tasks if task.section == section.id for item in task.items]
        for item, lower in ((one, graded.item(name)) for one in own for name in one.built_on):
            names = [name for _, name in graded.irreplaceable(lower, lower.checks)]
            if names and len(names) == len(lower.checks):
                yield (
                    f"{plan.where('item', item.id)}: item {item.id} is built on {lower.id}, but nothing can stand in "
                    f"for {names[0]}; name it under `stand_ins`, or leave {lower.id} out of `built_on`"
                )
    reads = {name for task in plan.tasks for name in (*task.data, *(one for item in task.items for one in item.data))}
    for name in sorted({section.id for section in plan.sections} - {task.section for task in plan.tasks}):
        yield f"{plan.where('section', name)}: no task has the section {name}; delete it, or name it in a task"
    for name in sorted(plan.data.keys() - reads):
        yield f"{plan.where('data', name)}: no task reads the data set {name}; delete it, or add `data: [{name}]`"


def imports(homework: Homework, package: str) -> bool:
    """Whether a file of the homework imports a package."""
    line = re.compile(rf"\b(?:import|from)[ \t]+(?:[\w.]+,[ \t]*)*{re.escape(package)}\b".encode())
    files = (folder / name for folder in (homework.folder, homework.reference) for name in loading.files_below(folder))
    return any(line.search(path.read_bytes()) for path in files)


def is_there(homework: Homework, about: str) -> bool:
    """Whether the reference has what a check says that it is about, as "module.Class.method"."""
    name, *path = about.split(".")
    found: Any = homework.modules.get(name)
    for part in path:
        found = getattr(found, part, None)
    return found is not None


def selftest_findings(folder: Path) -> Iterator[str]:
    """What of selftest.yaml cannot be read."""
    try:
        equivalents.read(folder)
    except UsageError as error:
        yield str(error)


def handout_findings(homework: Homework) -> Iterator[str]:
    """Files of student/ that differ from the handout made from the reference, contain a solution, or are no Python."""
    root = handout.home(homework.folder)
    if not (root / "reference").is_dir():
        return
    for path in sorted((root / "student").rglob("*.py")):
        before, mark, _ = path.read_bytes().partition(b"# BEGIN SOLUTION")
        if mark:
            number = before.count(b"\n") + 1
            yield f"{path}:{number}: students would get this solution; delete this file, or the solution in it"
    cure = f"run: python -m grader.handout --homework {shlex.quote(str(homework.folder))} --overwrite"
    for name, content in handout.contents(root / "reference", root / "fixtures", homework.rubric).items():
        path = root / "student" / name
        try:
            compile(content if name.endswith(".py") else b"", name, "exec")
        except SyntaxError as error:
            yield f"{path}:{error.lineno}: {error.msg}: Python cannot read this file of students; add a `stub:`"
        if not path.is_file():
            yield f"{path}: the handout lists this file, but it does not exist; {cure}"
        elif path.read_bytes() != content:
            line = first_difference(path.read_bytes(), content)
            yield f"{path}:{line}: this differs from the handout made from the reference; {cure}"


def first_difference(one: bytes, other: bytes) -> int:
    """The line, from 1."""
    pairs = zip(one.split(b"\n"), other.split(b"\n"), strict=False)
    return next(
        (at for at, (a, b) in enumerate(pairs, start=1) if a != b), min(one.count(b"\n"), other.count(b"\n")) + 1
    )


# The reference


def handed_in(homework: Homework, path: Path) -> Submission:
    """The work at `path`, read like a student's submission."""
    names = homework.rubric.wanted
    return read(path, names, stubs(homework.handout, names), limits=homework.rubric.limits)


def reference_findings(
    homework: Homework, run_on: Grading, seeds: int, note: Callable[[str], None], failed: set[str]
) -> Iterator[str]:
    """Checks that the reference fails, which are added to `failed`; functions of it that change an argument without any
    check noticing; and checks that ask something else each time."""
    seen = Seen()
    told: set[str] = set()
    for seed in range(seeds):
        report = run_on(handed_in(homework, homework.reference), watched(homework, seen), seed)
        for result in (one for one in report.checks if one.name not in told):
            if result.verdict is Verdict.SKIPPED and not result.waits:
                note(f"{result.name} did not run: {result.message}")
            elif result.earned < result.points or result.review:
                failed.add(result.name)
                why = mistakes.said(result, homework.folder) or " ".join(result.review)
                where = place(homework, result)
                yield f"{where}: the reference fails {result.name} with seed {seed}: {why}; correct one of them"
            else:
                continue
            told.add(result.name)
        if not seed:
            yield from figure_findings(homework, report, told)
    for function in sorted(seen.changed - seen.looked_at):
        yield (
            f"{definition(homework, function)}: {function} changes an argument in place, but no check looks at that; "
            "read `hw.changed` or `hw.mutated` after calling it"
        )
    yield from drawing_findings(homework, run_on, seeds - 1, seen.asked)


def drawing_findings(homework: Homework, run_on: Grading, seed: int, before: Mapping[str, bytes]) -> Iterator[str]:
    """Checks that ask something else than `before` with the same seed. Items with a driver's run are left out: it takes
    long."""
    calls = [item.id for item in homework.rubric.items if all(before.get(one.name) for one in item.checks)]
    again = Seen()
    if calls:
        run_on(handed_in(homework, homework.reference), watched(homework, again), seed, calls)
    for name in (name for name, asked in again.asked.items() if asked and asked != before[name]):
        yield (
            f"{check.defined_at(homework.checks[name])}: {name} asks something else each time, though the seed is the "
            "same; draw with its `rng`, not with `random` or `np.random`"
        )


def figure_findings(homework: Homework, report: Report, told: set[str]) -> Iterator[str]:
    """Figures that cannot be drawn, though the reference gave their numbers. Their checks are added to `told`."""
    for result in (one for one in report.checks if one.figures and one.name not in told):
        from grader.report import charts  # only here: it may import matplotlib

        for figure in result.figures:
            if not html.attempted(partial(charts.picture, figure, "figure")):
                told.add(result.name)
                yield (
                    f"{place(homework, result)}: {result.name} draws {figure.title!r} as {figure.kind!r}, which fails; "
                    f"grader/report/charts.py says which data {', '.join(charts.DRAWINGS)} need"
                )


def note_recording(homework: Homework, run_on: Grading, note: Callable[[str], None]) -> None:
    """Say which check asks the reference a question that a handout without a reference could not answer."""
    why = unrecordable(homework, lambda work, recorded: run_on(work, recorded, 0)) if homework.modules else ""
    if why:
        note(f"`release` cannot make a handout of this homework: {why}")


def place(homework: Homework, result: CheckResult) -> str:
    return check.defined_at(homework.checks[result.name])


def definition(homework: Homework, function: str) -> str:
    """File and line of a function of the reference, named as "forward" or "Net.forward"."""
    last = function.rpartition(".")[2]
    for module in homework.modules.values():
        for owner in (module, *(kind for kind in vars(module).values() if isinstance(kind, type))):
            found = vars(owner).get(last)
            if isinstance(found, FunctionType):
                return f"{found.__code__.co_filename}:{found.__code__.co_firstlineno}"
    return str(homework.reference)


@dataclass
class Seen:
    """What the checks asked, to find changes in place that nobody noticed: functions that changed an argument,
    functions whose changes a check looked at, the last such function, and the digest of each check's questions. A
    digest is b"" if it is not known, or if a driver ran."""

    changed: set[str] = field(default_factory=set)
    looked_at: set[str] = field(default_factory=set)
    last: str = ""
    asked: dict[str, bytes] = field(default_factory=dict)

    def change(self, function: str) -> None:
        self.last = function
        self.changed.add(function)


class Watched(Subject):
    """`hw` that records whether a check looks at the changes of the last call."""

    def __init__(self, hw: Subject, seen: Seen) -> None:
        vars(self).update(vars(hw))  # this shares its lists, so that results of a check are not lost
        self.seen = seen

    @property
    def changed(self) -> Mapping[int | str, Any]:
        self.seen.looked_at.add(self.seen.last)
        return super().changed

    @property
    def mutated(self) -> tuple[int | str, ...]:
        self.seen.looked_at.add(self.seen.last)
        return super().mutated


def watched(homework: Homework, seen: Seen) -> Homework:
    """The homework with checks that record changes, and looks at them, in `seen`."""

    def watch(run: Run) -> Run:
        def function(hw: Subject, rng: Generator) -> float | None:
            hw.session.on_change = seen.change
            try:
                return run(Watched(hw, seen), rng)
            finally:
                seen.asked[run.__name__] = hw.session.trace.digest() if hw.session.trace else b""

        return function

    return with_each(homework, watch)


def quoting(run: Run) -> Run:
    """A check that quotes what it asserts without a message: it may assert many things."""

    def function(hw: Subject, rng: Generator) -> float | None:
        try:
            return run(hw, rng)
        except AssertionError as error:
            at = traceback.extract_tb(error.__traceback__)[-1]
            if not error.args:
                error.args = (f"line {at.lineno} does not hold: {at.line}",)
            raise

    return function


def with_each(homework: Homework, change: Callable[[Run], Run]) -> Homework:
    """The homework with each check changed."""
    return replace(
        homework,
        checks={
            name: replace(one, function=wraps(one.function)(change(one.function)))
            for name, one in homework.checks.items()
        },
    )


# What the checks read of the rubric


class Noted(dict[str, Any]):
    """An item's numbers or policies; `read` are those that a check read."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        super().__init__(told)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.read.add(name)
        return super().get(name, default)


def noting(homework: Homework, passed: set[str]) -> Homework:
    """The homework with items that note which of their numbers are read, and the names of checks that `passed` once."""

    def note(run: Run) -> Run:
        def function(hw: Subject, rng: Generator) -> float | None:
            gained = run(hw, rng)
            if isinstance(gained, int | float) and gained > ONE:
                raise ValueError(f"the check returned {gained}; a fraction is at most 1")
            passed.add(run.__name__)
            return gained

        return function

    def noted(item: Item) -> Item:
        return replace(item, settings=Noted(item.settings), policies=Noted(item.policies))

    tasks = tuple(replace(task, items=tuple(map(noted, task.items))) for task in homework.rubric.tasks)
    return replace(with_each(homework, note), rubric=replace(homework.rubric, tasks=tasks))


def number_findings(homework: Homework, passed: Collection[str], note: Callable[[str], None]) -> Iterator[str]:
    """Numbers and policies that no check read, of items whose checks all passed once. One that the code names is no
    finding: other work may reach the line that reads it."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in loading.code_of(homework.folder))
    for item in homework.rubric.items:
        told = {
            name for one in (item.settings, item.policies) if isinstance(one, Noted) for name in one.keys() - one.read
        }
        for name in sorted(told) if item.checks and all(line.name in passed for line in item.checks) else ():
            sentence = f"{homework.rubric.where('item', item.id)}: no check of item {item.id} reads {name}"
            if not re.search(rf"\b{re.escape(name)}\b", code):
                yield f"{sentence}; delete it, or correct its name"
            elif name in item.settings:
                note(f"{sentence} on this work; if none ever does, delete it")


# Work that is known to be empty, right or wrong


def untouched_findings(homework: Homework, run_on: Grading, failed: Collection[str]) -> Iterator[str]:
    """Checks that give points for the untouched handout."""
    own = {Path(path).name: content for path, content in homework.handout.items()}
    untouched = Submission("handout", {name: own[name] for name in homework.rubric.wanted if name in own}, {}, "")
    report = run_on(untouched, homework, 0)
    for result in report.checks:
        if result.earned > 0 or result.verdict is Verdict.PASS:
            earned = f"{result.earned:.3g}"
            gets = f"gets {earned} point{'s' * (earned != '1')} of" if result.earned else "passes"
            yield (
                f"{place(homework, result)}: the untouched handout {gets} {result.name}; "
                "require an answer that the handout cannot give"
            )
        elif result.verdict is Verdict.INTERNAL and result.name not in failed:
            said = mistakes.said(result, homework.folder)
            yield f"{place(homework, result)}: the untouched handout breaks {result.name}: {said}; correct it"


def right_findings(
    homework: Homework, run_on: Grading, note: Callable[[str], None], failed: Collection[str]
) -> Iterator[str]:
    """Work in right/ that loses points or raises a question. Checks that the reference `failed` are left out."""
    there = [path for path in sorted((homework.folder / "right").glob("*")) if not path.name.startswith(".")]
    if not there:
        note(f"{homework.folder / 'right'} contains no right work in another style; add some, to see that it passes")
    reference = handed_in(homework, homework.reference)
    for path in (one for one in there if one.is_dir()):  # `selftest` grades what files make
        try:
            report = run_on(completed(path, homework, reference), homework, 0)
        except SubmissionError as error:
            yield f"{path}: {error}"
            continue
        for result in (one for one in report.checks if one.name not in failed):
            if result.earned < result.points and (result.verdict is not Verdict.SKIPPED or result.waits):
                where, said = place(homework, result), mistakes.said(result, homework.folder)
                yield f"{path}: this right work fails {result.name} ({where}): {said}; correct one of them"
        for question in () if report.faulty else report.needs_review:
            yield f"{path}: this right work raises a question: {question}; correct one of them"


def wrong_findings(
    homework: Homework, run_on: Grading, note: Callable[[str], None], failed: Collection[str]
) -> Iterator[str]:
    """Work in wrong/ and mistakes in wrong.yaml that do not cost the points that they should. A check that breaks is
    left out if the reference `failed` it, too: that was reported."""
    found, unreadable = mistakes.read(homework.folder)
    yield from unreadable
    if not found and not unreadable:
        note(f"{homework.folder / mistakes.REPLACED} names no mistake; add some, to see that the checks find them")
    reference = handed_in(homework, homework.reference)
    ids = {item.id for item in homework.rubric.items}
    for one in found:
        if unknown := sorted(set(one.loses or ()) - ids):
            yield f"{one.where}: {one.name} loses points in {unknown[0]}, but the rubric has no such item; correct it"
            continue
        try:
            folder = homework.folder / "wrong" / one.name
            submission = one.made_in(reference) if one.file else handed_in(homework, folder)
        except SubmissionError as error:
            yield f"{one.where}: {error}"
        except UsageError as error:
            yield str(error)
        else:
            report = run_on(submission, homework, 0)
            if not any(check.verdict is Verdict.INTERNAL and check.name in failed for check in report.checks):
                yield from one.findings(report, homework, failed)
