"""A driver that runs a notebook which classifies photographs, and records what the notebook gives to its network.

The grader sends the photographs as pixels. They are put into the working folder, whichever folder the notebook reads
from; the network's weights are where torch looks for them. Every statement is run, and each of a loop by itself; one
that fails is skipped, so that what is not on this machine, as a list of the classes, hides no photograph.
"""

from __future__ import annotations

import ast
import json
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from grader.sandbox.worker.drivers import Student

from . import cuda, notebook, paths, vision
from .shell import Shell

CALLS = 64  # calls of the network to keep, the last ones
CLASSES = 1000
MOST_PROBLEMS = 20
FAILED, ERROR = "failed in a loop", "error in a loop"  # no names that a notebook can bind


def begin(student: Student, order: dict[str, Any]) -> PretrainedRun:
    """Begin this driver; see sandbox/worker/drivers.py. The weights are below `hub` in the folder of its files."""
    return PretrainedRun({**order, "folder": student.folder, "hub": f"{student.files}/hub"})


class PretrainedRun:
    """One run. `order` holds the notebook's `name` and `cells` (number, source, execution count), the `files` of the
    photographs (H, W, 3) uint8 by name, torch's `hub` folder, the `labels` of the classes, and the `folder` to show in
    its code's paths."""

    def __init__(self, order: dict[str, Any]) -> None:
        torch.set_num_threads(1)
        torch.manual_seed(order["seed"])
        torch.hub.set_dir(order["hub"])
        self.calls: deque[dict[str, Any]] = deque(maxlen=CALLS)
        self.count = 0  # all calls so far, with those no longer kept
        self.problems: list[tuple[int, int, str]] = []
        self.begun: list[int] = []  # for each running module, `count` when it was entered
        cells = [tuple(cell) for cell in order["cells"]]
        lay(order["files"])
        named = {
            name: text for name, text in class_lists(order["labels"]).items() if any(name in own for _, own, _ in cells)
        }
        paths.lay(named)  # and no others: who lists a folder expects photographs
        vision.prepare()
        paths.prepare_lists()
        paths.lay(notebook.files(source for _, source, _ in cells))
        register_module_forward_pre_hook(self.entered)
        register_module_forward_hook(self.left, with_kwargs=True, always_call=True)
        self.shell = Shell()
        self.names = self.shell.names
        self.names[FAILED] = self.note_failure
        self.names["idx2label"] = dict(enumerate(order["labels"]))
        statements, unread = notebook.read(cells)
        self.problems += unread
        self.tried = tried(statements)
        with cuda.OnCPU():
            for statement in statements:
                self.execute(statement, f"{order['folder']}/{order['name']} cell {statement.cell}")

    def execute(self, statement: notebook.Statement, file: str) -> None:
        node = Skipping(statement.cell, self.tried).visit(Called().visit(statement.node))
        try:
            self.shell.execute(ast.fix_missing_locations(node), file)
        except (Exception, SystemExit) as error:
            self.note_failure(error, statement.cell, statement.node.lineno)

    def note_failure(self, error: BaseException, cell: int, line: int) -> None:
        cause = vision.lacking(error)
        problem = cell, line, f"{type(cause).__name__}: {cause}"[:200]
        if problem not in self.problems[:MOST_PROBLEMS]:
            self.problems.append(problem)

    def entered(self, module: Any, given: Any) -> None:
        self.begun.append(self.count)

    def left(self, module: Any, given: Any, *named_and_scores: Any) -> None:
        """Keep pictures and scores once, for the innermost module: outer modules may preprocess pictures for it.

        torch omits the keyword arguments if a call has failed.
        """
        named, scores = ({}, *named_and_scores)[-2:]
        told = self.begun.pop() < self.count
        if told or not isinstance(scores, torch.Tensor) or tuple(scores.shape[1:]) != (CLASSES,):
            return
        inputs = [value for value in (*given, *named.values()) if isinstance(value, torch.Tensor)]
        batch = inputs[0].detach().float() if inputs else torch.zeros(0)
        for one, row in zip(batch, scores.detach().float(), strict=False):
            if one.ndim == 3 and one.shape[0] == 3:
                self.count += 1
                self.calls.append(
                    {
                        "network": type(module).__name__[:80],
                        "training": bool(module.training),
                        "size": tuple(one.shape[1:]),
                        "spread": one.std((1, 2)).numpy().astype(np.float64),
                        "scores": row.numpy().astype(np.float64),
                    }
                )

    def seen(self) -> dict[str, Any]:
        """The network's calls, the statements that failed, and the notebook's names for the photographs."""
        names = self.names.get("names")
        stated = [str(name)[:80] for name in names[:10]] if isinstance(names, (list, tuple)) else []
        return {"calls": list(self.calls), "problems": self.problems[:MOST_PROBLEMS], "names": stated}


class Called(ast.NodeTransformer):
    """Replaces `model.forward(x)` by `model(x)`, so that torch calls hooks; not in classes or `Net.forward(net, x)`."""

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        return node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "forward" and len(node.args) == 1:
            node.func = node.func.value
        return node


class Skipping(ast.NodeTransformer):
    """Goes on in a loop's body if one of its statements fails. Statements inside `try`, and in functions that are
    `tried` there, are left as they are, because their errors may be expected."""

    def __init__(self, cell: int, tried: frozenset[str]) -> None:
        self.cell, self.tried = cell, tried

    def visit_Try(self, node: ast.Try) -> ast.Try:
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return node if node.name in self.tried else self.generic_visit(node)

    def visit_For(self, node: ast.For) -> ast.For:
        self.generic_visit(node)
        node.body = [self.skipping(statement) for statement in node.body]
        return node

    def skipping(self, statement: ast.stmt) -> ast.stmt:
        told: list[ast.expr] = [ast.Name(ERROR, ast.Load()), ast.Constant(self.cell), ast.Constant(statement.lineno)]
        tell = ast.Expr(ast.Call(ast.Name(FAILED, ast.Load()), told, []))
        handler = ast.ExceptHandler(ast.Name("Exception", ast.Load()), ERROR, [tell])
        return ast.copy_location(ast.Try([statement], [handler], [], []), statement)


def tried(statements: Sequence[notebook.Statement]) -> frozenset[str]:
    """The functions and methods that a notebook calls inside `try`."""
    inside = [each for one in statements for each in ast.walk(one.node) if isinstance(each, ast.Try)]
    calls = [each.func for one in inside for each in ast.walk(one) if isinstance(each, ast.Call)]
    return frozenset(str(getattr(each, "id", getattr(each, "attr", ""))) for each in calls)


def class_lists(labels: Sequence[str]) -> dict[str, str]:
    """The classes in files that tutorials download, by the files' usual names."""
    lines, numbered = "\n".join(labels), dict(enumerate(labels))
    return {
        "imagenet_classes.txt": lines,
        "imagenet_labels.txt": lines,
        "imagenet1000_clsidx_to_labels.txt": repr(numbered),
        "imagenet-simple-labels.json": json.dumps(labels),
        "imagenet_class_index.json": json.dumps({str(at): [f"n{at:08}", label] for at, label in numbered.items()}),
    }


def lay(photographs: Mapping[str, str]) -> None:
    """Write photographs to the working folder as BMP, whatever their names: JPEG would not keep every pixel."""
    for name, path in photographs.items():
        with open(name, "wb") as file:  # noqa: PTH123
            Image.fromarray(np.load(path, allow_pickle=False)).save(file, "BMP")
