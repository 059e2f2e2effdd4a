"""A pool of processes that does its work at once, in the thread that asks: new processes are refused, and what they
train could not be watched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any


class Pool:
    """As multiprocessing.Pool."""

    def __init__(
        self, processes: Any = None, initializer: Any = None, initargs: Iterable[Any] = (), *_: Any, **__: Any
    ) -> None:
        if initializer is not None:
            initializer(*initargs)

    def map(self, function: Callable[..., Any], items: Iterable[Any], *_: Any, **__: Any) -> list[Any]:
        return [function(item) for item in items]

    def starmap(self, function: Callable[..., Any], items: Iterable[Any], *_: Any, **__: Any) -> list[Any]:
        return [function(*item) for item in items]

    def imap(self, function: Callable[..., Any], items: Iterable[Any], *_: Any, **__: Any) -> Iterator[Any]:
        return iter(self.map(function, items))

    imap_unordered = imap

    def apply(self, function: Callable[..., Any], args: Iterable[Any] = (), kwds: Any = None) -> Any:
        return function(*args, **(kwds or {}))

    def apply_async(
        self, function: Callable[..., Any], args: Any = (), kwds: Any = None, callback: Any = None, *_: Any, **__: Any
    ) -> Done:
        return Done(self.apply(function, args, kwds), callback)

    def map_async(self, function: Callable[..., Any], items: Iterable[Any], *_: Any, **named: Any) -> Done:
        return Done(self.map(function, items), named.get("callback"))

    def starmap_async(self, function: Callable[..., Any], items: Iterable[Any], *_: Any, **named: Any) -> Done:
        return Done(self.starmap(function, items), named.get("callback"))

    def close(self) -> None:
        """Nothing is left to do."""

    join = terminate = close

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was opened."""


class Done:
    """The result of work that is done."""

    def __init__(self, value: Any, callback: Callable[[Any], Any] | None) -> None:
        self.value = value
        if callback is not None:
            callback(value)

    def get(self, timeout: Any = None) -> Any:
        return self.value

    def wait(self, timeout: Any = None) -> None:
        """It is done."""

    def ready(self) -> bool:
        return True

    successful = ready
