"""What one student gets back: the page, and the same in a few lines of text. And what all platforms share."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from grader.course import result_keys
from grader.course.export.moodle import lines
from grader.course.student import safe
from grader.model import Row
from grader.report.audience import presented

PAGE = "report.html"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time of a member: equal feedback makes equal archives


@dataclass(frozen=True, slots=True)
class Letter:
    """A student's line, page (HTML) and text. Two letters that tell the same have one `digest`, whoever gets them."""

    row: Row
    page: str
    text: str
    digest: str

    @property
    def student(self) -> str:
        return self.row.student.id


@dataclass(slots=True)
class Post:
    """Files for a platform by name, the ids of the students whose letters they hold, and why others are left out:
    reason -> ids."""

    files: dict[str, bytes] = field(default_factory=dict)
    whose: dict[str, Sequence[Letter]] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    @property
    def letters(self) -> list[Letter]:
        return [one for letters in self.whose.values() for one in letters]

    def put(self, name: str, content: bytes, letters: Sequence[Letter]) -> None:
        assert name not in self.files, name
        self.files[name], self.whose[name] = content, letters

    def drop(self, name: str) -> None:
        del self.files[name], self.whose[name]

    def leave_out(self, letter: Letter, why: str) -> None:
        self.left_out.setdefault(why, []).append(letter.student)


def letter(row: Row, page: str) -> Letter:
    assert row.report is not None
    seen = presented(row.report, "student")
    checks = [(check.name, check.verdict, check.earned, check.message, check.output) for check in seen.checks]
    said = [": ".join(filter(None, (one.item, one.place, one.text))) for one in seen.remarks.comments]
    text = "\n".join([*lines(seen), *said, *seen.notes])
    told = [text, [list(map(str, check)) for check in checks], repr(replace(seen.remarks, adjustments=())),
            [[one.item, one.points, one.author, one.why] for one in seen.remarks.adjustments]]  # fmt: skip
    return Letter(row, page, text, result_keys.digest(told))


def by_place(letters: Sequence[Letter], place: Callable[[Letter], str], post: Post, why: str) -> list[Sequence[Letter]]:
    """The letters by their place on a platform, which a group shares. If its members must read different letters, none
    is right for all of them: they are left out, with `why`."""
    groups: dict[str, list[Letter]] = {}
    for one in letters:
        groups.setdefault(place(one), []).append(one)
    kept: list[Sequence[Letter]] = []
    for group in groups.values():
        if len({one.digest for one in group}) == 1:
            kept.append(group)
        else:
            for one in group:
                post.leave_out(one, why)
    return kept


def word(name: str) -> str:
    """A name in lower case letters alone, for people who look into an archive: no importer reads it. It holds nothing
    that an importer takes for a number, a separator or a word of its own."""
    return re.sub(r"[^a-z]", "", safe(name).lower())[:40].removeprefix("anon") or "student"


def zipped(files: Mapping[str, bytes], runs: Iterable[str] = ()) -> bytes:
    """An archive of these files; those in `runs` are programs."""
    buffer, programs = io.BytesIO(), set(runs)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            member = zipfile.ZipInfo(name, EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = (0o100755 if name in programs else 0o100644) << 16
            archive.writestr(member, files[name])
    return buffer.getvalue()
