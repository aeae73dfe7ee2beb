"""Single-frame and temporal baselines on keypoints: what the papers' methods must beat."""

from typing import Any


def space(trial: Any) -> dict[str, Any]:
    """Residual MLP or single-stride TCN, their sizes, losses and optimiser."""
    preset = trial.suggest_categorical("preset", ["videopose3d", "simple_baseline"])
    trial.suggest_float("optimiser.learning_rate", 3e-4, 1e-2, log=True)
    trial.suggest_float("optimiser.weight_decay", 1e-3, 0.3, log=True)
    trial.suggest_float("data.virtual_cameras.share", 0.0, 0.9)
    constants: dict[str, Any] = {
        "size": "small",
        "budget.epochs": 8,
        "budget.chunk_frames": 16,
        "budget.batch_chunks": 32,
        "optimiser.ema_decay": 0.99,
    }
    branch = {"videopose3d": _temporal, "simple_baseline": _single_frame}[preset]
    return constants | branch(trial) | _losses(trial)


def _temporal(trial: Any) -> dict[str, Any]:
    trial.suggest_categorical("temporal.channels", [32, 64, 128])
    trial.suggest_float("temporal.dropout", 0.0, 0.4)
    # Optuna stores only scalars, so the filters are suggested by the field they see.
    frames = trial.suggest_categorical("choose_frames", [9, 27])
    return {"temporal.filter_widths": [3] * {9: 2, 27: 3}[frames]}


def _single_frame(trial: Any) -> dict[str, Any]:
    trial.suggest_categorical("encoder.width", [64, 128])
    trial.suggest_int("encoder.blocks", 1, 3)
    trial.suggest_float("encoder.dropout", 0.0, 0.4)
    return {}


def _losses(trial: Any) -> dict[str, Any]:
    terms: list[dict[str, Any]] = [{"term": "mpjpe", "weight": 1.0}]
    if trial.suggest_categorical("choose_bones", [False, True]):
        weight = trial.suggest_float("choose_bone_weight", 0.01, 1.0, log=True)
        terms.append({"term": "bone_vector", "weight": weight})
    return {"losses": terms}
