"""Carries out the steps of a case: in a student's process, or with the reference."""

from __future__ import annotations

import copy
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any

import numpy as np

from grader.failing.steps import PUT, WRITE, Ref, Step, part_at, replaced
from grader.files import inside
from grader.sandbox.closed import closed
from grader.sandbox.remote import Remote
from grader.sandbox.session import Session
from grader.sandbox.worker.wire import Handle


class Unanswered(Exception):
    """The reference has no answer to such a question: it was made for others. `kind` names what it raised."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.kind = type(error).__name__


def by_student(session: Session, steps: Sequence[Step]) -> Any:
    """The student's answer to the last step. Raises StudentError; LookupError where an answer has other parts."""
    answers: list[Any] = []

    def given(part: Any) -> Any:
        return part_at(answers[part.step], part.place) if isinstance(part, Ref) else part

    for step in steps:
        args = tuple(replaced(arg, given) for arg in step.args)
        named = {name: replaced(arg, given) for name, arg in step.named.items()}
        owner = step.owner if isinstance(step.owner, str) else given(step.owner)
        asked: Any = Handle(0, "value") if step.op == PUT else owner
        if isinstance(owner, Remote):
            asked = owner._handle
        answers.append(session.ask(step.op, asked, step.path, [args], named=named)[0])
    return answers[-1]


def by_reference(modules: Any, steps: Sequence[Step], names: dict[Any, str]) -> Any:
    """The reference's answer to the last step. `names` maps the names that a student gave arrays to the reference's;
    names that follow from the shapes are added. Raises Unanswered."""
    with np.errstate(all="ignore"), alone():
        try:
            return copy.deepcopy(last_answer(modules, steps, names))
        except (Exception, SystemExit) as error:  # anything for such an input, or an answer that cannot be copied
            traceback.clear_frames(error.__traceback__)  # what its objects say when they are deleted is not shown
            raise Unanswered(error) from error


def last_answer(modules: Any, steps: Sequence[Step], names: dict[Any, str]) -> Any:
    """As `by_reference`. Raises what the reference does."""
    answers: list[Any] = []

    def given(part: Any) -> Any:
        return part_at(answers[part.step], part.place) if isinstance(part, Ref) else copy.deepcopy(part)

    for step in steps:
        args = [replaced(arg, given) for arg in step.args]
        named = {name: replaced(arg, given) for name, arg in step.named.items()}
        owner = getattr(modules, step.owner, None) if isinstance(step.owner, str) else given(step.owner)
        answers.append(carried_out(step, owner, args, named, names))
    return answers[-1]


@contextmanager
def alone() -> Iterator[None]:
    """While the reference answers, it prints nothing, and no other code is told of its acts. It opens only files that
    it makes here: a file in the current folder may be a student's, and loading it may run it."""
    before = sys.stdin
    with (
        redirect_stdout(StringIO()),
        redirect_stderr(StringIO()),
        tempfile.TemporaryDirectory() as folder,
        inside(folder),
        closed(folder),
    ):
        sys.stdin = StringIO()
        try:
            yield
        finally:
            sys.stdin = before


def carried_out(step: Step, owner: Any, args: list[Any], named: dict[str, Any], names: dict[Any, str]) -> Any:
    if step.op == PUT:
        return args[0]
    for name in step.path:
        owner = getattr(owner, name)
    if step.op == WRITE:
        held = owner()
        for name, array in args[0].items():
            if name not in held and name not in names:
                (names[name],) = (own for own, value in held.items() if value.shape == array.shape)
            held[names.get(name, name)][...] = array
        return held
    return owner(*args, **named)
