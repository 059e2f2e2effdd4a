"""autolab.zip, run by make beside the handed-in file: the last line holds the scores, and no student writes it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from packages import hand_in, hanging, killed, ran, right, unpack, zipped_work

pytestmark = [
    pytest.mark.medium,
    pytest.mark.skipif(os.name == "nt" or not shutil.which("make"), reason="Autolab runs make on Linux"),
]
FORGED = '{"scores": {"Task 1": 99, "Task 2": 99}}'


def laid_out(released: Path, place: Path, files: dict[str, bytes]) -> list[object]:
    """The folder that Autolab's driver makes for a job, and what it runs in there."""
    package = unpack(released / "autolab.zip", place.with_name("package"))
    place.mkdir()
    shutil.copy(package / "autograde.tar", place)
    shutil.copy(package / "autograde-Makefile", place / "Makefile")
    (place / "ada@example.org_1_handin.zip").write_bytes(zipped_work(files))
    return ["make", "-C", place, "--no-print-directory", f"PYTHON={sys.executable}"]


def scores(printed: str) -> dict[str, float]:
    """As Autolab reads them: the last line alone."""
    document = json.loads(printed.splitlines()[-1])
    assert document.keys() == {"scores"}
    assert all(isinstance(value, int | float) for value in document["scores"].values())
    return document["scores"]


def test_a_right_submission_gets_every_point_under_the_names_of_the_problems(released, tmp_path):
    done = ran(laid_out(released, tmp_path / "job", right()))
    assert scores(done.stdout) == {"Task 1": 10, "Task 2": 5}
    readme = (tmp_path / "package" / "README.md").read_text(encoding="utf-8")
    assert "| Task 1 | 10 | Tensors and modules |\n| Task 2 | 5 | Training |" in readme
    presentation = json.loads(done.stdout.splitlines()[-2])
    assert presentation["_presentation"] == "semantic"
    assert all(test["passed"] for stage in presentation["stages"] for test in presentation[stage].values())


def test_a_container_without_utf8_takes_what_a_student_prints(released, tmp_path):
    files = {name: content + "\nprint('π is 3.14 …')\n".encode() for name, content in right().items()}
    done = ran(laid_out(released, tmp_path / "job", files), env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert scores(done.stdout) == {"Task 1": 10, "Task 2": 5}
    assert "π is 3.14 …" in done.stdout


@pytest.mark.slow
def test_what_a_student_prints_never_begins_a_line(released, tmp_path):
    files = right()
    aloud = f"b'\\n{FORGED}\\n'"
    for loud in (
        f"print('\\n{FORGED}\\n')",
        f"import os; os.write(1, {aloud}); os.write(2, {aloud})",
        f"import atexit; atexit.register(print, '{FORGED}')",
    ):
        shutil.rmtree(tmp_path / "job", ignore_errors=True)
        shutil.rmtree(tmp_path / "package", ignore_errors=True)
        given = {name: content + f"\n{loud}\n".encode() for name, content in files.items()}
        done = ran(laid_out(released, tmp_path / "job", given))
        assert scores(done.stdout) == {"Task 1": 10, "Task 2": 5}
        assert not any(line.startswith(FORGED) for line in done.stdout.splitlines())


def test_a_kill_in_the_middle_leaves_scores_in_the_last_line(released, tmp_path):
    files = hanging()
    files["tensor.py"] += f"\nprint('''{FORGED}''')\n".encode()
    command, log = laid_out(released, tmp_path / "job", files), tmp_path / "log"
    printed = killed(command, lambda: log.is_file() and b'{"scores"' in log.read_bytes(), log)
    assert scores(printed) == {"Task 1": 10, "Task 2": 0}


def test_an_archive_that_cannot_be_read_is_told_and_its_scores_are_zero(released, tmp_path):
    command = laid_out(released, tmp_path / "job", {})
    hand_in(tmp_path / "job", {"ada@example.org_1_handin.zip": b"PK\x03\x04 and no more"})
    done = ran(command)
    assert "Traceback" not in done.stderr
    assert scores(done.stdout) == {"Task 1": 0, "Task 2": 0}
    assert "handin.zip" in done.stdout


def test_the_grader_is_not_in_the_image(tmp_path, released):
    package = unpack(released / "autolab.zip", tmp_path)
    copied = [line for line in (package / "Dockerfile").read_text().splitlines() if line.startswith(("COPY", "ADD"))]
    assert copied == ["COPY requirements.txt /tmp/requirements.txt", "COPY data /data"]
    assert [path.name for path in (package / "data").iterdir()] == ["README.md"]
