"""The smallest input that fails: it is small, it can be pasted, and it fails there, too."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tiny import SECTION

from grader import cli
from grader.errors import Wrong
from grader.failing import examples
from grader.failing.replay import Unanswered, by_reference
from grader.failing.script import render
from grader.failing.shrink import Judge, cut, told, way
from grader.failing.steps import MOST_PARTS, Case, Ref, Step, parts, wanted_parts
from grader.grading import grade
from grader.intake.submission import read, stubs
from grader.loading import OWN, ROOT, load
from grader.model import CheckResult, Report
from grader.reference import Recorded, Recorder, pack
from grader.report import audience, html, text
from grader.report import json as as_json

pytestmark = pytest.mark.medium

WRONG = """
import numpy as np
from right_layers import *
import right_layers as right


def fc_backward(grad_out, cache):
    grad_x, grad_w, grad_b = right.fc_backward(grad_out, cache)
    return grad_x, grad_w / len(grad_out), grad_b


def relu_backward(grad_out, cache):
    return grad_out


def softmax_loss(x, y):
    p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    grad = p.copy()
    grad[np.arange(len(y)), y] -= 1
    return -np.log(p[np.arange(len(y)), y]).mean(), grad / len(y)


def l2_regularization(w, reg):
    loss, grad = right.l2_regularization(w, reg)
    return loss, grad[:, :2] if w.shape[1] > 2 else grad
"""


REMEMBERS = """
from right_layers import *
import right_layers as right

OUT, REG = {}, []


def fc_backward(grad_out, cache):
    grads = right.fc_backward(grad_out, cache)
    cache[0][...] = 0
    return grads


def relu_forward(x):
    out, cache = right.relu_forward(x)
    kept = OUT.setdefault(x.shape, out)
    kept[...] = out
    return kept, cache


def l2_regularization(w, reg):
    REG.append(reg)
    return right.l2_regularization(w, REG[-2] if len(REG) > 1 else reg)
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Layers that are wrong in four ways: an average, a mask, an overflow, a shape."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "right_layers.py").write_text((ROOT / "reference/neuralnet/layers.py").read_text())
    (folder / "layers.py").write_text(WRONG)
    return folder


def graded(folder: Path, *only: str, **changes: object) -> Report:
    homework = replace(load(OWN), **changes)  # type: ignore[arg-type]
    wanted = [name for section in homework.rubric.sections for name in section.submit]
    submission = read(folder, wanted, stubs(homework.handout, wanted))
    return grade(submission, homework, seed=3, only=only)


@pytest.fixture(scope="module")
def report(work: Path) -> Report:
    return graded(work, "2")


@pytest.fixture(scope="module")
def checks(report: Report) -> dict[str, CheckResult]:
    return {check.name: check for item in report.items for check in item.checks}


def run(script: str, folder: Path) -> str:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], cwd=folder, capture_output=True, text=True, check=True
    ).stdout


def test_of_a_huge_answer_the_first_parts_alone_are_looked_at() -> None:
    assert len(list(parts([[]] * (2 * MOST_PARTS)))) == MOST_PARTS
    assert list(parts((1, {"w": [2]}))) == [
        ((), (1, {"w": [2]})),
        ((0,), 1),
        ((1,), {"w": [2]}),
        ((1, "w"), [2]),
        ((1, "w", 0), 2),
    ]


def test_an_average_needs_two_rows_of_one_number(checks: dict[str, CheckResult], work: Path) -> None:
    script = checks["fc_backward"].example
    lines = script.splitlines()
    assert len(lines) <= 10
    given = dict(line.split(" = ", 1) for line in lines if " = np.array(" in line)
    shapes = {name: np.array(eval(value, {"np": np})).shape for name, value in given.items()}
    assert shapes == {"x": (2, 1), "w": (1, 1), "b": (1,), "grad_out": (2, 1)}
    assert all(np.all(np.array(eval(value, {"np": np})) % 1 == 0) for value in given.values())
    x, grad_out = (np.array(eval(given[name], {"np": np})) for name in ("x", "grad_out"))
    assert np.allclose(np.array(eval(run(script, work))), x.T @ grad_out / 2)  # the student's own answer
    assert lines[-1].startswith("print(fc_backward(grad_out, cache)[1])  # wrong at [0, 0]: yours ")


def test_a_missing_mask_needs_one_number(checks: dict[str, CheckResult], work: Path) -> None:
    script = checks["relu_backward"].example
    assert script.splitlines()[2:] == [
        "x = np.array([[-1.0]])",
        "cache = relu_forward(x)[1]",
        script.splitlines()[4],
        "print(relu_backward(grad_out, cache))  # wrong at [0, 0]: yours "
        + script.splitlines()[-1].partition("yours ")[2],
    ]
    assert float(run(script, work).strip("[] \n")) != 0


def test_an_overflow_stays_one_and_a_shape_stays_one(checks: dict[str, CheckResult], work: Path) -> None:
    assert "nan" in run(checks["softmax_loss_stable"].example, work)
    assert checks["softmax_loss_stable"].example.endswith("# not finite")
    cut = checks["l2_gradient"].example
    assert "print(l2_regularization(w, " in cut
    assert cut.endswith("# shape (1, 2); expected (1, 3)")
    assert checks["fc_forward"].example == checks["relu_forward"].example == ""


def test_what_remembers_fails_in_a_process_of_its_own_too_and_after_few_calls(tmp_path: Path) -> None:
    (tmp_path / "right_layers.py").write_text((ROOT / "reference/neuralnet/layers.py").read_text())
    (tmp_path / "layers.py").write_text(REMEMBERS)
    found = {check.name: check.example for item in graded(tmp_path, "2").items for check in item.checks}
    assert [found["fc_backward"].count(f" {call}(") for call in ("fc_forward", "fc_backward")] == [1, 0]
    assert found["fc_backward"].count("\nfc_backward(") == 1
    assert found["l2_value"].count("l2_regularization(w") == 2
    for name in ("fc_backward", "l2_value"):
        assert float(run(found[name], tmp_path).strip("[] \n")) == float(found[name].split("yours ")[1].split(",")[0])
    assert found["relu_forward"] == ""  # what the first call gave is wrong after the second: no call gives it


def test_every_report_shows_it(report: Report, checks: dict[str, CheckResult]) -> None:
    example = checks["relu_backward"].example
    shown = json.loads(as_json.render(report))
    assert example in [
        check["example"] for task in shown["tasks"] for item in task["items"] for check in item["checks"]
    ]
    assert as_json.parse(shown).items[1].checks[1].example == example
    assert "x = np.array([[-1.0]])" in html.render(report, figures=False)
    console = text.Terminal(width=200)
    with console.capture() as captured:
        text.show(report, console=console)
    assert "x = np.array([[-1.0]])" in captured.get()


def test_a_hidden_check_shows_none(report: Report) -> None:
    hidden = audience.changed(report, str, lambda check: replace(check, visibility="hidden"))
    assert "np.array" not in as_json.render(hidden)
    assert "np.array" not in html.render(hidden, figures=False)
    assert "np.array" in as_json.render(hidden, audience="staff")


def test_a_script_for_one_item(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").symlink_to(work)
    assert cli.main(["mine", "--repro", "2.2", "--no-html"]) == cli.GRADED
    script = (tmp_path / "repro-2.2.py").read_text()
    assert script.startswith("# 2.2 relu_backward: grad_x of relu_backward")
    assert len(script.splitlines()) <= 10
    assert run(script, tmp_path).startswith("[[")
    (tmp_path / "repro-2.2.py").write_text("changed by hand")
    assert cli.main(["mine", "--repro", "2.2", "--no-html"]) == cli.GRADED
    assert (tmp_path / "repro-2.2-1.py").read_text() == "changed by hand"
    assert cli.main(["mine", "--repro", "9.9"]) == cli.USAGE
    assert "--repro 9.9: there is no such item; the items are 1.1" in capsys.readouterr().err
    right = ROOT / "reference"
    assert cli.main([str(right), "--repro", "2.4", "--no-html"]) == cli.GRADED
    said = "repro-2.4.py was not written: nothing was found wrong with it, so there is no input to show"
    assert said in capsys.readouterr().err
    assert not (tmp_path / "repro-2.4.py").exists()
    assert cli.main([str(right), "--repro", "2.4", "--no-html", "--fail-under", "90"]) == cli.BELOW
    assert cli.main(["mine", "--repro", "2.2", "--watch"]) == cli.USAGE


def test_a_script_finds_what_students_are_given_and_do_not_hand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    source = (ROOT / "reference/neuralnet/two_layer_net.py").read_text()
    (tmp_path / "two_layer_net.py").write_text(source.replace("fc_forward(active,", "fc_forward(hidden,"))
    (tmp_path / "layers.py").write_text((ROOT / "reference/neuralnet/layers.py").read_text())
    assert cli.main([".", "--repro", "3.1", "--no-html"]) == cli.GRADED
    script = (tmp_path / "repro-3.1.py").read_text()
    assert script.splitlines()[1:4] == [
        "import sys",
        "sys.path.insert(0, '.')",
        f"sys.path.append({(ROOT / 'student/neuralnet').as_posix()!r})",
    ]
    assert run(script, tmp_path).startswith("[[")


def test_without_a_reference_the_input_is_the_recorded_one(tmp_path: Path) -> None:
    """The course's grader makes it smaller; a handout's cannot ask what is right for it."""
    folder = ROOT / "tests/homeworks/normalization"
    live = load(folder)
    ((module, path),) = live.rubric.sections[0].modules.items()
    source = (folder / "reference" / path).read_text()
    assert "+ beta" in source
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / Path(path).name).write_text(source.replace("+ beta", "- beta"))
    submission = read(tmp_path / "mine", [Path(path).name], stubs(live.handout, [Path(path).name]))
    recorder = Recorder(vars(live.answers.modules))
    grade(submission, replace(live, answers=recorder), seed=1, only=("1.1",))
    (tmp_path / "answers.zip").write_bytes(pack(recorder, {"modules": [module], "grader": ""}))
    apart = replace(live, answers=Recorded(tmp_path / "answers.zip"), modules={})
    at_home, course = (grade(submission, one, seed=1, only=("1.1",)) for one in (apart, live))
    scripts = [next(check.example for check in one.checks if check.example) for one in (at_home, course)]
    assert len(scripts[1]) < len(scripts[0])
    for script in scripts:
        assert run(script, tmp_path / "mine")


def test_a_network_with_names_of_its_own(tmp_path: Path) -> None:
    for name in ("layers.py", "classifier.py"):
        (tmp_path / name).write_text((ROOT / "reference/neuralnet" / name).read_text())
    (tmp_path / "two_layer_net.py").write_text((ROOT / "tests/submissions/wrong-no-relu/two_layer_net.py").read_text())
    checks = {check.name: check for item in graded(tmp_path, "3").items for check in item.checks}
    lines = checks["net_forward"].example.splitlines()
    assert "net = TwoLayerNet(1, 1, 1, 1.0)" in lines
    assert "        net.parameters()[name][...] = array".removeprefix("    ") in lines
    assert lines[-1].startswith("print(net.forward(X)[0])  # wrong at [0, 0]: yours ")
    assert run(checks["net_forward"].example, tmp_path)


def test_a_write_into_the_parameters_that_fails_is_shown_as_a_write(tmp_path: Path) -> None:
    for name in ("layers.py", "classifier.py"):
        (tmp_path / name).write_text((ROOT / "reference/neuralnet" / name).read_text())
    source = (ROOT / "reference/neuralnet/two_layer_net.py").read_text()
    shared = source.replace("        params = {", "        params = vars(TwoLayerNet).get('last', {}) or {")
    made = "        self.b2 = np.zeros(num_classes)\n"
    source = shared.replace(
        made, made + "        TwoLayerNet.last = None\n        TwoLayerNet.last = self.parameters()\n"
    )
    (tmp_path / "two_layer_net.py").write_text(source)
    checks = {check.name: check for item in graded(tmp_path, "3").items for check in item.checks}
    example = checks["net_backward"].example
    assert example.splitlines()[-1].startswith(
        "    net.parameters()[name][...] = array  # parameters returned something"
    )
    (tmp_path / "example.py").write_text(example)
    ended = subprocess.run([sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True)
    assert "ValueError: could not broadcast" in ended.stderr


def test_a_reference_that_prints_asks_or_leaves_does_so_for_no_example(capsys):
    def f(x: float) -> float:
        print("asked", file=sys.stdout)
        print("asked", file=sys.stderr)
        raise SystemExit(input())

    steps = [Step("call", "layers", ("f",), (1.0,), {})]
    with pytest.raises(Unanswered, match="EOFError"):
        by_reference(SimpleNamespace(layers=SimpleNamespace(f=f)), steps, {})
    with pytest.raises(Unanswered, match="SystemExit: 2"):
        by_reference(SimpleNamespace(layers=SimpleNamespace(f=sys.exit)), [replace(steps[0], args=(2,))], {})
    assert capsys.readouterr() == ("", "")


def test_what_a_reference_leaves_behind_when_it_fails_says_nothing_when_it_is_deleted(capsys):
    """An event loop of asyncio does, which gets no socket here, and so does a coroutine that nothing awaited."""

    class Loop:
        def __del__(self) -> None:
            print("unclosed", file=sys.stderr)

    def f(x: float) -> float:
        loop = Loop()
        raise PermissionError(x, str(loop))

    async def g(x: float) -> float:
        return x

    for function in (f, g):
        with pytest.raises(Unanswered):
            by_reference(
                SimpleNamespace(work=SimpleNamespace(f=function)), [Step("call", "work", ("f",), (1.0,), {})], {}
            )
    assert capsys.readouterr() == ("", "")


def test_a_reference_loads_no_file_of_a_students_and_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What it would load may be a pickle that runs what a student wrote."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.pkl").write_bytes(b"theirs")
    net = SimpleNamespace(load=lambda file: Path(file).read_text(), save=lambda file: Path(file).write_text("saved"))
    save, load_ = (Step("call", "net", (name,), ("model.pkl",), {}) for name in ("save", "load"))
    with pytest.raises(Unanswered, match="FileNotFoundError"):
        by_reference(SimpleNamespace(net=net), [load_], {})
    assert by_reference(SimpleNamespace(net=net), [save, load_], {}) == "saved"
    assert (tmp_path / "model.pkl").read_bytes() == b"theirs"
    theirs = Step("call", "net", ("load",), (str(tmp_path / "model.pkl"),), {})
    with pytest.raises(Unanswered, match="Act: the reference may not do this here"):
        by_reference(SimpleNamespace(net=net), [theirs], {})


def test_where_the_rows_of_a_sparse_matrix_end_is_cut_with_its_numbers():
    """Else the example holds a matrix that no right code can read."""
    step = Step("call", "sparse", ("CSR",), (np.ones(4), np.array([0, 1, 0, 1]), np.array([0, 2, 4])), {})
    smaller = [steps[0].args for steps in cut((step,), 4, 1, last=False)]
    assert smaller
    assert all(ends.max() <= len(data) == 1 for data, _, ends in smaller)


def test_once_an_example_is_found_the_student_is_asked_only_what_the_reference_confirms(monkeypatch):
    asked = []

    def judge(session: object, modules: object, case: int, until: float) -> SimpleNamespace:
        again = lambda: asked.append(case) or case  # noqa: E731
        return SimpleNamespace(late=False, trusts=lambda: case == 3, again=again, excuses=lambda: False, case=case)

    monkeypatch.setattr(examples, "Judge", judge)
    monkeypatch.setattr(examples, "smallest", lambda judge: judge.case)
    monkeypatch.setattr(examples, "alone", lambda judge, case: True)
    found = examples.example(SimpleNamespace(renew=lambda: None), None, [1, 2, 3, 4], 0.0)
    assert (found, asked) == (3, [1, 3])


def test_an_exception_that_the_reference_raises_too_is_no_example() -> None:
    def decode(ids: list[int]) -> bytes:
        return bytes(ids)  # raises ValueError above 255: what `encode` gave is wrong, and not `decode`

    def excused(number: int, raised: str, modules: object) -> bool:
        case = Case((Step("call", "text", ("decode",), ([number],), {}),), raised=raised)
        return Judge(None, modules, case, math.inf).excuses()

    modules = SimpleNamespace(text=SimpleNamespace(decode=decode))
    assert excused(1000, "decode raised ValueError", modules)
    assert not excused(1000, "decode raised KeyError", modules)
    assert not excused(100, "decode raised ValueError", modules)
    assert not excused(1000, "decode raised AttributeError", None)


def test_an_input_without_a_right_answer_is_no_example() -> None:
    def ask(op: str, owner: str, path: object, batches: list[tuple[np.ndarray]], named: object) -> list[float]:
        return [float(batches[0][0].var())]

    def failing(size: int) -> Case | None:
        return judge.failing((Step("call", "text", ("variance",), (np.arange(float(size)),), {}),))

    modules = SimpleNamespace(text=SimpleNamespace(variance=lambda x: float(x.var(ddof=1))))
    case = Case((), wrong=Wrong(1.25, 5 / 3, 1e-9))
    judge = Judge(SimpleNamespace(ask=ask), modules, case, math.inf)  # type: ignore[arg-type]
    assert failing(2) is not None
    with warnings.catch_warnings(action="ignore"):
        assert failing(1) is None


def test_a_right_answer_that_is_a_tensor_with_gradients_is_compared_as_numbers():
    torch = pytest.importorskip("torch")
    right = torch.ones(2, requires_grad=True)
    wrong = Wrong(torch.zeros(2), right, 1e-9)
    assert "yours 0" in told(wrong)
    assert [found.expected for _, found in wanted_parts(wrong)][-1] == 1.0
    inside = SimpleNamespace(layers=SimpleNamespace(f=lambda x: x * right))
    with pytest.raises(Unanswered, match="deepcopy"):
        by_reference(inside, [Step("call", "layers", ("f",), (1.0,), {})], {})


def test_an_answer_differs_by_what_its_check_would_reject():
    def differs(yours: float, right: float) -> str:
        return way(Wrong(np.array([yours]), np.array([right]), 0.0, 1e-6), np.array([right]))

    assert (differs(2.0, 2.0), differs(0.0, 0.0), differs(2.1, 2.0)) == ("", "", "values")
    assert differs(2.0, np.inf) == "values"


def test_an_object_of_the_students_that_lies_in_a_list_has_a_name():
    made, other = (Step("call", "functions", ("Node",), (number,), {}) for number in (1, 2))
    last = Step("call", "functions", ("total",), ([Ref(0, ())],), {"rest": {"b": (Ref(1, ()),)}})
    said = render(Case((made, other, last)), SECTION, {})
    assert said.splitlines()[1:] == ["node = Node(1)", "node2 = Node(2)", "print(total([node], rest={'b': (node2,)}))"]


def test_a_tensor_is_written_as_python():
    torch = pytest.importorskip("torch")
    x = torch.tensor([[1.5, -2.0]], requires_grad=True)
    many = {
        "mask": torch.tensor([True]),
        "y": torch.tensor([3.0, math.inf], dtype=torch.float64),
        "no": torch.zeros(0, 2),
    }
    said = render(Case((Step("call", "functions", ("total",), (x, x, many), {}),)), SECTION, {})
    lines = said.splitlines()
    assert lines[:2] == ["import numpy as np", "import torch"]
    assert lines[-1] == "print(total(x, x, {'mask': mask, 'y': y, 'no': no}))"
    given: dict[str, object] = {"total": lambda *values: None}
    exec("\n".join(line for line in lines if not line.startswith("from ")), given)
    for value, name in ((x, "x"), *((part, key) for key, part in many.items())):
        assert torch.equal(value, given[name])
        assert (value.dtype, value.requires_grad) == (given[name].dtype, given[name].requires_grad)
