"""A student's picture file -> pixels. The size in its header is checked before anything is decoded."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from grader.errors import Mismatch

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
# .heic and .heif cannot be read; they are listed so that a message can name them.
ENDINGS = (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".gif", ".heic", ".heif")
PASSES = 100  # most passes of a progressive JPEG, each as long as all of it; programs write about ten
PIXELS = 64_000_000  # most pixels of a file; a telephone's photograph has 12 to 50 million
SIDE = 2048  # larger pictures are scaled down to this side


def load_library() -> None:
    """Import what readers decode pictures with: once, and not in every reader."""
    from PIL import Image, ImageOps  # noqa: F401

    Image.init()


def area(data: bytes) -> int:
    """The pixels that a picture says it has; 0 for what is none."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                return image.width * image.height
    except Exception:  # as below
        return 0


def upright(data: bytes, name: str, side: int, formats: tuple[str, ...] = FORMATS) -> Image:
    """A picture in RGB, upright, at least `side` wide or high where it was. Raises Mismatch with the cure. To be called
    in a reader (see sandbox/reader.py)."""
    from PIL import Image, ImageOps

    if data.startswith(b"\xff\xd8") and data.count(b"\xff\xda") > PASSES:
        raise Mismatch(f"{name} is a JPEG of more than {PASSES} passes; save it again and hand in that file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=formats) as image:
                if image.width * image.height > PIXELS:
                    raise Image.DecompressionBombWarning
                image.draft("RGB", (side, side))  # a large JPEG is decoded at a fraction of its size
                return ImageOps.exif_transpose(image).convert("RGB")
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise Mismatch(f"{name} has more than {PIXELS // 10**6} million pixels; hand in a smaller copy") from None
    except Exception as error:  # a damaged file raises nearly anything: OSError, SyntaxError, ValueError, struct.error
        kind = "" if "cannot identify" in str(error) else f" ({type(error).__name__})"
        raise Mismatch(
            f"{name} cannot be read as a picture{kind}; save it as JPEG or PNG, then hand in that file"
        ) from None


def pixels(data: bytes, name: str, *, side: int = SIDE) -> NDArray[np.uint8]:
    """A picture as (H, W, 3) RGB, upright, at most `side` wide and high. Raises as `upright`."""
    from PIL import Image

    image = upright(data, name, side)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.asarray(image, np.uint8)


def is_blank(data: bytes) -> bool:
    """Whether a picture that `pixels` can read is of one colour, its transparency included. For a reader, too."""
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        image.draft("RGB", (SIDE, SIDE))
        return all(np.ptp(np.asarray(band)) == 0 for band in image.convert("RGBA").split())


def thumbnail(picture: NDArray[Any], side: int) -> NDArray[np.uint8]:
    """A picture (H, W, 3), scaled down to at most `side` pixels wide and high."""
    from PIL import Image

    small = Image.fromarray(picture)
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.asarray(small, np.uint8)
