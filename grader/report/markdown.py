"""A Report as GitHub's Markdown, for the page of a CI's run: the table, and a sentence for each problem.

A student's text appears only as code, in a span or in <pre>, where nothing is a heading, a link, an address, a mention
or HTML. Every special character in other texts is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from grader.model import Report
from grader.report.audience import Audience, presented
from grader.report.problems import Problem, advice, followed, not_graded, problems
from grader.report.wording import SHAPE, WORD, fraction, headline, judged, task_points, undecided, wait

ROOM = 900_000  # bytes; GitHub refuses a summary of more than a MiB, other texts of the same step included
MARK = re.compile(r"[!-/:-@\[-`{-~]")


def render(report: Report, *, audience: Audience = "student") -> str:
    """At most ROOM bytes. If there is more, the text says how much was left out."""
    report = presented(report, audience)
    head = "".join(f"{line}\n" for line in overview(report))
    tail = "".join(f"{line}\n" for line in footer(report))
    room = ROOM - len((head + tail).encode())
    told = [sentence(problem) for problem in problems(report)]
    told += [line(one, one.subject) for one in followed(report)]
    told += [line(one, f"{one.subject}, advice") for one in advice(report)]
    told += [line(one, "not graded") for one in not_graded(report)]
    shown: list[str] = []
    for at, text in enumerate(told):
        room -= len(text.encode())
        if room < 0:
            shown.append(f"- … and {len(told) - at} more, which the log names\n")
            break
        shown.append(text)
    return head + "".join(shown) + tail


def overview(report: Report) -> Iterator[str]:
    yield f"### {escaped(report.title)}\n"
    yield f"{code(report.submission)}: **{escaped(headline(report))}**\n"
    if waiting := undecided(report):
        yield f"{wait(waiting)} for a review.\n"
    yield "| task | | points | verdict |"
    yield "| --- | --- | ---: | --- |"
    for task in report.tasks:
        share = fraction(task_points(report, task), task.max_score, skipped=not judged(report, task))
        yield f"| **{escaped(task.id)}** | **{escaped(task.title)}** | **{share}** | |"
        for item in task.items:
            share = fraction(report.points_of(item), item.max_score, skipped=not report.judged(item))
            verdict = f"{escaped(SHAPE[item.verdict])} {WORD[item.verdict]}"
            yield f"| {escaped(item.id)} | {escaped(item.title)} | {share} | {verdict} |"
    yield ""


def sentence(problem: Problem) -> str:
    """The line, and the printed output in a folded section."""
    said = line(problem, problem.subject)
    if not problem.output:
        return said
    title = f"{escape(problem.items)} printed"
    return f"{said}\n<details><summary>{title}</summary>\n\n<pre>\n{escape(problem.output)}\n</pre>\n\n</details>\n\n"


def line(problem: Problem, subject: str) -> str:
    place = f" {code(problem.where)}" if problem.where else ""
    about = f" {escaped(subject)}" if subject else ""
    return f"- {escaped(SHAPE[problem.verdict])} **{escaped(problem.items)}**{about}{place}: {code(problem.said)}\n"


def footer(report: Report) -> Iterator[str]:
    yield ""
    for reason in report.needs_review:
        yield f"- needs review: {code(reason)}"
    for note in report.notes:
        yield f"- note: {code(note)}"
    yield f"\nIsolation: {code(report.provenance.isolation)}; seed {report.provenance.seed}"


def code(text: str) -> str:
    """A hostile line as a code span. No run of backticks in the line is as long as the span's fence. In a line of
    LONGEST characters the fence has fewer than 80 backticks, the most that GitHub's parser takes for one."""
    runs = {len(run) for run in re.findall("`+", text)}
    fence = "`" * next(length for length in range(1, len(runs) + 2) if length not in runs)
    return f"{fence} {text or ' '} {fence}"


def escaped(text: str) -> str:
    """A line of the homework's own. Each mark in it becomes a character reference, which Markdown takes for text."""
    return MARK.sub(lambda mark: f"&#{ord(mark[0])};", text)
