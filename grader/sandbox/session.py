"""Manages a student's process: starts it, sends requests to it, and starts another one where it has ended.

A check uses it through the proxies of remote.py.
"""

from __future__ import annotations

import math
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from grader.errors import (
    Crashed,
    Mismatch,
    NotImplementedYet,
    OutOfMemory,
    Raised,
    StudentError,
    TimedOut,
    Undecided,
    UsageError,
)
from grader.files import remove
from grader.model import Limits, Section, Submission
from grader.sandbox.allowance import Allowance
from grader.sandbox.asked import Asked
from grader.sandbox.asking import Then
from grader.sandbox.callbacks import Answering
from grader.sandbox.check_line import line
from grader.sandbox.driven import Driven
from grader.sandbox.launch import ROOT, Launcher, spawn
from grader.sandbox.parts import Parts
from grader.sandbox.process import DUMP, Process, compressed
from grader.sandbox.remote import Remote, remote_to
from grader.sandbox.replies import (
    FORBIDDEN,
    MALFORMED,
    MOST_FUNCTIONS,
    Answered,
    Differences,
    Left,
    arriving,
    as_text,
    fits,
    student_error,
)
from grader.sandbox.setup import driven, first_frame, lay_out
from grader.sandbox.stopped import last_line, remember, stopped_before
from grader.sandbox.trace import Request, Trace
from grader.sandbox.travelling import travelling
from grader.sandbox.worker.cells import cell
from grader.sandbox.worker.operate import arguments
from grader.sandbox.worker.wire import MAX_FRAME, Handle

ATTEMPTS = 5
TELLING = 8  # characters of a path of the grader's that tell where it lies
MANY = 20_000  # values in the answers to one request that take long to read
NUMBERS = 1 << 40  # object ids per process
SETTING_UP = 2.0  # CPU seconds that a run may use before its first answer
RUN_WAITING = 5.0  # seconds that a run may wait without computing
PATIENCE = 4.0  # seconds on the clock allowed for each CPU second of a run, on a busy machine


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds of a call, and by how many bytes the student's process grew at its peak."""

    cpu: float
    peak: int


class Session:
    """One student's modules of one section. Use as a context manager, which removes process and files at the end."""

    def __init__(
        self,
        section: Section,
        submission: Submission,
        handout: Mapping[str, bytes],
        limits: Limits,
        launch: Launcher = spawn,
        allowance: Allowance | None = None,
        parts: Parts | None = None,
    ) -> None:
        self.section = section
        self.file_of = {module: Path(path).name for module, path in section.modules.items()}
        self.asked = Asked(submission.files)
        self.submission = replace(submission, files=self.asked)
        self.limits = limits if section.memory is None else replace(limits, memory=section.memory)
        self.launch = launch
        self.allowance = allowance or Allowance(limits)
        self.parts = parts  # what stands in for wrong functions, where a later item is graded again
        self.told: set[str] = set()  # sentences of `hid` that were reported before
        self.on_change: Callable[[str], None] = lambda function: None  # called when a call has changed an argument
        # Of the process
        self.process: Process | None = None
        self.processes = 0  # processes started; object ids of different processes never coincide
        self.buried = False  # whether the student's code ended the last process, and not the check
        self.held = ""  # the worker's line on its confinement; "" before the first call
        self.imported: set[str] = set()  # modules that this process holds
        self.known: set[str] = set()  # modules that some process of this session held
        self.remotes: WeakValueDictionary[int, Remote] = WeakValueDictionary()
        self.stack: list[tuple[str, str, str]] = []  # (file, line, function) of the process that was ended last
        # Of the last request
        self.answers: list[Any] = []  # what its calls gave; where one failed, those before it
        self.carried = 0  # bytes of it and of its reply
        self.answering = ""  # the check's function that the student's code is calling now, or ""
        self.forget_check()
        self.made = ""  # the folder, as soon as there is one
        try:
            self.made = tempfile.mkdtemp(prefix="backgrade-")
            self.folder = Path(os.path.realpath(self.made))
            lay_out(section, submission, handout, self.folder)
            self.start()
        except BaseException:
            self.close()
            raise

    def forget_check(self) -> None:
        """Drop all that belongs to one check: its seed, time, objects and findings."""
        self.thread = threading.get_ident()  # in which the check runs
        self.deadline = self.allowed = math.inf  # on the clock; and the seconds from the check's beginning until then
        self.seed: int | None = None  # for the next request; None once a process has it
        self.own_seed: int | None = None  # the same for as long as the check runs
        self.whole = self.reduced = self.driven = False  # see `begin`
        self.keeps_files = False  # whether the next process finds what the last one wrote
        self.changed = Left({}, {})
        self.differences: list[Differences] = []
        self.callbacks: dict[int, Callable[..., Any]] = {}
        self.remotes.clear()
        self.trace: Trace | None = Trace()  # None while nothing is traced
        self.asked.names.clear()
        self.tried: list[tuple[str, str]] = []  # forbidden acts, and where
        self.hid: list[str] = []  # what the sandbox replaced for the student's code
        self.last_words = ""
        self.peak = 0
        self.killed = False  # whether a process was killed, but not by the grader; see process.py

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self.stop()
        if self.made:
            remove(Path(self.made))

    def start(self) -> None:
        if not self.keeps_files:
            remove(self.folder / "scratch")  # no later process may find what this one left
        (self.folder / "scratch").mkdir(exist_ok=self.keeps_files)
        self.keeps_files = False
        self.process = Process(self.folder, self.limits, self.launch)
        self.processes += 1
        self.imported = set()
        first = first_frame(self.section, self.limits, self.folder, self.allowance.files)
        parts = self.parts.setup() if self.parts is not None else {}
        self.process.send({"first": self.processes * NUMBERS, "parts": parts, **first})

    def stop(self) -> None:
        """End the process, if there is one, and remember its peak memory."""
        if self.process is not None:
            self.peak = self.memory()
            process, self.process = self.process, None
            self.remotes.clear()
            process.kill()

    def renew(self, *, keep_files: bool = False) -> None:
        """End the process and all its objects. The next call starts a new one, with the check's seed. What the old one
        printed is kept. With `keep_files`, the new one finds the files that it wrote."""
        self.last_words = self.output()
        self.stop()
        self.keeps_files, self.buried = keep_files, False
        self.seed = self.own_seed

    def written(self) -> int:
        """How many bytes the process wrote to files, compressed; see `compressed`."""
        return compressed(self.folder / "scratch")

    def begin(self, seed: int, *, whole: bool = False) -> None:
        """Begin a new check, with its own time and seed, and without objects of the previous one.

        A student's class may derive from a plain type, as a list with methods does. Its objects are sent as that type,
        and `reduced` tells it, except in a check with a driver's run, which is not run again. With `whole`, they stay
        there as objects.
        """
        self.forget_check()
        self.seed = self.own_seed = seed
        self.whole = whole
        self.allow(self.limits.check_wall)
        if self.parts is not None:
            self.parts.begin(seed)

    def allow(self, seconds: float) -> None:
        """Set the deadline to `seconds` on the clock from now."""
        self.allowed = seconds
        self.deadline = time.monotonic() + seconds

    def used(self) -> float:
        """CPU seconds of the process so far, as the system counts them; 0 without a process."""
        return self.process.used() if self.process is not None else 0.0

    def waited(self) -> float:
        """Seconds in which the process was asked something and did not compute, as far as was seen; 0 without one."""
        return self.process.waited if self.process is not None else 0.0

    def delayed(self) -> float:
        """Seconds in which the process wanted to compute and a busy machine did not let it; 0 without one."""
        return self.process.delayed() if self.process is not None else 0.0

    def read(self) -> int:
        """How many values the process has replied so far; 0 without one."""
        return self.process.channel.values if self.process is not None else 0

    def answered(self) -> float:
        """Seconds on the clock that this check's questions to right parts took. The student's code is not charged."""
        return self.parts.seconds if self.parts is not None else 0.0

    def cost(self, call: Callable[[], Any]) -> Cost:
        """Measure `call`. CPU time here and in the student's process is added, so that moving work between them hides
        nothing. Raises Skipped where the system cannot measure it."""
        if self.process is None:
            self.start()
        assert self.process is not None
        self.process.greeting()
        process, mine, theirs = self.process, time.process_time(), self.process.clock()
        before, self.trace = process.forget_peak(), None  # tracing would cost, too
        call()
        if self.process is not process:
            raise Crashed("the student's process ended while its cost was measured")
        cpu = time.process_time() - mine + process.clock() - theirs
        return Cost(cpu, max(0, process.peak() - before))

    def memory(self) -> int:
        """Peak memory of this check's processes, in bytes. For a process that runs on, it counts from its start."""
        return max(self.peak, self.process.peak() if self.process is not None else 0)

    def output(self) -> str:
        """What the student's code printed since the last call, capped. Paths are shown as in the handout."""
        words, self.last_words = self.last_words, ""
        words += self.process.output.read(self.limits.output) if self.process is not None else ""
        return self.as_handed_out(words)

    def as_handed_out(self, words: str) -> str:
        """Text with the paths of the student's files as in the handout. The grader's own folders are hidden, also where
        a line ends within such a path, because what is printed is cut at a limit."""
        words = words.replace(f"{self.folder / 'code'}{os.sep}", "")
        for place in (str(self.folder), str(ROOT)):
            words = words.replace(place, "(grader)")
            if place[:TELLING] in words:
                words = "\n".join(without_end(line, place) for line in words.split("\n"))
        return words

    def attempts(self) -> list[str]:
        """A sentence for each forbidden act that the student's own code tried during this check, ATTEMPTS at most."""
        said = dict.fromkeys(
            f"{where} {self.as_handed_out(act)[:80]}, which {FORBIDDEN}" for act, where in self.tried if where
        )
        return list(said)[:ATTEMPTS]

    def require_file(self, name: str) -> None:
        """Raise Undecided if the file waits for a person's decision, Raised if it cannot be imported."""
        self.asked.names.add(name)
        if name in self.submission.questions:
            raise Undecided(self.submission.questions[name])
        if name in self.submission.faults:
            raise Raised(self.submission.faults[name])

    @property
    def mutated(self) -> tuple[int | str, ...]:
        """Positions and names of the arguments that a call of the last request changed in place."""
        return tuple(self.changed)

    def is_function(self, owner: str, name: str) -> bool:
        """Whether the reference's module or class `owner` has a function of that name."""
        known = self.section.functions.get(owner)
        return owner in self.section.modules if known is None else name in known

    def callback(self, number: int) -> Callable[..., Any] | None:
        """The function that the student's code may call under that number: the check's, or a right part."""
        if self.parts is None or number in self.callbacks:
            return self.callbacks.get(number)
        if self.process is not None:
            self.process.granted = self.parts.taken  # questions are no writing to the disk
        return self.parts.get(number)

    def remote(self, handle: Handle) -> Remote:
        """The Remote of an object in the student's process; the same one each time."""
        found = self.remotes.get(handle.id)
        if found is None or not handle.id:
            found = self.remotes[handle.id] = remote_to(self, handle)
        return found

    def cell_of(self, where: str) -> Iterator[str]:
        """Yield a sentence on the cell in which a line stands, if the file was made of cells."""
        file, _, line = where.partition(":")
        if line.isdecimal() and file in self.submission.origin:
            text = self.submission.files[file].decode("utf-8", "replace")
            name, within = cell(text, int(line))
            if name:
                yield f"{where} is line {within} of {name} in {self.submission.origin[file]}"

    def hidden(self) -> list[str]:
        """A sentence for each of the student's lines for which the sandbox replaced something that is missing here.
        Each sentence comes once."""
        new = [sentence for sentence in dict.fromkeys(map(self.as_handed_out, self.hid)) if sentence not in self.told]
        self.told |= set(new)
        return new

    def missing(self, module: str) -> bool:
        """Whether the student has to write this module's file and it is not in the submission."""
        name = self.file_of[module]
        return name in self.section.submit and name not in self.submission.files

    def require(self, module: str) -> None:
        """Raise NotImplementedYet if the student did not hand in the module's file, or what `require_file` raises."""
        self.require_file(self.file_of[module])
        if self.missing(module):
            raise NotImplementedYet(f"{self.file_of[module]} is not in this submission")

    def drive(
        self,
        name: str,
        order: Mapping[str, Any],
        arrays: Mapping[str, Any] | None = None,
        *,
        files: Mapping[str, Path] | None = None,
        key: str = "",
        subject: str = "the run",
        seconds: float,
    ) -> Driven:
        """Begin a run of one of the section's drivers (see worker/drivers.py), of at most `seconds` on the clock.

        `arrays` and copies of `files` are passed as files, which the student's process may only read: the channel would
        block the grader if the process stopped reading. The driver finds an array's path in `order["files"]` by its
        name, and a file below `student.files`. Arrays with the same `key` are equal and are written once. Sentences
        about the run begin with `subject`.
        """
        self.allow(seconds + self.limits.call_wall)
        self.asked.names |= driven(self.section, order)
        for path, source in (files or {}).items():
            target = self.folder / "data" / path
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
        laid = {
            array: str(self.lay(f"{name}-{key}-{at}", value, anew=not key))
            for at, (array, value) in enumerate((arrays or {}).items())
        }
        request = (name, {**order, "files": laid})
        remote = self.ask(
            "drive", Handle(0, name), (), [request], subject=subject, run_cpu=SETTING_UP, most_bytes=MAX_FRAME
        )[0]
        if not isinstance(remote, Remote):
            raise Crashed(f"{subject} broke the grader's channel: no run began")
        return Driven(self, remote._handle, subject)

    def look(self, op: str, args: Sequence[Any]) -> Any:
        """Ask what the last call printed or raised, read or write a file where the student's code runs, or type into
        its `input()`. This is no call, so `changed` stays. Raises Crashed for an answer of another type."""
        self.trace, changed = None, self.changed  # an answer may depend on files, of which calls tell nothing
        value = self.ask(op, Handle(0, op), (), [args], subject=op, most_bytes=MAX_FRAME)[0]
        self.changed = changed
        wanted = {"printed": str, "fetch file": bytes, "raised": Remote}.get(op, type(None))
        if not isinstance(value, wanted):
            raise Crashed("the student's code broke the grader's channel: its reply is malformed")
        return value

    def lay(self, name: str, array: Any, *, anew: bool) -> Path:
        """Write an array to a file in the session's folder. An existing file is kept, unless `anew`."""
        path = self.folder / "data" / f"{name}.npy"
        if anew or not path.exists():
            np.save(path, array, allow_pickle=False)
        return path

    def ask(
        self,
        op: str,
        owner: str | Handle | Sequence[str | Handle],
        path: Sequence[str],
        batches: Sequence[Sequence[Any]],
        *,
        named: Mapping[str, Any] | None = None,
        subject: str = "",
        run_cpu: float = 0.0,
        silent: float = math.inf,
        most_bytes: int | None = None,
        watch: Sequence[Sequence[Any]] = (),
        then: Sequence[Then] = (),
    ) -> list[Any]:
        """Carry out one call per element of `batches`, all in one round trip. Each has the keyword arguments `named`.
        There is one owner for all, or one for each. Messages call it `subject`; without one, they say the path or the
        owner. Raises StudentError for the first failure, UsageError for an argument that cannot be sent.

        `most_bytes` limits the size of the answers; by default, it grows with the arguments (see `Process.send`). The
        differences that calls take of the numbers in `watch` are added to `differences` (see worker/differences.py).
        With `then`, each call's answer is followed by that of its method.

        `run_cpu` is for a driver's run alone. The run pauses by itself after so many CPU seconds, and is stopped if it
        goes on for as many as a call may have, or for `silent`. The limit on the clock grows by PATIENCE times
        `run_cpu`.
        """
        if threading.get_ident() != self.thread:
            raise UsageError(f"{line()}: a check asks the student's code in one thread; use `map` for many calls")
        self.answers = []
        owners = [owner] if isinstance(owner, str | Handle) else list(owner)
        modules = [name for name in dict.fromkeys(owners) if isinstance(name, str)]
        if self.answering:
            self.refuse_while_answering(owners[0], modules)
        kind = owners[0] if isinstance(owners[0], str) else owners[0].kind
        subject = subject or ".".join(path) or kind
        name, is_run = (kind, subject), run_cpu > 0
        self.make_ready(modules, name, is_run=is_run)
        calls = [tuple(args) for args in batches]  # the trace reads them later, and a check may change its list
        request = self.request_of(op, owners, path, calls, named, watch, then)
        cpu = min(silent, self.allowance.for_calls(name, len(calls) + len(then), run=is_run))
        left, read = self.allowance.cpu, self.read()
        error: StudentError | None = None
        try:
            self.carry_out(request, cpu, run_cpu, subject, most_bytes)
        except StudentError as ended:
            is_early = time.monotonic() < self.deadline
            error = self.allowance.note(name, ended, left - self.allowance.cpu, run=is_run) if is_early else ended
        if self.trace:
            self.trace.note(Request(request, calls, named, self.answers, error), self.carried)
        if error is not None:
            raise error
        if is_run or self.read() - read <= MANY:
            self.allowance.ended.add(name)
        else:
            long = Raised(f"{subject} returned so many values that it takes long to read them")
            self.allowance.note(name, long, left - self.allowance.cpu, run=False)
        self.changed.given = arguments(calls[-1], named or {}) if calls else {}
        if self.changed:
            self.on_change(subject)
        return self.answers

    def refuse_while_answering(self, owner: str | Handle, modules: Sequence[str]) -> None:
        """Refuse what a check's function asks while the student's code is calling it: raise UsageError if it asks one
        of `modules`, Mismatch if it takes a student's object for a number."""
        if modules:
            raise UsageError(
                f"{line()}: the student's code calls {self.answering}, so it cannot call that code itself; put the "
                "function into a file of `modules` that is not in `submit`"
            )
        if isinstance(owner, Handle):
            raise Mismatch(f"{self.answering} was given a {owner.kind}, but expects numbers or arrays")

    def make_ready(self, modules: Sequence[str], name: tuple[str, str], *, is_run: bool) -> None:
        """Import the modules, if calls of that name (owner and subject) may still be tried. Raises StudentError."""
        for module in modules:
            self.require(module)
        if not is_run:
            self.allowance.expect_left(name[1])
            self.allowance.expect_ended(name)
        for module in modules:
            self.bring(module)

    def request_of(
        self,
        op: str,
        owners: Sequence[str | Handle],
        path: Sequence[str],
        calls: Sequence[tuple[Any, ...]],
        named: Mapping[str, Any] | None,
        watch: Sequence[Sequence[Any]],
        then: Sequence[Then],
    ) -> dict[str, Any]:
        """A request as worker/__main__.py reads it. Raises UsageError for an argument that cannot be sent."""
        callbacks = self.callbacks
        request: dict[str, Any] = {
            "op": op,
            "owner": owners[0] if len(owners) == 1 else owners,
            "path": list(path),
            "batches": [travelling(args, callbacks) for args in calls],
        }
        if self.whole:
            request["whole"] = True
        if named:
            request["named"] = {name: travelling(value, callbacks) for name, value in named.items()}
        if watch:
            request["watch"] = list(map(list, watch))
        if then:
            request["then"] = [[one.of, one.method, travelling(one.writing, callbacks)] for one in then]
        return request

    def bring(self, module: str) -> None:
        """Import a file, by a request of its own: so a file that never ends is told from a function that never does.
        Raises StudentError. What was stopped is not tried again."""
        path = self.section.modules[module]
        self.allowance.expect_imported(path)
        if module in self.imported and self.process is not None:
            return
        subject = f"the import of {Path(path).name}"
        again, before = module in self.known, self.allowance.cpu
        self.allowance.expect_left(subject, importing=self.buried or not again)
        cpu = self.limits.call_cpu if again else self.allowance.for_import()
        try:
            self.carry_out({"op": "import", "owner": module, "path": [], "batches": [()]}, cpu, 0.0, subject)
        except (TimedOut, OutOfMemory, Crashed) as error:
            if not self.killed and time.monotonic() < self.deadline:
                remember(self.allowance, self.stack, self.folder / "code", path, error)
            raise
        finally:
            if self.buried or not again:
                self.allowance.note_import(before - self.allowance.cpu, again=again)
        self.imported.add(module)
        self.known.add(module)

    def carry_out(
        self, request: dict[str, Any], cpu: float, run_cpu: float, subject: str, most_bytes: int | None = None
    ) -> list[Any]:
        """The results of one request, which may use `cpu` and `run_cpu` CPU seconds. Raises StudentError. If that ends
        the process, `stack` tells what was going on in it."""
        if self.process is None:
            self.start()
        process = self.process
        assert process is not None
        self.stack, self.carried, self.answers = [], 0, []
        subjects = subjects_of(request, subject)
        subject = " or ".join(dict.fromkeys(subjects))  # if the process ends, nobody knows in which of them
        try:
            self.held = process.greeting()
            before = process.carried
            try:
                reply = self.exchange(process, request, cpu, run_cpu, subject, most_bytes)
            finally:
                self.carried = process.carried - before
            results = self.read_reply(reply, subjects)
        except (TimedOut, OutOfMemory, Crashed) as error:
            self.explain_end(error, subject)
            self.bury()
            raise
        except StudentError:
            raise
        except Undecided:
            self.bury()
            raise
        except BaseException:
            self.stop()  # a fault of the grader, or an interrupt: the next call gets a new process
            raise
        self.seed = None
        return results

    def exchange(
        self,
        process: Process,
        request: dict[str, Any],
        cpu: float,
        run_cpu: float,
        subject: str,
        most_bytes: int | None,
    ) -> Any:
        """Send a request, answer what the student's code asks meanwhile, and return the reply. Raises StudentError, and
        the error with which a function of the check's ended."""
        request["seed"] = self.seed  # only now: to make a request's arguments, others may have been sent
        is_run = run_cpu > 0
        wall = self.limits.call_wall + PATIENCE * run_cpu
        if not is_run:
            request["naps"] = wall  # a run has those of its process, and no more
        process.driven = process.driven or is_run
        self.driven = self.driven or is_run
        waiting = RUN_WAITING if is_run else self.allowance.may_wait()
        answering = Answering(self, subject)
        with nullcontext() if is_run else self.allowance.spending(process):
            left = min(wall, self.deadline - time.monotonic())
            reply = process.exchange(request, left, cpu + run_cpu, subject, answering, waiting, most_bytes)
        if answering.error is not None:
            raise answering.error
        return reply

    def explain_end(self, error: StudentError, subject: str) -> None:
        """Add to the error with which a process ends: what it was doing, and whether the whole check's time was up."""
        if isinstance(error, TimedOut) and time.monotonic() >= self.deadline:
            error.message = f"{subject} was stopped: the {self.allowed:.3g} s for the whole check were used up"
        self.stack = self.process.stack() if self.process is not None else []
        error.where = error.where or last_line(self.section, self.stack)

    def bury(self) -> None:
        """End a process that can no longer be used. Keep what it printed, without faulthandler's dump."""
        process, self.buried = self.process, True
        self.stop()
        if process is not None:
            self.killed = self.killed or process.killed
            words = process.output.read(self.limits.output).partition(DUMP)[0]
            self.last_words = words.removesuffix("Fatal Python error: Segmentation fault\n\n")

    def read_reply(self, reply: Any, subjects: Sequence[str]) -> list[Any]:
        """The values of a reply, one for each of `subjects`. Raises the StudentError that it describes, or Crashed for
        a malformed reply."""
        try:
            values, error, changed = reply["values"], reply.get("error"), reply.get("changed", {})
            self.tried += [(as_text(act, 300), as_text(where, 80)) for act, where in reply["tried"][:20]]
            self.hid += [as_text(sentence, 300) for sentence in reply["hid"][:20]]
            self.reduced = (self.reduced or reply.get("reduced") is True) and not self.driven
            changed = {at: value for at, value in changed.items() if fits(at)}
            seen = reply.get("differences", ())[: MOST_FUNCTIONS * len(subjects)]
            self.differences += [Differences.read(subjects[0], one) for one in seen]
            if type(values) is not list:
                raise TypeError
        except MALFORMED:
            raise Crashed(f"{subjects[0]} broke the grader's channel: its reply is malformed") from None
        self.changed = Left({at: arriving(value, self.remote) for at, value in changed.items()}, {})
        self.answers = [arriving(value, self.remote, Answered) for value in values[: len(subjects)]]
        if error is not None and len(values) < len(subjects):
            subject = subjects[len(values)]
            told = stopped_before(self.allowance, self.folder / "code", error) or student_error(error, subject)
            told.message = self.as_handed_out(told.message)
            told.args = (told.message,)
            raise told
        if error is not None or len(values) != len(subjects):
            came = f"{len(values) + (error is not None)} of {len(subjects)} answers came back"
            raise Crashed(f"{subjects[0]} broke the grader's channel: {came}")
        return self.answers


def subjects_of(request: Mapping[str, Any], subject: str) -> list[str]:
    """The subject of each answer to a request; of a method that follows a call, its name."""
    if "then" not in request:
        return [subject] * len(request["batches"])
    return [name for _, method, _ in request["then"] for name in (subject, method)]


def without_end(line: str, place: str) -> str:
    """A line without the beginning of a path in which it ends."""
    for end in range(len(place) - 1, TELLING - 1, -1):
        if line.endswith(place[:end]):
            return f"{line[:-end]}(grader)"
    return line
