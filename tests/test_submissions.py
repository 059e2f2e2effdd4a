"""The grader, graded: small submissions, each right or wrong in one known way, and what each must get.

A folder of tests/submissions/ holds the files that differ from its base, and expect.yaml:

    about    one line: what is right or wrong here
    base     where the other starred files come from: reference (default), student, or none
    missing  files of the base that are left out
    layout   folder (default), flat, zip, tar or nested-with-junk: the form in which it is handed in
    limits   fields of Limits that are changed, so that an endless loop ends soon
    only     tasks and items that are graded, where it is not all that needs no training
    settings item -> numbers of the rubric that are changed, so that a training run on few images is judged fairly
    review   regular expressions, one for each thing that is left to a person
    points   items that do not get full points; the other graded items do
    checks   checks that do not end in PASS, and how they end
    followed checks that fail on the submission's own parts and earn their points on right ones
    says     check -> regular expression that its message holds; of one in `followed`, what it said at first
    advice   check -> regular expression that one piece of its advice holds
"""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from reading import GRADE, reading_grade

from grader.data import datasets
from grader.follow_through import BY_THE_COURSE
from grader.grading import grade
from grader.homework.data import cifar10
from grader.intake.submission import read, stubs
from grader.loading import ROOT, load
from grader.measure.diagnose import MOST_WORDS
from grader.measure.expect import MORE
from grader.model import CheckResult, Homework, Item, ItemResult, Report, Submission, Verdict
from grader.reference import LACKING, Recorded
from grader.release.recording import record
from grader.sandbox.launch import Launch, Zygotes, spawn

pytestmark = pytest.mark.medium

FOLDER = Path(__file__).parent / "submissions"
HOMEWORK = load(ROOT / "grader" / "homework")
STARRED = {Path(path).name: path for section in HOMEWORK.rubric.sections for path in section.modules.values()}
WANTED = [name for section in HOMEWORK.rubric.sections for name in section.submit]
STUBS = stubs(HOMEWORK.handout, WANTED)
PLANNED = {plan.name: plan.points for task in HOMEWORK.rubric.tasks for item in task.items for plan in item.checks}
UNTRAINED = ("1", "2", "3", "4.1")
IMAGES = 10_000  # of the stand-in that networks are trained on here; half of them are for validation
NOTE = 300  # characters above the cap for the note that says how much was dropped
ADA = "Lovelace, Ada"
SEED = 1
UNASKED = (  # not graded again with the recording
    "train-",
    "odd-endless",
    "odd-sleep",
    "odd-4-gb",
    "odd-flood",
    "odd-huge-array",
)


@dataclass(frozen=True)
class Expected:
    """expect.yaml; a field that is not one of these is a mistake in it."""

    about: str
    base: str = "reference"
    missing: tuple[str, ...] = ()
    layout: str = "folder"
    limits: dict[str, float] = field(default_factory=dict)
    only: tuple[str, ...] = UNTRAINED
    settings: dict[str, dict[str, float]] = field(default_factory=dict)
    review: tuple[str, ...] = ()
    points: dict[str, float] = field(default_factory=dict)
    checks: dict[str, str] = field(default_factory=dict)
    followed: tuple[str, ...] = ()
    says: dict[str, str] = field(default_factory=dict)
    advice: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Graded:
    expected: Expected
    report: Report
    limit: int  # bytes of output that the run was allowed to keep for one check
    path: Path  # what was handed in
    homework: Homework

    @property
    def items(self) -> dict[str, ItemResult]:
        return {item.id: item for task in self.report.tasks for item in task.items}

    @property
    def checks(self) -> dict[str, CheckResult]:
        return {check.name: check for item in self.items.values() for check in item.checks if check.name in PLANNED}


def starred(base: str) -> dict[str, bytes]:
    """The base's starred files of Section 1, by base name."""
    if base == "none":
        return {}
    return {name: (ROOT / base / path).read_bytes() for name, path in STARRED.items()}


def hand_in(source: Path, expected: Expected, folder: Path) -> Path:
    """The submission as a student hands it in, below `folder`: a folder, a zip or a tar."""
    own = {path.name: path.read_bytes() for path in source.iterdir() if path.suffix == ".py"}
    files = {name: data for name, data in (starred(expected.base) | own).items() if name not in expected.missing}
    return LAYOUTS[expected.layout]({STARRED[name]: data for name, data in files.items()}, folder)


def as_folder(files: dict[str, bytes], folder: Path) -> Path:
    root = folder / ADA
    root.mkdir()
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return root


def as_flat(files: dict[str, bytes], folder: Path) -> Path:
    return as_folder({Path(path).name: data for path, data in files.items()}, folder)


def as_zip(files: dict[str, bytes], folder: Path) -> Path:
    path = folder / f"{ADA}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(f"{ADA}/{name}", data)
    return path


def as_tar(files: dict[str, bytes], folder: Path) -> Path:
    path = folder / f"{ADA}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(f"{ADA}/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def with_junk(files: dict[str, bytes], folder: Path) -> Path:
    """What real zips hold besides: a Mac's shadow files, caches, data, and the untouched handout once more."""
    shadows = {f"__MACOSX/{ADA}/{Path(name).parent}/._{Path(name).name}": b"\0\5\x16\7\0" for name in files}
    stubs_again = {f"hw/old/handout/{STARRED[name]}": data for name, data in STUBS.items() if name in STARRED}
    junk = {
        ".DS_Store": b"\0\0\0\1Bud1",
        "hw/neuralnet/__pycache__/layers.cpython-311.pyc": b"\xa7\r\r\n",
        "hw/neuralnet/cifar-10-batches-py/data_batch_1": bytes(1000),
        "hw/neuralnet/checkpoint.pkl": b"\x80\x04.",
        "hw/README.md": b"see neuralnet/\n",
    }
    real = {f"hw/{name}": data for name, data in files.items()}
    path = as_zip(real | stubs_again | junk, folder)
    with zipfile.ZipFile(path, "a") as archive:
        for name, data in shadows.items():
            archive.writestr(name, data)
    return path


LAYOUTS = {"folder": as_folder, "flat": as_flat, "zip": as_zip, "tar": as_tar, "nested-with-junk": with_junk}


def grade_path(
    path: Path, homework: Homework = HOMEWORK, only: Sequence[str] = UNTRAINED, launch: Launch = lambda section: spawn
) -> Report:
    work, data = read(path, WANTED, STUBS), {"cifar10": images()}.__getitem__
    return grade(work, homework, seed=SEED, only=only, data=data, launch=launch)


@cache
def images() -> datasets.DataSet:
    return datasets.made_up(HOMEWORK.rubric.data["cifar10"], cifar10.made_up(IMAGES, 10))


def changed(limits: dict[str, Any], settings: dict[str, dict[str, float]]) -> Homework:
    """The homework with other limits, and other numbers for some items."""
    rubric = HOMEWORK.rubric

    def item(given: Item) -> Item:
        return replace(given, settings={**given.settings, **settings.get(given.id, {})})

    tasks = tuple(replace(task, items=tuple(map(item, task.items))) for task in rubric.tasks)
    return replace(HOMEWORK, rubric=replace(rubric, limits=replace(rubric.limits, **limits), tasks=tasks))


def chosen(only: Sequence[str]) -> list[Item]:
    return [item for task in HOMEWORK.rubric.tasks for item in task.items if {task.id, item.id} & set(only)]


def parameters() -> list[Any]:
    """The folders of tests/submissions/; those that train a network are slow."""
    return [
        pytest.param(path.parent, id=path.parent.name, marks=[pytest.mark.slow] * path.parent.name.startswith("train-"))
        for path in sorted(FOLDER.glob("*/expect.yaml"))
    ]


@pytest.fixture(scope="module")
def launch() -> Iterator[Launch]:
    with Zygotes() as zygotes:
        yield zygotes.launch


@pytest.fixture(scope="module", params=parameters())
def graded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, launch: Launch) -> Graded:
    """One submission, graded once for all the tests below."""
    expected = Expected(**yaml.safe_load((request.param / "expect.yaml").read_text(encoding="utf-8")))
    homework = changed(expected.limits, expected.settings)
    path = hand_in(request.param, expected, tmp_path_factory.mktemp("handed-in"))
    return Graded(
        expected, grade_path(path, homework, expected.only, launch), homework.rubric.limits.output, path, homework
    )


def recording(folder: Path) -> Recorded:
    """The reference's answers to what the checks ask at SEED, as a handout holds them."""
    path = folder / "answers.zip"
    path.write_bytes(record(ROOT / "grader" / "homework", (SEED,)))
    return Recorded(path)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    made = recording(tmp_path_factory.mktemp("recording"))
    assert made.path.stat().st_size * 32 < 5_000_000
    return made


def told(report: Report) -> dict[str, tuple[Verdict, float, str]]:
    """Check -> what it came to; a session's folder has another name each time."""
    return {
        check.name: (check.verdict, check.earned, re.sub(r"backgrade-\w+", "", check.message))
        for check in report.checks
    }


def test_every_check_ends_as_expected(graded: Graded) -> None:
    ends = {name: str(check.verdict) for name, check in graded.checks.items()}
    expected = {name: graded.expected.checks.get(name, "PASS") for name in ends}
    reasons = [f"{name} {ends[name]}: {graded.checks[name].message}" for name in ends if ends[name] != expected[name]]
    assert ends == expected, "\n".join(reasons)
    followed = [name for name in ends if ends[name] == "PASS" and graded.checks[name].followed is not None]
    assert followed == list(graded.expected.followed)
    questions = graded.report.needs_review
    assert len(questions) == len(graded.expected.review), questions
    assert all(re.search(*pair) for pair in zip(graded.expected.review, questions, strict=True)), questions


def test_every_item_gets_the_points_expected(graded: Graded) -> None:
    judged = {id: item for id, item in graded.items.items() if item.verdict is not Verdict.SKIPPED}
    assert {id: item.score for id, item in judged.items()} == {
        id: graded.expected.points.get(id, item.max_score) for id, item in judged.items()
    }
    assert set(graded.expected.points) <= set(judged)


def test_messages_say_what_is_wrong(graded: Graded) -> None:
    for name, pattern in graded.expected.says.items():
        check = graded.checks[name]
        message = check.followed.first.message if check.followed and name in graded.expected.followed else check.message
        assert re.search(pattern, message), f"{name}: {message}"
    for name, pattern in graded.expected.advice.items():
        advice = graded.checks[name].advice
        assert any(re.search(pattern, sentence) for sentence in advice), f"{name}: {advice}"


def test_messages_are_sentences_and_never_tracebacks(graded: Graded) -> None:
    for check in graded.checks.values():
        assert (check.message == "") == (check.verdict is Verdict.PASS), check
        assert "Traceback" not in check.message
        assert len(check.message) < 1000
        assert len(check.output) <= graded.limit + NOTE


def test_headlines_are_short(graded: Graded) -> None:
    said = {name: check.followed.said for name, check in graded.checks.items() if check.followed and not check.message}
    told = {name: check.message for name, check in graded.checks.items()} | said
    assert not {name: text for name, text in told.items() if len(text.split()) > MOST_WORDS}


def test_headlines_are_easy_to_read(graded: Graded) -> None:
    """But for what Python and numpy say themselves, and for what is not implemented yet, which its words make long."""
    hard = {name: check.message for name, check in graded.checks.items()
            if check.message and " raised " not in check.message and check.verdict is not Verdict.NOT_IMPLEMENTED
            and reading_grade(check.message) > GRADE}  # fmt: skip
    assert not hard


def test_a_handout_says_what_the_course_says(
    graded: Graded, recorded: Recorded, launch: Launch, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.params["graded"].name
    if name.startswith(UNASKED):
        pytest.skip("it hangs or trains, and asks the reference nothing more")
    apart = replace(graded.homework, answers=recorded, modules={})
    report = grade_path(graded.path, apart, graded.expected.only, launch)
    at_home, here = told(report), told(graded.report)
    again = {name: check.followed for name, check in graded.checks.items() if check.followed}
    for check in report.checks:  # neither right nor wrong at home; what was wrong at first is told
        if check.name in again.keys() & at_home.keys():
            assert at_home.pop(check.name)[:2] == (Verdict.SKIPPED, 0.0)
            assert check.message.endswith(BY_THE_COURSE)
            assert len(check.message.split()) <= MOST_WORDS
            assert check.followed is not None
            assert check.followed.first.message == again[check.name].first.message
            del here[check.name]
    lacking = {check for check, found in at_home.items() if found[2] == LACKING}
    # Long lists of mistakes are not recorded. There a handout says so, and leaves the cause out.
    vague = {check.name for check in report.checks if MORE in check.advice}
    for check in vague & here.keys() & at_home.keys():
        assert at_home[check][:2] == here[check][:2]
        begins = [re.split(r" \(|, off by", one[check][2])[0] for one in (at_home, here)]  # a cause may leave no room
        assert begins[0] == begins[1]
    lacking |= vague
    assert {check: at_home[check] for check in at_home if check not in lacking} == {
        check: here[check] for check in here if check not in lacking
    }
    lacking -= vague
    assert not lacking or name == "wrong-hidden-dim-ignored"  # a network of other sizes than any that was asked


def test_the_denominators_are_the_rubrics(graded: Graded) -> None:
    items = chosen(graded.expected.only)
    planned = {plan.name: plan.points for item in items for plan in item.checks}
    assert {name: check.points for name, check in graded.checks.items()} == planned
    assert graded.report.max_score == sum(item.points for item in items)
    assert graded.report.skipped == 0


def test_there_are_enough_and_every_expectation_names_what_exists() -> None:
    sources = sorted(FOLDER.glob("*/expect.yaml"))
    assert len(sources) >= 45
    for path in sources:
        expected = Expected(**yaml.safe_load(path.read_text(encoding="utf-8")))
        named = {*expected.checks, *expected.says, *expected.advice, *expected.followed}
        assert named <= set(PLANNED), f"{path.parent.name}: no check is called {named - set(PLANNED)}"
        assert set(expected.checks.values()) <= set(Verdict), path
        assert {file.name for file in path.parent.iterdir()} <= {"expect.yaml", *STARRED}, path


def test_the_untouched_handout_earns_nothing_and_is_told_so() -> None:
    report = grade_path(ROOT / "student", only=())
    judged = [check for task in report.tasks for item in task.items for check in item.checks if check.name in PLANNED]
    without = {Verdict.SKIPPED} if find_spec("torch") is None else set()  # then Tasks 5 and 6 are not graded
    assert {check.verdict for check in judged} == {Verdict.NOT_IMPLEMENTED} | without
    assert (report.score, report.max_score, report.needs_review) == (0, 100, ())


def test_the_reference_earns_everything() -> None:
    report = grade_path(ROOT / "reference")
    assert (report.score, report.max_score, report.needs_review) == (50, 50, ())


def test_two_candidates_for_one_file_are_a_question_that_lists_both(tmp_path: Path) -> None:
    layers = starred("reference")["layers.py"]
    for name in ("final", "final2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "layers.py").write_bytes(layers + f"# {name}\n".encode())
    question = read(tmp_path, WANTED, STUBS).questions["layers.py"]
    assert "final/layers.py" in question
    assert "final2/layers.py" in question


def test_a_report_depends_on_nothing_but_submission_and_seed(tmp_path: Path) -> None:
    submission: Submission = read(as_flat(starred("reference"), tmp_path), WANTED, STUBS)

    def measures() -> list[Any]:
        report = grade(submission, HOMEWORK, seed=7, only=UNTRAINED)
        return [check.measures for task in report.tasks for item in task.items for check in item.checks]

    assert measures() == measures()
