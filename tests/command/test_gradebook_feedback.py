"""gradebook export feedback, release and --pseudonyms, as a TA types them."""

from __future__ import annotations

import email
import io
import json
import re
import zipfile
from dataclasses import replace

import pytest
from gradebooks import report

from grader import cli
from grader.course import pages
from grader.course.database import REPORTS
from grader.course.gradebook import Gradebook
from grader.model import Student
from grader.report import html

pytestmark = pytest.mark.medium

NAMES = {"ada": "Lovelace, Ada", "bob": "Bob Noether", "eve": "Eve"}


@pytest.fixture(autouse=True)
def without_figures(monkeypatch):
    """Pages without figures, which take most of the time."""

    def page(report, remarks, audience):
        return html.render(replace(report, remarks=remarks), audience=audience, figures=False)

    monkeypatch.setattr(pages.job, "page", page)


@pytest.fixture
def folder(tmp_path):
    return gradebook(tmp_path, {})


def gradebook(tmp_path, settings):
    source = tmp_path / "class"
    source.mkdir()
    with Gradebook.create(tmp_path / "out") as book:
        book.begin(seed=7, settings={"folder": str(source), **settings})
        for at, (id_, name) in enumerate(NAMES.items()):
            file = f"{id_}_{101 + at}_{9001 + at}_hw.zip" if id_ != "eve" else "eve.zip"
            (source / file).touch()
            ids = {"Identifier": f"Participant {at}", "Email": f"{id_}@example.org", "Submission ID": f"{at}"}
            given = Student(id_, name, ids if id_ != "eve" else {}, str(source / file), f"d{at}")
            book.record(given, report(fc=float(at)))
        (book.folder / REPORTS).mkdir()
    return tmp_path / "out"


@pytest.fixture
def type_(folder, capsys):
    def typed(*words):
        code = cli.main(["gradebook", str(folder), *words])
        return code, *capsys.readouterr()

    return typed


def members(path):
    with zipfile.ZipFile(path) as archive:
        return sorted(archive.namelist())


@pytest.mark.parametrize(
    ("platform", "files", "missing"),
    [
        ("canvas", ["lovelaceada_101_9001_report.zip", "bobnoether_102_9002_report.zip"], "come from Canvas's own"),
        ("moodle", ["lovelaceada_0_assignfeedback_file_report.html", "bobnoether_1_assignfeedback_file_report.html"],
         "is Moodle's own"),
        ("gradescope", ["results/0.json", "results/1.json", "run_autograder", "setup.sh"], "come from Gradescope's"),
    ],
)  # fmt: skip
def test_a_platform_gets_an_archive_and_who_is_not_known_there_is_named(type_, folder, platform, files, missing):
    code, out, err = type_("export", "feedback", "--for", platform)
    assert (code, err) == (0, "")
    assert members(folder / "export" / f"feedback-{platform}.zip") == sorted(files)
    assert "feedback for 2 of 3 students" in out
    assert re.search(rf"\? eve: left out; .*{missing}", out)


def test_a_page_that_is_exported_is_the_student_s_own(type_, folder):
    type_("export", "feedback", "--for", "moodle")
    with zipfile.ZipFile(folder / "export" / "feedback-moodle.zip") as archive:
        pages_ = {name: archive.read(name).decode() for name in archive.namelist()}
    assert '<p class="score">3 of 10</p>' in pages_["bobnoether_1_assignfeedback_file_report.html"]
    assert '<p class="score">2 of 10</p>' in pages_["lovelaceada_0_assignfeedback_file_report.html"]


def test_a_second_export_to_canvas_reaches_those_alone_whose_feedback_is_new(type_, folder):
    path = folder / "export" / "feedback-canvas.zip"
    type_("export", "feedback", "--for", "canvas")
    first = path.read_bytes()
    _, out, _ = type_("export", "feedback", "--for", "canvas")
    assert "nobody has new feedback that canvas could take; no file was written" in out
    assert path.read_bytes() == first
    type_("adjust", "ada", "2.1", "3", "--why", "right", "--author", "Grace")
    _, out, _ = type_("export", "feedback", "--for", "canvas")
    assert "1 left out, because they have got the same before; --again writes them, too" in out
    assert members(path) == ["lovelaceada_101_9001_report.zip"]
    assert f"the earlier file is {path.with_name('feedback-canvas-1.zip')} now" in out
    assert path.with_name("feedback-canvas-1.zip").read_bytes() == first
    type_("export", "feedback", "--for", "canvas", "--again")
    assert len(members(path)) == 2


@pytest.mark.parametrize("platform", ["canvas", "moodle", "gradescope", "email"])
def test_feedback_replaces_its_own_files_and_no_others(type_, tmp_path, platform):
    path = tmp_path / ("f.mbox" if platform == "email" else "f.zip")
    words = ("export", "feedback", "--for", platform, "--again", "--out", str(path))
    words += ("--from", "cs@example.org") if platform == "email" else ()
    for _ in range(2):
        assert type_(*words)[0] == 0
    with zipfile.ZipFile(path, "w") as work:
        work.writestr(zipfile.ZipInfo("ada/layers.py", (2026, 11, 20, 0, 0, 0)), "def relu_forward(x): ...")
    before = path.read_bytes()
    code, _, told = type_(*words)
    assert (code, path.read_bytes()) == (2, before)
    assert told == f"grade.py: {path} holds something else, which would be lost; delete it, or choose another path\n"


def test_messages_go_into_a_folder_of_their_own_or_a_mailbox(type_, folder, tmp_path):
    sender = ("--from", "Course <cs@example.org>")
    _, out, _ = type_("export", "feedback", "--for", "email", *sender)
    assert sorted(path.name for path in (folder / "export" / "feedback-email").iterdir()) == ["ada.eml", "bob.eml"]
    assert "? eve: left out; no e-mail address is known that mail programs take" in out
    type_("adjust", "bob", "2.1", "3", "--why", "right", "--author", "Grace")
    type_("export", "feedback", "--for", "email", *sender)
    assert [path.name for path in (folder / "export" / "feedback-email-2").iterdir()] == ["bob.eml"]
    box = tmp_path / "class.mbox"
    type_("export", "feedback", "--for", "email", *sender, "--again", "--out", str(box))
    assert box.read_bytes().count(b"\nTo: ") == 2
    code, _, err = type_(
        "export", "feedback", "--for", "email", *sender, "--again", "--out", str(folder / "export" / "feedback-email")
    )
    assert (code, "holds messages of an earlier export" in err) == (2, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["export", "feedback"], "where does the feedback go? add --for canvas, moodle, gradescope, email"),
        (["export", "feedback", "--for", "email"], "messages need a sender"),
        (["export", "feedback", "--for", "email", "--from", "x"], "is not an address"),
        (["export", "feedback", "--for", "moodle", "--from", "a@x.org"], "moodle needs no sender"),
        (["export", "csv", "--for", "moodle"], "are for feedback; type: export feedback --for PLATFORM"),
        (["export", "canvas", "--pseudonyms"], "canvas needs the students' ids; --pseudonyms is for csv and jsonl"),
        (["release"], "run 1 is shown to students at once; write `release: by_hand` into rubric.yaml"),
        (["forget", "zed"], "there is no student zed"),
    ],
)
def test_a_mistake_is_one_sentence(type_, words, says):
    code, out, err = type_(*words)
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("platform", ["canvas", "moodle", "email"])
def test_what_a_check_keeps_to_itself_goes_back_to_nobody(tmp_path, capsys, platform):
    folder = gradebook(tmp_path, {})
    with Gradebook.open(folder) as book:
        whole = report()
        (task,) = whole.tasks
        first, second = task.items
        second = replace(second, checks=tuple(replace(check, visibility="hidden") for check in second.checks))
        book.record(book.student("ada"), replace(whole, tasks=(replace(task, items=(first, second)),)))
    sender = ("--from", "cs@example.org") if platform == "email" else ()
    place = tmp_path / "out.zip"
    cli.main(["gradebook", str(folder), "export", "feedback", "--for", platform, "--out", str(place), *sender])
    told = b"".join(texts(place.read_bytes()) if place.is_file() else parts((place / "ada.eml").read_bytes()))
    assert b"are measured after you hand in" in told
    for secret in (b"Half of it.", b"shape (5, 3)", b"Is this their own?"):
        assert secret not in told


def parts(message):
    """The text of a message, and the page that is attached."""
    return [part.get_payload(decode=True) or b"" for part in email.message_from_bytes(message).walk()]


def texts(archive):
    """Ada's file in an archive, and the page if that is an archive, too."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        for name in opened.namelist():
            if name.startswith(("lovelace", "report")):
                content = opened.read(name)
                yield from texts(content) if name.endswith(".zip") else [content]


# Release


EVERY = ("csv", "canvas", "moodle", "nbgrader", "jsonl", "junit", "gradescope", "github", "feedback")


def test_nothing_of_a_run_is_seen_before_its_release(tmp_path, capsys):
    folder = gradebook(tmp_path, {"release": "by_hand"})

    def type_(*words):
        code = cli.main(["gradebook", str(folder), *words])
        return code, *capsys.readouterr()

    with Gradebook.open(folder) as book:
        run = book.run()
        for audience in pages.AUDIENCES:
            (folder / pages.path_of("ada", audience)).write_text("old")
        pages.redraw(book, "ada", run)
    page, staff = ((folder / pages.path_of("ada", audience)) for audience in ("student", "staff"))
    hidden = page.read_text()
    for secret in ("Half of it.", "shape (5, 3)", "Is this their own?", "layers.py:7"):
        assert secret not in hidden
        assert secret in staff.read_text()
    assert "not released yet" in hidden
    assert "0 of 0 graded; 10 not graded here" in hidden
    for format_ in EVERY:
        code, _, err = type_("export", format_, *(("--for", "moodle") if format_ == "feedback" else ()))
        assert (code, "run 1 is not released, so nothing of it is exported" in err) == (2, True), format_
    assert not list(folder.rglob("export/**/*"))
    _, out, _ = type_("list")
    assert "students see nothing of run 1; show them the rest with `release`" in out
    assert f"see {staff}" in out

    _, out, _ = type_("release", "2.1", "--author", "Grace")
    assert "run 1: released 2.1\nstudents do not see 2.2" in out
    assert "Half of it." not in page.read_text()
    assert "0 of 5 graded; 5 not graded here" in page.read_text()
    for sums in ("canvas", "moodle", "nbgrader"):
        assert f"2.2 is not released, and {sums} takes sums" in type_("export", sums)[2]
    type_("export", "jsonl")
    told = [json.loads(line) for line in (folder / "export" / "grades.jsonl").read_text().splitlines()]
    assert [row["final"] for row in told] == [0, 1, 2]
    assert "Half of it." not in repr(told)

    assert "students see every item" in type_("release", "--author", "Grace")[1]
    assert "Half of it." in page.read_text()
    assert type_("export", "canvas")[0] == 0
    assert "run 1: all of that was released already" in type_("release", "--author", "Grace")[1]
    _, out, _ = type_("release", "2.2", "--take-back", "--author", "Joan")
    assert "what was exported before is with the students still" in out
    assert "Half of it." not in page.read_text()
    assert [line.partition("C: ")[2] for line in type_("release", "--log")[1].splitlines() if "C: " in line] == [
        "2.1 released by Grace", "2.2 released by Grace", "2.2 taken back by Joan"
    ]  # fmt: skip
    assert "there is no item 9 in run 1; the items are 2.1, 2.2" in type_("release", "9")[2]

    with Gradebook.open(folder) as book:  # a run waits for its own release
        run = book.begin(seed=7, settings={"release": "by_hand"})
        book.record(book.student("ada", book.run(1)), report())
    assert "students see nothing of run 2" in type_("list")[1]


def test_what_a_person_said_of_an_item_that_is_held_is_held(tmp_path, capsys):
    folder = gradebook(tmp_path, {"release": "by_hand"})
    with Gradebook.open(folder) as book:
        book.adjust("ada", "2.1", 4, why="a secret reason", author="Grace")
        with book.database.writing() as connection:
            for item, text in (("2.1", "a secret comment"), ("2.2", "another comment")):
                connection.execute(
                    "INSERT INTO remarks VALUES (NULL, 'ada', ?, '', ?, 'Grace', ?, NULL)",
                    (item, text, "2026-11-28T12:00:00+00:00"),
                )
        (folder / pages.path_of("ada", "student")).write_text("old")
        pages.redraw(book, "ada", book.run())
    page = folder / pages.path_of("ada", "student")
    assert "a secret" not in page.read_text()
    assert "another comment" not in page.read_text()
    cli.main(["gradebook", str(folder), "release", "2.2"])
    assert "another comment" in page.read_text()
    assert "a secret" not in page.read_text()
    cli.main(["gradebook", str(folder), "release"])
    assert "a secret reason" in page.read_text()
    assert "a secret comment" in page.read_text()
    cli.main(["gradebook", str(folder), "export", "feedback", "--for", "email", "--from", "cs@example.org"])
    text = (folder / "export" / "feedback-email" / "ada.eml").read_text()
    assert "2.1: a secret comment" in text


# Research


def test_pseudonyms_are_stable_in_a_run_and_name_nobody(type_, folder):
    with Gradebook.open(folder) as book:
        book.adjust("ada", "2.1", 4, why="Ada Lovelace asked; so did bob@example.org, and Max did not", author="Grace")
    code, out, _ = type_("export", "jsonl", "--pseudonyms")
    assert code == 0
    text = (folder / "export" / "pseudonyms-grades.jsonl").read_text()
    told = [json.loads(line) for line in text.splitlines()]
    for secret in (
        "ada",
        "Ada",
        "Lovelace",
        "Noether",
        "bob",
        "eve",
        "example.org",
        "Participant",
        "Grace",
        "shape (5, 3)",
    ):
        assert secret not in text, secret
    (why,) = [given["why"] for row in told for given in row["adjustments"]]
    assert why == "[someone] [someone] asked; so did [someone], and Max did not"
    names = [row["student"] for row in told]
    assert names == sorted(set(names))
    assert all(re.fullmatch(r"P-[A-Z2-7]{12}", name) for name in names)
    assert "the sentences may still tell who wrote the work: read them first" in out
    assert re.search(r"\? P-\w+: their text named someone of the class", out)
    type_("export", "csv", "--pseudonyms")
    table = (folder / "export" / "pseudonyms-grades.csv").read_text(encoding="utf-8-sig")
    assert [line.partition(",")[0] for line in table.splitlines()[1:]] == names
    assert "Lovelace" not in table
    with Gradebook.open(folder) as book:
        ((key,),) = book.database.rows("SELECT key FROM keys")
        assert len(key) == 64
        assert key not in text + table + out
        book.begin(seed=7)
        book.record(book.student("ada", book.run(1)), report())
    type_("export", "jsonl", "--pseudonyms")
    assert json.loads((folder / "export" / "pseudonyms-grades.jsonl").read_text())["student"] not in names
