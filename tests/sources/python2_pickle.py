"""Pickles byte for byte as Python 2 and numpy 1 write them (protocol 2), which Python 3 cannot."""

import struct
from typing import Any

import numpy as np


def dumps(value: Any) -> bytes:
    """The pickle of dicts, lists, texts, numbers and arrays; opcodes as in pickletools."""
    return b"\x80\x02" + _value(value) + b"."


def _value(value: Any) -> bytes:
    if value is None:
        return b"N"
    if isinstance(value, bool):
        return b"\x88" if value else b"\x89"
    if isinstance(value, int):
        return b"J" + struct.pack("<i", value)
    if isinstance(value, float):
        return b"G" + struct.pack(">d", value)
    if isinstance(value, (str, bytes)):
        return _bytes(value.encode("latin1") if isinstance(value, str) else value)
    if isinstance(value, list):
        return b"](" + b"".join(map(_value, value)) + b"e"
    if isinstance(value, tuple):
        return b"(" + b"".join(map(_value, value)) + b"t"
    if isinstance(value, dict):
        return b"}(" + b"".join(_value(k) + _value(v) for k, v in value.items()) + b"u"
    if isinstance(value, np.ndarray):
        return _array(value)
    raise TypeError(type(value))


def _bytes(text: bytes) -> bytes:
    """A `str` of Python 2, which knows no difference between text and bytes."""
    if len(text) < 256:
        return b"U" + bytes([len(text)]) + text
    return b"T" + struct.pack("<i", len(text)) + text


def _array(array: np.ndarray) -> bytes:
    code = f"{array.dtype.kind}{array.dtype.itemsize}"
    order = "|" if array.dtype.itemsize == 1 else "<"
    empty = b"cnumpy.core.multiarray\n_reconstruct\n" + b"cnumpy\nndarray\n"
    empty += _value((0,)) + _value("b") + b"\x87R"
    dtype = b"cnumpy\ndtype\n" + _value(code) + _value(0) + _value(1) + b"\x87R"
    dtype += _value((3, order, None, None, None, -1, -1, 0)) + b"b"
    state = _value(1) + _value(array.shape) + dtype + b"\x89" + _value(array.tobytes())
    return empty + b"(" + state + b"tb"
