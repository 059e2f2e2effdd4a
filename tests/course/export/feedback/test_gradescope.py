"""The autograder that hands out packed results, run as Gradescope runs it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from dataclasses import replace

import pytest

from grader.course.export.feedback import gradescope
from grader.course.export.feedback.letter import Letter, letter, zipped
from grader.model import Row, Student


def letters(report, *numbers: str) -> list[Letter]:
    people = [Student(f"s{at}", "S", {"Submission ID": number}) for at, number in enumerate(numbers)]
    return [letter(Row(one, replace(report, notes=(one.ids["Submission ID"],))), "") for one in people]


@pytest.mark.parametrize(("asked", "given"), [(101, "101"), (102, "102"), (103, None), ("../102", None), (None, None)])
def test_each_submission_gets_its_own_results_and_an_unknown_one_none(report, rubric, tmp_path, asked, given):
    post = gradescope.pack(letters(report, "101", "102"), rubric)
    for name, content in post.files.items():
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (tmp_path / "submission_metadata.json").write_text(json.dumps({"id": asked}))
    run = subprocess.run(
        [sys.executable, str(tmp_path / "source" / "run_autograder")],
        capture_output=True, text=True, check=False, env={"AUTOGRADER_ROOT": str(tmp_path)},
    )  # fmt: skip
    results = tmp_path / "results" / "results.json"
    if given:
        assert run.returncode == 0, run.stderr
        assert given in json.loads(results.read_text())["output"]
    else:
        assert run.returncode == 1
        assert "is not among those that were graded" in run.stderr
        assert not results.exists()


def test_its_programs_can_be_run_and_who_has_no_number_is_left_out(report, rubric):
    post = gradescope.pack(letters(report, "101", "", "7a"), rubric)
    assert post.left_out == {gradescope.UNKNOWN: ["s1", "s2"]}
    with zipfile.ZipFile(io.BytesIO(zipped(post.files, gradescope.PROGRAMS))) as archive:
        modes = {one.filename: one.external_attr >> 16 & 0o777 for one in archive.infolist()}
    assert modes == {"results/101.json": 0o644, "run_autograder": 0o755, "setup.sh": 0o755}
