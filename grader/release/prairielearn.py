"""prairielearn.zip: a course folder with one question that an external grader grades."""

from __future__ import annotations

import json
import re
import shlex
import uuid
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from grader.release import trial
from grader.release.archive import Members
from grader.release.source import Source, data, grader, requirements, script

ARCHIVE = "prairielearn.zip"
SECONDS = LONGEST = 600  # more than PrairieLearn's usual 30, and the most that it gives
TOPIC = {"name": "Homework", "color": "blue1", "description": "Homework that is graded by running it."}


def build(source: Source) -> Members:
    """The members by name. Raises UsageError."""
    name = slug(source.rubric.title)
    seconds = min(source.seconds or SECONDS, LONGEST)
    course = {
        "name": "Backgrade",
        "title": source.rubric.title,
        "topics": [TOPIC],
        "tags": [],
    }
    question = f"questions/{name}"
    return (
        data(source)
        | {f"{question}/tests/grader/{path}": content for path, content in grader(source).items()}
        | {
            "infoCourse.json": document(course),
            f"{question}/info.json": document(info(source, name, seconds)),
            f"{question}/question.html": script(
                "prairielearn/question.html", title=escape(source.rubric.title), files=asked(source.rubric.wanted)
            ),
            f"{question}/tests/run.sh": script(
                "prairielearn/run.sh", options=shlex.join(source.options(SECONDS, most=LONGEST))
            ),
            "Dockerfile": script("prairielearn/Dockerfile"),
            "requirements.txt": requirements(source),
            "README.md": script("prairielearn/README.md", image=source.image, name=name, seconds=str(seconds)),
        }
    )


def info(source: Source, name: str, seconds: int) -> dict[str, Any]:
    """The question's info.json. Its id follows from its name, so that a later release is the same question."""
    return {
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"backgrade/{name}")),
        "title": source.rubric.title,
        "topic": TOPIC["name"],
        "type": "v3",
        "singleVariant": True,
        "gradingMethod": "External",
        "externalGradingOptions": {
            "image": source.image,
            "entrypoint": "/grade/tests/run.sh",
            "timeout": seconds,
        },
    }


def asked(names: Sequence[str]) -> str:
    """Attributes of pl-file-upload. All are optional there: a missing part is graded as not implemented."""
    plain = [name.replace(",", "\\,") for name in names if not re.search(r"[*?\[]", name)]
    patterns = [name for name in names if re.search(r"[*?\[]", name)]
    lists = {"optional-file-names": plain, "optional-file-patterns": patterns}
    return " ".join(f'{key}="{escape(", ".join(listed))}"' for key, listed in lists.items() if listed)


def slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "homework"


def document(told: dict[str, Any]) -> bytes:
    return (json.dumps(told, indent=2) + "\n").encode()


def tried(files: Mapping[str, bytes], work: Mapping[str, bytes], place: Path) -> float:
    """The score of `work`, graded in a folder laid out as /grade. Raises UsageError."""
    inner = {name.split("/", 2)[2]: content for name, content in files.items() if name.startswith("questions/")}
    trial.lay_out(place, {name: content for name, content in inner.items() if name.startswith("tests/")})
    trial.lay_out(place / "student", work)
    trial.run([place / "tests" / "run.sh"], GRADE_ROOT=place)
    return trial.score(place / "results" / "results.json")
