"""Task 6: two photographs, and what a pretrained network predicts for them."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from grader.check import Subject, check, later
from grader.errors import Mismatch, Partly, Skipped, StudentError
from grader.intake import picture
from grader.model import Figure

from .training.curves import TRAINING

if TYPE_CHECKING:
    from .notebooks import handed_in, imagenet, photographs
    from .notebooks.photographs import Call, Photograph
    from .notebooks.survey import Survey
else:
    handed_in = later(".notebooks.handed_in", __package__)
    imagenet = later(".notebooks.imagenet", __package__)
    photographs = later(".notebooks.photographs", __package__)

PART2 = "part2.ipynb"
WEIGHTS = "squeezenet"  # its name in rubric.yaml
TIME = 60.0  # seconds on the clock for a notebook that classifies a few photographs
TINY = 1e-3  # much less than the standard deviation of any real picture
LEAST = 40  # pixels: least width and height of a saved picture that shows a photograph
SMALL = 160  # pixels of a thumbnail
TOP = 5
UNAVAILABLE = "weights unavailable: "  # the words of worker/vision.py
FAILED = f"{PART2} gave no picture to a network when it was run here, because some of its code failed"
CURE = "hand them in beside the notebook"


@dataclass(frozen=True)
class Ran:
    """A run of the notebook by the grader."""

    names: Sequence[str] = ()  # what the notebook says that the photographs show
    calls: Sequence[Call] = ()
    whole: bool = False  # nothing failed, so what it did not do here, it does on no machine
    lacking: str = ""  # weights that it needs and that are not here, in words


@check("6.1")
def images_present(hw: Subject, rng: np.random.Generator) -> None:
    """Two photographs were handed in and can be read."""
    student = handed_in.handed_in(hw, PART2)
    found, problems = opened(hw, student)
    if len(found) >= 2:
        return
    if found and not problems:
        raise Partly(f"{PART2} opens only one photograph, {found[0].name}; the task asks for two", 0.5)
    told = " ".join(problems)
    if evident(student):
        here = f"only {found[0].name} is" if found else "the photographs are not"
        missing = f"only {found[0].name} is in the submission" if found else "the photographs themselves are missing"
        hw.review(f"{here} in the submission; look at the pictures in {cells(student)} of {PART2}")
        hw.advise(f"{PART2} shows its pictures, but {missing}; {CURE}. {told}".strip())
        return
    if found:
        raise Partly(f"one of the two photographs is here, {found[0].name}. {told}".strip(), 0.5)
    raise Mismatch(f"no photograph that {PART2} opens is in the submission; {CURE}. {told}".strip())


def evident(student: Survey) -> bool:
    """Whether a saved picture shows anything: an empty one, or one that cannot be decoded, is no result."""
    return any(min(one.height, one.width) >= LEAST and not one.blank for one in student.pictures)


def opened(hw: Subject, student: Survey) -> tuple[list[Photograph], tuple[str, ...]]:
    """The readable photographs that the notebook opens, and a sentence for each that cannot be read."""
    files = hw.session.submission.files
    names = photographs.opened(student.mentioned, files)
    wanted = {name.lower() for name in names}
    here = {name: files[name] for name in files if name.lower() in wanted}  # read now: a reader's looks are not seen
    found, problems = hw.read_apart(photographs.readable, here, names, about=f"a photograph of {PART2}")
    return list(map(photographs.Photograph.of, found)), problems


def cells(student: Survey) -> str:
    """The last two cells that show predictions, in words; if there are none, the last two that show a picture."""
    said = {cell.number for cell in student.cells if cell.outputs and imagenet.named(cell.text)}
    predicting = sorted(said.union(student.predicting))
    shown = list(dict.fromkeys(one.cell for one in student.pictures))
    last = [cell for cell in shown if cell in predicting][-2:] or predicting[-2:] or shown[-2:]
    return f"cell{'s' * (len(last) > 1)} {' and '.join(map(str, last))}"


@check("6.1")
def images_run(hw: Subject, rng: np.random.Generator) -> None:
    """Both were given to a network trained on ImageNet, in evaluation mode and with the right preprocessing."""
    student = handed_in.handed_in(hw, PART2)
    two, ran = looked_at(hw, student)
    show(hw, two)
    called = [one.call for one in two if one.call is not None]
    if len(called) < 2:
        unseen(hw, student, two, ran)
        return
    faults = list(dict.fromkeys(fault for one in two for fault in unprepared(one)))
    if faults:
        raise Partly(f"both photographs were given to {called[0].network}, but {'; '.join(faults)}", 0.5)


@check("6.1")
def one_right_one_wrong(hw: Subject, rng: np.random.Generator) -> None:
    """The network gets one of the photographs right and the other wrong."""
    student = handed_in.handed_in(hw, PART2)
    two, ran = looked_at(hw, student)
    expect_predicted(hw, student, two, ran)
    labels = imagenet.labels()
    said = " and ".join(one.told(labels) for one in two)
    right = [imagenet.fits(one.stated, one.predicted(labels)) for one in two]
    hw.review(f"look at the photographs: {said}")
    if not all(one.stated for one in two):
        raise Partly(f"{PART2} does not say in `names` what both photographs show; a person will look", 0.5)
    if right == [True, True]:
        raise Partly(f"both predictions fit the names: {said}; the task asks for one wrong prediction", 0.5)
    if right == [False, False] and any(one.by_file for one in two):  # a file's name need not say what it shows
        raise Skipped(
            f"{PART2} does not say in `names` what the photographs show; this costs no points: a person will look"
        )
    if right == [False, False]:
        raise Partly(f"no prediction shares a word with its photograph's name: {said}; a person will look", 0.5)


def expect_predicted(hw: Subject, student: Survey, two: list[Photograph], ran: Ran) -> None:
    """Raise unless a network predicted a class for both photographs: Mismatch if the notebook cannot have done so, else
    Partly or Skipped with a question."""
    if len(two) < 2:
        if ran.whole or not evident(student):
            raise Mismatch(f"two photographs are needed to judge the predictions of {PART2}")
        hw.review(f"is one of the two predictions in {PART2} right and the other wrong?")
        raise Partly(
            "without the photographs, the grader cannot tell which prediction is right; a person will look", 0.5
        )
    unpredicted = [one.name for one in two if one.call is None]
    if ran.whole and unpredicted:
        raise Mismatch(f"{PART2} does not predict a class for {' and '.join(unpredicted)} by a trained network")
    if len(unpredicted) == 1 and not ran.lacking:
        hw.review(f"{only(two, ran)}; does {cells(student)} show a prediction for {unpredicted[0]}?")
        raise Partly(f"the grader saw no prediction by {PART2} for {unpredicted[0]}; a person will look", 0.5)
    if unpredicted and failed(two, ran):
        if not evident(student):
            raise Mismatch(f"{FAILED}, and it shows no result")
        handed_in.hold(
            hw, f"is one of the two predictions in {PART2} right and the other wrong? look at {cells(student)}", FAILED
        )


# The notebook, run


def looked_at(hw: Subject, student: Survey) -> tuple[list[Photograph], Ran]:
    """The two photographs, with the network's predictions by the grader and by the notebook; computed once."""
    return hw.once("looked at", lambda: look_at(hw, student))


def look_at(hw: Subject, student: Survey) -> tuple[list[Photograph], Ran]:
    weights = hw.data(WEIGHTS)
    found, _ = opened(hw, student)
    for one in found:
        one.scores = imagenet.scores(weights, one.pixels)
    ran = repeated(hw, student, found, weights) if found else Ran()
    photographs.assign(found, ran.calls)
    two = photographs.last_two(found)
    photographs.state(found, two, ran.names, student.truths)
    return two, ran


def repeated(hw: Subject, student: Survey, found: list[Photograph], weights: Any) -> Ran:
    """Run the notebook here: what it says that the photographs show, and what it gave to its network."""
    order = {"name": PART2, "cells": student.code, "seed": 1, "labels": imagenet.labels()}
    pictures = {name: one.pixels for one in found for name in (one.name, *one.also)}
    files = {f"hub/checkpoints/{weights.name}": weights}
    try:
        going = hw.session.drive("pretrained_run", order, pictures, files=files, subject=TRAINING, seconds=TIME)
        seen = going.tell("seen")
    except StudentError as error:
        hw.advise(f"{PART2} could not be run here: {error.message}")
        return Ran()
    finally:
        hw.session.renew()
    seen = seen if isinstance(seen, dict) else {}
    problems = handed_in.left_out(hw, seen.get("problems"))
    for cell, line, problem in problems[:2]:
        hw.advise(f"cell {cell}, line {line}, could not be run here: {problem}")
    lacking = next((text for _, _, text in problems if UNAVAILABLE in text), "").partition(": ")[2]
    names = seen.get("names")
    given = [name for name in names if type(name) is str] if isinstance(names, list | tuple) else []
    return Ran(given, list(photographs.calls(seen.get("calls"))), not problems, lacking)


# What is said of them


def unprepared(one: Photograph) -> Iterator[str]:
    """Yield what is wrong with the network's mode or input. The standard deviation of an input shows its preprocessing:
    normalized it is about four times that of pixels in [0, 1], and for bytes 255 times, whatever was cropped."""
    if one.call is None:
        return
    if one.call.training:
        yield "the network was in training mode, where dropout changes its output: call model.eval()"
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


def unseen(hw: Subject, student: Survey, two: list[Photograph], ran: Ran) -> None:
    """The run did not show that both photographs reached a network: say why, or ask a person about the saved results.
    Raises Mismatch or Partly; Skipped if only weights are missing."""
    if ran.whole:
        raise unreached(hw, two, ran)
    if len(two) == 2 and any(one.call for one in two) and not ran.lacking:
        hw.review(f"{only(two, ran)}; did the student's own run use the other one as well?")
        raise Partly(f"{only(two, ran)}; the task asks for two, and a person will look", 0.5)
    but = f" ({ran.lacking})" if ran.lacking else ""
    asked = ""
    if evident(student):
        asked = (
            f"do the pictures in {PART2} show both photographs with the class that a network predicts?{but} look at "
        )
        asked += cells(student)
    elif two and any(imagenet.named(cell.text) for cell in student.cells):
        asked = f"does the printed output of {PART2} say which class a network predicts for each photograph?{but}"
    if asked and failed(two, ran):
        handed_in.hold(hw, asked, FAILED)
    if asked:
        hw.review(asked)
        return
    if ran.lacking:
        hw.review(f"{PART2} could not be run here{but}, and shows no result; does it say what its network predicts?")
        raise Skipped(f"{ran.lacking}, so {PART2} could not be run; a person will look")
    which = "not both photographs" if two else "no photograph"
    raise Mismatch(f"{which} reached a network trained on ImageNet when {PART2} was run here, and it shows no result")


def failed(two: list[Photograph], ran: Ran) -> bool:
    """Whether all that a run needs is here, but the notebook's code failed before it asked a network."""
    return len(two) == 2 and not ran.whole and not ran.lacking


def only(two: list[Photograph], ran: Ran) -> str:
    """A clause on the only photograph that reached the network."""
    name = next(one.name for one in two if one.call is not None)
    return f"{PART2} gave only {name} to a trained network when it was run here" + " to its end" * ran.whole


def unreached(hw: Subject, two: list[Photograph], ran: Ran) -> Mismatch | Partly:
    """Why a notebook that ran to its end did not bring both photographs to a trained network."""
    called = [one for one in two if one.call is not None]
    if called:
        return Partly(
            f"{PART2} ran to its end and gave only {called[0].name} to a trained network; the task asks for two", 0.5
        )
    if not ran.calls:
        hw.review(f"{PART2} gives no picture to a network when it is run here; where do its results come from?")
        return Mismatch(f"{PART2} ran to its end and gave no picture to a network of a thousand classes")
    hw.review(f"does {PART2} load weights that were trained on ImageNet? its scores are not like those of SqueezeNet")
    return Mismatch(
        f"{PART2} gave pictures to {ran.calls[-1].network}, but its scores are not those of a trained network: "
        "are the weights loaded?"
    )


def show(hw: Subject, found: list[Photograph]) -> None:
    """Draw each photograph as a thumbnail, with the five most probable classes."""
    labels = imagenet.labels()
    for one in found:
        share = imagenet.probabilities(one.scores)
        top = np.argsort(-share)[:TOP]
        small = picture.thumbnail(one.pixels, SMALL)
        agrees = one.call is not None and int(np.argmax(one.call.scores)) == int(top[0])
        own = "" if agrees or one.call is None else f" With the notebook's preprocessing: {one.predicted(labels)!r}."
        hw.draw(
            Figure(
                "bars",
                f"{one.name}, said to show {one.stated!r}" if one.stated and not one.by_file else one.name,
                {
                    "classes": [labels[at] for at in top],
                    "probabilities": [round(float(share[at]), 4) for at in top],
                    "size": [small.shape[1], small.shape[0]],
                    "image": base64.b64encode(small.tobytes()).decode("ascii"),
                    "caption": f"SqueezeNet 1.1, run by the grader with the preprocessing of its training.{own}",
                },
            )
        )
