"""Canvas's and Moodle's importers, written from their rules: each of 10,000 hard names finds its student, or nobody.

The way is the whole one: a name as the platform writes it in its download, our reading of that folder, our archive, and
the platform's reading of the archive.
"""

from __future__ import annotations

import io
import random
import re
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from grader.course.export.feedback import canvas, moodle
from grader.course.export.feedback.letter import Letter, letter, zipped
from grader.course.layouts import canvas as canvas_layout
from grader.course.layouts import moodle as moodle_layout
from grader.course.student import unique
from grader.model import Row, Student

pytestmark = pytest.mark.medium

PARTS = (
    "", " ", "_", "__", "-", ".", "...", "~", "12", "007", "12_34", "_7_", "LATE", "late", "anon", "anon_7", "link",
    "Linkola", "text", "CON", "nul", "aux.txt", "LPT1", "assignsubmission", "Ann_42_assignsubmission_file",
    "42_assignfeedback_file", "\u0645\u062d\u0645\u062f", "\u05d3\u05d5\u05d3", "\u202eeve", "\u674e\u5c0f\u9f8d",
    "Nguye\u0302\u0303n", "Müller", "Ł", "İ", "ß", "O'Neil", "Jean-Pierre", "de la Cruz", "Ada", "Bob", "x" * 80,
    "\u0665\u0666", "²", "😀", "a/b", "a\\b", 'q"uote', "<b>", "Doe",
)  # fmt: skip
MANY = 10_000


def hard_names() -> list[tuple[str, str]]:
    """First and family names: many twice, some empty."""
    rng = random.Random(18)
    return [
        (rng.choice(PARTS), rng.choice(PARTS) + rng.choice(("", " ", "_")) + rng.choice(PARTS)) for _ in range(MANY)
    ]


def on_disk(text: str) -> str:
    """What an unpacking program makes of a member's name."""
    return re.sub(r"[\x00/\\:*?\"<>|]", "-", text)


@dataclass
class Canvas:
    """An assignment in Canvas: who handed in which files, and what an upload does."""

    handed_in: dict[str, set[str]] = field(default_factory=dict)
    groups: tuple[str, ...] = ()

    def download(self, user: str, file: str, sortable: str, own: str = "hw.html", late: bool = False) -> str:
        """lib/content_zipper.rb: get_user_name, get_filename."""
        self.handed_in.setdefault(user, set()).add(file)
        name = re.sub(r"_(\d+)_", r"\1", sortable, flags=re.ASCII).lower()
        start = re.sub(r"\W", "", "_".join([name, *(["LATE"] if late else []), user]))
        return f"{start}_{file}_{own}"

    def importer(self, path: str) -> str | None:
        """app/models/abstract_assignment.rb: infer_comment_context_from_filename. The user, or None where ignored."""
        name = path.rpartition("/")[2]
        if group := next((group for group in self.groups if name.startswith(f"{group}_")), None):
            name = name.removeprefix(f"{group}_")
        parts = [part for part in name.split("_") if part != "LATE"]
        if parts[0] == "anon":
            user, file = (*parts[1:3], None, None)[:2]
        else:
            user, file = (*[part for part in parts if re.fullmatch(r"[0-9]+", part)][:2], None, None)[:2]
        if parts[-1].startswith("link") or name.startswith("._") or file is None or user is None:
            return None
        return user if file in self.handed_in.get(user, ()) else None


class Moodle:
    """An assignment in Moodle, and what an upload of feedback does: mod/assign/feedback/file/importziplib.php."""

    def __init__(self, participants: set[int]) -> None:
        self.participants = participants
        self.feedback: dict[int, dict[str, bytes]] = {}
        self.notified: list[int] = []

    def importer(self, path: str, content: bytes) -> int | None:
        if path.rpartition("/")[2].startswith((".", "~")):
            return None
        parts = ["", "import", *path.split("/")]
        while parts:
            info = parts.pop(0).split("_", 4)
            if len(info) < 4 or not re.fullmatch(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", info[1], re.ASCII):
                continue
            user = int(float(info[1]))
            if user not in self.participants or (info[2], info[3]) not in PLUGINS:
                continue
            name = "/".join([info[4] if len(info) > 4 else "", *parts])
            self.take(user, name, content, compared=info[2] == "assignfeedback")
            return user
        return None

    def take(self, user: int, name: str, content: bytes, compared: bool) -> None:
        there = self.feedback.setdefault(user, {})
        if compared and there.get(name) == content:
            return
        there[name.rpartition("/")[2]] = content
        self.notified.append(user)


PLUGINS = {("assignsubmission", "file"), ("assignsubmission", "onlinetext"), ("assignfeedback", "file")}


def letters(students: list[Student], report) -> list[Letter]:
    known = letter(Row(students[0], report), "")
    return [replace(known, row=Row(one, report), page=f"<p>{one.id}") for one in students]


def members(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def touched(folder: Path, names: list[str]) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).touch()
    return folder


def test_canvas_finds_each_of_10000_hard_names_or_nobody(tmp_path, report):
    assignment = Canvas(groups=("ada", "student", "anon", "7"))
    names = {}
    for at, (first, last) in enumerate(hard_names()):
        user, file = str(500 + at), str(900_000 + 3 * at)
        names[assignment.download(user, file, f"{last}, {first}", late=at % 3 == 0)] = user
    folder = touched(tmp_path / "class", list(names))
    sent = letters(unique(canvas_layout.students(folder)), report)
    post = canvas.pack(sent, list(names))
    owner = {one.student: names[Path(one.row.student.path or "").name] for one in sent}
    files = members(zipped(post.files))
    for name, whose in post.whose.items():
        (one,) = whose
        assert assignment.importer(name) == owner[one.student], (name, one.row.student.path)
        assert files[name] == one.page.encode()
    reasons = {why: len(ids) for why, ids in post.left_out.items()}
    assert set(reasons) <= {canvas.UNCLEAR}
    assert len(files) + sum(reasons.values()) == len(sent) > 0.99 * MANY  # two of one wrongly read id are one student
    assert len(files) > 0.85 * MANY


def test_moodle_finds_each_of_10000_hard_names_and_a_second_upload_changes_nothing(tmp_path, report):
    names = {}
    for at, (first, last) in enumerate(hard_names()):
        start = on_disk(f"{first} {last}".strip()) or "x"
        names[f"{start}_{500 + at}_assignsubmission_file"] = 500 + at
    sent = letters(unique(moodle_layout.students(touched(tmp_path / "class", list(names)))), report)
    assignment = Moodle(set(range(10, 500 + MANY)))  # 10 to 499 handed in nothing: 12, 34 and 42 are among them
    post = moodle.pack(sent)
    files = members(zipped(post.files))
    for _ in range(2):
        for name, content in files.items():
            (one,) = post.whose[name]
            assert assignment.importer(name, content) == names[Path(one.row.student.path or "").name], name
            assert content == one.page.encode()
    assert len(files) + len(post.left_out[moodle.UNCLEAR]) == len(sent)
    assert len(files) > 0.95 * len(sent) > 0.85 * MANY  # a name that begins with a dot is hidden
    assert set(post.left_out) == {moodle.UNCLEAR}
    assert sorted(assignment.notified) == sorted(set(assignment.notified))
    name, content = next(iter(files.items()))
    assignment.importer(name, content + b" ")
    assert len(assignment.feedback[assignment.notified[-1]]) == 1
    assert len(assignment.notified) == len(files) + 1


def test_a_raw_name_would_hand_a_number_to_another():
    """The importers here are ones that can go wrong: names as they stand give feedback to others, or to nobody."""
    assert Moodle({42, 7}).importer("Ann_42_assignsubmission_file_7_assignfeedback_file_report.html", b"") == 42
    assignment = Canvas({"7": {"101"}, "101": {"9001"}})
    assert assignment.importer("007_101_9001_hw.zip") is None
    assert assignment.importer("x_7_101_9001_hw.zip") == "7"
    assert assignment.importer("doe_101_9001_link.html") is None


def of(path: str, **ids: str) -> Student:
    return Student(path, "Doe, Jane", ids, f"class/{path}")


@pytest.mark.parametrize(
    ("path", "ids", "beside", "place"),
    [
        ("doejane_101_9001_hw.zip", {}, (), ("101", "9001", "hw.zip")),
        ("doejane_LATE_101_9001_hw.zip", {}, (), ("101", "9001", "hw.zip")),
        ("anon_aB3x9_9001_hw.zip", {"ID": "anon_aB3x9"}, (), ("anon_aB3x9", "9001", "hw.zip")),
        ("LATE_anon_aB3x9_9001_hw.zip", {"ID": "anon_aB3x9"}, (), ("anon_aB3x9", "9001", "hw.zip")),
        ("anon_12345_9001_hw.zip", {"ID": "anon_12345"}, (), ("anon_12345", "9001", "hw.zip")),
        ("anon_12345_9001_hw.zip", {"ID": "12345"}, (), ("12345", "9001", "hw.zip")),  # a student who is called Anon
        ("doejane_101_text.html", {}, (), canvas.NO_FILE),
        ("doejane_101_link.html", {}, (), canvas.NO_FILE),
        ("ada.zip", {}, (), canvas.NOT_FROM_CANVAS),
        ("team_2_101_9001_hw.zip", {}, (), canvas.UNCLEAR),
        ("team_2_101_9001_hw.zip", {}, ("star_2_102_9002_hw.zip",), ("101", "9001", "hw.zip")),
        ("doe_101_9001_2_hw.py", {"ID": "101", "Section": "A"}, (), ("101", "9001", "2_hw.py")),
        ("team_2_101_9001_hw.zip", {"ID": "101", "Section": "A"}, (), ("101", "9001", "hw.zip")),
        ("doe_101_9001_hw.py", {"ID": "777", "Section": "A"}, (), ("101", "9001", "hw.py")),  # the group's member
    ],
)
def test_a_name_of_canvas_is_read_or_not_guessed(path, ids, beside, place):
    names = [path, *beside]
    twice = canvas_layout.ids_of_several([found for name in names if (found := canvas_layout.match(name))])
    (found,) = canvas.places_of(of(path, **ids), canvas.by_part(names), twice)
    assert found == (canvas.Place(*place) if isinstance(place, tuple) else place)


@pytest.mark.parametrize(
    ("own", "taken"),
    [
        (("a.py", "b.zip"), "b.zip"),
        (("photo.jpg", "notes.txt", "work.ipynb"), "notes.txt"),
        (("work.ipynb", "work.py"), "work.py"),
        (("hw.TAR.GZ",), "hw.TAR.GZ"),
        (("photo.jpg",), None),
    ],
)
def test_a_report_comes_in_a_file_of_the_kind_that_was_handed_in(report, own, taken):
    """Canvas names the comment's file like the one that was handed in."""
    names = [f"doejane_101_{9000 + at}_{name}" for at, name in enumerate(own)]
    post = canvas.pack(letters([of(names[0])], report), names)
    if taken is None:
        assert post.left_out == {canvas.NO_KIND: [names[0]]}
        return
    (name,) = post.files
    assert name == f"doejane_101_{9000 + own.index(taken)}_report{canvas.kind_of(taken)}"
    content = post.files[name]
    if taken.endswith(".py"):
        compile(content, taken, "exec")
    assert b"report.html" in content or b"19.33 of 40" in content or taken == "hw.TAR.GZ"


def test_a_group_gets_one_file_if_its_members_read_the_same_and_none_if_not(report):
    path = "teamred_101_9001_hw.zip"
    ada, bob = (replace(of(path, ID=id_, Section="A"), id=id_) for id_ in ("5", "6"))
    post = canvas.pack(letters([ada, bob], report), [path])
    assert [len(whose) for whose in post.whose.values()] == [2]
    lesser = replace(report, remarks=replace(report.remarks, late_days=1, penalty=10.0))
    post = canvas.pack([*letters([ada], report), *letters([bob], lesser)], [path])
    assert (post.files, post.left_out) == ({}, {canvas.GROUP: ["5", "6"]})


def test_moodle_gives_a_groups_feedback_to_no_other_participant(report):
    people = [
        Student("team", "Team A", {"Identifier": "Participant 12"}, unlisted=True),
        Student("cy", "Cy", {"Identifier": "Participant 12"}),
    ]
    post = moodle.pack(letters(people, report))
    assert (list(post.files), post.left_out) == (
        ["cy_12_assignfeedback_file_report.html"],
        {moodle.UNLISTED: ["team"]},
    )


def test_moodle_leaves_out_who_has_no_number_and_two_who_share_one(report):
    def numbered(id_: str, number: str) -> Student:
        return Student(id_, id_, {"Identifier": number} if number else {})

    people = [
        numbered("a", "Participant 7"),
        numbered("b", "Teilnehmer/in7"),
        numbered("c", ""),
        numbered("d", "参与者 8"),
    ]
    post = moodle.pack(letters(people, report))
    assert list(post.files) == ["d_8_assignfeedback_file_report.html"]
    assert post.left_out == {moodle.TWICE: ["a", "b"], moodle.UNKNOWN: ["c"]}
