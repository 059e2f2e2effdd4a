"""Who shares what with whom, and how rare that is: pairs and groups with sentences, for a person to judge.

Each kind of evidence has a strength of its own; at 1 it is enough to show a pair. `pairs` is plain: data in, frozen
data out. It reads no file and decides nothing about points.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from grader.similarity import rarity, sights
from grader.similarity.rarity import Handout, Prints
from grader.similarity.work import Work

Kind = Literal["code", "outputs", "pictures", "answers"]
WHOLE_ENOUGH = 0.17  # of a whole copy: mean weight of a student's own tokens, times the share of them that is shared
LEAST_WEIGHT = 50.0  # weight of shared tokens below which a short work says nothing
PART_ENOUGH, PART_SHARE = 90.0, 0.05  # squared weight of shared tokens of a copied part: so much, and of own tokens
RUNS_ENOUGH = 4.0  # weight of pairs of successive numbers: a run of five that only two have
ANSWERS_ENOUGH = 1.6  # weight of wrong answers, and of all settings alike
PICTURES_ENOUGH = 0.65  # weight of pictures: one that ten of 300 have, or three of six
LEAST_SETTINGS = 3  # so many settings say something together
SUPPORTS = 0.8  # least strength of code that is told beside other evidence
DENSE = 0.75  # share of the pairs in a group that are listed
NEAREST, NEARLY = 15, 0.9  # others whose code a student's is compared with line by line: see `candidates`
FEW = 0.3  # least weight of what is told: in a class of 300, at most 66 have it
TOLD = 6  # most things that a sentence lists


@dataclass(frozen=True, slots=True)
class Entry:
    """A student's work in the comparison. `label` is unique; `year` names an earlier folder, "" for this class.

    `answers` are the wrong answers that the grader saw: (check, sentence). `people` are the ids of all who handed it
    in.
    """

    label: str
    work: Work
    year: str = ""
    answers: tuple[tuple[str, str], ...] = ()
    people: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Evidence:
    """One kind of evidence: `strength` 1 is enough to show a pair; `sentence` says what it is based on."""

    kind: Kind
    strength: float
    sentence: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Marked:
    """Lines of a file that both share: `rare` are those that nobody else has, `few` those that few others have, `many`
    the others."""

    file: str
    rare: tuple[int, ...]
    few: tuple[int, ...]
    many: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two submissions with what they share. `left` is in this class; `right` may be of an earlier year."""

    left: str
    right: str
    evidence: tuple[Evidence, ...]
    left_lines: tuple[Marked, ...] = ()
    right_lines: tuple[Marked, ...] = ()
    pictures: tuple[tuple[str, str], ...] = ()
    same_person: bool = False

    @property
    def strength(self) -> float:
        return sum(one.strength for one in self.evidence)

    @property
    def sentence(self) -> str:
        return "; ".join(one.sentence for one in self.evidence)


@dataclass(frozen=True, slots=True)
class Found:
    """All pairs, the strongest first; groups, the largest first; how many were compared."""

    pairs: tuple[Pair, ...]
    groups: tuple[tuple[str, ...], ...]
    compared: int
    earlier: int = 0


@dataclass(slots=True)
class Draft:
    """A pair while its evidence is gathered."""

    evidence: list[Evidence] = field(default_factory=list)
    left_lines: tuple[Marked, ...] = ()
    right_lines: tuple[Marked, ...] = ()
    pictures: tuple[tuple[str, str], ...] = ()


def pairs(entries: Sequence[Entry], handout: Work = Work()) -> Found:  # noqa: B008 - frozen
    """The pairs among `entries`: those of this class with each other and with those of earlier years."""
    entries = sorted(entries, key=lambda one: (one.year != "", one.year, one.label))
    rows = sum(not one.year for one in entries)
    drafts: dict[tuple[int, int], Draft] = {}
    for gather in (gather_code, gather_outputs, gather_answers, gather_pictures):
        gather(entries, rows, handout, drafts)
    made = [
        Pair(entries[left].label, entries[right].label, tuple(sorted(one.evidence, key=lambda part: -part.strength)),
             one.left_lines, one.right_lines, one.pictures, bool(entries[left].people & entries[right].people))
        for (left, right), one in drafts.items()
        if any(part.strength >= 1 for part in one.evidence)
    ]  # fmt: skip
    made.sort(key=lambda one: (-one.strength, one.left, one.right))
    return Found(tuple(made), tuple(groups(made)), rows, len(entries) - rows)


Drafts = dict[tuple[int, int], Draft]


# Code


def gather_code(entries: Sequence[Entry], rows: int, handout: Work, drafts: Drafts) -> None:
    tokens = [[one.tokens for one in entry.work.documents] for entry in entries]
    given = [one.tokens for one in handout.documents]
    known = rarity.known_names(tokens, given)
    taken_out = Handout.of(given, known)
    found = [rarity.prints(one, known, taken_out) for one in tokens]
    values, count = rarity.shares([np.unique(one.hashes) for one in found])
    weight = rarity.weights(count, len(entries))
    held = [rarity.places(one.hashes, values) for one in found]
    distinct = [np.unique(one[one >= 0]) for one in held]
    for left, right in candidates(rarity.shared_weight(distinct, weight, rows)):
        both = np.zeros(len(values), bool)
        both[np.intersect1d(distinct[left], distinct[right], assume_unique=True)] = True
        sides = [side(found[at], held[at], both, count, len(entries)) for at in (left, right)]
        strength = min(one.strength for one in sides)
        if strength < SUPPORTS:
            continue
        lines = [tuple(marks(entries[at].work, found[at], one.count, len(entries)))
                 for at, one in zip((left, right), sides, strict=True)]  # fmt: skip
        rare, few, many = (
            min(sum(len(getattr(one, name)) for one in own) for own in lines) for name in ("rare", "few", "many")
        )
        draft = drafts.setdefault((left, right), Draft())
        draft.left_lines, draft.right_lines = lines
        sentence = code_sentence(rare, few, many, min(one.share for one in sides))
        told = f"in the middle, {min(one.middle for one in sides)} of {len(entries)} have what they share"
        draft.evidence.append(Evidence("code", strength, sentence, (told,)))


def candidates(shared: NDArray[np.float32]) -> Iterator[tuple[int, int]]:
    """The pairs worth a close look: each student with those others who share most with him or her, and with all who
    share nearly as much as the first of them. So everyone who copied one work is among them."""
    seen = set()
    for left, row in enumerate(shared):
        row[left] = 0
        near = np.zeros(len(row), bool)
        near[np.argsort(-row)[:NEAREST]] = True
        near |= row >= NEARLY * row.max(initial=0)
        for right in np.flatnonzero(near & (row >= LEAST_WEIGHT / rarity.LENGTH)).tolist():
            seen.add((min(left, right), max(left, right)))
    yield from sorted(seen)


@dataclass(frozen=True, slots=True)
class Side:
    """What one of two works has of what both share: how strong that is, and its share of the work's own tokens. `count`
    says for each token how many works have it, 0 if the two do not share it; `middle` is the median of these."""

    strength: float
    share: float
    middle: int
    count: NDArray[np.int64]


def side(
    found: Prints, held: NDArray[np.int64], both: NDArray[np.bool_], count: NDArray[np.int64], everyone: int
) -> Side:
    """What a work has of the fingerprints `both`; `count` says how many have each."""
    at = np.flatnonzero((held >= 0) & both[held])
    sizes = found.ends[at] - found.starts[at]
    places = np.repeat(found.starts[at] - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())
    least = np.full(len(found.own), everyone + 1)  # how many have the rarest that covers a token
    np.minimum.at(least, places, np.repeat(count[held[at]], sizes))
    covered = np.zeros(len(least), bool)
    covered[places] = True
    worth = rarity.weights(least, everyone) * (covered & found.own)
    own = max(1, int(found.own.sum()))
    share = float((covered & found.own).sum() / own)
    whole = float(worth.sum()) * share / own / WHOLE_ENOUGH
    part = float((worth**2).sum()) / max(PART_ENOUGH, PART_SHARE * own)
    strength = max(whole if worth.sum() >= LEAST_WEIGHT else 0.0, part)
    middle = int(np.median(least[covered & found.own])) if (covered & found.own).any() else everyone
    return Side(strength, share, middle, np.where(covered, least, 0))


def marks(work: Work, found: Prints, count: NDArray[np.int64], everyone: int) -> Iterator[Marked]:
    """The lines of a file in which at least half of the student's own tokens are shared. `count` says how many share
    them, 0 if nobody does."""
    kinds = ((count > 0) & (count <= 2), (count > 0) & (count <= max(3, rarity.COMMON * everyone)), count > 0)
    for number, document in enumerate(work.documents):
        own = found.own & (found.files == number)
        size = int(found.lines[own].max(initial=0)) + 1
        whole = np.bincount(found.lines[own], minlength=size)
        left, lines = whole > 0, []
        for kind in kinds:
            here = left & (2 * np.bincount(found.lines[own & kind], minlength=size) >= whole)
            lines.append(tuple(np.flatnonzero(here).tolist()))
            left &= ~here
        if any(lines):
            yield Marked(document.name, *lines)


def code_sentence(rare: int, few: int, many: int, share: float) -> str:
    told = [f"{counted(rare, 'line')} that no one else in the class has"] * (rare > 0)
    told += [f"{counted(few, 'line')} that few others have"] * (few > 0)
    told += [f"{counted(many, 'line')} that others have, too"] * (not told)
    return f"they share {' and '.join(told)}, {share:.0%} of the code that is not the handout's"


def counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


# Saved outputs


def gather_outputs(entries: Sequence[Entry], rows: int, handout: Work, drafts: Drafts) -> None:
    """Successive numbers that were printed alike, to the last digit."""
    common = set(runs(handout))
    held = [[run for run in runs(entry.work) if run not in common] for entry in entries]
    for (left, right), shared in rarity.together(held, rows, RUNS_ENOUGH / 2).items():
        numbers = dict.fromkeys(number for run, weight in shared if weight > FEW for number in run)
        if numbers:
            draft = drafts.setdefault((left, right), Draft())
            strength = sum(weight for _, weight in shared) / RUNS_ENOUGH
            sentence = f"their saved outputs hold the same {counted(len(numbers), 'number')} to the last digit"
            told = ", ".join(list(numbers)[: 2 * TOLD])
            draft.evidence.append(Evidence("outputs", strength, sentence, (told,)))


def runs(work: Work) -> Iterator[tuple[str, str]]:
    """Each two different numbers that follow each other in a file's outputs."""
    for _, numbers in work.numbers:
        yield from ((one, other) for one, other in pairwise(numbers) if one != other)


# Wrong answers and settings


def gather_answers(entries: Sequence[Entry], rows: int, handout: Work, drafts: Drafts) -> None:
    """Wrong answers alike, together with all settings alike."""
    default = settings(handout)
    chosen = [tuple(sorted(settings(entry.work) - default)) for entry in entries]
    alike = Counter(chosen)
    for (left, right), shared in rarity.together([entry.answers for entry in entries], rows, FEW).items():
        rare = [value for value, weight in shared if weight > FEW]
        if not rare or chosen[left] != chosen[right] or len(chosen[left]) < LEAST_SETTINGS:
            continue
        wrong = sum(weight for _, weight in shared)
        same = rarity.weigh(alike[chosen[left]], len(entries))
        if min(wrong, same) < ANSWERS_ENOUGH / 4:
            continue
        strength = (wrong + same) / ANSWERS_ENOUGH
        sentence = (f"they give the same {counted(len(rare), 'wrong answer')} that few others give, and set the same "
                    f"{len(chosen[left])} numbers")  # fmt: skip
        told = [f"{check}: {message}" for check, message in rare[:TOLD]]
        told.append(", ".join(f"{name} = {value}" for name, value in chosen[left][: 2 * TOLD]))
        draft = drafts.setdefault((left, right), Draft())
        draft.evidence.append(Evidence("answers", strength, sentence, tuple(told)))


def settings(work: Work) -> set[tuple[str, str]]:
    return {one for document in work.documents for one in document.tokens.settings}


# Pictures


def gather_pictures(entries: Sequence[Entry], rows: int, handout: Work, drafts: Drafts) -> None:
    """Photographs that show the same, and saved pictures with the same pixels."""
    for (left, right), shared in sights.alike([entry.work.pictures for entry in entries], handout.pictures).items():
        if left >= rows:
            continue
        strength = sum(rarity.weigh(one.count, len(entries)) for one in shared) / PICTURES_ENOUGH
        told = sorted({(one.left, one.right) for one in shared if rarity.weigh(one.count, len(entries)) > FEW})
        if strength < 0.5 or not told:
            continue
        draft = drafts.setdefault((left, right), Draft())
        draft.pictures = tuple(told)
        sentence = f"{counted(len(told), 'picture')} of one show{'s' * (len(told) == 1)} the same as the other's"
        draft.evidence.append(
            Evidence("pictures", strength, sentence, tuple(f"{one} and {other}" for one, other in told[:TOLD]))
        )


# Groups


def groups(made: Sequence[Pair]) -> list[tuple[str, ...]]:
    """Three or more of whom nearly all pairs are listed, the largest group first. A chain is no group."""
    others: dict[str, set[str]] = {}
    for pair in made:
        others.setdefault(pair.left, set()).add(pair.right)
        others.setdefault(pair.right, set()).add(pair.left)
    group_of: dict[str, frozenset[str]] = {}
    for pair in made:  # the strongest first
        joined = group_of.get(pair.left, frozenset([pair.left])) | group_of.get(pair.right, frozenset([pair.right]))
        if sum(len(others[one] & joined) for one in joined) >= DENSE * len(joined) * (len(joined) - 1):
            group_of.update(dict.fromkeys(joined, joined))
    distinct = {tuple(sorted(group)) for group in group_of.values() if len(group) > 2}
    return sorted(distinct, key=lambda group: (-len(group), group))
