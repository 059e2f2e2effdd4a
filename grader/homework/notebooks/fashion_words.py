"""Sentences about a notebook's run: pure functions of its Outcome.

A sentence says what was seen, why it matters, and what to change.
"""

from __future__ import annotations

from collections.abc import Iterator

from grader.errors import TimedOut

from ..training.curves import CHANCE, falling
from ..training.loop import End
from .fashion_run import Outcome

FAST = 0.05  # from this learning rate on, it is the first suspect
STRONG = 1.0  # from this weight decay on, it is the next
FEW = 50  # fewer steps than these are no training
MOST = 0.5  # a mistake in this share of the steps is the loop's
PART = 0.03  # if this share of the steps begin with a picture of the test set, it is a part of the training set


def caption(outcome: Outcome) -> str:
    """Where and why the run stopped, and what it cost."""
    epochs = f" ({outcome.epochs} whole epoch{'s' * (outcome.epochs != 1)})" if outcome.epochs else ""
    return (
        f"The notebook's own training, stopped after {outcome.steps} steps{epochs} {outcome.end}; "
        f"{outcome.cpu:.0f} s of processor time, seed {outcome.seed}. Each point is measured on a part of the pictures."
    )


def mistakes(outcome: Outcome) -> Iterator[str]:
    """Yield the loop's mistakes that were seen while it ran. They are worth telling at any accuracy."""
    steps = outcome.fact("backward")
    if steps < 2:
        return  # a loop has been seen completely only in its second iteration
    if outcome.fact("steps") == 0:
        if not outcome.fact("moved", bool):  # else the notebook has an optimizer of its own
            yield "optimizer.step() is never called, so no weight changes."
    elif outcome.fact("strange", bool):
        yield "the optimizer has another network's parameters: create the optimizer after the network."
    elif outcome.fact("looks") >= 2 and outcome.fact("left_over") >= MOST * outcome.fact("looks"):
        yield "gradients are never set to zero, so they add up: call optimizer.zero_grad() before backward()."
    if on_test(outcome):
        yield "the network trains on the test set, so its accuracy there means nothing: use the training set."
    chain = [link for link in outcome.fact("chain", list) if type(link) is str]
    if chain[:3] == ["NllLoss", "LogSoftmax", "Softmax"]:
        yield "the network ends in a softmax, and cross entropy applies another: return the scores without it."
    moody = [kind for kind in outcome.fact("moody", list) if type(kind) is str]
    if moody and outcome.fact("in_eval") >= MOST * steps:
        yield (
            f"{outcome.fact('in_eval') / steps:.0%} of the steps were in evaluation mode, where {moody[0]} does not "
            "work: call model.train() each epoch."
        )


def on_test(outcome: Outcome, least: float = MOST) -> bool:
    """Whether more than the share `least` of the steps used pictures of the notebook's test set."""
    return bool(outcome.fact("on_test") > least * outcome.fact("backward") > 0)


def why(outcome: Outcome) -> Iterator[str]:
    """Why a run misses its bar and what to change, the most important first."""
    found = list(mistakes(outcome))
    yield from found
    rate, decay = (outcome.fact("settings", dict).get(name) for name in ("learning_rate", "weight_decay"))
    fast, strong = (type(one) in (int, float) and one >= least for one, least in ((rate, FAST), (decay, STRONG)))
    if outcome.end is End.DIVERGED:
        yield f"the loss was NaN or infinite after {outcome.steps} steps{smaller(rate)}."
    elif outcome.end is End.BUDGET:
        yield f"{cut(outcome)}."
    elif outcome.end is End.ASLEEP:
        yield (
            f"the run was stopped after {outcome.wall:.0f} s, because it computed for only {outcome.cpu:.1f} s: does "
            "your code wait?"
        )
    elif outcome.error is not None:
        yield f"the run ended in an exception: {outcome.error.message.rstrip('.')}."
    if found or outcome.end in (End.DIVERGED, End.BUDGET, End.ASLEEP) or outcome.error is not None:
        return  # the run did not show how far it could have come
    if outcome.end is End.FINISHED and 0 < outcome.steps < FEW:
        yield f"training ends after {outcome.steps} step{'s' * (outcome.steps != 1)}: does its loop use all batches?"
    elif outcome.accuracy < CHANCE:
        if fast:
            yield f"that is chance level, so nothing was learned{smaller(rate)}."
        elif rate == 0:
            yield "that is chance level, so nothing was learned: learning_rate is 0."
        elif strong:
            yield f"that is chance level, so nothing was learned: weight_decay {decay:g} is too large."
        else:
            yield "that is chance level, so nothing was learned: does the loss fall, and depend on the network?"
    elif outcome.looks and outcome.looks[-1].training - outcome.looks[-1].test > 0.08:
        yield (
            f"training accuracy is {outcome.looks[-1].training:.0%}, so it overfits: add dropout or weight decay, or "
            "stop earlier."
        )
    elif outcome.end is not End.STALLED and falling(outcome.losses, 5):
        yield "the loss was still falling: train longer or with a larger learning rate."
    else:
        yield "the loss has stopped falling: another learning rate, or convolutions with more channels, may help."


def cut(outcome: Outcome) -> str:
    """Where the run hit its time limit, and what it did then."""
    said = f"the run was cut after {outcome.steps} steps{place(outcome)}"
    if isinstance(outcome.error, TimedOut):
        return f"{said}, while no further step came"
    return f"{said} in {outcome.cpu:.0f} s of processor time"


def place(outcome: Outcome) -> str:
    """In which epoch, of how many, the run was cut; "" if unknown."""
    count = outcome.fact("settings", dict).get("num_epoch")
    return f" (epoch {outcome.epochs + 1} of {count})" if type(count) is int and count > outcome.epochs else ""


def smaller(rate: object) -> str:
    return f": learning_rate {rate:g} is too large, try a tenth" if isinstance(rate, (int, float)) else ""
