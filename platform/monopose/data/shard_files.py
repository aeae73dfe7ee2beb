"""One shard as a file: a table of clips to Parquet and back, with or without images and heatmaps.

Integrity: a whole read is checked by the manifest's SHA-256. A read without images or heatmaps
fetches the footer and the other columns only, often a hundredth of the file, so it can check no
digest of the whole; it checks the size and the CRC32 of every page that it reads.
"""

import contextlib
import hashlib
import io
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from monopose import storage
from monopose.data.clip import Clip
from monopose.data.manifest import REBUILD, Manifest, Shard
from monopose.data.schema import HEATMAPS, clip_schema, from_table, size_bytes
from monopose.errors import InputError, IntegrityError, StorageError

# What one row group, so one block of a Ray Data job, holds; a larger row has a group of its own.
GROUP_BYTES = 8 << 20
# A clip with images or heatmaps is cut so that a row is at most about this large.
ROW_BYTES = 8 << 20
_IMAGE = "image"
_OBJECTS = (_IMAGE, HEATMAPS)
_ALTERED = "shard is altered: it cannot be read as the Parquet file that was written"


def row_limits(clip: Clip, max_frames: int, overlap_frames: int) -> tuple[int, int]:
    """(max_frames, overlap_frames) for cutting a clip: fewer where its frames hold pixels.

    The overlap of rows cut for their bytes is at most an eighth of them, so that pixels are not
    stored twice for the sake of the long windows of keypoint models.
    """
    if clip.image is None and clip.heatmaps is None:
        return max_frames, overlap_frames
    frame_bytes = max(1, size_bytes(clip) // clip.num_frames)
    most = max(1, min(max_frames, ROW_BYTES // frame_bytes))
    if most >= clip.num_frames:
        return max_frames, overlap_frames
    return most, min(overlap_frames, most // 8)


def encode_table(table: pa.Table) -> bytes:
    """Rows of `clip_schema()` as Parquet in row groups of about `GROUP_BYTES`, pages with CRC32."""
    sink = pa.BufferOutputStream()
    options: dict[str, Any] = {"compression": "zstd", "use_dictionary": False}
    with pq.ParquetWriter(sink, table.schema, write_page_checksum=True, **options) as writer:
        for first, count in _groups(table):
            writer.write_table(table.slice(first, count), row_group_size=count)
    return sink.getvalue().to_pybytes()


def _groups(table: pa.Table) -> Iterator[tuple[int, int]]:
    """(first row, rows) of runs that together hold about `GROUP_BYTES`."""
    sizes = _row_bytes(table)
    first, held = 0, 0
    for row, size in enumerate(sizes):
        if row > first and held + size > GROUP_BYTES:
            yield first, row - first
            first, held = row, 0
        held += size
    yield first, len(sizes) - first


def _row_bytes(table: pa.Table) -> Sequence[int]:
    """Bytes of each row's images, heatmaps and arrays."""
    rows = np.zeros(table.num_rows, np.int64)
    for name in table.column_names:
        kind = table.schema.field(name).type
        if not pa.types.is_list(kind) or pa.types.is_struct(kind.value_type):
            continue
        column = table.column(name)
        lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
        if name in _OBJECTS:
            objects = pc.fill_null(pc.binary_length(pc.list_flatten(column)), 0)
            starts = np.concatenate([[0], np.cumsum(lengths)])
            total = np.concatenate([[0], np.cumsum(objects.to_numpy())])
            rows += total[starts[1:]] - total[starts[:-1]]
        else:
            rows += 4 * lengths
    return rows.tolist()


def read_shard(
    uri: str, shard: Shard, *, images: bool = True, heatmaps: bool | None = None
) -> pa.Table:
    """One shard as a table of `clip_schema()`, checked.

    images, heatmaps (by default as images): False leaves them null and fetches only the other
    columns, which is checked less (see above). Raises IntegrityError naming the shard when it is
    missing, truncated or altered.
    """
    asked = (images, images if heatmaps is None else heatmaps)
    if all(asked):
        return pa.concat_tables(read_row_groups(uri, shard))
    where = storage.join(uri, shard.name)
    with _shard_errors(where), storage.opened(where) as file:
        _check_bytes(file.seek(0, io.SEEK_END), shard, where)
        return _of_clips(
            _without(file, [n for n, a in zip(_OBJECTS, asked, strict=True) if not a]), where
        )


def read_row_groups(uri: str, shard: Shard) -> Iterator[pa.Table]:
    """The row groups of a shard, which is read once and checked as a whole before the first.

    Raises what `read_shard` raises.
    """
    where = storage.join(uri, shard.name)
    with _shard_errors(where):
        payload = storage.read_buffer(where)
        _check_bytes(payload.size, shard, where)
        if hashlib.sha256(payload).hexdigest() != shard.sha256:
            what = "shard is altered: its SHA-256 is not the manifest's"
            raise IntegrityError(what, where=where, fix=REBUILD)
        file = pq.ParquetFile(pa.BufferReader(payload))
        for group in range(file.num_row_groups):
            yield _of_clips(file.read_row_group(group, use_threads=False), where)


def stored_blocks(uri: str, manifest: Manifest, split: str) -> Iterator[list[Clip]]:
    """Rows with their images as clips, a row group at a time, read in this process without Ray.

    Raises what `read_shard` raises, and InputError for a split that is not there.
    """
    if split not in manifest.splits:
        raise InputError(f"there is no split {split!r}", where=uri)
    for shard in manifest.shards:
        if split in shard.splits:
            for table in read_row_groups(uri, shard):
                yield from_table(table)


def _without(source: BinaryIO, left_out: Sequence[str]) -> pa.Table:
    file = pq.ParquetFile(source, pre_buffer=True, page_checksum_verification=True)
    names = file.schema_arrow.names
    table = file.read(columns=[n for n in names if n not in left_out], use_threads=False)
    for name in (n for n in names if n in left_out):
        table = _with_nulls(table, name, names.index(name))
    return table


def _with_nulls(table: pa.Table, name: str, place: int) -> pa.Table:
    field = clip_schema().field(name)
    return table.add_column(place, field, pa.nulls(table.num_rows, field.type))


@contextlib.contextmanager
def _shard_errors(where: str) -> Iterator[None]:
    """A shard that is not there or not Parquet, as IntegrityError."""
    try:
        yield
    except StorageError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise IntegrityError("shard is missing", where=where, fix=REBUILD) from error
        # pyarrow's own complaints about a file are OSErrors too, but carry no number.
        if isinstance(error.__cause__, OSError) and error.__cause__.errno is None:
            raise IntegrityError(_ALTERED, where=where, fix=REBUILD) from error
        raise
    except (pa.ArrowException, OSError) as error:
        raise IntegrityError(_ALTERED, where=where, fix=REBUILD) from error


def _check_bytes(found: int, shard: Shard, where: str) -> None:
    if found != shard.bytes:
        what = f"shard has {found} bytes, the manifest says {shard.bytes}"
        raise IntegrityError(what, where=where, fix=REBUILD)


def _of_clips(table: pa.Table, where: str) -> pa.Table:
    if HEATMAPS not in table.column_names:
        # Shards that were written before there were heatmaps.
        table = _with_nulls(table, HEATMAPS, table.num_columns)
    if not table.schema.equals(clip_schema()):
        raise IntegrityError("shard has other columns than a clip", where=where, fix=REBUILD)
    return table
