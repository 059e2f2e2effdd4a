"""Archives that are the same bytes for the same members, each with a manifest of digests.

Nothing of the machine is in them: no clock, no user, no order of a folder, and no compression, whose bytes differ
between versions of zlib.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from grader.errors import UsageError

Members = Mapping[str, bytes | Path]  # name in the archive -> its bytes, or the file that holds them

MANIFEST = "MANIFEST.sha256"  # as `sha256sum -c` reads it
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first time that a zip can tell
UNIX = 3
SCRIPT, PLAIN = 0o755, 0o644


def zipped(members: Members) -> bytes:
    """A zip of the members and their manifest. Raises UsageError for a name that would leave the folder."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in complete(members).items():
            member = zipfile.ZipInfo(name, EPOCH)
            member.create_system = UNIX
            member.external_attr = (0o100000 | mode(content)) << 16
            archive.writestr(member, content)
    return packed.getvalue()


def tarred(members: Members) -> bytes:
    """A tar of the members and their manifest. Raises UsageError for a name that would leave the folder."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in complete(members).items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def complete(members: Members) -> dict[str, bytes]:
    """Every member as bytes, by name, with the manifest."""
    for name in members:
        if name.startswith("/") or "\\" in name or ".." in PurePosixPath(name).parts or name == MANIFEST:
            raise UsageError(f"an archive cannot hold {name}; rename it")
    found = {name: content_of(members[name]) for name in sorted(members)}
    return {MANIFEST: manifest(found), **found}


def content_of(member: bytes | Path) -> bytes:
    if isinstance(member, bytes):
        return member
    try:
        return member.read_bytes()
    except OSError as error:
        raise UsageError(f"{member} cannot be read ({error.strerror}); it belongs into the package") from None


def text(member: bytes | Path) -> str:
    """A member that is text in UTF-8."""
    return content_of(member).decode()


def manifest(files: Mapping[str, bytes]) -> bytes:
    return "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)).encode()


def mode(content: bytes) -> int:
    return SCRIPT if content.startswith(b"#!") else PLAIN


def unpacked(path: Path) -> dict[str, bytes]:
    """The members of an archive of ours, but for the manifest. Raises UsageError for one that does not hold what its
    manifest says."""
    try:
        if path.suffix == ".tar":
            with tarfile.open(path) as tar:
                files = {one.name: file.read() for one in tar if (file := tar.extractfile(one)) is not None}
        else:
            with zipfile.ZipFile(path) as archive:
                files = {name: archive.read(name) for name in archive.namelist()}
    except (OSError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise UsageError(f"{path} cannot be read ({error}); make it anew") from None
    told = files.pop(MANIFEST, b"")
    if told != manifest(files):
        raise UsageError(f"{path} does not hold what its {MANIFEST} says; make it anew")
    return files
