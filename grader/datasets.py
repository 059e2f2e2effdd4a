"""The data that networks are trained on: found, verified and read; made up where there is none.

Nothing here downloads (download.py does) and nothing runs what a pickle may hold.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from numpy.typing import NDArray

from grader import standin
from grader.errors import UsageError

CIFAR10 = "CIFAR-10"
CIFAR10_FOLDER = "cifar-10-batches-py"
# md5 of each file of the official archive, cifar-10-python.tar.gz (https://www.cs.toronto.edu/~kriz/cifar.html).
CIFAR10_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
    "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
}
TRAIN_BATCHES = tuple(name for name in CIFAR10_MD5 if name.startswith("data_batch"))


@dataclass(frozen=True, slots=True, eq=False)
class DataSet:
    """Images and labels. `source` says in words what they are; `digest` names them in a report.

    Pixels are uint8: (N, 3072) for CIFAR-10 (32 x 32 red, then green, then blue), (N, 28, 28) for Fashion-MNIST.
    Labels are int64 (N,) in 0 ... 9.
    """

    name: str
    source: str
    stand_in: bool
    verified: bool
    digest: str
    train_x: NDArray[np.uint8]
    train_y: NDArray[np.int64]
    test_x: NDArray[np.uint8]
    test_y: NDArray[np.int64]


def root(given: Path | None = None) -> Path:
    """Where data sets live: the folder given, else BACKGRADE_DATA, else the platform's cache folder."""
    if given is not None:
        return given
    named = os.environ.get("BACKGRADE_DATA")
    return Path(named) if named else platformdirs.user_cache_path("backgrade")


def cifar10(root: Path, *, unverified: bool = False) -> DataSet:
    """CIFAR-10 from `root`/cifar-10-batches-py, or from `root` if that is this folder; else the stand-in.

    Raises UsageError for a folder that lacks a file, cannot be read, or does not have the official sums; the last is
    let through with `unverified`.
    """
    folder = root if root.name == CIFAR10_FOLDER else root / CIFAR10_FOLDER
    if not folder.is_dir():
        return stand_in()
    files = {name: contents(folder / name) for name in CIFAR10_MD5}
    sums = {name: hashlib.md5(data, usedforsecurity=False).hexdigest() for name, data in files.items()}
    verified = sums == CIFAR10_MD5
    if not verified and not unverified:
        wrong = next(name for name in sums if sums[name] != CIFAR10_MD5[name])
        raise UsageError(
            f"{folder / wrong} is not the official file (md5 {sums[wrong]}, not {CIFAR10_MD5[wrong]}); remove {folder} "
            "and type `python grade.py data cifar10`, or add --unverified to use it as it is"
        )
    train = [batch(files[name], folder / name) for name in TRAIN_BATCHES]
    test_x, test_y = batch(files["test_batch"], folder / "test_batch")
    return DataSet(
        name=CIFAR10,
        source=CIFAR10 if verified else f"{CIFAR10}, sums not verified",
        stand_in=False,
        verified=verified,
        digest=hashlib.sha256("".join(sums.values()).encode()).hexdigest()[:12],
        train_x=np.concatenate([x for x, _ in train]),
        train_y=np.concatenate([y for _, y in train]),
        test_x=test_x,
        test_y=test_y,
    )


def stand_in(train: int = 50_000, test: int = 10_000) -> DataSet:
    """Images made up in CIFAR-10's format, about as hard for a two-layer network; they never justify a threshold."""
    x, y = standin.colour(train + test)
    return DataSet(
        name=CIFAR10,
        source="stand-in data",
        stand_in=True,
        verified=False,
        digest=hashlib.sha256(x[:1000].tobytes() + y.tobytes()).hexdigest()[:12],
        train_x=x[:train],
        train_y=y[:train],
        test_x=x[train:],
        test_y=y[train:],
    )


def contents(path: Path) -> bytes:
    """A file of a data set. Raises UsageError with the cure where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}); remove {path.parent} and type `python grade.py data cifar10`"
        ) from None


class Rebuilt:
    """What numpy's pickles build, as data: nothing of numpy is called before shape, type and size are checked."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments
        self.state: Any = ()

    def __setstate__(self, state: object) -> None:
        self.state = state


class BatchUnpickler(pickle.Unpickler):
    """Admits what a batch holds: numbers, strings, lists, dicts and one numpy array, which comes as Rebuilt."""

    ADMITTED = frozenset({("numpy.core.multiarray", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype")})

    def find_class(self, module: str, name: str) -> Callable[..., Rebuilt]:
        if (module, name) not in self.ADMITTED:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return Rebuilt


def batch(data: bytes, path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pixels (N, 3072) uint8 and labels (N,) of one file, written by Python 2 or in its way. Raises UsageError."""
    try:
        record = BatchUnpickler(io.BytesIO(data), encoding="bytes").load()
        pixels, labels = rebuilt(record[b"data"]), np.array(record[b"labels"])
        if labels.shape != (len(pixels),) or labels.dtype.kind != "i" or labels.min() < 0 or labels.max() > 9:
            raise ValueError(f"{len(pixels)} labels in 0 ... 9 expected")
    except Exception as error:  # a damaged pickle raises nearly anything: EOFError, ValueError, IndexError, ...
        raise UsageError(
            f"{path} is not a batch of CIFAR-10 ({type(error).__name__}: {error!s:.100}); remove {path.parent} and "
            "type `python grade.py data cifar10`"
        ) from None
    return pixels, labels.astype(np.int64)


def rebuilt(array: Rebuilt) -> NDArray[np.uint8]:
    """The array that numpy's state (version, shape, dtype, is Fortran, bytes) stands for.

    Raises ValueError, or what Python raises where a pickle has another form.
    """
    _, shape, dtype, fortran, data = array.state
    if len(shape) != 2 or shape[1] != 3072 or dtype.arguments[0] not in ("u1", b"u1") or fortran:
        raise ValueError("rows of 3072 bytes expected")
    return np.frombuffer(data, np.uint8).reshape(shape)
