"""Archives: the same members are the same bytes; a manifest that `sha256sum` reads; no name that leaves the folder."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import zipfile

import pytest

from grader.errors import UsageError
from grader.release.archive import MANIFEST, tarred, unpacked, zipped

MEMBERS = {"run.sh": b"#!/bin/sh\necho hi\n", "a/b.txt": b"text\n", "a/a.txt": b"\x00\xff"}


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_order_and_files_change_nothing(pack, tmp_path):
    (tmp_path / "b.txt").write_bytes(MEMBERS["a/b.txt"])
    other = {name: MEMBERS[name] for name in reversed(MEMBERS)} | {"a/b.txt": tmp_path / "b.txt"}
    assert pack(MEMBERS) == pack(other)
    assert pack(MEMBERS) != pack(MEMBERS | {"a/a.txt": b"\x00\xfe"})


def test_a_zip_tells_nothing_of_the_machine(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped(MEMBERS))
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        found = {one.filename: one for one in archive.infolist()}
        assert list(found) == [MANIFEST, "a/a.txt", "a/b.txt", "run.sh"]
        assert {one.date_time for one in found.values()} == {(1980, 1, 1, 0, 0, 0)}
        assert {one.create_system for one in found.values()} == {3}
        assert oct(found["run.sh"].external_attr >> 16) == "0o100755"
        assert oct(found["a/a.txt"].external_attr >> 16) == "0o100644"


def test_a_tar_tells_nothing_of_the_machine(tmp_path):
    (tmp_path / "a.tar").write_bytes(tarred(MEMBERS))
    with tarfile.open(tmp_path / "a.tar") as archive:
        assert {(one.mtime, one.uid, one.uname) for one in archive} == {(0, 0, "")}
        assert {one.name: oct(one.mode) for one in archive}["run.sh"] == "0o755"


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="sha256sum is not installed")
def test_the_manifest_is_what_sha256sum_reads(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped(MEMBERS))
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        archive.extractall(tmp_path)
    subprocess.run(["sha256sum", "--strict", "-c", MANIFEST], cwd=tmp_path, check=True, capture_output=True)


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_an_archive_reads_back_and_one_that_was_changed_does_not(tmp_path, suffix):
    pack = zipped if suffix == ".zip" else tarred
    path = tmp_path / f"a{suffix}"
    path.write_bytes(pack(MEMBERS))
    assert unpacked(path) == MEMBERS
    path.write_bytes(pack(MEMBERS).replace(b"echo hi", b"echo ho"))
    with pytest.raises(UsageError, match=r"a\.(zip|tar)"):
        unpacked(path)


@pytest.mark.parametrize("name", ["/etc/passwd", "../a", "a/../../b", "a\\b", MANIFEST])
def test_no_member_leaves_the_folder_or_takes_the_manifests_place(name):
    with pytest.raises(UsageError, match="rename it"):
        zipped({name: b""})


def test_a_member_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"gone\.txt cannot be read"):
        zipped({"a": tmp_path / "gone.txt"})
