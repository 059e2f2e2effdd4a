"""What a person says to one student, without points: comments on an item or a line, and answers to regrade requests."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from grader.course.database import Database
from grader.errors import UsageError
from grader.model import Comment

FILES = "files"  # instead of an item: a comment on which files were handed in
PLACE = re.compile(r"[^\s:][^:]*:[1-9][0-9]{0,6}")


def of_student(database: Database, ids: Collection[str]) -> list[Comment]:
    """All that the student reads, the oldest first; the answer to a request is its last one. `ids` are all ids that
    the student ever had."""
    found = [
        one
        for who, one in database.read(
            remark_of, "SELECT student, item, place, text, author, time FROM remarks WHERE gone IS NULL ORDER BY id"
        )
        if who in ids
    ]
    answered = {
        request: one
        for request, who, one in database.read(
            answer_of,
            "SELECT requests.id, requests.student, item, granted, reason, answers.author, answers.time"
            " FROM answers JOIN requests ON requests.id = request ORDER BY answers.id",
        )
        if who in ids
    }
    return sorted([*found, *(one for one in answered.values() if one.text)], key=lambda one: one.time)


def remark_of(row: Sequence[Any]) -> tuple[str, Comment]:
    who, item, place, text, author, at = row
    return who, Comment("" if item == FILES else item, place, text, author, datetime.fromisoformat(at))


def answer_of(row: Sequence[Any]) -> tuple[int, str, Comment]:
    request, who, item, granted, reason, author, at = row
    return request, who, Comment(item, "", answer(granted, reason), author, datetime.fromisoformat(at))


def answer(granted: int | None, reason: str) -> str:
    """The answer to a request as the student reads it; "" while it is open."""
    if granted is None:
        return ""
    return f"Your request was {'granted' if granted else 'not granted'}: {reason}"


def say(database: Database, student: str, item: str, place: str, text: str, *, author: str) -> int:
    """Record a comment, and give its number. Raises UsageError for an empty one, and for a place that is no line."""
    if not text.strip() or not author.strip():
        raise UsageError("a comment needs a text and an author; type what the student is to read")
    if place and not PLACE.fullmatch(place):
        raise UsageError(f"{place} is not a line of a file; write it as work.py:12, or leave it empty")
    with database.writing() as connection:
        row = connection.execute(
            "INSERT INTO remarks (student, item, place, text, author, time) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
            (student, item, place, text.strip(), author, datetime.now(UTC).isoformat()),
        ).fetchone()
    return int(row[0])


def take_back(database: Database, number: int, *, author: str) -> None:
    """Take a comment back: the student no longer reads it, and the gradebook still knows it."""
    with database.writing() as connection:
        connection.execute(
            "UPDATE remarks SET gone = ? WHERE id = ? AND gone IS NULL",
            (f"{author} {datetime.now(UTC).isoformat()}", number),
        )
