"""A folder or an archive per student, named after the student."""

from __future__ import annotations

from datetime import tzinfo
from pathlib import Path

from grader.course.layouts.folder import children, is_note, lone
from grader.errors import UsageError
from grader.intake.archive import ENDING
from grader.model import Student


def students(folder: Path, zone: tzinfo | None = None) -> list[Student]:
    """Lists and notes beside the submissions belong to no student. Raises UsageError where all are single files."""
    inside = [path for path in children(folder) if not is_note(path)]
    if inside and not any(path.is_dir() or ENDING.search(path.name) for path in inside):
        raise UsageError(f"{folder} holds single files; it should hold one folder or archive per student")
    return [lone(path) for path in inside]
