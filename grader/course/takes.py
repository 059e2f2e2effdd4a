"""A person's decisions on which of a student's files counts when names are ambiguous; they apply to later runs."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from grader.course.database import Database
from grader.errors import UsageError
from grader.model import Take


def of_student(database: Database, ids: Collection[str]) -> list[Take]:
    """A student's takes that count, including those under earlier ids: the last for each wanted file, unless it
    revokes."""
    given = database.read(take_of, "SELECT student, file, name, author, time, reason FROM takes ORDER BY id")
    last = {one.name: one for one in given if one.student in ids}
    return [one for one in last.values() if one.file]


def take_of(row: Sequence[Any]) -> Take:
    who, file, name, author, at, why = row
    return Take(who, file or "", name, author, datetime.fromisoformat(at), why)


def see(database: Database, student: str, files: Sequence[str]) -> None:
    """Record the files of a student that the last batch saw."""
    with database.writing() as connection:
        connection.execute("INSERT OR REPLACE INTO seen VALUES (?, ?)", (student, json.dumps(list(files))))


def seen(database: Database, student: str) -> list[str]:
    rows = database.read(seen_of, "SELECT student, files FROM seen WHERE student = ?", student)
    return list(rows[0][1]) if rows else []


def seen_of(row: Sequence[Any]) -> tuple[str, tuple[str, ...]]:
    return row[0], tuple(json.loads(row[1]))


def take(
    database: Database,
    student: str,
    ids: Collection[str],
    file: str | None,
    name: str,
    *,
    wanted: Collection[str],
    author: str,
    why: str,
) -> Take | None:
    """Record that `file` of a student's submission counts as `name`; None revokes the earlier take.

    `ids` are all ids that the student ever had. Raises UsageError for a name that is not wanted, and for a file that
    the last batch did not see.
    """
    if name not in wanted:
        raise UsageError(f"{name} is not a file of this homework; its files are {', '.join(wanted)}")
    if not why.strip() or not author.strip():
        raise UsageError("a take needs a reason and an author; give them with --why and --author")
    if file is None:
        if not any(one.name == name for one in of_student(database, ids)):
            raise UsageError(f"no file of {student} was taken as {name}, so there is nothing to take back")
    else:
        check_seen(student, file, seen(database, student))
    at = datetime.now(UTC)
    with database.writing() as connection:
        connection.execute(
            "INSERT INTO takes (student, file, name, author, time, reason) VALUES (?, ?, ?, ?, ?, ?)",
            (student, file, name, author, at.isoformat(), why),
        )
    return None if file is None else Take(student, file, name, author, at, why)


def check_seen(student: str, file: str, files: Sequence[str]) -> None:
    if file in files:
        return
    if not files:
        raise UsageError(f"the files of {student} are not known yet; run the batch again, then take one")
    ends = [one for one in files if one.endswith(file) or one.rpartition("/")[2] == file.rpartition("/")[2]]
    near = [*ends, *difflib.get_close_matches(file, files, 3, 0.5)] or files[:5]
    raise UsageError(f"{student} handed in no {file}; choose {' or '.join(dict.fromkeys(near[:5]))}")
