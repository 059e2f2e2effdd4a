"""right/ of a homework -> right submissions.

A folder in right/ is one. A file in right/ holds other ways to write functions of the reference's file of that name, in
blocks that begin with a line `# %% NAME`. Blocks that write no function twice are combined, so that a few make many.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from grader.errors import UsageError
from grader.intake.submission import read, stubs
from grader.model import Homework, Submission

LEAST = 60  # right solutions that a homework should have
BLOCK = re.compile(r"^# %% (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """One way to write some functions: its name, the functions and classes that it defines, and its text."""

    name: str
    defines: frozenset[str]
    text: str


def wheats(homework: Homework, reference: Submission, least: int = LEAST) -> list[Submission]:
    """The folders, and combinations of blocks: so many that each block is in one and that there are `least` in all, if
    there can be as many. Raises UsageError for a file that cannot be used."""
    folder = homework.folder / "right"
    found = []
    for path in sorted(folder.glob("*")):
        if path.is_dir() and not path.name.startswith("."):
            found.append(completed(path, homework, reference))
    choices = [(path.name, group) for path in sorted(folder.glob("*.py")) for group in groups(path, reference)]
    made: dict[str, Submission] = {}
    for picked in combinations([len(group) for _, group in choices], least - len(found)):
        blocks = [(file, group[at]) for (file, group), at in zip(choices, picked, strict=True)]
        files = dict(reference.files)
        for file, block in blocks:
            files[file] = with_block(files[file], block)
        name = ", ".join(block.name for _, block in blocks)
        made[name] = replace(reference, name=name, files=files)
    return [*found, *made.values()]


def completed(path: Path, homework: Homework, reference: Submission) -> Submission:
    """The work in a folder of right/; a file that it does not hold is the reference's."""
    wanted = homework.rubric.wanted
    own = read(path, wanted, stubs(homework.handout, wanted))
    return replace(own, files={**reference.files, **own.files})


def groups(path: Path, reference: Submission) -> list[list[Block]]:
    """The blocks of a file, those that write the same function together."""
    if path.name not in reference.files:
        raise UsageError(
            f"{path}: students hand in no {path.name}; name it as one of {', '.join(reference.files)}, or put it into "
            "a folder"
        )
    defined = names_in(reference.files[path.name].decode())
    found: list[list[Block]] = []
    for block in blocks(path, defined):
        near = [group for group in found if any(block.defines & other.defines for other in group)]
        found = [group for group in found if group not in near]
        found.append([*(one for group in near for one in group), block])
    return found


def names_in(text: str) -> set[str]:
    """The functions and classes that a text defines. Raises SyntaxError."""
    return {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def blocks(path: Path, defined: set[str]) -> Iterator[Block]:
    content = path.read_text(encoding="utf-8")
    heads = [*BLOCK.finditer(content)]
    for head, after in zip(heads, [*heads[1:], None], strict=True):
        text = content[head.end() : after.start() if after else len(content)].strip("\n")
        line = content.count("\n", 0, head.start()) + 1
        try:
            names = names_in(text)
        except SyntaxError as error:
            raise UsageError(f"{path}:{line + (error.lineno or 0)}: {error.msg}; correct this block") from None
        if not names & defined:
            raise UsageError(f"{path}:{line}: {head[1]} defines no function of the reference's {path.name}; correct it")
        yield Block(head[1].strip(), frozenset(names & defined), text)


def with_block(content: bytes, block: Block) -> bytes:
    """A file with a block in the place of the first function that it writes, and the others of them left out."""
    lines = content.decode().split("\n")
    spans = []
    for node in ast.parse(content).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in block.defines:
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            spans.append((first - 1, node.end_lineno))
    for number, (start, end) in reversed([*enumerate(spans)]):
        lines[start:end] = block.text.split("\n") if number == 0 else []
    return "\n".join(lines).encode()


def combinations(sizes: Sequence[int], least: int) -> list[tuple[int, ...]]:
    """Choices of one from each group: each of every group once with its like, then any, until there are `least` or
    nearly all that there can be."""
    if not sizes:
        return []
    found = dict.fromkeys(tuple(number % size for size in sizes) for number in range(max(sizes)))
    draw = Random(0)
    for _ in range(20 * least):
        if len(found) >= least:
            break
        found[tuple(map(draw.randrange, sizes))] = None
    return list(found)
