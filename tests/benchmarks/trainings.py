"""Trainings that are right, and trainings that are wrong in one way, as files that a student could hand in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat

ROOT = Path(__file__).resolve().parents[2]
NEURALNET = ROOT / "reference" / "neuralnet"
NAMES = ("layers.py", "two_layer_net.py", "train.py")
SCALE = "weight_scale"
Files = dict[str, str]

# Settings that are modest, and right: none is searched for, and each reaches its bar with points to spare. Four that
# came nearer after one or two seeds were trained longer, with more units, or with another learning rate instead.
BEST = {
    "num_train": 20000, "hidden_dim": 32, "batch_size": 50, "num_epochs": 16, "learning_rate": 0.05, "reg": 1e-3,
}  # fmt: skip
OVERFIT = {
    "num_train": 200, "hidden_dim": 50, "batch_size": 20, "num_epochs": 200, "learning_rate": 0.05, "reg": 0.0,
}  # fmt: skip
RIGHT: dict[str, dict[str, dict[str, float]]] = {
    "4.2": {
        "reference": {},
        "few units": BEST | {"hidden_dim": 28, "num_train": 25000, "num_epochs": 22},
        "many units": BEST | {"hidden_dim": 64, "num_epochs": 14},
        "large batches": BEST | {"batch_size": 100, "hidden_dim": 40, "learning_rate": 0.07, "num_epochs": 30},
        "small batches": BEST | {"batch_size": 20, "learning_rate": 0.02, "num_epochs": 14},
        "fewer images": BEST | {"num_train": 12000, "hidden_dim": 40, "learning_rate": 0.04, "num_epochs": 24},
        "larger first weights": BEST | {SCALE: 0.01, "hidden_dim": 40, "num_epochs": 22},
    },
    "4.3": {
        "reference": {},
        "few units": OVERFIT | {"hidden_dim": 25},
        "many units": OVERFIT | {"hidden_dim": 128, "num_epochs": 120},
        "large batches": OVERFIT | {"batch_size": 50, "num_epochs": 300},
        "small batches": OVERFIT | {"batch_size": 10, "learning_rate": 0.02},
        "fewer images": OVERFIT | {"num_train": 100, "batch_size": 10, "learning_rate": 0.03, "num_epochs": 250},
        "larger first weights": OVERFIT | {SCALE: 0.01, "reg": 1e-3},
    },
}

STEP = "\n\n_step = training_step\n\n\ndef training_step(model, X, y, reg):\n"
CALL = "    loss, grads = _step(model, X, y, reg)\n"
FOUR_TIMES = """    for _ in range(3):
        _step(model, X, y, reg)
    return _step(model, X, y, reg)
"""

WRONG_AXIS = """    scores, cache = model.forward(X)
    shifted = np.exp(scores - scores.max(axis=0))
    p = shifted / shifted.sum(axis=0)
    chosen = np.arange(len(y)), y
    grad = p.copy()
    grad[chosen] -= 1
    grads = model.backward(grad / len(y), cache)
    return float(-np.log(p[chosen] + 1e-300).mean()), grads
"""
NO_RELU = """

def relu_forward(x):
    return x, None


def relu_backward(grad_out, cache):
    return grad_out
"""
NO_REG = CALL + (
    "    return loss, {n: g - reg * model.parameters()[n] if g.ndim == 2 else g for n, g in grads.items()}\n"
)


def only(condition: str) -> str:
    """A step that gives the gradients for which `condition` holds, and zeros for the others."""
    return CALL + f"    return loss, {{n: g if {condition} else 0 * g for n, g in grads.items()}}\n"


WRONG_STEPS = {
    "no gradient": CALL + "    return loss, {name: 0 * grad for name, grad in grads.items()}\n",
    "wrong sign": CALL + "    return loss, {name: -grad for name, grad in grads.items()}\n",
    "shuffled labels": "    return _step(model, X, np.random.permutation(y), reg)\n",
    "labels off by a drawn number": (
        "    classes = model.forward(X)[0].shape[1]\n"
        "    return _step(model, X, (y + np.random.randint(1, classes, len(y))) % classes, reg)\n"
    ),
    "one class": "    return _step(model, X, 0 * y, reg)\n",
    "shuffled images": "    return _step(model, X[np.random.permutation(len(X))], y, reg)\n",
    "no images": "    return _step(model, 0 * X, y, reg)\n",
    "pixels shuffled in each batch": "    return _step(model, X[:, np.random.permutation(X.shape[1])], y, reg)\n",
    "loss on the wrong axis": WRONG_AXIS,
    "first layer alone": only("g.shape != (10,) and g.shape[-1] != 10"),
    "second layer alone": only("g.shape[-1] == 10"),
    "biases alone": only("g.ndim == 1"),
    "second biases alone": only("g.shape == (10,)"),
    "sum, not mean": CALL + "    return loss, {name: len(X) * grad for name, grad in grads.items()}\n",
    "a thousandth of the gradient": CALL + "    return loss, {name: 1e-3 * grad for name, grad in grads.items()}\n",
    "noise": CALL + "    return loss, {n: np.random.normal(size=g.shape) for n, g in grads.items()}\n",
    "signs alone": CALL + "    return loss, {name: np.sign(grad) for name, grad in grads.items()}\n",
    "reg a thousandfold": "    return _step(model, X, y, 1000 * reg + 10)\n",
    "no reg gradient": NO_REG,
    "half of each batch": "    return _step(model, X[: len(X) // 2 or 1], y[: len(X) // 2 or 1], reg)\n",
}


def two_layers(item: str, settings: dict[str, float], step: str = "") -> Files:
    """The reference's files, with other settings for the model of an item, and another training_step."""
    files = {name: (NEURALNET / name).read_text(encoding="utf-8") for name in NAMES}
    middle = "    else:\n        # ---- Overfit model"
    parts = files["train.py"].split(middle, 1)
    at = int(item == "4.3")
    for name, value in settings.items():
        parts[at] = re.sub(rf"(?m)^        {name} = .*$", f"        {name} = {value}", parts[at], count=1)
    files["train.py"] = middle.join(parts)
    if SCALE in settings:
        given = f"TwoLayerNet(hidden_dim=hidden_dim, {SCALE}={settings[SCALE]})"
        files["train.py"] = files["train.py"].replace("TwoLayerNet(hidden_dim=hidden_dim)", given)
    if step:
        files["train.py"] += STEP + step
    return files


# The notebook of Task 5: the reference's cells, with a part replaced.
NETWORK = re.compile(r"class Network\(nn\.Module\):.*?\n(?=\n\nmodel = )", re.DOTALL)
LAYERS = """class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential({features})
        self.classifier = nn.Sequential(nn.Flatten(), {classifier})

    def forward(self, x):
        return self.classifier(self.features(x))
"""
SMALL = (
    "nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), "
    "nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)"
)
LINEAR = "nn.Linear(16 * 49, 10)"
Replaced = tuple[tuple[str, str], ...]
STEP_LINE, BACKWARD, LOSS = "optimizer.step()", "loss.backward()", "loss = criterion(scores, labels)"
ADAM = "optim.Adam(model.parameters(), lr=learning_rate, weight_decay=weight_decay)"
BATCH = "images, labels = images.to(device), labels.to(device)\n            scores"
ONE_EPOCH = ("num_epoch = 4", "num_epoch = 1")


def network(features: str = SMALL, classifier: str = LINEAR) -> tuple[str, str]:
    return "class Network", LAYERS.format(features=features, classifier=classifier)


def batch(line: str) -> tuple[str, str]:
    """A line of the loop between a batch and its scores."""
    return BATCH, f"images, labels = images.to(device), labels.to(device)\n            {line}\n            scores"


SMALLER = (network(), ONE_EPOCH)
RIGHT_NOTEBOOKS: dict[str, Replaced] = {
    "reference, one epoch of its four": (ONE_EPOCH,),
    "two small convolutions": SMALLER,
    "one convolution": (
        network("nn.Conv2d(1, 12, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3)", "nn.Linear(12 * 81, 10)"),
        ONE_EPOCH,
    ),
    "LeNet-5": (
        network(
            "nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), "
            "nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2)",
            "nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10)",
        ),
        ("num_epoch = 4", "num_epoch = 2"),
    ),
    "SGD with momentum": (
        *SMALLER,
        (ADAM, "optim.SGD(model.parameters(), lr=0.02, momentum=0.9)"),
    ),
    "large batches": (*SMALLER[:1], ("batch_size = 64", "batch_size = 256"), ("num_epoch = 4", "num_epoch = 2"),
                      ("learning_rate = 2e-3", "learning_rate = 6e-3")),
    "fewer pictures": (
        *SMALLER[:1],
        ("FASHION_train = Subset(FASHION_trainval, range(50000))",
         "FASHION_train = Subset(FASHION_trainval, range(15000))"),
    ),
}  # fmt: skip
WRONG_NOTEBOOKS: dict[str, Replaced] = {
    "no step": ((STEP_LINE, "pass"),),
    "no backward": ((BACKWARD, "pass"),),
    "wrong sign": ((BACKWARD, "(-loss).backward()"),),
    "gradients set to zero before the step": ((BACKWARD, f"{BACKWARD}\n            optimizer.zero_grad()"),),
    "shuffled labels": (batch("labels = labels[torch.randperm(len(labels))]"),),
    "labels off by a drawn number": (batch("labels = (labels + torch.randint(1, 10, labels.shape)) % 10"),),
    "one class": (batch("labels = 0 * labels"),),
    "shuffled images": (batch("images = images[torch.randperm(len(images))]"),),
    "no images": (batch("images = 0 * images"),),
    "pixels shuffled in each batch": (
        batch("images = images.flatten(1)[:, torch.randperm(784)].reshape(images.shape)"),
    ),
    "loss on the wrong axis": (
        (LOSS, "loss = nn.functional.nll_loss(torch.log_softmax(scores, dim=0), labels)"),
    ),
    "optimizer of another network": ((ADAM, ADAM.replace("model.parameters", "Network().parameters")),),
    "last biases alone": ((ADAM, ADAM.replace("model.parameters()", "[model.classifier[-1].bias]")),),
    "learning rate of 3": (("learning_rate = 2e-3", "learning_rate = 3.0"),),
    "learning rate of 1e-7": (("learning_rate = 2e-3", "learning_rate = 1e-7"),),
    "weights drawn anew after each step": (
        (STEP_LINE, f"{STEP_LINE}\n            [part.reset_parameters() for part in model.modules() "
                    "if hasattr(part, 'reset_parameters')]"),
    ),
    "weight decay of 10": (("weight_decay = 1e-4", "weight_decay = 10.0"),),
    "convolutions frozen": ((ADAM, ADAM.replace("model.parameters", "model.classifier.parameters")),),
    "half of each batch": (batch("images, labels = images[: len(images) // 2 or 1], labels[: len(labels) // 2 or 1]"),),
    "gradients never set to zero": (("            optimizer.zero_grad()\n", ""),),
}  # fmt: skip


def notebook(replaced: Replaced) -> Files:
    """The reference's notebook, with parts of its cells replaced. A part that no cell has is an error."""
    made: Any = nbformat.read(ROOT / "reference" / "part1.ipynb", as_version=4)
    for old, new in replaced:
        done = 0
        for cell in made.cells:
            changed = (
                NETWORK.sub(lambda _, new=new: new, cell.source)
                if old == "class Network"
                else cell.source.replace(old, new)
            )
            done += changed != cell.source
            cell.source = changed
        if not done:
            raise ValueError(f"no cell holds {old!r}")
    return {"part1.ipynb": nbformat.writes(made)}


def right(item: str) -> dict[str, Files]:
    if item == "5.3":
        return {name: notebook(replaced) for name, replaced in RIGHT_NOTEBOOKS.items()}
    return {name: two_layers(item, settings) for name, settings in RIGHT[item].items()}


def wrong(item: str) -> dict[str, Files]:
    if item == "5.3":
        return {name: notebook((*SMALLER, *replaced)) for name, replaced in WRONG_NOTEBOOKS.items()}
    if item == "4.3":  # where a network without a ReLU is no worse
        return {name: two_layers(item, OVERFIT, step) for name, step in WRONG_STEPS.items()}
    linear = two_layers(item, BEST)
    linear["two_layer_net.py"] += NO_RELU
    return {name: two_layers(item, BEST, step) for name, step in WRONG_STEPS.items()} | {"no ReLU": linear}


def graded(item: str) -> dict[str, Files]:
    """The right ones, and the reference with four times the work in each step."""
    if item == "5.3":
        return right(item)
    return right(item) | {"each step four times": two_layers(item, {}, FOUR_TIMES)}
