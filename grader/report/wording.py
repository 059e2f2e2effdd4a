"""Words that all reports share: verdicts with their symbols, points, sums, times; and making hostile text harmless."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo

from grader.model import (
    Adjustment,
    CheckResult,
    Comment,
    ItemResult,
    Measure,
    Remarks,
    Report,
    Row,
    TaskResult,
    Verdict,
)

BROKE = "The check's own line broke on this answer; if the answer is right, correct the check:"
MEASURES = 5  # of a check, which are shown at once
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
WIDEST = 400  # characters of a line of printed output
SETTLED = (Verdict.PASS, Verdict.SKIPPED)

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


def capped(text: str, *, lines: int = 12) -> str:
    """At most `lines` lines of WIDEST characters, and a last line that says how many were left out."""
    rows = text.strip("\n").split("\n")
    shown = [row if len(row) <= WIDEST else row[: WIDEST - 1] + "…" for row in rows[:lines]]
    left = len(rows) - len(shown)
    return "\n".join([*shown, f"… {left} more line{'s' * (left > 1)}"] if left else shown)


def read_number(text: str) -> float:
    """A number that a person typed, as 7.5 or 7,5. Raises ValueError for any other text."""
    return float(text.replace(",", ".").replace("_", "?"))


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


def telling(measures: Sequence[Measure]) -> tuple[list[Measure], list[Measure], str]:
    """The measurements that matter: the first of those that missed their bars, else the first of all. Then the others,
    and how many they are, in words."""
    missed = [one for one in measures if not one.holds]
    shown = (missed or list(measures))[:MEASURES]
    rest = [one for one in measures if not any(one is other for other in shown)]
    return shown, rest, f"and {len(rest)} more{', within their bars' if all(one.holds for one in rest) else ''}"


def on_files(check: CheckResult) -> str:
    """The question on files that a check waits for, without which file imports the one in question."""
    return re.sub(r"^(?:[\w.]+ imports [\w.]+: )+", "", check.message)


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


def without_links(text: str) -> str:
    """The text with its addresses written so that nobody follows them by accident: https[:]//example.org."""
    return re.sub(r"\bwww\.", "www[.]", text.replace("://", "[:]//"), flags=re.IGNORECASE)
