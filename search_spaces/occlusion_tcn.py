"""Paper A on keypoints: strides, filling, occlusion and the critic, each drawn where it is on."""

from typing import Any

# Optuna stores only scalars, so lists are suggested by a name.
_STRIDES = {
    "1": [1],
    "1-2": [1, 2],
    "1-2-4": [1, 2, 4],
    "1-2-4-8": [1, 2, 4, 8],
    "1-3-7": [1, 3, 7],
}
_INTERVALS: dict[str, list[int]] = {"none": [], "1": [1], "1-3-5": [1, 3, 5]}


def space(trial: Any) -> dict[str, Any]:
    """Multi-stride networks with and without filling, occlusion training and the critic."""
    trial.suggest_float("optimiser.learning_rate", 5e-4, 1e-2, log=True)
    trial.suggest_categorical("temporal.channels", [32, 64, 128])
    trial.suggest_float("temporal.dropout", 0.0, 0.4)
    trial.suggest_categorical("optimiser.kind", ["muon", "adamw"])
    constants: dict[str, Any] = {
        "preset": "occlusion_tcn",
        "size": "small",
        "temporal.strides": _STRIDES[trial.suggest_categorical("choose_strides", list(_STRIDES))],
        "budget.epochs": 8,
        "optimiser.ema_decay": 0.99,
    }
    return constants | _fill(trial) | _occlusion(trial) | _critic(trial)


def _fill(trial: Any) -> dict[str, Any]:
    if trial.suggest_categorical("choose_fill", [True, False]):
        trial.suggest_categorical("fill.frames", [2, 4, 8])
        return {}
    return {"fill": None}


def _occlusion(trial: Any) -> dict[str, Any]:
    if not trial.suggest_categorical("choose_occlusion", [True, False]):
        return {"data.occlusion": None}
    trial.suggest_float("data.occlusion.share", 0.2, 0.9)
    trial.suggest_float("data.occlusion.most", 0.3, 0.7)
    return {}


def _critic(trial: Any) -> dict[str, Any]:
    """Of the three stages without it, the first alone is left."""
    if not trial.suggest_categorical("choose_critic", [True, False]):
        return {
            "critic": None,
            "losses": [{"term": "mpjpe"}],
            "stages": [{"name": "sup", "share": 1.0}],
        }
    trial.suggest_categorical("critic.loss", ["lsgan", "bce", "wgan_gp"])
    trial.suggest_float("critic.weight", 1e-3, 1e-1, log=True)
    chosen = trial.suggest_categorical("choose_intervals", list(_INTERVALS))
    return {"critic.intervals": _INTERVALS[chosen]}
