from typing import Any

import pytest

from monopose.data.manifest import Manifest, SplitCounts
from monopose.errors import MonoposeError, RecipeError
from monopose.recipes.parts import Size
from monopose.recipes.presets import PRESETS
from monopose.recipes.recipe import Recipe, with_values
from monopose.recipes.rules import RULES, check

BASE = Recipe(name="base")
MPJPE = [{"term": "mpjpe"}]
STORED = {"encoder.kind": "heatmaps", "encoder.maps": "stored"}
# What breaks a rule -> what the message says; one for each rule, in their order.
BROKEN: tuple[tuple[dict[str, Any], str], ...] = (
    ({"temporal.filter_widths": [3, 4]}, "filter_widths must be odd"),
    ({"losses": [{"term": "mpjpe"}, {"term": "mpjpe", "weight": 2}]}, "same term twice"),
    ({"losses": [{"term": "symmetry"}]}, "no term that uses labels"),
    (
        {"losses": [{"term": "mpjpe"}, {"term": "velocity"}], "budget.chunk_frames": 1},
        "velocity needs budget.chunk_frames of at least 2",
    ),
    ({"data.joint_set": "coco17"}, "data.joint_set has no pelvis"),
    ({"data.virtual_cameras.distance_m": [5.0, 4.0]}, "virtual_cameras: a range's lower end lies"),
    ({"stages": [{"share": 0.5}, {"share": 0.4}]}, "shares do not add up to 1"),
    ({"stages": [{"terms": ["mpjpe", "mse"]}]}, "names a loss that is not among losses"),
    (
        {"losses": [*MPJPE, {"term": "symmetry"}], "stages": [{"terms": ["symmetry"]}]},
        "one of them has no term that uses labels of poses",
    ),
    ({"critic": {}}, "critic and stages do not fit"),
    ({"trajectory": {}}, "trajectory needs the loss of that name"),
    ({"stages": [{"unlabelled": 0.5}]}, "nothing learns from 2D-only video"),
    ({"losses": [*MPJPE, {"term": "orthographic"}]}, "losses on 2D-only video need a stage"),
    (
        {"data.label_share": 0.5, "runtime.ingest": "stream"},
        "unlabelled need runtime.ingest cache",
    ),
    (STORED, "no detector has seen a virtual view"),
    (
        {**STORED, "data.virtual_cameras": None, "runtime.ingest": "stream"},
        "encoder.maps stored needs runtime.ingest cache",
    ),
    (
        {**STORED, "data.virtual_cameras": None, "fill": {}},
        "the maps of a missing joint cannot be filled",
    ),
    (
        {"critic": {}, "stages": [{"critic": True}], "budget.chunk_frames": 5},
        "there is no second frame (rule 10)",
    ),
    (
        {"critic": {}, "stages": [{"critic": True, "unlabelled": 1.0}]},
        "the critic has no real poses to learn from (rule 17)",
    ),
    (
        {"data.occlusion": {"patterns": ["point", "frame"]}, "temporal.kind": "none"},
        "patterns frame and joint_track need an estimator that sees several frames (rule 12)",
    ),
    ({"data.occlusion": {"point_share": [0.3, 0.2]}}, "occlusion: a range's lower end lies"),
)


def manifest(joint_set: str = "h36m17", **counts: int) -> Manifest:
    values = {"clips": 2, "frames": 20, "sequence_frames": 40, "has_3d": 2, "has_2d": 2} | counts
    return Manifest(
        schema_version=2, content="", dataset="handmade", joint_set=joint_set, detections=None,
        synthetic=True, fps=(50.0,), clips=2, frames=20, shards=(),
        splits={"train": SplitCounts(**values), "val": SplitCounts(clips=1, has_2d=1, has_3d=1)},
    )  # fmt: skip


@pytest.mark.parametrize("index", range(len(RULES)))
def test_every_rule_is_broken_by_its_own_recipe_and_only_by_it(index: int) -> None:
    values, message = BROKEN[index]
    recipe = with_values(BASE, values)
    assert [rule.broken(recipe) for rule in RULES] == [i == index for i in range(len(RULES))]
    with pytest.raises(RecipeError, match=r"^recipe 'base': ") as caught:
        check(recipe)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ("virtual_cameras", "elevation_deg"),
        ("virtual_cameras", "focal_to_width"),
        ("occlusion", "track_share"),
        ("occlusion", "area_size"),
    ],
)
def test_every_range_is_checked(part: str, field: str) -> None:
    recipe = with_values(BASE, {f"data.{part}": {field: [1.0, 0.5]}})
    with pytest.raises(RecipeError, match=f"data.{part}: a range's lower end"):
        check(recipe)


def test_patterns_that_need_no_time_suit_single_frames() -> None:
    patterns = {"patterns": ["point", "area", "moving_area", "limb"]}
    recipe = with_values(BASE, {"data.occlusion": patterns, "temporal.kind": "none"})
    assert check(recipe) is recipe
    track = with_values(recipe, {"data.occlusion.patterns": ["joint_track"]})
    with pytest.raises(RecipeError, match="rule 12"):
        check(track)


@pytest.mark.parametrize("size", ["smoke", "small", "paper"])
@pytest.mark.parametrize("name", PRESETS)
def test_no_preset_breaks_a_rule(name: str, size: Size) -> None:
    recipe = PRESETS[name](size)
    assert check(recipe) is recipe
    assert check(recipe, manifest(), "val") is recipe


def test_an_unknown_joint_set_is_refused_by_name() -> None:
    with pytest.raises(MonoposeError, match=r"unknown joint set 'h37m'; choose one of .*h36m17"):
        check(with_values(BASE, {"data.joint_set": "h37m"}))


@pytest.mark.parametrize(
    ("data", "split", "message"),
    [
        (manifest(), "test", "there is no split 'test'; it has train, val"),
        (manifest(has_2d=0), "train", "no clip of split 'train' has 2D keypoints"),
        (manifest(has_3d=0), "train", "no clip of split 'train' has 3D labels"),
        (manifest("mpi_inf_3dhp_14"), "train", None),
    ],
)
def test_data_that_cannot_be_trained_on_are_refused(
    data: Manifest, split: str, message: str | None
) -> None:
    if message is None:
        assert check(BASE, data, split) is BASE
        return
    with pytest.raises(RecipeError, match="recipe 'base' on data set 'handmade'") as caught:
        check(BASE, data, split)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        {"critic": {}},
        {"losses": [*MPJPE, {"term": "trajectory"}]},
        {"losses": [*MPJPE, {"term": "perspective"}], "stages": [{"unlabelled": 0.5}]},
        {"stages": [{"critic": True}]},
        {"runtime.ingest": "stream", "stages": [{"unlabelled": 0.5, "critic": True}], "critic": {}},
        {
            "losses": [*MPJPE, {"term": "orthographic"}],
            "stages": [
                {"share": 0.5, "unlabelled": 0.5, "terms": ["mpjpe"], "critic": True},
                {"share": 0.5},
            ],
            "critic": {},
        },
    ],
)
def test_halves_of_what_belongs_together_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(RecipeError):
        check(with_values(BASE, values))


def test_a_critic_needs_every_bone() -> None:
    recipe = with_values(BASE, {"critic": {}, "stages": [{"critic": True}]})
    assert check(recipe, manifest()) is recipe
    with pytest.raises(RecipeError, match=r"critic needs every bone.*lacks joints.*\(rule 24\)"):
        check(recipe, manifest("mpi_inf_3dhp_14"))


def test_data_without_a_root_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """All known sets have hips; one of arms only has no pelvis to be relative to."""
    from monopose.skeleton import JOINT_SETS, JointSet

    arms = JointSet("arms2", ("left_wrist", "right_wrist"), (-1, 0))
    monkeypatch.setitem(JOINT_SETS, "arms2", arms)
    with pytest.raises(RecipeError, match="joint set 'arms2' gives no root for 'h36m17'"):
        check(BASE, manifest("arms2"))


def test_an_even_filter_has_no_middle_but_a_newest_frame() -> None:
    even = {"temporal.kind": "tcn_multi", "temporal.filter_widths": [3, 2]}
    with pytest.raises(RecipeError, match="filter_widths must be odd"):
        check(with_values(BASE, even))
    causal = with_values(BASE, {**even, "temporal.causal": True})
    assert check(causal) is causal


@pytest.mark.parametrize("kind", ["heatmaps", "heatmap_peak"])
def test_stored_maps_need_clips_that_have_them(kind: str) -> None:
    values = {"encoder.kind": kind, "encoder.maps": "stored", "data.virtual_cameras": None}
    recipe = with_values(BASE, values)
    assert check(recipe, manifest(has_heatmaps=2)) is recipe
    with pytest.raises(RecipeError, match=r"'train' have no heatmaps.*`monopose data detect`"):
        check(recipe, manifest(has_heatmaps=1))
    assert recipe.stored_maps_px == 24
    assert with_values(recipe, {"encoder.maps": "drawn"}).stored_maps_px is None
    assert BASE.stored_maps_px is None
