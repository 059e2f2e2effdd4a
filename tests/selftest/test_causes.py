"""Whether a sentence names a mutant's cause."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from grader.selftest.causes import cause
from grader.selftest.edits import AXIS, FACTOR, GENERAL, KINK, LABEL, MISSING, SIGN, WRONG


@pytest.mark.parametrize(
    ("operator", "message", "found"),
    [
        (MISSING, "out is wrong (as if e2 were left out in d = e1 + e2)", "right"),
        (WRONG, "out is wrong (as if e2 stood in the place of e1 in d = e1 + e2)", "right"),
        (LABEL, "loss is wrong (it is right for the class before y)", "right"),
        (KINK, "L is wrong (as if p2 were taken for every y in the choice of p by y)", "right"),
        (AXIS, "loss is infinite: subtract the maximum of each row, not of the whole batch", "right"),
        (FACTOR, "loss of f, reg=0.7 is wrong: yours 2, off by about 1", "not"),
        (FACTOR, "grad is wrong (60 of 60 entries, all others are right)", "not"),
        (FACTOR, "loss with +1000 for the right class is infinite: an overflow?", "not"),
        (SIGN, "loss is wrong (it is rounded to 3 decimals)", "wrong"),
        (AXIS, "grad is wrong (asked again, it differs)", "wrong"),
        (WRONG, "f changed its input x in place; work on a copy", "wrong"),
        (FACTOR, "f raised ValueError: transposed", ""),
        (GENERAL, "loss is wrong (ratio 2)", ""),
        (FACTOR, "", ""),
    ],
)
def test_words_name_a_cause(operator, message, found):
    assert cause(SimpleNamespace(operator=operator), message) == found
