"""The configuration that is deployed: models by version, the address as asked."""

from pathlib import Path

import pytest

from monopose.errors import InputError
from monopose.inference import deployment, registry
from monopose.models.estimator import build
from monopose.recipes.parts import SingleStrideTcn
from monopose.recipes.recipe import Recipe
from monopose.training.checkpoint import save_model

CONFIG = Path(__file__).parents[3] / "serve" / "config.yaml"


@pytest.fixture(autouse=True)
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONOPOSE_ROOT", str(tmp_path / "root"))
    recipe = Recipe(name="tiny", temporal=SingleStrideTcn(channels=4, filter_widths=(1,)))
    save_model(str(tmp_path / "made"), build(recipe), recipe, {})
    for version in ("v1", "v2"):
        registry.register(str(tmp_path / "made"), version)
    registry.set_alias("champion", "v1")


def models(**named: str) -> dict[str, str]:
    (application,) = deployment.configuration(CONFIG, named)["applications"]
    return dict(application["deployments"][0]["user_config"]["models"])


def test_an_alias_is_deployed_as_the_version_it_names_now() -> None:
    assert models() == {"champion": "v1"}
    registry.set_alias("champion", "v2")
    assert models() == {"champion": "v2"}


def test_the_models_asked_for_replace_the_files() -> None:
    assert models(best="champion", old="v2") == {"best": "v1", "old": "v2"}


def test_the_address_is_the_files_unless_asked_otherwise() -> None:
    plain = deployment.configuration(CONFIG, {})["http_options"]
    asked = deployment.configuration(CONFIG, {}, host="0.0.0.0", port=9000)["http_options"]
    assert (plain["host"], plain["port"]) == ("127.0.0.1", 8000)
    assert (asked["host"], asked["port"]) == ("0.0.0.0", 9000)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no model 'v9'.*known: champion, v1, v2"):
        models(champion="v9")
    with pytest.raises(InputError, match=r"no such configuration.*repository"):
        deployment.configuration(tmp_path / "config.yaml", {})
