"""What `--watch` shows: the table, and what changed since the last save. Where there is no terminal, plain lines."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from grader.model import CheckResult, ItemResult, Report, Verdict
from grader.report import text
from grader.report.audience import Audience, cleaned
from grader.report.wording import checks, headline, points

RIGHT, WRONG, STILL, SKIPPED = "newly right", "newly wrong", "not right yet", "not graded any more"
STYLE = {RIGHT: "green", WRONG: "red", STILL: "yellow", SKIPPED: "dim"}


class Screen:
    """Redraws a terminal after each save. Elsewhere it prints a line for each result that changed."""

    def __init__(self, console: text.Terminal, audience: Audience, place: str, page: Path | None) -> None:
        self.console, self.audience, self.place, self.page = console, audience, place, page
        self.say = text.Printer(console)
        self.first = True
        self.saved: Sequence[str] = ()
        self.before: dict[str, tuple[ItemResult, CheckResult]] = {}
        self.score = ""
        self.lines: list[tuple[str, str]] = []
        self.causes: dict[tuple[Verdict, str, str], str] = {}

    @property
    def gone(self) -> bool:
        """Whether the reader of the output is gone."""
        return self.console.quiet

    def begin(self, saved: Sequence[str], report: Report, items: Sequence[str]) -> None:
        """Say that files were saved, and which `items` depend on them. `report` holds the results before that."""
        self.saved, self.score = saved if items else (), points(report.final)
        self.before = {check.name: (item, check) for item, check in checks(report)}
        self.lines, self.causes = [], {}
        if saved:
            again = f"graded again: {', '.join(items)}" if items else "nothing that is graded here depends on it"
            self.say(f"saved {', '.join(saved)}; {again}", "dim")

    @contextmanager
    def progress(self) -> Iterator[tuple[Callable[[CheckResult], None], Callable[[str], None]]]:
        """As text.progress, and prints each change at once."""
        with text.progress(self.console) as (told, going):

            def on_result(result: CheckResult) -> None:
                told(result)
                if not self.first:
                    self.compare(result)

            yield on_result, going

    def compare(self, result: CheckResult) -> None:
        """Print how a check's result changed. Checks with the same cause share one sentence."""
        item, before = self.before[result.name]
        now = cleaned(result, self.audience)
        kind = change(cleaned(before, self.audience), now)
        if not kind:
            return
        place = f" ({now.where})" if now.where else ""
        cause = (now.verdict, now.message, now.where)
        same = self.causes.setdefault(cause, f"{item.id} {now.name}")
        because = "" if kind == RIGHT or not now.message else f": {now.message}"
        if because and same != f"{item.id} {now.name}":
            because, place = f", as {same}", ""
        self.lines.append((kind, f"{kind}: {item.id} {now.name}{place}{because}"))
        self.say(self.lines[-1][1], STYLE[kind])

    def show(self, report: Report, since: float, waiting: Sequence[str], problems: Sequence[str]) -> None:
        """Show the results after a save noticed at `since`. The `waiting` items are graded next; `problems` say why
        a file was not graded."""
        drawn = self.console.is_terminal
        if drawn:
            self.console.clear()
        if drawn or self.first:
            encoding = self.console.lacking
            self.console.print(text.render(report, audience=self.audience, page=self.page, encoding=encoding))
        for kind, line in self.lines if drawn else ():
            self.say(line, STYLE[kind])
        if drawn or not self.first:
            self.say(self.status(report, time.monotonic() - since), "bold")
        for sentence in problems:
            self.warn(sentence)
        if waiting:
            self.say(f"being graded: {', '.join(waiting)}", "dim")
        if self.first or (drawn and not waiting):
            self.say(f"watching {self.place}; Ctrl-C ends", "dim")
        self.first = False

    def status(self, report: Report, seconds: float) -> str:
        """The score, and the one before the save."""
        score, now = headline(report), points(report.final)
        if not self.saved:
            return f"Score: {score}"
        before = f", before {self.score}" if self.score != now else ""
        nothing = "" if self.lines else "; no check's result changed"
        return f"Score: {score}{before}; {', '.join(self.saved)} graded in {seconds:.2g} s{nothing}"

    def warn(self, sentence: str) -> None:
        self.say(sentence, "magenta")


def change(before: CheckResult, now: CheckResult) -> str:
    """How a result changed, in a few words; "" if it did not."""
    if now.verdict is Verdict.PASS:
        return "" if before.verdict is Verdict.PASS else RIGHT
    if now.verdict is Verdict.SKIPPED:
        return "" if before.verdict is Verdict.SKIPPED else SKIPPED
    if before.verdict is Verdict.PASS:
        return WRONG
    same = (before.verdict, before.earned, before.message) == (now.verdict, now.earned, now.message)
    return "" if same else STILL
