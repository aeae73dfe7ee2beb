"""A loaded model that lifts keypoints of any joint set, many sequences at once."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32

from monopose.data.batches import Batch, image_size, normalise_screen
from monopose.data.maps import Maps, ViewMaps, required
from monopose.errors import InputError
from monopose.geometry.camera import Camera
from monopose.inference.confidence import seen_confidence
from monopose.inference.resampling import Resampling, resampling
from monopose.models.estimator import Estimator
from monopose.recipes.recipe import Recipe
from monopose.skeleton import conversion, joint_set
from monopose.training.checkpoint import load_model
from monopose.training.loop import lift

# Far beyond any detector's output, far below where float32 loses the pixel.
_LARGEST_PX = 1e6


@dataclass(frozen=True)
class Keypoints2d:
    """One person's keypoints over time; score 0 marks a missing one.

    keypoints_px: T x J x 2 in the joint set named. camera gives at least the image size. fps:
    frames per second; without it they are taken to come at the model's rate. maps: of the same
    joints and frames, for models that read a detector's own.
    """

    keypoints_px: Float[np.ndarray, "T J 2"]
    score: Float[np.ndarray, "T J"]
    joint_set: str
    camera: Camera
    fps: float | None = None
    maps: ViewMaps | None = None


@dataclass(frozen=True)
class Estimate:
    """A lifted sequence.

    pose_m: T x J x 3 metres, root-relative, camera frame. confidence: T x J, 0..1, how much of
    what the pose rests on was seen (inference/confidence.py), not how wrong it is. resampled: the
    model was given frames at its own rate, made of those that came (inference/resampling.py).
    """

    pose_m: Float32[np.ndarray, "T J 3"]
    confidence: Float32[np.ndarray, "T J"]
    resampled: bool


class Predictor:
    """Lifts sequences with one model; sequences of equal length share a forward pass.

    fps: the rate the model was trained at. Sequences that say another are resampled to it, and
    their poses back to the frames that came; where either is not known nothing is.
    """

    def __init__(
        self, estimator: Estimator, recipe: Recipe, model_id: str, fps: float | None = None
    ) -> None:
        self.estimator = estimator.eval()
        self.recipe = recipe
        self.model_id = model_id
        self.fps = fps
        self.joints = joint_set(recipe.data.joint_set)
        self.device = next(estimator.parameters()).device

    @classmethod
    def load(cls, uri: str, device: str = "cpu") -> "Predictor":
        """Reads a model folder; the model id is the folder's name."""
        model = load_model(uri, device)
        return cls(model.estimator, model.recipe, uri.rstrip("/").rsplit("/", 1)[-1], model.fps)

    def lift(self, sequences: Sequence[Keypoints2d]) -> list[Float32[np.ndarray, "T J 3"]]:
        """Root-relative poses in the camera frame, metres, one array for each sequence.

        Sequences may be shorter than what the model sees (their ends are repeated), and keypoints
        missing by a score of 0, a coordinate or a score that is no finite number, or a coordinate
        beyond a million pixels: the pose is finite even where nothing was seen. Raises InputError
        for a camera without image size, a frame rate that is not a number of at least 1, and a
        model that reads maps where there are none of its size.
        """
        prepared = [self._inputs(sequence) for sequence in sequences]
        return self._poses_m(sequences, prepared)

    def estimate(self, sequences: Sequence[Keypoints2d]) -> list[Estimate]:
        """Poses as of `lift`, with how much each rests on what was seen."""
        prepared = [self._inputs(sequence) for sequence in sequences]
        poses_m = self._poses_m(sequences, prepared)
        confidences = _equal_at_once(prepared, self._confidence_equal)
        return [
            Estimate(pose_m, seen if times is None else times.confidence(seen), times is not None)
            for pose_m, seen, times in zip(
                poses_m, confidences, map(self._resampling, sequences), strict=True
            )
        ]

    def _poses_m(
        self, sequences: Sequence[Keypoints2d], prepared: Sequence[tuple[np.ndarray, ...]]
    ) -> list[Float32[np.ndarray, "T J 3"]]:
        """Poses of the frames that came, from what the model is given of each sequence."""
        poses_m = _equal_at_once(prepared, self._lift_equal)
        return [
            pose_m if times is None else times.poses(pose_m)
            for pose_m, times in zip(poses_m, map(self._resampling, sequences), strict=True)
        ]

    def model_frames(self, sequence: Keypoints2d) -> int:
        """Frames that the model is given for the sequence: at its own rate, where it is known."""
        times = self._resampling(sequence)
        return len(sequence.keypoints_px) if times is None else times.frames

    def _resampling(self, sequence: Keypoints2d) -> Resampling | None:
        # To a model of single frames time is nothing.
        fps = self.fps if self.estimator.context.frames > 1 else None
        return resampling(len(sequence.keypoints_px), sequence.fps, fps)

    @torch.inference_mode()
    def _lift_equal(
        self,
        keypoints: Float32[np.ndarray, "B T J 2"],
        score: Float32[np.ndarray, "B T J"],
        *maps: np.ndarray,
    ) -> Float32[np.ndarray, "B T J 3"]:
        if keypoints.shape[1] == 0:
            return np.zeros((*score.shape, 3), np.float32)
        inputs = (torch.from_numpy(a).to(self.device) for a in (keypoints, score, *maps))
        batch = self._padded(*inputs)
        return lift(self.estimator, batch, self.recipe).cpu().numpy()

    def _confidence_equal(
        self,
        _: Float32[np.ndarray, "B T J 2"],
        score: Float32[np.ndarray, "B T J"],
        *_maps: np.ndarray,
    ) -> Float32[np.ndarray, "B T J"]:
        return seen_confidence(score, self.estimator.context)

    def _inputs(self, sequence: Keypoints2d) -> tuple[np.ndarray, ...]:
        """Keypoints and scores as of `prepare`, and maps and their boxes where the model reads."""
        size_px, prepared = self.recipe.stored_maps_px, self.prepare(sequence)
        if size_px is None:
            return prepared
        maps = required(sequence.maps, size_px, "keypoints")
        if len(maps.heatmaps) != len(sequence.keypoints_px):
            what = f"{len(maps.heatmaps)} frames of heatmaps beside {len(sequence.keypoints_px)}"
            raise InputError(f"{what} of keypoints", where="keypoints")
        if (times := self._resampling(sequence)) is not None:
            nearest = np.rint(times.moment).astype(np.int64)
            maps = ViewMaps(maps.heatmaps[nearest], maps.box_px[nearest])
        maps = maps.converted(conversion(sequence.joint_set, self.joints.name))
        box = maps.screen_box(*image_size(sequence.camera, "keypoints"))
        return (*prepared, maps.heatmaps, box)

    def prepare(
        self, sequence: Keypoints2d
    ) -> tuple[Float32[np.ndarray, "T J 2"], Float32[np.ndarray, "T J"]]:
        """Screen-normalised keypoints in the model's joint set, and scores: 0 where missing.

        T is `model_frames`.
        """
        to_set = conversion(sequence.joint_set, self.joints.name)
        size = image_size(sequence.camera, "keypoints")
        keypoints_px, score = _present(sequence.keypoints_px, sequence.score)
        if (times := self._resampling(sequence)) is not None:
            keypoints_px, score = times.keypoints(keypoints_px, score)
        screen = normalise_screen(keypoints_px, *size)
        return to_set.apply(screen), to_set.apply_score(score)

    def _padded(
        self,
        keypoints: Float32[torch.Tensor, "B T J 2"],
        score: Float32[torch.Tensor, "B T J"],
        *maps: torch.Tensor,
    ) -> Batch:
        frames, context = keypoints.shape[1], self.estimator.context
        offsets = torch.arange(-context.before, frames + context.after)
        index = offsets.clamp(0, frames - 1).to(self.device)
        count, joints = len(keypoints), keypoints.shape[2]
        return Batch(
            keypoints=keypoints[:, index],
            score=score[:, index],
            target_keypoints=keypoints,
            target_score=score,
            pose_m=keypoints.new_zeros(count, frames, joints, 3),
            root_m=keypoints.new_zeros(count, frames, 3),
            intrinsics=keypoints.new_zeros(count, 4),
            valid=torch.ones(count, frames, dtype=torch.bool, device=self.device),
            joint_mask=torch.ones(count, joints, dtype=torch.bool, device=self.device),
            has_3d=torch.zeros(count, dtype=torch.bool, device=self.device),
            maps=Maps(*(each[:, index] for each in maps)) if maps else None,
        )


def _equal_at_once(
    prepared: Sequence[tuple[np.ndarray, ...]], work: Callable[..., np.ndarray]
) -> list[np.ndarray]:
    """What work makes of each prepared sequence, given those of equal length together."""
    by_length: dict[int, list[int]] = defaultdict(list)
    for index, (keypoints, *_) in enumerate(prepared):
        by_length[len(keypoints)].append(index)
    made: dict[int, np.ndarray] = {}
    for indices in by_length.values():
        parts = zip(*(prepared[i] for i in indices), strict=True)
        made |= dict(zip(indices, work(*map(np.stack, parts)), strict=True))
    return [made[index] for index in range(len(prepared))]


def _present(
    keypoints_px: Float[np.ndarray, "T J 2"], score: Float[np.ndarray, "T J"]
) -> tuple[Float32[np.ndarray, "T J 2"], Float32[np.ndarray, "T J"]]:
    """Both with zeros where a keypoint is missing or cannot be one."""
    # Comparisons with NaN are false, so these are missing too.
    there = (score > 0) & (score < np.inf) & (np.abs(keypoints_px) < _LARGEST_PX).all(axis=-1)
    keypoints_px = np.where(there[..., None], keypoints_px, 0).astype(np.float32)
    return keypoints_px, np.where(there, score, 0).astype(np.float32)
