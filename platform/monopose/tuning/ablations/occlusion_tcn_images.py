"""A1 of paper A: is a detector's heatmap worth more than its peak?

On data whose maps a trained detector has made of images (`monopose data detect`). Both variants
read the same maps; they differ in the encoder alone. A virtual view has no maps, so there are none.
"""

from functools import partial
from typing import Any

from monopose.evaluation.conditions import CLEAN, MASKED_30
from monopose.recipes.parts import Size
from monopose.recipes.recipe import Recipe, with_values
from monopose.tuning.ablation import Ablation, Question, Side
from monopose.tuning.ablations.occlusion_tcn import supervised

PA_MPJPE = "h36m17/pa_mpjpe/pooled"
# Of the maps that a detector of each size makes (recipes/detector.py), in their own pixels.
_MAPS: dict[Size, tuple[int, float]] = {"smoke": (16, 1.0), "small": (32, 1.5), "paper": (64, 2.0)}
# Images come at a fifth of the usual rate or so: fewer strides see as long. Chunks are longer than
# on keypoints, because the embedding costs most and each frame of a chunk is embedded once.
_STRIDES: dict[Size, tuple[int, ...]] = {"smoke": (1,), "small": (1, 2), "paper": (1, 2, 4)}


def of_images(size: Size, encoder: dict[str, Any]) -> Recipe:
    """Paper A's network on data of images, with that encoder."""
    values = {
        "data.virtual_cameras": None,
        "fill": None,
        "temporal.strides": _STRIDES[size],
        "budget.chunk_frames": 32,
        "budget.batch_chunks": 16,
    }
    recipe = with_values(supervised(size), values, where="ablation")
    return with_values(recipe, {f"encoder.{k}": v for k, v in encoder.items()}, where="ablation")


def of_maps(size: Size, kind: str) -> Recipe:
    """With an encoder that reads the detector's own maps."""
    size_px, sigma_px = _MAPS[size]
    stored = {"kind": kind, "maps": "stored", "size_px": size_px, "sigma_px": sigma_px}
    return of_images(size, stored)


ABLATION = Ablation(
    name="occlusion_tcn_images",
    about="Paper A on a detector's own heatmaps: embedded whole, or reduced to their peaks",
    reference="heatmaps",
    variants={
        "heatmaps": partial(of_maps, kind="heatmaps"),
        "peaks": partial(of_maps, kind="heatmap_peak"),
        "keypoints": partial(of_images, encoder={"inputs": "xy_score"}),
    },
    conditions=(CLEAN, MASKED_30),
    questions=(
        Question(
            "A1", "are heatmaps worth more than their peaks?",
            Side("heatmaps"), Side("peaks"),
        ),
        Question(
            "A1.pa", "and after alignment?",
            Side("heatmaps"), Side("peaks"), protocol=PA_MPJPE,
        ),
        Question(
            "A1.30", "and at 30 % masked?",
            Side("heatmaps", MASKED_30), Side("peaks", MASKED_30),
        ),
        Question(
            "keypoints", "and more than keypoints read of them beforehand?",
            Side("heatmaps"), Side("keypoints"),
        ),
    ),
)  # fmt: skip
