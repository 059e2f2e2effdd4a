"""A homework's wrong.yaml -> its mistakes: the reference with one replacement each, and the points that it must lose.

    NAME: {file: work.py, old: "x * factor", new: "x", loses: ["1.1"], says: "out is wrong"}

An entry without `file`, `old` and `new` names a submission in the folder wrong/.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from grader.errors import UsageError
from grader.intake.source import definitions
from grader.model import CheckResult, Homework, ItemResult, Report, Submission, Verdict

PLACE, REPLACED = ("file", "old", "new"), "wrong.yaml"
FRAME = re.compile(r'^ *File "([^"\n]+)", line (\d+)', re.MULTILINE)
ERROR = re.compile(r"^[A-Za-z_][\w.]*(?:: .*)?$", re.MULTILINE)  # a traceback's line that is not indented
KEYS = (*PLACE, "loses", "says")


@dataclass(frozen=True, slots=True)
class Mistake:
    """`file`, `old` and `new` are "" for a submission in the folder wrong/. `where` is its line in wrong.yaml.

    `loses` lists the items that must lose points. `says` is text that a message must contain. Both may be None.
    """

    name: str
    where: str
    file: str = ""
    old: str = ""
    new: str = ""
    loses: tuple[str, ...] | None = None
    says: str | None = None

    def made_in(self, reference: Submission) -> Submission:
        """The reference with the replacement. Raises UsageError if there is nothing to replace."""
        if self.file not in reference.files:
            raise UsageError(
                f"{self.where}: students do not hand in {self.file}; `file` must be one of {', '.join(reference.files)}"
            )
        before = reference.files[self.file].decode()
        if not self.old or self.old not in before:
            raise UsageError(
                f"{self.where}: {self.file} of the reference does not contain {self.old!r}; copy that text from it"
            )
        changed = before.replace(self.old, self.new).encode()
        return replace(
            reference,
            name=self.name,
            files={**reference.files, self.file: changed},
            lines={**reference.lines, self.file: definitions(self.file, changed)},
        )

    def findings(self, report: Report, homework: Homework, failed: Collection[str] = ()) -> Iterator[str]:
        """What differs from the entry: no points lost, other items lose points, wrong message, or a check broke. Items
        are left out that no check grades, and those with a check that the reference `failed`, too."""
        graded = {item.id: {line.name for line in item.checks} for item in homework.rubric.items if item.checks}
        items = [item for item in report.items if item.id in graded]
        sentences = [check.message for check in report.checks if check.earned < check.points]
        broken = [check for check in report.checks if check.verdict is Verdict.INTERNAL]
        untried = {item.id for item in items if item.verdict is Verdict.SKIPPED or graded[item.id] & {*failed}}
        lost = tuple(item.id for item in items if item.score < item.max_score and item.id not in untried)
        if broken:
            why = said(broken[0], homework.folder)
            yield f"{self.where}: {self.name} breaks the check {broken[0].name}: {why}; correct the check"
        elif not lost:
            if not untried:
                yield f"{self.where}: {self.name} loses no points; add a check that finds this mistake"
        elif self.loses is not None and set(lost) != set(self.loses) - untried:
            there = f"loses points in {listed(lost)}, not in {listed(self.loses)}"
            yield f"{self.where}: {self.name} {there}{unmeasured(items, {*lost} - {*self.loses})}; correct one of them"
        elif self.says is not None and not any(self.says in sentence for sentence in sentences):
            yield f"{self.where}: no message about {self.name} contains {self.says!r}; the first is: {sentences[0]}"


def unmeasured(items: Iterable[ItemResult], unexpected: Collection[str]) -> str:
    """Why the first of some items was not measured on right parts, in brackets; "" if all were."""
    some = [(item.id, check.followed.again) for item in items for check in item.checks if check.followed]
    skipped = ((name, end) for name, end in some if name in unexpected and end.verdict is Verdict.SKIPPED)
    return next((f" ({name} is {end.message})" for name, end in skipped), "")


def said(result: CheckResult, folder: Path) -> str:
    """A check's message. If the check broke, the error and its line in the homework's `folder` instead of the
    traceback."""
    if result.verdict is not Verdict.INTERNAL:
        return result.message
    own = [(file, line) for file, line in FRAME.findall(result.message) if Path(file).is_relative_to(folder.resolve())]
    at = f" in {own[-1][0]}:{own[-1][1]}" if own else ""
    errors = ERROR.findall(result.message)
    return f"{errors[-1]}{at}" if errors else result.message


def listed(items: tuple[str, ...]) -> str:
    return ", ".join(items) or "no item"


def read(folder: Path) -> tuple[list[Mistake], list[str]]:
    """The mistakes of a homework's wrong.yaml and folder wrong/, and a sentence for each that cannot be read."""
    path = folder / REPLACED
    there = {one.name: one for one in sorted((folder / "wrong").glob("*")) if not one.name.startswith(".")}
    found, findings = [], []
    try:
        for name, line, given in entries(path) if path.is_file() else ():
            where = f"{path}:{line}"
            try:
                found.append(mistake(name, where, given, in_folder=name in there))
            except UsageError as error:
                findings.append(str(error))
            there.pop(name, None)
    except UsageError as error:
        findings.append(str(error))
    return [*found, *(Mistake(name, str(one)) for name, one in there.items())], findings


def entries(path: Path) -> Iterator[tuple[str, int, Any]]:
    """Name, line and value of each entry. Raises UsageError for a value that is not a mapping."""
    node, values = parsed(path)
    if values is None:
        return
    if not isinstance(values, Mapping) or not isinstance(node, yaml.MappingNode):
        raise UsageError(f"{path}: this must be a mapping of names to mistakes; see grader/mistakes.py")
    for (name, given), (key, _) in zip(values.items(), node.value, strict=False):
        yield str(name), key.start_mark.line + 1, given


def parsed(path: Path) -> tuple[Any, Any]:
    """The nodes and the values of a YAML file. Raises UsageError, with the line where that is known; also for a name
    that appears twice, of which YAML keeps the last."""
    try:
        text = path.read_text(encoding="utf-8")
        node, values = yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:  # ValueError: such as a thirteenth month
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise UsageError(f"{path}{line}: this is not valid YAML; correct it") from None
    keys = [key for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []
    for at, key in enumerate(keys):
        if key.value in [other.value for other in keys[:at]]:
            raise UsageError(f"{path}:{key.start_mark.line + 1}: {key.value} appears twice; rename or delete one")
    return node, values


def mistake(name: str, where: str, given: Any, *, in_folder: bool) -> Mistake:
    """The mistake of an entry. Raises UsageError that says how to fix a malformed one."""
    if not isinstance(given, Mapping):
        raise UsageError(f"{where}: {name} must be a mapping with the keys {', '.join(KEYS)}")
    for key, value in given.items():
        if key not in KEYS:
            raise UsageError(f"{where}: {name} cannot have the key {key}; its keys are {', '.join(KEYS)}")
        if key == "loses" and not isinstance(value, list):
            raise UsageError(f'{where}: loses must be a list of items, as in ["1.1"]')
        if key != "loses" and not isinstance(value, str):
            raise UsageError(f"{where}: {key} must be text; put it in quotes")
    lacking = [key for key in PLACE if key not in given]
    if lacking and not (in_folder and len(lacking) == len(PLACE)):
        cure = f"add {', '.join(lacking)}, or put the submission into wrong/{name}"
        raise UsageError(f"{where}: {name} does not say what to replace; {cure}")
    items = tuple(map(str, given["loses"])) if "loses" in given else None
    file, old, new = (given.get(key, "") for key in PLACE)
    return Mistake(name, where, file, old, new, items, given.get("says"))
