"""A case as Python that can be pasted: the imports, the input, and the calls that lead to the wrong answer."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from grader.failing.steps import PUT, WRITE, Case, Place, Ref, Step, parts
from grader.model import Section
from grader.sandbox.worker.operate import is_tensor
from grader.sandbox.worker.wire import Tensor

MOST = 200  # numbers of an input; a longer one is no example
OBJECT = "it"  # an object of the student's that has no name


def render(case: Case, section: Section, handout: Mapping[str, bytes]) -> str:
    """The script; "" for a case with too many numbers to read."""
    script = Script(section, handout)
    for number, step in enumerate(case.steps[:-1]):
        script.keep(number, case.steps)
        script.write(step, script.names.get(number, ""))
    last, note = case.steps[-1], f"  # {case.note}" if case.note else ""
    if last.op == WRITE:
        script.write(last, "")
    if last.op == WRITE and case.raised:
        script.lines[-1] += note
    else:
        shown = script.call(replace(last, args=()) if last.op == WRITE else last)
        script.lines.append(f"print({shown}{subscript(case.place)}){note}")
    return "\n".join([*script.imports(), *script.lines]) if script.size <= MOST else ""


class Script:
    def __init__(self, section: Section, handout: Mapping[str, bytes]) -> None:
        self.section, self.handout = section, handout
        self.lines: list[str] = []
        self.used: dict[str, set[str]] = {}  # names of the student's by module
        self.variables: dict[int, str] = {}  # arrays by identity
        self.taken: dict[str, Any] = {}  # names of variables
        self.names: dict[int, str] = {}  # steps' answers
        self.kept: dict[int, Place] = {}  # of a step's answer, the part that has the name
        self.classes: dict[int, str] = {}  # the class, as "module.Class", of what a step gives
        self.size = 0

    def imports(self) -> list[str]:
        packages = {"np.": "import numpy as np", "torch.": "import torch"}
        found = [text for name, text in packages.items() if any(name in line for line in self.lines)]
        own = [
            f"from {import_name(self.handout, self.section.modules[module])} import {', '.join(sorted(names))}"
            for module, names in sorted(self.used.items())
        ]
        return found + own

    def keep(self, number: int, steps: Sequence[Step]) -> None:
        """Name the part of a step's answer that later steps use: as the parameter that it is passed for."""
        uses = [
            (later, at, ref) for later in steps[number + 1 :] for at, ref in references(later) if ref.step == number
        ]
        if not uses:
            return
        places = {ref.place for _, _, ref in uses}
        self.kept[number] = places.pop() if len(places) == 1 else ()
        names = [
            self.parameters(later)[at] for later, at, _ in uses if at is not None and len(self.parameters(later)) > at
        ]
        made = re.findall(r"[A-Z][a-z]+", steps[number].path[-1]) if steps[number].path else []
        own = made[-1].lower() if made else OBJECT  # GraphNet -> net
        self.names[number] = self.free(names[0] if names and self.kept[number] else own)

    def write(self, step: Step, name: str) -> None:
        at = len(self.names) and next((n for n, own in self.names.items() if own == name), None)
        place = subscript(self.kept.get(at, ())) if isinstance(at, int) and name else ""
        if step.op == WRITE:
            arrays = ", ".join(f"{key!r}: {self.value(array, str(key))}" for key, array in step.args[0].items())
            owner = self.reference(step.owner)
            self.lines += [
                f"for name, array in {{{arrays}}}.items():",
                f"    {owner}.{'.'.join(step.path)}()[name][...] = array",
            ]
            return
        call = self.call(step) + place
        self.lines.append(f"{name} = {call}" if name else call)

    def call(self, step: Step) -> str:
        if step.op == PUT:
            return self.value(step.args[0], OBJECT)
        parameters = self.parameters(step)
        args = [self.value(arg, parameters[at] if at < len(parameters) else "") for at, arg in enumerate(step.args)]
        args += [f"{name}={self.value(arg, name)}" for name, arg in step.named.items()]
        if isinstance(step.owner, Ref):
            function = ".".join([self.reference(step.owner), *step.path])
        else:
            self.used.setdefault(step.owner, set()).add(step.path[0])
            function = ".".join(step.path)
        return f"{function}({', '.join(args)})"

    def reference(self, owner: str | Ref) -> str:
        if not isinstance(owner, Ref):
            return owner
        kept = self.kept.get(owner.step, ())
        return f"{self.names[owner.step]}{subscript(owner.place[len(kept) :])}"

    def value(self, value: Any, name: str) -> str:
        """An argument as Python; an array gets a line and a name."""
        if isinstance(value, Ref):
            return self.reference(value)
        if isinstance(value, np.ndarray) or is_tensor(value):
            if id(value) not in self.variables:
                self.size += value.size if isinstance(value, np.ndarray) else value.numel()
                self.variables[id(value)] = self.free(name or "x")
                if self.size <= MOST:
                    written = array(value) if isinstance(value, np.ndarray) else tensor(value)
                    self.lines.append(f"{self.variables[id(value)]} = {written}")
            return self.variables[id(value)]
        if isinstance(value, dict):
            return f"{{{', '.join(f'{key!r}: {self.value(part, str(key))}' for key, part in value.items())}}}"
        if isinstance(value, list | tuple):
            inner = ", ".join(self.value(part, name) for part in value)
            return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})"
        self.size += 1
        return floating(value) if isinstance(value, float) else repr(value)

    def free(self, name: str) -> str:
        """A name like this one that no variable has."""
        plain = re.sub(r"\W+", "_", name.strip("()' ")).lstrip("_0123456789") or "x"
        found, number = plain, 2
        while found in self.taken or found in ("np", "torch", "print", "name", "array"):
            found, number = f"{plain}{number}", number + 1
        self.taken[found] = True
        return found

    def parameters(self, step: Step) -> list[str]:
        """What the handout calls the parameters of the function that a step calls; nothing where it has none."""
        if not isinstance(step.owner, str) and step.path:
            sources = [self.handout.get(path, b"") for path in self.section.modules.values()]
        else:
            sources = [self.handout.get(self.section.modules.get(str(step.owner), ""), b"")]
        for source in sources:
            found = signatures(source)
            name = step.path[-1] if step.path else ""
            if name in found:
                return found[name]
        return []


def references(step: Step) -> list[tuple[int | None, Ref]]:
    """What a step takes of earlier answers, each with its position among the arguments; none if it lies in one."""
    own: list[tuple[int | None, Ref]] = [(None, step.owner)] if isinstance(step.owner, Ref) else []
    given = enumerate((*step.args, *step.named.values()))
    held = ((None if place else at, part) for at, arg in given for place, part in parts(arg))
    return own + [(at, part) for at, part in held if isinstance(part, Ref)]


def signatures(source: bytes) -> dict[str, list[str]]:
    """The parameters of each function, method (without self) and class of a file of the handout."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return {}
    found: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            names = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args)]
            found[node.name] = names[1:] if names[:1] in (["self"], ["cls"]) else names
        if isinstance(node, ast.ClassDef):
            for own in node.body:
                if isinstance(own, ast.FunctionDef) and own.name == "__init__":
                    found[node.name] = [arg.arg for arg in own.args.args][1:]
    return found


def import_name(handout: Mapping[str, bytes], path: str) -> str:
    """The name by which a module is imported from its home; see sandbox/setup.py."""
    return ".".join(PurePosixPath(path).relative_to(home(handout, path)).with_suffix("").parts)


def home(handout: Mapping[str, bytes], path: str) -> PurePosixPath:
    folder = PurePosixPath(path).parent
    while f"{folder.as_posix()}/__init__.py" in handout and folder != folder.parent:
        folder = folder.parent
    return folder


def subscript(place: Place) -> str:
    return "".join(f"[{key!r}]" for key in place)


def array(value: np.ndarray) -> str:
    """A short expression for an array."""
    if value.size == 0:
        return f"np.zeros({value.shape}, dtype=np.{value.dtype.name})"
    usual = value.dtype in (np.dtype(np.float64), np.dtype(np.int64))
    return f"np.array({literal(value.tolist())}{'' if usual else f', dtype=np.{value.dtype.name}'})"


def tensor(value: Any) -> str:
    """An expression for a torch tensor; its own gradient is left out."""
    told = Tensor.of(value)
    gradients = ", requires_grad=True" * told.requires_grad
    dtype = "" if told.array.dtype in ("float32", "int64", "bool") else f", dtype={value.dtype}"
    if told.array.size == 0:
        return f"torch.zeros({told.array.shape}, dtype={value.dtype}{gradients})"
    return f"torch.tensor({literal(told.array.tolist())}{dtype}{gradients})"


def literal(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return floating(value) if isinstance(value, float) else repr(value)


def floating(value: float) -> str:
    return repr(value) if np.isfinite(value) else "np.nan" if np.isnan(value) else "np.inf" if value > 0 else "-np.inf"
