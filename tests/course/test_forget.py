"""A student who was forgotten: no byte of a name or of work is left in the folder, whatever was killed in between."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import reviewing
from gradebooks import report

from grader import cli
from grader.course import forget, pages, takes
from grader.course.database import FILE, REPORTS, Database
from grader.course.gradebook import Gradebook
from grader.errors import UsageError
from grader.files import half
from grader.model import Student
from grader.report import html
from grader.report import json as report_json

pytestmark = pytest.mark.medium

WORK = "quokka_layer_secret"  # what only this student's code printed
NAMES = ("Lovelace", "Zo\u00eb", "zl1815", "zoe@example.org", "88123456", WORK)


@pytest.fixture(autouse=True)
def without_figures(monkeypatch):
    """Pages without figures, which take most of the time."""

    def page(report, remarks, audience):
        return html.render(replace(report, remarks=remarks), audience=audience, figures=False)

    monkeypatch.setattr(pages.job, "page", page)


def filled(tmp_path: Path) -> Path:
    """A class with all that may tell of Zoë: two runs under two ids, decisions, pages, exports, texts about others."""
    zoe = {"Email": "zoe@example.org", "SIS User ID": "88123456"}
    ours = report()
    own = printing(ours, WORK)
    with Gradebook.create(tmp_path / "out") as book:
        book.begin(seed=7, settings={"folder": "/course/class"})
        book.record(Student("zoe", "Lovelace, Zo\u00eb", zoe, "class/zoe_work.zip", "dz"), own, results={"kz": of(own)})
        book.record(
            Student("bob", "Bob", {"Email": "bob@example.org"}, "class/bob.zip", "db"), ours, results={"kb": of(ours)}
        )
        book.begin(seed=7, settings={"folder": "/course/class"})
        others = ("zoe_work (1).zip",)
        problem = "Zo\u00eb Lovelace may belong to this student or to another one; see zoe@example.org"
        book.record(Student("zl1815", "Lovelace, Zo\u00eb", zoe, "class/zl1815.zip", "dz", others=others), own)
        book.record(
            Student("bob", "Bob", {"Email": "bob@example.org"}, "class/bob.zip", "db"), printing(ours, "asks zl1815")
        )
        book.record(Student("cem", "Cem", problem=problem), None)
        book.adjust("zl1815", "2.1", 4, why="Zo\u00eb explained it", author="Grace")
        book.adjust("bob", "2.1", 4, why="as for Zo\u00eb Lovelace (zl1815)", author="Grace")
        takes.see(book.database, "zl1815", ["zoe_work/layers.py"])
        (book.folder / REPORTS).mkdir()
        for student in ("zl1815", "bob", "zoe"):
            for audience in pages.AUDIENCES:
                (book.folder / pages.path_of(student, audience)).write_text(f"old page of Lovelace {WORK}")
        half(book.folder / pages.path_of("zl1815", "student")).write_text(WORK)
        pages.write_index(book, book.run(), book.register(book.run()))
        with book.database.writing() as connection:  # as the platforms' exports and later tables have it
            connection.execute("INSERT INTO returned VALUES ('canvas', 'zl1815', 'x', 'now')")
            for statement in (
                "INSERT INTO requests VALUES (1, 'zl1815', '2.1', 'Zo\u00eb asks', 'Grace', ?)",
                "INSERT INTO answers VALUES (1, 1, 1, NULL, 3, 'Lovelace is right', 'Grace', ?)",
                "INSERT INTO extensions VALUES (1, 'ZOE@example.org', '', NULL, 3, 'Grace', ?, 'ill')",
            ):
                connection.execute(statement, ("2026-11-28T12:00:00+00:00",))
            connection.execute("CREATE TABLE comments (id INTEGER PRIMARY KEY, student TEXT, text TEXT)")
            connection.execute(
                "INSERT INTO comments (student, text) VALUES ('bob', 'compare zl1815'), ('zl1815', 'Zo\u00eb')"
            )
            for text in ("[" * 5000 + " zl1815", "[" * 700 + '"zl1815"' + "]" * 700):  # no JSON; a deep one
                connection.execute("INSERT INTO comments (student, text) VALUES ('bob', ?)", (text,))
        (book.folder / "export").mkdir()
        (book.folder / "export" / "grades.csv").write_text("zl1815")
        with zipfile.ZipFile(book.folder / "export" / "feedback-moodle.zip", "w") as archive:
            archive.writestr("zoe", WORK)
    return tmp_path / "out"


def printing(whole, text):
    tasks = tuple(
        replace(task, items=tuple(
            replace(item, checks=tuple(replace(check, output=f"{text}\n" * 300) for check in item.checks))
            for item in task.items))
        for task in whole.tasks
    )  # fmt: skip
    return replace(whole, tasks=tasks)


def of(whole):
    return ("2", {"task": report_json.task(whole.tasks[0]), "isolation": "", "versions": {}, "notes": []})


def left(folder: Path) -> set[tuple[str, str]]:
    """Where something of the student is, as bytes of any file."""
    found = set()
    for path in folder.rglob("*"):
        content = (path.read_bytes() if path.is_file() else b"") + path.name.encode()
        for name in NAMES:
            spelled = {name.encode(), json.dumps(name)[1:-1].encode()}
            found |= {(path.name, name) for form in spelled if form in content}
    return found


def type_(folder: Path, *words: str) -> int:
    return cli.main(["gradebook", str(folder), *words])


def test_no_byte_is_left_of_a_name_or_of_work(tmp_path, capsys):
    folder = filled(tmp_path)
    assert {name for _, name in left(folder)} == set(NAMES)
    assert {FILE, "index.html", "zl1815.html", "grades.csv"} <= {path for path, _ in left(folder)}
    assert type_(folder, "forget", "zl1815") == 0
    out = capsys.readouterr().out
    assert "zl1815, zoe: forgotten" in out
    assert "delete the student from /course/class as well" in out
    assert left(folder) == set()
    assert sorted(path.name for path in folder.iterdir()) == [FILE, "index.html", "reports", "running.lock"]
    assert sorted(path.name for path in (folder / "reports").iterdir()) == ["bob.html", "bob.staff.html"]
    with Gradebook.open(folder) as book:
        assert [one.id for one in book.students()] == ["bob", "cem"]
        assert book.row("bob").report.final == 6
        assert book.in_force("bob")["2.1"].why == "as for (forgotten) ((forgotten))"
        assert book.student("cem").problem.startswith("(forgotten) may belong to this student")
        assert book.report("bob").checks[0].output.startswith("asks (forgotten)")
        assert book.result("kb") is not None
        assert book.result("kz") is None
        told, *nested = (text for _, text in book.database.rows("SELECT student, text FROM comments"))
        assert told == "compare (forgotten)"
        assert [text.lstrip("[")[:13] for text in nested] == [" (forgotten)", '"(forgotten)"']
        for table in ("requests", "answers", "extensions"):
            assert book.database.rows(f"SELECT * FROM {table}") == []
        assert book.database.rows("PRAGMA integrity_check") == [("ok",)]
    assert type_(folder, "forget", "zl1815") == 2
    assert "there is no student zl1815" in capsys.readouterr().err


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill."""


STEPS = ("delete_rows", "delete_halves", "draw_again", "scrub", "files")


@pytest.mark.parametrize("step", [*STEPS, "remove"])
@pytest.mark.parametrize("after", [False, True])
def test_what_was_killed_is_finished_by_the_same_command(tmp_path, capsys, monkeypatch, step, after):
    folder, real = filled(tmp_path), getattr(forget, step)

    def killed(*arguments):
        if after:
            real(*arguments)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(forget, step, killed)
        with pytest.raises(Killed):
            type_(folder, "forget", "zl1815")
    assert left(folder)
    assert type_(folder, "list") == 0
    assert "`forget` was interrupted; type it again" in capsys.readouterr().err
    assert type_(folder, "forget", "zl1815") == 0
    assert left(folder) == set()


@pytest.mark.parametrize("text", ["", "[]", "[" * 100_000])
def test_what_was_to_be_forgotten_and_cannot_be_read_is_told(tmp_path, capsys, text):
    folder = filled(tmp_path)
    (folder / forget.PENDING).write_text(text)
    assert type_(folder, "list") == 2
    assert f"{forget.PENDING} cannot be read; delete it, and forget the student again" in capsys.readouterr().err


def test_one_student_after_another_is_forgotten(tmp_path):
    folder = filled(tmp_path)
    for student in ("zl1815", "bob"):
        assert type_(folder, "forget", student) == 0
    with Gradebook.open(folder) as book:
        assert [one.id for one in book.students()] == ["cem"]
        assert not list(book.database.connection.execute("SELECT path FROM pages"))
    assert not list((folder / "reports").iterdir())


def test_a_page_that_an_earlier_version_left_behind_is_in_nobodys_way(tmp_path):
    folder = filled(tmp_path)
    with Gradebook.open(folder) as book:
        book.put_page("reports/(forgotten).html", "a digest")
    assert type_(folder, "forget", "zl1815") == 0
    with Gradebook.open(folder) as book:
        left_over = list(book.database.connection.execute("SELECT path FROM pages WHERE path LIKE '%forgotten%'"))
    assert not left_over


def test_a_namesake_keeps_the_name_and_a_group_keeps_the_work(tmp_path, capsys):
    with Gradebook.create(tmp_path / "out") as book:
        book.begin(seed=7)
        for id_ in ("ada-1", "ada-2"):
            book.record(Student(id_, "Ada Doe", {"Group": "Red"}, "class/red.zip", "same"), report())
    assert type_(tmp_path / "out", "forget", "ada-1") == 0
    assert "ada-2 handed in the same work, which stays" in capsys.readouterr().out
    with Gradebook.open(tmp_path / "out") as book:
        assert [(one.id, one.name) for one in book.students()] == [("ada-2", "Ada Doe")]
        assert book.report("ada-2") is not None


def test_a_note_of_a_person_is_named_and_not_deleted(tmp_path, capsys):
    folder = filled(tmp_path)
    (folder / "notes.txt").write_text("ask Zo\u00eb lovelace")
    assert type_(folder, "forget", "zl1815") == 1
    assert (
        f"{folder / 'notes.txt'} may still name the student; read it, and delete it yourself" in capsys.readouterr().out
    )
    assert {path for path, _ in left(folder)} == {"notes.txt"}


def test_words_of_a_report_and_parts_of_others_names_are_no_traces(tmp_path):
    with Gradebook.create(tmp_path / "out") as book:
        book.begin(seed=7)
        book.record(Student("PASS", "PASS", {}, "class/PASS.zip", "d1"), report())
        book.record(Student("ann", "Ann", {}, "class/ann.zip", "d2"), report())
        book.record(Student("hannah", "Hannah", {}, "class/hannah.zip", "d3"), report())
    for student in ("PASS", "ann"):
        assert type_(tmp_path / "out", "forget", student) == 0
    with Gradebook.open(tmp_path / "out") as book:
        assert [one.name for one in book.students()] == ["Hannah"]
        assert book.report("hannah") == report()


def test_while_another_process_reads_nothing_is_called_forgotten(tmp_path):
    folder = filled(tmp_path)
    with closing(sqlite3.connect(folder / FILE)) as other, Gradebook.open(folder) as book:
        other.execute("BEGIN")
        other.execute("SELECT * FROM submissions").fetchone()
        book.database.connection.execute("PRAGMA busy_timeout = 100")
        with pytest.raises(UsageError, match="in use by another process; end it, and type this again"):
            forget.forget(book, forget.plan(book, "zl1815"))
        assert forget.pending(folder) is not None
    assert type_(folder, "forget", "zl1815") == 0
    assert left(folder) == set()


def test_the_secret_is_one_that_sqlite_would_have_kept(tmp_path):
    """Without what `forget` does, deleted rows stay in the file."""
    folder = filled(tmp_path)
    with closing(Database.open(folder)) as database:
        database.connection.execute("PRAGMA secure_delete = OFF")  # some systems' SQLite has it on
        with database.writing() as connection:
            for table in ("reports", "tasks", "results", "submissions"):
                connection.execute(f"DELETE FROM {table}")
    assert (FILE, WORK) in left(folder)


def test_what_was_deleted_before_is_gone_too(tmp_path):
    """A page that SQLite freed earlier keeps its bytes, whatever is deleted later."""
    folder = filled(tmp_path)
    with closing(Database.open(folder)) as database:
        database.connection.execute("PRAGMA secure_delete = OFF")
        with database.writing() as connection:
            connection.execute("CREATE TABLE earlier (text)")
            connection.executemany("INSERT INTO earlier VALUES (?)", [(f"{WORK} {at}" * 50,) for at in range(50)])
            connection.execute("DROP TABLE earlier")
    assert type_(folder, "forget", "zl1815") == 0
    assert left(folder) == set()


def test_a_report_that_was_replaced_is_forgotten_and_anothers_stays(tmp_path):
    """What a person decided on before an interrupted run went on is a student's, too."""
    with Gradebook.open(reviewing.a_class(tmp_path, 2, 2)) as book:
        run = book.begin(seed=7)
        for number in (0, 1, 0, 1):
            student = book.student(f"s00{number}", book.runs()[0])
            at = len(book.graded(run))
            book.record(student, replace(reviewing.report_of(number, fault=at < 2), digest=str(at)), run)
            if not number:
                book.adjust("s000", "6.1", 1, why="x", author="Ada")
        (given,) = [one for one in book.adjustments("s000") if book.seen(one, run) != book.report("s000", run)]
        forget.forget(book, forget.plan(book, "s001"))
        assert book.database.rows("SELECT student FROM replaced") == [("s000",)]
        assert book.seen(given, run).digest == "0"
