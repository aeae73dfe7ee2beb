"""What a page about a data set needs, gathered in one pass over its clips in bounded memory."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int64

from monopose.data.clip import Clip
from monopose.data.expectations.body import pose_m
from monopose.data.expectations.examine import Examination
from monopose.data.expectations.reprojection import projected_px, views_of
from monopose.geometry.camera import Camera
from monopose.skeleton import JointSet, joint_set

SPEED_EDGES_M_S = np.linspace(0.0, 20.0, 201)
SPEED_PARTS = {"pelvis": ("hip",), "ankles": ("ankle",), "wrists": ("wrist",)}
ERROR_EDGES_PX = np.concatenate([[0.0], np.geomspace(0.05, 2000.0, 140)])
SCORE_EDGES = np.linspace(0.0, 1.0, 21)
_MOST_RIGS = 12
_MOST_SUBJECTS = 400
_PATH_POINTS = 24


@dataclass
class Rig:
    """Cameras that stand together, in the world, with where the people of some clips walked."""

    label: str
    cameras: tuple[Camera, ...]
    joint_set: str
    pose_world_m: Float[np.ndarray, "J 3"]
    paths_m: list[Float[np.ndarray, "_ 3"]] = field(default_factory=list)


@dataclass
class Survey:
    """Sums over the clips seen so far; arrays are histograms over the edges above.

    bones_m: (subject, bone) -> (sum of the clips' medians, clips). noise: score bins x error bins.
    """

    examination: Examination = field(default_factory=Examination)
    by_subject: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_action: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    bones_m: dict[tuple[str, str], tuple[float, int]] = field(default_factory=dict)
    speeds: dict[str, Int64[np.ndarray, " B"]] = field(default_factory=dict)
    noise: Int64[np.ndarray, "S E"] = field(
        default_factory=lambda: np.zeros((len(SCORE_EDGES) - 1, len(ERROR_EDGES_PX) - 1), np.int64)
    )
    joint_set: str = ""
    seen: Float[np.ndarray, " J"] | None = None
    score: Float[np.ndarray, " J"] | None = None
    keypoints: int = 0
    rigs: dict[str, Rig] = field(default_factory=dict)

    def add(self, clip: Clip) -> None:
        """Counts a validated clip and examines it."""
        self.examination.add(clip)
        self.joint_set = clip.joint_set
        self.by_subject[clip.split, clip.subject] += 1
        self.by_action[clip.split, clip.action or "(none)"] += 1
        self.seconds[clip.split] += clip.num_frames / clip.fps
        self._add_bones(clip)
        self._add_speeds(clip)
        self._add_noise(clip)
        self._add_visibility(clip)
        self._add_rig(clip)

    def _add_bones(self, clip: Clip) -> None:
        pose, joints = pose_m(clip), joint_set(clip.joint_set)
        if pose is None:
            return
        known = (clip.subject, bone_name(joints, joints.bones[0][0])) in self.bones_m
        if not known and len(self.bones_m) >= _MOST_SUBJECTS * len(joints.bones):
            return
        pose = pose[:: max(1, len(pose) // 100)]
        for joint, parent in joints.bones:
            length = float(np.median(np.linalg.norm(pose[:, joint] - pose[:, parent], axis=-1)))
            key = clip.subject, bone_name(joints, joint)
            total, clips = self.bones_m.get(key, (0.0, 0))
            self.bones_m[key] = total + length, clips + 1

    def _add_speeds(self, clip: Clip) -> None:
        pose, joints = pose_m(clip), joint_set(clip.joint_set)
        if pose is None or len(pose) < 2:
            return
        for name, parts in SPEED_PARTS.items():
            at = [joints.index(f"{side}_{part}") for part in parts for side in ("left", "right")]
            speed = np.linalg.norm(np.diff(pose[:, at], axis=0), axis=-1) * clip.fps
            counts = np.histogram(np.minimum(speed, SPEED_EDGES_M_S[-1]), SPEED_EDGES_M_S)[0]
            self.speeds[name] = self.speeds.get(name, np.zeros_like(counts)) + counts

    def _add_noise(self, clip: Clip) -> None:
        for view in views_of(clip, 200):
            pixels = projected_px(view.pose_m, view.camera, view.world)
            error_px = np.linalg.norm(pixels - view.keypoints_px, axis=-1)[view.seen]
            score = np.ones(view.seen.shape)
            if clip.keypoint_score is not None:
                score = clip.keypoint_score[view.number][:: -(-clip.num_frames // 200)]
            error_px = np.minimum(error_px, ERROR_EDGES_PX[-1])
            counts = np.histogram2d(score[view.seen], error_px, (SCORE_EDGES, ERROR_EDGES_PX))[0]
            self.noise += counts.astype(np.int64)

    def _add_visibility(self, clip: Clip) -> None:
        if clip.keypoints_px is None:
            return
        joints = len(joint_set(clip.joint_set))
        score = clip.keypoint_score
        score = np.ones(clip.keypoints_px.shape[:3]) if score is None else score
        seen = (score > 0).sum(axis=(0, 1)).astype(np.float64)
        self.seen = seen + (np.zeros(joints) if self.seen is None else self.seen)
        summed = score.sum(axis=(0, 1), dtype=np.float64)
        self.score = summed + (np.zeros(joints) if self.score is None else self.score)
        self.keypoints += score.shape[0] * score.shape[1]

    def _add_rig(self, clip: Clip) -> None:
        if clip.pose_world_m is None or not all(camera.has_extrinsics for camera in clip.cameras):
            return
        places = [
            np.round(np.asarray(camera.translation_m), 3).tobytes() for camera in clip.cameras
        ]
        key = b"".join(places).hex()
        if key not in self.rigs:
            if len(self.rigs) >= _MOST_RIGS:
                return
            middle = clip.pose_world_m[len(clip.pose_world_m) // 2]
            self.rigs[key] = Rig(clip.subject, clip.cameras, clip.joint_set, middle)
        root = joint_set(clip.joint_set).root
        at = np.linspace(0, clip.num_frames - 1, min(_PATH_POINTS, clip.num_frames)).astype(int)
        if len(self.rigs[key].paths_m) < _PATH_POINTS:
            self.rigs[key].paths_m.append(clip.pose_world_m[at, root])


def bone_name(joints: JointSet, joint: int) -> str:
    """`left_hip-knee` for the bone from the left hip to the left knee."""
    name, parent = joints.joints[joint], joints.joints[joints.parents[joint]]
    for side in ("left_", "right_"):
        if name.startswith(side):
            return f"{side}{parent.removeprefix(side)}-{name.removeprefix(side)}"
    return f"{parent}-{name}"
