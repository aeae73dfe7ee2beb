"""People as flat sticks walking through an image, for the detectors' formats."""

import numpy as np

from monopose.formats.people import Frame, Person
from monopose.skeleton import joint_set

WIDTH, HEIGHT, FPS = 640, 480, 20.0
# Joint without its side -> (towards the person's own left, down from the head top), in heights.
BODY = {
    "head_top": (0.0, 0.0),
    "eye": (0.02, 0.06),
    "ear": (0.04, 0.07),
    "nose": (0.0, 0.08),
    "upper_neck": (0.0, 0.14),
    "neck": (0.0, 0.16),
    "mid_shoulders": (0.0, 0.18),
    "shoulder": (0.12, 0.18),
    "elbow": (0.16, 0.34),
    "wrist": (0.17, 0.5),
    "pelvis": (0.0, 0.52),
    "hip": (0.08, 0.52),
    "knee": (0.09, 0.76),
    "ankle": (0.1, 0.95),
    "heel": (0.09, 0.99),
    "small_toe": (0.15, 0.99),
    "big_toe": (0.12, 1.0),
}


def person(
    name: str, x_px: float, height_px: float = 200.0, *, score: float = 0.8, extra: int = 0
) -> Person:
    """Someone facing the camera, so that their left is on the right of the image.

    extra: further joints (face, hands) after those of the set, at the head.
    """
    joints = joint_set(name).joints
    points = np.array([_point(joint) for joint in joints] + [(0.0, 0.05)] * extra)
    keypoints_px = np.round(points * height_px + [x_px, 100.0], 2)
    return Person(keypoints_px, np.full(len(points), score), score)


def _point(joint: str) -> tuple[float, float]:
    for side, sign in (("left_", 1.0), ("right_", -1.0)):
        if joint.startswith(side):
            across, down = BODY[joint.removeprefix(side)]
            return sign * across, down
    return BODY[joint]


def crossing(name: str, frames: int = 24, *, extra: int = 0) -> list[Frame]:
    """A tall person walks right and a small one left; they are in one place half way."""
    return [
        Frame(
            number,
            (
                person(name, 100.0 + 16 * number, 240.0, score=0.9, extra=extra),
                person(name, 468.0 - 16 * number, 150.0, score=0.6, extra=extra),
            ),
        )
        for number in range(frames)
    ]


def alone(name: str, frames: int = 8) -> list[Frame]:
    """The tall person, not found in the frame before the last."""
    found = [Frame(n, (person(name, 100.0 + 16 * n, 240.0),)) for n in range(frames)]
    found[-2] = Frame(frames - 2, ())
    return found
