"""What `release --check` says of a package that grades wrongly."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, cast

import pytest

from grader.command import release
from grader.errors import UsageError


@pytest.mark.parametrize(
    ("gained", "lost", "says"),
    [
        (0.0, {}, None),
        (2.5, {}, r"a\.zip gives 2\.5 points to the untouched handout; correct the checks that give them"),
        (0.0, {"sum": 1.0, "mean": 0.5}, r"solution 1\.5 points too few; correct the checks that lose them: sum, mean"),
    ],
)
def test_a_package_that_grades_wrongly_is_refused(gained, lost, says, tmp_path, monkeypatch):
    monkeypatch.setattr(release, "unpacked", lambda path: {})
    monkeypatch.setattr(release, "untouched", lambda source: {})
    package = SimpleNamespace(tried=lambda *_: gained, lost_by_the_solution=lambda *_: lost)
    with pytest.raises(UsageError, match=says) if says else nullcontext():
        release.attempt(package, tmp_path / "a.zip", cast(Any, None))
