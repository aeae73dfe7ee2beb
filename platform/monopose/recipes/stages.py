"""Parts that learn from unlabelled video, and the stages in which they take part."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from monopose.recipes.parts import Part, Share

AdversarialLoss = Literal["lsgan", "bce", "wgan_gp"]


class Critic(Part):
    """Spatio-temporal critic on products of bone vectors (Cheng et al. 2020, RepNet 2019)."""

    loss: AdversarialLoss = "lsgan"
    weight: PositiveFloat = 0.01
    """of the estimator's adversarial loss, beside the recipe's losses"""
    intervals: tuple[PositiveInt, ...] = (1, 3, 5)
    """frames between the poses whose bone products are compared; none: structure alone"""
    width: PositiveInt = 1000
    """of the paths on bone products"""
    pose_width: PositiveInt = 100
    """of the path on joint positions, and of the last hidden layer"""
    normalise_bones: bool = False
    """bones in units of a chunk's mean bone length, for sets of bodies of different size"""
    stride: PositiveInt = 1
    """frames from one judged pose of a chunk to the next"""
    steps: PositiveInt = 1
    """of the critic for each of the estimator"""
    learning_rate: PositiveFloat = 1e-4
    penalty: PositiveFloat = 10.0
    """weight of the gradient penalty; used by wgan_gp alone"""


class Trajectory(Part):
    """A second estimator of the recipe's own kind that says where the root is (Pavllo et al.)."""

    channels: PositiveInt = 64
    """of its temporal part"""


class Stage(Part):
    """A share of the budget, and what takes part in it; all of the recipe unless it says less."""

    name: Annotated[str, Field(min_length=1)] = "all"
    share: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """of the epochs"""
    terms: tuple[str, ...] | None = None
    """the recipe's losses that count, by name; None for all"""
    critic: bool = False
    unlabelled: Share = 0.0
    """of each batch: chunks of 2D-only video, where there is any"""


def sup_adv_semi(supervised: tuple[str, ...]) -> tuple[Stage, ...]:
    """Labels alone for 60 % of the budget, then with the critic, then with 2D-only video too.

    supervised: names of the losses of the first two stages; all count in the last. The 15 % of
    the second stage is ours.
    """
    return (
        Stage(name="sup", share=0.6, terms=supervised),
        Stage(name="adv", share=0.15, terms=supervised, critic=True),
        Stage(name="semi", share=0.25, critic=True, unlabelled=0.5),
    )


def stage_at(stages: tuple[Stage, ...], progress: float) -> Stage:
    """The stage at a progress of 0..1 through the budget."""
    end = 0.0
    for stage in stages:
        end += stage.share
        if progress < end:
            return stage
    return stages[-1]
