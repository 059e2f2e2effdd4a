"""Which libraries and system paths a process that runs or reads a student's files may read."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path

from grader.sandbox.launch import ROOT

# System paths that an interpreter needs: libraries, and facts on the machine. Not all of /usr: data sets may lie there.
SYSTEM = (
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/share/zoneinfo",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/sys/devices/system/cpu",
)
# What libraries read about their own process; its connections and mounts are left out. "self" stays unresolved here,
# because it has to mean the worker.
OWN = tuple(f"/proc/self/{name}" for name in ("auxv", "maps", "smaps", "stat", "statm", "status"))
COUNTED = ("/proc/self/fd", "/proc/self/task")


@lru_cache
def readable(forbid: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Paths that a worker may read, and folders that it may only list.

    These are the interpreter and its libraries. Left out are this project and the packages that the section forbids, in
    any interpreter's library folder. If one of them lies inside a granted folder, the entries around it are granted one
    by one; but nothing of a library folder that this interpreter does not use, as a virtual environment its base's.
    """
    prefixes = [Path(sys.prefix), Path(sys.base_prefix)]
    libraries = {Path(sysconfig.get_paths()[name]).resolve() for name in ("purelib", "platlib")}
    libraries |= {Path(entry).resolve() for entry in sys.path if entry and Path(entry).name in LIBRARY_NAMES}
    used = {str(path) for path in libraries}
    roots = [Path(path) for path in SYSTEM] + [prefix / name for prefix in prefixes for name in ("lib", "lib64")]
    for root in dict.fromkeys(roots):
        found = (path for name in LIBRARY_NAMES for path in root.glob(f"python*/{name}"))
        libraries |= {path.resolve() for path in found}
    unread = {folder / name for folder in libraries for name in forbid}
    unread = {path for path in unread if path.exists()} | {path.resolve() for path in unread if path.exists()} | {ROOT}
    above = {str(parent) for path in unread for parent in path.parents}
    hidden = {str(path) for path in unread} | ({str(path) for path in libraries} & above) - used
    reads: dict[str, None] = dict.fromkeys([*OWN, str(Path(sys.executable).resolve())])
    lists: dict[str, None] = dict.fromkeys(COUNTED)
    for root in [*roots, *sorted(libraries)]:
        if root.is_relative_to(ROOT) and not root.is_relative_to(Path(sys.prefix)):
            continue
        for path, whole in around(str(root.resolve() if root.is_symlink() else root), hidden, above):
            (reads if whole else lists)[path] = None
    return tuple(reads), tuple(lists)


LIBRARY_NAMES = ("site-packages", "dist-packages")
ABOUT = re.compile(r"\.(dist-info|egg-info|pth)$|^__editable__")


def around(folder: str, hidden: Collection[str], above: Collection[str]) -> Iterator[tuple[str, bool]]:
    """Paths that together grant all of `folder` but `hidden`: (path, True) to read whole, (path, False) to list.

    `above` are the folders that contain hidden paths. Package metadata is left out there, because it is not code and
    each granted path costs every session about 40 microseconds.
    """
    if folder in hidden:
        return
    if folder not in above:
        yield folder, True
        return
    yield folder, False
    try:
        with os.scandir(folder) as listing:
            children = sorted(path.path for path in listing if not (path.is_symlink() or ABOUT.search(path.name)))
    except OSError:
        return  # the grader cannot read it, so the worker cannot either
    for child in children:
        yield from around(child, hidden, above)
