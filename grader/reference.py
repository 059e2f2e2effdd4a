"""Answers what checks ask the reference: live, live and recorded, or from a recording if there is no reference.

A recording is a zip beside the project's folders. It holds an answer for each question that the checks asked with the
recorded seeds, under a digest of the question, and no code:

    manifest.json    the seeds, the names of the reference's functions, and digests
    shared.bin       answers that all seeds have in common
    SEED.bin         the others; each a mapping of digests to answers in the wire's format (sandbox/worker/wire.py)

A question is a call of a function of the reference (`hw.reference.work.scale(x, 2)`), a value in one of its modules, or
what `once` computes with them, such as a numeric gradient. Answers are plain data, or an exception. An object stays an
object: its calls and attributes are questions of their own, and their keys depend on what was asked of objects before.
"""

from __future__ import annotations

import hashlib
import json
import operator
import random
import sys
import zipfile
import zlib
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from grader.errors import Unrecorded, UsageError
from grader.sandbox.check_line import line
from grader.sandbox.worker.operate import COMPARED, OPERATORS, left_as, pythons
from grader.sandbox.worker.wire import FrameError, Tensor, decode, encode

RECORDED = "answers.zip"  # beside the project's folders, where there is no reference/
MANIFEST, SHARED = "manifest.json", "shared"
FORMAT = 2
KEY = 8  # bytes of a question's digest; a seed has some thousand questions
MOST_ELEMENTS = 100_000  # of an object that a check iterates over
KNOWN = 4096  # answers that are remembered; a class asks some sixty questions
LACKING = "this handout holds no answer to what your work was asked here; your course's grader measures it"
CALL, VALUE, SET, OPERATION = "call", "value", "set", "operation"  # kinds of questions
OBJECT = "object"  # what stands for an answer that is no plain data


class Live:
    """Asks the reference's own modules. An array that is computed `once` is remembered, because all submissions of a
    class need the same."""

    recording = False
    seeds: tuple[int, ...] = ()  # those that there are answers for; empty if there are for all

    def __init__(self, modules: Mapping[str, Any]) -> None:
        self.modules: Any = SimpleNamespace(**modules)
        self.known: dict[bytes, Any] = {}
        self.costing = False  # whether the cost of what is asked is measured

    def begin(self, seed: int) -> None:
        """Get ready for a run with this seed. Raises UsageError if there are no answers for it."""

    def begin_check(self) -> None:
        """The next questions are another check's: it knows no object of the check before."""

    def draw_seed(self) -> int:
        return random.SystemRandom().getrandbits(32)

    def once(self, key: bytes, make: Callable[[], Any]) -> Any:
        """What `make` gives, computed once for each `key`. Raises Unrecorded where it cannot be computed."""
        found = self.known.get(key)
        if found is None:
            if len(self.known) >= KNOWN:
                self.known.clear()
            found = self.known[key] = make()
            found.flags.writeable = False
        return found


class Recorder(Live):
    """Asks the same modules, and keeps each question with its answer."""

    recording = True

    def __init__(self, modules: Mapping[str, Any]) -> None:
        super().__init__({})
        self.modules = SimpleNamespace(**{name: Proxy(self, (name,), module) for name, module in modules.items()})
        self.answers: dict[int, dict[bytes, bytes]] = {}
        self.current: dict[bytes, bytes] = {}
        self.nested = False  # whether the reference computes: what it asks of itself is no question
        self.history = History()

    def begin(self, seed: int) -> None:
        self.current = self.answers.setdefault(seed, {})

    def begin_check(self) -> None:
        self.history = History()

    def once(self, key: bytes, make: Callable[[], Any]) -> Any:
        with self.inside():
            answer = make()
        self.current[key[:KEY]] = encode(plain(answer))
        return answer

    @contextmanager
    def inside(self) -> Iterator[None]:
        before, self.nested = self.nested, True
        try:
            yield
        finally:
            self.nested = before

    def ask(self, question: Question, live: Any) -> Any:
        args, named = opened(list(question.args)), opened(dict(question.named))
        if self.nested:
            return carried_out(question, live, args, named)
        key = question.key(self.history)
        before = {at: encode(plain(value)) for at, value in enumerate(question.args) if is_mutable(value)}
        try:
            with self.inside():
                answer = carried_out(question, live, args, named)
        except Exception as error:
            name = next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins")
            self.current[key] = encode({"raised": (name, str(error)), "changed": {}})
            raise
        changed = {
            at: plain(question.args[at]) for at, was in before.items() if encode(plain(question.args[at])) != was
        }
        try:
            self.current[key] = encode({"answer": plain(answer), "names": part_names(answer), "changed": changed})
        except FrameError:
            self.current[key] = encode({OBJECT: True, "changed": changed})
            return ObjectProxy(self, (OBJECT, key.hex()), answer)
        return answer


class Recorded(Live):
    """Answers from a recording. There is no reference, so what the recording lacks is Unrecorded."""

    def __init__(self, path: Path) -> None:
        super().__init__({})
        self.path = path
        manifest = self.read(MANIFEST)
        try:
            self.manifest: dict[str, Any] = json.loads(manifest)
            self.seeds = tuple(self.manifest["seeds"])
            self.modules = SimpleNamespace(**{name: Proxy(self, (name,)) for name in self.manifest["modules"]})
            right = self.manifest["format"] == FORMAT
        except (ValueError, KeyError, TypeError, RecursionError):
            right = False
        if not right:
            raise UsageError(f"{path} is no recording of this version; take the one that came with this grader")
        self.answers: dict[str, bytes] = {}
        self.history = History()

    def begin_check(self) -> None:
        self.history = History()

    def begin(self, seed: int) -> None:
        if seed not in self.seeds:
            some = ", ".join(map(str, self.seeds[:5])) + (", …" if len(self.seeds) > 5 else "")
            raise UsageError(f"this handout holds no answers for seed {seed}; its seeds are {some}")
        with self.damaged():
            self.answers = decode(self.read(f"{SHARED}.bin")) | decode(self.read(f"{seed}.bin"))

    def draw_seed(self) -> int:
        return random.SystemRandom().choice(self.seeds)

    def read(self, member: str) -> bytes:
        with self.damaged(), zipfile.ZipFile(self.path) as archive:
            return archive.read(member)

    @contextmanager
    def damaged(self) -> Iterator[None]:
        """Raise UsageError for what damaged bytes raise."""
        try:
            yield
        except (OSError, LookupError, TypeError, ValueError, RuntimeError, FrameError, zipfile.BadZipFile, zlib.error):
            raise UsageError(
                f"{self.path} cannot be read as the recording of the reference's answers; unpack the handout anew"
            ) from None

    def once(self, key: bytes, make: Callable[[], Any]) -> Any:
        with self.damaged():
            return self.answer(key[:KEY])

    def ask(self, question: Question, live: Any) -> Any:
        key = question.key(self.history)
        if question.kind == SET:
            return None
        if self.costing:
            raise Unrecorded(LACKING)  # a recorded answer does not show what it costs to compute it
        with self.damaged():
            found = self.answer(key)
            for at, value in found["changed"].items():
                left_as(question.args[at], value)
            if "raised" not in found:
                if OBJECT in found:
                    return ObjectProxy(self, (OBJECT, key.hex()))
                return named(opened(found["answer"]), found["names"])
            error = pythons(*found["raised"])
        raise error

    def answer(self, key: bytes) -> Any:
        found = self.answers.get(key.hex())
        if found is None:
            raise Unrecorded(LACKING)
        return decode(found)


class History:
    """A digest of what a check has asked of objects so far. They have a state, so an equal question may have another
    answer later."""

    def __init__(self) -> None:
        self.digest = b""

    def add(self, key: bytes) -> None:
        self.digest = hashlib.sha256(self.digest + key).digest()


@dataclass
class Question:
    """What is asked of a name of the reference's: a CALL with arguments, its VALUE, to SET it, or an OPERATION."""

    path: tuple[str, ...]
    args: Sequence[Any] = ()
    named: Mapping[str, Any] = field(default_factory=dict)
    kind: str = CALL

    def key(self, history: History) -> bytes:
        """A digest that is the same on every machine. Raises UsageError for an argument that is no plain data."""
        try:
            told = encode([list(self.path), plain(list(self.args)), plain(dict(self.named)), self.kind])
        except FrameError as error:
            raise UsageError(
                f"{line()}: reference.{'.'.join(self.path)} is asked with an argument that cannot be recorded: "
                f"{error}; pass plain data to a function of a `trusted` module, which makes it"
            ) from None
        if self.path[0] != OBJECT and not any(map(has_object, (*self.args, *self.named.values()))):
            return hashlib.sha256(told).digest()[:KEY]
        key = hashlib.sha256(history.digest + told).digest()[:KEY]
        if self.kind not in (VALUE, OPERATION):
            history.add(key)
        return key


class Proxy:
    """Stands for a name of the reference's while a recording is made or asked: a call of it is a question.

    `path` is the name, as ("work", "scale"). `live` is what the reference has under it, where there is one.
    """

    def __init__(self, answers: Any, path: tuple[str, ...], live: Any = None) -> None:
        self._answers, self._path, self._live = answers, path, live

    @property
    def __name__(self) -> str:
        return self._path[-1]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{name} of the reference is not recorded for a handout: its name begins with _")
        path = (*self._path, name)
        live = getattr(self._live, name) if self._answers.recording else None
        if callable(live):
            return Proxy(self._answers, path, live)
        try:
            return self._answers.ask(Question(path, kind=VALUE), live)
        except Unrecorded:  # no value, so it is something to call
            return Proxy(self._answers, path)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("_answers", "_path", "_live"):
            object.__setattr__(self, name, value)
        else:
            self._answers.ask(Question((*self._path, name), (value,), kind=SET), self._live)

    def __call__(self, *args: Any, **named: Any) -> Any:
        return self._answers.ask(Question(self._path, args, named), self._live)


def asks(name: str) -> Any:
    """A method that asks an operator of OPERATIONS. An operator changes nothing, so its question adds nothing to the
    history; only `next` does, as a call."""

    def operate(self: ObjectProxy, *args: Any) -> Any:
        question = Question((*self._path, f"{name}()"), args, kind=CALL if name == "next" else OPERATION)
        return self._answers.ask(question, partial(OPERATIONS[name], self._live))

    return operate


OPERATIONS: dict[str, Callable[..., Any]] = {
    **OPERATORS,
    "getitem": operator.getitem,
    "list": lambda live: list(islice(live, MOST_ELEMENTS)),
}


class ObjectProxy(Proxy):
    """Stands for an object that the reference made: its operators are questions, too."""

    __len__, __bool__, __contains__, __getitem__, __next__ = map(asks, ("len", "bool", "contains", "getitem", "next"))
    __eq__, __ne__, __lt__, __le__, __gt__, __ge__ = map(asks, COMPARED)
    __str__, __repr__, __format__ = asks("str"), asks("repr"), asks("format")
    __float__, __int__, __complex__, __hash__ = asks("float"), asks("int"), asks("complex"), asks("hash")
    __add__, __sub__, __mul__, __truediv__, __matmul__ = map(asks, ("add", "sub", "mul", "truediv", "matmul"))
    __radd__, __rsub__, __rmul__, __rtruediv__, __rmatmul__ = map(asks, ("radd", "rsub", "rmul", "rtruediv", "rmatmul"))
    __floordiv__, __mod__, __pow__, __neg__, __abs__ = map(asks, ("floordiv", "mod", "pow", "neg", "abs"))
    _elements = asks("list")

    def __iter__(self) -> Iterator[Any]:
        found = self._elements()
        return iter([found[at] for at in range(len(found))] if isinstance(found, ObjectProxy) else found)


def carried_out(question: Question, live: Any, args: Sequence[Any], named: Mapping[str, Any]) -> Any:
    if question.kind == SET:
        return setattr(live, question.path[-1], args[0])
    return live if question.kind == VALUE else live(*args, **named)


def has_object(value: Any) -> bool:
    """Whether a value holds an object of the reference's, or a tensor as it travels."""
    if isinstance(value, list | tuple | dict):
        return any(map(has_object, value.values() if isinstance(value, dict) else value))
    return isinstance(value, Proxy | Tensor)


def opened(value: Any) -> Any:
    """A value as the reference takes it, with its own objects for their proxies. A container without any stays as it
    is."""
    if isinstance(value, Proxy):
        return value._live
    if isinstance(value, Tensor):
        return value.opened()
    if isinstance(value, list | tuple | dict) and has_object(value):
        if isinstance(value, dict):
            return {key: opened(part) for key, part in value.items()}
        return getattr(type(value), "_make", type(value))(map(opened, value))
    return value


def part_names(value: Any) -> Any:
    """What a tuple's class calls its parts, as a named tuple or an answer of torch does, in tuples and lists, too: the
    names, None where there are none, and the same of each part; None if no part has any."""
    if not isinstance(value, list | tuple):
        return None
    own = getattr(type(value), "__match_args__", None) if isinstance(value, tuple) else None
    own = list(own) if own and len(own) == len(value) else None
    parts = list(map(part_names, value))
    return [own, parts] if own or any(parts) else None


def named(value: Any, names: Any) -> Any:
    """A value that was recorded, with named tuples for those that it had."""
    if names is None:
        return value
    own, parts = names
    made = map(named, value, parts)
    if own is None:
        return type(value)(made)
    make: Callable[..., Any] = namedtuple  # mypy wants the names of one written out
    return make("Answer", own, rename=True)(*made)


def is_mutable(value: Any) -> bool:
    """Whether a function can change a value in place."""
    return isinstance(value, dict | list | set | np.ndarray)


def plain(value: Any) -> Any:
    """A value as it is recorded: exact built-in types and arrays; an object of the reference's as its name."""
    if isinstance(value, Proxy):
        return ["object", *value._path]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        parts = [plain(part) for part in value]
        return parts if isinstance(value, list) else tuple(parts)
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, np.ndarray):
        return np.ascontiguousarray(value) if value.ndim else np.array(value)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return Tensor.of(value)
    return value


def pack(recorder: Recorder, manifest: Mapping[str, Any]) -> bytes:
    """The recording as a file, the same bytes for the same answers."""
    seeds = sorted(recorder.answers)
    every = [recorder.answers[seed] for seed in seeds]
    shared = {key: value for key, value in every[0].items() if all(other.get(key) == value for other in every[1:])}
    told = {"format": FORMAT, "seeds": seeds, **manifest}
    members = {MANIFEST: json.dumps(told, sort_keys=True).encode(), f"{SHARED}.bin": packed(shared)}
    for seed, answers in zip(seeds, every, strict=True):
        members[f"{seed}.bin"] = packed({key: value for key, value in answers.items() if key not in shared})
    written = BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in members.items():
            # A ZipInfo is of 1980, so that no clock is in it.
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 9)
    return written.getvalue()


def packed(answers: Mapping[bytes, bytes]) -> bytes:
    return encode({key.hex(): answers[key] for key in sorted(answers)})
