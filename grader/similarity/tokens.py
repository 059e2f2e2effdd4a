"""Code as tokens, without what is easily changed in a copy: names, numbers, texts, comments, layout, annotations.

The lexer is one regular expression, because it has to read anything: unfinished files, syntax errors, any bytes. It
takes time in proportion to the text. Python's own `tokenize` stops at the first error.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import islice

import numpy as np
from numpy.typing import NDArray

CHARACTERS, WORDS, TOKENS = 1 << 20, 150_000, 60_000  # most of one file; what is behind them is not compared
FIXED, FREE, ASKED = 0, 1, 2  # kinds of tokens: see Tokens

TOKEN = re.compile(
    r"""
    (?P<space>[ \t\f\r]+|\\\r?\n)
    |(?P<comment>\#[^\n]*)
    |(?P<line>\n)
    |(?P<text>[rbuftRBUFT]{0,2}(?:\"{3}(?s:.*?)(?:\"{3}|\Z)|'{3}(?s:.*?)(?:'{3}|\Z)
        |"(?:\\(?s:.)|[^"\\\n])*"?|'(?:\\(?s:.)|[^'\\\n])*'?))
    |(?P<number>0[xXbBoO][\da-fA-F_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?[jJ]?)
    |(?P<name>[^\W\d]\w*)
    |(?P<sign>\*\*=?|//=?|>>=?|<<=?|->|:=|[-+*/%@&|^=<>!]=?|(?s:.))
    """,
    re.VERBOSE,
)
UNSEEN = frozenset("(),.;")  # brackets and commas that a formatter moves, and what stands between statements
CHANGES = frozenset("+= -= *= /= //= %= @= **= &= |= ^= >>= <<=".split())
BLOCKS = frozenset("if elif else for while try except finally with def class match case async".split())
HEADERS = ("def", "class")
SHELL = ("%", "!", "?")  # how lines for Jupyter begin
LEFT_OUT = ("import", "from", "pass", "@", *SHELL)  # how statements begin that everyone writes alike


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a file, an entry for each: what it is called, its kind, its line, its statement.

    FIXED is an operator or a keyword. FREE is a name, number or text that could be any other. ASKED is the name of
    what is called, of an attribute or of a keyword argument: it counts if others use it, too, since then it is a
    library's.
    """

    codes: NDArray[np.int64]
    kinds: NDArray[np.uint8]
    lines: NDArray[np.int32]
    statements: NDArray[np.int32]
    settings: tuple[tuple[str, str], ...] = ()
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """A token as it is written: its kind in TOKEN, its text, its line, and how many brackets are open before it."""

    kind: str
    text: str
    line: int
    depth: int


@lru_cache(maxsize=1 << 16)
def code_of(text: str) -> int:
    """A number for a token's text, the same in every process."""
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "little", signed=True)


FREE_CODES = {"name": code_of("a name"), "number": code_of("a number"), "text": code_of("a text")}
PLACEHOLDER = FREE_CODES["name"]


def tokens(text: str) -> Tokens:
    """The tokens of a Python text, which need not be Python."""
    codes: list[int] = []
    kinds: list[int] = []
    lines: list[int] = []
    numbers: list[int] = []
    settings: dict[tuple[str, str], None] = {}
    written = list(islice(words(text[:CHARACTERS]), WORDS))
    cut = len(text) > CHARACTERS or len(written) == WORDS
    for number, statement in enumerate(statements(written)):
        if (given := setting(statement)) is not None:
            settings[given] = None
        for code, kind, line in seen(statement):
            codes.append(code)
            kinds.append(kind)
            lines.append(line)
            numbers.append(number)
        if len(codes) > TOKENS:
            cut = True
            break
    return Tokens(
        np.array(codes[:TOKENS], np.int64),
        np.array(kinds[:TOKENS], np.uint8),
        np.array(lines[:TOKENS], np.int32),
        np.array(numbers[:TOKENS], np.int32),
        tuple(settings)[:500],
        cut,
    )


def words(text: str) -> Iterator[Word]:
    """All tokens but white space and comments. A line that begins with `def` or `class` closes the brackets left open.
    Brackets in a line for Jupyter's shell do not count."""
    line, depth, begins, shell = 1, 0, True, False
    for found in TOKEN.finditer(text):
        kind, told = found.lastgroup or "sign", found[0]
        if kind == "line":
            yield Word(kind, told, line, depth)
            begins, shell = True, False
        elif kind not in ("space", "comment"):
            if begins and depth == 0:
                shell = told in SHELL
            if begins and told in HEADERS:
                depth = 0
            begins = False
            sign = kind == "sign" and not shell
            depth -= sign and told in ")]}" and depth > 0
            yield Word(kind, told, line, depth)
            depth += sign and told in "([{"
        line += told.count("\n")


def statements(written: Iterable[Word]) -> Iterator[list[Word]]:
    """The logical lines; the head of a block is one of its own."""
    statement: list[Word] = []
    for word in written:
        ends = word.depth == 0 and (word.kind == "line" or word.text == ";")
        if not ends and word.kind != "line":
            statement.append(word)
            ends = word.text == ":" and word.depth == 0 and statement[0].text in BLOCKS
        if ends and statement:
            yield statement
            statement = []
    if statement:
        yield statement


def seen(statement: list[Word]) -> Iterator[tuple[int, int, int]]:
    """What counts of a statement: code, kind and line of each token. `a += b` counts as `a = a + b`."""
    first = statement[0].text
    if first in LEFT_OUT or all(word.kind == "text" for word in statement):
        return  # docstrings, too
    if first in HEADERS or [word.text for word in statement[:2]] == ["async", "def"]:
        yield code_of(first), FIXED, statement[0].line  # names, defaults and annotations are the handout's or free
        return
    before: list[tuple[int, int, int]] = []
    statement = unannotated(statement)
    for at, word in enumerate(statement):
        if word.kind == "sign" and word.text in UNSEEN:
            continue
        if word.kind == "sign" and word.text in CHANGES and word.depth == 0:
            yield code_of("="), FIXED, word.line
            yield from before
            yield code_of(word.text[:-1]), FIXED, word.line
            continue
        token = one_token(statement, at)
        before.append(token)
        yield token


def unannotated(statement: list[Word]) -> list[Word]:
    """The statement without the annotation of what it sets."""
    texts = [word.text for word in statement]
    if statement[0].kind == "name" and texts[1:2] == [":"] and texts[0] not in BLOCKS and "=" in texts:
        return [statement[0], *statement[texts.index("=") :]]
    return statement


def one_token(statement: list[Word], at: int) -> tuple[int, int, int]:
    """The code, kind and line of one word."""
    word = statement[at]
    if word.kind == "name" and not keyword.iskeyword(word.text):
        before = statement[at - 1].text if at else ""
        after = statement[at + 1].text if at + 1 < len(statement) else ""
        own = before == "." and at > 1 and statement[at - 2].text in ("self", "cls") and after != "("
        asked = not own and (before == "." or after == "(" or (after == "=" and word.depth > 0))
        return (code_of(word.text), ASKED, word.line) if asked else (PLACEHOLDER, FREE, word.line)
    if word.kind in FREE_CODES and word.kind != "name":
        return FREE_CODES[word.kind], FREE, word.line
    return code_of(word.text), FIXED, word.line


def setting(statement: list[Word]) -> tuple[str, str] | None:
    """The name and the number of a statement that sets one, such as `learning_rate = 1e-3`."""
    texts = [word.text for word in statement]
    sign = "-" if texts[2:3] == ["-"] else ""
    value = statement[3 if sign else 2 :]
    if len(value) != 1 or value[0].kind != "number" or texts[1] != "=" or statement[0].kind != "name":
        return None
    try:
        return texts[0][:60], f"{float(sign + value[0].text):.10g}"
    except (ValueError, OverflowError):
        return None
