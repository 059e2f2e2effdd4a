"""What was made to keep a reader busy ends in one sentence, and in no memory of the grader's."""

from __future__ import annotations

import resource
from collections import Counter
from pathlib import Path

import hostile
import pytest
from packing import STUBS, WANTED, WORK, put

from grader.errors import SubmissionError
from grader.intake import repair
from grader.intake.submission import read, read_here
from grader.model import Limits
from grader.sandbox import reader

pytestmark = [pytest.mark.medium, pytest.mark.skipif(not reader.FORKS, reason="forks on Linux alone")]

LIMITS = Limits(read_cpu=2, read_memory=300 << 20)


def refused(path: Path, says: str) -> None:
    """Read what has to be refused; the grader's own process has grown by next to nothing then."""
    before = peak()
    with pytest.raises(SubmissionError, match=says):
        read(path, WANTED, STUBS, limits=LIMITS)
    assert peak() - before < 20 << 20


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def test_global_headers_are_not_multiplied_by_members(tmp_path):
    path = hostile.global_headers(tmp_path / "ada.tar.gz", WORK)
    assert path.stat().st_size < 300 << 10
    refused(path, r"ada\.tar\.gz holds headers on all members, of \d+ bytes; pack it as a plain zip")


def test_what_git_writes_on_all_members_is_read(tmp_path):
    path = hostile.global_headers(tmp_path / "ada.tar.gz", WORK, headers=0, members=3)
    assert read(path, WANTED, STUBS, limits=LIMITS).files == WORK


def test_folders_of_a_tar_are_counted(tmp_path):
    refused(hostile.folders(tmp_path / "ada.tar.gz"), r"ada\.tar\.gz holds more than 50000 files and folders")


def test_a_tar_within_the_count_is_read_within_the_limits(tmp_path):
    path = hostile.global_headers(tmp_path / "ada.tar.gz", WORK, headers=0, members=10_000)
    assert read(path, WANTED, STUBS, limits=Limits(read_cpu=10, read_memory=200 << 20)).files == WORK


def test_empty_gzip_members_have_a_clock(tmp_path):
    refused(hostile.empty_members(tmp_path / "ada.gz"), r"ada\.gz takes longer than \d s to read")


def test_a_source_over_the_limits_is_named(tmp_path):
    deep = b"x = 1\nif 0: x = (" + b"a," * (500 << 10) + b")\n"
    refused(
        put(tmp_path / "ada", WORK | {"layers.py": deep}),
        r"layers\.py (takes (more than 300 MiB|longer than \d s)|the longest)",
    )


def test_a_long_file_is_compared_in_one_look(tmp_path, monkeypatch):
    """Whatever is compared with it, and for however many names that have no file."""
    long = b"x = 1\n" * 300_000
    put(tmp_path, {"functions.py": WORK["functions.py"], "tables.py": long, "more.py": long + b"y = 1\n"})
    looks = Counter()
    whole = repair.whole_essence

    def counted(content):
        looks[content] += 1
        return whole(content)

    monkeypatch.setattr(repair, "whole_essence", counted)
    repair.kept_essence.cache_clear()
    read_here(lambda name: None, tmp_path, WANTED, STUBS, None, (), (), {})
    assert looks[long] == 1
    assert max(looks.values()) == 1


def test_the_file_that_takes_long_to_compare_is_named(tmp_path, monkeypatch):
    long = b"y = 1\n" * 300_000
    put(tmp_path, {"functions.py": WORK["functions.py"], "a_table.py": long})
    whole = repair.whole_essence
    monkeypatch.setattr(repair, "whole_essence", lambda content: endless() if content == long else whole(content))
    with pytest.raises(SubmissionError, match=r"a_table\.py takes longer than 1 s to read"):
        read(tmp_path, WANTED, STUBS, limits=Limits(read_cpu=1))


def test_a_file_is_looked_at_under_its_own_name(tmp_path, monkeypatch):
    said, first = [""], dict[bytes, str]()
    whole = repair.whole_essence

    def look(content: bytes) -> bytes:
        first.setdefault(content, said[-1])
        return whole(content)

    monkeypatch.setattr(repair, "whole_essence", look)
    repair.kept_essence.cache_clear()
    files = {"functions.py": b"f = 1\n", "layers.py": b"g = 2\n"}
    read_here(said.append, put(tmp_path, files), WANTED, STUBS, None, (), (), {})
    assert {first[content]: content for content in files.values()} == files


def endless():
    while True:
        pass
