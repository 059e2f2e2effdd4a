"""What the exception that ended a check tells: a mistake of the check's author, or a wrong answer of the student's."""

from __future__ import annotations

import linecache
import re
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from grader.check import Subject, defined_at
from grader.errors import StudentError, UnsendableError, UsageError
from grader.model import Check, Verdict
from grader.sandbox.check_line import in_engine
from grader.sandbox.remote import OBJECT, Proxy
from grader.sandbox.replies import COPY

# Types of answers by value.
PLAIN = (type(None), bool, int, float, complex, str, bytes, list, tuple, dict, set, np.ndarray)
# Those that may have another shape.
SHAPED = (np.ndarray, np.generic, str, bytes, list, tuple, dict, set, frozenset, Proxy)
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
MOST_SAID = 300  # characters of a sentence that is not the grader's own


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


def line_that_broke(error: BaseException, check: Check) -> str:
    """The homework's line that an answer broke, as "checks.py:14: out.tolist()"; "" for what a check asserts."""
    frames = own_frames(error, check)
    if not frames or isinstance(error, AssertionError | outcome("_pytest.outcomes", "Failed")):
        return ""
    frame, number = frames[-1]
    file = frame.f_code.co_filename
    return f"{Path(file).name}:{number}: {linecache.getline(file, number).strip()}"[:MOST_SAID]


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
