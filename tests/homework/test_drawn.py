"""What is drawn anew in each run has what a mistake may depend on, whatever the seed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.homework import edges, network, task1_graphs, task2_layers, task3_two_layer_net, task4_training_step

sys.path.insert(0, str(Path(__file__).parent))
import fake
from test_checks import CHECKS, FOLDER, namespace, run

SEEDS = range(50)
MODULES = task1_graphs, task2_layers, task3_two_layer_net, task4_training_step


@pytest.fixture
def expected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """What a check expects of right work, by the name in its messages."""
    monkeypatch.chdir(tmp_path)
    student = {name: namespace(module) for name, module in fake.modules(FOLDER).items()}
    seen: dict[str, Any] = {}
    for module in MODULES:
        monkeypatch.setattr(module, "expect_close", lambda hw, name, yours, right, **_: seen.update({name: right}))

    def of(check: str, seed: int) -> dict[str, Any]:
        seen.clear()
        run(CHECKS[check], student, seed)
        return {name: np.abs(np.asarray(right, dtype=np.float64)) for name, right in seen.items()}

    return of


def entries(found: dict[str, Any]) -> Any:
    return np.concatenate([one.ravel() for one in found.values()])


@pytest.mark.parametrize("check", ["fc_forward", "net_forward"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_case_of_small_numbers_has_many_below_a_hundredth(expected, check, seed):
    (small,) = (right for name, right in expected(check, seed).items() if name.endswith("small numbers"))
    assert np.median(small) < 0.01


@pytest.mark.parametrize("check", ["f3_gradient_y1", "f3_gradient_y2", "training_step_loss"])
@pytest.mark.parametrize("seed", SEEDS)
def test_some_numbers_are_below_a_hundredth_and_not_0(expected, check, seed):
    found = entries(expected(check, seed))
    assert ((found > 1e-4) & (found < 0.01)).any()


@pytest.mark.parametrize("check", ["fc_forward", "relu_forward", "l2_value", "l2_gradient", "training_step_loss"])
@pytest.mark.parametrize("seed", SEEDS)
def test_some_numbers_are_beyond_a_hundred(expected, check, seed):
    assert entries(expected(check, seed)).max() > 100


@pytest.mark.parametrize("seed", SEEDS)
def test_a_layer_is_given_odd_and_even_numbers_of_everything(seed):
    sizes = np.array([size for size in edges.edge_sizes(np.random.default_rng(seed)) if min(size) > 1])
    assert {0, 1} == set(sizes[:, 0] % 2) == set(sizes[:, 1] % 2) == set(sizes[:, 2] % 2)


@pytest.mark.parametrize("seed", SEEDS)
def test_layers_are_given_two_rows_and_networks_are_wider_and_narrower(seed):
    rng = np.random.default_rng(seed)
    assert 2 in [rows for rows, _ in task2_layers.relu_shapes(rng)]
    drawn = network.edge_sizes(rng)
    assert any(one.batch == one.inputs == one.classes == one.hidden for one in drawn)
    assert 2 in [one.inputs for one in drawn]
    assert 2 in [one.classes for one in drawn]
    for orders in ((one.inputs - one.hidden, one.hidden - one.classes) for one in drawn[-2:]):
        assert orders[0] * orders[1] > 0
    assert drawn[-2].inputs > drawn[-2].hidden
    assert drawn[-1].inputs < drawn[-1].hidden
    assert max(one.batch for one in drawn) > 64
    assert all(max(getattr(one, of) for one in drawn) > 16 for of in ("inputs", "hidden", "classes"))
