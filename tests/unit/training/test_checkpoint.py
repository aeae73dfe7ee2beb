import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import torch
from safetensors.torch import save
from tests.moving_clips import moving_tensors, tiny_recipe

from monopose import storage
from monopose.errors import IntegrityError, MonoposeError, RecipeError, StorageError
from monopose.models.estimator import build
from monopose.recipes.recipe import Recipe
from monopose.training.checkpoint import (
    METRICS,
    RECIPE,
    WEIGHTS,
    load_checkpoint,
    load_model,
    save_checkpoint,
    save_model,
)
from monopose.training.loop import Training, fit, start
from monopose.training.run import cached

CPU = torch.device("cpu")
TRAIN = moving_tensors(12, 15, noise_px=2.0)
RECIPE_VALUE = tiny_recipe()
CRITIC = {"width": 8, "pose_width": 4, "intervals": [1, 2]}
# Labels alone for an epoch, two with the critic, and one with video.
STAGED: dict[str, Any] = {
    "data__label_share": 0.4,
    "losses": [{"term": "mpjpe"}, {"term": "trajectory"}, {"term": "perspective"}],
    "trajectory": {"channels": 4},
    "critic": CRITIC,
    "stages": [
        {"share": 0.25, "terms": ["mpjpe"]},
        {"share": 0.5, "terms": ["mpjpe", "trajectory"], "critic": True},
        {"share": 0.25, "critic": True, "unlabelled": 0.5},
    ],
}


def trained(
    recipe: Recipe = RECIPE_VALUE, epochs: int = 4, training: Training | None = None
) -> Training:
    batches, training = cached(recipe, TRAIN), training or start(recipe, CPU)
    return fit(training, batches, None, on_epoch=lambda _, report: report.epoch < epochs)


def state(training: Training) -> dict[str, torch.Tensor]:
    """All that changes while training, by name."""
    critic = None if training.adversary is None else training.adversary.critic
    modules = (training.estimator, training.evaluated, training.trajectory, critic)
    found = {
        f"{index}/{name}": values
        for index, module in enumerate(modules)
        if module is not None
        for name, values in module.state_dict().items()
    }
    optimisers = [training.optimiser]
    if training.adversary is not None:
        optimisers.append(training.adversary.optimiser)
    for number, optimiser in enumerate(optimisers):
        for index, of_weight in optimiser.state_dict()["state"].items():
            found |= {
                f"o{number}/{index}/{name}": torch.as_tensor(value)
                for name, value in of_weight.items()
            }
    return found


@pytest.fixture(scope="module")
def half() -> Training:
    return trained(epochs=2)


@pytest.fixture
def checkpoint(half: Training, tmp_path: Path) -> str:
    uri = str(tmp_path / "run" / "checkpoint.safetensors")
    save_checkpoint(uri, half)
    return uri


@pytest.fixture
def model(half: Training, tmp_path: Path) -> str:
    uri = str(tmp_path / "model")
    save_model(uri, half.evaluated, RECIPE_VALUE, {"val_mpjpe_mm": 12.5})
    return uri


def tampered(uri: str, change: Callable[[bytes], bytes]) -> None:
    storage.write_bytes(uri, change(storage.read_bytes(uri)))


@pytest.mark.parametrize(("said", "fps"), [({}, None), ({"fps": None}, None), ({"fps": 50}, 50.0)])
def test_a_model_knows_the_rate_of_its_training_where_it_is_said(
    half: Training, tmp_path: Path, said: dict[str, Any], fps: float | None
) -> None:
    save_model(str(tmp_path), half.evaluated, RECIPE_VALUE, said)
    assert load_model(str(tmp_path)).fps == fps


@pytest.mark.parametrize("fps", [0, -50.0, "50", [50.0]])
def test_a_rate_that_is_none_is_damage(half: Training, tmp_path: Path, fps: Any) -> None:
    save_model(str(tmp_path), half.evaluated, RECIPE_VALUE, {"fps": fps})
    with pytest.raises(IntegrityError, match=r"metrics\.json.*frame rate"):
        load_model(str(tmp_path))


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"optimiser__ema_decay": 0.0},
        {"optimiser__kind": "adam"},
        {"temporal__kind": "none"},
        STAGED,
        {**STAGED, "critic": {**CRITIC, "loss": "wgan_gp", "steps": 2}},
        {**STAGED, "stages": [{"critic": True, "unlabelled": 0.5}]},
    ],
)
def test_two_and_two_epochs_are_four_to_the_last_bit(
    values: dict[str, Any], tmp_path: Path
) -> None:
    recipe, uri = tiny_recipe(**values), str(tmp_path / "c.safetensors")
    whole = trained(recipe)
    save_checkpoint(uri, trained(recipe, epochs=2))
    torch.manual_seed(12345)
    resumed = load_checkpoint(uri, recipe, CPU)
    assert resumed.epoch == 2
    assert resumed.seconds > 0
    trained(recipe, training=resumed)
    assert all(torch.equal(values, state(resumed)[name]) for name, values in state(whole).items())
    assert state(whole).keys() == state(resumed).keys()


def test_a_checkpoint_may_be_gone_on_with_under_another_name_and_runtime(checkpoint: str) -> None:
    renamed = RECIPE_VALUE.model_copy(update={"name": "other"})
    assert load_checkpoint(checkpoint, renamed, CPU).epoch == 2


def test_a_checkpoint_of_another_recipe_is_refused(checkpoint: str) -> None:
    other = tiny_recipe(seed=3)
    with pytest.raises(IntegrityError) as caught:
        load_checkpoint(checkpoint, other, CPU)
    assert str(caught.value) == (
        f"{checkpoint}: checkpoint is of recipe {RECIPE_VALUE.digest()}, not {other.digest()}; "
        "give the run another --name, or the recipe it was started with"
    )


@pytest.mark.parametrize("share", [0.0, 0.001, 0.02, 0.5, 0.999])
def test_a_truncated_checkpoint_is_damaged(checkpoint: str, share: float) -> None:
    tampered(checkpoint, lambda payload: payload[: int(share * len(payload))])
    with pytest.raises(IntegrityError, match=r"checkpoint\.safetensors: weights are damaged"):
        load_checkpoint(checkpoint, RECIPE_VALUE, CPU)


@pytest.mark.parametrize(
    "payload",
    [b"not a checkpoint at all", b"\x00" * 64, b"\xff" * 64, pickle.dumps({"a": 1})],
)
def test_other_bytes_than_a_checkpoint_are_refused(checkpoint: str, payload: bytes) -> None:
    tampered(checkpoint, lambda _: payload)
    with pytest.raises(IntegrityError):
        load_checkpoint(checkpoint, RECIPE_VALUE, CPU)


@pytest.mark.parametrize("lost", ["estimator/", "averaged/", "averaged/n_averaged"])
def test_a_checkpoint_with_a_part_missing_is_refused(checkpoint: str, lost: str) -> None:
    from safetensors.torch import load

    def without(payload: bytes) -> bytes:
        length = int.from_bytes(payload[:8], "little")
        header = orjson.loads(payload[8 : 8 + length])["__metadata__"]
        kept = {k: v for k, v in load(payload).items() if not k.startswith(lost)}
        return save(kept, header)

    tampered(checkpoint, without)
    with pytest.raises(IntegrityError, match=r"checkpoint\.safetensors"):
        load_checkpoint(checkpoint, RECIPE_VALUE, CPU)


@pytest.mark.parametrize("lost", ["critic/", "critic/judge.2.bias", "trajectory/head.weight"])
def test_a_checkpoint_without_what_plays_beside_the_estimator_is_refused(
    lost: str, tmp_path: Path
) -> None:
    from safetensors.torch import load

    recipe, uri = tiny_recipe(**STAGED), str(tmp_path / "c.safetensors")
    save_checkpoint(uri, trained(recipe, epochs=1))
    payload = storage.read_bytes(uri)
    length = int.from_bytes(payload[:8], "little")
    header = orjson.loads(payload[8 : 8 + length])["__metadata__"]
    kept = {name: v for name, v in load(payload).items() if not name.startswith(lost)}
    storage.write_bytes(uri, save(kept, header))
    with pytest.raises(IntegrityError, match="checkpoint lacks a part"):
        load_checkpoint(uri, recipe, CPU)


@pytest.mark.parametrize("lost", ["epoch", "seconds", "param_groups"])
def test_a_checkpoint_with_a_hole_in_its_header_is_refused(checkpoint: str, lost: str) -> None:
    from safetensors.torch import load

    def without(payload: bytes) -> bytes:
        length = int.from_bytes(payload[:8], "little")
        header = orjson.loads(payload[8 : 8 + length])["__metadata__"]
        return save(load(payload), {k: v for k, v in header.items() if k != lost})

    tampered(checkpoint, without)
    with pytest.raises(IntegrityError, match=r"checkpoint\.safetensors"):
        load_checkpoint(checkpoint, RECIPE_VALUE, CPU)


def test_a_missing_checkpoint_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="there is no such object"):
        load_checkpoint(str(tmp_path / "none"), RECIPE_VALUE, CPU)


def test_a_model_folder_gives_back_weights_recipe_and_metrics(half: Training, model: str) -> None:
    loaded = load_model(model)
    assert loaded.recipe == RECIPE_VALUE
    assert loaded.metrics == {"val_mpjpe_mm": 12.5}
    assert not loaded.estimator.training
    for name, values in half.evaluated.state_dict().items():
        assert torch.equal(loaded.estimator.state_dict()[name], values)
    assert not torch.equal(loaded.estimator.head.joints.weight, half.estimator.head.joints.weight)
    assert set(storage.list_names(model)) == {WEIGHTS, RECIPE, METRICS}


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
@pytest.mark.parametrize("name", [WEIGHTS, METRICS])
def test_a_truncated_model_folder_is_damaged(model: str, name: str, share: float) -> None:
    tampered(f"{model}/{name}", lambda payload: payload[: int(share * len(payload))])
    with pytest.raises(IntegrityError, match=name.replace(".", r"\.")):
        load_model(model)


def test_a_truncated_recipe_of_a_model_is_named(model: str) -> None:
    tampered(f"{model}/{RECIPE}", lambda payload: payload[:40])
    with pytest.raises(RecipeError, match=r"model/recipe\.json: recipe: Invalid JSON"):
        load_model(model)


@pytest.mark.parametrize("name", [WEIGHTS, RECIPE, METRICS])
def test_a_missing_file_of_a_model_is_named(model: str, name: str) -> None:
    storage.delete(f"{model}/{name}")
    with pytest.raises(MonoposeError, match=f"model/{name}: there is no such object"):
        load_model(model)


def test_weights_of_another_model_do_not_fit(model: str) -> None:
    other = tiny_recipe(temporal__channels=16)
    tampered(f"{model}/{WEIGHTS}", lambda _: save(build(other).state_dict()))
    with pytest.raises(IntegrityError, match="weights do not fit the recipe beside them"):
        load_model(model)


class Bomb:
    """Unpickling it would create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
        return open, (str(self.path), "w")


def test_a_pickle_in_place_of_weights_is_refused_and_not_executed(
    model: str, tmp_path: Path
) -> None:
    trace = tmp_path / "executed"
    pickled = pickle.dumps(Bomb(trace))
    pickle.loads(pickled).close()
    assert trace.exists()
    trace.unlink()
    tampered(f"{model}/{WEIGHTS}", lambda _: pickled)
    with pytest.raises(IntegrityError, match=r"model\.safetensors: weights are damaged"):
        load_model(model)
    torch.save(Bomb(trace), tmp_path / "zip")
    tampered(f"{model}/{WEIGHTS}", lambda _: (tmp_path / "zip").read_bytes())
    with pytest.raises(IntegrityError):
        load_model(model)
    assert not trace.exists()
