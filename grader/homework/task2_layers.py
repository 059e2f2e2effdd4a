"""Task 2: modular layers: forward and backward passes, losses and their gradients."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial, wraps
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.check import Subject, check
from grader.errors import Mismatch, NotImplementedYet, Raised
from grader.measure import numeric
from grader.measure.diagnose import Clue
from grader.measure.expect import (
    as_float,
    expect_close,
    expect_gradient,
    is_number,
    is_stub,
    kept_clues,
    mistakes,
    unpack,
)

from .differences import Judge, asks_of_differences
from .edges import (
    MANY_COLUMNS,
    MANY_ROWS,
    NO_MATRICES,
    ONE_OUTPUT,
    ONE_ROW,
    OTHER_AXES,
    REUSED,
    Size,
    allowed,
    draw_sizes,
    edge,
    edge_sizes,
    images,
    spread,
    used_up,
    whole,
)

Array = NDArray[np.float64]

Said = str | Sequence[str]  # what a message adds for all calls, or for each of them
AGAIN = 8  # equal calls in turn: an answer may not depend on how often a layer was used
REGS = (0.0, 0.7, 3.0)
TINY = 0.5**10, 0.5**24  # factors of rows, for outputs below 0.01 and below 1e-6
MARGIN = 0.02  # distance from the ReLU's kink, where no difference step reaches it
NEAR_ZERO = 24, 40  # powers of 1/2: positive numbers that a threshold above 0 takes for negative ones
FAR = 20, 40  # powers of 2: numbers that a limit would cut
HIDDEN = 0.5  # share of the right loss; a smaller loss is one that was cut off
LEASTS = 10.0 ** np.arange(-6, 0)  # limits at which p is often cut, above that of such a class
FAR_BELOW = 13.8  # how much lower a score is, so that its p lies between 1e-7 and 1e-6
LIKELY = 9.0, 14.0  # how much higher it is in the first and the last row: p is near 1, its gradient not yet 0
LEAD = 2.0  # of the best score over the label's at most, so that p is above 0.003
BARELY = 715.0  # how much lower it is, so that p is above 0 and 1 / p, which is np.exp of the lead, overflows
UNLIKELY = 1e-3  # tolerance of the loss for such a p: 1e-12 added in the logarithm moves it by less than 1e-4
ARGUMENTS = {"fc_forward": ("x", "w", "b"), "relu_forward": ("x",), "softmax_loss": ("x", "y"),
             "l2_regularization": ("w", "reg")}  # fmt: skip
FC_BACKWARD = ("grad_x", "grad_w", "grad_b")
OF_CACHE = "it is the first answer with this cache: is it kept there?"
OF_GRAD = "it is the answer with another cache: is it kept by grad_out?"
KEPT = "it is an earlier call's: is it kept by some arguments alone?"
BY_PLACE = "right in new arrays: is anything kept by an array's id?"
OTHER_LABELS = "it is right for the class before y: is y changed, or are earlier labels kept?"
LAYERS, MAX = "layers.py", re.compile(rb"\ba?max(imum)?\(")
OF_ARGUMENTS = re.compile(r"\S+ raised (TypeError|ValueError|\S*AxisError)\b")
MAXIMA = "np.maximum compares entry by entry"
MAXIMUM = "np.exp overflows or gives only 0; subtract each row's maximum before np.exp"
CUT = "p is 1 here: is it cut below 1, or are the scores cut at a limit?"
NOT_MAXIMUM = "np.exp overflows: does another number stand in the place of each row's maximum?"
OWN_MAXIMUM = "np.exp overflows or gives only 0; subtract the maximum of each row, not of the whole batch"


def names_the_maximum(judge: Judge) -> Judge:
    """Complete the message of a check: if a student's line that takes a maximum raises, it says which function is
    meant. Python's and numpy's own messages do not."""

    @wraps(judge)
    def naming(hw: Subject, rng: np.random.Generator) -> None:
        try:
            judge(hw, rng)
        except Raised as error:
            file, _, number = error.where.partition(":")
            lines = hw.source(LAYERS).splitlines() if file == LAYERS and OF_ARGUMENTS.match(error.message) else []
            if number.isdecimal() and any(map(MAX.search, lines[int(number) - 1 : int(number)])):
                error.message += f"; {MAXIMA}"
            raise

    return naming


@check("2.1", "layers.fc_forward")
def fc_forward(hw: Subject, rng: np.random.Generator) -> None:
    """The fully-connected layer computes x w + b."""
    small, judged, advised = draw_sizes(rng), edge_sizes(rng), advised_sizes(rng)
    first, second = (draw_fc(rng, size) for size in small)
    expect_fc_forward(hw, first, second)
    expect_apart(hw, "fc_forward", [first, draw_fc(rng, small[0])], ("out", "cache"), 0)
    expect_fc_forward(hw, *(spread_fc(rng, size) for size in judged))
    x, w, b = draw_fc(rng, small[0])
    expect_fc_forward(hw, (x * np.resize(TINY, (len(x), 1)), w, TINY[1] * b), said=", of small numbers")
    special = special_fc(rng, small[1])
    expect_fc_forward(hw, *special.values(), said=tuple(special))
    for name, size in advised.items():
        with edge(hw, "2.1", name):
            expect_fc_forward(hw, draw_fc(rng, size))


@check("2.1", "layers.fc_backward")
@asks_of_differences
def fc_backward(hw: Subject, rng: np.random.Generator) -> None:
    """The backward pass returns the gradients with respect to x, w and b."""
    small, judged, advised = draw_sizes(rng), edge_sizes(rng), advised_sizes(rng)
    for size in small:
        expect_numeric_fc(hw, rng, size)
    calls = []
    for size in judged:
        grad_out = spread(rng, (size[0], size[2]))
        grad_out[1] *= TINY[1]
        grad_out[:, 0] = rng.uniform(1e-8, 1e-7, size=size[0])  # small enough that their sum is small, too
        calls.append((spread_fc(rng, size), grad_out))
    expect_fc_backward(hw, *calls)
    special = special_fc(rng, small[1])
    upstream = [whole(rng, (small[1][0], small[1][2]), 2.0**8) for _ in special]
    upstream[1] = np.abs(upstream[1])  # of one sign, which is no case of its own either
    expect_fc_backward(hw, *zip(special.values(), upstream, strict=True), said=tuple(special))
    for name, size in advised.items():
        with edge(hw, "2.1", name):
            expect_fc_backward(hw, (draw_fc(rng, size), rng.normal(size=(size[0], size[2]))))


@check("2.2", "layers.relu_forward")
@names_the_maximum
def relu_forward(hw: Subject, rng: np.random.Generator) -> None:
    """ReLU keeps positive values and sets all others to zero."""
    small = small_shapes(rng)
    inputs, others = ([clear_of_kink(rng, shape) for shape in small] for _ in range(2))
    expect_relu_forward(hw, *inputs)
    expect_relu_forward(hw, *others, said=", other numbers")
    expect_apart(hw, "relu_forward", [(inputs[1],), (others[1],)], ("out", "cache"), 0)
    judged = [spread(rng, shape) for shape in relu_shapes(rng)]
    for x in judged:
        x.flat[rng.integers(x.size)] = 0.0
    expect_relu_forward(hw, *judged)
    special = one_sided(rng)
    expect_relu_forward(hw, *special.values(), said=tuple(special))
    with edge(hw, "2.2", OTHER_AXES):
        for other in NO_MATRICES:
            expect_relu_forward(hw, clear_of_kink(rng, other))


@check("2.2", "layers.relu_backward")
@names_the_maximum
@asks_of_differences
def relu_backward(hw: Subject, rng: np.random.Generator) -> None:
    """The backward pass of ReLU lets the gradient through where x is positive."""
    for n, _, c in draw_sizes(rng):
        expect_numeric_relu(hw, rng, (n, c))
    inputs = {f"large and tiny x {shape}": spread(rng, shape) for shape in relu_shapes(rng)}
    for x in inputs.values():  # near 0, with a sign that decides about the gradient
        at, other = rng.choice(x.size, size=2, replace=False)
        x.flat[at], x.flat[other] = 0.5 ** rng.integers(*NEAR_ZERO), -(0.5 ** rng.integers(*NEAR_ZERO))
    grads = [spread(rng, x.shape) for x in inputs.values()]
    for x, grad_out in zip(inputs.values(), grads, strict=True):
        grad_out.flat[x.argmax()] = TINY[1]
    for said, x in one_sided(rng).items():
        inputs[f"x {x.shape}{said}"] = x
        grads.append(-x)
    caches = caches_of(hw, "relu_forward", hw.layers.relu_forward.map(singly([*inputs.values()])))
    answers = hw.layers.relu_backward.map(list(zip(grads, caches, strict=True)))
    for (said, x), grad_out, answer in zip(inputs.items(), grads, answers, strict=True):
        name, right = f"grad_x of relu_backward, {said}", trusted_relu(hw, grad_out, x)
        expect_close(hw, name, answer, right, clues=relu_clues(hw, grad_out, x))


@check("2.3", "layers.softmax_loss")
def softmax_loss_value(hw: Subject, rng: np.random.Generator) -> None:
    """The softmax loss is the mean over the batch of -log p of the right class."""
    shapes = *small_shapes(rng), *edge_shapes(rng)
    # Of many classes, none is so unlikely that a tiny constant in the logarithm, which is advised against, shows.
    scales = {c: 0.5 if c > MANY_COLUMNS else 1.0 for _, c in shapes}
    expect_softmax_value(hw, *((rng.normal(scale=scales[c], size=(n, c)), draw_labels(rng, n, c)) for n, c in shapes))
    expect_labels_unchanged(hw)
    advise_unchanged(hw, "softmax_loss")
    n, c = small_shapes(rng)[0]
    expect_special_softmax(hw, rng, (n, c), 0)
    y = draw_labels(rng, n, c)
    expect_softmax_value(hw, draw_unlikely(rng, y, c), said=" for classes that are unlikely", atol=UNLIKELY)
    expect_softmax_value(hw, (draw_likely(rng, y, c), y), said=" for classes that are likely")
    with edge(hw, "2.3", ONE_ROW):
        expect_softmax_value(hw, (rng.normal(size=(1, c)), rng.integers(c, size=1)))


@check("2.3", "layers.softmax_loss")
@asks_of_differences
def softmax_loss_gradient(hw: Subject, rng: np.random.Generator) -> None:
    """The softmax loss returns its gradient with respect to the scores."""
    for n, c in small_shapes(rng):
        asked = draw_scored(rng, n, c)
        expect_numeric_softmax(hw, *asked)
    calls = [asked, draw_scored(rng, n, c)]
    expect_apart(hw, "softmax_loss", calls, ("loss", "grad_x"), 1)
    expect_softmax_gradient(hw, *(draw_scored(rng, n, c, rng.choice([0.1, 3.0])) for n, c in edge_shapes(rng)))
    y = draw_labels(rng, n, c)
    expect_softmax_gradient(hw, (draw_likely(rng, y, c), y), said=" for classes that are likely")
    expect_softmax_gradient(hw, draw_unlikely(rng, y, c), said=" for classes that are unlikely", atol=UNLIKELY)
    expect_special_softmax(hw, rng, (n, c), 1)
    with edge(hw, "2.3", ONE_ROW):
        expect_softmax_gradient(hw, (rng.normal(size=(1, c)), rng.integers(c, size=1)))


@check("2.3", "layers.softmax_loss")
def softmax_loss_stable(hw: Subject, rng: np.random.Generator) -> None:
    """The softmax loss is finite and right for large scores, and a common offset changes nothing."""
    for n, c in small_shapes(rng):
        # Multiples of 2^-20, so that adding an offset is exact and the loss may not change in any digit that counts.
        x, y = np.round(rng.normal(size=(n, c)) * 2**20) / 2**20, draw_labels(rng, n, c)
        expected = hw.reference.layers.softmax_loss(x, y)
        rows = 1000.0 * np.arange(n)[:, None]  # with one maximum for the whole batch, the first rows underflow
        certain = np.where(np.arange(c) == y[:, None], 1000.0, -1000.0)
        offsets = (1000.0, -1000.0, 10000.0)
        barely = -BARELY * np.eye(c)[y]
        scores = [x, *(x + offset for offset in offsets), x + rows, certain, barely]
        answers = hw.each([(hw.layers.softmax_loss, (one, y)) for one in scores])
        plain = unpack("softmax_loss", next(answers), ("loss", "grad_x"))[0]
        large = is_number(plain) and bool(np.isfinite(as_float(plain)))  # else large scores are not the reason
        cut = Clue("as if all scores were the same: are they cut at a limit?", np.array(np.log(c)))
        for offset in offsets:
            name = f"with {offset:+.0f} added to all scores {sized((n, c))}"
            expect_softmax(hw, next(answers), expected, name, MAXIMUM * large, clues=[cut])
        name = f"of rows 1000 apart {sized((n, c))}"
        expect_softmax(hw, next(answers), expected, name, OWN_MAXIMUM * large)
        name = f"with +1000 for the right class {sized((n, c))}"
        below = [Clue(CUT, holds=lambda found: bool(0 < found < UNLIKELY))]
        expect_softmax(hw, next(answers), (0.0, np.zeros((n, c))), name, NOT_MAXIMUM * large, nan="", clues=below)
        loss = unpack("softmax_loss", next(answers), ("loss", "grad_x"))[0]
        if large and not (is_number(loss) and np.isfinite(as_float(loss))):
            name = f"loss with {-BARELY:.0f} for the right class {sized((n, c))}"
            raise Mismatch(f"{name} is not finite: {NOT_MAXIMUM}")
    advise_log_sum_exp(hw, certain, (y + 1) % c)


@check("2.4", "layers.l2_regularization")
def l2_value(hw: Subject, rng: np.random.Generator) -> None:
    """L2 regularization is reg / 2 times the sum of the squared weights."""
    calls = [(rng.normal(size=shape), reg) for shape, reg in zip(l2_shapes(rng), REGS, strict=True)]
    calls += [(spread(rng, shape), float(rng.uniform(0.01, 1))) for shape in relu_shapes(rng)]
    expect_l2_value(hw, *calls, (rng.normal(scale=0.01, size=(3, 5)), 0.1), *special_l2(rng))
    with edge(hw, "2.4", OTHER_AXES):
        expect_l2_value(hw, *((rng.normal(size=other), 0.3) for other in NO_MATRICES))


@check("2.4", "layers.l2_regularization")
@asks_of_differences
def l2_gradient(hw: Subject, rng: np.random.Generator) -> None:
    """L2 regularization returns its gradient with respect to the weights."""
    for shape, reg in zip(l2_shapes(rng), REGS, strict=True):
        w = rng.normal(size=shape)
        answer = hw.layers.l2_regularization.watched([(w, reg)], [[w]])[0]
        _, grad_w = unpack("l2_regularization", answer, ("loss", "grad_w"))
        expect_gradient(
            hw,
            f"grad_w of l2_regularization, w {shape}, reg={reg}",
            grad_w,
            varying("l2_regularization", hw.reference.layers.l2_regularization, (w, reg)),
            at=w,
            own=asked("l2_regularization", hw.layers.l2_regularization, (w, reg)),
            of=("l2_regularization", w, reg),
            trusted=partial(one_of, 1, hw.reference.layers.l2_regularization, w, reg),
            factors=reg_factors(reg, w),
            clues=chain(reg_clues(reg * w, reg), mistakes(hw, "l2_grad", w, reg), l2_clues(hw, 1, w, reg)),
        )
    expect_apart(hw, "l2_regularization", [(rng.normal(size=(3, 5)), 0.5) for _ in range(2)], ("loss", "grad_w"), 1)
    calls = [(spread(rng, shape), float(rng.uniform(0.01, 1))) for shape in relu_shapes(rng)]
    calls[-1] = calls[-1][0], float(rng.uniform(1.1, 3))  # gradients beyond 100
    calls += special_l2(rng)
    for (w, reg), answer in zip(calls, hw.layers.l2_regularization.map(calls), strict=True):
        _, grad_w = unpack("l2_regularization", answer, ("loss", "grad_w"))
        name = f"grad_w of l2_regularization, w {w.shape}, reg={reg:.3g}"
        expect_close(hw, name, grad_w, reg * w, factors=reg_factors(reg, w), clues=reg_clues(reg * w, reg))


def expect_apart(hw: Subject, function: str, calls: Sequence[Sequence[Any]], names: Sequence[str], at: int) -> None:
    """Require that the answer of the first of two calls is still right after the second, and that the second is right
    each of AGAIN times. No answer may be kept by some arguments alone. `at` is the position in an answer."""
    given, others = ARGUMENTS[function], calls[1]
    mixed = (others[0], *calls[0][1:])  # an answer that is kept by its first argument, or by all the others, is wrong
    trusted, ask = getattr(hw.reference.layers, function), getattr(hw.layers, function)
    right, later, last = (np.asarray(trusted(*args)[at]) for args in (*calls, mixed))
    answers = ask.map([*calls, *[others] * AGAIN, mixed])
    found, again, changed = (unpack(function, answers[i], names)[at] for i in (0, -2, -1))
    name, named = f"{names[at]} of {function}", dict(zip(given, calls[0], strict=True))
    clues = [Clue(REUSED, last), *kept_clues(lambda **args: unpack(function, ask(*args.values()), names)[at], **named)]
    expect_close(hw, f"{name}, after another call", found, right, clues=clues)
    expect_close(hw, f"{name}, asked {AGAIN} times in turn", again, later, clues=[Clue(REUSED, last)])
    expect_close(hw, f"{name}, with another {given[0]}", changed, last, clues=[Clue(KEPT, right), Clue(KEPT, later)])
    expect_anew(hw, function, calls, names, at)


def expect_anew(hw: Subject, function: str, calls: Sequence[Sequence[Any]], names: Sequence[str], at: int) -> None:
    """Require a new answer when the arrays of the first call are changed in place to those of the second. An optimizer
    changes parameters so, and a new batch may lie where an old one was. With new arrays, the second call has to be
    known as right."""
    first, second = calls
    trusted, ask = getattr(hw.reference.layers, function), getattr(hw.layers, function)
    stale, right = (np.asarray(trusted(*args)[at]) for args in calls)
    held = [hw.put(value) if isinstance(value, np.ndarray) else value for value in first]
    ask(*held)
    for i, value in enumerate(second):
        if isinstance(value, np.ndarray):
            held[i][...] = value
        else:
            held[i] = value
    answer = unpack(function, ask(*held), names)[at]
    name = f"{names[at]} of {function}, after a change in place"
    expect_close(hw, name, answer, right, clues=[Clue(KEPT, stale), Clue(BY_PLACE, holds=lambda found: True)])


# The fully-connected layer


def draw_fc(rng: np.random.Generator, size: tuple[int, int, int]) -> tuple[Array, Array, Array]:
    """x (N, Din), w (Din, Dout), b (Dout,), all of order 1."""
    n, d_in, d_out = size
    return rng.normal(size=(n, d_in)), rng.normal(size=(d_in, d_out)), rng.normal(size=d_out)


def spread_fc(rng: np.random.Generator, size: Size) -> tuple[Array, Array, Array]:
    """The same over several magnitudes."""
    n, d_in, d_out = size
    return spread(rng, (n, d_in)), spread(rng, (d_in, d_out)), spread(rng, (d_out,))


def special_fc(rng: np.random.Generator, size: Size) -> dict[str, tuple[NDArray[Any], Array, Array]]:
    """Values that occur in networks, by what a message adds: code may treat none of them as a special case."""
    n, d_in, d_out = size
    below = -np.abs(rng.normal(size=(n, d_in)))
    below[-1] = 0.0  # as a row is whose hidden units are all off
    return {
        ", images in float32, biases of 0": (
            images(rng, (n, d_in)),
            rng.normal(size=(d_in, d_out)),
            np.zeros(d_out),
        ),
        ", no x above 0, one row of x 0, one bias 0": (
            below,
            rng.normal(size=(d_in, d_out)),
            np.append(rng.normal(size=d_out - 1), 0.0),
        ),
        ", large whole numbers": (
            whole(rng, (n, d_in), 2.0**5),
            whole(rng, (d_in, d_out)),
            whole(rng, (d_out,), 2.0**8),
        ),
    }


def advised_sizes(rng: np.random.Generator) -> dict[str, Size]:
    """Edges of which the assignment does not speak, by what the rubric calls them."""
    few, more = (int(size) for size in rng.permutation([4, 6]))
    return {ONE_ROW: (1, few, more), ONE_OUTPUT: (few, more, 1)}


def expect_fc_forward(hw: Subject, *calls: tuple[Array, Array, Array], said: Said = "") -> None:
    answers = [unpack("fc_forward", answer, ("out", "cache")) for answer in hw.layers.fc_forward.map(calls)]
    expect_unchanged(hw, "fc_forward", ("x", "w", "b"))
    for (x, w, b), (out, _), what in zip(calls, answers, of_each(said, calls), strict=True):
        expected, _ = hw.reference.layers.fc_forward(x, w, b)
        clues = chain(
            mistakes(hw, "fc_forward_out", x, w, b),
            kept_clues(partial(first, hw.layers.fc_forward), x=x, w=w, b=b),
            mistakes(hw, "fc_forward_given", x, w, b, recorded=False),
        )
        name = f"out of fc_forward {sized(size_of(x, w))}{what}"
        expect_close(hw, name, out, expected, atol=allowed(hw, x, expected), clues=clues)


def of_each(said: Said, calls: Sequence[Any]) -> Sequence[str]:
    """What a message adds for each call: `said` may be one text for all."""
    return [said] * len(calls) if isinstance(said, str) else said


def size_of(x: Array, w: Array) -> Size:
    """N, Din and Dout of a layer's x and w."""
    return len(x), *w.shape


def caches_of(hw: Subject, forward: str, answers: Sequence[Any]) -> list[Any]:
    """The caches of (out, cache), from several calls of a layer's forward pass. Raises NotImplementedYet for those of a
    stub: what backward makes of them is not its fault."""
    pairs = [unpack(forward, answer, ("out", "cache")) for answer in answers]
    if any(out is None for out, _ in pairs):
        backward = forward.replace("_forward", "_backward")
        with suppress(Raised):
            if is_stub(getattr(hw.layers, backward)(np.ones((1, 1)), pairs[0][1])):
                raise NotImplementedYet(f"{backward} returned None: not implemented yet")
        raise NotImplementedYet(f"{backward} cannot be tried: {forward}, whose cache it needs, is still the stub")
    return [cache for _, cache in pairs]


def expect_numeric_fc(hw: Subject, rng: np.random.Generator, size: Size) -> None:
    """Require the numeric gradient. Two forwards come before two backwards, because a network uses the layer twice: a
    cache belongs to its own forward, and can be used again."""
    args, later = draw_fc(rng, size), draw_fc(rng, size)
    grad_out = rng.normal(size=(size[0], size[2]))
    cache, later_cache = caches_of(hw, "fc_forward", hw.layers.fc_forward.map([args, later]))
    grads = unpack("fc_backward", hw.layers.fc_backward.watched([(grad_out, cache)], [args])[0], FC_BACKWARD)
    for i, name in enumerate(FC_BACKWARD):
        expect_gradient(
            hw,
            f"{name} {sized(size)}",
            grads[i],
            varying("fc_forward", hw.reference.layers.fc_forward, args, i),
            at=args[i],
            upstream=grad_out,
            own=asked("fc_forward", hw.layers.fc_forward, args, i),
            of=("fc_forward", *args, i),
            trusted=partial(one_of, i, trusted_fc, hw, grad_out, args),
            factors=fc_factors(size),
            clues=chain(
                mistakes(hw, "fc_backward_grad", i, grad_out, args, later),
                kept_clues(lambda grad_out, i=i: hw.layers.fc_backward(grad_out, cache)[i], grad_out=grad_out),
                mistakes(hw, "fc_backward_given", i, grad_out, args, recorded=False),
            ),
        )
    first, right = trusted_fc(hw, grad_out, args), trusted_fc(hw, grad_out, later)
    negative = [-grad for grad in first]
    answers = hw.each([(hw.layers.fc_backward, one) for one in ((grad_out, later_cache), (-grad_out, cache))])
    said = f"{sized(size)}, of the later forward"
    expect_fc_grads(hw, next(answers), right, said, {REUSED: negative, OF_GRAD: first})
    with used_up(hw, "fc_forward"):
        expect_fc_grads(hw, next(answers), negative, f"{sized(size)}, asked again", {OF_CACHE: first})


def expect_fc_grads(
    hw: Subject, answer: Any, right: Sequence[Array], said: str, others: Mapping[str, Sequence[Array]]
) -> None:
    """The three gradients; `others` are those of other calls, by what is wrong where they come instead."""
    grads = unpack("fc_backward", answer, FC_BACKWARD)
    for i, (name, grad, expected) in enumerate(zip(FC_BACKWARD, grads, right, strict=True)):
        clues = [Clue(sentence, gradients[i]) for sentence, gradients in others.items()]
        expect_close(hw, f"{name} {said}", grad, expected, clues=clues)


def expect_fc_backward(hw: Subject, *calls: tuple[tuple[Array, Array, Array], Array], said: Said = "") -> None:
    """Require the reference's gradients: a numeric one takes long for many numbers, and loses digits for large ones."""
    caches = caches_of(hw, "fc_forward", hw.layers.fc_forward.map([args for args, _ in calls]))
    answers = hw.layers.fc_backward.map([(grad_out, cache) for (_, grad_out), cache in zip(calls, caches, strict=True)])
    for (args, grad_out), answer, what in zip(calls, answers, of_each(said, calls), strict=True):
        grads, right = unpack("fc_backward", answer, FC_BACKWARD), trusted_fc(hw, grad_out, args)
        size = size_of(args[0], args[1])
        for at, (name, grad, expected) in enumerate(zip(FC_BACKWARD, grads, right, strict=True)):
            clues = chain(exchanged(right, name), mistakes(hw, "fc_backward_given", at, grad_out, args, recorded=False))
            name, bar = f"{name} {sized(size)}{what}", allowed(hw, args[0], expected)
            expect_close(hw, name, grad, expected, atol=bar, factors=fc_factors(size), clues=clues)


def fc_factors(size: Size) -> dict[str, float]:
    """By what a gradient may be too large or too small."""
    return dict(zip(("the batch size", "the number of inputs", "the number of outputs"), size, strict=True))


def exchanged(right: Sequence[Array], name: str) -> list[Clue]:
    """Another gradient in the place of `name`."""
    order = ", ".join(FC_BACKWARD)
    others = zip(FC_BACKWARD, right, strict=True)
    return [Clue(f"it is {other}: the order is {order}", grad) for other, grad in others if other != name]


def first(function: Callable[..., Any], **args: Any) -> Any:
    """The first of what a student's function gives."""
    return function(*args.values())[0]


def one_of(i: int, function: Callable[..., Any], *args: Any) -> Array:
    """The i-th of what a function of the reference's gives."""
    return np.asarray(function(*args)[i])


def trusted_fc(hw: Subject, grad_out: Array, at: Sequence[Array]) -> Sequence[Array]:
    """The reference's fc_backward after its fc_forward(*at)."""
    grads: Sequence[Array] = hw.reference.answers.fc_gradients(grad_out, tuple(at))
    return grads


# ReLU


def relu_shapes(rng: np.random.Generator) -> list[tuple[int, int]]:
    """Edge cases of a function that works on each entry alone, and so on any shape."""
    n = int(rng.integers(3, 6))
    return [(1, n + 3), (n + 3, 1), (n, n), (n + 3, 2), (MANY_ROWS + n, 2), (2, MANY_COLUMNS + n)]


def one_sided(rng: np.random.Generator) -> dict[str, Array]:
    """Inputs of one sign, one of them far beyond any limit, by what a message calls them."""
    above, below = np.abs(spread(rng, (3, 4))), -np.abs(spread(rng, (3, 4)))
    above[0, 0] = 2.0 ** rng.integers(*FAR)
    return {", none below 0": above, ", none above 0": below}


def expect_relu_forward(hw: Subject, *inputs: Array, said: Said = "") -> None:
    answers = [
        unpack("relu_forward", answer, ("out", "cache")) for answer in hw.layers.relu_forward.map(singly(inputs))
    ]
    advise_unchanged(hw, "relu_forward")
    for x, (out, _), what in zip(inputs, answers, of_each(said, inputs), strict=True):
        expected, _ = hw.reference.layers.relu_forward(x)
        clues = chain(
            mistakes(hw, "relu_forward_out", x),
            kept_clues(partial(first, hw.layers.relu_forward), x=x),
        )
        expect_close(hw, f"out of relu_forward, x {x.shape}{what}", out, expected, clues=clues)


def singly(inputs: Sequence[Array]) -> list[tuple[Array]]:
    """The arguments of one call for each input."""
    return [(x,) for x in inputs]


def expect_numeric_relu(hw: Subject, rng: np.random.Generator, shape: tuple[int, int]) -> None:
    """Require the numeric gradient, with two forwards before two backwards, as for the fully-connected layer."""
    x, later = clear_of_kink(rng, shape), clear_of_kink(rng, shape)
    grad_out = rng.normal(size=shape)
    for sign, at in zip((1, -1), np.flatnonzero(x > 0), strict=False):  # both come through, so that a mask shows
        grad_out.flat[at] = sign * abs(grad_out.flat[at])
    cache, later_cache = caches_of(hw, "relu_forward", hw.layers.relu_forward.map(singly([x, later])))
    expect_gradient(
        hw,
        f"grad_x of relu_backward, x {shape}",
        hw.layers.relu_backward.watched([(grad_out, cache)], [[x]])[0],
        varying("relu_forward", hw.reference.layers.relu_forward, (x,)),
        at=x,
        upstream=grad_out,
        own=asked("relu_forward", hw.layers.relu_forward, (x,)),
        of=("relu_forward", x),
        clues=chain(
            mistakes(hw, "relu_backward_grad", x, grad_out, later),
            kept_clues(lambda grad_out: hw.layers.relu_backward(grad_out, cache), grad_out=grad_out),
            mistakes(hw, "relu_backward_given", x, grad_out, recorded=False),
        ),
    )
    first, right = trusted_relu(hw, grad_out, x), trusted_relu(hw, grad_out, later)
    answers = hw.each([(hw.layers.relu_backward, one) for one in ((grad_out, later_cache), (-grad_out, cache))])
    name, clues = f"grad_x of relu_backward, x {shape}", [Clue(REUSED, -first), Clue(OF_GRAD, first)]
    expect_close(hw, f"{name}, of the later forward", next(answers), right, clues=clues)
    with used_up(hw, "relu_forward"):
        expect_close(hw, f"{name}, asked again", next(answers), -first, clues=[Clue(OF_CACHE, first)])


def relu_clues(hw: Subject, grad_out: Array, x: Array) -> Iterable[Clue]:
    """What grad_x may be instead. None where x has one sign: many mistakes give the same there."""
    if x.min() > 0 or x.max() < 0:
        return ()
    return chain(
        mistakes(hw, "relu_backward_grad", x, grad_out),
        mistakes(hw, "relu_backward_given", x, grad_out, recorded=False),
    )


def trusted_relu(hw: Subject, grad_out: Array, x: Array) -> Array:
    """The reference's relu_backward after its relu_forward(x)."""
    return np.asarray(hw.reference.answers.relu_gradient(grad_out, x))


# Losses


def small_shapes(rng: np.random.Generator) -> list[tuple[int, int]]:
    return [(n, c) for n, _, c in draw_sizes(rng)]


def edge_shapes(rng: np.random.Generator) -> list[tuple[int, int]]:
    """N, C: square, two classes, and more of both than any constant."""
    n = int(rng.integers(3, 6))
    return [(n, n), (n + 3, 2), (MANY_ROWS + n, 3), (n, MANY_COLUMNS + n)]


def expect_special_softmax(hw: Subject, rng: np.random.Generator, shape: tuple[int, int], at: int) -> None:
    """Require the loss, or the gradient, for scores and labels that code may not treat as a special case."""
    n, c = shape
    x, y = rng.normal(size=shape), draw_labels(rng, n, c)
    special = {
        ", equal scores in each row": (np.repeat(rng.normal(size=(n, 1)), c, axis=1), y),
        ", scores of 0": (np.zeros(shape), y),
        ", one label for all": (x, np.zeros(n, dtype=np.int64)),
        ", other labels": (x, np.ones(n, dtype=np.int64)),
        ", one class unlikely": (0.1 * x - FAR_BELOW * np.eye(c)[(y + 1) % c], y),
    }
    answers, trusted = hw.layers.softmax_loss.map([*special.values()]), hw.reference.layers.softmax_loss
    for (said, (x, y)), answer in zip(special.items(), answers, strict=True):
        found, name = unpack("softmax_loss", answer, ("loss", "grad_x"))[at], ("loss", "grad_x")[at]
        clues = [Clue(OTHER_LABELS, trusted(x, (y - 1) % c)[at])]
        expect_close(hw, f"{name} of softmax_loss {sized(shape)}{said}", found, trusted(x, y)[at], clues=clues)


def expect_labels_unchanged(hw: Subject) -> None:
    """Raise Mismatch if a call changed its labels: they belong to the data."""
    if 1 in hw.mutated:
        raise Mismatch("softmax_loss changed its input y in place; the labels are used again, so work on a copy")


def expect_softmax_value(
    hw: Subject, *calls: tuple[Array, NDArray[np.int64]], said: str = "", atol: float | None = None
) -> None:
    for (x, y), answer in zip(calls, hw.layers.softmax_loss.map(calls), strict=True):
        loss, _ = unpack("softmax_loss", answer, ("loss", "grad_x"))
        expected, _ = hw.reference.layers.softmax_loss(x, y)
        clues = chain(
            mistakes(hw, "softmax_loss_value", x, y),
            kept_clues(lambda x, y=y: hw.layers.softmax_loss(x, y)[0], x=x),
            mistakes(hw, "softmax_loss_given", 0, x, y, recorded=False),
            [] if atol is None else [Clue(f"as if p were at least {least:g}", -np.log(least)) for least in LEASTS],
        )
        name = f"loss of softmax_loss {sized(x.shape)}{said}"
        expect_close(hw, name, loss, expected, atol=atol, factors=softmax_factors(x), clues=clues)


def expect_numeric_softmax(hw: Subject, x: Array, y: NDArray[np.int64]) -> None:
    _, grad_x = unpack("softmax_loss", hw.layers.softmax_loss.watched([(x, y)], [[x]])[0], ("loss", "grad_x"))
    expect_gradient(
        hw,
        f"grad_x of softmax_loss {sized(x.shape)}",
        grad_x,
        varying("softmax_loss", hw.reference.layers.softmax_loss, (x, y)),
        at=x,
        own=asked("softmax_loss", hw.layers.softmax_loss, (x, y)),
        of=("softmax_loss", x, y),
        trusted=partial(one_of, 1, hw.reference.layers.softmax_loss, x, y),
        factors=softmax_factors(x),
        clues=softmax_clues(hw, x, y),
    )


def softmax_factors(x: Array) -> dict[str, float]:
    """By what a loss or its gradient may be too large or too small."""
    return {"the batch size": len(x), "the number of classes": x.shape[1]}


def softmax_clues(hw: Subject, x: Array, y: NDArray[np.int64], *, recorded: bool = True) -> Iterator[Clue]:
    """What a gradient of the softmax loss may be instead. Recorded for small x alone: a handout has to stay small."""
    return chain(
        mistakes(hw, "softmax_loss_grad", x, y, recorded=recorded),
        [
            Clue(
                "as if p were 0: is its part left out, is it cut to whole numbers, or is // in use?",
                -np.eye(x.shape[1])[y] / len(x),
            )
        ],
        kept_clues(lambda x: hw.layers.softmax_loss(x, y)[1], x=x),
        mistakes(hw, "softmax_loss_parts", x, y, recorded=False),
        mistakes(hw, "softmax_loss_given", 1, x, y, recorded=False),
    )


def expect_softmax_gradient(
    hw: Subject, *calls: tuple[Array, NDArray[np.int64]], said: str = "", atol: float | None = None
) -> None:
    """The gradient by the reference."""
    for (x, y), answer in zip(calls, hw.layers.softmax_loss.map(calls), strict=True):
        _, grad_x = unpack("softmax_loss", answer, ("loss", "grad_x"))
        name, expected = f"grad_x of softmax_loss {sized(x.shape)}{said}", hw.reference.layers.softmax_loss(x, y)[1]
        clues = softmax_clues(hw, x, y, recorded=False)
        expect_close(hw, name, grad_x, expected, atol=atol, factors=softmax_factors(x), clues=clues)


def l2_shapes(rng: np.random.Generator) -> list[tuple[int, int]]:
    """One for each of REGS, no two alike."""
    wide = [(5, 6), (6, 5), (5, 7), (7, 5)]  # a factor of 2, 3 or 4 is no number of rows
    return [wide[at] for at in rng.permutation(len(wide))[: len(REGS)]]


def special_l2(rng: np.random.Generator) -> list[tuple[Array, float]]:
    """Strengths that are tiny, great and an odd whole number, all for the same weights; and weights of one sign."""
    w, above = rng.normal(size=(3, 5)), np.abs(spread(rng, (4, 3)))
    above[0, 0] = rng.uniform(1001, 1400)
    return [(w, 0.5**25), (w, 129.5), (w, 5), (above, 0.125), (-above, 0.25)]


def expect_l2_value(hw: Subject, *calls: tuple[Array, float]) -> None:
    function = "l2_regularization"
    answers = [unpack(function, answer, ("loss", "grad_w")) for answer in hw.layers.l2_regularization.map(calls)]
    expect_unchanged(hw, function, ("w",))
    for (w, reg), (loss, _) in zip(calls, answers, strict=True):
        expected, _ = hw.reference.layers.l2_regularization(w, reg)
        clues = chain(reg_clues(expected, reg), mistakes(hw, "l2_value", w, reg), l2_clues(hw, 0, w, reg))
        name = f"loss of l2_regularization, w {w.shape}, reg={reg:.3g}"
        expect_close(hw, name, loss, expected, factors=reg_factors(reg, w), clues=clues)


def reg_clues(expected: Any, reg: float) -> Iterator[Clue]:
    """What a large reg may be replaced by. If reg is left out, reg = 0 fails first."""
    if reg > 1:
        yield Clue("as if reg were cut at 1", expected / reg)
        yield Clue("as if reg were cut to a whole number", expected * int(reg) / reg)
    if isinstance(reg, int):
        yield Clue("as if reg // 2 stood in the place of reg / 2", expected * (reg // 2) / (reg / 2))


def l2_clues(hw: Subject, at: int, w: Array, reg: float) -> Iterator[Clue]:
    yield from kept_clues(lambda w, reg: hw.layers.l2_regularization(w, reg)[at], w=w, reg=reg)
    yield from mistakes(hw, "l2_given", at, w, reg, recorded=False)


def sized(size: Sequence[int]) -> str:
    """N, Din, Dout of a layer, or N, C of scores, by name."""
    names = ("N", "Din", "Dout") if len(size) == 3 else ("N", "C")
    return f"({', '.join(f'{name}={number}' for name, number in zip(names, size, strict=True))})"


def draw_labels(rng: np.random.Generator, n: int, c: int) -> NDArray[np.int64]:
    """n labels out of c classes, never all alike."""
    while True:
        y = rng.integers(c, size=n)
        if (y != y[0]).any():
            return y


def draw_scored(rng: np.random.Generator, n: int, c: int, scale: float = 1.0) -> tuple[Array, NDArray[np.int64]]:
    """Scores (n, c) of this deviation, and labels. None is so unlikely that a tiny constant in 1 / p shows."""
    x, y, rows = rng.normal(scale=scale, size=(n, c)), draw_labels(rng, n, c), np.arange(n)
    return x, np.where(x.max(axis=1) - x[rows, y] > LEAD, x.argmax(axis=1), y)


def draw_unlikely(rng: np.random.Generator, y: NDArray[np.int64], c: int) -> tuple[Array, NDArray[np.int64]]:
    """Scores with which each label is unlikely, so that a p that is cut off shows; and the labels."""
    return 0.1 * rng.normal(size=(len(y), c)) - FAR_BELOW * np.eye(c)[y], y


def draw_likely(rng: np.random.Generator, y: NDArray[np.int64], c: int) -> Array:
    """Scores with which the right class leads in each row, further from row to row."""
    return np.asarray(rng.normal(size=(len(y), c)) + np.linspace(*LIKELY, len(y))[:, None] * np.eye(c)[y])


def clear_of_kink(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Values of both signs, at least two of each, none near zero: drawn again until all are clear."""
    while True:
        x = rng.normal(size=shape)
        if numeric.clear_of_zero(x, MARGIN) and 1 < np.count_nonzero(x > 0) < x.size - 1:
            return x


def varying(name: str, function: Callable[..., Any], args: Sequence[Any], i: int = 0) -> Callable[[Array], Any]:
    """The first value that `function` returns, as a function of its i-th argument only."""

    def output(value: Array) -> Any:
        return unpack(name, function(*args[:i], value, *args[i + 1 :]), ("out", "its second part"))[0]

    return output


def asked(name: str, function: Any, args: Sequence[Any], i: int = 0) -> Callable[[Sequence[Array]], list[Any]]:
    """As `varying`, for a student's function and many values in one round trip."""

    def outputs(values: Sequence[Array]) -> list[Any]:
        answers = function.map([(*args[:i], value, *args[i + 1 :]) for value in values])
        return [unpack(name, answer, ("out", "its second part"))[0] for answer in answers]

    return outputs


def reg_factors(reg: float, w: Array) -> dict[str, float]:
    sides = dict(zip(("the number of rows", "the number of columns"), w.shape, strict=False)) if w.ndim == 2 else {}
    return {"reg": reg, "the number of weights": w.size, **sides} if reg else {}


def expect_unchanged(hw: Subject, function: str, names: Sequence[str]) -> None:
    """Raise Mismatch if the last call changed its inputs: that would change the model's weights and data."""
    changed = [name for i, name in enumerate(names) if i in hw.mutated]
    if changed:
        raise Mismatch(f"{function} changed its input {' and '.join(changed)} in place; work on a copy instead")


def advise_unchanged(hw: Subject, function: str) -> None:
    """Advise against changing the input. It costs no points: between two layers the network is still right."""
    if hw.mutated:
        hw.advise(f"{function} changes its input x in place; a copy is safer, because the caller may use x again")


def expect_softmax(
    hw: Subject,
    answer: Any,
    expected: tuple[Any, Array],
    name: str,
    unlimited: str = "",
    *,
    nan: str | None = None,
    clues: Sequence[Clue] = (),
) -> None:
    """`unlimited` says why an answer is not finite; `nan` why it is NaN, where that has another reason. `clues` are of
    the loss."""
    loss, grad_x = unpack("softmax_loss", answer, ("loss", "grad_x"))
    factors = softmax_factors(expected[1])
    if nan is not None and is_number(loss) and np.isnan(as_float(loss)):
        unlimited = nan
    expect_close(hw, f"loss {name}", loss, expected[0], factors=factors, clues=clues, unlimited=unlimited)
    expect_close(hw, f"grad_x {name}", grad_x, expected[1], factors=factors, unlimited=unlimited)


def advise_log_sum_exp(hw: Subject, x: Array, y: NDArray[np.int64]) -> None:
    """Advise if log p is infinite, or cut off, because p underflows. It costs no points: the assignment does not
    ask for more."""
    try:
        value = hw.layers.softmax_loss(x, y)
    except Raised:
        value = (None, None)
    loss: Any = value[0] if isinstance(value, tuple | list) and value else None
    if not is_number(loss) or not np.isfinite(as_float(loss)):
        hw.advise(
            "softmax_loss is not finite where p of the right class underflows to 0 (scores of +-1000): x - max - "
            "log(sum(exp(x - max))) stays finite"
        )
    elif as_float(loss) < HIDDEN * float(hw.reference.layers.softmax_loss(x, y)[0]):
        hw.advise(
            "softmax_loss is far too small where p of the right class underflows: a constant or limit in log(p) hides "
            "it; x - max - log(sum(exp(x - max))) needs none"
        )
