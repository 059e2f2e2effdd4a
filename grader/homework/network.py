"""Two-layer networks for the checks of Tasks 3 and 4: the student's and the reference's with the same parameters.

Students choose the parameter names, so arrays are identified by shape, and if that does not decide, by how the forward
pass uses them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.check import Subject
from grader.errors import Mismatch, NotImplementedYet, StudentError
from grader.measure import numeric
from grader.measure.diagnose import numbers
from grader.measure.expect import is_stub, unpack

from . import layout
from .edges import MANY_COLUMNS, MANY_ROWS, spread
from .layout import Layout, Widths

Array = NDArray[np.float64]

WEIGHTS = ("weight1", "weight2")
BIASES = ("bias1", "bias2")
MARGIN = 0.03  # distance of every hidden unit from the ReLU's kink: several times what a difference step moves it
NEAR = 1e-6  # the same where no step is taken: rounding is far below it
LARGE = 5000  # parameters; a network that is larger than it was asked for would take the whole check's time


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
    def widths(self) -> Widths:
        return Widths(self.inputs, self.hidden, self.classes)

    @property
    def arguments(self) -> tuple[int, int, int, float]:
        """The positional arguments of TwoLayerNet."""
        return self.inputs, self.classes, self.hidden, 1e-2

    def __str__(self) -> str:
        return f"TwoLayerNet({self.inputs}, {self.classes}, {self.hidden})"


SIZES = (Sizes(batch=7, inputs=4, classes=3, hidden=5), Sizes(batch=2, inputs=3, classes=7, hidden=8))
WIDE = Sizes(batch=2, inputs=110, classes=70, hidden=90)  # with enough weights to tell how they are spread


def draw_sizes(rng: np.random.Generator) -> tuple[Sizes, Sizes]:
    """Two sizes for this run, each with numbers that all differ; the second has two rows and one input."""
    inputs, classes, hidden = (int(size) for size in rng.permutation([3, 4, 5]))
    return Sizes(7, inputs, classes, hidden), Sizes(2, 1, int(rng.choice([6, 8])), int(rng.integers(9, 12)))


def edge_sizes(rng: np.random.Generator) -> tuple[Sizes, ...]:
    """Edges that are judged: two of everything, a wide batch with two classes, and more than any constant."""
    n, width = int(rng.integers(3, 6)), int(rng.integers(6, 9))
    most = MANY_COLUMNS + n
    return Sizes(2, 2, 2, 2), Sizes(n, width, 2, width), Sizes(MANY_ROWS + n, most, most + 1, most + 3)


def one_row(rng: np.random.Generator) -> Sizes:
    """A batch of one, which the rubric decides about."""
    return Sizes(1, int(rng.integers(3, 6)), 3, 6)


@dataclass(frozen=True)
class Case:
    """A student's network and the reference's with the same `values`, and inputs for which no difference step crosses a
    ReLU's kink.

    `layout` says where the student's network holds each role (weight1, bias1, weight2, bias2). `trusted` has the
    reference's live array of each role. X is (N, D), y is (N,). `sizes` are those that the network really has.
    """

    sizes: Sizes
    net: Any
    reference: Any
    layout: Layout
    trusted: Mapping[str, Array]
    values: Mapping[str, Array]
    X: Array
    y: NDArray[np.int64]
    float32: bool = False  # whether the student's parameters are
    numeric: bool = True  # whether gradients are measured; the reference's own backward pass tells them else

    @property
    def large(self) -> bool:
        """Whether a numeric gradient would take too long, or is not asked for."""
        return not self.numeric or sum(value.size for value in self.values.values()) > LARGE

    def write(self, values: Mapping[str, Array]) -> None:
        """Write some roles into the student's network; the others get their drawn values."""
        self.net.write(self.layout.pack({**self.values, **values}))

    def forward_with(self, role: str, value: Array) -> Array:
        """The reference's scores (N, C) with one parameter replaced."""
        with_value = self.trusted[role]
        kept = with_value.copy()
        with_value[...] = value
        try:
            return np.asarray(self.reference.forward(self.X)[0])
        finally:
            with_value[...] = kept

    def moved(self, roles: Sequence[str] = WEIGHTS) -> list[str]:
        """The student's names of parameters that are no longer `values`."""
        now = self.layout.read(self.net.parameters())
        if now is None:
            raise Mismatch(RENAMED)
        return [self.layout.shown(role) for role in roles if not np.array_equal(now[role], self.values[role])]

    def by_role(self, grads: Mapping[Any, Array]) -> dict[str, Array]:
        """The reference's gradients, by role."""
        return dict(zip(self.trusted, (grads[key] for key in self.reference.parameters()), strict=True))

    @property
    def inputs(self) -> tuple[Any, ...]:
        """Everything that decides the reference's scores and loss."""
        return (*(self.values[role] for role in sorted(self.values)), self.X, self.y)

    def name(self, function: str, role: str) -> str:
        """How a message names the student's gradient for `role`: by the student's own name, capped."""
        of = "" if self.numeric else f" of {self.sizes}, {self.sizes.batch} rows"
        return f"{function}[{self.layout.shown(role)}] {self.sizes.shapes[role]}{of}"


RENAMED = "parameters() changed its names between two calls"


def build(hw: Subject, *arguments: float) -> Any:
    """A new network of the student's. Raises NotImplementedYet or Mismatch if the call gives something else."""
    return as_network(hw.two_layer_net.TwoLayerNet(*arguments), "TwoLayerNet(...)")


def as_network(value: Any, call: str) -> Any:
    """The value of a call, if it is an object with methods. Raises NotImplementedYet or Mismatch otherwise."""
    if is_stub(value):
        raise NotImplementedYet(f"{call} returned None: not implemented yet")
    if not hasattr(value, "parameters"):
        raise Mismatch(f"{call} should return a TwoLayerNet, but returned a {type(value).__name__}")
    return value


def draw(
    hw: Subject,
    rng: np.random.Generator,
    sizes: Sizes,
    *,
    biases: float = 0.5,
    wanted: Callable[[Mapping[str, Array], Array], bool] = lambda values, X: True,
    numeric: bool = True,
) -> Case:
    """A new network of `sizes`, with random parameters that are written into the student's live arrays.

    Parameters are of order 1, biases normal with standard deviation `biases`; they and the inputs are drawn until they
    are as `wanted`. Without `numeric`, inputs are spread over magnitudes. Raises Mismatch when a write is lost.
    """
    net = build(hw, *sizes.arguments)
    built = net.parameters()
    found = layout_of(net, built, sizes)
    sizes = as_built(sizes, found)
    values, X = away_from_kinks(rng, sizes, biases, even=numeric)
    while not wanted(values, X):
        values, X = away_from_kinks(rng, sizes, biases, even=numeric)
    values = live(net.write(found.pack(values)), found, values)
    reference = hw.reference.two_layer_net.TwoLayerNet(*sizes.arguments)
    trusted = dict(zip(sizes.shapes, reference.parameters().values(), strict=True))
    for role, array in trusted.items():
        array[...] = values[role]
    y = rng.integers(sizes.classes, size=sizes.batch)
    float32 = any(array.dtype == np.float32 for _, array in layout.arrays_of(built))
    return Case(sizes, net, reference, found, trusted, values, X, y, float32, numeric)


def as_built(sizes: Sizes, found: Layout) -> Sizes:
    """`sizes` with the widths that the network really has: wrong widths cost points only in net_parameters."""
    inputs, hidden, classes = found.widths
    return replace(sizes, inputs=inputs, hidden=hidden, classes=classes)


def layout_of(net: Any, parameters: Any, sizes: Sizes) -> Layout:
    """How a student's network holds its parameters. If the shapes allow several layouts, it is the one with which the
    forward pass gives the right scores, else the first. Raises NotImplementedYet for None, Mismatch if none fits."""
    if is_stub(parameters):
        raise NotImplementedYet("parameters() returned None or nothing: not implemented yet")
    possible = layout.layouts(parameters, sizes.widths)
    if not possible:
        layout.expect_as_asked(parameters, sizes.widths, str(sizes))
    return next((one for one in possible if used(net, one, sizes)), possible[0]) if len(possible) > 1 else possible[0]


def expect_as_asked(net: Any, sizes: Sizes) -> tuple[Layout, dict[str, Any]]:
    """The layout and the values of a new network that holds its parameters as asked. Raises NotImplementedYet for None,
    and a Mismatch that says what differs."""
    parameters = net.parameters()
    if is_stub(parameters):
        raise NotImplementedYet("parameters() returned None or nothing: not implemented yet")
    found = layout.expect_as_asked(parameters, sizes.widths, str(sizes))
    return found, found.read(parameters) or {}


def used(net: Any, found: Layout, sizes: Sizes) -> bool:
    """Whether the forward pass gives the right scores after parameters were written in this layout."""
    values, X = away_from_kinks(np.random.default_rng(0), as_built(sizes, found), 0.5)
    try:
        net.write(found.pack(values))
        scores = numbers(unpack("forward", net.forward(X), ("scores", "cache"))[0])
    except StudentError:
        return False
    hidden = np.maximum(X @ values["weight1"] + values["bias1"], 0)
    expected = hidden @ values["weight2"] + values["bias2"]
    return scores is not None and scores.shape == expected.shape and np.allclose(scores, expected, 1e-4, 1e-4)


def away_from_kinks(
    rng: np.random.Generator, sizes: Sizes, biases: float, *, even: bool = True
) -> tuple[dict[str, Array], Array]:
    """Parameters and inputs X (N, D) with every hidden unit at least MARGIN from zero, some on, some off.

    A unit that comes too near its kink for any row of X is drawn again; nothing is ever loosened. X is normal where it
    is `even`. Else it is spread over magnitudes, and units are as near to zero as rounding allows, because no step is
    taken.
    """
    margin = MARGIN if even else NEAR
    X = rng.normal(size=(sizes.batch, sizes.inputs)) if even else spread(rng, (sizes.batch, sizes.inputs))
    while even and (np.abs(X).max(axis=1) < 10 * margin).any():  # no weight takes such a row away from the kink
        X = rng.normal(size=X.shape)
    weight1, bias1 = np.zeros((sizes.inputs, sizes.hidden)), np.zeros(sizes.hidden)
    again = np.ones(sizes.hidden, dtype=bool)
    while again.any():
        weight1[:, again] = rng.normal(scale=0.7, size=(sizes.inputs, again.sum()))
        bias1[again] = rng.normal(scale=biases, size=again.sum()) if biases else 0.0
        hidden = X @ weight1 + bias1
        again = np.array([not numeric.clear_of_zero(unit, margin) for unit in hidden.T])
        if (hidden > 0).all() or (hidden < 0).all():
            again[:] = True
    scale = 0.7 * min(1.0, np.sqrt(8 / sizes.hidden))  # scores stay of order 1 in a wide network
    weight2 = rng.normal(scale=scale, size=(sizes.hidden, sizes.classes))
    bias2 = rng.normal(scale=biases, size=sizes.classes) if biases else np.zeros(sizes.classes)
    return {"weight1": weight1, "bias1": bias1, "weight2": weight2, "bias2": bias2}, X


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
        if not np.allclose(now, written[role], rtol=1e-6, atol=1e-6):
            raise Mismatch(
                f"parameters()[{found.shown(role)}] is a copy: changes in place by an optimizer are lost; "
                "return the arrays that forward uses"
            )
    return {role: np.asarray(there[role], dtype=np.float64) for role in written}


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
