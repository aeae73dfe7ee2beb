from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest

from monopose.errors import InputError, RecipeError
from monopose.recipes.presets import PRESETS
from monopose.recipes.recipe import with_values
from monopose.recipes.rules import check
from monopose.tuning.space import Space, load_space, recipe_of, shown

ROOT = Path(__file__).resolve().parents[3]
SPACES = sorted(path.stem for path in (ROOT / "search_spaces").glob("*.py"))

BASELINES = {("keypoints", "tcn_single"), ("mlp", "none")}
MULTI_STRIDE = {("keypoints", "tcn_multi")}
FAMILIES = {
    "baselines": BASELINES,
    "occlusion_tcn": MULTI_STRIDE,
    "all_papers": BASELINES | MULTI_STRIDE,
}


@pytest.fixture
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def drawn(space: Space, trials: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Parameters as the searcher would give them: suggested values and returned constants."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    for _ in range(trials):
        trial = study.ask()
        yield {**(space(trial) or {}), **trial.params}


@pytest.mark.parametrize("name", SPACES)
def test_whatever_a_space_draws_can_be_run(name: str, at_the_root: None) -> None:
    space = load_space(name)
    kinds = set()
    for parameters in drawn(space, 50):
        recipe = check(recipe_of(parameters))
        kinds.add((recipe.encoder.kind, recipe.temporal.kind))
        for field, value in parameters.items():
            if "." in field and not field.startswith("choose_"):
                node = recipe.model_dump(mode="json")
                for part in field.split("."):
                    node = node[part]
                assert node == value, field
    assert kinds == FAMILIES[name]


def test_a_space_is_loaded_by_name_or_file(at_the_root: None, tmp_path: Path) -> None:
    assert load_space("baselines") is load_space("search_spaces/baselines.py")
    path = tmp_path / "space_of_this_test.py"
    path.write_text("def space(trial):\n    return {'preset': 'videopose3d'}\n")
    space = load_space(str(path))
    assert space(None) == {"preset": "videopose3d"}
    assert (space.__module__, space.__qualname__) == ("space_of_this_test", "space")


def test_a_space_that_is_not_there_is_refused_with_those_there_are(at_the_root: None) -> None:
    with pytest.raises(InputError) as caught:
        load_space("nope")
    assert str(caught.value) == (
        "search_spaces/nope.py: there is no such search space; "
        f"give a .py file or one of {', '.join(SPACES)}"
    )


@pytest.mark.parametrize("text", ["", "space = 3\n"])
def test_a_file_without_the_function_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / f"without_function_{len(text)}.py"
    path.write_text(text)
    with pytest.raises(InputError, match=r"defines no function `space\(trial\)`"):
        load_space(str(path))


def test_a_file_that_another_module_hides_is_refused(tmp_path: Path) -> None:
    """Python would import the other one, here the standard library's."""
    path = tmp_path / "json.py"
    path.write_text("def space(trial):\n    return {}\n")
    with pytest.raises(InputError, match=r"json\.py: another module .* is imported by this name"):
        load_space(str(path))


def test_parameters_become_the_presets_recipe_with_values() -> None:
    recipe = recipe_of(
        {"preset": "videopose3d", "size": "smoke", "temporal.channels": 32, "choose_x": object()}
    )
    assert recipe == with_values(PRESETS["videopose3d"]("smoke"), {"temporal.channels": 32})
    assert recipe_of({"preset": "simple_baseline"}) == PRESETS["simple_baseline"]("small")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"preset": "nope"}, "space: unknown recipe 'nope'; give one of videopose3d, simple_base"),
        ({}, "space: unknown recipe ''"),
        (
            {"preset": "videopose3d", "size": "huge"},
            "space: unknown size 'huge'; give one of smoke",
        ),
        ({"preset": "videopose3d", "temporal.chanels": 3}, "space: temporal.tcn_single.chanels: "),
        ({"preset": "simple_baseline", "temporal.channels": 3}, "space: temporal.none.channels: "),
        ({"preset": "videopose3d", "temporals.channels": 3}, "space: 'temporals' is not a group"),
    ],
)
def test_parameters_that_make_no_recipe_are_refused(
    parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(RecipeError) as caught:
        recipe_of(parameters)
    assert str(caught.value).startswith(message)


def test_parameters_are_left_as_they_were() -> None:
    parameters = {"preset": "videopose3d", "size": "smoke", "choose_frames": 9}
    recipe_of(parameters)
    assert parameters == {"preset": "videopose3d", "size": "smoke", "choose_frames": 9}


def test_lists_and_groups_are_shown_as_text() -> None:
    parameters = {"a": [3, 3], "b": {"c": 1.5}, "d": 2, "e": None, "f": "x", "g": False}
    assert shown(parameters) == {**parameters, "a": "[3,3]", "b": '{"c":1.5}'}
