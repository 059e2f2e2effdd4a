"""How fast a class is graded, beside the fastest there could be: python tests/benchmarks/batch.py [COUNT]

The limit is a process with numpy and the homework loaded that forks once per submission, imports the student's files
there and runs the same checks on them, with nothing between the two. It grades right work alone: wrong work is graded
again on right parts, in processes of its own. Everything is Section 1 without training runs. CPU is that of all
processes started, whoever their parent was.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from grader.sandbox.launch import ONE_THREAD  # noqa: E402

os.environ.update(ONE_THREAD)

from grader import grading, loading  # noqa: E402
from grader.course.pool import choose_width  # noqa: E402
from grader.intake.submission import read, stubs  # noqa: E402
from grader.model import Submission  # noqa: E402
from grader.sandbox import session, setup  # noqa: E402
from grader.sandbox.worker.__main__ import Worker  # noqa: E402

SECTION_1 = ("1", "2", "3", "4.1")
STARRED = {path.name: path for path in (ROOT / "reference").rglob("*.py")}
SUBREAPER = 36  # prctl: orphans below this process become its own children, so that their CPU is counted
TESTED = 12  # submissions that the slow way is tried on


def class_of(folder: Path, count: int, kinds: Sequence[str] = ("right", "wrong", "partial")) -> list[Path]:
    """`count` submissions, all different, made of those that are right or wrong or partly done."""
    sources = [path for path in sorted((ROOT / "tests" / "submissions").iterdir()) if path.name.split("-")[0] in kinds]
    made = []
    for number, source in zip(range(count), itertools.cycle(sources), strict=False):
        target = folder / f"{number:03}-{source.name}"
        target.mkdir(parents=True)
        for base in ("functions.py", "layers.py", "two_layer_net.py", "train.py"):
            own = source / base
            shutil.copyfile(own if own.is_file() else STARRED[base], target / base)
        with (target / "train.py").open("ab") as file:
            file.write(f"\n# {number}\n".encode())
        made.append(target)
    return made


def measured(what: str, count: int, act: Callable[[], object]) -> float:
    """Seconds for each submission; prints them, the pace and the cores used."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    act()
    seconds = time.monotonic() - began
    reap()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{what:44} {seconds:7.1f} s {count / seconds:7.1f} a second {cpu / seconds:5.2f} cores "
          f"{1000 * cpu / count:7.0f} ms CPU each", flush=True)  # fmt: skip
    return seconds / count


def reap() -> None:
    """Wait for every orphan, so that its CPU is counted."""
    try:
        while True:
            os.wait()
    except ChildProcessError:
        return


def batch(folder: Path, out: Path, *more: str) -> Callable[[], object]:
    tasks = [word for task in SECTION_1 for word in ("--task", task)]
    command = [sys.executable, str(ROOT / "grade.py"), "batch", str(folder), "--out", str(out), *tasks, *more]
    return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Bare(session.Session):
    """A session without a second process: each call is answered here. What the limit is measured with."""

    def start(self) -> None:
        (self.folder / "scratch").mkdir(exist_ok=True)
        os.chdir(self.folder / "scratch")
        self.process: Any = SimpleNamespace(
            output=SimpleNamespace(read=lambda cap: ""),
            channel=SimpleNamespace(values=0),
            kill=lambda: None,
            peak=lambda: 0,
        )
        self.imported = set()
        first = setup.first_frame(self.section, self.limits, self.folder, self.allowance.files)
        cap: Any = SimpleNamespace(restart=lambda: None, finish=lambda: None)
        self.worker = Worker({"first": session.NUMBERS, "parts": {}, **first, "naps": 0.0}, {}, cap)

    def carry_out(
        self, request: dict[str, Any], cpu: float, run_cpu: float, subject: str, most_bytes: int | None = None
    ) -> list[Any]:
        if self.process is None:
            self.start()
        reply = self.worker.answer({**request, "seed": self.seed, "id": 0})
        self.seed, self.answers = None, []
        return self.read_reply(reply, session.subjects_of(request, subject))


def limit(submissions: Sequence[Submission], homework: Any, width: int) -> Callable[[], None]:
    """A bare fork for each submission, `width` at a time."""

    def act() -> None:
        running: list[int] = []
        for submission in submissions:
            if len(running) == width:
                expect_graded(running.pop(0))
            if (pid := os.fork()) == 0:
                try:
                    os._exit(graded(submission, homework))
                finally:  # whatever happens, what is behind is the parent's
                    os._exit(1)
            running.append(pid)
        for pid in running:
            expect_graded(pid)

    return act


def graded(submission: Submission, homework: Any) -> int:
    """Grade it here: 0, or 1 where a check broke, which is told."""
    try:
        with Path(os.devnull).open("w") as sink, redirect_stdout(sink), redirect_stderr(sink):
            report = grading.grade(submission, homework, seed=1, only=SECTION_1, shrink=False)
    except BaseException:
        traceback.print_exc()
        return 1
    if report.faulty:
        print(f"{submission.name}: a check broke", file=sys.stderr)
    return int(report.faulty)


def expect_graded(pid: int) -> None:
    """Wait for a fork. Stop where it did not grade its submission: then nothing was measured."""
    if os.waitpid(pid, 0)[1]:
        raise SystemExit("a bare fork did not grade its submission; its error is above")


def pytest_each(folders: Sequence[Path]) -> Callable[[], None]:
    """A pytest process for each, with the ten checks of issue's table: import, shapes and values of Section 1."""
    tests = folders[0].parent.parent / "test_it.py"
    tests.write_text(
        "import sys, os\nsys.path.insert(0, os.environ['WORK'])\nimport numpy as np\nimport pytest\n"
        "@pytest.mark.parametrize('n', range(10))\n"
        "def test_fc(n):\n"
        "    import layers\n"
        "    rng = np.random.default_rng(n)\n"
        "    x, w, b = rng.normal(size=(4, 5)), rng.normal(size=(5, 3)), rng.normal(size=3)\n"
        "    assert np.allclose(layers.fc_forward(x, w, b)[0], x @ w + b)\n"
    )

    def act() -> None:
        for folder in folders:
            subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests)],
                stdout=subprocess.DEVNULL, env=os.environ | {"WORK": str(folder)}, cwd=folder, check=False,
            )  # fmt: skip

    return act


def main(count: int) -> None:
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    homework, width = loading.load(ROOT / "grader" / "homework"), choose_width(None)
    wanted = [name for section in homework.rubric.sections for name in section.submit]
    with tempfile.TemporaryDirectory() as root:
        mixed = class_of(Path(root) / "mixed", count)
        folders = class_of(Path(root) / "right", count, ("right",))
        given = [read(path, wanted, stubs(homework.handout, wanted)) for path in folders]
        print(
            f"{count} submissions of Section 1, {width} cores; load {os.getloadavg()[0]:.1f} before anything is started"
        )
        measured("batch with HTML, right and wrong work", count, batch(mixed[0].parent, Path(root) / "pages"))
        measured("the same again, nothing changed", count, batch(mixed[0].parent, Path(root) / "pages"))
        own = measured("batch, right work", count, batch(folders[0].parent, Path(root) / "out", "--no-html"))
        pages = measured("batch with HTML, right work", count, batch(folders[0].parent, Path(root) / "right pages"))
        grading.Session = Bare  # type: ignore[misc]
        fastest = measured("the limit: a bare fork each, no isolation", count, limit(given, homework, width))
        slow = measured("a pytest process each, ten small tests", TESTED, pytest_each(folders[:TESTED]))
        print(f"batch / limit {own / fastest:.2f}, with HTML {pages / fastest:.2f}")
        print(f"pytest / batch {slow / own / width:.1f}, for pytest {width} at a time")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
