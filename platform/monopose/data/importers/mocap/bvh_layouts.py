"""The flavours of BVH that are known by their joints' names, and what each means.

Sources: the BVH conversions of the CMU motion capture database. `cmu-cgspeed` and `cmu-max` are
B. Hahne's (cgspeed) for MotionBuilder and 3ds Max: inches / 0.45, without the thorax bone (neck and
collars have a zero OFFSET), which is put back with the vector of the bone below it; so are the 17
joints of the 56 clips that the tests compare with. `cmu-daz` is on one figure of DAZ Studio in
centimetres, whose head has no end: two points above it stand for the face and the top of the head.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from monopose.data.importers.mocap.clips import Axis, JointMap, own_joint_set
from monopose.errors import InputError
from monopose.formats.bvh import Bvh, Joint
from monopose.formats.bvh_pose import UNIT_M as OWN_UNIT_M
from monopose.skeleton import joint_set

_CMU_UNIT_M = 0.0254 / 0.45


@dataclass(frozen=True)
class Layout:
    """What a flavour's names and numbers mean.

    joint_map: to the joints of joint_set. rest_row: the first row may be an added rest pose.
    lost_bones: {joint with a zero OFFSET: joint whose OFFSET it takes}.
    added_ends: {new point: (joint it is fixed to, offset in file units)}.
    """

    joint_map: JointMap
    unit_m: float
    up: Axis = "y"
    joint_set: str = "h36m17"
    rest_row: bool = False
    lost_bones: dict[str, str] = field(default_factory=dict)
    added_ends: dict[str, tuple[str, tuple[float, float, float]]] = field(default_factory=dict)

    @property
    def needs(self) -> set[str]:
        """The names that a file of this flavour has."""
        mapped = {name for names in self.joint_map.values() for name in names}
        return mapped - set(self.added_ends)


def _joint_map(middle: dict[str, tuple[str, ...]], left: str, right: str) -> JointMap:
    """left, right: the names of hip, knee, ankle, shoulder, elbow and wrist on that side."""
    limbs = ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
    sided = {
        f"{side}_{limb}": (name,)
        for side, names in (("left", left), ("right", right))
        for limb, name in zip(limbs, names.split(), strict=True)
    }
    pelvis = {"pelvis": (*sided["left_hip"], *sided["right_hip"])}
    return pelvis | middle | sided


LAYOUTS: dict[str, Layout] = {
    "cmu-cgspeed": Layout(
        _joint_map(
            {
                "spine": ("Spine",),
                "thorax": ("Neck",),
                "neck_nose": ("Head",),
                "head_top": ("Head.end",),
            },
            left="LeftUpLeg LeftLeg LeftFoot LeftArm LeftForeArm LeftHand",
            right="RightUpLeg RightLeg RightFoot RightArm RightForeArm RightHand",
        ),
        unit_m=_CMU_UNIT_M,
        rest_row=True,
        lost_bones={"Neck": "Spine1", "LeftShoulder": "Spine1", "RightShoulder": "Spine1"},
    ),
    "cmu-max": Layout(
        _joint_map(
            {
                "spine": ("Chest",),
                "thorax": ("lowerneck",),
                "neck_nose": ("Head",),
                "head_top": ("Head.end",),
            },
            left="LeftHip LeftKnee LeftAnkle LeftShoulder LeftElbow LeftWrist",
            right="RightHip RightKnee RightAnkle RightShoulder RightElbow RightWrist",
        ),
        unit_m=_CMU_UNIT_M,
        rest_row=True,
        lost_bones={"lowerneck": "Chest2", "LeftCollar": "Chest2", "RightCollar": "Chest2"},
    ),
    "cmu-daz": Layout(
        _joint_map(
            {
                "spine": ("abdomen",),
                "thorax": ("lCollar", "rCollar"),
                "neck_nose": ("head.face",),
                "head_top": ("head.top",),
            },
            left="lThigh lShin lFoot lShldr lForeArm lHand",
            right="rThigh rShin rFoot rShldr rForeArm rHand",
        ),
        unit_m=0.01,
        rest_row=True,
        added_ends={
            "head.face": ("head", (0.0, 4.0, 0.0)),
            "head.top": ("head", (0.0, 16.0, 0.0)),
        },
    ),
}
OWN = "monopose"


def own_layout(target: str) -> Layout:
    """The files that this package writes: joints by our names, centimetres, Y up."""
    return Layout({joint: (joint,) for joint in joint_set(target).joints}, OWN_UNIT_M, "y", target)


def check_layout(name: str | None) -> None:
    """Raises InputError for a layout that is not known."""
    if name is not None and name not in (*LAYOUTS, OWN):
        known = ", ".join((*LAYOUTS, OWN))
        raise InputError(f"is {name!r}", where="--layout", fix=f"choose one of {known}")


def layout_of(names: Sequence[str], asked: str | None, where: str) -> Layout:
    """The layout asked for, or the one whose joints the file has.

    Raises InputError listing the file's joints when none or several fit.
    """
    own = own_joint_set(names)
    if own is not None and asked in (None, OWN):
        return own_layout(own)
    if asked in LAYOUTS:
        return LAYOUTS[asked]
    fitting = [layout for layout in LAYOUTS.values() if layout.needs <= set(names)]
    if len(fitting) != 1 or asked == OWN:
        what = f"cannot tell the body's joints from {', '.join(names)}"[:2000]
        fix = f"give --joint-map, or --layout {' | '.join(LAYOUTS)}"
        raise InputError(what, where=where, fix=fix)
    return fitting[0]


def completed(bvh: Bvh, layout: Layout) -> Bvh:
    """The file without an added rest pose, with its lost bones and added ends."""
    joints = [_with_bone(joint, bvh, layout) for joint in bvh.joints]
    for name, (fixed_to, offset) in layout.added_ends.items():
        if fixed_to in bvh.names:
            joints.append(Joint(name, bvh.names.index(fixed_to), offset))
    values = bvh.values[1:] if layout.rest_row and _starts_at_rest(bvh) else bvh.values
    return replace(bvh, joints=tuple(joints), values=values)


def lost_bones(joints: Sequence[Joint], layout: Layout) -> list[str]:
    """The joints of a file whose OFFSET was lost and is put back."""
    names = {joint.name for joint in joints}
    found = [joint.name for joint in joints if not any(joint.offset)]
    return [name for name in found if layout.lost_bones.get(name) in names]


def _with_bone(joint: Joint, bvh: Bvh, layout: Layout) -> Joint:
    bone = layout.lost_bones.get(joint.name)
    if bone not in bvh.names or any(joint.offset):
        return joint
    return replace(joint, offset=bvh.joints[bvh.names.index(bone)].offset)


def _starts_at_rest(bvh: Bvh) -> bool:
    """True when the root is not turned at all in the first row, though it is in the second.

    Not every file of these flavours has the added row: 131_01 and 131_02 begin in motion.
    """
    channels = bvh.joints[0].channels
    turned = [i for i, channel in enumerate(channels) if channel.endswith("rotation")]
    if len(bvh.values) < 2 or not turned:
        return False
    return not np.any(bvh.values[0, turned]) and bool(np.any(bvh.values[1, turned]))
