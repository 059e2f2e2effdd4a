"""Of all that a notebook does, what its training needs."""

from __future__ import annotations

import ast
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.homework.worker.notebook import plain, program


def sliced(*cells: str, counts: list[int] | None = None) -> tuple[list[str], list[str]]:
    """The setup and the training of a notebook, as code."""
    numbered = [
        (at, textwrap.dedent(source), counts[at - 1] if counts else at) for at, source in enumerate(cells, start=1)
    ]
    found = program(numbered)
    return [one.text for one in found.setup], [one.text for one in found.training]


TRAIN = """
    def train(model, loader):
        for x, y in loader:
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
"""


@pytest.mark.parametrize(
    ("source", "python"),
    [
        ("x = 1\n", "x = 1\n"),
        ("%matplotlib inline\nx = 1", "pass\nx = 1"),
        ("!pip install a\nx = 1", "pass\nx = 1"),
        ("if a:\n    !ls\n    %time f()\n", "if a:\n    pass\n    pass\n"),
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


def test_only_what_training_needs_is_kept():
    setup, training = sliced(
        "import torch\nimport matplotlib.pyplot as plt\nfrom google.colab import drive\ndrive.mount('/content/drive')",
        "criterion = make()\nmodel = Network()\noptimizer = Adam(model.parameters())\nprint(model)\nplt.plot([1])",
        TRAIN,
        "class Network: pass\nloader = DataLoader(d)\nunused = slow()",
        "history = train(model, loader)\nplt.plot(history)",
        "evaluate(model)",
    )
    assert training == ["history = train(model, loader)"]
    kept = "\n".join(setup)
    for wanted in ("criterion =", "model =", "optimizer =", "def train", "class Network", "loader ="):
        assert wanted in kept
    for unwanted in ("plt", "drive", "print", "unused", "evaluate", "import torch"):
        assert unwanted not in kept


@pytest.mark.parametrize(
    "statement",
    [
        "train(model, loader)",
        "for x, y in loader:\n    f(model, x).backward()",
        "if __name__ == '__main__':\n    main()",
        "with open_(1) as f:\n    history = train(model, loader)",
    ],
)
def test_a_statement_that_leads_to_backward_is_training(statement):
    _, training = sliced("def main():\n    train(model, loader)\n", TRAIN, statement)
    assert training == [ast.unparse(ast.parse(statement))]


def test_a_method_trains_and_modes_do_not():
    setup, training = sliced(
        "class T:\n    def fit(self, d):\n        loss(d).backward()\n    def train(self, d): pass",
        "t = T()\nmodel = Network()",
        "model.train()\nmodel.eval()\nt.fit(d)",
    )
    assert training == ["t.fit(d)"]
    assert "t = T()" in setup


def test_what_changes_a_needed_object_is_kept():
    setup, _ = sliced(
        "import torch\nfrom torch import nn\nmodel = Network()\ndef init_weights(m): pass",
        "model.apply(init_weights)\nmodel.fc = nn.Linear(1, 2)\nnn.init.zeros_(model.fc.bias)\ninit_weights(model)\n"
        "torch.manual_seed(3)\ntorch.save(model, 'x')\nfor p in model.parameters():\n    p.requires_grad = False\n"
        "settings['a'] = 2\nfor p in [model.a, model.b]:\n    p.requires_grad_(True)\n"
        "for i, layer in enumerate(model):\n    nn.init.ones_(layer.weight)\n"
        "for x in model:\n    print(x)",
        "def train(model):\n    model(torch.ones(1)).backward()",
        "train(model)",
    )
    kept = "\n".join(setup)
    for wanted in ("apply", "model.fc = ", "zeros_", "init_weights(model)", "manual_seed", "requires_grad"):
        assert wanted in kept, wanted
    assert "requires_grad_(True)" in kept
    assert "ones_" in kept
    assert "print" not in kept
    assert "torch.save" not in kept
    assert "settings" not in kept


def test_the_data_of_the_test_set_is_made_though_training_does_without():
    setup, _ = sliced(TRAIN, "train(model, loader)", "T = Compose()\ntest = datasets.FashionMNIST('d', transform=T)")
    assert setup[-2:] == ["T = Compose()", "test = datasets.FashionMNIST('d', transform=T)"]


def test_what_stands_between_two_statements_of_training_stays_there():
    _, training = sliced(
        TRAIN,
        "train(model, loader)\noptimizer = SGD(model.parameters())\nprint(1)\ntrain(model, loader)",
    )
    assert training == ["train(model, loader)", "optimizer = SGD(model.parameters())", "train(model, loader)"]


def test_cells_out_of_order_are_taken_as_they_were_run():
    cells = ("train(model, loader)", TRAIN, "model = Network()\nloader = d\ncriterion = optimizer = 1")
    setup, training = sliced(*cells, counts=[3, 1, 2])
    assert training == ["train(model, loader)"]
    assert "model = Network()" in setup
    for counts in ([1, 2, 3], [None, None, None]):
        assert sliced(*cells, counts=counts)[1] == ["train(model, loader)"]


def test_a_cell_that_was_run_again_does_not_turn_the_order_round():
    """Its number is then higher than that of the training that needed it."""
    cells = ("num_epoch = 3", TRAIN, "model = loader = criterion = optimizer = 1", "train(model, num_epoch)")
    setup, _ = sliced(*cells, counts=[9, 1, 2, 3])
    assert "num_epoch = 3" in setup


def test_cells_that_are_not_python_are_told_and_left_out():
    found = program([(1, "x = (", 1), (2, "criterion = 1", 2), (3, "def f(:\n  pass", 3)])
    assert [(cell, line) for cell, line, _ in found.unread] == [(1, 1), (3, 1)]
    assert [one.text for one in found.setup] == ["criterion = 1"]
    assert program([]).setup == []


def test_depth_does_not_end_it():
    assert program([(1, "x = " + "-" * 50_000 + "1", 1), (2, "lr = 1", 2)]).setup[-1].text == "lr = 1"


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
    assert [one.text for one in found.training] == ["fit()"]
    assert found.unread == []


@pytest.mark.parametrize("name", ["EPOCHS", "num_epochs", "max_epochs", "LR", "Batch_Size"])
def test_a_hyperparameter_is_kept_in_any_case(name):
    assert f"{name} = 3" in sliced(f"{name} = 3", TRAIN, "train(model, loader)")[0]
