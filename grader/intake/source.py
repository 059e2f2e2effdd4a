"""Where a student's file defines what a check asks: for a message's "network.py:31". Nothing of it is run."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Sequence

LARGEST = 1 << 20  # bytes of a file that is looked through


def line_of(source: bytes, path: Sequence[str]) -> int | None:
    """The line of the last `def` or `class` that `path` leads to, as ("Class", "method"); None without one.

    Never raises for what a student wrote.
    """
    if len(source) > LARGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in a student's strings
            node: ast.AST = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    for name in path:
        inner = [one for one in getattr(node, "body", ()) if isinstance(one, DEFINITIONS) and one.name == name]
        if not inner:
            return None
        node = inner[-1]
    return int(getattr(node, "lineno", 0)) or None


DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
