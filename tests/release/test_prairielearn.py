"""prairielearn.zip: a course with a question, and its grading run in a folder laid out as /grade."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import jsonschema
import psutil
import pytest
from packages import environment, hand_in, hanging, killed, ran, right, unpack
from schemas.platforms import PRAIRIELEARN, PRAIRIELEARN_QUESTION

from grader import cli

pytestmark = [pytest.mark.medium, pytest.mark.skipif(os.name == "nt", reason="PrairieLearn's containers run Linux")]
NAME = "a-small-tensor-framework"


@pytest.fixture
def course(released, tmp_path):
    return unpack(released / "prairielearn.zip", tmp_path / "course")


@pytest.fixture
def grade(course, tmp_path):
    """/grade, as a grading job finds it."""
    shutil.copytree(course / "questions" / NAME / "tests", tmp_path / "grade" / "tests")
    (tmp_path / "grade" / "data").mkdir()
    (tmp_path / "grade" / "data" / "data.json").write_text("{}")
    return tmp_path / "grade"


def results(grade: Path) -> dict:
    path = grade / "results" / "results.json"
    assert path.stat().st_size < 1_000_000
    document = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(document, PRAIRIELEARN)
    return document


def test_the_question_is_what_the_platform_reads(course):
    question = json.loads((course / "questions" / NAME / "info.json").read_text(encoding="utf-8"))
    jsonschema.validate(question, PRAIRIELEARN_QUESTION)
    topics = json.loads((course / "infoCourse.json").read_text(encoding="utf-8"))["topics"]
    assert question["topic"] in [topic["name"] for topic in topics]
    entrypoint = Path(question["externalGradingOptions"]["entrypoint"])
    assert os.access(course / "questions" / NAME / entrypoint.relative_to("/grade"), os.X_OK)
    page = (course / "questions" / NAME / "question.html").read_text(encoding="utf-8")
    assert 'optional-file-names="tensor.py, train.py"' in page
    assert "pl-external-grader-results" in page
    assert "reference" not in (course / "Dockerfile").read_text(encoding="utf-8").replace("its reference stay", "")


def test_a_right_submission_gets_every_point(grade):
    hand_in(grade / "student", right())
    done = ran([grade / "tests" / "run.sh"], env=environment(GRADE_ROOT=grade))
    assert done.returncode == 0, done.stderr
    document = results(grade)
    assert (document["gradable"], document["score"]) == (True, 1)
    assert sum(test["points"] for test in document["tests"]) == 15
    assert document["images"]


def test_a_kill_in_the_middle_loses_nothing_finished(grade, tmp_path):
    hand_in(grade / "student", hanging())
    result = grade / "results" / "results.json"
    killed([grade / "tests" / "run.sh"], result.is_file, tmp_path / "log", env=environment(GRADE_ROOT=grade))
    document = results(grade)
    assert document["score"] == pytest.approx(10 / 15)
    assert "The run was ended before 5 points were measured" in document["message"]


def test_a_grader_that_the_system_kills_leaves_a_result_that_counts(grade):
    """PrairieLearn reads the result of a container that ends with 0, and of no other."""
    hand_in(grade / "student", hanging())
    running = subprocess.Popen([grade / "tests" / "run.sh"], env=environment(GRADE_ROOT=grade))
    while not (grade / "results" / "results.json").is_file():
        assert running.poll() is None
        time.sleep(0.05)
    (grader,) = psutil.Process(running.pid).children()
    grader.kill()
    assert running.wait(60) == 0
    assert results(grade)["score"] == pytest.approx(10 / 15)


def test_what_cannot_be_read_costs_no_attempt(grade):
    hand_in(grade / "student", {"work.zip": b"PK\x03\x04 and no more"})
    done = ran([grade / "tests" / "run.sh"], env=environment(GRADE_ROOT=grade))
    assert "Traceback" not in done.stderr
    document = results(grade)
    assert document["gradable"] is False
    assert "work.zip" in document["format_errors"][0]


def test_it_never_asks_for_more_time_than_there_is_and_says_so(tmp_path, capsys):
    out = tmp_path / "out"
    homework = Path(__file__).parents[1] / "homeworks" / "framework"
    words = ["--for", "prairielearn", "--seconds", "2400", "--image", "you/backgrade", "--homework", str(homework)]
    assert cli.main(["release", "--out", str(out), *words]) == cli.GRADED
    told = "note: prairielearn.zip gives a submission 600 seconds, because its platform gives no more"
    assert told in " ".join(capsys.readouterr().out.split())
    course = unpack(out / "prairielearn.zip", tmp_path / "course")
    question = json.loads((course / "questions" / NAME / "info.json").read_text(encoding="utf-8"))
    assert question["externalGradingOptions"]["timeout"] == 600
    assert question["externalGradingOptions"]["image"] == "you/backgrade"
    assert "--seconds 600" in (course / "questions" / NAME / "tests" / "run.sh").read_text(encoding="utf-8")
