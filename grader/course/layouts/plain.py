"""A folder or an archive per student, named after the student."""

from __future__ import annotations

from datetime import tzinfo
from pathlib import Path

from grader.course.layouts.folder import children, is_note, lone
from grader.errors import UsageError
from grader.intake.archive import ENDING
from grader.model import Student


def students(folder: Path, zone: tzinfo | None = None) -> list[Student]:
    """A student per folder or archive; lists and notes are skipped. Raises UsageError if there are only loose files."""
    inside = [path for path in children(folder) if not is_note(path)]
    if inside and not any(path.is_dir() or ENDING.search(path.name) for path in inside):
        raise UsageError(f"{folder} contains loose files; it should contain one folder or archive per student")
    return [lone(path) for path in inside]
