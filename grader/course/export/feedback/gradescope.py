"""Gradescope takes no feedback for work that was handed in: only an autograder gives it. So this is an autograder that
grades nothing: it answers each submission with the results that are packed in it, by the submission's number.

Upload it under "Configure Autograder" and choose "Regrade All Submissions". A submission that was not graded ends in an
error that staff see, never in points.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.course.export import gradescope
from grader.course.export.feedback.letter import Letter, Post, by_place
from grader.model import Rubric

UNKNOWN = "Gradescope's number of the submission is not known, because the work did not come from Gradescope's export"
GROUP = "a group's submission, which has one result, but their feedback differs; enter each difference in Gradescope"
PROGRAMS = ("run_autograder", "setup.sh")
SETUP = """\
#!/usr/bin/env bash
command -v python3 > /dev/null || { apt-get update -q && apt-get install -y -q python3; }
"""
RUN = '''\
#!/usr/bin/env python3
"""Gives a submission the results that were packed for its number. Nothing of the submission is read or run."""
import json, os, pathlib, sys

root = pathlib.Path(os.environ.get("AUTOGRADER_ROOT", "/autograder"))
number = json.loads((root / "submission_metadata.json").read_text(encoding="utf-8")).get("id")
packed = root / "source" / "results" / f"{number}.json"
if not str(number).isdigit() or not packed.is_file():
    sys.exit(f"submission {number} is not among those that were graded; grade it, and export the feedback again")
(root / "results").mkdir(exist_ok=True)
(root / "results" / "results.json").write_bytes(packed.read_bytes())
'''


def pack(letters: Sequence[Letter], rubric: Rubric) -> Post:
    post = Post()
    known = [one for one in letters if number(one)]
    for one in letters:
        if not number(one):
            post.leave_out(one, UNKNOWN)
    for group in by_place(known, number, post, GROUP):
        post.put(f"results/{number(group[0])}.json", gradescope.render(group[0].row, rubric).encode(), group)
    if post.files:
        for name, content in (("setup.sh", SETUP), ("run_autograder", RUN)):
            post.put(name, content.encode(), [])
    return post


def number(one: Letter) -> str:
    told = one.row.student.ids.get("Submission ID", "")
    return told if told.isascii() and told.isdigit() else ""
