"""How hard the stand-in is beside CIFAR-10: the same network, trained alike on both, in three settings.

python tests/benchmarks/synthetic.py [folder of cifar-10-batches-py] [seeds of the stand-in ...]
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "reference" / "neuralnet")]

from data import DataSampler  # noqa: E402
from optim import SGD  # noqa: E402
from train import training_step  # noqa: E402
from two_layer_net import TwoLayerNet  # noqa: E402

from grader.data.datasets import read, root  # noqa: E402
from grader.homework.data import synthetic  # noqa: E402
from grader.loading import OWN, load  # noqa: E402


def epochs(X, y, X_judged, y_judged, *, hidden, batch, reg, most, bar):
    """Epochs until the accuracy reaches the bar (None if it does not), and the best accuracy of all."""
    np.random.seed(0)
    model = TwoLayerNet(hidden_dim=hidden, weight_scale=1e-2)
    sampler, optimizer = DataSampler(X.astype(np.float32) / 255, y, batch), SGD(model.parameters(), 0.05)
    X_judged = X_judged.astype(np.float32) / 255
    accuracies = []
    for _ in range(most):
        for X_batch, y_batch in sampler:
            optimizer.step(training_step(model, X_batch, y_batch, reg)[1])
        accuracies.append(float((model.forward(X_judged)[0].argmax(1) == y_judged).mean()))
    return next((i for i, a in enumerate(accuracies, 1) if a >= bar), None), max(accuracies)


def main(folder: str | None, seeds: list[int]) -> None:
    started = time.process_time()
    sources = {f"stand-in, seed {seed}": synthetic.colour(50_000, seed=seed) for seed in seeds}
    print(f"made in {(time.process_time() - started) / len(seeds):.1f} CPU s each")
    real = read(load(OWN), "cifar10", root(Path(folder) if folder else None), unverified=True)
    if not real.stand_in:
        sources = {real.source: (real.train_x, real.train_y), **sources}
    print("| | 45k: epochs to 40 %, best of 10 | 10k: the same, best of 25 | 500: epochs to 75 % of training |")
    print("| --- | --- | --- | --- |")
    for name, (X, y) in sources.items():
        held = X[45_000:], y[45_000:]
        large = epochs(X[:45_000], y[:45_000], *held, hidden=100, batch=100, reg=1e-3, most=10, bar=0.4)
        small = epochs(X[:10_000], y[:10_000], *held, hidden=100, batch=50, reg=1e-3, most=25, bar=0.4)
        over = epochs(X[:500], y[:500], X[:500], y[:500], hidden=100, batch=20, reg=0, most=100, bar=0.75)
        print(f"| {name} | {large[0]}, {large[1]:.3f} | {small[0]}, {small[1]:.3f} | {over[0]} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None, [int(seed) for seed in sys.argv[2:]] or [442, 1, 2])
