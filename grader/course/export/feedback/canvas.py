"""The archive that Canvas takes under "Upload Submissions" (instructure/canvas-lms, app/models/abstract_assignment.rb,
`infer_comment_context_from_filename`).

Canvas splits a file's base name at `_`, drops `LATE`, and takes the first two parts that are numbers for a user and for
a file that this user handed in; after `anon`, the next two parts. If both fit, the file becomes a comment for that
student, or for the student's whole group. The comment's file gets the name of the file that was handed in, so a page
goes into a file of that kind: a student would get a broken archive otherwise. A name that begins with `._`, or whose
last part begins with `link`, is ignored. Each upload adds a comment.

So a name here is `letters_USER_FILE_report.html`, with numbers out of the name that Canvas itself gave.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from grader.course.export.feedback.letter import PAGE, Letter, Post, by_place, word, zipped
from grader.course.layouts.canvas import ids_of_several, match, skip_numbers
from grader.model import Student

NOT_FROM_CANVAS = (
    "Canvas's numbers are not known, because the work did not come from Canvas's own download; download the "
    "submissions from Canvas and grade that folder"
)
NO_FILE = "handed in as text or as a link, for which Canvas takes no file back; paste the feedback in SpeedGrader"
NO_KIND = "no file that was handed in is of a kind that can hold a report; attach it in SpeedGrader"
UNCLEAR = "it is unclear which number in the file's name is the user's; grade with Canvas's class list as --roster"
GROUP = "a group's work, for which Canvas gives one comment to all, but their feedback differs; attach each by hand"


@dataclass(frozen=True, slots=True)
class Place:
    """Where Canvas puts a file: the user, and the file that was handed in, with its name. `user` may be anonymous."""

    user: str
    file: str
    own: str


def pack(letters: Sequence[Letter], names: Sequence[str]) -> Post:
    """`names` are those of all files in the class's folder; none where it is gone."""
    post, places = Post(), dict[str, Place]()
    twice = ids_of_several([named for name in names if (named := match(name))])
    beside = by_part(names)
    for one in letters:
        found = list(places_of(one.row.student, beside, twice))
        fitting = [place for place in found if isinstance(place, Place) and kind_of(place.own)]
        if fitting:
            places[one.student] = min(fitting, key=lambda place: (ENDINGS.index(kind_of(place.own)), int(place.file)))
        else:
            post.leave_out(one, next((why for why in found if isinstance(why, str)), NO_KIND))
    there = [one for one in letters if one.student in places]
    for group in by_place(there, lambda one: places[one.student].user, post, GROUP):
        one, place = group[0], places[group[0].student]
        kind = kind_of(place.own)
        post.put(f"{word(one.row.student.name)}_{place.user}_{place.file}_report{kind}", KINDS[kind](one), group)
    return post


def by_part(names: Sequence[str]) -> Mapping[str, list[str]]:
    """The names by each of their parts."""
    found: dict[str, list[str]] = {}
    for name in names:
        for part in set(name.split("_")):
            found.setdefault(part, []).append(name)
    return found


def places_of(student: Student, beside: Mapping[str, Sequence[str]], twice: set[str]) -> Iterator[Place | str]:
    """Where Canvas may put the student's feedback, or why nowhere."""
    name = PurePath((student.path or "").replace("\\", "/")).name
    found = match(name)
    if found is None:
        yield NOT_FROM_CANVAS
        return
    known = student.ids.get("ID", "")
    numbers = [part for part in name.split("_") if is_number(part)]
    if known in numbers or (known.startswith("anon_") and f"{known}_" in name):
        user = known
    elif found["id"].startswith("anon_") or twice or len(numbers) < 3:
        user = (skip_numbers(found, twice) or found)["id"]
    else:
        yield UNCLEAR
        return
    shape = re.compile(rf"(?:.*?_)?(?:LATE_)?{re.escape(user)}_(?:(?P<file>[0-9]+)_(?P<own>.+)|(?:text|link)\.html)")
    for one in dict.fromkeys((name, *beside.get(user.removeprefix("anon_"), ()))):
        if (there := shape.fullmatch(one)) and same_owner(one, name, user):
            yield Place(user, there["file"], there["own"]) if there["file"] else NO_FILE


def is_number(part: str) -> bool:
    """As Canvas tells numbers: by ASCII's digits alone."""
    return part.isascii() and part.isdigit()


def same_owner(one: str, other: str, user: str) -> bool:
    """Whether two names are the same up to the user's number, but for the mark of lateness."""
    return before(one, user) == before(other, user)


def before(name: str, user: str) -> str:
    return re.split(rf"(?:^|_){re.escape(user)}_", name, maxsplit=1)[0].removesuffix("LATE").strip("_")


# The page, in a file of each kind that students hand in


def as_page(one: Letter) -> bytes:
    return one.page.encode()


def as_zip(one: Letter) -> bytes:
    return zipped({PAGE: as_page(one)})


def as_tar(mode: str) -> Callable[[Letter], bytes]:
    def packed(one: Letter) -> bytes:
        buffer, page = io.BytesIO(), as_page(one)
        with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
            member = tarfile.TarInfo(PAGE)
            member.size = len(page)
            archive.addfile(member, io.BytesIO(page))
        return buffer.getvalue()

    return packed


def as_text(one: Letter) -> bytes:
    return f"{one.text}\n".encode()


def as_comments(one: Letter) -> bytes:
    return "".join(f"# {line}\n" for line in one.text.splitlines()).encode()


def as_cell(one: Letter) -> bytes:
    """A file of cells, with the text in one of them, which nobody runs."""
    cell = {"cell_type": "raw", "id": "feedback", "metadata": {}, "source": one.text.splitlines(keepends=True)}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


KINDS: Mapping[str, Callable[[Letter], bytes]] = {  # the best first
    ".html": as_page,
    ".htm": as_page,
    ".zip": as_zip,
    ".tar.gz": as_tar("w:gz"),
    ".tgz": as_tar("w:gz"),
    ".tar": as_tar("w"),
    ".txt": as_text,
    ".md": as_text,
    ".py": as_comments,
    ".ipynb": as_cell,
}

ENDINGS = tuple(KINDS)


def kind_of(own: str) -> str:
    """The ending of a name that can hold a report, or ""."""
    return next((kind for kind in ENDINGS if own.lower().endswith(kind)), "")
