"""What the points of a run rest on that a person should know: sentences that stand wherever a class is shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from grader.course.gradebook import Gradebook, Run
from grader.model import LATE_DAYS, Row

MANY = 10  # ids in a sentence
STAND_INS = "stand-in data, as the data set is not here; give no final grades by it; see `python grade.py data`"
HOW_LATE = "say how late with `adjust STUDENT late DAYS --why TEXT`"


def doubts(book: Gradebook, run: Run, rows: Sequence[Row]) -> Iterator[str]:
    if made_up := [row.student for row in rows if row.report and row.report.stand_in]:
        yield f"{named(made_up)}: graded on {STAND_INS}"
    if several := [row.student for row in rows if row.others]:
        yield f"{named(several)}: several submissions, of which the newest counts; see `show STUDENT`"
    if late := late_somehow(rows):
        yield f"{len(late)} marked late, days unknown, nothing taken off: {named(late)}; {HOW_LATE}"
    if untold := untimed(rows):
        yield f"{named(untold)}: it is not known when, so not late; {HOW_LATE}"
    if gone := book.detached(run):
        yield f"{named(gone)}: adjusted before, and nobody in this run has that id; adjust again who is meant"
    yield from outgrown(run, rows)


def outgrown(run: Run, rows: Iterable[Row]) -> Iterator[str]:
    """Adjustments that the rubric has changed under: of items that are gone, or of more points than there are now."""
    gone, above = defaultdict[str, list[str]](list), defaultdict[tuple[str, float], list[str]](list)
    for row in rows:
        worth = {item.id: item.max_score for item in row.report.items} if row.report else {}
        for item, given in row.report.adjustments.items() if row.report else ():
            if item not in worth and item != LATE_DAYS and not run.part:
                gone[item].append(row.student)
            elif given.points is not None and given.points > worth.get(item, given.points):
                above[item, worth[item]].append(row.student)
    for (item, most), students in above.items():
        yield f"{named(students)}: {item} was adjusted to more than the {most:g} that it is worth now; adjust again"
    for item, students in gone.items():
        yield f"{named(students)}: {item} was adjusted, and there is no such item now; adjust again what is meant"


def partial(run: Run) -> str:
    return f"run {run.id} is of {run.part} alone; for all tasks, run the batch again without --task"


def late_somehow(rows: Iterable[Row]) -> list[str]:
    """Who was late by so many days that only a person can say."""
    return [row.student for row in rows if row.report and row.report.remarks.late_days is None]


def untimed(rows: Iterable[Row]) -> list[str]:
    """Who may have been late, as neither a time nor a platform's mark tells: such a submission counts as in time."""
    return [
        row.student
        for row in rows
        if row.report and row.due and not row.submitted_at and row.marked_late is None
        and LATE_DAYS not in row.report.adjustments
    ]  # fmt: skip


def named(ids: Sequence[str]) -> str:
    return ", ".join(ids[:MANY]) + (f" and {len(ids) - MANY} more" if len(ids) > MANY else "")
