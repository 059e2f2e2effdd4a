"""Statistics of a class: points and mistakes, as numbers without sentences."""

from __future__ import annotations

import hashlib
import math
import re
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from grader.model import CheckResult, ItemResult, Report, Row, TaskResult, Verdict

BINS = 20
UNJUDGED = (Verdict.SKIPPED, Verdict.INTERNAL)
NOT_FAILED = (Verdict.PASS, Verdict.NOT_IMPLEMENTED)

# A separate number, with sign, fraction and exponent; not the 1 in `grad_b1`.
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+(?:\.\d+)?(?:e[-+]?\d+)?|nan|inf)(?![\w]|\.\d)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Spread:
    """Minimum, quartiles, maximum, mean and sum of a sample. Quartiles are linearly interpolated (inclusive method)."""

    least: float
    lower: float
    median: float
    upper: float
    most: float
    mean: float
    total: float


@dataclass(frozen=True, slots=True)
class Earned:
    """The distribution of a class's points.

    `possible` points could be earned. `bins` counts students in BINS equal parts of them; each part excludes its upper
    end, except the last. `spread` is None if nobody has points.
    """

    possible: float
    bins: tuple[int, ...]
    spread: Spread | None


@dataclass(frozen=True, slots=True)
class Cause:
    """A sentence and the number of students who got it, ignoring numbers in it. `forms` counts the different wordings;
    `sentence` is the most common one. `students` are their ids."""

    sentence: str
    count: int
    forms: int
    students: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckNumbers:
    """One check, over all students for whom it was judged. `share` is the fraction of its points that they earned.

    `failed` excludes students with work `not_done`. `causes` are the sentences of those who failed, the most common
    first.
    """

    item: str
    name: str
    title: str
    points: float
    judged: int
    passed: int
    failed: int
    not_done: int
    share: float
    causes: tuple[Cause, ...]
    seconds: Spread


@dataclass(frozen=True, slots=True)
class TaskNumbers:
    """One task and its checks. `share` is the fraction of its points that the class earned; None if nothing was judged.

    `earned` covers the students for whom something in it was judged, before the late penalty.
    """

    id: str
    title: str
    points: float
    share: float | None
    earned: Earned
    checks: tuple[CheckNumbers, ...]


@dataclass(frozen=True, slots=True)
class Cohort:
    """A class. `earned` includes the late penalty. `seconds` is the total time of a submission's checks, and `memory`
    the largest of any check, in bytes; both are None if nobody has a report."""

    title: str
    rows: tuple[Row, ...]
    earned: Earned
    tasks: tuple[TaskNumbers, ...]
    seconds: Spread | None
    memory: Spread | None

    @property
    def failures(self) -> list[CheckNumbers]:
        """The checks that somebody failed, the most often failed first."""
        failed = (check for task in self.tasks for check in task.checks if check.failed)
        return sorted(failed, key=lambda check: -check.failed)


def survey(rows: Sequence[Row], title: str) -> Cohort:
    given = [(row.student.id, row.report) for row in rows if row.report]
    reports = [report for _, report in given]
    return Cohort(
        title=title,
        rows=tuple(rows),
        earned=earned([report.final for report in reports], possible(rows)),
        tasks=tuple(tasks(given)),
        seconds=spread([seconds(report) for report in reports]),
        memory=spread([memory(report) for report in reports]),
    )


def seconds(report: Report) -> float:
    return math.fsum(check.seconds for check in report.checks)


def memory(report: Report) -> int:
    return max((check.memory for check in report.checks), default=0)


def possible(rows: Iterable[Row]) -> float:
    """Points that could be earned: the sum over all items that were judged for someone."""
    reports = (row.report for row in rows if row.report)
    return math.fsum({item.id: item.max_score for one in reports for item in one.items if one.judged(item)}.values())


def earned(values: Sequence[float], most: float) -> Earned:
    return Earned(most, tuple(histogram(values, most)), spread(values))


def histogram(values: Iterable[float], most: float) -> list[int]:
    """The number of values in each of BINS equal parts of 0 to `most`. Values outside count in the nearest part."""
    count = Counter(min(max(int(BINS * value / most), 0), BINS - 1) if most else 0 for value in values)
    return [count[at] for at in range(BINS)]


def spread(values: Sequence[float]) -> Spread | None:
    if not values:
        return None
    lower, median, upper = statistics.quantiles(values, method="inclusive") if len(values) > 1 else [*values] * 3
    return Spread(min(values), lower, median, upper, max(values), statistics.fmean(values), math.fsum(values))


def tasks(given: Sequence[tuple[str, Report]]) -> Iterator[TaskNumbers]:
    """The tasks of all reports, in the order of the reports. `given` are pairs of a student's id and report."""
    found: dict[str, list[tuple[str, Report, TaskResult]]] = {}
    for student, report in given:
        for task in report.tasks:
            found.setdefault(task.id, []).append((student, report, task))
    for id_, cases in found.items():
        judged = [(report, [item for item in task.items if report.judged(item)]) for _, report, task in cases]
        values = [math.fsum(map(report.points_of, items)) for report, items in judged if items]
        worth = math.fsum(item.max_score for _, items in judged for item in items)
        most = math.fsum({item.id: item.max_score for _, items in judged for item in items}.values())
        task = cases[0][2]
        numbers = tuple(checks([(student, one) for student, _, one in cases]))
        share = math.fsum(values) / worth if worth else None
        yield TaskNumbers(id_, task.title, task.max_score, share, earned(values, most), numbers)


def checks(cases: Sequence[tuple[str, TaskResult]]) -> Iterator[CheckNumbers]:
    found: dict[str, list[tuple[ItemResult, str, CheckResult]]] = {}
    for student, task in cases:
        for item in task.items:
            for check in item.checks:
                found.setdefault(check.name, []).append((item, student, check))
    for pairs in found.values():
        item = pairs[0][0]
        judged = [(student, check) for _, student, check in pairs if check.verdict not in UNJUDGED]
        if judged:
            yield numbers(item, judged)


def numbers(item: ItemResult, given: Sequence[tuple[str, CheckResult]]) -> CheckNumbers:
    """The numbers of one check, from all judged results. They are the grader's own; adjustments are ignored."""
    judged = [check for _, check in given]
    failed = [(student, check) for student, check in given if check.verdict not in NOT_FAILED]
    worth = math.fsum(check.points for check in judged)
    not_done = sum(check.verdict is Verdict.NOT_IMPLEMENTED for check in judged)
    passed = len(judged) - len(failed) - not_done
    share = math.fsum(check.earned for check in judged) / worth if worth else passed / len(judged)
    spent = spread([check.seconds for check in judged])
    assert spent is not None
    first = judged[0]
    why = tuple(causes((check.message or check.verdict.value, student) for student, check in failed))
    return CheckNumbers(item.id, first.name, first.title, first.points, len(judged), passed, len(failed), not_done,
                        share, why, spent)  # fmt: skip


def causes(told: Iterable[tuple[str, str]]) -> Iterator[Cause]:
    """The causes in pairs of a sentence and a student's id. Sentences that differ only in numbers are one cause."""
    found: dict[str, Counter[str]] = {}
    students: dict[str, list[str]] = {}
    for sentence, student in told:
        key = alike(sentence)
        found.setdefault(key, Counter())[sentence] += 1
        students.setdefault(key, []).append(student)
    for key, forms in sorted(found.items(), key=lambda one: -one[1].total()):
        yield Cause(forms.most_common(1)[0][0], forms.total(), len(forms), tuple(students[key]))


def alike(sentence: str) -> str:
    """What sentences have in common that differ only in numbers."""
    return NUMBER.sub("#", sentence)


def cause_key(check: str, sentence: str) -> str:
    """A short name for a cause: the check, and what its sentence says, numbers aside."""
    return hashlib.sha256(f"{check}\n{alike(sentence)}".encode("utf-8", "backslashreplace")).hexdigest()[:12]
