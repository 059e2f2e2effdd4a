"""What is wrong or missing below an item: which functions are at fault there, and which right ones can stand in."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field, replace
from itertools import chain
from pathlib import Path

from grader.model import CheckPlan, CheckResult, Homework, Item, Section, Submission, Verdict

SETTLED = (Verdict.PASS, Verdict.SKIPPED, Verdict.INTERNAL)
ENDLESS = (Verdict.TIMEOUT, Verdict.MEMORY, Verdict.CRASH)
A_FILE = re.compile(r"(?:the import of )?(\S+\.py) ")  # begins what is said of a file
AN_ATTRIBUTE = re.compile(r"(?!\S+\.py )(\S+) defines no (\S+)")  # of an object, not of a file
FILE = re.compile(A_FILE.pattern + r"(?!defines )")  # of all that is in it
WRONG = "wrong"


@dataclass(frozen=True)
class Below:
    """What is at fault below an item: functions and files as the student knows them, those of them that are not there
    at all, and the items that they belong to."""

    wrong: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    items: tuple[str, ...] = ()


@dataclass
class Graded:
    """What is known of a section's items so far."""

    homework: Homework
    section: Section
    results: dict[str, CheckResult]  # of each check, by its name, on the student's own parts
    passed_on: dict[str, tuple[str, ...]] = field(default_factory=dict)  # item -> the right parts that it passes on
    right: set[str] = field(default_factory=set)  # the checks that fail on wrong parts alone

    def item(self, name: str) -> Item:
        return next(item for item in self.homework.rubric.items if item.id == name)

    def failed(self, item: Item) -> list[CheckPlan]:
        """The checks of an item that failed on the student's own parts."""
        return [plan for plan in item.checks if plan.name in self.results and fails(self.results[plan.name])]

    def wrong_below(self, item: Item) -> Below:
        """What is at fault below an item."""
        found: list[Below] = []
        for below in map(self.item, item.built_on):
            failed = self.failed(below)
            deeper = self.wrong_below(below) if failed and below.id in self.passed_on else Below()
            found.append(deeper if deeper.wrong else self.at_fault(below, failed))
        return Below(*(tuple(dict.fromkeys(chain(*names))) for names in zip(*map(astuple, found), strict=True)))

    def at_fault(self, item: Item, failed: Collection[CheckPlan]) -> Below:
        """What is at fault in an item itself. A function or file is missing if each check says so that blames it."""
        blamed = list(self.blamed([plan for plan in failed if plan.name not in self.right]))
        there = {name for name, plan in blamed if not self.is_missing(plan)}
        names = tuple(dict.fromkeys(name for name, _ in blamed if name))
        return Below(names, tuple(name for name in names if name not in there), (item.id,) if blamed else ())

    def blamed(self, failed: Collection[CheckPlan]) -> Iterator[tuple[str, CheckPlan]]:
        """The function of each check that failed, or the file, if nothing in it could be called. A check whose message
        begins with another one of these functions is left out: that one raised, or gave no answer that fits, so nothing
        is known of the check's own."""
        names = [short(self.about(plan)) for plan in failed]
        called = [name.rpartition(".")[2] for name in names]
        for plan, name, own in zip(failed, names, called, strict=True):
            message = self.results[plan.name].message
            told = message.partition(" ")[0]
            if file := FILE.match(message):
                yield file[1], plan
            elif told == own or told not in called:
                yield name, plan

    def right_parts(self, item: Item) -> tuple[str, ...]:
        """The functions that right ones replace when an item is graded again."""
        found: dict[str, None] = {}
        if item.nearest:  # what is missing further below is not called then, but imported
            for below in (one for one in self.all_below(item) if one.id not in item.built_on):
                if missing := [plan for plan in self.failed(below) if self.is_missing(plan)]:
                    found |= dict.fromkeys(self.replaceable(below, missing))
        for below in map(self.item, item.built_on):
            failed = self.failed(below)
            if failed and below.id in self.passed_on and not item.nearest:
                found |= dict.fromkeys(self.passed_on[below.id])  # it is right on these, so it stays as it is
            elif failed:
                found |= dict.fromkeys(self.replaceable(below, failed))
        return tuple(found)

    def replaceable(self, item: Item, failed: Iterable[CheckPlan]) -> Iterator[str]:
        """Yield an item's functions that right ones can replace. These replace all of them together, because they share
        caches; but a constructor only if it is wrong itself, because a student chooses the names of the parameters."""
        wrong = set(map(self.about, failed))
        for name in dict.fromkeys(map(self.about, item.checks)):
            module, _, rest = name.partition(".")
            if not rest or "." in rest or self.is_class(name):
                owner = ".".join(name.split(".")[:2])
                listed = (one for one in self.section.stand_ins if one.startswith(f"{owner}."))
                yield from (one for one in listed if not one.endswith(".__init__") or one in wrong)
            elif name in self.section.stand_ins or rest in self.section.functions.get(module, ()):
                yield name

    def irreplaceable(self, item: Item, plans: Iterable[CheckPlan]) -> Iterator[tuple[CheckPlan, str]]:
        """Yield those of some of an item's checks whose function no right one can replace, and its name."""
        for plan in plans:
            if not any(self.replaceable(replace(item, checks=(plan,)), (plan,))):
                yield plan, short(self.about(plan)) or item.title

    def left_wrong(self, item: Item) -> str:
        """A function below an item that stays wrong or missing when the item is graded again, as "scale, which is
        wrong"; "" if there is none."""
        below = (one for one in map(self.item, item.built_on) if item.nearest or one.id not in self.passed_on)
        left = (found for one in below for found in self.irreplaceable(one, self.failed(one)))
        return next((f"{name}, which is {'missing' if self.is_missing(plan) else WRONG}" for plan, name in left), "")

    def all_below(self, item: Item) -> list[Item]:
        """The items that an item is built on, at any depth, the lowest first."""
        found: dict[str, Item] = {}
        for below in map(self.item, item.built_on):
            found |= {one.id: one for one in (*self.all_below(below), below)}
        return list(found.values())

    def modules_below(self, item: Item) -> dict[str, str]:
        """The modules of what failed below an item, and their files, the lowest first."""
        failed = (plan for one in self.all_below(item) for plan in self.failed(one))
        modules = dict.fromkeys(self.about(plan).partition(".")[0] for plan in failed)
        return {module: self.section.modules[module] for module in modules if module in self.section.modules}

    def not_there(self, item: Item, submission: Submission) -> list[str]:
        """Those of `modules_below` that were not handed in, or have nothing that was asked for. What the item itself is
        in stays."""
        own = {self.about(plan).partition(".")[0] for plan in item.checks}
        return [
            module
            for module, path in self.modules_below(item).items()
            if Path(path).name not in submission.files or (module not in own and self.is_empty(module))
        ]

    def is_empty(self, module: str) -> bool:
        """Whether nothing is there of what the checks ask a module for."""
        every = (plan for item in self.homework.rubric.items for plan in item.checks if plan.name in self.results)
        own = [plan for plan in every if self.about(plan).partition(".")[0] == module]
        name = Path(self.section.modules[module]).name
        told = (A_FILE.match(self.results[plan.name].message) for plan in own)
        of_another = any(file is not None and file[1] != name for file in told)
        return all(map(self.is_missing, own)) and not of_another and not any(plan.name in self.right for plan in own)

    def is_missing(self, plan: CheckPlan) -> bool:
        """Whether what a check is about is not there. It is wrong, not missing, if what it gives lacks an attribute."""
        result, about = self.results[plan.name], self.about(plan).split(".")
        lacking = AN_ATTRIBUTE.match(result.message) if about[1:] else None
        of_another = lacking is not None and not {*lacking.groups()} & {*about}
        return result.verdict is Verdict.NOT_IMPLEMENTED and not of_another

    def about(self, plan: CheckPlan) -> str:
        return self.homework.checks[plan.name].about

    def stopped(self, constructor: str, how: Collection[Verdict] = ENDLESS) -> bool:
        """Whether a check about a constructor ended in one of these verdicts on the student's own parts."""
        about = (one for name, one in self.results.items() if self.homework.checks[name].about == constructor)
        return any(one.verdict in how for one in about)

    def is_class(self, name: str) -> bool:
        return isinstance(getattr(self.homework.modules[name.partition(".")[0]], name.partition(".")[2], None), type)


def fails(result: CheckResult) -> bool:
    return result.verdict not in SETTLED and result.verdict is not Verdict.DENIED


def short(about: str) -> str:
    """A function's name as the student knows it: without its module, and a class for its constructor."""
    return about.partition(".")[2].removesuffix(".__init__")


def unknown_below(items: Iterable[Item], results: Mapping[str, CheckResult], homework: Homework) -> list[Item]:
    """Earlier items that were not graded, though a failed item is built on them: they decide, too."""
    every = {item.id: item for item in homework.rubric.items}
    open_ = [item for item in items if any(fails(results[plan.name]) for plan in item.checks if plan.name in results)]
    found: dict[str, Item] = {}
    while open_:
        for below in (every[name] for name in open_.pop().built_on):
            if below.id not in found and not any(plan.name in results for plan in below.checks):
                found[below.id] = below
                open_.append(below)
    return [item for item in every.values() if item.id in found]
