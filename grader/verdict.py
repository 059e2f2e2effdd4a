"""Runs one check. What it returns or raises becomes a verdict."""

from __future__ import annotations

import hashlib
import hmac
import linecache
import math
import re
import sys
import time
import traceback
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from functools import cache
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from grader.check import Draws, Subject, defined_at
from grader.clock import clock, seconds_of
from grader.errors import Skipped, StudentError, Undecided, UnsendableError, UsageError
from grader.model import Check, CheckPlan, CheckResult, Homework, Measure, Verdict
from grader.sandbox.check_line import in_engine
from grader.sandbox.remote import OBJECT, Proxy
from grader.sandbox.replies import COPY

if TYPE_CHECKING:
    from grader.failing.examples import Failed

# Types of answers by value.
PLAIN = (type(None), bool, int, float, complex, str, bytes, list, tuple, dict, set, np.ndarray)
SHAPED = (
    np.ndarray,
    np.generic,
    str,
    bytes,
    list,
    tuple,
    dict,
    set,
    frozenset,
    Proxy,
)  # answers that may have another shape
ITERATED = (str, bytes, dict, set, frozenset)  # answers whose elements a loop meets, though they are no parts
PARTS = re.compile(
    r"(not enough|too many) values to unpack.*|(list|tuple|string) index out of range|zip\(\) argument .*"
)
UNREADABLE = {"UnicodeDecodeError", "JSONDecodeError", "UnpicklingError", "EOFError", "BadZipFile"}  # of any format
UNRAISED = re.compile(r"DID NOT RAISE (?:<class ')?(.*?)(?:'>)?")  # what `pytest.raises` says
CURES = (  # what a check may not do: the exception that comes of it, a pattern of its words, and the cure
    (
        TypeError,
        "catching classes that do not inherit|Expected a BaseException type, but got 'Function'",
        "a student's exception lives in the student's process, so `except` and pytest.raises cannot take it; write "
        "expect_raises(hw, NAME, call, hw.MODULE.ERROR)",
    ),
    (ValueError, "read-only", COPY),
    (
        RuntimeError,
        "does not require grad",
        "an answer comes without its graph; keep it there: `out = hw.MODULE.f.kept(x)`, `out.sum.kept().backward()`",
    ),
    (
        TypeError,
        "code object was expected, got",
        "the student's code has no source here; read the file's: hw.source(\"FILE.py\").decode()",
    ),
    (
        ValueError,
        "a coroutine was expected, got",
        "a student's coroutine runs in the student's process; run it there, by a function that calls asyncio.run, in a "
        "file of `modules` that is not in `submit`",
    ),
    (
        TypeError,
        "should be called on dataclass instances",
        "a student's object is a dataclass in the student's process alone; read its attributes: vars(a)",
    ),
)
XFAIL = (
    "pytest.xfail has no meaning in a check; raise Mismatch for a wrong answer, or Skipped for what cannot be graded "
    "(grader.errors)"
)
NO_NUMBER = re.compile("invalid literal for int|could not convert string to float")
MISFITS = (  # how Python, numpy and torch begin to speak of arrays and lists of another shape or dtype
    "(operands )?could not (be )?broadcast", "matmul: Input operand", r"shapes? .*(not aligned|cannot)",
    "all the input array dim", "The truth value of an array", "only .*arrays can be converted", "too many indices for",
    r"index -?\d+ is out of", "ufunc '.*' (not|did not)", "The size of tensor a", ".* did not match [A-Z]",
    "Boolean value of Tensor", "only integers, slices", r"Can't call numpy\(\) on Tensor",
    "setting an array element with a sequence", "operand '.*' does not support ufuncs", "cannot reshape array",
    "(cannot convert )?dictionary update sequence", r"(min|max)\(\) (arg|iterable argument) is", "zero-size array",
    r"axis -?\d+ is out of bounds", "(need|needs|requires) at least", "attempt to get arg(min|max) of an empty",
    "zero-dimensional arrays cannot", r"'numpy\.\w+' object is not", "invalid index to scalar",
    r"\d+-dimensional array given", "cannot unpack non-iterable",
)  # fmt: skip
MISVALUED = (  # how they begin to speak of numbers for which there is no result
    "Python int too large", "cannot convert float", "math domain error", "expected a (non-?negative|positive) input",
    "((float|integer) )?(floor )?(division|modulo|divmod)", "Singular matrix", "array must not contain infs",
    ".*did not converge", ".*negative (elements|dimensions)",
)  # fmt: skip
MOST_PARTS = 1000  # of answers that are searched for the reason of an exception
MOST_MISSED = 3  # numbers that a sentence names
MOST_SAID = 300  # characters of a sentence that is not the grader's own
BY_HAND = "grade this item alone with --task, or raise submission_cpu and submission_wall in rubric.yaml"


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
    verdict, fraction, message, where = carry_out(check, hw, homework, own_seed, failed)
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
            *hw.session.cell_of(where),
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


def carry_out(
    check: Check, hw: Subject, homework: Homework, seed: int, failed: dict[str, Failed] | None
) -> tuple[Verdict, float, str, str]:
    """Verdict, fraction of the points, message, and the line in the student's file. Raises UsageError if the data or
    the command is wrong: the user can cure that, and no submission is at fault."""
    verdict, fraction, message, where, part = Verdict.PASS, 1.0, "", "", ""
    try:
        what = f"the check {check.name} ({Path(defined_at(check)).name})"
        seconds = seconds_of(homework.rubric.limits, hw.item)
        # Neither what the check prints nor what numpy warns of wrong answers belongs in a report.
        with clock(what, seconds), redirect_stdout(sys.stderr), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            gained = check.function(hw, Draws(np.random.PCG64(seed)))
        if gained is not None:
            fraction = as_fraction(gained)
            verdict = Verdict.PASS if fraction == 1.0 else Verdict.PARTIAL if fraction > 0 else Verdict.FAIL
            message = "" if fraction == 1.0 else shortfall(hw.measures, check, fraction)
    except StudentError as error:
        verdict, fraction, where = error.verdict, error.fraction, error.where
        part = wrong_part(check.about, hw, error)
        message = hw.session.as_handed_out(error.message)
        if failed is not None and hw.session.trace and not error.elsewhere:
            failed[check.name] = hw.session.trace.calls, error
        if hw.session.allowance.used_up:
            hw.review(f"{message}; {BY_HAND}")
    except Undecided as question:
        verdict, fraction, message = Verdict.SKIPPED, 0.0, str(question)
        hw.review(str(question))
    except Skipped as reason:
        verdict, fraction, message = Verdict.SKIPPED, 0.0, str(reason)
    except (UsageError, KeyboardInterrupt) as error:
        found = made_of_no_numbers(error, check, hw) if isinstance(error, UnsendableError) else None
        if found is None:
            raise
        (verdict, message), fraction = found, 0.0
    except BaseException as error:  # a check must not end the grader, and pytest's outcomes are no Exception
        found = by_tests(error, check) or by_answer(error, check, hw)
        verdict, message = found or (Verdict.INTERNAL, traceback.format_exc())
        fraction = 0.0
    if verdict in (Verdict.FAIL, Verdict.PARTIAL) and not where:
        where = place(check.about, hw, part)
    return verdict, fraction, message, where


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


def by_tests(error: BaseException, check: Check) -> tuple[Verdict, str] | None:
    """Verdict and message if pytest or unittest skipped a check; else None.

    Raises UsageError, with the line and the cure, for what a test may do and a check may not: see CURES.
    """
    if isinstance(error, outcome("_pytest.outcomes", "Skipped") | outcome("unittest.case", "SkipTest")):
        return Verdict.SKIPPED, str(error) or f"the check {check.name} skipped this, and gave no reason"
    cure = next((told for kind, words, told in CURES if isinstance(error, kind) and re.search(words, str(error))), "")
    if isinstance(error, outcome("_pytest.outcomes", "XFailed")):
        cure = XFAIL
    elif isinstance(error, AttributeError) and isinstance(error.obj, StudentError):
        cure = f"the exception that was caught has no {error.name}; read it from the student's exception: hw.raised()"
    if cure and (frames := own_frames(error, check)):
        frame, number = frames[-1]
        raise UsageError(f"{frame.f_code.co_filename}:{number}: {cure}")
    return None


def outcome(module: str, name: str) -> type[BaseException]:
    """An exception class of pytest or unittest; Never if its module is not imported, so that nothing has raised it."""
    found: type[BaseException] = getattr(sys.modules.get(module), name, Never)
    return found


class Never(BaseException):
    """Is never raised."""


def by_answer(error: BaseException, check: Check, hw: Subject) -> tuple[Verdict, str] | None:
    """Verdict and message if a check failed because of an answer; None for any other exception, a fault of the grader.

    The answer may break an assertion of the check. It may be None, have other parts or another type or shape, be plain
    data instead of an object, or a text that cannot be read. The reference passes the check, so the student's answer is
    at fault.
    """
    if not arises_in(Path(defined_at(check)).parent, error):
        return None
    told = str(error)
    line = told.partition("\n")[0]
    if isinstance(error, AssertionError | outcome("_pytest.outcomes", "Failed")):  # of `pytest.raises`; no Exception
        return Verdict.FAIL, not_held(told, check)
    if isinstance(error, ValueError | IndexError) and PARTS.fullmatch(told):
        return Verdict.FAIL, f"an answer has other parts than expected: {told}"
    if type(error).__name__ in UNREADABLE or NO_NUMBER.match(told):
        return Verdict.FAIL, f"what your code wrote cannot be read: {line}"[:MOST_SAID]
    got, use = misused(error, check)
    if got == "NoneType":
        return Verdict.NOT_IMPLEMENTED, f"an answer is None, and {use}: not implemented yet"
    if got:
        return Verdict.FAIL, f"an answer is a plain {got}, and {use}: {OBJECT}"
    answers = list(answers_in(used(error, check), hw))
    if answers and isinstance(error, ValueError | ArithmeticError) and re.match("|".join(MISVALUED), told):
        return Verdict.FAIL, f"an answer has a value that cannot be used here: {line}"[:MOST_SAID]
    if misfits(error, answers):
        return Verdict.FAIL, f"an answer has another type or shape than expected: {line}"[:MOST_SAID]
    return made_of_no_numbers(error, check, hw)


def not_held(told: str, check: Check) -> str:
    """The sentence of a failed assertion: of pytest.raises, of numpy.testing, or of the check itself."""
    if found := UNRAISED.fullmatch(told):
        return f"{found[1]} must be raised here, but nothing was raised"
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    said = " ".join(lines[:2])[:MOST_SAID]  # numpy.testing says first what does not hold, and then what it expected
    return said or f"this does not hold for your answer: {check.title}"


def misused(error: BaseException, check: Check) -> tuple[str, str]:
    """The type of an answer that was used as an object, and how it was used; "" for both if none was."""
    told = str(error)
    if isinstance(error, AttributeError) and isinstance(error.obj, PLAIN):
        return type(error.obj).__name__, f"its {error.name} was read"
    if isinstance(error, TypeError) and (found := re.fullmatch(r"'(\w+)' object is not callable", told)):
        return found[1], "it was called"
    of_value = isinstance(error, TypeError | ValueError)
    if of_value and ("NoneType" in told or any(value is None for value in used(error, check))):  # numpy may not say it
        return "NoneType", "it was used"
    return "", ""


def made_of_no_numbers(error: BaseException, check: Check, hw: Subject) -> tuple[Verdict, str] | None:
    """Verdict and message if the line that failed has an array of texts or objects, and an answer is one of what numpy
    makes such an array; else None."""
    arrays = (value for value in used(error, check) if isinstance(value, np.ndarray))
    if not isinstance(error, UnsendableError) and all(array.dtype.kind in "biufc" for array in arrays):
        return None
    for part in (part for answer in last_answers(hw) for part in pieces(answer)):
        if part is None:
            return Verdict.NOT_IMPLEMENTED, "an answer is None, and it was used: not implemented yet"
        if isinstance(part, str | bytes | dict | set | frozenset) or (type(part) is int and abs(part) >= 1 << 63):
            large = "an int of more than 64 bits" if type(part) is int else f"a plain {type(part).__name__}"
            return Verdict.FAIL, f"an answer is {large}, and an array was made of it: numbers were expected"
    return None


def misfits(error: BaseException, answers: Iterable[Any]) -> bool:
    """Whether one of the answers fits what an exception complains of: it has the type that a TypeError names, or is one
    of SHAPED or an object, and numpy or torch complains of a shape or dtype."""
    found = {type(answer) for answer in answers}
    shaped = any(issubclass(kind, SHAPED) or kind.__name__ == "Tensor" for kind in found)
    complains = isinstance(error, ValueError | IndexError | RuntimeError | TypeError)
    if shaped and complains and re.match("|".join(MISFITS), str(error)):
        return True
    named = re.findall(r"\w+", str(error)) if isinstance(error, TypeError) else ()
    return any(issubclass(kind, PLAIN) and kind.__name__ in named for kind in found)


def answers_in(values: Sequence[Any], hw: Subject) -> Iterator[Any]:
    """Yield the student's answers among the values in a line, and their parts and rows. If the line may call the
    student's code, the last answer and its parts come first."""
    answers = list(last_answers(hw))
    given = list(islice((part for answer in answers for part in pieces(answer)), MOST_PARTS))
    if any(isinstance(value, Subject | Proxy) for value in values):
        yield from (part for answer in answers[:1] for part in pieces(answer))
    known, arrays = set(map(id, given)), [one for one in given if isinstance(one, np.ndarray)]
    for part in (part for value in values for part in pieces(value)):
        row = isinstance(part, np.ndarray) and any(np.may_share_memory(part, one) for one in arrays)
        entry = isinstance(part, np.generic) and any(np.any(one == part) for one in arrays)
        if row or entry or id(part) in known:
            yield part


def last_answers(hw: Subject) -> Iterator[Any]:
    """Yield the student's answers, the last one first; those of the last request alone where no calls are kept."""
    trace = hw.session.trace
    yield from reversed([call.answer for call in trace.calls] if trace else hw.session.answers)


def pieces(value: Any) -> Iterator[Any]:
    """A value, its parts, and the elements of those whose elements are no parts; MOST_PARTS of each at most."""
    from grader.failing.steps import parts  # only where a check broke

    for _, part in islice(parts(value), MOST_PARTS):
        yield part
        if isinstance(part, ITERATED):
            yield from islice(part, MOST_PARTS)


def used(error: BaseException, check: Check) -> list[Any]:
    """The values of the names in the homework's line that failed. A comprehension also uses names around it."""
    known: dict[str, Any] = {}
    line = ""
    for frame, number in reversed(own_frames(error, check)):
        line = line or linecache.getline(frame.f_code.co_filename, number)
        known = {**frame.f_locals, **known}
        if not frame.f_code.co_name.startswith("<"):
            break
    return [known[name] for name in re.findall(r"\w+", line) if name in known]


def own_frames(error: BaseException, check: Check) -> list[tuple[FrameType, int]]:
    """The frames of the homework, and their lines, the innermost last."""
    own = Path(defined_at(check)).parent
    return [one for one in traceback.walk_tb(error.__traceback__) if is_below(one[0].f_code.co_filename, own)]


def is_below(file: str, folder: Path) -> bool:
    return Path(file).is_relative_to(folder) and not in_engine(Path(file))


def arises_in(folder: Path, error: BaseException) -> bool:
    """Whether a homework's own code raised an exception, or measure/, which compares answers for it."""
    frames = (Path(frame.filename) for frame in reversed(traceback.extract_tb(error.__traceback__)))
    nearest = next((file for file in frames if in_engine(file) or file.is_relative_to(folder)), None)
    return nearest is not None and (not in_engine(nearest) or nearest.parent.name == "measure")


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
