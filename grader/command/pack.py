"""grade.py pack: makes the zip to hand in, reads it back as the course will, and says what is missing."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from rich.filesize import decimal

from grader import handout, rubric
from grader.environment import ROOT
from grader.errors import StudentError, SubmissionError, UsageError
from grader.files import ZIP, check_place, set_aside, write
from grader.intake.missing import look_through
from grader.intake.submission import read, stubs
from grader.model import Submission
from grader.report.text import Printer, Terminal
from grader.sandbox import reader

COMPLETE, LACKING = 0, 1
NAME = "hand-in.zip"


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="grade.py pack",
        description="Pack your work as a zip, read it back as the course will, and say what is missing.",
        epilog="exit codes: 0 packed, nothing is missing; 1 packed, but something is missing; 2 usage",
    )
    add = root.add_argument
    add(
        "folder",
        nargs="?",
        type=Path,
        metavar="FOLDER",
        help="folder with your work (default: the homework's student/)",
    )
    add("--out", type=Path, metavar="FILE", help=f"the zip to write (default: {NAME}, beside the folder)")
    add("--grade", action="store_true", help="grade the zip, too")
    add("--homework", type=Path, default=handout.OWN, metavar="FOLDER", help="another homework's folder")
    return root


def run(arguments: argparse.Namespace) -> int:
    plan = rubric.load(arguments.homework / "rubric.yaml")
    given = handout.pristine(handout.home(arguments.homework), plan)
    wanted = plan.wanted
    own = stubs(given, wanted)
    folder = arguments.folder or handout.own_folder(arguments.homework)
    submission = read(folder, wanted, own, limits=plan.limits)
    if not submission.files:
        why = next(iter((*submission.questions.values(), *submission.faults.values())), "no file counts")
        raise SubmissionError(f"{folder} was not packed: {why}")
    out = place(arguments.out or folder.resolve().with_name(NAME), folder)
    if arguments.out:
        check_place(out, ZIP)
    packed = handout.pack(members(submission))
    earlier = set_aside(out, packed)
    write(out, packed)
    confirm(submission, read(out, wanted, own, limits=plan.limits), out)
    say = Printer(Terminal())
    show(say, out, submission, earlier)
    try:
        notes, sentences = reader.read(look_through, submission, own, plan, limits=plan.limits, about=str(folder))
    except StudentError as error:
        raise SubmissionError(error.message) from None
    for sentence in notes:
        say(f"note: {sentence}")
    for sentence in sentences:
        say(f"missing: {sentence}")
    say("something is missing, but the zip was written" if sentences else "nothing is missing")
    if arguments.grade:
        command = [sys.executable, str(Path(ROOT, "grader", "__main__.py")), str(out)]
        code = subprocess.run([*command, "--homework", str(arguments.homework)], check=False).returncode
        if code:
            return code
    return LACKING if sentences else COMPLETE


def place(out: Path, folder: Path) -> Path:
    """The path of the zip. Raises UsageError for a path inside the folder: the course would find the work twice."""
    check_place(out)
    if out.suffix.lower() != ".zip":
        raise UsageError(f"{out} does not end in .zip; choose a name that does")
    if out.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"{out} is inside the folder to pack; choose a path outside {folder}")
    return out


def members(submission: Submission) -> dict[str, bytes]:
    """Path in the zip -> bytes. Each file keeps its folder and gets the name that the homework asks for."""
    files = {}
    for base, content in submission.files.items():
        parts = PurePosixPath(submission.origin[base].replace("\\", "/")).parent.parts
        folder = [part for part in parts if part not in ("/", "..")]
        files["/".join([*folder, base])] = content
        for beside, helper in submission.helpers.get(base, {}).items():
            files["/".join([*folder, beside])] = helper
    return files


def confirm(submission: Submission, back: Submission, out: Path) -> None:
    """Raise UsageError unless reading the zip gives the same files as the folder, byte for byte."""
    other = [name for name, content in submission.files.items() if back.files.get(name) != content]
    other += sorted(back.files.keys() - submission.files.keys())
    if other or back.digest != submission.digest:
        raise UsageError(
            f"{out} reads back differently ({', '.join(other) or 'helpers'}); hand in the files themselves"
        )


def show(say: Printer, out: Path, submission: Submission, earlier: Path | None) -> None:
    files: Mapping[str, bytes] = members(submission)
    say.table(("file", "size"), [(name, decimal(len(content))) for name, content in files.items()], numbers=("size",))
    say(f"written: {out} ({decimal(out.stat().st_size)}), and read back as the course will: every byte is the same")
    if earlier:
        say(f"the earlier zip is now {earlier}")
    for note in submission.notes:
        if not note.startswith("not in this submission"):  # `missing` says so
            say(f"note: {note}")
