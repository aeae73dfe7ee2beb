"""What could have gone wrong between 3D, camera and 2D: changes under which they would agree.

Each hypothesis undoes one mistake; the one that brings the projection onto the keypoints names
the mistake. They are ordered from usual to rare: of equally good ones the first is taken.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations, product

import numpy as np

from monopose.data.expectations.limbs import UNITS_M
from monopose.data.expectations.reprojection import View, projected_px
from monopose.data.expectations.sides import SIDES_EXCHANGED
from monopose.data.expectations.up_axis import AXES, UP_AXIS
from monopose.skeleton import JOINT_SETS, joint_set

CAMERA_INVERTED = "camera rotated by its inverse"


def hypotheses(view: View) -> Iterator[tuple[str, str, View]]:
    """(cause, description, the view with the mistake undone) for all that apply to a view."""
    yield SIDES_EXCHANGED, "left and right exchanged between 2D and 3D", exchange_sides(view)
    if view.world:
        yield from _extrinsics(view)
        yield from _world_axes(view)
    yield from _camera_axes(view)
    yield from _image_axes(view)
    yield from _units(view)
    yield from _joint_orders(view)
    yield from _image_scale(view)


def exchange_sides(view: View) -> View:
    """The view with left and right exchanged in its 3D."""
    return replace(view, pose_m=view.pose_m[:, list(joint_set(view.joint_set).mirror)])


def _extrinsics(view: View) -> Iterator[tuple[str, str, View]]:
    rotation, translation = view.camera.rotation, view.camera.translation_m
    assert rotation is not None
    assert translation is not None
    inverse = rotation.T
    position = -inverse @ translation
    readings = (
        (CAMERA_INVERTED, "the rotation transposed", inverse, translation),
        (CAMERA_INVERTED, "the rotation transposed about the camera's place", inverse,
         -inverse @ position),
        (CAMERA_INVERTED, "the whole transform inverted", inverse, position),
        ("camera position as translation", "the translation read as the camera's position",
         rotation, -rotation @ translation),
        (CAMERA_INVERTED, "the rotation transposed and the translation read as the position",
         inverse, -translation @ rotation.T),
        ("camera translation negated", "the translation negated", rotation, -translation),
    )  # fmt: skip
    for cause, name, turned, moved in readings:
        camera = replace(view.camera, rotation=turned, translation_m=moved)
        yield cause, name, replace(view, camera=camera)


def _world_axes(view: View) -> Iterator[tuple[str, str, View]]:
    """The 47 other ways to name and point the world's axes, proper rotations first."""
    matrices = [
        np.array(signs, np.float32)[:, None] * np.eye(3, dtype=np.float32)[list(order)]
        for order in permutations(range(3))
        for signs in product((1.0, -1.0), repeat=3)
    ]
    matrices = sorted(matrices[1:], key=lambda matrix: -np.linalg.det(matrix))
    for matrix in matrices:
        up = AXES[int(np.argmax(np.concatenate([matrix[2], -matrix[2]])))]
        mirrored = ", mirrored" if np.linalg.det(matrix) < 0 else ""
        cause = "world axes" if up == "+z" else UP_AXIS
        changed = replace(view, pose_m=view.pose_m @ matrix.T)
        yield cause, f"the 3D's {up} axis taken as up{mirrored}", changed


def _camera_axes(view: View) -> Iterator[tuple[str, str, View]]:
    for name, signs in {
        "y up and z backward": (1, -1, -1),
        "y up": (1, -1, 1),
        "z backward": (1, 1, -1),
        "x left and y up": (-1, -1, 1),
    }.items():
        axes = np.diag(np.array(signs, np.float64))
        yield "camera axes", f"the camera's axes read as {name}", _turn_camera(view, axes)


def _turn_camera(view: View, axes: np.ndarray) -> View:
    rotation, translation = view.camera.rotation, view.camera.translation_m
    if not view.world or rotation is None or translation is None:
        return replace(view, pose_m=view.pose_m @ axes.T.astype(np.float32))
    camera = replace(view.camera, rotation=axes @ rotation, translation_m=axes @ translation)
    return replace(view, camera=camera)


def _image_axes(view: View) -> Iterator[tuple[str, str, View]]:
    swapped = view.keypoints_px[..., ::-1]
    yield "image axes", "x and y of the keypoints exchanged", replace(view, keypoints_px=swapped)
    width, height = view.camera.width, view.camera.height
    for name, axis, size in (("x", 0, width), ("y", 1, height)):
        if size:
            flipped = view.keypoints_px.copy()
            flipped[..., axis] = size - 1 - flipped[..., axis]
            yield (
                "image axes",
                f"{name} of the keypoints mirrored",
                replace(view, keypoints_px=flipped),
            )


def _units(view: View) -> Iterator[tuple[str, str, View]]:
    for unit, metres in UNITS_M.items():
        scaled = replace(view, pose_m=view.pose_m * np.float32(metres))
        yield "units", f"the 3D read as {unit}", scaled
        if view.world and view.camera.translation_m is not None:
            camera = replace(view.camera, translation_m=view.camera.translation_m * metres)
            yield "units", f"the camera's place read as {unit}", replace(view, camera=camera)


def _joint_orders(view: View) -> Iterator[tuple[str, str, View]]:
    """Keypoints in the order of another set whose joints have the same names or nearly."""
    declared = joint_set(view.joint_set)
    for other in JOINT_SETS.values():
        shared = [joint for joint in declared.joints if joint in other.joints]
        if other.name == declared.name or len(other) != len(declared) or len(shared) < 12:
            continue
        rows = [declared.index(joint) for joint in shared]
        columns = [other.index(joint) for joint in shared]
        changed = replace(
            view,
            pose_m=view.pose_m[:, rows],
            keypoints_px=view.keypoints_px[:, columns],
            seen=view.seen[:, columns],
        )
        yield "joint order", f"the 2D read in the order of {other.name}", changed
        changed = replace(
            view,
            pose_m=view.pose_m[:, columns],
            keypoints_px=view.keypoints_px[:, rows],
            seen=view.seen[:, rows],
        )
        yield "joint order", f"the 3D read in the order of {other.name}", changed


def _image_scale(view: View) -> Iterator[tuple[str, str, View]]:
    """Keypoints of an image of another size: the best scale and shift of both axes alike."""
    pixels = projected_px(view.pose_m, view.camera, view.world)
    used = view.seen & (np.abs(pixels) < 1e6).all(axis=-1)
    if used.sum() < 10:
        return
    given, wanted = view.keypoints_px[used], pixels[used]
    centre, aim = np.median(given, axis=0), np.median(wanted, axis=0)
    spans = np.abs(wanted - aim).mean(), np.abs(given - centre).mean()
    scale = float(spans[0] / max(float(spans[1]), 1e-9))
    if not 0.8 < scale < 1.25:
        moved = (view.keypoints_px - centre) * scale + aim
        changed = replace(view, keypoints_px=moved.astype(np.float32), size_px=view.size_px * scale)
        yield "image size", f"the keypoints scaled {scale:.3g} times and moved", changed
