"""The endpoint's contract: what a request and an answer hold, limits, and errors as JSON.

The pydantic models document the JSON in OpenAPI. Number arrays are not parsed through them: they
go from orjson to numpy in `serve/lift_request.py`, which is several times faster and says which
field is wrong.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Field

Coordinate = float | None


@dataclass(frozen=True)
class Limits:
    """What one request may ask for; beyond it the answer is 413."""

    max_frames: int = 4096
    max_body_bytes: int = 16 * 2**20


class RequestError(Exception):
    """A request that cannot be answered; becomes the JSON error of that HTTP status.

    field: the field, header or path that is wrong. fix: what the caller can do now.
    """

    def __init__(self, status: int, field: str, message: str, fix: str) -> None:
        super().__init__(message)
        self.status = status
        self.field = field
        self.message = message
        self.fix = fix

    def body(self) -> dict[str, Any]:
        """`{"error": {"status", "field", "message", "fix"}}`."""
        content = {"field": self.field, "message": self.message, "fix": self.fix}
        return {"error": {"status": self.status, **content}}


class CameraBody(BaseModel):
    """Pinhole intrinsics in pixels, with Brown-Conrady distortion in OpenCV's order."""

    fx: Annotated[float, Field(gt=0)]
    fy: Annotated[float, Field(gt=0)]
    cx: float
    cy: float
    distortion: Annotated[list[float], Field(min_length=5, max_length=5)] | None = None


class LiftBody(BaseModel):
    """One person's 2D keypoints over time."""

    joint_set: str | None = Field(None, description="a name of GET /v1/joint_sets, or give joints")
    joints: list[str] | None = Field(None, description="the joint names of a known set, in order")
    keypoints: list[list[list[Coordinate] | None]] = Field(
        description="T x J x 2 pixels, or T x J x 3 with the score; null is a missing joint"
    )
    score: list[list[Coordinate]] | None = Field(None, description="T x J, 0..1; 0 is missing")
    image_size: Annotated[list[int], Field(min_length=2, max_length=2)] = Field(
        description="[width, height] of the full image, pixels"
    )
    camera: CameraBody | None = Field(None, description="for models that use the intrinsics")
    fps: Annotated[float, Field(ge=1)] | None = Field(
        None, description="frames per second; resampled where it is not the model's, if both known"
    )
    model: str | None = Field(None, description="an alias or id of GET /v1/models")


class LiftAnswer(BaseModel):
    """3D poses, relative to the root joint, in the camera's frame."""

    pose_mm: list[list[list[float]]] = Field(
        description="T x J x 3 millimetres; x right, y down, z forward"
    )
    confidence: list[list[float]] = Field(
        description="T x J, 0..1: how much of what the pose rests on was seen, not how wrong it is"
    )
    resampled: bool = Field(
        description="the model was given frames at its own rate, made of those that came"
    )
    joints: list[str]
    joint_set: str
    root: str
    parents: list[int]
    model: str
    frames: int
    masked_joints: list[str] = Field(
        description="joints the model had no input for in any frame; it filled them in"
    )
    approximate_joints: list[str] = Field(
        description="joints whose input was a neighbouring point of another joint set"
    )
    observed_share: list[float] = Field(description="per joint: share of frames with an input")


class ModelCard(BaseModel):
    """A loaded model."""

    id: str
    alias: str
    joint_set: str
    recipe: str
    recipe_digest: str
    receptive_field: int
    fps: float | None = Field(description="frame rate of its training; null where not known")
    metrics: dict[str, Any]


class ModelList(BaseModel):
    """Every loaded model; the first is the default."""

    models: list[ModelCard]
    access: str = Field(description="whether a key is required")
    refused_roll: str = Field(description="why the last change of models was not made, or empty")


class JointSetCard(BaseModel):
    """A known joint set; parents[j] is -1 for the root."""

    name: str
    joints: list[str]
    parents: list[int]
    root: str


class JointSetList(BaseModel):
    """Every joint set that requests may use."""

    joint_sets: list[JointSetCard]


class Problem(BaseModel):
    """What was wrong, where, and what to do."""

    status: int
    field: str
    message: str
    fix: str


class ErrorBody(BaseModel):
    """The body of every answer that is not 200, but for those the proxy gives itself."""

    error: Problem
