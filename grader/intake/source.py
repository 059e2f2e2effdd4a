"""Finds the line where a student's file defines a function, for messages such as "network.py:31". Nothing is run."""

from __future__ import annotations

import ast

from grader.intake.repair import LARGEST, tree_of

MOST = 2000  # definitions of a file
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def definitions(name: str, source: bytes) -> dict[str, int]:
    """The line of the last `def` or `class` of each "function", "Class" and "Class.method" of a Python file.

    Never raises for what a student wrote. To be called in a reader; see sandbox/reader.py.
    """
    tree = tree_of(source) if name.endswith(".py") and len(source) <= LARGEST else None
    found: dict[str, int] = {}
    for node in (one for one in (tree.body if tree else ()) if isinstance(one, DEFINITIONS)):
        if node.name in found:  # the last one is what Python keeps
            found = {path: line for path, line in found.items() if path.partition(".")[0] != node.name}
        found[node.name] = node.lineno
        inner = node.body if isinstance(node, ast.ClassDef) else []
        found |= {f"{node.name}.{one.name}": one.lineno for one in inner if isinstance(one, DEFINITIONS)}
        if len(found) > MOST:
            break
    return found
