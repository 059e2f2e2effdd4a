"""The problems of a report, one sentence each. Checks with the same problem at the same place share a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from grader.model import CheckResult, ItemResult, Report, Verdict
from grader.report.wording import SETTLED, WORD, capped, checks

Case = tuple[ItemResult, CheckResult]
UNFINISHED = (Verdict.NOT_IMPLEMENTED, "not implemented yet", "")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is `said` about one or more checks, and `where`: the student's line, as "network.py:31", or ""."""

    verdict: Verdict
    said: str
    where: str
    cases: tuple[Case, ...]

    @property
    def items(self) -> str:
        return ", ".join(dict.fromkeys(item.id for item, _ in self.cases))

    @property
    def subject(self) -> str:
        """The check, or the number of checks; "" if the items say enough."""
        if self.verdict is Verdict.NOT_IMPLEMENTED and not self.where:
            return ""
        return self.cases[0][1].name if len(self.cases) == 1 else f"{len(self.cases)} checks"

    @property
    def sentence(self) -> str:
        place = f" ({self.where})" if self.where else ""
        return f"{self.subject}{place}: {self.said}" if self.subject else self.said

    @property
    def output(self) -> str:
        """What the student's code printed, in the first of the checks that has output."""
        return capped(next((check.output for _, check in self.cases if check.output.strip()), ""))

    @property
    def example(self) -> str:
        """The smallest input that fails, of the first of the checks that has one."""
        return next((check.example for _, check in self.cases if check.example), "")

    @property
    def broke(self) -> str:
        """The line that broke in the first of the checks that did."""
        return next((check.broke for _, check in self.cases if check.broke), "")

    @property
    def earned(self) -> float:
        return math.fsum(check.earned for _, check in self.cases)

    @property
    def points(self) -> float:
        return math.fsum(check.points for _, check in self.cases)

    @property
    def costs(self) -> bool:
        """Whether it lost points. Checks that wait for a person, or have no points, lose none."""
        return any(not check.waits and check.earned < check.points for _, check in self.cases)


def problems(report: Report) -> list[Problem]:
    """Problems for readers. All items that are not implemented share one sentence."""
    return together(
        (UNFINISHED if is_unfinished(item, check) else ending(check), (item, check))
        for item, check in checks(report)
        if check.verdict not in SETTLED or (item.verdict is Verdict.NOT_IMPLEMENTED and not is_skipped(check))
    )


def costliest(report: Report) -> list[Problem]:
    """Problems for places that show few: each at its own line, with the questions that wait for a person."""
    found = together(
        (UNFINISHED if is_unfinished(item, check) and not check.where else ending(check), (item, check))
        for item, check in checks(report)
        if check.waits or check.verdict not in SETTLED
    )
    return sorted(found, key=lambda problem: problem.earned - problem.points)


def is_unfinished(item: ItemResult, check: CheckResult) -> bool:
    """Whether a check says no more than that its item is not implemented."""
    return item.verdict is Verdict.NOT_IMPLEMENTED and (not check.message or UNFINISHED[1] in check.message)


def advice(report: Report) -> list[Problem]:
    """Advice, which costs no points."""
    return together(
        ((Verdict.SKIPPED, said, ""), (item, check)) for item, check in checks(report) for said in check.advice
    )


def followed(report: Report) -> list[Problem]:
    """Checks that were graded again on right parts, and what came of it."""
    return together(
        ((check.followed.again.verdict, check.followed.said, ""), (item, check))
        for item, check in checks(report)
        if check.followed is not None and check.verdict is not Verdict.SKIPPED
    )


def not_graded(report: Report) -> list[Problem]:
    """Checks that were not judged, with the reasons."""
    return together(
        ((check.verdict, check.message, ""), (item, check)) for item, check in checks(report) if is_skipped(check)
    )


def is_skipped(check: CheckResult) -> bool:
    """Whether a check was not judged, and waits for nobody."""
    return check.verdict is Verdict.SKIPPED and not check.waits


def ending(check: CheckResult) -> tuple[Verdict, str, str]:
    return check.verdict, check.message or WORD[check.verdict], check.where


def together(found: Iterable[tuple[tuple[Verdict, str, str], Case]]) -> list[Problem]:
    """One problem for all cases with the same result, in order of first appearance."""
    cases: dict[tuple[Verdict, str, str], list[Case]] = {}
    for end, case in found:
        cases.setdefault(end, []).append(case)
    return [Problem(*end, tuple(those)) for end, those in cases.items()]
