"""A detector's maps on their way from clips to batches."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.map_clips import SIDE, map_clip, with_maps
from tests.moving_clips import moving_clip, moving_tensors
from tests.present import present

from monopose.data.augment import mirror, to_batch
from monopose.data.batches import ClipTensors, clip_tensors, cut_chunks
from monopose.data.context import Context
from monopose.data.maps import Maps, ViewMaps
from monopose.data.occlusion import occlude
from monopose.errors import InputError
from monopose.recipes.parts import Occlusion
from monopose.skeleton import conversion, joint_set

JOINTS = joint_set("h36m17")


def test_every_view_and_frame_keeps_its_maps_and_boxes() -> None:
    clips = [map_clip("set/S1/b", 5), map_clip("set/S1/a", 3)]
    tensors = clip_tensors(clips, "h36m17", SIDE)
    maps = present(tensors.maps)
    expected = [present(clip.heatmaps)[view] for clip in clips[::-1] for view in (0, 1)]
    np.testing.assert_array_equal(maps.heatmaps.numpy(), np.concatenate(expected))
    # A box of 600 px in an image of 1000 x 800: the middle is at (x - 500) / 500, (y - 400) / 500.
    x, y, side, _ = present(clips[1].crop_box_px)[1, 2].astype(float)
    middle = [(x + 300 - 500) / 500, (y + 300 - 400) / 500]
    assert maps.box[3 + 2].tolist() == pytest.approx([*middle, 0.6], abs=1e-5)
    assert side == 600


def test_maps_survive_the_object_store_and_a_move_and_are_absent_unless_asked_for() -> None:
    tensors = clip_tensors([map_clip()], "h36m17", SIDE)
    arrays = tensors.arrays()
    for copy in (ClipTensors.from_arrays(arrays), tensors.to(torch.device("cpu"))):
        assert torch.equal(present(copy.maps).heatmaps, present(tensors.maps).heatmaps)
        assert torch.equal(present(copy.maps).box, present(tensors.maps).box)
    bare = clip_tensors([map_clip()], "h36m17")
    assert bare.maps is None
    assert set(arrays) - set(bare.arrays()) == {"heatmaps", "box"}
    assert ClipTensors.from_arrays(bare.arrays()).to(torch.device("cpu")).maps is None


def test_clips_without_maps_or_with_maps_of_another_side_are_refused() -> None:
    with pytest.raises(InputError, match=r"clip 'plain': has no heatmaps.*`monopose data detect`"):
        clip_tensors([map_clip(), moving_clip("plain")], "h36m17", SIDE)
    with pytest.raises(
        InputError, match=r"16 px a side, .* takes 24; train with encoder.size_px=16"
    ):
        clip_tensors([map_clip()], "h36m17", 24)


def test_where_nobody_was_found_the_box_is_zero() -> None:
    boxes = np.array([[0, 0, 0, 0], [100, 200, 300, 300]], np.float32)
    maps = ViewMaps(np.zeros((2, 17, 4, 4), np.uint8), boxes)
    found = maps.screen_box(1000, 800)
    assert found[0].tolist() == [0, 0, 0]
    assert found[1].tolist() == pytest.approx([-0.5, -0.1, 0.3])


def test_maps_are_renamed_and_joints_of_several_have_none() -> None:
    coco = joint_set("coco17")
    own = np.arange(17, dtype=np.uint8)[:, None, None] + np.ones((3, 17, 4, 4), np.uint8)
    maps = ViewMaps(own, np.ones((3, 4), np.float32)).converted(conversion("coco17", "h36m17"))
    for name in ("left_shoulder", "right_ankle"):
        assert (maps.heatmaps[:, JOINTS.index(name)] == coco.index(name) + 1).all()
    # The middle of the hips is in neither hip's map, and coco17 has no head top.
    for name in ("pelvis", "head_top"):
        assert not maps.heatmaps[:, JOINTS.index(name)].any()


def test_chunks_hold_the_maps_of_their_frames_repeated_at_the_ends() -> None:
    tensors = clip_tensors([map_clip(frames=6)], "h36m17", SIDE)
    chunks = cut_chunks(tensors, torch.tensor([[1, 0], [0, 3]]), 3, Context(2, 1))
    own, maps = present(tensors.maps), present(chunks.maps)
    for row, frames in enumerate(([6, 6, 6, 7, 8, 9], [1, 2, 3, 4, 5, 5])):
        assert torch.equal(maps.heatmaps[row], own.heatmaps[frames])
        assert torch.equal(maps.box[row], own.box[frames])
    bare = cut_chunks(moving_tensors(6), torch.tensor([[0, 0]]), 3, Context(2, 1))
    assert bare.maps is None


def test_a_mirrored_sample_has_flipped_maps_of_the_other_sides_joints() -> None:
    tensors = clip_tensors([map_clip(frames=6)], "h36m17", SIDE)
    chunks = cut_chunks(tensors, torch.tensor([[0, 0], [1, 0]]), 4, Context(1, 1))
    batch = to_batch(chunks, Context(1, 1), JOINTS.root)
    before, after = (
        present(each.maps) for each in (batch, mirror(batch, JOINTS, torch.tensor([True, False])))
    )
    other = {"left": "right", "right": "left"}
    named = [name.partition("_") for name in JOINTS.joints]
    swapped = [JOINTS.index(other.get(side, side) + "".join(rest)) for side, *rest in named]
    flipped = before.heatmaps.numpy()[0][:, swapped][..., ::-1]
    np.testing.assert_array_equal(after.heatmaps[0].numpy(), flipped)
    np.testing.assert_allclose(after.box[0], before.box[0].numpy() * [-1, 1, 1])
    assert torch.equal(after.heatmaps[1], before.heatmaps[1])
    assert torch.equal(after.box[1], before.box[1])
    assert not torch.equal(after.heatmaps[0], before.heatmaps[0])


def test_a_mirrored_sample_is_what_a_mirrored_clip_gives() -> None:
    """Keypoints mirrored in the image, then drawn, against maps mirrored by us; one pixel apart."""
    clip = moving_clip(frames=4)
    seen_px = present(clip.keypoints_px)[:, :, list(JOINTS.mirror)] * (-1, 1) + (1000, 0)
    turned = with_maps(replace(clip, keypoints_px=seen_px.astype(np.float32)))
    there = present(clip_tensors([turned], "h36m17", SIDE).maps)
    chunks = cut_chunks(
        clip_tensors([with_maps(clip)], "h36m17", SIDE), torch.tensor([[0, 0]]), 4, Context(0, 0)
    )
    batch = to_batch(chunks, Context(0, 0), JOINTS.root)
    ours = present(mirror(batch, JOINTS, torch.tensor([True])).maps)
    difference = ours.heatmaps[0].int() - there.heatmaps[:4].int()
    assert difference.abs().max() <= 1
    torch.testing.assert_close(ours.box[0], there.box[:4], rtol=0, atol=1e-5)


def test_occlusion_hides_joints_and_their_maps_are_then_read_as_empty() -> None:
    tensors = clip_tensors([map_clip(frames=8)], "h36m17", SIDE)
    chunks = cut_chunks(tensors, torch.tensor([[0, 0], [1, 0]]), 8, Context(0, 0))
    batch = to_batch(chunks, Context(0, 0), JOINTS.root)
    generator = torch.Generator().manual_seed(0)
    hidden = occlude(batch, Occlusion(share=1.0, patterns=("point",)), JOINTS, generator)
    gone = hidden.score == 0
    assert gone.any()
    assert not gone.all()
    maps = present(hidden.maps).seen(hidden.score)
    assert not maps[gone].any()
    shown = present(batch.maps).heatmaps[~gone].double() / 255
    torch.testing.assert_close(maps[~gone].double(), shown, rtol=0, atol=1e-6)


def test_the_seen_maps_are_floats_up_to_one() -> None:
    maps = Maps(torch.full((1, 2, 3, 3), 255, dtype=torch.uint8), torch.zeros(1, 3))
    seen = maps.seen(torch.tensor([[0.0, 0.01]]))
    assert seen.dtype == torch.float32
    assert not seen[0, 0].any()
    torch.testing.assert_close(seen[0, 1], torch.ones(3, 3))
