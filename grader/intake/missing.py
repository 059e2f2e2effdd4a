"""Says what a submission lacks, in sentences for the student who packs it. Files are parsed, never run."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from grader.intake.picture import ENDINGS
from grader.model import Rubric, Submission

PLACE = "Your code here"  # the comment that marks where a student writes
PHOTOGRAPHS = 2  # how many to ask for, in a homework that takes "*.jpg"
NAMED = 6  # most names in one sentence
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)  # what ast.parse raises


def look_through(
    submission: Submission, stubs: Mapping[str, bytes], rubric: Rubric
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """In a reader (sandbox/reader.py): what is left out and costs nothing, and what costs points."""
    return tuple(left_out(submission, stubs, rubric)), tuple(missing(submission, stubs, rubric))


def missing(submission: Submission, stubs: Mapping[str, bytes], rubric: Rubric) -> Iterator[str]:
    """Yield a sentence for each thing that costs points. `stubs` maps base names to the handout's own files."""
    for name in rubric.wanted:
        content = submission.files.get(name)
        if name.startswith("*"):
            continue
        if name in submission.questions or name in submission.faults:
            yield submission.questions.get(name) or submission.faults[name]
        elif content is None:
            yield f"{name} was not found"
        elif name.endswith(".ipynb"):
            yield from lacking_in_notebook(name, content, stubs.get(name, b""))
        else:
            left = unwritten(content, stubs.get(name, b"")) - optional(rubric)
            if left:
                yield f"{name}: {listed(sorted(left))} still as handed out"
            if problem := unreadable(content):
                yield f"{name} {problem}"
    yield from lacking_pictures(submission, rubric.wanted)


def left_out(submission: Submission, stubs: Mapping[str, bytes], rubric: Rubric) -> Iterator[str]:
    """Yield a sentence for each file with optional parts that the student did not write; these cost nothing."""
    for name, content in submission.files.items():
        left = unwritten(content, stubs.get(name, b"")) & optional(rubric) if name.endswith(".py") else set()
        if left:
            yield f"{name}: {listed(sorted(left))} still as handed out, and optional"


def optional(rubric: Rubric) -> set[str]:
    """The names in the titles of items that give no points."""
    items = (item for item in rubric.items if not item.points)
    return {word for item in items for word in re.findall(r"\w+", item.title)}


def unwritten(content: bytes, stub: bytes) -> set[str]:
    """The functions that a student has to write but that are still the stub's, apart from comments."""
    text, own = stub.decode(), functions(content)
    return {
        name
        for name, node in functions(stub).items()
        if PLACE in (ast.get_source_segment(text, node) or "") and name in own and ast.dump(own[name]) == ast.dump(node)
    }


def functions(content: bytes) -> dict[str, ast.FunctionDef]:
    """Function or Class.method -> its syntax tree; {} for a file that cannot be read."""
    try:
        tree = parsed(content)
    except UNREADABLE:
        return {}
    classes = [(f"{node.name}.", node.body) for node in tree.body if isinstance(node, ast.ClassDef)]
    return {
        prefix + node.name: node
        for prefix, body in [("", tree.body), *classes]
        for node in body
        if isinstance(node, ast.FunctionDef)
    }


def parsed(content: bytes) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in a student's strings
        return ast.parse(content)


def unreadable(content: bytes) -> str:
    """Why Python cannot read a file; "" if it can."""
    try:
        parsed(content)
    except SyntaxError as error:
        return f"cannot be read by Python: {f'line {error.lineno}, ' if error.lineno else ''}{error.msg}"
    except UNREADABLE as error:
        return f"cannot be read by Python: {error}"
    return ""


def lacking_in_notebook(name: str, content: bytes, stub: bytes) -> list[str]:
    try:
        return list(unfinished(name, cells_of(content), cells_of(stub)))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return [f"{name} cannot be read as a notebook; save it again in Jupyter"]


def unfinished(name: str, cells: Sequence[Any], given: Sequence[Any]) -> Iterator[str]:
    sources = {source(cell) for cell in cells}
    places = [source(cell) for cell in given if PLACE in source(cell)]
    untouched = [place for place in places if place in sources]
    if untouched:
        count = f"{len(untouched)} of the {len(places)} cells to write in"
        yield f"{name}: {count} {verb(len(untouched))} still as handed out"
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    if not outputs:
        yield f"{name} was saved without outputs; run it from top to bottom, then save it"
    errors = [output for output in outputs if output["output_type"] == "error"]
    if errors:
        yield f"{name}: a cell ended with {errors[0]['ename']}; correct it, then run all cells again"


def cells_of(content: bytes) -> list[Any]:
    """The code cells of a notebook of format 4. Other input raises one of the exceptions that the caller lists."""
    return [cell for cell in json.loads(content.decode("utf-8-sig"))["cells"] if cell["cell_type"] == "code"]


def source(cell: Mapping[str, Any]) -> str:
    return "".join(cell["source"]).strip()


def lacking_pictures(submission: Submission, wanted: Collection[str]) -> Iterator[str]:
    endings = tuple(name[1:].lower() for name in wanted if name[1:].lower() in ENDINGS)
    there = [name for name in submission.files if name.lower().endswith(endings)]
    if ".jpg" in endings and len(there) < PHOTOGRAPHS:
        yield f"{len(there) or 'no'} photograph{'s' * (not there)} found; {PHOTOGRAPHS} are asked for"


def listed(names: Sequence[str]) -> str:
    """The names, and "is" or "are" after them."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more} {verb(len(names))}"


def verb(number: int) -> str:
    return "is" if number == 1 else "are"
