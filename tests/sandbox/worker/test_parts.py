"""Stand-ins for a student's wrong functions: what they ask the grader."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grader.sandbox.worker.parts import LARGE, Parts


def asked(*args: Any, in_run: bool = False) -> Any:
    """What is sent where a stand-in is called with `args`."""
    questions: list[Any] = []

    def ask(callback: Any, question: Any, named: Any) -> Any:
        questions.append(question)
        return {"value": 1.0, "kept": {}}

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
