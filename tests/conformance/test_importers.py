"""What every importer must keep; a new one is one more line in IMPORTERS.

An importer is tested on faithful small files of its source: a function that writes them, one that
reads them, and what is promised of them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from tests.clip_files import assert_same_clip, people, write_videopose3d

from monopose.data.clip import Clip, validate
from monopose.data.importers.videopose3d import videopose3d_clips
from monopose.data.shards import read_clips, verify, write_clips
from monopose.errors import MonoposeError
from monopose.geometry.camera import project


@dataclass(frozen=True)
class Importer:
    """write: makes a valid source in a folder. read: the importer on that folder.

    exact_2d: its 2D is the projection of its 3D, up to float32.
    """

    write: Callable[[Path], Path]
    read: Callable[[Path], Iterator[Clip]]
    exact_2d: bool


IMPORTERS = {
    "videopose3d": Importer(
        write=lambda folder: write_videopose3d(folder, people(("S1", "S2"))),
        read=lambda folder: videopose3d_clips([folder]),
        exact_2d=True,
    ),
}


@pytest.fixture(params=IMPORTERS)
def importer(request: pytest.FixtureRequest) -> Importer:
    return IMPORTERS[request.param]


@pytest.fixture
def source(importer: Importer, tmp_path: Path) -> Path:
    return importer.write(tmp_path / "source")


def test_every_clip_keeps_the_record(importer: Importer, source: Path) -> None:
    clips = [validate(clip) for clip in importer.read(source)]
    assert clips
    assert len({clip.clip_id for clip in clips}) == len(clips)
    for clip in clips:
        assert clip.clip_id == f"{clip.dataset}/{clip.subject}/{clip.action}"


def test_bodies_are_a_few_metres_from_their_cameras(importer: Importer, source: Path) -> None:
    for clip in importer.read(source):
        poses = clip.camera_poses_m()
        if poses is not None:
            # Wrong by 1000 (mm) or by a mirrored or inverted camera, this fails.
            assert (poses[..., 2] > 0.3).all()
            assert (poses[..., 2] < 50).all()
            assert np.ptp(poses, axis=2).max() < 3


def test_the_2d_is_the_projection_of_the_3d(importer: Importer, source: Path) -> None:
    for clip in importer.read(source):
        poses = clip.camera_poses_m()
        if not importer.exact_2d or poses is None:
            continue
        assert clip.keypoints_px is not None
        for pose, camera, seen in zip(poses, clip.cameras, clip.keypoints_px, strict=True):
            np.testing.assert_allclose(project(pose, camera), seen, atol=2e-3)


def test_reading_twice_gives_the_same(importer: Importer, source: Path) -> None:
    for first, second in zip(importer.read(source), importer.read(source), strict=True):
        assert_same_clip(first, second)


def test_clips_survive_the_shards(importer: Importer, source: Path, tmp_path: Path) -> None:
    uri = str(tmp_path / "shards")
    write_clips(importer.read(source), uri, dataset="x", max_frames=4, overlap_frames=2)
    originals = {clip.clip_id: clip for clip in importer.read(source)}
    assert verify(uri).clips == len(originals)
    for clip in read_clips(uri):
        assert_same_clip(clip, originals.pop(clip.clip_id))
    assert not originals


def test_a_source_that_is_not_there_is_named(importer: Importer, tmp_path: Path) -> None:
    with pytest.raises(MonoposeError, match="nowhere"):
        list(importer.read(tmp_path / "nowhere"))


def test_an_empty_folder_is_named(importer: Importer, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(MonoposeError, match="empty"):
        list(importer.read(tmp_path / "empty"))


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9])
def test_a_truncated_file_is_named(importer: Importer, source: Path, keep: float) -> None:
    for path in sorted(source.iterdir()):
        whole = path.read_bytes()
        path.write_bytes(whole[: int(keep * len(whole))])
        with pytest.raises(MonoposeError) as caught:
            list(importer.read(source))
        assert path.name in str(caught.value)
        path.write_bytes(whole)
