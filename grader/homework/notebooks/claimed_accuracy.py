"""Finds the accuracies in a notebook's saved outputs, and which of them are of the test set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from .languages import in_english
from .notebook import Cell, Notebook

LINE = 200  # characters after a word in which its number is looked for
CLAIMS = 10_000
CODE = 20_000  # characters of a cell's code in which a printed line is looked for
GUESSED = 0.15  # an accuracy up to this is not worth a question

# Every repetition is bounded, because a student could print text that keeps an unbounded one busy. Matches counts and
# numbers: "9034/10000", "9,034 out of 10,000", "0.87", "87,1 %"; not a progress bar's "157/157 [" and "100%|", nor
# a "95% CI".
NUMBER = re.compile(
    r"(?<![\d.])(?:(?P<right>[1-9]\d{0,2}[.,]\d{3}|\d{1,6})\s?(?:/|(?:out )?of|von|sur|de|из)\s?"
    r"(?P<all>[1-9]\d{0,2}[.,]\d{3}|\d{3,6})(?!\d|\s?\[)"
    r"|(?P<value>(?:0,\d{1,20}|\d{1,3}(?:\.\d{1,20}|,\d\d?(?!\d))?)(?:e[-+]?\d\d?)?)(?![\d.])"
    r"\s{0,9}(?P<percent>%(?!\||\s?(?:ci|conf)))?)"
)
ONE = r"(?:[\w.]{1,20}\()?(?P<value>\d{1,3}\.\d{1,20})(?:, ?\w{1,20}=[^,()]{1,20})?\)?"
RETURNED = re.compile(
    rf"\s{{0,9}}[(\['\"]?(?:{ONE.replace('?P<value>', '?:')},\s{{1,9}}){{0,2}}{ONE} ?%?[)\]'\"]?\s{{0,9}}"
)
OF_TEST = re.compile(r"\W{0,3}(?:\(|\b(?:on|of|for|in|over) )(?:(?:the|my|our|all|\d{1,6}) ){0,3}test")
OTHER = re.compile(r"loss|error|recall|precision|f1")
PROGRESS = re.compile(r"time|sec|epoch|batch|step|iter|size|it/s|s/it")
TRAINING = re.compile(r"train|learning|dropout|momentum|decay|lr\b")
WORD = re.compile(r"\w{0,20}")
BEFORE = re.compile(r"(?<![a-z])test\W{1,5}$")  # right before a number
TEST = re.compile(r"test|(?<![a-z])[xy]?_?te(?![a-z])")  # the test set in code
NO_TEST = re.compile(r"(?<![a-z])(?:val|tr(?:ai)?n)")  # in code: the other sets, and training
COUNTS = re.compile(r"==|\.eq\(|acc|eval|correct|score")  # in code: asks what is right
PART = re.compile(  # a part of the test set, another set, or more than one guess
    r"(?<![a-z])val|\btop\W?[2-9]|\bclass\b|t-shirt|trouser|pullover|dress|coat|sandal|shirt|sneaker|\bbag\b|\bboot"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """An accuracy, from 0 to 1, in an output of a cell. `of_test`: it is of the test set. `whole`: its words name
    neither a class nor the validation set, and its line is no text of the code, as one on other people's networks."""

    accuracy: float
    cell: int
    of_test: bool
    whole: bool = True


def claims(notebook: Notebook) -> list[Claim]:
    """Every printed accuracy, in the order of the cells. It counts as one of the test set if its own words, a heading
    above it, or the code of its cell say so."""
    return list(islice(stated(notebook), CLAIMS))


def claimed(all_claims: Sequence[Claim]) -> Claim | None:
    """The test accuracy that a notebook claims: the last one of the whole test set, else the last one of a part of it;
    None if there is none."""
    found = [claim for claim in all_claims if claim.of_test]
    return next(reversed([claim for claim in found if claim.whole] or found), None)


def unnamed(notebook: Notebook) -> Claim | None:
    """The last number printed that may be a test accuracy but that no known word calls one, as in another language;
    None if there is none."""
    return next((Claim(value, cell.number, False) for cell in reversed(notebook.cells) for value in likely(cell)), None)


def likely(cell: Cell, most: int = CLAIMS) -> Iterator[float]:
    """Yield the numbers that a cell prints, the last one first, which may be accuracies though no word says so. Lines
    with more than `most` numbers are left out. In a line on something else, too, it is what follows "test"."""
    for line in reversed(cell.text.lower().split("\n")):
        line = line[: 5 * LINE]
        if not spoken(line) and not OTHER.search(line):
            other = any(words.search(line) for words in (PROGRESS, PART, TRAINING))
            found = [
                share(match)
                for match in NUMBER.finditer(line)
                if exact(match) and (not other or BEFORE.search(line, 0, match.start()))
            ]
            yield from (value for value in reversed(found) if GUESSED < value < 1 and len(found) <= most)


def stated(notebook: Notebook) -> Iterator[Claim]:
    for cell in notebook.cells:
        of_test, source = bool(TEST.search(in_english(last_call(cell)))), in_english(cell.source[:CODE].lower())
        found = False
        for line in in_english(cell.text.lower()).split("\n"):
            if "test" in line and not re.search(r"\d", line):
                of_test = True  # a heading
            for words, value in accuracies(line[: 5 * LINE]):
                found = True
                own = line.strip() not in source
                yield Claim(value, cell.number, of_test or "test" in words, own and not PART.search(words))
        if not found and of_test:
            yield from returned(cell)
        if not found and counts_test(cell):
            yield from (Claim(value, cell.number, True, whole=False) for value in islice(likely(cell, 2), 1))


def accuracies(line: str) -> Iterator[tuple[str, float]]:
    """Yield each accuracy in a line with its words: ("test acc: 0.87", 0.87). The number follows a word like "acc"; if
    no number follows, it may come before: "87 % on the test set", "8700/10000 correct"."""
    start, word = 0, spoken(line)
    for at in re.finditer(word, line) if word else ():
        following = line.find(word, at.end())
        end = min(at.start() + LINE, following if following >= 0 else len(line))
        found = [match for match in NUMBER.finditer(line, start, end) if stands(match, at, line) and apart(match, line)]
        found.sort(key=lambda match: rank(match, at))
        for match in found[:1]:
            stop = max(match.end(), WORD.match(line, at.end()).end())  # type: ignore[union-attr]
            behind = OF_TEST.match(line, stop)
            if (value := share(match)) <= 1 and (exact(match) or word == "acc"):
                yield line[start : behind.end() if behind else stop], value
            start = match.end()


def stands(match: re.Match[str], at: re.Match[str], line: str) -> bool:
    """Whether a number may belong to a word: it comes after the word, or before it as a percentage or a count."""
    if match.start() >= at.start():
        return True
    return bool(match["percent"] and (at[0] != "test" or OF_TEST.match(line, match.end()))) or (
        at[0] == "correct" and match["all"] is not None
    )


def apart(match: re.Match[str], line: str) -> bool:
    """Whether a number is no part of a word, as in "float64"."""
    return exact(match) or not re.match("[a-z]", line[max(match.start() - 1, 0) :])


def rank(match: re.Match[str], at: re.Match[str]) -> tuple[bool, ...]:
    """The order among several numbers: first percentages, then counts of correct ones, then fractions: "accuracy on the
    10000 test images: 87 %"."""
    counted = match["all"] is not None
    before = match.start() < at.start() and not counted
    return before, not match["percent"], not (counted and at[0] == "correct"), "." not in match[0], not counted


def exact(match: re.Match[str]) -> bool:
    return bool(match["percent"] or match["all"] or re.search("[.e]", match["value"]))


def share(match: re.Match[str]) -> float:
    """The number as an accuracy from 0 to 1; above 1 if it is none."""
    if match["all"]:
        right, of = (int(re.sub("[.,]", "", match[name])) for name in ("right", "all"))
        return right / max(of, 1)
    value = float(match["value"].replace(",", "."))
    return value / 100 if match["percent"] or value > 1 else value


def spoken(line: str) -> str:
    """The word of a line that marks an accuracy: "acc", else "correct", else the "test" of "Test: 0.87"."""
    words = ("acc", "correct", *(() if OTHER.search(line) or PROGRESS.search(line) else ("test",)))
    return next((word for word in words if word in line), "")


def returned(cell: Cell) -> Iterator[Claim]:
    """Yield the number at the end of a cell whose last statement evaluates on the test set. Of a pair (loss, accuracy)
    it is the second."""
    match, call = RETURNED.fullmatch(cell.text.rstrip().rpartition("\n")[2]), last_call(cell)
    if match and ("acc" in call or not OTHER.search(call)):
        value = float(match["value"])
        value = value / 100 if value > 1 else value
        if value <= 1:
            yield Claim(value, cell.number, True)


def counts_test(cell: Cell) -> bool:
    """Whether a cell asks what is right of the test set, and does nothing with another set."""
    lines = (line for line in in_english(cell.source.lower()).split("\n") if not line.lstrip().startswith("#"))
    code = "\n".join(lines)
    return bool(re.search(r"(?<![a-z])test", code) and COUNTS.search(code)) and not NO_TEST.search(code)


def last_call(cell: Cell) -> str:
    """The last lines of a cell's top level, where results tend to be printed, in lower case."""
    lines = [line for line in cell.source.lower().split("\n") if line.strip() and not line.startswith((" ", "#"))]
    return "\n".join(lines[-3:])
