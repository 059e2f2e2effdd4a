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
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from grader.course.export.feedback.letter import PAGE, Letter, Post, by_place, word, zipped
from grader.course.layouts.canvas import ids_of_several, match
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


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a name of Canvas's: what stands before the user, and the place. `own` is "" without a file."""

    before: str
    place: Place


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
    files = {place.user: set[str]() for place in places.values()}
    for one in letters:
        if one.student in places:
            files[places[one.student].user].add(base(one.row.student))
    for one in letters:
        if one.student in places and len(files[places[one.student].user]) > 1:
            post.leave_out(one, UNCLEAR)
            del places[one.student]
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
    """Where Canvas may put the student's feedback, or why it cannot. If a name can be read in two ways, the class
    list's ID decides, or that a number follows several names in the folder: then it is no user's. Nothing is
    guessed."""
    name, known = base(student), student.ids.get("ID", "")
    several = list(readings(name, known.startswith("anon_")))
    if not several and match(name) is None:
        yield NOT_FROM_CANVAS
        return
    if len(several) > 1 and "Section" in student.ids:  # the class list is Canvas's
        several = [one for one in several if one.place.user == known] or several
    if len(several) > 1:
        several = [one for one in several if one.place.user not in twice]
    if len(several) != 1:
        yield UNCLEAR
        return
    (sure,) = several
    for other in dict.fromkeys((name, *beside.get(sure.place.user.removeprefix("anon_"), ()))):
        for one in readings(other, known.startswith("anon_")):
            if (one.before, one.place.user) == (sure.before, sure.place.user):
                yield one.place if one.place.own else NO_FILE


def base(student: Student) -> str:
    return PurePath((student.path or "").replace("\\", "/")).name


def readings(name: str, anonymous: bool) -> Iterator[Reading]:
    """The ways to read a name. In an anonymous assignment the user is what follows `anon`, unless a student is called
    so."""
    parts = [part for part in name.split("_") if part != "LATE"]
    for at, part in enumerate(parts[:-1]):
        before, after = "_".join(parts[:at]), parts[at + 1 :]
        hidden = anonymous and before == "anon"
        is_user = hidden or is_number(part)
        user = f"anon_{part}" if hidden else part
        if is_user and is_number(after[0]) and len(after) > 1:
            yield Reading(before, Place(user, after[0], "_".join(after[1:])))
        elif is_user and after in WITHOUT_FILE:
            yield Reading(before, Place(user, "", ""))


WITHOUT_FILE = (["text.html"], ["link.html"])


def is_number(part: str) -> bool:
    """As Canvas tells numbers: by ASCII's digits alone."""
    return part.isascii() and part.isdigit()


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
