"""grade(submission, homework) -> Report. This module turns exceptions into verdicts."""

from __future__ import annotations

import hashlib
import hmac
import linecache
import math
import re
import sys
import time
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from grader import __version__
from grader.check import Draws, Options, Subject, defined_at, digests
from grader.clock import clock, seconds_of
from grader.errors import Skipped, StudentError, Undecided, UsageError
from grader.follow_through import Below, graded_again, unknown_below
from grader.model import (
    Check,
    CheckPlan,
    CheckResult,
    Homework,
    Item,
    ItemResult,
    Provenance,
    Report,
    Section,
    Submission,
    Task,
    TaskResult,
    Verdict,
)
from grader.sandbox.allowance import Allowance
from grader.sandbox.launch import Launch, Launcher, spawn
from grader.sandbox.parts import Parts
from grader.sandbox.remote import OBJECT, NoValue, engines
from grader.sandbox.session import Session

if TYPE_CHECKING:
    from grader.data.datasets import DataSet
    from grader.failing.examples import Failed


class Interrupted(KeyboardInterrupt):
    """The run was stopped; `report` holds the results so far. str() says in what, if that is the homework's own."""

    def __init__(self, report: Report, where: str = "") -> None:
        super().__init__(where)
        self.report = report


CURE = "type: python -m pip install -e '.[torch]'"
# Types of answers by value.
PLAIN = (type(None), bool, int, float, complex, str, bytes, list, tuple, dict, set, np.ndarray)
PARTS = re.compile(r"(not enough|too many) values to unpack.*|(list|tuple|string) index out of range")
UNREADABLE = {"UnicodeDecodeError", "JSONDecodeError", "UnpicklingError", "EOFError", "BadZipFile"}  # of any format
UNRAISED = re.compile(r"DID NOT RAISE (?:<class ')?(.*?)(?:'>)?")  # what `pytest.raises` says
NO_NUMBER = re.compile("invalid literal for int|could not convert string to float")
MISFITS = (  # how numpy and torch begin to speak of arrays of another shape or dtype
    "(operands )?could not (be )?broadcast", "matmul: Input operand", r"shapes? .*(not aligned|cannot)",
    "all the input array dim", "The truth value of an array", "only .*arrays can be converted", "too many indices for",
    r"index -?\d+ is out of", "ufunc '.*' (not|did not)", "The size of tensor a", ".* did not match [A-Z]",
    "Boolean value of Tensor",
)  # fmt: skip
MOST_PARTS = 1000  # of answers, that are looked at for a reason
MOST_SAID = 300  # characters of what a check asserts
NOTHING_RAN = "nothing of the submission was run"
BY_HAND = "grade this item alone with --task, or raise submission_cpu and submission_wall in rubric.yaml"
STOPPED = "the run was interrupted before this was measured"


def grade(
    submission: Submission,
    homework: Homework,
    *,
    seed: int,
    only: Collection[str] = (),
    on_result: Callable[[CheckResult], None] = lambda result: None,
    launch: Launch = lambda section: spawn,
    data: Callable[[str], Any] | None = None,
    full: bool = False,
    shrink: bool = True,
    on_progress: Callable[[str], None] = lambda text: None,
    on_task: Callable[[Report], None] = lambda report: None,
) -> Report:
    """Run the checks of the tasks or items in `only` (all, when empty) and score them.

    Maximum points come from the rubric: checks that crashed, or whose file could not be imported, keep theirs. `data`
    reads a data set by its name when a check asks for it; the default reads from the usual folder. `full` trains to the
    end even if the bar is reached earlier. `shrink` looks for small inputs that fail. A section whose packages are not
    installed is not graded. `on_task` gets the report so far, marked as interrupted, each time a task is done: whoever
    keeps it loses nothing to a kill. Raises UsageError for an id in `only` that the rubric does not have, and for data
    that cannot be used. Raises Interrupted, with the results so far, instead of KeyboardInterrupt.
    """
    expect_known(homework, only)
    homework.answers.begin(seed)
    options = Options(data or usual_data(homework), full, on_progress)
    results: dict[str, CheckResult] = {}
    held: dict[str, None] = {}
    versions: dict[str, str] = {}
    allowance = Allowance(homework.rubric.limits)

    def told(*, whole: bool) -> Report:
        """The report of what was measured; what was not is skipped, or the report is whole."""
        every = [item for task in homework.rubric.tasks for item in task.items if asked_for(item, task, only)]
        known = results if whole else {one.name: one for one in skipped(every, homework, STOPPED)} | results
        read = read_from(options.read)
        graded = tuple(scored(homework, known, only))
        return Report(
            title=homework.rubric.title,
            submission=submission.name,
            digest=submission.digest,
            tasks=graded,
            needs_review=tuple(questions(graded)),
            provenance=provenance(
                homework, seed, "; ".join(held), versions | {one.name: one.version() for one in read}
            ),
            notes=(*submission.notes, *(note for one in read for note in one.notes(homework))),
            interrupted=not whole,
        )

    try:
        for section in homework.rubric.sections:
            tasks = [task for task in homework.rubric.tasks if task.section == section.id]
            items = [item for task in tasks for item in task.items if asked_for(item, task, only) and item.checks]
            lacking = missing(section) if items else []
            for result in skipped(items, homework, why(lacking)) if lacking else ():
                results[result.name] = result
                on_result(result)
            if not items or lacking:
                continue
            versions |= installed(section)
            limits = homework.rubric.limits
            failed: dict[str, Failed] = {}
            with Session(section, submission, homework.handout, limits, launch(section), allowance) as session:
                for own in filter(None, ([item for item in task.items if item in items] for task in tasks)):
                    for result in run_checks(own, session, homework, seed, options, failed):
                        results[result.name] = result
                        held |= {session.held: None} if session.held else {}
                        on_result(result)
                    on_task(told(whole=False))
                lower = [] if homework.answers.recording else unknown_below(items, results, homework)
                below = {one.name: one for one in run_checks(lower, session, homework, seed, options)}
            followed = follow(
                section,
                [*lower, *items],
                results | below,
                submission,
                homework,
                seed,
                options,
                launch(section),
                allowance,
            )
            for result in followed:
                results[result.name] = result
                on_task(told(whole=False))
            if shrink and failed:
                from grader.failing.examples import examples  # only here, where something failed

                failed = {name: one for name, one in failed.items() if not results[name].followed}
                for name, script in examples(
                    section, submission, homework, failed, launch(section), allowance.files
                ).items():
                    results[name] = replace(results[name], example=script)
    except KeyboardInterrupt as stop:
        raise Interrupted(told(whole=False), str(stop)) from None
    return told(whole=True)


def follow(
    section: Section,
    items: Sequence[Item],
    results: Mapping[str, CheckResult],
    submission: Submission,
    homework: Homework,
    seed: int,
    options: Options,
    launcher: Launcher,
    spent: Allowance,
) -> Iterator[CheckResult]:
    """The results of checks that are graded again on right parts; see follow_through.py. A file whose import was
    stopped, as `spent` tells, is not tried again, and calls get less time once one was stopped."""
    if homework.answers.recording:
        return
    limits, allowance = homework.rubric.limits, spent.for_again()

    def open_(work: Submission, parts: Parts | None) -> Session:
        own = {name for name, content in submission.files.items() if work.files.get(name) == content}
        allowance.files = {path: error for path, error in spent.files.items() if Path(path).name in own}
        return Session(section, work, homework.handout, limits, launcher, allowance, parts)

    def run(plan: CheckPlan, hw: Subject) -> CheckResult:
        return run_check(plan, hw, homework, seed)

    yield from graded_again(Below(homework, section, dict(results)), items, submission, options, open_, run)


def usual_data(homework: Homework) -> Callable[[str], Any]:
    """Reads a data set from the usual folder."""
    from grader.data.datasets import Store, root

    return Store(homework, root())


def read_from(read: Mapping[str, Any]) -> list[DataSet]:
    """The data sets among `read`, without single files; the report names them."""
    if not read:
        return []
    from grader.data.datasets import DataSet

    return [one for one in read.values() if isinstance(one, DataSet)]


def scored(homework: Homework, results: Mapping[str, CheckResult], only: Collection[str]) -> Iterator[TaskResult]:
    """The results of the rubric's tasks, as far as `only` asks for them."""
    for task in homework.rubric.tasks:
        items = [item for item in task.items if asked_for(item, task, only)]
        if items:
            yield TaskResult(task.id, task.title, tuple(item_result(item, results) for item in items))


def missing(section: Section) -> list[str]:
    """The packages that the section needs and this machine lacks. It imports none of them."""
    return [name for name in section.needs if find_spec(name) is None]


def installed(section: Section) -> dict[str, str]:
    """Versions of the packages that a section needs."""
    if not section.needs:
        return {}
    from importlib import metadata  # slow, and most sections need none

    return {name: metadata.version(name) for name in section.needs}


def why(lacking: Sequence[str]) -> str:
    return f"{' and '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} not installed; {CURE}"


def skipped(items: Sequence[Item], homework: Homework, reason: str) -> Iterator[CheckResult]:
    for plan in (plan for item in items for plan in item.checks):
        title = homework.checks[plan.name].title
        yield CheckResult(
            plan.name, title, Verdict.SKIPPED, 0.0, plan.points, message=reason, visibility=plan.visibility
        )


def unmeasured(check: CheckResult) -> bool:
    """Whether the run was interrupted before this check."""
    return check.verdict is Verdict.SKIPPED and check.message == STOPPED


def expect_known(homework: Homework, only: Collection[str]) -> None:
    """Raise UsageError for an id that no task or item has."""
    known = {task.id for task in homework.rubric.tasks} | {i.id for task in homework.rubric.tasks for i in task.items}
    for name in only:
        if name not in known:
            raise UsageError(f"there is no task {name}; the tasks are {', '.join(sorted(known))}")


def asked_for(item: Item, task: Task, only: Collection[str]) -> bool:
    return not only or item.id in only or task.id in only


def run_checks(
    items: Sequence[Item],
    session: Session,
    homework: Homework,
    seed: int,
    options: Options,
    failed: dict[str, Failed] | None = None,
) -> Iterator[CheckResult]:
    for item in items:
        for plan in item.checks:
            yield run_check(plan, Subject(session, homework, item, options), homework, seed, failed)


@cache
def secret(reference: Path) -> bytes:
    """What only the course has: a digest of its solution. A handout has none, and nothing that it has to hide."""
    found = hashlib.sha256()
    for path in sorted(reference.rglob("*.py")):
        found.update(path.read_bytes())
    return found.digest()


def seed_of_the_student(reference: Path, seed: int) -> int:
    """The seed of what is drawn in a student's process. It repeats with the run's seed, but does not lead back to the
    seed of the check, from which its inputs could be foreseen."""
    return int.from_bytes(hmac.digest(secret(reference), f"{seed}".encode(), "sha256")[:8], "little")


def run_check(
    plan: CheckPlan, hw: Subject, homework: Homework, seed: int, failed: dict[str, Failed] | None = None
) -> CheckResult:
    """Run one check. What it asked is kept in `failed` if the student's answer is wrong.

    A class that derives from list, int or the like may be used as a value or as an object. Where a check that got it as
    a value fails, it is run again with the object, and the better ending counts.
    """
    result = run_once(plan, hw, homework, seed, failed)
    if result.verdict is Verdict.SKIPPED or result.earned >= result.points or not hw.session.reduced:
        return result
    wrong: dict[str, Failed] = {}
    try:
        hw = Subject(hw.session, homework, hw.item, hw.options)
        again = run_once(plan, hw, homework, seed, wrong, whole=True)
    except UsageError:  # the check does with this object what can be done with a value alone
        return result
    told = result.message.endswith(OBJECT) and again.verdict is not Verdict.INTERNAL  # by `again`: why it is wrong
    if again.earned < result.earned or (again.earned == result.earned and not told):
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
    """The check's random numbers depend only on the run's seed and the check's name. `whole` is as in
    `Session.begin`."""
    check = homework.checks[plan.name]
    own_seed = int.from_bytes(hashlib.sha256(f"{seed} {plan.name}".encode()).digest()[:8], "little")
    verdict, fraction, message, where, began = Verdict.PASS, 1.0, "", "", time.monotonic()
    part = ""
    there = seed_of_the_student(homework.reference, own_seed)
    hw.seeds = np.random.default_rng([there, 1])
    hw.session.begin(there, whole=whole)
    homework.answers.begin_check()
    try:
        what = f"the check {check.name} ({Path(defined_at(check)).name})"
        with clock(what, seconds_of(homework.rubric.limits, hw.item)):
            gained = check.function(hw, Draws(np.random.PCG64(own_seed)))
        if gained is not None:
            fraction = as_fraction(gained)
            verdict = Verdict.PASS if fraction == 1.0 else Verdict.PARTIAL if fraction > 0 else Verdict.FAIL
    except StudentError as error:
        verdict, fraction, where = error.verdict, error.fraction, error.where
        part = wrong_part(check.about, hw, error)
        message = hw.session.as_handed_out(error.message)
        if failed is not None and hw.session.trace and not error.elsewhere:
            failed[plan.name] = hw.session.trace.calls, error
        if hw.session.allowance.used_up:
            hw.review(f"{message}; {BY_HAND}")
    except Undecided as question:
        verdict, fraction, message = Verdict.SKIPPED, 0.0, str(question)
        hw.review(str(question))
    except Skipped as reason:
        verdict, fraction, message = Verdict.SKIPPED, 0.0, str(reason)
    except (UsageError, KeyboardInterrupt):
        raise  # the data or the command is wrong: the user can fix it, and no submission is at fault
    except BaseException as error:  # a check must not end the grader, and pytest's outcomes are no Exception
        found = by_tests(error, check) or unusable(error, check, hw)
        verdict, fraction, message = found or (Verdict.INTERNAL, 0.0, traceback.format_exc())
    if verdict in (Verdict.FAIL, Verdict.PARTIAL) and not where:
        where = place(check.about, hw, part)
    return CheckResult(
        name=plan.name,
        title=check.title,
        verdict=verdict,
        earned=plan.points * fraction,
        points=plan.points,
        message=message,
        where=where,
        output=hw.session.output(),
        advice=(
            *hw.advice,
            *hw.session.hidden(),
            *(one for one in hw.session.attempts() if one.partition(" ")[2] not in message),
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


def as_fraction(gained: Any) -> float:
    """What a check returned, from 0 to 1. Raises TypeError for what is no number, and ValueError for nan: neither is a
    student's fault."""
    if not isinstance(gained, int | float | np.integer | np.floating | np.bool_):
        raise TypeError(f"the check returned a {type(gained).__name__}; it returns a fraction, or nothing")
    if math.isnan(fraction := float(gained)):
        raise ValueError("the check returned nan, which is no fraction")
    return min(1.0, max(0.0, fraction))


def by_tests(error: BaseException, check: Check) -> tuple[Verdict, float, str] | None:
    """Verdict, fraction and message if a check was skipped by the words of pytest or unittest; else None. Raises
    UsageError for `pytest.xfail`: a check expects no wrong answer."""
    if isinstance(error, outcome("_pytest.outcomes", "Skipped") | outcome("unittest.case", "SkipTest")):
        return Verdict.SKIPPED, 0.0, str(error) or f"the check {check.name} skipped this, and gave no reason"
    if isinstance(error, outcome("_pytest.outcomes", "XFailed")):
        frame, number = own_frames(error, check)[-1]
        raise UsageError(
            f"{frame.f_code.co_filename}:{number}: pytest.xfail has no meaning in a check; raise Mismatch for a wrong "
            "answer, or Skipped for what cannot be graded (grader.errors)"
        )
    return None


def outcome(module: str, name: str) -> type[BaseException]:
    """An exception of pytest or unittest. Where it was not imported, nothing can have raised it."""
    found: type[BaseException] = getattr(sys.modules.get(module), name, Never)
    return found


class Never(BaseException):
    """Never raised."""


def unusable(error: BaseException, check: Check, hw: Subject) -> tuple[Verdict, float, str] | None:
    """Verdict, fraction and message if a check failed because of an answer: what the check asserts does not hold, or
    the answer is None, has too few parts, another type or shape, is plain data instead of an object, or a text that
    cannot be read.

    The reference passes, so only a student's answer can be at fault. Returns None for any other exception: it is a bug
    in the grader.
    """
    if not arises_in(Path(defined_at(check)).parent, error):
        return None
    if isinstance(error, AssertionError | outcome("_pytest.outcomes", "Failed")):  # of `pytest.raises`; no Exception
        if found := UNRAISED.fullmatch(str(error)):
            return Verdict.FAIL, 0.0, f"{found[1]} must be raised here, but nothing was raised"
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        told = " ".join(lines[:2])[:MOST_SAID]  # numpy.testing says there what does not hold; then, what it expected
        return Verdict.FAIL, 0.0, told or f"this does not hold for your answer: {check.title}"
    if isinstance(error, ValueError | IndexError) and (found := PARTS.fullmatch(str(error))):
        return Verdict.FAIL, 0.0, f"an answer has other parts than expected: {found[0]}"
    if type(error).__name__ in UNREADABLE or NO_NUMBER.match(str(error)):
        told = str(error).partition("\n")[0]
        return Verdict.FAIL, 0.0, f"what your code wrote cannot be read: {told}"[:MOST_SAID]
    if isinstance(error, AttributeError) and isinstance(error.obj, PLAIN):
        wanted, got = f"its {error.name} was read", type(error.obj).__name__
    elif isinstance(error, TypeError) and (found := re.fullmatch(r"'(\w+)' object is not callable", str(error))):
        wanted, got = "it was called", found[1]
    elif isinstance(error, TypeError | ValueError) and ("NoneType" in str(error) or uses_none(error, check)):
        wanted, got = "it was used", "NoneType"
    elif misfits(error, answers_in(used(error, check), hw)):
        told = str(error).partition("\n")[0]
        return Verdict.FAIL, 0.0, f"an answer has another type or shape than expected: {told}"[:MOST_SAID]
    else:
        return None
    if got == "NoneType":
        return Verdict.NOT_IMPLEMENTED, 0.0, f"an answer is None, and {wanted}: not implemented yet"
    return Verdict.FAIL, 0.0, f"an answer is a plain {got}, and {wanted}: {OBJECT}"


def misfits(error: BaseException, answers: Iterable[Any]) -> bool:
    """Whether one of these has the type that a TypeError names, or is an array or a text where numpy or torch speaks of
    shapes and types."""
    found = {type(answer) for answer in answers}
    if isinstance(error, ValueError | IndexError | RuntimeError | TypeError) and re.match(
        "|".join(MISFITS), str(error)
    ):
        return any(kind in (np.ndarray, str, bytes) or kind.__name__ == "Tensor" for kind in found)
    named = re.findall(r"\w+", str(error)) if isinstance(error, TypeError) else ()
    return any(kind in PLAIN and kind.__name__ in named for kind in found)


def answers_in(values: Sequence[Any], hw: Subject) -> Iterator[Any]:
    """What of the values in a line, and of their parts, is an answer of the student's; and the last answer with its
    parts, if the line may call the student's code."""
    from grader.failing.steps import parts  # only where a check broke

    answers = [call.answer for call in reversed(hw.session.trace.calls)] if hw.session.trace else []
    given = [part for answer in answers for _, part in islice(parts(answer), MOST_PARTS)][:MOST_PARTS]
    if any(isinstance(value, Subject | NoValue) for value in values):
        yield from (part for answer in answers[:1] for _, part in islice(parts(answer), MOST_PARTS))
    known = set(map(id, given))
    yield from (part for value in values for _, part in islice(parts(value), MOST_PARTS) if id(part) in known)


def uses_none(error: BaseException, check: Check) -> bool:
    """Whether a name in the line of the homework that failed is None there: numpy's own words do not say so."""
    return any(value is None for value in used(error, check))


def used(error: BaseException, check: Check) -> list[Any]:
    """The values of the names in the line of the homework that failed."""
    frames = own_frames(error, check)
    if not frames:
        return []
    frame, number = frames[-1]
    names = re.findall(r"\w+", linecache.getline(frame.f_code.co_filename, number))
    return [frame.f_locals[name] for name in names if name in frame.f_locals]


def own_frames(error: BaseException, check: Check) -> list[tuple[FrameType, int]]:
    """The frames of the homework, and their lines, the innermost last."""
    own = Path(defined_at(check)).parent
    return [one for one in traceback.walk_tb(error.__traceback__) if is_below(one[0].f_code.co_filename, own)]


def is_below(file: str, folder: Path) -> bool:
    return Path(file).is_relative_to(folder) and not engines(Path(file))


def arises_in(folder: Path, error: BaseException) -> bool:
    """Whether a homework's own code, or what it compares answers with, raised an exception, and not the engine."""
    frames = (Path(frame.filename) for frame in reversed(traceback.extract_tb(error.__traceback__)))
    nearest = next((file for file in frames if engines(file) or file.is_relative_to(folder)), None)
    return nearest is not None and (not engines(nearest) or nearest.parent.name == "measure")


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


def questions(tasks: Iterable[TaskResult]) -> Iterator[str]:
    """What a person must look at: a line for each item in which the grader failed, then the questions of its checks."""
    for item in (item for task in tasks for item in task.items):
        faulty = [check.name for check in item.checks if check.verdict is Verdict.INTERNAL]
        if faulty:
            yield f"{item.id}: a fault of the grader in {', '.join(faulty)}"
        yield from (f"{check.name}: {question}" for check in item.checks for question in check.review)


def item_result(item: Item, results: Mapping[str, CheckResult]) -> ItemResult:
    if item.skipped:
        check = CheckResult(f"item_{item.id}", item.title, Verdict.SKIPPED, 0.0, item.points, message=item.skipped)
        return ItemResult(item.id, item.title, 0.0, item.points, (check,))
    checks = tuple(results[plan.name] for plan in item.checks)
    score = round(math.fsum(check.earned for check in checks), 9)  # thirds of a point add up to whole ones
    return ItemResult(item.id, item.title, score, item.points, checks)


def provenance(homework: Homework, seed: int, isolation: str, used: Mapping[str, str]) -> Provenance:
    grader, fixtures = digests(homework)
    return Provenance(
        seed=seed,
        versions={
            "python": sys.version.split()[0],
            "numpy": np.__version__,
            "backgrade": __version__,
            **used,
        },
        rubric_digest=homework.rubric.digest,
        grader_digest=grader,
        fixtures_digest=fixtures,
        isolation=isolation or NOTHING_RAN,
    )
