from collections.abc import Iterable
from dataclasses import replace

import pytest
import torch
from tests.moving_clips import moving_tensors, tiny_recipe

from monopose.data.batches import Batch
from monopose.data.label_share import with_label_share
from monopose.errors import InputError
from monopose.training.loop import Workers
from monopose.training.run import cached
from monopose.training.sources import CachedBatches

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


POINTS = {"share": 1.0, "patterns": ["point"], "point_share": [0.1, 0.3], "ramp_share": 0.5}
OCCLUDED = {"data__occlusion": POINTS}


def hidden_share(batch: Batch) -> float:
    return float((batch.score == 0).float().mean())


def test_occlusion_grows_over_its_share_of_the_budget() -> None:
    """4 epochs, ramp over half of them, chances of 0.1 to 0.3: nothing at first, then 0.2."""
    batches = cached(tiny_recipe(**OCCLUDED, budget__batch_chunks=8), TENSORS)
    shares = [[hidden_share(batch) for batch in batches.epoch(epoch)] for epoch in range(4)]
    assert shares[0][0] == 0.0
    means = [sum(epoch) / len(epoch) for epoch in shares]
    # Halfway through its epoch, the ramp stands at 1/4, 3/4, 1 and 1. An epoch is three batches of
    # eight chunks: the mean of 24 chances that are uniform over 0.2 has a deviation of 0.012.
    for found, expected in zip(means, (0.05 * 2 / 3, 0.15, 0.2, 0.2), strict=True):
        assert abs(found - expected) < 0.06
    assert means[0] < means[1] < min(means[2:])


@pytest.mark.parametrize("workers", [Workers(), Workers(1, 2)])
def test_what_an_epoch_hides_depends_on_the_epoch_and_nothing_before_it(workers: Workers) -> None:
    recipe = tiny_recipe(**OCCLUDED)
    walked, resumed = cached(recipe, TENSORS, workers), cached(recipe, TENSORS, workers)
    for epoch in range(3):
        scores = [batch.score for batch in walked.epoch(epoch)]
    for one, other in zip(scores, (batch.score for batch in resumed.epoch(2)), strict=True):
        assert torch.equal(one, other)
    assert any((score == 0).any() for score in scores)


def test_workers_hide_different_keypoints_of_different_chunks_to_the_same_degree() -> None:
    """As with virtual cameras, what is drawn for a chunk depends on the worker that holds it."""
    recipe = tiny_recipe(**OCCLUDED, budget__batch_chunks=16)
    shares = [
        [
            hidden_share(batch)
            for epoch in (2, 3)
            for batch in cached(recipe, TENSORS, w).epoch(epoch)
        ]
        for w in (Workers(), Workers(0, 2), Workers(1, 2))
    ]
    assert shares[1] != shares[2]
    for each in shares:
        assert abs(sum(each) / len(each) - 0.2) < 0.06


def mixed(share: float, unlabelled: float, world_size: int = 1) -> list[CachedBatches]:
    """Batches of eight chunks of TENSORS, a share of which is labelled."""
    recipe = tiny_recipe(
        budget__batch_chunks=8, data__label_share=share, stages=[{"unlabelled": unlabelled}]
    )
    return [cached(recipe, TENSORS, Workers(rank, world_size)) for rank in range(world_size)]


def test_fewer_labels_without_a_use_for_the_rest_are_repeated() -> None:
    """Of 52 frames a tenth is 6, so 2 chunks of four frames in each of two views."""
    (few,), (all_labelled,) = mixed(0.1, 0.0), mixed(1.0, 0.0)
    batches = list(few.epoch(0))
    assert len(batches) == few.steps(0)
    # A take cut in two makes a chunk or two more.
    assert 0 <= few.steps(0) - all_labelled.steps(0) <= 1
    assert all(batch.has_3d.all() for batch in batches)
    # All chunks that there can be start in one of the first frames of two views.
    assert len(set(samples(batches))) <= 2 * 6
    assert len(set(samples(batches))) < len(samples(batches))


@pytest.mark.parametrize(("unlabelled", "expected"), [(0.5, 4), (0.25, 2), (0.9, 7)])
def test_batches_hold_the_stages_share_of_unlabelled_chunks(
    unlabelled: float, expected: int
) -> None:
    (batches,) = mixed(0.1, unlabelled)
    for epoch in (0, 1):
        assert {int((~batch.has_3d).sum()) for batch in batches.epoch(epoch)} == {expected}
    assert samples(batches.epoch(0)) != samples(batches.epoch(1))


def test_workers_have_both_kinds_and_together_those_of_one() -> None:
    ((alone,), workers) = mixed(0.1, 0.5), mixed(0.1, 0.5, world_size=2)
    assert {worker.steps(1) for worker in workers} == {alone.steps(1)}
    for one, *shares in zip(alone.epoch(1), *(w.epoch(1) for w in workers), strict=True):
        assert [int((~share.has_3d).sum()) for share in shares] == [2, 2]
        assert samples([one]) == samples(shares)


def test_video_is_not_mixed_in_before_its_stage() -> None:
    stages = [{"share": 0.5}, {"share": 0.5, "unlabelled": 0.5}]
    recipe = tiny_recipe(data__label_share=0.5, stages=stages)
    batches = cached(recipe, TENSORS)
    found = [any((~b.has_3d).any() for b in batches.epoch(epoch)) for epoch in range(4)]
    assert found == [False, False, True, True]


def test_where_every_clip_is_labelled_there_is_no_video_to_mix_in() -> None:
    (plain,), (wanted,) = mixed(1.0, 0.0), mixed(1.0, 0.5)
    for one, other in zip(plain.epoch(0), wanted.epoch(0), strict=True):
        assert torch.equal(one.keypoints, other.keypoints)


def test_labels_that_may_not_be_used_are_not() -> None:
    """Poses of what counts as video are spoilt: labelled samples stay as they are."""
    recipe = tiny_recipe(
        data__label_share=0.3, data__virtual_cameras={}, stages=[{"unlabelled": 0.5}]
    )
    known = with_label_share(TENSORS, 0.3, recipe.seed)
    hidden = torch.ones(len(TENSORS.pose_m), dtype=torch.bool)
    for first, length in zip(known.first[known.has_3d], known.length[known.has_3d], strict=True):
        hidden[first : first + length] = False
    spoilt = replace(TENSORS, pose_m=TENSORS.pose_m.masked_fill(hidden[:, None, None], 7.0))
    for one, other in zip(
        cached(recipe, TENSORS).epoch(0), cached(recipe, spoilt).epoch(0), strict=True
    ):
        assert torch.equal(one.has_3d, other.has_3d)
        assert torch.equal(one.keypoints, other.keypoints)
        assert torch.equal(one.pose_m[one.has_3d], other.pose_m[one.has_3d])
        assert not torch.equal(one.pose_m, other.pose_m)
