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
        error, it is how the call ended that comes after the last answer; answers before it are kept only if it is of
        the method that follows."""
        kind = request["op"], request["owner"], tuple(request["path"])
        calls, then = len(batches), request.get("then")
        if len(answers) < calls:
            told = [Call(*kind, tuple(batches[len(answers)]), dict(named or {}), None, error)]
        else:
            pairs = zip(batches, answers[:calls], strict=True)
            told = [Call(*kind, tuple(args), dict(named or {}), answer) for args, answer in pairs]
            of = then and (answers[calls - 1] if then[0] is None else then[0])
            handle = of._handle if isinstance(of, Remote) else of
            if then is not None and isinstance(handle, Handle):
                after, written = None if error else answers[calls], () if then[2] is None else (then[2],)
                told.append(Call("write" if written else "call", handle, (then[1],), written, {}, after, error))
        self.size += size
        if self.size > MOST or len(self.calls) + len(told) > COUNT:
            self.calls, self.size = [], MOST + 1
        else:
            self.calls += told
