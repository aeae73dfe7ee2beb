from collections.abc import Iterable

import pytest
import torch
from tests.moving_clips import moving_tensors, tiny_recipe

from monopose.data.batches import Batch
from monopose.errors import InputError
from monopose.training.loop import Workers
from monopose.training.run import cached

TENSORS = moving_tensors(13, 17, 22)


def samples(batches: Iterable[Batch]) -> list[bytes]:
    """Every sample of the batches as bytes, to compare them in any order."""
    return sorted(
        keypoints.numpy().tobytes() + pose_m.numpy().tobytes()
        for batch in batches
        for keypoints, pose_m in zip(batch.keypoints, batch.pose_m, strict=True)
    )


@pytest.mark.parametrize("world_size", [2, 3])
def test_workers_together_hold_the_chunks_of_one(world_size: int) -> None:
    recipe = tiny_recipe(budget__batch_chunks=6)
    alone = cached(recipe, TENSORS)
    workers = [cached(recipe, TENSORS, Workers(r, world_size)) for r in range(world_size)]
    assert {worker.steps(2) for worker in workers} == {alone.steps(2)}
    for one, *shares in zip(alone.epoch(2), *(w.epoch(2) for w in workers), strict=True):
        assert {len(share.has_3d) for share in shares} == {6 // world_size}
        assert samples([one]) == samples(shares)


def test_an_epoch_is_full_batches_in_an_order_of_its_own() -> None:
    recipe = tiny_recipe()
    batches = cached(recipe, TENSORS)
    epochs = [list(batches.epoch(epoch)) for epoch in (0, 0, 1)]
    for epoch in epochs:
        assert all(batch.keypoints.shape == (4, 6, 17, 2) for batch in epoch)
        # 104 frames make at least 26 chunks of four.
        assert len(epoch) >= 6
    assert samples(epochs[0]) == samples(epochs[1])
    assert samples(epochs[0]) != samples(epochs[2])
    assert torch.equal(epochs[0][0].keypoints, epochs[1][0].keypoints)


def test_workers_augment_differently() -> None:
    recipe = tiny_recipe(data__flip=True, budget__batch_chunks=16)
    tensors = moving_tensors(64)
    plain = [
        next(cached(tiny_recipe(budget__batch_chunks=16), tensors, Workers(r, 2)).epoch(0))
        for r in (0, 1)
    ]
    flipped = [next(cached(recipe, tensors, Workers(r, 2)).epoch(0)) for r in (0, 1)]
    mirrored = [
        (one.keypoints != other.keypoints).flatten(1).any(dim=1).tolist()
        for one, other in zip(plain, flipped, strict=True)
    ]
    assert mirrored[0] != mirrored[1]


def test_few_frames_still_make_a_batch() -> None:
    batches = cached(tiny_recipe(budget__batch_chunks=100), moving_tensors(3))
    assert batches.steps(0) == 1
    (batch,) = batches.epoch(0)
    assert len(batch.valid) >= 2
    assert (batch.valid == torch.tensor([True, True, True, False])).all()


def test_data_or_budgets_that_make_no_batch_are_refused() -> None:
    with pytest.raises(InputError, match="no clip has both 3D labels and 2D keypoints to train on"):
        cached(tiny_recipe(), moving_tensors(4, pose_world_m=None))
    with pytest.raises(
        InputError, match=r"batch_chunks is 4, fewer than the workers; give at least 5"
    ):
        cached(tiny_recipe(), TENSORS, Workers(0, 5))
