"""What a student's process is given: the files of its folder, where it looks for modules, what it may read and use."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from grader.model import Limits, Section, Submission
from grader.sandbox.readable import readable


def first_frame(section: Section, limits: Limits, folder: Path, stopped: Iterable[str]) -> dict[str, Any]:
    """What a process is told first. The files `stopped` are not to be imported again; they are paths in the handout."""
    code = folder / "code"
    return {
        "session": str(folder),
        "folder": str(code),
        "path": search_path(section, folder),
        "modules": {name: import_name(code, path) for name, path in section.modules.items()},
        "stopped": [import_name(code, path) for path in stopped if (code / path).is_file()],
        "naps": limits.call_wall,
        "cells": limits.call_cpu / 2,  # so that the first call of the module has the other half
        "keep": dict(section.keep),
        "forbid": section.forbid,
        "package": section.package,
        "drivers": section.drivers,
        "files": str(folder / "data"),
        "policy": policy(section, limits, folder),
        "output": limits.output,
    }


def search_path(section: Section, folder: Path) -> list[str]:
    """Where the student's process looks for modules first: the instructor's shims, then the student's code."""
    code = folder / "code"
    homes = sorted({str(home(code, path)) for path in section.modules.values()})
    homes = homes or [str(code)]  # a student's own modules lie there
    return [*([str(folder / "shims")] if section.shims else []), *homes]


def policy(section: Section, limits: Limits, folder: Path) -> dict[str, Any]:
    """What the worker may read, write and use; see worker/confine.py."""
    reads, lists = readable(section.forbid)
    return {
        "read": "\0".join([*reads, *(str(folder / name) for name in ("code", "data", "shims"))]),  # many, so one text
        "list": lists,
        "write": (str(folder / "scratch"),),
        "memory": limits.memory,
    }


def driven(section: Section, order: Mapping[str, Any]) -> set[str]:
    """The files of the modules that a driver may import: those that the homework's drivers or the order name, else
    all."""
    code = [path.read_text(encoding="utf-8") for path in Path(section.package[1], "worker").glob("*.py")]
    words = set(re.findall(r"[\"'](\w+)[\"']", "\n".join([*code, repr(order)])))
    named = section.modules.keys() & words or section.modules
    return {Path(section.modules[name]).name for name in named}


def folders(section: Section) -> set[str]:
    """The handout's folders that hold the section's modules."""
    return {Path(path).parent.as_posix() for path in section.modules.values()}


def home(root: Path, path: str) -> Path:
    """The folder from which a module is imported: the nearest one above it that is not a package, at most `root`."""
    folder = (root / path).parent
    while (folder / "__init__.py").is_file() and folder != root:
        folder = folder.parent
    return folder


def import_name(root: Path, path: str) -> str:
    """The name by which a module is imported from its home: "engine", or "network.engine" in a package."""
    return ".".join((root / path).relative_to(home(root, path)).with_suffix("").parts)


def lay_out(section: Section, submission: Submission, handout: Mapping[str, bytes], folder: Path) -> None:
    """Write the pristine handout's Python files, then the student's files over them, then the student's other modules
    that these import. Data and fixtures are not written."""
    for name in ("code", "data"):
        (folder / name).mkdir()
    own = {
        path: submission.files[name]
        for path in section.modules.values()
        if (name := PurePosixPath(path).name) in section.submit and name in submission.files
    }
    for parent in sorted(folders(section)):
        (folder / "code" / parent).mkdir(parents=True, exist_ok=True)
        packages = {(above / "__init__.py").as_posix() for above in PurePosixPath(parent).parents}
        for path, content in handout.items():
            beside = path.endswith(".py") and PurePosixPath(path).parent.as_posix() == parent
            if (beside or path in packages) and path not in own:
                (folder / "code" / path).write_bytes(content)
    for path, content in own.items():
        (folder / "code" / path).write_bytes(content)
    lay_shims(section, folder / "shims")
    homes = {Path(path).name: Path(path).parent for path in section.modules.values()}
    for name, modules in submission.helpers.items():
        if name in section.submit:
            lay_helpers(modules, folder / "code" / homes.get(name, ""))


def lay_helpers(own: Mapping[str, bytes], home: Path) -> None:
    """Write a student's other modules beside the file that imports them. No file of the handout is replaced."""
    for path, content in own.items():
        if not (home / path).exists():
            (home / path).parent.mkdir(parents=True, exist_ok=True)
            (home / path).write_bytes(content)


def lay_shims(section: Section, folder: Path) -> None:
    """Write the instructor's modules, each under the name that the student's code imports."""
    for shim, path in section.shims.items():
        place = folder
        place.mkdir(exist_ok=True)
        *packages, name = shim.split(".")
        for package in packages:
            place = place / package
            place.mkdir(exist_ok=True)
            (place / "__init__.py").touch()
        shutil.copyfile(Path(section.package[1]) / path, place / f"{name}.py")
