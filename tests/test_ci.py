"""`--ci` as a CI sees it: what its runner obeys, what its pages show, and nothing that a student wrote among it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from runner import commands
from schemas import code_quality, expect_valid

from grader import ci

pytestmark = pytest.mark.medium

ROOT = Path(__file__).parents[1]
PLATFORMS = ("GITHUB_", "GITLAB_", "CI_")


@pytest.fixture
def checkout(tmp_path):
    """A student's repository, with one file of work, which raises."""
    work = tmp_path / "checkout" / "hw"
    (tmp_path / "checkout" / ".git").mkdir(parents=True)
    work.mkdir()
    (work / "functions.py").write_text("def f3(*inputs):\n    raise ValueError('no idea')\n")
    return tmp_path / "checkout"


def grade(checkout, *words, **environment):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(PLATFORMS)}
    return subprocess.run(
        [sys.executable, str(ROOT / "grade.py"), "hw", "--task", "1.1", "--no-html", "--ci", *map(str, words)],
        cwd=checkout,
        env=clean | {"COLUMNS": "100"} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def on_github(checkout, *words):
    summary = checkout.parent / "summary.md"
    summary.write_text("# Of an earlier command\n")
    run = grade(
        checkout,
        *words,
        GITHUB_ACTIONS="true",
        GITHUB_WORKSPACE=str(checkout),
        GITHUB_STEP_SUMMARY=str(summary),
    )
    assert run.stderr == "", "two streams come in no order"
    return run, commands(run.stdout), summary.read_text()


def test_a_problem_is_an_annotation_at_the_students_line(checkout):
    run, found, summary = on_github(checkout)
    assert run.returncode == 0
    assert (found[0].name, found[0].message) == ("error", "f3 raised ValueError: no idea")
    assert found[0].properties == {"file": "hw/functions.py", "line": "2", "title": "1.1 4 checks (0 of 10)"}
    assert "Score: 0 of 10" in run.stdout
    assert summary.startswith("# Of an earlier command\n### ")
    assert "` f3 raised ValueError: no idea `" in summary


def test_all_that_is_printed_lies_between_the_fences(checkout):
    run, *_ = on_github(checkout)
    first, *_ = lines = run.stdout.splitlines()
    end = lines.index(f"::{first.removeprefix('::stop-commands::')}::")
    assert all(line.startswith("::") for line in lines[end:])
    assert not any(line.startswith("::") for line in lines[1:end])
    again, *_ = on_github(checkout)
    assert again.stdout.splitlines()[0] != first, "a token that is known is no secret"


def test_no_printed_line_looks_like_an_error_to_what_reads_logs(checkout):
    """actions/setup-python makes annotations of lines that look like a traceback, whoever printed them."""
    matcher = re.compile(r"^\s*File\s\"(.*)\",\sline\s(\d+),\sin\s(.*)$", re.MULTILINE)
    forged = 'File "hw/functions.py", line 1, in forged'
    printed = f"x\n  {forged}\n{'x' * 94} {forged}"  # where a line of the log would be wrapped, too
    (checkout / "hw" / "functions.py").write_text(f"def f3(*inputs):\n    print({printed!r})\n")
    run, *_ = on_github(checkout)
    assert forged in run.stdout
    assert not matcher.search(run.stdout)


def test_the_gate_is_said_where_the_annotations_are(checkout):
    run, found, summary = on_github(checkout, "--fail-under", "5")
    assert run.returncode == 1
    assert (found[0].name, found[0].message) == ("error", "score 0 is below --fail-under 5")
    assert "score 0 is below --fail-under 5" in summary


def test_what_cannot_be_graded_is_said_there_too(checkout):
    (checkout / "hw" / "functions.py").unlink()
    run, found, summary = on_github(checkout)
    assert run.returncode == 2
    assert [(one.name, one.message.partition(";")[0]) for one in found] == [
        ("error", "hw holds none of functions.py, layers.py, two_layer_net.py, train.py, part1.ipynb, part2.ipynb")
    ]
    assert "hw holds none of functions.py" in summary


def test_usage_is_told_between_the_fences(checkout):
    run, found, _ = on_github(checkout, "--no-such-option", "\n::error::x ##[error]x")
    assert (run.returncode, found) == (2, [])
    assert "unrecognized arguments: --no-such-option" in run.stdout


def test_a_file_is_named_in_one_line(checkout):
    hostile = "work\n::error::x ##[error]x www.example.org"
    run = grade(checkout, "--junit", f"{hostile}/junit.xml", GITHUB_ACTIONS="true")
    found = commands(run.stdout)
    assert (run.returncode, [one.properties["title"] for one in found]) == (2, ["grade.py"])
    assert "www[.]example.org" in found[0].message


def test_a_summary_that_cannot_be_written_takes_no_result_with_it(checkout):
    run = grade(checkout, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(checkout / "nowhere" / "summary.md"))
    found = commands(run.stdout)
    assert run.returncode == 2
    assert "Score: 0 of 10" in run.stdout
    assert [one.message.startswith("cannot write") for one in found if one.properties["title"] == "grade.py"] == [
        True
    ] * 2
    assert any(one.properties.get("file") == "hw/functions.py" for one in found)


@pytest.mark.parametrize("name", ["junit.xml", "gl-code-quality-report.json", "out"])
def test_no_link_in_the_students_repository_leads_a_report_elsewhere(checkout, name):
    victim = checkout.parent / "victim"
    victim.mkdir()
    (victim / "file").write_text("as it was")
    (checkout / name).symlink_to(victim if name == "out" else victim / "file")
    words = ["--json", "out/r.json"] if name == "out" else []
    run = grade(checkout, *words, GITLAB_CI="true", CI_PROJECT_DIR=str(checkout))
    assert run.returncode == 2
    assert "--ci writes through no link, and " in run.stderr
    assert f"{name} is one" in run.stderr
    assert [(path.name, path.read_text()) for path in victim.iterdir()] == [("file", "as it was")]


def test_gitlab_gets_its_reports(checkout):
    run = grade(checkout, GITLAB_CI="true", CI_PROJECT_DIR=str(checkout))
    assert (run.returncode, run.stderr) == (0, "")
    assert "::" not in run.stdout
    (entry,) = code_quality((checkout / "gl-code-quality-report.json").read_text())
    assert entry["location"] == {"path": "hw/functions.py", "lines": {"begin": 2}}
    expect_valid((checkout / "junit.xml").read_text())


def test_a_junit_report_of_ones_own_is_the_only_one(checkout):
    run = grade(checkout, "--junit", "other.xml", GITLAB_CI="true", CI_PROJECT_DIR=str(checkout))
    assert run.returncode == 0
    expect_valid((checkout / "other.xml").read_text())
    assert not (checkout / "junit.xml").exists()


def test_elsewhere_a_notice_says_so_and_the_run_is_as_always(checkout):
    run = grade(checkout, "--junit", "junit.xml")
    assert run.returncode == 0
    assert run.stderr == "grade.py: notice: --ci knows GitHub Actions and GitLab CI, and this is neither\n"
    assert "Score: 0 of 10" in run.stdout
    assert "::" not in run.stdout
    assert (checkout / "junit.xml").exists()


@pytest.mark.parametrize("option", ["--json", "--junit"])
def test_what_the_log_cannot_hold_as_well_is_refused(checkout, option):
    run = grade(checkout, option, "-", GITHUB_ACTIONS="true")
    assert run.returncode == 2
    assert commands(run.stdout)[0].message == "--ci prints what the CI reads, so - cannot be printed, too; name a file"


def test_an_interrupted_run_ends_its_fence(capfd):
    def interrupted():
        with ci.step({"GITHUB_ACTIONS": "true"}):
            print("::error::x", file=sys.stderr)
            print("cut off ::error::x", end="")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    log = capfd.readouterr()
    assert (commands(log.out), log.err) == ([], "")


def test_the_readmes_job_is_one_that_gitlab_reads_and_names_the_reports(tmp_path):
    page = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## CI\n")[2]
    (job,) = re.findall(r"^```yaml\n(.*?)^```$", page.partition("\n## ")[0], re.MULTILINE | re.DOTALL)
    (tmp_path / ".gitlab-ci.yml").write_text(job)
    check = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.gitlab-ci",
        tmp_path / ".gitlab-ci.yml",
    ]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert yaml.safe_load(job)["grade"]["artifacts"]["reports"] == {"codequality": ci.CODE_QUALITY, "junit": ci.JUNIT}


def test_the_file_of_the_summary_is_enough_to_see_what_github_would(checkout):
    run = grade(checkout, GITHUB_STEP_SUMMARY=str(checkout / "summary.md"))
    assert commands(run.stdout)[0].name == "error"
    assert (checkout / "summary.md").read_text().startswith("### ")


@pytest.mark.parametrize("value", ["", "false", "1"])
def test_without_github_nothing_is_fenced(value, capfd):
    with ci.step({"GITHUB_ACTIONS": value}):
        print("all there is")
    assert capfd.readouterr().out == "all there is\n"
