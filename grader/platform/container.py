"""What a container gives, and a homework whose budgets fit into it.

A container's memory is shared by all of its processes: if it is full, the system kills one of them. So a student's
process is stopped before that. Such a stop is due to the container: it is a question for a person and costs no points.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from grader.model import Homework, Item, Limits
from grader.report.wording import mib

GROUPS, OWN_GROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
SPARE = 96 << 20  # bytes for what the grader takes later: its plots
LEAST = 128 << 20  # bytes that a student's process may use anyhow: without them not even numpy is imported
BESIDE = 60.0  # seconds of a run for all that has no budget of its own


@dataclass(frozen=True, slots=True)
class Container:
    """Bytes of memory and cores; None where there is no limit."""

    memory: int | None = None
    cores: float | None = None


def read(groups: Path = GROUPS, own: Path = OWN_GROUP) -> Container:
    """The least that this process's control groups allow, in version 2 and in version 1."""
    folders = list(folders_of(groups, own))
    memory = [
        value
        for folder in folders
        for name in ("memory.max", "memory.limit_in_bytes")
        if (value := number(folder / name)) and value < 1 << 60  # more stands for no limit
    ]
    cores = [share for folder in folders if (share := quota(folder))]
    return Container(min(memory, default=None), min(cores, default=None))


def folders_of(groups: Path, own: Path) -> Iterator[Path]:
    """This process's groups and all above them, in each hierarchy."""
    try:
        lines = own.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in [*lines, "0::/", "1:memory:/", "2:cpu:/"]:  # in a container the group itself is at the top
        names, _, path = line.partition(":")[2].partition(":")
        for top in (groups, *(groups / name for name in {names, *names.split(",")} if name)):
            inner = top / path.lstrip("/")
            yield from (folder for folder in (inner, *inner.parents) if folder.is_relative_to(top))


def number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # "max", or nothing there
        return None


def quota(folder: Path) -> float | None:
    """Cores that a group may use."""
    try:
        words = (folder / "cpu.max").read_text(encoding="ascii").split()
        allowed, period = int(words[0]), int(words[1])
    except (OSError, ValueError, IndexError):
        allowed, period = number(folder / "cpu.cfs_quota_us") or -1, number(folder / "cpu.cfs_period_us") or 0
    return allowed / period if allowed > 0 and period > 0 else None


def taken() -> int:
    """Bytes that the grader has in memory, with all that it started but the largest: a worker shares what the zygote
    that forked it has."""
    import psutil

    own = psutil.Process()
    below = [process.memory_info().rss for process in own.children(recursive=True)]
    return int(own.memory_info().rss + sum(below) - max(below, default=0))


def fitted(homework: Homework, given: Container, seconds: float, ours: int) -> tuple[Homework, tuple[str, ...]]:
    """The homework with its budgets cut to what there is, and a sentence on each cut.

    `seconds` is the time on the clock for all of it, `ours` what the grader has in memory, in bytes. Training budgets
    share what is left beside the other checks, in CPU seconds. Limits on the clock grow where there is less than a
    core.
    """
    limits, rubric, told = homework.rubric.limits, homework.rubric, []
    share = min(given.cores or float(os.cpu_count() or 1), 1.0)
    wanted = max([limits.memory, *(section.memory or 0 for section in rubric.sections)])
    if given.memory is not None and given.memory - ours - SPARE < wanted:
        resident = max(given.memory - ours - SPARE, LEAST)
        limits = replace(limits, resident=resident)
        told.append(
            f"this container has {mib(given.memory)} MiB of memory: a student's process gets {mib(resident)} MiB of "
            f"the {mib(wanted)} MiB allowed; what needs more is a question for a person"
        )
    if share < 1:
        limits = slower(limits, share)
        told.append(f"this container has {share:.2g} of a core: limits on the clock are {1 / share:.2g} times as long")
    part, budgets = cut(homework, max(seconds - BESIDE, 0.0) * share)
    if part < 1:
        told.append(
            f"a run has {seconds:g} s here, so training gets {part:.0%} of its CPU seconds "
            f"({'; '.join(budgets)}); what is cut while it learns is a question for a person"
        )
    tasks = tuple(replace(task, items=tuple(shorter(item, part) for item in task.items)) for task in rubric.tasks)
    return replace(homework, rubric=replace(rubric, limits=limits, tasks=tasks)), tuple(told)


def slower(limits: Limits, share: float) -> Limits:
    return replace(limits, call_wall=limits.call_wall / share, check_wall=limits.check_wall / share)


def cut(homework: Homework, most: float) -> tuple[float, list[str]]:
    """The share of the items' budgets that fits into `most` CPU seconds, and each budget after the cut."""
    items = [item for item in homework.rubric.items if "budget" in item.settings]
    whole = sum(item.settings["budget"] for item in items)
    part = min(1.0, most / whole) if whole else 1.0
    return part, [f"{item.id}: {part * item.settings['budget']:.0f} of {item.settings['budget']:g} s" for item in items]


def shorter(item: Item, part: float) -> Item:
    if "budget" not in item.settings:
        return item
    return replace(item, settings={**item.settings, "budget": item.settings["budget"] * part})
