"""What one mistake in a graph gives: the graphs are the reference's, and no mistake is told by chance."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import fake

from grader.measure.diagnose import Clue

REFERENCE = fake.modules(Path(__file__).resolve().parents[2] / "reference")
GRAPHS = REFERENCE["mistakes"].graph_mistakes
CASES = [("f1", 1), ("f2", 1), ("f3", 1), ("f3", 2)]


def points(name, seed=0):
    return np.random.default_rng(seed).normal(size=(30, len(GRAPHS.INPUTS[name])))


def asked(name, y, at):
    fixed = (y,) if name == "f3" else ()
    found = [getattr(REFERENCE["functions"], name)(*point, *fixed) for point in at.tolist()]
    return np.array([out for out, _ in found]), np.array([grads for _, grads in found])


@pytest.mark.parametrize(("name", "y"), CASES)
def test_without_a_mistake_a_graph_gives_what_the_reference_gives(name, y):
    at, nodes = points(name), GRAPHS.graph(name, y)
    values = GRAPHS.forward(nodes, GRAPHS.given(name, at))
    grads = GRAPHS.backward(nodes, values)
    outputs, gradients = asked(name, y, at)
    assert np.allclose(values[nodes[-1].name], outputs)
    for i, wanted in enumerate(GRAPHS.INPUTS[name]):
        assert np.allclose(grads[wanted], gradients[:, i])


@pytest.mark.parametrize(("name", "y"), CASES)
def test_no_mistake_is_told_of_right_or_random_answers(name, y):
    at, rng = points(name), np.random.default_rng(1)
    outputs, gradients = asked(name, y, at)
    told = [(REFERENCE["mistakes"].graph_outputs(name, at, y), outputs)]
    told += [(REFERENCE["mistakes"].graph_gradients(name, at, i, y), gradients[:, i]) for i in range(at.shape[1])]
    for mistakes, right in told:
        assert len(mistakes) > 30
        for found in (right, right + 1e-5, 1.1 * right, rng.normal(size=right.shape), np.exp(right)):
            fitting = [said for said, value in mistakes if Clue(said, value).fits(found, right)]
            assert not fitting, fitting


def test_a_mistake_is_told_by_the_names_of_the_picture():
    at = points("f3")
    e1, e2 = np.exp(at).T
    _, gradients = asked("f3", 1, at)
    clues = REFERENCE["mistakes"].graph_outputs("f3", at, 1)
    twice = -np.log(2 * e1 / (2 * e1 + e2))
    assert next(s for s, v in clues if Clue(s, v).fits(twice, asked("f3", 1, at)[0])).endswith("in e1 = exp(s1)")
    clues = REFERENCE["mistakes"].graph_gradients("f3", at, 0, 1)
    alone = -np.ones(30)  # nothing comes back through d
    said = next(s for s, v in clues if Clue(s, v).fits(alone, gradients[:, 0]))
    assert "left out" in said
