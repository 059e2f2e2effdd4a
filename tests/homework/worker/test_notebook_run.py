"""A notebook's own training, run and watched: what its network is asked, and what is told of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]
PICTURES, HELD_OUT = 12_000, 10_000
# Each notebook in a fork of its own, as under a zygote, because what a run takes over stays so.
FORKS = """
import json, os, signal, sys, warnings
warnings.simplefilter("ignore")
import numpy as np
import torch
from grader.homework.worker import notebook_run

def told(order):
    os.makedirs(order["folder"])
    os.chdir(order["folder"])
    sys.stdout = open(os.devnull, "w")  # what a notebook prints
    run = notebook_run.NotebookRun(order)
    found = {"epochs": 0, "silent": 0}
    try:
        while not (piece := run.advance(order["slice"]))["ended"]:
            found["epochs"] += piece["epoch"]
            found["silent"] += not len(piece["losses"])
        with run.looking(run.model()):
            found["inputs"] = run.inputs()(run.data.raw("test", 0, 50)).numpy().tolist()
        found["classes"] = len(run.predict("test", 7, 1e9)["classes"])
    except Exception as error:
        found["error"] = f"{type(error).__name__}: {error}"
    if run.watch.model is not None:
        found["size"] = float(sum(p.abs().sum() for p in run.watch.model.parameters()))
    found |= {"facts": run.facts(), "problems": run.problems()}
    return json.dumps(found | {"criterion": run.names.get("criterion")})

leave = os._exit
for order in json.load(sys.stdin):
    there, here = os.pipe()
    if os.fork() == 0:
        signal.alarm(60)
        with os.fdopen(here, "w") as pipe:
            pipe.write(told(order))
        leave(0)
    os.close(here)
    with os.fdopen(there) as pipe:
        print(pipe.read())
    os.wait()
"""
HEAD = """
import torch, torchvision
from torch import nn
import torchvision.transforms as T
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset
Fashion = torchvision.datasets.FashionMNIST
"""
NORMALIZED = "transform = T.Compose([T.ToTensor(), T.Normalize([0.2859], [0.3530])])\n"
DATA = (
    f"{NORMALIZED}trainset = Fashion('d', transform=transform)\n"
    "testset = Fashion('d', train=False, transform=transform)"
)
LOADER = "loader = DataLoader(Subset(trainset, range(600)), batch_size=100, shuffle=True)"
MODEL = """
model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
"""
TRAIN = """
def train(model, loader, num_epochs):
    for epoch in range(num_epochs):
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
"""
BARE = "trainset = Fashion('d')\ntestset = Fashion('d', train=False)"
BY_HAND = f"""
{DATA}
X, y = trainset.data[:, None].float() / 255, trainset.targets
# %%
{MODEL}
# %%
for epoch in range(2):
    for i in range(0, 600, 100):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(X[i:i + 100]), y[i:i + 100]).backward()
        optimizer.step()
"""


def notebook(*cells: str) -> str:
    return "\n# %%\n".join((HEAD, *cells))


def usual(data: str = DATA, loader: str = LOADER, model: str = MODEL, train: str = TRAIN) -> str:
    return notebook(data, loader, model, train, "train(model, loader, 3)")


WRAPPED = f"""
{NORMALIZED}
class Wrapped(Dataset):
    def __init__(self, base): self.base = base
    def __len__(self): return 500
    def __getitem__(self, at): return T.RandomHorizontalFlip()(transform(self.base[at][0])), self.base[at][1]
{BARE}
trainset = Wrapped(trainset)
"""
WRITTEN = f"%%writefile own.py\nfrom torch import nn\n{TRAIN.replace('def train(', 'def fit(optimizer, ')}"
BOOKS = {
    "usual": usual(),
    "data tensors": usual(f"{BARE}\ntrainset = TensorDataset(trainset.data.float().unsqueeze(1), trainset.targets)"),
    "other tensors than its transform makes": notebook(BY_HAND),
    "gradients of three batches added up": usual(
        train="def train(model, loader, epochs):\n    for nr, (x, y) in enumerate([*loader] * 7):\n"
        "        nn.functional.cross_entropy(model(x), y).backward()\n"
        "        if nr % 3 == 1:\n            optimizer.step()\n            optimizer.zero_grad()",
    ),
    "gradients that add up": usual(
        train="def train(model, loader, epochs):\n    for x, y in [*loader] * 7:\n"
        "        nn.functional.cross_entropy(model(x), y).backward()\n        optimizer.step()",
    ),
    "wrapped": usual(WRAPPED, "loader = DataLoader(trainset, batch_size=50, shuffle=True)"),
    "noise in training": usual(
        train=TRAIN.replace("model(x)", "model(x + 0.2 * torch.randn_like(x))"),
    ),
    "doubles": usual(
        train=TRAIN.replace("model(x)", "model(x.double())"), model=MODEL.replace("784, 10)", "784, 10).double()")
    ),
    "fixed": usual(
        model="class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.fc = nn.Linear(784, 10)\n    def forward(self, x):\n        return self.fc(x.view(100, 784))\n"
        "model = Net()\noptimizer = torch.optim.SGD(model.parameters(), lr=0.01)"
    ),
    "scores by name": usual(
        train=TRAIN.replace("model(x)", "model(x)['logits']"),
        model="class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.fc = nn.Linear(784, 10)\n    def forward(self, x):\n        h = x.flatten(1)\n"
        "        return {'features': h, 'logits': self.fc(h)}\n"
        "model = Net()\noptimizer = torch.optim.SGD(model.parameters(), lr=0.01)",
    ),
    "scores at last": usual(
        train=TRAIN.replace("model(x)", "model(x)[1]"),
        model="class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.fc = nn.Linear(784, 10)\n    def forward(self, x):\n        h = x.flatten(1)\n"
        "        return h, self.fc(h)\n"
        "model = Net()\noptimizer = torch.optim.SGD(model.parameters(), lr=0.01)",
    ),
    "test set": usual(
        f"{DATA}\ncriterion = [len(testset), testset.targets[:5].tolist(), testset.data[3].tolist()]"
    ),
    "a layer is shown": notebook(
        DATA, LOADER, MODEL, TRAIN, "train(model, loader, 3)", "seen = model[1](trainset[0][0].flatten(1))"
    ),
    "root cause": usual(
        f"import absent\nindices = absent.split(600)\n{DATA}\npart = Subset(trainset, indices)",
        "loader = DataLoader(part, batch_size=100)",
    ),
    "unread": usual(train=TRAIN.replace("def train", "x = (\ndef train")),
    "unread part": usual(loader=f"{LOADER}\nx = ("),
    "written": notebook(DATA, LOADER, MODEL, WRITTEN, "from own import fit\nfit(optimizer, model, loader, 4)"),
}  # fmt: skip
BOOKS |= {
    "validated inside": usual(train=f"{TRAIN}            for x, y in DataLoader(Subset(trainset, range(200)), 100):\n"
                              "                model(x)\n"),
    "on test": usual(loader="loader = DataLoader(Subset(testset, range(600)), batch_size=100, shuffle=True)"),
    "partly on test": usual(
        f"{BARE}\nparts = [(one.data[:600, None].float(), one.targets[:600]) for one in (trainset, testset)]\n"
        "x, y = map(torch.cat, zip(*parts))\ntrainset = TensorDataset(x / 255, y)",
        "loader = DataLoader(trainset, batch_size=100)",
    ),
    "tested inside": usual(train=f"{TRAIN}            for x, y in DataLoader(testset, 5000):\n"
                           "                model(x)\n"),
}  # fmt: skip
EACH = "    for x, y in loader:\n        model(x).sum().backward()"
ROUNDS = {
    "EPOCHS = 4": ("train(model, loader, EPOCHS)", 4),
    "": ("train(model, loader, 5)", 5),
    "import types; args = types.SimpleNamespace(epochs=2)": ("train(model, loader, args.epochs)", 2),
    "class C: n_epochs = 6": ("train(model, loader, C.n_epochs)", 6),
    "folds = 2": ("for fold in range(folds):\n    train(model, loader, 3)", 3),
    "from tqdm import tqdm": (f"for t in tqdm(range(1, 4)):\n{EACH}", 3),
    "MAX_EPOCHS, at = 2, 0": (f"while at < MAX_EPOCHS:\n    at += 1\n{EACH}", 2),
    "import types; cfg, at = types.SimpleNamespace(num_epoch=2), 0": (
        f"while at < cfg.num_epoch:\n    at += 1\n{EACH}",
        2,
    ),
    "class Config:\n    epochs = 3\ncfg, at = Config(), 0": (f"while at < cfg.epochs:\n    at += 1\n{EACH}", 3),
    "cfg, at = {'epochs': 4}, 0": (f"while at < cfg['epochs']:\n    at += 1\n{EACH}", 4),
}
CALL = "train(model, loader, 3)"
STEPS = 18  # of that call
WAYS = {
    "time": f"%time {CALL}",
    "timeit": f"%timeit -n1 -r1 {CALL}",
    "prun": f"%prun -q -s cumulative {CALL}",
    "the cell is timed": f"%%time\n{CALL}",
    "magic by name": f"get_ipython().run_line_magic('time', '{CALL}')",
    "cell magic by name": f"get_ipython().run_cell_magic('time', '', '{CALL}')",
    "alias": f"fit = train\n{CALL.replace('train', 'fit')}",
    "partial": "from functools import partial\npartial(train, model, num_epochs=3)(loader)",
    "lambda": "go = lambda n: train(model, loader, n)\ngo(3)",
    "dict": "{'fit': train}['fit'](model, loader, 3)",
    "list": "[run(model, loader, 3) for run in [train]]",
    "map": "list(map(train, [model], [loader], [3]))",
    "getattr": f"globals()['train']{CALL.removeprefix('train')}",
    "bound method": "class T:\n    def fit(self): train(model, loader, 3)\nfit = T().fit\nfit()",
    "called object": "class T:\n    def __call__(self): train(model, loader, 3)\nT()()",
    "in __init__": "class T:\n    def __init__(self): train(model, loader, 3)\nT()",
    "property": "class T:\n    @property\n    def best(self): train(model, loader, 3)\nT().best",
    "decorator": f"def now(f): f()\n@now\ndef main(): {CALL}",
    "generator": "def steps():\n    for _ in range(3):\n        yield train(model, loader, 1)\nfor _ in steps(): pass",
    "exec": f"exec('{CALL}')",
    "eval": f"eval('{CALL}')",
    "main": f"def main():\n    {CALL}\nif __name__ == '__main__':\n    main()",
    "with": f"import contextlib\nwith contextlib.nullcontext():\n    {CALL}",
    "try": f"try:\n    {CALL}\nexcept KeyboardInterrupt:\n    pass",
    "configurations": "for n in (1, 2):\n    train(model, loader, n)",
    "await": f"async def fit():\n    import asyncio\n    await asyncio.sleep(0)\n    {CALL}\nawait fit()",
    "asyncio.run": f"import asyncio\nasync def fit():\n    {CALL}\nasyncio.run(fit())",
    "thread": "import threading\nt = threading.Thread(target=train, args=(model, loader, 3))\nt.start()\nt.join()",
    "thread that nobody waits for": "from threading import Thread\n"
    "Thread(target=train, args=(model, loader, 3), daemon=True).start()",
    "own thread": f"from threading import Thread\nclass T(Thread):\n    def run(self): {CALL}\nT().start()",
    "pool": "from concurrent.futures import ThreadPoolExecutor as Pool\n"
    "with Pool(1) as pool:\n    pool.submit(train, model, loader, 3)",
    "pool that is left open": "from concurrent.futures import ThreadPoolExecutor\n"
    "pool = ThreadPoolExecutor(thread_name_prefix='own')\npool.submit(train, model, loader, 3).result()",
    "to_thread": "import asyncio\nawait asyncio.to_thread(train, model, loader, 3)",
    "async for": "async def epochs():\n    for _ in range(3):\n        train(model, loader, 1)\n        yield\n"
    "async for _ in epochs(): pass",
    "line profile": f"%lprun -f train {CALL}",
    "written and run": f"%%writefile go.py\nfrom __main__ import *\n# %%\n%time {CALL}",
    "processes": "from concurrent.futures import ProcessPoolExecutor\n"
    "ProcessPoolExecutor().submit(train, model, loader, 3).result()",
    "process": "from multiprocessing import Process\np = Process(target=train, args=(model, loader, 3))\n"
    "p.start()\np.join()",
    "pool of processes": "from multiprocessing import Pool\n"
    "with Pool(2) as pool:\n    pool.starmap(train, [(model, loader, 3)])",
    "spawn": "import torch.multiprocessing as mp\nmp.spawn(lambda rank: train(model, loader, 3), nprocs=1)",
    "autograd.backward": "train(model, loader, 2)\nfor x, y in loader:\n"
    "    optimizer.zero_grad()\n    torch.autograd.backward(nn.functional.cross_entropy(model(x), y))\n"
    "    optimizer.step()",
    "autograd.grad": "for _ in range(3):\n    for x, y in loader:\n"
    "        found = torch.autograd.grad(nn.functional.cross_entropy(model(x), y), list(model.parameters()))\n"
    "        for p, g in zip(model.parameters(), found): p.data -= 0.01 * g",
    "closure": "for _ in range(3):\n    for x, y in loader:\n        def closure():\n            model.zero_grad()\n"
    "            loss = nn.functional.cross_entropy(model(x), y)\n            loss.backward()\n"
    "            return loss\n        optimizer.step(closure)",
    "half precision": "scaler = torch.cuda.amp.GradScaler()\nfor _ in range(3):\n    for x, y in loader:\n"
    "        with torch.autocast('cuda', dtype=torch.float16):\n"
    "            loss = nn.functional.cross_entropy(model(x.cuda()), y.cuda())\n        optimizer.zero_grad()\n"
    "        scaler.scale(loss).backward()\n        scaler.step(optimizer)\n        scaler.update()",
    "after what fails": f"import sys\nassert False\n# %%\nsys.exit(1)\n# %%\nabsent.f()\n# %%\n{CALL}",
    "what ends the kernel": "import os, signal, time\nos._exit(00)\n# %%\nsignal.alarm(1)\nbegan = time.time()\n"
    f"while time.time() < began + 1.2: pass\n# %%\n{CALL}",
    "what is typed": f"name = input('Name: ')\nimport time\ntime.sleep(1000)\n{CALL}",
}
RAISED = "Exception('no GPU')"
GUARDS = {
    "else": f"if torch.cuda.is_available():\n    device = torch.device('cuda')\nelse:\n    raise {RAISED}",
    "not": f"if not torch.cuda.is_available():\n    raise {RAISED}\nelse:\n    device = 'cuda:0'",
    "exit": "import sys\nif not torch.cuda.is_available():\n    sys.exit('no GPU')\nelse:\n    device = 'cuda'",
    "assert": "def get():\n    assert torch.cuda.is_available()\n    return torch.device('cuda', 0)\ndevice = get()",
    "count": f"if torch.cuda.device_count() == 0: raise {RAISED}\nelse: device = torch.cuda.current_device()",
    "name": "device = 'cuda' if torch.cuda.get_device_name(0) else None",
    "mps": f"if torch.backends.mps.is_available():\n    device = 'mps'\nelse:\n    raise {RAISED}",
    "accelerator": "assert torch.accelerator.is_available()\ndevice = torch.accelerator.current_accelerator().type",
    "nvidia-smi": "info = !nvidia-smi\ninfo = '\\n'.join(info)\nassert 'failed' not in info\ndevice = 'cuda'",
    "colab": "from google.colab import drive\ndrive.mount('/content/drive')\n%cd drive\ndevice = 'cuda'",
    "version": "assert torch.__version__.startswith('1.13'), torch.__version__\n# %%\ndevice = 'cuda'",
    "is_cuda": f"device = 'cuda'\nif not torch.zeros(1).to(device).is_cuda: raise {RAISED}",
    "memory": "device = 'cuda'\nprint(torch.cuda.memory_allocated() / 1e9, torch.cuda.mem_get_info())",
}
CHECKED = f"assert next(model.parameters()).is_cuda\nloader = [(x.to(device), y.cuda()) for x, y in loader]\n{CALL}"
BOOKS |= {f"way: {name}": notebook(DATA, LOADER, MODEL, TRAIN, way) for name, way in WAYS.items()}
SCRIPT = f"%%writefile run.py\n{HEAD}\n{DATA}\n{LOADER}\n{MODEL}\n{TRAIN}\nif __name__ == '__main__':\n    {CALL}"
BOOKS |= {f"way: {line}": notebook(SCRIPT, line) for line in ("%run run.py", "!python run.py --epochs 3")}
BOOKS |= {
    f"guard: {name}": notebook(guard, DATA, LOADER, MODEL + "model = model.to(device)", TRAIN, CHECKED)
    for name, guard in GUARDS.items()
}
EVALUATES = """
        with torch.no_grad():
            for x in {}:
                model(x).argmax(1)
"""
SHORT = 0.02  # CPU seconds of a slice
SLICED = ("evaluates on everything", "evaluates by hand", "measures every picture first")
BOOKS |= {
    SLICED[0]: usual(train=TRAIN + EVALUATES.format("(x for _ in range(4) for x, y in DataLoader(trainset, 50))")),
    SLICED[1]: usual(train=TRAIN + EVALUATES.format("(trainset[at][0] for at in range(1000))")),
    SLICED[2]: usual(data=f"{DATA}\nmean = sum(float(trainset[at][0].mean()) for at in range(2000)) / 2000"),
}
TWO = """
models = [nn.Sequential(nn.Flatten(), nn.Linear(784, 10)) for _ in range(2)]
optimizers = [torch.optim.SGD(one.parameters(), lr=0.01) for one in models]
for x, y in [*loader] * 3:
    for one, optimizer in zip(models, optimizers):
        optimizer.zero_grad()
        nn.functional.cross_entropy(one(x), y).backward()
        optimizer.step()
"""
BY_CODE = """
model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
for x, y in [*loader] * 3:
    model.zero_grad()
    nn.functional.cross_entropy(model(x), y).backward()
    with torch.no_grad():
        for p in model.parameters(): p -= 0.01 * p.grad
"""
TOGETHER = TWO.replace("        optimizer.step()\n", "    for optimizer in optimizers:\n        optimizer.step()\n")
BOOKS |= {
    "two networks in turn": notebook(DATA, LOADER, TWO),
    "two networks, their steps together": notebook(DATA, LOADER, TOGETHER),
    "an optimizer that does nothing": notebook(DATA, LOADER, BY_CODE.replace("0.01 * p.grad", "0 * p.grad")),
    "a network made anew": notebook(DATA, LOADER, MODEL, "model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))",
                                    TRAIN, CALL),
    "an optimizer of its own": notebook(DATA, LOADER, BY_CODE),
    "gradients of what no optimizer has": notebook(
        DATA, LOADER, MODEL.replace("nn.Linear", "nn.Linear(784, 784), nn.Linear")
        .replace("model.parameters", "model[2].parameters"), TRAIN, "train(model, loader, 7)"
    ),
}  # fmt: skip
LOAD = "for p in model.parameters(): p.data.zero_()\ncriterion = 1"
BOOKS |= {
    "weights are changed afterwards": notebook(DATA, LOADER, MODEL, TRAIN, CALL, LOAD),
    "it fails after training": notebook(DATA, LOADER, MODEL, TRAIN, CALL, "absent.f()"),
    "a thread fails": notebook(DATA, LOADER, MODEL, "from threading import Thread\n"
                               "def f(): raise ValueError('in a thread')\nThread(target=f).start()"),
    "a saliency map": notebook(DATA, LOADER, MODEL, TRAIN, CALL, "x = torch.rand(1, 1, 28, 28, requires_grad=True)\n"
                               "torch.autograd.grad(model(x).sum(), x)"),
}  # fmt: skip
READS = """
import gzip, os
import numpy as np
def read(name):
    with {} as f:
        sides = np.frombuffer(f.read(8 + 8 * ('images' in name)), '>u4')[1:]
        return torch.from_numpy(np.frombuffer(f.read(), np.uint8).reshape(tuple(map(int, sides))).copy())
raw = 'data/FashionMNIST/raw'
x, y = read(f'{{raw}}/train-images-idx3-ubyte'), read(f'{{raw}}/train-labels-idx1-ubyte').long()
test_x, test_y = read(f'{{raw}}/t10k-images-idx3-ubyte'), read(f'{{raw}}/t10k-labels-idx1-ubyte')
criterion = [len(test_y), y[:5].tolist(), tuple(test_x.shape)]
loader = DataLoader(TensorDataset((x[:600, None].float() / 255 - 0.2859) / 0.3530, y[:600]), 100, shuffle=True)
"""
BOOKS |= {
    f"way: its own files, {name}": notebook(READS.format(opened), MODEL, TRAIN, CALL)
    for name, opened in (("unpacked", "open(name, 'rb')"), ("packed", "gzip.open(name + '.gz', 'rb')"))
}
BOOKS |= {before: notebook(DATA, LOADER, MODEL, TRAIN, before, run) for before, (run, _) in ROUNDS.items()}

pytestmark = [
    pytest.mark.medium,
    pytest.mark.skipif(
        find_spec("torch") is None or find_spec("torchvision") is None or not sys.platform.startswith("linux"),
        reason="torch is not installed, or this system forks badly; type: python -m pip install -e '.[torch]'",
    ),
]


@pytest.fixture(scope="module")
def arrays() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    x = (rng.integers(256, size=(PICTURES, 28, 28)) * (rng.random((PICTURES, 28, 28)) < 0.5)).astype(np.uint8)
    return {"train_x": x, "train_y": rng.integers(10, size=PICTURES), "test_x": x[:60]}


@pytest.fixture(scope="module")
def told(arrays, tmp_path_factory) -> dict[str, Any]:
    """What is told of each of BOOKS."""
    folder = tmp_path_factory.mktemp("runs")
    files = {name: str(folder / f"{name}.npy") for name in arrays}
    for name, path in files.items():
        np.save(path, arrays[name])
    orders = []
    for at, text in enumerate(BOOKS.values()):
        cells = [(number, cell, number) for number, cell in enumerate(textwrap.dedent(text).split("\n# %%\n"), start=1)]
        patience = SHORT if list(BOOKS)[at] in SLICED else 1e9
        orders.append(
            {"slice": patience, "name": "n", "cells": cells, "files": files, "folder": str(folder / f"{at}"), "seed": 1}
        )
    done = subprocess.run(
        [sys.executable, "-c", FORKS], cwd=ROOT, input=json.dumps(orders), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(BOOKS, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize(
    ("name", "mean", "deviation", "shape"),
    [
        ("usual", 0.2859, 0.3530, (1, 28, 28)),
        ("noise in training", 0.2859, 0.3530, (1, 28, 28)),
        ("doubles", 0.2859, 0.3530, (1, 28, 28)),
        ("wrapped", 0.2859, 0.3530, (1, 28, 28)),
        ("other tensors than its transform makes", 0, 1, (1, 28, 28)),
        ("data tensors", 0, 1 / 255, (1, 28, 28)),
    ],
)
def test_a_network_is_asked_about_pictures_as_it_was_given_them(told, arrays, name, mean, deviation, shape):
    found = np.array(told[name]["inputs"])
    expected = (arrays["test_x"][:50, None] / 255 - mean) / deviation
    assert found.shape == (50, *shape)
    assert np.abs(found - expected).max() < 0.02 * expected.std()
    assert told[name]["classes"] == 7


def test_a_network_for_batches_of_one_size_is_asked_in_such_batches(told):
    assert told["fixed"]["classes"] == 7
    assert [row[2] for row in told["fixed"]["facts"]["layers"]] == [[10]]


@pytest.mark.parametrize("name", ["scores by name", "scores at last"])
def test_a_network_may_give_its_features_beside_the_scores(told, name):
    assert told[name].get("error") is None
    assert told[name]["classes"] == 7
    assert [row[2] for row in told[name]["facts"]["layers"]] == [[10]]


def test_a_layer_that_is_called_after_training_is_not_the_network(told):
    assert told["a layer is shown"].get("error") is None
    assert told["a layer is shown"]["facts"]["network"] == "Sequential"


def test_what_a_notebook_takes_for_its_test_set_is_held_out_of_the_training_set(told, arrays):
    """With true labels, so that what it measures and when it stops early is as it was."""
    count, labels, picture = told["test set"]["criterion"]
    assert count == HELD_OUT
    assert labels == arrays["train_y"][-HELD_OUT:][:5].tolist()
    apart = np.abs(np.array(picture) - arrays["train_x"][-HELD_OUT + 3])
    assert apart.max() == 1  # its mark


@pytest.mark.parametrize("name", [name for name in BOOKS if "its own files" in name])
def test_the_files_that_torchvision_downloads_are_there_for_a_notebook_that_reads_them(told, arrays, name):
    assert told[name]["criterion"] == [HELD_OUT, arrays["train_y"][:5].tolist(), [HELD_OUT, 28, 28]]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("root cause", r"ModuleNotFoundError: No module named 'absent'"),
        ("unread part", r"SyntaxError: Python 3\.\d+ cannot read it: '\(' was never closed \(.* cell 3, line 2\)"),
    ],
)
def test_a_name_that_is_missing_is_followed_to_why(told, name, error):
    assert re.fullmatch(error, told[name]["error"])


def test_consequences_are_no_problems_of_their_own(told):
    assert [text for _, _, text in told["root cause"]["problems"]] == ["ModuleNotFoundError: No module named 'absent'"]


def test_cells_that_this_python_cannot_read_are_told(told):
    ((cell, line, text),) = told["unread"]["problems"]
    assert (cell, line) == (5, 2)
    assert "cannot read it" in text


@pytest.mark.parametrize(("before", "rounds"), [(before, rounds) for before, (_, rounds) in ROUNDS.items()])
def test_the_number_of_epochs_is_how_often_their_loop_goes_round(told, before, rounds):
    assert told[before].get("error") is None
    assert told[before]["facts"]["settings"]["num_epoch"] == rounds


def test_gradients_of_several_batches_are_not_left_over(told):
    names = ("of three batches added up", "of what no optimizer has", "that add up")
    looked = [told[f"gradients {name}"]["facts"] for name in names]
    found = [(facts["backward"], facts["looks"], facts["left_over"]) for facts in looked]
    assert found == [(42, 1, 0), (42, 2, 0), (42, 2, 2)]


def test_an_optimizer_is_another_networks_if_none_that_steps_has_the_networks_parameters(told):
    names = ("usual", "two networks in turn", "two networks, their steps together", "a network made anew")
    assert [told[name]["facts"]["strange"] for name in names] == [False, False, False, True]


def test_weights_that_the_notebooks_own_code_changes_are_moved(told):
    facts = told["an optimizer of its own"]["facts"]
    assert (facts["steps"], facts["moved"], facts["optimizer"]) == (0, True, "the notebook's own")
    still = told["an optimizer that does nothing"]["facts"]
    assert (still["steps"], still["moved"], still["optimizer"]) == (0, False, "")
    assert (told["a network made anew"]["facts"]["moved"], told["usual"]["facts"]["optimizer"]) == (False, "SGD")


def test_a_part_of_the_test_set_among_other_pictures_is_told(told):
    assert told["partly on test"].get("error") is None
    assert (told["partly on test"]["facts"]["on_test"], told["partly on test"]["facts"]["backward"]) == (18, 36)


@pytest.mark.parametrize("name", ["usual", "validated inside", "tested inside", "on test"])
def test_an_epoch_is_a_pass_whose_batches_are_learned_from(told, name):
    """Not one of validation inside the loop; and that they are of the test set is told."""
    assert told[name].get("error") is None
    assert (told[name]["epochs"], told[name]["facts"]["backward"]) == (3, 18)
    assert told[name]["facts"]["on_test"] == (18 if name == "on test" else 0)


def test_a_module_that_a_cell_writes_is_there_and_may_train(told):
    assert told["written"].get("error") is None
    assert told["written"]["problems"] == []
    assert told["written"]["facts"]["steps"] == 24


@pytest.mark.parametrize("name", [name for name in BOOKS if name.startswith("way: ")])
def test_whatever_trains_is_found(told, name):
    found = told[name]
    assert found.get("error") is None
    assert found["facts"]["backward"] == STEPS, (found["problems"], found["facts"])
    assert found["classes"] == 7


@pytest.mark.parametrize("name", list(GUARDS))
def test_who_asks_for_a_gpu_is_told_that_there_is_one(told, name):
    found = told[f"guard: {name}"]
    assert found.get("error") is None
    assert found["facts"]["backward"] == STEPS, found["problems"]
    assert len(found["problems"]) == (name == "version"), found["problems"]


def test_what_is_done_to_a_network_after_training_is_no_training(told):
    assert told["weights are changed afterwards"]["criterion"] == 1
    assert told["weights are changed afterwards"]["size"] > 1


def test_what_fails_after_training_costs_nothing(told):
    assert told["it fails after training"].get("error") is None
    assert told["it fails after training"]["problems"] == []


def test_an_error_in_a_thread_is_told(told):
    assert told["a thread fails"]["error"] == "ValueError: in a thread"


def test_the_gradient_of_a_picture_is_no_training(told):
    assert told["a saliency map"]["facts"]["backward"] == STEPS


@pytest.mark.parametrize("name", SLICED)
def test_code_that_evaluates_for_long_gives_way_and_is_no_hang(told, name):
    """The grader hears from it between two steps, however long they are apart, and it goes on where it was."""
    assert told[name].get("error") is None
    assert told[name]["facts"]["backward"] == STEPS
    assert told[name]["silent"] >= 3
