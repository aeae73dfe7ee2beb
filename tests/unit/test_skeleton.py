import numpy as np
import pytest

from monopose.errors import InputError
from monopose.skeleton import JOINT_SETS, JointSet, conversion, identify, joint_set

# Published order of each set (its own documentation), by what the first and last joints are.
ENDS = {
    "h36m17": ("pelvis", "right_wrist"),
    "h36m16": ("pelvis", "right_wrist"),
    "h36m32": ("pelvis", "right_hand_end"),
    "mpi_inf_3dhp_17": ("head_top", "head"),
    "mpi_inf_3dhp_28": ("spine3", "right_toe"),
    "mpi_inf_3dhp_14": ("head_top", "left_ankle"),
    "humaneva15": ("pelvis", "head"),
    "mpii16": ("right_ankle", "left_wrist"),
    "lsp14": ("right_ankle", "head_top"),
    "coco17": ("nose", "right_ankle"),
    "openpose18": ("nose", "left_ear"),
    "body25": ("nose", "right_heel"),
    "body25b": ("nose", "right_heel"),
    "halpe26": ("nose", "right_heel"),
    "smpl24": ("pelvis", "right_hand"),
}


def source_indices(source: str, target: str) -> list[int]:
    """For each target joint, the one source joint it is copied from."""
    matrix = conversion(source, target).matrix
    assert ((matrix == 0) | (matrix == 1)).all()
    return matrix.argmax(axis=1).tolist()


@pytest.mark.parametrize("each", JOINT_SETS.values(), ids=JOINT_SETS.keys())
def test_every_set_is_one_tree_of_distinct_joints(each: JointSet) -> None:
    assert each.name in ENDS
    assert (each.joints[0], each.joints[-1]) == ENDS[each.name]
    assert len(set(each.joints)) == len(each) == len(each.parents)
    assert each.parents.count(-1) == 1
    for joint in range(len(each)):
        steps = 0
        while each.parents[joint] >= 0:
            joint, steps = each.parents[joint], steps + 1
            assert steps < len(each)
        assert joint == each.root
    assert len(each.bones) == len(each) - 1


@pytest.mark.parametrize("each", JOINT_SETS.values(), ids=JOINT_SETS.keys())
def test_the_mirror_is_an_involution_that_keeps_the_tree(each: JointSet) -> None:
    mirror = each.mirror
    assert [mirror[mirror[joint]] for joint in range(len(each))] == list(range(len(each)))
    for joint, parent in each.bones:
        assert each.parents[mirror[joint]] == mirror[parent]


def test_left_and_right_of_h36m_as_published() -> None:
    """VideoPose3D's joints_left and joints_right."""
    skeleton = joint_set("h36m17")
    left = [j for j, name in enumerate(skeleton.joints) if name.startswith("left_")]
    right = [j for j, name in enumerate(skeleton.joints) if name.startswith("right_")]
    assert left == [4, 5, 6, 11, 12, 13]
    assert right == [1, 2, 3, 14, 15, 16]
    assert [skeleton.mirror[j] for j in left] == [1, 2, 3, 14, 15, 16]


def test_left_and_right_of_humaneva_as_published() -> None:
    skeleton = joint_set("humaneva15")
    left = [j for j, name in enumerate(skeleton.joints) if name.startswith("left_")]
    right = [j for j, name in enumerate(skeleton.joints) if name.startswith("right_")]
    assert left == [2, 3, 4, 8, 9, 10]
    assert right == [5, 6, 7, 11, 12, 13]


# Part numbers as the tools' own documentation lists them, left and right side by side.
SIDES = {
    "openpose18": ([5, 6, 7, 11, 12, 13, 15, 17], [2, 3, 4, 8, 9, 10, 14, 16]),
    "body25": ([5, 6, 7, 12, 13, 14, 16, 18, 19, 20, 21], [2, 3, 4, 9, 10, 11, 15, 17, 22, 23, 24]),
    "body25b": (
        [1, 3, 5, 7, 9, 11, 13, 15, 19, 20, 21],
        [2, 4, 6, 8, 10, 12, 14, 16, 22, 23, 24],
    ),
    "halpe26": (
        [1, 3, 5, 7, 9, 11, 13, 15, 20, 22, 24],
        [2, 4, 6, 8, 10, 12, 14, 16, 21, 23, 25],
    ),
}


@pytest.mark.parametrize("name", SIDES)
def test_left_and_right_of_detectors_as_documented(name: str) -> None:
    mirror, (left, right) = joint_set(name).mirror, SIDES[name]
    assert [mirror[joint] for joint in left] == right
    midline = set(range(len(mirror))) - set(left) - set(right)
    assert all(mirror[joint] == joint for joint in midline)


def test_documented_parts_of_detectors_by_number() -> None:
    """Points that a shifted or swapped list would misplace."""
    assert [joint_set("body25").joints[i] for i in (1, 8, 11, 19)] == [
        "mid_shoulders", "pelvis", "right_ankle", "left_big_toe",
    ]  # fmt: skip
    assert [joint_set("body25b").joints[i] for i in (16, 17, 18, 21)] == [
        "right_ankle", "upper_neck", "head_top", "left_heel",
    ]  # fmt: skip
    assert [joint_set("halpe26").joints[i] for i in (17, 18, 19, 22)] == [
        "head_top", "neck", "pelvis", "left_small_toe",
    ]  # fmt: skip
    assert [joint_set("openpose18").joints[i] for i in (1, 8, 13, 14)] == [
        "mid_shoulders", "right_hip", "left_ankle", "right_eye",
    ]  # fmt: skip


def test_h36m_32_to_17_keeps_the_published_joints() -> None:
    removed = {4, 5, 9, 10, 11, 16, 20, 21, 22, 23, 24, 28, 29, 30, 31}
    kept = [joint for joint in range(32) if joint not in removed]
    assert source_indices("h36m32", "h36m17") == kept


def test_3dhp_28_to_17_are_the_official_relevant_joints() -> None:
    relevant = [7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6]
    assert source_indices("mpi_inf_3dhp_28", "mpi_inf_3dhp_17") == relevant


def test_3dhp_to_h36m_and_back_as_published() -> None:
    to_h36m = [14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4]
    assert source_indices("mpi_inf_3dhp_17", "h36m17") == to_h36m
    matlab = [11, 9, 15, 16, 17, 12, 13, 14, 2, 3, 4, 5, 6, 7, 1, 8, 10]
    assert source_indices("h36m17", "mpi_inf_3dhp_17") == [joint - 1 for joint in matlab]


def test_a_raised_left_hand_stays_the_left_one() -> None:
    """A widely copied converter swaps the sides."""
    pose_m = np.zeros((17, 3))
    left_wrist_of_3dhp = 7
    pose_m[left_wrist_of_3dhp] = [0.4, -0.9, 0]
    converted_m = conversion("mpi_inf_3dhp_17", "h36m17").apply(pose_m)
    left_wrist_of_h36m = 13
    np.testing.assert_array_equal(converted_m[left_wrist_of_h36m], [0.4, -0.9, 0])
    assert np.abs(np.delete(converted_m, left_wrist_of_h36m, axis=0)).max() == 0


def test_every_conversion_keeps_the_sides() -> None:
    for source in JOINT_SETS.values():
        for target in JOINT_SETS.values():
            matrix = conversion(source.name, target.name).matrix
            mirrored = matrix[np.ix_(target.mirror, source.mirror)]
            np.testing.assert_array_equal(mirrored, matrix)


def test_a_joint_without_a_counterpart_is_masked_not_invented() -> None:
    to_h36m = conversion("coco17", "h36m17")
    missing = [n for n, ok in zip(to_h36m.target.joints, to_h36m.mask, strict=True) if not ok]
    assert missing == ["spine", "thorax", "neck_nose", "head_top"]
    converted = to_h36m.apply(np.ones((5, 17, 2), np.float32))
    assert converted.dtype == np.float32
    assert (converted[:, ~to_h36m.mask] == 0).all()
    assert (converted[:, to_h36m.mask] == 1).all()


def test_mid_hips_are_the_pelvis_and_as_sure_as_the_less_sure_hip() -> None:
    coco = joint_set("coco17")
    keypoints_px, score = np.zeros((17, 2)), np.zeros(17)
    keypoints_px[coco.index("left_hip")], score[coco.index("left_hip")] = [10, 20], 0.9
    keypoints_px[coco.index("right_hip")], score[coco.index("right_hip")] = [30, 60], 0.4
    to_h36m = conversion("coco17", "h36m17")
    np.testing.assert_allclose(to_h36m.apply(keypoints_px)[0], [20, 40])
    assert to_h36m.apply_score(score)[0] == 0.4
    assert not to_h36m.approximate[0]


def test_neighbouring_points_are_flagged_as_approximate() -> None:
    to_h36m = conversion("mpi_inf_3dhp_17", "h36m17")
    flagged = [n for n, a in zip(to_h36m.target.joints, to_h36m.approximate, strict=True) if a]
    assert flagged == ["thorax", "neck_nose"]
    assert not conversion("h36m32", "h36m17").approximate.any()


def test_a_detectors_torso_is_made_of_hips_shoulders_and_head_and_flagged() -> None:
    """The measured weights, at points of a body that stands straight."""
    heights_m = {"hip": 1.0, "shoulder": 1.5, "head_top": 1.8, "upper_neck": 1.6}
    for name in ("body25b", "halpe26"):
        source = joint_set(name)
        pose_m = np.zeros((len(source), 3))
        for index, joint in enumerate(source.joints):
            pose_m[index, 2] = heights_m.get(joint.split("_", 1)[-1], heights_m.get(joint, 0.0))
        to_h36m = conversion(name, "h36m17")
        made_m = dict(zip(to_h36m.target.joints, to_h36m.apply(pose_m)[:, 2], strict=True))
        assert made_m["spine"] == pytest.approx(0.6 * 1.0 + 0.4 * 1.5)
        if name == "body25b":
            assert made_m["thorax"] == pytest.approx(1.5)
        else:
            assert made_m["neck_nose"] == pytest.approx((1.5 + 1.8) / 2)
        flagged = {n for n, a in zip(made_m, to_h36m.approximate, strict=True) if a}
        assert flagged == {"spine", "thorax", "neck_nose"}
        assert to_h36m.mask.all()


@pytest.mark.parametrize("name", ["body25", "openpose18"])
def test_a_detector_without_a_head_top_leaves_torso_and_head_masked(name: str) -> None:
    to_h36m = conversion(name, "h36m17")
    missing = [n for n, ok in zip(to_h36m.target.joints, to_h36m.mask, strict=True) if not ok]
    assert missing == ["spine", "thorax", "neck_nose", "head_top"]


def test_names_are_looked_up_and_unknown_ones_refused() -> None:
    assert joint_set("coco17").index("left_wrist") == 9
    with pytest.raises(
        InputError, match=r"unknown joint set 'h36m'; choose one of body25, body25b, "
    ):
        joint_set("h36m")
    with pytest.raises(InputError, match=r"'coco17' has no joint 'tail'; its joints are nose, "):
        joint_set("coco17").index("tail")


def test_a_set_is_identified_by_its_joints_in_order() -> None:
    joints = JOINT_SETS["lsp14"].joints
    assert identify(joints).name == "lsp14"
    with pytest.raises(InputError, match="no joint set has these joints so ordered; give one of"):
        identify(joints[::-1])
    with pytest.raises(InputError, match=r"unknown joint names \['tail'\]"):
        identify([*joints, "tail"])
