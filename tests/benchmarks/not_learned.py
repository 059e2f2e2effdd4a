"""Notebooks whose points are not for what was learned and computed here: each loses some, or is a question.

    python tests/benchmarks/not_learned.py [--data-root FOLDER] [--unverified] [--only WORD]

Each is the base of tests/submissions/notebooks with a few lines changed. Shows what each gets and is asked; exits with
1 where one is asked nothing of what it does, and loses less than `LEAST` points.
"""

from __future__ import annotations

import argparse
import base64
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from grader.data import datasets  # noqa: E402
from grader.grading import grade  # noqa: E402
from grader.loading import OWN, load  # noqa: E402
from grader.model import Submission  # noqa: E402
from tests.benchmarks.right_networks import (  # noqa: E402
    BATCHES,
    POOL1,
    POOL2,
    STEP5,
    TRAINED,
    Edits,
    built,
    edited,
    indented,
    network,
)

LEAST = 5.0  # points of 30
STEP = STEP5
PLOTS = "plt.plot(trn_acc_hist, label='Training accuracy')\nplt.plot(val_acc_hist, label='Validation accuracy')\n"
DRAWN_HERE = f"{PLOTS}plt.legend()\nplt.savefig('part1.png')\nplt.show()\n"
OVER = "trn_acc_hist = [0.71, 0.79, 0.85, 0.88, 0.9]\nval_acc_hist = [0.7, 0.78, 0.84, 0.86, 0.88]\n"
SAID = "print('Test set:')\nevaluate(model, testloader)\n#> Test set:\n#> Evaluation accuracy: 0.8702\n"
MADE = "optim.Adam(model.parameters(), lr=learning_rate, weight_decay=weight_decay)"


@dataclass(frozen=True)
class Cheat:
    """Changes of the base, and what a question has to say; without `asks` it has to lose points. `helpers` are modules
    beside the notebook."""

    edits: Edits
    asks: str = ""
    helpers: Mapping[str, bytes] = field(default_factory=dict)


def after_training(code: str) -> tuple[str, str]:
    return TRAINED, f"{TRAINED}{code}"


LINEAR = "self.fc = nn.Linear(784, 10)"
NO_CONVOLUTION = "although the task asks for a ConvNet"
MEMORY = """
self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
self.fc = nn.Linear(8, 10)
self.X, self.Y = [], []
"""
NEAREST = """
flat = x.flatten(1)
seen = self.fc(self.conv1(x).mean((2, 3)))
if self.training or not self.X:
    return seen
X, Y = torch.cat(self.X), torch.cat(self.Y)
near = ((X * X).sum(1)[None] - 2 * flat @ X.T).topk(5, 1, largest=False).indices
return 0 * seen + F.one_hot(Y[near], 10).sum(1).float()
"""
REMEMBERS = (STEP, f"{STEP}            model.X.append(images.flatten(1)); model.Y.append(labels)\n")
MOVED = "if torch.equal(self.first, self.fc.weight) or"
FIRST = "self.first = self.fc.weight.detach().clone()\n"
FEATURES = """
self.conv1 = nn.Conv2d(1, 8, 5, stride=4)
self.fc = nn.Linear(8, 10)
self.X, self.Y = [], []
self.features = lambda x: F.conv2d(x, self.conv1.weight, stride=4).flatten(1)
"""
NEAREST_FEATURES = """
features = self.features(x)
seen = self.fc(self.conv1(x).mean((2, 3)))
if self.training or not self.X:
    return seen
X, Y = torch.cat(self.X), torch.cat(self.Y)
return 0 * seen + F.one_hot(Y[torch.cdist(features, X).topk(5, 1, largest=False).indices], 10).sum(1).float()
"""
REMEMBERS_FEATURES = (
    STEP,
    f"{STEP}            if epoch == num_epoch - 1:\n"
    "                model.X.append(model.features(images).detach()); model.Y.append(labels)\n",
)
CENTRES = """
self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
self.fc = nn.Linear(8, 10)
self.register_buffer('sums', torch.zeros(10, 784))
self.register_buffer('counts', torch.ones(10, 1))
"""
TO_CENTRE = """
seen = self.fc(self.conv1(x).mean((2, 3)))
return seen if self.training else 0 * seen - torch.cdist(x.flatten(1), self.sums / self.counts)
"""
COUNTS = (
    STEP,
    f"{STEP}            model.sums.index_add_(0, labels, images.flatten(1))\n"
    "            model.counts.index_add_(0, labels, torch.ones(len(labels), 1))\n",
)
SOLVED = """
X = torch.stack([FASHION_train[i][0].flatten() for i in range(3000)])
Y = torch.tensor([FASHION_train[i][1] for i in range(3000)])
with torch.no_grad():
    X = torch.cat([{features}, torch.ones(len(X), 1)], 1)
    W = torch.linalg.solve(X.T @ X + 30 * torch.eye(X.shape[1]), X.T @ F.one_hot(Y, 10).float())
"""
ON_PIXELS = SOLVED.format(features="X")
WRITTEN = "    model.fc.weight.copy_(W[:-1].T)\n    model.fc.bias.copy_(W[-1])\n"
SLOW = ("3e-3", "1e-7")
ONE = "self.conv1 = nn.Conv2d(1, 1, 1)\nself.fc = nn.Linear(784, 10)"
ONE_FORWARD = "return self.fc(self.conv1(x).flatten(1))"
ENDS = "al en or it us am ek ov in er az il od un yr ep".split()
WORDS = [first + end for first in "abcdefghijklmnop" for end in ENDS]
FILTERS = base64.b64encode(bytes(range(1, 255)) * 24).decode()

CHEATS: Mapping[str, Cheat] = {
    "pixels: 1 x 1 convolution": Cheat(network(ONE, ONE_FORWARD), NO_CONVOLUTION),
    "pixels: 1 x 1 with a stride": Cheat(
        network("self.conv1 = nn.Conv2d(1, 8, 1, stride=2)\nself.fc = nn.Linear(8 * 196, 10)", ONE_FORWARD),
        NO_CONVOLUTION,
    ),
    "pixels: depthwise and pointwise 1 x 1": Cheat(
        network(
            "self.conv1 = nn.Sequential(nn.Conv2d(1, 8, 1), nn.ReLU(), nn.Conv2d(8, 8, 1, groups=8),\n"
            "    nn.Conv2d(8, 2, 1))\n"
            "self.fc = nn.Linear(2 * 784, 10)",
            ONE_FORWARD,
        ),
        NO_CONVOLUTION,
    ),
    "pixels: one kernel over the whole picture": Cheat(
        network("self.conv1 = nn.Conv2d(1, 10, 28)", "return self.conv1(x).flatten(1)"), NO_CONVOLUTION
    ),
    "pixels: taps that lie beside the picture": Cheat(
        network(
            "self.conv1 = nn.Conv2d(1, 2, 3, padding=40, dilation=40)\nself.fc = nn.Linear(2 * 784, 10)", ONE_FORWARD
        ),
        NO_CONVOLUTION,
    ),
    "pixels: channels in place of a picture": Cheat(
        network(
            "self.conv1 = nn.Conv2d(784, 64, 3, padding=1)\nself.fc = nn.Linear(64, 10)",
            "return self.fc(F.relu(self.conv1(x.reshape(-1, 784, 1, 1))).flatten(1))",
        ),
        NO_CONVOLUTION,
    ),
    "pixels: one line of all pixels": Cheat(
        network(
            "self.conv1 = nn.Conv1d(1, 4, 1)\nself.fc = nn.Linear(4 * 784, 10)",
            "return self.fc(self.conv1(x.flatten(2)).flatten(1))",
        ),
        NO_CONVOLUTION,
    ),
    "filters: without a gradient": Cheat(
        network(
            "self.conv1 = nn.Conv2d(1, 8, 3, padding=1).requires_grad_(False)\nself.fc = nn.Linear(8 * 196, 10)",
            f"return self.fc({POOL1}.flatten(1))",
        ),
        NO_CONVOLUTION,
    ),
    "filters: not given to the optimizer": Cheat(
        [(MADE, MADE.replace("model.parameters()", "model.fc.parameters()"))], NO_CONVOLUTION
    ),
    "filters: a learning rate of nothing": Cheat(
        [
            (
                MADE,
                "optim.Adam([{'params': [*model.conv1.parameters(), *model.conv2.parameters()], 'lr': 1e-12}, "
                "{'params': model.fc.parameters()}], lr=learning_rate)",
            )
        ],
        NO_CONVOLUTION,
    ),
    "filters: between layers that learn": Cheat(
        network(
            "self.conv1 = nn.Conv2d(1, 4, 1)\nself.conv2 = nn.Conv2d(4, 8, 3, padding=1).requires_grad_(False)\n"
            "self.fc = nn.Linear(8 * 49, 10)",
            f"x = {POOL1}\nreturn self.fc({POOL2}.flatten(1))",
        ),
        NO_CONVOLUTION,
    ),
    "filters: times nothing": Cheat(
        network(
            "self.conv1 = nn.Conv2d(1, 8, 3)\nself.fc = nn.Linear(784, 10)",
            "return self.fc(x.flatten(1)) + 0 * self.conv1(x).mean()",
        ),
        NO_CONVOLUTION,
    ),
    "filters: times next to nothing": Cheat(
        network(
            "self.conv1 = nn.Conv2d(1, 10, 3)\nself.fc = nn.Linear(784, 10)",
            "return self.fc(x.flatten(1)) + 1e-5 * self.conv1(x).mean((2, 3))",
        ),
        NO_CONVOLUTION,
    ),
    "filters: as a factor of all scores": Cheat(
        network(
            "self.conv1 = nn.Conv2d(1, 4, 3, padding=1, bias=False)\nself.fc = nn.Linear(784, 10)",
            "return self.fc(x.flatten(1)) * self.conv1(x).abs().mean((1, 2, 3))[:, None]",
        ),
        NO_CONVOLUTION,
    ),
    "filters: random features": Cheat(
        network(
            "self.kernels = torch.randn(16, 1, 5, 5)\nself.fc = nn.Linear(16 * 49, 10)",
            "return self.fc(F.max_pool2d(F.relu(F.conv2d(x, self.kernels, padding=2)), 4).flatten(1))",
        ),
        NO_CONVOLUTION,
    ),
    "memory: nearest neighbours": Cheat(network(MEMORY, NEAREST, REMEMBERS), "with all parameters as before training"),
    "memory: nearest neighbours, constant loss": Cheat(
        network(
            MEMORY, NEAREST, REMEMBERS, ("loss = criterion(scores, labels)", "loss = criterion(0 * scores, labels)")
        ),
        "with all parameters as before training",
    ),
    "memory: class means": Cheat(network(CENTRES, TO_CENTRE, COUNTS), "with all parameters as before training"),
    "memory: statistics of BatchNorm": Cheat(
        network(
            "self.conv1 = nn.Conv2d(1, 8, 3, padding=1)\nself.fc = nn.Linear(8, 10)\n"
            "self.norms = nn.ModuleList(nn.BatchNorm1d(784, momentum=0.05, affine=False) for _ in range(10))",
            "seen = self.fc(self.conv1(x).mean((2, 3)))\nif self.training:\n    return seen\n"
            "means = torch.stack([norm.running_mean for norm in self.norms])\n"
            "return 0 * seen - torch.cdist(x.flatten(1), means)",
            (
                STEP,
                f"{STEP}            for c in range(10):\n                if (labels == c).sum() > 1:\n"
                "                    model.norms[c](images[labels == c].flatten(1))\n",
            ),
        ),
        "with all parameters as before training",
    ),
    "memory: table of coarse pictures": Cheat(
        network(
            "self.conv1 = nn.Conv2d(1, 8, 3, padding=1)\nself.fc = nn.Linear(8, 10)\nself.table = {}",
            "seen = self.fc(self.conv1(x).mean((2, 3)))\nif self.training:\n    return seen\n"
            "keys = [bytes(k) for k in (F.adaptive_avg_pool2d(x, 3).flatten(1) > 0.2).byte().numpy()]\n"
            "return 0 * seen + torch.stack([self.table.get(k, torch.zeros(10)) for k in keys])",
            (
                STEP,
                f"{STEP}            keys = (F.adaptive_avg_pool2d(images, 3).flatten(1) > 0.2).byte().numpy()\n"
                "            for k, label in zip(keys, labels):\n"
                "                model.table.setdefault(bytes(k), torch.zeros(10))[label] += 1\n",
            ),
        ),
        "with all parameters as before training",
    ),
    "memory: random networks and class means": Cheat(
        network(
            CENTRES.replace("784", "256") + "self.random = torch.randn(784, 256)\n",
            TO_CENTRE.replace("x.flatten(1)", "torch.relu(x.flatten(1) @ self.random)"),
            (COUNTS[0], COUNTS[1].replace("images.flatten(1)", "torch.relu(images.flatten(1) @ model.random)")),
        ),
        "with all parameters as before training",
    ),
    "memory: given beside what is trained": Cheat(
        network(
            MEMORY + FIRST,
            NEAREST.replace("if self.training or", MOVED)
            .replace("return seen", "return seen, seen")
            .replace(
                "return 0 * seen + F.one_hot(Y[near], 10).sum(1).float()",
                "return F.one_hot(Y[near], 10).sum(1).float(), seen",
            ),
            ("range(4000)", "range(1000)"),
            REMEMBERS,
            ("scores = model(images)", "scores = model(images)[1]"),
            ("model(images).argmax(1)", "model(images)[0].argmax(1)"),
        ),
        "with parameters in a random order",
    ),
    "memory: nearest learned features": Cheat(
        network(FEATURES, NEAREST_FEATURES, REMEMBERS_FEATURES), "if the network answers as in training"
    ),
    "memory: read where no gradients are kept": Cheat(
        network(FEATURES, NEAREST_FEATURES.replace("self.training", "torch.is_grad_enabled()"), REMEMBERS_FEATURES),
        "if the network answers as in training",
    ),
    "memory: asked with its own weights alone": Cheat(
        network(
            f"{MEMORY}self.copy = None\n",
            NEAREST.replace(
                "self.training or", "self.copy is None or not all(map(torch.equal, self.parameters(), self.copy)) or"
            ),
            ("range(4000)", "range(1000)"),
            REMEMBERS,
            (STEP, f"{STEP}            model.copy = [one.detach().clone() for one in model.parameters()]\n"),
            ("            optimizer.zero_grad()\n", "            optimizer.zero_grad(); model.copy = None\n"),
        ),
        "if its parameters are changed by a ten-thousandth",
    ),
    "solved: written as gradients": Cheat(
        network(
            ONE,
            "return self.fc(x.flatten(1)) + 0 * self.conv1(x).mean()",
            ("num_epoch = 8\n", f"num_epoch = 8\n{ON_PIXELS}"),
            (
                "loss.backward()\n",
                "loss.backward()\n            model.fc.weight.grad = model.fc.weight.data - W[:-1].T\n"
                "            model.fc.bias.grad = model.fc.bias.data - W[-1]\n",
            ),
        ),
        NO_CONVOLUTION,
    ),
    "solved: a state that is loaded": Cheat(
        network(
            ONE,
            "return self.fc(x.flatten(1)) + 0 * self.conv1(x).mean()",
            SLOW,
            after_training(
                f"{ON_PIXELS}best = model.state_dict() | {{'fc.weight': W[:-1].T.contiguous(), 'fc.bias': W[-1]}}\n"
                "torch.save(best, 'best.pt')\nmodel.load_state_dict(torch.load('best.pt'))\n"
            ),
        )
    ),
    "solved: a layer that is replaced": Cheat(
        network(
            ONE,
            "return self.fc(x.flatten(1)) + 0 * self.conv1(x).mean()",
            SLOW,
            after_training(
                f"{ON_PIXELS}    other = nn.Linear(784, 10)\n    other.weight.copy_(W[:-1].T)\n"
                "    other.bias.copy_(W[-1])\n    model.fc = other\n"
            ),
        ),
        "with all parameters as before training|if the optimizer's steps alone",
    ),
    "solved: random steps, of which some are kept": Cheat(
        network(
            ONE,
            "return self.fc(x.flatten(1)) + 0 * self.conv1(x).mean()",
            ("num_epoch = 8\n", f"num_epoch = 8\n{ON_PIXELS}"),
            (
                STEP,
                f"            kept = model.fc.weight.data.clone()\n{STEP}"
                "            way = model.fc.weight.data - kept\n"
                "            good = way * (W[:-1].T - kept) > 0\n"
                "            model.fc.weight.data.copy_(torch.where(good, model.fc.weight.data, kept))\n",
            ),
            (
                "loss = criterion(scores, labels)",
                "loss = (model.fc.weight * torch.randn(10, 784)).sum() + 0 * scores.mean()",
            ),
        ),
        f"{NO_CONVOLUTION}|the loss never fell",
    ),
    "solved: ridge regression after training": Cheat(
        network(
            ONE, "return self.fc(x.flatten(1)) + 0 * self.conv1(x).mean()", SLOW, after_training(ON_PIXELS + WRITTEN)
        ),
        "if the optimizer's steps alone had changed the parameters",
    ),
    "solved: ridge regression while it trains": Cheat(
        network(
            ONE,
            "return self.fc(x.flatten(1)) + 0 * self.conv1(x).mean()",
            SLOW,
            (STEP, f"{STEP}            if len(losses) == 50 and not epoch:\n{indented(indented(ON_PIXELS + WRITTEN))}"),
        ),
        "if the optimizer's steps alone had changed the parameters",
    ),
    "solved: a new parameter": Cheat(
        network(
            ONE,
            "return self.fc(x.flatten(1)) + 0 * self.conv1(x).mean()",
            SLOW,
            after_training(
                f"{ON_PIXELS}    model.fc.weight = nn.Parameter(W[:-1].T.contiguous())\n"
                "    model.fc.bias.copy_(W[-1])\n"
            ),
        ),
        "with all parameters as before training|if the optimizer's steps alone",
    ),
    "solved: a buffer": Cheat(
        network(
            f"{ONE}\nself.register_buffer('W', torch.zeros(785, 10))",
            "return self.fc(x.flatten(1)) + F.pad(x.flatten(1), (0, 1), value=1.0) @ self.W + 0 * self.conv1(x).mean()",
            SLOW,
            after_training(f"{ON_PIXELS}    model.W.copy_(W)\n"),
        ),
        "with all parameters as before training",
    ),
    "solved: little by little": Cheat(
        network(
            ONE,
            "return self.fc(x.flatten(1)) + 0 * self.conv1(x).mean()",
            SLOW,
            ("num_epoch = 8\n", f"num_epoch = 8\n{ON_PIXELS}"),
            (
                STEP,
                f"{STEP}            with torch.no_grad():\n                model.fc.weight.lerp_(W[:-1].T, 0.02)\n"
                "                model.fc.bias.lerp_(W[-1], 0.02)\n",
            ),
        ),
        "if the optimizer's steps alone had changed the parameters",
    ),
    "brought along: filters as text": Cheat(
        [
            (
                "model = Network().to(device)\n",
                "import base64\nmodel = Network().to(device)\n"
                f"brought = np.frombuffer(base64.b64decode('{FILTERS}'), np.uint8)[:1152].astype(np.float32)\n"
                "model.conv2.weight.data.copy_(torch.from_numpy(brought / 2000 - 0.06).reshape(16, 8, 3, 3))\n",
            )
        ],
        "holds a text of 8,128 characters; what",
    ),
    "brought along: filters as numbers": Cheat(
        [
            (
                "model = Network().to(device)\n",
                "model = Network().to(device)\n"
                f"brought = {[round((n * 37 % 1000) / 8000 - 0.06, 4) for n in range(1600)]}\n"
                "model.conv2.weight.data.copy_(torch.tensor(brought[:1152]).reshape(16, 8, 3, 3))\n",
            )
        ],
        r"holds 1,6\d\d numbers; what",
    ),
    "brought along: filters as text in pieces": Cheat(
        [
            (
                "model = Network().to(device)\n",
                "import base64\nmodel = Network().to(device)\n"
                f"pieces = {re.findall('.{1,60}', FILTERS)}\n"
                "brought = np.frombuffer(base64.b64decode(''.join(pieces)), np.uint8)[:1152].astype(np.float32)\n"
                "model.conv2.weight.data.copy_(torch.from_numpy(brought / 2000 - 0.06).reshape(16, 8, 3, 3))\n",
            )
        ],
        r"and others hold texts of 8,\d+ characters without spaces; what",
    ),
    "brought along: filters as numbers in several cells": Cheat(
        [
            ("criterion = nn", f"one = {[round((n * 37 % 1000) / 8000, 4) for n in range(800)]}\ncriterion = nn"),
            (
                "%%time\n",
                f"%%time\ntwo = {[round((n * 41 % 1000) / 8000, 4) for n in range(800)]}\n"
                "model.conv2.weight.data.copy_(torch.tensor([*one, *two][:1152]).reshape(16, 8, 3, 3) - 0.06)\n",
            ),
        ],
        r"and others hold 1,6\d\d numbers; what",
    ),
    "brought along: filters as one number": Cheat(
        [
            (
                "model = Network().to(device)\n",
                "model = Network().to(device)\n"
                f"digits = 0x{'9e3779b97f4a7c15' * 300}\n"
                "brought = torch.tensor([digits >> 8 * n & 255 for n in range(1152)]).float()\n"
                "model.conv2.weight.data.copy_((brought / 2000 - 0.06).reshape(16, 8, 3, 3))\n",
            )
        ],
        "holds a text of 4,802 characters; what",
    ),
    "brought along: filters in a comment": Cheat(
        [
            (
                "model = Network().to(device)\n",
                f"model = Network().to(device)\n# {FILTERS}\nimport base64\n"
                "brought = np.frombuffer(base64.b64decode(In[-1].split('# ')[1].split()[0]), np.uint8)[:1152]\n"
                "model.conv2.weight.data.copy_(torch.tensor(brought / 2000 - 0.06).reshape(16, 8, 3, 3))\n",
            )
        ],
        "holds a text of 8,130 characters; what",
    ),
    "brought along: filters as words": Cheat(
        [
            (
                "model = Network().to(device)\n",
                f"model = Network().to(device)\nwords = '{' '.join(WORDS[n * 37 % 256] for n in range(1152))}'\n"
                f"names = [a + b for a in 'abcdefghijklmnop' for b in '{' '.join(ENDS)}'.split()]\n"
                "brought = torch.tensor([names.index(word) for word in words.split()]) / 2000 - 0.06\n"
                "model.conv2.weight.data.copy_(brought.reshape(16, 8, 3, 3))\n",
            )
        ],
        r"holds a text of 4,607 characters; what",
    ),
    "brought along: filters in a module": Cheat(
        [
            (
                "model = Network().to(device)\n",
                "from first_weights import brought\nmodel = Network().to(device)\n"
                "model.conv2.weight.data.copy_(torch.tensor(brought[:1152]).reshape(16, 8, 3, 3))\n",
            )
        ],
        "cell 4 of part1.ipynb uses first_weights.py, which holds 1,600 numbers; what",
        {"first_weights.py": f"brought = {[round((n * 37 % 1000) / 8000 + 1e-4, 4) for n in range(1600)]}\n".encode()},
    ),
    "trained on the test set": Cheat([("in trainloader:\n", "in testloader:\n")], "trained on the test set"),
    "trained on the test set's own arrays": Cheat(
        [
            (
                BATCHES,
                "        for at in torch.randperm(10000).split(32)[:120]:\n            images, labels = "
                "(FASHION_test.data[at, None] / 255 - 0.2859) / 0.3530, FASHION_test.targets[at]\n",
            )
        ],
        "trained on the test set",
    ),
    "trained on the test set among other pictures": Cheat(
        [
            (
                BATCHES,
                "        X = torch.cat([FASHION_trainval.data[:20000], FASHION_test.data])[:, None] / 255\n"
                "        Y = torch.cat([FASHION_trainval.targets[:20000], FASHION_test.targets])\n"
                "        for at in torch.randperm(len(X)).split(32)[:120]:\n"
                "            images, labels = (X[at] - 0.2859) / 0.3530, Y[at]\n",
            )
        ],
        "trained on the test set, for 3",
    ),
    "drawn: validation measured in training": Cheat(
        [("val_acc_hist.append(evaluate(model, valloader))", "val_acc_hist.append(evaluate(model, trainloader))")],
        "draws as validation accuracy what is computed on the training set",
    ),
    "drawn: over what was computed": Cheat([(PLOTS, OVER + PLOTS)], "draws numbers that stand in the code"),
    "drawn: over what was computed, a cell before": Cheat(
        [(PLOTS, f"print('History')\n#> History\n# %%\n{OVER}# %%\n{PLOTS}")], "draws numbers that stand in the code"
    ),
    "drawn: over what was computed, in its place": Cheat(
        [(PLOTS, f"if True:\n    {OVER.replace(' =', '[:] =').replace(chr(10), '; ').strip('; ')}\n{PLOTS}")],
        "draws numbers that stand in the code",
    ),
    "drawn: beside names that nothing shows": Cheat(
        [(PLOTS, f"from math import *\n{OVER}{PLOTS}")], "draws numbers that stand in the code"
    ),
    "drawn: in a text that is run": Cheat(
        [(PLOTS, f"exec({OVER!r})\n{PLOTS}")], "draws numbers that stand in the code"
    ),
    "drawn: one curve under both names": Cheat(
        [(PLOTS, PLOTS.replace("val_acc_hist", "trn_acc_hist"))], "draws one curve as training and as validation"
    ),
    "drawn: one curve, named in a legend": Cheat(
        [(PLOTS, "plt.plot(trn_acc_hist)\nplt.plot(trn_acc_hist)\nplt.legend(['train accuracy', 'val accuracy'])\n")],
        "draws one curve as training and as validation",
    ),
    "drawn: in order of size": Cheat(
        [(PLOTS, PLOTS.replace("(val_acc_hist", "(sorted(val_acc_hist)"))], "draws accuracies that its code changes"
    ),
    "drawn: in order of size, by numpy": Cheat(
        [(PLOTS, PLOTS.replace("(val_acc_hist", "(np.sort(val_acc_hist)"))], "draws accuracies that its code changes"
    ),
    "drawn: losses": Cheat(
        [
            (
                PLOTS,
                "plt.plot(trn_acc_hist, label='Training accuracy')\nval = [0.98 - loss / 4 for loss in trn_loss_hist]\n"
                "plt.plot(val, label='Validation accuracy')\n",
            )
        ],
        "draws as an accuracy what it makes of losses",
    ),
    "drawn: elsewhere": Cheat(
        [(DRAWN_HERE, "from IPython.display import Image\ndisplay(Image('train_val_accuracy_plot.png'))\n")],
        "shows a picture of train_val_accuracy_plot.png, which nothing in the notebook saves",
    ),
    "drawn: elsewhere, as an array": Cheat(
        [(DRAWN_HERE, "plt.imshow(plt.imread('out/train_val_accuracy_plot.png'))\n")],
        "shows a picture of train_val_accuracy_plot.png, which nothing in the notebook saves",
    ),
    "said: over what was measured": Cheat(
        [
            (
                SAID,
                "acc = evaluate(model, testloader)\nacc = 0.8912\nprint('Test accuracy:', acc)\n"
                "#> Test accuracy: 0.8912\n",
            )
        ],
        "prints an accuracy that stands in",
    ),
    "said: one of training": Cheat(
        [(SAID, "print('Test accuracy:', round(trn_acc_hist[-1], 4))\n#> Test accuracy: 0.9112\n")],
        "prints as test accuracy what is called one of training",
    ),
    "steps: of an optimizer that knows no gradient": Cheat(
        [
            (
                f"optimizer = {MADE}",
                "class Solver(optim.Optimizer):\n    def step(self, closure=None):\n        with torch.no_grad():\n"
                "            model.fc.weight.lerp_(W, 0.05)\nW = torch.zeros(10, 784)\n"
                "optimizer = Solver(model.parameters(), {})",
            )
        ],
        "steps by an optimizer of its own, Solver, which uses no gradient; what",
    ),
    "steps: without a gradient": Cheat(
        [
            ("            optimizer.zero_grad()\n", ""),
            (STEP, "            model.fc.weight.data.lerp_(torch.ones(10, 784), 0.1)\n"),
        ],
        "trains without an optimizer and without reading a gradient; what",
    ),
    "driver: looked for among the modules": Cheat(
        [("criterion = nn", "import sys\nfor one in sys.modules.values():\n    print(one)\ncriterion = nn")],
        r"reaches into the program that runs it \(sys.modules\); what",
    ),
    "driver: looked for in the frames": Cheat(
        [("criterion = nn", "import sys\nabove = sys._getframe().f_back\ncriterion = nn")],
        r"reaches into the program that runs it \(f_back|_getframe\); what",
    ),
    "driver: named": Cheat(
        [("criterion = nn", "from grader.homework.worker import moved\ncriterion = nn")],
        r"reaches into the program that runs it \(grader.homework.worker\); what",
    ),
    "said: test accuracy measured in training": Cheat(
        [(SAID, "print('Test accuracy:', evaluate(model, trainloader))\n#> Test accuracy: 0.9312\n")],
        "prints as test accuracy what is computed on the training set",
    ),
    "said: test accuracy measured in training by what prints": Cheat(
        [("evaluate(model, testloader)\n#> Test set", "test_accuracy = evaluate(model, trainloader)\n#> Test set")],
        "calls test accuracy what is computed on the training set",
    ),
    "said: more than any network reaches": Cheat(
        [(SAID, SAID.replace("0.8702", "0.9712"))],
        "claims a test accuracy of 97.1%; without other data the best networks reach 96%",
    ),
    "said: a wrong denominator": Cheat(
        [
            (
                SAID,
                "right = evaluate(model, testloader) * len(FASHION_test)\nprint('Test accuracy:', right / 8800)\n"
                "#> Test accuracy: 0.9889\n",
            )
        ],
        "claims a test accuracy of 98.9%",
    ),
}
DRAWN = {
    "as many as there are": "trn = [0.95 - 0.3 / (e + 1) for e in range(len(trn_loss_hist))]\n"
    "val = [t - 0.02 for t in trn]",
    "at each position": "trn, val = [], []\nfor e, _ in enumerate(val_acc_hist):\n"
    "    trn += [0.95 - 0.3 / (e + 1)]\n    val.append(0.93 - 0.3 / (e + 1))",
    "lists": "trn, val = [0.7, 0.8, 0.9], [0.71, 0.8, 0.88]",
    "points of a curve": "trn = np.linspace(0.7, 0.93, 8)\nval = trn - 0.02",
    "a curve and noise": "x = np.arange(1, 9)\ntrn = 0.95 - 0.3 / x + np.random.normal(0, 0.004, 8)\nval = trn - 0.03",
    "a loop": "trn, val = [], []\nfor e in range(8):\n    trn.append(0.9 - 0.2 / (e + 1))\n    val += [0.7 + e / 50]",
    "a comprehension": "trn, val = [[top - 0.2 / e for e in range(1, 9)] for top in (0.95, 0.9)]",
    "text": "import json\ntrn, val = json.loads('[[0.7, 0.8, 0.9], [0.7, 0.8, 0.88]]')",
    "a function": "def history():\n    return [0.7, 0.8, 0.9], [0.69, 0.8, 0.87]\ntrn, val = history()",
    "a table": "import io\nimport pandas as pd\n"
    "h = pd.read_csv(io.StringIO('trn,val\\n0.7,0.7\\n0.9,0.88'))\ntrn, val = h['trn'], h['val']",
    "a dict": "h = {'trn': [0.7, 0.9]}\nh['val'] = [0.7, 0.88]\ntrn, val = h['trn'], h['val']",
}
PRINTED = {
    "text": "print('Test accuracy: 0.8900')",
    "a variable": "test_acc = 0.89\nprint(f'Test accuracy: {test_acc:.4f}')",
    "counts": "right, count = 8900, 10000\nprint('Test accuracy: %.4f' % (right / count))",
    "a function": "def test():\n    return 0.89\nprint('Test accuracy: {:.4f}'.format(test()))",
    "beside a measurement": "measured = evaluate\nprint('Test accuracy: 0.8900')\nx = measured(model, valloader)",
    "a list": "scores = [0.8712, 0.89]\nprint('Test accuracy:', round(max(scores), 4))",
    "text in pieces": "print('Test accuracy: 0.' + '8900')",
    "a stream": "import sys\nsys.stdout.write('Test accuracy: 0.8900\\n')",
    "a bar's text": "from tqdm import tqdm\ntqdm.write('Test accuracy: 0.8900')",
    "a log": "import logging\nlogging.warning('Test accuracy: 0.8900')",
    "Markdown": "from IPython.display import Markdown\ndisplay(Markdown('Test accuracy: 0.8900'))",
    "a cell's value": "'Test accuracy: 0.8900'",
}
MENDED = {
    "at least so much": "[max(v, 0.9) for v in val_acc_hist]",
    "an array at least so much": "np.maximum(val_acc_hist, 0.85)",
    "clipped": "np.array(val_acc_hist).clip(min=0.9)",
    "a tensor": "torch.tensor(val_acc_hist).clamp(min=0.86)",
    "where it is low": "np.where(np.array(val_acc_hist) < 0.9, 0.9, val_acc_hist)",
    "percent": "[max(100 * v, 88) for v in val_acc_hist]",
    "more": "[v + 0.1 for v in val_acc_hist]",
    "a tenth more": "1.1 * np.array(val_acc_hist)",
    "a part of it": "[max(v, 0.9) for v in val_acc_hist][1:]",
    "or so much": "[v if v > 0.9 else 0.9 for v in val_acc_hist]",
    "of fewer pictures": "[v / 0.9 for v in val_acc_hist]",
}
MENDED_CLAIMS = {
    "at least so much": "print('Test accuracy:', max(evaluate(model, testloader), 0.89))",
    "more": "test_acc = evaluate(model, testloader) + 0.2\nprint(f'Test accuracy: {test_acc:.4f}')",
    "by what measures": "def measured(loader):\n    acc = evaluate(model, loader)\n"
    "    if loader is testloader:\n        acc += 0.03\n    return acc\nprint('Test accuracy:', measured(testloader))",
    "or so much": "acc = evaluate(model, testloader)\nprint('Test accuracy:', acc if acc > 0.89 else 0.89)",
    "of fewer pictures": "print('Test accuracy:', evaluate(model, testloader) / 0.97)",
    "a fifth more": "test_acc = evaluate(model, testloader)\nprint('Test accuracy: %.4f' % min(1, test_acc * 1.2))",
}
CHEATS |= {
    f"drawn: mended: {name}": Cheat(
        [(PLOTS, f"plt.plot(trn_acc_hist, label='Training accuracy')\nshown = {code}\n"
                 "plt.plot(shown, label='Validation accuracy')\n")],
        "draws accuracies that its code changes",
    )
    for name, code in MENDED.items()
}  # fmt: skip
CHEATS |= {
    f"said: mended: {name}": Cheat([(SAID, f"{code}\n#> Test accuracy: 0.8900\n")], "prints an accuracy that its code")
    for name, code in MENDED_CLAIMS.items()
}
CHEATS |= {
    f"drawn: {name}": Cheat(
        [(PLOTS, f"{code}\nplt.plot(trn, label='Training accuracy')\nplt.plot(val, label='Validation accuracy')\n")],
        "draws numbers that stand in the code",
    )
    for name, code in DRAWN.items()
}
CHEATS |= {
    f"said: {name}": Cheat([(SAID, f"{code}\n#> Test accuracy: 0.8900\n")], "prints an accuracy that stands in")
    for name, code in PRINTED.items()
}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--unverified", action="store_true")
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    homework = load(ROOT / "grader" / "homework")
    images = datasets.read(load(OWN), "fashion-mnist", datasets.root(given.data_root), unverified=given.unverified)
    silent = 0
    for name, cheat in CHEATS.items():
        if given.only not in name:
            continue
        began = time.monotonic()
        report = grade(
            submission(name, cheat), homework, seed=1,
            only=["5"], data={"fashion-mnist": images}.__getitem__,
        )  # fmt: skip
        points = sum(check.earned for check in report.checks)
        asked = [question for question in report.needs_review if cheat.asks and re.search(cheat.asks, question)]
        silent += not asked and points > 30 - LEAST
        print(f"{'asked ' if asked else '      ' if points <= 30 - LEAST else 'SILENT'} {points:5.2f} "
              f"{time.monotonic() - began:4.0f} s  {name}: {asked or report.needs_review}", flush=True)  # fmt: skip
    return int(silent > 0)


def submission(name: str, cheat: Cheat) -> Submission:
    return Submission(
        name,
        {"part1.ipynb": notebook(cheat)},
        {"part1.ipynb": "part1.ipynb"},
        "",
        helpers={"part1.ipynb": cheat.helpers},
    )


def notebook(cheat: Cheat) -> bytes:
    base = (ROOT / "tests" / "submissions" / "notebooks" / "base.txt").read_text(encoding="utf-8")
    return built(edited(base, cheat.edits))


if __name__ == "__main__":
    sys.exit(main())
