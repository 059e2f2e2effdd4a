"""A .ipynb file -> cells and saved outputs, as data. Nothing is run, rendered or unpickled here.

Outputs are only what a notebook claims; a run shows whether it is true.
"""

from __future__ import annotations

import ast
import base64
import binascii
import json
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from html import unescape
from itertools import pairwise
from typing import Any, Literal

from grader.errors import Mismatch

from ..training.syntax import modules
from ..worker.notebook import code
from .languages import in_english

CELLS = 2000
SOURCE = 2 << 20  # characters of all code
LINES = 20_000  # lines of all code; a semicolon counts as a new line
NODES = 500_000  # lists and objects in the file; a few megabytes of them could take gigabytes as parsed JSON
OUTPUTS = 50_000
TEXT = 64 << 10  # characters to read of one output, and of all outputs of a cell
SAVE_AGAIN = "open it in Jupyter or Colab and save it again"

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
# Training or validation inside a word that contains "acc"; ALONE is for words without "acc", such as labels.
TRAINING = re.compile(r"tr(?:ai?)?n|(?<![a-z])tr(?![a-z])", re.IGNORECASE)
VALIDATION = re.compile(r"val(?!ue)|test|dev(?!ice)|(?<![a-z])va(?![a-z])", re.IGNORECASE)
ALONE = {
    "training": re.compile(r"(?<![a-z])tr(?:n|ain(?:ing)?)?(?![a-z])", re.IGNORECASE),
    "validation": re.compile(r"(?<![a-z])(?:val?|valid(?:ation)?|dev|test|eval)(?![a-z])", re.IGNORECASE),
}
OTHERS = re.compile(r"loss|load|set|data", re.IGNORECASE)
BREAK, TAG = re.compile(r"</?(?:tr|p|div|li|br|h\d)\b[^<>]*>", re.IGNORECASE), re.compile(r"<[^<>]*>")
DRAWS = re.compile(r"Plotly\.newPlot|vegaEmbed|bk-root|data-root-id")  # in a page
DRAWN = re.compile(r"plot|scatter|semilog|loglog|errorbar|^(?:bar|line|mark_line|stairs|stem)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Output:
    """One saved output: printed or returned text, an error's name and message, or the bytes of a PNG or JPEG, or of
    the code that draws a picture."""

    kind: Literal["text", "error", "image"]
    text: str = ""
    image: bytes = b""


@dataclass(frozen=True, slots=True)
class Cell:
    """A code cell. `number` is its position among all cells, from 1; `count` is its execution count, as in `In [3]`."""

    number: int
    source: str
    count: int | None
    outputs: tuple[Output, ...]

    @property
    def text(self) -> str:
        return clipped("\n".join(output.text for output in self.outputs if output.kind == "text"))


@dataclass(frozen=True, slots=True)
class Notebook:
    """A notebook. `helpers` are the student's own modules that it imports: path beside it -> source."""

    name: str
    cells: tuple[Cell, ...]
    helpers: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def code(self) -> list[tuple[int, str, int | None]]:
        """(number, source, count) of each cell, in the form in which they are sent to the student's process."""
        return [(cell.number, cell.source, cell.count) for cell in self.cells]


def read(data: bytes, name: str) -> Notebook:
    """The code cells of a notebook of any format version. Raises Mismatch with what is wrong and the cure."""
    document = parsed(data, name)
    try:
        cells = tuple(code_cells(document))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Mismatch(f"{name} is JSON but not a notebook; {SAVE_AGAIN}") from None
    if len(cells) > CELLS or sum(len(cell.source) for cell in cells) > SOURCE:
        raise Mismatch(f"{name} holds more than {CELLS} cells or {SOURCE >> 20} MiB of code; leave the rest out")
    if sum(cell.source.count("\n") + cell.source.count(";") for cell in cells) > LINES:
        raise Mismatch(f"{name} holds more than {LINES} lines of code; leave the rest out")
    if sum(len(cell.outputs) for cell in cells) > OUTPUTS:
        raise Mismatch(f"{name} holds more than {OUTPUTS} saved outputs; clear those that are not needed")
    if not any(cell.source.strip() for cell in cells):
        raise Mismatch(f"{name} holds no code; hand in the notebook in which you worked")
    return Notebook(name, cells)


def parsed(data: bytes, name: str) -> Any:
    """The notebook in nbformat's version 4. It is not validated, because Jupyter opens invalid ones too."""
    import nbformat.reader

    text = data.decode("utf-8-sig", "replace")
    conflict = re.search(r"^(<{7}|={7}|>{7})( |$)", text, re.MULTILINE)
    if not text.strip():
        raise Mismatch(f"{name} is empty; {SAVE_AGAIN}")
    if text.count("{") + text.count("[") > NODES:
        raise Mismatch(f"{name} holds more than {NODES} lists and objects; clear the outputs that are not needed")
    try:
        json.loads(text)
    except RecursionError:
        raise Mismatch(f"{name} is nested too deeply for a notebook; {SAVE_AGAIN}") from None
    except ValueError as error:
        if conflict:
            line = text.count("\n", 0, conflict.start()) + 1
            raise Mismatch(
                f"{name} was saved in the middle of a merge conflict (line {line} is {conflict[1]}); resolve it, "
                f"then {SAVE_AGAIN}"
            ) from None
        if text.lstrip().startswith("<"):
            raise Mismatch(f"{name} is a web page; in Colab, use File, Download, Download .ipynb") from None
        where = f" (line {error.lineno}: {error.msg})" if isinstance(error, json.JSONDecodeError) else ""
        raise Mismatch(f"{name} is not a notebook, because it is not JSON{where}; {SAVE_AGAIN}") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return nbformat.convert(nbformat.reader.reads(text), 4)
    except Exception as error:  # converting a damaged file raises nearly anything: KeyError, AttributeError, ...
        raise Mismatch(f"{name} is JSON but not a notebook ({type(error).__name__}); {SAVE_AGAIN}") from None


def code_cells(document: Any) -> Iterator[Cell]:
    for number, cell in enumerate(document["cells"], start=1):
        if cell["cell_type"] == "code":
            count = cell.get("execution_count")
            outputs = tuple(found for output in cell.get("outputs", ()) for found in kept(output))
            yield Cell(number, joined(cell["source"]), count if countable(count) else None, outputs)


def countable(count: Any) -> bool:
    return type(count) is int and abs(count) < 1 << 53


def kept(output: Any) -> Iterator[Output]:
    """Yield the parts of an output that count, but no widgets and no JavaScript. If a page is shown, its text counts:
    `display(HTML("<b>test accuracy 0.87"))`."""
    kind = output.get("output_type")
    if kind == "stream":
        yield Output("text", ESCAPES.sub("", clipped(joined(output.get("text", "")))))
    elif kind == "error":
        yield Output("error", f"{output.get('ename', '')}: {output.get('evalue', '')}"[:300])
    data = output.get("data", {}) if kind in ("display_data", "execute_result") else {}
    for form in ("image/png", "image/jpeg"):
        if form in data:
            yield Output("image", image=decoded(joined(data[form])))
            return
    if code_ := drawn_by_code(data):
        yield Output("image", image=code_.encode("utf-8", "replace"))
        return
    plain, marked, page = (clipped(joined(data.get(f"text/{form}", ""))) for form in ("plain", "markdown", "html"))
    if plain and not plain.startswith("<IPython.core.display."):
        yield Output("text", plain)
    elif text := marked or read_page(page):
        yield Output("text", text)


def drawn_by_code(data: Any) -> str:
    """A picture that a browser draws, as its code: SVG, or what plotly, Vega (Altair) or Bokeh show; "" if there is
    none."""
    for form, value in data.items():
        if form == "image/svg+xml" or (form == "text/html" and DRAWS.search(joined(value))):
            return joined(value)
        if form.startswith(("application/vnd.plotly", "application/vnd.vega")):
            return json.dumps(value)
    return ""


def read_page(text: str) -> str:
    """The words of some HTML, a line for each row and paragraph; "" where there are none or a script shows them."""
    if "<script" in text.lower():
        return ""
    return unescape(TAG.sub(" ", BREAK.sub("\n", text))).strip()


def clipped(text: str) -> str:
    """The text's beginning and end: a loop prints its final result last."""
    return text if len(text) <= TEXT else f"{text[: TEXT // 2]}\n{text[-TEXT // 2 :]}"


def joined(text: Any) -> str:
    """A text as notebooks store it: a string or a list of lines. Raises TypeError for anything else."""
    return text if isinstance(text, str) else "".join(text)


def decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        return b""


# The code


def trees(notebook: Notebook) -> Iterator[tuple[Cell, ast.Module]]:
    """Yield each cell that is Python, with its syntax tree. Nothing is run."""
    for cell in notebook.cells:
        if (tree := parsed_code(cell.source)) is not None:
            yield cell, tree


@lru_cache(maxsize=CELLS)
def parsed_code(source: str) -> ast.Module | None:
    """A cell's syntax tree, which several readers share; None if it is no Python: the run reports it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in a student's strings
            return ast.parse(code(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def defines_network(notebook: Notebook) -> bool:
    """Whether the notebook, or a module of the student's that it imports, derives a class from a Module, a Sequential
    or a network of torchvision's, or uses one of the last two."""
    read = [*(tree for _, tree in trees(notebook)), *modules(notebook.helpers).values()]
    nodes = [node for tree in read for node in ast.walk(tree)]
    taken = {alias.asname or alias.name for node in nodes if isinstance(node, ast.ImportFrom)
             and (node.module or "").startswith("torchvision.models") for alias in node.names}  # fmt: skip
    for node in nodes:
        if isinstance(node, ast.ClassDef) and any("Module" in dotted(base) for base in node.bases):
            return True
        for one in node.bases if isinstance(node, ast.ClassDef) else [node.func] if isinstance(node, ast.Call) else ():
            if re.search(r"Sequential$|\bmodels\.\w+$", dotted(one)) or dotted(one) in taken:
                return True
    return False


def dotted(node: ast.AST) -> str:
    """The dotted name of an expression such as `torch.nn.Module`; for `f(x).a.b`, only "a.b"."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join(reversed([*parts, node.id] if isinstance(node, ast.Name) else parts))


# The outputs


def was_run(notebook: Notebook) -> bool:
    return any(cell.outputs for cell in notebook.cells)


def errors(notebook: Notebook) -> list[tuple[int, str]]:
    """(cell, error) for each cell whose last run ended in an error."""
    return [(cell.number, out.text) for cell in notebook.cells for out in cell.outputs if out.kind == "error"]


def out_of_order(notebook: Notebook) -> list[tuple[int, int]]:
    """Pairs (upper, lower) of neighbouring cells where the upper one was run after the lower one."""
    ran = [cell for cell in notebook.cells if cell.count is not None and cell.source.strip()]
    return [(above.number, below.number) for above, below in pairwise(ran) if (above.count or 0) > (below.count or 0)]


@dataclass(frozen=True, slots=True)
class Plot:
    """A cell with a picture, and which accuracies its code draws. Not `named`: the cell says neither accuracy nor
    loss."""

    cell: int
    training: bool
    validation: bool
    named: bool = True


def plots(notebook: Notebook) -> list[Plot]:
    """The cells that show a picture and whose code plots something called accuracy. The word may be in the cell, in a
    function that it calls, or in the keys of a dict that it loops over. A cell that says training and validation, and
    neither accuracy nor loss, is not `named`. Words of other languages count where they say all of this."""
    found = plotted(notebook)
    if found and all(map(whole, found)):
        return found
    cells = tuple(replace(cell, source=in_english(cell.source)) for cell in notebook.cells)
    both = {plot.cell: plot for plot in found} | {
        plot.cell: plot for plot in plotted(replace(notebook, cells=cells)) if whole(plot)
    }
    return [both[cell] for cell in sorted(both)]


def whole(plot: Plot) -> bool:
    return plot.named and plot.training and plot.validation


def plotted(notebook: Notebook) -> list[Plot]:
    """What `plots` gives by English words alone."""
    parsed_ = list(trees(notebook))
    functions, keys = functions_of(tree for _, tree in parsed_), keys_of(tree for _, tree in parsed_)
    found = []
    for cell, tree in parsed_:
        if not any(output.kind == "image" and output.image for output in cell.outputs):
            continue
        drawn = draws(tree).union(*(functions[name] for name in set(called(tree)) & functions.keys()))
        drawn = drawn.union(*(keys[name] for name in gone_through(tree) & keys.keys()))
        named = "accuracy" in drawn
        if "plot" in drawn and (named or ({"training", "validation"} <= drawn and "loss" not in drawn)):
            found.append(Plot(cell.number, "training" in drawn, "validation" in drawn, named))
    return found


def functions_of(all_trees: Iterable[ast.Module]) -> dict[str, set[str]]:
    """function or ".method" -> the topics (see `draws`) of its code and of all functions that it calls."""
    own: dict[str, set[str]] = {}
    callers: dict[str, list[str]] = {}
    for tree in all_trees:
        methods = {inner for outer in ast.walk(tree) if isinstance(outer, ast.ClassDef) for inner in outer.body}
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                name = f".{node.name}" if node in methods else node.name
                own.setdefault(name, set()).update(draws(node))
                for one in set(called(node)):
                    callers.setdefault(one, []).append(name)
    waiting = list(own)
    while waiting:
        one = waiting.pop()
        for name in callers.get(one, ()):
            if not own[one] <= own[name]:
                own[name] |= own[one]
                waiting.append(name)
    return own


def called(node: ast.AST) -> Iterator[str]:
    """Yield all functions and methods that some code calls: "train", ".backward"."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call):
            if isinstance(inner.func, ast.Name):
                yield inner.func.id
            elif isinstance(inner.func, ast.Attribute):
                yield f".{inner.func.attr}"


def keys_of(all_trees: Iterable[ast.Module]) -> dict[str, set[str]]:
    """name or ".attribute" -> the topics (see `draws`) of its keys: `h = {"train_acc": [], "loss": []}`, `h["acc"]`."""
    found: dict[str, set[str]] = {}
    nodes = [node for tree in all_trees for node in ast.walk(tree)]
    for one in (node for node in nodes if isinstance(node, ast.Subscript)):
        if type(one.slice) is ast.Constant and isinstance(one.value, ast.Name | ast.Attribute):
            found.setdefault(short(one.value), set()).update(draws(one.slice) - {"plot"})
    for node in (node for node in nodes if isinstance(node, ast.Assign)):
        strings = [part for part in ast.walk(node.value) if isinstance(part, ast.Constant)]
        said = {kind for part in strings for kind in draws(part) if kind != "plot"}
        for target in node.targets if said else ():
            if isinstance(target, ast.Name | ast.Attribute):
                found.setdefault(short(target), set()).update(said)
    return found


def short(node: ast.Name | ast.Attribute) -> str:
    """A name, or an attribute of whatever it is of: ".history"."""
    return node.id if isinstance(node, ast.Name) else f".{node.attr}"


def gone_through(tree: ast.AST) -> set[str]:
    """The names and attributes that some code reads, except those that it reads by a literal key: `h["loss"]`."""
    nodes = list(ast.walk(tree))
    taken = {
        short(node.value)
        for node in nodes
        if isinstance(node, ast.Subscript)
        and type(node.slice) is ast.Constant
        and isinstance(node.value, ast.Name | ast.Attribute)
    }
    read = (node for node in nodes if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load))
    return set(map(short, read)) - taken


def draws(tree: ast.AST) -> frozenset[str]:
    """The topics of some code: "plot", "accuracy", "loss", "training", "validation". The last two may also be separate
    words, such as labels, but not words for losses or data, and not called functions: `model.train()`. `step` draws
    where it is given x and y: an optimizer's is not. What a loss that is drawn is labelled names no accuracy."""
    steps = [call for call in ast.walk(tree) if isinstance(call, ast.Call) and len(call.args) > 1]
    found = {"plot" for call in steps if isinstance(call.func, ast.Attribute) and call.func.attr == "step"}
    for word, called_ in names(tree):
        if DRAWN.search(word):
            found.add("plot")
        if "loss" in word.lower():
            found.add("loss")
        if "acc" in word.lower():
            kinds = {"accuracy": True, "training": TRAINING.search(word), "validation": VALIDATION.search(word)}
            found |= {kind for kind, said in kinds.items() if said}
        elif not called_ and not OTHERS.search(word):
            found |= {kind for kind, pattern in ALONE.items() if pattern.search(word)}
    return frozenset(found)


def names(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """Yield every name, attribute and short string of some code, and whether it is the called function."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    functions = {call.func for call in calls}
    labels = {inner for call in calls if draws_loss(call) for one in call.keywords for inner in ast.walk(one.value)}
    for node in ast.walk(tree):
        if node in labels:
            continue
        if isinstance(node, ast.Name):
            yield node.id, node in functions
        elif isinstance(node, ast.Attribute):
            yield node.attr, node in functions
        elif isinstance(node, ast.arg):
            yield node.arg, False
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 80:
            yield node.value, False


def draws_loss(call: ast.Call) -> bool:
    """Whether a call draws a loss and no accuracy, as `plt.plot(train_loss, label="training")` does."""
    if not (isinstance(call.func, ast.Attribute) and DRAWN.search(call.func.attr)):
        return False
    given = [inner for one in (*call.args, *call.keywords) for inner in ast.walk(one)]
    words = [str(getattr(one, "id", getattr(one, "attr", getattr(one, "value", "")))).lower()[:80] for one in given]
    return any("loss" in word for word in words) and not any("acc" in word for word in words)


def pictures(notebook: Notebook) -> list[tuple[int, bytes]]:
    """(cell, image bytes) of every picture saved in the notebook."""
    return [(cell.number, out.image) for cell in notebook.cells for out in cell.outputs if out.kind == "image"]
