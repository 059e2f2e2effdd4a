"""Python's operators on the student's functions and objects: those that the object carries out, and those that raise.

A student's object must not decide a comparison: its operators only give values to compare. So `==`, `<`, `in` and `if`
raise Mismatch, for the reference as well; `hw.operate("eq", a, b)` asks the object itself.
"""

from __future__ import annotations

from typing import Any, NoReturn

from grader.errors import Mismatch
from grader.sandbox.asking import Owner, kind_of


def refused(name: str, instead: str = "") -> Any:
    """A method of numbers or arrays that raises Mismatch, because the student returned something else. The message
    tells a check's author to ask the object itself by the operator `instead`."""
    cure = f'; a check that asks the object itself writes hw.operate("{instead}", ...)' if instead else ""

    def refuse(self: Any, *_: Any, **__: Any) -> NoReturn:
        raise Mismatch(f"a number or an array was expected, not {self._described()}{cure}")

    refuse.__name__ = name
    return refuse


unequal = refused("equality", "eq")


class NoValue:
    """Neither a number nor an array. A check that uses it as one raises Mismatch, because the answer is wrong."""

    __slots__ = ()
    __array_ufunc__ = None  # so that numpy leaves operators to this class

    def _described(self) -> str:
        """What it is, for messages. Nothing is asked."""
        raise NotImplementedError

    def _place(self) -> tuple[Owner, tuple[str, ...]]:
        """Where it is in the student's process."""
        raise NotImplementedError

    __add__ = __sub__ = __mul__ = __truediv__ = __floordiv__ = __mod__ = __pow__ = __matmul__ = refused("operator")
    __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = __rmod__ = __rpow__ = __rmatmul__ = __add__
    __and__ = __or__ = __xor__ = __lshift__ = __rshift__ = __rand__ = __ror__ = __rxor__ = __add__
    __neg__ = __pos__ = __abs__ = __invert__ = __round__ = __divmod__ = __rdivmod__ = __add__
    __lt__, __le__, __gt__, __ge__ = (refused("order", name) for name in ("lt", "le", "gt", "ge"))
    __contains__ = refused("membership", "contains")
    __float__ = __int__ = __complex__ = __index__ = __array__ = refused("number")
    __len__ = __iter__ = __getitem__ = __setitem__ = __delitem__ = refused("sequence")

    def __array_function__(self, *_: Any) -> NoReturn:
        raise Mismatch(f"an array was expected, not {self._described()}")

    def __eq__(self, other: object) -> bool:
        if other is not self:
            unequal(self)
        return True

    def __hash__(self) -> int:
        return object.__hash__(self)

    __bool__ = refused("truth", "bool")


def asks(name: str) -> Any:
    """An operator that the student's object carries out."""

    def operate(self: Any, *args: Any) -> Any:
        return self._ask(name, *args)

    operate.__name__ = f"__{name}__"
    return operate


def asks_for(name: str, kind: type) -> Any:
    """An operator whose value must be of exactly one type."""

    def operate(self: Any, *args: Any) -> Any:
        value = self._ask(name, *args)
        if type(value) is not kind:
            raise Mismatch(f"{name} of a {kind_of(*self._place())} is no {kind.__name__}")
        return value

    operate.__name__ = f"__{name}__"
    return operate


def index(key: Any) -> dict[str, Any]:
    """An index in the form in which it is sent; see worker/operate.py."""
    if isinstance(key, slice):
        return {"slice": [key.start, key.stop, key.step]}
    if isinstance(key, tuple):
        return {"tuple": [index(part) for part in key]}
    return {"ellipsis": True} if key is ... else {"value": key}
