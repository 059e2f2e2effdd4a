"""The smallest input that still fails in the same way: fewer calls, rows and columns, then round numbers.

It asks the reference what is right for inputs that no check has asked. So where only a recording answers, a case stays
as large as it was recorded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from grader.errors import Raised, StudentError, Wrong
from grader.failing.replay import Unanswered, by_reference, by_student
from grader.failing.steps import CALL, WRITE, Case, Ref, Step, kind_of, part_at, replaced
from grader.measure.diagnose import beyond, numbers, plain, where
from grader.measure.numeric import real
from grader.sandbox.session import Session

ALIKE = 1e-6  # relative error below which the same question has the same answer
MOVED, NEAR = 1e-3, 0.05  # how far numbers move to tell a mistake from a kink, and how far a right answer may move then
ASKED = 250  # inputs that are tried for one case
MOVES = (0, 1, 2)  # directions in which they move
LARGEST = 9.0  # of a round number


@dataclass
class Judge:
    """Says whether steps fail as a case does. `modules` are the reference's, or None."""

    session: Session
    modules: Any
    case: Case
    until: float  # when to stop, as time.monotonic() counts; a machine that is busy gets there sooner
    left: int = ASKED  # inputs that may still be tried
    names: dict[Any, str] = field(default_factory=dict)  # a student's name of an array -> the reference's

    def again(self) -> Case | None:
        """The case, if the student's code gives the same wrong answer once more; else None."""
        wrong, raised = self.case.wrong, self.case.raised
        try:
            answer = part_at(by_student(self.session, self.case.steps), self.case.place)
        except Raised as error:
            return self.case if raised and kind_of(error) == raised else None
        except (StudentError, LookupError, TypeError):
            return None
        if raised or wrong is None or not equal(answer, wrong.yours):
            return None
        return replace(self.case, note=told(wrong))

    def trusts(self) -> bool:
        """Whether the reference, asked the same, gives what the check expected."""
        wrong = self.case.wrong
        return self.gives(None if wrong is None else wrong.expected)

    def excuses(self) -> bool:
        """Whether the reference gives the student's own answer, or raises the same exception. Then this call is right,
        and what it was given may be wrong."""
        wrong = self.case.wrong
        if not self.case.raised:
            return wrong is not None and wrong.yours is not None and self.gives(wrong.yours)
        try:
            self.right(self.case.steps)
        except Unanswered as error:
            return self.modules is not None and self.case.raised.endswith(f" raised {error.kind}")
        return False

    def gives(self, expected: Any) -> bool:
        """Whether the reference gives this answer to the same question; any answer counts if it is None."""
        if self.modules is None:
            return False
        try:
            right = self.right(self.case.steps)
        except (Unanswered, LookupError, TypeError):
            return False
        return expected is None or equal(right, expected)

    def failing(self, steps: tuple[Step, ...]) -> Case | None:
        """The case with these steps, if they fail as it does. Raises StudentError where the student's code does not
        end."""
        case = self.case
        self.left -= 1
        try:
            right = self.right(steps)
        except (Unanswered, LookupError, TypeError):
            return None
        if case.wrong is not None and is_finite(case.wrong.expected) and not is_finite(right):
            return None  # no answer is right for such an input, such as a variance of one number
        try:
            found = part_at(by_student(self.session, steps), case.place)
        except Raised as error:
            said = error.message.partition("\n")[0]
            return replace(case, steps=steps, note=said) if case.raised and kind_of(error) == case.raised else None
        except (LookupError, TypeError):
            return None
        if case.wrong is None:
            return None
        wrong = replace(case.wrong, yours=found, expected=None if case.wrong.expected is None else right)
        alike = way(wrong, right) == way(case.wrong, right if case.wrong.expected is None else case.wrong.expected)
        return replace(case, steps=steps, wrong=wrong, note=told(wrong)) if alike and way(wrong, right) else None

    def confirms(self, case: Case) -> bool:
        """Whether the case also fails for numbers nearby whose right answer is nearly the same. Then it lies at no
        kink, and no two scores are equal. Raises as `failing`."""
        for seed in MOVES:
            found = self.failing(moved(case.steps, seed))
            if found is None or not near(found.wrong, case.wrong):
                return False
        return True

    def right(self, steps: Sequence[Step]) -> Any:
        """The reference's answer. Raises Unanswered, LookupError or TypeError where it has none."""
        answer = by_reference(self.modules, steps, self.names)
        return part_at(answer, tuple(self.names.get(key, key) for key in self.case.place))

    @property
    def late(self) -> bool:
        return self.left <= 0 or time.monotonic() > self.until


def smallest(judge: Judge) -> Case:
    """The judge's case, made as small as possible in its time."""
    case = judge.case
    try:
        sturdy = judge.confirms(case)
        changes: list[Callable[[tuple[Step, ...]], Iterator[tuple[Step, ...]]]] = [shorter, fewer, rounder]
        for change in changes if sturdy else changes[:2]:
            case = reduced(judge, case, change, sturdy=sturdy and change is rounder)
    except StudentError:  # an input for which the code does not end is no smaller example
        pass
    return case


def reduced(
    judge: Judge, case: Case, change: Callable[[tuple[Step, ...]], Iterator[tuple[Step, ...]]], *, sturdy: bool
) -> Case:
    """The case after every change that leaves it failing. If `sturdy`, it has to fail for numbers nearby, too."""
    progress = True
    while progress:
        progress = False
        for steps in change(case.steps):
            if judge.late:
                return case
            found = judge.failing(steps)
            if found is not None and (not sturdy or judge.confirms(found)):
                case, progress = found, True
                break
    return case


# How to make an input smaller


def shorter(steps: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    """The steps without one call whose answer no other step uses, and without what is written into that answer."""
    for at, step in enumerate(steps[:-1]):
        gone = {at, *(number for number, one in enumerate(steps) if one.op == WRITE and one.owner == Ref(at, ()))}
        rest = [one for number, one in enumerate(steps) if number not in gone]
        if step.op == CALL and not any(ref.step == at for one in rest for ref in refs(one)):
            yield tuple(earlier(one, gone) for one in rest)


def earlier(step: Step, gone: set[int]) -> Step:
    """A step that refers to others, where those at `gone` are left out."""

    def new(part: Any) -> Any:
        return replace(part, step=part.step - sum(at < part.step for at in gone)) if isinstance(part, Ref) else part

    return replace(
        step,
        owner=new(step.owner),
        args=tuple(replaced(arg, new) for arg in step.args),
        named={name: replaced(arg, new) for name, arg in step.named.items()},
    )


def refs(step: Step) -> list[Ref]:
    return [part for part in (step.owner, *leaves([step])) if isinstance(part, Ref)]


def fewer(steps: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    """Shorten all axes of one length at once, because equal lengths belong together: N rows, C classes."""
    lengths = {length for array in arrays(steps) for length in array.shape if length > 1}
    for length in sorted(lengths, reverse=True):
        for wanted in sorted({1, 2, 3, length // 2} & set(range(1, length))):
            for last in (False, True) if wanted == 1 else (False,):
                yield from cut(steps, length, wanted, last=last)


def cut(steps: tuple[Step, ...], length: int, wanted: int, *, last: bool) -> Iterator[tuple[Step, ...]]:
    """The first rows, or the last, once as they are and once with labels below `wanted`."""

    def less(part: Any, *, labels: bool) -> Any:
        if type(part) is int and part == length:
            return wanted
        if not isinstance(part, np.ndarray):
            return part
        if part.dtype.kind in "iu" and part.max(initial=0) == length:  # where the rows of a sparse matrix end
            part = np.minimum(part, wanted)
        for axis, found in enumerate(part.shape):
            if found == length:
                part = np.take(part, np.arange(length - wanted, length) if last else np.arange(wanted), axis=axis)
        if labels and part.dtype.kind in "iu" and part.min(initial=0) >= 0 and wanted <= part.max(initial=0) < length:
            part = part % wanted
        return part

    yield changed(steps, lambda part: less(part, labels=False))
    if any(array.dtype.kind in "iu" for array in arrays(steps)):
        yield changed(steps, lambda part: less(part, labels=True))


def rounder(steps: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    """With fewer digits: in all numbers at once, then in one argument at a time."""
    for digits in (0, 1, 2):
        rounded = changed(steps, lambda part, digits=digits: rounded_away(part, digits))  # type: ignore[misc]
        if not alike(rounded, steps):
            yield rounded
    for digits in (0, 1, 2):
        for target in floats(steps):
            one = changed(
                steps,
                lambda part, target=target, digits=digits: rounded_away(part, digits) if part is target else part,  # type: ignore[misc]
            )
            if not alike(one, steps):
                yield one


def rounded_away(part: Any, digits: int) -> Any:
    """Rounded, but never to 0 where it was not 0: a kink is there. Without digits, at most LARGEST."""
    if not is_float(part):
        return part
    values = np.asarray(part, dtype=np.float64)
    rounded = np.round(values, digits)
    rounded = np.where((rounded == 0) & (values != 0), np.sign(values) * 10.0**-digits, rounded)
    if digits == 0 and np.abs(values).max(initial=0.0) < 200:
        rounded = np.clip(rounded, -LARGEST, LARGEST)
    return float(rounded) if isinstance(part, float) else rounded.astype(part.dtype)


def moved(steps: tuple[Step, ...], seed: int) -> tuple[Step, ...]:
    """The same with each number a little elsewhere."""
    rng = np.random.default_rng(seed)

    def beside(part: Any) -> Any:
        if not is_float(part):
            return part
        step = MOVED * rng.uniform(0.5, 1.0, np.shape(part)) * rng.choice([-1.0, 1.0], np.shape(part))
        return float(part + step) if isinstance(part, float) else (part + step).astype(part.dtype)

    return changed(steps, beside)


def changed(steps: Sequence[Step], new: Callable[[Any], Any]) -> tuple[Step, ...]:
    """One and the same array stays one."""
    known: dict[int, Any] = {}

    def once(part: Any) -> Any:
        if not isinstance(part, np.ndarray):
            return new(part)
        if id(part) not in known:
            known[id(part)] = new(part)
        return known[id(part)]

    return tuple(
        replace(
            step,
            args=tuple(replaced(arg, once) for arg in step.args),
            named={name: replaced(arg, once) for name, arg in step.named.items()},
        )
        for step in steps
    )


def leaves(steps: Sequence[Step]) -> list[Any]:
    found: list[Any] = []
    for step in steps:
        for arg in (*step.args, *step.named.values()):
            replaced(arg, found.append)
    return found


def arrays(steps: Sequence[Step]) -> list[np.ndarray]:
    return [part for part in leaves(steps) if isinstance(part, np.ndarray)]


def floats(steps: Sequence[Step]) -> list[Any]:
    return [part for part in leaves(steps) if is_float(part)]


def is_float(part: Any) -> bool:
    return isinstance(part, float) or (isinstance(part, np.ndarray) and part.dtype.kind == "f")


def alike(some: Sequence[Step], others: Sequence[Step]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(floats(some), floats(others), strict=True))


# In which way an answer is wrong


def way(wrong: Wrong, right: Any) -> str:
    """How an answer differs from the right one; "" if it does not."""
    if isinstance(right, tuple | list):
        fits = isinstance(wrong.yours, tuple | list) and len(wrong.yours) == len(right)
        return "" if fits else "parts"
    found, expected = numbers(wrong.yours), numbers(right)
    if expected is None:
        return ""
    if found is None:
        return "kind"
    if found.shape != expected.shape:
        return "shape"
    if not np.isfinite(found).all():
        return "infinite"
    bar = wrong.atol + wrong.rtol * np.abs(expected)
    return "values" if beyond(np.abs(found - expected), bar).any() else ""


def told(wrong: Wrong) -> str:
    """Where the answer is wrong and how far off, without what was expected."""
    if wrong.expected is None:
        return ""
    found, right = numbers(wrong.yours), real(plain(wrong.expected))
    if found is None:
        return "not numeric"
    if found.shape != right.shape:
        return f"shape {found.shape}; expected {right.shape}"
    if not np.isfinite(found).all():
        return "not finite"
    return where("", found, right, wrong.atol + wrong.rtol * np.abs(right), False, []).removeprefix(" is ")


def near(some: Wrong | None, others: Wrong | None) -> bool:
    """Whether two right answers differ by little; true where there are none."""
    a, b = (None if one is None else numbers(one.expected) for one in (some, others))
    if a is None or b is None:
        return True
    return a.shape == b.shape and bool(np.abs(a - b).max(initial=0.0) <= NEAR * max(1.0, np.abs(b).max(initial=0.0)))


def is_finite(value: Any) -> bool:
    found = numbers(value)
    return found is None or bool(np.isfinite(found).all())


def equal(some: Any, others: Any) -> bool:
    """Whether two answers are the same, up to rounding; an object is equal to any."""
    if isinstance(some, list | tuple) and isinstance(others, list | tuple):
        return len(some) == len(others) and all(map(equal, some, others))
    a, b = numbers(some), numbers(others)
    if a is None or b is None:
        return (a is None) == (b is None)
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=ALIKE, atol=ALIKE, equal_nan=True))
