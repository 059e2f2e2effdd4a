"""The grader's data classes: frozen, without behaviour beyond sums."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterable, Mapping
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
    """A measured number and its bar. An error must stay below `bound`; with `at_least`, a number must reach it."""

    name: str
    value: float
    bound: float
    at_least: bool = False

    @property
    def holds(self) -> bool:
        """Whether the number is on the right side of its bar; nan never is."""
        return self.value >= self.bound if self.at_least else self.value < self.bound


@dataclass(frozen=True, slots=True)
class Section:
    """Modules that are graded in one process: name -> path inside the handout.

    - `keep` maps the name of a function or method to positions in its returned tuple. These values stay in the
      student's process; the check gets handles.
    - `forbid` names top-level packages that the student's code cannot import.
    - `needs` names packages that must be installed; without them the section is not graded.
    - `memory` is the process's limit in bytes; None means the rubric's limit.
    - `warm` names modules that are imported once for all processes of the section.
    - `drivers` names modules in the homework's `worker/` folder. Checks call them in the student's process.
    - `package` is the homework's package name and folder. It is filled in when the homework is loaded.
    - `shims` maps a module name to a file of the homework. The student's code imports that file under that name.
    - `trusted` maps the name of a module that only checks ask, as `hw.reference.NAME`, to its path in the reference.
    - `functions` lists the functions that each module and class of the reference defines, so checks need not look.
    - `stand_ins` maps a function or method, as "module.Class.method", to the function of a trusted module that answers
      for it where a later item is graded again. A function of a module answers by itself.
    - `sent_as` maps a class, as "module.Class", to its method whose answer is sent in place of an object of that class.
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
    trusted: Mapping[str, str] = field(default_factory=dict)
    stand_ins: Mapping[str, str] = field(default_factory=dict)
    sent_as: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckPlan:
    """A check's line in the rubric: its name, its share of the item's points, and when a student sees what it says:
    "visible" at once, "after_due" once the work is due, "hidden" never."""

    name: str
    points: float
    visibility: str = "visible"


@dataclass(frozen=True, slots=True)
class Download:
    """A file to download: address, md5, size in bytes. A .tar.gz holds the data set's folder; a .gz holds one file."""

    url: str
    md5: str
    size: int


@dataclass(frozen=True, slots=True)
class DataPlan:
    """A data set as the rubric declares it: data that checks read and that is not in the homework's folder.

    `places` are the folders to look in: below the data root, absolute, or with `~` and environment variables. `files`
    maps each unpacked file to its checksum: md5, sha256, or the beginning of a sha256. `reader` gets the files in this
    order. `reader` and `stand_in` name functions of the homework, as "folder.module.function". Without a reader, the
    data set is one file, and a check gets its path. `hint` says how else to obtain it.
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
    """The files that students get: files of the reference without solutions; fixtures, path in the handout -> file."""

    files: tuple[str, ...] = ()
    fixtures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Item:
    """One graded line of the rubric. `settings` holds its other numbers (`tolerance`, thresholds, budgets).

    `data` names data sets that its checks read in addition to the task's. `policies` maps a name to a word that says
    what a finding costs: see `hw.policy`. `skipped` is the reason why the item is not graded, or "".

    `built_on` names the earlier items whose functions it uses. Where one of them failed, a check that fails is graded
    again on right parts, and earns `follow_through` of the points that it would have: see follow_through.py. `nearest`:
    right parts stand in for the functions of these items alone, never for what lies below them.
    """

    id: str
    title: str
    points: float
    checks: tuple[CheckPlan, ...]
    settings: Mapping[str, float] = field(default_factory=dict)
    skipped: str = ""
    data: tuple[str, ...] = ()
    policies: Mapping[str, str] = field(default_factory=dict)
    built_on: tuple[str, ...] = ()
    follow_through: float = 1.0
    nearest: bool = False


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
    """Limits of one call, one check and one submission, and of one reading of what was handed in (see
    sandbox/reader.py). CPU and wall time in seconds, memory and output in bytes.

    The limits of a submission do not count its training runs, which have budgets of their own.
    `resident` is the part of its memory that a process may really fill, if a container has less than the rubric allows.
    """

    call_cpu: float = 10.0
    call_wall: float = 20.0
    check_wall: float = 60.0
    submission_cpu: float = 60.0
    submission_wall: float = 120.0
    memory: int = 2 << 30
    output: int = 16 << 10
    resident: int | None = None
    read_cpu: float = 15.0
    read_memory: int = 1536 << 20


@dataclass(frozen=True, slots=True)
class Late:
    """The late penalty: `per_day` percent of the earned points for each day or part of a day, at most `cap` percent.

    Nothing is late within `grace_hours` after the due date; after that, days count from the due date itself. A day ends
    at the due date's clock time in `timezone`: an IANA name such as "Europe/Berlin", or "" for this machine's zone.
    """

    per_day: float
    grace_hours: float = 0.0
    cap: float = 100.0
    timezone: str = ""


@dataclass(frozen=True, slots=True)
class Rubric:
    """The contents of rubric.yaml. `lines` maps (kind, name), such as ("check", "relu"), to its line in `path`.

    `release` says when students see a run of the class: "at_once", or "by_hand".
    """

    title: str
    sections: tuple[Section, ...]
    tasks: tuple[Task, ...]
    limits: Limits
    digest: str
    late: Late | None = None
    data: Mapping[str, DataPlan] = field(default_factory=dict)
    handout: HandoutPlan = field(default_factory=HandoutPlan)
    release: str = "at_once"
    path: Path = Path("rubric.yaml")
    lines: Mapping[tuple[str, str], int] = field(default_factory=dict)

    @property
    def items(self) -> tuple[Item, ...]:
        return tuple(item for task in self.tasks for item in task.items)

    @property
    def wanted(self) -> tuple[str, ...]:
        """The files that students hand in, each once: base names, and patterns such as "*.jpg"."""
        return tuple(dict.fromkeys(name for section in self.sections for name in section.submit))

    def where(self, kind: str, name: str) -> str:
        """File and line of a name, as "rubric.yaml:12"; the file alone if the name is not in it."""
        line = self.lines.get((kind, name))
        return f"{self.path}:{line}" if line else str(self.path)


@dataclass(frozen=True, slots=True)
class Submission:
    """A private copy of a submission: the contents of the wanted files, by base name.

    `origin` maps each base name to its path inside the folder or archive. `notes` are sentences for the report.
    `helpers` maps a wanted file to the student's other files that it imports: path beside it -> bytes. `questions` maps
    a wanted file to the reason why a person must decide before it is graded. `faults` maps a wanted file to the reason
    why it cannot be imported. `there` names all files of the submission. `lines` maps a wanted file to the lines of its
    "function", "Class" and "Class.method".
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
    """A person's decision that `file` of a student's submission counts as the wanted file `name`."""

    student: str
    file: str
    name: str
    author: str
    time: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Check:
    """A check of a homework: `function(hw, rng)`; `title` is its docstring's first line.

    `about` names the student's function that the check tests, as "module.function" or "module.Class.method", or "".
    """

    name: str
    item: str
    title: str
    function: Callable[..., float | None]
    about: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure beside a check: `kind` names a drawing of report/charts.py, `data` holds its numbers (JSON values)."""

    kind: str
    title: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a check ended with one set of parts, and what it earns for that."""

    verdict: Verdict
    earned: float
    message: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class FollowThrough:
    """A failed check that was graded again on right parts, because items below it had failed.

    `wrong` names the functions at fault, as "relu_backward", or files, `missing` those of them that are not there at
    all, and `items` those in which they cost their points. `first` is how the check ended on the student's own parts,
    `again` how it ended on right ones. `said` tells that in a sentence.
    """

    wrong: tuple[str, ...]
    items: tuple[str, ...]
    first: Ending
    again: Ending
    said: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How one check ended.

    `output` is what the student's code printed, cut at the limit. `advice` costs no points. `review` holds one sentence
    for each question that only a person can answer. `memory` is the peak memory of the process, in bytes. `killed` says
    that the system ended a process of this check, for example because it ran out of memory.
    `files` are the base names of the submitted files that it asked for, and "*" for the list of them. `followed` says
    how it ended on right parts, if it was graded again; the better ending counts.
    `example` is the smallest input that was found to fail, as Python; "" where there is none.
    `broke` is the check's own line that an answer broke, for staff: the answer may be right.
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
    visibility: str = "visible"
    files: tuple[str, ...] = ()
    example: str = ""
    broke: str = ""
    followed: FollowThrough | None = None

    @property
    def waits(self) -> bool:
        """Whether the points wait for a person: the grader failed, or it is unclear which file counts."""
        return self.verdict is Verdict.INTERNAL or (self.verdict is Verdict.SKIPPED and self.message in self.review)


def total(points: Iterable[float]) -> float:
    """The sum, in which thirds of a point make whole ones."""
    return round(math.fsum(points), 9)


@dataclass(frozen=True, slots=True)
class ItemResult:
    id: str
    title: str
    score: float
    max_score: float
    checks: tuple[CheckResult, ...]

    @classmethod
    def of(cls, id: str, title: str, max_score: float, checks: Iterable[CheckResult]) -> ItemResult:
        """The item of these checks: what they earned is its score."""
        made = tuple(checks)
        return cls(id, title, total(check.earned for check in made), max_score, made)

    @property
    def verdict(self) -> Verdict:
        """The gravest verdict of its checks. It is NOT_IMPLEMENTED only if that is the verdict of all of them."""
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


STAND_IN = "(stand-in data)"  # ends the version of a synthetic data set


@dataclass(frozen=True, slots=True)
class Provenance:
    seed: int
    versions: Mapping[str, str]
    rubric_digest: str
    grader_digest: str
    fixtures_digest: str
    isolation: str


LATE_DAYS = "late"  # an adjustment of this item sets the number of days late


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A person's decision on the points of an item. The last one for an item counts; `points` None revokes the earlier
    ones."""

    student: str
    item: str
    points: float | None
    author: str
    time: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Comment:
    """A person's sentence for the student, on an item ("" for the whole work), or on a line: "work.py:12"."""

    item: str
    place: str
    text: str
    author: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Remarks:
    """What the gradebook adds to a report: the adjustments that count, comments, and the late `penalty` in percent.

    `late_days` is None if the submission was late but the number of days is not known. `after_due`: the student may see
    what the rubric keeps until then. `released` holds the ids of the items that the student may see; None is all.
    """

    adjustments: tuple[Adjustment, ...] = ()
    late_days: int | None = 0
    penalty: float = 0.0
    after_due: bool = False
    released: tuple[str, ...] | None = None
    comments: tuple[Comment, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """One graded submission.

    The rubric fixes `max_score` before anything runs. `skipped` is the part of it that neither this run nor a person
    judged: these points are neither earned nor lost. `score` is what the checks gave, `adjusted` includes a person's
    decisions, and `final` includes the late penalty. In an `interrupted` run, checks that did not end are skipped.
    """

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
        """The adjustments by item id."""
        return {one.item: one for one in self.remarks.adjustments}

    def points_of(self, item: ItemResult) -> float:
        """The points of an item: a person's decision, at most the item's maximum; else the points as graded."""
        changed = self.adjustments.get(item.id)
        return item.score if changed is None or changed.points is None else min(changed.points, item.max_score)

    def judged(self, item: ItemResult) -> bool:
        """Whether the grader or a person gave its points; otherwise they are neither earned nor lost."""
        return item.id in self.adjustments or item.verdict is not Verdict.SKIPPED

    @property
    def adjusted(self) -> float:
        return total(self.points_of(item) for item in self.items)

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
        """Whether a network was trained on synthetic images."""
        return any(version.endswith(STAND_IN) for version in self.provenance.versions.values())

    @property
    def faulty(self) -> bool:
        """Whether the grader failed in a check, so that the check has no result."""
        return any(check.verdict is Verdict.INTERNAL for check in self.checks)


Parts = tuple[tuple[str, Path], ...]  # (the student's name for the file, its path), the newest last


@dataclass(frozen=True, slots=True)
class Student:
    """A student of the class, and the student's submission.

    - `id` is safe as a file name; `name` is for display.
    - `ids` holds the student's ids on the platform and in the class list, by column name.
    - `path` is None if nothing was handed in.
    - `digest` and `origin` (base name -> path inside the submission) describe the files that were graded.
    - `marked_late` is None if the platform does not mark late work.
    - `others` are older submissions, which do not count.
    - `problem` says why a submission cannot be graded, or may be missing; else "".
    - `due` is the student's own due date if there is an extension.
    - `parts` is one folder or archive, or several loose files. It is not kept in the gradebook.
    - `unlisted` says that the class list does not name this student, or not clearly.
    - `own_id` is the id on the platform, character by character. It is not kept in the gradebook.
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
    own_id: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A student's line in the class, for exports and the class page.

    `report` includes its remarks. It is None if nothing was handed in or the submission was not graded; then the
    student's `problem` says why. `due` is the student's own due date if there is an extension, else the run's.
    """

    student: Student
    report: Report | None = None
    due: datetime | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Homework:
    """A loaded homework: its rubric, its checks by name, the handout, and files that only the grader may see.

    `handout` maps a path to its bytes, as students received it. `modules` are the reference's modules. `package` is the
    name under which the homework's files are imported. `readers` are the functions that read its data sets. `answers`
    is the reference as checks ask it (see reference.py): live, or a recording; then `modules` is empty.
    """

    folder: Path
    rubric: Rubric
    checks: Mapping[str, Check]
    handout: Mapping[str, bytes]
    reference: Path
    fixtures: Path
    modules: Mapping[str, Any] = field(default_factory=dict)
    answers: Any = None
    package: str = ""
    readers: Mapping[str, Callable[..., Any]] = field(default_factory=dict)

    @property
    def option(self) -> str:
        """The command-line option that selects this homework; "" for the homework in this project."""
        own = Path(__file__).resolve().parent / "homework"
        return "" if self.folder.resolve() == own else f" --homework {shlex.quote(str(self.folder))}"
