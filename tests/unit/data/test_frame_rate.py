from pathlib import Path

import pytest
from tests.moving_clips import moving_clip

from monopose import storage
from monopose.data.clip import Clip
from monopose.data.frame_rate import split_fps
from monopose.data.shards import write_clips
from monopose.errors import IntegrityError


def stored(folder: Path, *clips: Clip) -> tuple[str, float | None]:
    uri = str(folder / "set")
    manifest = write_clips(clips, uri, dataset="d")
    return uri, split_fps(uri, manifest, "train")


def test_one_rate_is_the_rate(tmp_path: Path) -> None:
    assert stored(tmp_path, moving_clip("a", 3), moving_clip("b", 1))[1] == 50.0


def test_of_several_it_is_that_of_most_frames_of_the_split(tmp_path: Path) -> None:
    """25 has 12 frames in two clips, 50 has 10 in one; neither photos nor val count."""
    clips = [
        moving_clip("a", 10),
        moving_clip("b", 5, fps=25.0),
        moving_clip("c", 7, fps=25.0),
        *(moving_clip(f"photo{i}", 1, fps=1.0) for i in range(20)),
        moving_clip("v", 90, fps=120.0, split="val"),
    ]
    assert stored(tmp_path, *clips)[1] == 25.0


def test_photos_have_none(tmp_path: Path) -> None:
    val = moving_clip("v", 9, split="val")
    assert stored(tmp_path, *(moving_clip(f"p{i}", 1, fps=1.0) for i in range(3)), val)[1] is None


def test_an_altered_shard_is_named(tmp_path: Path) -> None:
    uri = str(tmp_path / "set")
    clips = [moving_clip("a", 10), moving_clip("b", 5, fps=25.0)]
    manifest = write_clips(clips, uri, dataset="d")
    storage.write_bytes(storage.join(uri, manifest.shards[0].name), b"PAR1 no more PAR1")
    with pytest.raises(IntegrityError, match=manifest.shards[0].name):
        split_fps(uri, manifest, "train")
