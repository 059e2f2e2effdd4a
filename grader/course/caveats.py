"""Caveats to show with a run's points, wherever a class is shown: a sentence each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from grader.course.gradebook import Gradebook, Run
from grader.course.roster import column, is_draft, time_told
from grader.course.student import SUBMITTED_AT
from grader.model import LATE_DAYS, Row
from grader.report.wording import harmless

MANY = 10  # ids in a sentence
STAND_INS = "stand-in data, as the data set is not here; give no final grades by it; see `python grade.py data`"
HOW_LATE = "say how late with `adjust STUDENT late DAYS --why TEXT`"


def caveats(book: Gradebook, run: Run, rows: Sequence[Row]) -> Iterator[str]:
    if made_up := [row.student.id for row in rows if row.report and row.report.stand_in]:
        yield f"{named(made_up)}: graded on {STAND_INS}"
    if several := [row.student.id for row in rows if row.student.others]:
        yield f"{named(several)}: several submissions, of which the newest counts; see `show STUDENT`"
    if drafts := [row.student.id for row in rows if row.report and is_draft(row.student.ids)]:
        yield f"{named(drafts)}: graded from a draft, which was not submitted; decide whether it counts"
    if late := late_somehow(rows):
        yield f"{len(late)} marked late, days unknown, nothing taken off: {named(late)}; {HOW_LATE}"
    yield from times_not_understood(rows)
    if untold := untimed(rows):
        yield f"{named(untold)}: it is not known when, so not late; {HOW_LATE}"
    if gone := book.detached(run):
        yield f"{named(gone)}: adjusted before, and nobody in this run has that id; adjust again who is meant"
    yield from outgrown(run, rows)


def times_not_understood(rows: Iterable[Row]) -> Iterator[str]:
    """Students whose time of submission could not be read, with the text of its cell."""
    if odd := [f"{row.student.id} ({harmless(text)[:60]})" for row in rows if (text := odd_time(row))]:
        yield f"{named(odd)}: this time is not understood, so not late; write it as 2026-11-20T23:05, or {HOW_LATE}"


def odd_time(row: Row) -> str:
    """The cell for the time of submission that was not understood, or ""."""
    if row.report is None or row.student.submitted_at or LATE_DAYS in row.report.adjustments:
        return ""
    return time_told(row.student.ids) or column(row.student.ids, SUBMITTED_AT)


def outgrown(run: Run, rows: Iterable[Row]) -> Iterator[str]:
    """Adjustments that no longer fit the rubric: their item is gone, or is worth less now."""
    gone, above = defaultdict[str, list[str]](list), defaultdict[tuple[str, float], list[str]](list)
    for row in rows:
        worth = {item.id: item.max_score for item in row.report.items} if row.report else {}
        for item, given in row.report.adjustments.items() if row.report else ():
            if item not in worth and item != LATE_DAYS and not run.part:
                gone[item].append(row.student.id)
            elif given.points is not None and given.points > worth.get(item, given.points):
                above[item, worth[item]].append(row.student.id)
    for (item, most), students in above.items():
        yield f"{named(students)}: {item} was adjusted to more than the {most:g} that it is worth now; adjust again"
    for item, students in gone.items():
        yield f"{named(students)}: {item} was adjusted, and there is no such item now; adjust again what is meant"


def partial(run: Run) -> str:
    return f"run {run.id} is of {run.part} alone; for all tasks, run the batch again without --task"


def late_somehow(rows: Iterable[Row]) -> list[str]:
    """Students who were late, but only a person can say by how many days."""
    return [row.student.id for row in rows if row.report and row.report.remarks.late_days is None]


def untimed(rows: Iterable[Row]) -> list[str]:
    """Students who may have been late: no time is known and the platform marks nothing, so they count as in time."""
    return [
        row.student.id
        for row in rows
        if row.report and row.due and not row.student.submitted_at and row.student.marked_late is None
        and LATE_DAYS not in row.report.adjustments and not odd_time(row)
    ]  # fmt: skip


def waiting(book: Gradebook, run: Run) -> Iterator[str]:
    """A warning that points may still change, as a person has to decide first."""
    asked = list(dict.fromkeys(f"{student.id} {item.id}" for student, item, _ in book.waiting(run)))
    if asked:
        wait = "waits" if len(asked) == 1 else "wait"
        yield f"{len(asked)} {wait} for a person, so these points may change: {named(asked)}; see `list`"


def named(ids: Sequence[str]) -> str:
    return ", ".join(ids[:MANY]) + (f" and {len(ids) - MANY} more" if len(ids) > MANY else "")
