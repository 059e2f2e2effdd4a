"""A download from a server that cuts connections, ignores ranges, serves a wrong or a huge file, or dies."""

from __future__ import annotations

import gzip
import hashlib
import io
import socket
import tarfile
from pathlib import Path

import numpy as np
import pytest
import server

from grader.data import download
from grader.errors import UsageError

DATA = np.random.default_rng(0).bytes(3_000_000)
MD5 = hashlib.md5(DATA).hexdigest()


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(download, "PAUSE", 0.0)


@pytest.fixture
def site():
    with server.serving({"a.bin": DATA}) as site:
        yield site


def fetch(site, target, name="a.bin", md5=MD5, size=None, **options):
    size = len(DATA) if size is None else size
    download.fetch(f"{site.url}/{name}", target, md5=md5, size=size, **options)


def left(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_fetched_and_its_progress_told(site, tmp_path):
    told = []
    fetch(site, tmp_path / "new" / "a.bin", on_progress=lambda done, total: told.append((done, total)))
    assert (tmp_path / "new" / "a.bin").read_bytes() == DATA
    assert left(tmp_path / "new") == ["a.bin"]
    assert told == sorted(told)
    assert told[-1] == (len(DATA), len(DATA))
    assert site.ranges == [None]


def test_cut_connections_are_resumed_where_they_broke_off(site, tmp_path):
    site.manners = [server.cut(1_000_000), server.dead, server.cut(500_000), server.cut(0), server.whole]
    fetch(site, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == DATA
    assert site.ranges == [None, "bytes=1000000-", "bytes=1000000-", "bytes=1500000-", "bytes=1500000-"]


def test_a_later_call_goes_on_with_what_an_earlier_one_left(site, tmp_path):
    site.manners = [server.cut(1_000_000), server.dead]
    with pytest.raises(
        UsageError, match=r"cannot be fetched \(.*\); the 1,000,000 bytes so far are kept, so try again"
    ):
        fetch(site, tmp_path / "a.bin")
    assert left(tmp_path) == ["a.bin.part"]
    site.manners, site.ranges = [server.whole], []
    fetch(site, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == DATA
    assert site.ranges == ["bytes=1000000-"]


def test_a_server_that_ignores_ranges_starts_again(site, tmp_path):
    site.manners = [server.cut(1_000_000), server.ignoring_ranges]
    fetch(site, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == DATA


def test_a_server_that_never_gets_further_is_given_up(site, tmp_path):
    site.manners = [server.cut_ignoring_ranges(70_000)]
    with pytest.raises(UsageError, match=r"the connection was cut\); the 70,000 bytes"):
        fetch(site, tmp_path / "a.bin")
    assert len(site.ranges) == 1 + download.TRIES


def test_what_an_earlier_call_left_may_be_another_files(site, tmp_path):
    for stale in (b"x" * 1000, b"x" * len(DATA), b"x" * (len(DATA) + 1)):
        (tmp_path / "a.bin.part").write_bytes(stale)
        fetch(site, tmp_path / "a.bin")
        assert (tmp_path / "a.bin").read_bytes() == DATA
        assert left(tmp_path) == ["a.bin"]
        (tmp_path / "a.bin").unlink()


def test_a_file_that_is_there_is_fetched_again_only_if_it_is_another(site, tmp_path):
    (tmp_path / "a.bin").write_bytes(DATA)
    fetch(site, tmp_path / "a.bin")
    assert site.ranges == []
    (tmp_path / "a.bin").write_bytes(DATA[1:])
    fetch(site, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == DATA


def test_a_wrong_file_is_refused_and_not_kept(site, tmp_path):
    for wrong in (DATA[:-1] + b"!", DATA[:1000], b""):
        site.files["a.bin"] = wrong
        with pytest.raises(UsageError, match=r"is not the official file \(md5 \w{32}, not \w{32}\)"):
            fetch(site, tmp_path / "a.bin")
        assert left(tmp_path) == []


def test_a_huge_file_is_refused_before_it_is_fetched(site, tmp_path):
    with pytest.raises(UsageError, match="announces 3,000,000 bytes, more than the 2,000 expected"):
        fetch(site, tmp_path / "a.bin", size=2000)
    assert left(tmp_path) == []


def test_a_huge_file_that_is_not_announced_is_cut_off(site, tmp_path):
    site.manners = [server.unannounced]
    with pytest.raises(UsageError, match="sends more than the 2,000 bytes expected"):
        fetch(site, tmp_path / "a.bin", size=2000)
    assert left(tmp_path) == []


def test_a_file_of_unknown_length_is_whole_when_it_has_the_size(site, tmp_path):
    site.manners = [server.unannounced]
    fetch(site, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == DATA


def test_any_file_within_the_size_is_taken_without_a_sum(site, tmp_path):
    for manner in (server.whole, server.unannounced):
        site.manners = [manner]
        fetch(site, tmp_path / "a.bin", md5=None, size=1 << 30)
        assert (tmp_path / "a.bin").read_bytes() == DATA
        (tmp_path / "a.bin").unlink()
    site.manners = [server.cut(1_000_000), server.whole]
    fetch(site, tmp_path / "a.bin", md5=None, size=1 << 30)
    assert (tmp_path / "a.bin").read_bytes() == DATA


def test_what_is_not_there_is_said_at_once(site, tmp_path):
    with pytest.raises(UsageError, match="answers 404 Not Found; name another --url"):
        fetch(site, tmp_path / "a.bin", name="b.bin")
    assert len(site.ranges) == 1
    assert left(tmp_path) == []


def test_a_server_in_trouble_is_asked_again(site, tmp_path):
    site.manners = [server.answering(503), server.whole]
    fetch(site, tmp_path / "a.bin")
    (tmp_path / "a.bin").unlink()
    site.manners = [server.answering(503)]
    with pytest.raises(UsageError, match=r"cannot be fetched \(503 Service Unavailable\); try again"):
        fetch(site, tmp_path / "a.bin")


def test_a_dead_server_is_one_sentence(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/a.bin"
        with pytest.raises(
            UsageError, match=r"cannot be fetched \(.*refused\); try again, or name another --url"
        ) as raised:
            download.fetch(url, tmp_path / "a.bin", md5=MD5, size=10)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/a", "a.bin", ""])
def test_only_web_addresses_are_fetched(tmp_path, url):
    with pytest.raises(UsageError, match="is not an address that starts with https"):
        download.fetch(url, tmp_path / "a.bin", md5=MD5, size=10)


@pytest.mark.parametrize("url", ["http://", "http://[", "http://127.0.0.1:port/", "http://127.0.0.1/a b", "https:///"])
def test_an_address_that_is_none_is_one_sentence(tmp_path, url):
    with pytest.raises(UsageError, match=r"cannot be fetched|is not an address"):
        download.fetch(url, tmp_path / "a.bin", md5=MD5, size=10)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_one_sentence(site, tmp_path):
    (tmp_path / "a.bin.part").symlink_to("/dev/full")
    with pytest.raises(UsageError, match=rf"{tmp_path} cannot be written \(No space left on device\); make room, or"):
        fetch(site, tmp_path / "a.bin")
    assert len(site.ranges) == 1


def test_a_full_disk_is_told_of_a_small_file_too(tmp_path):
    """Which a buffer would hold until it is closed."""
    (tmp_path / "a.bin.part").symlink_to("/dev/full")
    with server.serving({"a.bin": b"1"}) as site, pytest.raises(UsageError, match=r"cannot be written \(No space"):
        fetch(site, tmp_path / "a.bin", size=1)


FOLDER = "cifar-10-batches-py"


def packed(*members: tuple[str, bytes] | tarfile.TarInfo) -> bytes:
    """A tar.gz of files (name, content) and of other members."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                tar.addfile(info, io.BytesIO(member[1]))
    return buffer.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, target, 0o6777
    return info


def untar(tmp_path, data, most=1 << 20):
    archive = tmp_path / "archive.tar.gz"
    archive.write_bytes(data)
    download.untar(archive, tmp_path / FOLDER, most=most)


def test_the_files_of_one_folder_are_unpacked(tmp_path):
    untar(
        tmp_path, packed(special(FOLDER, tarfile.DIRTYPE), (f"{FOLDER}/a", b"1"), (f"./{FOLDER}/b", b"2"), ("c", b"3"))
    )
    assert {path.name: path.read_bytes() for path in (tmp_path / FOLDER).iterdir()} == {"a": b"1", "b": b"2"}
    assert (tmp_path / FOLDER).stat().st_mode & 0o777 == 0o755
    assert left(tmp_path) == ["archive.tar.gz", FOLDER]


def test_what_could_leave_the_folder_or_is_no_file_stays_out(tmp_path):
    untar(
        tmp_path,
        packed(
            (f"{FOLDER}/a", b"1"),
            (f"{FOLDER}/../out", b"2"),
            (f"/{FOLDER}/out", b"2"),
            (f"{FOLDER}/deep/out", b"2"),
            (f"{FOLDER}/", b"2"),
            special(f"{FOLDER}/link", tarfile.SYMTYPE, "/etc"),
            special(f"{FOLDER}/hard", tarfile.LNKTYPE, "/etc/passwd"),
            special(f"{FOLDER}/pipe", tarfile.FIFOTYPE),
            special(f"{FOLDER}/device", tarfile.CHRTYPE),
        ),
    )
    assert left(tmp_path / FOLDER) == ["a"]
    assert left(tmp_path) == ["archive.tar.gz", FOLDER]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "cannot be unpacked"),
        (b"<html>not found</html>", "cannot be unpacked"),
        (gzip.compress(b"no tar" * 1000, mtime=0), "cannot be unpacked"),
        (packed((f"{FOLDER}/a", DATA[:500_000]))[:-2000], "cannot be unpacked"),
        (packed((f"{FOLDER}/a", b"1"), (f"{FOLDER}/zeros", bytes(2 << 20))), "unpacks to more than 1,048,576 bytes"),
        (packed(("elsewhere/a", b"1")), f"holds no folder {FOLDER}"),
        (packed((f"{FOLDER}/a", b"1"), (f"{FOLDER}/..", b"1")), "cannot be written"),
    ],
)
def test_an_archive_that_cannot_be_unpacked_leaves_nothing(tmp_path, data, sentence):
    with pytest.raises(UsageError, match=sentence) as raised:
        untar(tmp_path, data)
    assert left(tmp_path) == ["archive.tar.gz"]
    assert "\n" not in str(raised.value)


def test_a_folder_that_is_there_is_left_alone(tmp_path):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "mine").touch()
    with pytest.raises(UsageError, match="exists already"):
        untar(tmp_path, packed((f"{FOLDER}/a", b"1")))
    assert left(tmp_path / FOLDER) == ["mine"]


def test_zipped_files_become_a_folder_together_or_not_at_all(tmp_path):
    one, two = tmp_path / "one.gz", tmp_path / "two.gz"
    one.write_bytes(gzip.compress(b"1"))
    for damaged in (gzip.compress(b"2")[:-9], gzip.compress(b"2" * 100)[:-4] + b"!!!!", gzip.compress(bytes(5000))):
        two.write_bytes(damaged)
        with pytest.raises(UsageError, match=r"two.gz (cannot be unpacked|unpacks to too much)"):
            download.unpack({one.name: one, two.name: two}, tmp_path / "raw", most=1000)
        assert left(tmp_path) == ["one.gz", "two.gz"]
    two.write_bytes(gzip.compress(b"2"))
    download.unpack({one.name: one, two.name: two}, tmp_path / "raw", most=1000)
    assert {path.name: path.read_bytes() for path in (tmp_path / "raw").iterdir()} == {"one": b"1", "two": b"2"}


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(UsageError, match=r"cannot be written \(.*\); make it writable, or name another folder"),
        download.new_folder(tmp_path / "file" / "folder"),
    ):
        pass
