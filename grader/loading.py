"""Loads a homework: its rubric, checks, handout and reference, each mistake with its line; and digests of its code."""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import sys
import threading
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from functools import lru_cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from grader import handout, rubric
from grader.check import RESERVED, Subject, defined_at
from grader.clock import clock, seconds_of
from grader.errors import Skipped, UsageError
from grader.model import Check, Homework, Rubric, Section
from grader.reference import RECORDED, Live, Recorded
from grader.sandbox.setup import home, import_name, lay_shims
from grader.sandbox.worker.drivers import add_package

ROOT = Path(__file__).resolve().parent.parent
HOMEWORK = "grader.homework"
OWN = ROOT / "grader" / "homework"
IMPORTING = threading.Lock()  # all threads share sys.modules and sys.path
TREES = {"reference", "student", "fixtures", "right", "wrong"}  # folders of a homework that hold none of its code
TAKEN = sys.stdlib_module_names | {"numpy", "torch", "grader"}  # names by which students' files cannot be imported
ABSOLUTE = re.compile(rb"^[ \t]*(from|import)[ \t]+grader\.homework\b", re.MULTILINE)


class Opened(NamedTuple):
    """A homework's folder whose checks are not imported yet. `root` holds reference/ and fixtures/."""

    folder: Path
    root: Path
    plan: Rubric
    handout: Mapping[str, bytes]


def open_folder(folder: Path, *, root: Path | None = None) -> Opened:
    """Read a homework's rubric.yaml and what it hands out. Raises UsageError if parts are missing.

    `root` holds reference/ and fixtures/. By default it is the folder if they lie in it, else this project.
    """
    plan = rubric.load(folder / "rubric.yaml")
    root = root or handout.home(folder)
    named = (path for section in plan.sections for path in section.modules.values())
    if root == ROOT and folder.resolve() != OWN and not any((ROOT / "reference" / path).exists() for path in named):
        raise UsageError(f"{folder} holds no folder reference, the solution; add it")
    expect_parts(plan, root, folder)
    return Opened(folder, root, plan, handout.pristine(root, plan))


def load(folder: Path, *, root: Path | None = None) -> Homework:
    """The homework in a folder; see `open_folder` and `imported`."""
    return imported(open_folder(folder, root=root))


def imported(opened: Opened) -> Homework:
    """The homework with its checks. Raises UsageError if rubric.yaml and its task files contradict each other."""
    folder, root, plan, given = opened
    package, seconds = open_package(folder), seconds_of(plan.limits)
    checks = checks_in(folder, package, seconds)
    if not (root / "reference").is_dir():
        checks |= later_checks(plan, checks)
    expect_agreement(plan, checks)
    readers = {name for data in plan.data.values() for name in (data.reader, data.stand_in) if name}
    own = (package, str(folder.resolve()))
    with clock(f"the import of {root / 'reference'}", seconds):
        plan = replace(plan, sections=tuple(replace(section, package=own) for section in plan.sections))
        modules, answers, functions = open_reference(root, plan)
    expect_stand_ins(plan, modules)
    sections = tuple(replace(section, functions=functions) for section in plan.sections)
    return Homework(
        folder=folder,
        rubric=replace(plan, sections=sections),
        checks=checks,
        handout=given,
        reference=root / "reference",
        fixtures=root / "fixtures",
        modules=modules,
        answers=answers,
        package=package,
        readers={name: function_named(plan, package, folder, name) for name in readers},
    )


def checks_in(folder: Path, package: str, seconds: float) -> dict[str, Check]:
    """The checks in a homework's task files, each of which may take some `seconds` to import. Raises UsageError for a
    file that cannot be imported, for a name that two checks have, and for pytest's marks."""
    checks: dict[str, Check] = {}
    for path in sorted(folder.glob("*.py")):
        if path.name == "__init__.py":
            continue
        with clock(f"the import of {path}", seconds):
            module = import_file(package, path)
        for found in checks_of(module):
            if marks := getattr(found.function, "pytestmark", ()):
                mark = marks[0].name
                raise UsageError(
                    f"{defined_at(found)}: {found.name} has pytest's mark {mark}, which no run of it reads; delete it"
                )
            if found.name in checks:
                raise UsageError(f"{defined_at(found)}: the check {found.name} is defined twice; rename one")
            checks[found.name] = found
    return checks


def open_reference(root: Path, plan: Rubric) -> tuple[dict[str, ModuleType], Live, Mapping[str, tuple[str, ...]]]:
    """The reference's modules, the reference as checks ask it, and what its modules and classes define as functions.

    Where there is no reference: no modules, and its recording. Raises UsageError where there is neither.
    """
    if (root / "reference").is_dir():
        modules = {
            name: module for section in plan.sections for name, module in import_reference(root, section).items()
        }
        shown = {name for section in plan.sections for name in section.modules}
        return modules, Live(modules), functions_of({name: modules[name] for name in shown})
    recorded = Recorded(root / RECORDED)
    return {}, recorded, {name: tuple(names) for name, names in recorded.manifest["functions"].items()}


def later_checks(plan: Rubric, checks: Mapping[str, Check]) -> dict[str, Check]:
    """Stand-ins for the checks that a handout lacks, because it holds only their place and points. They are skipped."""

    def skip(hw: Subject, rng: np.random.Generator) -> None:
        raise Skipped("these points are measured after you hand in")

    lines = [(line, item) for item in plan.items for line in item.checks if line.visibility != "visible"]
    absent = {line.name: item.id for line, item in lines if line.name not in checks}
    return {name: Check(name, item, "What is measured after you hand in", skip, "") for name, item in absent.items()}


def checks_of(module: ModuleType) -> list[Check]:
    found = (getattr(value, "check", None) for value in vars(module).values() if type(value) is FunctionType)
    return [value for value in found if isinstance(value, Check) and value.function.__module__ == module.__name__]


def open_package(folder: Path) -> str:
    """The package name under which a homework's files are imported.

    It is `grader.homework` for the homework in this project. For another homework it is made of a digest of its path
    and code, so two homeworks, or two versions of one, never share modules in a process. Raises UsageError for a file
    of another homework that imports `grader.homework`.
    """
    if folder.resolve() == OWN:
        importlib.import_module(HOMEWORK)
        return HOMEWORK
    total = hashlib.sha256(str(folder.resolve()).encode())
    for path in code_of(folder):
        content = path.read_bytes()
        if found := ABSOLUTE.search(content):
            line = content.count(b"\n", 0, found.start()) + 1
            raise UsageError(
                f"{path}:{line}: {HOMEWORK} is another homework; import files of this homework with `from .`"
            )
        total.update(f"{path.relative_to(folder).as_posix()} ".encode() + hashlib.sha256(content).digest())
    name = f"homework_{total.hexdigest()[:16]}"
    add_package(name, str(folder.resolve()))
    importlib.invalidate_caches()
    return name


def code_of(folder: Path) -> list[Path]:
    """A homework's own Python files, with sub-folders but without the folders in TREES."""
    found = (path.relative_to(folder) for path in folder.rglob("*.py"))
    return [folder / path for path in sorted(found) if path.parts[0] not in TREES]


def import_file(package: str, path: Path, module: str = "") -> ModuleType:
    """Import a file of a homework. Raises UsageError, with the line, if it cannot be imported."""
    try:
        with redirect_stdout(sys.stderr):
            return importlib.import_module(f"{package}.{module or path.stem}")
    except (UsageError, KeyboardInterrupt):
        raise
    except SyntaxError as error:
        raise UsageError(f"{error.filename}:{error.lineno}: {error.msg}; correct this check's file") from None
    except BaseException as error:  # it may leave, or be skipped by pytest
        frames = [
            frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path.resolve()
        ]
        line = f":{frames[-1].lineno}" if frames else ""
        absent = error.name if isinstance(error, ModuleNotFoundError) else None
        beside = absent is not None and path.with_name(f"{absent}.py").is_file()
        cure = f"write `from . import {absent}`" if beside else "correct this check's file"
        raise UsageError(f"{path}{line}: {type(error).__name__}: {error}; {cure}") from error


def function_named(plan: Rubric, package: str, folder: Path, name: str) -> Callable[..., Any]:
    """A function of the homework, as the rubric names it: "folder.module.function". Raises UsageError."""
    module, _, function = name.rpartition(".")
    path = folder.joinpath(*module.split(".")).with_suffix(".py")
    found = getattr(import_file(package, path, module), function, None) if module and path.is_file() else None
    if not callable(found):
        raise UsageError(f"{plan.where('function', name)}: the homework has no function {name}; correct the name")
    return found  # type: ignore[no-any-return]


def expect_agreement(plan: Rubric, checks: Mapping[str, Check]) -> None:
    """Raise UsageError unless rubric and checks name the same checks under the same items."""
    planned = {line.name: item.id for item in plan.items for line in item.checks}
    for name, item in planned.items():
        where = plan.where("check", name)
        if name not in checks:
            raise UsageError(
                f"{where}: item {item} names the check {name}, but no file defines it; write it or correct the name"
            )
        if checks[name].item != item:
            raise UsageError(
                f"{where}: {name} is listed under item {item}, but its file says @check({checks[name].item!r}); "
                "correct one of them"
            )
    for name in checks.keys() - planned.keys():
        where = defined_at(checks[name])
        if ("check", name) in plan.lines:  # of an item with `skip`
            continue
        raise UsageError(f"{where}: no item names the check {name}; add it to one in {plan.path.name}, or delete it")


def expect_parts(plan: Rubric, root: Path, folder: Path) -> None:
    """Raise UsageError unless everything that a section names exists.

    Its modules and the functions under `keep` must be in the reference; its drivers and shims, in the homework's
    folder. A module must not have the name of an attribute of `hw`.
    """
    for section in plan.sections:
        if (root / "reference").is_dir():  # nothing can be looked up in a recording
            expect_in_reference(plan, section, root / "reference")
        for shim, path in section.shims.items():
            if not (folder / path).is_file():
                raise UsageError(
                    f"{plan.where('shim', shim)}: the shim {shim} is {path}, but {folder} has no such file; add it"
                )
            if Path(path).parts[0] in TREES:
                raise UsageError(
                    f"{plan.where('shim', shim)}: the shim {shim} is {path}, but a handout holds no file of "
                    f"{Path(path).parts[0]}/; move it beside {plan.path.name}"
                )
        for name in section.drivers:
            driver = folder / "worker" / f"{name}.py"
            if not driver.is_file():
                where = plan.where("driver", name)
                raise UsageError(
                    f"{where}: section {section.id} names the driver {name}, but there is no worker/{name}.py; add it"
                )
            try:
                code = SourceFileLoader(name, str(driver)).get_code(name)  # only compiled; the workers use the bytecode
            except SyntaxError as error:
                raise UsageError(f"{driver}:{error.lineno}: {error.msg}; correct this driver") from None
            if code is not None and "begin" not in code.co_names:
                raise UsageError(f"{driver}: a driver needs a function begin(student, order); write it")


def expect_stand_ins(plan: Rubric, modules: Mapping[str, ModuleType]) -> None:
    """Raise UsageError unless the reference has each function that answers for a student's wrong one."""
    for section in plan.sections if modules else ():  # a recording answers for none
        for name, told in section.stand_ins.items():
            module, _, function = told.partition(".")
            if not callable(getattr(modules.get(module), function, None)):
                where = plan.where("stand-in", name)
                raise UsageError(
                    f"{where}: {told} answers for {name}, but the reference has no {told}; correct the name"
                )


def expect_in_reference(plan: Rubric, section: Section, reference: Path) -> None:
    sources = []
    for kind, modules in (("trusted", section.trusted), ("module", section.modules)):
        for module, path in modules.items():
            where = plan.where(kind, module)
            if kind == "module" and (module in RESERVED or module.startswith("_")):
                raise UsageError(
                    f"{where}: the module {module} needs another name: `hw.{module}` has a meaning of its own"
                )
            if kind == "module" and (top := import_name(reference, path).partition(".")[0]) in TAKEN:
                raise UsageError(
                    f"{where}: the module {module} is {path}, but Python or numpy has a module {top}, which may be "
                    "imported in its place; give the file another name"
                )
            try:
                sources.append((reference / path).read_text(encoding="utf-8"))
            except UnicodeDecodeError:
                raise UsageError(f"{reference / path} is not UTF-8; save it as UTF-8") from None
            except OSError:
                raise UsageError(
                    f"{where}: module {module} is {path}, but there is no {reference / path}; add it"
                ) from None
    for name in section.keep:
        if not any(re.search(rf"\bdef {re.escape(name)}\(", source) for source in sources):
            raise UsageError(
                f"{plan.where('keep', name)}: keep names {name}, but no module of section {section.id} defines it; "
                "correct the name"
            )


def import_reference(root: Path, section: Section) -> dict[str, ModuleType]:
    """The reference's modules. Like a student's, they import each other by bare names (`from network import ...`) or,
    in a package, absolutely or relatively, and the section's shims. They own these names only while they are
    imported."""
    reference = root / "reference"
    paths = {**section.modules, **section.trusted}
    names = {name: import_name(reference, path) for name, path in paths.items()}
    folders = [str(home(reference, path)) for path in paths.values()]
    own = {path.stem for folder in folders for path in Path(folder).glob("*.py")}
    own |= {name.partition(".")[0] for name in (*names.values(), *section.shims)}
    try:
        with TemporaryDirectory() as shims, IMPORTING:
            lay_shims(section, Path(shims))
            return imported_as(names, [shims, *folders], own)
    except ModuleNotFoundError as error:
        if error.name in section.needs:
            raise  # the command says how to install it
        raise UsageError(why_unimported(error, reference)) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the reference may raise anything; its author needs the line
        raise UsageError(why_unimported(error, reference)) from error


def why_unimported(error: BaseException, reference: Path) -> str:
    """Where and why the reference cannot be imported, and the cure."""
    folder = isinstance(error, ModuleNotFoundError) and (reference / (error.name or "/")).is_dir()
    package = folder or (isinstance(error, ImportError) and "no known parent package" in str(error))
    cure = "a package is a folder with an `__init__.py` that `handout:` lists; make it one" if package else "correct it"
    return f"{broken_line(error, reference)}: the reference cannot be imported; {cure}"


def imported_as(names: Mapping[str, str], folders: Sequence[str], own: Collection[str]) -> dict[str, ModuleType]:
    """Modules by the names that checks use. While they are imported, they own the top-level names in `own`."""
    displaced = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] in own}
    sys.path[:0] = dict.fromkeys(folders)
    try:
        with redirect_stdout(sys.stderr):  # what the reference prints is no part of a report
            return {name: importlib.import_module(dotted) for name, dotted in names.items()}
    finally:
        del sys.path[: len(set(folders))]
        for name in [name for name in sys.modules if name.partition(".")[0] in own]:
            del sys.modules[name]
        sys.modules.update(displaced)


def broken_line(error: BaseException, reference: Path) -> str:
    """File, line and kind of an error in the reference."""
    kind, said = type(error).__name__, str(getattr(error, "msg", error))
    kind = f"{kind}: {said}" if said else kind
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}: {kind}"
    home = reference.resolve()
    frames = [one for one in traceback.extract_tb(error.__traceback__) if Path(one.filename).is_relative_to(home)]
    return f"{frames[-1].filename}:{frames[-1].lineno}: {kind}" if frames else f"{reference}: {kind}"


def functions_of(modules: Mapping[str, ModuleType]) -> dict[str, tuple[str, ...]]:
    """Module -> names of its functions and classes; class -> names of its methods. See Section."""
    found: dict[str, set[str]] = {}
    for name, module in modules.items():
        found[name] = {own for own, value in vars(module).items() if isinstance(value, FunctionType | type)}
        for kind in (value for value in vars(module).values() if isinstance(value, type)):
            methods = {own for own in dir(kind) if isinstance(getattr(kind, own), FunctionType | MethodType)}
            found[kind.__name__] = found.get(kind.__name__, methods) & methods
    return {name: tuple(sorted(names)) for name, names in found.items()}


def digest(*folders: Path, without: Path | None = None) -> str:
    """A shortened SHA-256 of the files in `folders` that can change a result. The rubric has its own digest."""
    total = hashlib.sha256()
    for folder in folders:
        for name in sorted(files_below(folder, without), key=lambda name: name.split("/")):
            if not name.endswith((".md", "/rubric.yaml")) and name != "rubric.yaml":
                with open(f"{folder}/{name}", "rb", buffering=0) as file:  # noqa: PTH123 - there are many
                    content = hashlib.sha256(file.read()).hexdigest()
                total.update(f"{name} {content}\n".encode())
    return total.hexdigest()[:16]


def files_below(folder: Path, without: Path | None = None) -> Iterator[str]:
    """Paths of the files below a folder, from there; none of a cache, and none below `without`."""
    for at, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__" and Path(at, name) != without]
        here = os.path.relpath(at, folder).replace(os.sep, "/")
        files = (name for name in names if os.path.isfile(os.path.join(at, name)))  # noqa: PTH113, PTH118 - many
        yield from (name if here == "." else f"{here}/{name}" for name in files)


@lru_cache(maxsize=8)
def digests(homework: Homework) -> tuple[str, str]:
    """Two digests: of the grader with the homework and its reference, and of the fixtures. Cached in each process."""
    if isinstance(homework.answers, Recorded):
        return homework.answers.manifest["grader"], digest(homework.fixtures)
    if homework.package == HOMEWORK:
        return digest(ROOT / "grader", homework.reference), digest(homework.fixtures)
    engine = digest(ROOT / "grader", without=OWN)
    own = digest(homework.folder, homework.reference)
    return hashlib.sha256(f"{engine} {own}".encode()).hexdigest()[:16], digest(homework.fixtures)
