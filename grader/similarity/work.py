"""What of a submission is compared: its code as tokens, numbers in saved outputs, pictures. Read in a reader."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.errors import Mismatch
from grader.intake.picture import PIXELS, area, upright
from grader.intake.repair import decoded, is_notebook, loaded, parts
from grader.sandbox.reader import Tell
from grader.similarity.tokens import CHARACTERS, Tokens, tokens

ROOM = 250_000_000  # most pixels of a submission's pictures; the rest are not compared
PICTURES, SAVED, NUMBERS = 12, 40, 4000  # most photographs, saved pictures and numbers of a submission
SIDE = 96  # pixels of a picture as it is kept
PLAIN = 4.0  # least standard deviation of a picture's pixels; a blank one is like every other
DECIMALS = re.compile(r"(?<![\w.])\d{1,6}\.\d{1,17}(?:[eE][+-]?\d{1,3})?(?!\w|\.\d)")
SCRIPT = re.compile(r"\.py$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Document:
    """A file's code: `text` is what a person reads, `tokens` what is compared."""

    name: str
    text: str
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture: a small copy (H, W, 3) of at most SIDE pixels. `saved` says that a notebook keeps it as an output;
    then `digest` is that of its pixels, else ""."""

    name: str
    digest: str
    small: NDArray[np.uint8]
    saved: bool


@dataclass(frozen=True, slots=True)
class Work:
    """A submission as it is compared. `numbers` are those in saved outputs, in their order, by file; `notes` say what
    was not compared."""

    documents: tuple[Document, ...] = ()
    numbers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    pictures: tuple[Picture, ...] = ()
    notes: tuple[str, ...] = ()


def read(tell: Tell, files: Mapping[str, bytes]) -> Work:
    """The work in `files`, by name. To be called in a reader (see sandbox/reader.py)."""
    documents: list[Document] = []
    numbers: list[tuple[str, tuple[str, ...]]] = []
    found: list[Picture] = []
    notes: list[str] = []
    room = Room({False: PICTURES, True: SAVED})
    for name, content in sorted(files.items()):
        tell(name)
        if is_notebook(content):
            document = loaded(decoded(content)[0].encode("utf-8", "replace"))
            if document is None:
                notes.append(f"{name} is no whole notebook, or holds too much, and was not compared")
                continue
            documents.append(as_document(name, "\n\n".join(code_cells(document))))
            numbers.append((name, tuple(decimals(document))))
            found += list(saved_pictures(name, document, room))
        elif SCRIPT.search(name):
            documents.append(as_document(name, decoded(content[: 4 * CHARACTERS])[0]))
        elif (one := picture(name, content, room, saved=False)) is not None:
            found.append(one)
    notes += [f"{one.name} is long; only its beginning was compared" for one in documents if one.tokens.cut]
    notes += ["it holds more pictures than are compared"] * room.over
    return Work(tuple(documents), tuple(numbers), tuple(found), tuple(notes))


def as_document(name: str, text: str) -> Document:
    text = text[:CHARACTERS].encode("utf-8", "replace").decode()  # a notebook may hold half a character
    text = re.sub(r"\r\n?", "\n", text.replace("\0", " "))
    return Document(name, text, tokens(text))


def code_cells(document: Any) -> Iterator[str]:
    """The code of each cell under a line that says which it is."""
    for number, cell in enumerate(parts(document), start=1):
        if cell.get("cell_type") == "code":
            yield f"# cell {number}\n{joined(cell.get('source', cell.get('input', '')))}"


def joined(text: Any) -> str:
    """A text as notebooks keep it: one, or a list of lines."""
    if isinstance(text, list):
        return "".join(part for part in text if isinstance(part, str))
    return text if isinstance(text, str) else ""


def outputs(document: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Each saved output with the number of its cell."""
    for number, cell in enumerate(parts(document), start=1):
        listed = cell.get("outputs")
        for output in listed if isinstance(listed, list) else ():
            if isinstance(output, dict):
                yield number, output


def decimals(document: Any) -> Iterator[str]:
    """The measured numbers in what was printed: those with a decimal point and three digits that say something."""
    count = 0
    for _, output in outputs(document):
        data = output.get("data")
        text = joined(output.get("text")) or joined(data.get("text/plain") if isinstance(data, dict) else "")
        for told in DECIMALS.findall(text[:CHARACTERS]):
            if len(told.split("e")[0].replace(".", "").strip("0")) >= 3:
                yield told
                count += 1
            if count >= NUMBERS:
                return


@dataclass(slots=True)
class Room:
    """How many photographs and saved pictures, of how many pixels, may still be decoded; whether there were more."""

    left: dict[bool, int]
    pixels: int = ROOM
    over: bool = False

    def take(self, area: int, saved: bool) -> bool:
        if self.left[saved] < 1 or area > self.pixels:
            self.over = True
            return False
        self.left[saved] -= 1
        self.pixels -= area
        return True


def saved_pictures(name: str, document: Any, room: Room) -> Iterator[Picture]:
    for number, output in outputs(document):
        kept = output.get("data")
        data = kept if isinstance(kept, dict) else output
        for form in ("image/png", "image/jpeg", "png", "jpeg"):
            if text := joined(data.get(form)):
                try:
                    content = base64.b64decode(text)
                except (binascii.Error, ValueError):
                    continue
                if (one := picture(f"{name}, cell {number}", content, room, saved=True)) is not None:
                    yield one
                break


def picture(name: str, content: bytes, room: Room, *, saved: bool) -> Picture | None:
    """A picture's pixels in short; None for what is none, is too large, or is blank."""
    from PIL import Image

    size = area(content)
    if not 0 < size <= PIXELS or not room.take(size, saved):
        return None
    try:
        image = upright(content, name, SIDE)
    except Mismatch:
        return None
    digest = hashlib.sha256(np.asarray(image).tobytes()).hexdigest()[:32] if saved else ""
    image.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    small = np.ascontiguousarray(image, np.uint8)
    return Picture(name, digest, small, saved) if small.std() >= PLAIN and min(small.shape[:2]) > 3 else None
