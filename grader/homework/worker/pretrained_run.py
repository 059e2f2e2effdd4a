"""A notebook that classifies photographs, run beside the student's code, and what it gave to its network.

The photographs come from the grader as plain pixels and lie in the working folder, whatever folder the notebook takes
them from; the network's weights lie where torch looks for them. Every statement is run; one that fails is left out.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from grader.sandbox.worker.drivers import Student

from . import cuda, notebook, paths, vision
from .shell import Shell

CALLS = 64  # of the network that are kept: the last ones
CLASSES = 1000


def begin(student: Student, order: dict[str, Any]) -> PretrainedRun:
    """How this driver is begun; see sandbox/worker/drivers.py. The weights lie below `hub` among its files."""
    return PretrainedRun({**order, "folder": student.folder, "hub": f"{student.files}/hub"})


class PretrainedRun:
    """`order`: the notebook's `name` and `cells` (number, source, execution count), the `files` of each photograph
    (H, W, 3) uint8 by name, the `hub` folder of torch, the `labels` of the classes, and the `folder` that its code is
    said to lie in."""

    def __init__(self, order: dict[str, Any]) -> None:
        torch.set_num_threads(1)
        torch.manual_seed(order["seed"])
        torch.hub.set_dir(order["hub"])
        self.calls: deque[dict[str, Any]] = deque(maxlen=CALLS)
        self.count = 0  # of calls, also of those that are not kept any more
        self.problems: list[tuple[int, int, str]] = []
        self.begun: list[int] = []  # of each module that is at work, the calls that were counted before
        cells = [tuple(cell) for cell in order["cells"]]
        lay(order["files"])
        vision.prepare()
        paths.prepare_lists()
        paths.lay(notebook.files(source for _, source, _ in cells))
        register_module_forward_pre_hook(self.entered)
        register_module_forward_hook(self.left, with_kwargs=True, always_call=True)
        self.shell = Shell()
        self.names = self.shell.names
        self.names["idx2label"] = dict(enumerate(order["labels"]))  # also where it is read from a file of its own
        statements, unread = notebook.read(cells)
        self.problems += unread
        with cuda.OnCPU():
            for statement in statements:
                self.execute(statement, f"{order['folder']}/{order['name']} cell {statement.cell}")

    def execute(self, statement: notebook.Statement, file: str) -> None:
        try:
            self.shell.execute(Called().visit(statement.node), file)
        except (Exception, SystemExit) as error:
            cause = vision.lacking(error)
            self.problems.append((statement.cell, statement.node.lineno, f"{type(cause).__name__}: {cause}"[:200]))

    def entered(self, module: Any, given: Any) -> None:
        self.begun.append(self.count)

    def left(self, module: Any, given: Any, *named_and_scores: Any) -> None:
        """Keep pictures and scores, once: of the innermost module, which what is around it may prepare them for.

        torch leaves the arguments by name out where a call has failed.
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
        """The network's calls, what could not be run, and what the photographs are called."""
        names = self.names.get("names")
        stated = [str(name)[:80] for name in names[:10]] if isinstance(names, (list, tuple)) else []
        return {"calls": list(self.calls), "problems": self.problems[:20], "names": stated}


class Called(ast.NodeTransformer):
    """`model.forward(x)` as `model(x)`, which torch tells of; not inside a class, nor of one: `Net.forward(net, x)`."""

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        return node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "forward" and len(node.args) == 1:
            node.func = node.func.value
        return node


def lay(photographs: Mapping[str, str]) -> None:
    """Photographs in the working folder, as they are: no format of their names' endings keeps every pixel."""
    for name, path in photographs.items():
        with open(name, "wb") as file:  # noqa: PTH123
            Image.fromarray(np.load(path, allow_pickle=False)).save(file, "BMP")
