"""A class of five by hand: right, late and adjusted, a fault of ours, nothing handed in, an unreadable file."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from grader.model import (
    Adjustment,
    CheckPlan,
    CheckResult,
    Item,
    ItemResult,
    Limits,
    Provenance,
    Remarks,
    Report,
    Row,
    Rubric,
    Section,
    Student,
    Task,
    TaskResult,
    Verdict,
)

DUE = datetime(2026, 11, 20, 23, 59, tzinfo=UTC)
HOSTILE = '=HYPERLINK("http://example.invalid";"x")\x1b[31m\n\u202eEve, Ma;l'


def check(name, verdict, points, earned=0.0, **more):
    return CheckResult(name, f"{name} works.", verdict, earned, points, seconds=0.25, **more)


def report(*, fc=5.0, softmax=Verdict.PASS, remarks=None):
    """Items 2.1 (5 points), 2.3 (10), the optional 1.2 (0) and 5.1 (15), which is not graded."""
    wrong = {"message": "out of fc_forward is off by 2.", "where": "layers.py:31", "output": "shape (5, 3)\n"}
    layers = TaskResult("2", "Layers", (
        ItemResult("2.1", "FC", fc, 5, (check("fc", Verdict.PASS if fc == 5 else Verdict.FAIL, 5, fc,
                                              **({} if fc == 5 else wrong)),)),
        ItemResult("2.3", "Softmax", 10 / 3, 10, (check("softmax", softmax, 10, 10 / 3, message="KeyError: secret"),)),
    ))  # fmt: skip
    optional = TaskResult("1", "Graphs", (ItemResult("1.2", "f4", 0, 0, (check("f4", Verdict.NOT_IMPLEMENTED, 0),)),))
    later = check("item_5.1", Verdict.SKIPPED, 15, message="this version does not grade notebooks yet")
    notebook = TaskResult("5", "Notebook", (ItemResult("5.1", "Notebook", 0, 15, (later,)),))
    made_by = Provenance(7, {"numpy": "2.1"}, "r", "g", "f", "confined")
    reasons = ("softmax: a fault of the grader",) if softmax is Verdict.INTERNAL else ()
    whole = Report("Backprop", "doe", "d1", (optional, layers, notebook), reasons, made_by)
    return replace(whole, remarks=remarks or Remarks())


@pytest.fixture
def rubric() -> Rubric:
    def item(id, points, *names, skipped=""):
        return Item(id, id, points, tuple(CheckPlan(name, points) for name in names), skipped=skipped)

    tasks = (
        Task("1", "Graphs", "numpy", (item("1.2", 0, "f4"),)),
        Task("2", "Layers", "numpy", (item("2.1", 5, "fc"), item("2.3", 10, "softmax"))),
        Task("5", "Notebook", "numpy", (item("5.1", 15, skipped="later"),)),
    )
    section = Section("numpy", {"layers": "neuralnet/layers.py"}, ("layers.py",))
    return Rubric("Backprop, by hand", (section,), tasks, Limits(), "r")


@pytest.fixture
def rows() -> list[Row]:
    given = Adjustment("doe", "2.1", 4, "Grace", datetime(2026, 11, 23, tzinfo=UTC), 'a "nearly" right\nidea')
    ids = {"ID": "17", "SIS User ID": "S17", "SIS Login ID": "ada", "Section": "L1", "Email": "ada@x.org",
           "Identifier": "Participant 9", "Full name": "Ada Lovelace"}  # fmt: skip
    return [
        Row(Student("ada", "Lovelace, Ada", ids, submitted_at=datetime(2026, 11, 20, 12, tzinfo=UTC)), report(), DUE),
        Row(Student("doe", "Döe, Jane", {"ID": "18", "Identifier": "Participant 10"},
                    submitted_at=datetime(2026, 11, 22, tzinfo=UTC)),
            report(fc=0.0, remarks=Remarks((given,), 2, 20)), DUE),
        Row(Student("eve", HOSTILE, {"ID": "19", "Section": "@SUM(1)", "Identifier": "Participant 11"}),
            report(softmax=Verdict.INTERNAL), DUE),
        Row(Student("nil", "Points Possible", {"ID": "20", "Identifier": "Participant 12"}), due=DUE),
        Row(Student("zip", "Zip, Bad", {"ID": "21", "Identifier": "Participant 13"}, problem="zip.zip is damaged"),
            due=DUE),
    ]  # fmt: skip
