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
        """(sequence, first frame) of the epoch's chunks, batch after batch.

        An epoch is as many chunks as all clips make, labelled or not. Batches hold the stage's
        share of unlabelled ones; of the kind of which there are too few, chunks are drawn anew.
        """
        generator = torch.Generator().manual_seed(step_seed(self.recipe.seed, epoch, -1))
        drawn = chunk_starts(self.tensors, self.recipe.budget.chunk_frames, generator)
        has_3d = self.tensors.has_3d.cpu()
        if has_3d.all():
            return drawn
        steps = self._full_batches(drawn)
        size = min(self.recipe.budget.batch_chunks, len(drawn))
        unlabelled = round(self.recipe.stage_of(epoch).unlabelled * size)
        kinds = [
            self._of_kind(drawn, wanted, steps * count, generator).view(steps, count, 2)
            for wanted, count in ((has_3d, size - unlabelled), (~has_3d, unlabelled))
        ]
        return torch.cat(kinds, dim=1).flatten(0, 1)

    def _of_kind(
        self, drawn: torch.Tensor, wanted: torch.Tensor, count: int, generator: torch.Generator
    ) -> torch.Tensor:
        found = drawn[wanted[drawn[:, 0]]]
        while len(found) < count:
            again = chunk_starts(self.tensors, self.recipe.budget.chunk_frames, generator)
            found = torch.cat([found, again[wanted[again[:, 0]]]])
        return found[:count]
