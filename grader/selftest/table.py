"""What a self-test found, and how it is shown: as lines of a terminal, and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from grader.measure.diagnose import MOST_WORDS
from grader.selftest.causes import RAISED
from grader.selftest.mutants import Mutant

CONFIDENCE = 0.95
SHOWN = 60  # mutants or rejections of which a terminal shows a line


@dataclass(frozen=True, slots=True)
class Rejection:
    """A check that right work does not pass."""

    wheat: str
    seed: int
    check: str
    message: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a mutant: whether its own item rejects it, what it lost elsewhere, whether its cause is named.

    `elsewhere` maps other items to points. `cause` is "right", "not" or "wrong", or "" where nothing was said. `why` is
    the reason for which it counts as no mistake, or "". `message` is its own item's first. `seed` is the grading's.
    """

    mutant: Mutant
    rejected: bool
    elsewhere: dict[str, float] = field(default_factory=dict)
    cause: str = ""
    why: str = ""
    message: str = ""
    seed: int = 0


@dataclass
class Table:
    """All that one self-test found."""

    title: str
    items: tuple[str, ...]
    not_tried: tuple[str, ...] = ()
    uncontrolled: list[str] = field(default_factory=list)
    unmade: list[str] = field(default_factory=list)  # checks for which no wrong answer could be made
    controls: int = 0
    alone: tuple[str, ...] = ()
    wheats: int = 0
    seeds: int = 0
    right: int = 0  # gradings of right work
    rejections: list[Rejection] = field(default_factory=list)
    mutants: list[Judged] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def accepted(self) -> list[Judged]:
        return [one for one in self.mutants if not one.rejected and not one.why]

    @property
    def equivalent(self) -> list[Judged]:
        return [one for one in self.mutants if one.why]

    @property
    def wrong(self) -> list[Judged]:
        """Those that are mistakes."""
        return [one for one in self.mutants if not one.why]

    @property
    def elsewhere(self) -> float:
        """Points that mistakes lost outside their own item."""
        return sum(sum(one.elsewhere.values()) for one in self.mutants)

    @property
    def sentences(self) -> list[Judged]:
        """Those of which something is said in the grader's own words, not in Python's."""
        return [one for one in self.wrong if one.message and not RAISED.match(one.message)]

    @property
    def long(self) -> list[Judged]:
        """Those whose sentence has more than MOST_WORDS words."""
        return [one for one in self.sentences if len(one.message.split()) > MOST_WORDS]

    @property
    def rejected_runs(self) -> int:
        """Gradings of right work in which a check rejected it."""
        return len({(one.wheat, one.seed) for one in self.rejections})

    @property
    def sound(self) -> bool:
        return not (self.uncontrolled or self.rejections or self.accepted or self.stale)

    @property
    def causes(self) -> dict[str, int]:
        count = Counter(one.cause for one in self.wrong if one.cause)
        return {name: count[name] for name in ("right", "not", "wrong")}


def upper_bound(events: int, trials: int) -> float:
    """The rate that is exceeded with a probability of 5 % at most, given so many events in so many independent trials
    (Clopper and Pearson 1934, one side)."""
    if events >= trials:
        return 1.0
    low, high = events / trials, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if at_most(events, trials, middle) > 1 - CONFIDENCE else (low, middle)
    return high


def at_most(events: int, trials: int, rate: float) -> float:
    """The probability of `events` or fewer, of a binomial distribution."""
    term = total = (1 - rate) ** trials
    for k in range(events):
        term *= (trials - k) / (k + 1) * rate / (1 - rate)
        total += term
    return total


def lines(table: Table) -> Iterator[str]:
    """The table, a line at a time."""
    yield f"{table.title}: items {', '.join(table.items)}"
    yield from (f"note: {note}" for note in table.notes)
    yield from table.faults
    yield from uncontrolled(table)
    if table.uncontrolled or (table.faults and not table.right):
        return
    yield f"controls: each check rejects a wrong answer of its kind ({table.controls} wrong answers)"
    if table.right:
        bound = upper_bound(table.rejected_runs, table.right)
        yield (
            f"false rejections: {table.rejected_runs} of {table.right} ({table.wheats} right solutions, "
            f"{table.seeds} seeds each); the rate is below {bound:.2%} with 95 % confidence"
        )
    yield from few(f"  {one.wheat}, seed {one.seed}: {one.check}: {one.message}" for one in table.rejections)
    if table.mutants:
        yield from of_mutants(table)
    yield from table.stale
    yield f"time: {table.seconds:.0f} s"


def uncontrolled(table: Table) -> Iterator[str]:
    for name in table.uncontrolled:
        if name in table.unmade:
            yield f"no wrong answer can be made for {name}; add a mistake to wrong.yaml that it finds"
        else:
            found = "rejects none of the wrong answers that were built for it"
            yield f"{name} {found}; make it see one, or add a mistake to wrong.yaml"


def of_mutants(table: Table) -> Iterator[str]:
    count = len(table.accepted)
    yield (
        f"false acceptances: {count} of {len(table.wrong)} mutants keep all points of their item; "
        f"{len(table.equivalent)} more are equivalent, with a reason each"
    )
    yield from few(
        f"  {one.mutant.function.item} {one.mutant.operator}: {one.mutant.name}, seed {one.seed}"
        for one in table.accepted
    )
    yield ""
    yield from by_item_and_operator(table)
    yield ""
    yield f"points lost outside the mistake's item: {table.elsewhere:.0f}"
    for (own, other), points in elsewhere(table).items():
        yield f"  a mistake in {own} cost {points:.0f} points in {other}"
    causes = table.causes
    total = sum(causes.values()) or 1
    told = ", ".join(f"{name} {number} ({number / total:.0%})" for name, number in causes.items())
    yield f"cause named: {told}"
    yield from few(f"  {one.mutant.name}: {one.message}" for one in table.wrong if one.cause == "wrong")
    yield f"sentences of more than {MOST_WORDS} words: {len(table.long)} of {len(table.sentences)}"
    yield from few(f"  {one.mutant.name}: {one.message}" for one in table.long)


def few(found: Iterator[str]) -> Iterator[str]:
    """The first SHOWN lines, and how many more there are."""
    every = list(found)
    yield from every[:SHOWN]
    if len(every) > SHOWN:
        yield f"  ... and {len(every) - SHOWN} more; --json FILE has them all"


def by_item_and_operator(table: Table) -> Iterator[str]:
    """Accepted of made, for each item and operator."""
    made = Counter((one.mutant.function.item, one.mutant.operator) for one in table.wrong)
    kept = Counter((one.mutant.function.item, one.mutant.operator) for one in table.accepted)
    operators = list(dict.fromkeys(operator for _, operator in sorted(made)))
    items = [item for item in table.items if any(item == own for own, _ in made)]
    width = max(map(len, [*operators, "operator"]))
    yield f"{'operator':{width}}  " + "  ".join(f"{item:>8}" for item in items)
    for operator in operators:
        cells = [cell(kept[item, operator], made[item, operator]) for item in items]
        yield f"{operator:{width}}  " + "  ".join(f"{one:>8}" for one in cells)


def cell(kept: int, made: int) -> str:
    return f"{kept} of {made}" if made else ""


def elsewhere(table: Table) -> dict[tuple[str, str], float]:
    """Points lost by mistakes, by their own item and the other that lost them."""
    found: Counter[tuple[str, str]] = Counter()
    for one in table.mutants:
        for item, points in one.elsewhere.items():
            found[one.mutant.function.item, item] += points  # type: ignore[assignment]
    return {key: float(points) for key, points in sorted(found.items()) if points}


def document(table: Table) -> dict[str, Any]:
    """Everything, as JSON values."""
    return {
        "title": table.title,
        "items": list(table.items),
        "not_tried": list(table.not_tried),
        "controls": {"wrong_answers": table.controls, "checks_that_reject_none": table.uncontrolled},
        "false_rejections": {
            "count": table.rejected_runs,
            "gradings": table.right,
            "right_solutions": table.wheats,
            "seeds": table.seeds,
            "upper_bound_95": upper_bound(table.rejected_runs, table.right) if table.right else None,
            "all": [
                {"work": one.wheat, "seed": one.seed, "check": one.check, "message": one.message}
                for one in table.rejections
            ],
        },
        "false_acceptances": {
            "count": len(table.accepted),
            "mutants": len(table.wrong),
            "equivalent": len(table.equivalent),
        },
        "points_lost_elsewhere": {f"{own} in {other}": points for (own, other), points in elsewhere(table).items()},
        "causes": table.causes,
        "sentences": {"count": len(table.sentences), "of_more_than_30_words": len(table.long)},
        "mutants": [
            {
                "function": one.mutant.function.name,
                "item": one.mutant.function.item,
                "operator": one.mutant.operator,
                "change": one.mutant.change,
                "seed": one.seed,
                "rejected": one.rejected,
                "equivalent": one.why,
                "elsewhere": one.elsewhere,
                "cause": one.cause,
                "message": one.message,
            }
            for one in table.mutants
        ],
        "unused_equivalents": table.stale,
        "faults": table.faults,
        "seconds": table.seconds,
    }
