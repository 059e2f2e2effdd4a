"""A script that shows the student's answer to the input that fails, on the student's own machine."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from grader.errors import UsageError
from grader.model import CheckResult, Homework, Report, Submission
from grader.report.audience import Audience, presented
from grader.report.wording import checks

IMPORTED = re.compile(r"^from ([\w.]+) import ", re.MULTILINE)
WIDE = 110  # characters of the sentence in the script


def expect_known(homework: Homework, wanted: str) -> None:
    """Raise UsageError for what is no item of the rubric."""
    known = [item.id for item in homework.rubric.items]
    if wanted not in known:
        raise UsageError(f"--repro {wanted}: there is no such item; the items are {', '.join(known)}")


def script(
    report: Report,
    wanted: str,
    homework: Homework,
    submission: Submission,
    path: Path,
    audience: Audience,
    handout: Path,
) -> str:
    """The script for an item; "" where there is none. `handout` is a folder that has the files which students are given
    and do not hand in."""
    found = next((check for check in checks_of(report, wanted, audience) if check.example), None)
    if found is None:
        return ""
    said = f"{found.name}: {found.message}".replace("\n", " ")
    head = [f"# {wanted} {said if len(said) <= WIDE else said[:WIDE] + '...'}"]
    where = folders(found.example, homework, submission, path)
    if where:
        head += ["import sys", *(f"sys.path.insert(0, {folder!r})" for folder in where)]
        head += [
            f"sys.path.append({folder!r})" for folder in lacking(found.example, homework, submission, where, handout)
        ]
    elif own := ", ".join(sorted(imported(found.example, homework).values())):
        head.append(f"# Put this script beside {own}.")
    return "\n".join([*head, found.example, ""])


def checks_of(report: Report, wanted: str, audience: Audience) -> list[CheckResult]:
    return [check for item, check in checks(presented(report, audience)) if item.id == wanted]


def reason(report: Report, wanted: str, audience: Audience) -> str:
    """Why an item has no script."""
    lost = [check for check in checks_of(report, wanted, audience) if check.earned < check.points]
    if not lost:
        return "nothing was found wrong with it, so there is no input to show"
    return f"no input can be shown for this: {lost[0].message or lost[0].verdict.value}"


def imported(example: str, homework: Homework) -> Mapping[str, str]:
    """The names under which an example imports modules, with the files that these are."""
    files = {
        PurePosixPath(path).stem: PurePosixPath(path).name
        for section in homework.rubric.sections
        for path in section.modules.values()
    }
    names = IMPORTED.findall(example)
    return {name: files[name.rpartition(".")[2]] for name in names if name.rpartition(".")[2] in files}


def folders(example: str, homework: Homework, submission: Submission, path: Path) -> list[str]:
    """Where a submission that is a folder has the files that an example imports: relative to the current folder, if
    they are below it. A package is imported from the folder above it."""
    found = dict[str, None]()
    for name, file in imported(example, homework).items():
        own = path / submission.origin.get(file, "")
        if path.is_dir() and own.is_file():
            found[from_here(own.resolve().parents[name.count(".")])] = None
    return list(found)


def lacking(example: str, homework: Homework, submission: Submission, where: Sequence[str], handout: Path) -> list[str]:
    """Folders of the handout with modules that the student's files import, and that are in none of the folders
    `where`."""
    used = b"\n".join(submission.files.get(file, b"") for file in imported(example, homework).values())
    needed = [PurePosixPath(file) for file in homework.handout if file.endswith(".py")]
    absent = [
        file
        for file in needed
        if re.search(rb"(?m)^(import|from) %s\b" % re.escape(file.stem.encode()), used)
        and not any((Path(one) / file.name).is_file() for one in where)
    ]
    there = [(handout / file).resolve() for file in absent]
    return list(dict.fromkeys(from_here(file.parent) for file in there if file.is_file()))


def from_here(folder: Path) -> str:
    """Relative to the current folder, if it is below that."""
    here = Path.cwd().resolve()
    return folder.relative_to(here).as_posix() if folder.is_relative_to(here) else folder.as_posix()
