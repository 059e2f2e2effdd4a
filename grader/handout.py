"""reference/ -> the handout: the same files without their solutions.

    python -m grader.handout                  write it into student/
    python -m grader.handout --overwrite      also replace changed files there; copies of them are kept
    python -m grader.handout handout.zip      pack it, for a project without reference/

Students work in student/, so the grader never reads it: it makes the handout from reference/ in memory.

A solution lies between two comment lines. The text after `stub:` takes its place:

    # BEGIN SOLUTION stub: out, cache = None, None
    out = x @ w + b
    cache = (x, w)
    # END SOLUTION

In a notebook, the same holds for each code cell. Cells that a student fills in have the tag "student" and say so in a
comment. Outputs are left out.
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
from grader.model import Rubric

ROOT = Path(__file__).resolve().parents[1]
OWN = ROOT / "grader" / "homework"
PACKED = "handout.zip"  # in the project's root, if there is no reference/
METADATA = ("kernelspec", "language_info")  # the metadata that a notebook keeps

BEGIN = re.compile(r"(?P<indent>\s*)# BEGIN SOLUTION(?: stub: (?P<stub>.+))?")
END = re.compile(r"\s*# END SOLUTION")
MARK = re.compile(r"(BEGIN|END) SOLUTION|#\s*(?i:(begin|end|start)[\s_-]*solution)\b")  # or what may be meant as one
FORMS = "`# BEGIN SOLUTION`, `# BEGIN SOLUTION stub: CODE` or `# END SOLUTION`"


def render(text: str) -> str:
    """`text` with every marked region replaced by "Your code here" and its stub.

    Raises UsageError, with the line, for a mark that is malformed, nested or without its other half: a misread mark
    would give students a solution.
    """
    lines: list[str] = []
    opened = 0
    for number, line in enumerate(text.split("\n"), start=1):
        if "solution" not in line.lower():
            lines += [] if opened else [line]
            continue
        begin = BEGIN.fullmatch(line)
        if MARK.search(line) and not is_mark(line):
            raise UsageError(f"line {number}: {line.strip()!r} is no mark; write {FORMS} on a line of its own")
        if (begin and opened) or (END.fullmatch(line) and not opened):
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
    """A notebook (format 4) for students: without outputs, and with every marked region emptied.

    Raises UsageError as `render` does, and for a solution in a cell without the tag "student". This does not use
    nbformat, because it is slow to import; the tests validate the result with it.
    """
    notebook = json.loads(text)
    told = notebook["metadata"]
    notebook["metadata"] = {name: told[name] for name in METADATA if name in told}  # Colab leaves one of them out
    for number, cell in enumerate(notebook["cells"], start=1):
        tags = cell["metadata"].get("tags", [])
        cell["metadata"] = {"tags": tags} if tags else {}
        if cell["cell_type"] != "code":
            continue
        source = "".join(cell["source"])
        if ("student" in tags) != bool(MARK.search(source)):
            raise UsageError(f'cell {number} needs both the tag "student" and a marked solution, or neither')
        try:
            cell["source"] = render(source).splitlines(keepends=True)
        except UsageError as error:
            raise UsageError(f"cell {number}, {error}") from None
        cell["outputs"], cell["execution_count"] = [], None
    return json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def is_mark(line: str) -> bool:
    return bool(BEGIN.fullmatch(line) or END.fullmatch(line))


def contents(reference: Path, fixtures: Path, plan: Rubric) -> dict[str, bytes]:
    """The handout: path -> bytes. Only files that `plan` lists are taken from `reference`.

    Raises UsageError for a malformed mark.
    """
    made = {}
    for name in plan.handout.files:
        form = render_notebook if name.endswith(".ipynb") else render
        try:
            made[name] = form((reference / name).read_text(encoding="utf-8")).encode()  # with lines of any system
        except UsageError as error:
            told = str(error)
            at = f":{told.removeprefix('line ')}" if told.startswith("line ") else f": {told}"
            raise UsageError(f"{reference / name}{at}") from None
        except OSError:
            raise UsageError(
                f"{plan.where('handout', name)}: the handout lists {name}, but {reference} has no such file; add the "
                "file, or delete the line"
            ) from None
        except (UnicodeDecodeError, ValueError, KeyError):
            raise UsageError(
                f"{reference / name} is not UTF-8 text or a notebook; save it anew, or list data under `fixtures:`"
            ) from None
    for path, name in plan.handout.fixtures.items():
        try:
            made[path] = (fixtures / name).read_bytes()
        except OSError:
            raise UsageError(
                f"{plan.where('fixture', name)}: the handout lists {name}, but {fixtures} has no such file; record it, "
                "or delete the line"
            ) from None
    return made


def pristine(root: Path, plan: Rubric) -> dict[str, bytes]:
    """The unchanged handout, made in memory; never read from student/.

    `root` holds reference/ and fixtures/, or else a packed handout.zip. A section's modules are always part of the
    handout, even if the rubric does not list them. Raises UsageError that says how to fix it.
    """
    if not (root / "reference").is_dir():
        return unpacked(root / PACKED)
    whole = replace(plan.handout, files=sources(plan))
    return contents(root / "reference", root / "fixtures", replace(plan, handout=whole))


def sources(plan: Rubric) -> tuple[str, ...]:
    """The files of reference/ that the handout lists, and the sections' modules."""
    modules = [path for section in plan.sections for path in section.modules.values()]
    return tuple(dict.fromkeys((*plan.handout.files, *modules)))


def home(homework: Path) -> Path:
    """The folder that holds a homework's reference/, fixtures/ and student/: the homework's own folder if they lie in
    it, else the project's root."""
    return homework if any((homework / name).exists() for name in ("reference", PACKED)) else ROOT


def own_folder(homework: Path) -> Path:
    """The folder where students work. For the project's homework: student/ in the current folder, else in the project's
    root. For another homework: student/ beside its reference."""
    here = Path("student")
    if homework.resolve() == OWN and here.is_dir():
        return here
    return home(homework) / "student"


def unpacked(path: Path) -> dict[str, bytes]:
    """The files of a zip that `pack` made. Raises UsageError if it cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except (OSError, zipfile.BadZipFile):
        raise UsageError(
            f"the handout is missing: there is no {path} and no folder reference/ beside it; copy one of them there"
        ) from None


def pack(files: Mapping[str, bytes]) -> bytes:
    """A zip of `files`. Equal files give equal bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(name)  # dated 1980, so that the time does not change the bytes
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = (0o755 if name.endswith(".sh") else 0o644) << 16
            archive.writestr(member, content)
    return packed.getvalue()


def make(made: Mapping[str, bytes], student: Path, *, overwrite: bool = False) -> tuple[list[str], Path | None]:
    """Write the handout into `student`; files with other names stay.

    Returns the names of the written files, and the folder with copies of the files that they replaced, or None. Without
    `overwrite`, raises UsageError if a file there differs: somebody may have worked in it.
    """
    there = {name: (student / name).read_bytes() for name in made if (student / name).is_file()}
    differing = [name for name, content in there.items() if content != made[name]]
    if differing and not overwrite:
        raise UsageError(
            f"{student} holds other versions of {', '.join(differing)}; "
            "use --overwrite to replace them; copies are kept in a folder beside it"
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
    """Copy `files` into a new folder beside `student`; inside it, they would look like a second submission."""
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


def packed_there(root: Path) -> str:
    """Where the untouched files are in a project without a reference, or what to do."""
    if (root / PACKED).is_file():
        return f"the untouched files are in {root / PACKED}"
    return "run this in the project that holds the reference"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m grader.handout", description="Make the handout: the files of reference/ without solutions."
    )
    parser.add_argument(
        "place", nargs="?", type=Path, help="folder or .zip to write (default: student/ beside the reference)"
    )
    parser.add_argument("--homework", type=Path, default=OWN, metavar="FOLDER", help="another homework's folder")
    parser.add_argument("--overwrite", action="store_true", help="replace files that differ, and keep copies of them")
    given = parser.parse_args(argv)
    root = home(given.homework)
    place = given.place or root / "student"
    try:
        if not (root / "reference").is_dir():
            raise UsageError(f"{root} has no reference/, so nothing can be made out of it; {packed_there(root)}")
        made = contents(root / "reference", root / "fixtures", rubric.load(given.homework / "rubric.yaml"))
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
        print(f"copies of the replaced files: {kept}")
    print("\n".join(f"written: {name}" for name in changed) or f"{place} is up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
