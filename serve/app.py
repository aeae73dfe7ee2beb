"""The Serve application: one deployment that takes HTTP, batches by frames and lifts.

The ingress is the model's own replica, so a request makes no hop between processes after the
proxy. `serve deploy serve/config.yaml` imports `serve.app:build_app`, with the repository's root
and `platform/` on PYTHONPATH (the config's runtime_env says so, relative to the folder the Ray
head was started in).
"""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat, PositiveInt
from ray import serve
from ray.serve.config import AutoscalingConfig, BackpressureConfig
from ray.serve.context import _get_global_client

from monopose.errors import InputError, MonoposeError
from monopose.inference.predictor import Estimate
from monopose.inference.registry import CHAMPION
from serve.api import KEYS_VARIABLE, api_keys, create_api
from serve.batching import Batcher
from serve.lift_request import LiftRequest
from serve.schemas import Limits
from serve.served_models import Models, ServedModel, lift, load

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_log = logging.getLogger("ray.serve")


class Settings(BaseModel):
    """The application's arguments (`args` in config.yaml)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: dict[str, str] = {CHAMPION: CHAMPION}
    """alias -> version, alias or URI in the registry; the first is the default"""
    device: str = "cpu"
    torch_threads: PositiveInt = 1
    max_frames: PositiveInt = 4096
    max_body_bytes: PositiveInt = 16 * 2**20
    batch_frames: PositiveInt = 1024
    """frames (with the receptive field's margin) of one batch; longer requests go alone"""
    min_replicas: PositiveInt = 1
    max_replicas: PositiveInt = 4
    max_ongoing_requests: PositiveInt = 128
    max_queued_requests: PositiveInt = 512
    retry_after_s: PositiveFloat = 1.0
    num_cpus: NonNegativeFloat = 1.0
    num_gpus: NonNegativeFloat = 0.0


class LiftReplica:
    """Takes HTTP requests, checks them, lifts them in batches."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = Settings.model_validate(settings)
        self.limits = Limits(self.settings.max_frames, self.settings.max_body_bytes)
        self.keys = api_keys()
        _check_access(self.keys)
        self.models = Models(())
        self.refused = ""
        # One thread: the model's forward passes queue here while the loop parses and answers.
        self.worker = ThreadPoolExecutor(1, thread_name_prefix="lift")
        torch.set_num_threads(self.settings.torch_threads)
        self.batcher = Batcher(lift, self.settings.batch_frames, self.worker)

    def __serve_build_asgi_app__(self) -> FastAPI:
        """What Serve calls after the constructor."""
        return create_api(self)

    async def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Loads and tries the models, then swaps them in.

        When that fails the old ones go on and GET /v1/models says why: a replica that raises here
        is stopped by Serve, and a bad roll would end the service. A first load does raise.
        """
        loop = asyncio.get_running_loop()
        try:
            self.models = await loop.run_in_executor(
                self.worker, load, user_config["models"], self.settings.device
            )
        except MonoposeError as error:
            if not self.models.served:
                raise
            self.refused = str(error)
            _log.error("kept the old models: %s", error)
            return
        self.refused = ""
        _log.info("models: %s", [model.predictor.model_id for model in self.models.served])

    async def check_health(self) -> None:
        """Lifts the canary; Serve replaces the replica when this keeps failing."""
        await asyncio.get_running_loop().run_in_executor(self.worker, self.models.check)

    async def lift(self, model: ServedModel, request: LiftRequest) -> Estimate:
        """Poses of one checked request, with their confidence."""
        return await self.batcher.lift(model, request)


Lift = serve.deployment(name="Lift", max_surge_percent=100)(serve.ingress()(LiftReplica))


def build_app(args: Settings) -> serve.Application:
    """The application; `serve deploy` calls it with the config's `args`."""
    return Lift.options(
        autoscaling_config=AutoscalingConfig(
            min_replicas=args.min_replicas,
            max_replicas=max(args.min_replicas, args.max_replicas),
            target_ongoing_requests=0.6 * args.max_ongoing_requests,
            upscale_delay_s=3,
            downscale_delay_s=180,
            look_back_period_s=12,
        ),
        max_ongoing_requests=args.max_ongoing_requests,
        max_queued_requests=args.max_queued_requests,
        backpressure_config=BackpressureConfig(retry_after_s=args.retry_after_s),
        ray_actor_options={
            "num_cpus": args.num_cpus,
            "num_gpus": args.num_gpus,
            "runtime_env": {"env_vars": _replica_environment(args)},
        },
        user_config={"models": args.models},
        logging_config={"enable_access_log": False},
    ).bind(args.model_dump())


def _replica_environment(args: Settings) -> dict[str, str]:
    """HTTP and our code share one event loop: a second one costs two thread hops a request."""
    return {
        "RAY_SERVE_RUN_USER_CODE_IN_SEPARATE_THREAD": "0",
        "OMP_NUM_THREADS": str(args.torch_threads),
    }


def _check_access(keys: tuple[bytes, ...]) -> None:
    """Without keys only this machine may ask; raises InputError when others could."""
    host = _get_global_client().http_config.host
    if keys:
        return
    if host not in _LOOPBACK:
        raise InputError(
            f"the endpoint listens on {host} and has no API keys",
            where=KEYS_VARIABLE,
            fix="set it where the Ray nodes are started, or set http_options.host to 127.0.0.1",
        )
    _log.warning("open to every program of this machine: $%s is not set", KEYS_VARIABLE)
