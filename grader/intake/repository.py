"""Where a student's files lie in the repository that a CI has checked out: for annotations on the student's own lines.

Git itself is not run: in a folder that a student made, its settings could make it run anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from grader.intake.repair import is_notebook
from grader.model import Submission

SETTINGS = 64 << 10  # bytes of a clone's settings that are looked at


def places(folder: Path, submission: Submission, *, workspace: str = "", repository: str = "") -> dict[str, str]:
    """Base name -> path from the repository's root, of the files of a submission at `folder` that lie in it.

    The root is the nearest folder above with a `.git`, else `workspace`, where the CI keeps what it checked out. A
    clone of another repository than `repository` ("owner/name") is not the one that the CI annotates. Files in an
    archive, and notebooks, whose lines are not those of their cells, have no place.
    """
    handed_in = folder.resolve()
    top = handed_in if handed_in.is_dir() else handed_in.parent
    root = root_of(top, workspace)
    if root is None or not is_own(root, repository):
        return {}
    found: dict[str, str] = {}
    for base, path in own_files(submission):
        file = top.joinpath(*PurePosixPath(path).parts).resolve()
        lone = handed_in in (top, file)  # else an archive, beside which a file of that name may lie by chance
        if lone and file.is_file() and file.is_relative_to(root) and not is_notebook(file.read_bytes()):
            found[base] = file.relative_to(root).as_posix()
    return found


def own_files(submission: Submission) -> Iterator[tuple[str, str]]:
    """Base name and path in the submission of each file. Of a helper, only the name is known, so it is left out if
    another file there has the same name."""
    helpers = {PurePosixPath(path).name for own in submission.helpers.values() for path in own}
    for base in helpers:
        called = [path for path in submission.there if PurePosixPath(path).name == base]
        if len(called) == 1:
            yield base, called[0]
    yield from submission.origin.items()


def root_of(folder: Path, workspace: str) -> Path | None:
    for above in (folder, *folder.parents):
        if (above / ".git").exists():
            return above
    checked_out = Path(workspace).resolve() if workspace else None
    return checked_out if checked_out and folder.is_relative_to(checked_out) else None


def is_own(root: Path, repository: str) -> bool:
    """Whether a clone is one of `repository`, as far as its settings tell."""
    git = root / ".git"
    if git.is_file():
        return False  # a submodule, or another work tree: its paths are none of the repository's
    try:
        with (git / "config").open("rb") as file:
            lines = file.read(SETTINGS).decode("utf-8", "replace").splitlines()
    except OSError:
        return True
    settings = [line.partition("=") for line in lines]
    addresses = [value.strip() for name, _, value in settings if name.strip() == "url" and value.strip()]
    return not repository or not addresses or named(repository) in map(named, addresses)


def named(address: str) -> list[str]:
    """Owner and name, the last two parts of an address."""
    return re.split(r"[/:]", address.lower().removesuffix("/").removesuffix(".git"))[-2:]
