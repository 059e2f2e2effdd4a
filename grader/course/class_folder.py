"""A class's folder, as a platform exports it -> one Student each, with the path and time of the submission.

A layout is recognised by its names. Students choose some of these names, so they may be hostile. The only files that
this opens are the platforms' own: metadata, receipts and timestamps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from pathlib import Path

from grader.course.class_list import with_roster
from grader.course.layouts import autolab, blackboard, brightspace, canvas, github, gradescope, moodle, nbgrader, plain
from grader.course.layouts.folder import APPLE, JUNK, children, is_note
from grader.course.roster import ids_of, read_roster
from grader.course.student import alike, is_link, merged, printable, unique
from grader.errors import UsageError
from grader.intake.archive import ENDING
from grader.model import Student


@dataclass(frozen=True, slots=True)
class Layout:
    """How a platform lays out a class: `fits` recognises a folder, `students` lists the students in it.

    `named_by_id` says that submissions are named after an id that may be in any column of a class list.
    """

    fits: Callable[[Path], bool]
    students: Callable[[Path, tzinfo | None], list[Student]]
    named_by_id: bool = False


# They are tried in this order; a folder that fits no other layout is plain.
LAYOUTS: dict[str, Layout] = {
    "gradescope": Layout(gradescope.fits, gradescope.students),
    "moodle": Layout(moodle.fits, moodle.students),
    "blackboard": Layout(blackboard.fits, blackboard.students, named_by_id=True),
    "brightspace": Layout(brightspace.fits, brightspace.students),
    "autolab": Layout(autolab.fits, autolab.students, named_by_id=True),
    "canvas": Layout(canvas.fits, canvas.students),
    "nbgrader": Layout(nbgrader.fits, nbgrader.students, named_by_id=True),
    "github": Layout(github.fits, github.students, named_by_id=True),
    "plain": Layout(lambda folder: True, plain.students, named_by_id=True),
}


def recognise(
    folder: Path, layout: str | None = None, roster: Path | None = None, zone: tzinfo | None = None
) -> list[Student]:
    """Everyone in the class, sorted by id; with a class list, also students who handed in nothing.

    `zone` is the course's time zone. Raises UsageError for a folder that is empty or cannot be read, and for a class
    list that cannot be read.
    """
    folder, name = placed(folder, layout)
    students = merged(LAYOUTS[name].students(folder, zone))
    if not students:
        raise UsageError(f"{folder} contains no submission; it should contain one folder or archive per student")
    if roster is not None:
        rows = read_roster(roster)
        students = with_roster(students, rows, by_any_cell=LAYOUTS[name].named_by_id, zone=zone)
        students = noted(students, folder)
    return sorted(unique(students), key=lambda one: one.id)


def noted(students: Sequence[Student], folder: Path) -> list[Student]:
    """The students. The problem of one without work says if a file of that name was taken for a note, or if something
    of that name lies one level too deep, as in folders of sections."""
    deep = [path for one in students if one.unlisted for _, way in one.parts if way.is_dir() for path in entries(way)]
    there = {alike(ENDING.sub("", path.name)): path for path in deep}
    there |= {alike(path.stem): path for path in children(folder) if is_note(path)}

    def told(one: Student) -> Student:
        names = (one.own_id, one.name, *ids_of(one.ids)) if not one.parts and not one.problem else ()
        path = next((there[alike(name)] for name in names if alike(name) in there), None)
        if path is None:
            return one
        place = printable(str(path.relative_to(folder)))
        cure = "move it up, beside the other submissions" if path in deep else f"put it into a folder {one.id}"
        return replace(one, problem=f"{place} may be this student's work; {cure}, or delete it")

    return [told(one) for one in students]


def expect_outside(out: Path, folder: Path) -> None:
    """Raise UsageError if what is written to `out` would lie among the submissions in `folder`."""
    if out.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"{out} is inside {folder}, so it would look like a submission; choose a folder outside")


def entries(folder: Path) -> list[Path]:
    """What lies in a student's folder; nothing if it cannot be read, which is told where it is graded."""
    try:
        return children(folder)
    except UsageError:
        return []


def hidden(folder: Path, layout: str | None = None) -> list[str]:
    """Folders and archives that are skipped because their names begin with a dot, but may be submissions."""
    folder, _ = placed(folder, layout)
    names = sorted(path.name for path in folder.glob(".*") if path.is_dir() or ENDING.search(path.name))
    return [printable(name) for name in names if not name.startswith(APPLE) and name not in JUNK]


def lone_entry(folder: Path, layout: str | None = None) -> Path | None:
    """The only folder or archive inside, if it may contain the whole class: a folder does if it has several folders or
    archives, and no loose files."""
    folder, name = placed(folder, layout)
    inside = [path for path in children(folder) if not is_note(path)]
    if name != "plain" or len(inside) != 1 or is_link(inside[0]):
        return None
    if not inside[0].is_dir():
        return inside[0]
    below = [path for path in children(inside[0]) if not is_note(path)]
    packed = all(path.is_dir() or ENDING.search(path.name) for path in below)
    return inside[0] if len(below) > 1 and packed else None


def placed(folder: Path, layout: str | None) -> tuple[Path, str]:
    """The folder of the submissions, and its layout: the given one, or the one that the folder fits."""
    if layout is None:
        return told_by_shape(folder)
    if layout not in LAYOUTS:
        raise UsageError(f"there is no layout {layout}; the layouts are {', '.join(LAYOUTS)}")
    return folder, layout


def told_by_shape(folder: Path) -> tuple[Path, str]:
    """The layout that the folder, or the one folder in it, fits; `plain` if none fits."""
    inside = children(folder)
    submitted = folder / "submitted"  # in the folder of an nbgrader course
    below = [inside[0]] if len(inside) == 1 and inside[0].is_dir() else [submitted] if submitted.is_dir() else []
    for place in (folder, *(one for one in below if not is_link(one))):
        for name, layout in LAYOUTS.items():
            if name != "plain" and layout.fits(place):
                return place, name
    return folder, "plain"
