"""What a report's reader sees: what is released and visible, in harmless text. Staff see all of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, Literal

from grader.model import CheckResult, FollowThrough, ItemResult, Remarks, Report, Verdict
from grader.report.wording import by_item, checks, harmless, points, without_links

Audience = Literal["student", "staff"]
PICTURES = ("image", "images")  # keys of a figure's data that hold pixels
INTERNAL_MESSAGE = "a fault of the grader; needs review"


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
    """A presented report for a log that is read in a browser. What a student wrote makes no link there. What it printed
    does not begin at the margin, where programs that read a log look for errors and files."""

    def quote(check: CheckResult) -> CheckResult:
        return replace(
            check,
            message=without_links(check.message),
            where=without_links(check.where),
            example=without_links(check.example),
            broke=without_links(check.broke),
            output="".join(
                f"| {line}\n" for line in without_links(check.output).rstrip("\n").split("\n") if check.output
            ),
            advice=tuple(map(without_links, check.advice)),
            review=tuple(map(without_links, check.review)),
            followed=reworded(check.followed, without_links),
        )

    return changed(report, without_links, quote)


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
        broke=harmless(check.broke) if audience == "staff" else "",
        advice=tuple(harmless(sentence) for sentence in check.advice),
        measures=tuple(replace(measure, name=harmless(measure.name)) for measure in check.measures),
        review=tuple(harmless(sentence) for sentence in check.review),
        figures=tuple(
            replace(figure, title=harmless(figure.title), data=harmless_data(figure.data)) for figure in check.figures
        ),
        followed=reworded(check.followed, harmless),
    )


def reworded(given: FollowThrough | None, text: Callable[[str], str]) -> FollowThrough | None:
    """What is said of a check that was graded again, with `text` applied to each sentence."""
    if given is None:
        return None
    first, again = (
        replace(one, message=text(one.message), where=text(one.where)) for one in (given.first, given.again)
    )
    return replace(given, first=first, again=again, said=text(given.said))


def released(report: Report) -> Report:
    """The report with the items that the course has released. Of the others, only titles and maximum points stay."""
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
    if len(held) == len(report.items):
        return replace(report, tasks=tasks, notes=(), needs_review=(), remarks=Remarks(released=given))
    questions = tuple(reason for reason in report.needs_review if reason.partition(": ")[0] not in names)
    adjustments = tuple(one for one in report.remarks.adjustments if one.item not in ids)
    comments = tuple(one for one in report.remarks.comments if one.item not in ids)
    remarks = replace(report.remarks, adjustments=adjustments, comments=comments)
    return replace(report, tasks=tasks, needs_review=questions, remarks=remarks)


def withheld(item: ItemResult) -> ItemResult:
    """The item as a student sees it before its release."""
    title, told = "What your course has not released yet", "not released yet"
    later = CheckResult(f"held_{item.id}", title, Verdict.SKIPPED, 0.0, item.max_score, told)
    return replace(item, score=0.0, checks=(later,))


def as_seen(report: Report) -> Report:
    """The report with the checks that its student may see. A line says how many points the others have."""
    report = released(report)
    unseen = {check.name for _, check in checks(report) if not is_seen(check, report.remarks.after_due)}
    if not unseen:
        return report
    report = without_follow_through(report, {item.id for item, check in checks(report) if check.name in unseen})
    tasks = tuple(replace(task, items=tuple(item_seen(item, unseen) for item in task.items)) for task in report.tasks)
    asked = tuple(reason for reason in report.needs_review if reason.partition(": ")[0] not in unseen)
    return replace(report, tasks=tasks, needs_review=asked)


def without_follow_through(report: Report, items: Collection[str]) -> Report:
    """The report without what was graded again because one of `items` is wrong: these have checks that the student does
    not see, and it would tell how they ended."""

    def without(check: CheckResult) -> CheckResult:
        known = check.followed is None or not set(items) & set(check.followed.items)
        return check if known else replace(check, followed=None)

    return changed(report, str, without)


def is_seen(check: CheckResult, after_due: bool) -> bool:
    return check.visibility == "visible" or (after_due and check.visibility == "after_due")


def item_seen(item: ItemResult, unseen: Collection[str]) -> ItemResult:
    """The item without its `unseen` checks. One line stands for all of them and has their points."""
    kept = tuple(check for check in item.checks if check.name not in unseen)
    most = math.fsum(check.points for check in item.checks if check.name in unseen)
    if len(kept) == len(item.checks):
        return item
    told = f"{points(most)} {'point is' if most == 1 else 'points are'} measured after you hand in"
    later = CheckResult(f"later_{item.id}", "What is measured after you hand in", Verdict.SKIPPED, 0.0, most, told)
    return ItemResult.of(item.id, item.title, item.max_score, (*kept, later))


def harmless_data(data: Any) -> Any:
    """A figure's data with every text made harmless. Pictures are base64 and stay unchanged."""
    if isinstance(data, Mapping):
        return {harmless(key): part if key in PICTURES else harmless_data(part) for key, part in data.items()}
    if isinstance(data, list | tuple):
        return [harmless_data(part) for part in data]
    return harmless(data) if isinstance(data, str) else data


def changed(report: Report, text: Callable[[str], str], check: Callable[[CheckResult], CheckResult]) -> Report:
    """The report with `text` applied to its sentences, and `check` to its checks."""
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
