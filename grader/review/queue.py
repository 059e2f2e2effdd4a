"""The queue: all that waits for a person, item by item across the class, and what was decided on it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from grader.course import decisions, requests, takes
from grader.course.comments import FILES
from grader.course.decisions import Standing, Wording
from grader.course.gradebook import Gradebook, Run
from grader.course.requests import Request
from grader.course.statistics import NOT_FAILED, UNJUDGED, alike, cause_key
from grader.model import CheckResult, ItemResult, Report, Student, Verdict
from grader.report.audience import cleaned
from grader.report.wording import on_files

WORDS = {"review": "question", "fault": "fault of the grader", "files": "not taken", "request": "regrade request"}
REQUEST = "request-"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing for a person to decide: `about` is an item's id, "files" or "request-N".

    `score` and `most` are the points as graded; `score` is None where the grader proposes nothing. `checks` names the
    checks that ask. `settled` says that a person decided; `standing` is the last adjustment of the item.
    """

    student: str
    about: str
    kind: str
    item: str
    title: str
    questions: tuple[str, ...]
    score: float | None = None
    most: float = 0.0
    checks: tuple[str, ...] = ()
    settled: bool = False
    standing: Standing | None = None
    request: Request | None = None
    told: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return self.student, self.about

    @property
    def seen(self) -> int:
        """The version that a decision has to carry."""
        if self.request:
            return self.request.answer
        return self.standing.id if self.standing else 0

    @property
    def adjusted(self) -> int:
        return self.standing.id if self.standing else 0


@dataclass(frozen=True, slots=True)
class Failing:
    """Students who fail a check with the same cause: sentences that differ only in numbers are one cause."""

    key: str
    item: str
    check: str
    title: str
    sentence: str
    students: tuple[str, ...]


@dataclass(slots=True)
class Drawn:
    """What the queue needs of one student's report, which was recorded at the time `graded`, "" if there is none."""

    recorded: str
    graded: str
    entries: tuple[Entry, ...]
    failed: tuple[tuple[str, str, str, str], ...]  # (item, check, title, sentence)
    score: Mapping[str, float]


@dataclass(slots=True)
class Queue:
    """The class's entries in the order in which they are reviewed. `refresh` after each write, and before each page."""

    book: Gradebook
    run: Run
    entries: dict[tuple[str, str], Entry] = field(default_factory=dict)
    order: list[tuple[str, str]] = field(default_factory=list)
    students: dict[str, Student] = field(default_factory=dict)
    most: dict[str, float] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    standing: dict[tuple[str, str], Standing] = field(default_factory=dict)
    comments: dict[int, Wording] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    drawn: dict[str, Drawn] = field(default_factory=dict)
    version: Any = None
    changes: int = 0
    grouped: tuple[int, list[Failing]] = (-1, [])

    def refresh(self) -> bool:
        """Read what changed since the last look, whoever changed it. True if anything did."""
        connection = self.book.database.connection
        version = connection.execute("PRAGMA data_version").fetchone()[0], connection.total_changes
        if version == self.version:
            return False
        self.version, self.changes = version, self.changes + 1
        self.book.same = None
        if (last := last_ended(self.book)).id != self.run.id:
            self.run, self.most, self.titles = last, {}, {}  # the rubric may have other items now
        self.students = {one.id: one for one in self.book.students(self.run)}
        self.read_reports()
        self.comments = decisions.wordings(connection)
        self.requests = requests.all_of(self.book.database)
        self.standing = {}
        for (student, item), one in decisions.standing(self.book).items():
            there = self.standing.get(at := (self.book.id_among(student, self.students), item))
            self.standing[at] = one if there is None or one.id > there.id else there
        looked = {
            self.book.id_among(who, self.students): (text, at)
            for who, text, at in self.book.database.rows(
                "SELECT student, author || ': ' || text, time FROM remarks WHERE item = ? AND gone IS NULL ORDER BY id",
                FILES,
            )
        }
        found = [self.decided(one, looked) for drawn in self.drawn.values() for one in drawn.entries]
        found += [self.asked(one) for one in self.requests]
        places = {item: at for at, item in enumerate(self.most)}
        found.sort(key=lambda one: (KINDS.get(one.kind, 2), places.get(one.item, -1), hashed(one.student), one.about))
        self.entries = {one.key: one for one in found}
        self.order = list(self.entries)
        return True

    def read_reports(self) -> None:
        """Read the reports that are new or graded again; keep what the queue needs of them."""
        rows = dict(self.book.database.rows("SELECT student, recorded FROM reports WHERE run = ?", self.run.id))
        seen = dict(self.book.database.read(takes.seen_of, "SELECT student, files FROM seen"))
        old, self.drawn = self.drawn, {}
        for id_, student in self.students.items():
            version = f"{self.run.id} {rows.get(id_, '')} {student.problem} {hash(seen.get(id_))}"
            if id_ in old and old[id_].recorded == version:
                self.drawn[id_] = old[id_]
                continue
            report = self.book.report(id_, self.run) if id_ in rows else None
            files = self.unused(student, seen.get(id_, ()))
            if report is not None:
                self.most |= {item.id: item.max_score for item in report.items}
                self.titles |= {item.id: item.title for item in report.items}
            self.drawn[id_] = draw(version, rows.get(id_, ""), student, report, files)

    @staticmethod
    def unused(student: Student, seen: Sequence[str]) -> list[str]:
        return [path for path in seen if path not in student.origin.values()]

    def decided(self, one: Entry, looked: Mapping[str, tuple[str, str]]) -> Entry:
        """The entry with what people decided on it. While items still wait after the student was graded again, what was
        decided before does not settle it."""
        standing = self.standing.get((one.student, one.item))
        if one.kind == "files":
            waits = [self.standing.get((one.student, item)) for item in one.checks]  # here, the items that wait
            given = bool(waits) and all(there and there.given.points is not None for there in waits)
            told, at = looked.get(one.student, ("", ""))
            holds = bool(told) and (not waits or at > self.drawn[one.student].graded)
            return replace(one, settled=given or holds, told=told)
        return replace(one, standing=standing, settled=bool(standing and standing.given.points is not None))

    def asked(self, one: Request) -> Entry:
        who = self.book.id_among(one.student, self.students)
        standing = self.standing.get((who, one.item))
        score = self.drawn[who].score.get(one.item) if who in self.drawn else None
        if standing and standing.given.points is not None:
            score = standing.given.points
        title = self.titles.get(one.item, "no item of this run" if one.item else "The whole work")
        return Entry(who, f"{REQUEST}{one.id}", "request", one.item, title,
                     (one.text,), score, self.most.get(one.item, 0.0), settled=one.granted is not None,
                     standing=standing, request=one)  # fmt: skip

    def open(self, about: str | None = None) -> list[Entry]:
        """What still waits; with `about`, in one item or kind."""
        return [one for one in self.entries.values() if not one.settled and about in (None, one.item, one.kind)]

    def after(self, key: tuple[str, str] | None, busy: Iterable[tuple[str, str]] = ()) -> Entry | None:
        """The next open entry behind `key`, from the top again after the last. Those that others look at come last."""
        at = self.order.index(key) + 1 if key in self.entries else 0
        turn = [self.entries[one] for one in (*self.order[at:], *self.order[:at])]
        waiting = [one for one in turn if not one.settled and one.key != key]
        others = set(busy)
        return next((one for one in waiting if one.key not in others), waiting[0] if waiting else None)

    def before(self, key: tuple[str, str]) -> Entry | None:
        at = self.order.index(key) if key in self.entries else 0
        return self.entries[self.order[at - 1]] if at else None

    def groups(self) -> list[Failing]:
        """Students by the cause of a failing check, the largest group first."""
        if self.grouped[0] != self.changes:
            self.grouped = self.changes, self.by_cause()
        return self.grouped[1]

    def by_cause(self) -> list[Failing]:
        found: dict[tuple[str, str], list[tuple[str, tuple[str, str, str, str]]]] = {}
        for id_, drawn in self.drawn.items():
            for item, check, title, sentence in drawn.failed:
                found.setdefault((check, alike(sentence)), []).append((id_, (item, check, title, sentence)))
        groups = [
            Failing(
                cause_key(check, one[0][1][3]),
                one[0][1][0],
                check,
                one[0][1][2],
                one[0][1][3],
                tuple(who for who, _ in one),
            )
            for (check, _), one in found.items()
        ]
        return sorted(groups, key=lambda one: (-len(one.students), one.item, one.check))


KINDS = {"request": 0, "files": 1}  # before the items, which come in their own order


def draw(version: str, graded: str, student: Student, report: Report | None, unused: Sequence[str]) -> Drawn:
    if report is None:
        one = Entry(student.id, FILES, "files", "", "Handed in and not graded", (student.problem,))
        return Drawn(version, graded, (one,) if student.problem else (), (), {})
    entries = [entry for item in report.items for entry in of_item(student.id, item)]
    entries += of_files(student.id, report, unused)
    failed = tuple(
        (item.id, check.name, check.title, check.message or check.verdict.value)
        for item in report.items
        for check in item.checks
        if check.verdict not in UNJUDGED and check.verdict not in NOT_FAILED
    )
    return Drawn(version, graded, tuple(entries), failed, {item.id: item.score for item in report.items})


def of_item(student: str, item: ItemResult) -> Iterator[Entry]:
    """An item's entry: its questions, or a fault of the grader in it. What waits for a file is asked elsewhere."""
    asking = [one for one in item.checks if (one.review or one.verdict is Verdict.INTERNAL) and not is_on_files(one)]
    if not asking:
        return
    clean = [cleaned(check, "staff") for check in asking]
    broken = any(check.verdict is Verdict.INTERNAL for check in asking)
    questions = [
        question for check in clean for question in check.review or (f"a fault of the grader: {check.message}",)
    ]
    yield Entry(student, item.id, "fault" if broken else "review", item.id, item.title,
                tuple(dict.fromkeys(questions)), None if broken else item.score, item.max_score,
                tuple(check.name for check in asking))  # fmt: skip


def of_files(student: str, report: Report, unused: Sequence[str]) -> Iterator[Entry]:
    """Questions on which file counts, and notes on files that were handed in and not taken."""
    waiting = [(item.id, one) for item in report.items for one in item.checks if is_on_files(one)]
    asked = [on_files(cleaned(one, "staff")) for _, one in waiting]
    notes = [note for note in report.notes if any(path in note for path in unused)]
    if asked or notes:
        yield Entry(student, FILES, "files", "", "Handed in and not taken", tuple(dict.fromkeys([*asked, *notes])),
                    checks=tuple(dict.fromkeys(item for item, _ in waiting)))  # fmt: skip


def is_on_files(check: CheckResult) -> bool:
    return check.waits and check.verdict is Verdict.SKIPPED


def last_ended(book: Gradebook) -> Run:
    """The last run that ended; the last one if none did. While a batch runs, people review the one before."""
    ended = [run for run in book.runs() if run.ended]
    return ended[-1] if ended else book.run()


def hashed(student: str) -> str:
    """An order that no name decides."""
    return hashlib.sha256(student.encode("utf-8", "backslashreplace")).hexdigest()
