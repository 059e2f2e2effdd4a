"""A class's folder made by hand, and read as `batch` reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from grader.course.class_folder import recognise
from grader.model import Student

Read = Callable[..., dict[str, Student]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Makes files of these names below a folder (one that ends in / is a folder with functions.py in it), or with these
    texts; gives the students by id. `roster` is the text of a class list."""

    def made(
        *names: str, roster: str = "", zone: str = "", layout: str | None = None, texts: dict[str, str] | None = None
    ) -> dict[str, Student]:
        folder = tmp_path / "in"
        for name, text in {**dict.fromkeys(names, "def f1(): pass\n"), **(texts or {})}.items():
            path = folder / (f"{name}functions.py" if name.endswith("/") else name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        (tmp_path / "roster.csv").write_text(roster, encoding="utf-8")
        listed = tmp_path / "roster.csv" if roster else None
        found = recognise(folder, layout, listed, ZoneInfo(zone) if zone else None)
        assert len({one.id.casefold() for one in found}) == len(found)
        return {one.id: one for one in found}

    return made


def own_names(student: Student) -> list[str]:
    return [name for name, _ in student.parts]
