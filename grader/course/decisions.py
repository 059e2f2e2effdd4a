"""Decisions on points that several people make at once: each carries what it saw, and none replaces another in silence.

A decision is an adjustment of the gradebook. Its points are those before its comments, plus the points of the comments
that it has, at least 0 and at most the item's maximum. So when a comment's points change, everyone who has it changes.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from grader.course.database import finite
from grader.course.gradebook import Gradebook
from grader.errors import UsageError
from grader.model import Adjustment

LOOKED = "a person looked at it; the points stay"


@dataclass(frozen=True, slots=True)
class Wording:
    """A comment of the rubric that grows during the review: its text, and the points that it adds (below 0: takes)."""

    id: int
    item: str
    text: str
    points: float


@dataclass(frozen=True, slots=True)
class Standing:
    """The last adjustment of an item, with its number, the points before its comments, the comments' numbers, and the
    person's own reason without them."""

    id: int
    given: Adjustment
    base: float | None = None
    comments: tuple[int, ...] = ()
    own: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """Points for a student's item, before its comments. `seen` is the number of the adjustment that the person saw; 0
    if there was none. `why` is what the person typed."""

    student: str
    item: str
    points: float
    seen: int
    comments: tuple[int, ...] = ()
    why: str = ""


class Changed(UsageError):
    """Someone else decided in the meantime; nothing of this was recorded."""


class Conflict(Changed):
    """Someone else decided on the points of an item in the meantime."""

    def __init__(self, standing: Sequence[Standing]) -> None:
        first = standing[0].given
        more = f", and {len(standing) - 1} more" if len(standing) > 1 else ""
        told = "took it back" if first.points is None else f"gave {first.points:g} points"
        super().__init__(f"{first.author} {told} for {first.item} in the meantime{more}; nothing of yours was recorded")


QUERY = "SELECT id, student, item, points, author, time, reason, base, comments, own FROM adjustments"


def standing(book: Gradebook) -> dict[tuple[str, str], Standing]:
    """The last adjustment of each item of each student, by the id under which it was made."""
    found = book.database.read(read, f"{QUERY} ORDER BY id")
    return {(one.given.student, one.given.item): one for one in found}


def read(row: Sequence[Any]) -> Standing:
    id_, student, item, points, author, at, why, base, comments, own = row
    given = Adjustment(student, item, finite(points), author, datetime.fromisoformat(at), why)
    return Standing(id_, given, base, tuple(json.loads(comments or "[]")), own or "")


def last(connection: sqlite3.Connection, ids: Collection[str], item: str, before: int | None = None) -> Standing | None:
    """The last adjustment of an item of the student with these ids; with `before`, the last one before that number."""
    marks = ", ".join("?" * len(ids))
    row = connection.execute(
        f"{QUERY} WHERE student IN ({marks}) AND item = ? AND id < ? ORDER BY id DESC LIMIT 1",
        (*ids, item, before if before is not None else 1 << 62),
    ).fetchone()
    return read(row) if row else None


def decide(
    book: Gradebook, decisions: Sequence[Decision], *, author: str, most: Mapping[str, float], graded: str = LOOKED
) -> str:
    """Record all of these decisions, or none, and return the step's name, which `undo` takes. `most` maps each item to
    its maximum. Raises Conflict if an item has another adjustment by now than the person saw."""
    if not author.strip():
        raise UsageError("a decision needs an author; say who you are")
    for one in decisions:
        if one.item not in most:
            raise UsageError(f"there is no item {one.item}; the items are {', '.join(most)}")
        if not 0 <= one.points <= most[one.item]:
            raise UsageError(
                f"{one.points:g} points are not possible for item {one.item}; give 0 to {most[one.item]:g}"
            )
    ids = {one.student: book.known_as(one.student) for one in decisions}
    step = uuid4().hex
    with book.database.writing() as connection:
        known = wordings(connection)
        now = {one: last(connection, ids[one.student], one.item) for one in decisions}
        new = [one for one, there in now.items() if not is_there(one, there, author)]
        if changed := [there for one in new if (there := now[one]) is not None and there.id != one.seen]:
            raise Conflict(changed)
        for one in new:
            put(connection, one, known, most, author=author, step=step, graded=graded)
    return step


def is_there(one: Decision, there: Standing | None, author: str) -> bool:
    """Whether the author's last decision was the same: the form was sent twice because its answer did not arrive."""
    return there is not None and there.given.points is not None and there.given.author == author and (
        there.base, there.comments, there.own) == (one.points, one.comments, one.why.strip())  # fmt: skip


def put(
    connection: sqlite3.Connection,
    one: Decision,
    known: Mapping[int, Wording],
    most: Mapping[str, float],
    *,
    author: str,
    step: str,
    graded: str = LOOKED,
) -> int:
    """Write a decision in the transaction that is open; give its adjustment's number."""
    if unknown := [number for number in one.comments if number not in known or known[number].item != one.item]:
        raise UsageError(f"item {one.item} has no comment {unknown[0]}; load the page again")
    given = [known[number] for number in one.comments]
    points = min(max(round(one.points + sum(comment.points for comment in given), 9), 0.0), most[one.item])
    why = " ".join([*(comment.text for comment in given), *([one.why.strip()] if one.why.strip() else [])]) or graded
    return adjust(connection, one.student, one.item, points, why, author=author, step=step, base=one.points,
                  comments=one.comments, own=one.why.strip())  # fmt: skip


def adjust(
    connection: sqlite3.Connection,
    student: str,
    item: str,
    points: float | None,
    why: str,
    *,
    author: str,
    step: str,
    base: float | None = None,
    comments: Sequence[int] = (),
    own: str = "",
    undoes: int | None = None,
) -> int:
    row = connection.execute(
        "INSERT INTO adjustments (student, item, points, author, time, reason, base, comments, own, step, undoes)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (student, item, points, author, datetime.now(UTC).isoformat(), why, base, json.dumps(list(comments)), own, step,
         undoes),
    ).fetchone()  # fmt: skip
    return int(row[0])


def undo(book: Gradebook, author: str) -> list[Standing]:
    """Take back the author's last step; what was decided before it counts again. Gives what was taken back.

    Raises UsageError if there is nothing to take back, and Conflict if someone decided on it since.
    """
    with book.database.writing() as connection:
        step = connection.execute(
            "SELECT step FROM adjustments WHERE step IS NOT NULL AND author = ? AND undoes IS NULL"
            " AND id NOT IN (SELECT undoes FROM adjustments WHERE undoes IS NOT NULL) ORDER BY id DESC LIMIT 1",
            (author,),
        ).fetchone()
        if step is None:
            raise UsageError(f"{author} has decided nothing here that could be taken back")
        gone = list(map(read, connection.execute(f"{QUERY} WHERE step = ? ORDER BY id", step).fetchall()))
        now = [counting(connection, book.known_as(one.given.student), one.given.item) for one in gone]
        if changed := [there for one, there in zip(gone, now, strict=True) if there is None or there.id != one.id]:
            raise Conflict([one for one in changed if one] or gone)
        for one in gone:
            take_back(connection, book.known_as(one.given.student), one, author)
    return gone


def counting(connection: sqlite3.Connection, ids: Collection[str], item: str) -> Standing | None:
    """The adjustment that counts: if the last one only took another back, the one before that."""
    there = last(connection, ids, item)
    while there is not None:
        row = connection.execute("SELECT undoes FROM adjustments WHERE id = ?", (there.id,)).fetchone()
        if row is None or row[0] in (None, there.id):
            return there
        there = last(connection, ids, item, row[0])
    return None


def take_back(connection: sqlite3.Connection, ids: Collection[str], one: Standing, author: str) -> None:
    """Write what counted before a decision, in the transaction that is open."""
    before, given = last(connection, ids, one.given.item, one.id), one.given
    if before is None or before.given.points is None:
        why = f"{author} took the decision back"
        adjust(connection, given.student, given.item, None, why, author=author, step=uuid4().hex, undoes=one.id)
    else:
        adjust(
            connection, given.student, given.item, before.given.points, before.given.why, author=before.given.author,
            step=uuid4().hex, base=before.base, comments=before.comments, own=before.own, undoes=one.id,
        )  # fmt: skip


# The rubric of comments


def wordings(connection: sqlite3.Connection) -> dict[int, Wording]:
    """All comments by number, as they are worded now."""
    rows = connection.execute("SELECT coalesce(comment, id), item, text, points FROM wordings ORDER BY id").fetchall()
    return {row[0]: Wording(*row) for row in rows}


def word(
    book: Gradebook, text: str, points: float, *, author: str, item: str = "", comment: int | None = None,
    most: Mapping[str, float], seen: float | None = None,
) -> tuple[int, list[str]]:  # fmt: skip
    """A new comment on `item`, or another wording of `comment`. All who have the comment change in the same step.

    Gives the comment's number and the students whose points changed. With `seen`, raises UsageError if its points are
    not those any more. Raises UsageError for an empty text and for points that no item has.
    """
    if not text.strip() or not author.strip():
        raise UsageError("a comment needs a text and an author; type what students are to read")
    if not abs(points) <= max(most.values(), default=0.0):  # nan, too
        raise UsageError(f"{points:g} points are more than any item has; give fewer")
    at, step = datetime.now(UTC).isoformat(), uuid4().hex
    with book.database.writing() as connection:
        known = wordings(connection)
        if comment is not None:
            item = as_seen(known, comment, seen).item
        elif item not in most:
            raise UsageError(f"there is no item {item}; the items are {', '.join(most)}")
        else:
            for one in known.values():
                if (one.item, one.text, one.points) == (item, text.strip(), points):
                    return one.id, []
        made = connection.execute(
            "INSERT INTO wordings (comment, item, text, points, author, time) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
            (comment, item, text.strip(), points, author, at),
        ).fetchone()
        if comment is None:
            return int(made[0]), []
        return comment, follow(connection, book, comment, most, author, step)


def as_seen(known: Mapping[int, Wording], comment: int, seen: float | None) -> Wording:
    """The comment. Raises UsageError if there is none, or if its points are not those that a person has `seen`."""
    if comment not in known:
        raise UsageError(f"there is no comment {comment}; load the page again")
    if seen is not None and known[comment].points != seen:
        now = f"{known[comment].points:g} points"
        raise Changed(f"someone changed the comment to {now} in the meantime; load the page again")
    return known[comment]


def follow(
    connection: sqlite3.Connection, book: Gradebook, comment: int, most: Mapping[str, float], author: str, step: str
) -> list[str]:
    """Decide again for everyone who has the comment, inside the open transaction. `undo` does not take this step back:
    the comment's points can be changed back."""
    known = wordings(connection)
    rows = map(read, connection.execute(f"{QUERY} ORDER BY id").fetchall())
    now = {(one.given.student, one.given.item): one for one in rows}
    changed = []
    for one in now.values():
        there = last(connection, book.known_as(one.given.student), one.given.item)
        if there is None or there.id != one.id or one.base is None or comment not in one.comments:
            continue
        decision = Decision(one.given.student, one.given.item, one.base, one.id, one.comments, one.own)
        number = put(connection, decision, known, most, author=author, step=step)
        connection.execute("UPDATE adjustments SET undoes = id WHERE id = ?", (number,))
        changed.append(one.given.student)
    return changed


def users(standing: Iterable[Standing]) -> dict[int, int]:
    """How many students have each comment."""
    count: dict[int, int] = {}
    for one in standing:
        for comment in one.comments:
            count[comment] = count.get(comment, 0) + 1
    return count
