"""A deployed endpoint with tiny models, for the tests that need Serve itself."""

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson
from ray import serve

from monopose.models.estimator import build
from monopose.recipes.parts import SingleStrideTcn
from monopose.recipes.recipe import Recipe
from monopose.skeleton import JOINT_SETS
from monopose.training.checkpoint import save_model

APP = "monopose"


def save_tiny_model(folder: Path, version: str, seed: int = 0) -> str:
    """A model folder with random weights, of 50 fps; different seeds give different answers."""
    recipe = Recipe(
        name="tiny", seed=seed, temporal=SingleStrideTcn(channels=8, filter_widths=(3, 3))
    )
    metrics = {"protocol": "none", "fps": 50.0}
    save_model(str(folder / version), build(recipe), recipe, metrics)
    return str(folder / version)


def request_body(frames: int = 1, seed: int = 0) -> dict[str, Any]:
    """A valid request of COCO keypoints."""
    shape = (frames, len(JOINT_SETS["coco17"]), 2)
    keypoints = np.random.default_rng(seed).uniform(100, 900, shape).round(1)
    return {"joint_set": "coco17", "keypoints": keypoints.tolist(), "image_size": [1000, 800]}


class Endpoint:
    """The endpoint's address and a client for it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)

    def lift(self, content: Any) -> httpx.Response:
        """POST /v1/lift of anything that is JSON."""
        return self.http.post("/v1/lift", content=orjson.dumps(content))


@contextlib.contextmanager
def deployed(models: dict[str, str], **settings: Any) -> Iterator[Endpoint]:
    """The application on a port of loopback; needs a running Ray."""
    endpoint = Endpoint(_started_port())
    try:
        run(models, **settings)
        wait_until(lambda: endpoint.http.get("/v1/models").status_code == 200)
        yield endpoint
    finally:
        endpoint.http.close()
        serve.shutdown()  # Without it the proxy outlives the cluster and holds its ports.


def run(models: dict[str, str], **settings: Any) -> None:
    """Deploys, or rolls what is deployed to these models."""
    from serve.app import Settings, build_app

    values = {"max_replicas": 1, "num_cpus": 0.1, **settings}
    serve.run(build_app(Settings(models=models, **values)), name=APP)


def wait_until(condition: Any, seconds: float = 30.0) -> None:
    """Returns when the condition holds; a refused connection counts as not yet."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(httpx.TransportError):
            if condition():
                return
        assert time.monotonic() < deadline, "the endpoint did not get there in time"
        time.sleep(0.1)


def _started_port() -> int:
    """Starts Serve with its front end on a free port of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    return port
