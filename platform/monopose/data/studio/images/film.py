"""A clip's images: views of one moving person in one place, cropped, as JPEG."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from monopose.data.images.encoded import encode
from monopose.data.studio.images import compiled as columns
from monopose.data.studio.images.body_shape import clothed_body
from monopose.data.studio.images.lens import lens_of
from monopose.data.studio.images.outfit import Outfit
from monopose.data.studio.images.render import View, develop, render
from monopose.data.studio.images.scene import Scene
from monopose.data.studio.images.shape_rows import PARTS, Rows, neighbours_of
from monopose.data.studio.images.visibility import visible_share
from monopose.geometry.camera import Camera

_CONTACT_PARTS = ("foot", "shank", "thigh", "hand", "torso", "head")


@dataclass(frozen=True)
class Take:
    """One person moving in one place, T frames; what all views of a clip share."""

    body: Rows
    neighbours: Int[np.ndarray, "S N"]
    scene: Scene
    things: Float[np.ndarray, "O 30"]
    materials: Float[np.ndarray, "M 12"]

    def view(self, frame: int, lens: Float[np.ndarray, " 25"]) -> View:
        """One frame through one lens."""
        scene, body = self.scene, self.body[frame]
        return View(
            shapes=np.concatenate([body, self.things]),
            bodies=len(body),
            neighbours=self.neighbours,
            materials=self.materials,
            walls=np.array(scene.walls, float).reshape(-1, 5),
            pictures=np.array(scene.pictures, float).reshape(-1, 6),
            ground=scene.ground,
            contact=_contact(body),
            lens=lens,
            light=scene.light,
        )


def take_of(
    pose_world_m: Float32[np.ndarray, "T 17 3"], stature_m: float, outfit: Outfit, scene: Scene
) -> Take:
    """Clothes a motion and puts it in a place."""
    materials = np.concatenate([outfit.materials, np.stack(scene.materials)])
    body, things = clothed_body(pose_world_m, stature_m, outfit), scene.shapes.rows()[0]
    return Take(body, neighbours_of(body), scene, things, materials)


def _contact(body: Float[np.ndarray, "S 30"]) -> Float[np.ndarray, "4 N"]:
    """Balls that darken the ground beneath them: the ends of the body's larger shapes."""
    named = [PARTS[int(part)] for part in body[:, columns.PART]]
    large = body[:, columns.BALL_A + 3] > 0.02
    kept = [k for k, name in enumerate(named) if large[k] and name.endswith(_CONTACT_PARTS)]
    ends = body[kept][:, columns.BALL_A : columns.BALL_A + 8].reshape(-1, 4)
    balls = ends[np.argsort(ends[:, 2], kind="stable")[:14]].T.copy()
    balls[2] = np.maximum(balls[2], 0.01)
    balls[3] = 1.3 * balls[3] ** 2
    return balls


def photograph(
    take: Take, frame: int, camera: Camera, box_px: Float[np.ndarray, "4"], size_px: int, seed: int
) -> UInt8[np.ndarray, "H W 3"]:
    """One frame of a view, cropped to a box; black outside the camera's image.

    seed: of the sensor's noise.
    """
    film = take.scene.film
    image = render(take.view(frame, lens_of(camera, box_px)), size_px)
    image = cv2.GaussianBlur(image, (0, 0), film.blur_px)
    out = develop(image, film.exposure, film.noise, seed)
    return _black_outside(out, camera, box_px)


def _black_outside(
    image: UInt8[np.ndarray, "H W 3"], camera: Camera, box_px: Float[np.ndarray, "4"]
) -> UInt8[np.ndarray, "H W 3"]:
    x, y, width, height = (float(value) for value in box_px)
    size_px = len(image)
    if camera.width is None or camera.height is None:
        return image
    if x >= 0 and y >= 0 and x + width <= camera.width and y + height <= camera.height:
        return image
    centres = np.arange(size_px) + 0.5
    columns_px, rows_px = x + centres * width / size_px, y + centres * height / size_px
    image[:, (columns_px < 0) | (columns_px >= camera.width)] = 0
    image[(rows_px < 0) | (rows_px >= camera.height)] = 0
    return image


def film_clip(
    take: Take,
    cameras: Sequence[Camera],
    boxes_px: Float[np.ndarray, "V T 4"],
    size_px: int,
    seed: int,
    workers: int | None = None,
) -> tuple[tuple[bytes, ...], ...]:
    """JPEG crops by view and frame. workers: threads, default one for each core we may use."""
    frames = boxes_px.shape[1]

    def shot(number: int) -> bytes:
        view, frame = divmod(number, frames)
        image = photograph(
            take, frame, cameras[view], boxes_px[view, frame], size_px, seed + 16 * number
        )
        return encode(image, take.scene.film.jpeg_quality)

    with ThreadPoolExecutor(workers or usable_cores()) as pool:
        shots = list(pool.map(shot, range(len(cameras) * frames)))
    return tuple(tuple(shots[i : i + frames]) for i in range(0, len(shots), frames))


def usable_cores() -> int:
    """Cores that this process may run on; OMP_NUM_THREADS, which Ray sets for a task, limits it."""
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(asked)) if asked.isdigit() and int(asked) > 0 else cores


def visible_shares(
    take: Take, pose_world_m: Float32[np.ndarray, "T 17 3"], cameras: Sequence[Camera]
) -> Float32[np.ndarray, "V T 17"]:
    """For each joint the share of a small disc around it that no other thing hides, 0..1."""
    out = np.zeros((len(cameras), len(pose_world_m), pose_world_m.shape[1]), np.float32)
    for frame, pose_m in enumerate(pose_world_m):
        shapes = np.concatenate([take.body[frame], take.things])
        for view, camera in enumerate(cameras):
            out[view, frame] = visible_share(shapes, pose_m.astype(float), camera)
    return out
