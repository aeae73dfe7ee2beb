"""Baseline: temporal convolutions on keypoints (Pavllo et al., CVPR 2019).

Deviations: dense chunks in place of single windows, dropout 0.2 in the small size,
AdamW with a cosine schedule and averaged weights in place of AMSGrad with exponential decay,
keypoints split into centre and offsets (models/encoders/keypoints.py).
"""

from monopose.recipes.parts import Budget, Optimiser, SingleStrideTcn, Size
from monopose.recipes.recipe import Recipe


def videopose3d(size: Size = "small") -> Recipe:
    """Receptive field 9, 27 or 243 frames; 64, 256 or 1024 channels."""
    return {"smoke": _smoke, "small": _small, "paper": _paper}[size]()


def _smoke() -> Recipe:
    return Recipe(
        name="videopose3d-smoke",
        temporal=SingleStrideTcn(channels=64, filter_widths=(3, 3)),
        budget=Budget(epochs=2, chunk_frames=16, batch_chunks=16, evaluate_every=1),
        optimiser=Optimiser(learning_rate=2e-3, ema_decay=0.9),
    )


def _small() -> Recipe:
    return Recipe(
        name="videopose3d",
        temporal=SingleStrideTcn(channels=256, filter_widths=(3, 3, 3), dropout=0.2),
        budget=Budget(epochs=52, chunk_frames=16, batch_chunks=32, evaluate_every=10),
        optimiser=Optimiser(learning_rate=4e-3, weight_decay=0.1, ema_decay=0.998),
    )


def _paper() -> Recipe:
    return Recipe(
        name="videopose3d-paper",
        temporal=SingleStrideTcn(channels=1024, filter_widths=(3, 3, 3, 3, 3)),
        budget=Budget(epochs=80, chunk_frames=64, batch_chunks=32),
        optimiser=Optimiser(learning_rate=1e-3, ema_decay=0.999),
    )
