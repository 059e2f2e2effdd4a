"""A notebook's own training, run beside the student's code and watched: its network, loss, optimizer, loop and batches.

The pictures come from the grader, those of the test set without their labels, through the notebook's own transforms.
The grader asks for one slice after another; what it gets is losses and predictions, and what could be seen on the way
(see `facts`). Nothing is decided here.
"""

from __future__ import annotations

import ast
import math
import random
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.optim.optimizer import register_optimizer_step_post_hook

from grader.worker import cuda, notebook, vision
from grader.worker.fashion import Data
from grader.worker.training import Mute, replace, resting
from grader.worker.wire import FrameError

CHUNK = 250  # pictures that are predicted at once
LOOKS = 20  # backward passes between two looks at what the gradients held before
LAYERS = 200  # of the architecture that are told


class Run:
    """`order`: the notebook's `name`, its `cells` (number, source, execution count), the `files` of train_x (N, 28, 28)
    uint8, train_y (N,) and test_x (M, 28, 28), the `folder` that its code is said to lie in, and a `seed`."""

    def __init__(self, order: dict[str, Any]) -> None:
        torch.set_num_threads(1)
        random.seed(order["seed"])
        np.random.seed(order["seed"] % (1 << 32))
        torch.manual_seed(order["seed"])
        self.name = order["name"]
        self.file = f"{order['folder']}/{self.name} cell "
        self.program = notebook.program([tuple(cell) for cell in order["cells"]])
        self.watch = Watch(self.pause)
        arrays = {name: np.load(path, mmap_mode="r") for name, path in order["files"].items()}
        self.data = Data(arrays, self.watch.lent, self.watch.returned)
        self.names: dict[str, Any] = {"__name__": "__main__", "get_ipython": Mute("get_ipython")}
        self.errors: list[tuple[notebook.Statement, BaseException]] = []
        self.until = (0.0, 0.0)
        self.told = 0
        self.rest: Callable[[bool], None] = lambda epoch: None
        vision.prepare()
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

    def cause(self, error: NameError) -> BaseException:
        """What kept a name from being bound, where that is known."""
        return next((earlier for one, earlier in self.errors if error.name in one.binds), error)

    def pause(self, epoch: bool) -> None:
        """Called by the watch, inside the student's loop."""
        if epoch or time.process_time() > self.until[0] or time.monotonic() > self.until[1]:
            self.rest(epoch)

    def advance(self, seconds: float) -> dict[str, Any]:
        """Train on, for so many CPU seconds or to the end of an epoch."""
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
            for start in range(0, total, CHUNK):
                scores = self.scores(model, self.data.pictures(of, start, min(start + CHUNK, total)))
                best = scores.softmax(1).max(1)
                classes.append(best.indices.numpy())
                sure.append(best.values.numpy().astype(np.float32))
                if time.process_time() > until:
                    break
        return {"classes": np.concatenate(classes), "probabilities": np.concatenate(sure)}

    def scores(self, model: Any, pictures: Any) -> Any:
        found = model(self.watch.shaped(pictures))
        found = found[0] if isinstance(found, (tuple, list)) and found else found
        if not isinstance(found, torch.Tensor) or found.numel() != 10 * len(pictures):
            shape = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
            raise FrameError(f"the network gave {shape} for {len(pictures)} pictures; expected ({len(pictures)}, 10)")
        return found.reshape(len(pictures), 10).float()

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
            "backward": len(watch.losses),
            "steps": watch.steps,
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
        given = {name: self.names[name] for name in notebook.NAMES if type(self.names.get(name)) in (int, float)}
        found = {"batch_size": self.watch.batch_size or given.get("batch_size")}
        for name, own in (("learning_rate", "lr"), ("weight_decay", "weight_decay"), ("momentum", "momentum")):
            used = optimizer.defaults.get(own) if optimizer is not None else None
            found[name] = used if type(used) in (int, float) else given.get(name, given.get(own))
        found["num_epoch"] = next(
            (given[name] for name in ("num_epoch", "num_epochs", "epochs") if name in given), None
        )
        return {name: value for name, value in found.items() if value is not None}

    def layers(self, model: Any) -> list[tuple[str, str, tuple[int, ...], int]]:
        """(name, layer, shape of what it gives for one picture, parameters) of each innermost module, as it is met."""
        rows: list[tuple[str, str, tuple[int, ...], int]] = []
        handles = []

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
                self.scores(model, self.data.pictures("test", 0, 2))
        finally:
            for handle in handles:
                handle.remove()
        return rows

    def problems(self) -> list[tuple[int, int, str]]:
        """(cell, line, what is wrong) of what could not be read or run before training."""
        found = [(cell, line, text[:200]) for cell, line, text in self.program.unread]
        for statement, error in self.errors:
            found.append((statement.cell, statement.node.lineno, f"{type(error).__name__}: {error}"[:200]))
        return found


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


class Watch:
    """What can be seen of a loop from outside: which network is called, what is lost, what the optimizer does.

    `pause(epoch)` is called after each backward pass, and with True when a loader over training batches is through.
    """

    def __init__(self, pause: Callable[[bool], None]) -> None:
        self.pause = pause
        self.blind = self.awaiting = self.stepped = self.within = False
        self.model: Any = None
        self.optimizer: Any = None
        self.shape: tuple[int, ...] | None = None
        self.losses: list[float] = []
        self.chain: list[str] = []
        self.batch_size = self.steps = self.in_eval = self.looks = self.left_over = self.seen = 0

    def begin(self) -> None:
        register_module_forward_pre_hook(self.called)
        register_optimizer_step_post_hook(self.step)
        backward = torch.Tensor.backward

        def watched(loss: Any, *args: Any, **kwargs: Any) -> None:
            if self.within:  # OnCPU calls it once more
                backward(loss, *args, **kwargs)
                return
            self.before(loss)
            self.within = True
            try:
                backward(loss, *args, **kwargs)
            finally:
                self.within = False
            self.pause(False)

        replace(torch.Tensor, "backward", watched)

    def lent(self) -> None:
        self.awaiting = True

    def returned(self, batches: int) -> None:
        if len(self.losses) > self.seen:
            self.seen = len(self.losses)
            self.pause(True)

    def called(self, module: Any, args: tuple[Any, ...]) -> None:
        """The first module with parameters that is given a batch in training is the network; its parts come after."""
        if not self.awaiting or self.blind or not torch.is_grad_enabled():
            return
        if args and isinstance(args[0], torch.Tensor) and weighs(module):
            self.model, self.shape, self.awaiting = module, tuple(args[0].shape[1:]), False
            self.batch_size = max(self.batch_size, len(args[0]))

    def before(self, loss: Any) -> None:
        self.losses.append(float(loss.detach()) if loss.numel() == 1 else math.nan)
        if len(self.losses) == 1:
            self.chain = chain(loss)
        if self.model is None:
            return
        self.in_eval += not self.model.training
        if self.stepped and len(self.losses) % LOOKS == 1:
            self.looks += 1
            self.left_over += any(bool(each.grad.any()) for each in self.model.parameters() if each.grad is not None)
            self.stepped = False

    def step(self, optimizer: Any, *_: Any) -> None:
        self.optimizer, self.stepped, self.awaiting = optimizer, True, True
        self.steps += 1

    def shaped(self, pictures: Any) -> Any:
        """Pictures in the shape in which the loop hands them to the network, flattened for example."""
        if self.shape is None or pictures[0].numel() != math.prod(self.shape):
            return pictures
        return pictures.reshape(len(pictures), *self.shape)


def weighs(module: Any) -> bool:
    """Whether a module has any parameters."""
    return any(True for _ in module.parameters())


def held(optimizer: Any) -> set[int]:
    """The ids of the parameters that an optimizer changes."""
    return {id(each) for group in optimizer.param_groups for each in group["params"]}


def chain(loss: Any) -> list[str]:
    """What the loss was computed by, from its last operation back, along each first input."""
    found: list[str] = []
    at = loss.grad_fn
    while at is not None and len(found) < 6:
        found.append(at.name().removesuffix("Backward0")[:40])
        at = at.next_functions[0][0] if at.next_functions else None
    return found
