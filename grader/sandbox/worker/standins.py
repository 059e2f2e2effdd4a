"""What stands in for a package that is not installed, so that a line which only shows or decorates costs nothing.

While a student's file is imported, whatever is done with a stand-in gives another one. Later, inside a function that is
graded, only packages that show, log or decorate go on like this; of any other the first use raises and names it.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

import numpy as np

from grader.sandbox.worker import split

# Known to be public packages, so never a student's own. They stand in for our own code and for notebooks as well.
HARMLESS = frozenset(
    "IPython PIL cv2 google h5py imageio ipdb ipykernel ipywidgets joblib matplotlib networkx notebook numba pandas "
    "past plotly pudb pytest requests scipy seaborn six skimage sklearn torchsummary tqdm wandb".split()
)
# They show, log, type or decorate, and give no number: a graded function may go on without them.
QUIET = frozenset(
    "IPython alive_progress altair beartype bokeh colorama comet_ml display fastprogress get_ipython google icecream "
    "ipywidgets jaxtyping line_profiler loguru matplotlib memory_profiler mlflow plotly progressbar rich seaborn "
    "tabulate tensorboardX termcolor tkinter tqdm turtle typeguard wandb".split()
)
ROOT = str(Path(__file__).resolve().parents[3])
GUARDS = ("ImportError", "ModuleNotFoundError", "Exception", "BaseException")
MOST = 20  # sentences a request


def ranged(*args: Any, **_: Any) -> Any:
    return range(*args)


def same(*args: Any) -> Any:
    return args[0] if len(args) == 1 else args or None


def compiled(*args: Any, **_: Any) -> Any:
    """The function itself, which is only slower; bare or with options."""
    return args[0] if args and callable(args[0]) else same


def vectorized(*args: Any, **_: Any) -> Any:
    return np.vectorize(args[0]) if args and inspect.isfunction(args[0]) else np.vectorize


# What these few give is known, and needs no package.
KNOWN: dict[str, Callable[..., Any]] = {
    "icecream.ic": same,
    "numba.jit": compiled,
    "numba.njit": compiled,
    "numba.prange": ranged,
    "numba.vectorize": vectorized,
    "rich.print": print,
    "sklearn.model_selection.train_test_split": split.train_test_split,
    "tqdm.tqdm.write": print,
    "tqdm.trange": ranged,
}
BARS = ("auto", "autonotebook", "notebook", "std")  # modules of tqdm that hold the same names


class StandIns:
    """The stand-ins of one process: whether a student's file is being imported, and what they hid.

    `hid` holds sentences for the report, each beginning with the line.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.importing = 0
        self.hid: dict[str, None] = {}

    def name(self, name: str, given: Any = None) -> Any:
        """What a name stands for: the function that is known, or a stand-in."""
        parts = name.split(".")
        plain = ".".join(part for part in parts if part not in BARS) if parts[0] == "tqdm" else name
        return KNOWN.get(plain) or Absent(self, name, given)

    def tell(self, sentence: str) -> None:
        """Keep a sentence on the line of the student's that runs now."""
        if where := self.line():
            self.tell_of(f"{where} {sentence}")

    def tell_of(self, sentence: str) -> None:
        if len(self.hid) < MOST:
            self.hid[sentence] = None

    def line(self) -> str:
        frame: FrameType | None = sys._getframe()
        while frame is not None:
            if frame.f_code.co_filename.startswith(self.folder):
                return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
            frame = frame.f_back
        return ""

    def use(self, name: str) -> Any:
        """What using `name` gives: a stand-in. Raises ModuleNotFoundError where a graded function needs the package."""
        package = name.partition(".")[0]
        if not self.importing and package not in QUIET:
            raise ModuleNotFoundError(f"{name} is used here, but {package} is not installed", name=package)
        self.tell(f"uses {name}; {package} is not installed here, so nothing was done")
        return self.name(name)


class StandIn(ModuleType):
    """A module that is not installed; any name can be taken from it."""

    __path__: list[str] = []
    __version__ = "999.0.0"  # new enough for whoever asks

    def __init__(self, name: str, stand_ins: StandIns) -> None:
        super().__init__(name)
        self._stand_ins = stand_ins

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._stand_ins.name(f"{self.__name__}.{name}")


class Base:
    """What a class has for its base that was derived from a stand-in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()


class Absent:
    """A name taken from a StandIn, or what using one gave. `given` is what it was called with, if that can be iterated:
    a progress bar gives the elements of what it is around."""

    __slots__ = ("_given", "_name", "_stand_ins")
    __array_ufunc__ = None  # numpy leaves arithmetic to this class

    def __init__(self, stand_ins: StandIns, name: str, given: Any = None) -> None:
        object.__setattr__(self, "_stand_ins", stand_ins)
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_given", given)

    def __repr__(self) -> str:
        return f"<{self._name}, which is not installed>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._stand_ins.name(f"{self._name}.{name}")

    def __setattr__(self, name: str, value: Any) -> None:
        self._stand_ins.use(self._name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        decorated = len(args) == 1 and not kwargs and (inspect.isroutine(args[0]) or inspect.isclass(args[0]))
        package = self._name.partition(".")[0]
        if decorated and (self._stand_ins.importing or package in QUIET):
            return args[0]
        self._stand_ins.use(self._name)
        iterable = bool(args) and hasattr(args[0], "__iter__") and not isinstance(args[0], str | Absent)
        return Absent(self._stand_ins, self._name, args[0] if iterable else None)

    def __iter__(self) -> Iterator[Any]:
        self._stand_ins.use(self._name)
        return iter(() if self._given is None else self._given)

    def __len__(self) -> int:
        self._stand_ins.use(self._name)
        return 0 if self._given is None else len(self._given)

    def __bool__(self) -> bool:
        self._stand_ins.use(self._name)
        return False

    def __contains__(self, item: Any) -> bool:
        return bool(self)

    def __enter__(self) -> Any:
        self._stand_ins.use(self._name)
        return self

    def __exit__(self, *exception: object) -> None:
        """Hide no exception."""

    def __getitem__(self, key: Any) -> Any:
        return self._stand_ins.use(self._name)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._stand_ins.use(self._name)

    __delitem__ = __getitem__

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        self._stand_ins.use(self._name)
        return () if Base in bases else (Base,)

    def __instancecheck__(self, instance: Any) -> bool:
        return False

    def __subclasscheck__(self, subclass: Any) -> bool:
        return False

    def _calculate(self, *others: Any) -> Any:
        return self._stand_ins.use(self._name)

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _calculate
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = __matmul__ = __rmatmul__ = _calculate
    __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = __lshift__ = __rshift__ = _calculate
    __neg__ = __pos__ = __abs__ = __invert__ = __lt__ = __le__ = __gt__ = __ge__ = _calculate

    def _number(self) -> Any:
        raise ModuleNotFoundError(f"{self._name} is used as a number here, but it is not installed")

    __float__ = __int__ = __index__ = __complex__ = _number


class StandInFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Last on `sys.meta_path`: a StandIn for what a student's file imports and is not installed.

    A guarded import fails as it does at home, and so does one that is a misspelt name of an own module (`own`). A
    library is never told that an optional package is there.
    """

    def __init__(self, stand_ins: StandIns, own: Sequence[str]) -> None:
        self.stand_ins = stand_ins
        self.own = own

    def find_spec(self, name: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        if self.wanted(name):
            return importlib.util.spec_from_loader(name, self, is_package=True)
        return None

    def wanted(self, name: str) -> bool:
        frame = importer()
        if frame is None or is_library(frame.f_code.co_filename):
            return False
        top = name.partition(".")[0]
        parent = sys.modules.get(name.rpartition(".")[0])
        if parent is not None and not isinstance(parent, StandIn):
            gone = parent.__name__.partition(".")[0] in ("numpy", "scipy", "matplotlib")
            return gone and not by_name()
        source = source_of(frame.f_code)
        if source is None or frame.f_code.co_filename.startswith(ROOT):
            return top in HARMLESS
        return not guarded(source, frame.f_lineno) and not misspelt(top, self.own)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        if spec.name.startswith("numpy."):
            return Gone(spec.name)
        return StandIn(spec.name, self.stand_ins)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run."""


class Gone(ModuleType):
    """A submodule that numpy no longer has: what it held is found in numpy itself, as most of it is."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(np, name)


def importer() -> FrameType | None:
    """The frame whose import statement is being carried out, or that takes a name from a module."""
    frame: FrameType | None = sys._getframe(1)
    own = (__file__, sys._getframe(1).f_code.co_filename)
    while frame is not None and (frame.f_code.co_filename in own or is_machinery(frame)):
        frame = frame.f_back
    return frame


def by_name() -> bool:
    """Whether `from package import name` is looking for a module of that name: a misspelt function is none."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (frame.f_code.co_filename == __file__ or is_machinery(frame)):
        if frame.f_code.co_name == "_handle_fromlist":
            return True
        frame = frame.f_back
    return False


def is_machinery(frame: FrameType) -> bool:
    """Whether a frame belongs to Python's import system."""
    return frame.f_code.co_filename.startswith("<frozen importlib") or frame.f_code.co_filename.endswith(
        "importlib/__init__.py"
    )


@lru_cache(maxsize=1024)
def is_library(file: str) -> bool:
    homes = [str(Path(sys.modules[name].__file__ or "").parent) for name in ("os", "numpy")]
    return file.startswith((*homes, "<frozen")) or "site-packages" in file or "dist-packages" in file


def source_of(code: CodeType) -> str | None:
    try:
        return Path(code.co_filename).read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return None


def guarded(source: str, line: int) -> bool:
    """Whether the import in this line stands in a `try` that goes on without it."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return False
    tries = [node for node in ast.walk(tree) if isinstance(node, ast.Try)]
    around = [one for one in tries if one.body[0].lineno <= line <= (one.body[-1].end_lineno or 0)]
    return any(goes_on(handler) for one in around for handler in one.handlers)


def goes_on(handler: ast.ExceptHandler) -> bool:
    kinds = {"BaseException"} if handler.type is None else set(names(handler.type))
    ends = any(isinstance(node, ast.Raise) or "exit" in names(node) for part in handler.body for node in ast.walk(part))
    return bool(kinds & set(GUARDS)) and not ends


def names(node: ast.AST) -> list[str]:
    found = (getattr(one, "id", getattr(one, "attr", "")) for one in ast.walk(node))
    return [name for name in found if name]


def misspelt(name: str, own: Sequence[str]) -> bool:
    """Whether the name is one of the own modules but for a letter or two."""
    from difflib import get_close_matches

    return bool(get_close_matches(name, own, 1, 0.8))
