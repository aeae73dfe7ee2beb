"""The parts that recipes are made of: one small frozen model each, by family.

What a family may be is a discriminated union in recipe.py; a parameter exists only where it means
something.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

Size = Literal["smoke", "small", "paper"]
"""of a preset: seconds on one core, minutes on two, a GPU"""
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Part(BaseModel):
    """Base of every part of a recipe: frozen, and unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class VirtualCameras(Part):
    """Random views of labelled clips, projected on the fly: 3D is known, so every view is free."""

    share: Share = 0.5
    """share of the labelled chunks seen from a random camera instead of their own"""
    distance_m: tuple[PositiveFloat, PositiveFloat] = (3.0, 8.0)
    elevation_deg: tuple[float, float] = (-10.0, 35.0)
    focal_to_width: tuple[PositiveFloat, PositiveFloat] = (0.9, 1.6)
    roll_deg: Annotated[float, Field(ge=0.0)] = 4.0
    noise: Annotated[float, Field(ge=0.0)] = 1.0
    """detector noise relative to the level measured on the data set's own detections"""


OcclusionPattern = Literal["point", "joint_track", "frame", "area", "moving_area", "limb"]


class Occlusion(Part):
    """Keypoints hidden in training (Cheng et al. 2020; patterns and numbers are ours)."""

    share: Share = 0.7
    """of the chunks that get a pattern"""
    patterns: Annotated[tuple[OcclusionPattern, ...], Field(min_length=1)] = (
        "point",
        "joint_track",
        "frame",
        "area",
        "moving_area",
        "limb",
    )
    """one of them is drawn for a chunk; a name given twice is drawn twice as often"""
    combined: Share = 0.3
    """of the chunks with a pattern that get a second one on top"""
    point_share: tuple[Share, Share] = (0.1, 0.6)
    """chance of each keypoint to be dropped, drawn for a chunk"""
    track_share: tuple[Share, Share] = (0.1, 0.5)
    """chance of each joint to be gone for a run of frames, drawn for a chunk"""
    run_frames: PositiveInt = 16
    """longest run of frames that a joint or a whole frame is gone for"""
    area_size: tuple[Share, Share] = (0.1, 0.5)
    """sides of the hidden rectangle as shares of the person's box"""
    most: Share = 0.6
    """of a chunk's keypoints that may be hidden"""
    ramp_share: Share = 0.33
    """of the budget over which the hidden share grows from nothing to its full size"""


class DataMix(Part):
    """Which clips make up a batch, and how they are augmented."""

    joint_set: str = "h36m17"
    """clips of other joint sets are converted to this one by name, with a mask"""
    virtual_cameras: VirtualCameras | None = VirtualCameras()
    flip: bool = True
    """mirror half of the chunks in training, and average both ways in evaluation"""
    occlusion: Occlusion | None = None
    label_share: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """of the training frames whose 3D labels may be used; the others count as 2D-only video"""


class Fill(Part):
    """Missing keypoints are taken from other frames before anything else sees them (ours)."""

    frames: Annotated[int, Field(gt=0, le=64)] = 8
    """how many frames away, to each side; a causal estimator looks to the older side only"""


KeypointInputs = Literal["xy", "xy_score", "xy_mask"]
"""what is fed beside coordinates: nothing, the detector's score, or 1 for each keypoint there is"""


class KeypointEncoder(Part):
    """Normalised 2D keypoints, flattened per frame."""

    kind: Literal["keypoints"] = "keypoints"
    inputs: KeypointInputs = "xy"


class MlpEncoder(Part):
    """Residual MLP per frame (Martinez et al. 2017)."""

    kind: Literal["mlp"] = "mlp"
    inputs: KeypointInputs = "xy"
    width: PositiveInt = 256
    blocks: PositiveInt = 2
    dropout: Share = 0.1


MapSource = Literal["drawn", "stored"]
"""Gaussians drawn of the keypoints, or a detector's own maps from the data set"""


class HeatmapEncoder(Part):
    """A convolutional embedding of one heatmap per joint (Cheng et al. 2020; layers are ours).

    Maps drawn of the keypoints hold no more than `heatmap_peak` tells: a comparison of the two on
    drawn maps is nearly void (rule 14 of the papers' common table).
    """

    kind: Literal["heatmaps"] = "heatmaps"
    maps: MapSource = "drawn"
    size_px: PositiveInt = 24
    """side of the maps, which cover the person's box; that of the stored ones, where they are"""
    sigma_px: PositiveFloat = 1.0
    """of the Gaussians, in pixels of the map"""
    channels: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (16, 32, 64)
    """of each convolution; every one halves the map"""
    width: PositiveInt = 128
    """of the embedding"""


class HeatmapPeakEncoder(Part):
    """The control of `heatmaps`: of each map its soft-argmax and the value there."""

    kind: Literal["heatmap_peak"] = "heatmap_peak"
    maps: MapSource = "drawn"
    size_px: PositiveInt = 24
    sigma_px: PositiveFloat = 1.0


class NoTemporal(Part):
    """Each frame on its own."""

    kind: Literal["none"] = "none"


class SingleStrideTcn(Part):
    """Dilated temporal convolutions, one stride (Pavllo et al. 2019)."""

    kind: Literal["tcn_single"] = "tcn_single"
    channels: PositiveInt = 256
    filter_widths: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (3, 3, 3)
    dropout: Share = 0.25
    causal: bool = False
    """output the newest frame that is seen, not the middle one"""


class MultiStrideTcn(Part):
    """Parallel temporal convolutions that skip frames at different strides (Cheng et al. 2020)."""

    kind: Literal["tcn_multi"] = "tcn_multi"
    channels: PositiveInt = 128
    """of each branch, and of their fusion"""
    strides: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (1, 2, 4, 8)
    filter_widths: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (3, 3)
    """the same in every branch: their product is the taps, (taps - 1) * stride + 1 the span"""
    dropout: Share = 0.25
    causal: bool = False
    """output the newest frame that is seen, not the middle one"""


class LinearHead(Part):
    """One linear map to the joints."""

    kind: Literal["linear"] = "linear"


class LossTerm(Part):
    """One term of the objective and its weight."""

    term: Literal[
        "mpjpe",
        "mse",
        "velocity",
        "bone_vector",
        "symmetry",
        "bone_constancy",
        "orthographic",
        "perspective",
        "trajectory",
    ]
    weight: PositiveFloat = 1.0


class Optimiser(Part):
    """How weights follow gradients."""

    kind: Literal["adam", "adamw", "muon"] = "adamw"
    learning_rate: PositiveFloat = 1e-3
    weight_decay: Annotated[float, Field(ge=0.0)] = 0.01
    schedule: Literal["cosine", "exponential", "constant"] = "cosine"
    final_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.01
    """learning rate at the last step relative to the first"""
    warmup_share: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.02
    clip_norm: PositiveFloat | None = None
    ema_decay: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """decay of the averaged weights that are evaluated and saved; 0 turns averaging off"""


class Budget(Part):
    """How long to train and on how much at once; frames count outputs over all workers."""

    epochs: PositiveInt = 20
    chunk_frames: PositiveInt = 32
    """output frames of one chunk, trained densely"""
    batch_chunks: PositiveInt = 32
    """chunks in one step, shared out over the workers"""
    evaluate_every: PositiveInt = 5
    """epochs between evaluations; the last epoch is always evaluated"""


class Runtime(Part):
    """Switches that change speed but not the method."""

    amp: bool = False
    """bfloat16 autocast in training; estimates are always made in full precision"""
    compile: bool = False
    """torch.compile on the estimator"""
    ingest: Literal["cache", "stream"] = "cache"
