"""The searcher: Optuna define-by-run behind Ray Tune, refusing what the rules refuse."""

from typing import Any

import optuna
from ray import tune
from ray.tune.schedulers import AsyncHyperBandScheduler
from ray.tune.search.optuna import OptunaSearch

from monopose.errors import MonoposeError, RecipeError
from monopose.evaluation.leaderboard import TrialRecord
from monopose.recipes.rules import check
from monopose.tuning.space import Space, recipe_of, shown

METRIC, MODE = "val_mpjpe_mm", "min"
# Impossible combinations drawn in a row before the space itself is called impossible.
_PATIENCE = 200


class RuledSearch(OptunaSearch):  # type: ignore[misc]
    """OptunaSearch that draws again where the recipe is impossible, before a trial exists.

    Refused draws are told to Optuna as pruned, so that it learns to avoid them, and kept in
    `refused` for the leaderboard.
    """

    def __init__(self, space: Space, seed: int) -> None:
        sampler = optuna.samplers.TPESampler(
            multivariate=True, group=True, constant_liar=True, seed=seed, n_startup_trials=8
        )
        super().__init__(space=space, metric=METRIC, mode=MODE, sampler=sampler)
        self.refused: list[TrialRecord] = []

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        """Parameters of a recipe that can be run; raises RecipeError when none turns up."""
        for _ in range(_PATIENCE):
            parameters: dict[str, Any] = super().suggest(trial_id)
            try:
                check(recipe_of(parameters))
            except MonoposeError as error:
                self._refuse(trial_id, parameters, str(error))
                continue
            return parameters
        raise RecipeError(
            f"{_PATIENCE} draws in a row were impossible, the last: {self.refused[-1].reason}",
            where="search space",
        )

    def _refuse(self, trial_id: str, parameters: dict[str, Any], reason: str) -> None:
        drawn = self._ot_trials.pop(trial_id)
        self._ot_study.tell(drawn, state=optuna.trial.TrialState.PRUNED)
        self.refused.append(
            TrialRecord(
                number=drawn.number,
                trial_id=f"refused-{drawn.number}",
                parameters=shown(parameters),
                recipe=None,
                recipe_digest=None,
                state="refused",
                reason=reason,
                epochs=0,
                seconds=0.0,
                num_parameters=0,
                curve=(),
                val_mpjpe_mm=None,
            )
        )


def tune_config(search: RuledSearch, trials: int, concurrent: int, epochs: int) -> tune.TuneConfig:
    """Tune's settings: asynchronous halving over epochs, actors reused from trial to trial."""
    grace = max(1, epochs // 4)
    scheduler = AsyncHyperBandScheduler(
        time_attr="epoch", max_t=max(epochs, grace + 1), grace_period=grace, reduction_factor=3
    )
    return tune.TuneConfig(
        metric=METRIC,
        mode=MODE,
        search_alg=search,
        scheduler=scheduler,
        num_samples=trials,
        max_concurrent_trials=concurrent,
        reuse_actors=True,
    )
