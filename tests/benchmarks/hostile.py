"""What one bad hand-in costs a class, kind by kind: python tests/benchmarks/hostile.py [--kind PART] [--most SECONDS]

Each kind is graded alone, with the rubric's own limits, as a class is: in processes that are forked. The table shows
the seconds on the clock and of CPU, how many processes were started, and how the checks ended. Data are read before the
clock starts. Exits with 1 where a kind takes longer than `--most` (15 s).
"""

from __future__ import annotations

import argparse
import importlib.util
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from grader.check import load  # noqa: E402
from grader.data import datasets  # noqa: E402
from grader.grading import grade  # noqa: E402
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
