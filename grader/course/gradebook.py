"""The gradebook: each run's reports, results by digest, and a person's adjustments. One SQLite file in one folder.

A result is durable as soon as it is recorded (WAL, one transaction per submission). Results and adjustments are never
deleted: a run adds its reports beside those of earlier runs, and an adjustment applies to all later runs.
"""

from __future__ import annotations

import json
import math
import shlex
import sqlite3
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

from grader.course import comments, people
from grader.course.changes import Change, differences
from grader.course.database import Database, digest, finite
from grader.course.folder_lock import running
from grader.errors import UsageError
from grader.model import LATE_DAYS, Adjustment, CheckResult, ItemResult, Late, Remarks, Report, Row, Student, Verdict
from grader.report import json as report_json
from grader.report.wording import checks

MOST_DAYS = 10_000
BY_HAND = "by_hand"  # the rubric's word for a run that a person releases
NOT_YET = "the run stopped before it was graded; continue with --resume"
GOES_ON = "the run has not graded it yet; wait for its end"

# Of a Student.
COLUMNS = "student, name, ids, path, digest, submitted_at, marked_late, others, problem, due, origin, unlisted"


@dataclass(frozen=True, slots=True)
class Run:
    """One grading of a class. `settings` holds the run's other options, as JSON values."""

    id: int
    began: datetime
    ended: datetime | None
    seed: int
    due: datetime | None = None
    late: Late | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def part(self) -> str:
        """The tasks and items that the run is limited to; "" for all."""
        return ", ".join(dict.fromkeys(self.settings.get("only", ())))


class Gradebook:
    """A folder's gradebook. Use as a context manager. Raises UsageError for errors that a user can fix."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.folder = database.folder
        self.same: Mapping[str, frozenset[str]] | None = None  # id -> all ids of this student; None until it is read

    @classmethod
    def create(cls, folder: Path) -> Self:
        """Open the folder's gradebook; create it if it does not exist."""
        return cls(Database.create(folder))

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the folder's existing gradebook."""
        return cls(Database.open(folder))

    @property
    def typed(self) -> str:
        """How a command on this gradebook begins, for a shell."""
        return f"python grade.py gradebook {shlex.quote(str(self.folder))}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.database.close()

    # Runs

    def begin(
        self,
        *,
        seed: int,
        due: datetime | None = None,
        late: Late | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> Run:
        """Start a new run; later records belong to it."""
        with self.database.writing() as connection:
            row = connection.execute(
                "INSERT INTO runs (began, seed, due, late, settings) VALUES (?, ?, ?, ?, ?) RETURNING id",
                (now(), seed, stamp(due), json.dumps(asdict(late)) if late else None, json.dumps(settings or {})),
            ).fetchone()
        return self.run(int(row[0]))

    def end(self, run: Run) -> None:
        with self.database.writing() as connection:
            connection.execute("UPDATE runs SET ended = ? WHERE id = ?", (now(), run.id))

    def runs(self) -> list[Run]:
        """All runs, the oldest first."""
        return self.database.read(run_of, "SELECT id, began, ended, seed, due, late, settings FROM runs ORDER BY id")

    def run(self, id: int | None = None) -> Run:
        """The run of that number, or the last one."""
        runs = {run.id: run for run in self.runs()}
        if not runs:
            out = shlex.quote(str(self.folder))
            raise UsageError(
                f"{self.folder} has no run yet; grade with `python grade.py batch SUBMISSIONS --out {out}`"
            )
        if id is not None and id not in runs:
            raise UsageError(f"there is no run {id}; the runs are {', '.join(map(str, runs))}")
        return runs[max(runs) if id is None else id]

    # Students and their reports

    def enter(self, run: Run, students: Iterable[Student]) -> None:
        """Record the students of a run. Students who were in it before it was resumed, but are not now, are removed."""
        now_in = list(students)
        gone = {one.id for one in self.students(run)} - {one.id for one in now_in}
        self.same = None
        with self.database.writing() as connection:
            for id_ in gone:
                connection.execute("DELETE FROM submissions WHERE run = ? AND student = ?", (run.id, id_))
                connection.execute("DELETE FROM reports WHERE run = ? AND student = ?", (run.id, id_))
            for student in now_in:
                put_student(connection, run, student)

    def record(
        self,
        student: Student,
        report: Report | None,
        run: Run | None = None,
        *,
        results: Mapping[str, tuple[str, Mapping[str, Any]]] | None = None,
    ) -> None:
        """Record a student's report in a run (default: the last), and its results: key -> (task, document).

        `report` is None if the submission could not be read or nothing was handed in.
        """
        run = run or self.run()
        self.same = None if self.same is None or student.id not in self.same else self.same
        with self.database.writing() as connection:
            put_student(connection, run, student)
            for key, (task, document) in (results or {}).items():
                told = json.dumps({**document, "task": put_task(connection, document["task"])})
                connection.execute("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)", (key, task, told, now()))
            put_report(connection, run, student, report)

    def result(self, key: str, since: datetime | None = None) -> dict[str, Any] | None:
        """A task's recorded result by its key; None if there is none, or if it is older than `since`."""
        query = "SELECT document FROM results WHERE key = ? AND recorded >= ?"

        def read(row: Sequence[Any]) -> dict[str, Any]:
            told = json.loads(row[0])
            return {**told, "task": self.task(told["task"])}

        return next(iter(self.database.read(read, query, key, stamp(since) or "")), None)

    def task(self, digest: str) -> Any:
        """A task's document by its digest. Raises LookupError if there is none."""
        query = "SELECT document FROM tasks WHERE digest = ?"
        return self.database.read(lambda row: json.loads(row[0]), query, digest)[0]

    def students(self, run: Run | None = None) -> list[Student]:
        """Everyone in a run (default: the last), sorted by id."""
        query = f"SELECT {COLUMNS} FROM submissions WHERE run = ? ORDER BY student"
        return self.database.read(student_of, query, (run or self.run()).id)

    def student(self, id: str, run: Run | None = None) -> Student:
        """A student by id, name or any platform id. Raises UsageError if nobody or several match, and names them."""
        run = run or self.run()
        query = f"SELECT {COLUMNS} FROM submissions WHERE run = ? AND student = ?"
        found = self.database.read(student_of, query, run.id, id)
        return found[0] if found else people.find(self.students(run), id, self.known_as(id))

    def graded(self, run: Run | None = None) -> set[str]:
        """The ids of students with a report in a run (default: the last)."""
        return {
            row[0] for row in self.database.rows("SELECT student FROM reports WHERE run = ?", (run or self.run()).id)
        }

    def report(self, student: str, run: Run | None = None) -> Report | None:
        """A student's report in a run (default: the last), as graded; None if nothing could be graded."""
        query = "SELECT document FROM reports WHERE run = ? AND student = ?"
        return next(iter(self.database.read(self.report_of, query, (run or self.run()).id, student)), None)

    def report_of(self, row: Sequence[Any]) -> Report:
        told = json.loads(row[0])
        return report_json.parse({**told, "tasks": [self.task(digest) for digest in told["tasks"]]})

    def seen(self, given: Adjustment, run: Run) -> Report | None:
        """The report on which a person based an adjustment, of this run or an earlier one; None if there was none.

        The review page shows the last run that has ended. Who types a command sees the last report that there is.
        """
        runs = [one for one in self.runs() if one.id <= run.id and one.began <= given.time]
        ended = [one for one in runs if one.ended and one.ended <= given.time]
        query = (
            "SELECT document FROM (SELECT * FROM reports UNION ALL SELECT * FROM replaced)"
            " WHERE run = ? AND student = ? AND recorded <= ? ORDER BY recorded DESC LIMIT 1"
        )
        for one in ended[-1:] if ended and self.is_from_page(given) else reversed(runs):
            for id_ in self.known_as(given.student):
                if found := self.database.read(self.report_of, query, one.id, id_, stamp(given.time)):
                    return found[0]
        return None

    def is_from_page(self, given: Adjustment) -> bool:
        """Whether an adjustment was made on the review page."""
        query = "SELECT 1 FROM adjustments WHERE student = ? AND item = ? AND time = ? AND step IS NOT NULL"
        return bool(self.database.rows(query, given.student, given.item, stamp(given.time)))

    def page(self, path: str) -> str | None:
        """The digest of the contents of the page at `path`, relative to the folder; None if there is no page."""
        rows = self.database.rows("SELECT digest FROM pages WHERE path = ?", path)
        return str(rows[0][0]) if rows and (self.folder / path).is_file() else None

    def put_page(self, path: str, digest: str) -> None:
        with self.database.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO pages VALUES (?, ?)", (path, digest))

    def drop_page(self, path: str) -> None:
        with self.database.writing() as connection:
            connection.execute("DELETE FROM pages WHERE path = ?", (path,))

    # A person's adjustments

    def adjust(self, student: str, item: str, points: float | None, *, why: str, author: str) -> Adjustment:
        """Set the points of an item, or, for the item "late", the number of days late.

        None revokes earlier adjustments: the points as graded, or the computed days, count again.
        """
        student = self.student(student).id
        if not why.strip() or not author.strip():
            raise UsageError("an adjustment needs a reason and an author; give them with --why and --author")
        if points is None:
            if item not in self.in_force(student):
                raise UsageError(f"{student} has no adjustment of {item}, so there is nothing to take back")
        elif item == LATE_DAYS:
            if not 0 <= points <= MOST_DAYS or not float(points).is_integer():
                raise UsageError(f"{points:g} days late is not possible; give a whole number, at most {MOST_DAYS}")
        else:
            self.check_points(student, item, points)
        worth = None if points is None else float(points)
        given = Adjustment(student, item, worth, author, datetime.now(UTC), why)
        with self.database.writing() as connection:
            connection.execute(
                "INSERT INTO adjustments (student, item, points, author, time, reason) VALUES (?, ?, ?, ?, ?, ?)",
                (student, item, given.points, author, stamp(given.time), why),
            )
        return given

    def check_points(self, student: str, item: str, points: float) -> None:
        report = self.report(student)
        if report is None:
            why = self.row(student).student.problem or "nothing was handed in"
            cure = "" if why in (NOT_YET, GOES_ON) else "; add work that can be read, and run the batch again"
            raise UsageError(f"{student} has no points to adjust: {why}{cure}")
        worth = {one.id: one.max_score for one in report.items}
        if item not in worth:
            part = self.run().part
            raise UsageError(
                f"there is no item {item}{f' in the last run, which graded only {part}' if part else ''}; "
                f"the items are {', '.join(worth)}, and {LATE_DAYS} for the days late"
            )
        if not 0 <= points <= worth[item]:
            raise UsageError(f"{points:g} points are not possible for item {item}; give 0 to {worth[item]:g}")

    def adjustments(self, student: str | None = None) -> list[Adjustment]:
        """All adjustments, the oldest first, including replaced and revoked ones.

        With `student`, only this student's, including those made under an earlier id.
        """
        query = "SELECT student, item, points, author, time, reason FROM adjustments ORDER BY id"
        given = self.database.read(adjustment_of, query)
        if student is None or not given:
            return given
        return [one for one in given if one.student in self.known_as(student)]

    def known_as(self, student: str) -> frozenset[str]:
        """All ids that the student had in any run, including the given one. Platform ids show who is the same."""
        if self.same is None:
            query = "SELECT DISTINCT run, student, ids FROM submissions"
            self.same = people.same(self.database.read(lambda row: (row[0], row[1], json.loads(row[2])), query))
        return self.same.get(student, frozenset([student]))

    def detached(self, run: Run) -> list[str]:
        """Ids with adjustments that nobody in the run has: the student was renamed or left."""
        there = {one.id for one in self.students(run)}
        gone = {one.student for one in self.adjustments()} - there
        gone = {id_ for id_ in gone if not there & self.known_as(id_)}
        return sorted(id_ for id_ in gone if self.in_force(id_))

    def id_among(self, id: str, there: Container[str]) -> str:
        """That one of the student's ids which is in `there`; the given one if it is there, or if none is."""
        return id if id in there else next((one for one in self.known_as(id) if one in there), id)

    def in_force(self, student: str) -> dict[str, Adjustment]:
        """The adjustments that count: the last one of each item, unless it revokes the earlier ones."""
        last = {one.item: one for one in self.adjustments(student)}
        return {item: one for item, one in last.items() if one.points is not None}

    def row(self, student: str, run: Run | None = None) -> Row:
        """A student's line in a run (default: the last). Its report includes adjustments and lateness."""
        run = run or self.run()
        return self.row_of(self.student(student, run), run)

    def row_of(self, one: Student, run: Run) -> Row:
        report = self.report(one.id, run)
        if report is not None:
            report = replace(report, remarks=self.remarks(one.id, run))
        if not (problem := one.problem) and report is None and one.path is not None:
            problem = GOES_ON if running(self.folder) and run.id == self.run().id else NOT_YET
        return Row(replace(one, problem=problem), report, one.due or run.due)

    def register(self, run: Run | None = None) -> list[Row]:
        """Everyone's line in a run (default: the last), sorted by id."""
        run = run or self.run()
        return [self.row_of(student, run) for student in self.students(run)]

    def late_days(self, student: str, run: Run | None = None) -> int | None:
        """The days late that count; None if the platform says "late" without a time."""
        run, changed = run or self.run(), self.in_force(student).get(LATE_DAYS)
        if changed is not None and changed.points is not None:
            return int(changed.points)
        handed_in = self.student(student, run)
        due = handed_in.due or run.due
        if due is not None and handed_in.submitted_at is not None:
            return days_late(handed_in.submitted_at, due, run.late)
        return None if handed_in.marked_late else 0

    def remarks(self, student: str, run: Run | None = None) -> Remarks:
        """The changes to the report's points: adjustments and the late penalty."""
        run = run or self.run()
        days = self.late_days(student, run)
        shown, given = bool(run.settings.get("after_due")), self.released(run)
        told = tuple(comments.of_student(self.database, self.known_as(student)))
        return Remarks(tuple(self.in_force(student).values()), days, lateness(days, run.late), shown, given, told)

    def released(self, run: Run) -> tuple[str, ...] | None:
        """The items of a run that students may see: the last decision on each counts. None means all of them."""
        if run.settings.get("release") != BY_HAND:
            return None
        rows = self.database.rows("SELECT item, released FROM releases WHERE run = ? ORDER BY id", run.id)
        return tuple(sorted(item for item, released in dict(rows).items() if released))

    def waiting(self, run: Run | None = None) -> Iterator[tuple[Student, ItemResult, CheckResult]]:
        """Checks that need a person: with a question or a fault of the grader, in items without an adjustment."""
        for student in self.students(run):
            report, settled = self.report(student.id, run), self.in_force(student.id)
            for item, check in checks(report) if report else ():
                if (check.review or check.verdict is Verdict.INTERNAL) and item.id not in settled:
                    yield student, item, check

    def diff(self, old: Run, new: Run) -> list[Change]:
        """The changes of points and lateness between two runs, with reasons."""
        before, after = ({row.student.id: row for row in self.register(run)} for run in (old, new))
        before = {self.id_among(id_, after): row for id_, row in before.items()}
        students = sorted(before.keys() | after.keys())
        return [change for one in students for change in differences(one, before.get(one), after.get(one))]


def now() -> str:
    return datetime.now(UTC).isoformat()


def stamp(time: datetime | None) -> str | None:
    return time.astimezone(UTC).isoformat() if time else None


def put_task(connection: sqlite3.Connection, task: Mapping[str, Any]) -> str:
    """Store a task's document and return its digest. It is formatted as SQLite formats JSON, so equal ones are stored
    once."""
    text = json.dumps(task, separators=(",", ":"))
    connection.execute("INSERT OR IGNORE INTO tasks VALUES (?, ?)", (digest(text), text))
    return digest(text)


def put_report(connection: sqlite3.Connection, run: Run, student: Student, report: Report | None) -> None:
    """Store a report. Another one of the same run is kept beside: a person may have decided on it."""
    one, told = (run.id, student.id), None
    if report is not None:
        whole = report_json.document(report)
        told = json.dumps(whole | {"tasks": [put_task(connection, task) for task in whole["tasks"]]})
    before = connection.execute("SELECT document FROM reports WHERE run = ? AND student = ?", one).fetchone()
    if before == (told,):
        return
    connection.execute("INSERT INTO replaced SELECT * FROM reports WHERE run = ? AND student = ?", one)
    connection.execute("DELETE FROM reports WHERE run = ? AND student = ?", one)
    if told is not None:
        connection.execute("INSERT INTO reports VALUES (?, ?, ?, ?)", (*one, told, now()))


def put_student(connection: sqlite3.Connection, run: Run, one: Student) -> None:
    connection.execute(
        f"INSERT OR REPLACE INTO submissions (run, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (run.id, one.id, one.name, json.dumps(dict(one.ids)), one.path, one.digest, stamp(one.submitted_at),
         one.marked_late, json.dumps(one.others), one.problem, stamp(one.due), json.dumps(dict(one.origin)),
         one.unlisted),
    )  # fmt: skip


def run_of(row: Sequence[Any]) -> Run:
    id_, began, ended, seed, due, late, settings = row
    until, at = (datetime.fromisoformat(text) if text else None for text in (ended, due))
    return Run(id_, datetime.fromisoformat(began), until, int(seed), at, late and Late(**json.loads(late)),
               {**json.loads(settings)})  # fmt: skip


def adjustment_of(row: Sequence[Any]) -> Adjustment:
    who, item, points, author, at, why = row
    return Adjustment(who, item, finite(points), author, datetime.fromisoformat(at), why)


def student_of(row: Sequence[Any]) -> Student:
    id_, name, ids, path, digest, submitted_at, marked_late, others, problem, due, origin, unlisted = row
    at, own_due = (datetime.fromisoformat(text) if text else None for text in (submitted_at, due))
    marked = None if marked_late is None else bool(marked_late)
    known = {**json.loads(ids)}
    return Student(id_, name, known, path, digest, at, marked, tuple(json.loads(others)), problem, own_due,
                   {**json.loads(origin)}, unlisted=bool(unlisted))  # fmt: skip


def days_late(submitted: datetime, due: datetime, policy: Late | None) -> int:
    """Days since the due date, rounded up; 0 within the grace period. A day ends at the due date's clock time in the
    course's time zone, so a day with a clock change is an hour shorter or longer."""
    if submitted - due <= timedelta(hours=policy.grace_hours if policy else 0.0):
        return 0
    zone = zone_of(policy)
    by_the_clock = submitted.astimezone(zone).replace(tzinfo=None) - due.astimezone(zone).replace(tzinfo=None)
    return max(1, math.ceil(by_the_clock / timedelta(days=1)))


def zone_of(policy: Late | None) -> tzinfo | None:
    """The course's time zone; None means this machine's."""
    return ZoneInfo(policy.timezone) if policy and policy.timezone else None


def lateness(days: int | None, policy: Late | None) -> float:
    """The late penalty for `days`, in percent of the points."""
    return min(policy.cap, policy.per_day * days) if policy and days else 0.0
