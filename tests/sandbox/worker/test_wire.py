"""The wire: what is sent arrives exactly, and no bytes whatever do more than raise FrameError."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grader.sandbox.worker import wire
from grader.sandbox.worker.wire import FrameError, Handle, decode, encode, read_frame, write_frame

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 200), 1 << 200)
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.text()
    | st.binary()
    | st.builds(Handle, st.integers(0, (1 << 64) - 1), st.text(max_size=20))
)
hashed = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
keys = st.recursive(
    hashed, lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3), max_leaves=5
)
values = st.recursive(
    scalars | st.sets(keys, max_size=4),
    lambda inner: (
        st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple) | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=20,
)


@given(values)
def test_values_arrive_as_they_were_sent(value):
    arrived = decode(encode(value))
    assert arrived == value
    assert in_order(arrived) == in_order(value)  # 1, 1.0 and True are equal, and not the same


def in_order(value):
    """A value as text; the elements of a set come in the order of their texts."""
    if isinstance(value, dict):
        return str([(in_order(key), in_order(part)) for key, part in value.items()])
    if isinstance(value, (list, tuple, set, frozenset)):
        parts = list(map(in_order, value))
        return f"{type(value).__name__} {sorted(parts) if isinstance(value, (set, frozenset)) else parts}"
    return repr(value)


def test_the_same_set_is_the_same_bytes_in_any_order():
    words = [f"word {number}" for number in range(50)]
    assert encode(set(words)) == encode({words[at] for at in range(49, -1, -1)})
    assert encode(set(words)) != encode(frozenset(words))


@given(hnp.arrays(st.sampled_from(wire.DTYPES), hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)))
def test_arrays_arrive_bit_for_bit(array):
    arrived = decode(encode(array))
    assert type(arrived) is np.ndarray
    assert (arrived.dtype, arrived.shape, arrived.tobytes()) == (array.dtype, array.shape, array.tobytes())
    assert arrived.flags.writeable
    assert arrived.flags.owndata or arrived.base.flags.owndata


def test_order_and_byte_order_do_not_matter():
    array = np.arange(6.0).reshape(2, 3)
    for other in (array.T.copy().T, array.astype(">f8"), array[:, ::1]):
        np.testing.assert_array_equal(decode(encode(other)), array)


class Liar(np.ndarray):
    pass


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {np.int64(1): 2},
        {object()},
        np.float64(1),
        np.array(["a"]),
        np.array([None]),
        np.zeros(2).view(Liar),
        1 << 5000,
        len,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_in_the_closed_set_does_not_travel(value):
    with pytest.raises(FrameError):
        encode(value)


def test_an_array_that_no_frame_has_room_for_is_refused_before_it_is_copied(monkeypatch):
    monkeypatch.setattr(wire, "MAX_FRAME", 1 << 20)
    array = np.zeros((1 << 17) + 1)
    monkeypatch.setattr(wire, "DTYPES", None)  # a copy would need it
    with pytest.raises(FrameError, match="1 MB in one frame; at most 1 MB can be sent"):
        encode(array)


def test_depth_is_limited_on_both_sides():
    deep: list = []
    for _ in range(wire.MAX_DEPTH + 1):
        deep = [deep]
    with pytest.raises(FrameError, match="nested deeper"):
        encode(deep)
    with pytest.raises(FrameError, match="nested deeper"):
        decode(b"l\1\0\0\0" * 100 + b"N")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "early"),
        (b"?", "unknown tag"),
        (b"NN", "extra bytes"),
        (b"l\xff\xff\xff\xff", "elements"),
        (b"s\xff\xff\xff\x7f", "early"),
        (b"a\x0b\x02" + struct.pack("<QQ", 1 << 27, 1 << 27), "early"),
        (b"a\x0b\x02" + struct.pack("<QQ", 0, 1 << 63), "shape"),
        (b"a\xff\x00", "dtype code"),
        (b"a\x0b\xff", "dimensions"),
        (b"a\x00\x01" + struct.pack("<Q", 1) + b"\x02", "boolean"),
        (b"I\xff\xff\x00\x00", "integer"),
    ],
)
def test_a_lie_about_sizes_is_found_before_anything_is_built(data, sentence):
    with pytest.raises(FrameError, match=sentence):
        decode(data)


def test_many_small_values_are_refused():
    nested = b"l" + struct.pack("<I", wire.MAX_NODES + 5) + b"N" * (wire.MAX_NODES + 5)
    with pytest.raises(FrameError, match="more than"):
        decode(nested)


@settings(max_examples=500)
@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_a_frame_error(data):
    try:
        decode(data)
    except FrameError:
        return


@pytest.mark.medium
@settings(max_examples=500)
@given(values, st.data())
def test_a_damaged_frame_gives_a_value_or_a_frame_error(value, data):
    frame = bytearray(encode(value))
    at = data.draw(st.integers(0, len(frame) - 1))
    frame[at] = data.draw(st.integers(0, 255))
    try:
        decode(bytes(frame[: data.draw(st.integers(0, len(frame)))]))
    except FrameError:
        return


def test_frames_end_cleanly_or_are_errors():
    stream = io.BytesIO()
    write_frame(stream, {"a": 1})
    whole = stream.getvalue()
    reader = io.BytesIO(whole)
    assert read_frame(reader) == {"a": 1}
    with pytest.raises(EOFError):
        read_frame(reader)
    for cut in range(1, len(whole)):
        with pytest.raises(FrameError, match="ends"):
            read_frame(io.BytesIO(whole[:cut]))
    with pytest.raises(FrameError, match="at most"):
        read_frame(io.BytesIO(struct.pack("<Q", wire.MAX_FRAME + 1)))


def test_a_tuple_of_floats_travels_whole_and_a_bool_in_it_stays_one():
    for value in ((1.0, -0.0), (0.5,), (1.0, True), (1.0, 2), ((1.5, 2.5), [1.5, 2.5])):
        again = wire.decode(wire.encode(value))
        assert again == value
        assert repr(again) == repr(value)
    assert wire.encode((1.0, 2.0))[:1] == b"D"


def test_a_key_is_what_python_can_hash():
    one_key, one_element = b"M" + (1).to_bytes(4, "little"), b"S" + (1).to_bytes(4, "little")
    for key in ([1], {}, ([1],), np.zeros(1), Handle(1)):
        with pytest.raises(FrameError, match="a dict key or element of type"):
            wire.decode(one_key + wire.encode(key) + b"N")
        with pytest.raises(FrameError, match="a dict key or element of type"):
            wire.decode(one_element + wire.encode(key))


def test_keys_whose_hashes_can_be_made_to_collide_are_few(monkeypatch):
    monkeypatch.setattr(wire, "MAX_HASHED", 30)
    for value in ({(-1, number) for number in range(11)}, {(0.5 + number): 1 for number in range(31)}):
        with pytest.raises(FrameError, match="more than 30 values in keys that are neither texts nor integers"):
            wire.decode(wire.encode(value))
    for value in ({(-1, number) for number in range(10)}, set(range(1000)), set(map(str, range(1000)))):
        assert wire.decode(wire.encode(value)) == value


def test_of_keys_with_one_hash_few_are_taken():
    """Thousands of them, each compared with all others, would take the grader seconds for each answer."""

    def alike(count: int) -> list[complex]:
        return [complex(-1000003.0 * number, float(number)) for number in range(1, count + 1)]

    assert len(set(map(hash, alike(1000)))) == 1
    for value in (set(alike(50)), dict.fromkeys(alike(50), 1), [set(alike(50)), frozenset(alike(50))]):
        assert wire.decode(wire.encode(value)) == value
    for value in (set(alike(51)), frozenset(alike(51)), dict.fromkeys(alike(51), 1)):
        with pytest.raises(FrameError, match="more than 50 keys with one hash"):
            wire.decode(wire.encode(value))


def test_floats_are_counted_on_both_sides(monkeypatch):
    rows = [(0.5, 1.5, 2.5)] * 10
    data = wire.encode(rows)
    monkeypatch.setattr(wire, "MAX_NODES", 30)
    for act in (lambda: wire.encode(rows), lambda: wire.decode(data)):
        with pytest.raises(FrameError, match="more than 30 values"):
            act()


def test_a_lie_about_the_number_of_floats_is_found():
    with pytest.raises(FrameError, match=r"elements|early"):
        wire.decode(b"D\xff\xff\xff\x00" + bytes(16))
    with pytest.raises(FrameError, match="early"):
        wire.decode(b"D\x03\x00\x00\x00" + bytes(16))


def test_the_bytes_of_an_array_are_copied_only_where_they_are_put_together():
    array = np.ones((100, 30))
    piece = wire.pieces({"x": array})[-1]
    assert np.shares_memory(np.frombuffer(piece, np.uint8), array)
    assert np.array_equal(decode(encode(array.T)), array.T)


@pytest.mark.parametrize(
    ("array", "flag", "grad"),
    [
        (np.ones(2), False, np.ones(3)),
        (np.ones(2), False, np.ones(2, np.float32)),
        (np.ones(2, np.int64), True, None),
    ],
)
def test_a_tensor_that_torch_could_not_make_is_refused(array, flag, grad):
    """Else a forged one would break the grader."""
    with pytest.raises(FrameError, match="a tensor"):
        decode(encode(wire.Tensor(array, flag, grad)))
    with pytest.raises(FrameError, match="neither an array nor None"):
        decode(encode(wire.Tensor(np.ones(2)))[:-1] + b"T")
    found = decode(encode(wire.Tensor(np.ones(2), True, np.zeros(2))))
    assert (found.array.tolist(), found.requires_grad, found.grad.tolist()) == ([1, 1], True, [0, 0])
