"""Tasks 3 and 4 are built on what was written before: where one fails, what is wrong below it is worth a word.

A floor is a few functions on one level, and floors are named from the ground up: of two that are wrong the lower one is
told alone, because the upper one is built on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from grader.check import Subject
from grader.errors import Mismatch, Raised, StudentError
from grader.measure.diagnose import numbers
from grader.measure.expect import unpack

from . import network
from .network import BIASES, SIZES, WEIGHTS, WIDE, Sizes

FORWARD = ("fc_forward", "relu_forward")
BACKWARD = (*FORWARD, "fc_backward", "relu_backward")
LAYERS = (*BACKWARD, "softmax_loss", "l2_regularization")
NETWORK = ("TwoLayerNet.__init__", "TwoLayerNet.forward", "TwoLayerNet.backward")
STEP = ("training_step",)
ITEM = {"fc": "2.1", "relu": "2.2", "softmax": "2.3", "l2": "2.4", "TwoLayerNet.": "3.1", "training": "4.1"}
EXACT, ROUGH = 1e-9, 1e-4  # relative: what a check asks for, and what it takes to train
REG = 0.7

Floor = Sequence[str]


@contextmanager
def built_on(hw: Subject, *floors: Floor) -> Iterator[None]:
    """Add to what went wrong which functions of the lowest wrong floor are wrong themselves."""
    try:
        yield
    except (Mismatch, Raised) as error:
        tell(error, mend_first(hw, *floors))
        raise


def tell(error: StudentError, below: str) -> None:
    """Add a sentence on what lies below, if there is one."""
    if below:
        stop = "" if error.message.endswith((".", "?")) else "."
        error.message += f"{stop} {below}"
        error.args = (error.message,)


def mend_first(hw: Subject, *floors: Floor, within: float = EXACT) -> str:
    """A sentence on the lowest floor that is wrong, or ""."""
    for floor in floors:
        wrong = [name for name in floor if not right(hw, name, within)]
        if wrong:
            items = dict.fromkeys(
                f"item {item}" for name in wrong for key, item in ITEM.items() if name.startswith(key)
            )
            are = "is" if len(wrong) == 1 else "are"
            return f"Your {' and '.join(wrong)} {are} wrong ({', '.join(items)}): mend that first"
    return ""


def keeps_from_learning(hw: Subject) -> str:
    """The same of a network that was trained: "" where its training_step does what it should from its start on, because
    then the fault of a layer that it does not use, or of its last digits, is no cause."""
    if right(hw, NETWORK[0], ROUGH) and right(hw, STEP[0], ROUGH):
        return ""
    return mend_first(hw, LAYERS, NETWORK, STEP, within=ROUGH)


def right(hw: Subject, name: str, within: float = EXACT) -> bool:
    """Whether one small answer of the student's is the reference's, to so much of its largest number."""
    try:
        if name == NETWORK[0]:
            return begins(hw)
        yours, trusted = asked(hw, name)
    except StudentError:
        return False
    found, expected = [numbers(value) for value in yours], [np.asarray(value) for value in trusted]
    return len(found) == len(expected) and all(
        one is not None and one.shape == other.shape and np.allclose(one, other, within, within * np.abs(other).max())
        for one, other in zip(found, expected, strict=True)
    )


def asked(hw: Subject, name: str) -> tuple[Sequence[Any], Sequence[Any]]:
    """The student's answer and the reference's, for fixed numbers. Raises StudentError."""
    if name in STEP:
        return asked_step(hw, np.random.default_rng(0), SIZES[0], REG)
    if name in NETWORK:
        return asked_network(hw, name)
    return answers(hw.layers, name), answers(hw.reference.layers, name)


def answers(layers: Any, name: str) -> Sequence[Any]:
    """What a function of layers.py gives for fixed numbers; of a forward pass its output alone."""
    rng = np.random.default_rng(0)
    x, w, b, upstream = rng.normal(size=(4, 5)), rng.normal(size=(5, 3)), rng.normal(size=3), rng.normal(size=(4, 3))
    arguments: dict[str, tuple[Any, ...]] = {
        "fc_forward": (x, w, b),
        "relu_forward": (upstream,),
        "softmax_loss": (upstream, np.array([0, 2, 1, 2])),
        "l2_regularization": (w, REG),
    }
    if name in arguments:
        given = sequence(getattr(layers, name)(*arguments[name]))
        return given[:1] if name in FORWARD else given
    forward = name.replace("backward", "forward")
    cache = sequence(getattr(layers, forward)(*arguments[forward]))[1:2]
    return sequence(getattr(layers, name)(upstream, *cache))


def begins(hw: Subject) -> bool:
    """Whether a new network has parameters that can be drawn anew, and weights about as large as it was asked for: half
    of that and twice that are far beyond chance. Raises StudentError."""
    network.draw(hw, np.random.default_rng(0), SIZES[0])
    scale = 0.3
    net = network.build(hw, WIDE.inputs, WIDE.classes, WIDE.hidden, scale)
    parameters = net.parameters()
    held = network.layout_of(net, parameters, WIDE).read(parameters) or {}
    with np.errstate(all="ignore"):
        return all(scale / 2 < np.std(held[role]) < 2 * scale for role in WEIGHTS)


def asked_network(hw: Subject, name: str) -> tuple[Sequence[Any], Sequence[Any]]:
    """Scores or gradients; nothing of a network whose parameters cannot be drawn anew, which `begins` tells."""
    try:
        case = network.draw(hw, np.random.default_rng(0), SIZES[0])
    except StudentError:
        return (), ()
    scores, cache = unpack("forward", case.net.forward(case.X), ("scores", "cache"))
    trusted_scores, trusted_cache = case.reference.forward(case.X)
    if name == NETWORK[1]:
        return [scores], [trusted_scores]
    upstream = np.random.default_rng(0).normal(size=trusted_scores.shape)
    trusted = case.by_role(case.reference.backward(upstream, trusted_cache))
    yours = network.expect_gradients("backward", case.net.backward(upstream, cache), case)
    return [yours[role] for role in trusted], list(trusted.values())


def asked_step(hw: Subject, rng: np.random.Generator, sizes: Sizes, reg: float) -> tuple[list[Any], list[Any]]:
    """What training_step gives for a network and a batch that are drawn: the loss, and the gradient of each role in
    WEIGHTS and BIASES; the student's and the reference's. Raises StudentError."""
    case = network.draw(hw, rng, sizes)
    loss, grads = unpack(STEP[0], hw.train.training_step(case.net, case.X, case.y, reg), ("loss", "grads"))
    yours = network.expect_gradients(STEP[0], grads, case)
    trusted_loss, trusted = hw.reference.train.training_step(case.reference, case.X, case.y, reg)
    trusted = case.by_role(trusted)
    roles = (*WEIGHTS, *BIASES)
    return [loss, *(yours[role] for role in roles)], [trusted_loss, *(trusted[role] for role in roles)]


def descends(hw: Subject, rng: np.random.Generator) -> bool:
    """Whether the gradients of training_step for the weights, of two batches together, point at all where the loss
    rises. A mistake in a part of them is one of item 4.1's. Raises StudentError."""
    product = 0.0
    for sizes in SIZES:
        yours, trusted = asked_step(hw, rng, sizes, 0.0)
        for found, expected in zip(map(numbers, yours[1:3]), trusted[1:3], strict=True):
            if found is None or found.shape != expected.shape or not np.isfinite(found).all():
                return False
            product += float((found * expected).sum())
    return product > 0


def sequence(value: Any) -> Sequence[Any]:
    return value if isinstance(value, tuple | list) else (value,)
