"""Makes NumPy, torch and torchvision work as a notebook expects, without GPU, network, plots or further packages.

Importing this module imports torchvision, and repairs it if necessary. Nothing else changes until `prepare`.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import numpy as np
import torch
from PIL import Image
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader

from grader.sandbox.worker import standins

from . import cuda, paths
from .replaced import Mute, replace

ABSENT = "torchvision::nms"  # part of torchvision's message if its own library could not be loaded
UNAVAILABLE = "weights unavailable: "
LIBRARIES: list[Any] = []  # keeps libraries alive, because their schemas end with them
REMOVED = {
    "Inf": np.inf, "infty": np.inf, "PINF": np.inf, "NINF": -np.inf, "NaN": np.nan, "float": float, "int": int,
    "object": object, "str": str, "complex": complex, "float_": np.float64, "product": np.prod,
}  # fmt: skip
PICTURES = frozenset((".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".gif"))
# A torchvision.io.ImageReadMode, by name -> Pillow's.
MODES = {"GRAY": "L", "GRAY_ALPHA": "LA", "RGB": "RGB", "RGB_ALPHA": "RGBA", "RGBA": "RGBA"}
PROGRESS = "tqdm"
# Plots, summaries, logs and Colab: replaced by Mute, which returns itself for everything.
MUTED = frozenset(
    "matplotlib mpl_toolkits seaborn plotly IPython ipywidgets torchsummary torchinfo torchviz wandb tensorboard "
    "livelossplot google.colab torch.utils.tensorboard".split()
)


def cured() -> ModuleType:
    """torchvision. Its wheel from PyPI is built for CUDA; with a torch without CUDA, its operators lack their schemas.

    Two schemas make everything work but the operators themselves (`ops.nms`) and `io`, which fail with a clear error.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if ABSENT not in str(error):
            raise
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    LIBRARIES.append(library)
    return importlib.import_module("torchvision")


torchvision: Any = cured()


def prepare() -> None:
    """Set up this process for good: no compiler, no loader workers, no GPU, no other folder; muted modules."""
    loader: Any = DataLoader
    signature, made = inspect.signature(loader.__init__), loader.__init__

    def alone(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = signature.bind(self, *args, **kwargs)
        for name in ("num_workers", "pin_memory", "prefetch_factor", "persistent_workers", "timeout",
                     "multiprocessing_context", "pin_memory_device"):  # fmt: skip
            bound.arguments.pop(name, None)
        made(*bound.args, **bound.kwargs)

    loader.__init__ = alone
    module = torch.nn.Module
    for owner, name in ((torch, "compile"), (torch.jit, "script"), (torch.jit, "trace")):
        replace(owner, name, uncompiled)
    replace(module, "compile", lambda self, *args, **kwargs: None)
    replace(torch.hub, "load", hub)
    replace(torch.hub, "download_url_to_file", unavailable)
    for owner in (torchvision.io, torchvision.io.image):
        replace(owner, "read_file", read_file)
        for name in ("read_image", "decode_image", "decode_jpeg", "decode_png"):
            replace(owner, name, read_image)
    standins.KNOWN.update(READERS)
    cuda.prepare()
    paths.prepare()
    restore()
    sys.meta_path.insert(0, MutedFinder())
    for name in [name for name in sys.modules if muted(name)]:
        del sys.modules[name]


def restore() -> None:
    """Restore names of NumPy and PyTorch that older tutorials use and newer versions have dropped."""
    for name, value in REMOVED.items():
        if name not in vars(np):
            replace(np, name, value)
    kinds: list[Any] = [kind for kind in vars(lr_scheduler).values() if isinstance(kind, type)]
    for kind in kinds:
        if issubclass(kind, lr_scheduler.LRScheduler):
            replace(kind, "__init__", silently(kind.__init__))


def silently(made: Callable[..., None]) -> Callable[..., None]:
    """A scheduler's `__init__` that still accepts `verbose`."""

    def init(self: Any, *args: Any, verbose: Any = False, **kwargs: Any) -> None:
        made(self, *args, **kwargs)

    return init


def hub(repository: str, model: str, *args: Any, **kwargs: Any) -> Any:
    """torch.hub.load without internet: gives torchvision's own networks; weights must be on this machine."""
    make = getattr(torchvision.models, model, None)
    if "/vision" not in repository or make is None:
        unavailable(f"{repository}/{model}")
    for name in ("source", "trust_repo", "force_reload", "verbose", "skip_validation"):
        kwargs.pop(name, None)
    return make(*args, **kwargs)


def unavailable(url: str, *args: Any, **kwargs: Any) -> NoReturn:
    raise FileNotFoundError(f"{UNAVAILABLE}{url.rpartition('/')[2]} is not on this machine")


def lacking(error: BaseException) -> BaseException:
    """The error on missing weights behind an error, if there is one; else the error itself."""
    at: BaseException | None = error
    while at is not None and not str(at).startswith(UNAVAILABLE):
        at = at.__context__
    return at or error


def read_image(source: Any, mode: Any = "UNCHANGED", *args: Any, **kwargs: Any) -> torch.Tensor:
    """A picture (C, H, W) uint8 from a file, or from its bytes in a tensor, by Pillow. It replaces torchvision.io,
    which does not work in a repaired torchvision and has no decoder for BMP, the photographs' format here."""
    if isinstance(source, torch.Tensor):
        source = io.BytesIO(source.numpy().tobytes())
    with Image.open(source) as image:
        form = "RGB" if image.mode == "P" else image.mode
        pixels = np.array(image.convert(MODES.get(getattr(mode, "name", str(mode)), form)))
    return torch.from_numpy(pixels.reshape(*pixels.shape[:2], -1)).permute(2, 0, 1).contiguous()


def read_file(path: Any) -> torch.Tensor:
    return torch.frombuffer(bytearray(Path(path).read_bytes()), dtype=torch.uint8)


def imread(fname: Any, format: Any = None) -> Any:
    """matplotlib's imread: a picture (H, W, 3), as floats from 0 to 1 if its name says PNG, else as bytes."""
    with Image.open(fname) as image:
        pixels = np.array(image)
    png = str(format or getattr(fname, "name", fname)).lower().endswith("png")
    return (pixels / 255).astype(np.float32) if png else pixels


def opencv_imread(path: Any, flags: Any = 1) -> Any:
    """OpenCV's imread: bytes (H, W, 3) in the order blue, green, red, or grey (H, W); None for what is no picture."""
    try:
        with Image.open(path) as image:
            pixels = np.array(image.convert("RGB" if flags else "L"))
    except OSError:
        return None
    return pixels[:, :, ::-1].copy() if pixels.ndim == 3 else pixels


def opencv_color(src: Any, code: int, *_: Any) -> Any:
    """OpenCV's cvtColor, for the codes in OPENCV."""
    if code == OPENCV["COLOR_BGR2RGB"]:
        return src[:, :, ::-1].copy()
    if code == OPENCV["COLOR_GRAY2RGB"]:
        return np.stack([src] * 3, axis=2)
    weights = [0.114, 0.587, 0.299] if code == OPENCV["COLOR_BGR2GRAY"] else [0.299, 0.587, 0.114]
    return (src @ np.array(weights)).round().astype(src.dtype)


def opencv_resize(
    src: Any, dsize: Any = None, dst: Any = None, fx: float = 0, fy: float = 0, *_: Any, **__: Any
) -> Any:
    """OpenCV's resize, bilinear: pixels (H, W) or (H, W, 3) to a `dsize` of (width, height)."""
    width, height = dsize or (round(src.shape[1] * fx), round(src.shape[0] * fy))
    whole = torch.from_numpy(np.ascontiguousarray(src).reshape(1, *src.shape[:2], -1)).permute(0, 3, 1, 2).double()
    sized = torch.nn.functional.interpolate(whole, (int(height), int(width)), mode="bilinear").permute(0, 2, 3, 1)
    found = sized.numpy().reshape(int(height), int(width), *src.shape[2:])
    return (found.round() if src.dtype == np.uint8 else found).astype(src.dtype)


def scikit_resize(image: Any, output_shape: Any, *_: Any, **__: Any) -> Any:
    """scikit-image's resize: pixels as floats, those of bytes from 0 to 1."""
    scale = 255 if image.dtype == np.uint8 else 1
    return opencv_resize(image / scale, tuple(output_shape[:2])[::-1])


OPENCV = {
    "COLOR_BGR2RGB": 4, "COLOR_RGB2BGR": 4, "COLOR_BGR2GRAY": 6, "COLOR_RGB2GRAY": 7, "COLOR_GRAY2BGR": 8,
    "COLOR_GRAY2RGB": 8, "IMREAD_COLOR": 1, "INTER_LINEAR": 1, "INTER_CUBIC": 2, "INTER_AREA": 3,
}  # fmt: skip
# What reads pictures in packages that are not here, by the names of sandbox/worker/standins.py.
READERS: dict[str, Any] = {
    "cv2.imread": opencv_imread, "cv2.cvtColor": opencv_color, "cv2.resize": opencv_resize,
    "skimage.io.imread": imread, "skimage.transform.resize": scikit_resize,
    "imageio.imread": imread, "imageio.v2.imread": imread, "imageio.v3.imread": imread,
    **{f"cv2.{name}": code for name, code in OPENCV.items()},
}  # fmt: skip


def uncompiled(model: Any = None, *args: Any, **kwargs: Any) -> Any:
    """torch.compile and its like without a compiler: returns the model, also as a decorator with options."""
    return model if model is not None else lambda function: function


def muted(name: str) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in (PROGRESS, *MUTED))


def counting(*args: Any, **_: Any) -> Progress:
    """tqdm's trange."""
    return Progress(range(*args))


class MutedFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """First on `sys.meta_path`: gives a stand-in for each muted module, installed or not, that can read pictures."""

    def __init__(self) -> None:
        self.uploads = 0

    def find_spec(self, name: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        if muted(name) or (name == "google" and importlib.machinery.PathFinder.find_spec(name) is None):
            return importlib.util.spec_from_loader(name, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        if spec.name.partition(".")[0] == PROGRESS:
            module = ModuleType(spec.name)
            vars(module).update(
                dict.fromkeys(("tqdm", "tqdm_notebook"), Progress) | dict.fromkeys(("trange", "tnrange"), counting),
                tenumerate=lambda iterable, start=0, *_, **__: enumerate(iterable, start),
                tzip=lambda *iterables, **_: zip(*iterables, strict=False),
                __version__="4",
            )
            return module
        module = Mute(spec.name)
        real = {"matplotlib": {"imread": imread}, "google": {"upload": self.upload}}
        vars(module).update(real.get(spec.name.partition(".")[0], {}))
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run."""

    def upload(self, *args: Any, **kwargs: Any) -> dict[str, bytes]:
        """google.colab's upload: returns all pictures here, each time with another one first, for single uploads."""
        names = sorted(path.name for path in Path().iterdir() if path.suffix.lower() in PICTURES)
        first = self.uploads % max(len(names), 1)
        self.uploads += 1
        return {name: Path(name).read_bytes() for name in names[first:] + names[:first]}


class Progress:
    """A progress bar that shows nothing; `n` is how far it is."""

    def __init__(self, iterable: Iterable[Any] = (), *args: Any, **kwargs: Any) -> None:
        self.iterable = iterable
        self.n = 0

    def __iter__(self) -> Iterator[Any]:
        for one in self.iterable:
            yield one
            self.n += 1

    def update(self, n: int = 1) -> None:
        self.n += n

    @staticmethod
    def write(*args: Any, **kwargs: Any) -> None:
        """Nothing is shown."""

    pandas = write

    def __len__(self) -> int:
        return len(self.iterable)  # type: ignore[arg-type]

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing was shown."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **kwargs: None
