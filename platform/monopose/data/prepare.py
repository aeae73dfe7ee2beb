"""Import and re-sharding as Ray Data jobs that scale out over files.

Each task reads the parts it was given and stores its own shards; the driver adds up the tallies
and writes the manifest last. How parts are grouped and shards are merged depends on the data
alone, never on the cluster, so that the same source gives the same shards on any machine.
"""

import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter

import pyarrow as pa
import ray.data

from monopose.data.importers.source import Part
from monopose.data.manifest import About, Manifest, Shard, Tally
from monopose.data.shards import (
    DEFAULT_CUTTING,
    Cutting,
    ShardWriter,
    publish,
    read_manifest,
    read_takes,
    replacing,
)
from monopose.errors import IntegrityError, cause_of

# More tasks than this gain no speed on the clusters we know of, and leave crumbs of shards.
_MAX_TASKS = 1024
# A shard below this share of the wanted size is merged with others of its split.
_SMALL_SHARE = 0.5
_ONE_SHARD = 1 << 62

OnTask = Callable[[int, int], None]


@dataclass(frozen=True)
class _Task:
    """What one task reads, and where and how it stores that."""

    number: int
    parts: tuple[Part, ...]
    uri: str
    cutting: Cutting

    def __call__(self) -> "_Done":
        writer = ShardWriter(self.uri, self.cutting, self.number)
        for part in self.parts:
            for clip in part():
                writer.add(clip)
        return _Done(self.number, tuple(writer.finish()), writer.tally)


@dataclass(frozen=True)
class _Done:
    """What one task stored."""

    number: int
    shards: tuple[Shard, ...]
    tally: Tally


def import_on_cluster(
    parts: Sequence[Part],
    uri: str,
    about: About,
    *,
    cutting: Cutting = DEFAULT_CUTTING,
    overwrite: bool = False,
    on_task: OnTask | None = None,
) -> Manifest:
    """The clips of all parts as a data set, a task a run of parts. Ray must be initialised.

    Gives the data that `write_clips` gives, of the same digest, in other shards. on_task: told
    (tasks done, tasks). Raises what the parts raise, and what `write_clips` does; of a failed
    import nothing is left but, where a task was still writing, shards that the next write removes.
    """
    runs = list(_runs(parts))
    tasks = [_Task(number, run, uri, cutting) for number, run in enumerate(runs)]
    with replacing(uri, overwrite=overwrite):
        done = _run(tasks, on_task)
        tally = _add_up(done)
        shards = [shard for one in done for shard in one.shards]
        shards = _merge_small(shards, uri, cutting, first_number=len(tasks))
    return publish(uri, tally, shards, about)


def reshard(
    source_uri: str,
    uri: str,
    *,
    cutting: Cutting = DEFAULT_CUTTING,
    overwrite: bool = False,
    on_task: OnTask | None = None,
) -> Manifest:
    """The same clips in shards of another size at another place. Ray must be initialised.

    Raises IntegrityError when a shard is damaged or the clips are not those of the manifest.
    """
    manifest = read_manifest(source_uri)
    groups = list(_groups(manifest.shards, cutting.shard_bytes))
    tasks = [_rewriting(n, group, source_uri, uri, cutting) for n, group in enumerate(groups)]
    with replacing(uri, overwrite=overwrite):
        done = _run(tasks, on_task)
        tally = _add_up(done)
        if f"{tally.content:064x}" != manifest.content:
            raise IntegrityError("clips are not the manifest's", where=source_uri)
    about = About(manifest.dataset, manifest.detections, manifest.synthetic)
    return publish(uri, tally, [shard for one in done for shard in one.shards], about)


def _merge_small(
    shards: Sequence[Shard], uri: str, cutting: Cutting, first_number: int
) -> list[Shard]:
    """The shards with those far below the wanted size merged within their splits."""
    limit = _SMALL_SHARE * cutting.shard_bytes
    small = [shard for shard in shards if shard.bytes < limit]
    groups = [group for group in _groups(small, cutting.shard_bytes) if len(group) > 1]
    tasks = [
        _rewriting(first_number + number, group, uri, uri, cutting)
        for number, group in enumerate(groups)
    ]
    merged = {shard.name for group in groups for shard in group}
    kept = [shard for shard in shards if shard.name not in merged]
    return kept + [shard for one in _run(tasks) for shard in one.shards]


def _rewriting(
    number: int, group: tuple[Shard, ...], source_uri: str, uri: str, cutting: Cutting
) -> _Task:
    """Several shards become one; a single one is cut to the wanted size."""
    if len(group) > 1:
        cutting = replace(cutting, shard_bytes=_ONE_SHARD)
    return _Task(number, (partial(read_takes, source_uri, group),), uri, cutting)


def _runs(parts: Sequence[Part]) -> Iterator[tuple[Part, ...]]:
    """Neighbouring parts, one a task as far as the limit on tasks allows."""
    length = max(1, -(-len(parts) // _MAX_TASKS))
    for start in range(0, len(parts), length):
        yield tuple(parts[start : start + length])


def _groups(shards: Sequence[Shard], full_bytes: int) -> Iterator[tuple[Shard, ...]]:
    """Shards of one split, as many together as make a full one."""
    group: list[Shard] = []
    for shard in sorted(shards, key=attrgetter("splits")):
        if group and group[0].splits != shard.splits:
            yield tuple(group)
            group = []
        group.append(shard)
        if sum(one.bytes for one in group) >= full_bytes:
            yield tuple(group)
            group = []
    if group:
        yield tuple(group)


def _add_up(done: Iterable[_Done]) -> Tally:
    tally = Tally()
    for one in done:
        tally.merge(one.tally)
    return tally


def _run(tasks: Sequence[_Task], on_task: OnTask | None = None) -> list[_Done]:
    """What the tasks have done, in their order; raises what a task raised, free of Ray's words."""
    if not tasks:
        return []
    # Else what a task raises arrives without its class and its words.
    ray.data.DataContext.get_current().raise_original_map_exception = True
    source = ray.data.from_items(
        [{"task": pickle.dumps(task)} for task in tasks], override_num_blocks=len(tasks)
    )
    stored = source.map_batches(_work, batch_size=1, batch_format="pyarrow", num_cpus=1)
    done: list[_Done] = []
    try:
        for batch in stored.iter_batches(batch_size=1, batch_format="pyarrow"):
            done.append(pickle.loads(batch.column("done")[0].as_py()))
            if on_task:
                on_task(len(done), len(tasks))
    except Exception as error:
        raise cause_of(error) or error from None
    return sorted(done, key=attrgetter("number"))


def _work(batch: pa.Table) -> pa.Table:
    task: _Task = pickle.loads(batch.column("task")[0].as_py())
    return pa.table({"done": [pickle.dumps(task())]})
