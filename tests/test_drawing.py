"""What numbers do to a drawing costs the figure, and no result."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
from classes import HOMEWORK, class_of

from grader import drawing
from grader.course import job
from grader.course.job import Job
from grader.course.result_keys import Terms
from grader.intake.submission import read
from grader.loading import ROOT, load
from grader.model import CheckResult, Figure, ItemResult, Limits, Measure, Report, TaskResult, Verdict
from grader.report import charts, html
from grader.sandbox import reader
from grader.sandbox.launch import Zygotes

pytestmark = pytest.mark.medium

CURVES = {
    "steps": [10, 20, 30, 40], "losses": [2.3, 2.0, 1.5, 1.2], "epochs": [20, 40], "training": [0.3, 0.45],
    "validation": [0.28, 0.41], "judged": "validation", "bar": 0.4, "caption": "Stopped early.",
}  # fmt: skip
RIGHT = Figure("curves", "Right", CURVES)
STRANGE = {
    "losses in turn": Figure("curves", "Strange", CURVES | {"losses": [1e307, -1e307, 1e307, -1e307]}),
    "losses at the limit": Figure("curves", "Strange", CURVES | {"losses": [1.7e308, -1.7e308, 5e-324, 0.0]}),
    "no hidden unit": Figure("weights", "Strange", {"side": 32, "images": [], "caption": "Grey."}),
    "no pixels": Figure("images", "Strange", {"size": [0, 0], "images": ["", ""], "labels": ["a", "b"]}),
    "no classes": Figure("bars", "Strange", {"classes": [], "probabilities": [], "size": [0, 0], "image": ""}),
    "shares that are none": Figure("confusion", "Strange", {"classes": ["a"], "counts": [[float("inf")]]}),
    "a kind that there is not": Figure("hologram", "Strange", {}),
}
NOT_DRAWN = "This figure cannot be drawn"


def with_figures(report: Report, *figures: Figure) -> Report:
    measures = (Measure("loss", float("inf"), 1e-9), Measure("accuracy", float("nan"), 0.4, at_least=True))
    check = CheckResult("one", "T", Verdict.PASS, 1, 1, figures=figures, measures=measures)
    return replace(report, tasks=(*report.tasks, TaskResult("9", "T", (ItemResult("9.1", "T", 1, 1, (check,)),))))


@pytest.mark.parametrize("figure", STRANGE.values(), ids=STRANGE)
def test_a_figure_that_cannot_be_drawn_costs_itself_alone(report, figure):
    page = drawing.page(with_figures(report, RIGHT, figure, RIGHT))
    right = html.render(with_figures(report, RIGHT))
    assert page.count("var(--ink)") > right.count("var(--ink)")  # both others are there
    assert page.count(NOT_DRAWN) <= 1
    assert "Strange" in page
    if figure is not STRANGE["no classes"]:
        assert (NOT_DRAWN in page) == raises(figure)


def raises(figure: Figure) -> bool:
    return html.attempted(lambda: charts.picture(figure, "a")) == ""


def test_the_figures_that_ended_a_report_are_among_them():
    assert not raises(STRANGE["losses in turn"])  # they are drawn at the edge
    assert raises(STRANGE["no hidden unit"])


@pytest.mark.skipif(not reader.FORKS, reason="forks on Linux alone")
def test_a_drawing_that_ends_its_process_or_never_ends_costs_the_figures(report, monkeypatch):
    wanted = with_figures(report, RIGHT)
    monkeypatch.setattr(drawing, "LIMITS", Limits(read_cpu=1))
    for act in (lambda *_: os.kill(os.getpid(), signal.SIGKILL), lambda *_: sum(iter(int, 1))):
        monkeypatch.setattr(charts, "picture", act)
        page = drawing.page(wanted)
        assert NOT_DRAWN in page
        assert report.title in page


@pytest.mark.medium
def test_a_page_that_fails_loses_no_result_of_a_batch(tmp_path, monkeypatch):
    def fail(*_: object, **__: object) -> str:
        raise OverflowError

    monkeypatch.setattr(drawing, "page", fail)
    homework = load(ROOT / "grader" / "homework")
    wanted = [name for section in homework.rubric.sections for name in section.submit]
    work = read(class_of(tmp_path, "right-tabs") / "right-tabs", wanted, {})
    terms = Terms(5, ("1",))
    with Zygotes() as zygotes:
        bench = job.Bench(HOMEWORK, terms, zygotes)
        monkeypatch.setattr(job, "set_up", lambda *_: bench)
        done = job.work(HOMEWORK, terms, Job("ada", work, {"1": bench.digests["1"]}, audiences=("student",)))
    assert done.report["score"] == 10
    assert done.results["1"]["task"]["score"] == 10
    assert done.pages == {}


@pytest.mark.medium
def test_a_page_that_fails_loses_no_result_of_a_run(tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from grader import cli, drawing\n"
        "def fail(*_, **__): raise OverflowError('no ticks')\n"
        "drawing.page = fail\n"
        "sys.exit(cli.main(sys.argv[2:]))\n"
    )
    words = [ROOT / "reference", "--task", "1", "--json", tmp_path / "r.json", "--html", tmp_path / "r.html"]
    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT), *map(str, words)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "Score: 10 of 10" in done.stdout
    assert (tmp_path / "r.json").is_file()
    assert "Traceback" not in done.stderr


@pytest.mark.medium
def test_a_run_draws_its_figures(tmp_path):
    """In a process that has drawn nothing before, so that a reader imports what draws."""
    words = [ROOT / "reference", "--task", "1", "--html", tmp_path / "r.html"]
    command = [sys.executable, str(ROOT / "grade.py"), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert NOT_DRAWN not in page


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
@pytest.mark.parametrize("pipe", [True, False])
def test_matplotlib_reads_nothing_from_the_current_folder(tmp_path, pipe):
    if pipe:
        os.mkfifo(tmp_path / "matplotlibrc")  # whoever opens it waits for ever
    else:
        (tmp_path / "matplotlibrc").write_text("lines.linewidth: 77\n", encoding="utf-8")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from grader.report import plots\n"
        "plots.load_library()\n"
        "import matplotlib, os\n"
        "print(matplotlib.rcParams['lines.linewidth'], os.getcwd())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT)], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == f"1.5 {tmp_path.resolve()}\n", done.stderr


def test_every_way_to_a_drawing_loads_matplotlib_elsewhere():
    """Nothing in grader/ imports matplotlib but behind `load_library`, which the one that draws calls first."""
    files = [path for path in (ROOT / "grader").rglob("*.py") if "worker" not in path.parts]
    importing = [path.name for path in files if re.search(r"^\s*(from|import) matplotlib", path.read_text(), re.M)]
    assert sorted(importing) == ["charts.py", "plots.py", "png.py"]


def test_who_asks_for_the_library_while_another_thread_loads_it_gets_it_whole():
    """A process that is forked before would wait for that thread for ever."""
    program = """
import sys, threading, time
from grader.report import plots
whole = []
def load():
    plots.load_library()
    drawn = "matplotlib.font_manager" in sys.modules
    whole.append(drawn and not any(sys.modules[name].__spec__._initializing for name in NAMES))
NAMES = ("matplotlib", "matplotlib.figure", "matplotlib.font_manager", "matplotlib.backends.backend_svg")
threads = [threading.Thread(target=load) for _ in range(40)]
for thread in threads:
    thread.start()
    time.sleep(0.005)
for thread in threads:
    thread.join()
assert whole == [True] * 40, whole
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, timeout=120)
