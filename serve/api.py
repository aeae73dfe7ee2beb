"""The HTTP side: routes, keys, body limits and errors as JSON; knows nothing of Ray.

The Serve deployment and the plain server of the benchmark both put this around their own `lift`.
"""

import hmac
import logging
import os
from typing import Any, Protocol

import orjson
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from monopose.inference.predictor import Estimate
from monopose.skeleton import JOINT_SETS
from serve.lift_request import LiftRequest, parse
from serve.schemas import (
    ErrorBody,
    JointSetList,
    LiftAnswer,
    LiftBody,
    Limits,
    ModelList,
    RequestError,
)
from serve.served_models import Models, ServedModel, answer

KEYS_VARIABLE = "MONOPOSE_API_KEYS"
_OPEN_PATHS = ("/openapi.json", "/docs")
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody} for status in (401, 404, 413, 422, 503)
}
_LIFT_BODY = {
    "content": {"application/json": {"schema": LiftBody.model_json_schema()}},
    "required": True,
}
_log = logging.getLogger("ray.serve")


class Service(Protocol):
    """What the routes need: the models, the limits, the keys and a way to lift."""

    models: Models
    limits: Limits
    keys: tuple[bytes, ...]
    refused: str

    async def lift(self, model: ServedModel, request: LiftRequest) -> Estimate:
        """Poses of one checked request, with their confidence."""


def api_keys() -> tuple[bytes, ...]:
    """The keys of $MONOPOSE_API_KEYS, comma separated; none when it is unset."""
    keys = os.environ.get(KEYS_VARIABLE, "").split(",")
    return tuple(key.strip().encode() for key in keys if key.strip())


def create_api(service: Service) -> FastAPI:
    """The ASGI application around a service."""
    api = FastAPI(title="monopose", docs_url=None, redoc_url=None)
    access = "key required" if service.keys else f"open: ${KEYS_VARIABLE} is not set"

    @api.post(
        "/v1/lift",
        response_model=LiftAnswer,
        responses=_ERRORS,
        openapi_extra={"requestBody": _LIFT_BODY},
    )
    async def lift(request: Request) -> Response:
        """Lifts one person's 2D keypoints to root-relative 3D poses."""
        checked = parse(await read_body(request, service.limits), service.limits)
        model = service.models.choose(checked.model)
        model.check_frames(checked, service.limits)
        estimate = await service.lift(model, checked)
        return _json(answer(model, checked, estimate))

    @api.get("/v1/models", response_model=ModelList, responses=_ERRORS)
    async def models() -> Response:
        """The loaded models; the first is the default."""
        cards = [model.card() for model in service.models.served]
        content = {"models": cards, "access": access, "refused_roll": service.refused}
        return _json(orjson.dumps(content))

    @api.get("/v1/joint_sets", response_model=JointSetList, responses=_ERRORS)
    async def joint_sets() -> Response:
        """The joint sets that requests may use."""
        return _json(orjson.dumps({"joint_sets": _joint_set_cards()}))

    _answer_errors_as_json(api)
    api.add_middleware(RequireKey, keys=service.keys)
    return api


async def read_body(request: Request, limits: Limits) -> bytes:
    """The whole body; raises RequestError 413 as soon as it is known to be too large."""
    limit = limits.max_body_bytes
    too_large = RequestError(
        413, "body", f"the body is larger than {limit} bytes", "send the sequence in parts"
    )
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise too_large
    payload = bytearray()
    async for chunk in request.stream():
        payload += chunk
        if len(payload) > limit:
            raise too_large
    return bytes(payload)


class RequireKey:
    """Refuses requests without one of the keys; compares in constant time."""

    def __init__(self, app: ASGIApp, keys: tuple[bytes, ...]) -> None:
        self.app = app
        self.keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or answers 401."""
        guarded = self.keys and scope["type"] == "http" and scope["path"] not in _OPEN_PATHS
        if guarded and not self._has_key(scope):
            fix = "send `Authorization: Bearer KEY` or `X-API-Key: KEY`"
            error = RequestError(401, "Authorization", "the API key is missing or wrong", fix)
            await _problem(error, {"WWW-Authenticate": "Bearer"})(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _has_key(self, scope: Scope) -> bool:
        headers = dict(scope["headers"])
        given = headers.get(b"x-api-key", b"")
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        if not given and scheme.lower() == b"bearer":
            given = token.strip()
        # Every key is compared, so that the time does not tell which one came close.
        matches = [hmac.compare_digest(given, key) for key in self.keys]
        return any(matches)


def _answer_errors_as_json(api: FastAPI) -> None:
    @api.exception_handler(RequestError)
    async def on_request_error(_: Request, error: RequestError) -> Response:
        return _problem(error)

    @api.exception_handler(HTTPException)
    async def on_http_error(request: Request, error: HTTPException) -> Response:
        fix = "POST /v1/lift, GET /v1/models, GET /v1/joint_sets"
        what = f"{request.method} {request.url.path[:200]}: {error.detail}"
        problem = RequestError(error.status_code, "path", what, fix)
        return _problem(problem, dict(error.headers or {}))

    @api.exception_handler(ClientDisconnect)
    async def on_disconnect(_: Request, __: ClientDisconnect) -> Response:
        return _problem(RequestError(400, "body", "the body was cut off", "send all of it"))

    @api.exception_handler(Exception)
    async def on_failure(_: Request, error: Exception) -> Response:
        _log.error("request failed", exc_info=error)
        fix = "try again; if it stays so, the server's log has the cause"
        return _problem(RequestError(500, "server", "the lift failed", fix))


def _problem(error: RequestError, headers: dict[str, str] | None = None) -> Response:
    return _json(orjson.dumps(error.body()), error.status, headers)


def _json(payload: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(payload, status, headers, media_type="application/json")


def _joint_set_cards() -> list[dict[str, Any]]:
    return [
        {
            "name": joints.name,
            "joints": joints.joints,
            "parents": joints.parents,
            "root": joints.joints[joints.root],
        }
        for joints in JOINT_SETS.values()
    ]
