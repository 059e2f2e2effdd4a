"""Which items depend on a saved file: through imports, helper modules and drivers."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from grader.model import CheckResult, ItemResult, Section, Submission, TaskResult, Verdict
from grader.sandbox.asked import NAMES, Asked
from grader.sandbox.setup import driven
from grader.watch.dependencies import changed, items_on, reached

SECTION = Section(
    "main", {"low": "code/low.py", "high": "code/high.py", "far": "far.py"}, ("low.py", "high.py", "far.py")
)
PICTURES = Section("pictures", {}, ("*.jpg", "page.ipynb"))
HANDOUT = {
    "code/low.py": b"",
    "code/middle.py": b"from low import f",  # the student does not write it, and it imports what the student writes
    "code/high.py": b"",
    "far.py": b"",
    "other/aside.py": b"import low",
}


def submission(**files: str) -> Submission:
    return Submission("s", {name.replace("_", "."): text.encode() for name, text in files.items()}, {}, "")


def above(saved: str, before: Submission, section: Section = SECTION) -> set[str]:
    return reached({saved}, section, before, before, HANDOUT)


@pytest.mark.parametrize(
    ("high", "depends"),
    [
        ("import low", True),
        ("from low import f as g", True),
        ("from code.low import f", True),
        ("from . import low", True),
        ("from middle import f", True),  # through the handout's own file
        ("if True:\n    def f():\n        import low", True),
        ("import low\ndef f(:", True),  # no Python yet
        ("import importlib\nimportlib.import_module('lo' + 'w')", True),
        ("exec(open('low.py').read())", True),
        ("text = open('low.py').read()", True),
        ("# low is a word in a comment\nlow = 1", False),
        ("import numpy as np", False),
        ("from far import low_pass", False),
    ],
)
def test_a_file_depends_on_what_it_imports(high, depends):
    assert ("high.py" in above("low.py", submission(low_py="", high_py=high, far_py=""))) is depends


def test_a_file_depends_on_what_its_own_helper_imports():
    before = replace(submission(low_py="", high_py="import mine"), helpers={"high.py": {"mine.py": b"import low"}})
    assert above("low.py", before) == {"low.py", "middle.py", "high.py"}


def test_a_new_picture_changes_the_list_of_files_of_its_section_alone():
    before, now = submission(low_py="", a_jpg="1"), submission(low_py="", a_jpg="1", b_JPG="2")
    assert changed(before, now) == {"b.JPG"}
    assert reached({"b.JPG"}, PICTURES, before, now, HANDOUT) == {"b.JPG", NAMES}
    assert NAMES not in reached({"b.JPG"}, SECTION, before, now, HANDOUT)


def test_what_came_along_with_a_file_and_what_is_said_of_it_count_as_the_file():
    before = submission(low_py="x", high_py="y")
    assert changed(before, before) == set()
    assert changed(before, submission(high_py="y")) == {"low.py"}
    assert changed(before, replace(before, helpers={"high.py": {"mine.py": b""}})) == {"high.py"}
    assert changed(before, replace(before, faults={"low.py": "it is a PDF"})) == {"low.py"}
    assert changed(before, replace(before, questions={"far.py": "two files may be far.py"})) == {"far.py"}


def test_items_of_every_section_are_found_by_the_files_that_their_checks_asked_for():
    def item(id: str, *files: str) -> ItemResult:
        return ItemResult(id, id, 0, 1, (CheckResult(f"check{id}", "", Verdict.FAIL, 0, 1, files=files),))

    tasks = (
        TaskResult("1", "", (item("1.1", "low.py"), item("1.2", "high.py"), item("1.3", "far.py"), item("1.4"))),
        TaskResult("2", "", (item("2.1", NAMES), item("2.2", "page.ipynb"))),
    )
    report = SimpleNamespace(tasks=tasks)
    plans = (SimpleNamespace(id="1", section="main"), SimpleNamespace(id="2", section="pictures"))
    rubric = SimpleNamespace(sections=(SECTION, PICTURES), tasks=plans)
    homework = SimpleNamespace(rubric=rubric, handout=HANDOUT)
    before = submission(low_py="1", high_py="import low", far_py="")

    def found(now: Submission) -> set[str]:
        return items_on(changed(before, now), report, before, now, homework)

    assert found(replace(before, files={**before.files, "low.py": b"2"})) == {"1.1", "1.2"}
    assert found(replace(before, files={**before.files, "high.py": b"2"})) == {"1.2"}
    assert found(replace(before, files={**before.files, "page.ipynb": b"{}"})) == {"2.1", "2.2"}
    assert found(before) == set()


def test_what_a_check_asks_for_is_remembered_whether_it_is_there_or_not():
    asked = Asked({"a.py": b"1", "b.py": b"2"})
    assert (asked.get("a.py"), asked.get("none.py")) == (b"1", None)
    assert asked.names == {"a.py", "none.py"}
    asked.names.clear()
    assert sorted(asked) == ["a.py", "b.py"]
    assert asked.names == {NAMES}
    assert dict(asked) == {"a.py": b"1", "b.py": b"2"}
    assert asked.names == {NAMES, "a.py", "b.py"}


def test_a_driver_depends_on_the_modules_that_it_or_its_order_names(tmp_path):
    (tmp_path / "worker").mkdir()
    section = replace(SECTION, package=("p", str(tmp_path)))
    driver = tmp_path / "worker" / "run.py"
    driver.write_text("def begin(student, order):\n    return student.module('low')\n")
    assert driven(section, {"seed": 1}) == {"low.py"}
    assert driven(section, {"module": "far"}) == {"low.py", "far.py"}
    driver.write_text("def begin(student, order):\n    return student.module(order)\n")
    assert driven(section, {}) == {"low.py", "high.py", "far.py"}
    assert driven(replace(PICTURES, package=("p", str(tmp_path))), {}) == set()
