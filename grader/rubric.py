"""rubric.yaml -> Rubric. Every mistake is reported with its line.

The file is composed to nodes, not loaded, because only nodes know their lines. Aliases and deep nesting are refused
first: a few aliases can stand for billions of nodes, and nodes nested ten thousand deep overflow the C stack.
"""

from __future__ import annotations

import hashlib
import math
import re
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from importlib.machinery import PathFinder
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from typing import Any

import yaml

from grader.errors import RubricError
from grader.model import CheckPlan, DataPlan, Download, HandoutPlan, Item, Late, Limits, Rubric, Section, Task

MAX_BYTES = 1 << 20
MAX_SHOWN = 20
MAX_DEPTH = 20
SHARES = {"accuracy", "learned", "full", "partial", "at_partial", "claim_gap", "repeat"}  # settings between 0 and 1
RELEASES = ("at_once", "by_hand")  # when students see a run of the class
VISIBILITIES = ("visible", "after_due", "hidden")  # when a student sees what a check says
POLICIES = ("advice", "judged", "part", "question")  # what costs nothing, all, a part, or what a person decides
LEAST = {"memory": 32}  # in the file's unit; an idle process of Python and numpy takes about as much
MOST = 1e9  # of any limit, in the file's unit; no system takes much more
UNITS = {"memory": 1 << 20, "output": 1 << 10, "read_memory": 1 << 20}  # MiB and KiB in the file, bytes in Limits

HINTS = {  # of PyYAML's own words
    "mapping values are not allowed": "put a text that contains a colon in quotes",
    "cannot start any token": "put a text that begins with such a character in quotes",
}
SUM = re.compile(r"[0-9a-f]{8,64}")
ALWAYS = {"numpy", *sys.stdlib_module_names}  # every worker can import these

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load(path: Path) -> Rubric:
    """Read a rubric. Raises RubricError that lists every mistake as "rubric.yaml:LINE: sentence"."""
    data = read(path)
    reader = Reader(path.name)
    rubric = reader.rubric(compose(path, data), hashlib.sha256(data).hexdigest()[:16])
    rubric = replace(rubric, path=path, lines=reader.lines)
    if reader.mistakes:
        mistakes = [f"{path.name}:{line}: {text}" for line, text in sorted(reader.mistakes)]
        more = [f"... and {len(mistakes) - MAX_SHOWN} more mistakes"] if len(mistakes) > MAX_SHOWN else []
        raise RubricError("\n".join(mistakes[:MAX_SHOWN] + more))
    return rubric


def read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RubricError(
            f"{path}: {error.strerror}; name the homework's folder, which contains one: --homework FOLDER"
        ) from None
    if len(data) > MAX_BYTES:
        raise RubricError(f"{path} has {len(data)} bytes; a rubric may have at most {MAX_BYTES}; shorten it")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise RubricError(f"{path.name}:{line}: this line is not UTF-8; save the file as UTF-8") from None
    return data


def compose(path: Path, data: bytes) -> yaml.Node:
    try:
        refuse_explosive(path.name, data)
        node = yaml.compose(data, Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        told = [HINTS[said] for said in HINTS if said in str(error.problem)]
        told = ["indent with spaces, not with tabs"] if b"\t" in b"".join(data.split(b"\n")[line - 1 : line]) else told
        raise RubricError("; ".join([f"{path.name}:{line}: not YAML: {error.problem}", *told])) from None
    except yaml.reader.ReaderError as error:
        line = data[: error.position].count(b"\n") + 1
        raise RubricError(f"{path.name}:{line}: not YAML: {str(error).splitlines()[0]}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise RubricError(f"{path.name}:1: not YAML: {str(error).splitlines()[0]}") from None
    if node is None:
        raise RubricError(f"{path.name}:1: the file is empty")
    return node


def refuse_explosive(name: str, data: bytes) -> None:
    """Raise RubricError for an alias, and for values that are nested more than MAX_DEPTH deep."""
    depth = 0
    for event in yaml.parse(data, Loader=LOADER):
        where = f"{name}:{event.start_mark.line + 1 if event.start_mark else 1}"
        if isinstance(event, yaml.AliasEvent):
            raise RubricError(f"{where}: aliases such as *{event.anchor} are not allowed; write the value out")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise RubricError(f"{where}: lists and mappings are nested more than {MAX_DEPTH} deep; make them flatter")


def exponent(node: yaml.Node) -> bool:
    """Whether a text is a number in most languages but not in YAML: 1e-9, 1.0e9."""
    return isinstance(node, yaml.ScalarNode) and bool(re.fullmatch(r"[-+]?\d+\.?\d*[eE][-+]?\d+", node.value))


def is_policy(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value in POLICIES


def resembles_policy(node: yaml.Node) -> bool:
    """Whether a value is not a number but a misspelt policy."""
    if not isinstance(node, yaml.ScalarNode) or node.tag.endswith((":int", ":float")):
        return False
    from difflib import get_close_matches  # slow to import, and needed only after a mistake

    return bool(get_close_matches(node.value, POLICIES))


def is_module(name: str) -> bool:
    """Whether a module with this dotted name exists. Nothing is imported."""
    path: Any = None
    for at, _ in enumerate(parts := name.split(".")):
        spec = find_spec(parts[0]) if at == 0 else PathFinder.find_spec(".".join(parts[: at + 1]), path)
        if spec is None:
            return False
        path = spec.submodule_search_locations
        if path is None:
            return at == len(parts) - 1
    return True


@dataclass
class Reader:
    """Walks the nodes and collects every mistake with its line, so that one run reports all of them."""

    file: str
    mistakes: list[tuple[int, str]] = field(default_factory=list)
    lines: dict[tuple[str, str], int] = field(default_factory=dict)

    def note(self, node: yaml.Node, kind: str, name: str) -> None:
        """Record the line where a name appears first."""
        self.lines.setdefault((kind, name), node.start_mark.line + 1)

    def refuse(self, node: yaml.Node, text: str) -> None:
        """Note a mistake, and read on."""
        self.mistakes.append((node.start_mark.line + 1, text))

    def rubric(self, root: yaml.Node, digest: str) -> Rubric:
        optional = ("limits", "late", "data", "handout", "release")
        keys = self.mapping(root, "the rubric", required=("title", "sections", "tasks"), optional=optional)
        sections = tuple(self.sections(keys["sections"])) if "sections" in keys else ()
        known = {section.id for section in sections}
        data = {plan.name: plan for plan in self.data(keys["data"])} if "data" in keys else {}
        tasks = tuple(self.tasks(keys["tasks"], known, data)) if "tasks" in keys else ()
        self.expect_lower(tasks)
        limits = self.limits(keys["limits"]) if "limits" in keys else Limits()
        title = self.text(keys["title"], "title") if "title" in keys else ""
        late = self.late(keys["late"]) if "late" in keys else None
        handout = self.handout(keys["handout"]) if "handout" in keys else HandoutPlan()
        release = self.release(keys["release"]) if "release" in keys else RELEASES[0]
        return Rubric(title, sections, tasks, limits, digest, late, data, handout, release)

    def release(self, node: yaml.Node) -> str:
        told = self.text(node, "release")
        if told and told not in RELEASES:
            self.refuse(node, f"release is {told}; write {' or '.join(RELEASES)}")
        return told

    def late(self, node: yaml.Node) -> Late:
        keys = self.mapping(node, "late", required=("per_day",), optional=("grace_hours", "cap", "timezone"))
        timezone = self.timezone(keys.pop("timezone")) if "timezone" in keys else ""
        numbers = {name: self.number(value, name, least=0) for name, value in keys.items()}
        for name in ("per_day", "cap"):
            if numbers.get(name, 0) > 100:
                self.refuse(keys[name], f"{name} is {numbers[name]:g}; it is in percent, so at most 100")
        return Late(**{"per_day": 0.0} | numbers, timezone=timezone)

    def timezone(self, node: yaml.Node) -> str:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # slow, and most homeworks name none

        name = self.text(node, "timezone")
        try:
            ZoneInfo(name or "UTC")  # a value that is not text is reported already
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.refuse(node, f"there is no time zone {name}; write it as Europe/Berlin or America/New_York")
        return name

    def limits(self, node: yaml.Node) -> Limits:
        names = tuple(name for name in Limits.__dataclass_fields__ if name != "resident")  # a machine's, no homework's
        keys = self.mapping(node, "limits", optional=names)
        return Limits(**{name: self.limit(value, name) for name, value in keys.items()})

    def limit(self, node: yaml.Node, name: str) -> Any:
        """A limit, converted from the unit in the file to the unit in Limits."""
        number = self.number(node, name, least=LEAST.get(name, 0), open_end=name not in LEAST)
        if number > MOST:
            self.refuse(node, f"{name} is {number:g}; it must be at most {MOST:g}")
            return 1
        return int(number * UNITS[name]) if name in UNITS else number

    def sections(self, node: yaml.Node) -> Iterator[Section]:
        for name, value in self.mapping(node, "sections", optional=None).items():
            self.note(value, "section", name)
            yield self.section(value, name)

    def section(self, node: yaml.Node, name: str) -> Section:
        keys = self.mapping(
            node,
            f"section {name}",
            required=("modules", "submit"),
            optional=(
                *("keep", "forbid", "needs", "memory", "warm", "drivers", "shims", "trusted"),
                *("stand_ins", "sent_as"),
            ),
        )
        modules = self.mapping(keys["modules"], "modules", optional=None) if "modules" in keys else {}
        keep = self.mapping(keys["keep"], "keep", optional=None) if "keep" in keys else {}
        needs = tuple(self.needs(keys["needs"])) if "needs" in keys else ()
        forbidden = tuple(self.forbid(keys["forbid"])) if "forbid" in keys else ()
        for package in set(forbidden) & set(needs):
            self.refuse(keys["forbid"], f"forbid names {package}, which `needs` names, too; delete one of them")
        for module, path in modules.items():
            self.note(path, "module", module)
        for function, at in keep.items():
            self.note(at, "keep", function)
        return Section(
            id=name,
            modules=dict(self.modules(modules)),
            submit=tuple(self.submit(keys["submit"], name)) if "submit" in keys else (),
            keep={function: tuple(self.positions(at, function)) for function, at in keep.items()},
            forbid=forbidden,
            needs=needs,
            memory=self.limit(keys["memory"], "memory") if "memory" in keys else None,
            warm=tuple(self.warm(keys["warm"], needs)) if "warm" in keys else (),
            drivers=tuple(self.noted(keys["drivers"], "drivers", "driver")) if "drivers" in keys else (),
            shims=dict(self.shims(keys["shims"])) if "shims" in keys else {},
            trusted=dict(self.trusted(keys["trusted"], modules)) if "trusted" in keys else {},
            stand_ins=dict(self.dotted(keys["stand_ins"], "stand-in", modules)) if "stand_ins" in keys else {},
            sent_as=dict(self.dotted(keys["sent_as"], "sent_as", modules)) if "sent_as" in keys else {},
        )

    def submit(self, node: yaml.Node, section: str) -> Iterator[str]:
        """The files that students hand in: names, or * and an ending."""
        if isinstance(node, yaml.SequenceNode) and not node.value:
            self.refuse(node, f"submit of section {section} is empty; name the files that students hand in")
        for file in self.texts(node, "submit"):
            if re.search(r"[/\\]", file):
                self.refuse(node, f"submit names {file}; name the file alone, wherever students have it")
            if file and not re.fullmatch(r"\*?[^*?\[\]]+", file):
                self.refuse(node, f"submit names {file}; write a whole name, or * and an ending, as *.jpg")
            elif file.startswith("*") and file.endswith(".py"):
                self.refuse(node, f"submit names {file}; name each script, because a check asks for it by its name")
            yield file

    def needs(self, node: yaml.Node) -> Iterator[str]:
        """Packages that must be installed."""
        for name in self.noted(node, "needs", "need"):
            if "." in name:
                self.refuse(node, f"needs names {name}; name the package alone, {name.partition('.')[0]}")
            yield name

    def forbid(self, node: yaml.Node) -> Iterator[str]:
        """Packages that a student's code cannot import."""
        for name in self.texts(node, "forbid"):
            if name == "numpy":
                self.refuse(node, "forbid names numpy, which every process has imported; leave it out")
            if "." in name:
                self.refuse(node, f"forbid names {name}, but only a whole package can be forbidden; leave it out")
            yield name

    def modules(self, modules: dict[str, yaml.Node]) -> Iterator[tuple[str, str]]:
        """Name in a check -> file in the reference."""
        for name, value in modules.items():
            if not name.isidentifier() or iskeyword(name):
                self.refuse(value, f"the module {name} needs a name that can stand in `hw.NAME`; rename it")
            otherwise = (
                f"the module {name} must be a .py file in reference/; a notebook that is handed in is read as one"
            )
            yield name, self.script(value, name, otherwise)

    def warm(self, node: yaml.Node, needs: tuple[str, ...]) -> Iterator[str]:
        """Modules that are already imported in every process of a section."""
        for element in self.sequence(node, "warm"):
            name = self.text(element, "a module")
            top = name.partition(".")[0]
            if not name:
                continue
            if top not in ALWAYS and top not in needs:
                self.refuse(element, f"warm names {name}, but it is not in Python, numpy or `needs`; add it to `needs`")
            elif find_spec(top) is not None and not is_module(name):
                self.refuse(element, f"warm names {name}, but {top} has no such module; correct the name")
            yield name

    def shims(self, node: yaml.Node) -> Iterator[tuple[str, str]]:
        """Module name -> file in the homework's folder. The student's code imports that file under that name."""
        for name, value in self.mapping(node, "shims", optional=None).items():
            self.note(value, "shim", name)
            if not all(part.isidentifier() for part in name.split(".")):
                self.refuse(value, f"the shim {name} is not a module name; write it as in an import")
            elif path := self.script(value, name, f"the shim {name} must be a .py file in the homework's folder"):
                yield name, path

    def trusted(self, node: yaml.Node, modules: dict[str, yaml.Node]) -> Iterator[tuple[str, str]]:
        """Modules of the reference that only checks ask: name -> file in it."""
        for name, value in self.mapping(node, "trusted", optional=None).items():
            self.note(value, "trusted", name)
            if not name.isidentifier() or name in modules:
                self.refuse(value, f"trusted names {name}, which is a module of the section or no name; rename it")
            elif path := self.script(value, name, f"the trusted module {name} must be a .py file in reference/"):
                yield name, path

    def dotted(self, node: yaml.Node, kind: str, modules: Collection[str]) -> Iterator[tuple[str, str]]:
        """Names of the student's, as "module.Class.method", and what the rubric says of each."""
        for name, value in self.mapping(node, kind, optional=None).items():
            self.note(value, kind, name)
            first, *path = name.split(".")
            if first not in modules or not path:
                self.refuse(value, f"{name} is in no module of the section; write it as module.function")
            else:
                yield name, self.text(value, name)

    def script(self, node: yaml.Node, name: str, otherwise: str) -> str:
        """A path of a .py file inside a folder; "" and a mistake for anything else."""
        path = self.text(node, name)
        if path.endswith(".py") and not path.startswith("/") and ".." not in Path(path).parts:
            return path
        self.refuse(node, otherwise)
        return ""

    def noted(self, node: yaml.Node, what: str, kind: str) -> Iterator[str]:
        """A list of names. The line of each is recorded."""
        for element in self.sequence(node, what):
            name = self.text(element, what)
            self.note(element, kind, name)
            yield name

    def data(self, node: yaml.Node) -> Iterator[DataPlan]:
        for name, value in self.mapping(node, "data", optional=None).items():
            keys = self.mapping(
                value,
                f"data set {name}",
                required=("title", "places", "files"),
                optional=("fetch", "reader", "stand_in", "hint"),
            )
            self.note(value, "data", name)
            words = {
                key: self.text(keys[key], key) if key in keys else "" for key in ("title", "reader", "stand_in", "hint")
            }
            for key in ("reader", "stand_in"):
                if key in keys:
                    self.note(keys[key], "function", words[key])
            files = self.sums(keys["files"]) if "files" in keys else {}
            if not words["reader"] and (len(files) != 1 or words["stand_in"]):
                self.refuse(value, f"data set {name} has no reader, so it must have one file and no stand_in")
            places = tuple(self.texts(keys["places"], "places")) if "places" in keys else ("",)
            if not places:
                self.refuse(keys["places"], f"data set {name} has no places; name at least one folder")
            elif "fetch" in keys and not re.match(r"[^/.$~]", places[0]):
                self.refuse(
                    keys["fetch"],
                    f"data set {name} is downloaded into its first place, so that must be a plain folder name",
                )
            yield DataPlan(
                name=name,
                places=places,
                files=files,
                fetch=tuple(self.downloads(keys["fetch"])) if "fetch" in keys else (),
                **words,
            )

    def sums(self, node: yaml.Node) -> dict[str, str]:
        found = {}
        for name, value in self.mapping(node, "files", optional=None).items():
            found[name] = self.text(value, name)
            if not SUM.fullmatch(found[name]):
                self.refuse(value, f"{name} needs an md5, a sha256, or at least the first 8 digits of a sha256")
        return found

    def downloads(self, node: yaml.Node) -> Iterator[Download]:
        for element in self.sequence(node, "fetch"):
            keys = self.mapping(element, "a file to fetch", required=("url", "md5", "size"))
            if len(keys) == 3:
                size = self.number(keys["size"], "size", least=0, open_end=True)
                yield Download(self.text(keys["url"], "url"), self.text(keys["md5"], "md5"), int(size))

    def handout(self, node: yaml.Node) -> HandoutPlan:
        keys = self.mapping(node, "handout", required=("files",), optional=("fixtures",))
        fixtures = self.mapping(keys["fixtures"], "fixtures", optional=None) if "fixtures" in keys else {}
        for path, name in fixtures.items():
            self.note(name, "fixture", self.text(name, path))
        files = tuple(self.noted(keys["files"], "files", "handout")) if "files" in keys else ()
        for path in (one for one in (*files, *fixtures) if one.startswith("/") or ".." in Path(one).parts):
            self.refuse(node, f"the handout lists {path}, which lies outside of it; name files of reference/")
        return HandoutPlan(
            files=files,
            fixtures={path: self.text(name, path) for path, name in fixtures.items()},
        )

    def declared(self, node: yaml.Node, known: Collection[str], what: str) -> Iterator[str]:
        """Names of data sets that checks read."""
        for element in self.sequence(node, "data"):
            name = self.text(element, "a data set")
            if name and name not in known:
                there = f"`data` has {', '.join(sorted(known))}" if known else "`data` has none"
                self.refuse(element, f"{what} reads the data set {name}, but it is not under `data`; {there}")
            yield name

    def positions(self, node: yaml.Node, what: str) -> Iterator[int]:
        for element in self.sequence(node, what):
            number = self.number(element, what, least=0)
            if number != int(number):
                self.refuse(element, f"{what}: a position in a tuple must be a whole number")
            yield int(number)

    def tasks(self, node: yaml.Node, sections: set[str], data: Collection[str]) -> Iterator[Task]:
        seen: set[str] = set()
        elements = self.sequence(node, "tasks")
        if not elements:
            self.refuse(node, "tasks is empty; a rubric needs at least one task")
        for element in elements:
            keys = self.mapping(element, "a task", required=("id", "title", "section", "items"), optional=("data",))
            id_ = self.id(keys["id"]) if "id" in keys else "?"
            if id_ in seen:
                self.refuse(element, f"task {id_} appears twice")
            seen.add(id_)
            section = self.text(keys["section"], "section") if "section" in keys else ""
            if "section" in keys and sections and section not in sections:
                self.refuse(
                    keys["section"],
                    f"task {id_}: there is no section {section!r}; the sections are {', '.join(sorted(sections))}",
                )
            items = tuple(self.items(keys["items"], id_, data)) if "items" in keys else ()
            title = self.text(keys["title"], "title") if "title" in keys else ""
            reads = tuple(self.declared(keys["data"], data, f"task {id_}")) if "data" in keys else ()
            yield Task(id_, title, section, items, reads)

    def items(self, node: yaml.Node, task: str, data: Collection[str]) -> Iterator[Item]:
        seen: set[str] = set()
        elements = self.sequence(node, "items")
        if not elements:
            self.refuse(node, f"task {task} has no items")
        for element in elements:
            item = self.item(element, task, data)
            self.note(element, "item", item.id)
            if item.id in seen:
                self.refuse(element, f"item {item.id} appears twice")
            seen.add(item.id)
            yield item

    def item(self, node: yaml.Node, task: str, data: Collection[str]) -> Item:
        keys = self.mapping(node, "an item", optional=None)
        id_ = self.id(keys.pop("id")) if "id" in keys else "?"
        if not id_.startswith(f"{task}."):
            self.refuse(node, f"item {id_} is listed under task {task}; its id must start with {task}.")
        for name in ("title", "points"):
            if name not in keys:
                self.refuse(node, f"item {id_} has no {name}; add `{name}:`")
        title = self.text(keys.pop("title"), "title") if "title" in keys else ""
        points = self.number(keys.pop("points"), "points", least=0) if "points" in keys else 0.0
        skipped = self.reason(keys.pop("skip")) if "skip" in keys else ""
        reads = tuple(self.declared(keys.pop("data"), data, f"item {id_}")) if "data" in keys else ()
        named = "checks" in keys
        checks = tuple(self.checks(keys.pop("checks"), points)) if named else ()
        if "visibility" in keys:
            checks = tuple(self.visibility(keys.pop("visibility"), checks))
        built_on = tuple(self.below(keys.pop("built_on"), id_)) if "built_on" in keys else ()
        follows = keys.pop("follow_through", None)
        share = self.number(follows, "follow_through", least=0) if follows is not None else 1.0
        if share > 1:
            self.refuse(follows or node, f"follow_through is {share:g}; it is a share, so at most 1")
        parts = self.text(keys.pop("right_parts"), "right_parts") if "right_parts" in keys else "lowest"
        if parts not in ("lowest", "nearest"):
            self.refuse(node, f"right_parts is {parts}; it must be lowest or nearest")
        if not named and not skipped:
            self.refuse(node, f"item {id_} has no checks; name them, or say why not with `skip:`")
        policies = {name: value.value for name, value in keys.items() if is_policy(value)}
        settings = self.settings({name: value for name, value in keys.items() if name not in policies})
        graded, nearest = () if skipped else checks, parts == "nearest"
        return Item(id_, title, points, graded, settings, skipped, reads, policies, built_on, share, nearest)

    def reason(self, node: yaml.Node) -> str:
        """Why an item is not graded."""
        if node.tag.endswith(":bool"):
            self.refuse(
                node, f"skip is {node.value}; say why the item is not graded, as `skip: a TA reads it`, or delete it"
            )
        return self.text(node, "skip")

    def settings(self, keys: dict[str, yaml.Node]) -> dict[str, float]:
        """An item's other numbers."""
        found: dict[str, float] = {}
        for name, value in keys.items():
            if resembles_policy(value):
                self.refuse(value, f"{name} is {value.value}; it must be a number, or one of {', '.join(POLICIES)}")
            else:
                found[name] = self.number(value, name, least=0)
        for name in SHARES & found.keys():
            if found[name] > 1:
                self.refuse(keys[name], f"{name} is {found[name]:g}; it is a share, so at most 1")
        if "full" in found and found.get("partial", 0) > found["full"]:
            self.refuse(keys["partial"], f"partial is above full, which is {found['full']:g}")
        return found

    def below(self, node: yaml.Node, item: str) -> Iterator[str]:
        """The items on which an item is built."""
        for element in self.sequence(node, "built_on"):
            name = self.text(element, "an item")
            self.note(element, f"below {item}", name)
            yield name

    def expect_lower(self, tasks: Sequence[Task]) -> None:
        """An item is built on earlier ones of its section alone, so that no item learns what it is asked itself."""
        earlier: dict[str, str] = {}
        for section, item in [(task.section, item) for task in tasks for item in task.items]:
            for name in item.built_on:
                if earlier.get(name) != section:
                    told = f"item {item.id} is built on {name}, which is no earlier item of its section; correct it"
                    self.mistakes.append((self.lines[f"below {item.id}", name], told))
            earlier[item.id] = section

    def visibility(self, node: yaml.Node, checks: Sequence[CheckPlan]) -> Iterator[CheckPlan]:
        """When students see what the checks of an item say: one word for all, or check -> word."""
        said: dict[str, yaml.Node] = (
            dict.fromkeys((check.name for check in checks), node)
            if isinstance(node, yaml.ScalarNode)
            else self.mapping(node, "visibility", optional=None)
        )
        for name in said.keys() - {check.name for check in checks}:
            self.refuse(said[name], f"visibility names {name}, which is no check of the item; correct it")
        for name, value in said.items():
            if not isinstance(value, yaml.ScalarNode) or value.value not in VISIBILITIES:
                self.refuse(value, f"the visibility of {name} has to be one of {', '.join(VISIBILITIES)}")
        levels = {name: value.value for name, value in said.items() if isinstance(value, yaml.ScalarNode)}
        yield from (replace(check, visibility=levels.get(check.name, "visible")) for check in checks)

    def checks(self, node: yaml.Node, points: float) -> Iterator[CheckPlan]:
        weights: dict[str, float] = {}
        places: dict[str, yaml.Node] = {}
        if isinstance(node, yaml.SequenceNode):
            for element in node.value:
                name = self.text(element, "a check")
                if name in weights:
                    self.refuse(element, f"check {name} is named twice")
                weights[name], places[name] = 1.0, element
        elif isinstance(node, yaml.MappingNode):
            for name, value in self.mapping(node, "checks", optional=None).items():
                weights[name], places[name] = self.number(value, name, least=0, open_end=True), value
        if not weights:
            self.refuse(node, "checks must be a list of names, as in [forward], or of names with weights")
        for name, place in places.items():
            if ("check", name) in self.lines:
                self.refuse(place, f"check {name} is named twice; the other is on line {self.lines['check', name]}")
            self.note(place, "check", name)
        total = sum(map(Fraction, weights.values())) or Fraction(1)
        for name, weight in weights.items():
            yield CheckPlan(name, float(Fraction(points) * Fraction(weight) / total))

    # Nodes to values

    def mapping(
        self, node: yaml.Node, what: str, *, required: tuple[str, ...] = (), optional: tuple[str, ...] | None = ()
    ) -> dict[str, yaml.Node]:
        """The node's keys. With `optional` None, any other key is allowed."""
        if not isinstance(node, yaml.MappingNode):
            self.refuse(node, f"{what} must be a mapping of names to values")
            return {}
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = self.text(key, "a key")
            if not name:
                continue  # already reported
            if name in found:
                self.refuse(key, f"{name} appears twice")
            elif optional is not None and name not in required and name not in optional:
                self.refuse(key, f"{what} cannot have the key {name}; its keys are {', '.join((*required, *optional))}")
            else:
                found[name] = value
        for name in required:
            if name not in found:
                self.refuse(node, f"{what} has no {name}; add `{name}:`")
        return found

    def sequence(self, node: yaml.Node, what: str) -> list[yaml.Node]:
        if not isinstance(node, yaml.SequenceNode):
            self.refuse(node, f"{what} must be a list")
            return []
        return list(node.value)

    def texts(self, node: yaml.Node, what: str) -> Iterator[str]:
        for element in self.sequence(node, what):
            yield self.text(element, what)

    def id(self, node: yaml.Node) -> str:
        """The id of a task or an item, which is typed after --task and names files."""
        found = self.text(node, "id")
        if re.search(r"[\s/\\]", found):
            self.refuse(node, f"the id {found} has a space or a slash in it; write it without")
        return found

    def text(self, node: yaml.Node, what: str) -> str:
        plain = isinstance(node, yaml.ScalarNode) and not node.tag.endswith(":null")
        text = node.value.strip() if plain else ""
        if not text or not text.isprintable():
            odd = next((f"; {char!a} is in it" for char in text if not char.isprintable()), "")
            self.refuse(node, f"{what} must be one line of text{odd}")
            return ""
        return str(text)

    def number(self, node: yaml.Node, what: str, *, least: float = -math.inf, open_end: bool = False) -> float:
        value = float("nan")
        if isinstance(node, yaml.ScalarNode) and node.tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float"):
            try:
                value = float(node.value.replace("_", ""))
            except ValueError:
                value = float("nan")
        if not math.isfinite(value):
            hint = "; YAML needs a decimal point and a signed exponent, as in 1.0e-9" if exponent(node) else ""
            self.refuse(node, f"{what} must be a number{hint}")
            return 1.0
        if value < least or (open_end and value == least):
            self.refuse(node, f"{what} is {value:g}; it must be {'more than' if open_end else 'at least'} {least:g}")
            return 1.0
        return value
