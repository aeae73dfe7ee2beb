"""LSP and LSP-extended by their README files: two layouts, two meanings of one flag."""

from pathlib import Path

import numpy as np
import pytest
from tests.present import present
from tests.sources import lsp as source
from tests.sources.mpii import write_photo

from monopose.data.clip import Clip
from monopose.data.importers.catalog import plan_import
from monopose.data.importers.source import ImportOptions
from monopose.errors import InputError


def clips(name: str, folder: Path, **options: object) -> list[Clip]:
    plan = plan_import(name, [folder], ImportOptions(**options))  # type: ignore[arg-type]
    return list(plan.clips())


def test_lsp_is_half_train_half_test_and_counts_from_one(tmp_path: Path) -> None:
    source.write_lsp(tmp_path)
    found = clips("lsp", tmp_path)
    assert [clip.clip_id for clip in found] == [f"lsp/unknown/im000{i}" for i in range(1, 7)]
    assert [clip.split for clip in found] == ["train"] * 3 + ["test"] * 3


def test_one_means_occluded_in_lsp(tmp_path: Path) -> None:
    source.write_lsp(tmp_path)
    clip = clips("lsp", tmp_path)[2]
    for joint in range(14):
        np.testing.assert_allclose(present(clip.keypoints_px)[0, 0, joint], source.place(2, joint))
        expected = 0.5 if joint in source.HIDDEN else 1.0
        assert present(clip.keypoint_score)[0, 0, joint] == expected


def test_one_means_visible_in_the_extended_set(tmp_path: Path) -> None:
    source.write_extended(tmp_path)
    found = clips("lsp-extended", tmp_path)
    # The last photo shows nobody.
    assert [clip.action for clip in found] == [f"im0000{i}" for i in range(1, 6)]
    assert {clip.split for clip in found} == {"train"}
    for joint in range(14):
        hidden = joint in source.HIDDEN
        expected = (0, 0) if hidden else source.place(1, joint)
        np.testing.assert_allclose(present(found[1].keypoints_px)[0, 0, joint], expected)
        assert present(found[1].keypoint_score)[0, 0, joint] == (0 if hidden else 1)


def test_the_sets_are_not_mistaken_for_each_other(tmp_path: Path) -> None:
    source.write_lsp(tmp_path)
    with pytest.raises(InputError, match=r"joints\.mat: .*if this is lsp, import it under that"):
        clips("lsp-extended", tmp_path)


def test_sizes_come_from_the_numbered_images(tmp_path: Path) -> None:
    source.write_lsp(tmp_path, images=True)
    write_photo(tmp_path / "images" / "im0003.jpg", 0, (70, 90))
    sizes = [(clip.cameras[0].width, clip.cameras[0].height) for clip in clips("lsp", tmp_path)]
    assert sizes == [(160, 120)] * 2 + [(70, 90)] + [(160, 120)] * 3


def test_crops_surround_the_joints(tmp_path: Path) -> None:
    source.write_lsp(tmp_path, images=True)
    clip = clips("lsp", tmp_path, images=True)[0]
    # Joints span x 20..85 and y 38..90: a square of 65 and a quarter more.
    box = present(clip.crop_box_px)[0, 0]
    np.testing.assert_allclose(box, [52.5 - 40.625, 64 - 40.625, 81.25, 81.25])
