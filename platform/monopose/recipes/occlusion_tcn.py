"""Paper A on keypoints: multi-stride convolutions, explicit occlusion, a spatio-temporal critic.

Cheng et al., "3D Human Pose Estimation Using Spatio-Temporal Networks with Explicit Occlusion
Training", AAAI 2020. Only its introduction was available: sizes, weights and the share of each
stage are ours. Deviations: keypoints with their scores in place of heatmaps; missing keypoints are
filled from the frames around them first (models/fill.py); dense chunks; Muon, and in the small size
no dropout, which were by far the best of what was tried (docs/log.md). The paper size is untried.
"""

from monopose.recipes.parts import (
    Budget,
    DataMix,
    Fill,
    KeypointEncoder,
    LossTerm,
    MultiStrideTcn,
    Occlusion,
    Optimiser,
    Runtime,
    Size,
)
from monopose.recipes.recipe import Recipe
from monopose.recipes.stages import Critic, sup_adv_semi

# The file of the method suggests 0.1 for 2D; 2 was the best of what was tried (docs/log.md).
LOSSES = (LossTerm(term="mpjpe"), LossTerm(term="orthographic", weight=2.0))


def occlusion_tcn(size: Size = "small") -> Recipe:
    """Fields of view of 17, 25 or 209 frames, and the frames to fill from; 32, 192 or 1024 channels
    a branch.
    """
    return {"smoke": _smoke, "small": _small, "paper": _paper}[size]()


def _recipe(
    name: str,
    temporal: MultiStrideTcn,
    occlusion: Occlusion,
    critic: Critic,
    optimiser: Optimiser,
    budget: Budget,
    *,
    amp: bool = False,
) -> Recipe:
    return Recipe(
        name=name,
        data=DataMix(occlusion=occlusion),
        fill=Fill(),
        encoder=KeypointEncoder(inputs="xy_score"),
        temporal=temporal,
        losses=LOSSES,
        critic=critic,
        stages=sup_adv_semi(("mpjpe",)),
        optimiser=optimiser,
        budget=budget,
        runtime=Runtime(amp=amp),
    )


def _smoke() -> Recipe:
    return _recipe(
        "occlusion_tcn-smoke",
        MultiStrideTcn(channels=32, strides=(1, 2), filter_widths=(3, 3)),
        Occlusion(),
        Critic(width=64, pose_width=32, stride=4),
        Optimiser(kind="muon", learning_rate=2e-3, ema_decay=0.9),
        Budget(epochs=4, chunk_frames=16, batch_chunks=16, evaluate_every=1),
    )


def _small() -> Recipe:
    return _recipe(
        "occlusion_tcn",
        MultiStrideTcn(channels=192, strides=(1, 2, 3), filter_widths=(3, 3), dropout=0.0),
        Occlusion(),
        Critic(width=200),
        Optimiser(kind="muon", learning_rate=6e-3, weight_decay=0.1, ema_decay=0.99),
        Budget(epochs=24, chunk_frames=8, batch_chunks=128, evaluate_every=8),
        amp=True,
    )


def _paper() -> Recipe:
    return _recipe(
        "occlusion_tcn-paper",
        MultiStrideTcn(channels=1024, strides=(1, 2, 4, 8), filter_widths=(3, 3, 3)),
        Occlusion(run_frames=48),
        Critic(),
        Optimiser(kind="muon", learning_rate=1e-3, ema_decay=0.999),
        Budget(epochs=80, chunk_frames=64, batch_chunks=32),
    )
