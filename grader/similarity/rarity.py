"""Fingerprints of code, and how rare each is in the class.

A fingerprint is the hash of LENGTH successive tokens, chosen by winnowing (Schleimer, Wilkerson, Aiken: "Winnowing:
Local Algorithms for Document Fingerprinting", 2003): the least of each WINDOW successive ones, so that two works that
share LENGTH + WINDOW - 1 tokens share a fingerprint. Whole statements are fingerprints, too: they survive a new order.
copydetect is not used: it compares two files at a time and does not know what the rest of the class has.

What n of N students have weighs log((N + 1) / n), in units of UNIT: 1 where two of 300 have it, less in a smaller
class, where two may write alike by chance, and nothing where all have it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from grader.similarity.tokens import ASKED, PLACEHOLDER, Tokens

LENGTH, WINDOW = 10, 3
STATEMENT = 5  # least tokens of a statement that says something by itself
LONGEST = 256  # tokens of a statement that tell it from others
KNOWN_SHARE, KNOWN = 0.02, 3  # a name that so many use is a library's
COMMON = 0.1  # what a larger share of the class has is common, and not marked
UNIT = 5.0  # the logarithm of 150: two of 300

Codes = NDArray[np.uint64]
FACTOR = np.uint64(0x9E3779B97F4A7C15)
STATEMENTS = np.uint64(0xD6E8FEB86659FD93)  # so that a statement never equals as many successive tokens


@dataclass(frozen=True, slots=True)
class Prints:
    """The fingerprints of a work, an entry for each place: hash, first token, token behind the last.

    For each token of all its files: the file's number, the line, and whether it is the student's `own` rather than the
    handout's.
    """

    hashes: Codes
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    files: NDArray[np.int64]
    lines: NDArray[np.int64]
    own: NDArray[np.bool_]


def known_names(works: Sequence[Sequence[Tokens]], handout: Iterable[Tokens]) -> NDArray[np.int64]:
    """The names, of those that are asked, that the handout or several students use."""
    given = [one.codes[one.kinds == ASKED] for one in handout]
    each = [np.unique(np.concatenate([one.codes[one.kinds == ASKED] for one in work])) for work in works if work]
    names, count = np.unique(np.concatenate([*each, np.zeros(0, np.int64)]), return_counts=True)
    used = names[count >= max(KNOWN, KNOWN_SHARE * len(works))]
    return np.unique(np.concatenate([used, *given]).astype(np.int64))


def normalised(given: Tokens, known: NDArray[np.int64]) -> Codes:
    """The tokens' codes, with every name that is not known replaced by the same one."""
    unknown = (given.kinds == ASKED) & ~np.isin(given.codes, known)
    return np.where(unknown, PLACEHOLDER, given.codes).astype(np.int64).view(np.uint64)


def successive(codes: Codes) -> Codes:
    """The hash of each LENGTH successive codes."""
    total = np.zeros(max(0, len(codes) - LENGTH + 1), np.uint64)
    for at in range(LENGTH):
        total = total * FACTOR + codes[at : at + len(total)]
    return mixed(total)


def whole(codes: Codes, statements: NDArray[np.int32]) -> tuple[Codes, NDArray[np.int64]]:
    """The hash of each statement, and the places where they begin."""
    begins = np.flatnonzero(np.diff(statements, prepend=-1)).astype(np.int64)
    if not len(begins):
        return np.zeros(0, np.uint64), begins
    place = np.arange(len(codes)) - np.repeat(begins, np.diff(begins, append=len(codes)))
    with np.errstate(over="ignore"):
        powers = np.cumprod(np.full(LONGEST, STATEMENTS, np.uint64))
        return mixed(np.add.reduceat(codes * powers[np.minimum(place, LONGEST - 1)], begins)), begins


def mixed(values: Codes) -> Codes:
    values = (values ^ (values >> np.uint64(31))) * FACTOR
    return values ^ (values >> np.uint64(29))


def winnowed(hashes: Codes) -> NDArray[np.int64]:
    """The places of the hashes that winnowing keeps."""
    if len(hashes) <= WINDOW:
        return np.array([hashes.argmin()] if len(hashes) else [], np.int64)
    least = np.lib.stride_tricks.sliding_window_view(hashes, WINDOW).argmin(axis=1)
    return np.unique(least + np.arange(len(least)))


@dataclass(frozen=True, slots=True)
class Handout:
    """What the handout's code holds: every hash of successive tokens, and of statements."""

    successive: Codes
    statements: Codes

    @classmethod
    def of(cls, given: Iterable[Tokens], known: NDArray[np.int64]) -> Handout:
        codes = [(normalised(one, known), one.statements) for one in given]
        none = np.zeros(0, np.uint64)
        return cls(
            np.unique(np.concatenate([none, *(successive(one) for one, _ in codes)])),
            np.unique(np.concatenate([none, *(whole(one, at)[0] for one, at in codes)])),
        )


def prints(work: Sequence[Tokens], known: NDArray[np.int64], handout: Handout) -> Prints:
    """The fingerprints of a work without those of the handout."""
    found: list[tuple[Codes, NDArray[np.int64], NDArray[np.int64]]] = []
    own = [np.zeros(0, bool)]
    behind = 0
    for one in work:
        codes = normalised(one, known)
        runs, (says, begins) = successive(codes), whole(codes, one.statements)
        ends = np.append(begins[1:], len(codes))[: len(begins)]
        given = np.isin(says, handout.statements)
        own.append(np.repeat(~given, ends - begins))
        at = winnowed(runs)
        at = at[~np.isin(runs[at], handout.successive)]
        long = ~given & (ends - begins >= STATEMENT)
        found.append((runs[at], at + behind, at + behind + LENGTH))
        found.append((says[long], begins[long] + behind, ends[long] + behind))
        behind += len(codes)
    none = np.zeros(0, np.int64)
    return Prints(
        np.concatenate([np.zeros(0, np.uint64), *(hashes for hashes, _, _ in found)]),
        np.concatenate([none, *(starts for _, starts, _ in found)]),
        np.concatenate([none, *(ends for _, _, ends in found)]),
        np.repeat(np.arange(len(work)), [len(one.codes) for one in work]),
        np.concatenate([none, *(one.lines for one in work)]).astype(np.int64),
        np.concatenate(own),
    )


def shares(each: Sequence[NDArray[np.uint64]]) -> tuple[Codes, NDArray[np.int64]]:
    """The distinct values that several hold, sorted, and how many hold each; `each` holds distinct values."""
    values, count = np.unique(np.concatenate([*each, np.zeros(0, np.uint64)]), return_counts=True)
    return values[count > 1], count[count > 1]


def weights(count: NDArray[np.int64], everyone: int, unit: float = UNIT) -> NDArray[np.float64]:
    """How much it says that two share what `count` of `everyone` have."""
    return np.log((everyone + 1) / np.clip(count, 2, everyone + 1)) / unit


def weigh(count: int, everyone: int) -> float:
    """As above, for what nobody shares by chance, such as a photograph: it weighs 1 if two have it, however small the
    class is."""
    return float(weights(np.array([count]), everyone, np.log((everyone + 1) / 2))[0])


def places(hashes: Codes, values: Codes) -> NDArray[np.int64]:
    """The place of each hash among the sorted `values`; -1 if it is not there."""
    at = np.searchsorted(values, hashes)
    there = np.append(values, np.uint64(0))[np.minimum(at, len(values))] == hashes
    return np.where(there & (at < len(values)), at, -1)


def shared_weight(held: Sequence[NDArray[np.int64]], weight: NDArray[np.float64], rows: int) -> NDArray[np.float32]:
    """For each of the first `rows` and everyone, the summed weight of what both hold: (rows, N). `held` has distinct
    places of `weight`."""
    total = np.zeros((rows, len(held)), np.float32)
    step = max(1, (64 << 20) // (4 * max(1, len(held))))  # 64 MiB at a time
    for start in range(0, len(weight), step):
        part = weight[start : start + step].astype(np.float32)
        there = np.zeros((len(held), len(part)), np.float32)
        for row, at in enumerate(held):
            there[row, at[(at >= start) & (at < start + step)] - start] = 1
        total += (there[:rows] * part) @ there.T
    return total


Value = TypeVar("Value", bound=Hashable)


def together(
    each: Sequence[Iterable[Value]], rows: int, least: float
) -> dict[tuple[int, int], list[tuple[Value, float]]]:
    """The values that two hold, with their weights, where these sum up to `least`. The first of the two is among the
    first `rows`."""
    sets = [dict.fromkeys(one) for one in each]
    count = Counter(value for one in sets for value in one)
    number = {value: at for at, value in enumerate(value for value, times in count.items() if times > 1)}
    weight = np.array([weigh(count[value], len(each)) for value in number])
    held = [np.array([number[value] for value in one if value in number], np.int64) for one in sets]
    total = shared_weight(held, weight, rows)
    found = {}
    for left, right in np.argwhere(total >= least).tolist():
        if left < right:
            found[left, right] = [(value, float(weight[number[value]])) for value in sets[left] if value in sets[right]]
    return found
