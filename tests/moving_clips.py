"""Small labelled clips seen by two calibrated cameras, and recipes that train on them quickly."""

from typing import Any

import numpy as np

from monopose.data.batches import ClipTensors, clip_tensors
from monopose.data.clip import Clip
from monopose.geometry.camera import Camera
from monopose.recipes.parts import Budget, DataMix, Optimiser, SingleStrideTcn
from monopose.recipes.recipe import Recipe, with_values
from monopose.skeleton import joint_set

WIDTH, HEIGHT, FOCAL = 1000, 800, 1100.0
# Camera a stands at (0, -5, 1) and looks along +Y; b at (5, 0, 1) and looks along -X.
CAMERAS = tuple(
    Camera(
        name,
        rotation=np.array(rotation, np.float64),
        translation_m=-np.array(rotation, np.float64) @ np.array(position_m),
        fx=FOCAL,
        fy=FOCAL,
        cx=WIDTH / 2,
        cy=HEIGHT / 2,
        width=WIDTH,
        height=HEIGHT,
    )
    for name, rotation, position_m in (
        ("a", [[1, 0, 0], [0, 0, -1], [0, 1, 0]], [0.0, -5.0, 1.0]),
        ("b", [[0, 1, 0], [0, 0, -1], [-1, 0, 0]], [5.0, 0.0, 1.0]),
    )
)


def moving_clip(
    clip_id: str = "set/S1/walk", frames: int = 12, noise_px: float = 0.0, **changes: Any
) -> Clip:
    """Joints that swing about places within half a metre of (0, 0, 1), and what both cameras see.

    Projected here by hand, in float64, without the package's own camera.
    """
    rng = np.random.default_rng(len(clip_id) + 7 * frames)
    joints = len(joint_set(changes.get("joint_set", "h36m17")))
    place_m = rng.uniform(-0.5, 0.5, (1, joints, 3)) + np.array([0, 0, 1.0])
    swing_m = 0.05 * rng.standard_normal((1, joints, 3))
    pose_m = place_m + swing_m * np.sin(0.4 * np.arange(frames))[:, None, None]
    x, y, z = pose_m[..., 0], pose_m[..., 1], pose_m[..., 2]
    seen = [
        np.stack([500 + FOCAL * x / (y + 5), 400 - FOCAL * (z - 1) / (y + 5)], axis=-1),
        np.stack([500 + FOCAL * y / (5 - x), 400 - FOCAL * (z - 1) / (5 - x)], axis=-1),
    ]
    seen_px = np.stack(seen) + noise_px * rng.standard_normal((2, frames, joints, 2))
    values: dict[str, Any] = {
        "clip_id": clip_id,
        "dataset": "moving",
        "subject": "S1",
        "action": "walk",
        "split": "train",
        "fps": 50.0,
        "joint_set": "h36m17",
        "cameras": CAMERAS,
        "pose_world_m": pose_m.astype(np.float32),
        "keypoints_px": seen_px.astype(np.float32),
        "keypoint_score": np.ones((2, frames, joints), np.float32),
    }
    return Clip(**{**values, **changes})


def moving_tensors(*frames: int, noise_px: float = 0.0, **changes: Any) -> ClipTensors:
    """Tensors of one clip (two sequences) of each of these lengths."""
    clips = [
        moving_clip(f"moving/{index}", length, noise_px, **changes)
        for index, length in enumerate(frames)
    ]
    return clip_tensors(clips, "h36m17")


def tiny_recipe(**values: Any) -> Recipe:
    """Receptive field 3, 8 channels, 4 epochs; dots in the names of fields are written `__`."""
    recipe = Recipe(
        name="tiny",
        data=DataMix(virtual_cameras=None, flip=False),
        temporal=SingleStrideTcn(channels=8, filter_widths=(3,), dropout=0.1),
        budget=Budget(epochs=4, chunk_frames=4, batch_chunks=4, evaluate_every=2),
        optimiser=Optimiser(learning_rate=3e-3, ema_decay=0.9),
    )
    return with_values(recipe, {name.replace("__", "."): v for name, v in values.items()})
