"""Files written whole or not at all, and folders deleted whatever was made of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.files import check_place, remove, write


def test_a_file_is_written_over_what_was_there(tmp_path):
    path = tmp_path / "r.json"
    for text in ("one", "two ✓"):
        write(path, text)
        assert path.read_text(encoding="utf-8") == text
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path):
    with pytest.raises(UsageError, match=r"cannot write .*nowhere.* \(No such file or directory\); name another place"):
        write(tmp_path / "nowhere" / "r.json", "")


def test_a_place_that_cannot_be_written_is_told_before_the_work(tmp_path):
    with pytest.raises(UsageError, match=r"there is no folder .*nowhere; make it"):
        check_place(tmp_path / "nowhere" / "r.json")
    with pytest.raises(UsageError, match="it is a folder; name a file"):
        check_place(tmp_path)
    check_place(tmp_path / "r.json")


def nest(folder: Path, depth: int) -> None:
    here = os.open(folder, os.O_RDONLY)
    for n in range(depth):
        os.mkdir("d" * 200, dir_fd=here)
        os.close(os.open(f"file{n}", os.O_CREAT, dir_fd=here))
        inner = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)


def test_a_tree_deeper_than_python_recurses_and_longer_than_a_path_is_deleted(tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    nest(folder, 1500)
    remove(folder)
    assert not folder.exists()


def test_folders_without_rights_and_links_are_deleted_and_no_link_is_followed(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("here")
    folder = tmp_path / "scratch"
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "link").symlink_to(kept)
    (folder / "link").symlink_to(kept, target_is_directory=True)
    os.mkfifo(folder / "a" / "pipe")
    (folder / "a" / "b").chmod(0)
    (folder / "a").chmod(0)
    remove(folder)
    assert not folder.exists()
    assert (kept / "file").read_text() == "here"


def test_a_folder_that_is_not_there_is_no_fault(tmp_path):
    remove(tmp_path / "nowhere")
