"""`new-homework` and `check-homework`: what is written is consistent, and each inconsistency is told with its place."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from grader import cli
from grader.command import check_homework as command
from grader.handout import main
from grader.report import progress

pytestmark = pytest.mark.medium
HOMEWORKS = Path(__file__).parents[1] / "homeworks"
MORE_CHECKS = '''

@check("1.1", "work.weighted_sum")
def {name}(hw: Subject, rng: np.random.Generator) -> None:
    """{name} of the answer."""
    {body}
'''


@pytest.fixture(autouse=True)
def whole_lines(monkeypatch):
    """Sentences are not wrapped, though the tests' own runner says how wide its terminal is."""
    monkeypatch.delenv("COLUMNS", raising=False)


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def add_check(folder: Path, name: str, body: str) -> None:
    with (folder / "checks.py").open("a", encoding="utf-8") as file:
        file.write(MORE_CHECKS.format(name=name, body=body))
    change(folder / "rubric.yaml", "[weighted_sum]", f"[weighted_sum, {name}]")


def checked(folder: Path, capsys, *options: str) -> tuple[int, list[str]]:
    code = cli.main(["check-homework", str(folder), "--seeds", "2", *options])
    lines = capsys.readouterr().out.splitlines()
    return code, [line for line in lines[:-1] if not line.startswith("note: ")]


def test_the_skeleton_is_consistent_whatever_its_folder_is_called(tmp_path, capsys):
    for name in ("first", "it's: a [test]", "#1"):
        assert cli.main(["new-homework", str(tmp_path / name)]) == 0
        capsys.readouterr()
        assert checked(tmp_path / name, capsys) == (0, [])


def test_a_homework_that_changes_a_dict_in_place_and_looks_at_it_is_consistent(capsys):
    assert checked(HOMEWORKS / "normalization", capsys) == (0, [])


def test_a_homework_that_is_handed_in_as_a_notebook_is_consistent(folder, capsys):
    """The reference is a script; students get a notebook, and its cells define the functions."""
    begin, solution, end = "    # BEGIN SOLUTION stub: out = None\n", "    out = x @ w\n", "    # END SOLUTION\n"
    source = f"def weighted_sum(x, w):\n{begin}{solution}{end}    return out\n"
    cells = [
        {"cell_type": "code", "metadata": {"tags": tags}, "source": text, "outputs": [], "execution_count": None}
        for text, tags in ((source, ["student"]), ("weighted_sum(x, w)", []))
    ]
    text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})
    for place in ("reference", "right/in-a-notebook"):
        (folder / place).mkdir(exist_ok=True)
        (folder / place / "work.ipynb").write_text(text, encoding="utf-8")
    change(folder / "rubric.yaml", "files: [work.py]", "files: [work.ipynb]")
    (folder / "student/work.py").unlink()
    assert main(["--homework", str(folder)]) == 0
    capsys.readouterr()
    assert checked(folder, capsys) == (0, [])


def test_a_folder_that_is_not_empty_is_refused_and_kept(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("mine")
    assert cli.main(["new-homework", str(tmp_path)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    assert cli.main(["new-homework", str(tmp_path / "notes.txt")]) == 2
    assert "cannot write" in capsys.readouterr().err


def test_a_folder_without_a_rubric_and_a_wrong_number_are_usage(tmp_path, folder, capsys):
    assert cli.main(["check-homework", str(tmp_path)]) == 2
    assert "contains no rubric.yaml" in capsys.readouterr().err
    assert cli.main(["check-homework", str(folder / "rubric.yaml")]) == 2
    assert f"rubric.yaml is a file; name the homework's folder, {folder}" in capsys.readouterr().err
    assert cli.main(["check-homework", str(folder), "--seeds", "0"]) == 2
    assert "at least 1" in capsys.readouterr().err


def solve_nothing(folder: Path) -> None:
    change(folder / "reference/work.py", "x @ w", "x @ w + 1 if len(x) == 3 else x @ w")
    change(folder / "checks.py", "hw.reference.work.weighted_sum(x, w))", "x @ w)")


def break_mark(folder: Path) -> None:
    change(folder / "reference/work.py", "# END SOLUTION", "")


def keep_old_handout(folder: Path) -> None:
    change(folder / "reference/work.py", "return out", "return out  # now")


def lose_handout(folder: Path) -> None:
    (folder / "student/work.py").unlink()


def build_on_a_class(folder: Path) -> None:
    change(folder / "reference/work.py", "def weighted_sum", "class Sum:\n    pass\n\n\ndef weighted_sum")
    change(folder / "checks.py", '"work.weighted_sum"', '"work.Sum"')
    add_check(
        folder, "upper", "expect_close(hw, 'it', hw.work.weighted_sum(np.eye(2), np.ones(2)), np.ones(2), atol=1)"
    )
    change(folder / "checks.py", '"1.1", "work.weighted_sum")\ndef upper', '"1.2")\ndef upper')
    upper = '[weighted_sum]}\n      - {id: "1.2", title: Upper, points: 1, built_on: ["1.1"], checks: [upper]}'
    change(folder / "rubric.yaml", "[weighted_sum, upper]}", upper)


def draw_nothing(folder: Path) -> None:
    change(folder / "checks.py", "import Subject, check\n", "import Subject, check\nfrom grader.model import Figure\n")
    add_check(folder, "drawn", "hw.draw(Figure('line', 'Errors', {'x': [1]}))")


def ask_nothing(folder: Path) -> None:
    add_check(folder, "imported", "hw.work.np")


def list_nothing(folder: Path) -> None:
    change(folder / "rubric.yaml", "  files: [work.py] ", "  files: [] ")


def list_too_much(folder: Path) -> None:
    change(folder / "rubric.yaml", "  files: [work.py] ", "  files: [work.py, other.py] ")


def read_no_data(folder: Path) -> None:
    with (folder / "rubric.yaml").open("a", encoding="utf-8") as file:
        file.write(f"data:\n  words: {{title: Words, places: [words], files: {{words.txt: {'0' * 32}}}}}\n")


def see_no_mistake(folder: Path) -> None:
    with (folder / "wrong.yaml").open("a", encoding="utf-8") as file:
        file.write(
            "no-mistake: {file: work.py, old: 'x @ w', new: '(x * w).sum(axis=1)', loses: ['1.1'], says: 'out'}\n"
        )


def see_no_wrong_work(folder: Path) -> None:
    (folder / "wrong/copied").mkdir(parents=True)
    (folder / "wrong/copied/work.py").write_bytes((folder / "right/by-loop/work.py").read_bytes())


def see_no_mistake_beside_what_a_ta_reads(folder: Path) -> None:
    see_no_mistake(folder)
    grade_more(folder, '{id: "1.2", title: Report, points: 5, skip: a TA reads it}')


def grade_more(folder: Path, item: str) -> None:
    change(folder / "rubric.yaml", "[weighted_sum]}", f"[weighted_sum]}}\n      - {item}")


def say_other_words(folder: Path) -> None:
    change(folder / "wrong.yaml", "out of 3 rows", "transpose")


def replace_nothing(folder: Path) -> None:
    change(folder / "wrong.yaml", "x @ w", "x * w")


def name_no_file(folder: Path) -> None:
    change(folder / "wrong.yaml", "file: work.py", "file: works.py")


def hand_out_a_solution(folder: Path) -> None:
    (folder / "student/solved.py").write_bytes((folder / "reference/work.py").read_bytes())


def submit_what_nobody_has(folder: Path) -> None:
    change(folder / "rubric.yaml", "submit: [work.py]", "submit: [work.py, words.py]")


def name_no_item(folder: Path) -> None:
    change(folder / "wrong.yaml", '"1.1"', '"7.1"')


def misspell_a_key(folder: Path) -> None:
    change(folder / "wrong.yaml", "loses:", "looses:")


def use_no_section(folder: Path) -> None:
    change(folder / "rubric.yaml", "handout:\n", "  spare: {modules: {}, submit: [spare.py]}\nhandout:\n")


def name_it_twice(folder: Path) -> None:
    path = folder / "wrong.yaml"
    path.write_text(path.read_text() + path.read_text().splitlines()[-1] + "\n")


def name_the_list_twice(folder: Path) -> None:
    (folder / "selftest.yaml").write_text("equivalent: []\nequivalent:\n  - {in: a, change: b, why: c}\n")


def break_the_yaml(folder: Path) -> None:
    change(folder / "wrong.yaml", "weights-forgotten: {", "weights-forgotten: {{")


def call_right_work_wrong(folder: Path) -> None:
    change(folder / "right/by-loop/work.py", "a * b", "a + b")


def hand_in_nothing(folder: Path) -> None:
    (folder / "right/by-loop/work.py").unlink()


def change_an_argument(folder: Path) -> None:
    change(folder / "reference/work.py", "    out = x @ w\n", "    out = x @ w\n    x *= 0\n")
    change(folder / "wrong.yaml", "x @ w", "out = x @ w")
    change(folder / "wrong.yaml", "x.sum(axis=1)", "out = x.sum(axis=1)")
    checks = (folder / "checks.py").read_text(encoding="utf-8")
    change(folder / "checks.py", next(line for line in checks.splitlines(True) if "hw.mutated" in line), "")


def break_the_reference(folder: Path) -> None:
    change(folder / "reference/work.py", "import numpy as np", "import numpy as np\n\n1 / 0")


def misspell_the_reference(folder: Path) -> None:
    change(folder / "reference/work.py", "out = x @ w", "out = x @ @ w")


def need_an_absent_package(folder: Path) -> None:
    change(folder / "reference/work.py", "import numpy as np", "import numpy as np\nimport no_such_package")


def make_half_a_package(folder: Path) -> None:
    change(folder / "reference/work.py", "import numpy as np", "import numpy as np\nfrom . import more")


def name_a_notebook(folder: Path) -> None:
    change(folder / "rubric.yaml", "{work: work.py}", "{work: work.ipynb}")


def misname_a_check(folder: Path) -> None:
    change(folder / "rubric.yaml", "[weighted_sum]", "[weighted_sums]")


def break_a_check(folder: Path) -> None:
    add_check(folder, "broken", "raise KeyError(str(hw.work.weighted_sum(np.ones((2, 2)), np.ones(2))))")


def leave_no_stub(folder: Path) -> None:
    change(folder / "reference/work.py", " stub: out = None", "")
    change(
        folder / "reference/work.py",
        "    out = x @ w\n    # END SOLUTION\n    return out",
        "    return x @ w\n    # END SOLUTION",
    )
    change(
        folder / "reference/work.py", '    """The sum of each row of x (N, D), weighted by w (D,): shape (N,)."""\n', ""
    )


def keep_a_shim_in_the_reference(folder: Path) -> None:
    change(folder / "rubric.yaml", "    forbid: [torch]", "    shims: {work_base: reference/work.py}")


def break_a_check_by_wrong_work(folder: Path) -> None:
    add_check(folder, "broken", "assert {2.0: True}[float(hw.work.weighted_sum(2 * np.eye(1), np.ones(1))[0])]")
    change(folder / "wrong.yaml", "x.sum(axis=1)", "x.sum(axis=1) + 1")


def need_what_nobody_imports(folder: Path) -> None:
    change(folder / "rubric.yaml", "    forbid: [torch]", "    forbid: [torch]\n    needs: [tourch]")


def need_a_part_of_a_package(folder: Path) -> None:
    change(folder / "rubric.yaml", "    forbid: [torch]", "    needs: [torch.nn]")


def submit_nothing(folder: Path) -> None:
    change(folder / "rubric.yaml", "submit: [work.py]", "submit: []")


def lose_the_reference(folder: Path) -> None:
    (folder / "reference/work.py").unlink()


def give_no_number(folder: Path) -> None:
    change(folder / "checks.py", "        expect_close(", "        return float('nan')\n        expect_close(")


def give_too_much(folder: Path) -> None:
    change(folder / "checks.py", "        expect_close(", "        return 50\n        expect_close(")


def be_about_nothing(folder: Path) -> None:
    change(folder / "checks.py", 'work.weighted_sum")', 'work.weighted_sums")')


def be_about_no_module(folder: Path) -> None:
    change(folder / "checks.py", '"work.weighted_sum"', '"works.weighted_sum"')


def break_the_selftest(folder: Path) -> None:
    (folder / "selftest.yaml").write_text("equivalent: [{in: work.weighted_sum, change: [}]", encoding="utf-8")


def misspell_the_selftest(folder: Path) -> None:
    entry = "  - {in: work.weighted_sum, change: x, way: none}"
    (folder / "selftest.yaml").write_text(f"equivalent:\n{entry}\n", encoding="utf-8")


def title_nothing(folder: Path) -> None:
    change(folder / "checks.py", '    """weighted_sum', '    "" """weighted_sum')
    change(folder / "checks.py", 'weighted by w."""', 'weighted by w."""[:0]')


def define_it_twice(folder: Path) -> None:
    (folder / "more.py").write_bytes((folder / "checks.py").read_bytes())


def name_it_nowhere(folder: Path) -> None:
    add_check(folder, "second", "pass")
    change(folder / "rubric.yaml", ", second]", "]")


def read_no_number(folder: Path) -> None:
    change(folder / "rubric.yaml", "points: 4,", "points: 4, tolerence: 1.0e-3,")


def read_no_policy(folder: Path) -> None:
    change(folder / "rubric.yaml", "points: 4,", "points: 4, one row: judged,")


def mark_it(folder: Path) -> None:
    change(folder / "checks.py", "import numpy as np\n", "import numpy as np\nimport pytest\n")
    change(folder / "checks.py", "@check(", "@pytest.mark.skip\n@check(")


def draw_from_numpy(folder: Path) -> None:
    change(folder / "checks.py", "rng.normal(", "np.random.normal(")


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (draw_from_numpy, r"checks\.py:9: weighted_sum asks something else each time, though the seed is the same"),
        (build_on_a_class, r"rubric\.yaml:\d+: item 1\.2 is built on 1\.1, but nothing can stand in for Sum; name it"),
        (draw_nothing, r"checks\.py:\d+: drawn draws 'Errors' as 'line', which fails; .*charts\.py says which data"),
        (mark_it, r"checks\.py:\d+: weighted_sum has pytest's mark skip, which no run of it reads; delete it"),
        (read_no_number, r"rubric\.yaml:14: no check of item 1\.1 reads tolerence; delete it, or correct its name"),
        (read_no_policy, r"rubric\.yaml:14: no check of item 1\.1 reads one row; delete it, or correct its name"),
        (need_what_nobody_imports, r"rubric\.yaml:7: section main needs tourch, but no file imports it"),
        (use_no_section, r"rubric\.yaml:7: no task has the section spare; delete it, or name it in a task"),
        (need_a_part_of_a_package, r"rubric\.yaml:6: needs names torch\.nn; name the package alone, torch"),
        (submit_nothing, r"rubric\.yaml:5: submit of section main is empty; name the files"),
        (
            lose_the_reference,
            r"rubric\.yaml:4: module work is work\.py, but there is no .*reference/work\.py; add",
        ),
        (give_no_number, r"the reference fails .*: the check returned nan, which is no fraction"),
        (give_too_much, r"the reference fails .*: the check returned 50; a fraction is at most 1"),
        (be_about_nothing, r"checks\.py:9: weighted_sum is about work\.weighted_sums, which the reference does not"),
        (be_about_no_module, r"checks\.py:9: weighted_sum is about works\.weighted_sum, which the reference does not"),
        (break_the_selftest, r"selftest\.yaml:1: this is not valid YAML"),
        (name_the_list_twice, r"selftest\.yaml:2: equivalent appears twice; rename or delete one"),
        (misspell_the_selftest, r"selftest\.yaml:2: this has to be a mapping of in, change, why"),
        (title_nothing, r"checks\.py:9: weighted_sum has no docstring"),
        (define_it_twice, r"more\.py:9: the check weighted_sum is defined twice"),
        (name_it_nowhere, r"checks\.py:23: no item names the check second"),
        (solve_nothing, r"checks\.py:\d+: the reference fails weighted_sum with seed 0: out of 3 rows"),
        (break_mark, r"work\.py:\d+: this BEGIN SOLUTION has no END"),
        (keep_old_handout, r"student/work\.py:\d+: this differs .* python -m grader\.handout"),
        (lose_handout, r"student/work\.py: the handout lists this file"),
        (ask_nothing, r"checks\.py:\d+: the untouched handout gets 2 points of imported"),
        (list_nothing, r"rubric\.yaml:4: the handout does not list work\.py"),
        (list_too_much, r"rubric\.yaml:\d+: the handout lists other\.py, but .*reference has no such file"),
        (read_no_data, r"rubric\.yaml:\d+: no task reads the data set words"),
        (see_no_mistake, r"wrong\.yaml:3: no-mistake loses no points"),
        (see_no_wrong_work, r"wrong/copied: copied loses no points"),
        (
            say_other_words,
            r"wrong\.yaml:2: no message about weights-forgotten contains 'transpose'; the first is: out of 3",
        ),
        (see_no_mistake_beside_what_a_ta_reads, r"wrong\.yaml:3: no-mistake loses no points; add a check"),
        (replace_nothing, r"wrong\.yaml:2: work\.py of the reference does not contain 'x \* w'"),
        (name_no_file, r"wrong\.yaml:2: students do not hand in works\.py; `file` must be one of work\.py"),
        (leave_no_stub, r"student/work\.py:7: expected an indented block .*: Python cannot read this file of students"),
        (keep_a_shim_in_the_reference, r"rubric\.yaml:6: .*a handout holds no file of reference/; move it beside"),
        (hand_out_a_solution, r"student/solved\.py:\d+: students would get this solution"),
        (submit_what_nobody_has, r"rubric\.yaml:\d+: submit names words\.py, which is in neither `modules` nor"),
        (name_no_item, r"wrong\.yaml:2: weights-forgotten loses points in 7\.1, but the rubric has no such item"),
        (name_it_twice, r"wrong\.yaml:3: weights-forgotten appears twice; rename or delete one"),
        (misspell_a_key, r"wrong\.yaml:2: weights-forgotten cannot have the key looses"),
        (break_the_yaml, r"wrong\.yaml:\d+: this is not valid YAML"),
        (call_right_work_wrong, r"right/by-loop: this right work fails weighted_sum \(.*checks\.py:\d+\): out of 3"),
        (hand_in_nothing, r"right/by-loop: .*holds none of work\.py"),
        (change_an_argument, r"reference/work\.py:\d+: weighted_sum changes an argument in place"),
        (break_the_reference, r"reference/work\.py:5: ZeroDivisionError: .*the reference cannot be imported"),
        (misspell_the_reference, r"reference/work\.py:\d+: SyntaxError: .*the reference cannot be imported"),
        (need_an_absent_package, r"reference/work\.py:4: ModuleNotFoundError: .*the reference cannot be imported"),
        (
            make_half_a_package,
            r"cannot be imported; a package is a folder with an `__init__\.py` that `handout:` lists",
        ),
        (name_a_notebook, r"rubric\.yaml:4: .* a \.py file in reference/; a notebook that is handed in is read as one"),
        (misname_a_check, r"rubric\.yaml:\d+: item 1\.1 names the check weighted_sums"),
        (
            break_a_check,
            r"checks\.py:\d+: the reference fails broken with seed 0: KeyError: .* in .*checks\.py:26; corr",
        ),
        (
            break_a_check_by_wrong_work,
            r"wrong\.yaml:2: weights-forgotten breaks the check broken: KeyError: .*checks\.py:26; correct",
        ),
    ],
)
def test_each_inconsistency_is_told_with_its_place_and_nothing_ends_in_a_fault(make, told, folder, capsys):
    make(folder)
    code, findings = checked(folder, capsys)
    assert code == 1
    assert any(re.search(told, finding) for finding in findings), findings
    assert sum("breaks" in finding or "the reference fails" in finding for finding in findings) <= 1  # told once
    for finding in findings:
        assert ";" in finding, f"no cure: {finding}"
        assert "Traceback" not in finding


def test_each_mistake_of_a_rubric_is_a_finding_of_its_own(folder, capsys):
    change(folder / "rubric.yaml", "points: 4", "point: 4")
    change(folder / "rubric.yaml", "section: main", "section: man")
    change(folder / "rubric.yaml", "forbid:", "forbids:")
    code = cli.main(["check-homework", str(folder)])
    out = capsys.readouterr().out.splitlines()
    assert (code, out[-1], len(out)) == (1, "3 findings", 4)
    assert all(re.match(r"rubric\.yaml:\d+: ", line) for line in out[:-1])


def test_what_is_asserted_without_a_message_is_quoted(folder, capsys):
    add_check(folder, "twice", "assert True\n    assert hw.work.weighted_sum(np.ones((1, 2)), np.ones(2)) == 3")
    number = (folder / "checks.py").read_text(encoding="utf-8").splitlines().index("    assert True") + 2
    told = f"line {number} does not hold: assert hw.work.weighted_sum(np.ones((1, 2)), np.ones(2)) == 3; correct one"
    assert told in checked(folder, capsys)[1][0]


def test_a_number_that_a_check_may_read_of_other_work_is_noted_alone(folder, capsys):
    change(folder / "rubric.yaml", "points: 4,", "points: 4, seldom: 2,")
    body = "if hw.work.weighted_sum(np.eye(2), np.ones(2))[0] > 5:\n        assert hw.settings['seldom'] > 1"
    add_check(folder, "second", body)
    cli.main(["check-homework", str(folder), "--seeds", "1"])
    out = capsys.readouterr().out
    assert "note: " in out
    assert "no check of item 1.1 reads seldom on this work; if none ever does, delete it" in out


def test_what_no_handout_could_answer_is_noted_with_its_line(folder, capsys):
    change(
        folder / "checks.py", "hw.reference.work.weighted_sum(x, w))", "hw.reference.work.weighted_sum(x, w, print))"
    )
    change(folder / "reference/work.py", ") -> np", ", say: object = None) -> np")
    cli.main(["check-homework", str(folder), "--seeds", "1"])
    out = capsys.readouterr().out
    told = r"note: `release` cannot make a handout .*checks\.py:20: reference\.work\.weighted_sum is asked with an arg"
    assert re.search(told, out), out
    assert "pass plain data to a function of a `trusted` module, which makes it" in out


def test_a_check_that_breaks_on_what_is_recorded_is_noted(folder, capsys):
    change(folder / "checks.py", "hw.reference.work.weighted_sum(x, w))", "hw.reference.work._sum(x, w))")
    change(
        folder / "reference/work.py",
        "import numpy as np\n",
        "import numpy as np\n\n\ndef _sum(x, w):\n    return x @ w\n",
    )
    cli.main(["check-homework", str(folder), "--seeds", "1"])
    out = capsys.readouterr().out
    told = (
        r"note: `release` cannot .* weighted_sum breaks on the reference: AttributeError: _sum .* _ in .*checks\.py:20;"
    )
    assert re.search(told, out), out


def test_an_argument_that_a_check_looks_at_may_be_changed(folder, capsys):
    change_an_argument(folder)
    change(folder / "checks.py", "the last call\n", "the last call\n    assert 0 in hw.mutated\n")
    change(folder / "checks.py", "weighted_sum(x, w))\n", "weighted_sum(x.copy(), w))\n")
    _, findings = checked(folder, capsys)
    assert not any("in place" in finding for finding in findings), findings


def test_a_wrong_submission_in_a_folder_may_say_what_it_loses(folder, capsys):
    (folder / "wrong/sum").mkdir(parents=True)
    text = (folder / "right/by-loop/work.py").read_text(encoding="utf-8")
    (folder / "wrong/sum/work.py").write_text(text.replace("a * b", "a + b"), encoding="utf-8")
    assert checked(folder, capsys) == (0, [])
    with (folder / "wrong.yaml").open("a", encoding="utf-8") as file:
        file.write("sum: {loses: ['1.1'], says: 'out of 3 rows'}\n")
    assert checked(folder, capsys) == (0, [])
    change(folder / "wrong.yaml", "loses: ['1.1'], ", "loses: [], ")
    code, findings = checked(folder, capsys)
    assert code == 1
    assert "sum loses points in 1.1, not in no item" in findings[0]


def test_a_mistake_costs_nothing_in_an_item_that_no_check_grades_or_that_the_reference_fails(folder, capsys):
    grade_more(folder, '{id: "1.2", title: Report, points: 5, skip: a TA reads it}')
    assert checked(folder, capsys)[0] == 0
    grade_more(folder, '{id: "1.3", title: Never right, points: 1, checks: [never]}')
    add_check(folder, "never", "assert hw.work.weighted_sum(np.eye(2), np.ones(2)) is None, 'no'")
    change(folder / "rubric.yaml", "[weighted_sum, never]", "[weighted_sum]")
    change(folder / "checks.py", '@check("1.1", "work.weighted_sum")\ndef never', '@check("1.3")\ndef never')
    code, findings = checked(folder, capsys)
    assert code == 1
    assert not [finding for finding in findings if "wrong.yaml" in finding], findings


def test_it_says_how_far_it_is_and_what_was_found_until_it_is_interrupted(folder, capsys, monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(progress, "PAUSE", 0.0)
    change(
        folder / "rubric.yaml",
        "tasks:",
        "data:\n  words: {title: Words, places: [.], files: {a.txt: abcdef01}}\ntasks:",
    )
    monkeypatch.setattr(command, "note_recording", interrupted)
    assert cli.main(["check-homework", str(folder), "--seeds", "1"]) == 130
    printed = capsys.readouterr()
    assert "no task reads the data set words" in printed.out
    assert "reference, seed 0: weighted_sum\n" in printed.err
