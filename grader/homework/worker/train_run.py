"""A driver that trains a student's model in the student's process.

The grader requests one slice after another and decides after each whether to go on. It gets losses, and at the end of
each epoch predictions. Only the grader knows the validation labels. Batches are drawn and parameters are moved as the
handout does it; the images arrive as bytes and are scaled to float32 in [0, 1], as in the handout.
"""

from __future__ import annotations

import ast
import importlib
import math
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from grader.sandbox.worker.drivers import Student
from grader.sandbox.worker.wire import FrameError

from .pools import Pool
from .replaced import Mute, replaced
from .slices import WALL, Stop, resting
from .steps import Guard, Kept, Noise, arrays_of, drawing, np, number, plain

CHUNK = 100  # images to predict at once; so few fit the CPU's cache, which makes up for the time to scale them
LOOKS = 50  # steps between two tests whether training_step wrote to its batch, after the first few steps
FITTED, CLOSE = 200, 1e-3  # images that tell how a main changes all of them, and to what they have to agree
LEAST = 3  # so many at least: with two, some factor and offset always agree
EXPLODED = 1e4  # a loss of this many times the first one has exploded


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
        self.lens: tuple[Any, Any] | None = None  # by what an own main multiplies each pixel, and what it adds
        self.taken_out: Any = None  # the images of the latest batch of an own main, as its sampler gave them
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
        arrays = {
            str(name)[:80]: np.asarray(value, np.float32)
            for name, value in found.items()
            if isinstance(value, np.ndarray) and value.dtype.kind == "f"
        }
        return arrays if self.lens is None else through(self.lens, arrays)

    def kept_step(self, at: int) -> dict[str, Any]:
        """The step with the largest gradients (0), or one of those kept at random; nothing if there is none."""
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
                self.guard.step(self.held(), rate, [grads[name] for name in self.params])
                if self.over():
                    yield False
            yield True

    def begin(self) -> None:
        random.seed(self.seed)
        drawing.seed(self.seed)

    def held(self) -> list[Any]:
        """The arrays of the parameters, in the handout's loop as they were before the first step: another call of
        parameters() may return others."""
        return list(self.params.values()) if self.settings else arrays_of(self.model)

    def batch(self, at: Any) -> tuple[Any, Any]:
        """A batch as it is given to a step of the handout's loop, read anew: a copy for each step would take long."""
        return scaled(self.X[at]), self.y[at]

    def taken(
        self, model: Any, X: Any, y: Any, reg: Any, batch: Callable[[], tuple[Any, Any]]
    ) -> tuple[Any, dict[str, Any], dict[str, Any]]:
        """Take one training_step: its answer, and its gradients as arrays that no code of the student's can change any
        more. Keeps the loss. `batch` gives X and y as they were before. Raises as `pair` and `expect_keys` for a
        malformed answer."""
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
                if self.lens is not None:
                    chunk = (chunk * self.lens[0] + self.lens[1]).astype(np.float32)
                found[name][start : start + CHUNK] = self.predict(chunk)
                self.guard.restore(self.held())
                if self.over():
                    yield {}
        yield found

    def predict(self, images: Any) -> Any:
        """The model's classes (N,) for images; floats that are whole numbers are classes, too, as for check_accuracy.
        Raises FrameError for anything else."""
        found = np.asarray(self.model.predict(images))
        if found.shape != (len(images),) or found.dtype.kind not in "iuf" or (np.trunc(found) != found).any():
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
        given = loaded = len(self.X)
        sampled, seen, size, whole = 0, 0, 0, False

        def load_cifar10(data_dir: Any = "", num_train: int = 10000, num_val: int = 5000, *_: Any, **__: Any) -> Any:
            """As the handout's, but its validation images are the last of those to train on, so that a main which stops
            early has labels to stop by; those that count are none of them. All labels of test images are 0."""
            nonlocal given, loaded, sampled
            X, y = scaled(self.X[:num_train]), self.y[:num_train].copy()
            first = len(self.X) - len(self.watched["validation"][:num_val])
            X_val, y_val = scaled(self.X[first:]), self.y[first:].copy()
            given = loaded = len(X)
            sampled, self.lens = 0, None
            self.settings = self.settings | {"num_train": loaded}
            return X, y, X_val, y_val, X_val.copy(), np.zeros(len(X_val), np.int64)

        def sample(X: Any, y: Any) -> None:
            """Note the images of a DataSampler if they are among the loaded ones; the longest one is for training. More
            than were asked for are for validation: where there are few images, all of them may be."""
            nonlocal loaded, sampled
            if sampled < np.size(y) <= given and np.array_equal(y, self.y[: np.size(y)]):
                loaded = sampled = np.size(y)
                self.lens = lens(scaled(self.X[: np.size(y)][:FITTED]), X[:FITTED])
                self.settings = self.settings | {"num_train": loaded}

        def training_step(model: Any, X: Any, y: Any, reg: Any) -> Any:
            nonlocal seen, size, whole
            if whole or self.over():
                ended, whole = whole, False
                rest(ended)
            if model is not self.model:
                self.model, self.first = model, None
                self.lens = self.lens or (None if self.taken_out is None else lens(self.taken_out, X))
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
            sample(X, y)

        def iterate(sampler: Any) -> Iterator[Any]:
            """Taking a batch is a sign of life: a main that measures an accuracy for long does not hang."""
            for batch in batches(sampler):
                if self.over():
                    rest(False)
                self.taken_out = batch[0]
                yield batch

        yield optim.SGD, "__init__", remember
        yield data.DataSampler, "__iter__", iterate
        yield data.DataSampler, "__init__", draw
        yield classifier.Classifier, "save", lambda model, filename: None
        others = {id(old): new for _, _, old, new in pools()} | {id(self.step): training_step}
        yield from ((owner, name, new) for owner, name, _, new in pools())
        for owner in dict.fromkeys((data, self.train, *beside(self.train))):
            if hasattr(owner, "load_cifar10"):
                yield owner, "load_cifar10", load_cifar10
            for name, value in list(vars(owner).items()):
                if id(value) in others:
                    yield owner, name, others[id(value)]
                elif isinstance(value, ModuleType) and value.__name__.partition(".")[0] == "matplotlib":
                    yield owner, name, Mute(value.__name__)


def start(train: Any, arguments: Sequence[str]) -> None:
    """Call main as the file's own `if __name__ == "__main__"` does, or most likely does."""
    kept, muted = sys.argv, {name: Mute(name) for name in ("matplotlib", "matplotlib.pyplot")}
    displaced = {name: sys.modules.get(name) for name in muted}
    sys.argv = ["train.py", *arguments]
    sys.modules.update(muted)
    try:
        given = given_to_main(train)
        if given is not None and len(given[0]) <= main_arity(train.main):
            train.main(*given[0], **given[1])
        elif main_arity(train.main):
            train.main(parsed(train))
        else:
            train.main()
    except Stop:
        return
    finally:
        sys.argv = kept
        for name, module in displaced.items():
            sys.modules.pop(name) if module is None else sys.modules.update({name: module})


class Called(BaseException):
    """Ends what a file does as a script where it calls main."""


def given_to_main(train: Any) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """What the file's own `if __name__ == "__main__"` gives main; None if it does not get so far."""
    own, found = train.main, []

    def main(*args: Any, **keywords: Any) -> None:
        found.append((args, keywords))
        raise Called

    try:
        body = script(ast.parse(Path(train.__file__).read_bytes()))
        if not any(isinstance(node, ast.Name) and node.id == "main" for node in ast.walk(body)):
            return None
        train.main = main
        exec(compile(body, train.__file__, "exec"), vars(train))
    except (Called, SystemExit):
        pass  # SystemExit: it requires other options, or lacks --run
    except Exception:
        return None  # another way may do
    finally:
        train.main = own
    return next(iter(found), None)


def script(tree: ast.Module) -> ast.Module:
    """What a file does only where it is run as a script."""
    tests = (node for node in tree.body if isinstance(node, ast.If) and "__main__" in ast.unparse(node.test))
    return ast.Module([one for node in tests for one in node.body], [])


def pools() -> Iterator[tuple[Any, str, Any, Any]]:
    """Yield (owner, attribute, its value, another one) of what starts processes, if the student's code imports it."""
    library, futures = (sys.modules.get(name) for name in ("multiprocessing", "concurrent.futures.process"))
    if library is not None:
        yield library, "Pool", library.Pool, Pool
        base: Any = library.context.BaseContext
        yield base, "Pool", base.Pool, lambda _, *args, **named: Pool(*args, **named)
    if futures is not None:
        package: Any = importlib.import_module("concurrent.futures")
        kind = package.ProcessPoolExecutor
        yield package, "ProcessPoolExecutor", kind, lambda *_, **__: package.ThreadPoolExecutor(1)


def beside(train: Any) -> Iterator[ModuleType]:
    """Yield the modules that lie where train.py does: a main may train by what it imports from them."""
    folder = Path(getattr(train, "__file__", None) or "/nowhere/train.py").parent
    for module in list(sys.modules.values()):
        if isinstance(module, ModuleType) and folder in Path(getattr(module, "__file__", None) or "").parents:
            yield module


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


def lens(images: Any, changed: Any) -> tuple[Any, Any] | None:
    """By what each pixel of images (N, 3072) is multiplied, and what is added, in a main that standardizes them; None
    if they are the same, are changed in another way, or are too few to tell."""
    X, now = images.astype(float), np.asarray(changed)
    if len(X) < LEAST or now.shape != X.shape or now.dtype.kind not in "iuf" or np.allclose(X, now, atol=CLOSE):
        return None
    pixels, low, high = np.arange(X.shape[1]), X.argmin(axis=0), X.argmax(axis=0)
    span = X[high, pixels] - X[low, pixels]
    factor = np.where(span > 0, (now[high, pixels] - now[low, pixels]) / np.where(span > 0, span, 1), 1.0)
    offset = now[low, pixels] - factor * X[low, pixels]
    return (factor, offset) if np.allclose(X * factor + offset, now, rtol=CLOSE, atol=CLOSE) else None


def through(seen: tuple[Any, Any], arrays: dict[str, Any]) -> dict[str, Any]:
    """A network's parameters, with which it sees images as they are where it was trained on what `lens` tells of."""
    factor, offset = seen
    name = next((name for name, one in arrays.items() if one.ndim == 2 and len(one) == len(factor)), None)
    if name is None:
        return arrays
    weight, shift = arrays[name], offset @ arrays[name]
    sizes = (shift.shape, (1, *shift.shape), (*shift.shape, 1))
    folded = {name: (factor[:, None] * weight).astype(np.float32)}
    for bias in [key for key, one in arrays.items() if one.shape in sizes][:1]:
        folded[bias] = (arrays[bias] + shift.reshape(arrays[bias].shape)).astype(np.float32)
    return arrays | folded


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
