"""What one bad hand-in costs a class, kind by kind: python tests/benchmarks/hostile.py [--kind PART] [--most SECONDS]

Each kind is graded alone, with the rubric's own limits, as a class is: in processes that are forked. The table shows
the seconds on the clock and of CPU, how many processes were started, and how the checks ended. Data are read before the
clock starts. Exits with 1 where a kind takes longer than `--most` (15 s).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from grader.data import datasets  # noqa: E402
from grader.grading import grade  # noqa: E402
from grader.loading import load  # noqa: E402
from grader.model import Submission  # noqa: E402
from grader.sandbox.launch import Zygotes  # noqa: E402
from grader.sandbox.session import Session  # noqa: E402

SECTION_1 = ("1", "2", "3", "4.1")
STARRED = {path.name: path for path in (ROOT / "reference").rglob("*.py")}
FILES = ("functions.py", "layers.py", "two_layer_net.py", "train.py")

ACTS = {  # what a file or a function does instead of ending
    "loops": "while True: pass",
    "prints": "while True: print('x' * 10**6)",
    "writes": "import os\nwhile True: os.write(1, b'x' * 10**6)",
    "forks": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    "sleeps": "import time; time.sleep(10**6)",
    "waits for a lock": "import threading; threading.Event().wait()",
    "dozes": "import time\nwhile True:\n    time.sleep(0.09); until = time.process_time() + 0.007\n"
    "    while time.process_time() < until: pass",
    "counts to a huge power": "10 ** 10 ** 10",
    "computes in threads": "import threading\ndef work():\n    while True: pass\n"
    "for _ in range(30): threading.Thread(target=work, daemon=True).start()\nwork()",
    "allocates": "import numpy as np\nheld = []\nwhile True: held.append(np.ones(1 << 20))",
    "allocates and forgets": "import numpy as np\nwhile True: np.ones(1 << 26)",
    "swallows its end": "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "blocks signals": "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass",
    "searches a text": "import re; re.match('(a|a)*b', 'a' * 60)",
    "copies a list into itself": "held = []\nwhile True: held.append(held[:])",
    "recurses": "def deep(n): return deep(n + 1) + deep(n + 1)\nwhile True:\n    try: deep(0)\n"
    "    except RecursionError: pass",
    "makes files": "import itertools\nfor n in itertools.count(): open(f'f{n}', 'w').close()",
}
SLOW = {  # what ends, but late, or goes on behind what it should do
    "threads that compute": "import threading\ndef work():\n    while True: pass\n"
    "for _ in range(30): threading.Thread(target=work, daemon=True).start()",
    "threads that multiply": "import threading, numpy as np\ndef work(a=np.ones((500, 500))):\n    while True: a @ a\n"
    "for _ in range(30): threading.Thread(target=work, daemon=True).start()",
    "half a second": "import time\nuntil = time.process_time() + 0.5\nwhile time.process_time() < until: pass",
    "naps of half a second": "import select\nselect.select([], [], [], 0.5)",
    "threads that compute, as many as there can be": "import threading\ndef work():\n    while True: pass\n"
    "for _ in range(30):\n    try: threading.Thread(target=work, daemon=True).start()\n    except RuntimeError: break",
    "a hundred files": "for n in range(100): open(f'f{n}', 'w').close()",
    "a mebibyte of output": "print('x' * 10**6)",
    "an exception of a gibibyte": "raise ValueError('x' * (1 << 30))",
    "an exception behind 300,000 others": "last = None\nfor n in range(300_000):\n    new = ValueError(n)\n"
    "    new.__cause__, last = last, new\nraise last",
    "a trace": "import sys\ndef trace(*_):\n    sum(range(1000))\n    return trace\nsys.settrace(trace)",
}
ANSWERS = {  # of layers.py, instead of right ones
    "pairs of pairs, 60 deep": "value = 1.0\nfor _ in range(60): value = value, value\nreturn value",
    "a tree of 65,536 leaves": "def tree(n): return (tree(n - 1), tree(n - 1)) if n else 1.0\nreturn tree(16)",
    "a list that holds itself": "value = []\nvalue += [value, value]\nreturn value",
    "200,000 lists": "return [[] for _ in range(200_000)]",
    "200,000 objects": "return [object() for _ in range(200_000)]",
}
PLACES = {  # what of a two_layer_net.py acts beside functions: code behind the file
    "__init__": "_init = TwoLayerNet.__init__\ndef _acting(self, *args, **named):\n    _act()\n"
    "    _init(self, *args, **named)\nTwoLayerNet.__init__ = _acting",
    "save": "TwoLayerNet.save = lambda self, path: _act()",
    "load": "TwoLayerNet.load = classmethod(lambda kind, path: _act())",
    "predict": "TwoLayerNet.predict = lambda self, X: _act()",
    "parameters": "TwoLayerNet.parameters = lambda self: _act()",
    "a property": "TwoLayerNet.W1 = property(lambda self: _act(), lambda self, value: None)",
    "__getattribute__": "TwoLayerNet.__getattribute__ = lambda self, name: _act()",
    "__del__": "TwoLayerNet.__del__ = lambda self: _act()",
    "atexit": "import atexit\natexit.register(_act)",
    "__reduce__": "TwoLayerNet.__reduce__ = lambda self: _act()",
    "__repr__": "class _Loss(float):\n    __repr__ = __str__ = __float__ = lambda self: _act()\n"
    "_forward = TwoLayerNet.forward\nTwoLayerNet.forward = lambda self, X: (_Loss(1), _forward(self, X)[1])",
    "__array__": "class _Array:\n    __array__ = __len__ = __iter__ = lambda self, *args, **named: _act()\n"
    "_forward = TwoLayerNet.forward\nTwoLayerNet.forward = lambda self, X: (_Array(), _forward(self, X)[1])",
    "a module's __getattr__": "def __getattr__(name): _act()",
    "an exception's __str__": "class _Error(Exception):\n    __str__ = lambda self: _act()\n"
    "def _raise(*args):\n    raise _Error\nTwoLayerNet.forward = TwoLayerNet.backward = _raise",
}
STEP = "            loss.backward()"
# A file's functions and methods, each of which acts before it does what it should.
WRAPPED = """
def _act():
{act}
def _acting(function):
    def act(*args, **named):
        if {when}:
            _act()
        return function(*args, **named)
    return act
for _name, _value in list(globals().items()):
    if type(_value) is type(_act) and _name not in ("_act", "_acting", "main") and _value.__module__ == __name__:
        globals()[_name] = _acting(_value)
    elif type(_value) is type and _value.__module__ == __name__:
        for _method, _function in list(vars(_value).items()):
            if type(_function) is type(_act):
                setattr(_value, _method, _acting(_function))
"""

SECOND = "_calls.append(1) or len(_calls) > 1"
LARGE = "any(getattr(value, 'size', 0) > 500 for value in args)"


@dataclass(frozen=True)
class Kind:
    """A hand-in: what stands before and behind the reference's files, or a notebook's cells, and what is graded."""

    name: str
    files: dict[str, bytes]
    only: tuple[str, ...] = SECTION_1


def kinds() -> Iterator[Kind]:
    for act, code in ACTS.items():
        yield Kind(f"layers.py {act} at import", section_1({"layers.py": code}))
        yield Kind(f"every file {act} at import", section_1(dict.fromkeys(FILES, code)))
        calls = {name: WRAPPED.format(act=indented(code), when="True") for name in FILES}
        yield Kind(f"every function {act}", section_1({}, calls))
        yield Kind(f"softmax_loss {act}", section_1({}, {"layers.py": of("softmax_loss", code)}))
    for act in ("loops", "sleeps"):
        code = ACTS[act]
        for function in ("f3", "fc_forward", "relu_backward", "l2_regularization", "training_step"):
            file = next(name for name in FILES if f"def {function}(" in STARRED[name].read_text(encoding="utf-8"))
            yield Kind(f"{function} {act}", section_1({}, {file: of(function, code)}))
        second = {name: f"_calls = []\n{WRAPPED.format(act=indented(code), when=SECOND)}" for name in FILES}
        yield Kind(f"every second call {act}", section_1({}, second))
        wide = {name: WRAPPED.format(act=indented(code), when=LARGE) for name in FILES}
        yield Kind(f"every function {act} on large inputs", section_1({}, wide))
        for place, rest in PLACES.items():
            behind = f"def _act():\n{indented(code)}\n{rest}\n"
            yield Kind(f"{place} of TwoLayerNet {act}", section_1({}, {"two_layer_net.py": behind}))
    for act, code in SLOW.items():
        calls = {name: WRAPPED.format(act=indented(code), when="True") for name in FILES}
        yield Kind(f"every call has {act}", section_1({}, calls))
        yield Kind(f"every import has {act}", section_1(dict.fromkeys(FILES, code)))
    for answer, code in ANSWERS.items():
        yield Kind(f"softmax_loss answers {answer}", section_1({}, {"layers.py": of("softmax_loss", code)}))
    for act in ("loops", "sleeps", "dozes"):
        large = WRAPPED.format(act=indented(ACTS[act]), when="len(args) > 1 and len(args[1]) > 20")
        yield Kind(f"training_step {act} on large batches", section_1({}, {"train.py": large}), ("4.2", "4.3"))
    light = (
        "import time\ntime.sleep(0.09); until = time.process_time() + 0.007\nwhile time.process_time() < until: pass"
    )
    light = WRAPPED.format(act=indented(light), when="len(args) > 1 and len(args[1]) > 20")
    yield Kind("training_step takes naps, and falls", section_1({}, {"train.py": light}), ("4.2", "4.3"))
    for act, code in ACTS.items():
        yield Kind(
            f"part1.ipynb {act} before it trains", notebook(("import torch\n", f"import torch\n{code}\n")), ("5",)
        )
        step = f"{STEP}\n{indented(indented(indented(code)))}"
        yield Kind(f"part1.ipynb {act} in a step", notebook((f"{STEP}\n", step)), ("5",))
        yield Kind(f"part2.ipynb {act}", pretrained(code), ("6",))
    code, trains = ACTS["loops"], ("import torch\n", f"import torch\n{ACTS['loops']}\n")
    both = notebook(trains) | pretrained(code)
    yield Kind("both notebooks loop", both, ("5", "6"))
    yield Kind("all of it loops", section_1(dict.fromkeys(FILES, code)) | both, ("1", "2", "3", "4", "5", "6"))
    nap = f"            import threading; threading.Event().wait(0.09)\n{STEP}"
    yield Kind("part1.ipynb takes naps in each step", notebook((STEP, nap)), ("5",))


def section_1(before: dict[str, str], behind: dict[str, str] | None = None) -> dict[str, bytes]:
    behind = behind or {}
    found = {}
    for name in FILES:
        text = STARRED[name].read_text(encoding="utf-8")
        start = text.index("\n\n", text.index('"""', 3)) if name in before else 0
        found[name] = f"{text[:start]}\n{before.get(name, '')}\n{text[start:]}\n{behind.get(name, '')}".encode()
    return found


def of(function: str, code: str) -> str:
    """Code that makes one function of a file act."""
    return f"\n_right = {function}\ndef {function}(*args):\n{indented(code)}\n    return _right(*args)\n"


def indented(code: str) -> str:
    return "".join(f"    {line}\n" for line in code.splitlines())


def notebook(*changes: tuple[str, str]) -> dict[str, bytes]:
    spec = importlib.util.spec_from_file_location("build", ROOT / "tests" / "notebooks" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = (ROOT / "tests" / "submissions" / "notebooks" / "base.txt").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return {"part1.ipynb": module.notebook(text).encode()}


def pretrained(code: str) -> dict[str, bytes]:
    """The reference's part2.ipynb, which acts before it gives its photographs to the network."""
    document = json.loads((ROOT / "reference" / "part2.ipynb").read_text(encoding="utf-8"))
    cell = next(cell for cell in document["cells"] if "img1 = " in "".join(cell["source"]))
    cell["source"] = f"{''.join(cell['source'])}\n{code}\n"
    photographs = {name: (ROOT / "reference" / name).read_bytes() for name in ("coffee.jpg", "rocket.jpg")}
    return {"part2.ipynb": json.dumps(document).encode(), **photographs}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kind", action="append", default=[], help="a part of the kinds' names; all if not given")
    parser.add_argument("--most", type=float, default=15.0, help="seconds on the clock for each")
    given = parser.parse_args()
    homework, slow = load(ROOT / "grader" / "homework"), 0
    store = datasets.Store(homework, datasets.root(None))
    started = Counter[str]()
    start = Session.start

    def counted(session: Session) -> None:
        started["all"] += 1
        start(session)

    Session.start = counted  # type: ignore[method-assign]
    print("| kind | seconds | CPU | processes | checks |\n| --- | --- | --- | --- | --- |", flush=True)
    for kind in kinds():
        if given.kind and not any(part in kind.name for part in given.kind):
            continue
        for task in homework.rubric.tasks:
            for name in (*task.data, *(data for item in task.items if item.id in kind.only for data in item.data)):
                if task.id in kind.only or any(item.id in kind.only for item in task.items):
                    store(name)
        with Zygotes(ahead=True) as zygotes:
            started.clear()
            began, before = time.monotonic(), cpu()
            submission = Submission(kind.name, kind.files, {name: name for name in kind.files}, "")
            report = grade(submission, homework, seed=1, only=kind.only, launch=zygotes.launch, data=store)
            seconds = time.monotonic() - began
        verdicts = Counter(check.verdict.value for check in report.checks)
        slow += seconds > given.most
        print(f"| {kind.name} | {seconds:.1f} | {cpu() - before:.1f} | {started['all']} | "
              f"{', '.join(f'{count} {verdict}' for verdict, count in verdicts.items())} |", flush=True)  # fmt: skip
    return int(slow > 0)


def cpu() -> float:
    """CPU seconds of this process and of those that have ended below it."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    sys.exit(main())
