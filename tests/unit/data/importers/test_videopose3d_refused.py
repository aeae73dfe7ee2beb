"""Files in VideoPose3D's layout that are damaged or disagree, and the one line each gives."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.clip_files import H36M_SYMMETRY, camera_records, people, write_npz, write_videopose3d
from tests.faults.test_damaged_imports import flip, huge, moved, truncate

from monopose.data.importers.videopose3d import videopose3d_clips
from monopose.errors import InputError

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "3D of 21 joints": (
        {"poses": {"S1": {"a": np.zeros((2, 21, 3), np.float32)}}, "keypoints": {}},
        r"data_3d_tiny\.npz S1/a: 3D of 21 joints is not known",
    ),
    "flat 3D": (
        {"poses": {"S1": {"a": np.zeros((2, 51), np.float32)}}, "keypoints": {}},
        r"data_3d_tiny\.npz S1/a: holds ndarray of shape \(2, 51\), not frames x joints x 3",
    ),
    "no subjects": ({"poses": [1, 2], "keypoints": {}, "cameras": []}, "has no positions_3d"),
    "no 2D of a take": (
        {"keypoints": {"S1": {}}},
        r"data_2d_tiny_gt\.npz S1/Walking 1: has no 2D for this take",
    ),
    "one view too few": (
        {"keypoints": {"S1": {"Walking 1": [np.zeros((6, 17, 2))]}}},
        "has 2D of 1 views, but there are 2 cameras",
    ),
    "2D too short": (
        {"keypoints": {"S1": {"Walking 1": [np.zeros((5, 17, 2))] * 2}}},
        "view 0 has 5 frames of 2D for 6 frames of 3D",
    ),
    "2D of other joints": (
        {"keypoints": {"S1": {"Walking 1": [np.zeros((6, 16, 2))] * 2}}},
        "view 0 has 16 joints, h36m17 has 17",
    ),
    "unknown layout": (
        {"metadata": {"num_joints": 25, "layout_name": "body25"}},
        r"gt\.npz: cannot tell the joints from layout 'body25', 25 joints.*known layouts: h36m17",
    ),
    "a strange frame rate": (
        {"metadata": {"num_joints": 17, "keypoints_symmetry": H36M_SYMMETRY, "fps": "fast"}},
        "fps is 'fast', not a number between 0 and 10000",
    ),
    "a view that is not there": (
        {"keypoints": {"S1": {"Walking 1": [None, None]}}},
        r"gt\.npz S1/Walking 1: holds NoneType of shape",
    ),
    "views that are a number": (
        {"keypoints": {"S1": {"Walking 1": np.zeros(())}}},
        "has 2D of 0 views, but there are 2 cameras",
    ),
    "subjects by number": ({"poses": {1: {}}, "keypoints": {}}, "has no positions_3d of the form"),
    "no cameras of a subject": (
        {"cameras": {"S2": camera_records()}},
        r"cameras_tiny\.json S1: has no cameras for this subject; add them",
    ),
    "a camera without a place": (
        {"cameras": {"S1": [{"id": "c0", "orientation": [1, 0, 0, 0]}] * 2}},
        r"cameras_tiny\.json S1 camera 0: has no translation; needs id, orientation",
    ),
    "a zero quaternion": (
        {"cameras": {"S1": camera_records(orientation=[0, 0, 0, 0])}},
        r"cameras_tiny\.json S1 camera 0: orientation \[0\.0, .* is not of unit length",
    ),
    "a quaternion of three numbers": (
        {"cameras": {"S1": camera_records(orientation=[0, 0, 1])}},
        r"camera 0: orientation is \[0, 0, 1\], not 4 numbers of at most 2$",
    ),
    "a quaternion of words": (
        {"cameras": {"S1": camera_records(orientation=["a", "b", "c", "d"])}},
        r"camera 0: orientation is \['a', 'b', 'c', 'd'\], not 4 numbers",
    ),
    "a place beyond the horizon": (
        {"cameras": {"S1": camera_records(translation=[0, 0, 1e9])}},
        "camera 0: translation is .*, not 3 numbers of at most 1e",
    ),
    "an image of half a pixel": (
        {"cameras": {"S1": camera_records(res_w=0.5)}},
        r"camera 0: image size \[0\.5, 800\] is not in whole pixels",
    ),
    "cameras by number": ({"cameras": {"S1": [1, 2]}}, "cameras are not a list of JSON objects"),
    "a camera without a name": (
        {"cameras": {"S1": camera_records(id=None)}},
        r"camera 0: has no id \(None\)",
    ),
    "intrinsics and extrinsics that differ in number": (
        {"cameras": {"intrinsics": camera_records(), "extrinsics": {"S1": [{}]}}},
        r"cameras_tiny\.json S1: has 2 intrinsics for 1 extrinsics",
    ),
    "a turned world_to_camera": (
        {
            "cameras": {
                "S1": camera_records(
                    world_to_camera={
                        "rotation": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
                        "translation_m": [0, 0, 0],
                    }
                )
            }
        },
        "world_to_camera and orientation are different rotations; drop world_to_camera",
    ),
    "a take on two lines": (
        {"poses": {"S1": {"a\nb": np.zeros((2, 17, 3), np.float32)}}, "keypoints": {}},
        r"data_3d_tiny\.npz: a subject or take is called 'a\\nb'$",
    ),
    "3D that is not a number": (
        {"poses": {"S1": {"a": np.full((2, 17, 3), np.nan, np.float32)}}, "keypoints": {}},
        r"data_3d_tiny\.npz S1/a: 3D holds NaN or infinity",
    ),
    "a layout that its symmetry denies": (
        {
            "metadata": {
                "num_joints": 17,
                "layout_name": "coco",
                "keypoints_symmetry": H36M_SYMMETRY,
            }
        },
        r"gt\.npz: layout_name is 'coco', but left and right joints are of h36m17",
    ),
    "normalised intrinsics": (
        {"cameras": {"S1": camera_records(focal_length=[2.29, 2.28])}},
        r"camera 0: focal length \[2\.29, 2\.28\] is not in pixels",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_files_that_disagree_are_refused(tmp_path: Path, name: str) -> None:
    parts, message = WRONG[name]
    arguments = {"poses": people(("S1",)), **parts}
    poses = arguments.pop("poses")
    folder = write_videopose3d(tmp_path, {}, **arguments)
    if "cameras" not in parts:
        (folder / "cameras_tiny.json").write_text(json.dumps({"S1": camera_records()}))
    write_npz(folder / "data_3d_tiny.npz", positions_3d=poses)
    with pytest.raises(InputError, match=message):
        list(videopose3d_clips([folder]))


def test_damage_inside_a_sound_zip_gives_one_line(tmp_path: Path) -> None:
    """A zip file notices flipped bytes by itself; these lie in pickles whose zip is whole."""
    folder = write_videopose3d(tmp_path, people(("S1",)))
    members = [
        ("data_3d_tiny.npz", "positions_3d.npy"),
        ("data_2d_tiny_gt.npz", "positions_2d.npy"),
        ("data_2d_tiny_gt.npz", "metadata.npy"),
    ]
    refused = 0
    for seed in range(240):
        rng = np.random.default_rng(seed)
        name, member = members[seed % len(members)]
        whole = (folder / name).read_bytes()
        with zipfile.ZipFile(folder / name) as archive:
            contents = {entry: archive.read(entry) for entry in archive.namelist()}
        damage = (truncate, flip, huge, moved)[int(rng.integers(4))]
        contents[member] = damage(contents[member], rng)
        with zipfile.ZipFile(folder / name, "w") as archive:
            for entry, payload in contents.items():
                archive.writestr(entry, payload)
        told = _told(folder)
        assert told is None or ("data_" in told and "\n" not in told), seed
        refused += told is not None
        (folder / name).write_bytes(whole)
    assert refused > 120


def _told(folder: Path) -> str | None:
    try:
        list(videopose3d_clips([folder]))
    except InputError as error:
        return str(error)
    return None
