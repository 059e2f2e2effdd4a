"""A student's modules, functions and objects as a check sees them: proxies for things in the student's process.

A call returns plain data (see worker/wire.py) and Remote objects, or raises the StudentError that fits how it ended.
What its operators do is in operators.py.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any, NoReturn

from grader.errors import (
    BackgradeError,
    Crashed,
    Mismatch,
    NotImplementedYet,
    OutOfMemory,
    Raised,
    StudentError,
    TimedOut,
    UsageError,
)
from grader.sandbox.asking import Asking, Owner, Then, kind_of
from grader.sandbox.check_line import in_homework, line
from grader.sandbox.operators import NoValue, asks, asks_for, index, refused
from grader.sandbox.replies import MALFORMED, only_read
from grader.sandbox.worker.wire import Handle

MOST_ARITY = 255  # parameters of a student's function
MOST_ELEMENTS = 100_000  # elements of an answer that a check iterates over
# Special names of Python's that anyone may read. For the others, libraries look by themselves, on any object: only a
# check's own code may read them.
TOLD = frozenset(("__name__", "__qualname__", "__doc__", "__dict__", "__bases__", "__mro__", "__defaults__"))
PROBED = ("__array", "__cuda", "__dlpack", "__torch")  # beginnings of names for which compiled code looks
OBJECT = "an object was expected"  # the end of a sentence on plain data
CALLED = {"take": "next", "leave": "exit"}  # operators whose methods have other names
FUNCTION = 0  # the handle id that says: this attribute is a function
KINDS = {int(kind): kind for kind in vars(Parameter).values() if isinstance(kind, type(Parameter.KEYWORD_ONLY))}


def operated(session: Asking, owner: Owner, path: Sequence[str], name: str, *args: Any) -> Any:
    """Apply an operator of worker/operate.py to the object at `path`."""
    subject = ".".join((*path, str(args[0]))) if name in ("getattr", "setattr", "delattr") else ""
    subject = subject or f"{kind_of(owner, path)}'s {method_name(name)}"
    return session.ask("operate", owner, (*path, name), [args], subject=subject)[0]


def method_name(operator: str) -> str:
    """An operator by the name of its method in Python, as students write it: "__add__" for "add"."""
    name = f"__{CALLED.get(operator, operator).strip('_')}__"
    return name if hasattr(Remote, name) else operator


def read(session: Asking, owner: Owner, path: tuple[str, ...], name: str) -> Any:
    """An attribute: data by value, a function or class as a Function, any other object as a Remote. The student's
    process is not asked where the reference has a function of that name."""
    if name.startswith("__") and name not in TOLD:
        asking = Path(sys._getframe(2).f_code.co_filename)  # the file that says `a.__slots__`
        if name.startswith(PROBED) or not in_homework(asking):
            raise AttributeError(name)
    if session.is_function(kind_of(owner, path), name):
        return Function(session, owner, (*path, name))
    return asked(session, owner, path, name)


def asked(session: Asking, owner: Owner, path: tuple[str, ...], name: str) -> Any:
    """An attribute as the student's process has it."""
    value = operated(session, owner, path, "getattr", name)
    if isinstance(value, Remote) and value._handle.id == FUNCTION:
        return Function(session, owner, (*path, name))
    return only_read(value)


class NoLengthError(Raised, TypeError):
    """An object has no length. It is a TypeError too, so that `list` and others iterate over the object."""


class EndedError(Mismatch, StopIteration):
    """An iterator has no further element. It is a StopIteration too, for `next(it, default)`."""


class Proxy(NoValue):
    """A function or an object that lives in the student's process."""

    __slots__ = ()

    _session: Asking

    def __getattribute__(self, name: str) -> Any:
        """A check that names a method, as in `hasattr(a, "__len__")`, means the student's. Python itself looks its
        operators up in the class."""
        if name in THEIRS:
            return asked(self._session, *self._place(), name)
        return object.__getattribute__(self, name)

    def _ask(self, name: str, *args: Any) -> Any:
        """An operator that the student's object carries out."""
        return operated(self._session, *self._place(), name, *args)

    def _length(self) -> int:
        length = self._ask("len")
        if type(length) is not int or not 0 <= length <= sys.maxsize:
            raise Mismatch(f"the length of a {kind_of(*self._place())} is not a whole number")
        return length

    def __dir__(self) -> list[str]:
        return names(self._ask("dir"), self._described())

    @property
    def __signature__(self) -> Signature:
        """For `inspect.signature`. Annotations are texts."""
        told = self._ask("signature")
        try:
            return Signature([parameter(*one) for one in told])
        except MALFORMED:
            raise Mismatch(f"{self._described()} has no signature") from None

    def __instancecheck__(self, value: Any) -> bool:
        return self._ask("isinstance", value) is True

    def __subclasscheck__(self, other: Any) -> bool:
        return self._ask("issubclass", other) is True

    def __mro_entries__(self, bases: Any) -> NoReturn:
        raise UsageError(f"{line()}: a check cannot derive a class from {self._described()}; a module in `shims` can")

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise UsageError(f"{line()}: {self._described()} can be neither copied nor pickled; ask for another one")


def names(told: Any, whose: str) -> list[str]:
    if type(told) is not list or not all(type(name) is str for name in told):
        raise Mismatch(f"the names of {whose} are not texts")
    return told


def parameter(name: str, kind: int, defaults: Sequence[Any], annotation: str | None) -> Parameter:
    """A parameter as the student's process describes it. Raises one of MALFORMED for another form."""
    (default,) = defaults or (Parameter.empty,)
    return Parameter(name, KINDS[kind], default=default, annotation=annotation or Parameter.empty)


def of_a_class(name: str) -> Any:
    """An operator that a class may carry out, as an Enum does. For anything else it raises Mismatch: the student
    returned a function or a class where a value was expected."""
    otherwise = refused("sequence")

    def operate(self: Function, *args: Any) -> Any:
        try:
            if name == "iter":
                return elements(self, name)
            return self._length() if name == "len" else self._ask(name, *map(index, args))
        except Raised as error:
            if "TypeError" not in error.kinds:
                raise
        return otherwise(self)

    operate.__name__ = f"__{name}__"
    return operate


class Kind(type):
    """The class of the Remotes of one of the student's classes: what `type(a)` is. Its name alone is the student's."""

    def __call__(cls, *_: Any, **__: Any) -> NoReturn:
        cls.refuse()

    def __getattr__(cls, name: str) -> NoReturn:
        if name.startswith("_"):  # Python and numpy look for these
            raise AttributeError(name)
        cls.refuse()

    def refuse(cls) -> NoReturn:
        raise UsageError(
            f"{line()}: type(a) tells no more than the name of the student's class {cls.__name__}; ask the class "
            "itself, as hw.MODULE.NAME, or use isinstance"
        )


class Remote(Proxy, metaclass=Kind):
    """An object that lives in the student's process.

    Calls, attributes, operators, texts, indexing and iteration all happen there. It can be an argument of other calls.
    Each object has one Remote.
    """

    __slots__ = ("__weakref__", "_handle", "_session")

    _session: Asking
    _handle: Handle

    def _described(self) -> str:
        return f"a {self._handle.kind} in the student's process"

    def _place(self) -> tuple[Owner, tuple[str, ...]]:
        return self._handle, ()

    def __getattr__(self, name: str) -> Any:
        return read(self._session, self._handle, (), name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._ask("setattr", name, value)

    def __delattr__(self, name: str) -> None:
        self._ask("delattr", name)

    def __call__(self, *args: Any, **named: Any) -> Any:
        return self._session.ask("call", self._handle, (), [args], named=named, subject=self._handle.kind)[0]

    def __getitem__(self, key: Any) -> Any:
        return self._ask("getitem", index(key))

    def __setitem__(self, key: Any, value: Any) -> None:
        self._ask("setitem", index(key), value)

    def __delitem__(self, key: Any) -> None:
        self._ask("delitem", index(key))

    def __iter__(self) -> Iterator[Any]:
        return elements(self, "iter")

    def __reversed__(self) -> Iterator[Any]:
        return elements(self, "reversed")

    def __next__(self) -> Any:
        try:
            return self._ask("next")
        except Raised as error:
            if "StopIteration" not in error.kinds:
                raise
            ended = EndedError(f"a {self._handle.kind} gave no further element")
            ended.kinds = error.kinds
            raise ended from None

    def __len__(self) -> int:
        try:
            return self._length()
        except Raised as error:
            raise NoLengthError(error.message, where=error.where) from None

    def __enter__(self) -> Any:
        return self._ask("enter")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> bool:
        """The student's object is told of an exception, and may handle it, unless that is the check's verdict."""
        if error is None:
            self._ask("leave", ())
            return False
        own = isinstance(error, StudentError) and bool(error.kinds)
        if not own and (isinstance(error, AssertionError | BackgradeError) or not isinstance(error, Exception)):
            return False
        name = error.kinds[0] if isinstance(error, StudentError) else type(error).__name__
        return self._ask("leave", (name, str(error))) is True

    __add__, __sub__, __mul__, __truediv__ = asks("add"), asks("sub"), asks("mul"), asks("truediv")
    __floordiv__, __mod__, __pow__, __matmul__ = asks("floordiv"), asks("mod"), asks("pow"), asks("matmul")
    __and__, __or__, __xor__, __lshift__, __rshift__ = map(asks, ("and_", "or_", "xor", "lshift", "rshift"))
    __radd__, __rsub__, __rmul__, __rtruediv__ = asks("radd"), asks("rsub"), asks("rmul"), asks("rtruediv")
    __rfloordiv__, __rmod__, __rpow__, __rmatmul__ = map(asks, ("rfloordiv", "rmod", "rpow", "rmatmul"))
    __rand__, __ror__, __rxor__ = asks("rand_"), asks("ror_"), asks("rxor")
    __iadd__, __isub__, __imul__, __itruediv__, __imatmul__ = map(asks, ("iadd", "isub", "imul", "itruediv", "imatmul"))
    __neg__, __pos__, __invert__, __abs__, __round__ = map(asks, ("neg", "pos", "invert", "abs", "round"))
    __divmod__, __rdivmod__ = asks("divmod"), asks("rdivmod")
    __trunc__, __floor__, __ceil__ = asks("trunc"), asks("floor"), asks("ceil")
    __float__, __int__, __complex__ = asks_for("float", float), asks_for("int", int), asks_for("complex", complex)
    __index__, __hash__ = asks_for("index", int), asks_for("hash", int)
    __str__, __repr__, __format__ = asks_for("str", str), asks_for("repr", str), asks_for("format", str)
    __bytes__ = asks_for("bytes", bytes)

    def _write(self, arrays: Mapping[Any, Any]) -> Any:
        return self._session.ask("write", self._handle, ("parameters",), [(dict(arrays),)])[0]


def place_of(value: Any) -> tuple[Owner, tuple[str, ...]]:
    """Where a student's object is. Raises NotImplementedYet for None and Mismatch for plain data: answers that are no
    object."""
    if isinstance(value, Proxy):
        return value._place()
    if value is None:
        raise NotImplementedYet("an answer is None, and it was used: not implemented yet")
    raise Mismatch(f"an answer is a plain {type(value).__name__}, and it was used: {OBJECT}")


def remote_to(session: Asking, handle: Handle) -> Remote:
    """A Remote of an object. `type` of two of them is the same if their classes have one name."""
    made = object.__new__(remote_class(handle.kind[:80]))
    object.__setattr__(made, "_session", session)
    object.__setattr__(made, "_handle", handle)
    return made


@lru_cache(maxsize=1024)
def remote_class(kind: str) -> type[Remote]:
    told = {"__slots__": (), "__doc__": vars(Remote)["__doc__"]}
    return Kind(kind if kind.isidentifier() else Remote.__name__, (Remote,), told)  # type: ignore[return-value]


def write_parameters(remote: Remote, arrays: Mapping[Any, Any]) -> Any:
    """Do `parameters()[name][...] = array` for each array, in one round trip; return parameters() afterwards. It is no
    method of Remote, because the student's object may have a `write` of its own."""
    return remote._write(arrays)


def elements(remote: Proxy, how: str) -> Iterator[Any]:
    """The elements of a student's object, fetched in batches. `how` is "iter" or "reversed". Raises Mismatch if it
    cannot be iterated over, or never ends."""
    iterator, kind = remote._ask(how), kind_of(*remote._place())
    if not isinstance(iterator, Remote):
        raise Mismatch(f"a {kind} cannot be iterated over")
    return taken(iterator, kind)


def taken(iterator: Remote, kind: str) -> Iterator[Any]:
    found, more = 0, True
    while more:
        batch = iterator._ask("take")
        if not (isinstance(batch, tuple) and len(batch) == 2 and type(batch[0]) is list and type(batch[1]) is bool):
            raise Mismatch(f"a {kind} cannot be iterated over")
        part, more = batch
        found += len(part)
        if found > MOST_ELEMENTS:
            raise Mismatch(f"a {kind} gave more than {MOST_ELEMENTS} elements: does it never end?")
        yield from part
        more = more and bool(part)


class Module:
    """A student's module. Its functions and classes run in the student's process; its constants come by value."""

    __slots__ = ("_name", "_session")

    def __init__(self, session: Asking, name: str) -> None:
        object.__setattr__(self, "_session", session)
        object.__setattr__(self, "_name", name)

    def __repr__(self) -> str:
        return f"<the student's module {self._name}>"

    def __getattr__(self, name: str) -> Any:
        return read(self._session, self._name, (), name)

    def __setattr__(self, name: str, value: Any) -> None:
        operated(self._session, self._name, (), "setattr", name, value)

    def __dir__(self) -> list[str]:
        return names(operated(self._session, self._name, (), "dir"), repr(self))


class Function(Proxy):
    """A student's function, class or method. A class may have elements, as an Enum has."""

    __slots__ = ("_owner", "_path", "_session", "_then")

    __getitem__, __len__, __iter__ = of_a_class("getitem"), of_a_class("len"), of_a_class("iter")

    @property
    def __name__(self) -> str:
        return str(self._path[-1])

    def __init__(self, session: Asking, owner: Owner, path: tuple[str, ...], then: Then | None = None) -> None:
        object.__setattr__(self, "_session", session)
        object.__setattr__(self, "_owner", owner)
        object.__setattr__(self, "_path", path)
        object.__setattr__(self, "_then", then)

    def _described(self) -> str:
        return f"the student's {'.'.join(self._path)}"

    def _place(self) -> tuple[Owner, tuple[str, ...]]:
        return self._owner, self._path

    def __call__(self, *args: Any, **named: Any) -> Any:
        return self.map([args], **named)[0]

    def then(self, method: str, of: Remote | None = None, writing: Mapping[Any, Any] | None = None) -> Function:
        """This function, with a method without arguments that is called after it in the same round trip: of the object
        `of`, else of the one that this function returns. Each answer is (answer, what the method returned). The latter
        is None where this function returned no object.

        Arrays in `writing` are first written into the live ones that the method returns, as by `write_parameters`."""
        if of is not None:
            place_of(of)  # raises for plain data
        then = Then(of._handle if of is not None else None, method, writing)
        return Function(self._session, self._owner, self._path, then)

    def watched(self, batches: Sequence[Sequence[Any]], inputs: Sequence[Sequence[Any]]) -> list[Any]:
        """As `map`. `hw.differences` notes which of the student's functions are called, during the first calls, with
        one number moved at a time, as finite differences do: `inputs` holds the arrays and floats of each of these."""
        return ask_in_one(self, batches, watch=inputs)

    def map(self, batches: Sequence[Sequence[Any]], **named: Any) -> list[Any]:
        """One call per element of `batches`, in one round trip, each with the same keyword arguments."""
        return ask_in_one(self, batches, named=named)

    def kept(self, *args: Any, **named: Any) -> Remote:
        """The answer of a call, as an object that stays in the student's process, also where it is a number, a named
        tuple or a tensor with its graph."""
        held: Remote = self._session.ask("kept", self._owner, self._path, [args], named=named)[0]
        return held

    def arity(self) -> int | None:
        """How many positional arguments it takes, MOST_ARITY for more; None if the function is missing or takes any
        number."""
        count = self._session.ask("arity", self._owner, self._path, [()])[0]
        return min(count, MOST_ARITY) if type(count) is int and count >= 0 else None

    def __getattr__(self, name: str) -> Any:
        return read(self._session, self._owner, self._path, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._ask("setattr", name, value)


def documentation(own: Any) -> Any:
    """What the student's object says of itself, not the docstring of its proxy here."""
    place = (own._name, ()) if isinstance(own, Module) else own._place()
    return operated(own._session, *place, "getattr", "__doc__")


for proxy in (Remote, Module, Function):
    type.__setattr__(proxy, "__doc__", property(documentation))

# Names by which Python and numpy ask the proxy itself. Other special names of its class are the student's object's.
OURS = {
    "__class__",
    "__doc__",
    "__signature__",
    "__slots__",
    "__getattribute__",
    "__getattr__",
    "__setattr__",
    "__dir__",
}
OURS |= {
    name for name in dir(Proxy) if name.startswith(("__array", "__reduce", "__instance", "__sub", "__mro", "__new"))
}
THEIRS = frozenset(name for kind in (Remote, Function) for name in dir(kind) if name.startswith("__")) - OURS - TOLD
Call = tuple[Function, Sequence[Any]]  # and its arguments


def ask_in_one(function: Function, batches: Sequence[Sequence[Any]], **options: Any) -> list[Any]:
    """One call per element of `batches`, in one round trip. It is no method of Function, because the student's class
    may have one of that name."""
    then = [function._then] * len(batches) if function._then else ()
    answers = function._session.ask("call", function._owner, function._path, batches, then=then, **options)
    return paired(answers) if then else answers


def paired(answers: Sequence[Any]) -> list[Any]:
    """The answers of calls and of the methods that follow them, as pairs; one that lacks its method is left out."""
    return list(zip(answers[::2], answers[1::2], strict=False))


def each(calls: Sequence[Call], inputs: Sequence[Sequence[Any]] = ()) -> Iterator[Any]:
    """The answers to calls of functions of one name, such as a method of several objects, in one round trip. Where one
    fails, the answers before it come first, so that they are judged first; then its error is raised. `inputs` is as in
    `Function.watched`. Raises UsageError for functions of several names."""
    if not calls:
        return
    functions, first = [function for function, _ in calls], calls[0][0]
    owners, then = [one._owner for one in functions], [one._then for one in functions if one._then]
    if any(one._path != first._path for one in functions) or 0 < len(then) < len(calls):
        raise UsageError(f"{line()}: functions that are asked together need one name, and what follows follows each")
    session, batches, failed = first._session, [args for _, args in calls], None
    owner = owners[0] if all(one == owners[0] for one in owners) else owners
    try:
        answers: Sequence[Any] = session.ask("call", owner, first._path, batches, watch=inputs, then=then)
    except (TimedOut, OutOfMemory, Crashed):  # the process that held what was answered is gone
        raise
    except StudentError as error:
        answers, failed = session.answers, error
    yield from paired(answers) if then else answers
    if failed is not None:
        raise failed
