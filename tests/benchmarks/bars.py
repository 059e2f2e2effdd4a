"""How often right and wrong training meets the bars of 4.2 and 4.3: both error rates, with 95 % bounds.

    python tests/benchmarks/bars.py [--data-root FOLDER] [--unverified] [--seeds 3] [--speed 1.0] [--only WORD]

Right: the reference, and settings that are modest but right. Wrong: trainings with one mistake each. Each is graded as
a submission is. `--speed 0.25` gives the budgets of a machine of a quarter of the speed. Exits with 1 where right work
falls short. A rate of 1 in 1,000 needs 3,000 runs without a miss; what fewer runs show is printed as a bound.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from grader.check import OWN, load  # noqa: E402
from grader.data import datasets  # noqa: E402
from grader.grading import grade  # noqa: E402
from grader.model import Homework, Submission  # noqa: E402

NEURALNET = ROOT / "reference" / "neuralnet"
NAMES = ("layers.py", "two_layer_net.py", "train.py")
OVERFIT = {"hidden_dim": 200, "num_train": 1000, "num_epochs": 100, "learning_rate": 0.05, "batch_size": 50, "reg": 0.0}
RIGHT: dict[str, tuple[dict[str, float], dict[str, float]]] = {  # for the best model, and for the overfit model
    "reference": ({}, {}),
    "few units": ({"hidden_dim": 64}, OVERFIT | {"hidden_dim": 100}),
    "many units": ({"hidden_dim": 300}, OVERFIT | {"hidden_dim": 400, "num_epochs": 60}),
    "large batches": ({"batch_size": 256, "learning_rate": 0.1}, OVERFIT | {"batch_size": 100, "num_epochs": 150}),
    "small batches": ({"batch_size": 32, "learning_rate": 0.02}, OVERFIT | {"batch_size": 20, "learning_rate": 0.02}),
    "strong reg": ({"reg": 5e-3}, OVERFIT),
    "fewer images": ({"num_train": 15000}, OVERFIT | {"num_train": 500}),
}
STEP = "\n\n_step = training_step\n\n\ndef training_step(model, X, y, reg):\n"
CALL = "    loss, grads = _step(model, X, y, reg)\n"
WRONG = {
    "no gradient": CALL + "    return loss, {name: 0 * grad for name, grad in grads.items()}\n",
    "wrong sign": CALL + "    return loss, {name: -grad for name, grad in grads.items()}\n",
    "shuffled labels": "    return _step(model, X, np.random.permutation(y), reg)\n",
    "labels off by one": "    return _step(model, X, (y + np.random.randint(1, 10, len(y))) % 10, reg)\n",
    "one class": "    return _step(model, X, 0 * y, reg)\n",
    "shuffled images": "    return _step(model, X[np.random.permutation(len(X))], y, reg)\n",
    "no images": "    return _step(model, 0 * X, y, reg)\n",
    "gradient of the second biases alone": CALL
    + "    return loss, {n: g if g.shape == (10,) else 0 * g for n, g in grads.items()}\n",
    "gradient of the biases alone": CALL + "    return loss, {n: g * (g.ndim == 1) for n, g in grads.items()}\n",
    "sum, not mean": CALL + "    return loss, {name: len(X) * grad for name, grad in grads.items()}\n",
    "far too small": CALL + "    return loss, {name: 1e-6 * grad for name, grad in grads.items()}\n",
    "noise": CALL + "    return loss, {n: np.random.normal(size=g.shape) for n, g in grads.items()}\n",
    "reg a thousandfold": "    return _step(model, X, y, 1000 * reg + 10)\n",
    "pixels shuffled": "    return _step(model, X[:, np.random.permutation(X.shape[1])], y, reg)\n",
    "signs alone": CALL + "    return loss, {name: np.sign(grad) for name, grad in grads.items()}\n",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--unverified", action="store_true")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--only", default="", help="rows whose name holds this word")
    given = parser.parse_args()
    homework = slower(load(ROOT / "grader" / "homework"), given.speed)
    images = datasets.read(load(OWN), "cifar10", datasets.root(given.data_root), unverified=given.unverified)
    print(f"{images.source}, speed {given.speed:g}, {given.seeds} seeds")
    missed = runs = 0
    for name, (best, overfit) in RIGHT.items():
        if given.only in f"right {name}":
            found = [earned(homework, images, settings(best, overfit), seed) for seed in range(1, given.seeds + 1)]
            short = [sum(one[at] < 5 for one in found) for at in (0, 1)]
            missed, runs = missed + sum(short), runs + 2 * len(found)
            print(f"right  {name:<38} falls short: 4.2 {short[0]}, 4.3 {short[1]} of {len(found)}", flush=True)
    for name, body in WRONG.items():
        if given.only in f"wrong {name}":
            files = settings({}, {})
            files["train.py"] += STEP + body
            found = [earned(homework, images, files, seed) for seed in range(1, given.seeds + 1)]
            passed = [sum(one[at] > 0 for one in found) for at in (0, 1)]
            print(f"wrong  {name:<38} passes: 4.2 {passed[0]}, 4.3 {passed[1]} of {len(found)}", flush=True)
    if runs:
        print(
            f"right work falls short in {missed} of {runs} runs; below {bound(missed, runs):.2%} with 95 % confidence"
        )
    return int(missed > 0)


def bound(missed: int, runs: int) -> float:
    """The upper end of the one-sided 95 % interval of a rate (Clopper and Pearson), by bisection."""
    from math import comb

    low, high = missed / runs, 1.0
    for _ in range(60):
        rate = (low + high) / 2
        chance = sum(comb(runs, k) * rate**k * (1 - rate) ** (runs - k) for k in range(missed + 1))
        low, high = (rate, high) if chance > 0.05 else (low, rate)
    return high


def slower(homework: Homework, speed: float) -> Homework:
    """The homework with training budgets of a machine of this share of the speed."""

    def scaled(numbers: dict[str, float]) -> dict[str, float]:
        return {name: value * speed if name == "budget" else value for name, value in numbers.items()}

    tasks = tuple(
        replace(task, items=tuple(replace(item, settings=scaled(dict(item.settings))) for item in task.items))
        for task in homework.rubric.tasks
    )
    return replace(homework, rubric=replace(homework.rubric, tasks=tasks))


def settings(best: dict[str, float], overfit: dict[str, float]) -> dict[str, str]:
    """The reference's files with other settings for both models."""
    files = {name: (NEURALNET / name).read_text(encoding="utf-8") for name in NAMES}
    head, tail = files["train.py"].split("    else:\n        # ---- Overfit model", 1)
    for name, value in best.items():
        head = re.sub(rf"(?m)^        {name} = .*$", f"        {name} = {value}", head, count=1)
    for name, value in overfit.items():
        tail = re.sub(rf"(?m)^        {name} = .*$", f"        {name} = {value}", tail, count=1)
    files["train.py"] = f"{head}    else:\n        # ---- Overfit model{tail}"
    return files


def earned(homework: Homework, images: object, files: dict[str, str], seed: int) -> tuple[float, float]:
    """The points of 4.2 and of 4.3."""
    submission = Submission("bars", {name: text.encode() for name, text in files.items()}, {}, "")
    report = grade(submission, homework, seed=seed, only=["4.2", "4.3"], data=lambda name: images)
    best, overfit = (check.earned for check in report.checks)
    return best, overfit


if __name__ == "__main__":
    sys.exit(main())
