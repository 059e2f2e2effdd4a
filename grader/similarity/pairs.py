"""Who shares what with whom, and how rare that is: pairs and groups with sentences, for a person to judge.

Each kind of evidence has a strength of its own; at 1 it is enough to show a pair. `pairs` is plain: data in, frozen data
out. It reads no file and decides nothing about points.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from grader.similarity import rarity, sights
from grader.similarity.rarity import Codes, Handout, Prints, weigh
from grader.similarity.work import Work

Kind = Literal["code", "outputs", "pictures", "answers"]
TOKENS_ENOUGH = 60.0  # rare tokens of code that show a pair: about nine lines
RUNS_ENOUGH = 4.0  # rare pairs of successive numbers: a run of five
ANSWERS_ENOUGH = 2.0  # one rare wrong answer, and all settings alike
LEAST_SETTINGS = 3  # so many settings say something together
NEAREST = 40  # most others whose code a student's is compared with line by line
TOLD = 6  # most things that a sentence lists


@dataclass(frozen=True, slots=True)
class Entry:
    """A student's work in the comparison. `label` is unique; `year` names an earlier folder, "" for this class.

    `answers` are the wrong answers that the grader saw: (check, sentence). `people` are the ids of all who handed it in.
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
    """Lines of a file that are shared: `rare` are those that nobody else has, `shared` those that few others have."""

    file: str
    rare: tuple[int, ...]
    shared: tuple[int, ...]


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
    """All pairs, the strongest first; groups of those that pairs connect, the largest first; how many were compared."""

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
    for gather in (code, outputs, answers, pictures):
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


def code(entries: Sequence[Entry], rows: int, handout: Work, drafts: Drafts) -> None:
    tokens = [[one.tokens for one in entry.work.documents] for entry in entries]
    given = [one.tokens for one in handout.documents]
    known = rarity.known_names(tokens, given)
    taken_out = Handout.of(given, known)
    found = [rarity.prints(one, known, taken_out) for one in tokens]
    values, count = rarity.shares([np.unique(one.hashes) for one in found])
    weight = rarity.weights(count, len(entries))
    values, count, weight = values[weight > 0], count[weight > 0], weight[weight > 0]
    held = [rarity.places(one.hashes, values) for one in found]
    scale = Scale(count, weight, len(entries))
    for left, right in candidates(rarity.shared_weight([np.unique(one[one >= 0]) for one in held], weight, rows)):
        both = np.intersect1d(held[left], held[right])
        sides = [side(entries[at].work, found[at], held[at], both[both >= 0], scale) for at in (left, right)]
        tokens_shared = min(one.tokens for one in sides)
        rare, few = (min(sum(len(getattr(mark, name)) for mark in one.lines) for one in sides)
                     for name in ("rare", "shared"))  # fmt: skip
        if tokens_shared >= TOKENS_ENOUGH / 4:
            draft = drafts.setdefault((left, right), Draft())
            draft.left_lines, draft.right_lines = sides[0].lines, sides[1].lines
            draft.evidence.append(
                Evidence("code", float(tokens_shared / TOKENS_ENOUGH), code_sentence(rare, few), files_of(sides))
            )


@dataclass(frozen=True, slots=True)
class Scale:
    """For each shared fingerprint, by its place: how many have it, and its weight; how many there are in all."""

    count: NDArray[np.int64]
    weight: NDArray[np.float64]
    everyone: int


@dataclass(frozen=True, slots=True)
class Side:
    """What one of two has of what both share: tokens by weight, and lines."""

    tokens: float
    lines: tuple[Marked, ...]


def candidates(shared: NDArray[np.float32]) -> Iterator[tuple[int, int]]:
    """The pairs worth a close look: those of each student with the others who share most with him or her."""
    seen = set()
    for left, row in enumerate(shared):
        row[left] = 0
        for right in np.argsort(-row)[:NEAREST]:
            if row[right] * rarity.LENGTH >= TOKENS_ENOUGH / 8:
                seen.add((min(left, int(right)), max(left, int(right))))
    yield from sorted(seen)


def side(work: Work, found: Prints, held: NDArray[np.int64], both: NDArray[np.int64], scale: Scale) -> Side:
    """What a work has of the fingerprints `both`."""
    at = np.flatnonzero(np.isin(held, both))
    total, lines = 0.0, []
    for number, document in enumerate(work.documents):
        here = at[found.files[at] == number]
        if not len(here):
            continue
        worth = np.zeros(len(document.tokens.codes))
        alone = np.zeros(len(worth), bool)
        for place in here:
            part, print_ = slice(found.starts[place], found.ends[place]), held[place]
            np.maximum(worth[part], scale.weight[print_], out=worth[part])
            alone[part] |= scale.count[print_] == 2
        worth *= found.own[number]
        total += float(worth.sum())
        lines.append(marked(document.name, document.tokens.lines, found.own[number], worth > 0, alone))
    return Side(total, tuple(one for one in lines if one.rare or one.shared))


def marked(
    name: str,
    lines: NDArray[np.int32],
    own: NDArray[np.bool_],
    shared: NDArray[np.bool_],
    alone: NDArray[np.bool_],
) -> Marked:
    """The lines of which at least half the student's own tokens are shared."""
    size = int(lines.max(initial=0)) + 1
    whole, part, only = (np.bincount(lines[mask], minlength=size) for mask in (own, own & shared, own & alone))
    rare = (whole > 0) & (2 * only >= whole)
    few = (whole > 0) & (2 * part >= whole) & ~rare
    return Marked(name, tuple(map(int, np.flatnonzero(rare))), tuple(map(int, np.flatnonzero(few))))


def code_sentence(rare: int, few: int) -> str:
    told = [f"{counted(rare, 'line')} that no one else in the class has"] * (rare > 0)
    told += [f"{counted(few, 'line')} that few others have"] * (few > 0)
    return f"they share {' and '.join(told) or 'parts of lines that few others have'}"


def files_of(sides: Sequence[Side]) -> tuple[str, ...]:
    """Where the lines are, on both sides."""
    return tuple(f"{', '.join(one.file for one in part.lines[:TOLD])}" for part in sides)


def counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


# Saved outputs


def outputs(entries: Sequence[Entry], rows: int, handout: Work, drafts: Drafts) -> None:
    """Successive numbers that were printed alike, to the last digit."""
    common = set(runs(handout))
    held = {at: [run for run in runs(entry.work) if run not in common] for at, entry in enumerate(entries)}
    for (left, right), values in together(held, rows, len(entries)).items():
        strength = sum(weight for _, weight in values) / RUNS_ENOUGH
        numbers = dict.fromkeys(number for run, weight in values if weight > 0.5 for number in run)
        if strength >= 0.5 and numbers:
            sentence = f"their saved outputs hold the same {counted(len(numbers), 'number')} to the last digit"
            draft = drafts.setdefault((left, right), Draft())
            draft.evidence.append(Evidence("outputs", strength, sentence, tuple(list(numbers)[:TOLD])))


def runs(work: Work) -> Iterator[tuple[str, str]]:
    """Each two different numbers that follow each other in a file's outputs."""
    for _, numbers in work.numbers:
        yield from ((one, other) for one, other in pairwise(numbers) if one != other)


def together(
    held: Mapping[int, Iterable[object]], rows: int, everyone: int
) -> dict[tuple[int, int], list[tuple[tuple[str, ...], float]]]:
    """The values that two have and most do not, with their weights; the first of the two is in this class."""
    found: dict[tuple[int, int], list[tuple[tuple[str, ...], float]]] = {}
    for value, who in rarity.by_value(held).items():
        weight = weigh(len(who), everyone)
        if len(who) < 2 or weight == 0:
            continue
        for at, left in enumerate(who):
            if left < rows:
                for right in who[at + 1 :]:
                    found.setdefault((left, right), []).append((value, weight))  # type: ignore[arg-type]
    return found


# Wrong answers and settings


def answers(entries: Sequence[Entry], rows: int, handout: Work, drafts: Drafts) -> None:
    """Wrong answers alike, together with all settings alike."""
    default = settings(handout)
    chosen = [tuple(sorted(settings(entry.work) - default)) for entry in entries]
    alike = rarity.by_value({at: [one] for at, one in enumerate(chosen) if len(one) >= LEAST_SETTINGS})
    held = {at: entry.answers for at, entry in enumerate(entries)}
    for (left, right), values in together(held, rows, len(entries)).items():
        if chosen[left] != chosen[right] or chosen[left] not in alike:
            continue
        wrong = sum(weight for _, weight in values)
        same = weigh(len(alike[chosen[left]]), len(entries))
        strength = (min(wrong, 1.0) + same) / ANSWERS_ENOUGH + max(0.0, wrong - 1) / ANSWERS_ENOUGH
        rare = [value for value, weight in values if weight > 0.5]
        if rare and strength >= 0.5:
            sentence = (f"they give the same {counted(len(rare), 'rare wrong answer')} and set the same "
                        f"{len(chosen[left])} numbers")  # fmt: skip
            told = [f"{check}: {message}" for check, message in rare[:TOLD]]
            told.append(", ".join(f"{name} = {value}" for name, value in chosen[left][: 2 * TOLD]))
            draft = drafts.setdefault((left, right), Draft())
            draft.evidence.append(Evidence("answers", strength, sentence, tuple(told)))


def settings(work: Work) -> set[tuple[str, str]]:
    return {one for document in work.documents for one in document.tokens.settings}


# Pictures


def pictures(entries: Sequence[Entry], rows: int, handout: Work, drafts: Drafts) -> None:
    """Photographs that show the same, and saved pictures with the same pixels."""
    for (left, right), shared in sights.alike([entry.work.pictures for entry in entries], handout.pictures).items():
        if left >= rows:
            continue
        strength = sum(weigh(one.count, len(entries)) for one in shared)
        told = sorted({(one.left, one.right) for one in shared if weigh(one.count, len(entries)) > 0.25})
        if strength < 0.5 or not told:
            continue
        draft = drafts.setdefault((left, right), Draft())
        draft.pictures = tuple(told)
        sentence = f"{counted(len(told), 'picture')} of one show{'s' * (len(told) == 1)} the same as the other's"
        draft.evidence.append(
            Evidence("pictures", strength, sentence, tuple(f"{one} and {other}" for one, other in told[:TOLD]))
        )


# Groups


def groups(made: Iterable[Pair]) -> list[tuple[str, ...]]:
    """Three or more whom pairs connect, the largest group first."""
    group_of: dict[str, set[str]] = {}
    for pair in made:
        joined = group_of.get(pair.left, {pair.left}) | group_of.get(pair.right, {pair.right})
        group_of.update(dict.fromkeys(joined, joined))
    distinct = {tuple(sorted(group)) for group in group_of.values() if len(group) > 2}
    return sorted(distinct, key=lambda group: (-len(group), group))
