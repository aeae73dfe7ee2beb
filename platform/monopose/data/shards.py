"""Data sets on storage: Parquet shards next to a manifest that names every byte of them.

A data set is a folder or bucket prefix with `manifest.json` and `part-<number>-<digest>.parquet`.
Shards are written under names of their content and the manifest last, so a reader sees the old
set or the new one. A shard holds whole takes of one split.
"""

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import orjson

from monopose import storage
from monopose.data.clip import Clip, validate
from monopose.data.manifest import (
    MANIFEST,
    REBUILD,
    SHARD_NAME,
    About,
    Manifest,
    Shard,
    SplitCounts,
    Tally,
    manifest_of,
    parse_manifest,
)
from monopose.data.schema import (
    cut,
    from_table,
    join,
    size_bytes,
    to_table,
)
from monopose.data.shard_files import encode_table, read_shard, row_limits
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


@dataclass(frozen=True)
class Cutting:
    """How clips become rows and shards.

    max_frames, overlap_frames: rows of longer takes are cut, neighbours sharing the overlap.
    shard_bytes: size before compression that closes a shard; one take may pass it.
    Raises InputError for numbers that cut nothing.
    """

    max_frames: int = 4096
    overlap_frames: int = 256
    shard_bytes: int = 64 << 20

    def __post_init__(self) -> None:
        if not 0 <= self.overlap_frames < self.max_frames or self.shard_bytes < 1:
            what = f"overlap_frames is {self.overlap_frames}, max_frames {self.max_frames}"
            raise InputError(what, fix="give 0 <= overlap_frames < max_frames, shard_bytes > 0")


DEFAULT_CUTTING = Cutting()


@dataclass
class ShardWriter:
    """Validates and counts clips, collects rows by split, stores each shard as soon as it is full.

    At most one shard per split is held in memory.
    """

    uri: str
    cutting: Cutting
    first_number: int = 0
    tally: Tally = field(default_factory=Tally)
    shards: list[Shard] = field(default_factory=list)
    _waiting: dict[str, _Rows] = field(default_factory=dict)

    def add(self, clip: Clip) -> None:
        """Takes one whole take; raises InputError for what `validate` and `Tally` refuse."""
        self.tally.add(validate(clip))
        rows = self._waiting.setdefault(clip.split, _Rows())
        limits = row_limits(clip, self.cutting.max_frames, self.cutting.overlap_frames)
        for piece, overlap in cut(clip, *limits):
            rows.pieces.append(piece)
            rows.overlaps.append(overlap)
            rows.bytes += size_bytes(piece)
        rows.clips += 1
        rows.frames += clip.num_frames
        if rows.bytes >= self.cutting.shard_bytes:
            self._store(clip.split)

    def finish(self) -> list[Shard]:
        """Stores what waits; returns all shards in the order they were written."""
        for split in list(self._waiting):
            self._store(split)
        return self.shards

    def _store(self, split: str) -> None:
        rows = self._waiting.pop(split)
        payload = encode_table(to_table(rows.pieces, rows.overlaps))
        sha256 = hashlib.sha256(payload).hexdigest()
        shard = Shard(
            name=f"part-{self.first_number + len(self.shards):05d}-{sha256[:16]}.parquet",
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
    cutting: Cutting = DEFAULT_CUTTING,
    overwrite: bool = False,
) -> Manifest:
    """Validates clips, cuts long takes, streams them into shards and writes the manifest last.

    If anything fails, what was at `uri` before stays valid, and shards of the failed attempt are
    removed (by the next write at the latest). Raises InputError for a clip that breaks the record,
    for no clips, for mixed joint sets or repeated clip_ids, and when `uri` holds a data set and
    `overwrite` is False; StorageError.
    """
    with replacing(uri, overwrite=overwrite):
        writer = ShardWriter(uri, cutting)
        for clip in clips:
            writer.add(clip)
        shards, about = writer.finish(), About(dataset, detections, synthetic)
    return publish(uri, writer.tally, shards, about)


@contextlib.contextmanager
def replacing(uri: str, *, overwrite: bool) -> Iterator[None]:
    """Shards may be written at `uri` inside; if that fails, those that are new are removed.

    Raises InputError when a data set is there and `overwrite` is False.
    """
    before = check_free(uri, overwrite=overwrite)
    try:
        yield
    except BaseException:
        _remove(uri, _shard_names(uri) - before)
        raise


def check_free(uri: str, *, overwrite: bool) -> set[str]:
    """The names of what is at `uri`, before anything is read for it.

    Raises InputError when a data set is there and `overwrite` is False.
    """
    before = set(storage.list_names(uri))
    if MANIFEST in before and not overwrite:
        fix = "name another, or --overwrite"
        raise InputError("there is a data set already", where=uri, fix=fix)
    return before


def publish(uri: str, tally: Tally, shards: Sequence[Shard], about: About) -> Manifest:
    """Writes the manifest of shards that lie at `uri`, and removes all others.

    Outside of `replacing`: a manifest whose writing was reported as failed may have arrived all
    the same, and its shards must then be there. If it did not, the next write removes them.
    Raises InputError for no shards, StorageError.
    """
    if not shards:
        raise InputError("no clips to write", where=uri)
    manifest = manifest_of(tally, shards, about)
    payload = orjson.dumps(manifest.model_dump(mode="json"), option=orjson.OPT_INDENT_2)
    storage.write_bytes(storage.join(uri, MANIFEST), payload)
    _remove(uri, _shard_names(uri) - {shard.name for shard in manifest.shards})
    return manifest


def _shard_names(uri: str) -> set[str]:
    with contextlib.suppress(StorageError):
        return {name for name in storage.list_names(uri) if re.match(SHARD_NAME, name)}
    return set()


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


def read_clips(
    uri: str,
    split: str | None = None,
    *,
    join: bool = True,
    images: bool = True,
    heatmaps: bool | None = None,
) -> Iterator[Clip]:
    """The clips of a data set, or of one split, reading only that split's shards.

    join: give whole takes in writable arrays; otherwise the rows as stored, pieces overlapping,
    in read-only views. images, heatmaps (by default as images): False leaves them None, and unread
    where there are any. Raises InputError for an unknown split, and what `read_shard` raises.
    """
    manifest = read_manifest(uri)
    if split is not None and split not in manifest.splits:
        known = ", ".join(manifest.splits)
        raise InputError(f"there is no split {split!r}", where=uri, fix=f"choose one of {known}")
    shards = [shard for shard in manifest.shards if split is None or split in shard.splits]
    heatmaps = images if heatmaps is None else heatmaps
    counts = manifest.splits.values()
    # What no clip has is asked for: a shard that is read whole is checked best.
    images = images or not any(each.has_images for each in counts)
    heatmaps = heatmaps or not any(each.has_heatmaps for each in counts)
    rows = _rows(uri, shards, images=images, heatmaps=heatmaps)
    return _joined(rows) if join else rows


def _rows(
    uri: str, shards: Iterable[Shard], *, images: bool = True, heatmaps: bool = True
) -> Iterator[Clip]:
    for shard in shards:
        yield from from_table(read_shard(uri, shard, images=images, heatmaps=heatmaps))


def read_takes(uri: str, shards: Iterable[Shard]) -> Iterator[Clip]:
    """The whole takes of some shards, pieces joined; raises what `read_shard` raises."""
    return _joined(_rows(uri, shards))


def _joined(rows: Iterable[Clip]) -> Iterator[Clip]:
    for _, pieces in groupby(rows, key=lambda clip: clip.clip_id):
        yield join(list(pieces))


def verify(uri: str, look: Callable[[Clip], None] | None = None) -> Manifest:
    """Reads everything once: shards against their digests, clips against the record and counts.

    look: is shown each clip that keeps the record, so that the same pass can serve others.
    Raises what `read_manifest` and `read_shard` raise, InputError for a clip that breaks the
    record, and IntegrityError when the counts are not the manifest's.
    """
    manifest, tally = read_manifest(uri), Tally()
    for clip in read_clips(uri):
        tally.add(validate(clip))
        if look is not None:
            look(clip)
    if tally.splits != manifest.splits:
        raise IntegrityError("counts are not the manifest's", where=uri, fix=REBUILD)
    if f"{tally.content:064x}" != manifest.content:
        raise IntegrityError("clips are not the manifest's", where=uri, fix=REBUILD)
    return manifest
