"""Common to both notebooks: the handed-in notebook, and sentences on what could not be run here."""

from __future__ import annotations

from typing import Any, NoReturn

from grader.check import Subject
from grader.errors import NotImplementedYet, Skipped
from grader.intake import picture

from . import notebook, survey
from .survey import Survey


def handed_in(hw: Subject, name: str) -> Survey:
    """The student's notebook of that name. Raises NotImplementedYet if it is absent or unchanged since the handout."""
    hw.session.require_file(name)
    data = hw.session.submission.files.get(name)
    if data is None:
        raise NotImplementedYet(f"{name} is not in this submission")
    picture.load_library()
    empty = hw.once(f"{name} of the handout", lambda: notebook.read(hw.homework.handout[name], name))
    found = hw.read_apart(survey.read, data, name, hw.session.submission.helpers.get(name, {}), about=name)
    if [cell.source.strip() for cell in found.cells] == [cell.source.strip() for cell in empty.cells]:
        raise NotImplementedYet(f"{name} is still as it was handed out")
    return found


def hold(hw: Subject, question: str, because: str) -> NoReturn:
    """Leave a check's points to a person. Raises Skipped: they are neither given nor lost until the question is
    answered."""
    hw.review(question)
    raise Skipped(f"{because}; this costs no points: a person will look")


def left_out(hw: Subject, reply: Any) -> tuple[tuple[int, int, str], ...]:
    """(cell, line, problem) for each part that could not be run. The reply comes from the student's process."""
    rows = [row for row in reply[:20] if isinstance(row, tuple | list)] if isinstance(reply, list) else []
    return tuple(
        (row[0], row[1], hw.session.as_handed_out(row[2][:200]))
        for row in rows
        if [type(part) for part in row] == [int, int, str]
    )


def told(problem: tuple[int, int, str]) -> str:
    cell, line, text = problem
    return f"cell {cell}, line {line}, was left out: {text}"
