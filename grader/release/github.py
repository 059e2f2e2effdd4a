"""github.zip: a template repository for a class on GitHub or GitLab, and the bundle of Classroom 50."""

from __future__ import annotations

import math
import shlex

from grader.release import handout
from grader.release.archive import Members
from grader.release.source import Source, below, requirements, script

ARCHIVE = "github.zip"
SECONDS = 3600
OURS = ("grader/platform/", "grader/command/autograde.py")  # what grades on a platform, and no handout needs
IGNORED = b"__pycache__/\n.venv/\n/gl-code-quality-report.json\n/grade.html\n/grade.json\n/grade.xml\n/report.html\n"


def build(source: Source) -> Members:
    """The members by name; the solution is in none of them. Raises UsageError."""
    given = dict(handout.build(source)) | {"requirements.txt": requirements(source)}
    seconds = source.seconds or SECONDS
    minutes = str(math.ceil(seconds / 60))
    homework = "" if source.own else " --homework homework"
    template = given | {
        ".github/workflows/grade.yml": script("github/grade.yml", minutes=minutes, homework=homework),
        ".gitlab-ci.yml": script("github/gitlab-ci.yml", minutes=minutes, homework=homework),
        ".gitignore": IGNORED,
    }
    bundle = {
        name: content for name, content in given.items() if not name.startswith(("student/", "homework/student/"))
    }
    bundle |= {name: file for name, file in below(source.project / "grader", "grader").items() if name.startswith(OURS)}
    bundle["autograder.py"] = script("github/autograder", options=shlex.join(source.options(SECONDS)))
    return {
        "README.md": script("github/README.md"),
        **{f"template/{name}": content for name, content in template.items()},
        **{f"classroom50/{name}": content for name, content in bundle.items()},
    }
