"""doctor: what holds is what was tried."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from grader.errors import Crashed, Raised, TimedOut
from grader.sandbox import launch, probes
from grader.sandbox.required import required

pytestmark = pytest.mark.medium

ROOT = Path(__file__).parents[2]
GOOD = "fs=landlock7 net=seccomp procs=seccomp signals=seccomp memory=as verified=9/9"


def test_nothing_is_missing_where_all_holds_and_was_refused():
    assert required(GOOD) == ()


@pytest.mark.parametrize(
    ("held", "missing"),
    [
        (GOOD.replace("landlock7", "none"), ["fs"]),
        (GOOD.replace("verified=9/9", "verified=7/9 open=read+fork"), ["fs", "procs"]),
        (GOOD.replace("verified=9/9", "verified=8/9 open=unix"), ["net"]),
        ("fs=none net=none procs=none signals=none memory=as", ["fs", "net", "procs", "signals"]),
        (f"{GOOD}; {GOOD.replace('verified=9/9', 'verified=8/9 open=unix')}", ["net"]),  # one section of two
        (f"{GOOD.replace('landlock7', 'none')}; {GOOD}", ["fs"]),
        ("", ["fs", "net", "procs", "signals", "memory"]),
    ],
)
def test_what_does_not_hold_is_named_with_its_cure(held, missing):
    found = required(held)
    assert [sentence for name in missing for sentence in found if f"({name})" in sentence] == list(found)
    assert all("needed: " in sentence for sentence in found)


@pytest.mark.skipif(not launch.FORKS, reason="confinement is built for Linux")
def test_the_command_tries_everything_and_says_so(tmp_path):
    path = tmp_path / "d.json"
    run = subprocess.run(
        [sys.executable, "grade.py", "doctor", "--json", path, "--data-root", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"TORCH_HOME": str(tmp_path), "PYTHONIOENCODING": "ascii"},  # a terminal without Unicode
    )
    assert "+ holds" in run.stdout, run.stderr
    document = json.loads(path.read_text(encoding="utf-8"))
    open_ = [finding for finding in document["findings"] if not finding["holds"]]
    assert run.returncode == (1 if open_ else 0)
    assert open_ == []
    assert len(document["findings"]) >= 14
    assert document["versions"]["numpy"] in run.stdout
    assert "properties hold" in run.stdout
    assert [place["state"] for place in document["data"]] == ["absent", document["data"][1]["state"], "absent"]
    assert "python grade.py data cifar10" in " ".join(run.stdout.split())


def test_a_property_that_does_not_hold_is_found():
    """The findings come from what happened: an answer that should have been refused is an open property."""
    (fs, *_) = probes.by_property(
        "fs=landlock7 net=seccomp procs=seccomp signals=seccomp memory=as verified=8/9 open=read"
    )
    assert not fs.holds
    assert "Landlock" in fs.cure
    assert probes.odd(["HOME", "SECRET_TOKEN"], probes.CLEAN) == "SECRET_TOKEN"


class Answers:
    """A session whose probe gives, or raises, one thing."""

    def __init__(self, answer):
        self.answer = answer

    def begin(self, seed):
        """Nothing to begin."""

    def ask(self, *asked):
        if isinstance(self.answer, Exception):
            raise self.answer
        return [self.answer]


@pytest.mark.parametrize(
    ("answer", "holds", "found"),
    [
        (TimedOut("loop took long"), True, "TIMEOUT"),
        (None, False, "nothing stopped it"),
        (Crashed("it is gone"), False, "CRASH: it is gone"),
    ],
)
def test_a_probe_that_does_not_end_as_it_should_is_an_open_property(answer, holds, found):
    finding = probes.ended(Answers(answer), "loop", TimedOut, "a loop is stopped")
    assert (finding.holds, finding.found, bool(finding.cure)) == (holds, found, not holds)


@pytest.mark.parametrize(
    ("answer", "holds", "found"),
    [
        (["HOME", "PATH"], True, "clean"),
        (["HOME", "SECRET_TOKEN"], False, "SECRET_TOKEN"),
        (Raised("it cannot be listed"), False, "it cannot be listed"),
    ],
)
def test_a_probe_that_tells_of_something_odd_is_an_open_property(answer, holds, found):
    finding = probes.told(Answers(answer), "environment", "clean", lambda names: probes.odd(names, probes.CLEAN))
    assert (finding.holds, finding.found, bool(finding.cure)) == (holds, found, not holds)
