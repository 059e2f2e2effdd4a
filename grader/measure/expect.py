"""Functions with which a check tests an answer. Each adds a Measure to `hw`; if the answer is wrong, it raises.

`hw` is the argument that every check gets: the student's modules, the reference and the item's numbers.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from grader.errors import Mismatch, NotImplementedYet, StudentError, Unrecorded, Wrong
from grader.measure import numeric
from grader.measure.diagnose import (
    Clue,
    beyond,
    describe,
    explain,
    fitting,
    integral,
    numbers,
    plain,
    same,
    short_enough,
)
from grader.measure.differing import described, differing
from grader.model import Measure

Array = NDArray[np.float64]
TOLD = 36  # entries of an array; mistakes in larger ones are not recorded, because they show in smaller ones first
MORE = "your course's grader may say more about the cause"
ANOTHER = "asked again, it differs: is it random, or an earlier call's?"
MOST_PLACES = 1000  # differing places that are counted
AGAIN = 2  # how often a question is asked again
ROUNDS = 5  # repetitions of a measurement of time or memory


class Spent(Protocol):
    """The cost of a call: CPU seconds, and peak memory in bytes."""

    @property
    def cpu(self) -> float: ...

    @property
    def peak(self) -> int: ...


class Subject(Protocol):
    """The part of `hw` that this module uses; grader.check has the full class."""

    recording: bool
    reference: Any

    @property
    def tolerance(self) -> float: ...

    def ask_once(self, key: bytes, make: Callable[[], Array]) -> Array: ...

    def measure(self, measure: Measure) -> None: ...

    def advise(self, sentence: str) -> None: ...

    def cost(self, call: Callable[[], Any]) -> Spent: ...


def expect_close(
    hw: Subject,
    name: str,
    yours: Any,
    expected: Any,
    *,
    atol: float | None = None,
    rtol: float | None = None,
    reveal: bool = False,
    factors: Mapping[str, float] | None = None,
    clues: Iterable[Clue] = (),
    unlimited: str = "",
    part: tuple[int, ...] = (),
) -> None:
    """Require that `yours` has the shape of `expected` and that every entry is within `atol` of it.

    `atol` is an absolute error, by default the item's tolerance; it does not depend on the size of an array. With
    `rtol`, the allowed error of an entry is `atol` (0 by default) plus `rtol` times the expected magnitude. Complex
    numbers are compared by their real and imaginary parts. If `expected` is a list, `yours` may be one, too. Raises
    Mismatch with the likely cause, NotImplementedYet for None.

    For the message: `reveal` shows the expected value, `factors` and `clues` are known causes, and `unlimited` says why
    an answer is not finite. `part` is the place in an answer from which `yours` was taken.
    """
    if is_stub(yours):
        raise NotImplementedYet(f"{name} is None: not implemented yet")
    given, yours = yours, listed(yours, expected)
    bar = atol if atol is not None else hw.tolerance if rtol is None else 0.0
    if np.iscomplexobj(expected := plain(expected)):
        _expect_complex(hw, name, yours, np.asarray(expected), bar, rtol or 0.0, reveal)
        return
    right = numeric.real(expected)
    off, allowed = _off(yours, right), bar if rtol is None else bar + rtol * np.abs(right)
    if rtol is None:
        hw.measure(Measure(name, _largest(off), bar))
    else:  # in units of the allowed error of each entry
        hw.measure(Measure(name, _share(off, allowed), 1.0))
    if off is not None and not beyond(off, allowed).any():
        return
    sentence = explain(
        name,
        yours,
        expected,
        atol=bar,
        rtol=rtol or 0.0,
        reveal=reveal,
        factors=factors,
        clues=clues,
        unlimited=unlimited,
    )
    assert sentence is not None
    raise wrong(sentence, Wrong(given, expected, bar, rtol or 0.0, part))


def listed(yours: Any, expected: Any) -> Any:
    """Lists of numbers as an array if a list is expected; any other answer unchanged."""
    if not (isinstance(expected, list | tuple) and isinstance(yours, list | tuple) and all(map(is_listed, yours))):
        return yours
    try:
        found = np.array(yours)
    except ValueError:  # lists of different lengths
        return yours
    return found if found.dtype.kind in "iufc" else yours


def is_listed(value: Any) -> bool:
    """Whether a value is a number, an array of numbers, or a list of these."""
    if isinstance(value, list | tuple):
        return all(map(is_listed, value))
    return isinstance(value, complex) or numbers(value) is not None


def _expect_complex(hw: Subject, name: str, yours: Any, right: Any, atol: float, rtol: float, reveal: bool) -> None:
    """`expect_close` for complex numbers. The allowed error of a part is relative to the magnitude of the number."""
    allowed = atol + rtol * np.abs(right)
    for which, own, wanted in _in_parts(plain(yours), right):
        part = f"the {which} part of {name}"
        sentence = explain(part, own, wanted, atol=allowed, reveal=reveal)
        hw.measure(Measure(part, _share(_off(own, wanted), allowed), 1.0))
        if sentence is not None:
            raise Mismatch(sentence)


def _in_parts(found: Any, right: Any) -> Iterator[tuple[str, Any, Array]]:
    """The name of each part of a complex number, what was found of it, and what is right."""
    for which, take in (("real", np.real), ("imaginary", np.imag)):
        own = take(found) if isinstance(found, complex | np.ndarray) else found
        if which == "imaginary" and own is found:
            own = np.zeros_like(right.real)  # of a real number
        yield which, own, take(right)


def expect_equal(hw: Subject, name: str, yours: Any, expected: Any, *, reveal: bool = False) -> None:
    """Require that `yours` is what Python calls equal to `expected`: texts, whole numbers, lists, dicts, sets, arrays.

    Arrays must have the same shape, and a list is no tuple. The message says where they differ first, and with `reveal`
    what was expected. Raises Mismatch; NotImplementedYet for None.
    """
    places = list(islice(differing(yours, expected, ""), MOST_PLACES))
    hw.measure(Measure(f"{name}: places that differ", len(places), 1.0))
    if places and is_stub(yours):
        raise NotImplementedYet(f"{name} is None: not implemented yet")
    if places:
        place, said, right = places[0]
        told = f", expected {right}" if reveal else ""
        raise wrong(f"{name}{place} {said}{told}", Wrong(yours))


def expect_raises(hw: Subject, name: str, call: Callable[[], Any], error: Any) -> None:
    """Require that `call` raises `error`, or a subclass of it, in the student's code.

    `error` is a class of Python's or of a package, or one of the student's own: `hw.work.Empty`, or its name as text.
    Raises Mismatch. A time limit and a file that cannot be imported do not count, and are raised as always.
    """
    wanted = error if isinstance(error, str) else error.__name__
    try:
        value = call()
    except StudentError as found:
        if not found.kinds:
            raise
        right = any(_names(kind, error) for kind in found.kinds)
        hw.measure(Measure(f"{name}: another exception", float(not right), 1.0))
        if not right:
            raise Mismatch(f"{name} must raise {wanted}; instead, {found.message}", where=found.where) from None
        return
    hw.measure(Measure(f"{name}: no exception", 1.0, 1.0))
    raise wrong(f"{name} must raise {wanted}, but gave {described(value)}", Wrong(value))


def _names(kind: str, error: Any) -> bool:
    """Whether the name of a class, as the student's process tells it, is that of an exception."""
    if not isinstance(error, type):
        name = error if isinstance(error, str) else error.__name__
        return kind == name or kind.endswith(f".{name}")
    return kind == (
        error.__qualname__ if error.__module__ == "builtins" else f"{error.__module__}.{error.__qualname__}"
    )


def expect_relative(hw: Subject, name: str, yours: Any, expected: Any, *, bar: float, least: float = 1e-8) -> None:
    """Require that max |yours - expected| / max(least, |yours| + |expected|) is below `bar`.

    This is the relative error of CS231n's assignments (http://cs231n.github.io/neural-networks-3/#gradcheck). Raises as
    `expect_close`.
    """
    if is_stub(yours):
        raise NotImplementedYet(f"{name} is None: not implemented yet")
    right, given, yours = numeric.real(plain(expected)), yours, listed(yours, expected)
    found = fitting(yours, right.shape)
    if found is None or found.shape != right.shape or not np.isfinite(found).all():
        raise wrong(str(explain(name, yours, right, atol=bar)), Wrong(given, right, rtol=bar))
    sizes = np.maximum(least, np.abs(found) + np.abs(right))
    error = float((np.abs(found - right) / sizes).max(initial=0.0))
    hw.measure(Measure(name, error, bar))
    if told := explain(name, yours, right, atol=bar * sizes):
        sentence = short_enough([f"{told}; its relative error is {error:.1e}, not below {bar:g}", told])
        raise wrong(sentence, Wrong(given, right, rtol=bar))


def expect_one_of(hw: Subject, name: str, yours: Any, options: Sequence[Any], **bars: Any) -> None:
    """Require that `yours` is close to one of several right answers.

    It is compared with the nearest one by `expect_close`, which gets `bars`. Raises as `expect_close`.
    """

    def distance(option: Any) -> float:
        right, found = np.asarray(plain(option)), listed(yours, option)
        if not np.iscomplexobj(right):
            return _largest(_off(found, numeric.real(right)))
        return max(_largest(_off(own, wanted)) for _, own, wanted in _in_parts(plain(found), right))

    expect_close(hw, name, yours, min(options, key=distance), **bars)


def expect_faster(
    hw: Subject, name: str, fast: Callable[[], Any], slow: Callable[[], Any], *, ratio: float, seconds: float = 0.05
) -> None:
    """Require that `slow` takes at least `ratio` times the CPU time of `fast`. Both are measured ROUNDS times, in turn.

    Calls are repeated until a measurement takes `seconds` of CPU time, because the clock is too coarse for less. The
    smallest time of each counts, because other programs can only add time. Raises Mismatch; Skipped if the system
    cannot measure the CPU time of one call.
    """
    if is_stub(fast()):
        raise NotImplementedYet(f"{name} returned None: not implemented yet")
    quick, long = (_repeated(hw, call, seconds) for call in (fast, slow))
    measured = [(quick(), long()) for _ in range(ROUNDS)]
    found = min(cpu for _, cpu in measured) / max(min(cpu for cpu, _ in measured), 1e-9)
    hw.measure(Measure(name, found, ratio, at_least=True))
    if found < ratio:
        raise Mismatch(
            f"{name} is {found:.3g} times as fast as the loop it is compared with; it must be {ratio:g} times"
        )


def expect_smaller(hw: Subject, name: str, call: Callable[[], Any], *, most: int) -> None:
    """Require that `call` adds at most `most` bytes to the memory of the student's process.

    The smallest of ROUNDS measurements counts. What was freed may stay with the process, so right work can need as much
    as all its parts together: set `most` well above that. Raises Mismatch; Skipped if the system cannot measure the
    memory of one call.
    """
    if is_stub(call()):  # this call also makes allocations that happen only once
        raise NotImplementedYet(f"{name} returned None: not implemented yet")
    peak = min(hw.cost(call).peak for _ in range(ROUNDS))
    hw.measure(Measure(name, peak, most))
    if peak > most:
        raise Mismatch(
            f"{name} needs {peak / (1 << 20):.3g} MiB more memory; at most {most / (1 << 20):.3g} are allowed"
        )


def expect_gradient(
    hw: Subject,
    name: str,
    yours: Any,
    f: Callable[[Array], Any],
    *,
    at: Array,
    upstream: Array | None = None,
    atol: float | None = None,
    rtol: float | None = None,
    own: Callable[[Sequence[Array]], Sequence[Any]] | None = None,
    of: Sequence[Any] = (),
    trusted: Callable[[], Array] | None = None,
    h: float = 1e-3,
    factors: Mapping[str, float] | None = None,
    clues: Iterable[Clue] = (),
) -> None:
    """Require that `yours` is the gradient of sum(f(x) * upstream) at `at`; without `upstream`, f returns a scalar.

    `f` is the reference's forward pass, so a wrong forward pass with a matching backward pass earns nothing. `own`
    computes the student's forward pass at many points; it is called only after a mismatch, so that the message can say
    that the two agree. `h` is the difference step: smaller for a steep f, larger for an f that is linear in each entry.
    `of` names f and all its fixed inputs. With it, the gradient is computed once for the whole class. `trusted` gives
    the reference's own gradient: if f confirms it along one direction, it is used instead of the numeric one.
    """

    def measure() -> Array:
        told = None if trusted is None else np.array(trusted())
        if told is not None and numeric.confirms(f, at, 1.0 if upstream is None else upstream, told, h=h):
            return told
        return _gradient(f, at, upstream, h)

    expected = once(hw, ("gradient", *of, at, upstream, h), measure) if of else measure()
    bar = atol if atol is not None else hw.tolerance if rtol is None else 0.0
    allowed = bar + (rtol or 0.0) * np.abs(expected)
    if own is not None and not is_stub(yours) and not _share(_off(yours, expected), allowed) < 1:
        clues = chain(clues, _agreement(own, at, upstream, h))
    expect_close(hw, name, yours, expected, atol=bar, rtol=rtol, factors=factors, clues=clues)


def once(hw: Subject, of: Sequence[Any], compute: Callable[[], Array]) -> Array:
    """The result of `compute`, computed once in a process for each `of`.

    `of` must name everything that the result depends on. A student may choose only numbers in it: the key is made of
    their exact bytes.
    """
    key = hashlib.sha256(b"".join(map(_exactly, of))).digest()
    return hw.ask_once(key, compute)


class Mistakes:
    """What known mistakes would have given, as the reference's module `mistakes` says. It is asked only after a
    mismatch, or when answers are recorded."""

    def __init__(self, hw: Subject, name: str, args: Sequence[Any], recorded: bool) -> None:
        self.hw, self.name, self.args = hw, name, args
        if hw.recording and recorded and all(value.size <= TOLD for value in arrays_in(args)):
            list(self)

    def __iter__(self) -> Iterator[Clue]:
        try:
            told = getattr(self.hw.reference.mistakes, self.name)(*self.args)
        except Unrecorded:
            self.hw.advise(MORE)
            return
        yield from (Clue(sentence, value) for sentence, value in told)


def arrays_in(args: Iterable[Any]) -> Iterator[Array]:
    """The arrays among some arguments, and in the dicts among them, such as the parameters of a network."""
    for value in args:
        if isinstance(value, dict):
            yield from arrays_in(value.values())
        elif isinstance(value, np.ndarray):
            yield value


def mistakes(hw: Subject, name: str, *args: Any, recorded: bool = True) -> Iterable[Clue]:
    """Clues that the reference's function `mistakes.NAME` gives for these arguments: a list of (sentence, array). Those
    that are many, or seldom met, are not `recorded`: a handout says that a course's grader may tell more. The others
    are recorded when this is called, so no generator may call it: only a mismatch would start that."""
    return Mistakes(hw, name, args, recorded)


def asked_again(ask: Callable[[], Any]) -> Clue:
    """The clue that an answer changes when the same question is asked again. The student's code is asked only after a
    mismatch."""

    def moves(found: Array) -> bool:
        later = (answered(ask) for _ in range(AGAIN))
        return any(one is not None and one.shape == found.shape and differs(one, found) for one in later)

    return Clue(ANOTHER, holds=moves)


def kept_clues(ask: Callable[..., Any], **args: Any) -> list[Clue]:
    """Clues that a wrong answer of `ask(**args)` is kept from an earlier call: it changes when it is asked again, or it
    does not change with one of the arguments. The right answer has to change with each argument."""

    def stays(name: str, found: Array) -> bool:
        changed = ({**args, name: value} for value in others(args[name]))
        # Infinities, and 0, 1 and -1, which are left of rounding, stay the same for another reason.
        told = np.isfinite(found).all() and not (integral(found) and np.abs(found).max(initial=0.0) <= 1)
        return bool(told) and all(same_array(answered(partial(ask, **one)), found) for one in changed)

    clues = [asked_again(partial(ask, **args))]
    for name in (name for name, value in args.items() if others(value)):
        said = f"another {name} changes nothing: is {name} ignored, or the answer kept, or cut?"
        clues.append(Clue(said, holds=partial(stays, name)))
    return clues


def answered(ask: Callable[[], Any]) -> Array | None:
    """An answer as numbers; None for any other, or none. It may have another form than the first one had."""
    try:
        return numbers(ask())
    except (StudentError, TypeError, LookupError):
        return None


def differs(one: Array, other: Array) -> bool:
    """Whether two answers are not the same numbers. NaN is the same as NaN."""
    finite = np.isfinite(one) & np.isfinite(other)
    rest = np.array_equal(one[~finite], other[~finite], equal_nan=True)
    return not (rest and same(one[finite], other[finite]))


def same_array(one: Array | None, other: Array) -> bool:
    return one is not None and np.array_equal(one, other)


def others(value: Any) -> Sequence[Any]:
    """Two other values of an argument, a larger and a smaller one: an answer that is cut at a limit stays the same for
    one of them. Empty for an argument that is neither a float nor an array of floats."""
    if isinstance(value, float):
        return 1.5 * value + 0.5, 0.01 * value + 0.001
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return 0.5 - value * 1.5, 0.001 - value * 0.01
    return ()


def expect_accuracy(hw: Subject, name: str, value: Any, bar: float) -> None:
    """Require that `value`, a fraction in [0, 1], is at least `bar`."""
    if value is None:
        raise NotImplementedYet(f"{name} is None: not implemented yet")
    if not is_number(value) or not 0 <= as_float(value) <= 1:
        raise Mismatch(f"{name} should be a fraction between 0 and 1, but it is {describe(value)}")
    hw.measure(Measure(name, float(value), bar, at_least=True))
    if float(value) < bar:
        raise Mismatch(f"{name} is {float(value):.2%}; at least {bar:.0%} is required")


def unpack(function: str, value: Any, names: Sequence[str]) -> tuple[Any, ...]:
    """`value` as a tuple with one element per name. A vector of as many numbers is taken for one, as Python does.

    Raises NotImplementedYet for the stub's None and for a tuple of only None, Mismatch for any other shape.
    """
    promised = f"({', '.join(names)}{',' if len(names) == 1 else ''})"
    if is_stub(value):
        raise NotImplementedYet(f"{function} returned None: not implemented yet")
    if not isinstance(value, tuple | list) and not (isinstance(value, np.ndarray) and value.shape == (len(names),)):
        raise wrong(f"{function} returned {_kind(value)}; expected {promised}", Wrong(value))
    if len(value) != len(names):
        count = f"{len(value)} value{'' if len(value) == 1 else 's'}"
        raise wrong(f"{function} returned a tuple of {count}; expected {len(names)}: {promised}", Wrong(value))
    return tuple(value)


def gather(name: str, values: Sequence[Any]) -> Array:
    """The results of several calls, one number each, as a vector of shape (calls,)."""
    found = []
    for i, value in enumerate(values):
        if value is None:
            raise NotImplementedYet(f"{name} is None: not implemented yet")
        if type(value) is not float and not is_number(value):
            raise wrong(f"{name} should be one number, but call {i} gave {_kind(value)}", Wrong(value))
        found.append(value if type(value) is float else as_float(value))
    return np.array(found, dtype=np.float64)


def wrong(sentence: str, answer: Wrong) -> Mismatch:
    """The Mismatch that says so, and holds the answer."""
    error = Mismatch(sentence)
    error.wrong = answer
    return error


def is_stub(value: Any) -> bool:
    """Whether `value` comes from unfinished work: None, or a tuple, list or dict of only None."""
    if isinstance(value, dict):
        value = list(value.values())
    return value is None or (isinstance(value, tuple | list) and bool(value) and all(part is None for part in value))


def is_number(value: Any) -> bool:
    """Whether `value` is a real scalar: a Python or numpy number, or a 0-d array."""
    found = fitting(value, ())
    return found is not None and found.shape == ()


def as_float(value: Any) -> float:
    """A real scalar as float; an int that float64 cannot hold becomes infinite."""
    found = numbers(value)
    return float("nan") if found is None else float(found)


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"a single array of shape {value.shape}"
    return "a single number" if is_number(value) else str(describe(value))


def _off(yours: Any, right: Array) -> Array | None:
    """The absolute error of each entry; None for a wrong type or shape, and where an entry is not finite."""
    found = fitting(yours, right.shape)
    if found is None or found.shape != right.shape or not np.isfinite(found).all():
        return None
    with np.errstate(over="ignore"):
        return np.abs(found - right)


def _largest(off: Array | None) -> float:
    """The largest of these errors; infinite where there are none to tell."""
    return math.inf if off is None else float(off.max(initial=0.0))


def _share(off: Array | None, allowed: float | Array) -> float:
    """The largest error, as a fraction of the error that its entry allows; infinite as in `_largest`."""
    return _largest(None if off is None else off / np.maximum(allowed, 1e-300))


def _repeated(hw: Subject, call: Callable[[], Any], seconds: float) -> Callable[[], float]:
    """A function that measures the CPU seconds of one `call`, averaged over enough calls to take `seconds`."""

    def spent(times: int) -> float:
        return hw.cost(lambda: [call() for _ in range(times)]).cpu

    times = 1
    while times < 1 << 16 and (cpu := spent(times)) < seconds:
        times = max(2 * times, min(10 * times, int(times * seconds / max(cpu, 1e-6))))
    return lambda: spent(times) / times


def _gradient(f: Callable[[Array], Any], at: Array, upstream: Array | None, h: float) -> Array:
    if upstream is None:
        return numeric.gradient(lambda x: float(f(x)), at, h=h)
    return numeric.backward(f, at, upstream, h=h)


def _exactly(value: Any) -> bytes:
    if isinstance(value, np.ndarray):
        return f"{value.dtype.str} {value.shape} ".encode() + value.tobytes()
    return f"{value!r} ".encode()


def _agreement(
    own: Callable[[Sequence[Array]], Sequence[Any]], at: Array, upstream: Array | None, h: float
) -> Iterator[Clue]:
    """The clue that a gradient is right for the student's own forward pass; none if that pass cannot be measured. The
    student's code is asked only if no other clue fits."""
    weights = np.array(1.0) if upstream is None else upstream
    try:
        found = [numbers(out) for out in own(numeric.around(at, h=h))]
    except StudentError:
        return  # the forward pass has a check of its own
    outputs = [out for out in found if out is not None and out.shape == weights.shape]
    if len(outputs) == len(found):
        gradient = numeric.slope(outputs, at.shape, weights, h=h)
        yield Clue("right for your forward pass, which is wrong", gradient, whole=False)
