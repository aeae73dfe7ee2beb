"""The recipe: one frozen value that says everything a run does; it has a digest."""

import hashlib
from pathlib import Path
from typing import Annotated, Any, TypeVar

import orjson
from pydantic import Field, ValidationError

from monopose.errors import RecipeError
from monopose.recipes.parts import (
    Budget,
    DataMix,
    Fill,
    HeatmapEncoder,
    HeatmapPeakEncoder,
    KeypointEncoder,
    LinearHead,
    LossTerm,
    MlpEncoder,
    MultiStrideTcn,
    NoTemporal,
    Optimiser,
    Part,
    Runtime,
    SingleStrideTcn,
)
from monopose.recipes.stages import Critic, Stage, Trajectory, stage_at

RecipeT = TypeVar("RecipeT", bound=Part)
Encoder = Annotated[
    KeypointEncoder | MlpEncoder | HeatmapEncoder | HeatmapPeakEncoder, Field(discriminator="kind")
]
Temporal = Annotated[NoTemporal | SingleStrideTcn | MultiStrideTcn, Field(discriminator="kind")]
Head = Annotated[LinearHead, Field()]


class Recipe(Part):
    """A whole run: data, estimator, losses, stages, optimiser, budget, seed."""

    name: Annotated[str, Field(min_length=1, pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
    data: DataMix = DataMix()
    fill: Fill | None = None
    encoder: Encoder = KeypointEncoder()
    temporal: Temporal = SingleStrideTcn()
    head: Head = LinearHead()
    losses: Annotated[tuple[LossTerm, ...], Field(min_length=1)] = (LossTerm(term="mpjpe"),)
    critic: Critic | None = None
    trajectory: Trajectory | None = None
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)] = (Stage(),)
    optimiser: Optimiser = Optimiser()
    budget: Budget = Budget()
    runtime: Runtime = Runtime()
    seed: Annotated[int, Field(ge=0)] = 0

    def stage_of(self, epoch: int) -> Stage:
        """The stage that an epoch, counted from 0, belongs to: that of its middle."""
        return stage_at(self.stages, (epoch + 0.5) / self.budget.epochs)

    def terms_of(self, stage: Stage) -> tuple[LossTerm, ...]:
        """The losses that count in a stage."""
        if stage.terms is None:
            return self.losses
        return tuple(term for term in self.losses if term.term in stage.terms)

    def uses_root(self, stage: Stage) -> bool:
        """Whether a loss of the stage needs the root's place in the camera frame."""
        return any(term.term in ("trajectory", "perspective") for term in self.terms_of(stage))

    @property
    def stored_maps_px(self) -> int | None:
        """Side of the maps that the data set must hold; None where the encoder reads none."""
        encoder = self.encoder
        if isinstance(encoder, HeatmapEncoder | HeatmapPeakEncoder) and encoder.maps == "stored":
            return encoder.size_px
        return None

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


def with_values(recipe: RecipeT, values: dict[str, Any], where: str = "--set") -> RecipeT:
    """The recipe with dotted fields replaced, e.g. {"optimiser.learning_rate": 3e-4}.

    Changing a `kind` starts that part from its own defaults. Raises RecipeError.
    """
    content = recipe.model_dump(mode="json")
    for dotted, value in sorted(values.items(), key=lambda item: not item[0].endswith(".kind")):
        _set(content, dotted.split("."), value, where)
    try:
        return type(recipe).model_validate(content)
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
