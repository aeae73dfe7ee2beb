from typing import Any

import orjson
import pytest

from monopose.errors import RecipeError
from monopose.recipes.detector import DetectorRecipe, HighResolution, detector, detector_from_json
from monopose.recipes.parts import Size

SIZES: tuple[Size, ...] = ("smoke", "small", "paper")
BASE = detector("small").model_dump(mode="json")
CHANGES: dict[str, Any] = {
    "joint_set": "smpl24",
    "network": {"width": 8},
    "size_px": 64,
    "sigma_px": 2.5,
    "augmentation": None,
    "optimiser": {"learning_rate": 0.5},
    "budget": {"epochs": 3},
    "seed": 4,
}


@pytest.mark.parametrize("size", SIZES)
def test_presets_round_trip(size: Size) -> None:
    recipe = detector(size)
    assert detector_from_json(recipe.to_json(), "there") == recipe
    assert len({detector(each).digest() for each in SIZES}) == len(SIZES)


def test_every_field_but_the_name_changes_the_digest() -> None:
    assert {*CHANGES, "name"} == set(DetectorRecipe.model_fields)
    plain = DetectorRecipe.model_validate(BASE)
    for name, value in CHANGES.items():
        assert DetectorRecipe.model_validate({**BASE, name: value}).digest() != plain.digest()
    assert DetectorRecipe.model_validate({**BASE, "name": "x"}).digest() == plain.digest()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"size_px": 100}, "size_px must be a multiple of 16"),
        ({"network": {"modules": []}}, "network.modules: "),
        ({"network": {"depth": 3}}, "network.depth: "),
        ({"sigma_px": 0}, "sigma_px: "),
        ({"encoder": {}}, "encoder: "),
    ],
)
def test_what_cannot_be_is_refused(values: dict[str, Any], message: str) -> None:
    payload = orjson.dumps({**BASE, **values})
    with pytest.raises(RecipeError) as caught:
        detector_from_json(payload, "there")
    assert str(caught.value).startswith("there: ")
    assert message in str(caught.value)


def test_maps_are_a_quarter_of_the_crop_and_evaluation_changes_nothing() -> None:
    recipe = DetectorRecipe(name="d", network=HighResolution(modules=(1,)), size_px=96)
    seen = recipe.inputs(training=False)
    assert (seen.size_px, seen.heatmap_px, seen.augmentation) == (96, 24, None)
    assert recipe.inputs(training=True).augmentation == recipe.augmentation
