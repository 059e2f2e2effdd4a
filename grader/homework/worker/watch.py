"""Watches a training loop from outside, while a notebook runs it."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

from torch.nn.modules.module import register_module_forward_pre_hook
from torch.optim.optimizer import register_optimizer_step_pre_hook

from .moved import Moved, torch
from .replaced import replace

OPERATIONS = 10_000  # most operations of a loss to search
LOOKS = 20  # backward passes between two tests whether old gradients were left, or for convolutions
PIXELS = 28 * 28
# To know a marked picture: how many grey levels it has in every second column at least, how many of these may be the
# same in the columns between, and how many times the least difference of two levels is that of all at most.
LEVELS, SHARED, STEPS = 20, 2, 260
NUDGE = 1e-4  # parameters that change by this share change no answer that they give
MEASURED = 2000  # pictures used for the mean and deviation of the network's inputs
# Pictures were preprocessed differently if their means differ by more than SHIFTED deviations, or their deviations by
# more than the factor WIDER.
SHIFTED, WIDER = 0.25, 4 / 3


class Spread:
    """Mean and deviation of the numbers in a network's inputs. They show how pictures were preprocessed."""

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
        """Whether the pictures of both were preprocessed alike. Noise, flips and chance change less than the limits."""
        shifted = abs(self.mean - other.mean) < SHIFTED * other.deviation
        return shifted and 1 / WIDER < self.deviation / other.deviation < WIDER


@dataclass(eq=False)
class Pass:
    """One pass of a loader over its batches: whether they are of the test set, and whether any was used in training."""

    of_test: bool
    learned: bool = False


class Watch:
    """Watches a loop from outside: which network is called, its losses, what the optimizer does.

    `pause(epoch, stepped)` is called in three cases: after each backward pass (a step); at the end of a loader (`epoch`
    says whether its batches were used in training); and whenever a batch is taken or a network called, so that a long
    evaluation does not look like a hang.
    """

    def __init__(self, pause: Callable[[bool, bool], None]) -> None:
        self.pause = pause
        self.blind = self.awaiting = self.stepped = self.transformed = False
        self.within = threading.local()
        self.model: Any = None
        self.candidate: tuple[Any, Any] | None = None  # a module, and the batch that it was called with
        self.optimizer: Any = None  # that of the last step
        self.optimizers = WeakValueDictionary[int, Any]()  # by id, all that took a step
        self.hooked = WeakKeyDictionary[Any, tuple[int, int]]()  # optimizer -> the watch's own hooks of its step
        self.shape: tuple[int, ...] | None = None
        self.given = Spread()
        self.kind: Any = None
        self.given_marked = False  # whether the last batch is of the test set's own pictures
        self.losses: list[float] = []
        self.chain: list[str] = []
        self.moved = Moved()
        self.convolutions: Convolutions | None = None  # None before the first loss
        self.convolving: Any = None  # the network that they belong to
        self.lender: Pass | None = None  # the pass of the last batch, until the batch is used in training
        self.batch_size = self.steps = self.in_eval = self.looks = self.left_over = self.on_test = 0

    def begin(self) -> None:
        register_module_forward_pre_hook(self.called)
        register_optimizer_step_pre_hook(self.steps_next)
        library: Any = torch.autograd
        backward, grad = library.backward, library.grad

        def watched(tensors: Any, *args: Any, **kwargs: Any) -> None:  # Tensor.backward calls it
            with self.passing(tensors):
                backward(tensors, *args, **kwargs)

        def derived(outputs: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            given = inputs if isinstance(inputs, (tuple, list)) else [inputs]
            if not any(isinstance(each, torch.nn.Parameter) for each in given):
                return grad(outputs, inputs, *args, **kwargs)  # with respect to a picture, as for saliency maps
            with self.passing(outputs):
                return grad(outputs, inputs, *args, **kwargs)

        replace(library, "backward", watched)
        replace(library, "grad", derived)
        for name in ("grad", "grad_and_value", "vjp"):
            replace(torch.func, name, self.noted(getattr(torch.func, name)))

    def noted(self, transform: Callable[..., Any]) -> Callable[..., Any]:
        """A function of torch.func. What it derives is no backward pass, and has no loss that could be looked at."""

        def transformed(*args: Any, **kwargs: Any) -> Any:
            self.transformed = True
            return transform(*args, **kwargs)

        return transformed

    @contextmanager
    def passing(self, losses: Any) -> Iterator[None]:
        """Count one backward pass. Nested calls, by torch itself or OnCPU, belong to the same pass."""
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
        """Note the first module with parameters that gets a batch in training. Its parts follow later. It is the
        network if it is learned from (see `before`): a layer may be called to show what it sees."""
        self.pause(False, False)
        if not self.awaiting or self.blind or not torch.is_grad_enabled():
            return
        if args and isinstance(args[0], torch.Tensor) and weighs(module):
            self.candidate, self.awaiting = (module, args[0].detach()), False

    def adopt(self, module: Any, batch: Any) -> None:
        """This module, called with this batch, is the network."""
        self.given = self.given if module is self.model else Spread()
        self.given_marked = is_marked(batch)
        self.model, self.shape, self.kind, self.candidate = module, tuple(batch.shape[1:]), batch.dtype, None
        self.batch_size = max(self.batch_size, len(batch))
        if self.given.pictures < MEASURED:
            self.given.add(batch)

    def before(self, loss: Any) -> None:
        if self.candidate is not None:
            self.adopt(*self.candidate)
        self.losses.append(float(loss.detach()) if loss.numel() == 1 else math.nan)
        if len(self.losses) == 1:
            self.chain = chain(loss)
        if self.convolutions is None or self.convolving is not self.model or self.looks_again():
            self.convolutions, self.convolving = convolutions(loss), self.model
        if self.lender is not None:
            self.lender.learned = True
        self.on_test += self.given_marked or (self.lender is not None and self.lender.of_test)
        self.lender, self.given_marked = None, False
        if self.model is None:
            return
        self.moved.see(self.model.parameters())
        if not self.steps:
            self.moved.take()  # a loop without an optimizer has changed them itself
        self.in_eval += not self.model.training
        if self.stepped and len(self.losses) % LOOKS == 1:
            self.looks += 1
            taught = held(*self.optimizers.values())  # what no optimizer has, none sets to zero
            gradients = [each.grad for each in self.model.parameters() if each.grad is not None and id(each) in taught]
            self.left_over += any(bool(each.any()) for each in gradients)
        self.stepped = False  # what adds up between two steps is not left over

    def looks_again(self) -> bool:
        """Whether a convolution may contribute to the loss since the last look: layers may be trained one after
        another."""
        return len(self.losses) % LOOKS == 1 and self.convolutions is not None and not self.convolutions.spans

    def steps_next(self, optimizer: Any, args: Any, kwargs: Any) -> Any:
        """Called before all other hooks of an optimizer's step: those of the watch come last before the step and first
        after it, so that what others write is not the step's. So it is with a closure that the step calls."""
        self.moved.see(each for group in optimizer.param_groups for each in group["params"])
        before, after = optimizer._optimizer_step_pre_hooks, optimizer._optimizer_step_post_hooks
        if optimizer not in self.hooked:
            hooks = optimizer.register_step_pre_hook(self.compare), optimizer.register_step_post_hook(self.step)
            self.hooked[optimizer] = hooks[0].id, hooks[1].id
        last, first = self.hooked[optimizer]
        before.move_to_end(last)
        after.move_to_end(first, last=False)
        closures = {name: self.apart(one) if name == "closure" else one for name, one in kwargs.items()}
        return (optimizer, *map(self.apart, args[1:])), closures

    def compare(self, *_: Any) -> None:
        self.moved.compare()

    def apart(self, closure: Any) -> Any:
        """A closure that an optimizer's step calls."""

        def called(*args: Any, **kwargs: Any) -> Any:
            self.moved.take()
            try:
                return closure(*args, **kwargs)
            finally:
                self.moved.compare()

        return called if callable(closure) else closure

    def step(self, optimizer: Any, *_: Any) -> None:
        self.optimizer, self.stepped, self.awaiting = optimizer, True, True
        self.optimizers[id(optimizer)] = optimizer
        self.steps += 1
        self.moved.step()

    def filters(self) -> list[Any]:
        return [] if self.convolutions is None else self.convolutions.filters

    def others(self, which: str) -> dict[Any, Any]:
        """Values to try for parameters, none for a word that is not listed here.

        - "start": those before training; "shuffled": the same in a random order
        - "by steps": those that the optimizer alone made
        - "nudged": the present ones, changed by next to nothing
        - "no filters": zeros for filters; "mixed filters": their own numbers in a random order
        """
        match which:
            case "start":
                return self.moved.start
            case "shuffled":
                return {one: shuffled(value) for one, value in self.moved.start.items()}
            case "by steps":
                self.moved.compare()
                return self.moved.by_steps()
            case "no filters":
                return {one: torch.zeros_like(one.data) for one in self.filters()}
            case "nudged":
                return {one: one.detach() * (1 + NUDGE * torch.randn_like(one)) for one in self.moved.last}
            case "mixed filters":
                return {one: shuffled(one.detach()) for one in self.filters()}
        return {}

    def fits(self, pictures: Any) -> bool:
        """Whether pictures are preprocessed like those seen in training. True too if none comparable were seen."""
        return self.given.pictures == 0 or math.prod(self.shape or ()) != PIXELS or self.given.like(Spread(pictures))

    def shaped(self, pictures: Any) -> Any:
        """Pictures in the shape and type in which the loop passes them to the network, for example flattened."""
        if self.shape is None or pictures[0].numel() != math.prod(self.shape):
            return pictures
        return pictures.reshape(len(pictures), *self.shape).to(self.kind)

    def likened(self, pictures: Any, raw: Spread) -> Any:
        """Raw pictures, with spread `raw`, shifted and scaled like those seen in training; to [0, 1] if none were."""
        scale = self.given.deviation / raw.deviation if self.given.pictures else 1 / 255
        shift = self.given.mean - scale * raw.mean if self.given.pictures else 0.0
        return self.shaped(pictures.float().mul_(scale).add_(shift).unsqueeze(1))


def shuffled(value: Any) -> Any:
    return value.flatten()[torch.randperm(value.numel())].view_as(value)


def weighs(module: Any) -> bool:
    """Whether a module has any parameters."""
    return any(True for _ in module.parameters())


def held(*optimizers: Any) -> set[int]:
    """The ids of the parameters that any of these optimizers changes."""
    return {id(each) for one in optimizers for group in one.param_groups for each in group["params"]}


def chain(loss: Any) -> list[str]:
    """The operations that computed the loss, from the last one back, following each first input."""
    found: list[str] = []
    at = loss.grad_fn
    while at is not None and len(found) < 6:
        found.append(at.name().removesuffix("Backward0")[:40])
        at = at.next_functions[0][0] if at.next_functions else None
    return found


def mark_pictures(pictures: Any) -> Any:
    """Mark pictures (N, 28, 28) uint8: their grey levels become even in every second column and odd in the others. So a
    batch of them is recognised even if no loader gave it. Black stays black, for networks that look at outlines."""
    even, odd = pictures[:, :, 0::2], pictures[:, :, 1::2]
    even[even == 1] = 2
    even -= even % 2
    odd -= (odd > 0) & (odd % 2 == 0)
    return pictures


def is_marked(batch: Any) -> bool:
    """Whether the first picture of a batch is a marked one, shifted, scaled, mirrored or inverted: every second column
    has other grey levels than the columns between, except black and what was put around the picture. Where pixels were
    mixed, as by turning, or got noise, the levels are in no even steps."""
    if not len(batch) or batch.is_complex():
        return False
    first = batch[:1].detach()
    here, there = (first[..., at::2].unique() for at in (0, 1))
    if min(len(here), len(there)) <= LEVELS or int(torch.isin(here, there).sum()) > SHARED:
        return False
    levels = torch.cat([here, there]).unique().double()
    return float(levels[-1] - levels[0]) <= STEPS * float(levels.diff().min())


@dataclass
class Convolutions:
    """The convolutions that contributed to a loss: whether one of them `spans` several pixels and moves over a picture,
    the sizes of all `kernels`, and `filters`, the parameters of the kernels that span."""

    spans: bool = False
    kernels: list[str] = field(default_factory=list)
    filters: list[Any] = field(default_factory=list)


def convolutions(loss: Any) -> Convolutions:
    """Also an operation that builds a convolution (unfold) counts."""
    found = Convolutions()
    for at in operations(loss.grad_fn):
        name = at.name().lower()
        if not any(part in name for part in ("conv", "im2col", "unfold")):
            continue
        kernel, spans = kernel_of(at)
        found.kernels.append(" x ".join(map(str, kernel)))
        weight = at.next_functions[1][0] if "convolution" in name and len(at.next_functions) > 1 else at
        if spans and weight is not None:  # a weight without a gradient is not trained
            found.spans = True
            found.filters += leaves(weight) if weight is not at else []
    return found


def kernel_of(at: Any) -> tuple[tuple[int, ...], bool]:
    """The size of an operation's kernel, and whether it sees several pixels, at several places of a picture. An
    operation that tells nothing of it is a convolution of the student's own."""
    sizes = getattr(at, "_saved_kernel_size", None) or getattr(at, "_saved_size", None)
    if sizes is not None:
        kernel = tuple(sizes) if isinstance(sizes, (tuple, list)) else (sizes,)
        return kernel, math.prod(kernel) > 1
    if not hasattr(at, "_saved_weight") or not hasattr(at, "_saved_input"):
        return (), True
    kernel, given = tuple(at._saved_weight.shape[2:]), tuple(at._saved_input.shape[2:])
    sides = list(zip(kernel, given, at._saved_dilation, at._saved_padding, at._saved_stride, strict=False))
    sees = any(size > 1 and side > apart for size, side, apart, _, _ in sides)
    places = [1 + (side + 2 * pad - apart * (size - 1) - 1) // step for size, side, apart, pad, step in sides]
    return kernel, sees and (at._saved_transposed or math.prod(places) > 1)


def leaves(function: Any) -> list[Any]:
    """The parameters that an operation's result depends on."""
    return [at.variable for at in operations(function) if hasattr(at, "variable")]


def operations(function: Any) -> Iterator[Any]:
    """Yield the operations that led to a result, from the last one back."""
    seen: set[Any] = set()
    waiting = [function]
    while waiting and len(seen) < OPERATIONS:
        at = waiting.pop()
        if at is None or at in seen:
            continue
        seen.add(at)
        yield at
        waiting += [following for following, _ in at.next_functions]
