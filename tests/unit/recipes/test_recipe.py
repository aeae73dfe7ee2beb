import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monopose.errors import RecipeError
from monopose.recipes.parts import HeatmapEncoder, MlpEncoder, Occlusion, SingleStrideTcn, Size
from monopose.recipes.presets import PRESETS, load
from monopose.recipes.recipe import Recipe, from_file, from_json, with_values
from monopose.recipes.stages import Critic, Stage

SIZES: tuple[Size, ...] = ("smoke", "small", "paper")
BASE = Recipe(name="base")

OCCLUSION: dict[str, st.SearchStrategy[Any]] = {
    "share": st.floats(0.0, 0.65),
    "patterns": st.sampled_from([["point"], ["point", "limb"], ["area", "area", "frame"]]),
    "combined": st.floats(0.35, 1.0),
    "point_share": st.tuples(st.floats(0.0, 0.05), st.floats(0.1, 1.0)),
    "track_share": st.tuples(st.floats(0.0, 0.05), st.floats(0.1, 1.0)),
    "run_frames": st.integers(17, 1000),
    "area_size": st.tuples(st.floats(0.0, 0.05), st.floats(0.1, 1.0)),
    "most": st.floats(0.0, 0.55),
    "ramp_share": st.floats(0.4, 1.0),
}
CRITIC: dict[str, st.SearchStrategy[Any]] = {
    "loss": st.sampled_from(["bce", "wgan_gp"]),
    "weight": st.floats(0.02, 1.0),
    "intervals": st.lists(st.integers(6, 9), max_size=3),
    "width": st.integers(1, 999),
    "pose_width": st.integers(1, 99),
    "normalise_bones": st.just(True),
    "stride": st.integers(2, 9),
    "steps": st.integers(2, 9),
    "learning_rate": st.floats(1e-3, 1.0),
    "penalty": st.floats(0.1, 9.0),
}
STAGE: dict[str, st.SearchStrategy[Any]] = {
    "name": st.sampled_from(["sup", "semi"]),
    "share": st.floats(0.01, 0.99),
    "terms": st.just(["mpjpe"]),
    "critic": st.just(True),
    "unlabelled": st.floats(0.01, 1.0),
}
HEATMAPS: dict[str, st.SearchStrategy[Any]] = {
    "maps": st.just("stored"),
    "size_px": st.integers(25, 99),
    "sigma_px": st.floats(1.1, 9.0),
    "channels": st.lists(st.integers(1, 15), min_size=1, max_size=4),
    "width": st.integers(1, 99),
}
# A strategy for every field that a plain value can replace; drawn values differ from the default.
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "data.joint_set": st.sampled_from(["h36m16", "smpl24"]),
    "data.flip": st.just(False),
    "data.virtual_cameras": st.none(),
    "data.virtual_cameras.share": st.floats(0.0, 0.49),
    "data.virtual_cameras.distance_m": st.tuples(st.floats(0.5, 2.0), st.floats(2.0, 9.0)),
    "data.virtual_cameras.elevation_deg": st.tuples(st.floats(-40, -20), st.floats(0, 50)),
    "data.virtual_cameras.focal_to_width": st.tuples(st.floats(0.5, 0.8), st.floats(1, 2)),
    "data.virtual_cameras.roll_deg": st.floats(5, 30),
    "data.virtual_cameras.noise": st.floats(1.1, 5),
    "data.label_share": st.floats(0.001, 0.999),
    "critic": st.fixed_dictionaries({}, optional=CRITIC),
    "trajectory": st.fixed_dictionaries({}, optional={"channels": st.integers(1, 999)}),
    "stages": st.just([{"share": 0.5}, {"share": 0.5, "critic": True}]),
    "data.occlusion": st.fixed_dictionaries({}, optional=OCCLUSION),
    "fill": st.fixed_dictionaries({}, optional={"frames": st.integers(1, 7)}),
    "encoder.inputs": st.sampled_from(["xy_score", "xy_mask"]),
    "encoder.kind": st.sampled_from(["mlp", "heatmaps", "heatmap_peak"]),
    "temporal.kind": st.just("none"),
    "temporal.channels": st.integers(1, 255),
    "temporal.filter_widths": st.lists(st.integers(1, 9), min_size=1, max_size=2),
    "temporal.dropout": st.floats(0.3, 1.0),
    "temporal.causal": st.just(True),
    "losses": st.just([{"term": "mse", "weight": 0.5}]),
    "optimiser.kind": st.sampled_from(["adam", "muon"]),
    "optimiser.learning_rate": st.floats(1e-9, 9e-4),
    "optimiser.weight_decay": st.floats(0.1, 10.0),
    "optimiser.schedule": st.sampled_from(["exponential", "constant"]),
    "optimiser.final_share": st.floats(0.1, 1.0),
    "optimiser.warmup_share": st.floats(0.1, 0.9),
    "optimiser.clip_norm": st.floats(0.1, 10.0),
    "optimiser.ema_decay": st.floats(0.1, 0.99),
    "budget.epochs": st.integers(21, 10_000),
    "budget.chunk_frames": st.integers(33, 1000),
    "budget.batch_chunks": st.integers(33, 1000),
    "budget.evaluate_every": st.integers(6, 100),
    "seed": st.integers(1, 2**31),
}
ONE_FIELD = st.sampled_from(sorted(FIELDS)).flatmap(
    lambda name: st.tuples(st.just(name), FIELDS[name])
)


def leaves(node: object, prefix: str = "") -> set[str]:
    if not isinstance(node, dict) or not node:
        return {prefix}
    return set[str]().union(*(leaves(v, f"{prefix}.{k}" if prefix else k) for k, v in node.items()))


def test_the_fields_drawn_are_all_the_fields_there_are() -> None:
    """So that a new field is drawn too; `head.kind` has one value yet."""
    drawn = {name for name in FIELDS if name != "data.virtual_cameras"}
    runtime = {name for name in leaves(BASE.model_dump()) if name.startswith("runtime.")}
    assert leaves(BASE.model_dump()) == drawn | runtime | {"name", "head.kind"}


@settings(deadline=None, max_examples=60)
@given(ONE_FIELD)
def test_json_gives_an_equal_recipe_with_another_digest_than_the_bases(
    change: tuple[str, Any],
) -> None:
    recipe = with_values(BASE, dict([change]))
    back = from_json(recipe.to_json())
    assert back == recipe
    assert back.digest() == recipe.digest() != BASE.digest()
    assert from_json(json.dumps(json.loads(recipe.to_json()), sort_keys=True).encode()) == recipe


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_every_field_changes_the_digest(name: str) -> None:
    """Of all values hypothesis draws above, one for each field."""
    examples: dict[str, Any] = {
        "data.virtual_cameras": None, "data.flip": False, "data.joint_set": "smpl24",
        "encoder.inputs": "xy_score", "encoder.kind": "mlp", "temporal.kind": "none",
        "temporal.filter_widths": [3, 3], "losses": [{"term": "mse"}], "optimiser.kind": "adam",
        "optimiser.schedule": "constant", "optimiser.clip_norm": 1.0,
        "data.virtual_cameras.distance_m": [1, 2], "data.virtual_cameras.elevation_deg": [0, 1],
        "data.virtual_cameras.focal_to_width": [1, 2], "optimiser.ema_decay": 0.5,
        "temporal.dropout": 0.5, "temporal.causal": True, "optimiser.warmup_share": 0.5,
        "optimiser.final_share": 0.5,
        "data.virtual_cameras.share": 0.25, "data.occlusion": {}, "data.label_share": 0.1,
        "critic": {}, "trajectory": {}, "fill": {}, "stages": [{"name": "sup"}],
    }  # fmt: skip
    value = examples.get(name, 7)
    assert with_values(BASE, {name: value}).digest() != BASE.digest()


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_every_field_of_an_occlusion_changes_the_digest(data: st.DataObject) -> None:
    assert set(OCCLUSION) == set(Occlusion.model_fields)
    occluded = with_values(BASE, {"data.occlusion": {}})
    name = data.draw(st.sampled_from(sorted(OCCLUSION)))
    changed = with_values(occluded, {f"data.occlusion.{name}": data.draw(OCCLUSION[name])})
    assert from_json(changed.to_json()) == changed
    assert len({BASE.digest(), occluded.digest(), changed.digest()}) == 3


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_every_field_of_a_heatmap_encoder_changes_the_digest(data: st.DataObject) -> None:
    assert {"kind", *HEATMAPS} == set(HeatmapEncoder.model_fields)
    plain = with_values(BASE, {"encoder.kind": "heatmaps"})
    name = data.draw(st.sampled_from(sorted(HEATMAPS)))
    changed = with_values(plain, {f"encoder.{name}": data.draw(HEATMAPS[name])})
    assert from_json(changed.to_json()) == changed
    assert changed.digest() != plain.digest()


@pytest.mark.parametrize(("part", "fields"), [(Critic, CRITIC), (Stage, STAGE)])
def test_every_field_of_a_critic_and_of_a_stage_changes_the_digest(
    part: type[Critic] | type[Stage], fields: dict[str, st.SearchStrategy[Any]]
) -> None:
    assert set(fields) == set(part.model_fields)
    place = "critic" if part is Critic else "stages"

    @settings(deadline=None, max_examples=30)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(fields)))
        values = {name: data.draw(fields[name])}
        plain, changed = (
            with_values(BASE, {place: value if part is Critic else [value]})
            for value in ({}, values)
        )
        assert from_json(changed.to_json()) == changed
        assert changed.digest() != plain.digest()

    check()


def test_digest_ignores_name_runtime_and_the_order_of_fields() -> None:
    renamed = with_values(BASE, {"name": "other", "runtime.amp": True, "runtime.compile": True})
    assert renamed != BASE
    assert renamed.digest() == BASE.digest()
    content = json.loads(BASE.to_json())
    turned = {
        k: dict(reversed(v.items())) if isinstance(v, dict) else v for k, v in content.items()
    }
    backwards = json.dumps(dict(reversed(turned.items()))).encode()
    assert from_json(backwards).digest() == BASE.digest()
    assert with_values(BASE, {"optimiser.weight_decay": 1}).digest() == (
        with_values(BASE, {"optimiser.weight_decay": 1.0}).digest()
    )
    assert len(BASE.digest()) == 12
    assert set(BASE.digest()) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"optimiser.lr": 1e-3}, "optimiser.lr: "),
        ({"nonsense": 1}, "nonsense: "),
        ({"optimiser.learning_rate": -1.0}, "optimiser.learning_rate: "),
        ({"optimiser.learning_rate": "fast"}, "optimiser.learning_rate: "),
        ({"optimiser.learning_rate": float("nan")}, "optimiser.learning_rate: "),
        ({"budget.epochs": 2.5}, "budget.epochs: "),
        ({"budget": 3}, "budget: "),
        ({"temporal.channels": 0}, "temporal.tcn_single.channels: "),
        ({"temporal.filter_widths": [3, "x"]}, "temporal.tcn_single.filter_widths.1: "),
        ({"temporal.filter_widths": []}, "temporal.tcn_single.filter_widths: "),
        ({"temporal.kind": "transformer"}, "temporal: "),
        ({"losses": []}, "losses: "),
        ({"losses": [{"term": "nothing"}]}, "losses.0.term: "),
        ({"data.virtual_cameras.share": 1.5}, "data.virtual_cameras.share: "),
        ({"data.occlusion": {"patterns": []}}, "data.occlusion.patterns: "),
        ({"data.occlusion": {"patterns": ["fog"]}}, "data.occlusion.patterns.0: "),
        ({"data.occlusion": {"most": 1.5}}, "data.occlusion.most: "),
        ({"critic": {"loss": "hinge"}}, "critic.loss: "),
        ({"stages": []}, "stages: "),
        ({"stages": [{"unlabelled": 2}]}, "stages.0.unlabelled: "),
        ({"data.label_share": 0.0}, "data.label_share: "),
        ({"name": "Not A Name"}, "name: "),
        ({"seed": -1}, "seed: "),
    ],
)
def test_a_wrong_value_is_refused_with_its_dotted_field(values: dict[str, Any], place: str) -> None:
    with pytest.raises(RecipeError) as caught:
        with_values(BASE, values, where="space")
    assert str(caught.value).startswith(f"space: {place}")
    content = json.loads(BASE.to_json())
    for dotted, value in values.items():
        *groups, last = dotted.split(".")
        node = content
        for group in groups:
            node = node[group]
        node[last] = value
    with pytest.raises(RecipeError, match=place.removesuffix(" ").replace(".", r"\.")):
        from_json(json.dumps(content).encode())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"budget.epochs.many": 1}, "--set: 'budget.epochs' is not a group of fields"),
        ({"nowhere.at.all": 1}, "--set: 'nowhere' is not a group of fields"),
        ({"losses.0.weight": 1}, "--set: 'losses' is not a group of fields"),
    ],
)
def test_a_path_through_something_else_than_a_group_is_refused(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(RecipeError) as caught:
        with_values(BASE, values)
    assert str(caught.value) == message


def test_several_faults_are_counted() -> None:
    with pytest.raises(RecipeError, match=r"\(and 1 more\)"):
        with_values(BASE, {"budget.epochs": 0, "seed": -1})


def test_changing_a_kind_starts_from_that_parts_defaults_in_any_order() -> None:
    values = {"encoder.width": 99, "encoder.kind": "mlp"}
    for ordered in (values, dict(reversed(values.items()))):
        encoder = with_values(with_values(BASE, {"encoder.inputs": "xy_score"}), ordered).encoder
        assert isinstance(encoder, MlpEncoder)
        assert (encoder.kind, encoder.width, encoder.inputs) == ("mlp", 99, "xy")
    same = with_values(with_values(BASE, {"temporal.channels": 5}), {"temporal.kind": "tcn_single"})
    assert isinstance(same.temporal, SingleStrideTcn)
    assert same.temporal.channels == 5
    with pytest.raises(RecipeError, match=r"temporal\.none\.channels"):
        with_values(BASE, {"temporal.kind": "none", "temporal.channels": 3})


def test_setting_values_leaves_the_original_alone() -> None:
    before = BASE.to_json()
    with_values(BASE, {"optimiser.learning_rate": 0.5, "losses": [{"term": "mse"}]})
    assert BASE.to_json() == before


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"name": "x"'])
def test_bytes_that_are_no_recipe_are_refused(payload: bytes) -> None:
    with pytest.raises(RecipeError, match=r"^there: "):
        from_json(payload, where="there")


def test_recipes_are_loaded_by_preset_or_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_bytes(BASE.to_json())
    assert load(str(path)) == from_file(path) == BASE
    assert load("videopose3d", "smoke").name == "videopose3d-smoke"
    with pytest.raises(RecipeError, match=r"none\.json: there is no such recipe file"):
        load(str(tmp_path / "none.json"))
    with pytest.raises(RecipeError, match=r"unknown recipe 'nope'; give one of .*simple_baseline"):
        load("nope")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PRESETS)
def test_presets_have_names_of_their_own_and_round_trip(name: str, size: Size) -> None:
    recipe = PRESETS[name](size)
    assert recipe.name == (name if size == "small" else f"{name}-{size}")
    assert from_json(recipe.to_json()) == recipe
    assert len({PRESETS[name](each).digest() for each in SIZES}) == len(SIZES)
