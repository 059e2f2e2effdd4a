"""Top-level statements of a student's file: what they set and need, and whether this machine made one fail."""

from __future__ import annotations

import ast
import errno
import traceback
from collections.abc import Iterator
from locale import Error as LocaleError
from pathlib import Path
from types import CodeType

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
IMPORTS = (ast.Import, ast.ImportFrom)


def is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def begin_of(statement: ast.stmt) -> tuple[int, int]:
    """The line and column where a statement begins, with its decorators."""
    first = [*getattr(statement, "decorator_list", ()), statement][0]
    return first.lineno, first.col_offset


def set_by(statement: ast.stmt) -> set[str]:
    """The names that a statement may set in its module. Those that it sets inside functions are among them."""
    found = set[str]()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, FUNCTIONS):
            found.add(node.name)
        elif isinstance(node, IMPORTS):
            found |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    return found


def leave_out(statement: ast.stmt, lost: set[str]) -> None:
    """Take out of a definition what is evaluated at once and needs a lost name: decorators, defaults, annotations,
    bases, and a class's values. The bodies of functions stay."""

    def keeps(part: ast.AST | None) -> bool:
        return part is None or not any(isinstance(one, ast.Name) and one.id in lost for one in ast.walk(part))

    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        statement.decorator_list = list(filter(keeps, statement.decorator_list))
    if isinstance(statement, ast.ClassDef):
        statement.bases = list(filter(keeps, statement.bases))
        statement.keywords = list(filter(keeps, statement.keywords))
        for one in statement.body:
            leave_out(one, lost)
        kept = [one for one in statement.body if isinstance(one, FUNCTIONS) or keeps(one)]
        statement.body = kept or [ast.copy_location(ast.Pass(), statement)]
    elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        given = statement.args
        none = ast.copy_location(ast.Constant(None), statement)
        given.defaults = [one if keeps(one) else none for one in given.defaults]
        given.kw_defaults = [one if keeps(one) else none for one in given.kw_defaults]
        for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs):
            argument.annotation = argument.annotation if keeps(argument.annotation) else None
        statement.returns = statement.returns if keeps(statement.returns) else None


def traced(error: BaseException) -> list[tuple[CodeType, int]]:
    """(code, instruction) of each call that an exception went through, outermost first."""
    found, trace = [], error.__traceback__
    while trace is not None:
        found.append((trace.tb_frame.f_code, trace.tb_lasti))
        trace = trace.tb_next
    return found


def only_elsewhere(error: BaseException) -> bool:
    """Whether an exception comes of this machine, and not of the student's file: a file, screen, package, argument or
    person is missing here, no process may be started, or no file may be made, such as a log in another folder. A file
    that is there and may not be opened does not count."""
    if isinstance(error, PermissionError):
        named = error.filename
        return not isinstance(named, str) or not Path(named).is_absolute() or is_absent(named)
    if isinstance(error, OSError):
        return error.errno not in (errno.EFBIG, errno.ENOSPC, errno.EDQUOT)
    if isinstance(error, LocaleError) or type(error).__name__ == "TclError" or leaves_debugger(error):
        return True
    if isinstance(error, ModuleNotFoundError):
        return "is not installed" in str(error)
    if isinstance(error, ImportError):
        return "Cannot load backend" in str(error)
    if isinstance(error, EOFError):
        return str(error) in ("EOF when reading a line", "")  # of input() and of getpass
    if isinstance(error, SystemExit):
        return went_through(error, "argparse.py")
    asked = "environ" if type(error) is KeyError else "argv"
    return type(error) in (IndexError, ValueError, KeyError) and any(asked in line for line in lines_of(error))


def leaves_debugger(error: BaseException) -> bool:
    """Whether an exception comes of a debugger that nobody answers: BdbQuit, or SystemExit from Python 3.14 on."""
    return type(error).__name__ == "BdbQuit" or (isinstance(error, SystemExit) and went_through(error, "pdb.py"))


def went_through(error: BaseException, file: str) -> bool:
    """Whether an exception went through code of a file of this name."""
    return any(Path(code.co_filename).name == file for code, _ in traced(error))


def is_absent(path: str) -> bool:
    try:
        Path(path).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        pass
    return False


def lines_of(error: BaseException) -> Iterator[str]:
    """Yield the lines of code that an exception went through, the student's and others'."""
    for frame, number in traceback.walk_tb(error.__traceback__):
        try:
            yield Path(frame.f_code.co_filename).read_text(encoding="utf-8").splitlines()[number - 1]
        except (OSError, UnicodeDecodeError, IndexError):
            continue
