"""The only place that knows endpoints and credentials: one URI for fsspec, pyarrow and Ray.

A storage URI is `s3://bucket/prefix` (credentials and AWS_ENDPOINT_URL from the environment), a
`file://` URI or a folder. Credentials never enter a URI, a recipe or a pickled object.
"""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

import fsspec
import pyarrow as pa
import pyarrow.fs

from monopose.errors import InputError, StorageError

ROOT_VARIABLE = "MONOPOSE_ROOT"
DEFAULT_ROOT = ".monopose/store"
# A ranged read from S3 servers other than AWS fails its checksum unless these are set.
CHECKSUMS = {
    "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
}
# A dead server is reported in seconds: on a silent host the default waits add up to minutes.
_S3_PATIENCE = {"connect_timeout": 3, "read_timeout": 60, "retries": {"total_max_attempts": 2}}
_SCHEMES = ("s3://", "file://")
_PLACES = "give a name, a folder, file://... or s3://bucket/prefix"
_S3_VARIABLES = (
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
)


def root() -> str:
    """The storage root: $MONOPOSE_ROOT, or a folder below the working directory."""
    return os.environ.get(ROOT_VARIABLE) or str(Path(DEFAULT_ROOT).absolute())


def resolve(uri_or_name: str, kind: str) -> str:
    """The URI of `--data`, `--model` and the like: a URI or a path stays as it is.

    A bare name is looked for under the storage root in the folder `kind`
    (`data`, `runs`, `studies`, `models`). Raises InputError for an empty one, which would be that
    folder itself, for another kind of storage, and for the home of a user who is not there.
    """
    if not uri_or_name.strip():
        raise InputError("a name or storage URI is empty", fix=_PLACES)
    if "://" in uri_or_name:
        if not uri_or_name.startswith(_SCHEMES):
            raise InputError("is no storage that is known", where=uri_or_name, fix=_PLACES)
        return uri_or_name.rstrip("/")
    if uri_or_name.startswith((".", "/", "~")) or os.sep in uri_or_name:
        return str(_home(Path(uri_or_name)).absolute())
    return join(root(), kind, uri_or_name)


def _home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise InputError("there is no such user's home", where=str(path)) from error


def join(uri: str, *parts: str) -> str:
    """Appends path segments to a storage URI."""
    return "/".join([uri.rstrip("/"), *(part.strip("/") for part in parts)])


def environment() -> dict[str, str]:
    """The variables that every process of a cluster needs to reach the storage (for runtime_env).

    Keys are passed by environment only: Ray pickles explicit file systems into the bucket.
    """
    names = (*_S3_VARIABLES, ROOT_VARIABLE)
    return {**CHECKSUMS, **{name: os.environ[name] for name in names if name in os.environ}}


def filesystem(uri: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """The fsspec file system of a URI and the path in it."""
    if uri.startswith("s3://"):
        os.environ.update({k: v for k, v in CHECKSUMS.items() if k not in os.environ})
    options: dict[str, Any] = {"config_kwargs": _S3_PATIENCE} if uri.startswith("s3://") else {}
    fs, path = fsspec.core.url_to_fs(uri, **options)
    return fs, cast(str, path)


def ray_storage(uri: str) -> dict[str, Any]:
    """`storage_path` and `storage_filesystem` for Ray's RunConfig.

    Buckets go through s3fs: pyarrow writes markers for the folders of a bucket, which servers
    that keep objects as files refuse. It pickles without keys, which come from the environment.
    """
    if not uri.startswith("s3://"):
        return {"storage_path": str(Path(uri.removeprefix("file://")).absolute())}
    fs, path = filesystem(uri)
    arrow = pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(fs))
    return {"storage_path": path, "storage_filesystem": arrow}


@contextmanager
def reported(uri: str) -> Iterator[None]:
    """Turns the many ways a storage can fail into one StorageError that says what to do."""
    try:
        yield
    except StorageError:
        raise
    except FileNotFoundError as error:
        raise StorageError("there is no such object", where=uri) from error
    except PermissionError as error:
        raise _refused(uri) from error
    except Exception as error:
        if not _is_storage_failure(error):
            raise
        if "ACCESS_DENIED" in str(error):  # Arrow has one class for all that S3 answers
            raise _refused(uri) from error
        advice = "check AWS_ENDPOINT_URL and that the server is up (`monopose status`)"
        raise StorageError(
            f"cannot be reached ({type(error).__name__}: {str(error)[:120]})",
            where=uri,
            fix=advice if _is_s3(uri) else "check the path",
        ) from error


def _refused(uri: str) -> StorageError:
    fix = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" if _is_s3(uri) else ""
    return StorageError("access was refused", where=uri, fix=fix)


def _is_s3(uri: str) -> bool:
    return uri.startswith("s3://")


def _is_storage_failure(error: Exception) -> bool:
    module = type(error).__module__
    return isinstance(error, OSError) or module.startswith(("botocore", "aiobotocore", "aiohttp"))


def read_bytes(uri: str) -> bytes:
    """The whole object; raises StorageError."""
    with reported(uri):
        fs, path = filesystem(uri)
        return cast(bytes, fs.cat_file(path))


def read_buffer(uri: str) -> pa.Buffer:
    """The whole object as one buffer, by Arrow's own client, which is the faster for shards.

    Raises StorageError.
    """
    with reported(uri):
        if _is_s3(uri):
            fs, path = _arrow_s3(tuple(os.environ.get(name) for name in _S3_VARIABLES)), uri[5:]
        else:
            fs, path = pyarrow.fs.LocalFileSystem(), filesystem(uri)[1]
        with fs.open_input_file(path) as file:
            return file.read_buffer(file.size())


@lru_cache(maxsize=4)
def _arrow_s3(variables: tuple[str | None, ...]) -> pyarrow.fs.S3FileSystem:
    """One client for each set of variables, as it is what holds the connections."""
    values = dict(zip(_S3_VARIABLES, variables, strict=True))
    endpoint = urlsplit(values["AWS_ENDPOINT_URL"] or "")
    where = {"endpoint_override": endpoint.netloc, "scheme": endpoint.scheme}
    return pyarrow.fs.S3FileSystem(
        region=values["AWS_REGION"] or values["AWS_DEFAULT_REGION"] or "us-east-1",
        connect_timeout=_S3_PATIENCE["connect_timeout"],
        request_timeout=_S3_PATIENCE["read_timeout"],
        retry_strategy=pyarrow.fs.AwsStandardS3RetryStrategy(max_attempts=2),
        **(where if endpoint.netloc else {}),
    )


@contextmanager
def opened(uri: str) -> Iterator[BinaryIO]:
    """The object open for reading by ranges, without read-ahead; raises StorageError."""
    with reported(uri):
        fs, path = filesystem(uri)
        with fs.open(path, "rb", cache_type="none") as file:
            yield cast(BinaryIO, file)


def write_bytes(uri: str, payload: bytes) -> None:
    """Writes the whole object at once: readers see the old one or the new one, never a part.

    Raises StorageError.
    """
    with reported(uri):
        fs, path = filesystem(uri)
        if uri.startswith("s3://"):
            fs.pipe_file(path, payload)
            return
        _make_folder(os.path.dirname(path), uri)
        partial = f"{path}.partial-{uuid.uuid4().hex[:8]}"
        try:
            fs.pipe_file(partial, payload)
            os.replace(partial, path)
        finally:
            Path(partial).unlink(missing_ok=True)


def _make_folder(folder: str, uri: str) -> None:
    """Raises StorageError also where no folder can be, which says so as if a file were missing."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except FileNotFoundError as error:
        raise StorageError("its folder cannot be made", where=uri, fix="check the path") from error


def exists(uri: str) -> bool:
    """True when the object or folder is there; raises StorageError when nobody answers."""
    with reported(uri):
        fs, path = filesystem(uri)
        fs.invalidate_cache()
        return bool(fs.exists(path))


def list_names(uri: str) -> list[str]:
    """Names directly below a folder, sorted; empty when there is none."""
    with reported(uri):
        fs, path = filesystem(uri)
        fs.invalidate_cache()
        if not fs.exists(path):
            return []
        names = {entry.rstrip("/").rsplit("/", 1)[-1] for entry in fs.ls(path, detail=False)}
        return sorted(names - {""})


def delete(uri: str) -> None:
    """Removes an object or a folder with all below it; nothing happens when it is not there."""
    with reported(uri):
        fs, path = filesystem(uri)
        if fs.exists(path):
            fs.rm(path, recursive=True)
