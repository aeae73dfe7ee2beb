"""Paper A's ablation: what its variants may differ in, and nothing else."""

import pytest

from monopose.models.size import size_of
from monopose.recipes.parts import Size
from monopose.tuning.ablations.catalog import ablation

SIZES: tuple[Size, ...] = ("smoke", "small", "paper")
NAME = "occlusion_tcn"


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
