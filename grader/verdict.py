"""Runs one check. What it returns or raises becomes a verdict."""

from __future__ import annotations

import hashlib
import hmac
import math
import sys
import time
import traceback
import warnings
from collections.abc import Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grader.broken import by_answer, by_tests, line_that_broke, made_of_no_numbers
from grader.check import Draws, Subject, defined_at
from grader.clock import clock, seconds_of
from grader.errors import Skipped, StudentError, Undecided, UnsendableError, UsageError
from grader.model import Check, CheckPlan, CheckResult, Homework, Measure, Verdict
from grader.sandbox.remote import OBJECT

if TYPE_CHECKING:
    from grader.failing.examples import Failed

MOST_MISSED = 3  # numbers that a sentence names
BY_HAND = "grade this item alone with --task, or raise submission_cpu and submission_wall in rubric.yaml"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a check says of the work, and the fraction of its points. `where` is the line in the student's file, and
    `broke` that of the check, if an answer broke it; "" if there is none."""

    verdict: Verdict
    fraction: float = 0.0
    message: str = ""
    where: str = ""
    broke: str = ""


def run_check(
    plan: CheckPlan, hw: Subject, homework: Homework, seed: int, failed: dict[str, Failed] | None = None
) -> CheckResult:
    """Run one check. If the student's answer is wrong, `failed` keeps what the check asked.

    An object of a class that derives from list, int or the like may be meant as a value or as an object. If a check
    that got it as a value fails, the check is run again with the object, in a new process, which remembers no input.
    The better ending counts.
    """
    result = run_once(plan, hw, homework, seed, failed)
    if result.verdict is Verdict.SKIPPED or result.earned >= result.points or not hw.session.reduced:
        return result
    wrong: dict[str, Failed] = {}
    try:
        hw.session.renew()
        hw = Subject(hw.session, homework, hw.item, hw.options)
        again = run_once(plan, hw, homework, seed, wrong, whole=True)
    except UsageError:  # the check uses the object in a way that only a value allows
        return result
    blamed = result.message.endswith(OBJECT)  # the answer was an object, so what `again` says is true
    if again.earned < result.earned or (again.earned == result.earned and not blamed):
        return result
    if failed is not None:
        failed.pop(plan.name, None)
        failed.update(wrong)
    return again


def run_once(
    plan: CheckPlan,
    hw: Subject,
    homework: Homework,
    seed: int,
    failed: dict[str, Failed] | None = None,
    *,
    whole: bool = False,
) -> CheckResult:
    """Run a check once. Its random numbers depend only on the run's seed and the check's name. `whole` is as in
    `Session.begin`."""
    check, began = homework.checks[plan.name], time.monotonic()
    own_seed = int.from_bytes(hashlib.sha256(f"{seed} {plan.name}".encode()).digest()[:8], "little")
    there = seed_of_the_student(homework.reference, own_seed)
    hw.seeds = np.random.default_rng([there, 1])
    hw.session.begin(there, whole=whole)
    homework.answers.begin_check()
    judged = carry_out(check, hw, homework, own_seed, failed)
    return CheckResult(
        name=plan.name,
        title=check.title,
        verdict=judged.verdict,
        earned=plan.points * judged.fraction,
        points=plan.points,
        message=judged.message,
        where=judged.where,
        broke=judged.broke,
        output=hw.session.output(),
        advice=(
            *hw.advice,
            *hw.session.hidden(),
            *hw.session.cell_of(judged.where),
            *(one for one in hw.session.attempts() if one.partition(" ")[2] not in judged.message),
        ),
        seconds=time.monotonic() - began,
        memory=hw.session.memory(),
        killed=hw.session.killed,
        measures=tuple(hw.measures),
        figures=tuple(hw.figures),
        review=tuple(hw.questions),
        visibility=plan.visibility,
        files=tuple(sorted(hw.session.asked.names)),
    )


def carry_out(check: Check, hw: Subject, homework: Homework, seed: int, failed: dict[str, Failed] | None) -> Judgement:
    """Run a check's own function. What a student's code was asked before a wrong answer is added to `failed`.

    Raises UsageError if the data or the command is wrong: the user can cure that, and no submission is at fault.
    """
    try:
        what = f"the check {check.name} ({Path(defined_at(check)).name})"
        seconds = seconds_of(homework.rubric.limits, hw.item)
        # Neither what the check prints nor what numpy warns of wrong answers belongs in a report.
        with clock(what, seconds), redirect_stdout(sys.stderr), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            gained = check.function(hw, Draws(np.random.PCG64(seed)))
        return Judgement(Verdict.PASS, 1.0) if gained is None else measured(as_fraction(gained), check, hw)
    except StudentError as error:
        if failed is not None and hw.session.trace and not error.elsewhere:
            failed[check.name] = hw.session.trace.calls, error
        return wrong(error, check, hw)
    except Undecided as question:
        hw.review(str(question))
        return Judgement(Verdict.SKIPPED, message=str(question))
    except Skipped as reason:
        return Judgement(Verdict.SKIPPED, message=str(reason))
    except (UsageError, KeyboardInterrupt) as error:
        found = made_of_no_numbers(error, check, hw) if isinstance(error, UnsendableError) else None
        if found is None:
            raise
        verdict, message = found
        return Judgement(verdict, message=message, where=line_of(verdict, check, hw))
    except BaseException as error:  # a check must not end the grader, and pytest's outcomes are no Exception
        found = by_tests(error, check) or by_answer(error, check, hw)
        verdict, message = found or (Verdict.INTERNAL, traceback.format_exc())
        broke = line_that_broke(error, check) if verdict is Verdict.FAIL else ""
        return Judgement(verdict, message=message, where=line_of(verdict, check, hw), broke=broke)


def measured(fraction: float, check: Check, hw: Subject) -> Judgement:
    """What is said by a check that returned a fraction."""
    if fraction == 1.0:
        return Judgement(Verdict.PASS, 1.0)
    verdict = Verdict.PARTIAL if fraction > 0 else Verdict.FAIL
    return Judgement(verdict, fraction, shortfall(hw.measures, check, fraction), line_of(verdict, check, hw))


def wrong(error: StudentError, check: Check, hw: Subject) -> Judgement:
    """What is said by a check that found a mistake of the student's."""
    message = hw.session.as_handed_out(error.message)
    if hw.session.allowance.used_up:
        hw.review(f"{message}; {BY_HAND}")
    return Judgement(error.verdict, error.fraction, message, error.where or line_of(error.verdict, check, hw, error))


def shortfall(measures: Iterable[Measure], check: Check, fraction: float) -> str:
    """The sentence of a check that returned less than 1: the numbers that miss their bars, or else its title."""
    missed = [one for one in measures if not one.holds][:MOST_MISSED]
    if not missed:
        return f"this {'holds only in part' if fraction else 'does not hold'} for your answer: {check.title}"
    return "; ".join(
        f"{one.name} is {one.value:.4g}; it must be {'at least' if one.at_least else 'below'} {one.bound:.4g}"
        for one in missed
    )


def seed_of_the_student(reference: Path, seed: int) -> int:
    """The seed of what is drawn in a student's process. It follows from the check's seed, which cannot be computed back
    from it: that would tell the check's inputs."""
    return int.from_bytes(hmac.digest(secret(reference), f"{seed}".encode(), "sha256")[:8], "little")


@cache
def secret(reference: Path) -> bytes:
    """A digest of the solution, which only the course has. A handout has no solution, and nothing to hide."""
    found = hashlib.sha256()
    for path in sorted(reference.rglob("*.py")):
        found.update(path.read_bytes())
    return found.digest()


def as_fraction(gained: Any) -> float:
    """What a check returned, as a number from 0 to 1. Raises TypeError for what is no number, ValueError for nan:
    neither is a student's fault."""
    if not isinstance(gained, int | float | np.integer | np.floating | np.bool_):
        raise TypeError(f"the check returned a {type(gained).__name__}; it returns a fraction, or nothing")
    if math.isnan(fraction := float(gained)):
        raise ValueError("the check returned nan, which is no fraction")
    return min(1.0, max(0.0, fraction))


def line_of(verdict: Verdict, check: Check, hw: Subject, error: StudentError | None = None) -> str:
    """The line in the student's file that a wrong answer comes from; "" if no answer is wrong."""
    if verdict not in (Verdict.FAIL, Verdict.PARTIAL):
        return ""
    return place(check.about, hw, wrong_part(check.about, hw, error) if error is not None else "")


def place(about: str, hw: Subject, part: str = "") -> str:
    """The line in the student's file that makes this part of the answer of the function `about`, or that defines the
    function, as "network.py:31"; "" if neither is known."""
    module, *path = about.split(".")
    files = {name: Path(path).name for name, path in hw.session.section.modules.items()}
    lines, function = hw.session.submission.lines.get(files.get(module, ""), {}), ".".join(path)
    line = lines.get(f"{function}{part}") or lines.get(function)
    return f"{files[module]}:{line}" if line else ""


def wrong_part(about: str, hw: Subject, error: StudentError) -> str:
    """Which part of an answer of the function `about` is wrong, as "[1]"; "" if that is not known."""
    from grader.failing import steps  # only where an answer is wrong

    trace, name = hw.session.trace, about.rpartition(".")[2]
    if error.wrong is None or error.elsewhere or not trace:
        return ""
    if error.wrong.part:
        return "".join(f"[{key!r}]" for key in error.wrong.part)
    found = next(steps.holding(trace.calls, error.wrong.yours), None)
    if found is None or not found[0].path or found[0].path[-1] != name:
        return ""
    return "".join(f"[{key!r}]" for key in found[1])
