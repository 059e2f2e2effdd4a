"""Whether the reference clears both bars of Task 4 whatever the seed: one row for each.

    python tests/benchmarks/seeds.py [--data-root FOLDER] [--unverified] [--seeds 10]

Graded as a submission is: early stop, the second run of a near miss, and all. Exits with 1 where a seed misses a bar.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from grader.data import datasets  # noqa: E402
from grader.grading import grade  # noqa: E402
from grader.intake.submission import read, stubs  # noqa: E402
from grader.loading import OWN, load  # noqa: E402
from grader.model import CheckResult, Verdict  # noqa: E402

CHECKS = {"best_model": "validation", "overfit_model": "training"}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--unverified", action="store_true")
    parser.add_argument("--seeds", type=int, default=10)
    given = parser.parse_args()
    images = datasets.read(load(OWN), "cifar10", datasets.root(given.data_root), unverified=given.unverified)
    homework = load(ROOT / "grader" / "homework")
    wanted = [name for section in homework.rubric.sections for name in section.submit]
    submission = read(ROOT / "reference", wanted, stubs(homework.handout, wanted))
    print(f"{images.source}, {images.digest}")
    print(f"{'seed':>4}   {'best model: validation':<36}   overfit model: training")
    missed = 0
    for seed in range(1, given.seeds + 1):
        report = grade(submission, homework, seed=seed, only=["4.2", "4.3"], data=lambda name: images)
        print(f"{seed:>4}   {'   '.join(f'{row(check):<36}' for check in report.checks)}".rstrip(), flush=True)
        missed += any(check.verdict is not Verdict.PASS for check in report.checks)
    print(f"{given.seeds - missed} of {given.seeds} seeds clear both bars")
    return int(missed > 0)


def row(check: CheckResult) -> str:
    """Accuracy, epoch and seconds of the run that counts, and whether there was a second one."""
    accuracy, drawn = check.measures[0].value, check.figures[0].data
    again = "  second run" if check.advice else ""
    return (
        f"{check.verdict:<4} {accuracy:6.1%}  epoch {len(drawn[CHECKS[check.name]]):>3}  {check.seconds:4.1f} s{again}"
    )


if __name__ == "__main__":
    sys.exit(main())
