"""From clips to training batches: screen normalisation, clips as tensors, chunks cut by index.

Axes: B chunks, T frames, J joints, N all frames of all sequences; a sequence is one clip seen by
one camera.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from operator import attrgetter

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int
from torch import Tensor

from monopose.data.clip import Clip
from monopose.data.context import Context
from monopose.data.maps import Maps, required, view_maps
from monopose.errors import InputError
from monopose.geometry.camera import Camera, assume_intrinsics
from monopose.skeleton import conversion, joint_set

# What tensors of maps are called among the others.
_MAPS = ("heatmaps", "box")
# World (Z up) to the frame of a level camera, for clips whose camera pose is not known.
_LEVEL_CAMERA = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], np.float32)


@dataclass(frozen=True)
class Batch:
    """What a training step sees.

    keypoints are screen-normalised, by the estimator's context longer than the poses; score is 0
    where a keypoint is missing. pose_m is root-relative in the camera frame. valid marks output
    frames that exist (a short sequence is padded), joint_mask joints that the source has.
    target_keypoints and target_score are what was detected in the output frames, also where the
    inputs hide it; root_m is where the root is in the camera frame, intrinsics as in ClipTensors.
    maps: a detector's own, of the frames of keypoints, where the recipe reads them.
    """

    keypoints: Float[Tensor, "B T_in J 2"]
    score: Float[Tensor, "B T_in J"]
    target_keypoints: Float[Tensor, "B T J 2"]
    target_score: Float[Tensor, "B T J"]
    pose_m: Float[Tensor, "B T J 3"]
    root_m: Float[Tensor, "B T 3"]
    intrinsics: Float[Tensor, "B 4"]
    valid: Bool[Tensor, "B T"]
    joint_mask: Bool[Tensor, "B J"]
    has_3d: Bool[Tensor, " B"]
    maps: Maps | None = None


@dataclass(frozen=True)
class ClipTensors:
    """All frames of many sequences, end to end, with where each sequence starts.

    pose_m is absolute in the camera frame. rotation is world (Z up) to camera. intrinsics are
    (fx, fy, cx, cy) in screen-normalised units, so that x_screen = fx * X / Z + cx. take numbers
    the takes: views of one have one number. maps: those of each frame, where they were asked for.
    """

    keypoints: Float32[Tensor, "N J 2"]
    score: Float32[Tensor, "N J"]
    pose_m: Float32[Tensor, "N J 3"]
    first: Int[Tensor, " S"]
    length: Int[Tensor, " S"]
    rotation: Float32[Tensor, "S 3 3"]
    intrinsics: Float32[Tensor, "S 4"]
    joint_mask: Bool[Tensor, "S J"]
    take: Int[Tensor, " S"]
    has_3d: Bool[Tensor, " S"]
    maps: Maps | None = None

    @property
    def num_frames(self) -> int:
        """N: frames over all sequences."""
        return int(self.keypoints.shape[0])

    def to(self, device: torch.device) -> "ClipTensors":
        """The same tensors on another device."""
        return self._of({name: values.to(device) for name, values in self._tensors().items()})

    def arrays(self) -> dict[str, np.ndarray]:
        """The tensors as numpy arrays, for the object store (read back without a copy)."""
        return {name: values.numpy() for name, values in self._tensors().items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "ClipTensors":
        """Inverse of `arrays`; the tensors share memory with the arrays."""
        return cls._of({name: torch.from_numpy(values) for name, values in arrays.items()})

    def _tensors(self) -> dict[str, Tensor]:
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "maps"}
        if self.maps is None:
            return plain
        return plain | dict(zip(_MAPS, (self.maps.heatmaps, self.maps.box), strict=True))

    @classmethod
    def _of(cls, tensors: dict[str, Tensor]) -> "ClipTensors":
        plain = dict(tensors)
        maps = [plain.pop(name) for name in _MAPS if name in plain]
        return cls(**plain, maps=Maps(*maps) if maps else None)


def normalise_screen(
    keypoints_px: Float[np.ndarray, "*batch 2"], width: int, height: int
) -> Float[np.ndarray, "*batch 2"]:
    """Pixels to [-1, 1] across the width, keeping the aspect ratio (Pavllo et al. 2019)."""
    scale = np.array(2.0 / width, keypoints_px.dtype)
    return keypoints_px * scale - np.array([1.0, height / width], keypoints_px.dtype)


def image_size(camera: Camera, where: str) -> tuple[int, int]:
    """(width, height) in pixels; raises InputError when the camera does not say."""
    if camera.width is None or camera.height is None:
        raise InputError(
            f"camera {camera.camera_id!r} has no image size", where=where, fix="give width, height"
        )
    return camera.width, camera.height


def screen_intrinsics(camera: Camera, where: str) -> tuple[float, float, float, float]:
    """(fx, fy, cx, cy) in screen-normalised units; assumed from the width where unknown."""
    width, height = image_size(camera, where)
    known = assume_intrinsics(camera)
    fx, fy, cx, cy = (float(v or 0.0) for v in (known.fx, known.fy, known.cx, known.cy))
    scale = 2.0 / width
    return fx * scale, fy * scale, cx * scale - 1, cy * scale - height / width


def clip_tensors(
    clips: Iterable[Clip], joint_set_name: str, heatmap_px: int | None = None
) -> ClipTensors:
    """Every view of every clip as one sequence; raises InputError when none has keypoints.

    Joints are converted by name; those without a counterpart are zero and masked. Clips are put
    in the order of their ids, so that the same data give the same tensors however they were read.
    heatmap_px: side of the maps that every clip must have; None leaves maps out.
    """
    ordered = sorted(clips, key=attrgetter("clip_id", "start_frame"))
    takes = {
        clip_id: np.array(n) for n, clip_id in enumerate(dict.fromkeys(c.clip_id for c in ordered))
    }
    sequences = [
        {**sequence, "take": takes[clip.clip_id]}
        for clip in ordered
        for sequence in _sequences(clip, joint_set_name, heatmap_px)
    ]
    if not sequences:
        raise InputError("no clip has 2D keypoints to train or test on")
    lengths = [len(sequence["keypoints"]) for sequence in sequences]
    arrays = {
        name: np.concatenate([sequence[name] for sequence in sequences])
        for name in ("keypoints", "score", "pose_m", *(() if heatmap_px is None else _MAPS))
    }
    arrays |= {
        name: np.stack([sequence[name] for sequence in sequences])
        for name in ("rotation", "intrinsics", "joint_mask", "take", "has_3d")
    }
    arrays["length"] = np.array(lengths, np.int64)
    arrays["first"] = np.cumsum([0, *lengths[:-1]], dtype=np.int64)
    return ClipTensors.from_arrays(arrays)


def _sequences(
    clip: Clip, joint_set_name: str, heatmap_px: int | None
) -> Iterator[dict[str, np.ndarray]]:
    if clip.keypoints_px is None:
        return
    to_set = conversion(clip.joint_set, joint_set_name)
    poses_m = clip.camera_poses_m()
    for view, camera in enumerate(clip.cameras):
        keypoints_px = clip.keypoints_px[view]
        score = (
            np.ones(keypoints_px.shape[:2], np.float32)
            if clip.keypoint_score is None
            else clip.keypoint_score[view]
        )
        size = image_size(camera, clip.clip_id)
        keypoints = normalise_screen(keypoints_px, *size)
        maps = {}
        if heatmap_px is not None:
            where = f"clip {clip.clip_id!r}"
            given = required(view_maps(clip, view), heatmap_px, where).converted(to_set)
            maps = dict(zip(_MAPS, (given.heatmaps, given.screen_box(*size)), strict=True))
        pose_m = None if poses_m is None else to_set.apply(poses_m[view])
        shape = (len(keypoints), len(joint_set(joint_set_name)), 3)
        rotation = _LEVEL_CAMERA if camera.rotation is None else camera.rotation
        yield {
            "keypoints": to_set.apply(keypoints),
            "score": to_set.apply_score(score),
            "pose_m": np.zeros(shape, np.float32) if pose_m is None else pose_m,
            "rotation": np.asarray(rotation, np.float32),
            "intrinsics": np.array(screen_intrinsics(camera, clip.clip_id), np.float32),
            "joint_mask": to_set.mask,
            "has_3d": np.array(pose_m is not None),
            **maps,
        }


def chunk_starts(
    tensors: ClipTensors, chunk_frames: int, generator: torch.Generator
) -> Int[Tensor, "chunks 2"]:
    """(sequence, first output frame) of chunks that cover every sequence, in random order.

    Each sequence's tiling starts at a random phase, so chunk borders move from epoch to epoch.
    """
    length = tensors.length.cpu()
    phase = torch.rand(len(length), generator=generator)
    phase = (phase * torch.minimum(length, torch.tensor(chunk_frames))).long()
    count = torch.div(length - 1 + phase, chunk_frames, rounding_mode="floor") + 1
    sequence = torch.repeat_interleave(torch.arange(len(length)), count)
    order = torch.arange(len(sequence)) - torch.repeat_interleave(count.cumsum(0) - count, count)
    start = order * chunk_frames - phase[sequence]
    last_start = (length[sequence] - chunk_frames).clamp(min=0)
    start = torch.minimum(start.clamp(min=0), last_start)
    shuffled = torch.randperm(len(sequence), generator=generator)
    return torch.stack([sequence, start], dim=1)[shuffled]


@dataclass(frozen=True)
class Chunks:
    """Raw chunks as they lie in the clips, before augmentation; pose_m is absolute.

    keypoints and score have the context's frames more, repeated at a sequence's ends;
    context_pose_m and maps cover the same frames as keypoints.
    """

    keypoints: Float[Tensor, "B T_in J 2"]
    score: Float[Tensor, "B T_in J"]
    context_pose_m: Float[Tensor, "B T_in J 3"]
    valid: Bool[Tensor, "B T"]
    rotation: Float[Tensor, "B 3 3"]
    intrinsics: Float[Tensor, "B 4"]
    joint_mask: Bool[Tensor, "B J"]
    has_3d: Bool[Tensor, " B"]
    maps: Maps | None = None


def cut_chunks(
    tensors: ClipTensors, starts: Int[Tensor, "B 2"], chunk_frames: int, context: Context
) -> Chunks:
    """Gathers chunks by (sequence, first output frame), padding at the ends by repetition."""
    device = tensors.keypoints.device
    sequence, start = starts.to(device).unbind(1)
    offsets = torch.arange(-context.before, chunk_frames + context.after, device=device)
    last = tensors.length[sequence].unsqueeze(1) - 1
    local = start.unsqueeze(1) + offsets
    frames = tensors.first[sequence].unsqueeze(1) + local.clamp(min=0).minimum(last)
    return Chunks(
        keypoints=tensors.keypoints[frames],
        score=tensors.score[frames],
        context_pose_m=tensors.pose_m[frames],
        valid=(local <= last)[:, context.before : context.before + chunk_frames],
        rotation=tensors.rotation[sequence],
        intrinsics=tensors.intrinsics[sequence],
        joint_mask=tensors.joint_mask[sequence],
        has_3d=tensors.has_3d[sequence],
        maps=None if tensors.maps is None else tensors.maps.at(frames),
    )
