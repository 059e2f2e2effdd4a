"""Draws the pages of the review server: entries, groups, comments, requests, extensions. Autoescape is on.

Without --names, a student is "student 12" here, and names are removed from the paths of folders and files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from starlette.responses import HTMLResponse

from grader.course import class_page, extensions, statistics, takes
from grader.course.caveats import caveats
from grader.course.decisions import users
from grader.course.gradebook import zone_of
from grader.course.job import homework_at
from grader.model import CheckResult, Row
from grader.report.audience import cleaned
from grader.report.html import environment
from grader.report.wording import WORD, clock, duration, points
from grader.review.again import Again
from grader.review.desk import Desk
from grader.review.evidence import Evidence, home_of
from grader.review.guard import Guard, Person
from grader.review.queue import WORDS, Entry, Failing, hashed

HERE = Path(__file__).parent / "templates"
PAIRS = Path(__file__).parents[1] / "similarity"  # how pairs are drawn, for all pages
KEYS = "qwertyisdfghjklzxvb"  # a comment's key: no letter that does something else
SHOWN = 200  # lines of a table


class View:
    """Pages of one desk."""

    def __init__(self, desk: Desk, guard: Guard, *, names: bool, again: Again | None = None) -> None:
        self.desk, self.guard, self.names = desk, guard, names
        self.numbered: dict[str, int] = {}
        self.templates = environment(HERE, PAIRS)
        self.css = self.templates.globals["css"] + (PAIRS / "similar.css").read_text(encoding="utf-8")
        self.templates.filters["duration"] = duration
        self.templates.globals["again"] = again

    # Who is who

    def numbers(self) -> dict[str, int]:
        """A number for each student, in an order that tells no name."""
        students = self.desk.queue.students
        if self.numbered.keys() != students.keys():
            self.numbered = {id_: at for at, id_ in enumerate(sorted(students, key=hashed), 1)}
        return self.numbered

    def called(self, student: str) -> str:
        one = self.desk.queue.students.get(student)
        if one is None:
            return student if self.names else "someone who is not in this run"
        return f"{one.name} ({one.id})" if self.names else f"student {self.numbers()[student]}"

    def masked(self, text: str, student: str) -> str:
        """A text without the student's name, id and folder, unless names are shown. A part of the name has to be
        spelled as it is: `Max` may be the student, and `max` is a function."""
        one = self.desk.queue.students.get(student)
        if self.names or one is None:
            return text
        known = dict.fromkeys(one.name.split(), 0) | dict.fromkeys(self.known(student), re.IGNORECASE)
        for name in sorted((name for name in known if len(name) > 2), key=len, reverse=True):
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "…", text, flags=known[name])
        return text

    def known(self, student: str) -> set[str]:
        """What names a student: the name, ids and folder."""
        one = self.desk.queue.students.get(student)
        told = [one.path or "", Path(one.path or "").name, one.id, one.name, *one.ids.values()] if one else []
        return {text for text in told if text}

    # Pages

    def page(self, template: str, person: Person | None, status: int = 200, **told: Any) -> HTMLResponse:
        queue = self.desk.queue
        common = {
            "person": person,
            "csrf": self.guard.csrf(person) if person else "",
            "waiting": len(queue.open()) if person else 0,
            "folder": self.desk.folder.name,
            "names": self.names,
        }
        html = self.templates.get_template(template).render(**(common | told))
        return HTMLResponse(html, status)

    def enter(self, token: str, problem: str = "") -> HTMLResponse:
        return self.page("enter.html.j2", None, token=token, problem=problem)

    def refused(self, sentence: str, status: int, person: Person | None = None) -> HTMLResponse:
        return self.page("refused.html.j2", person, status, sentence=sentence)

    def progress(self, person: Person) -> dict[str, Any]:
        queue, pace = self.desk.queue, self.desk.pace(person.author)
        left, total = len(queue.open()), len(queue.entries)
        return {
            "left": left, "total": total, "done": total - left,
            "time": f"about {duration(left * pace)} at your pace" if pace and left else "",
        }  # fmt: skip

    def overview(self, person: Person) -> HTMLResponse:
        queue = self.desk.queue
        lines: dict[tuple[str, str], list[Entry]] = {}
        for one in queue.entries.values():
            lines.setdefault((one.kind, one.item if one.kind not in ("files", "request") else ""), []).append(one)
        rows = [
            {
                "kind": WORDS[kind], "item": item, "title": queue.titles.get(item, ""), "all": len(all_),
                "open": sum(not one.settled for one in all_), "about": item or kind,
                "first": next((self.link(one) for one in all_ if not one.settled), self.link(all_[0])),
            }
            for (kind, item), all_ in lines.items()
        ]  # fmt: skip
        nxt = self.desk.next(person.session)
        return self.page("overview.html.j2", person, rows=rows, progress=self.progress(person), groups=[
            (one, self.masked(one.sentence, one.students[0])) for one in queue.groups()[:12]
        ], next=self.link(nxt) if nxt else "")  # fmt: skip

    def link(self, entry: Entry) -> str:
        return f"/at/{entry.about}/{self.guard.alias(entry.student)}"

    def entry(
        self, entry: Entry, person: Person, shown: Evidence | None, *, conflict: str = "",
        typed: Mapping[str, str] | None = None, note: str = "", status: int = 200,
    ) -> HTMLResponse:  # fmt: skip
        desk, queue = self.desk, self.desk.queue
        desk.look(person.session, person.author, entry)
        nxt, before = desk.next(person.session, entry), queue.before(entry.key)
        drawn = queue.drawn.get(entry.student)
        group, wanted = None, self.wanted() if entry.kind == "files" else []
        if drawn and entry.item:
            group = next((one for one in self.mine(entry) if len(one.students) > 1), None)
        return self.page(
            "entry.html.j2", person, status, entry=entry, who=self.called(entry.student), link=self.link(entry),
            questions=[self.masked(one, entry.student) for one in entry.questions], word=WORDS[entry.kind],
            proposal=self.proposal(entry), checks=self.checks(entry), comments=self.keyed(entry.item),
            said=self.said(entry), progress=self.progress(person), next=self.link(nxt) if nxt else "/",
            before=self.link(before) if before else "", conflict=conflict, typed=typed or {}, note=note,
            other=desk.others(person.session).get(entry.key, ""), group=group, evidence=shown,
            files=[path for path in self.files(entry) if path], wanted=wanted, meant=meant(entry, wanted),
            standing=self.standing(entry),
            word_of=WORD, masked=partial(self.masked, student=entry.student),
        )  # fmt: skip

    def mine(self, entry: Entry) -> list[Failing]:
        return [one for one in self.desk.queue.groups() if one.item == entry.item and entry.student in one.students]

    def standing(self, entry: Entry) -> str:
        """What counts now, as a sentence."""
        if entry.kind == "files":
            return entry.told
        if entry.request and entry.request.granted is not None:
            word = "granted" if entry.request.granted else "not granted"
            return f"{word} by {entry.request.by}: {entry.request.reason}"
        there = entry.standing
        if there is None or there.given.points is None:
            return ""
        return f"{points(there.given.points)} of {points(entry.most)} points by {there.given.author}: {there.given.why}"

    def proposal(self, entry: Entry) -> str:
        """What the grader proposes, and why, as a sentence."""
        if entry.kind == "review":
            return f"{points(entry.score or 0)} of {points(entry.most)} points, as measured; the question is yours"
        if entry.kind == "fault":
            return "nothing, because a check has no result; grade it again, or give points"
        if entry.kind == "request":
            at = f"{points(entry.score)} of {points(entry.most)} points" if entry.score is not None else "no points"
            return f"not granted: {at} count now"
        if entry.checks:
            items = ", ".join(entry.checks)
            return f"nothing; {items} wait for the file that counts: choose it, and grade the student again"
        return "nothing else counts; if a file does, name it, and grade the student again"

    def checks(self, entry: Entry) -> list[CheckResult]:
        """The checks that ask, else all of the item, in full."""
        report = self.desk.book.report(entry.student, self.desk.queue.run)
        found = [one for item in (report.items if report else ()) if item.id == entry.item for one in item.checks]
        asking = [one for one in found if one.name in entry.checks] or found
        return [cleaned(one, "staff") for one in asking]

    def keyed(self, item: str) -> list[tuple[str, Any, int]]:
        """The comments on an item, each with its key and how many have it."""
        count = users(self.desk.queue.standing.values())
        known = [one for one in self.desk.queue.comments.values() if one.item == item]
        return [(KEYS[at] if at < len(KEYS) else "", one, count.get(one.id, 0)) for at, one in enumerate(known)]

    def said(self, entry: Entry) -> list[tuple[int, str, str, str]]:
        """The remarks on the student's item: number, place, text and author of each."""
        ids = self.desk.book.known_as(entry.student)
        rows = self.desk.book.database.rows(
            "SELECT id, student, place, text, author FROM remarks WHERE item = ? AND gone IS NULL ORDER BY id",
            entry.item,
        )
        return [(number, place, text, author) for number, who, place, text, author in rows if who in ids]

    def files(self, entry: Entry) -> list[str]:
        return takes.seen(self.desk.book.database, entry.student) if entry.kind == "files" else []

    def wanted(self) -> list[str]:
        rubric = homework_at(home_of(self.desk.queue.run.settings)).rubric
        return [name for name in rubric.wanted if not name.startswith("*")]

    def evidence(self, entry: Entry, shown: Evidence) -> HTMLResponse:
        return HTMLResponse(self.templates.get_template("evidence.html.j2").render(
            evidence=shown, link=self.link(entry), masked=partial(self.masked, student=entry.student)))  # fmt: skip

    def groups(self, person: Person) -> HTMLResponse:
        found = self.desk.queue.groups()
        return self.page("groups.html.j2", person, groups=[
            (one, self.masked(one.sentence, one.students[0])) for one in found[:SHOWN]
        ], more=max(len(found) - SHOWN, 0))  # fmt: skip

    def group(self, one: Failing, person: Person, *, conflict: str = "", status: int = 200,
              typed: Mapping[str, str] | None = None, out: Sequence[str] = ()) -> HTMLResponse:  # fmt: skip
        queue = self.desk.queue
        members = []
        for student in one.students:
            there = queue.standing.get((student, one.item))
            given = there.given if there and there.given.points is not None else None
            members.append({
                "who": self.called(student), "alias": self.guard.alias(student), "seen": there.id if there else 0,
                "score": queue.drawn[student].score.get(one.item, 0.0), "given": given, "out": student in out,
                "link": f"/at/{one.item}/{self.guard.alias(student)}" if (student, one.item) in queue.entries else "",
            })  # fmt: skip
        return self.page("group.html.j2", person, status, group=one, members=members, conflict=conflict,
                         most=queue.most.get(one.item, 0.0), comments=self.keyed(one.item),
                         sentence=self.masked(one.sentence, one.students[0]), typed=typed or {})  # fmt: skip

    def comments(self, person: Person, *, note: str = "", conflict: str = "", status: int = 200) -> HTMLResponse:
        count = users(self.desk.queue.standing.values())
        known = sorted(self.desk.queue.comments.values(), key=lambda one: (list(self.desk.queue.most).index(one.item)
                       if one.item in self.desk.queue.most else -1, one.id))  # fmt: skip
        log = self.desk.book.database.rows(
            "SELECT id, text, points, author, time FROM wordings ORDER BY id DESC LIMIT 50"
        )
        return self.page("comments.html.j2", person, status, known=[(one, count.get(one.id, 0)) for one in known],
                         items=self.desk.queue.titles, note=note, conflict=conflict, log=log)  # fmt: skip

    def requests(self, person: Person, *, conflict: str = "", status: int = 200) -> HTMLResponse:
        lines = [
            {"who": self.called(one.student), "one": one, "link": self.link(one), "standing": self.standing(one)}
            for one in self.desk.queue.entries.values()
            if one.request
        ]
        return self.page("requests.html.j2", person, status, lines=lines, items=self.desk.queue.titles,
                         conflict=conflict)  # fmt: skip

    def extensions(self, person: Person, *, conflict: str = "", note: str = "", status: int = 200) -> HTMLResponse:
        given, run = extensions.granted(self.desk.book.database), self.desk.queue.run
        in_zone = partial(clock, zone=zone_of(run.late))  # that of the due dates that are typed in there
        return self.page("extensions.html.j2", person, status, given=given, due=run.due, clock=in_zone,
                         conflict=conflict, note=note)  # fmt: skip

    @staticmethod
    def class_policy(html: str) -> str:
        """The page's own policy, which lets its one script run; see course/class_page.py."""
        script = re.search(r"script-src 'sha256-[\w+/=]+'", html)
        return f"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; {script[0] if script else ''}"

    def class_page(self, rows: Sequence[Row]) -> str:
        """The class's page, each cause and each question a link into the review."""
        queue, book = self.desk.queue, self.desk.book
        title = next((row.report.title for row in rows if row.report), "")
        causes = {one.key for one in queue.groups()}
        asked = {(check, question): self.link(one) for one in reversed(queue.open())
                 for check in one.checks or ("",) for question in one.questions}  # fmt: skip
        faults = {
            check: self.link(one) for one in reversed(queue.open()) if one.kind == "fault" for check in one.checks
        }
        elsewhere = {question: link for (_, question), link in asked.items()}

        def group(check: str, sentence: str) -> str:
            key = statistics.cause_key(check, sentence)
            if key in causes:
                return f"/group/{key}"
            return asked.get((check, sentence)) or elsewhere.get(sentence) or faults.get(check, "")

        return class_page.render(
            statistics.survey(rows, title),
            pages={row.student.id for row in rows if row.report},
            run=f"run {queue.run.id}",
            notes=[*caveats(book, queue.run, rows)],
            suffix="" if book.released(queue.run) is None else ".staff",
            group=group,
            links=[("/", "Review"), ("/similar", "What submissions share")],
        )


def meant(entry: Entry, wanted: Sequence[str]) -> str:
    """The wanted file that the questions on a student's files are about, as far as they name one."""
    told = ((name, one) for one in entry.questions for name in wanted if name in one)
    return next(
        (name for name, one in told if re.search(rf"may be {re.escape(name)}\b|{re.escape(name)} may be in", one)), ""
    )
