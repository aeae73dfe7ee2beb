import pytest
import torch

from monopose.models.dropout import ByteDropout

RATES = [0.05, 0.25, 0.5, 0.9]


def dropped_from(rate: float, count: int = 40_000, seed: int = 0) -> torch.Tensor:
    torch.manual_seed(seed)
    dropped: torch.Tensor = ByteDropout(rate).train()(torch.ones(count))
    return dropped


@pytest.mark.parametrize("rate", RATES)
def test_the_share_dropped_is_binomial_in_the_rounded_rate(rate: float) -> None:
    share = round(rate * 256) / 256
    dropped = int((dropped_from(rate) == 0).sum())
    # Five standard deviations.
    assert abs(dropped - 40_000 * share) < 5 * (40_000 * share * (1 - share)) ** 0.5


@pytest.mark.parametrize("rate", RATES)
def test_kept_elements_are_scaled_so_that_the_mean_stays(rate: float) -> None:
    kept = dropped_from(rate)
    kept = kept[kept != 0]
    assert torch.allclose(kept, torch.full_like(kept, 1 / (1 - round(rate * 256) / 256)))


@pytest.mark.parametrize("shape", [(3,), (2, 5, 7), (1, 1), (8, 16)])
def test_shape_and_dtype_are_kept(shape: tuple[int, ...]) -> None:
    for dtype in (torch.float32, torch.bfloat16, torch.float64):
        values = ByteDropout(0.5).train()(torch.ones(shape, dtype=dtype))
        assert (values.shape, values.dtype) == (torch.Size(shape), dtype)
        assert set(values.flatten().tolist()) <= {0.0, 2.0}


def test_evaluation_and_rate_zero_return_the_values_themselves() -> None:
    values = torch.randn(5)
    assert ByteDropout(0.5).eval()(values) is values
    assert ByteDropout(0.0).train()(values) is values
    # Less than half of 1/256 rounds to none.
    assert ByteDropout(0.0019).train()(values) is values


def test_the_smallest_rate_drops_one_in_256() -> None:
    dropped = int((dropped_from(0.002, count=256_000) == 0).sum())
    assert abs(dropped - 1000) < 5 * 1000**0.5


def test_gradient_goes_through_kept_elements_only() -> None:
    torch.manual_seed(0)
    values = torch.ones(1000, requires_grad=True)
    out = ByteDropout(0.25).train()(values)
    out.sum().backward()
    assert values.grad is not None
    assert torch.equal(values.grad, out.detach())
    assert 0 < int((values.grad == 0).sum()) < 1000


def test_neighbours_are_dropped_independently() -> None:
    """Of elements eight apart and one apart, as many agree as chance says: 0.5^2 + 0.5^2."""
    mask = dropped_from(0.5, count=80_000) == 0
    for distance in (1, 2, 4, 8):
        agree = int((mask[distance:] == mask[:-distance]).sum())
        assert abs(agree - 40_000) < 5 * 20_000**0.5 + distance


def test_the_mask_follows_torchs_seed() -> None:
    assert torch.equal(dropped_from(0.5, seed=1), dropped_from(0.5, seed=1))
    assert not torch.equal(dropped_from(0.5, seed=1), dropped_from(0.5, seed=2))
