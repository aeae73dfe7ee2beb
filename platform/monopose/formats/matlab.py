"""MATLAB's files of version 5 (`-v6`, `-v7`), read by scipy once every length in them is checked.

scipy believes what a file says of itself, and a damaged count then asks for all memory. So the
elements are walked first (MathWorks, "MAT-File Format", version 5: 8-byte tags of type and size,
arrays nested in arrays, whole variables compressed with zlib), and each array must fit the bytes
it has.
"""

import io
import math
import struct
import warnings
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from scipy.io.matlab import mat_struct

from monopose.errors import InputError, MonoposeError

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
# Bytes per value of the types of data elements.
_VALUE_BYTES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8, 16: 1, 17: 2, 18: 4}
_CELL, _STRUCT, _CHAR, _NUMBERS = 1, 2, 4, range(6, 16)
_COMPLEX = 0x0800
_MAX_DEPTH = 16
_MAX_RATIO = 64
_SMALL = 64 << 20
# The least an array can take: the tag of an empty one.
_TAG = 8


def load_mat(path: Path, names: Iterable[str]) -> dict[str, Any]:
    """The named variables of a file, as scipy gives them without squeezing.

    Numbers and texts are arrays, a struct array is an object array of `mat_struct`, a cell an
    object array; `structs`, `number` and `text` below take them apart. Raises InputError, and
    nothing else, for a file that is missing, damaged, of another version (7.3 is HDF5), bigger
    inside than it can honestly be, or without one of the variables.
    """
    wanted = list(names)
    try:
        found = _load(path.read_bytes(), wanted)
    except MonoposeError as error:
        raise InputError(error.what, where=str(path), fix=error.fix) from error
    except FileNotFoundError as error:
        raise InputError("there is no such file", where=str(path)) from error
    # A damaged file can raise nearly anything in zlib, struct and scipy.
    except Exception as error:
        what = f"not a readable MATLAB file ({type(error).__name__}: {_line(str(error))})"
        raise InputError(what, where=str(path), fix="fetch or copy the file again") from error
    for name in wanted:
        if name not in found:
            raise InputError(f"has no variable {name!r}", where=str(path))
    return found


def _line(text: str) -> str:
    return " ".join(text.split())[:120]


def _load(payload: bytes, names: list[str]) -> dict[str, Any]:
    header = payload[:_HEADER]
    if header[:8] == b"\x89HDF\r\n\x1a\n" or b"MATLAB 7.3" in header:
        raise InputError("is of MATLAB 7.3 (HDF5), not of version 5", fix="save it with -v7")
    if len(header) < _HEADER or header[126:] not in (b"IM", b"MI"):
        raise InputError("is not a MATLAB file of version 5", fix="fetch or copy the file again")
    order = "<" if header[126:] == b"IM" else ">"
    limit = _SMALL + _MAX_RATIO * len(payload)
    plain = header + b"".join(_unpacked(payload, order, limit))
    for kind, content in _Elements(plain, order, _HEADER, len(plain)):
        if kind == _MATRIX:
            _check_matrix(plain, order, content, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of doubled names; the last one counts
        return scipy.io.loadmat(
            io.BytesIO(plain), variable_names=names, struct_as_record=False, squeeze_me=False
        )


def _unpacked(payload: bytes, order: str, limit: int) -> Iterator[bytes]:
    """The variables as they are when nothing is compressed."""
    place = _HEADER
    while place + _TAG <= len(payload):
        kind, size = struct.unpack_from(f"{order}II", payload, place)
        content = payload[place + _TAG : place + _TAG + size]
        if len(content) < size:
            raise InputError("ends in the middle of a variable", fix="fetch or copy it again")
        if kind == _COMPRESSED:
            stream = zlib.decompressobj()
            content = stream.decompress(content, limit)
            if not stream.eof:
                what = f"has a variable that is cut off, or longer than {limit} bytes unpacked"
                raise InputError(what, fix="fetch or copy it again")
            limit -= len(content)
            yield content
        else:
            yield payload[place : place + _TAG + size]
        place += _TAG + size


@dataclass(frozen=True)
class _Elements:
    """The data elements in bytes start..end: (type, where its content lies)."""

    data: bytes
    order: str
    start: int
    end: int

    def __iter__(self) -> Iterator[tuple[int, range]]:
        place = self.start
        while place + _TAG <= self.end:
            kind, size = struct.unpack_from(f"{self.order}II", self.data, place)
            if kind >> 16:  # a small element: size, type and up to 4 bytes in one tag
                kind, size = kind & 0xFFFF, kind >> 16
                yield kind, self._content(place + 4, min(size, 5))
                place += _TAG
                continue
            yield kind, self._content(place + _TAG, size)
            # Padded to 8 bytes, except that a last one may not be.
            place += _TAG + size + (-size % 8)

    def _content(self, start: int, size: int) -> range:
        if start + size > self.end:
            raise InputError(f"has an element of {size} bytes that does not fit")
        return range(start, start + size)


def _check_matrix(data: bytes, order: str, content: range, depth: int) -> None:
    """Raises InputError unless the array's sizes agree with the bytes it has."""
    if not len(content):
        return  # an empty array in a field is a tag without content
    if depth > _MAX_DEPTH:
        raise InputError(f"arrays are nested more than {_MAX_DEPTH} deep")
    parts = list(_Elements(data, order, content.start, content.stop))
    if len(parts) < 3 or len(parts[0][1]) != 8 or len(parts[1][1]) % 4:
        raise InputError("has an array without flags, sizes or name")
    flags = struct.unpack_from(f"{order}I", data, parts[0][1].start)[0]
    sizes = struct.unpack_from(f"{order}{len(parts[1][1]) // 4}i", data, parts[1][1].start)
    if len(sizes) < 2 or min(sizes) < 0:
        raise InputError(f"has an array of shape {sizes}")
    count, kind = math.prod(sizes), flags & 0xFF
    if kind in (_CELL, _STRUCT):
        _check_nested(data, order, parts, count, kind, depth)
    elif kind == _CHAR or kind in _NUMBERS:
        wanted = 2 if kind != _CHAR and flags & _COMPLEX else 1
        _check_values(parts[3:], count, wanted, kind == _CHAR)
    else:
        raise InputError(f"has an array of class {kind}, neither numbers, text, cell nor struct")


def _check_nested(
    data: bytes, order: str, parts: list[tuple[int, range]], count: int, kind: int, depth: int
) -> None:
    inside = parts[3:]
    if kind == _STRUCT:
        if len(parts) < 5 or len(parts[3][1]) != 4:
            raise InputError("has a struct without names of fields")
        length = struct.unpack_from(f"{order}i", data, parts[3][1].start)[0]
        if length < 1 or len(parts[4][1]) % length:
            raise InputError(f"has a struct whose names are {length} long")
        count, inside = count * (len(parts[4][1]) // length), parts[5:]
    if len(inside) != count or any(kind != _MATRIX for kind, _ in inside):
        raise InputError(f"has a cell or struct of {count} arrays with {len(inside)}")
    for _, content in inside:
        _check_matrix(data, order, content, depth + 1)


def _check_values(parts: list[tuple[int, range]], count: int, wanted: int, text: bool) -> None:
    if len(parts) != wanted and not (count == 0 and not parts):
        raise InputError(f"has an array of {len(parts)} parts, not {wanted}")
    for kind, content in parts:
        held = len(content) // _VALUE_BYTES.get(kind, 1 << 31)
        # A text of UTF-8 has fewer letters than bytes.
        if kind not in _VALUE_BYTES or (held < count if text else held != count):
            raise InputError(f"has an array of {count} values with {held} of type {kind}")


def structs(value: Any, what: str = "value") -> list[dict[str, Any]]:
    """The elements of a struct array by field; none for a field that is missing or empty.

    Raises InputError when the value is something else.
    """
    if value is None or (isinstance(value, np.ndarray) and value.size == 0):
        return []
    elements = value.ravel().tolist() if isinstance(value, np.ndarray) else [value]
    if not all(isinstance(element, mat_struct) for element in elements):
        raise InputError(f"{what} is {_kind(value)}, not a struct")
    return [vars(element) for element in elements]


def number(value: Any, what: str = "value") -> float | None:
    """A number, also when it is written as text; None for one that is missing or empty.

    Raises InputError when the value is something else, or not finite.
    """
    if value is None or (isinstance(value, np.ndarray) and value.size == 0):
        return None
    if isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind in "biufU":
        try:
            found = float(value.item())
        except ValueError:
            found = math.nan
        if math.isfinite(found):
            return found
    raise InputError(f"{what} is {_kind(value)}, not a finite number")


def text(value: Any, what: str = "value") -> str | None:
    """A text; None for one that is missing or empty; raises InputError for anything else."""
    if value is None or (isinstance(value, np.ndarray) and value.size == 0):
        return None
    if isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind == "U":
        return str(value.item())
    raise InputError(f"{what} is {_kind(value)}, not a text")


def _kind(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return type(value).__name__
    held = _line(str(value.ravel()[:3].tolist()))[:40] if value.dtype.kind in "biufU" else "a cell"
    return f"{held} of shape {value.shape}"
