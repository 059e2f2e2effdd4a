"""A class as one HTML file: the distribution of points, what waits for a person, the most frequent mistakes by cause,
and a line per student.

The page works without its script, which only sorts the table. It contains the script's digest, so no other script can
run, even if a student's name contains one.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from grader.course.statistics import BINS, Cohort, Earned, memory, seconds
from grader.model import Row
from grader.report.html import environment
from grader.report.wording import checks, judged, lateness, points, state, task_points, unanswered

HERE = Path(__file__).parent
SHOWN = 12  # failures that are listed
CAUSES = 5  # causes of a failure that are listed
FEW = 6  # students who are named without a click


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
class Waiting:
    """A question that only a person can answer, and the lines of the students who wait for it. `check` is "" if a
    submission could not be graded at all. `href` leads to where it is answered, "" if nowhere."""

    check: str
    item: str
    question: str
    points: float
    lines: tuple[Line, ...]
    href: str


Group = Callable[[str, str], str]  # a check's name and a sentence -> the address where these students are one group


def nowhere(check: str, sentence: str) -> str:
    return ""


def render(
    cohort: Cohort,
    *,
    pages: Collection[str] = (),
    run: str = "",
    notes: Sequence[str] = (),
    suffix: str = "",
    group: Group = nowhere,
    links: Sequence[tuple[str, str]] = (),
) -> str:
    """The whole page. `pages` are the ids of students who have a page reports/ID.html, or one with the `suffix` before
    ".html". `run` describes the run, `notes` are the caveats, and `group` links to a server where a person reviews;
    `links` are further addresses there, with their texts."""
    script = (HERE / "class_page.js").read_text(encoding="utf-8")
    columns = [task for task in cohort.tasks if task.share is not None]
    told = [line(row, [task.id for task in columns], row.student.id in pages, suffix) for row in cohort.rows]
    by_id = {one.student: one for one in told}
    page: str = environment(HERE).get_template("class_page.html.j2").render(
        cohort=cohort,
        class_css=(HERE / "class_page.css").read_text(encoding="utf-8"),
        columns=columns,
        lines=told,
        counts=counted(told),
        run=run,
        notes=notes,
        whole=drawing(cohort.earned, LARGE),
        lines_of=lambda ids: [by_id[one] for one in ids],
        waiting=waiting(cohort.rows, told, group),
        group=group,
        links=links,
        by_task={task.id: drawing(task.earned, SMALL) for task in cohort.tasks},
        failures=cohort.failures[:SHOWN],
        CAUSES=CAUSES,
        FEW=FEW,
        slowest=max((one for one in told if one.seconds), key=lambda one: float(one.seconds), default=None),
        largest=max((one for one in told if one.memory), key=lambda one: int(one.memory), default=None),
        script=script,
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
    )  # fmt: skip
    return page


def waiting(rows: Sequence[Row], lines: Sequence[Line], group: Group) -> list[Waiting]:
    """What waits for a person, each question once, the one that most students wait for first."""
    asked: dict[tuple[str, str, str], list[tuple[float, Line]]] = {}
    for row, one in zip(rows, lines, strict=True):
        if row.report is None and row.student.problem:
            asked.setdefault(("", "", row.student.problem), []).append((0.0, one))
        given = {check.name: (item, check) for item, check in checks(row.report)} if row.report else {}
        for reason in unanswered(row.report) if row.report else ():
            name, _, question = reason.partition(": ")
            item, check = given.get(name, (None, None))
            key = (name, item.id, question) if item else ("", "", reason)
            asked.setdefault(key, []).append((check.points if check else 0.0, one))
    found = [
        Waiting(name, item, question, sum(points for points, _ in who), tuple(one for _, one in who),
                group(name, question))
        for (name, item, question), who in asked.items()
    ]  # fmt: skip
    return sorted(found, key=lambda one: -len(one.lines))


def line(row: Row, tasks: Sequence[str], has_page: bool, suffix: str = "") -> Line:
    href = f"reports/{quote(row.student.id, safe='')}{suffix}.html" if has_page else ""
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
