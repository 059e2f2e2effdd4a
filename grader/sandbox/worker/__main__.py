"""Runs in the student's process: imports the student's files and answers one request at a time.

Hostile code runs in the same process and may change everything here. So nothing here decides anything: replies carry
values, and the grader judges them.

The first frame is the setup. Every later one is a request `{id, seed, op, owner, path, batches, named}`: one call for
each batch of arguments, with the keyword arguments in `named`; `owner` is a list where each call has its own; `watch`
holds, for the first of them, what differences.py looks for; `then` has, for each of them, a method to call after it,
and what to write before.

A reply is `{id, values, tried, hid}` with one value per call. Where a call raised, the values end before it, and the
reply has its `error`. It has `changed` for arguments that calls changed, and `differences` for what was found of
`watch`. During a call the worker may send `{id, callback, args, named}`, to call a function that it was given. The
answer is `{returned}`, `{raised}` with an exception of Python's by name and text, or `{refused}`.
"""

from __future__ import annotations

import errno
import faulthandler
import importlib
import importlib.machinery
import inspect
import io
import os
import random
import signal
import sys
import threading
import traceback
from collections import ChainMap, Counter, UserDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from itertools import takewhile
from pathlib import Path
from types import FrameType, MappingProxyType, ModuleType
from typing import Any, BinaryIO

import numpy as np

from grader.sandbox.worker import (
    canary,
    confine,
    differences,
    drivers,
    home,
    imports,
    naps,
    operate,
    output,
    own_modules,
    parts,
    standins,
)
from grader.sandbox.worker.operate import AbsentError
from grader.sandbox.worker.statements import leaves_debugger
from grader.sandbox.worker.wire import MAX_NODES, Callback, FrameError, Handle, Tensor, read_frame, write_frame

PLAIN: tuple[Any, ...] = (int, float, complex, str)
UNSHOWN = "(its message cannot be shown)"
MOST_KINDS = 20  # classes of an exception
KEEPING = ("printed", "raised", "type", "put file", "fetch file")  # no calls, so what the last call left is kept
SWITCH = 1e-4  # seconds that each other thread computes for while the one that answers waits for its turn
AS_IT_IS = frozenset((type(None), bool, int, float, complex, str, bytes))  # exact types that are sent unchanged
DERIVED = (*PLAIN, bytes, list, tuple, set, frozenset, dict)  # a class that derives from one may have more than a value
EXACT = AS_IT_IS.union(DERIVED)
VIEWS = ChainMap, MappingProxyType, UserDict  # of dicts, from which they do not derive
DEEP, OFTEN = 6, 100  # levels of a value below which one and the same part is sent at most so often


def main() -> None:
    incoming, outgoing = private_channel()
    setup = read_frame(incoming)
    cap = output.take_over(setup["output"])
    try:
        driving = drivers.load(setup["package"], setup["drivers"])  # the confined process cannot read these files
    except drivers.DriverError as error:
        write_frame(outgoing, {"fault": str(error)})
        return
    sys.dont_write_bytecode = True  # of the student's code
    sys.setswitchinterval(SWITCH)
    policy = setup["policy"] | {"read": setup["policy"]["read"].split("\0")}
    held = confine.confine(confine.Policy(**policy)).line() + canary.line(setup["session"])
    faulthandler.enable(file=2, all_threads=False)
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1, file=2, all_threads=False)
    worker = Worker(setup, driving, cap)
    worker.channel = incoming, outgoing
    write_frame(outgoing, {"held": held})
    while True:
        try:
            request = read_frame(incoming)
        except EOFError:
            return
        reply = worker.answer(request)
        try:
            write_frame(outgoing, reply)
        except (FrameError, MemoryError) as error:
            write_frame(outgoing, reply | {"values": [], "changed": {}, "error": worker.describe(error)})


def private_channel() -> tuple[BinaryIO, BinaryIO]:
    """Move the grader's channel from stdin and stdout to other descriptors. What is printed goes to stderr's file."""
    incoming, outgoing = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.close(null)
    return os.fdopen(incoming, "rb"), os.fdopen(outgoing, "wb")


class Worker:
    def __init__(self, setup: dict[str, Any], driving: Mapping[str, ModuleType], cap: output.Cap) -> None:
        self.driving = driving
        self.files: str = setup["files"]
        self.cap = cap
        self.folder: str = setup["folder"]
        self.modules: dict[str, str] = setup["modules"]
        self.keep: dict[str, tuple[int, ...]] = setup["keep"]
        self.objects: dict[int, Any] = {}
        self.first: int = setup["first"]  # ids begin above it, so that no two processes use the same
        self.numbers: dict[int, int] = {}  # id() of a held object -> its number
        self.runs: list[Any] = []  # those that drivers began
        # What a check set in modules and classes: (in what, name, before).
        self.replaced: list[tuple[Any, str, Any]] = []
        self.raised: BaseException | None = None  # what the last call raised
        self.parts_left = 0  # of the frame that is being made
        self.met = Counter[int]()  # parts of the value that is being converted
        self.channel: tuple[BinaryIO, BinaryIO] | None = None
        self.current: int | None = None  # the id of the request that is being answered
        self.asking = threading.Lock()
        self.tried: list[tuple[str, str]] = []
        self.whole = False  # whether objects of classes that derive from plain types stay here
        self.reduced = False  # whether one was sent as its plain value
        self.broken: dict[str, dict[str, Any]] = {}
        self.loaded: dict[str, Any] = {}
        sys.path[:0] = setup["path"]
        self.stand_ins = standins.StandIns(self.folder)
        self.own = own_modules.OwnModules(setup["path"], self.stand_ins, setup["cells"])
        sys.meta_path.insert(sys.meta_path.index(importlib.machinery.PathFinder), self.own)
        sys.meta_path.append(standins.StandInFinder(self.stand_ins, list(self.own.files)))
        self.parts = parts.Parts(setup["parts"], self.ask_back)
        self.naps = naps.prepare(setup["naps"], self.own.end_sleep)
        home.furnish(self.folder, self.stand_ins)
        imports.forbid(setup["forbid"], self.folder, self.note_attempt)
        sys.meta_path.insert(0, own_modules.Stopped(setup["stopped"]))

    def note_attempt(self, act: str) -> None:
        if len(self.tried) < 20:
            stack = frames(traceback.walk_stack(sys._getframe()))
            stack.reverse()
            self.tried.append((act, blamed(stack, self.folder)))

    def begin_check(self, seed: int) -> None:
        """Drop what the last check held and undo what it set, so that a check's answers depend on its seed alone."""
        random.seed(seed)
        np.random.seed(seed % (1 << 32))
        self.objects.clear()
        self.numbers.clear()
        self.runs.clear()
        while self.replaced:
            operate.restore(*self.replaced.pop())

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The reply to a request; see the top of this file."""
        self.tried.clear()
        self.stand_ins.hid.clear()
        if request["op"] not in KEEPING:
            self.cap.restart()
            self.raised = None
        if "naps" in request:
            self.naps.allow(request["naps"])
        if request["seed"] is not None:
            self.begin_check(request["seed"])
        reply: dict[str, Any] = {"id": request["id"], "values": [], "tried": [], "hid": []}
        self.current, self.whole, self.reduced = request["id"], request.get("whole", False), False
        self.parts_left = MAX_NODES
        with np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):  # a student's file may change it
            try:
                for at, args in enumerate(request["batches"]):
                    reply["values"].append(self.carry_out(request, at, args, reply))
                    if "then" in request:
                        reply["values"].append(self.follow(request["then"][at], reply["values"][-1]))
                    stop_watching()
            except BaseException as error:
                stop_watching()
                reply["error"] = self.describe(error)
                if request["op"] not in KEEPING:
                    self.raised = error.with_traceback(None)  # its frames hold arrays
            if request["op"] in ("call", "kept"):
                self.prepare(request, reply)
        self.current = None
        self.cap.finish()
        if self.reduced:
            reply["reduced"] = True
        return reply | {"tried": list(self.tried), "hid": list(self.stand_ins.hid)}

    def prepare(self, request: dict[str, Any], reply: dict[str, Any]) -> None:
        """Put the values of calls into the form in which they are sent. They are read after the last call, to show an
        array that serves for every answer. The first that cannot be sent ends the reply."""
        values, path = reply["values"], request["path"]
        keep = self.keep.get(path[-1], ()) if path else ()
        for at in range(0, len(values), 2 if "then" in request else 1):
            try:
                values[at] = self.hold(values[at]) if request["op"] == "kept" else self.wrap(values[at], keep)
            except BaseException as error:
                reply |= {"values": values[:at], "error": self.describe(error)}
                return

    def follow(self, then: Sequence[Any], made: Any) -> Any:
        """Call a method without arguments: of an object that is held here, else of what the call before it made, if
        that stays here. It is called twice if arrays are to be written into the live ones that it returns."""
        owner, method, arrays = then
        if owner is None and type(self.travelling(made)) is not Handle:
            return None
        target = made if owner is None else self.held(owner)
        if not hasattr(target, method):
            raise AbsentError(f"{type(target).__name__[:80]} defines no {method}")
        if arrays is not None:
            write_into(getattr(target, method)(), arrays)
        return self.wrap(getattr(target, method)(), ())

    def carry_out(self, request: dict[str, Any], at: int, batch: Sequence[Any], reply: dict[str, Any]) -> Any:
        """The value of call number `at` of a request. What else it left is added to the `reply`."""
        op, owner, path = request["op"], request["owner"], request["path"]
        owner = owner[at] if type(owner) is list else owner
        args = list(map(self.unwrap, batch))
        named = {name: self.unwrap(value) for name, value in request.get("named", {}).items()}
        if op == "put":
            return self.hold(args[0])
        if op == "generator":
            return self.hold(np.random.default_rng(args[0]))
        if op in KEEPING:
            return self.looked_at(op, *args)
        if op == "drive":
            return self.begin_run(*args)
        target: Any = self.held(owner) if isinstance(owner, Handle) else self.module(owner)
        self.parts.in_run = self.own.in_run = any(target is run for run in self.runs)
        if op == "import":
            return None
        if op == "arity":
            return arity(getattr(target, path[0], None))
        *names, operator = path if op == "operate" else (*path, "")
        for name in names:
            if not hasattr(target, name):
                raise AbsentError(f"{owner + '.py' if isinstance(owner, str) else owner.kind} defines no {name}")
            target = getattr(target, name)
        if op == "operate":
            return self.apply(operator, target, args)
        if op == "write":
            write_into(target(), args[0])
            return self.wrap(target(), ())
        return self.call(target, args, named, request.get("watch", ())[at : at + 1], reply)

    def begin_run(self, name: str, order: Any) -> Handle:
        student = drivers.Student(self.module, self.folder, self.files)
        self.parts.in_run, self.own.in_run = True, False
        self.runs.append(self.driving[name].begin(student, order))
        return self.hold(self.runs[-1])

    def apply(self, operator: str, target: Any, args: Sequence[Any]) -> Any:
        """The value of an operator; Handle(0) for an attribute that is a function. What it sets in a module or class is
        noted, so that `begin_check` undoes it."""
        if operator in ("setattr", "delattr") and operate.outlives(target):
            self.replaced.append((target, args[0], vars(target).get(args[0], operate.ABSENT)))
        value = operate.OPERATORS[operator](target, *args)
        return Handle(0) if operator == "getattr" and operate.is_function(value) else self.travelling(value)

    def call(
        self, target: Any, args: list[Any], named: dict[str, Any], watched: Sequence[Any], reply: dict[str, Any]
    ) -> Any:
        """What a call returns. The `reply` gets the arguments that it changed, and the differences that it took of the
        numbers in `watched`."""
        given = operate.arguments(args, named)
        before = {at: operate.snapshot(value) for at, value in given.items() if operate.changes(value)}
        with differences.Watch(self.folder, watched[0]) if watched else nullcontext() as watch:
            value = target(*args, **named)
        if watch is not None:
            reply.setdefault("differences", []).extend(watch.found())
        changed = {at: self.travelling(given[at]) for at in before if not operate.same(given[at], before[at])}
        if changed:
            reply["changed"] = reply.get("changed", {}) | changed
        return value

    def looked_at(self, op: str, *args: Any) -> Any:
        """What the last call printed or raised, or a file's content; or None, after something was written."""
        if op == "printed":
            return self.cap.printed.decode("utf-8", "replace")
        if op == "raised":
            if self.raised is None:
                raise AbsentError("the last call raised no exception")
            return self.hold(self.raised)
        if op == "type":
            self.replaced.append((sys, "stdin", sys.stdin))
            sys.stdin = io.TextIOWrapper(io.BytesIO(args[0].encode()), encoding="utf-8")
            return None
        path = Path(args[0])
        if op == "put file":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(args[1])
            return None
        if not path.exists():
            raise AbsentError(f"there is no file {args[0]}: your code did not write it")
        return path.read_bytes()

    def module(self, name: str) -> Any:
        """Import on first use. A file that failed is not run again; it gives the same error."""
        self.parts.bind(self.module)
        if name in self.broken:
            raise AgainError(self.broken[name])
        if name in self.loaded:
            return self.loaded[name]
        try:
            self.loaded[name] = importlib.import_module(self.modules[name])
            self.parts.replace_copies(map(sys.modules.get, self.own.files))
            return self.loaded[name]
        except BaseException as error:
            self.broken[name] = self.describe(error) | {"importing": name}
            raise AgainError(self.broken[name]) from None

    def held(self, handle: Handle) -> Any:
        if handle.id not in self.objects:
            raise GoneError(f"the {handle.kind} is gone with the process that held it")
        return self.objects[handle.id]

    def ask_back(self, callback: Callback, args: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Call a function that a check passed along."""
        if self.channel is None or self.current is None:
            raise RuntimeError(f"{callback.kind} can only be called during the call that it was passed to")
        self.parts_left = MAX_NODES
        sent = {"args": self.travelling(tuple(args)), "named": self.travelling(dict(named))}
        with self.asking:
            incoming, outgoing = self.channel
            write_frame(outgoing, {"id": self.current, "callback": callback.id, **sent})
            answer = read_frame(incoming)
        if "raised" in answer:
            raise operate.pythons(*answer["raised"])
        if "refused" in answer:
            raise RefusedError(answer["refused"])
        return self.unwrap(answer["returned"])

    def unwrap(self, value: Any) -> Any:
        kind = type(value)
        if kind is Handle:
            return self.held(value)
        if kind is Callback:

            def call(*args: Any, **named: Any) -> Any:
                return self.ask_back(value, args, named)

            call.__name__ = call.__qualname__ = value.kind
            return call
        if kind is Tensor:
            return value.opened()
        if kind is list or kind is tuple:
            return value if AS_IT_IS.issuperset(map(type, value)) else kind(map(self.unwrap, value))
        if kind is dict:
            return {key: self.unwrap(element) for key, element in value.items()}
        return value

    def wrap(self, value: Any, keep: tuple[int, ...]) -> Any:
        """A result in the form in which it is sent. In a tuple, the positions in `keep` stay here as handles."""
        if keep and isinstance(value, (tuple, list)) and len(value) > max(keep):
            return tuple(self.hold(part) if at in keep else self.travelling(part) for at, part in enumerate(value))
        return self.travelling(value)

    def travelling(self, value: Any, depth: int = 0) -> Any:
        """The value in exact built-in types, whatever the student's classes claim. Other objects become handles. Raises
        FrameError for more parts than a frame takes, before they are all converted, which would take seconds."""
        kind = type(value)
        if depth == 0:
            self.met = Counter()
        if kind in AS_IT_IS or kind is Handle or (kind is tuple and AS_IT_IS.issuperset(map(type, value))):
            return value
        if isinstance(value, np.ndarray):
            numbers = operate.numbers(value)
            return self.hold(value) if numbers is None else numbers
        if isinstance(value, np.generic) and value.dtype.kind in "biufc":
            return value.item() if not isinstance(value, np.longdouble) else float(value)
        if operate.is_tensor(value):
            try:  # what was computed travels without its graph
                return Tensor.of(value if value.is_leaf else value.detach())
            except TypeError:
                return self.hold(value)
        if kind in VIEWS and not self.whole:
            value, self.reduced = dict(value), True
        elif kind not in EXACT and isinstance(value, DERIVED):
            if self.whole:
                return self.hold(value)
            self.reduced = True
        if depth < 16 and not (depth > DEEP and self.often(value)):
            if isinstance(value, (list, tuple, set, frozenset, dict)):
                self.parts_left -= len(value)
                if self.parts_left < 0:
                    raise FrameError(f"more than {MAX_NODES} values in one frame")
            if isinstance(value, (list, tuple)):
                parts = [self.travelling(part, depth + 1) for part in value]
                return tuple(parts) if isinstance(value, tuple) else parts
            if isinstance(value, (set, frozenset)) and all(map(operate.is_key, value)):
                return (set if isinstance(value, set) else frozenset)(map(operate.plain_key, value))
            if isinstance(value, dict) and all(operate.is_key(key) for key in value):
                return {operate.plain_key(key): self.travelling(part, depth + 1) for key, part in value.items()}
        for base in PLAIN:
            if isinstance(value, base):
                return base(value)  # a subclass, reduced to its plain value
        return self.hold(value)

    def often(self, value: Any) -> bool:
        """Whether a part that has parts was met often: if each of 60 levels holds the next one twice, there is no end.
        Then it stays here, as what lies deeper does."""
        if type(value) in (list, tuple) and AS_IT_IS.issuperset(map(type, value)):
            return False
        self.met[id(value)] += 1
        return self.met[id(value)] > OFTEN

    def hold(self, value: Any) -> Handle:
        """The handle of an object that stays here; the same one each time."""
        number = self.numbers.setdefault(id(value), self.first + len(self.objects) + 1)
        self.objects[number] = value
        return Handle(number, type(value).__name__[:80])

    def describe(self, error: BaseException) -> dict[str, Any]:
        """How a call ended. Where the exception's own class or methods fail, only that."""
        try:
            return self.described(error)
        except BaseException:
            return {"kind": "raised", "type": "an exception", "text": UNSHOWN, "where": "", "trace": []}

    def described(self, error: BaseException) -> dict[str, Any]:
        if isinstance(error, AgainError):
            return error.description
        where = own_frames(frames(traceback.walk_tb(error.__traceback__)), self.folder)
        if isinstance(error, SyntaxError) and error.filename:
            where.append(place(error.filename, error.lineno or 0))
        text = error.msg if isinstance(error, SyntaxError) else safe_text(error)
        if isinstance(error, PermissionError) and not isinstance(error, imports.Refused):
            text = f"opened {error.filename}" if error.filename else "made a system call"
        if isinstance(error, OSError) and error.errno == errno.EFBIG:
            text = "its output or one of its files is over the limit of 64 MiB"
        debugger = leaves_debugger(error)
        return {
            "kind": "raised" if debugger else kind_of(error),
            "type": "BdbQuit" if debugger else type(error).__name__[:80],
            "kinds": list(map(kind_name, type(error).__mro__[:-1][:MOST_KINDS])),
            "text": "" if debugger else text[:500],
            "where": where[-1] if where else "",
            "trace": where[-8:],
        }


class AgainError(Exception):
    """A module failed to import, now or before; carries the description of that failure."""

    def __init__(self, description: dict[str, Any]) -> None:
        super().__init__(description["text"])
        self.description = description


class GoneError(Exception):
    """The object was in a process that has ended."""


class RefusedError(Exception):
    """A check's function raised an exception, or may no longer be called."""


def stop_watching() -> None:
    """End what a student's code began with `sys.settrace` or `sys.setprofile`: it would slow all that is done here."""
    sys.settrace(None)
    sys.setprofile(None)


def write_into(live: Any, values: Mapping[Any, Any]) -> None:
    """Write arrays into the live ones of the same names, in place. Dicts and lists may be nested. Raises FrameError for
    one that cannot be written: the method that gave the live ones raised nothing."""
    for name, value in values.items():
        if isinstance(value, dict):
            write_into(live[name], value)
            continue
        try:
            live[name][...] = value
        except Exception as error:
            shape = np.shape(value)
            raise FrameError(f"no array of shape {shape} can be written into its {name!r} ({error})") from None


def kind_of(error: BaseException) -> str:
    """The grader's name for this kind of error."""
    kinds: tuple[tuple[type[BaseException], str], ...] = (
        (imports.Forbidden, "denied"),
        (PermissionError, "denied"),
        (AbsentError, "absent"),
        (GoneError, "gone"),
        (MemoryError, "memory"),
        (NotImplementedError, "not implemented"),
        (SystemExit, "exit"),
        (FrameError, "unspeakable"),
        (own_modules.StoppedError, "stopped"),
    )
    if isinstance(error, RuntimeError) and "can't allocate memory" in safe_text(error):
        return "memory"  # torch's words
    return next((kind for type_, kind in kinds if isinstance(error, type_)), "raised")


def kind_name(kind: type) -> str:
    """A class as a check names it: "KeyError", or "module.Own" for one that is not Python's."""
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return name[:200]


def safe_text(error: BaseException) -> str:
    """The exception's message. Its `__str__` may be a student's, and raise."""
    try:
        return str(error)
    except BaseException:
        return UNSHOWN


def frames(walked: Iterable[tuple[FrameType, int]]) -> traceback.StackSummary:
    """The frames without the text of their lines: code can name any file as its own, such as one without an end."""
    return traceback.StackSummary.extract(walked, lookup_lines=False)


def own_frames(stack: traceback.StackSummary, folder: str) -> list[str]:
    """The student's own frames, outermost first, as "network.py:31"."""
    return [place(frame.filename, frame.lineno) for frame in stack if frame.filename.startswith(folder + os.sep)]


def place(file: str, line: object) -> str:
    """A line, as "network.py:31". Its parts may be of any length."""
    return f"{Path(file).name[:80]}:{str(line)[:20]}"


def blamed(stack: traceback.StackSummary, folder: str) -> str:
    """The student's frame that caused a forbidden act; "" if a library did it while it was imported. That is refused
    too, but the student is not blamed."""
    inner = list(takewhile(lambda frame: not frame.filename.startswith(folder + os.sep), reversed(stack)))
    own = own_frames(stack, folder)
    return own[-1] if own and not any(frame.name == "<module>" for frame in inner) else ""


def arity(function: Callable[..., Any] | None) -> int | None:
    """How many positional arguments a function takes; None if there is no function or it takes any number."""
    if function is None:
        return None
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return None
    return sum(
        parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD) for parameter in parameters
    )


if __name__ == "__main__":
    main()
