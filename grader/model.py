"""What the grader speaks about: frozen data, no behaviour beyond sums."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any


class Verdict(StrEnum):
    """How one check ended. Only PASS and PARTIAL earn points."""

    PASS = "PASS"
    PARTIAL = "PARTIAL"
    FAIL = "FAIL"
    NOT_IMPLEMENTED = "NOT_IMPLEMENTED"
    RAISED = "RAISED"
    TIMEOUT = "TIMEOUT"
    MEMORY = "MEMORY"
    CRASH = "CRASH"
    DENIED = "DENIED"
    SKIPPED = "SKIPPED"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True)
class Measure:
    """One number held against its bar. An error must stay below `bound`; with `at_least`, an accuracy must reach it."""

    name: str
    value: float
    bound: float
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Modules that are graded in one process: name -> path inside the handout, and how to talk to them.

    `keep` maps a function or method name to the positions in its returned tuple that stay behind as handles.
    `forbid` names top-level packages that cannot be imported there. `needs` names packages without which nothing of it
    is graded. `memory` is its process's limit in bytes, where it is not the rubric's. `warm` names modules that are
    imported once for all its processes. `drivers` names modules in the homework's `worker/` folder that checks drive in
    the student's process; `package` is that homework's package and folder, once it is loaded. `shims` are
    modules of the homework's that the student's code finds under a name: name -> file. `functions` names what the
    reference's modules and classes define as functions, so that a check need not look.
    """

    id: str
    modules: Mapping[str, str]
    submit: tuple[str, ...]
    keep: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    forbid: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    memory: int | None = None
    warm: tuple[str, ...] = ()
    drivers: tuple[str, ...] = ()
    package: tuple[str, str] = ("", "")
    functions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shims: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckPlan:
    """A check's line in the rubric: its name and its share of the item's points."""

    name: str
    points: float


@dataclass(frozen=True, slots=True)
class Download:
    """A file to fetch: its address, md5 and size in bytes. A .tar.gz holds the data set's folder, a .gz one file."""

    url: str
    md5: str
    size: int


@dataclass(frozen=True, slots=True)
class DataPlan:
    """What the rubric declares of a data set: whatever a check reads that is not in the homework's folder.

    `places` are folders that it may lie in: below the data root, absolute, or in terms of `~` and environment
    variables. `files` maps each file, unpacked, to its sum (md5, or sha256 or its beginning), in the order in which
    `reader` gets them. `reader` and `stand_in` are functions of the homework, as "folder.module.function". Without a
    reader it is one file, whose path is what a check gets. `hint` says how else to come by it.
    """

    name: str
    title: str
    places: tuple[str, ...]
    files: Mapping[str, str]
    fetch: tuple[Download, ...] = ()
    reader: str = ""
    stand_in: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class HandoutPlan:
    """What students are given: files of the reference, unsolved; fixtures, path in the handout -> file."""

    files: tuple[str, ...] = ()
    fixtures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Item:
    """One graded line. `settings` holds every further number of the rubric (`tolerance`, thresholds, budgets).

    `data` names the data sets that its checks read besides its task's. `policies` holds what the rubric decides by a
    word: see `hw.policy`.

    `skipped` is the reason why the item is not graded here, or "".
    """

    id: str
    title: str
    points: float
    checks: tuple[CheckPlan, ...]
    settings: Mapping[str, float] = field(default_factory=dict)
    skipped: str = ""
    data: tuple[str, ...] = ()
    policies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Task:
    """`data` names the data sets that the checks of its items may read."""

    id: str
    title: str
    section: str
    items: tuple[Item, ...]
    data: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call and one check may use, and one reading of what was handed in (see sandbox/reader.py). CPU and wall
    in seconds, memory and output in bytes."""

    call_cpu: float = 10.0
    call_wall: float = 20.0
    check_wall: float = 60.0
    memory: int = 2 << 30
    output: int = 16 << 10
    read_cpu: float = 15.0
    read_memory: int = 1536 << 20


@dataclass(frozen=True, slots=True)
class Late:
    """What lateness costs: `per_day` percent of the points earned for each day begun, at most `cap` percent.

    Within `grace_hours` of the due date nothing is late; after that, days count from the due date itself. A day ends at
    the clock time of the due date in `timezone`, an IANA name such as "Europe/Berlin", or "" for this machine's zone.
    """

    per_day: float
    grace_hours: float = 0.0
    cap: float = 100.0
    timezone: str = ""


@dataclass(frozen=True, slots=True)
class Rubric:
    """rubric.yaml, read. `lines` maps what was named, and as what, to its line in `path`."""

    title: str
    sections: tuple[Section, ...]
    tasks: tuple[Task, ...]
    limits: Limits
    digest: str
    late: Late | None = None
    data: Mapping[str, DataPlan] = field(default_factory=dict)
    handout: HandoutPlan = field(default_factory=HandoutPlan)
    path: Path = Path("rubric.yaml")
    lines: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def where(self, kind: str, name: str) -> str:
        """The place of a name in the file, as "rubric.yaml:12"; of the file alone for one that it does not hold."""
        line = self.lines.get((kind, name))
        return f"{self.path}:{line}" if line else str(self.path)


@dataclass(frozen=True, slots=True)
class Submission:
    """A private snapshot of what was handed in: the wanted files by base name, as bytes.

    `origin` maps each base name to its path inside the folder or archive. `notes` are sentences for the report.
    `helpers` maps a wanted file to what it imports besides: path beside it -> bytes. `questions` says of a wanted file
    why a person has to decide before it is graded, `faults` why it cannot be imported. `there` names all files. `lines`
    says of a wanted file where it defines "function", "Class" and "Class.method".
    """

    name: str
    files: Mapping[str, bytes]
    origin: Mapping[str, str]
    digest: str
    notes: tuple[str, ...] = ()
    helpers: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    there: tuple[str, ...] = ()
    lines: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Take:
    """A person's word on which file of a student's submission counts as the wanted one, `name`."""

    student: str
    file: str
    name: str
    author: str
    time: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Check:
    """A check of a homework: `function(hw, rng)`; `title` is its docstring's first line.

    `about` is what of the student's it asks, as "module.function" or "module.Class.method", or "".
    """

    name: str
    item: str
    title: str
    function: Callable[..., float | None]
    about: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """What is drawn beside a check: `kind` names a drawing of report/plots.py, `data` are its numbers (JSON values)."""

    kind: str
    title: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How one check ended.

    `output` is what the student's code printed meanwhile, capped; `advice` costs nothing; `review` says what only a
    person can judge, one sentence each. `memory` is in bytes, the most that its process had had when the check ended.
    `killed`: a process of it was ended by nobody here, as by a system that is out of memory.
    """

    name: str
    title: str
    verdict: Verdict
    earned: float
    points: float
    message: str = ""
    where: str = ""
    output: str = ""
    advice: tuple[str, ...] = ()
    seconds: float = 0.0
    measures: tuple[Measure, ...] = ()
    figures: tuple[Figure, ...] = ()
    review: tuple[str, ...] = ()
    memory: int = 0
    killed: bool = False

    @property
    def waits(self) -> bool:
        """Whether there are no points before a person looks: a fault of ours, or a question on which file counts."""
        return self.verdict is Verdict.INTERNAL or (self.verdict is Verdict.SKIPPED and self.message in self.review)


@dataclass(frozen=True, slots=True)
class ItemResult:
    id: str
    title: str
    score: float
    max_score: float
    checks: tuple[CheckResult, ...]

    @property
    def verdict(self) -> Verdict:
        """The verdict that explains the item best: the gravest of its checks'; NOT_IMPLEMENTED only when all are."""
        verdicts = {check.verdict for check in self.checks}
        if len(verdicts) == 1:
            return next(iter(verdicts))
        for grave in GRAVITY:
            if grave in verdicts:
                return Verdict.PARTIAL if self.score > 0 and grave is not Verdict.INTERNAL else grave
        return Verdict.SKIPPED


GRAVITY = (
    Verdict.INTERNAL,
    Verdict.DENIED,
    Verdict.CRASH,
    Verdict.MEMORY,
    Verdict.TIMEOUT,
    Verdict.RAISED,
    Verdict.FAIL,
    Verdict.NOT_IMPLEMENTED,
    Verdict.PARTIAL,
    Verdict.SKIPPED,
    Verdict.PASS,
)


@dataclass(frozen=True, slots=True)
class TaskResult:
    id: str
    title: str
    items: tuple[ItemResult, ...]

    @property
    def score(self) -> float:
        return sum(item.score for item in self.items)

    @property
    def max_score(self) -> float:
        return sum(item.max_score for item in self.items)


STAND_IN = "(stand-in data)"  # behind the version of a data set that was made up


@dataclass(frozen=True, slots=True)
class Provenance:
    seed: int
    versions: Mapping[str, str]
    rubric_digest: str
    grader_digest: str
    fixtures_digest: str
    isolation: str


LATE_DAYS = "late"  # an adjustment of this item sets how many days late a submission counts as


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A person's word on an item: what it is worth instead. Of several for one item the last counts; one whose points
    are None takes back those before it."""

    student: str
    item: str
    points: float | None
    author: str
    time: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Remarks:
    """What the gradebook adds to a report: the adjustments in force, and what lateness costs, `penalty` in percent.

    `late_days` is None where it is known that the submission was late, and not how late.
    """

    adjustments: tuple[Adjustment, ...] = ()
    late_days: int | None = 0
    penalty: float = 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """One graded submission. `max_score` is fixed by the rubric before anything runs; `skipped` is the part of it that
    neither this run nor a person judged, shown apart from the earned and the lost. `score` is as graded, `adjusted`
    with a person's word on items, `final` after lateness. Of an `interrupted` run, what was not measured is skipped."""

    title: str
    submission: str
    digest: str
    tasks: tuple[TaskResult, ...]
    needs_review: tuple[str, ...]
    provenance: Provenance
    notes: tuple[str, ...] = ()
    remarks: Remarks = Remarks()
    interrupted: bool = False

    @property
    def score(self) -> float:
        return sum(task.score for task in self.tasks)

    @property
    def adjustments(self) -> Mapping[str, Adjustment]:
        """By the id of the item that each is about."""
        return {one.item: one for one in self.remarks.adjustments}

    def points_of(self, item: ItemResult) -> float:
        """What an item counts: a person's word, though never more than it is worth now, else the points as graded."""
        changed = self.adjustments.get(item.id)
        return item.score if changed is None or changed.points is None else min(changed.points, item.max_score)

    def judged(self, item: ItemResult) -> bool:
        """Whether the grader or a person gave its points; what neither judged is neither earned nor lost."""
        return item.id in self.adjustments or item.verdict is not Verdict.SKIPPED

    @property
    def adjusted(self) -> float:
        return round(math.fsum(self.points_of(item) for item in self.items), 9)

    @property
    def final(self) -> float:
        return round(self.adjusted * (1 - self.remarks.penalty / 100), 9)

    @property
    def max_score(self) -> float:
        return sum(task.max_score for task in self.tasks)

    @property
    def skipped(self) -> float:
        open_ = (item for item in self.items if item.id not in self.adjustments)
        return sum(
            check.points
            for item in open_
            for check in item.checks
            if check.verdict is Verdict.SKIPPED and not check.waits
        )

    @property
    def items(self) -> tuple[ItemResult, ...]:
        return tuple(item for task in self.tasks for item in task.items)

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        return tuple(check for item in self.items for check in item.checks)

    @property
    def stand_in(self) -> bool:
        """Whether a network was trained on images that were made up."""
        return any(version.endswith(STAND_IN) for version in self.provenance.versions.values())

    @property
    def faulty(self) -> bool:
        """Whether a fault of the grader left a check unjudged."""
        return any(check.verdict is Verdict.INTERNAL for check in self.checks)


Parts = tuple[tuple[str, Path], ...]  # (the student's own name for it, where it lies), the newest last


@dataclass(frozen=True, slots=True)
class Student:
    """A student of the class, and what was handed in.

    `id` is safe as a file's name, `name` is to be shown. `ids` are what the platform and the class list call the
    student, by their own column names. `path` is None where nothing was handed in. `digest` and `origin` (base name ->
    path inside the submission) are those of the files that were graded. `marked_late` is None where the platform marks
    nothing. `others` are older submissions, which do not count. `problem` is why nothing is graded although something
    was, or may have been, handed in; else "". `due` is the student's own due date, where an extension gives one.

    `parts` are one folder or archive, or the files handed in side by side. `unlisted`: there is a class list, and it
    does not name this student, or not clearly. Neither is kept in the gradebook.
    """

    id: str
    name: str
    ids: Mapping[str, str] = field(default_factory=dict)
    path: str | None = None
    digest: str | None = None
    submitted_at: datetime | None = None
    marked_late: bool | None = None
    others: tuple[str, ...] = ()
    problem: str = ""
    due: datetime | None = None
    origin: Mapping[str, str] = field(default_factory=dict)
    parts: Parts = ()
    unlisted: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A student's line in the class: what exports and the class's page are made of.

    `report`, with its remarks, is None for who handed in nothing, and for a submission that was not graded; then the
    student's `problem` says why. `due` is the student's own due date where an extension gives one, else the run's.
    """

    student: Student
    report: Report | None = None
    due: datetime | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Homework:
    """A homework's folder, loaded: its rubric, its checks by name, the handout and what only the grader may see.

    `handout` is what students were given, before anybody worked in it: path -> bytes. `package` is the name under which
    its files are imported, `readers` are the functions that its data sets are read by. `known` is what the reference
    was found to give, by a digest of the question; it holds nothing of a student's.
    """

    folder: Path
    rubric: Rubric
    checks: Mapping[str, Check]
    handout: Mapping[str, bytes]
    reference: Path
    fixtures: Path
    modules: Mapping[str, Any] = field(default_factory=dict)
    known: dict[bytes, Any] = field(default_factory=dict)
    package: str = ""
    readers: Mapping[str, Callable[..., Any]] = field(default_factory=dict)

    @property
    def option(self) -> str:
        """What a command has to be told to mean this homework; nothing for the one that is here."""
        own = Path(__file__).resolve().parent / "homework"
        return "" if self.folder.resolve() == own else f" --homework {shlex.quote(str(self.folder))}"
