"""Training over Ray Train workers and Ray Data, on a real S3 server."""

import numpy as np
import orjson
import pytest
import torch
from tests.conftest import S3Store
from tests.image_clips import image_clip

from monopose import storage
from monopose.data.shards import Cutting, read_manifest, write_clips
from monopose.data.studio.studio import studio_clips
from monopose.errors import IntegrityError
from monopose.recipes.detector import detector
from monopose.recipes.presets import load
from monopose.recipes.recipe import Recipe, with_values
from monopose.training.checkpoint import load_detector, load_model
from monopose.training.detector import prepare_detector
from monopose.training.driver import Resources, train, train_detector
from monopose.training.loop import EpochReport
from monopose.training.run import Job, prepare, train_here
from monopose.training.tracking import HISTORY, followed, read_history

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]


@pytest.fixture
def data(s3_store: S3Store) -> str:
    """A few seconds of the studio in the test's bucket, in several shards."""
    uri = storage.join(s3_store.root, "data", "tiny")
    clips = studio_clips(0, 1.0, subjects=4, actions=["walk", "wave", "squat"])
    write_clips(clips, uri, dataset="studio", synthetic=True, cutting=Cutting(shard_bytes=200_000))
    assert len(read_manifest(uri).shards) > 3
    return "tiny"


def recipe(**values: object) -> Recipe:
    few = {"budget.epochs": 3, "budget.batch_chunks": 8, "temporal.channels": 16}
    dotted = {name.replace("__", "."): value for name, value in values.items()}
    return with_values(load("videopose3d", "smoke"), {**few, **dotted})


def test_one_worker_gives_the_numbers_of_an_in_process_run(data: str) -> None:
    here, there = prepare(recipe(), data, "here"), prepare(recipe(), data, "there")
    torch.set_num_threads(1)
    ours = load_model(train_here(here)).estimator.state_dict()
    seen: list[EpochReport] = []
    with followed(there.run_uri, seen.append):
        model_uri = train(there, Resources(workers=1, threads=1))
    theirs = load_model(model_uri).estimator.state_dict()
    assert [report.epoch for report in seen] == [1, 2, 3]
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert _errors(here) == _errors(there)


@pytest.mark.parametrize("ingest", ["cache", "stream"])
def test_two_workers_train_one_model(data: str, ingest: str) -> None:
    job = prepare(recipe(runtime__ingest=ingest, budget__epochs=4), data, f"two-{ingest}")
    model = load_model(train(job, Resources(workers=2, cpus=0.5, threads=1)))
    losses = [report.train_loss for report in read_history(job.run_uri)]
    assert len(losses) == 4
    assert losses[-1] < losses[0]
    assert model.metrics["dataset_digest"] == job.manifest.digest
    assert np.isfinite(model.metrics["val_mpjpe_mm"])


def test_an_altered_shard_ends_the_run_with_its_name(data: str, s3_store: S3Store) -> None:
    job = prepare(recipe(), data, "altered")
    shard = next(s for s in job.manifest.shards if "train" in s.splits)
    where = storage.join(job.data_uri, shard.name)
    payload = bytearray(storage.read_bytes(where))
    payload[len(payload) // 2] ^= 1
    storage.write_bytes(where, bytes(payload))
    with pytest.raises(IntegrityError, match=shard.name):
        train(job, Resources(workers=1, threads=1, max_failures=0))


def test_two_workers_train_one_detector_from_images(s3_store: S3Store) -> None:
    clips = [image_clip(f"set/S1/t{i}", frames=4, size_px=32) for i in range(4)]
    clips.append(image_clip("set/S2/v", size_px=32, split="val"))
    uri = storage.join(s3_store.root, "data", "photos")
    write_clips(clips, uri, dataset="photos", cutting=Cutting(shard_bytes=10_000))
    values = {"size_px": 32, "budget.epochs": 3, "optimiser.learning_rate": 0.01}
    job = prepare_detector(with_values(detector("smoke"), values), "photos", "found")
    model = load_detector(train_detector(job, Resources(workers=2, cpus=0.5, threads=1)))
    assert model.metrics["epochs"] == 3
    assert model.metrics["dataset_digest"] == job.manifest.digest
    lines = storage.read_bytes(storage.join(job.run_uri, HISTORY)).splitlines()
    losses = [orjson.loads(line)["train_loss"] for line in lines]
    assert losses[-1] < losses[0]


def _errors(job: Job) -> list[float | None]:
    return [report.val_mpjpe_mm for report in read_history(job.run_uri)]
