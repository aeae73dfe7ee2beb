"""The recipe: one frozen value that says everything a run does; it has a digest.

Families are discriminated unions, so a parameter exists only where it means something.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError

from monopose.errors import RecipeError

Size = Literal["smoke", "small", "paper"]
"""of a preset: seconds on one core, minutes on two, a GPU"""
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Part(BaseModel):
    """Base of every part of a recipe: frozen, and unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class VirtualCameras(Part):
    """Random views of labelled clips, projected on the fly: 3D is known, so every view is free."""

    share: Share = 0.5
    """share of the labelled chunks seen from a random camera instead of their own"""
    distance_m: tuple[PositiveFloat, PositiveFloat] = (3.0, 8.0)
    elevation_deg: tuple[float, float] = (-10.0, 35.0)
    focal_to_width: tuple[PositiveFloat, PositiveFloat] = (0.9, 1.6)
    roll_deg: Annotated[float, Field(ge=0.0)] = 4.0
    noise: Annotated[float, Field(ge=0.0)] = 1.0
    """detector noise relative to the level measured on the data set's own detections"""


class DataMix(Part):
    """Which clips make up a batch, and how they are augmented."""

    joint_set: str = "h36m17"
    """clips of other joint sets are converted to this one by name, with a mask"""
    virtual_cameras: VirtualCameras | None = VirtualCameras()
    flip: bool = True
    """mirror half of the chunks in training, and average both ways in evaluation"""


class KeypointEncoder(Part):
    """Normalised 2D keypoints, flattened per frame."""

    kind: Literal["keypoints"] = "keypoints"
    inputs: Literal["xy", "xy_score"] = "xy"


class MlpEncoder(Part):
    """Residual MLP per frame (Martinez et al. 2017)."""

    kind: Literal["mlp"] = "mlp"
    inputs: Literal["xy", "xy_score"] = "xy"
    width: PositiveInt = 256
    blocks: PositiveInt = 2
    dropout: Share = 0.1


class NoTemporal(Part):
    """Each frame on its own."""

    kind: Literal["none"] = "none"


class SingleStrideTcn(Part):
    """Dilated temporal convolutions, one stride (Pavllo et al. 2019)."""

    kind: Literal["tcn_single"] = "tcn_single"
    channels: PositiveInt = 256
    filter_widths: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (3, 3, 3)
    dropout: Share = 0.25


class LinearHead(Part):
    """One linear map to the joints."""

    kind: Literal["linear"] = "linear"


class LossTerm(Part):
    """One term of the objective and its weight."""

    term: Literal["mpjpe", "mse", "velocity", "bone_vector", "symmetry"]
    weight: PositiveFloat = 1.0


class Optimiser(Part):
    """How weights follow gradients."""

    kind: Literal["adam", "adamw"] = "adamw"
    learning_rate: PositiveFloat = 1e-3
    weight_decay: Annotated[float, Field(ge=0.0)] = 0.01
    schedule: Literal["cosine", "exponential", "constant"] = "cosine"
    final_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.01
    """learning rate at the last step relative to the first"""
    warmup_share: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.02
    clip_norm: PositiveFloat | None = None
    ema_decay: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """decay of the averaged weights that are evaluated and saved; 0 turns averaging off"""


class Budget(Part):
    """How long to train and on how much at once; frames count outputs over all workers."""

    epochs: PositiveInt = 20
    chunk_frames: PositiveInt = 32
    """output frames of one chunk, trained densely"""
    batch_chunks: PositiveInt = 32
    """chunks in one step, shared out over the workers"""
    evaluate_every: PositiveInt = 5
    """epochs between evaluations; the last epoch is always evaluated"""


class Runtime(Part):
    """Switches that change speed but not the method."""

    amp: bool = False
    """bfloat16 autocast"""
    compile: bool = False
    """torch.compile on the estimator"""
    ingest: Literal["cache", "stream"] = "cache"


Encoder = Annotated[KeypointEncoder | MlpEncoder, Field(discriminator="kind")]
Temporal = Annotated[NoTemporal | SingleStrideTcn, Field(discriminator="kind")]
Head = Annotated[LinearHead, Field()]


class Recipe(Part):
    """A whole run: data, estimator, losses, optimiser, budget, seed."""

    name: Annotated[str, Field(min_length=1, pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
    data: DataMix = DataMix()
    encoder: Encoder = KeypointEncoder()
    temporal: Temporal = SingleStrideTcn()
    head: Head = LinearHead()
    losses: Annotated[tuple[LossTerm, ...], Field(min_length=1)] = (LossTerm(term="mpjpe"),)
    optimiser: Optimiser = Optimiser()
    budget: Budget = Budget()
    runtime: Runtime = Runtime()
    seed: Annotated[int, Field(ge=0)] = 0

    def digest(self) -> str:
        """First 12 hex digits of the SHA-256 of the recipe without its name and runtime."""
        content = self.model_dump(mode="json", exclude={"name", "runtime"})
        canonical = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(canonical).hexdigest()[:12]

    def to_json(self) -> bytes:
        """Readable JSON that `from_json` reads back to an equal recipe."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_INDENT_2)


def from_json(payload: bytes, where: str = "recipe") -> Recipe:
    """Reads a recipe; raises RecipeError naming the field that is wrong."""
    try:
        return Recipe.model_validate_json(payload)
    except ValidationError as error:
        raise _recipe_error(error, where) from error


def from_file(path: Path) -> Recipe:
    """Reads a recipe from a JSON file; raises RecipeError."""
    if not path.is_file():
        raise RecipeError("there is no such recipe file", where=str(path))
    return from_json(path.read_bytes(), where=str(path))


def with_values(recipe: Recipe, values: dict[str, Any], where: str = "--set") -> Recipe:
    """The recipe with dotted fields replaced, e.g. {"optimiser.learning_rate": 3e-4}.

    Changing a `kind` starts that part from its own defaults. Raises RecipeError.
    """
    content = recipe.model_dump(mode="json")
    for dotted, value in sorted(values.items(), key=lambda item: not item[0].endswith(".kind")):
        _set(content, dotted.split("."), value, where)
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        raise _recipe_error(error, where) from error


def _set(content: dict[str, Any], path: list[str], value: Any, where: str) -> None:
    node: Any = content
    for depth, key in enumerate(path[:-1]):
        node = node.get(key) if isinstance(node, dict) else None
        if not isinstance(node, dict):
            place = ".".join(path[: depth + 1])
            raise RecipeError(f"{place!r} is not a group of fields", where=where)
    if path[-1] == "kind" and node.get("kind") != value:
        node.clear()
    node[path[-1]] = value


def _recipe_error(error: ValidationError, where: str) -> RecipeError:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "recipe"
    what = "there is no such field" if first["type"] == "extra_forbidden" else first["msg"]
    others = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return RecipeError(f"{place}: {what}{others}", where=where)
