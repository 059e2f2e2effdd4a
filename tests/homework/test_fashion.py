"""Task 5, the grader's side of a run: how long it goes on, what is believed of it, and what is said."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from grader.errors import Crashed, Mismatch, OutOfMemory, Partly, Raised, StudentError, TimedOut
from grader.homework import task5_fashion
from grader.homework.notebooks import fashion_run, fashion_words
from grader.homework.notebooks.fashion_run import ASKED, End, HeldOut, Look, Outcome

sys.path.insert(0, str(Path(__file__).parent))
import fake

LABELS = np.random.default_rng(0).integers(10, size=2000)
IMAGES = SimpleNamespace(
    train_x=np.zeros((2000, 28, 28), np.uint8), train_y=LABELS, test_x=np.zeros((2000, 28, 28), np.uint8),
    test_y=LABELS, digest="d", stand_in=False,
)  # fmt: skip
FACTS = {
    "backward": 100, "steps": 100, "in_eval": 0, "looks": 5, "left_over": 0, "optimizer": "Adam",
    "loss": "CrossEntropy", "chain": ["NllLoss", "LogSoftmax", "Addmm"], "moody": [],
    "settings": {"learning_rate": 1e-3}, "strange": False,
}  # fmt: skip


class FakeRun:
    """A notebook's run: one slice of `step` CPU seconds for each accuracy; an exception is raised in its turn."""

    knows = 0.0  # the accuracy before all of them

    def __init__(self, script: list[Any], step: float, facts: Any) -> None:
        self.script, self.step, self.known, self.cpu = list(script), step, facts, 0.0
        self.accuracy = self.knows

    def advance(self, seconds: float) -> Any:
        if not seconds:
            return {"losses": [2.0], "epoch": False, "ended": False}  # a step, of which nothing is told but its loss
        self.cpu += self.step
        ended = not self.script
        if not ended:
            now = self.script.pop(0)
            if isinstance(now, Exception):
                raise now
            self.accuracy = now
        return {"losses": [2.0, 1.9], "epoch": False, "ended": ended}

    def tell(self, what: str, *args: Any, **options: Any) -> Any:
        if what == "predict":
            _, count, _ = args
            classes = LABELS[:count].copy()
            right = round(self.accuracy * len(classes))
            classes[right:] = (classes[right:] + 1) % 10
            return {"classes": classes, "probabilities": np.full(len(classes), 0.9, np.float32)}
        return [] if what == "problems" else self.known

    def used(self) -> float:
        return self.cpu


def kept_in(kept: dict[str, Any], **more: Any) -> Any:
    """An `hw` with what earlier checks of the submission left."""
    return SimpleNamespace(kept=kept, once=lambda key, make: fake.once(kept, key, make), **more)


def subject(*scripts: Any, full: bool = False, facts: Any = FACTS, step: float = 1.0) -> Any:
    waiting, lines = list(scripts), []
    return kept_in(
        {"held out": HeldOut(np.arange(2000), IMAGES.test_x, LABELS)},
        data=lambda name: IMAGES, full=full, progress=lines.append, lines=lines, runs=waiting,
        session=SimpleNamespace(
            drive=lambda *_, **__: FakeRun(waiting.pop(0), step, facts), renew=lambda: None,
        ),
    )  # fmt: skip


SETTINGS = {"learned": 0.3, "full": 0.85, "partial": 0.7, "at_partial": 0.4, "claim_gap": 0.05, "budget": 40.0,
            "long_budget": 240.0}  # fmt: skip
NOTEBOOK = SimpleNamespace(name="part1.ipynb", code=[])


def run(*script: Any, budget: float = 40.0, **options: Any) -> Outcome:
    return fashion_run.run(subject(list(script), **options), NOTEBOOK, 1, budget, 0.85)


# When a run ends


def test_a_network_that_knows_the_pictures_before_it_has_learned_is_for_a_person(monkeypatch):
    monkeypatch.setattr(FakeRun, "knows", 0.9)
    asked: list[str] = []
    hw = subject([0.9])
    hw.settings_of, hw.review = lambda item: {"partial": 0.7}, asked.append
    outcome = fashion_run.run(hw, NOTEBOOK, 1, 40.0, 0.85)
    assert outcome.at_first == 0.9
    with pytest.raises(Mismatch, match="90% of the test pictures are classified right at the first step"):
        fashion_run.learned(hw, outcome)
    assert asked == ["at the first step the network knows 90% of the test pictures; where is that from?"]


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


def test_a_full_run_goes_on_and_one_whose_time_is_up_is_judged_as_it_stands():
    assert run(0.5, 0.9, 0.7, full=True).accuracy == 0.7
    cut = run(*[0.6] * 50, budget=5)
    assert (cut.end, cut.cpu, cut.accuracy) == (End.BUDGET, 5, 0.6)


def test_a_loss_that_is_no_number_ends_a_run(monkeypatch):
    monkeypatch.setattr(FakeRun, "advance", lambda self, seconds: {"losses": [np.nan], "epoch": False, "ended": False})
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
        return [] if what == "problems" else FACTS

    monkeypatch.setattr(FakeRun, "tell", tell)
    outcome = run(0.5)
    assert outcome.error.message == f"{ASKED} raised RuntimeError: shape"
    assert outcome.fact("optimizer", str) == "Adam"
    assert "the training run" not in ASKED


def test_a_run_that_is_stopped_before_its_first_look_tells_of_no_mistake():
    outcome = run(OutOfMemory("too much"), facts=FACTS | {"backward": 1, "steps": 0})
    assert (outcome.fact("optimizer", str), list(fashion_words.mistakes(outcome))) == ("Adam", [])
    with pytest.raises(OutOfMemory):
        fashion_run.learned(subject(), outcome)
    hw = kept_in({"first run": outcome})
    with pytest.raises(OutOfMemory):
        checked(task5_fashion.architecture, hw)
    hw.draw = lambda figure: None
    with pytest.raises(Partly, match=r"not found in part1\.ipynb: batch_size, num_epoch"):
        checked(task5_fashion.hyperparameters, hw)  # what was seen at the first step is known


def test_the_cause_is_told_where_nothing_was_trained():
    """What was left out is advice of a check that fails, and said where no statement trains."""
    problems = ((6, 26, "Python 3.11 cannot read it"),)
    advice: list[str] = []
    hw = kept_in({"first run": Outcome(1, 40.0, problems=problems)}, advise=advice.append)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(task5_fashion.notebook, "defines_network", lambda student: True)
        with pytest.raises(Mismatch, match=r"trains nothing.*backward.*; cell 6, line 26, was left out: Python"):
            checked(task5_fashion.notebook_trains, hw)
    assert advice == ["cell 6, line 26, was left out: Python 3.11 cannot read it"]


def test_a_hint_is_given_once_however_often_an_error_is_told():
    error = Raised("the training run raised RuntimeError: mat1 and mat2 shapes cannot be multiplied", where="cell 3:1")
    said = [fashion_run.explained(error) for _ in range(3)]
    assert {one.message.count("print x.shape") for one in said} == {1}
    assert {one.where for one in said} == {"cell 3:1"}


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
        with pytest.raises(Crashed, match="2000 predictions were asked for"):
            fashion_run.predicted(going, "test", 2000, 20.0)


def test_neither_a_place_nor_a_pictures_bytes_tell_its_label():
    """The order differs from submission to submission whatever seeds are set, and no picture is as it is public."""
    x = np.random.default_rng(0).integers(256, size=IMAGES.test_x.shape, dtype=np.uint8)
    images = SimpleNamespace(test_x=x, test_y=LABELS)
    drawn = []
    for _ in range(2):
        np.random.seed(0)
        hw = kept_in({}, data=lambda name: images)
        drawn.append(fashion_run.held_out(hw))
        assert fashion_run.held_out(hw) is drawn[-1]
    first, second = drawn
    assert (first.at != second.at).mean() > 0.99
    assert np.array_equal(np.sort(first.at), np.arange(len(x)))
    assert np.array_equal(first.y, LABELS[first.at])
    apart = np.abs(first.x.astype(int) - x[first.at])
    assert first.x.dtype == np.uint8
    assert apart.max() == 1
    assert (apart.max((1, 2)) == 1).all()
    assert (first.x != second.x[np.argsort(second.at)][first.at]).any((1, 2)).all()


def test_the_report_shows_pictures_with_their_own_labels():
    held = HeldOut(np.arange(2000)[::-1], IMAGES.test_x, LABELS[::-1])
    hw = subject([0.9])
    hw.kept["held out"] = held
    going = SimpleNamespace(tell=lambda *_, **__: {"classes": held.y, "probabilities": np.ones(2000)}, used=lambda: 0.0)
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
    made = Outcome(1, 40.0, losses=[2.0] * 100, looks=[Look(100, 0.6, 0.62)], accuracy=0.6, facts=FACTS | facts)
    return replace(made, **changed)


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"steps": 0}, "step() is never called"),
        ({"strange": True}, "parameters of another network"),
        ({"looks": 4, "left_over": 4}, "never set back to zero"),
        ({"chain": ["NllLoss", "LogSoftmax", "Softmax"]}, "ends in a softmax"),
        ({"on_test": 51}, "learns from pictures of the test set"),
        ({"moody": ["Dropout"], "in_eval": 90}, "evaluation mode in 90% of the training steps, where Dropout does"),
        ({"moody": ["Dropout", "BatchNorm"], "in_eval": 50}, "Dropout and BatchNorm do nothing"),
    ],
)
def test_a_mistake_that_was_seen_is_named(facts, says):
    (said,) = fashion_words.mistakes(outcome(facts=facts))
    assert says in said
    assert says.lower() in fashion_words.why(outcome(facts=facts)).lower()


@pytest.mark.parametrize(
    "facts",
    [
        {"looks": 1, "left_over": 1},
        {"on_test": 50},
        {"on_test": True},
        {"in_eval": 90},
        {"moody": ["Dropout"], "in_eval": 40},
        {"chain": [3, None]},
    ],
)
def test_what_is_no_mistake_is_not_named(facts):
    assert list(fashion_words.mistakes(outcome(facts=facts))) == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"end": End.DIVERGED, "facts": {"settings": {"learning_rate": 9.0}}}, "learning_rate 9 is too large"),
        ({"end": End.BUDGET, "cpu": 40.0}, "cut after 100 steps in 40 s"),
        (
            {"end": End.BUDGET, "cpu": 40.0, "epochs": 1, "facts": {"settings": {"num_epoch": 30}}},
            "cut after 100 steps, in epoch 2 of 30, in 40 s",
        ),
        ({"end": End.BUDGET, "cpu": 40.0, "epochs": 3, "facts": {"settings": {"num_epoch": 3}}}, "100 steps in 40 s"),
        ({"accuracy": 0.1}, "chance level, so nothing was learned: does the loss fall"),
        ({"accuracy": 0.1, "facts": {"settings": {"learning_rate": 0.5}}}, "learning_rate 0.5 is too large"),
        ({"looks": [Look(100, 0.6, 0.9)]}, "it overfits"),
        ({"losses": list(np.linspace(2, 1, 100))}, "still falling"),
        ({}, "stopped falling"),
        ({"error": Raised("boom."), "end": End.RAISED}, "ended in an exception: boom."),
    ],
)
def test_why_a_run_misses_its_bar(changed, says):
    assert says in fashion_words.why(outcome(**changed))


def test_an_exception_is_all_that_is_said_of_a_run_that_it_ended():
    cut = outcome(losses=list(np.linspace(2, 1, 100)), error=Raised("boom."), end=End.RAISED)
    assert fashion_words.why(cut) == "The run ended in an exception: boom."


@pytest.mark.parametrize(
    "changed",
    [{"accuracy": 0.1, "facts": {"settings": {"learning_rate": 0.5}}}, {"losses": list(np.linspace(2, 1, 100))}, {}],
)
def test_of_a_run_that_the_grader_cut_no_more_is_said_than_where(changed):
    cut = outcome(**changed, end=End.BUDGET, cpu=40.0)
    assert fashion_words.why(cut) == "The run was cut after 100 steps in 40 s of processor time."


# The bar, and the second run


def judged(accuracy: float, claim: float | None) -> tuple[StudentError | None, list[str]]:
    questions: list[str] = []
    hw = SimpleNamespace(
        settings=SETTINGS, data=lambda name: IMAGES, measure=lambda measure: None, review=questions.append,
    )  # fmt: skip
    try:
        task5_fashion.judge(hw, outcome(accuracy=accuracy), claim)
    except StudentError as error:
        return error, questions
    return None, questions


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
    assert "while the notebook claims 99.0%" in error.message
    assert questions == ["the notebook claims a test accuracy of 99.0%, and 60.0% was measured"]
    assert judged(0.6, 0.61)[1] == []


@pytest.mark.parametrize(
    ("changed", "claim", "question"),
    [
        (
            {"error": Raised("the training run raised X")},
            0.87,
            "87.0%, and could not be trained here: the training run",
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
    hw = SimpleNamespace(settings={"partial": 0.7}, review=questions.append)
    task5_fashion.unjudged(hw, outcome(**{"looks": []} | changed), claim)
    assert [question in said for said in questions] == ([True] if question else [])


@pytest.mark.parametrize(
    ("first", "second", "best", "runs"),
    [(0.84, 0.86, 0.86, 2), (0.84, 0.80, 0.84, 2), (0.82, 0.9, 0.82, 1), (0.86, 0.9, 0.86, 1)],
)
def test_a_near_miss_is_repeated_once_and_the_better_run_counts(first, second, best, runs):
    made = []

    def runner(seed: int, budget: float) -> Outcome:
        made.append(seed)
        return outcome(accuracy=second)

    better, _ = fashion_run.best_of(outcome(accuracy=first), runner, 7, 0.85)
    assert better.accuracy == best
    assert 1 + len(made) == runs


@pytest.mark.parametrize(
    ("claim", "end", "full", "longer"),
    [
        (0.9, End.BUDGET, False, True),
        (0.9, End.FINISHED, False, False),
        (0.62, End.BUDGET, False, False),
        (None, End.BUDGET, False, False),
        (0.9, End.BUDGET, True, False),
    ],
)
def test_a_run_that_was_cut_gets_longer_where_the_notebook_claims_much_more(claim, end, full, longer):
    hw = SimpleNamespace(settings_of=lambda item: SETTINGS, full=full)
    assert bool(task5_fashion.more_time(hw, outcome(end=end), claim)) is longer


@pytest.mark.parametrize(("accuracies", "runs"), [([0.2, 0.86], 2), ([0.2, 0.25], 2), ([0.84, 0.86], 2), ([0.9], 1)])
def test_a_cut_run_is_given_its_longer_one_once_for_all_checks(monkeypatch, accuracies, runs):
    """And is not repeated besides, however near the bar it was cut."""
    made: list[float] = []

    def trained(hw: Any, student: Any, seed: int, budget: float, bar: float) -> Outcome:
        made.append(budget)
        accuracy = accuracies[len(made) - 1]
        return outcome(accuracy=accuracy, end=End.CLEARED if accuracy >= bar else End.BUDGET)

    monkeypatch.setattr(fashion_run, "run", trained)
    monkeypatch.setattr(task5_fashion, "show", lambda *_: None)
    monkeypatch.setattr(task5_fashion.claimed_accuracy, "claimed", lambda student: 0.95)
    monkeypatch.setattr(task5_fashion.notebook, "defines_network", lambda student: True)
    said: list[str] = []
    hw = kept_in(
        {}, settings=SETTINGS, settings_of=lambda item: SETTINGS, data=lambda name: IMAGES, full=False,
        advise=said.append, review=said.append, measure=lambda measure: None,
    )  # fmt: skip
    for check, bar in ((task5_fashion.notebook_trains, 0.3), (task5_fashion.test_accuracy, 0.85)):
        if max(accuracies) >= bar:
            checked(check, hw)
        else:
            with pytest.raises(Mismatch, match=r"25\.0% of the test pictures"):
                checked(check, hw)
    assert made == [40.0, 240.0][:runs]
    assert any("so it was given" in one for one in said) == (runs == 2)


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
    assert task5_fashion.is_plot(image) is fits
