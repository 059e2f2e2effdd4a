"""What writes into a network between two steps is seen, and a loss is a number."""

from __future__ import annotations

import numpy as np
import pytest

from grader.homework.worker.steps import Guard, number, same
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


KINDS = [np.float16, np.float32, np.float64, np.longdouble]


@pytest.mark.parametrize("of_grad", KINDS)
@pytest.mark.parametrize("of_array", KINDS)
def test_the_optimizers_own_step_is_no_write(of_array, of_grad):
    rng, guard = np.random.default_rng(0), Guard(1)
    network = [rng.normal(size=(300, 7)).astype(of_array), np.asfortranarray(np.zeros((9, 8))), np.array(1.5)]
    network += [np.zeros((0, 5)), np.ones((300, 4)), np.ones(3)]
    guard.draw_anew(object(), network)
    for _ in range(3):
        before = [one.copy() for one in network]
        grads = [rng.normal(size=one.shape).astype(of_grad) for one in network[:-2]]
        grads += [
            np.array([True, False, True, False]),
            np.array(np.nan),
        ]  # spread by the step, as an array's own subtraction does
        guard.step(network, 0.1, grads)
        guard.restore(network)
        for array, grad in zip(before, grads, strict=True):
            array -= 0.1 * grad
        assert all(map(np.array_equal, network[:-1], before[:-1]))
        assert np.isnan(network[-1]).all()
        assert not guard.moved


def test_samples_are_the_same_if_their_numbers_are_whatever_their_bytes():
    assert same(np.array([np.nan, 0.0]), -np.array([np.nan, 0.0]))
    assert not same(np.array([np.nan, 0.0]), np.array([np.nan, 1.0]))
    assert not same(np.ones(2), np.ones(1))


def test_arrays_that_share_memory_are_stepped_as_often_as_they_are_there():
    array, guard = np.ones((300, 7)), Guard(1)
    guard.look([array, array])
    guard.step([array, array], 0.25, [np.ones_like(array)] * 2)
    guard.restore([array, array])
    assert (array == 0.5).all()
    assert not guard.moved


def test_what_is_written_around_an_optimizers_step_is_seen():
    array, guard = np.zeros((300, 7)), Guard(1)
    guard.look([array])
    array += 1
    guard.step([array], 0.25, [np.zeros_like(array)])
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
