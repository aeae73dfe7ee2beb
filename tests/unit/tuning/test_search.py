from collections.abc import Iterator
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState
from ray.tune.schedulers import AsyncHyperBandScheduler
from tests.present import present

from monopose.errors import RecipeError
from monopose.recipes.parts import SingleStrideTcn
from monopose.recipes.rules import check
from monopose.tuning.search import RuledSearch, tune_config
from monopose.tuning.space import Space, recipe_of

CONSTANTS = {"preset": "videopose3d", "size": "smoke", "losses": [{"term": "mpjpe"}]}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Multivariate sampling is experimental to Optuna, which says so for each sampler."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")


def half_impossible(trial: Any) -> dict[str, Any]:
    width = trial.suggest_categorical("choose_width", [2, 3, 4, 5])
    return {**CONSTANTS, "temporal.filter_widths": [width]}


def impossible(trial: Any) -> dict[str, Any]:
    trial.suggest_float("optimiser.learning_rate", 1e-4, 1e-2, log=True)
    return {**CONSTANTS, "temporal.filter_widths": [2]}


def misspelt(trial: Any) -> dict[str, Any]:
    trial.suggest_float("optimiser.lr", 1e-4, 1e-2)
    return CONSTANTS


def test_only_possible_recipes_are_suggested_and_the_others_recorded() -> None:
    search = RuledSearch(half_impossible, seed=1)
    suggested = [present(search.suggest(f"t{index}")) for index in range(12)]
    for parameters in suggested:
        assert parameters["choose_width"] in (3, 5)
        temporal = check(recipe_of(parameters)).temporal
        assert isinstance(temporal, SingleStrideTcn)
        assert temporal.filter_widths == (parameters["choose_width"],)
    assert search.refused
    for record in search.refused:
        assert record.state == "refused"
        assert record.parameters["choose_width"] in (2, 4)
        assert "filter_widths must be odd" in record.reason
        assert (record.recipe, record.val_mpjpe_mm, record.curve) == (None, None, ())
    assert len({record.trial_id for record in search.refused}) == len(search.refused)
    states = [trial.state for trial in search._ot_study.trials]
    assert states.count(TrialState.PRUNED) == len(search.refused)
    assert states.count(TrialState.RUNNING) == 12


def test_the_same_seed_suggests_the_same() -> None:
    def suggestions(seed: int) -> list[dict[str, Any] | None]:
        search = RuledSearch(half_impossible, seed)
        return [search.suggest(f"t{index}") for index in range(6)]

    assert suggestions(3) == suggestions(3)
    assert len({str(suggestions(seed)) for seed in range(4)}) > 1


@pytest.mark.parametrize(
    ("space", "reason"),
    [(impossible, "filter_widths must be odd"), (misspelt, "optimiser.lr")],
)
def test_a_space_without_a_possible_recipe_is_refused_with_the_reason(
    space: Space, reason: str
) -> None:
    search = RuledSearch(space, seed=0)
    with pytest.raises(RecipeError) as caught:
        search.suggest("t")
    assert str(caught.value).startswith("search space: 200 draws in a row were impossible")
    assert reason in str(caught.value)
    assert len(search.refused) == 200


@pytest.mark.parametrize(("epochs", "grace"), [(1, 1), (3, 1), (8, 2), (40, 10)])
def test_trials_are_halved_over_epochs_after_a_quarter_of_them(epochs: int, grace: int) -> None:
    config = tune_config(RuledSearch(half_impossible, seed=0), 12, 2, epochs)
    assert isinstance(config.scheduler, AsyncHyperBandScheduler)
    assert config.scheduler._max_t >= epochs
    rungs = [milestone for milestone, _ in config.scheduler._brackets[0]._rungs]
    assert min(rungs, default=grace) == grace
    assert (config.metric, config.mode, config.num_samples) == ("val_mpjpe_mm", "min", 12)
