import os
from collections.abc import Callable
from pathlib import Path
from typing import Never

import fsspec
import pytest

from monopose import storage
from monopose.errors import InputError, StorageError


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "store")


def test_bytes_come_back_through_new_folders(folder: str) -> None:
    uri = storage.join(folder, "a", "b", "c.bin")
    storage.write_bytes(uri, b"\x00one")
    storage.write_bytes(uri, b"two\xff")
    assert storage.read_bytes(uri) == b"two\xff"
    assert storage.read_bytes("file://" + uri) == b"two\xff"
    assert storage.list_names(storage.join(folder, "a", "b")) == ["c.bin"]


@pytest.mark.parametrize("moment", ["writing", "renaming"])
def test_a_write_that_fails_leaves_the_old_object(
    folder: str, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    uri = storage.join(folder, "a.json")
    storage.write_bytes(uri, b"old")

    def fails(*args: object, **options: object) -> Never:
        raise OSError(28, "No space left on device")

    def half(self: object, path: str, payload: bytes, **options: object) -> None:
        Path(path).write_bytes(payload[:2])
        fails()

    if moment == "writing":
        monkeypatch.setattr(fsspec.implementations.local.LocalFileSystem, "pipe_file", half)
    else:
        monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(StorageError, match="No space left on device") as caught:
        storage.write_bytes(uri, b"new and longer")
    assert caught.value.where == uri
    assert storage.read_bytes(uri) == b"old"


def test_names_are_looked_for_under_the_root_and_paths_are_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MONOPOSE_ROOT", "s3://bucket/team/")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/someone")
    for given, expected in (
        ("cmu17", "s3://bucket/team/data/cmu17"),
        ("v1.2", "s3://bucket/team/data/v1.2"),
        ("s3://other/x/", "s3://other/x"),
        ("file:///x/y", "file:///x/y"),
        ("/x/y", "/x/y"),
        ("./x", str(tmp_path / "x")),
        ("x/y", str(tmp_path / "x/y")),
        ("~/x", "/home/someone/x"),
    ):
        assert storage.resolve(given, "data") == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "a name or storage URI is empty; give a name, a folder"),
        ("  ", "a name or storage URI is empty"),
        ("gs://bucket/x", "gs://bucket/x: is no storage that is known; give a name"),
        ("~nobody-of-that-name/x", "~nobody-of-that-name/x: there is no such user's home"),
    ],
)
def test_what_is_no_place_is_refused(given: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        storage.resolve(given, "data")


def test_a_folder_that_cannot_be_made_is_not_called_a_missing_object() -> None:
    with pytest.raises(StorageError, match=r"^/proc/x/y: its folder cannot be made"):
        storage.write_bytes("/proc/x/y", b"new")


def test_without_a_root_a_folder_below_the_working_directory_is_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("MONOPOSE_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    assert storage.root() == str(tmp_path / ".monopose" / "store")
    monkeypatch.setenv("MONOPOSE_ROOT", "")
    assert storage.root() == str(tmp_path / ".monopose" / "store")


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("s3://b/p", "x"), "s3://b/p/x"),
        (("s3://b/p/", "/x/", "y/"), "s3://b/p/x/y"),
        (("/a",), "/a"),
        (("/a/", "b/c"), "/a/b/c"),
    ],
)
def test_join(parts: tuple[str, ...], expected: str) -> None:
    assert storage.join(*parts) == expected


def test_listing_existing_and_deleting(folder: str) -> None:
    for name in ("b.txt", "a/x", "a/y/z"):
        storage.write_bytes(storage.join(folder, name), b"1")
    assert storage.list_names(folder) == ["a", "b.txt"]
    assert storage.list_names(folder + "/") == ["a", "b.txt"]
    assert storage.exists(f"{folder}/a")
    assert storage.exists(f"{folder}/a/y/z")
    storage.delete(f"{folder}/a")
    assert not storage.exists(f"{folder}/a/y/z")
    assert storage.list_names(folder) == ["b.txt"]
    storage.delete(f"{folder}/b.txt")
    storage.delete(f"{folder}/never-was")
    assert storage.list_names(folder) == []
    assert storage.list_names(f"{folder}/never-was") == []
    assert not storage.exists(f"{folder}/never-was")


def test_the_environment_holds_what_is_set_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "MONOPOSE_")):
            monkeypatch.delenv(name)
    assert storage.environment() == storage.CHECKSUMS
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv("MONOPOSE_ROOT", "/r")
    monkeypatch.setenv("OTHER_SECRET", "t")
    assert storage.environment() == {
        **storage.CHECKSUMS, "AWS_SECRET_ACCESS_KEY": "s", "MONOPOSE_ROOT": "/r",
    }  # fmt: skip
    monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_supported")
    assert set(storage.environment()) >= set(storage.CHECKSUMS)


@pytest.mark.parametrize("read", [storage.read_bytes, storage.read_buffer])
def test_a_missing_object_is_named(folder: str, read: Callable[[str], object]) -> None:
    with pytest.raises(StorageError) as caught:
        read(f"{folder}/none.json")
    assert str(caught.value) == f"{folder}/none.json: there is no such object"
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_a_wrong_place_on_this_machine_is_not_blamed_on_a_server(folder: str) -> None:
    storage.write_bytes(f"{folder}/file", b"1")
    for wrong in (
        lambda: storage.read_bytes(folder),
        lambda: storage.read_buffer(folder),
        lambda: storage.write_bytes(f"{folder}/file/below", b"1"),
        lambda: storage.read_bytes(f"{folder}/file/below"),
    ):
        with pytest.raises(StorageError) as caught:
            wrong()
        assert folder in str(caught.value)
        assert "AWS" not in str(caught.value)


def test_refused_access_says_where_to_look(folder: str) -> None:
    def refused(uri: str) -> Never:
        with storage.reported(uri):
            raise PermissionError(13, "Permission denied")

    with pytest.raises(StorageError, match=r"s3://b/x: access was refused; check AWS_ACCESS_KEY"):
        refused("s3://b/x")
    with pytest.raises(StorageError, match="access was refused") as caught:
        refused(folder)
    assert "AWS" not in str(caught.value)


def test_a_server_that_does_not_answer_says_what_to_do() -> None:
    def unreachable() -> Never:
        with storage.reported("s3://b/x"):
            raise ConnectionRefusedError(111, "Connection refused")

    with pytest.raises(StorageError) as caught:
        unreachable()
    assert str(caught.value) == (
        "s3://b/x: cannot be reached (ConnectionRefusedError: [Errno 111] Connection refused); "
        "check AWS_ENDPOINT_URL and that the server is up (`monopose status`)"
    )


def test_errors_that_are_not_the_storages_pass(folder: str) -> None:
    def broken() -> Never:
        with storage.reported(folder):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
