"""What was found, kept in a run's folder for the page Similar of the review. Staff alone see it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from grader.errors import UsageError
from grader.similarity import page, table
from grader.similarity.pairs import Entry, Found

FORM = 1  # of the file; another form is not read


@dataclass(frozen=True, slots=True)
class Who:
    """Who handed in a submission: the name or names, the ids, and whether in an earlier year."""

    name: str
    people: tuple[str, ...]
    earlier: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """What `grade.py similar` found in run `run`. `who` is by label. Each of `pairs` is a page.Drawn as a document; one
    whose code is not shown has no files and no pictures."""

    run: int
    headline: str
    notes: tuple[str, ...]
    who: Mapping[str, Who]
    groups: tuple[tuple[str, ...], ...]
    pairs: tuple[dict[str, Any], ...]


def document(
    run: int, found: Found, entries: Sequence[Entry], names: Mapping[str, str], notes: Collection[str]
) -> str:  # fmt: skip
    """The file as it is written. `names` are those of all who were compared, or could not be, by label."""
    by_label = {one.label: one for one in entries}
    who = {}
    for label, name in names.items():
        one = by_label.get(label, Entry(label, page.NOTHING))
        who[label] = {"name": name, "people": sorted(one.people) or [label], "earlier": bool(one.year)}
    whole = {"form": FORM, "run": run, "headline": table.headline(found), "notes": list(notes), "who": who,
             "groups": found.groups, "pairs": list(drawn(found, entries))}  # fmt: skip
    return json.dumps(whole) + "\n"


def drawn(found: Found, entries: Sequence[Entry]) -> Iterator[dict[str, Any]]:
    works = {entry.label: entry.work for entry in entries}
    for at, pair in enumerate(found.pairs):
        shown = at < page.DRAWN
        one = page.drawn(pair, at, works) if shown else page.Drawn(pair, "", table.sentence(pair), (), ())
        told = asdict(one)
        told["pair"] = {name: told["pair"][name] for name in ("left", "right", "evidence", "same_person")}
        yield told | {"strength": round(pair.strength, 3), "shown": shown}


def read(path: Path) -> Kept | None:
    """What is kept, None if nothing is. Raises UsageError for a file that is not of this form."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["form"] != FORM:
            raise ValueError
        who = {label: Who(one["name"], tuple(one["people"]), one["earlier"]) for label, one in told["who"].items()}
        return Kept(told["run"], told["headline"], tuple(told["notes"]), who, tuple(map(tuple, told["groups"])),
                    tuple(told["pairs"]))  # fmt: skip
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        command = f"python grade.py similar {shlex.quote(str(path.parent))}"
        raise UsageError(f"{path.name} cannot be read; type: {command}") from None
