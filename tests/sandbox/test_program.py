"""A program that parses what a student wrote: what it may do."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from grader.sandbox import program

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="confinement is built for Linux")


def said(*command: str, text: str = "") -> str:
    return program.run([os.path.realpath(command[0]), *command[1:]], text, seconds=1, memory=1 << 30)[1]


def test_it_may_read_libraries_alone_and_write_nothing(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("reference")
    assert said("/bin/cat", text="its input") == "its input"
    assert said("/bin/sh", "-c", "echo here") == "here\n"
    assert said("/bin/cat", str(secret)) == ""
    assert said("/bin/cat", __file__) == ""
    assert said("/bin/sh", "-c", f"echo x > {tmp_path}/written; /usr/bin/id") == ""
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


@pytest.mark.medium
def test_it_has_a_clock_and_no_room_to_print_more_than_is_read():
    code, printed = program.run([os.path.realpath("/bin/sh"), "-c", "while :; do echo x; done"], "", seconds=2,
                                memory=1 << 30)  # fmt: skip
    assert len(printed) == program.PRINTED
    assert code < 0
    with pytest.raises(subprocess.TimeoutExpired):
        said("/bin/sleep", "60")  # uses no CPU time, whose limit would end it as well
