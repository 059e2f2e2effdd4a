"""What every test may rely on."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from classes import Act
from reports import perfect, report

from grader.command import new_homework
from grader.course import batch
from grader.course.job import Done, Job, Place
from grader.course.result_keys import Terms

PACKAGE = "grader.homework."
OWN = Path(__file__).resolve().parents[1] / "grader" / "homework"

__all__ = ["perfect", "report"]  # fixtures for every room

if find_spec("hypothesis"):  # not everywhere in CI
    from hypothesis import HealthCheck, settings

    settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("busy")  # a machine that others use, too, is no failure

for name in ("SIGINT", "SIGHUP"):  # under nohup or in the background they are ignored, by all that is started here too
    number = getattr(signal, name, None)
    if number is not None and signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)

SECONDS = {"slow": 20.0, "medium": 2.0, "": 0.05}  # what a test takes, about, by its mark


def pytest_configure(config: pytest.Config) -> None:
    config.option.loadscopereorder = False  # pytest-xdist would put the files with the most tests first


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest come first, so that no process waits for another one in the end."""
    takes: dict[Path, float] = {}
    for item in items:
        mark = next((name for name in SECONDS if name and item.get_closest_marker(name)), "")
        takes[item.path] = takes.get(item.path, 0.0) + SECONDS[mark]
    items.sort(key=lambda item: -takes[item.path])


@pytest.fixture
def folder(tmp_path) -> Path:
    """A homework as `grade.py new-homework` makes it, for a test to change."""
    home = tmp_path / "first"
    for name, content in new_homework.skeleton("first").items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(content)
    return home


@pytest.fixture(autouse=True, scope="module")
def own_homework() -> Iterator[None]:
    """Tests that load another homework leave the own modules to the files that follow."""
    before = {name: module for name, module in sys.modules.items() if name.startswith(PACKAGE)}
    yield
    for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
        if name in before:
            sys.modules[name] = before[name]
        elif sys.modules[name].__file__ != str(OWN / f"{name.removeprefix(PACKAGE).replace(chr(46), chr(47))}.py"):
            del sys.modules[name]


@pytest.fixture(autouse=True)
def own_environment() -> Iterator[None]:
    """What a batch leaves to the processes that it starts is nothing to those of the next test."""
    before = dict(os.environ)
    yield
    if os.environ != before:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def scripted(monkeypatch):
    """Put a script in place of the grading; gives the jobs that were done, in order."""

    def put(act: Act) -> list[Job]:
        jobs: list[Job] = []

        def work(place: Place, terms: Terms, job: Job) -> Done:
            jobs.append(job)
            return act(job, sum(one.student == job.student for one in jobs))

        monkeypatch.setattr(batch, "work", work)
        return jobs

    return put
