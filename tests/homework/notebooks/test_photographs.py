"""Which photographs a notebook opens, what it says they show, and which two its network was given last."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from grader.homework.notebooks import imagenet, photographs
from grader.homework.notebooks.notebook import Notebook, read
from grader.homework.notebooks.photographs import Call, Photograph


def written(code: str) -> Notebook:
    """A notebook of one cell."""
    cell = {"cell_type": "code", "execution_count": 1, "metadata": {}, "outputs": [], "source": code}
    return read(json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [cell]}).encode(), "n")


@pytest.mark.parametrize(
    "name",
    [
        "20231104_1",
        "IMG-20231104-WA0003",
        "DSC00012",
        "PXL_20231104_123011123.MP",
        "P1010001",
        "WhatsApp Image 2023-11-04 at 12.30.11",
        "Screenshot_2023-Chrome",
        "img1",
        "name 2",
        "",
    ],
)
def test_a_cameras_name_says_nothing_of_the_picture(name):
    assert photographs.GENERIC.fullmatch(name)


@pytest.mark.parametrize("name", ["cat", "pickup", "dog 2", "test tube", "picket fence", "desk", "photocopier"])
def test_a_things_name_does(name):
    assert not photographs.GENERIC.fullmatch(name)


def test_the_files_that_a_notebook_opens_are_told_by_its_code():
    student = written("img1 = photograph('coffee.jpg')\nimg2 = photograph('sub\\\\dog.png'); Image.open('old.jpg')")
    assert photographs.opened(photographs.mentioned(student), {}) == ["coffee.jpg", "dog.png"]
    files = {"b.jpg": b"", "a.PNG": b"", "espresso_pred.jpg": b"", "part1.png": b"", "part2.ipynb": b""}
    assert photographs.opened([], files) == ["a.PNG", "b.jpg"]


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("glob.glob('*.jpg')", ["a.jpg", "b.jpg", "c.jpg"]),
        ("open('images/' + name + '.jpg')", ["a.jpg", "b.jpg", "c.jpg"]),
        ("open(f'images/{name}.jpg')", ["a.jpg", "b.jpg", "c.jpg"]),
        ("open('gone.jpg')", ["a.jpg", "b.jpg", "c.jpg"]),
        ("open('B.JPG'); open('gone.jpg')", ["B.JPG", "gone.jpg"]),
    ],
)
def test_patterns_and_endings_are_no_names_and_names_that_are_not_here_no_photographs(code, names):
    files = {"c.jpg": b"", "a.jpg": b"", "b.jpg": b"", "cat_pred.jpg": b"", "part2.ipynb": b""}
    assert photographs.opened(photographs.mentioned(written(code)), files) == names


def test_hostile_calls_are_left_out():
    good = {"network": "N", "training": True, "spread": np.zeros(3), "scores": np.zeros(1000)}
    rows = [
        None,
        3,
        {},
        good | {"scores": np.full(1000, np.nan)},
        good | {"spread": [0, 0, 0]},
        good,
        good | {"scores": "x"},
    ]
    assert [call.training for call in photographs.calls(rows)] == [True]
    assert list(photographs.calls("rows")) == []


def picture(shade: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, 0, 0)).save(file, "PNG")
    return file.getvalue()


def test_one_picture_under_two_names_is_one_photograph_and_no_more_than_a_few_are_read():
    found, problems = photographs.readable(print, {"a.png": picture(1), "B.png": picture(1)}, ["a.png", "b.png"])
    assert [(one.name, one.also) for one in found] == [("a.png", ("b.png",))]
    assert problems == ()
    many = {f"{number}.png": picture(number) for number in range(20)}
    assert len(photographs.readable(print, many, list(many))[0]) == photographs.MOST
    twins, _ = photographs.readable(print, dict.fromkeys(many, picture(1)), list(many))
    assert len(twins[0].also) == photographs.MOST - 1


def scores(kind: int) -> np.ndarray:
    return np.random.default_rng(kind).normal(size=1000)


def opened(*names: str) -> list[Photograph]:
    return [Photograph(name, np.zeros((1, 1, 3)), scores=scores(at)) for at, name in enumerate(names)]


def called(*kinds: int) -> list[Call]:
    return [Call("Net", False, np.ones(3), 2 * scores(kind) + 1) for kind in kinds]


@pytest.mark.parametrize(
    ("given", "two"),
    [
        ((0, 1, 2, 1, 2), "bc"),
        ((2, 1, 0), "ab"),
        ((0, 1, 2, 0), "ac"),
        ((2,), "ac"),
        ((), "ab"),
        ((7, 7), "ab"),  # pictures of something else
    ],
)
def test_the_two_that_a_network_was_given_last_count(given, two):
    found = opened("a", "b", "c")
    photographs.assign(found, called(*given))
    assert "".join(one.name for one in photographs.last_two(found)) == two


def test_scores_that_are_all_the_same_are_like_none_and_probabilities_like_the_scores_they_are_of():
    found = opened("a", "b")
    photographs.assign(found, [Call("Net", False, np.ones(3), np.zeros(1000))])
    assert [one.turn for one in found] == [-1, -1]
    photographs.assign(found, [Call("Net", False, np.ones(3), imagenet.probabilities(8 * scores(1)))])
    assert [one.turn for one in found] == [-1, 0]


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("truth = {'cat.jpg': 'tabby', 'images/DOG.jpg': 'boxer'}", ["tabby", "boxer"]),
        ("labels = {'cat': 'tabby', 'dog': 'boxer'}", ["tabby", "boxer"]),
        ("true_labels = ['tabby', 'boxer']", ["tabby", "boxer"]),
        ("labels = 'tabby', 'boxer'", ["tabby", "boxer"]),
        ("labels = [str(i) for i in range(2)]", ["cat", "dog"]),
        ("labels = {0: 'tench', 1: 'goldfish'}", ["cat", "dog"]),
        ("labels = ['tench', 'goldfish', 'great white shark']", ["cat", "dog"]),
        ("truths = [1, ['boxer']]", ["cat", "dog"]),
        ("predictions = ['tabby', 'boxer']", ["cat", "dog"]),
        (
            "for path, true in [('cat.jpg', 'tabby'), ('/content/dog.jpg', 'boxer')]: show(path, true)",
            ["tabby", "boxer"],
        ),
        ("files = {'cat.jpg': 'tabby', 'dog.jpg': 'boxer'}", ["tabby", "boxer"]),
        ("Photos(['cat.jpg', 'dog.jpg'], ['tabby', 'boxer'])", ["tabby", "boxer"]),
        ("a, actual = ['cat.jpg', 'dog.jpg'], 0\nb = ['cat.jpg', 'dog.jpg']\nactual = 'tabby', 'boxer'\nzip(b, actual)",
         ["tabby", "boxer"]),
        ("zip(['cat.jpg', 'dog.jpg'], ['tabby', 'boxer', 'collie'])", ["cat", "dog"]),
        ("show(net, 'cat.jpg', 'tabby')\nshow(net, 'dog.jpg', true='boxer')", ["tabby", "boxer"]),
        ("show('cat.jpg', 'Image 1')\nopen('dog.jpg', 'rb')\nboth = ['cat.jpg', 'dog.jpg']", ["cat", "dog"]),
    ],
)  # fmt: skip
def test_what_they_show_is_read_from_what_is_written_down_as_the_truth(code, shown):
    two = opened("cat.jpg", "dog.jpg")
    photographs.state(two, two, [], list(photographs.truths(written(code))))
    assert [one.stated for one in two] == shown
    assert [one.by_file for one in two] == [text in ("cat", "dog") for text in shown]


def test_names_are_of_all_that_were_opened_or_of_the_two():
    found = opened("a1", "b1", "c1")
    photographs.state(found, found[1:], ["x", "y", "z"], list(photographs.truths(written("pass"))))
    assert [one.stated for one in found[1:]] == ["y", "z"]
    photographs.state(found, found[1:], ["x", "y"], list(photographs.truths(written("truths = ['q', 'r']"))))
    assert [one.stated for one in found[1:]] == ["x", "y"]


@pytest.mark.parametrize(
    ("names", "code", "shown", "by_file"),
    [
        (["cat", "Dog"], "pass", ["cat", "dog"], True),
        (["cat", "dog"], "truths = ['tabby', 'boxer']", ["tabby", "boxer"], False),
        (["cat", "boxer"], "truths = ['tabby', 'dog']", ["cat", "boxer"], False),
    ],
)
def test_names_that_only_repeat_those_of_the_files_say_nothing_more(names, code, shown, by_file):
    two = opened("cat.jpg", "dog.jpg")
    photographs.state(two, two, names, list(photographs.truths(written(code))))
    assert [one.stated for one in two] == shown
    assert [one.by_file for one in two] == [by_file] * 2


def test_names_of_files_in_a_list_do_not_say_what_is_shown():
    two = opened("cat.jpg", "dog.jpg")
    truths = list(photographs.truths(written("ground_truth = ['tabby', 'boxer']")))
    photographs.state(two, two, ["cat.jpg", "./dog.JPG"], truths)
    assert [one.stated for one in two] == ["tabby", "boxer"]
    photographs.state(two, two, ["tabby.PNG", "boxer.png"], truths)  # as what is saved
    assert [one.stated for one in two] == ["tabby", "boxer"]
    assert not any(one.by_file for one in two)
    photographs.state(two, two, ["cat.jpg", "dog.jpg"], [])
    assert [(one.stated, one.by_file) for one in two] == [("cat", True), ("dog", True)]


def test_it_is_told_where_only_a_files_name_says_what_is_shown():
    two = opened("cat.jpg", "img1.jpg")
    photographs.state(two, two, [], list(photographs.truths(written("pass"))))
    labels = [f"class {number}" for number in range(1000)]
    told = [one.told(labels) for one in two]
    assert told[0].startswith("cat.jpg, whose file name says 'cat', is taken for 'class ")
    assert told[1].startswith("img1.jpg is taken for 'class ")
