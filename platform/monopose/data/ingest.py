"""Reading shards as a Ray Data job: one task a shard, each checked against the manifest."""

from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter

import pyarrow as pa
import ray
import ray.data

from monopose.data.clip import Clip
from monopose.data.manifest import Manifest, Shard
from monopose.data.schema import from_table, join
from monopose.data.shards import read_shard
from monopose.errors import cause_of


def read_split(uri: str, manifest: Manifest, split: str) -> ray.data.Dataset:
    """The rows of a split as a lazy Ray data set; a damaged shard raises IntegrityError."""
    shards = [shard for shard in manifest.shards if split in shard.splits]
    # Else what a damaged shard raises arrives without its class and its words.
    ray.data.DataContext.get_current().raise_original_map_exception = True
    items = [{"shard": shard.model_dump_json()} for shard in shards]
    source = ray.data.from_items(items, override_num_blocks=len(items))
    return source.map_batches(
        _read, batch_size=1, batch_format="pyarrow", fn_kwargs={"uri": uri}, num_cpus=0.5
    )


def _read(batch: pa.Table, uri: str) -> pa.Table:
    shard = Shard.model_validate_json(batch.column("shard")[0].as_py())
    return read_shard(uri, shard)


def row_groups(rows: ray.data.DataIterator, size: int) -> Iterator[list[Clip]]:
    """Rows as clips, `size` at a time; long takes come in their overlapping pieces.

    Raises what reading raised, IntegrityError or StorageError, free of Ray's wrapping.
    """
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
