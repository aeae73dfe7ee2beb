"""Paper A against the preset `videopose3d`: the same data and augmentation, the same time.

Variants train for as many epochs as take equally long, because an epoch of the one costs more than
an epoch of the other; the table says how long each took. `unmasked` has the preset's augmentation:
hiding keypoints in training costs a little accuracy where none is missing.
"""

from functools import partial
from typing import Any

from monopose.evaluation.conditions import CLEAN, MASKED_10, MASKED_30, MASKED_50
from monopose.recipes.parts import Size
from monopose.recipes.recipe import Recipe, with_values
from monopose.recipes.videopose3d import videopose3d
from monopose.tuning.ablation import Ablation, Question, Side
from monopose.tuning.ablations.occlusion_tcn import supervised

# Epochs of ours, of the preset, of the preset tuned. In the small size an epoch of ours costs 1.2
# times one of the preset and 1.05 times one of the preset tuned; the others were not measured.
_EPOCHS: dict[Size, tuple[int, int, int]] = {
    "smoke": (2, 2, 2),
    "small": (12, 15, 13),
    "paper": (60, 80, 60),
}


def ours(size: Size, values: dict[str, Any] | None = None) -> Recipe:
    """Multi-stride, occlusion and filling, on labels alone."""
    return supervised(size, {"budget.epochs": _EPOCHS[size][0], **(values or {})})


def preset(size: Size) -> Recipe:
    """The baseline as it is, for as long."""
    return with_values(videopose3d(size), {"budget.epochs": _EPOCHS[size][1]}, where="ablation")


def preset_tuned(size: Size) -> Recipe:
    """The baseline's network with the other's optimiser, dropout, batches and arithmetic."""
    base = ours(size)
    content = base.model_dump()
    values = {
        "optimiser": content["optimiser"],
        "runtime": content["runtime"],
        "temporal.dropout": content["temporal"]["dropout"],
        "budget.epochs": _EPOCHS[size][2],
        "budget.chunk_frames": base.budget.chunk_frames,
        "budget.batch_chunks": base.budget.batch_chunks,
    }
    return with_values(preset(size), values, where="ablation")


ABLATION = Ablation(
    name="occlusion_tcn_preset",
    about="Paper A on keypoints against the preset videopose3d, trained equally long",
    reference="occlusion_tcn",
    variants={
        "occlusion_tcn": ours,
        "unmasked": partial(ours, values={"data.occlusion": None}),
        "videopose3d": preset,
        "videopose3d_tuned": preset_tuned,
    },
    conditions=(CLEAN, MASKED_10, MASKED_30, MASKED_50),
    questions=(
        Question(
            "preset.15", "equally augmented, is the error 15 % below the preset's or more?",
            Side("unmasked"), Side("videopose3d"), at_most=0.85,
        ),
        Question(
            "preset", "is it below the preset's?",
            Side("unmasked"), Side("videopose3d"),
        ),
        Question(
            "masked.15", "and with keypoints hidden in training?",
            Side("occlusion_tcn"), Side("videopose3d"), at_most=0.85,
        ),
        Question(
            "tuned", "is it below that of the preset's network trained in the same way?",
            Side("unmasked"), Side("videopose3d_tuned"),
        ),
        Question(
            "tuned.30", "and at 30 % masked?",
            Side("unmasked", MASKED_30), Side("videopose3d_tuned", MASKED_30),
        ),
    ),
)  # fmt: skip
