"""save and load are checked with a small network, whatever load() makes first, and as strictly as with a large one."""

from __future__ import annotations

import re

import pytest

from grader.grading import grade
from grader.loading import ROOT, load
from grader.model import CheckResult, Submission, Verdict

pytestmark = pytest.mark.medium

HOMEWORK = load(ROOT / "grader" / "homework")
FILES = {name: (ROOT / "reference" / "neuralnet" / name).read_bytes() for name in ("layers.py", "two_layer_net.py")}
INIT = "def __init__(self, input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):"
COPIES = """
    @classmethod
    def load(cls, filename):
        import pickle
        with open(filename, "rb") as file:
            saved = pickle.load(file)
        net = cls()
        for name, array in net.parameters().items():
            {act}
        return net
"""


def result(*changes: tuple[str, str], behind: str = "") -> CheckResult:
    text = FILES["two_layer_net.py"].decode()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    files = FILES | {"two_layer_net.py": (text + behind).encode()}
    report = grade(Submission("s", files, {name: name for name in files}, ""), HOMEWORK, seed=1, only=["3.1"])
    return next(check for check in report.checks if check.name == "net_save_load")


def built(check: CheckResult) -> list[str]:
    """The sizes of the networks that were made."""
    return re.findall(r"made (\(.*?\))", check.output)


SAYS = (
    "        # BEGIN SOLUTION\n        self.W1",
    "        print('made', (input_dim, num_classes, hidden_dim))\n        self.W1",
)


def test_load_makes_a_small_network_first():
    check = result(SAYS)
    assert check.verdict is Verdict.PASS
    assert built(check)[-1] == "(5, 4, 6)"
    assert "(3072, 10, 512)" not in built(check)


def test_other_defaults_than_the_homeworks_stay():
    check = result(SAYS, (INIT, INIT.replace("512", "100")))
    assert check.verdict is Verdict.PASS
    assert built(check)[-1] == "(3072, 10, 100)"


@pytest.mark.parametrize(
    ("act", "verdict"),
    [
        ("array[...] = saved[name]", Verdict.RAISED),  # no resizing
        ("array.resize(saved[name].shape, refcheck=False)", Verdict.FAIL),  # nothing is copied
        ("pass", Verdict.FAIL),
    ],
)
def test_a_load_that_is_wrong_is_still_wrong(act, verdict):
    check = result(behind=COPIES.format(act=act))
    assert check.verdict is verdict, check.message


def test_a_class_whose_defaults_cannot_be_read_is_asked_as_it_is():
    wrapped = "\n\n_made = TwoLayerNet.__init__\nTwoLayerNet.__init__ = lambda self, *given: _made(self, *given)\n"
    assert result(behind=wrapped).verdict is Verdict.PASS
