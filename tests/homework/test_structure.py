"""A network that is built in another way than asked has one fault: its parameters' check costs points, and no other.

Each case is the reference with a few replacements; what it says is in the sentence of that check.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.grading import grade
from grader.intake.submission import read, stubs
from grader.loading import OWN, load
from grader.model import Report
from grader.sandbox.launch import Zygotes

pytestmark = pytest.mark.medium
ROOT = Path(__file__).parents[2]
HOMEWORK = load(OWN)
WANTED = [name for section in HOMEWORK.rubric.sections for name in section.submit]
SOURCE = (ROOT / "reference" / "neuralnet" / "two_layer_net.py").read_text(encoding="utf-8")
CASES: dict[str, tuple[list[tuple[str, str]], str]] = {
    "hidden_dim ignored": ([("(input_dim, hidden_dim)", "(input_dim, num_classes)"),
                            ("np.zeros(hidden_dim)", "np.zeros(num_classes)"),
                            ("(hidden_dim, num_classes)", "(num_classes, num_classes)")], "is hidden_dim ignored"),
    "sizes exchanged": ([("(input_dim, hidden_dim)", "(input_dim, num_classes)"),
                         ("np.zeros(hidden_dim)", "np.zeros(num_classes)"),
                         ("(hidden_dim, num_classes)", "(num_classes, hidden_dim)"),
                         ("self.b2 = np.zeros(num_classes)", "self.b2 = np.zeros(hidden_dim)")], "exchanged"),
    "biases as rows": ([("np.zeros(hidden_dim)", "np.zeros((1, hidden_dim))"),
                        ("np.zeros(num_classes)", "np.zeros((1, num_classes))")], "the bias is a row"),
    "weights transposed": ([("size=(input_dim, hidden_dim)", "size=(hidden_dim, input_dim)"),
                            ("size=(hidden_dim, num_classes)", "size=(num_classes, hidden_dim)"),
                            ("self.W1, self.b1)", "self.W1.T, self.b1)"),
                            ("self.W2, self.b2)", "self.W2.T, self.b2)"),
                            ('"W1": grad_W1', '"W1": grad_W1.T'),
                            ('"W2": grad_W2', '"W2": grad_W2.T')], "transposed"),
    "a list of arrays": ([('{"W1": self.W1, "b1": self.b1, "W2": self.W2, "b2": self.b2}',
                           "[self.W1, self.b1, self.W2, self.b2]"),
                          ('{"W1": grad_W1, "b1": grad_b1, "W2": grad_W2, "b2": grad_b2}',
                           "[grad_W1, grad_b1, grad_W2, grad_b2]")], "parameters() is a list"),
    "a dict for each layer": ([('{"W1": self.W1, "b1": self.b1, "W2": self.W2, "b2": self.b2}',
                                '{"one": {"W": self.W1, "b": self.b1}, "two": {"W": self.W2, "b": self.b2}}'),
                               ('{"W1": grad_W1, "b1": grad_b1, "W2": grad_W2, "b2": grad_b2}',
                                '{"one": {"W": grad_W1, "b": grad_b1}, "two": {"W": grad_W2, "b": grad_b2}}')],
                              "parameters() is nested"),
}  # fmt: skip


# The kit's own save() takes the parameters for a dict of arrays.
BESIDES = {
    "a list of arrays": ("net_save_load",),
    "a dict for each layer": ("net_save_load",),
}


@pytest.fixture(scope="module")
def launch():
    with Zygotes() as zygotes:
        yield zygotes.launch


def graded(tmp_path: Path, source: str, launch: object) -> Report:
    for path in ("backprop/functions.py", "neuralnet/layers.py", "neuralnet/train.py"):
        (tmp_path / Path(path).name).write_bytes((ROOT / "reference" / path).read_bytes())
    (tmp_path / "two_layer_net.py").write_text(source, encoding="utf-8")
    submission = read(tmp_path, WANTED, stubs(HOMEWORK.handout, WANTED))
    return grade(submission, HOMEWORK, seed=3, only=["3", "4.1"], launch=launch)


@pytest.mark.parametrize("name", CASES)
def test_a_structural_mistake_is_one_mistake(tmp_path, launch, name):
    changes, says = CASES[name]
    source = SOURCE
    for old, new in changes:
        assert old in source, old
        source = source.replace(old, new)
    report = graded(tmp_path, source, launch)
    lost = {check.name: check.message for check in report.checks if check.earned < check.points}
    assert lost.keys() == {"net_parameters", *BESIDES.get(name, ())}, lost
    assert says in lost["net_parameters"]
    assert "exchanged" not in lost["net_parameters"] or says == "exchanged"
    for message in lost.values():
        assert not any(word in message for word in ("do not come from", "forge"))


def test_what_is_not_there_is_never_called_wrong(tmp_path, launch):
    for path in ("backprop/functions.py", "neuralnet/two_layer_net.py", "neuralnet/train.py"):
        (tmp_path / Path(path).name).write_bytes((ROOT / "reference" / path).read_bytes())
    submission = read(tmp_path, WANTED, stubs(HOMEWORK.handout, WANTED))
    report = grade(submission, HOMEWORK, seed=3, only=["3", "4.1"], launch=launch)
    first = [check.followed.first if check.followed else check for check in report.checks]
    told = " ".join(one.message for one in first)
    assert "Your fc_forward and relu_forward are not implemented yet (items 2.1, 2.2): fix that first" in told
    assert " wrong" not in told
