"""github.zip: files that GitHub and GitLab accept, no solution, and Classroom 50's result file."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import jsonschema
import pytest
import yaml
from packages import FRAMEWORK, PROJECT, environment, hand_in, hanging, killed, ran, right, unpack
from schemas.platforms import CLASSROOM50

from grader import rubric
from grader.ci import CODE_QUALITY
from grader.release import github
from grader.release.source import Source, grader

RUNNER = {
    "CLASSROOM": "ml26",
    "ASSIGNMENT": "frame",
    "OWNER": "ada",
    "SUBMISSION_TAG": "submit/2026-11-20T10-00-00Z-abc1234",
    "COMMIT_URL": "https://github.com/ml26/frame-ada/commit/abc",
    "RELEASE_URL": "https://github.com/ml26/frame-ada/releases/tag/x",
    "REVIEW_URL": "https://github.com/ml26/frame-ada/compare/a...b",
}


@pytest.fixture
def package(released, tmp_path):
    return unpack(released / "github.zip", tmp_path / "package")


@pytest.mark.medium
@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("vendor.github-workflows", "template/.github/workflows/grade.yml"),
        ("vendor.gitlab-ci", "template/.gitlab-ci.yml"),
    ],
)
def test_workflow_and_template_follow_the_published_schemas(package, schema, path):
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, package / path],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.medium
def test_both_grade_by_the_same_command(package):
    workflow = yaml.safe_load((package / "template/.github/workflows/grade.yml").read_text(encoding="utf-8"))
    pipeline = yaml.safe_load((package / "template/.gitlab-ci.yml").read_text(encoding="utf-8"))
    (job,) = workflow["jobs"].values()
    steps = [step["run"] for step in job["steps"] if "run" in step]
    assert steps == pipeline["grade"]["script"]
    assert steps[-1].startswith("python grade.py --homework homework --ci --junit grade.xml")
    assert workflow["permissions"] == {"contents": "read"}
    assert pipeline["grade"]["artifacts"]["reports"] == {"codequality": CODE_QUALITY, "junit": "grade.xml"}


@pytest.mark.medium
@pytest.mark.skipif(os.name == "nt", reason="its steps run in bash")
def test_the_last_step_grades_the_template_as_it_stands(package, tmp_path):
    template = package / "template"
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    pipeline = yaml.safe_load((template / ".gitlab-ci.yml").read_text(encoding="utf-8"))
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = ran(["bash", "-c", pipeline["grade"]["script"][-1]], cwd=template, env=environment(PATH=path))
    assert done.returncode == 0, done.stderr
    assert (template / "grade.xml").is_file()
    assert json.loads((template / "grade.json").read_text(encoding="utf-8"))["score"] == 0


@pytest.mark.medium
def test_the_solution_is_not_in_it(package):
    for path in (path for path in package.rglob("*") if path.is_file()):
        assert "reference" not in path.relative_to(package).parts
        content = path.read_bytes()
        for solved in (FRAMEWORK / "reference").rglob("*.py"):
            assert content != solved.read_bytes()
    handed_out = (package / "template/homework/student/frame/tensor.py").read_text(encoding="utf-8")
    assert "Your code here" in handed_out
    assert "SOLUTION" not in handed_out


@pytest.fixture
def bundle(tmp_path):
    """Classroom 50's bundle, beside a grader that grades: here the one with the live reference."""
    source = Source(FRAMEWORK, rubric.load(FRAMEWORK / "rubric.yaml"), seeds=2)
    members = {name.removeprefix("classroom50/"): content for name, content in github.build(source).items()
               if name.startswith("classroom50/")}  # fmt: skip
    for name, content in (grader(source) | members).items():
        path = tmp_path / "bundle" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
    return tmp_path / "bundle" / "autograder.py"


def result(checkout):
    document = json.loads((checkout / "result.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, CLASSROOM50)
    assert document["score"] <= document["max-score"]
    assert all(test["score"] <= test["max-score"] for test in document["tests"])
    return document


@pytest.mark.medium
@pytest.mark.skipif(os.name == "nt", reason="its runner is a container of Linux")
def test_classroom50_reads_the_result(bundle, tmp_path):
    checkout = tmp_path / "checkout"
    hand_in(checkout / "student", right())
    done = ran([sys.executable, bundle], cwd=checkout, env=environment(**RUNNER))
    assert done.returncode == 0, done.stderr
    document = result(checkout)
    assert (document["score"], document["max-score"], document["owner"]) == (15, 15, "ada")
    assert "**15 of 15**" in (checkout / "release-body.md").read_text(encoding="utf-8")


@pytest.mark.medium
@pytest.mark.skipif(os.name == "nt", reason="its runner is a container of Linux")
def test_a_kill_in_the_middle_loses_nothing_finished(bundle, tmp_path):
    checkout = tmp_path / "checkout"
    hand_in(checkout / "student", hanging())
    written = (checkout / "result.json").is_file
    killed([sys.executable, bundle], written, tmp_path / "log", cwd=checkout, env=environment(**RUNNER))
    assert result(checkout)["score"] == 10


@pytest.mark.medium
def test_without_its_runner_it_says_what_is_missing(tmp_path):
    done = ran([sys.executable, PROJECT / "grade.py", "autograde", "classroom50", "--root", tmp_path])
    assert done.returncode == 2
    assert "CLASSROOM, ASSIGNMENT, OWNER" in done.stderr


@pytest.mark.medium
@pytest.mark.skipif(os.name == "nt", reason="its runner is a container of Linux")
def test_a_result_that_a_student_handed_in_is_none(bundle, tmp_path):
    hand_in(tmp_path / "checkout", {"result.json": b'{"score": 15}'})
    (bundle.parent / "homework" / "rubric.yaml").write_text("title: broken\n")
    done = ran([sys.executable, bundle], cwd=tmp_path / "checkout", env=environment(**RUNNER))
    assert done.returncode == 2
    assert not (tmp_path / "checkout" / "result.json").exists()


@pytest.mark.medium
@pytest.mark.skipif(os.name == "nt", reason="its runner is a container of Linux")
def test_nothing_is_written_through_a_students_link(bundle, tmp_path):
    checkout, victim = tmp_path / "checkout", tmp_path / "victim"
    hand_in(checkout / "student", right())
    victim.write_text("untouched")
    for name in ("result.json", "release-body.md"):
        (checkout / name).symlink_to(victim)
    assert ran([sys.executable, bundle], cwd=checkout, env=environment(**RUNNER)).returncode == 0
    assert victim.read_text() == "untouched"
    assert result(checkout)["score"] == 15


@pytest.mark.medium
@pytest.mark.skipif(os.name == "nt", reason="its runner is a container of Linux")
def test_a_folder_in_the_place_of_the_result_is_told_or_goes(bundle, tmp_path):
    checkout = tmp_path / "checkout"
    hand_in(checkout / "student", right())
    (checkout / "result.json" / "inner").mkdir(parents=True)
    assert ran([sys.executable, bundle], cwd=checkout, env=environment(**RUNNER)).returncode == 0
    (checkout / "release-body.md").unlink()
    (checkout / "release-body.md").mkdir()
    done = ran([sys.executable, bundle], cwd=checkout, env=environment(**RUNNER))
    assert done.returncode == 2
    assert "release-body.md is in the way" in done.stderr


@pytest.mark.medium
@pytest.mark.skipif(os.name == "nt", reason="its runner is a container of Linux")
def test_what_cannot_be_read_fails_every_test_and_is_told(bundle, tmp_path):
    checkout = tmp_path / "checkout"
    hand_in(checkout / "student", {"work.zip": b"PK\x03\x04 and no more"})
    done = ran([sys.executable, bundle], cwd=checkout, env=environment(**RUNNER))
    assert "Traceback" not in done.stderr
    document = result(checkout)
    assert (document["score"], document["max-score"]) == (0, 15)
    assert not any(test["passed"] for test in document["tests"])
    assert "work.zip" in (checkout / "release-body.md").read_text(encoding="utf-8")
