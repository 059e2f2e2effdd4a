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

import yaml

from grader.errors import UsageError
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
    """Those of a homework; none where it has no such file. Raises UsageError with the line and the cure."""
    path = folder / FILE
    if not path.is_file():
        return []
    try:
        text = path.read_text(encoding="utf-8")
        node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        raise UsageError(
            f"{path}{f':{mark.line + 1}' if mark else ''}: this is not readable YAML; correct it"
        ) from None
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
