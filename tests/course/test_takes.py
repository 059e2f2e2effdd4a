"""A question on which file counts: it waits, it is named, a person settles it, and it stays settled."""

from __future__ import annotations

import csv
import shutil

import pytest
from classes import STARRED, WANTED, Workers

from grader import cli
from grader.course import takes
from grader.course.batch import Batch
from grader.course.class_folder import recognise
from grader.course.gradebook import Gradebook
from grader.course.job import Place
from grader.course.result_keys import Terms
from grader.errors import UsageError
from grader.model import Verdict

pytestmark = pytest.mark.medium


@pytest.fixture
def folder(tmp_path):
    """A class in which ada hands in two layers.py, and bo one."""
    for name in ("ada", "bo"):
        for base in WANTED:
            (tmp_path / "in" / name).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(STARRED[base], tmp_path / "in" / name / base)
    (tmp_path / "in" / "ada" / "old").mkdir()
    (tmp_path / "in" / "ada" / "old" / "layers.py").write_text("def fc_forward(x, w, b):\n    return x, b\n")
    return tmp_path / "in"


def graded(book, folder):
    run = book.begin(seed=5, settings={"only": ["1", "2"]})
    Batch(book, run, Place(), Terms(5, ("1", "2")), workers=Workers(), audiences=()).grade(recognise(folder))
    return {row.student.id: row.report for row in book.register()}


def test_two_candidates_wait_and_a_take_settles_them_for_later_runs(folder, tmp_path, capsys):
    out = tmp_path / "out"
    with Gradebook.create(out) as book:
        reports = graded(book, folder)
        waiting = [check for check in reports["ada"].checks if check.waits]
        assert {check.verdict for check in waiting} == {Verdict.SKIPPED}
        assert sum(check.points for check in waiting) == 20  # all of Task 2; Task 1 is graded as ever
        assert (reports["ada"].score, reports["ada"].max_score, reports["bo"].score) == (10, 30, 30)
        with pytest.raises(UsageError, match=r"ada handed in no layer\.py; choose "):
            take(book, "layer.py")
        with pytest.raises(UsageError, match=r"notes\.py is not a file of this homework"):
            take(book, "layers.py", "notes.py")
    assert cli.main(["gradebook", str(out), "list"]) == 0
    told = capsys.readouterr().out
    assert "? ada 2.1, 2.2, 2.3, 2.4: 2 different files may be layers.py: layers.py, old/layers.py" in told
    assert "20 points wait for this" in told
    assert "take ada FILE --as NAME" in told
    for sheet in ("csv", "nbgrader", "canvas"):
        assert cli.main(["gradebook", str(out), "--run", "1", "export", sheet]) == 0
        assert "without a grade: ada" in capsys.readouterr().out
    with (out / "export" / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        (ada,) = [row for row in csv.DictReader(file) if row["student"] == "ada"]
    assert (ada["2.1"], ada["final"]) == ("", "")

    words = ["take", "ada", "layers.py", "--as", "layers.py", "--author", "Kim", "--why", "she wrote so"]
    assert cli.main(["gradebook", str(out), *words]) == 0
    with Gradebook.open(out) as book:
        for _ in range(2):
            report = graded(book, folder)["ada"]
            assert report.score == 30
            assert "layers.py was taken as layers.py by Kim, because: she wrote so" in report.notes
    assert cli.main(["gradebook", str(out), "take", "ada", "none", "--as", "layers.py", "--author", "Kim"]) == 0
    with Gradebook.open(out) as book:
        assert graded(book, folder)["ada"].score == 10


def take(book, file, name="layers.py"):
    takes.take(book.database, "ada", {"ada"}, file, name, wanted=WANTED, author="Kim", why="so")


def test_a_file_of_another_task_costs_nothing(folder):
    """--task 1 does not look at layers.py."""
    assert cli.main([str(folder / "ada"), "--task", "1", "--no-html", "--fail-under", "10"]) == 0
