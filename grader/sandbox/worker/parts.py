"""Stand-ins for a student's wrong functions: each call of one asks the grader, which answers with values.

They are put in place once, before any other module of the student's is imported, so that `from module import f`
finds them too. A file that runs another one's text, or loads it again, gets copies of the wrong functions: stand-ins
take their places, too. See sandbox/parts.py.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from grader.sandbox.worker.operate import left_as
from grader.sandbox.worker.own_names import under_own_names
from grader.sandbox.worker.wire import Callback

LARGE = 1 << 20  # bytes of a run's question that is asked in single precision
DECORATED = 4  # decorators, one around another, below which a function is known
STATE = "_right_state"  # where an object holds what a stand-in for its class's __init__ was given


class Kept:
    """A value that the grader keeps, such as a cache: it can only be passed on."""

    def __init__(self, number: int) -> None:
        self.number = number


class Parts:
    """The stand-ins of one process. `ask` calls a function of the grader's."""

    def __init__(self, given: Mapping[str, Any], ask: Callable[..., Any]) -> None:
        self.functions: dict[str, list[Any]] = given.get("functions", {})
        self.sent_as: dict[str, str] = given.get("sent_as", {})
        self.ends: list[str] = given.get("ends", [])
        self.ask = ask
        self.bound = not self.functions
        self.in_run = False  # whether a driver's run asks, and not a call that a check judges to its tolerance
        self.classes: list[tuple[type, str]] = []
        self.copied: dict[CodeType, Any] = {}  # the code of a wrong function -> its stand-in

    def bind(self, module: Callable[[str], Any]) -> None:
        """Put every stand-in in its place, once. A module that cannot be imported stays as it is."""
        if self.bound:
            return
        self.bound = True
        for name, (number, keep) in self.functions.items():
            owner, *path, last = name.split(".")
            target = found(module, owner, path)
            if target is not None:
                right, wrong = self.stand_in(name, number, keep), getattr(target, last, None)
                if not path and (code := code_of(wrong)) is not None:
                    self.copied[code] = right
                setattr(target, last, self.begun(target, name, right) if last == "__init__" else right)
        for name, method in self.sent_as.items():
            owner, *path = name.split(".")
            kind = found(module, owner, path)
            if isinstance(kind, type):
                self.classes.append((kind, method))
                if f"{name}.__init__" in self.functions:
                    setattr(kind, method, lambda itself: vars(itself)[STATE])

    def replace_copies(self, modules: Iterable[Any]) -> None:
        """Put stand-ins in the place of copies of wrong functions: in modules, and in those modules and namespaces of
        `exec` that only they hold."""
        if not self.copied:
            return
        own = [vars(one) for one in modules if isinstance(one, ModuleType)]
        held = [one for names in own for one in names.values()]
        private = [
            vars(one) for one in held if isinstance(one, ModuleType) and sys.modules.get(one.__name__) is not one
        ]
        filled = [one for one in held if type(one) is dict and "__builtins__" in one]
        for names in (*own, *private, *filled):
            codes = {name: code_of(one) for name, one in names.items()}
            names.update({name: self.copied[code] for name, code in codes.items() if code in self.copied})

    def begun(self, kind: Any, name: str, right: Callable[..., Any]) -> Callable[..., None]:
        """In the place of a class's constructor: the object holds the right values. They have the student's names where
        the student's own constructor is known to end."""
        own, tell = kind.__init__, getattr(kind, self.sent_as.get(name.rpartition(".")[0], ""), None)

        def begin(itself: Any, *args: Any, **named: Any) -> None:
            values = right(*args, **named)
            if name in self.ends and tell is not None:
                values = under_own_names(itself, values, partial(own, itself, *args, **named), partial(tell, itself))
            vars(itself)[STATE] = values

        return begin

    def stand_in(self, name: str, number: int, keep: list[int]) -> Callable[..., Any]:
        short = name.rpartition(".")[2]
        callback = Callback(number, short)

        def ask(*args: Any, **named: Any) -> Any:
            kept: dict[int | str, int] = {}
            sent = tuple(self.sent(value, at, kept) for at, value in enumerate(args))
            further = {key: self.sent(value, key, kept) for key, value in named.items()}
            if self.in_run and weight((sent, further)) > LARGE:
                sent, further = in_single(sent), in_single(further)
            answer = self.ask(callback, (sent, further, kept), {})
            for at, now in answer["changed"].items():
                left_as(args[at] if isinstance(at, int) else named[at], now)
            value = answer["value"]
            if answer["kept"]:
                parts = list(value)
                for at, token in answer["kept"].items():
                    parts[at] = Kept(token)
                value = tuple(parts)
            return value

        ask.__name__ = short
        return ask

    def sent(self, value: Any, at: int | str, kept: dict[int | str, int]) -> Any:
        """An argument as it is sent: an object of a class in `sent_as` as what its method gives."""
        if isinstance(value, Kept):
            kept[at] = value.number
            return None
        for kind, method in self.classes:
            if isinstance(value, kind):
                return getattr(value, method)()
        return value


def code_of(value: Any) -> CodeType | None:
    """The code that alone makes a function, below what decorates it; None for anything else."""
    for _ in range(DECORATED):
        value = vars(value).get("__wrapped__", value) if isinstance(value, FunctionType) else value
    return value.__code__ if isinstance(value, FunctionType) and value.__closure__ is None else None


def found(module: Callable[[str], Any], owner: str, path: list[str]) -> Any:
    """A module, or what lies at `path` in it; None if there is none."""
    try:
        target = module(owner)
        for name in path:
            target = getattr(target, name)
    except BaseException:  # whatever a student's file raises; the grader finds the same when it asks for that file
        return None
    return target


def weight(value: Any) -> int:
    """Bytes of the arrays in a question."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    parts = value.values() if type(value) is dict else value if type(value) in (list, tuple) else ()
    return sum(map(weight, parts))


def in_single(value: Any) -> Any:
    """A question in single precision. Each of the many steps of a training run asks a large one: half of the bytes make
    them nearly twice as fast, and no step needs more than seven digits."""
    if isinstance(value, np.ndarray):
        return value.astype(np.float32) if value.dtype == np.float64 else value
    if type(value) is dict:
        return {name: in_single(part) for name, part in value.items()}
    return type(value)(map(in_single, value)) if type(value) in (list, tuple) else value
