"""Every package of the small homework, made once."""

from __future__ import annotations

from pathlib import Path

import pytest
from packages import FRAMEWORK, made


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("released"), "--homework", FRAMEWORK, "--seeds", 4, "--check")
