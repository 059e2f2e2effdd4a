"""A driver that trains a student's model in the student's process.

The grader requests one slice after another and decides after each whether to go on. It gets losses, and at the end of
each epoch predictions. Only the grader knows the validation labels. Batches are drawn and parameters are moved as the
handout does it; the images arrive as bytes and are scaled to float32 in [0, 1], as in the handout.
"""

from __future__ import annotations

import importlib
import math
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from queue import SimpleQueue
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy
import numpy.random

from grader.sandbox.worker.drivers import Student
from grader.sandbox.worker.wire import FrameError

np: Any = SimpleNamespace(**vars(numpy))  # as it is before a student's code may replace functions of it
drawing: Any = SimpleNamespace(**vars(numpy.random))

CHUNK = 100  # images to predict at once; so few fit the CPU's cache, which makes up for the time to scale them
STRIDE = 97  # of the parameters, each so-manyth is compared between two steps
LOOKS = 50  # steps between two tests whether training_step wrote to its batch, after the first few steps
WALL = 2  # seconds on the clock for each CPU second of a slice
EXPLODED = 1e4  # a loss of this many times the first one has exploded
DRAWN = 3  # steps kept at random


def begin(student: Student, order: dict[str, Any]) -> TrainRun:
    """Begin this driver; see sandbox/worker/drivers.py."""
    return TrainRun(student.module, order)


class TrainRun:
    """One training run: `advance` continues it, for a number of CPU seconds or to the end of an epoch.

    `order` holds the `files` of X (N, 3072) uint8 and y (N,) for training and of `validation` (M, 3072) uint8, whose
    labels are not here; the number of images of X for training accuracy, `sample`; the `seed`; and the `settings`. If
    there are no settings, the student's own `main` is run, with `arguments` as its command line. With losses `untaught`
    (K,) of a run that was taught, its steps give these, and noise in place of gradients.
    """

    def __init__(self, module: Callable[[str], Any], order: dict[str, Any]) -> None:
        self.train, self.net = module("train"), module("two_layer_net")
        self.X, self.y, validation = (
            np.asarray(np.load(order["files"][name], mmap_mode="r", allow_pickle=False))
            for name in ("X", "y", "validation")
        )
        self.y = np.array(self.y)
        self.watched = {"validation": validation, "training": self.X[: order["sample"]]}
        self.settings: dict[str, Any] = order["settings"]
        self.step = self.train.training_step
        self.model: Any = None
        self.params: dict[str, Any] = {}  # of the handout's loop; an own main may put other arrays into its model
        self.losses: list[float] = []
        self.first: float | None = None
        self.steps = 0
        self.exploded = False
        self.wrote: set[str] = set()
        self.guard = Guard(order["seed"])
        self.kept = Kept(self.guard.rng, self.X.shape[1])
        losses = order.get("untaught")
        self.untaught = None if losses is None else Noise(self.guard.rng, losses)
        self.until = (0.0, 0.0)
        self.seed: int = order["seed"]
        self.predicting: Iterator[dict[str, Any]] = iter(())
        self.pauses = self.loop() if self.settings else resting(lambda rest: self.own_main(order["arguments"], rest))

    def advance(self, seconds: float) -> dict[str, Any]:
        """Train on. The reply has `predictions` once they are made at the end of an epoch, which may take several
        slices, and `ended` at the end of the run."""
        self.until = (time.process_time() + seconds, time.monotonic() + WALL * seconds)
        self.losses = []
        predictions = next(self.predicting, None)
        if predictions is None:
            epoch = next(self.pauses, None)
            if epoch is not True:
                return self.report({}, ended=epoch is None)
            self.predicting = self.predictions()
            predictions = next(self.predicting)
        return self.report(predictions, ended=False)

    def judge(self) -> dict[str, Any]:
        """Predictions of the model in its present state, also in the middle of an epoch."""
        self.losses = []
        self.until = (math.inf, math.inf)
        return self.report(next(self.predictions()) if self.model is not None else {}, ended=False)

    def report(self, predictions: dict[str, Any], *, ended: bool) -> dict[str, Any]:
        return {
            "losses": np.array(self.losses),
            "predictions": predictions,
            "ended": ended,
            "exploded": self.exploded,
            "wrote": sorted(self.wrote),
            "moved": self.guard.moved,
            "odd": self.kept.odd,
            "settings": self.settings,
        }

    def parameters(self) -> dict[str, Any]:
        """The model's arrays of floats, in float32: precise enough to draw them and to predict with them."""
        found = self.params or (self.model.parameters() if self.model is not None else {})
        return {
            str(name)[:80]: np.asarray(value, np.float32)
            for name, value in found.items()
            if isinstance(value, np.ndarray) and value.dtype.kind == "f"
        }

    def kept_step(self, at: int) -> dict[str, Any]:
        """The step with the largest gradients (0), or one of those kept at random; nothing where there is none."""
        return self.kept.steps.get(at, {})

    def width(self) -> int:
        """The number of hidden units: columns of the first parameter with a row for each number of an image."""
        shapes = (np.shape(value) for value in self.model.parameters().values())
        return next((shape[1] for shape in shapes if len(shape) == 2 and shape[0] == self.X.shape[1]), 0)

    def loop(self) -> Iterator[bool]:
        """The handout's loop. Yields True after each epoch, and False when a slice ends inside an epoch."""
        self.begin()
        given = self.settings
        scale = [given["weight_scale"]] if "weight_scale" in given else []
        self.model = self.net.TwoLayerNet(self.X.shape[1], 10, given["hidden_dim"], *scale)
        self.params = {name: plain(value) for name, value in self.model.parameters().items()}
        self.guard.draw_anew(self.model, self.held())
        X, rate = scaled(self.X), given["learning_rate"]
        for _ in range(given["num_epochs"]):
            for at in batches(len(X), given["batch_size"]):
                batch = partial(self.batch, at)
                _, _, grads = self.taken(self.model, X[at], self.y[at], given["reg"], batch)
                if self.exploded:
                    return
                for name, param in self.params.items():
                    param -= rate * grads[name]
                self.guard.look(self.held())
                if self.over():
                    yield False
                    self.guard.restore(self.held())
            yield True
            self.guard.restore(self.held())

    def begin(self) -> None:
        random.seed(self.seed)
        drawing.seed(self.seed)

    def held(self) -> list[Any]:
        """The arrays of the parameters, as they were before the first step: what asks again may get others."""
        return list(self.params.values()) if self.params else arrays_of(self.model)

    def batch(self, at: Any) -> tuple[Any, Any]:
        """A batch as it is given to a step of the handout's loop, read anew: a copy for each step would take long."""
        return scaled(self.X[at]), self.y[at]

    def taken(
        self, model: Any, X: Any, y: Any, reg: Any, batch: Callable[[], tuple[Any, Any]]
    ) -> tuple[Any, dict[str, Any], dict[str, Any]]:
        """One training_step: its answer, and its gradients as arrays, which no code of the student's touches any more.
        Keeps the loss. `batch` gives X and y as they were before. Raises as `pair` and `expect_keys` for a malformed
        answer."""
        loss, grads = pair(self.step(model, X, y, reg))
        value = number(loss)
        if self.steps < 5 or self.steps % LOOKS == 0:
            for name, now, then in zip(("X_batch", "y_batch"), (X, y), batch(), strict=True):
                if not np.array_equal(now, then):
                    self.wrote.add(name)
        if not self.steps:
            expect_keys(grads, model.parameters())
        params = self.params or model.parameters()
        given = {name: plain(grads[name]) for name in params if name in grads}
        self.guard.restore(self.held())
        if self.params or self.kept.compares(params, *batch(), reg):
            self.kept.see(params, batch, reg, given)
        self.steps += 1
        self.first = value if self.first is None else self.first
        self.losses.append(value)
        self.exploded = not abs(value) <= EXPLODED * max(abs(self.first), 1.0)
        return loss, grads, given

    def untold(
        self, model: Any, X: Any, y: Any, reg: Any, batch: Callable[[], tuple[Any, Any]]
    ) -> tuple[Any, dict[str, Any]]:
        """As `taken`, with a loss as it was in a run with gradients, and noise for its gradients."""
        assert self.untaught is not None
        if not self.steps:
            loss, _, grads = self.taken(model, X, y, reg, batch)
            self.untaught.learn(loss, grads)
        else:
            self.steps += 1
            self.losses.append(self.untaught.loss(self.steps))
        return self.untaught.loss(self.steps), self.untaught.step(model)

    def over(self) -> bool:
        """Whether this slice's time is over: CPU seconds, or several times as many on the clock."""
        return time.process_time() > self.until[0] or time.monotonic() > self.until[1]

    def predictions(self) -> Iterator[dict[str, Any]]:
        """The model's classes (N,) for the images that are watched; nothing yet where a slice ends before they are
        made. Each chunk is a copy, so `predict` may write to it."""
        found = {name: np.zeros(len(X), np.int64) for name, X in self.watched.items()}
        self.guard.look(self.held(), whole=True)
        for name, X in self.watched.items():
            for start in range(0, len(X), CHUNK):
                chunk = scaled(X[start : start + CHUNK])
                found[name][start : start + CHUNK] = self.predict(chunk)
                self.guard.restore(self.held())
                if self.over():
                    yield {}
        yield found

    def predict(self, images: Any) -> Any:
        """The model's classes (N,) for images. Raises FrameError for anything else."""
        found = np.asarray(self.model.predict(images))
        if found.shape != (len(images),) or found.dtype.kind not in "iu":
            raise FrameError(
                f"predict returned an array of {found.dtype} of shape {found.shape} for {len(images)} images; "
                f"expected one whole number for each"
            )
        return found

    # The student's own main

    def own_main(self, arguments: Sequence[str], rest: Callable[[bool], None]) -> None:
        """Run `main` with its data, plots and files replaced. Calls `rest` where `loop` yields; counts images.

        An epoch ends when the next step begins, or when main ends: only then has its last step changed the model.
        """
        self.begin()
        loaded, sampled, seen, size, whole = len(self.X), 0, 0, 0, False

        def load_cifar10(data_dir: Any = "", num_train: int = 10000, num_val: int = 5000, *_: Any, **__: Any) -> Any:
            """As the handout's, but all labels of validation and test images are 0."""
            nonlocal loaded, sampled
            X, y = scaled(self.X[:num_train]), self.y[:num_train].copy()
            X_val = scaled(self.watched["validation"][:num_val])
            nothing = np.zeros(len(X_val), np.int64)
            loaded, sampled = len(X), 0
            self.settings = self.settings | {"num_train": loaded}
            return X, y, X_val, nothing, X_val.copy(), nothing.copy()

        def sample(y: Any) -> None:
            """Note the images of a DataSampler if they are among the loaded ones; the longest one is for training."""
            nonlocal loaded, sampled
            if sampled < np.size(y) and np.array_equal(y, self.y[: np.size(y)]):
                loaded = sampled = np.size(y)
                self.settings = self.settings | {"num_train": loaded}

        def training_step(model: Any, X: Any, y: Any, reg: Any) -> Any:
            nonlocal seen, size, whole
            if whole or self.over():
                ended, whole = whole, False
                rest(ended)
            if model is not self.model:
                self.model, self.first = model, None
                self.guard.draw_anew(model, self.held())
            self.guard.look(self.held())
            before = X.copy(), y.copy()
            step = self.untold if self.untaught is not None else self.taken
            answer = step(model, X, y, reg, lambda: before)[:2]
            seen, size = seen + len(X), max(size, len(X))
            if seen >= loaded:
                seen, whole = 0, True
                self.settings = self.settings | {"batch_size": size, "reg": reg, "hidden_dim": self.width()}
            return answer

        with replaced(self.replacements(load_cifar10, sample, training_step, rest)):
            try:
                start(self.train, arguments)
            finally:
                if whole:
                    rest(True)

    def replacements(
        self, load_cifar10: Any, sample: Any, training_step: Any, rest: Callable[[bool], None]
    ) -> Iterator[tuple[Any, str, Any]]:
        """Yield (owner, attribute, its value while main runs)."""
        data, optim, classifier = (importlib.import_module(name) for name in ("data", "optim", "classifier"))
        made, drawn, batches = optim.SGD.__init__, data.DataSampler.__init__, data.DataSampler.__iter__

        def remember(optimizer: Any, params: Any, learning_rate: Any) -> None:
            made(optimizer, params, learning_rate)
            self.settings = self.settings | {"learning_rate": learning_rate}

        def draw(sampler: Any, X: Any, y: Any, batch_size: Any) -> None:
            drawn(sampler, X, y, batch_size)
            sample(y)

        def iterate(sampler: Any) -> Iterator[Any]:
            """Taking a batch is a sign of life: a main that measures an accuracy for long does not hang."""
            for batch in batches(sampler):
                if self.over():
                    rest(False)
                yield batch

        yield optim.SGD, "__init__", remember
        yield data.DataSampler, "__iter__", iterate
        yield data.DataSampler, "__init__", draw
        yield classifier.Classifier, "save", lambda model, filename: None
        yield self.train, "training_step", training_step
        for owner in (data, self.train):
            if hasattr(owner, "load_cifar10"):
                yield owner, "load_cifar10", load_cifar10
        for name, value in list(vars(self.train).items()):
            if isinstance(value, ModuleType) and value.__name__.partition(".")[0] == "matplotlib":
                yield self.train, name, Mute(value.__name__)


class Guard:
    """Sees to it that a network learns by its optimizer's steps alone, from weights drawn here.

    Between two steps a sample of the parameters is compared, which costs little, and all of them are kept now and then.
    Once something else than the optimizer wrote into them, the last ones kept are put back, and from then on all are
    kept at each step.
    """

    def __init__(self, seed: int) -> None:
        self.rng = drawing.default_rng(seed)
        self.moved = False
        self.met: list[Any] = []
        self.looks = 0
        self.kept: list[Any] = []
        self.sample: list[bytes] = []
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

    def look(self, arrays: Sequence[Any], *, whole: bool = False) -> None:
        """Note the parameters as they are; all of them if they are to be kept `whole`."""
        if whole or self.moved or self.looks % LOOKS == 0:
            self.kept = [array.copy() for array in arrays]
        self.looks += 1
        self.sample = self.sampled(arrays)

    def restore(self, arrays: Sequence[Any]) -> None:
        """Undo what was written into the parameters since the last look."""
        if self.sampled(arrays) == self.sample:
            return
        self.moved = True
        for array, before in zip(arrays, self.kept, strict=False):
            if array.shape == before.shape:
                array[...] = before
        self.sample = self.sampled(arrays)

    def sampled(self, arrays: Sequence[Any]) -> list[bytes]:
        return [self.places.of(array).tobytes() for array in arrays]


class Places:
    """One number in each STRIDE of an array, at places drawn for its size: at equal distances they would lie in a few
    columns of a matrix, and miss the others."""

    def __init__(self, rng: Any) -> None:
        self.rng = rng
        self.drawn: dict[int, Any] = {}

    def of(self, array: Any) -> Any:
        """Some of an array's numbers (M,)."""
        size = array.size
        if size not in self.drawn:
            starts = np.arange(0, size, STRIDE)
            self.drawn[size] = np.minimum(starts + self.rng.integers(STRIDE, size=len(starts)), size - 1)
        return array.ravel(order="K")[self.drawn[size]]


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
        """Whether the grader can compute a step itself. A main of the student's own may give its steps something else,
        which is `odd`; nothing of it is kept."""
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
        """As that run's loss was in this step, from 1; else a main that looks at it knows that it is not taught."""
        return float(self.losses[min(step, len(self.losses)) - 1])

    def step(self, model: Any) -> dict[str, Any]:
        """A gradient for each parameter of a model."""
        found = {}
        for name, value in model.parameters().items():
            shape = np.shape(value)
            if name not in self.drawn or self.drawn[name].shape != shape:
                self.drawn[name] = self.rng.normal(scale=self.spread.get(name, 0.0), size=shape)
            drawn = self.drawn[name]  # turned about and with another sign, which is faster than to draw again
            found[name] = np.roll(drawn, self.rng.integers(max(drawn.size, 1))) * self.rng.choice((-1, 1))
        return found


def plain(value: Any) -> Any:
    """An array itself, without what a class of the student's adds to it; its numbers as floats if they are objects."""
    array = np.asarray(value)
    return np.vectorize(float, [float])(array) if array.dtype.kind == "O" and array.size else array


def arrays_of(model: Any) -> list[Any]:
    """The arrays of floats that parameters() holds and that can be written to."""
    found = model.parameters()
    values = found.values() if isinstance(found, dict) else found if isinstance(found, (list, tuple)) else ()
    arrays = (np.asarray(one) for one in values if isinstance(one, np.ndarray))
    return [one for one in arrays if one.dtype.kind == "f" and one.flags.writeable]


class Stop(BaseException):
    """Ends a student's main at its current step."""


def start(train: Any, arguments: Sequence[str]) -> None:
    """Call main as the file's own `if __name__ == "__main__"` most likely does."""
    kept, muted = sys.argv, {name: Mute(name) for name in ("matplotlib", "matplotlib.pyplot")}
    displaced = {name: sys.modules.get(name) for name in muted}
    sys.argv = ["train.py", *arguments]
    sys.modules.update(muted)
    try:
        if main_arity(train.main):
            train.main(parsed(train))
        else:
            train.main()
    except Stop:
        return
    finally:
        sys.argv = kept
        for name, module in displaced.items():
            sys.modules.pop(name) if module is None else sys.modules.update({name: module})


def main_arity(main: Any) -> int:
    code = getattr(main, "__code__", None)
    return int(getattr(code, "co_argcount", 1))


def parsed(train: Any) -> Any:
    """The arguments from the file's own parser; the handout's, if it has no parser or one with other options."""
    make = getattr(train, "parse_args", None) or getattr(getattr(train, "parser", None), "parse_args", None)
    try:
        if make is not None:
            return make()
    except SystemExit:
        pass  # it requires other options, or lacks --run
    named = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=False))
    return SimpleNamespace(
        run=named.get("--run", "best"), data_dir="cifar-10-batches-py", plot_file="plot.pdf", seed=442,
        checkpoint_file="checkpoint.pkl", print_every=25,
    )  # fmt: skip


def resting(function: Callable[[Callable[[bool], None]], None]) -> Iterator[bool]:
    """`function(rest)` as an iterator. The function runs in its own thread; `rest(value)` yields a value and waits
    until the next one is requested. Its exceptions are raised here."""
    values: SimpleQueue[tuple[bool | None, BaseException | None]] = SimpleQueue()
    orders: SimpleQueue[bool] = SimpleQueue()

    def rest(value: bool) -> None:
        values.put((value, None))
        if not orders.get():
            raise Stop

    def body() -> None:
        try:
            function(rest)
            values.put((None, None))
        except BaseException as error:
            values.put((None, error))

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    try:
        while True:
            value, error = values.get()
            if error is not None:
                raise error
            if value is None:
                return
            yield value
            orders.put(True)
    finally:
        orders.put(False)
        thread.join(1.0)  # a thread that swallows Stop waits forever in its next step


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


def batches(count: int, size: int) -> Iterator[Any]:
    """Where the images of each batch are, in a new random order, as the handout's DataSampler draws it."""
    order = drawing.permutation(count)
    for start in range(0, count, size):
        yield order[start : start + size]


def scaled(X: Any) -> Any:
    """Bytes as float32 in [0, 1], as in the handout's load_cifar10. Divides in place, because the array is large."""
    X = X.astype(np.float32)
    X /= 255
    return X


def pair(answer: Any) -> tuple[Any, Any]:
    """training_step's (loss, grads). Raises NotImplementedError for the stub's None, FrameError for another shape."""
    if answer is None or (isinstance(answer, (tuple, list)) and all(part is None for part in answer)):
        raise NotImplementedError("training_step")
    if not isinstance(answer, (tuple, list)) or len(answer) != 2 or not isinstance(answer[1], dict):
        raise FrameError("training_step should return (loss, grads), with grads a dict")
    return answer[0], answer[1]


def expect_keys(grads: dict[Any, Any], params: Any) -> None:
    missing = [str(name)[:30] for name in params if name not in grads]
    if missing:
        raise FrameError(f"training_step returned no gradient for {', '.join(missing)[:200]}")


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
