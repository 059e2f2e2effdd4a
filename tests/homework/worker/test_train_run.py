"""The training loop beside a student's code: the handout's own loop, exactly, and a student's main taken in hand."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from grader.homework.worker.replaced import Mute
from grader.homework.worker.steps import Guard
from grader.homework.worker.train_run import TrainRun, lens
from grader.sandbox.worker.wire import FrameError

pytestmark = pytest.mark.medium

ROOT = Path(__file__).resolve().parents[3]
NAMES = [path.stem for path in (ROOT / "reference" / "neuralnet").glob("*.py")]
SETTINGS = {"num_train": 60, "hidden_dim": 8, "batch_size": 25, "num_epochs": 3, "learning_rate": 0.05, "reg": 0.01}
FOREVER = 1e9


@pytest.fixture
def modules(monkeypatch, tmp_path):
    """The reference's modules, imported anew: train, two_layer_net and the handout's own beside them."""
    monkeypatch.syspath_prepend(str(ROOT / "reference" / "neuralnet"))
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield {name: __import__(name) for name in ("train", "two_layer_net", "data", "optim", "utils")}
    for name in NAMES:
        sys.modules.pop(name, None)


@pytest.fixture
def begin(modules, tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        "X": rng.integers(256, size=(60, 3072), dtype=np.uint8),
        "y": rng.integers(10, size=60),
        "validation": rng.integers(256, size=(30, 3072), dtype=np.uint8),
    }
    files = {}
    for name, array in arrays.items():
        files[name] = str(tmp_path / f"{name}.npy")
        np.save(files[name], array)

    def start(settings=SETTINGS, seed=7, arguments=(), **changed):
        order = {"files": files, "sample": 20, "seed": seed, "settings": dict(settings), "arguments": list(arguments)}
        run = TrainRun(modules.__getitem__, order | changed)
        run.arrays = arrays
        return run

    return start


def finish(run, seconds=FOREVER):
    replies = []
    while not replies or not replies[-1]["ended"]:
        replies.append(run.advance(seconds))
        assert len(replies) < 1000
    return replies


def parameters(run):
    return [array.copy() for array in run.model.parameters().values()]


def test_the_loop_is_the_handouts_own(begin, modules):
    run = begin()
    replies = finish(run)
    np.random.seed(7)
    X = run.arrays["X"].astype(np.float32) / 255
    model = modules["two_layer_net"].TwoLayerNet(hidden_dim=8)
    Guard(7).draw_anew(model, list(model.parameters().values()))
    optimizer = modules["optim"].SGD(model.parameters(), 0.05)
    losses = []
    for _ in range(3):
        for X_batch, y_batch in modules["data"].DataSampler(X, run.arrays["y"], 25):
            loss, grads = modules["train"].training_step(model, X_batch, y_batch, 0.01)
            optimizer.step(grads)
            losses.append(loss)
    assert np.concatenate([reply["losses"] for reply in replies]).tolist() == losses
    for mine, theirs in zip(parameters(run), model.parameters().values(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    last = replies[-2]["predictions"]
    np.testing.assert_array_equal(last["training"], model.predict(X[:20]))
    np.testing.assert_array_equal(last["validation"], model.predict(run.arrays["validation"].astype(np.float32) / 255))


def test_a_network_without_parameters_at_first_is_not_trained(begin, modules, monkeypatch):
    network, told = modules["two_layer_net"].TwoLayerNet, [{}]
    parameters = network.parameters
    monkeypatch.setattr(network, "parameters", lambda self: told.pop() if told else parameters(self))
    last = finish(begin())[-1]
    assert (last["ended"], last["moved"]) == (True, False)


def bring(model, rng):
    for value in model.parameters().values():
        value[...] = rng.normal(size=value.shape)


def test_a_network_does_not_start_from_weights_that_were_brought_along(begin, modules, monkeypatch):
    made = modules["two_layer_net"].TwoLayerNet.__init__

    def trained_elsewhere(self, *args, **named):
        made(self, *args, **named)
        bring(self, np.random.default_rng(0))

    monkeypatch.setattr(modules["two_layer_net"].TwoLayerNet, "__init__", trained_elsewhere)
    run = begin(SETTINGS | {"learning_rate": 1e-12})
    finish(run)
    brought = modules["two_layer_net"].TwoLayerNet(hidden_dim=8).parameters().values()
    for now, there in zip(parameters(run), brought, strict=True):
        assert abs(np.corrcoef(now.ravel(), there.ravel())[0, 1]) < 0.9
    assert now.std() == pytest.approx(there.std(), rel=0.6)
    assert not run.guard.moved


def test_functions_that_a_student_replaces_are_not_those_of_a_run(begin, modules, monkeypatch):
    """numpy and the handout's modules are the same for both."""
    clean, odd = begin(), begin()
    finish(clean)
    for name in ("abs", "array_equal", "minimum", "square"):
        monkeypatch.setattr(np, name, lambda *args, **named: np.zeros(()))
    monkeypatch.setattr(np.random, "default_rng", None)
    monkeypatch.setattr(modules["optim"].SGD, "step", lambda self, grads: bring(odd.model, np.random))
    monkeypatch.setattr(modules["data"].DataSampler, "__iter__", lambda self: iter([(self.X[:3], self.y[:3])] * 3))
    finish(odd)
    monkeypatch.undo()
    for one, other in zip(parameters(clean), parameters(odd), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_arrays_that_are_asked_for_first_are_those_that_count(begin, modules, monkeypatch):
    """What parameters() gives later may be others, which were trained elsewhere."""
    net = modules["two_layer_net"].TwoLayerNet
    right, asked = net.parameters, []

    def parameters_of(self):
        asked.append({name: value if not asked else value + 1 for name, value in right(self).items()})
        return asked[-1]

    monkeypatch.setattr(net, "parameters", parameters_of)
    run = begin()
    finish(run)
    for name, value in run.parameters().items():
        np.testing.assert_array_equal(value, asked[0][name].astype(np.float32))


@pytest.mark.parametrize("later", ["the dict", "the array"])
def test_gradients_are_those_that_were_returned(begin, modules, monkeypatch, later):
    """Not what a dict says when it is asked again, nor what parameters() writes into an array that was returned."""
    clean, odd = begin(), begin()
    finish(clean)
    right, net = modules["train"].training_step, modules["two_layer_net"].TwoLayerNet
    asked, given = net.parameters, []

    class Changes(dict):
        def __getitem__(self, name):
            self.said = [*getattr(self, "said", ()), name]
            return dict.__getitem__(self, name) * (1000 if self.said.count(name) > 1 else 1)

    def training_step(model, *args):
        loss, grads = right(model, *args)
        given[:] = [0, grads["W1"]] if later == "the array" else []
        return loss, grads if given else Changes(grads)

    def parameters(self):
        given[:1] = [given[0] + 1] if given else []
        if given and given[0] == 2:
            given[1][:] = 7
        return asked(self)

    monkeypatch.setattr(modules["train"], "training_step", training_step)
    monkeypatch.setattr(net, "parameters", parameters)
    finish(odd)
    monkeypatch.undo()
    for one, other in zip(clean.parameters().values(), odd.parameters().values(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_steps_that_move_a_network_are_kept_and_not_those_that_move_nothing(begin, modules, monkeypatch):
    right, calls = modules["train"].training_step, []

    def now_and_then(model, X, y, reg):
        loss, grads = right(model, X, y, reg)
        calls.append(X.copy())
        return loss, {name: grad * (len(calls) % 3 == 1) for name, grad in grads.items()}

    monkeypatch.setattr(modules["train"], "training_step", now_and_then)
    run = begin()
    finish(run)
    assert len(calls) == 9
    for at in range(4):
        assert any(np.array_equal(run.kept_step(at)["X"], one) for one in calls[::3])


def test_the_largest_step_is_kept_and_some_others(begin, modules, monkeypatch):
    """With the batch and the network as they were given, whatever training_step did to them."""
    right, calls = modules["train"].training_step, []

    def large_once(model, X, y, reg):
        loss, grads = right(model, X, y, reg)
        calls.append((X.copy(), grads["W1"].copy(), model.parameters()["W1"].copy()))
        X[:] = 0
        model.parameters()["W1"][:] = 0
        return loss, {name: (1000 if len(calls) == 5 else 1) * grad for name, grad in grads.items()}

    monkeypatch.setattr(modules["train"], "training_step", large_once)
    run = begin(SETTINGS | {"learning_rate": 1e-4})
    finish(run)
    step = run.kept_step(0)
    np.testing.assert_array_equal(step["X"], calls[4][0])
    np.testing.assert_allclose(step["gradients"]["W1"], 1000 * calls[4][1], rtol=1e-5)
    np.testing.assert_array_equal(step["parameters"]["W1"], calls[4][2].astype(np.float32))
    assert step["parameters"].keys() == {"W1", "b1", "W2", "b2"}
    others = [run.kept_step(at)["X"] for at in (1, 2, 3)]
    assert all(any(np.array_equal(X, given) for given, *_ in calls) for X in others)
    assert run.kept_step(4) == {}


@pytest.mark.parametrize("where", ["training_step", "predict"])
@pytest.mark.parametrize("at", [1, 2, 5])
def test_what_code_other_than_the_optimizer_writes_into_a_network_is_undone(begin, modules, monkeypatch, where, at):
    """An optimizer in training_step, or weights that come as text after some steps."""
    calls, owner = [], modules["train"] if where == "training_step" else modules["two_layer_net"].TwoLayerNet
    right = getattr(owner, where)

    def writes(model, *args):
        calls.append(1)
        if len(calls) == at:
            bring(model, np.random.default_rng(0))
        return right(model, *args)

    monkeypatch.setattr(owner, where, writes)
    run = begin()
    replies = finish(run)
    assert replies[-1]["moved"] is True
    now, brought = parameters(run)[0], np.random.default_rng(0).normal(size=(3072, 8))  # as the first array is drawn
    assert abs(np.corrcoef(now.ravel(), brought.ravel())[0, 1]) < 0.2


def test_an_own_optimizer_in_main_is_no_help_from_outside(begin, modules, monkeypatch):
    def main(args):
        data, optim = sys.modules["data"], sys.modules["optim"]
        X, y, *_ = modules["train"].load_cifar10(num_train=60)
        model = modules["two_layer_net"].TwoLayerNet(hidden_dim=8)
        for _ in range(2):
            for X_batch, y_batch in data.DataSampler(X, y, 20):
                _, grads = modules["train"].training_step(model, X_batch, y_batch, 0.0)
                for name, value in model.parameters().items():
                    value -= 0.05 * grads[name]
        assert optim is not None

    monkeypatch.setattr(modules["train"], "main", main)
    replies = finish(begin(settings={}))
    assert not any(reply["moved"] for reply in replies)
    losses = np.concatenate([reply["losses"] for reply in replies])
    assert len(losses) == 6
    assert losses[-1] < losses[0]


def test_each_epoch_ends_with_predictions_and_the_run_with_none(begin):
    replies = finish(begin())
    assert [len(reply["losses"]) for reply in replies] == [3, 3, 3, 0]
    assert [bool(reply["predictions"]) for reply in replies] == [True, True, True, False]
    assert {name: part.shape for name, part in replies[0]["predictions"].items()} == {
        "validation": (30,),
        "training": (20,),
    }
    assert not any(reply["exploded"] or reply["wrote"] for reply in replies)


def test_slices_change_nothing_but_the_number_of_replies(begin):
    whole, sliced = begin(), begin()
    finish(whole)
    replies = finish(sliced, seconds=0.0)
    assert len(replies) > 9
    for one, other in zip(parameters(whole), parameters(sliced), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_seed_decides(begin):
    runs = [begin(seed=seed) for seed in (1, 1, 2)]
    for run in runs:
        finish(run)
    first = [parameters(run)[0] for run in runs]
    np.testing.assert_array_equal(first[0], first[1])
    assert not np.array_equal(first[0], first[2])


def test_a_run_can_be_judged_inside_an_epoch(begin):
    run = begin()
    run.advance(0.0)
    reply = run.judge()
    assert reply["predictions"]["validation"].shape == (30,)
    assert not reply["ended"]
    assert len(reply["losses"]) == 0


def test_weight_scale_is_given_where_there_is_one(begin):
    run = begin(SETTINGS | {"weight_scale": 0.5, "num_epochs": 1, "learning_rate": 0.0})
    finish(run)
    assert parameters(run)[0].std() == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), 1e9, -1e9, np.float32("nan"), 10**400])
def test_a_loss_that_explodes_ends_the_run_at_once(begin, modules, monkeypatch, loss):
    right, losses = modules["train"].training_step, iter([2.3, 2.2, loss])
    monkeypatch.setattr(modules["train"], "training_step", lambda *args: (next(losses), right(*args)[1]))
    (reply,) = finish(begin())
    assert reply["exploded"]
    assert len(reply["losses"]) == 3
    assert reply["predictions"] == {}


def test_what_training_step_writes_to_is_named_and_spoils_nothing(begin, modules, monkeypatch):
    right = modules["train"].training_step

    def writes(model, X, y, reg):
        X -= 1
        y[:] = 0
        return right(model, X, y, reg)

    monkeypatch.setattr(modules["train"], "training_step", writes)
    run = begin()
    assert finish(run)[-1]["wrote"] == ["X_batch", "y_batch"]
    np.testing.assert_array_equal(run.X, run.arrays["X"])
    np.testing.assert_array_equal(run.y, run.arrays["y"])


def test_predict_gets_new_images_each_time(begin, modules, monkeypatch):
    sums = []

    def predict(model, X):
        sums.append(float(X.sum()))
        X[:] = 0
        return np.zeros(len(X), np.int64)

    monkeypatch.setattr(modules["two_layer_net"].TwoLayerNet, "predict", predict, raising=False)
    finish(begin())
    assert len(set(sums)) == 2
    assert min(sums) > 0


@pytest.mark.parametrize("found", [np.zeros((30, 10), np.int64), np.zeros(30), 3, None, np.zeros(29, np.int64)])
def test_predictions_are_one_whole_number_an_image(begin, modules, monkeypatch, found):
    monkeypatch.setattr(modules["two_layer_net"].TwoLayerNet, "predict", lambda model, X: found, raising=False)
    with pytest.raises(FrameError, match="predict returned"):
        finish(begin())


@pytest.mark.parametrize("classes", [0.5, np.nan, "3", True])
def test_a_class_is_a_whole_number(begin, modules, monkeypatch, classes):
    net = modules["two_layer_net"].TwoLayerNet
    monkeypatch.setattr(net, "predict", lambda model, X: np.full(len(X), classes), raising=False)
    with pytest.raises(FrameError, match="predict returned"):
        finish(begin())


def test_classes_may_be_floats_as_they_may_for_check_accuracy(begin, modules, monkeypatch):
    net = modules["two_layer_net"].TwoLayerNet
    monkeypatch.setattr(net, "predict", lambda model, X: np.full(len(X), 3.0), raising=False)
    last = next(reply for reply in reversed(finish(begin())) if reply["predictions"])["predictions"]
    assert {name: (part.dtype.kind, set(part.tolist())) for name, part in last.items()} == {
        "validation": ("i", {3}),
        "training": ("i", {3}),
    }


@pytest.mark.parametrize(
    ("answer", "error", "sentence"),
    [
        (None, NotImplementedError, "training_step"),
        ((None, None), NotImplementedError, "training_step"),
        ((1.0,), FrameError, "loss, grads"),
        ((1.0, {}, 3), FrameError, "loss, grads"),
        ((1.0, [1]), FrameError, "a dict"),
        ((1.0, {}), FrameError, "no gradient for W1, b1, W2, b2"),
    ],
)
def test_answers_that_are_none(begin, modules, monkeypatch, answer, error, sentence):
    monkeypatch.setattr(modules["train"], "training_step", lambda *args: answer)
    with pytest.raises(error, match=sentence):
        finish(begin())


def test_parameters_are_those_of_the_model_in_float32(begin):
    run = begin()
    assert run.parameters() == {}
    finish(run)
    for name, value in run.parameters().items():
        assert value.dtype == np.float32
        np.testing.assert_array_equal(value, run.model.parameters()[name].astype(np.float32))
    assert run.width() == 8


# A student's own main

MAIN = """
def main(args):
    X_train, y_train, X_val, y_val, X_test, y_test = load_cifar10(num_train=40)
    SEEN.update(X=X_train, y=y_train, X_val=X_val, y_val=y_val, X_test=X_test, y_test=y_test, args=args)
    for rate in (0.5, 0.05):
        model = TwoLayerNet(hidden_dim=6)
        optimizer = SGD(model.parameters(), rate)
        sampler = DataSampler(X_train, y_train, 15)
        for epoch in range(2):
            for X, y in sampler:
                loss, grads = training_step(model, X, y, 0.25)
                optimizer.step(grads)
            SEEN["after"] = {name: value.copy() for name, value in model.parameters().items()}
            SEEN["accuracy"] = check_accuracy(model, DataSampler(X_val, y_val, 10))
    model.save("/nowhere/checkpoint.pkl")
"""


@pytest.fixture
def own(begin, modules):
    """A run of `main` as a student wrote it; `seen` is what it saw."""
    seen = {}

    def start(code=MAIN, arguments=(), **changed):
        modules["train"].SEEN = seen
        exec(code, vars(modules["train"]))  # as if it stood in train.py
        return begin({}, arguments=arguments, **changed), seen

    return start


def test_a_main_of_its_own_pauses_at_each_epoch(own):
    run, _ = own()
    replies = finish(run)
    assert [len(reply["losses"]) for reply in replies] == [3, 3, 3, 3, 0]
    assert [bool(reply["predictions"]) for reply in replies] == [True] * 4 + [False]
    assert replies[0]["settings"] == {
        "num_train": 40, "learning_rate": 0.5, "batch_size": 15, "reg": 0.25, "hidden_dim": 6,
    }  # fmt: skip
    assert replies[-1]["settings"]["learning_rate"] == 0.05


def test_a_main_that_trains_on_a_slice_is_counted_by_it(own):
    """By the longest, where another is made of some of them to see how they do."""
    part = "DataSampler(X_train[:20] - 0.5, y_train[:20], 15); DataSampler(X_train[:5], y_train[:5], 5)"
    run, _ = own(MAIN.replace("DataSampler(X_train, y_train, 15)", part))
    replies = finish(run)
    assert [len(reply["losses"]) for reply in replies] == [2, 2, 2, 2, 0]
    assert replies[0]["settings"]["num_train"] == 20


def test_validation_images_do_not_count_as_those_that_main_trains_on(own):
    """Also where there are so few images that all of them are for validation."""
    run, _ = own()
    run.watched["validation"] = run.X
    replies = finish(run)
    assert [len(reply["losses"]) for reply in replies] == [3, 3, 3, 3, 0]
    assert replies[-1]["settings"]["num_train"] == 40


@pytest.mark.parametrize(
    ("place", "images"), [("    for rate", "X_train"), ("                loss, grads", "X")], ids=["all", "a batch"]
)
def test_a_network_that_was_trained_on_standardized_images_is_shown_such_images(own, place, images):
    """And its parameters are those of a network that does the same with images as they are."""
    changed = f"{place[: -len(place.lstrip())]}{images} = ({images} - SEEN['mean']) / SEEN['std']\n{place}"
    main = MAIN.replace(place, changed, 1)
    run, seen = own(
        main.replace("    SEEN", "    SEEN.update(mean=X_train.mean(axis=0), std=X_train.std(axis=0))\n    SEEN", 1)
    )
    last = next(reply for reply in reversed(finish(run)) if reply["predictions"])["predictions"]
    X = run.arrays["validation"].astype(np.float32) / 255
    scores = run.model.forward((X - seen["mean"]) / seen["std"])[0]
    np.testing.assert_array_equal(last["validation"], scores.argmax(axis=1))
    values = run.parameters()
    folded = np.maximum(X @ values["W1"] + values["b1"], 0) @ values["W2"] + values["b2"]
    np.testing.assert_allclose(folded, scores, rtol=1e-3, atol=1e-5)
    plain = np.maximum(X @ run.model.W1 + run.model.b1, 0) @ run.model.W2 + run.model.b2
    assert not np.allclose(plain, scores, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("changed", [lambda X: X, lambda X: X**2, lambda X: X[:, ::-1], lambda X: X[:10]])
def test_images_that_are_the_same_or_changed_in_another_way_are_shown_as_they_are(changed):
    X = np.random.default_rng(0).random((20, 3072))
    assert lens(X, changed(X)) is None


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_images_do_not_tell_how_all_are_changed(count):
    X = np.random.default_rng(0).random((3, 3072))
    assert lens(X[:count], X[:count, ::-1]) is None
    assert lens(X, 2 * X + 1) is not None


def test_an_epoch_of_an_own_main_is_judged_after_its_last_step(own):
    run, seen = own()
    for _ in range(4):
        reply = run.advance(FOREVER)
        assert reply["predictions"]
        for name, value in run.parameters().items():
            np.testing.assert_array_equal(value, seen["after"][name].astype(np.float32))


def test_a_main_of_its_own_sees_no_label_but_those_to_train_on(own):
    run, seen = own()
    finish(run)
    np.testing.assert_array_equal(seen["X"], run.arrays["X"][:40].astype(np.float32) / 255)
    np.testing.assert_array_equal(seen["y"], run.arrays["y"][:40])
    assert seen["X_val"].shape == (30, 3072)  # a main that stops early needs labels: of others than those that count
    np.testing.assert_array_equal(seen["X_val"], run.arrays["X"][-30:].astype(np.float32) / 255)
    np.testing.assert_array_equal(seen["y_val"], run.arrays["y"][-30:])
    assert not seen["y_test"].any()


def test_an_untaught_main_takes_as_many_steps_and_learns_nothing(own, modules):
    """It is told the losses of the run with gradients, so that it cannot tell which of the two it is."""
    taught = own()[0]
    losses = np.concatenate([reply["losses"] for reply in finish(taught)])
    untaught = own(untaught=losses)[0]
    found = np.concatenate([reply["losses"] for reply in finish(untaught)])
    assert len(losses) == len(found) == 12
    np.testing.assert_array_equal(found[1:], losses[1:])
    assert not np.array_equal(parameters(taught)[0], parameters(untaught)[0])


def test_a_main_that_is_left_is_stopped_and_its_file_is_as_before(own, modules):
    step, threads = modules["train"].training_step, threading.active_count()
    run, _ = own()
    run.advance(FOREVER)
    assert modules["train"].training_step is not step
    assert threading.active_count() == threads + 1
    run.pauses.close()
    assert modules["train"].training_step is step
    assert threading.active_count() == threads


def test_what_a_main_raises_is_raised_here(own):
    run, _ = own(MAIN.replace("model.save(", "raise KeyError('later')\n    model.save("))
    for _ in range(4):
        run.advance(FOREVER)
    with pytest.raises(KeyError, match="later"):
        run.advance(FOREVER)


def test_an_explosion_in_a_search_does_not_end_the_search(own, modules, monkeypatch):
    right = modules["train"].training_step
    losses = iter([2.0, 1e9, 1e9, 1e9, 1e9, 1e9] + [2.0] * 6)
    monkeypatch.setattr(modules["train"], "training_step", lambda *args: (next(losses), right(*args)[1]))
    run, _ = own()
    replies = finish(run)
    assert [reply["exploded"] for reply in replies] == [True, True, False, False, False]


def test_a_main_is_sliced_too(own):
    run, _ = own()
    assert len(finish(run, seconds=0.0)) > 8


@pytest.mark.parametrize(
    ("parser", "arguments", "expected"),
    [
        ("", (), ("best", 25)),
        ("", ("--run", "overfit"), ("overfit", 25)),
        ("parse_args = None", ("--run", "overfit"), ("overfit", 25)),
        ("import argparse\nparser = argparse.ArgumentParser()\nparse_args = None\nparser.add_argument('--print-every', "
         "type=int, default=3)\nparser.add_argument('--run')", (), (None, 3)),
        ("def parse_args(): raise SystemExit(2)", ("--run", "best"), ("best", 25)),
    ],
)  # fmt: skip
def test_main_is_called_with_the_arguments_of_its_file(own, parser, arguments, expected):
    run, seen = own(MAIN + parser, arguments)
    finish(run)
    assert (seen["args"].run, seen["args"].print_every) == expected
    assert sys.argv[0] != "train.py"


@pytest.mark.parametrize(
    ("parser", "asked"),
    [
        ("parser = argparse.ArgumentParser()\n    parser.add_argument('--run', default='x')\n"
         "    args = parser.parse_args()\n    print(args)\n    main(args)", True),
        ("main(get_args())", True),
        ("raise SystemExit(main(args=get_args()))", True),
        ("main(get_args().here_is_no_such_name)", False),
        ("other(get_args())", False),
    ],
)  # fmt: skip
def test_main_is_called_as_the_files_own_last_lines_do(own, modules, tmp_path, parser, asked):
    code = (
        f"{MAIN}\nimport argparse\nparse_args = None\ndef get_args(): return argparse.Namespace(run='x')\n"
        f"if __name__ == '__main__':\n    {parser}\n"
    )
    (tmp_path / "train.py").write_text(code)
    modules["train"].__file__ = str(tmp_path / "train.py")
    run, seen = own(code)
    assert len(finish(run)) == 5
    assert (seen["args"].run, hasattr(seen["args"], "plot_file")) == (("x", False) if asked else ("best", True))


def test_a_main_may_train_by_a_module_beside_it(own, modules, tmp_path, monkeypatch):
    trainer = ModuleType("trainer")
    trainer.__file__ = str(tmp_path / "parts" / "trainer.py")
    monkeypatch.setitem(sys.modules, "trainer", trainer)
    modules["train"].__file__ = str(tmp_path / "train.py")
    names = "load_cifar10, training_step, TwoLayerNet, SGD, DataSampler, check_accuracy, SEEN".split(", ")
    vars(trainer).update({name: vars(modules["train"]).get(name) for name in names})
    exec(f"import numpy as np\n{MAIN}", vars(trainer))
    run, seen = own("from trainer import main")
    vars(trainer)["SEEN"] = seen
    assert [len(reply["losses"]) for reply in finish(run)] == [3, 3, 3, 3, 0]


@pytest.mark.parametrize(
    "asks", ["list(pool.map(trial, [0.5, 0.05]))", "for rate in (0.5, 0.05): pool.{}(trial, {}rate{})"]
)
@pytest.mark.parametrize(
    ("imported", "pool"),
    [
        ("import multiprocessing as mp", "mp.Pool(4)"),
        ("from multiprocessing import Pool", "Pool(processes=2)"),
        ("import multiprocessing", "multiprocessing.get_context('spawn').Pool()"),
        ("from concurrent.futures import ProcessPoolExecutor", "ProcessPoolExecutor(max_workers=4)"),
        ("import concurrent.futures as cf\ncf.ProcessPoolExecutor", "cf.ProcessPoolExecutor()"),
    ],
)
def test_a_main_may_search_in_processes_which_are_one_thread_here(own, imported, pool, asks):
    by_one = ("submit", "", "") if "Executor" in pool else ("apply_async", "(", ",)).get(")
    asks = asks.format(*by_one)
    search = MAIN.replace("(0.5, 0.05)", "(args,)").replace("def main", "def trial")
    run, _ = own(
        f"{imported}\n{search.replace('SEEN.update', 'dict').replace(', args=args', '')}\n"
        f"def main(args):\n    with {pool} as pool:\n        {asks}\n"
    )
    replies = finish(run)
    assert [len(reply["losses"]) for reply in replies] == [3, 3, 3, 3, 0]
    assert threading.active_count() < 20


def test_a_main_without_arguments_is_called_with_none(own):
    run, _ = own(MAIN.replace("main(args)", "main()").replace(", args=args", ""))
    assert len(finish(run)) == 5


def test_a_main_may_give_its_steps_what_it_likes(own):
    """Labels as rows, two strengths, and a gradient that says more."""
    step = """
right = training_step
def training_step(model, X, y, reg):
    loss, grads = right(model, X, y.argmax(axis=1), reg[0])
    return loss, grads | {"said": "more"}
"""
    code = MAIN.replace("training_step(model, X, y, 0.25)", "training_step(model, X, np.eye(10)[y], (0.25, 0.1))")
    run, _ = own(code)
    exec(step, vars(run.train))
    run.step = run.train.training_step
    assert len(finish(run)) == 5
    assert run.kept_step(0) == {}


def test_plotting_and_saving_are_muted(own):
    plots = """
    import matplotlib
    matplotlib.use("agg")
    import matplotlib.pyplot as plt
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4))
    with plt.style.context("ggplot"):
        left.plot([1, 2], ".")[0].set_color("red")
    figure.savefig("plot.pdf")
    SEEN["plt"] = plt
"""
    before = {name: sys.modules.get(name) for name in ("matplotlib", "matplotlib.pyplot")}
    run, seen = own(MAIN + plots)
    finish(run)
    assert isinstance(seen["plt"], Mute)
    assert {name: sys.modules.get(name) for name in before} == before
    assert not Path("plot.pdf").exists()
