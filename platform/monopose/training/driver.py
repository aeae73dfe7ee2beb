"""The only place that configures Ray Train: a run over 1..N workers, fed by Ray Data.

Each worker runs `training/run.py: work`, or that of training/detector.py: the very code of an
in-process run. The run's own
checkpoint, not Ray's, is what a restarted worker or a second driver goes on from, so that there
is one way to resume.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ray
import ray.data
import ray.train
import ray.train.torch
import torch

from monopose import storage
from monopose.data.batches import ClipTensors, clip_tensors
from monopose.data.ingest import clip_blocks, read_split, whole_takes
from monopose.errors import MonoposeError, UnavailableError, cause_of
from monopose.training import detector
from monopose.training.detector import DetectorJob, DetectorReport
from monopose.training.loop import Batches, EpochReport, Workers
from monopose.training.run import TRAIN_SPLIT, VAL_SPLIT, Job, cached, work
from monopose.training.stream import StreamedBatches


@dataclass(frozen=True)
class Resources:
    """What each of the workers takes.

    cpus: logical CPUs to reserve. threads: what torch may use, 0 for its own choice.
    """

    workers: int = 1
    cpus: float = 1.0
    gpu: bool = False
    threads: int = 0
    max_failures: int = 1


def train(job: Job, resources: Resources) -> str:
    """Trains by TorchTrainer; returns the model folder's URI. Ray must be initialised.

    Progress is what the run writes (training/tracking.py: followed). Raises what the workers
    raised when it is ours, else UnavailableError.
    """
    splits = (TRAIN_SPLIT, VAL_SPLIT)
    maps = job.recipe.stored_maps_px is not None
    datasets = {s: read_split(job.data_uri, job.manifest, s, heatmaps=maps) for s in splits}
    split = [TRAIN_SPLIT] if job.recipe.runtime.ingest == "stream" else []
    return _run(_worker, job, resources, datasets, split)


def train_detector(job: DetectorJob, resources: Resources) -> str:
    """Trains a 2D detector by TorchTrainer; as `train`."""
    datasets = {TRAIN_SPLIT: read_split(job.data_uri, job.manifest, TRAIN_SPLIT, images=True)}
    return _run(_detector_worker, job, resources, datasets, [TRAIN_SPLIT])


def _run(
    worker: Callable[[dict[str, Any]], str],
    job: Job | DetectorJob,
    resources: Resources,
    datasets: dict[str, ray.data.Dataset],
    split: list[str],
) -> str:
    """split: the data sets of which each worker gets a share; of the others it gets all."""
    trainer = ray.train.torch.TorchTrainer(
        worker,
        train_loop_config={"job": job, "threads": resources.threads},
        scaling_config=ray.train.ScalingConfig(
            num_workers=resources.workers,
            use_gpu=resources.gpu,
            resources_per_worker={"CPU": resources.cpus} | ({"GPU": 1} if resources.gpu else {}),
        ),
        run_config=_run_config(resources),
        datasets=datasets,
        dataset_config=ray.train.DataConfig(datasets_to_split=split),
    )
    try:
        return str(trainer.fit().return_value)
    except ray.train.TrainingFailedError as error:
        raise _user_error(error) from error


def _run_config(resources: Resources) -> ray.train.RunConfig:
    # A name of its own for each call: Ray would silently go on with an old run of the same name.
    return ray.train.RunConfig(
        name=f"train-{uuid.uuid4().hex[:8]}",
        **storage.ray_storage(storage.join(storage.root(), "ray")),
        failure_config=ray.train.FailureConfig(max_failures=resources.max_failures),
        worker_runtime_env={"env_vars": storage.environment()},
    )


def _worker(config: dict[str, Any]) -> str:
    job: Job = config["job"]
    workers = _workers(config["threads"])
    device = ray.train.torch.get_device()
    batches = _batches(job, workers, device)
    validation = _tensors(job, VAL_SPLIT).to(device)
    return work(job, batches, validation, device, workers=workers, on_report=_report)


def _detector_worker(config: dict[str, Any]) -> str:
    job: DetectorJob = config["job"]
    workers = _workers(config["threads"])
    rows = ray.train.get_dataset_shard(TRAIN_SPLIT)
    device = ray.train.torch.get_device()
    return detector.work(job, lambda: clip_blocks(rows), device, workers=workers, on_report=_report)


def _workers(threads: int) -> Workers:
    """This worker among the others; torch takes that many threads, 0 for its own choice."""
    if threads:
        torch.set_num_threads(threads)
    context = ray.train.get_context()
    return Workers(
        rank=context.get_world_rank(),
        world_size=context.get_world_size(),
        wrap=ray.train.torch.prepare_model,
    )


def _batches(job: Job, workers: Workers, device: torch.device) -> Batches:
    if job.recipe.runtime.ingest == "stream":
        rows = ray.train.get_dataset_shard(TRAIN_SPLIT)
        return StreamedBatches(job.recipe, rows, job.manifest, workers, device)
    return cached(job.recipe, _tensors(job, TRAIN_SPLIT).to(device), workers)


def _tensors(job: Job, split: str) -> ClipTensors:
    clips = whole_takes(ray.train.get_dataset_shard(split))
    return clip_tensors(clips, job.recipe.data.joint_set, job.recipe.stored_maps_px)


def _report(report: EpochReport | DetectorReport) -> None:
    ray.train.report(dict(report.__dict__))


def _user_error(error: Exception) -> MonoposeError:
    lines = [line for line in str(error).splitlines() if line.strip()]
    what = f"training failed ({lines[-1] if lines else error!r})"
    return cause_of(error) or UnavailableError(what)
