"""A driver that runs a notebook which classifies photographs, and records what the notebook gives to its network.

The grader sends the photographs as pixels. They are put into the working folder, whichever folder the notebook reads
from; the network's weights are where torch looks for them. Every statement is run; one that fails is skipped.
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

CALLS = 64  # calls of the network to keep, the last ones
CLASSES = 1000


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
        vision.prepare()
        paths.prepare_lists()
        paths.lay(notebook.files(source for _, source, _ in cells))
        register_module_forward_pre_hook(self.entered)
        register_module_forward_hook(self.left, with_kwargs=True, always_call=True)
        self.shell = Shell()
        self.names = self.shell.names
        self.names["idx2label"] = dict(enumerate(order["labels"]))  # also for notebooks that read it from a file
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
        return {"calls": list(self.calls), "problems": self.problems[:20], "names": stated}


class Called(ast.NodeTransformer):
    """Replaces `model.forward(x)` by `model(x)`, so that torch calls hooks; not in classes or `Net.forward(net, x)`."""

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        return node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "forward" and len(node.args) == 1:
            node.func = node.func.value
        return node


def lay(photographs: Mapping[str, str]) -> None:
    """Write photographs to the working folder as BMP, whatever their names: JPEG would not keep every pixel."""
    for name, path in photographs.items():
        with open(name, "wb") as file:  # noqa: PTH123
            Image.fromarray(np.load(path, allow_pickle=False)).save(file, "BMP")
