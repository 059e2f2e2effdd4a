"""What a check can do with a student's objects: everything works, or is refused with the check's file and line."""

from __future__ import annotations

import copy
import inspect
import math
import re
import time
import types
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from json import JSONDecodeError
from pathlib import Path

import numpy as np
import pytest

from grader.errors import Crashed, Denied, Mismatch, NotImplementedYet, Raised, TimedOut, UsageError
from grader.model import Limits, Section, Submission
from grader.sandbox.callbacks import MOST_ANSWERS
from grader.sandbox.launch import spawn
from grader.sandbox.remote import MOST_ELEMENTS, Function, Module, Remote
from grader.sandbox.session import Session
from grader.sandbox.worker.wire import Handle

pytestmark = pytest.mark.medium

SECTION = Section("numpy", {"engine": "micro/engine.py", "net": "micro/net.py"}, ("engine.py", "net.py"))
LIMITS = Limits(call_cpu=5, call_wall=20, check_wall=60, memory=2 << 30, output=1000)
ENGINE = '''
import dataclasses
import enum
import math
import sys

import numpy as np

leaves = sys.exit

def wraps(function):
    import functools
    return functools.wraps(function)(lambda *args: function(*args))

RATE = 0.5
NOTHING = None

class Value:
    label = "value"

    def __init__(self, data, label=""):
        self.data, self.grad, self.label = data, 0.0, label
        self._made = "here"

    @property
    def shape(self):
        return (1,)

    def __add__(self, other):
        return Value(self.data + getattr(other, "data", other))

    __radd__ = __add__

    def __sub__(self, other):
        return Value(self.data - getattr(other, "data", other))

    def __rsub__(self, other):
        return Value(other - self.data)

    def __neg__(self):
        return Value(-self.data)

    def __iadd__(self, other):
        self.data += other
        return self

    def __matmul__(self, other):
        return np.asarray(self.data) @ other

    def __eq__(self, other):
        return True

    def __lt__(self, other):
        return True

    def __float__(self):
        return float(self.data)

    def __call__(self, x, *, scale=1):
        return self.data * x * scale

    def itself(self):
        return self

class Box:
    def __init__(self):
        self.inside = {"a": 1}

    def __getitem__(self, key):
        return str(key)

    def __setitem__(self, key, value):
        self.inside[key] = value

    def __len__(self):
        return 3

def make(data):
    return Value(data)

def counted(n):
    for i in range(n):
        yield i

def endless():
    while True:
        yield 0

def keywords(x, *, y=2, **more):
    return [x, y, more]

def state(d, items, x):
    d["mean"] = d.get("mean", 0) + 1
    items.append(5)
    x += 1
    return None

def apply(f, x):
    return f(x) + 1

def halved(x):
    return x / 2

def apply_much(f):
    while True:
        f(1.0)

def apply_badly(f):
    return f("text", [1])

def flood(f):
    while True:
        try:
            f(1.0)
        except BaseException:
            pass

def keep(f):
    global kept
    kept = f
    return 0

def late():
    return kept(1.0)

def swap(x):
    return x

def add_to(s):
    s.add((1, "b"))

def says(word):
    import sys
    print(word)
    print("a warning", file=sys.stderr)

def asks():
    return input("name? ")

def copies(source, target):
    with open(source) as read, open(target, "w") as written:
        written.write(read.read().upper())

def hidden():
    return np.ma.masked_array([1.0, 2.0], [False, True]), np.ma.masked_array([1.0, 2.0], [False, False])

def settings():
    return RATE, getattr(Value, "kind", None)

def breaks(how):
    import json
    return {"decode": lambda: b"\\xff".decode(), "invert": lambda: np.linalg.inv(np.zeros((2, 2))),
            "read": lambda: json.loads("[")}[how]()

class Own(KeyError):
    code = 7

def read_all():
    import sys
    return [input(), *sys.stdin]

def pair(x, y):
    from collections import namedtuple
    return namedtuple("Pair", "x y")(x, y)

def fails():
    raise Own("no")

@dataclasses.dataclass
class Point:
    x: int

class Color(enum.Enum):
    """A colour."""
    RED = 1
    BLUE = 2

class Temperature:
    """Degrees."""

    def __init__(self, degrees):
        self.degrees, self.log = degrees, []

    def __repr__(self):
        return f"Temperature({self.degrees})"

    def __str__(self):
        return f"{self.degrees} degrees"

    def __format__(self, form):
        return f"{self.degrees:{form}}!"

    def __hash__(self):
        return 7

    def __reversed__(self):
        return iter([2, 1])

    def __len__(self):
        return 2

    def __index__(self):
        return int(self.degrees)

    def __bytes__(self):
        return b"warm"

    def __divmod__(self, other):
        return divmod(self.degrees, other)

    def __floor__(self):
        return math.floor(self.degrees)

    def __enter__(self):
        self.log.append("in")
        return self

    def __exit__(self, kind, error, trace):
        self.log.append(kind and kind.__name__)
        return kind is KeyError

    def write(self, text):
        return text.upper()

class Posing(Temperature):
    def __dir__(self):
        return [1, 2]

    __signature__ = "posing"

    def __call__(self):
        return 1

Posing.__name__ = "Temperature"

def typed(x: int, *rest, y: "float" = 2.5, z=Temperature(1), **more) -> float:
    return x

def gives(what):
    return {"none": None, "function": make, "class": Value, "method": Value(1).itself}[what]
'''


def double(x: float) -> float:
    return 2 * x


@pytest.fixture(scope="module")
def language():
    handout = dict.fromkeys(("micro/__init__.py", "micro/engine.py", "micro/net.py"), b"")
    net = "from .engine import Value\nimport micro.engine\n\ndef same():\n    return micro.engine.Value is Value\n"
    submission = Submission("s", {"engine.py": ENGINE.encode(), "net.py": net.encode()}, {}, "")
    with Session(SECTION, submission, handout, LIMITS, spawn) as session:
        yield session


@pytest.fixture
def session(language):
    language.begin(3)
    return language


@pytest.fixture
def engine(session):
    return Module(session, "engine")


def test_attributes_are_read_by_value_and_set_there(engine):
    value = engine.Value(3.0, label="x")
    assert (value.data, value.grad, value.label, value.shape, value._made) == (3.0, 0.0, "x", (1,), "here")
    value.grad = 7.5
    value.other = np.arange(3)
    assert value.grad == 7.5
    assert value.other.tolist() == [0, 1, 2]
    del value.other
    with pytest.raises(NotImplementedYet, match="Value defines no other"):
        value.other  # noqa: B018


def test_an_attribute_may_be_an_object_or_a_function(engine):
    value = engine.Value(2.0)
    value.parent = engine.Value(5.0)
    assert isinstance(value.parent, Remote)
    assert value.parent.data == 5.0
    value.parent.data = 6.0
    assert value.parent.data == 6.0
    assert isinstance(value.itself, Function)
    assert value.itself() is value  # one object is one Remote


def test_module_constants_and_class_attributes(session):
    session.section = replace(SECTION, functions={"engine": ("make", "Value")})  # as the reference tells
    try:
        engine = Module(session, "engine")
        assert (engine.RATE, engine.NOTHING, engine.Value.label) == (0.5, None, "value")
        engine.RATE = 0.25
        assert engine.RATE == 0.25
    finally:
        session.section = SECTION


def test_operators_run_there_with_plain_numbers_on_either_side(engine):
    a, b = engine.Value(3.0), engine.Value(4.0)
    assert [(a + b).data, (a + 1).data, (1 + a).data, (10 - a).data, (a - 10).data, (-a).data] == [7, 4, 4, 7, -7, -3]
    assert (np.float64(2) + a).data == 5
    held = a
    a += 2.0
    assert a is held
    assert held.data == 5.0
    assert (engine.Value(np.eye(2)) @ np.ones(2)).tolist() == [1, 1]
    assert float(held) == 5.0
    with pytest.raises(Raised, match="TypeError"):
        a * b


def test_no_operator_of_the_students_decides_a_comparison(session, engine):
    a = engine.Value(3.0)
    assert a == a
    assert a in [a]
    for compare in (lambda: a == 4, lambda: a != 4, lambda: a == engine.Value(3.0), lambda: a < 4, lambda: a in [1]):
        with pytest.raises(Mismatch, match="a Value"):
            compare()
    for use in (lambda: bool(a), lambda: np.sum(a), lambda: np.asarray(a)):
        with pytest.raises(Mismatch, match="a Value"):
            use()
    assert session.ask("operate", a._handle, ("eq",), [(4,)]) == [True]


def test_calling_indexing_and_length(engine):
    value, box = engine.Value(3.0), engine.Box()
    assert (value(2.0), value(2.0, scale=10)) == (6.0, 60.0)
    assert box[1:3, ..., None] == "(slice(1, 3, None), Ellipsis, None)"
    box["b"] = np.ones(2)
    assert box.inside["b"].tolist() == [1, 1]
    assert len(box) == 3


def test_an_answer_is_iterated_over_to_its_end_or_stopped(engine):
    assert list(engine.counted(2500)) == list(range(2500))
    with pytest.raises(Mismatch, match=f"more than {MOST_ELEMENTS} elements"):
        list(engine.endless())
    with pytest.raises(Raised, match="not iterable"):
        list(engine.make(1))


def test_keyword_arguments(engine):
    assert engine.keywords(1, y=3, z=np.float64(4)) == [1, 3, {"z": 4.0}]
    assert engine.keywords.map([(1,), (2,)], y=5) == [[1, 5, {}], [2, 5, {}]]


def test_arguments_changed_in_place_come_back_and_leave_the_checks_own_alone(session, engine):
    d, items, x = {"mode": "train"}, [1], np.zeros(2)
    assert engine.state(d, items, x) is None
    assert (d, items, x.tolist()) == ({"mode": "train"}, [1], [0, 0])
    assert session.changed.keys() == {0, 1, 2}
    assert session.changed[0] == {"mode": "train", "mean": 1}
    assert (session.changed[1], session.changed[2].tolist(), session.mutated) == ([1, 5], [1, 1], (0, 1, 2))
    engine.state(d, items=items, x=x)
    assert set(session.mutated) == {0, "items", "x"}  # a list, and what was given by name, is no exception
    assert engine.keywords(1) == [1, 2, {}]
    assert session.changed == {}


def test_a_value_that_is_kept_there_is_shared_by_calls(session, engine):
    d = session.ask("put", Handle(0, "value"), (), [({"mean": 0},)])[0]
    for _ in range(3):
        engine.state(d, [], np.zeros(1))
    assert d["mean"] == 3


def test_the_students_code_calls_a_function_of_the_checks(engine):
    assert engine.apply(lambda x: 10 * x, 2.0) == 21.0
    asked = []
    assert engine.apply(lambda value: asked.append(value) or 1.0, engine.Value(4.0)) == 2.0
    assert asked[0].data == 4.0  # after the call


def test_a_function_of_the_checks_cannot_be_called_for_ever_badly_or_late(engine):
    with pytest.raises(Mismatch, match=f"apply_much called double more than {MOST_ANSWERS} times"):
        engine.apply_much(double)
    with pytest.raises(Raised, match=r"apply_badly called double with arguments that it does not take: TypeError"):
        engine.apply_badly(double)
    with pytest.raises(Raised, match=r"apply_badly called a function that it was given .*take: TypeError: takes 1 "):
        engine.apply_badly(lambda x: x)

    def wrong(x: float) -> float:
        raise Mismatch("x should be 3")

    with pytest.raises(Mismatch, match="x should be 3"):
        engine.apply(wrong, 1.0)
    engine.keep(double)
    assert engine.late() == 2.0  # a later call of the same check


def test_who_swallows_a_refusal_is_stopped(session, engine):
    with pytest.raises(Crashed, match="kept calling double after it was refused"):
        engine.flood(double)
    session.limits = replace(LIMITS, call_wall=1)
    try:
        with pytest.raises((TimedOut, Crashed)):
            engine.flood(lambda x: time.sleep(0.01))
    finally:
        session.limits = LIMITS


def test_a_function_that_the_student_calls_asks_the_student_nothing(engine):
    assert engine.apply(lambda x: 3.0, engine.Value(1.0)) == 4.0
    for use in (lambda x: x.data, lambda x: x + 1, lambda x: x(1)):
        with pytest.raises(Mismatch, match="was given a Value, but expects numbers or arrays"):
            engine.apply(use, engine.Value(1.0))
    with pytest.raises(UsageError, match=r"test_language\.py:\d+: .*cannot call that code itself"):
        engine.apply(lambda x: engine.halved(x), 1.0)
    assert engine.halved(3.0) == 1.5


def test_an_object_of_a_process_that_ended_is_no_other_one(session, engine):
    old = engine.Value(1.0)
    session.renew()
    new = engine.Value(2.0)
    assert new is not old
    with pytest.raises(Raised, match="gone"):
        old.data  # noqa: B018
    assert new.data == 2.0


def test_another_function_of_the_students_is_an_argument(session, engine):
    assert engine.apply(engine.Value(5.0), 2.0) == 11.0  # one that is called
    assert engine.apply(engine.halved, 4.0) == 3.0
    session.begin(2)  # also in the first call of a check
    assert engine.apply(engine.halved, 4.0) == 3.0


def test_what_a_student_gives_in_place_of_a_number_is_the_students_mistake(engine):
    for what in ("function", "class", "method"):
        given = engine.gives(what)
        for use in (lambda v: v + 1, lambda v: v < 1, lambda v: np.ones(2) * v if not isinstance(v, Remote) else v < 1):
            with pytest.raises((Mismatch, Raised)):
                use(given)
    value = engine.make(1.0)
    with pytest.raises(Mismatch, match="a Value in the student's process"):
        np.array(value)
    assert engine.gives("none") is None


@pytest.mark.parametrize(
    "value", [{object(): 2}, {object()}, range(3), np.array([object()]), np.array(["text"]), object(), Module]
)
def test_what_does_not_travel_is_refused_with_file_and_line(engine, value):
    with pytest.raises(UsageError) as caught:
        engine.keywords(value)
    assert re.match(rf"{re.escape(__file__)}:\d+: a .* sent", str(caught.value))


def test_objects_of_a_process_that_has_ended_are_gone(session, engine):
    value = engine.Value(1.0)
    session.renew()
    with pytest.raises(Raised, match="the Value is gone with the process that held it"):
        value.data  # noqa: B018


def test_modules_of_a_package_import_each_other(session):
    assert Module(session, "net").same() is True


def test_what_a_call_costs_is_measured_outside_the_students_process(session, engine):
    quick, slow = (session.cost(lambda n=n: list(engine.counted(n))) for n in (1, 60_000))
    assert slow.cpu > 3 * quick.cpu > 0
    assert slow.peak >= 0


def test_tensors_travel_by_value():
    torch = pytest.importorskip("torch")
    section = Section("torch", {"m": "m.py"}, ("m.py",), needs=("torch",), memory=4 << 30)
    code = (
        b"import torch\n"
        b"def twice(x, *, mask=None):\n    assert mask is None or mask.dtype == torch.bool\n    return 2 * x\n"
        b"def inner(x):\n    x.add_(1)\n    return x.requires_grad\n"
    )
    with Session(section, Submission("s", {"m.py": code}, {}, ""), {"m.py": b""}, LIMITS, spawn) as session:
        session.begin(1)
        m = Module(session, "m")
        for dtype in (torch.float32, torch.float64, torch.int64, torch.uint8):
            found = m.twice(torch.ones(2, 3, dtype=dtype), mask=torch.tensor([True]))
            assert (found.dtype, found.shape, float(found.sum())) == (dtype, (2, 3), 12.0)
        assert m.inner(torch.zeros(2)) is False
        assert session.changed[0].tolist() == [1, 1]
        given = session.ask("put", Handle(0, "value"), (), [(torch.ones(2, requires_grad=True),)])[0]
        m.twice.kept(given).backward(torch.tensor([1.0, 3.0]))
        assert given.grad.tolist() == [2, 6]
        with pytest.raises(UsageError, match=r"test_language\.py:\d+: a tensor of torch\.bfloat16 cannot be sent"):
            m.twice(torch.ones(1, dtype=torch.bfloat16))


def test_a_forbidden_module_that_every_process_has_is_refused_where_a_students_file_imports_it():
    code = (
        b"import numpy as np\ndef f():\n    from heapq import heapify\n    return heapify\n"
        b"def g():\n    import os.path\n    return 1\n"
        b"def h():\n    return float(np.random.default_rng(1).normal())\n"
    )
    section = replace(SECTION, modules={"m": "m.py"}, submit=("m.py",), forbid=("heapq", "os", "math"))
    with Session(section, Submission("s", {"m.py": code}, {}, ""), {"m.py": b""}, LIMITS, spawn) as session:
        session.begin(1)
        for name, said in (("f", "f imports heapq, which this section forbids"), ("g", "g imports os, which")):
            with pytest.raises(Denied, match=said):
                getattr(Module(session, "m"), name)()
        assert isinstance(Module(session, "m").h(), float)  # numpy itself may import anything


def test_a_tensor_travels_with_its_gradient_and_says_whether_it_is_frozen():
    torch = pytest.importorskip("torch")
    section = Section("torch", {"m": "m.py"}, ("m.py",), needs=("torch",), memory=4 << 30)
    code = (
        b"import torch\n"
        b"def made():\n    net = torch.nn.Linear(2, 3)\n    net.weight.requires_grad = False\n"
        b"    net.bias.grad = torch.ones(3)\n    return net\n"
        b"def sgd(params, lr):\n    with torch.no_grad():\n        for p in params:\n            p -= lr * p.grad\n"
        b"def out():\n    return made()(torch.ones(1, 2))\n"
        b"def turned():\n    return torch.tensor([1 + 2j]).conj()\n"
        b"def sparse():\n    return torch.eye(2).to_sparse()\n"
    )
    with Session(section, Submission("s", {"m.py": code}, {}, ""), {"m.py": b""}, LIMITS, spawn) as session:
        session.begin(1)
        m = Module(session, "m")
        net = m.made()
        assert [parameter.requires_grad for parameter in net.parameters()] == [False, True]
        assert net.weight.grad is None
        assert net.bias.grad.tolist() == [1, 1, 1]
        w = torch.ones(2, requires_grad=True)
        w.grad = torch.ones(2)
        m.sgd([w], 0.5)
        assert session.changed[0][0].tolist() == [0.5, 0.5]
        assert not m.out().requires_grad  # it comes without its graph
        assert m.turned().tolist() == [1 - 2j]
        assert m.sparse().to_dense().tolist() == [[1, 0], [0, 1]]  # numpy has no such layout: it stays there


def test_nested_folders_are_laid_out_in_any_order():
    section = Section("numpy", {"a": "x/a.py", "b": "x/y/z/b.py", "c": "x/y/c.py"}, ("a.py",))
    handout = dict.fromkeys(section.modules.values(), b"def f(): return __name__\n")
    with Session(section, Submission("s", {}, {}, ""), handout, LIMITS, spawn) as session:
        session.begin(1)
        with pytest.raises(NotImplementedYet, match=r"a\.py"):
            Module(session, "a").f()
        assert [Module(session, name).f() for name in "bc"] == ["b", "c"]


def test_a_shim_of_the_instructors_is_found_before_all_else(tmp_path):
    homework = tmp_path / "homework"
    homework.mkdir()
    (homework / "loader.py").write_text("def load():\n    return 42\n")
    section = Section(
        "numpy", {"m": "m.py"}, ("m.py",), package=("homework_x", str(homework)), shims={"cs.data.loader": "loader.py"}
    )
    code = b"from cs.data.loader import load\nimport cs.data.loader as l\ndef f():\n    return load() + l.load()\n"
    with Session(section, Submission("s", {"m.py": code}, {}, ""), {"m.py": b""}, LIMITS, spawn) as session:
        session.begin(1)
        assert Module(session, "m").f() == 84
        assert not (Path(session.folder) / "code" / "cs").exists()


@pytest.mark.parametrize(
    "value",
    [
        {1, "a", (1, "b")},
        frozenset({b"x", frozenset({2.5})}),
        {("a", "b"): 2, None: 1, 1.5: {3}},
        [set(), {True: 0}],
    ],
    ids=["a set", "a frozenset", "keys", "an empty set"],  # repr would order elements by their hashes
)
def test_sets_and_keys_of_any_plain_kind_travel_both_ways(engine, value):
    assert engine.swap(value) == value
    assert repr(type(engine.swap(value))) in (repr(type(value)), "<class 'grader.sandbox.replies.Answered'>")


def test_a_set_that_is_changed_in_place_comes_back(session, engine):
    given = {1}
    engine.add_to(given)
    assert (given, session.changed[0]) == ({1}, {1, (1, "b")})


def test_an_argument_that_a_call_leaves_alone_is_as_it_was_given(session, engine):
    given = [1, 2]
    engine.keywords(given, y=3)
    assert (session.changed, session.changed[0], session.changed["y"]) == ({}, given, 3)
    with pytest.raises(UsageError, match=r"test_language\.py:\d+: the last call had no argument 7"):
        session.changed[7]


def test_what_a_check_sets_in_a_module_or_class_is_undone_for_the_next(session, engine):
    engine.RATE, engine.input, engine.Value.kind = 0.75, lambda prompt: prompt + "Ada", "new"
    assert (engine.settings(), engine.asks()) == ((0.75, "new"), "name? Ada")
    session.begin(4)
    assert engine.settings() == (0.5, None)
    with pytest.raises(Raised, match="asks raised EOFError"):
        engine.asks()


def test_what_a_call_prints_is_read_without_warnings_and_is_still_reported(session, engine):
    engine.says("one")
    engine.says("two")
    assert session.look("printed", ()) == session.look("printed", ()) == "two\n"
    engine.swap(1)
    assert session.look("printed", ()) == ""
    assert session.output().endswith("one\na warning\ntwo\na warning\n")


def test_what_a_call_raised_is_an_object_until_the_next_call(session, engine):
    with pytest.raises(NotImplementedYet, match="the last call raised no exception"):
        session.look("raised", ())
    with pytest.raises(KeyError):
        engine.fails()
    assert [session.look("raised", ()).code, session.look("printed", ())] == [7, ""]
    with pytest.raises(NotImplementedYet):  # `code` was asked since
        session.look("raised", ())


def test_what_is_typed_is_read_until_the_check_ends(session, engine):
    session.look("type", ("ada\nbob\né",))
    assert engine.read_all() == ["ada", "bob\n", "é"]
    session.look("type", ("eve",))
    session.begin(4)
    with pytest.raises(Raised, match="read_all raised EOFError"):
        engine.read_all()


def test_files_are_laid_and_read_where_the_students_code_runs(session, engine):
    session.look("put file", ("in/names.txt", b"ada"))
    engine.copies("in/names.txt", "out.txt")
    assert session.look("fetch file", ("out.txt",)) == b"ADA"
    with pytest.raises(NotImplementedYet, match=r"there is no file none\.txt: your code did not write it"):
        session.look("fetch file", ("none.txt",))


def test_an_iterator_of_the_students_is_asked_for_one_element_at_a_time(engine):
    numbers = engine.counted(2)
    assert [next(numbers), next(numbers), next(numbers, None)] == [0, 1, None]
    with pytest.raises(Mismatch, match="a generator gave no further element"):
        next(numbers)
    with pytest.raises(Raised, match=r"Box.s __next__ raised TypeError"):
        next(engine.Box())


def test_whether_an_object_has_an_attribute_can_be_asked(engine):
    value = engine.Value(1.0)
    assert (hasattr(value, "data"), hasattr(value, "nothing"), getattr(value, "nothing", 3)) == (True, False, 3)
    assert [hasattr(value, name) for name in ("__match_args__", "__array_interface__")] == [False, False]
    made = [hasattr(one, "__dataclass_fields__") for one in (engine.Point(2), engine.Point, value, engine.Value)]
    assert (made, list(engine.Point(2).__match_args__)) == ([True, True, False, False], ["x"])
    with pytest.raises(NotImplementedYet, match=r"^engine\.py defines no nothing$"):
        engine.nothing.more  # noqa: B018


def test_a_masked_array_is_no_plain_one_unless_nothing_is_masked(engine):
    masked, plain = engine.hidden()
    assert isinstance(masked, Remote)
    np.testing.assert_array_equal(masked.mask, [False, True])
    np.testing.assert_array_equal(plain, [1, 2])


def test_what_asks_the_object_itself_is_named(engine):
    value = engine.Value(1.0)
    for name, use in (("lt", lambda: value < 2), ("contains", lambda: 1 in value), ("eq", lambda: value == 2)):
        with pytest.raises(
            Mismatch, match=rf'a check that asks the object itself writes hw\.operate\("{name}", \.\.\.\)'
        ):
            use()


def test_the_classes_of_an_exception_are_told(engine):
    with pytest.raises(Raised) as caught:
        engine.fails()
    assert caught.value.kinds == ("micro.engine.Own", "KeyError", "LookupError", "Exception", "BaseException")


def test_a_generator_of_numbers_is_made_there(session, engine):
    one, other = (session.ask("generator", Handle(0, "Generator"), (), [(3,)])[0] for _ in range(2))
    np.testing.assert_array_equal(one.random(3), np.random.default_rng(3).random(3))
    np.testing.assert_array_equal(engine.swap(other).random(3), np.random.default_rng(3).random(3))


def test_an_answer_can_stay_there_whatever_it_is(session, engine):
    kept = engine.pair.kept(1, y=2)
    assert isinstance(kept, Remote)
    assert (kept.x, kept.y, kept[0], engine.swap(kept), session.changed) == (1, 2, 1, (1, 2), {})
    with pytest.raises(Raised, match=r"^fails raised Own"):
        engine.fails.kept()


def test_texts_hashes_and_whole_numbers_of_an_object_are_its_own(engine):
    one = engine.Temperature(2.5)
    assert (str(one), repr(one), f"{one:.2f}", f"{one}") == ("2.5 degrees", "Temperature(2.5)", "2.50!", "2.5!")
    assert (hash(one), list(reversed(one)), [5, 6, 7][one], bytes(one)) == (7, [2, 1], 7, b"warm")
    assert (divmod(one, 2), math.floor(one)) == ((1, 0.5), 2)
    assert (one.__doc__, engine.Temperature.__doc__, vars(one)) == ("Degrees.", "Degrees.", {"degrees": 2.5, "log": []})
    assert one.write("text") == "TEXT"
    colors = engine.Color
    assert ([one.name for one in colors], len(colors), colors["BLUE"].value) == (["RED", "BLUE"], 2, 2)
    with pytest.raises(Mismatch, match="not the student's make"):
        engine.make[0]


def test_an_object_is_of_a_class_and_can_be_neither_derived_from_nor_copied(engine):
    one = engine.Temperature(2.5)
    assert isinstance(one, engine.Temperature)
    assert not isinstance(one, engine.Value)
    assert not isinstance(3, engine.Value)
    assert issubclass(engine.Own, engine.Own)
    for use, word in (
        (lambda: copy.copy(one), "copied"),
        (lambda: copy.deepcopy(one), "copied"),
        (lambda: types.new_class("Mine", (engine.Value,)), "derive"),
    ):
        with pytest.raises(UsageError, match=rf"^{re.escape(__file__)}:\d+: .*{word}"):
            use()


def test_the_type_of_an_object_has_its_classs_name_and_tells_no_more(engine):
    one, other, box = engine.Temperature(2.5), engine.Temperature(1), engine.Box()
    assert type(one) is type(other) is type(engine.Posing(1))  # of one name
    assert type(one) is not type(box)
    assert (type(one).__name__, box.__class__.__name__, one.__doc__) == ("Temperature", "Box", "Degrees.")
    for use in (lambda: type(one)(3.0), lambda: type(one).degrees):
        with pytest.raises(UsageError, match=rf"^{re.escape(__file__)}:\d+: .*Temperature.* use isinstance$"):
            use()


def test_names_and_signatures_are_the_students(engine):
    one = engine.Temperature(2.5)
    assert {"write", "log", "degrees", "__enter__"} <= set(dir(one))
    assert {"Box", "make", "RATE"} <= set(dir(engine))
    assert "RED" in dir(engine.Color)
    with pytest.raises(Mismatch, match=r"^the names of a Temperature in the student's process are not texts$"):
        dir(engine.Posing(1))
    told = inspect.signature(engine.typed).parameters
    assert [str(one.kind) for one in told.values()] == [
        "POSITIONAL_OR_KEYWORD", "VAR_POSITIONAL", "KEYWORD_ONLY", "KEYWORD_ONLY", "VAR_KEYWORD"
    ]  # fmt: skip
    assert (told["y"].default, told["z"].default.degrees, told["x"].default) == (2.5, 1, inspect.Parameter.empty)
    assert (told["x"].annotation, told["y"].annotation) == ("int", "float")
    assert str(inspect.signature(one.write)) == "(text)"
    assert inspect.getfullargspec(engine.Temperature).args == ["degrees"]
    for bad in (one, engine.Posing(1)):
        with pytest.raises((TypeError, ValueError)):  # the latter in Python 3.13
            inspect.signature(bad)


def test_pythons_own_names_are_asked_of_the_object(engine):
    one, box = engine.Temperature(2.5), engine.Box()
    names = "__len__", "__getitem__", "__iter__", "__index__", "__enter__", "__call__"
    assert [[hasattr(made, name) for name in names] for made in (one, box)] == [
        [True, False, False, True, True, False],
        [True, True, False, False, False, False],
    ]
    assert (one.__len__(), one.__module__, engine.Temperature.__module__) == (2, "micro.engine", "micro.engine")
    assert str(inspect.signature(engine.Temperature.__init__)) == "(self, degrees)"
    assert engine.typed.__annotations__["y"] == "float"


def test_what_the_students_code_raises_is_that_exception_of_python_too(engine):
    with pytest.raises(KeyError, match=r"^fails raised Own"):
        engine.fails()
    for name, kind in (("decode", UnicodeDecodeError), ("invert", np.linalg.LinAlgError), ("read", JSONDecodeError)):
        with pytest.raises(kind, match=f"^breaks raised {kind.__name__}: "):
            engine.breaks(name)
    with pytest.raises(TypeError, match="not iterable") as caught:
        list(engine.make(1.0))
    assert isinstance(caught.value, Raised)
    with pytest.raises(FileNotFoundError) as absent:
        engine.copies("nowhere", "out.txt")
    with pytest.raises(SystemExit, match=r"called sys\.exit") as left:
        engine.leaves(3)
    for error, name in ((absent.value, "errno"), (left.value, "code")):
        with pytest.raises(AttributeError) as untold:  # None would be wrong; the student's own exception knows it
            getattr(error, name)
        assert (untold.value.name, untold.value.obj) == (name, error)


def test_an_object_is_entered_and_left_and_handles_no_verdict(engine):
    with engine.Temperature(1.0) as one:
        pass
    with one:
        raise KeyError("handled")
    with pytest.raises(Raised, match="Own"), one:
        engine.make(engine.fails())
    for verdict in (AssertionError("wrong"), Mismatch("wrong"), UsageError("wrong"), TimedOut("late")):
        with pytest.raises(type(verdict)), one:
            raise verdict
    assert one.log == ["in", None, "in", "KeyError", "in", "Exception"] + ["in"] * 4
    with pytest.raises(NotImplementedYet, match=r"^Box defines no __enter__$"), engine.Box():
        pass


def test_only_one_thread_asks(engine):
    with ThreadPoolExecutor(1) as pool, pytest.raises(UsageError, match=rf"{re.escape(__file__)}:\d+: .* one thread"):
        pool.submit(lambda: engine.make(1.0)).result()


def test_a_function_of_the_checks_has_its_name_in_the_students_code(engine):
    def slow(x: float) -> float:
        return x

    assert engine.wraps(slow).__name__ == "slow"


def test_what_a_function_of_the_checks_raises_is_raised_in_the_students_code(engine):
    def stop(x: float) -> float:
        raise ZeroDivisionError("enough")

    def claims(x: float) -> float:
        assert x > 5, "x has to be more than 5"
        return x

    def breaks(x: float) -> float:
        return x["key"]  # type: ignore[index, no-any-return]

    with pytest.raises(ZeroDivisionError, match="apply raised ZeroDivisionError: enough"):
        engine.apply(stop, 1.0)
    with pytest.raises(Mismatch, match="apply called claims: x has to be more than 5"):
        engine.apply(claims, 1.0)
    with pytest.raises(Raised, match="apply called breaks with arguments that it does not take"):
        engine.apply(breaks, 1.0)
