"""What one hand-in may cost: nothing that was stopped is tried again, and a submission has a budget of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.errors import Crashed, StudentError, TimedOut
from grader.grading import grade
from grader.loading import ROOT, load
from grader.model import Limits, Section, Submission, Verdict
from grader.sandbox import allowance
from grader.sandbox.allowance import BESIDE, LEAST_CALL, LEAST_WAIT, Allowance
from grader.sandbox.launch import Zygotes, spawn
from grader.sandbox.remote import Module
from grader.sandbox.session import Session
from grader.sandbox.worker import __main__ as worker
from grader.sandbox.worker import naps

pytestmark = pytest.mark.medium

FILES = {"layers": "net/layers.py", "network": "net/network.py", "train": "net/train.py"}
SECTION = Section("numpy", FILES, tuple(Path(path).name for path in FILES.values()))
LIMITS = Limits(call_cpu=0.5, call_wall=5, check_wall=20)
SAYS_ITS_NAME = "print('begun', __name__, flush=True)\n"


class Counted(Session):
    """A session that notes what it asked each process, and all that was printed there."""

    def __init__(self, *args: Any, **named: Any) -> None:
        self.subjects: list[str] = []
        self.printed = ""
        super().__init__(*args, **named)

    def carry_out(
        self, request: dict[str, Any], cpu: float, run_cpu: float, subject: str, *most_bytes: int
    ) -> list[Any]:
        self.subjects.append(subject)
        try:
            return super().carry_out(request, cpu, run_cpu, subject, *most_bytes)
        finally:
            self.printed += self.output()


@pytest.fixture
def opened():
    sessions = []

    def open_session(limits: Limits = LIMITS, **code: str) -> Counted:
        files = {f"{name}.py": textwrap.dedent(text).encode() for name, text in code.items()}
        handout = dict.fromkeys(FILES.values(), b"def f(): return 1\n")
        sessions.append(Counted(SECTION, Submission("s", files, {}, ""), handout, limits, spawn))
        sessions[-1].begin(1)
        return sessions[-1]

    yield open_session
    for session in sessions:
        session.close()


def end(session: Counted, module: str, function: str = "f") -> StudentError | None:
    """How a call ends, asked in a check of its own."""
    session.begin(1)
    try:
        getattr(Module(session, module), function)()
    except StudentError as error:
        return error
    return None


HANGS = {
    "loops": "while True: pass",
    "prints": "while True: print('x' * 1000)",
    "forks": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    "sleeps": "import time\ntime.sleep(1000)",
    "waits for a lock": "import threading\nthreading.Event().wait()",
    "dozes": "import time\nwhile True: time.sleep(0.09)",
    "computes without Python": "10 ** 10 ** 9",
}


@pytest.mark.parametrize("act", HANGS.values(), ids=HANGS)
def test_a_file_that_hung_at_import_is_not_tried_again(opened, act):
    session = opened(layers=SAYS_ITS_NAME + act, network="from layers import f\n", train="def f(): return 2\n")
    ends = [end(session, module) for module in ("layers", "layers", "network", "layers", "network")]
    assert [error.verdict for error in ends] == [Verdict.TIMEOUT] * 5
    assert {error.message for error in ends} == {ends[0].message}
    assert ends[0].message.startswith("the import of layers.py ")
    assert session.printed.count("begun layers") == 1
    assert end(session, "train") is None


def test_the_sentence_names_the_file_that_hung_and_not_the_one_that_imports_it(opened):
    session = opened(layers=SAYS_ITS_NAME + "while True: pass", network=SAYS_ITS_NAME + "import layers")
    ends = [end(session, module) for module in ("network", "layers", "network")]
    assert all(error.message.startswith("the import of layers.py used ") for error in ends)
    assert {error.where for error in ends} == {"layers.py:2"}
    assert (session.printed.count("begun layers"), session.printed.count("begun network")) == (1, 1)


def test_a_file_that_ends_its_process_at_import_is_not_tried_again(opened):
    session = opened(layers=SAYS_ITS_NAME + "import os; os._exit(3)")
    ends = [end(session, "layers") for _ in range(3)]
    assert [type(error) for error in ends] == [Crashed] * 3
    assert session.printed.count("begun") == 1


def test_a_word_of_the_students_that_a_file_was_stopped_is_no_fault_of_the_graders(opened):
    session = opened(layers="class StoppedError(ImportError): pass\nraise StoppedError('layers')")
    assert end(session, "layers").verdict is Verdict.RAISED


@pytest.mark.parametrize("act", HANGS.values(), ids=HANGS)
def test_an_endless_call_ends_that_functions_later_calls_and_no_others(opened, act):
    code = "def f():\n" + textwrap.indent(act, "    ") + "\ndef g():\n    return 1\n"
    session = opened(layers=code)
    ends = [end(session, "layers") for _ in range(4)]
    assert [error.verdict for error in ends] == [Verdict.TIMEOUT] * 4
    assert all("it is not tried again" in error.message for error in ends[1:])
    assert session.subjects.count("f") == 1
    assert end(session, "layers", "g") is None


FILLS = """
import time
def f(large):
    if large:
        until = time.process_time() + 0.4
        while time.process_time() < until: pass
        raise MemoryError
    return 1
def g():
    raise MemoryError
"""


def test_a_function_that_filled_its_memory_is_tried_again_with_little_time(opened):
    """Its next inputs may be smaller; where they are not, it ends as it did before, and for good."""
    session = opened(layers=FILLS)
    f, ends = Module(session, "layers").f, []
    for large in (True, False, True, False):
        session.begin(1)
        try:
            ends.append(f(large))
        except StudentError as error:
            ends.append(error)
    assert [getattr(end, "verdict", end) for end in ends] == [Verdict.MEMORY, 1, Verdict.MEMORY, Verdict.MEMORY]
    assert (ends[2].message, ends[2].where) == (ends[0].message, ends[0].where)
    assert ends[3].message == f"{ends[0].message}; it is not tried again"
    assert session.subjects.count("f") == 3
    assert session.allowance.for_calls(("layers", "g"), 1) == LEAST_CALL
    long = Allowance(Limits(call_cpu=10.0), filled=dict(session.allowance.filled))
    assert [long.for_calls(("layers", name), 1) for name in "fg"] == [LEAST_CALL, 3.0]


def test_memory_that_is_refused_at_once_costs_nothing_that_could_be_saved(opened):
    session = opened(layers=FILLS)
    ends = [end(session, "layers", "g") for _ in range(3)]
    assert [error.verdict for error in ends] == [Verdict.MEMORY] * 3
    assert session.subjects.count("g") == 3
    assert session.allowance.stopped == 0


RAISES = """
def f(right=False):
    if not right: raise ValueError("late")
def g(): return 1
def many(): return [[]] * 9
"""


def test_a_function_that_raises_late_is_tried_again_until_such_calls_have_used_their_time(opened, monkeypatch):
    monkeypatch.setattr(allowance, "LATE", -1.0)  # so every call is late
    session = opened(layers=RAISES)
    ends = [end(session, "layers") for _ in range(3)]
    assert {error.message for error in ends} == {"f raised ValueError: late"}
    session.allowance.failing = 0.0
    again = end(session, "layers")
    assert again.message == f"{ends[0].message}; it is not tried again"
    assert (again.verdict, again.where) == (Verdict.RAISED, "layers.py:3")
    assert not isinstance(again, ValueError)  # for a check that expects one, f would have to raise it now
    assert session.subjects.count("f") == 3
    assert end(session, "layers", "g") is None


def test_calls_that_each_raise_after_a_twentieth_of_a_second_have_an_end(opened):
    busy = "    end = time.process_time() + 0.05\n    while time.process_time() < end: pass\n"
    session = opened(layers=f"import time\ndef f():\n{busy}    raise ValueError('late')\n")
    session.allowance.failing = 0.2
    ends = [end(session, "layers") for _ in range(8)]
    assert [error.verdict for error in ends] == [Verdict.RAISED] * 8
    assert session.subjects.count("f") <= 5
    assert ends[-1].message == "f raised ValueError: late; it is not tried again"


@pytest.mark.parametrize("late", [True, False])
def test_a_function_that_raises_at_once_or_has_ended_well_is_always_tried(opened, monkeypatch, late):
    session = opened(layers=RAISES)
    session.allowance.failing = 0.0
    if late:
        monkeypatch.setattr(allowance, "LATE", -1.0)
        assert Module(session, "layers").f(True) is None
    assert {end(session, "layers").message for _ in range(3)} == {"f raised ValueError: late"}


ENDS_ITS_PROCESS = """
def f(): os._exit(1)
def g(): return 1
"""


def slow_import(seconds: float) -> str:
    busy = f"end = time.process_time() + {seconds}\nwhile time.process_time() < end: pass\n"
    return f"import os, time\n{SAYS_ITS_NAME}{busy}"


def test_a_function_that_ends_its_process_is_tried_again_until_the_imports_have_used_its_time(opened):
    session = opened(layers=slow_import(0.3) + ENDS_ITS_PROCESS)
    session.allowance.failing = 0.5
    ends = [end(session, "layers") for _ in range(5)]
    assert [type(error) for error in ends[:3]] == [Crashed] * 3
    assert ends[-1].message == f"{ends[0].message}; it is not tried again"
    assert ends[-1].verdict is Verdict.CRASH
    assert session.subjects.count("f") == 3
    assert end(session, "layers", "g") is None


def test_imports_share_a_budget_and_what_it_cuts_is_a_question(opened):
    session = opened(layers=slow_import(0.3) + ENDS_ITS_PROCESS)
    session.allowance.importing = 0.8
    assert end(session, "layers", "g") is None
    ends = [end(session, "layers") for _ in range(5)]
    assert session.printed.count("begun layers") == 3
    told = f"the {allowance.IMPORTS * 60:g} s of processor time of imports for this submission were used up"
    assert ends[-1].message == f"the import of layers.py was not tried: {told}"
    assert session.allowance.used_up


def test_a_process_that_a_check_restarts_takes_nothing_of_that_budget(opened):
    session = opened(layers=slow_import(0.2) + ENDS_ITS_PROCESS)
    assert end(session, "layers", "g") is None
    left = session.allowance.importing, session.allowance.failing
    session.renew()
    assert end(session, "layers", "g") is None
    assert (session.allowance.importing, session.allowance.failing) == left
    assert session.printed.count("begun layers") == 2
    assert type(end(session, "layers")) is Crashed
    assert end(session, "layers", "g") is None
    session.allowance.importing = 0.0  # used up by what the crash repeated
    session.renew()
    assert end(session, "layers", "g") is None
    assert session.allowance.importing == 0.0


def test_answers_that_take_long_to_read_share_that_time(opened, monkeypatch):
    monkeypatch.setattr(allowance, "LATE", -1.0)
    monkeypatch.setattr("grader.sandbox.session.MANY", 9)  # the reply of `g` has fewer
    session = opened(layers=RAISES)
    session.allowance.failing = 0.0
    assert [end(session, "layers", name) for name in ("g", "g", "many")] == [None] * 3
    again = end(session, "layers", "many")
    assert again.message == "many returned so many values that it takes long to read them; it is not tried again"
    assert again.verdict is Verdict.RAISED


def test_later_calls_get_less_of_the_limit_and_never_nothing():
    allowance = Allowance(Limits(call_cpu=5.0))
    given = []
    for number in range(40):
        given.append(allowance.for_calls(("layers", "f"), 1))
        allowance.calls["layers", str(number)] = TimedOut("")
    assert given[:3] == [5.0, 1.5, 0.75]
    assert given[-1] == LEAST_CALL
    assert sum(given[:20]) < 12.0


def test_a_file_that_hung_in_another_session_leaves_less_for_the_next_import():
    """Where a later item is graded again on right parts, a file may hang by what it still asks the student's own."""
    spent = Allowance(Limits(call_cpu=5.0), files={"net/layers.py": TimedOut("")})
    assert spent.for_again().for_import() == spent.for_import() == pytest.approx(1.5)
    assert spent.for_again().for_again().for_import() == pytest.approx(1.5)
    assert Allowance(Limits(call_cpu=5.0), calls={("layers", "f"): TimedOut("")}).for_again().for_import() == 5.0


def test_once_late_failures_have_used_their_time_each_new_function_gets_less():
    allowance = Allowance(Limits(call_cpu=5.0), late={("layers", "f"): StudentError("")})
    assert allowance.for_calls(("layers", "g"), 1) == 5.0
    allowance.failing = 0.0
    assert allowance.for_calls(("layers", "g"), 1) == pytest.approx(1.5)
    allowance.ended.add(("layers", "g"))
    assert allowance.for_calls(("layers", "g"), 1) == 5.0


def test_what_was_stopped_in_another_session_counts():
    assert Allowance(Limits(call_cpu=10.0), earlier=2).for_calls(("layers", "f"), 1) == 1.5


def test_what_was_stopped_in_another_session_takes_no_time_of_a_run(opened):
    busy = "import time\ndef f():\n    until = time.process_time() + 0.6\n    while time.process_time() < until: pass\n"
    session = opened(Limits(call_cpu=1.0), layers=busy)
    session.allowance.earlier = 40
    assert session.ask("call", "layers", ("f",), [()], run_cpu=0.1) == [None]
    assert end(session, "layers").verdict is Verdict.TIMEOUT


def test_calls_that_go_together_have_one_calls_time_until_the_function_has_ended_once():
    allowance = Allowance(Limits(call_cpu=10.0))
    assert allowance.for_calls(("layers", "f"), 30) == 10.0
    allowance.ended.add(("layers", "f"))
    assert [allowance.for_calls(("layers", "f"), count) for count in (1, 2, 30)] == [10.0, 20.0, 20.0]
    assert allowance.for_calls(("layers", "g"), 30) == 10.0


def test_a_run_that_was_stopped_leaves_less_for_the_next_one_and_ends_no_function(opened):
    session = opened(Limits(call_cpu=0.5), layers="def f():\n    while True: pass\n")
    assert session.allowance.for_calls(("train_run", "the run"), 1, run=True) == 1.0
    with pytest.raises(TimedOut):
        session.ask("call", "layers", ("f",), [()], run_cpu=0.1)
    assert (session.allowance.runs, session.allowance.calls) == (1, {})
    assert session.allowance.for_calls(("train_run", "the run"), 1, run=True) == LEAST_CALL


STORM = """
import threading
def work():
    while True: pass
for _ in range(4): threading.Thread(target=work, daemon=True).start()
def f(): return 1
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the time of each thread")
def test_threads_that_compute_beside_the_calls_have_an_end_and_are_a_question(opened):
    session = opened(layers=STORM)
    session.allowance.beside = 0.2
    ends = []
    while not session.allowance.used_up and len(ends) < 10_000:
        ends.append(end(session, "layers"))
    assert ends[0] is None
    told = f"the {BESIDE:g} s of processor time of threads beside the calls for this submission were used up"
    assert ends[-1].message == f"f was not tried: {told}"


def test_nothing_is_imported_once_the_time_is_used_up(opened):
    session = opened(layers=SAYS_ITS_NAME)
    session.allowance.beside = 0.0
    session.begin(1)
    with pytest.raises(TimedOut, match=r"the import of layers\.py was not tried"):
        session.bring("layers")
    assert session.subjects == []


def test_threads_that_wait_and_those_of_a_stopped_process_are_not_charged(opened):
    waits = (
        "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\ndef f(): return 1\n"
    )
    session = opened(layers=waits, network=STORM.replace("return 1", "\n    while True: pass"))
    session.allowance.beside = 0.2
    assert [end(session, "layers") for _ in range(30)] == [None] * 30
    assert end(session, "network").verdict is Verdict.TIMEOUT
    assert [end(session, "layers") for _ in range(30)] == [None] * 30


def test_a_runs_own_threads_are_not_charged(opened):
    session = opened(layers=STORM)
    session.ask("call", "layers", ("f",), [()], run_cpu=0.1)
    left = session.allowance.beside
    assert [end(session, "layers") for _ in range(30)] == [None] * 30
    assert session.allowance.beside == left


def test_the_one_that_answers_does_not_wait_long_for_its_turn(opened):
    session = opened(layers="import sys\ndef f(): return sys.getswitchinterval()\n")
    session.begin(1)
    assert Module(session, "layers").f() == pytest.approx(worker.SWITCH)


def test_all_calls_of_a_submission_share_a_budget_which_training_runs_do_not_touch(opened):
    busy = "import time\ndef f():\n    until = time.process_time() + 0.3\n    while time.process_time() < until: pass\n"
    session = opened(Limits(call_cpu=5, submission_cpu=1.0), layers=busy)
    for _ in range(10):  # as long as it takes
        session.ask("call", "layers", ("f",), [()], run_cpu=1.0)
    ends = [end(session, "layers") for _ in range(6)]
    assert ends[:3] == [None] * 3
    assert ends[-1].verdict is Verdict.TIMEOUT
    assert ends[-1].message == "f was not tried: the 1 s of processor time for this submission were used up"
    assert session.subjects.count("f") - 10 == ends.index(next(filter(None, ends)))


def test_what_a_budget_cuts_is_a_question_for_a_person():
    homework = load(ROOT / "grader" / "homework")
    homework = replace(homework, rubric=replace(homework.rubric, limits=Limits(submission_wall=1e-9)))
    submission = Submission("s", {"functions.py": b"def f1(): return 1\n"}, {}, "")
    report = grade(submission, homework, seed=1, only=["1.1"])
    check = report.checks[-1]
    assert check.verdict is Verdict.TIMEOUT
    assert "time on the clock for this submission" in check.message
    assert "submission_wall" in report.needs_review[0]


def test_a_nap_in_right_work_costs_nothing(opened):
    session = opened(layers="import time\ndef f():\n    time.sleep(2.5)\n    return 1\n")
    assert [end(session, "layers") for _ in range(2)] == [None, None]


def test_naps_of_one_process_take_a_few_seconds_in_all(opened):
    """They are full ones at first. The last ones take no time, but for what a busy machine adds."""
    code = "import time\ndef f():\n    began = time.time()\n    time.sleep(0.4)\n    return time.time() - began\n"
    session = opened(layers=code)
    slept = [session.ask("call", "layers", ["f"], [()])[0] for _ in range(30)]
    assert min(slept[:4]) >= 0.4
    assert min(slept[-10:]) < 0.4


def test_a_nap_is_cut_shorter_once_those_seconds_are_used_up():
    taken = []
    own = naps.Naps(20.0)
    own.slept = taken.append
    for _ in range(10):
        own.allow(20.0)
        own.sleep(0.5)
        own.sleep(0.2)
    assert sum(taken[:10]) > 2
    assert taken[-2:] == [naps.SHORTEST] * 2
    assert sum(taken) < naps.IN_ALL + 0.1


def test_what_is_graded_again_has_what_is_left_and_knows_what_was_stopped():
    spent = Allowance(Limits(call_cpu=10.0), calls={("layers", "f"): TimedOut("")})
    spent.cpu, spent.wall, spent.waiting, spent.beside, spent.failing = 1.0, 2.0, 3.0, 4.0, 5.0
    spent.importing = 6.0
    rest = spent.for_again()
    assert (rest.cpu, rest.wall, rest.waiting, rest.beside, rest.failing) == (1.0, 2.0, 3.0, 4.0, 5.0)
    assert rest.importing == 6.0
    assert (rest.stopped, rest.calls) == (1, {})


def test_the_sentence_on_a_call_that_waits_tells_no_0_seconds(opened):
    code = "".join(f"def f{n}(): threading.Event().wait()\n" for n in range(3))
    session = opened(layers=f"import threading\n{code}")
    ends = [end(session, "layers", f"f{n}") for n in range(3)]
    said = r"f\d took longer than (\S+) s without computing and was stopped: does it sleep\?"
    assert all(float(re.fullmatch(said, error.message)[1]) >= LEAST_WAIT for error in ends)


def test_calls_that_each_wait_a_little_have_an_end(opened, monkeypatch):
    """By another way than time.sleep, and each for less than a call may wait."""
    monkeypatch.setattr(allowance, "WAITING", 1.0)
    session = opened(layers="import select\ndef f():\n    select.select([], [], [], 0.4)\n    return 1\n")
    session.allowance.waiting = 1.0
    ends = [end(session, "layers") for _ in range(6)]
    assert ends[:2] == [None] * 2
    assert ends[-1].message == "f was not tried: the 1 s of waiting without computing for this submission were used up"


def test_a_busy_machine_is_not_mistaken_for_a_sleeper(opened):
    """Eight processes that want each core: the student's gets little, and is never seen to wait."""
    busy = "import time\ndef f():\n    until = time.process_time() + 0.4\n    while time.process_time() < until: pass\n"
    session = opened(Limits(call_cpu=5, call_wall=60, check_wall=90), layers=busy)
    command = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(command) for _ in range(8 * len(os.sched_getaffinity(0)))]
    try:
        assert end(session, "layers") is None
    finally:
        for other in others:
            other.kill()
            other.wait()


def test_what_the_grader_keeps_waiting_does_not_sleep(opened):
    """The check's own function takes its time while the student's code waits for it."""
    session = opened(layers="def f(ask):\n    return ask()\n")
    session.begin(1)
    assert Module(session, "layers").f(lambda: time.sleep(1.5)) is None


def test_a_large_answer_that_is_read_slowly_does_not_sleep(opened):
    session = opened(layers="import numpy as np\ndef f():\n    return np.ones(4_000_000)\n")
    session.begin(1)
    assert Module(session, "layers").f().sum() == 4e6


def test_two_submissions_know_nothing_of_each_others_hangs():
    """What one submission was stopped for is no other's."""
    with Zygotes() as zygotes:
        for code, ends in (("while True: pass", TimedOut), ("def f(): return 1", None)):
            submission = Submission("s", {"layers.py": code.encode()}, {}, "")
            with Counted(SECTION, submission, {}, LIMITS, zygotes.launch(SECTION)) as session:
                error = end(session, "layers")
                assert type(error) is (ends or type(None))
