"""What was found, as lines for a terminal and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from grader.similarity.pairs import Found, Pair, counted

WHAT = "Evidence for a person, never a verdict: no points change, and students see none of it."
FEW = 10  # in a smaller class, nothing is rare


def rows(found: Found) -> Iterator[tuple[str, str, str, str]]:
    """A line for each pair: who, with whom, how strong, and what it is based on."""
    for one in found.pairs:
        yield one.left, one.right, f"{one.strength:.1f}", sentence(one)


def sentence(pair: Pair) -> str:
    return f"{'the same person handed in both; ' * pair.same_person}{pair.sentence}"


def headline(found: Found) -> str:
    earlier = f", and with {found.earlier} of earlier years" if found.earlier else ""
    told = counted(len(found.pairs), "pair") if found.pairs else "no pair"
    return f"{counted(found.compared, 'submission')} compared with each other{earlier}: {told} to look at"


def caveats(found: Found, missing: Mapping[str, str], graded: bool) -> Iterator[str]:
    """What to know before believing it."""
    if found.compared + found.earlier < FEW:
        yield f"in a class of {found.compared + found.earlier} little is rare; many pairs here may be chance"
    if not graded:
        yield "wrong answers were not compared, because this folder holds no results; name the folder of a batch"
    yield from (f"{who}: {problem}" for who, problem in missing.items())


def document(found: Found, notes: Sequence[str]) -> str:
    """Everything as JSON."""
    whole: dict[str, Any] = {
        "what": WHAT,
        "compared": found.compared,
        "earlier": found.earlier,
        "notes": list(notes),
        "groups": [list(group) for group in found.groups],
        "pairs": [asdict(one) | {"strength": round(one.strength, 3), "sentence": sentence(one)} for one in found.pairs],
    }
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"
