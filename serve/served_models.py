"""The models an endpoint holds: loading, choosing, lifting, and what an answer says of them."""

import gc
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from monopose.errors import InputError, IntegrityError
from monopose.geometry.camera import Camera
from monopose.inference.predictor import Estimate, Keypoints2d, Predictor
from monopose.inference.registry import resolve
from monopose.skeleton import conversion
from monopose.training.checkpoint import load_model
from serve.lift_request import LiftRequest
from serve.schemas import Limits, RequestError

_DIGITS_MM, _DIGITS_CONFIDENCE = 2, 3
_SMALLEST_PX, _LARGEST_PX = 100.0, 900.0


@dataclass(frozen=True)
class ServedModel:
    """A loaded model and what is known of it."""

    alias: str
    predictor: Predictor
    metrics: dict[str, Any]

    @property
    def margin(self) -> int:
        """Frames beyond its own that a sequence costs."""
        return self.predictor.estimator.receptive_field - 1

    def cost(self, request: LiftRequest) -> int:
        """Frames to lift, at the model's rate and with the field's margin."""
        return self.predictor.model_frames(request.keypoints) + self.margin

    def check_frames(self, request: LiftRequest, limits: Limits) -> None:
        """Raises RequestError 413 for more frames at the model's rate than the limit."""
        frames = self.predictor.model_frames(request.keypoints)
        if frames > limits.max_frames:
            rate = f"{frames} frames at the model's {self.predictor.fps:g} a second"
            what = f"keypoints has {rate}, the limit is {limits.max_frames}"
            fix = "send the sequence in overlapping parts, or without fps"
            raise RequestError(413, "keypoints", what, fix)

    def card(self) -> dict[str, Any]:
        """Its entry in GET /v1/models."""
        recipe = self.predictor.recipe
        return {
            "id": self.predictor.model_id,
            "alias": self.alias,
            "joint_set": self.predictor.joints.name,
            "recipe": recipe.name,
            "recipe_digest": recipe.digest(),
            "receptive_field": self.margin + 1,
            "fps": self.predictor.fps,
            "metrics": self.metrics,
        }


class Models:
    """Every loaded model by alias and by id; the first is the default."""

    def __init__(self, served: Sequence[ServedModel]) -> None:
        self.served = tuple(served)
        self._by_name = {model.predictor.model_id: model for model in reversed(self.served)}
        self._by_name |= {model.alias: model for model in reversed(self.served)}

    def choose(self, name: str | None) -> ServedModel:
        """The model of that alias or id, or the default; raises RequestError 404."""
        if name is None:
            return self.served[0]
        if name not in self._by_name:
            known = ", ".join(self._by_name)
            raise RequestError(404, "model", f"no loaded model {name[:80]!r}", f"loaded: {known}")
        return self._by_name[name]

    def check(self) -> None:
        """Lifts a fixed sequence with each model; raises IntegrityError on a wrong answer."""
        for model in self.served:
            _canary(model)


def load(aliases: dict[str, str], device: str) -> Models:
    """Loads `{alias: version, URI or alias in the registry}` and lifts a canary with each.

    Raises InputError, StorageError, RecipeError or IntegrityError.
    """
    served = []
    for alias, given in aliases.items():
        uri = resolve(given)
        model = load_model(uri, device)
        if model.recipe.stored_maps_px is not None:
            what = "the model reads a detector's own maps, which no request holds"
            raise InputError(what, where=alias, fix="serve a model of another encoder")
        name = uri.rsplit("/", 1)[-1]
        predictor = Predictor(model.estimator, model.recipe, name, model.fps)
        served.append(ServedModel(alias, predictor, model.metrics))
    models = Models(served)
    models.check()
    # A large request makes thousands of lists, and each collection would walk all of torch.
    gc.collect()
    gc.freeze()
    return models


def lift(items: Sequence[tuple[ServedModel, Keypoints2d]]) -> list[Estimate]:
    """Each sequence lifted by its own model, equal models together."""
    estimates: dict[int, Estimate] = {}
    for model in {id(model): model for model, _ in items}.values():
        indices = [index for index, (own, _) in enumerate(items) if own is model]
        lifted = model.predictor.estimate([items[index][1] for index in indices])
        estimates |= dict(zip(indices, lifted, strict=True))
    return [estimates[index] for index in range(len(items))]


def answer(model: ServedModel, request: LiftRequest, estimate: Estimate) -> bytes:
    """The JSON of POST /v1/lift: a hundredth of a millimetre, a thousandth of confidence."""
    joints = model.predictor.joints
    to_set = conversion(request.keypoints.joint_set, joints.name)
    score = request.keypoints.score
    observed = to_set.mask.astype(np.float64)
    if (score <= 0).any():
        observed = (to_set.apply_score(score) > 0).mean(axis=0)
    content = {
        "pose_mm": np.round(estimate.pose_m * 1000, _DIGITS_MM),
        "confidence": np.round(estimate.confidence, _DIGITS_CONFIDENCE),
        "resampled": estimate.resampled,
        "joints": joints.joints,
        "joint_set": joints.name,
        "root": joints.joints[joints.root],
        "parents": joints.parents,
        "model": model.predictor.model_id,
        "frames": request.frames,
        "masked_joints": [joints.joints[j] for j in np.flatnonzero(observed == 0)],
        "approximate_joints": [joints.joints[j] for j in np.flatnonzero(to_set.approximate)],
        "observed_share": np.round(observed, 4),
    }
    return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)


def _canary(model: ServedModel) -> None:
    joints = model.predictor.joints
    ramp = np.linspace(_SMALLEST_PX, _LARGEST_PX, 3 * len(joints) * 2, dtype=np.float32)
    keypoints_px = ramp.reshape(3, len(joints), 2)
    camera = Camera("canary", width=1000, height=1000)
    score = np.ones((3, len(joints)), np.float32)
    (pose_m,) = model.predictor.lift([Keypoints2d(keypoints_px, score, joints.name, camera)])
    if pose_m.shape != (3, len(joints), 3) or not np.isfinite(pose_m).all():
        raise IntegrityError(
            "the model's answer to a fixed sequence is not finite", where=model.alias
        )
