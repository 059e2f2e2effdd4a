"""What an optimizer moved, what else was written, and which convolutions see more than a pixel."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.medium, pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")]
ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import json, torch
from torch import nn
from torch.nn import functional as F
from grader.homework.worker.moved import Moved, instead
from grader.homework.worker.watch import Watch, convolutions, is_marked, mark_pictures

found = {}
def told(name, model, shape=(2, 1, 28, 28)):
    seen = convolutions(model(torch.rand(shape)).sum())
    found[name] = [seen.spans, seen.kernels, len(seen.filters)]

told("3 x 3", nn.Conv2d(1, 2, 3))
told("patches", nn.Conv2d(1, 2, 4, stride=4))
told("in one direction", nn.Conv2d(1, 2, (1, 5)))
told("depthwise", nn.Sequential(nn.Conv2d(1, 4, 1), nn.Conv2d(4, 4, 3, groups=4), nn.Conv2d(4, 2, 1)))
told("transposed", nn.ConvTranspose2d(1, 2, 3, stride=2))
told("unfolded", lambda x: F.unfold(x.requires_grad_(), 3))
told("a line", nn.Sequential(nn.Flatten(2), nn.Conv1d(1, 2, 9)))
told("weight norm", nn.utils.parametrizations.weight_norm(nn.Conv2d(1, 2, 3)))
told("1 x 1", nn.Conv2d(1, 2, 1))
told("1 x 1 with a stride", nn.Conv2d(1, 2, 1, stride=2))
told("the whole picture", nn.Conv2d(1, 2, 28))
told("beside the picture", nn.Conv2d(1, 2, 3, padding=40, dilation=40))
told("a picture of one pixel", nn.Conv2d(784, 2, 3, padding=1), (2, 784, 1, 1))
told("unfolded pixels", lambda x: F.unfold(x.requires_grad_(), 1))
told("no gradient", nn.Sequential(nn.Conv2d(1, 4, 1), nn.Conv2d(4, 4, 3).requires_grad_(False)))
told("none", nn.Sequential(nn.Flatten(), nn.Linear(784, 2)))

def followed(write, start=0, by=1):
    layer, moved = nn.Linear(2, 1, bias=False), Moved()
    layer.weight.data.fill_(start)
    moved.see(layer.parameters())
    for step in range(3):
        moved.compare()
        layer.weight.data.add_(by)
        moved.step()
        write(step, layer)
    moved.compare()
    for one, value in moved.by_steps().items():
        assert one is layer.weight
        return value.tolist(), bool(moved.written), moved.distance(layer.parameters()) > 1
    return layer.weight.tolist(), bool(moved.written), moved.distance(layer.parameters()) > 1

states = {}
def restore(step, layer):
    states[step] = layer.weight.data.clone()
    if step == 2:
        layer.weight.data.copy_(states[0])

def clip_and_restore(step, layer):
    layer.weight.data.clamp_(max=0.5)  # of each step, a half or all is taken back
    restore(step, layer)

def cut_rows(step, layer):
    layer.weight.data.mul_((0.8 / layer.weight.norm()).clamp(max=1))

found["clipped, restored"] = followed(clip_and_restore)
found["rows cut"] = followed(cut_rows)
found["as before an earlier step"] = followed(lambda step, layer: layer.weight.data.add_(3 * (step == 1)), 5, -2)
found["more than taken back"] = followed(lambda step, layer: layer.weight.data.sub_(1.75))
found["steps"] = followed(lambda step, layer: None)
found["restored"] = followed(restore)
found["written once"] = followed(lambda step, layer: layer.weight.data.add_(50 * (step == 1)))
found["written each time"] = followed(lambda step, layer: layer.weight.data.add_(7))
layer = nn.Linear(2, 1)
before = layer.weight.clone()
with instead({layer.weight: torch.zeros_like(layer.weight)}):
    found["instead"] = [layer.weight.abs().sum().item() == 0]
found["instead"].append(torch.equal(layer.weight, before))
layer.register_parameter("places", nn.Parameter(torch.arange(3), requires_grad=False))
mixed = Moved()
mixed.see(layer.parameters())
mixed.compare()
found["whole numbers"] = [one.dtype.is_floating_point for one in mixed.start]

watch, layer = Watch(lambda *_: None), nn.Conv2d(1, 3, 3)
watch.convolutions = convolutions(layer(torch.rand(2, 1, 28, 28)).sum())
for which in ("no filters", "mixed filters"):
    ((one, value),) = watch.others(which).items()
    same = torch.equal(value.flatten().sort().values, layer.weight.data.flatten().sort().values)
    found[which] = [one is layer.weight, bool(value.any()), same, torch.equal(value, layer.weight)]
watch.moved.see(layer.parameters())
gap = max((value - one).abs().max().item() / one.abs().max().item() for one, value in watch.others("nudged").items())
found["nudged"] = [0 < gap < 1e-3, len(watch.others("nudged"))]
found["another word"] = watch.others("what")

pictures = (torch.rand(64, 28, 28) * 300 - 150).clamp(0).byte()
own = mark_pictures(pictures.numpy().copy())
own = torch.from_numpy(own).float().unsqueeze(1)
found["outlines"] = torch.equal(own[:, 0] > 0, pictures > 0)
found["apart"] = (own[:, 0] - pictures.float()).abs().max().item()
found["marks"] = [is_marked(x) for x in (
    own, (255 - own) / 255, (own / 255 - 0.28) / 0.35, own.flip(-1), own.flatten(1), nn.functional.pad(own, [3] * 4))]
found["no marks"] = [is_marked(x) for x in (
    pictures.float(), pictures.float() / 255 - 0.3, 255 - pictures.float(), torch.randn(64, 1, 28, 28),
    (pictures > 0).float(), torch.zeros(8, 3), torch.fft.fft2(own.float()), own[:0],
    pictures.float() + torch.randn(64, 28, 28), torch.nn.functional.avg_pool2d(own[:, :, 9:], 3, 1, 1),
    *(nn.functional.pad(torch.randn(1, 8, side), [0, 28 - side]) for side in range(7, 28)))]

class Outer(torch.optim.Optimizer):  # as Lookahead: its step has another optimizer step, and goes on from there
    def __init__(self, inner):
        super().__init__(inner.param_groups[0]["params"], {})
        self.inner = inner

    def step(self, closure=None):
        self.inner.step()
        for one in self.param_groups[0]["params"]:
            one.data.mul_(0.5).sub_(7)

def stepped(act, make=torch.optim.SGD):
    layer, watch.moved = nn.Linear(2, 1, bias=False), Moved()
    layer.weight.data.fill_(0)
    optimizer = make(layer.parameters(), lr=1.0)
    write = lambda *_: (layer.weight.data.add_(50), None)[1]
    for step in range(3):
        layer.weight.grad = torch.ones(1, 2)
        act(step, optimizer, write)
    watch.moved.compare()
    return watch.moved.by_steps().get(layer.weight, layer.weight).tolist(), bool(watch.moved.written)

def hooked(register, first=1):
    def act(step, optimizer, write):
        if step == first:
            getattr(optimizer, register)(write)
        optimizer.step()
    return act

def lowered(step, optimizer, write):
    weight = optimizer.param_groups[0]["params"][0]
    def closure():
        optimizer.zero_grad()
        loss = ((weight - 3) ** 2).sum()
        loss.backward()
        return loss
    optimizer.step(closure)

def outer(step, optimizer, write):
    outers.setdefault(id(optimizer), Outer(optimizer)).step()

def unseen(step, optimizer, write):
    torch._foreach_norm = lambda tensors, *_: [torch.zeros(())]
    write() if step == 1 else None
    optimizer.step()

outers = {}
watch.begin()
found["a step alone"] = stepped(lambda step, optimizer, write: optimizer.step())
found["a hook before it"] = stepped(hooked("register_step_pre_hook"))
found["a hook after it"] = stepped(hooked("register_step_post_hook"))
found["a hook from the start"] = stepped(hooked("register_step_post_hook", 0))
found["a closure"] = stepped(lambda step, optimizer, write: optimizer.step(write))
found["a closure by its name"] = stepped(lambda step, optimizer, write: optimizer.step(closure=write))
found["another closure"] = stepped(lowered, torch.optim.LBFGS)
found["an optimizer in it"] = stepped(outer)
found["another norm"] = stepped(unseen)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found() -> Any:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, cwd=ROOT, timeout=100)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("name", "filters"),
    [("3 x 3", 2), ("patches", 2), ("in one direction", 2), ("depthwise", 2), ("transposed", 2), ("unfolded", 0),
     ("a line", 2), ("weight norm", 2)],
)  # fmt: skip
def test_a_convolution_of_several_pixels_is_one(found, name, filters):
    spans, _, count = found[name]
    assert spans
    assert (count > 0) == (filters > 0)


def test_filters_are_tried_empty_and_with_their_own_numbers_in_another_order(found):
    assert found["no filters"] == [True, False, False, False]
    assert found["mixed filters"] == [True, True, True, False]
    assert found["nudged"] == [True, 2]
    assert found["another word"] == {}


@pytest.mark.parametrize(
    ("name", "kernels"),
    [
        ("1 x 1", ["1 x 1"]),
        ("1 x 1 with a stride", ["1 x 1"]),
        ("the whole picture", ["28 x 28"]),
        ("beside the picture", ["3 x 3"]),
        ("a picture of one pixel", ["3 x 3"]),
        ("unfolded pixels", ["1 x 1"]),
        ("no gradient", ["3 x 3", "1 x 1"]),
        ("none", []),
    ],
)
def test_one_of_single_pixels_or_of_the_whole_picture_or_without_a_gradient_is_none(found, name, kernels):
    assert found[name] == [False, kernels, 0]


@pytest.mark.parametrize(
    ("name", "by_steps", "written"),
    [
        ("steps", 3.0, False),
        ("restored", 1.0, False),
        ("written once", 3.0, True),
        ("written each time", 3.0, True),
        ("more than taken back", 3.0, True),
        ("as before an earlier step", -1.0, True),
    ],
)
def test_what_was_written_between_two_steps_is_told_from_the_steps(found, name, by_steps, written):
    values, wrote, far = found[name]
    assert values == [[by_steps, by_steps]]
    assert wrote == written
    assert far


@pytest.mark.parametrize("name", ["clipped, restored", "rows cut"])
def test_weights_that_are_limited_after_each_step_are_the_optimizers(found, name):
    _, wrote, _ = found[name]
    assert not wrote


def test_parameters_have_their_values_again(found):
    assert found["instead"] == [True, True]


def test_pictures_of_the_test_set_are_known_again(found):
    """Their marks leave outlines as they are, for a network that looks at them."""
    assert found["outlines"]
    assert found["apart"] == 1
    assert all(found["marks"])
    assert not any(found["no marks"])


def test_parameters_that_are_whole_numbers_are_not_followed(found):
    assert found["whole numbers"] == [True, True]


@pytest.mark.parametrize(
    ("name", "by_steps", "written"),
    [
        ("a step alone", -3.0, False),
        ("a hook before it", -3.0, True),
        ("a hook after it", -3.0, True),
        ("a hook from the start", -3.0, True),
        ("a closure", -3.0, True),
        ("a closure by its name", -3.0, True),
        ("another closure", 3.0, False),
        ("an optimizer in it", -13.125, False),
        ("another norm", -3.0, True),
    ],
)
def test_what_runs_in_an_optimizers_step_beside_it_is_no_part_of_it(found, name, by_steps, written):
    values, wrote = found[name]
    assert values == [pytest.approx([by_steps, by_steps], abs=1e-4)]
    assert wrote == written
