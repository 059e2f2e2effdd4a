"""What a check asked, shortened: the same for the same questions, in whichever process they were asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from grader.sandbox.trace import Request, Trace
from grader.sandbox.worker.wire import Handle


def traced(*sent: dict[str, Any]) -> Trace:
    plain = {"seed": None, "op": "call", "owner": "layers", "path": ["f"], "batches": [[np.ones(2)]]}
    return Trace([Request(plain | one, [()], None, [None], None) for one in sent])


def test_a_digest_is_that_of_the_questions_and_not_of_the_process():
    """Its first request has a seed, and it gives ids to objects as they come."""
    first = traced({"seed": 7, "naps": 2.0}, {"owner": Handle(5, "Net")}, {"batches": [[Handle(6), Handle(5)]]})
    other = traced({}, {"owner": Handle(1 << 40, "Net")}, {"batches": [[Handle(9), Handle(1 << 40)]]})
    assert first.digest() == other.digest() != b""


@pytest.mark.parametrize(
    "other",
    [
        ({"path": ["g"]}, {}),
        ({"batches": [[np.zeros(2)]]}, {}),
        ({"owner": Handle(5, "Net")}, {}),
        ({"named": {"x": 1}}, {}),
        ({},),
        ({"batches": [[Handle(1), Handle(2)]]}, {}),
    ],
)
def test_another_question_has_another_digest(other):
    assert traced(*other).digest() != traced({}, {}).digest()
    twice = traced({"batches": [[Handle(1), Handle(1)]]}, {})
    assert traced(*other).digest() != twice.digest()


def test_nothing_is_known_of_what_was_not_kept_and_of_a_drivers_run():
    assert Trace().digest() == traced({}, {"op": "drive"}).digest() == b""
