"""Heatmap encoders: what maps of joints tell of a frame, embedded whole or reduced to their peaks.

After Cheng et al. 2020 ("3D human pose estimation using spatio-temporal networks with explicit
occlusion training"), whose network embeds a detector's maps instead of reading their peaks. Here
the maps are a detector's own, or Gaussians drawn of keypoints on the device. Drawn maps hold no
more than the peaks and their scores, so on them the two encoders differ in form and not in what
they know; a detector's may hold more.

Maps cover the square that the detector saw, or one around the frame's visible keypoints. Where
that square is and how large it is goes beside what the maps say (ours): of drawn maps, a joint that
is missing may move it.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from monopose.data.images.boxes import MARGIN
from monopose.data.maps import Maps
from monopose.errors import InputError
from monopose.geometry.heatmaps import render, soft_peaks
from monopose.recipes.parts import HeatmapEncoder, HeatmapPeakEncoder

# Half the side of the smallest square, in halves of the image's width.
_SMALLEST = 0.02
_BOX_FEATURES = 3
# Spread of the peaks in their square is about a third, of scores about one.
_PEAK_SCALE = 2.0


@dataclass(frozen=True)
class PersonBox:
    """A square for each frame, in screen-normalised units; zero where no keypoint is visible."""

    centre: Float[Tensor, "B T 2"]
    half_side: Float[Tensor, "B T 1"]

    @property
    def features(self) -> Float[Tensor, "B T 3"]:
        """What is fed of it."""
        return torch.cat([self.centre, self.half_side], dim=-1)

    def place(self, keypoints: Float[Tensor, "B T J 2"]) -> Float[Tensor, "B T J 2"]:
        """Screen-normalised keypoints in the square, which spans -1..1."""
        half_side = self.half_side.clamp(min=_SMALLEST)
        return (keypoints - self.centre.unsqueeze(2)) / half_side.unsqueeze(2)


def person_box(keypoints: Float[Tensor, "B T J 2"], score: Float[Tensor, "B T J"]) -> PersonBox:
    """The squares around the visible keypoints with the field's usual margin."""
    seen = (score > 0).unsqueeze(-1)
    low = torch.where(seen, keypoints, torch.inf).amin(dim=2)
    high = torch.where(seen, keypoints, -torch.inf).amax(dim=2)
    known = seen.any(dim=2)
    low, high = torch.where(known, low, 0.0), torch.where(known, high, 0.0)
    side = (high - low).amax(dim=-1, keepdim=True) * MARGIN
    half_side = torch.where(known, (side / 2).clamp(min=_SMALLEST), 0.0)
    return PersonBox(centre=(low + high) / 2, half_side=half_side)


def frame_maps(
    config: HeatmapEncoder | HeatmapPeakEncoder,
    keypoints: Float[Tensor, "B T J 2"],
    score: Float[Tensor, "B T J"],
    maps: Maps | None,
) -> tuple[Float[Tensor, "B T J h h"], PersonBox]:
    """Maps of each frame and the squares that they cover; empty for a joint without a score.

    Drawn ones have the scores as amplitudes. Raises InputError when stored ones are not given.
    """
    if config.maps == "drawn":
        box = person_box(keypoints, score)
        return render(box.place(keypoints), score, config.size_px, config.sigma_px), box
    if maps is None:
        raise InputError(
            "the model reads a detector's own maps, and was given keypoints alone",
            fix="use a model of another encoder, or a data set of `monopose data detect`",
        )
    return maps.seen(score), PersonBox(maps.box[..., :2], maps.box[..., 2:])


class HeatmapEmbedding(nn.Module):
    """Maps of all joints -> strided convolutions -> one linear layer; the same for every frame.

    Known from the paper: a latent vector of the maps that keeps more than their peaks. Its layers
    are ours: each convolution is 3 x 3, halves the maps, and has batch norm and a rectifier.
    """

    def __init__(self, config: HeatmapEncoder, num_joints: int) -> None:
        super().__init__()
        self.config = config
        self.num_features = config.width + _BOX_FEATURES
        inputs = (num_joints, *config.channels)
        self.layers = nn.Sequential(
            *(_halving(ins, outs) for ins, outs in zip(inputs, config.channels, strict=False))
        )
        left_px = -(-config.size_px // 2 ** len(config.channels))
        self.embedding = nn.Linear(config.channels[-1] * left_px**2, config.width)

    def forward(
        self,
        keypoints: Float[Tensor, "B T J 2"],
        score: Float[Tensor, "B T J"],
        maps: Maps | None = None,
    ) -> Float[Tensor, "B T F"]:
        """Features of each frame from the given maps, or from those drawn of its keypoints."""
        return self.embed(*frame_maps(self.config, keypoints, score, maps))

    def embed(self, heatmaps: Float[Tensor, "B T J h h"], box: PersonBox) -> Float[Tensor, "B T F"]:
        """Features of each frame from given maps of `size_px`, which cover the box."""
        hidden = self.layers(heatmaps.flatten(0, 1)).flatten(1)
        embedded = self.embedding(hidden).unflatten(0, heatmaps.shape[:2])
        return torch.cat([embedded, box.features.to(embedded.dtype)], dim=-1)


class HeatmapPeaks(nn.Module):
    """The control: of each map its soft-argmax and the value there, and no more."""

    def __init__(self, config: HeatmapPeakEncoder, num_joints: int) -> None:
        super().__init__()
        self.config = config
        self.num_features = 3 * num_joints + _BOX_FEATURES

    def forward(
        self,
        keypoints: Float[Tensor, "B T J 2"],
        score: Float[Tensor, "B T J"],
        maps: Maps | None = None,
    ) -> Float[Tensor, "B T F"]:
        """Features of each frame from the given maps, or from those drawn of its keypoints."""
        return self.read(*frame_maps(self.config, keypoints, score, maps))

    def read(self, heatmaps: Float[Tensor, "B T J h h"], box: PersonBox) -> Float[Tensor, "B T F"]:
        """Features of each frame from given maps of `size_px`, which cover the box."""
        # In bfloat16 the sums would be a fortieth of a pixel off, which the other encoder is not.
        with torch.autocast(heatmaps.device.type, enabled=False):
            place, value = soft_peaks(heatmaps.float(), 3 * self.config.sigma_px)
        return torch.cat([(place * _PEAK_SCALE).flatten(2), value, box.features], dim=-1)


def _halving(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )
