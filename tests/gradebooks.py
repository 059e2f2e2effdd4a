"""A report for gradebooks: two items, one of which waits for a person."""

from __future__ import annotations

from grader.model import CheckResult, ItemResult, Measure, Provenance, Report, TaskResult, Verdict


def check(name, verdict, points, earned=0.0, **more):
    return CheckResult(name, f"{name} works.", verdict, earned, points, **more)


def report(fc=5.0, doubt=True):
    """Items 2.1 (5 points) and 2.2 (5 points), whose one check asks a person or ended in a fault of the grader."""
    asked = check("relu", Verdict.PARTIAL, 5, 2, message="Half of it.", where="layers.py:7", output="shape (5, 3)\n",
                  review=("Is this their own?",), measures=(Measure("error", 0.5, 1e-9),))  # fmt: skip
    fault = check("relu", Verdict.INTERNAL, 5, message="Traceback\nKeyError: 'x'")
    items = (
        ItemResult("2.1", "FC", fc, 5, (check("fc", Verdict.PASS if fc == 5 else Verdict.FAIL, 5, fc),)),
        ItemResult("2.2", "ReLU", 2.0 if doubt else 0.0, 5, (asked if doubt else fault,)),
    )
    reason = "relu: Is this their own?" if doubt else "relu: a fault of the grader"
    made_by = Provenance(7, {"numpy": "2"}, "r", "g", "f", "confined")
    return Report("Backprop", "x", "d", (TaskResult("2", "Layers", items),), (reason,), made_by)
