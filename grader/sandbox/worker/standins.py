"""Stand-ins for packages that are not installed, so that lines which only show or decorate cost no points.

While a student's file is imported, every use of a stand-in gives another stand-in. Inside a graded function, this still
holds for packages that show, log or decorate. The first use of any other package raises an error that names it.
"""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import inspect
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from numbers import Integral
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from grader.sandbox.worker import split

if TYPE_CHECKING:
    from importlib.abc import Loader as Loader
else:
    Loader = object  # the import system asks for methods, not for a class; importlib.abc is slow to import

# Public packages, which no student's own module is named after. Drivers and notebooks get stand-ins for them, too.
HARMLESS = frozenset(
    "IPython PIL cv2 google h5py imageio ipdb ipykernel ipywidgets joblib matplotlib networkx notebook numba pandas "
    "past plotly pudb pytest requests scipy seaborn six skimage sklearn torchsummary tqdm wandb".split()
)
# Packages that show, log, type or decorate and compute nothing: a graded function works without them.
QUIET = frozenset(
    "IPython alive_progress altair beartype bokeh colorama comet_ml display fastprogress get_ipython google icecream "
    "ipywidgets jaxtyping line_profiler loguru matplotlib memory_profiler mlflow plotly progressbar rich seaborn "
    "tabulate tensorboardX termcolor tkinter tqdm turtle typeguard wandb".split()
)
ROOT = str(Path(__file__).resolve().parents[3])
GUARDS = ("ImportError", "ModuleNotFoundError", "Exception", "BaseException")
MOST = 20  # sentences per request


def ranged(*args: Any, **_: Any) -> Any:
    return range(*args)


def same(*args: Any) -> Any:
    return args[0] if len(args) == 1 else args or None


def compiled(*args: Any, **_: Any) -> Any:
    """`jit` without or with options: gives the plain function, which is only slower."""
    return args[0] if args and callable(args[0]) else same


def vectorized(*args: Any, **_: Any) -> Any:
    return np.vectorize(args[0]) if args and inspect.isfunction(args[0]) else np.vectorize


def old_div(a: Any, b: Any) -> Any:
    """As Python 2 divided."""
    return a // b if isinstance(a, Integral) and isinstance(b, Integral) else a / b


def logsumexp(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    a = np.asarray(a, dtype=np.float64)
    top = a.max(axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    found = top + np.log(np.exp(a - top).sum(axis=axis, keepdims=True))
    return found if keepdims else found.squeeze(axis)[()]


def softmax(x: Any, axis: Any = None) -> Any:
    return np.exp(log_softmax(x, axis))


def log_softmax(x: Any, axis: Any = None) -> Any:
    return x - logsumexp(x, axis, keepdims=True)


# Functions that are easily replaced without their package, and constants. A homework's drivers may know more.
KNOWN: dict[str, Any] = {
    "icecream.ic": same,
    "numba.jit": compiled,
    "numba.njit": compiled,
    "numba.prange": ranged,
    "numba.vectorize": vectorized,
    "past.builtins.xrange": range,
    "past.utils.old_div": old_div,
    "rich.print": print,
    "scipy.special.log_softmax": log_softmax,
    "scipy.special.logsumexp": logsumexp,
    "scipy.special.softmax": softmax,
    "sklearn.model_selection.train_test_split": split.train_test_split,
    "tqdm.tqdm.write": print,
    "tqdm.trange": ranged,
}
BARS = ("auto", "autonotebook", "notebook", "std")  # modules of tqdm with the same names in them


class StandIns:
    """The stand-ins of one process. `importing` is above 0 while a student's file is imported.

    `hid` holds sentences for the report on what was replaced; each begins with the line.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.importing = 0
        self.hid: dict[str, None] = {}

    def name(self, name: str, given: Any = None) -> Any:
        """What a name stands for: the object in KNOWN, or else a stand-in."""
        parts = name.split(".")
        plain = ".".join(part for part in parts if part not in BARS) if parts[0] == "tqdm" else name
        return KNOWN.get(plain) or Absent(self, name, given)

    def tell(self, sentence: str) -> None:
        """Keep a sentence on the student's line that runs now, if one does."""
        if where := self.line():
            self.tell_of(f"{where} {sentence}")

    def tell_of(self, sentence: str) -> None:
        if not self.has_told_all():
            self.hid[sentence] = None

    def has_told_all(self) -> bool:
        return len(self.hid) >= MOST

    def line(self) -> str:
        frame: FrameType | None = sys._getframe()
        while frame is not None:
            if frame.f_code.co_filename.startswith(self.folder):
                return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
            frame = frame.f_back
        return ""

    def use(self, name: str) -> Any:
        """What the use of `name` gives: a stand-in. Raises ModuleNotFoundError if a graded function needs the
        package."""
        package = name.partition(".")[0]
        if not self.importing and package not in QUIET:
            raise ModuleNotFoundError(f"{name} is used here, but {package} is not installed", name=package)
        self.tell(f"uses {name}; {package} is not installed here, so nothing was done")
        return self.name(name)


class StandIn(ModuleType):
    """Stands in for a module that is not installed; any name can be taken from it."""

    __path__: list[str] = []
    __version__ = "999.0.0"  # new enough for any check

    def __init__(self, name: str, stand_ins: StandIns) -> None:
        super().__init__(name)
        self._stand_ins = stand_ins

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":  # from the module import *
            told = f"imports all names of {self.__name__}, which is not installed here and not handed in, and got none"
            self._stand_ins.tell(told)
        if name.startswith("__"):
            raise AttributeError(name)
        return self._stand_ins.name(f"{self.__name__}.{name}")


class Base:
    """The base of a class that was derived from a stand-in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()


class Absent:
    """A name taken from a StandIn, or the result of using one. `given` is the iterable that it was called with: a
    progress bar has to give its elements."""

    __slots__ = ("_given", "_name", "_stand_ins")
    __array_ufunc__ = None  # so that numpy leaves arithmetic to this class

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


class StandInFinder(Loader):
    """Last on `sys.meta_path`: gives a StandIn for a package that a student's file imports and that is not installed.

    An import inside a `try` fails as usual, and so does a misspelt name of one of the student's modules (`own`).
    Libraries get no stand-ins for their optional packages.
    """

    def __init__(self, stand_ins: StandIns, own: Sequence[str]) -> None:
        self.stand_ins = stand_ins
        self.own = own

    def find_spec(self, name: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        if self.wanted(name):
            return importlib.util.spec_from_loader(name, self, is_package=True)
        return None

    def wanted(self, name: str) -> bool:
        """Whether an import of `name`, which nobody else has found, gets a stand-in."""
        frame = importer()
        if frame is None or is_library(frame.f_code.co_filename):
            return False
        top = name.partition(".")[0]
        parent = sys.modules.get(name.rpartition(".")[0])
        if parent is not None and not isinstance(parent, StandIn):  # an installed package that lacks a module
            gone = parent.__name__.partition(".")[0] in ("numpy", "scipy", "matplotlib")
            return gone and not by_name()
        source = source_of(frame.f_code)
        if source is None or frame.f_code.co_filename.startswith(ROOT):  # a notebook, or a driver
            return top in HARMLESS
        return not guarded(source, frame.f_lineno) and not misspelt(top, self.own)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        if spec.name.startswith("numpy."):
            return Gone(spec.name)
        return StandIn(spec.name, self.stand_ins)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run."""


class Gone(ModuleType):
    """A submodule that numpy no longer has. Its names are looked up in numpy, where most of them are now."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(np, name)


def importer() -> FrameType | None:
    """The frame with the import statement that runs now, or that takes a name from a module."""
    frame: FrameType | None = sys._getframe(1)
    own = (__file__, sys._getframe(1).f_code.co_filename)
    while frame is not None and (frame.f_code.co_filename in own or is_machinery(frame)):
        frame = frame.f_back
    return frame


def by_name() -> bool:
    """Whether `from package import name` is looking for `name` as a module. It may be a misspelt function."""
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
    """Whether the import in this line is inside a `try` that handles its failure."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return False
    tries = [node for node in ast.walk(tree) if isinstance(node, ast.Try)]
    around = [one for one in tries if one.body[0].lineno <= line <= (one.body[-1].end_lineno or 0)]
    return any(goes_on(handler) for one in around for handler in one.handlers)


def goes_on(handler: ast.ExceptHandler) -> bool:
    """Whether a handler catches a failed import and lets the file go on."""
    kinds = {"BaseException"} if handler.type is None else set(names(handler.type))
    ends = any(isinstance(node, ast.Raise) or "exit" in names(node) for part in handler.body for node in ast.walk(part))
    return bool(kinds & set(GUARDS)) and not ends


def names(node: ast.AST) -> list[str]:
    found = (getattr(one, "id", getattr(one, "attr", "")) for one in ast.walk(node))
    return [name for name in found if name]


def misspelt(name: str, own: Sequence[str]) -> bool:
    """Whether the name differs from one of the student's modules by a letter or two."""
    from difflib import get_close_matches

    return bool(get_close_matches(name, own, 1, 0.8))
