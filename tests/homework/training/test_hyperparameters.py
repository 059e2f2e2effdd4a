"""Hyperparameters as students write them: what can be read, what cannot, and why."""

from __future__ import annotations

import math
import textwrap
from pathlib import Path

import pytest
from endless import expect_end
from hypothesis import given
from hypothesis import strategies as st

from grader.homework.training.hyperparameters import NAMES, Hyperparameters, read
from grader.model import Limits
from grader.sandbox import reader

ROOT = Path(__file__).parents[3]
DEFAULTS = {
    "num_train": 20000,
    "hidden_dim": 16,
    "batch_size": 128,
    "num_epochs": 10,
    "learning_rate": 1e-4,
    "reg": 1.0,
}
USE = "model = TwoLayerNet(hidden_dim=hidden_dim)\nuse(num_train, batch_size, num_epochs, learning_rate, reg)\n"


def main(body: str, *, before: str = "", use: str = USE, arguments: str = "args") -> bytes:
    """A train.py in the original shape: the defaults, the student's lines, and then what uses them."""
    defaults = "".join(f"{name} = {value!r}\n" for name, value in DEFAULTS.items())
    body = textwrap.indent(defaults + textwrap.dedent(body) + use, "    ")
    return f"{textwrap.dedent(before)}\ndef main({arguments}):\n{body}".encode()


def changed(place: Hyperparameters) -> dict[str, float]:
    """What differs from the defaults, unreadable names as None."""
    values = {name: place.values.get(name) for name in (*NAMES, *place.values, *place.unreadable)}
    return {name: value for name, value in values.items() if value != DEFAULTS.get(name)}


def test_the_reference_has_two_places():
    settings = read((ROOT / "reference/neuralnet/train.py").read_bytes())
    assert not settings.single
    for place in (settings.best, settings.overfit):
        assert set(place.values) >= set(NAMES)
        assert place.unreadable == {}
    assert settings.best.values["learning_rate"] > 1e-4
    assert settings.overfit.values["num_train"] < settings.best.values["num_train"]
    assert settings.overfit.values["reg"] == 0


@pytest.mark.parametrize(
    ("before", "body", "arguments", "single"),
    [
        ("", "args = parser.parse_args()\nif args.run == 'overfit':\n    reg = 0", "", False),
        ("", "if getattr(args, 'run', 'best') == 'overfit':\n    reg = 0", "args", False),
        ("", "run = vars(args)['run']\nreg = 0 if run == 'overfit' else 1", "args", False),
        (
            "def chosen(options):\n    return {'best': 1, 'overfit': 0}[options.run]",
            "reg = chosen(args)",
            "args",
            False,
        ),
        ("", "trainer.run()\nsubprocess.run('ls')", "args", True),
    ],
)
def test_a_run_that_is_asked_for_under_another_name_is_one_of_two(before, body, arguments, single):
    assert read(main(f"{body}\n", before=before, arguments=arguments)).single == single


def test_arguments_that_main_parses_itself_are_followed():
    settings = read(main("args = get_parser().parse_args()\nif args.run == 'overfit':\n    reg = 0\n", arguments=""))
    assert (changed(settings.best), changed(settings.overfit)) == ({}, {"reg": 0})


def test_a_run_that_is_asked_for_in_a_way_that_cannot_be_followed_is_still_one_of_two():
    settings = read(
        main("""
        match args.run:
            case "best":
                reg = 0.001
            case _:
                reg = 0
    """)
    )
    assert not settings.single
    assert changed(settings.best) == changed(settings.overfit) == {"reg": None}


def test_untouched_defaults_are_read_as_they_are():
    settings = read(main(""))
    assert settings.single
    assert settings.best.values == settings.overfit.values == DEFAULTS


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("learning_rate = 0.05", {"learning_rate": 0.05}),
        ("learning_rate = 1\nlearning_rate = 0.05", {"learning_rate": 0.05}),
        ("learning_rate: float = 5e-2", {"learning_rate": 0.05}),
        ("learning_rate: float", {}),
        ("learning_rate *= 500", {"learning_rate": 1e-4 * 500}),
        ("learning_rate = reg = 0.5", {"learning_rate": 0.5, "reg": 0.5}),
        ("hidden_dim, batch_size = 100, 50", {"hidden_dim": 100, "batch_size": 50}),
        ("(hidden_dim, (batch_size, reg)) = (100, (50, 0))", {"hidden_dim": 100, "batch_size": 50, "reg": 0}),
        ("[hidden_dim, batch_size] = [100, 50]", {"hidden_dim": 100, "batch_size": 50}),
        ("best = (100, 50)\nhidden_dim, batch_size = best", {"hidden_dim": 100, "batch_size": 50}),
        ("hidden_dim, batch_size = batch_size, hidden_dim", {"hidden_dim": 128, "batch_size": 16}),
        ("lr = 1e-2\nlearning_rate = lr * 5", {"learning_rate": 0.05}),
        ("num_train = 45 * 1000; hidden_dim = 2 ** 7", {"num_train": 45000, "hidden_dim": 128}),
        ("num_train = 45_000; num_epochs = 0x10", {"num_train": 45000, "num_epochs": 16}),
        ("num_train = int(1e4); reg = float(0)", {"num_train": 10000, "reg": 0.0}),
        ("reg = -1.5 + +1 // 1; batch_size = 7 % 4 << 3 >> 1", {"reg": -0.5, "batch_size": 12}),
        ("learning_rate = 10 ** -2", {"learning_rate": 0.01}),
        ("num_train = min(50000, 45000); hidden_dim = abs(-3)", {"num_train": 45000, "hidden_dim": 3}),
        ("reg = False", {"reg": 0}),
        ("# learning_rate = 0.5\n'learning_rate = 0.5'", {}),
        ("DEBUG = False\nif DEBUG:\n    num_train = 10\nelse:\n    num_train = 30000", {"num_train": 30000}),
        ("mode = 'over'\nif mode == 'over' and not mode == 'x':\n    reg = 0", {"reg": 0}),
        ("reg = 0 if num_epochs > 5 else 1", {"reg": 0}),
        ("if 0 or num_epochs is not None:\n    reg = 0", {"reg": 0}),
        ("if args.verbose:\n    print('hi')\nreg = 0", {"reg": 0}),
        ("if args.verbose:\n    reg = 0\nelse:\n    reg = 0", {"reg": 0}),
        ("if args.help:\n    reg = 3\n    sys.exit()\nreg += 1", {"reg": 2.0}),
        ("with open('log') as log:\n    reg = 0", {"reg": 0}),
        ("try:\n    reg = 0\nexcept ValueError:\n    sys.exit(1)", {"reg": 0}),
        ("def inner():\n    reg = 9\n    return reg\nreg = 0", {"reg": 0}),
        ("losses = [reg for reg in range(3)]\nprint([reg for reg in range(3)])", {}),
        ("for i in range(3):\n    print(i)\nreg = 0", {"reg": 0}),
        ("for reg in [1, 2]:\n    print(reg)\nreg = 0", {"reg": 0}),
        ("reg = 0\nreturn\nreg = 5", {"reg": 0}),
        (
            "X, y = load_cifar10(num_train=int(num_train))\nhidden_dim = 3\nTwoLayerNet(9, 10, +hidden_dim)",
            {"hidden_dim": 3},
        ),
        (
            "X = data['X']\nDataSampler(X, data['y'], batch_size)\nDataSampler(X_val[:99], y_val[:99], batch_size * 2)",
            {},
        ),
        ("for i in range(9):\n    X = X_train[i : i + batch_size]\n    training_step(model, X, y, reg)", {}),
    ],
)
def test_constant_assignments(body, expected):
    place = read(main(body + "\n")).best
    assert changed(place) == expected
    assert place.unreadable == {}


@pytest.mark.parametrize(
    ("body", "name", "why"),
    [
        ("for learning_rate in [0.1, 0.05]:\n    pass", "learning_rate", "loop"),
        ("while True:\n    learning_rate = 0.1\n    break", "learning_rate", "loop"),
        ("for i in range(3):\n    for j in range(3):\n        reg *= 2", "reg", "loop"),
        ("reg = args.reg", "reg", "constant"),
        ("reg = cfg['reg']", "reg", "constant"),
        ("reg = Config.reg", "reg", "constant"),
        ("reg = np.float32(0)", "reg", "constant"),
        ("reg = min", "reg", "constant"),
        ("reg = float('0.5')", "reg", "constant"),
        ("hidden_dim, reg = best()", "reg", "constant"),
        ("hidden_dim, *reg = 1, 2, 3", "reg", "constant"),
        ("hidden_dim, reg = 1, 2, 3", "reg", "constant"),
        ("print(reg := 3)", "reg", "constant"),
        ("if (reg := 3):\n    pass", "reg", "constant"),
        ("import reg", "reg", "constant"),
        ("with open('f') as reg:\n    pass", "reg", "constant"),
        ("match args.run:\n    case 'best':\n        reg = 0", "reg", "constant"),
        ("if args.fast:\n    reg = 0", "reg", "condition"),
        ("if args.fast:\n    reg = 0\nelif args.slow:\n    reg = 1", "reg", "condition"),
        ("try:\n    reg = 0\nexcept ValueError:\n    reg = 1", "reg", "condition"),
        ("reg = 'none'", "reg", "number"),
        ("reg = None", "reg", "number"),
        ("reg = 1e999", "reg", "number"),
        ("reg = (-8) ** 0.5", "reg", "constant"),
        ("reg = 1 / 0", "reg", "constant"),
        ("reg = int(1e999)", "reg", "constant"),
        ("def search():\n    nonlocal reg\n    reg = 5\nsearch()", "reg", "changed inside search"),
        ("optimizer.learning_rate = 0.2", "learning_rate", "set on an object"),
        ("for i in range(9):\n    optimizer.learning_rate *= 0.9", "learning_rate", "set on an object"),
        ("del reg", "reg", "constant"),
        ("optimizer = SGD(model.parameters(), learning_rate * 100)", "learning_rate", "on its way into SGD"),
        ("loss, grads = training_step(model, X, y, reg=reg / 2)", "reg", "on its way into training_step"),
        ("X, y = load_cifar10(num_train=num_train // 2)", "num_train", "on its way into load_cifar10"),
        ("train = DataSampler(X, y, batch_size + args.more)", "batch_size", "on its way into DataSampler"),
        ("sampler = DataSampler(X_train[:500], y_train[:500], batch_size)", "num_train", "a slice of them"),
        ("X_train = X_train[:500]\nsampler = DataSampler(X_train, y, batch_size)", "num_train", "a slice of them"),
        ("X, y = X_train[few], y_train[few]\nsampler = DataSampler(X, y, 5)", "num_train", "a slice of them"),
    ],
)
def test_what_is_no_constant_is_unreadable_with_its_line(body, name, why):
    source = main(body + "\n")
    place = read(source).best
    assert name not in place.values
    assert why in place.unreadable[name].why
    lines = source.decode().splitlines()
    assert 9 <= place.unreadable[name].line <= len(lines) or place.unreadable[name].line == 2
    assert set(place.values) | set(place.unreadable) == set(NAMES)


@pytest.mark.parametrize("huge", ["9**9**9", "2**99999", "1 << 10**9", "(10**400)*(10**400)*(10**400)*(10**400)"])
def test_arithmetic_is_bounded(huge):
    assert "large" in read(main(f"reg = {huge}\n")).best.unreadable["reg"].why


def test_a_name_that_main_does_not_use_is_not_trained_with():
    use = "model = TwoLayerNet(hidden_dim=512)\nuse(num_train, batch_size, num_epochs, lr, reg)\n"
    place = read(main("lr = 0.1\n", use=use)).best
    assert set(place.unreadable) == {"hidden_dim", "learning_rate"}
    assert "uses" in place.unreadable["learning_rate"].why
    assert read(main("train(**locals())\n", use="")).best.values == DEFAULTS


def test_module_constants_and_defaults_of_arguments_count():
    before = "LR = 0.05\nreg = 0.5\nif __name__ == '__main__':\n    pass\n"
    assert changed(read(main("learning_rate = LR", before=before, use="\n" + USE)).best) == {"learning_rate": 0.05}
    source = b"reg = 0.5\ndef main(args, hidden_dim=100, *, batch_size=50, num_epochs):\n    use(reg, hidden_dim, "
    place = read(source + b"batch_size, num_epochs)\n").best
    assert place.values == {"reg": 0.5, "hidden_dim": 100, "batch_size": 50}
    assert "argument" in place.unreadable["num_epochs"].why
    assert "nowhere" in place.unreadable["num_train"].why


def test_each_run_has_its_branch():
    body = """
        if args.run == "best":
            learning_rate, reg = 0.05, 1e-3
        elif args.run == "overfit":
            num_train = 500
    """
    settings = read(main(body))
    assert not settings.single
    assert changed(settings.best) == {"learning_rate": 0.05, "reg": 1e-3}
    assert changed(settings.overfit) == {"num_train": 500}
    other = read(main('if options.run != "overfit":\n    reg = 0\n', arguments="options"))
    assert (changed(other.best), changed(other.overfit), other.single) == ({"reg": 0}, {}, False)
    early = read(main('if args.run == "best":\n    reg = 0\n    use(reg)\n    return\nreg = 5\n'))
    assert (changed(early.best), changed(early.overfit)) == ({"reg": 0}, {"reg": 5})


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("TwoLayerNet(hidden_dim=hidden_dim, weight_scale=1e-2)", 1e-2),
        ("TwoLayerNet(3072, 10, hidden_dim, 2e-2)", 2e-2),
        ("two_layer_net.TwoLayerNet(weight_scale=reg / 100, hidden_dim=hidden_dim)", 1e-2),
        ("TwoLayerNet(hidden_dim=hidden_dim)", None),
        ("TwoLayerNet(3, 4, hidden_dim, 5)\n    model = TwoLayerNet(hidden_dim=hidden_dim)", None),
    ],
)
def test_weight_scale_is_that_of_the_last_network(call, expected):
    use = f"model = {call}\nuse(num_train, batch_size, num_epochs, learning_rate, reg)\n".replace("\n    ", "\n")
    place = read(main("", use=use)).best
    assert place.values.get("weight_scale") == expected
    assert place.unreadable == {}


def test_a_weight_scale_that_is_no_constant_is_unreadable():
    use = USE.replace("hidden_dim=hidden_dim", "hidden_dim=hidden_dim, weight_scale=1 / hidden_dim ** x")
    assert list(read(main("", use=use)).best.unreadable) == ["weight_scale"]
    loop = "for scale in (1, 2):\n    TwoLayerNet(hidden_dim=hidden_dim, weight_scale=scale)\n"
    assert list(read(main(loop, use=USE.partition("\n")[2])).best.unreadable) == ["weight_scale"]


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"learning_rate = 0.1\n",
        b"def main(:",
        b"def main(args):\n    reg = 0\n  x",
        b"\x00\xff",
        b"def main(args):\n    x = '\\d'\n",
        b"x = " + b"(" * 5000 + b")" * 5000,
        b"def main(args):\n    reg = " + b"-" * 50000 + b"1\n",
        b"def main(args):\n    reg = " + b"1 + " * 50000 + b"1\n",
        b"# coding: nonsense\n",
        b"".join(b"if x:\n    a%d = 1\n" % n for n in range(20000)),  # minutes, were every branch compared
        "def main(args):\n    reg = '\udce9'\n".encode("utf-8", "surrogatepass"),
    ],
)
def test_what_is_not_a_train_py_has_no_settings_and_raises_nothing(source):
    settings = read(source)
    assert settings.best.values == {}
    assert set(settings.best.unreadable) >= set(NAMES)


def test_nothing_is_executed(tmp_path):
    marker = tmp_path / "ran"
    body = f"reg = open({str(marker)!r}, 'w').write('x')\nreg = __import__('os').system('touch {marker}')\n"
    assert "reg" in read(main(body, before=body)).best.unreadable
    assert not marker.exists()


NUMBERS = st.one_of(st.integers(-(10**6), 10**6), st.floats(-1e6, 1e6, allow_nan=False))
EXPRESSIONS = st.recursive(
    NUMBERS.map(repr),
    lambda inner: st.tuples(inner, st.sampled_from("+ - * / // %".split()), inner).map(lambda e: f"({' '.join(e)})"),
    max_leaves=6,
)


@given(EXPRESSIONS)
def test_arithmetic_is_pythons(expression):
    try:
        expected = eval(expression)  # made above of numbers and operators
    except (ZeroDivisionError, OverflowError):
        expected = math.inf
    place = read(main(f"reg = {expression}\n")).best
    if not math.isfinite(expected) or (isinstance(expected, int) and abs(expected) >= 1 << 63):
        assert "reg" in place.unreadable
    else:
        assert place.values["reg"] == expected
        assert type(place.values["reg"]) is type(expected)


STATEMENTS = st.recursive(
    st.tuples(st.sampled_from([*NAMES, "a"]), NUMBERS).map(lambda p: [f"{p[0]} = {p[1]!r}"]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda blocks: [line for block in blocks for line in block]),
        st.tuples(st.sampled_from(["if args.run == 'best':", "if 1 > 2:", "with x:"]), inner).map(
            lambda p: [p[0], *(f"    {line}" for line in p[1])]
        ),
    ),
    max_leaves=8,
)


class Context:
    def __enter__(self):
        pass

    def __exit__(self, *exception):
        pass


@given(STATEMENTS, st.sampled_from(["best", "overfit"]))
def test_straight_code_ends_as_python_ends_it(lines, run):
    source = main("\n".join(lines) + "\n")
    scope: dict[str, object] = {"x": Context(), "TwoLayerNet": dict, "use": lambda *values: caught.extend(values)}
    caught: list[float] = []
    exec(source, scope)  # made above of assignments and branches
    scope["main"](type("args", (), {"run": run}))
    values = getattr(read(source), run).values
    assert [values[name] for name in NAMES if name != "hidden_dim"] == caught


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_answered(noise):
    settings = read(b"def main(args):\n" + noise)
    assert set(NAMES) <= set(settings.best.values) | set(settings.best.unreadable)


OWN_OPTIMIZER = """
class Momentum(SGD):
    def step(self, grads):
        pass
"""
BY_HAND = """
for X, y in train_sampler:
    loss, grads = training_step(model, X, y, reg)
    for name, value in model.parameters().items():
        speed[name] = 0.9 * speed[name] - learning_rate * grads[name]
        value += speed[name]
"""


@pytest.mark.parametrize(("before", "body"), [(OWN_OPTIMIZER, ""), ("", BY_HAND)])
def test_what_suits_an_optimizer_of_the_students_own_is_not_given_to_the_handouts(before, body):
    found = read(main(body, before=before))
    assert found.best.values == {}
    assert {each.why for each in found.best.unreadable.values()} == {"is used with an optimizer of train.py's own"}


@pytest.mark.parametrize(
    ("before", "what"),
    [
        ("import optim\noptim.SGD.step = step", "an optimizer"),
        ("setattr(SGD, 'step', step)", "an optimizer"),
        ("DataSampler.__iter__ = batches", "a sampler"),
    ],
)
def test_what_suits_a_changed_part_of_the_handouts_is_not_given_to_the_handouts_own(before, what):
    found = read(main("", before=before))
    assert {each.why for each in found.best.unreadable.values()} == {f"is used with {what} of train.py's own"}


@pytest.mark.parametrize(
    ("lines", "unread"),
    [
        ("optimizer = SGD({name: one.copy() for name, one in model.parameters().items()}, learning_rate)", True),
        (
            "params = copy.deepcopy(model.parameters())\noptimizer = SGD(params=params, learning_rate=learning_rate)",
            True,
        ),
        ("optimizer = SGD(model.parameters(), learning_rate)\nbest = copy.deepcopy(model.parameters())", False),
        ("params = {name: one for name, one in model.parameters().items()}\nSGD(params, learning_rate)", False),
    ],
)
def test_an_optimizer_of_copies_is_not_the_handouts_which_changes_the_network(lines, unread):
    found = read(main("", use=USE + lines))
    why = {each.why for each in found.best.unreadable.values()}
    assert why == ({"is used with copies of the parameters"} if unread else set())


LOADED = "X_train, y_train, X_val, y_val, _, _ = load_cifar10(num_train=num_train)"
SAMPLER = "train_sampler = DataSampler(X_train, y_train, batch_size)"


@pytest.mark.parametrize(
    "lines",
    [
        ["X_train = (X_train - X_train.mean(axis=0)) / X_train.std(axis=0)", SAMPLER],
        ["X = X_train / X_train.std(axis=0)", SAMPLER.replace("X_train", "X")],
        ["X_train -= X_train.mean(axis=0)", SAMPLER],
        ["X_train, X_val = prepared(X_train, X_val)", SAMPLER],
        [SAMPLER.replace("X_train", "X_train - 0.5")],
        [SAMPLER, "X = (X - 0.5) / 0.25", "training_step(model, X, y, reg)"],
    ],
)
def test_what_suits_images_that_main_changes_is_not_given_to_those_of_the_handout(lines):
    found = read(main("\n".join([LOADED, *lines, ""]))).best
    assert {each.why for each in found.unreadable.values()} == {"is used with images that main changes"}


@pytest.mark.parametrize(
    "lines",
    [
        ["X_train = X_train.astype(np.float64)", SAMPLER],
        ["X_train = X_train.reshape(len(X_train), -1)", SAMPLER],
        ["batches = len(X_train) // batch_size", SAMPLER, "sure = (model.predict(X_train) == y_train).mean()"],
        [SAMPLER, "X = X_train[order]", "training_step(model, X, y, reg)"],
    ],
)
def test_images_of_another_type_or_shape_are_not_changed(lines):
    found = read(main("\n".join([LOADED, *lines, ""]))).best
    assert "is used with images that main changes" not in {each.why for each in found.unreadable.values()}


def test_tuples_in_tuples_are_read_no_further_than_they_can_be_compared():
    pairs = "".join(f"    a{n} = (a{n - 1}, a{n - 1})\n    b{n} = (b{n - 1}, b{n - 1})\n" for n in range(1, 60))
    source = f"def main(args):\n    a0 = b0 = (1, 1)\n{pairs}    num_train = 500 if a59 == b59 else 1000\n"
    branch = f"def main(args):\n    a0 = b0 = (1, 1)\n{pairs}    if args.x:\n        a59 = b59\n    num_train = a59\n"
    for text in (source, branch):
        with expect_end():
            found = read(text.encode()).best
        assert "num_train" in found.unreadable


def test_a_file_that_takes_gigabytes_to_parse_has_a_cap():
    """What it needs is refused to the reader, and nothing of it is needed here."""
    resource = pytest.importorskip("resource")
    source = b"def main(args):\n    if 0: x = (" + b"a," * (2 << 20) + b")\n"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = reader.read(read, source, limits=Limits(read_cpu=15, read_memory=200 << 20), about="train.py")
    assert found.best.unreadable["reg"].why == "cannot be read: the file is not Python, too long or nested too deep"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 << 10
