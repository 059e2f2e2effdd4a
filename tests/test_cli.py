"""The command as its users type it: exit codes, sentences on stderr, files written whole."""

from __future__ import annotations

import argparse
import ast
import atexit
import errno
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest

from grader import cli, environment
from grader.sandbox.launch import FORKS

pytestmark = pytest.mark.medium

ROOT = Path(__file__).parents[1]
SECTION_1 = ["--task", "1", "--task", "2", "--task", "3", "--task", "4.1"]


def grade(*arguments: object, cwd: Path = ROOT, columns: int = 100) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "grade.py"), *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"COLUMNS": str(columns)},
    )


def test_the_reference_gets_all_points(tmp_path):
    run = grade("reference", *SECTION_1, "--no-html", "--json", tmp_path / "r.json")
    assert run.returncode == 0, run.stderr
    report = json.loads((tmp_path / "r.json").read_text())
    assert (report["score"], report["max_score"]) == (50, 50)
    assert "report.html" not in run.stdout


def test_the_pristine_handout_gets_none_and_no_traceback(tmp_path):
    run = grade("student", "--html", tmp_path / "r.html", "--json", tmp_path / "r.json")
    assert run.returncode == 0
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["score"] == 0
    assert report["max_score"] == 100
    checks = [check for task in report["tasks"] for item in task["items"] for check in item["checks"]]
    without = {"SKIPPED"} if find_spec("torch") is None else set()  # then Tasks 5 and 6 are not graded
    assert {check["verdict"] for check in checks} == {"NOT_IMPLEMENTED"} | without
    assert "not implemented yet" in run.stdout
    page = (tmp_path / "r.html").read_text()
    for text in (run.stdout, run.stderr, page, json.dumps(report)):
        assert "Traceback" not in text


def test_outputs_replace_those_of_the_run_before(tmp_path):
    files = ("--json", tmp_path / "r.json", "--html", tmp_path / "r.html", "--junit", tmp_path / "r.xml")
    for _ in range(2):
        assert grade("reference", "--task", "1", *files).returncode == 0
        for command in ("data", "doctor"):
            assert cli.main([command, "--json", str(tmp_path / f"{command}.json")]) == 0


def test_a_run_repeats_by_its_seed(tmp_path):
    for name in "ab":
        assert grade("reference", "--task", "2", "--seed", 7, "--no-html", "--json", tmp_path / name).returncode == 0
    one, two = (json.loads((tmp_path / name).read_text()) for name in "ab")
    for report in (one, two):
        for task in report["tasks"]:
            for item in task["items"]:
                for check in item["checks"]:
                    del check["seconds"], check["memory"]
    assert one == two
    assert one["provenance"]["seed"] == 7


def test_below_the_bar_is_exit_code_1():
    assert grade("student", "--task", "1", "--no-html", "--fail-under", "5").returncode == 1
    assert grade("reference", "--task", "1", "--no-html", "--fail-under", "10").returncode == 0


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda p: p / "nowhere", "nowhere"),
        (lambda p: (p / "empty").mkdir() or p / "empty", "functions.py"),
        (lambda p: (p / "bad.zip").write_bytes(b"PK\x03\x04 nothing") and p / "bad.zip", "bad.zip"),
    ],
)
def test_what_cannot_be_read_is_one_sentence_and_exit_code_2(tmp_path, make, sentence):
    run = grade(make(tmp_path), "--no-html")
    assert run.returncode == 2
    assert sentence in run.stderr
    assert "Traceback" not in run.stderr
    assert run.stdout == ""


def test_usage_is_exit_code_2(tmp_path):
    assert grade("--task").returncode == 2
    run = grade("reference", "--task", "9", "--no-html")
    assert run.returncode == 2
    assert "no task 9" in run.stderr
    run = grade("reference", "--task", "1", "--no-html", "--json", tmp_path / "no" / "r.json")
    assert run.returncode == 2
    assert "cannot write" in run.stderr
    assert run.stdout == "", "told before the work, not after it"
    (tmp_path / "layers.py").write_text("def f(): ...")
    for option in ("--json", "--html", "--junit"):
        run = grade("reference", "--task", "1", option, tmp_path / "layers.py")
        assert (run.returncode, "layers.py holds something else, which would be lost" in run.stderr) == (2, True)
    for words in (["--json", "r.x", "--html", "r.x"], ["--json", "r.x", "--junit", "./r.x", "--no-html"]):
        run = grade(ROOT / "reference", "--task", "1", *words, cwd=tmp_path)
        assert (run.returncode, "r.x is named for two files, and one would be lost" in run.stderr) == (2, True)
    for words in (["--repro", ""], ["--repro="], ["--data-root", ""], ["--homework="], ["batch", "in", "--out", ""]):
        run = grade(*words)
        assert (run.returncode, f"{words[-2] if not words[-1] else words[0][:-1]} is empty" in run.stderr) == (2, True)
    assert "an argument is empty; give it a value, or leave it out" in grade("").stderr
    run = grade("btch", "in", "--out", "out")
    assert (
        run.returncode,
        "there is no command btch, and nothing of that name to grade; did you mean batch?" in run.stderr,
    ) == (2, True)
    run = grade("reference", "--homework", tmp_path, "--no-html")
    assert run.returncode == 2
    assert "rubric.yaml" in run.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there a folder in use is not deleted")
def test_a_current_folder_that_is_gone_is_no_fault_of_the_grader(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    tmp_path.rmdir()
    assert cli.main(["batch", "in", "--out", "out"]) == 2
    assert "the current folder was deleted or moved; go to another one: cd ~" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full: a full disk cannot be had")
def test_a_report_that_cannot_be_written_does_not_take_the_result_with_it(tmp_path):
    (tmp_path / "r.json").symlink_to("/dev/full")
    run = grade("reference", "--task", "1", "--no-html", "--json", tmp_path / "r.json")
    assert run.returncode == 2
    assert "Score: 10 of 10" in run.stdout
    assert "cannot write" in run.stderr
    assert "No space left" in run.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a shell that closes a pipe is POSIX's")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("reference --task 1 --no-html", 0),
        ("student --task 1 --no-html --fail-under 5", 1),
        ("student --task 99 --no-html", 2),
        ("data", 0),
    ],
)
def test_a_reader_that_goes_away_changes_no_exit_code(tmp_path, words, code):
    piped = f"({sys.executable} grade.py {words}; echo $? > {tmp_path / 'code'}) 2>&1 | true"
    run = subprocess.run(["sh", "-c", piped], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr) == ("", "")
    assert int((tmp_path / "code").read_text()) == code


@pytest.mark.parametrize(
    ("error", "ends"),
    [(BrokenPipeError(), ["os._exit(5)"]), (OSError(errno.ENOSPC, "full"), ["sys.exit(5)"])],
)
def test_only_what_cannot_be_written_is_left_to_pythons_own_end(monkeypatch, error, ends):
    """From 3.14 on that would be 120 where nobody reads either stream any more."""

    class Gone(io.StringIO):
        def flush(self):
            raise error

    said = []
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, Gone())
    monkeypatch.setattr(atexit, "_run_exitfuncs", lambda: None)
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr(os, "_exit", lambda code: said.append(f"os._exit({code})"))
    monkeypatch.setattr(sys, "exit", lambda code: said.append(f"sys.exit({code})"))
    cli.leave(5)
    assert said[:1] == ends


@pytest.mark.skipif(sys.platform == "win32", reason="a shell that closes a stream is POSIX's")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed_changes_nothing_that_is_written(tmp_path, closed):
    words = f"reference --task 1 --no-html --json {tmp_path / 'r.json'}"
    run = subprocess.run(["sh", "-c", f"{sys.executable} grade.py {words} {closed}"], cwd=ROOT, check=False)
    assert run.returncode == 0
    assert json.loads((tmp_path / "r.json").read_text())["score"] == 10


@pytest.mark.parametrize("flag", ["-O", "-OO"])
def test_python_without_assert_is_refused(flag):
    words = [sys.executable, flag, "grade.py", "reference", "--task", "1", "--no-html"]
    run = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    assert f"Python was started with {flag} or PYTHONOPTIMIZE" in run.stderr


def test_two_reports_to_one_output_are_refused_before_the_work():
    run = grade("reference", "--task", "1", "--html", "-", "--json", "-")
    assert (run.returncode, run.stdout) == (2, "")
    assert "only one of --json, --junit and --html can be printed" in run.stderr


def test_a_bar_that_is_no_number_is_refused():
    run = grade("student", "--task", "1", "--no-html", "--fail-under", "nan")
    assert run.returncode == 2
    assert "--fail-under" in run.stderr


def test_a_folder_of_data_that_is_not_there_is_told_before_the_work(tmp_path):
    run = grade("reference", "--task", "1", "--no-html", "--data-root", tmp_path / "nowhere")
    assert run.returncode == 2
    assert "nowhere is not a folder; name the folder that holds the data sets" in run.stderr
    assert run.stdout == ""


def test_a_zip_is_graded_like_a_folder(tmp_path):
    with zipfile.ZipFile(tmp_path / "ada.zip", "w") as archive:
        for name in ("functions.py",):
            archive.write(ROOT / "reference/backprop" / name, f"ada/{name}")
            archive.writestr(f"__MACOSX/ada/._{name}", b"\0")
    run = grade(tmp_path / "ada.zip", "--task", "1", "--no-html", "--json", tmp_path / "r.json")
    assert run.returncode == 0, run.stderr
    assert json.loads((tmp_path / "r.json").read_text())["score"] == 10


def test_the_page_lands_in_the_working_directory_if_not_told_otherwise(tmp_path):
    shutil.copytree(ROOT / "student", tmp_path / "mine")
    run = grade("mine", "--task", "1.1", cwd=tmp_path)
    assert run.returncode == 0
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")
    assert "report.html" in run.stdout
    assert not list(tmp_path.glob(".*.part"))


def test_help_fits_one_screen_and_the_readme_is_true():
    help_ = grade("--help", columns=80).stdout
    assert len(help_.splitlines()) <= 24
    assert max(map(len, help_.splitlines())) <= 80
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"--[a-z-]+", help_)) - {"--help"}
    table = set(re.findall(r"^\| `(--[a-z-]+)", readme.partition("\n## TAs\n")[0], re.MULTILINE))
    assert table == shown


def test_the_readme_names_every_verdict_and_exit_code():
    from grader.model import Verdict

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| ([A-Z_]+) \|", readme, re.MULTILINE))
    assert rows == set(Verdict)
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", readme, re.MULTILINE)}
    assert codes == {cli.GRADED, cli.BELOW, cli.USAGE, cli.FAULT, cli.INTERRUPTED}


def test_the_readme_names_every_subcommand_and_each_help_says_its_exit_codes():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in cli.COMMANDS:
        assert f"python grade.py {name}" in readme
        run = grade(name, "--help")
        assert run.returncode == 0
        assert run.stdout.startswith(f"usage: grade.py {name} ")
        assert "exit codes: 0" in run.stdout


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_readme_names_every_option_beside_its_command(name):
    """In a paragraph, a list or a table that names the command, or in the one after that."""
    command = import_module(f"grader.command.{name.replace('-', '_')}").parser()
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    parts = re.split(r"\n(?=##)", page) if name == "gradebook" else page.split("\n\n")
    own = [at for at, part in enumerate(parts) if f"grade.py {name}" in part or f"`{name}`" in part]
    told = {option for at in own for part in parts[at : at + 2] for option in re.findall(r"--[a-z-]+", part)}
    assert set(options(command)) - told == set()


def options(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        yield from (option for option in action.option_strings if option.startswith("--") and option != "--help")
        for verb in action.choices.values() if isinstance(action, argparse._SubParsersAction) else ():
            yield from options(verb)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_table_of_exit_codes_says_whose_is_1(name):
    told = import_module(f"grader.command.{name.replace('-', '_')}").parser().epilog
    (row,) = re.findall(r"^\| 1 \|.*", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert bool(re.search(r"\b1 ", told)) == (f"`{name}" in row)


def test_without_dependencies_one_sentence_says_what_to_type(tmp_path):
    run = subprocess.run(
        [sys.executable, "-S", str(ROOT / "grade.py"), "reference"], capture_output=True, text=True, cwd=tmp_path
    )
    assert run.returncode == 2
    assert "is not installed; type: " in run.stderr
    assert len(run.stderr.splitlines()) == 1


def test_what_to_type_is_the_environment_that_is_there_or_how_to_make_one(tmp_path, monkeypatch):
    root = str(tmp_path / "a b")
    monkeypatch.setattr(environment, "ROOT", root)
    words = ["grade.py", "my work"]
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "other"))
    assert environment.what_to_type(words) == f"type: python -m pip install -e '{root}[torch]'"
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    line = environment.what_to_type(words)
    own = f"'{root}/.venv/bin/python'"
    assert line == (
        f"type: {sys.executable} -m venv '{root}/.venv' && {own} -m pip install -q -e '{root}[torch]' "
        f"&& {own} grade.py 'my work'"
    )
    python = tmp_path / "a b" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert environment.what_to_type(words) == f"type: {own} grade.py 'my work'"
    monkeypatch.setattr(sys, "prefix", str(python.parent.parent))  # it lacks the package itself
    assert "pip install" in environment.what_to_type(words)


@pytest.mark.parametrize("name", ["grade.py", "grader/__init__.py", "grader/environment.py"])
def test_an_old_python_can_read_what_tells_it_so(name):
    ast.parse((ROOT / name).read_text(encoding="utf-8"), feature_version=(3, 7))


def test_it_runs_from_any_folder_inside_the_project(tmp_path):
    for command in ([str(ROOT / "grade.py")], ["-m", "grader"]):
        run = subprocess.run(
            [sys.executable, *command, "--task", "1", "--no-html"],
            cwd=ROOT / "student" / "neuralnet",  # its files are called as modules of Python's are
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, run.stderr
        assert "Score: 0 of 10" in run.stdout


@pytest.mark.skipif(not FORKS, reason="forks on Linux alone")
def test_what_readers_alone_need_costs_the_grader_nothing():
    code = (
        "import sys; from grader.cli import main; main(['reference', '--task', '1', '--no-html']); print(*sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    unwanted = {"grader.intake.choice", "grader.intake.repair", "tarfile", "platformdirs"}
    assert not unwanted & set(run.stdout.split())


@pytest.mark.parametrize("command", [[str(ROOT / "grade.py")], ["-P", "-m", "grader"], ["-m", "grader"]])
def test_nothing_in_the_current_folder_is_run_or_obeyed(command, tmp_path):
    """Without -P, Python itself takes from there what it imports before it comes to us."""
    first = [sys.executable, "-c", "import runpy, sys; print(*sys.modules)"]
    own = subprocess.run(first, capture_output=True, text=True, check=True).stdout.split()
    others = {"numpy", "matplotlib", "jinja2", "yaml", "PIL", "ruff", "psutil", "sitecustomize", "usercustomize"}
    for name in (set(sys.stdlib_module_names) | others) - set(own if command == ["-m", "grader"] else ()):
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('{name} of the current folder was run')\n")
    (tmp_path / "matplotlibrc").write_text("backend: module://evil\nfigure.dpi: 1e9\n")
    (tmp_path / ".env").write_text("PYTHONPATH=.\n")
    (tmp_path / "ruff.toml").write_text("extend = '/etc/passwd'\n")
    run = subprocess.run(
        [sys.executable, *command, str(ROOT / "reference" / "backprop" / "functions.py"), "--task", "1"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert "Score: 10 of 10" in run.stdout


def test_another_homeworks_own_student_folder_is_graded(tmp_path):
    for name in ("reference", "fixtures"):
        shutil.copytree(ROOT / name, tmp_path / "homework" / name)
    shutil.copytree(ROOT / "reference", tmp_path / "homework" / "student")
    shutil.copytree(ROOT / "grader" / "homework", tmp_path / "homework", dirs_exist_ok=True)
    run = grade("--homework", tmp_path / "homework", "--task", "1", "--no-html")
    assert "Score: 10 of 10" in run.stdout, run.stderr


def test_json_to_standard_output_is_all_that_is_there():
    run = grade("student", "--task", "1", "--no-html", "--json", "-", "--fail-under", "5")
    assert json.loads(run.stdout)["score"] == 0
    assert "Score: 0 of 10" in run.stderr
    assert "grade.py: score 0 is below --fail-under 5" in run.stderr
    assert run.returncode == 1


def test_junit_to_standard_output_is_all_that_is_there():
    run = grade("student", "--task", "1", "--no-html", "--junit", "-")
    assert ElementTree.fromstring(run.stdout).find("testsuite").get("name") == "student"
    assert "Score: 0 of 10" in run.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C of another process is POSIX's")
def test_an_interrupted_run_shows_what_was_measured(tmp_path):
    module = tmp_path / "work" / "functions.py"
    module.parent.mkdir()
    module.write_bytes((ROOT / "reference/backprop/functions.py").read_bytes())
    stalling = "def fc_forward(x, w, b):\n    while True:\n        pass\n"
    (module.parent / "layers.py").write_text(stalling)
    homework = tmp_path / "homework"
    for part in (ROOT / "reference", ROOT / "fixtures"):
        shutil.copytree(part, homework / part.name)
    shutil.copytree(ROOT / "grader" / "homework", homework, dirs_exist_ok=True)
    rubric = (homework / "rubric.yaml").read_text(encoding="utf-8")
    (homework / "rubric.yaml").write_text(re.sub("call_cpu: .*", "call_cpu: 60", rubric), encoding="utf-8")
    program = [sys.executable, str(ROOT / "grade.py"), str(module.parent), "--task", "1", "--task", "2.1", "--no-html"]
    running = subprocess.Popen(
        [*program, "--homework", str(homework), "--json", str(tmp_path / "r.json")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(6)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "interrupted; the table shows what was measured until then" in err
    assert "10 / 10" in out
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["interrupted"]
    assert (report["score"], report["skipped"]) == (10, 5)


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C of another process is POSIX's")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("start", [["grade.py"], ["-P", "-m", "grader"]])
def test_a_signal_while_the_grader_is_imported_is_one_sentence(tmp_path, name, start):
    """By an argparse that sends it to its own process."""
    (tmp_path / "argparse.py").write_text(
        f"import os, signal, time\nos.kill(os.getpid(), signal.{name})\ntime.sleep(9)\n"
    )
    paths = os.pathsep.join([str(tmp_path), str(ROOT)])
    run = subprocess.run(
        [sys.executable, *start, "--version"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stdout) == (130, "")
    assert run.stderr == "grade.py: interrupted before anything was done\n"


def test_an_interrupt_before_the_grading_says_that_there_is_no_report(monkeypatch, capsys):
    def interrupted(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "grade", interrupted)
    assert cli.main(["student", "--no-html"]) == cli.INTERRUPTED
    assert capsys.readouterr().err == "grade.py: interrupted before the report was written\n"


def test_an_interrupt_while_a_script_is_written_says_that_the_report_is(tmp_path, monkeypatch, capsys):
    def interrupted(*given):
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "reproduce", interrupted)
    assert cli.main([str(ROOT / "student"), "--repro", "1.1", "--json", "r.json", "--no-html"]) == cli.INTERRUPTED
    assert capsys.readouterr().err == "grade.py: interrupted before repro-1.1.py was written; the report is\n"
    assert not json.loads(Path("r.json").read_text())["interrupted"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told_before_the_work(tmp_path):
    tmp_path.chmod(0o555)
    run = grade(ROOT / "reference", "--task", "1", cwd=tmp_path)
    assert run.returncode == 2
    assert "cannot write report.html: you may not write to its folder" in run.stderr
    assert "Score" not in run.stdout


def test_the_version_is_printed():
    assert re.fullmatch(r"backgrade \S+\n", grade("--version").stdout)


def test_an_older_python_is_told_so():
    lie = "import sys; sys.version_info = (3, 10, 1); import grader"
    run = subprocess.run([sys.executable, "-c", lie], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 2
    assert run.stderr.startswith("Backgrade needs Python 3.11 or newer")
    assert len(run.stderr.splitlines()) == 1


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no SIGHUP here")
def test_an_interrupt_in_the_middle_of_an_import_comes_after_it(tmp_path):
    """Python loses one that comes while a class is registered there, and the run would go on."""
    (tmp_path / "module.py").write_text(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGHUP)\ntime.sleep(0.1)\nwhole = True\n"
    )
    program = (
        "import time\nfrom grader import cli\ncli.end_in_order()\n"
        "try:\n    import module\n    time.sleep(20)\n"
        "except KeyboardInterrupt:\n    print('whole' if module.whole else '')\n"
    )
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    run = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True
    )
    assert (run.returncode, run.stdout) == (0, "whole\n"), run.stderr


def test_an_interrupt_waits_for_an_import_each_time_and_not_for_ever(monkeypatch):
    importing, now, armed = compile("", "<frozen importlib._bootstrap>", "exec"), [100.0], []
    monkeypatch.setattr(cli, "stack", lambda frame: iter([importing]))
    monkeypatch.setattr(cli.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(cli.signal, "setitimer", lambda which, seconds: armed.append(seconds))
    interrupt = cli.Interrupt()
    for _ in range(2):
        interrupt(signal.SIGINT, None)
        now[0] += 2 * cli.PATIENCE
        with pytest.raises(KeyboardInterrupt):
            interrupt(signal.SIGINT, None)
    assert armed == [0.02] * 2


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers on Windows")
def test_an_interrupt_waits_until_a_folder_that_was_just_made_is_known(tmp_path, monkeypatch):
    """Nobody would delete it."""
    made = os.mkdir

    def make(path, mode=0o777):
        made(path, mode)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.05)

    monkeypatch.setattr(os, "mkdir", make)
    before = {number: signal.signal(number, cli.Interrupt()) for number in (signal.SIGTERM, signal.SIGALRM)}
    known: list[str] = []

    def work() -> None:
        known.append(tempfile.mkdtemp(dir=tmp_path))
        time.sleep(1)

    try:
        with pytest.raises(KeyboardInterrupt):
            work()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert [Path(folder) for folder in known] == list(tmp_path.iterdir()) != []
