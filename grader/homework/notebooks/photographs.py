"""Task 6's photographs: which ones a notebook opens, what it says they show, and which ones it gives to its network."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.errors import Mismatch
from grader.intake import picture
from grader.sandbox.reader import Tell
from grader.sandbox.replies import as_text

from ..training.syntax import unparsed
from . import imagenet, notebook
from .notebook import Notebook

Array = NDArray[Any]
Truths = dict[str, str]  # file -> what it shows

ALIKE = 0.5  # two lists of a thousand scores with a larger correlation than this are of the same photograph
RESULT = re.compile(r"_?pred|^part[12]\b|plot|[{}]", re.IGNORECASE)  # pictures that a notebook writes
# Names given by cameras, telephones and programs, which do not say what a picture shows.
GENERIC = re.compile(
    r"(whatsapp|screen\s?shot|bildschirmfoto).*|"
    r"(img|images?|photos?|pic(ture)?s?|test|name|sample|dsc[fnp]?|pxl|mvimg|gopr|dji|p|download|unnamed)?"
    r"[\W\d_]*(wa\d+|mp|hdr)?",
    re.IGNORECASE,
)
# A title of these words alone names no object, or is still the handout's: "image1 name", "your first picture".
PLACEHOLDERS = frozenset(
    "a actual answer caption class classes category correct description enter fill first here image images img in "
    "incorrect insert label labels left me my na name names no none object of one or photo photograph photographs "
    "photos pic picture pictures placeholder prediction predicted right sample second test text the title tba tbd "
    "to todo true truth two unknown untitled what wrong your".split()
)
PREDICTS = re.compile(
    r"predict|\bpreds?\b|softmax|top_?k|arg_?max|idx2label|categories|\b(?:model|net|network|squeezenet|resnet)\w*\("
)
PATTERN = re.compile(r"[*?\[\]]")  # a name with one of these stands for several files
OPENS = re.compile(r"open|read|load|save|join|replace", re.IGNORECASE)
CHOSEN = re.compile(r"im(a)?g(e)?_?[12]")
TRUTHS = re.compile(r"names|labels|(true|actual|real)_?(names|labels|class(es)?)|(ground_?)?truths?", re.IGNORECASE)
LITERAL = 2000  # most nodes of a list or dict of true names
MOST_CALLS = 200  # calls of a network in a reply of the student's process
NAMED, BROKEN = 100, 4  # photographs that a notebook may name; damaged ones after which no more are tried
MOST = 8  # photographs to read: students may try a few before the last two


@dataclass(frozen=True)
class Call:
    """One picture that the student's notebook gave to a network: facts on the input, and the output."""

    network: str
    training: bool
    spread: Array  # (3,) standard deviation of each channel of the input
    scores: Array  # (1000,)


@dataclass(frozen=True, eq=False)
class Decoded:
    """A photograph as a reader gives it back; `also` are names of other files that hold the same picture."""

    name: str
    pixels: NDArray[np.uint8]
    also: tuple[str, ...] = ()


@dataclass(eq=False)
class Photograph:
    """A photograph that the notebook opens: its file, what it is said to show, the network's scores here and in the
    notebook.

    If only the file's name says what it shows, `stated` is that name and `by_file` is True.
    """

    name: str
    pixels: Array
    also: list[str] = field(default_factory=list)  # names of other files that hold the same picture
    stated: str = ""
    by_file: bool = False
    scores: Array = field(default_factory=lambda: np.zeros(0))
    call: Call | None = None
    turn: int = -1  # the position of `call` among all calls

    @classmethod
    def of(cls, decoded: Decoded) -> Photograph:
        return cls(decoded.name, decoded.pixels, list(decoded.also))

    def told(self, labels: list[str]) -> str:
        taken = f"taken for {self.predicted(labels)!r}"
        if not self.stated:
            return f"{self.name} is {taken}"
        if self.by_file:
            return f"{self.name}, whose file name says {self.stated!r}, is {taken}"
        return f"{self.name} is said to show {self.stated!r} and {taken}"

    def predicted(self, labels: list[str]) -> str:
        """The notebook's prediction; if its run could not be repeated, the grader's own."""
        return labels[int(np.argmax(self.call.scores if self.call is not None else self.scores))]


# Which photographs


def mentioned(student: Notebook) -> list[str]:
    """Names of the photographs that a notebook opens, in order; if it assigns `img1` and `img2`, only those."""
    found: dict[str, str] = {}  # without regard to case, as the files are found
    chosen: dict[str, None] = {}
    for _, tree in notebook.trees(student):
        for statement in tree.body:
            by_name = any(map(CHOSEN.fullmatch, assigned(statement)))
            for name in constants(statement):
                found.setdefault(name.lower(), name)
                chosen |= {name.lower(): None} if by_name else {}
    return [found[name] for name in (chosen if len(chosen) >= 2 else found)]


def opened(names: Sequence[str], files: Mapping[str, bytes]) -> list[str]:
    """The photographs of a submission that a notebook opens, which mentions `names`. If it names none of those that are
    here, because it lists a folder or puts names together, these are the pictures beside it."""
    there = {name.lower() for name in files}
    beside = sorted(name for name in files if name.lower().endswith(picture.ENDINGS) and not RESULT.search(name))
    return list(names) if any(name.lower() in there for name in names) or not beside else beside


def assigned(statement: ast.AST) -> Iterator[str]:
    """The names that an assignment binds."""
    for target in statement.targets if isinstance(statement, ast.Assign) else ():
        yield from (node.id for node in ast.walk(target) if isinstance(node, ast.Name))


def constants(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 300:
            base = PurePath(node.value.replace("\\", "/")).name
            whole = PurePath(base).suffix and not PATTERN.search(base)  # neither "*.jpg" nor a bare ".jpg"
            if whole and base.lower().endswith(picture.ENDINGS) and not RESULT.search(base):
                yield base


def readable(
    tell: Tell, files: Mapping[str, bytes], names: Sequence[str]
) -> tuple[tuple[Decoded, ...], tuple[str, ...]]:
    """The first MOST that can be read, and a sentence for each that cannot. Equal pictures count as one. Call it in a
    reader."""
    there = {name.lower(): name for name in files}
    found: list[Photograph] = []
    problems: list[str] = []
    for name in names[:NAMED]:
        if name.lower() not in there:
            problems.append(f"{name[:80]} is not in the submission.")
        elif sum(1 + len(one.also) for one in found) < MOST and len(problems) < BROKEN:
            tell(name[:80])
            try:
                pixels = picture.pixels(files[there[name.lower()]], name[:80])
            except Mismatch as error:
                problems.append(f"{error.message}.")
                continue
            twin = next((one for one in found if np.array_equal(pixels, one.pixels)), None)
            if twin is None:
                found.append(Photograph(name[:80], pixels))
            else:
                twin.also.append(name[:80])
    return tuple(Decoded(one.name, one.pixels, tuple(one.also)) for one in found), tuple(problems[:4])


# What a network was given


def calls(rows: Any) -> Iterator[Call]:
    """Yield the calls in a reply of the student's process; malformed rows are left out."""
    for row in rows[:MOST_CALLS] if isinstance(rows, list) else []:
        if isinstance(row, dict) and numbers(row.get("spread"), 3) and numbers(row.get("scores"), 1000):
            yield Call(as_text(row.get("network"), 80), row.get("training") is True, row["spread"], row["scores"])


def numbers(array: Any, count: int) -> bool:
    fits = isinstance(array, np.ndarray) and array.shape == (count,) and array.dtype == np.float64
    return fits and bool(np.isfinite(array).all())


def assign(found: list[Photograph], given: Sequence[Call]) -> None:
    """Assign calls to photographs. A call belongs to the photograph with the most similar scores, if they are similar
    enough (any two photographs are somewhat similar). The last call counts, because students try more than once.
    """
    for turn, call in enumerate(given if found else ()):
        with np.errstate(all="ignore"):  # equal scores give NaN, which is similar to nothing
            alike = [float(np.corrcoef(imagenet.unsoftened(call.scores), one.scores)[0, 1]) for one in found]
        closest = int(np.argmax(alike))
        if alike[closest] > ALIKE:
            found[closest].call, found[closest].turn = call, turn


def last_two(found: list[Photograph]) -> list[Photograph]:
    """The last two photographs given to the network, in the order of `found`; if there are fewer, the first others."""
    latest = sorted(found, key=lambda one: -one.turn)[:2]
    return [one for one in found if one in latest]


# What they are said to show


def state(
    found: list[Photograph], two: list[Photograph], names: Sequence[str], written: Sequence[Sequence[str] | Truths]
) -> None:
    """Set what the two photographs are said to show: by `names`, else by a list or dict of true names in the notebook,
    else by their file names. A list of files, or of these names, as where `f"{name}.jpg"` is opened, says no more."""
    files = [stem(one.name) for one in two]
    rows = (aligned(names, found, two), *(of_the_two(one, found, two) for one in written))
    said = next((row for row in map(without_files, rows) if any(row) and list(map(stem, row)) != files), [])
    for at, one in enumerate(two):
        one.by_file = not (said and said[at])
        text = PurePath(one.name).stem if one.by_file else said[at]
        one.stated = "" if says_nothing(text) else text


def without_files(texts: Sequence[str]) -> list[str]:
    """The texts, "" for the names of pictures' files."""
    return ["" if text.lower().endswith(picture.ENDINGS) else text for text in texts]


def says_nothing(text: str) -> bool:
    """Whether a title is a placeholder or a camera's file name, so that it does not say what a picture shows."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    return GENERIC.fullmatch(text) is not None or PLACEHOLDERS.issuperset(words)


def predicting(student: Notebook) -> list[int]:
    """The cells with an output whose code calls a network, directly or by a function."""
    functions: set[str] = set()
    found = []
    for cell, tree in notebook.trees(student):
        defined = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        functions |= {node.name for node in defined if PREDICTS.search(unparsed(node))}
        rest = "\n".join(unparsed(node) for node in tree.body if node not in defined)
        asks = PREDICTS.search(rest) or not functions.isdisjoint(re.findall(r"\b(\w+)\(", rest))
        if cell.outputs and asks:
            found.append(cell.number)
    return found


def aligned(names: Sequence[str], found: list[Photograph], two: list[Photograph]) -> list[str]:
    """A list's entries for the two photographs: the list covers all opened ones, or else only these two."""
    all_of = found if len(names) >= len(found) else two
    return [names[at] if at < len(names) else "" for at, one in enumerate(all_of) if one in two]


def truths(student: Notebook) -> Iterator[tuple[str, ...] | Truths]:
    """Yield the true names that a notebook assigns as a literal: a dict by file, or a list. At last, those that stand
    beside a file: `for path, name in [("a.jpg", "espresso"), ...]`.

    Computed lists do not count, because they may hold predictions.
    """
    for _, tree in notebook.trees(student):
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and any(map(TRUTHS.fullmatch, assigned(node))):
                try:
                    value = ast.literal_eval(node.value) if is_small(node.value) else None
                except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                    continue  # not a literal
                if isinstance(value, dict):
                    yield {stem(key): worded(text) for key, text in value.items() if isinstance(key, str)}
                elif isinstance(value, list | tuple):
                    yield tuple(map(worded, value))
    lists = {
        name: node.value
        for _, tree in notebook.trees(student)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for name in assigned(node)
    }
    beside = {stem(file): worded(text) for _, tree in notebook.trees(student) for file, text in pairs(tree, lists)}
    if beside:
        yield beside


def pairs(tree: ast.Module, lists: Mapping[str, ast.expr]) -> Iterator[tuple[str, str]]:
    """Yield (file, text) where a picture's file stands before a text that says something: in a dict, in a list or tuple
    of two, and in a call that opens no file. There, two `lists` of one length may stand, too: `zip(files, truths)`.
    """
    for node in ast.walk(tree):
        match node:
            case ast.Dict(keys=keys, values=values):
                both = list(zip(keys, values, strict=True))
            case ast.Tuple(elts=[first, second]) | ast.List(elts=[first, second]):
                both = [(first, second)]
            case ast.Call() if not OPENS.search(unparsed(node.func)):
                words = [*node.args, *(word.value for word in node.keywords)]
                given = [lists.get(one.id, one) if isinstance(one, ast.Name) else one for one in words]
                both = list(pairwise(given))
                for files, said in pairwise(map(elements, given)):
                    both += zip(files, said, strict=True) if len(files) == len(said) else ()
            case _:
                continue
        for one in both:
            match one:
                case (ast.Constant(value=str(file)), ast.Constant(value=str(text))):
                    ends = [each.lower().endswith(picture.ENDINGS) for each in (file, text)]
                    if ends == [True, False] and not says_nothing(text):
                        yield file, text


def elements(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple | ast.List) else []


def is_small(node: ast.AST) -> bool:
    """Whether a literal is as short as what is said of a few photographs."""
    return sum(1 for _ in islice(ast.walk(node), LITERAL + 1)) <= LITERAL


def stem(path: str) -> str:
    return PurePath(path.replace("\\", "/")).stem.lower()[:300]


def worded(text: Any) -> str:
    return text[:80] if isinstance(text, str) else ""


def of_the_two(written: Sequence[str] | Truths, found: list[Photograph], two: list[Photograph]) -> list[str]:
    """What the notebook writes down for each of the two. A list has to be as long as these two, or as all that were
    opened."""
    if isinstance(written, Mapping):
        written = [written.get(stem(one.name), "") for one in two]
    return aligned(written, found, two) if len(written) in (len(found), len(two)) else []
