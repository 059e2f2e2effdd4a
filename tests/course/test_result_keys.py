"""What a task's result rests on: a change in one task's part changes that task's key alone; nothing is forgotten."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from grader.course import result_keys
from grader.course.result_keys import Terms
from grader.loading import ROOT, load
from grader.model import Homework, Submission

pytestmark = pytest.mark.medium

TERMS = Terms(seed=1)
ALL = {"1", "2", "3", "4", "5", "6"}
NUMPY = {"1", "2", "3", "4"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A copy of the homework, its reference and fixtures, to be changed, and of the folder that students work in."""
    root = tmp_path_factory.mktemp("copy")
    for name in ("reference", "fixtures", "student"):
        shutil.copytree(ROOT / name, root / name)
    shutil.copytree(ROOT / "grader" / "homework", root / "homework")
    (root / "homework" / "data" / "labels.txt").write_text("cat\n", encoding="utf-8")
    return root


def homework(root: Path) -> Homework:
    return load(root / "homework", root=root)


def changed(root: Path, file: str, old: str, new: str) -> set[str]:
    """The tasks whose digests differ once `old` reads `new` in a file; it is put back afterwards."""
    before = result_keys.of_tasks(homework(root), TERMS, root / "data")
    path = root / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    try:
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        after = result_keys.of_tasks(homework(root), TERMS, root / "data")
    finally:
        path.write_text(text, encoding="utf-8")
    return {task for task in before if before[task] != after[task]}


@pytest.mark.parametrize(
    ("file", "old", "new", "tasks"),
    [
        ("homework/rubric.yaml", "1.0e-8\n        checks: {f3", "1.0e-7\n        checks: {f3", {"1"}),
        ("homework/rubric.yaml", "accuracy: 0.40", "accuracy: 0.45", {"4"}),
        ("homework/rubric.yaml", "fc_forward: 2,", "fc_forward: 1,", {"2", "3", "4"}),
        ("homework/rubric.yaml", "call_cpu: 5", "call_cpu: 6", ALL),
        ("homework/rubric.yaml", "per_day: 10", "per_day: 20", set()),
        ("homework/rubric.yaml", "fc_forward: [1]", "fc_forward: [0]", NUMPY),
        ("homework/task2_layers.py", '"""Task 2', '"""The second', {"2", "3", "4"}),
        ("homework/network.py", '"""', '"""Mind: ', {"3", "4"}),
        ("homework/training/loop.py", '"""', '"""Mind: ', {"4", "5"}),
        ("homework/training/curves.py", '"""', '"""Mind: ', {"4", "5", "6"}),
        ("homework/worker/notebook_run.py", '"""', '"""Mind: ', {"5", "6"}),
        ("homework/worker/train_run.py", '"""', '"""Mind: ', NUMPY),
        ("homework/worker/replaced.py", '"""', '"""Mind: ', ALL),
        ("homework/data/cifar10.py", '"""', '"""Mind: ', {"4"}),
        ("homework/data/synthetic.py", '"""', '"""Mind: ', {"4", "5"}),
        ("homework/data/labels.txt", "cat", "dog", ALL),
        ("homework/rubric.yaml", "test_batch: 4", "test_batch: 5", {"4"}),
        ("homework/rubric.yaml", "torch._dynamo, ", "", {"5", "6"}),
        ("reference/neuralnet/layers.py", "import", "import  ", ALL),
        ("fixtures/README.md", "a", "b", ALL),
        ("student/neuralnet/optim.py", "c", "c ", set()),
    ],
)  # fmt: skip
def test_a_change_regrades_what_rests_on_it_and_no_more(folder, file, old, new, tasks):
    assert changed(folder, file, old, new) == tasks


def test_the_same_is_the_same(folder):
    assert changed(folder, "homework/rubric.yaml", "tasks:", "tasks:") == set()


@pytest.mark.parametrize(
    "terms", [Terms(2), Terms(1, full=True), Terms(1, unverified=True), Terms(1, allow_unsafe=True)]
)
def test_seed_and_options_change_everything(folder, terms):
    one, other = (result_keys.of_tasks(homework(folder), each, folder) for each in (TERMS, terms))
    assert all(one[task] != other[task] for task in ALL)


def test_another_version_of_the_grader_or_of_numpy_changes_everything(folder, monkeypatch):
    before = result_keys.of_tasks(homework(folder), TERMS, folder)
    for owner, name in ((result_keys, "__version__"), (result_keys.np, "__version__")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, "0.0.0")
            after = result_keys.of_tasks(homework(folder), TERMS, folder)
        assert all(before[task] != after[task] for task in ALL)


def test_only_the_chosen_are_there_and_items_are_not_their_task(folder):
    whole, part = (result_keys.of_tasks(homework(folder), Terms(1, only), folder) for only in (("2",), ("2.1",)))
    assert set(whole) == set(part) == {"2"}
    assert whole != part
    assert whole["2"] == result_keys.of_tasks(homework(folder), TERMS, folder)["2"]


def test_data_count_for_the_tasks_that_train(folder, tmp_path):
    images = tmp_path / "cifar-10-batches-py"
    images.mkdir()
    (images / "test_batch").write_bytes(b"images")
    made_up, real = (result_keys.of_tasks(homework(folder), TERMS, root) for root in (folder, tmp_path))
    assert {task for task in ALL if made_up[task] != real[task]} == {"4"}


def test_each_task_asks_for_its_own_data_and_no_others(folder):
    plan = homework(folder)
    found = {task.id: result_keys.reads(task) for task in plan.rubric.tasks}
    assert found == {"1": set(), "2": set(), "3": set(), "4": {"cifar10"}, "5": {"fashion-mnist"}, "6": {"squeezenet"}}


def test_an_import_is_found_wherever_a_statement_may_stand(tmp_path):
    path = tmp_path / "deep.py"
    path.write_text(
        "def f(x):\n"
        "    try:\n        import grader.a\n"
        "    except KeyError:\n        import grader.b\n"
        "    else:\n        import grader.c\n"
        "    finally:\n        import grader.d\n"
        "    match x:\n        case 1:\n            import grader.e\n"
        "    for _ in x:\n        pass\n    else:\n        from grader import f\n"
        "    with x:\n        import grader.g\n"
        "class C:\n    import grader.h\n"
    )
    found = result_keys.parsed(path, "deep", path.stat().st_mtime_ns).imports
    assert sorted(name for name in found if name != "grader") == [f"grader.{letter}" for letter in "abcdefgh"]


def test_the_engine_is_followed_through_its_imports(folder):
    plan = homework(folder)
    code = dict(result_keys.closure(plan, result_keys.sources(plan, plan.rubric.tasks[3])))
    for name in (
        "grader.grading",
        "grader.sandbox.session",
        "grader.sandbox.worker.zygote",
        "grader.measure.numeric",
        f"{plan.package}.task4_models",
        f"{plan.package}.training.loop",
        f"{plan.package}.worker.train_run",
        f"{plan.package}.data.synthetic",
    ):
        assert name in code, name
    for name in (
        "grader.cli",
        "grader.course.gradebook",
        "grader.course.batch",
        "grader.report.html",
        "grader.course.class_folder",
    ):
        assert name not in code, name


def test_a_result_rests_on_the_files_that_its_section_sees(folder):
    plan = homework(folder)
    section = plan.rubric.sections[0]
    work = Submission("ada", {"layers.py": b"a", "part1.ipynb": b"n"}, {}, "d")
    key = result_keys.of_result("task", section, work)
    same = replace(work, name="bob", files={"layers.py": b"a", "part1.ipynb": b"other"})
    assert result_keys.of_result("task", section, same) == key
    for other in ({"layers.py": b"b"}, {"functions.py": b"a"}, {}):
        assert result_keys.of_result("task", section, replace(work, files=other)) != key
    assert result_keys.of_result("other", section, work) != key
    told = {section.submit[0]: "why"}
    for more in ({"helpers": {section.submit[0]: {"mine.py": b"x = 1"}}}, {"questions": told}, {"faults": told}):
        assert result_keys.of_result("task", section, replace(work, **more)) != key
    assert result_keys.of_result("task", section, replace(work, questions={"another.py": "why"})) == key


def test_a_result_does_not_rest_on_where_the_homework_lies(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "elsewhere")
    here, there = (result_keys.of_tasks(homework(root), TERMS, folder) for root in (folder, tmp_path / "elsewhere"))
    assert here == there
