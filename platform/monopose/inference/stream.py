"""Live use of a causal model: one frame in, one pose out, at a cost that does not grow.

The poses are those of one pass over the whole sequence (`Predictor.lift`) up to rounding.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from monopose.errors import InputError
from monopose.geometry.camera import Camera
from monopose.inference.confidence import newest_confidence
from monopose.inference.frame_rate import FrameClock, LiveFrame, same_rate
from monopose.inference.predictor import Keypoints2d, Predictor
from monopose.models.temporal.live import check_sees_no_newer, live

# Weight of the newest interval in the running mean of those between frames.
_NEWEST = 0.1


@dataclass(frozen=True)
class LivePose:
    """The newest pose.

    pose_m: J x 3 metres, root-relative, camera frame. confidence: of each joint, as in `Estimate`;
    frames before the first count as unseen. time_s: the moment it is of, where frames have times;
    resampled, it may lie up to a frame back. resampled: the model was not given this frame as it
    is. restarted: the gap before it was longer than the model sees, so that it began anew.
    """

    pose_m: Float32[np.ndarray, "J 3"]
    confidence: Float32[np.ndarray, " J"]
    time_s: float | None
    resampled: bool = False
    restarted: bool = False


class LiveLifter:
    """Lifts one person's keypoints frame by frame; one of these for each person and camera.

    joint_set, camera: of the keypoints that will come. fps: the rate the model was trained at;
    given it, frames come with their times, and those of another rate are resampled to the model's
    (inference/frame_rate.py). Without it every frame is taken to be the next. Raises InputError
    when the model sees ahead or reads a detector's own maps, or the camera has no image size.
    """

    def __init__(
        self, predictor: Predictor, joint_set: str, camera: Camera, fps: float | None = None
    ) -> None:
        self.predictor, self.joint_set, self.camera = predictor, joint_set, camera
        if predictor.recipe.stored_maps_px is not None:
            raise InputError(
                "the model reads a detector's own maps, which come with no live keypoints",
                fix="use a model of another encoder",
            )
        self.context = predictor.estimator.context
        check_sees_no_newer(self.context)
        self.temporal = live(predictor.estimator.temporal)
        self.clock = None if fps is None else FrameClock(fps, self.context.frames)
        self.newest: LivePose | None = None
        self.seen = np.zeros((self.context.frames, len(predictor.joints)), np.float32)
        self.interval_s = 0.0
        self._before: tuple[Tensor, Tensor] | None = None
        joints = predictor.joints
        self._mirror = torch.tensor(joints.mirror, device=predictor.device)
        self._turned = torch.tensor([-1.0, 1.0, 1.0], device=predictor.device)

    def push(
        self,
        keypoints_px: Float[np.ndarray, "J 2"],
        score: Float[np.ndarray, " J"],
        time_s: float | None = None,
    ) -> LivePose:
        """The newest pose after this frame; a score of 0 marks a missing keypoint.

        Where frames come faster than the model's rate some change nothing, and the last pose is
        given again. Raises InputError for a frame that is not newer than the last one.
        """
        if self.clock is None:
            return self._lifted(keypoints_px, score, time_s)
        if time_s is None:
            raise InputError("the frame has no time", fix="give time_s, or no fps at the start")
        there = np.isfinite(keypoints_px).all(axis=1) & (score > 0)
        keypoints_px, score = np.where(there[:, None], keypoints_px, 0), np.where(there, score, 0)
        return self._clocked(self.clock, LiveFrame(keypoints_px, score, time_s))

    def _clocked(self, clock: FrameClock, frame: LiveFrame) -> LivePose:
        last = clock.last
        due = clock.take(frame)
        if last is not None and not due.restarted:
            interval_s = frame.time_s - last.time_s
            known = self.interval_s or interval_s
            self.interval_s = known + _NEWEST * (interval_s - known)
        if due.restarted:
            self.reset()
        for each in due.frames:
            self.newest = self._lifted(each.keypoints_px, each.score, each.time_s)
        assert self.newest is not None
        self.newest = replace(self.newest, resampled=due.resampled, restarted=due.restarted)
        return self.newest

    def note(self) -> str:
        """What was done about the frame rate, or nothing to say."""
        if self.clock is None or not self.interval_s:
            return ""
        fps, model_fps = 1 / self.interval_s, 1 / self.clock.period_s
        if same_rate(fps, model_fps):
            return ""
        return f"frames come at {fps:.1f} a second and are resampled to the model's {model_fps:g}"

    def _filled(
        self, keypoints: Float[Tensor, "B 1 J 2"], score: Float[Tensor, "B 1 J"]
    ) -> tuple[Float[Tensor, "B 1 J 2"], Float[Tensor, "B 1 J"]]:
        """The newest frame with what is missing from frames before; the first counts as those."""
        fill = self.predictor.estimator.fill
        if fill is None:
            return keypoints, score
        frames = fill.context.frames
        if self._before is None:
            self._before = (keypoints.repeat(1, frames, 1, 1), score.repeat(1, frames, 1))
        held = zip(self._before, (keypoints, score), strict=True)
        recent, recent_score = (torch.cat([old[:, 1:], new], dim=1) for old, new in held)
        self._before = (recent, recent_score)
        filled: tuple[Tensor, Tensor] = fill(recent, recent_score)
        return filled

    def reset(self) -> None:
        """Forgets all frames: the next one begins a sequence."""
        self._before = None
        self.temporal.reset()
        self.seen[:] = 0

    @torch.inference_mode()
    def _lifted(
        self,
        keypoints_px: Float[np.ndarray, "J 2"],
        score: Float[np.ndarray, " J"],
        time_s: float | None,
    ) -> LivePose:
        sequence = Keypoints2d(keypoints_px[None], score[None], self.joint_set, self.camera)
        keypoints, known = self.predictor.prepare(sequence)
        self.seen[:-1] = self.seen[1:]
        self.seen[-1] = known[0]
        device = self.predictor.device
        pose_m = self._poses(
            torch.from_numpy(keypoints).to(device), torch.from_numpy(known).to(device)
        )
        confidence = newest_confidence(self.seen, self.context)
        return LivePose(pose_m.float().cpu().numpy(), confidence, time_s)

    def _poses(
        self, keypoints: Float[Tensor, "1 J 2"], score: Float[Tensor, "1 J"]
    ) -> Float[Tensor, "J 3"]:
        """The pose; with flips on, averaged with the mirrored view's, as in training/loop.lift."""
        flip = self.predictor.recipe.data.flip
        if flip:
            mirrored = keypoints[:, self._mirror] * self._turned[:2]
            keypoints = torch.cat([keypoints, mirrored])
            score = torch.cat([score, score[:, self._mirror]])
        estimator = self.predictor.estimator
        keypoints, score = self._filled(keypoints[:, None], score[:, None])
        features = estimator.encoder(keypoints, score)[:, 0]
        pose_m = estimator.head(self.temporal.push(features)[:, None])[:, 0]
        pose_m = pose_m - pose_m[:, estimator.root : estimator.root + 1]
        if not flip:
            return pose_m[0]
        return (pose_m[0] + pose_m[1, self._mirror] * self._turned) / 2
