"""A driver that runs a notebook's own training and watches its network, loss, optimizer, loop and batches.

The grader sends the pictures, those of the test set without labels; the notebook's own transforms preprocess them. The
grader requests one slice after another, and gets losses, predictions and observations (see `facts`). Nothing is decided
here.
"""

from __future__ import annotations

import ast
import contextlib
import random
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from grader.sandbox.worker.drivers import Student
from grader.sandbox.worker.wire import FrameError

from . import cuda, moved, notebook, paths, vision
from .fashion import Data
from .shell import Shell
from .slices import WALL, resting
from .watch import MEASURED, Spread, Watch, held, weighs

CHUNK = (50, 250)  # pictures to predict at once: the loop's batch size, within these limits
SAMPLE = 100  # pictures to test whether the notebook's transform gives what the loop passes to the network
HOLDERS = frozenset(("__main__", "argparse", "types"))  # modules of objects that hold settings
LAYERS = 200  # layers of the architecture to report
LIBRARY = ("torch.", "torchvision.")  # where layers are defined that are not a student's own
AFTER = 60.0  # CPU seconds that a notebook may go on after a statement that trained, if nothing more is trained


def begin(student: Student, order: dict[str, Any]) -> NotebookRun:
    """Begin this driver; see sandbox/worker/drivers.py."""
    return NotebookRun({**order, "folder": student.folder})


class NotebookRun:
    """One run. `order` holds the notebook's `name` and `cells` (number, source, execution count), the `files` of
    train_x (N, 28, 28) uint8, train_y (N,) and test_x (M, 28, 28), the `folder` to show in its code's paths, and a
    `seed`."""

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
        self.data = Data(arrays, self.watch.lent, self.watch.returned, lambda: self.pause(False))
        self.errors: list[tuple[notebook.Statement, BaseException]] = []
        self.until = (0.0, 0.0)
        self.stop = sys.maxsize  # the step to pause at
        self.told = 0
        self.counted: tuple[Any, int | None] = (None, None)
        self.rest: Callable[[bool], None] = lambda epoch: None
        self.resting = threading.Lock()
        self.now: notebook.Statement | None = None
        self.trainers: set[threading.Thread] = set()
        self.trained: dict[int, int] = {}  # cell -> number of steps in it
        self.began = 0  # steps before the current statement
        self.over = float("inf")  # CPU seconds at which a notebook that no longer trains is ended
        self.kept: list[tuple[Any, Any]] = []  # the network's tensors, with their values at the end of training
        vision.prepare()
        paths.lay(self.program.files)
        if any("idx3-ubyte" in source for source in self.sources.values()):
            self.data.lay(any(".gz" in source for source in self.sources.values()))
        self.shell = Shell(self.note_failure)
        self.names = self.shell.names
        self.data.take_over()
        self.watch.begin()
        self.pauses = resting(self.run)

    # Running

    def run(self, rest: Callable[[bool], None]) -> None:
        """Run all statements in a thread, which the shell keeps on the CPU.

        Raises the error of a statement that trained. If nothing was trained, raises the cause of most errors.
        """
        self.rest = rest
        with contextlib.suppress(Over):
            for statement in self.program.statements:
                self.now, self.began = statement, self.steps
                try:
                    self.shell.execute(statement.node, f"{self.file}{statement.cell}")
                except (Exception, SystemExit) as error:
                    self.errors.append((statement, error))
                    if self.steps > self.began:
                        raise self.cause(error) from None
                self.keep()
                self.pause(False, ended=self.steps > self.began)
            self.shell.wait(self.trainers.__contains__)
            self.keep()
        for parameter, value in self.kept:
            parameter.data = value  # undo changes to the network after training
        if not self.steps and self.errors:
            raise self.root()

    @property
    def steps(self) -> int:
        """Backward passes so far."""
        return len(self.watch.losses)

    def keep(self) -> None:
        """If the statement trained, keep the network's present values."""
        if self.steps == self.began or self.watch.model is None:
            return
        tensors = [*self.watch.model.parameters(), *self.watch.model.buffers()]
        self.kept = [(each, each.detach().clone()) for each in tensors]
        self.over = time.process_time() + AFTER

    def note_failure(self, error: Exception) -> None:
        """Note an exception in a thread of the notebook's."""
        if self.now is not None:
            self.errors.append((self.now, error))

    def root(self) -> BaseException:
        """The cause of most errors; among several causes, the last, which is nearest to training."""
        causes = [self.cause(error) for _, error in self.errors]
        counts = [sum(other is one for other in causes) for one in causes]
        return next(one for one, count in reversed(list(zip(causes, counts, strict=True))) if count == max(counts))

    def cause(self, error: BaseException) -> BaseException:
        """The first cause of an error: for an unbound name, why it was not bound, and so on, as far as known."""
        followed: set[str] = set()
        while isinstance(error, NameError) and error.name and error.name not in followed:
            followed.add(error.name)
            error = self.unbound(error.name) or error
        return error

    def unbound(self, name: str) -> BaseException | None:
        """Why a name was not bound: its statement failed, or is in a cell that could not be read."""
        for one, error in self.errors:
            if name in one.binds:
                return error
        for cell, line, text in self.program.unread:
            if re.search(rf"\b{re.escape(name)}\b", self.sources[cell]):
                return SyntaxError(text, (f"{self.file}{cell}", line, None, None))
        return None

    def pause(self, epoch: bool, stepped: bool = False, ended: bool = False) -> None:
        """Called by the watch: after a backward pass, and whenever a batch or a network is used."""
        if self.watch.blind:
            return
        if stepped:
            self.trainers.add(threading.current_thread())
            self.over = float("inf")
            if self.now is not None:
                self.trained[self.now.cell] = self.trained.get(self.now.cell, 0) + 1
            if self.counted[0] is not self.watch.model or self.steps == 1:
                self.counted = (self.watch.model, self.rounds())
        elif time.process_time() > self.over:
            raise Over
        stop = stepped and self.steps >= self.stop
        if epoch or stop or ended or time.process_time() > self.until[0] or time.monotonic() > self.until[1]:
            with self.resting:
                self.rest(epoch)

    def advance(self, seconds: float, steps: int = 0) -> dict[str, Any]:
        """Continue for `steps` steps or `seconds` of CPU, or to the end of an epoch."""
        self.stop = self.steps + steps if steps else sys.maxsize
        self.until = (time.process_time() + seconds, time.monotonic() + WALL * seconds)
        pause = next(self.pauses, None)
        losses = np.array(self.watch.losses[self.told :])
        self.told = self.steps
        trained = self.over < float("inf")  # a statement that trained has ended, and none has trained since
        return {"losses": losses, "epoch": pause is True, "ended": pause is None, "trained": trained}

    # Requests in a pause

    def predict(self, of: str, most: int, seconds: float, instead: str = "") -> dict[str, Any]:
        """Classes and their probabilities for the first `most` pictures of "test" or "training", or for as many as fit
        into `seconds` of CPU. Of the network as it is `instead` in a way (see `Watch.others`), or "in training": none
        where it does not answer then, as one that wants labels, too."""
        model, until = self.model(), time.process_time() + seconds
        classes, sure = [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
        total = min(most, self.data.count(of)) if model is not None else 0
        with self.looking(model, instead == "in training"), moved.instead(self.watch.others(instead)):
            inputs = self.inputs()
            size = min(max(CHUNK[0], self.watch.batch_size), CHUNK[1])
            for start in range(0, total, size):
                try:
                    scores = self.scores(model, inputs(self.data.raw(of, start, min(start + size, total))))
                except Exception:
                    if not instead:
                        raise
                    return {"classes": classes[0], "probabilities": sure[0]}
                best = scores.softmax(1).max(1)
                classes.append(best.indices.numpy())
                sure.append(best.values.numpy().astype(np.float32))
                if time.process_time() > until:
                    break
        return {"classes": np.concatenate(classes), "probabilities": np.concatenate(sure)}

    def inputs(self) -> Callable[[Any], Any]:
        """A function that preprocesses raw pictures for the network. It uses the transform of the notebook's test set,
        if that agrees with the inputs seen in training. Otherwise (the notebook may use `.data` directly), it shifts
        and scales pictures like those inputs."""
        try:
            own = self.data.prepared(self.data.raw("training", 0, SAMPLE))
        except Exception:  # the transform may expect other pictures than torchvision's
            own = None
        if own is not None and self.watch.fits(own):
            return lambda raw: self.watch.shaped(self.data.prepared(raw))
        spread = Spread(self.data.raw("training", 0, MEASURED))
        return lambda raw: self.watch.likened(raw, spread)

    def scores(self, model: Any, inputs: Any) -> Any:
        """A network's scores (N, 10). If it only accepts batches of the loop's size, such batches are used."""
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
        parts = list(found.values()) if isinstance(found, Mapping) else found
        if isinstance(parts, (tuple, list)) and parts:  # besides scores, a network may give its features
            scores = (one for one in parts if isinstance(one, torch.Tensor) and one.numel() == 10 * len(inputs))
            found = next(scores, parts[0])
        if not isinstance(found, torch.Tensor) or found.numel() != 10 * len(inputs):
            shape = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
            raise FrameError(f"the network returned {shape} for {len(inputs)} pictures; expected ({len(inputs)}, 10)")
        return found.detach().reshape(len(inputs), 10).float()

    def looking(self, model: Any, as_in_training: bool = False) -> Any:
        return Looking(model, self.watch, as_in_training)

    def model(self) -> Any:
        """The network that was trained last; before training, the notebook's network."""
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
            "convolves": watch.convolutions and watch.convolutions.spans,
            "kernels": watch.convolutions and watch.convolutions.kernels,
            "cells": sorted(self.trained),
            "backward": self.steps,
            "steps": watch.steps,
            "transformed": watch.transformed,
            "on_test": watch.on_test,
            "in_eval": watch.in_eval,
            "left_over": watch.left_over,
            "looks": watch.looks,
        }
        if model is None:
            return found
        parameters = list(model.parameters())
        watch.moved.compare()
        moved = watch.moved.distance(parameters) > 0
        if optimizer is None and moved:
            found["optimizer"] = "the notebook's own"
        return found | {
            "moved": moved,
            "written": bool(watch.moved.written),
            "filters": len(watch.filters()),
            "filters_moved": watch.moved.distance(watch.filters()),
            "network": type(model).__name__[:80],
            "parameters": sum(each.numel() for each in parameters),
            "trainable": sum(each.numel() for each in parameters if each.requires_grad),
            "moody": [kind for kind in ("Dropout", "BatchNorm")
                      if any(type(each).__name__.startswith(kind) for each in model.modules())],
            "strange": optimizer is not None and held(optimizer, *watch.optimizers.values()).isdisjoint(
                map(id, parameters)
            ),
            **self.described(model),
        }  # fmt: skip

    def described(self, model: Any) -> dict[str, Any]:
        """The layers in the order in which a picture passes them; if the network accepts no picture, the reason."""
        try:
            return {"layers": self.layers(model)}
        except Exception as error:
            return {"layers": [], "unfit": f"{type(error).__name__}: {error}"[:300]}

    def named(self, kind: type) -> Any:
        """The notebook's last object of a kind; None if it has none."""
        return next((value for value in reversed(self.names.values()) if isinstance(value, kind)), None)

    def settings(self, optimizer: Any) -> dict[str, float]:
        """Hyperparameters as used in training; before training, from the notebook's variables."""
        given = {name.lower(): value for name, value in self.constants()
                 if name.lower() in notebook.NAMES and type(value) in (int, float)}  # fmt: skip
        loader = getattr(self.named(DataLoader), "batch_size", None)
        found = {"batch_size": self.watch.batch_size or given.get("batch_size") or loader}
        for name, own in (("learning_rate", "lr"), ("weight_decay", "weight_decay"), ("momentum", "momentum")):
            used = optimizer.defaults.get(own) if optimizer is not None else None
            found[name] = used if type(used) in (int, float) else given.get(name, given.get(own))
        named = next((given[name] for name in notebook.EPOCHS if name in given), None)
        found["num_epoch"] = named if self.counted[1] is None else self.counted[1]
        return {name: value for name, value in found.items() if value is not None}

    def constants(self) -> Iterator[tuple[str, Any]]:
        """Yield (name, value) of what the notebook keeps in dicts and in objects of its own, then of its variables."""
        for value in self.names.values():
            kind = value if isinstance(value, type) else type(value)
            held = (
                value
                if isinstance(value, dict)
                else getattr(value, "__dict__", {})
                if kind.__module__ in HOLDERS
                else {}
            )
            yield from ((name, one) for name, one in held.items() if type(name) is str)
        yield from self.names.items()

    def rounds(self) -> int | None:
        """The number of epochs: iterations of the outermost counting loop around this backward pass whose variable is
        named after epochs; if there is none, of the outermost counting loop."""
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
        """(name, layer, output shape for one picture, parameters) of each innermost module, in calling order."""
        rows: list[tuple[str, str, tuple[int, ...], int]] = []
        handles = [model.register_forward_pre_hook(lambda *_: rows.clear())]  # `scores` may call the network twice

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
        """(cell, line, problem) for code that could not be read or failed so far, except after the last training."""
        found = [(cell, line, text[:200]) for cell, line, text in self.program.unread]
        last = max(self.trained, default=sys.maxsize)
        for statement, error in [each for each in self.errors if self.cause(each[1]) is each[1]]:
            if statement.cell <= last:
                found.append((statement.cell, statement.node.lineno, f"{type(error).__name__}: {error}"[:200]))
        return found


class Over(BaseException):
    """Ends a notebook that runs on for too long after its training."""


def evaluated(loops: Iterable[tuple[str, ast.expr]], frame: FrameType) -> Iterator[tuple[str, int]]:
    """Yield (variable, number of iterations) of counting loops, if their ranges can be evaluated in the frame."""
    for variable, call in loops:
        with contextlib.suppress(Exception):
            code = compile(ast.Expression(call), "range", "eval")
            yield variable, len(eval(code, frame.f_globals, frame.f_locals))


class Looking:
    """A block in which the grader uses the network: in evaluation mode, without gradients, and not watched. Afterwards
    all modules have their former modes. `as_in_training`: with gradients; the student's own modules behave as in
    training, but torch's, such as Dropout, do not."""

    def __init__(self, model: Any, watch: Watch, as_in_training: bool = False) -> None:
        self.modes = [(module, module.training) for module in model.modules()] if model is not None else []
        self.watch, self.as_in_training = watch, as_in_training
        grad = torch.enable_grad() if as_in_training else torch.no_grad()
        self.contexts = (grad, cuda.OnCPU(), torch.random.fork_rng(devices=[]))

    def __enter__(self) -> None:
        self.watch.blind = True
        for module, _ in self.modes:
            module.training = self.as_in_training and not type(module).__module__.startswith(LIBRARY)
        for context in self.contexts:
            context.__enter__()

    def __exit__(self, *exception: Any) -> None:
        for context in reversed(self.contexts):
            context.__exit__(*exception)
        for module, mode in self.modes:
            module.training = mode
        self.watch.blind = False
