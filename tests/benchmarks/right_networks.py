"""Right networks, each written in its own style, keep every point of Tasks 4 and 5, and a person is asked nothing.

    python tests/benchmarks/right_networks.py [--data-root FOLDER] [--unverified] [--seeds 3] [--only WORD] [--task 4]

Each is written as somebody else would: its names, first weights, sizes, optimizer and layers are its own. Whatever
makes sure that points are for what was learned has to leave all of them alone. Exits with 1 where one loses a point or
raises a question.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from grader.data import datasets  # noqa: E402
from grader.grading import grade  # noqa: E402
from grader.loading import OWN, load  # noqa: E402
from grader.model import Homework, Report, Submission  # noqa: E402

NEURALNET, SUBMISSIONS = ROOT / "reference" / "neuralnet", ROOT / "tests" / "submissions"
NAMES = ("layers.py", "two_layer_net.py", "train.py")
POINTS = {"4.2": 5, "4.3": 5, "5.1": 15, "5.2": 10, "5.3": 5}
OVERFIT = {"hidden_dim": 128, "num_train": 500, "num_epochs": 150, "learning_rate": 0.05, "batch_size": 20, "reg": 0.0}
OPTIMIZER = "    optimizer = SGD(model.parameters(), learning_rate)"
STEP = "            optimizer.step(grads)\n"
ADAM = """

class Adam:
    def __init__(self, params, rate, first=0.9, second=0.999):
        self.params, self.rate, self.first, self.second, self.t = params, rate, first, second, 0
        self.m = {k: np.zeros_like(v) for k, v in params.items()}
        self.v = {k: np.zeros_like(v) for k, v in params.items()}

    def step(self, grads):
        self.t += 1
        for k, g in grads.items():
            self.m[k] = self.first * self.m[k] + (1 - self.first) * g
            self.v[k] = self.second * self.v[k] + (1 - self.second) * g**2
            m, v = self.m[k] / (1 - self.first**self.t), self.v[k] / (1 - self.second**self.t)
            self.params[k] -= self.rate * m / (np.sqrt(v) + 1e-8)
"""
MOMENTUM = """

class Momentum:
    def __init__(self, params, rate, momentum=0.9):
        self.params, self.rate, self.momentum = params, rate, momentum
        self.speed = {k: np.zeros_like(v) for k, v in params.items()}

    def step(self, grads):
        for k in self.params:
            self.speed[k] = self.momentum * self.speed[k] - self.rate * grads[k]
            self.params[k] += self.speed[k]
"""
HE = ("scale=weight_scale, size=(input_dim, hidden_dim)", "scale=np.sqrt(2 / input_dim), size=(input_dim, hidden_dim)")

CONV1, CONV2, LAST = "nn.Conv2d(1, 8, 3, padding=1)", "nn.Conv2d(8, 16, 3, padding=1)", "nn.Linear(16 * 7 * 7, 10)"
POOL1, POOL2 = "F.max_pool2d(F.relu(self.conv1(x)), 2)", "F.max_pool2d(F.relu(self.conv2(x)), 2)"
MODEL = "model = Network().to(device)\nsummary"
STEPS = "optim.Adam(model.parameters(), lr=learning_rate, weight_decay=weight_decay)"
EPOCH = "        val_acc_hist.append(evaluate(model, valloader))"
WHOLE = (  # the base trains on a few pictures, which suffice for stand-in data alone
    ("range(4000)", "range(50000)"),
    ("range(50000, 50500)", "range(50000, 60000)"),
    ("num_epoch = 8", "num_epoch = 3"),
    ("batch_size = 32", "batch_size = 64"),
)
Edits = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Network:
    """`best` and `overfit` are settings; `own` is a submission whose network and layers are taken; `edits` change
    files; `notebook` changes the base of tests/submissions/notebooks."""

    best: Mapping[str, float] = field(default_factory=dict)
    overfit: Mapping[str, float] = field(default_factory=lambda: OVERFIT)
    own: str = ""
    edits: Mapping[str, Edits] = field(default_factory=dict)
    notebook: Edits = ()

    def files(self) -> dict[str, bytes]:
        """The files of Task 4."""
        texts = {name: (NEURALNET / name).read_text(encoding="utf-8") for name in NAMES}
        own = [SUBMISSIONS / self.own / name for name in NAMES[:2]] if self.own else []
        texts |= {path.name: path.read_text(encoding="utf-8") for path in own if path.is_file()}
        for name, edits in self.edits.items():
            texts[name] = edited(texts[name], edits)
        texts["train.py"] = set_to(texts["train.py"], self.best, self.overfit)
        return {name: text.encode() for name, text in texts.items()}


def optimizer(code: str, name: str, rate: str = "learning_rate") -> dict[str, Edits]:
    """train.py with an optimizer of its own."""
    made = (OPTIMIZER, f"    optimizer = {name}(model.parameters(), {rate})")
    return {"train.py": [("\n\ndef main(args):", f"{code}\n\ndef main(args):"), made]}


RIGHT: dict[str, Network] = {
    "reference": Network(overfit={}),
    "few units": Network(
        {"hidden_dim": 64},
        OVERFIT | {"hidden_dim": 48},
        notebook=[
            (CONV1, CONV1.replace("8", "6")),
            (CONV2, "nn.Conv2d(6, 12, 3, padding=1)"),
            (LAST, "nn.Linear(12 * 7 * 7, 10)"),
        ],
    ),
    "many units": Network(
        {"hidden_dim": 300},
        OVERFIT | {"hidden_dim": 400},
        notebook=[
            (CONV1, "nn.Conv2d(1, 24, 3, padding=1)"),
            (CONV2, "nn.Conv2d(24, 32, 3, padding=1)"),
            (LAST, "nn.Sequential(nn.Dropout(0.4), nn.Linear(32 * 7 * 7, 64), nn.ReLU(), nn.Linear(64, 10))"),
        ],
    ),
    "own first weights": Network(
        edits={"two_layer_net.py": [HE]},
        notebook=[
            (
                MODEL,
                "model = Network().to(device)\nfor part in model.modules():\n    if isinstance(part, nn.Conv2d):\n"
                "        nn.init.kaiming_normal_(part.weight)\n        nn.init.zeros_(part.bias)\nsummary",
            )
        ],
    ),
    "large batches": Network(
        {"batch_size": 256, "learning_rate": 0.1, "num_epochs": 30},
        OVERFIT | {"batch_size": 50, "learning_rate": 0.1, "num_epochs": 300},
        own="right-parameter-names",
        notebook=[
            ("batch_size = 64", "batch_size = 256"),
            ("3e-3", "1e-2"),
            (STEPS, "optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=1e-2)"),
        ],
    ),
    "small batches": Network(
        {"batch_size": 32, "learning_rate": 0.02},
        OVERFIT | {"batch_size": 10, "learning_rate": 0.02},
        own="right-w1-attributes",
        notebook=[("batch_size = 64", "batch_size = 16"), ("3e-3", "1e-3")],
    ),
    "momentum": Network(
        {"learning_rate": 0.005},
        OVERFIT | {"learning_rate": 0.005},
        edits=optimizer(MOMENTUM, "Momentum"),
        notebook=[
            (STEPS, "optim.SGD(model.parameters(), lr=learning_rate, momentum=0.9, nesterov=True)"),
            ("3e-3", "2e-2"),
        ],
    ),
    "adam": Network(
        {"learning_rate": 1e-3, "reg": 0.0},
        OVERFIT | {"learning_rate": 1e-3},
        edits=optimizer(ADAM, "Adam"),
        notebook=[
            (CONV1, f"nn.Sequential({CONV1}, nn.BatchNorm2d(8))"),
            (CONV2, f"nn.Sequential({CONV2}, nn.BatchNorm2d(16))"),
        ],
    ),
    "decaying rate": Network(
        {},
        OVERFIT,
        edits={
            "train.py": [
                (
                    "    for epoch in range(1, num_epochs + 1):\n",
                    "    for epoch in range(1, num_epochs + 1):\n        optimizer.learning_rate *= 0.98\n",
                )
            ]
        },
        notebook=[
            (STEPS, f"{STEPS}\nscheduler = optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.7)"),
            (EPOCH, f"{EPOCH}\n        scheduler.step()"),
        ],
    ),
    "fewer images": Network(
        {"num_train": 15000},
        OVERFIT | {"num_train": 300},
        own="right-einsum-object-cache",
        notebook=[
            ("range(50000)", "range(20000)"),
            ("num_epoch = 3", "num_epoch = 8"),
            (CONV1, "nn.Conv2d(1, 6, 5, padding=2)"),
            (CONV2, "nn.Conv2d(6, 16, 5)"),
            (POOL1, "F.avg_pool2d(torch.tanh(self.conv1(x)), 2)"),
            (POOL2, "F.avg_pool2d(torch.tanh(self.conv2(x)), 2)"),
            (LAST, "nn.Sequential(nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10))"),
        ],
    ),
    "strong reg": Network(
        {"reg": 5e-3},
        OVERFIT,
        own="right-own-relu-in-net",
        notebook=[
            (CONV1, "nn.Conv2d(1, 16, 3, stride=2, padding=1)"),
            (CONV2, "nn.Conv2d(16, 32, 3, stride=2, padding=1)"),
            (POOL1, "F.gelu(self.conv1(x))"),
            (POOL2, "F.gelu(self.conv2(x))"),
            (LAST, "nn.Linear(32 * 7 * 7, 10)"),
            ("weight_decay = 1e-4", "weight_decay = 1e-3"),
        ],
    ),
}
FORWARD = f"        x = {POOL1}\n        x = {POOL2}\n        return self.fc(x.flatten(1))\n"
PARTS = f"        self.conv1 = {CONV1}\n        self.conv2 = {CONV2}\n        self.fc = {LAST}\n"
STEP5 = "            optimizer.step()\n"
TRAINED = "trn_loss_hist, trn_acc_hist, val_acc_hist = train(model, trainloader, valloader, num_epoch)\n"
LOSS = "criterion = nn.CrossEntropyLoss()"
BATCHES = (
    "        for images, labels in trainloader:\n            images, labels = images.to(device), labels.to(device)\n"
)


def indented(code: str) -> str:
    return "".join(f"        {line}\n" for line in code.strip("\n").split("\n"))


def network(parts: str, forward: str, *more: tuple[str, str]) -> Edits:
    """The notebook with other parts of its network, and another way through them."""
    return [(PARTS, indented(parts)), (FORWARD, indented(forward)), *more]


STYLES: dict[str, Edits] = {  # notebooks of Task 5 alone
    "strided 5 x 5": network(
        "self.features = nn.Sequential(nn.Conv2d(1, 12, 5, stride=2, padding=2), nn.ReLU(),\n"
        "    nn.Conv2d(12, 24, 5, stride=2, padding=2), nn.ReLU())\nself.fc = nn.Linear(24 * 49, 10)",
        "return self.fc(self.features(x).flatten(1))",
    ),
    "depthwise and pointwise": network(
        "self.conv1 = nn.Conv2d(1, 16, 1)\nself.depth1 = nn.Conv2d(16, 16, 3, padding=1, groups=16)\n"
        "self.point1 = nn.Conv2d(16, 24, 1)\nself.depth2 = nn.Conv2d(24, 24, 3, padding=1, groups=24)\n"
        "self.point2 = nn.Conv2d(24, 32, 1)\nself.fc = nn.Linear(32 * 49, 10)",
        "x = F.max_pool2d(F.relu(self.point1(self.depth1(self.conv1(x)))), 2)\n"
        "x = F.max_pool2d(F.relu(self.point2(self.depth2(x))), 2)\nreturn self.fc(x.flatten(1))",
    ),
    "residual": network(
        "self.stem = nn.Conv2d(1, 12, 3, stride=2, padding=1, bias=False)\nself.norm0 = nn.BatchNorm2d(12)\n"
        "self.one = nn.Conv2d(12, 12, 3, padding=1, bias=False)\nself.norm1 = nn.BatchNorm2d(12)\n"
        "self.two = nn.Conv2d(12, 12, 3, padding=1, bias=False)\nself.norm2 = nn.BatchNorm2d(12)\n"
        "self.down = nn.Conv2d(12, 24, 1, stride=2)\nself.fc = nn.Linear(24 * 49, 10)",
        "x = F.relu(self.norm0(self.stem(x)))\n"
        "x = F.relu(x + self.norm2(self.two(F.relu(self.norm1(self.one(x))))))\n"
        "return self.fc(F.relu(self.down(x)).flatten(1))",
    ),
    "one Sequential": [
        ("model = Network().to(device)\n",
         "model = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 24, 3), nn.ReLU(),\n"
         "    nn.MaxPool2d(2), nn.Flatten(), nn.Linear(24 * 25, 64), nn.ReLU(), nn.Linear(64, 10)).to(device)\n"),
    ],
    "functional": network(
        "self.w1 = nn.Parameter(torch.randn(8, 1, 3, 3) * 0.3)\n"
        "self.w2 = nn.Parameter(torch.randn(16, 8, 3, 3) * 0.15)\n"
        "self.w3 = nn.Parameter(torch.randn(10, 16 * 49) * 0.03)\nself.b3 = nn.Parameter(torch.zeros(10))",
        "x = F.max_pool2d(F.relu(F.conv2d(x, self.w1, padding=1)), 2)\n"
        "x = F.max_pool2d(F.relu(F.conv2d(x, self.w2, padding=1)), 2)\nreturn F.linear(x.flatten(1), self.w3, self.b3)",
    ),
    "arrays in place of a loader": [
        (BATCHES, "        X, Y = FASHION_trainval.data[:50000, None].float() / 255, FASHION_trainval.targets[:50000]\n"
                  "        for at in torch.randperm(len(X)).split(batch_size):\n"
                  "            images, labels = ((X[at] - 0.2859) / 0.3530).to(device), Y[at].to(device)\n"),
    ],
    "one cycle": [
        (STEPS, "optim.SGD(model.parameters(), lr=learning_rate, momentum=0.9)\n"
            "scheduler = optim.lr_scheduler.OneCycleLR("
                "optimizer, max_lr=0.1, epochs=num_epoch, steps_per_epoch=len(trainloader))"),
        (STEP5, f"{STEP5}            scheduler.step()\n"),
    ],
    "dropout, batch norm, smoothed labels": network(
        "self.conv1 = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.Dropout2d(0.1))\n"
        "self.conv2 = nn.Sequential(nn.Conv2d(16, 24, 3, padding=1), nn.BatchNorm2d(24))\n"
        "self.fc = nn.Sequential(nn.Dropout(0.5), nn.Linear(24 * 49, 10))",
        f"x = {POOL1}\nx = {POOL2}\nreturn self.fc(x.flatten(1))",
        (LOSS, "criterion = nn.CrossEntropyLoss(label_smoothing=0.1)"),
        (STEPS, "optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=0.05)"),
    ),
    "best epoch restored": [
        ("    trn_loss_hist, trn_acc_hist, val_acc_hist = [], [], []\n",
         "    trn_loss_hist, trn_acc_hist, val_acc_hist = [], [], []\n    best, state, waits = 0, None, 0\n"),
        (EPOCH, f"{EPOCH}\n        if val_acc_hist[-1] > best:\n            best, waits = val_acc_hist[-1], 0\n"
                "            state = {name: value.clone() for name, value in model.state_dict().items()}\n"
                "        else:\n            waits += 1\n        if waits > 1:\n            break"),
        ("    return trn_loss_hist, trn_acc_hist, val_acc_hist\n",
         "    model.load_state_dict(state)\n    return trn_loss_hist, trn_acc_hist, val_acc_hist\n"),
        ("num_epoch = 3", "num_epoch = 6"), ("range(50000))", "range(12000))"),
    ],
    "own data set, flipped": [
        ("batch_size = 64\n", "batch_size = 64\nclass Flipped(torch.utils.data.Dataset):\n"
         "    def __init__(self, base): self.base = base\n    def __len__(self): return len(self.base)\n"
         "    def __getitem__(self, at):\n        image, label = self.base[at]\n"
         "        return (image.flip(-1) if torch.rand(()) < 0.5 else image), label\n"),
        ("DataLoader(FASHION_train,", "DataLoader(Flipped(Subset(FASHION_train, range(20000))),"),
    ],
    "convolutions alone": network(
        "self.features = nn.Sequential(nn.Conv2d(1, 24, 3, stride=2), nn.ReLU(), nn.Conv2d(24, 32, 1), nn.ReLU(),\n"
        "    nn.Conv2d(32, 48, 3, stride=2), nn.ReLU(), nn.Conv2d(48, 10, 1), nn.AdaptiveAvgPool2d(1))",
        "return self.features(x).flatten(1)", ("3e-3", "1e-2"), ("num_epoch = 3", "num_epoch = 16"),
    ),
    "branches": network(
        "self.stem = nn.Conv2d(1, 8, 1)\nself.one, self.three = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 3, padding=1)\n"
        "self.five = nn.Conv2d(8, 8, 5, padding=2)\nself.fc = nn.Linear(24 * 49, 10)",
        "x = F.max_pool2d(F.relu(self.stem(x)), 2)\n"
        "x = torch.cat([self.one(x), self.three(x), self.five(x)], 1)\n"
        "return self.fc(F.max_pool2d(F.relu(x), 2).flatten(1))",
    ),
    "average of weights at the end": [
        ("model = Network().to(device)\n",
         "model = Network().to(device)\nfrom copy import deepcopy\nmean = deepcopy(model)\n"),
        (STEP5, f"{STEP5}            with torch.no_grad():\n"
                "                for a, b in zip(mean.parameters(), model.parameters()):\n"
                "                    a.lerp_(b, 0.01)\n"),
        (TRAINED, f"{TRAINED}model.load_state_dict(mean.state_dict())\n"),
    ],
    "longest rows cut": [
        (STEP5, f"{STEP5}            with torch.no_grad():\n                rows = model.fc.weight\n"
                "                rows.mul_((2 / rows.norm(dim=1, keepdim=True)).clamp(max=1))\n"),
    ],
    "learning rate sought first": [
        (TRAINED, "first = {name: value.clone() for name, value in model.state_dict().items()}\n"
                  "for step, (images, labels) in enumerate(trainloader):\n"
                  "    optimizer.param_groups[0]['lr'] = 1e-5 * 10 ** (step / 20)\n    optimizer.zero_grad()\n"
                  "    criterion(model(images), labels).backward()\n    optimizer.step()\n    if step == 90: break\n"
                  f"model.load_state_dict(first)\noptimizer = {STEPS}\n{TRAINED}"),
    ],
    "normalised weights": network(
        f"from torch.nn.utils import weight_norm\nself.conv1 = weight_norm({CONV1})\n"
        f"self.conv2 = weight_norm({CONV2})\n"
        f"self.fc = {LAST}",
        f"x = {POOL1}\nx = {POOL2}\nreturn self.fc(x.flatten(1))",
    ),
    "a linear network first": [
        (TRAINED, "small = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))\n"
                  "own = optim.Adam(small.parameters(), lr=1e-3)\nfor images, labels in trainloader:\n"
                  "    own.zero_grad()\n    criterion(small(images), labels).backward()\n    own.step()\n" + TRAINED),
    ],
    "squared error, gradients added up": [
        ("loss = criterion(scores, labels)", "loss = criterion(scores, F.one_hot(labels, 10).float())"),
        (LOSS, "criterion = nn.MSELoss()"),
        ("            optimizer.zero_grad()\n", ""),
        (STEP5, "            if len(losses) % 2:\n                optimizer.step(); optimizer.zero_grad()\n"),
    ],
    "patches": network(
        "self.patches = nn.Conv2d(1, 48, 4, stride=4)\nself.mix = nn.Conv2d(48, 48, 3, padding=1, groups=48)\n"
        "self.norm = nn.LayerNorm(48)\nself.fc = nn.Linear(48 * 49, 10)",
        "x = F.gelu(self.patches(x))\nx = F.gelu(x + self.mix(x)).flatten(2).transpose(1, 2)\n"
        "return self.fc(self.norm(x).flatten(1))",
    ),
    "head first, filters later": [
        (STEPS, "optim.Adam(model.fc.parameters(), lr=learning_rate)\nfor part in (model.conv1, model.conv2):\n"
                "    part.requires_grad_(False)"),
        ("        model.train()\n", "        model.train()\n        if epoch == 1:\n"
         "            for part in (model.conv1, model.conv2):\n                part.requires_grad_(True)\n"
         "                optimizer.add_param_group({'params': part.parameters()})\n"),
        ("range(50000))", "range(6000))"), ("num_epoch = 3", "num_epoch = 12"),
    ],
}  # fmt: skip
CHEAPEST = ("own first weights", "many units", "strong reg")  # for a test


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--unverified", action="store_true")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--task", choices=["4", "5"])
    given = parser.parse_args()
    homework = load(ROOT / "grader" / "homework")
    root = datasets.root(given.data_root)

    def data(name: str) -> Any:
        return datasets.read(load(OWN), name, root, unverified=given.unverified)

    tasks = [given.task] if given.task else ["4", "5"]
    kept = {name: data(name) for name, task in (("cifar10", "4"), ("fashion-mnist", "5")) if task in tasks}
    print(", ".join(one.source for one in kept.values()), f"{given.seeds} seeds", sep="; ")
    chosen = [(name, task) for name in RIGHT for task in tasks if given.only in name]
    chosen += [(name, "5") for name in STYLES if given.only in name and "5" in tasks]
    found: dict[tuple[str, str], list[list[str]]] = {each: [] for each in chosen}
    for seed in range(1, given.seeds + 1):
        for name, task in chosen:
            began = time.monotonic()
            found[name, task].append(lost(graded(homework, name, task, seed, kept.__getitem__)))
            print(f"seed {seed}, {name}, Task {task}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
            for sentence in found[name, task][-1]:
                print(f"    {sentence}", flush=True)
    for (name, task), runs in found.items():
        print(f"{name:20} Task {task}: {sum(not one for one in runs)} of {len(runs)} keep every point, asked nothing")
    return int(any(one for runs in found.values() for one in runs))


def graded(homework: Homework, name: str, task: str, seed: int, data: Callable[[str], Any]) -> Report:
    """The report on one of RIGHT for what of a task is trained."""
    files = RIGHT[name].files() if task == "4" else {"part1.ipynb": notebook(name)}
    only = [item for item in POINTS if item.startswith(task)]
    return grade(Submission(name, files, {file: file for file in files}, ""), homework, seed=seed, only=only, data=data)


def lost(report: Report) -> list[str]:
    """A sentence for each point that was lost, and for each question."""
    items = [item for task in report.tasks for item in task.items if item.id in POINTS]
    checks = [check for item in items for check in item.checks if check.earned < check.points]
    said = [f"{one.name} earned {one.earned:.2f} of {one.points:.2f}: {one.message}" for one in checks]
    return [*said, *(f"asked: {question}" for question in report.needs_review)]


def notebook(name: str) -> bytes:
    """The notebook of one of RIGHT or STYLES, with outputs."""
    if name == "reference":
        return (ROOT / "reference" / "part1.ipynb").read_bytes()
    base = (SUBMISSIONS / "notebooks" / "base.txt").read_text(encoding="utf-8")
    return built(edited(edited(base, WHOLE), RIGHT[name].notebook if name in RIGHT else STYLES[name]))


def built(text: str) -> bytes:
    """A notebook of cells as tests/submissions/notebooks/base.txt holds them."""
    spec = importlib.util.spec_from_file_location("build", ROOT / "tests" / "notebooks" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    return str(build.notebook(text)).encode()


def edited(text: str, edits: Edits) -> str:
    for old, new in edits:
        assert old in text, f"{old!r} is not there"
        text = text.replace(old, new)
    return text


def set_to(source: str, best: Mapping[str, float], overfit: Mapping[str, float]) -> str:
    """train.py with other settings in its two places."""
    head, found, tail = source.partition("    else:\n        # ---- Overfit model")
    for name, value in best.items():
        head = re.sub(rf"(?m)^        {name} = .*$", f"        {name} = {value}", head, count=1)
    for name, value in overfit.items():
        tail = re.sub(rf"(?m)^        {name} = .*$", f"        {name} = {value}", tail, count=1)
    return head + found + tail


if __name__ == "__main__":
    sys.exit(main())
