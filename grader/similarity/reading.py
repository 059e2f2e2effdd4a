"""Reads the work of a class for comparison, several submissions at a time, each in readers of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, as_completed
from dataclasses import dataclass
from pathlib import Path

from grader.course.job import homework_at
from grader.course.pool import Pool
from grader.errors import StudentError, SubmissionError, UsageError
from grader.intake import submission
from grader.intake.picture import load_library
from grader.model import Homework, Parts, Student, Submission, Take
from grader.sandbox import reader
from grader.sandbox.reader import ReaderFault
from grader.similarity import work
from grader.similarity.work import Work

TOGETHER = 4  # submissions of one job of the pool


@dataclass(frozen=True, slots=True)
class Place:
    """One submission to read: who handed it in, where it lies, and a person's choices of files."""

    label: str
    parts: Parts
    takes: tuple[Take, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """What was read of a submission: its work, or the `problem` why there is none."""

    label: str
    work: Work
    problem: str = ""


def read_all(
    places: Sequence[Place], homework: Path | None, jobs: int, show: Callable[[int, int], None]
) -> Iterator[Done]:
    """Yield the work at each place, as soon as it is read. `show` is told how many are done, and how many there are.

    Raises UsageError if the reading processes end.
    """
    chunks = [places[at : at + TOGETHER] for at in range(0, len(places), TOGETHER)]
    done = 0
    if jobs == 1 or len(chunks) == 1:
        for chunk in chunks:
            yield from read_chunk(homework, chunk)
            done += len(chunk)
            show(done, len(places))
        return
    with tempfile.TemporaryDirectory(prefix="similar-") as scratch:
        pool = Pool(jobs, Path(scratch))
        try:
            for future in as_completed(launched(pool.start(), homework, chunks)):
                found = future.result()
                yield from found
                done += len(found)
                show(done, len(places))
        except BrokenExecutor:
            raise UsageError(
                "a process that read submissions ended; check whether the machine has enough memory, or use --jobs 1"
            ) from None
        finally:
            pool.stop()


def launched(executor: Executor, homework: Path | None, chunks: Sequence[Sequence[Place]]) -> list[Future[list[Done]]]:
    return [executor.submit(read_chunk, homework, chunk) for chunk in chunks]


def read_chunk(homework: Path | None, places: Sequence[Place]) -> list[Done]:
    loaded = homework_at(homework)
    load_library()
    return [read_one(place, loaded) for place in places]


def read_one(place: Place, homework: Homework) -> Done:
    """A submission's work. What cannot be read is told, and stops nobody else's comparison."""
    try:
        found = submission_at(place, homework)
        files = {**found.files, **{path: one for own in found.helpers.values() for path, one in own.items()}}
        limits = homework.rubric.limits
        return Done(place.label, reader.read(work.read, files, limits=limits, about=place.label))
    except SubmissionError as error:
        return Done(place.label, Work(), str(error))
    except StudentError as error:
        return Done(place.label, Work(), error.message)
    except ReaderFault as error:
        last = str(error).strip().rpartition("\n")[2]
        return Done(place.label, Work(), f"a fault of the grader kept this from being read: {last}")


def submission_at(place: Place, homework: Homework) -> Submission:
    """What counts of what was handed in, as the batch takes it. Raises SubmissionError."""
    (name, path), *more = place.parts
    loose = more or (path.is_file() and name != path.name)
    wanted = homework.rubric.wanted
    return submission.read(
        path.parent if loose else path,
        wanted,
        submission.stubs(homework.handout, wanted),
        name=place.label,
        parts=place.parts if loose else (),
        takes=place.takes,
        limits=homework.rubric.limits,
    )


def handout_of(homework: Homework) -> Work:
    """What the handout's files hold, to be taken out of everyone's."""
    load_library()
    handout: Mapping[str, bytes] = homework.handout
    return reader.read(work.read, dict(handout), limits=homework.rubric.limits, about="the handout")


def one_place_each(students: Sequence[Student], takes: Callable[[Student], Collection[Take]]) -> dict[str, Place]:
    """The submissions of a class by the first student who handed each in; a group's is one."""
    seen: dict[Parts, str] = {}
    found: dict[str, Place] = {}
    for one in students:
        if one.parts and not one.problem and one.parts not in seen:
            seen[one.parts] = one.id
            found[one.id] = Place(one.id, one.parts, tuple(takes(one)))
    return found
