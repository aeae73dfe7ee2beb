"""The restricted npz reader: real arrays of every pickle protocol, and nothing else."""

import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monopose.errors import InputError
from monopose.formats.unpickle import load_npz

VALUES: dict[str | int, Any] = {
    "f4": np.arange(6, dtype=np.float32).reshape(1, 2, 3),
    "big endian": np.arange(4, dtype=">i4"),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "empty": np.zeros((0, 17, 3), np.float32),
    "flag": np.array([True, False]),
    "text": np.array(["ab", "c"]),
    "objects": np.array([np.zeros(2), None, "x"], dtype=object),
    "scalar": np.float64(0.25),
    "zero": np.array(3.5),
    "nested": {"list": [1, 2.5, True, None, "é"], "tuple": (1, (2,)), "bytes": b"\x00\xff"},
    17: "number key",
}


def _npz(path: Path, payload: bytes, header: Any = None) -> Path:
    """An npz with one object member whose pickle is given byte for byte."""
    stream = io.BytesIO()
    fields = {"descr": "|O", "fortran_order": False, "shape": ()} if header is None else header
    np.lib.format.write_array_header_1_0(stream, fields)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("member.npy", stream.getvalue() + payload)
    return path


def _pickled(value: Any, protocol: int) -> bytes:
    return pickle.dumps(np.array(value, dtype=object), protocol=protocol)


def _same(left: Any, right: Any) -> None:
    if isinstance(left, dict):
        assert list(left) == list(right)
        for key in left:
            _same(left[key], right[key])
    elif isinstance(left, np.ndarray):
        assert (left.dtype, left.shape) == (right.dtype, right.shape)
        np.testing.assert_array_equal(left, right)
    else:
        assert type(left) is type(right)
        assert left == right


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", [name for name in VALUES if name != "objects"])
def test_values_of_every_protocol_come_back(tmp_path: Path, protocol: int, name: Any) -> None:
    path = _npz(tmp_path / "a.npz", _pickled({name: VALUES[name]}, protocol))
    _same(load_npz(path)["member"], {name: VALUES[name]})


def test_object_arrays_keep_their_shape(tmp_path: Path) -> None:
    views = np.empty((2, 2), dtype=object)
    for index in np.ndindex(2, 2):
        views[index] = np.full(3, sum(index))
    np.savez(tmp_path / "a.npz", views=views)
    read = load_npz(tmp_path / "a.npz")["views"]
    assert read.shape == (2, 2)
    np.testing.assert_array_equal(read[1, 1], [2, 2, 2])
    np.testing.assert_array_equal(read[0, 1], [1, 1, 1])


def test_plain_members_and_dtypes_are_numpys(tmp_path: Path) -> None:
    plain: dict[str, Any] = {
        "a": np.arange(6, dtype=">f8").reshape(2, 3),
        "b": np.asfortranarray(np.eye(3, 2)),
    }
    np.savez_compressed(tmp_path / "a.npz", **plain)
    _same(load_npz(tmp_path / "a.npz"), plain)


def test_both_spellings_of_numpys_modules_are_read(tmp_path: Path) -> None:
    new = _pickled({"a": np.arange(3.0)}, 2)
    old = new.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert old != new
    for payload in (new, old):
        read = load_npz(_npz(tmp_path / "a.npz", payload))["member"]
        np.testing.assert_array_equal(read["a"], [0.0, 1.0, 2.0])


def test_a_pickle_of_python_2_is_read(tmp_path: Path) -> None:
    # What Python 2 and numpy 1 write for {'a': np.array([1.0])} by protocol 2.
    payload = (
        b"\x80\x02}U\x01acnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x01\x85cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xff"
        b"J\xff\xff\xff\xffK\x00tb\x89U\x08\x00\x00\x00\x00\x00\x00\xf0?tbs."
    )
    read = load_npz(_npz(tmp_path / "a.npz", payload))["member"]
    np.testing.assert_array_equal(read["a"], [1.0])


class _Command:
    def __init__(self, call: Any, *args: Any) -> None:
        self.call, self.args = call, args

    def __reduce__(self) -> Any:
        return self.call, self.args


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    ("call", "args", "name"),
    [
        (os.system, ("touch MARK",), r"(posix|nt)\.system"),
        (eval, ("open('MARK', 'w')",), r"(builtins|__builtin__)\.eval"),
        (np.load, ("MARK",), r"numpy\.load"),
        (getattr, ("x", "y"), r"(builtins|__builtin__)\.getattr"),
    ],
)
def test_a_foreign_global_is_named_and_never_run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    protocol: int,
    call: Any,
    args: tuple[str, ...],
    name: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    path = _npz(tmp_path / "evil.npz", pickle.dumps({"a": _Command(call, *args)}, protocol))
    with pytest.raises(InputError, match=rf"evil\.npz: pickle refers to {name}.*do not trust"):
        load_npz(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["evil.npz"]


NDARRAY = b"cnumpy._core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"\x80\x04\x8c\x01aQ.", "pickle uses BINPERSID"),
        (b"\x80\x02cnumpy\nndarray\n)\x81.", "pickle uses NEWOBJ"),
        (b"\x80\x02Nr\xff\xff\xff\x7f.", "a memo entry that it cannot have"),
        (b"\x80\x02" + NDARRAY + b".", "an incomplete numpy reconstruct"),
        (b"\x80\x02cnumpy\nndarray\n.", "an incomplete numpy ndarray"),
        (b"\x80\x04\x8f.", "pickle uses EMPTY_SET"),
        (b"\x80\x04" + b"]" * 40 + b"a" * 39 + b".", "nested more than 16 deep"),
        (b"\x80\x04]\x94h\x00a.", "nested more than 16 deep"),
        (b"", "not a readable npz file"),
    ],
)
def test_pickles_that_are_no_arrays_are_refused(
    tmp_path: Path, payload: bytes, message: str
) -> None:
    with pytest.raises(InputError, match=rf"a\.npz: .*{message}"):
        load_npz(_npz(tmp_path / "a.npz", payload))


# A tuple of twice the one before, 60 times: by DUP, by the memo, and by MEMOIZE.
DOUBLED = (
    b"K\x01" + b"2\x86" * 60,
    b"K\x01" + b"".join(b"q%ch%c\x86" % (n, n) for n in range(60)),
    b"K\x01" + b"".join(b"\x94h%c\x86" % n for n in range(60)),
)


@pytest.mark.parametrize("key", DOUBLED)
@pytest.mark.parametrize("dict_of", [b"}%bK\x01s", b"}(%bK\x01u", b"(%bK\x01d", b"}(K\x01N%bNu"])
def test_a_key_whose_hash_never_ends_is_refused(tmp_path: Path, key: bytes, dict_of: bytes) -> None:
    payload = b"\x80\x04" + dict_of % key + b"."
    with pytest.raises(InputError, match=r"a\.npz: pickle holds a dict key of more than 64 parts"):
        load_npz(_npz(tmp_path / "a.npz", payload))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_short_tuples_are_keys(tmp_path: Path, protocol: int) -> None:
    shared = ("S1", 1)
    value = {shared: {shared: 2.5, (shared, shared): 1}, ("S1", 2, b"x"): [shared], 2**70: 0}
    read = load_npz(_npz(tmp_path / "a.npz", pickle.dumps(value, protocol)))["member"]
    assert read == value


def test_texts_that_are_shared_tuples_are_not_written_out(tmp_path: Path) -> None:
    hundredfold = b"q\x000(" + b"h\x00" * 100 + b"t"
    nested = b"K\x01" + hundredfold * 10
    dtype = b"cnumpy\ndtype\n" + nested + b"K\x00K\x01\x87R"
    payload = b"\x80\x02cnumpy._core.multiarray\nscalar\n" + dtype + b"C\x00\x86R."
    with pytest.raises(InputError, match="a dtype whose name is no text"):
        load_npz(_npz(tmp_path / "a.npz", payload))


def _array_pickle(code: str, shape: tuple[int, ...], raw: Any) -> bytes:
    """The pickle of an array with the given parts, whether or not they fit each other."""
    dtype = b"cnumpy\ndtype\n" + pickle.dumps(code, 2)[2:-1] + b"\x89\x88\x87R"
    state = b"(K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    parts = pickle.dumps(shape, 2)[2:-1] + dtype + state + b"\x89" + pickle.dumps(raw, 4)[2:-1]
    return b"\x80\x04" + NDARRAY + b"(K\x01" + parts + b"tb."


def test_the_forged_array_is_an_array_when_its_parts_fit(tmp_path: Path) -> None:
    path = _npz(tmp_path / "a.npz", _array_pickle("i2", (1, 2), b"\x01\x00\x02\x00"))
    np.testing.assert_array_equal(load_npz(path)["member"], [[1, 2]])


@pytest.mark.parametrize(
    ("code", "shape", "raw", "message"),
    [
        ("i2", (10**12,), b"\x01\x00", "holds 1 values"),
        ("i2", (-1,), b"\x01\x00", "holds 1 values"),
        ("i2", (1,), 10**12, "array bytes as int"),
        ("V8", (1,), bytes(8), "array of type 'V8'"),
        ("O8", (2,), [1], "holds 1 values"),
        ("M8[s]", (1,), bytes(8), "array of type"),
    ],
)
def test_arrays_that_do_not_add_up_are_refused(
    tmp_path: Path, code: str, shape: tuple[int, ...], raw: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        load_npz(_npz(tmp_path / "a.npz", _array_pickle(code, shape, raw)))


def test_a_doubling_pickle_costs_nothing(tmp_path: Path) -> None:
    value: list[Any] = []
    for _ in range(12):
        value = [value] * 100
    read = load_npz(_npz(tmp_path / "a.npz", pickle.dumps(value)))["member"]
    assert read[0] is read[99]


def test_a_zip_bomb_is_refused_before_it_unpacks(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(80 << 20, np.uint8))
    with pytest.raises(InputError, match=r"a\.npz: claims to unpack to 83886208 bytes"):
        load_npz(tmp_path / "a.npz")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.npz: there is no such file"):
        load_npz(tmp_path / "none.npz")
