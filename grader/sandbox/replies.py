"""A reply of the student's process, and the StudentError that it describes. Either may be forged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from grader.errors import Crashed, Denied, NotImplementedYet, OutOfMemory, Raised, StudentError
from grader.sandbox.remote import as_text

FORBIDDEN = "this section forbids"
MOST_ARGUMENTS = 64  # arguments of a call that a reply may report as changed


def fits(at: Any) -> bool:
    """Whether `at` can be the position or name of an argument."""
    return 0 <= at < MOST_ARGUMENTS if type(at) is int else type(at) is str and at.isidentifier()


def student_error(error: Any, subject: str) -> StudentError:
    """The StudentError for an exception that the worker describes. It may be forged, so it never gives points."""
    if not isinstance(error, Mapping):
        return Crashed(f"{subject} broke the grader's channel: its reply is malformed")
    kind, type_, text, where = (as_text(error.get(key), 600) for key in ("kind", "type", "text", "where"))
    importing = as_text(error.get("importing"), 80)
    doing = f"{importing}.py cannot be imported: it" if importing else subject
    if kind == "denied":
        return Denied(f"{doing} {text}, which {FORBIDDEN}", where=where)
    if kind == "memory":
        if torchs := re.search(r"alloc\w{0,20}\.cpp.*tried to allocate (\d{1,15}) bytes", text):
            text = f"{int(torchs[1]) >> 20} MiB at once"
        return OutOfMemory(f"{doing} asked for more memory than it may have{f': {text}' if text else ''}", where=where)
    if kind == "not implemented":
        return NotImplementedYet("not implemented yet", where=where)
    if kind == "absent":
        return NotImplementedYet(text)
    if kind == "gone":
        return Raised(text)
    if kind == "exit":
        return Raised(f"{doing} called sys.exit(); a graded function has to return", where=where)
    if kind == "unspeakable":
        return Raised(f"{doing} returned something that cannot be graded: {text}", where=where)
    return Raised(f"{doing} raised {type_}{f': {text}' if text else ''}", where=where)
