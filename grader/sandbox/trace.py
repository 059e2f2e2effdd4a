"""Records what a check asked of a student's code, and what came back, to find the input that fails."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from grader.errors import StudentError
from grader.sandbox.remote import Remote
from grader.sandbox.worker.wire import Handle, encode

TIMES = ("seed", "naps")  # what a request has where it is the first one of a process, or of a check
MOST, COUNT = 16 << 20, 5000  # bytes of requests and replies, and calls; a check that asks for more is not traced


@dataclass(frozen=True, eq=False, slots=True)
class Call:
    """One call, with arguments and answer as the check has them. `error` is how it ended, if not well."""

    op: str
    owner: str | Handle
    path: tuple[str, ...]
    args: tuple[Any, ...]
    named: Mapping[str, Any]
    answer: Any = None
    error: StudentError | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Request:
    """A request (see worker/__main__.py) with arguments and answers as the check has them. With an error, it is how the
    call ended that comes after the last answer."""

    sent: Mapping[str, Any]
    batches: Sequence[tuple[Any, ...]]
    named: Mapping[str, Any] | None
    answers: Sequence[Any]
    error: StudentError | None

    def calls(self) -> Iterator[Call]:
        op, path, owner, then = self.sent["op"], tuple(self.sent["path"]), self.sent["owner"], self.sent.get("then", ())
        lacks = len(self.answers) < len(self.batches) * (2 if then else 1)
        given = [(answer, None) for answer in self.answers] + [(None, self.error)] * lacks
        for at, (answer, ended) in enumerate(given):
            number, follows = (at // 2, at % 2) if then else (at, 0)
            if not follows:
                whose = owner[number] if isinstance(owner, list) else owner
                yield Call(op, whose, path, self.batches[number], self.named or {}, answer, ended)
                continue
            of, method, arrays = then[number]
            made = self.answers[at - 1] if of is None else of
            handle, written = made._handle if isinstance(made, Remote) else made, () if arrays is None else (arrays,)
            if isinstance(handle, Handle):
                yield Call("write" if written else "call", handle, (method,), written, {}, answer, ended)


@dataclass
class Trace:
    """The requests of one check, in order; none where there were too many to keep. Their calls are told only where an
    answer was wrong."""

    requests: list[Request] = field(default_factory=list)
    count: int = 0
    size: int = 0

    @property
    def calls(self) -> list[Call]:
        return [call for request in self.requests for call in request.calls()]

    def digest(self) -> bytes:
        """What was asked, shortened; b"" where that was not kept, or a driver ran. Objects are numbered as they come,
        for another process gives them other ids."""
        numbers: dict[int, int] = {}

        def numbered(value: Any) -> Any:
            if isinstance(value, Handle):
                return Handle(numbers.setdefault(value.id, len(numbers)), value.kind)
            if isinstance(value, dict):
                return {name: numbered(one) for name, one in value.items()}
            return list(map(numbered, value)) if isinstance(value, list | tuple) else value

        asked = [{name: one for name, one in request.sent.items() if name not in TIMES} for request in self.requests]
        if not asked or any(one["op"] == "drive" for one in asked):
            return b""
        return hashlib.sha256(encode(numbered(asked))).digest()

    def forget(self) -> None:
        self.requests, self.count, self.size = [], 0, 0

    def note(self, request: Request, size: int) -> None:
        """Keep a request that carried `size` bytes to and fro."""
        self.size += size
        self.count += len(request.answers) + 1
        if self.size > MOST or self.count > COUNT:
            self.requests, self.size = [], MOST + 1
        else:
            self.requests.append(request)
