"""The handout as a kit: each script is run as a student runs it, on right, unfinished and broken work."""

from __future__ import annotations

import hashlib
import importlib
import os
import pickle
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import server
from python2 import dumped

pytestmark = pytest.mark.medium

ROOT = Path(__file__).parents[1]
CHECKS = ("gradcheck_layers.py", "gradcheck_classifier.py", "check_softmax_stability.py")


def run(folder: Path, *command: object, **options: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", *map(str, command)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        **options,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture(params=["reference", "student"])
def kit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the handout, solved or not; `kit.name` says which."""
    shutil.copytree(ROOT / request.param, tmp_path / request.param)
    shutil.copyfile(
        ROOT / "fixtures" / "backprop-data.pkl", tmp_path / request.param / "backprop" / "backprop-data.pkl"
    )
    return tmp_path / request.param


@pytest.fixture
def solved(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "reference", tmp_path / "solved")
    shutil.copyfile(ROOT / "fixtures" / "backprop-data.pkl", tmp_path / "solved" / "backprop" / "backprop-data.pkl")
    return tmp_path / "solved"


def text_of(name: str) -> str:
    return (ROOT / "reference" / "neuralnet" / name).read_text(encoding="utf-8")


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


# Task 1: the driver


@pytest.mark.parametrize("action", ["check-both", "check-outputs", "check-grads"])
@pytest.mark.parametrize("function", ["all", "f1", "f2", "f3"])
def test_the_driver_checks_what_it_is_asked_to(kit, action, function):
    done = run(kit / "backprop", "backprop.py", "--action", action, "--function", function, "--seed", 3)
    assert done.returncode == (0 if kit.name == "reference" else 1)
    rows = [line.split("  ")[0] for line in done.stdout.splitlines()[1:]]
    shown = {"all": {"f1", "f2", "f3"}, "f1": {"f1"}, "f2": {"f2"}, "f3": {"f3"}}[function]
    assert {row.split()[0] for row in rows} - {"f4"} == shown
    assert ("not implemented yet" in done.stdout) == (kit.name == "student")


def test_the_driver_finds_a_wrong_backward_pass_and_a_wrong_output(solved):
    replace(solved / "backprop" / "functions.py", "grad_s1 = grad_e1 * e1", "grad_s1 = grad_e1")
    done = run(solved / "backprop", "backprop.py")
    assert done.returncode == 1
    assert "WRONG" in done.stdout
    assert run(solved / "backprop", "backprop.py", "--action", "check-outputs").returncode == 0
    replace(solved / "backprop" / "functions.py", "L = -math.log(p)", "L = -math.log10(p)")
    assert run(solved / "backprop", "backprop.py", "--action", "check-outputs").returncode == 1


def test_the_driver_saves_outputs_once_and_checks_against_them(solved):
    folder = solved / "backprop"
    assert run(folder, "backprop.py", "--action", "save-outputs", "--pkl-path", "mine.pkl").returncode == 0
    data = pickle.loads((folder / "mine.pkl").read_bytes())
    assert set(data) == {"f1", "f2", "f3 (y=1)", "f3 (y=2)"}
    assert run(folder, "backprop.py", "--action", "check-outputs", "--pkl-path", "mine.pkl").returncode == 0
    again = run(folder, "backprop.py", "--action", "save-outputs", "--pkl-path", "mine.pkl")
    assert again.returncode == 1
    assert "is here already" in again.stderr


def test_the_driver_says_where_its_data_should_be(solved):
    done = run(solved / "backprop", "backprop.py", "--pkl-path", "nowhere.pkl")
    assert done.returncode == 1
    assert "nowhere.pkl is not here" in done.stderr


# Tasks 2 and 3: the check scripts


@pytest.mark.parametrize("script", CHECKS)
def test_a_check_script_passes_right_work_and_fails_unfinished_work(kit, script):
    done = run(kit / "neuralnet", script)
    assert done.returncode == (0 if kit.name == "reference" else 1), done.stdout
    assert ("not implemented yet" in done.stdout) == (kit.name == "student")


@pytest.mark.parametrize(
    ("script", "old", "new"),
    [
        ("gradcheck_layers.py", "grad_b = grad_out.sum(axis=0)", "grad_b = grad_out.sum(axis=0, keepdims=True)"),
        ("gradcheck_layers.py", "    grad_x /= N\n", ""),
        ("gradcheck_classifier.py", "grad_w = x.T @ grad_out", "grad_w = x.T @ grad_out / 2"),
        ("check_softmax_stability.py", "shifted = x - x.max(axis=1, keepdims=True)", "shifted = x"),
        (
            "check_softmax_stability.py",
            "loss = -log_p[rows, y].mean()",
            "loss = -(np.eye(x.shape[1])[y] * np.log(np.exp(log_p))).sum() / N",
        ),
    ],
)
def test_a_check_script_fails_broken_work(solved, script, old, new):
    replace(solved / "neuralnet" / "layers.py", old, new)
    done = run(solved / "neuralnet", script)
    assert done.returncode == 1
    assert "WRONG" in done.stdout or "UNSTABLE" in done.stdout


def test_files_that_are_not_what_they_should_be_get_a_sentence(solved):
    done = run(solved / "backprop", "backprop.py", "--pkl-path", "backprop.py")
    assert done.returncode == 1
    assert "backprop.py is not a file of recorded outputs" in done.stderr
    done = run(solved / "backprop", "backprop.py", "--action", "check-outputs", "--function", "f4")
    assert done.returncode == 1
    assert "holds no outputs of f4" in done.stderr
    (solved / "neuralnet" / "checkpoint.pkl").write_bytes(b"")
    done = run(solved / "neuralnet", "test.py")
    assert done.returncode == 1
    assert "is not a model that train.py saved" in done.stderr
    done = run(solved / "neuralnet", "train.py", "--plot-file", "nowhere/plot.pdf")
    assert done.returncode == 1
    assert "nowhere/plot.pdf is in no folder that is here" in done.stderr


# The given modules


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    """The reference's modules under their own names, for the length of a test."""
    names = ("layers", "classifier", "linear_classifier", "two_layer_net", "optim", "data", "utils")
    monkeypatch.syspath_prepend(ROOT / "reference" / "neuralnet")
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield {name: importlib.import_module(name) for name in names}
    for name in names:
        sys.modules.pop(name, None)


def test_a_sampler_gives_each_image_once_in_a_new_order_with_a_short_last_batch(given):
    X, y = np.arange(10.0)[:, None], np.arange(10)
    sampler = given["data"].DataSampler(X, y, 4)
    assert len(sampler) == 2
    first, second = list(sampler), list(sampler)
    assert [len(labels) for _, labels in first] == [4, 4, 2]
    for batches in (first, second):
        assert sorted(np.concatenate([labels for _, labels in batches])) == list(range(10))
        assert all((images[:, 0] == labels).all() for images, labels in batches)
    assert not all((a[1] == b[1]).all() for a, b in zip(first, second, strict=True))


def test_sgd_steps_in_place(given):
    w = np.ones(2)
    given["optim"].SGD({"w": w}, 0.5).step({"w": np.array([1.0, -1.0])})
    np.testing.assert_array_equal(w, [0.5, 1.5])


def test_a_saved_model_is_loaded_with_its_own_sizes(given, tmp_path):
    model = given["two_layer_net"].TwoLayerNet(4, 3, 5)
    model.save(tmp_path / "m.pkl")
    loaded = given["two_layer_net"].TwoLayerNet.load(tmp_path / "m.pkl")
    for name, array in model.parameters().items():
        np.testing.assert_array_equal(loaded.parameters()[name], array)
    X = np.random.default_rng(0).normal(size=(6, 4))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.predict(X).shape == (6,)


def test_accuracy_is_in_percent(given):
    class Zero(given["classifier"].Classifier):
        def forward(self, X):
            return np.tile([1.0, 0.0], (len(X), 1)), None

    sampler = given["data"].DataSampler(np.zeros((4, 1)), np.array([0, 0, 0, 1]), 3)
    assert given["utils"].check_accuracy(Zero(), sampler) == 75


def test_numeric_backward_leaves_x_as_it_was(given):
    x = np.array([0.3, -0.7])
    found = given["utils"].numeric_backward(lambda x: x**2, x, np.array([1.0, 2.0]))
    np.testing.assert_allclose(found, [0.6, -2.8], atol=1e-8)
    np.testing.assert_array_equal(x, [0.3, -0.7])


# Task 4: CIFAR-10


@pytest.fixture(scope="module")
def cifar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny data set in the official layout and dialect: ten noisy patterns, easily told apart."""
    rng = np.random.default_rng(5)
    folder = tmp_path_factory.mktemp("data") / "cifar-10-batches-py"
    folder.mkdir()
    colours = rng.integers(0, 256, size=(10, 3072))
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        labels = rng.integers(10, size=60)
        data = np.clip(colours[labels] + rng.normal(scale=20, size=(60, 3072)), 0, 255).astype(np.uint8)
        record = {"batch_label": name, "labels": labels.tolist(), "data": data, "filenames": ["a.png"] * 60}
        (folder / name).write_bytes(dumped(record))
    return folder


def test_load_cifar10_splits_without_overlap(given, cifar):
    load = partial(given["data"].load_cifar10, str(cifar), num_train=200, num_val=80, num_test=50)
    X_train, y_train, X_val, y_val, X_test, y_test = load()
    assert [len(part) for part in (X_train, y_train, X_val, y_val, X_test, y_test)] == [200, 200, 80, 80, 50, 50]
    assert X_train.dtype == np.float32
    assert y_train.dtype == np.int64
    assert X_train.shape[1] == 3072
    assert 0 <= X_train.min() <= X_train.max() <= 1
    assert not {row.tobytes() for row in X_train} & {row.tobytes() for row in X_val}
    np.testing.assert_array_equal(load()[0], X_train)
    with pytest.raises(ValueError, match="lower num_train"):
        given["data"].load_cifar10(str(cifar), num_train=10_000)
    with pytest.raises(FileNotFoundError, match=r"download_cifar\.sh"):
        given["data"].load_cifar10("nowhere")


def smaller(train: Path, num_epochs: int = 3) -> None:
    """train.py with fewer images and epochs."""
    text = train.read_text(encoding="utf-8")
    place = text.index("    np.random.seed(args.seed)")
    train.write_text(f"{text[:place]}    num_train, num_epochs = 200, {num_epochs}\n{text[place:]}", encoding="utf-8")


def accuracies(text: str, what: str) -> list[float]:
    return [float(number) for number in re.findall(rf"{what} +([\d.]+) %", text)]


@pytest.mark.parametrize(("which", "steps"), [("best", [5, 10]), ("overfit", [5, 10, 15, 20, 25, 30])])
def test_training_prints_saves_and_plots_and_the_test_reads_it(solved, cifar, which, steps):
    folder = solved / "neuralnet"
    smaller(folder / "train.py")
    replace(folder / "data.py", "num_val=5000", "num_val=80")
    options = ("--data-dir", cifar, "--checkpoint-file", "model.pkl", "--plot-file", "plot.png", "--print-every", 5)
    done = run(folder, "train.py", "--run", which, *options)
    assert done.returncode == 0, done.stderr
    assert [int(step) for step in re.findall(r"step +(\d+) +loss +\d", done.stdout)] == steps
    assert len(accuracies(done.stdout, "train")) == len(accuracies(done.stdout, "val")) == 3
    assert (folder / "plot.png").read_bytes().startswith(b"\x89PNG")
    tested = run(folder, "test.py", "--data-dir", cifar, "--checkpoint-file", "model.pkl", "--batch-size", 16)
    assert tested.returncode == 0, tested.stderr
    assert len(accuracies(tested.stdout, "Test accuracy:")) == 1


def test_training_learns_where_there_is_something_to_learn_and_saves_what_it_learned(solved, cifar):
    """In the folders and files that nothing was said about: cifar-10-batches-py, checkpoint.pkl and plot.pdf."""
    folder = solved / "neuralnet"
    smaller(folder / "train.py", num_epochs=20)
    replace(folder / "data.py", "num_val=5000", "num_val=80")
    shutil.copytree(cifar, folder / "cifar-10-batches-py")
    done = run(folder, "train.py", "--run", "overfit")
    assert done.returncode == 0, done.stderr
    assert accuracies(done.stdout, "train")[-1] > 75, done.stdout
    assert accuracies(done.stdout, "val")[-1] > 75
    assert (folder / "plot.pdf").read_bytes().startswith(b"%PDF")
    assert accuracies(run(folder, "test.py").stdout, "Test accuracy:")[0] > 75


def test_the_numbers_that_training_starts_from_learn_next_to_nothing(solved, cifar):
    """What the README says of the handout, so that there is something to tune."""
    folder = solved / "neuralnet"
    shutil.copyfile(ROOT / "student" / "neuralnet" / "train.py", folder / "train.py")
    step = re.search(r"    # BEGIN SOLUTION stub: loss, grads.*# END SOLUTION", text_of("train.py"), re.DOTALL)
    replace(folder / "train.py", "    loss, grads = None, None", step.group())
    smaller(folder / "train.py", num_epochs=3)
    replace(folder / "data.py", "num_val=5000", "num_val=80")
    done = run(folder, "train.py", "--data-dir", cifar, "--print-every", 1)
    assert done.returncode == 0, done.stderr
    assert accuracies(done.stdout, "train")[-1] < 40
    assert float(re.findall(r"loss +([\d.]+)", done.stdout)[-1]) > 2.25


@pytest.mark.parametrize("script", ["train.py", "test.py"])
def test_unfinished_work_and_missing_data_are_told_in_a_sentence(kit, script):
    done = run(kit / "neuralnet", script)
    assert done.returncode == 1
    words = "not implemented yet" if kit.name == "student" else "is not here"
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


# The download


ARCHIVE = "cifar-10-python.tar.gz"


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory, cifar: Path) -> bytes:
    path = tmp_path_factory.mktemp("packed") / ARCHIVE
    with tarfile.open(path, "w:gz") as archive:
        archive.add(cifar, arcname="cifar-10-batches-py")
    return path.read_bytes()


@pytest.fixture
def site(packed: bytes) -> Iterator[server.Site]:
    with server.serving({ARCHIVE: packed}) as site:
        yield site


def download(folder: Path, site: server.Site, packed: bytes | None = None) -> subprocess.CompletedProcess[str]:
    """download_cifar.sh, fetching from the site; told the sum of `packed`, else expecting the official one."""
    told = {"CIFAR_MD5": hashlib.md5(packed).hexdigest()} if packed else {}
    environment = os.environ | {"CIFAR_URL": f"{site.url}/{ARCHIVE}"} | told
    script = ROOT / "reference" / "neuralnet" / "download_cifar.sh"
    return subprocess.run(["bash", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")


@needs_curl
def test_the_download_is_verified_and_unpacked(tmp_path, site, packed, cifar):
    done = download(tmp_path, site, packed)
    assert done.returncode == 0, done.stderr
    assert left(tmp_path) == ["cifar-10-batches-py"]
    assert left(tmp_path / "cifar-10-batches-py") == left(cifar)
    assert "here already" in download(tmp_path, site, packed).stdout
    assert len(site.ranges) == 1


@needs_curl
def test_a_download_with_another_sum_is_not_unpacked(tmp_path, site):
    done = download(tmp_path, site)
    assert done.returncode == 1
    assert "is damaged: its md5 is " in done.stderr
    assert "not c58f30108f718f92721af3b95e74349a. Delete it" in done.stderr
    assert left(tmp_path) == [ARCHIVE]


@needs_curl
def test_a_download_that_was_cut_is_continued(tmp_path, site, packed):
    site.manners = [server.cut(1000), server.whole]
    assert download(tmp_path, site, packed).returncode != 0
    assert left(tmp_path) == [ARCHIVE]
    assert download(tmp_path, site, packed).returncode == 0
    assert site.ranges == [None, "bytes=1000-"]


@needs_curl
def test_an_archive_that_is_whole_is_not_fetched_again(tmp_path, site, packed):
    (tmp_path / ARCHIVE).write_bytes(packed)
    assert download(tmp_path, site, packed).returncode == 0
    assert (left(tmp_path), site.ranges) == (["cifar-10-batches-py"], [])


@needs_curl
def test_a_download_that_fails_leaves_no_folder(tmp_path, site, packed):
    site.files.clear()
    done = download(tmp_path, site, packed)
    assert done.returncode != 0
    assert "404" in done.stderr
    assert left(tmp_path) == []


@needs_curl
def test_an_archive_that_does_not_unpack_leaves_no_folder(tmp_path, site, packed):
    site.files[ARCHIVE] = packed[: len(packed) // 2]
    assert download(tmp_path, site, site.files[ARCHIVE]).returncode != 0
    assert left(tmp_path) == [ARCHIVE]
