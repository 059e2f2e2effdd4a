"""How often right training falls short of the bars of 4.2, 4.3 and 5.3, and how often wrong training passes them.

    python tests/benchmarks/bars.py [--data-root FOLDER] [--unverified] [--made-up] [--item 4.2] [--only WORD]
                                    [--kind right] [--seeds 10] [--seconds N] [--record FILE] [--speed 1.0]
    python tests/benchmarks/bars.py --report [--json FILE] [--record FILE]

Each run is a line of the record, written when it ends: what is there is not done again, and the report needs nothing
else. A line counts as long as the files and the data that it was measured on are the same.

Right training runs in the grader's own process for students, as in a graded submission, but without a bar to stop at:
so the record has the accuracy that it reaches in the end, and the seconds until it clears the bar. Whether a slower
machine has time for these follows from the seconds, because whether a run goes on is decided after steps. `--kind
graded` grades right training as a submission is, and `--speed 0.25` does so with the budgets of a machine of a quarter
of the speed; the row "each step four times" makes this machine one. Wrong training is always graded, on its own parts.

The bounds: see `Cell`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import comb, sqrt
from pathlib import Path
from statistics import NormalDist, fmean
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"  # before numpy is imported

import trainings  # noqa: E402

from grader.check import load  # noqa: E402
from grader.data import datasets  # noqa: E402
from grader.grading import grade  # noqa: E402
from grader.model import Homework, Submission  # noqa: E402
from grader.sandbox.launch import Launch, Zygotes  # noqa: E402

DATA = {"4.2": "cifar10", "4.3": "cifar10", "5.3": "fashion-mnist"}
BAR = {"4.2": "accuracy", "4.3": "accuracy", "5.3": "full"}
CURVE = {"4.2": "validation", "4.3": "training", "5.3": "test"}
SLOW = 0.25  # of the speed of this machine
SURE = 0.95
UNREACHED, ENDLESS = 2.0, 1e5  # a bar, and a budget in seconds
USED = re.compile(r"([\d.]+) s of processor time")
RECORD = Path("bars.jsonl")
BELOW = ("3.1", "4.1")  # items that reject some wrong trainings, whatever they lead to
SHOWN = ("item", "data", "kind", "name", "seed", "accuracy", "seconds", "earned")
KINDS: dict[str, Callable[[str], dict[str, trainings.Files]]] = {
    "right": trainings.right,
    "wrong": trainings.wrong,
    "graded": trainings.graded,
}


@dataclass(frozen=True)
class Row:
    """One training: its files, and whether it is right, wrong, or right and to be graded as a submission is."""

    item: str
    data: str
    kind: str
    name: str
    files: trainings.Files

    @property
    def version(self) -> str:
        return hashlib.sha256(json.dumps(self.files, sort_keys=True).encode()).hexdigest()[:12]

    def place(self) -> dict[str, str]:
        """What tells its lines in the record from others."""
        return {name: getattr(self, name) for name in ("item", "data", "kind", "name", "version")}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--unverified", action="store_true")
    parser.add_argument("--made-up", action="store_true", help="on stand-in data, also where the real ones are")
    parser.add_argument("--item", action="append", choices=DATA, default=[])
    parser.add_argument("--kind", action="append", choices=KINDS, default=[])
    parser.add_argument("--only", default="", help="rows whose kind and name hold this word")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no run after so many")
    parser.add_argument("--record", type=Path, default=RECORD)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    homework = load(ROOT / "grader" / "homework")
    if not given.report:
        measure(homework, list(every(homework, given)), given)
    cells = list(summed(lines_of(given.record), homework))
    print(table(cells))
    if given.json:
        given.json.write_text(json.dumps([cell.summary() for cell in cells], indent=1) + "\n", encoding="utf-8")
    return int(any(cell.kind != "wrong" and cell.missed for cell in cells))


def every(homework: Homework, given: argparse.Namespace) -> Iterator[tuple[Row, Any]]:
    """The rows that are asked for, each with its images."""
    for item in given.item or DATA:
        if given.made_up:
            plan = homework.rubric.data[DATA[item]]
            images = datasets.made_up(plan, homework.readers[plan.stand_in]())
        else:
            images = datasets.read(homework, DATA[item], datasets.root(given.data_root), unverified=given.unverified)
            if images.stand_in:
                print(f"{item} is not measured: {images.title} is not on this machine")
                continue
        for kind in given.kind or ["right", "wrong"]:
            for name, files in KINDS[kind](item).items():
                if given.only in f"{kind} {name}":
                    yield Row(item, "stand-in" if images.stand_in else images.title, kind, name, files), images


def measure(homework: Homework, rows: list[tuple[Row, Any]], given: argparse.Namespace) -> None:
    """Do the runs that are not in the record yet, seed after seed, and add each to it."""
    began, done = time.monotonic(), {key(line) for line in lines_of(given.record)}
    with Zygotes() as zygotes:
        for seed in range(1, given.seeds + 1):
            for row, images in rows:
                known = {"seed": seed, "speed": given.speed, "digest": images.digest}
                if key(row.place() | known) in done or time.monotonic() - began > given.seconds:
                    continue
                line = row.place() | known | run(slower(homework, given.speed), row, images, seed, zygotes.launch)
                with given.record.open("a", encoding="utf-8") as record:
                    record.write(json.dumps(line) + "\n")
                print(*(line[name] for name in SHOWN), flush=True)


def key(line: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(line[name] for name in ("item", "data", "digest", "kind", "name", "version", "seed", "speed"))


def lines_of(record: Path) -> list[dict[str, Any]]:
    """The lines of a record; the last one may be cut, where the run was."""
    whole = record.read_text(encoding="utf-8").split("\n")[:-1] if record.exists() else []
    return [json.loads(line) for line in whole]


def run(homework: Homework, row: Row, images: Any, seed: int, launch: Launch) -> dict[str, Any]:
    """One grading of the row's item: the accuracy, the CPU seconds in all and up to the bar, and the points; and which
    items below reject wrong work."""
    bar = settings_of(homework, row.item)[BAR[row.item]]
    if row.kind == "right":
        homework = changed(homework, {BAR[row.item]: UNREACHED, "budget": ENDLESS})
    elif row.kind == "wrong":
        homework = changed(homework, {})
    below = BELOW if row.kind == "wrong" and row.item != "5.3" else ()
    submission = Submission(row.name, {name: text.encode() for name, text in row.files.items()}, {}, "")
    report = grade(
        submission, homework, seed=seed, only=[*below, row.item], data=lambda name: images, shrink=False, launch=launch
    )
    items = {item.id: item for task in report.tasks for item in task.items}
    (check,) = items[row.item].checks
    curves = next((figure.data for figure in check.figures if figure.kind == "curves"), None)
    found = {"earned": check.earned, "points": check.points, "asked": len(check.review), "said": check.message[:200]}
    found["elsewhere"] = [item for item in below if items[item].score < items[item].max_score]
    if curves is None or not curves["steps"]:
        return found | {"accuracy": 0.0, "seconds": 0.0, "cleared": None}
    reached, used = curves[CURVE[row.item]], USED.search(curves["caption"])
    assert used is not None
    seconds = float(used[1])
    at = next((at for at, accuracy in enumerate(reached) if accuracy >= bar), None)
    accuracy = check.measures[0].value if check.measures else max(reached, default=0.0)
    cleared = seconds if accuracy >= bar else None
    if at is not None:
        cleared = round(seconds * curves["epochs"][at] / curves["steps"][-1], 2)
    return found | {"accuracy": accuracy, "seconds": seconds, "cleared": cleared}


def changed(homework: Homework, numbers: dict[str, float]) -> Homework:
    """The homework with other numbers, where an item has them, and each item judged by its own parts alone."""
    tasks = tuple(
        replace(
            task,
            items=tuple(
                replace(
                    item,
                    built_on=(),
                    settings={name: numbers.get(name, value) for name, value in item.settings.items()},
                )
                for item in task.items
            ),
        )
        for task in homework.rubric.tasks
    )
    return replace(homework, rubric=replace(homework.rubric, tasks=tasks))


def slower(homework: Homework, speed: float) -> Homework:
    """The homework with budgets and limits of a machine of this share of the speed."""
    tasks = tuple(
        replace(
            task,
            items=tuple(
                replace(
                    item,
                    settings={
                        name: value * (speed if name == "budget" else 1) for name, value in item.settings.items()
                    },
                )
                for item in task.items
            ),
        )
        for task in homework.rubric.tasks
    )
    limits = homework.rubric.limits
    scaled = {name: getattr(limits, name) * speed for name in ("call_cpu", "call_wall", "check_wall", "submission_cpu")}
    return replace(homework, rubric=replace(homework.rubric, tasks=tasks, limits=replace(limits, **scaled)))


def settings_of(homework: Homework, item: str) -> dict[str, Any]:
    return next(dict(one.settings) for task in homework.rubric.tasks for one in task.items if one.id == item)


@dataclass(frozen=True)
class Cell:
    """The runs of one training on one set of data.

    `margins` are how far each ended on the right side of its bar: above it where it is right, below where it is wrong.
    `spread` is the larger one of the margins' own standard deviation and that of all trainings of this kind and item,
    which `freedom` deviations measured. `used` is the share of a slow machine's budget that each run needs to its bar.
    """

    item: str
    data: str
    kind: str
    name: str
    margins: tuple[float, ...]
    missed: int
    asked: int
    spread: float
    freedom: int
    used: tuple[float, ...]

    @property
    def runs(self) -> int:
        return len(self.margins)

    def once(self) -> float:
        """The upper end of the one-sided 95 % interval of the rate at which a single run ends on the wrong side: by
        counting, or, where none did, by the distribution of the margins, if that is lower."""
        counted = bound(self.missed, self.runs)
        if self.missed or self.freedom < 3:
            return counted
        return min(counted, beyond(fmean(self.margins), self.spread, self.runs, self.freedom))

    def twice(self) -> float:
        """The same where a run that falls short is done again with another seed and the better one counts: right work
        falls short in both, wrong work passes in either. Two seeds of the same training are independent."""
        return min(1.0, 2 * self.once()) if self.kind == "wrong" else self.once() ** 2

    def summary(self) -> dict[str, Any]:
        return {
            "item": self.item, "data": self.data, "kind": self.kind, "name": self.name, "runs": self.runs,
            "missed": self.missed, "asked": self.asked, "margin": round(fmean(self.margins), 4),
            "least": round(min(self.margins), 4), "spread": round(self.spread, 4), "once": self.once(),
            "twice": self.twice(), "used": max(self.used, default=None),
        }  # fmt: skip


def summed(lines: list[dict[str, Any]], homework: Homework) -> Iterator[Cell]:
    """The cells of a record: of its newest data, and of the trainings as they are now."""
    digests = {(line["item"], line["data"]): line["digest"] for line in lines}
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for item in DATA:
        for kind, files_of in KINDS.items():
            for name, files in files_of(item).items():
                for data in sorted({line["data"] for line in lines if line["item"] == item}):
                    row = Row(item, data, kind, name, files)
                    own = [line for line in lines if row.place().items() <= line.items()]
                    own = [line for line in own if line["digest"] == digests[item, data]]
                    for speed in sorted({line["speed"] for line in own}, reverse=True):
                        title = name if speed == 1 else f"{name}, at {speed:g} of the speed"
                        groups[item, data, kind, title] = [line for line in own if line["speed"] == speed]
    margins = {place: tuple(margin(line, homework) for line in own) for place, own in groups.items()}
    for (item, data, kind, name), own in groups.items():
        found = margins[item, data, kind, name]
        alike = [some for place, some in margins.items() if place[:3] == (item, data, kind)]
        pooled, freedom = deviation(alike) if kind == "right" else (0.0, 0)
        spread = max(deviation([found])[0], pooled)
        budget = SLOW * settings_of(homework, item)["budget"]
        yield Cell(
            item, data, kind, name, found, sum(map(missed, own, found)), sum(line["asked"] > 0 for line in own),
            spread, max(freedom, len(found) - 1),
            tuple(round(line["cleared"] / budget, 3) for line in own if line["cleared"] is not None),
        )  # fmt: skip


def margin(line: dict[str, Any], homework: Homework) -> float:
    above = float(line["accuracy"]) - settings_of(homework, line["item"])[BAR[line["item"]]]
    return -above if line["kind"] == "wrong" else above


def missed(line: dict[str, Any], margin: float) -> bool:
    """Whether a run ended on the wrong side: graded ones by their points, others by the accuracy."""
    if line["kind"] == "right":
        return margin < 0
    full = line["earned"] >= line["points"]
    return full if line["kind"] == "wrong" else not full


def deviation(groups: list[tuple[float, ...]]) -> tuple[float, int]:
    """The standard deviation within groups, and how many deviations it was measured by."""
    freedom = sum(len(group) - 1 for group in groups)
    squares = sum((one - fmean(group)) ** 2 for group in groups for one in group)
    return (sqrt(squares / freedom) if freedom else 0.0), freedom


def bound(missed: int, runs: int) -> float:
    """The upper end of the one-sided 95 % interval of a rate (Clopper and Pearson), by bisection."""
    low, high = missed / runs, 1.0
    for _ in range(60):
        rate = (low + high) / 2
        chance = sum(comb(runs, k) * rate**k * (1 - rate) ** (runs - k) for k in range(missed + 1))
        low, high = (rate, high) if chance > 1 - SURE else (low, rate)
    return high


def beyond(mean: float, spread: float, runs: int, freedom: int) -> float:
    """The same for the rate at which a normal margin falls below 0: the tolerance limit in Natrella's approximation
    (NIST/SEMATECH e-Handbook, 7.2.6.3)."""
    if spread == 0:
        return 0.0 if mean > 0 else 1.0
    ratio = mean / spread
    least = ratio - NormalDist().inv_cdf(SURE) * sqrt(1 / runs + ratio**2 / (2 * freedom))
    return NormalDist().cdf(-least)


def table(cells: list[Cell]) -> str:
    """A line for each cell, and one for each item, data and kind."""
    lines = [
        f"{'':<6}{'data':<14}{'kind':<8}{'training':<44}{'runs':>5}{'wrong':>6}{'asked':>6}{'least':>8}{'mean':>8}"
        f"{'spread':>8}{'once':>10}{'twice':>10}{'used':>7}"
    ]
    for cell in cells:
        lines.append(
            f"{cell.item:<6}{cell.data:<14}{cell.kind:<8}{cell.name:<44}{cell.runs:>5}{cell.missed:>6}{cell.asked:>6}"
            f"{min(cell.margins):>8.3f}{fmean(cell.margins):>8.3f}{cell.spread:>8.4f}{cell.once():>10.2g}"
            f"{cell.twice():>10.2g}{max(cell.used, default=0):>7.2f}"
        )
    lines.append("")
    for place in dict.fromkeys((cell.item, cell.data, cell.kind) for cell in cells):
        some = [cell for cell in cells if (cell.item, cell.data, cell.kind) == place]
        lines.append(
            f"{' '.join(place)}: {sum(cell.runs for cell in some)} runs of {len(some)} trainings, "
            f"{sum(cell.missed for cell in some)} on the wrong side; bounds at most "
            f"{max(cell.once() for cell in some):.2g}, with a repeat {max(cell.twice() for cell in some):.2g}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
