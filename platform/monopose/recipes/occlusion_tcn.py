"""Paper A on keypoints: multi-stride convolutions, explicit occlusion, a spatio-temporal critic.

Cheng et al., "3D Human Pose Estimation Using Spatio-Temporal Networks with Explicit Occlusion
Training", AAAI 2020. Only its introduction was available: sizes, weights and the share of each
stage are ours. Deviations: keypoints with a mask in place of heatmaps; dense chunks; the baseline's
optimiser (recipes/videopose3d.py), so that the two differ in the method alone.
"""

from monopose.recipes.parts import (
    Budget,
    DataMix,
    KeypointEncoder,
    LossTerm,
    MultiStrideTcn,
    Occlusion,
    Optimiser,
    Size,
)
from monopose.recipes.recipe import Recipe
from monopose.recipes.stages import Critic, sup_adv_semi

# The file of the method suggests 0.1 for 2D; 2 was the best of what was tried (docs/log.md).
LOSSES = (LossTerm(term="mpjpe"), LossTerm(term="orthographic", weight=2.0))


def occlusion_tcn(size: Size = "small") -> Recipe:
    """Fields of view of 17, 65 or 209 frames; 32, 156 or 1024 channels a branch."""
    return {"smoke": _smoke, "small": _small, "paper": _paper}[size]()


def _recipe(
    name: str,
    temporal: MultiStrideTcn,
    occlusion: Occlusion,
    critic: Critic,
    optimiser: Optimiser,
    budget: Budget,
) -> Recipe:
    return Recipe(
        name=name,
        data=DataMix(occlusion=occlusion),
        encoder=KeypointEncoder(inputs="xy_mask"),
        temporal=temporal,
        losses=LOSSES,
        critic=critic,
        stages=sup_adv_semi(("mpjpe",)),
        optimiser=optimiser,
        budget=budget,
    )


def _smoke() -> Recipe:
    return _recipe(
        "occlusion_tcn-smoke",
        MultiStrideTcn(channels=32, strides=(1, 2), filter_widths=(3, 3)),
        Occlusion(),
        Critic(width=64, pose_width=32, stride=4),
        Optimiser(learning_rate=2e-3, ema_decay=0.9),
        Budget(epochs=4, chunk_frames=16, batch_chunks=16, evaluate_every=1),
    )


def _small() -> Recipe:
    return _recipe(
        "occlusion_tcn",
        MultiStrideTcn(channels=156, strides=(1, 2, 4, 8), filter_widths=(3, 3), dropout=0.2),
        Occlusion(),
        Critic(width=200, stride=4),
        Optimiser(learning_rate=4e-3, weight_decay=0.1, ema_decay=0.998),
        Budget(epochs=40, chunk_frames=16, batch_chunks=32, evaluate_every=10),
    )


def _paper() -> Recipe:
    return _recipe(
        "occlusion_tcn-paper",
        MultiStrideTcn(channels=1024, strides=(1, 2, 4, 8), filter_widths=(3, 3, 3)),
        Occlusion(run_frames=48),
        Critic(),
        Optimiser(learning_rate=1e-3, ema_decay=0.999),
        Budget(epochs=80, chunk_frames=64, batch_chunks=32),
    )
