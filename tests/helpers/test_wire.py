import json
import socket
import struct
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from helpers import wire

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.text()
    | st.floats(allow_nan=False)
    | arrays(
        st.sampled_from(["uint8", "int64", "float32", "bool"]),
        array_shapes(min_dims=0, max_dims=4, min_side=0),
    ),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=10,
)


def same(a, b):
    if isinstance(a, np.ndarray):
        return (
            a.dtype == b.dtype
            and a.shape == b.shape
            and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        )
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


@given(anything)
def test_what_goes_in_comes_out(message):
    assert same(message, wire.decode(wire.encode(message)))


def test_over_a_socket_in_pieces():
    message = {"x": np.arange(2_000_000), "y": [np.float32(0.5), np.zeros((0, 3))]}
    left, right = socket.socketpair()
    with left, right:
        threading.Thread(target=wire.send, args=(left, message)).start()
        got = wire.receive(right)
        assert np.array_equal(got["x"], message["x"]) and got["y"][0].shape == ()
        left.close()
        with pytest.raises(EOFError):
            wire.receive(right)


@given(st.binary(max_size=200))
def test_rubbish_is_refused_and_nothing_else_happens(data):
    with pytest.raises(wire.WireError):
        wire.decode(data)


def header(message, arrays):
    text = json.dumps({"message": json.dumps(message), "arrays": arrays}).encode()
    return struct.pack(">I", len(text)) + text


@pytest.mark.parametrize(
    "data",
    [
        header(1, [["object", [1]]]),
        header(1, [["float64", [2**40, 2**40]]]),
        header(1, [["float64", [-1]]]),
        header(1, [["float64", [1] * 7]]),
        header({"__array__": 3}, []),
        header(1, [["uint8", [True]]]) + b"0",
        struct.pack(">I", 2**31),
    ],
)
def test_hostile_headers_are_refused_before_memory_is_taken(data):
    with pytest.raises(wire.WireError):
        wire.decode(data)


def test_what_cannot_be_sent_is_said():
    with pytest.raises(wire.WireError, match="an array of object"):
        wire.encode(np.array([object()]))
    with pytest.raises(wire.WireError, match="a set can't be sent"):
        wire.encode({1})


@pytest.mark.parametrize("name", wire.DTYPES)
def test_every_type_of_number_arrives_whatever_its_byte_order(name):
    for array in (np.array([0, 1, 1], name), np.array([0, 1, 1], np.dtype(name).newbyteorder(">"))):
        arrived = wire.decode(wire.encode(array))
        assert arrived.dtype == name and arrived.tolist() == array.tolist()


def test_a_time_out_is_for_the_whole_message():
    left, right = socket.socketpair()
    with left, right:
        right.settimeout(0.5)
        over = threading.Event()

        def drip():
            left.sendall(b"\0\0\x10\0")
            while not over.wait(0.05):
                left.sendall(b" ")

        thread = threading.Thread(target=drip)
        thread.start()
        with pytest.raises(TimeoutError):
            wire.receive(right)
        over.set()
        thread.join()
        assert right.gettimeout() == 0.5
