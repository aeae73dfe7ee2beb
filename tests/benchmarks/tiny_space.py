"""A space whose trials train for milliseconds."""

from typing import Any


def space(trial: Any) -> dict[str, Any]:
    """One epoch of a tiny network."""
    trial.suggest_float("optimiser.learning_rate", 1e-4, 1e-2, log=True)
    return {
        "preset": "videopose3d",
        "size": "smoke",
        "temporal.channels": 8,
        "budget.epochs": 1,
        "budget.chunk_frames": 32,
        "budget.batch_chunks": 8,
    }
