"""Networks that the checks make: how one is recognised, and how few round trips the next one takes."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.errors import Mismatch
from grader.homework import layout, network
from grader.homework.layout import Widths

sys.path.insert(0, str(Path(__file__).parent))
import fake
from mistakes import Student
from mistakes import network as changed
from test_checks import CHECKS, REFERENCE, run, student  # noqa: F401 - a fixture

FIRST, OTHER = Widths(4, 5, 3), Widths(7, 2, 9)
FORMS = [(weight, bias) for weight in layout.ALONE for bias in layout.BIASES] + [(one, None) for one in layout.TOGETHER]


def held(forms: Any, widths: Widths) -> dict[str, np.ndarray[Any, Any]]:
    """A network's arrays, with a form for the weight and for the bias of each layer, or one form for both."""
    arrays = {}
    for at, (weight, bias) in enumerate(forms, start=1):
        w, b = np.zeros((widths[at - 1], widths[at])), np.zeros(widths[at])
        arrays[f"w{at}"] = weight.pack(w, b)
        if bias is not None:
            arrays[f"b{at}"] = bias.pack(w, b)
    return arrays


@pytest.mark.parametrize("forms", list(itertools.product(FORMS, FORMS)), ids=lambda forms: "")
def test_the_plan_of_one_network_is_the_layout_of_any_other(forms):
    first = layout.layouts(held(forms, FIRST), FIRST)
    (found,) = [one for one in first if one.plan == planned_of(forms)]
    assert layout.planned(found.plan, OTHER) in layout.layouts(held(forms, OTHER), OTHER)


def planned_of(forms: Any) -> layout.Plan:
    slots = []
    for at, (weight, bias) in enumerate(forms, start=1):
        slots.append(((f"w{at}",), at, weight))
        if bias is not None:
            slots.append(((f"b{at}",), at, bias))
    return tuple(slots)


@pytest.fixture
def hw(student: Student) -> fake.FakeSubject:  # noqa: F811
    return fake.FakeSubject(student, REFERENCE, {"tolerance": 1e-9})


def test_once_one_network_told_how_it_is_built_others_are_made_and_filled_at_once(hw, monkeypatch):
    built, rng = [], np.random.default_rng(1)
    real = network.build
    monkeypatch.setattr(network, "build", lambda *arguments: built.append(arguments) or real(*arguments))
    for sizes in (*network.draw_sizes(rng), *network.edge_sizes(rng)):
        case = network.draw(hw, rng, network.Wanted(sizes))
        assert case.sizes == sizes
        assert not case.moved(case.net.parameters())
    assert len(built) == 1


def test_names_that_depend_on_the_sizes_cost_nothing(hw, student: Student):  # noqa: F811
    def named(right: Any, self: Any) -> Any:
        return {f"{name}{self.W1.shape}": array for name, array in right.parameters(self).items()}

    def grads(right: Any, self: Any, grad: Any, cache: Any) -> Any:
        return {f"{name}{self.W1.shape}": array for name, array in right.backward(self, grad, cache).items()}

    changed(student, parameters=named, backward=grads)
    for name in ("net_forward", "net_backward", "net_predict"):
        run(CHECKS[name], student)


def test_a_write_that_is_lost_is_told_though_an_earlier_network_told_how_it_is_built(hw, student: Student):  # noqa: F811
    changed(student, parameters=lambda right, self: {k: v.copy() for k, v in right.parameters(self).items()})
    with pytest.raises(Mismatch, match="is a copy: changes in place by an optimizer are lost"):
        network.draw(hw, np.random.default_rng(1), network.Wanted(network.SIZES[1]))
