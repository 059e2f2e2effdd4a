"""What is shown of a student's work: its own lines, cells and pictures, drawn anew. A group is graded again alone."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace

import pytest
import reviewing
from classes import class_of

from grader.command import batch
from grader.course.gradebook import Gradebook
from grader.intake.picture import ENDINGS
from grader.model import Limits, Submission
from grader.review import again, evidence
from grader.review.evidence import Evidence, notebook_cells, redrawn


def test_a_cell_is_shown_with_its_saved_picture_and_nothing_of_the_file_itself():
    (cell,) = notebook_cells(reviewing.notebook())
    assert (cell.number, cell.source) == (2, "plot()\n<b>x</b>")
    (picture,) = cell.pictures
    assert picture.startswith(b"\x89PNG")


def test_a_photograph_is_shown_by_every_ending_that_a_homework_takes():
    files = {f"cat{ending}": b"x" for ending in (*ENDINGS, ".tif")}
    section = SimpleNamespace(id="s", submit=tuple(f"*{ending}" for ending in (*ENDINGS, ".tif")), modules={})
    task = SimpleNamespace(id="1", section="s")
    plan = SimpleNamespace(sections=[section], tasks=[task], limits=Limits())
    homework, asked = SimpleNamespace(rubric=plan, checks={}), SimpleNamespace(tasks=[task], checks=())
    found = evidence.of_work(Evidence(), Submission("ada", files, {}, ""), homework, asked)
    assert [name for name, _ in found.photographs] == [*files]


@pytest.mark.parametrize(
    "cell",
    [
        {"cell_type": "code", "source": None, "outputs": None},
        {"cell_type": "code", "source": [1, {}], "outputs": [3, {"data": []}, {"data": {"image/png": "!"}}]},
        {"cell_type": "code", "source": "x\x1b[31m" * 9999, "outputs": [{"text": ["y" * 99999]}]},
        "no cell",
    ],
)
def test_a_cell_of_any_form_is_shown_or_left_out(cell):
    for one in notebook_cells(json.dumps({"cells": [cell]}).encode()):
        assert "\x1b" not in one.source
        assert len(one.source) <= 2000 * 400
        assert all(picture.startswith(b"\x89PNG") for picture in one.pictures)


@pytest.mark.parametrize(
    "content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 99, b"<svg onload='alert(1)'/>"]
)
def test_what_is_no_picture_is_not_shown(content):
    assert redrawn(content) == b""


def test_a_picture_is_drawn_anew_without_what_is_hidden_behind_it():
    cells = json.loads(reviewing.notebook())["cells"]
    content = base64.b64decode(cells[1]["outputs"][0]["data"]["image/png"]) + b"<script>alert(1)</script>"
    assert b"script" not in redrawn(content)


@pytest.mark.slow
def test_the_line_that_a_check_names_is_shown_in_the_students_own_file_and_a_group_is_graded_again_alone(tmp_path):
    folder, out = class_of(tmp_path / "class", "right-tabs", "wrong-fc-bias-mean", "wrong-nan"), tmp_path / "graded"
    arguments = [str(folder), "--out", str(out), "--task", "2", "--jobs", "1", "--no-html"]
    assert batch.run(batch.parser().parse_args(arguments)) == 0
    with Gradebook.open(out) as book:
        run = book.run()
        report = book.report("wrong-fc-bias-mean", run)
        item = next(one.id for one in report.items if one.score < one.max_score)
        digests = {id_: book.report(id_, run).digest for id_ in book.graded()}
    found = evidence.gather(out, run.id, "wrong-fc-bias-mean", item, ())
    assert found.missing == ()
    assert any("def fc_backward" in line for code in found.code for line in code.lines)
    (folder / "wrong-fc-bias-mean" / "layers.py").write_text("import numpy as np\n")
    evidence.read_again.cache_clear()  # as in another process
    changed = evidence.gather(out, run.id, "wrong-fc-bias-mean", item, ())
    assert "the work in the folder is another than was graded" in changed.missing[0]
    words = again.command(out, run, ["wrong-nan"])
    before = times(out)
    assert batch.run(batch.parser().parse_args(words[4:])) == 0
    after = times(out)
    with Gradebook.open(out) as book:
        assert book.run().id == run.id + 1
        assert {id_: book.report(id_).digest for id_ in book.graded()}.keys() == digests.keys()
    assert after["wrong-nan"] != before["wrong-nan"]
    assert after["right-tabs"] == before["right-tabs"]


def times(out):
    """How long each student's checks took: it differs where they were graded again."""
    with Gradebook.open(out) as book:
        return {id_: [check.seconds for check in book.report(id_).checks] for id_ in book.graded()}
