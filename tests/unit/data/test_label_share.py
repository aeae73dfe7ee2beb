import math
from itertools import pairwise

import pytest
import torch
from tests.moving_clips import moving_clip, moving_tensors

from monopose.data.batches import ClipTensors, clip_tensors
from monopose.data.label_share import with_label_share

# Ten takes of 10 to 100 frames, two views each: 550 frames.
TENSORS = moving_tensors(*range(10, 101, 10))


def labelled_frames(tensors: ClipTensors) -> set[int]:
    """Places of all frames with labels, among all frames of all sequences."""
    return {
        frame
        for first, length, has_3d in zip(
            tensors.first.tolist(), tensors.length.tolist(), tensors.has_3d.tolist(), strict=True
        )
        for frame in range(first, first + length)
        if has_3d
    }


def all_frames(tensors: ClipTensors) -> list[int]:
    return sorted(
        frame
        for first, length in zip(tensors.first.tolist(), tensors.length.tolist(), strict=True)
        for frame in range(first, first + length)
    )


def test_all_labels_are_the_same_tensors() -> None:
    assert with_label_share(TENSORS, 1.0, 0) is TENSORS


@pytest.mark.parametrize("share", [0.001, 0.01, 0.1, 0.5, 0.99])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_share_is_of_frames_and_every_frame_stays(share: float, seed: int) -> None:
    fewer = with_label_share(TENSORS, share, seed)
    assert len(labelled_frames(fewer)) == 2 * math.ceil(share * 550)
    assert all_frames(fewer) == list(range(2 * 550))
    assert (fewer.length > 0).all()
    for values in (fewer.first, fewer.rotation, fewer.intrinsics, fewer.joint_mask, fewer.take):
        assert len(values) == len(fewer.has_3d)


def test_smaller_shares_lie_within_larger_ones() -> None:
    found = [labelled_frames(with_label_share(TENSORS, s, 3)) for s in (0.01, 0.1, 0.3, 0.9)]
    for smaller, larger in pairwise(found):
        assert smaller < larger


def test_all_views_of_a_take_keep_the_same_frames() -> None:
    fewer = with_label_share(TENSORS, 0.3, 0)
    assert len(fewer.has_3d) > len(TENSORS.has_3d)
    for take in range(10):
        kept = fewer.length[(fewer.take == take) & fewer.has_3d].tolist()
        assert kept == [] or (len(kept) == 2 and kept[0] == kept[1])


def test_a_share_of_takes_is_the_first_frames_of_at_most_one_of_them() -> None:
    fewer = with_label_share(TENSORS, 0.3, 0)
    cut = [t for t in range(10) if len(set(fewer.has_3d[fewer.take == t].tolist())) == 2]
    assert len(cut) == 1
    own = fewer.take == cut[0]
    for view in (0, 1):
        start = TENSORS.first[2 * cut[0] + view]
        (labelled,) = torch.nonzero(own & (fewer.first == start)).flatten().tolist()
        assert fewer.has_3d[labelled]
        (rest,) = torch.nonzero(own & (fewer.first == start + fewer.length[labelled])).flatten()
        assert not fewer.has_3d[rest]
        assert torch.equal(fewer.rotation[rest], fewer.rotation[labelled])
        assert torch.equal(fewer.intrinsics[rest], fewer.intrinsics[labelled])


def test_seeds_choose_other_takes() -> None:
    chosen = {frozenset(labelled_frames(with_label_share(TENSORS, 0.1, s))) for s in range(8)}
    assert len(chosen) > 3


def test_clips_without_labels_get_none_and_do_not_count() -> None:
    clips = [moving_clip("a", 20), moving_clip("b", 30, pose_world_m=None), moving_clip("c", 40)]
    fewer = with_label_share(clip_tensors(clips, "h36m17"), 0.5, 0)
    assert not fewer.has_3d[fewer.take == 1].any()
    assert len(labelled_frames(fewer)) == 2 * 30
