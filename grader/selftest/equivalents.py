"""selftest.yaml of a homework: changes of the reference that are no mistakes, each with the reason.

    equivalent:
      - {in: work.relu, change: "x > 0 -> (x >= 0)", why: the gradient at exactly 0 is not judged}

`change` is what the table calls it; a `*` there or in `in` stands for any text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.errors import UsageError
from grader.mistakes import parsed
from grader.selftest.mutants import Mutant

FILE = "selftest.yaml"
KEYS = ("in", "change", "why")


@dataclass(frozen=True, slots=True)
class Equivalent:
    """A change that is no mistake. `where` is its place in the file."""

    where: str
    function: str
    change: str
    why: str

    def covers(self, mutant: Mutant) -> bool:
        return fits(self.function, mutant.function.name) and fits(self.change, mutant.change)


def fits(pattern: str, text: str) -> bool:
    """Whether a text is as a pattern says, in which * stands for any text."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None


def read(folder: Path) -> list[Equivalent]:
    """The equivalent changes of a homework; none if it has no such file. Raises UsageError with the line and the
    cure."""
    path = folder / FILE
    if not path.is_file():
        return []
    node, values = parsed(path)
    if values is None:
        return []
    if not isinstance(values, Mapping) or values.keys() != {"equivalent"} or not isinstance(values["equivalent"], list):
        raise UsageError(
            f"{path}: this has to be `equivalent:` and a list of changes; see grader/selftest/equivalents.py"
        )
    places = node.value[0][1].value
    return [one for given, at in zip(values["equivalent"], places, strict=True)
            for one in entry(f"{path}:{at.start_mark.line + 1}", given)]  # fmt: skip


def entry(where: str, given: Any) -> Iterable[Equivalent]:
    """Raises UsageError for an entry of another form, or one without a reason."""
    if not isinstance(given, Mapping) or set(given) != set(KEYS):
        raise UsageError(f"{where}: this has to be a mapping of {', '.join(KEYS)}; give all three and no other")
    changes = given["change"] if isinstance(given["change"], list) else [given["change"]]
    texts = [given["in"], given["why"], *changes]
    if not all(isinstance(one, str) and one.strip() for one in texts):
        raise UsageError(f"{where}: {', '.join(KEYS)} have to be texts; put them in quotes")
    return [Equivalent(where, given["in"], change, given["why"]) for change in changes]
