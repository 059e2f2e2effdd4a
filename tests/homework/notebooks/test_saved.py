"""Which saved outputs are told to be impossible, and which are not, because some code may have given them."""

from __future__ import annotations

import pytest

from grader.homework.notebooks import saved
from grader.homework.notebooks.notebook import Cell, Notebook, Output

TEXT = (Output("text", "test accuracy: 93 %"),)


def notebook(*sources: str) -> Notebook:
    """Cells of which the last one has an output."""
    last = len(sources)
    return Notebook("part1.ipynb", tuple(Cell(at, one, at, TEXT * (at == last)) for at, one in enumerate(sources, 1)))


@pytest.mark.parametrize(
    ("sources", "why"),
    [
        (["plot(train_acc, val_acc)"], "it uses plot, which nothing in the notebook defines"),
        (["import torch\nmodel = 1\nmodel.eval()", "print(accuracy)"], "it uses accuracy, which nothing"),
        (["x = [y for y in results]"], "it uses results, which nothing"),
        (["with open(path) as file:\n    print(file)"], "it uses path, which nothing"),
        (["accuracy = 0.93"], "its code neither calls anything nor ends in a value"),
        ([""], "its code neither calls anything nor ends in a value"),
        (["pass"], "its code neither calls anything nor ends in a value"),
    ],
)
def test_outputs_that_no_code_can_have_given(sources, why):
    (found,) = saved.impossible(notebook(*sources))
    assert (found.cell, found.why.startswith(why)) == (len(sources), True)


@pytest.mark.parametrize(
    "sources",
    [
        ["print(later)", "later = 1\nlater"],
        ["files = !ls", "print(files)"],
        ["%%capture output\nx = 1", "print(output)"],
        ["%pylab inline", "plot(linspace(0, 1))"],
        ["from numpy import *", "print(linspace(0, 1))"],
        ["exec('a = 1')", "print(a)"],
        ["def f():\n    global a\n    a = 1\nf()", "print(a)"],
        ["import os.path as p, sys", "print(p, sys, __name__, _, _3, In, Out)\ndisplay(p)"],
        ["if False:\n    print(absent)\ntry:\n    absent\nexcept NameError as error:\n    print(error)"],
        ["def f(a, *b, c=1, **d):\n    return absent\nprint(f)"],
        ["g = lambda a: a + absent\nprint(1 or absent, 1 if g else absent, [absent for _ in []])"],
        ["for x in []:\n    print(absent)\nprint(x if x else 0)"],
        ["match 1:\n    case [a, *b]:\n        pass\n    case {'c': d, **e}:\n        pass\nprint(1)"],
        ["# all of it was commented out\n%%bash\nls"],
        ["%%bash\nls"],
        ["# evaluate(model, testloader)"],
        ["this is no Python", "print(absent)"],
        ["accuracy = 0.93\naccuracy"],
        ["import this"],
        ["!python train.py"],
    ],
)
def test_outputs_that_some_code_may_have_given(sources):
    assert list(saved.impossible(notebook(*sources))) == []


@pytest.mark.parametrize(
    ("source", "undrawn"),
    [
        ("import torch, numpy\nfrom torchvision import transforms", True),
        ("def plot(*lines): pass", True),
        ("import matplotlib.pyplot as plt", False),
        ("from my_plots import plot", False),
        ("from . import plots", False),
        ("%matplotlib inline", False),
        ("display(1)", False),
    ],
)
def test_pictures_that_nothing_can_have_drawn(source, undrawn):
    assert saved.undrawn(notebook(source)) is undrawn


@pytest.mark.parametrize(
    ("helpers", "cell", "is_mute"),
    [
        (
            "",
            "for x, y in loader:\n    loss = F.cross_entropy(net(x), y)\n    loss.backward()\nkept.append(loss)",
            True,
        ),
        ("def step(x):\n    net(x).backward()", "for x in loader:\n    step(x)", True),
        ("", "for x in loader:\n    loss = step(x)\n    if loss > 1:\n        print(loss)", False),
        ("def step(x):\n    tell(x)\ndef tell(x):\n    print(x)", "for x in loader:\n    step(x)", False),
        ("class T:\n    def run(self):\n        print(1)", "t = T()\nt.run()", False),
        ("class T:\n    def __init__(self):\n        self.x = 1\n        print(2)", "t = T()", False),
        ("", "for x in tqdm(loader):\n    step(x)", False),
        ("", "plt.plot(losses)", False),
        ("", "step(x)\nlosses", False),
        ("", "!nvidia-smi\nx = 1", False),
        ("log = open('log.csv', 'w')", "for x in loader:\n    print(step(x), sep=',', file=log)", True),
        ("", "with open('log.txt', 'a') as f:\n    for x in loader:\n        f.write(str(step(x)))", True),
        ("def keep(x):\n    print(x, file=log)", "for x in loader:\n    keep(step(x))", True),
        ("", "for x in loader:\n    print(step(x), file=log)\n    print(x)", False),
        ("", "for x in loader:\n    print(step(x), file=sys.stdout)", False),
        ("", "for x in loader:\n    tqdm.write(str(step(x)))\nx = 1", False),
    ],
)
def test_a_cell_is_mute_whose_code_prints_and_shows_nothing(helpers, cell, is_mute):
    found = notebook(helpers, cell, "1")
    assert (2 in saved.mute(found)) == is_mute
    beside = Notebook("part1.ipynb", (Cell(1, cell, 1, ()),), {"own.py": helpers.encode()})
    assert (list(saved.mute(beside)) == [1]) == is_mute
    never_run = Notebook(found.name, tuple(Cell(one.number, one.source, None, ()) for one in found.cells))
    assert list(saved.mute(never_run)) == []
