"""Which items of a run its students may see, where the rubric waits for a person. A log: nothing in it is deleted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from grader.course.gradebook import Gradebook, Run
from grader.errors import UsageError
from grader.model import Row

CURE = "write `release: by_hand` into rubric.yaml and run the batch again, if a person should decide"


@dataclass(frozen=True, slots=True)
class Decision:
    """An item was released, or taken back."""

    item: str
    released: bool
    author: str
    time: datetime


def decisions(book: Gradebook, run: Run) -> list[Decision]:
    """All decisions on a run, the oldest first."""
    query = "SELECT item, released, author, time FROM releases WHERE run = ? ORDER BY id"
    return book.database.read(
        lambda row: Decision(row[0], bool(row[1]), row[2], datetime.fromisoformat(row[3])), query, run.id
    )


def items_of(rows: Iterable[Row]) -> list[str]:
    """The items that a run graded."""
    return list(dict.fromkeys(item.id for row in rows if row.report for item in row.report.items))


def held(book: Gradebook, run: Run, rows: Iterable[Row]) -> list[str]:
    """The items of a run that its students may not see yet."""
    given = book.released(run)
    return [] if given is None else [item for item in items_of(rows) if item not in given]


def decide(book: Gradebook, run: Run, items: Sequence[str], *, released: bool, author: str) -> list[str]:
    """Release items of a run, or take them back; all if none is named. Gives those whose state changed.

    Raises UsageError if the rubric does not wait for a person, and for an item that the run did not grade.
    """
    given, there = book.released(run), items_of(book.register(run))
    if given is None:
        raise UsageError(f"run {run.id} is shown to students at once; {CURE}")
    if not author.strip():
        raise UsageError("a release needs an author; give your name with --author")
    if strange := [item for item in items if item not in there]:
        raise UsageError(f"there is no item {strange[0]} in run {run.id}; the items are {', '.join(there)}")
    changing = changed(given, items or there, released)
    at = datetime.now(UTC).isoformat()
    with book.database.writing() as connection:
        for item in changing:
            connection.execute(
                "INSERT INTO releases (run, item, released, author, time) VALUES (?, ?, ?, ?, ?)",
                (run.id, item, released, author, at),
            )
    return changing


def changed(given: Collection[str], items: Sequence[str], released: bool) -> list[str]:
    return [item for item in dict.fromkeys(items) if (item in given) is not released]
