"""Messages between a student's process and the judge: arrays and plain values, nothing else.

A message is a 4-byte length, a JSON header, and the raw bytes of its arrays in C order. There are
no pickles, ever: what comes from the other side is data and cannot run. Sizes are limited.
"""

import json
import math
import socket
import struct
import time
from typing import Any

import numpy as np

DTYPES = ("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
DTYPES += ("float16", "float32", "float64")
MAX_HEADER = 1 << 20
MAX_BODY = 64 << 20
MAX_DIMENSIONS = 6


class WireError(ValueError):
    """A message that breaks the rules: too large, an unknown dtype, not JSON."""


def encode(message: Any) -> bytes:
    """The bytes of a message.

    Args:
        message: dicts with string keys, lists, strings, numbers, booleans, None and NumPy arrays,
            nested as you like. Tuples become lists.

    Raises:
        WireError: it holds anything else, or is too large.
    """
    arrays: list[np.ndarray] = []
    try:
        plain = json.dumps(_to_plain(message, arrays))
    except RecursionError:
        raise WireError("the message is nested too deep") from None
    shapes = [[array.dtype.name, list(array.shape)] for array in arrays]
    header = json.dumps({"message": plain, "arrays": shapes}).encode()
    body = b"".join(array.tobytes() for array in arrays)
    if len(header) > MAX_HEADER or len(body) > MAX_BODY:
        raise WireError(f"the message has {len(header) + len(body)} bytes: too large")
    return struct.pack(">I", len(header)) + header + body


def decode(data: bytes) -> Any:
    """The message that `encode` made these bytes of. Raises WireError."""
    if len(data) < 4:
        raise WireError("the message is cut off")
    end = 4 + _header_length(data[:4])
    plain, shapes, size = _read_header(data[4:end])
    if len(data) != end + size:
        raise WireError(f"the message has {len(data)} bytes instead of {end + size}")
    return _message(plain, data[end:], shapes)


def send(connection: socket.socket, message: Any) -> None:
    """Sends one message. Raises WireError or OSError."""
    connection.sendall(encode(message))


def receive(connection: socket.socket) -> Any:
    """Waits for one message; the connection's time-out, if it has one, is for all of it.

    Raises WireError, EOFError when the other side is gone, or OSError.
    """
    patience = connection.gettimeout()
    end = None if patience is None else time.monotonic() + patience
    try:
        length = _header_length(_exactly(connection, 4, end))
        plain, shapes, size = _read_header(_exactly(connection, length, end))
        return _message(plain, _exactly(connection, size, end), shapes)
    finally:
        connection.settimeout(patience)


def _message(plain: Any, body: bytes, shapes: list[tuple[np.dtype, tuple[int, ...]]]) -> Any:
    try:
        return _to_arrays(plain, _split(body, shapes))
    except WireError:
        raise
    except RecursionError:
        raise WireError("the message is nested too deep") from None
    except (ValueError, OverflowError) as fault:  # sizes of an empty array that NumPy refuses
        raise WireError(f"the message can't be read: {str(fault)[:100]}") from None


def _to_plain(value: Any, arrays: list[np.ndarray]) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        # not ascontiguousarray: that turns a 0-d array into a 1-d one
        array = np.asarray(value, order="C")
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        if array.dtype.name not in DTYPES:
            raise WireError(f"an array of {array.dtype}: send one of {', '.join(DTYPES)}")
        if array.ndim > MAX_DIMENSIONS:
            raise WireError(f"an array of {array.ndim} dimensions; at most {MAX_DIMENSIONS}")
        arrays.append(array)
        return {"__array__": len(arrays) - 1}
    if isinstance(value, dict):
        return {str(key): _to_plain(item, arrays) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_to_plain(item, arrays) for item in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise WireError(f"a {type(value).__name__} can't be sent; send arrays, numbers or text")


def _to_arrays(value: Any, arrays: list[np.ndarray]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"__array__"}:
            index = value["__array__"]
            if not isinstance(index, int) or not 0 <= index < len(arrays):
                raise WireError("the header names an array that is not there")
            return arrays[index]
        return {key: _to_arrays(item, arrays) for key, item in value.items()}
    if isinstance(value, list):
        return [_to_arrays(item, arrays) for item in value]
    return value


def _header_length(prefix: bytes) -> int:
    (length,) = struct.unpack(">I", prefix)
    if length > MAX_HEADER:
        raise WireError(f"a header of {length} bytes; at most {MAX_HEADER}")
    return length


def _read_header(header: bytes) -> tuple[Any, list[tuple[np.dtype, tuple[int, ...]]], int]:
    try:
        fields = json.loads(header)
        plain, shapes = json.loads(fields["message"]), []
        for name, shape in fields["arrays"]:
            if name not in DTYPES or len(shape) > MAX_DIMENSIONS:
                raise WireError(f"an array of {str(name)[:20]} in {len(shape)} dimensions")
            if not all(type(n) is int and n >= 0 for n in shape):
                raise WireError("an array with a size that is no natural number")
            shapes.append((np.dtype(name), tuple(shape)))
    except (KeyError, TypeError, ValueError, RecursionError) as fault:
        raise WireError(f"a header that can't be read: {str(fault)[:100]}") from None
    size = sum(_bytes(dtype, shape) for dtype, shape in shapes)
    if size > MAX_BODY:  # it may have more digits than Python writes
        raise WireError(f"arrays of more than {MAX_BODY} bytes")
    return plain, shapes, size


def _split(body: bytes, shapes: list[tuple[np.dtype, tuple[int, ...]]]) -> list[np.ndarray]:
    arrays, start = [], 0
    for dtype, shape in shapes:
        end = start + _bytes(dtype, shape)
        arrays.append(np.frombuffer(body[start:end], dtype).reshape(shape).copy())
        start = end
    return arrays


def _bytes(dtype: np.dtype, shape: tuple[int, ...]) -> int:
    return math.prod(shape) * dtype.itemsize  # Python's integers: no overflow


def _exactly(connection: socket.socket, size: int, end: float | None) -> bytes:
    data = bytearray()
    while len(data) < size:
        if end is not None:  # who sends a byte now and then must not hold us for ever
            connection.settimeout(max(0.001, end - time.monotonic()))
        chunk = connection.recv(min(1 << 20, size - len(data)))
        if not chunk:
            raise EOFError("the other side closed the connection")
        data += chunk
    return bytes(data)
