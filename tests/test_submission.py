"""What is handed in, in every form it comes in; and archives that mean harm."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader import archive, unpack
from grader.errors import SubmissionError
from grader.submission import digest, read

WANTED = ("functions.py", "layers.py", "part1.ipynb")
STUBS = {"functions.py": b"def f1(): return None\n", "layers.py": b"def fc(): return None\n"}
WORK = {"functions.py": b"def f1(): return 1\n", "layers.py": b"def fc(): return 2\n", "part1.ipynb": b"{}"}


def put(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, files: dict[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


NESTED = {f"ada/homework/src/{name}": content for name, content in WORK.items()}


@pytest.mark.parametrize(
    "form",
    [
        "folder",
        "flat",
        "zip",
        "tar",
        "tar.gz",
        "tar.bz2",
        "tar.xz",
        "zip in a folder",
        "zip in zip",
        "tar.xz in a folder",
        "tbz2 in zip",
    ],
)
def test_the_same_work_is_the_same_submission_however_it_is_packed(tmp_path, form):
    path = tmp_path / "ada"
    match form:
        case "folder":
            put(path, NESTED)
        case "flat":
            put(path, WORK)
        case "zip":
            path = zipped(tmp_path / "ada.zip", NESTED)
        case "zip in a folder":
            path.mkdir()
            zipped(path / "final.zip", NESTED)
        case "tar.xz in a folder":
            path.mkdir()
            tarred(path / "final.tar.xz", NESTED, "w:xz")
        case "tbz2 in zip":
            inner = tarred(tmp_path / "inner.tbz2", NESTED, "w:bz2").read_bytes()
            path = zipped(tmp_path / "ada.zip", {"hw/inner.tbz2": inner})
        case "zip in zip":
            inner = zipped(tmp_path / "inner.zip", NESTED).read_bytes()
            path = zipped(tmp_path / "ada.zip", {"hw/inner.zip": inner, "hw/notes.txt": b"see inner"})
        case _:
            path = tarred(tmp_path / f"ada.{form}", NESTED, f"w:{form[4:]}")
    found = read(path, WANTED, STUBS)
    assert found.files == WORK
    assert found.name == "ada"
    assert found.digest == digest(WORK)
    assert found.notes == ()
    assert found.origin["layers.py"].endswith("layers.py")


def test_the_name_of_an_archive_does_not_matter_and_a_name_can_be_given(tmp_path):
    found = read(zipped(tmp_path / "upload.dat", NESTED), WANTED, STUBS, name="Ada")
    assert (found.name, found.files) == ("Ada", WORK)


def test_a_single_file_is_a_submission(tmp_path):
    found = read(put(tmp_path, {"layers.py": b"x = 1\n"}) / "layers.py", WANTED, STUBS)
    assert found.files == {"layers.py": b"x = 1\n"}
    assert found.notes == ("not in this submission: functions.py, part1.ipynb",)


def test_junk_is_passed_over(tmp_path):
    junk = ("__MACOSX/ada", "__pycache__", ".ipynb_checkpoints", ".git", "venv/lib", "node_modules", "x/site-packages")
    put(tmp_path, WORK | {f"{folder}/layers.py": b"junk" for folder in junk} | {"._layers.py": b"\0"})
    assert read(tmp_path, WANTED, STUBS).files == WORK


@pytest.mark.parametrize("name", ["Layers.py", "layers (1).py", "layers-2.py", "LAYERS.PY"])
def test_a_name_that_is_nearly_right_is_taken_and_noted(tmp_path, name):
    found = read(put(tmp_path, {"functions.py": b"f = 1", name: b"l = 1"}), WANTED, STUBS)
    assert found.files["layers.py"] == b"l = 1"
    assert f"{name} was taken as layers.py" in found.notes


def test_the_right_name_wins_over_one_that_is_nearly_right(tmp_path):
    found = read(put(tmp_path, {"layers.py": b"right", "layers (1).py": b"older"}), WANTED, STUBS)
    assert found.files["layers.py"] == b"right"


def test_of_two_candidates_the_one_that_differs_from_the_stub_counts(tmp_path):
    handout = STUBS["layers.py"].replace(b"\n", b"\r\n")
    found = read(put(tmp_path, {"a/layers.py": handout, "b/layers.py": b"mine", "c/layers.py": b"mine"}), WANTED, STUBS)
    assert found.files["layers.py"] == b"mine"


def test_two_that_differ_are_an_error_that_lists_both(tmp_path):
    put(tmp_path, {"a/layers.py": b"one", "b/layers.py": b"two", "c/layers.py": STUBS["layers.py"]})
    with pytest.raises(SubmissionError, match=r"2 different layers\.py: a/layers\.py, b/layers\.py; leave the one"):
        read(tmp_path, WANTED, STUBS)


def test_an_untouched_handout_is_a_submission(tmp_path):
    assert read(put(tmp_path, dict(STUBS)), WANTED, STUBS).files == STUBS


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no folder, zip or tar"),
        (b"just text", "no folder, zip or tar"),
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


def test_a_missing_path_and_an_empty_folder(tmp_path):
    with pytest.raises(SubmissionError, match="No such file"):
        read(tmp_path / "nobody", WANTED, STUBS)
    with pytest.raises(SubmissionError, match=r"holds none of functions\.py, layers\.py"):
        read(tmp_path, WANTED, STUBS)


def test_links_and_devices_are_never_followed(tmp_path):
    secret = tmp_path / "secret.py"
    secret.write_bytes(b"secret")
    work = put(tmp_path / "work", {"functions.py": b"f"})
    (work / "layers.py").symlink_to(secret)
    os.mkfifo(work / "part1.ipynb")
    (work / "all").symlink_to("/")
    found = read(work, WANTED, STUBS)
    assert found.files == {"functions.py": b"f"}
    assert [note for note in found.notes if "link or device" in note] == [
        "layers.py is a link or device, which is not followed; hand in the file itself",
        "part1.ipynb is a link or device, which is not followed; hand in the file itself",
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
        assert any("layers.py is larger than" in note for note in found.notes)


def test_a_tar_that_unpacks_without_end_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "UNPACKED", 1_000_000)
    path = tarred(tmp_path / "a.tgz", {"data.bin": bytes(3_000_000)} | WORK)
    with pytest.raises(SubmissionError, match="unpacks to more than"):
        read(path, WANTED, STUBS)


def test_a_zip_whose_method_decompresses_in_one_piece_is_told_and_not_tried(tmp_path):
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as file:
            file.writestr("layers.py", b"x = 1")
        with pytest.raises(SubmissionError, match=r"a method that few programs know.*plain zip"):
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
        (header(tarfile.XHDTYPE, b"9 size=0\n"), "sparse files"),  # hides the next header from a first look
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
    with pytest.raises(SubmissionError, match=r"more than 5 files named layers\.py"):
        read(zipped(tmp_path / "b.zip", {f"{n}/layers.py": b"" for n in range(9)}), WANTED, STUBS)
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
    with pytest.raises(SubmissionError, match="holds none of"):
        read(tmp_path / "5.zip", WANTED, STUBS)


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


SEED_ZIP, SEED_TAR = io.BytesIO(), io.BytesIO()
with zipfile.ZipFile(SEED_ZIP, "w") as _zip:
    for _name, _content in NESTED.items():
        _zip.writestr(_name, _content)
with tarfile.open(fileobj=SEED_TAR, mode="w") as _tar:
    for _name, _content in NESTED.items():
        _member = tarfile.TarInfo(_name)
        _member.size = len(_content)
        _tar.addfile(_member, io.BytesIO(_content))


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


PICTURES = (*WANTED, "*.jpg", "*.PNG")


def test_files_of_a_wanted_ending_come_along(tmp_path):
    for name in ("layers.py", "cat.JPG", "sub/dog-1.jpg", "sub/dog-2.png", ".hidden.jpg", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    found = read(tmp_path, PICTURES, {})
    assert set(found.files) == {"layers.py", "cat.JPG", "dog-1.jpg", "dog-2.png"}
    assert found.origin["dog-1.jpg"] == "sub/dog-1.jpg"
    assert not any("*" in note for note in found.notes)
    assert found.digest != read(tmp_path, WANTED, {}).digest


def test_pictures_alone_are_no_submission(tmp_path):
    (tmp_path / "cat.jpg").write_bytes(b"cat")
    with pytest.raises(SubmissionError, match="holds none of"):
        read(tmp_path, PICTURES, {})
    with zipfile.ZipFile(tmp_path / "work.zip", "w") as archive:
        archive.writestr("layers.py", "x = 1")
    assert set(read(tmp_path, PICTURES, {}).files) == {"cat.jpg", "layers.py"}


def test_of_a_whole_data_set_only_some_files_are_taken(tmp_path):
    (tmp_path / "layers.py").write_bytes(b"")
    for number in range(archive.BESIDE + 5):
        (tmp_path / f"{number:03}.jpg").write_bytes(b"")
    found = read(tmp_path, PICTURES, {})
    assert len(found.files) == 1 + archive.BESIDE
    (note,) = [note for note in found.notes if "not read" in note]
    assert note.startswith("not read: 100.jpg, 101.jpg, 102.jpg and 2 more; of pictures, at most 100 of 32 MiB each")


def test_pictures_that_are_too_large_are_noted_and_cost_no_other_file(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "FILE", 1000)
    monkeypatch.setattr(archive, "BESIDE_ROOM", 1500)
    sizes = {"a.jpg": 1001, "b.jpg": 900, "c.jpg": 900, "d.jpg": 500}
    (tmp_path / "layers.py").write_bytes(b"")
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(bytes(size))
    found = read(tmp_path, PICTURES, {})
    assert set(found.files) == {"layers.py", "b.jpg", "d.jpg"}
    assert any(note.startswith("not read: a.jpg, c.jpg; of pictures") for note in found.notes)


NOTEBOOKS = ("layers.py", "part1.ipynb", "part2.ipynb")


@pytest.mark.parametrize(
    "name",
    [
        "Copy of part1.ipynb",
        "part1_final.ipynb",
        "hw3_layers_part1.ipynb",
        "Part_1.ipynb",
        "part1-checkpoint.ipynb",
        "PART 1 (2).ipynb",
        "Task 5, part-1 v10.IPYNB",
        "part1_2.ipynb",
    ],
)
def test_a_notebook_is_told_by_the_name_within_its_name(tmp_path, name):
    (tmp_path / name).write_bytes(b"{}")
    (tmp_path / "layers.py").write_bytes(b"")
    found = read(tmp_path, NOTEBOOKS, {})
    assert found.files["part1.ipynb"] == b"{}"
    assert f"{name} was taken as part1.ipynb" in found.notes


@pytest.mark.parametrize("name", ["part12.ipynb", "part1 and part2.ipynb", "part3.ipynb", "part1.html", "apart.ipynb"])
def test_other_names_are_no_notebooks(tmp_path, name):
    (tmp_path / name).write_bytes(b"{}")
    (tmp_path / "layers.py").write_bytes(b"")
    assert set(read(tmp_path, NOTEBOOKS, {}).files) == {"layers.py"}


def test_the_nearer_name_counts_and_two_far_ones_are_noted(tmp_path):
    (tmp_path / "layers.py").write_bytes(b"")
    for name in ("part1_a.ipynb", "part1_b.ipynb", "copy/part1_a.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(Path(name).name.encode())
    stub = {"part1.ipynb": b"part1_b.ipynb"}
    assert read(tmp_path, NOTEBOOKS, stub).files["part1.ipynb"] == b"part1_a.ipynb"
    found = read(tmp_path, NOTEBOOKS, {})
    assert set(found.files) == {"layers.py"}
    assert any("may each be part1.ipynb, so none was taken; leave the one that counts" in note for note in found.notes)
    assert "not in this submission: part1.ipynb, part2.ipynb" in found.notes
    (tmp_path / "part1 (1).ipynb").write_bytes(b"near")
    assert read(tmp_path, NOTEBOOKS, {}).files["part1.ipynb"] == b"near"
