"""Reads what was handed in, in a reader; choice.py says which of its files count."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from grader.errors import StudentError, SubmissionError
from grader.intake.match import basename, in_cells
from grader.intake.newer import answers
from grader.model import Limits, Submission, Take
from grader.sandbox import reader
from grader.sandbox.reader import Tell

CHOICE = "grader.intake.choice"  # a reader imports it, while the grader goes on


def read(
    path: Path,
    wanted: Sequence[str],
    stubs: Mapping[str, bytes],
    *,
    name: str | None = None,
    parts: Sequence[tuple[str, Path]] = (),
    takes: Collection[Take] = (),
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Submission:
    """The submission at `path`. `stubs` are the handout's own files: an unchanged one holds no work.

    A wanted "*.jpg" stands for every file with this ending: at most archive.BESIDE of them are taken, and all of them
    may be missing. With `parts`, the submission is these files of the folder `path` (the student's name for each file,
    and its path). `takes` are a person's decisions on which file counts.
    Raises SubmissionError when `path` cannot be read within `limits` or holds no wanted file. `notes` gets a sentence
    for each problem that grading can go on with, and `questions` one for each that a person has to decide.
    """
    import_module(CHOICE)  # who waits may read more than once, and each reader would import it
    return begin(path, wanted, stubs, name=name, parts=parts, takes=takes, limits=limits)()


def prepare(reference: Path, wanted: Sequence[str]) -> None:
    """Read the reference here, if there is one, before many readers are forked. What Python makes at its first use,
    such as a pattern, is then made once, and not by each reader."""
    if reference.is_dir():
        with suppress(Exception):  # it may be laid out otherwise; each submission reports its own faults
            read_here(lambda name: None, reference, wanted, {}, None, (), (), {})


def begin(
    path: Path,
    wanted: Sequence[str],
    stubs: Mapping[str, bytes],
    *,
    name: str | None = None,
    parts: Sequence[tuple[str, Path]] = (),
    takes: Collection[Take] = (),
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Callable[[], Submission]:
    """As `read`, but reading begins now, and the returned function waits for it: the caller can go on meanwhile."""
    files = [part for _, part in parts] or [path]

    def reading(newer: Mapping[str, str]) -> Callable[[], tuple[Submission, tuple[str, ...]]]:
        given = path, wanted, stubs, name, parts, takes, newer
        return reader.begin(read_here, *given, limits=limits, about=str(path), files=files, code=CHOICE)

    first = reading({})

    def finish() -> Submission:
        try:
            found, unread = first()
            newer = answers(unread)
            return reading(newer)()[0] if any(newer.values()) else found
        except StudentError as error:
            raise SubmissionError(f"{path}: {error.message}") from None

    return finish


def read_here(tell: Tell, *asked: Any) -> tuple[Submission, tuple[str, ...]]:
    """In a reader: see choice.read."""
    from grader.intake import choice

    return choice.read(tell, *asked)


def stubs(handout: Mapping[str, bytes], wanted: Collection[str]) -> dict[str, bytes]:
    """The handout's own version of each file that a student writes in, also as a notebook, and its other Python files;
    those in a folder under their path, too."""
    named = {name: content for path, content in handout.items() for name in (basename(path), path)}
    own = {*wanted, *map(in_cells, wanted)}
    return {name: content for name, content in named.items() if name in own or name.endswith(".py")}
