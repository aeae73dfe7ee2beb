"""Orders of joints and sides, told by bodies."""

from pathlib import Path

import numpy as np
import pytest
from tests.sources.mpi_inf_3dhp import body_mm
from tests.sources.mpi_inf_3dhp_npz import TO_H36M, TO_H36M_SWAPPED
from tests.sources.mpi_inf_3dhp_testset import RELEVANT

from monopose.data.importers.reading.joint_order import misfit, order_of, sidedness
from monopose.errors import InputError
from monopose.formats.unpickle import load_npz
from monopose.skeleton import joint_set

CMU17 = Path(__file__).parents[5].parent / "shared" / "data" / "cmu17"
ORDERS = ("mpi_inf_3dhp_17", "h36m17")
BODY = body_mm(12)[:, RELEVANT]


def test_the_order_in_which_limbs_keep_their_length() -> None:
    assert order_of(BODY, ORDERS) == "mpi_inf_3dhp_17"
    assert order_of(BODY[:, TO_H36M], ORDERS) == "h36m17"
    # A swap of sides is no other order.
    assert order_of(BODY[:, TO_H36M_SWAPPED], ORDERS) == "h36m17"


def test_one_frame_is_enough() -> None:
    assert order_of(BODY[:1], ORDERS) == "mpi_inf_3dhp_17"
    assert order_of(BODY[:1, TO_H36M], ORDERS) == "h36m17"


def test_the_right_order_fits_at_any_scale() -> None:
    assert misfit(BODY, joint_set("mpi_inf_3dhp_17")) < 1e-6
    assert misfit(BODY / 1000, joint_set("mpi_inf_3dhp_17")) < 1e-6
    assert misfit(BODY, joint_set("h36m17")) > 0.1


def test_no_order_fits_shuffled_joints() -> None:
    shuffled = BODY[:, np.random.default_rng(1).permutation(17)]
    with pytest.raises(InputError, match="cannot tell the order"):
        order_of(shuffled, ORDERS)


@pytest.mark.parametrize("turn", [0.0, 1.0, 2.5])
def test_sides_whatever_way_the_body_lies(turn: float) -> None:
    joints = joint_set("h36m17")
    rotation = np.array(
        [[1, 0, 0], [0, np.cos(turn), -np.sin(turn)], [0, np.sin(turn), np.cos(turn)]]
    )
    assert sidedness(BODY[:, TO_H36M] @ rotation.T, joints) > 0.9
    assert sidedness(BODY[:, TO_H36M_SWAPPED] @ rotation.T, joints) < -0.9
    # A mirrored world swaps sides too.
    assert sidedness(BODY[:, TO_H36M] * (1, -1, 1), joints) < -0.9


def test_straight_knees_tell_no_side() -> None:
    joints = joint_set("h36m17")
    straight = BODY[:, TO_H36M].copy()
    for hip, knee, ankle in ((1, 2, 3), (4, 5, 6)):
        straight[:, knee] = (straight[:, hip] + straight[:, ankle]) / 2
    assert sidedness(straight, joints) == 0
    assert sidedness(straight + np.random.default_rng(0).normal(0, 1e-6, (12, 17, 3)), joints) == 0
    assert sidedness(np.zeros((3, 17, 3)), joints) == 0


def test_a_pelvis_well_above_the_hips_is_no_other_order() -> None:
    raised = BODY.copy()
    up = raised[:, 15] - raised[:, 14]
    raised[:, 14] += 0.8 * up
    assert order_of(raised, ORDERS) == "mpi_inf_3dhp_17"
    assert order_of(raised[:, TO_H36M], ORDERS) == "h36m17"


@pytest.mark.real_data
@pytest.mark.skipif(not CMU17.exists(), reason="the shared real motion is not on this machine")
def test_real_motion_tells_order_and_sides() -> None:
    takes = load_npz(CMU17 / "data_3d_cmu17.npz")["positions_3d"]
    back = np.argsort(TO_H36M)
    poses = [pose for actions in takes.values() for pose in actions.values()]
    assert len(poses) == 56
    for pose in poses:
        assert order_of(pose, ORDERS) == "h36m17"
        assert order_of(pose[:, back], ORDERS) == "mpi_inf_3dhp_17"
        assert sidedness(pose, joint_set("h36m17")) > 0.9
        mirror = list(joint_set("h36m17").mirror)
        assert sidedness(pose[:, mirror], joint_set("h36m17")) < -0.9
