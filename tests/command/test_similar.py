"""grade.py similar as a TA types it: a class on disk or a batch's folder, earlier years, groups, hostile work."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cohort
import pytest
from hostile import passes

from grader import cli
from grader.command import similar as command
from grader.course import forget, pages
from grader.course.gradebook import Gradebook
from grader.loading import ROOT
from grader.model import CheckResult, ItemResult, Provenance, Report, Student, TaskResult, Verdict
from grader.release.handout import is_given

pytestmark = pytest.mark.medium


def small(seed: int, **photographs: int) -> cohort.Submission:
    """A student's scripts, without notebooks, which take longer to read; `photographs` are seeds by name."""
    made = cohort.student(seed)
    pictures = {f"{name}.jpg": cohort.photograph(cohort.Random(at)) for name, at in photographs.items()}
    return cohort.Submission(made.files, {}, {}, pictures)


@pytest.fixture
def typed(tmp_path, monkeypatch, capsys):
    """Types a command in an empty folder; gives its exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def type_(*words: object) -> tuple[int, str, str]:
        code = cli.main(["similar", *map(str, words)])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return type_


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three who worked alone, and a copy of ada's that keeps the photograph."""
    for at, name in enumerate(("ada", "ben", "cem")):
        cohort.save(small(at, cat=at), tmp_path / "class" / name)
    copy = cohort.copied(small(0, cat=0), 9, outputs=True, photographs=True)
    cohort.save(cohort.Submission(copy.files, {}, {}, copy.photographs), tmp_path / "class" / "dot")
    return tmp_path / "class"


def test_a_folder_of_submissions_gives_a_table_a_page_and_json(folder, typed, tmp_path):
    code, out, err = typed(folder, "--json", "-", "--jobs", 1)
    assert code == 0
    found = json.loads(out)
    assert [(pair["left"], pair["right"]) for pair in found["pairs"]] == [("ada", "dot")]
    assert found["pairs"][0]["pictures"] == [["cat.jpg", "my0.jpg"]]
    assert "1 picture of one shows the same as the other's" in err
    assert "4 submissions compared with each other: 1 pair to look at" in err
    assert any("in a class of 4 little is rare" in note for note in found["notes"])
    assert any("wrong answers were not compared" in note for note in found["notes"])
    assert "no points change" in found["what"]
    assert "ada and dot" in (tmp_path / "similar.html").read_text()


def test_hostile_work_is_told_and_stops_nobody_elses_comparison(folder, typed):
    bad = {"eve": b"def f(:\n  \0\xff '''", "fay": b"x = 1\n" * 50_000, "gus": b"\0" * 5000}
    for name, content in bad.items():
        (folder / name).mkdir()
        (folder / name / "layers.py").write_bytes(content)
        (folder / name / "train.py").write_text("lr = 1\n")
        (folder / name / "cat.jpg").write_bytes(passes(300, 300))
        (folder / name / "part1.ipynb").write_bytes(b'{"cells": [' + b"[" * 100_000)
    (folder / "hal.zip").write_bytes(b"PK no zip")
    code, out, _ = typed(folder, "--no-html", "--jobs", 2)
    assert code == 0
    assert re.search(r"ada +dot", out)
    assert "7 submissions compared" in out
    assert "hal: " in out
    assert "fay: layers.py is long; only its beginning was compared" in out
    assert "eve: part1.ipynb is no whole notebook, or holds too much, and was not compared" in out


def result(message: str) -> Report:
    check = CheckResult("fc", "It works.", Verdict.FAIL, 0.0, 5.0, message=message)
    task = TaskResult("2", "Layers", (ItemResult("2.1", "FC", 0.0, 5.0, (check,)),))
    return Report("Backprop", "x", "d", (task,), (), Provenance(7, {}, "r", "g", "f", "confined"))


def test_a_batchs_folder_gives_wrong_answers_and_gets_the_page_and_nothing_else_changes(folder, typed, tmp_path):
    with Gradebook.create(tmp_path / "out") as book:
        run = book.begin(seed=7, settings={"folder": str(folder)})
        for name in ("ada", "ben", "cem", "dot"):
            book.record(Student(name, name.title(), path=name), result(f"is {'-0.3' if name in 'ada dot' else name}"))
        pages.write_index(book, run, book.register(run))
        before = [book.report(name) for name in ("ada", "ben", "cem", "dot")], (tmp_path / "out/index.html").read_text()
    code, out, _ = typed(tmp_path / "out", "--jobs", 1)
    assert code == 0
    assert "the same 1 wrong answer that few others give, and set the same" in " ".join(out.split())
    page = (tmp_path / "out" / "similar.html").read_text()
    assert "fc: is -0.3" in page
    with Gradebook.open(tmp_path / "out") as book:
        after = [book.report(name) for name in ("ada", "ben", "cem", "dot")], (tmp_path / "out/index.html").read_text()
        assert after == before
        assert "similar" not in after[1]
        kept = json.loads((tmp_path / "out" / pages.PAIRS).read_text())
        assert kept["run"] == 1
        assert "fc: is -0.3" in str(kept["pairs"])
        forget.forget(book, forget.plan(book, "dot"))
    assert not (tmp_path / "out" / "similar.html").exists()
    assert not (tmp_path / "out" / pages.PAIRS).exists()


def test_earlier_years_are_compared_and_a_groups_work_is_one(folder, typed, tmp_path):
    cohort.save(cohort.copied(small(1, cat=1), 3, outputs=True, photographs=True), tmp_path / "2025" / "old")
    cohort.save(cohort.copied(small(1, cat=1), 4, outputs=True, photographs=True), tmp_path / "2025" / "older")
    for _ in range(2):  # the second time, it replaces what the first one wrote
        code, out, _ = typed(folder, "--with", tmp_path / "2025", "--no-html", "--json", "found.json", "--jobs", 1)
        assert code == 0
    found = json.loads((tmp_path / "found.json").read_text())
    listed = {(pair["left"], pair["right"]) for pair in found["pairs"]}
    assert listed == {("ada", "dot"), ("ben", f"{tmp_path}/2025/old"), ("ben", f"{tmp_path}/2025/older")}
    assert "and with 2 of earlier years" in out
    parts = (("ada", folder / "ada"),)
    members = [Student("ada", "Ada", parts=parts), Student("bob", "Bob", parts=parts), Student("nil", "Nil")]
    group = command.as_class("", None, members, lambda one: (), {}, run=0)
    assert list(group.places) == ["ada"]
    assert group.people["ada"] == {"ada", "bob"}
    assert group.names["ada"] == "Ada, Bob"


def test_a_mistake_is_one_sentence(folder, typed, tmp_path):
    with Gradebook.create(tmp_path / "out") as book:
        book.begin(seed=7, settings={"folder": str(tmp_path / "gone")})
    (tmp_path / "empty").mkdir()
    for words, sentence in (
        (["nowhere"], "there is no folder nowhere"),
        (["empty"], "contains no submission"),
        (["out"], "gone, which is not there; put them back"),
        ([folder, "--jobs", 0], "--jobs is 0; it must be at least 1"),
        ([folder, "--html", "no/such/place.html"], "there is no folder no/such"),
        ([folder, "--with", "nowhere"], "there is no folder nowhere"),
    ):
        code, out, err = typed(*words)
        assert code == 2
        assert sentence in err
        assert not out


def test_the_readme_is_true_and_students_get_none_of_it():
    shown = {action.option_strings[-1] for action in command.parser()._actions if action.option_strings} - {"--help"}
    page = (
        (ROOT / "README.md")
        .read_text(encoding="utf-8")
        .partition("### What submissions share\n")[2]
        .partition("\n##")[0]
    )
    assert set(re.findall(r"^\| `(--[a-z-]+)", page, re.MULTILINE)) == shown
    assert not is_given("grader/similarity/pairs.py")
    assert not is_given("grader/command/similar.py")
