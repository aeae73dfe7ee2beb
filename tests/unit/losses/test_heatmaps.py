import pytest
import torch

from monopose.evaluation.detection import detected
from monopose.losses.heatmaps import heatmap_mse


def test_joints_count_by_their_score() -> None:
    """Maps of 2 x 2: the first joint is 1 off everywhere, the second 2, the third is unlabelled."""
    target = torch.zeros(1, 3, 2, 2)
    predicted = torch.tensor([1.0, 2.0, 50.0]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    score = torch.tensor([[1.0, 0.5, 0.0]])
    assert heatmap_mse(predicted, target, score).item() == pytest.approx((1 + 0.5 * 4) / 1.5)
    assert heatmap_mse(target, target, score).item() == 0.0


def test_nothing_labelled_costs_nothing() -> None:
    predicted = torch.ones(1, 3, 2, 2, requires_grad=True)
    loss = heatmap_mse(predicted, torch.zeros(1, 3, 2, 2), torch.zeros(1, 3))
    loss.backward()
    assert loss.item() == 0.0
    assert predicted.grad is not None
    assert not predicted.grad.any()


def test_near_is_a_twentieth_of_the_crop_and_what_has_no_label_or_lies_outside_is_not_counted() -> (
    None
):
    labelled = torch.tensor([[0.0, 0.0], [0.5, 0.5], [0.0, 0.0], [1.2, 0.0]])
    # 0.08 and 0.2 of the two units that a crop spans: 0.04 and 0.1 sides.
    found = torch.tensor([[0.08, 0.0], [0.5, 0.7], [9.0, 9.0], [1.2, 0.0]])
    result = detected(found, labelled, torch.tensor([1.0, 0.5, 0.0, 1.0]))
    assert result.keypoints == 2
    assert result.pck == 0.5
    assert result.mean_distance == pytest.approx(0.07)
    twice = result + result
    assert (twice.keypoints, twice.pck) == (4, 0.5)
    assert twice.mean_distance == pytest.approx(0.07)
