"""Cells as Python, in an order that runs."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.homework.worker.notebook import plain, program


def ordered(*cells: str, counts: list[int | None]) -> list[int]:
    """The cells of a notebook's statements in the order in which they are run."""
    return [one.cell for one in program(list(zip(range(1, len(cells) + 1), cells, counts, strict=True))).statements]


TRAIN = "def train():\n    criterion(model).backward()"


@pytest.mark.parametrize(
    ("source", "python"),
    [
        ("x = 1\n", "x = 1\n"),
        ("%matplotlib inline\nx = 1", "pass\nx = 1"),
        ("!pip install a\nx = 1", "pass\nx = 1"),
        ("if a:\n    !ls\n    %time f()\n", "if a:\n    pass\n    f()\n"),
        ("%time a, b = f(\\\n  x)", "a, b = f(\\\n  x)"),
        ("%timeit -n1 -r 1 f(x)\nr = %timeit -o f()\n%prun -s cumulative f(-1)", "f(x)\nr = f()\nf(-1)"),
        ("%time\n%prun", "pass\npass"),
        ("%run own.py --epochs 3", "get_ipython().run_line_magic('run', 'own.py --epochs 3')"),
        ("!python -u own.py", "get_ipython().run_line_magic('run', 'own.py')"),
        ("!python -m pip install a", "pass"),
        ("files = !ls\nhere = %pwd", "files = []\nhere = []"),
        ("?model\nmodel?\nmodel.fc??", "pass\npass\npass"),
        ("%%time\nx = 1", "\nx = 1"),
        ("# note\n\n%%capture out\n%%time\nx = 1", "# note\n\n\n\nx = 1"),
        ("%%bash\nls -l\nfor", ""),
        ("%%writefile a.py\nx = (", ""),
        ("!wget a \\\n  b \\\n  c\nx = 1", "pass\n\n\nx = 1"),
        ("text = '''\n%d of %d\n'''\nx = a \\\n    % b", "text = '''\n%d of %d\n'''\nx = a \\\n    % b"),
        ("x = 7\\\n  %3\n", "x = 7\\\n  %3\n"),
        ("", ""),
        ("# only a comment", "# only a comment"),
    ],
)
def test_what_is_not_python_is_taken_out_line_by_line(source, python):
    assert plain(source) == python
    ast.parse(plain(source))


@given(st.text(alphabet="%!?#ab =\n\\'(", max_size=40))
def test_lines_keep_their_numbers(source):
    found = plain(source)
    assert not found or found.count("\n") == source.replace("\r\n", "\n").count("\n")


def test_cells_out_of_order_are_taken_as_they_were_run():
    cells = ("train()", TRAIN, "model = 1\ncriterion = 2")
    assert ordered(*cells, counts=[3, 1, 2]) == [2, 3, 3, 1]
    for counts in ([1, 2, 3], [None, None, None]):
        assert ordered(*cells, counts=counts) == [1, 2, 3, 3]


def test_a_cell_that_was_run_again_does_not_turn_the_order_round():
    """Its number is then higher than that of the cell that needed it."""
    cells = ("n = 3", TRAIN, "model = criterion = 1", "for _ in range(n):\n    train()")
    assert ordered(*cells, counts=[9, 1, 2, 3]) == [1, 2, 3, 4]


def test_cells_that_are_not_python_are_told_and_left_out():
    found = program([(1, "x = (", 1), (2, "criterion = 1", 2), (3, "def f(:\n  pass", 3)])
    assert [(cell, line) for cell, line, _ in found.unread] == [(1, 1), (3, 1)]
    assert [one.text for one in found.statements] == ["criterion = 1"]
    assert program([]).statements == []


def test_depth_does_not_end_it():
    assert program([(1, "x = " + "-" * 50_000 + "1", 1), (2, "lr = 1", 2)]).statements[-1].text == "lr = 1"


def test_modules_that_cells_write_are_told_by_their_paths():
    cells = [
        (1, "%%writefile model.py\nclass N: pass\n", 1),
        (2, "%%writefile -a model.py\nx = 1\n", 2),
        (3, "%%writefile 'src/own.py'\ndef fit():\n    loss.backward()\n", 3),
        (4, "%%writefile notes.txt\nhello", 4),
        (5, "from src.own import fit\nfit()", 5),
    ]
    found = program(cells)
    assert found.files == {
        "model.py": "class N: pass\nx = 1\n", "src/own.py": "def fit():\n    loss.backward()\n",
    }  # fmt: skip
    assert found.unread == []
