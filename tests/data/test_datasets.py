"""Data sets of any homework: where they are looked for, what is verified, and what a check then holds."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from grader.command.data import look_for
from grader.data import datasets
from grader.data.datasets import DamagedError, Store
from grader.errors import UsageError
from grader.model import DataPlan, Download

SUM = hashlib.md5(b"one").hexdigest()
PLAN = DataPlan(
    "words", "Words", ("words", "."), {"a.txt": SUM}, (Download("https://x.org/a", SUM, 3),), reader="w.read"
)


def homework(plan: DataPlan = PLAN, **functions: object) -> SimpleNamespace:
    readers = {"w.read": lambda files: {"letters": np.frombuffer(files["a.txt"], np.uint8)}} | functions
    return SimpleNamespace(
        rubric=SimpleNamespace(data={plan.name: plan}, where=lambda kind, name: f"rubric.yaml:3 ({name})"),
        readers=readers,
        folder=Path(__file__).parent,
        option="",
    )


def test_where_data_sets_live(tmp_path, monkeypatch):
    monkeypatch.setenv("BACKGRADE_DATA", str(tmp_path / "named"))
    assert datasets.root() == tmp_path / "named"
    assert datasets.root(tmp_path / "given") == tmp_path / "given"
    monkeypatch.setenv("BACKGRADE_DATA", "")
    assert datasets.root().name == "backgrade"
    monkeypatch.delenv("BACKGRADE_DATA")
    assert datasets.root().is_absolute()


def test_places_are_tried_in_order_and_the_root_may_be_one_itself(tmp_path):
    assert datasets.find(PLAN, tmp_path) is None
    for folder in (tmp_path, tmp_path / "words"):
        folder.mkdir(exist_ok=True)
        (folder / "a.txt").write_bytes(b"one")
        assert datasets.find(PLAN, tmp_path) == folder
    assert datasets.find(PLAN, tmp_path / "words") == tmp_path / "words"


def test_a_place_may_name_the_environment(tmp_path, monkeypatch):
    plan = replace(PLAN, places=("$HERE/deep", "~/words"))
    monkeypatch.delenv("HERE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for folder in (tmp_path / "home/words", tmp_path / "here/deep"):
        folder.mkdir(parents=True)
        (folder / "a.txt").write_bytes(b"one")
        assert datasets.find(plan, tmp_path / "root") == folder
        monkeypatch.setenv("HERE", str(tmp_path / "here"))


def test_a_folder_that_is_the_data_sets_alone_counts_without_its_files(tmp_path):
    (tmp_path / "words").mkdir()
    assert datasets.find(PLAN, tmp_path) is None
    alone = replace(PLAN, places=("words",))
    assert datasets.find(alone, tmp_path) == tmp_path / "words"
    with pytest.raises(UsageError, match=r"a\.txt cannot be read \(No such file"):
        datasets.read(homework(alone), "words", tmp_path)
    bare = replace(alone, reader="", fetch=())
    assert datasets.read(homework(bare), "words", tmp_path) is None
    assert look_for(homework(bare), bare, tmp_path).state == "absent"
    (tmp_path / "words" / "a.txt").write_bytes(b"one")
    assert datasets.read(homework(bare), "words", tmp_path) == tmp_path / "words" / "a.txt"
    assert look_for(homework(bare), bare, tmp_path).state == "verified"


@pytest.mark.parametrize("kind", ["md5", "sha256", "the beginning of a sha256"])
def test_a_sum_says_by_its_length_what_it_is(tmp_path, kind):
    total = hashlib.md5(b"one").hexdigest() if kind == "md5" else hashlib.sha256(b"one").hexdigest()
    plan = replace(PLAN, files={"a.txt": total[:8] if "beginning" in kind else total})
    (tmp_path / "a.txt").write_bytes(b"one")
    found = datasets.read(homework(plan), "words", tmp_path)
    assert found.verified
    assert bytes(found.letters) == b"one"
    with pytest.raises(ValueError, match="read-only"):
        found.letters[0] = 1
    with pytest.raises(AttributeError, match="the data set words has no digits"):
        found.digits  # noqa: B018
    (tmp_path / "a.txt").write_bytes(b"two")
    assert not datasets.is_official(tmp_path / "a.txt", plan.files["a.txt"])
    with pytest.raises(UsageError, match=r"a\.txt is not the official file .*data words`, or grade with --unverified"):
        datasets.read(homework(plan), "words", tmp_path)
    other = datasets.read(homework(plan), "words", tmp_path, unverified=True)
    assert (other.verified, other.source) == (False, "Words, checksums not verified")
    assert other.version().endswith("(unverified)")
    assert other.digest != found.digest


def test_a_zipped_file_goes_before_a_plain_one_and_has_the_sum_of_what_is_in_it(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"two")
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"one"))
    assert datasets.read(homework(), "words", tmp_path).verified


def test_what_a_reader_finds_damaged_is_one_sentence_with_the_file_and_the_cure(tmp_path):
    def refuse(files: object) -> None:
        raise DamagedError("a.txt", "holds no vowel")

    (tmp_path / "a.txt").write_bytes(b"one")
    cure = rf"a\.txt holds no vowel; move {tmp_path} away and run `python grade\.py data words`"
    for plan, told in ((PLAN, cure), (replace(PLAN, fetch=()), "vowel; put the official file there$")):
        with pytest.raises(UsageError, match=told):
            datasets.read(homework(plan, **{"w.read": refuse}), "words", tmp_path)


@pytest.mark.parametrize(
    ("read", "says"),
    [
        (
            lambda files: np.zeros(2),
            r"rubric\.yaml:3 \(w\.read\): w\.read gave a ndarray; it has to give arrays by name",
        ),
        (lambda files: files["b.txt"], r"test_datasets\.py:\d+: w\.read raised KeyError: 'b\.txt'; correct it"),
    ],
)
def test_a_reader_that_is_wrong_is_no_fault_of_a_submission(tmp_path, read, says):
    (tmp_path / "a.txt").write_bytes(b"one")
    with pytest.raises(UsageError, match=says):
        datasets.read(homework(PLAN, **{"w.read": read}), "words", tmp_path)


def test_without_a_reader_it_is_the_path_of_one_file(tmp_path):
    plan = replace(PLAN, reader="")
    assert datasets.read(homework(plan), "words", tmp_path) is None
    (tmp_path / "a.txt").write_bytes(b"anything")
    assert datasets.read(homework(plan), "words", tmp_path) == tmp_path / "a.txt"


def test_a_store_reads_each_data_set_once_and_makes_up_what_is_absent(tmp_path):
    made: list[int] = []

    def make() -> dict[str, np.ndarray]:
        made.append(1)
        return {"letters": np.zeros(3, np.uint8), "names": ["a", "b"], "count": 2}

    plan = replace(PLAN, stand_in="w.make")
    store = Store(homework(plan, **{"w.make": make}), tmp_path)
    assert store("words") is store("words")
    assert made == [1]
    assert store("words").stand_in
    assert store("words").version().endswith("(stand-in data)")
    (note,) = store("words").notes(store.homework)
    assert "`python grade.py data words` fetches the real data" in note
    plan = replace(plan, fetch=())
    (note,) = store("words").notes(homework(plan))
    assert note.endswith("made up; the real data belong in words of --data-root")


def test_the_digest_follows_the_declared_files_and_no_others(tmp_path):
    assert datasets.digest_of(PLAN, tmp_path) == "none"
    (tmp_path / "a.txt").write_bytes(b"one")
    first = datasets.digest_of(PLAN, tmp_path)
    (tmp_path / "b.txt").write_bytes(b"other")
    assert datasets.digest_of(PLAN, tmp_path) == first
    (tmp_path / "a.txt").write_bytes(b"two")
    assert datasets.digest_of(PLAN, tmp_path) not in ("none", first)
