"""Does the world's Z point up? Cameras hang upright and people mostly stand.

One lying person says nothing about the world, so a clip is blamed only where its cameras agree
with its body; without cameras, only the majority of the clips counts (see across.py).
"""

import numpy as np
from jaxtyping import Float

from monopose.data.clip import Clip
from monopose.data.expectations.body import SAMPLED_FRAMES, point, spread, unit
from monopose.data.expectations.finding import Finding
from monopose.skeleton import joint_set

UP_AXIS = "up axis"
AXES = ("+x", "+y", "+z", "-x", "-y", "-z")
_CAMERAS_AGREE = 0.85
_BODY_DENIES = 0.5


def check_up_axis(clip: Clip) -> list[Finding]:
    """Cameras whose upper edge, and bodies whose head, point along another axis than +z."""
    body, cameras = body_up(clip), cameras_up(clip)
    if body is None or cameras is None:
        return []
    axis, agreement = nearest_axis(cameras)
    if axis == "+z" or agreement < _CAMERAS_AGREE or body[2] > _BODY_DENIES:
        return []
    what = f"{axis} is up: the cameras' upper edge points along it ({agreement:.2f} of 1)"
    toward = float(body @ _axis_vector(axis))
    what += f", heads are above feet along it ({toward:.2f}); z up is declared"
    return [Finding(UP_AXIS, "error", clip.clip_id, what)]


def body_up(clip: Clip) -> Float[np.ndarray, "3"] | None:
    """Mean direction from the ankles to the shoulders in the world; shorter if it varies."""
    if clip.pose_world_m is None:
        return None
    pose, joints = clip.pose_world_m, joint_set(clip.joint_set)
    pose = pose[spread(len(pose), SAMPLED_FRAMES)]
    up = unit(point(pose, joints, "mid_shoulder") - point(pose, joints, "mid_ankle"))
    return np.asarray(up.mean(axis=0), np.float64)


def cameras_up(clip: Clip) -> Float[np.ndarray, "3"] | None:
    """Mean direction in the world of the images' upper edges; None without extrinsics."""
    edges = [-camera.rotation[1] for camera in clip.cameras if camera.rotation is not None]
    return np.mean(edges, axis=0) if edges else None


def nearest_axis(direction: Float[np.ndarray, "3"]) -> tuple[str, float]:
    """The signed world axis nearest to a direction, and the direction's share along it."""
    along = np.concatenate([direction, -direction])
    best = int(np.argmax(along))
    return AXES[best], float(along[best])


def _axis_vector(axis: str) -> Float[np.ndarray, "3"]:
    vector = np.zeros(3)
    vector["xyz".index(axis[1])] = 1.0 if axis[0] == "+" else -1.0
    return vector
