"""A function that rests hands out its values in turn, and holds nobody who leaves it."""

from __future__ import annotations

import time
from types import SimpleNamespace

from grader.homework.worker.slices import resting


def test_resting_hands_out_values_in_turn_and_ends():
    def function(rest):
        for value in (True, False):
            rest(value)

    assert list(resting(function)) == [True, False]


def test_a_function_that_swallows_its_stop_does_not_hold_its_caller():
    going = SimpleNamespace(on=True)

    def stubborn(rest):
        while going.on:
            try:
                rest(True)
            except BaseException:
                time.sleep(0.01)

    values = resting(stubborn)
    assert next(values) is True
    values.close()
    going.on = False
