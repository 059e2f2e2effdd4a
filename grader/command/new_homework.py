"""grade.py new-homework: writes a small homework that works at once, as a starting point for your own."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from string import Template

from grader import handout
from grader.errors import UsageError
from grader.report.text import Printer, Terminal

RUBRIC = Template("""\
title: $title
sections:
  main:
    modules: {work: work.py}    # `hw.work` in a check
    submit: [work.py]           # what students hand in
    forbid: [torch]
handout:
  files: [work.py]              # of reference/, given to students without its solutions
tasks:
  - id: "1"
    title: A first task
    section: main
    items:
      - {id: "1.1", title: A weighted sum, points: 4, tolerance: 1.0e-9, checks: [weighted_sum]}
""")

CHECKS = '''\
"""The checks of this homework. The first line of a check's docstring is what students read."""

import numpy as np

from grader.check import Subject, check
from grader.measure.expect import expect_close


@check("1.1", "work.weighted_sum")
def weighted_sum(hw: Subject, rng: np.random.Generator) -> None:
    """weighted_sum(x, w) is the sum of each row of x, weighted by w."""
    # Two sizes are alike, so that an answer which is kept or used again shows. The others are a row, a column, a
    # square, and more than any constant that code may hold.
    sizes = (3, 4), (3, 4), (1, 5), (5, 1), (2, 6), (6, 2), (4, 4), (140, 20)
    calls = [(by * rng.normal(size=(n, d)), by * rng.normal(size=d)) for n, d in sizes for by in (1.0, 0.03, 30.0)]
    calls += [(np.abs(x), np.abs(w)) for x, w in calls]
    answers = hw.work.weighted_sum.map(calls)  # they are read after the last call
    assert not hw.mutated, "weighted_sum changes x or w; leave its arguments as they are"
    for (x, w), answer in zip(calls, answers, strict=True):
        expect_close(hw, f"out of {len(x)} rows", answer, hw.reference.work.weighted_sum(x, w))
'''

REFERENCE = '''\
"""Students write in this file, between the marks."""

import numpy as np


def weighted_sum(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The sum of each row of x (N, D), weighted by w (D,): shape (N,)."""
    # BEGIN SOLUTION stub: out = None
    out = x @ w
    # END SOLUTION
    return out
'''

RIGHT = """\
import numpy as np


def weighted_sum(x, w):
    return np.array([sum(a * b for a, b in zip(row, w)) for row in x])
"""

WRONG = """\
# Each entry is the reference with one mistake: the replacement, the items that lose points, text of the message.
weights-forgotten: {file: work.py, old: "x @ w", new: "x.sum(axis=1)", loses: ["1.1"], says: "out of 3 rows"}
"""

SELFTEST = """\
# Changes of the reference that are no mistakes, each with the reason; `python grade.py selftest` counts them apart.
equivalent:
  - {in: work.weighted_sum, change: "x @ w -> (x @ w).T", why: a vector has no other order}
"""


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="grade.py new-homework",
        description="Write a small homework that works at once, as a starting point for your own.",
        epilog="exit codes: 0 written, 2 usage",
    )
    root.add_argument("folder", type=Path, metavar="FOLDER", help="a new or empty folder")
    return root


def run(arguments: argparse.Namespace) -> int:
    folder = arguments.folder
    files = skeleton(folder.resolve().name)
    try:
        if folder.is_dir() and any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty; choose a new folder")
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"cannot write {folder} ({error.strerror}); choose another folder") from None
    say = Printer(Terminal())
    for name in files:
        say(f"written: {folder / name}")
    say(f"next: python grade.py check-homework {shlex.quote(str(folder))}")
    return 0


def skeleton(title: str) -> dict[str, bytes]:
    """Path in the homework's folder -> content. student/ is made from reference/, as in every homework."""
    texts = {
        "rubric.yaml": RUBRIC.substitute(title=quoted(title)),
        "checks.py": CHECKS,
        "reference/work.py": REFERENCE,
        "student/work.py": handout.render(REFERENCE),
        "right/by-loop/work.py": RIGHT,
        "wrong.yaml": WRONG,
        "selftest.yaml": SELFTEST,
    }
    return {name: text.encode() for name, text in texts.items()}


def quoted(title: str) -> str:
    """The folder's name as a valid YAML string."""
    printable = "".join(letter if letter.isprintable() else " " for letter in title).strip() or "homework"
    return "'" + printable.replace("'", "''") + "'"
