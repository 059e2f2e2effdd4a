"""What a student's code may import and do: no library that the section forbids, and no lost points for a stray import.

Forbidden packages are refused twice: by a finder, which sees `importlib.import_module` too, and by an audit hook, which
Python code cannot take out again, and which also refuses every file below a forbidden package's folder.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, NoReturn

from grader.sandbox.worker import split

# Found at the top of finished files without being used there. Absent, they become a stand-in.
HARMLESS = frozenset(
    "IPython PIL cv2 google h5py imageio ipdb ipykernel ipywidgets joblib matplotlib networkx notebook numba pandas "
    "past plotly pudb pytest requests scipy seaborn six skimage sklearn torchsummary tqdm wandb".split()
)


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


class StandIn(ModuleType):
    """A module that is not installed and was only imported: any name can be taken from it, and using one raises."""

    __path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Absent(f"{self.__name__}.{name}")


class Absent:
    """A name taken from a StandIn."""

    def __init__(self, name: str) -> None:
        self._name = name

    def _raise(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ModuleNotFoundError(f"{self._name} is used here, but {self._name.partition('.')[0]} is not installed")

    __call__ = __getitem__ = __iter__ = __enter__ = __len__ = __bool__ = _raise

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Absent(f"{self._name}.{name}")


class StandInFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Last on `sys.meta_path`: gives a StandIn for a harmless package that is not installed."""

    def find_spec(self, name: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] in HARMLESS:
            return importlib.util.spec_from_loader(name, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = StandIn(spec.name)
        if spec.name == "sklearn.model_selection":  # by which many set their validation images aside
            vars(module)["train_test_split"] = split.train_test_split
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run."""
