"""A Report on a terminal: the table, one sentence per problem, and the path of the HTML page. Plain text elsewhere.

Student text is made harmless first. Then it goes only through `rich.text.Text`, never through markup.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console, ConsoleRenderable, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from grader.model import CheckResult, Report, Verdict
from grader.report.audience import Audience, presented
from grader.report.problems import Problem, advice, followed, not_graded, problems
from grader.report.wording import (
    ASCII_SHAPE,
    BROKE,
    SHAPE,
    WORD,
    account,
    by_hand,
    commented,
    fraction,
    harmless,
    headline,
    judged,
    task_points,
    undecided,
    wait,
)

LINES, WIDE = 16, 200  # most lines of an input that fails, and characters in each, to show it on a terminal
WHOLE = 10_000  # width in characters if lines must not be wrapped
STYLE = {
    Verdict.PASS: "green",
    Verdict.PARTIAL: "yellow",
    Verdict.NOT_IMPLEMENTED: "dim",
    Verdict.SKIPPED: "dim",
    Verdict.INTERNAL: "magenta",
}


def show(
    report: Report, *, audience: Audience = "student", page: Path | None = None, console: Terminal | None = None
) -> None:
    """Print a report; `page` is the path of its HTML page. A console without UTF-8 gets ASCII."""
    console = console or Terminal()
    console.print(render(report, audience=audience, page=page, encoding=console.lacking))


def render(
    report: Report, *, audience: Audience = "student", page: Path | None = None, encoding: str = ""
) -> ConsoleRenderable:
    """What `show` prints. With `encoding`, it uses only characters of that encoding."""
    report = presented(report, audience)
    write = Writer(encoding)
    parts: list[ConsoleRenderable] = [
        write(f"{report.title} – {report.submission}", "bold"),
        table(report, write),
        write(f"Score: {headline(report)}", "bold"),
    ]
    if account(report):
        parts.append(write(account(report), "dim"))
    if undecided(report):
        parts.append(write(f"{wait(undecided(report))} for a review", "magenta"))
    problems = [*problem_lines(report, write)]
    if problems:
        parts += [Text(), *problems]
    parts += [Text(), *footer(report, page, write)]
    return Group(*parts)


class Terminal(Console):
    """The console for output. If its reader goes away (`| head`), further output is dropped and the work continues.

    Without a terminal, lines are not wrapped, so that logs can be searched; COLUMNS overrides this.
    """

    def __init__(self, *, stderr: bool = False, width: int | None = None, soft_wrap: bool = False) -> None:
        given = dict(os.environ)
        if not given.get("COLUMNS", "").isdigit() or int(given["COLUMNS"]) == 0:
            given.pop("COLUMNS", None)  # not a usable width
        super().__init__(stderr=stderr, width=width, soft_wrap=soft_wrap, highlight=False, emoji=False, _environ=given)
        if width is None and not self.is_terminal and "COLUMNS" not in given:
            self.width = WHOLE

    @property
    def lacking(self) -> str:
        """The encoding if it lacks characters that reports use; else ""."""
        return self.encoding if self.options.ascii_only else ""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.file.fileno())
        os.close(nowhere)


class Writer:
    """Makes rich Text of plain strings, with characters that the console can encode."""

    def __init__(self, encoding: str = "") -> None:
        self.encoding = encoding

    def __call__(self, text: str, style: str = "") -> Text:
        if self.encoding:
            for shape, plain in {**ASCII_SHAPE, "…": "..."}.items():
                text = text.replace(shape, plain)
            text = text.encode(self.encoding, "replace").decode(self.encoding)
        return Text(text, style=style, overflow="fold")

    def verdict(self, verdict: Verdict) -> Text:
        return self(f"{SHAPE[verdict]} {WORD[verdict]}", STYLE.get(verdict, "red"))


class Printer:
    """Prints plain strings and tables, made harmless, with characters that the console can encode."""

    def __init__(self, console: Terminal) -> None:
        self.console = console
        self.encoding = console.lacking
        self.write = Writer(self.encoding)

    def __call__(self, what: str | ConsoleRenderable, style: str = "") -> None:
        self.console.print(self.write(harmless(what), style) if isinstance(what, str) else what)

    def table(self, columns: Sequence[str], lines: Iterable[Sequence[str]], numbers: Sequence[str] = ()) -> None:
        """Columns in `numbers` are aligned to the right."""
        grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        for name in columns:
            grid.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
        for line in lines:
            grid.add_row(*(self.write(harmless(cell)) for cell in line))
        self.console.print(grid)


def table(report: Report, write: Writer) -> Table:
    """A table of tasks in bold, each followed by its items."""
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    grid.add_column("task", no_wrap=True)
    grid.add_column("", ratio=None, overflow="fold")
    grid.add_column("points", justify="right", no_wrap=True)
    grid.add_column("verdict", no_wrap=True)
    for task in report.tasks:
        share = fraction(task_points(report, task), task.max_score, skipped=not judged(report, task))
        grid.add_row(write(task.id), write(task.title), write(share, "" if task.max_score else "dim"), "", style="bold")
        for item in task.items:
            share = fraction(report.points_of(item), item.max_score, skipped=not report.judged(item))
            worth = write(share, "" if item.max_score else "dim")
            grid.add_row(write(f" {item.id}"), write(item.title), worth, write.verdict(item.verdict))
    return grid


def problem_lines(report: Report, write: Writer) -> Iterator[ConsoleRenderable]:
    for problem in problems(report):
        yield sentence(problem.verdict, problem.items, problem.sentence, write)
        if problem.broke:
            broke = Text.assemble(write(f"{BROKE} {problem.broke}", "dim"), overflow="fold")
            yield Padding(broke, (0, 0, 0, 4), expand=False)
        if problem.output:
            printed = Text.assemble(write("printed:\n", "dim"), write(problem.output, "dim"), overflow="fold")
            yield Padding(printed, (0, 0, 0, 4), expand=False)
        if problem.example:
            yield Padding(write(pasted(problem), "dim"), (0, 0, 0, 4), expand=False)
    for one in followed(report):
        yield sentence(one.verdict, one.items, one.said, write)
        yield from first_endings(one, write)
    for one in advice(report):
        yield sentence(one.verdict, one.items, f"{one.subject}, advice: {one.said}", write)
    for one in not_graded(report):
        yield write(f"{SHAPE[one.verdict]} {one.items} not graded: {one.said}", "dim")
        yield from first_endings(one, write)


def pasted(problem: Problem) -> str:
    """The input that fails, if it is short enough for a terminal."""
    lines = problem.example.split("\n")
    if len(lines) <= LINES and max(map(len, lines)) <= WIDE:
        return f"an input that fails:\n{problem.example}"
    item = problem.cases[0][0].id
    return f"the smallest input that fails is too long to be shown here; --repro {item} writes it to a file"


def first_endings(problem: Problem, write: Writer) -> Iterator[ConsoleRenderable]:
    """Yield how checks ended on the student's own parts, if they ended in another way on right ones."""
    for _, check in problem.cases:
        first = check.followed.first if check.followed is not None else check
        if (first.verdict, first.message) != (check.verdict, check.message):
            said = f"{check.name}, on your own parts: {first.message or WORD[first.verdict]}"
            yield Padding(write(said, "dim"), (0, 0, 0, 4), expand=False)


def sentence(verdict: Verdict, ids: str, text: str, write: Writer) -> Text:
    shape = write(f"{SHAPE[verdict]} ", STYLE.get(verdict, "red"))
    return Text.assemble(shape, write(f"{ids} ", "bold"), write(text), overflow="fold")


def footer(report: Report, page: Path | None, write: Writer) -> Iterator[Text]:
    for item in (*report.items, None):
        given = report.adjustments.get(item.id if item else "late")
        if given:
            yield write(f"{f'{item.id} ' if item else ''}{by_hand(given, item)}", "magenta")
    for comment in report.remarks.comments:
        yield write(f"{f'{comment.item} ' if comment.item else ''}{commented(comment)}", "magenta")
    for reason in report.needs_review:
        yield write(f"{SHAPE[Verdict.INTERNAL]} needs review: {reason}", "magenta")
    for note in report.notes:
        yield write(f"note: {note}")
    yield write(f"isolation: {report.provenance.isolation}; seed {report.provenance.seed}", "dim")
    if page is not None:
        yield write(f"report: {page}")


@contextmanager
def progress(console: Console | None = None) -> Iterator[tuple[Callable[[CheckResult], None], Callable[[str], None]]]:
    """Live progress on a terminal, nothing elsewhere. Yields two functions to call: for each result, and for progress
    inside a long check."""
    console = console or Terminal(stderr=True)
    if not console.is_terminal:
        yield (lambda result: None), (lambda text: None)
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn("line"), TextColumn("{task.completed} checks", markup=False), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.description}", markup=False), console=console, transient=True) as bar:
        running = bar.add_task("starting", total=None)
        yield (
            lambda result: bar.update(running, advance=1, description=result.name),
            lambda text: bar.update(running, description=text),
        )
