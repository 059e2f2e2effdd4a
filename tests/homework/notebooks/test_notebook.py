"""Notebooks as data: every version, every way to be no notebook, and what saved outputs say."""

from __future__ import annotations

import base64
import json
from contextlib import suppress

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from grader.errors import Mismatch
from grader.homework.notebooks import claimed_accuracy, notebook
from grader.homework.notebooks.notebook import read

PNG = base64.b64encode(b"\x89PNG pixels").decode()


def printed(text: str):
    return new_output("stream", name="stdout", text=text)


def shown(**data: str):
    return new_output("display_data", data={"image/png": PNG, **data})


def made(*cells, version: int = 4) -> notebook.Notebook:
    return read(nbformat.writes(new_notebook(cells=list(cells)), version=version).encode(), "part1.ipynb")


def cell(source: str, *outputs, count: int | None = 1):
    return new_code_cell(source, outputs=list(outputs), execution_count=count)


@pytest.mark.parametrize("version", [3, 4])
def test_a_notebook_of_either_version(version):
    found = made(new_markdown_cell("# T"), cell("x = 1", printed("hello\n"), count=7), version=version)
    (only,) = found.cells
    assert (only.number, only.source, only.count) == (2, "x = 1", 7)
    assert only.text == "hello\n"


def test_lines_may_be_lists_or_strings_and_a_byte_order_mark_may_be_there():
    document = {"cells": [{"cell_type": "code", "execution_count": None, "metadata": {}, "source": ["a\n", "b"],
                           "outputs": [{"output_type": "stream", "name": "stdout", "text": ["c\n", "d"]}]}],
                "metadata": {}, "nbformat": 4, "nbformat_minor": 2}  # fmt: skip
    found = read(b"\xef\xbb\xbf" + json.dumps(document).encode(), "n")
    assert found.cells[0].source == "a\nb"
    assert found.cells[0].text == "c\nd"
    assert found.cells[0].count is None


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b"import torch\nprint(1)", "is not a notebook, because it is not JSON .line 1: Expecting value"),
        (b'{"cells": [', "not JSON"),
        (b"\xff\xfe\x00nonsense", "not JSON"),
        (b"<html></html>", "is a web page"),
        (b'{\n<<<<<<< HEAD\n"a": 1\n=======\n"a": 2\n>>>>>>> b\n}', "merge conflict .line 2 is <<<<<<<"),
        (b'{\n"a": 1\n=======\n"a": 2\n}', "merge conflict .line 3"),
        (b"[1, 2]", "is JSON but not a notebook"),
        (b"3", "is JSON but not a notebook"),
        (b"{}", "not a notebook"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [3]}', "not a notebook"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code"}]}', "not a notebook"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}', "holds no code"),
        (b'{"nbformat": 99, "metadata": {}, "cells": []}', "not a notebook|holds no code"),
        (b"[" * 100_000, "nested too deeply|not JSON"),
    ],
)
def test_what_is_no_notebook_is_told_in_a_sentence(data, said):
    with pytest.raises(Mismatch, match=said) as error:
        read(data, "part1.ipynb")
    assert error.value.message.startswith("part1.ipynb ")
    assert "\n" not in error.value.message
    assert len(error.value.message) < 250


def test_too_much_code_is_refused():
    with pytest.raises(Mismatch, match="leave the rest out"):
        made(cell("x" * (notebook.SOURCE + 1)))
    with pytest.raises(Mismatch, match="leave the rest out"):
        made(*[cell("") for _ in range(notebook.CELLS + 1)])


def test_of_the_outputs_text_errors_and_pictures_are_kept():
    outputs = [
        printed("\x1b[31mred\x1b[0m"),
        new_output("error", ename="E", evalue="v", traceback=["<script>"]),
        shown(**{"text/html": "<script>alert(1)</script>", "text/plain": "<Figure>"}),
        new_output("execute_result", data={"text/plain": "0.9", "application/javascript": "x"}),
        new_output("display_data", data={"text/html": "<b>"}),
        new_output("display_data", data={"image/png": "not base64 \u2026"}),
    ]
    found = made(cell("x", *outputs)).cells[0].outputs
    assert [output.kind for output in found] == ["text", "error", "image", "text", "image"]
    assert found[0].text == "red"
    assert found[1].text == "E: v"
    assert found[2].image == b"\x89PNG pixels"
    assert found[4].image == b""
    assert "script" not in str(found)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"text/html": "<table><tr><th>set<td>accuracy</tr><tr><td>test</td><td>0.87</td></tr>"}, "test  0.87"),
        ({"text/html": "<b>test accuracy</b>: 87&nbsp;%"}, "test accuracy : 87\xa0%"),
        ({"text/markdown": "**test accuracy** 0.87"}, "**test accuracy** 0.87"),
        ({"text/html": "<script>test accuracy 0.87</script>"}, None),
        ({"text/html": "<" * 60_000}, "<" * 60_000),
    ],
)
def test_of_a_page_that_is_shown_the_text_is_kept(data, text):
    shown_ = new_output("display_data", data=data | {"text/plain": "<IPython.core.display.HTML object>"})
    found = [output.text.split("\n")[-1].strip() for output in made(cell("x", shown_)).cells[0].outputs]
    assert found == ([] if text is None else [text])


def test_order_and_errors():
    found = made(
        cell("a", count=1), cell("b", count=4), cell("c", count=3), cell("", count=9), cell("d", count=None),
        cell("e", new_output("error", ename="ValueError", evalue="bad", traceback=[]), count=5),
    )  # fmt: skip
    assert notebook.out_of_order(found) == [(2, 3)]
    assert notebook.errors(found) == [(6, "ValueError: bad")]
    assert notebook.was_run(found)
    assert not notebook.was_run(made(cell("a", count=3)))


def test_plots_are_told_by_their_code():
    both = "plt.plot(trn_acc_hist)\nplt.plot(val_acc_hist)"
    assert notebook.plots(made(cell(both))) == [], "no picture, no plot"
    (plot,) = notebook.plots(made(cell(both, shown())))
    assert plot.training
    assert plot.validation
    (plot,) = notebook.plots(made(cell("plt.plot(history['test_accuracy'])", shown())))
    assert (plot.training, plot.validation) == (False, True)
    assert notebook.plots(made(cell("plt.plot(losses)", shown()))) == []
    assert notebook.plots(made(cell("plt.imshow(accurate)", shown()))) == []
    assert notebook.plots(made(cell("scheduler.step(val_acc)\nplt.imshow(train_acc)", shown()))) == []
    (plot,) = notebook.plots(made(cell("plt.plot(train_loss, label='Training')\nplt.plot(val_acc)", shown())))
    assert (plot.training, plot.validation) == (False, True)
    inside = cell("def draw(h):\n    plt.plot(h.train_acc)\n    plt.plot(h.val_acc)")
    (plot,) = notebook.plots(made(inside, cell("draw(h)", shown())))
    assert plot.cell == 2
    assert plot.training
    assert plot.validation


@pytest.mark.parametrize(
    "code",
    [
        "plt.plot(a, label='train')\nplt.plot(b, label='val')\nplt.ylabel('accuracy')",
        "plt.plot(tr_acc)\nplt.plot(va_acc)",
        "plt.plot(acc_t)\nplt.plot(acc_v)\nplt.legend(['Training', 'Validation'])",
        "plt.scatter(x, train_acc)\nplt.scatter(x, val_acc)",
        "plt.step(x, train_acc)\nax.step(x, val_acc, where='mid')",
        "plt.stairs(train_acc)\nplt.stairs(val_acc)",
        "plot_curves(a, b, 'Accuracy')",
        "plt.plot(loss, label='loss')\nplt.plot(a, label='train')\nplt.plot(b, label='val')\nplt.title('acc')",
        "plt.plot(loss, acc, label='training')\nplt.plot(loss, acc_v, label='validation')",
        "everything()",
        "h = History(a, b)\nh.show()",
    ],
)
def test_curves_are_named_where_accuracy_is_said_elsewhere(code):
    """In labels, in a function's parameters, and in what it calls, methods too."""
    drawing = cell(
        "def plot_curves(train, val, title):\n    plt.plot(train)\n    plt.plot(val)\n    plt.title(title)\n"
        "def curve(values, name):\n    plt.plot(values, label=name)\n"
        "def everything():\n    curve(train_acc, 'a')\n    curve(val_acc, 'b')\n"
        "class History:\n    def show(self):\n        plot_curves(self.train, self.val, 'accuracy')"
    )
    (plot,) = notebook.plots(made(drawing, cell(code, shown())))
    assert (plot.training, plot.validation) == (True, True)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("plt.plot(训练准确率)\nplt.plot(验证准确率)", (True, True, True)),
        ("plt.plot(egitim_dogruluklari)\nplt.plot(dogrulama_dogruluklari)", (True, True, True)),
        ("plt.plot(a)\nplt.plot(b)\nplt.legend(['학습 정확도', '검증 정확도'])", (True, True, True)),
        ("plt.plot(a, label='train')\nplt.plot(b, label='val')\nplt.ylabel('Exactitud')", (True, True, True)),
        ("plt.plot(train)\nplt.plot(val)\nplt.ylabel('Verlust')", (True, True, False)),
        (
            "h = {}\nh['entrenamiento'] = a\nh['validacion'] = b\nplt.plot(h)\nplt.title('exactitud')",
            (True, True, True),
        ),
        ("plt.plot(acc['addestramento'])\nplt.plot(acc['validazione'])", (True, True, True)),
    ],
)
def test_curves_are_named_in_other_languages_too(code, found):
    (plot,) = notebook.plots(made(cell(code, shown())))
    assert (plot.training, plot.validation, plot.named) == found


@pytest.mark.parametrize(
    "code",
    [
        "plt.plot(train_acc)\nmodel.eval()\nevaluate(model, val_loader)\nplt.savefig('a', layout='constrained')",
        "plt.plot(train_acc)\nplt.plot(val_loss)",
        "plt.plot(train_acc)\nx.to(device)\nprint(h.values())",
    ],
)
def test_what_is_called_and_what_is_lost_name_no_curve(code):
    (plot,) = notebook.plots(made(cell(code, shown())))
    assert (plot.training, plot.validation) == (True, False)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("for k in hist:\n    plt.plot(hist[k], label=k)", (True, True)),
        ("for k, v in hist.items():\n    plt.plot(v, label=k)", (True, True)),
        ("plot_all(hist)", (True, True)),
        ("plt.plot(hist['train_acc'])", (True, False)),
        ("plt.plot(hist['loss'])", None),
        ("for k, v in run.log.items():\n    plt.plot(v)", (True, True)),
        ("plt.plot(run.log['train_acc'])", (True, False)),
        ("for k, v in late.items():\n    plt.plot(v)", (True, True)),
        ("plt.plot(other)", None),
        ("plt.imshow(hist[0])", None),
    ],
)
def test_curves_are_named_by_the_keys_of_a_dictionary_that_is_gone_through(code, found):
    before = cell("hist = run.log = {'train_acc': [], 'val_acc': [], 'loss': []}\nother, x = [], 'plots/a.png'\n"
                  "late['train_acc'] += [1]\nlate['val_acc'].append(1)\n"
                  "def plot_all(h):\n    for k in h:\n        plt.plot(h[k])")  # fmt: skip
    drawn = notebook.plots(made(before, cell(code, shown())))
    assert [(plot.training, plot.validation) for plot in drawn] == ([found] if found else [])


def test_a_module_that_a_cell_writes_is_read_like_the_cell():
    written = cell("%%writefile own.py\nclass N(nn.Module): pass\ndef draw():\n    plt.plot(train_acc, val_acc)")
    assert notebook.defines_network(made(written))
    assert notebook.plots(made(written, cell("draw()", shown())))


def test_a_network_is_a_module_a_sequential_or_torchvisions():
    for source in ("class N(nn.Module): pass", "class N(torch.nn.Module): pass", "n = nn.Sequential(a)",
                   "n = torchvision.models.resnet18()", "class N(nn.Sequential): pass", "class N(Sequential): pass",
                   "class N(models.ResNet): pass",
                   "from torchvision.models import resnet18 as r\nn = r()"):  # fmt: skip
        assert notebook.defines_network(made(cell(source))), source
    for source in ("class N: pass", "x = 1", "this is not Python"):
        assert not notebook.defines_network(made(cell(source))), source
    imported, used = cell("from torchvision.models.resnet import ResNet, BasicBlock"), cell("class N(ResNet): pass")
    assert notebook.defines_network(made(imported, used))
    assert not notebook.defines_network(made(imported))


@given(st.binary(max_size=400))
def test_any_bytes_give_a_notebook_or_a_sentence(data):
    with suppress(Mismatch):
        assert read(data, "n").cells


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["cells", "cell_type", "source", "outputs", "data", "text", "nbformat", "metadata"]), inner
    ),
)  # fmt: skip


@given(json_values)
def test_any_json_gives_a_notebook_or_a_sentence(value):
    base = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [{"cell_type": "code", "source": "x = 1"}]}
    for document in (value, base | {"cells": value}, base | (value if isinstance(value, dict) else {})):
        with suppress(Mismatch):
            found = read(json.dumps(document).encode(), "n")
            for look in (claimed_accuracy.claims, notebook.plots, notebook.pictures, notebook.defines_network):
                look(found)
