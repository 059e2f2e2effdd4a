"""How often right training falls short of the bars of 4.2, 4.3 and 5.3, and how often wrong training passes them.

    python tests/benchmarks/bars.py [--data-root FOLDER] [--unverified] [--made-up] [--item 4.2] [--only WORD]
                                    [--kind right] [--seeds 10] [--seconds N] [--record FILE] [--speed 1.0]
    python tests/benchmarks/bars.py --report [--json FILE] [--record FILE]

Each run is a line of the record, bars.jsonl, written when it ends: what is there is not done again. The report needs
nothing else. A line counts as long as the files and the data that it was measured on are the same.

Right training runs in the grader's own process for students, as in a graded submission, but without a bar to stop at:
so the record has the accuracy that it reaches in the end, and the seconds until it clears the bar. Whether a slower
machine has time for these follows from the seconds, because whether a run goes on is decided after steps. `--kind
stopped` lets right training stop at its bar, once, which takes less than half of the time: it does the seeds that were
not trained to the end. `--kind graded` grades right training as a submission is, and `--speed 0.25` does so with the
budgets of a machine of a quarter of the speed; the row "each step four times" makes this machine one. Wrong training is
always graded, on its own parts.

The bounds are in rates.py, the trainings in trainings.py. `--json tests/benchmarks/bars.json` keeps the summary that
the README shows.
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
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"  # before numpy is imported

import trainings  # noqa: E402
from rates import Cell, deviation, published, summary, table  # noqa: E402

from grader.data import datasets  # noqa: E402
from grader.grading import grade  # noqa: E402
from grader.loading import load  # noqa: E402
from grader.model import Homework, Submission  # noqa: E402
from grader.sandbox.launch import Launch, Zygotes  # noqa: E402

DATA = {"4.2": "cifar10", "4.3": "cifar10", "5.3": "fashion-mnist"}
BAR = {"4.2": "accuracy", "4.3": "accuracy", "5.3": "full"}
CURVE = {"4.2": "validation", "4.3": "training", "5.3": "test"}
SLOW = 0.25  # of the speed of this machine
ENOUGH = 8  # runs from which on a training has a spread of its own; that of fewer is too uncertain
UNREACHED, ENDLESS = 2.0, 1e5  # a bar, and a budget in seconds
USED = re.compile(r"([\d.]+) s of processor time")
RECORD = Path(__file__).with_suffix(".jsonl")
BELOW = ("3.1", "4.1")  # items that reject some wrong trainings, whatever they lead to
SHOWN = ("item", "data", "kind", "name", "seed", "accuracy", "seconds", "earned")
KINDS: dict[str, Callable[[str], dict[str, trainings.Files]]] = {
    "right": trainings.right,
    "stopped": trainings.right,
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
    parser.add_argument("--only", action="append", default=[], help="trainings whose name holds this word")
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
    print(table(cells), published(summary(cells)), sep="\n\n")
    if given.json:
        given.json.write_text(json.dumps(summary(cells), indent=1) + "\n", encoding="utf-8")
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
                if not given.only or any(word in name for word in given.only):
                    yield Row(item, "stand-in" if images.stand_in else images.title, kind, name, files), images


def measure(homework: Homework, rows: list[tuple[Row, Any]], given: argparse.Namespace) -> None:
    """Do the runs that are not in the record yet, seed after seed, and add each to it."""
    lines = lines_of(given.record)
    given.record.write_text(
        "".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8"
    )  # no cut line at its end
    began, done = time.monotonic(), set(map(key, lines))
    with Zygotes() as zygotes:
        for seed in range(1, given.seeds + 1):
            for row, images in rows:
                known = {"seed": seed, "speed": given.speed, "digest": images.digest}
                whole = row.place() | known | ({"kind": "right"} if row.kind == "stopped" else {})
                if {key(row.place() | known), key(whole)} & done or time.monotonic() - began > given.seconds:
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
    elif row.kind == "stopped":
        homework = changed(homework, {"repeat": 0.0, "budget": ENDLESS})
    elif row.kind == "wrong":
        homework = changed(homework, {"repeat": 0.0})  # each run is a single one
    below = BELOW if row.kind == "wrong" and row.item != "5.3" else ()
    submission = Submission(row.name, {name: text.encode() for name, text in row.files.items()}, {}, "")
    report = grade(
        submission, homework, seed=seed, only=[*below, row.item], data=lambda name: images, shrink=False, launch=launch
    )
    items = {item.id: item for task in report.tasks for item in task.items}
    (check,) = items[row.item].checks
    curves = next((figure.data for figure in check.figures if figure.kind == "curves"), None)
    found = {"earned": check.earned, "points": check.points, "asked": len(check.review)}
    found["elsewhere"] = [item for item in below if items[item].score < items[item].max_score]
    if curves is None or not curves["steps"]:
        if row.kind in ("right", "stopped"):  # as where the disk is full: that is no measurement
            raise SystemExit(f"{row.item} {row.name}, seed {seed}: right work did not run: {check.message}")
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


def summed(lines: list[dict[str, Any]], homework: Homework) -> Iterator[Cell]:
    """The cells of a record: of its newest data, and of the trainings as they are now."""
    digests = {(line["item"], line["data"]): line["digest"] for line in lines}
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for item in DATA:
        for kind, files_of in KINDS.items():
            for name, files in files_of(item).items():
                for data in sorted({line["data"] for line in lines if line["item"] == item}):
                    row = Row(item, data, kind, name, files)
                    place = row.place().items()
                    own = [line for line in lines if place <= line.items()]
                    own = [line for line in own if line["digest"] == digests[item, data]]
                    for speed in sorted({line["speed"] for line in own}, reverse=True):
                        title = name if speed == 1 else f"{name}, at {speed:g} of the speed"
                        groups[item, data, kind, title] = [line for line in own if line["speed"] == speed]
    margins = {place: tuple(margin(line, homework) for line in own) for place, own in groups.items()}
    for (item, data, kind, name), own in groups.items():
        found = margins[item, data, kind, name]
        alike = [some for place, some in margins.items() if place[:3] == (item, data, kind)]
        pooled, freedom = deviation(alike) if kind != "stopped" else (0.0, 0)  # those end at their bar
        spread = pooled if len(found) < ENOUGH else max(deviation([found])[0], pooled)
        budget = SLOW * settings_of(homework, item)["budget"]
        yield Cell(
            item, data, kind, name, found, sum(map(missed, own, found)), sum(line["asked"] > 0 for line in own),
            spread, freedom,
            tuple(round(line["cleared"] / budget, 3) for line in own if line["cleared"] is not None),
            tuple(item for item in BELOW if own and all(item in line.get("elsewhere", ()) for line in own)),
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


if __name__ == "__main__":
    sys.exit(main())
