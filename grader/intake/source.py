"""Finds the line where a student's file defines a function, for messages such as "network.py:31". Nothing is run."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Sequence

LARGEST = 1 << 20  # bytes; larger files are not searched


def line_of(source: bytes, path: Sequence[str]) -> int | None:
    """The line of the last `def` or `class` at `path`, such as ("Class", "method"); None if there is none.

    It raises nothing, whatever the student wrote.
    """
    if len(source) > LARGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in a student's strings
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
