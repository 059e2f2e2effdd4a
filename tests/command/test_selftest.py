"""`selftest`: what it prints, and how it ends."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from grader import cli
from grader.command import selftest
from grader.report import progress

pytestmark = pytest.mark.medium
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def whole_lines(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)


def run_on(folder: Path, capsys, *options: str) -> tuple[int, str]:
    code = cli.main(["selftest", "--homework", str(folder), "--quick", "--jobs", "1", *options])
    return code, capsys.readouterr().out


def test_a_check_that_sees_less_is_told_with_what_it_no_longer_sees(folder, tmp_path, capsys):
    code, before = run_on(folder, capsys, "--json", str(tmp_path / "found.json"))
    found = json.loads((tmp_path / "found.json").read_text())
    assert (code, found["false_acceptances"]["count"]) == (selftest.SOUND, 0)  # of a homework that was just begun
    assert found["controls"]["checks_that_reject_none"] == []
    assert found["false_rejections"]["count"] == 0
    assert "false acceptances: " in before
    assert re.search(r"sentences of more than 30 words: 0 of \d+\n", before)
    assert found["sentences"]["of_more_than_30_words"] == 0 < found["sentences"]["count"]
    seeds = [one["seed"] for one in found["mutants"]]
    assert len(set(seeds)) == len(seeds) > 1
    text = (folder / "checks.py").read_text()
    (folder / "checks.py").write_text(re.sub(r"expect_close\(hw, .*", "pass", text))
    code, after = run_on(folder, capsys, "--json", str(tmp_path / "found.json"))
    assert code == selftest.FINDINGS
    assert "rejects none of the wrong answers that were built for it" in after
    assert "false acceptances" not in after


KINDS = """

import enum

class Mood(enum.Enum):
    GOOD = 1
    BAD = 2

class Day:
    def __init__(self, hours):
        self.hours = hours

    @property
    def minutes(self):
        return 60.0 * len(self.hours)

    @staticmethod
    def mood(hours):
        return Mood.GOOD if len(hours) > 4 else Mood.BAD
"""


def test_a_property_is_changed_and_what_cannot_be_wrong_is_not(folder, capsys):
    with (folder / "reference" / "work.py").open("a") as file:
        file.write(KINDS)
    with (folder / "checks.py").open("a") as file:
        for name, claim in (("minutes", 'hw.work.Day(["6", "7"]).minutes == 120'),
                            ("mood", 'hw.work.Day.mood(["6"]).name == "BAD"')):  # fmt: skip
            head = f'\n\n@check("1.1", "work.Day.{name}")\ndef {name}(hw, rng):'
            file.write(f'{head}\n    """It is right."""\n    assert {claim}\n')
    rubric = (folder / "rubric.yaml").read_text()
    (folder / "rubric.yaml").write_text(rubric.replace("[weighted_sum]", "[minutes, mood]"))
    (folder / "checks.py").write_text(
        (folder / "checks.py").read_text().replace('@check("1.1", "work.weighted_sum")\n', "")
    )
    for name in ("wrong.yaml", "selftest.yaml"):
        (folder / name).unlink()
    code, out = run_on(folder, capsys)
    assert code == selftest.FINDINGS
    assert "no check that is tried runs work.weighted_sum: nothing" in out
    assert "\nno wrong answer can be made for mood; add a mistake to wrong.yaml that it finds\n" in out
    (folder / "wrong.yaml").write_text('good: {file: work.py, old: "else Mood.BAD", new: "else Mood.GOOD"}\n')
    code, out = run_on(folder, capsys)
    assert "controls: each check rejects a wrong answer of its kind" in out
    assert "Day.__init__" not in out
    assert re.search(r"factor +0 of 2", out), out


LEVEL = """

def level(x):
    if x < 0:
        raise ValueError(f"the level is {x}")
    return x ** 0.5
"""


@pytest.mark.parametrize("about", [', "work.level"', ""])
@pytest.mark.parametrize(
    ("also", "ends", "rejects"),
    [
        ("pass", "raise AssertionError", True),
        ("pass", "pass", False),
        ("hw.work.weighted_sum(rng.normal(size=(2, 3)), rng.normal(size=3))", "raise AssertionError", False),
    ],
    ids=["seen", "not seen", "an answer is not looked at"],
)
def test_the_wrong_answer_for_a_check_of_an_exception_is_that_none_is_raised(
    also, ends, rejects, about, folder, capsys
):
    with (folder / "reference" / "work.py").open("a") as file:
        file.write(LEVEL)
    with (folder / "checks.py").open("a") as file:
        file.write(f'\n\n@check("1.1"{about})\ndef below(hw, rng):\n    """A level below 0 raises ValueError."""\n')
        file.write(
            f"    {also}\n    try:\n        hw.work.level(-1.0)\n    except ValueError:\n        return\n    {ends}\n"
        )
    rubric = (folder / "rubric.yaml").read_text()
    (folder / "rubric.yaml").write_text(rubric.replace("[weighted_sum]", "[weighted_sum, below]"))
    out = run_on(folder, capsys)[1]
    lacking = "below rejects none of the wrong answers that were built for it; make it see one, or add a mistake"
    rejects = rejects or (also != "pass" and about != "")  # what a check is about counts before what else it runs
    assert (lacking in out) != rejects
    assert ("controls: each check rejects a wrong answer of its kind" in out) == rejects
    assert "no check that is tried runs" not in out


def test_right_work_that_is_rejected_is_named(folder, capsys):
    path = next((folder / "right").glob("*/work.py"))
    path.write_text(path.read_text().replace("*", "+"))
    code, out = run_on(folder, capsys)
    assert code == selftest.FINDINGS
    assert re.search(r"false rejections: 1 of 2 \(2 right solutions, 1 seeds each\)", out)
    assert f"{path.parent.name}, seed 1: " in out


def test_a_reference_that_fails_and_options_that_are_none_are_usage(folder, capsys):
    for options, says in (
        (["--seeds", "0"], "--seeds is 0"),
        (["--task", "9"], "there is no task 9"),
        (["--json", str(folder / "none" / "f.json")], "there is no folder"),
    ):
        assert cli.main(["selftest", "--homework", str(folder), *options]) == cli.USAGE
        assert says in capsys.readouterr().err
    checks = folder / "checks.py"
    checks.write_text(checks.read_text().replace("answer, hw.reference", "answer, 1 + hw.reference"))
    assert cli.main(["selftest", "--homework", str(folder), "--quick"]) == cli.USAGE
    assert "the reference fails" in capsys.readouterr().err


def test_a_check_that_breaks_on_the_reference_is_a_fault_with_its_line(folder, tmp_path, capsys):
    path = folder / "checks.py"
    path.write_text(path.read_text().replace("    sizes =", "    1 / 0\n    sizes ="))
    code, out = run_on(folder, capsys, "--json", str(tmp_path / "found.json"))
    assert code == selftest.FAULT
    line = 1 + path.read_text().partition("1 / 0")[0].count("\n")
    said = f"the reference breaks the check weighted_sum: ZeroDivisionError: division by zero in {path}:{line}"
    assert said in out
    assert json.loads((tmp_path / "found.json").read_text())["faults"] == [said]
    assert "false rejections" not in out


def test_the_readme_lists_every_option_and_exit_code():
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    page = page.partition("### How often the checks judge wrongly")[2].partition("\n### ")[0]
    options = {option for action in selftest.parser()._actions for option in action.option_strings if "--" in option}
    assert set(re.findall(r"^\| `(--[a-z]+)", page, re.MULTILINE)) == options - {"--help"}


def test_a_copy_of_the_homework_with_a_gutted_check_fails(tmp_path, capsys):
    """From the files, as an instructor changes them."""
    home = tmp_path / "copy"
    shutil.copytree(ROOT / "grader" / "homework", home, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("reference", "fixtures"):
        shutil.copytree(ROOT / name, home / name, ignore=shutil.ignore_patterns("__pycache__"))
    path = home / "task2_layers.py"
    text = path.read_text(encoding="utf-8")
    head, mark, rest = text.partition('"""L2 regularization returns its gradient with respect to the weights."""\n')
    assert mark
    path.write_text(head + mark + "    return\n" + rest, encoding="utf-8")
    code, out = run_on(home, capsys, "--task", "2.4")
    assert code == selftest.FINDINGS
    assert "l2_gradient rejects none of the wrong answers" in out


def test_it_says_how_far_it_is_without_a_terminal(folder, capsys, monkeypatch):
    def tested(plan, grade):
        plan.on_progress("right work: 1 of 2")
        raise KeyboardInterrupt

    monkeypatch.setattr(progress, "PAUSE", 0.0)
    monkeypatch.setattr(selftest.trial, "tested", tested)
    assert cli.main(["selftest", "--homework", str(folder), "--quick", "--jobs", "1"]) == 130
    assert "right work: 1 of 2\n" in capsys.readouterr().err
