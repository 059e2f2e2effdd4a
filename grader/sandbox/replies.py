"""A reply of the student's process: its values as a check gets them, or the StudentError that it describes.

Either may be forged.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn

import numpy as np

from grader.errors import Crashed, Denied, Mismatch, NotImplementedYet, OutOfMemory, Raised, StudentError, UsageError
from grader.sandbox.check_line import line
from grader.sandbox.worker.wire import Callback, Handle, Tensor

MALFORMED = (TypeError, AttributeError, ValueError, LookupError, ArithmeticError)  # what reading any reply may raise
FORBIDDEN = "this section forbids"
ALONE = {  # exceptions, by type and text, that come because no person is there; and what to say of them
    ("EOFError", "EOF when reading a line"): "it asks someone to type, as input() does, and nobody is there",
    ("BdbQuit", ""): "it stops in a debugger, and nobody is there",
}
LIBRARIES = sys.stdlib_module_names | {"builtins", "numpy", "torch"}  # whose exceptions a check may expect
UNEXPECTED = (StopIteration, StopAsyncIteration, ExceptionGroup)  # two end a check's own loop; one is made of others
MOST_FUNCTIONS = 20  # of a student's, of which a reply may tell in `differences`
MOST_KINDS = 20  # classes of an exception
MOST_ARGUMENTS = 64  # arguments of a call that a reply may report as changed
AS_IT_IS = frozenset((type(None), bool, int, float, complex, str, bytes))  # types that travel unchanged
COPY = "an attribute is read as a copy, so writing into it is lost; change `a.x.copy()`, then set `a.x`"


@dataclass(frozen=True, slots=True)
class Differences:
    """A sign of finite differences: during a watched call of `subject`, the student's `function` was called with one
    number of its inputs moved, for `entries` of their `size` numbers in turn."""

    subject: str
    function: str
    entries: int
    size: int

    @classmethod
    def read(cls, subject: str, sent: Any) -> Differences:
        """Raises TypeError or ValueError for another form."""
        function, entries, size = sent
        if type(entries) is not int or type(size) is not int or not 0 < entries <= size:
            raise TypeError("counts expected")
        name = as_text(function, 80)
        return cls(subject, name if name.isidentifier() else "a function", entries, size)


def fits(at: Any) -> bool:
    """Whether `at` can be the position or name of an argument."""
    return 0 <= at < MOST_ARGUMENTS if type(at) is int else type(at) is str and at.isidentifier()


class AbsentError(NotImplementedYet, AttributeError):
    """What the student's code does not define. It is an AttributeError too, for `hasattr` and `getattr`."""


def student_error(error: Any, subject: str) -> StudentError:
    """The StudentError for an exception that the worker describes. It may be forged, so it gives points only where a
    check expects such an exception: the student's code could raise it as well."""
    if not isinstance(error, Mapping):
        return Crashed(f"{subject} broke the grader's channel: its reply is malformed")
    kind, type_, text, where = (as_text(error.get(key), 600) for key in ("kind", "type", "text", "where"))
    importing = as_text(error.get("importing"), 80)
    doing = f"{importing}.py cannot be imported: it" if importing else subject
    if kind == "denied":
        return Denied(f"{doing} {text}, which {FORBIDDEN}", where=where)
    if kind == "memory":
        if torchs := re.search(r"alloc\w{0,20}\.cpp.*tried to allocate (\d{1,15}) bytes", text):
            text = f"{int(torchs[1]) >> 20} MiB at once"
        return OutOfMemory(f"{doing} asked for more memory than it may have{f': {text}' if text else ''}", where=where)
    if kind == "not implemented":
        return raised(NotImplementedYet("not implemented yet", where=where), error)
    if kind == "absent":
        return AbsentError(text)
    if kind == "gone":
        return Raised(text)
    if kind == "exit":
        cure = 'put that below `if __name__ == "__main__":`' if importing else "a graded function has to return"
        return raised(Raised(f"{doing} called sys.exit(); {cure}", where=where), error)
    if kind == "unspeakable":
        return Raised(f"{doing} returned something that cannot be graded: {text}", where=where)
    text = ALONE.get((type_, text), text)
    return raised(Raised(f"{doing} raised {type_}{f': {text}' if text else ''}", where=where), error)


def raised(told: StudentError, error: Mapping[str, Any]) -> StudentError:
    """The same, with the classes of what a call raised; without them for a file that cannot be imported."""
    kinds = error.get("kinds")
    if isinstance(kinds, list) and not error.get("importing"):
        names = tuple(as_text(kind, 200) for kind in kinds[:MOST_KINDS])
        if type(told) is Raised:
            known = (kind for kind in map(library_exception, names) if kind is not None)
            told = raised_as(next(known, Exception))(told.message, where=told.where)  # type: ignore[arg-type] # a class
        told.kinds = names
    return told


def library_exception(name: str) -> type[Exception | SystemExit] | None:
    """An exception of Python's or of a library, by the name that the student's process tells. A check may expect it as
    Python does: `except ValueError`, `pytest.raises(numpy.linalg.LinAlgError)`. Nothing is imported for it."""
    module, _, own = name.rpartition(".")
    module = module or "builtins"
    found = getattr(sys.modules.get(module), own, None) if module.partition(".")[0] in LIBRARIES else None
    if not isinstance(found, type) or not issubclass(found, Exception | SystemExit) or issubclass(found, UNEXPECTED):
        return None
    return None if hasattr(found, "__getattr__") else found  # it might ask for what only its own maker sets


@lru_cache(maxsize=256)
def raised_as(python: type[Exception | SystemExit]) -> type[Raised]:
    """Raised that is an exception of a library's, too."""
    if issubclass(Raised, python):
        return Raised
    own = {"__module__": Raised.__module__, "__init__": begin, "__str__": Exception.__str__}
    told = (name for kind in (OSError, SystemExit) if issubclass(python, kind) for name in vars(kind))
    return type(Raised.__name__, (Raised, python), {name: untold(name) for name in told if name[:1] != "_"} | own)


def untold(name: str) -> property:
    """An attribute that only the student's own exception has. Here it would be None, whatever it is there."""

    def read(self: Raised) -> NoReturn:
        raise AttributeError(name=name, obj=self)

    return property(read)


def begin(self: Raised, message: str, *, where: str = "") -> None:
    """As StudentError's own; a library's exception may need more to begin than a message."""
    self.args, self.message, self.where = (message,), message, where


class NoKeyError(Mismatch, KeyError):
    """An answer lacks a key. It is a KeyError too, for code that expects that."""

    __str__ = Exception.__str__


class Answered(dict[Any, Any]):
    """A dict that the student's code returned. A key that it lacks is the student's mistake."""

    def __missing__(self, key: Any) -> NoReturn:
        raise NoKeyError(f"an answer is a dict without the key {key!r}")


def lost(self: Any, *_: Any, **__: Any) -> NoReturn:
    """Refuse to change what a check got as a copy."""
    raise UsageError(f"{line()}: {COPY}")


class Copied(Answered):
    """A dict that is the value of an attribute, or lies in one."""

    __setitem__ = __delitem__ = __ior__ = pop = popitem = setdefault = clear = update = lost

    def __reduce__(self) -> Any:
        return dict, (dict(self),)


class CopiedList(list[Any]):
    """The same for a list."""

    __setitem__ = __delitem__ = __iadd__ = __imul__ = lost
    append = extend = insert = remove = pop = clear = sort = reverse = lost

    def __reduce__(self) -> Any:
        return list, (list(self),)


class CopiedSet(set[Any]):
    """The same for a set."""

    __ior__ = __iand__ = __isub__ = __ixor__ = add = discard = remove = pop = clear = update = lost
    difference_update = intersection_update = symmetric_difference_update = lost

    def __reduce__(self) -> Any:
        return set, (list(self),)


def of_a_set(name: str) -> Callable[..., Any]:
    """A method of a plain set with the same elements: those of a subclass would give its own kind."""
    return lambda self, *others: getattr(set(self), name)(*others)


for _name in "copy union difference intersection symmetric_difference __or__ __and__ __sub__ __xor__".split():
    setattr(CopiedSet, _name, of_a_set(_name))
Answered.__name__ = Copied.__name__ = "dict"  # as messages call it
CopiedList.__name__, CopiedSet.__name__ = "list", "set"


class Left(dict[int | str, Any]):
    """The arguments that a call changed, by position or name. Any other that it was `given` reads as the check passed
    it."""

    def __init__(self, changed: Mapping[int | str, Any], given: Mapping[int | str, Any]) -> None:
        super().__init__(changed)
        self.given = given

    def __missing__(self, at: int | str) -> Any:
        if at not in self.given:
            raise UsageError(f"{line()}: the last call had no argument {at!r}; hw.changed names those that it had")
        return self.given[at]


def arriving(value: Any, remote: Callable[[Handle], Any], mapping: type[dict[Any, Any]] = dict) -> Any:
    """A reply's value as a check gets it. Tensors become torch tensors if torch is loaded, else arrays; a dict
    becomes a `mapping`; `remote` makes the proxy of an object."""
    kind = type(value)
    if kind in AS_IT_IS or kind is np.ndarray:
        return value
    if kind is list or kind is tuple:
        as_it_is = AS_IT_IS.issuperset(map(type, value))
        return value if as_it_is else kind(arriving(part, remote, mapping) for part in value)
    if kind is dict:
        return mapping((key, arriving(part, remote, mapping)) for key, part in value.items())
    if kind is Tensor:
        return value.array if "torch" not in sys.modules else value.opened()
    if kind is Callback:
        return f"a function called {value.kind}"
    return remote(value) if kind is Handle else value


def only_read(value: Any) -> Any:
    """The value of an attribute. A check gets a copy, so writing into it would be lost in silence; here it raises."""
    if type(value) is np.ndarray:
        value.flags.writeable = False
    elif type(value) is Answered:
        return Copied((key, only_read(part)) for key, part in value.items())
    elif type(value) is tuple:
        return tuple(map(only_read, value))
    elif type(value) is list:
        return CopiedList(map(only_read, value))
    elif type(value) is set:
        return CopiedSet(value)
    return value


def as_text(value: Any, most: int) -> str:
    """A text from a reply, cut to `most` characters; "" for anything else, because converting it could take long."""
    return value[:most] if type(value) is str else ""
