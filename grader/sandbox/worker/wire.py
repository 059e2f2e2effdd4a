"""Bytes <-> None, numbers, strings, arrays, tensors, lists, tuples, dicts, handles, callbacks. No pickle, nothing else.

Both sides use it. On the grader's side, `decode` gets bytes that hostile code may have written. Before it allocates, it
checks each length against the bytes that are there. It limits depth and count, and builds exact types, so that no
subclass, lazy object or operator of a student's reaches the grader.

A frame is an 8-byte little-endian length and that many bytes of one encoded value. A value is a tag byte, then:

    N T F            nothing                       s b    u32 length, bytes (s: UTF-8)
    i                i64                           l t    u32 count, values
    I                u32 length, signed bytes      m      u32 count, string and value in turn
    d                f64                           M      the same, but each key is a value that can be hashed
    c                f64 f64                       S Z    u32 count, such values (S: set, Z: frozenset)
    D                u32 count, as many f64:       a      u8 dtype, u8 ndim, u64 each side, C-order bytes
                     a tuple of floats             h k    u64 id, string (h: handle, k: callback)
                                                   x      bool, an array, and an array or None: a tensor
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, Any

import numpy as np

HEAD = 8  # bytes of a frame's length
MAX_FRAME = 256 << 20
MAX_DEPTH = 32
MAX_NODES = 1_000_000
MAX_HASHED = 30_000  # values in those keys and elements of sets whose hashes a student can make collide
MAX_ALIKE = 50  # of these in one dict or set that have one hash: each is compared with all of them
MAX_INT_BYTES = 512
MAX_NDIM = 16

DTYPES = tuple(np.dtype(code).newbyteorder("<") for code in "? i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16".split())
_DTYPE_CODE = {dtype: code for code, dtype in enumerate(DTYPES)}

_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")
_I64 = struct.Struct("<q")
_F64 = struct.Struct("<d")
_TAGGED_I64, _TAGGED_F64, _TAGGED_U32 = struct.Struct("<cq"), struct.Struct("<cd"), struct.Struct("<cI")
_FLOAT_ALONE = {float}
_TEXT_ALONE = frozenset({str})
_HASHED = frozenset({type(None), bool, int, float, complex, str, bytes})  # keys; also tuples and frozensets of keys
_FLOAT, _INT, _TEXT, _NAMED, _LIST, _TUPLE, _FLOATS = map(ord, "dismltD")

Piece = bytes | memoryview  # of a frame; that of an array shares its memory


class FrameError(Exception):
    """The bytes are not a frame, or a value or frame exceeds the limits above."""


class TooLargeError(FrameError):
    """A frame that is larger than what was asked for can be."""


@dataclass(frozen=True, slots=True)
class Handle:
    """An object that stays in the student's process; `kind` is its type's name, for messages."""

    id: int
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Callback:
    """A function of the check's that the student's code may call during a call; `kind` is its name."""

    id: int
    kind: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A torch tensor by value: its numbers, whether it requires gradients, and its own gradient."""

    array: np.ndarray[Any, Any]
    requires_grad: bool = False
    grad: np.ndarray[Any, Any] | None = None

    @classmethod
    def of(cls, value: Any) -> Tensor:
        """Raises TypeError for a dtype or layout that numpy lacks."""
        grad = value.grad.to_dense().numpy(force=True) if value.is_leaf and value.grad is not None else None
        return cls(np.array(value.numpy(force=True)), bool(value.requires_grad), grad)

    def opened(self) -> Any:
        """The torch tensor."""
        import torch

        made = torch.from_numpy(self.array).requires_grad_(self.requires_grad)
        made.grad = None if self.grad is None else torch.from_numpy(self.grad)
        return made


def encode(value: Any) -> bytes:
    """One value as bytes. Raises FrameError for a type that is not listed above, or for too deep nesting."""
    return b"".join(pieces(value))


def pieces(value: Any) -> list[Piece]:
    """The same bytes in pieces, so that those of a large value are not copied. Raises FrameError."""
    parts: list[Piece] = []
    _encode(value, parts, 0)
    return parts


def _encode(value: Any, parts: list[Piece], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise FrameError(f"nested deeper than {MAX_DEPTH} levels")
    if len(parts) > MAX_NODES:
        raise FrameError(f"more than {MAX_NODES} values in one frame")
    kind = type(value)  # the most frequent ones first
    if kind is float:
        parts.append(_TAGGED_F64.pack(b"d", value))
    elif kind is int:
        parts.append(_encode_int(value))
    elif kind is str:
        parts.append(b"s" + _text(value))
    elif value is None:
        parts.append(b"N")
    elif kind is bool:
        parts.append(b"T" if value else b"F")
    elif kind is tuple and len(value) > 1 and set(map(type, value)) == _FLOAT_ALONE:
        parts.append(struct.pack(f"<cI{len(value)}d", b"D", len(value), *value))
        parts += [b""] * len(value)  # so that MAX_NODES counts each float, as `decode` does
    elif kind is list or kind is tuple:
        parts.append(_TAGGED_U32.pack(b"l" if kind is list else b"t", len(value)))
        for element in value:
            _encode(element, parts, depth + 1)
    elif (write := _WRITE.get(kind)) is not None:
        write(value, parts, depth)
    else:
        raise FrameError(f"a value of type {kind.__name__} cannot be sent")


def _encode_dict(value: dict[Any, Any], parts: list[Piece], depth: int) -> None:
    texts = _TEXT_ALONE.issuperset(map(type, value))
    parts.append(_TAGGED_U32.pack(b"m" if texts else b"M", len(value)))
    for key, element in value.items():
        if texts:
            parts.append(_name(key))
        else:
            _encode_key(key, parts, depth + 1)
        _encode(element, parts, depth + 1)


def _encode_set(value: set[Any] | frozenset[Any], parts: list[Piece], depth: int) -> None:
    parts.append(_TAGGED_U32.pack(b"S" if type(value) is set else b"Z", len(value)))
    keys: list[list[Piece]] = [[] for _ in value]
    for key, own in zip(value, keys, strict=True):
        _encode_key(key, own, depth + 1)
    parts.extend(sorted(map(b"".join, keys)))  # the same bytes for the same elements


def _encode_key(key: Any, parts: list[Piece], depth: int) -> None:
    if not is_key(key):
        raise FrameError(
            f"a dict key or element of type {type(key).__name__}; only texts, bytes, numbers, None, and tuples and "
            "frozensets of them can be sent"
        )
    _encode(key, parts, depth)


def is_key(value: Any) -> bool:
    """Whether a value of exact types can be a dict's key or a set's element here."""
    kind = type(value)
    return kind in _HASHED or ((kind is tuple or kind is frozenset) and all(map(is_key, value)))


def spreads(key: Any) -> bool:
    """Whether few of such keys can have one hash: Python keeps those of texts unpredictable."""
    kind = type(key)
    return kind is str or kind is bytes or kind is bool or (kind is int and -(1 << 63) <= key < 1 << 63)


def _encode_int(value: int) -> bytes:
    if -(1 << 63) <= value < 1 << 63:
        return _TAGGED_I64.pack(b"i", value)
    size = value.bit_length() // 8 + 1
    if size > MAX_INT_BYTES:
        raise FrameError(f"an integer of {size} bytes; at most {MAX_INT_BYTES} can be sent")
    return b"I" + _U32.pack(size) + value.to_bytes(size, "little", signed=True)


def _encode_array(array: np.ndarray[Any, Any], parts: list[Piece], depth: int) -> None:
    code = _DTYPE_CODE.get(array.dtype.newbyteorder("<"))
    if code is None:
        raise FrameError(f"an array of dtype {array.dtype} cannot be sent")
    if array.ndim > MAX_NDIM:
        raise FrameError(f"an array of {array.ndim} dimensions; at most {MAX_NDIM} can be sent")
    if max(array.shape, default=0) > MAX_FRAME:  # of no elements, as another side is 0
        raise FrameError(f"an array of shape {array.shape} cannot be sent")
    expect_room(array.nbytes)  # before it is copied
    parts.append(struct.pack(f"<cBB{array.ndim}Q", b"a", code, array.ndim, *array.shape))
    parts.append(np.ascontiguousarray(array, DTYPES[code]).reshape(-1).view(np.uint8).data)


def _encode_complex(value: complex, parts: list[Piece], depth: int) -> None:
    parts.append(struct.pack("<cdd", b"c", value.real, value.imag))


def _encode_bytes(value: bytes, parts: list[Piece], depth: int) -> None:
    parts += [_TAGGED_U32.pack(b"b", len(value)), value]


def _encode_tensor(value: Tensor, parts: list[Piece], depth: int) -> None:
    parts.append(b"xT" if value.requires_grad else b"xF")
    _encode_array(value.array, parts, depth)
    _encode(value.grad, parts, depth)


def _encode_reference(value: Handle | Callback, parts: list[Piece], depth: int) -> None:
    parts.append((b"h" if type(value) is Handle else b"k") + _U64.pack(value.id) + _text(value.kind))


# What `_encode` does not write itself.
_WRITE: dict[type, Callable[[Any, list[Piece], int], None]] = {
    np.ndarray: _encode_array,
    dict: _encode_dict,
    set: _encode_set,
    frozenset: _encode_set,
    complex: _encode_complex,
    bytes: _encode_bytes,
    Tensor: _encode_tensor,
    Handle: _encode_reference,
    Callback: _encode_reference,
}


def _text(value: str) -> bytes:
    data = value.encode("utf-8", "backslashreplace")
    return _U32.pack(len(data)) + data


_name = lru_cache(maxsize=256)(_text)  # of a dict's key: most are those of our own frames


def decode(data: bytes | memoryview) -> Any:
    """The value in `data`, made of exact built-in types, arrays, and the classes above. Raises only FrameError."""
    return counted(data)[0]


def counted(data: bytes | memoryview) -> tuple[Any, int]:
    """As `decode`, and of how many values it is made."""
    reader = _Reader(memoryview(data))
    try:
        value = reader.value(0)
    except (struct.error, IndexError):  # numbers and tags are read without a look at what is left
        raise FrameError("the frame ends early") from None
    if reader.at != len(data):
        raise FrameError(f"{len(data) - reader.at} extra bytes after the value")
    return value, reader.nodes


class _Reader:
    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.size = len(data)
        self.at = 0
        self.nodes = 0
        self.hashed = 0

    def step(self, size: int) -> int:
        """Skip `size` bytes and return where they begin."""
        at = self.at
        self.at = at + size
        if self.at > self.size:
            raise FrameError(f"the frame ends {self.at - self.size} bytes early")
        return at

    def take(self, size: int) -> memoryview:
        at = self.step(size)
        return self.data[at : self.at]

    def u32(self) -> int:
        at = self.at
        self.at = at + 4
        return _U32.unpack_from(self.data, at)[0]  # type: ignore[no-any-return]

    def text(self) -> str:
        at = self.at + 4
        self.at = end = at + _U32.unpack_from(self.data, at - 4)[0]
        if end > self.size:
            raise FrameError(f"the frame ends {end - self.size} bytes early")
        return str(self.data[at:end], "utf-8", "replace")

    def count(self) -> int:
        """A container's length. Each element takes at least a byte, so a false length is found before allocation."""
        at = self.at
        self.at = at + 4
        count: int = _U32.unpack_from(self.data, at)[0]
        if count > self.size - self.at:
            raise FrameError(f"a container of {count} elements in {self.size - self.at} bytes")
        return count

    def pass_nodes(self, count: int) -> None:
        self.nodes += count
        if self.nodes > MAX_NODES:
            raise FrameError(f"more than {MAX_NODES} values in one frame")

    def value(self, depth: int) -> Any:
        """Raises IndexError or struct.error where the frame ends inside a tag or a number."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self.pass_nodes(0)
        if depth > MAX_DEPTH:
            raise FrameError(f"nested deeper than {MAX_DEPTH} levels")
        at = self.at
        tag = self.data[at]
        self.at = at + 1
        if tag == _FLOAT:
            self.at = at + 9
            return _F64.unpack_from(self.data, at + 1)[0]
        if tag == _INT:
            self.at = at + 9
            return _I64.unpack_from(self.data, at + 1)[0]
        if tag == _TEXT:
            return self.text()
        if tag == _NAMED:
            return {self.text(): self.value(depth + 1) for _ in range(self.count())}
        if tag == _LIST:
            return [self.value(depth + 1) for _ in range(self.count())]
        if tag == _TUPLE:
            return tuple([self.value(depth + 1) for _ in range(self.count())])
        if tag == _FLOATS:
            return self.floats()
        read = _READ.get(tag)
        if read is None:
            raise FrameError(f"unknown tag {bytes((tag,))!r}")
        return read(self, depth)

    def key(self, depth: int, hashes: dict[int, int]) -> Any:
        """A dict's key or a set's element. `hashes` counts those of its dict or set, by hash."""
        before = self.nodes
        found = self.value(depth + 1)
        if not is_key(found):
            raise FrameError(f"a dict key or element of type {type(found).__name__}")
        if spreads(found):
            return found
        self.hashed += self.nodes - before
        if self.hashed > MAX_HASHED:
            raise FrameError(f"more than {MAX_HASHED} values in keys that are neither texts nor integers")
        alike = hashes[hash(found)] = hashes.get(hash(found), 0) + 1
        if alike > MAX_ALIKE:
            raise FrameError(f"more than {MAX_ALIKE} keys with one hash")
        return found

    def keys(self, depth: int) -> list[Any]:
        """The elements of a set."""
        hashes: dict[int, int] = {}
        return [self.key(depth, hashes) for _ in range(self.count())]

    def mapping(self, depth: int) -> dict[Any, Any]:
        hashes: dict[int, int] = {}
        return {self.key(depth, hashes): self.value(depth + 1) for _ in range(self.count())}

    def floats(self) -> tuple[float, ...]:
        count, at = self.count(), self.at
        self.pass_nodes(count)
        self.at = at + 8 * count
        return struct.unpack_from(f"<{count}d", self.data, at)

    def large(self) -> int:
        size = self.u32()
        if size > MAX_INT_BYTES:
            raise FrameError(f"an integer of {size} bytes; at most {MAX_INT_BYTES} can be sent")
        return int.from_bytes(self.take(size), "little", signed=True)

    def tensor(self) -> Tensor:
        flag, tag = bytes(self.take(2))
        if flag not in b"TF" or tag != ord("a"):
            raise FrameError("a tensor that is not a flag and an array")
        array, then = self.array(), self.take(1)[0]
        if then not in b"Na":
            raise FrameError("a tensor whose gradient is neither an array nor None")
        grad = self.array() if then == ord("a") else None
        if grad is not None and (grad.shape, grad.dtype) != (array.shape, array.dtype):
            raise FrameError("a tensor with a gradient of another shape or dtype")
        if flag == ord("T") and array.dtype.kind not in "fc":
            raise FrameError("a tensor of whole numbers that requires gradients")
        return Tensor(array, flag == ord("T"), grad)

    def array(self) -> np.ndarray[Any, Any]:
        code, ndim = self.take(2)
        if code >= len(DTYPES) or ndim > MAX_NDIM:
            raise FrameError(f"an array with dtype code {code} and {ndim} dimensions")
        shape = struct.unpack(f"<{ndim}Q", self.take(8 * ndim))
        # With one side of length 0, the others could be huge and overflow in numpy, so each side is limited.
        if any(side > MAX_FRAME for side in shape):
            raise FrameError(f"an array of shape {shape}")
        dtype = DTYPES[code]
        data = self.take(math.prod(shape) * dtype.itemsize)
        if dtype.kind == "b" and np.frombuffer(data, np.uint8).max(initial=0) > 1:
            raise FrameError("a boolean array with bytes other than 0 and 1")
        try:
            return np.frombuffer(data, dtype=dtype).reshape(shape).copy()
        except ValueError as error:
            raise FrameError(f"an array of shape {shape}: {error}") from None


# What `value` does not read itself.
_READ: dict[int, Callable[[_Reader, int], Any]] = {
    ord("N"): lambda reader, depth: None,
    ord("T"): lambda reader, depth: True,
    ord("F"): lambda reader, depth: False,
    ord("I"): lambda reader, depth: reader.large(),
    ord("c"): lambda reader, depth: complex(*struct.unpack_from("<dd", reader.data, reader.step(16))),
    ord("b"): lambda reader, depth: bytes(reader.take(reader.u32())),
    ord("M"): lambda reader, depth: reader.mapping(depth),
    ord("S"): lambda reader, depth: set(reader.keys(depth)),
    ord("Z"): lambda reader, depth: frozenset(reader.keys(depth)),
    ord("a"): lambda reader, depth: reader.array(),
    ord("h"): lambda reader, depth: Handle(_U64.unpack_from(reader.data, reader.step(8))[0], reader.text()),
    ord("k"): lambda reader, depth: Callback(_U64.unpack_from(reader.data, reader.step(8))[0], reader.text()),
    ord("x"): lambda reader, depth: reader.tensor(),
}


def frame(value: Any) -> bytes:
    """One value as a frame. Raises FrameError if it cannot be sent."""
    parts = pieces(value)
    size = sum(map(len, parts))
    expect_room(size)
    return b"".join((_U64.pack(size), *parts))


def expect_room(size: int) -> None:
    """Raise FrameError for more bytes than a frame may have."""
    if size > MAX_FRAME:
        raise FrameError(f"{size >> 20} MB in one frame; at most {MAX_FRAME >> 20} MB can be sent")


def write_frame(stream: IO[bytes], value: Any) -> None:
    """Send one value. Raises FrameError if it cannot be sent, OSError if the other side is gone."""
    stream.write(frame(value))
    stream.flush()


def read_frame(stream: IO[bytes]) -> Any:
    """Receive one value. Raises EOFError at a clean end, FrameError for anything else but a whole frame."""
    return decode(receive(stream, MAX_FRAME))


def receive(stream: IO[bytes], most: int) -> bytes:
    """The bytes of one value, for `decode`. Raises as `read_frame`, and TooLargeError for more than `most` bytes."""
    head = stream.read(HEAD)
    if not head:
        raise EOFError
    if len(head) < HEAD:
        raise ends_early(HEAD - len(head), inside=False)
    size = size_of(head, most)
    data = stream.read(size)
    if len(data) < size:
        raise ends_early(size - len(data), inside=True)
    return data


def size_of(head: bytes | bytearray, most: int) -> int:
    """How many bytes come after a frame's head. Raises TooLargeError for more than `most`, FrameError for more than
    any frame may have."""
    size = int(_U64.unpack(head)[0])
    if size > MAX_FRAME:
        raise FrameError(f"a frame of {size} bytes; at most {MAX_FRAME >> 20} MB can be sent")
    if size > most:
        raise TooLargeError(f"{size >> 20} MB; at most {most >> 20} MB can be taken")
    return size


def ends_early(missing: int, *, inside: bool) -> FrameError:
    """The error for a stream that ends in a frame's head, or `inside` the frame."""
    where = f"{missing} bytes before the end of its frame" if inside else "inside a frame's length"
    return FrameError(f"the stream ends {where}")
