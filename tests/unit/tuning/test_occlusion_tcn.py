"""Paper A's ablation: what its variants may differ in, and nothing else."""

import pytest

from monopose.models.size import size_of
from monopose.recipes.detector import detector
from monopose.recipes.parts import Size
from monopose.recipes.videopose3d import videopose3d
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
        ("unfilled", {"fill"}),
        ("plain", {"data", "fill"}),
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


@pytest.mark.parametrize("size", SIZES)
def test_map_readers_differ_in_the_encoder_alone(size: Size) -> None:
    of = ablation("occlusion_tcn_images")
    whole, peaks = (of.recipe(name, size, 0, {}).model_dump() for name in ("heatmaps", "peaks"))
    assert {field for field in whole if whole[field] != peaks[field]} == {"encoder", "name"}
    for name in ("maps", "size_px", "sigma_px"):
        assert whole["encoder"][name] == peaks["encoder"][name]
    detector_px = detector(size).size_px
    assert whole["encoder"]["size_px"] == detector_px // 4
    assert whole["encoder"]["sigma_px"] == detector(size).sigma_px


@pytest.mark.parametrize("size", SIZES)
def test_the_preset_is_compared_with_the_same_cameras_and_flips(size: Size) -> None:
    of = ablation("occlusion_tcn_preset")
    ours = of.recipe("occlusion_tcn", size, 0, {})
    same = of.recipe("unmasked", size, 0, {})
    assert of.recipe("videopose3d", size, 0, {}).data == same.data
    assert same.data == ours.data.model_copy(update={"occlusion": None})
    tuned, preset = of.recipe("videopose3d_tuned", size, 0, {}), videopose3d(size)
    assert (tuned.optimiser, tuned.runtime) == (ours.optimiser, ours.runtime)
    assert (tuned.encoder, tuned.losses) == (preset.encoder, preset.losses)
