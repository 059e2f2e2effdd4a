"""What can be seen of a training loop from outside, while a notebook runs it."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.optim.optimizer import register_optimizer_step_post_hook

from .train_run import replace

OPERATIONS = 10_000  # of a loss, that are looked at
LOOKS = 20  # backward passes between two looks at what the gradients held before
PIXELS = 28 * 28
MEASURED = 2000  # pictures of which the mean and the deviation are taken, as the network is given them
SHIFTED, WIDER = 0.25, 4 / 3  # in deviations, and as a factor: from here on pictures were prepared in another way


class Spread:
    """Mean and deviation of the numbers in a network's inputs: they tell one preparation of pictures from another."""

    def __init__(self, *batches: Any) -> None:
        self.pictures = self.numbers = 0
        self.total = self.squares = 0.0
        for batch in batches:
            self.add(batch)

    def add(self, batch: Any) -> None:
        numbers = batch[:MEASURED].detach().double()
        self.pictures += len(numbers)
        self.numbers += numbers.numel()
        self.total += float(numbers.sum())
        self.squares += float(numbers.square().sum())

    @property
    def mean(self) -> float:
        return self.total / max(self.numbers, 1)

    @property
    def deviation(self) -> float:
        return math.sqrt(max(self.squares / max(self.numbers, 1) - self.mean**2, 1e-12))

    def like(self, other: Spread) -> bool:
        """Whether two are of pictures that were prepared alike; noise, flips and chance make less of a difference."""
        shifted = abs(self.mean - other.mean) < SHIFTED * other.deviation
        return shifted and 1 / WIDER < self.deviation / other.deviation < WIDER


@dataclass(eq=False)
class Pass:
    """One way of a loader through its batches: whether they are of the test set, and whether any was learned from."""

    of_test: bool
    learned: bool = False


class Watch:
    """What can be seen of a loop from outside: which network is called, what is lost, what the optimizer does.

    `pause(epoch, stepped)` is called after each backward pass, which is a step; when a loader is through, of which it
    tells whether its batches were learned from; and wherever a batch is taken or a network called, so that code which
    evaluates for long is no hang.
    """

    def __init__(self, pause: Callable[[bool, bool], None]) -> None:
        self.pause = pause
        self.blind = self.awaiting = self.stepped = False
        self.within = threading.local()
        self.model: Any = None
        self.optimizer: Any = None
        self.shape: tuple[int, ...] | None = None
        self.given = Spread()
        self.kind: Any = None
        self.losses: list[float] = []
        self.chain: list[str] = []
        self.convolves: bool | None = None  # before the first loss it is not known
        self.lender: Pass | None = None  # of the last batch, until it is learned from
        self.batch_size = self.steps = self.in_eval = self.looks = self.left_over = self.on_test = 0

    def begin(self) -> None:
        register_module_forward_pre_hook(self.called)
        register_optimizer_step_post_hook(self.step)
        library: Any = torch.autograd
        backward, grad = library.backward, library.grad

        def watched(tensors: Any, *args: Any, **kwargs: Any) -> None:  # Tensor.backward calls it
            with self.passing(tensors):
                backward(tensors, *args, **kwargs)

        def derived(outputs: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            given = inputs if isinstance(inputs, (tuple, list)) else [inputs]
            if not any(isinstance(each, torch.nn.Parameter) for each in given):
                return grad(outputs, inputs, *args, **kwargs)  # of a picture, as saliency maps are made
            with self.passing(outputs):
                return grad(outputs, inputs, *args, **kwargs)

        replace(library, "backward", watched)
        replace(library, "grad", derived)

    @contextmanager
    def passing(self, losses: Any) -> Iterator[None]:
        """One backward pass; torch and OnCPU call for it again, which is the same one."""
        if getattr(self.within, "pass_", False):
            yield
            return
        loss = losses if isinstance(losses, torch.Tensor) else next(iter(losses))
        self.before(loss)
        self.within.pass_ = True
        try:
            yield
        finally:
            self.within.pass_ = False
        self.pause(False, True)

    def lent(self, lender: Pass) -> None:
        self.pause(False, False)
        self.lender, self.awaiting = lender, True

    def returned(self, lender: Pass) -> None:
        self.lender = None
        self.pause(lender.learned, False)

    def called(self, module: Any, args: tuple[Any, ...]) -> None:
        """The first module with parameters that is given a batch in training is the network; its parts come after."""
        self.pause(False, False)
        if not self.awaiting or self.blind or not torch.is_grad_enabled():
            return
        if args and isinstance(args[0], torch.Tensor) and weighs(module):
            self.given = self.given if module is self.model else Spread()
            self.model, self.shape, self.kind, self.awaiting = module, tuple(args[0].shape[1:]), args[0].dtype, False
            self.batch_size = max(self.batch_size, len(args[0]))
            if self.given.pictures < MEASURED:
                self.given.add(args[0])

    def before(self, loss: Any) -> None:
        self.losses.append(float(loss.detach()) if loss.numel() == 1 else math.nan)
        if len(self.losses) == 1:
            self.chain, self.convolves = chain(loss), convolves(loss)
        if self.lender is not None:
            self.lender.learned = True
            self.on_test += self.lender.of_test
            self.lender = None
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

    def fits(self, pictures: Any) -> bool:
        """Whether pictures are prepared as those that were seen, or none were seen that others could be likened to."""
        return self.given.pictures == 0 or math.prod(self.shape or ()) != PIXELS or self.given.like(Spread(pictures))

    def shaped(self, pictures: Any) -> Any:
        """Pictures in the shape and type in which the loop hands them to the network, flattened for example."""
        if self.shape is None or pictures[0].numel() != math.prod(self.shape):
            return pictures
        return pictures.reshape(len(pictures), *self.shape).to(self.kind)

    def likened(self, pictures: Any, raw: Spread) -> Any:
        """Raw pictures, whose spread is `raw`, shifted and scaled to what was seen; to [0, 1] where nothing was."""
        scale = self.given.deviation / raw.deviation if self.given.pictures else 1 / 255
        shift = self.given.mean - scale * raw.mean if self.given.pictures else 0.0
        return self.shaped(pictures.float().mul_(scale).add_(shift).unsqueeze(1))


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


def convolves(loss: Any) -> bool:
    """Whether a convolution, or the windows that one is made of, led to a loss."""
    seen: set[Any] = set()
    waiting = [loss.grad_fn]
    while waiting and len(seen) < OPERATIONS:
        at = waiting.pop()
        if at is None or at in seen:
            continue
        seen.add(at)
        if any(part in at.name().lower() for part in ("conv", "im2col", "unfold")):
            return True
        waiting += [following for following, _ in at.next_functions]
    return False
