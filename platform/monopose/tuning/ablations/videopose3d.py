"""What the baseline's training and inputs are worth: cameras, flips, scores, field of view."""

from functools import partial
from typing import Any

from monopose.evaluation.conditions import CLEAN, DOUBLE_SPEED, HALF_SPEED, MASKED_30
from monopose.recipes.parts import Size
from monopose.recipes.recipe import Recipe, with_values
from monopose.recipes.videopose3d import videopose3d
from monopose.tuning.ablation import Ablation, Question, Side


def changed(size: Size, values: dict[str, Any]) -> Recipe:
    """The preset with fields replaced."""
    return with_values(videopose3d(size), values, where="ablation videopose3d")


# Two or three layers of three taps, whatever the preset's size has.
_NINE: dict[str, Any] = {"temporal.filter_widths": [3, 3]}
_TWENTY_SEVEN: dict[str, Any] = {"temporal.filter_widths": [3, 3, 3]}

ABLATION = Ablation(
    name="videopose3d",
    about="The preset videopose3d with 27 frames, and one thing changed at a time",
    reference="reference",
    variants={
        "reference": partial(changed, values=_TWENTY_SEVEN),
        "own_views": partial(changed, values={**_TWENTY_SEVEN, "data.virtual_cameras": None}),
        "no_flip": partial(changed, values={**_TWENTY_SEVEN, "data.flip": False}),
        "xy_score": partial(changed, values={**_TWENTY_SEVEN, "encoder.inputs": "xy_score"}),
        "nine_frames": partial(changed, values=_NINE),
    },
    questions=(
        Question(
            "cameras",
            "do random virtual cameras in training help on the data set's own cameras?",
            Side("reference"),
            Side("own_views"),
        ),
        Question(
            "flip",
            "does mirroring in training and averaging both ways in evaluation help?",
            Side("reference"),
            Side("no_flip"),
        ),
        Question(
            "score.clean",
            "does the detector's score help as a third input?",
            Side("xy_score"),
            Side("reference"),
        ),
        Question(
            "score.masked",
            "does the score help when 30 % of the keypoints are missing?",
            Side("xy_score", MASKED_30),
            Side("reference", MASKED_30),
        ),
        Question(
            "field",
            "does a field of view of 27 frames beat one of 9?",
            Side("reference"),
            Side("nine_frames"),
        ),
        Question(
            "field.smooth",
            "does the longer field of view make smoother motion?",
            Side("reference"),
            Side("nine_frames"),
            protocol="h36m17/mpjve/pooled",
        ),
        Question(
            "field.slow",
            "does the longer field of view help on motion at half speed?",
            Side("reference", HALF_SPEED),
            Side("nine_frames", HALF_SPEED),
        ),
        Question(
            "field.fast",
            "does the longer field of view help on motion at twice the speed?",
            Side("reference", DOUBLE_SPEED),
            Side("nine_frames", DOUBLE_SPEED),
        ),
        Question(
            "robust",
            "is the error with 30 % of the keypoints missing at most 1.15 times the clean one?",
            Side("reference", MASKED_30),
            Side("reference", CLEAN),
            at_most=1.15,
        ),
    ),
)
