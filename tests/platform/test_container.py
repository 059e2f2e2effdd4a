"""What a container gives is read from its control groups, and budgets are cut to it, with a sentence on each cut."""

from __future__ import annotations

import mmap

import pytest

from grader.model import CheckPlan, Homework, Item, Limits, Rubric, Section, Task
from grader.platform.container import SPARE, Container, fitted, read, taken

MIB = 1 << 20


def groups(folder, **files):
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def own(tmp_path, text):
    (tmp_path / "own").write_text(text)
    return tmp_path / "own"


@pytest.mark.parametrize(
    ("told", "files", "memory", "cores"),
    [
        ("0::/\n", {"memory_dot_max": "805306368\n", "cpu_dot_max": "50000 100000\n"}, 768 * MIB, 0.5),
        ("0::/\n", {"memory_dot_max": "max\n", "cpu_dot_max": "max 100000\n"}, None, None),
        ("", {"memory_dot_max": "805306368\n"}, 768 * MIB, None),
        ("0::/job/a\n", {"job__memory_dot_max": "1048576\n", "memory_dot_max": "4194304\n"}, MIB, None),
        ("0::/job/a\n", {"job__a__cpu_dot_max": "200000 100000\n", "job__cpu_dot_max": "90000 100000\n"}, None, 0.9),
        ("5:memory:/docker/x\n", {"memory__docker__x__memory_dot_limit_in_bytes": "2097152\n"}, 2 * MIB, None),
        ("5:memory:/docker/x\n", {"memory__memory_dot_limit_in_bytes": "9223372036854771712\n"}, None, None),
        ("4:cpu,cpuacct:/x\n", {"cpu,cpuacct__cpu_dot_cfs_quota_us": "90000\n",
                                "cpu,cpuacct__cpu_dot_cfs_period_us": "100000\n"}, None, 0.9),
        ("4:cpu:/\n", {"cpu__cpu_dot_cfs_quota_us": "-1\n", "cpu__cpu_dot_cfs_period_us": "100000\n"}, None, None),
        ("4:cpu:/\n", {"cpu_dot_max": "nonsense\n", "memory_dot_max": "\n"}, None, None),
        ("0::/../..\n", {"memory_dot_max": "1048576\n"}, MIB, None),
    ],
)  # fmt: skip
def test_groups_of_both_versions_are_read(tmp_path, told, files, memory, cores):
    folder = tmp_path / "cgroup"
    folder.mkdir()
    assert read(groups(folder, **files), own(tmp_path, told)) == Container(memory, cores)


def test_without_groups_there_is_no_limit(tmp_path):
    assert read(tmp_path / "nothing", tmp_path / "neither") == Container()


def homework(tmp_path, *budgets):
    items = tuple(
        Item(f"1.{at}", "Train", 1, (CheckPlan(f"train{at}", 1),), {"budget": seconds, "accuracy": 0.4})
        for at, seconds in enumerate(budgets)
    )
    section = Section("main", {}, (), memory=4096 * MIB)
    tasks = (Task("1", "Train", "main", (*items, Item("1.9", "Else", 1, (CheckPlan("else", 1),)))),)
    rubric = Rubric("T", (section,), tasks, Limits(call_wall=20, check_wall=60, memory=2048 * MIB), "d")
    return Homework(tmp_path, rubric, {}, {}, tmp_path, tmp_path)


def budgets(given):
    return [item.settings["budget"] for task in given.rubric.tasks for item in task.items if "budget" in item.settings]


def test_where_there_is_enough_nothing_is_cut_and_nothing_said(tmp_path):
    given = homework(tmp_path, 100, 200)
    fitting, told = fitted(given, Container(16 << 30, 2.0), 600, 0)
    assert fitting.rubric == given.rubric
    assert told == ()


def test_memory_beside_the_grader_is_what_a_process_gets(tmp_path):
    fitting, told = fitted(homework(tmp_path), Container(768 * MIB, 1.0), 600, 320 * MIB - SPARE)
    assert fitting.rubric.limits.resident == 448 * MIB
    assert fitting.rubric.limits.memory == 2048 * MIB  # of addresses, which cost nothing
    assert "768 MiB" in told[0]
    assert "448 MiB of the 4096 MiB" in told[0]
    assert fitted(homework(tmp_path), Container(64 * MIB), 600, 0)[0].rubric.limits.resident == 128 * MIB


def test_budgets_share_the_time_that_is_there(tmp_path):
    fitting, told = fitted(homework(tmp_path, 100, 300), Container(None, 0.5), 460, 0)
    assert budgets(fitting) == [50, 150]  # 400 seconds beside the other checks, on half a core
    assert (fitting.rubric.limits.call_wall, fitting.rubric.limits.check_wall) == (40, 120)
    assert fitting.rubric.limits.call_cpu == Limits().call_cpu
    assert "limits on the clock are 2 times as long" in told[0]
    assert "1.0: 50 of 100 s; 1.1: 150 of 300 s" in told[1]
    assert budgets(fitted(homework(tmp_path, 100), Container(), 30, 0)[0]) == [0]


def test_what_the_grader_takes_is_measured():
    before = taken()
    with mmap.mmap(-1, 64 * MIB) as kept:  # always new pages: a bytearray may lie in memory that was freed before
        kept.write(b"x" * (64 * MIB))
        assert 0.8 * 64 * MIB < taken() - before < 2 * 64 * MIB
