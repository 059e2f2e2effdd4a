"""reference/ -> the handout: the same files with their solutions taken out.

    python -m grader.handout                  into student/
    python -m grader.handout --overwrite      also over work there, of which a copy is kept
    python -m grader.handout handout.zip      packed, for a project without reference/

The grader makes the handout anew in memory each time, because students work in student/.

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
import io
import json
import re
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from grader import rubric
from grader.errors import UsageError
from grader.model import HandoutPlan, Rubric

ROOT = Path(__file__).resolve().parents[1]
OWN = ROOT / "grader" / "homework"
PACKED = "handout.zip"  # beside the project's folders, where there is no reference/
METADATA = ("kernelspec", "language_info")  # of a notebook, that stay in it

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
        if "SOLUTION" not in line:
            lines += [] if opened else [line]
            continue
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
            lines.append(line)  # the word in prose
    if opened:
        raise UsageError(f"line {opened}: this BEGIN SOLUTION has no END SOLUTION; add it")
    return "\n".join(lines)


def render_notebook(text: str) -> str:
    """A notebook (format 4) as it is handed out: nothing has been run, and every marked region is emptied.

    Raises UsageError as `render` does, and for a solution in a cell that is not tagged as a student's. nbformat would
    take longer to import than all of this takes; the tests hold the result to it.
    """
    notebook = json.loads(text)
    notebook["metadata"] = {name: notebook["metadata"][name] for name in METADATA}
    for number, cell in enumerate(notebook["cells"], start=1):
        tags = cell["metadata"].get("tags", [])
        cell["metadata"] = {"tags": tags} if tags else {}
        if cell["cell_type"] != "code":
            continue
        source = "".join(cell["source"])
        if ("student" in tags) != bool(MARK.search(source)):
            raise UsageError(f'cell {number}: the tag "student" and a solution belong together')
        try:
            cell["source"] = render(source).splitlines(keepends=True)
        except UsageError as error:
            raise UsageError(f"cell {number}, {error}") from None
        cell["outputs"], cell["execution_count"] = [], None
    return json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def is_mark(line: str) -> bool:
    return bool(BEGIN.fullmatch(line) or END.fullmatch(line))


def listed(homework: Path = OWN) -> HandoutPlan:
    """What a homework's rubric.yaml says students are given."""
    return rubric.load(homework / "rubric.yaml").handout


def contents(reference: Path, fixtures: Path, plan: HandoutPlan) -> dict[str, bytes]:
    """What a student gets: path inside the handout -> bytes. Only what `plan` lists leaves `reference`.

    Raises UsageError for a malformed mark.
    """
    made = {}
    for name in plan.files:
        form = render_notebook if name.endswith(".ipynb") else render
        try:
            made[name] = form((reference / name).read_bytes().decode()).encode()
        except UsageError as error:
            raise UsageError(f"{name}, {error}") from None
        except OSError:
            raise UsageError(
                f"the handout lists {name}, which {reference} does not hold; add it, or delete it"
            ) from None
        except (UnicodeDecodeError, ValueError, KeyError):
            raise UsageError(f"{reference / name} is not readable as UTF-8 text or a notebook; save it anew") from None
    for path, name in plan.fixtures.items():
        try:
            made[path] = (fixtures / name).read_bytes()
        except OSError:
            raise UsageError(f"the handout lists {name}, which {fixtures} does not hold; record or delete it") from None
    return made


def pristine(root: Path, plan: Rubric) -> dict[str, bytes]:
    """The handout as it was before anybody worked in it, made in memory; never read from student/.

    `root` holds reference/ and fixtures/; without them, a copy packed as handout.zip. The modules that a section names
    are handed out, listed or not. Raises UsageError with the cure.
    """
    if not (root / "reference").is_dir():
        return unpacked(root / PACKED)
    modules = [path for section in plan.sections for path in section.modules.values()]
    whole = replace(plan.handout, files=tuple(dict.fromkeys((*plan.handout.files, *modules))))
    return contents(root / "reference", root / "fixtures", whole)


def home(homework: Path) -> Path:
    """The folder that holds a homework's reference/, fixtures/ and student/: its own where they lie in it, else the
    project's."""
    return homework if any((homework / name).exists() for name in ("reference", PACKED)) else ROOT


def own_folder(homework: Path) -> Path:
    """Where students work, wherever in the project one stands: a folder student/ here, else the project's; that of
    another homework beside its reference."""
    here = Path("student")
    if homework.resolve() == OWN and here.is_dir():
        return here
    return home(homework) / "student"


def unpacked(path: Path) -> dict[str, bytes]:
    """What `pack` packed. Raises UsageError where it cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except (OSError, zipfile.BadZipFile):
        raise UsageError(
            f"there is neither {path} nor a folder reference beside it, so the handout is unknown; copy one there"
        ) from None


def pack(files: Mapping[str, bytes]) -> bytes:
    """A zip of `files`, byte for byte the same each time."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(name)  # of 1980, so that no clock is in it
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = (0o755 if name.endswith(".sh") else 0o644) << 16
            archive.writestr(member, content)
    return packed.getvalue()


def make(made: Mapping[str, bytes], student: Path, *, overwrite: bool = False) -> tuple[list[str], Path | None]:
    """Write the handout into `student`; files of other names stay. The names of what was written, and where copies of
    what was there before are; None where nothing was.

    Raises UsageError for a file there that differs, unless it may be overwritten: somebody may have worked in it.
    """
    there = {name: (student / name).read_bytes() for name in made if (student / name).is_file()}
    differing = [name for name, content in there.items() if content != made[name]]
    if differing and not overwrite:
        raise UsageError(
            f"{student} holds other versions of {', '.join(differing)}; "
            "--overwrite replaces them, and keeps copies in a folder beside it"
        )
    kept = keep(student, {name: there[name] for name in differing}) if differing else None
    changed = [name for name in made if there.get(name) != made[name]]
    for name in changed:
        path = student / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(made[name])
        if name.endswith(".sh"):
            path.chmod(0o755)
    return changed, kept


def keep(student: Path, files: Mapping[str, bytes]) -> Path:
    """Copy `files` into a new folder beside `student`: inside it they could be taken for a second hand-in."""
    resolved = student.resolve()
    stem = f"{resolved.name}-before-{datetime.now():%Y%m%d-%H%M%S}"
    number, folder = 1, resolved.with_name(stem)
    while folder.exists():
        number += 1
        folder = resolved.with_name(f"{stem}-{number}")
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m grader.handout", description="Make the handout of reference/: the same files, unsolved."
    )
    parser.add_argument(
        "place", nargs="?", type=Path, help="folder or .zip to write (default: student/ beside the reference)"
    )
    parser.add_argument("--homework", type=Path, default=OWN, metavar="FOLDER", help="another homework's folder")
    parser.add_argument("--overwrite", action="store_true", help="replace files that differ; copies of them are kept")
    given = parser.parse_args(argv)
    root = home(given.homework)
    place = given.place or root / "student"
    try:
        made = contents(root / "reference", root / "fixtures", listed(given.homework))
        if place.suffix == ".zip":
            made, place = {place.name: pack(made)}, place.parent
        changed, kept = make(made, place, overwrite=given.overwrite)
    except UsageError as error:
        print(f"grader.handout: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"grader.handout: {error.filename} cannot be read or written ({error.strerror})", file=sys.stderr)
        return 2
    if kept:
        print(f"copies of what was there before: {kept}")
    print("\n".join(f"written: {name}" for name in changed) or f"{place} is up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
