from dataclasses import replace

import pytest
import torch
from tests.moving_clips import moving_tensors, tiny_recipe

from monopose.data.augment import to_batch
from monopose.data.batches import Batch, cut_chunks
from monopose.models.estimator import context_of
from monopose.models.outputs import PoseOutputs
from monopose.models.trajectory import RootTrajectory, build_trajectory, with_root
from monopose.recipes.recipe import Recipe

ROOTED = tiny_recipe(losses=[{"term": "mpjpe"}, {"term": "trajectory"}], trajectory={"channels": 6})


def batch_of(recipe: Recipe) -> Batch:
    starts = torch.tensor([[0, 0], [1, 3], [2, 1]])
    context = context_of(recipe)
    return to_batch(cut_chunks(moving_tensors(12, 15), starts, 4, context), context, 0)


def said_by(model: RootTrajectory, batch: Batch) -> torch.Tensor:
    return model.eval()(batch.keypoints, batch.score, batch.intrinsics)


def model_of(recipe: Recipe) -> RootTrajectory:
    model = build_trajectory(recipe)
    assert model is not None
    return model


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"temporal.filter_widths": [3, 3]},
        {"temporal.kind": "none"},
        {"temporal.kind": "tcn_multi"},
        {"temporal.causal": True},
        {"encoder.kind": "mlp"},
        {"fill": {"frames": 3}},
        {"fill": {"frames": 3}, "temporal.causal": True},
    ],
)
def test_the_root_is_said_of_the_frames_whose_pose_is_said(values: dict[str, object]) -> None:
    recipe = tiny_recipe(
        losses=[{"term": "mpjpe"}, {"term": "trajectory"}],
        trajectory={"channels": 6},
        **{name.replace(".", "__"): value for name, value in values.items()},
    )
    batch = batch_of(recipe)
    root_m = said_by(model_of(recipe), batch)
    assert root_m.shape == batch.root_m.shape == (3, 4, 3)
    assert (root_m[..., 2] > 0).all()


def test_it_says_a_place_on_the_screen_whatever_the_camera() -> None:
    """The projection of the root does not depend on the intrinsics; its depth goes with fx."""
    model, batch = model_of(ROOTED), batch_of(ROOTED)
    other = replace(batch, intrinsics=torch.tensor([4.0, 3.0, 0.2, -0.1]).repeat(3, 1))
    places, depths = [], []
    for each in (batch, other):
        x, y, z = said_by(model, each).unbind(-1)
        fx, fy, cx, cy = each.intrinsics.unsqueeze(1).unbind(-1)
        places.append(torch.stack([fx * x / z + cx, fy * y / z + cy], dim=-1))
        depths.append(z / fx)
    torch.testing.assert_close(places[0], places[1], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(depths[0], depths[1])


def test_wild_outputs_stay_finite() -> None:
    model, batch = model_of(ROOTED), batch_of(ROOTED)
    torch.nn.init.constant_(model.head.bias, 1e4)
    root_m = said_by(model, batch)
    root_m.sum().backward()
    assert root_m.isfinite().all()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


def test_recipes_without_a_trajectory_have_none() -> None:
    assert build_trajectory(tiny_recipe()) is None
    outputs = PoseOutputs(torch.zeros(3, 4, 17, 3))
    assert with_root(outputs, None, batch_of(tiny_recipe())) is outputs


def test_the_same_seed_draws_the_same_weights_and_leaves_the_generator_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one, other = model_of(ROOTED), model_of(ROOTED)
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(one.head.weight, other.head.weight)
