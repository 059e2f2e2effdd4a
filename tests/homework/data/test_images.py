"""This homework's data sets: found, verified and read; refused in one sentence; stood in for."""

from __future__ import annotations

import gzip
import hashlib
import pickle
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from python2 import dumped, opcodes

from grader.data import datasets
from grader.data.datasets import DamagedError, DataSet
from grader.errors import UsageError
from grader.homework.data import cifar10 as cifar10_reader
from grader.homework.data import fashion_mnist as fashion_reader
from grader.homework.data import synthetic
from grader.loading import OWN, load
from grader.model import Homework

pytestmark = pytest.mark.medium

HOMEWORK = load(OWN)
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
CIFAR10_FILES = list(HOMEWORK.rubric.data["cifar10"].files)
FASHION_MNIST_FILES = list(HOMEWORK.rubric.data["fashion-mnist"].files)


def changed(name: str, **changes: object) -> Homework:
    """The homework with something else declared of a data set."""
    data = {**HOMEWORK.rubric.data, name: replace(HOMEWORK.rubric.data[name], **changes)}
    return replace(HOMEWORK, rubric=replace(HOMEWORK.rubric, data=data))


def without_debian(debian: Path) -> Homework:
    """The homework on a machine where Debian's package would be somewhere else."""
    *places, _ = HOMEWORK.rubric.data["fashion-mnist"].places
    return changed("fashion-mnist", places=(*places, str(debian)))


def read_cifar10(root: Path, homework: Homework = HOMEWORK, *, unverified: bool = False) -> DataSet:
    return datasets.read(homework, "cifar10", root, unverified=unverified)


def read_fashion_mnist(root: Path, homework: Homework = HOMEWORK, *, unverified: bool = False) -> DataSet:
    return datasets.read(homework, "fashion-mnist", root, unverified=unverified)


def batch(count: int, seed: int) -> dict[str, object]:
    rng = np.random.default_rng(seed)
    return {
        "batch_label": "training batch",
        "labels": rng.integers(10, size=count).tolist(),
        "data": rng.integers(256, size=(count, 3072), dtype=np.uint8),
        "filenames": ["a.png"] * count,
    }


def write_cifar10(root: Path) -> Path:
    folder = root / "cifar-10-batches-py"
    folder.mkdir()
    for seed, name in enumerate(CIFAR10_FILES):
        record = {"num_vis": 3072} if name == "batches.meta" else batch(4 + seed, seed)
        (folder / name).write_bytes(dumped(record))
    return folder


@pytest.fixture
def cifar10(tmp_path) -> Path:
    return write_cifar10(tmp_path)


def test_batches_of_the_official_dialect_are_read_in_order(cifar10):
    for place in (cifar10, cifar10.parent):
        data = read_cifar10(place, unverified=True)
        assert data.train_x.shape == (4 + 5 + 6 + 7 + 8, 3072)
        assert data.test_x.shape == (9, 3072)
        for x, y, seeds in ((data.train_x, data.train_y, range(5)), (data.test_x, data.test_y, [5])):
            records = [batch(4 + seed, seed) for seed in seeds]
            np.testing.assert_array_equal(x, np.concatenate([record["data"] for record in records]))
            np.testing.assert_array_equal(y, np.concatenate([record["labels"] for record in records]))
            assert (x.dtype, y.dtype) == (np.uint8, np.int64)
        assert (data.title, data.source) == ("CIFAR-10", "CIFAR-10, checksums not verified")
        assert not data.stand_in
        assert not data.verified


@pytest.mark.filterwarnings("ignore:.*align should be passed")
def test_python_reads_the_dialect_that_these_tests_write():
    record = pickle.loads(dumped(batch(4, 0)), encoding="latin1")
    np.testing.assert_array_equal(record["data"], batch(4, 0)["data"])


def test_sums_decide_what_is_official(cifar10):
    sums = {path.name: hashlib.md5(path.read_bytes()).hexdigest() for path in cifar10.iterdir()}
    homework = changed("cifar10", files={name: sums[name] for name in CIFAR10_FILES})
    official = read_cifar10(cifar10, homework)
    assert official.verified
    assert official.source == "CIFAR-10"
    for name in sums:
        path = cifar10 / name
        kept = path.read_bytes()
        path.write_bytes(kept + b"\0")  # a pickle ends at its full stop: what is read is the same
        with pytest.raises(UsageError, match=rf"{name} is not the official file .*data cifar10.*--unverified"):
            read_cifar10(cifar10, homework)
        other = read_cifar10(cifar10, homework, unverified=True)
        assert not other.verified
        assert other.digest != official.digest
        path.write_bytes(kept)


def test_a_folder_that_lacks_a_file_is_refused_even_unverified(cifar10):
    (cifar10 / "data_batch_3").unlink()
    with pytest.raises(UsageError, match="data_batch_3 cannot be read"):
        read_cifar10(cifar10, unverified=True)


RECORD = batch(4, 0)
PIXELS = RECORD["data"]
WRONG = {
    "another-shape": RECORD | {"data": PIXELS[:, :3000]},
    "another-type": RECORD | {"data": np.zeros((4, 3072), np.float32)},
    "no-data": {"labels": [1]},
    "no-labels": {"data": PIXELS},
    "labels-of-another-kind": RECORD | {"labels": "abcd"},
    "too-few-labels": RECORD | {"labels": [1, 2]},
    "a-label-beyond": RECORD | {"labels": [1, 2, 3, 10]},
    "a-label-below": RECORD | {"labels": [1, 2, 3, -1]},
    "no-images": RECORD | {"labels": [], "data": PIXELS[:0]},
    "data-that-is-text": RECORD | {"data": "pixels"},
    "a-list": [1, 2],
}


@pytest.mark.parametrize("record", WRONG.values(), ids=WRONG)
def test_what_is_no_batch_is_one_sentence(cifar10, record):
    for name in ("data_batch_2", "test_batch"):
        (cifar10 / name).write_bytes(dumped(record))
    with pytest.raises(UsageError, match=r"is not a batch of CIFAR-10 \(|does not hold one label") as raised:
        read_cifar10(cifar10, unverified=True)
    assert "\n" not in str(raised.value)


def test_damaged_pickles_are_one_sentence():
    whole = dumped(RECORD)
    rng = np.random.default_rng(0)
    cuts = [whole[:size] for size in (0, 1, 2, 50, len(whole) // 2, len(whole) - 1)]
    noise = [rng.bytes(200) for _ in range(20)]
    for data in [*cuts, *noise]:
        with pytest.raises(DamagedError, match="data_batch_1 is not a batch of CIFAR-10"):
            cifar10_reader.batch(data, "data_batch_1")


def test_a_size_that_is_a_lie_allocates_nothing():
    lie = dumped(RECORD).replace(opcodes((4, 3072)), opcodes((1 << 30, 3072)))
    with pytest.raises(DamagedError, match="is not a batch"):
        cifar10_reader.batch(lie, "data_batch_1")


class Hostile:
    def __reduce__(self):
        return (Path.touch, (Path("touched"),))


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps(Hostile(), 2),
        pickle.dumps(Hostile()),
        b"cos\nsystem\n(S'touch touched'\ntR.",
        b"cnumpy\nload\n(S'touched'\ntR.",
        b"cnumpy.core.multiarray\nfromfile\n.",
        b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.",
    ],
)
def test_nothing_that_a_pickle_names_is_run(cifar10, data, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (cifar10 / "data_batch_1").write_bytes(data)
    with pytest.raises(UsageError, match=r"it names \S+, which no batch does"):
        read_cifar10(cifar10, unverified=True)
    assert not (tmp_path / "touched").exists()


def write_fashion_mnist(folder: Path, *, zipped: bool = False) -> dict[str, np.ndarray]:
    """Small files in idx format. What they hold, by name."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    held = {}
    for name, count in zip(FASHION_MNIST_FILES, (7, 7, 3, 3), strict=True):
        values = rng.integers(256, size=(count, 28, 28)) if "images" in name else rng.integers(10, size=count)
        held[name] = values.astype(np.uint8)
        data = struct.pack(">BBBB", 0, 0, 8, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape)
        data += held[name].tobytes()
        if zipped:
            (folder / f"{name}.gz").write_bytes(gzip.compress(data, mtime=0))
        else:
            (folder / name).write_bytes(data)
    return held


@pytest.fixture
def fashion_mnist(tmp_path) -> Path:
    folder = tmp_path / "FashionMNIST" / "raw"
    write_fashion_mnist(folder)
    return folder


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("place", ["root/FashionMNIST/raw", "root", "debian"])
def test_fashion_mnist_is_found_and_read(tmp_path, place, zipped):
    held = write_fashion_mnist(tmp_path / place, zipped=zipped)
    data = read_fashion_mnist(tmp_path / "root", without_debian(tmp_path / "debian"), unverified=True)
    for got, expected in zip((data.train_x, data.train_y, data.test_x, data.test_y), held.values(), strict=True):
        np.testing.assert_array_equal(got, expected)
    assert data.train_y.dtype == np.int64
    assert data.source == "Fashion-MNIST, checksums not verified"


def test_the_sums_of_fashion_mnist_are_those_of_what_is_zipped(tmp_path):
    write_fashion_mnist(tmp_path / "plain")
    write_fashion_mnist(tmp_path / "zipped", zipped=True)
    plain = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / "plain").iterdir()}
    sums = {name: plain[name] for name in FASHION_MNIST_FILES}
    with pytest.raises(UsageError, match=r"train-images-idx3-ubyte.gz is not the official file .*data fashion-mnist"):
        read_fashion_mnist(tmp_path / "zipped")
    homework = changed("fashion-mnist", files=sums)
    one, other = (read_fashion_mnist(tmp_path / name, homework) for name in ("plain", "zipped"))
    assert one.verified
    assert other.verified
    assert one.digest == other.digest


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's package dataset-fashion-mnist is not installed")
def test_the_fashion_mnist_of_debian_is_the_official_one(tmp_path):
    data = read_fashion_mnist(tmp_path)
    assert data.verified
    assert data.train_x.shape == (60_000, 28, 28)
    np.testing.assert_array_equal(np.bincount(data.test_y), [1000] * 10)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"",
        lambda data: data[:10],
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: b"\0\0\x0d" + data[3:],
        lambda data: data[:4] + struct.pack(">I", 1 << 31) + data[8:],
        lambda data: data[:8] + struct.pack(">II", 14, 56) + data[16:],
    ],
)
def test_what_is_no_idx_file_is_one_sentence(fashion_mnist, change):
    path = fashion_mnist / "train-images-idx3-ubyte"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(UsageError, match=r"train-images-idx3-ubyte is not an idx file of Nx28x28 bytes"):
        read_fashion_mnist(fashion_mnist, unverified=True)


def test_images_without_their_labels_are_refused(fashion_mnist):
    labels = fashion_mnist / "train-labels-idx1-ubyte"
    labels.write_bytes((fashion_mnist / "t10k-labels-idx1-ubyte").read_bytes())
    with pytest.raises(UsageError, match="does not hold one label"):
        read_fashion_mnist(fashion_mnist, unverified=True)
    labels.unlink()
    with pytest.raises(UsageError, match=r"train-labels-idx1-ubyte cannot be read \(No such file"):
        read_fashion_mnist(fashion_mnist, unverified=True)


@pytest.mark.parametrize(
    "damage", [b"", b"no gzip", gzip.compress(b"x" * 1000, mtime=0)[:-9]], ids=["empty", "foreign", "cut off"]
)
def test_a_damaged_zipped_file_is_one_sentence(fashion_mnist, damage):
    (fashion_mnist / "train-images-idx3-ubyte.gz").write_bytes(damage)
    with pytest.raises(UsageError, match=r"train-images-idx3-ubyte.gz (cannot be read .damaged|is not an idx)"):
        read_fashion_mnist(fashion_mnist, unverified=True)


def test_a_file_without_end_is_cut(fashion_mnist, monkeypatch):
    monkeypatch.setattr(datasets, "LARGEST", 5000)
    (fashion_mnist / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(bytes(1 << 20)))
    with pytest.raises(UsageError, match=r"is not the official file"):
        read_fashion_mnist(fashion_mnist)


def test_weights_are_found_in_the_root_and_in_the_cache_of_torch(tmp_path, monkeypatch):
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    root, plan = tmp_path / "root", HOMEWORK.rubric.data["squeezenet"]
    (file,) = plan.files
    assert datasets.read(HOMEWORK, "squeezenet", root) is None
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    folders = ("home/.cache/torch/hub/checkpoints", "cache/torch/hub/checkpoints", "torch/hub/checkpoints",
               "root/hub/checkpoints", "root")  # fmt: skip
    for folder in folders:
        path = tmp_path / folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"numbers")
        assert datasets.read(HOMEWORK, "squeezenet", root) == path
    assert not datasets.is_official(path, plan.files[file])


def test_without_data_there_is_a_stand_in_that_says_so():
    for name, make, shape in (("cifar10", cifar10_reader, (3072,)), ("fashion-mnist", fashion_reader, (28, 28))):
        data = datasets.made_up(HOMEWORK.rubric.data[name], make.made_up(900, 100))
        assert data.source == "stand-in data"
        assert data.stand_in
        assert not data.verified
        assert (data.train_x.shape, data.test_x.shape) == ((900, *shape), (100, *shape))
        assert data.train_x.dtype == np.uint8
        assert set(data.train_y) == set(data.test_y) == set(range(10))
        with pytest.raises(ValueError, match="read-only"):
            data.train_x[0] = 0


def test_the_whole_stand_in_is_taken_where_there_is_no_data(tmp_path, monkeypatch):
    def made(recipe: object, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((count, 1, 1, 1)), np.zeros(count)

    monkeypatch.setattr(synthetic, "made", made)
    data = read_cifar10(tmp_path)
    assert (data.title, len(data.train_x), len(data.test_x)) == ("CIFAR-10", 50_000, 10_000)
    data = read_fashion_mnist(tmp_path, without_debian(tmp_path / "debian"))
    assert (data.title, len(data.train_x), len(data.test_x)) == ("Fashion-MNIST", 60_000, 10_000)


def test_a_stand_in_is_the_same_each_time_and_new_for_another_seed():
    x, y = synthetic.colour(600)
    synthetic.made.cache_clear()
    again = synthetic.colour(600)
    np.testing.assert_array_equal(x, again[0])
    np.testing.assert_array_equal(y, again[1])
    assert (x != synthetic.colour(600, seed=1)[0]).mean() > 0.9


@pytest.mark.parametrize(("make", "least", "most"), [(synthetic.colour, 0.25, 0.45), (synthetic.grey, 0.6, 0.9)])
def test_a_stand_in_has_classes_to_learn_and_none_that_stands_out(make, least, most):
    """A linear classifier finds some of them, about 30 % as on CIFAR-10; always the same answer finds 10 %."""
    pixels, y = make(12_000)
    assert np.bincount(y).max() / len(y) < 0.12
    x = pixels.reshape(12_000, -1).astype(np.float32) / 255 - np.float32(pixels.mean() / 255)
    W = np.zeros((x.shape[1], 10), np.float32)
    for start in np.tile(np.arange(0, 10_000, 100), 10):
        batch, labels = x[start : start + 100], y[start : start + 100]
        scores = np.exp(batch @ W)
        scores /= scores.sum(1, keepdims=True)
        scores[np.arange(100), labels] -= 1
        W -= np.float32(0.02 / 100) * (batch.T @ scores)
    found = (x[10_000:] @ W).argmax(1) == y[10_000:]
    assert least < found.mean() < most


def test_the_pixels_of_the_colour_stand_in_are_those_of_cifar10_in_the_mean():
    pixels, _ = synthetic.colour(600)
    assert abs(pixels.mean() - 121) < 5
    assert abs(pixels.std() - 64) < 5
