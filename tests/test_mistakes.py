"""What is said of a mistake that does not lose the points that it should."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from grader.mistakes import Mistake
from grader.model import Verdict

MISTAKE = Mistake("relu-unmasked", "wrong.yaml:3", loses=("2.1",))
REASON = "not measured on right parts: scale was given a function"


def item(name: str, earned: float, ends: Verdict | None = None) -> Any:
    """An item of one check; `ends` is how this ended on right parts, if it was graded there again."""
    again = SimpleNamespace(verdict=ends, message=REASON)
    followed = SimpleNamespace(again=again) if ends else None
    check = SimpleNamespace(name=f"check {name}", message="wrong", earned=earned, points=1.0, verdict=Verdict.FAIL,
                            followed=followed)  # fmt: skip
    return SimpleNamespace(id=name, score=earned, max_score=1.0, verdict=Verdict.FAIL, checks=(check,))


@pytest.mark.parametrize(
    ("ends", "why"), [(Verdict.SKIPPED, f" (3.1 is {REASON})"), (Verdict.FAIL, ""), (None, "")], ids=str
)
def test_an_item_that_was_not_measured_on_right_parts_says_why_its_points_are_lost(ends, why):
    items = [item("2.1", 0.0, Verdict.SKIPPED), item("3.1", 0.0, ends)]
    report = SimpleNamespace(items=items, checks=[check for one in items for check in one.checks])
    homework = SimpleNamespace(rubric=SimpleNamespace(items=items))
    said = list(MISTAKE.findings(cast(Any, report), cast(Any, homework)))
    assert said == [f"wrong.yaml:3: relu-unmasked loses points in 2.1, 3.1, not in 2.1{why}; correct one of them"]
