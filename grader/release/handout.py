"""handout.zip: what a student needs to grade their own work, and nothing that holds a solution.

The grader is the same, without its reference: a recording answers for it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from grader import handout
from grader.errors import UsageError
from grader.grading import EXTRA, distribution
from grader.handout import PACKED
from grader.model import Rubric
from grader.reference import RECORDED
from grader.release import recording, trial
from grader.release.archive import Members
from grader.release.leaks import leaks
from grader.release.source import PROJECT, Source, below
from grader.release.unseen import without_unseen

ARCHIVE = "handout.zip"
README = "README.md"
APART = (
    "release",
    "review",
    "selftest",
    "platform",
    "similarity",
    "mistakes.py",
)  # rooms of the engine that only a course needs
COMMANDS = (
    "autograde",
    "check_homework",
    "new_homework",
    "release",
    "review",
    "selftest",
    "similar",
)  # and commands of theirs
SOLVED = ("reference", "right", "wrong", "student", "fixtures")  # folders of a homework that a handout holds none of
TELLING = ("wrong.yaml", "selftest.yaml")  # files of a homework that quote the solution
WELCOME = """# {title}

Fill in the stubs in `{student}`. On a fresh machine with Python 3.11 or newer, set up and grade:

```sh
{command}
```

On Windows the programs are in `.venv\\Scripts` instead of `.venv/bin`. After that, in this environment,
`python grade.py{option}` grades it, with `--task ID` one task, and with `--watch` again at each save.
`python grade.py pack{option}` makes the zip to hand in. `python grade.py --help` tells the rest.

The grader asks the questions that your course's grader asks, with other inputs: this copy knows {seeds} sets of them.
"""


def build(source: Source) -> Members:
    """The members by name. Raises UsageError, as where the reference fails a check or the handout holds a solution."""
    found = members(source)
    # The grader is the same for every homework: a line of it that resembles another homework's solution tells nothing.
    own = {path: content for path, content in found.items() if source.own or path.startswith("homework/")}
    for sentence in leaks(own, handout.home(source.homework), source.rubric):
        raise UsageError(sentence)
    return found


def members(source: Source) -> dict[str, bytes | Path]:
    """The same, for packages that hold a handout."""
    root, folder = handout.home(source.homework), source.homework
    plan = source.rubric
    name = "grader/homework" if source.own else "homework"
    found: dict[str, bytes | Path] = {one: source.project / one for one in PROJECT if one != README}
    found |= {path: file for path, file in below(source.project / "grader", "grader").items() if is_given(path)}
    found = {path: file for path, file in found.items() if not path.startswith("grader/homework/")}
    own = below(folder, name, without=SOLVED)
    own = {path: file for path, file in own.items() if path.rpartition("/")[2] not in TELLING}
    found |= without_unseen(own, plan, name)
    pristine = handout.pristine(root, plan)
    listed = handout.contents(root / "reference", root / "fixtures", plan)
    found |= {f"{place(source)}student/{path}": content for path, content in listed.items()}
    found |= {f"{place(source)}fixtures/{file}": root / "fixtures" / file for file in plan.handout.fixtures.values()}
    seeds = range(1, source.seeds + 1)
    found[f"{place(source)}{PACKED}"] = handout.pack(pristine)
    found[f"{place(source)}{RECORDED}"] = recording.record(folder, tuple(seeds), source.progress)
    return found | {README: welcome(source, plan, len(seeds))}


def place(source: Source) -> str:
    """Where a homework's own folders lie: beside the grader, or in the homework."""
    return "" if handout.home(source.homework) == source.project else "homework/"


def is_given(path: str) -> bool:
    parts = path.split("/")
    if path.endswith(".md"):
        return False
    command = len(parts) == 3 and parts[1] == "command" and parts[2].removesuffix(".py") in COMMANDS
    return not (parts[1] in APART or command)


def welcome(source: Source, plan: Rubric, seeds: int) -> bytes:
    """The page for students."""
    needs = {name for section in plan.sections for name in section.needs}
    others = "".join(f" {distribution(name)}" for name in sorted(needs - EXTRA))
    option = "" if source.own else " --homework homework"
    project = f"'.{'[torch]' if needs & EXTRA else ''}'{others}"
    command = (
        f"python3 -m venv .venv && .venv/bin/python -m pip install -q -e {project} && .venv/bin/python grade.py{option}"
    )
    return WELCOME.format(
        title=plan.title, command=command, seeds=seeds, option=option, student=f"{place(source)}student/"
    ).encode()


def tried(files: Mapping[str, bytes], handed_in: Mapping[str, bytes], place: Path) -> float:
    """The points that the handout's own grader, unpacked in `place`, gives the untouched work."""
    trial.lay_out(place, files)
    for name in [*files]:
        if name.startswith("reference/") or "/reference/" in name:
            raise UsageError(f"the handout holds {name}; the reference belongs to the course alone")
    homework = [] if "grader/homework/rubric.yaml" in files else ["--homework", str(place / "homework")]
    trial.run([sys.executable, place / "grade.py", *homework, "--no-html", "--json", place / "result.json"])
    return trial.score(place / "result.json")


def lost_by_the_solution(place: Path, source: Source) -> dict[str, float]:
    """Check -> points that the reference's own files lose there when the handout in `place` grades them: visible
    checks, in items that train nothing."""
    names = source.rubric.wanted
    root = handout.home(source.homework) / "reference"
    right = {Path(path).name: root / path for path in handout.sources(source.rubric) if Path(path).name in names}
    (place / "solved").mkdir()
    for name, path in right.items():
        (place / "solved" / name).write_bytes(path.read_bytes())
    homework = [] if source.own else ["--homework", str(place / "homework")]
    items = [
        item
        for task in source.rubric.tasks
        for item in task.items
        if any(section.id == task.section and section.modules for section in source.rubric.sections)
        and not item.skipped and not (item.data or task.data)
    ]  # fmt: skip
    asked = [word for item in items for word in ("--task", str(item.id))]
    out: list[str | Path] = ["--no-html", "--json", place / "solved.json"]
    trial.run([sys.executable, place / "grade.py", place / "solved", *homework, *asked, *out])
    earned = trial.earned(place / "solved.json")
    visible = [line for item in items for line in item.checks if line.visibility == "visible"]
    lost = {line.name: round(line.points - earned.get(line.name, 0.0), 6) for line in visible}
    return {name: points for name, points in lost.items() if points}
