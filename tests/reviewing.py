"""Gradebooks with open decisions, and a review server over them, for tests of the review."""

from __future__ import annotations

import base64
import io
import json
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cohort
import numpy as np

from grader.course import pages, takes
from grader.course.gradebook import Gradebook
from grader.loading import ROOT
from grader.model import CheckResult, Figure, ItemResult, Measure, Provenance, Report, Student, TaskResult, Verdict
from grader.similarity import kept, pairs, work
from grader.similarity.pairs import Entry

CAUSE = "grad_w is wrong at [2, {}]: yours 0.32 (60 of 60 entries, ratio 64 = batch size: is 1/N missing?)"
QUESTION = "are these photographs of two different classes?"
MARKUP = "<img src=x onerror=alert(1)><script>document.title='owned'</script>"


def check(name: str, verdict: Verdict, points: float, earned: float = 0.0, **more: object) -> CheckResult:
    return CheckResult(name, f"What {name} should do.", verdict, earned, points, **more)  # type: ignore[arg-type]


def item(id: str, title: str, *checks: CheckResult) -> ItemResult:
    return ItemResult(id, title, sum(one.earned for one in checks), sum(one.points for one in checks), checks)


def bars(seed: int) -> Figure:
    pixels = np.random.default_rng(seed).integers(0, 255, (24, 24, 3), dtype=np.uint8)
    return Figure("bars", f"photo-{seed}.jpg", {
        "size": [24, 24], "image": base64.b64encode(pixels.tobytes()).decode(), "caption": "the network's top five",
        "classes": ["tench", "goldfish", "hen", "ostrich", "brambling"], "probabilities": [0.6, 0.2, 0.1, 0.06, 0.04],
    })  # fmt: skip


def report_of(number: int, *, asks: bool = True, fault: bool = False, name: str = "") -> Report:
    """A report with a question on item 6.1 (`asks`), a failing gradient, and perhaps a fault of the grader."""
    wrong = check("fc_backward", Verdict.FAIL, 3, message=CAUSE.format(number % 5), where="layers.py:3",
                  measures=(Measure("grad_w", 0.4, 1e-9),))  # fmt: skip
    right = check("fc_backward", Verdict.PASS, 3, 3)
    broken = check("relu", Verdict.INTERNAL, 2, message="KeyError: 'x'")
    photographs = check("photographs", Verdict.PARTIAL, 10, 5, message="2 photographs were classified.",
                        figures=(bars(number), bars(number + 1000)), review=(QUESTION,) if asks else ())  # fmt: skip
    tasks = (
        TaskResult("2", "Layers", (item("2.1", "Fully-connected layer", wrong if number % 3 else right),
                                   item("2.2", "ReLU", broken if fault else check("relu", Verdict.PASS, 2, 2)))),
        TaskResult("6", "Pretrained", (item("6.1", "Two photographs", photographs),)),
    )  # fmt: skip
    needs = [f"photographs: {QUESTION}"] * asks + ["relu: a fault of the grader"] * fault
    provenance = Provenance(7, {"python": "3.11"}, "c" * 16, "d" * 16, "e" * 16, "confined")
    return Report("Backprop by hand", name or f"s{number:03}", "ab" * 8, tasks, tuple(needs), provenance)


def a_class(folder: Path, students: int = 60, waiting: int = 50, *, hostile: str = "", **settings: object) -> Path:
    """A graded class in `folder`/graded: `waiting` students have a question on 6.1. Gives that folder."""
    out, work = folder / "graded", folder / "class"
    with Gradebook.create(out) as book:
        (out / "reports").mkdir()
        run = book.begin(
            seed=7, settings={"folder": str(work), "homework": None, "roster": None, "layout": None} | settings
        )
        people = [Student(f"s{at:03}", hostile or f"Person {at:03}", {"Student ID": f"{9000 + at}"},
                          str(work / f"s{at:03}")) for at in range(students)]  # fmt: skip
        for at, one in enumerate(people):
            place = work / one.id
            place.mkdir(parents=True)
            (place / "layers.py").write_text("import numpy as np\n\ndef fc_backward(grad_out, cache):\n    return 1\n")
            book.record(one, report_of(at, asks=at < waiting, name=one.name), run)
            takes.see(book.database, one.id, ["layers.py"])
        book.end(run)
    return out


def compared(out: Path) -> None:
    """What `grade.py similar` writes: s001 copied s000, s003 and one of an earlier year copied s002. Each file has its
    author's name on top, and a name that is markup."""
    own = {"s000": cohort.student(0), "s002": cohort.student(2), "s004": cohort.student(4), "s005": cohort.student(5)}
    copies = {"s001": "s000", "s003": "s002", "2025/old": "s002"}
    own |= {f"2024/{at}": cohort.student(at) for at in range(10, 30)}  # among few, nothing is rare
    made = {**own, **{label: cohort.copied(own[one], at, outputs=False, photographs=True)
                      for at, (label, one) in enumerate(copies.items(), 90)}}  # fmt: skip
    names = {label: "Earlier Someone" if label == "2025/old" else f"Person {label[-3:]}" for label in made}
    entries = [Entry(label, work_of(one, names[label]), label.rpartition("/")[0], people=frozenset({label}))
               for label, one in made.items()]  # fmt: skip
    notes = ["in a class of 7 little is rare", f"s004: Person 004/{MARKUP}.py was not compared"]
    with Gradebook.open(out) as book:
        run = book.run().id
    (out / pages.PAIRS).write_text(kept.document(run, pairs.pairs(entries), entries, names, notes))


def work_of(made: cohort.Submission, name: str) -> work.Work:
    files = {path: f"# {name} wrote this. {MARKUP}\n{text}" for path, text in made.files.items()}
    return work.read(lambda path: None, cohort.contents(cohort.Submission(files, {}, {}, made.photographs)))


def notebook() -> bytes:
    """A notebook with a saved picture."""
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(file, "PNG")
    picture = base64.b64encode(file.getvalue()).decode()
    cells = [
        {"cell_type": "markdown", "source": "# A", "metadata": {}},
        {"cell_type": "code", "source": ["plot()\n", "<b>x</b>"], "metadata": {}, "execution_count": 1,
         "outputs": [{"output_type": "display_data", "metadata": {}, "data": {"image/png": picture}}]},
    ]  # fmt: skip
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


class Server:
    """A review server as people start it: another process, with the link that it printed."""

    def __init__(self, folder: Path, *options: str, wait: bool = True) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "grader", "review", str(folder), *options], cwd=ROOT, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdout
        self.link, said = "", ""
        while not self.link:
            line = self.process.stdout.readline()
            said += line
            found = re.search(r"https?://\S+/enter\?token=\S+", line)
            self.link = found[0] if found else ""
            if not line:
                assert self.process.stderr
                raise AssertionError(said + self.process.stderr.read())
        self.origin = self.link.partition("/enter")[0]
        self.port = int(self.origin.rpartition(":")[2])
        for _ in range(200 * wait):  # it listens before the first line; this waits until it answers
            try:
                urllib.request.urlopen(f"{self.origin}/review.css", timeout=5).read()
                break
            except OSError:
                if self.process.poll() is not None:
                    raise

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def stop(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate(timeout=30)
        return self.process.returncode, said


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Server]:
    server = Server(folder, *options)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()
