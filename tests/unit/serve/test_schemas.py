"""The endpoint's contract without Ray: parsing, answers, and the HTTP side around a plain lift."""

import asyncio
import copy
from collections.abc import AsyncIterator
from typing import Any

import httpx
import numpy as np
import orjson
import pytest
from fastapi import FastAPI
from starlette.requests import Request

from monopose.models.estimator import build
from monopose.recipes.parts import SingleStrideTcn
from monopose.recipes.recipe import Recipe
from monopose.skeleton import JOINT_SETS
from monopose.training.checkpoint import save_model
from serve import api
from serve.lift_request import parse
from serve.schemas import Limits, RequestError
from serve.served_models import Models, lift, load

LIMITS = Limits(max_frames=8, max_body_bytes=20_000)
DELETE = object()


def body(frames: int = 2, joint_set: str = "coco17") -> dict[str, Any]:
    joints = len(JOINT_SETS[joint_set])
    keypoints = np.random.default_rng(0).uniform(100, 900, (frames, joints, 2)).round(1)
    return {"joint_set": joint_set, "keypoints": keypoints.tolist(), "image_size": [1000, 800]}


def changed(path: list[Any], value: Any) -> dict[str, Any]:
    content = copy.deepcopy(body())
    node = content
    for key in path[:-1]:
        node = node[key]
    if value is DELETE:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return content


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    recipe = Recipe(name="tiny", temporal=SingleStrideTcn(channels=8, filter_widths=(3,)))
    uri = str(tmp_path_factory.mktemp("models") / "v1")
    save_model(uri, build(recipe), recipe, {"protocol": "p1", "mpjpe_mm": 50.0, "fps": 50.0})
    return load({"champion": uri}, "cpu")


class Client:
    """Sends requests into the ASGI application, without a socket."""

    def __init__(self, app: FastAPI) -> None:
        self.transport = httpx.ASGITransport(app, raise_app_exceptions=False)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return asyncio.run(self._send("GET", path, options))

    def post(self, path: str, **options: Any) -> httpx.Response:
        return asyncio.run(self._send("POST", path, options))

    async def _send(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        async with httpx.AsyncClient(transport=self.transport, base_url="http://here") as client:
            return await client.request(method, path, **options)


class Plain:
    limits = LIMITS
    refused = ""

    def __init__(self, models: Models, keys: tuple[bytes, ...] = ()) -> None:
        self.models = models
        self.keys = keys

    async def lift(self, model: Any, request: Any) -> Any:
        return lift([(model, request.keypoints)])[0]


@pytest.fixture(scope="module")
def client(models: Models) -> Client:
    return Client(api.create_api(Plain(models)))


def test_reads_pixels_scores_and_camera() -> None:
    content = body()
    content["score"] = [[0.5] * 17, [1.0] * 17]
    content["camera"] = {"fx": 1100, "fy": 1101.5, "cx": 500, "cy": 400, "distortion": [0.1] * 5}
    request = parse(orjson.dumps(content), LIMITS)
    np.testing.assert_allclose(request.keypoints.keypoints_px, content["keypoints"], rtol=1e-6)
    np.testing.assert_array_equal(request.keypoints.score[:, 3], [0.5, 1.0])
    camera = request.keypoints.camera
    assert (camera.width, camera.height, camera.fy) == (1000, 800, 1101.5)
    assert camera.distortion == (0.1,) * 5


def test_third_column_is_the_score() -> None:
    content = body(1)
    content["keypoints"] = [[[1.0, 2.0, 0.25]] * 17]
    assert parse(orjson.dumps(content), LIMITS).keypoints.score.tolist() == [[0.25] * 17]


@pytest.mark.parametrize("missing", [None, [None, None], [5.0, None]])
def test_null_is_a_missing_joint(missing: Any) -> None:
    request = parse(orjson.dumps(changed(["keypoints", 1, 4], missing)), LIMITS)
    assert request.keypoints.score[:, 4].tolist() == [1.0, 0.0]
    assert request.keypoints.keypoints_px[1, 4].tolist() == [0.0, 0.0]


def test_joints_name_the_set_by_their_order() -> None:
    content = {**body(), "joints": list(JOINT_SETS["coco17"].joints)}
    del content["joint_set"]
    assert parse(orjson.dumps(content), LIMITS).keypoints.joint_set == "coco17"


WRONG: dict[str, tuple[list[Any], Any, str, str]] = {
    "joint set unknown": (["joint_set"], "coco18", "joint_set", "unknown joint set 'coco18'"),
    "joint set no name": (["joint_set"], 17, "joint_set", "is not a name"),
    "joint set absent": (["joint_set"], DELETE, "joint_set", "must be given"),
    "joint set and joints": (["joints"], ["nose"], "joint_set", "not both"),
    "keypoints absent": (["keypoints"], DELETE, "keypoints", "at least one frame"),
    "no frames": (["keypoints"], [], "keypoints", "at least one frame"),
    "frame is empty": (["keypoints", 1], [], "keypoints", "frame 1 has 0"),
    "frame is no list": (["keypoints", 1], 3.0, "keypoints", "frame 1 has no list"),
    "joints missing": (["keypoints", 1], [[1, 2]] * 16, "keypoints", "frame 1 has 16"),
    "joint is a number": (["keypoints", 0, 3], 1.0, "keypoints", "no lists of coordinates"),
    "joint is ragged": (["keypoints", 0, 3], [1.0], "keypoints", "ragged"),
    "four numbers": (["keypoints"], [[[1, 2, 1, 1]] * 17], "keypoints", "4 numbers"),
    "string": (["keypoints", 0, 3], ["1", 2], "keypoints", "strings"),
    "boolean": (["keypoints", 0, 3], [True, 2], "keypoints", "booleans"),
    "object": (["keypoints", 0, 3], [{}, 2], "keypoints", "objects"),
    "nested": (["keypoints", 0, 3], [[1], 2], "keypoints", "lists"),
    "huge": (["keypoints", 0, 3], [1e30, 2], "keypoints", "beyond"),
    "nobody": (["keypoints"], [[None] * 17], "keypoints", "no visible joint"),
    "score shape": (["score"], [[1.0] * 17], "score", "1 frames"),
    "score ragged": (["score"], [[1.0] * 17, [1.0] * 3], "score", "frame 1 has 3"),
    "score range": (["score"], [[1.0] * 17, [1.5] * 17], "score", "outside 0..1"),
    "score negative": (["score"], [[1.0] * 17, [-0.1] * 17], "score", "outside 0..1"),
    "size absent": (["image_size"], DELETE, "image_size", "[width, height]"),
    "size zero": (["image_size"], [0, 100], "image_size", "above 0"),
    "size fraction": (["image_size"], [10.5, 100], "image_size", "whole numbers"),
    "size text": (["image_size"], ["10", 100], "image_size", "whole numbers"),
    "size boolean": (["image_size"], [True, 100], "image_size", "whole numbers"),
    "camera list": (["camera"], [1, 2], "camera", "fx, fy, cx, cy"),
    "camera part": (["camera"], {"fx": 1, "fy": 1, "cx": 0}, "camera.cy", "finite"),
    "camera focal": (["camera"], {"fx": 0, "fy": 1, "cx": 0, "cy": 0}, "camera.fx", "above 0"),
    "fps negative": (["fps"], -1, "fps", "at least 1"),
    "fps zero": (["fps"], 0, "fps", "at least 1"),
    "fps far too low": (["fps"], 1e-9, "fps", "at least 1"),
    "fps text": (["fps"], "25", "fps", "not a number"),
    "fps boolean": (["fps"], True, "fps", "not a number"),
    "model": (["model"], 1, "model", "not a string"),
    "typing error": (["keypoint"], [], "keypoint", "no field"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_requests_are_422_and_name_the_field(client: Client, case: str) -> None:
    path, value, field, message = WRONG[case]
    response = client.post("/v1/lift", content=orjson.dumps(changed(path, value)))
    assert response.status_code == 422
    error = response.json()["error"]
    assert error["status"] == 422
    assert error["field"] == field
    assert message in error["message"]
    assert error["fix"]


@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b"{", b'{"keypoints": NaN}', b"\xff\xfe", b"[" * 5000, b'"text"', b"null"],
)
def test_what_is_no_json_object_is_422(client: Client, payload: bytes) -> None:
    response = client.post("/v1/lift", content=payload)
    assert response.status_code == 422
    assert response.json()["error"]["field"] == "body"


def test_numbers_beyond_float64_are_422(client: Client) -> None:
    payload = orjson.dumps(changed(["keypoints", 0, 0], [7654321.0, 2])).replace(
        b"7654321.0", b"1e999"
    )
    assert client.post("/v1/lift", content=payload).status_code == 422


def test_a_rate_beyond_float64_is_422(client: Client) -> None:
    payload = orjson.dumps({**body(), "fps": 7654321.0}).replace(b"7654321.0", b"1" + b"0" * 400)
    assert client.post("/v1/lift", content=payload).status_code == 422


def test_distortion_needs_five_numbers() -> None:
    camera = {"fx": 1, "fy": 1, "cx": 0, "cy": 0, "distortion": [0.1] * 4}
    with pytest.raises(RequestError, match="five numbers"):
        parse(orjson.dumps({**body(), "camera": camera}), LIMITS)


def test_too_many_frames_is_413(client: Client) -> None:
    response = client.post("/v1/lift", content=orjson.dumps(body(9)))
    assert (response.status_code, response.json()["error"]["field"]) == (413, "keypoints")
    assert "limit is 8" in response.json()["error"]["message"]


@pytest.mark.parametrize("declared", [True, False])
def test_too_large_a_body_is_413(client: Client, declared: bool) -> None:
    payload = b" " * 30_000

    async def chunks() -> AsyncIterator[bytes]:
        yield payload[:15_000]
        yield payload[15_000:]

    response = client.post("/v1/lift", content=payload if declared else chunks())
    assert (response.status_code, response.json()["error"]["field"]) == (413, "body")


def test_reading_stops_at_the_limit() -> None:
    taken = []

    async def receive() -> dict[str, Any]:
        taken.append(1)
        return {"type": "http.request", "body": b" " * 8_000, "more_body": True}

    request = Request({"type": "http", "headers": [], "method": "POST"}, receive)
    coroutine = api.read_body(request, LIMITS)
    with pytest.raises(RequestError, match="larger than 20000"):
        coroutine.send(None)
    assert len(taken) == 3


def test_answer_is_the_predictors_pose(client: Client, models: Models) -> None:
    content = body(3)
    answer = client.post("/v1/lift", content=orjson.dumps(content)).json()
    keypoints = parse(orjson.dumps(content), LIMITS).keypoints
    (pose_m,) = models.served[0].predictor.lift([keypoints])
    np.testing.assert_allclose(answer["pose_mm"], pose_m * 1000, atol=0.0051)
    assert answer["root"] == "pelvis"
    assert np.array(answer["pose_mm"])[:, 0].tolist() == [[0.0, 0.0, 0.0]] * 3
    assert answer["joints"] == list(JOINT_SETS["h36m17"].joints)
    assert answer["parents"] == list(JOINT_SETS["h36m17"].parents)
    assert (answer["model"], answer["frames"], answer["joint_set"]) == ("v1", 3, "h36m17")


def test_answer_says_which_joints_were_not_seen(client: Client) -> None:
    """COCO has no spine, thorax, neck_nose and head_top; the left wrist is hidden half the time."""
    content = body(2)
    content["keypoints"][1][JOINT_SETS["coco17"].index("left_wrist")] = None
    answer = client.post("/v1/lift", content=orjson.dumps(content)).json()
    assert answer["masked_joints"] == ["spine", "thorax", "neck_nose", "head_top"]
    share = dict(zip(answer["joints"], answer["observed_share"], strict=True))
    assert (share["left_wrist"], share["spine"], share["right_wrist"]) == (0.5, 0.0, 1.0)


def test_answer_has_the_predictors_confidence(client: Client, models: Models) -> None:
    """The field is 3 frames: of the 5 that nothing was seen in, the middle ones rest on nothing."""
    content = body(8)
    content["keypoints"][:5] = [[None] * 17] * 5
    answer = client.post("/v1/lift", content=orjson.dumps(content)).json()
    (estimate,) = models.served[0].predictor.estimate(
        [parse(orjson.dumps(content), LIMITS).keypoints]
    )
    confidence = np.array(answer["confidence"])
    np.testing.assert_allclose(confidence, estimate.confidence, atol=0.00051)
    assert confidence.shape == (8, 17)
    assert (confidence[:4] == 0).all()
    assert (confidence[4:] > 0).all()
    assert np.isfinite(np.array(answer["pose_mm"])).all()
    assert answer["resampled"] is False


@pytest.mark.parametrize(("fps", "frames"), [(25, 4), (120, 8), (1000.0, 8)])
def test_another_rate_is_resampled_and_said(
    client: Client, models: Models, fps: float, frames: int
) -> None:
    content = {**body(frames), "fps": fps}
    answer = client.post("/v1/lift", content=orjson.dumps(content)).json()
    assert answer["resampled"] is True
    assert (answer["frames"], len(answer["confidence"])) == (frames, frames)
    unsaid = client.post("/v1/lift", content=orjson.dumps(body(frames))).json()
    expected = models.served[0].predictor.lift([parse(orjson.dumps(content), LIMITS).keypoints])
    np.testing.assert_allclose(answer["pose_mm"], expected[0] * 1000, atol=0.0051)
    assert np.abs(np.array(answer["pose_mm"]) - unsaid["pose_mm"]).max() > 1


@pytest.mark.parametrize(("fps", "cost"), [(None, 6), (25, 9), (100, 5)])
def test_a_batch_counts_frames_at_the_models_rate(models: Models, fps: Any, cost: int) -> None:
    """Four frames are seven or three of the model's, and its field adds two."""
    request = parse(orjson.dumps({**body(4), "fps": fps}), LIMITS)
    assert models.served[0].cost(request) == cost


def test_the_models_own_rate_is_not_resampled(client: Client) -> None:
    own, unsaid = (
        client.post("/v1/lift", content=orjson.dumps(content)).json()
        for content in ({**body(4), "fps": 50}, body(4))
    )
    assert own == unsaid
    assert own["resampled"] is False


def test_too_many_frames_at_the_models_rate_is_413(client: Client) -> None:
    """Five at 25 a second are nine at 50, four are seven."""
    response = client.post("/v1/lift", content=orjson.dumps({**body(5), "fps": 25}))
    assert (response.status_code, response.json()["error"]["field"]) == (413, "keypoints")
    assert "9 frames at the model's 50" in response.json()["error"]["message"]


def test_neighbouring_points_are_called_approximate(client: Client) -> None:
    answer = client.post("/v1/lift", content=orjson.dumps(body(1, "lsp14"))).json()
    assert answer["approximate_joints"] == ["thorax"]


def test_models_and_joint_sets_are_listed(client: Client) -> None:
    (card,) = client.get("/v1/models").json()["models"]
    assert card["metrics"] == {"protocol": "p1", "mpjpe_mm": 50.0, "fps": 50.0}
    assert (card["id"], card["alias"], card["receptive_field"]) == ("v1", "champion", 3)
    assert card["fps"] == 50.0
    names = [card["name"] for card in client.get("/v1/joint_sets").json()["joint_sets"]]
    assert names == list(JOINT_SETS)
    assert "LiftBody" in client.get("/openapi.json").text


@pytest.mark.parametrize("name", ["v1", "champion"])
def test_model_is_chosen_by_alias_or_id(client: Client, name: str) -> None:
    response = client.post("/v1/lift", content=orjson.dumps({**body(), "model": name}))
    assert response.json()["model"] == "v1"


def test_unknown_model_and_path_are_404(client: Client) -> None:
    for name in ("v2", "../v1", "s3://bucket/v1", "/etc/passwd"):
        response = client.post("/v1/lift", content=orjson.dumps({**body(), "model": name}))
        assert (response.status_code, response.json()["error"]["field"]) == (404, "model")
        assert "champion" in response.json()["error"]["fix"]
    assert client.get("/v2/lift").json()["error"]["status"] == 404
    assert client.get("/v1/lift").json()["error"]["status"] == 405


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Basic two"}, 401),
        ({"Authorization": "Bearer tw"}, 401),
        ({"Authorization": "Bearer "}, 401),
        ({"X-API-Key": "one,two"}, 401),
        ({"Authorization": "Bearer two"}, 200),
        ({"Authorization": "bearer one"}, 200),
        ({"X-API-Key": "one"}, 200),
    ],
)
def test_a_key_is_needed_where_keys_are_set(
    models: Models, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], status: int
) -> None:
    monkeypatch.setenv(api.KEYS_VARIABLE, " one, two,,")
    client = Client(api.create_api(Plain(models, api.api_keys())))
    for path in ("/v1/models", "/v1/joint_sets"):
        assert client.get(path, headers=headers).status_code == status
    response = client.post("/v1/lift", content=orjson.dumps(body()), headers=headers)
    assert response.status_code == status
    if status == 401:
        assert "X-API-Key" in response.json()["error"]["fix"]


def test_open_access_says_so(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(api.KEYS_VARIABLE, raising=False)
    assert api.api_keys() == ()
    assert client.get("/v1/models").json()["access"].startswith("open: $MONOPOSE_API_KEYS")
