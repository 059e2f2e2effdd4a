"""Two-layer networks for the checks of Tasks 3 and 4: the student's and the reference's with the same parameters.

Parameter names are the student's own, so arrays are told apart by shape: all sizes of a Case differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.check import Subject
from grader.errors import Mismatch, NotImplementedYet
from grader.measure import numeric
from grader.measure.expect import is_stub

Array = NDArray[np.float64]
Key = str | int  # what a student calls a parameter

WEIGHTS = ("weight1", "weight2")
BIASES = ("bias1", "bias2")
MARGIN = 0.03  # distance of every hidden unit from the ReLU's kink: several times what a difference step moves it
WIDEST = 1000  # hidden units; a wider network than it was asked for would take the whole check's time


@dataclass(frozen=True)
class Sizes:
    """Sizes of one network and its batch, no two alike and no two in a ratio that has a story of its own, such as 2."""

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
    def arguments(self) -> tuple[int, int, int, float]:
        """The positional arguments of TwoLayerNet."""
        return self.inputs, self.classes, self.hidden, 1e-2

    def __str__(self) -> str:
        return f"TwoLayerNet({self.inputs}, {self.classes}, {self.hidden})"


SIZES = (Sizes(batch=7, inputs=4, classes=3, hidden=5), Sizes(batch=2, inputs=3, classes=7, hidden=8))
WIDE = Sizes(batch=2, inputs=60, classes=45, hidden=50)  # with enough weights to tell how they are spread


@dataclass(frozen=True)
class Case:
    """A student's network and the reference's, both holding `values`, with inputs that no step carries over a kink.

    `keys` maps each role (weight1, bias1, weight2, bias2) to the student's own parameter name, `trusted` to the
    reference's live array; X is (N, D), y is (N,).
    """

    sizes: Sizes
    net: Any
    reference: Any
    keys: Mapping[str, Key]
    trusted: Mapping[str, Array]
    values: Mapping[str, Array]
    X: Array
    y: NDArray[np.int64]
    float32: bool = False  # whether the student's parameters are

    def forward_with(self, role: str, value: Array) -> Array:
        """The reference's scores (N, C) with one parameter replaced."""
        with_value = self.trusted[role]
        kept = with_value.copy()
        with_value[...] = value
        try:
            return np.asarray(self.reference.forward(self.X)[0])
        finally:
            with_value[...] = kept

    def moved(self) -> list[str]:
        """The student's names of weights that are no longer `values`."""
        now = self.net.parameters()
        keys = roles(now, self.sizes)
        return [shown(keys[role]) for role in WEIGHTS if not np.array_equal(now[keys[role]], self.values[role])]

    def by_role(self, grads: Mapping[Key, Array]) -> dict[str, Array]:
        """The reference's gradients, by role."""
        return {role: grads[key] for role, key in roles(self.reference.parameters(), self.sizes).items()}

    @property
    def inputs(self) -> tuple[Any, ...]:
        """All that the reference's scores and loss rest on."""
        return (*(self.values[role] for role in sorted(self.values)), self.X, self.y)

    def name(self, function: str, role: str) -> str:
        """How a message names the student's gradient for `role`: by the student's own key, capped."""
        return f"{function}[{shown(self.keys[role])}] {self.sizes.shapes[role]}"


def shown(key: Key) -> str:
    """A student's name for a parameter, capped."""
    return repr(key[:30] if isinstance(key, str) else key)


def roles(parameters: Any, sizes: Sizes) -> dict[str, Key]:
    """role -> key, found by shape. Raises NotImplementedYet for None, Mismatch naming the shape that is not there."""
    if is_stub(parameters):
        raise NotImplementedYet("parameters() returned None or nothing: not implemented yet")
    if not isinstance(parameters, dict):
        raise Mismatch("parameters() should return a dict from names to arrays, each name a string or a whole number")
    if not all(isinstance(value, np.ndarray) and value.dtype.kind == "f" for value in parameters.values()):
        raise Mismatch("every entry of parameters() should be a numpy array of floats")
    shapes = {key: value.shape for key, value in parameters.items()}
    found = {}
    for role, shape in sizes.shapes.items():
        keys = [key for key, there in shapes.items() if there == shape]
        if len(keys) != 1:
            have = ", ".join(sorted(map(str, shapes.values()))) or "none"
            many = "no" if not keys else f"{len(keys)}"
            raise Mismatch(
                f"{sizes} has {many} parameter array of shape {shape}, where its {role[:-1]} of layer {role[-1]} "
                f"should be{misshapen(parameters, sizes, shape)}; its shapes are {have[:200]}"
            )
        found[role] = keys[0]
    if len(parameters) != len(found):
        raise Mismatch(f"parameters() of {sizes} holds {len(parameters)} entries; expected two weights and two biases")
    return found


def misshapen(parameters: dict[Any, Any], sizes: Sizes, wanted: tuple[int, ...]) -> str:
    """What the shapes that are there tell of one that is not, as the end of a clause, or ""."""
    shapes = {value.shape for value in parameters.values()}
    exchanged = replace(sizes, classes=sizes.hidden, hidden=sizes.classes)
    width = as_built(parameters, sizes).hidden
    if width != sizes.hidden:
        return f": is hidden_dim ignored? {width} units are there"
    if shapes >= set(exchanged.shapes.values()):
        return ": are num_classes and hidden_dim exchanged?"
    if wanted not in shapes and (1, *wanted) in shapes:
        return f": the bias is a row {(1, *wanted)}, expected {wanted}"
    return ""


def as_built(parameters: Any, sizes: Sizes) -> Sizes:
    """`sizes` with the hidden layer that the network really has.

    A network that ignores hidden_dim fails net_parameters for it, and is still graded on everything else.
    """
    arrays = parameters.values() if isinstance(parameters, dict) else ()
    shapes = [array.shape for array in arrays if isinstance(array, np.ndarray) and array.ndim == 2]
    widths = [b for a, b in shapes if a == sizes.inputs and (b, sizes.classes) in shapes and b <= WIDEST]
    return replace(sizes, hidden=widths[0]) if len(widths) == 1 else sizes


def build(hw: Subject, *arguments: float) -> Any:
    """A new network of the student's. Raises for what is not one."""
    return as_network(hw.two_layer_net.TwoLayerNet(*arguments), "TwoLayerNet(...)")


def as_network(value: Any, call: str) -> Any:
    """What a call gave, if it has methods to call."""
    if is_stub(value):
        raise NotImplementedYet(f"{call} returned None: not implemented yet")
    if not hasattr(value, "parameters"):
        raise Mismatch(f"{call} should give a TwoLayerNet, but gave something without methods ({type(value).__name__})")
    return value


def draw(
    hw: Subject,
    rng: np.random.Generator,
    sizes: Sizes,
    *,
    biases: float = 0.5,
    wanted: Callable[[Mapping[str, Array], Array], bool] = lambda values, X: True,
) -> Case:
    """A fresh network of `sizes` whose parameters are drawn anew and written into the student's live arrays.

    Parameters are of order 1, biases normal with standard deviation `biases`; they and the inputs are drawn until they
    are as `wanted`. Raises Mismatch when a write is lost.
    """
    net = build(hw, *sizes.arguments)
    built = net.parameters()
    sizes = as_built(built, sizes)
    keys = roles(built, sizes)
    values, X = away_from_kinks(rng, sizes, biases)
    while not wanted(values, X):
        values, X = away_from_kinks(rng, sizes, biases)
    values = live(net.write({key: values[role] for role, key in keys.items()}), keys, values, sizes)
    reference = hw.reference.two_layer_net.TwoLayerNet(*sizes.arguments)
    parameters = reference.parameters()
    trusted = {role: parameters[key] for role, key in roles(parameters, sizes).items()}
    for role, array in trusted.items():
        array[...] = values[role]
    y = rng.integers(sizes.classes, size=sizes.batch)
    float32 = any(built[key].dtype == np.float32 for key in keys.values())
    return Case(sizes, net, reference, keys, trusted, values, X, y, float32)


def away_from_kinks(rng: np.random.Generator, sizes: Sizes, biases: float) -> tuple[dict[str, Array], Array]:
    """Parameters and inputs X (N, D) with every hidden unit at least MARGIN from zero, some on, some off.

    A unit that comes too near its kink for any row of X is drawn again; nothing is ever loosened.
    """
    X = rng.normal(size=(sizes.batch, sizes.inputs))
    weight1, bias1 = np.zeros((sizes.inputs, sizes.hidden)), np.zeros(sizes.hidden)
    again = np.ones(sizes.hidden, dtype=bool)
    while again.any():
        weight1[:, again] = rng.normal(scale=0.7, size=(sizes.inputs, again.sum()))
        bias1[again] = rng.normal(scale=biases, size=again.sum()) if biases else 0.0
        hidden = X @ weight1 + bias1
        again = np.array([not numeric.clear_of_zero(unit, MARGIN) for unit in hidden.T])
        if (hidden > 0).all() or (hidden < 0).all():
            again[:] = True
    scale = 0.7 * min(1.0, np.sqrt(8 / sizes.hidden))  # scores stay of order 1 in a wide network
    weight2 = rng.normal(scale=scale, size=(sizes.hidden, sizes.classes))
    bias2 = rng.normal(scale=biases, size=sizes.classes) if biases else np.zeros(sizes.classes)
    return {"weight1": weight1, "bias1": bias1, "weight2": weight2, "bias2": bias2}, X


def live(after: Any, keys: Mapping[str, Key], written: Mapping[str, Array], sizes: Sizes) -> dict[str, Array]:
    """role -> array as parameters() gives it after a write; what was written must still be there.

    Compared loosely, because float32 arrays are live too: what they hold after the write is what counts from here on.
    """
    if roles(after, sizes) != dict(keys):
        raise Mismatch("parameters() changed its names between two calls")
    for role, key in keys.items():
        if not np.allclose(after[key], written[role], rtol=1e-6, atol=1e-6):
            raise Mismatch(
                f"parameters()[{shown(key)}] is not live: what an optimizer writes into it in place is lost; "
                "return the arrays that forward uses, not copies"
            )
    return {role: np.asarray(after[key], dtype=np.float64) for role, key in keys.items()}


def expect_gradients(function: str, grads: Any, case: Case) -> dict[str, Any]:
    """role -> gradient from the dict that `function` returned; its keys must be those of parameters()."""
    if is_stub(grads):
        raise NotImplementedYet(f"{function} returned None: not implemented yet")
    if not isinstance(grads, dict):
        raise Mismatch(f"{function} should return the gradients as a dict with the keys of parameters()")
    missing = [shown(key) for key in case.keys.values() if key not in grads]
    if missing:
        raise Mismatch(f"{function} gave no gradient for {', '.join(missing)}; use the keys of parameters()")
    return {role: grads[key] for role, key in case.keys.items()}
