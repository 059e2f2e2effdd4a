"""A class for research: pseudonyms instead of names and ids, and no text that names a student.

A pseudonym is computed from the student's id and the run's secret key, which stays in the gradebook. From the export
alone nobody can compute the ids, or match the pseudonyms of two runs. Free text may still show who wrote it. So what
students printed and drew is left out, and names of the class are taken out of sentences. A warning says so.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from grader.course.caveats import named
from grader.course.gradebook import Gradebook, Run
from grader.course.people import own_ids
from grader.model import Adjustment, CheckResult, Report, Row, Student
from grader.report.audience import changed

FORMATS = ("csv", "jsonl")
TEXTS = ("jsonl",)  # formats with sentences
SOMEONE = "[someone]"
SHORTEST = 3  # letters of a part of a name that is looked for; shorter ones are words, too
LONG_NUMBER = 5  # digits of an id that is looked for; shorter ones may be points


def secret(book: Gradebook, run: Run) -> bytes:
    """The run's key, drawn once."""
    with book.database.writing() as connection:
        connection.execute("INSERT OR IGNORE INTO keys VALUES (?, ?)", (run.id, secrets.token_hex(32)))
    return bytes.fromhex(book.database.rows("SELECT key FROM keys WHERE run = ?", run.id)[0][0])


def pseudonyms(book: Gradebook, run: Run) -> dict[str, str]:
    """Pseudonym by id, for everyone in a run. 60 bits, so that two of a class never meet."""
    key = secret(book, run)
    return {one.id: pseudonym(key, one.id) for one in book.students(run)}


def pseudonym(key: bytes, id_: str) -> str:
    told = hmac.digest(key, id_.encode("utf-8", "backslashreplace"), hashlib.sha256)
    return f"P-{base64.b32encode(told).decode()[:12]}"


def rows(book: Gradebook, run: Run, rows: Sequence[Row]) -> list[Row]:
    """The class under pseudonyms, sorted by them, so that the order tells nothing."""
    told, pattern = pseudonyms(book, run), naming(row.student for row in rows)
    return sorted((hidden(row, told[row.student.id], pattern) for row in rows), key=lambda row: row.student.id)


def naming(students: Iterable[Student]) -> re.Pattern[str]:
    """Finds the names and ids of a class, and parts of names, where they stand as words. A part of a name has to be
    spelled as it is: `Max` may be a student, and `max` is not."""
    whole, parts = set[str](), set[str]()
    for one in students:
        ids = own_ids(one)
        whole |= {one.id, one.name, *ids, *(text.partition("@")[0] for text in ids)}
        parts |= {part for part in re.findall(r"[^\W\d_]+", one.name) if part.istitle() or not part.isascii()}
    told = [one_of(word for word in whole if not word.isdigit() or len(word) >= LONG_NUMBER), one_of(parts)]
    return re.compile(rf"(?<!\w)(?:(?i:{told[0]})|{told[1]})(?!\w)")


def one_of(words: Iterable[str]) -> str:
    """The pattern of any of these words, the longest first; of nothing, if there is none."""
    long = sorted((word for word in words if len(word) >= SHORTEST), key=len, reverse=True)
    return "|".join(map(re.escape, long)) or "(?!)"


def hidden(row: Row, told: str, pattern: re.Pattern[str]) -> Row:
    """A student's line, with nothing that names anyone of the class. Times become unknown: they find people, too."""

    def clean(text: str) -> str:
        return pattern.sub(SOMEONE, text)

    student = Student(told, "", problem=clean(row.student.problem))
    return Row(student, row.report and anonymous(row.report, told, clean))


def anonymous(report: Report, told: str, clean: Callable[[str], str]) -> Report:
    def check(one: CheckResult) -> CheckResult:
        return replace(
            one,
            message=clean(one.message),
            where=clean(one.where),
            output="",
            advice=tuple(map(clean, one.advice)),
            review=tuple(map(clean, one.review)),
            figures=(),
        )

    def adjustment(one: Adjustment) -> Adjustment:
        return replace(one, student=told, author="staff", why=clean(one.why))

    remarks = replace(report.remarks, adjustments=tuple(map(adjustment, report.remarks.adjustments)), comments=())
    return changed(replace(report, submission=told, digest="", remarks=remarks), clean, check)


def warnings(rows: Sequence[Row], format_: str) -> Iterator[str]:
    """What a person should read before the export is shared."""
    if format_ not in TEXTS:
        return
    yield "printed output and figures are left out; the sentences may still tell who wrote the work: read them first"
    if marked := [row.student.id for row in rows if SOMEONE in repr(row)]:
        yield f"{named(marked)}: their text named someone of the class, which is {SOMEONE} now"
