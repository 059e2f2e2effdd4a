"""What two share becomes a pair only where it is rare; and each kind of evidence by itself."""

from __future__ import annotations

import io
import json
from random import Random

import cohort
import numpy as np
import pytest
from endless import expect_end
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from grader.loading import ROOT
from grader.similarity import page, pairs, rarity, table, work
from grader.similarity.pairs import Entry
from grader.similarity.tokens import CHARACTERS, TOKENS, tokens


def work_of(**files: str) -> work.Work:
    return work.read(lambda name: None, {f"{name}.py": text.encode() for name, text in files.items()})


def entry(label: str, made: cohort.Submission) -> Entry:
    return Entry(label, work.read(lambda name: None, cohort.contents(made)))


@pytest.fixture(scope="module")
def everyone() -> list[Entry]:
    return [entry(f"s{at:02}", cohort.student(at)) for at in range(30)]


@pytest.fixture(scope="module")
def handout() -> work.Work:
    given = {
        path.name: path.read_bytes() for path in (ROOT / "student").rglob("*.*") if path.suffix in (".py", ".ipynb")
    }
    return work.read(lambda name: None, given)


def evidence(found: pairs.Found, left: str, right: str) -> dict[str, pairs.Evidence]:
    for pair in found.pairs:
        if {pair.left, pair.right} == {left, right}:
            return {one.kind: one for one in pair.evidence}
    return {}


# A class


@pytest.mark.medium
def test_hidden_copies_are_found_and_the_innocent_are_not(everyone, handout):
    """The larger measurement is tests/benchmarks/similarity.py."""
    kept = [{"outputs": False, "photographs": False}, {"outputs": True, "photographs": False},
            {"outputs": False, "photographs": True}]  # fmt: skip
    copies = [entry(f"t{at:02}", cohort.copied(cohort.student(at), 9000 + at, **kept[at % 3])) for at in range(4)]
    found = pairs.pairs([*everyone, *copies], handout)
    listed = {(pair.left, pair.right) for pair in found.pairs}
    planted = {(f"s{at:02}", f"t{at:02}") for at in range(4)}
    assert planted <= listed
    assert len(listed - planted) <= 0.01 * 34 * 33 / 2
    for at in range(4):
        kinds = {kind for kind, one in evidence(found, f"s{at:02}", f"t{at:02}").items() if one.strength >= 1}
        assert "code" in kinds
        assert ("outputs" in kinds) == kept[at % 3]["outputs"]
        assert {"pictures"} <= kinds or at % 3 == 0
    drawn = page.render(found, [*everyone, *copies], {"s00": "<b>Ada</b>"}, "A title", ["a note"])
    assert "<script" not in drawn
    assert "<b>Ada" not in drawn
    assert drawn.count("<mark>") > 100
    assert "data:image/png;base64," in drawn
    assert "default-src 'none'" in drawn


THREE = """
import numpy as np


def add(a, b):
    total = a + b
    return total


def scale(x, factor):
    out = x * factor
    return out


def mean(x):
    s = np.sum(x, axis=0)
    return s / len(x)
"""


@pytest.mark.parametrize("size", [2, 3, 10, 60])
def test_short_functions_that_everyone_writes_alike_make_no_pair(size):
    everyone = [Entry(f"s{at}", work_of(work=THREE.replace("total", f"total{at}"))) for at in range(size)]
    assert not pairs.pairs(everyone).pairs


def test_two_of_a_class_may_write_three_lines_alike(handout, everyone):
    """Even where nobody else writes them so: too little to say anything."""
    entries = [*everyone]
    extra = "def clip_gradient(g, most):\n    norm = np.sqrt(np.sum(g ** 2))\n    return g * most / max(norm, most)\n"
    for at in (0, 1):
        files = {one.name: one.text.encode() for one in entries[at].work.documents if one.name.endswith(".py")}
        files["layers.py"] += extra.encode()
        entries[at] = Entry(entries[at].label, work.read(lambda name: None, files))
    assert not evidence(pairs.pairs(entries, handout), "s00", "s01")


def test_what_the_handout_holds_counts_for_nothing(handout):
    text = (ROOT / "student" / "neuralnet" / "train.py").read_text()
    others = [Entry(f"s{at}", work_of(a=f"x{at} = {at} + {at}\n" * 3)) for at in range(30)]
    assert not pairs.pairs([Entry("a", work_of(train=text)), Entry("b", work_of(train=text)), *others], handout).pairs


UNUSUAL = "\n\n".join(text for _, text in cohort.BLOCKS[:12])


def test_a_copied_part_is_listed_with_lines_that_no_one_else_has(handout, everyone):
    entries = [*everyone]
    for at in (3, 4):
        files = {one.name: one.text.encode() for one in entries[at].work.documents if one.name.endswith(".py")}
        files["functions.py"] = cohort.renamed(UNUSUAL, Random(at)).encode()
        entries[at] = Entry(entries[at].label, work.read(lambda name: None, files))
    found = pairs.pairs(entries, handout)
    one = evidence(found, "s03", "s04")["code"]
    assert one.strength >= 1
    assert "lines that no one else in the class has" in one.sentence
    pair = next(pair for pair in found.pairs if (pair.left, pair.right) == ("s03", "s04"))
    marked = next(one for one in pair.left_lines if one.file == "functions.py")
    lines = next(one.text for one in entries[3].work.documents if one.name == "functions.py").split("\n")
    assert len(marked.rare) > 20
    assert all(lines[at - 1].strip() for at in marked.rare)


def test_earlier_years_are_compared_with_this_class_alone(handout, everyone):
    now = everyone[:20]
    before = [
        entry(f"e{at}", cohort.copied(cohort.student(at), 77 + at, outputs=True, photographs=True)) for at in (0, 1)
    ]
    twin = Entry("2024/twin", before[0].work, "2024", people=frozenset(["old"]))
    again = Entry("2024/own", before[1].work, "2024", people=frozenset(["s01"]))
    now[1] = Entry("s01", now[1].work, people=frozenset(["s01"]))
    found = pairs.pairs([twin, again, Entry("2023/twin", before[0].work, "2023"), *now], handout)
    listed = {(pair.left, pair.right): pair for pair in found.pairs}
    assert {("s00", "2023/twin"), ("s00", "2024/twin"), ("s01", "2024/own")} <= set(listed)
    assert ("2023/twin", "2024/twin") not in listed
    assert table.sentence(listed["s01", "2024/own"]).startswith("the same person handed in both")
    assert (found.compared, found.earlier) == (20, 3)


# Each kind by itself


def test_accuracies_to_the_last_digit_are_evidence_and_round_ones_are_not():
    def printed(*numbers: str) -> work.Work:
        return work.Work(numbers=(("a.ipynb", numbers),))

    others = [Entry(f"s{at}", printed(f"0.{at + 1000}", f"0.{at + 3000}")) for at in range(100)]
    log = ("0.7123", "0.8123", "0.5234", "0.8734", "0.4123", "0.9011")
    found = pairs.pairs([Entry("a", printed(*log)), Entry("b", printed("1.234", *log, "3.456")), *others])
    assert "the same 6 numbers to the last digit" in evidence(found, "a", "b")["outputs"].sentence
    almost = ("0.7123", "0.8124", "0.5234", "0.8735", "0.4123", "0.9012")
    assert not pairs.pairs([Entry("a", printed(*log)), Entry("b", printed(*almost)), *others]).pairs
    everyone = [Entry(f"s{at}", printed(*log)) for at in range(30)]
    assert not pairs.pairs(everyone).pairs
    document = {
        "cells": [
            {
                "cell_type": "code",
                "source": "",
                "outputs": [
                    {
                        "output_type": "stream",
                        "text": ["loss 0.5123, accuracy 87.34 %, 50000 pictures, 1.0, v2.13.0, 0.1000\n"],
                    }
                ],
            }
        ]
    }
    assert list(work.decimals(document)) == ["0.5123", "87.34"]


def test_the_same_wrong_answers_count_with_the_same_settings_alone():
    wrong = (("fc", "grad_w is wrong at [2, 1]: yours 0.32"), ("l2", "loss is 3.1 of 1.7"))
    chosen = work_of(train="lr = 0.013\nhidden = 77\nreg = 2e-4\nbatch = 48\n")
    other = work_of(train="lr = 0.014\nhidden = 77\nreg = 2e-4\nbatch = 48\n")
    rest = [Entry(f"s{at}", work_of(train=f"lr = 0.{at}\nhidden = {at}\nreg = 1\n")) for at in range(100)]
    found = pairs.pairs([Entry("a", chosen, answers=wrong), Entry("b", chosen, answers=wrong), *rest])
    one = evidence(found, "a", "b")["answers"]
    assert one.strength >= 1
    assert "the same 2 wrong answers that few others give, and set the same 4 numbers" in one.sentence
    assert any("lr = 0.013" in told for told in one.details)
    for left, right in ((Entry("a", chosen, answers=wrong), Entry("b", other, answers=wrong)),
                        (Entry("a", chosen, answers=wrong), Entry("b", chosen))):  # fmt: skip
        assert not pairs.pairs([left, right, *rest]).pairs
    common = [Entry(f"s{at}", work_of(train=f"lr = 0.{at}\n"), answers=wrong) for at in range(100)]
    assert not pairs.pairs([Entry("a", other, answers=wrong), Entry("b", chosen, answers=wrong), *common]).pairs


def as_bytes(image: Image.Image, form: str = "JPEG", **how: int) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **how)
    return file.getvalue()


def seen(**files: bytes) -> work.Work:
    return work.read(lambda name: None, {f"{name}.jpg": content for name, content in files.items()})


def test_photographs_are_compared_by_what_they_show():
    draw = Random(5)
    image = cohort.photograph(draw)
    others = [Entry(f"s{at}", seen(x=as_bytes(cohort.photograph(draw)))) for at in range(40)]
    forms = {
        "other bytes": as_bytes(image, quality=40),
        "smaller": as_bytes(cohort.processed(image, draw)),
        "a PNG": as_bytes(image, "PNG"),
        "mirrored": as_bytes(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
    }
    for how, content in forms.items():
        found = pairs.pairs([Entry("a", seen(mine=as_bytes(image))), Entry("b", seen(yours=content)), *others])
        assert evidence(found, "a", "b")["pictures"].details == ("mine.jpg and yours.jpg",), how
        assert len(found.pairs) == 1
    shared = [Entry(f"s{at}", seen(x=as_bytes(image))) for at in range(40)]
    assert not pairs.pairs(shared).pairs
    blank = as_bytes(Image.new("RGB", (300, 200), "white"))
    assert not pairs.pairs([Entry("a", seen(x=blank)), Entry("b", seen(x=blank)), *others]).pairs
    given = seen(x=as_bytes(image))
    assert not pairs.pairs([Entry("a", given), Entry("b", given), *others], given).pairs


def test_groups_are_dense_and_a_chain_is_none():
    def pair(left: str, right: str) -> pairs.Pair:
        return pairs.Pair(left, right, ())

    assert pairs.groups([pair("a", "b"), pair("b", "c"), pair("a", "c"), pair("c", "d")]) == [("a", "b", "c")]
    assert pairs.groups([pair("a", "b"), pair("b", "c"), pair("c", "d")]) == []


def test_a_ring_is_one_group_however_large(handout):
    ring = [Entry(f"r{at:02}", work_of(functions=cohort.renamed(UNUSUAL, Random(at)))) for at in range(24)]
    absent = [Entry(f"t{at}", work.Work()) for at in range(200)]
    found = pairs.pairs([*ring, *absent], handout)
    assert found.groups == (tuple(one.label for one in ring),)
    assert "lines that others have, too" in found.pairs[0].sentence


# Tokens


def codes(text: str) -> list[int]:
    return [int(code) for code in tokens(text).codes]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("out = x @ w + b", "result = data @ weights + bias"),
        ("a = f(x, y)", "a = (f(\n    x,\n    y,\n))  # as in the slides"),
        ("x = 'a'", 'x = """b\nc"""'),
        ("x = 3", "x: float | None = 0.5e-3"),
        ("total += a * b", "total = total + a * b"),
        ("a = 1; b = 2", "a = 1\n\n\nb = 2\n"),
        ("def f(a, b):\n    return a", 'def g(a: int, b: str = "x") -> int:\n    """Adds."""\n    return a'),
        ("x = 1", "%matplotlib inline\n!pip install (x\nimport numpy as np\nx = 1"),
        ("self.w1 = x", "self.weights = y"),
    ],
)
def test_what_a_copyist_changes_for_nothing_changes_nothing(one, other):
    assert codes(one) == codes(other)


@pytest.mark.parametrize(
    ("one", "other"), [("x = a + b", "x = a - b"), ("x = np.sum(a)", "x = np.max(a)"), ("if a: pass", "while a: pass")]
)
def test_other_code_is_other_tokens(one, other):
    assert codes(one) != codes(other)


@settings(max_examples=80, deadline=None)
@given(st.one_of(st.text(), st.text(alphabet="\"'\\\n#(){}[];:=+. def1e_\t", max_size=200)))
def test_any_text_has_tokens(text):
    found = tokens(text)
    assert len(found.codes) == len(found.kinds) == len(found.lines) == len(found.statements)
    assert (np.diff(found.statements) >= 0).all()
    if len(found.lines):
        assert found.lines.min() >= 1
        assert found.lines.max() <= text.count("\n") + 1
    known = np.zeros(0, np.int64)
    rarity.prints([found], known, rarity.Handout.of([], known))


@pytest.mark.parametrize(
    "text", ["(" * CHARACTERS, '"""' * 300_000, "'\\" * 400_000, "x=1\n" * 400_000, "\\\n" * 500_000]
)
def test_a_hostile_text_costs_a_moment_and_is_cut(text):
    with expect_end():
        found = tokens(text)
    assert len(found.codes) <= TOKENS
    assert found.cut or len(text) <= CHARACTERS


@pytest.mark.parametrize("size", [0, 1])
def test_nobody_and_one_alone_make_no_pair(size, handout):
    assert not pairs.pairs([Entry(f"s{at}", work_of(a=THREE)) for at in range(size)], handout).pairs


def test_odd_notebooks_are_read_or_told():
    outputs = [None, {"text": 3}, {"data": 4}]
    cells = [
        {"cell_type": "code", "source": ["x = '\ud800'\n", 7, None], "outputs": outputs},
        {"cell_type": "code", "source": {"a": 1}, "outputs": {"png": 1}},
        "no cell",
    ]
    document = {"cells": cells}
    for content in (
        json.dumps(document).encode(),
        b'{"cells": 3}',
        b'{"cells": [[[[',
        b'{"worksheets": [{"cells": 1}]}',
    ):
        found = work.read(lambda name: None, {"a.ipynb": content})
        assert len(found.documents) + len(found.notes) == 1
        assert all(one.text.encode() is not None for one in found.documents)


def test_winnowing_keeps_a_fingerprint_of_any_long_enough_run():
    draw = np.random.default_rng(0)
    shared = draw.integers(0, 1 << 60, rarity.LENGTH + rarity.WINDOW - 1).astype(np.uint64)
    for _ in range(50):
        around = [draw.integers(0, 1 << 60, size).astype(np.uint64) for size in draw.integers(0, 40, 4)]
        both = [np.concatenate([around[at], shared, around[at + 2]]) for at in (0, 1)]
        kept = [set(rarity.successive(one)[rarity.winnowed(rarity.successive(one))].tolist()) for one in both]
        assert kept[0] & kept[1]


def test_what_everyone_has_weighs_nothing_and_what_two_have_most():
    weights = rarity.weights(np.array([2, 3, 30, 150, 300, 301]), 300)
    assert (np.diff(weights) < 0).all()
    assert weights[0] == pytest.approx(1, abs=0.01)
    assert weights[-1] == 0
    assert rarity.weights(np.array([2]), 10)[0] < 0.4  # in a class of ten, two may write alike
    assert rarity.weigh(2, 10) == rarity.weigh(2, 2) == pytest.approx(1)
