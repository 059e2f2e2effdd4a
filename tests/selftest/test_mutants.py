"""Mutants: what the operators change, where they belong, and what is no mistake."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from grader.command.check_homework import handed_in
from grader.errors import UsageError
from grader.loading import ROOT, load
from grader.sandbox.launch import Zygotes
from grader.selftest import edits, equivalents, inserted, mutants, runs, trial
from grader.selftest.mutants import Mutant

pytestmark = pytest.mark.medium

HOMEWORKS = [ROOT / "grader" / "homework", ROOT / "tests" / "homeworks" / "framework"]


@pytest.fixture(scope="module", params=HOMEWORKS, ids=lambda path: path.name)
def surveyed(request):
    homework = load(request.param)
    reference = handed_in(homework, homework.reference)
    with Zygotes() as zygotes:
        plan = trial.Plan(homework, reference, trial.chosen(homework, ())[0])
        seen = trial.surveyed(plan, runs.here(homework, zygotes.launch))
    return homework, reference, seen


@pytest.fixture(scope="module")
def made(surveyed):
    homework, reference, seen = surveyed
    return [one for function in seen.functions for one in mutants.mutants(function, reference, homework)]


def test_each_mutant_is_another_file_in_one_item(surveyed, made):
    homework, reference, _ = surveyed
    items = {item.id for task in homework.rubric.tasks for item in task.items}
    assert {one.function.item for one in made} <= items
    assert max(Counter(one.name for one in made).values()) == 1
    contents = {ast.dump(ast.parse(one.content)) for one in made}
    assert len(contents) == len(made)
    assert not contents & {
        ast.dump(ast.parse(content)) for name, content in reference.files.items() if name.endswith(".py")
    }


def test_there_are_enough_of_every_operator(surveyed, made):
    if surveyed[0].folder != HOMEWORKS[0]:
        pytest.skip("a small homework has fewer")
    assert len(made) >= 600
    count = Counter(one.operator for one in made)
    named = {edits.AXIS, edits.SIGN, edits.FACTOR, edits.MISSING, edits.KINK, edits.LABEL, edits.WRONG, edits.GENERAL}
    assert named | {"cast", "stale state", "in-place damage", "shape special case"} == set(count)


def test_a_constructor_is_changed_only_where_it_leaves_numbers(surveyed, made):
    """An answer of None cannot be wrong, and what changes nothing would count as accepted."""
    built = {one.function.inside for one in made if ".__init__: answer" in one.name}
    classes = (
        ["TwoLayerNet"] if surveyed[0].folder == HOMEWORKS[0] else ["Tensor", "SGD", "Adam"]
    )  # a Linear has Tensors
    assert built == {f"{name}.__init__" for name in classes}


def test_a_function_belongs_to_the_item_whose_check_is_about_it(surveyed):
    homework, _, seen = surveyed
    about = {check.about: check.item for check in homework.checks.values()}
    for function in seen.functions:
        assert function.item == about.get(function.name, function.item)
    if homework.folder == HOMEWORKS[0]:
        items = {one.name: one.item for one in seen.functions}
        assert items["layers.softmax_loss"] == "2.3"
        assert items["two_layer_net.TwoLayerNet.parameters"] == "3.1"  # its class's
        assert "functions.f3_y1" in seen.alone
    else:
        assert {one.name: one.item for one in seen.functions}[
            "tensor.Module.parameters"
        ] == "2.1"  # the first that runs it


def test_what_is_not_the_students_to_write_is_not_changed(surveyed, made):
    _, reference, _ = surveyed
    for one in made:
        before, after = reference.files[one.function.file], one.content
        if " -> " in one.change and edits.regions(before):
            assert before[: edits.regions(before)[0][0]] == after[: edits.regions(before)[0][0]]


@pytest.mark.parametrize(
    ("source", "operator", "new"),
    [
        ("x.sum(axis=0)", edits.AXIS, "x.sum(axis=1)"),
        ("x.sum(axis=0)", edits.FACTOR, "x.mean(axis=0)"),
        ("x.T @ y", edits.AXIS, "x"),
        ("a - b", edits.SIGN, "(a + b)"),
        ("a / n", edits.FACTOR, "a"),
        ("a + b", edits.MISSING, "b"),
        ("x > 0", edits.KINK, "(x < 0)"),
        ("p[rows, y]", edits.LABEL, "p[rows, y - 1]"),
        ("np.log(p)", edits.MISSING, "p"),
        ("y == 1", edits.LABEL, "(y == 1 - 1)"),
    ],
)
def test_an_operator_makes_the_mistake_of_its_name(source, operator, new):
    content = f"def f(x, y, a, b, n, p, rows):\n    return {source}\n".encode()
    found = list(edits.edits(content, ast.parse(content).body[0]))
    assert (operator, new) in {(one.operator, one.new) for one in found}
    assert all(one.made_in(content) != content for one in found)


@pytest.mark.parametrize(
    ("source", "new", "is_one"),
    [
        ("(a - b) ** 2", "(b - a)", False),
        ("(a - b) ** 2", "(a + b)", True),
        ("np.square(-a)", "a", False),
        ("abs(a - b)", "(b - a)", False),
        ("(a - b) ** 3", "(b - a)", True),
        ("np.exp(-a)", "a", True),
        ("np.square(a - b, a)", "(b - a)", True),
    ],
)
def test_a_sign_that_is_lost_is_no_mistake(source, new, is_one):
    content = f"def f(a, b):\n    return {source}\n".encode()
    assert (new in {one.new for one in edits.edits(content, ast.parse(content).body[0])}) == is_one


def test_a_mistake_without_a_reason_is_no_excuse(tmp_path: Path):
    path = tmp_path / equivalents.FILE
    assert equivalents.read(tmp_path) == []
    path.write_text("equivalent:\n  - {in: work.f, change: '* -> b', why: the same}\n")
    (one,) = equivalents.read(tmp_path)
    assert one.where == f"{path}:2"
    for text, says in (
        ("equivalent:\n  - {in: work.f, change: a -> b}\n", "yaml:2: this has to be a mapping of in, change, why"),
        ("equivalent:\n  - {in: work.f, change: a -> b, why: ''}\n", "yaml:2: in, change, why have to be texts"),
        ("equal: []\n", "`equivalent:` and a list"),
        ("equivalent: [\n", "not valid YAML"),
        ("equivalent: 2026-13-45\n", "not valid YAML"),
        ("[" * 5000, "not valid YAML"),
    ):
        path.write_text(text)
        with pytest.raises(UsageError, match=says):
            equivalents.read(tmp_path)


def test_every_reason_is_about_a_mutant(surveyed, made):
    homework, _, _ = surveyed
    for reason in equivalents.read(homework.folder):
        found: list[Mutant] = [one for one in made if reason.covers(one)]
        assert found, f"{reason.where}: {reason.change}"


def test_the_readme_has_the_number_of_mutants(surveyed, made):
    if surveyed[0].folder == HOMEWORKS[0]:
        page = (ROOT / "README.md").read_text(encoding="utf-8")
        assert f"| mutants | {len(made):,} |" in page


def test_a_control_is_wrong_in_texts_bools_and_sets_too():
    def f(value):
        return value

    names = {"f": f}
    inserted._selftest_answer(names, "f", (), lambda number, arrays, floats, state: number + 1, True)
    for right, wrong in (("a", "ax"), (b"a", b"ax"), (True, False), ({1}, {1, "another"}), ([("a", 1)], [("ax", 2)])):
        assert names["f"](right) == wrong
    kinds = inserted._selftest_kinds
    told = [kinds(value) for value in ("a", True, {1}, {"a": "b"}, {"a": 1.0}, iter(()), None, ("a", 1.5))]
    assert told == ["t", "t", "t", "t", "d", "n", "n", ["t", "f"]]


def test_a_property_that_is_changed_can_still_be_set():
    class Box:
        def __init__(self):
            self.held = 1.0

        @property
        def value(self):
            return self.held

        @value.setter
        def value(self, held):
            self.held = held

        @staticmethod
        def twice(number):
            return 2 * number

    for name in ("value", "twice"):
        inserted._selftest_replace({"Box": Box}, f"Box.{name}", lambda function: lambda *args: function(*args) + 1)
    box = Box()
    box.value = 5.0
    assert (box.value, Box.twice(3)) == (6.0, 7)


def test_a_change_that_would_change_nothing_is_no_mistake():
    """Of a value that holds texts alone no number is changed, and of an argument without arrays nothing is damaged."""
    kinds, argument = inserted._selftest_kinds, inserted._selftest_argument
    texts, numbers, words = [[["a", "b"]]], [[[1.0, "b"]]], type("Words", (), {})()
    words.name, words.size = "a", 3
    told = [kinds(value) for value in (texts, numbers, {"a": ["b"]}, {"a": [1.0]}, words, {}, {"a": None}, len)]
    assert told == [[["t"]], [["s"]], "t", "d", "n", "d", "n", "n"]
    rows = [("a", 1.5)]
    told = [argument(value) for value in (rows, (np.ones(2), "a"), {"w": np.ones(2)}, {"w": 1.0}, "a", 1.5, np.ones(2))]
    assert told == ["n", "s", "s", "n", "n", "f", "f1"]


@pytest.mark.parametrize(("value", "is_one"), [("np.zeros(3)", False), ("np.zeros_like(x)", False), ("f(x)", True)])
def test_twice_as_many_zeros_are_no_mistake(value, is_one):
    content = f"def f(x):\n    out = {value}\n    return out\n".encode()
    new = {one.new for one in edits.edits(content, ast.parse(content).body[0])}
    assert (f"out = 2 * ({value})" in new) == is_one
    assert (f"out = -({value})" in new) == is_one
