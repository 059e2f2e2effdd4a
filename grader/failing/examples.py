"""The failing inputs of one submission, each the smallest that was found, as Python that can be pasted."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice

from grader.errors import StudentError
from grader.failing.script import render
from grader.failing.shrink import Judge, smallest
from grader.failing.steps import Case, cases
from grader.model import Homework, Limits, Section, Submission
from grader.sandbox.allowance import Allowance
from grader.sandbox.launch import Launcher
from grader.sandbox.session import Session
from grader.sandbox.trace import Call

SECONDS, EACH = 20.0, 5.0  # on the clock, for all examples of a section and for one; a busy machine needs them
TRIED = 12  # sequences of calls that may give one wrong answer
Failed = tuple[list[Call], StudentError]  # what a check had asked, and how it ended


def examples(
    section: Section,
    submission: Submission,
    homework: Homework,
    failed: Mapping[str, Failed],
    launch: Launcher,
    stopped: Mapping[str, StudentError],
) -> dict[str, str]:
    """Check -> script, for checks whose wrong answer the student's code gives again.

    It is asked in a process of its own, so that no later check finds it changed. A file whose import was `stopped` is
    not tried again.
    """
    told: dict[str, str] = {}
    until = time.monotonic() + SECONDS
    modules = None if homework.answers.seeds or homework.answers.recording else homework.answers.modules
    if homework.answers.recording or not failed:
        return told
    limits = quick(homework.rubric.limits)
    allowance = Allowance(limits, files=dict(stopped))
    with Session(section, submission, homework.handout, limits, launch, allowance) as session:
        for name, (calls, error) in failed.items():
            session.begin(0)
            session.trace = None
            found = example(session, modules, islice(cases(calls, error), TRIED), min(until, time.monotonic() + EACH))
            if found is not None:
                told[name] = render(found, section, homework.handout)
    return {name: script for name, script in told.items() if script}


def example(session: Session, modules: object, possible: Iterable[Case], until: float) -> Case | None:
    """The smallest failing case like the first one that the reference confirms; else the first one as it is; None if
    the student's code does not give the same answer again. The script runs in a process of its own, so the case has to
    fail there."""
    first = None
    for case in possible:
        judge = Judge(session, modules, case, until)
        if judge.late:
            break
        trusted = judge.trusts()
        if first is not None and not trusted:
            continue  # without the student's code, which takes far longer to ask than the reference
        found = judge.again()
        if found is not None and trusted:
            judge.case = found
            for one in (smallest(judge), found):
                if alone(judge, one):
                    return one
        elif found is not None and not judge.excuses() and alone(judge, found):
            first = found
        session.renew()  # what remembers is asked the next sequence as if it were the first
    return first


def alone(judge: Judge, case: Case) -> bool:
    """Whether the case fails in a new process, too, which no other call has changed."""
    judge.session.renew()
    return replace(judge, case=case).again() is not None


def quick(limits: Limits) -> Limits:
    """What a small input may take: a function that needs longer is not asked about smaller ones."""
    return replace(limits, call_cpu=1.0, call_wall=4.0, check_wall=EACH, submission_cpu=4.0, submission_wall=SECONDS)
