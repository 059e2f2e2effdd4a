"""What a student's code may not import or do: no library that the section forbids, no process, no network.

Forbidden packages are refused twice: by a finder, which sees `importlib.import_module` too, and by an audit hook, which
Python code cannot take out again, and which also refuses every file below a forbidden package's folder.
"""

from __future__ import annotations

import importlib.abc
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

# Acts that no homework needs, by audit event. Confinement refuses them too; here they get a name.
ACTS = {
    "subprocess.Popen": "started a process",
    "os.system": "started a process",
    "os.exec": "started a process",
    "os.posix_spawn": "started a process",
    "os.spawn": "started a process",
    "os.fork": "started a process",
    "os.forkpty": "started a process",
    "pty.spawn": "started a process",
    "socket.connect": "opened a network connection",
    "socket.bind": "opened a network socket",
    "socket.getaddrinfo": "looked up a network address",
    "socket.gethostbyname": "looked up a network address",
    "socket.sendto": "sent a network packet",
}


class Forbidden(ImportError):
    """An import that this section does not allow; `str()` says what was done."""


class Refused(PermissionError):
    """An act that no submission may do; `str()` says what was done."""


def forbid(packages: Sequence[str], on_attempt: Callable[[str], None]) -> None:
    """Refuse `packages` and ACTS in this process for good; `on_attempt` is told each one that was tried."""
    names = frozenset(packages)
    places = [os.path.realpath(entry) for entry in sys.path if entry]
    folders = tuple(f"{place}{os.sep}{name}{os.sep}" for place in places for name in names)

    def refuse(name: str) -> NoReturn:
        on_attempt(f"imports {name}")
        raise Forbidden(f"imports {name}", name=name)

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "import":
            name = str(args[0]).partition(".")[0]
            if name in names:
                refuse(name)
        elif event == "open" and isinstance(args[0], str) and args[0].startswith(folders):
            refuse(next(name for name in names if f"{os.sep}{name}{os.sep}" in args[0]))
        elif event in ACTS or (event == "socket.__new__" and args[1] in NETWORKS):
            act = ACTS.get(event, "opened a network socket")
            on_attempt(act)
            raise Refused(act)

    sys.meta_path.insert(0, ForbiddenFinder(names, refuse))
    sys.addaudithook(hook)


NETWORKS = (2, 10, 16, 17)  # AF_INET, AF_INET6, AF_NETLINK, AF_PACKET on Linux


class ForbiddenFinder(importlib.abc.MetaPathFinder):
    """First on `sys.meta_path`: refuses the names of forbidden packages, installed or not."""

    def __init__(self, names: frozenset[str], refuse: Callable[[str], NoReturn]) -> None:
        self.names = names
        self.refuse = refuse

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name.partition(".")[0] in self.names:
            self.refuse(name.partition(".")[0])
