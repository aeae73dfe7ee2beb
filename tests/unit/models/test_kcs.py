import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from monopose.models.critics.kcs import KcsCritic, bone_vectors, spatial_kcs, temporal_kcs
from monopose.recipes.stages import Critic
from monopose.skeleton import JointSet, joint_set

JOINTS = joint_set("h36m17")
# Pelvis, knee, foot and head: bones 0-1, 1-2, 0-3.
SMALL = JointSet("small4", ("pelvis", "knee", "foot", "head"), (-1, 0, 1, 0))


def critic(joints: JointSet = JOINTS, **values: object) -> KcsCritic:
    config = Critic.model_validate({"width": 24, "pose_width": 12, **values})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        return KcsCritic(config, joints)


def random_poses(batch: int = 2, frames: int = 9, joints: int = 17) -> Tensor:
    generator = torch.Generator().manual_seed(4)
    return torch.randn(batch, frames, joints, 3, generator=generator)


def turned(pose_m: Tensor, degrees: float) -> Tensor:
    sin, cos = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    about_y = torch.tensor([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])
    return pose_m @ about_y.T


def test_spatial_products_of_a_pose_by_hand() -> None:
    pose_m = torch.tensor([[0.0, 0, 0], [0, 3, 0], [4, 3, 0], [1, -1, 2]])
    bones = bone_vectors(pose_m, SMALL)
    assert bones.tolist() == [[0, 3, 0], [4, 0, 0], [1, -1, 2]]
    assert spatial_kcs(bones).tolist() == [[9, 0, -3], [0, 16, 4], [-3, 4, 6]]


def test_the_diagonal_is_squared_lengths_and_the_rest_says_the_angles() -> None:
    pose_m = random_poses()
    psi = spatial_kcs(bone_vectors(pose_m, JOINTS))
    lengths = [(pose_m[:, :, j] - pose_m[:, :, p]).norm(dim=-1) for j, p in JOINTS.bones]
    length = torch.stack(lengths, dim=-1)
    torch.testing.assert_close(psi.diagonal(dim1=-2, dim2=-1), length.square())
    cosine = psi / (length.unsqueeze(-1) * length.unsqueeze(-2))
    assert cosine.abs().max() <= 1 + 1e-5


@pytest.mark.parametrize("interval", [1, 3, 5])
def test_nothing_changes_in_a_rigidly_moving_pose(interval: int) -> None:
    """It turns by 20 degrees and moves by a step from frame to frame."""
    still = random_poses(batch=1, frames=1)[0, 0]
    moving = torch.stack([turned(still, 20.0 * t) + 0.3 * t for t in range(7)]).unsqueeze(0)
    phi = temporal_kcs(spatial_kcs(bone_vectors(moving, JOINTS)), interval)
    assert phi.shape == (1, 7 - interval, 16, 16)
    assert phi.abs().max() < 1e-4


def test_a_bone_that_grows_shows_on_the_diagonal_after_the_interval() -> None:
    pose_m = torch.zeros(1, 4, 4, 3)
    pose_m[0, :, 3, 1] = torch.tensor([1.0, 2.0, 3.0, 4.0])
    psi = spatial_kcs(bone_vectors(pose_m, SMALL))
    assert temporal_kcs(psi, 1)[0, :, 2, 2].tolist() == [3, 5, 7]
    assert temporal_kcs(psi, 3)[0, :, 2, 2].tolist() == [15]


@pytest.mark.parametrize(
    ("intervals", "stride", "frames", "judged"),
    [((1, 3, 5), 1, 9, 4), ((1, 3, 5), 3, 9, 2), ((), 1, 9, 9), ((2,), 4, 11, 3), ((), 1, 1, 1)],
)
def test_poses_are_judged_that_have_a_frame_at_every_interval(
    intervals: tuple[int, ...], stride: int, frames: int, judged: int
) -> None:
    part = critic(intervals=intervals, stride=stride)
    assert part(random_poses(frames=frames)).shape == (2, judged)
    valid = torch.ones(2, frames, dtype=torch.bool)
    assert part.exist(valid).shape == (2, judged)
    assert part.exist(valid).all()


def test_poses_next_to_frames_that_do_not_exist_are_said() -> None:
    """Judged are frames 0, 2, 4, 6, each with the third after it; six or all nine frames exist."""
    part = critic(intervals=(1, 3), stride=2)
    valid = torch.ones(2, 10, dtype=torch.bool)
    valid[0, 6:] = False
    assert part.exist(valid).tolist() == [[True, True, False, False], [True] * 4]


def test_a_score_depends_on_its_own_frames_alone() -> None:
    part, pose_m = critic(intervals=(1, 3)), random_poses(batch=1, frames=9)
    before = part(pose_m)
    changed = pose_m.clone()
    changed[0, 4] *= 1.5
    differs = (part(changed) != before)[0].tolist()
    # Pose t is judged by frames t, t + 1 and t + 3.
    assert differs == [False, True, False, True, True, False]


def test_sizes_are_those_of_the_default() -> None:
    """Counted by hand: (in + 1) * out for each layer."""
    part = KcsCritic(Critic(), JOINTS)

    def layers(*sizes: int) -> int:
        return sum((a + 1) * b for a, b in pairwise(sizes))

    expected = (
        layers(51, 100, 100, 100, 100)
        + layers(256, 1000, 1000, 1000)
        + layers(3 * 256, 1000, 1000, 1000)
        + layers(2100, 100, 1)
    )
    assert sum(p.numel() for p in part.parameters()) == expected


def test_without_intervals_there_is_no_temporal_path() -> None:
    names = {name.split(".")[0] for name, _ in critic(intervals=()).named_parameters()}
    assert names == {"pose_path", "spatial_path", "judge"}


def test_normalised_bones_make_size_irrelevant() -> None:
    pose_m = random_poses()
    plain, scaled = critic(), critic(normalise_bones=True)
    torch.testing.assert_close(scaled(pose_m), scaled(1.7 * pose_m), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(plain(pose_m), plain(1.7 * pose_m), rtol=1e-2)


def test_no_normalisation_mixes_samples() -> None:
    """The gradient penalty is of each sample (rule 18 of the combinations)."""
    part, pose_m = critic(), random_poses(batch=3)
    together = part(pose_m)
    for index in range(3):
        torch.testing.assert_close(part(pose_m[index : index + 1])[0], together[index])
    norms = (nn.BatchNorm1d, nn.BatchNorm2d, nn.SyncBatchNorm)
    assert not any(isinstance(module, norms) for module in part.modules())


def test_gradients_reach_every_weight_and_the_pose() -> None:
    part, pose_m = critic(), random_poses().requires_grad_()
    part(pose_m).square().sum().backward()
    assert pose_m.grad is not None
    assert (pose_m.grad.abs().sum(dim=(0, 2, 3)) > 0).all()
    for name, parameter in part.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("normalise", [False, True])
def test_a_pose_of_a_single_point_has_a_finite_score_and_gradient(normalise: bool) -> None:
    part, pose_m = critic(normalise_bones=normalise), torch.zeros(1, 9, 17, 3, requires_grad=True)
    scores = part(pose_m)
    scores.sum().backward()
    assert scores.isfinite().all()
    assert pose_m.grad is not None
    assert pose_m.grad.isfinite().all()
