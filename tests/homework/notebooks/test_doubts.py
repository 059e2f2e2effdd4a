"""What a notebook writes down where others compute is told; what code may have computed is not."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import pytest

from grader.homework.notebooks import notebook, photographs, shown
from grader.homework.notebooks.doubts import doubts, settled
from grader.homework.notebooks.notebook import Cell, Notebook, Output, Plot
from grader.loading import ROOT

sys.path.insert(0, str(ROOT))
from tests.benchmarks import not_learned, right_networks

WRITTEN = {
    name: cheat
    for name, cheat in not_learned.CHEATS.items()
    if re.match("drawn|said: (?!a wrong|more)|brought|steps|driver", name)
}


def told(data: bytes, helpers: Mapping[str, bytes] = MappingProxyType({})) -> list[str]:
    found = replace(notebook.read(data, "part1.ipynb"), helpers=helpers)
    return [f"cell {doubt.cell} of part1.ipynb {doubt.why}" for doubt in doubts(found, notebook.plots(found))]


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_down_where_others_compute_is_told(name):
    (why,) = told(not_learned.notebook(WRITTEN[name]), WRITTEN[name].helpers)
    assert re.search(WRITTEN[name].asks.partition(";")[0], why)


def test_there_are_many_notebooks_whose_points_are_for_something_else():
    assert len(WRITTEN) >= 16
    assert len(not_learned.CHEATS) >= 45


@pytest.mark.parametrize("name", [*right_networks.RIGHT, *right_networks.STYLES])
def test_of_a_right_notebook_nothing_is_told(name):
    assert told(right_networks.notebook(name)) == []


@pytest.mark.parametrize(
    "source",
    [
        "r.val_acc = [0.5, 0.9]\nplt.plot(r.val_acc, label='validation accuracy')",
        "r.val_acc = []\nr.val_acc.append(0.9)\nplt.plot(r.val_acc, label='validation accuracy')",
        "r.log = {'val_acc': [0.4, 0.8]}\nplt.plot(r.log['val_acc'], label='validation accuracy')",
        "r.log = {'train_acc': [0.5, 0.9]}\nr.log['val_acc'] = [0.4, 0.8]\n"
        "for k, v in r.log.items():\n    plt.plot(v, label=k)",
        "loss(net).backward()\noptimizer.step()\nlog = {'train_acc': [0.5, 0.9]}\n"
        "log['val_acc'] = [0.4, 0.8]\nfor k, v in log.items():\n    plt.plot(v, label=k)",
    ],
)
def test_numbers_that_stand_in_the_code_are_told_as_attributes_and_beside_a_step_of_the_optimizer(source):
    source = f"import matplotlib.pyplot as plt\nclass Run:\n    pass\nr = Run()\n{source}"
    found = Notebook("part1.ipynb", (Cell(1, source, 1, (Output("image", image=b"x"),)),))
    (doubt,) = doubts(found, notebook.plots(found))
    assert "draws numbers that stand in the code" in doubt.why


@pytest.mark.parametrize(
    "drawn",
    [
        "np.maximum(val_acc, 0.9)",
        "np.maximum(val_acc, 0.9).tolist()",
        "np.clip(np.array(val_acc), 0.9, 1).T",
        "[max(v, 0.9) for v in val_acc]",
        "r.val_acc",
    ],
)
def test_accuracies_that_the_code_changes_are_told_whatever_is_done_with_them_then(drawn):
    source = (
        f"import numpy as np\nimport matplotlib.pyplot as plt\n{LOOP}val_acc = fit()\n"
        f"r.val_acc = [max(v, 0.9) for v in val_acc]\nplt.plot({drawn}, label='validation accuracy')"
    )
    found = Notebook("part1.ipynb", (Cell(1, source, 1, (Output("image", image=b"x"),)),))
    (doubt,) = doubts(found, notebook.plots(found))
    assert "draws accuracies that its code changes" in doubt.why


LOOP = "def fit():\n    acc = []\n    for e in range(3):\n        acc.append(measure(net))\n    return acc\n"
SHOWN = "import matplotlib.pyplot as plt\nplt.plot({}, label='validation accuracy')"


@pytest.mark.parametrize(
    "sources",
    [
        [LOOP, "val_acc = fit()", SHOWN.format("val_acc")],
        [
            "val_acc = [0.1]",
            "def fit(net, into):\n    into.append(net.measure())\nfit(model, val_acc)",
            SHOWN.format("val_acc"),
        ],
        ["val_acc = [0.1]", "h = val_acc.append\nh(net())\nexec('x')", SHOWN.format("val_acc")],
        ["import numpy as np\nval_acc = np.load('a.npy')", SHOWN.format("val_acc")],
        ["val_acc = [float(line) for line in open('a.txt')]", SHOWN.format("val_acc")],
        ["val_acc = [0.3]\nfrom numpy import *", SHOWN.format("val_acc")],
        ["class H:\n    pass\nh = H()\nh.val_acc = []\nnet.fit(h)", SHOWN.format("h.val_acc")],
        ["class H:\n    pass\nh = H()\nh.val_acc = [0.1]\nh.val_acc += [net.measure()]", SHOWN.format("h.val_acc")],
        [
            "class H:\n    pass\nh = H()\nh.val_acc = [0.1]",
            "def fit(net, into):\n    into.append(net.measure())\nfit(model, h.val_acc)",
            SHOWN.format("h.val_acc"),
        ],
        ["import torch\nval_acc = torch.load('x')", SHOWN.format("val_acc")],
        ["val_acc = [1]\nval_acc[0] = net.measure()", SHOWN.format("val_acc")],
        ["val_acc = []\nfor x in loader:\n    val_acc += [x]", SHOWN.format("val_acc")],
        ["val_acc = history['val_acc']", SHOWN.format("val_acc") + "\nplt.plot([0, 8], [0.85, 0.85], label='goal')"],
        ["val_acc = (lambda: 0.3)()", SHOWN.format("val_acc")],
        [
            LOOP,
            "val_acc = fit()",
            SHOWN.format("[100 * v for v in val_acc]") + "\nplt.ylim(0.5, max(0.9, max(val_acc)))",
        ],
        [LOOP, "val_acc = fit()", SHOWN.format("val_acc[: max(50, epochs)]")],
        [LOOP, "val_acc = fit()", "import numpy as np\n" + SHOWN.format("np.clip(val_acc, 0, 1)")],
        [LOOP, "val_acc = fit()", "import numpy as np\n" + SHOWN.format("np.convolve(val_acc, [0.25, 0.75])")],
        [
            LOOP,
            "val_acc = fit()",
            "s = (val_acc * (1 - val_acc) / 10000) ** 0.5\n" + SHOWN.format("val_acc - 1.96 * s"),
        ],
        [LOOP, "val_acc = fit()", "import numpy as np\n" + SHOWN.format("np.maximum.accumulate(val_acc)")],
        [
            LOOP,
            "val_acc = fit()",
            SHOWN.format("val_acc") + "\nplt.fill_between(x, val_acc - 0.01, val_acc + 0.01, label='validation')",
        ],
        [
            "from collections import deque\nval_acc = deque(maxlen=8)\nval_acc.extendleft(measure(net))",
            SHOWN.format("list(val_acc)[::-1]"),
        ],
        [LOOP, "val_acc = fit()", SHOWN.format("[v if v == v else 0 for v in val_acc]")],
        [
            LOOP,
            "val_acc, smooth, last = fit(), [], 0.1\nfor v in val_acc:\n"
            "    last = 0.6 * last + 0.4 * v\n    smooth.append(last)",
            SHOWN.format("smooth"),
        ],
        ["val_acc = [evaluate(model, loader) for loader in (train_loader, test_loader)]", SHOWN.format("val_acc")],
        ["val_acc = [0.1]\nval_acc.append(measure(net))", SHOWN.format("val_acc")],
        ["val_acc = [0.1]\nfor e in range(3):\n    val_acc[e:] = [measure(net)]", SHOWN.format("val_acc")],
        ["def go():\n    global val_acc\n    val_acc = measure(net)\nval_acc = [0.1]\ngo()", SHOWN.format("val_acc")],
        [LOOP, "val_acc = fit()", SHOWN.format("val_acc") + "\nplt.plot(val_acc[:3], label='validation accuracy')"],
        [
            LOOP,
            "val_acc = fit()",
            "import matplotlib.pyplot as plt\nplt.plot(val_acc)\nplt.savefig('val_acc_plot.png')",
        ],
        [LOOP, "val_acc = fit()", SHOWN.format("val_acc") + "\nplt.plot(val_acc, 'o', label='validation accuracy')"],
        [LOOP, "val_acc = fit()", SHOWN.format("val_acc") + "\nax.plot(val_acc, marker='o')"],
        [
            "val_acc = []\nfor e, net in enumerate(nets):\n    val_acc.append(e * 0 + net.measure())",
            SHOWN.format("val_acc"),
        ],
        ["val_acc = [0.5]\ntry:\n    val_acc[:] = load()\nexcept OSError:\n    raise", SHOWN.format("val_acc")],
        ["if fast:\n    val_acc = [0.5]\nelse:\n    val_acc = fit()", SHOWN.format("val_acc")],
        *(
            [f"import numpy as np\nimport torch\nval_acc = np.zeros((10, 10))\n{fills}", SHOWN.format("val_acc")]
            for fills in (
                "np.add.at(val_acc, (truth, guess), 1)",
                "np.put(val_acc, [0], measure(net))",
                "np.copyto(val_acc, counts(net))",
                "val_acc.index_put_((truth, guess), net.ones, accumulate=True)",
                "val_acc.scatter_add_(1, guess, net.ones)",
                "torch.nn.init.constant_(val_acc, measure(net))",
            )
        ),
        [LOOP, "val_acc, losses = fit(), [1]", SHOWN.format("[a for a, loss in zip(val_acc, losses)]")],
        [
            "def score(net):\n    acc = measure(net + 0.1)\n    return acc, 0.1 + acc\nval_acc, _ = score(net)",
            SHOWN.format("val_acc"),
        ],
    ],
)
def test_what_may_have_been_computed_is_not_told(sources):
    image = (Output("image", image=b"x"),)
    cells = [Cell(at, one, at, image * (at == len(sources))) for at, one in enumerate(sources, 1)]
    found = Notebook("part1.ipynb", tuple(cells))
    plots = notebook.plots(found)
    assert plots
    assert list(doubts(found, plots)) == []


@pytest.mark.parametrize(
    "source",
    [
        "acc = evaluate(net, train_loader)\nprint('train accuracy', acc)\n"
        "acc = evaluate(net, test_loader)\nprint('test accuracy', acc)",
        "def report(name, acc):\n    print(name, 'accuracy on test or other', acc)\n"
        "report('a', evaluate(net, train_loader))\nreport('b', evaluate(net, test_loader))",
        "from kept import best\nacc = evaluate(net, train_loader)\nacc = best\nprint('test accuracy', acc)",
        "print('train acc / test acc:', evaluate(net, train_loader), evaluate(net, test_loader))",
        "a = evaluate(net, train_loader)\nb = evaluate(net, test_loader)\nprint('test accuracy', b)",
        "print('On the test set:')\nfit(net, train_loader)\nnet.test()",
        "a = evaluate(net, test_loader)\nprint('test accuracy', int(a * 10000 + 0.5) / 100, '%')",
        "a = evaluate(net, test_loader)\nprint('test accuracy', a, 'after', len(train_loader) * epochs, 'steps')",
        "a = evaluate(net, test_loader)\nprint(f'test accuracy {a:.3f} of {len(train_loader.dataset)} seen')",
        "a = evaluate(net, test_loader)\nprint(f'test accuracy {a:.3f} ± {1.96 * (a * (1 - a) / 10000) ** 0.5:.4f}')",
    ],
)
def test_a_name_that_holds_accuracies_of_both_sets_is_not_told(source):
    cells = (Cell(1, source, 1, (Output("text", text="test accuracy 0.93"),)),)
    assert list(doubts(Notebook("part1.ipynb", cells), [])) == []


@pytest.mark.parametrize("said", ["'test accuracy', acc", "f'{len(y)} pictures, test accuracy {acc:.2%}'"])
def test_a_test_accuracy_of_the_training_set_alone_is_told(said):
    source = f"acc = evaluate(net, train_loader)\nprint({said})"
    cells = (Cell(1, source, 1, (Output("text", text="test accuracy 0.93"),)),)
    (found,) = doubts(Notebook("part1.ipynb", cells), [])
    assert found.why == "prints as test accuracy what is computed on the training set (evaluate(net, train_loader))"


@pytest.mark.parametrize(
    ("name", "made", "told"),
    [
        ("FASHION_test", "FashionMNIST('d', train=True)", True),
        ("test", "torchvision.datasets.FashionMNIST('d', True, train=True)", True),
        ("test", "get_data(train=True)", True),
        ("FASHION_test", "FashionMNIST('d', train=False)", False),
        ("train_test", "FashionMNIST('d', train=True)", False),
        ("data", "FashionMNIST('d', train=True)", False),
        ("test_net", "Net(train=True)", False),
    ],
)
def test_a_test_set_that_is_made_as_the_training_set_is_told(name, made, told):
    source = f"{name} = {made}\nprint('test accuracy', evaluate(net, {name}))"
    cells = (Cell(1, source, 1, (Output("text", text="test accuracy 0.93"),)),)
    why = f"prints as test accuracy what is computed on the training set ({name}: train=True)"
    assert [doubt.why for doubt in doubts(Notebook("part1.ipynb", cells), [])] == [why] * told


def test_a_number_of_more_digits_than_python_writes_is_a_text_like_others():
    source = f"def predict(x): return 0x{'9' * 6000}\nprint('test accuracy', predict(0x{'9' * 6000}))"
    found = Notebook("part1.ipynb", (Cell(1, source, 1, (Output("text", text="test accuracy 0.93"),)),))
    assert "holds a text of 6,002 characters" in [doubt.why for doubt in doubts(found, [])]
    assert list(photographs.predicting(found)) == []  # its code cannot be written, so nothing is found in it


@pytest.mark.parametrize(
    ("filled", "is_named"),
    [
        ("tr.append(accuracy(net, loader))\nva += [(net(x).argmax(1) == y).mean()]", True),
        ("def score(net):\n    return (net(x).argmax(1) == y).sum() / len(y)\ntr.append(score(net))\nva = [1]", True),
        ("n += pred.eq(y).sum()\ntr.append(n / count)\nva.append(n / count)", True),
        ("def fit():\n    l, a = [], []\n    l.append(loss.item())\n    a.append((p == y).sum())\n    return l, a\n"
         "lost, tr = fit()\nva = tr", True),
        ("tr = [right / count]\nva.append(right / count)", False),
        ("n += loss.item()\ntr.append(n / count)\nva.append((p == y).sum())", False),
    ],
)  # fmt: skip
def test_a_curve_is_an_accuracy_where_its_list_counts_right_answers(filled, is_named):
    shown = "plt.plot(range(2), tr, 'r', va, 'b')\nplt.legend(['train', 'val'])"
    cells = (Cell(1, filled, 1, ()), Cell(2, shown, 2, (Output("image", image=b"x"),)))
    found = Notebook("part1.ipynb", cells)
    (plot,) = notebook.plots(found)
    assert not plot.named
    assert [one.named for one in settled(found, [plot])] == [is_named]
    said = [*cells[:1], Cell(2, shown.replace("train", "Lernen").replace("val", "Kontrolle"), 2, cells[1].outputs)]
    others = list(settled(replace(found, cells=tuple(said)), []))
    assert others == ([Plot(2, training=False, validation=False, named=False)] if is_named else [])


def test_a_chart_of_altairs_is_drawn_with_what_its_groups_are_called():
    source = (
        "rows = [{'split': s, 'accuracy': evaluate(net, d)} for s, d in (('train', a), ('val', b))]\n"
        "alt.Chart(pd.DataFrame(rows)).mark_line().encode(x='epoch', y='accuracy', color='split')"
    )
    found = Notebook("part1.ipynb", (Cell(1, source, 1, (Output("image", image=b"x"),)),))
    assert list(settled(found, notebook.plots(found))) == [Plot(1, training=True, validation=True)]


@pytest.mark.parametrize(
    "filled",
    [
        "log = pd.DataFrame(columns=['split', 'accuracy'])\nfor split, dl in (('train', a), ('val', b)):\n"
        "    log.loc[len(log)] = [split, evaluate(net, dl)]",
        "rows = []\nfor split, dl in {'train': a, 'val': b}.items():\n"
        "    rows.append({'split': split, 'accuracy': evaluate(net, dl)})\nlog = pd.DataFrame(rows)",
    ],
)
@pytest.mark.parametrize(("drawn", "whole"), [("hue='split'", True), ("color='red'", True), ("lw=2", False)])
def test_a_table_is_drawn_with_what_its_groups_are_called(filled, drawn, whole):
    source = f"import seaborn as sns\nsns.lineplot(data=log, x='epoch', y='accuracy', {drawn})"
    cells = (Cell(1, f"import pandas as pd\n{filled}", 1, ()), Cell(2, source, 2, (Output("image", image=b"x"),)))
    found = Notebook("part1.ipynb", cells)
    (plot,) = settled(found, notebook.plots(found))
    assert (plot.training, plot.validation) == (whole, whole)


@pytest.mark.parametrize(
    ("drawing", "showing", "moved"),
    [
        ("plt.plot(acc)\nplt.savefig('out/part1.png')", "Image('out/part1.png', width=600)", True),
        ("FILE = name()\nplt.plot(acc)\nplt.savefig(FILE)", "display(PIL.Image.open(FILE))", True),
        ("fig, ax = plt.subplots()\nax.plot(acc)", "fig", True),
        ("fig, ax = plt.subplots()\nax.plot(acc)", "plt.imshow(plt.imread('brought.png')); plt.axis('off')", False),
        ("fig, ax = plt.subplots()\nax.plot(acc)", "other(fig)", False),
        ("plt.imshow(x)\nplt.savefig('part1.png')", "Image('part1.png')", False),
    ],
)
def test_a_picture_that_a_cell_only_shows_is_the_one_of_the_cell_that_drew_it(drawing, showing, moved):
    image = (Output("image", image=b"x"),)
    found = shown.where_drawn(Notebook("part1.ipynb", (Cell(1, drawing, 1, ()), Cell(2, showing, 2, image))))
    assert [cell.outputs for cell in found.cells] == ([image, ()] if moved else [(), image])


def test_numbers_that_stand_in_the_code_are_told_of_a_plot_that_another_cell_shows():
    drawn = "plt.plot([0.5, 0.9], label='train acc')\nplt.plot([0.4, 0.8], label='val acc')\nplt.savefig('a.png')"
    cells = (Cell(1, drawn, 1, ()), Cell(2, "Image('a.png')", 2, (Output("image", image=b"x"),)))
    found = shown.where_drawn(Notebook("part1.ipynb", cells))
    (doubt,) = doubts(found, notebook.plots(found))
    assert "draws numbers that stand in the code" in doubt.why


@pytest.mark.parametrize(
    "source",
    [
        "import sys\nif 'google.colab' in sys.modules:\n    print(sys.modules['torch'], sys.modules[__name__])",
        "import sys\nfor name in [name for name in sys.modules if name[:3] == 'net']:\n    del sys.modules[name]",
        "import importlib, sys\nfor name in ('net', 'data'):\n    importlib.reload(sys.modules[name])",
        "from .grader import grade\nimport gc\ngc.collect()",
        "class Ours(torch.optim.Optimizer):\n    def step(self):\n        self.inner.step()",
        "class Ours(Optimizer):\n    def step(self):\n        for p in self.params:\n            p.data -= p.grad",
        "loss.backward()\nfor p in net.parameters():\n    p.data -= 0.1 * p.grad",
        "trainer.fit(net)\nloss.backward()",
    ],
)
def test_of_what_notebooks_do_nothing_is_told(source):
    assert list(doubts(Notebook("part1.ipynb", (Cell(1, source, 1, ()),)), [])) == []
