"""Reading shards as a Ray Data job: one task a shard, each checked against the manifest.

A task holds one shard (shard_files.py: read whole, or without its images) and hands on its row
groups one by one, so blocks are a few megabytes and a trainer takes no more than it asks for.
"""

import time
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter

import pyarrow as pa
import ray
import ray.data
from ray.data import ExecutionResources
from ray.data._internal.execution.execution_callback import ExecutionCallback

from monopose.data.clip import Clip
from monopose.data.manifest import Manifest, Shard
from monopose.data.schema import from_table, join
from monopose.data.shard_files import GROUP_BYTES, read_row_groups, read_shard
from monopose.errors import cause_of


def read_split(
    uri: str,
    manifest: Manifest,
    split: str,
    *,
    images: bool = False,
    heatmaps: bool = False,
    memory_bytes: int | None = None,
) -> ray.data.Dataset:
    """The rows of a split as a lazy Ray data set; a damaged shard raises IntegrityError.

    images, heatmaps: False leaves them null, and unread where there are any. memory_bytes: what
    the job may keep in the object store; None for Ray's own choice.
    """
    shards = [shard for shard in manifest.shards if split in shard.splits]
    items = [{"shard": shard.model_dump_json()} for shard in shards]
    counts = manifest.splits[split]
    # What no clip has is asked for: a shard that is read whole is checked best.
    asked = {
        "images": images or counts.has_images == 0,
        "heatmaps": heatmaps or counts.has_heatmaps == 0,
    }
    # Else what a damaged shard raises arrives without its class and its words.
    ray.data.DataContext.get_current().raise_original_map_exception = True
    source = ray.data.from_items(items, override_num_blocks=len(items))
    rows = source.map_batches(
        _read,
        batch_size=1,
        batch_format="pyarrow",
        fn_kwargs={"uri": uri, "asked": asked},
        # A whole CPU: two readers a core spend half as much again of it on each other's caches.
        num_cpus=1.0,
    )
    if images:
        rows.context.target_max_block_size = GROUP_BYTES
        rows.context.custom_execution_callback_classes = [_Unhurried]
    if memory_bytes is not None:
        limits = ExecutionResources(object_store_memory=memory_bytes)
        rows.context.execution_options.resource_limits = limits
    # The same rows in the same order, so that a seed means the same batches.
    rows.context.execution_options.preserve_order = images
    return rows


class _Unhurried(ExecutionCallback):  # type: ignore[misc]  # Ray has no types here
    """Lets Ray's scheduling thread, which lives in the trainer's process, rest between its rounds.

    Where finished blocks may not be taken yet, as the trainer is slower than the reading, it asks
    for them again without a pause, on a whole core and with Python's lock (Ray 2.60). A round a
    hundredth of a second is enough for blocks that last a trainer far longer.
    """

    def on_execution_step(self, executor: object) -> None:  # noqa: ARG002
        """After each round."""
        time.sleep(0.01)


def _read(batch: pa.Table, uri: str, asked: dict[str, bool]) -> Iterator[pa.Table]:
    shard = Shard.model_validate_json(batch.column("shard")[0].as_py())
    if all(asked.values()):
        yield from read_row_groups(uri, shard)
    else:
        yield read_shard(uri, shard, **asked)


def clip_blocks(rows: ray.data.DataIterator) -> Iterator[list[Clip]]:
    """Rows as clips, as many at a time as Ray hands over (about a row group of a shard).

    Raises what reading raised, IntegrityError or StorageError, free of Ray's wrapping.
    """
    return _clips(rows, None)


def row_groups(rows: ray.data.DataIterator, size: int) -> Iterator[list[Clip]]:
    """Rows as clips, `size` at a time; long takes come in their overlapping pieces.

    Raises what reading raised, IntegrityError or StorageError, free of Ray's wrapping.
    """
    return _clips(rows, size)


def _clips(rows: ray.data.DataIterator, size: int | None) -> Iterator[list[Clip]]:
    try:
        for table in rows.iter_batches(batch_size=size, batch_format="pyarrow"):
            yield from_table(table)
    except Exception as error:
        raise cause_of(error) or error from None


def whole_takes(rows: ray.data.DataIterator) -> list[Clip]:
    """All rows, pieces joined to takes, in the order of their ids whatever order Ray read in."""
    pieces = [clip for group in row_groups(rows, size=64) for clip in group]
    pieces.sort(key=attrgetter("clip_id", "start_frame"))
    return [join(list(take)) for _, take in groupby(pieces, key=attrgetter("clip_id"))]
