"""Human3.6M in VideoPose3D's published files: 32 joints, and 2D by six sources."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tests.clip_files import H36M_SYMMETRY, write_npz
from tests.sources.case import Case
from tests.sources.videopose3d import look_at_origin, projected, wrong

# The 17 of 32 joints that stay when VideoPose3D removes 4, 5, 9-11, 16, 20-24 and 28-31.
KEPT = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
IDS = ("54138969", "55011271", "58860488", "60457274")
POSITIONS_MM = ((4100, 3600, 1600), (3700, -3900, 1500), (-3800, 3500, 1550), (-3600, -3700, 1650))
TAKES = {"S1": ("Directions", "Photo 1"), "S9": ("WalkDog",), "S11": ("Directions 1",)}
FRAMES = 5
# As VideoPose3D's data_utils and prepare_data_2d_h36m_sh have them; gt's has no layout_name.
H36M = {"layout_name": "h36m", "num_joints": 17, "keypoints_symmetry": H36M_SYMMETRY}
GT = {"num_joints": 17, "keypoints_symmetry": H36M_SYMMETRY}
COCO = {
    "layout_name": "coco",
    "num_joints": 17,
    "keypoints_symmetry": [[1, 3, 5, 7, 9, 11, 13, 15], [2, 4, 6, 8, 10, 12, 14, 16]],
}
HOURGLASS = {
    "num_joints": 16,
    "keypoints_symmetry": [[3, 4, 5, 13, 14, 15], [0, 1, 2, 10, 11, 12]],
}
# Where each joint of MPII and COCO lies among the 17; COCO's eyes and ears are put at the nose.
MPII_ORDER = [3, 2, 1, 4, 5, 6, 0, 8, 9, 10, 16, 15, 14, 11, 12, 13]
COCO_ORDER = [9, 9, 9, 9, 9, 11, 14, 12, 15, 13, 16, 4, 1, 5, 2, 6, 3]

View = Callable[[np.ndarray, int], np.ndarray]


def records(unit: float = 1.0) -> list[dict[str, Any]]:
    """Four made-up cameras around the room, without image sizes, as the ids tell them."""
    return [
        {
            "id": name,
            "orientation": look_at_origin((x / 1000, y / 1000, z / 1000)),
            "translation": [x * unit, y * unit, z * unit],
            "focal_length": [1145.0 + view, 1144.0 - view],
            "center": [512.5, 515.5],
            "radial_distortion": [-0.2, 0.24, -0.002],
            "tangential_distortion": [-1e-5, 2e-5],
        }
        for view, (name, (x, y, z)) in enumerate(zip(IDS, POSITIONS_MM, strict=True))
    ]


def poses(takes: Mapping[str, tuple[str, ...]]) -> dict[str, dict[str, np.ndarray]]:
    """Metres in the world, 32 joints."""
    rng = np.random.default_rng(36)
    low, high = (-0.5, -0.5, 0.1), (0.5, 0.5, 1.8)
    return {
        subject: {
            action: rng.uniform(low, high, (FRAMES, 32, 3)).astype(np.float32) for action in actions
        }
        for subject, actions in takes.items()
    }


def plain(pixels: np.ndarray, view: int) -> np.ndarray:
    return pixels


def longer(pixels: np.ndarray, view: int) -> np.ndarray:
    """A video that runs on after the motion capture, by a frame more in each view."""
    return np.concatenate([pixels, pixels[-1:].repeat(view + 1, axis=0)])


def coco(pixels: np.ndarray, view: int) -> np.ndarray:
    return longer(pixels[:, COCO_ORDER], view)


def with_confidence(pixels: np.ndarray, view: int) -> np.ndarray:
    score = np.linspace(0.2, 1, pixels[..., :1].size, dtype=np.float32)
    return np.concatenate([pixels, score.reshape(pixels[..., :1].shape)], axis=-1)


def mpii(pixels: np.ndarray, view: int) -> np.ndarray:
    return pixels[:, MPII_ORDER]


def write_h36m(
    folder: Path,
    detections: str = "gt",
    metadata: dict[str, Any] = GT,
    view_of: View = plain,
    takes: Mapping[str, tuple[str, ...]] = TAKES,
    cameras: Any = None,
) -> Path:
    """The three files of the data set in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    world = poses(takes)
    seen = {
        subject: {
            action: [
                view_of(projected(pose[:, KEPT], camera), view)
                for view, camera in enumerate(records(1e-3))
            ]
            for action, pose in actions.items()
        }
        for subject, actions in world.items()
    }
    write_npz(folder / "data_3d_h36m.npz", positions_3d=world)
    write_npz(folder / f"data_2d_h36m_{detections}.npz", positions_2d=seen, metadata=metadata)
    content = {subject: records(1e-3) for subject in takes} if cameras is None else cameras
    (folder / "cameras_h36m.json").write_text(json.dumps(content))
    return folder


def as_code() -> dict[str, Any]:
    """VideoPose3D's two tables dumped as they are: ids and lenses once, places by subject, mm."""
    lens = ("id", "focal_length", "center", "radial_distortion", "tangential_distortion")
    place = ("orientation", "translation")
    return {
        "intrinsics": [{key: record[key] for key in lens} for record in records()],
        "extrinsics": {
            "S2": [{}, {}, {}, {}],
            **{s: [{key: record[key] for key in place} for record in records()] for s in TAKES},
        },
    }


def write_own_spelling(folder: Path) -> Path:
    """Files of those who kept the data set's names and its corrupt take."""
    takes = {"S1": ("TakingPhoto", "WalkingDog 1"), "S11": ("Directions", "Directions 1")}
    return write_h36m(folder, takes=takes, cameras=list(reversed(records())))


CASES = {
    "h36m_gt": Case(
        source="h36m",
        write=write_h36m,
        exact_2d=True,
        wrong=wrong("h36m", "gt", "S1", "Directions"),
    ),
    "h36m_cpn_ft_h36m_dbb": Case(
        source="h36m",
        write=lambda folder: write_h36m(
            folder, "cpn_ft_h36m_dbb", H36M, longer, cameras=as_code()
        ),
        exact_2d=True,
    ),
    "h36m_detectron_ft_h36m": Case(
        source="h36m",
        write=lambda folder: write_h36m(folder, "detectron_ft_h36m", H36M, with_confidence),
        exact_2d=True,
    ),
    "h36m_detectron_pt_coco": Case(
        source="h36m",
        write=lambda folder: write_h36m(folder, "detectron_pt_coco", COCO, coco),
    ),
    "h36m_sh_pt_mpii": Case(
        source="h36m",
        write=lambda folder: write_h36m(folder, "sh_pt_mpii", HOURGLASS, mpii),
    ),
    "h36m_sh_ft_h36m": Case(
        source="h36m",
        write=lambda folder: write_h36m(folder, "sh_ft_h36m", HOURGLASS, mpii),
    ),
    "h36m_own_spelling": Case(source="h36m", write=write_own_spelling, exact_2d=True),
}  # fmt: skip
