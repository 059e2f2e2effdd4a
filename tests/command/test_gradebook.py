"""grade.py gradebook as a TA types it: what is listed, what is kept and written, one sentence for a mistake."""

from __future__ import annotations

import getpass
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from gradebooks import report

from grader import cli
from grader.command import gradebook as command
from grader.course import pages
from grader.course.database import REPORTS
from grader.course.folder_lock import claim
from grader.course.gradebook import Gradebook
from grader.errors import UsageError
from grader.loading import ROOT
from grader.model import (
    Late,
    Measure,
    Provenance,
    Student,
)
from grader.report.wording import clock

pytestmark = pytest.mark.medium

DUE = datetime(2026, 11, 20, 23, 59, tzinfo=UTC)
HOSTILE = "\x1b[2J\u202eeve [bold]b[/] <b>"


@pytest.fixture
def folder(tmp_path):
    with Gradebook.create(tmp_path / "out") as book:
        settings = {"folder": str(tmp_path / "in")}
        run = book.begin(seed=7, due=DUE, late=Late(per_day=10, grace_hours=1, cap=50), settings=settings)
        ids = {"ID": "17", "SIS Login ID": "ada", "Identifier": "Participant 3", "Last modified (grade)": "-"}
        old = ("ada (1).zip",)
        at = DUE + timedelta(hours=30)
        book.record(Student("ada", "Lovelace, Ada", ids, "in/ada.zip", "d", at, others=old), report())
        book.record(Student("doe", "Doe, Jane", {"ID": "18"}, "in/doe.zip", "d", DUE), report(doubt=False))
        book.record(Student("eve", HOSTILE, {"ID": "19"}, "in/eve.zip", "d", marked_late=True), report(fc=1.0))
        book.record(Student("nil", "Nil"), None)
        book.record(Student("zip", "Zip", {}, "in/zip.zip", problem="zip.zip is damaged; pack it again"), None)
        (book.folder / REPORTS).mkdir()
        for student in ("ada", "doe"):
            for audience in ("student", "staff"):
                (book.folder / pages.path_of(student, audience)).write_text("old")
        pages.write_index(book, run, book.register(run))
    return tmp_path / "out"


@pytest.fixture
def type_(folder, capsys):
    """Types a command; gives its exit code, output and errors."""

    def typed(*words):
        code = cli.main(["gradebook", str(folder), *words])
        return code, *capsys.readouterr()

    return typed


def cells(out, first):
    return next(line.split() for line in out.splitlines() if line.startswith(first))


def test_an_export_to_standard_output_is_all_that_is_there(type_):
    code, out, err = type_("export", "jsonl", "--out", "-")
    assert code == 0
    assert [json.loads(line)["student"] for line in out.splitlines()] == ["ada", "doe", "eve", "nil", "zip"]
    assert "jsonl: -" in err


def test_only_the_measurements_that_matter_are_listed(type_, folder):
    kept = [Measure(f"held {at}", 1e-12, 1e-9) for at in range(60)]
    for missed, told in (
        (2, ["missed 0: 0.5, below 1e-09", "missed 1: 0.5, below 1e-09", "and 60 more, within their bars"]),
        (0, [*(f"held {at}: 1e-12, below 1e-09" for at in range(5)), "and 55 more, within their bars"]),
        (7, [*(f"missed {at}: 0.5, below 1e-09" for at in range(5)), "and 62 more"]),
    ):
        many = (*kept, *(Measure(f"missed {at}", 0.5, 1e-9) for at in range(missed)))
        whole = report()
        task, (fc, relu) = whole.tasks[0], whole.tasks[0].items
        asked = replace(relu, checks=(replace(relu.checks[0], measures=many),))
        with Gradebook.open(folder) as book:
            book.record(book.student("ada"), replace(whole, tasks=(replace(task, items=(fc, asked)),)))
        lines = [line.strip() for line in type_("list", "--match", "ada")[1].splitlines()]
        assert [line for line in lines if line.startswith(("held", "missed", "and "))] == told


def test_list_has_a_line_for_everyone_and_the_evidence_of_what_waits(type_, folder):
    code, out, err = type_("list")
    assert (code, err) == (0, "")
    assert cells(out, "ada") == ["ada", "Lovelace,", "Ada", "5.6", "10", "7", "2", "needs", "review"]
    assert cells(out, "eve")[-6:] == ["3", "10", "3", "?", "needs", "review"]
    assert cells(out, "nil") == ["nil", "Nil", "not", "handed", "in"]
    assert "✗ zip: zip.zip is damaged; pack it again" in out
    assert "? ada 2.2 relu: Is this their own?" in out
    assert "2 of 5 points until then" in out
    assert "layers.py:7: Half of it." in out
    assert "error: 0.5, below 1e-09" in out
    assert "shape (5, 3)" in out
    assert f"see {folder / 'reports' / 'ada.html'}" in out
    assert "? doe 2.2 relu: a fault of the grader" in out
    assert "KeyError: 'x'" in out
    assert f"3 wait for a person; set the points of each, even if they are right: "\
        f"python grade.py gradebook {folder} adjust ada 2.2 POINTS --why TEXT" in out  # fmt: skip
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "[bold]b[/]" in out


def test_show_tells_all_of_one_student(type_):
    _, out, _ = type_("show", "ada")
    for told in ("Lovelace, Ada (ada), run 1", "SIS Login ID: ada", "graded: in/ada.zip", "ada (1).zip", "5.6 of 10",
                 "7 as graded; 2 days late, which costs 20 % of the points", "? ada 2.2 relu"):  # fmt: skip
        assert told in out
    assert "doe " not in out
    assert "nothing was handed in" in type_("show", "nil")[1]
    assert "zip.zip is damaged" in type_("show", "zip")[1]


def test_adjust_counts_shows_on_every_page_and_answers_the_question(type_, folder):
    code, out, _ = type_("adjust", "ada", "2.2", "4.5", "--why", "nearly <i>right</i>", "--author", "Grace")
    assert code == 0
    assert "Adjusted from 2 to 4.5 of 5 points by Grace" in out
    assert "now 7.6 of 10 (7 as graded; 9.5 after adjustments; 2 days late, which costs 20 % of the points)" in out
    for audience in ("student", "staff"):
        page = (folder / pages.path_of("ada", audience)).read_text()
        assert "because: nearly &lt;i&gt;right&lt;/i&gt;</p>" in page
        assert '<p class="score">7.6 of 10</p>' in page
    assert (folder / "reports" / "doe.html").read_text() == "old"
    assert not (folder / "reports" / "eve.html").exists()
    assert '<td class="num">7.6</td>' in (folder / pages.INDEX).read_text()
    _, out, _ = type_("list")
    assert "? ada 2.2" not in out
    assert cells(out, "ada")[-1] == "graded"


def test_an_adjustment_whose_page_cannot_be_drawn_is_kept_and_said_to_be(type_, monkeypatch):
    def full(path, content):
        raise UsageError(f"cannot write {path.name} (No space left on device); choose another path for it")

    monkeypatch.setattr(pages, "write", full)
    code, out, err = type_("adjust", "ada", "2.2", "4.5", "--why", "x", "--author", "Grace")
    assert code == 0
    assert "now 7.6 of 10" in out
    assert err.startswith(
        "grade.py: notice: the adjustment is recorded; the page could not be drawn: cannot write ada.html"
    )


def test_an_adjustment_that_was_replaced_is_still_told(type_):
    type_("adjust", "ada", "2.2", "1", "--why", "wrong", "--author", "Grace")
    type_("adjust", "ada", "2.2", "5", "--why", "right after all", "--author", "Alan")
    _, out, _ = type_("show", "ada")
    assert "2.2 was set to 1 points by Grace, because: wrong; replaced since" in out
    assert "2.2 Adjusted from 2 to 5 of 5 points by Alan" in out
    assert out.count("right after all") == 1


def test_an_adjustment_is_taken_back_and_told(type_, folder):
    type_("adjust", "ada", "2.2", "1", "--why", "wrong", "--author", "Grace")
    code, out, _ = type_("adjust", "ada", "2.2", "graded", "--why", "the check was cured", "--author", "Alan")
    assert code == 0
    assert "ada 2.2: Taken back by Alan on " in out
    assert "now 5.6 of 10 (7 as graded; 2 days late" in out
    assert '<p class="score">5.6 of 10</p>' in (folder / pages.path_of("ada", "student")).read_text()
    _, out, _ = type_("show", "ada")
    assert "2.2 was set to 1 points by Grace, because: wrong; replaced since" in out
    assert "2.2 was taken back by Alan, because: the check was cured" in out
    assert "ada has no adjustment of late" in type_("adjust", "ada", "late", "graded", "--why", "x")[2]


def test_the_author_is_who_types_it(type_, folder, monkeypatch):
    monkeypatch.setattr(getpass, "getuser", lambda: "grace")
    type_("adjust", "eve", "late", "1", "--why", "asked")
    with Gradebook.open(folder) as book:
        (given,) = book.adjustments("eve")
        assert (given.author, given.item, book.late_days("eve")) == ("grace", "late", 1)

    def nobody():
        raise OSError

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert "give your name with --author" in type_("adjust", "eve", "late", "2", "--why", "asked")[2]


def test_late_tells_who_when_and_what_it_costs(type_, folder):
    code, out, _ = type_("late")
    assert code == 0
    assert "10 % a day, at most 50 %, nothing within 1 h" in out
    ada = cells(out, "ada")
    assert ada[4:7] == ["2", "1.4", "5.6"]
    assert "?" in cells(out, "eve")
    assert "adjust eve late DAYS --why TEXT" in out
    assert not any(line.startswith("doe") for line in out.splitlines())


def test_diff_tells_whose_points_changed_and_why(type_, folder):
    with Gradebook.open(folder) as book:
        book.begin(seed=7, due=DUE, late=Late(per_day=10, grace_hours=1, cap=50))
        book.record(book.student("eve", book.run(1)), report(fc=5.0))
        for student in ("ada", "doe"):
            book.record(book.student(student, book.run(1)), book.report(student, book.run(1)))
    _, out, _ = type_("diff", "1", "2")
    assert cells(out, "eve") == ["eve", "2.1", "1", "5", "fc:", "FAIL", "1/5", "to", "PASS", "5/5"]
    assert "1 item of 1 student changed" in out
    type_("adjust", "eve", "2.1", "0", "--why", "copied", "--author", "Grace")
    assert "PASS 5/5; adjusted to 0 by Grace, which still counts" in type_("diff", "1", "2")[1]
    assert "0 items of 0 students changed" in type_("diff", "2", "2")[1]
    assert cells(type_("--run", "1", "list")[1], "eve")[-6] == "2"
    assert cells(type_("list")[1], "eve")[-6] == "2"
    with Gradebook.open(folder) as book:
        book.begin(seed=7)
        book.record(book.student("ada", book.run(1)), book.report("ada", book.run(1)))
    late = " ".join(cells(type_("diff", "1", "3")[1], "ada"))
    assert late == "ada late 2 0 costs 0 % instead of 20 %; the due date changed"


EXPORTED = {
    "csv": "grades.csv",
    "canvas": "canvas.csv",
    "moodle": "moodle.csv",
    "nbgrader": "nbgrader.csv",
    "jsonl": "grades.jsonl",
    "junit": "junit.xml",
    "gradescope": "gradescope/ada/results.json",
    "github": "github/ada/annotations.txt",
}


@pytest.mark.parametrize("format_", EXPORTED)
def test_every_format_is_written_beside_the_gradebook(type_, folder, format_):
    code, out, err = type_("export", format_)
    assert (code, err) == (0, "")
    assert (folder / "export" / EXPORTED[format_]).stat().st_size > 50
    nobody = "nil, zip" if "/" in EXPORTED[format_] else "doe, nil, zip"  # a file of one's own tells what waits
    assert f"without a grade: {nobody}\n" in out


def test_what_is_exported_is_what_counts(type_, folder, tmp_path):
    type_("adjust", "ada", "2.2", "5", "--why", "right", "--author", "Grace")
    type_("export", "canvas", "--out", str(tmp_path / "c.csv"), "--assignment", "HW (4711)")
    assert (tmp_path / "c.csv").read_text().splitlines()[0].endswith(",HW (4711)")
    assert '"Lovelace, Ada",17,,ada,,8\n' in (tmp_path / "c.csv").read_text()
    assert not (folder / "export").exists()
    code, out, _ = type_("export", "canvas", "--out", str(tmp_path / "c.csv"))
    assert (code, f"the earlier file is {tmp_path / 'c-1.csv'} now" in out) == (0, True)
    assert ",HW (4711)" in (tmp_path / "c-1.csv").read_text()
    type_("export", "gradescope", "--out", str(tmp_path / "g"))
    assert json.loads((tmp_path / "g" / "ada" / "results.json").read_text())["score"] == 8
    assert sorted(path.name for path in (tmp_path / "g").iterdir()) == ["ada", "doe", "eve"]
    type_("export", "junit", "--out", str(tmp_path / "j.xml"))
    assert len(ElementTree.parse(tmp_path / "j.xml").getroot()) == 5


def test_a_student_who_has_no_grade_any_more_has_no_file_of_an_earlier_export(type_, tmp_path):
    type_("export", "gradescope", "--out", str(tmp_path / "g"))
    (tmp_path / "g" / "ada").rename(tmp_path / "g" / "nil")  # who has no grade now
    code, out, _ = type_("export", "gradescope", "--out", str(tmp_path / "g"))
    assert (code, "1 earlier file has another name now" in out) == (0, True)
    assert [path.name for path in (tmp_path / "g" / "nil").iterdir()] == ["results-1.json"]
    assert "earlier" not in type_("export", "gradescope", "--out", str(tmp_path / "g"))[1], "nothing has changed"


@pytest.mark.parametrize("format_", ["csv", "gradescope", "feedback"])
def test_no_export_lies_among_the_submissions(type_, tmp_path, format_):
    words = ["--for", "email", "--from", "a@b.org"] if format_ == "feedback" else []
    code, _, err = type_("export", format_, *words, "--out", str(tmp_path / "in" / "grades"))
    assert (code, "so it would look like a submission; choose a folder outside" in err) == (2, True)
    assert not (tmp_path / "in").exists()


@pytest.mark.parametrize("format_", EXPORTED)
def test_an_export_replaces_its_own_files_and_no_others(type_, tmp_path, format_):
    whole = "/" not in EXPORTED[format_]
    out = tmp_path / "named"
    file = out if whole else out / EXPORTED[format_].partition("/")[2]
    for _ in range(2):
        assert type_("export", format_, "--out", str(out))[0] == 0
    for other in ("a,class,list\n", '{"reports": 1}', '<?xml version="1.0"?>\n<feed/>'):
        file.write_text(other)
        code, said, told = type_("export", format_, "--out", str(out))
        assert (code, said, file.read_text()) == (2, "", other)
        assert (
            told == f"grade.py: {file} holds something else, which would be lost; delete it, or choose another path\n"
        )
    assert not whole or list(tmp_path.glob("named*")) == [out], "nothing was renamed"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["show", "lovelace"], "there is no student lovelace; did you mean ada?"),
        (["adjust", "ada", "9.9", "1", "--why", "x"], "there is no item 9.9; the items are 2.1, 2.2"),
        (["adjust", "ada", "2.1", "six", "--why", "x"], "six is not a number of points; write it as 7.5, or `graded`"),
        (["adjust", "ada", "2.1", "1_0", "--why", "x"], "1_0 is not a number of points; write it as 7.5, or `graded`"),
        (["adjust", "ada", "2.1", "6,5", "--why", "x"], "6.5 points are not possible for item 2.1; give 0 to 5"),
        (["adjust", "ada", "2.1", "6", "--why", "x"], "6 points are not possible for item 2.1; give 0 to 5"),
        (
            ["adjust", "ada", "late", "1e300", "--why", "x"],
            "1e+300 days late is not possible; give a whole number, at most 10000",
        ),
        (["adjust", "ada", "2.1", "nan", "--why", "x"], "give 0 to 5"),
        (["--run", "1", "adjust", "ada", "2.1", "1", "--why", "x"], "applies to every run; leave out --run"),
        (["diff", "1", "9"], "there is no run 9; the runs are 1"),
        (["export", "csv", "--assignment", "x"], "csv does not use an assignment's title"),
        (["export", "csv", "--out", ""], "--out is empty; give it a value, or leave it out"),
        (["export", "csv", "--out", "/nowhere/x.csv"], "cannot write /nowhere/x.csv"),
        (["export", "canvas", "--assignment", "Final Score"], "Canvas ignores a column named"),
        (["--homework", "/nowhere", "export", "csv"], "rubric.yaml"),
    ],
)
def test_a_mistake_is_one_sentence(type_, words, says):
    code, out, err = type_(*words)
    assert (code, out) == (2, "")
    assert err.startswith("grade.py: ")
    assert says in err
    assert err.count("\n") == 1


def test_a_folder_without_a_gradebook_is_told(tmp_path, capsys):
    assert cli.main(["gradebook", str(tmp_path), "list"]) == 2
    assert "contains no gradebook.sqlite; make one with" in capsys.readouterr().err


def test_late_without_a_due_date_says_how_to_give_one(tmp_path, capsys):
    with Gradebook.create(tmp_path) as book:
        book.begin(seed=1)
        book.record(Student("ada", "Ada", path="a"), report())
    assert cli.main(["gradebook", str(tmp_path), "late"]) == 2
    assert "run 1 has no due date; run the batch again with --due" in capsys.readouterr().err


def test_what_is_known_too_little_is_said(folder, type_):
    with Gradebook.open(folder) as book:
        book.adjust("doe", "2.1", 4, why="copied", author="tom")
        run = book.begin(seed=7, due=DUE)
        made_up = Provenance(7, {"cifar10": "CIFAR-10 0a1b (stand-in data)"}, "r", "g", "f", "confined")
        for number in range(12):
            one = report() if number else replace(report(), provenance=made_up)
            book.record(Student(f"s{number:02}", "S", {}, "in/s", "d"), one)
        book.end(run)
    listed = type_("list")[1]
    assert "? s00: graded on stand-in data, because the data set is missing; these points are not final" in listed
    assert (
        "? s00, s01, s02, s03, s04, s05, s06, s07, s08, s09 and 2 more: submission time unknown, so not counted as late"
        in listed
    )
    assert "? doe: adjusted earlier, but nobody in this run has this id; repeat it under the new id" in listed
    assert "s00: graded on stand-in data" in type_("export", "csv")[1]
    type_("adjust", "s01", "late", "0", "--why", "by mail", "--author", "tom")
    assert "s00, s02" in type_("list")[1]


def test_an_adjustment_that_the_rubric_has_changed_under_is_told_and_counts_no_more_than_there_is(folder, type_):
    for words in (["ada", "2.1", "5"], ["ada", "2.2", "4"], ["doe", "2.2", "3"], ["ada", "late", "0"]):
        type_("adjust", *words, "--why", "x", "--author", "Grace")
    whole = report()
    now = replace(whole.tasks[0].items[0], score=3.0, max_score=3.0)
    with Gradebook.open(folder) as book:
        run = book.begin(seed=7)
        for student in ("ada", "doe"):
            one = replace(whole, tasks=(replace(whole.tasks[0], items=(now,)),))
            book.record(Student(student, student, {"ID": "1"}, "in/x", "d", DUE), one)
        assert book.row("ada").report.final == 3
        pages.write_index(book, run, book.register(run))
    told = ("ada: 2.1 was adjusted to more than its maximum, which is 3 now; adjust it again",
            "ada, doe: 2.2 was adjusted, but the rubric no longer has it; adjust another item instead")  # fmt: skip
    for text in (type_("list")[1], type_("export", "csv")[1], (folder / pages.INDEX).read_text(encoding="utf-8")):
        assert all(one in text for one in told)
    assert "Adjusted from 3 to 5 of 3 points, which count as 3, by Grace" in type_("show", "ada")[1]
    for words in (["ada", "2.1", "2"], ["ada", "2.2", "graded"], ["doe", "2.2", "graded"]):
        type_("adjust", *words, "--why", "x", "--author", "Grace")
    assert "was adjusted" not in type_("list")[1]
    with Gradebook.open(folder) as book:
        book.begin(seed=7, settings={"only": ["2.1"]})
        book.record(Student("ada", "Ada", {}, "in/x", "d", DUE), one)
        book.adjust("ada", "2.1", 1, why="x", author="Grace")
    assert "no such item" not in type_("list")[1]


@pytest.mark.parametrize(
    ("digest", "score", "most", "told"),
    [("d", 5.0, 5.0, ""), ("d", 8.0, 8.0, "ada 2.1"), ("d", 2.0, 5.0, "ada 2.1"), ("e", 5.0, 5.0, "ada 2.1, ada late")],
)
def test_an_adjustment_of_another_result_is_told_until_it_is_made_again(folder, type_, digest, score, most, told):
    for words in (["2.1", "3"], ["late", "0"]):
        type_("adjust", "ada", *words, "--why", "x", "--author", "Grace")
    whole = report()
    with Gradebook.open(folder) as book:
        first, *others = book.report("ada").tasks[0].items
        now = replace(first, score=score, max_score=most)
        book.begin(seed=7)
        one = replace(book.report("ada", book.runs()[0]), digest=digest)
        book.record(
            book.student("ada", book.runs()[0]), replace(one, tasks=(replace(whole.tasks[0], items=(now, *others)),))
        )
    why = "adjusted when the work or its points were other ones; look again, and adjust it again"
    assert (f"? {told}: {why}\n" if told else "") in type_("list")[1]
    assert (why in type_("export", "csv")[1]) == bool(told)
    for words in (["2.1", "3"], ["late", "0"]):
        type_("adjust", "ada", *words, "--why", "x", "--author", "Grace")
    assert why not in type_("list")[1]


def test_who_has_several_submissions_is_told_wherever_the_class_is_shown(folder, type_):
    told = "ada: several submissions; the newest counts; see `show STUDENT`"
    for text in (type_("list")[1], type_("export", "csv")[1], (folder / pages.INDEX).read_text(encoding="utf-8")):
        assert told in text


def test_whose_work_is_gone_since_the_last_run_is_told(folder, type_):
    with Gradebook.open(folder) as book:
        before = [one.id for one in book.students() if one.path]
        run = book.begin(seed=7)
        book.record(Student(before[0], "Ada", {}, "in/x", "d", DUE), report())
        book.record(Student(before[1], "Doe", {}), None)
        book.end(run)
    told = (
        f"? {', '.join(before[1:])}: their work was here in run {run.id - 1}, and nothing of it is now; if they did not"
    )
    assert len(before) > 1
    for words in (["list"], ["export", "csv"], ["list", "--match", before[0]], ["list", "--only", "late"]):
        assert told in type_(*words)[1]


def test_a_grade_of_a_persons_that_an_import_would_replace_is_told(folder, type_):
    with Gradebook.open(folder) as book:
        ada = book.student("ada")
        book.record(replace(ada, ids={**ada.ids, "Grade": "9.00"}), report())
    told = "? ada: other grades stand in the worksheet, and Moodle's import replaces them"
    assert [told in type_("export", format_)[1] for format_ in ("moodle", "csv")] == [True, False]


def test_what_is_to_be_typed_can_be_pasted_where_a_folder_has_a_space(folder, tmp_path, capsys):
    spaced = folder.rename(tmp_path / "CS 101")
    cli.main(["gradebook", str(spaced), "list"])
    assert f"python grade.py gradebook '{spaced}' adjust ada 2.2 POINTS" in capsys.readouterr().out
    cli.main(["gradebook", str(tmp_path / "no one"), "list"])
    assert f"--out '{tmp_path / 'no one'}'`" in capsys.readouterr().err


def test_what_a_hurry_leaves_out_or_mistypes_is_told(folder, type_):
    late = [DUE + timedelta(days=days, hours=1) for days in (1, 90)]
    with Gradebook.open(folder) as book:
        first = book.begin(seed=7, due=DUE, settings={"roster": "/class.csv"})
        book.begin(seed=7, due=DUE)
        for id_, at in zip(("ada", "doe", "eve"), [*late, late[1]], strict=True):
            book.record(Student(id_, id_, {}, "in/x", "d", at), report())
        book.adjust("eve", "late", 99, why="x", author="Grace")
    said = type_("list")[1]
    assert (
        f"? run {first.id} had the class list /class.csv, and run {first.id + 1} has none: add --roster to use it"
        in said
    )
    assert (
        f"? doe ({clock(late[1])}): more than 90 days late; if the time is wrong, correct it in the class list" in said
    )


def test_where_a_platform_marks_lateness_who_has_no_mark_was_in_time(folder, type_):
    with Gradebook.open(folder) as book:
        run = book.begin(seed=7, due=DUE)
        for number in range(6):
            book.record(Student(f"s{number}", "S", {}, "in/s", "d", marked_late=number < 2), report())
        book.end(run)
    how = "say how late with `adjust STUDENT late DAYS --why TEXT`"
    told = f"2 marked late, days unknown, no penalty yet: s0, s1; {how}"
    for words in (["list"], ["export", "csv"]):
        out = type_(*words)[1]
        assert f"? {told}" in out
        assert "not known when" not in out
    type_("adjust", "s0", "late", "1", "--why", "by Canvas's log", "--author", "tom")
    assert "1 marked late, days unknown, no penalty yet: s1; say" in type_("export", "csv")[1]


def test_the_class_page_tells_its_run_and_what_list_tells(folder, type_):
    with Gradebook.open(folder) as book:
        run = book.begin(seed=7, due=DUE, settings={"only": ["2"]})
        made_up = Provenance(7, {"cifar10": "CIFAR-10 0a1b (stand-in data)"}, "r", "g", "f", "confined")
        book.record(Student("ada", "Ada", {}, "in/ada", "d", marked_late=True), replace(report(), provenance=made_up))
        pages.write_index(book, run, book.register(run))
    for at_once in (True, False):
        header = (folder / pages.INDEX).read_text(encoding="utf-8").partition("</header>")[0]
        assert "run 2, begun 20" in header
        for told in ("run 2 graded only 2", "ada: graded on stand-in data", "1 marked late, days unknown"):
            assert told in header
        if at_once:
            type_("adjust", "ada", "2.1", "4", "--why", "x", "--author", "Grace")


def test_the_class_page_links_no_report_of_an_earlier_run(folder):
    with Gradebook.open(folder) as book:
        book.begin(seed=7)
        book.record(Student("ada", "Lovelace, Ada", {}, "in/ada.zip", problem="ada.zip is damaged"), None)
        book.record(Student("doe", "Doe, Jane", {}, "in/doe.zip", "d", DUE), report())
        pages.write_index(book, book.run(), book.register())
    page = (folder / pages.INDEX).read_text(encoding="utf-8")
    assert "reports/doe.html" in page
    assert "reports/ada.html" not in page


def test_a_run_that_was_broken_off_is_not_nothing_handed_in(type_, folder):
    with Gradebook.open(folder) as book:
        run = book.begin(seed=7)
        book.enter(run, [Student("ada", "Ada", path="in/ada.zip")])
    _, out, _ = type_("list")
    assert cells(out, "ada")[-2:] == ["not", "graded"]
    assert "✗ ada: the run stopped before it was graded; continue with --resume" in out
    with claim(folder):
        assert "✗ ada: the run has not graded it yet; wait for its end\n" in type_("list")[1]
        _, _, told = type_("adjust", "ada", "2.1", "4", "--why", "x")
        assert told.endswith("ada has no points to adjust: the run has not graded it yet; wait for its end\n")
    assert "✗ ada: the run stopped before it was graded" in type_("list")[1]
    with claim(folder), Gradebook.open(folder) as book:
        book.begin(seed=8)  # it is this one that goes on
        assert "✗ ada: the run stopped before it was graded" in type_("--run", str(run.id), "list")[1]


def test_a_run_of_some_tasks_says_so_and_is_exported_only_when_it_is_asked_for(type_, folder):
    with Gradebook.open(folder) as book:
        part = book.begin(seed=7, settings={"only": ["2.1"]})
        whole = report()
        task = replace(whole.tasks[0], items=whole.tasks[0].items[:1])
        book.record(Student("ada", "Ada", {"ID": "17"}, "in/ada.zip", "d"), replace(whole, tasks=(task,)), part)
    told = "run 2 graded only 2.1; for all tasks, run the batch again without --task"
    assert told in type_("list")[1]
    assert told not in type_("--run", "1", "list")[1]
    code, out, err = type_("export", "canvas")
    assert (code, out, err) == (2, "", f"grade.py: {told}, or export this part with --run 2\n")
    assert told in type_("--run", "2", "export", "canvas")[1]
    assert told in type_("export", "canvas", "--run", "2")[1], "as that sentence may be read"
    assert (folder / "export" / "canvas.csv").read_text().splitlines()[1].endswith(",5")
    assert "no item 2.2 in the last run, which graded only 2.1" in type_("adjust", "ada", "2.2", "5", "--why", "x")[2]


@pytest.mark.parametrize("who", ["ada", "17", "Ada Lovelace", "ADA"])
def test_a_student_is_found_by_name_or_any_id(type_, who):
    assert "Lovelace, Ada (ada), run 1" in type_("show", who)[1]
    assert "ada 2.2: Adjusted" in type_("adjust", who, "2.2", "4", "--why", "x", "--author", "Grace")[1]


@pytest.mark.parametrize(
    ("words", "listed"),
    [
        (("--only", "review"), ["ada", "doe", "eve"]),
        (("--only", "not-handed-in"), ["nil"]),
        (("--only", "not-graded"), ["zip"]),
        (("--only", "late"), ["ada", "eve"]),
        (("--only", "graded"), []),
        (("--below", "4"), ["eve"]),
        (("--match", "lovelace"), ["ada"]),
        (("--match", "18", "--only", "review"), ["doe"]),
    ],
)
def test_list_shows_those_alone_who_are_asked_for(type_, words, listed):
    code, out, _ = type_("list", *words)
    assert code == 0
    lines = out.splitlines()
    assert [
        id_ for id_ in ("ada", "doe", "eve", "nil", "zip") if any(line.startswith(f"{id_} ") for line in lines)
    ] == listed
    assert ("? ada 2.2" in out) == ("ada" in listed)
    assert ("zip.zip is damaged" in out) == ("zip" in listed)


def test_an_export_warns_while_points_wait_for_a_person(type_):
    told = "3 wait for a person, so these points may still change: ada 2.2, doe 2.2, eve 2.2; see `list`"
    assert told in type_("export", "csv")[1]
    for who in ("ada", "doe"):
        type_("adjust", who, "2.2", "4", "--why", "x", "--author", "Grace")
    assert "1 waits for a person, so these points may still change: eve 2.2; see `list`" in type_("export", "canvas")[1]
    type_("adjust", "eve", "2.2", "4", "--why", "x", "--author", "Grace")
    assert "for a person" not in type_("export", "csv")[1]


@pytest.mark.parametrize("columns", ["0", "-1", "", "wide"])
def test_a_width_in_which_nothing_fits_is_none(type_, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    assert cells(type_("list")[1], "ada")[:3] == ["ada", "Lovelace,", "Ada"]
    assert "Score: 5.6 of 10" in type_("show", "ada")[1]


def another_homework(folder, title):
    folder.mkdir()
    (folder / "rubric.yaml").write_text(
        f"title: {title}\nsections: {{numpy: {{modules: {{layers: layers.py}}, submit: [layers.py]}}}}\n"
        "tasks:\n- {id: '2', title: Layers, section: numpy, items: [{id: '2.1', title: FC, points: 5, checks: [a]},"
        " {id: '2.2', title: ReLU, points: 5, checks: [b]}]}\n"
    )
    return folder


def test_an_export_is_of_the_homework_that_the_run_was_of(type_, folder, tmp_path):
    other = another_homework(tmp_path / "other", "Recurrent networks")
    with Gradebook.open(folder) as book:
        book.begin(seed=7, settings={"homework": str(other)})
        book.record(Student("ada", "Ada", {"ID": "17"}, "in/ada.zip", "d", DUE), report(doubt=False))
    for format_ in ("canvas", "nbgrader", "junit"):
        type_("export", format_)
    assert (folder / "export" / "canvas.csv").read_text().splitlines()[0].endswith(",Recurrent networks")
    assert "Recurrent networks" in (folder / "export" / "nbgrader.csv").read_text()
    assert "Recurrent networks" in (folder / "export" / "junit.xml").read_text()
    moved = another_homework(tmp_path / "moved", "Moved")
    type_("--homework", str(moved), "export", "canvas")
    assert (folder / "export" / "canvas.csv").read_text().splitlines()[0].endswith(",Moved")


@pytest.mark.parametrize("format_", EXPORTED)
def test_another_homework_than_the_runs_is_refused(type_, folder, tmp_path, format_):
    other = another_homework(tmp_path / "other", "Recurrent networks")
    path = other / "rubric.yaml"
    path.write_text(path.read_text().replace("2.2", "2.3"))
    code, _, err = type_("--homework", str(other), "export", format_)
    assert code == 2
    assert "item 2.2 was graded, but the rubric has none; name the right one with --homework" in err
    assert not (folder / "export").exists()


def test_the_readme_is_true():
    both = (ROOT / "README.md").read_text(encoding="utf-8").partition("### The gradebook\n")[2]
    both = both.partition("\n### What a submission can do")[0]
    page, _, feedback = both.partition("\n### Feedback goes back\n")
    assert set(re.findall(r"^    python grade\.py gradebook graded (\w+)", page, re.MULTILINE)) == set(command.VERBS)
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == {"export", *command.SHEETS, *command.EACH}
    assert re.findall(r"^\| `(\w+)` \|", feedback, re.MULTILINE) == [*command.PLATFORMS]
    for flag in ("--only", "--below", "--match", "--run", "--author", "--assignment", "--homework", "--pseudonyms"):
        assert flag in page
    for flag in ("--for", "--from", "--again", "--take-back", "--log"):
        assert flag in feedback


def test_a_time_that_is_not_understood_is_said_with_its_text(folder, type_):
    with Gradebook.open(folder) as book:
        book.begin(seed=7, due=DUE)
        told = "Last modified (submission)"
        for id_, ids in {"ada": {told: "03/04/2026 23:05"}, "bo": {"submitted_at": "half past nine"},
                         "cy": {told: "-"}}.items():  # fmt: skip
            book.record(Student(id_, id_, ids, "in/x", "d"), report())
    for words in (("list",), ("export", "csv")):
        out = type_(*words)[1]
        assert (
            "? ada (03/04/2026 23:05), bo (half past nine): cannot read this time, so not late; write it as 2026-"
            in out
        )
        assert "? cy: submission time unknown, so not counted as late" in out
    type_("adjust", "ada", "late", "0", "--why", "by mail", "--author", "tom")
    assert "? bo (half past nine)" in type_("list")[1]


def test_work_that_was_only_a_draft_is_said(folder, type_):
    with Gradebook.open(folder) as book:
        book.begin(seed=7)
        book.record(Student("ada", "Ada", {"Status": "Draft (not submitted)"}, "in/x", "d"), report())
    assert "? ada: graded from a draft that was not submitted; decide whether it counts" in type_("list")[1]


def test_what_is_decided_on_who_handed_in_nothing_is_told(folder, type_):
    with Gradebook.open(folder) as book:
        book.record(Student("zed", "Zed"), None)
    assert (
        "zed late: Adjusted to 2 days late by Eve"
        in type_("adjust", "zed", "late", "2", "--why", "x", "--author", "Eve")[1]
    )
    assert "nobody has released anything, or taken it back" in type_("release", "--log")[1]


def test_points_that_are_no_number_are_refused(folder):
    with pytest.raises(SystemExit, match="2"):
        cli.main(["gradebook", str(folder), "list", "--below", "nan"])


def test_a_gradebooks_own_file_is_no_folder(folder, capsys):
    assert cli.main(["gradebook", str(folder / "gradebook.sqlite"), "list"]) == cli.USAGE
    assert "gradebook.sqlite is a file; name the folder that holds the gradebook.sqlite" in capsys.readouterr().err
