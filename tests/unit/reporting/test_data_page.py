"""The page about a data set: complete, self-contained, bounded."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plotly.offline import get_plotlyjs
from tests.present import present
from tests.spoilt_clips import millimetres

from monopose.data import shards
from monopose.data.clip import Clip
from monopose.data.images.boxes import person_boxes
from monopose.data.images.encoded import decode, encode, encode_crops
from monopose.data.studio.studio import studio_clips
from monopose.reporting import data_page as pages
from monopose.reporting.clip_player import MOST_FRAMES, MOST_IMAGE_PX, pack
from monopose.reporting.survey import ERROR_EDGES_PX, Survey


def walks(**changes: Any) -> list[Clip]:
    return list(studio_clips(4, subjects=3, actions=("walk", "dance"), **changes))


def with_images(clip: Clip, frames: int = 12) -> Clip:
    """Two views, cropped from grey images with a white square at each keypoint."""
    keypoints_px = present(clip.keypoints_px)[:2, :frames]
    score = present(clip.keypoint_score)[:2, :frames]
    boxes = person_boxes(keypoints_px, score)
    views = []
    for view in range(2):
        images = np.full((frames, 1000, 1000, 3), 90, np.uint8)
        for frame, joint in np.ndindex(frames, keypoints_px.shape[2]):
            x, y = keypoints_px[view, frame, joint].astype(int)
            images[frame, max(y - 6, 0) : y + 6, max(x - 6, 0) : x + 6] = 255
        views.append(encode_crops(images, boxes[view], 256))
    return replace(
        clip, cameras=clip.cameras[:2], pose_world_m=present(clip.pose_world_m)[:frames],
        keypoints_px=keypoints_px, keypoint_score=score, crop_box_px=boxes, image=tuple(views),
    )  # fmt: skip


def page_of(clips: list[Clip], where: Path, **options: Any) -> str:
    shards.write_clips(clips, str(where), dataset="small", overwrite=True)
    return pages.data_page(str(where), **options)


def played(page: str) -> list[dict[str, Any]]:
    found = re.search(r'class="player-clips">(.*?)</script>', page, re.DOTALL)
    return list(json.loads(present(found)[1]))


def test_a_page_has_every_part_and_needs_no_network(tmp_path: Path) -> None:
    page = page_of(walks(), tmp_path / "set")
    headings = re.findall(r"<h[23]>(.*?)</h", page)
    assert headings == [
        "What is suspicious", "What it holds", "Clips by subject", "Clips by action",
        "Clips to play", "Cameras", "Bone lengths", "Speeds", "Noise of the 2D",
        "Score and error", "Visibility",
    ]  # fmt: skip
    assert "default-src 'none'" in page
    own = page.replace(get_plotlyjs(), "")
    assert not re.search(r'(src|href)="(?!data:)', own)
    assert "://" not in own
    assert len(page) < 15_000_000


def test_findings_stand_on_top(tmp_path: Path) -> None:
    clips = walks()
    page = page_of([millimetres(clips[0]), *clips[1:]], tmp_path / "set")
    top = page[page.index("What is suspicious") : page.index("What it holds")]
    assert "1 error (units 1)" in top
    assert clips[0].clip_id in top
    assert "millimetres" in top


def test_names_from_the_data_are_text_never_markup(tmp_path: Path) -> None:
    mark = "</script><b>bold"
    spoilt = replace(millimetres(walks()[0]), subject=mark, action=mark, clip_id=mark)
    page = page_of([spoilt], tmp_path / "set")
    assert mark not in page
    assert played(page)[0]["id"] == mark


def test_2d_alone_has_no_parts_about_3d(tmp_path: Path) -> None:
    bare = [replace(clip, pose_world_m=None) for clip in walks()]
    page = page_of(bare, tmp_path / "set")
    headings = re.findall(r"<h2>(.*?)</h", page)
    assert headings == ["What is suspicious", "What it holds", "Clips to play", "Visibility"]
    assert "pose" not in played(page)[0]


def test_played_clips_lie_evenly_over_the_data_set(tmp_path: Path) -> None:
    clips = walks()
    ids = [clip.clip_id for clip in clips]
    shown = [each["id"] for each in played(page_of(clips, tmp_path / "set", played=2))]
    assert len(shown) == 2
    assert set(shown) <= set(ids)
    assert "Clips to play" not in page_of(clips, tmp_path / "none", played=0)


def test_a_packed_clip_holds_its_poses_in_millimetres_and_pixels() -> None:
    clip = walks()[0]
    packed = pack(clip, 0)
    pose_mm = 1000 * present(clip.pose_world_m)
    np.testing.assert_allclose(packed["pose"], pose_mm, atol=0.51)
    np.testing.assert_allclose(
        packed["views"][3]["keypoints"], present(clip.keypoints_px)[3], atol=0.051
    )
    assert [view["name"] for view in packed["views"]] == [c.camera_id for c in clip.cameras]


def test_a_long_clip_is_thinned_and_stays_in_step() -> None:
    clip = next(studio_clips(4, seconds=9.0, subjects=3, actions=("walk",)))
    packed = pack(clip, 0)
    assert packed["stride"] == 3
    assert len(packed["pose"]) == 150 <= MOST_FRAMES
    assert {len(view["keypoints"]) for view in packed["views"]} == {150}


def test_images_fit_their_bytes_and_lie_where_they_were_cut() -> None:
    clip = with_images(walks()[0])
    packed = pack(clip, 1_000_000)
    view = packed["views"][1]
    assert len(view["images"]) == len(view["boxes"]) == len(view["keypoints"]) == 12
    np.testing.assert_allclose(view["boxes"], present(clip.crop_box_px)[1], atol=0.051)
    small = pack(clip, 60_000)
    texts = [text for v in small["views"] for text in v.get("images", [])]
    assert texts
    assert sum(map(len, texts)) <= 60_000
    assert len(small["pose"]) == len(small["views"][0]["images"]) < 12
    assert not any("images" in v for v in pack(clip, 2_000)["views"])


def test_large_images_are_made_smaller() -> None:
    import base64

    clip = with_images(walks()[0], frames=2)
    large = encode(np.zeros((900, 600, 3), np.uint8))
    packed = pack(replace(clip, image=((large, large), (large, b"not an image"))), 1_000_000)
    text = packed["views"][0]["images"][0]
    image = decode(base64.b64decode(text.removeprefix("data:image/jpeg;base64,")))
    assert image.shape[0] == MOST_IMAGE_PX
    assert packed["views"][1]["images"][1] == ""


def test_the_page_stays_bounded_with_many_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "IMAGE_BYTES", 300_000)
    few = page_of(walks(), tmp_path / "few")
    many = page_of([with_images(clip) for clip in walks()], tmp_path / "many")
    assert "data:image/jpeg" in many
    assert len(many) - len(few) < 300_000


def test_the_survey_counts_what_is_there() -> None:
    survey, clips = Survey(), walks(detections="gt")
    for clip in clips:
        survey.add(clip)
    assert sum(survey.by_subject.values()) == len(clips)
    assert survey.keypoints == sum(clip.num_frames * clip.num_views for clip in clips)
    # Exact projections: all errors lie in the bins below a hundredth of the person.
    assert survey.noise.sum(axis=0)[ERROR_EDGES_PX[:-1] > 0.1].sum() == 0
    left, right = (
        survey.bones_m[clips[0].subject, f"{side}_hip-knee"][0] for side in ("left", "right")
    )
    assert left == pytest.approx(right, rel=1e-4)
    steps = sum(clip.num_frames - 1 for clip in clips)
    assert {name: int(counts.sum()) for name, counts in survey.speeds.items()} == {
        "pelvis": 2 * steps, "ankles": 2 * steps, "wrists": 2 * steps,
    }  # fmt: skip
    assert len(survey.rigs) == 3
