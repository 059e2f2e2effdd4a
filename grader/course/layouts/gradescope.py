"""Gradescope's "Export Submissions": a folder `submission_N` per submission, and one YAML file with names and times.

Each member of a group is a student. A submission that is in the YAML file was handed in, even if its folder is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path
from typing import Any

import yaml

from grader.course.layouts.folder import AGAIN, children, is_note
from grader.course.student import handed_in, printable, with_time
from grader.errors import UsageError
from grader.model import Student

METADATA = "submission_metadata.yml"


# Leaves each scalar the text that it is: as a number, the id 00123 would be 83.
Texts: Any = type("Texts", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {"yaml_implicit_resolvers": {}})


def fits(folder: Path) -> bool:
    return (folder / METADATA).is_file()


def students(folder: Path, zone: tzinfo | None = None) -> list[Student]:
    """Raises UsageError for metadata that cannot be read."""
    known = read_metadata(folder / METADATA)
    there = {path.name: path for path in children(folder) if not is_note(path)}
    told = {stem(name): about for name, about in known.items()}
    found = [one for name, path in there.items() for one in submitters(name, path, told.get(stem(name), {}), zone)]
    absent = [name for name in told if name not in set(map(stem, there))]
    return found + [one for name in absent for one in submitters(name, None, told[name], zone)]


def stem(name: str) -> str:
    """`submission_12`, even if the submission is an archive or a file."""
    return name.partition(".")[0]


def submitters(name: str, path: Path | None, about: Mapping[str, Any], zone: tzinfo | None) -> Iterator[Student]:
    people = about.get(":submitters")
    people = [one for one in people if isinstance(one, dict)] if isinstance(people, list) else []
    for person in people or ([{}] if path else []):
        one = submitter(person, name, path)
        lost = "" if path else f"{METADATA} names {printable(name)}, but it is not here{AGAIN}"
        yield with_time(replace(one, problem=lost or one.problem), scalar(about.get(":created_at")), zone)


def submitter(person: Mapping[str, Any], place: str, path: Path | None) -> Student:
    name, sid, email = (str(scalar(person.get(f":{key}")) or "") for key in ("name", "sid", "email"))
    ids = {"Email": email, "SID": sid, "Submission ID": stem(place).removeprefix("submission_")}
    return handed_in(email or sid or place, name or place, ((place, path),) if path else (), ids=ids)


def scalar(value: Any) -> Any:
    """The value, but None for a list or a mapping: aliases may nest it, and its text would have no end."""
    return None if isinstance(value, Sequence | Mapping | set) and not isinstance(value, str | bytes) else value


def read_metadata(path: Path) -> dict[str, dict[str, Any]]:
    try:
        data = yaml.load(path.read_bytes(), Loader=Texts)
    except OSError as error:
        raise UsageError(f"cannot read {path} ({error.strerror}){AGAIN}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        told = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(f"{path} is not YAML ({told}){AGAIN}, or add --layout plain") from None
    if not isinstance(data, dict):
        raise UsageError(f"{path} names no submission{AGAIN}, or add --layout plain")
    return {str(key): value for key, value in data.items() if isinstance(value, dict)}
