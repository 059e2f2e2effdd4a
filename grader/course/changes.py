"""Changes in a student's points and lateness between two runs, and the reasons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from grader.model import LATE_DAYS, CheckResult, ItemResult, Report, Row


@dataclass(frozen=True, slots=True)
class Change:
    """An item whose points differ between two runs; None if a run did not grade it. For the item "late", the values are
    days; None if they are not known."""

    student: str
    item: str
    before: float | None
    after: float | None
    why: str


def differences(student: str, before: Row | None, after: Row | None) -> Iterator[Change]:
    old, new = (row.report if row else None for row in (before, after))
    yield from points(student, old, new)
    if before and after and old and new:
        yield from lateness(student, before, after, old, new)


def lateness(student: str, before: Row, after: Row, old: Report, new: Report) -> Iterator[Change]:
    was, is_ = old.remarks, new.remarks
    if (was.late_days, was.penalty) == (is_.late_days, is_.penalty):
        return
    why = [f"costs {is_.penalty:g} % instead of {was.penalty:g} %"] if was.penalty != is_.penalty else []
    why += ["the due date changed"] if before.due != after.due else []
    why += ["the submission time changed"] if before.student.submitted_at != after.student.submitted_at else []
    yield Change(student, LATE_DAYS, was.late_days, is_.late_days, "; ".join(why))


def points(student: str, old: Report | None, new: Report | None) -> Iterator[Change]:
    before, after = items_of(old), items_of(new)
    for id_ in dict.fromkeys([*before, *after]):
        one, other = before.get(id_), after.get(id_)
        if one is None or other is None:
            why = "not graded before" if one is None else "no longer graded"
        elif one.score != other.score:
            assert old is not None
            assert new is not None
            why = "; ".join([*verdicts(one, other), *causes(old, new)])
        else:
            continue
        yield Change(student, id_, one.score if one else None, other.score if other else None, why)


def items_of(report: Report | None) -> dict[str, ItemResult]:
    return {item.id: item for item in report.items} if report else {}


def verdicts(old: ItemResult, new: ItemResult) -> Iterator[str]:
    """The checks whose points changed, with both verdicts."""
    before = {check.name: check for check in old.checks}
    after = {check.name: check for check in new.checks}
    for name in dict.fromkeys([*before, *after]):
        one, other = before.get(name), after.get(name)
        if one is None or other is None:
            yield f"{name}: {'new' if one is None else 'gone'}"
        elif (one.verdict, one.earned, one.points) != (other.verdict, other.earned, other.points):
            yield f"{name}: {ended(one)} to {ended(other)}"


def ended(check: CheckResult) -> str:
    return f"{check.verdict} {check.earned:g}/{check.points:g}"


def causes(old: Report, new: Report) -> Iterator[str]:
    """The inputs of a result that differ between the two reports."""
    for what, one, other in (
        ("the submission", old.digest, new.digest),
        ("the rubric", old.provenance.rubric_digest, new.provenance.rubric_digest),
        ("the grader", old.provenance.grader_digest, new.provenance.grader_digest),
        ("the fixtures", old.provenance.fixtures_digest, new.provenance.fixtures_digest),
        ("the seed", old.provenance.seed, new.provenance.seed),
        ("a version", old.provenance.versions, new.provenance.versions),
    ):
        if one != other:
            yield f"{what} changed"
