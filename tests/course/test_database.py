"""The gradebook's file: kept whole, brought up to date, and each error of SQLite a sentence."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import reviewing

from grader.course import comments, database, decisions, extensions, takes
from grader.course.database import Database, told
from grader.course.decisions import Decision
from grader.course.extensions import Extension
from grader.course.gradebook import Gradebook, Student
from grader.errors import UsageError
from grader.review.queue import Queue


@pytest.fixture
def book(tmp_path):
    with closing(Database.create(tmp_path / "out")) as book:
        yield book


def put(book, path="a", digest="d"):
    with book.writing() as connection:
        connection.execute("INSERT INTO pages VALUES (?, ?)", (path, digest))


def held(book):
    return [path for (path,) in book.rows("SELECT path FROM pages ORDER BY path")]


def test_what_cannot_be_finished_leaves_nothing_of_itself(book):
    put(book)

    def broken_off():
        with book.writing() as connection:
            connection.execute("INSERT INTO pages VALUES ('b', 'd')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken_off()
    assert held(book) == ["a"]


def test_a_full_disk_is_a_sentence_and_the_gradebook_stays_whole(book):
    pages = book.connection.execute("PRAGMA page_count").fetchone()[0]
    book.connection.execute(f"PRAGMA max_page_count = {pages + 3}")
    kept = []

    def fill():
        while True:
            path = f"s{len(kept):02}"
            put(book, path, "d" * 1000)
            kept.append(path)

    with pytest.raises(UsageError, match=r"the disk is full; free some space .* is kept"):
        fill()
    assert kept
    with closing(Database.open(book.folder)) as again:
        assert held(again) == kept
        assert again.rows("PRAGMA integrity_check") == [("ok",)]


def test_a_disk_without_room_for_the_logs_index_is_called_full(tmp_path):
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = "SQLITE_IOERR_SHMSIZE"
    with pytest.raises(UsageError, match=r"the disk is full; free some space .* is kept"), told(tmp_path):
        raise error


def test_a_gradebook_that_may_not_be_written_is_a_sentence(book):
    book.connection.execute("PRAGMA query_only = 1")
    with pytest.raises(UsageError, match=r"cannot write .*; make its folder writable"):
        put(book)


@contextmanager
def as_a_reader(folder):
    """Whoever may read a folder and not write it; root, who may do everything, becomes somebody else meanwhile."""
    (folder / database.FILE).chmod(0o444)
    folder.chmod(0o555)
    if os.getuid() == 0:
        os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        if 0 in os.getresuid():
            os.setresuid(0, 0, 0)
        folder.chmod(0o755)


@pytest.mark.skipif(not hasattr(os, "setresuid"), reason="rights are taken away as Linux has them")
def test_a_gradebook_that_may_not_be_written_is_read(monkeypatch):
    with tempfile.TemporaryDirectory() as above:  # pytest's own folders are open to nobody else
        Path(above).chmod(0o755)
        folder = Path(above) / "a folder?#%"
        with closing(Database.create(folder)) as book:
            put(book)
        with as_a_reader(folder):
            with closing(Database.open(folder)) as book:
                assert held(book) == ["a"]
                with pytest.raises(UsageError, match=r"cannot write .*; make its folder writable"):
                    put(book, "b")
            monkeypatch.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, "SELECT 1;\n"))
            with pytest.raises(UsageError, match=r"cannot write .*; make its folder writable"):
                Database.open(folder)
            assert [path.name for path in folder.iterdir()] == [database.FILE]


@pytest.mark.skipif(not hasattr(os, "setresuid"), reason="rights are taken away as Linux has them")
def test_a_gradebook_that_is_being_written_by_another_is_read(tmp_path):
    with tempfile.TemporaryDirectory() as above:
        Path(above).chmod(0o755)
        folder = Path(above) / "out"
        with closing(Database.create(folder)) as writer:
            put(writer)
            with as_a_reader(folder), closing(Database.open(folder)) as book:
                assert held(book) == ["a"]


def test_what_is_no_gradebook_is_told_in_a_sentence(tmp_path):
    with pytest.raises(UsageError, match=r"contains no gradebook\.sqlite; make one with"):
        Database.open(tmp_path)
    (tmp_path / database.FILE).write_bytes(b"something else entirely" * 100)
    with pytest.raises(UsageError, match="is not a gradebook"):
        Database.open(tmp_path)
    with pytest.raises(UsageError, match="cannot create"):
        Database.create(tmp_path / database.FILE / "below")
    (tmp_path / "dir" / database.FILE).mkdir(parents=True)
    with pytest.raises(UsageError, match="cannot open"):
        Database.create(tmp_path / "dir")


def test_a_damaged_gradebook_is_told_in_a_sentence(book):
    for at in range(200):
        put(book, f"s{at}", "d" * 1000)
    book.close()
    path = book.folder / database.FILE
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with (
        pytest.raises(UsageError, match="is damaged; restore its last backup"),
        closing(Database.open(book.folder)) as again,
    ):
        held(again)


def test_a_message_that_quotes_damaged_bytes_is_told_in_a_sentence(book):
    book.close()
    path = book.folder / database.FILE
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE pages", b"CREATE TABL\xb3 pages"))
    with pytest.raises(UsageError, match="is damaged; restore its last backup"):
        Database.open(book.folder)


def test_a_gradebook_of_a_later_version_is_left_alone(book):
    book.connection.execute("PRAGMA user_version = 99")
    with pytest.raises(UsageError, match="made by a newer version"):
        Database.open(book.folder)


def test_an_older_gradebook_is_brought_up_to_date_with_all_it_holds(book, monkeypatch):
    put(book)
    monkeypatch.setattr(
        database, "MIGRATIONS", (*database.MIGRATIONS, "ALTER TABLE pages ADD COLUMN more TEXT;\nSELECT 1;\n")
    )
    with closing(Database.open(book.folder)) as newer:
        assert newer.version() == len(database.MIGRATIONS)
        assert newer.rows("SELECT * FROM pages") == [("a", "d", None)]


@pytest.fixture
def first(tmp_path):
    """A gradebook as the first version made it; what brings it up to date is what `Database.open` does."""
    with closing(sqlite3.connect(tmp_path / database.FILE)) as connection:
        connection.executescript(database.MIGRATIONS[0])
        connection.execute("PRAGMA user_version = 1")
        for number in (1, 2):
            connection.execute("INSERT INTO runs VALUES (?, '2026-11-20', NULL, 7, NULL, NULL, '{}')", (number,))
        yield connection


def test_who_is_not_marked_late_was_in_time_where_others_are_marked(first, tmp_path):
    for run, student, late in ((1, "ada", 0), (1, "bob", 0), (2, "ada", 1), (2, "bob", 0)):
        first.execute(
            "INSERT INTO submissions VALUES (?, ?, 'N', '{}', 'p', 'd', NULL, ?, '[]', '')", (run, student, late)
        )
    first.commit()
    with closing(Database.open(tmp_path)) as newer:
        told = newer.rows("SELECT run, student, marked_late, others FROM submissions ORDER BY run, student")
    assert told == [(1, "ada", None, "[]"), (1, "bob", None, "[]"), (2, "ada", 1, "[]"), (2, "bob", 0, "[]")]


def test_adjustments_of_an_older_gradebook_still_hold(first, tmp_path):
    first.execute("INSERT INTO adjustments VALUES (3, 'ada', '2.1', 4.5, 'Grace', 't', 'why')")
    first.commit()
    with closing(Database.open(tmp_path)) as newer:
        told = newer.rows("SELECT id, student, item, points, author, time, reason FROM adjustments")
    assert told == [(3, "ada", "2.1", 4.5, "Grace", "t", "why")]


def test_reports_and_results_of_an_older_gradebook_are_the_same_and_kept_once(first, tmp_path):
    task = {"id": "2", "items": [{"message": '\ud800 ü "q"', "error": 1e-9, "data": [0.1, None, True]}], "at": {}}
    other = {"id": "3", "items": []}
    for run, tasks in ((1, [task, other]), (2, [task])):
        document = json.dumps({"schema": 1, "tasks": tasks, "notes": ["[]"]})
        first.execute("INSERT INTO reports VALUES (?, 'ada', ?, 't')", (run, document))
    first.execute("INSERT INTO results VALUES ('k', '2', ?, 't')", (json.dumps({"task": task, "notes": []}),))
    first.commit()
    with Gradebook.open(tmp_path) as newer:
        found = newer.database.rows("SELECT document FROM reports ORDER BY run")
        told = [json.loads(document) for (document,) in found]
        assert [list(map(newer.task, one["tasks"])) for one in told] == [[task, other], [task]]
        assert told[0]["notes"] == ["[]"]
        assert newer.result("k") == {"task": task, "notes": []}
        newer.record(Student("bob", "Bob"), None, newer.run(2), results={"k": ("2", {"task": task})})
        assert newer.database.rows("SELECT count(*) FROM tasks") == [(2,)]


def test_students_of_an_older_gradebook_have_no_extension(first, tmp_path):
    first.execute("INSERT INTO submissions VALUES (1, 'ada', 'N', '{}', 'p', 'd', NULL, 0, '[]', '')")
    first.commit()
    with Gradebook.open(tmp_path) as newer:
        (ada,) = newer.students(newer.run(1))
        assert (ada.id, ada.due, ada.origin) == ("ada", None, {})


def test_two_may_write_at_once_and_one_waits(book):
    other = sqlite3.connect(book.folder / database.FILE, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        book.connection.execute("PRAGMA busy_timeout = 10")
        with pytest.raises(UsageError, match="in use by another process"):
            put(book)
        other.execute("COMMIT")
    finally:
        other.close()
    put(book)
    assert held(book) == ["a"]


@pytest.mark.parametrize("version", range(1, len(database.MIGRATIONS)))
def test_a_gradebook_of_each_earlier_version_is_brought_up_to_date(tmp_path, version):
    """What it holds is still there, and what people do in the review can be recorded in it."""
    with closing(sqlite3.connect(tmp_path / database.FILE)) as connection:
        connection.create_function("digest", 1, database.digest, deterministic=True)
        for migration in database.MIGRATIONS[:version]:
            connection.executescript(migration)
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("INSERT INTO runs VALUES (1, '2026-11-20T00:00:00+00:00', NULL, 7, NULL, NULL, '{}')")
        connection.execute("INSERT INTO submissions (run, student, name, ids, marked_late, others, problem)"
                           " VALUES (1, 'ada', 'Ada', '{}', 0, '[]', '')")  # fmt: skip
        connection.execute("INSERT INTO adjustments (student, item, points, author, time, reason)"
                           " VALUES ('ada', '2.1', 4.5, 'Grace', '2026-11-20T00:00:00+00:00', 'why')")  # fmt: skip
        connection.commit()
    with Gradebook.open(tmp_path) as newer:
        assert newer.database.version() == len(database.MIGRATIONS)
        assert newer.database.rows("PRAGMA integrity_check") == [("ok",)]
        assert [(one.id, one.name) for one in newer.students()] == [("ada", "Ada")]
        before = decisions.standing(newer)["ada", "2.1"]
        assert (before.given.points, before.base, before.comments) == (4.5, None, ())
        decisions.decide(newer, [Decision("ada", "2.1", 3.0, before.id)], author="Eve", most={"2.1": 5.0})
        assert newer.in_force("ada")["2.1"].points == 3.0
        decisions.undo(newer, "Eve")
        assert newer.in_force("ada")["2.1"].points == 4.5


def test_an_emptied_gradebook_is_not_begun_anew(tmp_path):
    (tmp_path / database.FILE).touch()
    Database.create(tmp_path).close()  # a first run that was stopped before it wrote anything
    (tmp_path / database.FILE).write_bytes(b"")
    (tmp_path / "reports").mkdir()
    for opened in (Database.create, Database.open):
        with pytest.raises(UsageError, match=r"gradebook\.sqlite is empty, but it was not; restore its last backup"):
            opened(tmp_path)
    assert (tmp_path / database.FILE).stat().st_size == 0


@pytest.mark.parametrize("left", ["reports", "gradebook.sqlite-wal"])
def test_a_gradebook_that_was_deleted_is_not_begun_anew(tmp_path, left):
    (tmp_path / left).mkdir()
    for opened in (Database.create, Database.open):
        with pytest.raises(
            UsageError, match=r"gradebook\.sqlite is gone, .* restore its last backup, or choose another"
        ):
            opened(tmp_path)
    assert not (tmp_path / database.FILE).exists()


@pytest.mark.skipif(sys.platform == "win32", reason="there a file that is open cannot be moved")
@pytest.mark.parametrize("act", ["rename", "delete", "replace"])
def test_what_is_written_into_a_gradebook_that_is_gone_is_not_called_recorded(book, act):
    """As where a folder is deleted, or a backup restored, while the review is open."""
    put(book)
    path, other = book.folder / database.FILE, book.folder / "other"
    if act == "rename":
        path.rename(other)
    elif act == "delete":
        path.unlink()
    else:
        other.write_bytes(path.read_bytes())
        other.replace(path)
    with pytest.raises(UsageError, match=r"gradebook\.sqlite was moved or replaced, so nothing was recorded; put it"):
        put(book, "b")
    assert held(book) == ["a"]


DAMAGE = (
    "UPDATE reports SET document = replace(document, '\"tasks\"', '\"tasjs\"')",
    "UPDATE reports SET document = replace(document, '}', ']')",
    "UPDATE reports SET document = cast(x'7b80' AS TEXT)",
    "UPDATE tasks SET document = replace(document, 'PASS', 'PARS')",
    "UPDATE tasks SET digest = replace(digest, substr(digest, 1, 1), 'z')",
    "UPDATE submissions SET ids = '{'",
    "UPDATE runs SET began = '20q6-11-20T00:00:00'",
    "UPDATE adjustments SET time = '2026-11-2'",
    "UPDATE adjustments SET comments = '[1'",
    "UPDATE takes SET time = ''",
    "UPDATE remarks SET time = ''",
    "UPDATE extensions SET due = 'x'",
    "UPDATE adjustments SET points = '{}'",
    "UPDATE adjustments SET points = 'nan'",
    "UPDATE adjustments SET own = x'ff'",
    "UPDATE submissions SET name = x'ff'",
    "UPDATE submissions SET ids = '[]'",
    "UPDATE runs SET settings = '[]'",
    "UPDATE runs SET seed = 1e999",
    "UPDATE tasks SET document = '[1]'",
    "UPDATE seen SET files = '['",
    "UPDATE seen SET files = 5",
)


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_byte_that_flipped_in_what_is_kept_is_told_with_the_file_and_the_cure(tmp_path, damage):
    with Gradebook.open(reviewing.a_class(tmp_path, 1, 1)) as book:
        decisions.decide(book, [Decision("s000", "6.1", 1.0, 0)], author="Ada", most={"6.1": 10.0})
        takes.take(book.database, "s000", ["s000"], "layers.py", "a.py", wanted=["a.py"], author="Ada", why="x")
        comments.say(book.database, "s000", "6.1", "", "Well.", author="Ada")
        extensions.grant(book.database, Extension("s000", "", None, 3), author="Ada", why="x")
        book.database.connection.execute(damage)
        with pytest.raises(UsageError, match=r"gradebook\.sqlite is damaged; restore its last backup"):
            read_all(book)


def read_all(book):
    ids = [one.student.id for one in book.register()]
    Queue(book, book.run()).refresh()
    return decisions.standing(book), takes.of_student(book.database, ids), extensions.granted(book.database)
