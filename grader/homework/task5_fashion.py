"""Task 5: the notebook on Fashion-MNIST: its saved outputs, and a run of it."""

from __future__ import annotations

import base64
from collections.abc import Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from grader.check import Subject, check, later
from grader.errors import Mismatch, Partly, Skipped
from grader.model import Figure, Measure

from .notebooks import IMAGES, PART1
from .training.curves import CHANCE, thinned
from .training.loop import End, better_of_two

if TYPE_CHECKING:
    from .notebooks import fashion_run, fashion_words, handed_in, notebook
    from .notebooks.fashion_run import Array, Outcome
    from .notebooks.survey import Survey
else:
    fashion_run = later(".notebooks.fashion_run", __package__)
    fashion_words = later(".notebooks.fashion_words", __package__)
    handed_in = later(".notebooks.handed_in", __package__)
    notebook = later(".notebooks.notebook", __package__)

CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
WRONG = 12  # wrongly classified pictures to show
MOST_SIDES = 10  # most dimensions of a layer's output
LEAST = 40  # pixels: least width and height of a plot, whose longer side is at most ten times the shorter
SURPRISING = 0.06  # by how much the test accuracy may exceed that of COMPARED training pictures: 5 standard errors
BEST = 0.96  # test accuracy on Fashion-MNIST that networks do not exceed without other data; wide ones come near it
LINEAR = 0.87  # test accuracy on Fashion-MNIST that no single layer reaches; it ends near 0.845
IDLE = 0.02  # without its filters, a network that uses them classifies at least so much less right
FROZEN = 1e-4  # filters that training moved by less than this share of their size were not trained
OTHERWISE = 0.25  # accuracy that a network may lose as it answers in training, where dropout takes some, or if nudged
WRITTEN = 0.10  # of the test accuracy may come from what the notebook itself writes into parameters, as an average
FALLS, WINDOW = 0.05, 50  # the mean loss of WINDOW steps falls by at least this share of the first loss
ABSENT = "ModuleNotFoundError", "FileNotFoundError"  # in the words of an error: a package or a file is not here
WANTED = ("loss", "optimizer", "learning_rate", "batch_size", "num_epoch")


@check("5.1")
def notebook_outputs(hw: Subject, rng: np.random.Generator) -> None:
    """The notebook was run and saved with its outputs, and no cell ended in an error."""
    student = fashion_run.part1(hw)
    if not notebook.was_run(student):
        raise Mismatch(
            f"no cell of {PART1} holds an output: run it from top to bottom (Restart and run all), and save it"
        )
    for above, below in notebook.out_of_order(student)[:1]:
        hw.advise(f"cell {above} was run after cell {below}: Restart and run all tests whether it works in order")
    for cell, error in notebook.errors(student)[:1]:
        raise Partly(f"cell {cell} of {PART1} ended in an error ({error}); fix it and run the notebook again", 0.5)
    silent = unshown(student, fashion_run.first(hw))
    if silent:
        raise Partly(f"cell {silent} of {PART1}, which trains, holds no output; run it, then save the notebook", 0.5)
    expect_run(hw, student, "the outputs are", [cell.number for cell in student.cells if cell.outputs])


def expect_run(hw: Subject, student: Survey, what: str, cells: Collection[int]) -> None:
    """Saved outputs can be written by hand. They count beside a run that trains, if the code of one of their `cells`
    can have given them; else a person decides. They earn nothing if the notebook has no network."""
    outcome = fashion_run.first(hw)
    if not outcome.steps:
        why = f": {outcome.error.message}" if outcome.error is not None else ""
        question = f"{PART1} trains nothing when the grader runs it{why}; {what} saved in it, but from which run?"
        if student.defines_network:
            handed_in.hold(hw, question, f"{what} saved in {PART1}, but it trains nothing when the grader runs it")
        hw.review(question)
        raise Mismatch(f"{what} saved in {PART1}, but it holds no network that could have given them")
    why_not = {one.cell: one.why for one in student.impossible}
    if cells and why_not.keys() >= set(cells):
        cell = min(cells)
        said = f"{what} saved in cell {cell} of {PART1}, but {why_not[cell]}"
        handed_in.hold(hw, f"{said}; from which run?", said)


def ask_of_functions(hw: Subject, student: Survey, outcome: Outcome) -> None:
    """Leave to a person a network that consists of functions of tensors and is no module, and gradients by torch.func:
    it is trained, but cannot be measured."""
    said = ""
    if outcome.steps and not student.defines_network and not outcome.fact("layers", list):
        said = f"{PART1} trains tensors, but no nn.Module whose accuracy could be measured"
    elif not outcome.steps and outcome.fact("transformed", bool):
        said = f"{PART1} trains by torch.func, so no backward() was seen, and no accuracy could be measured"
    if said:
        hw.once("functions", lambda: hw.review(f"{said}; is it a network, and how good is it?"))
        raise Skipped(f"{said}; this costs no points: a person will look")


def expect_computed(hw: Subject, student: Survey, of: str, cells: Collection[int]) -> None:
    """Leave a "plot" or a "claim" to a person if its numbers stand in the code: they may come from an earlier run."""
    for doubt in student.doubts:
        if doubt.of == of and doubt.cell in cells:
            said = f"cell {doubt.cell} of {PART1} {doubt.why}"
            handed_in.hold(hw, f"{said}; from which run is it?", said)


def expect_near(hw: Subject, outcome: Outcome, claim: float) -> None:
    """Leave a claim to a person if no network is known to reach it, or if the same code ran here to its end and does
    not come near it. Ask about a claim that the network exceeds by far."""
    if claim > BEST and not hw.data(IMAGES).stand_in:
        said = f"{PART1} claims a test accuracy of {claim:.1%}; without other data the best networks reach {BEST:.0%}"
        handed_in.hold(hw, f"{said}; how was it measured?", said)
    bars = hw.settings_of("5.3")
    if claim < bars["partial"] and outcome.accuracy >= bars["full"] and not hw.data(IMAGES).stand_in:
        hw.review(
            f"the notebook claims a test accuracy of {claim:.1%}, but its network reaches {outcome.accuracy:.1%}; are "
            "its test pictures prepared like those that it trains on?"
        )
    stopped = outcome.end not in (End.FINISHED, End.STALLED) or outcome.error is not None
    if not stopped and not hw.data(IMAGES).stand_in and asked_of_claim(hw, outcome, claim):
        raise Skipped(
            f"{PART1} claims a test accuracy of {claim:.1%}, but {outcome.accuracy:.1%} was measured; this costs no "
            "points: a person will look"
        )


def ask_of_number(hw: Subject, student: Survey) -> None:
    """Leave to a person a number that the notebook prints in or after the cell that trains, if no known word calls it
    an accuracy: notebooks are in many languages."""
    training, found = training_cells(fashion_run.first(hw)), student.unnamed
    if found is None or not training or found.cell < max(training):
        return
    expect_run(hw, student, "an accuracy may be", [found.cell])
    said = f"cell {found.cell} of {PART1} prints {found.accuracy:.4g}"
    handed_in.hold(hw, f"{said}; is that the accuracy on the test set?", f"{said}, but does not say what it is")


def asked_of_claim(hw: Subject, outcome: Outcome, claim: float | None) -> bool:
    """Whether a notebook claims much more than was measured; a person is asked about that, once."""
    full, partial_, gap = (hw.settings_of("5.3")[name] for name in ("full", "partial", "claim_gap"))
    if claim is None or claim < partial_ or outcome.accuracy >= full or claim - outcome.accuracy <= gap:
        return False
    said = f"the notebook claims a test accuracy of {claim:.1%}, but {outcome.accuracy:.1%} was measured"
    hw.once("the claim", lambda: hw.review(said))
    return True


def training_cells(outcome: Outcome) -> list[int]:
    """The numbers of the cells that train."""
    return [number for number in outcome.fact("cells", list) if type(number) is int]


def unshown(student: Survey, outcome: Outcome) -> int:
    """The number of the first cell that trains, if no such cell has an output but one of them should; else 0."""
    cells = [cell for cell in student.cells if cell.number in training_cells(outcome)]
    right = any(cell.outputs for cell in cells) or all(cell.number in student.mute for cell in cells)
    return 0 if right else cells[0].number


@check("5.1")
def notebook_trains(hw: Subject, rng: np.random.Generator) -> None:
    """When the grader runs the notebook, its code trains a network that learns."""
    student = fashion_run.part1(hw)
    outcome = fashion_run.first(hw)
    ask_of_functions(hw, student, outcome)
    if not student.defines_network and not outcome.fact("layers", list):
        raise Mismatch(f"{PART1} defines no network: no class of it derives from nn.Module")
    for problem in outcome.problems[:3]:
        hw.advise(handed_in.told(problem))
    for doubt in [one for one in student.doubts if one.of == "data"][:1]:
        hw.review(f"cell {doubt.cell} of {PART1} {doubt.why}; what is that, and where is it from?")
    unjudged(hw, outcome, student.claimed)
    ask_of_cut(hw, outcome, student.claimed, hw.settings["learned"])
    fashion_run.learned(hw, outcome)
    if outcome.accuracy < hw.settings["learned"]:
        right = f"{outcome.accuracy:.1%} of the test pictures are right, little more than guessing"
        raise Mismatch(f"{right}. {first_cause(hw, outcome)}")
    for doubt in [one for one in student.doubts if one.of == "steps"][:1]:
        hw.review(f"cell {doubt.cell} of {PART1} {doubt.why}; what does the network learn from?")
    if said := unexplained(hw, outcome):
        ask_of_learning(hw, said)


@check("5.1")
def notebook_claim(hw: Subject, rng: np.random.Generator) -> None:
    """The notebook ends with an accuracy on the test set."""
    student = fashion_run.part1(hw)
    if student.claimed is not None:
        cells = {claim.cell for claim in student.claims if claim.of_test}
        expect_run(hw, student, "a test accuracy is", cells)
        expect_computed(hw, student, "claim", cells)
        ask_of_functions(hw, student, fashion_run.first(hw))
        expect_near(hw, fashion_run.first(hw), student.claimed)
        return
    cells = {claim.cell for claim in student.claims}
    expect_computed(hw, student, "claim", cells)
    ask_of_number(hw, student)
    if student.claims:
        expect_run(hw, student, "accuracies are", cells)
        raise Partly(f"{PART1} prints accuracies, but none that names the test set", 0.5)
    raise Mismatch(f"no output of {PART1} states an accuracy; evaluate on the test set in the last cell")


@check("5.2")
def architecture(hw: Subject, rng: np.random.Generator) -> None:
    """The network: its layers, their output shapes and their parameters."""
    student = fashion_run.part1(hw)
    outcome = fashion_run.first(hw)
    layers = [row for row in outcome.fact("layers", list) if is_layer(row)]
    if not layers:
        ask_of_functions(hw, student, outcome)
        unjudged(hw, outcome, student.claimed)
        if outcome.error is not None:
            raise fashion_run.explained(outcome.error)
        unfit = outcome.fact("unfit", str)
        raise Mismatch(
            f"{PART1} makes no network that accepts a picture of shape (1, 28, 28){f': {unfit}' * bool(unfit)}"
        )
    rows = [[name, layer, " × ".join(map(str, shape)), f"{count}"] for name, layer, shape, count in layers]
    total = f"{outcome.fact('parameters')} parameters, {outcome.fact('trainable')} of them trained."
    columns = ["", "layer", "gives", "parameters"]
    name = outcome.fact("network", str) or "The network"
    hw.draw(Figure("table", f"{name}, layer by layer", {"columns": columns, "rows": rows, "caption": total}))
    expect_convolution(hw, outcome)


def expect_convolution(hw: Subject, outcome: Outcome) -> None:
    """The task asks for a ConvNet. The rubric decides what a network without a convolution loses in 5.2 and 5.3."""
    lacks = without_convolution(outcome, learned=outcome.accuracy >= hw.settings_of("5.1")["learned"])
    if not lacks:
        return
    said = f"{lacks}, although the task asks for a ConvNet"
    match hw.policy("5.2", "no_convolution"):
        case "part":
            raise Partly(said, 0.5)
        case "question":
            hw.once("no convolution", lambda: hw.review(f"{said}; are its points of 5.2 and 5.3 earned?"))
    hw.advise(said)


def without_convolution(outcome: Outcome, *, learned: bool) -> str:
    """What shows that no convolution took part in what the network `learned`, if anything; "" if nothing does."""
    if not isinstance(outcome.facts.get("convolves"), bool):
        return ""
    if not outcome.facts["convolves"]:
        kernels = sorted({str(one) for one in outcome.fact("kernels", list)})[:3]
        if kernels:
            return f"no trained convolution moves a kernel of several pixels (kernels: {', '.join(kernels)})"
        named = [row for row in outcome.fact("layers", list) if is_layer(row) and row[1].startswith("Conv")]
        return f"{named[0][0]} is a convolution that is not trained" if named else "the network has no convolution"
    if not learned:
        return ""
    if outcome.fact("filters") and 0 <= outcome.fact("filters_moved", float) < FROZEN:
        return "training leaves the filters of all convolutions as they are"
    as_it_is = outcome.instead.get("as it is", outcome.accuracy)
    for which, said in (
        ("no filters", "without its convolutions"),
        ("mixed filters", "with the numbers of its filters mixed"),
    ):
        if (known := outcome.instead.get(which, 0.0)) > max(as_it_is - IDLE, CHANCE):
            return f"the network classifies {known:.1%} right {said}, and {as_it_is:.1%} as it is"
    return ""


def is_layer(row: Any) -> bool:
    """Whether a row is (name, layer, output shape, parameters); it comes from the student's process."""
    if not isinstance(row, list) or [type(cell) for cell in row] != [str, str, list, int]:
        return False
    return len(row[2]) <= MOST_SIDES and all(type(side) is int for side in row[2])


@check("5.2")
def hyperparameters(hw: Subject, rng: np.random.Generator) -> float:
    """The hyperparameters: loss, optimizer, learning rate, batch size and epochs."""
    student = fashion_run.part1(hw)
    outcome = fashion_run.first(hw)
    if outcome.error is not None and not outcome.facts:
        unjudged(hw, outcome, student.claimed)
        raise fashion_run.explained(outcome.error)
    found = {"loss": outcome.fact("loss", str), "optimizer": outcome.fact("optimizer", str)}
    found |= {name: value for name, value in outcome.fact("settings", dict).items() if type(value) in (int, float)}
    found = {name: value for name, value in found.items() if value not in ("", None)}
    missing = [name for name in WANTED if name not in found]
    if found:
        rows = [[name, value if isinstance(value, str) else f"{value:g}"] for name, value in found.items()]
        hw.draw(Figure("table", "Hyperparameters as used", {"columns": ["", "value"], "rows": rows}))
    if missing:
        ask_of_functions(hw, student, outcome)
        unjudged(hw, outcome, student.claimed)
        raise Partly(f"not found in {PART1}: {', '.join(missing)}", 1 - len(missing) / len(WANTED))
    return 1.0


@check("5.2")
def accuracy_plot(hw: Subject, rng: np.random.Generator) -> None:
    """The plot: training and validation accuracy, as a picture in the notebook."""
    student = fashion_run.part1(hw)
    shown = {one.cell for one in student.pictures if min(one.height, one.width) >= LEAST and not one.blank}
    drawn = [plot for plot in student.plots if plot.cell in shown]
    both = [plot for plot in drawn if plot.training and plot.validation]
    for plot in sorted(both, key=lambda one: not one.named)[:1]:
        expect_run(hw, student, "a plot is", [plot.cell])
        if not plot.named:
            said = f"cell {plot.cell} of {PART1} plots training and validation"
            handed_in.hold(hw, f"{said}; is it their accuracy?", f"{said}, but nothing calls it accuracy")
        if student.undrawn:
            said = f"a plot is saved in cell {plot.cell} of {PART1}, but the notebook imports nothing that draws"
            handed_in.hold(hw, f"{said}; who drew it?", said)
        expect_computed(hw, student, "plot", [plot.cell])
        ask_of_plot(hw, plot.cell)
        return
    for one in [one for one in student.pictures if one.blank][:1]:
        raise Mismatch(
            f"the picture in cell {one.cell} of {PART1} is of one colour, so it shows no plot: run the cell again, and "
            "save the notebook"
        )
    for plot in sorted(drawn, key=lambda one: not one.named)[:1]:
        if not plot.named:
            said = f"cell {plot.cell} of {PART1} plots shares of right answers"
            handed_in.hold(hw, f"{said}; are they of training and validation?", f"{said}, but not of which pictures")
        lacking = "validation" if plot.training else "training"
        hw.review(f"cell {plot.cell} plots an accuracy; does it also show the {lacking} accuracy?")
        raise Partly(f"cell {plot.cell} of {PART1} plots an accuracy, but none called {lacking} accuracy", 0.5)
    for one in student.pictures[-1:]:
        hw.review(f"no cell plots something called accuracy; does cell {one.cell} show the plot of 5.2?")
    raise Mismatch(f"no cell of {PART1} that plots training and validation accuracy holds a picture")


def ask_of_plot(hw: Subject, cell: int) -> None:
    """Ask a person about a saved plot whose cell uses names that had no value when the grader ran it."""
    for at, line, problem in fashion_run.first(hw).problems:
        if at == cell and "NameError" in problem:
            hw.review(f"cell {cell} shows a plot, but running it here fails in line {line} ({problem}); who drew it?")
            return


@check("5.3")
def test_accuracy(hw: Subject, rng: np.random.Generator) -> None:
    """The network reaches the required accuracy on the test set."""
    student = fashion_run.part1(hw)
    claim = student.claimed
    first = fashion_run.first(hw)
    ask_of_functions(hw, student, first)
    unjudged(hw, first, claim)
    ask_of_cut(hw, first, claim, hw.settings["full"])
    fashion_run.learned(hw, first)
    again = partial(fashion_run.run, hw, student, int(hw.seeds.integers(fashion_run.SEEDS)))
    outcome, other = better_of_two(first, fashion_run.near(hw, first), again, lambda run: run.accuracy)
    if other is not None:
        hw.advise(
            f"short of the bar, so trained twice: {outcome.accuracy:.1%} and {other.accuracy:.1%}; "
            "the better run counts"
        )
    for sentence in fashion_words.mistakes(outcome) if outcome.accuracy >= hw.settings["full"] else ():
        hw.advise(sentence)  # else `judge` tells them
    ask_of_test_set(hw, outcome)
    show(hw, outcome)
    hw.measure(Measure(f"test accuracy{on(hw)}", outcome.accuracy, hw.settings["full"], at_least=True))
    expect_explained(hw, outcome)
    judge(hw, outcome, claim)
    expect_convolution(hw, outcome)


def ask_of_test_set(hw: Subject, outcome: Outcome) -> None:
    """Ask a person where the notebook's test set is a part of what the network is trained on."""
    if fashion_words.on_test(outcome, fashion_words.PART):
        share = outcome.fact("on_test") / outcome.fact("backward")
        part = "" if fashion_words.on_test(outcome) else f", for {share:.0%} of its steps"
        hw.review(f"the network is trained on the test set{part}; are its points earned?")


def expect_explained(hw: Subject, outcome: Outcome) -> None:
    """Leave a test accuracy to a person if neither training nor the network's layers explain it."""
    if said := unexplained(hw, outcome):
        ask_of_learning(hw, said)
        raise Skipped(f"{said[0]}; this costs no points: a person will look")


def ask_of_learning(hw: Subject, said: tuple[str, str]) -> None:
    hw.once("how it learned", lambda: hw.review("; ".join(said)))


def unexplained(hw: Subject, outcome: Outcome) -> tuple[str, str] | None:
    """A test accuracy that training does not explain, and the question to a person; None if it is explained."""
    accuracy, instead = outcome.accuracy, outcome.instead
    if accuracy < hw.settings_of("5.1")["learned"]:
        return None
    right = f"{accuracy:.1%} of the test pictures are classified right"
    if accuracy >= hw.settings_of("5.3")["partial"]:
        if accuracy - outcome.training > SURPRISING:
            said = f"{right}, but only {outcome.training:.1%} of {fashion_run.COMPARED} training pictures"
            return said, "how did the network learn?"
        weighted = [row for row in outcome.fact("layers", list) if is_layer(row) and row[3] > 0]
        one = len(weighted) == 1 and outcome.facts.get("convolves") is not True  # a layer may be of the student's own
        if one and accuracy > LINEAR and not hw.data(IMAGES).stand_in:
            said = f"{right} by a network of one layer; usually such a network reaches at most {LINEAR:.0%}"
            return said, "how did this one?"
    as_it_is = instead.get("as it is", accuracy)
    for which, said in (("start", "all parameters as before training"), ("shuffled", "parameters in a random order")):
        if (known := instead.get(which, 0.0)) > max(as_it_is / 2, CHANCE):
            return f"{right}, and {known:.1%} with {said}", "what did training teach the network?"
    if as_it_is - (taught := instead.get("in training", as_it_is)) > OTHERWISE:
        said = f"{right}, but {taught:.1%} if the network answers as in training, without dropout"
        return said, "what does it know besides?"
    if as_it_is - (nudged := instead.get("nudged", as_it_is)) > OTHERWISE:
        said = f"{right}, but {nudged:.1%} if its parameters are changed by a ten-thousandth"
        return said, "what does it know besides?"
    if as_it_is - (steps := instead.get("by steps", as_it_is)) > WRITTEN:
        said = f"{right}, but {steps:.1%} if the optimizer's steps alone had changed the parameters"
        return said, "what else changed them?"
    first, least = fell(outcome.losses)
    if least >= first - FALLS * abs(first):
        return f"{right}, but the loss never fell: it was {first:.3g} at first and {least:.3g} at best", "what learned?"
    return None


def fell(losses: Sequence[float]) -> tuple[float, float]:
    """The loss at first, and the least mean of WINDOW losses in a row, or of fewer in a short run."""
    size = max(1, min(WINDOW, len(losses) // 4))
    means = np.convolve(losses, np.ones(size) / size, "valid")
    return float(max(losses[0], means[0])), float(means.min())


def ask_of_cut(hw: Subject, outcome: Outcome, claim: float | None, bar: float) -> None:
    """Leave a run that hit its time limit while it still learned to a person: a slow machine must not cost points.

    Raises Skipped if the notebook claims to reach the full bar and the run has not cleared `bar`.
    """
    settings = hw.settings_of("5.3")
    known = fashion_words.on_test(outcome) or outcome.at_first >= settings["partial"]
    if outcome.accuracy >= bar or known or not outcome.cut():
        return
    reached = f"{fashion_words.cut(outcome)}, at {outcome.accuracy:.1%}, while it still learned"
    if claim is None or claim < settings["full"]:
        hw.review(f"{reached}; which accuracy would it have reached?")
        return
    hw.review(f"the notebook claims a test accuracy of {claim:.1%}; {reached}")
    raise Skipped(
        f"training takes longer than the grader allows: it was cut after {outcome.steps} steps, at "
        f"{outcome.accuracy:.1%}. The notebook shows {claim:.1%}, so a person will look and give points"
    )


def unjudged(hw: Subject, outcome: Outcome, claim: float | None) -> None:
    """Ask a person about the claim of a notebook that could not be trained here: it may need a newer Python, or
    something else that this machine lacks. Raises Skipped if a package or a file is lacking, which is no student's
    fault."""
    was_cut = outcome.end is End.BUDGET and outcome.steps > 0
    if claim is None or claim < hw.settings_of("5.3")["partial"] or outcome.looks or was_cut:
        return
    reasons = [outcome.error.message] if outcome.error is not None else map(handed_in.told, outcome.problems[:1])
    for reason in reasons:
        said = f"the notebook claims a test accuracy of {claim:.1%}, but could not be trained here: {reason}"
        hw.once("could not be trained", partial(hw.review, said))
        if any(absent in reason for absent in ABSENT):
            raise Skipped(f"{reason}; this costs no points: a person will look")


def judge(hw: Subject, outcome: Outcome, claim: float | None) -> None:
    """Compare the accuracy with the bars: all points at `full`, the share `at_partial` at `partial`, linear between."""
    accuracy, full, partial_ = outcome.accuracy, hw.settings["full"], hw.settings["partial"]
    if accuracy >= full:
        return
    if claim is not None and claim > accuracy + 0.01:
        hw.advise(f"the notebook claims {claim:.1%}, but {accuracy:.1%} was measured")
    asked_of_claim(hw, outcome, claim)
    said, cause = f"{accuracy:.1%} of the test pictures{on(hw)} are right", first_cause(hw, outcome)
    if accuracy < partial_:
        raise Mismatch(f"{said}; points begin at {partial_:.0%}. {cause}")
    share = hw.settings["at_partial"]
    raise Partly(f"{said}; all points need {full:.0%}. {cause}",
                 share + (1 - share) * (accuracy - partial_) / (full - partial_))  # fmt: skip


def first_cause(hw: Subject, outcome: Outcome) -> str:
    """The first sentence on why a run misses its bar; the others become advice, so that the message stays short."""
    cause, *others = fashion_words.why(outcome)
    for sentence in others:
        hw.advise(sentence)
    return cause[0].upper() + cause[1:]


def on(hw: Subject) -> str:
    return " (stand-in data)" if hw.data(IMAGES).stand_in else ""


def show(hw: Subject, outcome: Outcome) -> None:
    """Draw the run's curves, the confusion matrix, and the wrong predictions with the highest probability."""
    hw.draw(Figure("curves", f"The notebook's network in training{on(hw)}", curves(hw, outcome)))
    if len(outcome.classes):
        labels, pictures = (part[outcome.at] for part in (hw.data(IMAGES).test_y, hw.data(IMAGES).test_x))
        hw.draw(Figure("confusion", f"Predicted classes of the test pictures{on(hw)}", confusion(outcome, labels)))
        hw.draw(Figure("images", f"Most confident mistakes{on(hw)}", surely_wrong(outcome, labels, pictures)))


def curves(hw: Subject, outcome: Outcome) -> dict[str, Any]:
    return {
        **thinned(outcome.losses),
        "epochs": [look.steps for look in outcome.looks],
        "training": [round(look.training, 4) for look in outcome.looks],
        "test": [round(look.test, 4) for look in outcome.looks],
        "judged": "test",
        "look": "look",
        "bar": hw.settings["full"],
        "seed": outcome.seed,
        "caption": fashion_words.caption(outcome),
    }


def confusion(outcome: Outcome, labels: Array) -> dict[str, Any]:
    """How often each class (row) is predicted as each class (column)."""
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (labels, outcome.classes), 1)
    return {
        "classes": list(CLASSES),
        "counts": counts.tolist(),
        "caption": "Each row is a true class, each column a predicted class, in percent of the row. The diagonal shows "
        "the accuracy of each class.",
    }


def surely_wrong(outcome: Outcome, labels: Array, pictures: Array) -> dict[str, Any]:
    """The wrong predictions with the highest probability, as pictures of 28 x 28 grey bytes."""
    wrong = np.flatnonzero(outcome.classes != labels)
    worst = wrong[np.argsort(-outcome.probabilities[wrong], kind="stable")][:WRONG]
    return {
        "size": [28, 28],
        "images": [base64.b64encode(pictures[at].tobytes()).decode("ascii") for at in worst],
        "labels": [
            f"{CLASSES[labels[at]]}, taken for {CLASSES[outcome.classes[at]]} "
            f"({min(max(float(outcome.probabilities[at]), 0.0), 1.0):.0%})"
            for at in worst
        ],
        "caption": f"The {len(worst)} test pictures that the network got wrong with the highest probability.",
    }
