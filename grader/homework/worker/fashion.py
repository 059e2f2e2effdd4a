"""Provides Fashion-MNIST through torchvision's class, from the grader's arrays.

If the transforms allow it, a loader makes whole batches at once. Picture by picture, as in torchvision, transforms
would take most of a run's time.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, DataLoader, Subset, default_collate

from .replaced import replace
from .vision import torchvision
from .watch import Pass, mark_pictures

HELD_OUT = 10_000  # pictures, as many as the real test set has


class Data:
    """Pictures (N, 28, 28) uint8 of the "training" and the "test" set.

    A notebook gets the last HELD_OUT training pictures, with labels and a mark, as its test set. So it measures about
    the same accuracy as on the student's machine, and stops early at about the same time. The grader's test pictures
    have no labels here. `lent` is called for each batch of a loader, `returned` at its end, and `taken` for each single
    picture.
    """

    def __init__(
        self,
        arrays: Mapping[str, Any],
        lent: Callable[[Pass], None],
        returned: Callable[[Pass], None],
        taken: Callable[[], None] = lambda: None,
    ) -> None:
        self.x = {"training": arrays["train_x"], "test": arrays["test_x"]}
        self.y = arrays["train_y"]
        self.made: dict[str, Any] = {}
        self.lent, self.returned, self.taken = lent, returned, taken
        self.one_by_one = DataLoader.__iter__

    def take_over(self) -> None:
        """Make torchvision's class return these pictures, and torch's loader report its batches."""
        dataset: Any = torchvision.datasets.FashionMNIST
        made, get = dataset.__init__, dataset.__getitem__

        def take(self_: Any, index: Any) -> Any:
            self.taken()
            return get(self_, index)

        def remember(self_: Any, root: Any = "", train: bool = True, *args: Any, **kwargs: Any) -> None:
            made(self_, "", train, *args, **kwargs)
            self.made["training" if train else "test"] = self_

        def load(self_: Any) -> tuple[Any, Any]:
            pictures, labels = self.notebooks_own(self_.train)
            return torch.from_numpy(pictures), torch.from_numpy(labels.astype(np.int64))

        replace(dataset, "__init__", remember)
        replace(dataset, "__getitem__", take)
        replace(dataset, "_load_data", load)
        replace(dataset, "_check_exists", lambda self_: True)
        replace(dataset, "_check_legacy_exist", lambda self_: False)
        replace(dataset, "download", lambda self_: None)
        replace(DataLoader, "__iter__", lambda loader: self.batches(loader))

    def notebooks_own(self, train: bool) -> tuple[Any, Any]:
        """Pictures (N, 28, 28) and labels (N,), uint8, that the notebook takes for the training or the test set."""
        part = slice(None) if train else slice(-HELD_OUT, None)
        pictures, labels = np.array(self.x["training"][part]), np.array(self.y[part], np.uint8)
        return pictures if train else mark_pictures(pictures), labels

    def lay(self, packed: bool) -> None:
        """Write the files that torchvision downloads, for a notebook that reads them itself; `packed`: by gzip."""
        for name, train in (("train", True), ("t10k", False)):
            for kind, array in zip(("images-idx3", "labels-idx1"), self.notebooks_own(train), strict=True):
                head = np.array([0x0800 + array.ndim, *array.shape], ">u4").tobytes()
                path = Path(f"{name}-{kind}-ubyte")
                path.write_bytes(head + array.tobytes())
                if packed:
                    Path(f"{path}.gz").write_bytes(gzip.compress(path.read_bytes(), 0))

    def batches(self, loader: Any) -> Iterator[Any]:
        own = Pass(tested(loader.dataset))
        for batch in self.whole(loader) or self.one_by_one(loader):
            self.lent(own)
            yield batch
        self.returned(own)

    def whole(self, loader: Any) -> Iterator[Any] | None:
        """A loader's batches, as slices of one tensor of all pictures; None if they must be made picture by picture."""
        dataset, chosen = loader.dataset, None
        while type(dataset) is Subset:
            indices = torch.as_tensor(list(dataset.indices))
            chosen = indices if chosen is None else indices[chosen]
            dataset = dataset.dataset
        if type(dataset) is not torchvision.datasets.FashionMNIST or dataset.target_transform is not None:
            return None
        steps = elementwise(dataset.transform)
        if steps is None or loader.batch_sampler is None or loader.collate_fn is not default_collate:
            return None
        key, pictures = vars(dataset).get("all_at_once", (None, None))
        if key is not dataset.transform:
            pictures = through(steps, dataset.data)
            dataset.all_at_once = (dataset.transform, pictures)
        return self.cut(loader, pictures, dataset.targets, chosen)

    def cut(self, loader: Any, pictures: Any, labels: Any, chosen: Any) -> Iterator[Any]:
        for indices in loader.batch_sampler:
            at = torch.as_tensor(indices)
            at = at if chosen is None else chosen[at]
            yield [pictures[at], labels[at]]

    def count(self, of: str) -> int:
        return len(self.x[of])

    def raw(self, of: str, start: int, stop: int) -> Any:
        """Pictures (N, 28, 28) uint8, not preprocessed."""
        return torch.from_numpy(np.array(self.x[of][start:stop]))

    def prepared(self, raw: Any) -> Any:
        """Raw pictures, preprocessed by the transform of the notebook's test set; None if it has no transform."""
        dataset = self.made.get("test") or self.made.get("training")
        if dataset is None or dataset.transform is None:
            return None
        steps = elementwise(dataset.transform)
        if steps is not None:
            return through(steps, raw)
        return torch.stack([torch.as_tensor(dataset.transform(Image.fromarray(one.numpy()))) for one in raw])


def tested(dataset: Any) -> bool:
    """Whether a data set contains pictures of torchvision's test set."""
    while isinstance(dataset, Subset):
        dataset = dataset.dataset
    if isinstance(dataset, ConcatDataset):
        return any(map(tested, dataset.datasets))
    return isinstance(dataset, torchvision.datasets.FashionMNIST) and not dataset.train


def elementwise(transform: Any) -> list[Callable[[Any], Any]] | None:
    """A transform as steps that act on each pixel alone, and so on all pictures at once; None for other transforms."""
    steps: list[Callable[[Any], Any]] = []
    for step in getattr(transform, "transforms", [transform]):
        kind = type(step).__name__
        if not type(step).__module__.startswith("torchvision.transforms"):
            return None
        if kind == "ToTensor":
            steps.append(lambda pictures: pictures.float().div_(255))
        elif kind in ("ToDtype", "ConvertImageDtype", "Normalize"):
            steps.append(step)
        elif kind not in ("ToImage", "PILToTensor"):
            return None
    return steps


def through(steps: list[Callable[[Any], Any]], pictures: Any) -> Any:
    """Pictures (N, 28, 28) uint8 -> (N, 1, 28, 28)."""
    pictures = pictures.unsqueeze(1)
    for step in steps:
        pictures = step(pictures)
    return pictures
