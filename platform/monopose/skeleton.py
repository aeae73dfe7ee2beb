"""Joint sets by name, and conversion between them by joint name with a mask.

A joint has the same name in two sets only when it is the same anatomical point. Where the field
treats two different points as counterparts, `_COUNTERPARTS` says so and the conversion flags the
joint as approximate; a joint with no counterpart is masked, never invented.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float

from monopose.errors import InputError


@dataclass(frozen=True)
class JointSet:
    """Named joints of a body, their tree and the joint that root-relative poses are relative to.

    `parents[j]` is the index of joint j's parent, -1 for the root of the tree.
    """

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.joints)

    @property
    def root(self) -> int:
        """Index of the joint without a parent."""
        return self.parents.index(-1)

    @property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """(joint, parent) index pairs, in joint order."""
        return tuple((j, p) for j, p in enumerate(self.parents) if p >= 0)

    @property
    def mirror(self) -> tuple[int, ...]:
        """`mirror[j]` is the index of j's left/right opposite, or j itself on the midline."""
        return tuple(self.joints.index(_opposite(name)) for name in self.joints)

    def index(self, joint: str) -> int:
        """Index of a joint by name; raises InputError when the set has no such joint."""
        if joint not in self.joints:
            raise InputError(
                f"joint set {self.name!r} has no joint {joint!r}",
                fix=f"its joints are {', '.join(self.joints)}",
            )
        return self.joints.index(joint)


def _opposite(joint: str) -> str:
    if joint.startswith("left_"):
        return "right_" + joint.removeprefix("left_")
    if joint.startswith("right_"):
        return "left_" + joint.removeprefix("right_")
    return joint


def _names(text: str) -> tuple[str, ...]:
    """Expands the short side marks used below: `L.knee` is `left_knee`."""
    return tuple(w.replace("L.", "left_").replace("R.", "right_") for w in text.split())


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split())


_H36M17 = _names(
    "pelvis R.hip R.knee R.ankle L.hip L.knee L.ankle spine thorax neck_nose head_top "
    "L.shoulder L.elbow L.wrist R.shoulder R.elbow R.wrist"
)
_3DHP17 = _names(
    "head_top neck R.shoulder R.elbow R.wrist L.shoulder L.elbow L.wrist "
    "R.hip R.knee R.ankle L.hip L.knee L.ankle pelvis spine head"
)
_COCO17 = _names(
    "nose L.eye R.eye L.ear R.ear L.shoulder R.shoulder L.elbow R.elbow L.wrist R.wrist "
    "L.hip R.hip L.knee R.knee L.ankle R.ankle"
)

# OpenPose trains its "neck" on the middle of COCO's shoulders, so it is called that here; its
# BODY_25B has MPII's upper neck and head top instead. Halpe's "head" is the top of the head.
JOINT_SETS: dict[str, JointSet] = {
    joint_set.name: joint_set
    for joint_set in (
        JointSet("h36m17", _H36M17, (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)),
        JointSet(
            "h36m16",
            tuple(j for j in _H36M17 if j != "neck_nose"),
            (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 8, 10, 11, 8, 13, 14),
        ),
        JointSet(
            "h36m32",
            _names(
                "pelvis R.hip R.knee R.ankle R.foot R.toe_end L.hip L.knee L.ankle L.foot "
                "L.toe_end spine_base spine thorax neck_nose head_top L.neck_base L.shoulder "
                "L.elbow L.wrist L.wrist_end L.thumb L.hand L.hand_end R.neck_base R.shoulder "
                "R.elbow R.wrist R.wrist_end R.thumb R.hand R.hand_end"
            ),
            _numbers(
                "-1 0 1 2 3 4 0 6 7 8 9 0 11 12 13 14 12 16 17 18 19 20 19 22 "
                "12 24 25 26 27 28 27 30"
            ),
        ),
        JointSet(
            "mpi_inf_3dhp_17",
            _3DHP17,
            (16, 15, 1, 2, 3, 1, 5, 6, 14, 8, 9, 14, 11, 12, -1, 14, 1),
        ),
        JointSet(
            "mpi_inf_3dhp_28",
            _names(
                "spine3 spine4 spine2 spine pelvis neck head head_top "
                "L.clavicle L.shoulder L.elbow L.wrist L.hand "
                "R.clavicle R.shoulder R.elbow R.wrist R.hand "
                "L.hip L.knee L.ankle L.foot L.toe R.hip R.knee R.ankle R.foot R.toe"
            ),
            _numbers("2 0 3 4 -1 1 5 6 5 8 9 10 11 5 13 14 15 16 4 18 19 20 21 4 23 24 25 26"),
        ),
        JointSet(
            "mpi_inf_3dhp_14",
            _3DHP17[:14],
            (1, -1, 1, 2, 3, 1, 5, 6, 1, 8, 9, 1, 11, 12),
        ),
        JointSet(
            "humaneva15",
            _names(
                "pelvis thorax L.shoulder L.elbow L.wrist R.shoulder R.elbow R.wrist "
                "L.hip L.knee L.ankle R.hip R.knee R.ankle head"
            ),
            (-1, 0, 1, 2, 3, 1, 5, 6, 0, 8, 9, 0, 11, 12, 1),
        ),
        JointSet(
            "mpii16",
            _names(
                "R.ankle R.knee R.hip L.hip L.knee L.ankle pelvis neck_base upper_neck head_top "
                "R.wrist R.elbow R.shoulder L.shoulder L.elbow L.wrist"
            ),
            (1, 2, 6, 6, 3, 4, -1, 6, 7, 8, 11, 12, 7, 7, 13, 14),
        ),
        JointSet(
            "lsp14",
            _names(
                "R.ankle R.knee R.hip L.hip L.knee L.ankle "
                "R.wrist R.elbow R.shoulder L.shoulder L.elbow L.wrist neck head_top"
            ),
            (1, 2, 12, 12, 3, 4, 7, 8, 12, 12, 9, 10, -1, 12),
        ),
        JointSet(
            "coco17",
            _COCO17,
            (-1, 0, 0, 1, 2, 0, 0, 5, 6, 7, 8, 5, 6, 11, 12, 13, 14),
        ),
        JointSet(
            "openpose18",
            _names(
                "nose mid_shoulders R.shoulder R.elbow R.wrist L.shoulder L.elbow L.wrist "
                "R.hip R.knee R.ankle L.hip L.knee L.ankle R.eye L.eye R.ear L.ear"
            ),
            (1, -1, 1, 2, 3, 1, 5, 6, 1, 8, 9, 1, 11, 12, 0, 0, 14, 15),
        ),
        JointSet(
            "body25",
            _names(
                "nose mid_shoulders R.shoulder R.elbow R.wrist L.shoulder L.elbow L.wrist pelvis "
                "R.hip R.knee R.ankle L.hip L.knee L.ankle R.eye L.eye R.ear L.ear "
                "L.big_toe L.small_toe L.heel R.big_toe R.small_toe R.heel"
            ),
            _numbers("1 8 1 2 3 1 5 6 -1 8 9 10 8 12 13 0 0 15 16 14 19 14 11 22 11"),
        ),
        JointSet(
            "body25b",
            (
                *_COCO17,
                *_names("upper_neck head_top L.big_toe L.small_toe L.heel"),
                *_names("R.big_toe R.small_toe R.heel"),
            ),
            _numbers("17 0 0 1 2 17 17 5 6 7 8 5 6 11 12 13 14 -1 17 15 19 15 16 22 16"),
        ),
        JointSet(
            "halpe26",
            (
                *_COCO17,
                *_names("head_top neck pelvis L.big_toe R.big_toe L.small_toe R.small_toe"),
                *_names("L.heel R.heel"),
            ),
            _numbers("18 0 0 1 2 18 18 5 6 7 8 19 19 11 12 13 14 18 19 -1 15 16 20 21 15 16"),
        ),
        JointSet(
            "smpl24",
            _names(
                "pelvis L.hip R.hip spine1 L.knee R.knee spine2 L.ankle R.ankle spine3 L.foot "
                "R.foot neck L.collar R.collar head L.shoulder R.shoulder L.elbow R.elbow L.wrist "
                "R.wrist L.hand R.hand"
            ),
            (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21),
        ),
    )
}

# target joint -> ways to stand in for it: (source joints whose mean is taken, approximate?)
# Mid-hips is what the pelvis of COCO and LSP means by convention, so it is not flagged.
_COUNTERPARTS: dict[str, tuple[tuple[tuple[str, ...], bool], ...]] = {
    "pelvis": ((("left_hip", "right_hip"), False),),
    "mid_shoulders": ((("left_shoulder", "right_shoulder"), False),),
    "thorax": ((("neck",), True), (("neck_base",), True)),
    "neck": ((("thorax",), True), (("neck_base",), True)),
    "neck_base": ((("thorax",), True), (("neck",), True)),
    "neck_nose": ((("head",), True), (("upper_neck",), True)),
    "head": ((("neck_nose",), True),),
    "upper_neck": ((("neck_nose",), True),),
}

# Points between hips, shoulders and head top that stand for a lifter's torso where a detector
# gives no torso joints: target joint -> weights. Measured on 56 takes of motion capture (CMU),
# people about 243 px tall, mean error in 3D and in the image:
#   thorax ~ mid-shoulders 52 mm, 8.5 px; spine ~ 0.4 of the way from mid-hips to mid-shoulders
#   36 mm, 4.6 px (half the way: 53 mm, 7.7 px); neck_nose ~ midway from mid-shoulders to head top
#   25 mm, 3.6 px. Each is flagged as approximate.
# A lifter trained on all of h36m17 (69.5 mm on detections with all joints) gets 108 mm with spine
# and thorax missing and 72 mm with these in their place. Only sets with a head top take part: the
# others lack neck and head as well, and the same lifter then gets 267 mm without and 295 mm with
# these, which is no use either way.
_STAND_INS: dict[str, dict[str, float]] = {
    "thorax": {"left_shoulder": 0.5, "right_shoulder": 0.5},
    "spine": {"left_hip": 0.3, "right_hip": 0.3, "left_shoulder": 0.2, "right_shoulder": 0.2},
    "neck_nose": {"left_shoulder": 0.25, "right_shoulder": 0.25, "head_top": 0.5},
}
_WITH_STAND_INS = ("body25b", "halpe26")


@dataclass(frozen=True)
class Conversion:
    """A linear map from one joint set to another.

    matrix: target x source weights; rows of joints without a counterpart are zero.
    mask: True where the target joint has a counterpart.
    approximate: True where that counterpart is a neighbouring point, not the same one.
    """

    source: JointSet
    target: JointSet
    matrix: Float[np.ndarray, "target source"]
    mask: Bool[np.ndarray, " target"]
    approximate: Bool[np.ndarray, " target"]

    def apply(
        self, values: Float[np.ndarray, "*batch source channels"]
    ) -> Float[np.ndarray, "*batch target channels"]:
        """Converts coordinates; joints outside `mask` come out as zeros."""
        return np.matmul(self.matrix.astype(values.dtype), values)

    def apply_score(
        self, score: Float[np.ndarray, "*batch source"]
    ) -> Float[np.ndarray, "*batch target"]:
        """Converts confidences: a joint made of several is as sure as its least sure part."""
        out = np.zeros((*score.shape[:-1], len(self.target)), score.dtype)
        for joint in np.flatnonzero(self.mask):
            out[..., joint] = score[..., self.matrix[joint] > 0].min(axis=-1)
        return out


def joint_set(name: str) -> JointSet:
    """The joint set of that name; raises InputError naming the known ones."""
    if name not in JOINT_SETS:
        raise InputError(
            f"unknown joint set {name!r}", fix=f"choose one of {', '.join(sorted(JOINT_SETS))}"
        )
    return JOINT_SETS[name]


def identify(joints: Sequence[str]) -> JointSet:
    """The known joint set that has exactly these joint names in this order.

    Raises InputError naming the joints that no set knows, or saying that the order fits none.
    """
    for candidate in JOINT_SETS.values():
        if candidate.joints == tuple(joints):
            return candidate
    known = {name for candidate in JOINT_SETS.values() for name in candidate.joints}
    unknown = [name for name in joints if name not in known]
    what = (
        f"unknown joint names {unknown}" if unknown else "no joint set has these joints so ordered"
    )
    raise InputError(what, fix=f"give one of the sets {', '.join(sorted(JOINT_SETS))}")


@lru_cache(maxsize=256)
def conversion(source_name: str, target_name: str) -> Conversion:
    """How to turn coordinates of one joint set into another, by joint name."""
    source, target = joint_set(source_name), joint_set(target_name)
    matrix = np.zeros((len(target), len(source)), np.float64)
    approximate = np.zeros(len(target), bool)
    for row, joint in enumerate(target.joints):
        weights, approximate[row] = _counterpart(joint, source)
        for part, weight in weights.items():
            matrix[row, source.joints.index(part)] = weight
    return Conversion(source, target, matrix, matrix.sum(axis=1) > 0, approximate)


def _counterpart(joint: str, source: JointSet) -> tuple[dict[str, float], bool]:
    """(weights of the source's joints, approximate?); no weights where nothing corresponds."""
    if joint in source.joints:
        return {joint: 1.0}, False
    for parts, approximate in _COUNTERPARTS.get(joint, ()):
        if all(part in source.joints for part in parts):
            return dict.fromkeys(parts, 1.0 / len(parts)), approximate
    if source.name in _WITH_STAND_INS and joint in _STAND_INS:
        return _STAND_INS[joint], True
    return {}, False
