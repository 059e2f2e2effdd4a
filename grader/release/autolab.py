"""autolab.zip: the two files that an Autolab assessment takes, and what its image is made of."""

from __future__ import annotations

import shlex

from grader.platform.autolab import problem
from grader.release.archive import Members, tarred
from grader.release.source import Source, grader, requirements, script

ARCHIVE = "autolab.zip"
SECONDS = 600


def build(source: Source) -> Members:
    """The members by name. Raises UsageError."""
    problems = [
        f"| {problem(task)} | {sum(item.points for item in task.items):g} | {task.title} |"
        for task in source.rubric.tasks
    ]
    seconds = source.seconds or SECONDS
    return {
        "autograde.tar": tarred(grader(source)),
        "autograde-Makefile": script("autolab/Makefile", options=shlex.join(source.options(SECONDS))),
        "Dockerfile": script("autolab/Dockerfile"),
        "requirements.txt": requirements(source),
        "README.md": script(
            "autolab/README.md", image=source.image, seconds=str(seconds), problems="\n".join(problems)
        ),
    }
