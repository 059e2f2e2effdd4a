"""Caveats to show with a run's points: one sentence each."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from grader.course.gradebook import Gradebook, Run
from grader.course.releases import held, items_of
from grader.course.roster import column, full_name, ids_of, is_draft, time_told
from grader.course.student import SUBMITTED_AT
from grader.model import LATE_DAYS, Report, Row
from grader.report.wording import clock, harmless

TOTAL = re.compile(r"\W*(?:(?:class|grand|sub)\W?)?(?:totals?|averages?|mean|median)\b", re.IGNORECASE)
LONG = 90  # days
MANY = 10  # ids shown in a sentence
STAND_INS = "stand-in data, because the data set is missing; these points are not final; see `python grade.py data`"
HOW_LATE = "say how late with `adjust STUDENT late DAYS --why TEXT`"


def caveats(book: Gradebook, run: Run, rows: Sequence[Row]) -> Iterator[str]:
    if made_up := [row.student.id for row in rows if row.report and row.report.stand_in]:
        yield f"{named(made_up)}: graded on {STAND_INS}"
    if several := [row.student.id for row in rows if row.student.others]:
        yield f"{named(several)}: several submissions; the newest counts; see `show STUDENT`"
    if drafts := [row.student.id for row in rows if row.report and is_draft(row.student.ids)]:
        yield f"{named(drafts)}: graded from a draft that was not submitted; decide whether it counts"
    if unlisted := [row.student.id for row in rows if row.student.unlisted]:
        cure = "name their work exactly like an id in the list, or add the platform's ids to the list"
        yield f"{named(unlisted)}: not in the class list, or not clearly; {cure}"
    if late := late_somehow(rows):
        yield f"{len(late)} marked late, days unknown, no penalty yet: {named(late)}; {HOW_LATE}"
    yield from times_not_understood(rows)
    if odd := list(odd_rows(rows)):
        yield f"{named(odd)}: unlike the others in the class list; delete any that is no student, such as a total"
    if long := list(long_late(rows)):
        cure = f"if the time is wrong, correct it in the class list, or {HOW_LATE}"
        yield f"{named(long)}: more than {LONG} days late; {cure}"
    if untold := untimed(rows):
        yield f"{named(untold)}: submission time unknown, so not counted as late; {HOW_LATE}"
    last = previous(book, run)
    if last and (roster := last.settings.get("roster")) and not run.settings.get("roster"):
        yield f"run {last.id} had the class list {roster}, and run {run.id} has none: add --roster to use it"
    if gone := book.detached(run):
        yield f"{named(gone)}: adjusted earlier, but nobody in this run has this id; repeat it under the new id"
    yield from vanished(book, run)
    yield from outgrown(run, rows)
    if old := list(outdated(book, run, rows)):
        why = "adjusted when the work or its points were other ones; look again, and adjust it again"
        yield f"{named(old)}: {why}"
    if unseen := held(book, run, rows):
        what = "nothing" if len(unseen) == len(items_of(rows)) else f"all but {named(unseen)}"
        yield f"students see {what} of run {run.id}; show them the rest with `release`"


def odd_rows(rows: Iterable[Row]) -> Iterator[str]:
    """Rows without work that may be no student but the end of a table: called a total, or without the id or the name
    that most others have."""
    people = [row.student for row in rows if row.student.ids]
    with_id = {one.id for one in people if any(ids_of(one.ids))}
    with_name = {one.id for one in people if full_name(one.ids)}
    for one in people:
        lacks = any(one.id not in has and 2 * len(has) > len(people) for has in (with_id, with_name))
        if one.path is None and (lacks or TOTAL.match(one.name)):
            yield harmless(one.name)[:60]


def previous(book: Gradebook, run: Run) -> Run | None:
    """The run before; None if there is none."""
    return next((one for one in reversed(book.runs()) if one.id < run.id), None)


def long_late(rows: Iterable[Row]) -> Iterator[str]:
    """Students who count as so late that the time may have a slip in it, such as another year."""
    for row in rows:
        at, report = row.student.submitted_at, row.report
        if at and report and LATE_DAYS not in report.adjustments and (report.remarks.late_days or 0) > LONG:
            yield f"{row.student.id} ({clock(at)})"


def vanished(book: Gradebook, run: Run) -> Iterator[str]:
    """Students whose work was there in the run before, and is gone now: an export may be cut short. It looks at the
    whole run, because a list may show a part of it."""
    if last := previous(book, run):
        here = {one.id for one in book.students(run) if one.path or one.problem}
        before = (one.id for one in book.students(last) if one.path)
        if gone := [id_ for id_ in before if not here & book.known_as(id_)]:
            told = f"their work was here in run {last.id}, and nothing of it is now; if they did not withdraw it"
            yield f"{named(gone)}: {told}, export the submissions again"


def times_not_understood(rows: Iterable[Row]) -> Iterator[str]:
    """Students whose submission time could not be read, with the text of the cell."""
    if odd := [f"{row.student.id} ({harmless(text)[:60]})" for row in rows if (text := odd_time(row))]:
        yield f"{named(odd)}: cannot read this time, so not late; write it as 2026-11-20T23:05, or {HOW_LATE}"


def odd_time(row: Row) -> str:
    """The cell with the submission time if it could not be read, or ""."""
    if row.report is None or row.student.submitted_at or LATE_DAYS in row.report.adjustments:
        return ""
    return time_told(row.student.ids) or column(row.student.ids, SUBMITTED_AT)


def outgrown(run: Run, rows: Iterable[Row]) -> Iterator[str]:
    """Adjustments that no longer fit the rubric: their item is gone or is worth fewer points now."""
    gone, above = defaultdict[str, list[str]](list), defaultdict[tuple[str, float], list[str]](list)
    for row in rows:
        worth = {item.id: item.max_score for item in row.report.items} if row.report else {}
        for item, given in row.report.adjustments.items() if row.report else ():
            if item not in worth and item != LATE_DAYS and not run.part:
                gone[item].append(row.student.id)
            elif given.points is not None and given.points > worth.get(item, given.points):
                above[item, worth[item]].append(row.student.id)
    for (item, most), students in above.items():
        yield f"{named(students)}: {item} was adjusted to more than its maximum, which is {most:g} now; adjust it again"
    for item, students in gone.items():
        yield f"{named(students)}: {item} was adjusted, but the rubric no longer has it; adjust another item instead"


def outdated(book: Gradebook, run: Run, rows: Iterable[Row]) -> Iterator[str]:
    """Students, each with the items whose adjustment was made on another result than this run's: other work, other
    points as graded, or another maximum. The adjustment counts all the same."""
    for row in rows:
        for item, given in row.report.adjustments.items() if row.report else ():
            old, new = book.seen(given, run), row.report
            if old is None or new is None or item not in (LATE_DAYS, *worth(new)):
                continue
            if old.digest != new.digest or worth(old).get(item) != worth(new).get(item):
                yield f"{row.student.id} {item}"


def worth(report: Report) -> dict[str, tuple[float, float]]:
    """The points of each item as graded, and its maximum."""
    return {item.id: (item.score, item.max_score) for item in report.items}


def partial(run: Run) -> str:
    return f"run {run.id} graded only {run.part}; for all tasks, run the batch again without --task"


def late_somehow(rows: Iterable[Row]) -> list[str]:
    """Students who were late by an unknown number of days."""
    return [row.student.id for row in rows if row.report and row.report.remarks.late_days is None]


def untimed(rows: Iterable[Row]) -> list[str]:
    """Students who may be late but count as on time: no submission time is known, and the platform marks nothing."""
    return [
        row.student.id
        for row in rows
        if row.report and row.due and not row.student.submitted_at and row.student.marked_late is None
        and LATE_DAYS not in row.report.adjustments and not odd_time(row)
    ]  # fmt: skip


def waiting(book: Gradebook, run: Run) -> Iterator[str]:
    """A warning that points may still change, because a person must decide first."""
    asked = list(dict.fromkeys(f"{student.id} {item.id}" for student, item, _ in book.waiting(run)))
    if asked:
        wait = "waits" if len(asked) == 1 else "wait"
        yield f"{len(asked)} {wait} for a person, so these points may still change: {named(asked)}; see `list`"


def named(ids: Sequence[str]) -> str:
    return ", ".join(ids[:MANY]) + (f" and {len(ids) - MANY} more" if len(ids) > MANY else "")
