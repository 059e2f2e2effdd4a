"""What is seen of a training's steps: who writes into the parameters, and which steps are kept to be looked at."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations
from types import SimpleNamespace
from typing import Any

import numpy
import numpy.random

from grader.sandbox.worker.wire import FrameError

np: Any = SimpleNamespace(**vars(numpy))  # as it is before a student's code may replace functions of it
drawing: Any = SimpleNamespace(**vars(numpy.random))

STRIDE = 97  # between two steps, one in so many parameters is compared
LOOKS = 50  # steps between two times that all parameters are kept
DRAWN = 3  # steps kept at random


class Guard:
    """Makes sure that a network learns by its optimizer's steps alone, from weights drawn here.

    A sample of the parameters is compared after each step and between two of them, which costs little. All of them are
    kept now and then. If anything but the optimizer wrote into them, the last ones kept are put back, and all are kept
    at each step from then on.
    """

    def __init__(self, seed: int) -> None:
        self.rng = drawing.default_rng(seed)
        self.moved = False
        self.met: list[Any] = []
        self.looks = 0
        self.kept: list[Any] = []
        self.sample: list[Any] = []
        self.knows = False  # whether the sample is what the parameters have to be, and not what they were seen to be
        self.places = Places(drawing.default_rng([seed, STRIDE]))

    def draw_anew(self, model: Any, arrays: Sequence[Any]) -> None:
        """Draw the weights of a new network, with the mean and the deviation that its own ones have."""
        if any(one is model for one in self.met):
            return
        self.met.append(model)
        for value in arrays:
            largest = float(abs(value).max(initial=0.0)) if value.dtype.kind == "f" else 0.0
            if 0 < largest < math.inf:  # divided by it, no square overflows
                part = value.astype(float) / largest
                value[...] = largest * self.rng.normal(part.mean(), part.std(), value.shape)
        self.looks = 0
        self.look(arrays)

    def step(self, arrays: Sequence[Any], rate: float, grads: Sequence[Any]) -> None:
        """Take the handout's step. Between two looks code of the student's may run, too, as a finalizer, a thread or a
        profiler. So what the step makes of the sample is worked out apart, and what else was written is undone."""
        expected, apart = [], not shared(arrays)
        for array, grad, before in zip(arrays, grads, self.sample, strict=True):
            change = rate * grad
            array -= change
            part = before - self.places.of(np.broadcast_to(change, array.shape))
            expected.append(part.astype(array.dtype))
        self.knows = apart
        self.sample = expected
        self.look(arrays)

    def look(self, arrays: Sequence[Any], *, whole: bool = False) -> None:
        """Note the parameters as they are, or undo what they should not be; all of them if they are to be kept
        `whole`."""
        if self.knows:
            self.restore(arrays)
        if whole or self.moved or self.looks % LOOKS == 0:
            self.kept = [array.copy() for array in arrays]
        self.looks += 1
        if not self.knows:
            self.sample = self.sampled(arrays)

    def restore(self, arrays: Sequence[Any]) -> None:
        """Undo what was written into the parameters since the last look."""
        if len(arrays) == len(self.sample) and all(map(same, self.sampled(arrays), self.sample)):
            return
        self.moved = True
        for array, before in zip(arrays, self.kept, strict=False):
            if array.shape == before.shape:
                array[...] = before
        self.sample = self.sampled(arrays)

    def sampled(self, arrays: Sequence[Any]) -> list[Any]:
        return [self.places.of(array) for array in arrays]


class Places:
    """One number in each STRIDE of an array, at places drawn for its size: at equal distances they would lie in a few
    columns of a matrix, and miss the others."""

    def __init__(self, rng: Any) -> None:
        self.rng = rng
        self.drawn: dict[tuple[int, ...], Any] = {}

    def of(self, array: Any) -> Any:
        """Some of an array's numbers (M,)."""
        size, shape = array.size, array.shape or (1,)
        if not size:
            return array.reshape(0)
        if shape not in self.drawn:
            starts = np.arange(0, size, STRIDE)
            places = np.minimum(starts + self.rng.integers(STRIDE, size=len(starts)), size - 1)
            self.drawn[shape] = np.unravel_index(places, shape)
        return array.reshape(shape)[self.drawn[shape]]


class Kept:
    """Some steps of a run as they were taken: DRAWN at random, and before these the one with the largest gradients. The
    further a step goes, the more likely it is drawn: among a thousand that hardly move anything, one may do it all."""

    def __init__(self, rng: Any, pixels: int) -> None:
        self.rng = rng
        self.pixels = pixels
        self.steps: dict[int, dict[str, Any]] = {}
        self.largest = 0.0
        self.odd = False
        self.lots = [-math.inf] * DRAWN
        self.places = Places(rng)

    def compares(self, params: dict[str, Any], X: Any, y: Any, reg: Any) -> bool:
        """Whether the grader can compute a step itself. If a student's own main gives its steps anything but a batch,
        that is `odd`, and nothing of it is kept."""
        plainly = isinstance(reg, (int, float, np.number)) and all(isinstance(one, np.ndarray) for one in (X, y))
        if plainly and y.ndim == 1 and y.dtype.kind in "iu" and X.dtype.kind in "fiu":
            return True
        self.odd = self.odd or any(self.pixels in np.shape(one) for one in params.values())
        return False

    def see(
        self, params: dict[str, Any], batch: Callable[[], tuple[Any, Any]], reg: Any, grads: dict[str, Any]
    ) -> None:
        """Note one step: the network's parameters, the batch as it was given, and the gradients that were returned."""
        samples = [self.places.of(one).astype(float) for one in grads.values() if one.size]
        size = float(sum(one @ one for one in samples))
        places = [0] if size > 2 * self.largest else []  # so that few are copied while gradients grow
        lot = -self.rng.exponential() / size if size else -math.inf
        at = self.lots.index(min(self.lots))
        if lot > self.lots[at]:
            self.lots[at] = lot
            places.append(1 + at)
        if not places:
            return
        X, y = batch()
        self.largest = size if 0 in places else self.largest
        step = {
            "parameters": {str(name)[:80]: np.array(plain(params[name]), np.float32) for name in grads},
            "gradients": {str(name)[:80]: np.array(value, np.float32) for name, value in grads.items()},
            "X": np.array(X, np.float32),
            "y": np.array(y, np.int64),
            "reg": float(reg),
        }
        self.steps |= dict.fromkeys(places, step)


class Noise:
    """Gradients that teach nothing: as large as those of a first step, and drawn."""

    def __init__(self, rng: Any, losses: Any) -> None:
        self.rng = rng
        self.losses = losses
        self.spread: dict[str, float] = {}
        self.drawn: dict[str, Any] = {}

    def learn(self, loss: Any, grads: dict[str, Any]) -> None:
        self.losses = self.losses if len(self.losses) else [number(loss)]
        self.spread = {name: float(np.std(plain(value))) for name, value in grads.items() if np.size(value) > 1}

    def loss(self, step: int) -> float:
        """The loss of the taught run in this step, counted from 1. A main that looks at its loss would notice another
        one."""
        return float(self.losses[min(step, len(self.losses)) - 1])

    def step(self, model: Any) -> dict[str, Any]:
        """A gradient for each parameter of a model."""
        found = {}
        for name, value in model.parameters().items():
            shape = np.shape(value)
            if name not in self.drawn or self.drawn[name].shape != shape:
                self.drawn[name] = self.rng.normal(scale=self.spread.get(name, 0.0), size=shape)
            drawn = self.drawn[name]  # shifted and with another sign: faster than to draw again
            found[name] = np.roll(drawn, self.rng.integers(max(drawn.size, 1))) * self.rng.choice((-1, 1))
        return found


def plain(value: Any) -> Any:
    """An array itself, without what a class of the student's adds to it; its numbers as floats if they are objects."""
    array = np.asarray(value)
    return np.vectorize(float, [float])(array) if array.dtype.kind == "O" and array.size else array


def same(one: Any, other: Any) -> bool:
    """Whether two samples are equal; a long double has bytes that mean nothing."""
    if one.tobytes() == other.tobytes():
        return True
    return one.shape == other.shape and bool(((one == other) | ((one != one) & (other != other))).all())


def shared(arrays: Sequence[Any]) -> bool:
    """Whether a step may change one array by another."""
    return any(np.may_share_memory(one, other) for one, other in combinations(arrays, 2))


def arrays_of(model: Any) -> list[Any]:
    """The arrays of floats that parameters() holds and that can be written to."""
    found = model.parameters()
    values = found.values() if isinstance(found, dict) else found if isinstance(found, (list, tuple)) else ()
    arrays = (np.asarray(one) for one in values if isinstance(one, np.ndarray))
    return [one for one in arrays if one.dtype.kind == "f" and one.flags.writeable]


def number(loss: Any) -> float:
    """A loss as float; NaN if it is too large for one."""
    array = np.asarray(loss)
    if array.size != 1 or array.dtype.kind not in "iufO":
        raise FrameError("the loss of training_step is not one real number")
    try:
        return float(array.reshape(())[()])
    except OverflowError:
        return math.nan
    except (TypeError, ValueError):
        raise FrameError("the loss of training_step is not one real number") from None
