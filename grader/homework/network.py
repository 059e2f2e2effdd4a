"""Two-layer networks for the checks of Tasks 3 and 4: the student's and the reference's with the same parameters.

Parameter names are the student's own, so arrays are told apart by shape: all sizes of a Case differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader import numeric
from grader.errors import Mismatch, NotImplementedYet

Array = NDArray[np.float64]

WEIGHTS = ("weight1", "weight2")
BIASES = ("bias1", "bias2")
MARGIN = 0.02  # distance of every hidden unit from the ReLU's kink: several times what a difference step moves it


@dataclass(frozen=True)
class Sizes:
    """Sizes of one network and its batch, no two alike."""

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

    def __str__(self) -> str:
        return f"TwoLayerNet({self.inputs}, {self.classes}, {self.hidden})"


SIZES = (Sizes(batch=6, inputs=4, classes=3, hidden=5), Sizes(batch=2, inputs=3, classes=7, hidden=8))


@dataclass(frozen=True)
class Case:
    """A student's network and the reference's, both holding `values`, with inputs that no step carries over a kink.

    `keys` maps each role (weight1, bias1, weight2, bias2) to the student's own parameter name; X is (N, D), y is (N,).
    """

    sizes: Sizes
    net: Any
    reference: Any
    keys: Mapping[str, str]
    values: Mapping[str, Array]
    X: Array
    y: NDArray[np.int64]

    def forward_with(self, role: str, value: Array) -> Array:
        """The reference's scores (N, C) with one parameter replaced."""
        with_value = self.reference.parameters()[reference_keys(self)[role]]
        kept = with_value.copy()
        with_value[...] = value
        try:
            return np.asarray(self.reference.forward(self.X)[0])
        finally:
            with_value[...] = kept

    def name(self, function: str, role: str) -> str:
        """How a message names the student's gradient for `role`: by the student's own key, capped."""
        return f"{function}[{self.keys[role][:30]!r}] {self.sizes.shapes[role]}"


def reference_keys(case: Case) -> dict[str, str]:
    return roles(case.reference.parameters(), case.sizes)


def roles(parameters: Any, sizes: Sizes) -> dict[str, str]:
    """role -> key, found by shape. Raises NotImplementedYet for None, Mismatch naming the shape that is not there."""
    if parameters is None or (isinstance(parameters, dict) and all(p is None for p in parameters.values())):
        raise NotImplementedYet("parameters() returned None or nothing: not implemented yet")
    if not isinstance(parameters, dict):
        raise Mismatch("parameters() should return a dict from names to arrays")
    shapes = {key: np.shape(value) if isinstance(value, np.ndarray) else None for key, value in parameters.items()}
    found = {}
    for role, shape in sizes.shapes.items():
        keys = [key for key, there in shapes.items() if there == shape]
        if len(keys) != 1 or not isinstance(keys[0], str):
            have = ", ".join(sorted(str(there) for there in shapes.values() if there is not None)) or "none"
            many = "no" if not keys else f"{len(keys)}"
            raise Mismatch(
                f"{sizes} has {many} parameter array of shape {shape}, where its {role[:-1]} of layer {role[-1]} "
                f"should be; its shapes are {have[:200]}"
            )
        found[role] = keys[0]
    if len(parameters) != len(found):
        raise Mismatch(f"parameters() of {sizes} holds {len(parameters)} entries; expected two weights and two biases")
    return found


def draw(hw: Any, rng: np.random.Generator, sizes: Sizes, *, biases: float = 0.5) -> Case:
    """A fresh network of `sizes` whose parameters are drawn anew and written into the student's live arrays.

    Weights are normal with standard deviation 0.7, biases with `biases`. Raises Mismatch when a write does not last.
    """
    make = (sizes.inputs, sizes.classes, sizes.hidden, 1e-2)
    net = hw.two_layer_net.TwoLayerNet(*make)
    keys = roles(net.parameters(), sizes)
    values, X = away_from_kinks(rng, sizes, biases)
    for role, key in keys.items():
        net.write(key, values[role])
    values = live(net.parameters(), keys, values, sizes)
    reference = hw.reference.two_layer_net.TwoLayerNet(*make)
    trusted = reference.parameters()
    for role, key in roles(trusted, sizes).items():
        trusted[key][...] = values[role]
    y = rng.integers(sizes.classes, size=sizes.batch)
    return Case(sizes, net, reference, keys, values, X, y)


def away_from_kinks(rng: np.random.Generator, sizes: Sizes, biases: float) -> tuple[dict[str, Array], Array]:
    """Parameters and inputs X (N, D) with every hidden unit at least MARGIN from zero: drawn again, never loosened."""
    while True:
        values = {role: rng.normal(scale=0.7 if role in WEIGHTS else 1.0, size=s) for role, s in sizes.shapes.items()}
        values = {role: value if role in WEIGHTS else biases * value for role, value in values.items()}
        X = rng.normal(size=(sizes.batch, sizes.inputs))
        hidden = X @ values["weight1"] + values["bias1"]
        if numeric.clear_of_zero(hidden, MARGIN) and (hidden > 0).any() and (hidden < 0).any():
            return values, X


def live(after: Any, keys: Mapping[str, str], written: Mapping[str, Array], sizes: Sizes) -> dict[str, Array]:
    """role -> array as parameters() gives it after a write; what was written must still be there.

    Compared loosely, because float32 arrays are live too: what they hold after the write is what counts from here on.
    """
    if roles(after, sizes) != dict(keys):
        raise Mismatch("parameters() changed its names between two calls")
    for role, key in keys.items():
        if not np.allclose(after[key], written[role], rtol=1e-6, atol=1e-6):
            raise Mismatch(
                f"parameters()[{key[:30]!r}] is not live: what an optimizer writes into it in place is lost; "
                "return the arrays that forward uses, not copies"
            )
    return {role: np.asarray(after[key], dtype=np.float64) for role, key in keys.items()}


def expect_gradients(function: str, grads: Any, case: Case) -> dict[str, Any]:
    """role -> gradient from the dict that `function` returned; its keys must be those of parameters()."""
    if grads is None or (isinstance(grads, dict) and all(grad is None for grad in grads.values())):
        raise NotImplementedYet(f"{function} returned None: not implemented yet")
    if not isinstance(grads, dict):
        raise Mismatch(f"{function} should return the gradients as a dict with the keys of parameters()")
    missing = [key[:30] for key in case.keys.values() if key not in grads]
    if missing:
        raise Mismatch(f"{function} gave no gradient for {', '.join(map(repr, missing))}; use the keys of parameters()")
    return {role: grads[key] for role, key in case.keys.items()}
