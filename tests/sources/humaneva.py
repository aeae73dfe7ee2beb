"""HumanEva-I in VideoPose3D's published files: chunks of takes, with and without 3D."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from tests.clip_files import write_npz
from tests.sources.case import Case
from tests.sources.h36m import COCO
from tests.sources.videopose3d import look_at_origin, projected, wrong

POSITIONS_M = ((4.1, 0.7, 1.5), (0.9, -3.9, 1.5), (-0.8, 3.9, 1.4))
METADATA = {
    "layout_name": "humaneva15",
    "num_joints": 15,
    "keypoints_symmetry": [[2, 3, 4, 8, 9, 10], [5, 6, 7, 11, 12, 13]],
}
# Chunk 1 of S1's walk has no 3D: the motion capture dropped out.
TAKES = {
    "Train/S1": ("Walking 1 chunk0", "Walking 1 chunk2"),
    "Validate/S1": ("Walking 1 chunk0", "Jog 1 chunk0"),
    "Validate/S2": ("Box 1 chunk0",),
}
FRAMES = 4


def records() -> list[dict[str, Any]]:
    """Three made-up cameras, with the focal lengths that VideoPose3D does not have."""
    return [
        {
            "id": f"C{view + 1}",
            "orientation": look_at_origin(position),
            "translation": list(position),
            "focal_length": [770.0, 771.0],
            "center": [320.5, 240.5],
            "radial_distortion": [0.0, 0.0, 0.0],
            "tangential_distortion": [0.0, 0.0],
            "res_w": 640,
            "res_h": 480,
        }
        for view, position in enumerate(POSITIONS_M)
    ]


def as_code() -> dict[str, Any]:
    """VideoPose3D's own tables: places in mm, no lens at all, and nothing known of S4."""
    places = [
        {"orientation": record["orientation"], "translation": [1000 * x for x in position]}
        for record, position in zip(records(), POSITIONS_M, strict=True)
    ]
    ids = [{"id": f"C{i}", "res_w": 640, "res_h": 480, "azimuth": 0} for i in (1, 2, 3)]
    return {"intrinsics": ids, "extrinsics": {"S1": places, "S2": places, "S4": [{}, {}, {}]}}


def poses() -> dict[str, dict[str, np.ndarray]]:
    """Metres in the world, 15 joints."""
    rng = np.random.default_rng(15)
    low, high = (-0.4, -0.4, 0.2), (0.4, 0.4, 1.8)
    return {
        subject: {
            action: rng.uniform(low, high, (FRAMES, 15, 3)).astype(np.float32) for action in actions
        }
        for subject, actions in TAKES.items()
    }


def write_gt(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    world = poses()
    seen = {
        subject: {a: [projected(pose, camera) for camera in records()] for a, pose in takes.items()}
        for subject, takes in world.items()
    }
    write_npz(folder / "data_3d_humaneva15.npz", positions_3d=world)
    write_npz(folder / "data_2d_humaneva15_gt.npz", positions_2d=seen, metadata=METADATA)
    cameras = {"S1": records(), "S2": records()}
    (folder / "cameras_humaneva15.json").write_text(json.dumps(cameras))
    return folder


def detections(frames: int, start: float = 100.0) -> np.ndarray:
    """COCO keypoints whose every number tells its place."""
    count = np.arange(frames * 17 * 2, dtype=np.float32).reshape(frames, 17, 2)
    return count / 8 + np.float32(start)


def write_coco(folder: Path) -> Path:
    """2D of everything filmed; what has no 3D lies under Unlabeled, S4's whole videos too."""
    write_gt(folder)
    (folder / "data_2d_humaneva15_gt.npz").unlink()
    seen: dict[str, dict[str, list[Any]]] = {
        subject: {action: [detections(FRAMES)] * 3 for action in actions}
        for subject, actions in TAKES.items()
    }
    seen["Unlabeled/Train/S1"] = {"Walking 1 chunk1": [detections(2)] * 3}
    seen["Unlabeled/S1"] = {"Box 2": [detections(3)] * 3}
    seen["Unlabeled/S4"] = {
        "Walking 1": [detections(7), detections(6, 200.0), detections(9)],
        "Jog 2": [detections(3), None, detections(4, 300.0)],
    }
    path = folder / "data_2d_humaneva15_detectron_pt_coco.npz"
    write_npz(path, positions_2d=seen, metadata=COCO)
    (folder / "cameras_humaneva15.json").write_text(json.dumps(as_code()))
    return folder


CASES = {
    "humaneva_gt": Case(
        source="humaneva",
        write=write_gt,
        exact_2d=True,
        wrong=wrong("humaneva15", "gt", "Train/S1", "Walking 1 chunk0"),
    ),
    "humaneva_detectron_pt_coco": Case(source="humaneva", write=write_coco),
}
