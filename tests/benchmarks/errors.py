"""How far right work stays below its bars: every check of Section 1 on the reference, seed after seed.

    python tests/benchmarks/errors.py [SEEDS]

Prints how often a right answer was rejected, and for each stated tolerance a histogram of measured errors over it, by
powers of ten. Exits with 1 where anything was rejected, or came within a tenth of its bar.
"""

from __future__ import annotations

import math
import os
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "homework")]

from grader.sandbox.launch import ONE_THREAD  # noqa: E402

os.environ.update(ONE_THREAD)

import fake  # noqa: E402
import numpy as np  # noqa: E402

from grader.errors import StudentError  # noqa: E402
from grader.loading import load  # noqa: E402

EXACT = -99  # the power that stands for an error of 0
WIDTH = 50  # characters of the longest bar

Found = tuple[Counter[tuple[float, int]], list[str]]


def measured(seeds: range) -> Found:
    """(bar, power of ten of error / bar) -> how many measures; and what was rejected."""
    homework = load(ROOT / "grader" / "homework")
    student, trusted = fake.modules(ROOT / "reference"), fake.modules(ROOT / "reference")
    items = [item for task in homework.rubric.tasks for item in task.items if "tolerance" in item.settings]
    plans = [(item, plan) for item in items for plan in item.checks]
    powers: Counter[tuple[float, int]] = Counter()
    rejected = []
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        for seed in seeds:
            for item, plan in plans:
                hw = fake.FakeSubject(student, trusted, dict(item.settings))
                try:
                    homework.checks[plan.name].function(hw, np.random.default_rng([seed, *plan.name.encode()]))
                except StudentError as error:
                    rejected.append(f"seed {seed}, {plan.name}: {error}")
                # An initialization's spread is chance, and f4's bar is its own: neither is a stated tolerance.
                stated = [m for m in hw.measures if m.bound in item.settings.values()]
                powers.update((m.bound, power(m.value / m.bound)) for m in stated)
        os.chdir(ROOT)
    return powers, rejected


def power(ratio: float) -> int:
    return math.floor(math.log10(ratio)) if ratio > 0 else EXACT


def main(seeds: int) -> int:
    powers: Counter[tuple[float, int]] = Counter()
    rejected: list[str] = []
    parts = [range(start, min(start + 250, seeds)) for start in range(0, seeds, 250)]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as executor:
        for found, wrong in executor.map(measured, parts):
            powers.update(found)
            rejected += wrong
    print(f"{seeds} seeds, {sum(powers.values())} measures, {len(rejected)} right answers rejected")
    for line in rejected[:10]:
        print(line)
    for bar in sorted({bar for bar, _ in powers}, reverse=True):
        own = {at: count for (of, at), count in powers.items() if of == bar}
        print(f"\nmeasured error over the bar of {bar:.0e}")
        for at in sorted(own):
            name = "exactly 0" if at == EXACT else f"1e{at:+03} to 1e{at + 1:+03}"
            print(f"{name:>16}  {own[at]:8}  {'#' * math.ceil(WIDTH * own[at] / max(own.values()))}")
    return int(bool(rejected) or any(at >= -1 for _, at in powers))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
