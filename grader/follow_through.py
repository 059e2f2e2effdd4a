"""A mistake costs once: where an item fails and something below it is wrong, it is graded again on right parts.

The rubric says on which earlier items an item is built. If one of them failed, a check that fails runs again in another
process of the student's. There the wrong functions below ask the grader, which answers with the reference's values (see
sandbox/parts.py). The check earns what the student's own code is worth there.

That process begins after the whole section was judged, and nothing else is judged in it. So what it learns is of no use
in the items that the answers belong to. rubric.py makes sure that an item gets answers only for functions of earlier
items. So no answer is what the item's own checks expect.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from grader.check import Options, Subject
from grader.errors import StudentError
from grader.model import CheckPlan, CheckResult, Ending, FollowThrough, Homework, Item, Submission, Verdict
from grader.sandbox.parts import Parts
from grader.sandbox.session import Session
from grader.wrong_parts import ENDLESS, WRONG, Below, Graded, fails, short

OWN = (Verdict.FAIL, Verdict.NOT_IMPLEMENTED, Verdict.RAISED)  # with a message, a mistake of the student's own
SPOKEN = (Verdict.RAISED, Verdict.DENIED)  # whose messages hold words of the student's code
# Of an object that the student's code may have made; a tuple or an array has no names of a student's.
OWN_NAME = re.compile(r"\S+ raised (AttributeError(?!: '(tuple|list|int|float|numpy\.\w+)' object)|KeyError)\b")
BY_THE_COURSE = "your course grades this again with right parts below it"

Run = Callable[[CheckPlan, Subject], CheckResult]
Open = Callable[[Submission, Parts | None], Session]


def graded_again(graded: Graded, items: Collection[Item], submission: Submission, options: Options, open_: Open,
                 run: Run) -> Iterator[CheckResult]:  # fmt: skip
    """The checks of `items` that failed on wrong parts, with what they earn on right ones. The results of all items
    below are known. Items that follow each other share a session if they need equal right parts and files."""
    if not any(map(graded.failed, items)):
        return
    options = replace(options, kept={})
    session: Session | None = None
    inside: tuple[Collection[str], Collection[str]] = (), ()  # the right parts and the handout's files in the session
    with ExitStack() as stack, ExitStack() as current:
        stack.callback(one_thread().restore_original_limits)
        for item in items:
            below = graded.wrong_below(item)
            if not below.wrong or not graded.failed(item) or not written(graded, item, submission):
                continue
            if not graded.homework.modules:  # a handout, which holds no right parts
                failed = [graded.results[plan.name] for plan in graded.failed(item) if plan.points]
                yield from (by_the_course(result, below) for result in failed)
                continue
            parts = graded.right_parts(item)
            if not parts:
                continue
            wanted = parts, graded.not_there(item, submission)
            if session is None or wanted != inside:
                current.close()
                session, inside = current.enter_context(opened(graded, item, parts, submission, open_)), wanted
            if written(graded, item, session.submission):  # else its file cannot be imported
                yield from on_right_parts(graded, item, parts, session, options, run)


def on_right_parts(
    graded: Graded, item: Item, parts: tuple[str, ...], session: Session, options: Options, run: Run
) -> Iterator[CheckResult]:
    """The failed checks of an item, each with the better of its results and a sentence."""
    done = []
    for plan in (plan for plan in graded.failed(item) if plan.points):
        options.on_progress(f"{plan.name}, on right parts")
        hw = Subject(session, graded.homework, item, options)
        done.append(better(graded.results[plan.name], run(plan, hw), hw, graded, item))
    graded.right |= {one.name for one in done if one.followed and one.followed.again.verdict is Verdict.PASS}
    if all(one.name in graded.right for one in done) and not item.nearest:
        graded.passed_on[item.id] = parts
    still = {graded.about(plan) for plan in graded.failed(item) if plan.name not in graded.right}
    yield from (spoken(one, graded, item, still) for one in done)


def one_thread() -> Any:
    """Has numpy's libraries use one thread, as in a student's process: many small products are slower with more."""
    from threadpoolctl import threadpool_limits  # only here, where something failed

    return threadpool_limits(1)


def written(graded: Graded, item: Item, submission: Submission) -> bool:
    """Whether the student wrote anything of an item: where its file is the handout's, there is nothing to grade."""
    modules = {graded.homework.checks[plan.name].about.partition(".")[0] for plan in graded.failed(item)}
    for path in (graded.section.modules[module] for module in modules if module in graded.section.modules):
        own = submission.files.get(Path(path).name)
        if own is not None and own != graded.homework.handout.get(path):
            return True
    return False


def opened(graded: Graded, item: Item, names: Collection[str], submission: Submission, open_: Open) -> Session:
    """A session with right parts for `names`, in which to grade an item again. Where a file of what failed below the
    item is absent, has nothing that was asked for or cannot be imported, the handout's is there."""
    below, absent = graded.modules_below(item), graded.not_there(item, submission)
    work = with_handed_out(submission, [below.pop(module) for module in absent], graded.homework)
    while True:  # the lowest first: what imports it may be right
        session = open_(work, parts_of(graded, names))
        broken = first_broken(session, below)
        if not broken:
            return session
        session.close()
        work = with_handed_out(work, [below.pop(broken)], graded.homework)


def first_broken(session: Session, modules: Iterable[str]) -> str:
    """The first of some modules that cannot be imported, or ""."""
    for module in modules:
        try:
            session.begin(0)
            session.require(module)
            session.bring(module)
        except StudentError:
            return module
    return ""


def with_handed_out(submission: Submission, paths: Iterable[str], homework: Homework) -> Submission:
    """The submission with the handout's own files in the place of some, and without what is told of these elsewhere."""
    own = {Path(path).name: homework.handout[path] for path in paths if path in homework.handout}
    gone = tuple(fault for name, fault in submission.faults.items() if name in own)
    faults = {name: fault for name, fault in submission.faults.items() if not fault.endswith(gone)}
    return replace(submission, files={**submission.files, **own}, faults=faults)


def parts_of(graded: Graded, names: Collection[str]) -> Parts:
    modules = graded.homework.modules
    answers = {name: graded.section.stand_ins.get(name, name) for name in names}
    functions = {
        name: getattr(modules[told.partition(".")[0]], told.partition(".")[2]) for name, told in answers.items()
    }
    return Parts(
        functions, graded.section.keep, graded.section.sent_as, [name for name in names if not graded.stopped(name)]
    )


def better(first: CheckResult, again: CheckResult, hw: Subject, graded: Graded, item: Item) -> CheckResult:
    """The better of a check's two results, with both endings. What the student's code said on right parts may hold
    answers, so it is left out unless the code said the same on its own parts."""
    below = graded.wrong_below(item)
    earned = round(again.earned * item.follow_through, 9)
    known = again.verdict not in SPOKEN or first.message.startswith(again.message)
    ends = Ending(again.verdict, earned, again.message if known else "", again.where)
    if unmeasured := why_unmeasured(again, hw, graded, item):
        ends = Ending(Verdict.SKIPPED, 0.0, f"not measured on right parts: {unmeasured}")
    told = FollowThrough(below.wrong, below.items, ended(first), ends, "", below.missing)
    own = ends.earned == first.earned and ends.verdict in OWN and ends.message != "" and not item.nearest
    if ends.earned > first.earned or own:  # on wrong parts, what seems to be the cause may be a part's mistake
        first = replace(
            again,
            verdict=again.verdict if earned == again.earned else Verdict.PARTIAL,
            earned=earned,
            review=again.review if earned else tuple(dict.fromkeys((*first.review, *again.review))),
            output=first.output,
            advice=tuple(dict.fromkeys((*first.advice, *again.advice))),
            files=tuple(sorted({*first.files, *again.files})),
        )
    elif ends.verdict is Verdict.SKIPPED:
        first = replace(first, review=(*first.review, *(again.review or (f"{ends.message}; would it pass there?",))))
    return replace(first, followed=told)


def why_unmeasured(again: CheckResult, hw: Subject, graded: Graded, item: Item) -> str:
    """Why the second result says nothing about the student's code; "" if it does."""
    if hw.session.parts is not None and hw.session.parts.too_much:
        return hw.session.parts.too_much
    if hw.session.allowance.used_up:
        return "the time for this submission was used up"
    if hw.session.parts is not None and fails(again) and hw.session.parts.another_cache:
        return hw.session.parts.another_cache
    if fails(again) and (left := graded.left_wrong(item)):
        return f"nothing can stand in for your {left}"
    parts = hw.session.parts.functions if hw.session.parts is not None and fails(again) else ()
    for name in (one for one in parts if one.endswith(".__init__")):  # whose names for its parts are not all known
        lacking = again.verdict is Verdict.RAISED and OWN_NAME.match(again.message)
        if lacking or graded.stopped(name, (*ENDLESS, Verdict.RAISED)):
            return f"it may use names that a right {short(name)} does not have"
    return "a fault of the grader" if again.verdict is Verdict.INTERNAL else ""


def ended(result: CheckResult) -> Ending:
    return Ending(result.verdict, result.earned, result.message, result.where)


def spoken(result: CheckResult, graded: Graded, item: Item, still: Collection[str]) -> CheckResult:
    """The result with its sentence. `still` are the functions for which a check of the item fails on right parts, too.
    Another check that passes does not make such a function right."""
    about = graded.homework.checks[result.name].about
    only = result.name if any(one == about or one.startswith(f"{about}.") for one in still) else ""
    assert result.followed is not None
    told = result.followed
    below = Below(told.wrong, told.missing, told.items)
    return replace(result, followed=replace(told, said=sentence(short(about) or item.title, told.again, below, only)))


def sentence(subject: str, again: Ending, below: Below, only: str = "") -> str:
    """ "Your Net.backward is right; your scale is not, and cost its points in 2.2". `only` is a check that passes, if
    another one of the same function fails."""
    some, are, their = faulty(below.wrong)
    fault = state(below)
    if again.verdict is Verdict.PASS:
        fault = "not" if fault == WRONG and not only else fault
        right = f"passes {only} on right parts" if only else "is right"
        return f"Your {subject} {right}; your {some} {are} {fault}, and cost {their} points in {listed(below.items)}"
    if again.verdict is Verdict.SKIPPED:
        return f"Your {subject} is {again.message}"
    right = "is only partly right" if again.earned else "fails"
    return f"Your {subject} {right} on right parts, too; your {some} {are} {fault} in {listed(below.items)}"


def faulty(wrong: tuple[str, ...]) -> tuple[str, str, str]:
    """What is at fault as the subject of a sentence, with its verb and pronoun."""
    wrong = tuple(name for name in wrong if name.partition(".")[0] not in wrong or "." not in name)
    some = listed(wrong if len(wrong) < 3 else (*wrong[:2], f"{len(wrong) - 2} more"))
    return (some, "are", "their") if len(wrong) > 1 else (some, "is", "its")


def state(below: Below) -> str:
    """What is said of what is at fault. Absent code is never called wrong."""
    if not below.missing:
        return WRONG
    if len(below.missing) < len(below.wrong):
        return "wrong or missing"
    return "missing" if all(name.endswith(".py") for name in below.missing) else "not implemented yet"


def listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def by_the_course(first: CheckResult, below: Below) -> CheckResult:
    """A failed check when there is no reference to ask, as in a handout: neither a failure nor a success."""
    some, are, _ = faulty(below.wrong)
    said = f"Your {some} {are} {state(below)} in {listed(below.items)}; {BY_THE_COURSE}"
    told = FollowThrough(below.wrong, below.items, ended(first), Ending(Verdict.SKIPPED, 0.0), said, below.missing)
    return replace(first, verdict=Verdict.SKIPPED, earned=0.0, message=said, where="", followed=told)
