"""cluster.yaml is read by Ray's own checks, offline; what they do not check is checked here."""

from pathlib import Path
from typing import Any

import pytest
import ray
import yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def prepared() -> dict[str, Any]:
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = prepare_config(yaml.safe_load((ROOT / "cluster.yaml").read_text()))
    validate_config(config)
    return config


def test_ray_accepts_it_and_knows_our_node_types(prepared: dict[str, Any]) -> None:
    types = prepared["available_node_types"]
    assert types["cpu_worker"]["max_workers"] > 0
    assert types["gpu_worker"]["resources"]["GPU"] == 1
    assert types["head"]["max_workers"] == 0


def test_an_unknown_key_would_be_refused(prepared: dict[str, Any]) -> None:
    from jsonschema.exceptions import ValidationError  # type: ignore[import-untyped]
    from ray.autoscaler._private.util import validate_config

    with pytest.raises(ValidationError, match="no_such_key"):
        validate_config({**prepared, "no_such_key": 1})


def test_workers_are_spot_and_every_node_has_the_buckets_profile(prepared: dict[str, Any]) -> None:
    for name, node in prepared["available_node_types"].items():
        assert node["node_config"]["IamInstanceProfile"]["Name"]
        spot = node["node_config"].get("InstanceMarketOptions") == {"MarketType": "spot"}
        assert spot == (name != "head")


def test_images_are_the_pinned_ray_and_python(prepared: dict[str, Any]) -> None:
    docker = prepared["docker"]
    own = [
        node["docker"]["worker_image"]
        for node in prepared["available_node_types"].values()
        if node.get("docker")
    ]
    for image in (docker["head_image"], docker["worker_image"], *own):
        assert image.startswith(f"rayproject/ray:{ray.__version__}-py311-")
    assert f"ray=={ray.__version__}\n" in (ROOT / "constraints.txt").read_text()


def test_the_cluster_is_closed_and_our_commands_replace_the_defaults(
    prepared: dict[str, Any],
) -> None:
    (head,) = [line for line in prepared["head_start_ray_commands"] if "--head" in line]
    assert "--dashboard-host=127.0.0.1" in head
    assert head.startswith("cd ~/monopose &&")
    assert "-e RAY_AUTH_MODE=token" in prepared["docker"]["run_options"]
    assert "~/.ray/auth_token" in prepared["file_mounts"]
    commands = " ".join([*prepared["setup_commands"], *prepared["head_setup_commands"]])
    assert "nightly" not in commands
    assert "whl" not in commands
    assert "-c constraints.txt" in commands


def test_no_key_or_token_is_written_in_it() -> None:
    text = (ROOT / "cluster.yaml").read_text()
    assert "AWS_SECRET" not in text
    assert "AWS_ACCESS" not in text
