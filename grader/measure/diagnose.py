"""Compares two arrays and says in one sentence which entry is wrong, by how much, and the likely cause.

It names a cause only if the numbers prove it: an array is called transposed only if it equals the transpose. Without
`reveal`, the sentence contains only the student's own value and an order of magnitude, never the expected value.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grader.errors import NotImplementedYet
from grader.measure import numeric

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

SAME = 1e-7  # relative error below which two arrays count as equal when looking for a cause; not used for grading
NEARER = 0.01  # how far from a mistake's numbers an answer may be, by how far it is from the right ones
SIX_DIGITS = "right to six digits"  # the precision of float32
LONGEST = 60  # characters shown of a student's own value
ROUNDOFF, EXACT = 1e-14, 1e-9  # of numbers that are the same but for their last digits
ROUND = 10  # a single number may be so many times as large as it should be by a round factor
CHANCE = 1e-3  # of what would be said by accident
FAINT = 0.05  # of the median: numbers below are small beside the others
MOST_WORDS = 30  # of a sentence, where it need not be longer: what tells least is left out first
TIMES, SMALL = 100, 1_000_000  # an array with more entries than this beyond those expected is not looked into


@dataclass(frozen=True, eq=False)
class Clue:
    """A known mistake: a sentence, and the array that the mistake leads to, or a function that computes it.

    The array is NaN where the mistake tells nothing of an entry. If it leads to no one array, `holds` says whether the
    array found shows it. If it need not be the `whole` mistake, a factor may be named beside it.
    """

    sentence: str
    expected: ArrayLike | Callable[[], ArrayLike] = ()
    holds: Callable[[Array], bool] | None = None
    whole: bool = True

    def fits(self, found: Array, right: Array) -> bool:
        """Whether the mistake gives what was found, and not what is right. At least half of the entries are told."""
        if self.holds is not None:
            return self.holds(found)
        mistaken = np.asarray(self.expected() if callable(self.expected) else self.expected, dtype=np.float64)
        if mistaken.shape != found.shape:
            return False
        told = ~np.isnan(mistaken)
        if not told.all():
            if 2 * told.sum() < told.size or right.shape != found.shape:
                return False
            found, mistaken, right = found[told], mistaken[told], right[told]
        if not np.isfinite(found).all() or not np.isfinite(mistaken).all() or same(mistaken, right):
            return False
        size = float(np.abs(right).max(initial=0.0)) if right.shape == found.shape else 0.0
        zero = np.abs(mistaken).max(initial=0.0) <= ROUNDOFF * size
        if zero and (self.whole or not mistaken.ndim):  # 0 is what many mistakes give
            return False
        if right.shape == found.shape and numeric.error(found, mistaken) > NEARER * numeric.error(found, right):
            return False  # it is nearly right, and so is the mistake
        return same(found, mistaken) or numeric.error(found, mistaken) <= ROUNDOFF * size  # of what cancels out


def explain(
    name: str,
    yours: Any,
    expected: ArrayLike,
    *,
    atol: float | Array,
    rtol: float = 0.0,
    reveal: bool = False,
    factors: Mapping[str, float] | None = None,
    clues: Iterable[Clue] = (),
    unlimited: str = "",
) -> str | None:
    """What is wrong with `yours`, or None when every entry is within `atol` + `rtol` * |expected| of `expected`.

    `factors` names numbers by which an answer may be wrong ("the batch size": 64). If `yours` equals the array of a
    clue, the result contains the sentence of the first such clue. `unlimited` says why it may be NaN or infinite, where
    the input allows one reason alone. Raises NotImplementedYet if `yours` is None.
    """
    if yours is None:
        raise NotImplementedYet(f"{name} is None: not implemented yet")
    right = numeric.real(plain(expected))
    if is_much_larger(yours, right):  # nothing of it is converted, or copied
        return f"{name} has shape {plain(yours).shape}; expected {right.shape}"
    found = numbers(yours)
    if found is None:
        return f"{name} should be {wanted(right)}, not {describe(yours)}{said(known(masked(yours), right, clues))}"
    if found.shape != right.shape:
        with np.errstate(all="ignore"):
            clue = known(found, right, clues) if np.isfinite(found).all() else ""
            why = clue or reshaped(found, right, factors or {})
        return f"{name} has shape {found.shape}; expected {right.shape}{said(why)}"
    if not np.isfinite(found).all():
        with np.errstate(all="ignore"):
            return not_finite(name, found, known(found, right, clues) or unlimited)
    bar = atol + rtol * np.abs(right)
    if not beyond(np.abs(found - right), bar).any():
        return None
    with np.errstate(all="ignore"):
        first = first_that_fits(found, right, clues)
        causes = [first.sentence if first else cause(found, right, factors or {}, bar)]
        if first and not first.whole:  # "right for your forward pass, which is wrong, ratio 2"
            causes.append(next(factor(factors or {})(found, right), ""))
    return where(name, found, right, bar, reveal, [words for words in causes if words])


def beyond(off: ArrayLike, bar: ArrayLike) -> Mask:
    """Where an error is larger than its bar. An infinite one always is: so is the bar of an infinite number."""
    return np.asarray(~(np.less_equal(off, bar) & np.isfinite(off)))


def describe(value: Any) -> str:
    """A short description of any value that a student returned."""
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} of shape {value.shape}"
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float | complex):
        return f"the {'complex ' * isinstance(value, complex)}number {short(value)}"
    if isinstance(value, str | bytes):
        return f"the text {cut(repr(value[: 2 * LONGEST]))}"
    if isinstance(value, dict):
        return f"a dict of {len(value)}"
    if isinstance(value, tuple | list | set | frozenset):
        return f"a {type(value).__name__} of {len(value)}"
    own = getattr(type(value), "_described", repr)  # what a student's object says of itself is not asked
    return cut(own(value)).strip("<>")


def numbers(value: Any) -> Array | None:
    """A real scalar, array or tensor as float64; None for anything else, including bool and complex."""
    value = plain(value)
    if isinstance(value, np.ndarray | np.generic):
        return np.asarray(value, dtype=np.float64) if value.dtype.kind in "iuf" else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return np.array(float(value))
    except OverflowError:
        return np.array(math.inf)


def fitting(value: Any, shape: tuple[int, ...]) -> Array | None:
    """As `numbers`, for what has that shape; None for anything else, which is then neither converted nor copied."""
    value = plain(value)
    return None if isinstance(value, np.ndarray) and value.shape != shape else numbers(value)


def is_much_larger(value: Any, right: Array) -> bool:
    """Whether an array has so many entries that no mistake explains it."""
    value = plain(value)
    return isinstance(value, np.ndarray) and value.size > TIMES * right.size + SMALL


def plain(value: Any) -> Any:
    """A torch tensor as an array; any other value unchanged."""
    torch = sys.modules.get("torch")
    return value.detach().cpu().numpy() if torch is not None and isinstance(value, torch.Tensor) else value


def masked(value: Any) -> Array | None:
    """An array of bool as 0 and 1: students often return a mask by mistake."""
    return value.astype(np.float64) if isinstance(value, np.ndarray) and value.dtype.kind == "b" else None


def wanted(right: Array) -> str:
    return f"a numeric array of shape {right.shape}" if right.ndim else "a number"


# Where, and how far off


def where(name: str, found: Array, right: Array, bar: Array, reveal: bool, causes: Sequence[str]) -> str:
    with np.errstate(over="ignore"):
        off = np.abs(found - right)
    worst = tuple(int(at) for at in np.unravel_index(int(np.argmax(off - bar)), off.shape))
    mine, theirs = float(found[worst]), float(right[worst])
    place = f" at [{', '.join(map(str, worst))}]" if worst else ""
    if reveal:
        values = far = "yours {}, expected {}".format(*apart(mine, theirs))
    else:
        values = f"yours {short(mine)}"
        far = f"{values}, off by about {about(abs(mine - theirs))}"
    count = [f"{int(beyond(off, bar).sum())} of {off.size} entries"] if off.size > 1 else []
    told, why = said(", ".join([*count, *causes])), said(", ".join(causes))
    begin = f"{name} is wrong{place}: "
    shorter = [f"{begin}{far}{why}", f"{begin}{values}{why}", f"{begin}{values}{said(''.join(causes[:1]))}"]
    return short_enough([f"{begin}{far}{told}", *(shorter if causes else [])])


def short_enough(sentences: Sequence[str]) -> str:
    """The first sentence of at most MOST_WORDS words; the last where none is."""
    return next((one for one in sentences if len(one.split()) <= MOST_WORDS), sentences[-1])


def not_finite(name: str, found: Array, reason: str) -> str:
    bad = ~np.isfinite(found)
    first = tuple(int(at) for at in np.argwhere(bad)[0])
    place = f" at [{', '.join(map(str, first))}]" if first else ""
    value, hint = "infinite", "an overflow, a division by 0 or a logarithm of 0?"
    if np.isnan(found[first]):
        value, hint = "NaN", "is it 0/0, inf - inf, 0 * log(0) or log of a negative number?"
    count = f" ({int(bad.sum())} of {found.size} entries)" if found.size > 1 else ""
    return short_enough([f"{name} is {value}{place}{more}: {reason or hint}" for more in (count, "")])


def short(value: complex) -> str:
    """A number in a few characters, even an int with thousands of digits."""
    if isinstance(value, int):
        return str(value) if abs(value) < 10**20 else "beyond 1e20"
    return f"{value:.6g}"


def about(value: float) -> str:
    """A number by its first digit: 1, 0.003, 200, 1e-12."""
    return f"{float(f'{value:.0e}'):g}"


def apart(mine: float, theirs: float) -> tuple[str, str]:
    """Two numbers, with enough digits to see the difference."""
    for digits in range(4, 18):
        pair = f"{mine:.{digits}g}", f"{theirs:.{digits}g}"
        if pair[0] != pair[1]:
            break
    return pair


def cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def said(words: str) -> str:
    return f" ({words})" if words else ""


# Why. Each function below compares two finite arrays of equal shape and yields causes


def same(a: Array, b: Array) -> bool:
    """Whether each entry differs by at most SAME times its own size and the usual size of all: a few that are much
    larger say nothing of the others."""
    if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return False
    usual = min((float(np.median(np.abs(one[one != 0]))) if one.any() else 0.0) for one in (a, b))
    return bool((np.abs(a - b) <= SAME * (np.maximum(np.abs(a), np.abs(b)) + usual)).all())


def known(found: Array | None, right: Array, clues: Iterable[Clue]) -> str:
    """The sentence of the first clue that fits, or ""."""
    clue = first_that_fits(found, right, clues) if found is not None else None
    return clue.sentence if clue else ""


def first_that_fits(found: Array, right: Array, clues: Iterable[Clue]) -> Clue | None:
    """A clue that also fits the right answer is ignored."""
    return next((clue for clue in clues if clue.fits(found, right)), None)


def reshaped(found: Array, right: Array, factors: Mapping[str, float]) -> str:
    """What is wrong with the shape: it is transposed, has too many or too few axes, or rows were not added up."""
    if found.shape == right.shape[::-1] and right.ndim == 2:
        return "it is the transpose" if same(found.T, right) else "rows and columns are exchanged"
    if found.size == right.size:
        exact = same(found.reshape(right.shape), right)
        if found.shape == (1, *right.shape):
            return "the numbers are right; is keepdims=True to blame?" if exact else "is keepdims=True to blame?"
        return "the numbers are right" if exact else ""
    if right.ndim and not found.ndim:
        for words, reduce in (("sum", np.sum), ("mean", np.mean)):
            if right.any() and same(found, np.asarray(reduce(right))):
                return f"it is the {words} of all entries: is axis=0 missing?"
        return "one number instead of an array"
    if right.ndim and found.shape == right.shape[1:]:
        for words, reduce in (("was summed away", np.sum), ("was averaged away", np.mean)):
            if same(found, np.asarray(reduce(right, axis=0))):
                return f"the first axis {words}"
        return "the first axis is missing"
    for axis in range(found.ndim if found.size and right.any() else 0):
        for words, reduce in (("sum", np.sum), ("mean", np.mean)):
            total = np.asarray(reduce(found, axis=axis if right.ndim else None), dtype=np.float64)
            if same(total, right):
                return f"its {words} over {f'axis {axis}' if right.ndim else 'all entries'} is right"
    if found.ndim and not right.ndim:
        return "one number is expected for the whole batch" if "the batch size" in factors else "one number is expected"
    return ""


def cause(found: Array, right: Array, factors: Mapping[str, float], bar: Array) -> str:
    """The first cause that the numbers prove, or "". An entry is wrong where it is off by more than `bar`."""
    if not found.any():
        return "every entry is 0" if found.ndim else "it is 0"
    if found.ndim and np.abs(found).max() <= ROUNDOFF * np.abs(right).max():
        return "every entry is 0, but for rounding"
    wrong = beyond(np.abs(found - right), bar)
    if not found[wrong].any():  # float32 and a small constant make no zeros
        for place in (faint, zeros):
            if words := next(place(found, right, wrong), ""):
                return words
    others = () if same(found, right) else (sign, factor(factors), arranged, summed)  # of what is wrong by more
    for question in (whole, decimals, rounding, *others):
        if words := next(question(found, right), ""):
            return words
    for place in (limited, zeros, partly):
        if words := next(place(found, right, wrong), ""):
            return words
    return next(offset(found, right), "") or next(approximation(found, right), "")


def whole(found: Array, right: Array) -> Iterator[str]:
    if not integral(found) or integral(right):
        return
    if np.count_nonzero(right != np.round(right)) > 1 and numeric.error(found, right) <= 1:
        yield "only whole numbers: are these integers, or is // in use?"
    elif found.size == 1 and found.flat[0] == np.trunc(right.flat[0]):
        yield "it is cut to whole numbers: is it made an int, or is // in use?"


def coarseness(values: Array) -> str:
    """What keeps numbers that should all be exact to few digits, or ""."""
    if integral(values):
        return "it is cut to whole numbers"
    if np.array_equal(values, values.astype(np.float32).astype(np.float64)):
        return "is float32 in use?"
    places = next((n for n in range(1, 9) if np.array_equal(values, np.round(values, n))), 0)
    return f"it is rounded to {places} decimals" if places else ""


def decimals(found: Array, right: Array) -> Iterator[str]:
    """Rounded: each entry has few decimals, and is as near to the right one as they allow."""
    for places in range(1, 6):
        exact = np.array_equal(found, np.round(found, places)) and not integral(found)
        if exact and numeric.error(found, right) <= 0.5001 * 10.0**-places and (places > 1 or found.size > 1):
            yield f"it is rounded to {places} decimals"


def integral(values: Array) -> bool:
    return bool(np.array_equal(values, np.round(values)))


def is_share(values: Array) -> bool:
    """One number between 0 and 1 that is a share of few, such as an accuracy: any two of these have a plain ratio."""
    counts = values.flat[0] * np.arange(2, 101)
    return bool(np.ptp(values) == 0 and 0 < values.flat[0] < 1 and np.isclose(counts, np.round(counts), 1e-12).any())


def sign(found: Array, right: Array) -> Iterator[str]:
    if same(found, -right):
        yield "the sign is wrong"
    elif same(found, np.abs(right)):
        yield "the signs are lost: it is the absolute value"
    elif same(np.abs(found), np.abs(right)):
        yield "some signs are wrong"


def factor(factors: Mapping[str, float]) -> Callable[[Array, Array], Iterator[str]]:
    def question(found: Array, right: Array) -> Iterator[str]:
        ratio = proportion(found, right)
        classes = integral(right) and not right.all() and len(np.unique(right)) == 2  # of which any two have a ratio
        if ratio is None or classes or (is_share(found) and is_share(right)):
            return
        minus = ", and the sign is wrong" if ratio < 0 else ""
        size = abs(ratio)
        for words, value in named(factors):
            if math.isclose(size, value, rel_tol=SAME):
                yield words + minus
        if found.size == 1 and math.isclose(size, round(size, 1), rel_tol=EXACT) and size != 1 and size < ROUND:
            yield f"about {size:.2g} times what is expected{minus}"
        pair = found.size == 2 and same(right, -right[..., ::-1])  # any two such pairs have a ratio
        if np.count_nonzero(right) > 1 and not pair and not math.isclose(size, 1, rel_tol=SAME):
            if f"{size:.2g}" == "1":  # more digits would tell what is expected
                yield f"all a little too {'large' if size > 1 else 'small'}, by one factor{minus}"
            yield f"all about {size:.2g} times what is expected{minus}"

    return question


def proportion(found: Array, right: Array) -> float | None:
    """The number c with found = c * right in every entry, or None."""
    at = np.unravel_index(int(np.argmax(np.abs(right))), right.shape)
    if right[at] == 0:
        return None
    ratio = float(found[at] / right[at])
    return ratio if math.isfinite(ratio) and ratio != 0 and same(found, ratio * right) else None


def named(factors: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """Sentences and factors: first those of the check, then common ones."""
    for name, value in factors.items():
        if value > 0 and value != 1:
            hint = "is 1/N missing?" if "batch" in name else "is it multiplied by that once too often?"
            yield f"ratio {value:g} = {name}: {hint}", value
            hint = f"is a factor {name} missing?"
            if "batch" in name:
                hint = f"is it divided by {name} once too often?"
            elif "number" in name:
                hint = "is it a mean, not a sum?"
            yield f"ratio 1/{value:g}: {hint}", 1 / value
            yield f"ratio {value**2:g}, the square of {name}", value**2
    yield "ratio 2: is it counted twice, or is a factor 1/2 missing?", 2.0
    yield "ratio 1/2: is a factor 2 missing?", 0.5
    yield "ratio 1/ln 10: log10 is used instead of the natural logarithm", 1 / math.log(10)
    yield "ratio 1/ln 2: log2 is used instead of the natural logarithm", 1 / math.log(2)


def arranged(found: Array, right: Array) -> Iterator[str]:
    if found.ndim == 2 and found.shape[0] == found.shape[1] and same(found, right.T):
        yield "it is the transpose"
    if found.size > 1 and same(np.sort(found, axis=None), np.sort(right, axis=None)):
        yield "the right numbers in the wrong places"


def summed(found: Array, right: Array) -> Iterator[str]:
    for axis in range(found.ndim if found.ndim > 1 else 0):
        for words, reduce in (("sum", np.sum), ("mean", np.mean)):
            if right.shape[axis] > 1 and same(found, reduce(right, axis=axis, keepdims=True) + np.zeros_like(right)):
                yield f"each entry is the {words} over axis {axis}"


def offset(found: Array, right: Array) -> Iterator[str]:
    if found.size < 2:
        return
    apart = found - right
    if same(apart, np.full_like(apart, apart.flat[0])):
        yield "every entry is off by the same amount"
    elif found.ndim == 2 and found.shape[0] > 1 and same(apart, np.broadcast_to(apart[:1], apart.shape)):
        yield "every row is off by the same vector: is a bias missing, or added twice?"
    elif found.ndim == 2 and found.shape[1] > 1 and same(apart, np.broadcast_to(apart[:, :1], apart.shape)):
        yield "every column is off by the same vector"


def limited(found: Array, right: Array, wrong: Mask) -> Iterator[str]:
    """Cut at a round number: no array is that by chance. A single small number may be."""
    limit = float(np.abs(found).max(initial=0.0))
    if not wrong.any() or integral(right) or limit == 0 or limit != round(limit, 2):
        return
    if right.size == 1 and (limit < 5 or limit != round(limit)):
        return
    cut = (np.abs(found[wrong]) == limit) & (np.abs(right[wrong]) > limit) & (found[wrong] * right[wrong] > 0)
    if cut.all():
        yield f"no number is beyond {limit:g}: are they cut there?"


def faint(found: Array, right: Array, wrong: Mask) -> Iterator[str]:
    """0 where the right numbers are the smallest of all: far below most, or so many that it is no chance."""
    if 2 * wrong.sum() > wrong.size or not wrong.any() or found[wrong].any():
        return
    most, usual = float(np.abs(right[wrong]).max()), np.abs(right[~wrong])
    usual = usual[usual > 0]
    if not 0 < most < float(usual.min(initial=np.inf)) or not usual.size:
        return
    chance = 1 / math.comb(usual.size + int(wrong.sum()), usual.size)
    if most < FAINT * float(np.median(usual)) or chance < CHANCE:
        yield "only the smallest numbers are 0: is there a threshold above 0?"


def zeros(found: Array, right: Array, wrong: Mask) -> Iterator[str]:
    if wrong.all() or not wrong.any():
        return
    if not right[wrong].any() and not (right.any() and integral(right)):  # labels have no mask
        other = found[wrong]
        if other.size > 2 and (other == other[0]).all():
            yield f"it is {short(float(other[0]))} where it should be 0"
        yield "wrong only where it should be 0: is a mask missing?"
    elif not found[wrong].any():
        yield "it is wrongly 0 there, and right elsewhere"


def partly(found: Array, right: Array, wrong: Mask) -> Iterator[str]:
    """One wrong entry, row or column in an array that is right elsewhere."""
    if wrong.all() or not wrong.any():
        return
    if wrong.sum() == 1:
        yield "all others are right"
    elif wrong.ndim == 2:
        for axis, line in ((1, "row"), (0, "column")):
            lines = np.flatnonzero(wrong.any(axis=axis))
            if len(lines) == 1 and wrong.shape[1 - axis] > 1:
                yield f"only {line} {lines[0]} is wrong"
            elif 0 not in lines and len(lines) == wrong.shape[1 - axis] - 1:
                yield f"only {line} 0 is right"
    elif wrong.ndim == 1 and wrong[np.flatnonzero(wrong)[0] :].all():
        yield f"right before entry {np.flatnonzero(wrong)[0]}"
    apart = (found - right)[wrong]
    if wrong.sum() > 2 and not integral(right) and same(apart, np.full_like(apart, apart[0])):
        yield "each wrong entry is off by the same amount"


def rounding(found: Array, right: Array) -> Iterator[str]:
    largest = float(np.abs(right).max(initial=0.0))
    if largest and 1e-10 <= numeric.error(found, right) / largest <= 1e-6:  # float32 never comes nearer
        yield f"{SIX_DIGITS}: float32, or a small constant added?"


def approximation(found: Array, right: Array) -> Iterator[str]:
    sizes = np.abs(right[right != 0])
    if sizes.size and numeric.error(found, right) <= min(1e-3 * float(sizes.max()), FAINT * float(np.median(sizes))):
        yield "nearly right: an approximation, or a small constant added?"
