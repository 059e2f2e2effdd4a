"""Files written whole or not at all, and folders deleted whatever was made of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.files import PAGE, check_place, remove, set_aside, write
from grader.loading import ROOT


def test_a_file_is_written_over_what_was_there(tmp_path):
    path = tmp_path / "r.json"
    for text in ("one", "two ✓"):
        write(path, text)
        assert path.read_text(encoding="utf-8") == text
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path):
    with pytest.raises(
        UsageError, match=r"cannot write .*nowhere.* \(No such file or directory\); choose another path"
    ):
        write(tmp_path / "nowhere" / "r.json", "")


def test_a_link_is_followed_and_a_file_keeps_who_may_read_it(tmp_path):
    path, link = tmp_path / "r.json", tmp_path / "link.json"
    path.write_text("old")
    path.chmod(0o600)
    link.symlink_to(path)
    write(link, "new")
    assert (link.is_symlink(), path.read_text(), path.stat().st_mode & 0o777) == (True, "new", 0o600)
    path.unlink()
    path.symlink_to(link)
    with pytest.raises(UsageError, match=r"\(it is a link to itself\); choose another path"):
        write(link, "new")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write(pipe, "text")
        assert os.read(reader, 100) == b"text"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_what_is_printed_to_is_printed_to(tmp_path):
    code = """if 1:
        from grader.files import set_aside, write
        from pathlib import Path
        print(1, flush=True)
        assert set_aside(Path("out"), "other") is None, "what is printed to is not put aside"
        write(Path("out"), "2\\n")
        print(3)
    """
    with (tmp_path / "out").open("w") as out:
        subprocess.run(
            [sys.executable, "-c", code],
            stdout=out,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            check=True,
        )
    assert (tmp_path / "out").read_text() == "1\n2\n3\n"


def test_what_was_written_in_part_goes_when_it_cannot_be_finished(tmp_path, monkeypatch):
    (tmp_path / "r.json").write_text("old")

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UsageError, match=r"cannot write .*r\.json \(No space left on device\)"):
        write(tmp_path / "r.json", "new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


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


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_link_in_the_place_of_the_half_file_leads_nowhere(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (tmp_path / ".result.json.part").symlink_to(victim)
    write(tmp_path / "result.json", "new")
    assert victim.read_text() == "untouched"
    assert (tmp_path / "result.json").read_text() == "new"
    assert not (tmp_path / "result.json").is_symlink()


LONE = "ren\udce9e \ud800"


def test_a_file_holds_any_text(tmp_path):
    write(tmp_path / "page.html", f"Zoë 数 🙂 {LONE}")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == "Zoë 数 🙂 ren\\udce9e \\ud800"


def test_what_is_no_output_of_ours_is_not_written_over(tmp_path):
    work, page = tmp_path / "layers.py", tmp_path / "report.html"
    work.write_text("def f(): ...")
    page.write_text(f"\n{PAGE}\n")
    check_place(page, PAGE)
    page.write_text("<!doctype html>\n<title>A page of somebody's</title>")
    with pytest.raises(UsageError, match=r"report\.html holds something else"):
        check_place(page, PAGE)
    with pytest.raises(UsageError, match=r"layers\.py holds something else, which would be lost; delete it, or"):
        check_place(work, PAGE)


def test_a_gradebook_is_never_written_over(tmp_path):
    book = tmp_path / "gradebook.sqlite"
    book.write_bytes(b"SQLite format 3\0 and what people decided")
    for act in (write, set_aside):
        with pytest.raises(UsageError, match="is a gradebook, which is not written over; choose another path"):
            act(book, "student,points")
    assert b"decided" in book.read_bytes()
