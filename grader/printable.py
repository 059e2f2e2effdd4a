"""The one gate for text that leaves the grader: into a database, JSON or a page, all of which are UTF-8.

A file's name need not be, and a lone surrogate stands in Python for each byte of it that is not. UTF-8 has no way to
write one, so here it is written out, as \\udcff.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def printable(text: str) -> str:
    """The same text, but for what UTF-8 cannot hold."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def all_printable(value: Any) -> Any:
    """A value of JSON's, or a row of a table, with every text in it printable."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {all_printable(key): all_printable(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(all_printable, value))
    return value
