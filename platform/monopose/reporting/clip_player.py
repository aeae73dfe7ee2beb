"""Clips that a page can play: 2D over the image crops or an empty canvas, 3D beside it."""

import base64
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import orjson

from monopose.data.clip import Clip
from monopose.data.expectations.body import pose_m
from monopose.data.images.encoded import decode
from monopose.errors import InputError
from monopose.reporting.clip_player_script import PLAYER
from monopose.skeleton import JointSet, joint_set

MOST_FRAMES = 200
MOST_VIEWS = 4
MOST_VIEWS_WITH_IMAGES = 2
MOST_IMAGE_PX = 224
_QUALITY = 72
_FEWEST_IMAGES = 8


def player(clips: Sequence[dict[str, Any]]) -> str:
    """HTML of one player for packed clips; it brings its own style and script."""
    payload = orjson.dumps(list(clips)).decode().replace("<", "\\u003c")
    return PLAYER.replace("__CLIPS__", payload)


def pack(clip: Clip, image_bytes: int) -> dict[str, Any]:
    """A clip for the player: evenly spaced frames, whole pixels and millimetres.

    image_bytes: the most that its images may take; fewer frames are shown so that they fit, none
    if not even a few would. At most four views, two with images.
    """
    joints, images = joint_set(clip.joint_set), clip.image is not None
    views = min(clip.num_views, MOST_VIEWS_WITH_IMAGES if images else MOST_VIEWS)
    stride = -(-clip.num_frames // MOST_FRAMES)
    pictures: list[list[str]] = []
    if images:
        stride, views, pictures = _pictures(clip, stride, views, image_bytes)
    at = slice(None, None, stride)
    pose = pose_m(clip)
    packed: dict[str, Any] = {
        "id": clip.clip_id,
        "about": f"{clip.split}, subject {clip.subject}, {clip.action or 'no action named'}, "
        f"{clip.num_frames} frames at {clip.fps:g} Hz",
        "stride": stride,
        "fps": clip.fps,
        "bones": [[child, parent, _side(joints, child)] for child, parent in joints.bones],
        "views": [_view(clip, view, at, pictures) for view in range(views)],
        "hidden": clip.num_views - views,
    }
    if pose is not None:
        upright = pose if clip.pose_world_m is not None else pose[..., [0, 2, 1]] * [1, 1, -1]
        packed["pose"] = np.round(1000 * upright[at]).astype(int).tolist()
        packed["world"] = clip.pose_world_m is not None
    return packed


def _side(joints: JointSet, joint: int) -> int:
    """1 left, 2 right, 0 in the middle."""
    name = joints.joints[joint]
    return 1 if name.startswith("left_") else 2 if name.startswith("right_") else 0


def _view(clip: Clip, view: int, at: slice, pictures: list[list[str]]) -> dict[str, Any]:
    camera = clip.cameras[view]
    packed: dict[str, Any] = {
        "name": camera.camera_id,
        "size": [camera.width, camera.height] if camera.width and camera.height else None,
    }
    if clip.keypoints_px is not None:
        packed["keypoints"] = np.round(clip.keypoints_px[view, at], 1).tolist()
    if clip.keypoint_score is not None:
        packed["score"] = np.round(100 * clip.keypoint_score[view, at]).astype(int).tolist()
    if pictures and pictures[view]:
        packed["images"] = pictures[view]
        if clip.crop_box_px is not None:
            packed["boxes"] = np.round(clip.crop_box_px[view, at], 1).tolist()
    return packed


def _pictures(
    clip: Clip, stride: int, views: int, image_bytes: int
) -> tuple[int, int, list[list[str]]]:
    """(stride, views, data URIs by view) such that the images stay within their bytes."""
    assert clip.image is not None
    first = _data_uri(clip.image[0][clip.num_frames // 2])
    # A margin of one half: the images before and after may hold more detail.
    fitting = int(image_bytes / max(1.5 * len(first), 1000))
    if fitting < views:
        views = 1
    if fitting < min(_FEWEST_IMAGES, clip.num_frames):
        return stride, views, []
    stride = max(stride, -(-clip.num_frames * views // fitting))
    pictures = [[_data_uri(payload) for payload in clip.image[v][::stride]] for v in range(views)]
    if sum(len(text) for view in pictures for text in view) > image_bytes:
        return stride, views, []
    return stride, views, pictures


def _data_uri(payload: bytes) -> str:
    """The image, made smaller where it is large, as it stands in a page; empty if unreadable."""
    try:
        image = decode(payload)
    except InputError:
        return ""
    scale = MOST_IMAGE_PX / max(image.shape[:2])
    if scale < 1:
        size = tuple(max(1, round(side * scale)) for side in image.shape[1::-1])
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    flags = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    done, encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), flags)
    assert done, "JPEG takes every 8-bit image"
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode()
