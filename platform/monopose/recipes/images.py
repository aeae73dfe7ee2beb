"""The part of a recipe that says what an image encoder is fed."""

from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from monopose.recipes.parts import Part, Share

Amount = Annotated[float, Field(ge=0.0)]


class ImageAugmentation(Part):
    """Random changes of crops in training. What moves pixels moves keypoints and poses with them.

    Every draw is uniform; those of a sample of several frames hold for all of them.
    """

    shift: Amount = 0.06
    """the crop's centre moves by up to this share of its side, on each axis"""
    scale: tuple[PositiveFloat, PositiveFloat] = (0.85, 1.15)
    """the crop's side is multiplied by a factor between these"""
    rotation_deg: Annotated[float, Field(ge=0.0, le=180.0)] = 30.0
    """the crop is turned by up to this angle, either way"""
    rotation_share: Share = 0.6
    """share of the samples that are turned; 0 for targets that must keep the camera upright"""
    flip: bool = True
    """mirror half of the samples"""
    colour: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.2
    """brightness, contrast, saturation and each channel change by up to this share"""
    background_share: Share = 0.2
    """share of the samples whose surroundings become noise, as far as keypoints tell them"""
    occlusion_share: Share = 0.3
    """share of the samples on which patches are laid"""
    occlusion_patches: PositiveInt = 2
    occlusion_size: tuple[PositiveFloat, PositiveFloat] = (0.1, 0.35)
    """sides of a patch as shares of the crop's"""
    occluded_score: Share = 1.0
    """what the score of a keypoint below a patch is multiplied by"""


class ImageInputs(Part):
    """Crops of one or several frames, and the maps that are drawn of their keypoints."""

    size_px: PositiveInt = 256
    frames: PositiveInt = 1
    frame_step: PositiveInt = 1
    """frames of the clip from one frame of a sample to the next"""
    heatmap_px: PositiveInt | None = 64
    """side of the heatmaps; None for none"""
    sigma_px: PositiveFloat = 2.0
    """of the heatmaps' Gaussians, in their own pixels"""
    augmentation: ImageAugmentation | None = ImageAugmentation()
