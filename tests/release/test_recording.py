"""A handout asks a recording. tests/test_submissions.py holds what it says of each submission to the course's words."""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

from grader.errors import UsageError
from grader.grading import grade
from grader.loading import ROOT, load
from grader.model import Homework, Verdict
from grader.reference import LACKING, ObjectProxy, Recorded, Recorder, opened, pack
from grader.release.recording import record, works_of
from grader.sandbox.launch import Zygotes
from grader.sandbox.worker.wire import encode

sys.path.insert(0, str(ROOT / "tests"))
import test_submissions as submissions
from test_submissions import told as of

pytestmark = pytest.mark.medium

SEED = submissions.SEED


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return submissions.recording(tmp_path_factory.mktemp("recording"))


def test_what_was_not_asked_is_no_fault_of_anyone(recorded: Recorded, tmp_path: Path) -> None:
    expected = submissions.Expected("right")
    path = submissions.hand_in(submissions.FOLDER / "right-flat", expected, tmp_path)
    emptied = Recorded(recorded.path)
    emptied.begin(SEED)
    emptied.begin = lambda seed: None  # type: ignore[method-assign]
    emptied.answers = {}
    report = submissions.grade_path(path, replace(submissions.HOMEWORK, answers=emptied))
    by = of(report)
    assert {verdict for verdict, _, _ in by.values()} <= {Verdict.SKIPPED, Verdict.PASS}
    assert by["fc_forward"] == (Verdict.SKIPPED, 0.0, LACKING)


def test_a_seed_that_is_not_recorded_is_refused(recorded: Recorded) -> None:
    homework: Homework = replace(submissions.HOMEWORK, answers=Recorded(recorded.path))
    with pytest.raises(UsageError, match="holds no answers for seed 2; its seeds are 1"):
        homework.answers.begin(2)
    assert homework.answers.draw_seed() == SEED


@pytest.mark.parametrize("name", ["normalization", "autograd", "framework", "attention", "reports"])
def test_another_homework_is_recorded_alike(name: str, tmp_path: Path) -> None:
    folder = ROOT / "tests" / "homeworks" / name
    seeds = (1, 2) if name == "reports" else (2,)  # what seeds share is recorded once; a homework tests that
    (tmp_path / "answers.zip").write_bytes(record(folder, seeds))
    live = load(folder)
    apart = replace(live, answers=Recorded(tmp_path / "answers.zip"), modules={})
    with Zygotes() as zygotes:
        for title, work in works_of(live):
            course, told = (of(grade(work, one, seed=2, launch=zygotes.launch)) for one in (live, apart))
            for check, found in told.items():
                if found[2] == LACKING:
                    assert check == "speed"  # the reference's own loop is its bar
                elif check != "dropout":  # torch draws there, and nobody seeds it
                    assert found == course[check], title


def test_a_file_of_blocks_is_no_work_of_its_own(folder: Path) -> None:
    """It lacks the imports of the reference's file; selftest puts its blocks together."""
    names = [name for name, _ in works_of(load(folder))]
    (folder / "right" / "work.py").write_text("# %% another way\n", encoding="utf-8")
    assert [name for name, _ in works_of(load(folder))] == names
    assert names[0] == "the reference"


def test_what_the_reference_changes_in_a_set_is_recorded(tmp_path: Path) -> None:
    recorder = Recorder({"work": SimpleNamespace(add=lambda held: held.add((1, "b")))})
    recorder.begin(1)
    recorder.modules.work.add({1})
    with pytest.raises(
        UsageError, match=rf"^{re.escape(__file__)}:\d+: reference\.work\.add is asked with an argument"
    ):
        recorder.modules.work.add(print)
    manifest = {"modules": ["work"], "functions": {}, "grader": ""}
    (tmp_path / "answers.zip").write_bytes(pack(recorder, manifest))
    recorded, held = Recorded(tmp_path / "answers.zip"), {1}
    recorded.begin(1)
    recorded.modules.work.add(held)
    assert held == {1, (1, "b")}


class Money:
    def __init__(self, amount: float) -> None:
        self.amount = amount

    def __add__(self, other: Any) -> Money:
        return Money(self.amount + getattr(other, "amount", other))

    __radd__ = __add__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and other.amount == self.amount

    def __lt__(self, other: Money) -> bool:
        return self.amount < other.amount

    def __len__(self) -> int:
        return 2

    def __getitem__(self, at: int) -> Money:
        return [self, Money(7.0)][at]

    def __next__(self) -> float:
        self.amount += 1
        return self.amount

    def __repr__(self) -> str:
        return f"Money({self.amount})"

    def __hash__(self) -> int:
        return 3


def test_operators_of_the_references_objects_are_recorded(tmp_path: Path) -> None:
    def ask(work: Any, *, turned: bool = False) -> list[Any]:
        one, two = work.Money(1.0), work.Money(2.0)
        assert (len(two) if turned else hash(two)) > 1  # in which order they are asked changes nothing
        parts = [repr(part) for part in one]  # each is an object
        return [
            (one + two).amount,
            (3 + one).amount,
            one == two,
            one < two,
            len(one),
            parts,
            f"{two!r}",
            hash(one),
            hash(two),
            len(two),
            [next(two), next(two)],
        ]

    recorder = Recorder({"work": SimpleNamespace(Money=Money)})
    recorder.begin(1)
    asked = ask(recorder.modules.work)
    assert asked == [3.0, 4.0, False, True, 2, ["Money(1.0)", "Money(7.0)"], "Money(2.0)", 3, 3, 2, [3.0, 4.0]]
    manifest = {"modules": ["work"], "functions": {}, "grader": ""}
    (tmp_path / "answers.zip").write_bytes(pack(recorder, manifest))
    recorded = Recorded(tmp_path / "answers.zip")
    recorded.begin(1)
    assert ask(recorded.modules.work, turned=True) == asked
    assert recorded.modules.work.Money.__name__ == "Money"


class Stats(NamedTuple):
    mean: float
    values: np.ndarray


class Own(tuple[float, ...]):
    """A tuple that calls its parts as no named tuple may."""

    __match_args__ = ("class", "_low", "high")
    high = property(lambda self: self[2])


def test_the_names_of_an_answers_parts_are_recorded(tmp_path: Path) -> None:
    """A check that reads them would be wrong in a handout alone, and the student would be told so."""

    def ask(work: Any) -> list[Any]:
        found, (first, *_) = work.stats(2.0), work.several(3.0)
        return [found.mean, list(found.values), len(found), found[0], first.mean, work.spread(found), work.own().high]

    work = SimpleNamespace(
        stats=lambda x: Stats(x, np.array([x, 2 * x])),
        several=lambda x: [Stats(x, np.zeros(1)), (1, 2)],
        spread=lambda stats: float(np.ptp(stats[1])),
        own=lambda: Own((1.0, 2.0, 3.0)),
    )
    recorder = Recorder({"work": work})
    recorder.begin(1)
    asked = ask(recorder.modules.work)
    (tmp_path / "answers.zip").write_bytes(pack(recorder, {"modules": ["work"], "functions": {}, "grader": ""}))
    recorded = Recorded(tmp_path / "answers.zip")
    recorded.begin(1)
    assert ask(recorded.modules.work) == asked == ask(work)


def test_a_named_tuple_keeps_its_kind_with_an_object_of_the_references_in_it() -> None:
    one = opened(Stats(1.0, ObjectProxy(None, (), np.ones(2))))  # type: ignore[arg-type]
    assert type(one) is Stats
    assert one.values.tolist() == [1, 1]


DAMAGED: dict[str, Callable[[str], dict[str, bytes]]] = {
    "a deep manifest": lambda key: {"manifest.json": b"[" * 100_000},
    "no answers": lambda key: {"1.bin": b""},
    "other bytes": lambda key: {"shared.bin": b"junk" * 10},
    "a list for a mapping": lambda key: {"1.bin": encode([1]), "shared.bin": encode([2])},
    "an answer of another form": lambda key: {"1.bin": encode({key: encode({"changed": {}})})},
    "an answer that is cut": lambda key: {"1.bin": encode({key: encode(1.0)[:-3]})},
}


@pytest.mark.parametrize("made", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_recording_is_one_sentence(made: Callable[[str], dict[str, bytes]], tmp_path: Path) -> None:
    recorder = Recorder({"work": SimpleNamespace(scale=lambda x: 2 * x)})
    for seed, x in ((1, 1.0), (2, 2.0)):
        recorder.begin(seed)
        recorder.modules.work.scale(x)
    (key,) = (key.hex() for key in recorder.answers[1])
    with zipfile.ZipFile(BytesIO(pack(recorder, {"modules": ["work"]}))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(tmp_path / "answers.zip", "w") as archive:
        for name, content in (members | made(key)).items():
            archive.writestr(name, content)

    def ask() -> None:
        apart = Recorded(tmp_path / "answers.zip")
        apart.begin(1)
        apart.modules.work.scale(1.0)

    with pytest.raises(UsageError, match=r"answers\.zip (is no recording|cannot be read as the recording)"):
        ask()


def test_bytes_that_cannot_be_unzipped_are_one_sentence(tmp_path: Path) -> None:
    recorder = Recorder({"work": SimpleNamespace(scale=lambda x: 2 * x)})
    recorder.begin(1)
    packed = pack(recorder, {"modules": ["work"]})
    at = packed.index(b"manifest.json") + len("manifest.json")
    (tmp_path / "answers.zip").write_bytes(packed[:at] + b"\xff" * 8 + packed[at + 8 :])
    with pytest.raises(UsageError, match="cannot be read as the recording"):
        Recorded(tmp_path / "answers.zip")


class Empty(LookupError):
    pass


def pop(items: list[int]) -> int:
    if not items:
        raise Empty("there is nothing")
    return items.pop()


def test_what_the_reference_raises_is_raised_by_its_recording(tmp_path: Path) -> None:
    def ask(work: Any) -> list[Any]:
        with pytest.raises(LookupError, match=r"^there is nothing$"):
            work.pop([])
        counted = work.counted(3)
        with pytest.raises(TypeError):
            assert counted < 1
        return [list(work.counted(3)), next(counted), next(counted), next(work.counted(0), "none")]

    recorder = Recorder({"work": SimpleNamespace(pop=pop, counted=lambda n: iter(range(n)))})
    recorder.begin(1)
    asked = ask(recorder.modules.work)
    (tmp_path / "answers.zip").write_bytes(pack(recorder, {"modules": ["work"], "functions": {}, "grader": ""}))
    recorded = Recorded(tmp_path / "answers.zip")
    recorded.begin(1)
    assert ask(recorded.modules.work) == asked == [[0, 1, 2], 0, 1, "none"]
