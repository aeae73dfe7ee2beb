"""Paper A's preset and ablation: what its variants may differ in, and nothing else."""

import pytest

from monopose.models.size import size_of
from monopose.recipes.ablations.catalog import ABLATIONS, ablation
from monopose.recipes.occlusion_tcn import occlusion_tcn
from monopose.recipes.parts import Size
from monopose.recipes.rules import check

SIZES: tuple[Size, ...] = ("smoke", "small", "paper")
NAME = "occlusion_tcn"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ABLATIONS)
def test_every_variant_can_be_run(name: str, size: Size) -> None:
    for variant in ablation(name).variants:
        check(ablation(name).recipe(variant, size, seed=1, values={}))


@pytest.mark.parametrize("size", SIZES)
def test_one_stride_has_as_many_parameters(size: Size) -> None:
    one = ablation(NAME).recipe("one_stride", size, 0, {})
    many = ablation(NAME).recipe("masked", size, 0, {})
    assert (one.temporal.kind, many.temporal.kind) == ("tcn_single", "tcn_multi")
    assert size_of(one) == pytest.approx(size_of(many), rel=0.02)
    assert one.data == many.data
    assert one.optimiser == many.optimiser
    assert one.budget == many.budget


@pytest.mark.parametrize(
    ("variant", "changed"),
    [
        ("unmasked", {"data"}),
        ("kcs", {"critic", "stages"}),
        ("kcs_tkcs", {"critic", "stages"}),
        ("labels_10", {"data"}),
        ("labels_10_video", {"data", "losses", "stages"}),
        ("causal", {"temporal"}),
    ],
)
def test_a_variant_changes_its_part_alone(variant: str, changed: set[str]) -> None:
    base = ablation(NAME).recipe("masked", "small", 0, {}).model_dump()
    other = ablation(NAME).recipe(variant, "small", 0, {}).model_dump()
    assert {field for field in base if base[field] != other[field]} == changed | {"name"}


def test_the_preset_has_every_part_of_the_method() -> None:
    recipe = occlusion_tcn()
    assert recipe.data.occlusion is not None
    assert recipe.encoder.model_dump()["inputs"] == "xy_mask"
    assert recipe.critic is not None
    assert [stage.name for stage in recipe.stages] == ["sup", "adv", "semi"]
