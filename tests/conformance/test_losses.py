"""What every loss term must keep; a new one is one more line in CASES."""

import math
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import pytest
import torch
from torch import Tensor

from monopose.data.batches import Batch
from monopose.losses.terms import TERMS, total
from monopose.models.outputs import PoseOutputs
from monopose.recipes.parts import LossTerm
from monopose.skeleton import joint_set

JOINTS = joint_set("h36m17")
KNEE, HIP = JOINTS.index("left_knee"), JOINTS.index("left_hip")
# Distances are the square root of (square + 1e-12), whose gradient is finite at zero.
EPSILON_M = 1e-6


@dataclass(frozen=True)
class Case:
    """closed_form: the value for `displaced`.

    speaks_of: samples with labels, those without, or both. masks_outputs: what is said of joints
    that the source lacks does not matter.
    """

    closed_form: float
    speaks_of: Literal["labelled", "video", "all"] = "labelled"
    masks_outputs: bool = True


# `displaced` moves the left knee by (0.3, 0, 0.4) m in the second of two frames, at 17 joints.
# Straight bones of 1 m along z: the thigh is then (0.3, 0, 1.4), the shin (-0.3, 0, 0.6).
THIGH, SHIN = math.hypot(0.3, 1.4), math.hypot(0.3, 0.6)
CASES: dict[str, Case] = {
    "mpjpe": Case(0.5 / (2 * 17)),
    "mse": Case(0.25 / (2 * 17)),
    "velocity": Case(0.5 / 17),
    # The thigh and the shin move with it.
    "bone_vector": Case(2 * 0.5 / (2 * 16)),
    "symmetry": Case((THIGH - 1 + 1 - SHIN) / (2 * 6), "all", masks_outputs=False),
    # In both frames each of the two is half its change away from its mean.
    "bone_constancy": Case((THIGH - 1 + 1 - SHIN) / (2 * 16), "all", masks_outputs=False),
    # All targets lie in one point, to which the best scale is 0.
    "orthographic": Case(0.0, "video"),
    # The root is 5 m away, the straight knee 2 m behind it; focal length 1.
    "perspective": Case((0.3 / 7.4) / (2 * 17), "video"),
    # The root has not moved.
    "trajectory": Case(0.0),
}
APPLIES = {
    "labelled": [True, False, True],
    "video": [False, True, False],
    "all": [True, True, True],
}


@pytest.fixture(params=CASES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def straight_pose(batch: int = 1, frames: int = 2) -> Tensor:
    """Every bone one metre along z: symmetric."""
    pose_m = torch.zeros(batch, frames, 17, 3)
    for joint, parent in JOINTS.bones:
        pose_m[:, :, joint] = pose_m[:, :, parent] + torch.tensor([0.0, 0.0, 1.0])
    return pose_m


def placed(pose_m: Tensor) -> Tensor:
    """Where the root is when poses are not relative to it: 5 m before the camera, and moved."""
    return pose_m[:, :, 0] + torch.tensor([0.0, 0.0, 5.0])


def batch_of(pose_m: Tensor, **changes: Any) -> Batch:
    batch, frames = pose_m.shape[:2]
    values = Batch(
        keypoints=torch.zeros(batch, frames, 17, 2),
        score=torch.ones(batch, frames, 17),
        target_keypoints=torch.zeros(batch, frames, 17, 2),
        target_score=torch.ones(batch, frames, 17),
        pose_m=pose_m,
        root_m=placed(pose_m),
        intrinsics=torch.tensor([1.0, 1.0, 0.0, 0.0]).repeat(batch, 1),
        valid=torch.ones(batch, frames, dtype=torch.bool),
        joint_mask=torch.ones(batch, 17, dtype=torch.bool),
        has_3d=torch.ones(batch, dtype=torch.bool),
    )
    return replace(values, **changes)


def random_case(batch: int = 3, frames: int = 4, seed: int = 0) -> tuple[Tensor, Batch]:
    generator = torch.Generator().manual_seed(seed)
    outputs = torch.randn(batch, frames, 17, 3, generator=generator)
    truth = torch.randn(batch, frames, 17, 3, generator=generator)
    seen = torch.randn(batch, frames, 17, 2, generator=generator)
    return outputs, batch_of(truth, target_keypoints=seen)


def values_of(name: str, pose_m: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    return TERMS[name](PoseOutputs(pose_m, placed(pose_m)), batch, JOINTS)


def test_every_term_is_covered() -> None:
    assert set(CASES) == set(TERMS)
    assert set(CASES) == set(get_args(LossTerm.model_fields["term"].annotation))


def test_zero_at_the_truth(name: str) -> None:
    truth = straight_pose(batch=2, frames=3)
    values, _ = values_of(name, truth.clone(), batch_of(truth))
    assert values.shape == (2,)
    assert (values.abs() <= 2 * EPSILON_M).all()


def test_closed_form_of_one_displaced_joint(name: str) -> None:
    truth = straight_pose()
    displaced = truth.clone()
    displaced[0, 1, KNEE] += torch.tensor([0.3, 0.0, 0.4])
    values, _ = values_of(name, displaced, batch_of(truth))
    assert values.item() == pytest.approx(CASES[name].closed_form, abs=2 * EPSILON_M)


def test_gradient_is_finite_at_the_truth(name: str) -> None:
    truth = straight_pose(frames=3)
    outputs = truth.clone().requires_grad_()
    values, _ = values_of(name, outputs, batch_of(truth))
    values.sum().backward()
    assert outputs.grad is not None
    assert outputs.grad.isfinite().all()


def test_gradient_leads_downhill(name: str) -> None:
    outputs, batch = random_case()
    outputs.requires_grad_()
    before, _ = values_of(name, outputs, batch)
    before.sum().backward()
    assert outputs.grad is not None
    after, _ = values_of(name, outputs.detach() - 1e-3 * outputs.grad, batch)
    assert (after < before).all()


def test_samples_do_not_see_each_other(name: str) -> None:
    outputs, batch = random_case()
    together, applies = values_of(name, outputs, batch)
    for index in range(3):
        held = {k: v for k, v in vars(batch).items() if v is not None}
        one = {k: v[index : index + 1] for k, v in held.items()}
        alone, alone_applies = values_of(name, outputs[index : index + 1], Batch(**one))
        torch.testing.assert_close(alone[0], together[index])
        assert alone_applies[0] == applies[index]


def test_frames_that_do_not_exist_have_no_influence(name: str) -> None:
    outputs, batch = random_case()
    batch.valid[0, 2:] = False
    batch.valid[1, :] = False
    before, _ = values_of(name, outputs, batch)
    outputs[0, 2:] += 5.0
    batch.pose_m[0, 2:] -= 3.0
    batch.target_keypoints[0, 2:] += 1.0
    outputs[1] *= 2.0
    after, _ = values_of(name, outputs, batch)
    assert torch.equal(before, after)
    assert after[1] == 0


def test_padding_does_not_dilute_the_mean(name: str) -> None:
    outputs, batch = random_case(batch=1)
    batch.valid[:, 3:] = False
    seen = batch.target_keypoints[:, :3]
    cut = batch_of(batch.pose_m[:, :3], target_keypoints=seen)
    padded, _ = values_of(name, outputs, batch)
    torch.testing.assert_close(padded, values_of(name, outputs[:, :3], cut)[0])


def test_masked_joints_have_no_influence(name: str) -> None:
    outputs, batch = random_case()
    batch.joint_mask[:, [KNEE, 9]] = False
    before, _ = values_of(name, outputs, batch)
    batch.pose_m[:, :, [KNEE, 9]] += 4.0
    batch.target_keypoints[:, :, [KNEE, 9]] += 0.5
    if CASES[name].masks_outputs:
        outputs[:, :, [KNEE, 9]] -= 2.0
    after, _ = values_of(name, outputs, batch)
    assert torch.equal(before, after)
    assert (after > 0).all()


def test_each_term_says_which_samples_it_speaks_of(name: str) -> None:
    outputs, batch = random_case()
    batch = replace(batch, has_3d=torch.tensor([True, False, True]))
    _, applies = values_of(name, outputs, batch)
    assert applies.tolist() == APPLIES[CASES[name].speaks_of]


def test_total_weighs_terms_and_averages_over_the_samples_they_apply_to() -> None:
    """mpjpe over samples 0 and 2 with weight 2, symmetry over all three with weight 0.5."""
    outputs, batch = random_case()
    batch = replace(batch, has_3d=torch.tensor([True, False, True]))
    errors = [float((outputs[i] - batch.pose_m[i]).norm(dim=-1).mean()) for i in (0, 2)]
    symmetry = values_of("symmetry", outputs, batch)[0]
    terms = (LossTerm(term="mpjpe", weight=2.0), LossTerm(term="symmetry", weight=0.5))
    expected = 2.0 * sum(errors) / 2 + 0.5 * float(symmetry.mean())
    assert total(terms, PoseOutputs(outputs), batch, JOINTS).item() == pytest.approx(expected)


def test_total_of_a_batch_without_labels_is_zero_and_has_a_gradient() -> None:
    outputs, batch = random_case()
    outputs.requires_grad_()
    batch = replace(batch, has_3d=torch.zeros(3, dtype=torch.bool))
    loss = total((LossTerm(term="mpjpe"),), PoseOutputs(outputs), batch, JOINTS)
    loss.backward()
    assert loss == 0
    assert outputs.grad is not None
    assert torch.equal(outputs.grad, torch.zeros_like(outputs))
