"""Rates of wrong verdicts on training, with 95 % bounds, out of the runs that were measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, sqrt
from statistics import NormalDist, fmean
from typing import Any

SURE = 0.95
LEAST_FREEDOM = 2  # deviations from which on a spread says something
TAIL = 1e-4  # a lower rate is not believed of a normal distribution: accuracies end at 1, and few were measured
TOO_FEW, LEAST = 0.5, 0.001  # a bound from which on nothing is known; and the lowest that is shown, in percent


@dataclass(frozen=True)
class Cell:
    """The runs of one training on one set of data.

    `margins` are how far each ended on the right side of its bar: above it where it is right, below where it is wrong.
    `spread` is the standard deviation within trainings of this kind and item, which `freedom` deviations measured, or
    the training's own if that is larger and not of few runs. `used` is the share of a slow machine's budget that each
    run needs to its bar.
    `elsewhere` are the items below that rejected each run.
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
    elsewhere: tuple[str, ...]

    @property
    def runs(self) -> int:
        return len(self.margins)

    def once(self) -> float:
        """The upper end of the one-sided 95 % interval of the rate at which a single run ends on the wrong side: by
        counting, or, where none did, by the distribution of the margins, if that is lower."""
        counted = bound(self.missed, self.runs)
        if self.missed or self.freedom < LEAST_FREEDOM or not self.spread:
            return counted
        return min(counted, max(TAIL, beyond(fmean(self.margins), self.spread, self.runs, self.freedom)))

    def twice(self) -> float:
        """The same where a run that falls short is done again with another seed and the better one counts: right work
        falls short in both, wrong work passes in either. Two seeds of the same training are independent."""
        return min(1.0, 2 * self.once()) if self.kind == "wrong" else self.once() ** 2


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
    (NIST/SEMATECH e-Handbook, 7.2.6.3). It is cautious where few deviations measured the spread."""
    ratio = mean / spread
    least = ratio - NormalDist().inv_cdf(SURE) * sqrt(1 / runs + ratio**2 / (2 * freedom))
    return NormalDist().cdf(-least)


def table(cells: Sequence[Cell]) -> str:
    """A line for each cell."""
    lines = [
        f"{'':<6}{'data':<14}{'kind':<8}{'training':<44}{'runs':>5}{'wrong':>6}{'asked':>6}{'least':>8}{'mean':>8}"
        f"{'spread':>8}{'once':>9}{'twice':>9}{'used':>6}"
    ]
    lines += [
        f"{cell.item:<6}{cell.data:<14}{cell.kind:<8}{cell.name:<44}{cell.runs:>5}{cell.missed:>6}{cell.asked:>6}"
        f"{min(cell.margins):>8.3f}{fmean(cell.margins):>8.3f}{cell.spread:>8.4f}{cell.once():>9.2g}"
        f"{cell.twice():>9.2g}{max(cell.used, default=0):>6.2f}  {cell.elsewhere if cell.missed else ''}"
        for cell in cells
    ]
    return "\n".join(lines)


def summary(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """Of each item, data and kind: what is published. Wrong trainings that pass their bar are named, with the items
    that reject them all the same."""
    found = []
    for item, data, kind in dict.fromkeys((cell.item, cell.data, cell.kind) for cell in cells):
        some = [cell for cell in cells if (cell.item, cell.data, cell.kind) == (item, data, kind)]
        passing = {cell.name: cell.elsewhere for cell in some if kind == "wrong" and cell.missed}
        held = [cell for cell in some if cell.name not in passing]
        found.append({
            "item": item, "data": data, "kind": kind, "trainings": len(some), "runs": sum(cell.runs for cell in some),
            "missed": sum(cell.missed for cell in held), "least": round(min(min(cell.margins) for cell in held), 4),
            "once": rounded(max(cell.once() for cell in held)), "twice": rounded(max(cell.twice() for cell in held)),
            "used": max((max(cell.used, default=0.0) for cell in some), default=0.0), "passing": passing,
        })  # fmt: skip
    return found


def rounded(rate: float) -> float:
    """A rate to two digits, for a person."""
    return float(f"{rate:.2g}")


def published(groups: Sequence[dict[str, Any]]) -> str:
    """The table of the README, out of a summary."""
    lines = [
        "| item | data | right: trainings, runs | short of the bar | by their number | nearest | a run falls short "
        "| both fall short | wrong: trainings, runs | that pass |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    wrong = {(group["item"], group["data"]): group for group in groups if group["kind"] == "wrong"}
    stopped = {(group["item"], group["data"]): group for group in groups if group["kind"] == "stopped"}
    for right in (group for group in groups if group["kind"] == "right"):
        other, more = (kind.get((right["item"], right["data"])) for kind in (wrong, stopped))
        missed, runs = (right[name] + (more[name] if more else 0) for name in ("missed", "runs"))
        cells = [
            right["item"], right["data"], f"{right['trainings']}, {runs}", f"{missed}", below(bound(missed, runs)),
            f"{100 * right['least']:+.1f} points", below(right["once"]), below(right["twice"]),
            f"{other['trainings']}, {other['runs']}" if other else "not yet",
            (", ".join(other["passing"]) or "none") if other else "",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def below(rate: float) -> str:
    return "too few runs" if rate > TOO_FEW else f"below {max(100 * rate, LEAST):.2g} %"
