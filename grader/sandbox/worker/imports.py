"""What a student's code may not do: import a library that the section forbids, start a process, use the network.

Two mechanisms refuse forbidden packages. A finder also sees `importlib.import_module`. An audit hook cannot be removed
by Python code, and also refuses every file below a forbidden package's folder. Neither hears of a module that this
process has imported itself, such as `os` or `re`: there a student's `import` is refused as it is written.
"""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NoReturn

# Acts that no homework needs, by audit event. Confinement refuses them too; this gives them a name for the report.
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
    """This section forbids an import; `str()` says what was done."""


class Refused(PermissionError):
    """No submission may do this; `str()` says what was done."""


def forbid(packages: Sequence[str], folder: str, on_attempt: Callable[[str], None]) -> None:
    """Refuse `packages` and ACTS in this process for good. Each attempt is passed to `on_attempt`. The student's files
    lie in `folder`."""
    names = frozenset(packages)
    places = [real(entry) for entry in sys.path if entry]
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

    def importing(name: str, *args: Any, **named: Any) -> Any:
        top = name.partition(".")[0]
        if top in loaded and sys._getframe(1).f_code.co_filename.startswith(folder + os.sep):
            refuse(top)
        return plainly(name, *args, **named)

    sys.meta_path.insert(0, ForbiddenFinder(names, refuse))
    sys.addaudithook(hook)
    if loaded := names & sys.modules.keys():
        plainly = builtins.__import__
        builtins.__import__ = importing


@cache
def real(folder: str) -> str:
    """A folder's path without links. A zygote asks for those of the libraries, and its workers know them."""
    return os.path.realpath(folder)


NETWORKS = (2, 10, 16, 17)  # AF_INET, AF_INET6, AF_NETLINK, AF_PACKET on Linux


class ForbiddenFinder:
    """First on `sys.meta_path`: refuses forbidden packages by name, installed or not."""

    def __init__(self, names: frozenset[str], refuse: Callable[[str], NoReturn]) -> None:
        self.names = names
        self.refuse = refuse

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name.partition(".")[0] in self.names:
            self.refuse(name.partition(".")[0])
