"""One self-test: the controls, then right work, then mutants."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from grader.errors import UsageError
from grader.grading import expect_known
from grader.mistakes import said
from grader.model import Check, CheckResult, Homework, Limits, Submission, Verdict
from grader.selftest import equivalents
from grader.selftest.answers import leaves
from grader.selftest.causes import cause
from grader.selftest.equivalents import Equivalent, fits
from grader.selftest.mutants import SILENT, Mutant, controls, mutants
from grader.selftest.runs import Grader, Run
from grader.selftest.survey import OUTPUT, Survey, survey
from grader.selftest.table import Judged, Rejection, Table
from grader.selftest.wheats import LEAST, wheats

SEEDS, QUICK_SEEDS = 20, 1  # of right work
OURS = "_selftest"  # how the names in inserted.py begin
QUICK = 2  # mutants of each function and operator
PATIENCE = 30  # how many times as long as for the reference a check may take
LEAST_SECONDS = 3.0  # what it is always given


@dataclass(frozen=True, slots=True)
class Plan:
    """What a self-test is to do. `known` is wrong work that the homework names, which checks should reject."""

    homework: Homework
    reference: Submission
    items: tuple[str, ...]
    quick: bool = False
    seeds: int = SEEDS
    known: tuple[Submission, ...] = ()
    on_progress: Callable[[str], None] = lambda text: None


def chosen(homework: Homework, only: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The items to try, and those that are not: unless they are asked for, items that read a data set take too long.
    Items without checks are neither.

    Raises UsageError for an id that the rubric does not have.
    """
    expect_known(homework, only)
    tried: list[str] = []
    others: list[str] = []
    for task in homework.rubric.tasks:
        for item in (one for one in task.items if one.checks):
            asked = item.id in only or (task.id in only and not (item.data or task.data))
            plain = not only and not (item.data or task.data)
            (tried if asked or plain else others).append(item.id)
    return tuple(tried), tuple(others)


def tested(plan: Plan, grade: Grader) -> Table:
    """The table of one self-test. It ends where a check breaks on the reference, or after controls that it does not
    reject."""
    began = time.monotonic()
    homework = plan.homework
    table = Table(homework.rubric.title, plan.items)
    plan.on_progress("the reference")
    seen = surveyed(plan, grade)
    limits = patience(homework.rubric.limits, seen.results)
    table.alone = seen.alone
    table.notes += notes_on(seen, whole=plan.items == chosen(homework, ())[0])
    broken = [one for one in seen.results if one.verdict is Verdict.INTERNAL]
    table.faults += [f"the reference breaks the check {one.name}: {said(one, homework.folder)}" for one in broken]
    if not broken:
        grade_controls(plan, grade, limits, seen, table)
    if not broken and not table.uncontrolled:
        grade_right_work(plan, grade, limits, table)
        grade_mutants(plan, grade, limits, seen, table)
    table.seconds = time.monotonic() - began
    return table


def surveyed(plan: Plan, grade: Grader) -> Survey:
    """Raises UsageError where the reference does not pass, unless a check broke."""
    own = plan.homework.rubric.limits

    def told(reference: Submission) -> list[CheckResult]:
        return list(next(grade([Run(reference, 0, plan.items)], replace(own, output=OUTPUT)))[1])

    seen = survey(plan.homework, plan.reference, told)
    for result in seen.results:
        if refuses(result) and result.verdict is not Verdict.INTERNAL:
            raise UsageError(f"the reference fails {result.name}: {first_line(result.message)}; correct one of them")
    return seen


def patience(limits: Limits, results: Iterable[CheckResult]) -> Limits:
    """Limits under which a mutant that never ends costs little: several times what the reference took."""
    seconds = max(LEAST_SECONDS, PATIENCE * max((one.seconds for one in results), default=0.0))
    return replace(
        limits,
        call_cpu=min(limits.call_cpu, seconds),
        call_wall=min(limits.call_wall, 2 * seconds),
        check_wall=min(limits.check_wall, 4 * seconds),
    )


def notes_on(seen: Survey, *, whole: bool) -> Iterator[str]:
    if seen.alone and whole:
        yield f"no check that is tried runs {', '.join(seen.alone)}: nothing is changed there"
    skipped = [one for one in seen.results if one.verdict is Verdict.SKIPPED]
    yield from (f"{one.name} was not tried: {first_line(one.message)}" for one in skipped)


def refuses(result: CheckResult) -> bool:
    """Whether a check found something wrong."""
    return result.verdict not in (Verdict.PASS, Verdict.SKIPPED) or result.earned < result.points


def first_line(message: str) -> str:
    return next(iter(message.strip().splitlines()), "")


# Controls


def grade_controls(plan: Plan, grade: Grader, limits: Limits, seen: Survey, table: Table) -> None:
    """Each check has to reject a wrong answer of a function that it is about; else of one that it runs, or a work that
    the homework knows to be wrong. Where functions only raise, the wrong answer is that they do not."""
    checks = {one.name: plan.homework.checks[one.name] for one in seen.results if one.verdict is Verdict.PASS}
    built = list(controls(seen, plan.reference))
    runs = [Run(one.made_in(plan.reference), 0, items_of(plan, one.function.reached)) for one in built]
    table.controls = len(runs)
    plan.on_progress("wrong answers of each kind")
    rejected: dict[str, set[str]] = {name: set() for name in checks}
    for run, results in grade(runs, limits):
        for result in results:
            if result.name in rejected and refuses(result) and result.verdict is not Verdict.INTERNAL:
                rejected[result.name].add(run.submission.name)
    lacking = []
    for name, check in checks.items():
        near = nearest(check, built)
        if not any(one.name in rejected[name] for one in near):
            lacking.append(name)
            table.unmade += [name] if near and not any(map(changes, near)) else []
    if lacking and plan.known:
        known = [Run(one, 0, items_of(plan, lacking)) for one in plan.known]
        table.controls += len(known)
        for _, results in grade(known, limits):
            lacking = [name for name in lacking if not any(one.name == name and refuses(one) for one in results)]
    table.uncontrolled = lacking


def nearest(check: Check, built: Sequence[Mutant]) -> list[Mutant]:
    """The controls of the functions that a check is about, else of those that it runs. If any of these answer,
    those that only raise are left out."""
    reached = [one for one in built if check.name in one.function.reached]
    ranks = [(not f"{one.function.name}.".startswith(f"{check.about}."), one.change == SILENT) for one in reached]
    return [one for one, rank in zip(reached, ranks, strict=True) if rank == min(ranks)]


def changes(control: Mutant) -> bool:
    """Whether a control can make anything wrong: a function may give nothing that holds a number or a text."""
    return control.change == SILENT or any(leaves(control.function.gives, (), ()))


def items_of(plan: Plan, checks: Iterable[str]) -> tuple[str, ...]:
    """The items of checks, of those that are tried, in the rubric's order."""
    wanted = {plan.homework.checks[name].item for name in checks}
    return tuple(item for item in plan.items if item in wanted)


# Right work


def grade_right_work(plan: Plan, grade: Grader, limits: Limits, table: Table) -> None:
    """Grade all right work with several seeds."""
    works = [replace(plan.reference, name="the reference"), *wheats(plan.homework, plan.reference)]
    seeds = QUICK_SEEDS if plan.quick else plan.seeds
    table.wheats, table.seeds = len(works), seeds
    if len(works) < LEAST:
        where = plan.homework.folder / "right"
        table.notes.append(f"{where} makes {len(works)} right solutions; {LEAST} tell more of a rate")
    runs = (Run(work, 1 + seed, plan.items) for seed in range(seeds) for work in works)
    for run, results in grade(runs, limits):
        table.right += 1
        for result in results:
            if refuses(result) or result.review:
                message = first_line(result.message) or " ".join(result.review)
                table.rejections.append(Rejection(run.submission.name, run.seed, result.name, message))
        plan.on_progress(f"right work: {table.right} of {len(works) * seeds}")


# Wrong work


def grade_mutants(plan: Plan, grade: Grader, limits: Limits, seen: Survey, table: Table) -> None:
    """Grade every mutant, or some of each function and operator; each with another seed, so that no mistake is found
    by the luck of one."""
    made = [one for function in seen.functions for one in mutants(function, plan.reference, plan.homework)]
    if plan.quick:
        made = sample(made)
    reasons = equivalents.read(plan.homework.folder)
    by_name = {one.name: one for one in made}
    runs = (
        Run(one.made_in(plan.reference), seed, items_of(plan, one.function.reached))
        for seed, one in enumerate(by_name.values())
    )
    judged: dict[str, Judged] = {}
    for run, results in grade(runs, limits):
        found = judge(by_name[run.submission.name], results, plan, reasons, table)
        judged[run.submission.name] = replace(found, seed=run.seed)
        plan.on_progress(f"mutants: {len(judged)} of {len(by_name)}")
    table.mutants = [judged[name] for name in by_name]
    if not plan.quick:
        table.stale = list(unused(reasons, table.mutants, plan.items))


def sample(made: Sequence[Mutant]) -> list[Mutant]:
    """QUICK of each function and operator, from all over what there is."""
    alike: dict[tuple[str, str], list[Mutant]] = {}
    for one in made:
        alike.setdefault((one.function.name, one.operator), []).append(one)
    return [one for group in alike.values() for one in group[:: max(1, -(-len(group) // QUICK))]]


def judge(
    mutant: Mutant, results: Sequence[CheckResult], plan: Plan, reasons: Sequence[Equivalent], table: Table
) -> Judged:
    """What became of a mutant. A check that broke is a fault of the grader, and rejects nothing."""
    own = mutant.function.item
    item = {one.name: plan.homework.checks[one.name].item for one in results}
    broken = [one for one in results if one.verdict is Verdict.INTERNAL]
    table.faults += [f"{mutant.name} breaks the check {one.name}: {said(one, plan.homework.folder)}" for one in broken]
    ours = [one for one in results if OURS in one.message]  # a mutant that cannot run as it is meant proves nothing
    table.faults += [f"{mutant.name} breaks by itself: {first_line(one.message)}" for one in ours[:1]]
    against = [one for one in results if item[one.name] == own and refuses(one) and one not in broken]
    elsewhere: dict[str, float] = {}
    for one in results:
        if item[one.name] != own and one.earned < one.points:
            elsewhere[item[one.name]] = round(elsewhere.get(item[one.name], 0.0) + one.points - one.earned, 9)
    why = "" if against else next((one.why for one in reasons if one.covers(mutant)), "")
    message = first_line(against[0].message) if against else ""
    return Judged(mutant, bool(against), elsewhere, cause(mutant, message), why, message)


def unused(reasons: Iterable[Equivalent], judged: Sequence[Judged], items: Sequence[str]) -> Iterator[str]:
    """Entries that excuse no mutant: a check sees it now, or there is none of that name."""
    tried = {one.mutant.function.name for one in judged}
    for reason in reasons:
        found = [one for one in judged if reason.covers(one.mutant)]
        if any(fits(reason.function, name) for name in tried) and not any(one.why for one in found):
            why = "is rejected" if found else "is no mutant"
            yield f"{reason.where}: {reason.function}: {reason.change} {why}; delete this entry"
