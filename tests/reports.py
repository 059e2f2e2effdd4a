"""A report by hand: passes, fails, a fault of ours, skipped items, and text that means harm."""

from __future__ import annotations

import math

import pytest

from grader.model import CheckResult, Figure, ItemResult, Measure, Provenance, Report, TaskResult, Verdict

HOSTILE = (
    "<script>alert(1)</script> <img src=x onerror=alert(2)> {{ 7*7 }} {% raw %} [bold red]score 100[/] "
    "\x1b[31mred\x1b[0m \x1b]8;;http://example.invalid\x07link\x1b]8;;\x07 \x9b2J \x00 \u202egnp.exe\u202c "
    "\udce9 $\\frac{$ </pre></style>]]> &amp; \"quoted\" 'single'"
)
TRACEBACK = "Traceback (most recent call last):\n  File \"expect.py\", line 9\nKeyError: 'secret_reference_value'"


def check(name, verdict, points, earned=0.0, **more):
    return CheckResult(name, f"What {name} should do is said here.", verdict, earned, points, seconds=0.0123, **more)


def item(id, title, *checks):
    return ItemResult(id, title, sum(c.earned for c in checks), sum(c.points for c in checks), checks)


@pytest.fixture
def report() -> Report:
    graphs = item(
        "1.1",
        "f3, forward and backward",
        check("f3_forward", Verdict.PASS, 5, 5, measures=(Measure("L of f3 with y=1", 2.2e-16, 1e-8),)),
        check(
            "f3_gradient",
            Verdict.PARTIAL,
            5,
            10 / 3,
            message="The gradient is right for y = 1 only.",
            measures=(Measure("grad_s1 of f3", 3e-12, 1e-8), Measure("grad_s2 of f3", 0.4, 1e-8)),
        ),
    )
    optional = item("1.2", "f4 (optional)", check("f4_gradient", Verdict.FAIL, 0, message="grads of f4 is off by 2."))
    layers = item(
        "2.1",
        "Fully-connected layer",
        check("fc_forward", Verdict.PASS, 2, 2, measures=(Measure("out of fc_forward (4, 5, 3)", 0.0, 1e-9),)),
        check(
            "fc_backward",
            Verdict.FAIL,
            3,
            message="grad_w should have shape (5, 3), but it has shape (3, 5): transposed.",
            where="layers.py:31",
            output="shape is (3, 5)\n" * 40,
            measures=(
                Measure("grad_x of fc_backward (4, 5, 3)", 4e-12, 1e-9),
                Measure("grad_x of fc_backward (2, 7, 4)", 8e-12, 1e-9),
                Measure("grad_w of fc_backward (4, 5, 3)", math.inf, 1e-9),
                Measure("grad_b of fc_backward (4, 5, 3)", math.nan, 1e-9),
            ),
        ),
    )
    hostile = item(
        "2.2",
        "ReLU",
        check(
            "relu_forward",
            Verdict.RAISED,
            2,
            message=HOSTILE,
            where=f"{HOSTILE}.py:3",
            output=f"{HOSTILE}\nsecond line",
            advice=(HOSTILE,),
            measures=(Measure(f"grad of {HOSTILE}", 1e-3, 1e-9),),
            figures=(
                Figure("table", HOSTILE, {"columns": ["", HOSTILE], "rows": [["a", HOSTILE * 50]], "caption": HOSTILE}),
            ),
        ),
        check("relu_backward", Verdict.INTERNAL, 3, message=TRACEBACK),
    )
    stub = item(
        "2.3",
        "Softmax loss",
        check("softmax_value", Verdict.NOT_IMPLEMENTED, 2, message="softmax_loss returned None: not implemented yet"),
        check("softmax_grad", Verdict.NOT_IMPLEMENTED, 3, message="softmax_loss returned None: not implemented yet"),
    )
    denied = item(
        "3.1",
        "TwoLayerNet",
        check("net_predict", Verdict.DENIED, 2, message="It tried to open a network connection.", where="net.py:7"),
        check("net_forward", Verdict.TIMEOUT, 4, message="It took more than 10 s of CPU time."),
        check("net_save", Verdict.PASS, 4, 4, advice=("Prefer log-sum-exp: it stays finite.",), output="hello\n"),
    )
    accuracy = item(
        "4.3",
        "Overfit model",
        check("overfit", Verdict.PASS, 5, 5, measures=(Measure("training accuracy", 0.81, 0.75, at_least=True),)),
    )
    reason = "this version does not grade notebooks yet"
    skipped = [
        item(f"5.{n}", f"Notebook {n}", check(f"item_5.{n}", Verdict.SKIPPED, p, message=reason))
        for n, p in ((1, 15), (2, 10))
    ]
    return Report(
        title="Backprop by hand",
        submission=f"doe_jane {HOSTILE}",
        digest="ab" * 32,
        tasks=(
            TaskResult("1", "Computational graphs", (graphs, optional)),
            TaskResult("2", "Modular layers", (layers, hostile, stub)),
            TaskResult("3", "Two-layer network", (denied,)),
            TaskResult("4", "Training", (accuracy,)),
            TaskResult("5", "Fashion-MNIST", tuple(skipped)),
        ),
        needs_review=("relu_backward: a fault of the grader",),
        provenance=Provenance(
            7, {"python": "3.11.9", "numpy": "2.1.0"}, "c" * 64, "d" * 64, "e" * 64, "no confinement"
        ),
        notes=(f"ignored {HOSTILE}",),
    )


@pytest.fixture
def perfect() -> Report:
    only = item("1.1", "f3", check("f3_forward", Verdict.PASS, 10, 10))
    provenance = Provenance(1, {"python": "3.12"}, "c" * 64, "d" * 64, "e" * 64, "confined")
    return Report("Backprop by hand", "roe", "ab" * 32, (TaskResult("1", "Graphs", (only,)),), (), provenance)
