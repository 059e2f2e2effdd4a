"""Blackboard's "Assignment File Download": `ASSIGNMENT_USERNAME_attempt_TIME_own-name`, and a receipt per attempt.

The receipt, `ASSIGNMENT_USERNAME_attempt_TIME.txt`, names the student and the submitted files. The title and the
username may both contain an underscore, so the file name alone does not show where the username begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path

from grader.course.layouts.folder import AGAIN, Group, common, grouped, most
from grader.course.student import handed_in, printable, with_time
from grader.model import Student

SHAPE = re.compile(r"(?P<who>.+)_attempt_(?P<at>\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)(?P<receipt>\.txt)?(?:_(?P<own>.+))?")
NAME = re.compile(r"Name:(?P<name>.*)\((?P<user>[^()]+)\)")
FILE = "Filename:"
LONGEST = 1 << 20  # bytes of a receipt, in which the student may have written


def fits(folder: Path) -> bool:
    return most(folder, lambda path: SHAPE.fullmatch(path.name))


def students(folder: Path, zone: tzinfo | None = None) -> list[Student]:
    """One Student per attempt. If a student has several, the newest counts."""
    groups, rest = grouped(folder, SHAPE.fullmatch, lambda found: (found["who"], found["at"]))
    receipts: dict[str, str] = {}  # a student's, of any attempt: without a name, an attempt would be another student's
    for group in groups:
        who = group[0][0]["who"]
        receipts[who] = receipts.get(who) or receipt(group)
    users = users_of(receipts)
    return [*(attempt(group, users, receipts, zone) for group in groups), *rest]


def receipt(group: Group) -> str:
    for found, path in group:
        try:
            if found["receipt"] and path.is_file() and path.stat().st_size <= LONGEST:
                return path.read_text(encoding="utf-8-sig", errors="replace")
        except OSError:
            continue  # do without the receipt: the names say almost as much
    return ""


def users_of(receipts: Mapping[str, str]) -> dict[str, str]:
    """Text before `_attempt_` -> username: from the receipt, else the text after the title that all names share."""
    title = title_of(receipts)
    users = {}
    for who, text in receipts.items():
        told = named(text)
        own = told["user"] if told and who.endswith(f"_{told['user']}") else ""
        users[who] = own or who.removeprefix(title)
    return users


def named(text: str) -> re.Match[str] | None:
    """The line with the student's name. A line at a time, so that no line of the student's takes long to look at."""
    return next(filter(None, (NAME.fullmatch(line.strip()) for line in text.splitlines())), None)


def title_of(heads: Iterable[str]) -> str:
    heads = list(heads)
    if len(heads) > 1 and (shared := common(heads, "_")):
        return shared
    return heads[0][: heads[0].rfind("_") + 1] if len(heads) == 1 else ""


def attempt(group: Group, users: Mapping[str, str], receipts: Mapping[str, str], zone: tzinfo | None) -> Student:
    first, text = group[0][0], receipt(group)
    user = users[first["who"]]
    told = named(text) or named(receipts[first["who"]])
    parts = tuple((found["own"], path) for found, path in group if found["own"])
    one = handed_in(user, user, parts, ids={"username": user})
    name = (printable(told["name"].strip()) if told else "") or one.name
    day, clock = first["at"][:10], first["at"][11:].replace("-", ":")
    return with_time(replace(one, name=name, problem=one.problem or missing_work(group, text)), f"{day}T{clock}", zone)


def missing_work(group: Group, text: str) -> str:
    """A sentence on work that Blackboard lists but that is not here, or ""."""
    there = {path.name for _, path in group}
    listed = [line.strip().removeprefix(FILE).strip() for line in text.splitlines() if line.strip().startswith(FILE)]
    if absent := [name for name in listed if name and name not in there]:
        return f"Blackboard's receipt names {printable(absent[0])}, but it is not here{AGAIN}"
    if not any(found["own"] for found, _ in group):
        return "the attempt has no file; read its text on Blackboard"
    return ""
