"""Whether the sentence on a mutant names its cause."""

from __future__ import annotations

from grader.selftest.mutants import Mutant


def cause(mutant: Mutant, message: str) -> str:
    return "not" if message else ""
