"""Regrade requests: read from what a form exports or typed in; each is granted or not, with a reason and an author."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import Connection
from typing import Any
from uuid import uuid4

from grader.course import decisions, people
from grader.course.database import Database
from grader.course.decisions import Changed, Conflict, Decision
from grader.course.gradebook import Gradebook
from grader.course.roster import ID_COLUMNS, column, decoded, full_name, read_lines
from grader.errors import UsageError
from grader.model import Student

TEXTS = ("request", "text", "reason", "why", "explanation", "comment", "message", "question")
ITEMS = ("item", "task", "part", "problem", "exercise")
LONGEST = 20_000  # characters of a request


@dataclass(frozen=True, slots=True)
class Request:
    """A student's request on an item, or on the whole work (""). `granted` is None while it is open; then `answer` is
    the number of its last answer, 0 if there was none."""

    id: int
    student: str
    item: str
    text: str
    author: str
    time: datetime
    granted: bool | None = None
    points: float | None = None
    reason: str = ""
    by: str = ""
    answer: int = 0


def all_of(database: Database) -> list[Request]:
    """All requests, the oldest first, each with its last answer."""
    rows = database.rows("SELECT request, granted, points, reason, author, id FROM answers ORDER BY id")
    answered = {row[0]: row[1:] for row in rows}

    def read(row: Sequence[Any]) -> Request:
        id_, student, item, text, author, at = row
        granted, points, reason, by, answer = answered.get(id_, (None, None, "", "", 0))
        told = None if granted is None else bool(granted)
        return Request(id_, student, item, text, author, datetime.fromisoformat(at), told, points,
                       "" if told is None else reason, "" if told is None else by, answer)  # fmt: skip

    return database.read(read, "SELECT id, student, item, text, author, time FROM requests ORDER BY id")


def put(database: Database, student: str, item: str, text: str, *, author: str, items: Collection[str]) -> bool:
    """Record a request; False if the same one is there already. Raises UsageError for one without text or item."""
    text = text.strip()[:LONGEST]
    if not text:
        raise UsageError(f"the request of {student} is empty; type what the student asks for")
    if item and item not in items:
        raise UsageError(f"the request of {student} is on {item}; the items are {', '.join(items)}")
    with database.writing() as connection:
        same = connection.execute(
            "SELECT 1 FROM requests WHERE student = ? AND item = ? AND text = ?", (student, item, text)
        ).fetchone()
        if not same:
            connection.execute(
                "INSERT INTO requests (student, item, text, author, time) VALUES (?, ?, ?, ?, ?)",
                (student, item, text, author, datetime.now(UTC).isoformat()),
            )
    return not same


def take_in(
    database: Database, path: Path, students: Sequence[Student], items: Collection[str], *, author: str
) -> tuple[int, list[str]]:
    """Record the requests in a CSV or in a folder of text files: the number of new ones, and a sentence for each that
    names no student or no item. Reading the same file again adds nothing."""
    new, problems = 0, []
    for who, item, text, where in from_folder(path, items) if path.is_dir() else from_table(path):
        found = people.fitting(students, who) if who else []
        if len(found) != 1:
            told = f"may be {people.listed(found)}" if found else "is nobody in this class"
            problems.append(f"{where}: {who or 'no name'} {told}; name the student by an id of the platform")
            continue
        try:
            new += put(database, found[0].id, item, text, author=author, items=items)
        except UsageError as error:
            problems.append(f"{where}: {error}")
    return new, problems


def from_table(path: Path) -> Iterator[tuple[str, str, str, str]]:
    """Student, item, text and place of each request in a CSV. Raises UsageError for one without a column of them."""
    rows = read_lines(path, "the requests", "--requests")
    if rows and not any(column(row, *TEXTS) for _, row in rows):
        raise UsageError(f"{path} has no requests; its first line should be student,item,request")
    for at, row in rows:
        if any(row.values()):
            who = column(row, *ID_COLUMNS) or full_name(row)
            yield who, column(row, *ITEMS), column(row, *TEXTS), f"{path}, line {at}"


def from_folder(path: Path, items: Collection[str]) -> Iterator[tuple[str, str, str, str]]:
    """The same of text files named after the student, as `ada.txt`, or after student and item, as `ada 2.1.txt`. Raises
    UsageError for a folder without any, for a link and for what is no text."""
    files = sorted(one for one in path.iterdir() if one.suffix.lower() in (".txt", ".md") and one.is_file())
    if not files:
        raise UsageError(f"{path} contains no text file; name a CSV, or a folder of files such as ada.txt")
    for file in files:
        if file.is_symlink():
            raise UsageError(f"{file} is a link, which is not followed; put the request itself there")
        named = next((item for item in items if file.stem.endswith((f" {item}", f"_{item}", f"-{item}"))), "")
        who = file.stem.removesuffix(named).rstrip(" _-") if named else file.stem
        yield who, named, decoded(file, "this request", "--requests", "text"), str(file)


def answer(
    book: Gradebook,
    request: Request,
    granted: bool,
    reason: str,
    *,
    author: str,
    seen: int,
    points: float | None = None,
    adjusted: int = 0,
    most: Mapping[str, float],
) -> None:
    """Grant a request, with points if it is on an item, or do not grant it. `seen` is the number of the answer that
    the person saw, `adjusted` that of the adjustment, and `most` the points of each item. Raises Changed if there is
    another answer or adjustment by now, and UsageError without a reason or with points that are not possible."""
    if not reason.strip() or not author.strip():
        raise UsageError("the answer to a request needs a reason; type what the student is to read")
    expect_points(request.item, points, most, granted=granted)
    ids = book.known_as(request.student)
    with book.database.writing() as connection:
        there = connection.execute(
            "SELECT id, author FROM answers WHERE request = ? ORDER BY id DESC", (request.id,)
        ).fetchone()
        if there and there[0] != seen:
            raise Changed(f"{there[1]} answered this request in the meantime; nothing of yours was recorded")
        number = None
        if granted and points is not None:
            now = decisions.last(connection, ids, request.item)
            if now is not None and now.id != adjusted:
                raise Conflict([now])
            decision = Decision(request.student, request.item, points, adjusted, why=reason)
            number = decisions.put(connection, decision, {}, most, author=author, step=uuid4().hex)
            connection.execute("UPDATE adjustments SET undoes = id WHERE id = ?", (number,))
        write(connection, request.id, granted, number, points, reason.strip(), author)


def expect_points(item: str, points: float | None, most: Mapping[str, float], *, granted: bool) -> None:
    """Raise UsageError unless these points are possible for the item of a request, "" for the whole work."""
    highest = most.get(item, 0)
    if granted and item and item not in most:
        raise UsageError(f"there is no item {item} any more, so it gives no points; do not grant this, and say why")
    if granted and item and points is None:
        raise UsageError(f"a granted request needs points; give 0 to {highest:g} for {item}")
    if points is not None and not 0 <= points <= highest:
        raise UsageError(f"{points:g} points are not possible for {item}; give 0 to {highest:g}")


def reopen(book: Gradebook, request: Request, *, author: str) -> None:
    """Open an answered request again. The points that it gave are taken back, unless someone decided on them since.
    Raises UsageError if it is open."""
    with book.database.writing() as connection:
        row = connection.execute(
            "SELECT adjustment FROM answers WHERE request = ? ORDER BY id DESC", (request.id,)
        ).fetchone()
        if row is None or request.granted is None:
            raise UsageError("this request is open already; load the page again")
        if row[0] is not None:
            ids = book.known_as(request.student)
            now = decisions.last(connection, ids, request.item)
            if now is not None and now.id == row[0]:
                decisions.take_back(connection, ids, now, author)
        write(connection, request.id, None, None, None, "opened again", author)


def write(
    connection: Connection, request: int, granted: bool | None, adjustment: int | None, points: float | None,
    reason: str, author: str,
) -> None:  # fmt: skip
    connection.execute(
        "INSERT INTO answers (request, granted, adjustment, points, reason, author, time) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (request, None if granted is None else int(granted), adjustment, points, reason, author,
         datetime.now(UTC).isoformat()),
    )  # fmt: skip
