"""What is said about a training run."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from grader.homework.training import words
from grader.homework.training.loop import End
from grader.homework.training.two_layer_run import TRAIN, VALIDATION

sys.path.insert(0, str(Path(__file__).parent))
from fake_training import DEFAULTS, SETTINGS, outcome


@pytest.mark.parametrize(
    ("given", "of", "sentence"),
    [
        (
            outcome((0.1, 0.1), hyperparameters=dict(DEFAULTS)),
            VALIDATION,
            "learning_rate 0.0001 (the handout's default)",
        ),
        (outcome((0.1, 0.1), hyperparameters=DEFAULTS | {"reg": 0.5}), VALIDATION, "reg 0.5 pulls the weights to"),
        (outcome((0.1, 0.1), hyperparameters=SETTINGS | {"learning_rate": 2.0}), VALIDATION, "try a tenth"),
        (
            outcome((0.1, 0.1), hyperparameters=SETTINGS | {"learning_rate": -0.1}),
            VALIDATION,
            "Your learning_rate -0.1 goes up the gradient: use one above 0.",
        ),
        (
            outcome((0.1, 0.1), hyperparameters=SETTINGS | {"learning_rate": 0.0}),
            VALIDATION,
            "Your learning_rate 0 moves nothing",
        ),
        (
            outcome((0.1, 0.1), hyperparameters=SETTINGS | {"learning_rate": -0.1}, end=End.DIVERGED),
            VALIDATION,
            "learning_rate -0.1 is negative, so steps go up the gradient.",
        ),
        (
            outcome((0.1, 0.1), hyperparameters=SETTINGS | {"reg": -2.0}, end=End.DIVERGED),
            VALIDATION,
            "reg -2 pushes the weights away from zero",
        ),
        (
            outcome((0.1, 0.1), hyperparameters=SETTINGS | {"reg": -2.0}),
            VALIDATION,
            "Your reg -2 pushes the weights away",
        ),
        (outcome((0.1, 0.1)), VALIDATION, "does training_step return the gradients"),
        (outcome((0.3, 0.6)), VALIDATION, "more images (num_train)"),
        (outcome((0.3, 0.31)), VALIDATION, "stopped falling"),
        (outcome((0.3, 0.31), losses=list(np.linspace(3, 1, 100))), VALIDATION, "still falling"),
        (
            outcome((0.3, 0.5), hyperparameters=SETTINGS | {"num_train": 9999}),
            TRAIN,
            "fewer images (num_train), set reg to 0 or",
        ),
        (outcome((0.3, 0.5), hyperparameters=SETTINGS | {"reg": 0}), TRAIN, "To overfit, train longer (num_epochs)."),
        (
            outcome((0.18, 0.18), hyperparameters=SETTINGS | {"reg": 0.5}),
            VALIDATION,
            "underfits: reg 0.5 pulls the weights",
        ),
        (outcome((0.18, 0.18), hyperparameters=SETTINGS | {"reg": 0.5}), TRAIN, "set reg to 0"),
        (outcome(*[(0.18, 0.18)] * 5, end=End.BUDGET), VALIDATION, "stopped falling"),
        (outcome(*[(0.18, 0.18)] * 4, end=End.BUDGET), VALIDATION, "fewer images (num_train) or a smaller hidden_dim"),
        (outcome(*[(0.18, 0.18)] * 5, end=End.BUDGET, losses=list(np.linspace(3, 1, 100))), VALIDATION, "smaller"),
        (outcome((0.3, 0.3), wrote=("X_batch",)), VALIDATION, "Your training_step writes to its input X_batch"),
    ],
)
def test_why(given, of, sentence):
    assert sentence in " ".join(words.why(given, of, DEFAULTS))


def test_of_a_network_that_is_wrong_itself_no_setting_is_blamed():
    exploded = outcome((0.1, 0.1), hyperparameters=SETTINGS | {"learning_rate": 2.0}, end=End.DIVERGED)
    said = words.why(exploded, VALIDATION, DEFAULTS, "Your training_step is wrong")
    assert said == ["Your training_step is wrong", "The loss grew to 1 after 40 steps."]


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (outcome((0.3, 0.6)), "Overfitting"),
        (outcome((0.3, 0.31)), "Underfitting"),
        (outcome((0.55, 0.6)), "A fair fit"),
        (outcome((0.1, 0.1)), "Nothing was learned"),
        (outcome(), "No epoch ended"),
    ],
)
def test_the_fit_is_told(given, word):
    assert word in words.caption(given)
