"""The data that networks are trained on: found, verified and read; made up where there is none.

Nothing here downloads (download.py does), and nothing that a pickle holds is run.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import math
import os
import pickle
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.data import synthetic
from grader.errors import UsageError

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]

CIFAR10 = "CIFAR-10"
CIFAR10_FOLDER = "cifar-10-batches-py"
# md5 of each file of the official archive, cifar-10-python.tar.gz (https://www.cs.toronto.edu/~kriz/cifar.html).
CIFAR10_SUMS = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
    "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
}
FASHION_MNIST = "Fashion-MNIST"
FASHION_MNIST_FOLDER = Path("FashionMNIST", "raw")  # as torchvision.datasets.FashionMNIST lays it out
DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # the package dataset-fashion-mnist
# sha256 of each file, unzipped: the headers of Debian's .gz differ from Zalando's.
FASHION_MNIST_SUMS = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
WEIGHTS = "squeezenet1_1-b8a52dc0.pth"  # torchvision's name; its end is how the file's sha256 begins
CLASSES = 10
LARGEST = 64 << 20  # bytes, more than any file above has; a longer one is cut, and is not official then


@dataclass(frozen=True, slots=True, eq=False)
class DataSet:
    """Images and labels. `source` says in words what they are; `digest` names them in a report.

    Pixels are uint8: (N, 3072) for CIFAR-10 (32 x 32 red, then green, then blue), (N, 28, 28) for Fashion-MNIST.
    Labels are int64 (N,) in 0 ... 9. All four arrays are read-only.
    """

    name: str
    source: str
    stand_in: bool
    verified: bool
    digest: str
    train_x: Pixels
    train_y: Labels
    test_x: Pixels
    test_y: Labels


def root(given: Path | None = None) -> Path:
    """Where data sets live: the folder given, else BACKGRADE_DATA, else the platform's cache folder."""
    if given is not None:
        return given
    if named := os.environ.get("BACKGRADE_DATA"):
        return Path(named)
    import platformdirs

    return platformdirs.user_cache_path("backgrade")


def check_root(given: Path | None) -> None:
    """Raise UsageError for a folder that is not there: nobody names one in order to get stand-in data."""
    if given is not None and not given.is_dir():
        raise UsageError(f"--data-root {given} is no folder; name the one that data sets are in")


def cifar10_place(root: Path) -> Path:
    """Where CIFAR-10 belongs: `root`/cifar-10-batches-py, or `root` if it has that name itself."""
    return root if root.name == CIFAR10_FOLDER else root / CIFAR10_FOLDER


def cifar10_folder(root: Path) -> Path | None:
    """Where CIFAR-10 is, or None."""
    folder = cifar10_place(root)
    return folder if folder.is_dir() else None


def fashion_mnist_folder(root: Path) -> Path | None:
    """Torchvision's layout below `root`, else `root` if the files are in it, else Debian's package, else None."""
    names = [f"{name}{end}" for name in FASHION_MNIST_SUMS for end in ("", ".gz")]
    folders = (root / FASHION_MNIST_FOLDER, root, DEBIAN)
    return next((folder for folder in folders if any((folder / name).is_file() for name in names)), None)


def weights(root: Path) -> Path | None:
    """SqueezeNet 1.1's pretrained weights: in `root` or below it as torch lays them out, else in torch's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    torch = Path(os.environ.get("TORCH_HOME") or cache / "torch")
    places = (root / WEIGHTS, *(folder / "hub" / "checkpoints" / WEIGHTS for folder in (root, torch)))
    return next((place for place in places if place.is_file()), None)


def official_weights(path: Path) -> bool:
    """Whether a file of weights has the sum that torchvision's name for it promises."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:8] in WEIGHTS


def cifar10(root: Path, *, unverified: bool = False) -> DataSet:
    """CIFAR-10 where `cifar10_folder` finds it; else the stand-in.

    Raises UsageError for a folder that lacks a file, cannot be read, or does not have the official sums; the last is
    let through with `unverified`.
    """
    folder = cifar10_folder(root)
    if folder is None:
        return stand_in()
    sums, batches = [], []
    for path, data, found in files(folder, CIFAR10_SUMS, "md5", unverified=unverified, get="cifar10"):
        sums.append(found)
        if path.name != "batches.meta":
            batches.append(batch(data, path))
    train_x, train_y = (np.concatenate(parts) for parts in zip(*batches[:-1], strict=True))
    return dataset(CIFAR10, folder, sums, CIFAR10_SUMS, train_x, train_y, *batches[-1])


def fashion_mnist(root: Path, *, unverified: bool = False) -> DataSet:
    """Fashion-MNIST where `fashion_mnist_folder` finds it, zipped or not; else the stand-in. Raises as `cifar10`."""
    folder = fashion_mnist_folder(root)
    if folder is None:
        return fashion_stand_in()
    sums, arrays = [], []
    for path, data, found in files(folder, FASHION_MNIST_SUMS, "sha256", unverified=unverified, get="fashion-mnist"):
        sums.append(found)
        arrays.append(images(data, path) if "images" in path.name else labels(data, path))
    return dataset(FASHION_MNIST, folder, sums, FASHION_MNIST_SUMS, *arrays)


def stand_in(train: int = 50_000, test: int = 10_000) -> DataSet:
    """Images made up in CIFAR-10's format, about as hard for a two-layer network; they never justify a threshold."""
    return made_up(CIFAR10, *synthetic.colour(train + test), train)


def fashion_stand_in(train: int = 60_000, test: int = 10_000) -> DataSet:
    """Images made up in Fashion-MNIST's format, about as easy for a small convolutional network."""
    return made_up(FASHION_MNIST, *synthetic.grey(train + test), train)


def made_up(name: str, x: Pixels, y: Labels, train: int) -> DataSet:
    digest = hashlib.sha256(x[:1000].tobytes() + y.tobytes()).hexdigest()[:12]
    return DataSet(name, "stand-in data", True, False, digest, x[:train], y[:train], x[train:], y[train:])


def dataset(
    name: str, folder: Path, sums: Sequence[str], official: Mapping[str, str], *arrays: NDArray[Any]
) -> DataSet:
    """What was read, once pixels and labels fit each other. Raises UsageError where they do not."""
    train_x, train_y, test_x, test_y = arrays
    for x, y in ((train_x, train_y), (test_x, test_y)):
        if not len(x) == len(y) > 0 or y.min() < 0 or y.max() >= CLASSES:
            raise UsageError(f"{folder} does not hold {name}: one label in 0 ... 9 for each image is expected")
        x.flags.writeable = y.flags.writeable = False
    verified = list(sums) == list(official.values())
    return DataSet(
        name=name,
        source=name if verified else f"{name}, sums not verified",
        stand_in=False,
        verified=verified,
        digest=hashlib.sha256("".join(sums).encode()).hexdigest()[:12],
        train_x=train_x,
        train_y=train_y,
        test_x=test_x,
        test_y=test_y,
    )


def files(
    folder: Path, official: Mapping[str, str], algorithm: str, *, unverified: bool, get: str
) -> Iterator[tuple[Path, bytes, str]]:
    """Each file of a data set, in the order of its official sums: where, unzipped, and its own sum.

    Raises UsageError for a file that cannot be read and, but for `unverified`, for one that is not the official one.
    """
    cure = anew(folder, get)
    for name, expected in official.items():
        zipped = folder / f"{name}.gz"
        path = zipped if zipped.is_file() else folder / name
        try:
            with gzip.open(path) if path == zipped else path.open("rb") as file:
                data = file.read(LARGEST)
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or "damaged"
            raise UsageError(f"{path} cannot be read ({reason}); {cure}") from None
        found = hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()
        if found != expected and not unverified:
            raise UsageError(
                f"{path} is not the official file ({algorithm} {found[:8]}..., not {expected[:8]}...); {cure}, "
                "or add --unverified to use it as it is"
            )
        yield path, data, found


def anew(folder: Path, get: str) -> str:
    """The cure for a folder that is of no use."""
    return f"move {folder} away and type `python grade.py data {get}`"


def images(data: bytes, path: Path) -> Pixels:
    """An idx file of images: (N, 28, 28). Raises UsageError."""
    return idx(data, path, (28, 28))


def labels(data: bytes, path: Path) -> Labels:
    """An idx file of labels: (N,). Raises UsageError."""
    return idx(data, path, ()).astype(np.int64)


def idx(data: bytes, path: Path, one: tuple[int, ...]) -> Pixels:
    """An idx file of bytes (http://yann.lecun.com/exdb/mnist): two zeros, 8, the number of axes, their lengths, all
    big-endian, then the values; of items of shape `one`. Raises UsageError."""
    head = 4 + 4 * (1 + len(one))
    lengths = tuple(int(length) for length in np.frombuffer(data[4:head], ">u4")) if len(data) >= head else ()
    if data[:4] != bytes((0, 0, 8, 1 + len(one))) or lengths[1:] != one or len(data) != head + math.prod(lengths):
        form = "x".join(map(str, ("N", *one)))
        raise UsageError(f"{path} is not an idx file of {form} bytes; {anew(path.parent, 'fashion-mnist')}")
    return np.frombuffer(data, np.uint8, offset=head).reshape(lengths)


class Rebuilt:
    """What numpy's pickles build, as plain data: nothing of numpy is called before it has been looked at."""

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
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no batch does")
        return Rebuilt


def batch(data: bytes, path: Path) -> tuple[Pixels, Labels]:
    """Pixels (N, 3072) and labels (N,) of one file of CIFAR-10, a pickle of Python 2. Raises UsageError."""
    try:
        record = BatchUnpickler(io.BytesIO(data), encoding="bytes").load()
        _, shape, dtype, by_column, pixels = record[b"data"].state
        if shape[1:] != (3072,) or dtype.arguments[0] not in ("u1", b"u1") or by_column:
            raise ValueError("rows of 3072 bytes are expected")
        return np.frombuffer(pixels, np.uint8).reshape(shape), np.array(record[b"labels"], np.int64).reshape(-1)
    except Exception as error:  # a damaged pickle raises nearly anything: EOFError, ValueError, IndexError, ...
        reason = f"{type(error).__name__}: {error}"[:100]
        raise UsageError(f"{path} is not a batch of CIFAR-10 ({reason}); {anew(path.parent, 'cifar10')}") from None
