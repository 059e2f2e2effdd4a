"""What code holds that is no code: a person is asked where it is from."""

from __future__ import annotations

import json

import pytest

from grader.homework import data_in_code
from grader.homework.notebooks import survey


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import numpy as np", []),
        (f'"""{"epoch 1: loss 2.3 " * 800}"""', []),
        (
            f'"""{"ab cd ef " * 2000}"""',
            ["train.py holds a text of 18,000 characters; what is that, and where is it from?"],
        ),
        (f"W = {[*range(2000)]}", ["train.py holds 2,000 numbers; what is that, and where is it from?"]),
        (f"# {'x' * 5000}", ["train.py holds a text of 5,002 characters; what is that, and where is it from?"]),
        ("import __main__", ["train.py reaches into the program that runs it (__main__); what for?"]),
        ("x = (", []),
    ],
)
def test_a_file_that_holds_data_or_seeks_what_runs_it_is_asked_about(source, says):
    assert data_in_code.of_files({"train.py": source.encode()}) == says


ASKS = {
    "from gc import get_objects": "get_objects",
    "import inspect\nfor one in inspect.stack():\n    print(one.frame.f_locals)": "f_locals",
    "from sys import _getframe as frame": "_getframe",
    "import sys\nprint(sys._current_frames())": "_current_frames",
    "import traceback\nprint(*traceback.walk_stack(None))": "walk_stack",
    "import sys\nfound = sys.modules\nprint(found.values())": "sys.modules",
    "import sys as s\nprint(s.modules.values())": "sys.modules",
    "from sys import modules\nfor name in modules:\n    print(modules[name])": "sys.modules",
    "import sys\nfor name in sys.modules:\n    print(sys.modules.get(name))": "sys.modules",
    "import sys\nprint(sys.modules.get('grader.check'))": "sys.modules",
    "import sys\nprint(getattr(sys, '_getframe')())": "_getframe",
    "import importlib\nimportlib.import_module('grader.check')": "grader.check",
    "__import__('grader.homework.worker.steps')": "grader.homework.worker.steps",
    "import operator\noperator.attrgetter('__traceback__.tb_frame')(ValueError())": "tb_frame",
    "import inspect\nprint(dict(inspect.getmembers(inspect.stack()[0][0]))['f_locals'])": "f_locals",
    "import builtins\nbuiltins.list = tuple": "builtins.list",
    "__builtins__.zip = map": "builtins.zip",
    "import torch\ntorch._foreach_norm = abs": "torch._foreach_norm",
    "from torch import optim\noptim.Adam.step = abs": "optim.Adam.step",
    "import torch\ntorch.nn.Parameter.data = property(abs)": "torch.nn.Parameter.data",
    "import builtins\nsetattr(builtins, 'zip', map)": "builtins",
}
ASKS_NOTHING = """
import builtins, importlib, sys
import torch
builtins.print, builtins.profile = print, lambda function: function
if "google.colab" in sys.modules or sys.modules.get("google.colab"):
    print(len(sys.modules), sys.modules["torch"].__version__, sys.modules[__name__])
sys.modules.pop("layers", None)
for name in ("torchsummary", "tqdm"):
    importlib.import_module(name)
torch.load, torch.backends.cudnn.deterministic, optim = torch.load, True, torch.optim.Adam([x])
optim.rate, nn.fc.weight, torchvision.datasets.FashionMNIST.mirrors = 0.1, 0, []
x = torch.stack([torch.ones(2)]).trace()
print(list(torch.nn.Linear(1, 1).modules()), getattr(x, "grad", None), locals(), globals())
"""


@pytest.mark.parametrize("source", ASKS, ids=ASKS.values())
def test_what_seeks_the_program_that_runs_it_is_asked_about_however_it_is_imported(source):
    (question,) = data_in_code.of_files({"train.py": source.encode()})
    assert question == f"train.py reaches into the program that runs it ({ASKS[source]}); what for?"


@pytest.mark.parametrize(
    "name",
    "_getframe currentframe _current_frames walk_stack f_back f_locals f_globals tb_frame gi_frame getargvalues "
    "get_objects get_referrers get_referents __subclasses__ __globals__ __closure__ cell_contents getclosurevars "
    "settrace setprofile".split(),
)
@pytest.mark.parametrize("source", ["import a\na.{}", "from a import {} as b", "import a\ngetattr(a, '{}')"])
def test_each_way_to_frames_and_all_objects_is_asked_about(name, source):
    (question,) = data_in_code.of_files({"train.py": source.format(name).encode()})
    assert question == f"train.py reaches into the program that runs it ({name}); what for?"


def test_what_looks_for_a_module_by_its_name_is_asked_nothing():
    assert data_in_code.of_files({"train.py": ASKS_NOTHING.encode()}) == []


DEEP = [
    "x = 'a'" + ".strip()" * 300,
    "x = 1" + " + 1" * 900,
    "x = a" + "[0]" * 900,
    "x = " + "1 if a else " * 900 + "1",
]


@pytest.mark.parametrize("source", DEEP, ids=["calls", "sum", "indices", "choices"])
def test_an_expression_that_python_reads_and_cannot_write_is_none_of_the_graders_faults(source):
    plotted = f"{source}\nplt.plot(x, label='Validation accuracy')\nprint('Test accuracy:', x)"
    cells = [{"cell_type": "code", "metadata": {}, "source": plotted, "outputs": [], "execution_count": 1}]
    data = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()
    read = survey.read(data, "part1.ipynb", {"own.py": source.encode()})
    assert read.cells[0].source == plotted
    assert data_in_code.of_files({"train.py": source.encode()}) == []
