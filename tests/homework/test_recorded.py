"""Recorded fixtures: the real file, damaged ones, and a pickle that means harm."""

from __future__ import annotations

import math
import pickle
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.errors import UsageError
from grader.homework.recorded import recorded

REAL = Path(__file__).parents[2] / "fixtures" / "backprop-data.pkl"


def test_the_real_file_is_of_the_contracts_form():
    data = recorded(REAL)
    assert set(data) == {"f1", "f2", "f3 (y=1)", "f3 (y=2)"}
    for name, arity in {"f1": 6, "f2": 1, "f3 (y=1)": 2, "f3 (y=2)": 2}.items():
        assert len(data[name]["inputs"]) == len(data[name]["outputs"]) == 100
        assert {len(point) for point in data[name]["inputs"]} == {arity}


class Harm:
    def __reduce__(self):
        return (Path.touch, (Path(self.path),))


def test_a_pickle_that_calls_something_is_refused_and_calls_nothing(tmp_path):
    harm, mark = Harm(), tmp_path / "touched"
    harm.path = str(mark)
    bad = tmp_path / "bad.pkl"
    bad.write_bytes(pickle.dumps({"f1": harm}))
    with pytest.raises(UsageError, match=r"bad\.pkl is not a recorded fixture: UnpicklingError: it names pathlib"):
        recorded(bad)
    assert not mark.exists()


POINT = {"inputs": [(1.0,)], "outputs": [2.0]}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([], "a dict of functions"),
        ({}, "a dict of functions"),
        ({2: POINT}, "names of functions"),
        ({"f2": [1.0]}, "'inputs' and 'outputs'"),
        ({"f2": {"inputs": []}}, "'inputs' and 'outputs'"),
        ({"f2": POINT | {"outputs": []}}, "as many inputs as outputs"),
        ({"f2": POINT | {"inputs": [[1.0]]}}, "tuples of finite floats"),
        ({"f2": POINT | {"inputs": [(1,)]}}, "tuples of finite floats"),
        ({"f2": POINT | {"inputs": [()]}}, "tuples of finite floats"),
        ({"f2": POINT | {"inputs": [(math.inf,)]}}, "tuples of finite floats"),
        ({"f2": {"inputs": [(1.0,), (1.0, 2.0)], "outputs": [1.0, 2.0]}}, "differ in how many numbers"),
        ({"f2": POINT | {"outputs": [math.nan]}}, "should be finite floats"),
        ({"f2": POINT | {"outputs": ["2"]}}, "should be finite floats"),
    ],
)
def test_another_form_is_told_in_a_sentence(tmp_path, value, says):
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps(value))
    with pytest.raises(UsageError, match=says):
        recorded(path)


def test_a_missing_file_says_how_to_make_it(tmp_path):
    with pytest.raises(UsageError, match=r"No such file.*make it with fixtures/make_backprop_data\.py"):
        recorded(tmp_path / "none.pkl")


def test_a_position_far_out_costs_no_memory(tmp_path):
    path = tmp_path / "x.pkl"
    path.write_bytes(b"\x80\x04}r\xff\xff\xff\x7f.")  # an empty dict, kept under the number 2**31 - 1
    tracemalloc.start()
    with pytest.raises(UsageError, match="a dict of functions"):
        recorded(path)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("length", [0, 1, 2, 1000, REAL.stat().st_size - 1])
def test_a_truncated_file_is_one_clear_error(tmp_path, length):
    path = tmp_path / "x.pkl"
    path.write_bytes(REAL.read_bytes()[:length])
    with pytest.raises(UsageError, match=r"x\.pkl is not a recorded fixture: \w.*; make it again"):
        recorded(path)


@given(st.integers(0, REAL.stat().st_size - 1), st.binary(min_size=1, max_size=6))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_is_one_clear_error_or_other_numbers(tmp_path, at, damage):
    data = bytearray(REAL.read_bytes())
    data[at : at + len(damage)] = damage
    path = tmp_path / "x.pkl"
    path.write_bytes(data)
    try:
        record = recorded(path)
    except UsageError as error:
        assert str(path) in str(error)  # noqa: PT017
    else:
        assert all(math.isfinite(x) for values in record.values() for point in values["inputs"] for x in point)
