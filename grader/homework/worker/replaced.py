"""Replaces attributes of a student's modules and of libraries, and libraries that plot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


@contextmanager
def replaced(replacements: Iterator[tuple[Any, str, Any]]) -> Iterator[None]:
    """Replace attributes inside the block."""
    kept = []
    try:
        for owner, name, value in replacements:
            kept.append((owner, name, getattr(owner, name)))
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in reversed(kept):
            setattr(owner, name, value)


def replace(owner: Any, name: str, value: Any) -> None:
    """Replace an attribute for good."""
    setattr(owner, name, value)


class Mute(ModuleType):
    """Replaces a plotting library: every attribute, call, item, element or multiple of it is itself."""

    def __getattr__(self, name: str) -> Mute:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def _itself(self, *args: Any, **kwargs: Any) -> Mute:
        return self

    __call__ = __getitem__ = __enter__ = _itself
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __neg__ = _itself

    def __exit__(self, *exception: object) -> None:
        """Nothing was opened."""

    def __setitem__(self, *item: object) -> None:
        """Nothing is kept: `rcParams["figure.figsize"] = 8, 4`."""

    def __iter__(self) -> Iterator[Mute]:
        return iter((self, self))  # `figure, axes = plt.subplots()`


# The type's name in errors that a student reads: "a bytes-like object is required, not ...".
Mute.__name__ = Mute.__qualname__ = "stand-in for a library that is not here"
Mute.__module__ = "builtins"  # errors do not show this module
