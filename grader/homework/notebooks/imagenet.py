"""Runs the pretrained network on a student's photographs, with the preprocessing of its training.

torch is imported only when needed, so that the rest of the homework works without it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.errors import UsageError

Array = NDArray[Any]

MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])  # ImageNet's pixels in [0, 1], RGB
SIZE, LARGER = 224, 256
# Words that do not help to compare a class with a student's name for it.
EMPTY = frozenset(
    "a an the of my our in on with and image img photo picture pic test sample one two first second".split()
)


def labels() -> list[str]:
    """ImageNet's thousand classes by number, with torchvision's names."""
    from ..worker.vision import torchvision

    return list(torchvision.models.SqueezeNet1_1_Weights.IMAGENET1K_V1.meta["categories"])


@lru_cache(maxsize=1)
def network(path: Path) -> Any:
    """SqueezeNet 1.1 with the weights of a file, in evaluation mode. Raises UsageError if the file holds others."""
    import torch

    from ..worker.vision import torchvision

    torch.set_num_threads(1)
    model = torchvision.models.squeezenet1_1(weights=None)
    try:
        model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # loading another file raises nearly anything
        raise UsageError(
            f"{path} does not hold SqueezeNet 1.1's weights ({type(error).__name__}); move it away, and run "
            "`python grade.py data` to see how to get them"
        ) from None
    return model.eval()


def prepared(picture: Array) -> Array:
    """A picture (H, W, 3) uint8 -> (3, 224, 224) float32: shorter side to 256, the middle 224, normalized."""
    from PIL import Image

    height, width = picture.shape[:2]
    scale = LARGER / min(height, width)
    image = Image.fromarray(picture).resize(
        (max(LARGER, round(width * scale)), max(LARGER, round(height * scale))), Image.Resampling.BILINEAR
    )
    left, top = (image.width - SIZE) // 2, (image.height - SIZE) // 2
    middle = np.asarray(image.crop((left, top, left + SIZE, top + SIZE)), np.float64) / 255
    normalized: Array = (middle - MEAN) / DEVIATION
    return normalized.transpose(2, 0, 1).astype(np.float32)


def scores(path: Path, picture: Array) -> Array:
    """The network's scores (1000,) of a picture."""
    import torch

    with torch.no_grad():
        found: Array = network(path)(torch.from_numpy(prepared(picture))[None])[0].numpy().astype(np.float64)
    return found


def probabilities(given: Array) -> Array:
    """The softmax of scores (1000,)."""
    shifted = np.exp(given - given.max())
    share: Array = shifted / shifted.sum()
    return share


def unsoftened(given: Array) -> Array:
    """Scores (1000,). If a network ends in a softmax, its output is probabilities; then their logarithm."""
    soft = given.min() >= 0 and abs(given.sum() - 1) < 1e-3
    return np.log(np.maximum(given, 1e-12)) if soft else given


def named(text: str) -> bool:
    """Whether a text contains the name of one of the thousand classes, as whole words."""
    plain = spaced(text)
    return any(spaced(label) in plain for label in labels())


def spaced(text: str) -> str:
    return f" {re.sub(r'[^a-z0-9]+', ' ', text.lower()).strip()} "


def fits(stated: str, label: str) -> bool:
    """Whether a student's name for a picture and a class of ImageNet agree in words: "cat" and "Egyptian cat".

    All words of the shorter one must be in the other. So "tabby" and "tiger cat" do not fit, although both may be
    right; a person decides that.
    """
    ours, theirs = words(label), words(stated)
    return bool(ours and theirs) and (ours <= theirs or theirs <= ours)


def words(name: str) -> set[str]:
    found = re.findall(r"[a-z]+", name.lower())
    return {singular(word) for word in found} - EMPTY


def singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
