"""The README's "From a clone to a course", typed as it stands, in a fresh clone."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from grader.command.release import PACKAGES, parser
from grader.release.archive import unpacked

PROJECT = Path(__file__).resolve().parents[1]
PAGE = (PROJECT / "README.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("### From a clone to a course\n")[2].partition("\n### ")[0]
LINES = [line for block in re.findall(r"^```sh\n(.*?)^```$", SECTION, re.M | re.S) for line in block.splitlines()]


def typed(line: str, folder: Path) -> str:
    program, *words = shlex.split(line)
    assert program == "python", line
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{line}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(not (PROJECT / ".git").exists(), reason="this is no clone")
def test_a_course_comes_out_of_a_fresh_clone(tmp_path):
    subprocess.run(["git", "clone", "-q", PROJECT, tmp_path / "clone"], check=True)
    assert len(LINES) == 4
    said = [typed(line, tmp_path / "clone") for line in LINES]
    archives = {path.name for path in (tmp_path / "clone" / "course").iterdir()}
    assert archives == set(re.findall(r"^\| `(\w+\.zip)` \|", SECTION, re.M))
    assert archives == {f"{name}.zip" for name in PACKAGES}
    assert said[-1].count("a second build is the same bytes") == 2
    (tmp_path / "clone").rename(tmp_path / "elsewhere")
    course = tmp_path / "elsewhere" / "course"
    before = (course / "gradescope.zip").read_bytes()
    typed(LINES[1], tmp_path / "elsewhere")
    assert (course / "gradescope.zip").read_bytes() == before  # after one for all and one for it alone
    for name in archives:
        unpacked(course / name)


def test_the_page_names_every_option():
    table = SECTION.partition("| `release` option |")[2].partition("\n\n")[0]
    told = set(re.findall(r"^\| `(--[a-z-]+)", table, re.M))
    known = {option for action in parser()._actions for option in action.option_strings if option.startswith("--")}
    assert told == known - {"--help"}
