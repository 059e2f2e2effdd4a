"""Which items depend on a file of the student's.

Each check's result names the files that it asked for. These files depend on what they import, among
the student's files and the handout's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import PurePosixPath

from grader.intake.helpers import imported, imports
from grader.model import Homework, Report, Section, Submission
from grader.sandbox.asked import NAMES

# Ways to run a file that no import statement names: a file with one of them may depend on every other file.
COMPUTED = re.compile(rb"\b(importlib|__import__|runpy|spec_from_file_location|exec)\b|\.py[\"']")


def changed(before: Submission, now: Submission) -> set[str]:
    """The base names of the files that changed, themselves or in their helper modules."""
    names = {*before.files, *now.files, *before.questions, *now.questions}
    return {name for name in names if seen(before, name) != seen(now, name)}


def seen(submission: Submission, name: str) -> tuple[object, ...]:
    """Everything that a check can see of one file."""
    return (
        submission.files.get(name),
        submission.helpers.get(name),
        submission.questions.get(name),
        submission.faults.get(name),
    )


def items_on(
    names: Collection[str], report: Report, before: Submission, now: Submission, homework: Homework
) -> set[str]:
    """The ids of the items that have to be graded again once the files `names` of `before` are those of `now`."""
    sections = {section.id: section for section in homework.rubric.sections}
    reach = {name: reached(names, section, before, now, homework.handout) for name, section in sections.items()}
    of_task = {task.id: reach[task.section] for task in homework.rubric.tasks}
    return {
        item.id
        for task in report.tasks
        for item in task.items
        if any(of_task[task.id].intersection(check.files) for check in item.checks)
    }


def reached(
    names: Collection[str], section: Section, before: Submission, now: Submission, handout: Mapping[str, bytes]
) -> set[str]:
    """`names`, and the files that import one of them, directly or not, as they were; NAMES where the section has
    another list of files now."""
    files = {PurePosixPath(path).name: content for path, content in beside(section, handout)}
    files |= {name: content for name, content in before.files.items() if fits(name, section)}
    found = set(names)
    more = True
    while more:
        stems = {PurePosixPath(name).stem for name in found if name.endswith(".py")}
        above = {name for name, content in files.items() if name not in found and leads(name, content, before, stems)}
        found |= above
        more = bool(above)
    listed = {name for name in before.files.keys() ^ now.files.keys() if fits(name, section)}
    return found | ({NAMES} if listed else set())


def beside(section: Section, handout: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """The handout's own Python files in the folders of the section's modules, with their paths."""
    folders = {PurePosixPath(path).parent for path in section.modules.values()}
    yield from (
        (path, data) for path, data in handout.items() if path.endswith(".py") and PurePosixPath(path).parent in folders
    )


def fits(name: str, section: Section) -> bool:
    return any(fnmatch(name.lower(), wanted.lower()) for wanted in section.submit)


def leads(name: str, content: bytes, submission: Submission, stems: Collection[str]) -> bool:
    """Whether a file, or one of its helper modules, imports one of the modules `stems`."""
    if not imports(name):
        return False
    texts = (content, *submission.helpers.get(name, {}).values())
    return bool(stems) and any(COMPUTED.search(text) or not words(text).isdisjoint(stems) for text in texts)


@lru_cache(maxsize=512)
def words(content: bytes) -> frozenset[str]:
    """Every part of the names that a file imports."""
    return frozenset(word for name in imported(content) for word in name.split("."))
