"""MATLAB's version 5 files: scipy's values for whole files, one clear error for the others."""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from tests.sources.mpii import cell, structs

from monopose.errors import InputError
from monopose.formats import matlab
from monopose.formats.matlab import load_mat, number, text


def save(path: Path, compress: bool = False, **variables: Any) -> Path:
    scipy.io.savemat(path, variables, do_compression=compress)
    return path


@pytest.mark.parametrize("compress", [False, True])
def test_every_kind_of_value_comes_back(tmp_path: Path, compress: bool) -> None:
    numbers = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    path = save(
        tmp_path / "a.mat", compress, numbers=numbers, word="résumé", complex=np.array([1 + 2j]),
        flags=np.array([[True, False]]), empty=np.zeros((0, 3)), cells=cell(np.eye(2), "x"),
        people=structs([{"age": 3.0, "name": "a"}, {"age": np.zeros((0, 0)), "name": ""}]),
    )  # fmt: skip
    names = ["numbers", "word", "complex", "flags", "empty", "cells", "people"]
    found = load_mat(path, names)
    np.testing.assert_array_equal(found["numbers"], numbers)
    assert found["word"].tolist() == ["résumé"]
    assert found["complex"].tolist() == [[1 + 2j]]
    assert found["flags"].tolist() == [[1, 0]]
    assert found["empty"].shape == (0, 3)
    np.testing.assert_array_equal(found["cells"][0, 0], np.eye(2))
    people = matlab.structs(found["people"])
    assert [number(person["age"]) for person in people] == [3.0, None]
    assert [text(person["name"]) for person in people] == ["a", None]


def test_big_endian_files_are_read(tmp_path: Path) -> None:
    # One variable `n` = 258 as int16, by hand: tags of (type, size), then padded contents.
    flags = struct.pack(">IIII", 6, 8, 10, 0)
    sizes = struct.pack(">IIii", 5, 8, 1, 1)
    name = struct.pack(">HH4s", 1, 1, b"n")
    value = struct.pack(">HHh2x", 2, 3, 258)
    matrix = flags + sizes + name + value
    header = b"MATLAB 5.0".ljust(124) + b"\x01\x00MI"
    path = tmp_path / "a.mat"
    path.write_bytes(header + struct.pack(">II", 14, len(matrix)) + matrix)
    assert load_mat(path, ["n"])["n"].tolist() == [[258]]


def test_only_what_is_named_is_built_and_what_lacks_is_told(tmp_path: Path) -> None:
    path = save(tmp_path / "a.mat", a=1.0, b=2.0)
    assert "b" not in load_mat(path, ["a"])
    with pytest.raises(InputError, match=r"a\.mat: has no variable 'c'"):
        load_mat(path, ["a", "c"])


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"", "not a MATLAB file of version 5"),
        (b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM", "MATLAB 7.3"),
        (b"\x89HDF\r\n\x1a\n" + bytes(200), "MATLAB 7.3"),
        (bytes(200), "not a MATLAB file of version 5"),
        (b"".ljust(126) + b"IM" + struct.pack("<II", 14, 1 << 31), "middle of a variable"),
        (b"".ljust(126) + b"IM" + struct.pack("<II", 15, 9) + b"\x00" * 9, "not a readable"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path: Path, payload: bytes, said: str) -> None:
    path = tmp_path / "odd.mat"
    path.write_bytes(payload)
    with pytest.raises(InputError, match=rf"odd\.mat: .*{said}"):
        load_mat(path, ["a"])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.mat: there is no such file"):
        load_mat(tmp_path / "none.mat", ["a"])


@pytest.mark.parametrize("sizes", [(2**31 - 1, 2**31 - 1), (1, 4), (-1, 3), (1, 2)])
def test_sizes_must_fit_the_bytes(tmp_path: Path, sizes: tuple[int, int]) -> None:
    path = save(tmp_path / "a.mat", a=np.arange(3.0))
    shape = struct.pack("<IIii", 5, 8, 1, 3)
    payload = path.read_bytes()
    assert shape in payload
    path.write_bytes(payload.replace(shape, struct.pack("<IIii", 5, 8, *sizes)))
    with pytest.raises(InputError, match=r"a\.mat: has an array of"):
        load_mat(path, ["a"])


def test_what_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    header = b"".ljust(124) + b"\x00\x01IM"
    packed = zlib.compress(bytes(80 << 20))
    path = tmp_path / "a.mat"
    path.write_bytes(header + struct.pack("<II", 15, len(packed)) + packed)
    with pytest.raises(InputError, match=r"a\.mat: has a variable that is cut off, or longer"):
        load_mat(path, ["a"])


def test_sparse_matrices_and_functions_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.mat", a=scipy.sparse.csc_matrix(np.eye(3)))
    with pytest.raises(InputError, match="class 5"):
        load_mat(path, ["a"])


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    value: Any = np.eye(1)
    for _ in range(30):
        value = cell(value)
    with pytest.raises(InputError, match="nested more than 16 deep"):
        load_mat(save(tmp_path / "a.mat", a=value), ["a"])


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, None), (np.zeros((0, 0)), None), (np.array([], "U1"), None),
        (np.array([[2.5]]), 2.5), (np.array(["1"]), 1.0), (np.array([[True]]), 1.0),
    ],
)  # fmt: skip
def test_a_number_may_be_missing_empty_or_text(value: Any, found: float | None) -> None:
    assert number(value) == found


@pytest.mark.parametrize(
    "value", [np.array(["x"]), np.ones((1, 2)), np.array([[np.nan]]), cell(1, 2), 3.0]
)
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(InputError, match="not a finite number"):
        number(value)
