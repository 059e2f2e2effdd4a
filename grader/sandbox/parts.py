"""Right parts: functions of the reference that answer, with values, for a student's wrong ones.

A student's process holds stand-ins for these functions (worker/parts.py). Each call of one is a question to the grader,
and the answer is the reference's values; none of its code leaves the grader. What only a later function of the
reference needs, such as a cache, stays here, and a number stands for it.

The questions come from a hostile process. So their number and size are limited, and the reference is asked only with
plain numbers of bounded sizes: no product of two such arrays takes much memory or time. Meanwhile it opens no file: its
name might be a student's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from grader.errors import Mismatch, Raised, UsageError
from grader.sandbox.callbacks import is_raised
from grader.sandbox.closed import closed
from grader.sandbox.remote import Remote
from grader.sandbox.travelling import travelling
from grader.sandbox.worker.operate import arguments, changes, same, snapshot

FIRST = 1 << 40  # numbers of these functions, above those of a check's own
MOST_CALLS, MOST_BYTES = 100_000, 256 << 30  # questions in one check, and bytes of their arrays
FRAME = 4096  # bytes that a question may have besides its arrays
MOST_SIDE, MOST_SIZE, MOST_NDIM = 4096, 1 << 23, 4  # of an array
MOST_VALUES, MOST_DEPTH, MOST_TEXT = 1000, 4, 1000  # of one question: values, their nesting, and characters
MOST_WHOLE = 1 << 20  # a whole number may be a size
MOST_ANSWER = 128 << 20  # bytes
MOST_KEPT, KEPT_BYTES = 1000, 256 << 20  # what is kept for later questions; the oldest is dropped
AS_IT_IS = frozenset((type(None), bool, float, complex))


class TooMuch(Mismatch):
    """A question without an answer: it, or all of them together, are too large, or no plain data answers it. It says
    nothing of the work."""


class Parts:
    """The functions that answer in one session, by the names of those for which they stand in.

    `keep` maps a function's last name to the positions of its answer that stay here; `sent_as` is the section's. `ends`
    are those of whom the student's own are known to end: such a constructor is run, too, for its names.
    """

    def __init__(
        self,
        functions: Mapping[str, Callable[..., Any]],
        keep: Mapping[str, Sequence[int]],
        sent_as: Mapping[str, str],
        ends: Sequence[str] = (),
    ) -> None:
        self.functions = dict(functions)
        self.keep = {name: tuple(keep.get(name.rpartition(".")[2], ())) for name in functions}
        self.sent_as, self.ends = dict(sent_as), list(ends)
        self.numbers = {FIRST + at: name for at, name in enumerate(self.functions)}
        self.taken = 0  # bytes of all questions so far
        self.begin(0)

    def begin(self, seed: int) -> None:
        """Begin a check: what the one before asked and left here is forgotten."""
        self.seed = seed
        self.count = self.serial = 0
        self.most = self.taken + MOST_BYTES
        self.seconds = 0.0  # on the clock, for answers
        self.kept: dict[int, tuple[Any, int]] = {}
        self.too_much = ""  # why a question was not asked
        self.given: dict[bool, set[str]] = {True: set(), False: set()}  # who was given what is kept here, and who not

    @property
    def another_cache(self) -> str:
        """Why the answers tell nothing of code that hands on its own things in the place of what is kept here: such a
        cache fits its own functions. "" if it hands on the kept ones."""
        names = sorted(self.given[False] & (self.given[True] or self.given[False]))
        return f"{names[0]} was given another cache than a right one" if names else ""

    def setup(self) -> dict[str, Any]:
        """What the student's process has to know: for which names, and under which numbers."""
        return {
            "functions": {name: [number, list(self.keep[name])] for number, name in self.numbers.items()},
            "sent_as": self.sent_as,
            "ends": self.ends,
        }

    def get(self, number: int) -> Callable[..., Any] | None:
        """The function of that number, as `Answering` calls it: with arguments, named ones, and numbers of kept values
        by position or name."""
        name = self.numbers.get(number)
        if name is None:
            return None

        def answer(args: Any, named: Any, kept: Any) -> Any:
            began = time.monotonic()
            try:
                return self.answer(name, args, named, kept)
            finally:
                self.seconds += time.monotonic() - began

        answer.__name__ = name.rpartition(".")[2]
        return answer

    def answer(self, name: str, args: Any, named: Any, kept: Any) -> dict[str, Any]:
        """The answer's values, the numbers of those that stay here by position, and the arguments that were changed.

        Raises Raised for arguments that the function does not take, TooMuch for too many or too large ones, or what the
        function raises on purpose.
        """
        short = name.rpartition(".")[2]
        self.count += 1
        if self.count > MOST_CALLS:
            raise self.refused(f"{short} and others were called more than {MOST_CALLS} times")
        if type(args) is not tuple or type(named) is not dict or type(kept) is not dict:
            raise Raised(f"the question to {short} is malformed")
        self.expect_plain(short, [args, named])
        self.taken += FRAME + weight((args, named))
        if self.taken > self.most:
            raise self.refused(f"{short} and others were given more than {MOST_BYTES >> 30} GiB")
        given, further = list(args), dict(named)
        if self.serial and not self.keep[name]:
            self.given[bool(kept)].add(short)
        for at, number in kept.items():
            if type(number) is not int or number not in self.kept:
                raise Raised(f"{short} was given a cache that is not there any more")
            if type(at) is int and 0 <= at < len(given):
                given[at] = self.kept[number][0]
            elif type(at) is str:
                further[at] = self.kept[number][0]
        if name.endswith(".__init__"):
            given.insert(0, self.seed + self.count)
        sent = arguments(args, named)
        before = {at: snapshot(value) for at, value in sent.items() if changes(value)}
        try:
            with np.errstate(all="ignore"), closed() as refusing:
                value = self.functions[name](*given, **further)
        except (Exception, SystemExit) as error:  # the reference was asked with whatever a student's code gave
            if not refusing.tried:
                raise self.handed_on(short, error) from None
        if refusing.tried:
            raise self.refused(f"a right {short} opens files or the like, which it may not do for a student's code")
        return self.shared(name, value, {at: sent[at] for at in before if not same(sent[at], before[at])})

    def shared(self, name: str, value: Any, changed: Mapping[int | str, Any]) -> dict[str, Any]:
        """An answer as it travels. Raises TooMuch if it is not plain data: an object cannot be sent, and a function of
        the reference's could then be asked anything."""
        numbers, functions = {}, dict[int, Callable[..., Any]]()
        if self.keep[name] and isinstance(value, tuple):
            parts: list[Any] = list(value)
            for at in self.keep[name]:
                numbers[at] = self.keep_back(parts[at])
                parts[at] = None
            value = tuple(parts)
        if weight((value, changed)) > MOST_ANSWER:
            raise self.refused(f"an answer of {name} has more than {MOST_ANSWER >> 20} MiB")
        try:
            travelling([value, changed], functions)
        except UsageError:
            functions = {0: type(value)}
        if functions:
            raise self.refused(f"a right {name.rpartition('.')[2]} gives an object, which cannot leave the grader")
        return {"value": value, "kept": numbers, "changed": changed}

    def handed_on(self, short: str, error: BaseException) -> BaseException:
        """What the student's code gets of an exception. One that a right part raises on purpose, as for a bad file, it
        may handle, if it is Python's own."""
        on_purpose = isinstance(error, LookupError | ArithmeticError) or is_raised(error)
        if not on_purpose or isinstance(error, AssertionError):
            return Raised(f"{short} was called with arguments that it does not take ({type(error).__name__})")
        if isinstance(error, Exception) and type(error).__module__ == "builtins":
            return type(error)(*error.args)  # raised anew, here
        return self.refused(f"a right {short} raises {type(error).__name__}, which cannot leave the grader")

    def keep_back(self, value: Any) -> int:
        self.serial += 1
        self.kept[self.serial] = value, weight(value)
        held = sum(size for _, size in self.kept.values())
        while len(self.kept) > MOST_KEPT or (held > KEPT_BYTES and len(self.kept) > 1):
            held -= self.kept.pop(next(iter(self.kept)))[1]
        return self.serial

    def refused(self, why: str) -> TooMuch:
        self.too_much = why
        return TooMuch(why)

    def expect_plain(self, name: str, question: Any) -> None:
        """Raise unless every value is a number, text or array of numbers, and none is too large."""
        open_: list[tuple[Any, int]] = [(question, 0)]
        seen = 0
        while open_:
            value, depth = open_.pop()
            seen += 1
            kind = type(value)
            if seen > MOST_VALUES or depth > MOST_DEPTH + 1:
                raise self.refused(f"{name} was given more than {MOST_VALUES} values, or too deeply nested ones")
            if kind in (list, tuple, dict, set, frozenset):
                open_ += [(part, depth + 1) for part in (value.values() if kind is dict else value)]
            elif kind is np.ndarray and value.dtype.kind in "biufc":
                large = value.size > MOST_SIZE or value.ndim > MOST_NDIM or max(value.shape, default=0) > MOST_SIDE
                if large:
                    raise self.refused(f"{name} was given an array of shape {value.shape}, which is too large")
            elif (kind is int and abs(value) > MOST_WHOLE) or (kind is str and len(value) > MOST_TEXT):
                raise self.refused(f"{name} was given a number or text that is too large")
            elif kind.__module__.partition(".")[0] == "torch":
                raise self.refused(f"{name} was given a tensor, which is not asked about")
            elif isinstance(value, Remote):
                raise self.refused(f"{name} was given a {kind.__name__}, an object that cannot be sent to a right one")
            elif kind not in AS_IT_IS and kind is not int and kind is not str:
                raise Raised(f"{name} was given something that is no number and no array of numbers")


def weight(value: Any, depth: int = 0) -> int:
    """Bytes of the arrays in a value, an object's attributes included."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, list | tuple | dict) and depth < MOST_DEPTH:
        return sum(weight(part, depth + 1) for part in (value.values() if isinstance(value, dict) else value))
    return weight(vars(value), depth + 1) if hasattr(value, "__dict__") and depth < MOST_DEPTH else 64
