"""Who may ask: without keys only a service bound to loopback starts."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError
from tests.serve_endpoint import save_tiny_model

from monopose.errors import InputError, MonoposeError
from serve import app


def bound_to(host: str) -> Any:
    return lambda: SimpleNamespace(http_config=SimpleNamespace(host=host))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_without_keys_loopback_is_open(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setattr(app, "_get_global_client", bound_to(host))
    app._check_access(())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.4"])
def test_without_keys_other_addresses_are_refused(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setattr(app, "_get_global_client", bound_to(host))
    with pytest.raises(InputError, match=f"MONOPOSE_API_KEYS.*listens on {host}.*127.0.0.1"):
        app._check_access(())
    app._check_access((b"key",))


def test_a_roll_to_a_broken_model_keeps_the_old_ones(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(app, "_get_global_client", bound_to("127.0.0.1"))
    uri = save_tiny_model(tmp_path, "v1")
    replica = app.LiftReplica({})
    with pytest.raises(MonoposeError):
        asyncio.run(replica.reconfigure({"models": {"champion": str(tmp_path / "none")}}))
    asyncio.run(replica.reconfigure({"models": {"champion": uri}}))
    asyncio.run(replica.reconfigure({"models": {"champion": str(tmp_path / "none")}}))
    assert [model.predictor.model_id for model in replica.models.served] == ["v1"]
    assert "none" in replica.refused
    asyncio.run(replica.reconfigure({"models": {"champion": uri}}))
    assert replica.refused == ""


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(ValidationError, match="max_frame\n"):
        app.Settings.model_validate({"max_frame": 1})
