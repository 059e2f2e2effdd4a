"""One student of a class, one entry: whose it is, where it lies, when it came, and a name that is safe everywhere."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

Parts = tuple[tuple[str, Path], ...]  # (the student's own name for it, where it lies), the newest last


@dataclass(frozen=True, slots=True)
class Entry:
    """One student of the class. `student` is safe as a file's name, `name` is to be shown, `ids` are what the platform
    and the roster call the student, under their own column names.

    `parts` are one folder or archive, or the files handed in side by side; none for who handed in nothing. `others` are
    older submissions, which do not count. `marked_late` is None where the platform marks nothing. `unlisted`: there is
    a roster, and it does not name this student, or not clearly. `problem` is why it is not known whether a student of
    the roster handed in anything, or "".
    """

    student: str
    name: str
    parts: Parts = ()
    submitted_at: datetime | None = None
    marked_late: bool | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    unlisted: bool = False
    problem: str = ""


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
