"""Finds a student by the text that a person types, and recognises one student under several ids."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from pathlib import PurePosixPath

from grader.course.class_list import words
from grader.course.roster import ID_COLUMNS, key_of
from grader.course.student import alike
from grader.errors import UsageError
from grader.intake.archive import ENDING
from grader.model import Student

GONE = (
    "the work was here when this run began, and is gone now; put it back if it was not withdrawn, and start a new run"
)
PERSONAL = {key_of(name) for name in ID_COLUMNS}


def find(students: Sequence[Student], text: str, also: Collection[str] = ()) -> Student:
    """The student with this id, name, e-mail or other platform id, or with one of the ids `also`.

    Raises UsageError if nobody or several match, and names them.
    """
    found = fitting(students, text) or [one for one in students if one.id in also]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{text} may be {listed(found)}; use the id of the one you mean")
    near = [one for one in students if text.isdigit() and numbered(one, text)]
    near = near or [one for one in students if text.casefold() in f"{one.id} {one.name}".casefold()]
    hint = f"; did you mean {listed(near)}?" if near else ""
    raise UsageError(f"there is no student {text}{hint}")


def fitting(students: Sequence[Student], text: str) -> list[Student]:
    """Students with this id; else with this platform id; else either whatever its case and Unicode form; else with
    this name."""
    sought = alike(text)
    ways: tuple[Callable[[Student], bool], ...] = (
        lambda one: one.id == text,
        lambda one: text in own_ids(one),
        lambda one: alike(one.id) == sought,
        lambda one: sought in map(alike, own_ids(one)),
        lambda one: alike(one.name) == sought or bool(words(text) & words(one.name)),
    )
    return next((found for way in ways if (found := [one for one in students if way(one)])), [])


def with_gone(students: Sequence[Student], before: Sequence[Student]) -> list[Student]:
    """The students. The problem of one whose work was there before, and is not now, says so, so that nobody takes them
    for one who handed in nothing. Who is not in the class any more is left out."""
    known = same((run, one.id, one.ids) for run, there in enumerate((before, students)) for one in there)
    found = {one.id: one for one in students}
    for old in before:
        now = [found[id_] for id_ in known[old.id] if id_ in found]
        if old.path and now and not any(one.path or one.problem for one in now):
            found[now[0].id] = replace(now[0], problem=GONE)
    return list(found.values())


def own_ids(one: Student) -> list[str]:
    """What names the student on platforms and in class lists, without the name."""
    return [value for key, value in one.ids.items() if key_of(key) in PERSONAL]


def numbered(one: Student, number: str) -> bool:
    """Whether an id of the student is this number, zeros before it aside, which a spreadsheet takes."""
    return any(id_.lstrip("0") == number.lstrip("0") for id_ in (one.id, *own_ids(one)))


def spellings(one: Student) -> set[str]:
    """What a folder or archive with the student's work may be called: an id, or a spelling of the name."""
    return {alike(id_) for id_ in (one.own_id, *own_ids(one)) if id_} | words(one.name)


def inside(one: Student, files: Iterable[str]) -> dict[str, str]:
    """What the files and folders in a student's work are called, unless after this student -> where they are."""
    found: dict[str, str] = {}
    for path in map(PurePosixPath, files):
        for way in (path, *path.parents[:-1]):
            found |= dict.fromkeys(called(way.name), f"{way} in the work of {one.id}")
    return {name: place for name, place in found.items() if name not in spellings(one)}


@lru_cache(maxsize=1 << 12)  # each file is asked for its folders
def called(name: str) -> frozenset[str]:
    """Whom a file or folder may be called after: its name, each word, and two words: "jane_doe_hw1", "doejane_101_hw".
    A short number in it counts files."""
    stem = ENDING.sub("", name)
    parts = [part for part in re.findall(r"[^\W_]+", alike(stem)) if len(part) > 2 or not part.isdigit()]
    return frozenset({alike(stem), *words(stem), *parts, *map("".join, pairwise(parts))})


def listed(students: Sequence[Student]) -> str:
    return " or ".join(one.id for one in students[:5])


def same(seen: Iterable[tuple[int, str, Mapping[str, str]]]) -> dict[str, frozenset[str]]:
    """Takes (run, our id, platform ids) of every student; gives our id -> all our ids of the same student.

    Two entries of one run are two students, even if they share a platform id.
    """
    runs: dict[str, set[int]] = defaultdict(set)
    holders: dict[tuple[str, str], set[str]] = defaultdict(set)
    for run, student, ids in seen:
        runs[student].add(run)
        for key, value in ids.items():
            if key_of(key) in PERSONAL and value:
                holders[key_of(key), alike(value)].add(student)
    groups: dict[str, frozenset[str]] = {student: frozenset([student]) for student in runs}
    for holding in holders.values():
        first, *others = sorted(holding)
        for other in others:
            union = groups[first] | groups[other]
            if union != groups[first] and not any(runs[a] & runs[b] for a in groups[first] for b in groups[other]):
                groups |= dict.fromkeys(union, union)
    return groups
