"""Arguments and exit codes.

Exit codes: 0 graded, with any score; 1 below --fail-under; 2 wrong usage or unreadable submission; 3 a fault of the
grader (needs review); 130 interrupted.
"""

from __future__ import annotations

import argparse
import atexit
import errno
import gc
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from grader import __version__, clock, early
from grader.environment import what_to_type
from grader.errors import UsageError

if TYPE_CHECKING:
    from grader.ci import Step
    from grader.model import Homework, Report, Submission
    from grader.sandbox.launch import Launch

COMMANDS = (
    "autograde",
    "batch",
    "check-homework",
    "data",
    "doctor",
    "gradebook",
    "new-homework",
    "pack",
    "release",
    "review",
    "selftest",
    "similar",
)  # each is a module in grader/command, with _ for -; it has parser() and run(arguments) -> exit code
HERE = {path.stem for path in (Path(__file__).parent / "command").glob("*")}  # a handout has some of them
THERE = [name for name in COMMANDS if name.replace("-", "_") in HERE]
SHOWN = [name for name in THERE if name != "autograde"]  # which packages call, and nobody types
OWN = Path(__file__).parent / "homework"
GRADED, BELOW, USAGE, FAULT, INTERRUPTED = 0, 1, 2, 3, 130
AGAIN = 1.0  # seconds until an interrupt that a homework's code lost is raised again
PATIENCE = 2.0  # seconds for which an interrupt waits until an import ends


def parser() -> argparse.ArgumentParser:
    """The options of a command line without a command."""
    root = argparse.ArgumentParser(
        prog="grade.py",
        usage="grade.py [PATH] [options], or grade.py COMMAND -h",
        description=f"Grade a submission. Commands: {', '.join(SHOWN)}.",
        epilog="exit codes: 0 graded, 1 below --fail-under, 2 usage, 3 our fault, 130 stopped",
        add_help=False,
        allow_abbrev=False,  # main must recognise `--ci` before this parses it
    )
    add = root.add_argument_group().add_argument
    add("-h", "--help", action="help", help=argparse.SUPPRESS)  # hidden, and one group, so that the help fits a screen
    add("path", nargs="?", type=Path, metavar="PATH", help="folder, zip or tar (default: the homework's student/)")
    add("--task", action="append", default=[], metavar="ID", help="only this task or item (2 or 2.3); repeatable")
    add("--repro", metavar="ITEM", help="write a script that shows this item's failing input")
    add("--full", action="store_true", help="train to the end, even after the bar is reached")
    add("--data-root", type=Path, metavar="FOLDER", help="folder with data (default: BACKGRADE_DATA, or a cache)")
    add("--unverified", action="store_true", help="use data that is not official; reports say so")
    add("--seed", type=int, metavar="N", help="repeat a run with the seed in its report")
    add("--json", type=Path, metavar="FILE", help="write the report as JSON; - prints it")
    html = Path("report.html")
    add("--html", type=Path, metavar="FILE", default=html, help=f"where the HTML report goes (default: {html})")
    add("--no-html", action="store_true", help="write no HTML report")
    add("--watch", action="store_true", help="grade again after each save, until Ctrl-C")
    add(
        "--audience",
        choices=["student", "staff"],
        default="student",
        metavar="WHO",
        help="student, or staff (shows faults of the grader in full)",
    )
    add("--ci", action="store_true", help="annotations and reports for GitHub Actions or GitLab")
    add("--junit", type=Path, metavar="FILE", help="write the report as JUnit XML")
    add("--fail-under", type=points, metavar="POINTS", help="exit with 1 when the score is lower")
    add("--homework", type=Path, default=OWN, metavar="FOLDER", help="another homework's folder")
    add("--version", action="store_true", help="print the version and exit")
    return root


def points(text: str) -> float:
    """Read a number. Raises ValueError for nan too, because no score is below it."""
    from grader.report.wording import read_number

    if math.isnan(value := read_number(text)):
        raise ValueError
    return value


def main(argv: Sequence[str] | None = None) -> int:
    if argv is None:
        end_in_order()
        gc.disable()  # until `settle`: nothing that is imported is garbage
    words = sys.argv[1:] if argv is None else list(argv)
    if "--ci" not in words:
        return answer(words)
    from grader import ci

    with ci.step(os.environ) as step:  # a CI obeys no printed text, not even a message about `words`
        return answer(words, step)


def settle() -> None:
    """Start the garbage collector. It skips what was imported until now, because modules stay."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def leave(code: int) -> NoReturn:
    """End this process with `code`. Python's own end would take apart all modules first: a tenth of a short run."""
    if threading.active_count() == 1:
        atexit._run_exitfuncs()
        with suppress(OSError, ValueError, AttributeError):  # where it cannot be written, Python's own end follows
            for stream in (sys.stdout, sys.stderr):
                with suppress(BrokenPipeError):  # nobody reads it any more; from 3.14 on Python's end would be 120
                    stream.flush()
            os._exit(code)
    sys.exit(code)


def answer(words: Sequence[str], step: Step | None = None) -> int:
    """Do what a command line asks for; its exit code. Each error ends in a sentence."""
    try:
        expect_asserts()
        expect_text(words)
        if words and words[0] in COMMANDS and words[0] not in THERE:
            raise UsageError(f"{words[0]} is a command of a course's grader, and this copy is a student's")
        if words and words[0] in COMMANDS:
            command = import_module(f"grader.command.{words[0].replace('-', '_')}")
            settle()
            return int(command.run(command.parser().parse_args(words[1:])))
        expect_command(words)
        return run(parser().parse_args(words), step)
    except UsageError as error:
        return ended(USAGE, str(error), step)
    except KeyboardInterrupt as stop:
        return ended(INTERRUPTED, f"interrupted {stop}".strip(), step)
    except ModuleNotFoundError as error:
        return ended(USAGE, f"{error.name} is not installed; {what_to_type(sys.argv)}", step)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return ended(USAGE, f"the disk is full ({error.strerror}); free some space and run this again", step)
        if isinstance(error, FileNotFoundError) and is_gone():
            return ended(USAGE, "the current folder was deleted or moved; go to another one: cd ~", step)
        # A fault of the grader ends in one sentence and its own exit code, not in a traceback.
        return ended(FAULT, f"a fault of the grader ({type(error).__name__}: {error}); please report it", step)


def expect_asserts() -> None:
    """Raise UsageError if Python leaves out `assert`, with which checks judge: wrong work would pass."""
    if sys.flags.optimize:
        flag = "O" * sys.flags.optimize
        said = f"Python was started with -{flag} or PYTHONOPTIMIZE, so a check's `assert` would test nothing"
        raise UsageError(f"{said}; run `unset PYTHONOPTIMIZE`, and python without -{flag}")


def expect_text(words: Sequence[str]) -> None:
    """Raise UsageError for an empty argument: a path of no text is the current folder, which nobody means."""
    for before, word in pairwise(("", *words)):
        option, is_joined, value = word.partition("=") if word.startswith("--") else (before, "", word)
        if not value and (is_joined or not word):
            name = option if option.startswith("--") else "an argument"
            raise UsageError(f"{name} is empty; give it a value, or leave it out")


def expect_command(words: Sequence[str]) -> None:
    """Raise UsageError for a first word that is no path, but nearly a command."""
    if not words or words[0].startswith("-") or os.path.lexists(words[0]):
        return
    from difflib import get_close_matches

    if near := get_close_matches(words[0], SHOWN, 1):
        raise UsageError(f"there is no command {words[0]}, and nothing of that name to grade; did you mean {near[0]}?")


def is_gone() -> bool:
    """Whether the current folder is not there any more."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def ended(code: int, sentence: str, step: Step | None = None) -> int:
    """Print why a command ends; its exit code."""
    if step:
        sentence = step.fail(sentence)
    with suppress(OSError):  # the reader is gone
        print(f"grade.py: {sentence}", file=sys.stderr, flush=True)
    return code


def end_in_order() -> None:
    """Treat a closed terminal and SIGTERM as Ctrl-C, so that workers end and temporary folders are deleted."""
    interrupt = Interrupt()
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler, early.end):
            signal.signal(number, interrupt)


class Interrupt:
    """Raises KeyboardInterrupt. Python loses it during some imports and while a thread starts. Then it waits until that
    ends, but at most PATIENCE: an import may never end. Python also loses it while an object is deleted. So in a
    homework's own code it is raised again until it arrives."""

    def __init__(self) -> None:
        self.until: float | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.until = self.until or time.monotonic() + PATIENCE
        waits = hasattr(signal, "setitimer") and time.monotonic() < self.until
        if waits and any(loses_interrupts(code) for code in stack(frame)):
            signal.setitimer(signal.ITIMER_REAL, 0.02)
        else:
            self.until = None
            if clock.is_running():
                signal.setitimer(signal.ITIMER_REAL, AGAIN)
            raise KeyboardInterrupt


def stack(frame: FrameType | None) -> Iterator[CodeType]:
    while frame is not None:
        yield frame.f_code
        frame = frame.f_back


def loses_interrupts(code: CodeType) -> bool:
    """An import may swallow a KeyboardInterrupt; Thread.start() turns it into a RuntimeError; tempfile forgets what it
    has just made."""
    imports = code.co_filename.startswith("<frozen importlib")
    return imports or code is threading.Thread.start.__code__ or code.co_filename.endswith("tempfile.py")


def run(arguments: argparse.Namespace, step: Step | None = None) -> int:
    if arguments.version:
        print(f"backgrade {__version__}")
        return GRADED
    from grader.sandbox.launch import ONE_THREAD, Zygotes

    os.environ.update(ONE_THREAD)
    try:
        with Zygotes(ahead=True) as zygotes:  # they warm up while the grader itself is imported
            return grade(arguments, zygotes.launch, step)
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(f"{stop} before the report was written".strip()) from None


class Work(NamedTuple):
    """What is graded: the submission at `path`. `grade` does it, with the run's seed and data."""

    path: Path
    homework: Homework
    seed: int
    grade: Callable[..., Report]


def grade(arguments: argparse.Namespace, launch: Launch, step: Step | None) -> int:
    """Grade once, or with --watch after each save; the exit code."""
    from grader.handout import own_folder
    from grader.intake.submission import begin, read, stubs
    from grader.loading import imported, open_folder

    page = None if arguments.no_html else arguments.html
    expect_usable(arguments, page, step)
    opened = open_folder(arguments.homework)
    path, wanted = arguments.path or own_folder(arguments.homework), opened.plan.wanted
    asked, limits = (path, wanted, stubs(opened.handout, wanted)), opened.plan.limits
    reading = None if arguments.watch else begin(*asked, limits=limits)  # which goes on while the rest is imported
    work = work_of(arguments, path, imported(opened))
    settle()
    if reading is None:
        return watch(arguments, page, work, partial(read, *asked, limits=limits), launch)
    return grade_once(arguments, page, work, reading, launch, step)


def expect_usable(arguments: argparse.Namespace, page: Path | None, step: Step | None) -> None:
    """Raise UsageError for options that exclude each other, and for a place where a file cannot be written or read."""
    from grader.data import datasets
    from grader.files import PAGE, XML, check_places, is_output

    if arguments.watch:
        expect_no_end(arguments)
    files = (arguments.json, arguments.junit, page)
    if sum(is_output(path) for path in files if path) > 1:
        raise UsageError("only one of --json, --junit and --html can be printed; give the others a file")
    check_places(zip(files, ('{\n  "schema"', XML, PAGE), strict=True))
    if step:
        step.check(*files)
    datasets.check_root(arguments.data_root)


def expect_no_end(arguments: argparse.Namespace) -> None:
    """Raise UsageError for an option of a run that ends by itself."""
    for name, given in (
        ("--fail-under", arguments.fail_under is not None),
        ("--ci", arguments.ci),
        ("--repro", bool(arguments.repro)),
    ):
        if given:
            raise UsageError(f"--watch goes on until Ctrl-C and {name} is for one run; leave one of them out")


def work_of(arguments: argparse.Namespace, path: Path, homework: Homework) -> Work:
    """The work that a command line asks for. The item of --repro is graded, too."""
    from grader import grading
    from grader.data import datasets

    if arguments.repro is not None:
        from grader.failing import repro

        repro.expect_known(homework, arguments.repro)
        arguments.task.append(arguments.repro)
    data = datasets.Store(homework, arguments.data_root, unverified=arguments.unverified)
    seed = homework.answers.draw_seed() if arguments.seed is None else arguments.seed
    run = partial(grading.grade, homework=homework, seed=seed, data=data, full=arguments.full)
    return Work(path, homework, seed, run)


def grade_once(
    arguments: argparse.Namespace,
    page: Path | None,
    work: Work,
    read: Callable[[], Submission],
    launch: Launch,
    step: Step | None,
) -> int:
    """Grade, show the report and write its files; the exit code."""
    from grader.grading import Interrupted
    from grader.report import text

    try:
        submission = read()
        if step:
            step.locate(work.path, submission)
        with text.progress() as (on_result, on_progress):
            report = work.grade(
                submission, only=arguments.task, on_result=on_result, on_progress=on_progress, launch=launch
            )
    except Interrupted as stopped:
        tell(stopped.report, arguments, None, step)
        where = f"interrupted {stopped}".strip()
        return ended(INTERRUPTED, f"{where}; the table shows what was measured until then", step)
    tell(report, arguments, page, step)
    if arguments.repro:
        try:
            reproduce(report, arguments, work, submission)
        except KeyboardInterrupt:
            return ended(INTERRUPTED, f"interrupted before repro-{arguments.repro}.py was written; the report is", step)
    warn_if_partial(report.provenance.isolation)
    return FAULT if report.faulty else judge(report, arguments.fail_under, step)


def reproduce(report: Report, arguments: argparse.Namespace, work: Work, submission: Submission) -> None:
    """Write the script of --repro, or say why there is none."""
    from grader.failing import repro
    from grader.files import set_aside, write
    from grader.handout import own_folder

    item, audience, own = arguments.repro, arguments.audience, own_folder(arguments.homework)
    place = Path(f"repro-{item}.py")
    if script := repro.script(report, item, work.homework, submission, work.path, audience, own):
        earlier = set_aside(place, script.encode())
        write(place, script)
        kept = f"; the earlier one is now {earlier}" if earlier else ""
        print(f"grade.py: wrote {place}; run it with Python here{kept}", file=sys.stderr)
    else:
        why = repro.reason(report, item, audience)
        print(f"grade.py: {place} was not written: {why}", file=sys.stderr)


def watch(
    arguments: argparse.Namespace, page: Path | None, work: Work, read: Callable[[], Submission], launch: Launch
) -> int:
    """Grade again after each save. Ends with Ctrl-C, or once nobody reads what is printed."""
    from grader.grading import Interrupted
    from grader.report import text
    from grader.report.screen import Screen
    from grader.report.wording import headline
    from grader.watch.loop import Plan, Watch

    def keep(report: Report) -> None:
        write_files(report, arguments, page)
        warn_if_partial(report.provenance.isolation)

    ours = [file for file in (arguments.json, arguments.junit, page) if file]
    plan = Plan(work.path, work.homework, read, work.grade, launch, work.seed, arguments.task, keep, ours)
    console = text.Terminal(stderr=is_printed(arguments, page))
    try:
        Watch(plan, Screen(console, arguments.audience, str(work.path), page)).run()
    except Interrupted as stopped:
        if stopped.report.interrupted:
            tell(stopped.report, arguments, None, None)
        return ended(INTERRUPTED, f"stopped watching; score {headline(stopped.report)}")
    return GRADED


def is_printed(arguments: argparse.Namespace, page: Path | None) -> bool:
    """Whether a file goes where the table would."""
    from grader.files import is_output

    return any(is_output(path) for path in (arguments.json, arguments.junit, page) if path)


def tell(report: Report, arguments: argparse.Namespace, page: Path | None, step: Step | None) -> None:
    """Write the files, then print the table; to standard error if a file goes to standard output.

    Raises UsageError for a file that cannot be written, after printing the table.
    """
    from grader.report import text
    from grader.report.audience import presented, quoted

    console = text.Terminal(stderr=is_printed(arguments, page), width=text.WHOLE if step else None)
    shown = quoted(presented(report, arguments.audience)) if step else report
    try:
        write_files(report, arguments, page)
        if step:
            step.write(report, arguments.audience, arguments.junit)
    except BaseException:  # for example, the disk is full: still show the results
        text.show(shown, audience=arguments.audience, console=console)
        raise
    text.show(shown, audience=arguments.audience, page=page, console=console)


def write_files(report: Report, arguments: argparse.Namespace, page: Path | None) -> None:
    """Raises UsageError for a file that cannot be written."""
    from grader.files import write
    from grader.report import json

    if arguments.json:
        write(arguments.json, json.render(report, audience=arguments.audience))
    if arguments.junit:
        from grader.report import junit

        write(arguments.junit, junit.render(report, audience=arguments.audience))
    if page:
        from grader import drawing

        write(page, drawing.page(report, audience=arguments.audience))


def judge(report: Report, bar: float | None, step: Step | None = None) -> int:
    """The exit code of a report. Prints the reason if it is not 0."""
    score = round(report.score, 9)
    if bar is None or score >= bar:
        return GRADED
    more = f"; {report.skipped:.9g} points were not graded" if report.skipped else ""
    return ended(BELOW, f"score {score:.12g} is below --fail-under {bar:.12g}{more}", step)


def warn_if_partial(isolation: str) -> None:
    """Warn if confinement is partial on this machine."""
    from grader.sandbox.required import required

    missing = required(isolation) if "=" in isolation else ()
    if missing:
        print(
            f"grade.py: notice: {missing[0]}. On this machine, grade only work that you trust; see "
            "`python grade.py doctor`.",
            file=sys.stderr,
        )
