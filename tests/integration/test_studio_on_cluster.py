"""The studio made by tasks of the cluster is the studio made in one process."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.clip_files import make_clip
from tests.conftest import S3Store

from monopose import storage
from monopose.data.clip import Clip
from monopose.data.manifest import About
from monopose.data.prepare import import_on_cluster
from monopose.data.shards import read_clips, verify, write_clips
from monopose.data.studio.images.film import usable_cores
from monopose.data.studio.studio import Wanted, studio_clips

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]


def test_rendered_clips_of_tasks_are_those_of_one_process(
    s3_store: S3Store, tmp_path: Path
) -> None:
    uri = storage.join(s3_store.root, "data", "wild")
    wanted = Wanted(7, 0.2, subjects=3, takes=2, actions=("walk", "sit"), detections="gt",
                    domain="wild", images=True, crop_px=32, stride=5)  # fmt: skip
    parts = list(wanted.parts())
    assert len(parts) == 6
    ours = import_on_cluster(parts, uri, About("wild", "gt", synthetic=True))
    alone = write_clips(
        studio_clips(7, 0.2, subjects=3, takes=2, actions=("walk", "sit"), detections="gt",
                     domain="wild", images=True, crop_px=32, stride=5),
        str(tmp_path / "alone"), dataset="wild", detections="gt", synthetic=True,
    )  # fmt: skip
    assert (ours.clips, ours.synthetic) == (12, True)
    assert ours.digest == alone.digest
    assert verify(uri) == ours


def _told(action: str) -> Iterator[Clip]:
    """A clip whose subject is the number of threads that a task would render with."""
    yield make_clip(2, clip_id=action, subject=str(usable_cores()))


def test_a_task_renders_in_one_thread(s3_store: S3Store) -> None:
    uri = storage.join(s3_store.root, "data", "threads")
    import_on_cluster([partial(_told, "walk")], uri, About("set", "gt"))
    assert [clip.subject for clip in read_clips(uri, "train")] == ["1"]
