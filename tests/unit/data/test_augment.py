from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.moving_clips import moving_tensors

from monopose.data.augment import augment, from_virtual_cameras, mirror, to_batch
from monopose.data.batches import Batch, Chunks, cut_chunks
from monopose.data.context import Context
from monopose.recipes.parts import DataMix, VirtualCameras
from monopose.skeleton import joint_set

JOINTS = joint_set("h36m17")
FIELD = Context(before=2, after=2)
ALWAYS = VirtualCameras(share=1.0)


def chunks_of(count: int = 40, noise_px: float = 0.0, **changes: Any) -> Chunks:
    """Eight frames of every second sequence, five context frames in all."""
    tensors = moving_tensors(12, 14, 16, 18, noise_px=noise_px)
    starts = torch.tensor([[index % 8, index % 5] for index in range(count)])
    return replace(cut_chunks(tensors, starts, 4, FIELD), **changes)


def seen_by(chunks: Chunks, cameras: VirtualCameras = ALWAYS, seed: int = 0) -> Chunks:
    return from_virtual_cameras(chunks, cameras, torch.Generator().manual_seed(seed))


def projected(chunks: Chunks) -> torch.Tensor:
    """Written out for one joint at a time, in float64."""
    pose_m, (fx, fy, cx, cy) = chunks.context_pose_m.double(), chunks.intrinsics.double().unbind(1)
    x, y, z = pose_m.unbind(-1)
    wide = (slice(None), None, None)
    return torch.stack([fx[wide] * x / z + cx[wide], fy[wide] * y / z + cy[wide]], dim=-1)


def batch_of(chunks: Chunks) -> Batch:
    return to_batch(chunks, FIELD, JOINTS.root)


def test_a_batch_is_root_relative_and_cut_to_the_output_frames() -> None:
    chunks = chunks_of(count=3)
    batch = batch_of(chunks)
    middle = chunks.context_pose_m[:, 2:6]
    assert torch.equal(batch.pose_m, middle - middle[:, :, :1])
    assert (batch.pose_m[:, :, 0] == 0).all()
    assert torch.equal(batch.root_m, middle[:, :, 0])
    assert batch.keypoints.shape[1] == 8
    assert batch.maps is None


def tensors_of(batch: Batch) -> dict[str, torch.Tensor]:
    """All fields; maps have tests of their own (test_maps.py)."""
    return {name: values for name, values in vars(batch).items() if name != "maps"}


def test_mirroring_twice_changes_nothing() -> None:
    batch = batch_of(chunks_of(count=6))
    batch.score[:, :, 3] = 0.25
    batch.joint_mask[:, 5] = False
    batch.intrinsics[:, 2] = 0.1
    marked = torch.tensor([True, False] * 3)
    once = mirror(batch, JOINTS, marked)
    twice = mirror(once, JOINTS, marked)
    for name, values in tensors_of(batch).items():
        assert torch.equal(getattr(twice, name), values), name
        if name not in ("valid", "has_3d"):
            assert not torch.equal(getattr(once, name)[0], values[0]), name
        assert torch.equal(getattr(once, name)[1::2], values[1::2]), name


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_batch_says_where_its_keypoints_come_from(mirrored: bool) -> None:
    """Root, pose and intrinsics project to the target keypoints, mirrored or not."""
    chunks = chunks_of(count=6)
    batch = mirror(batch_of(chunks), JOINTS, torch.full((6,), mirrored))
    x, y, z = (batch.pose_m + batch.root_m.unsqueeze(2)).unbind(-1)
    fx, fy, cx, cy = (values[:, None, None] for values in batch.intrinsics.unbind(1))
    seen = torch.stack([fx * x / z + cx, fy * y / z + cy], dim=-1)
    torch.testing.assert_close(batch.target_keypoints, seen, rtol=0, atol=1e-5)
    assert torch.equal(batch.target_keypoints, batch.keypoints[:, 2:6])
    assert torch.equal(batch.target_score, batch.score[:, 2:6])


def test_a_mirrored_view_is_the_view_of_the_mirrored_person() -> None:
    """For a camera whose principal point is in the middle: x -> -x in space and on the screen."""
    chunks = chunks_of(count=4)
    batch = mirror(batch_of(chunks), JOINTS, torch.ones(4, dtype=torch.bool))
    left, right = JOINTS.index("left_wrist"), JOINTS.index("right_wrist")
    flipped_m = chunks.context_pose_m.clone()
    flipped_m[..., 0] *= -1
    of_left = projected(replace(chunks, context_pose_m=flipped_m))[:, :, left]
    torch.testing.assert_close(batch.keypoints[:, :, right].double(), of_left, rtol=0, atol=1e-5)
    relative_m = flipped_m[:, 2:6, left] - flipped_m[:, 2:6, 0]
    torch.testing.assert_close(batch.pose_m[:, :, right], relative_m)


def test_virtual_views_are_turned_and_moved_but_not_stretched() -> None:
    chunks = chunks_of()
    virtual = seen_by(chunks)
    rotation = virtual.rotation.double()
    eye = torch.eye(3, dtype=torch.float64).expand_as(rotation)
    torch.testing.assert_close(rotation @ rotation.mT, eye, rtol=0, atol=1e-5)
    torch.testing.assert_close(
        torch.linalg.det(rotation), torch.ones(40).double(), atol=1e-5, rtol=0
    )
    child, parent = torch.tensor(JOINTS.bones).unbind(1)
    lengths_m = [
        (c.context_pose_m[:, :, child] - c.context_pose_m[:, :, parent]).norm(dim=-1)
        for c in (chunks, virtual)
    ]
    torch.testing.assert_close(lengths_m[0], lengths_m[1], rtol=0, atol=1e-4)


def test_the_returned_rotation_is_that_of_the_returned_poses() -> None:
    """World offsets between joints, turned, are the offsets in the camera's frame."""
    chunks = chunks_of()
    virtual = seen_by(chunks)
    offsets = [c.context_pose_m - c.context_pose_m[:, :, :1] for c in (chunks, virtual)]
    for index in range(40):
        world_m = offsets[0][index] @ chunks.rotation[index]
        turned_m = world_m @ virtual.rotation[index].T
        torch.testing.assert_close(turned_m, offsets[1][index], rtol=0, atol=1e-4)


def test_keypoints_are_the_projection_where_detections_had_no_error() -> None:
    virtual = seen_by(chunks_of())
    torch.testing.assert_close(virtual.keypoints.double(), projected(virtual), rtol=0, atol=1e-4)


def positions_m(virtual: Chunks) -> torch.Tensor:
    """Where each virtual camera stands relative to the middle of the person, in the world."""
    middle_m = virtual.context_pose_m.mean(dim=(1, 2))
    return -torch.einsum("bcw,bc->bw", virtual.rotation, middle_m)


def test_cameras_stand_and_see_within_the_ranges() -> None:
    cameras = VirtualCameras(
        share=1.0, distance_m=(3.5, 7.0), elevation_deg=(-5.0, 30.0), focal_to_width=(1.0, 1.5)
    )
    virtual = seen_by(chunks_of(count=300), cameras)
    position_m = positions_m(virtual)
    distance_m = position_m.norm(dim=1)
    elevation_deg = torch.rad2deg(torch.asin(position_m[:, 2] / distance_m))
    azimuth_deg = torch.rad2deg(torch.atan2(position_m[:, 1], position_m[:, 0]))
    focal_to_width = virtual.intrinsics[:, 0] / 2
    for values, low, high in (
        (distance_m, 3.5, 7.0),
        (elevation_deg, -5.0, 30.0),
        (focal_to_width, 1.0, 1.5),
        (azimuth_deg, -180.0, 180.0),
    ):
        slack = 0.001 * (high - low)
        assert low - slack <= values.min() < low + 0.1 * (high - low)
        assert high - 0.1 * (high - low) < values.max() <= high + slack
    assert torch.equal(virtual.intrinsics[:, 0], virtual.intrinsics[:, 1])
    assert (virtual.intrinsics[:, 2:] == 0).all()


def test_people_stand_upright_in_virtual_views() -> None:
    virtual = seen_by(chunks_of(count=200), VirtualCameras(share=1.0, roll_deg=0.0))
    up = virtual.rotation[:, :, 2]
    # y points down; at elevations up to 35 degrees and off the axis, up keeps most of its length.
    assert (up[:, 1] < -0.6).all()
    assert (up[:, 0].abs() < 0.3).all()


def test_people_stay_in_view() -> None:
    """Off the axis by at most half of the half field of view: |x| <= 0.5 in screen units."""
    virtual = seen_by(chunks_of(count=300))
    middle_m = virtual.context_pose_m.mean(dim=(1, 2))
    screen = virtual.intrinsics[:, :2] * middle_m[:, :2] / middle_m[:, 2:]
    assert screen.abs().max() <= 0.501
    assert screen.abs().max() > 0.4


def test_share_zero_leaves_everything_alone_and_share_one_nothing() -> None:
    labelled = torch.arange(40) % 3 > 0
    chunks = chunks_of(has_3d=labelled)
    none, everything = seen_by(chunks, VirtualCameras(share=0.0)), seen_by(chunks)
    half = seen_by(chunks, VirtualCameras(share=0.5))
    for name in ("keypoints", "context_pose_m", "rotation", "intrinsics"):
        before = getattr(chunks, name).flatten(1)
        assert torch.equal(getattr(none, name).flatten(1), before)
        changed = (getattr(everything, name).flatten(1) != before).any(dim=1)
        assert torch.equal(changed, labelled), name
        changed = (getattr(half, name).flatten(1) != before).any(dim=1)
        assert 5 < changed.sum() < 22
        assert not (changed & ~labelled).any()


@pytest.mark.parametrize("noise", [0.0, 1.0, 2.0])
def test_noise_is_carried_over_scaled_with_the_apparent_size(noise: float) -> None:
    """A person twice as large on the screen has errors twice as large on it."""
    chunks = chunks_of(noise_px=5.0)
    virtual = seen_by(chunks, VirtualCameras(share=1.0, noise=noise))
    own = chunks.keypoints - projected(chunks)
    size = [c.intrinsics[:, :1] / c.context_pose_m[..., 2].mean(dim=2) for c in (virtual, chunks)]
    expected = own * (noise * size[0] / size[1])[:, :, None, None]
    found = virtual.keypoints - projected(virtual)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=2e-5)


def test_missing_keypoints_stay_missing() -> None:
    chunks = chunks_of()
    chunks.score[:, :, 6] = 0.0
    virtual = seen_by(chunks)
    assert (virtual.keypoints[:, :, 6] == 0).all()
    assert torch.equal(virtual.score, chunks.score)
    assert (virtual.keypoints[:, :, 5] != 0).any()


def test_joints_that_the_source_lacks_do_not_move_the_camera() -> None:
    """They lie at the origin of the camera's frame, metres from the person."""
    chunks = chunks_of()
    chunks.joint_mask[:, [7, 10]] = False
    chunks.context_pose_m[:, :, [7, 10]] = 0.0
    chunks.score[:, :, [7, 10]] = 0.0
    virtual = seen_by(chunks, VirtualCameras(share=1.0, distance_m=(4.0, 4.0)))
    present_m = virtual.context_pose_m[:, :, chunks.joint_mask[0]]
    distance_m = present_m.mean(dim=(1, 2)).norm(dim=1)
    torch.testing.assert_close(distance_m, torch.full((40,), 4.0), rtol=0, atol=1e-3)


def test_noise_is_scaled_by_the_joints_that_the_source_has() -> None:
    noisy, lacking = chunks_of(noise_px=5.0), chunks_of(noise_px=5.0)
    for chunks in (noisy, lacking):
        chunks.joint_mask[:, [7, 10]] = False
        chunks.score[:, :, [7, 10]] = 0.0
    lacking.context_pose_m[:, :, [7, 10]] = 0.0
    kept = noisy.joint_mask[0]
    torch.testing.assert_close(
        seen_by(noisy).keypoints[:, :, kept], seen_by(lacking).keypoints[:, :, kept]
    )


def test_the_same_seed_gives_the_same_batch() -> None:
    chunks, mix = chunks_of(noise_px=2.0), DataMix()
    one, same, other = (
        augment(chunks, mix, FIELD, torch.Generator().manual_seed(seed)) for seed in (4, 4, 5)
    )
    for name, values in tensors_of(one).items():
        assert torch.equal(values, getattr(same, name)), name
    assert not torch.equal(one.keypoints, other.keypoints)


def test_half_of_the_chunks_are_mirrored() -> None:
    chunks = chunks_of(count=400)
    mix = DataMix(virtual_cameras=None)
    plain = augment(chunks, mix.model_copy(update={"flip": False}), FIELD, torch.Generator())
    flipped = augment(chunks, mix, FIELD, torch.Generator().manual_seed(1))
    mirrored = (plain.keypoints != flipped.keypoints).flatten(1).any(dim=1)
    # Five standard deviations of a fair coin thrown 400 times.
    assert abs(int(mirrored.sum()) - 200) < 50
    assert torch.equal(plain.keypoints, batch_of(chunks).keypoints)
