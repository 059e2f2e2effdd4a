"""Matches submissions to the rows of a class list: by id, by group, or by name.

A student counts as "not handed in" only if there is no sign of a submission. If the list, the platform or a submission
without an owner suggests one, a person must look at the problem.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from functools import lru_cache, partial
from itertools import combinations

from grader.course.layouts.folder import AGAIN
from grader.course.roster import (
    EMAIL_COLUMNS,
    ID_COLUMNS,
    column,
    full_name,
    groups_of,
    ids_of,
    is_name_column,
    is_read,
    is_staff,
    is_test_student,
    key_of,
    roster_name,
    says_handed_in,
    time_told,
)
from grader.course.student import alike, exactly, newest, printable, safe
from grader.course.times import moment
from grader.model import Student

Rows = Sequence[Mapping[str, str]]
UNRELATED = (
    "no work is named as anybody in the class list, so any may be this student's; name the class's own list, or add "
    "the platform's ids to it"
)
GROUPS = "; if groups handed in, add a column Group to the class list"
ALIKE = {
    "Email": EMAIL_COLUMNS,
    "SID": ("Student ID", "student_id", "SIS User ID", "ID number"),
    "Identifier": ("ID", "Identifikator", "Identifiant", "Identificador", "Identificatore"),
    "username": ("SIS Login ID", "login_id", "login", "NetID", "user"),
    "student_id": ("SIS Login ID", "login_id", "login", "NetID", "username", "SID"),
    "Brightspace user": (),
}


@dataclass
class Matches:
    """Which submissions belong to which rows of the list; rows are known by their positions."""

    works: dict[int, list[Student]] = field(default_factory=lambda: defaultdict(list))
    doubts: dict[int, str] = field(default_factory=dict)  # why another submission may belong to a row, too
    unlisted: list[Student] = field(default_factory=list)  # submissions without a row


def with_roster(
    students: Sequence[Student], rows: Rows, *, by_any_cell: bool, zone: tzinfo | None = None
) -> list[Student]:
    """The students with their ids and names from the list, and a student for each row without a submission.

    Two students may share a name, so equal names do not match if the ids differ.
    """
    teams = rows_by_group(rows)
    matches = matched(students, rows, teams, by_any_cell)
    found, works = matches.unlisted, matches.works
    lone = lone_members(rows, teams, works)
    anyones = nobodys_work(found) or misnamed_work(rows, works)
    if len(found) > 1 and not works:
        anyones = anyones or UNRELATED
    for at, row in enumerate(rows):
        group = works.get(at, [])
        if is_test_student(row) or (is_staff(row) and not group):
            continue  # the staff's own test submissions are skipped too
        own = certain(group, row)
        found += [replace(one, unlisted=True) for one in group if one not in own]
        if group:
            reasons = [why_unsure(group[0], [row])]
        else:
            reasons = [matches.doubts.get(at, ""), missing_work(row), lone.get(at, ""), anyones]
        student = newest(own) if own else absent(row, next(filter(None, reasons), ""))
        found.append(listed(student, row, zone))
    return found


def matched(students: Sequence[Student], rows: Rows, teams: Mapping[str, Sequence[int]], by_any_cell: bool) -> Matches:
    """The rows of each submission: those of the group that it is named after, else that of its student."""
    found, kinds = Matches(), shared_kinds(students, rows)
    for one in students:
        team = teams.get(key_of(one.name), [])
        if members := members_of(one, rows, team):
            for at in members:
                found.works[at].append(replace(one, id=row_id(rows[at]), own_id=own_id(rows[at]), ids={}))
            found.doubts |= dict.fromkeys((at for at in team if at not in members), spelled_otherwise(one))
            continue
        sure, likely = rows_of(one, rows, by_any_cell, kinds)
        if sure is not None:
            found.works[sure].append(one)
            continue
        found.unlisted.append(replace(one, unlisted=True))
        unsure = likely or with_canvas_id(one, rows) or resembling(one, rows, kinds)
        found.doubts |= dict.fromkeys(team, spelled_otherwise(one))
        found.doubts |= dict.fromkeys(unsure, why_unsure(one, [rows[at] for at in unsure]))
    return found


def certain(group: list[Student], row: Mapping[str, str]) -> list[Student]:
    """The submissions of a row's group that are surely its student's. Where their ids differ, only those with the row's
    id are; where they differ in case or Unicode form alone, only those spelled as in the row are."""
    if any(differ(one, other.ids) for one, other in combinations(group, 2)):
        group = [one for one in group if same_id(one, row)]
    spellings = {one.own_id for one in group}
    if len(spellings) > len(set(map(alike, spellings))):
        group = [one for one in group if one.own_id in row.values()]
    return group


def in_another_form(one: Student) -> bool:
    """Whether the list has the student's id with its accents in another Unicode form alone."""
    own = printable(one.own_id).lower()
    return any(alike(cell) == alike(one.own_id) for cell in one.ids.values()) and all(
        cell.lower() != own for cell in one.ids.values()
    )


def why_unsure(one: Student, rows: Rows) -> str:
    """The reason why it is unclear which student this submission belongs to."""
    if "Identifier" in one.ids and any(same_id(one, row) for row in rows):
        number = one.ids["Identifier"].split()[-1]
        return f"{one.name} was handed in under number {number}, but the class list gives it to another name{GROUPS}"
    if (many := sum(one.own_id in ids_of(row) for row in rows)) > 1:
        return f"{one.name} stands in {many} rows of the class list; leave one of them, or give each its own id"
    told = dict.fromkeys(printable(cell) for row in rows for cell in row.values() if alike(cell) == alike(one.own_id))
    if told and one.own_id not in told:
        cure = "copy the id from there as the name of that folder or archive"
        return f"{one.name} differs from {' and '.join(told)} in the class list by case or Unicode form; {cure}"
    own = one.own_id.lstrip("0")
    without = (id_ for row in rows for id_ in ids_of(row) if own.isdigit() and id_.lstrip("0") == own)
    if zeros := next((id_ for id_ in without if id_ != one.own_id), ""):
        cure = "if a spreadsheet took its zeros, put them back into the list"
        return f"{one.name} may belong to this student, whose id is {printable(zeros)} in the class list; {cure}"
    whose = f"{one.name} may belong to this student or to another one with that name"
    return f"{whose}; name that folder or archive after an id, or add the platform's ids to the list"


def missing_work(row: Mapping[str, str]) -> str:
    """Why a row without a submission may have one: the list says that it was handed in; "" if the list does not."""
    told = says_handed_in(row)
    return f"the class list says that it was handed in ({printable(told)}), but it is not here{AGAIN}" if told else ""


def nobodys_work(unlisted: Sequence[Student]) -> str:
    """Why any student without a submission may have handed in: one is anonymous, a group's, or without an owner; "" if
    none is."""
    hidden = [one.name for one in unlisted if one.ids.get("ID", "").startswith("anon_")]
    if hidden:
        return f"{hidden[0]} is anonymous and may belong to this student; export the submissions with names"
    if nameless := [one.name for one in unlisted if set(one.ids) == {"Submission ID"}]:
        return f"{nameless[0]} has no owner in Gradescope's list and may belong to this student{AGAIN}"
    groups = [one.name for one in unlisted if "assignsubmission" in (one.path or "") and not one.ids]
    return f"{groups[0]} may belong to this student's group{GROUPS}" if groups else ""


def misnamed_work(rows: Rows, works: Mapping[int, Sequence[Student]]) -> str:
    """Why any student without a submission may have handed in: most files have one student's id and another one's name,
    as Canvas names the files of groups; "" if they do not."""
    joined = [(one, rows[at]) for at, group in works.items() for one in group
              if one.ids.get("ID", "").isdigit() and same_id(one, rows[at])]  # fmt: skip
    other = [one.name for one, row in joined if full_name(row) and not words(one.name) & words(full_name(row))]
    many = len(other) > 1 and 2 * len(other) > len(joined)
    return f"{other[0]} may belong to this student's group{GROUPS}" if many else ""


def absent(row: Mapping[str, str], problem: str) -> Student:
    """A student without a submission."""
    name = printable(full_name(row) or column(row, *ID_COLUMNS))
    return Student(row_id(row), name, problem=problem, own_id=own_id(row))


def with_canvas_id(one: Student, rows: Rows) -> list[int]:
    """The rows whose Canvas ID stands in the name of one of the files."""
    numbers = {number for _, path in one.parts for number in path.name.split("_") if number.isdigit()}
    return [at for at, row in enumerate(rows) if "ID" in one.ids and column(row, "ID") in numbers]


def resembling(one: Student, rows: Rows, kinds: Collection[str]) -> list[int]:
    """The rows that a submission named "ada l" may belong to. They have

    - an id of the same words ("ada-l"), or the same number without its zeros (7, where Excel was given 007);
    - an id that stands in the submission's name ("hw1 ada-l late");
    - a name or an e-mail address that contains the submission's name ("ada"); or
    - a name with a word of it ("Ada King Lovelace", "hw1_lovelace"), or two if they are as short as in "Bo Ek".

    They have no other id of the kinds that platform and list share.
    """

    def read(text: str) -> set[str]:
        return {word.lstrip("0") for word in words(text)}

    def stands(part: str, text: str) -> bool:
        found = len(part) > 1 and part in text and re.search(rf"(?<![^\W_]){re.escape(part)}(?![^\W_])", text)
        return bool(found)

    def holds(row: Mapping[str, str]) -> bool:
        ids = {part for id_ in ids_of(row) for part in (alike(id_), alike(id_).partition("@")[0])}
        told = {alike(full_name(row)), *ids}
        return any(stands(id_, name) for id_ in ids for name in names) or any(stands(names[0], text) for text in told)

    def shares(row: Mapping[str, str]) -> bool:
        theirs = bare_words(full_name(row) or " ".join(row.values()))
        long = {word for word in theirs if len(word) > 2}
        if long & own or sum(word in part for word in long for part in own) > 1:
            return True
        return sum(len(word) > 1 for word in theirs & own) > 1 or any(fills(theirs, part) for part in own)

    def fills(theirs: Collection[str], part: str) -> bool:
        inside = [word for word in theirs if word in part]
        return len(inside) > 1 and sum(map(len, inside)) >= len(part) - 1

    names, own = [alike(one.name), *(alike(path.name) for _, path in one.parts)], bare_words(one.name)
    return [
        at
        for at, row in enumerate(rows)
        if (read(one.name) & read(column(row, *ID_COLUMNS)) or holds(row) or shares(row))
        and not differ(one, row, kinds)
    ]


def row_id(row: Mapping[str, str]) -> str:
    return exactly(id_) if (id_ := column(row, *ID_COLUMNS)) else safe(full_name(row))


def own_id(row: Mapping[str, str]) -> str:
    return column(row, *ID_COLUMNS) or full_name(row)


def listed(one: Student, row: Mapping[str, str], zone: tzinfo | None) -> Student:
    at = one.submitted_at or moment(time_told(row), zone)
    ids = {**one.ids, **{key: printable(value) for key, value in row.items() if value}}
    return replace(one, name=printable(full_name(row) or one.name), ids=ids, submitted_at=at)


def rows_by_group(rows: Rows) -> dict[str, list[int]]:
    """The rows of each group; groups whose names differ in case and signs alone are one."""
    found: dict[str, list[int]] = {}
    for at, row in enumerate(rows):
        for group in {key_of(group) for group in groups_of(row)} - {""}:
            found.setdefault(group, []).append(at)
    return found


def lone_members(
    rows: Rows, teams: Mapping[str, Sequence[int]], works: Mapping[int, Sequence[Student]]
) -> dict[int, str]:
    """Why the other members of a group may have handed in, if only one member did, under an own id."""
    found: dict[int, str] = {}
    for key, team in teams.items():
        there = [at for at in team if at in works]
        if len(there) == 1:
            one = works[there[0]][0].name
            group = next(printable(group) for group in groups_of(rows[there[0]]) if key_of(group) == key)
            said = f"only {one} of this student's group handed in; if that is the group's work, name it {group}"
            found |= dict.fromkeys((at for at in team if at not in there), said)
    return found


def members_of(one: Student, rows: Rows, team: Sequence[int]) -> list[int]:
    """The rows of the group that the submission is named after; none if it is named after a student. `team` are the
    rows of all groups whose names differ from its name in case and signs alone."""
    called: dict[str, list[int]] = {}
    for at in team:
        for group in groups_of(rows[at]):
            if key_of(group) == key_of(one.name):
                called.setdefault(printable(group), []).append(at)
    fitting = called.get(one.name) or (next(iter(called.values())) if len(called) == 1 else [])
    if not fitting:
        return []
    named = [at for at, row in enumerate(rows) if words(one.name) & words(full_name(row))]
    return [] if any(at not in fitting for at in named) else fitting


def spelled_otherwise(one: Student) -> str:
    return f"{one.name} may belong to this student's group; spell the group in the class list as that folder is named"


def rows_of(one: Student, rows: Rows, by_any_cell: bool, kinds: Collection[str]) -> tuple[int | None, list[int]]:
    """The student's row, found by an id of the platform, else by name, else by any cell; None if it is uncertain. And
    all rows that may be the student's."""

    def same_name(row: Mapping[str, str]) -> bool:
        names = words(full_name(row)) | words(roster_name(row))
        return bool(words(one.name) & names)

    by_id, by_name = ([at for at, row in enumerate(rows) if fits(row)] for fits in (partial(same_id, one), same_name))
    by_cell = named_in_a_cell(one, rows) if by_any_cell else []
    named, written = ([at for at in way if not differ(one, rows[at], kinds)] for way in (by_name, by_cell))
    spelled = [at for at in dict.fromkeys(by_id + written) if one.own_id in rows[at].values()]  # "Ada", and not "ada"
    likely = [spelled, by_id, named, written]
    at = next((way[0] for way in likely if len(way) == 1), None)
    if at is not None and is_anothers(one, rows[at]):
        return None, [at]
    if at in by_id and one.name not in one.ids.values() and full_name(rows[at]) and by_name and at not in by_name:
        return None, [at, *by_name]  # the id is of one person, and the name of another
    return at, next(filter(None, [*likely, by_name, by_cell]), [])


def named_in_a_cell(one: Student, rows: Rows) -> list[int]:
    """The rows with a cell that says the submission's name, be it an id or a name under a title that is not known. A
    column with that cell in several rows, such as that of sections, says nothing if another one has it once."""
    found: dict[str, list[int]] = {}
    nameless, name, spelled = not any(map(is_name_column, rows[0])), alike(one.name), words(one.name)
    for at, row in enumerate(rows):
        for title, value in row.items():
            if value and (name == alike(value) or (nameless and not is_read(title) and spelled & words(value))):
                found.setdefault(title, []).append(at)
    ways = [way for way in found.values() if len(way) == 1] or found.values()
    return sorted({at for way in ways for at in way})


def is_anothers(one: Student, row: Mapping[str, str]) -> bool:
    """Whether Moodle's number is the row's, but the name is another: it is a group's number, or the list is old.

    If names are hidden, Moodle writes the word for a participant instead of the name; the list's `Identifier` begins
    with the same word. Older versions put a group's name before it.
    """
    name, number = full_name(row), column(row, "Identifier", *ALIKE["Identifier"])
    if "Identifier" not in one.ids or not name or words(one.name) & words(name):
        return False
    hidden = key_of(re.sub(r"\d+$", "", number))
    return not any(end and key_of(one.name).endswith(end) for end in (key_of(name), hidden))


def same_id(one: Student, row: Mapping[str, str]) -> bool:
    return any(own == other for own, other in id_pairs(one, row))


def differ(one: Student, ids: Mapping[str, str], kinds: Collection[str] | None = None) -> bool:
    """Whether both sides have ids of a common kind (one of `kinds`, if given) and no such ids are equal."""
    both = list(id_pairs(one, ids, kinds))
    return bool(both) and all(own != other for own, other in both)


def id_pairs(one: Student, ids: Mapping[str, str], kinds: Collection[str] | None = None) -> Iterator[tuple[str, str]]:
    """Pairs of the student's ids and the other side's ids of the same kind."""
    for kind, value in one.ids.items():
        if (kinds is None or kind in kinds) and (other := of_kind(ids, kind)):
            yield bare(kind, value), bare(kind, other)


def of_kind(ids: Mapping[str, str], kind: str) -> str:
    return column(ids, kind, *ALIKE.get(kind, ()))


def bare(kind: str, value: str) -> str:
    """An id for comparison: without Moodle's word before the number, which is in any language, and Brightspace's #."""
    if kind == "Identifier" and (number := re.search(r"\d+$", value)):
        return number[0]
    return alike(value).removeprefix("#")


def shared_kinds(students: Sequence[Student], rows: Rows) -> set[str]:
    """The kinds of ids that the platform and the list share, with at least one equal value: a column "ID" made by hand
    may hold other numbers."""
    kinds = {kind for one in students for kind in one.ids}
    known = {kind: {bare(kind, of_kind(row, kind)) for row in rows} for kind in kinds}
    return {kind for one in students for kind, value in one.ids.items() if bare(kind, value) in known[kind]}


@lru_cache(maxsize=1 << 14)  # each submission is compared with each row
def words(name: str) -> frozenset[str]:
    """Spellings of a name: "Doe, Jane", "Jane Doe", "doejane" and "janedoe" have one in common."""
    parts = re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", printable(name) if name else "").casefold())
    turned = {"".join(parts[at:] + parts[:at]) for at in range(min(len(parts), 8))}
    return frozenset({*turned, "".join(sorted(parts))} - {""})


@lru_cache(maxsize=1 << 14)
def bare_words(name: str) -> frozenset[str]:
    """The words of a name without their accents."""
    apart = unicodedata.normalize("NFKD", name).casefold()
    return frozenset(re.findall(r"[^\W_]+", "".join(char for char in apart if not unicodedata.combining(char))))
