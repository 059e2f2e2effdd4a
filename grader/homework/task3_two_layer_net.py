"""Task 3: TwoLayerNet, with any parameter names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from math import erf, sqrt
from typing import Any

import numpy as np

from grader.check import Subject, check
from grader.errors import Mismatch, Raised
from grader.measure.diagnose import Clue, numbers
from grader.measure.expect import answered, asked_again, expect_close, expect_gradient, kept_clues, mistakes, unpack
from grader.model import Measure

from . import network
from .differences import asks_of_differences
from .edges import DEFAULTS, ONE_ROW, REUSED, allowed, edge, spread, used_up, whole
from .network import BIASES, SIZES, WEIGHTS, WIDE, Array, Case, Sizes, Wanted
from .prerequisites import BACKWARD, FORWARD, built_on

# Down to the default and below, so that weights that are added to an earlier network's are seen. Drawn, because a
# scale that is known may be the smallest or the largest that works.
SCALES = (0.1, 0.5), (1e-5, 1e-3)
SIGMAS = 5.5  # of a mean or a deviation: a right one is further off in fewer than 4 of 100 million draws
FARTHEST = 3.0  # of a distribution, times the root of the number of draws: 3 in 100 million (Kolmogorov and Smirnov)
ONLY_FILES = "; load runs in a new process here, which has only what save wrote to the file"
ONLY_GRADIENTS = "it should only return the gradients, because the optimizer takes the step"
ONLY_SCORES = "it should only compute the scores"
SHARED = "two networks share {}: a change of one changes the other; make the arrays in __init__"
CHANGED = "right with a new cache: does backward change its cache, or forward's output?"
STALE = "it is of the earlier parameters: does {} keep a copy?"
BY_ID = "it is the answer of before the step: is it kept by the array's id?"
CLEAR = 1e-5  # of a row's largest score: by so much the best class leads, which float32 does not round away
FINE = 0.3  # a factor of parameters, after which float32 does not hold them
GREAT = 2.0**12  # a factor of scores: np.exp overflows, or gives 0
AGAIN = 8  # more calls of the same
STEP = 20
VIEW = "it does not own its data"  # numpy's words for an array that cannot be resized
OTHERS = "it is another network's, saved to this file before, or to another one later"
FIRST = "it is the network that was loaded before, from another file"
SAVED, OTHER = "model.pkl", "other.pkl"
LEAST = 3  # bytes in a file for each number; float32 has 4, of which all but a few bits are random
ALIKE = 0.004  # share of weights that may be equal to another one, as one in a thousand is in float32


@check("3.1", "two_layer_net.TwoLayerNet.__init__")
def net_parameters(hw: Subject, rng: np.random.Generator) -> None:
    """The network has two weight matrices and biases of the requested sizes and scale, and parameters() is live."""
    small = network.draw_sizes(rng)
    sizes = *small, *network.edge_sizes(rng)
    for size, (_, parameters) in zip(sizes, network.build_each(hw, [one.arguments for one in sizes]), strict=True):
        network.expect_as_asked(parameters, size)
    network.expect_as_asked(network.build(hw, **small[0].named)[1], small[0])
    with edge(hw, "3.1", DEFAULTS):
        expect_defaults(hw)
    for size in (small[0], sizes[len(small)]):  # the second with equal shapes, of which none may be another's array
        expect_own_parameters(hw, rng, size)
    wide = WIDE.inputs, WIDE.classes, WIDE.hidden
    scales = [float(rng.integers(2, 5)), *(float(rng.uniform(*bounds)) for bounds in SCALES)]
    for scale, (_, parameters) in zip(scales, network.build_each(hw, [(*wide, one) for one in scales]), strict=True):
        layout, values = network.expect_as_asked(parameters, WIDE)
        for role in WEIGHTS:
            expect_normal(hw, f"{layout.shown(role)} of {WIDE}", values[role], scale)
        expect_drawn_once(np.concatenate([values[role].ravel() for role in WEIGHTS]))
        for role in BIASES:
            if np.any(values[role] != 0):
                raise Mismatch(f"the bias {layout.shown(role)} of a new network should be zero everywhere")


@check("3.1", "two_layer_net.TwoLayerNet.forward")
def net_forward(hw: Subject, rng: np.random.Generator) -> None:
    """The forward pass computes the scores: fully-connected, ReLU, fully-connected."""
    with built_on(hw, FORWARD):
        small, edges = network.draw_sizes(rng), network.edge_sizes(rng)
        wanted = [*map(Wanted, small), *(Wanted(sizes, numeric=False) for sizes in edges)]
        *cases, little = network.draw_each(hw, rng, [*wanted, tiny(edges[-1])])
        expect_scores(hw, *cases)
        expect_scores(hw, little, said=", small numbers")
        expect_scores_apart(hw, rng, cases[len(small) - 1])
        expect_new_scores(hw, cases[len(small) - 1])
        expect_scores(hw, of_whole(rng, cases[0]), said=", large whole numbers")
        with edge(hw, "3.1", ONE_ROW):
            expect_scores(hw, network.draw(hw, rng, Wanted(network.one_row(rng))))


@check("3.1", "two_layer_net.TwoLayerNet.backward")
@asks_of_differences
def net_backward(hw: Subject, rng: np.random.Generator) -> None:
    """The backward pass returns the gradient with respect to every parameter."""
    with built_on(hw, BACKWARD):
        small, edges = network.draw_sizes(rng), network.edge_sizes(rng)
        wanted = [*map(Wanted, small), *(Wanted(sizes, numeric=False) for sizes in (*small, *edges))]
        first, second, other, another, *cases = network.draw_each(hw, rng, [*wanted, tiny(small[-1])])
        expect_crossed_gradients(hw, rng, first, other)
        expect_crossed_gradients(hw, rng, second, another)
        expect_net_gradients(hw, rng, *cases, other.after_a_step(), before=other)
        with edge(hw, "3.1", ONE_ROW):
            expect_net_gradients(hw, rng, network.draw(hw, rng, Wanted(network.one_row(rng), numeric=False)))


@check("3.1", "two_layer_net.TwoLayerNet")
def net_predict(hw: Subject, rng: np.random.Generator) -> None:
    """predict returns the class with the highest score for every row."""
    with built_on(hw, FORWARD):
        seven = replace(SIZES[1], batch=7)
        little = Wanted(seven, numeric=False, biases=1e-6, scale=2**-16)  # scores as small as a new network's
        wanted = [Wanted(SIZES[0], decided=True), little, Wanted(network.many_rows(rng), numeric=False)]
        *cases, many = network.draw_each(hw, rng, wanted)
        below = {role: -GREAT * np.abs(many.values[role]) for role in ("weight2", "bias2")}  # no score is above 0
        many = many.of_images(rng)
        earlier = numbers(as_vector(many.net.predict(many.X)))  # of parameters that are changed now
        best = int(np.argmax(replace(many, values={**many.values, **below}, X=many.X[:1]).scores()))
        for values in below.values():  # a class that CIFAR-10 does not have is the best one of the first row
            values[..., [best, -1]] = values[..., [-1, best]]
        expect_predicted(hw, *cases, many.write(below), earlier=earlier)
        with edge(hw, "3.1", ONE_ROW):
            one = cases[0]
            classes, right = as_vector(one.net.predict(one.X[:1])), np.argmax(one.scores()[:1], axis=1)
            expect_close(hw, f"predict of {one.sizes}, one row", classes, right)
        expect_new_classes(hw, cases[0])


@check("3.1", "two_layer_net.TwoLayerNet")
def net_save_load(hw: Subject, rng: np.random.Generator) -> None:
    """A saved network can be loaded, with the same parameters and scores."""
    with built_on(hw, FORWARD):
        for sizes in SIZES[-1:]:
            case = network.draw(hw, rng, Wanted(sizes))
            case = finer(hw, case, Case.scores)
            other = network.draw(hw, rng, Wanted(sizes))
            answer, parameters = case.net.forward.then("parameters", of=case.net)(case.X)
            unpack("forward", answer, ("scores", "cache"))
            expect_unmoved(case, parameters, "another network", "make the arrays in __init__")
            saved = (other.net, SAVED), (case.net, SAVED), (other.net, OTHER)  # case in the place of other
            calls = [(net.save.then("parameters", of=net), (file,)) for net, file in saved]
            _, (_, parameters), _ = hw.each(calls)
            expect_unmoved(case, parameters, "save", "it should only write them to the file")
            doubtful = hw.written() < 2 * LEAST * sum(value.size for value in case.values.values())
            if doubtful:  # it cannot be both networks; to start a process each time would take long
                hw.restart()
            try:
                loaded, later = (network.as_network(net, "TwoLayerNet.load") for net in load(hw, case.sizes))
            except Raised as error:
                error.message += ONLY_FILES * doubtful
                raise
            expect_loaded(hw, case, loaded, "", OTHERS, other)
            expect_loaded(hw, other, later, ", from a second file", FIRST, case)
            scores, _ = unpack("forward", loaded.forward(case.X), ("scores", "cache"))
            wrong = mistakes(hw, "net_forward_scores", case.values, case.X)
            expect_close(hw, f"scores of the loaded {sizes}", scores, case.scores(), clues=wrong)


def tiny(sizes: Sizes) -> Wanted:
    """A network whose hidden units are small: a threshold above 0 turns them off."""
    return Wanted(sizes, numeric=False, biases=1e-3, scale=2**-12)


def of_whole(rng: np.random.Generator, case: Case) -> Case:
    """The case with parameters and inputs so large that a limit shows, and scores that are exact nevertheless."""
    values = {role: whole(rng, value.shape) for role, value in case.values.items()}
    return replace(case.write(values), X=whole(rng, case.X.shape, 2.0**5), numeric=False)


def expect_loaded(hw: Subject, case: Case, loaded: Any, said: str, clue: str, other: Case) -> None:
    """What a loaded network holds is the case's; `clue` is what is wrong where it is the other's."""
    values = case.layout.read(loaded.parameters())
    if values is None:
        raise Mismatch(f"the loaded {case.sizes} does not have the parameter names that were saved")
    for role, value in values.items():
        name = f"loaded {case.layout.shown(role)} of {case.sizes}{said}"
        expect_close(hw, name, value, case.values[role], clues=[Clue(clue, other.values[role])])


def load(hw: Subject, sizes: Sizes) -> list[Any]:
    """The network of `sizes` that was saved, as it is after another one was loaded, and that one.

    load() gives an array of another size the saved one, which numpy refuses for a view: then a network of the same size
    has to take the numbers, and the rest is advice.
    """
    try:
        with network.small_by_default(hw):
            return list(hw.two_layer_net.TwoLayerNet.load.map([(SAVED,), (OTHER,)]))
    except Raised as error:
        if VIEW not in error.message:
            raise
    hw.advise(
        "TwoLayerNet.load cannot load another hidden_dim: a parameter is a view of another array, as .T, .reshape and "
        "an index give; make it with np.array(...) in __init__"
    )
    with network.small_by_default(hw, sizes):
        return list(hw.two_layer_net.TwoLayerNet.load.map([(SAVED,), (OTHER,)]))


def expect_own_parameters(hw: Subject, rng: np.random.Generator, sizes: Sizes) -> None:
    """What is written into one network stays out of another."""
    first, _ = network.draw_each(hw, rng, [Wanted(sizes)] * 2)
    if moved := first.moved(first.net.parameters()):
        raise Mismatch(SHARED.format(", ".join(moved)))


def expect_defaults(hw: Subject) -> None:
    """Those of the handout, which test.py and load() rely on."""
    found = network.defaults_of(hw)
    if found is not None and len(found) == len(network.DEFAULTS) and found != network.DEFAULTS:
        raise Mismatch(f"TwoLayerNet() has the defaults {found}; the handout's are {network.DEFAULTS}")


def expect_predicted(hw: Subject, *cases: Case, earlier: Array | None) -> None:
    """The classes of inputs that no forward pass had just before, in rows whose best class leads. The first network is
    asked once more, about the same rows in another order. `earlier` is what the last one said before its
    parameters changed."""
    before, own = [], []
    for answer in hw.each([(case.net.forward, (case.X[::-1].copy(),)) for case in cases]):
        own.append(numbers(unpack("forward", answer, ("scores", "cache"))[0]))
        before.append(hw.mutated)
    rows = [leads(case.scores()) for case in cases]
    calls = [
        (case.net.predict.then("parameters", of=case.net), (case.X[clear],))
        for case, clear in zip(cases, rows, strict=True)
    ]
    ask, (shown,) = calls[0]
    answers = hw.each([*calls, (ask, (np.roll(shown, 1, axis=0),))])
    right = []
    for case, clear, changed, found in zip(cases, rows, before, own, strict=True):
        classes, parameters = next(answers)
        if hw.mutated and not changed:
            raise Mismatch("predict changed X in place; the images belong to the caller, so work on a copy")
        scores = case.scores()
        if not case.numeric and found is not None and found.shape == scores.shape:
            scores = found[::-1]  # where no score is above 0, a ReLU on the scores costs net_forward alone
        right.append(np.argmax(scores[clear], axis=1))
        told = case is cases[-1] and earlier is not None and earlier.shape == clear.shape
        clues = [asked_again(partial(again, case, case.X[clear]))]
        clues += [Clue(STALE.format("predict"), earlier[clear])] if told and earlier is not None else []
        expect_close(hw, f"predict of {case.sizes}", as_vector(classes), right[-1], clues=clues)
        expect_unmoved(case, parameters, "predict", "it should only tell the classes")
    name, kept = f"predict of {cases[0].sizes}, of other rows", Clue("it is kept from an earlier call", right[0])
    expect_close(hw, name, as_vector(next(answers)[0]), np.roll(right[0], 1), clues=[kept])


def expect_new_classes(hw: Subject, case: Case) -> None:
    """The classes of the same array, after a step after which each row's best class is the next one."""
    clear = leads(case.scores())
    scores = case.scores()[clear]
    before, new = np.argmax(scores, axis=1), np.roll(scores, 1, axis=1)
    held = hw.put(case.X[clear])  # the same array, because an answer may be kept by its id
    case.net.predict(held)
    case.write({role: np.roll(case.values[role], 1, axis=-1) for role in ("weight2", "bias2")})
    yours = as_vector(case.net.predict(held))
    own = numbers(unpack("forward", case.net.forward(held), ("scores", "cache"))[0])
    if own is not None and own.shape == new.shape and np.allclose(own, new, 1e-4, 1e-4):  # else net_forward costs it
        name = f"predict of {case.sizes}, after a step"
        expect_close(hw, name, yours, np.argmax(new, axis=1), clues=[Clue(BY_ID, before)])


def again(case: Case, X: Array) -> Any:
    """The classes that the student's network predicts for X when it is asked once more."""
    return as_vector(case.net.predict(X))


def leads(scores: Array) -> Any:
    """In which rows the best class leads, whatever float32 rounds."""
    ordered = np.sort(scores, axis=1)
    second = ordered[:, :-1].max(axis=1, initial=-np.inf)
    return ordered[:, -1] - second > CLEAR * np.abs(scores).max(axis=1)


def expect_scores(hw: Subject, *cases: Case, said: str = "") -> None:
    for case, answer in zip(cases, hw.each([(case.net.forward, (case.X,)) for case in cases]), strict=True):
        scores, _ = unpack("forward", answer, ("scores", "cache"))
        if 0 in hw.mutated:
            raise Mismatch("forward changed X in place; the batch belongs to the caller, so work on a copy")
        expect_close(hw, f"scores of {case.sizes}{said}", scores, case.scores(), clues=score_clues(hw, case))


def score_clues(hw: Subject, case: Case) -> Iterator[Clue]:
    """What scores may be instead."""
    return chain(
        mistakes(hw, "net_forward_scores", case.values, case.X),
        kept_clues(lambda X: case.net.forward(X)[0], X=case.X),
        mistakes(hw, "net_forward_given", case.values, case.X, recorded=False),
    )


def expect_scores_apart(hw: Subject, rng: np.random.Generator, case: Case) -> None:
    """The scores of a forward pass, read after the next ones: they are not the next one's, and those of the last are
    right, too."""
    later = case.of_images(rng)
    answers = case.net.forward.map([(case.X,), *[(later.X,)] * AGAIN])
    scores, last = (unpack("forward", answer, ("scores", "cache"))[0] for answer in (answers[0], answers[-1]))
    name, right = f"scores of {case.sizes}, after another forward pass", later.scores()
    expect_close(hw, name, scores, case.scores(), clues=chain([Clue(REUSED, right)], score_clues(hw, case)))
    name = f"scores of {case.sizes}, of images in float32"
    expect_close(hw, name, last, right, atol=allowed(hw, later.X, right), clues=score_clues(hw, later))


def expect_new_scores(hw: Subject, case: Case) -> None:
    """The scores of the same inputs, and of some none of which is above 0, after an optimizer's step changed the
    parameters."""
    stale = [WEIGHTS + BIASES, WEIGHTS, *((role,) for role in WEIGHTS)]
    negative = -np.abs(case.X)

    def asked(new: Case) -> tuple[Array, Array, list[Array]]:
        kept = [{**new.values, **{role: case.values[role] for role in roles}} for roles in stale]
        earlier = [replace(new, values=values).scores() for values in kept]
        return new.scores(), replace(new, X=negative).scores(), earlier

    held = hw.put(case.X)  # the same array, because an answer may be kept by its id
    case.net.forward(held)
    new = finer(hw, case, asked, -1)
    right, below, earlier = asked(new)
    calls = [(held,), (negative,)]
    answers = (unpack("forward", answer, ("scores", "cache"))[0] for answer in new.net.forward.map(calls))
    clues = chain([Clue(STALE.format("forward"), scores) for scores in earlier], score_clues(hw, new))
    expect_close(hw, f"scores of {case.sizes}, after its parameters changed", next(answers), right, clues=clues)
    name = f"scores of {case.sizes}, no x above 0"
    expect_close(hw, name, next(answers), below, clues=score_clues(hw, replace(new, X=negative)))


def finer(hw: Subject, case: Case, asked: Callable[[Case], Any], sign: float = 1) -> Case:
    """The case with other parameters, with more digits than float32 has, unless its own are of that kind. `asked` asks
    the reference what will be asked of the case, so that the answers for both kinds are recorded."""
    coarse, fine = ({role: sign * factor * value for role, value in case.values.items()} for factor in (0.5, FINE))
    if hw.recording:
        asked(replace(case, values=coarse))
    return case.write(coarse if case.float32 else fine)


def expect_crossed_gradients(hw: Subject, rng: np.random.Generator, case: Case, other: Case) -> None:
    """Of two networks, with all forwards before the backwards: a cache belongs to its own forward. It may serve again;
    then nothing of it has changed."""
    shape = case.sizes.batch, case.sizes.classes
    grad_scores, grad_other = rng.normal(size=shape), spread(rng, shape)
    cache, other_cache, latest = caches(hw, (case, case.X), (other, other.X), (case, other.X))
    backward = case.net.backward.then("parameters", of=case.net)
    ((answer, parameters),) = backward.watched([(grad_scores, cache)], [list(case.values.values())])
    expect_gradients_of(hw, case, answer, grad_scores, later=other.X)
    expect_unmoved(case, parameters, "backward", ONLY_GRADIENTS, other)
    of_net = other.net.backward.then("parameters", of=other.net)
    calls = (of_net, (grad_other, other_cache)), (backward, (grad_scores, latest)), (backward, (-grad_scores, cache))
    answers, again, later = hw.each(calls), replace(case, numeric=False), replace(case, X=other.X, numeric=False)
    expect_gradients_of(hw, other, next(answers)[0], grad_other, ", of another network")
    of_latest, parameters = next(answers)
    reused = hw.reference.answers.gradients(case.values, case.X, -grad_scores)
    expect_gradients_of(hw, later, of_latest, grad_scores, ", of another batch", reused=reused)
    with used_up(hw, "forward"):
        of_again, parameters = next(answers)
        expect_gradients_of(hw, again, of_again, -grad_scores, ", asked again", again=True)
    expect_unmoved(case, parameters, "backward", ONLY_GRADIENTS, other)


def expect_net_gradients(hw: Subject, rng: np.random.Generator, *cases: Case, before: Case | None = None) -> None:
    """The gradients of each case. `before` is the last one with its earlier parameters, of which it was asked: if its
    scores are of these, that is a mistake of `forward` alone."""
    upstream = [spread(rng, (case.sizes.batch, case.sizes.classes)) for case in cases]
    calls = [*((case, case.X) for case in cases), (cases[0], cases[0].X[:2])]  # a later, smaller batch
    *shown, _ = forwards(hw, *calls)
    asked = [(case.net.backward, (grad, kept)) for case, grad, (_, kept) in zip(cases, upstream, shown, strict=True)]
    for case, grad_scores, answer, (scores, _) in zip(cases, upstream, hw.each(asked), shown, strict=True):
        if before is None or case is not cases[-1]:
            expect_gradients_of(hw, case, answer, grad_scores)
            continue
        found, right = numbers(scores), case.scores()
        if found is not None and found.shape == right.shape and np.allclose(found, right):
            expect_gradients_of(hw, case, answer, grad_scores, ", after its parameters changed", earlier=before.values)


def caches(hw: Subject, *calls: tuple[Case, Array]) -> list[Any]:
    """The caches of forward passes of these networks, with these inputs."""
    return [cache for _, cache in forwards(hw, *calls)]


def forwards(hw: Subject, *calls: tuple[Case, Array]) -> list[tuple[Any, ...]]:
    """The (scores, cache) of forward passes of these networks, with these inputs."""
    answers = hw.each([(case.net.forward, (X,)) for case, X in calls])
    return [unpack("forward", answer, ("scores", "cache")) for answer in answers]


def expect_gradients_of(
    hw: Subject,
    case: Case,
    answer: Any,
    grad_scores: Array,
    said: str = "",
    *,
    later: Array | None = None,
    reused: Mapping[str, Array] | None = None,
    again: bool = False,
    earlier: Mapping[str, Array] | None = None,
) -> None:
    """What `backward` gave, against the numeric gradients, or against the reference's. `later` is what the network was
    given after the forward pass whose cache was passed; `reused` are the right gradients of a call that came after this
    one, before its answer was read. `again`: the cache has served before. `earlier` are parameters that it
    had before: then known mistakes were asked for, too."""
    grads = network.expect_gradients("backward", answer, case)
    trusted = hw.reference.answers.gradients(case.values, case.X, grad_scores) if case.large else {}
    for role, grad in grads.items():
        name = case.name("grads", role) + said
        clues = chain(
            [] if reused is None else [Clue(REUSED, reused[role])],
            [Clue(CHANGED, holds=partial(right_anew, case, role, grad_scores))] if again else [],
            mistakes(hw, "net_backward_stale", role, case.values, case.X, grad_scores, earlier, recorded=False),
            mistakes(hw, "net_backward_grad", role, case.values, case.X, grad_scores, later, recorded=earlier is None),
            mistakes(hw, "net_backward_exchanged", role, case.values, case.X, grad_scores, recorded=False),
            kept_gradients(case, role, grad_scores),
            mistakes(hw, "net_backward_given", role, case.values, case.X, grad_scores, recorded=False),
        )
        factors = {"the batch size": case.sizes.batch}
        if case.large:
            expect_close(hw, name, grad, trusted[role], factors=factors, clues=clues)
            continue
        expect_gradient(
            hw,
            name,
            grad,
            partial(case.forward_with, role),
            at=case.values[role],
            upstream=grad_scores,
            own=partial(own_scores, case, role),
            of=("forward", role, *case.inputs),
            trusted=partial(case.gradient, role, grad_scores),
            h=2e-3,  # scores are linear in every entry, so a longer step only reduces round-off
            factors=factors,
            clues=clues,
        )


def kept_gradients(case: Case, role: str, grad_scores: Array) -> list[Clue]:
    """Clues that a gradient is kept from an earlier call. That of the last bias does not depend on X."""
    given = {} if role == "bias2" else {"X": case.X}
    return kept_clues(partial(own_gradient, case, role), grad_scores=grad_scores, **given)


def right_anew(case: Case, role: str, grad_scores: Array, _: Array) -> bool:
    """Whether a gradient is right with the cache of another forward pass of the same inputs."""
    found, right = answered(partial(own_gradient, case, role, grad_scores)), case.gradient(role, grad_scores)
    return found is not None and found.shape == right.shape and np.allclose(found, right)


def own_gradient(case: Case, role: str, grad_scores: Array, X: Array | None = None) -> Any:
    """The student's gradient for a role, after a forward pass of its own: of the case's inputs, or of X."""
    _, cache = unpack("forward", case.net.forward(case.X if X is None else X), ("scores", "cache"))
    return network.expect_gradients("backward", case.net.backward(grad_scores, cache), case)[role]


def expect_unmoved(case: Case, parameters: Any, method: str, why: str, other: Case | None = None) -> None:
    """Raise Mismatch if a method changed the parameters, or the forward pass that was asked before it, or within it, or
    if they change with those of an `other` network."""
    if moved := case.moved(parameters):
        fresh = case.write({})
        if other is not None:
            other.write({})
            if shared := fresh.moved(case.net.parameters()):
                raise Mismatch(SHARED.format(", ".join(shared)))
        _, after = case.net.forward.then("parameters", of=case.net)(case.X)
        if fresh.moved(after):
            method, why = "forward", ONLY_SCORES
        raise Mismatch(f"{method} changed {', '.join(moved)} in place; {why}")


def as_vector(value: Any) -> Any:
    """Classes as an array; a list of numbers is accepted too, as `==` with an array is. A column (N, 1) is not (N,)."""
    listed = isinstance(value, list | tuple) and bool(value) and all(type(one) in (int, float) for one in value)
    return np.array(value, dtype=np.float64) if listed and max(map(abs, value)) < 1 << 31 else value


def expect_normal(hw: Subject, name: str, weights: Array, scale: float) -> None:
    """Weights that a normal distribution around 0 of this standard deviation may have given: their mean, deviation,
    distribution and order, each of which a right network fails in fewer than 1 of 10 million runs."""
    drawn = np.asarray(weights, dtype=np.float64) / scale
    values = np.sort(drawn, axis=None)
    if not np.isfinite(values).all():
        raise Mismatch(f"the weights {name} of a new network are not all finite")
    bound = SIGMAS / np.sqrt(2 * values.size)
    error = abs(float(np.std(values)) - 1)
    hw.measure(Measure(f"scale of {name}, relative error, weight_scale={scale:g}", error, bound))
    if not error < bound:
        deviation = float(np.std(values)) * scale
        raise Mismatch(f"the weights {name} have standard deviation {deviation:.3g}; expected weight_scale={scale:g}")
    if not abs(float(np.mean(values))) < SIGMAS / np.sqrt(values.size):
        mean = float(np.mean(values)) * scale
        raise Mismatch(f"the weights {name} have mean {mean:.3g}; draw them from a normal distribution around zero")
    if not farthest(values) * np.sqrt(values.size) < FARTHEST:
        raise Mismatch(f"the weights {name} are not normally distributed; draw each from a normal distribution")
    for some in (drawn, drawn.T):  # the products of neighbours, which add up where they are in some order
        if abs(float((some[1:] * some[:-1]).sum())) > SIGMAS * np.sqrt(some[1:].size):
            raise Mismatch(f"the weights {name} come in an order: each depends on its neighbours; draw each by itself")


def farthest(ordered: Array) -> float:
    """How far the share of values up to a point is from a standard normal distribution's, at most: at every STEPth,
    which is never further than at all of them."""
    shares = (np.arange(ordered.size)[::STEP] + 0.5) / ordered.size
    below = np.array([0.5 * (1 + erf(value / sqrt(2))) for value in ordered[::STEP].tolist()])
    return float(np.abs(below - shares).max())


def expect_drawn_once(weights: Array) -> None:
    """No weight is another's copy, or its negative: W2 is no part of W1, and no row repeats another, or is 0."""
    repeated, zeros = np.count_nonzero(np.diff(np.sort(np.abs(weights))) == 0), np.count_nonzero(weights == 0)
    if repeated > ALIKE * weights.size:
        count, what = (zeros, "are 0") if 2 * zeros > repeated else (repeated, "repeat others")
        raise Mismatch(f"{count} of the weights of a new network {what}; draw each of them by itself")


def own_scores(case: Case, role: str, values: Sequence[Array]) -> list[Any]:
    """The student's scores with one parameter replaced by each value in turn."""
    scores = []
    for value in values:
        case.write({role: value})
        scores.append(unpack("forward", case.net.forward(case.X), ("scores", "cache"))[0])
    case.write({})  # what is asked later, such as for a cause, is asked of the network as it was
    return scores
