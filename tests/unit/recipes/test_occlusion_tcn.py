"""Paper A's preset."""

from monopose.recipes.occlusion_tcn import occlusion_tcn


def test_the_preset_has_every_part_of_the_method() -> None:
    recipe = occlusion_tcn()
    assert recipe.data.occlusion is not None
    assert recipe.fill is not None
    assert recipe.encoder.model_dump()["inputs"] == "xy_score"
    assert recipe.critic is not None
    assert [stage.name for stage in recipe.stages] == ["sup", "adv", "semi"]
