"""A class's folder as a platform exports it -> one entry per student: whose it is, where it lies, when it came.

A layout is told by its shape; names in it are a student's, and so hostile. Nothing is opened here but Gradescope's
metadata. Shapes: Canvas's lib/content_zipper.rb and Moodle's mod/assign/classes/downloader.php make the names matched
below; Gradescope's export has a folder `submission_N` per submission and one `submission_metadata.yml`; `gh classroom
clone` makes `ASSIGNMENT-submissions/ASSIGNMENT-USERNAME`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml

from grader.archive import ENDING
from grader.errors import UsageError

Parts = tuple[tuple[str, Path], ...]  # (the student's own name for it, where it lies), the newest last


@dataclass(frozen=True, slots=True)
class Entry:
    """One student of the class. `student` is safe as a file's name, `name` is to be shown, `ids` are what the platform
    and the roster call the student, under their own column names.

    `parts` are one folder or archive, or the files handed in side by side; none for who handed in nothing. `others` are
    older submissions, which do not count. `unlisted`: there is a roster, and it does not name this student, or not
    clearly. `problem` is why it is not known whether a student of the roster handed in anything, or "".
    """

    student: str
    name: str
    parts: Parts = ()
    submitted_at: datetime | None = None
    marked_late: bool = False
    ids: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    unlisted: bool = False
    problem: str = ""


def recognise(folder: Path, layout: str | None = None, roster: Path | None = None) -> list[Entry]:
    """Everyone in the class by id; with a roster, also those who handed in nothing.

    Raises UsageError for a folder that cannot be read or holds nothing, and for what is no roster.
    """
    folder, read = (folder, LAYOUTS[layout]) if layout in LAYOUTS else told_by_shape(folder, layout)
    entries = merged(read(folder))
    if not entries:
        raise UsageError(f"{folder} holds no submission; it should hold one folder or archive per student")
    if roster is not None:
        entries = with_roster(entries, read_roster(roster), by_any_cell=read is plain)
    return sorted(unique(entries), key=lambda entry: entry.student)


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


JUNK = ("Thumbs.db", "desktop.ini")
METADATA = "submission_metadata.yml"
CANVAS = re.compile(
    r"(?:(?P<name>.+?)_)?(?P<late>LATE_)?(?P<id>anon_[^_\W]+|\d+)_(?:(?P<file>\d+)_(?P<own>.+)|(?P<text>(?:text|link)\.html))"
)
MOODLE = re.compile(r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)(?:_(?P<own>.*))?")


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


# One student, one entry


def merged(entries: Iterable[Entry]) -> list[Entry]:
    """The newest of each student's submissions, which lists the others."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        groups.setdefault((entry.student, entry.name.casefold()), []).append(entry)
    return [newest(group) for group in groups.values()]


def newest(group: Sequence[Entry]) -> Entry:
    """The one of a student's that counts; it lists the others."""
    *older, last = sorted(group, key=age)
    others = (*(name for entry in older for name, _ in entry.parts), *(name for one in group for name in one.others))
    return replace(last, others=tuple(printable(name) for name in others))


def age(entry: Entry) -> tuple[float, str]:
    """By the platform's time, else by the file's own."""
    try:
        own = max(path.stat().st_mtime for _, path in entry.parts)
    except OSError:
        own = 0.0
    return (entry.submitted_at.timestamp() if entry.submitted_at else own, entry.parts[-1][0])


def unique(entries: Sequence[Entry]) -> list[Entry]:
    """Two students never share an id, also where a file system ignores case."""
    count = Counter(entry.student.casefold() for entry in entries)
    told = [f"{entry.name} {sorted(entry.ids.items())} {entry.parts and entry.parts[-1][0]}" for entry in entries]
    return [
        entry if count[entry.student.casefold()] == 1 else replace(entry, student=f"{entry.student}-{short(whose)}")
        for entry, whose in zip(entries, told, strict=True)
    ]


def safe(name: str) -> str:
    """An id for a hostile name: letters, digits and . - _ @, which no system, page or spreadsheet reads as more."""
    plain_letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    kept = re.sub(r"[^A-Za-z0-9._@]+", "-", plain_letters).strip("-._@")
    if kept.split(".")[0].casefold() in RESERVED:
        kept = f"student-{kept}"
    return f"{kept[:LONGEST] or 'student'}-{short(name)}" if not kept or len(kept) > LONGEST else kept


LONGEST = 60
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}  # on Windows


def short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:6]


def printable(name: str) -> str:
    """A name to show: one line, of characters that can be shown, never endless."""
    text = name.encode("utf-8", "replace").decode()
    return "".join(char for char in text if char.isprintable())[:120].strip() or "(no name)"


def moment(value: object) -> datetime | None:
    """A platform's time; one without a zone is taken as this machine's."""
    time = written(value.strip()) if isinstance(value, str) else value
    try:
        return time.astimezone(UTC) if isinstance(time, datetime) else None
    except (OverflowError, OSError, ValueError):
        return None


def written(text: str) -> datetime | None:
    """A time in ISO 8601, or as Moodle's worksheet has it in English."""
    for read in (datetime.fromisoformat, lambda text: datetime.strptime(text, "%A, %d %B %Y, %I:%M %p")):
        try:
            return read(text)
        except ValueError:
            continue
    return None


# The roster


def read_roster(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV as exported by Canvas, Moodle, Gradescope or GitHub Classroom, or written by hand."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}); name the class list with --roster") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8; save the class list as CSV in UTF-8") from None
    lines = text.splitlines()
    delimiter = max(",;\t", key=lines[0].count) if lines else ","
    try:
        rows = [
            {key.strip(): (value or "").strip() for key, value in row.items() if key and isinstance(value, str | None)}
            for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        ]
    except csv.Error as error:
        raise UsageError(
            f"{path} is not CSV ({error}: is a quote not closed?); save the class list as CSV in UTF-8"
        ) from None
    rows = [row for row in rows if any(row.values()) and row.get("Student") not in PSEUDO]
    rows = [row for at, row in enumerate(rows) if row not in rows[:at]]  # whoever is there twice is still one student
    if not rows or not any(column(row, *ID_COLUMNS) or full_name(row) for row in rows):
        raise UsageError(f"{path} names no student; its first line should name columns such as name, email or ID")
    return rows


PSEUDO = ("Points Possible", "Student, Test")  # rows of Canvas's own export that are nobody
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
    """Entries with the ids and the name that the roster gives them, and an entry for each row that has none."""
    found: list[Entry] = []
    theirs: dict[int, list[Entry]] = {}
    doubt: dict[int, Entry] = {}
    for entry in entries:
        fitting = rows_of(entry, rows, by_any_cell)
        if len(fitting) == 1:
            theirs.setdefault(fitting[0], []).append(entry)
        else:
            found.append(replace(entry, unlisted=True))
            doubt |= dict.fromkeys(fitting, entry)
    for at, row in enumerate(rows):
        if at in theirs:
            found.append(listed(newest(theirs[at]), row))
        else:
            found.append(listed(absent(row, doubt.get(at)), row))
    return found


def absent(row: Mapping[str, str], perhaps: Entry | None) -> Entry:
    """Who handed in nothing; where a submission may be theirs or another's, that is a problem, and no zero."""
    name = full_name(row) or column(row, *ID_COLUMNS)
    problem = ""
    if perhaps is not None:
        problem = f"{perhaps.name} may be theirs, or another's of that name; name that folder or archive after an id"
    return Entry(safe(column(row, *ID_COLUMNS) or name), printable(name), problem=problem)


def listed(entry: Entry, row: Mapping[str, str]) -> Entry:
    at = entry.submitted_at or moment(column(row, "submitted_at", "Last modified (submission)"))
    ids = {**entry.ids, **{key: printable(value) for key, value in row.items() if value}}
    return replace(entry, name=printable(full_name(row) or entry.name), ids=ids, submitted_at=at)


def rows_of(entry: Entry, rows: Sequence[Mapping[str, str]], by_any_cell: bool) -> list[int]:
    """Where the rows are that may be this student's: the one by an id of the platform's, else by name, else several."""

    def same_id(row: Mapping[str, str]) -> bool:
        theirs = ((value, column(row, key, *ALIKE.get(key, ()))) for key, value in entry.ids.items())
        return any(one.casefold() == other.casefold() for one, other in theirs)

    def same_name(row: Mapping[str, str]) -> bool:
        return bool(words(entry.name) & words(full_name(row)))

    def same_cell(row: Mapping[str, str]) -> bool:
        return by_any_cell and entry.name.casefold() in (value.casefold() for value in row.values())

    ways = [[at for at, row in enumerate(rows) if fits(row)] for fits in (same_id, same_name, same_cell)]
    return next((way for way in ways if len(way) == 1), next(filter(None, ways), []))


ALIKE = {"Email": ("Email address",), "SID": ("Student ID", "student_id", "SIS User ID", "ID number")}


def words(name: str) -> set[str]:
    """Spellings that one name has: "Doe, Jane", "Jane Doe" and "doejane" share one."""
    parts = re.findall(r"\w+", unicodedata.normalize("NFC", name).casefold())
    return {"".join(parts), "".join(sorted(parts))} - {""}
