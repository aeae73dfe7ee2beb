"""What every temporal part must keep; a new one is one more line in CONFIGS."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tests.conformance import parts

from monopose.data.context import Context
from monopose.models.estimator import TEMPORALS, build, context_of
from monopose.models.temporal.tcn_multi import MultiStride
from monopose.models.temporal.tcn_single import SingleStride
from monopose.recipes.parts import MultiStrideTcn, NoTemporal, SingleStrideTcn
from monopose.recipes.recipe import Recipe

# Any: a part has attributes that `nn.Module` does not declare.
Make = Callable[[], Any]
# Configuration, frames before and after that an output sees.
Case = tuple[Any, Context]
FEATURES = 6
CONFIGS: dict[str, Case] = {
    "none": (NoTemporal(), Context(0, 0)),
    "tcn, 3": (SingleStrideTcn(channels=8, filter_widths=(3,), dropout=0.0), Context(1, 1)),
    "tcn, 3x3": (SingleStrideTcn(channels=8, filter_widths=(3, 3), dropout=0.25), Context(4, 4)),
    "tcn, 5x3x1": (
        SingleStrideTcn(channels=8, filter_widths=(5, 3, 1), dropout=0.1),
        Context(7, 7),
    ),
    "tcn, 1": (SingleStrideTcn(channels=8, filter_widths=(1,), dropout=0.1), Context(0, 0)),
    "tcn, causal": (
        SingleStrideTcn(channels=8, filter_widths=(3, 2, 2), causal=True),
        Context(11, 0),
    ),
    "multi, 1 2 3": (
        MultiStrideTcn(channels=8, strides=(1, 2, 3), filter_widths=(3, 3)),
        Context(12, 12),
    ),
    "multi, 4 1": (MultiStrideTcn(channels=8, strides=(4, 1), filter_widths=(3,)), Context(4, 4)),
    "multi, causal": (
        MultiStrideTcn(channels=8, strides=(2, 1), filter_widths=(3, 2), causal=True),
        Context(10, 0),
    ),
}


@pytest.fixture(params=CONFIGS.values(), ids=list(CONFIGS))
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


@pytest.fixture
def make(case: Case) -> Make:
    return lambda: TEMPORALS[case[0].kind](case[0], FEATURES)


def features(count: int, batch: int = 2) -> torch.Tensor:
    return torch.randn(batch, count, FEATURES, generator=torch.Generator().manual_seed(count))


def test_every_temporal_part_is_covered() -> None:
    assert {config.kind for config, _ in CONFIGS.values()} == set(TEMPORALS)


def test_shape_and_receptive_field_are_what_they_announce(make: Make, case: Case) -> None:
    part = make().eval()
    frames = case[1].frames
    assert part.context == case[1]
    assert part(features(frames + 4)).shape == (2, 5, part.num_features)
    assert part(features(frames, batch=1)).shape == (1, 1, part.num_features)


def test_gradient_reaches_every_parameter(make: Make, case: Case) -> None:
    inputs = features(case[1].frames + 3).requires_grad_()
    parts.check_gradient_reaches_every_parameter(parts.seeded(make), inputs)
    assert inputs.grad is not None
    assert (inputs.grad.abs().sum(dim=(0, 2)) > 0).all()


def test_evaluation_is_deterministic(make: Make, case: Case) -> None:
    parts.check_deterministic_in_evaluation(parts.seeded(make), features(case[1].frames + 2))


def test_saving_keeps_every_bit(make: Make, case: Case) -> None:
    parts.check_survives_saving(make, features(case[1].frames + 2))


def test_windows_alone_give_the_same(make: Make, case: Case) -> None:
    parts.check_windows_alone_give_the_same(
        parts.seeded(make), case[1].frames, features(case[1].frames + 4)
    )


def test_bfloat16_is_close(make: Make, case: Case) -> None:
    parts.check_bfloat16_is_close(parts.seeded(make), features(case[1].frames + 2))


def taps_seen(case: Case) -> set[int]:
    """Frames of its window that an output sees: strides leave some out."""
    config, context = case
    if config.kind != "tcn_multi":
        return set(range(context.frames))
    taps = math.prod(config.filter_widths)
    longest = max(config.strides) * (taps - 1)
    starts = {s: longest - s * (taps - 1) for s in config.strides}
    if not config.causal:
        starts = {s: start // 2 for s, start in starts.items()}
    return {starts[s] + s * tap for s in config.strides for tap in range(taps)}


def test_an_output_frame_depends_on_its_receptive_field_and_on_all_of_it(
    make: Make, case: Case
) -> None:
    part, inputs = parts.seeded(make).eval(), features(case[1].frames + 5)
    before = part(inputs)
    for moved in range(inputs.shape[1]):
        changed = inputs.clone()
        changed[:, moved] += 3.0
        differs = (part(changed) != before).any(dim=2).any(dim=0)
        expected = [
            any(moved == frame + tap for tap in taps_seen(case)) for frame in range(before.shape[1])
        ]
        assert differs.tolist() == expected


def test_samples_do_not_see_each_other_in_evaluation(make: Make, case: Case) -> None:
    part, inputs = parts.seeded(make).eval(), features(case[1].frames + 2, batch=3)
    together = part(inputs)
    for index in range(3):
        torch.testing.assert_close(part(inputs[index : index + 1]), together[index : index + 1])


def test_a_recipe_builds_it_reproducibly_and_alone(case: Case) -> None:
    recipe = Recipe(name="r", temporal=case[0], seed=5)
    torch.manual_seed(1)
    untouched = torch.get_rng_state()
    one = build(recipe).state_dict()
    assert context_of(recipe) == case[1]
    assert torch.equal(torch.get_rng_state(), untouched)
    torch.manual_seed(99)
    two = build(recipe).state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)


def normalised(values: np.ndarray, prefix: str, state: dict[str, np.ndarray]) -> np.ndarray:
    """Batch norm in evaluation, by its formula, then the rectifier."""
    scale = state[f"{prefix}.1.weight"] / np.sqrt(state[f"{prefix}.1.running_var"] + 1e-5)
    shifted = (values - state[f"{prefix}.1.running_mean"]) * scale + state[f"{prefix}.1.bias"]
    return np.maximum(shifted, 0)


def window_by_hand(
    window: np.ndarray,
    widths: tuple[int, ...],
    state: dict[str, np.ndarray],
    *,
    causal: bool = False,
) -> np.ndarray:
    """VideoPose3D's strided form: every layer folds `width` frames into one, down to one frame."""

    def convolved(frames: np.ndarray, prefix: str, width: int) -> np.ndarray:
        weight = state[f"{prefix}.0.weight"]
        groups = [frames[i : i + width] for i in range(0, len(frames), width)]
        sums = [sum(weight[:, :, tap] @ group[tap] for tap in range(width)) for group in groups]
        return normalised(np.stack(sums), prefix, state)

    frames = convolved(window, "expand", widths[0])
    for index, width in enumerate(widths[1:]):
        passed_on = frames[(width - 1 if causal else width // 2) :: width]
        inner = convolved(frames, f"blocks.{index}.0", width)
        frames = passed_on + convolved(inner, f"blocks.{index}.1", 1)
    return frames[0]


@pytest.mark.parametrize("widths", [(3,), (3, 3), (5, 3), (3, 3, 3)])
def test_single_stride_is_the_strided_network_of_every_window(widths: tuple[int, ...]) -> None:
    config = SingleStrideTcn(channels=7, filter_widths=widths, dropout=0.3)
    part = parts.seeded(lambda: SingleStride(config, FEATURES)).eval()
    state = {name: values.double().numpy() for name, values in part.state_dict().items()}
    inputs = features(part.context.frames + 3)
    outputs = part(inputs).detach().numpy()
    for sample in range(2):
        for frame in range(4):
            window = inputs[sample, frame : frame + part.context.frames].double().numpy()
            by_hand = window_by_hand(window, widths, state)
            np.testing.assert_allclose(outputs[sample, frame], by_hand, atol=2e-5)


def below(state: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    ("strides", "widths"), [((1, 2, 4, 8), (3, 3)), ((5, 2), (3,)), ((3,), (3, 3, 3))]
)
def test_multi_stride_is_the_strided_network_of_every_sub_sequence(
    strides: tuple[int, ...], widths: tuple[int, ...], causal: bool
) -> None:
    """Each branch on z[t + s * k] cut out, its outputs side by side, then the fusion's formula."""
    config = MultiStrideTcn(channels=5, strides=strides, filter_widths=widths, causal=causal)
    part = parts.seeded(lambda: MultiStride(config, FEATURES)).eval()
    state = {name: values.double().numpy() for name, values in part.state_dict().items()}
    inputs = features(part.context.frames + 3)
    outputs = part(inputs).detach().numpy()
    taps = math.prod(widths)
    steps = range(1 - taps, 1) if causal else range(-(taps // 2), taps // 2 + 1)
    for output in range(4):
        t = output + part.context.before
        for sample in range(2):
            z = inputs[sample].double().numpy()
            seen = [
                window_by_hand(
                    z[[t + s * k for k in steps]], widths, below(state, f"branches.{i}."),
                    causal=causal,
                )
                for i, s in enumerate(strides)
            ]  # fmt: skip
            fused = normalised(
                state["fuse.0.weight"][:, :, 0] @ np.concatenate(seen), "fuse", state
            )
            np.testing.assert_allclose(outputs[sample, output], fused, atol=2e-5)


@pytest.mark.parametrize(
    "config",
    [
        SingleStrideTcn(channels=8, filter_widths=(3, 3), causal=True),
        MultiStrideTcn(channels=8, filter_widths=(3, 3), strides=(1, 3), causal=True),
    ],
    ids=["tcn_single", "tcn_multi"],
)
def test_no_future_frame_moves_a_causal_output_and_the_newest_does(config: Any) -> None:
    part = parts.seeded(lambda: TEMPORALS[config.kind](config, FEATURES)).eval()
    assert part.context.after == 0
    inputs = features(part.context.frames + 9)
    before = part(inputs)
    for output in range(9):
        changed = inputs.clone()
        changed[:, part.context.before + output + 1 :] = 100.0
        assert torch.equal(part(changed)[:, : output + 1], before[:, : output + 1])
        changed[:, part.context.before + output] += 1.0
        assert not torch.allclose(part(changed)[:, output], before[:, output], atol=1e-4)
