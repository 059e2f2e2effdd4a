"""A class's folder as a platform exports it -> one entry per student: whose it is, where it lies, when it came.

A layout is told by its shape; names in it are a student's, and so hostile. Nothing is opened here but Gradescope's
metadata. Shapes: Canvas's lib/content_zipper.rb and Moodle's mod/assign/classes/downloader.php make the names matched
below; Gradescope's export has a folder `submission_N` per submission and one `submission_metadata.yml`; `gh classroom
clone` makes `ASSIGNMENT-submissions/ASSIGNMENT-USERNAME`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml

from grader.course.entry import Entry, merged, moment, printable, safe, unique
from grader.course.roster import read_roster, with_roster
from grader.errors import UsageError
from grader.intake.archive import ENDING


def recognise(folder: Path, layout: str | None = None, roster: Path | None = None) -> list[Entry]:
    """Everyone in the class by id; with a roster, also those who handed in nothing.

    Raises UsageError for a folder that cannot be read or holds nothing, and for what is no roster.
    """
    folder, read = placed(folder, layout)
    entries = merged(read(folder))
    if not entries:
        raise UsageError(f"{folder} holds no submission; it should hold one folder or archive per student")
    if roster is not None:
        entries = with_roster(entries, read_roster(roster), by_any_cell=read is plain)
    return sorted(unique(entries), key=lambda entry: entry.student)


def hidden(folder: Path, layout: str | None = None) -> list[str]:
    """What is left out for its name's first dot, and may be a student's all the same: folders and archives."""
    folder, _ = placed(folder, layout)
    names = sorted(path.name for path in folder.glob(".*") if path.is_dir() or ENDING.search(path.name))
    return [printable(name) for name in names if not name.startswith(APPLE) and name not in JUNK]


def lone_folder(folder: Path, layout: str | None = None) -> Path | None:
    """The one folder that there is, where it may well hold a class: several folders or archives, and no work beside."""
    folder, read = placed(folder, layout)
    inside = [path for path in children(folder) if not is_note(path)]
    if read is not plain or len(inside) != 1 or not inside[0].is_dir():
        return None
    below = [path for path in children(inside[0]) if not is_note(path)]
    packed = all(path.is_dir() or ENDING.search(path.name) for path in below)
    return inside[0] if len(below) > 1 and packed else None


def placed(folder: Path, layout: str | None) -> tuple[Path, Callable[[Path], list[Entry]]]:
    """Where the submissions lie, and how: in the layout that is named, or else that is told by its shape."""
    return (folder, LAYOUTS[layout]) if layout in LAYOUTS else told_by_shape(folder, layout)


def told_by_shape(folder: Path, layout: str | None) -> tuple[Path, Callable[[Path], list[Entry]]]:
    """The layout whose shape the folder, or the one folder in it, has; `plain` where none fits."""
    if layout is not None:
        raise UsageError(f"there is no layout {layout}; the layouts are {', '.join(LAYOUTS)}")
    inside = children(folder)
    below = [inside[0]] if len(inside) == 1 and inside[0].is_dir() else []
    for place in (folder, *below):
        for name, fits in SHAPES.items():
            if fits(place):
                return place, LAYOUTS[name]
    return folder, plain


def children(folder: Path) -> list[Path]:
    """What lies in a folder, without what systems leave there. Raises UsageError with the cure."""
    try:
        with os.scandir(folder) as listing:
            names = sorted(entry.name for entry in listing)
    except OSError as error:
        if folder.is_file():
            raise UsageError(f"{folder} is a file; unpack it, and name the folder of all submissions") from None
        raise UsageError(f"{folder} cannot be read ({error.strerror}); name the folder of all submissions") from None
    return [folder / name for name in names if not name.startswith((".", "__MACOSX")) and name not in JUNK]


JUNK = ("Thumbs.db", "desktop.ini", ".git", ".ipynb_checkpoints")
APPLE = "._"  # macOS's notes on a file, under its name
METADATA = "submission_metadata.yml"
CANVAS = re.compile(
    r"(?:(?P<name>.+?)_)?(?P<late>LATE_)?(?P<id>anon_[^_\W]+|\d+)_(?:(?P<file>\d+)_(?P<own>.+)|(?P<text>(?:text|link)\.html))"
)
MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)(?:_(?P<own>.*))?")


# Shapes


def most(folder: Path, fits: Callable[[Path], Any]) -> bool:
    inside = children(folder)
    return bool(inside) and 2 * sum(bool(fits(path)) for path in inside) > len(inside)


SHAPES: dict[str, Callable[[Path], bool]] = {
    "gradescope": lambda folder: (folder / METADATA).is_file(),
    "moodle": lambda folder: most(folder, lambda path: MOODLE.fullmatch(path.name)),
    "canvas": lambda folder: most(folder, lambda path: path.is_file() and CANVAS.fullmatch(path.name)),
    "github": lambda folder: most(folder, lambda path: (path / ".git").exists()),
}


# Layouts


def plain(folder: Path) -> list[Entry]:
    """A folder or an archive each, named after the student. Lists and notes beside them are not submissions."""
    inside = [path for path in children(folder) if not is_note(path)]
    if inside and not any(path.is_dir() or ENDING.search(path.name) for path in inside):
        raise UsageError(f"{folder} holds single files; it should hold one folder or archive per student")
    return [lone(path) for path in inside]


NOTES = (".csv", ".txt", ".md", ".yml", ".yaml", ".json", ".html", ".log", ".xls", ".xlsx", ".ods", ".pdf")


def is_note(path: Path) -> bool:
    return path.suffix.lower() in NOTES and not path.is_dir()


def lone(path: Path) -> Entry:
    """A folder or archive named after its student; "ada (1).zip" is a second download of ada's."""
    stem = path.name if path.is_dir() else ENDING.sub("", path.name)
    name = re.sub(r" ?\(\d+\)$", "", stem) or stem
    return Entry(safe(name), printable(name), ((path.name, path),))


def canvas(folder: Path) -> list[Entry]:
    """`namelastfirst[_LATE]_userid_fileid_own-name`; several files of one student are one submission."""
    groups, rest = grouped(folder, CANVAS)
    found = []
    for id_, files in groups.items():
        files.sort(key=lambda file: int(file[0]["file"] or 0))
        first = files[-1][0]
        name = first["name"] or id_
        parts = tuple((match["own"] or match["text"], path) for match, path in files)
        found.append(
            Entry(safe(f"{name}-{id_}" if first["name"] else id_), printable(name), parts, ids={"ID": id_},
                  marked_late=any(match["late"] for match, _ in files))
        )  # fmt: skip
    return found + rest


def moodle(folder: Path) -> list[Entry]:
    """`Full Name_participant_assignsubmission_file_`, a folder each, or the files of all side by side."""
    groups, rest = grouped(folder, MOODLE)
    found = []
    for id_, files in groups.items():
        name = files[0][0]["name"]
        parts = tuple((match["own"] or path.name, path) for match, path in files)
        found.append(Entry(safe(f"{name}-{id_}"), printable(name), parts, ids={"Identifier": f"Participant {id_}"}))
    return found + rest


def grouped(folder: Path, shape: re.Pattern[str]) -> tuple[dict[str, list[tuple[re.Match[str], Path]]], list[Entry]]:
    """Children of that shape by student; any other folder or file is somebody's too, lists and notes excepted."""
    groups: dict[str, list[tuple[re.Match[str], Path]]] = {}
    rest = []
    for path in children(folder):
        if match := shape.fullmatch(path.name):
            groups.setdefault(match["id"], []).append((match, path))
        elif not is_note(path):
            rest.append(lone(path))
    return groups, rest


def gradescope(folder: Path) -> list[Entry]:
    """`submission_N` folders, and who handed them in and when in the metadata; each member of a group is an entry."""
    known = read_metadata(folder / METADATA)
    found = []
    for path in children(folder):
        if not is_note(path):
            about = known.get(path.name, {})
            people = about.get(":submitters")
            people = [one for one in people if isinstance(one, dict)] if isinstance(people, list) else []
            at = about.get(":created_at")
            for person in people or [{}]:
                entry = submitter(person, path)
                found.append(replace(entry, submitted_at=moment(at)))
    return found


def submitter(person: Mapping[str, Any], path: Path) -> Entry:
    name, sid, email = (str(person.get(f":{key}") or "") for key in ("name", "sid", "email"))
    ids = {"Email": email, "SID": sid, "Submission ID": path.name.removeprefix("submission_")}
    known = {key: printable(value) for key, value in ids.items() if value}
    return Entry(safe(email or sid or path.name), printable(name or path.name), ((path.name, path),), ids=known)


def read_metadata(path: Path) -> dict[str, dict[str, Any]]:
    try:
        data = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}); export the submissions again") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        told = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(f"{path} is not YAML ({told}); export the submissions again, or add --layout plain") from None
    if not isinstance(data, dict):
        raise UsageError(f"{path} names no submission; export the submissions again, or add --layout plain")
    return {str(key): value for key, value in data.items() if isinstance(value, dict)}


def github(folder: Path) -> list[Entry]:
    """Clones named ASSIGNMENT-USERNAME, and whatever else somebody handed in.

    Commit times are the student's own word, so none is taken.
    """
    inside = [path for path in children(folder) if not is_note(path)]
    clones = [path for path in inside if path.is_dir()]
    prefix = f"{folder.absolute().name.removesuffix('-submissions')}-"
    if not all(path.name.startswith(prefix) for path in clones):
        prefix = common([path.name for path in clones]) if len(clones) > 1 else ""
    return [
        Entry(safe(user), printable(user), ((path.name, path),), ids={"github_username": printable(user)})
        for path in clones
        if (user := path.name.removeprefix(prefix))
    ] + [lone(path) for path in inside if path not in clones]


def common(names: Sequence[str]) -> str:
    """What all names begin with, up to a hyphen."""
    same = [letters[0] for letters in takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))]
    return "".join(same)[: "".join(same).rfind("-") + 1]


LAYOUTS: dict[str, Callable[[Path], list[Entry]]] = {
    "plain": plain,
    "canvas": canvas,
    "gradescope": gradescope,
    "moodle": moodle,
    "github": github,
}
