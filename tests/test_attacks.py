"""Hostile submissions, through the real command: each must gain nothing, learn nothing and leave nothing.

A file of tests/attacks/ holds attack(places), put into a right layers.py and called by its l2_regularization, and:

    WHEN     call (default): before the right answer; answer: attack(right, w, reg) is the answer; import: at the top
    EARNS    points of item 2.4 that are left: 5 (default) where a refused attack costs nothing
    LIMITED  it ends by running out of its time, so that one test takes some seconds
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import psutil
import pytest
from runner import commands
from schemas import code_quality, expect_valid
from summary import TAGS, Page
from world import ROOT, TOKEN, World, children, constants, names

ATTACKS = sorted((Path(__file__).parent / "attacks").glob("*.py"))
SCHEMA = json.loads((ROOT / "grader" / "report" / "report.schema.json").read_text(encoding="utf-8"))

pytestmark = [
    pytest.mark.medium,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="confinement is built for Linux"),
]

# Attacks that reach no further than the world built for them, also where nothing confines them.
BITING = """
abstract_socket append_victim chmod_victim delete_victim exec import_grader kill_grader kill_victim_by_libc limit_victim
pin_victim posix_spawn read_environment read_fixtures read_grader read_other_students read_reference read_secret
read_secret_by_descriptor read_secret_by_dot_dot read_secret_by_hard_link read_secret_by_libc read_secret_by_link
read_secret_by_numpy rename_victim renice shell signal_queue stop_victim system tcp tcp6 tcp_by_libc touch_victim
trace_victim truncate_victim udp unix_socket write_victim
""".split()

GLUE = {
    "call": """

_right = l2_regularization


def l2_regularization(w, reg):
    try:
        print(attack(PLACES))
    except Exception as error:
        print(type(error).__name__, error)
    return _right(w, reg)
""",
    "answer": """

_right = l2_regularization


def l2_regularization(w, reg):
    return attack(_right, w, reg)
""",
    "import": "",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    # What outlives its parent becomes a child of this process, and is seen.
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
    world = World(tmp_path_factory.mktemp("world"))
    yield world
    world.close()
    ctypes.CDLL(None).prctl(36, 0, 0, 0, 0)


def hand_in(folder: Path, source: str, places: dict[str, Any]) -> Path:
    """A right submission with the attack in its layers.py."""
    folder.mkdir()
    for path in ("backprop/functions.py", "neuralnet/two_layer_net.py", "neuralnet/train.py"):
        (folder / Path(path).name).write_bytes((ROOT / "reference" / path).read_bytes())
    right = (ROOT / "reference" / "neuralnet" / "layers.py").read_text(encoding="utf-8")
    glue = GLUE[constants(source).get("WHEN", "call")]
    (folder / "layers.py").write_text(f"PLACES = {places!r}\n{source}\n\n{right}{glue}", encoding="utf-8")
    return folder


def grade(path: Path, world: World, *options: str, task: str = "2.4") -> tuple[int, str]:
    words = [str(path), "--task", task, "--homework", str(world.homework)]
    return world.command.run(
        [*words, "--json", str(world.folder / "r.json"), "--html", str(world.folder / "r.html"), *options]
    )


def judged(world: World) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((world.folder / "r.json").read_text(encoding="utf-8"))
    jsonschema.validate(report, SCHEMA)
    return report


@pytest.mark.parametrize("path", ATTACKS, ids=lambda path: path.stem)
def test_an_attack_gains_nothing_learns_nothing_and_leaves_nothing(path: Path, world: World, tmp_path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    known = constants(source)
    submission = hand_in(tmp_path / "work", source, world.places)
    before = world.state()
    code, terminal = grade(submission, world, *([] if path.stem.startswith("text") else ["--no-html"]))
    shown = terminal + (world.folder / "r.json").read_text(encoding="utf-8")
    assert code == 0, shown
    report = judged(world)
    assert report["needs_review"] == []
    assert report["score"] == known.get("EARNS", 5), shown
    assert world.revealed(shown) == []
    assert "Traceback" not in shown
    assert len(shown) < 200_000
    assert world.state() == before


@pytest.mark.parametrize("name", BITING)
def test_an_attack_bites_where_nothing_confines_it(name: str, tmp_path: Path) -> None:
    """What the test above holds to have not happened is seen when it does."""
    if name == "tcp6" and not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    world = World(tmp_path / "world")
    try:
        source = (Path(__file__).parent / "attacks" / f"{name}.py").read_text(encoding="utf-8")
        before = world.state()
        (world.folder / "1" / "2").mkdir(parents=True)
        done = subprocess.run(
            [sys.executable, "-c", f"{source}\nprint(attack({world.places!r}))"],
            cwd=world.folder / "1" / "2",
            env=os.environ | {"BACKGRADE_SECRET": TOKEN, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        wait_for(lambda: bool(world.revealed(done.stdout)) or world.state() != before)
    finally:
        world.close()


@pytest.mark.parametrize("path", [path for path in ATTACKS if path.stem.startswith("text")], ids=lambda path: path.stem)
def test_hostile_text_reaches_nobody_as_anything_but_text(path: Path, world: World, tmp_path: Path) -> None:
    submission = hand_in(tmp_path / "work", path.read_text(encoding="utf-8"), world.places)
    _, terminal = grade(submission, world)
    page = (world.folder / "r.html").read_text(encoding="utf-8")
    assert not [char for char in terminal if ord(char) < 32 and char != "\n"]
    assert not [char for char in terminal + page if char in "\x9b\x7f\u202e\u2066\u202c"]
    for tag in ("<script>alert", "<script>document", "<img", "<b>no"):
        assert tag not in page
    assert "<script" not in page
    assert str(7001 * 190807) not in terminal + page  # too long to stand in a digest by chance
    assert len(page) < 500_000


TEXTS = [path for path in ATTACKS if path.stem.startswith("text")]
OURS = re.compile(r"2\.4 [^\n]*\((no points|\d+ of \d+)\)|Points|Autograding report|grade\.py")  # titles
SUMMARY = "summary.md"


def in_github(folder: Path) -> dict[str, str]:
    return {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(folder / SUMMARY)}


def in_gitlab(folder: Path) -> dict[str, str]:
    return {"GITLAB_CI": "true", "CI_PROJECT_DIR": str(folder)}


def grade_in_ci(path: Path, world: World, **platform: str) -> str:
    """What is printed to a CI's log, on both streams."""
    words = [str(path), "--task", "2.4", "--homework", str(world.homework), "--no-html", "--ci"]
    code, log = world.command.run(words, **platform)
    assert code == 0, log
    return log


def expect_no_effect(log: str, folder: Path) -> None:
    """A student's text is no command in the log, and no mark in the summary."""
    for command in commands(log):
        assert command.name in ("error", "warning", "notice"), command
        assert OURS.fullmatch(command.properties["title"]), command
        assert command.properties.get("file", "layers.py").endswith("layers.py"), command
        assert command.message != "forged"
    summary = (folder / SUMMARY).read_text(encoding="utf-8")
    page = Page(summary)
    assert page.whole
    assert set(page.tags) <= TAGS
    assert page.tags.count("h3") == 1
    assert not [text for text, within in page.texts if "forged" in text and not {"code", "pre"} & set(within)]
    assert not [char for char in log + summary if ord(char) < 32 and char != "\n"]
    assert "://" not in log


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_hostile_text_is_no_command_heading_or_link_in_a_ci(path: Path, world: World, tmp_path: Path) -> None:
    submission = hand_in(tmp_path / "work", path.read_text(encoding="utf-8"), world.places)
    log = grade_in_ci(submission, world, **in_github(tmp_path))
    expect_no_effect(log, tmp_path)
    log = grade_in_ci(submission, world, **in_gitlab(tmp_path))
    assert not [char for char in log if ord(char) < 32 and char != "\n"]
    code_quality((tmp_path / "gl-code-quality-report.json").read_text(encoding="utf-8"))
    suites = (tmp_path / "junit.xml").read_text(encoding="utf-8")
    expect_valid(suites)
    assert "[[ATTACHMENT|" not in suites


def test_what_is_held_to_have_no_effect_has_one_where_nothing_is_escaped() -> None:
    texts = [constants(path.read_text(encoding="utf-8")).get("TEXT", "") for path in TEXTS]
    obeyed = {command.name for text in texts for command in commands(text)}
    assert obeyed >= {"error", "notice", "warning", "add-mask", "set-env", "group", "stop-commands"}
    shown = {tag for text in texts for tag in Page(text).tags}
    assert shown >= {"h1", "a", "img"}
    assert any("[[ATTACHMENT|" in text for text in texts)


NAMES = {
    "path": "../../outside",
    "absolute": "/tmp/backgrade-left",
    "formula": "=cmd|' /C calc'!A0",
    "html": "<script>alert(1)</script>",
    "escape": "\x1b]0;owned\x07",
    "markup": "[bold]A[/bold]",
    "newline": "Ada\nPASS 100 of 100",
    "surrogate": "Ad\udcffa",
    "command": "::error::forged ##[error]forged",
    "second line": "x\n::error::forged",
    "link": "[click](https:__example.org) www.example.org",
    "fence": "```\n# forged\n````",
    "bidi": "\u202egpj.exe",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_hostile_name_is_shown_as_text_and_leads_nowhere(name: str, world: World, tmp_path: Path) -> None:
    safe = name.replace("/", "∕")
    folder = Path(os.fsdecode(os.fsencode(str(tmp_path)))) / safe
    hand_in(folder, "def attack(places):\n    return 1", world.places)
    before = world.state()
    code, terminal = grade(folder, world)
    page = (world.folder / "r.html").read_text(encoding="utf-8")
    assert code == 0, terminal
    assert judged(world)["score"] == 5
    assert "<script>" not in page
    assert not [char for char in terminal if ord(char) < 32 and char != "\n"]
    assert "\nPASS 100" not in terminal
    assert world.state() == before
    expect_no_effect(grade_in_ci(folder, world, **in_github(tmp_path)), tmp_path)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_hostile_name_of_a_file_is_text_in_a_ci(name: str, world: World, tmp_path: Path) -> None:
    """Of a copy that does not count, of a folder, and of an archive that cannot be opened."""
    work = hand_in(tmp_path / "work", "def attack(places):\n    raise ValueError", world.places)
    safe = name.replace("/", "∕")
    odd = Path(os.fsdecode(os.fsencode(str(work)))) / safe
    odd.mkdir()
    (odd / f"layers{safe}.py").write_text("def relu_forward(x):\n    return x, x\n")
    (odd / f"{safe}.zip").write_bytes(b"PK\3\4 nothing")
    (work / "layers.py").rename(odd / "layers.py")
    expect_no_effect(grade_in_ci(work, world, **in_github(tmp_path)), tmp_path)


def test_an_honest_submission_gets_its_points_beside_all_this(world: World) -> None:
    code, _ = grade(ROOT / "reference", world, "--no-html", task="2")
    assert code == 0
    report = judged(world)
    assert report["score"] == 20
    assert "verified=9/9" in report["provenance"]["isolation"]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"])
def test_a_grader_that_is_ended_leaves_nothing(name: str, world: World, tmp_path: Path) -> None:
    """No process, whatever ended it; no folder either, where it had a say in it."""
    submission = hand_in(tmp_path / "work", "def attack(places):\n    while True:\n        pass", world.places)
    before = children()
    (tmp_path / "tmp").mkdir()
    run = subprocess.Popen(
        [sys.executable, str(ROOT / "grade.py"), str(submission), "--task", "2.4", "--no-html"],
        cwd=tmp_path,
        env=os.environ | {"TMPDIR": str(tmp_path / "tmp")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    wait_for(lambda: len(psutil.Process(run.pid).children(recursive=True)) >= 2)
    run.send_signal(getattr(signal, name))
    _, said = run.communicate(timeout=20)
    wait_for(lambda: children() == before)
    if name != "SIGKILL":
        assert run.returncode == 130
        assert said.decode().startswith("grade.py: interrupted")
        assert names(tmp_path / "tmp") == []


def wait_for(condition: Any, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)
