"""A notebook's own training, run beside the student's code and watched: its network, loss, optimizer, loop and batches.

The pictures come from the grader, those of the test set without their labels, through the notebook's own transforms.
The grader asks for one slice after another; what it gets is losses and predictions, and what could be seen on the way
(see `facts`). Nothing is decided here.
"""

from __future__ import annotations

import ast
import contextlib
import random
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import Any

import numpy as np
import torch

from grader.sandbox.worker.drivers import Student
from grader.sandbox.worker.wire import FrameError

from . import cuda, notebook, paths, vision
from .fashion import Data
from .train_run import Mute, resting
from .watch import MEASURED, Spread, Watch, held, weighs

CHUNK = (50, 250)  # pictures that are predicted at once, as many as the loop's batches have between these
SAMPLE = 100  # pictures that show whether the notebook's own preparation is what the loop hands to the network
LAYERS = 200  # of the architecture that are told


def begin(student: Student, order: dict[str, Any]) -> NotebookRun:
    """How this driver is begun; see sandbox/worker/drivers.py."""
    return NotebookRun({**order, "folder": student.folder})


class NotebookRun:
    """`order`: the notebook's `name`, its `cells` (number, source, execution count), the `files` of train_x (N, 28, 28)
    uint8, train_y (N,) and test_x (M, 28, 28), the `folder` that its code is said to lie in, and a `seed`."""

    def __init__(self, order: dict[str, Any]) -> None:
        torch.set_num_threads(1)
        random.seed(order["seed"])
        np.random.seed(order["seed"] % (1 << 32))
        torch.manual_seed(order["seed"])
        self.name = order["name"]
        self.file = f"{order['folder']}/{self.name} cell "
        cells = [tuple(cell) for cell in order["cells"]]
        self.sources = {number: source for number, source, _ in cells}
        self.program = notebook.program(cells)
        self.watch = Watch(self.pause)
        arrays = {name: np.load(path, mmap_mode="r") for name, path in order["files"].items()}
        self.data = Data(arrays, self.watch.lent, self.watch.returned)
        self.names: dict[str, Any] = {"__name__": "__main__", "get_ipython": Mute("get_ipython")}
        self.errors: list[tuple[notebook.Statement, BaseException]] = []
        self.until = (0.0, 0.0)
        self.stop = sys.maxsize  # steps
        self.told = 0
        self.counted: tuple[Any, int | None] = (None, None)
        self.rest: Callable[[bool], None] = lambda epoch: None
        vision.prepare()
        paths.lay(self.program.files)
        self.data.take_over()
        self.watch.begin()
        with cuda.OnCPU():
            for statement in self.program.setup:
                self.set_up(statement)
        self.pauses = resting(self.train) if self.program.training else iter(())

    # Running

    def set_up(self, statement: notebook.Statement) -> None:
        """One statement that training may need. What it raises is told when something is missing."""
        try:
            self.execute(statement)
        except Exception as error:
            self.errors.append((statement, error))

    def execute(self, statement: notebook.Statement) -> None:
        code = compile(ast.Module([statement.node], []), f"{self.file}{statement.cell}", "exec")
        exec(code, self.names)

    def train(self, rest: Callable[[bool], None]) -> None:
        """The statements that train, in a thread of their own."""
        self.rest = rest
        with cuda.OnCPU():
            for statement in self.program.training:
                try:
                    self.execute(statement)
                except NameError as error:
                    raise self.cause(error) from None

    def cause(self, error: BaseException) -> BaseException:
        """What kept a name from being bound, followed back to where it began as far as that is known."""
        followed: set[str] = set()
        while isinstance(error, NameError) and error.name and error.name not in followed:
            followed.add(error.name)
            error = self.unbound(error.name) or error
        return error

    def unbound(self, name: str) -> BaseException | None:
        """Why a name was not bound: its statement failed, or stands in a cell that could not be read."""
        for one, error in self.errors:
            if name in one.binds:
                return error
        for cell, line, text in self.program.unread:
            if re.search(rf"\b{re.escape(name)}\b", self.sources[cell]):
                return SyntaxError(text, (f"{self.file}{cell}", line, None, None))
        return None

    def pause(self, epoch: bool) -> None:
        """Called by the watch, inside the student's loop."""
        if self.counted[0] is not self.watch.model or len(self.watch.losses) == 1:
            self.counted = (self.watch.model, self.rounds())
        stop = len(self.watch.losses) >= self.stop
        if epoch or stop or time.process_time() > self.until[0] or time.monotonic() > self.until[1]:
            self.rest(epoch)

    def advance(self, seconds: float, steps: int = 0) -> dict[str, Any]:
        """Train on, for so many steps or CPU seconds, or to the end of an epoch."""
        self.stop = len(self.watch.losses) + steps if steps else sys.maxsize
        self.until = (time.process_time() + seconds, time.monotonic() + 4 * seconds)
        pause = next(self.pauses, None)
        losses = np.array(self.watch.losses[self.told :])
        self.told = len(self.watch.losses)
        return {"losses": losses, "epoch": pause is True, "ended": pause is None}

    # What the grader asks in a pause

    def predict(self, of: str, most: int, seconds: float) -> dict[str, Any]:
        """Classes and their probabilities for the first `most` pictures of "test" or "training", or as many as can be
        done in so many CPU seconds."""
        model, until = self.model(), time.process_time() + seconds
        classes, sure = [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
        total = min(most, self.data.count(of)) if model is not None else 0
        with self.looking(model):
            inputs = self.inputs()
            size = min(max(CHUNK[0], self.watch.batch_size), CHUNK[1])
            for start in range(0, total, size):
                scores = self.scores(model, inputs(self.data.raw(of, start, min(start + size, total))))
                best = scores.softmax(1).max(1)
                classes.append(best.indices.numpy())
                sure.append(best.values.numpy().astype(np.float32))
                if time.process_time() > until:
                    break
        return {"classes": np.concatenate(classes), "probabilities": np.concatenate(sure)}

    def inputs(self) -> Callable[[Any], Any]:
        """How raw pictures become what the loop hands to the network: as the notebook prepares its test set, where
        that is what was seen in training; else, as where it works on `.data`, by shifting and scaling them to it."""
        try:
            own = self.data.prepared(self.data.raw("training", 0, SAMPLE))
        except Exception:  # it is made for other pictures than torchvision's
            own = None
        if own is not None and self.watch.fits(own):
            return lambda raw: self.watch.shaped(self.data.prepared(raw))
        spread = Spread(self.data.raw("training", 0, MEASURED))
        return lambda raw: self.watch.likened(raw, spread)

    def scores(self, model: Any, inputs: Any) -> Any:
        """A network's scores (N, 10); of one that is made for batches of the loop's own size alone, in such batches."""
        try:
            return self.answer(model, inputs)
        except Exception:
            size, count = self.watch.batch_size, len(inputs)
            if size in (0, count):
                raise
        filled = inputs[torch.arange(-(-count // size) * size) % count]
        return torch.cat([self.answer(model, batch) for batch in filled.split(size)])[:count]

    def answer(self, model: Any, inputs: Any) -> Any:
        found = model(inputs)
        found = found[0] if isinstance(found, (tuple, list)) and found else found
        if not isinstance(found, torch.Tensor) or found.numel() != 10 * len(inputs):
            shape = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
            raise FrameError(f"the network gave {shape} for {len(inputs)} pictures; expected ({len(inputs)}, 10)")
        return found.reshape(len(inputs), 10).float()

    def looking(self, model: Any) -> Any:
        return Looking(model, self.watch)

    def model(self) -> Any:
        """The network that was trained last; before training, the one that the notebook holds."""
        if self.watch.model is not None:
            return self.watch.model
        own = [value for value in self.names.values() if isinstance(value, torch.nn.Module) and weighs(value)]
        named = [self.names[name] for name in notebook.MODELS if any(self.names.get(name) is value for value in own)]
        return next(iter([*named, *reversed(own)]), None)

    def facts(self) -> dict[str, Any]:
        """Architecture, hyperparameters, and what was seen of the loop."""
        model, watch = self.model(), self.watch
        optimizer = watch.optimizer or self.named(torch.optim.Optimizer)
        criterion = self.named(torch.nn.modules.loss._Loss)
        found = {
            "settings": self.settings(optimizer),
            "optimizer": type(optimizer).__name__[:80] if optimizer is not None else "",
            "loss": type(criterion).__name__[:80] if criterion is not None else next(iter(watch.chain), ""),
            "chain": watch.chain,
            "convolves": watch.convolves,
            "backward": len(watch.losses),
            "steps": watch.steps,
            "on_test": watch.on_test,
            "in_eval": watch.in_eval,
            "left_over": watch.left_over,
            "looks": watch.looks,
        }
        if model is None:
            return found
        parameters = list(model.parameters())
        return found | {
            "network": type(model).__name__[:80],
            "parameters": sum(each.numel() for each in parameters),
            "trainable": sum(each.numel() for each in parameters if each.requires_grad),
            "moody": [kind for kind in ("Dropout", "BatchNorm")
                      if any(type(each).__name__.startswith(kind) for each in model.modules())],
            "strange": bool(optimizer and not {id(each) for each in parameters} & held(optimizer)),
            **self.described(model),
        }  # fmt: skip

    def described(self, model: Any) -> dict[str, Any]:
        """The layers as a picture passes them; of a network that no picture passes, why."""
        try:
            return {"layers": self.layers(model)}
        except Exception as error:
            return {"layers": [], "unfit": f"{type(error).__name__}: {error}"[:300]}

    def named(self, kind: type) -> Any:
        """The notebook's last object of a kind; None where it has none."""
        return next((value for value in reversed(self.names.values()) if isinstance(value, kind)), None)

    def settings(self, optimizer: Any) -> dict[str, float]:
        """Hyperparameters as they were used; where none were yet, as the notebook names them."""
        given = {name.lower(): value for name, value in self.names.items()
                 if name.lower() in notebook.NAMES and type(value) in (int, float)}  # fmt: skip
        found = {"batch_size": self.watch.batch_size or given.get("batch_size")}
        for name, own in (("learning_rate", "lr"), ("weight_decay", "weight_decay"), ("momentum", "momentum")):
            used = optimizer.defaults.get(own) if optimizer is not None else None
            found[name] = used if type(used) in (int, float) else given.get(name, given.get(own))
        named = next((given[name] for name in notebook.EPOCHS if name in given), None)
        found["num_epoch"] = named if self.counted[1] is None else self.counted[1]
        return {name: value for name, value in found.items() if value is not None}

    def rounds(self) -> int | None:
        """How often the loop over epochs goes round: of those around this backward pass that count, the outermost whose
        variable says so, or the outermost."""
        found: list[tuple[str, int]] = []
        frame: FrameType | None = sys._getframe()
        while frame is not None:
            cell = frame.f_code.co_filename.removeprefix(self.file)
            loops = notebook.rounds(self.program, int(cell), frame.f_lineno) if cell.isdecimal() else ()
            found = [*evaluated(loops, frame), *found]
            frame = frame.f_back
        named = [count for variable, count in found if "epoch" in variable.lower()]
        return next(iter([*named, *(count for _, count in found)]), None)

    def layers(self, model: Any) -> list[tuple[str, str, tuple[int, ...], int]]:
        """(name, layer, shape of what it gives for one picture, parameters) of each innermost module, as it is met."""
        rows: list[tuple[str, str, tuple[int, ...], int]] = []
        handles = [model.register_forward_pre_hook(lambda *_: rows.clear())]  # of a second try, too

        def note(name: str) -> Callable[..., None]:
            def hook(module: Any, given: Any, out: Any) -> None:
                shape = tuple(out.shape[1:]) if isinstance(out, torch.Tensor) else ()
                count = sum(each.numel() for each in module.parameters())
                if len(rows) < LAYERS:
                    rows.append((name[:80], str(module)[:120], shape, count))

            return hook

        for name, module in model.named_modules():
            if not any(True for _ in module.children()):
                handles.append(module.register_forward_hook(note(name)))
        try:
            with self.looking(model):
                self.scores(model, self.inputs()(self.data.raw("test", 0, 2)))
        finally:
            for handle in handles:
                handle.remove()
        return rows

    def problems(self) -> list[tuple[int, int, str]]:
        """(cell, line, what is wrong) of what could not be read or run before training."""
        found = [(cell, line, text[:200]) for cell, line, text in self.program.unread]
        for statement, error in [each for each in self.errors if self.cause(each[1]) is each[1]]:
            found.append((statement.cell, statement.node.lineno, f"{type(error).__name__}: {error}"[:200]))
        return found


def evaluated(loops: Iterable[tuple[str, ast.expr]], frame: FrameType) -> Iterator[tuple[str, int]]:
    """(variable, rounds) of loops that count, as far as their numbers are known where they run."""
    for variable, call in loops:
        with contextlib.suppress(Exception):
            code = compile(ast.Expression(call), "range", "eval")
            yield variable, len(eval(code, frame.f_globals, frame.f_locals))


class Looking:
    """A pause in which the network is asked: in evaluation mode, without gradients, unseen by the watch, and left in
    the modes in which it was found."""

    def __init__(self, model: Any, watch: Watch) -> None:
        self.modes = [(module, module.training) for module in model.modules()] if model is not None else []
        self.watch, self.contexts = watch, (torch.no_grad(), cuda.OnCPU(), torch.random.fork_rng(devices=[]))

    def __enter__(self) -> None:
        self.watch.blind = True
        for module, _ in self.modes:
            module.training = False
        for context in self.contexts:
            context.__enter__()

    def __exit__(self, *exception: Any) -> None:
        for context in reversed(self.contexts):
            context.__exit__(*exception)
        for module, mode in self.modes:
            module.training = mode
        self.watch.blind = False
