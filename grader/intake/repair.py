"""Repairs a handed-in Python file or notebook so that the grader can read it, or says what the student should do.

It undoes what an editor, an export or a transfer did to correct work: encodings, line ends, a notebook saved under a
script's name, lines that only Jupyter understands. Lines keep their numbers. Nothing is run.
"""

from __future__ import annotations

import ast
import codecs
import hashlib
import io
import json
import re
import sys
import tokenize
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from html import unescape
from textwrap import dedent
from typing import Any

LARGEST = 1 << 20  # bytes of a script; a larger one stays as it is
SMALL = 1 << 16  # bytes; the syntax trees of larger scripts are not kept, as they take a hundred times as many
BRACKETS = 500_000  # most lists and objects in a notebook; more could take gigabytes as parsed JSON
SLIM = 8 << 20  # bytes; a larger notebook loses the outputs that no check reads
PYTHON = sys.version.split()[0]

UNOPENED = (
    (b"Rar!", "a RAR"), (b"7z\xbc\xaf\x27\x1c", "a 7z"), (b"\x28\xb5\x2f\xfd", "a zst"),
    (b"\x04\x22\x4d\x18", "an lz4"), (b"\x1f\x9d", "a Z"), (b"LZIP\1", "an lzip"), (b"MSCF\0", "a cab"),
    (b"xar!", "a xar"), (b"!<arch>\n", "an ar"), (b"070701", "a cpio"),
)  # fmt: skip
# First bytes of files that are not text, and what to tell the student.
KINDS = (
    (b"{\\rtf", "rich text (RTF), as TextEdit and WordPad write it; save it as plain text"),
    (b"%PDF", "a PDF; hand in the file itself"),
    (b"\x89PNG", "a picture (PNG); hand in the file itself"),
    (b"\xff\xd8\xff", "a picture (JPEG); hand in the file itself"),
    (b"GIF8", "a picture (GIF); hand in the file itself"),
    *((magic, f"{name} archive, which the grader cannot open; pack the work as a zip") for magic, name in UNOPENED),
    (b"version https://git-lfs.github.com/", "a pointer of Git LFS; hand in the file itself"),
    (b"\xd0\xcf\x11\xe0", "a Word document; save it as plain text"),
    (b"bplist00", "a placeholder or web archive of macOS; download the file itself, then hand that in"),
    (b"L\0\0\0\x01\x14\x02\0", "a shortcut of Windows; hand in the file itself"),
    (b"PK\3\4", "a zip or a Word document; hand in the file itself"),
    (b"\0\x05\x16\x07", "a macOS resource file; hand in the file itself"),
)
COMPILED = re.compile(rb"..\r\n[\0-\3]\0\0\0", re.DOTALL)  # the header of a .pyc
PATH = re.compile(rb"(?:[\w. -]*[/\\])+[\w. -]+\.(?:py|ipynb)\s*")
PAGE = re.compile(rb"\s*(?:<!doctype html|<html|<head|<\?xml[^>]*>\s*<!doctype html)", re.IGNORECASE)
CONFLICT = re.compile(r"^(?:<{7} .*|={7}|>{7} .*|\|{7} .*)$", re.MULTILINE)
SIDES = re.compile(
    r"^<{7}[^\n]*\n((?:(?!<{7}|={7}|>{7})[^\n]*\n)*)={7}\n((?:(?!<{7}|={7}|>{7})[^\n]*\n)*)>{7}[^\n]*$", re.MULTILINE
)
# Lines that only Jupyter understands: %matplotlib inline, !pip install, get_ipython().run_line_magic(...); also
# the ``` and ~~~ fences of Markdown.
MAGIC = re.compile(
    r"^([ \t]*)((?:%{1,2}[A-Za-z]|!|\?|get_ipython\(\)\.|```|~~~|\w+[ \t]*=[ \t]*[!%])[^\n]*|[\w.]+\?{1,2}[ \t]*)$",
    re.MULTILINE,
)
CALLED = re.compile(r"^([ \t]*)(get_ipython\(\)\.[^\n]*)$", re.MULTILINE)
CELL = re.compile(r"^get_ipython\(\)\.run_cell_magic\((.*)\)[ \t]*$", re.MULTILINE)
TIMED = ("time", "timeit", "capture", "prun", "python", "python3")
RUN = re.compile(
    r"^%run[ \t]+(?:-\w+[ \t]+)*[\"']?(?:[\w./-]*/)?([^\W\d]\w*)(?:\.py|\.ipynb)?[\"']?[ \t]*$", re.MULTILINE
)
COOKIE = re.compile(rb"^([ \t\f]*#.*?coding)[:=]", re.MULTILINE)
UNSEEN = re.compile("[\0\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
SPACES = re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u3000]")
TYPED = str.maketrans("\u201c\u201d\u201e\u2018\u2019\u201a\u2212\u2013", "\"\"\"'''--")  # by a word processor
PROMPT = re.compile(r"^(?:>>> ?|\.\.\. ?|In \[\d*\]: ?|[ ]+\.\.\.: ?)", re.MULTILINE)  # of Python and of IPython
FENCE = re.compile(r"[ \t]*(?:pass  # )?(?:```|~~~)")
PYTHON_2 = re.compile(
    r"^[ \t]*(?:print[ \t]+[^\s(=.,:\[]|print[ \t]*>>|exec[ \t]+[\"'\w]|raise[ \t]+\w+,|except[ \t]+[\w.]+[ \t]*,)"
    r"|<>|`\w"
)
CONTROLS = re.compile("[\0-\x08\x0e-\x1f\x7f-\x9f\ufffd]")
NO_TEXT = 50  # a file is no text if more than one in so many characters is no character of a text
ENDS = re.compile(r"\r\n?")  # of lines, before Unix's
DEFINED = re.compile(r"^(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Repaired:
    """`content` to grade. `notes` say what was changed. `fault` says why the file cannot be imported, `question` what a
    person has to decide; both are "" for most files."""

    content: bytes
    notes: list[str] = field(default_factory=list)
    fault: str = ""
    question: str = ""


def script(content: bytes, name: str, origin: str, newer: Callable[[str], str]) -> Repaired:
    """Repair a Python file; `origin` is the student's own name for it."""
    if not content.strip() or (len(content) > LARGEST and not is_notebook(content)):
        return Repaired(content)
    if not is_notebook(content) and parses(content):
        return from_marimo(content, origin) if b"@app.cell" in content else without_calls(content, origin)
    if (kind := kind_of(content)) is not None:
        return Repaired(content, fault=f"{name} cannot be imported: it is {kind}")
    text, said = decoded(content)
    notes = [f"{origin} was read as {said}"] if said else []
    if is_notebook(content):
        return from_notebook(text, name, origin, notes, newer)
    plain = text
    for change, told in (*STEPS, *PASTED):
        changed = change(text)
        if changed != text:
            text, notes = changed, [*notes, f"{origin}: {told}"]
        if (change, told) in STEPS:
            plain = text
        if parses(text.encode()):
            return Repaired(text.encode(), notes)
    return unread(plain, name, newer)


def without_calls(content: bytes, origin: str) -> Repaired:
    """Python that parses, without the get_ipython() lines that an exported notebook contains."""
    text = content.decode("utf-8", "replace")
    if not CALLED.search(text) or text.encode() != content:
        return Repaired(content)
    changed = without_magics(text).encode()
    return Repaired(changed, [f"{origin}: {ONLY_JUPYTER}"]) if parses(changed) else Repaired(content)


def from_marimo(content: bytes, origin: str) -> Repaired:
    """The code of a notebook of marimo, which is Python with a function for each cell; every line keeps its number."""
    text, tree = decoded(content)[0], tree_of(content)
    lines = text.split("\n")
    for one in tree.body if tree else ():
        if isinstance(one, ast.FunctionDef) and any("app.cell" in ast.unparse(mark) for mark in one.decorator_list):
            first, last = one.decorator_list[0].lineno - 1, one.end_lineno or one.lineno
            begin = one.body[0].lineno - 1
            lines[first:begin] = ["# %%", *[""] * (begin - first - 1)]
            lines[begin:last] = [line.removeprefix("    ") for line in lines[begin:last]]
            if isinstance(end := one.body[-1], ast.Return):
                lines[end.lineno - 1 : last] = ["pass", *[""] * (last - end.lineno)]
    made = "\n".join(lines).encode()
    if made == content or not compiles(made):
        return Repaired(content)
    return Repaired(made, [f"{origin} is a notebook of marimo; its cells were taken"])


def compiles(content: bytes) -> bool:
    """Whether Python runs it, so that no `return` or `yield` stands outside of functions."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(content, "work.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def from_notebook(text: str, name: str, origin: str, notes: list[str], newer: Callable[[str], str]) -> Repaired:
    """The code of a notebook that was saved under a script's name. As in Jupyter, a cell that fails costs no other one:
    what is no Python is left out here; worker/cells.py says what fails, and knows each cell by its mark."""
    taken, futures, question = [], set[str](), ""
    notes = [*notes, f"{origin} is a notebook; its code was taken as {name}"]
    for number, code in enumerate(cells(text.encode()), start=1):
        foreign = CELL_OF_OTHERS.match(code)
        code = RUN.sub(r'exec("from \1 import *")  # \g<0>', code)  # worker/cells.py knows what to do where it fails
        for change, _ in STEPS:
            code = change(code)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(code)
                compile(tree, name, "exec", dont_inherit=True)  # refuses an `await` outside of functions, too
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            said = getattr(error, "msg", error)
            notes += [] if foreign else [f"code cell {number} of {origin} was left out: {type(error).__name__}: {said}"]
            question = question or (unread(code, name, newer).question if not foreign else "")
            continue
        lines = code.split("\n")
        for one in filter(is_future, tree.body):  # they have to stand first
            futures.add(ast.unparse(one))
            own = slice(one.lineno - 1, one.end_lineno)
            lines[own] = ["pass", *[""] * (len(lines[own]) - 1)]
        taken.append("\n".join([f"# code cell {number}", *lines]))
    whole = "\n\n".join(["\n".join(sorted(futures)), *taken] if futures else taken) + "\n"
    if DEFINED.search(whole) and parses(whole.encode()):
        return Repaired(whole.encode(), notes, question=question)
    return Repaired(
        text.encode(),
        fault=f"{name} cannot be imported: it is a notebook (JSON), not Python; in Jupyter, save it as a .py file",
    )


def is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


CELL_OF_OTHERS = re.compile(r"\s*%%(?!time|capture|prun|python)")  # %%bash, %%html


def unread(text: str, name: str, newer: Callable[[str], str]) -> Repaired:
    """Python that does not parse even after all repairs: say why."""
    encoded = text.encode()
    if NO_TEXT * len(CONTROLS.findall(text)) > len(text):
        return Repaired(encoded, fault=f"{name} cannot be imported: it is no text, so it is no Python; save it anew")
    if conflict := CONFLICT.search(text):
        line, marker = text.count("\n", 0, conflict.start()) + 1, conflict[0][:7]
        return Repaired(
            encoded,
            fault=f"{name} cannot be imported: it was saved in the middle of a merge conflict (line {line} is "
            f"{marker}); resolve it, then hand the file in again",
        )
    if needed := newer(text):
        return Repaired(
            encoded,
            question=f"{name} needs a newer Python than the grader's {PYTHON} ({needed}); grade it with that Python, "
            "or by hand",
        )
    line = broken_line(text)  # elsewhere, a docstring may hold what looks like Python 2
    if PYTHON_2.search([*text.split("\n"), ""][line - 1]):
        return Repaired(
            encoded,
            fault=f"{name} cannot be imported: SyntaxError, because line {line} is written for Python 2, and this is "
            f"Python {PYTHON}",
        )
    return Repaired(encoded)


# Repairs, tried one after another until the file parses


def without_magics(text: str) -> str:
    """Replace lines that only Jupyter understands by `pass`, so that every line keeps its number."""

    def cell(found: re.Match[str]) -> str:
        try:
            words = ast.literal_eval(f"({found[1]},)")
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return found[0]
        body = isinstance(words, tuple) and len(words) == 3 and words[0] in TIMED and words[2]
        return body.replace("\\n", "\n") if isinstance(body, str) else found[0]

    for pattern in (CALLED,) if parses(text.encode()) else (CALLED, MAGIC):
        text = pattern.sub(lambda found: f"{found[1]}pass  # {found[2]}", CELL.sub(cell, text))
    return text


def settled(text: str) -> str:
    """Resolve merge conflicts whose two sides are the same."""
    return SIDES.sub(lambda found: found[1].rstrip("\n") if found[1].strip() == found[2].strip() else found[0], text)


def fenced(text: str) -> str:
    """Of Markdown, the code between its fences alone, as cells; each other line becomes a comment, so that numbers
    stay."""
    lines = text.split("\n")
    fences = [at for at, line in enumerate(lines) if FENCE.match(line)]
    if len(fences) % 2:
        return text
    code_lines = [f"# {line}" for line in lines]
    for begin, end in zip(fences[::2], fences[1::2], strict=True):
        code_lines[begin:end] = ["# %%", *lines[begin + 1 : end]]
    code = "\n".join(code_lines)
    return (
        code if DEFINED.findall(code) == DEFINED.findall(text) != [] else text
    )  # else it is an example in a docstring


ONLY_JUPYTER = "lines that only Jupyter understands were left out"
Step = tuple[Callable[[str], str], str]
STEPS: tuple[Step, ...] = (
    (lambda text: re.sub(r"\r\n?|[\v\x85\u2028\u2029]", "\n", text), "its line ends were corrected"),
    (lambda text: text.rstrip("\0\x1a"), "characters after its end were left out"),
    (without_magics, ONLY_JUPYTER),
    (lambda text: SPACES.sub(" ", UNSEEN.sub("", text)), "invisible characters were left out"),
    (settled, "an empty merge conflict was left out"),
)
# Also undone, if the file then parses: code that was pasted from a document, a page, a chat or a prompt.
PASTED: tuple[Step, ...] = (
    (lambda text: text.translate(TYPED), "quotes and dashes were written as Python's"),
    (unescape, "characters were written as Python's, not as HTML's"),
    (lambda text: PROMPT.sub("", text), "prompts were left out"),
    (fenced, "what stands outside the ``` of Markdown was left out"),
    (dedent, "what all its lines are indented by was left out"),
)


# What kind of file it is


def kind_of(content: bytes) -> str | None:
    """The kind of a file that is not text, in words; None for text."""
    for magic, kind in KINDS:
        if content.startswith(magic):
            return kind
    if COMPILED.match(content):
        return "what Python compiled; hand in the file itself"
    if len(content) < 1000 and PATH.fullmatch(content):
        return "the path of another file, as Git writes a link; hand in the file itself"
    if PAGE.match(content[:1000].removeprefix(codecs.BOM_UTF8)):
        return "a web page; download the file itself (in GitHub: Raw), then hand that in"
    return None


def is_notebook(content: bytes) -> bool:
    """Whether the content is a notebook's JSON. The name does not matter."""
    text = decoded(content[:SLIM])[0] if content[:2] in UTF_16 or b"\0" in content[:4] else ""
    head = text.encode() if text else content.removeprefix(codecs.BOM_UTF8)
    return head[:64].lstrip().startswith(b"{") and (b'"cells"' in head or b'"worksheets"' in head)


def decoded(content: bytes) -> tuple[str, str]:
    """The text, and the encoding's name if Python would not have read it with its default; else ""."""
    for mark, codec, name in MARKS:
        if content.startswith(mark):
            return content.decode(codec, "replace"), name
    zeros = content[:2000].count(0)
    if zeros and zeros * 3 > len(content[:2000]):
        little = content[1:2000:2].count(0) >= content[0:2000:2].count(0)
        return content.decode("utf-16-le" if little else "utf-16-be", "replace"), "UTF-16"
    named = re.search(rb"coding[:=][ \t]*([-\w.]+)", b"\n".join(content.splitlines()[:2]))
    said = named[1].decode("ascii", "replace").casefold() if named else ""
    for codec in ("utf-8-sig", said if TEXT.match(said) else "cp1252", "cp1252"):
        try:
            text, used = content.decode(codec), codec
            break
        except (LookupError, UnicodeError):
            continue
    else:
        text, used = content.decode("latin-1"), "latin-1"
    plain = COOKIE.sub(rb"\1 was ", text.encode("utf-8", "replace"), count=1).decode() if named else text
    return plain, "" if used == "utf-8-sig" else used


# Text encodings that a line may declare. Python has other codecs that are not for text, and slow.
TEXT = re.compile(r"latin|l1$|iso|cp\d|windows|gb|big5|shift|s?jis|euc|koi8|mac|utf|u8$|ascii", re.ASCII)
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)


def parses(content: bytes) -> bool:
    return tree_of(content) is not None


def tree_of(content: bytes) -> ast.Module | None:
    """What Python makes of a script; None for one that it cannot read. Small ones are parsed once."""
    return kept_tree(content) if len(content) <= SMALL else tree(content)


def tree(content: bytes) -> ast.Module | None:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        if encoding.startswith("utf-8"):
            content.decode()  # Python checks this when it reads a file, but compile() does not
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in a student's strings
            found = compile(content, "work.py", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return found if isinstance(found, ast.Module) else None


kept_tree = lru_cache(maxsize=8)(tree)


def why_not_read(script: str | bytes) -> Exception | None:
    """What Python raises for a script that it cannot read; None if it can."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(script)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return error
    return None


def broken_line(text: str) -> int:
    """The line that Python cannot read; 0 if it names none."""
    error = why_not_read(text)
    return error.lineno or 0 if isinstance(error, SyntaxError) else 0


def cut_off(content: bytes, name: str) -> str:
    """Why a file is no whole program or notebook yet, as while it is being written, with its line; "" if it is one."""
    if name.endswith(".ipynb"):
        return f"{name} is no whole notebook" if loaded(content) is None else ""
    if not name.endswith(".py") or parses(content):
        return ""
    error = why_not_read(content)
    if isinstance(error, SyntaxError):
        return f"{name}:{error.lineno or 1}: {error.msg}"
    return f"{name}: {error}" if error else f"{name} is not UTF-8"


@lru_cache(maxsize=64)  # each file is compared with each of the handout's
def defines(content: bytes) -> frozenset[str]:
    """The functions and classes that a script or a notebook defines at top level."""
    if len(content) > LARGEST and not is_notebook(content):
        return frozenset()
    text = "\n".join(cells(content)) if is_notebook(content) else decoded(content)[0]
    return frozenset(DEFINED.findall(ENDS.sub("\n", text)))


def code_of(content: bytes) -> str:
    """What to compare of a script's code, or of that in a notebook's cells: all but comments and layout; the essence,
    if Python cannot read it, or if it is long."""
    text = ""
    if is_notebook(content):
        text = "\n".join(cells(content))
    elif len(content) <= SMALL:
        text = decoded(content)[0]
    with suppress(RecursionError):
        if 0 < len(text) <= SMALL and (parsed := tree_of(without_magics(text).encode("utf-8", "replace"))):
            return ast.dump(parsed)
    return (essence(content) or b"").decode()


# Notebooks


def notebook(content: bytes, name: str, origin: str) -> Repaired:
    """Repair a notebook: in UTF-8, and without large outputs that no check reads."""
    notes: list[str] = []
    text, said = decoded(content) if content[:2] in UTF_16 or b"\0" in content[:4] else ("", "")
    if said:
        content, notes = text.encode("utf-8", "replace"), [f"{origin} was read as {said}"]
    if (whole := content.rstrip(b"\0\x1a")) != content:
        content, notes = whole, [*notes, f"{origin}: characters after its end were left out"]
    if b"<<<<<<< " in content and (changed := settled(content.decode("utf-8", "replace")).encode()) != content:
        content, notes = changed, [*notes, f"{origin}: an empty merge conflict was left out"]
    document = loaded(content) if len(content) > SLIM else None
    return Repaired(slim(document) if document else content, notes)


def is_cut(content: bytes) -> bool:
    """Whether a notebook's end is missing, whatever its encoding."""
    if not is_notebook(content):
        return False
    return not content.rstrip(b"\0\x1a \t\r\n").endswith(b"}") and b"<<<<<<< " not in content


def loaded(content: bytes) -> Any:
    """A notebook's JSON; None if it is not a notebook or would take too much memory."""
    if content.count(b"{") + content.count(b"[") > BRACKETS:
        return None
    try:
        document = json.loads(content.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


KEPT = ("text/plain", "image/png", "image/jpeg")  # kinds of saved output to keep; only format 4 grows this large


def slim(document: dict[str, Any]) -> bytes:
    """The notebook without saved HTML, JavaScript and widgets, which no check reads."""
    for cell in parts(document):
        outputs = cell.get("outputs")
        for output in outputs if isinstance(outputs, list) else ():
            data = output.get("data") if isinstance(output, dict) else None
            if isinstance(data, dict):
                output["data"] = {kind: data[kind] for kind in data if kind in KEPT}
    return json.dumps(document).encode()


def parts(document: Any) -> Iterator[dict[str, Any]]:
    """The cells of a notebook of any format version."""
    sheets = document.get("worksheets") if isinstance(document, dict) else None
    listed = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)] if isinstance(sheets, list) else []
    for found in [document.get("cells") if isinstance(document, dict) else None, *listed]:
        yield from (cell for cell in (found if isinstance(found, list) else ()) if isinstance(cell, dict))


def cells(content: bytes) -> list[str]:
    """The code of a notebook, one text per cell."""
    document = loaded(decoded(content)[0].encode()) or {}
    return [source_of(cell) for cell in parts(document) if cell.get("cell_type") == "code"]


def source_of(cell: dict[str, Any]) -> str:
    """A cell's text; "" where it has none. JSON may hold half a character, which no file can: it becomes a ?."""
    source = cell.get("source", cell.get("input", ""))
    text = "".join(map(str, source)) if isinstance(source, list) else source if isinstance(source, str) else ""
    return text.encode("utf-8", "replace").decode()


# Comparing with the handout


def essence(content: bytes | None) -> bytes | None:
    """What to compare: a script's lines without trailing space, or the source of a notebook's cells; a digest of it, if
    it is long."""
    return None if content is None else kept_essence(content)


@lru_cache(maxsize=512)  # each file is compared several times
def kept_essence(content: bytes) -> bytes:
    whole = whole_essence(content)
    return whole if len(whole) <= LARGEST else hashlib.sha256(whole).hexdigest().encode()


def whole_essence(content: bytes) -> bytes:
    document = loaded(content) if is_notebook(content) else None
    if document is not None:
        told = [(cell.get("cell_type"), source_of(cell)) for cell in parts(document)]
        text = "\n".join(f"{kind}\n{source}" for kind, source in told)
    else:
        text = decoded(content)[0] if len(content) <= LARGEST else content.decode("latin-1")
    lines = [line.rstrip() for line in re.split(r"\r\n?|\n", text.rstrip("\0\x1a"))]
    return "\n".join(line for line in lines if line).encode("utf-8", "replace")
