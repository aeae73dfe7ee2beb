"""Two processes that average gradients, as Ray's workers do, without Ray."""

from pathlib import Path

import pytest
import torch
from tests.moving_clips import moving_tensors, tiny_recipe
from torch import distributed
from torch.multiprocessing.spawn import spawn
from torch.nn.parallel import DistributedDataParallel

from monopose.training.loop import Workers, fit, start
from monopose.training.run import cached

TERMS = ("mpjpe", "trajectory")
STAGES = [
    {"share": 0.25, "terms": ("mpjpe",)},
    {"share": 0.25, "terms": TERMS, "critic": True},
    {"share": 0.5, "critic": True, "unlabelled": 0.5},
]
LOSSES = [{"term": "mpjpe"}, {"term": "trajectory"}, {"term": "perspective"}]


def train(rank: int, loss: str, folder: str) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2
    )
    critic = {"width": 8, "pose_width": 4, "intervals": [1], "loss": loss, "steps": 2}
    recipe = tiny_recipe(
        critic=critic, stages=STAGES, losses=LOSSES, trajectory={"channels": 4},
        data__label_share=0.4, budget__batch_chunks=8,
    )  # fmt: skip
    workers = Workers(rank, 2, DistributedDataParallel)
    tensors = moving_tensors(16, 20, 24, noise_px=2.0)
    training = start(recipe, torch.device("cpu"))
    fit(training, cached(recipe, tensors, workers), None, workers=workers)
    assert training.adversary is not None
    assert training.trajectory is not None
    # Batch norms keep the statistics of their own worker's share.
    learnt = {
        "estimator": dict(training.estimator.named_parameters()),
        "trajectory": dict(training.trajectory.named_parameters()),
        "critic": dict(training.adversary.critic.named_parameters()),
    }
    torch.save(learnt, f"{folder}/{rank}.pt")
    distributed.destroy_process_group()


@pytest.mark.parametrize("loss", ["lsgan", "wgan_gp"])
def test_workers_on_different_shares_learn_the_same_weights(loss: str, tmp_path: Path) -> None:
    spawn(train, (loss, str(tmp_path)), nprocs=2)
    one, other = (torch.load(tmp_path / f"{rank}.pt", weights_only=False) for rank in (0, 1))
    for part, values in one.items():
        assert len(values) > 0
        for name, weights in values.items():
            assert torch.equal(weights, other[part][name]), (part, name)
