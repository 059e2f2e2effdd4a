"""Finds a student by the text that a person types, and recognises one student under several ids."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from grader.course.class_list import words
from grader.course.roster import ID_COLUMNS, key_of
from grader.course.student import printable
from grader.errors import UsageError
from grader.model import Student

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
    near = [one for one in students if text.casefold() in f"{one.id} {one.name}".casefold()]
    hint = f"; did you mean {listed(near)}?" if near else ""
    raise UsageError(f"there is no student {text}{hint}")


def fitting(students: Sequence[Student], text: str) -> list[Student]:
    """Students with this id, ignoring case; else with this platform id; else with this name."""
    sought = printable(text).casefold()
    ways: tuple[Callable[[Student], bool], ...] = (
        lambda one: one.id.casefold() == sought,
        lambda one: any(value.casefold() == sought for key, value in one.ids.items() if key_of(key) in PERSONAL),
        lambda one: one.name.casefold() == sought or bool(words(text) & words(one.name)),
    )
    return next((found for way in ways if (found := [one for one in students if way(one)])), [])


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
                holders[key_of(key), value.casefold()].add(student)
    groups: dict[str, frozenset[str]] = {student: frozenset([student]) for student in runs}
    for holding in holders.values():
        first, *others = sorted(holding)
        for other in others:
            union = groups[first] | groups[other]
            if union != groups[first] and not any(runs[a] & runs[b] for a in groups[first] for b in groups[other]):
                groups |= dict.fromkeys(union, union)
    return groups
