"""autolab.zip: the two files that an Autolab assessment takes, and what its image is made of."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from grader import handout
from grader.errors import UsageError
from grader.platform.autolab import problem
from grader.release import trial
from grader.release.archive import Members, tarred
from grader.release.source import Source, data, grader, requirements, script

ARCHIVE = "autolab.zip"
SECONDS = 600


def build(source: Source) -> Members:
    """The members by name. Raises UsageError."""
    problems = [
        f"| {problem(task)} | {sum(item.points for item in task.items):g} | {task.title} |"
        for task in source.rubric.tasks
    ]
    seconds = source.seconds or SECONDS
    return data(source) | {
        "autograde.tar": tarred(grader(source)),
        "autograde-Makefile": script("autolab/Makefile", options=shlex.join(source.options(SECONDS))),
        "Dockerfile": script("autolab/Dockerfile"),
        "requirements.txt": requirements(source),
        "README.md": script(
            "autolab/README.md", image=source.image, seconds=str(seconds), problems="\n".join(problems)
        ),
    }


def tried(files: Mapping[str, bytes], work: Mapping[str, bytes], place: Path) -> float:
    """The score of `work`, graded in the folder of one of Autolab's jobs. Raises UsageError."""
    job = {"autograde.tar": files["autograde.tar"], "Makefile": files["autograde-Makefile"]}
    trial.lay_out(place, job | {"handin.zip": handout.pack(work)})
    printed = trial.run(["make", "-C", str(place), "--no-print-directory", f"PYTHON={sys.executable}"])
    try:
        return float(sum(json.loads(printed.splitlines()[-1])["scores"].values()))
    except (IndexError, ValueError, KeyError, TypeError):
        raise UsageError("the last line that autolab's package prints holds no scores") from None
