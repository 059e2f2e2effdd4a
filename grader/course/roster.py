"""A class list: who is in the class, under which ids, and who of them handed in what.

Any table will do that has a column of ids or names: the platforms' own exports, or one made by hand.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
from pathlib import Path

from grader.course.entry import Entry, moment, newest, printable, safe
from grader.errors import UsageError


def read_roster(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV as exported by Canvas, Moodle, Gradescope or GitHub Classroom, or written by hand."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}); name the class list with --roster") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8; save the class list as CSV in UTF-8") from None
    own, text = (given[1], text[given.end() :]) if (given := SEPARATOR.match(text)) else ("", text)
    lines = text.splitlines()
    delimiter = own or (max(",;\t", key=lines[0].count) if lines else ",")
    try:
        rows = [
            {key.strip(): (value or "").strip() for key, value in row.items() if key and isinstance(value, str | None)}
            for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        ]
    except csv.Error as error:
        raise UsageError(
            f"{path} is not CSV ({error}: is a quote not closed?); save the class list as CSV in UTF-8"
        ) from None
    rows = [row for row in rows if any(row.values()) and row.get("Student") != POINTS_POSSIBLE]
    rows = [row for at, row in enumerate(rows) if row not in rows[:at]]  # whoever is there twice is still one student
    if not rows or not any(column(row, *ID_COLUMNS) or full_name(row) for row in rows):
        raise UsageError(f"{path} names no student; its first line should name columns such as name, email or ID")
    return rows


POINTS_POSSIBLE, TEST_STUDENT = "Points Possible", "Student, Test"  # rows of Canvas's own export that are nobody
SEPARATOR = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)  # Excel's own first line
ID_COLUMNS = ("SIS Login ID", "github_username", "Email", "Email address", "SID", "Student ID", "student_id",
              "SIS User ID", "ID number", "Identifier", "ID", "user_id", "username")  # fmt: skip


def column(row: Mapping[str, str], *names: str) -> str:
    """The first of these columns that says something, whatever its case."""
    folded = {key.casefold(): value for key, value in row.items()}
    return next((folded[name.casefold()] for name in names if folded.get(name.casefold())), "")


def full_name(row: Mapping[str, str]) -> str:
    first, last = column(row, "First name", "first_name"), column(row, "Last name", "last_name", "Surname")
    return column(row, "Name", "Full name", "Student", "student_name") or f"{first} {last}".strip()


def with_roster(entries: Sequence[Entry], rows: Sequence[dict[str, str]], *, by_any_cell: bool) -> list[Entry]:
    """Entries with the ids and the name that the roster gives them, and an entry for each row that has none.

    Two students may share a name, so a name alone joins nobody whose ids differ.
    """
    found: list[Entry] = []
    theirs: dict[int, list[Entry]] = {}
    doubt: dict[int, Entry] = {}
    kinds = shared(entries, rows)
    for entry in entries:
        at, fitting = rows_of(entry, rows, by_any_cell, kinds)
        if at is not None:
            theirs.setdefault(at, []).append(entry)
        else:
            found.append(replace(entry, unlisted=True))
            doubt |= dict.fromkeys(fitting, entry)
    for at, row in enumerate(rows):
        if row.get("Student") == TEST_STUDENT:
            continue  # and with it what the course's staff handed in as such
        group = theirs.get(at, [])
        sure = [one for one in group if same_id(one, row)]
        own = sure if any(differ(one, other.ids) for one, other in combinations(group, 2)) else group
        found += [replace(one, unlisted=True) for one in group if one not in own]
        found.append(listed(newest(own) if own else absent(row, group[0] if group else doubt.get(at)), row))
    return found


def absent(row: Mapping[str, str], perhaps: Entry | None) -> Entry:
    """Who handed in nothing; where a submission may be theirs or another's, that is a problem, and no zero."""
    name = full_name(row) or column(row, *ID_COLUMNS)
    problem = ""
    if perhaps is not None:
        whose = f"{perhaps.name} may be theirs, or another's of that name"
        problem = f"{whose}; name that folder or archive after an id, or add the platform's ids to the list"
    return Entry(safe(column(row, *ID_COLUMNS) or name), printable(name), problem=problem)


def listed(entry: Entry, row: Mapping[str, str]) -> Entry:
    at = entry.submitted_at or moment(column(row, "submitted_at", "Last modified (submission)"))
    ids = {**entry.ids, **{key: printable(value) for key, value in row.items() if value}}
    return replace(entry, name=printable(full_name(row) or entry.name), ids=ids, submitted_at=at)


def rows_of(
    entry: Entry, rows: Sequence[Mapping[str, str]], by_any_cell: bool, kinds: Collection[str]
) -> tuple[int | None, list[int]]:
    """Where the student's row is: the one by an id of the platform's, else by name; None where that is not sure.

    Beside it, where the rows are that may be theirs.
    """

    def same_name(row: Mapping[str, str]) -> bool:
        return bool(words(entry.name) & words(full_name(row)))

    def same_cell(row: Mapping[str, str]) -> bool:
        return by_any_cell and entry.name.casefold() in (value.casefold() for value in row.values())

    ways = [
        [at for at, row in enumerate(rows) if fits(row)] for fits in (partial(same_id, entry), same_name, same_cell)
    ]
    likely = [ways[0], *([at for at in way if not differ(entry, rows[at], kinds)] for way in ways[1:])]
    at = next((way[0] for way in likely if len(way) == 1), None)
    return at, next(filter(None, [*likely, *ways]), [])


def same_id(entry: Entry, row: Mapping[str, str]) -> bool:
    return any(one == other for one, other in pairs(entry, row))


def differ(entry: Entry, ids: Mapping[str, str], kinds: Collection[str] | None = None) -> bool:
    """Whether ids of one kind (of `kinds` alone, where they are given) are on both sides, and none is the same."""
    both = list(pairs(entry, ids, kinds))
    return bool(both) and all(one != other for one, other in both)


def pairs(entry: Entry, ids: Mapping[str, str], kinds: Collection[str] | None = None) -> Iterator[tuple[str, str]]:
    """The entry's ids, each with the one of its kind on the other side."""
    for kind, value in entry.ids.items():
        if (kinds is None or kind in kinds) and (other := column(ids, kind, *ALIKE.get(kind, ()))):
            yield value.casefold(), other.casefold()


def shared(entries: Sequence[Entry], rows: Sequence[Mapping[str, str]]) -> set[str]:
    """The kinds of ids that the platform and the roster both know: a hand-made column "ID" may be another number."""
    kinds = {kind for entry in entries for kind in entry.ids}
    known = {kind: {column(row, kind, *ALIKE.get(kind, ())).casefold() for row in rows} for kind in kinds}
    return {kind for entry in entries for kind, value in entry.ids.items() if value.casefold() in known[kind]}


ALIKE = {"Email": ("Email address",), "SID": ("Student ID", "student_id", "SIS User ID", "ID number")}


def words(name: str) -> set[str]:
    """Spellings that one name has: "Doe, Jane", "Jane Doe" and "doejane" share one."""
    parts = re.findall(r"\w+", unicodedata.normalize("NFC", name).casefold())
    return {"".join(parts), "".join(sorted(parts))} - {""}
