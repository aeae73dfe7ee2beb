import pytest

from monopose.errors import RecipeError
from monopose.models.size import TOLERANCE, as_large_as, size_of
from monopose.recipes.parts import MultiStrideTcn, NoTemporal, SingleStrideTcn
from monopose.recipes.recipe import Recipe

SINGLE = Recipe(name="single", temporal=SingleStrideTcn(channels=256, filter_widths=(3, 3, 3)))
MULTI = Recipe(name="multi", temporal=MultiStrideTcn(strides=(1, 2, 4, 8), filter_widths=(3, 3)))


def weights_by_hand(channels: int, strides: int, features: int = 36, joints: int = 17) -> int:
    """Branches (expand, dilated, pointwise), fusion and head; two weights a norm's channel."""
    branch = 3 * features * channels + 3 * channels**2 + channels**2 + 3 * 2 * channels
    fusion = strides * channels**2 + 2 * channels
    return strides * branch + fusion + (channels + 1) * 3 * joints


def test_size_is_that_of_the_layers() -> None:
    assert size_of(MULTI) == weights_by_hand(128, strides=4)


@pytest.mark.parametrize(
    ("recipe", "other"),
    [
        (MULTI, SINGLE),
        (SINGLE, MULTI),
        (Recipe(name="field81", temporal=SingleStrideTcn(filter_widths=(3, 3, 3, 3))), MULTI),
    ],
)
def test_channels_are_chosen_for_the_same_size_and_nothing_else_changes(
    recipe: Recipe, other: Recipe
) -> None:
    matched = as_large_as(recipe, other)
    assert abs(size_of(matched) / size_of(other) - 1) <= TOLERANCE
    assert not isinstance(matched.temporal, NoTemporal)
    back = matched.temporal.model_copy(
        update={"channels": recipe.temporal.model_dump()["channels"]}
    )
    assert matched.model_copy(update={"temporal": back}) == recipe


def test_a_size_that_cannot_be_met_is_refused() -> None:
    with pytest.raises(RecipeError, match="temporal 'none' has no channels"):
        as_large_as(Recipe(name="r", temporal=NoTemporal()), SINGLE)
    tiny = Recipe(name="tiny", temporal=SingleStrideTcn(channels=1, filter_widths=(1,)))
    with pytest.raises(RecipeError, match=r"no temporal\.channels give"):
        as_large_as(MULTI, tiny)
