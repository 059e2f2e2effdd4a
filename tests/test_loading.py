"""Loading a homework: rubric and checks have to agree, and each mistake is a sentence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from grader.check import RESERVED, Options, Subject
from grader.errors import UsageError
from grader.loading import HOMEWORK, ROOT, digest, digests, load

RUBRIC = """
title: Tiny
sections:
  numpy:
    modules: {functions: backprop/functions.py}
    submit: [functions.py]
tasks:
  - id: "1"
    title: One
    section: numpy
    items:
      - {id: "1.1", title: Doubles, points: 4, tolerance: 1.0e-9, checks: [doubles]}
"""
CHECKS = '''
from grader.check import check

@check("1.1")
def doubles(hw, rng):
    """It doubles."""
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "reference/backprop").mkdir(parents=True)
    (tmp_path / "reference/backprop/functions.py").write_text("def f(x): return 2 * x\n")
    (tmp_path / "homework").mkdir()
    (tmp_path / "homework/rubric.yaml").write_text(RUBRIC)
    (tmp_path / "homework/task1.py").write_text(CHECKS)
    return tmp_path / "homework"


def test_a_homework_is_its_folder(folder):
    homework = load(folder, root=folder.parent)
    assert list(homework.checks) == ["doubles"]
    assert homework.checks["doubles"].title == "It doubles."
    assert homework.modules["functions"].f(4) == 8


def test_the_references_bare_names_do_not_stay_in_this_process(folder):
    before = list(sys.path)
    load(folder, root=folder.parent)
    assert "functions" not in sys.modules
    assert sys.path == before


def test_a_check_that_no_item_names(folder):
    (folder / "task2.py").write_text(CHECKS.replace("doubles", "triples"))
    with pytest.raises(UsageError, match="no item names the check triples"):
        load(folder, root=folder.parent)


def test_a_check_that_a_file_imports_from_another_is_no_second_one(folder):
    (folder / "task2.py").write_text("from .task1 import doubles\n")
    assert list(load(folder, root=folder.parent).checks) == ["doubles"]


def test_an_item_that_names_no_check(folder):
    (folder / "rubric.yaml").write_text(RUBRIC.replace("[doubles]", "[doubles, halves]"))
    with pytest.raises(UsageError, match=r"item 1\.1 names the check halves"):
        load(folder, root=folder.parent)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("backprop/functions.py", "backprop/function.py", r"rubric.yaml:5: module functions is backprop/function\.py"),
        (
            "submit: [functions.py]",
            "submit: [functions.py]\n    keep: {g: [1]}",
            r"rubric.yaml:7: keep names g, but no module",
        ),
    ],
)
def test_what_the_reference_does_not_hold_is_named_with_its_line(folder, old, new, says):
    (folder / "rubric.yaml").write_text(RUBRIC.replace(old, new))
    with pytest.raises(UsageError, match=says):
        load(folder, root=folder.parent)


@pytest.mark.parametrize("raised", ["SystemExit", "GeneratorExit"])  # pytest's outcomes are no Exception either
def test_a_file_that_leaves_is_named(folder, raised):
    (folder / "task2.py").write_text(f"\nraise {raised}(0)\n")
    with pytest.raises(UsageError, match=rf"task2\.py:2: {raised}: 0; correct this check's file"):
        load(folder, root=folder.parent)
    (folder / "task2.py").unlink()
    reference = folder.parent / "reference/backprop/functions.py"
    reference.write_text(f"\nraise {raised}(0)\n")
    with pytest.raises(UsageError, match=rf"functions\.py:2: {raised}: 0: the reference cannot be imported"):
        load(folder, root=folder.parent)


def test_a_reference_that_is_not_utf_8_is_named(folder):
    path = folder.parent / "reference" / "backprop" / "functions.py"
    path.write_bytes("# Müller\n".encode("latin-1") + path.read_bytes())
    with pytest.raises(UsageError, match=r"functions\.py is not UTF-8; save it as UTF-8"):
        load(folder, root=folder.parent)


def test_a_number_that_the_rubric_does_not_have_is_a_mistake_of_the_rubric(folder):
    (folder / "rubric.yaml").write_text(RUBRIC.replace("tolerance:", "tolerence:"))
    homework = load(folder, root=folder.parent)
    hw = Subject(None, homework, homework.rubric.tasks[0].items[0], Options(lambda: None))
    assert (dict(hw.settings), hw.settings.get("tolerence"), hw.settings.get("tolerance", 2.0)) == (
        {"tolerence": 1e-9}, 1e-9, 2.0
    )  # fmt: skip
    assert ["tolerence" in hw.settings, "tolerance" in hw.settings] == [True, False]
    with pytest.raises(UsageError, match=r"rubric.yaml:12: item 1.1 has no tolerance, but one of its checks reads it"):
        hw.tolerance  # noqa: B018


def test_a_check_under_another_item(folder):
    (folder / "task1.py").write_text(CHECKS.replace('"1.1"', '"1.2"'))
    with pytest.raises(UsageError, match=r"is listed under item 1\.1, but its file says"):
        load(folder, root=folder.parent)


def test_a_check_defined_twice(folder):
    (folder / "task2.py").write_text(CHECKS)
    with pytest.raises(UsageError, match="defined twice"):
        load(folder, root=folder.parent)


def test_files_of_a_homework_import_each_other_and_no_other_homeworks(folder):
    """A name that the own homework has, too, is the folder's own, whichever file is read first."""
    (folder / "task1.py").write_text("from . import network\n" + CHECKS)
    (folder / "network.py").write_text("WHOSE = 'theirs'\n")
    own = load(ROOT / "grader" / "homework")
    theirs = load(folder, root=folder.parent).checks["doubles"].function.__globals__["network"]
    assert theirs.WHOSE == "theirs"
    again = load(ROOT / "grader" / "homework").checks["net_forward"].function.__globals__["network"]
    assert again.__file__ == str(ROOT / "grader" / "homework" / "network.py")
    assert set(own.checks) == set(load(ROOT / "grader" / "homework").checks)


def test_a_homework_may_hold_its_reference_itself(folder):
    (folder.parent / "reference").rename(folder / "reference")
    homework = load(folder)
    assert homework.modules["functions"].f(4) == 8
    assert homework.handout == {"backprop/functions.py": b"def f(x): return 2 * x\n"}


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("def f(:\n", r"task1\.py:1: invalid syntax; correct"),
        ("x = 1\nundefined()\n", r"task1\.py:2: NameError: name 'undefined' is not defined; correct"),
        ("from . import task9\n", r"task1\.py:1: ImportError: .*task9.*; correct"),
    ],
)
def test_a_file_that_cannot_be_imported_is_named_with_its_line(folder, code, says):
    (folder / "task1.py").write_text(code)
    with pytest.raises(UsageError, match=says):
        load(folder, root=folder.parent)


@pytest.mark.parametrize("body", ["def late(hw, rng):\n    'It.'\n    yield 1", "async def late(hw, rng):\n    'It.'"])
def test_a_check_whose_call_would_check_nothing_is_refused_with_its_line(folder, body):
    (folder / "task2.py").write_text(f'from grader.check import check\n\n@check("1.1")\n{body}\n')
    with pytest.raises(UsageError, match=r"task2\.py:3: late is a generator or async"):
        load(folder, root=folder.parent)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ('@check("1.1")\ndef f(hw):\n    "It."', r":3: f\(hw\) must take two arguments, \(hw, rng\)"),
        ('@check("1.1")\ndef f(*, hw, rng):\n    "It."', r":3: f\(\*, hw, rng\) must take two arguments"),
        ('@check\ndef f(hw, rng):\n    "It."', r':3: write @check\("ITEM"\), with an item'),
        ('@check("1.1")\ndef f(hw, rng):\n    "It."\n' * 2, r":6: f is defined twice in this file; rename one"),
        ("import task1", r":3: ModuleNotFoundError: No module named 'task1'; write `from \. import task1`"),
    ],
)
def test_a_check_that_is_written_wrongly_is_refused_with_its_line(folder, code, says):
    (folder / "task2.py").write_text(f"from grader.check import check\n\n{code}\n")
    with pytest.raises(UsageError, match=rf"task2\.py{says}"):
        load(folder, root=folder.parent)


def test_an_item_that_is_skipped_may_keep_its_checks(folder):
    rubric = (folder / "rubric.yaml").read_text()
    (folder / "rubric.yaml").write_text(rubric.replace("points: ", "skip: next year, points: ", 1))
    assert [item.skipped for task in load(folder, root=folder.parent).rubric.tasks for item in task.items] == [
        "next year"
    ]


def test_a_homework_without_a_reference_says_so(folder):
    """One with files of this project's own homework is a copy of it, and has its reference."""
    load(folder)
    rubric = (folder / "rubric.yaml").read_text()
    (folder / "rubric.yaml").write_text(rubric.replace("backprop/", "own/").replace("neuralnet/", "own/"))
    with pytest.raises(UsageError, match=r"homework holds no folder reference, the solution; add it"):
        load(folder)


def test_the_line_of_a_reference_is_told_from_another_folder(folder, monkeypatch):
    (folder / "reference/backprop").mkdir(parents=True)
    (folder / "reference/backprop/functions.py").write_text("x = 1\n1 / 0\n")
    monkeypatch.chdir(folder.parent)
    with pytest.raises(UsageError, match=r"functions\.py:2: ZeroDivisionError: division by zero: the reference"):
        load(Path("homework"))


def test_the_digest_follows_every_byte_and_name(folder):
    first = digest(folder)
    assert digest(folder) == first
    (folder / "task1.py").write_text(CHECKS + "#")
    second = digest(folder)
    (folder / "task1.py").rename(folder / "task9.py")
    assert len({first, second, digest(folder)}) == 3


def test_the_rubric_and_what_is_prose_are_no_change_of_the_grader(folder):
    first = digest(folder)
    (folder / "rubric.yaml").write_text("title: another\n")
    (folder / "README.md").write_text("Read me.\n")
    assert digest(folder) == first


def test_the_graders_digest_follows_the_checks_of_another_homework_and_its_sub_folders(folder):
    found = {digests(load(folder, root=folder.parent))}
    (folder / "task1.py").write_text(CHECKS + "\nx = 1\n")
    found.add(digests(load(folder, root=folder.parent)))
    (folder / "deep").mkdir()
    for text in ("x = 1\n", "x = 2\n"):
        (folder / "deep" / "words.py").write_text(text)
        found.add(digests(load(folder, root=folder.parent)))
    (folder.parent / "fixtures").mkdir()
    (folder.parent / "fixtures" / "numbers").write_text("1")
    found.add(digests(load(folder, root=folder.parent)))
    assert len(found) == 5


def test_two_homeworks_and_two_states_of_one_live_in_one_process(folder):
    (folder / "deep").mkdir()
    (folder / "deep" / "words.py").write_text("from ..shared import WORD\n")
    (folder / "shared.py").write_text("WORD = 'first'\n")
    late = "\n\ndef word():\n    from .deep.words import WORD\n    return WORD\n"
    (folder / "task1.py").write_text(CHECKS + late)
    first = load(folder, root=folder.parent).checks["doubles"].function.__globals__["word"]
    (folder / "shared.py").write_text("WORD = 'second'\n")
    second = load(folder, root=folder.parent).checks["doubles"].function.__globals__["word"]
    assert [second(), first()] == ["second", "first"]  # also what is imported only now
    assert [second.__module__ == first.__module__, load(ROOT / "grader" / "homework").package] == [False, HOMEWORK]
    assert load(folder, root=folder.parent).checks["doubles"].function.__globals__["word"] is second


@pytest.mark.parametrize("line", ["from grader.homework import network", "import grader.homework.network as n"])
def test_a_file_that_imports_another_homeworks_is_refused_with_its_line(folder, line):
    (folder / "deep").mkdir()
    (folder / "deep" / "words.py").write_text(f"x = 1\n{line}\n")
    with pytest.raises(UsageError, match=r"words\.py:2: grader\.homework is another homework; .* with `from \.`"):
        load(folder, root=folder.parent)


def test_a_module_with_a_name_of_pythons_is_refused_by_name(folder):
    (folder / "rubric.yaml").write_text(RUBRIC.replace("backprop/functions.py", "backprop/signal.py"))
    with pytest.raises(
        UsageError, match=r"rubric\.yaml:5: .* is backprop/signal\.py, but Python or numpy has a module"
    ):
        load(folder, root=folder.parent)


@pytest.mark.parametrize("name", ["data", "source", "item", "recording", "settings", "once", "reference", "_hidden"])
def test_a_module_that_a_check_could_not_reach_is_refused_by_name(folder, name):
    (folder / "rubric.yaml").write_text(RUBRIC.replace("{functions:", f"{{{name}:"))
    with pytest.raises(UsageError, match=rf"rubric\.yaml:5: the module {name} needs another name"):
        load(folder, root=folder.parent)


def test_every_attribute_of_hw_is_reserved(folder):
    homework = load(folder, root=folder.parent)
    hw = Subject(None, homework, homework.rubric.tasks[0].items[0], Options(lambda name: None))
    assert {*vars(hw), *dir(Subject)} <= RESERVED


def test_a_driver_or_reader_that_is_not_there_is_named_with_its_line(folder):
    drives = RUBRIC.replace("submit: [functions.py]", "submit: [functions.py]\n    drivers: [spin]")
    (folder / "rubric.yaml").write_text(drives)
    with pytest.raises(UsageError, match=r"rubric\.yaml:7: section numpy names the driver spin, but there is no"):
        load(folder, root=folder.parent)
    data = "data:\n  w:\n    {title: W, places: [w], files: {a: 0123abcd}, reader: words.read}\nsections:"
    (folder / "rubric.yaml").write_text(RUBRIC.replace("sections:", data))
    with pytest.raises(UsageError, match=r"rubric\.yaml:5: the homework has no function words\.read"):
        load(folder, root=folder.parent)
    (folder / "words.py").write_text("def read(files): return {}\n")
    assert load(folder, root=folder.parent).readers["words.read"]({}) == {}


def test_a_driver_that_begins_nothing_is_named(folder):
    drives = RUBRIC.replace("submit: [functions.py]", "submit: [functions.py]\n    drivers: [spin]")
    (folder / "rubric.yaml").write_text(drives)
    (folder / "worker").mkdir()
    (folder / "worker/spin.py").write_text("x = 1\n")
    with pytest.raises(UsageError, match=r"spin\.py: a driver needs a function begin\(student, order\)"):
        load(folder, root=folder.parent)
