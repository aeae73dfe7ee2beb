"""The endpoint on Serve with its proxy: answers, batches, back-pressure, rolls, its config file."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import yaml
from ray.serve.schema import ServeDeploySchema
from tests.serve_endpoint import (
    Endpoint,
    deployed,
    request_body,
    run,
    save_tiny_model,
    wait_until,
)

from monopose.inference.predictor import Predictor
from serve.app import Settings
from serve.lift_request import parse
from serve.schemas import Limits

pytestmark = pytest.mark.ray
CONFIG = Path(__file__).parents[2] / "serve" / "config.yaml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models")
    save_tiny_model(path, "v1", seed=1)
    save_tiny_model(path, "v2", seed=2)
    return path


@pytest.fixture(scope="module")
def endpoint(ray_cluster: Any, folder: Path) -> Iterator[Endpoint]:
    models = {"champion": str(folder / "v1"), "candidate": str(folder / "v2")}
    with deployed(models, max_frames=64, batch_frames=64) as running:
        yield running


def expected_mm(folder: Path, version: str, content: dict[str, Any]) -> np.ndarray:
    keypoints = parse(orjson.dumps(content), Limits()).keypoints
    return Predictor.load(str(folder / version)).lift([keypoints])[0] * 1000


def test_the_fast_front_end_is_on(endpoint: Endpoint) -> None:
    """HAProxy answers unknown routes before an application does only without one at /."""
    assert os.environ.get("RAY_SERVE_ENABLE_HA_PROXY") == "1"
    assert endpoint.http.get("/-/healthz").status_code == 200


def test_models_answer_by_alias(endpoint: Endpoint, folder: Path) -> None:
    content = request_body(5)
    for alias, version in (("champion", "v1"), ("candidate", "v2"), (None, "v1")):
        answer = endpoint.lift({**content, "model": alias}).json()
        assert answer["model"] == version
        np.testing.assert_allclose(
            answer["pose_mm"], expected_mm(folder, version, content), atol=0.02
        )


def test_requests_in_one_batch_keep_their_answers(endpoint: Endpoint, folder: Path) -> None:
    """Lengths on both sides of the batch limit, two models, two rates; bad requests among them."""
    contents = [request_body(1 + 9 * (i % 8), seed=i) for i in range(48)]
    for index, content in enumerate(contents):
        content["model"] = ("champion", "candidate")[index % 2]
        content["fps"] = (None, 50, 100)[index % 3]
    bad = [{**content, "joint_set": "no such"} for content in contents[::4]]
    with ThreadPoolExecutor(24) as pool:
        good_answers = pool.map(endpoint.lift, contents)
        bad_answers = pool.map(endpoint.lift, bad)
    assert {answer.status_code for answer in bad_answers} == {422}
    for content, answer in zip(contents, good_answers, strict=True):
        frames = len(content["keypoints"])
        assert answer.json()["resampled"] == (content["fps"] == 100 and frames > 1)
        assert np.shape(answer.json()["confidence"]) == (frames, 17)
        version = {"champion": "v1", "candidate": "v2"}[content["model"]]
        np.testing.assert_allclose(
            answer.json()["pose_mm"], expected_mm(folder, version, content), atol=0.02
        )


def test_a_roll_to_a_new_version_fails_no_request(endpoint: Endpoint, folder: Path) -> None:
    seen: list[tuple[int, str]] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            answer = endpoint.lift(request_body(1))
            seen.append((answer.status_code, answer.json().get("model", "")))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        run({"champion": str(folder / "v2")}, max_frames=64, batch_frames=64)
        wait_until(lambda: bool(seen) and seen[-1][1] == "v2")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert {status for status, _ in seen} == {200}
    assert {model for _, model in seen} == {"v1", "v2"}


def test_a_full_queue_answers_503_with_retry_after(endpoint: Endpoint, folder: Path) -> None:
    tight = {"max_ongoing_requests": 1, "max_queued_requests": 1, "retry_after_s": 2.0}
    run({"champion": str(folder / "v1")}, max_frames=64, **tight)
    wait_until(lambda: endpoint.lift(request_body(1)).json().get("model") == "v1")
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda _: endpoint.lift(request_body(64)), range(120)))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 503}
    refused = answers[statuses.index(503)]
    assert refused.headers["retry-after"] == "2"


def test_the_config_file_is_valid() -> None:
    content = ServeDeploySchema.model_validate(yaml.safe_load(CONFIG.read_text()))
    (application,) = content.applications
    assert content.http_options.host == "127.0.0.1"
    assert application.import_path == "serve.app:build_app"
    Settings.model_validate(application.args)
    assert [deployment.name for deployment in application.deployments] == ["Lift"]
