"""The reference with one mistake: every one that edits.py and answers.py know of, each in one item of the rubric."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from grader.model import Homework, Submission
from grader.selftest import answers
from grader.selftest.edits import edits
from grader.selftest.survey import Function, Survey, appended

SILENT = "it never raises"


@dataclass(frozen=True, slots=True)
class Mutant:
    """`change` says what is wrong, in a line; with the function's name it names the mutant."""

    function: Function
    operator: str
    change: str
    content: bytes

    @property
    def name(self) -> str:
        return f"{self.function.name}: {self.change}"

    def made_in(self, reference: Submission) -> Submission:
        files = {**reference.files, self.function.file: self.content}
        return replace(reference, name=self.name, files=files)


def mutants(function: Function, reference: Submission, homework: Homework) -> Iterator[Mutant]:
    """Every mistake in one function. Two that read alike are numbered."""
    content, count = reference.files[function.file], dict[str, int]()
    for edit in edits(content, function.node):
        change = edit.change(content)
        count[change] = count.get(change, 0) + 1
        number = f" ({count[change]})" if count[change] > 1 else ""
        yield Mutant(function, edit.operator, change + number, edit.made_in(content))
    for one in answers.lines(function, kept(function, homework)):
        yield Mutant(function, one.operator, one.change, appended(content, one.line))


def kept(function: Function, homework: Homework) -> tuple[int, ...]:
    """The positions of an answer that stay in the student's process, because a student may put there what he likes."""
    name = function.name.rpartition(".")[2]
    return next((one.keep[name] for one in homework.rubric.sections if name in one.keep), ())


def controls(seen: Survey, reference: Submission) -> Iterator[Mutant]:
    """For each function, the reference with an answer that is wrong throughout, and of the right kind; for each that
    only raises in some checks, the reference where it does not."""
    for function in seen.functions:
        yield Mutant(function, "control", "each number is wrong", with_line(function, reference, answers.control))
    for function in seen.raising:
        yield Mutant(function, "control", SILENT, with_line(function, reference, answers.silent))


def with_line(function: Function, reference: Submission, line: Callable[[Function], str]) -> bytes:
    return appended(reference.files[function.file], line(function))
