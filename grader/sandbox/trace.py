"""What a check asked of a student's code, and what came back: from it, the input that fails is found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from grader.errors import StudentError
from grader.sandbox.remote import Remote
from grader.sandbox.worker.wire import Handle

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


@dataclass
class Trace:
    """The calls of one check, in order; none where there were too many to keep."""

    calls: list[Call] = field(default_factory=list)
    size: int = 0

    def forget(self) -> None:
        self.calls, self.size = [], 0

    def note(
        self,
        request: Mapping[str, Any],
        batches: Sequence[Sequence[Any]],
        named: Mapping[str, Any] | None,
        answers: Sequence[Any],
        size: int,
        error: StudentError | None = None,
    ) -> None:
        """A request (see worker/__main__.py) with arguments and answers as the check has them, in `size` bytes. With an
        error, it is how the call ended that comes after the last answer."""
        op, path, owner, then = request["op"], tuple(request["path"]), request["owner"], request.get("then", ())
        told: list[Call] = []
        lacks = len(answers) < len(batches) * (2 if then else 1)
        given = [(answer, None) for answer in answers] + [(None, error)] * lacks
        for at, (answer, ended) in enumerate(given):
            number, follows = (at // 2, at % 2) if then else (at, 0)
            if not follows:
                whose = owner[number] if isinstance(owner, list) else owner
                told.append(Call(op, whose, path, tuple(batches[number]), dict(named or {}), answer, ended))
                continue
            of, method, arrays = then[number]
            made = answers[at - 1] if of is None else of
            handle, written = made._handle if isinstance(made, Remote) else made, () if arrays is None else (arrays,)
            if isinstance(handle, Handle):
                told.append(Call("write" if written else "call", handle, (method,), written, {}, answer, ended))
        self.size += size
        if self.size > MOST or len(self.calls) + len(told) > COUNT:
            self.calls, self.size = [], MOST + 1
        else:
            self.calls += told
