"""Reads npz files and pickles of arrays without ever running a pickle's code.

`numpy.load(allow_pickle=True)` lets a file call any function. Here a pickle only builds plain
values and inert records of the few numpy calls that an array needs (a literal allow-list); the
arrays are then made from those records by our own code, which checks every length.
"""

import io
import math
import pickle
import pickletools
import re
import warnings
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from monopose.errors import InputError, MonoposeError
from monopose.formats.pickled_keys import PickledKeys

# What pickles of arrays, dtypes and numpy scalars refer to, in every spelling numpy has had.
_RECONSTRUCT, _FROMBUFFER, _SCALAR = "reconstruct", "frombuffer", "scalar"
_ENCODE, _NO_BYTES = "encode", "bytes"
_ALLOWED = {
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy.core.multiarray", "scalar"): _SCALAR,
    ("numpy._core.multiarray", "scalar"): _SCALAR,
    ("numpy.core.numeric", "_frombuffer"): _FROMBUFFER,
    ("numpy._core.numeric", "_frombuffer"): _FROMBUFFER,
    ("_codecs", "encode"): _ENCODE,
    ("__builtin__", "bytes"): _NO_BYTES,
    ("builtins", "bytes"): _NO_BYTES,
}
# Opcodes that build objects by other ways than calling an allowed global, or reach outside; sets.
_FORBIDDEN = {
    "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "PERSID", "BINPERSID", "EXT1", "EXT2", "EXT4",
    "EMPTY_SET", "ADDITEMS", "FROZENSET",
}  # fmt: skip
_DTYPE = re.compile(r"^[<>|=]?(\?|[biufcSU]\d{1,6}|O8?)$")
_MAX_DEPTH = 16
_MAX_RATIO = 64
_SMALL = 64 << 20


class _Record:
    """A call to an allowed global that a pickle asks for: written down, never made."""

    def __init__(self, kind: str, args: tuple[Any, ...] = ()) -> None:
        self.kind, self.args, self.state = kind, args, None

    def __call__(self, *args: Any) -> "_Record":
        return _Record(self.kind, args)

    def __setstate__(self, state: Any) -> None:
        self.state = state


def _short(name: str) -> str:
    return ascii(name)[1:-1][:80]


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> _Record:
        """Raises InputError for any global that is not in the literal list."""
        if (module, name) not in _ALLOWED:
            raise InputError(
                f"pickle refers to {_short(module)}.{_short(name)}, "
                "which an array file has no use for",
                fix="do not trust this file; fetch the data again from its publisher",
            )
        return _Record(_ALLOWED[module, name])


def load_npz(path: Path, wanted: Collection[str] | None = None) -> dict[str, Any]:
    """The members of an npz file by name, pickled ones included.

    wanted: read only these of them, those that are there; all by default. A 0-d object member
    comes back as the dict, list, str or number it holds; arrays may be read-only. Raises
    InputError, and nothing else, for a file that is missing, damaged, bigger inside than it can
    honestly be, or whose pickles ask for anything but numpy arrays.
    """
    with _naming(path, "npz file"):
        return _members(path, wanted)


def load_pickle(path: Path) -> Any:
    """What a pickle file of dicts, lists, texts, numbers and numpy arrays holds.

    Python 2's are read too; their texts come back as latin1. Raises InputError, and nothing else,
    for a file that is missing, damaged, or asks for anything but numpy arrays.
    """
    with _naming(path, "pickle"):
        return _plain(path.read_bytes())


@contextmanager
def _naming(path: Path, kind: str) -> Iterator[None]:
    try:
        yield
    except MonoposeError as error:
        raise type(error)(error.what, where=error.where or str(path), fix=error.fix) from error
    except FileNotFoundError as error:
        raise InputError("there is no such file", where=str(path)) from error
    # A damaged file can raise nearly anything in zipfile, zlib, pickle and numpy.
    except Exception as error:
        told = " ".join(str(error).split())[:120]
        what = f"not a readable {kind} ({type(error).__name__}: {told})"
        raise InputError(what, where=str(path), fix="fetch or copy the file again") from error


def _members(path: Path, wanted: Collection[str] | None) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        entries = [entry for entry in archive.infolist() if entry.filename.endswith(".npy")]
        declared = sum(entry.file_size for entry in entries)
        limit = _SMALL + _MAX_RATIO * path.stat().st_size
        if declared > limit:
            raise InputError(
                f"claims to unpack to {declared} bytes, more than {limit} for a file of its size",
                fix="do not trust this file",
            )
        named = {entry.filename.removesuffix(".npy"): entry for entry in entries}
        return {
            name: _array(archive.read(entry))
            for name, entry in named.items()
            if wanted is None or name in wanted
        }


def _array(member: bytes) -> Any:
    stream = io.BytesIO(member)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # headers that Python 2 wrote are fine
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        else:
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(stream)
    payload = member[stream.tell() :]
    if not dtype.hasobject:
        return _shaped(np.frombuffer(payload, dtype), shape, fortran)
    value = _plain(payload)
    return value.item() if isinstance(value, np.ndarray) and value.shape == () else value


def _plain(payload: bytes) -> Any:
    """The value of a pickle, made of dicts, lists, texts, numbers and arrays only."""
    keys = PickledKeys()
    for count, (opcode, argument, _) in enumerate(pickletools.genops(payload)):
        if opcode.name in _FORBIDDEN:
            raise InputError(f"pickle uses {opcode.name}, which an array file has no use for")
        # The memo is a table as long as the highest index named; honest pickles count upwards.
        if opcode.name in ("PUT", "LONG_BINPUT") and int(argument or 0) > count:
            raise InputError("pickle names a memo entry that it cannot have")
        keys.follow(opcode, argument)
    # latin1 is how numpy pickles of Python 2 keep their bytes.
    return _built(_Unpickler(io.BytesIO(payload), encoding="latin1").load(), {}, 0)


def _built(value: Any, seen: dict[int, Any], depth: int) -> Any:
    """Turns records into arrays throughout; `seen` keeps shared parts shared."""
    if value is None or isinstance(value, (str, bytes, bytearray, bool, int, float)):
        return value
    if depth > _MAX_DEPTH:
        raise InputError(f"values are nested more than {_MAX_DEPTH} deep")
    if id(value) not in seen:
        seen[id(value)] = _container(value, seen, depth + 1)
    return seen[id(value)]


def _container(value: Any, seen: dict[int, Any], depth: int) -> Any:
    if isinstance(value, dict):
        return {_built(k, seen, depth): _built(v, seen, depth) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_built(item, seen, depth) for item in value)
    if isinstance(value, _Record):
        return _called(value, seen, depth)
    raise InputError(f"pickle holds a {type(value).__name__}")


def _called(record: _Record, seen: dict[int, Any], depth: int) -> Any:
    if record.kind == _ENCODE:
        text, encoding = record.args
        if encoding != "latin1":
            raise InputError("pickle holds bytes in another encoding than latin1")
        return text.encode("latin1")
    if record.kind == _NO_BYTES and not record.args:
        return b""
    if record.kind == "dtype":
        return _dtype(record)
    if record.kind == _SCALAR:
        dtype, raw = (_built(part, seen, depth) for part in record.args)
        return np.frombuffer(_raw(raw), _sized(dtype), count=1)[0]
    if record.kind == _FROMBUFFER:
        raw, dtype, shape, order = (_built(part, seen, depth) for part in record.args[:4])
        return _shaped(np.frombuffer(_raw(raw), _sized(dtype)), shape, order == "F")
    if record.kind == _RECONSTRUCT and record.state is not None:
        _, shape, dtype, fortran, content = (_built(part, seen, depth) for part in record.state)
        if dtype.hasobject:
            return _shaped(_objects(content), shape, bool(fortran))
        return _shaped(np.frombuffer(_raw(content), _sized(dtype)), shape, bool(fortran))
    raise InputError(f"pickle holds an incomplete numpy {record.kind}")


def _dtype(record: _Record) -> np.dtype[Any]:
    code = record.args[0]
    order = record.state[1] if record.state is not None else "="
    # No str() of what is none: parts that are shared many times over would be written out.
    if not (isinstance(code, str) and isinstance(order, str)):
        raise InputError("pickle holds a dtype whose name is no text")
    if not _DTYPE.match(order + code if code[:1] not in "<>|=" else code):
        raise InputError(f"pickle holds an array of type {code[:40]!r}")
    # numpy writes the byte order beside the code: ("f4", ..) with state (.., "<", ..).
    return np.dtype(order + code if order in "<>" else code)


def _sized(dtype: Any) -> np.dtype[Any]:
    if not isinstance(dtype, np.dtype) or dtype.hasobject or dtype.itemsize == 0:
        kind = str(dtype)[:40] if isinstance(dtype, np.dtype) else type(dtype).__name__
        raise InputError(f"pickle holds numbers of type {kind!r}")
    return dtype


def _raw(content: Any) -> bytes:
    if isinstance(content, (bytes, bytearray)):
        return bytes(content)
    if isinstance(content, str):
        return content.encode("latin1")
    raise InputError(f"pickle holds array bytes as {type(content).__name__}")


def _objects(content: Any) -> np.ndarray:
    out = np.empty(len(content), object)
    for place, item in enumerate(content):
        out[place] = item
    return out


def _shaped(flat: np.ndarray, shape: Any, fortran: bool) -> np.ndarray:
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if any(size < 0 for size in sizes) or math.prod(sizes) != flat.size:
        raise InputError(f"an array of shape {sizes} holds {flat.size} values")
    return flat.reshape(sizes, order="F" if fortran else "C")
