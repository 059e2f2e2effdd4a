"""Saves as editors, Jupyter and people make them: each state that can be graded is noticed, and nothing else is."""

from __future__ import annotations

import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import watchfiles

from grader.errors import SubmissionError, UsageError
from grader.intake.submission import read
from grader.watch import saves
from grader.watch.saves import Saves

WANTED = ["net.py", "page.ipynb"]
GOOD, BETTER, BROKEN = "def f():\n    return 1\n", "def f():\n    return 2\n", "def f(:\n    return 3\n"
LONG = 20.0  # seconds in which a save is noticed, on a busy machine
NOTHING = 0.6  # seconds after which what was not noticed never is


pytestmark = pytest.mark.medium


@pytest.fixture(autouse=True)
def look_often(monkeypatch):
    monkeypatch.setattr(saves, "LOOK", 100)


@pytest.fixture
def work(tmp_path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "net.py").write_text(GOOD)
    return folder


@contextmanager
def watched(path: Path, ours: tuple[Path, ...] = ()) -> Iterator[Saves]:
    """Saves of a path, from when it is sure to notice one."""
    cuts: list[None] = []
    noticed = Saves(path, partial(read, path, WANTED, {}), lambda: cuts.append(None), ours)
    noticed.cuts = cuts
    with noticed:
        time.sleep(0.3)  # longer than the first look, which every watch begins with
        assert not noticed.saved.is_set(), "nothing was saved yet"
        yield noticed


def until(noticed: Saves, holds: Callable[[Saves], object]) -> None:
    end = time.monotonic() + LONG
    while not holds(noticed):
        assert time.monotonic() < end, noticed.work
        if noticed.saved.wait(0.05):
            noticed.saved.clear()


def until_it_is(noticed: Saves, text: str, name: str = "net.py") -> None:
    until(noticed, lambda now: now.work.submission.files.get(name, b"").decode() == text and not now.work.problems)


def by_rename(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.swp")
    beside.write_text(text)
    beside.replace(path)


def by_backup(path: Path, text: str) -> None:
    """As vim does: the former file is moved away before there is a new one."""
    backup = path.with_name(f"{path.name}~")
    path.rename(backup)
    time.sleep(0.05)
    path.write_text(text)
    backup.unlink()


def in_steps(path: Path, text: str) -> None:
    with path.open("w") as file:
        for part in (text[:12], text[12:]):
            time.sleep(0.05)
            file.write(part)
            file.flush()


@pytest.mark.parametrize("save", [Path.write_text, by_rename, by_backup, in_steps])
def test_every_way_to_save_is_one_save(work, save):
    with watched(work) as noticed:
        states = []
        noticed.on_save = lambda: states.append(noticed.work.submission.files.get("net.py"))
        save(work / "net.py", BETTER)
        until_it_is(noticed, BETTER)
        time.sleep(saves.SETTLE)
        assert states == [BETTER.encode()], "no half of a file was told"


def test_a_drive_that_has_to_be_polled_is_watched(work, monkeypatch):
    monkeypatch.setenv("WATCHFILES_FORCE_POLLING", "1")
    with watched(work) as noticed:
        for text in (BETTER, GOOD, BETTER):
            (work / "net.py").write_text(text)
            until_it_is(noticed, text)


def test_the_last_of_a_burst_counts(work):
    with watched(work) as noticed:
        for number in range(40):
            (work / "net.py").write_text(f"f = {number}\n")
            time.sleep(0.005)
        until_it_is(noticed, "f = 39\n")
        assert len(noticed.cuts) < 40


def test_a_save_of_the_same_text_or_of_another_file_is_none(work):
    with watched(work, ours=(work / "report.html",)) as noticed:
        (work / "net.py").write_text(GOOD)
        (work / "notes.txt").write_text("x")
        (work / "report.html").write_text("x")
        for folder in (".ipynb_checkpoints", "__pycache__", ".git"):
            (work / folder).mkdir()
            (work / folder / "net.py").write_text(BETTER)
        assert not noticed.saved.wait(NOTHING)
        assert noticed.cuts == []


def test_a_file_that_is_no_python_keeps_what_was_there_and_is_told_with_its_line(work):
    with watched(work) as noticed:
        (work / "net.py").write_text(BROKEN)
        until(noticed, lambda now: now.work.problems)
        (sentence,) = noticed.work.problems
        assert sentence.startswith("net.py:1: ")
        assert sentence.endswith("; graded again when it can be read")
        assert noticed.work.submission.files["net.py"].decode() == GOOD
        assert noticed.cuts == [], "a check that runs need not end for it"
        (work / "net.py").write_text(BETTER)
        until_it_is(noticed, BETTER)
        assert noticed.cuts


def test_what_a_merge_conflict_is_is_told_as_what_it_is(work):
    conflict = f"<<<<<<< HEAD\n{GOOD}=======\n{BETTER}>>>>>>> theirs\n"
    with watched(work) as noticed:
        (work / "net.py").write_text(conflict)
        until(noticed, lambda now: now.work.problems)
        assert "merge conflict (line 1" in noticed.work.problems[0]


def test_a_file_that_never_was_python_is_graded_as_it_is(tmp_path):
    (tmp_path / "net.py").write_text(BROKEN)
    with watched(tmp_path) as noticed:
        assert noticed.work.submission.files["net.py"].decode() == BROKEN
        (tmp_path / "net.py").write_text(f"{BROKEN}# more\n")
        until_it_is(noticed, f"{BROKEN}# more\n")


def test_a_half_written_notebook_keeps_what_was_there(work):
    whole = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    (work / "page.ipynb").write_text(whole)
    with watched(work) as noticed:
        (work / "page.ipynb").write_text(whole[:30])
        until(noticed, lambda now: now.work.problems)
        assert noticed.work.problems == ("page.ipynb is no whole notebook; graded again when it can be read",)
        assert noticed.work.submission.files["page.ipynb"].decode() == whole


def test_a_file_that_is_deleted_or_added_is_noticed(work):
    (work / "page.ipynb").write_text("{}")
    with watched(work) as noticed:
        (work / "net.py").unlink()
        until(noticed, lambda now: "net.py" not in now.work.submission.files)
        (work / "deep").mkdir()
        (work / "deep" / "net.py").write_text(BETTER)
        until_it_is(noticed, BETTER)


def test_work_that_is_gone_is_told_and_found_again(work):
    with watched(work) as noticed:
        (work / "net.py").unlink()
        until(noticed, lambda now: now.work.problems)
        assert "none of net.py" in noticed.work.problems[0]
        shutil.rmtree(work)
        until(noticed, lambda now: "cannot be read" in now.work.problems[0])
        work.mkdir()
        (work / "net.py").write_text(BETTER)
        until_it_is(noticed, BETTER)
        (work / "net.py").write_text(GOOD)
        until_it_is(noticed, GOOD)


def test_a_folder_that_is_made_again_while_it_is_missed_is_followed(work):
    """It may get the inode of the one before, which the watch knows."""
    with watched(work) as noticed:
        target = noticed.target

        def late():
            if not work.exists():
                work.mkdir()
                (work / "net.py").write_text(BETTER)
            return target()

        noticed.target = late
        shutil.rmtree(work)
        until_it_is(noticed, BETTER)
        (work / "net.py").write_text(GOOD)
        until_it_is(noticed, GOOD)


def test_a_folder_in_the_place_of_another_is_noticed(work):
    other = work.with_name("other")
    other.mkdir()
    (other / "net.py").write_text(BETTER)
    with watched(work) as noticed:
        work.rename(work.with_name("former"))
        other.rename(work)
        until_it_is(noticed, BETTER)
        (work / "net.py").write_text(GOOD)
        until_it_is(noticed, GOOD)


def packed(path: Path, text: str) -> bytes:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ada/net.py", text)
    return path.read_bytes()


def test_a_zip_is_watched_and_one_that_is_cut_off_keeps_what_was_there(tmp_path):
    path = tmp_path / "ada.zip"
    packed(path, GOOD)
    whole = packed(tmp_path / "other.zip", BETTER)
    with watched(path) as noticed:
        assert noticed.work.submission.files["net.py"].decode() == GOOD
        path.write_bytes(whole[:60])
        until(noticed, lambda now: now.work.problems)
        assert noticed.work.submission.files["net.py"].decode() == GOOD
        (tmp_path / "other.zip").replace(path)
        until_it_is(noticed, BETTER)


def test_a_link_to_a_folder_is_watched(work):
    link = work.with_name("link")
    link.symlink_to(work)
    with watched(link) as noticed:
        (link / "net.py").write_text(BETTER)
        until_it_is(noticed, BETTER)


def test_a_file_alone_is_watched(work):
    with watched(work / "net.py") as noticed:
        (work / "page.ipynb").write_text("{}")
        by_rename(work / "net.py", BETTER)
        until_it_is(noticed, BETTER)


def test_what_cannot_be_read_from_the_start_is_refused(tmp_path):
    with pytest.raises(SubmissionError, match=r"none of net\.py"):
        Saves(tmp_path, partial(read, tmp_path, WANTED, {}), lambda: None)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("watch limit reached")])
def test_a_folder_that_cannot_be_watched_is_a_sentence(work, monkeypatch, error):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(watchfiles, "watch", refuse)
    with (
        Saves(work, partial(read, work, WANTED, {}), lambda: None) as noticed,
        pytest.raises(UsageError, match=r"cannot be watched \(.*\); name a smaller folder, or set WATCHFILES_FORCE"),
    ):
        noticed.wait()


def test_a_fault_of_ours_in_the_thread_is_not_lost(work):
    def fail() -> None:
        raise KeyError("ours")

    with watched(work) as noticed:
        noticed.on_save = fail
        (work / "net.py").write_text(BETTER)
        assert noticed.saved.wait(LONG)
        with pytest.raises(KeyError, match="ours"):
            noticed.wait()


def test_the_thread_ends_with_it(work):
    with watched(work) as noticed:
        pass
    assert not noticed.thread.is_alive()
    assert [path.name for path in work.iterdir()] == ["net.py"]
