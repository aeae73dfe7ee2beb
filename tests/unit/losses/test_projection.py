"""Projection losses against cameras written out here, in closed form."""

from dataclasses import replace

import pytest
import torch
from tests.conformance.test_losses import JOINTS, batch_of
from torch import Tensor

from monopose.data.batches import Batch
from monopose.losses import projection
from monopose.models.outputs import PoseOutputs

ROOT_M = torch.tensor([0.4, -0.2, 4.0])


def pose(batch: int = 2, frames: int = 3, seed: int = 5) -> Tensor:
    pose_m = 0.3 * torch.randn(batch, frames, 17, 3, generator=torch.Generator().manual_seed(seed))
    pose_m[:, :, 0] = 0
    return pose_m


def video(pose_m: Tensor, seen: Tensor) -> Batch:
    """2D-only samples of a camera with focal lengths 2 and 2.5 and centre (0.1, -0.3)."""
    intrinsics = torch.tensor([2.0, 2.5, 0.1, -0.3]).repeat(len(pose_m), 1)
    unlabelled = torch.zeros(len(pose_m), dtype=torch.bool)
    return batch_of(pose_m, target_keypoints=seen, intrinsics=intrinsics, has_3d=unlabelled)


def value(term: str, outputs: PoseOutputs, batch: Batch) -> Tensor:
    values, applies = getattr(projection, term)(outputs, batch, JOINTS)
    assert applies.equal(batch.has_3d if term == "trajectory" else ~batch.has_3d)
    return values


def seen_in_perspective(pose_m: Tensor) -> Tensor:
    x, y, z = (pose_m + ROOT_M).unbind(-1)
    return torch.stack([2.0 * x / z + 0.1, 2.5 * y / z - 0.3], dim=-1)


def test_any_scale_and_any_shift_of_each_frame_cost_nothing() -> None:
    pose_m = pose()
    shift = torch.randn(2, 3, 1, 2, generator=torch.Generator().manual_seed(1))
    scale = torch.tensor([0.4, 2.0])[:, None, None, None]
    batch = video(pose_m, scale * pose_m[..., :2] + shift)
    torch.testing.assert_close(
        value("orthographic", PoseOutputs(pose_m), batch), torch.zeros(2), rtol=0, atol=1e-6
    )


def test_the_scale_is_one_for_the_whole_chunk() -> None:
    """Seen twice as large in the second of two frames; x = 1 and -1, then 2 and -2."""
    pose_m = torch.zeros(1, 2, 17, 3)
    pose_m[:, :, 1, 0], pose_m[:, :, 4, 0] = 1.0, -1.0
    seen = pose_m[..., :2] * torch.tensor([1.0, 2.0])[None, :, None, None]
    # s = (2 * 1 + 2 * 2) / (2 + 2) = 1.5, and each of the four joints is off by a half.
    found = value("orthographic", PoseOutputs(pose_m), video(pose_m, seen))
    assert found.item() == pytest.approx(4 * 0.5 / (2 * 17))


@pytest.mark.parametrize("term", ["orthographic", "perspective"])
def test_keypoints_that_were_not_seen_have_no_influence(term: str) -> None:
    pose_m = pose()
    batch = video(pose_m, seen_in_perspective(pose_m))
    batch.target_score[:, :, 5] = 0.0
    batch.target_score[0, 1] = 0.1
    outputs = PoseOutputs(pose(seed=6), ROOT_M.expand(2, 3, 3))
    before = value(term, outputs, batch)
    batch.target_keypoints[:, :, 5] += 3.0
    batch.target_keypoints[0, 1] -= 2.0
    assert torch.equal(before, value(term, outputs, batch))
    assert (before > 0).all()


@pytest.mark.parametrize("term", ["orthographic", "perspective"])
def test_what_is_hidden_from_the_estimator_is_still_a_target(term: str) -> None:
    pose_m = pose()
    batch = video(pose_m, seen_in_perspective(pose_m))
    hidden = replace(batch, keypoints=0 * batch.keypoints, score=0 * batch.score)
    outputs = PoseOutputs(pose(seed=6), ROOT_M.expand(2, 3, 3))
    assert torch.equal(value(term, outputs, batch), value(term, outputs, hidden))


@pytest.mark.parametrize("term", ["orthographic", "perspective"])
def test_a_clip_without_any_keypoint_costs_nothing_and_has_a_finite_gradient(term: str) -> None:
    pose_m = pose()
    batch = video(pose_m, torch.zeros(2, 3, 17, 2))
    batch.target_score.zero_()
    said = pose(seed=6).requires_grad_()
    found = value(term, PoseOutputs(said, ROOT_M.expand(2, 3, 3)), batch)
    found.sum().backward()
    assert found.tolist() == [0, 0]
    assert said.grad is not None
    assert said.grad.isfinite().all()


def test_the_true_pose_at_the_true_place_projects_to_what_was_seen() -> None:
    pose_m = pose()
    batch = video(pose_m, seen_in_perspective(pose_m))
    there = PoseOutputs(pose_m, ROOT_M.expand(2, 3, 3))
    assert value("perspective", there, batch).max() < 1e-6
    # Half a metre to the left of a root 4 m away, all joints in one plane: 2 * 0.5 / 4.
    flat = torch.zeros(2, 3, 17, 3)
    moved = PoseOutputs(flat, ROOT_M.expand(2, 3, 3) - torch.tensor([0.5, 0, 0]))
    found = value("perspective", moved, video(flat, seen_in_perspective(flat)))
    assert found.tolist() == pytest.approx([0.25, 0.25])


def test_a_root_behind_the_camera_gives_finite_values() -> None:
    pose_m = pose().requires_grad_()
    batch = video(pose_m.detach(), seen_in_perspective(pose_m.detach()))
    found = value("perspective", PoseOutputs(pose_m, -ROOT_M.expand(2, 3, 3)), batch)
    found.sum().backward()
    assert found.isfinite().all()
    assert pose_m.grad is not None
    assert pose_m.grad.isfinite().all()


def test_the_same_miss_costs_less_far_away() -> None:
    """Misses of 0.5 m at 2 m and 5 m: a quarter and a tenth."""
    root_m = torch.tensor([[[0.0, 0, 2.0]], [[1.0, 0, 5.0]]])
    batch = replace(batch_of(pose(frames=1)), root_m=root_m)
    said = root_m + torch.tensor([0.3, 0.0, 0.4])
    found = value("trajectory", PoseOutputs(pose(frames=1), said), batch)
    assert found.tolist() == pytest.approx([0.25, 0.1])


def test_constant_bones_cost_nothing_whatever_their_lengths() -> None:
    pose_m = pose(frames=1).expand(2, 4, 17, 3)
    values, applies = projection.bone_constancy(PoseOutputs(pose_m), batch_of(pose_m), JOINTS)
    assert values.max() < 1e-6
    assert applies.all()
