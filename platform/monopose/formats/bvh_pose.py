"""Joint positions as a BVH skeleton, for programs that animate: clip -> BVH.

A BVH joint turns all its children together, while joints of a pose move one by one. So the
positions come back exactly only if each bone has a rotation of its own: where a joint has several
children, each gets a node of its own at the joint's place (OFFSET 0 0 0, as CMU's conversions have
at the hips), named after the child + "_base". The joint itself turns as well as its children can
together, so the root's channels are the body's heading.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float64
from scipy.spatial.transform import Rotation

from monopose.data.clip import Clip
from monopose.errors import InputError
from monopose.formats.bvh import END, Bvh, Joint, write_bvh
from monopose.skeleton import JointSet, joint_set

UNIT_M = 0.01
BASE = "_base"
_ROTATIONS = ("Zrotation", "Yrotation", "Xrotation")
_ROOT = ("Xposition", "Yposition", "Zposition", *_ROTATIONS)
_END_CM = 5.0

# Where bones point at rest (Y up, facing Z, left is X): a standing body with arms to the sides.
_DOWN, _UP, _FORWARD, _LEFT = (0, -1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 0)
_REST = {
    "hip": _LEFT, "knee": _DOWN, "ankle": _DOWN, "foot": _FORWARD, "toe": _FORWARD,
    "toe_end": _FORWARD, "clavicle": _LEFT, "collar": _LEFT, "neck_base": _LEFT,
    "shoulder": _LEFT, "elbow": _LEFT, "wrist": _LEFT, "hand": _LEFT, "eye": _LEFT, "ear": _LEFT,
}  # fmt: skip


@dataclass(frozen=True)
class _Node:
    """A BVH joint: at which joint of the pose it is, and the joints whose bones it turns."""

    bvh: Joint
    joint: int
    turns: tuple[int, ...]


def write_clip_bvh(path: Path, clip: Clip) -> None:
    """Writes the clip's motion in the world; raises InputError for a clip without it."""
    if clip.pose_world_m is None:
        raise InputError("has no 3D in the world to write", where=f"clip {clip.clip_id!r}")
    write_bvh(path, bvh_of_pose(clip.pose_world_m, clip.joint_set, clip.fps))


def bvh_of_pose(pose_world_m: Float[np.ndarray, "T J 3"], joints: str, fps: float) -> Bvh:
    """A skeleton of the pose's mean bone lengths that moves as the pose does.

    pose_world_m: metres, Z up; the BVH has centimetres, Y up. Positions come back exactly where
    bones keep their lengths; where a length differs from its mean by e, that joint and all below
    it are off by e along the bone. How bones turn about themselves is not known from positions:
    each bone takes the shortest turn from where its parent carries it.
    """
    known = joint_set(joints)
    points = _y_up_cm(pose_world_m)
    rest = _rest_cm(points, known)
    nodes = list(_nodes(known, rest))
    columns = [points[:, known.root]]
    turned: list[Rotation] = []
    for node in nodes:
        above = turned[node.bvh.parent] if turned else Rotation.identity(len(points))
        local = _fitting_turn(points, rest, node, above)
        turned.append(above * local)
        if node.bvh.channels:
            columns.append(local.as_euler("ZYX", degrees=True))
    return Bvh(tuple(node.bvh for node in nodes), np.hstack(columns), 1 / fps)


def _nodes(joints: JointSet, rest: Float64[np.ndarray, "J 3"]) -> Iterator[_Node]:
    """The tree of the file, parents first."""
    # (joint, its node's parent, the only joint it is to turn): a base, or a joint itself.
    waiting: list[tuple[int, int, int | None]] = [(joints.root, -1, None)]
    index = 0
    while waiting:
        joint, parent, only = waiting.pop()
        children = tuple(j for j, p in joints.bones if p == joint)
        turns = children if only is None else (only,)
        name = joints.joints[joint] if only is None else joints.joints[only] + BASE
        offset = rest[joint] if only is None else np.zeros(3)
        channels = _ROOT if parent < 0 else _ROTATIONS
        yield _Node(Joint(name, parent, _triple(offset), channels), joint, turns)
        if len(turns) == 1:
            waiting.append((turns[0], index, None))
        elif turns:
            waiting += [(joint, index, child) for child in reversed(turns)]
        else:
            index += 1
            end = Joint(name + END, index - 1, _triple(_end_cm(rest, joint)))
            yield _Node(end, joint, ())
        index += 1


def _y_up_cm(pose_world_m: Float[np.ndarray, "T J 3"]) -> Float64[np.ndarray, "T J 3"]:
    x, y, z = np.moveaxis(pose_world_m.astype(np.float64) / UNIT_M, -1, 0)
    return np.stack([x, z, -y], axis=-1)


def _triple(values: np.ndarray) -> tuple[float, float, float]:
    x, y, z = map(float, values)
    return x, y, z


def _rest_cm(points: Float64[np.ndarray, "T J 3"], joints: JointSet) -> Float64[np.ndarray, "J 3"]:
    """Each joint's offset from its parent at rest: mean length, direction by the joint's name."""
    rest = np.zeros((len(joints), 3))
    for joint, parent in joints.bones:
        name = joints.joints[joint]
        direction = np.array(_REST.get(name.removeprefix("left_").removeprefix("right_"), _UP))
        if name.startswith("right_"):
            direction = direction * (-1, 1, 1)
        length = np.linalg.norm(points[:, joint] - points[:, parent], axis=-1).mean()
        rest[joint] = length * direction
    return rest


def _end_cm(rest: Float64[np.ndarray, "J 3"], joint: int) -> Float64[np.ndarray, "3"]:
    length = np.linalg.norm(rest[joint])
    return rest[joint] * (_END_CM / length) if length > 0 else np.array([0.0, _END_CM, 0.0])


def _fitting_turn(
    points: Float64[np.ndarray, "T J 3"],
    rest: Float64[np.ndarray, "J 3"],
    node: _Node,
    carried: Rotation,
) -> Rotation:
    """The node's rotation in its parent's frame that brings its bones to where they point."""
    if not node.turns:
        return Rotation.identity(len(points))
    inverse = carried.inv()
    wanted = [inverse.apply(points[:, joint] - points[:, node.joint]) for joint in node.turns]
    if len(node.turns) == 1:
        return _shortest_turn(rest[node.turns[0]], wanted[0])
    return _best_turn(rest[list(node.turns)], np.stack(wanted, axis=1))


def _shortest_turn(start: Float64[np.ndarray, "3"], end: Float64[np.ndarray, "T 3"]) -> Rotation:
    """Turns start to the direction of each end; for opposite ones, about any axis across."""
    axis = np.cross(start, end)
    across = np.linalg.norm(axis, axis=-1)
    angle = np.arctan2(across, end @ start)
    opposite = (across < 1e-12 * np.linalg.norm(start) ** 2) & (angle > 1)
    axis[opposite] = np.cross(start, np.eye(3)[np.argmin(np.abs(start))])
    size = np.linalg.norm(axis, axis=-1, keepdims=True)
    unit = np.divide(axis, size, out=np.zeros_like(axis), where=size > 0)
    return Rotation.from_rotvec(unit * angle[:, None])


def _best_turn(
    start: Float64[np.ndarray, "bones 3"], end: Float64[np.ndarray, "T bones 3"]
) -> Rotation:
    """The rotation of all bones together with the least squared distance (Kabsch 1976)."""
    left, _, right = np.linalg.svd(np.einsum("tbi,bj->tij", end, start))
    proper = np.ones((len(end), 3))
    proper[:, 2] = np.linalg.det(left @ right)
    return Rotation.from_matrix((left * proper[:, None, :]) @ right)
