"""gradescope.zip: what Gradescope's "Configure Autograder" takes."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from grader.release import trial
from grader.release.archive import Members
from grader.release.source import Source, data, fetched, grader, script

ARCHIVE = "gradescope.zip"
SECONDS = 600  # that Gradescope gives where nobody chose more


def build(source: Source) -> Members:
    """The members by name; Gradescope unpacks them to /autograder/source. Raises UsageError."""
    return (
        grader(source)
        | data(source)
        | {
            "setup.sh": script(
                "gradescope/setup.sh",
                data=shlex.join(fetched(source.rubric)),
                homework="" if source.own else "--homework homework",
                unsafe="it is graded all the same" if source.allow_unsafe else "nothing is graded until that is cured",
            ),
            "run_autograder": script("gradescope/run_autograder", options=shlex.join(source.options(SECONDS))),
        }
    )


def tried(files: Mapping[str, bytes], work: Mapping[str, bytes], place: Path) -> float:
    """The score of `work`, graded in a folder laid out as /autograder. Raises UsageError."""
    trial.lay_out(place / "source", files)
    trial.lay_out(place / "submission", work)
    trial.run([place / "source" / "run_autograder"], AUTOGRADER_ROOT=place)
    return trial.score(place / "results" / "results.json")
