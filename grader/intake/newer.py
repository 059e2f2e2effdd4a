"""Whether a newer Python than this one can read a text. Ruff's parser decides; it runs nothing."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping

from grader.sandbox import program

ASKED, SECONDS = 100_000, 10  # most characters of a script, and seconds for all scripts of a submission
MOST_ASKED = 10  # most scripts of one submission
MEMORY = 2 << 30  # bytes of address space
MISTAKE = re.compile(r"work\.py:(\d+):\d+: (?:\S+: )?(.+)")
SINCE = re.compile(r" on Python 3\.\d+ \(syntax was added in (.*)\)")


class Newer:
    """What the parser says about texts that this Python cannot read. A reader may not start it: `asked` collects the
    texts for it."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self.known = known
        self.asked: list[str] = []

    def __call__(self, text: str) -> str:
        """As `needed`; "" if the answer is not known yet."""
        if text not in self.known and len(text) <= ASKED and len(self.asked) < MOST_ASKED:
            self.asked.append(text)
        return self.known.get(text, "")


def answers(texts: Iterable[str]) -> dict[str, str]:
    """As `needed`, for the texts of a submission; "" for the texts that are left when their common time is over."""
    ends = time.monotonic() + SECONDS
    return {text: needed(text) if time.monotonic() < ends else "" for text in texts}


def needed(text: str) -> str:
    """What in the text needs a newer Python than this one, or ""."""
    try:
        from ruff import find_ruff_bin  # type: ignore[import-untyped]

        parser = find_ruff_bin()
        if len(text) > ASKED or mistake(parser, text, "py314"):
            return ""
        return mistake(parser, text, f"py{sys.version_info[0]}{sys.version_info[1]}")
    except (ImportError, OSError, ValueError, subprocess.SubprocessError):
        return ""


def mistake(parser: str, text: str, version: str) -> str:
    """The first mistake in a text, with its line; "" if there is none. Raises ValueError, OSError or SubprocessError
    where the parser does not answer."""
    command = [parser, "check", "--isolated", "--no-cache", "--select", "E902", "--output-format", "concise"]
    command += ["--target-version", version, "--stdin-filename", "work.py", "-"]
    code, said = program.run(command, text, seconds=SECONDS, memory=MEMORY)
    if found := MISTAKE.search(said):
        what = SINCE.sub(r", new in \1", found[2])
        return f"line {found[1]}: {what}"[:200]
    if code != 0:
        raise ValueError(f"the parser ended with {code}")
    return ""
