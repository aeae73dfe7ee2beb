import numpy as np
import pytest
from jaxtyping import Float64

from monopose.errors import InputError
from monopose.evaluation.protocols import (
    DEFAULT_PROTOCOLS,
    PROTOCOLS,
    action_name,
    evaluated_joints,
    frame_values,
    protocol,
)
from monopose.skeleton import JOINT_SETS, joint_set

ALL_17 = np.ones(17, bool)
H36M = joint_set("h36m17")


def poses(seed: int, frames: int = 5) -> Float64[np.ndarray, "frames 17 3"]:
    return np.random.default_rng(seed).normal(size=(frames, 17, 3)) * 0.3


def test_ids_say_joint_set_and_aggregation() -> None:
    for key, each in PROTOCOLS.items():
        named_set, _, aggregation = key.split("/")
        assert (each.id, each.joint_set, each.aggregation) == (key, named_set, aggregation)
        assert set(each.joints) <= set(JOINT_SETS[each.joint_set].joints)
    assert set(DEFAULT_PROTOCOLS) <= set(PROTOCOLS)


def test_an_unknown_protocol_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"unknown protocol 'P1'; choose one of h36m17/mpjpe/"):
        protocol("P1")


def test_absolute_poses_are_made_root_relative() -> None:
    target_m, prediction_m = poses(0), poses(1)
    each = protocol("h36m17/mpjpe/pooled")
    there = frame_values(each, prediction_m + 5, target_m - 3, "h36m17", ALL_17)
    p_m, t_m = prediction_m - prediction_m[:, :1], target_m - target_m[:, :1]
    expected = [
        np.mean([1000 * np.sqrt(((p[j] - t[j]) ** 2).sum()) for j in range(17)])
        for p, t in zip(p_m, t_m, strict=True)
    ]
    np.testing.assert_allclose(there, expected)


def test_the_14_joints_leave_out_pelvis_spine_and_head() -> None:
    each = protocol("mpi_inf_3dhp_14/pck150/pooled")
    target_m = np.zeros((3, 17, 3))
    prediction_m = target_m.copy()
    for name in ("spine", "neck_nose"):
        prediction_m[:, H36M.index(name)] = 9.0
    np.testing.assert_allclose(frame_values(each, prediction_m, target_m, "h36m17", ALL_17), 100)
    prediction_m[:, H36M.index("thorax")] = 9.0
    values = frame_values(each, prediction_m, target_m, "h36m17", ALL_17)
    np.testing.assert_allclose(values, 100 * 13 / 14)


def test_a_joint_that_the_data_lack_is_left_out_of_the_mean() -> None:
    present = ALL_17.copy()
    present[H36M.index("head_top")] = False
    each = protocol("h36m17/mpjpe/pooled")
    assert len(evaluated_joints(each, "h36m17", present)) == 16
    target_m, prediction_m = np.zeros((2, 17, 3)), np.zeros((2, 17, 3))
    prediction_m[:, H36M.index("head_top")] = 9.0
    prediction_m[:, H36M.index("left_wrist"), 2] = 0.016
    values = frame_values(each, prediction_m, target_m, "h36m17", present)
    np.testing.assert_allclose(values, 1)


def test_a_missing_root_is_refused() -> None:
    present = ALL_17.copy()
    present[H36M.root] = False
    with pytest.raises(InputError, match=r"joint set 'h36m17': protocol .* needs 'pelvis'"):
        frame_values(protocol("h36m17/mpjpe/pooled"), poses(0), poses(1), "h36m17", present)


@pytest.mark.parametrize(
    ("protocol_id", "scaled_is_perfect", "turned_is_perfect"),
    [
        ("h36m17/mpjpe/pooled", False, False),
        ("h36m17/n_mpjpe/pooled", True, False),
        ("h36m17/glob_scaled_mpjpe/pooled", True, False),
        ("h36m17/pa_mpjpe/pooled", True, True),
    ],
)
def test_each_alignment_forgives_what_it_says(
    protocol_id: str, scaled_is_perfect: bool, turned_is_perfect: bool
) -> None:
    target_m = poses(2)
    for prediction_m, perfect in (
        (2 * target_m, scaled_is_perfect),
        (target_m[..., [1, 2, 0]], turned_is_perfect),
    ):
        values = frame_values(protocol(protocol_id), prediction_m, target_m, "h36m17", ALL_17)
        assert (values < 1e-9).all() == perfect
        assert perfect or (values > 10).all()


@pytest.mark.parametrize(
    ("action", "name"),
    [
        ("Walking 1", "Walking"),
        ("Walking", "Walking"),
        ("Walking 1 chunk0 validate", "Walking"),
        ("SittingDown 2", "SittingDown"),
        ("Seq1", "Seq1"),
        ("35_01", "35_01"),
        ("all_views", "all_views"),
        ("", ""),
    ],
)
def test_an_action_is_named_without_its_take(action: str, name: str) -> None:
    assert action_name(action) == name
