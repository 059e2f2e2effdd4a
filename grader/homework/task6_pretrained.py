"""Task 6: two photographs, a pretrained network, and what it takes them for."""

from __future__ import annotations

import ast
import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader import notebook, pictures
from grader.check import check
from grader.errors import Mismatch, Partly, Skipped, StudentError
from grader.homework import imagenet
from grader.homework.notebook_run import handed_in, left_out
from grader.model import Figure
from grader.notebook import Notebook
from grader.session import words

Array = NDArray[Any]

PART2 = "part2.ipynb"
TIME = 60.0  # seconds on the clock for a notebook that classifies a few photographs
ALIKE = 0.5  # correlation of two lists of a thousand scores, from which on they are of the same photograph
TINY = 1e-3  # beside the spread of a picture that shows anything
SMALL = 160  # pixels of a thumbnail
TOP = 5
RESULT = re.compile(r"_?pred|^part[12]\b|plot|[{}]", re.IGNORECASE)  # pictures that a notebook writes
# Names that cameras, telephones and programs give, which say nothing of what a picture shows.
GENERIC = re.compile(
    r"(whatsapp|screen\s?shot|bildschirmfoto).*|"
    r"(img|images?|photos?|pic(ture)?s?|test|name|sample|dsc[fnp]?|pxl|mvimg|gopr|dji|p|download|unnamed)?"
    r"[\W\d_]*(wa\d+|mp|hdr)?",
    re.IGNORECASE,
)
PATTERN = re.compile(r"[*?\[\]]")  # in a name that stands for several files
CHOSEN = re.compile(r"im(a)?g(e)?_?[12]")
MOST_CALLS = 200  # of a network, that a student's process tells
NAMED, BROKEN = 100, 4  # photographs that a notebook may name, and that are found damaged before no more are tried
UNAVAILABLE = "weights unavailable: "  # as worker/vision.py says it
CURE = "hand them in beside the notebook"


@dataclass(frozen=True)
class Call:
    """One picture that the student's notebook gave to a network, as it went in and came out."""

    network: str
    training: bool
    spread: Array  # (3,) standard deviation of each channel of the input
    scores: Array  # (1000,)


@dataclass
class Photograph:
    """One of the two: its file, what the student says it shows, what the network says here and in the notebook."""

    name: str
    pixels: Array
    stated: str = ""
    scores: Array = field(default_factory=lambda: np.zeros(0))
    call: Call | None = None

    def said(self) -> str:
        return f"said to show {self.stated!r} and " if self.stated else ""

    def predicted(self, labels: list[str]) -> str:
        """The class that the notebook gets; where its run could not be repeated, the one that is got here."""
        return labels[int(np.argmax(self.call.scores if self.call is not None else self.scores))]


@check("6.1")
def images_present(hw: Any, rng: np.random.Generator) -> None:
    """Two photographs were handed in, and can be read."""
    student = handed_in(hw, PART2)
    named = opened(student, hw.session.submission.files)
    found, problems = readable(hw, named)
    if len(found) >= 2:
        return
    if found and len(named) == 1:
        raise Partly(f"{PART2} opens one photograph alone, {found[0].name}; two different ones are asked for", 0.5)
    told = " ".join(problems)
    shown = notebook.pictures(student)
    if shown:
        here = f"only {found[0].name} is" if found else "the photographs are not"
        missing = (
            f"of the photographs only {found[0].name} is here" if found else "the photographs themselves are missing"
        )
        hw.review(f"{here} in the submission; look at the pictures in {cells(shown)} of {PART2}")
        hw.advise(f"{PART2} shows its pictures, but {missing}; {CURE}. {told}".strip())
        return
    if found:
        raise Partly(f"one of the two photographs is here, {found[0].name}. {told}".strip(), 0.5)
    raise Mismatch(f"no photograph that {PART2} opens is in the submission; {CURE}. {told}".strip())


def cells(shown: list[tuple[int, bytes]]) -> str:
    """The cells of the last two pictures, in words."""
    numbers = list(dict.fromkeys(str(cell) for cell, _ in shown[-2:]))
    return f"cell{'s' * (len(numbers) > 1)} {' and '.join(numbers)}"


@check("6.1")
def images_run(hw: Any, rng: np.random.Generator) -> None:
    """Both were run through a network trained on ImageNet, prepared as it expects, in evaluation mode."""
    student = handed_in(hw, PART2)
    found = looked_at(hw, student)
    show(hw, found)
    called = [one.call for one in found if one.call is not None]
    if len(called) < 2:
        unrepeated(hw, student, found)
        return
    faults = list(dict.fromkeys(fault for one in found for fault in unprepared(one)))
    if faults:
        raise Partly(f"both photographs were run through {called[0].network}, but {'; '.join(faults)}", 0.5)


@check("6.1")
def one_right_one_wrong(hw: Any, rng: np.random.Generator) -> None:
    """The network gets one of the photographs right and the other wrong."""
    student = handed_in(hw, PART2)
    found = looked_at(hw, student)
    labels = imagenet.labels()
    if len(found) < 2:
        if not notebook.pictures(student):
            raise Mismatch(f"there are no two photographs to compare with what {PART2} predicts")
        hw.review(f"is one of the two predictions in {PART2} right and the other wrong?")
        raise Partly(
            "without the photographs, the grader cannot tell which prediction is right; a person will look", 0.5
        )
    said = [f"{one.name} is {one.said()}taken for {one.predicted(labels)!r}" for one in found]
    right = [imagenet.fits(one.stated, one.predicted(labels)) for one in found]
    hw.review(f"look at the photographs: {' and '.join(said)}")
    if not all(one.stated for one in found):
        raise Partly(f"{PART2} does not say in `names` what both photographs show; a person will look", 0.5)
    if right == [True, True]:
        raise Partly(f"both predictions fit: {' and '.join(said)}; one that is wrong is asked for", 0.5)
    if right == [False, False]:
        raise Partly(f"no prediction is in the words of its name: {' and '.join(said)}; a person will look", 0.5)


# The two photographs


def opened(student: Notebook, files: Mapping[str, bytes]) -> list[str]:
    """Names of the photographs that a notebook opens, in their order; those of `img1` and `img2` where there are more.

    A notebook that names none of those that are here, because it lists a folder or puts names together, has what lies
    beside it.
    """
    found: dict[str, str] = {}  # without regard to case, as the files are found
    chosen: dict[str, None] = {}
    for _, tree in notebook.trees(student):
        for statement in tree.body:
            by_name = any(map(CHOSEN.fullmatch, assigned(statement)))
            for name in constants(statement):
                found.setdefault(name.lower(), name)
                chosen |= {name.lower(): None} if by_name else {}
    names = [found[name] for name in (chosen if len(chosen) >= 2 else found)]
    there = {name.lower() for name in files}
    beside = sorted(name for name in files if name.lower().endswith(pictures.ENDINGS) and not RESULT.search(name))
    return names if any(name.lower() in there for name in names) or not beside else beside


def assigned(statement: ast.stmt) -> Iterator[str]:
    """The names that an assignment binds."""
    for target in statement.targets if isinstance(statement, ast.Assign) else ():
        yield from (node.id for node in ast.walk(target) if isinstance(node, ast.Name))


def constants(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 300:
            base = PurePath(node.value.replace("\\", "/")).name
            whole = PurePath(base).suffix and not PATTERN.search(base)  # no "*.jpg", no ".jpg" behind a name
            if whole and base.lower().endswith(pictures.ENDINGS) and not RESULT.search(base):
                yield base


def readable(hw: Any, names: list[str]) -> tuple[list[Photograph], list[str]]:
    """The first two that can be read, and a sentence for each that cannot."""
    there = {name.lower(): data for name, data in hw.session.submission.files.items()}
    found: list[Photograph] = []
    problems: list[str] = []
    for name in names[:NAMED]:
        if name.lower() not in there:
            problems.append(f"{name[:80]} is not in the submission.")
        elif len(found) < 2 and len(problems) < BROKEN:
            try:
                found.append(Photograph(name[:80], pictures.pixels(there[name.lower()], name[:80])))
            except Mismatch as error:
                problems.append(f"{error.message}.")
    return found, problems[:4]


def looked_at(hw: Any, student: Notebook) -> list[Photograph]:
    """The photographs with what the network says of them, here and in the notebook; worked out once.

    Raises Skipped without the network's weights.
    """
    if "photographs" in hw.kept:
        kept: list[Photograph] = hw.kept["photographs"]
        return kept
    weights = hw.weights
    if weights is None:
        raise Skipped(
            "weights unavailable: SqueezeNet's are not on this machine; `python grade.py data` says where from"
        )
    found, _ = readable(hw, opened(student, hw.session.submission.files))
    for one in found:
        one.scores = imagenet.scores(weights, one.pixels)
    names, calls = repeated(hw, student, found, weights) if found else ([], [])
    for at, one in enumerate(found):
        stated = names[at] if at < len(names) else PurePath(one.name).stem
        one.stated = "" if GENERIC.fullmatch(stated) else stated
    assign(found, calls)
    hw.kept["photographs"] = found
    return found


def repeated(hw: Any, student: Notebook, found: list[Photograph], weights: Any) -> tuple[list[str], list[Call]]:
    """The notebook, run here: what it calls the photographs, and what its network was given."""
    order = {"name": PART2, "cells": student.code, "seed": 1, "labels": imagenet.labels()}
    try:
        going = hw.session.pretrained(order, {one.name: one.pixels for one in found}, weights, TIME)
        seen = going.tell("seen")
    except StudentError as error:
        hw.advise(f"{PART2} could not be run here: {error.message}")
        return stated(student), []
    finally:
        hw.session.renew()
    seen = seen if isinstance(seen, dict) else {}
    problems = left_out(seen.get("problems"))
    for cell, line, problem in problems[:2]:
        hw.advise(f"cell {cell}, line {line}, could not be run here: {problem}")
    hw.kept["unavailable"] = next((text for _, _, text in problems if UNAVAILABLE in text), "")
    names = seen.get("names")
    given = [name for name in names if type(name) is str] if isinstance(names, list | tuple) else []
    return given or stated(student), list(calls(seen.get("calls")))


def calls(rows: Any) -> Iterator[Call]:
    """The calls as a student's process tells them; what is not in their form is left out."""
    for row in rows[:MOST_CALLS] if isinstance(rows, list) else []:
        if isinstance(row, dict) and numbers(row.get("spread"), 3) and numbers(row.get("scores"), 1000):
            yield Call(words(row.get("network"), 80), row.get("training") is True, row["spread"], row["scores"])


def numbers(array: Any, count: int) -> bool:
    fits = isinstance(array, np.ndarray) and array.shape == (count,) and array.dtype == np.float64
    return fits and bool(np.isfinite(array).all())


def stated(student: Notebook) -> list[str]:
    """The list that the notebook assigns to `names`, as it is written there."""
    for _, tree in notebook.trees(student):
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and "names" in assigned(node):
                try:
                    value = ast.literal_eval(node.value)
                except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                    continue  # what no list of names is written like
                return [str(name)[:80] for name in value] if isinstance(value, (list, tuple)) else []
    return []


def assign(found: list[Photograph], calls: list[Call]) -> None:
    """Give each photograph its call: the last of those whose scores are more like its own than like another's.

    The last, because a person tries more than once; and any two photographs are somewhat alike.
    """
    for call in calls if found else []:
        alike = [float(np.corrcoef(call.scores, one.scores)[0, 1]) for one in found]
        closest = int(np.argmax(alike))
        if alike[closest] > ALIKE:
            found[closest].call = call


# What is said of them


def unprepared(one: Photograph) -> Iterator[str]:
    """What is not as the network expects it; an input tells by its spread whether it is normalized:
    that is some four times as wide, whatever was cut away, and that of bytes 255 times."""
    if one.call is None:
        return
    if one.call.training:
        yield "the network was in training mode, in which dropout changes its answers: call model.eval()"
    share = one.pixels.reshape(-1, 3).std(0) / 255
    kinds = {
        "": 1 / imagenet.DEVIATION,
        "its input was not normalized by ImageNet's mean and standard deviation": np.ones(3),
        "its input was given as bytes, neither scaled to [0, 1] nor normalized": np.full(3, 255.0),
    }
    wider = np.log((one.call.spread + TINY) / (share + TINY))
    nearest = min(kinds, key=lambda kind: float(np.abs(wider - np.log(kinds[kind])).sum()))
    if nearest:
        yield nearest


def unrepeated(hw: Any, student: Notebook, found: list[Photograph]) -> None:
    """What the saved pictures show where the notebook's own run could not be repeated. Raises Mismatch with none."""
    lacking = hw.kept.get("unavailable", "")
    but = f" ({lacking.partition(': ')[2]})" if lacking else ""
    if notebook.pictures(student):
        hw.review(f"do the pictures in {PART2} show both photographs with the class that a network predicts?{but}")
        return
    if lacking:
        hw.review(f"{PART2} could not be run here{but}, and holds no picture; does it say what its network predicts?")
    which = "no photograph" if not found else "not both photographs"
    raise Mismatch(
        f"{which} reached a network trained on ImageNet when {PART2} was run here{but}, and it shows no result"
    )


def show(hw: Any, found: list[Photograph]) -> None:
    """Each photograph as a thumbnail, with the five classes that the network finds most probable."""
    labels = imagenet.labels()
    for one in found:
        share = imagenet.probabilities(one.scores)
        top = np.argsort(-share)[:TOP]
        small = pictures.thumbnail(one.pixels, SMALL)
        agrees = one.call is not None and int(np.argmax(one.call.scores)) == int(top[0])
        own = (
            "" if agrees or one.call is None else f" The notebook's own preparation makes it {one.predicted(labels)!r}."
        )
        hw.draw(
            Figure(
                "bars",
                f"{one.name}, said to show {one.stated!r}" if one.stated else one.name,
                {
                    "classes": [labels[at] for at in top],
                    "probabilities": [round(float(share[at]), 4) for at in top],
                    "size": [small.shape[1], small.shape[0]],
                    "image": base64.b64encode(small.tobytes()).decode("ascii"),
                    "caption": f"SqueezeNet 1.1, run by the grader with the preparation that it was trained with.{own}",
                },
            )
        )
