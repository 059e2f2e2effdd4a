"""A session: what student code can return, print, hide and break, and what the grader then holds in its hands."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import traceback
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from grader.errors import (
    Crashed,
    Denied,
    Mismatch,
    NotImplementedYet,
    OutOfMemory,
    Raised,
    TimedOut,
    Undecided,
    UsageError,
)
from grader.handout import OWN, ROOT, pristine
from grader.model import Limits, Section, Submission
from grader.rubric import load
from grader.sandbox import process
from grader.sandbox.driven import Driven
from grader.sandbox.launch import Zygote, spawn
from grader.sandbox.process import READ, compressed
from grader.sandbox.remote import Module, Remote, each, write_parameters
from grader.sandbox.replies import MOST_FUNCTIONS, student_error
from grader.sandbox.session import Session, without_end
from grader.sandbox.worker.__main__ import blamed
from grader.sandbox.worker.wire import Handle

pytestmark = pytest.mark.medium

SECTION = Section(
    "numpy",
    {"functions": "backprop/functions.py", "layers": "neuralnet/layers.py"},
    ("functions.py", "layers.py"),
    {"forward": (1,)},
    ("torch", "colorsys"),  # colorsys is there on every machine
)
LIMITS = Limits(call_cpu=1, call_wall=10, check_wall=40, memory=1 << 30, output=1000)


@pytest.fixture
def handout() -> dict[str, bytes]:
    stubs = dict.fromkeys(SECTION.modules.values(), b"def stub(): return None\n")
    return stubs | {"backprop/backprop-data.pkl": b"public, but no business of the worker's"}


@pytest.fixture(scope="module", params=["spawn", "zygote"])
def launch(request):
    if request.param == "spawn":
        yield spawn
    elif not hasattr(os, "fork"):
        pytest.skip("this system has no fork")
    else:
        with Zygote() as zygote:
            yield zygote.fork


@pytest.fixture
def student(handout, launch):
    sessions = []

    def open_session(code: str, limits: Limits = LIMITS) -> Module:
        files = {"layers.py": textwrap.dedent(code).encode()}
        sessions.append(Session(SECTION, Submission("s", files, {}, ""), handout, limits, launch))
        sessions[-1].begin(1)
        return Module(sessions[-1], "layers")

    yield open_session
    for session in sessions:
        session.close()
        assert not session.folder.exists()


def session_of(module: Module) -> Session:
    return module._session


def test_an_answer_of_a_derived_class_is_told_but_in_a_check_with_a_run(student):
    layers = student("class Stack(list): pass\ndef f(): return Stack([1])")
    session = session_of(layers)
    assert (layers.f(), session.reduced) == ([1], True)
    session.ask("put", Handle(0, "value"), (), [(1,)], run_cpu=1.0)
    assert (layers.f(), session.reduced, session.driven) == ([1], False, True)
    session.begin(1)
    assert (session.reduced, session.driven) == (False, False)


def test_how_long_a_busy_machine_kept_a_run_from_computing_is_counted_from_its_beginning(student, monkeypatch):
    session = session_of(student("def f(): return 1"))
    seconds = {session.process.child.pid: 5.0}
    monkeypatch.setattr(process, "delay", seconds.__getitem__)
    run = Driven(session, Handle(1, "Run"), "the run")
    assert (session.delayed(), run.delayed()) == (5.0, 0.0)
    seconds[session.process.child.pid] = 7.5
    assert run.delayed() == 2.5
    session.stop()
    assert session.delayed() == 0.0


def test_arrays_come_back_exact_and_input_changes_are_told(student):
    layers = student("def f(x):\n    x += 1\n    return x.T\ndef g(x):\n    return x")
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(layers.f(x), (x + 1).T)
    np.testing.assert_array_equal(x, np.arange(6.0).reshape(2, 3))
    assert session_of(layers).mutated == (0,)
    layers.g(x)
    assert session_of(layers).mutated == ()


def test_a_cache_stays_behind_and_comes_back_as_the_same_object(student):
    layers = student("""
        class Cache: pass
        kept = []
        def forward(x):
            kept.append(Cache())
            return x, kept[-1]
        def same(cache): return cache is kept[-1]
    """)
    _, cache = layers.forward(1.0)
    assert isinstance(cache, Remote)
    assert layers.same(cache) is True


def test_objects_are_driven_by_their_methods_and_written_in_place(student):
    layers = student("""
        import numpy as np
        class Net:
            def __init__(self, n): self.w = np.ones(n)
            def parameters(self): return {"w": self.w}
            def total(self): return self.w.sum()
            @classmethod
            def load(cls, n): return cls(int(n))
    """)
    net = layers.Net(3)
    np.testing.assert_array_equal(write_parameters(net, {"w": np.array([1.0, 2.0, 4.0])})["w"], [1, 2, 4])
    np.testing.assert_array_equal(net.parameters()["w"], [1, 2, 4])
    assert net.total() == 7.0
    assert layers.Net.load("5").total() == 5.0


def test_many_calls_in_one_round_trip(student):
    layers = student("def f(a, b):\n    return a / b")
    assert layers.f.map([(6, 3), (1, 4)]) == [2.0, 0.25]
    with pytest.raises(Raised, match="ZeroDivisionError") as caught:
        layers.f.map([(1, 1), (1, 0), (1, 2)])
    assert caught.value.where == "layers.py:2"


NET = """
    import numpy as np
    class Net:
        def __init__(self, n): self.w = np.ones(n)
        def parameters(self): return {"w": self.w}
    def none(n): return None
    def step(net, x):
        net.w += x
        return x * 2
    class Broken(Net):
        def parameters(self): return {"w": self.v}
    class Endless(Net):
        def parameters(self):
            while True: pass
    class Without: pass
"""


def test_a_method_that_follows_a_call_is_asked_in_the_same_round_trip(student):
    layers = student(NET)
    net, parameters = layers.Net.then("parameters")(2)
    assert isinstance(net, Remote)
    np.testing.assert_array_equal(parameters["w"], [1, 1])
    before = session_of(layers).process.count
    doubled, after = layers.step.then("parameters", of=net)(net, 3.0)
    assert doubled == 6.0
    np.testing.assert_array_equal(after["w"], [4, 4])
    assert session_of(layers).process.count == before + 1
    assert [call.path for call in session_of(layers).trace.calls] == [
        ("Net",),
        ("parameters",),
        ("step",),
        ("parameters",),
    ]


def test_arrays_are_written_before_a_method_that_follows_is_asked(student):
    layers = student(NET)
    net, held = layers.Net.then("parameters", writing={"w": np.array([5.0, 6.0])})(2)
    np.testing.assert_array_equal(held["w"], [5, 6])
    np.testing.assert_array_equal(net.parameters()["w"], [5, 6])
    made, wrote, *_ = session_of(layers).trace.calls
    assert (made.op, wrote.op, wrote.path) == ("call", "write", ("parameters",))
    np.testing.assert_array_equal(wrote.args[0]["w"], [5, 6])
    told = r"^parameters returned something that cannot be graded: no array .* can be written into its 'other'"
    with pytest.raises(Raised, match=told):
        layers.Net.then("parameters", writing={"other": np.zeros(2)})(2)


def test_names_that_are_tuples_travel_and_are_written_to(student):
    layers = student(
        "import numpy as np\n"
        "HELD = {(1, 'w'): np.zeros(2), ('1', 'w'): np.ones(2), 'plain': np.zeros(1)}\n"
        "class Net:\n"
        "    def parameters(self): return HELD\n"
        "def nested(): return {((1, 2), 3): 0.0, (print, 1): 1}\n"
    )
    net, held = layers.Net.then("parameters")()
    assert list(held) == [(1, "w"), ("1", "w"), "plain"]
    after = write_parameters(net, {(1, "w"): np.array([3.0, 4.0]), "plain": np.array([5.0])})
    np.testing.assert_array_equal(after[1, "w"], [3, 4])
    np.testing.assert_array_equal(after["1", "w"], [1, 1])
    np.testing.assert_array_equal(after["plain"], [5])
    assert isinstance(layers.nested(), Remote)  # it stays there


def test_what_is_no_object_has_no_method_that_follows(student):
    assert student(NET).none.then("parameters")(2) == (None, None)


def test_a_change_of_an_argument_is_told_when_a_method_follows(student):
    layers = student(NET + "    def change(x): x += 1; return Net(1)\n")
    layers.change.then("parameters")(np.zeros(2))
    assert session_of(layers).mutated == (0,)


def test_a_method_that_follows_and_raises_is_named(student):
    layers = student(NET)
    with pytest.raises(Raised, match=r"^parameters raised AttributeError") as caught:
        layers.Broken.then("parameters")(2)
    assert caught.value.where == "layers.py:11"
    calls = session_of(layers).trace.calls
    assert [(call.path, call.error) for call in calls] == [(("Broken",), None), (("parameters",), caught.value)]
    with pytest.raises(NotImplementedYet, match="Without defines no parameters"):
        layers.Without.then("parameters")()


def test_where_a_process_ends_both_calls_are_named(student):
    with pytest.raises(TimedOut, match=r"^Endless or parameters (used|took)") as caught:
        student(NET).Endless.then("parameters")(2)
    assert caught.value.where == "layers.py:14"


SEVERAL = (
    NET
    + """
    class Counter:
        def __init__(self, at): self.at = at
        def up(self, by):
            if by < 0: raise ValueError(by)
            self.at += by
            return self.at
        def parameters(self): return {"at": self.at}
        def up_to(self, most):
            if most > 99: raise MemoryError
            while self.at != most: self.at += 1
            return self.at
"""
)


def called(module):
    return [call for call in session_of(module).trace.calls if call.op == "call"]


def test_a_method_of_several_objects_is_asked_in_one_round_trip(student):
    layers = student(SEVERAL)
    made = list(each([(layers.Counter.then("parameters"), (at,)) for at in (1, 10)]))
    assert [held for _, held in made] == [{"at": 1}, {"at": 10}]
    (one, _), (ten, _) = made
    calls = [(ten.up, (2,)), (one.up, (3,)), (ten.up, (4,))]
    before = session_of(layers).process.count
    assert list(each(calls)) == [12, 4, 16]
    assert session_of(layers).process.count == before + 1
    calls = [(one.up.then("parameters", of=one), (1,)), (one.up.then("parameters", of=ten), (1,))]
    assert list(each(calls)) == [(5, {"at": 5}), (6, {"at": 16})]
    told = called(layers)[-4:]
    assert [(call.owner.id, call.path) for call in told] == [
        (one._handle.id, ("up",)),
        (one._handle.id, ("parameters",)),
        (one._handle.id, ("up",)),
        (ten._handle.id, ("parameters",)),
    ]


def test_of_calls_that_are_asked_together_those_before_one_that_fails_are_judged_first(student):
    layers = student(SEVERAL)
    counter = layers.Counter(0)
    answers = each([(counter.up, (by,)) for by in (1, 2, -1, 3)])
    assert [next(answers), next(answers)] == [1, 3]
    with pytest.raises(Raised, match=r"^up raised ValueError: -1$") as caught:
        next(answers)
    assert [(call.args, call.error) for call in called(layers)[1:]] == [
        ((1,), None),
        ((2,), None),
        ((-1,), caught.value),
    ]
    assert counter.parameters() == {"at": 3}


def test_where_calls_that_are_asked_together_end_the_process_no_answer_of_it_is_judged(student):
    layers = student(SEVERAL)
    counter = layers.Counter(0)
    with pytest.raises(TimedOut, match=r"^up_to used|^up_to took"):
        next(each([(counter.up_to, (3,)), (counter.up_to, (-1,))]))
    with pytest.raises(TimedOut, match="not tried again"):
        next(each([(layers.Counter(0).up_to, (3,))]))


def test_where_memory_runs_out_nothing_is_judged_of_the_process_that_is_ended_then(student):
    counter = student(SEVERAL).Counter(0)
    with pytest.raises(OutOfMemory, match=r"^up_to asked for more memory"):
        next(each([(counter.up_to, (3,)), (counter.up_to, (100,))]))


def test_functions_of_several_names_are_not_asked_together(student):
    counter = student(SEVERAL).Counter(0)
    with pytest.raises(UsageError, match=r"test_session\.py:\d+: functions that are asked together need one name"):
        next(each([(counter.up, (1,)), (counter.parameters, ())]))
    with pytest.raises(UsageError, match="what follows follows each"):
        next(each([(counter.up, (1,)), (counter.up.then("parameters"), (1,))]))


def test_no_calls_ask_nothing_and_each_module_of_several_has_to_be_there(student):
    layers = student("def f(x): return x")
    functions = Module(session_of(layers), "functions")
    assert layers.f(7) == 7
    before = session_of(layers).process.count
    assert list(each([])) == []
    with pytest.raises(NotImplementedYet, match=r"functions\.py is not in this submission"):
        next(each([(module.f, (1,)) for module in (layers, functions)]))
    assert session_of(layers).process.count == before


def test_an_answer_before_a_failing_one_knows_what_its_own_call_changed(student):
    layers = student("def f(x):\n    x += 1\n    if x[0] > 5: raise ValueError\n    return x.sum()")
    layers.f(np.zeros(1))
    answers = each([(layers.f, (np.zeros(2),)), (layers.f, (np.full(2, 9.0),))])
    assert next(answers) == 2
    np.testing.assert_array_equal(session_of(layers).changed[0], [1, 1])


def test_what_is_not_a_number_and_stays_so_is_no_change(student):
    layers = student("def f(a, b):\n    b[0] = 1.0\n    return a")
    nothing = np.array([np.nan, 2.0, np.inf])
    layers.f(nothing, nothing)
    assert session_of(layers).mutated == (1,)


def test_what_any_of_many_calls_changed_is_told(student):
    layers = student("def f(a, b):\n    if a[0]: b += 1\n    return a")
    layers.f.map([(np.ones(2), np.zeros(2)), (np.zeros(2), np.zeros(2))])
    assert session_of(layers).mutated == (1,)
    layers.f.map([(np.zeros(2), np.zeros(2))])
    assert session_of(layers).mutated == ()


def test_a_subclass_that_lies_arrives_as_what_it_is_made_of(student):
    layers = student("""
        import numpy as np
        class Yes(np.ndarray):
            def __eq__(self, other): return True
            def __array_ufunc__(self, *a, **k): return 0.0
            def tobytes(self, *a): return b""
        class One(float):
            def __eq__(self, other): return True
            def __sub__(self, other): return 0.0
        def array(): return np.array([1.0, 2.0]).view(Yes)
        def number(): return One(3.0)
        def scalar(): return np.float32(0.5)
    """)
    assert type(layers.array()) is np.ndarray
    np.testing.assert_array_equal(layers.array(), [1, 2])
    assert type(layers.number()) is float
    assert layers.number() != 4.0
    assert type(layers.scalar()) is float


@pytest.mark.parametrize(
    "line",
    [
        "import torch",
        "import torch.nn as nn",
        "__import__('torch')",
        "import importlib; importlib.import_module('torch')",
        "import colorsys",
        "exec('from colorsys import *')",
        "import sys; sys.meta_path[:] = sys.meta_path[1:]; import colorsys",
    ],
)
def test_a_forbidden_library_is_denied_however_it_is_imported(student, line):
    layers = student(f"def f():\n    {line}")
    with pytest.raises(Denied, match="forbids") as caught:
        layers.f()
    assert caught.value.where == "layers.py:2"


def test_a_guarded_forbidden_import_costs_nothing_and_is_told(student):
    layers = student("try:\n    import torch\nexcept ImportError:\n    torch = None\ndef f(): return 1")
    assert layers.f() == 1
    assert session_of(layers).attempts() == ["layers.py:2 imports torch, which this section forbids"]


def test_a_stray_import_of_an_absent_package_raises_only_when_used(student):
    layers = student("import sklearn.metrics, cv2\ndef f(): return 1\ndef g(): return cv2.resize(1, 2)")
    assert layers.f() == 1
    with pytest.raises(Raised, match=r"cv2.* is not installed"):
        layers.g()


def test_validation_is_set_aside_where_scikit_learn_is_absent(student):
    layers = student(
        "from sklearn.model_selection import KFold, train_test_split\n"
        "def f(): return train_test_split(range(8), test_size=2, shuffle=False)\ndef g(): return KFold(5)"
    )
    assert layers.f() == [[0, 1, 2, 3, 4, 5], [6, 7]]
    with pytest.raises(Raised, match=r"KFold is used here, but sklearn is not installed"):
        layers.g()


def test_a_misspelt_import_of_ones_own_is_no_stand_in(student):
    with pytest.raises(Raised, match="No module named 'layer'") as caught:
        student("from layer import f").f()
    assert caught.value.where == "layers.py:1"


# Bytes of its own on every pipe that can be written: the channel is one of them.
FORGE = (
    "import os, fcntl; "
    "[os.write(n, b'x' * 40) for n in range(3, 9) if os.path.exists(f'/proc/self/fd/{n}') and fcntl.fcntl(n, 3) & 1]"
)


@pytest.mark.parametrize(
    ("code", "error", "sentence", "where"),
    [
        ("import os; os._exit(0)", Crashed, "exit code 0", ""),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", Crashed, "SIGTERM", ""),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", Denied, "a system call", "layers.py:2"),
        ("import ctypes; ctypes.string_at(0)", Crashed, "SIGSEGV", "layers.py:2"),
        ("import os; os.closerange(3, 64)", Crashed, "process|channel", ""),
        ("import sys; sys.exit()", Raised, r"sys\.exit", "layers.py:2"),
        ("while True: pass", TimedOut, "processor time", "layers.py:2"),
        ("import time; time.sleep(60)", TimedOut, "longer than", "layers.py:2"),
        ("import numpy; return numpy.ones(1 << 29)", OutOfMemory, "memory", "layers.py:2"),
        ("return f()", Raised, "RecursionError", "layers.py:2"),
        ("return input()", Raised, "EOFError: it asks someone to type", "layers.py:2"),
        ("import pdb; pdb.set_trace()", Raised, "BdbQuit: it stops in a debugger", r"(layers\.py:2)?"),
        (
            "exec(compile('raise SystemExit', 'pdb.py', 'exec'))",
            Raised,
            "BdbQuit: it stops in a debugger",
            "layers.py:2",
        ),
        ("breakpoint(); raise ValueError('after it')", Raised, "ValueError: after it", "layers.py:2"),
        ("raise NotImplementedError", NotImplementedYet, "not implemented", "layers.py:2"),
        (FORGE, Crashed, "channel", r"(layers\.py:2)?"),  # it may have returned by the time that it is asked
    ],
)
def test_an_end_has_its_verdict_and_the_next_call_a_new_process(student, code, error, sentence, where):
    layers = student(f"def f():\n    {code}\ndef fine(): return 7")
    with pytest.raises(error, match=sentence) as caught:
        layers.f()
    assert re.fullmatch(where, caught.value.where)
    session_of(layers).begin(2)
    assert layers.fine() == 7


@pytest.mark.parametrize("ended", ["os._exit(1)", "os.kill(os.getpid(), signal.SIGSEGV)", "time.sleep(60)"])
def test_a_process_that_is_killed_from_outside_is_told_from_one_that_ends_itself(student, ended):
    layers = student(f"import os, signal, time\ndef f():\n    {ended}\ndef fine(): return 7")
    session = session_of(layers)
    if "sleep" in ended:
        assert layers.fine() == 7
        threading.Timer(0.2, os.kill, (session.process.child.pid, signal.SIGKILL)).start()
        with pytest.raises(Undecided, match=r"f was killed .SIGKILL., as a system short of memory does"):
            layers.f()
        assert session.killed
        session.begin(2)
    else:
        with pytest.raises(Crashed):
            layers.f()
    assert not session.killed


def test_what_a_container_has_no_memory_for_is_a_question_and_no_loss(student):
    code = """
    import time, numpy
    def fill(n): kept = numpy.ones(n); time.sleep(2); return 1
    def ok(): return 2
    """
    layers = student(code, replace(LIMITS, resident=300 << 20))
    assert layers.fill(1 << 20) == 1
    with pytest.raises(Undecided, match=r"needs more than the 300 MiB .* the homework allows 1024 MiB"):
        layers.fill(50 << 20)
    assert layers.ok() == 2


def test_a_process_that_is_stopped_here_was_not_killed_from_outside(student):
    layers = student("def f():\n    while True: pass")
    with pytest.raises(TimedOut):
        layers.f()
    assert not session_of(layers).killed


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only what a process has now is known here")
def test_a_sections_own_memory_goes_before_the_rubrics(handout, launch):
    more = replace(SECTION, memory=3 << 30)
    files = {"layers.py": b"def f():\n    import numpy\n    return numpy.empty(3 << 26).shape[0]\n"}
    with Session(more, Submission("s", files, {}, ""), handout, LIMITS, launch) as session:
        session.begin(1)
        assert Module(session, "layers").f() == 3 << 26  # 1.5 GiB of addresses


def test_torchs_own_words_for_no_memory_are_not_shown():
    text = (
        "[enforce fail at alloc_cpu.cpp:115] . DefaultCPUAllocator: can't allocate memory: you tried to allocate "
        "25690112 bytes. Error code 12 (Cannot allocate memory)"
    )
    told = student_error({"kind": "memory", "text": text}, "the training run").message
    assert told == "the training run asked for more memory than it may have: 24 MiB at once"


def test_the_most_memory_is_known_also_of_a_process_that_was_ended(student):
    layers = student("""
        def f(): return len(bytearray(b"x") * (200 << 20))
        def end():
            kept = bytearray(b"x") * (300 << 20)
            while True: pass
    """)
    session = session_of(layers)
    layers.f()
    assert 200 << 20 < session.memory() < 300 << 20
    session.renew()
    assert 200 << 20 < session.memory() < 300 << 20
    session.begin(2)
    with pytest.raises(TimedOut):
        layers.end()
    assert session.memory() > 300 << 20
    session.begin(3)
    assert session.memory() == 0  # no process yet


FORGED = {
    "an array for its number": "{**reply, 'id': np.array([reply['id'], 2])}",
    "no whole number": "{**reply, 'id': float(reply['id'])}",
    "an infinite position": "{**reply, 'changed': [float('inf')]}",
    "one position": "{**reply, 'changed': 3}",
    "no values": "{**reply, 'values': []}",
    "a text of values": "{**reply, 'values': '1'}",
    "two values for one call": "{**reply, 'values': [1, 1]}",
    "an error after the last answer": "{**reply, 'error': {'kind': 'absent'}}",
    "an array of values": "{**reply, 'values': np.ones(1)}",
    "an error that is none": "{**reply, 'values': [], 'error': np.ones(2)}",
    "attempts that are none": "{**reply, 'tried': {'a': 1}}",
    "a list": "[reply]",
    "nothing": "None",
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED.keys())
def test_a_forged_reply_is_the_students_crash_and_no_fault_of_ours(student, forged):
    layers = student(f"""
        import numpy as np
        import grader.sandbox.worker.__main__ as worker
        def f():
            write = worker.write_frame
            worker.write_frame = lambda stream, reply: write(stream, {forged})
            return 1
        def fine(): return 7
    """)
    with pytest.raises(Crashed, match="channel"):
        layers.f()
    assert layers.fine() == 7


def test_a_flood_of_differences_is_cut(student):
    layers = student("""
        import grader.sandbox.worker.__main__ as worker
        def f():
            write = worker.write_frame
            worker.write_frame = lambda stream, reply: write(stream, {**reply, 'differences': [('g', 1, 1)] * 9999})
            return 1
    """)
    assert layers.f() == 1
    assert len(session_of(layers).differences) == MOST_FUNCTIONS


def test_what_calls_of_one_request_leave_is_told_together(student):
    """Changed arguments of each, and the answers before the first that cannot be sent, even if a later one can."""
    layers = student("""
        class Odd(float):
            def __float__(self): raise ValueError("odd")
        def f(x, y, at):
            (x, y)[at][0] = 7
            return Odd(1) if at else 2.0
    """)
    x, y = np.zeros(1), np.zeros(1)
    with pytest.raises(Raised, match="odd"):
        layers.f.map([(x, y, 0), (x, y, 1), (x, y, 0)])
    session = session_of(layers)
    assert (session.answers, session.mutated, x[0]) == ([2.0], (0, 1), 0)


def test_a_trace_has_the_calls_as_they_were_made_and_none_of_too_many(student, monkeypatch):
    layers = student("""
        def f(x): return x
    """)
    batches = [[1.0], [2.0]]
    session = session_of(layers)
    session.ask("call", "layers", ["f"], batches)
    batches[0][0] = 5.0
    assert [call.args for call in session.trace.calls] == [(1.0,), (2.0,)]
    monkeypatch.setattr("grader.sandbox.trace.COUNT", 4)
    layers.f(3.0)
    assert session.trace.calls == []


def test_what_a_student_began_to_trace_ends_with_the_call(student):
    """It would slow all that the process does later, which may cost it its time."""
    layers = student("""
        import sys
        def watch(): sys.settrace(lambda *a: None); sys.setprofile(lambda *a: None)
        def f(): return sys.gettrace() is None, sys.getprofile() is None
        def g(): watch(); return f()
        def h(): watch(); raise ValueError
        watch()
    """)
    assert [layers.f(), layers.g(), layers.f()] == [(True, True), (False, False), (True, True)]
    with pytest.raises(Raised, match="h raised ValueError"):
        layers.h()
    assert layers.f() == (True, True)


def test_a_forged_length_is_the_students_mistake(student):
    layers = student("""
        import grader.sandbox.worker.operate as operate
        operate.OPERATORS["len"] = lambda mine: "many"
        class Box:
            def __len__(self): return 3
        def box(): return Box()
    """)
    for value in (layers.box(), layers.Box):
        with pytest.raises(Mismatch, match="the length of a Box is not a whole number"):
            len(value)


def test_an_exception_that_cannot_be_described_is_one_and_no_end_of_the_process(student):
    layers = student("""
        class Meta(type):
            def __getattribute__(cls, name):
                raise ValueError(name)
        class E(Exception, metaclass=Meta): pass
        def f():
            raise E
        def fine(): return 7
    """)
    with pytest.raises(Raised, match=r"f raised an exception: \(its message cannot be shown\)"):
        layers.f()
    assert layers.fine() == 7


NAMES_A_FILE = """
    import linecache
    class Lines(list):
        def __getitem__(self, at): return None
    def endless(): exec(compile("raise ValueError('here')", "/dev/zero", "exec"))
    def lying():
        linecache.cache[__file__] = (1, None, Lines("abcdefghij"), __file__)
        raise ValueError("here")
    def long(): exec(compile("raise ValueError('here')", __file__ + "x" * 10**6, "exec"))
    def longer(): raise SyntaxError("here", ("x" * 10**6, "y" * 10**6, 1, ""))
"""


@pytest.mark.parametrize(
    ("function", "where"),
    [
        ("endless", "layers.py:5"),
        ("lying", "layers.py:8"),
        ("long", f"layers.py{'x' * 71}:1"),
        ("longer", f"{'x' * 80}:{'y' * 20}"),
    ],
)
def test_where_an_exception_was_raised_needs_no_file_and_takes_no_room(student, function, where):
    layers = student(NAMES_A_FILE)
    with pytest.raises(Raised, match=f"^{function} raised .*Error: here$") as caught:
        getattr(layers, function)()
    assert caught.value.where == where
    assert session_of(layers).carried < 5000


def test_an_argument_that_grew_beyond_what_can_be_sent_is_no_end_of_the_process(student):
    layers = student("""
        import grader.sandbox.worker.wire as wire
        wire.MAX_FRAME = 1 << 20
        def f(x): x.resize((400, 400), refcheck=False)
    """)
    with pytest.raises(Raised, match="f returned something that cannot be graded: 1 MB in one frame"):
        layers.f(np.zeros(3))


def test_answers_that_together_are_too_many_values_end_with_the_first_for_which_there_is_no_room(student):
    layers = student("""
        import grader.sandbox.worker.__main__ as worker
        worker.MAX_NODES = 50
        def f(n): return [[]] * n
    """)
    assert layers.f(1) == [[]]
    with pytest.raises(Raised, match="f returned something that cannot be graded: more than 50 values in one frame"):
        layers.f.map([(30,), (10,), (30,), (1,)])
    assert session_of(layers).answers == [[[]] * 30, [[]] * 10]
    assert layers.f(30) == [[]] * 30


def test_an_answer_whose_parts_are_shared_on_many_levels_is_not_sent_again_and_again(student):
    layers = student("""
        def pairs(last):
            for _ in range(60): last = last, last
            return last
        def itself():
            made = []
            made += [made, made]
            return made
        def rows(levels):
            answer = [[[0.5, 1.0]] * 2] * 500
            for _ in range(levels): answer = [answer]
            return answer
    """)
    for answer in (layers.pairs(1.0), layers.pairs({}), layers.itself()):
        while isinstance(answer, tuple | list):
            assert len(answer) == 2
            answer = answer[0]
        assert isinstance(answer, Remote)
    assert session_of(layers).read() < 20_000
    assert layers.rows(0) == [[[0.5, 1.0]] * 2] * 500
    assert layers.rows(4)[0][0][0][0][499] == [[0.5, 1.0]] * 2


def test_an_array_without_elements_and_with_huge_sides_is_a_wrong_answer(student):
    layers = student("import numpy as np\ndef f(): return np.empty((0, 2**40))\n")
    with pytest.raises(Raised, match=r"cannot be graded: an array of shape \(0, 1099511627776\) cannot be sent"):
        layers.f()


def test_an_answer_that_no_memory_is_left_to_send_is_told_as_that(student):
    layers = student("""
        import grader.sandbox.worker.__main__ as worker
        def f():
            write = worker.write_frame
            def full(stream, reply):
                worker.write_frame = write
                raise MemoryError
            worker.write_frame = full
        def fine(): return 7
    """)
    with pytest.raises(OutOfMemory):
        layers.f()
    assert layers.fine() == 7


def test_a_process_that_reads_no_more_cannot_hold_the_grader(student):
    """What waits in the pipe is more than it takes."""
    layers = student("""
        import os, signal, threading, time
        def f():
            threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGSTOP)).start()
        def g(x): return time.sleep(1)
    """)
    layers.f()
    with pytest.raises(TimedOut):
        layers.g(np.zeros(1 << 20))


def test_what_nobody_asked_for_is_not_read(student):
    layers = student("""
        import threading
        import grader.sandbox.worker.__main__ as worker
        def f():
            write = worker.write_frame
            def flood(stream, reply):
                write(stream, reply)
                for n in range(50):
                    write(stream, bytes(1 << 20))
                    open(str(n), 'w').close()
            worker.write_frame = flood
            return 1
    """)
    assert layers.f() == 1
    time.sleep(0.3)
    assert list((session_of(layers).folder / "scratch").iterdir()) == []


def test_a_file_that_cannot_be_imported_says_where(student):
    with pytest.raises(Raised, match=r"layers\.py cannot be imported: it raised SyntaxError") as caught:
        student("x = 1\ndef f(:\n").f()
    assert caught.value.where == "layers.py:2"


def test_what_is_missing_is_not_implemented(student):
    layers = student("x = 1")
    with pytest.raises(NotImplementedYet, match=r"layers\.py defines no softmax_loss"):
        layers.softmax_loss(1)
    with pytest.raises(NotImplementedYet, match=r"functions\.py is not in this submission"):
        Module(session_of(layers), "functions").f1(1)


def test_prints_are_captured_and_capped_and_no_channel(student):
    layers = student(
        "def f():\n    print('hello')\n    return 1\ndef flood():\n    print('x' * 10_000_000)\n    return 2"
    )
    assert layers.f() == 1
    assert session_of(layers).output() == "hello\n"
    assert layers.flood() == 2
    text = session_of(layers).output()
    assert len(text) < LIMITS.output + 100
    assert "9999001 characters more" in text


def test_an_error_names_a_file_by_its_path_in_the_handout(student):
    layers = student("def f():\n    raise ImportError(f'cannot import name g from {__file__}')")
    with pytest.raises(
        Raised, match=r"f raised ImportError: cannot import name g from neuralnet/layers\.py$"
    ) as caught:
        layers.f()
    assert str(caught.value) == caught.value.message


def test_what_was_printed_before_a_loop_is_kept(student):
    layers = student("def f():\n    print('step 1')\n    while True: pass")
    with pytest.raises(TimedOut):
        layers.f()
    assert session_of(layers).output() == "step 1\n"


def test_random_numbers_depend_on_the_check_alone(student):
    layers = student("import random, numpy as np\ndef f(): return random.random(), float(np.random.rand())")
    session = session_of(layers)
    session.begin(5)
    first = layers.f()
    layers.f()
    session.begin(5)
    assert layers.f() == first


def test_the_worker_sees_no_environment_of_ours_and_no_fixture(student, monkeypatch):
    monkeypatch.setenv("GRADER_SECRET", "s3cret")
    layers = student(
        "import os, sys\ndef env(): return dict(os.environ)\ndef files():\n"
        "    return [n for _, _, names in os.walk(os.path.dirname(os.path.dirname(__file__))) for n in names]"
    )
    assert "GRADER_SECRET" not in layers.env()
    assert sorted(layers.files()) == ["functions.py", "layers.py"]


@pytest.mark.parametrize(
    ("line", "act"),
    [
        ("import subprocess; subprocess.Popen(['sleep', '60'])", "started a process"),
        ("import os; os.system('true')", "started a process"),
        ("import os; os.fork()", "started a process"),
        ("import socket; socket.socket()", "opened a network socket"),
        ("import socket; socket.create_connection(('127.0.0.1', 9))", "network"),
    ],
)
def test_an_act_that_no_homework_needs_is_denied_and_named(student, line, act):
    layers = student(f"def f():\n    {line}")
    with pytest.raises(Denied, match=act) as caught:
        layers.f()
    assert caught.value.where == "layers.py:2"


LIBRARY, IMPORT = "/lib/plots.py", "<frozen importlib._bootstrap>"


@pytest.mark.parametrize(
    ("below", "where"),
    [
        ([], "layers.py:7"),
        ([(IMPORT, 1, "_find_and_load")], "layers.py:7"),  # it imports what is forbidden
        ([(LIBRARY, 3, "fetch")], "layers.py:7"),  # it asks a library to
        ([(IMPORT, 1, "_call_with_frames_removed"), (LIBRARY, 3, "<module>"), (LIBRARY, 9, "fonts")], ""),
    ],
)
def test_an_act_is_the_students_but_what_a_library_does_while_it_is_imported_is_nobodys(below, where):
    frames = [("/worker.py", 1, "<module>"), ("/session/code/layers.py", 7, "<module>"), *below]
    stack = traceback.StackSummary.from_list([(*frame, "") for frame in frames])
    assert blamed(stack, "/session/code") == where
    assert blamed(traceback.StackSummary.from_list([(*frames[0], "")]), "/session/code") == ""


def test_a_swallowed_refusal_is_told_all_the_same(student):
    layers = student("import os\ndef f():\n    try:\n        os.fork()\n    except OSError:\n        return 1")
    assert layers.f() == 1
    layers.f()
    assert session_of(layers).attempts() == ["layers.py:4 started a process, which this section forbids"]


def test_nothing_survives_a_session(handout, launch):
    with Session(
        SECTION, Submission("s", {"layers.py": b"def f(): return 1"}, {}, ""), handout, LIMITS, launch
    ) as session:
        session.begin(1)
        Module(session, "layers").f()
        assert session.process is not None
        pid = session.process.child.pid
        assert psutil.pid_exists(pid)
    assert not psutil.pid_exists(pid)


def test_a_renewed_session_keeps_what_was_printed(student):
    layers = student("import os\ndef pid():\n    print('here')\n    return os.getpid()")
    first = layers.pid()
    session_of(layers).renew()
    assert layers.pid() != first
    assert session_of(layers).output() == "here\nhere\n"


def test_one_process_finds_what_the_one_before_it_wrote_and_no_more_of_it(student):
    layers = student(
        "import random\nfrom pathlib import Path\nkept = []\ndef write():\n    kept.append(1)\n"
        "    Path('a.txt').write_text('here')\n    return random.random()\n"
        "def found():\n    return [kept, [path.read_text() for path in Path().glob('*')]]\n"
        "def draw():\n    return random.random()\n"
    )
    session = session_of(layers)
    drawn = layers.write()
    session.renew(keep_files=True)
    assert layers.draw() == drawn  # from the check's seed, in each process
    assert layers.found() == [[], ["here"]]
    session.renew()
    assert layers.found() == [[], []]
    layers.write()
    session.renew(keep_files=True)
    session.begin(2)  # another check finds nothing
    assert layers.found() == [[], []]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_what_files_tell_is_what_they_hold_compressed(tmp_path):
    assert compressed(tmp_path) == 0
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "zeros").write_bytes(bytes(100_000))
    assert 0 < compressed(tmp_path) < 1000
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "random").write_bytes(os.urandom(5000))
    told = compressed(tmp_path)
    assert told > 5000
    (tmp_path / "large").write_bytes(os.urandom(2 * READ))
    assert told < compressed(tmp_path) < 1.1 * READ
    (tmp_path / "large").unlink()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "folder" / "random")
    assert compressed(tmp_path) == told


def test_a_training_run_reads_its_images_and_can_write_none(launch):
    """The file behind the images is found, as hostile code would find it, and opened for writing."""
    net = b"""
import gc, numpy as np
class TwoLayerNet:
    def __init__(self, *sizes): self.w = np.zeros(3)
    def parameters(self): return {'w': self.w}
    def predict(self, X): return np.zeros(len(X), int)
"""
    step = b"""
import gc, numpy as np
def training_step(model, X, y, reg):
    if reg:
        names = {each.filename for each in gc.get_objects() if isinstance(each, np.memmap)}
        for name in names:
            open(name, 'r+b').write(b'x')
    return X.sum(), {'w': np.ones(3)}
"""
    modules = {"train": "neuralnet/train.py", "two_layer_net": "neuralnet/two_layer_net.py"}
    files = ("train.py", "two_layer_net.py")
    section = Section("numpy", modules, files, drivers=("train_run",), package=("grader.homework", str(OWN)))
    submission = Submission("s", {"train.py": step, "two_layer_net.py": net}, {}, "")
    arrays = {"X": np.ones((6, 3072), np.uint8), "y": np.zeros(6, int), "validation": np.ones((2, 3072), np.uint8)}
    settings = {"hidden_dim": 1, "batch_size": 4, "num_epochs": 1, "learning_rate": 0.1, "reg": 0}
    order = {"seed": 1, "settings": settings, "sample": 6, "arguments": []}
    with Session(section, submission, pristine(ROOT, load(OWN / "rubric.yaml")), LIMITS, launch) as session:
        session.begin(1)
        run = session.drive("train_run", order, arrays, key="6", seconds=10)
        reply = run.advance(1.0)
        assert reply["losses"].sum() == pytest.approx(6 * 3072 / 255)
        assert reply["predictions"]["validation"].tolist() == [0, 0]
        assert run.used() >= 0
        np.testing.assert_allclose(run.tell("parameters")["w"], [-0.2] * 3, rtol=1e-6)
        hostile = session.drive("train_run", {**order, "settings": settings | {"reg": 1}}, arrays, key="6", seconds=10)
        if "fs=landlock" in session.held:
            with pytest.raises(Denied, match=r"opened .*npy"):
                hostile.advance(1.0)


@pytest.mark.parametrize("seed", [0, 3, 5])
def test_modules_in_nested_folders_are_laid_out_whatever_the_hash_seed(tmp_path, seed):
    """A set of folders comes in another order for another seed."""
    code = (
        "import sys; from pathlib import Path; from grader.model import Section, Submission; "
        "from grader.sandbox.setup import lay_out; root = Path(sys.argv[1]); "
        "paths = {name: f'{name}/m_{len(name)}.py' for name in ('a', 'a/b', 'a/b/c', 'd/e', 'd')}; "
        "handout = dict.fromkeys(paths.values(), b''); (root / 'to').mkdir(); "
        "lay_out(Section('s', paths, ()), Submission('s', {}, {}, ''), handout, root / 'to'); "
        "print(len(list((root / 'to').rglob('*.py'))))"
    )
    environment = os.environ | {"PYTHONHASHSEED": str(seed)}
    words = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(words, env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("5", 0), done.stderr


def test_calls_of_one_round_trip_have_a_calls_time_each(student):
    """Each of three takes two thirds of what one call may use. Before it has ended once, they share a call's time."""
    slow = """
    import time
    def forward(x):
        end = time.process_time() + 0.65
        while time.process_time() < end:
            pass
        return x
    """
    limits = replace(LIMITS, call_cpu=1, call_wall=60, check_wall=60)
    layers = student(slow, limits)
    assert layers.forward(0) == 0
    assert layers.forward.map([(1,), (2,), (3,)]) == [1, 2, 3]
    with pytest.raises(TimedOut, match="used 1 s of processor time"):
        student(slow, limits).forward.map([(1,), (2,), (3,)])


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("reads /srv/place/gra", "reads (grader)"),
        ("reads /srv/pla", "reads (grader)"),
        ("reads /srv/pl", "reads /srv/pl"),
        ("/srv/place/grader/x is read", "/srv/place/grader/x is read"),
    ],
)
def test_a_path_that_is_cut_at_the_end_of_a_line_is_no_path(line, shown):
    assert without_end(line, "/srv/place/grader/x") == shown


def test_no_path_of_the_graders_stays_in_what_was_printed():
    folder = Path("/srv/scratch/of-one")
    printed = (
        f"{folder}/code/layers.py\n{folder}/output\n{ROOT}/grader/check.py\nreads {str(folder)[:-3]}\n... and 9 more"
    )
    shown = Session.as_handed_out(SimpleNamespace(folder=folder), printed)
    assert shown == "layers.py\n(grader)/output\n(grader)/grader/check.py\nreads (grader)\n... and 9 more"


def test_an_interrupt_while_the_folder_is_made_leaves_none(monkeypatch, tmp_path):
    def interrupted(path: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("grader.sandbox.session.os.path.realpath", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Session(SECTION, Submission("s", {}, {}, ""), {}, Limits(), spawn)
    assert list(tmp_path.iterdir()) == []
