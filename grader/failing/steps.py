"""From what a check asked of a student's code to the few calls that give its wrong answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from grader.errors import Raised, StudentError, Wrong
from grader.measure.diagnose import numbers, plain
from grader.measure.numeric import real
from grader.sandbox.remote import Function, Module, Remote
from grader.sandbox.trace import Call
from grader.sandbox.worker.wire import Handle

CALL, WRITE, PUT = "call", "write", "put"  # kinds of calls that can be written as Python
MOST_PARTS = 10_000  # of an answer, in which the wrong one is looked for
Place = tuple[int | str, ...]  # where something is in an answer: (1, "w") is answer[1]["w"]


@dataclass(frozen=True, slots=True)
class Ref:
    """What an earlier step gave, at `place` of its answer."""

    step: int
    place: Place


@dataclass(frozen=True, eq=False, slots=True)
class Step:
    """A call: of a function at `path` in the module or in what an earlier step gave (`owner`)."""

    op: str
    owner: str | Ref
    path: tuple[str, ...]
    args: tuple[Any, ...]
    named: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Case:
    """The last of `steps` gives a wrong answer at `place`, or raises what `raised` says.

    `wrong` are the numbers there, if it is a number or an array; `note` is what a report says of them.
    """

    steps: tuple[Step, ...]
    place: Place = ()
    wrong: Wrong | None = None
    raised: str = ""
    note: str = ""


def cases(calls: Sequence[Call], error: StudentError) -> Iterator[Case]:
    """The shortest sequence of calls that may end in this error, then all calls until then, for code that remembers."""
    for last, place, wrong, raised in located(calls, error):
        for wanted in (needed(calls, last), list(range(last + 1))):
            steps = linked(calls, wanted)
            if steps is not None:
                yield Case(steps, place, wrong, raised, error.message.partition("\n")[0])


def located(calls: Sequence[Call], error: StudentError) -> Iterator[tuple[int, Place, Wrong | None, str]]:
    """The calls that may have given the wrong answer, where in it, and what is wrong; or the call that raised."""
    for at in reversed(range(len(calls))):
        if isinstance(error, Raised) and calls[at].error is error:
            yield at, (), None, kind_of(error)
    for test, wrong in wanted_parts(error.wrong) if error.wrong is not None else ():
        for at in reversed(range(len(calls))):
            yield from ((at, place, wrong, "") for place, part in parts(calls[at].answer) if test(part))


def holding(calls: Sequence[Call], answer: Any) -> Iterator[tuple[Call, Place]]:
    """The calls that gave this object itself, the last one first, and where in their answers it is."""
    for call in reversed(calls):
        yield from ((call, place) for place, part in parts(call.answer) if part is answer)


def wanted_parts(wrong: Wrong) -> Iterator[tuple[Callable[[Any], bool], Wrong]]:
    """What to look for in the answers: the object itself; an equal array; the number that is furthest off, where
    numbers of several calls were gathered."""
    yours, found = wrong.yours, numbers(wrong.yours)
    yield (lambda part: part is yours), wrong
    if found is None or not found.ndim or found.size == 0:
        return
    yield (lambda part: isinstance(part, np.ndarray) and same_bytes(part, yours)), wrong
    right = real(plain(wrong.expected))
    if right.shape != found.shape or right.ndim != 1:
        return
    off = np.abs(found - right)
    worst = int(np.argmax(np.where(np.isfinite(off), off, np.inf)))
    value, expected = float(found[worst]), float(right[worst])
    yield (lambda part: same_number(part, value)), Wrong(value, expected, wrong.atol, wrong.rtol)


def same_bytes(part: Any, yours: Any) -> bool:
    return isinstance(yours, np.ndarray) and part.shape == yours.shape and part.tobytes() == yours.tobytes()


def same_number(part: Any, value: float) -> bool:
    if isinstance(part, np.ndarray) and part.ndim:
        return False
    found = numbers(part)
    if found is None or np.ndim(found):
        return False
    return float(found) == value or (math.isnan(float(found)) and math.isnan(value))


def parts(value: Any) -> Iterator[tuple[Place, Any]]:
    """An answer and everything in it, MOST_PARTS at most: wrong answers are searched, and may be huge."""
    return islice(parts_at((), value), MOST_PARTS)


def parts_at(place: Place, value: Any) -> Iterator[tuple[Place, Any]]:
    """A value, and all parts below it, each with its place: of containers, and the numbers of short vectors."""
    yield place, value
    if isinstance(value, dict):
        for key, part in value.items():
            yield from parts_at((*place, key), part)
    elif isinstance(value, list | tuple):
        for at, part in enumerate(value):
            yield from parts_at((*place, at), part)
    elif isinstance(value, np.ndarray) and value.ndim == 1 and value.size <= 16:
        for at, number in enumerate(value):
            yield (*place, at), number


def kind_of(error: StudentError) -> str:
    """What was raised, without its words: "fc_forward raised ValueError"."""
    return error.message.partition(":")[0]


def needed(calls: Sequence[Call], last: int) -> list[int]:
    """The steps that a call needs: itself, those that gave its arguments and its object, and what was written into
    these objects before."""
    wanted, ids = [last], handles(calls[last])
    for at in reversed(range(last)):
        call = calls[at]
        made = {part._handle.id for _, part in parts(call.answer) if isinstance(part, Remote)}
        writes = call.op == WRITE and isinstance(call.owner, Handle) and call.owner.id in ids
        if made & ids or writes:
            wanted.append(at)
            ids |= handles(call)
    return without_overwritten(calls, wanted[::-1])


def without_overwritten(calls: Sequence[Call], wanted: Sequence[int]) -> list[int]:
    """Without what is written into an object right before the same is written again."""
    following = zip(wanted, [*wanted[1:], None], strict=True)
    return [
        at
        for at, after in following
        if after is None or not (calls[at].op == calls[after].op == WRITE and calls[at].owner == calls[after].owner)
    ]


def handles(call: Call) -> set[int]:
    """The student's objects that a call is given."""
    given = [part for arg in (*call.args, *call.named.values()) for _, part in parts(arg)]
    own = {call.owner.id} if isinstance(call.owner, Handle) else set()
    return own | {part._handle.id for part in given if isinstance(part, Remote)}


def linked(calls: Sequence[Call], wanted: Sequence[int]) -> tuple[Step, ...] | None:
    """The calls as steps; None for one that cannot be written as Python."""
    places: dict[int, Ref] = {}
    steps: list[Step] = []
    for number, at in enumerate(wanted):
        call = calls[at]
        if call.op not in (CALL, WRITE, PUT) or any(map(is_foreign, (*call.args, *call.named.values()))):
            return None
        if isinstance(call.owner, Handle):
            owner: str | Ref | None = places.get(call.owner.id, "" if call.op == PUT else None)
        else:
            owner = call.owner
        try:
            args = tuple(referred(arg, places) for arg in call.args)
            named = {name: referred(arg, places) for name, arg in call.named.items()}
        except KeyError:
            return None
        if owner is None:
            return None
        steps.append(Step(call.op, owner, call.path, args, named))
        for place, part in parts(call.answer):
            if isinstance(part, Remote):
                places.setdefault(part._handle.id, Ref(number, place))
    return tuple(steps)


def is_foreign(value: Any) -> bool:
    """Whether an argument is code, or holds some."""
    return any(callable(part) and not isinstance(part, Remote) for _, part in parts(value)) or isinstance(
        value, Function | Module
    )


def referred(value: Any, places: Mapping[int, Ref]) -> Any:
    """An argument with a Ref for each object of the student's. Raises KeyError for one that no step gave."""
    return replaced(value, lambda part: places[part._handle.id] if isinstance(part, Remote) else part)


def replaced(value: Any, new: Callable[[Any], Any]) -> Any:
    """A value with each part that holds no others replaced by what `new` gives for it; arrays are such parts."""
    if isinstance(value, list | tuple):
        return type(value)(replaced(part, new) for part in value)
    if isinstance(value, dict):
        return {key: replaced(part, new) for key, part in value.items()}
    return new(value)


def part_at(value: Any, place: Place) -> Any:
    """Raises LookupError or TypeError where there is none."""
    for key in place:
        value = value[key]
    return value
