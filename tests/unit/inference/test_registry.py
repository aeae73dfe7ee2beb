from pathlib import Path

import pytest
from tests.moving_clips import tiny_recipe

from monopose import storage
from monopose.errors import InputError, StorageError
from monopose.inference import registry
from monopose.inference.predictor import Predictor
from monopose.models.estimator import build
from monopose.training.checkpoint import save_model


@pytest.fixture
def run_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run's model folder below a storage root of its own."""
    monkeypatch.setenv("MONOPOSE_ROOT", str(tmp_path))
    uri = storage.join(storage.root(), "runs", "first", "model")
    save_model(uri, build(tiny_recipe()), tiny_recipe(), {"val_mpjpe_mm": 30.0})
    return uri


def test_an_empty_registry_has_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONOPOSE_ROOT", str(tmp_path))
    assert registry.versions() == []
    assert registry.aliases() == {}
    with pytest.raises(InputError, match=r"no model 'champion'; known: none yet: run a sweep"):
        registry.resolve("champion")


def test_a_registered_model_is_a_copy_found_by_version_and_alias(
    run_model: str, tmp_path: Path
) -> None:
    target = registry.register(run_model, "v1")
    assert target == str(tmp_path / "models" / "v1")
    storage.delete(run_model)
    registry.set_alias(registry.CHAMPION, "v1")
    assert registry.resolve("v1") == registry.resolve("champion") == target
    assert Predictor.load(registry.resolve("champion")).model_id == "v1"
    assert registry.describe("v1") == {"val_mpjpe_mm": 30.0, "aliases": ["champion"]}


def test_an_alias_moves_and_others_stay(run_model: str) -> None:
    for version in ("v2", "v1"):
        registry.register(run_model, version)
    registry.set_alias("champion", "v1")
    registry.set_alias("steady", "v1")
    registry.set_alias("champion", "v2")
    assert registry.aliases() == {"champion": "v2", "steady": "v1"}
    assert registry.versions() == ["v1", "v2"]
    assert registry.describe("v1")["aliases"] == ["steady"]


def test_a_version_may_have_dots_in_its_name(run_model: str) -> None:
    """As a study named v1.2 makes them."""
    target = registry.register(run_model, "v1.2-20260101")
    registry.set_alias("champion", "v1.2-20260101")
    assert registry.resolve("champion") == target
    assert registry.versions() == ["v1.2-20260101"]


def test_unknown_names_are_refused_with_the_known_ones(run_model: str) -> None:
    registry.register(run_model, "v1")
    with pytest.raises(InputError, match=r"no registered model 'v9'; choose one of \['v1'\]"):
        registry.set_alias("champion", "v9")
    assert registry.aliases() == {}
    registry.set_alias("champion", "v1")
    with pytest.raises(InputError, match="no model 'v9'; known: champion, v1"):
        registry.resolve("v9")
    with pytest.raises(StorageError, match=r"v9/metrics\.json: there is no such object"):
        registry.describe("v9")


def test_a_half_model_is_not_registered(run_model: str) -> None:
    storage.delete(f"{run_model}/metrics.json")
    with pytest.raises(StorageError, match=r"first/model/metrics\.json: there is no such object"):
        registry.register(run_model, "v1")


def test_uris_and_paths_stay_as_they_are(
    run_model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert registry.resolve("s3://bucket/models/v1") == "s3://bucket/models/v1"
    assert registry.resolve(run_model) == run_model
    monkeypatch.chdir(tmp_path)
    assert registry.resolve("./runs/first/model") == run_model
    assert registry.resolve("runs/first/model") == run_model
