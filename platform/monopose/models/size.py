"""How many weights a recipe's estimator has, and the same recipe with as many as another's.

For fair controls: what is compared then differs in its structure and not in its size.
"""

import torch

from monopose.errors import RecipeError
from monopose.models.estimator import Estimator, num_parameters
from monopose.recipes.recipe import Recipe, with_values

# Relative difference in parameters that still counts as the same size.
TOLERANCE = 0.02
_MOST_CHANNELS = 2**14


def size_of(recipe: Recipe) -> int:
    """Weights that training would move; nothing is allocated."""
    with torch.device("meta"):
        return num_parameters(Estimator(recipe))


def as_large_as(recipe: Recipe, other: Recipe) -> Recipe:
    """The recipe with temporal.channels such that it has as many parameters as the other, +-2 %.

    Raises RecipeError when its temporal part has no channels or no number of them comes so near.
    """
    where = f"recipe {recipe.name!r}"
    if recipe.temporal.kind == "none":
        raise RecipeError("temporal 'none' has no channels to match a size by", where=where)
    wanted = size_of(other)
    low, high = 1, _MOST_CHANNELS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (middle, high) if size_of(_of_channels(recipe, middle)) <= wanted else (low, middle)
        )
    matched = min(
        (_of_channels(recipe, channels) for channels in (low, high)),
        key=lambda candidate: abs(size_of(candidate) - wanted),
    )
    if abs(size_of(matched) - wanted) > TOLERANCE * wanted:
        raise RecipeError(
            f"no temporal.channels give {wanted} parameters within 2 %: "
            f"{size_of(matched)} is nearest",
            where=where,
        )
    return matched


def _of_channels(recipe: Recipe, channels: int) -> Recipe:
    return with_values(recipe, {"temporal.channels": channels})
