"""What writes into a network between two steps is seen, and a loss is a number."""

from __future__ import annotations

import numpy as np
import pytest

from grader.homework.worker.steps import Guard, number
from grader.sandbox.worker.wire import FrameError


def test_a_write_into_any_column_is_seen():
    """As many columns as numbers from one compared place to the next."""
    array = np.zeros((3072, 97))
    for column in range(97):
        guard = Guard(column)
        guard.look([array])
        array[:, column] += 1
        guard.restore([array])
        assert guard.moved
        assert not array.any()


def test_weights_too_large_to_be_squared_are_drawn_anew_too():
    brought = np.random.default_rng(0).normal(size=(3072, 8)).astype(np.float32) * np.float32(1e25)
    held = brought.copy()
    Guard(7).draw_anew(object(), [held])
    now = held.astype(float)
    assert abs(np.corrcoef(now.ravel(), brought.ravel())[0, 1]) < 0.2
    assert now.std() == pytest.approx(1e25, rel=0.1)


@pytest.mark.parametrize("loss", [1j, "2.3", None, np.ones(2), {}])
def test_a_loss_is_one_real_number(loss):
    with pytest.raises(FrameError, match="loss"):
        number(loss)
