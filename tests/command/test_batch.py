"""`grade.py batch`: what may be typed, what is told, and what a run that goes on takes over."""

from __future__ import annotations

import io
import re
import shutil
import sys
import zipfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from classes import CLASS, Workers, class_of, graded

from grader import cli
from grader.command import batch as command
from grader.course.batch import Progress
from grader.course.class_folder import LAYOUTS
from grader.course.gradebook import Gradebook
from grader.course.job import Done, Job
from grader.errors import UsageError
from grader.loading import ROOT
from grader.model import Late, Verdict
from grader.report import progress
from grader.report.wording import clock


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere", "--out", "out"], "cannot read nowhere"),
        (["in", "--out", "out", "--jobs", "0"], "--jobs is 0; it must be at least 1"),
        (["in", "--out", "out", "--jobs", "1000000"], "--jobs is 1000000; this machine has .* so it must be at most"),
        (["in", "--out", "out", "--task", "77"], "no task 77"),
        (["in", "--out", "out", "--due", "tomorrow"], "--due tomorrow is not a time"),
        (["in", "--out", "file"], "cannot create"),
        (["in", "--out", "in/graded"], r"in.graded is inside in, so it would look like a submission; choose a folder"),
        (["in", "--out", "in"], "is inside in"),
        (["in", "--out", "out", "--data-root", "nowhere"], "--data-root nowhere is not a folder"),
        (["in", "--out", "out", "--due", ""], "--due  is not a time"),
        (["in", "--out", "out", "--due", "9999-12-31"], "--due 9999-12-31 is not a time"),
        (["in", "--out", "out", "--roster", "no.csv"], "no.csv cannot be read"),
        (["in", "--out", "site"], r"site.index\.html holds something else, which would be lost; delete it, or choose"),
    ],
)
def test_usage_is_a_sentence(tmp_path, monkeypatch, arguments, says):
    class_of(tmp_path / "in", "right-tabs")
    (tmp_path / "file").touch()
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("<!doctype html><title>The course</title>")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=says):
        command.run(command.parser().parse_args(arguments))
    assert not Path("out").exists()
    assert [path.name for path in Path("site").iterdir()] == ["index.html"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--again", "nobody"), "--again names nobody"),
        (("--extensions", "nowhere.csv", "--due", "2026-11-20"), "nowhere.csv"),
        (("--extensions", "days.csv"), "counts from the due date; give the due date with --due"),
    ],
    ids=lambda words: words[1] if isinstance(words, tuple) else "",
)
def test_a_mistake_in_the_command_begins_no_run(tmp_path, capsys, monkeypatch, words, says):
    folder = class_of(tmp_path / "in", "right-tabs")
    (tmp_path / "days.csv").write_text("student,days\nright-tabs,2\n")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["batch", str(folder), "--out", "out", *words]) == 2
    assert says in capsys.readouterr().err
    assert not Path("out").exists()


def test_resume_of_nothing_leaves_nothing(tmp_path):
    folder, out = class_of(tmp_path / "in", "right-tabs"), tmp_path / "out"
    with pytest.raises(UsageError, match=r"out contains no gradebook\.sqlite; make one with"):
        command.run(command.parser().parse_args([str(folder), "--out", str(out), "--resume"]))
    assert not out.exists()


def test_an_archive_with_the_work_of_several_gives_nobody_a_zero(tmp_path, monkeypatch, scripted):
    class_of(tmp_path / "in", "right-tabs", "wrong-nan", "right-loops")
    with zipfile.ZipFile(tmp_path / "in" / "section 2.zip", "w") as archive:
        for at, name in enumerate(("wrong-nan", "Bo Ek")):
            archive.writestr(f"late/{name}/layers.py", f"LAYERS = {at}")
        archive.writestr("7.rar", b"Rar!")
        archive.writestr("onkay_101_9001_layers.py", "LAYERS = 2")
        archive.writestr("layers (8).py", "LAYERS = 3")
    shutil.rmtree(tmp_path / "in" / "wrong-nan")
    (tmp_path / "class.csv").write_text(
        "id,name\nright-tabs,Ada\nright-loops,Cy\nwrong-nan,Di\nb77,Bo Ek\n7,Ed\ngil,Flo\nko,Kay On\n8,Hal\n"
    )
    pools: list[tuple[object, ...]] = []
    monkeypatch.setattr(command, "Pool", lambda *given: pools.append(given) or Workers())
    scripted(lambda job, time: graded(job))
    words = [str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--roster", str(tmp_path / "class.csv")]
    assert command.run(command.parser().parse_args([*words, "--no-html", "--task", "2"])) == 0
    with Gradebook.open(tmp_path / "out") as book:
        told = {one.id: one.problem for one in book.students()}
    place = "{} in the work of section-2 may be this student's; if it is, put it beside the other submissions"
    assert {id_: why for id_, why in told.items() if why} == {
        "wrong-nan": place.format("late/wrong-nan"), "b77": place.format("late/Bo Ek"), "7": place.format("7.rar"),
        "ko": place.format("onkay_101_9001_layers.py"),
    }  # fmt: skip
    assert told.keys() >= {"right-tabs", "gil", "8", "section-2"}
    assert [folder for _, _, folder in pools] == [ROOT / "grader" / "homework"]  # its processes find it loaded


def test_resume_goes_on_with_the_last_run_as_it_was_started(tmp_path, monkeypatch, scripted):
    class_of(tmp_path / "in", *CLASS[:3])
    monkeypatch.setattr(command, "Pool", lambda *given: Workers())
    base = [str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--no-html"]

    def type_(*more: str) -> int:
        return command.run(command.parser().parse_args([*base, *more]))

    def act(job: Job, time: int) -> Done:
        if job.student == "wrong-nan":
            raise KeyboardInterrupt
        return graded(job, seed=7)

    scripted(act)
    assert type_("--task", "2", "--seed", "7", "--due", "2026-11-20T23:59+00:00") == 130
    jobs = scripted(lambda job, time: graded(job, seed=7))
    for more in (("--task", "1"), ("--seed", "0"), ("--full",), ("--due", "2026-11-21"), ("--audience", "staff")):
        with pytest.raises(UsageError, match=f"--resume continues run 1 with its own options; leave out {more[0]}"):
            type_("--resume", *more)
    assert type_("--resume", "--task", "2", "--due", "2026-11-21T00:59+01:00") == 0
    assert [job.student for job in jobs] == ["wrong-nan"]
    with Gradebook.open(tmp_path / "out") as book:
        (only,) = book.runs()
        assert only.due is not None
        assert only.ended is not None
        assert book.graded() == set(CLASS[:3])
        assert [task.id for task in book.report("wrong-nan").tasks] == ["2"]
    with pytest.raises(UsageError, match="run 1 is finished"):
        type_("--resume")
    assert type_("--task", "2") == 0
    with Gradebook.open(tmp_path / "out") as book:
        assert [each.seed for each in book.runs()] == [7, 7]


def test_resume_takes_the_class_list_and_all_else_from_the_run(tmp_path, monkeypatch, scripted):
    folder, out, roster = class_of(tmp_path / "in", *CLASS[:2]), tmp_path / "out", tmp_path / "class.csv"
    roster.write_text("Student,ID\n" + "".join(f'"{name}",{at}\n' for at, name in enumerate(CLASS[:2])))
    monkeypatch.setattr(command, "Pool", lambda *given: Workers())
    monkeypatch.chdir(tmp_path)

    def type_(*words: str) -> int:
        return command.run(command.parser().parse_args([*words, "--out", "out"]))

    def act(job: Job, time: int) -> Done:
        if job.student == CLASS[1]:
            raise KeyboardInterrupt
        return graded(job)

    jobs = scripted(act)
    more = ("--roster", "class.csv", "--audience", "staff", "--fresh", "--layout", "plain", "--allow-unsafe")
    assert type_("in", "--seed", "5", *more) == 130
    jobs = scripted(lambda job, time: graded(job))
    class_of(tmp_path / "other", *CLASS[:2])
    told = f"run 1 graded the class in {re.escape(str(folder))}; name that folder, or leave out --resume"
    with pytest.raises(UsageError, match=told):
        type_("other", "--resume")
    with pytest.raises(UsageError, match="leave out --layout"):
        type_("in", "--resume", "--layout", "canvas")
    roster.rename(tmp_path / "moved.csv")
    with pytest.raises(UsageError, match=r"run 1 used .*class\.csv, which is gone; put it back, or leave out --resume"):
        type_("in", "--resume")
    (tmp_path / "moved.csv").rename(roster)
    monkeypatch.chdir(tmp_path / "in")
    assert command.run(command.parser().parse_args([".", "--out", "../out", "--resume"])) == 0
    assert [job.student for job in jobs] == [CLASS[1]]
    with Gradebook.open(out) as book:
        assert [book.student(name).ids["ID"] for name in CLASS[:2]] == ["0", "1"]
        assert book.run().settings["roster"] == str(roster)
    assert (out / "reports" / f"{CLASS[1]}.staff.html").is_file()
    assert (out / "index.html").is_file()


def test_a_run_of_before_what_it_was_asked_for_was_kept_is_gone_on_with(tmp_path, monkeypatch, scripted):
    folder = class_of(tmp_path / "in", "right-tabs")
    monkeypatch.setattr(command, "Pool", lambda *given: Workers())
    with Gradebook.create(tmp_path / "out") as book:
        book.begin(seed=5, settings={"only": ["2"], "full": False, "unverified": False})
    scripted(lambda job, time: graded(job))
    arguments = [str(folder), "--out", str(tmp_path / "out"), "--resume", "--no-html"]
    assert command.run(command.parser().parse_args(arguments)) == 0


def test_the_due_date_is_kept_as_the_seed_is_and_told(tmp_path, monkeypatch, scripted, capsys):
    folder = class_of(tmp_path / "in", "right-tabs")
    monkeypatch.setattr(command, "Pool", lambda *given: Workers())
    scripted(lambda job, time: graded(job))

    def type_(*more: str) -> str:
        arguments = [str(folder), "--out", str(tmp_path / "out"), "--no-html", "--task", "2", "--seed", "5", *more]
        assert command.run(command.parser().parse_args(arguments)) == 0
        return capsys.readouterr().out

    assert "due 20" not in type_()
    first = clock(datetime.fromisoformat("2026-11-20T12:00+00:00"))
    assert f"due {first}\n" in type_("--due", "2026-11-20T12:00+00:00")
    assert f"due {first}, as in run 2\n" in type_()
    assert f"due {clock(datetime.fromisoformat('2026-11-21T12:00+00:00'))}\n" in type_(
        "--due", "2026-11-21T12:00+00:00"
    )
    with Gradebook.open(tmp_path / "out") as book:
        assert [run.due and run.due.day for run in book.runs()] == [None, 20, 20, 21]


def test_a_fault_is_exit_code_3_and_what_cannot_be_read_is_listed(tmp_path, monkeypatch, scripted, capsys):
    folder = class_of(tmp_path / "in", *CLASS[:2])
    (folder / "bad.zip").write_bytes(b"PK\3\4")
    monkeypatch.setattr(command, "Pool", lambda *given: Workers())
    scripted(lambda job, time: graded(job, Verdict.INTERNAL))
    arguments = [str(folder), "--out", str(tmp_path / "out"), "--no-html", "--task", "2"]
    assert command.run(command.parser().parse_args(arguments)) == 3
    said = capsys.readouterr().out
    assert re.search(r"2 graded(?: at \S+ a second)?, 0 unchanged, 1 with a problem", " ".join(said.split()))
    assert "✗ bad: " in said
    assert "? wrong-nan: a fault of the grader" in said


def test_what_a_person_should_know_is_said_before_and_after(tmp_path, monkeypatch, scripted, capsys):
    folder = class_of(tmp_path / "in", "right-tabs", "wrong-nan")
    roster = tmp_path / "roster.csv"
    roster.write_text("name,email\nright-tabs,r@x\n")
    (tmp_path / "data").mkdir()
    (folder / "..evil").mkdir()
    monkeypatch.setattr(command, "Pool", lambda *given: Workers())
    scripted(lambda job, time: graded(job))
    arguments = [str(folder), "--out", str(tmp_path / "out"), "--no-html", "--roster", str(roster),
                 "--due", "2026-11-20", "--data-root", str(tmp_path / "data"), "--task", "2", "--task",
                 "4"]  # fmt: skip
    assert command.run(command.parser().parse_args(arguments)) == 0
    said = capsys.readouterr()
    assert "grade.py: notice: task 4 on stand-in data, because the data set is missing" in said.err
    assert "? wrong-nan: not in the class list, or not clearly; name their work exactly like an id in the" in said.out
    assert "? ..evil: skipped, because the name begins with a dot; rename it if" in said.out
    assert "? right-tabs, wrong-nan: submission time unknown, so not counted as late" in said.out
    with Gradebook.open(tmp_path / "out") as book:
        assert book.run().due == datetime(2026, 11, 20, 23, 59, 59).astimezone()
    assert cli.main(["gradebook", str(tmp_path / "out"), "list"]) == 0
    assert "? wrong-nan: not in the class list, or not clearly" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("Identifier,Full name,Last modified (grade)", False),
        ("ID,Vollständiger Name,Zuletzt geändert (Bewertung)", True),
    ],
)
def test_a_class_of_moodles_with_another_list_is_told_so(tmp_path, monkeypatch, scripted, capsys, header, told):
    class_of(tmp_path / "in", "right-tabs")
    (tmp_path / "in" / "right-tabs").rename(tmp_path / "in" / "Ada_42_assignsubmission_file_")
    (tmp_path / "sheet.csv").write_text(f"{header}\nParticipant 42,Ada,-\n", encoding="utf-8")
    monkeypatch.setattr(command, "Pool", lambda *given: Workers())
    scripted(lambda job, time: graded(job))
    words = [str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--no-html", "--roster", str(tmp_path / "sheet.csv")]
    assert command.run(command.parser().parse_args(words)) == 0
    said = capsys.readouterr().out
    says = "? the class list is not Moodle's grading worksheet; to export to Moodle, download Moodle's"
    assert (says in said) == told


def test_a_lone_folder_that_may_be_the_class_is_told(tmp_path, monkeypatch, scripted, capsys):
    class_of(tmp_path / "in" / "hw1", "right-tabs", "wrong-nan")
    monkeypatch.setattr(command, "Pool", lambda *given: Workers())
    scripted(lambda job, time: graded(job))
    words = [str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--no-html"]
    assert command.run(command.parser().parse_args(words)) == 0
    told = f"? {tmp_path / 'in' / 'hw1'} was graded as one student's work; if it contains the class, name that folder"
    assert told in capsys.readouterr().out


@pytest.mark.parametrize(("listed", "told"), [(None, True), ("ada", False), ("grace", True)])
def test_a_lone_archive_that_may_be_the_class_is_told(tmp_path, monkeypatch, scripted, capsys, listed, told):
    class_of(tmp_path / "work", "right-tabs")
    shutil.make_archive(str(tmp_path / "in" / "ada"), "zip", tmp_path / "work" / "right-tabs")
    monkeypatch.setattr(command, "Pool", lambda *given: Workers())
    scripted(lambda job, time: graded(job))
    words = [str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--no-html"]
    if listed:
        (tmp_path / "list.csv").write_text(f"username\n{listed}\n")
        words += ["--roster", str(tmp_path / "list.csv")]
    assert command.run(command.parser().parse_args(words)) == 0
    assert (
        "ada.zip was graded as one student's work; if it contains the class, unpack it" in capsys.readouterr().out
    ) is told


def test_a_task_of_which_nothing_is_trained_needs_no_data(tmp_path, monkeypatch, scripted, capsys):
    folder = class_of(tmp_path / "in", "right-tabs")
    (tmp_path / "data").mkdir()
    monkeypatch.setattr(command, "Pool", lambda *given: Workers())
    scripted(lambda job, time: graded(job))
    arguments = [str(folder), "--out", str(tmp_path / "out"), "--no-html", "--data-root", str(tmp_path / "data")]
    assert command.run(command.parser().parse_args([*arguments, "--task", "4.1"])) == 0
    assert "stand-in" not in capsys.readouterr().err


LISTED = """\
name,username,group,submitted_at
right-tabs,right-tabs,Team A,2026-11-22T12:00
right-loops,right-loops,Team A,2026-11-22T12:00
wrong-nan,wrong-nan,Team B,2026-11-22T12:00
Bo Ek,bo,Team B,
"""


def test_extensions_count_before_the_due_date_and_for_later_runs(tmp_path, monkeypatch, scripted, capsys):
    folder, out = class_of(tmp_path / "in", "right-tabs", "right-loops", "wrong-nan"), tmp_path / "out"
    monkeypatch.setattr(command, "Pool", lambda *given: Workers())
    scripted(lambda job, time: graded(job))
    (tmp_path / "class.csv").write_text(LISTED)
    given = tmp_path / "more.csv"
    given.write_text("student,group,due,days\nright-tabs,,2026-11-22,\n,Team A,,1\nbo,,2026-12-01,\nZed,,,3\n")
    base = [str(folder), "--out", str(out), "--no-html", "--roster", str(tmp_path / "class.csv")]
    for more in (["--due", "2026-11-20", "--extensions", str(given)], []):
        assert command.run(command.parser().parse_args([*base, *more])) == 0
        assert f"? Zed: {given} names them, but the class has no clear match" in capsys.readouterr().out
        with Gradebook.open(out) as book:
            late = {row.student.id: row.report.remarks.late_days for row in book.register() if row.report}
            assert late == {"right-tabs": 0, "right-loops": 1, "wrong-nan": 2}
            assert clock(book.row("bo").due) == clock(datetime(2026, 12, 1, 23, 59, 59))
            assert "by an extension" in shown(capsys, out, "show", "bo")
    given.unlink()
    with pytest.raises(UsageError, match=r"more\.csv cannot be read .*; name the extensions with --extensions"):
        command.run(command.parser().parse_args(base))


def shown(capsys, out, *words: str) -> str:
    assert cli.main(["gradebook", str(out), *words]) == 0
    return capsys.readouterr().out


def test_times_without_a_zone_are_in_the_courses(tmp_path, monkeypatch, scripted, capsys):
    folder, out = class_of(tmp_path / "in", "right-tabs", "right-loops"), tmp_path / "out"
    monkeypatch.setattr(command, "Pool", lambda *given: Workers())
    scripted(lambda job, time: graded(job))
    homework = command.homework_at(None)
    course = replace(homework, rubric=replace(homework.rubric, late=Late(10, timezone="America/New_York")))
    monkeypatch.setattr(command, "homework_at", lambda folder: course)
    times = {"right-tabs": "2026-11-01T19:45", "right-loops": "2026-11-01"}
    (tmp_path / "class.csv").write_text("username,submitted_at\n" + "".join(f"{k},{v}\n" for k, v in times.items()))
    more = ["--roster", str(tmp_path / "class.csv"), "--due", "2026-10-31T20:00"]
    assert command.run(command.parser().parse_args([str(folder), "--out", str(out), "--no-html", *more])) == 0
    assert "due 2026-10-31 20:00 EDT" in capsys.readouterr().out
    with Gradebook.open(out) as book:
        late = {row.student.id: row.report.remarks.late_days for row in book.register()}
    assert late == {"right-tabs": 1, "right-loops": 2}
    assert "2026-11-01 19:45 EST" in shown(capsys, out, "late")


def test_a_run_that_a_person_releases_has_pages_for_staff(tmp_path, monkeypatch, scripted, capsys):
    class_of(tmp_path / "in", "right-tabs")
    monkeypatch.setattr(command, "Pool", lambda *given: Workers())
    homework = command.homework_at(None)
    held = replace(homework, rubric=replace(homework.rubric, release="by_hand"))
    monkeypatch.setattr(command, "homework_at", lambda folder: held)
    scripted(lambda job, time: graded(job))
    command.run(command.parser().parse_args([str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--seed", "5"]))
    assert "students see nothing of run 1; show them the rest with `release`" in capsys.readouterr().out
    student, staff = (tmp_path / "out" / "reports" / f"right-tabs{kind}.html" for kind in ("", ".staff"))
    assert "0 of 0 graded" in student.read_text(encoding="utf-8")
    assert "0 of 0 graded" not in staff.read_text(encoding="utf-8")
    assert 'href="reports/right-tabs.staff.html"' in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert cli.main(["gradebook", str(tmp_path / "out"), "release", "--author", "Grace"]) == 0
    assert "0 of 0 graded" not in student.read_text(encoding="utf-8")


def test_a_renamed_student_keeps_adjustments_and_has_one_page(tmp_path, monkeypatch, scripted, capsys):
    made, folder, out = class_of(tmp_path / "made", "right-tabs"), tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    monkeypatch.setattr(command, "Pool", lambda *given: Workers())
    scripted(lambda job, time: graded(job))
    head = 'Student,ID,SIS User ID,SIS Login ID,Section\n    Points Possible,,,,\n"Ek, Bo",102,u2,bo,A\n'
    for name, file, page in (("Smith, Jane", "", "jane"), ("Smith, Jane", "smithjane_101_1_hw", "smithjane-101"),
                             ("Doe, Jane", "doejane_101_1_hw", "doejane-101")):  # fmt: skip
        shutil.rmtree(folder)
        for zipped in filter(None, ("ekbo_102_2_hw", file)):
            shutil.make_archive(str(folder / zipped), "zip", made / "right-tabs")
        (tmp_path / "class.csv").write_text(f'{head}"{name}",101,u1,jane,A\n')
        arguments = [str(folder), "--out", str(out), "--roster", str(tmp_path / "class.csv"), "--layout", "canvas"]
        assert command.run(command.parser().parse_args(arguments)) == 0
        assert "adjusted before" not in capsys.readouterr().out
        if not file:
            shown(capsys, out, "adjust", "jane", "late", "2", "--why", "told by mail", "--author", "Grace")
        pages = {path.stem for path in (out / "reports").iterdir()}
        assert pages == ({"ekbo-102", page} if file else {"ekbo-102"})
        with Gradebook.open(out) as book:
            assert book.late_days(page) == 2


def test_where_each_file_lies_is_kept_for_annotations(tmp_path, monkeypatch, scripted):
    class_of(tmp_path / "flat", "right-tabs")
    (tmp_path / "in" / "hw1-ada" / ".git").mkdir(parents=True)
    (tmp_path / "in" / "hw1-bo" / ".git").mkdir(parents=True)
    for name in ("hw1-ada", "hw1-bo"):
        shutil.copytree(tmp_path / "flat" / "right-tabs", tmp_path / "in" / name / "src" / "mine")
    monkeypatch.setattr(command, "Pool", lambda *given: Workers())
    scripted(lambda job, time: graded(job))
    arguments = [str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--no-html"]
    assert command.run(command.parser().parse_args(arguments)) == 0
    with Gradebook.open(tmp_path / "out") as book:
        assert book.student("ada").origin["layers.py"] == "src/mine/layers.py"


def test_a_console_without_unicode_gets_plain_marks(tmp_path, monkeypatch, scripted):
    folder = class_of(tmp_path / "in", "right-tabs")
    (folder / "bad.zip").write_bytes(b"PK\3\4")
    monkeypatch.setattr(command, "Pool", lambda *given: Workers())
    scripted(lambda job, time: graded(job))
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert command.run(command.parser().parse_args([str(folder), "--out", str(tmp_path / "out"), "--no-html"])) == 0
    sys.stdout.flush()
    assert b"x bad: " in raw.getvalue()


def test_progress_is_told_in_lines_without_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(progress, "PAUSE", 0.0)
    now = Progress(10, kept=2, graded=4, failed=1, running=[("ada", 75.4), ("bob", 1.0)], seconds=8.0)
    with progress.live(command.told, command.view) as show:
        show(now)
    line = capsys.readouterr().err
    assert line == "7 of 10; 1 with a problem; 2 running; about 0:06 left; slowest ada, 1:15\n"
    assert "\x1b" not in line


class Screen(io.StringIO):
    """Takes itself for a terminal."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_what_is_said_at_the_end_stays_there(tmp_path, monkeypatch, scripted):
    folder = class_of(tmp_path / "in", "right-tabs")
    monkeypatch.setattr(command, "Pool", lambda *given: Workers())
    monkeypatch.setenv("TERM", "xterm")
    scripted(lambda job, time: graded(job))
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "stderr", screen)
    assert command.run(command.parser().parse_args([str(folder), "--out", str(tmp_path / "out")])) == 0
    live, begins, end = screen.getvalue().partition("run 1: 1 graded")
    assert re.search(ERASED, live)
    assert begins
    assert f"the class: {tmp_path / 'out' / 'index.html'}" in end
    assert not re.search(ERASED, end)


ERASED = r"\x1b\[\d*[AKJ]"  # up a line, or a line erased


def test_a_cluster_without_workers_is_told():
    assert command.told(Progress(10, idle=True)) == "0 of 10; no workers yet"


def test_the_readme_is_true():
    shown = {action.option_strings[-1] for action in command.parser()._actions if action.option_strings} - {"--help"}
    page = (ROOT / "README.md").read_text(encoding="utf-8").partition("### A whole class\n")[2].partition("\n##")[0]
    assert set(re.findall(r"^\| `(--[a-z-]+)", page, re.MULTILINE)) == shown
    for name in LAYOUTS:
        assert f"`{name}`" in page
