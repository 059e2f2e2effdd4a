"""A class as one HTML file: the distribution of points, the most frequent mistakes, and a line per student.

The page works without its script, which only sorts the table. It contains the script's digest, so no other script can
run, even if a student's name contains one.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from grader.course.statistics import BINS, Cohort, Earned, cause_key, memory, seconds
from grader.model import Row
from grader.report.html import environment
from grader.report.wording import judged, lateness, points, state, task_points, unanswered

HERE = Path(__file__).parent
SHOWN = 12  # failures that are listed


@dataclass(frozen=True, slots=True)
class Size:
    """Size of a histogram in its own units, with the space below and above its bars. The axis has `parts` + 1 marks.
    With `counts`, each bar has its number above it."""

    width: int
    height: int
    below: int
    above: int
    parts: int
    counts: bool


LARGE = Size(720, 194, 22, 48, 4, True)
SMALL = Size(240, 68, 20, 6, 1, False)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a histogram, in the units of the drawing."""

    x: float
    y: float
    width: float
    height: float
    count: int
    title: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A histogram: its bars, the positions and texts of the ticks, and the position of the median."""

    size: Size
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, str], ...]
    median: float


@dataclass(frozen=True, slots=True)
class Line:
    """A student's line in the table. `href` is "" if there is no page. Unknown values are empty and sort last."""

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


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses of the review server, where it serves the page: of a cause by its key, and of what waits by student."""

    home: str = ""
    causes: Mapping[str, str] = field(default_factory=dict)
    waiting: Mapping[str, str] = field(default_factory=dict)


def render(
    cohort: Cohort,
    *,
    pages: Collection[str] = (),
    run: str = "",
    notes: Sequence[str] = (),
    links: Links = Links(),
) -> str:
    """The whole page. `pages` are the ids of students who have a page reports/ID.html, `run` describes the run, and
    `notes` are the caveats."""
    script = (HERE / "class_page.js").read_text(encoding="utf-8")
    columns = [task for task in cohort.tasks if task.share is not None]
    told = [line(row, [task.id for task in columns], row.student.id in pages) for row in cohort.rows]
    page: str = environment(HERE).get_template("class_page.html.j2").render(
        cohort=cohort,
        class_css=(HERE / "class_page.css").read_text(encoding="utf-8"),
        columns=columns,
        lines=told,
        counts=counted(told),
        run=run,
        notes=notes,
        whole=drawing(cohort.earned, LARGE),
        by_task={task.id: drawing(task.earned, SMALL) for task in cohort.tasks},
        failures=cohort.failures[:SHOWN],
        slowest=max((one for one in told if one.seconds), key=lambda one: float(one.seconds), default=None),
        largest=max((one for one in told if one.memory), key=lambda one: int(one.memory), default=None),
        links=links,
        cause_key=cause_key,
        script=script,
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
    )  # fmt: skip
    return page


def line(row: Row, tasks: Sequence[str], has_page: bool) -> Line:
    href = f"reports/{quote(row.student.id, safe='')}.html" if has_page else ""
    if row.report is None:
        why = (row.student.problem,) if row.student.problem else ()
        return Line(row.student.id, row.student.name, href, state(row), "", ("",) * len(tasks), "", "", "", "", why)
    report = row.report
    given = {task.id: points(task_points(report, task)) for task in report.tasks
             if judged(report, task)}  # fmt: skip
    days = report.remarks.late_days
    return Line(
        row.student.id, row.student.name, href, state(row), points(report.final),
        tuple(given.get(id_, "") for id_ in tasks),
        lateness(report.remarks), "" if days is None else str(days),
        f"{seconds(report):.1f}", f"{memory(report) >> 20}", tuple(unanswered(report)),
    )  # fmt: skip


def counted(lines: Sequence[Line]) -> str:
    """The number of students in each state."""
    states = [one.state for one in lines]
    words = {
        "graded": "graded",
        "needs review": "to review",
        "not graded": "not graded",
        "not handed in": "not handed in",
    }
    return ", ".join(f"{states.count(kind)} {word}" for kind, word in words.items() if kind in states)


def drawing(earned: Earned, size: Size) -> Drawing | None:
    """The histogram of points; None if nobody has any."""
    if earned.spread is None:
        return None
    ticks = ((size.width * part / size.parts, points(earned.possible * part / size.parts))
             for part in range(size.parts + 1))  # fmt: skip
    share = earned.spread.median / earned.possible if earned.possible else 0.0
    return Drawing(size, tuple(bars(earned, size)), tuple(ticks), size.width * min(max(share, 0.0), 1.0))


def bars(earned: Earned, size: Size) -> Iterator[Bar]:
    wide, floor, most = size.width / BINS, size.height - size.below, max(earned.bins)
    for at, count in enumerate(earned.bins):
        if count:
            height = (floor - size.above) * count / most
            ends = (points(earned.possible * end / BINS) for end in (at, at + 1))
            title = f"{' to '.join(ends)} points: {count} student{'s' * (count > 1)}"
            yield Bar(at * wide + 1, floor - height, wide - 2, height, count, title)
