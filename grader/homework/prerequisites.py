"""Tasks 3 and 4 use earlier functions. If a later check fails, the message also names the earlier functions at fault.

A floor is a group of functions on one level. Floors are listed from the lowest up. Only the lowest wrong floor is
named, because the higher ones depend on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from grader.check import Subject
from grader.errors import Mismatch, NotImplementedYet, Raised, StudentError, Unrecorded
from grader.measure.diagnose import numbers
from grader.measure.expect import MORE, is_stub, unpack

from . import network
from .network import BIASES, SIZES, WEIGHTS, WIDE, Sizes, Wanted

FORWARD = ("fc_forward", "relu_forward")
BACKWARD = (*FORWARD, "fc_backward", "relu_backward")
LAYERS = (*BACKWARD, "softmax_loss", "l2_regularization")
NETWORK = ("TwoLayerNet.__init__", "TwoLayerNet.forward", "TwoLayerNet.backward")
STEP = ("training_step",)
ITEM = {"fc": "2.1", "relu": "2.2", "softmax": "2.3", "l2": "2.4", "TwoLayerNet.": "3.1", "training": "4.1"}
EXACT, ROUGH = 1e-9, 1e-4  # relative tolerances: as strict as a check, and good enough to train
REG = 0.7
NO_IMPORT = "cannot be imported"
RIGHT, WRONG, ABSENT = "right", "wrong", "absent"

Floor = Sequence[str]


@contextmanager
def built_on(hw: Subject, *floors: Floor) -> Iterator[None]:
    """If the block fails, add to its message which functions of the lowest wrong floor are at fault."""
    if hw.recording:
        ask_all(hw, *floors)
    try:
        yield
    except (Mismatch, Raised) as error:
        if NO_IMPORT not in error.message:  # then nothing below could be asked either
            tell(error, fix_first(hw, *floors))
        raise


def ask_all(hw: Subject, *floors: Floor) -> None:
    """Ask all that a mismatch could lead to, so that the answers are recorded."""
    for name in (name for floor in floors for name in floor):
        state(hw, name, EXACT)


def tell(error: StudentError, below: str) -> None:
    """Add the sentence `below` to the error's message, unless it is ""."""
    if below:
        stop = "" if error.message.endswith((".", "?")) else "."
        error.message += f"{stop} {below}"
        error.args = (error.message,)
        error.elsewhere = True


def fix_first(hw: Subject, *floors: Floor, within: float = EXACT) -> str:
    """A sentence on the lowest floor that is not right, or "". Absent code is never called wrong."""
    for floor in floors:
        try:
            states = {name: state(hw, name, within) for name in floor}
        except Unrecorded:
            hw.advise(MORE)
            return ""
        known = [name for name in states if forward_of(name, states) != ABSENT]  # without it, no backward is told
        wrong = [name for name in known if states[name] == WRONG]
        absent = [name for name in known if states[name] == ABSENT]
        clauses = [f"Your {told(wrong)} wrong"] if wrong else []
        clauses += [f"{'your ' if wrong else 'Your '}{told(absent)} not implemented yet"] if absent else []
        if clauses:
            items = dict.fromkeys(item for name in (*wrong, *absent) for key, item in ITEM.items()
                                  if name.startswith(key))  # fmt: skip
            return f"{', and '.join(clauses)} (item{'s' * (len(items) > 1)} {', '.join(items)}): fix that first"
    return ""


def told(names: Sequence[str]) -> str:
    """Names as the subject of a sentence, with their verb: "a, b and c are". Of more than three, only the first."""
    if len(names) > 3:
        return f"{names[0]} and {len(names) - 1} more are"
    return f"{names[0]} is" if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]} are"


def forward_of(name: str, states: Mapping[str, str]) -> str:
    """The state of the forward pass that a backward pass depends on; RIGHT for any other function."""
    return states.get(name.replace("_backward", "_forward"), RIGHT) if name.endswith("_backward") else RIGHT


def keeps_from_learning(hw: Subject) -> str:
    """As `fix_first`, for a network that did not learn. It is "" if a new network and its training_step are right to
    within ROUGH: a layer that they do not use, or an error in the last digits, is then not the cause."""
    try:
        if right(hw, NETWORK[0], ROUGH) and right(hw, STEP[0], ROUGH):
            return ""
    except Unrecorded:
        hw.advise(MORE)
        return ""
    return fix_first(hw, LAYERS, NETWORK, STEP, within=ROUGH)


def right(hw: Subject, name: str, within: float = EXACT) -> bool:
    """Whether the student's answer on a small input equals the reference's, within `within` of its largest number."""
    return state(hw, name, within) == RIGHT


def state(hw: Subject, name: str, within: float) -> str:
    """RIGHT, WRONG or ABSENT, judged by the answer on a small input."""
    try:
        if name == NETWORK[0]:
            return RIGHT if begins(hw) else WRONG
        yours, trusted = asked(hw, name)
    except NotImplementedYet:
        return ABSENT
    except StudentError:
        return WRONG
    if yours and is_stub(tuple(yours)):
        return ABSENT
    found, expected = [numbers(value) for value in yours], [np.asarray(value) for value in trusted]
    same = len(found) == len(expected) and all(
        one is not None and one.shape == other.shape and np.allclose(one, other, within, within * np.abs(other).max())
        for one, other in zip(found, expected, strict=True)
    )
    return RIGHT if same else WRONG


def asked(hw: Subject, name: str) -> tuple[Sequence[Any], Sequence[Any]]:
    """The student's answer and the reference's, for fixed inputs. Raises StudentError."""
    if name in STEP:
        return asked_step(hw, np.random.default_rng(0), SIZES[0], REG)
    if name in NETWORK:
        return asked_network(hw, name)
    return answers(hw.layers, name), answers(hw.reference.layers, name)


def answers(layers: Any, name: str) -> Sequence[Any]:
    """What a function of layers.py returns for fixed inputs; for a forward pass, only its output."""
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
    """Whether a new network's parameters can be written to, and its weights have about the requested scale: half or
    twice that cannot be chance. Raises StudentError."""
    network.draw(hw, np.random.default_rng(0), Wanted(SIZES[0]))
    scale = 0.3
    net, parameters = network.build(hw, WIDE.inputs, WIDE.classes, WIDE.hidden, scale)
    held = network.layout_of(hw, net, parameters, WIDE).read(parameters) or {}
    with np.errstate(all="ignore"):
        return all(scale / 2 < np.std(held[role]) < 2 * scale for role in WEIGHTS)


def asked_network(hw: Subject, name: str) -> tuple[Sequence[Any], Sequence[Any]]:
    """Scores or gradients; nothing if the network's parameters cannot be written to, which `begins` reports."""
    try:
        case = network.draw(hw, np.random.default_rng(0), Wanted(SIZES[0]))
    except NotImplementedYet:
        raise
    except StudentError:
        return (), ()
    scores, cache = unpack("forward", case.net.forward(case.X), ("scores", "cache"))
    trusted_scores = case.scores()
    if name == NETWORK[1]:
        return [scores], [trusted_scores]
    upstream = np.random.default_rng(0).normal(size=trusted_scores.shape)
    trusted = hw.reference.answers.gradients(case.values, case.X, upstream)
    yours = network.expect_gradients("backward", case.net.backward(upstream, cache), case)
    return [yours[role] for role in trusted], list(trusted.values())


def asked_step(hw: Subject, rng: np.random.Generator, sizes: Sizes, reg: float) -> tuple[list[Any], list[Any]]:
    """What training_step returns for a random network and batch: the loss, and the gradient of each role in WEIGHTS and
    BIASES. First the student's, then the reference's. Raises StudentError."""
    case = network.draw(hw, rng, Wanted(sizes))
    loss, grads = unpack(STEP[0], hw.train.training_step(case.net, case.X, case.y, reg), ("loss", "grads"))
    yours = network.expect_gradients(STEP[0], grads, case)
    trusted_loss, trusted = hw.reference.answers.step(case.values, case.X, case.y, reg)
    roles = (*WEIGHTS, *BIASES)
    return [loss, *(yours[role] for role in roles)], [trusted_loss, *(trusted[role] for role in roles)]


def descends(hw: Subject, rng: np.random.Generator) -> bool:
    """Whether training_step's weight gradients, over two batches together, have a positive product with the right ones,
    so that they lower the loss. Item 4.1 judges smaller mistakes. Raises StudentError."""
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
