"""A class as one HTML file: how the points lie, what most got wrong, and a line per student.

It reads without script; the one script in it, which sorts the table, is known to the page by its digest, so that no
other would run whatever a student is called.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from grader.cohort import BINS, Cohort, memory, seconds
from grader.model import Row
from grader.report.html import HERE, environment
from grader.report.wording import judged, lateness, points, state, task_points, unanswered

WIDTH, HEIGHT, BELOW, ABOVE = 720, 184, 22, 38  # of the histogram, in its own units: all of it, and room for words
SHOWN = 12  # failures that are listed


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the histogram in its drawing's units."""

    x: float
    y: float
    width: float
    height: float
    count: int
    title: str


@dataclass(frozen=True, slots=True)
class Line:
    """A student's line in the table. `href` is "" without a page; what is not known is empty, and sorts last."""

    student: str
    name: str
    href: str
    state: str
    final: str
    tasks: tuple[str, ...]
    late: str
    late_days: str
    seconds: str
    memory: str
    reasons: tuple[str, ...]


def render(cohort: Cohort, *, pages: Collection[str] = ()) -> str:
    """The whole page. `pages` are the students who have one of their own beside it, as reports/ID.html."""
    script = (HERE / "sort.js").read_text(encoding="utf-8")
    columns = [task for task in cohort.tasks if task.share is not None]
    told = [line(row, [task.id for task in columns], row.student in pages) for row in cohort.rows]
    page: str = environment().get_template("cohort.html.j2").render(
        cohort=cohort,
        columns=columns,
        lines=told,
        counts=counted(told),
        bars=list(bars(cohort)),
        median=place(cohort.spread.median, cohort.possible) if cohort.spread else 0.0,
        ticks=[(WIDTH * part / 4, points(cohort.possible * part / 4)) for part in range(5)],
        width=WIDTH,
        height=HEIGHT,
        floor=HEIGHT - BELOW,
        failures=cohort.failures[:SHOWN],
        slowest=max((one for one in told if one.seconds), key=lambda one: float(one.seconds), default=None),
        largest=max((one for one in told if one.memory), key=lambda one: int(one.memory), default=None),
        script=script,
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
    )  # fmt: skip
    return page


def line(row: Row, tasks: Sequence[str], has_page: bool) -> Line:
    href = f"reports/{quote(row.student, safe='')}.html" if has_page else ""
    if row.report is None:
        why = (row.problem,) if row.problem else ()
        return Line(row.student, row.name, href, state(row), "", ("",) * len(tasks), "", "", "", "", why)
    report = row.report
    given = {task.id: points(task_points(report, task)) for task in report.tasks
             if judged(report, task)}  # fmt: skip
    days = report.remarks.late_days
    return Line(
        row.student, row.name, href, state(row), points(report.final), tuple(given.get(id_, "") for id_ in tasks),
        lateness(report.remarks), "" if days is None else str(days),
        f"{seconds(report):.1f}", f"{memory(report) >> 20}", tuple(unanswered(report)),
    )  # fmt: skip


def counted(lines: Sequence[Line]) -> str:
    """How many stand where, the usual first."""
    states = [one.state for one in lines]
    words = {
        "graded": "graded",
        "needs review": "to review",
        "not graded": "not graded",
        "not handed in": "not handed in",
    }
    return ", ".join(f"{states.count(kind)} {word}" for kind, word in words.items() if kind in states)


def place(value: float, most: float) -> float:
    return WIDTH * min(max(value / most, 0.0), 1.0) if most else 0.0


def bars(cohort: Cohort) -> Iterator[Bar]:
    wide, most = WIDTH / BINS, max(cohort.bins)
    for at, count in enumerate(cohort.bins):
        if count:
            height = (HEIGHT - BELOW - ABOVE) * count / most
            ends = (points(cohort.possible * end / BINS) for end in (at, at + 1))
            title = f"{' to '.join(ends)} points: {count} student{'s' * (count > 1)}"
            yield Bar(at * wide + 1, HEIGHT - BELOW - height, wide - 2, height, count, title)
