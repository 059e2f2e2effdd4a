"""Notebooks made to keep the grader busy or to end it: whatever is read off one is read soon."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from grader.errors import Mismatch
from grader.homework.notebooks import claimed_accuracy, notebook
from grader.homework.notebooks.notebook import Notebook

pytestmark = pytest.mark.medium

READERS = [
    notebook.defines_network,
    claimed_accuracy.claims,
    lambda found: claimed_accuracy.claimed(claimed_accuracy.claims(found)),
    notebook.plots,
    notebook.errors,
    notebook.out_of_order,
    notebook.pictures,
]
IMAGE = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "aGFsbG8="}}


def printed(text: str, source: str = "x = 1") -> dict[str, Any]:
    outputs = [{"output_type": "stream", "name": "stdout", "text": text}]
    return {"cell_type": "code", "id": "a", "execution_count": 1, "metadata": {}, "source": source, "outputs": outputs}


def shown(source: str) -> dict[str, Any]:
    return {**printed("", source), "outputs": [IMAGE]}


def file(*cells: dict[str, Any]) -> bytes:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()


LONG = "def f():\n" + "\n".join(f"    plot_acc_{n}" for n in range(20_000))
BUSY = {
    "words that may be one or many": file(printed("acc" * 20_000)),
    "a line without end": file(printed("acc 1 " * 10_000)),
    "digits": file(printed("acc" + "1" * 60_000)),
    "spaces": file(printed("acc 1" + " " * 60_000 + "acc 1." + "1" * 60_000)),
    "many claims below long code": file(*[printed("acc 0.5\n" * 3000, "x = 1\n" * 300)] * 20),
    "a function that every cell calls": file(shown(LONG), *[shown("f()")] * 500),
    "functions that all call each other": file(
        printed("", "\n".join(f"def f{n}(): " + "; ".join(f"f{m}()" for m in range(90)) for n in range(90))),
        *[shown("f1()")] * 500,
    ),
    "numbers below a test": file(*[printed("test 0.5 " * 5000, "test(x)")] * 20),
    "brackets behind a number": file(printed("acc 0.5" + " (" * 30_000), printed("1" * 60_000, "test(x)")),
    "escapes": file(printed("\x1b[" * 30_000)),
}


@pytest.mark.parametrize("data", BUSY.values(), ids=BUSY.keys())
def test_a_notebook_cannot_keep_the_grader_busy(data: bytes) -> None:
    """Not timed: what these take when a repetition is unbounded is minutes to days."""
    found = notebook.read(data, "part1.ipynb")
    for read in READERS:
        read(found)


DEEP: list[Callable[[int], str]] = [
    lambda n: "class A(" + ".".join("a" * n) + "): pass",
    lambda n: "class A(" + "-" * n + "1): pass",
    lambda n: "f" + "()" * n,
    lambda n: ".".join("f" * n) + "()",
    lambda n: "(" * n,
    lambda n: "lambda: " * n + "1",
    lambda n: "1" + "+1" * n,
    lambda n: "f(" * (n // 20) + ")" * (n // 20),
]


@pytest.mark.parametrize("depth", [150, 400, 950, 5000, 100_000])
@pytest.mark.parametrize("code", DEEP)
def test_code_of_any_depth_is_read_or_passed_over(code: Callable[[int], str], depth: int) -> None:
    found: Notebook = notebook.read(file(shown(code(depth))), "part1.ipynb")
    for read in READERS:
        read(found)


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 100_000,
        b'{"cells":' * 50_000,
        b"\xff\xfe\x00",
        b"",
        b"9" * 10_000,
        b"NaN",
        b'{"nbformat": 1e999, "cells": []}',
    ],
)
def test_what_is_no_notebook_is_a_sentence(data: bytes) -> None:
    with pytest.raises(Mismatch, match=r"part1\.ipynb"):
        notebook.read(data, "part1.ipynb")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Test accuracy: 93.2 %", [0.932]),
        ("test_acc1 = 0.91", [0.91]),
        ("val acc 0.5 train acc 0.75", [0.5, 0.75]),
        ("accuracy of 88%", [0.88]),
        ("acc: 250", []),
    ],
)
def test_what_it_claims_is_read_all_the_same(text: str, found: list[float]) -> None:
    claims = claimed_accuracy.claims(notebook.read(file(printed(text)), "part1.ipynb"))
    assert [claim.accuracy for claim in claims] == pytest.approx(found)
