"""Deletes all that a gradebook's folder holds of a student: results, decisions, pages and exports, and their traces.

What is to be forgotten is first written into a file, which is deleted last. So after a kill at any moment, the same
command goes on where it stopped. SQLite keeps deleted text in free pages, in its log and in temporary files: it is
told to overwrite what it deletes, to keep temporary files in memory, and to write the whole file anew.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from grader.course import pages
from grader.course.database import EXPORTS, FILE, REPORTS, Database
from grader.course.gradebook import Gradebook
from grader.course.people import own_ids
from grader.errors import UsageError
from grader.files import delete, remove, write
from grader.model import Student, Verdict

PENDING = "forget.json"
SOMEONE = "(forgotten)"  # instead of the student's name in texts about others
SHORTEST = 3  # characters of what is searched for; a number needs more, because it may be points
LONG_NUMBER = 5
KEPT = ("runs", "releases", "keys", "sqlite_sequence")  # tables about the class, where a name is staff's or a path's
STAFF = ("author",)
ORPHANS = (  # what no report uses any more
    f"DELETE FROM pages WHERE path LIKE '%{SOMEONE}%'",
    "DELETE FROM tasks WHERE digest NOT IN (SELECT value FROM reports, json_each(reports.document, '$.tasks')"
    " UNION SELECT value FROM replaced, json_each(replaced.document, '$.tasks'))",
    "DELETE FROM results WHERE json_extract(document, '$.task') NOT IN (SELECT digest FROM tasks)",
    "DELETE FROM answers WHERE request NOT IN (SELECT id FROM requests)",
)
WORDS = {*(verdict.value for verdict in Verdict), "visible", "after_due", "hidden"}  # a report's own, so nobody's trace


@dataclass(frozen=True, slots=True)
class Plan:
    """A student's ids in all runs, and the texts by which files are searched."""

    ids: tuple[str, ...]
    texts: tuple[str, ...]

    def is_of(self, text: str) -> bool:
        return text.casefold() in {one.casefold() for one in (*self.ids, *self.texts)}


def pending(folder: Path) -> Plan | None:
    """What an interrupted run has begun to forget."""
    try:
        told = json.loads((folder / PENDING).read_text(encoding="utf-8"))
        return Plan(tuple(told["ids"]), tuple(told["texts"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise UsageError(f"{folder / PENDING} cannot be read; delete it, and forget the student again") from None


def plan(book: Gradebook, text: str) -> Plan:
    """Raises UsageError if no run has such a student."""
    ids = book.known_as(found(book, text))
    everyone = [one for run in book.runs() for one in book.students(run)]
    own = {told for one in everyone if one.id in ids for told in texts_of(one)}
    others = {told.casefold() for one in everyone if one.id not in ids for told in texts_of(one)}
    shared = {told for told in own if told.casefold() in others}  # a namesake keeps the name
    return Plan(tuple(sorted(ids)), tuple(sorted(own - shared, key=lambda told: (-len(told), told))))


def together(book: Gradebook, what: Plan) -> list[str]:
    """The ids of others who handed in the same files, such as the student's group."""
    query = "SELECT DISTINCT student, digest FROM submissions WHERE digest IS NOT NULL"
    digests = [(student, digest) for student, digest in book.database.rows(query)]
    own = {digest for student, digest in digests if student in what.ids}
    return sorted({student for student, digest in digests if digest in own and student not in what.ids})


def found(book: Gradebook, text: str) -> str:
    """The id of the student, who may be in an earlier run alone."""
    failed: UsageError | None = None
    for run in reversed(book.runs()):
        try:
            return book.student(text, run).id
        except UsageError as error:
            failed = failed or error
    raise failed or UsageError(f"there is no student {text}")


def texts_of(one: Student) -> Iterator[str]:
    """The texts that name a student: ids, the name in both orders, and the names of the files that were handed in."""
    last, comma, first = one.name.partition(",")
    told = {one.id, one.name, *own_ids(one)}
    told |= {f"{first.strip()} {last.strip()}"} if comma else set()
    told |= {Path(path.replace("\\", "/")).name for path in (one.path or "", *one.others)}
    for text in told:
        if text not in WORDS and len(text) >= (LONG_NUMBER if text.isdigit() else SHORTEST):
            yield text


def forget(book: Gradebook, what: Plan) -> list[Path]:
    """Carry a plan out. Gives the files in the folder that still name the student, which are not ours to change.

    Raises UsageError if a file cannot be deleted or another process uses the gradebook; nothing of the plan is lost.
    """
    path = book.folder / PENDING
    write(path, json.dumps({"ids": what.ids, "texts": what.texts}))
    for id_ in what.ids:
        pages.remove(book, id_)  # while their rows still name the student
    delete_rows(book.database, what)
    book.same = None
    delete_halves(book.folder)
    remove(book.folder / EXPORTS)
    for name in (pages.SIMILAR, pages.PAIRS):  # they quote the work; `grade.py similar` makes them anew
        delete(book.folder / name)
    draw_again(book)
    scrub(book.database)
    left = [file for file in files(book.folder) if file != path and names(file, what.texts)]
    delete(path)
    return left


def delete_rows(database: Database, what: Plan) -> None:
    """Delete the student's rows, and what belonged to them alone; take the name out of rows about others."""
    told = (*what.ids, *what.texts)  # an extension may name the student by any id
    erase, marks = eraser(what.texts), ", ".join("?" * len(told))
    database.connection.execute("PRAGMA secure_delete = ON")
    with database.writing() as connection:
        named = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        columns = [
            (table, column, kind)
            for (table,) in named
            for _, column, kind, *_ in connection.execute(f"PRAGMA table_info({table})").fetchall()
        ]
        for table in (table for table, column, _ in columns if column == "student"):
            connection.execute(f"DELETE FROM {table} WHERE student COLLATE NOCASE IN ({marks})", told)
        for statement in ORPHANS:
            connection.execute(statement)
        for table, column, kind in columns:
            if table in KEPT or kind != "TEXT" or column in STAFF:
                continue
            rows = database.sound(connection.execute(f"SELECT rowid, {column} FROM {table}").fetchall())
            changed = [(new, id_) for id_, old in rows if old and (new := erase(old)) != old]
            for values in changed:
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", values)


def eraser(texts: Sequence[str]) -> Callable[[str], str]:
    """A function that takes these texts out of a text, or out of the strings in a JSON value."""
    pattern = searched(texts)

    def erase(text: str) -> str:
        if text[:1] in "{[":
            with contextlib.suppress(ValueError, RecursionError):  # a student may begin a request so
                value = json.loads(text)
                new = walk(value)
                return text if new == value else json.dumps(new)
        return pattern.sub(SOMEONE, text)

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: walk(part) for key, part in value.items()}
        if isinstance(value, list):
            return [walk(part) for part in value]
        return pattern.sub(SOMEONE, value) if isinstance(value, str) else value

    return erase


def searched(texts: Iterable[str]) -> re.Pattern[str]:
    """Finds these texts where they are words of their own."""
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, texts)) or '(?!)'})(?!\w)", re.IGNORECASE)


def delete_halves(folder: Path) -> None:
    """Delete what a process that was killed while it wrote a file has left."""
    for place in (folder, folder / REPORTS):
        for part in place.glob(".*.part"):
            delete(part)


def draw_again(book: Gradebook) -> None:
    """Draw the pages anew that named the student."""
    run = book.run()
    rows = book.register(run)
    for row in rows:
        pages.redraw(book, row.student.id, run)
    if (book.folder / pages.INDEX).is_file():
        pages.write_index(book, run, rows)


def scrub(database: Database) -> None:
    """Write the file anew, without what was deleted. Raises UsageError while another process reads it."""
    connection = database.connection
    connection.execute("PRAGMA temp_store = MEMORY")
    for _ in range(2):  # the second one empties the log of the VACUUM
        if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            raise UsageError(f"{database.folder / FILE} is in use by another process; end it, and type this again")
        connection.execute("VACUUM")
    if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        raise UsageError(f"{database.folder / FILE} is in use by another process; end it, and type this again")


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def names(path: Path, texts: Sequence[str]) -> bool:
    """Whether a file's name or content holds one of the texts, as they are or as HTML and JSON spell them."""
    spelled = {form for text in texts for form in (text, escape(text), json.dumps(text)[1:-1])}
    pattern = searched(spelled)
    return any(map(pattern.search, (path.name, path.read_bytes().decode("utf-8", "replace"))))
