"""The reference's answers to all that the checks ask, recorded for a handout that has no reference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from grader import grading, mistakes
from grader.errors import UsageError
from grader.intake.submission import read, stubs
from grader.loading import digests, load
from grader.model import Homework, Report, Submission, Verdict
from grader.reference import Recorder, pack
from grader.sandbox.launch import Zygotes


@lru_cache(maxsize=1)  # two packages of one release hold it
def record(folder: Path, seeds: tuple[int, ...], progress: Callable[[int], None] = lambda done: None) -> bytes:
    """The recording of the homework in `folder` for these seeds.

    Every check runs on the reference, on the work in the folders of right/ and wrong/, and on the mistakes of
    wrong.yaml: what is asked of such work is recorded, too. Nothing is trained. Raises UsageError where the reference
    fails a check.
    """
    live = load(folder)
    recorder = Recorder(live.modules)
    sections = tuple(section for section in live.rubric.sections if section.modules and not grading.missing(section))
    homework = replace(live, answers=recorder)
    asked = [task.id for task in live.rubric.tasks if task.section in {section.id for section in sections}]
    works = list(works_of(live))
    with Zygotes() as zygotes:
        for done, seed in enumerate(seeds):
            for name, work in works:
                report = grading.grade(work, homework, seed=seed, only=asked, launch=zygotes.launch)
                expect_recorded(report, name, live.folder)
            progress(done + 1)
    functions = live.rubric.sections[0].functions if live.rubric.sections else {}
    grader, _ = digests(live)
    return pack(recorder, {"modules": sorted(live.modules), "functions": functions, "grader": grader})


def unrecordable(homework: Homework, grade: Callable[[Submission, Homework], Report]) -> str:
    """Why what the checks ask the reference cannot be recorded, with the check's line; "" if it can."""
    name, work = next(works_of(homework))
    try:
        report = grade(work, replace(homework, answers=Recorder(homework.modules)))
        expect_recorded(report, name, homework.folder)
    except UsageError as error:
        return str(error)
    return ""


def works_of(homework: Homework) -> Iterator[tuple[str, Submission]]:
    """The reference first, then work that is right in other ways, or wrong in known ones."""
    names = homework.rubric.wanted
    base = stubs(homework.handout, names)
    reference = read(homework.reference, names, base)
    yield "the reference", reference
    for path in sorted((homework.folder / "right").glob("*")):
        if path.is_dir() and not path.name.startswith("."):  # a file there holds blocks, and is no work of its own
            yield path.name, read(path, names, base)
    for one in mistakes.read(homework.folder)[0]:
        yield one.name, one.made_in(reference) if one.file else read(homework.folder / "wrong" / one.name, names, base)


def expect_recorded(report: Report, name: str, folder: Path) -> None:
    """Raise UsageError for a check that broke, or that the reference does not pass."""
    for result in report.checks:
        if result.verdict is Verdict.INTERNAL:
            why = mistakes.said(result, folder)
            raise UsageError(f"the check {result.name} breaks on {name}: {why}; correct the check")
        if name == "the reference" and result.verdict not in (Verdict.PASS, Verdict.SKIPPED):
            raise UsageError(f"the reference fails {result.name}: {result.message}; correct one of them")
