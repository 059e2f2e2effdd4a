"""Wording that all reports share: words and symbols of verdicts, points and sums; and making hostile text harmless."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, tzinfo
from typing import Any, Literal

from grader.model import (
    Adjustment,
    CheckResult,
    Comment,
    FollowThrough,
    ItemResult,
    Measure,
    Remarks,
    Report,
    Row,
    TaskResult,
    Verdict,
)

Audience = Literal["student", "staff"]

WORD = {
    Verdict.PASS: "pass",
    Verdict.PARTIAL: "partial",
    Verdict.FAIL: "fail",
    Verdict.NOT_IMPLEMENTED: "not implemented",
    Verdict.RAISED: "raised",
    Verdict.TIMEOUT: "timeout",
    Verdict.MEMORY: "memory",
    Verdict.CRASH: "crash",
    Verdict.DENIED: "denied",
    Verdict.SKIPPED: "not graded",
    Verdict.INTERNAL: "needs review",
}
# Symbols that common fonts have, and ASCII for consoles that cannot encode them.
SHAPE = {
    Verdict.PASS: "✓",
    Verdict.PARTIAL: "◐",
    Verdict.FAIL: "✗",
    Verdict.NOT_IMPLEMENTED: "○",
    Verdict.RAISED: "✗",
    Verdict.TIMEOUT: "✗",
    Verdict.MEMORY: "✗",
    Verdict.CRASH: "✗",
    Verdict.DENIED: "■",
    Verdict.SKIPPED: "–",
    Verdict.INTERNAL: "?",
}
ASCII_SHAPE = {"✓": "+", "◐": "~", "✗": "x", "○": "o", "■": "#", "–": "-", "?": "?"}

PLACE = re.compile(r"([\w.-]+):([1-9][0-9]{0,6})")  # a line of a student's file, as a check names it
LONGEST = 2000  # characters of a sentence; printed output has its own limit in the rubric
PICTURES = ("image", "images")  # keys of a figure's data that hold pixels
SETTLED = (Verdict.PASS, Verdict.SKIPPED)
INTERNAL_MESSAGE = "a fault of the grader; needs review"

# Escape sequences by ECMA-48: CSI; then strings up to their terminator (OSC, DCS, ...); then all others.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)


def harmless(text: str, *, lines: bool = False) -> str:
    """The text without terminal escapes, control characters, bidi overrides and lone surrogates.

    Without `lines`, the result is one line of at most LONGEST characters. Tabs become spaces. A carriage return becomes
    a line break, so text that it would overwrite stays.
    """
    if not (text.isascii() and text.isprintable()):  # nearly all texts hold nothing to look for
        text = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
        text = "".join(char if char == "\n" or _shown(char) else "\ufffd" * _replaced(char) for char in text)
    if lines:
        return text
    text = " ".join(text.split("\n"))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _shown(char: str) -> bool:
    """Whether a character is visible: not control (Cc), format (Cf: bidi, zero width), surrogate, private, unassigned
    or a line separator."""
    return (char.isascii() and char.isprintable()) or unicodedata.category(char) not in _UNSHOWN


_UNSHOWN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


def _replaced(char: str) -> bool:
    """Whether a character gets a placeholder: a lone surrogate stands for a byte. Other invisible ones are dropped."""
    return unicodedata.category(char) == "Cs"


def capped(text: str, *, lines: int = 12, width: int = 400) -> str:
    """At most `lines` lines of `width` characters, and a last line that says how many were left out."""
    rows = text.strip("\n").split("\n")
    shown = [row if len(row) <= width else row[: width - 1] + "…" for row in rows[:lines]]
    left = len(rows) - len(shown)
    return "\n".join([*shown, f"… {left} more line{'s' * (left > 1)}"] if left else shown)


def points(value: float) -> str:
    """10, 7.5, 3.33: at most two decimals, no trailing zeros, no minus before zero."""
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")


def fraction(score: float, most: float, *, skipped: bool = False) -> str:
    """ "7.5 / 10", "– / 10" if nothing was judged, or "no points"."""
    return f"{SHAPE[Verdict.SKIPPED] if skipped else points(score)} / {points(most)}" if most else "no points"


def wait(value: float) -> str:
    """As in "1 point waits", "2.5 points wait"."""
    return f"{points(value)} {'point waits' if points(value) == '1' else 'points wait'}"


def number(value: float) -> str:
    """A measured value: 3 significant digits; inf and nan by name."""
    return f"{value:.3g}"


def duration(seconds: float) -> str:
    """12 s, 3 min 20 s, 2 h 5 min: at most two units."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def clock(at: datetime, zone: tzinfo | None = None) -> str:
    """A time in `zone`, or in this machine's zone, with the zone's name."""
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")


def mib(size: float) -> str:
    """Bytes as whole MiB."""
    return f"{size / (1 << 20):.0f}"


def place_of(where: str, places: Mapping[str, str]) -> tuple[str, int] | None:
    """A student's own line as path and number; None where `places`, base name -> path, does not hold the file."""
    found = PLACE.fullmatch(where)
    return (places[found[1]], int(found[2])) if found and found[1] in places else None


def holds(measure: Measure) -> bool:
    """Whether the number is on the right side of its bar; nan never is."""
    return measure.value >= measure.bound if measure.at_least else measure.value < measure.bound


def headline(report: Report) -> str:
    """The points that count, as a sentence; points that were not judged are named separately."""
    graded = report.max_score - report.skipped
    if not report.skipped:
        return f"{points(report.final)} of {points(graded)}"
    return f"{points(report.final)} of {points(graded)} graded; {points(report.skipped)} not graded here"


def account(report: Report) -> str:
    """The steps from the points as graded to the points that count; "" if they are equal."""
    steps = [f"{points(report.score)} as graded"]
    if any(report.points_of(item) != item.score for item in report.items):
        steps.append(f"{points(report.adjusted)} after adjustments")
    late = lateness(report.remarks)
    return "; ".join([*steps, *([late] if late else [])]) if late or len(steps) > 1 else ""


def lateness(remarks: Remarks) -> str:
    if remarks.late_days is None:
        return "handed in late; the number of days is not known yet"
    cost = f", which costs {remarks.penalty:g} % of the points" if remarks.penalty else ""
    return f"{remarks.late_days} day{'s' * (remarks.late_days > 1)} late{cost}" if remarks.late_days else ""


def by_hand(given: Adjustment, item: ItemResult | None) -> str:
    """An adjustment as a sentence; without an item, it is about the days late."""
    if given.points is None:
        return f"Taken back by {given.author} on {given.time:%Y-%m-%d}, because: {given.why}"
    if item is None:
        change = f"to {given.points:g} day{'s' * (given.points != 1)} late"
    else:
        before = "" if item.verdict is Verdict.SKIPPED else f"from {points(item.score)} "
        most = points(item.max_score)
        counts = f", which count as {most}," if given.points > item.max_score else ""
        change = f"{before}to {points(given.points)} of {most} points{counts}"
    return f"Adjusted {change} by {given.author} on {given.time:%Y-%m-%d}, because: {given.why}"


def commented(comment: Comment) -> str:
    """A person's comment as a sentence, with its line."""
    place = f"{comment.place}: " if comment.place else ""
    return f"{place}{comment.text} ({comment.author}, {comment.time:%Y-%m-%d})"


def judged(report: Report, task: TaskResult) -> bool:
    """Whether anything of a task was judged, by the grader or by a person."""
    return any(report.judged(item) for item in task.items)


def task_points(report: Report, task: TaskResult) -> float:
    return math.fsum(report.points_of(item) for item in task.items)


def undecided(report: Report) -> float:
    """Points of checks that wait for a person because of a fault of the grader or a question. They are neither earned
    nor lost yet."""
    return sum(check.points for item, check in checks(report) if check.waits and item.id not in report.adjustments)


def unanswered(report: Report) -> Iterator[str]:
    """Questions that a person must still answer. An adjustment of an item answers the questions about it."""
    settled = {check.name for item, check in checks(report) if item.id in report.adjustments}
    return (reason for reason in report.needs_review if reason.partition(": ")[0] not in settled)


def by_item(report: Report) -> Iterator[str]:
    """Questions that a person must still answer. They name items instead of checks, because students do not know the
    checks' names. A question about several items appears once."""
    numbers = {check.name: item.id for item, check in checks(report)}
    asked: dict[str, list[str]] = {}
    for reason in unanswered(report):
        name, colon, question = reason.partition(": ")
        items = asked.setdefault(f"{colon}{question}" if name in numbers else reason, [])
        if name in numbers and numbers[name] not in items:
            items.append(numbers[name])
    for question, items in asked.items():
        yield f"{', '.join(items)}{question}"


def state(row: Row) -> str:
    """A student's state, in at most three words."""
    if row.report is None:
        return "not graded" if row.student.problem else "not handed in"
    return "needs review" if any(unanswered(row.report)) else "graded"


def checks(report: Report) -> Iterator[tuple[ItemResult, CheckResult]]:
    return ((item, check) for item in report.items for check in item.checks)


def message(check: CheckResult, audience: Audience) -> str:
    """A check's sentence. For a fault of the grader, staff see the details; students see only that there was one."""
    if check.verdict is Verdict.INTERNAL and audience != "staff":
        return INTERNAL_MESSAGE
    return harmless(check.message, lines=check.verdict is Verdict.INTERNAL)


def cleaned(check: CheckResult, audience: Audience) -> CheckResult:
    """The check for an audience, with every string made harmless."""
    return replace(
        check,
        title=harmless(check.title),
        message=message(check, audience),
        where=harmless(check.where),
        output=harmless(check.output, lines=True),
        example=harmless(check.example, lines=True),
        advice=tuple(harmless(sentence) for sentence in check.advice),
        measures=tuple(replace(measure, name=harmless(measure.name)) for measure in check.measures),
        review=tuple(harmless(sentence) for sentence in check.review),
        figures=tuple(
            replace(figure, title=harmless(figure.title), data=tidied(figure.data)) for figure in check.figures
        ),
        followed=told(check.followed, harmless),
    )


def told(given: FollowThrough | None, text: Callable[[str], str]) -> FollowThrough | None:
    """What is said of a check that was graded again, with a function applied to its sentences."""
    if given is None:
        return None
    first, again = (
        replace(one, message=text(one.message), where=text(one.where)) for one in (given.first, given.again)
    )
    return replace(given, first=first, again=again, said=text(given.said))


def released(report: Report) -> Report:
    """The report with what the course has released. Of each other item, only its title and maximum are left."""
    given = report.remarks.released
    held = [item for item in report.items if given is not None and item.id not in given]
    if not held:
        return report
    names = {check.name for item in held for check in item.checks}
    ids = {item.id for item in held}
    tasks = tuple(
        replace(task, items=tuple(withheld(item) if item.id in ids else item for item in task.items))
        for task in report.tasks
    )
    asked = tuple(reason for reason in report.needs_review if reason.partition(": ")[0] not in names)
    kept = tuple(one for one in report.remarks.adjustments if one.item not in ids)
    said = tuple(one for one in report.remarks.comments if one.item not in ids)
    remarks = replace(report.remarks, adjustments=kept, comments=said)
    seen = replace(report, tasks=tasks, needs_review=asked, remarks=remarks)
    nothing = len(held) == len(report.items)
    return replace(seen, notes=(), needs_review=(), remarks=Remarks(released=given)) if nothing else seen


def withheld(item: ItemResult) -> ItemResult:
    """The item as a student sees it before its release."""
    title, told = "What your course has not released yet", "not released yet"
    later = CheckResult(f"held_{item.id}", title, Verdict.SKIPPED, 0.0, item.max_score, told)
    return replace(item, score=0.0, checks=(later,))


def as_seen(report: Report) -> Report:
    """The report with what its student may see. Other checks are left out; a line says how many points they have."""
    report = released(report)
    unseen = {check.name for _, check in checks(report) if not is_seen(check, report.remarks.after_due)}
    if not unseen:
        return report
    report = untold(report, {item.id for item, check in checks(report) if check.name in unseen})
    tasks = tuple(replace(task, items=tuple(item_seen(item, unseen) for item in task.items)) for task in report.tasks)
    asked = tuple(reason for reason in report.needs_review if reason.partition(": ")[0] not in unseen)
    return replace(report, tasks=tasks, needs_review=asked)


def untold(report: Report, items: Collection[str]) -> Report:
    """The report without what was graded again on right parts because of one of `items`: the student does not see all
    checks of these."""

    def without(check: CheckResult) -> CheckResult:
        known = check.followed is None or not set(items) & set(check.followed.items)
        return check if known else replace(check, followed=None)

    return changed(report, str, without)


def is_seen(check: CheckResult, after_due: bool) -> bool:
    return check.visibility == "visible" or (after_due and check.visibility == "after_due")


def item_seen(item: ItemResult, unseen: Collection[str]) -> ItemResult:
    kept = tuple(check for check in item.checks if check.name not in unseen)
    most = math.fsum(check.points for check in item.checks if check.name in unseen)
    if len(kept) == len(item.checks):
        return item
    told = f"{points(most)} {'point is' if most == 1 else 'points are'} measured after you hand in"
    later = CheckResult(f"later_{item.id}", "What is measured after you hand in", Verdict.SKIPPED, 0.0, most, told)
    return ItemResult.of(item.id, item.title, item.max_score, (*kept, later))


def tidied(data: Any) -> Any:
    """A figure's data with every text made harmless. Pictures are base64 and stay unchanged."""
    if isinstance(data, Mapping):
        return {harmless(key): part if key in PICTURES else tidied(part) for key, part in data.items()}
    if isinstance(data, list | tuple):
        return [tidied(part) for part in data]
    return harmless(data) if isinstance(data, str) else data


def presented(report: Report, audience: Audience) -> Report:
    """The report for an audience, with every string made harmless. Every renderer starts with this."""
    report = report if audience == "staff" else as_seen(report)
    report = replace(
        report,
        title=harmless(report.title),
        needs_review=tuple(dict.fromkeys(by_item(report))),
        provenance=replace(report.provenance, isolation=harmless(report.provenance.isolation)),
        remarks=replace(
            report.remarks,
            adjustments=tuple(
                replace(one, author=harmless(one.author), why=harmless(one.why)) for one in report.remarks.adjustments
            ),
            comments=tuple(
                replace(one, place=harmless(one.place), text=harmless(one.text), author=harmless(one.author))
                for one in report.remarks.comments
            ),
        ),
    )
    return changed(report, harmless, lambda check: cleaned(check, audience))


def quoted(report: Report) -> Report:
    """A presented report for a log that people read in a browser. What a student wrote is no link there. Printed lines
    do not begin at the margin, where a log's reader looks for errors and files."""

    def quote(check: CheckResult) -> CheckResult:
        return replace(
            check,
            message=without_links(check.message),
            where=without_links(check.where),
            example=without_links(check.example),
            output="".join(
                f"| {line}\n" for line in without_links(check.output).rstrip("\n").split("\n") if check.output
            ),
            advice=tuple(map(without_links, check.advice)),
            review=tuple(map(without_links, check.review)),
            followed=told(check.followed, without_links),
        )

    return changed(report, without_links, quote)


def without_links(text: str) -> str:
    """The text with its addresses written so that nobody follows them by accident: https[:]//example.org."""
    return re.sub(r"\bwww\.", "www[.]", text.replace("://", "[:]//"), flags=re.IGNORECASE)


def changed(report: Report, text: Callable[[str], str], check: Callable[[CheckResult], CheckResult]) -> Report:
    """The report with a function applied to its sentences, and another to its checks."""
    tasks = (
        replace(task, items=tuple(replace(item, checks=tuple(map(check, item.checks))) for item in task.items))
        for task in report.tasks
    )
    return replace(
        report,
        submission=text(report.submission),
        notes=tuple(map(text, report.notes)),
        needs_review=tuple(dict.fromkeys(map(text, report.needs_review))),
        tasks=tuple(tasks),
    )
