"""Results as they are stored: every number with its protocol, digests, versions and interval."""

from pydantic import BaseModel, ConfigDict

from monopose.errors import InputError
from monopose.evaluation.protocols import Aggregation, Alignment


class Record(BaseModel):
    """Base of the values that are stored: frozen, no unknown fields, no NaN or infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Score(Record):
    """One number: `value` in `unit`, its 95 % interval over clips (None for a single clip)."""

    protocol: str
    joint_set: str
    joints: int
    """how many joints were averaged: fewer than the protocol's where the data lack some"""
    alignment: Alignment
    aggregation: Aggregation
    unit: str
    value: float
    low: float | None
    high: float | None
    clips: int
    frames: int
    """frames over all cameras"""


class ClipScore(Record):
    """The root-relative MPJPE of one sequence, to find the worst ones."""

    clip_id: str
    camera_id: str
    subject: str
    action: str
    frames: int
    mpjpe_mm: float


class TakeValue(Record):
    """One take's mean under one protocol, over all its cameras.

    count: the values averaged (frames, or steps between them); joints: how many were averaged
    over.
    """

    clip_id: str
    action: str
    value: float
    count: int
    joints: int


class Provenance(Record):
    """What was evaluated on what, by which code; date is ISO 8601."""

    dataset: str
    dataset_digest: str
    synthetic: bool
    split: str
    recipe_name: str
    recipe_digest: str
    code_version: str
    date: str


class Evaluation(Provenance):
    """Every number of one model on one split with one share of the keypoints masked.

    by_joint, by_action, by_camera, by_subject: root-relative MPJPE, mm, frames pooled, over the
    joints of `joint_set` that the data have; an action's takes count as one action. seed: of the
    masks and the bootstrap.
    """

    joint_set: str
    seed: int
    mask_share: float
    scores: tuple[Score, ...]
    by_joint: dict[str, float]
    by_action: dict[str, float]
    by_camera: dict[str, float]
    by_subject: dict[str, float]
    clips: tuple[ClipScore, ...]
    skipped_clips: int
    """clips left out because they lack 3D labels or 2D keypoints"""

    def score(self, protocol_id: str) -> Score:
        """The score under that protocol; raises InputError naming those there are."""
        found = {score.protocol: score for score in self.scores}
        if protocol_id not in found:
            raise InputError(
                f"no score under protocol {protocol_id!r}", fix=f"there are {', '.join(found)}"
            )
        return found[protocol_id]

    def worst(self, count: int = 5) -> tuple[ClipScore, ...]:
        """The sequences with the largest error, worst first."""
        return tuple(sorted(self.clips, key=lambda clip: -clip.mpjpe_mm)[:count])
