"""Image batches for sets larger than memory: windows mixed in a bounded pool, decoded by threads.

Where clips come from is a call that starts a pass over them: Ray Data's blocks of this worker's
rows (data/ingest.py: clip_blocks) or the shards themselves (data/shard_files.py: stored_blocks).

Memory does not grow with the set. `pool_bytes` bounds the encoded frames that wait to be drawn;
besides them there are the shard being read, one block of its clips and two batches for each
thread. Frames are copied out of a block, as a view of one would keep the whole block. Where Ray
reads, `read_split(memory_bytes=)` bounds the blocks in its store, and each reading task, in a
process of its own, holds one shard.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import cv2
import numpy as np
import torch

from monopose.data.clip import Clip
from monopose.data.images.batches import ImageBatch, PreparedBatch, finish, prepare
from monopose.data.images.windows import ImageWindow, image_windows
from monopose.errors import InputError
from monopose.recipes.images import ImageInputs
from monopose.skeleton import joint_set
from monopose.training.loop import ALONE, Workers

Result = TypeVar("Result")
# What a pool draws for the order of windows; steps count from 0.
_ORDER = -1
# Batches that are under way or done, for each thread.
_AHEAD = 2


@dataclass(frozen=True)
class StreamedImages:
    """Batches of this worker's clips, which may be more than memory holds.

    start_pass: begins a pass over the worker's clips, block by block. batch_size: over all
    workers. pool_bytes: encoded frames that are mixed with each other; what else is held are a
    block of clips and two batches per thread. threads: that decode, 0 for none beside the caller's.

    The same blocks, seed and numbers of workers give the same batches: all draws come from (seed,
    epoch, step, rank).
    """

    start_pass: Callable[[], Iterator[list[Clip]]]
    inputs: ImageInputs
    joint_set: str
    batch_size: int
    device: torch.device
    seed: int = 0
    pool_bytes: int = 64 << 20
    threads: int = 2
    workers: Workers = ALONE

    def epoch(self, epoch: int, steps: int) -> Iterator[ImageBatch]:
        """As many batches as asked for, going round the clips as often as that takes.

        Raises what reading raises, and InputError naming the clip of a damaged image, or when no
        clip has an image.
        """
        # Its own threads would wait for each other where several decode.
        cv2.setNumThreads(1)
        joints = joint_set(self.joint_set)
        size = math.ceil(self.batch_size / self.workers.world_size)
        windows = self._windows(self._rng(epoch, _ORDER))
        groups = (list(islice(windows, size)) for _ in range(steps))
        on_device = self.device.type != "cpu"

        def prepared(step: int, group: list[ImageWindow]) -> PreparedBatch:
            rng = self._rng(epoch, step)
            return prepare(group, self.inputs, joints, rng, on_device=on_device)

        def finished(batch: PreparedBatch) -> ImageBatch:
            return finish(batch, self.inputs, joints, self.device)

        if on_device:
            yield from map(finished, ahead(prepared, groups, self.threads))
        else:
            yield from ahead(lambda *call: finished(prepared(*call)), groups, self.threads)

    def _windows(self, rng: np.random.Generator) -> Iterator[ImageWindow]:
        """Pass after pass, each of which gives every window once."""
        while True:
            found = False
            for window in mixed(self._one_pass(), self.pool_bytes, rng):
                found = True
                yield window
            if not found:
                raise InputError("no clip has images to train on")

    def _one_pass(self) -> Iterator[ImageWindow]:
        for clips in self.start_pass():
            frames, step = self.inputs.frames, self.inputs.frame_step
            yield from image_windows(clips, self.joint_set, frames, step)

    def _rng(self, epoch: int, step: int) -> np.random.Generator:
        return np.random.default_rng((self.seed, epoch, step + 1, self.workers.rank))


def mixed(
    windows: Iterable[ImageWindow], pool_bytes: int, rng: np.random.Generator
) -> Iterator[ImageWindow]:
    """Windows in random order, as far as a pool of that many encoded bytes allows."""
    pool: list[ImageWindow] = []
    held = 0
    for window in windows:
        pool.append(window)
        held += window.num_bytes
        while held > pool_bytes:
            drawn = _take(pool, rng)
            held -= drawn.num_bytes
            yield drawn
    while pool:
        yield _take(pool, rng)


def _take(pool: list[ImageWindow], rng: np.random.Generator) -> ImageWindow:
    index = int(rng.integers(len(pool)))
    pool[index], pool[-1] = pool[-1], pool[index]
    return pool.pop()


def ahead(
    work: Callable[[int, list[ImageWindow]], Result],
    groups: Iterable[list[ImageWindow]],
    threads: int,
) -> Iterator[Result]:
    """The work on each group, in order, with two groups under way or done for each thread.

    With fewer, a thread that is done early has to wait for its neighbour's turn, or for a shard.
    """
    if threads == 0:
        yield from (work(step, group) for step, group in enumerate(groups))
        return
    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
    try:
        for step, group in enumerate(groups):
            waiting.append(pool.submit(work, step, group))
            if len(waiting) > _AHEAD * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
