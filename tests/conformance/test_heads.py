"""What every pose head must keep; a new one is one more line in CONFIGS."""

from collections.abc import Callable

import pytest
import torch
from tests.conformance import parts
from torch import nn

from monopose.models.estimator import HEADS
from monopose.recipes.parts import LinearHead

FEATURES, JOINTS = 12, 17
CONFIGS = {"linear": LinearHead()}


@pytest.fixture(params=CONFIGS.values(), ids=list(CONFIGS))
def make(request: pytest.FixtureRequest) -> Callable[[], nn.Module]:
    def head() -> nn.Module:
        made: nn.Module = HEADS[request.param.kind](request.param, FEATURES, JOINTS)
        return made

    return head


def features(frames: int = 5) -> torch.Tensor:
    return torch.rand(3, frames, FEATURES, generator=torch.Generator().manual_seed(0))


def test_every_head_is_covered() -> None:
    assert {config.kind for config in CONFIGS.values()} == set(HEADS)


def test_one_pose_for_each_frame(make: Callable[[], nn.Module]) -> None:
    assert make()(features()).shape == (3, 5, JOINTS, 3)
    assert make()(features(frames=1)).shape == (3, 1, JOINTS, 3)


def test_gradient_reaches_every_parameter(make: Callable[[], nn.Module]) -> None:
    parts.check_gradient_reaches_every_parameter(make(), features())


def test_evaluation_is_deterministic(make: Callable[[], nn.Module]) -> None:
    parts.check_deterministic_in_evaluation(make(), features())


def test_saving_keeps_every_bit(make: Callable[[], nn.Module]) -> None:
    parts.check_survives_saving(make, features())


def test_frames_do_not_see_each_other(make: Callable[[], nn.Module]) -> None:
    head, together = make().eval(), features()
    alone = torch.cat([head(together[:, i : i + 1]) for i in range(5)], dim=1)
    torch.testing.assert_close(head(together), alone)
