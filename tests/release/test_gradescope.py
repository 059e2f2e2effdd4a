"""gradescope.zip, built and run where Gradescope puts it: its log, its results, and a kill in the middle."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest
from packages import FRAMEWORK, PROJECT, environment, hand_in, hanging, killed, made, ran, right, unpack
from schemas.platforms import GRADESCOPE

pytestmark = [pytest.mark.medium, pytest.mark.skipif(os.name == "nt", reason="Gradescope runs Linux")]

METADATA = {
    "id": 123456,
    "created_at": "2026-11-22T10:00:00.000000-08:00",
    "assignment": {"due_date": "2026-11-20T23:59:00.000000-08:00", "late_due_date": None, "title": "Frame"},
    "submission_method": "upload",
    "users": [{"email": "ada@example.org", "id": 1, "name": "Ada <Lovelace>"}],
    "previous_submissions": [],
}


def laid_out(released: Path, root: Path) -> Path:
    """/autograder, as Gradescope builds it of the zip."""
    unpack(released / "gradescope.zip", root / "source")
    shutil.copy(root / "source" / "run_autograder", root / "run_autograder")
    (root / "results").mkdir()
    (root / "submission_metadata.json").write_text(json.dumps(METADATA))
    return root


def results(root: Path) -> dict:
    document = json.loads((root / "results" / "results.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, GRADESCOPE)
    return document


@pytest.fixture
def root(released, tmp_path):
    return laid_out(released, tmp_path / "autograder")


@pytest.mark.slow
def test_the_build_log_says_what_confines_and_what_data_are_here(root, tmp_path):
    done = ran(["bash", root / "source" / "setup.sh"], env=environment(BACKGRADE_DATA=tmp_path))
    assert done.returncode == 0, done.stderr
    assert "properties hold" in done.stdout
    assert "rubric.yaml" in done.stdout


def test_a_right_submission_gets_every_point(root):
    hand_in(root / "submission", right())
    done = ran([root / "run_autograder"], env=environment(AUTOGRADER_ROOT=root))
    assert done.returncode == 0, done.stderr
    document = results(root)
    assert document["score"] == 15
    assert {test["status"] for test in document["tests"]} == {"passed"}
    assert {test["visibility"] for test in document["tests"]} == {"visible"}
    assert document["output_format"] == "html"
    assert 'src="data:image/png;base64,' in document["output"]
    assert [path.name for path in (root / "results").iterdir()] == ["results.json"]


def test_whenever_the_result_is_read_it_is_whole(root):
    files = right()
    hand_in(root / "submission", files | {"train.py": b"import time\ntime.sleep(2)\n" + files["train.py"]})
    running = subprocess.Popen(
        [root / "run_autograder"], env=environment(AUTOGRADER_ROOT=root), stdout=subprocess.DEVNULL
    )
    scores = []
    while running.poll() is None:
        if (root / "results" / "results.json").is_file():
            scores.append(results(root)["score"])
    assert running.returncode == 0
    assert scores == sorted(scores)
    assert scores[0] == 10
    assert results(root)["score"] == 15


def test_a_fault_of_the_grader_is_for_the_staff_and_no_zero(tmp_path):
    homework = tmp_path / "faulty"
    shutil.copytree(FRAMEWORK, homework)
    checks = homework / "checks.py"
    head, name, body = checks.read_text().partition("def adam_steps")
    assert name
    signature, docstring, rest = body.split('"""', 2)
    checks.write_text(f'{head}{name}{signature}"""{docstring}"""\n    raise KeyError("secret of the course")\n{rest}')
    root = laid_out(made(tmp_path / "out", "--homework", homework, "--for", "gradescope"), tmp_path / "autograder")
    hand_in(root / "submission", right())
    done = ran([root / "run_autograder"], env=environment(AUTOGRADER_ROOT=root))
    assert done.returncode == 0
    assert "secret of the course" in done.stdout
    document = results(root)
    assert "secret of the course" not in json.dumps(document)
    assert document["stdout_visibility"] == "hidden"
    assert "score" not in next(test for test in document["tests"] if test["number"] == "1.3")
    assert "3 points wait for a review" in document["output"]


def test_without_a_result_the_script_fails_as_the_grader_does(root):
    (root / "source" / "homework" / "rubric.yaml").write_text("title: broken\n")
    hand_in(root / "submission", right())
    done = ran([root / "run_autograder"], env=environment(AUTOGRADER_ROOT=root))
    assert done.returncode == 2
    assert "rubric.yaml:1" in done.stderr
    assert not (root / "results" / "results.json").exists()


@pytest.mark.parametrize("there", [True, False])
def test_nothing_handed_in_is_told(root, there):
    if there:
        (root / "submission").mkdir()
    done = ran([root / "run_autograder"], env=environment(AUTOGRADER_ROOT=root))
    assert (done.returncode, results(root)["score"]) == (0, 0)
    assert "hand in a folder, zip or tar" in results(root)["output"] or "cannot be read" in results(root)["output"]


def test_a_kill_in_the_middle_loses_nothing_finished(root, tmp_path):
    hand_in(root / "submission", hanging())
    result = root / "results" / "results.json"
    killed([root / "run_autograder"], result.is_file, tmp_path / "log", env=environment(AUTOGRADER_ROOT=root))
    document = results(root)
    assert document["score"] == 10
    assert "The run was ended before 5 points were measured" in document["output"]
    judged = {test["number"]: "score" in test for test in document["tests"]}
    assert judged == {"1.1": True, "1.2": True, "1.3": True, "2.1": False}


@pytest.mark.slow
def test_the_run_ends_itself_before_the_platform_does(released, tmp_path):
    """Of 40 seconds, 30 are kept for the end."""
    root = laid_out(released, tmp_path / "autograder")
    hand_in(root / "submission", hanging())
    script = root / "run_autograder"
    script.write_text(script.read_text().replace("--seconds 600", "--seconds 40"))
    done = ran([script], env=environment(AUTOGRADER_ROOT=root))
    assert done.returncode == 0, done.stderr
    document = results(root)
    assert document["score"] == 10
    assert "ended before 5 points were measured" in document["output"]


def test_what_cannot_be_read_is_told_where_the_student_looks(root):
    (root / "submission").mkdir()
    (root / "submission" / "work.zip").write_bytes(b"PK\x03\x04 and no more")
    done = ran([root / "run_autograder"], env=environment(AUTOGRADER_ROOT=root))
    document = results(root)
    assert "Traceback" not in done.stderr
    assert "work.zip" in document["output"]


def test_lateness_is_what_the_rubric_and_the_metadata_say(tmp_path):
    """Two days late, at ten percent a day."""
    homework = tmp_path / "late"
    shutil.copytree(FRAMEWORK, homework)
    rubric = homework / "rubric.yaml"
    rubric.write_text(f"{rubric.read_text()}late: {{per_day: 10, cap: 50}}\n")
    root = laid_out(made(tmp_path / "out", "--homework", homework, "--for", "gradescope"), tmp_path / "autograder")
    hand_in(root / "submission", right())
    assert ran([root / "run_autograder"], env=environment(AUTOGRADER_ROOT=root)).returncode == 0
    document = results(root)
    assert document["score"] == 12
    assert "2 days late, which costs 20 % of the points" in document["output"]


def test_student_code_cannot_reach_the_results_or_the_reference(root):
    files = right()
    spy = f"""
import os
for path in ({str(root / "results" / "results.json")!r}, {str(root / "source" / "homework" / "reference")!r}):
    try:
        os.listdir(path) if "reference" in path else open(path, "w").write("{{}}")
        print("REACHED")
    except OSError:
        print("refused")
"""
    hand_in(root / "submission", files | {"tensor.py": files["tensor.py"] + spy.encode()})
    ran([root / "run_autograder"], env=environment(AUTOGRADER_ROOT=root))
    text = json.dumps(results(root))
    assert "REACHED" not in text
    assert "refused\\nrefused" in text
    assert results(root)["score"] == 15


@pytest.mark.slow
def test_the_own_homework_shows_what_it_trains(tmp_path):
    root = laid_out(made(tmp_path / "out", "--for", "gradescope"), tmp_path / "autograder")
    solved = PROJECT / "reference"
    files = [*solved.glob("backprop/functions.py"), *solved.glob("neuralnet/*.py")]
    hand_in(root / "submission", {path.name: path.read_bytes() for path in files})
    (root / "data").mkdir()
    script = root / "run_autograder"
    script.write_text(script.read_text().replace("--seconds", "--task 1 --task 4.2 --seconds"))
    done = ran([script], env=environment(AUTOGRADER_ROOT=root, BACKGRADE_DATA=root / "data"))
    assert done.returncode == 0, done.stderr
    document = results(root)
    assert document["score"] == 12  # of 15, two days late
    assert "stand-in data" in document["output"]
    assert "4.2: 120 of 240 s" in document["output"]
    (trained,) = [test for test in document["tests"] if test["number"] == "4.2"]
    assert trained["output_format"] == "html"
    assert trained["output"].count('src="data:image/png;base64,') == 3  # loss, accuracy, weights
