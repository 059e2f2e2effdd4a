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
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import astuple, dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from grader.check import Options, Subject
from grader.errors import StudentError
from grader.model import CheckPlan, CheckResult, Ending, FollowThrough, Homework, Item, Section, Submission, Verdict
from grader.sandbox.parts import Parts
from grader.sandbox.session import Session

SETTLED = (Verdict.PASS, Verdict.SKIPPED, Verdict.INTERNAL)
ENDLESS = (Verdict.TIMEOUT, Verdict.MEMORY, Verdict.CRASH)
OWN = (Verdict.FAIL, Verdict.NOT_IMPLEMENTED, Verdict.RAISED)  # with a message, a mistake of the student's own
SPOKEN = (Verdict.RAISED, Verdict.DENIED)  # whose messages hold words of the student's code
# Of an object that the student's code may have made; a tuple or an array has no names of a student's.
OWN_NAME = re.compile(r"\S+ raised (AttributeError(?!: '(tuple|list|int|float|numpy\.\w+)' object)|KeyError)\b")
A_FILE = re.compile(r"(?:the import of )?(\S+\.py) ")  # begins what is said of a file
AN_ATTRIBUTE = re.compile(r"(?!\S+\.py )(\S+) defines no (\S+)")  # of an object, not of a file
FILE = re.compile(A_FILE.pattern + r"(?!defines )")  # of all that is in it
WRONG = "wrong"
BY_THE_COURSE = "your course grades this again with right parts below it"

Run = Callable[[CheckPlan, Subject], CheckResult]
Open = Callable[[Submission, Parts | None], Session]


@dataclass(frozen=True)
class Below:
    """What is at fault below an item: functions and files as the student knows them, those of them that are not there
    at all, and the items that they belong to."""

    wrong: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    items: tuple[str, ...] = ()


@dataclass
class Graded:
    """What is known of a section's items so far."""

    homework: Homework
    section: Section
    results: dict[str, CheckResult]  # of each check, by its name, on the student's own parts
    passed_on: dict[str, tuple[str, ...]] = field(default_factory=dict)  # item -> the right parts that it passes on
    right: set[str] = field(default_factory=set)  # the checks that fail on wrong parts alone

    def item(self, name: str) -> Item:
        return next(item for item in self.homework.rubric.items if item.id == name)

    def failed(self, item: Item) -> list[CheckPlan]:
        """The checks of an item that failed on the student's own parts."""
        return [plan for plan in item.checks if plan.name in self.results and fails(self.results[plan.name])]

    def wrong_below(self, item: Item) -> Below:
        """What is at fault below an item."""
        found: list[Below] = []
        for below in map(self.item, item.built_on):
            failed = self.failed(below)
            deeper = self.wrong_below(below) if failed and below.id in self.passed_on else Below()
            found.append(deeper if deeper.wrong else self.at_fault(below, failed))
        return Below(*(tuple(dict.fromkeys(chain(*names))) for names in zip(*map(astuple, found), strict=True)))

    def at_fault(self, item: Item, failed: Collection[CheckPlan]) -> Below:
        """What is at fault in an item itself. A function or file is missing if each check says so that blames it."""
        blamed = list(self.blamed([plan for plan in failed if plan.name not in self.right]))
        there = {name for name, plan in blamed if not self.is_missing(plan)}
        names = tuple(dict.fromkeys(name for name, _ in blamed if name))
        return Below(names, tuple(name for name in names if name not in there), (item.id,) if blamed else ())

    def blamed(self, failed: Collection[CheckPlan]) -> Iterator[tuple[str, CheckPlan]]:
        """The function of each check that failed, or the file, if nothing in it could be called. A check whose message
        begins with another one of these functions is left out: that one raised, or gave no answer that fits, so nothing
        is known of the check's own."""
        names = [short(self.about(plan)) for plan in failed]
        called = [name.rpartition(".")[2] for name in names]
        for plan, name, own in zip(failed, names, called, strict=True):
            message = self.results[plan.name].message
            told = message.partition(" ")[0]
            if file := FILE.match(message):
                yield file[1], plan
            elif told == own or told not in called:
                yield name, plan

    def right_parts(self, item: Item) -> tuple[str, ...]:
        """The functions that right ones replace when an item is graded again."""
        found: dict[str, None] = {}
        if item.nearest:  # what is missing further below is not called then, but imported
            for below in (one for one in self.all_below(item) if one.id not in item.built_on):
                if missing := [plan for plan in self.failed(below) if self.is_missing(plan)]:
                    found |= dict.fromkeys(self.replaceable(below, missing))
        for below in map(self.item, item.built_on):
            failed = self.failed(below)
            if failed and below.id in self.passed_on and not item.nearest:
                found |= dict.fromkeys(self.passed_on[below.id])  # it is right on these, so it stays as it is
            elif failed:
                found |= dict.fromkeys(self.replaceable(below, failed))
        return tuple(found)

    def replaceable(self, item: Item, failed: Iterable[CheckPlan]) -> Iterator[str]:
        """Yield an item's functions that right ones can replace. These replace all of them together, because they share
        caches; but a constructor only if it is wrong itself, because a student chooses the names of the parameters."""
        wrong = set(map(self.about, failed))
        for name in dict.fromkeys(map(self.about, item.checks)):
            module, _, rest = name.partition(".")
            if not rest or "." in rest or self.is_class(name):
                owner = ".".join(name.split(".")[:2])
                listed = (one for one in self.section.stand_ins if one.startswith(f"{owner}."))
                yield from (one for one in listed if not one.endswith(".__init__") or one in wrong)
            elif name in self.section.stand_ins or rest in self.section.functions.get(module, ()):
                yield name

    def irreplaceable(self, item: Item, plans: Iterable[CheckPlan]) -> Iterator[tuple[CheckPlan, str]]:
        """Yield those of some of an item's checks whose function no right one can replace, and its name."""
        for plan in plans:
            if not any(self.replaceable(replace(item, checks=(plan,)), (plan,))):
                yield plan, short(self.about(plan)) or item.title

    def left_wrong(self, item: Item) -> str:
        """A function below an item that stays wrong or missing when the item is graded again, as "scale, which is
        wrong"; "" if there is none."""
        below = (one for one in map(self.item, item.built_on) if item.nearest or one.id not in self.passed_on)
        left = (found for one in below for found in self.irreplaceable(one, self.failed(one)))
        return next((f"{name}, which is {'missing' if self.is_missing(plan) else WRONG}" for plan, name in left), "")

    def all_below(self, item: Item) -> list[Item]:
        """The items that an item is built on, at any depth, the lowest first."""
        found: dict[str, Item] = {}
        for below in map(self.item, item.built_on):
            found |= {one.id: one for one in (*self.all_below(below), below)}
        return list(found.values())

    def modules_below(self, item: Item) -> dict[str, str]:
        """The modules of what failed below an item, and their files, the lowest first."""
        failed = (plan for one in self.all_below(item) for plan in self.failed(one))
        modules = dict.fromkeys(self.about(plan).partition(".")[0] for plan in failed)
        return {module: self.section.modules[module] for module in modules if module in self.section.modules}

    def not_there(self, item: Item, submission: Submission) -> list[str]:
        """Those of `modules_below` that were not handed in, or have nothing that was asked for. What the item itself is
        in stays."""
        own = {self.about(plan).partition(".")[0] for plan in item.checks}
        return [
            module
            for module, path in self.modules_below(item).items()
            if Path(path).name not in submission.files or (module not in own and self.is_empty(module))
        ]

    def is_empty(self, module: str) -> bool:
        """Whether nothing is there of what the checks ask a module for."""
        every = (plan for item in self.homework.rubric.items for plan in item.checks if plan.name in self.results)
        own = [plan for plan in every if self.about(plan).partition(".")[0] == module]
        name = Path(self.section.modules[module]).name
        told = (A_FILE.match(self.results[plan.name].message) for plan in own)
        of_another = any(file is not None and file[1] != name for file in told)
        return all(map(self.is_missing, own)) and not of_another and not any(plan.name in self.right for plan in own)

    def is_missing(self, plan: CheckPlan) -> bool:
        """Whether what a check is about is not there. It is wrong, not missing, if what it gives lacks an attribute."""
        result, about = self.results[plan.name], self.about(plan).split(".")
        lacking = AN_ATTRIBUTE.match(result.message) if about[1:] else None
        of_another = lacking is not None and not {*lacking.groups()} & {*about}
        return result.verdict is Verdict.NOT_IMPLEMENTED and not of_another

    def about(self, plan: CheckPlan) -> str:
        return self.homework.checks[plan.name].about

    def stopped(self, constructor: str, how: Collection[Verdict] = ENDLESS) -> bool:
        """Whether a check about a constructor ended in one of these verdicts on the student's own parts."""
        about = (one for name, one in self.results.items() if self.homework.checks[name].about == constructor)
        return any(one.verdict in how for one in about)

    def is_class(self, name: str) -> bool:
        return isinstance(getattr(self.homework.modules[name.partition(".")[0]], name.partition(".")[2], None), type)


def fails(result: CheckResult) -> bool:
    return result.verdict not in SETTLED and result.verdict is not Verdict.DENIED


def short(about: str) -> str:
    """A function's name as the student knows it: without its module, and a class for its constructor."""
    return about.partition(".")[2].removesuffix(".__init__")


def unknown_below(items: Iterable[Item], results: Mapping[str, CheckResult], homework: Homework) -> list[Item]:
    """Earlier items that were not graded, though a failed item is built on them: they decide, too."""
    every = {item.id: item for item in homework.rubric.items}
    open_ = [item for item in items if any(fails(results[plan.name]) for plan in item.checks if plan.name in results)]
    found: dict[str, Item] = {}
    while open_:
        for below in (every[name] for name in open_.pop().built_on):
            if below.id not in found and not any(plan.name in results for plan in below.checks):
                found[below.id] = below
                open_.append(below)
    return [item for item in every.values() if item.id in found]


def graded_again(graded: Graded, items: Collection[Item], submission: Submission, options: Options, open_: Open,
                 run: Run) -> Iterator[CheckResult]:  # fmt: skip
    """The checks of `items` that failed on wrong parts, with what they earn on right ones. The results of all items
    below are known. Items that follow each other share a session if they need equal right parts and files."""
    if not any(map(graded.failed, items)):
        return
    options = replace(options, kept={})
    session: Session | None = None
    place: tuple[Collection[str], Collection[str]] = (), ()  # the right parts and the files of the handout in it
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
            if session is None or wanted != place:
                current.close()
                session, place = current.enter_context(opened(graded, item, parts, submission, open_)), wanted
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
