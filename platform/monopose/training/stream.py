"""Training batches straight from Ray Data, for sets larger than memory."""

import math
from collections.abc import Iterator

import ray.data
import torch

from monopose.data.augment import augment
from monopose.data.batches import Batch, chunk_starts, clip_tensors, cut_chunks
from monopose.data.ingest import row_groups
from monopose.data.manifest import Manifest
from monopose.models.estimator import context_of
from monopose.recipes.recipe import Recipe
from monopose.training.loop import Workers, progress, step_seed

# Rows whose chunks are shuffled together; all that is held in memory at once.
_GROUP_ROWS = 16


class StreamedBatches:
    """Chunks of a few rows at a time, shuffled within them, of this worker's share of the rows.

    Workers hold different numbers of frames, so an epoch is a fixed number of steps for which
    each worker goes round its rows as often as it takes.
    """

    def __init__(
        self,
        recipe: Recipe,
        rows: ray.data.DataIterator,
        manifest: Manifest,
        workers: Workers,
        device: torch.device,
    ) -> None:
        self.recipe, self.rows, self.workers, self.device = recipe, rows, workers, device
        self.context = context_of(recipe)
        self.frames = manifest.splits["train"].sequence_frames

    def steps(self, epoch: int) -> int:  # noqa: ARG002 - the interface; all epochs are alike
        """As many batches as the split's frames fill."""
        budget = self.recipe.budget
        return max(1, self.frames // (budget.chunk_frames * budget.batch_chunks))

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """This worker's share of the epoch's batches."""
        size = math.ceil(self.recipe.budget.batch_chunks / self.workers.world_size)
        endless = self._batches(epoch, size)
        for _ in range(self.steps(epoch)):
            yield next(endless)

    def _batches(self, epoch: int, size: int) -> Iterator[Batch]:
        budget, group, step = self.recipe.budget, 0, 0
        while True:
            for clips in row_groups(self.rows, _GROUP_ROWS):
                group += 1
                tensors = clip_tensors(clips, self.recipe.data.joint_set).to(self.device)
                generator = torch.Generator().manual_seed(
                    step_seed(self.recipe.seed, epoch, group) * self.workers.world_size
                    + self.workers.rank
                )
                order = chunk_starts(tensors, budget.chunk_frames, generator)
                for starts in order.split(size):
                    chunks = cut_chunks(tensors, starts, budget.chunk_frames, self.context)
                    done = progress(self.recipe, epoch, step, self.steps(epoch))
                    yield augment(chunks, self.recipe.data, self.context, generator, done)
                    step += 1
