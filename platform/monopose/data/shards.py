"""Data sets on storage: Parquet shards next to a manifest that names every byte of them.

A data set is a folder or bucket prefix with `manifest.json` and `part-<number>-<digest>.parquet`.
Shards are written under names of their content and the manifest last, so a reader sees the old
set or the new one. A shard holds whole takes of one split.
"""

import contextlib
import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from monopose import storage
from monopose.data.clip import Clip, validate
from monopose.data.manifest import (
    MANIFEST,
    REBUILD,
    SHARD_NAME,
    Manifest,
    Shard,
    SplitCounts,
    Tally,
    manifest_of,
    parse_manifest,
)
from monopose.data.schema import (
    clip_schema,
    cut,
    from_table,
    join,
    size_bytes,
    to_table,
)
from monopose.errors import InputError, IntegrityError, StorageError

__all__ = [
    "Manifest",
    "Shard",
    "SplitCounts",
    "read_clips",
    "read_manifest",
    "read_shard",
    "verify",
    "write_clips",
]


@dataclass
class _Rows:
    """Rows of one split that wait for their shard, with the takes, frames and bytes in them."""

    pieces: list[Clip] = field(default_factory=list)
    overlaps: list[int] = field(default_factory=list)
    clips: int = 0
    frames: int = 0
    bytes: int = 0


@dataclass
class _Writer:
    """Collects rows by split and stores each shard as soon as it is full."""

    uri: str
    shard_bytes: int
    shards: list[Shard] = field(default_factory=list)
    waiting: dict[str, _Rows] = field(default_factory=dict)

    def add(self, clip: Clip, max_frames: int, overlap_frames: int) -> None:
        rows = self.waiting.setdefault(clip.split, _Rows())
        for piece, overlap in cut(clip, max_frames, overlap_frames):
            rows.pieces.append(piece)
            rows.overlaps.append(overlap)
            rows.bytes += size_bytes(piece)
        rows.clips += 1
        rows.frames += clip.num_frames
        if rows.bytes >= self.shard_bytes:
            self.store(clip.split)

    def finish(self) -> None:
        for split in list(self.waiting):
            self.store(split)
        if not self.shards:
            raise InputError("no clips to write", where=self.uri)

    def store(self, split: str) -> None:
        rows = self.waiting.pop(split)
        stream = io.BytesIO()
        table = to_table(rows.pieces, rows.overlaps)
        pq.write_table(table, stream, compression="zstd", use_dictionary=False)
        payload = stream.getvalue()
        sha256 = hashlib.sha256(payload).hexdigest()
        shard = Shard(
            name=f"part-{len(self.shards):05d}-{sha256[:16]}.parquet",
            sha256=sha256,
            bytes=len(payload),
            clips=rows.clips,
            frames=rows.frames,
            splits=(split,),
        )
        self.shards.append(shard)
        storage.write_bytes(storage.join(self.uri, shard.name), payload)


def write_clips(
    clips: Iterable[Clip],
    uri: str,
    *,
    dataset: str,
    detections: str | None = None,
    synthetic: bool = False,
    max_frames: int = 4096,
    overlap_frames: int = 256,
    shard_bytes: int = 64 << 20,
    overwrite: bool = False,
) -> Manifest:
    """Validates clips, cuts long takes, streams them into shards and writes the manifest last.

    At most one shard per split is held in memory. shard_bytes is the size before compression
    that closes a shard; it may pass it by one take. If anything fails, what was at `uri` before
    stays valid, and shards of the failed attempt are removed (by the next write at the latest).
    Raises InputError for a clip that breaks the record, for no clips, for mixed joint sets or
    repeated clip_ids, and when `uri` holds a data set and `overwrite` is False; StorageError.
    """
    if not 0 <= overlap_frames < max_frames:
        what = f"overlap_frames is {overlap_frames}, max_frames {max_frames}"
        raise InputError(what, fix="give 0 <= overlap_frames < max_frames")
    before = storage.list_names(uri)
    if MANIFEST in before and not overwrite:
        raise InputError("there is a data set already", where=uri, fix="allow it to be overwritten")
    tally, writer = Tally(), _Writer(uri, shard_bytes)
    try:
        for clip in clips:
            tally.add(validate(clip))
            writer.add(clip, max_frames, overlap_frames)
        writer.finish()
    except BaseException:
        _remove(uri, {shard.name for shard in writer.shards} - set(before))
        raise
    # Outside the try: a manifest whose writing was reported as failed may have arrived all the
    # same, and its shards must then be there. If it did not, the next write removes them.
    manifest = manifest_of(
        tally, writer.shards, dataset=dataset, detections=detections, synthetic=synthetic
    )
    payload = orjson.dumps(manifest.model_dump(mode="json"), option=orjson.OPT_INDENT_2)
    storage.write_bytes(storage.join(uri, MANIFEST), payload)
    kept = {shard.name for shard in manifest.shards}
    _remove(uri, {name for name in before if re.match(SHARD_NAME, name)} - kept)
    return manifest


def _remove(uri: str, names: set[str]) -> None:
    # Leftovers cost space, not truth: failing to remove one must not hide the outcome.
    for name in names:
        with contextlib.suppress(StorageError):
            storage.delete(storage.join(uri, name))


def read_manifest(uri: str) -> Manifest:
    """The manifest of the data set at a URI.

    Raises InputError when there is no data set or a newer version wrote it, IntegrityError when
    the manifest is damaged, StorageError when the storage does not answer.
    """
    where = storage.join(uri, MANIFEST)
    try:
        payload = storage.read_bytes(where)
    except StorageError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            raise
        fix = "check the name, or make one with `monopose data import` or `monopose data studio`"
        raise InputError("there is no data set", where=uri, fix=fix) from error
    return parse_manifest(payload, where)


def read_shard(uri: str, shard: Shard) -> pa.Table:
    """One shard as a table of `clip_schema()`, read once and checked by size and SHA-256.

    Raises IntegrityError naming the shard when it is missing, truncated or altered.
    """
    where = storage.join(uri, shard.name)
    try:
        payload = storage.read_bytes(where)
    except StorageError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            raise
        raise IntegrityError("shard is missing", where=where, fix=REBUILD) from error
    if len(payload) != shard.bytes:
        what = f"shard has {len(payload)} bytes, the manifest says {shard.bytes}"
        raise IntegrityError(what, where=where, fix=REBUILD)
    if hashlib.sha256(payload).hexdigest() != shard.sha256:
        what = "shard is altered: its SHA-256 is not the manifest's"
        raise IntegrityError(what, where=where, fix=REBUILD)
    try:
        table = pq.read_table(pa.BufferReader(payload))
    except pa.ArrowException as error:
        raise IntegrityError("shard is not Parquet", where=where, fix=REBUILD) from error
    if not table.schema.equals(clip_schema()):
        raise IntegrityError("shard has other columns than a clip", where=where, fix=REBUILD)
    return table


def read_clips(uri: str, split: str | None = None, *, join: bool = True) -> Iterator[Clip]:
    """The clips of a data set, or of one split, reading only that split's shards.

    join: give whole takes in writable arrays; otherwise the rows as stored, pieces overlapping,
    in read-only views. Raises InputError for an unknown split, and what `read_shard` raises.
    """
    manifest = read_manifest(uri)
    if split is not None and split not in manifest.splits:
        known = ", ".join(manifest.splits)
        raise InputError(f"there is no split {split!r}", where=uri, fix=f"choose one of {known}")
    shards = [shard for shard in manifest.shards if split is None or split in shard.splits]
    return _takes(uri, shards) if join else _rows(uri, shards)


def _rows(uri: str, shards: Iterable[Shard]) -> Iterator[Clip]:
    for shard in shards:
        yield from from_table(read_shard(uri, shard))


def _takes(uri: str, shards: Iterable[Shard]) -> Iterator[Clip]:
    for _, pieces in groupby(_rows(uri, shards), key=lambda clip: clip.clip_id):
        yield join(list(pieces))


def verify(uri: str) -> Manifest:
    """Reads everything once: shards against their digests, clips against the record and counts.

    Raises what `read_manifest` and `read_shard` raise, InputError for a clip that breaks the
    record, and IntegrityError when the counts are not the manifest's.
    """
    manifest, tally = read_manifest(uri), Tally()
    for clip in read_clips(uri):
        tally.add(validate(clip))
    if tally.splits != manifest.splits:
        raise IntegrityError("counts are not the manifest's", where=uri, fix=REBUILD)
    return manifest
