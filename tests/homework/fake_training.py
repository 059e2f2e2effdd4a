"""A student's process in training, as a script: what `hw` of Task 4 and of its runs asks."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from grader.homework.training import two_layer_run
from grader.homework.training.hyperparameters import NAMES, Hyperparameters
from grader.homework.training.two_layer_run import TRAIN, VALIDATION, Epoch, Outcome
from grader.model import Figure, Limits

sys.path.insert(0, str(Path(__file__).parent))
import fake

ROOT = Path(__file__).resolve().parents[2]
MODULES = fake.modules(ROOT / "reference")
HANDOUT = (ROOT / "reference" / "neuralnet" / "train.py").read_bytes()
DEFAULTS = {
    "num_train": 20000, "hidden_dim": 16, "batch_size": 128, "num_epochs": 10, "learning_rate": 1e-4, "reg": 1.0,
}  # fmt: skip
SETTINGS = DEFAULTS | {"num_train": 100, "num_epochs": 3, "learning_rate": 0.05, "reg": 1e-3, "hidden_dim": 50}
FOUND = Hyperparameters(SETTINGS, {})
LONG = Hyperparameters(SETTINGS | {"num_epochs": 60}, {})
ONE_SETTING = "def main(args):\n" + "".join(f"    {name} = {SETTINGS[name]}\n" for name in NAMES)
ONE_SETTING += "    use(num_train, hidden_dim, batch_size, num_epochs, learning_rate, reg)\n"
IMAGES = SimpleNamespace(
    name="CIFAR-10",
    source="a test's",
    stand_in=False,
    train_x=np.zeros((6000, 3072), np.uint8),
    train_y=np.random.default_rng(0).integers(10, size=6000),
)


SECRET = 7


class FakeTraining:
    """Replies as a student's process would, one epoch each: predictions that are right in a given share."""

    told: ClassVar[dict[int, Any]] = {}  # by how many they are: of validation 1000 or 5000, of training 100 or 500

    def __init__(self, script: list[Any], order: dict[str, Any], labels: dict[str, Any]) -> None:
        self.script, self.order, self.labels, self.cpu = list(script), order, labels, 0.0

    def tell(self, what: str, *args: Any, seconds: float = 0.0, **_: Any) -> Any:
        if what == "parameters":
            return self.order["network"]
        if what == "kept_step":
            return {}
        if what == "judge":
            return self.reply({VALIDATION: 0.3, TRAIN: 0.3, "cpu": 0.0, "losses": []})
        step = self.script.pop(0) if self.script else {"ended": True}
        if isinstance(step, Exception):
            raise step
        return self.reply(step)

    def reply(self, step: Any) -> Any:
        if not isinstance(step, dict):
            step = dict(zip((VALIDATION, TRAIN), (step, step) if isinstance(step, float) else step, strict=True))
        self.cpu += step.get("cpu", 1.0)
        shares = {of: step[of] for of in self.labels if of in step}
        predicted = {of: predictions(self.labels[of], share) for of, share in shares.items()}
        FakeTraining.told |= {len(found): found for found in predicted.values()}
        return {
            "losses": np.array(step.get("losses", [1.0, 0.9])),
            "predictions": predicted,
            "ended": step.get("ended", False),
            "exploded": step.get("exploded", False),
            "wrote": step.get("wrote", []),
            "moved": step.get("moved", False),
            "odd": step.get("odd", False),
            "settings": step.get("settings", self.order["settings"]),
        }

    def used(self) -> float:
        return self.cpu

    def waited(self) -> float:
        return 0.0

    def delayed(self) -> float:
        return 0.0

    def answered(self) -> float:
        return 0.0


def predictions(labels: Any, share: float) -> Any:
    """Classes of which exactly this share is right, rounded."""
    found = labels.copy()
    found[round(share * len(labels)) :] += 1
    return found


SHAPES = {"a": (3072, 2), "b": (2,), "c": (2, 10), "d": (10,)}
NETWORK = {name: np.ones(shape, np.float32) for name, shape in SHAPES.items()}


class FakeSession:
    """A session that follows scripts, one for each run."""

    parts, limits = None, Limits()
    submission = SimpleNamespace(helpers={})

    def __init__(self, scripts: tuple[Any, ...]) -> None:
        self.scripts, self.renewed = list(scripts), 0
        self.network: dict[str, Any] = NETWORK
        self.orders: list[Any] = []
        self.arrays: list[Any] = []

    def require(self, module: str) -> None:
        """Every file was handed in."""

    def drive(self, name: str, order: Any, arrays: Any, **options: Any) -> FakeTraining:
        assert name == "train_run"
        self.orders.append(order)
        self.arrays.append(arrays)
        bars = {VALIDATION: 0.4} if len(arrays["validation"]) > two_layer_run.GLANCE else {TRAIN: 0.4}
        labels = two_layer_run.split(IMAGES, order["settings"], bars, SECRET)[1]
        labels[TRAIN] = arrays["y"][: order["sample"]]
        script = [] if order["untaught"] is not None else self.scripts.pop(0)
        return FakeTraining(script, order | {"network": self.network}, labels)

    def renew(self) -> None:
        self.renewed += 1


class FakeSubject(fake.FakeSubject):
    """`hw` of an item of Task 4 whose student's process follows scripts in training, and is the reference besides."""

    def __init__(
        self,
        *scripts: Any,
        source: bytes = HANDOUT,
        full: bool = False,
        budget: float = 25.0,
        least: float = 1e9,
        modules: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        numbers = {"accuracy": 0.4, "repeat": 0.02, "budget": budget, "least": least, "tolerance": 1e-9}
        super().__init__(MODULES, MODULES, numbers)
        vars(self).update(modules)
        self.session = FakeSession(scripts)
        self.kept["secret of the images"] = SECRET
        self.images, self.full = IMAGES, full
        self.questions: list[str] = []
        self.figures: list[Figure] = []
        self.lines: list[str] = []
        self.error: str | None = None
        self.source = lambda name: source
        self.handed_out = lambda name: ONE_SETTING.replace("0.05", "0.0001").encode()
        self.review = self.questions.append
        self.draw, self.progress = self.figures.append, self.lines.append

    def data(self, name: str) -> Any:
        assert name == "cifar10"
        return self.images

    @property
    def orders(self) -> list[Any]:
        return self.session.orders

    def settings_of(self, item: str) -> dict[str, float]:
        return {"4.2": {"accuracy": 0.4}, "4.3": {"accuracy": 0.75, "fewest": 50}}[item]


BEST = {VALIDATION: 0.4}


def run(*scripts: Any, bars: Any = BEST, found: Hyperparameters = FOUND, **options: Any) -> tuple[Outcome, FakeSubject]:
    hw = FakeSubject(*scripts, **options)
    return two_layer_run.runs(hw, found, (), bars, (11, 12)), hw


def outcome(*accuracies: tuple[float, float], **changed: Any) -> Outcome:
    epochs = [Epoch(2 * k, {VALIDATION: v, TRAIN: t}) for k, (v, t) in enumerate(accuracies, 1)]
    return replace(Outcome(1, BEST, dict(SETTINGS), losses=[1.0] * 40, epochs=epochs), **changed)
