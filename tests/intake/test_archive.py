"""Folders, zips and tars that are damaged, lead elsewhere or never end: the wanted files, or one clear sentence."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import socket
import stat
import subprocess
import tarfile
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packing import NESTED, STUBS, WANTED, WORK, put, tarred, zipped

from grader.errors import SubmissionError
from grader.intake import archive, unpack
from grader.intake.submission import read


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"just text", "neither a folder, zip or tar"),
        (b"PK\3\4 and then nothing", "is damaged"),
        (b"\x1f\x8b\x08\0 not gzip", "is damaged"),
        (b"BZh9 no", "is damaged"),
        (b"\xfd7zXZ\0 no", "is damaged"),
    ],
)
def test_a_file_that_is_no_archive_says_what_to_do(tmp_path, content, says):
    path = tmp_path / "work.zip"
    path.write_bytes(content)
    with pytest.raises(SubmissionError, match=says) as error:
        read(path, WANTED, STUBS)
    assert "work.zip" in str(error.value)


def test_a_cut_off_zip_is_damaged(tmp_path):
    path = zipped(tmp_path / "a.zip", {f"x{n}.bin": os.urandom(2000) for n in range(3)} | WORK)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(SubmissionError, match="is damaged"):
        read(path, WANTED, STUBS)


def test_an_encrypted_zip_is_told_so(tmp_path):
    path = zipped(tmp_path / "a.zip", WORK)
    data = bytearray(path.read_bytes())
    for sign, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.find(sign)
        while at >= 0:
            data[at + offset] |= 1
            at = data.find(sign, at + 1)
    path.write_bytes(data)
    with pytest.raises(SubmissionError, match=r"it has a password.*pack it again as a plain zip"):
        read(path, WANTED, STUBS)


def test_an_aes_zip_has_a_password_too(tmp_path):
    path = zipped(tmp_path / "a.zip", WORK)
    data = bytearray(path.read_bytes())
    for sign, method, flag in ((b"PK\3\4", 8, 6), (b"PK\1\2", 10, 8)):
        at = data.find(sign)
        while at >= 0:
            data[at + method : at + method + 2] = (99).to_bytes(2, "little")  # as 7-Zip and WinZip write it
            data[at + flag] |= 1
            at = data.find(sign, at + 1)
    path.write_bytes(data)
    with pytest.raises(SubmissionError, match=r"it has a password.*pack it again as a plain zip"):
        read(path, WANTED, STUBS)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            b"Rar!\x1a\x07\x01\x00" + b"r" * 500,
            "is a RAR archive, which the grader cannot open; pack the work as a zip",
        ),
        (b"7z\xbc\xaf\x27\x1c\x00\x04" + b"z" * 500, "is a 7z archive, which the grader cannot open"),
        (b"\x04\x22\x4d\x18" + b"z" * 500, "is an lz4 archive, which the grader cannot open"),
        (b"\x1f\x9d\x90" + b"z" * 500, "is a Z archive, which the grader cannot open"),
        (b"<!DOCTYPE html><html><title>Sign in</title></html>", "is a web page"),
        (b"%PDF-1.7\n", "is a PDF"),
        (b"", "is empty"),
    ],
)
def test_what_only_is_called_an_archive_is_told_by_what_it_is(tmp_path, content, says):
    (tmp_path / "work.zip").write_bytes(content)
    with pytest.raises(SubmissionError, match=says):
        read(tmp_path / "work.zip", WANTED, STUBS)
    put(tmp_path / "hw", {"work.zip": content, "functions.py": WORK["functions.py"]})
    found = read(tmp_path / "hw", WANTED, STUBS)
    assert found.files == {"functions.py": WORK["functions.py"]}
    assert set(found.questions) == {"layers.py", "part1.ipynb"}
    assert "layers.py may be in a file that could not be opened: work.zip is" in found.questions["layers.py"]


@pytest.mark.parametrize("name", ["work.7z", "layers.7z", "work.tar.lz4", "layers.rar", "layers.lzma", "work.zipx"])
def test_an_archive_of_a_kind_that_is_not_opened_is_a_question_where_a_file_is_missing(tmp_path, name):
    found = read(put(tmp_path / "hw", {name: b"\x5d\0\0" + b"z" * 500, "functions.py": b"f"}), WANTED, STUBS)
    assert (
        f"layers.py may be in a file that could not be opened: {name} is an archive of a"
        in found.questions["layers.py"]
    )
    if name.startswith("work"):
        with pytest.raises(SubmissionError, match=rf"{name} is an archive of a kind .* that the grader cannot open; "):
            read(put(tmp_path / "alone", {name: b"\x5d\0\0" + b"z" * 500}), WANTED, STUBS)


@pytest.mark.parametrize("cut", ["before a header", "in a header", "a broken header"])
def test_a_tar_that_is_cut_where_tarfile_does_not_tell_is_a_question_where_a_file_is_missing(tmp_path, cut):
    path = tarred(tmp_path / "work.tar", WORK, "w:")
    data = bytearray(path.read_bytes())
    at = data.index(b"layers.py") // 512 * 512
    data[at + 200] ^= cut == "a broken header"
    path.write_bytes(data if cut == "a broken header" else data[: at + 100 * (cut == "in a header")])
    found = read(path, WANTED, STUBS)
    assert found.files == {"functions.py": WORK["functions.py"]}
    assert "could not be opened: work.tar may be cut off" in found.questions["layers.py"]


def test_a_whole_tar_without_the_mark_of_its_end_is_read(tmp_path):
    path = tarred(tmp_path / "work.tar", WORK, "w:")
    path.write_bytes(path.read_bytes()[: 2 * 512 * len(WORK)])  # a header and a block for each
    found = read(path, WANTED, STUBS)
    assert (found.files, found.questions) == (WORK, {})


def test_an_empty_tar_is_empty(tmp_path):
    (tmp_path / "work.tar").write_bytes(bytes(10240))
    with pytest.raises(SubmissionError, match="is empty; pack the work as a zip"):
        read(tmp_path / "work.tar", WANTED, STUBS)


def test_a_missing_path_and_an_empty_folder(tmp_path):
    with pytest.raises(SubmissionError, match="No such file"):
        read(tmp_path / "nobody", WANTED, STUBS)
    with pytest.raises(SubmissionError, match=r"holds none of functions\.py, layers\.py"):
        read(tmp_path, WANTED, STUBS)


def test_where_all_that_there_is_is_a_link_the_error_says_so(tmp_path):
    (tmp_path / "layers.py").symlink_to("/etc/hostname")
    with pytest.raises(SubmissionError, match=r"holds none of layers\.py; .*; .*layers\.py is a link or device"):
        read(tmp_path, ["layers.py"], {})


def test_links_and_devices_are_never_followed(tmp_path, monkeypatch):
    secret = tmp_path / "secret.py"
    secret.write_bytes(b"secret")
    work = put(tmp_path / "work", {"functions.py": b"f"})
    (work / "layers.py").symlink_to(secret)
    os.mkfifo(work / "part1.ipynb")
    monkeypatch.chdir(work)  # a socket's path has to be short
    with socket.socket(socket.AF_UNIX) as odd:
        odd.bind("two_layer_net.py")
    (work / "all").symlink_to("/")
    found = read(work, [*WANTED, "two_layer_net.py"], STUBS)
    assert found.files == {"functions.py": b"f"}
    assert [note for note in found.notes if "link or device" in note] == [
        f"{name} is a link or device, which is not followed; hand in the file itself"
        for name in ("layers.py", "part1.ipynb", "two_layer_net.py")
    ]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_not_files(tmp_path, kind):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        member = tarfile.TarInfo("layers.py")
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
        member = tarfile.TarInfo("functions.py")
        member.size = 1
        archive.addfile(member, io.BytesIO(b"f"))
    found = read(path, WANTED, STUBS)
    assert found.files == {"functions.py": b"f"}
    assert any("link or device" in note for note in found.notes)


def test_a_link_in_a_zip_is_not_a_file(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("layers.py")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
        archive.writestr("functions.py", b"f")
    assert read(path, WANTED, STUBS).files == {"functions.py": b"f"}


@pytest.mark.parametrize("name", ["../../layers.py", "/etc/layers.py", "..\\..\\layers.py", "C:\\layers.py"])
def test_a_path_that_leaves_the_archive_writes_nothing(tmp_path, name):
    here = tmp_path / "deep" / "down"
    here.mkdir(parents=True)
    found = read(zipped(here / "a.zip", {name: b"l", "functions.py": b"f"}), WANTED, STUBS)
    assert found.files["functions.py"] == b"f"
    assert {path.name for path in tmp_path.rglob("*")} == {"deep", "down", "a.zip"}


def test_names_that_are_not_utf_8_are_shown_escaped(tmp_path):
    work = put(tmp_path / "w", {"functions.py": b"f"})
    folder = os.fsencode(work) + b"/\xff\x1b[31m"
    os.mkdir(folder)  # noqa: PTH102
    with open(folder + b"/layers.py", "wb") as file:  # noqa: PTH123
        file.write(b"l")
    found = read(work, WANTED, STUBS)
    assert found.files["layers.py"] == b"l"
    assert found.origin["layers.py"].isprintable()


# Bombs


def test_a_file_that_unpacks_to_gigabytes_is_not_read_and_the_rest_is(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "FILE", 1000)
    for path in (
        zipped(tmp_path / "a.zip", {"layers.py": bytes(100_000), "functions.py": b"f"}),
        tarred(tmp_path / "a.tgz", {"layers.py": bytes(100_000), "functions.py": b"f"}),
        put(tmp_path / "folder", {"layers.py": bytes(100_000), "functions.py": b"f"}),
    ):
        found = read(path, WANTED, STUBS)
        assert found.files == {"functions.py": b"f"}
        assert "layers.py is larger than" in found.questions["layers.py"]


def test_a_tar_that_unpacks_without_end_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "UNPACKED", 1_000_000)
    path = tarred(tmp_path / "a.tgz", {"data.bin": bytes(3_000_000)} | WORK)
    with pytest.raises(SubmissionError, match="unpacks to more than"):
        read(path, WANTED, STUBS)


def test_a_zip_whose_method_decompresses_in_one_piece_is_told_and_not_tried(tmp_path):
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as file:
            file.writestr("layers.py", b"x = 1")
        with pytest.raises(SubmissionError, match=r"a rare compression method.*plain zip"):
            read(tmp_path / "a.zip", WANTED, STUBS)


def header(type_: bytes, content: bytes, name: str = "x") -> bytes:
    member = tarfile.TarInfo(name)
    member.type, member.size = type_, len(content)
    return member.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % 512)


@pytest.mark.parametrize(
    ("odd", "says"),
    [
        (header(tarfile.XHDTYPE, b"1" * 2_000_000), "a header of 2000000 bytes"),  # CVE-2024-6232: hours
        (header(tarfile.XGLTYPE, b"1" * 70_000), "a header of 70000 bytes"),
        (header(tarfile.GNUTYPE_LONGNAME, b"n" * 70_000), "a header of 70000 bytes"),
        (header(tarfile.XHDTYPE, b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"), "sparse files"),
        (header(tarfile.XHDTYPE, b"9 size=0\n"), "a file with two sizes"),  # hides the next header from a first look
        (header(tarfile.GNUTYPE_SPARSE, b""), "sparse files"),
    ],
)
def test_a_tar_with_headers_that_keep_a_reader_busy_is_refused(tmp_path, odd, says):
    path = tmp_path / "a.tar"
    path.write_bytes(
        header(tarfile.REGTYPE, b"a", "notes.txt") + odd + header(tarfile.REGTYPE, b"x = 1\n", "layers.py")
    )
    with pytest.raises(SubmissionError, match=says):
        read(path, WANTED, STUBS)


def test_archives_inside_archives_share_one_budget(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "UNPACKED", 1_000_000)
    bombs = {f"{n}.tgz": tarred(tmp_path / "bomb.tgz", {"data.bin": bytes(400_000)}).read_bytes() for n in range(9)}
    with pytest.raises(SubmissionError, match="unpacks to more than"):
        read(zipped(tmp_path / "a.zip", bombs), WANTED, STUBS)


def test_what_is_kept_is_bounded_for_copies_and_archives_together(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "KEPT", 50_000)
    copies = {f"{n}/layers.py": bytes(10_000) for n in range(9)}
    inner = {f"{n}.zip": b"PK\3\4" + bytes(10_000) for n in range(9)}
    for files in (copies, inner):
        for path in (put(tmp_path / "folder", files) if files is copies else None, zipped(tmp_path / "a.zip", files)):
            if path is not None:
                with pytest.raises(SubmissionError, match="of files to grade"):
                    read(path, WANTED, STUBS)


def test_an_xz_that_asks_for_gigabytes_to_unpack_is_damaged(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "DICTIONARY", 1 << 20)
    with pytest.raises(SubmissionError, match="damaged"):
        read(tarred(tmp_path / "a.txz", WORK, "w:xz"), WANTED, STUBS)


def test_a_wanted_file_that_may_not_be_read_is_told_and_is_no_stub(tmp_path, monkeypatch):
    folder = put(tmp_path / "ada", WORK | {"photo.jpg": b"p"})
    open_ = os.open

    def refused(path, *arguments, **options):
        if Path(path).name == refuse:
            raise PermissionError(13, "Permission denied", str(path))
        return open_(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refused)
    refuse = "layers.py"
    with pytest.raises(SubmissionError, match=r"layers.py cannot be read \(Permission denied\); check its permissions"):
        read(folder, WANTED, STUBS)
    refuse = "photo.jpg"
    assert any("photo.jpg cannot be read" in note for note in read(folder, (*WANTED, "*.jpg"), STUBS).notes)


def test_too_many_entries_too_many_copies_too_large_an_archive(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "ENTRIES", 50)
    many = {f"{n}.txt": b"" for n in range(60)}
    for path in (zipped(tmp_path / "a.zip", many), tarred(tmp_path / "a.tar", many, "w"), put(tmp_path / "d", many)):
        with pytest.raises(SubmissionError, match="more than 50 files"):
            read(path, WANTED, STUBS)
    monkeypatch.setattr(archive, "COPIES", 5)
    for names in ("{}/layers.py", "layers{}.py"):
        with pytest.raises(SubmissionError, match=r"more than 5 files named layers\.py, or nearly so"):
            read(zipped(tmp_path / "b.zip", {names.format(n): b"" for n in range(9)}), WANTED, STUBS)
    monkeypatch.setattr(archive, "ARCHIVE", 10)
    with pytest.raises(SubmissionError, match="larger than"):
        read(tmp_path / "b.zip", WANTED, STUBS)


def test_a_huge_table_of_contents_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = zipped(tmp_path / "a.zip", {f"{n}.txt": b"" for n in range(200)} | WORK)
    monkeypatch.setattr(unpack, "CONTENTS", 5000)
    with pytest.raises(SubmissionError, match="table of contents"):
        read(path, WANTED, STUBS)


def test_archives_in_archives_end_somewhere(tmp_path):
    content = zipped(tmp_path / "0.zip", WORK).read_bytes()
    for level in range(1, 6):
        content = zipped(tmp_path / f"{level}.zip", {"inner.zip": content}).read_bytes()
    with pytest.raises(SubmissionError, match=r"holds none of.* nested too deep"):
        read(tmp_path / "5.zip", WANTED, STUBS)


def test_more_archives_beside_each_other_than_are_opened_are_told_as_that(tmp_path):
    inner = zipped(tmp_path / "inner.zip", {"notes.txt": b"x"}).read_bytes()
    found = read(zipped(tmp_path / "a.zip", {f"{n}.zip": inner for n in range(102)} | WORK), WANTED, STUBS)
    assert found.files == WORK
    assert [note for note in found.notes if "not opened" in note] == [
        f"{n}.zip was not opened, because 100 archives lie beside it; pack the work as one zip" for n in (100, 101)
    ]


def test_a_tree_deeper_than_python_recurses(tmp_path):
    folder = tmp_path
    here = os.open(tmp_path, os.O_RDONLY)
    try:
        for _ in range(1500):
            os.mkdir("d", dir_fd=here)
            inner = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = inner
    finally:
        os.close(here)
    put(folder, {"layers.py": b"l"})
    try:
        assert read(folder, WANTED, STUBS).files == {"layers.py": b"l"}
    finally:
        subprocess.run(["rm", "-rf", folder / "d"], check=True)  # deeper than shutil.rmtree goes


def old_tar(files: dict[str, bytes]) -> bytes:
    """As before POSIX: no mark that it is a tar."""
    out = b""
    for name, content in files.items():
        head = bytearray(tarfile.TarInfo(name).tobuf(tarfile.USTAR_FORMAT))
        head[124:136] = b"%011o\0" % len(content)
        head[257:512] = bytes(255)
        head[148:156] = b" " * 8
        head[148:156] = b"%06o\0 " % sum(head)
        out += bytes(head) + content + bytes(-len(content) % 512)
    return out + bytes(1024)


@pytest.mark.parametrize(
    "form", ["old tar", "self-extracting", "gz each", "zip each", "nested", "twice", "backslashes"]
)
def test_odd_archives_are_opened(tmp_path, form):
    plain = zipped(tmp_path / "plain.zip", WORK).read_bytes()
    path = tmp_path / "ada.zip"
    match form:
        case "old tar":
            path.write_bytes(old_tar(WORK))
        case "self-extracting":
            path.write_bytes(b"MZ" + bytes(300) + plain)
        case "gz each":
            path = put(tmp_path / "ada", {f"{name}.gz": gzip.compress(content) for name, content in WORK.items()})
        case "zip each":
            path = put(tmp_path / "ada", {})
            for name, content in WORK.items():
                put(path, {f"{name}.zip": zipped(tmp_path / "one.zip", {name: content}).read_bytes()})
        case "nested":
            for _ in range(3):
                plain = zipped(tmp_path / "next.zip", {"hw.zip": plain}).read_bytes()
            path.write_bytes(plain)
        case "twice":
            zipped(path, {"layers.py": b"# first try"})
            with zipfile.ZipFile(path, "a") as file, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # it is meant to hold one name twice
                for name, content in WORK.items():
                    file.writestr(name, content)
        case "backslashes":
            zipped(path, {f"C:\\hw\\{name}": content for name, content in WORK.items()})
    found = read(path, WANTED, STUBS)
    assert found.files == WORK
    told = [note for note in found.notes if "holds layers.py twice; the later one counts" in note]
    assert bool(told) == (form == "twice")
    assert not any(str(tmp_path) in note for note in found.notes)  # a student reads them


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lambda content: old_tar({"layers.py": content})])
def test_a_file_that_was_packed_under_its_own_name_is_that_file(tmp_path, pack):
    packed = WORK | {"layers.py": pack(WORK["layers.py"])}
    found = read(put(tmp_path / "ada", packed), WANTED, STUBS)
    assert (found.files, found.questions) == (WORK, {})


@pytest.mark.parametrize("deeper", [0, 1])
def test_a_file_packed_under_its_own_name_is_opened_as_often_as_archives_in_archives(tmp_path, deeper):
    content = WORK["layers.py"]
    for _ in range(archive.NESTING + deeper):
        content = zipped(tmp_path / "layers.zip", {"layers.py": content}).read_bytes()
    found = read(put(tmp_path / "ada", WORK | {"layers.py": content}), WANTED, STUBS)
    assert (found.files.get("layers.py") == WORK["layers.py"]) == (deeper == 0)


def test_of_a_name_that_a_zip_holds_twice_the_later_counts_unless_it_is_blank(tmp_path):
    for at, (content, expected) in enumerate(((STUBS["layers.py"], b"work"), (b"", b"work"), (b"later", b"later"))):
        path = zipped(tmp_path / f"{at}.zip", {"layers.py": b"work", "functions.py": b"f"})
        with zipfile.ZipFile(path, "a") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is meant to hold one name twice
            file.writestr("layers.py", content)
        found = read(path, WANTED, STUBS)
        assert (found.files["layers.py"], found.questions) == (expected, {})


def test_a_note_on_what_is_too_large_names_no_folder_of_staffs(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "KEPT", 1 << 17)
    inner = zipped(tmp_path / "inner.zip", {"data.bin": os.urandom(1 << 18)}).read_bytes()
    found = read(zipped(tmp_path / "hw.zip", {**WORK, "more/inner.zip": inner}), WANTED, STUBS)
    assert found.files == WORK
    assert [note for note in found.notes if "hw.zip holds more than" in note]
    assert not any(str(tmp_path) in note for note in found.notes)


@pytest.mark.parametrize("folder", ["env", "venv/hw", ".hw"])
def test_work_in_a_folder_that_programs_use_counts_where_there_is_no_other(tmp_path, folder):
    assert read(zipped(tmp_path / "a.zip", {f"{folder}/{n}": c for n, c in WORK.items()}), WANTED, STUBS).files == WORK
    put(tmp_path / "b", WORK | {f"{folder}/layers.py": b"def fc(): return 3"})
    found = read(tmp_path / "b", WANTED, STUBS)
    assert (found.files, found.questions) == (WORK, {})


def test_an_archive_beside_files_is_opened_and_a_large_one_costs_nothing(tmp_path, monkeypatch):
    for form in ("folder", "zip"):
        inner = zipped(tmp_path / "inner.zip", {n: c for n, c in WORK.items() if n != "part1.ipynb"}).read_bytes()
        files = {"hw/code.zip": inner, "hw/part1.ipynb": WORK["part1.ipynb"], "hw/data.zip": b"PK\3\4" + bytes(9000)}
        path = put(tmp_path / "a", files) if form == "folder" else zipped(tmp_path / "a.zip", files)
        found = read(path, WANTED, STUBS)
        assert found.files == WORK
        assert found.origin["layers.py"] == "hw/code.zip/layers.py"
        assert found.questions == {}
    monkeypatch.setattr(unpack, "UNPACKED", 10_000)
    put(tmp_path / "b", WORK | {"bomb.tgz": tarred(tmp_path / "t.tgz", {"x.bin": bytes(1_000_000)}).read_bytes()})
    assert read(tmp_path / "b", WANTED, STUBS).files == WORK


def test_a_data_set_is_not_looked_into(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "UNPACKED", 10_000)
    data = tarred(tmp_path / "t.tgz", {"x.bin": bytes(1_000_000)}).read_bytes()
    put(tmp_path / "b", {"layers.py": WORK["layers.py"], "cifar-10-python.tar.gz": data})
    found = read(tmp_path / "b", WANTED, STUBS)
    assert (found.questions, found.notes) == ({}, ("not in this submission: functions.py, part1.ipynb",))


SEED_ZIP, SEED_TAR = io.BytesIO(), io.BytesIO()
with zipfile.ZipFile(SEED_ZIP, "w") as _zip:
    for _name, _content in NESTED.items():
        _zip.writestr(_name, _content)
with tarfile.open(fileobj=SEED_TAR, mode="w") as _tar:
    for _name, _content in NESTED.items():
        _member = tarfile.TarInfo(_name)
        _member.size = len(_content)
        _tar.addfile(_member, io.BytesIO(_content))


@pytest.mark.medium
@given(
    st.sampled_from([SEED_ZIP.getvalue(), SEED_TAR.getvalue()[:4096]]),
    st.lists(st.tuples(st.integers(0, 4095), st.integers(0, 255)), max_size=12),
    st.integers(0, 4096),
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_archive_is_a_submission_or_one_clear_error(tmp_path, content, changes, length):
    data = bytearray(content)
    for at, value in changes:
        data[at % len(data)] = value
    path = tmp_path / "a.bin"
    path.write_bytes(data[: max(length, len(data) // 2)])
    with suppress(SubmissionError):
        assert set(read(path, WANTED, STUBS).files) <= set(WANTED)
