"""The recipe of a 2D detector: an image network that gives one heatmap per joint.

It is a recipe of its own kind: it shares no field with lifting but the optimiser, and a field
without effect has no place in a recipe.
"""

import hashlib
from typing import Annotated

import orjson
from pydantic import Field, PositiveFloat, PositiveInt, ValidationError, model_validator

from monopose.errors import RecipeError
from monopose.recipes.images import ImageAugmentation, ImageInputs
from monopose.recipes.parts import Optimiser, Part, Size


class HighResolution(Part):
    """Parallel branches of halving resolution that exchange what they find (Sun et al. 2019)."""

    stem_channels: PositiveInt = 16
    """of the two strided convolutions that come first; the bottlenecks have four times as many"""
    bottlenecks: PositiveInt = 1
    width: PositiveInt = 16
    """channels of the finest branch; each coarser one has twice as many"""
    modules: Annotated[tuple[PositiveInt, ...], Field(min_length=1, max_length=5)] = (1, 1)
    """exchanges with two branches, with three, and so on"""
    blocks: PositiveInt = 1
    """residual blocks of each branch before an exchange"""


class DetectorBudget(Part):
    """How long to train and on how much at once, over all workers."""

    epochs: PositiveInt = 20
    steps: PositiveInt = 100
    """batches in an epoch; an epoch ends with an evaluation and a checkpoint"""
    batch_images: PositiveInt = 32


class DetectorRecipe(Part):
    """A whole run of a 2D detector: crops in, heatmaps out."""

    name: Annotated[str, Field(min_length=1, pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
    joint_set: str = "h36m17"
    network: HighResolution = HighResolution()
    size_px: PositiveInt = 128
    """side of the crops; heatmaps have a quarter of it"""
    sigma_px: PositiveFloat = 1.5
    """of the heatmaps' Gaussians, in their own pixels"""
    augmentation: ImageAugmentation | None = ImageAugmentation()
    optimiser: Optimiser = Optimiser()
    budget: DetectorBudget = DetectorBudget()
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _branches_halve_evenly(self) -> "DetectorRecipe":
        least = 4 * 2 ** len(self.network.modules)
        if self.size_px % least:
            raise ValueError(
                f"size_px must be a multiple of {least}: the coarsest branch of "
                f"{len(self.network.modules) + 1} is {least} times smaller than the crop"
            )
        return self

    def inputs(self, *, training: bool) -> ImageInputs:
        """What the network is fed, and the maps that it is compared with."""
        return ImageInputs(
            size_px=self.size_px,
            heatmap_px=self.size_px // 4,
            sigma_px=self.sigma_px,
            augmentation=self.augmentation if training else None,
        )

    def digest(self) -> str:
        """First 12 hex digits of the SHA-256 of the recipe without its name."""
        content = self.model_dump(mode="json", exclude={"name"})
        canonical = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(canonical).hexdigest()[:12]

    def to_json(self) -> bytes:
        """Readable JSON that `detector_from_json` reads back to an equal recipe."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_INDENT_2)


def detector_from_json(payload: bytes, where: str) -> DetectorRecipe:
    """Reads a detector's recipe; raises RecipeError naming the field that is wrong."""
    try:
        return DetectorRecipe.model_validate_json(payload)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "recipe"
        raise RecipeError(f"{place}: {first['msg']}", where=where) from error


def detector(size: Size = "small") -> DetectorRecipe:
    """Crops of 64, 128 or 256 px; the last has the network of HRNet-W32."""
    if size == "smoke":
        return DetectorRecipe(
            name="detector-smoke",
            network=HighResolution(stem_channels=8, width=8),
            size_px=64,
            sigma_px=1.0,
            budget=DetectorBudget(epochs=2, steps=4, batch_images=8),
        )
    if size == "small":
        return DetectorRecipe(name="detector", optimiser=Optimiser(learning_rate=2e-3))
    return DetectorRecipe(
        name="detector-paper",
        network=HighResolution(
            stem_channels=64, bottlenecks=4, width=32, modules=(1, 4, 3), blocks=4
        ),
        size_px=256,
        sigma_px=2.0,
        budget=DetectorBudget(epochs=210, steps=1000, batch_images=128),
    )
