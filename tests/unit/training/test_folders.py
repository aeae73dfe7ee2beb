from pathlib import Path

import pytest
import torch
from tests.moving_clips import moving_clip, tiny_recipe

from monopose import storage
from monopose.data.shards import write_clips
from monopose.errors import InputError
from monopose.training.loop import Workers
from monopose.training.run import cached, load_split, prepare, train_here


@pytest.fixture
def data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MONOPOSE_ROOT", str(tmp_path))
    clips = [moving_clip("a", 12, 2.0), moving_clip("v", 9, split="val")]
    write_clips(clips, storage.join(storage.root(), "data", "moving"), dataset="moving")
    return "moving"


def test_a_fresh_run_forgets_its_own_objects_and_nothing_else(
    data_set: str, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    train_here(prepare(tiny_recipe(), data_set, str(folder)))
    assert (folder / "checkpoint.safetensors").exists()
    prepare(tiny_recipe(), data_set, str(folder), fresh=True)
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]


def test_more_workers_than_chunks_are_refused(data_set: str) -> None:
    recipe = tiny_recipe(budget__chunk_frames=64, budget__batch_chunks=8)
    job = prepare(recipe, data_set, "few")
    tensors = load_split(job, "train", torch.device("cpu"))
    chunks = len(tensors.length)
    cached(recipe, tensors, Workers(world_size=chunks))
    with pytest.raises(InputError, match=f"make {chunks} chunks of 64 frames, fewer than the"):
        cached(recipe, tensors, Workers(world_size=chunks + 1))
