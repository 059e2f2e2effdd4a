"""Task 1: scalar computational graphs. f1 and f2 are optional, f3 is graded, f4 is the student's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.check import Subject, check
from grader.errors import Mismatch, NotImplementedYet, Raised, Undecided
from grader.measure import numeric
from grader.measure.diagnose import Clue, coarseness
from grader.measure.expect import ANOTHER, answered, asked_again, expect_close, gather, mistakes, once, unpack

from .differences import asks_of_differences
from .recorded import read_once

Array = NDArray[np.float64]

F1 = ("x1", "w1", "x2", "w2", "b", "y")
POINTS, SMALL, WHOLE = 15, 3, 6
FAR = (6, 8), (15, 16), (101, 130)  # a probability is below 0.01, or below 1e-6, and not yet 0; beyond any limit
BEHIND = 8  # how far the score of y may lie below the other: 1e-12 that keeps log(p) or 1 / p finite does not show yet
WATCHED = 3  # points at which a call is watched for finite differences, which it has to show at each
F4_POINTS = 3
MOST_INPUTS = 64  # of f4; its points and what may be wrong with it grow with the square of their number
SHARED = "all gradients are wrong by one ratio at each point: is a factor wrong at the end?"
SHARED_RATIO = 1e-6
INSTEAD = "stood in the place of"  # words of graph_mistakes.py
F1_FAR = ((51, 53),)  # f1 is a square, and its bar is absolute: digits are lost beyond
RECORDED = "backprop-data.pkl"
ALL_THE_SAME = Clue(
    "all are the same: are inputs ignored, or is an earlier call's kept?",
    holds=lambda found: bool(found.any() and found.size > 2 and (found == found[0]).all()),
)


@check("1.1", "functions.f3")
def f3_forward_recorded(hw: Subject, rng: np.random.Generator) -> None:
    """f3 returns the recorded outputs of backprop-data.pkl."""
    for y in (1, 2):
        recorded = read_once(hw.fixtures / RECORDED)[f"f3 (y={y})"]
        calls = [(*point, y) for point in recorded["inputs"]]
        yours = outputs(hw.functions.f3, "f3", calls)
        name = f"L of f3 on backprop-data.pkl['f3 (y={y})']"
        clues = output_clues(hw, "f3", calls)
        expect_close(hw, name, yours, np.array(recorded["outputs"]), reveal=True, clues=clues, part=(0,))
        # The file is public, so a table of its outputs would pass without this second comparison.
        expect_outputs(hw, "f3", scored(points(rng, 2), y), f"L of f3 with y={y} on new inputs")


@check("1.1", "functions.f3")
def f3_forward_fresh(hw: Subject, rng: np.random.Generator) -> None:
    """f3 returns the right loss for new inputs, with y = 1 and y = 2."""
    at = points(rng, 2)  # the same for both, because an answer may not be kept by s1 and s2 alone
    for y in (1, 2):
        expect_outputs(hw, "f3", scored(at, y), f"L of f3 with y={y}")


@check("1.1", "functions.f3")
@partial(asks_of_differences, times=WATCHED)
def f3_gradient_y1(hw: Subject, rng: np.random.Generator) -> None:
    """The backward pass of f3 returns the gradients with respect to s1 and s2 when y = 1."""
    expect_gradients(hw, "f3", [point[:2] for point in scored(points(rng, 2), 1)], ("s1", "s2"), fixed=(1,))


@check("1.1", "functions.f3")
@partial(asks_of_differences, times=WATCHED)
def f3_gradient_y2(hw: Subject, rng: np.random.Generator) -> None:
    """The backward pass of f3 returns the gradients with respect to s1 and s2 when y = 2."""
    expect_gradients(hw, "f3", [point[:2] for point in scored(points(rng, 2), 2)], ("s1", "s2"), fixed=(2,))


@check("1.2", "functions.f1")
def f1_forward(hw: Subject, rng: np.random.Generator) -> None:
    """f1 returns the right output for recorded and new inputs."""
    expect_recorded(hw, "f1", atol=hw.settings["tolerance_f1"])
    expect_outputs(hw, "f1", points(rng, len(F1), far=F1_FAR), "L of f1", atol=hw.settings["tolerance_f1"])


@check("1.2", "functions.f1")
@partial(asks_of_differences, times=WATCHED)
def f1_gradient(hw: Subject, rng: np.random.Generator) -> None:
    """The backward pass of f1 returns the gradients with respect to all six inputs."""
    # f1 is a square, so a difference is exact with any step, and a long one keeps the digits of large values.
    expect_gradients(hw, "f1", points(rng, len(F1), far=F1_FAR), F1, atol=hw.settings["tolerance_f1"], h=2.0)


@check("1.2", "functions.f2")
def f2_forward(hw: Subject, rng: np.random.Generator) -> None:
    """f2 returns the right output for recorded and new inputs."""
    expect_recorded(hw, "f2")
    expect_outputs(hw, "f2", points(rng, 1), "y of f2")


@check("1.2", "functions.f2")
@partial(asks_of_differences, times=WATCHED)
def f2_gradient(hw: Subject, rng: np.random.Generator) -> None:
    """The backward pass of f2 returns the gradient with respect to x."""
    expect_gradients(hw, "f2", points(rng, 1), ("x",))


@check("1.2", "functions.f4")
def f4_gradient(hw: Subject, rng: np.random.Generator) -> None:
    """The backward pass of f4 agrees with the numeric gradient of its own forward pass."""
    arity = own_arity(hw.functions.f4)
    drawn = [smooth_point(hw.functions.f4, rng, arity) for _ in range(F4_POINTS)]
    at, expected = (np.array([point[part] for point in drawn]) for part in range(2))
    calls = [tuple(point) for point in at.tolist()]
    if not expected.any():
        whole = coarseness(outputs(hw.functions.f4, "f4", calls))
        why = f"{whole}, or are they left out?" if whole else "are they left out, or is an earlier call's answer kept?"
        raise Mismatch(f"L of f4 does not change with any of its inputs, so there is no gradient to check: {why}")
    names = [f"grad_{i + 1}" for i in range(arity)]

    def asked(i: int, some: Sequence[tuple[Any, ...]]) -> Array:
        rows = backward_of("f4", hw.functions.f4.map(some), names)
        return gather("a gradient of f4", [row[i] for row in rows])

    rows = backward_of("f4", hw.functions.f4.map(calls), names)
    yours = np.array([gather("a gradient of f4", row) for row in rows])
    for i, name in enumerate(names):
        bars = [hw.tolerance * max(1.0, float(np.abs(one).max())) + noise for _, one, noise in drawn]
        right = (np.abs(yours[:, i] - expected[:, i]) < bars).all()  # each point has its own bar
        clues = chain([again(partial(asked, i), calls)], own_clues(at, expected, yours, i))
        atol = max(bars) if right else min(bars)
        expect_close(hw, f"{name} of f4", yours[:, i], expected[:, i], atol=atol, reveal=True, clues=clues, part=(1, i))


def own_clues(at: Array, expected: Array, yours: Array, i: int) -> Iterator[Clue]:
    """What the gradient of the i-th input of one's own graph may be instead."""
    right, inputs = expected[:, i], at.T
    if not right.any():
        yield Clue(
            f"your L does not change with input {i + 1}: is it left out there?", holds=lambda found: bool(found.any())
        )
    for j in range(len(inputs)):
        if j != i:
            said = "is a factor missing, or are they exchanged?"
            yield Clue(f"it is grad_{j + 1}: {said}", expected[:, j])
        yield Clue(f"it is input {j + 1} itself: is the gradient from above left out?", inputs[j])
    for j, x in enumerate(inputs):
        for said, changed in (
            (f"is input {j + 1} left out as a factor?", right / x),
            (f"is it divided by input {j + 1}, not multiplied?", right / x**2),
            (f"is it multiplied by input {j + 1} once too often?", right * x),
            (f"is it multiplied by input {j + 1}, not divided?", right * x**2),
        ):
            yield Clue(said, changed)
            yield Clue(f"{said} The sign is wrong, too", -changed)
        for k, another in enumerate(inputs):
            if k != j:
                yield Clue(f"as if input {k + 1} stood in the place of input {j + 1}", right / x * another)
    yield ALL_THE_SAME
    yield Clue(SHARED, holds=lambda found: is_shared(yours, expected))


def is_shared(yours: Array, expected: Array) -> bool:
    """Whether at each point all gradients, of two inputs at least, are wrong by one ratio. Where it is the same at all
    points, it has a name of its own."""
    if expected.shape[1] < 2 or not np.isfinite(yours).all() or not expected.all():
        return False
    ratios = yours / expected
    alike = np.allclose(ratios, ratios[:, :1], rtol=SHARED_RATIO)
    return bool(alike and yours.any() and not np.allclose(ratios[:, 0], ratios[0, 0], rtol=SHARED_RATIO))


def points(
    rng: np.random.Generator, arity: int, *, far: Sequence[tuple[float, float]] = FAR
) -> list[tuple[float, ...]]:
    """POINTS points of `arity` floats in (-1, 1), where all graphs and their gradients are of order 1, and some more.

    The others lie near 0, or are whole numbers, one of them all 0 and one all alike. In the last ones each float in
    turn is as far away as each of `far`, on either side, because no graph has a limit.
    """
    near = rng.uniform(-1, 1, size=(POINTS, arity))
    small = rng.uniform(-1e-3, 1e-3, size=(SMALL, arity))
    whole = rng.integers(-4, 5, size=(WHOLE, arity)).astype(np.float64)
    whole[0], whole[1] = 0.0, whole[1, 0]
    apart = rng.uniform(-1, 1, size=(len(far), 2 * arity, arity))
    sides, each = np.resize([-1.0, 1.0], 2 * arity), np.arange(2 * arity)
    for some, bounds in zip(apart, far, strict=True):
        some[each, each // 2] = rng.uniform(*bounds, size=2 * arity) * sides
    return [tuple(point) for point in np.concatenate([near, small, whole, *apart]).tolist()]


def scored(at: Sequence[tuple[float, ...]], y: int) -> list[tuple[Any, ...]]:
    """The arguments of f3 at some points. Where p would be so small that a tiny constant in log(p) or 1 / p shows, and
    that is no mistake, both scores are far above 0."""
    calls: list[tuple[Any, ...]] = []
    for point in at:
        far = max(map(abs, point)) if point[2 - y] - point[y - 1] > BEHIND else 0.0
        calls.append((*(far if far == abs(score) else score + far for score in point), y))
    return calls


def outputs(function: Any, name: str, calls: Sequence[tuple[Any, ...]]) -> Array:
    """The first element of each call's result: shape (calls,)."""
    return gather(f"the output of {name}", [unpack(name, v, ("L", "grads"))[0] for v in function.map(calls)])


def expect_outputs(
    hw: Subject, function: str, calls: list[tuple[Any, ...]], name: str, atol: float | None = None
) -> None:
    trusted = getattr(hw.reference.functions, function)
    expected = np.array([trusted(*call)[0] for call in calls])
    yours = outputs(getattr(hw.functions, function), function, calls)
    expect_close(hw, name, yours, expected, atol=atol, clues=output_clues(hw, function, calls), part=(0,))


def output_clues(hw: Subject, function: str, calls: Sequence[tuple[Any, ...]]) -> Iterator[Clue]:
    """What is wrong with the outputs of calls, asked only after a mismatch: kept from an earlier call, or one known
    mistake in the graph."""
    yield again(lambda some: outputs(getattr(hw.functions, function), function, some), calls)
    yield from mistakes(hw, "graph_outputs", function, *apart(function, calls), recorded=False)
    yield ALL_THE_SAME


def again(ask: Callable[[Sequence[tuple[Any, ...]]], Array], calls: Sequence[tuple[Any, ...]]) -> Clue:
    """The answers are other ones when the same is asked again."""
    turns = iter(range(1, len(calls)))  # a call more each time, so that what comes in turn falls elsewhere

    def later() -> Array:
        extra = next(turns, 1)
        return ask([*calls[:extra], *calls])[extra:]

    return asked_again(later)


def apart(function: str, calls: Sequence[tuple[Any, ...]]) -> tuple[Array, int]:
    """The points of calls, and y of f3."""
    points = np.array(calls, dtype=np.float64)
    return (points[:, :-1], int(points[0, -1])) if function == "f3" else (points, 1)


def expect_recorded(hw: Subject, function: str, atol: float | None = None) -> None:
    recorded = read_once(hw.fixtures / RECORDED)[function]
    yours = outputs(getattr(hw.functions, function), function, recorded["inputs"])
    name = f"output of {function} on backprop-data.pkl[{function!r}]"
    clues = output_clues(hw, function, recorded["inputs"])
    expect_close(hw, name, yours, np.array(recorded["outputs"]), atol=atol, reveal=True, clues=clues, part=(0,))


def expect_gradients(
    hw: Subject,
    function: str,
    at: list[tuple[float, ...]],
    names: Sequence[str],
    *,
    fixed: tuple[int, ...] = (),
    atol: float | None = None,
    h: float = 1e-3,
) -> None:
    """Compare each gradient at all points `at` with the reference's numeric one. `fixed` are the last arguments."""
    trusted = getattr(hw.reference.functions, function)
    expected = once(hw, (function, at, fixed), lambda: gradients(trusted, at, fixed, h))
    promised = [f"grad_{name}" for name in names]
    calls = [(*point, *fixed) for point in at]

    def asked(i: int, some: Sequence[tuple[Any, ...]]) -> Array:
        rows = backward_of(function, getattr(hw.functions, function).map(some), promised)
        return gather(f"{promised[i]} of {function}", [row[i] for row in rows])

    rows = backward_of(function, getattr(hw.functions, function).watched(calls, at[:WATCHED]), promised)
    given = f" with y={fixed[0]}" if fixed else ""
    of_graph = [mistakes(hw, "graph_gradients", function, np.array(at), i, *fixed, recorded=False)
                for i in range(len(promised))]  # fmt: skip
    for i, name in enumerate(promised):
        title = f"{name} of {function}{given}"
        yours = gather(title, [row[i] for row in rows])
        first = [again(partial(asked, i), calls), *exchanged(promised, expected, i), *of_other_y(fixed, expected, i)]
        clues = chain(first, of_all_first(of_graph, i, rows))
        expect_close(hw, title, yours, expected[:, i], atol=atol, clues=clues, part=(1, i))


def of_all_first(of_graph: Sequence[Iterable[Clue]], i: int, rows: Sequence[Sequence[Any]]) -> Iterator[Clue]:
    """The mistakes in a graph by what the i-th gradient is with them; those that give the most gradients of `rows` come
    first, because one gradient alone may be another mistake's by chance. One of so many names has to give them all, and
    so has any where all answers are the same."""
    found = [answered(partial(gather, "", column)) for column in zip(*rows, strict=True)]
    alike = zip(*of_graph, strict=True)  # the same mistakes in the same order for each gradient
    told = [(clues[i], sum(map(gives, clues, found))) for clues in alike]
    ordered = sorted(told, key=lambda one: -one[1])
    yield from (clue for clue, given in ordered if given == len(found))
    yield ALL_THE_SAME
    yield from (clue for clue, given in ordered if given < len(found) and INSTEAD not in clue.sentence)


def gives(clue: Clue, found: Array | None) -> bool:
    """Whether a gradient is what it is with a mistake, where that is told; it may be right with it."""
    mistaken = np.asarray(clue.expected, dtype=np.float64)
    told = ~np.isnan(mistaken)
    return found is not None and found.shape == mistaken.shape and np.allclose(found[told], mistaken[told])


def backward_of(function: str, values: Sequence[Any], promised: Sequence[str]) -> list[tuple[Any, ...]]:
    """The gradients that each of some calls gave."""
    grads = [unpack(function, value, ("L", "grads"))[1] for value in values]
    return [unpack(f"the backward pass of {function}", listed(row), promised) for row in grads]


def listed(grads: Any) -> Any:
    """Gradients as a tuple, also if they came as one vector: the handout's backprop.py accepts that too."""
    return tuple(grads.tolist()) if isinstance(grads, np.ndarray) and grads.ndim == 1 else grads


def exchanged(promised: Sequence[str], expected: Array, i: int) -> list[Clue]:
    """Clues for another input's gradient in the i-th place. With two scores the gradients differ only in sign."""
    order = f"is the order not {', '.join(promised)}?"
    clues = []
    for j in range(len(promised)):
        opposite = np.allclose(expected[:, i], -expected[:, j])
        asked = "is the sign wrong, or are they exchanged?" if opposite else order
        clues += [Clue(f"it is {promised[j]}: {asked}", expected[:, j])] if j != i else []
    return clues


def of_other_y(fixed: tuple[int, ...], expected: Array, i: int) -> list[Clue]:
    """The clue that a gradient of f3 is the one for the other y. The two differ by 1, which comes through p_y."""
    clues = []
    for y in fixed:
        own = y == i + 1
        why = f"is y left out, or {f'what comes through p{y}' if own else 'are the two exchanged'}?"
        clues.append(Clue(f"it is the one for y={3 - y}: {why}", expected[:, i] + (1 if own else -1)))
    return clues


def gradients(f: Callable[..., Any], at: Sequence[tuple[float, ...]], fixed: tuple[int, ...], h: float) -> Array:
    """Numeric gradients of the scalar f(*point, *fixed)[0]: shape (points, arguments)."""

    def value(x: Array) -> float:
        return float(f(*x.tolist(), *fixed)[0])

    return np.array([numeric.gradient(value, np.array(point), h=h) for point in at])


def own_arity(f4: Any) -> int:
    """How many inputs the student's graph takes. Raises NotImplementedYet when f4 is missing or the stub, and Undecided
    for more than MOST_INPUTS."""
    arity: int | None = f4.arity()
    if arity is not None and arity > MOST_INPUTS:
        raise Undecided(f"f4 takes more than {MOST_INPUTS} inputs, and so many are not checked: is its gradient right?")
    for count in range(1, 9) if arity is None else [arity]:
        try:
            value = f4(*[0.5] * count)
        except Raised:
            if arity is None:  # f4 is missing or takes any number of arguments: try the next number
                continue
            raise
        _, grads = unpack("f4", value, ("L", "grads"))
        if count == 0:
            raise Mismatch("f4 takes no inputs, so it has no gradients; give your graph at least one")
        given = len(grads) if isinstance(grads, tuple | list) else count
        return given if given != count and fits(f4, given) else count
    raise NotImplementedYet("f4 is missing, or fails for every number of inputs from 1 to 8")


def fits(f4: Any, count: int) -> bool:
    """Whether f4 takes so many inputs and gives a gradient of each. The others are settings, such as `power=2`."""
    if not 0 < count <= MOST_INPUTS:
        return False
    try:
        return len(f4(*[0.5] * count)[1]) == count
    except (Raised, TypeError, LookupError):
        return False


def smooth_point(f4: Any, rng: np.random.Generator, arity: int) -> tuple[Array, Array, float]:
    """A point in (0.25, 0.75), the numeric gradient there, and how far two step sizes disagree on it.

    The handout's backprop.py draws from (0, 1), so logarithms and roots are defined here. If the two step sizes
    disagree, as near a kink, another point is drawn.
    """

    for _ in range(5):
        at = rng.uniform(0.25, 0.75, size=arity)
        coarse, fine = own_gradients(f4, at, (1e-3, 5e-4))
        noise = float(np.abs(coarse - fine).max())
        if noise <= 1e-6 * max(1.0, float(np.abs(fine).max())):
            return at, fine, noise
    calls = [tuple((at + step).tolist()) for step in np.linspace(0, 1e-2, 10)]
    values = outputs(f4, "f4", calls)
    if again(lambda some: outputs(f4, "f4", some), calls).fits(values, values):
        raise Mismatch(f"L of f4: {ANOTHER}")
    if words := coarseness(values):
        raise Mismatch(f"L of f4 has too few digits for a numeric gradient: {words}")
    raise Mismatch("f4 bends too sharply between 0.25 and 0.75 for a numeric gradient, so nothing could be compared")


def own_gradients(f4: Any, at: Array, steps: Sequence[float]) -> list[Array]:
    """The numeric gradient of the student's own graph for each step size, in one round trip."""
    points = [point for h in steps for point in numeric.around(at, h=h)]
    values = outputs(f4, "f4", [tuple(point.tolist()) for point in points])
    for point, value in zip(points, values, strict=True):
        if not np.isfinite(value):
            raise Mismatch(f"L of f4 is {value} at {point.tolist()}, so it has no gradient there")
    halves = np.split(values, len(steps))
    return [numeric.slope(half, at.shape, 1.0, h=h) for h, half in zip(steps, halves, strict=True)]
