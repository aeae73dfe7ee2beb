"""Where training batches come from: clips kept as tensors, cut and augmented on the device."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from monopose.data.augment import augment
from monopose.data.batches import Batch, ClipTensors, chunk_starts, cut_chunks
from monopose.data.context import Context
from monopose.recipes.recipe import Recipe
from monopose.training.loop import ALONE, Workers, progress, step_seed


@dataclass(frozen=True)
class CachedBatches:
    """Chunks of clips that lie whole in the device's memory.

    All workers walk the same random order and each takes its share of every batch, so the batches
    of N workers add up to those of one. context is the estimator's.
    """

    recipe: Recipe
    tensors: ClipTensors
    context: Context
    workers: Workers = ALONE

    def steps(self, epoch: int) -> int:
        """Full batches in the epoch; at least one."""
        return self._full_batches(self._order(epoch))

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """This worker's share of every batch of the epoch."""
        budget, mix = self.recipe.budget, self.recipe.data
        order = self._order(epoch)
        steps = self._full_batches(order)
        for index in range(steps):
            starts = order[index * budget.batch_chunks : (index + 1) * budget.batch_chunks]
            mine = starts[self.workers.rank :: self.workers.world_size]
            chunks = cut_chunks(self.tensors, mine, budget.chunk_frames, self.context)
            generator = torch.Generator()
            seed = step_seed(self.recipe.seed, epoch, index)
            generator.manual_seed(seed * self.workers.world_size + self.workers.rank)
            done = progress(self.recipe, epoch, index, steps)
            yield augment(chunks, mix, self.context, generator, done)

    def smallest(self) -> int:
        """Chunks in the smallest batch."""
        return min(len(self._order(0)), self.recipe.budget.batch_chunks)

    def _full_batches(self, order: torch.Tensor) -> int:
        return max(1, len(order) // self.recipe.budget.batch_chunks)

    def _order(self, epoch: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(step_seed(self.recipe.seed, epoch, -1))
        return chunk_starts(self.tensors, self.recipe.budget.chunk_frames, generator)
