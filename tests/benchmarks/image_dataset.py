"""The baseline of the image benchmark: a plain map-style data set for PyTorch's DataLoader.

One JPEG file a sample, its labels in memory, and for each sample the same decode, warp, colours,
patches, surroundings and label geometry as the platform's image path, written with OpenCV and
numpy for one sample, the way such data sets usually are.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset

from monopose.recipes.images import ImageAugmentation
from monopose.skeleton import joint_set

JOINTS = joint_set("h36m17")
ORDER = list(JOINTS.mirror)
LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class Labels:
    """Of all samples. boxes: (x, y, width, height) of the stored crops; focal, centre: pixels."""

    box_px: np.ndarray
    keypoints_px: np.ndarray
    pose_m: np.ndarray
    focal: float
    centre: np.ndarray


class PlainDataset(Dataset[dict[str, torch.Tensor]]):
    """Files by number; `size_px` crops."""

    def __init__(
        self, files: list[Path], labels: Labels, size_px: int, change: ImageAugmentation
    ) -> None:
        self.files, self.labels, self.size_px, self.change = files, labels, size_px, change

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        """One augmented sample; the image stays H x W x 3, 8 bits, the cheapest to hand over."""
        rng = np.random.default_rng(int(torch.randint(2**62, ())))
        change, box = self.change, self.labels.box_px[index].astype(np.float64)
        centre = box[:2] + box[2:] / 2 + rng.uniform(-change.shift, change.shift, 2) * box[2]
        side = box[2] * rng.uniform(*change.scale)
        turned = rng.random() < change.rotation_share
        angle = np.deg2rad(rng.uniform(-1, 1) * change.rotation_deg) * turned
        mirrored = rng.random() < 0.5
        plane = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        linear = plane @ np.diag([-1.0 if mirrored else 1.0, 1.0]) * side / 2
        image = self._image(index, box, linear, centre)
        keypoints = (self.labels.keypoints_px[index] - centre) @ np.linalg.inv(linear).T
        if rng.random() < change.background_share:
            image = self._surroundings(image, keypoints, rng)
        image = cv2.transform(image, self._colour(rng))
        if rng.random() < change.occlusion_share:
            self._patches(image, rng)
        pose_m, rotation = self._pose(index, centre, angle, mirrored)
        if mirrored:
            keypoints, pose_m = keypoints[ORDER], pose_m[ORDER]
        return {
            "image": torch.from_numpy(image),
            "keypoints": torch.from_numpy(keypoints.astype(np.float32)),
            "pose_m": torch.from_numpy(pose_m.astype(np.float32)),
            "to_camera": torch.from_numpy(rotation.astype(np.float32)),
        }

    def _image(
        self, index: int, box: np.ndarray, linear: np.ndarray, centre: np.ndarray
    ) -> np.ndarray:
        payload = np.fromfile(self.files[index], np.uint8)
        stored = 256
        to_stored = linear * (stored / box[2]) * (2 / self.size_px)
        half = np.sqrt(abs(np.linalg.det(to_stored))) >= 2
        flags = (cv2.IMREAD_REDUCED_GRAYSCALE_2 if half else 0) | cv2.IMREAD_COLOR_RGB
        image = cv2.imdecode(payload, flags)
        assert image is not None
        shrink = 2 if half else 1
        offset = (centre - box[:2]) * (stored / box[2]) - to_stored.sum(axis=1) * self.size_px / 2
        matrix = np.column_stack([to_stored, offset]) / shrink
        matrix[:, 2] += 0.5 * matrix[:, :2].sum(axis=1) - 0.5
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(image, matrix, (self.size_px, self.size_px), flags=flags))

    def _colour(self, rng: np.random.Generator) -> np.ndarray:
        amount = self.change.colour
        saturation, contrast, offset = 1 + rng.uniform(-amount, amount, 3)
        gains = 1 + rng.uniform(-amount / 2, amount / 2, 3)
        mixed = saturation * np.eye(3) + (1 - saturation) * LUMA
        shift = gains * 127.5 * (1 - contrast) + 127.5 * (offset - 1)
        return np.column_stack([gains[:, None] * contrast * mixed, shift])

    def _patches(self, image: np.ndarray, rng: np.random.Generator) -> None:
        for _ in range(rng.integers(1, self.change.occlusion_patches + 1)):
            half = rng.uniform(*self.change.occlusion_size, 2) * self.size_px / 2
            middle = rng.uniform(0, self.size_px, 2)
            left, top = np.maximum(middle - half, 0).astype(int)
            right, bottom = (middle + half).astype(int)
            image[top:bottom, left:right] = rng.integers(0, 256, 3)

    def _surroundings(
        self, image: np.ndarray, keypoints: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        mask = np.zeros((32, 32), np.float32)
        points = ((keypoints + 1) * 16).round().astype(int)
        width = max(1, round(0.25 * float(np.ptp(keypoints, axis=0).max()) * 16))
        for child, parent in JOINTS.bones:
            cv2.line(mask, points[child].tolist(), points[parent].tolist(), 1.0, width)
        size = (self.size_px, self.size_px)
        fine = cv2.resize(cv2.blur(mask, (3, 3)), size)[..., None]
        noise = np.zeros((*size, 3), np.float32)
        for cells, weight in ((2, 0.5), (4, 0.25), (16, 0.25)):
            coarse = rng.random((cells, cells, 3), dtype=np.float32)
            noise += cv2.resize(coarse, size) * (255 * weight)
        return np.asarray(image * fine + noise * (1 - fine)).astype(np.uint8)

    def _pose(
        self, index: int, centre: np.ndarray, angle: float, mirrored: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        x, y = (centre - self.labels.centre) / self.labels.focal
        yaw, pitch = np.arctan2(x, 1.0), -np.arctan2(y, np.hypot(x, 1.0))
        cos_y, sin_y, cos_p, sin_p = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
        about_y = np.array([[cos_y, 0, sin_y], [0, 1, 0], [-sin_y, 0, cos_y]])
        about_x = np.array([[1, 0, 0], [0, cos_p, -sin_p], [0, sin_p, cos_p]])
        roll = np.eye(3)
        roll[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        rotation, pose_m = about_y @ about_x @ roll, self.labels.pose_m[index]
        if mirrored:
            flip = np.diag([-1.0, 1.0, 1.0])
            rotation, pose_m = flip @ rotation @ flip, pose_m @ flip
        return pose_m @ rotation, rotation
