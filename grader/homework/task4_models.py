"""Task 4: train the student's network on CIFAR-10 with the student's hyperparameters, and compare with the bars."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from grader.check import Subject, check, later
from grader.errors import Mismatch, Raised, Skipped, StudentError, Unrecorded
from grader.measure.expect import MORE, expect_accuracy
from grader.model import Figure

from . import data_in_code
from .prerequisites import LAYERS, NETWORK, ROUGH, STEP, ask_all, descends, keeps_from_learning, right, tell
from .training import BEST, OVERFIT, TRAIN, VALIDATION
from .training.curves import thinned

if TYPE_CHECKING:
    from .training import hyperparameters, trained_network, two_layer_run, words
    from .training.hyperparameters import BothRuns, Hyperparameters
    from .training.two_layer_run import Array, Outcome
else:
    hyperparameters = later(".training.hyperparameters", __package__)
    trained_network = later(".training.trained_network", __package__)
    two_layer_run = later(".training.two_layer_run", __package__)
    words = later(".training.words", __package__)

ITEM = {BEST: "4.2", OVERFIT: "4.3"}
JUDGED_BY = {BEST: VALIDATION, OVERFIT: TRAIN}
NOISE = {  # what fine noise in the weights means
    BEST: "Smooth patches are patterns that the unit looks for; fine noise is left over from the random start.",
    OVERFIT: "Fine noise shows that it memorized single images.",
}
FILES = ("layers.py", "two_layer_net.py", "train.py")
FILTERS = 12  # hidden units whose weights are drawn


@check("4.2", "train.main")
def best_model(hw: Subject, rng: np.random.Generator) -> None:
    """The best model reaches the required accuracy on the validation set."""
    judge(hw, rng, BEST)


@check("4.3", "train.main")
def overfit_model(hw: Subject, rng: np.random.Generator) -> None:
    """The overfit model reaches the required accuracy on the images it was trained on."""
    judge(hw, rng, OVERFIT)


def judge(hw: Subject, rng: np.random.Generator, run: str) -> None:
    """Train as main of train.py says for `run`, show the run, and compare its best epoch with the bar."""
    file = hw.read_apart(hyperparameters.read, hw.source("train.py"), about="train.py")
    found = file.best if run == BEST else file.overfit
    try:
        two_layer_run.probe(hw, rng)
        if hw.recording:
            record(hw, rng)
        expect_main(hw, found)
        outcome = trained(hw, run, file, found)
    except Raised as error:
        tell(error, keeps_from_learning(hw))
        raise
    of = JUDGED_BY[run]
    show(hw, outcome, run)
    if outcome.wrote:
        hw.advise(
            f"training_step writes to {' and '.join(outcome.wrote)} in place; a later user of the batch sees that"
        )
    ask_of_help(hw, outcome, run)
    other = JUDGED_BY[OVERFIT if run == BEST else BEST]
    if file.single and outcome.cleared(other) and not outcome.cleared(of):
        absent(hw, run, outcome)
    expect_bar(hw, run, outcome, file, found)
    expect_enough(hw, outcome, run)
    expect_network(hw, outcome, run)
    expect_descent(hw, rng, f"{of} accuracy of {outcome.best(of):.1%}")
    ask_of_gradients(hw, outcome, run, own_main=bool(found.unreadable))
    ask_of_files(hw)


def expect_bar(hw: Subject, run: str, outcome: Outcome, file: BothRuns, found: Hyperparameters) -> None:
    """Compare the best epoch with the bar. Raises Mismatch with the first cause that may explain a miss; the other
    causes become advice, so that the message stays short."""
    of = JUDGED_BY[run]
    defaults = hyperparameters.read(hw.handed_out("train.py")).best.values
    try:
        if not outcome.epochs:
            raise Mismatch(f"there is no {of} accuracy to judge")
        expect_accuracy(hw, f"{of} accuracy{on(hw.data(two_layer_run.IMAGES))}", outcome.best(of), bars(hw, run)[of])
    except Mismatch as miss:
        below = keeps_from_learning(hw)
        if outcome.end in words.CUT_BY and not below and not words.hopeless(outcome):
            why = words.CUT_BY[outcome.end]
            hw.review(f"the run {why} at {outcome.best(of):.1%}; a longer run might have cleared the bar")
        if line := next((one.line for one in found.unreadable.values() if one.why == hyperparameters.RETOUCHED), 0):
            hw.review(
                f"main changes the images before it trains (train.py:{line}), and its network was judged on images as "
                "load_cifar10 gives them; does it clear the bar on its own?"
            )
        if file.single and found.values != defaults:
            hw.review(f"train.py has only one setting, which clears neither bar; is there a model for {ITEM[run]}?")
        first, *others = words.why(outcome, of, defaults, below)
        for hint in others:
            hw.advise(hint)
        raise Mismatch(f"{miss.message}. {first}") from None


def ask_of_files(hw: Subject) -> None:
    """Ask a person, once, what the files hold or do that no training needs."""
    files = {name: hw.source(name) for name in FILES}
    for name in FILES:
        files |= hw.session.submission.helpers.get(name, {})
    for question in hw.read_apart(data_in_code.of_files, files, about="train.py"):
        hw.once(question, partial(hw.review, question))


def ask_of_gradients(hw: Subject, outcome: Outcome, run: str, *, own_main: bool) -> None:
    """Ask a person about a network that was not taught by the gradients which item 4.1 judges: training_step gives
    others in the run, or main does as well without them."""
    of = JUDGED_BY[run]
    reached = outcome.untaught.get(of, 0.0)
    if reached >= outcome.bars[of]:
        hw.review(
            f"main of train.py reaches a {of} accuracy of {reached:.1%} even with noise for gradients; where does the "
            f"{run} model's come from?"
        )
    if outcome.odd and own_main:
        hw.review(
            f"main of train.py gives training_step something else than rows of images and their labels, so the {run} "
            "model's gradients could not be compared; what does training_step do with it?"
        )
    least = two_layer_run.LIKE if own_main else two_layer_run.ALIKE
    if outcome.likeness < least and right(hw, STEP[0], ROUGH):
        hw.review(
            f"in the run of the {run} model, training_step gave other gradients than those of its batch (cosine "
            f"{outcome.likeness:.2f}), though they are right on small inputs; what does it do there?"
        )


def ask_of_help(hw: Subject, outcome: Outcome, run: str) -> None:
    """Ask a person where the network had help: predict is better than its parameters, or code other than the optimizer
    changed them. Neither counts in the accuracy."""
    for of, said in outcome.said.items():
        hw.review(
            f"predict of the {run} model is right for {said:.1%} of the {of} images, but its parameters give at most "
            f"{outcome.best(of):.1%}; where does the rest come from?"
        )
    if outcome.moved:
        hw.review(
            f"in the run of the {run} model, code other than the optimizer changed the network's parameters, which was "
            "undone; what is it for?"
        )


def expect_enough(hw: Subject, outcome: Outcome, run: str) -> None:
    """Ask a person about a network that overfits so few images that it could not do otherwise."""
    count, fewest = outcome.hyperparameters.get("num_train", math.inf), hw.settings_of(ITEM[OVERFIT])["fewest"]
    if run == OVERFIT and count < fewest:
        hw.review(f"the overfit model is trained on {count:g} image{'s' * (count != 1)}; is that an overfit model?")


def record(hw: Subject, rng: np.random.Generator) -> None:
    """Ask the reference what a run would ask it, and run nothing: the network is the student's. Raises Skipped."""
    keeps_from_learning(hw)
    ask_all(hw, LAYERS, NETWORK, STEP)
    descends(hw, rng)
    raise Skipped("the reference's answers were recorded, and nothing was trained")


def expect_network(hw: Subject, outcome: Outcome, run: str) -> None:
    """Check that the predictions follow from the network's parameters. Raises Skipped if the shapes of the parameters
    do not allow this check, Mismatch if other predictions follow. In both cases it also asks a person."""
    of = JUDGED_BY[run]
    accuracy, share, net = f"{of} accuracy of {outcome.best(of):.1%}", outcome.follows.get(of, 0.0), outcome.network
    explained = net is not None and share >= two_layer_run.FOLLOWS
    if net is None or not (net.whole or explained):
        hw.review(
            f"the {run} model's parameters have the shapes {outcome.shapes}, with which the grader cannot predict "
            f"itself; is the {accuracy} the network's?"
        )
        raise Skipped(
            f"the {accuracy} clears the bar, but parameters() has the shapes {outcome.shapes}, not those of two "
            "layers; a person will look"
        )
    if not explained:
        hw.review(f"the predictions of the {run} model do not follow from its parameters; where do they come from?")
        raise Mismatch(
            f"the {accuracy} does not come from the network: only {share:.0%} of its predictions follow from "
            "parameters() by two layers with ReLU; a person will look"
        )
    if net.activation != trained_network.RELU:
        hw.advise(f"the predictions follow from the parameters with {net.activation} between the two layers")


def expect_descent(hw: Subject, rng: np.random.Generator, accuracy: str) -> None:
    """Check that the network learned by its gradients: training_step could also write anything into the parameters.

    Raises Mismatch if the gradients do not lower the loss. If they cannot be computed, it asks a person.
    """
    try:
        learned = descends(hw, rng)
    except Unrecorded:
        hw.advise(MORE)
        return
    except StudentError as error:
        hw.review(f"the grader could not test whether training_step returns gradients: {error.message}")
        return
    if not learned:
        hw.review("the gradients that training_step returns do not lower the loss; how did the network learn?")
        raise Mismatch(
            f"the {accuracy} does not come from the gradients of training_step: on random batches they are zero or do "
            "not lower the loss; a person will look"
        )


def expect_main(hw: Subject, found: Hyperparameters) -> None:
    """Say which hyperparameters can only be found by running main. Raises Mismatch if there is no main, or if one is no
    number."""
    if not found.unreadable:
        return
    for name, unreadable in found.unreadable.items():
        if unreadable.why in (hyperparameters.TEXT, hyperparameters.NO_NUMBER):
            cure = ": write it without quotes" if unreadable.why == hyperparameters.TEXT else ""
            raise Mismatch(f"{name} {unreadable.why}{cure}", where=f"train.py:{unreadable.line}")
    name, unreadable = next(iter(found.unreadable.items()))
    if unreadable.why == hyperparameters.NO_MAIN:
        raise Mismatch("train.py has no function main, so there are no hyperparameters to train with")
    hw.advise(
        f"{name} {unreadable.why} (train.py:{unreadable.line}), so main was run as it is; the "
        "validation accuracy that it prints is of other images than those that count"
    )


def trained(hw: Subject, run: str, file: BothRuns, found: Hyperparameters) -> Outcome:
    """The run's outcome. A file with only one setting is trained once, and the run is compared with both bars."""
    first, second = (int(seed) for seed in hw.seeds.integers(1 << 32, size=2))
    if not file.single:
        return two_layer_run.runs(hw, found, ("--run", run), bars(hw, run), (first, second))
    both = bars(hw, BEST) | bars(hw, OVERFIT)
    return hw.once("single run", lambda: two_layer_run.runs(hw, found, (), both, (first, second)))


def bars(hw: Subject, run: str) -> dict[str, float]:
    return {JUDGED_BY[run]: hw.settings_of(ITEM[run])["accuracy"]}


def absent(hw: Subject, run: str, outcome: Outcome) -> None:
    """Raise Mismatch, because the file's only setting is for the other model. A person has to look for this one."""
    there = OVERFIT if run == BEST else BEST
    hw.review(
        f"train.py has only the {there} model; look for the {run} model in the student's report, and give its points"
    )
    raise Mismatch(
        f"not in the files: train.py's only setting clears the {there} model's bar "
        f"({outcome.best(JUDGED_BY[there]):.1%}), so it counts for item {ITEM[there]}; a person will look for the "
        f"{run} model"
    )


def on(images: Any) -> str:
    return " on stand-in data" if images.stand_in else ""


def show(hw: Subject, outcome: Outcome, run: str) -> None:
    """Draw the curves and the first layer's weights as figures of the check."""
    if not outcome.losses:
        return
    drawn = curves(outcome, JUDGED_BY[run]) | {"caption": words.caption(outcome)}
    hw.draw(Figure("curves", f"The {run} model in training{on(hw.data(two_layer_run.IMAGES))}", drawn))
    if outcome.network is not None and outcome.epochs:
        pictures = images_of(outcome.network.strongest(FILTERS), run)
        hw.draw(Figure("weights", "First-layer weights, one image for each hidden unit", pictures))


def curves(outcome: Outcome, of: str) -> dict[str, Any]:
    """Steps and losses, thinned by averaging; accuracies at each epoch's end; the bar."""
    return {
        **thinned(outcome.losses),
        "epochs": [epoch.steps for epoch in outcome.epochs],
        "training": [round(epoch.accuracy[TRAIN], 4) for epoch in outcome.epochs],
        "validation": [round(epoch.accuracy[VALIDATION], 4) for epoch in outcome.epochs],
        "judged": of,
        "bar": outcome.bars[of],
        "seed": outcome.seed,
        "settings": dict(outcome.hyperparameters),
    }


def images_of(weights: Array, run: str) -> Mapping[str, Any]:
    """Columns (3072,) as 32 x 32 RGB bytes in base64. Each uses the full range of values; a weight of 0 is grey."""
    largest = np.abs(weights).max(axis=0, initial=0.0)
    levels = np.round(127.5 + 127.5 * weights / np.where(largest > 0, largest, 1.0)).astype(np.uint8)
    pictures = levels.T.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return {
        "side": 32,
        "images": [base64.b64encode(picture.tobytes()).decode("ascii") for picture in pictures],
        "caption": f"Grey is a weight of 0; each image uses the full range of brightness. {NOISE[run]}",
    }
