"""What the pages of the review server ask of the gradebook: the queue, each person's pace, and every write.

One thread uses it. A write is committed before it is answered, so a server that is killed loses nothing decided.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from grader.course import comments, decisions, extensions, requests, takes
from grader.course.comments import FILES
from grader.course.decisions import Changed, Decision
from grader.course.extensions import Extension
from grader.course.gradebook import Gradebook, zone_of
from grader.course.roster import ID_COLUMNS, column
from grader.errors import UsageError
from grader.model import Student
from grader.review.queue import Entry, Failing, Queue, last_ended

IDLE = 300.0  # seconds between two decisions that are a break, and no part of the pace
GAPS = 30  # decisions that the pace is taken from
HERE = 120.0  # seconds for which a person counts as looking at an entry
ACCEPTED = "a person looked at it; the points stay as graded"
NOTHING_ELSE = "a person looked at the files; nothing else counts"
NONE_COUNTS = "a person looked at the files; none of them counts"


@dataclass(slots=True)
class Desk:
    """The review of one gradebook."""

    folder: Path
    book: Gradebook
    queue: Queue
    looking: dict[str, tuple[str, tuple[str, str], float]] = field(
        default_factory=dict
    )  # session -> author, entry, when
    stale: set[str] = field(default_factory=set)  # students whose pages are to be drawn again

    @classmethod
    def at(cls, folder: Path) -> Desk:
        book = Gradebook.open(folder)
        desk = cls(folder, book, Queue(book, last_ended(book)))
        desk.queue.refresh()
        return desk

    def note_written(self, students: Iterable[str]) -> None:
        self.stale |= set(students)
        self.queue.refresh()

    # The queue

    def look(self, session: str, author: str, entry: Entry) -> None:
        self.looking[session] = (author, entry.key, time.monotonic())

    def others(self, session: str) -> dict[tuple[str, str], str]:
        """What other people look at now, with who does."""
        now = time.monotonic()
        return {key: author for one, (author, key, at) in self.looking.items() if one != session and now - at < HERE}

    def next(self, session: str, entry: Entry | None = None) -> Entry | None:
        return self.queue.after(entry.key if entry else None, self.others(session))

    def pace(self, author: str) -> float | None:
        """Seconds that a decision takes this author, from the last ones without the breaks; None before the third."""
        rows = self.book.database.rows(
            "SELECT min(time) FROM (SELECT time, step AS step FROM adjustments WHERE step IS NOT NULL AND author = ?"
            " AND undoes IS NULL UNION ALL SELECT time, 'r' || id FROM remarks WHERE author = ?"
            " UNION ALL SELECT time, 'a' || id FROM answers WHERE author = ?) GROUP BY step ORDER BY 1 DESC LIMIT ?",
            author, author, author, GAPS,
        )  # fmt: skip
        times = [datetime.fromisoformat(row[0]) for row in rows]
        gaps = [(after - before).total_seconds() for after, before in itertools.pairwise(times)]
        working = [gap for gap in gaps if 0 < gap <= IDLE]
        return statistics.fmean(working) if len(working) >= 2 else None

    # Decisions

    def decide(
        self, entry: Entry, points: float, *, author: str, seen: int, comments: Sequence[int] = (), why: str = ""
    ) -> None:
        """Points for an entry's item. Raises Conflict if someone decided on it since `seen`."""
        one = Decision(entry.student, entry.item, points, seen, tuple(comments), why)
        graded = ACCEPTED if points == entry.score else decisions.LOOKED
        decisions.decide(self.book, [one], author=author, most=self.queue.most, graded=graded)
        self.note_written([entry.student])

    def decide_group(
        self, group: Failing, points: float, *, author: str, except_: set[str], seen: Mapping[str, int],
        comments: Sequence[int] = (), why: str = "",
    ) -> int:  # fmt: skip
        """The same points for all students of a group but the exceptions, in one step. Gives how many they are."""
        if not why.strip() and not comments:
            raise UsageError("a decision for a group needs a reason; type what its students are to read")
        chosen = [one for one in group.students if one not in except_]
        if not chosen:
            raise UsageError("everyone of the group is an exception; leave at least one in")
        if new := [one for one in chosen if one not in seen]:
            raise UsageError(f"{len(new)} more are in the group by now; nothing was recorded: look at the page again")
        given = [Decision(one, group.item, points, seen[one], tuple(comments), why) for one in chosen]
        decisions.decide(self.book, given, author=author, most=self.queue.most)
        self.note_written(chosen)
        return len(chosen)

    def settle_files(self, entry: Entry, text: str, *, author: str, told: str) -> None:
        """Record that a person looked at what was handed in and not taken. `told` is what the person saw of others."""
        expect_as_seen(entry, told)
        comments.say(self.book.database, entry.student, FILES, "", text.strip() or NOTHING_ELSE, author=author)
        self.note_written([entry.student])

    def take(self, entry: Entry, file: str, name: str, wanted: Sequence[str], *, author: str, told: str) -> None:
        """Record which file counts; the student is graded again with it by the next batch, or from this page."""
        expect_as_seen(entry, told)
        takes.take(self.book.database, entry.student, self.book.known_as(entry.student), file, name, wanted=wanted,
                   author=author, why="it is the one that counts")  # fmt: skip
        self.settle_files(entry, f"{file} counts as {name}, from the next grading on", author=author, told=told)

    def refuse_files(self, entry: Entry, why: str, *, author: str, told: str) -> None:
        """No points for the items that wait for a file, because none counts. What was given before stays."""
        expect_as_seen(entry, told)
        standing = {item: self.queue.standing.get((entry.student, item)) for item in entry.checks}
        given = [Decision(entry.student, item, 0.0, there.id if there else 0, (), why.strip() or NONE_COUNTS)
                 for item, there in standing.items() if not there or there.given.points is None]  # fmt: skip
        decisions.decide(self.book, given, author=author, most=self.queue.most)
        self.note_written([entry.student])

    def answer(
        self, entry: Entry, granted: bool, reason: str, *, author: str, seen: int, adjusted: int, points: float | None
    ) -> None:
        assert entry.request is not None
        requests.answer(self.book, entry.request, granted, reason, author=author, seen=seen, points=points,
                        adjusted=adjusted, most=self.queue.most)  # fmt: skip
        self.note_written([entry.student])

    def undo(self, author: str) -> Entry | None:
        """Take back the author's last decision, of whatever kind. Gives its entry."""
        kind, number = self.last_of(author)
        if kind == "remark":
            rows = self.book.database.rows("SELECT student FROM remarks WHERE id = ?", number)
            comments.take_back(self.book.database, number, author=author)
            key = self.book.id_among(rows[0][0], self.queue.students), FILES
        elif kind == "answer":
            asked = self.book.database.rows("SELECT request FROM answers WHERE id = ?", number)[0][0]
            request = next(one for one in self.queue.requests if one.id == asked)
            if request.answer != number:
                raise Changed(f"{request.by or 'someone'} decided on this request since; nothing was taken back")
            requests.reopen(self.book, request, author=author)
            key = self.book.id_among(request.student, self.queue.students), f"request-{request.id}"
        else:
            gone = decisions.undo(self.book, author)
            key = self.book.id_among(gone[0].given.student, self.queue.students), gone[0].given.item
            self.stale |= {self.book.id_among(one.given.student, self.queue.students) for one in gone}
        self.note_written([key[0]])
        return self.queue.entries.get(key)

    def last_of(self, author: str) -> tuple[str, int]:
        """The author's last decision that still counts. Raises UsageError if there is none."""
        rows = self.book.database.rows(
            "SELECT time, 'step', id FROM adjustments WHERE step IS NOT NULL AND author = ?"
            " AND undoes IS NULL AND id NOT IN (SELECT undoes FROM adjustments WHERE undoes IS NOT NULL)"
            " UNION ALL SELECT time, 'remark', id FROM remarks WHERE author = ? AND item = ? AND gone IS NULL"
            " UNION ALL SELECT time, 'answer', id FROM answers WHERE author = ? AND granted IS NOT NULL"
            " AND id IN (SELECT max(id) FROM answers GROUP BY request) ORDER BY 1 DESC LIMIT 1",
            author, author, FILES, author,
        )  # fmt: skip
        if not rows:
            raise UsageError("you have decided nothing that could be taken back")
        return str(rows[0][1]), int(rows[0][2])

    # Comments, requests and extensions

    def word(
        self, text: str, points: float, *, author: str, item: str = "", comment: int | None = None,
        seen: float | None = None,
    ) -> tuple[int, int]:  # fmt: skip
        """A new comment, or another wording of one: its number, and how many students' points it changed."""
        number, changed = decisions.word(self.book, text, points, author=author, item=item, comment=comment,
                                         most=self.queue.most, seen=seen)  # fmt: skip
        self.note_written(self.book.id_among(one, self.queue.students) for one in changed)
        return number, len(changed)

    def say(self, entry: Entry, place: str, text: str, *, author: str) -> None:
        comments.say(self.book.database, entry.student, entry.item, place, text, author=author)
        self.note_written([entry.student])

    def request(self, student: str, item: str, text: str, *, author: str) -> None:
        """Record a request that was typed in. Raises UsageError if nobody or several have that name."""
        one = self.book.student(student, self.queue.run)
        if not requests.put(self.book.database, one.id, item, text, author=author, items=self.queue.most):
            raise UsageError("this request is there already")
        self.note_written([])

    def extend(
        self, who: str, group: str, due: datetime | None, days: int, *, author: str, why: str
    ) -> tuple[str, bool]:
        """Another due date for a student or a group, in this run and all later ones. A student who is not here yet is
        known by the id that was typed. Gives what stands for the student or the group, and whether it is here."""
        from grader.course.people import fitting

        if who and group:
            raise UsageError("give either a student or a group; an extension is for one of them")
        in_file = self.extensions_in_file()  # if they cannot be read, nothing is recorded: they would count no more
        found = fitting(list(self.queue.students.values()), who) if who else []
        if len(found) > 1:
            raise UsageError(f"{who} may be {' or '.join(one.id for one in found[:5])}; use the id of the one you mean")
        one = Extension(lasting(found[0]) if found else who, group, due, days)
        extensions.grant(self.book.database, one, author=author, why=why)
        self.apply_extensions(in_file)
        return one.student or group, any(extensions.those(list(self.queue.students.values()), one))

    def extensions_in_file(self) -> list[Extension]:
        """Those that the run was begun with. Raises UsageError if their file cannot be read any more."""
        run, path = self.queue.run, self.queue.run.settings.get("extensions")
        return extensions.read_extensions(Path(path), zone_of(run.late)) if path else []

    def apply_extensions(self, in_file: Sequence[Extension]) -> None:
        """Write the due dates that count into the run that is reviewed."""
        run, students = self.queue.run, list(self.queue.students.values())
        zone = zone_of(run.late)
        given = [one.extension for one in extensions.granted(self.book.database)]
        now, _ = extensions.extended(students, in_file, run.due, zone)
        now = extensions.by_hand(now, given, run.due, zone, self.book.known_as)
        changed = [new for old, new in zip(students, now, strict=True) if old.due != new.due]
        with self.book.database.writing() as connection:
            for one in changed:
                connection.execute(
                    "UPDATE submissions SET due = ? WHERE run = ? AND student = ?",
                    (one.due.isoformat() if one.due else None, run.id, one.id),
                )
        self.note_written(one.id for one in changed)


def lasting(student: Student) -> str:
    """The platform's id of a student that lasts: no e-mail address or name if there is another."""
    known = [student.ids[key] for key in student.ids if column({key: student.ids[key]}, *ID_COLUMNS)]
    return next((one for one in known if "@" not in one), next(iter(known), student.id))


def expect_as_seen(entry: Entry, told: str) -> None:
    """Raise Changed if somebody decided on a student's files since the person saw `told`."""
    if entry.told != told:
        author, _, what = entry.told.partition(": ")
        done = f"{author} decided on this in the meantime ({what})" if what else "someone took back what was decided"
        raise Changed(f"{done}; nothing of yours was recorded")
