"""Three of the right networks of tests/benchmarks/right_networks.py keep every point, and a person is asked nothing."""

from __future__ import annotations

import importlib.util
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from grader.loading import ROOT, load

sys.path.insert(0, str(Path(__file__).parent))
from bright import few_greys, made_up, quick

pytestmark = [pytest.mark.medium, pytest.mark.slow]


def by_path(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # a dataclass looks for its module there
    spec.loader.exec_module(module)
    return module


BENCHMARK = by_path(ROOT / "tests" / "benchmarks" / "right_networks.py")
HOMEWORK = quick(load(ROOT / "grader" / "homework"))
TASKS = ["4", pytest.param("5", marks=pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed"))]


@pytest.fixture(scope="module")
def data() -> Any:
    return {"cifar10": made_up(), "fashion-mnist": few_greys()}.__getitem__


@pytest.mark.parametrize("name", BENCHMARK.CHEAPEST)
@pytest.mark.parametrize("task", TASKS)
def test_a_right_network_keeps_every_point_and_is_asked_nothing(name, task, data):
    assert BENCHMARK.lost(BENCHMARK.graded(HOMEWORK, name, task, 1, data)) == []


def test_ten_networks_and_the_reference_are_all_written_in_their_own_way():
    assert len(BENCHMARK.RIGHT) >= 11
    made = {(*one.files().items(), BENCHMARK.notebook(name)) for name, one in BENCHMARK.RIGHT.items()}
    assert len(made) == len(BENCHMARK.RIGHT)
