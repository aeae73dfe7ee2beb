"""What every importer must keep, on small files laid out as its publisher does (tests/sources)."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.clip_files import assert_same_clip
from tests.sources.all_cases import CASES
from tests.sources.case import Case

from monopose.data.clip import validate
from monopose.data.importers.catalog import IMPORTERS as CATALOG
from monopose.data.importers.catalog import plan_import
from monopose.data.importers.source import ImportOptions
from monopose.data.shards import Cutting, read_clips, verify, write_clips
from monopose.errors import MonoposeError
from monopose.geometry.camera import project


def test_every_source_is_tested() -> None:
    assert {case.source for case in CASES.values()} == set(CATALOG)


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def source(case: Case, tmp_path: Path) -> Path:
    case.write(tmp_path / "source")
    return tmp_path / "source"


def test_every_clip_keeps_the_record(case: Case, source: Path) -> None:
    clips = [validate(clip) for clip in case.read(source)]
    assert clips
    assert len({clip.clip_id for clip in clips}) == len(clips)
    for clip in clips:
        assert clip.clip_id == f"{clip.dataset}/{clip.subject}/{clip.action}"


def test_bodies_are_a_few_metres_from_their_cameras(case: Case, source: Path) -> None:
    for clip in case.read(source):
        poses = clip.camera_poses_m()
        if poses is not None:
            # Wrong by 1000 (mm) or by a mirrored or inverted camera, this fails.
            assert (poses[..., 2] > 0.3).all()
            assert (poses[..., 2] < 50).all()
            assert np.ptp(poses, axis=2).max() < 3


def test_the_2d_is_the_projection_of_the_3d(case: Case, source: Path) -> None:
    for clip in case.read(source):
        poses = clip.camera_poses_m()
        if not case.exact_2d or poses is None:
            continue
        assert clip.keypoints_px is not None
        for pose, camera, seen in zip(poses, clip.cameras, clip.keypoints_px, strict=True):
            np.testing.assert_allclose(project(pose, camera), seen, atol=2e-3)


def test_reading_twice_gives_the_same(case: Case, source: Path) -> None:
    for first, second in zip(case.read(source), case.read(source), strict=True):
        assert_same_clip(first, second)


def test_clips_survive_the_shards(case: Case, source: Path, tmp_path: Path) -> None:
    uri = str(tmp_path / "shards")
    write_clips(
        case.read(source), uri, dataset="x", cutting=Cutting(max_frames=4, overlap_frames=2)
    )
    originals = {clip.clip_id: clip for clip in case.read(source)}
    assert verify(uri).clips == len(originals)
    for clip in read_clips(uri):
        assert_same_clip(clip, originals.pop(clip.clip_id))
    assert not originals


def test_a_source_that_is_not_there_is_named(case: Case, tmp_path: Path) -> None:
    with pytest.raises(MonoposeError, match="nowhere"):
        list(case.read(tmp_path / "nowhere"))


def test_an_empty_folder_is_named(case: Case, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(MonoposeError, match="empty"):
        list(case.read(tmp_path / "empty"))


def test_parts_travel_to_other_processes(case: Case, source: Path) -> None:
    plan = case.plan(source)
    parts = pickle.loads(pickle.dumps(list(plan.parts)))
    travelled = [clip for part in parts for clip in part()]
    for first, second in zip(plan.clips(), travelled, strict=True):
        assert_same_clip(first, second)


def test_options_it_does_not_take_are_refused(case: Case, source: Path) -> None:
    given: dict[str, Any] = {"layout": "x", "fps": 1.5, "seed": 7, "stride": 3, "detections": "y"}
    others = [name for name in given if name not in CATALOG[case.source].takes]
    for name in others:
        with pytest.raises(MonoposeError, match=name):
            plan_import(case.source, [source], ImportOptions(**{name: given[name]}))


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9])
def test_a_truncated_file_is_named(case: Case, source: Path, keep: float) -> None:
    for path in case.files(source):
        whole = path.read_bytes()
        path.write_bytes(whole[: int(keep * len(whole))])
        with pytest.raises(MonoposeError) as caught:
            list(case.read(source))
        assert path.name in str(caught.value)
        path.write_bytes(whole)
