"""Two-layer networks for the checks of Tasks 3 and 4: the student's and the reference's with the same parameters.

Students choose the parameter names, so arrays are identified by shape, and if that does not decide, by how the forward
pass uses them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grader.check import Draws, Subject
from grader.errors import Mismatch, NotImplementedYet, StudentError, Unrecorded
from grader.measure.diagnose import numbers
from grader.measure.expect import is_stub, unpack
from grader.sandbox.remote import operated, write_parameters

from . import layout
from .edges import MANY_ROWS, images, spread
from .layout import Layout, Plan, Widths

Array = NDArray[np.float64]
Values = dict[str, Array]  # by role
Drawn = tuple[Values, Array]  # parameters, and inputs X (N, D)

WEIGHTS = ("weight1", "weight2")
BIASES = ("bias1", "bias2")
ROUNDED = 1e-6  # of a number of order 1, which float32 rounds when it is written
MANY_UNITS = 18  # more than the 16 that are a number to hard-code; more rows cost less than more units
LARGE = 5000  # parameters; numeric gradients of a larger network (larger than requested) would take too long
DEFAULTS = (3072, 10, 512, 1e-3)  # of a new network: inputs, classes, hidden, weight_scale


@dataclass(frozen=True)
class Sizes:
    """Sizes of one network and its batch: no two are equal, and no ratio is one that mistakes produce, such as 2."""

    batch: int
    inputs: int
    classes: int
    hidden: int

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {
            "weight1": (self.inputs, self.hidden),
            "bias1": (self.hidden,),
            "weight2": (self.hidden, self.classes),
            "bias2": (self.classes,),
        }

    @property
    def named(self) -> dict[str, float]:
        """The same by keyword, as train.py and gradcheck_classifier.py give them."""
        names = "input_dim", "num_classes", "hidden_dim", "weight_scale"
        return dict(zip(names, self.arguments, strict=True))

    @property
    def widths(self) -> Widths:
        return Widths(self.inputs, self.hidden, self.classes)

    @property
    def arguments(self) -> tuple[int, int, int, float]:
        """The positional arguments of TwoLayerNet."""
        return self.inputs, self.classes, self.hidden, 1e-2

    def __str__(self) -> str:
        return f"TwoLayerNet({self.inputs}, {self.classes}, {self.hidden})"


SIZES = (Sizes(batch=7, inputs=4, classes=3, hidden=5), Sizes(batch=2, inputs=3, classes=7, hidden=8))
SMALL = Sizes(batch=1, inputs=5, classes=4, hidden=6)  # no array of it fits one of SIZES
WIDE = Sizes(batch=2, inputs=110, classes=70, hidden=90)  # with enough weights to tell how they are spread


def draw_sizes(rng: np.random.Generator) -> tuple[Sizes, Sizes]:
    """Two sizes for this run, each with numbers that all differ; the second has two rows and one input."""
    inputs, classes, hidden = (int(size) for size in rng.permutation([3, 4, 5]))
    return Sizes(7, inputs, classes, hidden), Sizes(2, 1, int(rng.choice([6, 8])), int(rng.integers(9, 12)))


def edge_sizes(rng: np.random.Generator) -> tuple[Sizes, ...]:
    """Edges that are judged: as many of everything; two classes, with more inputs and hidden units; more of all than
    any constant, with layers that get narrower; and layers that get wider, from two inputs. None is so small that its
    hidden units may all be dead."""
    n, width = int(rng.integers(3, 6)), int(rng.integers(6, 9))
    most = MANY_UNITS + n
    return Sizes(n, n, n, n), Sizes(n, width, 2, width), Sizes(MANY_ROWS + n, most, 3, 4), Sizes(n, 2, most + 1, most)


def many_rows(rng: np.random.Generator) -> Sizes:
    """A large batch, and more classes than CIFAR-10 has."""
    n = int(rng.integers(3, 6))
    return Sizes(MANY_ROWS + n, n, 11 + n % 2, 7)


def one_row(rng: np.random.Generator) -> Sizes:
    """A batch of one, which the rubric decides about."""
    return Sizes(1, int(rng.integers(3, 6)), 3, 6)


@dataclass(frozen=True)
class Case:
    """A student's network that holds `values`, with inputs that no step carries over a kink.

    `layout` tells where it holds each role (weight1, bias1, weight2, bias2); X is (N, D), y is (N,). `sizes` are those
    that the network really has. `answers` is what the reference gives for such values.
    """

    sizes: Sizes
    net: Any
    answers: Any
    layout: Layout
    values: Mapping[str, Array]
    X: NDArray[Any]
    y: NDArray[np.int64]
    float32: bool = False  # whether the student's parameters are
    numeric: bool = True  # whether gradients are measured; the reference's own backward pass tells them else

    @property
    def large(self) -> bool:
        """Whether a numeric gradient would take too long, or is not asked for."""
        return not self.numeric or sum(value.size for value in self.values.values()) > LARGE

    def write(self, values: Mapping[str, Array]) -> Case:
        """Write some roles into the student's network; the others get their drawn values. Returns the case with these.
        Raises Mismatch if the write is lost."""
        new = {**self.values, **values}
        return replace(self, values=live(write_parameters(self.net, self.layout.pack(new)), self.layout, new))

    def after_a_step(self) -> Case:
        """The same network with other weights, as after an optimizer's step: a copy of the earlier ones is wrong."""
        return replace(self.write({role: -0.5 * self.values[role] for role in WEIGHTS}), numeric=False)

    def of_images(self, rng: np.random.Generator) -> Case:
        """The same network, and other inputs, at which no step is taken."""
        return replace(self, X=images(rng, self.X.shape), numeric=False)

    def scores(self) -> Array:
        """The reference's scores (N, C)."""
        return np.asarray(self.answers.scores(self.values, self.X))

    def forward_with(self, role: str, value: Array) -> Array:
        """The reference's scores (N, C) with one parameter replaced."""
        return np.asarray(self.answers.scores({**self.values, role: value}, self.X))

    def loss_with(self, reg: float, role: str, value: Array) -> float:
        """The reference's loss of a training step with one parameter replaced."""
        return float(self.answers.loss({**self.values, role: value}, self.X, self.y, reg))

    def gradient(self, role: str, grad_scores: Array) -> Array:
        """The reference's own gradient of sum(scores * grad_scores)."""
        return np.asarray(self.answers.gradients(self.values, self.X, grad_scores)[role])

    def step_gradient(self, role: str, reg: float) -> Array:
        """The reference's own gradient of the loss of a training step."""
        return np.asarray(self.answers.step(self.values, self.X, self.y, reg)[1][role])

    def moved(self, parameters: Any) -> list[str]:
        """The student's names of what in its parameters() is no longer `values`."""
        now = self.layout.read(parameters)
        if now is None:
            raise Mismatch(RENAMED)
        roles = (role for role in (*WEIGHTS, *BIASES) if not np.array_equal(now[role], self.values[role]))
        return [self.layout.shown(role) for role in roles]

    @property
    def inputs(self) -> tuple[Any, ...]:
        """Everything that decides the reference's scores and loss."""
        return (*(self.values[role] for role in sorted(self.values)), self.X, self.y)

    def name(self, function: str, role: str) -> str:
        """How a message names the student's gradient for `role`: by the student's own name, capped."""
        rows = f"{self.sizes.batch} row{'s' * (self.sizes.batch > 1)}"
        of = f" {self.sizes.shapes[role]}" if self.numeric else f" of {self.sizes}, {rows}"
        return f"{function}[{self.layout.shown(role)}]{of}"


OWNER = "two_layer_net", ("TwoLayerNet", "__init__")
RENAMED = "parameters() changed its names between two calls"


def build(hw: Subject, *arguments: float, **named: float) -> tuple[Any, Any]:
    """A new network of the student's and its parameters(). Raises NotImplementedYet or Mismatch if the call gives
    something else."""
    net, parameters = hw.two_layer_net.TwoLayerNet.then("parameters")(*arguments, **named)
    return as_network(net, "TwoLayerNet(...)"), parameters


def build_each(hw: Subject, calls: Sequence[Sequence[float]]) -> Iterator[tuple[Any, Any]]:
    """The same for several calls, in one round trip."""
    make = hw.two_layer_net.TwoLayerNet.then("parameters")
    for net, parameters in hw.each([(make, arguments) for arguments in calls]):
        yield as_network(net, "TwoLayerNet(...)"), parameters


@contextmanager
def small_by_default(hw: Subject, sizes: Sizes = SMALL) -> Iterator[None]:
    """In this block, the student's class makes a small network if it is given no sizes. load() makes one first, and
    drawing 1.5 million weights would take longer than all else. Defaults that are not the homework's stay."""
    session, defaults = getattr(hw, "session", None), defaults_of(hw)
    if session is None or defaults is None or defaults[:3] != DEFAULTS[:3]:
        yield
        return
    operated(session, *OWNER, "setattr", "__defaults__", (*sizes.arguments[:3], *defaults[3:]))
    try:
        yield
    finally:
        with suppress(StudentError):  # the process that held the class may be gone
            operated(session, *OWNER, "setattr", "__defaults__", defaults)


def defaults_of(hw: Subject) -> tuple[Any, ...] | None:
    """The defaults of the student's constructor; None if they are no numbers, or cannot be read."""
    session = getattr(hw, "session", None)  # None where a check is tried without a process
    try:
        found = session and operated(session, *OWNER, "getattr", "__defaults__")
    except StudentError:
        return None
    plain = type(found) is tuple and all(type(value) in (int, float) for value in found)
    return found if plain else None


def as_network(value: Any, call: str) -> Any:
    """The value of a call, if it is an object with methods. Raises NotImplementedYet or Mismatch otherwise."""
    if is_stub(value):
        raise NotImplementedYet(f"{call} returned None: not implemented yet")
    if not hasattr(value, "parameters"):
        raise Mismatch(f"{call} should return a TwoLayerNet, but returned a {type(value).__name__}")
    return value


@dataclass(frozen=True)
class Wanted:
    """What is to be drawn: a network of `sizes`, with parameters of order 1, biases normal with standard deviation
    `biases`, and inputs. With `decided`, one class leads clearly in every row. Without `numeric`, inputs are spread
    over magnitudes, and the first weights are smaller by `scale`. The second layer is smaller by `second`."""

    sizes: Sizes
    biases: float = 0.5
    decided: bool = False
    numeric: bool = True
    scale: float = 1.0
    second: float = 1.0


def draw(hw: Subject, rng: np.random.Generator, wanted: Wanted) -> Case:
    """A new network with random parameters that are written into the student's live arrays. Raises Mismatch when a
    write is lost."""
    return draw_each(hw, rng, [wanted])[0]


def draw_each(hw: Subject, rng: np.random.Generator, wanted: Sequence[Wanted]) -> list[Case]:
    """The same for several networks, in one round trip if that can be."""
    seeds = [int(rng.integers(1 << 62)) for _ in wanted]
    made = filled_at_once(hw, wanted, seeds) or list(map(partial(filled, hw), wanted, seeds))
    return [case_of(hw, rng, one, net) for one, net in zip(wanted, made, strict=True)]


def case_of(hw: Subject, rng: np.random.Generator, wanted: Wanted, made: Filled) -> Case:
    sizes = as_built(wanted.sizes, made.layout)
    y = rng.integers(sizes.classes, size=sizes.batch)
    float32 = any(array.dtype == np.float32 for _, array in layout.arrays_of(made.parameters))
    return Case(sizes, made.net, hw.reference.answers, made.layout, made.values, made.X, y, float32, wanted.numeric)


class Filled(NamedTuple):
    """A new network of the student's, its layout, the values in it, inputs for it, and its parameters()."""

    net: Any
    layout: Layout
    values: Values
    X: Array
    parameters: Any


def filled(hw: Subject, wanted: Wanted, seed: int) -> Filled:
    """A network into which parameters were written. Raises as `draw`."""
    net, built = build(hw, *wanted.sizes.arguments)
    found = layout_of(hw, net, built, wanted.sizes)
    values, X = drawn(hw, seed, replace(wanted, sizes=as_built(wanted.sizes, found)))
    held = write_parameters(net, found.pack(values))
    return Filled(net, found, live(held, found, values), X, held)


def filled_at_once(hw: Subject, wanted: Sequence[Wanted], seeds: Sequence[int]) -> list[Filled] | None:
    """Several such networks in one round trip, if an earlier network showed how parameters are held; None if one does
    not hold them so."""
    plan = hw.once("how a network holds its parameters", partial(plan_of, hw))
    if plan is None:
        return None
    layouts = [layout.planned(plan, one.sizes.widths) for one in wanted]
    draws = list(map(partial(drawn, hw), seeds, wanted))
    calls = [
        (hw.two_layer_net.TwoLayerNet.then("parameters", writing=found.pack(values)), one.sizes.arguments)
        for one, found, (values, _) in zip(wanted, layouts, draws, strict=True)
    ]
    try:
        return [
            Filled(as_network(net, "TwoLayerNet(...)"), found, live(held, found, values), X, held)
            for found, (values, X), (net, held) in zip(layouts, draws, hw.each(calls), strict=True)
        ]
    except StudentError:
        return None


def plan_of(hw: Subject) -> Plan | None:
    """How the student's networks hold their parameters, whatever their sizes; None if shapes do not decide it, or if
    right parts, which take the arrays in their order where all sizes are alike, would take them for others."""
    sizes = SIZES[0]
    try:
        possible = layout.layouts(parameters := build(hw, *sizes.arguments)[1], sizes.widths)
    except StudentError:
        return None
    decided = len(possible) == 1 and possible[0].widths == sizes.widths
    on_right_parts = getattr(getattr(hw, "session", None), "parts", None) is not None
    if not decided or (on_right_parts and not possible[0].is_in_order(parameters)):
        return None
    return possible[0].plan


def drawn(hw: Subject, seed: int, wanted: Wanted) -> Drawn:
    """Parameters by role and inputs X (N, D). Where a step is taken, the reference draws them: it knows where a unit's
    kink is. Else X is spread over magnitudes."""
    sizes = wanted.sizes
    if wanted.numeric:
        asked, decided = (sizes.batch, sizes.inputs, sizes.classes, sizes.hidden), wanted.decided and sizes.classes > 1
        values, X = hw.reference.answers.draw(seed, asked, wanted.biases, decided)
        return values | {role: wanted.second * values[role] for role in ("weight2", "bias2")}, X
    rng = Draws(np.random.PCG64(seed))
    X = spread(rng, (sizes.batch, sizes.inputs))
    scales = {
        "weight1": 0.7 * wanted.scale,
        "bias1": wanted.biases,
        "weight2": 0.7 * min(1.0, np.sqrt(8 / sizes.hidden)) * wanted.second,
        "bias2": wanted.biases * wanted.second,
    }
    drawn_values = {role: rng.normal(scale=scales[role], size=shape) for role, shape in sizes.shapes.items()}
    return {role: value.astype(np.float32).astype(np.float64) for role, value in drawn_values.items()}, X


def as_built(sizes: Sizes, found: Layout) -> Sizes:
    """`sizes` with the widths that the network really has: wrong widths cost points only in net_parameters."""
    inputs, hidden, classes = found.widths
    return replace(sizes, inputs=inputs, hidden=hidden, classes=classes)


def layout_of(hw: Subject, net: Any, parameters: Any, sizes: Sizes) -> Layout:
    """How a student's network holds its parameters. If the shapes allow several layouts, it is the one with which the
    forward pass gives the right scores, else the first. Raises NotImplementedYet for None, Mismatch if none fits."""
    if is_stub(parameters):
        raise NotImplementedYet("parameters() returned None or nothing: not implemented yet")
    possible = layout.layouts(parameters, sizes.widths)
    if not possible:
        layout.expect_as_asked(parameters, sizes.widths, str(sizes))
    return (
        next((one for one in possible if used(hw, net, one, sizes)), possible[0]) if len(possible) > 1 else possible[0]
    )


def expect_as_asked(parameters: Any, sizes: Sizes) -> tuple[Layout, dict[str, Any]]:
    """The layout and the values of a new network whose parameters() are as asked. Raises NotImplementedYet for None,
    and a Mismatch that says what differs."""
    if is_stub(parameters):
        raise NotImplementedYet("parameters() returned None or nothing: not implemented yet")
    found = layout.expect_as_asked(parameters, sizes.widths, str(sizes))
    return found, found.read(parameters) or {}


def used(hw: Subject, net: Any, found: Layout, sizes: Sizes) -> bool:
    """Whether the forward pass gives the right scores after parameters were written in this layout."""
    try:
        values, X = drawn(hw, 0, Wanted(as_built(sizes, found)))
        write_parameters(net, found.pack(values))
        scores = numbers(unpack("forward", net.forward(X), ("scores", "cache"))[0])
        expected = hw.reference.answers.scores(values, X)
    except (StudentError, Unrecorded):
        return False
    return scores is not None and scores.shape == expected.shape and np.allclose(scores, expected, 1e-4, 1e-4)


def live(after: Any, found: Layout, written: Mapping[str, Array]) -> dict[str, Array]:
    """role -> array that parameters() returns after a write. Raises Mismatch if the write was lost.

    The comparison is loose, because float32 arrays round what is written. The returned values are used from then on.
    """
    there = found.read(after)
    if there is None:
        raise Mismatch(RENAMED)
    for role, array in there.items():
        now = numbers(array)
        if now is None or now.shape != written[role].shape:
            raise Mismatch("parameters() changed the shapes of its arrays between two calls")
        lost = ~(np.abs(now - written[role]) <= ROUNDED * (1 + np.abs(written[role])))  # NaN is
        if lost.any():
            others = {other: values for other, values in written.items() if np.isin(now[lost], values).all()}
            raise Mismatch(f"parameters()[{found.shown(role)}] {why_lost(found, array, others)}")
    return {role: np.asarray(there[role], dtype=np.float64) for role in written}


def why_lost(found: Layout, array: Any, others: Mapping[str, Array]) -> str:
    """Why `array` does not hold what was written into it. `others` are the roles that have the written numbers
    instead."""
    if array.dtype == np.float16:
        return "is float16, which rounds to three digits: make it float64"
    if others:
        return f"shares memory with {found.shown(next(iter(others)))}: what is written into one changes the other"
    return "is a copy: changes in place by an optimizer are lost; return the arrays that forward uses"


def expect_gradients(function: str, grads: Any, case: Case) -> dict[str, Any]:
    """role -> gradient, from the value that `function` returned. Its keys must be those of parameters()."""
    if is_stub(grads):
        raise NotImplementedYet(f"{function} returned None: not implemented yet")
    if not isinstance(grads, dict | list | tuple):
        raise Mismatch(f"{function} should return the gradients as a dict with the keys of parameters()")
    there = dict(layout.entries(grads))
    missing = [layout.shown(slot.path) for slot in case.layout.slots if slot.path not in there]
    if missing:
        raise Mismatch(f"{function} returned no gradient for {', '.join(missing)}; use the keys of parameters()")
    return case.layout.read(grads) or {}
