"""What each part of paper A is worth: A2 to A6 of its file, and the robustness it is made for.

A1, heatmaps against their peak, needs images (occlusion_tcn_images.py): drawn heatmaps hold no more
than the peak. The margin over the preset needs equal time (occlusion_tcn_preset.py).
"""

from functools import partial
from typing import Any

from monopose.evaluation.conditions import (
    CLEAN,
    DOUBLE_SPEED,
    HALF_SPEED,
    MASKED_10,
    MASKED_30,
    MASKED_50,
    MOVING_AREA,
    STATIC_AREA,
)
from monopose.models.size import as_large_as
from monopose.recipes.occlusion_tcn import LOSSES, occlusion_tcn
from monopose.recipes.parts import Size
from monopose.recipes.recipe import Recipe, with_values
from monopose.tuning.ablation import Ablation, Question, Side

MPJVE = "h36m17/mpjve/pooled"
_SUPERVISED: dict[str, Any] = {
    "losses": [{"term": "mpjpe"}],
    "critic": None,
    "stages": [{"name": "sup", "share": 1.0}],
}
# Stages change with the budget, so each variant is one stage: its part is there from the start.
_CRITIC = [{"name": "adv", "share": 1.0, "critic": True}]
_SEMI = [
    {"name": "sup", "share": 0.4, "terms": ["mpjpe"]},
    {"name": "semi", "share": 0.6, "unlabelled": 0.5},
]


def supervised(size: Size, values: dict[str, Any] | None = None) -> Recipe:
    """Multi-stride and occlusion alone, with fields replaced."""
    return with_values(occlusion_tcn(size), {**_SUPERVISED, **(values or {})}, where="ablation")


def one_stride(size: Size) -> Recipe:
    """One stride and one layer more: as many parameters, the field of view nearest to it."""
    base = supervised(size)
    widths = [3] * {"smoke": 3, "small": 3, "paper": 5}[size]
    values = {"temporal.kind": "tcn_single", "temporal.filter_widths": widths}
    dropout = {"temporal.dropout": base.temporal.model_dump()["dropout"]}
    return as_large_as(with_values(base, {**values, **dropout}, where="ablation"), base)


def with_critic(size: Size, intervals: tuple[int, ...]) -> Recipe:
    """A critic of bone products at one time, and over these intervals."""
    critic = {**occlusion_tcn(size).model_dump()["critic"], "intervals": intervals}
    return supervised(size, {"critic": critic, "stages": _CRITIC})


def few_labels(size: Size, share: float, *, video: bool) -> Recipe:
    """A share of the 3D labels, with the rest as 2D-only video or without it."""
    terms = [term.model_dump() for term in LOSSES]
    semi = {"losses": terms, "stages": _SEMI} if video else {}
    return supervised(size, {"data.label_share": share, **semi})


ABLATION = Ablation(
    name="occlusion_tcn",
    about="Paper A on keypoints: one part added or taken away at a time",
    reference="masked",
    variants={
        "masked": supervised,
        "unmasked": partial(supervised, values={"data.occlusion": None}),
        "unfilled": partial(supervised, values={"fill": None}),
        "plain": partial(supervised, values={"data.occlusion": None, "fill": None}),
        "one_stride": one_stride,
        "kcs": partial(with_critic, intervals=()),
        "kcs_tkcs": partial(with_critic, intervals=(1, 3, 5)),
        "labels_10": partial(few_labels, share=0.1, video=False),
        "labels_10_video": partial(few_labels, share=0.1, video=True),
        "labels_1": partial(few_labels, share=0.01, video=False),
        "labels_1_video": partial(few_labels, share=0.01, video=True),
        "causal": partial(supervised, values={"temporal.causal": True}),
    },
    conditions=(CLEAN, MASKED_10, MASKED_30, MASKED_50, STATIC_AREA, MOVING_AREA),
    questions=(
        Question(
            "A2", "do several strides beat one of the same size?",
            Side("masked"), Side("one_stride"),
        ),
        Question(
            "A2.slow", "and at half the speed?",
            Side("masked", HALF_SPEED), Side("one_stride", HALF_SPEED),
        ),
        Question(
            "A2.fast", "and at twice the speed?",
            Side("masked", DOUBLE_SPEED), Side("one_stride", DOUBLE_SPEED),
        ),
        Question(
            "A3", "does a critic of body structure help?",
            Side("kcs"), Side("masked"),
        ),
        Question(
            "A4", "does a critic of motion help beyond it?",
            Side("kcs_tkcs"), Side("kcs"),
        ),
        Question(
            "A4.smooth", "and is the motion smoother?",
            Side("kcs_tkcs"), Side("kcs"), protocol=MPJVE,
        ),
        Question(
            "A5", "does masking in training cost accuracy on whole input? (at most 5 %)",
            Side("masked"), Side("unmasked"), at_most=1.05,
        ),
        Question(
            "A5.30", "does masking in training help at 30 % masked?",
            Side("masked", MASKED_30), Side("unmasked", MASKED_30),
        ),
        Question(
            "A5.50", "and at 50 %?",
            Side("masked", MASKED_50), Side("unmasked", MASKED_50),
        ),
        Question(
            "A5.area", "and behind a standing area?",
            Side("masked", STATIC_AREA), Side("unmasked", STATIC_AREA),
        ),
        Question(
            "A5.alone", "does it help at 50 % where nothing is filled?",
            Side("unfilled", MASKED_50), Side("plain", MASKED_50),
        ),
        Question(
            "fill.50", "does filling from neighbouring frames help at 50 % beyond masking?",
            Side("masked", MASKED_50), Side("unfilled", MASKED_50),
        ),
        Question(
            "robust.30", "is the error at 30 % masked at most 1.15 times the clean one?",
            Side("masked", MASKED_30), Side("masked"), at_most=1.15,
        ),
        Question(
            "robust.50", "is the error at 50 % masked at most 1.35 times the clean one?",
            Side("masked", MASKED_50), Side("masked"), at_most=1.35,
        ),
        Question(
            "robust.half.30", "at 30 %, is it below half of that without masking and filling?",
            Side("masked", MASKED_30), Side("plain", MASKED_30), at_most=0.5,
        ),
        Question(
            "robust.half.50", "and at 50 %?",
            Side("masked", MASKED_50), Side("plain", MASKED_50), at_most=0.5,
        ),
        Question(
            "robust.clean", "is the clean error at most 5 % above that without both?",
            Side("masked"), Side("plain"), at_most=1.05,
        ),
        Question(
            "A6.10", "does 2D-only video help with 10 % of the labels?",
            Side("labels_10_video"), Side("labels_10"),
        ),
        Question(
            "A6.1", "does 2D-only video help with 1 % of the labels?",
            Side("labels_1_video"), Side("labels_1"),
        ),
        Question(
            "live", "is the model that sees no newer frame worse?",
            Side("masked"), Side("causal"),
        ),
    ),
)  # fmt: skip
