"""Sentences about a two-layer network's run: pure functions of its Outcome.

A sentence says what was measured, the likely cause, and what to change. It does not give a solution's settings away.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from . import TRAIN, VALIDATION
from .curves import CHANCE, falling
from .loop import End
from .two_layer_run import GAP, Outcome

# If a run learns nothing, these are suspected: a learning_rate up to SLOW or from FAST on, reg from STRONG on,
# hidden_dim up to FEW.
SLOW, FAST, STRONG, FEW = 1e-3, 0.3, 0.1, 16
CUT_BY = {End.BUDGET: "hit its time limit", End.ASLEEP: "was stopped because it waited"}
ENOUGH = 5  # epochs; a network that has learned nothing by then will not

Values = Mapping[str, float]


def why(outcome: Outcome, of: str, defaults: Values, below: str = "") -> list[str]:
    """Sentences on why a run misses its bar and what to change, the most important first.

    `below` says that the network itself is wrong. Then only measurements are added to it, because no setting is to
    blame yet.
    """
    measured = [*([f"{explosion(outcome)}."] if outcome.end is End.DIVERGED else []), *overwritten(outcome)]
    sentences = [below, *measured] if below else causes(outcome, of, defaults)
    return [sentence[0].upper() + sentence[1:] for sentence in sentences]


def causes(outcome: Outcome, of: str, defaults: Values) -> Iterator[str]:
    settings = outcome.hyperparameters
    if outcome.end is End.DIVERGED:
        yield exploded(outcome)
        return
    if outcome.end in (End.ASLEEP, End.BUDGET) and not hopeless(outcome):
        yield from cut(outcome)
        return
    yield from overwritten(outcome)
    if outcome.at_chance():
        yield from nothing_learned(settings, defaults)
    elif of == TRAIN:
        yield too_little_overfitting(settings)
    elif outcome.overfits():
        yield (
            f"training accuracy is {outcome.best(TRAIN):.0%}, so it overfits: train on more images (num_train), or "
            "regularize more (reg)."
        )
    elif falling(outcome.losses, 4):
        yield "the loss was still falling: train longer (num_epochs) or with a larger learning_rate."
    elif settings.get("reg", 0.0) >= STRONG:
        yield f"it underfits: {strong(settings, defaults)}."
    else:
        yield (
            "the loss has stopped falling, so it underfits: try a larger hidden_dim, less reg or another learning_rate."
        )


def overwritten(outcome: Outcome) -> Iterator[str]:
    if outcome.moved:
        yield "your code changed the network itself, which was undone."
    if outcome.wrote:
        yield f"your training_step writes to its input {' and '.join(outcome.wrote)}; work on a copy."


def hopeless(outcome: Outcome) -> bool:
    """Whether more training would not help a run that hit its limit: it saw its images often enough, and learned too
    little."""
    enough = len(outcome.epochs) >= ENOUGH
    return outcome.end is End.BUDGET and enough and (outcome.at_chance() or not any(map(outcome.learns, outcome.bars)))


def explosion(outcome: Outcome) -> str:
    """What was measured in a run whose loss exploded."""
    last = outcome.losses[-1] if outcome.losses else math.nan
    became = f"grew to {last:.2g}" if math.isfinite(last) else f"became {last}"
    return f"the loss {became} after {len(outcome.losses)} steps"


def exploded(outcome: Outcome) -> str:
    rate = outcome.hyperparameters.get("learning_rate")
    if rate is not None and rate < 0:
        return f"{explosion(outcome)}: learning_rate {rate:g} is negative, so steps go up the gradient."
    if outcome.hyperparameters.get("reg", 0.0) < 0:
        return f"{explosion(outcome)}: {inverted(outcome.hyperparameters)}."
    high = f"learning_rate {rate:g} is probably too high" if rate is not None else "learning_rate is probably too high"
    return f"{explosion(outcome)}: {high}; try a tenth."


def cut(outcome: Outcome) -> Iterator[str]:
    if outcome.end is End.ASLEEP:
        yield (
            f"the run was stopped after {outcome.wall:.0f} s, because it computed for only {outcome.cpu:.1f} s: does "
            "your code wait?"
        )
        return
    wanted = outcome.hyperparameters.get("num_epochs")
    of = f" of {wanted:g}" if wanted else ""
    yield (
        f"the run was stopped in epoch {len(outcome.epochs)}{of}, after {outcome.cpu:.0f} CPU seconds; "
        "its best epoch counts."
    )
    yield "training is faster with fewer images (num_train) or a smaller hidden_dim."


def nothing_learned(settings: Values, defaults: Values) -> Iterator[str]:
    """The settings that keep a network at chance level, and whether they are the handout's own."""
    hints = []
    rate, reg, hidden = (settings.get(name, math.nan) for name in ("learning_rate", "reg", "hidden_dim"))
    if rate <= 0:
        hints.append(
            f"learning_rate {rate:g} {'goes up the gradient' if rate < 0 else 'moves nothing'}: use one above 0"
        )
    elif rate <= SLOW:
        hints.append(f"{own('learning_rate', settings, defaults)} hardly moves the weights: try one 100 times as large")
    elif rate >= FAST:
        hints.append(f"learning_rate {rate:g} is so large that all hidden units may die: try a tenth of it")
    if reg >= STRONG:
        hints.append(strong(settings, defaults))
    elif reg < 0:
        hints.append(inverted(settings))
    if hidden <= FEW:
        hints.append(f"{own('hidden_dim', settings, defaults)} is a small hidden layer: try 50 or more")
    if not hints:
        yield "that is chance level, so nothing was learned: does training_step return the gradients of its loss?"
        return
    yield "that is chance level, so nothing was learned."
    yield from (f"your {hint}." for hint in hints)


def strong(settings: Values, defaults: Values) -> str:
    return f"{own('reg', settings, defaults)} pulls the weights to zero: try 0.001 or less"


def inverted(settings: Values) -> str:
    return f"reg {settings['reg']:g} pushes the weights away from zero: use 0 or more"


def own(name: str, settings: Values, defaults: Values) -> str:
    stated = f"{name} {settings[name]:g}"
    return f"{stated} (the handout's default)" if settings[name] == defaults.get(name) else stated


def too_little_overfitting(settings: Values) -> str:
    hints = []
    if settings.get("num_train", math.inf) > 1000:
        hints.append("train on fewer images (num_train)")
    if settings.get("reg", 1.0) > 0:
        hints.append("set reg to 0")
    hints.append("train longer (num_epochs)")
    return f"to overfit, {', '.join(hints[:-1])}{' or ' if len(hints) > 1 else ''}{hints[-1]}."


def caption(outcome: Outcome) -> str:
    """Where and why the run stopped, what it was trained with, and how well it fits."""
    where = f"Stopped in epoch {len(outcome.epochs) + (outcome.end is End.DIVERGED)} {outcome.end}"
    with_ = ", ".join(f"{name} {value:g}" for name, value in outcome.hyperparameters.items())
    return f"{where}; {outcome.cpu:.1f} s of processor time, seed {outcome.seed}. Trained with {with_}. {fit(outcome)}"


def fit(outcome: Outcome) -> str:
    """A sentence on over- and underfitting, from the best epoch."""
    if not outcome.epochs:
        return "No epoch ended."
    last = outcome.epochs[-1].accuracy
    train, validation = last[TRAIN], last[VALIDATION]
    both = f"training accuracy is {train:.1%}, validation accuracy {validation:.1%}"
    if max(train, validation) < CHANCE:
        return f"Nothing was learned: {both}, and guessing gives 10 %."
    if train - validation > GAP:
        return f"Overfitting: {both}, so it is much better on its training images than on others."
    if train < 0.5:
        return f"Underfitting so far: {both}; they are close together, so longer training or a larger network may help."
    return f"A fair fit: {both}."
