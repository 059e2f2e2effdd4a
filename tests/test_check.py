"""`@check` and `hw`, what a check is written with."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from grader.check import STEP, Draws, Subject, check
from grader.errors import UsageError


def test_a_file_of_the_handout_is_named_by_its_path_or_its_base_name():
    handout = {"a/in.txt": b"a", "b/in.txt": b"b", "work.py": b"w"}
    session = SimpleNamespace(section=SimpleNamespace(modules={"work": "work.py"}))
    hw = SimpleNamespace(homework=SimpleNamespace(handout=handout), session=session)
    found = [Subject.handed_out(hw, name) for name in ("a/in.txt", "b/in.txt", "work.py")]
    assert found == [b"a", b"b", b"w"]
    with pytest.raises(UsageError, match=r"the handout holds no c/in\.txt"):
        Subject.handed_out(hw, "c/in.txt")


def test_a_check_without_a_sentence():
    with pytest.raises(UsageError, match="no docstring"):

        @check("1.1")
        def silent(hw, rng):
            pass


def test_drawn_numbers_lie_on_a_grid_and_are_numpys_own_but_for_that():
    ours, numpys = Draws(np.random.PCG64(3)), np.random.Generator(np.random.PCG64(3))
    for draw in (lambda rng: rng.normal(2.0, 3.0, size=200), lambda rng: rng.uniform(-1, 1, size=200),
                 lambda rng: rng.normal(size=()), lambda rng: rng.uniform()):  # fmt: skip
        found, plain = np.asarray(draw(ours)), np.asarray(draw(numpys))
        assert np.array_equal(found, np.round(found / STEP) * STEP)
        assert np.abs(found - plain).max() <= STEP / 2
        assert not np.array_equal(found, plain)
    assert np.array_equal(ours.integers(100, size=50), numpys.integers(100, size=50))
