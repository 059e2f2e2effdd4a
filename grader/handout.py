"""reference/ -> student/: the same files with their solutions taken out.

    python -m grader.handout --overwrite

A solution lies between two comment lines. What follows `stub:` stays in its place:

    # BEGIN SOLUTION stub: out, cache = None, None
    out = x @ w + b
    cache = (x, w)
    # END SOLUTION

In a notebook this holds within each code cell. The cells that a student writes in carry the tag "student" and say so in
a comment; outputs are left out.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat

from grader import rubric
from grader.errors import UsageError
from grader.model import HandoutPlan

ROOT = Path(__file__).parents[1]
BEGIN = re.compile(r"(?P<indent>\s*)# BEGIN SOLUTION(?: stub: (?P<stub>.+))?")
END = re.compile(r"\s*# END SOLUTION")
MARK = re.compile(r"(BEGIN|END) SOLUTION")


def render(text: str) -> str:
    """`text` with every marked region replaced by "Your code here" and its stub.

    Raises UsageError naming the line of a mark that is malformed, nested, or without its other half: a mark that is
    misread would hand out a solution.
    """
    lines: list[str] = []
    opened = 0
    for number, line in enumerate(text.split("\n"), start=1):
        begin = BEGIN.fullmatch(line)
        if (begin and opened) or (END.fullmatch(line) and not opened) or (MARK.search(line) and not is_mark(line)):
            raise UsageError(f"line {number}: {line.strip()!r} is out of place; each BEGIN SOLUTION needs its own END")
        if begin:
            opened = number
            lines.append(f"{begin['indent']}# Your code here.")
            lines += [begin["indent"] + begin["stub"]] if begin["stub"] else []
        elif END.fullmatch(line):
            opened = 0
        elif not opened:
            lines.append(line)
    if opened:
        raise UsageError(f"line {opened}: this BEGIN SOLUTION has no END SOLUTION")
    return "\n".join(lines)


def render_notebook(text: str) -> str:
    """A notebook as it is handed out: nothing has been run, and every marked region is emptied.

    Raises UsageError as `render` does, and for a solution in a cell that is not tagged as a student's.
    """
    notebook = nbformat.reads(text, as_version=4)
    notebook.metadata = {name: notebook.metadata[name] for name in ("kernelspec", "language_info")}
    for number, cell in enumerate(notebook.cells, start=1):
        tags = cell.metadata.get("tags", [])
        cell.metadata = {"tags": tags} if tags else {}
        if cell.cell_type != "code":
            continue
        if ("student" in tags) != bool(MARK.search(cell.source)):
            raise UsageError(f'cell {number}: the tag "student" and a solution belong together')
        try:
            cell.source = render(cell.source)
        except UsageError as error:
            raise UsageError(f"cell {number}, {error}") from None
        cell.outputs, cell.execution_count = [], None
    nbformat.validate(notebook)
    return str(nbformat.writes(notebook)) + "\n"


def is_mark(line: str) -> bool:
    return bool(BEGIN.fullmatch(line) or END.fullmatch(line))


def listed(homework: Path = ROOT / "grader" / "homework") -> HandoutPlan:
    """What a homework's rubric.yaml says students are given."""
    return rubric.load(homework / "rubric.yaml").handout


def contents(reference: Path, fixtures: Path, plan: HandoutPlan | None = None) -> dict[str, bytes]:
    """What a student gets: path inside the handout -> bytes. Only what `plan` lists leaves `reference`."""
    plan, files = plan or listed(), {}
    for name in plan.files:
        form = render_notebook if name.endswith(".ipynb") else render
        try:
            files[name] = form((reference / name).read_bytes().decode()).encode()
        except UsageError as error:
            raise UsageError(f"{name}, {error}") from None
    return files | {path: (fixtures / name).read_bytes() for path, name in plan.fixtures.items()}


def make(reference: Path, fixtures: Path, student: Path, *, overwrite: bool = False) -> list[str]:
    """Write the handout into `student`; files of other names stay. The names of what was written.

    Raises UsageError for a file there that differs, unless it may be overwritten: somebody may have worked in it.
    """
    made = contents(reference, fixtures)
    there = {name: (student / name).read_bytes() for name in made if (student / name).is_file()}
    differing = [name for name, content in there.items() if content != made[name]]
    if differing and not overwrite:
        raise UsageError(f"{student} holds other versions of {', '.join(differing)}; --overwrite replaces them")
    changed = [name for name in made if there.get(name) != made[name]]
    for name in changed:
        path = student / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(made[name])
        if name.endswith(".sh"):
            path.chmod(0o755)
    return changed


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m grader.handout", description="Make the handout of reference/: the same files, unsolved."
    )
    parser.add_argument(
        "folder", nargs="?", type=Path, default=ROOT / "student", help="where to; student/ if not given"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files that differ")
    given = parser.parse_args(argv)
    try:
        changed = make(ROOT / "reference", ROOT / "fixtures", given.folder, overwrite=given.overwrite)
    except UsageError as error:
        print(f"grader.handout: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"grader.handout: {error.filename} cannot be written ({error.strerror})", file=sys.stderr)
        return 2
    print("\n".join(f"written: {name}" for name in changed) or f"{given.folder} is up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
