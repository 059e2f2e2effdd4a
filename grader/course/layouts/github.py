"""`gh classroom clone student-repos`: a folder `ASSIGNMENT-submissions` with a clone `ASSIGNMENT-USERNAME` per student.
Classroom 50's `gh teacher download` names the folder `CLASSROOM-ASSIGNMENT_submissions_TIME`, and the clones alike.

Students can set commit times, so these are not used. Classroom's `grades.csv` and Classroom 50's `scores.csv`, given as
--roster, have reliable times.
"""

from __future__ import annotations

import re
from datetime import tzinfo
from pathlib import Path

from grader.course.layouts.folder import children, common, is_note, lone, most
from grader.course.student import handed_in
from grader.model import Student

ENDS = re.compile(r"-submissions$|_submissions_\d{4}_[\dT_]+$")


def fits(folder: Path) -> bool:
    """Whether most entries are clones, including clones that were copied without their `.git`."""
    named = folder.absolute().name
    mine = f"{ENDS.sub('', named)}-"
    copied = ENDS.search(named) is not None and most(folder, lambda path: path.is_dir() and path.name.startswith(mine))
    return copied or most(folder, is_clone)


def is_clone(path: Path) -> bool:
    try:
        return (path / ".git").exists()
    except OSError:
        return False  # an unreadable folder must not affect other students


def students(folder: Path, zone: tzinfo | None = None) -> list[Student]:
    """The students of the clones, and of any other submissions in the folder."""
    inside = [path for path in children(folder) if not is_note(path)]
    clones = [path for path in inside if path.is_dir()]
    prefix = f"{ENDS.sub('', folder.absolute().name)}-"
    if 2 * sum(path.name.startswith(prefix) for path in clones) <= len(clones):
        prefix = common([path.name for path in clones], "-") if len(clones) > 1 else ""
    own = {path: path.name.removeprefix(prefix) for path in clones if path.name.startswith(prefix)}
    return [
        handed_in(user, user, ((path.name, path),), ids={"github_username": user, "student_repository_name": path.name})
        for path, user in own.items()
        if user
    ] + [lone(path) for path in inside if not own.get(path)]
