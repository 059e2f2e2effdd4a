"""Stand-ins for a student's wrong functions: what they ask the grader."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

from grader.sandbox.worker.own_names import under_own_names
from grader.sandbox.worker.parts import LARGE, Parts


def asked(*args: Any, in_run: bool = False) -> Any:
    """What is sent where a stand-in is called with `args`."""
    questions: list[Any] = []

    def ask(callback: Any, question: Any, named: Any) -> Any:
        questions.append(question)
        return {"value": 1.0, "kept": {}, "changed": {}}

    module = SimpleNamespace(step=None)
    parts = Parts({"functions": {"train.step": [7, []]}, "sent_as": {}}, ask)
    parts.bind(lambda name: module)
    parts.in_run = in_run
    assert module.step(*args) == 1.0
    return questions[0]


@pytest.mark.parametrize(("size", "in_run"), [(6, False), (6, True), (LARGE // 4, False)])
def test_a_question_of_a_call_and_a_small_one_of_a_run_are_asked_as_they_are(size, in_run):
    (values, number), named, kept = asked({"w": np.full((3, size), 1 / 3)}, 0.1, in_run=in_run)
    assert (values["w"].dtype, values["w"][0, 0], number, named, kept) == (np.float64, 1 / 3, 0.1, {}, {})


def test_a_large_question_of_a_run_is_asked_in_single_precision_and_changes_nothing_of_the_students():
    weight, labels = np.full(LARGE // 8, 1 / 3), np.arange(3)
    (values, y, small), _, _ = asked({"w": weight}, labels, [np.ones(2)], in_run=True)
    assert (values["w"].dtype, small[0].dtype, y.dtype) == (np.float32, np.float32, labels.dtype)
    assert np.allclose(values["w"], weight, rtol=1e-6)
    assert (weight.dtype, weight[0]) == (np.float64, 1 / 3)


DECORATOR = """
from functools import wraps
def decorated(f):
    @wraps(f)
    def inner(x):
        return f(x)
    return inner
"""


@pytest.mark.parametrize("before", ["", "@decorated\n", "@decorated\n@decorated\n"])
def test_a_copy_of_a_wrong_function_is_replaced_too(before):
    text = f"{DECORATOR}{before}def wrong(x):\n    return x\n{before}def other(x):\n    return -x\n"
    layers, user, private = (ModuleType(name) for name in ("layers", "user", "private"))
    user.names, user.own = {}, private
    spaces = [vars(layers), vars(user), vars(private), user.names]
    for names in spaces:
        exec(text, names)
    answer = {"value": 5, "kept": {}, "changed": {}}
    parts = Parts({"functions": {"layers.wrong": [7, []]}}, lambda callback, question, named: answer)
    parts.bind(lambda name: layers)
    parts.replace_copies([user, None])
    assert [(names["wrong"](1), names["other"](1)) for names in spaces] == [(5, -1)] * 4


@pytest.mark.parametrize(("ends", "ran"), [(["m.Net.__init__"], [1]), ([], [])])
def test_a_constructor_that_is_not_known_to_end_is_not_run(ends, ran):
    seen = []

    class Net:
        def __init__(self):
            seen.append(1)

        def parameters(self):
            return {}

    given = {"functions": {"m.Net.__init__": [7, []]}, "sent_as": {"m.Net": "parameters"}, "ends": ends}
    parts = Parts(given, lambda callback, question, named: {"value": {"W": np.ones(2)}, "kept": {}, "changed": {}})
    parts.bind(lambda name: SimpleNamespace(Net=Net))
    assert Net().parameters()["W"].tolist() == [1, 1]
    assert seen == ran


class Pair(NamedTuple):
    w: Any
    b: Any


def plain(net, n, h, c):
    net.w1, net.b1, net.w2, net.b2 = np.ones((n, h)), np.ones(h), np.ones((h, c)), np.ones(c)


def of_class(net, n, h, c):
    net.held.update({"w1": np.ones((n, h)), "b1": np.ones(h), "w2": np.ones((h, c)), "b2": np.ones(c)})


def nested(net, n, h, c):
    net.layers = [Pair(np.ones((n, h)), np.ones((1, h))), SimpleNamespace(w=np.ones((h, 9)), b=np.ones((1, c)))]


def one_bias_wrong(net, n, h, c):
    net.p = {"w1": np.ones((n, h)), "w2": np.ones((h, c)), "b1": np.ones(c), "b2": np.ones(c)}


def one_number(net, n, h, c):
    net.w1, net.b1, net.w2, net.b2 = np.ones((n, h)), np.ones(h), 1.0, np.ones(c)


def halfway(net, n, h, c):
    net.params = {"w1": np.ones((n, h))}
    raise ValueError


def all_of(net):
    return {"w2": net.w2, "b2": net.b2, "w1": net.w1, "b1": net.b1}


def weights(net):
    return {"w2": net.w2, "w1": net.w1}


def copies(net):
    return {name: one.copy() for name, one in vars(net).items()}


def nested_weights(net):
    return {f"w{i}": one.w for i, one in enumerate(net.layers, 1)}


RIGHT = "W1", "b1", "W2", "b2"
OWN = "w1", "b1", "w2", "b2"


@pytest.mark.parametrize("sizes", [(3, 4, 2), (3, 3, 3)])
@pytest.mark.parametrize(
    ("begin", "tell", "names", "places"),
    [
        (plain, all_of, OWN, OWN),
        (plain, weights, OWN, OWN),
        (plain, copies, OWN, OWN),
        (nested, nested_weights, OWN, ("layers[0].w", "layers[0].b", "layers[1].w", "layers[1].b")),
        (of_class, lambda net: net.held, OWN, tuple(f"held['{name}']" for name in OWN)),
        (one_bias_wrong, lambda net: net.p, OWN, tuple(f"p['{name}']" for name in OWN)),
        (one_number, all_of, OWN, ("w1", "b1")),
        (halfway, all_of, RIGHT, ("params['w1']",)),
    ],
)
def test_right_arrays_have_the_names_and_places_that_the_student_chose(sizes, begin, tell, names, places):
    n, h, c = sizes
    right = dict(zip(RIGHT, (np.zeros((n, h)), np.zeros(h), np.zeros((h, c)), np.zeros(c)), strict=True))
    net = type("Net", (SimpleNamespace,), {"held": {}})()
    found = under_own_names(net, right, lambda: begin(net, *sizes), lambda: tell(net))
    assert [id(found[name]) for name in names] == [*map(id, right.values())]
    for place, value in zip(places, right.values(), strict=False):
        assert eval(f"net.{place}") is value
    assert not type(net).held


def test_a_name_of_the_right_object_is_kept_where_shapes_do_not_tell():
    """As where one array is a number, or all are of an earlier, smaller object."""
    right = {"W1": np.zeros((4, 4)), "b1": np.zeros(4), "W2": np.ones((4, 4)), "b2": np.ones(4)}
    for first in (0.5, np.zeros((4, 3))):
        net = SimpleNamespace(W1=first, b1=np.zeros(3), W2=np.zeros((4, 4)), b2=np.zeros(4))
        found = under_own_names(net, right, lambda: None, lambda net=net: dict(vars(net)))
        assert {name: id(value) for name, value in found.items()} == {name: id(one) for name, one in right.items()}
        assert net.W2 is right["W2"]


def test_a_name_on_an_array_of_another_kind_or_on_a_number_tells_nothing_of_others():
    right = {"W1": np.zeros((4, 4)), "b1": np.zeros(4), "W2": np.ones((4, 4))}
    net = SimpleNamespace(W1=np.zeros(4), M=np.zeros((4, 4)), N=np.zeros((4, 4)))
    found = under_own_names(net, right, lambda: None, lambda: dict(vars(net)))
    assert [found[name] is right[own] for name, own in (("M", "W1"), ("W1", "b1"), ("N", "W2"))] == [True] * 3
    net = SimpleNamespace(W1=0.5, b1=np.zeros(4), M=np.zeros((4, 4)))
    found = under_own_names(net, right, lambda: None, lambda: dict(vars(net)))
    assert [found[name] is right[own] for name, own in (("W1", "W1"), ("b1", "b1"), ("M", "W2"))] == [True] * 3
