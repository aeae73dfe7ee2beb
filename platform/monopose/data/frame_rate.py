"""The frame rate of a split: what a model trained on it takes for granted."""

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from monopose import storage
from monopose.data.manifest import REBUILD, Manifest, Shard
from monopose.errors import IntegrityError


def split_fps(uri: str, manifest: Manifest, split: str) -> float | None:
    """Frames per second of most frames of the split; None where all are photos.

    A set of several rates is asked shard by shard, for the columns that say it only. Raises
    IntegrityError for a shard that is altered, StorageError.
    """
    counts = manifest.splits[split]
    if counts.frames == counts.clips:
        return None
    if len(manifest.fps) == 1:
        return manifest.fps[0]
    frames: Counter[float] = Counter()
    for shard in manifest.shards:
        if split in shard.splits:
            frames += _frames_by_fps(uri, shard)
    return max(frames, key=lambda fps: (frames[fps], fps), default=None)


def _frames_by_fps(uri: str, shard: Shard) -> Counter[float]:
    where = storage.join(uri, shard.name)
    try:
        with storage.opened(where) as file:
            rows = pq.ParquetFile(file, page_checksum_verification=True).read(
                columns=["fps", "num_frames"], use_threads=False
            )
    except pa.ArrowException as error:
        raise IntegrityError("shard is altered", where=where, fix=REBUILD) from error
    # A photo is a clip of one frame, whose rate says nothing.
    rows = rows.filter(pc.greater(rows["num_frames"], 1))
    sums = rows.group_by("fps").aggregate([("num_frames", "sum")])
    return Counter(
        dict(zip(*(sums[n].to_pylist() for n in ("fps", "num_frames_sum")), strict=True))
    )
