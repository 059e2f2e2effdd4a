"""student/ is what reference/ makes it, and no solution leaves with it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from grader import handout, rubric
from grader.errors import UsageError
from grader.model import HandoutPlan

ROOT = Path(__file__).parents[1]
REFERENCE, STUDENT, FIXTURES = ROOT / "reference", ROOT / "student", ROOT / "fixtures"
PLAN = rubric.load(handout.OWN / "rubric.yaml")
FILES = PLAN.handout.files


def lying_in(folder: Path) -> set[str]:
    kept = subprocess.run(["git", "ls-files", "-z", "."], cwd=folder, capture_output=True, text=True)
    return {name for name in kept.stdout.split("\0") if name}


def code(path: Path) -> str:
    """A file's text; of a notebook the code alone."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    return "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code")


def test_student_is_made_from_reference():
    made = handout.contents(REFERENCE, FIXTURES, PLAN)
    for name, content in made.items():
        path = STUDENT / name
        assert path.is_file(), f"student/{name} is missing; run python -m grader.handout --overwrite"
        assert path.read_bytes() == content, f"student/{name} has drifted; run python -m grader.handout --overwrite"
    assert lying_in(STUDENT) <= set(made), "student/ holds files that nothing makes"


def test_making_it_again_changes_nothing(tmp_path):
    handout.make(handout.contents(REFERENCE, FIXTURES, PLAN), tmp_path)
    for name in handout.contents(REFERENCE, FIXTURES, PLAN):
        assert (tmp_path / name).read_bytes() == (STUDENT / name).read_bytes()
    assert (tmp_path / "neuralnet" / "download_cifar.sh").stat().st_mode & 0o100


def test_work_in_the_handout_is_not_overwritten_unasked(tmp_path, capsys):
    assert handout.main([str(tmp_path)]) == 0
    assert "written: neuralnet/layers.py" in capsys.readouterr().out
    assert handout.main([str(tmp_path)]) == 0
    assert "up to date" in capsys.readouterr().out
    mine = tmp_path / "neuralnet" / "layers.py"
    mine.write_text("mine")
    assert handout.main([str(tmp_path)]) == 2
    assert "other versions of neuralnet/layers.py; use --overwrite to replace them" in capsys.readouterr().err
    assert mine.read_text() == "mine"
    assert handout.main([str(tmp_path), "--overwrite"]) == 0
    told, written = capsys.readouterr().out.splitlines()
    assert written == "written: neuralnet/layers.py"
    kept = Path(told.partition(": ")[2])
    assert kept.parent == tmp_path.parent, "inside it a copy could be taken for a second hand-in"
    assert (kept / "neuralnet" / "layers.py").read_text() == "mine"
    assert mine.read_bytes() == (STUDENT / "neuralnet" / "layers.py").read_bytes()


def test_without_a_reference_the_packed_copy_is_the_handout(tmp_path):
    assert handout.main([str(tmp_path / "handout.zip")]) == 0
    assert (
        handout.pristine(tmp_path, PLAN) == handout.contents(REFERENCE, FIXTURES, PLAN) == handout.pristine(ROOT, PLAN)
    )
    (tmp_path / "handout.zip").unlink()
    with pytest.raises(UsageError, match=r"handout\.zip and no folder reference"):
        handout.pristine(tmp_path, PLAN)


def test_no_line_of_a_solution_is_in_the_handout():
    """Lines that stand only inside a marked region of their own file are solutions."""
    for name in FILES:
        text = code(REFERENCE / name)
        if not handout.MARK.search(text):
            continue
        inside, outside, opened = set(), set(), False
        for line in text.splitlines():
            opened = (opened or bool(handout.BEGIN.fullmatch(line))) and not handout.END.fullmatch(line)
            (inside if opened else outside).add(line.strip())
        leaked = {line for line in inside - outside if len(line) > 12 and "SOLUTION" not in line}
        assert leaked, name
        made = {line.strip() for line in code(STUDENT / name).splitlines()}
        assert not leaked & made, name
        assert "SOLUTION" not in "".join(made)


def test_a_region_becomes_its_stub():
    text = "def f(x):\n    # BEGIN SOLUTION stub: out = None\n    out = 2 * x\n    # END SOLUTION\n    return out\n"
    assert handout.render(text) == "def f(x):\n    # Your code here.\n    out = None\n    return out\n"


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_a_reference_of_another_system_has_its_marks(tmp_path, end):
    text = "# BEGIN SOLUTION stub: x = None\nx = 2\n# END SOLUTION\n"
    (tmp_path / "a.py").write_bytes(text.replace("\n", end).encode())
    plan = replace(PLAN, handout=HandoutPlan(("a.py",)))
    assert handout.contents(tmp_path, tmp_path, plan) == {"a.py": b"# Your code here.\nx = None\n"}


def test_a_region_without_a_stub_leaves_its_place():
    text = "    # BEGIN SOLUTION\n    a = 1\n    # END SOLUTION\n"
    assert handout.render(text) == "    # Your code here.\n"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("# BEGIN SOLUTION\nx = 1\n", 1, "has no END SOLUTION"),
        ("x = 1\n# END SOLUTION\n", 2, "out of place"),
        ("# BEGIN SOLUTION\n# BEGIN SOLUTION\n# END SOLUTION\n", 2, "out of place"),
        ("# BEGIN SOLUTION stubb: x\n# END SOLUTION\n", 1, "is no mark; write `# BEGIN SOLUTION`"),
        ("# BEGIN SOLUTION stub:\n# END SOLUTION\n", 1, "is no mark"),
        ("#BEGIN SOLUTION\nx\n# END SOLUTION\n", 1, "is no mark"),
        ("x = 1  # BEGIN SOLUTION\n# END SOLUTION\n", 1, "on a line of its own"),
        ("# BEGIN SOLUTION\n# END SOLUTION, at last\n", 2, "is no mark"),
        ("# begin solution\nx = 1\n# end solution\n", 1, "is no mark; write `# BEGIN SOLUTION`"),
        ("x = 1\n#Start_Solution\n", 2, "is no mark"),
        ("# BEGIN  SOLUTION\nx = 1\n", 1, "is no mark"),
    ],
)
def test_a_malformed_mark_is_an_error_that_names_its_line(text, line, says):
    with pytest.raises(UsageError, match=rf"line {line}:.*{says}"):
        handout.render(text)


NOTEBOOKS = [name for name in FILES if name.endswith(".ipynb")]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_handed_out_valid_and_not_run(name):
    notebook = nbformat.read(STUDENT / name, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert cell.source.strip(), "an empty cell explains nothing"
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
            assert cell.source.startswith("# STUDENT: ") == ("student" in cell.metadata.get("tags", []))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_solved_notebook_was_run_from_top_to_bottom(name):
    cells = [cell for cell in nbformat.read(REFERENCE / name, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not [output for cell in cells for output in cell.outputs if output.output_type == "error"]


def test_a_solution_and_the_tag_of_a_cell_belong_together():
    text = (REFERENCE / "part1.ipynb").read_text(encoding="utf-8")
    with pytest.raises(UsageError, match='cell 7 needs both the tag "student"'):
        handout.render_notebook(text.replace('"student"', '"studnt"', 1))


def test_a_notebook_may_lack_what_its_editor_did_not_write():
    notebook = {"cells": [], "metadata": {"kernelspec": {"name": "python3"}}, "nbformat": 4, "nbformat_minor": 5}
    assert json.loads(handout.render_notebook(json.dumps(notebook))) == notebook


def test_a_mistake_in_a_notebook_names_its_cell_and_line():
    text = (REFERENCE / "part1.ipynb").read_text(encoding="utf-8")
    with pytest.raises(UsageError, match="cell 7, line 2"):
        handout.render_notebook(text.replace("# END SOLUTION", "# END", 1))


def test_a_mistake_names_its_file(tmp_path):
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("# END SOLUTION\n" if name.endswith("layers.py") else "")
    with pytest.raises(UsageError, match=r"/neuralnet/layers\.py:1: "):
        handout.contents(tmp_path, FIXTURES, PLAN)


def test_the_graphs_are_what_draws_them():
    spec = importlib.util.spec_from_file_location("draw", REFERENCE / "graphs" / "draw.py")
    draw = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(draw)
    for name in draw.GRAPHS:
        assert (REFERENCE / "graphs" / f"{name}.svg").read_text(encoding="utf-8") == draw.draw(name)


def test_the_recorded_fixtures_are_what_their_script_makes(tmp_path):
    made = tmp_path / "data.pkl"
    subprocess.run([sys.executable, FIXTURES / "make_backprop_data.py", made], check=True)
    assert made.read_bytes() == (FIXTURES / "backprop-data.pkl").read_bytes()


def test_a_project_without_a_reference_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(handout, "ROOT", tmp_path)
    assert handout.main([]) == 2
    assert "has no reference/, so nothing can be made out of it; run this in the project" in capsys.readouterr().err
    (tmp_path / handout.PACKED).write_bytes(b"")
    assert handout.main([]) == 2
    assert "the untouched files are in" in capsys.readouterr().err
