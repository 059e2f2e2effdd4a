"""From two arrays to a sentence: each kind of mistake as it is really made, and never a leaked answer."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grader.errors import NotImplementedYet
from grader.measure.diagnose import Clue, describe, explain

RNG = np.random.default_rng(7)
N, DIN, DOUT = 64, 5, 3
X, W, B = RNG.normal(size=(N, DIN)), RNG.normal(size=(DIN, DOUT)), RNG.normal(size=DOUT)
GRAD_OUT = RNG.normal(size=(N, DOUT))
GRAD_X, GRAD_W, GRAD_B = GRAD_OUT @ W.T, X.T @ GRAD_OUT, GRAD_OUT.sum(axis=0)
OUT = X @ W + B
SCORES, LABELS = RNG.normal(size=(N, 4)), RNG.integers(0, 4, size=N)
P = np.exp(SCORES) / np.exp(SCORES).sum(axis=1, keepdims=True)
LOSS = -np.log(P[np.arange(N), LABELS]).mean()
GRAD_SCORES = (P - np.eye(4)[LABELS]) / N
FACTORS = {"the batch size": float(N), "reg": 0.3}


def sentence(yours: Any, expected: Any, **options: Any) -> str:
    found = explain("grad", yours, expected, atol=1e-9, factors=FACTORS, **options)
    assert found is not None
    assert found.startswith("grad ")
    assert "\n" not in found
    return found


# What was done wrong, what came of it, what was right, and what must be said.
MISTAKES = {
    "the batch is not averaged": (GRAD_SCORES * N, GRAD_SCORES, r"ratio 64 = the batch size: is 1/N missing\?"),
    "averaged twice": (GRAD_SCORES / N, GRAD_SCORES, "ratio 1/64: is it divided by the batch size once too often"),
    "the loss is a sum": (np.array(LOSS * N), LOSS, "1/N missing"),
    "log10": (np.array(LOSS / np.log(10)), LOSS, "log10"),
    "log2": (np.array(LOSS / np.log(2)), LOSS, "log2"),
    "reg without its half": (2 * W, W, r"ratio 2: is it counted twice, or is a factor 1/2 missing"),
    "a forgotten factor 2": (W, 2 * W, "a factor 2 missing"),
    "reg twice": (0.09 * W, 0.3 * W, "= reg: is it multiplied by that once too often"),
    "reg forgotten": (W, 0.3 * W, "is a factor reg missing"),
    "any other factor": (3.7 * W, W, "about 3.7 times"),
    "sign": (-GRAD_W, GRAD_W, "the sign is wrong"),
    "sign and factor": (-64 * GRAD_W, GRAD_W, "1/N missing.*sign is wrong"),
    "one branch's sign": (np.where(W > 0, W, -W) * np.sign(W[0, 0]), W, "signs are lost|some signs"),
    "grad_w transposed": (GRAD_OUT.T @ X, GRAD_W, "it is the transpose"),
    "square, transposed": (W[:3].T, W[:3], "it is the transpose"),
    "bias kept its axis": (GRAD_OUT.sum(axis=0, keepdims=True), GRAD_B, r"shape \(1, 3\); expected \(3,\).*keepdims"),
    "bias not summed": (GRAD_OUT, GRAD_B, "its sum over axis 0 is right"),
    "loss not averaged at all": (-np.log(P[np.arange(N), LABELS]), LOSS, "its mean over all entries is right"),
    "x summed away": (GRAD_X.sum(axis=0), GRAD_X, "first axis was summed away"),
    "x averaged away": (GRAD_X.mean(axis=0), GRAD_X, "first axis was averaged away"),
    "one row of many": (GRAD_X.max(axis=0), GRAD_X, "the first axis is missing"),
    "summed over everything": (np.array(GRAD_OUT.sum()), GRAD_B, "it is the sum of all entries: is axis=0 missing"),
    "averaged over everything": (np.array(W.mean()), W, "it is the mean of all entries: is axis=0 missing"),
    "one number of nowhere": (np.array(7.7), GRAD_B, r"one number instead of an array\)"),
    "cut": (np.clip(5 * W, -2, 2), 5 * W, "no number is beyond 2: are they cut there"),
    "a loss that is cut": (np.array(5.0), np.array(7.3), "no number is beyond 5: are they cut there"),
    "a threshold": (
        np.where(np.abs(SCORES) < 0.03, 0, SCORES),
        SCORES,
        "only the smallest numbers are 0: is there a threshold",
    ),
    "most of it 0": (
        np.where(np.abs(SCORES) < np.quantile(np.abs(SCORES), 0.7), 0, SCORES),
        SCORES,
        r"entries, it is wrongly 0 there, and right elsewhere\)",
    ),
    "one 0 for many": (np.array(0.0), 0 * GRAD_B, r"expected \(3,\) \(one number instead of an array\)"),
    "no bias": (X @ W, OUT, "every row is off by the same vector: is a bias missing"),
    "offset": (OUT + 1, OUT, "off by the same amount"),
    "unmasked relu": (GRAD_X, GRAD_X * (GRAD_X > 0), "wrong only where it should be 0: is a mask"),
    "another number for 0": (np.where(GRAD_X > 0, GRAD_X, 2), GRAD_X * (GRAD_X > 0), r"it is 2 where it should be 0\)"),
    "masked too much": (GRAD_X * (GRAD_X > 0), GRAD_X, "wrongly 0 there"),
    "all zeros": (np.zeros_like(W), W, "every entry is 0"),
    "zero": (np.array(0.0), LOSS, "it is 0"),
    "one wrong row": (np.vstack([W[:2], W[2:3] + 1.5, W[3:]]), W, "only row 2 is wrong"),
    "one wrong column": (np.hstack([W[:, :1], W[:, 1:2] * 3 + 1, W[:, 2:]]), W, "only column 1 is wrong"),
    "only the first row was computed": (np.vstack([W[:1], RNG.normal(size=(4, 3))]), W, "only row 0 is right"),
    "one wrong entry": (
        W + 0.5 * (np.arange(15).reshape(5, 3) == 7),
        W,
        r"wrong at \[2, 1\].*1 of 15.*all others are right",
    ),
    "shuffled": (np.roll(GRAD_B, 1), GRAD_B, "right numbers in the wrong places"),
    "whole numbers": (OUT.astype(int), OUT, r"only whole numbers: are these integers, or is // in use\?"),
    "a loss that is cut to a whole number": (np.array(2.0), np.array(2.31), "it is cut to whole numbers"),
    "rounded": (np.round(W, 3), W, "it is rounded to 3 decimals"),
    "a loss that is rounded": (np.array(0.201), np.array(0.20099), "it is rounded to 3 decimals"),
    "summed in each place": (W * 0 + W.sum(axis=1, keepdims=True), W, "each entry is the sum over axis 1"),
    "a tenth too much": (np.array(1.1 * 0.3456), np.array(0.3456), "about 1.1 times what is expected"),
    "a thousandth too much": (1.001 * W, W, "all a little too large, by one factor"),
    "another constant": (W - 0.3 * (W > 0), W, "each wrong entry is off by the same amount"),
    "float32": (W.astype(np.float32), W, "right to six digits"),
    "a small constant against log 0": (-np.log(P + 1e-5), -np.log(P), "small constant added"),
    "NaN": (np.where(W.max() - 1e-9 < W, np.nan, W), W, r"is NaN at \[\d, \d\] \(1 of 15 entries\)"),
    "0 log 0": (np.array(np.nan), LOSS, r"is it 0/0, inf - inf, 0 \* log\(0\)"),
    "infinite": (np.array(np.inf), LOSS, "is infinite"),
    "complex": (W + 0j, W, "should be a numeric array .* complex128"),
    "a mask": (W > 0, W, "array of bool"),
    "a list": ([1.0, 2.0], GRAD_B, "a list of 2"),
    "text": ("right", LOSS, "should be a number, not the text"),
    "a number for an array": (1.0, GRAD_B, r"shape \(\); expected \(3,\)"),
    "an array for a number": (W, LOSS, "one number is expected"),
    "an int beyond float": (10**400, LOSS, "infinite"),
}


@pytest.mark.parametrize(("yours", "expected", "says"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_real_mistake_is_told_by_its_name(yours, expected, says):
    assert re.search(says, sentence(yours, expected)), sentence(yours, expected)


def test_right_within_the_bar_is_none():
    assert explain("grad", W + 5e-10, W, atol=1e-9) is None
    assert explain("loss", np.float32(0.5), 0.5, atol=1e-9) is None
    assert explain("loss", 3, 3.0, atol=1e-9) is None
    assert "wrong" in sentence(W + 2e-9, W)


def test_a_clue_is_asked_of_another_shape_too_and_opposites_are_not_told_apart_by_a_factor():
    assert "it is grad_b" in sentence(GRAD_B, GRAD_W, clues=[Clue("it is grad_b", GRAD_B)])
    assert "it is grad_b" not in sentence(np.full_like(GRAD_B, np.inf), GRAD_W, clues=[Clue("it is grad_b", GRAD_B)])
    assert "about 1 times" not in sentence(-GRAD_B, GRAD_B, clues=[Clue("it is the other", -GRAD_B)])


def test_none_is_not_implemented_yet():
    with pytest.raises(NotImplementedYet, match="grad is None"):
        explain("grad", None, W, atol=1e-9)


def test_the_example_of_the_homework():
    """ "grad_w is wrong at [2, 1]: yours 0.32, expected 0.005 (60 of 60 entries, ratio 64 = batch size ...)"."""
    expected = np.full((20, 3), 0.001)
    expected[2, 1] = 0.005
    found = explain("grad_w", 64 * expected, expected, atol=1e-9, reveal=True, factors={"the batch size": 64})
    assert found == (
        "grad_w is wrong at [2, 1]: yours 0.32, expected 0.005 "
        "(60 of 60 entries, ratio 64 = the batch size: is 1/N missing?)"
    )


def test_revealed_numbers_have_as_many_digits_as_tell_them_apart():
    found = explain("f1", 0.123456789, 0.123456780, atol=1e-10, reveal=True)
    assert found is not None
    assert "yours 0.12345679, expected 0.12345678" in found


def test_a_clue_that_fits_is_said_and_one_that_fits_the_right_answer_is_not():
    clues = [Clue("never", W), Clue("the bias is regularized", W + 0.1), Clue("late", W + 0.1)]
    found = sentence(W + 0.1, W, clues=clues)
    assert "the bias is regularized" in found
    assert "never" not in found
    assert "late" not in found
    assert "never" not in sentence(W + 0.2, W, clues=clues)


def test_a_factor_is_told_beside_a_clue_only_where_that_is_not_the_whole_mistake():
    told = [
        explain("x", 2 * OUT, OUT, atol=1e-9, clues=[Clue("counted twice", 2 * OUT, whole=is_all)]) for is_all in (1, 0)
    ]
    assert ["ratio 2" in str(one) for one in told] == [False, True]


def test_a_long_sentence_loses_first_what_tells_least():
    """The number of wrong entries, then how far off one is; never the place, the student's own value and the cause."""
    for length, kept in ((3, "of 15 entries, "), (10, "off by about"), (14, "yours"), (40, "yours")):
        cause = " ".join(["word"] * length)
        found = str(explain("grad of f", 2 * W, W, atol=1e-9, clues=[Clue(cause, 2 * W)]))
        assert kept in found
        assert cause in found
        assert "wrong at [" in found
        assert len(found.split()) <= 30 or length == 40
    assert "entries" in str(explain(" ".join(["name"] * 40), 1.1 * W - 3, W, atol=1e-9))  # no cause stands for it


def test_nearly_nothing_is_no_number_of_its_own():
    assert "every entry is 0, but for rounding" in sentence(1e-17 * RNG.normal(size=W.shape), W)


def test_a_clue_fits_a_returned_mask():
    mask = X > 0
    found = sentence(mask, X * mask, clues=[Clue("it is the mask alone", mask.astype(float))])
    assert "it is the mask alone" in found


def test_nearly_nothing_is_given_by_many_mistakes():
    assert "told" not in sentence(np.array(0.0), np.array(2e-7), clues=[Clue("told", np.array(1e-23))])


def test_one_number_beside_zeros_shows_no_ratio_and_is_no_whole_number_by_itself():
    assert "times what is expected" not in sentence(np.array([0, 0, 1.27]), np.array([0, 0, 0.64]))
    assert "whole numbers" not in sentence(np.array([0, 0, 1.0]), np.array([0, 0, 1.27]))


def test_no_cause_is_made_up():
    yours = RNG.normal(size=W.shape)
    assert re.fullmatch(
        r"grad is wrong at \[\d, \d\]: yours \S+, off by about \S+ \(15 of 15 entries\)", sentence(yours, W)
    )


def test_a_mistake_that_is_as_near_as_the_right_answer_is_not_told():
    added, clues = 2e-7, lambda sign: [Clue("it is subtracted", 1.6 - sign * 2e-7), Clue("it is missing", 1.6)]
    assert "subtracted" not in sentence(1.6, 1.6 + added, clues=clues(1))
    assert "it is missing" in sentence(1.6, 1.6 + 1e-6, clues=clues(5))


def test_what_is_nearly_right_is_wrong_in_no_sign_and_in_no_place():
    assert "sign" not in sentence(16.9927 + 2e-9, 16.9927)
    assert not re.search("sign|place|transpose|sum", sentence(1000 * OUT + 2e-9 * (OUT > 1), 1000 * OUT))


def test_what_is_right_to_thirteen_digits_is_not_called_float32():
    assert "float32" not in sentence(1e5 * W + 1e-8, 1e5 * W)
    assert "float32" in sentence((1e5 * W).astype(np.float32), 1e5 * W)


def test_two_opposite_numbers_have_no_factor_and_classes_neither_a_factor_nor_an_offset():
    assert sentence(np.array([0.3, -0.3]), np.array([0.21, -0.21])).endswith("(2 of 2 entries)")
    assert sentence(np.array([0, 1, 0, 1]), np.array([0, 2, 0, 2])).endswith("(2 of 4 entries)")
    classes = np.array([3, 0, 5, 2, 4])
    assert sentence(classes - 2 * (classes > 2), classes).endswith("(3 of 5 entries)")
    assert "ratio 1/2" in sentence(np.array(0.31415), np.array(0.6283))
    for share, right in ((0.4, 0.8), (1 / 3, 2 / 3), (0.6, 0.4)):  # as of accuracies
        assert "off by about 0." in sentence(np.array(share), np.array(right))
        assert "(" not in sentence(np.array(share), np.array(right))


@pytest.mark.parametrize("seed", range(200))
def test_no_limit_and_no_threshold_is_made_up(seed):
    """Masks that are too wide, wrong numbers and whole rows of 0 are no cut and no threshold."""
    rng = np.random.default_rng(seed)
    right = rng.normal(size=(4, 5))
    masked = np.where(rng.random(right.shape) < 0.2, 0, right)
    moved = np.where(rng.random(right.shape) < 0.3, rng.normal(size=right.shape), right)
    rowless = right * (np.arange(4) != seed % 4)[:, None]
    for yours in (masked, moved, rowless, right * (right > 0), np.minimum(right, 0)):
        found = explain("grad", yours, right, atol=1e-9, factors=FACTORS) or ""
        small = np.abs(right[yours == 0])
        least = small.size and small.max() < 0.05
        assert "cut there" not in found, found
        assert "threshold" not in found or least, found


def test_a_small_single_number_is_not_called_cut():
    assert "cut" not in sentence(np.array(1.0), np.array(3.3))
    assert "cut" not in sentence(np.array(2.0), np.array(3.3))


def test_a_clue_tells_nothing_where_it_is_nan():
    far = np.array([np.nan, 1.0, 2.0, 3.0])
    clue = Clue("as if b were left out", far)
    assert "b were left out" in str(explain("L", far + 0 * far[1:].sum(), np.zeros(4), atol=1e-9, clues=[clue]))
    assert "b were left out" in str(explain("L", np.array([7.0, 1, 2, 3]), np.zeros(4), atol=1e-9, clues=[clue]))
    assert "b were left out" not in str(explain("L", np.array([7.0, 1, 2, 4]), np.zeros(4), atol=1e-9, clues=[clue]))
    little = Clue("as if b were left out", np.array([np.nan, np.nan, np.nan, 3.0]))
    assert "b were left out" not in str(explain("L", np.array([7.0, 1, 2, 3]), np.zeros(4), atol=1e-9, clues=[little]))


def test_random_numbers_have_no_cause():
    rng = np.random.default_rng(0)
    for shape in ((), (3,), (7,), (4, 5), (2, 3)):
        for _ in range(200):
            yours, right = rng.normal(size=(2, *shape)) * 10 ** rng.uniform(-2, 2)
            said = sentence(yours, right)
            assert re.sub(r" \(\d+ of \d+ entries\)", "", said).endswith(re.search(r"by about \S+$|$", said)[0]), said
            assert not re.search(r"entries, ", said), said


def test_a_difference_is_one_digit():
    assert "off by about 1 " in sentence(W + 1, W)
    assert "off by about 0.3 " in sentence(np.where(W[0, 0] == W, W + 0.31, W), W)
    assert "off by about 1e-07 " in sentence(W + 1e-7, W)
    assert "off by about 300)" in f"{sentence(np.array(300.0), 1.0)})"


@given(
    hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=4), elements=st.floats(-1e6, 1e6)),
    st.floats(1e-3, 1e3),
)
def test_expected_values_do_not_leak(expected, shift):
    """Numbers are the student's own, differences to one digit, and a factor that all share, to two."""
    yours = expected + shift
    found = sentence(yours, expected)
    rest = re.sub(r"yours \S+", "", found)
    factors = re.findall(r"about (\S+) times", rest)
    assert all(float(factor) == float(f"{float(factor):.2g}") for factor in factors), found
    differences = re.findall(r"off by about ([\d.e+-]+)", rest)
    assert all(float(one) == float(f"{float(one):.0e}") for one in differences), found
    rest = re.sub(r"about \S+ times|off by about \S+", "", rest)
    assert not re.search(r"-?\d+\.\d\d", rest), found


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text(max_size=100)
    | st.binary(max_size=9)
    | hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, max_dims=3, max_side=3)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
EXPECTED = hnp.arrays(
    np.float64, hnp.array_shapes(min_dims=0, max_dims=2, max_side=3), elements=st.floats(-1e300, 1e300)
)


@given(ANY, EXPECTED)
def test_whatever_a_student_returns_there_is_one_sentence(yours, expected):
    if yours is None:
        return
    found = explain("x", yours, expected, atol=1e-9, factors=FACTORS, clues=[Clue("a clue", expected * 2)])
    assert found is None or (len(found) < 500 and "\n" not in found)
    assert len(describe(yours)) < 200


def test_an_array_without_entries_is_a_shape_and_nothing_else():
    assert sentence(np.zeros((0, 5)), W) == f"grad has shape (0, 5); expected {W.shape}"


def test_one_huge_number_says_nothing_of_the_others():
    right, found, mistaken = np.random.default_rng(5).normal(size=(3, 33))
    found[31] = mistaken[31] = 4.7e34
    assert "a mistake" not in sentence(found, right, clues=[Clue("a mistake", mistaken)])
    assert "a mistake" in sentence(found, right, clues=[Clue("a mistake", found)])


def test_numbers_without_an_end_are_not_called_transposed():
    right = np.arange(6.0).reshape(2, 3)
    assert "it is the transpose" not in sentence(np.full((3, 2), np.inf), right)


def test_what_is_0_where_it_should_not_be_is_no_rounding():
    right = np.array([2.0, 3.0, 4.0, 5.0, 1e-7])
    found = sentence(np.where(right > 1e-3, right, 0), right)
    assert "only the smallest numbers are 0" in found


def test_a_wrong_entry_beside_much_larger_ones_is_not_nearly_right():
    right = np.array([130.0, 0.2, -0.3, 0.4, 0.0])
    assert "nearly right" not in sentence(right + np.array([0, 0, 0, 0, 0.05]), right)
    assert "nearly right" in sentence(right + 1e-3 * np.array([1, 3, 1, 2, 5]), right)


def test_zeros_alone_name_no_mistake():
    for zero, told in ((0 * LOSS, "(it is 0)"), (0 * W, "every entry is 0)")):
        assert told in sentence(zero, zero + 0.4, clues=[Clue("the sum is left out", zero)])
    own = Clue("right for your forward pass, which is wrong", 0 * W, whole=False)  # of one that gives a constant
    assert "right for your forward pass" in sentence(0 * W, W + 3.0, clues=[own])
