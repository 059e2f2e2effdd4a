"""autograde: what a small container changes, and where nothing is graded."""

from __future__ import annotations

import json
from html import unescape

import pytest
from packages import FRAMEWORK, hand_in, right

from grader import cli
from grader.command import autograde
from grader.errors import UsageError
from grader.platform import container
from grader.platform.container import Container

pytestmark = pytest.mark.medium
MIB = 1 << 20


def graded(root, files, *words):
    hand_in(root / "submission", files)
    arguments = ["gradescope", "--root", str(root), "--homework", str(FRAMEWORK), "--seed", "1", *words]
    code = autograde.run(autograde.parser().parse_args(arguments))
    return code, json.loads((root / "results" / "results.json").read_text(encoding="utf-8"))


def test_a_small_container_is_told_and_what_it_cannot_hold_is_a_question(tmp_path, monkeypatch):
    monkeypatch.setattr(container, "read", lambda: Container(600 * MIB, 0.5))
    monkeypatch.setattr(container, "taken", lambda: 200 * MIB)
    files = right()
    large = b"\nimport numpy, time\nkept = numpy.ones(100 << 20)\ntime.sleep(1)\n"
    code, document = graded(tmp_path, files | {"train.py": files["train.py"] + large})
    assert code == 0
    output = unescape(document["output"])
    assert "this container has 600 MiB of memory: a student's process gets 304 MiB of the 2048 MiB" in output
    assert "0.5 of a core" in document["output"]
    assert document["score"] == 10
    assert "5 points wait for a review" in document["output"]
    last = [test for test in document["tests"] if test["number"] == "2.1"]
    assert all("score" not in test for test in last)
    assert "grade it where there is more memory" in last[0]["output"]


def test_where_nothing_confines_nothing_is_graded_unless_told(tmp_path, monkeypatch):
    monkeypatch.setattr(autograde, "unconfined", lambda *given: ("nothing ensures that it reads nothing else",))
    with pytest.raises(UsageError, match="would not be confined here: nothing ensures"):
        graded(tmp_path, right())
    assert not (tmp_path / "results").exists()
    assert graded(tmp_path, right(), "--allow-unsafe")[1]["score"] == 15


def test_one_task_alone_and_a_seed_are_repeated(tmp_path):
    _, document = graded(tmp_path, right(), "--task", "2")
    assert {test["number"] for test in document["tests"]} == {"2.1"}
    assert document["extra_data"]["seed"] == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--root", "{}/nowhere"], "nowhere is not a folder; name with --root the one that gradescope laid out"),
        (["--root", "{}", "--seconds", "nan"], "--seconds is nan; it has to be more than 0"),
        (["--root", "{}", "--seconds", "0"], "--seconds is 0;"),
        (["--root", "{}", "--task", "99"], "there is no task 99"),
        (["--root", "{}", "--data-root", "{}/nowhere"], "nowhere is not a folder; name the folder that holds the data"),
    ],
)
def test_a_mistake_in_the_command_writes_no_result(tmp_path, capsys, words, says):
    words = [word.format(tmp_path) for word in words]
    assert cli.main(["autograde", "gradescope", "--homework", str(FRAMEWORK), *words]) == cli.USAGE
    assert says in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_autolab_does_not_hand_over_is_no_zero(tmp_path, capsys):
    for _ in range(2):
        assert cli.main(["autograde", "autolab", "--homework", str(FRAMEWORK), "--root", str(tmp_path)]) == cli.USAGE
        told = capsys.readouterr()
        assert told.out == ""
        assert "handin holds nothing; the Makefile of autolab.zip puts the hand-in there" in told.err
        (tmp_path / "handin").mkdir(exist_ok=True)


def test_what_prairielearn_does_not_hand_over_costs_no_attempt(tmp_path):
    assert cli.main(["autograde", "prairielearn", "--homework", str(FRAMEWORK), "--root", str(tmp_path)]) == 0
    told = json.loads((tmp_path / "results" / "results.json").read_text(encoding="utf-8"))
    assert told["gradable"] is False
    assert "student cannot be read" in told["message"]
