"""Task 5, the grader's side of a run: how long it goes on, what is believed of it, and what is said."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from grader.errors import Crashed, Mismatch, OutOfMemory, Partly, Raised, Skipped, StudentError, TimedOut
from grader.homework import task5_fashion
from grader.homework.notebooks import claimed_accuracy, fashion_run, fashion_words, notebook, saved, survey
from grader.homework.notebooks.fashion_run import ASKED, HeldOut, Look, Outcome
from grader.homework.notebooks.notebook import Cell, Notebook, Output
from grader.homework.training import loop
from grader.homework.training.loop import LOOKING, End, better_of_two

LABELS = np.random.default_rng(0).integers(10, size=2000)
IMAGES = SimpleNamespace(
    train_x=np.zeros((2000, 28, 28), np.uint8), train_y=LABELS, test_x=np.zeros((2000, 28, 28), np.uint8),
    test_y=LABELS, digest="d", stand_in=False,
)  # fmt: skip
FACTS = {
    "backward": 100, "steps": 100, "in_eval": 0, "looks": 5, "left_over": 0, "optimizer": "Adam",
    "loss": "CrossEntropy", "chain": ["NllLoss", "LogSoftmax", "Addmm"], "moody": [],
    "settings": {"learning_rate": 1e-3, "batch_size": 400}, "convolves": True, "strange": False,
}  # fmt: skip


class FakeRun:
    """A notebook's run: one slice of 50 steps and `step` CPU seconds for each accuracy; an exception is raised in its
    turn. Before all of them comes one step."""

    knows = 0.0  # the accuracy before all of them

    def __init__(self, script: list[Any], step: float, facts: Any) -> None:
        self.script, self.step, self.known, self.cpu = list(script), step, facts, 0.0
        self.accuracy, self.steps = self.knows, 0

    def advance(self, seconds: float, steps: int) -> Any:
        self.steps += steps
        if self.steps == 1:
            return {"losses": [2.0], "epoch": False, "ended": False}
        self.cpu += self.step
        ended = not self.script
        if not ended:
            now = self.script.pop(0)
            if isinstance(now, Exception):
                raise now
            self.accuracy = now
        return {"losses": [2.0] * (steps * (not ended)), "epoch": False, "ended": ended}

    def tell(self, what: str, *args: Any, **options: Any) -> Any:
        if what == "advance":
            return self.advance(*args)
        if what == "predict":
            _, count, _, *instead = args
            classes = LABELS[:count].copy()
            right = round(
                (self.accuracy if instead in ([], ["as it is"], ["in training"], ["nudged"]) else 0.1) * len(classes)
            )
            classes[right:] = (classes[right:] + 1) % 10
            return {"classes": classes, "probabilities": np.full(len(classes), 0.9, np.float32)}
        return [] if what == "problems" else self.known

    def used(self) -> float:
        return self.cpu

    def waited(self) -> float:
        return 0.0

    def delayed(self) -> float:
        return 0.0

    def answered(self) -> float:
        return 0.0


def subject(
    *scripts: Any,
    full: bool = False,
    facts: Any = FACTS,
    step: float = 1.0,
    claim: float | None = None,
    **numbers: float,
) -> Any:
    waiting, lines = list(scripts), []
    kept = {"held out": HeldOut(np.arange(2000), IMAGES.test_x, LABELS)}
    hw = SimpleNamespace(
        seeds=np.random.default_rng(0),
        data=lambda name: IMAGES, full=full, progress=lines.append, lines=lines, runs=waiting, kept=kept, asked=[],
        once=lambda key, make: kept[key] if key in kept else kept.setdefault(key, make()), settings=SETTINGS | numbers,
        settings_of=lambda item: SETTINGS | numbers, policy=lambda item, name: "question", advice=[], claim=claim,
        session=SimpleNamespace(
            drive=lambda *_, **__: FakeRun(waiting.pop(0), step, facts), renew=lambda: None,
        ),
    )  # fmt: skip
    hw.review, hw.advise = hw.asked.append, hw.advice.append
    return hw


SETTINGS = {"learned": 0.3, "full": 0.85, "partial": 0.7, "at_partial": 0.4, "claim_gap": 0.05, "budget": 40.0,
            "least": 1e9, "repeat": 0.02}  # fmt: skip
NOTEBOOK = SimpleNamespace(name="part1.ipynb", code=[], claimed=None, defines_network=True, doubts=())


def run(*script: Any, **options: Any) -> Outcome:
    return fashion_run.run(subject(list(script), **options), NOTEBOOK, 1)


# When a run ends


def test_a_network_that_knows_the_pictures_before_it_has_learned_is_for_a_person(monkeypatch):
    monkeypatch.setattr(FakeRun, "knows", 0.9)
    hw = subject([0.9])
    outcome = fashion_run.run(hw, NOTEBOOK, 1)
    assert outcome.at_first == 0.9
    with pytest.raises(Mismatch, match="90% of the test pictures are right at the first step"):
        fashion_run.learned(hw, outcome)
    assert hw.asked == ["at the first step the network already knows 90% of the test pictures; how?"]


def test_what_is_told_of_a_network_is_cut_to_what_a_report_has_room_for():
    told = {"network": "N" * 10_000, "layers": [("x" * 999, "y", [1], 2)] * 999, "chain": [3, object()],
            "parameters": 1 << 60, "settings": {"a": 0.5} | {f"{n}": 1.0 for n in range(999)}}  # fmt: skip
    found = fashion_run.bounded(told)
    assert (len(found["network"]), len(found["layers"]), len(found["settings"])) == (300, 200, 200)
    assert found["layers"][0] == ["x" * 300, "y", [1], 2]
    assert (found["chain"], found["parameters"]) == ([3, None], None)


def test_a_run_stops_once_the_bar_is_cleared_on_all_test_pictures():
    outcome = run(0.5, 0.8, 0.9, 0.95)
    assert (outcome.end, outcome.accuracy, len(outcome.looks)) == (End.CLEARED, 0.9, 3)


@pytest.mark.parametrize(
    ("source", "layer", "ends"),
    [
        ("nn.Conv2d(1, 8, 3)", "Linear(784, 10)", End.FINISHED),
        ("nn.Linear(784, 10)", "Linear(784, 10)", End.CLEARED),
        ("nn.Conv2d(1, 8, 3)", "Conv2d(1, 8, 3)", End.CLEARED),  # frozen
    ],
)
def test_a_network_without_convolutions_that_one_with_them_follows_does_not_end_a_run(source, layer, ends):
    hw = subject([0.5, 0.9, 0.9], facts=FACTS | {"convolves": False, "layers": [["fc", layer, [10], 7850]]})
    made = SimpleNamespace(**vars(NOTEBOOK), cells=[SimpleNamespace(source=source)])
    assert fashion_run.run(hw, made, 1).end is ends


def test_a_full_run_goes_on_and_one_whose_time_is_up_is_judged_as_it_stands():
    assert run(0.5, 0.9, 0.7, full=True).accuracy == 0.7
    cut = run(*[0.6] * 50, budget=5)
    assert (cut.end, cut.cpu, cut.accuracy) == (End.BUDGET, 5, 0.6)


def test_a_loss_that_is_no_number_ends_a_run(monkeypatch):
    monkeypatch.setattr(FakeRun, "advance", lambda self, *_: {"losses": [np.nan], "epoch": False, "ended": False})
    assert run().end is End.DIVERGED


@pytest.mark.parametrize("error", [OutOfMemory("too much"), Crashed("gone"), TimedOut("slow")])
def test_what_was_seen_of_a_run_that_is_stopped_is_not_lost(error):
    """Its last accuracy counts, its network and settings are known, and nothing is said that was not seen."""
    outcome = run(0.4, 0.6, error)
    assert outcome.error is error
    assert outcome.accuracy == 0.6
    assert outcome.fact("optimizer", str) == "Adam"
    assert list(fashion_words.mistakes(outcome)) == []


def test_a_look_at_few_pictures_is_not_all_that_is_left(monkeypatch):
    """A few lucky guesses, and then the end."""
    monkeypatch.setattr(fashion_run, "predicted", lambda going, of, *_: (LABELS[:10], np.zeros(10)))
    outcome = run(0.4, Crashed("gone"))
    assert [look.test for look in outcome.looks] == [1.0]
    assert outcome.accuracy == 0.0


def test_an_exception_in_the_graders_own_look_is_not_the_training_runs_and_loses_nothing(monkeypatch):
    asked = {}

    def tell(self, what, *args, **options):
        asked[what] = options
        if what == "predict":
            raise Raised(f"{options['subject']} raised RuntimeError: shape")
        if what == "advance":
            return self.advance(*args)
        return [] if what == "problems" else FACTS

    monkeypatch.setattr(FakeRun, "tell", tell)
    outcome = run(0.5)
    assert outcome.error.message == f"{ASKED} raised RuntimeError: shape"
    assert outcome.fact("optimizer", str) == "Adam"
    assert "the training run" not in ASKED


def test_a_notebook_that_shows_no_sign_of_life_is_stopped_soon(monkeypatch):
    """A call's own limit and a slice, until it has trained; then what it draws may take longer."""
    given, tell = [], FakeRun.tell

    def noted(self, what, *args, **options):
        given.extend([options["seconds"]] if what == "advance" else [])
        return tell(self, what, *args, **options)

    monkeypatch.setattr(FakeRun, "tell", noted)
    trained = FakeRun.advance
    monkeypatch.setattr(FakeRun, "advance", lambda self, *args: trained(self, *args) | {"trained": len(given) > 2})
    run(0.4, 0.5, 0.6)
    assert given[:3] == [loop.SLICE] * 3
    assert set(given[3:]) == {fashion_run.AFTERWARDS}


def test_a_notebook_that_was_stopped_before_it_could_be_judged_is_a_question():
    hw = subject([TimedOut("the training run used 12 s of processor time and was stopped")])
    outcome = fashion_run.run(hw, NOTEBOOK, 1)
    with pytest.raises(TimedOut):
        fashion_run.learned(hw, outcome)
    assert "was stopped before it could be judged" in hw.asked[-1]


def test_a_run_that_is_stopped_before_its_first_look_tells_of_no_mistake():
    outcome = run(OutOfMemory("too much"), facts=FACTS | {"backward": 1, "steps": 0})
    assert (outcome.fact("optimizer", str), list(fashion_words.mistakes(outcome))) == ("Adam", [])
    with pytest.raises(OutOfMemory):
        fashion_run.learned(subject(), outcome)
    hw = holding(outcome)
    with pytest.raises(OutOfMemory):
        checked(task5_fashion.architecture, hw)
    hw.draw = lambda figure: None
    with pytest.raises(Partly, match=r"not found in part1\.ipynb: num_epoch"):
        checked(task5_fashion.hyperparameters, hw)  # what was seen at the first step is known


def test_the_cause_is_told_where_nothing_was_trained():
    """What was left out is advice of a check that fails, and said where no statement trains."""
    problems = ((6, 26, "Python 3.11 cannot read it"),)
    hw = holding(Outcome(1, 40.0, problems=problems))
    with pytest.raises(Mismatch, match=r"trains nothing.*backward.*; cell 6, line 26, was left out: Python"):
        checked(task5_fashion.notebook_trains, hw)
    assert hw.advice == ["cell 6, line 26, was left out: Python 3.11 cannot read it"]


def test_a_hint_is_given_once_however_often_an_error_is_told():
    error = Raised("the training run raised RuntimeError: mat1 and mat2 shapes cannot be multiplied", where="cell 3:1")
    said = [fashion_run.explained(error) for _ in range(3)]
    assert {one.message.count("print x.shape") for one in said} == {1}
    assert {one.where for one in said} == {"cell 3:1"}


def holding(outcome: Outcome) -> Any:
    """A subject whose run has been."""
    hw = subject()
    hw.kept["first run"] = outcome
    return hw


def checked(check: Any, hw: Any) -> Any:
    """The check, for a notebook that was handed in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fashion_run, "part1", lambda hw: NOTEBOOK)
        return check(hw, np.random.default_rng(0))


# What is believed


@pytest.mark.parametrize(
    "reply",
    [
        None,
        {},
        {"classes": np.zeros(3), "probabilities": np.zeros(3)},
        {"classes": np.zeros(3, np.int64), "probabilities": np.zeros(2)},
        {"classes": np.zeros((3, 1), np.int64), "probabilities": np.zeros((3, 1))},
        {"classes": np.zeros(2001, np.int64), "probabilities": np.zeros(2001)},
        {"classes": np.array([0, 1000]), "probabilities": np.zeros(2)},
        {"classes": np.array([-1, 3]), "probabilities": np.zeros(2)},
    ],
)
def test_predictions_of_another_form_or_of_no_class_break_the_channel(reply):
    going = SimpleNamespace(tell=lambda *_, **__: reply, used=lambda: 0.0)
    with pytest.raises(Crashed, match="channel"):
        fashion_run.predicted(going, "test", 2000, 1.0)


@pytest.mark.parametrize(
    ("count", "took", "believed"), [(600, 20.1, True), (600, 17.0, False), (2000, 1.0, True), (0, 0, True)]
)
def test_a_part_of_the_predictions_counts_only_where_their_time_was_used_up(count, took, believed):
    """As the grader sees it: who knows some labels by heart would otherwise answer for these alone."""
    clock = iter((5.0, 5.0 + took))
    reply = {"classes": np.zeros(count, np.int64), "probabilities": np.zeros(count)}
    going = SimpleNamespace(tell=lambda *_, **__: reply, used=lambda: next(clock))
    if believed:
        assert len(fashion_run.predicted(going, "test", 2000, 20.0)[0]) == count
    else:
        with pytest.raises(Crashed, match="expected 2000 predictions"):
            fashion_run.predicted(going, "test", 2000, 20.0)


def test_neither_a_place_nor_a_pictures_bytes_tell_its_label():
    """The order differs from submission to submission whatever seeds are set, and no picture is as it is public."""
    x = np.random.default_rng(0).integers(256, size=IMAGES.test_x.shape, dtype=np.uint8)
    images = SimpleNamespace(test_x=x, test_y=LABELS)
    drawn = []
    for _ in range(2):
        np.random.seed(0)
        hw = subject()
        hw.data = lambda name: images
        hw.kept.clear()
        drawn.append(fashion_run.held_out(hw))
        assert fashion_run.held_out(hw) is drawn[-1]
    first, second = drawn
    assert (first.at != second.at).mean() > 0.99
    assert np.array_equal(np.sort(first.at), np.arange(len(x)))
    assert np.array_equal(first.y, first.new[LABELS[first.at]])
    assert np.array_equal(np.sort(first.new), np.arange(10))
    apart = np.abs(first.x.astype(int) - x[first.at])
    assert first.x.dtype == np.uint8
    assert apart.max() == 1
    assert (apart.max((1, 2)) == 1).all()
    assert ((first.x > 0) == (x[first.at] > 0)).all()  # for networks that look at outlines
    assert (first.x != second.x[np.argsort(second.at)][first.at]).any((1, 2)).all()


def telling(classes: Any) -> Any:
    """A run whose network predicts these classes, of whatever it is asked."""
    return SimpleNamespace(
        tell=lambda what, of, count, *_, **__: {"classes": classes[:count], "probabilities": np.ones(count)},
        used=lambda: 0.0,
    )


def test_the_report_shows_pictures_with_their_own_labels():
    held = HeldOut(np.arange(2000)[::-1], IMAGES.test_x, LABELS[::-1])
    hw = subject([0.9])
    hw.kept["held out"] = held
    going = telling(held.y)
    outcome = Outcome(1, 40.0, losses=[1.0])
    fashion_run.judge(hw, going, outcome)
    assert outcome.accuracy == 1.0
    assert np.array_equal(LABELS[outcome.at], outcome.classes)


@pytest.mark.parametrize(
    "reply", [None, {}, {"losses": "x"}, {"losses": [1.0], "epoch": 1}, {"losses": np.zeros(1_000_001), "ended": False}]
)
def test_a_slice_of_another_form_breaks_the_channel(reply):
    with pytest.raises(Crashed, match="channel"):
        fashion_run.take(reply, Outcome(1, 40.0))


# What is said


def outcome(**changed: Any) -> Outcome:
    facts = changed.pop("facts", {})
    made = Outcome(1, 40.0, losses=[2.3] + [2.0] * 99, looks=[Look(100, 0.6, 0.62)], accuracy=0.6, facts=FACTS | facts)
    return replace(made, **changed)


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"steps": 0}, "step() is never called"),
        ({"strange": True, "looks": 4, "left_over": 4}, "another network's parameters"),
        ({"looks": 4, "left_over": 4}, "never set to zero"),
        ({"chain": ["NllLoss", "LogSoftmax", "Softmax"]}, "ends in a softmax"),
        ({"on_test": 51}, "trains on the test set"),
        ({"moody": ["Dropout"], "in_eval": 90}, "90% of the steps were in evaluation mode, where Dropout does"),
        ({"moody": ["Dropout", "BatchNorm"], "in_eval": 50}, "where Dropout does not work"),
    ],
)
def test_a_mistake_that_was_seen_is_named(facts, says):
    (said,) = fashion_words.mistakes(outcome(facts=facts))
    assert says in said
    assert says.lower() in next(fashion_words.why(outcome(facts=facts))).lower()


@pytest.mark.parametrize(
    "facts",
    [
        {"looks": 1, "left_over": 1},
        {"on_test": 50},
        {"on_test": True},
        {"in_eval": 90},
        {"moody": ["Dropout"], "in_eval": 40},
        {"chain": [3, None]},
        {"steps": 0, "moved": True},
    ],
)
def test_what_is_no_mistake_is_not_named(facts):
    assert list(fashion_words.mistakes(outcome(facts=facts))) == []


@pytest.mark.parametrize(
    ("steps", "says"), [(100, ["set; are"]), (17, ["set, for 17% of its steps"]), (3, []), (0, [])]
)
def test_a_test_set_that_is_a_part_of_what_is_trained_on_is_a_question(steps, says):
    hw = subject()
    task5_fashion.ask_of_test_set(hw, outcome(facts={"on_test": steps}))
    assert [says[0] in question for question in hw.asked] == [True for _ in says]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"end": End.DIVERGED, "facts": {"settings": {"learning_rate": 9.0}}}, "learning_rate 9 is too large"),
        ({"end": End.BUDGET, "cpu": 40.0}, "cut after 100 steps in 40 s"),
        (
            {"end": End.BUDGET, "cpu": 40.0, "epochs": 1, "facts": {"settings": {"num_epoch": 30}}},
            "cut after 100 steps (epoch 2 of 30) in 40 s",
        ),
        ({"end": End.BUDGET, "cpu": 40.0, "epochs": 3, "facts": {"settings": {"num_epoch": 3}}}, "100 steps in 40 s"),
        ({"accuracy": 0.1}, "chance level, so nothing was learned: does the loss fall"),
        ({"accuracy": 0.1, "facts": {"settings": {"learning_rate": 0.5}}}, "learning_rate 0.5 is too large"),
        ({"accuracy": 0.1, "facts": {"settings": {"learning_rate": 0}}}, "learning_rate is 0"),
        ({"accuracy": 0.1, "facts": {"settings": {"weight_decay": 10}}}, "weight_decay 10 is too large"),
        (
            {"accuracy": 0.2, "losses": [2.3, 2.2, 2.1], "end": End.FINISHED},
            "training ends after 3 steps: does its loop use all",
        ),
        ({"looks": [Look(100, 0.6, 0.9)]}, "it overfits"),
        ({"losses": list(np.linspace(2, 1, 100))}, "still falling"),
        ({}, "stopped falling"),
        ({"error": Raised("boom."), "end": End.RAISED}, "ended in an exception: boom."),
    ],
)
def test_why_a_run_misses_its_bar(changed, says):
    assert says in next(fashion_words.why(outcome(**changed)))


def test_few_steps_are_no_mistake_of_a_run_that_did_not_end_by_itself():
    assert "batches" not in next(fashion_words.why(outcome(losses=[2.3, 2.2], accuracy=0.2, end=End.STALLED)))


def test_an_exception_is_all_that_is_said_of_a_run_that_it_ended():
    cut = outcome(losses=list(np.linspace(2, 1, 100)), error=Raised("boom."), end=End.RAISED)
    assert list(fashion_words.why(cut)) == ["the run ended in an exception: boom."]


@pytest.mark.parametrize(
    "changed",
    [{"accuracy": 0.1, "facts": {"settings": {"learning_rate": 0.5}}}, {"losses": list(np.linspace(2, 1, 100))}, {}],
)
def test_of_a_run_that_the_grader_cut_no_more_is_said_than_where(changed):
    cut = outcome(**changed, end=End.BUDGET, cpu=40.0)
    assert list(fashion_words.why(cut)) == ["the run was cut after 100 steps in 40 s of processor time."]


# The bar, and the second run


def judged(accuracy: float, claim: float | None) -> tuple[StudentError | None, list[str]]:
    hw = subject()
    hw.measure = lambda measure: None
    try:
        task5_fashion.judge(hw, outcome(accuracy=accuracy), claim)
    except StudentError as error:
        return error, hw.asked
    return None, hw.asked


@pytest.mark.parametrize(("accuracy", "share"), [(0.85, 1.0), (0.775, 0.7), (0.7, 0.4), (0.699, 0.0)])
def test_points_grow_in_a_straight_line_between_the_two_bars(accuracy, share):
    error, _ = judged(accuracy, None)
    if share == 1.0:
        assert error is None
    elif share == 0.0:
        assert isinstance(error, Mismatch)
    else:
        assert isinstance(error, Partly)
        assert error.fraction == pytest.approx(share)


def test_a_claim_of_much_more_is_told_and_left_to_a_person():
    error, questions = judged(0.6, 0.99)
    assert error is not None
    assert questions == ["the notebook claims a test accuracy of 99.0%, but 60.0% was measured"]
    assert judged(0.6, 0.61)[1] == []


@pytest.mark.parametrize(
    ("changed", "claim", "question"),
    [
        (
            {"error": Raised("the training run raised X")},
            0.87,
            "87.0%, but could not be trained here: the training run",
        ),
        (
            {"problems": ((6, 2, "not read"),)},
            0.87,
            "could not be trained here: cell 6, line 2, was left out: not read",
        ),
        ({"error": Raised("boom")}, 0.5, None),
        ({"error": Raised("boom")}, None, None),
        ({}, 0.87, None),
        ({"error": Raised("boom"), "looks": [Look(100, 0.6, 0.6)]}, 0.87, None),
    ],
)
def test_a_claim_that_could_not_be_tried_is_left_to_a_person(changed, claim, question):
    questions: list[str] = []
    hw = subject()
    hw.review = questions.append
    for _ in range(2):  # by several checks, and asked once
        task5_fashion.unjudged(hw, outcome(**{"looks": []} | changed), claim)
    assert [question in said for said in questions] == ([True] if question else [])


@pytest.mark.parametrize(
    ("first", "second", "best", "runs"),
    [(0.84, 0.86, 0.86, 2), (0.84, 0.80, 0.84, 2), (0.82, 0.9, 0.82, 1), (0.86, 0.9, 0.86, 1)],
)
def test_a_near_miss_is_repeated_once_and_the_better_run_counts(first, second, best, runs):
    made = []

    def again() -> Outcome:
        made.append(second)
        return outcome(accuracy=second)

    once = outcome(accuracy=first)
    better, _ = better_of_two(once, fashion_run.near(subject(), once), again, lambda one: one.accuracy)
    assert better.accuracy == best
    assert 1 + len(made) == runs


def test_a_run_that_was_cut_is_not_repeated():
    assert not fashion_run.near(subject(), outcome(accuracy=0.84, end=End.BUDGET))


# What a machine's speed decides


RISING = [0.3, 0.5, 0.6, 0.7, 0.75, 0.78, 0.8, 0.81, 0.82, 0.83, 0.84, 0.9]
LEARNS = {"losses": list(np.linspace(2, 1, 100)), "looks": [Look(at, at / 100, at / 100) for at in (20, 40, 60)]}


@pytest.mark.parametrize("step", [0.1, 0.4, 4.0])
@pytest.mark.parametrize(
    ("script", "end", "accuracy"),
    [(RISING, End.CLEARED, 0.9), ([0.3, 0.5, *[0.6] * 30], End.STALLED, 0.6), ([0.3, 0.5], End.FINISHED, 0.5)],
)
def test_a_run_goes_on_for_as_many_steps_on_any_machine(script, end, accuracy, step):
    outcome = run(*script, step=step, budget=1000.0, least=60_000)
    ended = {End.CLEARED: 12, End.STALLED: 4, End.FINISHED: 2}[end]
    assert (outcome.end, outcome.accuracy, outcome.looks[-1].steps) == (end, accuracy, 50 * ended)


def test_what_the_notebook_claims_to_reach_is_waited_for(monkeypatch):
    """A learning rate may fall late. Where nothing at all was learned there is nothing to wait for."""
    monkeypatch.setattr(NOTEBOOK, "claimed", 0.9)
    assert run(0.3, 0.5, *[0.6] * 30, 0.9, budget=1000.0, least=60_000).end is End.CLEARED
    assert run(*[0.1] * 30, budget=1000.0, least=60_000).end is End.STALLED


def test_the_graders_own_looks_cost_a_run_nothing_up_to_a_twentieth_of_its_budget(monkeypatch):
    tell = FakeRun.tell

    def slow(self: FakeRun, what: str, *args: Any, **options: Any) -> Any:
        self.cpu += 0.1 if what == "predict" else 0.0
        return tell(self, what, *args, **options)

    monkeypatch.setattr(FakeRun, "tell", slow)
    outcome = run(*[0.6] * 50, budget=20.0)
    assert outcome.looking > LOOKING * 20
    assert (outcome.end, len(outcome.looks)) == (End.BUDGET, 18)  # 1 s of looks is free


@pytest.mark.parametrize(
    ("claim", "bar", "changed", "questions", "waits"),
    [
        (0.9, 0.85, {}, 1, True),
        (0.9, 0.3, {}, 0, False),
        (0.8, 0.85, {}, 1, False),
        (None, 0.85, {}, 1, False),
        (0.9, 0.85, {"end": End.FINISHED}, 0, False),
        (0.9, 0.85, {"losses": [1.0] * 100, "looks": [Look(at, 0.6, 0.6) for at in range(9)]}, 0, False),
        (0.9, 0.85, {"accuracy": 0.86}, 0, False),
        (0.9, 0.85, {"at_first": 0.9}, 0, False),
        (0.9, 0.85, {"facts": {"on_test": 99}}, 0, False),
    ],
)
def test_where_outputs_and_curve_agree_a_person_is_asked_and_no_point_is_taken(claim, bar, changed, questions, waits):
    hw = subject()
    cut = outcome(**{"end": End.BUDGET, "accuracy": 0.6} | LEARNS | changed)
    if waits:
        with pytest.raises(Skipped, match=r"longer than the grader allows.*cut after 100 steps, at 60.0%.*shows 90.0%"):
            task5_fashion.ask_of_cut(hw, cut, claim, bar)
    else:
        task5_fashion.ask_of_cut(hw, cut, claim, bar)
    assert len(hw.asked) == questions
    assert all("while it still learned" in question for question in hw.asked)


def test_a_run_that_is_stopped_between_two_steps_is_told_so():
    """Evaluating on the whole training set is no step, and takes its time."""
    error = TimedOut("the training run used 70 s of processor time and was stopped")
    said = fashion_words.why(outcome(end=End.BUDGET, cpu=80.0, error=error, accuracy=0.6))
    assert list(said) == ["the run was cut after 100 steps, while no further step came."]


@pytest.mark.parametrize("policy", ["advice", "part", "question"])
@pytest.mark.parametrize("convolves", [True, False, None])
def test_what_a_network_without_a_convolution_costs_the_rubric_decides(policy, convolves):
    hw = subject()
    hw.policy = lambda item, name: policy
    given = outcome(facts={"convolves": convolves})
    if policy == "part" and convolves is False:
        with pytest.raises(Partly, match="no convolution, although the task asks for a ConvNet"):
            task5_fashion.expect_convolution(hw, given)
        return
    for _ in range(2):  # once for 5.2 and once for 5.3
        task5_fashion.expect_convolution(hw, given)
    assert len(hw.asked) == (policy == "question" and convolves is False)
    assert bool(hw.advice) == (convolves is False)


@pytest.mark.parametrize(
    ("row", "fits"),
    [
        (["fc", "Linear(3, 4)", [4], 16], True),
        (["fc", "Linear(3, 4)", [1] * 11, 16], False),
        (["fc", "Linear(3, 4)", ["x"], 16], False),
        (["fc", 3, [4], 16], False),
        (["fc", "Linear(3, 4)", [4], True], False),
        (["fc", "Linear(3, 4)", [4]], False),
        ("fc", False),
    ],
)
def test_a_layer_is_a_row_of_its_form(row, fits):
    assert task5_fashion.is_layer(row) is fits


def png(*size: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", size).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("image", "fits"),
    [(png(432, 288), True), (png(1, 1), False), (png(3000, 20), False), (b"hallo", False), (b"\x89PNG", False)],
)
def test_a_plot_is_a_picture_that_can_show_a_curve(image, fits):
    cell = Cell(1, "", 1, (Output("image", image=image),))
    (shown,) = survey.pictures(Notebook("part1.ipynb", (cell,)), {1})
    assert (min(shown.height, shown.width) >= task5_fashion.LEAST) is fits


# Points only beside a run that trained


def asked_of(check: Any, student: Any, outcome: Outcome) -> tuple[Any, list[str]]:
    hw = holding(outcome)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fashion_run, "part1", lambda hw: student)
        try:
            return check(hw, np.random.default_rng(0)), hw.asked
        except (Mismatch, Skipped) as error:
            return error, hw.asked


PLOTTED = "import matplotlib.pyplot as plt\ntrain_acc = val_acc = [1]\nplt.plot(train_acc, val_acc)\nprint(0.93)"


def notebook_with(
    code: str = PLOTTED, *, network: bool = True, blank: bool = False, claim: float = 0.63
) -> survey.Survey:
    """A notebook with a claim, and one cell that plots both accuracies, with a saved picture."""
    text = f"test accuracy: {claim}"
    found = Notebook("part1.ipynb", (Cell(1, code, 1, (Output("text", text), Output("image", image=png(432, 288)))),))
    return survey.Survey(
        name=found.name, cells=found.cells, defines_network=network, plots=tuple(notebook.plots(found)),
        claims=tuple(claimed_accuracy.claims(found)), pictures=(survey.Picture(1, 288, 432, blank),),
        impossible=tuple(saved.impossible(found)), undrawn=saved.undrawn(found),
    )  # fmt: skip


def test_accuracies_of_no_named_set_count_beside_a_run_alone():
    claims = (claimed_accuracy.Claim(0.9, 1, of_test=False),)
    student = replace(notebook_with("print(input())", network=False), claims=claims)
    ended, asked = asked_of(task5_fashion.notebook_claim, student, Outcome(1, 1.0))
    assert type(ended) is Mismatch
    assert ["but from which run?" in question for question in asked] == [True]
    with pytest.raises(Partly, match="none that names the test set"):
        asked_of(task5_fashion.notebook_claim, student, outcome())


@pytest.mark.parametrize("check", ["notebook_trains", "architecture", "test_accuracy"])
def test_a_network_of_functions_alone_is_left_to_a_person(check):
    student = notebook_with(network=False)
    ended, (question,) = asked_of(getattr(task5_fashion, check), student, outcome(facts={"layers": []}, accuracy=0.0))
    assert isinstance(ended, Skipped)
    assert question.endswith("no nn.Module whose accuracy could be measured; is it a network, and how good is it?")
    ended, _ = asked_of(getattr(task5_fashion, check), student, Outcome(1, 1.0))
    assert isinstance(ended, Mismatch)


def test_a_network_that_was_seen_is_one_even_if_no_class_of_the_notebook_says_so():
    student = notebook_with(network=False)  # as `model = nn.Linear(784, 10)`
    ended, _ = asked_of(task5_fashion.notebook_trains, student, outcome(facts={"layers": [["fc", "Linear", [10], 7]]}))
    assert ended is None


@pytest.mark.parametrize("check", ["notebook_claim", "hyperparameters"])
def test_what_a_network_of_functions_claims_and_uses_waits_with_it(check):
    student = replace(notebook_with(network=False), claims=(claimed_accuracy.Claim(0.9, 1, of_test=True),))
    facts = {"layers": [], "loss": "", "optimizer": "", "settings": {}}  # as of a loop that slices tensors
    ended, questions = asked_of(getattr(task5_fashion, check), student, outcome(facts=facts, accuracy=0.0))
    assert isinstance(ended, Skipped)
    assert ["how good is it?" in question for question in questions] == [True]


@pytest.mark.parametrize("check", ["notebook_trains", "architecture", "test_accuracy"])
@pytest.mark.parametrize(
    "absent",
    ["ModuleNotFoundError: No module named 'einops'", "FileNotFoundError: No such file or directory: 'own.csv'"],
)
def test_a_package_or_a_file_that_is_not_here_costs_a_notebook_that_claims_its_accuracy_no_points(check, absent):
    error = Raised(f"the training run raised {absent}")
    made = outcome(looks=[], losses=[], facts={}, error=error)
    ended, asked = asked_of(getattr(task5_fashion, check), notebook_with(claim=0.88), made)
    assert isinstance(ended, Skipped)
    assert f"{absent}; this costs no points: a person will look" in str(ended)
    assert len(asked) == 1
    with pytest.raises(Raised):
        asked_of(getattr(task5_fashion, check), notebook_with(claim=0.5), made)


UNTRAINED = Outcome(1, 40.0, error=Raised("the training run raised NameError: name 'plot' is not defined"))
JUDGED_BY_OUTPUT = [task5_fashion.notebook_outputs, task5_fashion.notebook_claim, task5_fashion.accuracy_plot]


@pytest.mark.parametrize(
    ("trains", "says", "lost"),
    [("loss.backward()", "", False), ("print(loss)", "", True), ("print(loss)", "0.3", False), ("", "", False)],
)
def test_a_training_cell_without_an_output_is_right_if_it_prints_nothing(trains, says, lost):
    cells = Cell(1, trains, 1, (Output("text", says),) * bool(says)), Cell(2, "print(f(x))", 2, (Output("text", "1"),))
    read = replace(notebook_with(), cells=cells, mute=tuple(saved.mute(Notebook("part1.ipynb", cells))))
    made = outcome(facts=FACTS | {"cells": [1] if trains else []})
    if not lost:
        assert asked_of(task5_fashion.notebook_outputs, read, made) == (None, [])
        return
    with pytest.raises(Partly, match=r"cell 1 of part1\.ipynb, which trains, holds no output"):
        asked_of(task5_fashion.notebook_outputs, read, made)


@pytest.mark.parametrize("check", JUDGED_BY_OUTPUT)
def test_outputs_without_a_run_that_trained_are_a_question(check):
    """They earn nothing if no network is there, and wait for a person if one is."""
    ended, asked = asked_of(check, notebook_with(network=False), UNTRAINED)
    assert "holds no network" in ended.message
    assert ["from which run?" in one for one in asked] == [True]
    ended, asked = asked_of(check, notebook_with(), UNTRAINED)
    assert isinstance(ended, Skipped)
    assert "a person will look" in str(ended)
    assert ["trains nothing when the grader runs it" in one for one in asked] == [True]
    assert asked_of(check, notebook_with(), outcome()) == (None, [])


@pytest.mark.parametrize("check", JUDGED_BY_OUTPUT)
def test_outputs_that_their_code_cannot_have_given_are_left_to_a_person(check):
    ended, asked = asked_of(check, notebook_with("plot(train_acc, val_acc)"), outcome())
    assert isinstance(ended, Skipped)
    (question,) = asked
    assert re.search("saved in cell 1 of part1.ipynb, but it uses plot, which nothing .* defines; from which", question)


def test_a_picture_that_nothing_can_have_drawn_is_left_to_a_person():
    code = "import torch\ndef plot(*lines): pass\ntrain_acc = val_acc = [1]\nplot(train_acc, val_acc)\nprint(1)"
    ended, (question,) = asked_of(task5_fashion.accuracy_plot, notebook_with(code), outcome())
    assert "the notebook imports nothing that draws; who drew it?" in question
    assert isinstance(ended, Skipped)
    assert asked_of(task5_fashion.notebook_outputs, notebook_with(code), outcome()) == (None, [])


@pytest.mark.parametrize(
    ("claim", "changed", "held"),
    [(0.93, {}, True), (0.93, {"end": End.STALLED}, True), (0.93, {"end": End.BUDGET}, False), (0.64, {}, False),
     (0.93, {"accuracy": 0.86, "end": End.CLEARED}, False)],
)  # fmt: skip
def test_a_claim_that_a_whole_run_does_not_come_near_is_left_to_a_person(claim, changed, held):
    ended, asked = asked_of(task5_fashion.notebook_claim, notebook_with(claim=claim), outcome(**changed))
    assert isinstance(ended, Skipped) == held
    assert len(asked) == held


@pytest.mark.parametrize(
    ("printed", "trained", "question"),
    [
        ("Genauigkeit: 71.64%", [1], "cell 1 of part1.ipynb prints 0.7164; is that the accuracy on the test set?"),
        ("Genauigkeit: 71.64%", [2], None),
        ("Genauigkeit: 71.64%", [], None),
        ("fertig", [1], None),
    ],
)
def test_a_share_that_is_printed_after_training_is_left_to_a_person(printed, trained, question):
    """Notebooks are in many languages."""
    found = Notebook("part1.ipynb", (Cell(1, "print(f(p_lader))", 1, (Output("text", printed),)),))
    read = survey.Survey(
        name=found.name, cells=found.cells, defines_network=True, unnamed=claimed_accuracy.unnamed(found)
    )
    made = outcome(facts=FACTS | {"cells": trained})
    ended, asked = asked_of(task5_fashion.notebook_claim, read, made)
    assert (isinstance(ended, Skipped), asked) == (question is not None, [question] if question else [])
    assert isinstance(ended, Skipped) or "states an accuracy" in ended.message


def test_a_share_that_its_code_cannot_have_printed_is_left_to_a_person():
    cells = (Cell(1, "acc = 0.9", 1, (Output("text", "Genauigkeit: 91%"),)),)
    read = survey.Survey(name="part1.ipynb", cells=cells, defines_network=True,
                         impossible=tuple(saved.impossible(Notebook("part1.ipynb", cells))),
                         unnamed=claimed_accuracy.Claim(0.91, 1, of_test=False))  # fmt: skip
    _, (question,) = asked_of(task5_fashion.notebook_claim, read, outcome(facts=FACTS | {"cells": [1]}))
    assert question.endswith("neither calls anything nor ends in a value; from which run?")


def test_a_plot_of_shares_that_nothing_names_is_left_to_a_person():
    plot = notebook.Plot(1, training=False, validation=False, named=False)
    ended, (question,) = asked_of(task5_fashion.accuracy_plot, replace(notebook_with(), plots=(plot,)), outcome())
    assert question == "cell 1 of part1.ipynb plots shares of right answers; are they of training and validation?"
    assert isinstance(ended, Skipped)
    partly = replace(plot, training=True, named=True)
    with pytest.raises(Partly, match="none called validation accuracy"):
        asked_of(task5_fashion.accuracy_plot, replace(notebook_with(), plots=(plot, partly)), outcome())


def test_a_plot_of_training_and_validation_that_nothing_names_is_left_to_a_person():
    imported = "import matplotlib.pyplot as plt\na, b = [], []\nprint(1)\n"
    code = f"{imported}plt.plot(a)\nplt.plot(b)\nplt.legend(['train', 'val'])"
    ended, (question,) = asked_of(task5_fashion.accuracy_plot, notebook_with(code), outcome())
    assert isinstance(ended, Skipped)
    assert "cell 1 of part1.ipynb plots training and validation; is it their accuracy?" in question
    ended, _ = asked_of(task5_fashion.accuracy_plot, notebook_with(f"{code}\nplt.ylabel('loss')"), outcome())
    assert isinstance(ended, Mismatch)


@pytest.mark.parametrize(("claim", "accuracy", "asks"), [(0.1, 0.86, True), (0.72, 0.86, False), (0.6, 0.8, False)])
def test_a_claim_that_the_network_exceeds_by_far_is_a_question(claim, accuracy, asks):
    made = outcome(accuracy=accuracy, end=End.CLEARED)
    ended, asked = asked_of(task5_fashion.notebook_claim, notebook_with(claim=claim), made)
    assert ended is None
    assert ["test pictures prepared like those" in one for one in asked] == [True] * asks


def test_a_picture_of_one_colour_is_no_plot():
    ended, _ = asked_of(task5_fashion.accuracy_plot, notebook_with(blank=True), outcome())
    assert "is of one colour, so it shows no plot" in ended.message


def test_a_plot_whose_cell_cannot_run_is_a_question():
    problems = ((1, 12, "NameError: name 'train_acc' is not defined"),)
    ended, asked = asked_of(task5_fashion.accuracy_plot, notebook_with(), outcome(problems=problems))
    assert ended is None
    assert "who drew it?" in asked[0]


@pytest.mark.parametrize(
    ("accuracy", "training", "layers", "says"),
    [(0.9, 0.82, 2, "only 82.0% of 1000 training pictures"), (0.9, 0.9, 1, "of one layer"), (0.9, 0.85, 2, None),
     (0.84, 0.84, 1, None), (0.69, 0.1, 2, None)],
)  # fmt: skip
def test_a_test_accuracy_that_training_does_not_explain_is_left_to_a_person(accuracy, training, layers, says):
    hw = subject()
    rows = [[f"{at}", "Linear", [10], 100] for at in range(layers)]
    made = outcome(accuracy=accuracy, training=training, facts={"layers": rows, "convolves": layers > 1})
    if says is None:
        task5_fashion.expect_explained(hw, made)
    else:
        with pytest.raises(Skipped, match=f"{says}.*a person will look"):
            task5_fashion.expect_explained(hw, made)
    assert [says in one for one in hw.asked] == [True] * (says is not None)


@pytest.mark.parametrize(
    ("mode", "colour", "blank"),
    [("L", 128, True), ("RGB", (200, 0, 9), True), ("RGBA", (0, 0, 0, 0), True), ("L", None, False)],
)
def test_a_reader_sees_whether_a_picture_is_blank(mode, colour, blank):
    file = io.BytesIO()
    image = Image.new(mode, (60, 50), colour if colour is not None else 255)
    if colour is None:
        image.putpixel((5, 5), 0)
    image.save(file, "PNG")
    assert survey.looked_at(3, file.getvalue()) == survey.Picture(3, 50, 60, blank)
    assert survey.looked_at(3, b"\x89PNG no picture") == survey.Picture(3)


def test_a_table_of_the_public_labels_does_not_follow_new_class_numbers():
    """What the process is given, and what is compared, have the same secret numbers; reports show the public ones."""
    new = np.roll(np.arange(10), 3)
    held = HeldOut(np.arange(2000), IMAGES.test_x, new[LABELS], new)
    for told, accuracy in ((LABELS, 0.0), (held.y, 1.0)):
        hw = subject([0.9])
        hw.kept["held out"] = held
        going = telling(told)
        made = Outcome(1, 40.0, losses=[1.0])
        fashion_run.judge(hw, going, made)
        assert made.accuracy == accuracy
    assert np.array_equal(made.classes, LABELS)


@pytest.mark.parametrize(
    ("instead", "losses", "says"),
    [
        (
            {"start": 0.6},
            [2.3, 1.0],
            "84.0% .* and 60.0% with all parameters as before training; what did training teach",
        ),
        ({"start": 0.1, "shuffled": 0.6}, [2.3, 1.0], "and 60.0% with parameters in a random order; what did training"),
        ({"in training": 0.58}, [2.3, 1.0], "but 58.0% if the network answers as in training, .* what does it know"),
        (
            {"by steps": 0.6},
            [2.3, 1.0],
            "but 60.0% if the optimizer's steps alone had changed the parameters; what else",
        ),
        ({"nudged": 0.1}, [2.3, 1.0], "but 10.0% if its parameters are changed by a ten-thousandth; what does it know"),
        ({"nudged": 0.6}, [2.3, 1.0], None),
        ({}, [2.3] * 100, "but the loss never fell: it was 2.3 at first and 2.3 at best; what learned"),
        ({}, [0.0] * 100, "the loss never fell"),
        ({"start": 0.12, "shuffled": 0.2, "in training": 0.6, "by steps": 0.8}, [2.3] + [2.0] * 99, None),
        ({"as it is": 0.95, "by steps": 0.8}, [2.3] + [2.0] * 99, "but 80.0% if the optimizer's steps alone"),
        ({}, [0.1, *np.linspace(2.3, 0.3, 99)], None),
        ({"start": 0.41, "by steps": 0.75}, [-1.0] + [-2.0] * 99, None),
    ],
)
def test_what_an_optimizer_did_not_teach_is_a_question_once(instead, losses, says):
    made = outcome(accuracy=0.84, training=0.84, instead=instead, losses=losses)
    hw = holding(made)
    checked(task5_fashion.notebook_trains, hw)
    if says is None:
        task5_fashion.expect_explained(hw, made)
        assert hw.asked == []
        return
    with pytest.raises(Skipped):
        task5_fashion.expect_explained(hw, made)
    (question,) = hw.asked
    assert re.search(says, question)


@pytest.mark.parametrize(
    ("facts", "instead", "says"),
    [
        ({"convolves": False, "kernels": []}, {}, "the network has no convolution, although"),
        ({"convolves": False, "kernels": ["1 x 1", "1 x 1"]}, {}, "no trained convolution .*(kernels: 1 x 1)"),
        ({"convolves": False, "layers": [["c", "Conv2d(1, 8)", [8], 9]]}, {}, "c is a convolution that is not trained"),
        ({"convolves": True, "filters": 2, "filters_moved": 1e-6}, {}, "leaves the filters of all convolutions"),
        ({"convolves": True, "filters": 2, "filters_moved": 0.5}, {"no filters": 0.83}, "83.0% right without its"),
        ({"convolves": True, "filters": 2, "filters_moved": 0.5}, {"no filters": 0.5}, None),
        ({"convolves": True, "filters": 2, "filters_moved": 0.5}, {"as it is": 0.87, "no filters": 0.83}, None),
        (
            {"convolves": True, "filters": 2, "filters_moved": 0.5},
            {"as it is": 0.81, "no filters": 0.8},
            "80.0% .* and 81.0% as it is",
        ),
        ({"convolves": True, "filters": 2, "filters_moved": 0.5}, {"mixed filters": 0.83}, "of its filters mixed"),
        ({"convolves": True, "filters": 2, "filters_moved": 0.5}, {"mixed filters": 0.5}, None),
        ({"convolves": True, "filters": 0}, {}, None),
        ({"convolves": "yes"}, {}, None),
    ],
)
def test_a_convolution_that_takes_no_part_is_none(facts, instead, says):
    hw = subject()
    task5_fashion.expect_convolution(hw, outcome(accuracy=0.84, facts=facts, instead=instead))
    assert len(hw.asked) == (says is not None)
    assert says is None or re.search(says, hw.asked[0])


def test_a_run_that_learned_is_shown_pictures_with_other_parameters():
    known = FACTS | {"written": True, "filters": 2}
    always = {"start": 0.1, "shuffled": 0.1}
    assert run(0.5, 0.9, facts=known).instead == always | {
        "as it is": 0.9, "by steps": 0.1, "no filters": 0.1, "mixed filters": 0.1, "in training": 0.9, "nudged": 0.9
    }  # fmt: skip
    plain = FACTS | {"written": False}
    assert run(0.5, 0.6, facts=plain).instead == always | {"as it is": 0.6, "in training": 0.6, "nudged": 0.6}
    assert run(0.2, 0.2, facts=known).instead == {}


def test_what_a_network_does_not_answer_is_not_judged():
    nothing = {"classes": np.zeros(0, np.int64), "probabilities": np.zeros(0)}
    going: Any = SimpleNamespace(tell=lambda *_, **__: nothing, used=lambda: 0.0)
    assert dict(fashion_run.others(subject(), going, outcome(accuracy=0.84))) == {}


@pytest.mark.parametrize(("claim", "stand_in", "asked"), [(0.97, False, 1), (0.955, False, 0), (0.97, True, 0)])
def test_a_claim_that_no_network_reaches_is_a_question_though_the_bar_is_cleared(claim, stand_in, asked):
    hw = subject()
    hw.data = lambda name: SimpleNamespace(stand_in=stand_in)
    made = outcome(accuracy=0.86, end=End.CLEARED)
    if asked:
        with pytest.raises(Skipped, match=r"claims a test accuracy of 97\.0%.* a person will look"):
            task5_fashion.expect_near(hw, made, claim)
    else:
        task5_fashion.expect_near(hw, made, claim)
    assert ["how was it measured" in one for one in hw.asked] == [True] * asked


def test_filters_that_nothing_trained_are_no_question_where_nothing_was_learned():
    hw = subject()
    facts = {"convolves": True, "filters": 2, "filters_moved": 0.0}
    task5_fashion.expect_convolution(hw, outcome(accuracy=0.11, facts=facts))
    assert hw.asked == []
