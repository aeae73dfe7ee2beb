"""Bad, broken and hostile requests against the running endpoint: none is a 500, none stays."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest
import ray
from tests.serve_endpoint import Endpoint, deployed, request_body, save_tiny_model, wait_until

pytestmark = pytest.mark.ray
MAX_BODY = 200_000


@pytest.fixture(scope="module")
def endpoint(ray_cluster: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    uri = save_tiny_model(tmp_path_factory.mktemp("models"), "v1")
    with deployed({"champion": uri}, max_frames=32, max_body_bytes=MAX_BODY) as running:
        yield running


def healthy(endpoint: Endpoint) -> bool:
    return endpoint.lift(request_body(2)).status_code == 200


@pytest.mark.parametrize(
    ("content", "status", "field"),
    [
        ({**request_body(), "joint_set": "no_such"}, 422, "joint_set"),
        ({**request_body(), "joint_set": None, "joints": ["nose", "tail"]}, 422, "joints"),
        ({**request_body(), "keypoints": [[[1, 2]] * 16]}, 422, "keypoints"),
        ({**request_body(), "keypoints": [[[1, 2]] * 16 + [[1]]]}, 422, "keypoints"),
        ({**request_body(), "image_size": [0, 0]}, 422, "image_size"),
        ({**request_body(), "model": "file:///etc/passwd"}, 404, "model"),
        ({**request_body(), "url": "http://127.0.0.1/"}, 422, "url"),
        ({**request_body(), "fps": 0}, 422, "fps"),
        ({**request_body(), "fps": "fast"}, 422, "fps"),
        ({**request_body(30), "fps": 1}, 413, "keypoints"),
        (request_body(33), 413, "keypoints"),
        ([], 422, "body"),
    ],
)
def test_bad_requests_name_the_field(
    endpoint: Endpoint, content: Any, status: int, field: str
) -> None:
    response = endpoint.lift(content)
    assert response.status_code == status
    assert response.json()["error"]["field"] == field
    assert response.json()["error"]["fix"]


def test_a_body_beyond_the_limit_is_413(endpoint: Endpoint) -> None:
    response = endpoint.http.post("/v1/lift", content=b" " * (MAX_BODY + 1))
    assert (response.status_code, response.json()["error"]["field"]) == (413, "body")


def test_an_endless_body_is_cut_at_the_limit(endpoint: Endpoint) -> None:
    """Chunked, so no length is declared; the sender never says that it is done."""
    head = b"POST /v1/lift HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=30) as connection:
        connection.sendall(head + chunk * (MAX_BODY // 0x10000 + 1))
        assert connection.recv(4096).startswith(b"HTTP/1.1 413")
    assert healthy(endpoint)


@pytest.mark.parametrize(
    "payload",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"POST /v1/lift HTTP/1.1\r\nHost: here\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/lift HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\n{",
        b"GET / HTTP/9.9\r\n\r\n",
    ],
)
def test_broken_http_leaves_the_endpoint_up(endpoint: Endpoint, payload: bytes) -> None:
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=10) as connection:
        connection.sendall(payload)
    assert healthy(endpoint)


def test_bad_requests_do_not_fail_the_good_ones_beside_them(endpoint: Endpoint) -> None:
    good = orjson.dumps(request_body(3))
    payloads = [good, b"{", good, b'{"keypoints": 1}', good, orjson.dumps(request_body(33))] * 20
    post = lambda payload: endpoint.http.post("/v1/lift", content=payload)  # noqa: E731
    with ThreadPoolExecutor(16) as pool:
        statuses = [answer.status_code for answer in pool.map(post, payloads)]
    assert statuses == [200, 422, 200, 422, 200, 413] * 20


def test_a_dead_replica_is_replaced(endpoint: Endpoint) -> None:
    (name,) = [
        actor["name"]
        for actor in ray.util.list_named_actors(all_namespaces=True)
        if actor["name"].startswith("SERVE_REPLICA") and "Lift" in actor["name"]
    ]
    ray.kill(ray.get_actor(name, namespace="serve"), no_restart=True)
    wait_until(lambda: healthy(endpoint), seconds=60)
