"""A clothed body around 17 joints: shapes that pass through the joints, frame by frame.

Only joint positions go in, so any h36m17 motion can be clothed, recorded ones too. What joints do
not tell is filled in: the head looks where nose, neck and shoulders point; hands go on from the
forearm with the thumb ahead; feet follow the shank and turn to lie flat where the ground is near.
Sizes are shares of stature, after the breadths of Drillis and Contini (in Winter, Biomechanics
and Motor Control of Human Movement, fig. 4.1).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from monopose.data.studio.images.head_shape import add_head
from monopose.data.studio.images.outfit import LEGWEAR, SHIRT, SHOE, SKIN, SOCK, Outfit
from monopose.data.studio.images.shape_rows import Points, Rows, ShapeRows, across, unit
from monopose.skeleton import joint_set

JOINTS = joint_set("h36m17").joints
_SIDES = (("left", 1.0), ("right", -1.0))


@dataclass(frozen=True)
class BodyFrames:
    """Joints by name and the directions that they imply, all T x 3."""

    at: Mapping[str, Points]
    hips_left: Points
    chest_left: Points
    trunk_up: Points
    chest_up: Points
    stature_m: float

    @property
    def chest_ahead(self) -> Points:
        """Where the chest faces."""
        return unit(np.cross(self.chest_left, self.chest_up))

    @property
    def hips_ahead(self) -> Points:
        """Where the hips face."""
        return unit(np.cross(self.hips_left, self.trunk_up))


def body_frames(pose_world_m: Float[np.ndarray, "T 17 3"], stature_m: float) -> BodyFrames:
    """The directions of trunk and chest of a motion, joints in h36m17 order."""
    at = {name: pose_world_m[:, i].astype(float) for i, name in enumerate(JOINTS)}
    up = unit(at["spine"] - at["pelvis"])
    chest_up = unit(at["thorax"] - at["spine"])
    hips = across(up, at["left_hip"] - at["right_hip"])
    chest = across(chest_up, at["left_shoulder"] - at["right_shoulder"])
    return BodyFrames(at, hips, chest, up, chest_up, stature_m)


def clothed_body(
    pose_world_m: Float[np.ndarray, "T 17 3"], stature_m: float, outfit: Outfit
) -> Rows:
    """The shapes of a person in every frame; materials are rows 0-7 of the outfit's."""
    frames = body_frames(pose_world_m, stature_m)
    rows = ShapeRows(len(pose_world_m))
    _add_trunk(rows, frames, outfit)
    add_head(
        rows, frames.at, frames.chest_left, frames.chest_ahead, frames.chest_up, stature_m, outfit
    )
    for side, outward in _SIDES:
        _add_arm(rows, frames, outfit, side)
        _add_leg(rows, frames, outfit, side, outward)
    if outfit.skirt:
        _add_skirt(rows, frames, outfit)
    return rows.rows()


def _add_trunk(rows: ShapeRows, f: BodyFrames, outfit: Outfit) -> None:
    s, at, slack = f.stature_m, f.at, outfit.loose_m
    belly = 0.052 * s * outfit.belly + slack
    chest = 0.056 * s * outfit.chest + slack
    below, waist = at["pelvis"] + 0.012 * s * f.trunk_up, at["spine"]
    under_neck = at["thorax"] - 0.066 * s * f.chest_up
    rib = np.linalg.norm(at["spine"] - at["pelvis"], axis=-1).mean()
    rows.cone(below, waist, (belly * 1.03, belly), f.hips_left, material=SHIRT, part="torso",
              widen=(1.42, 1.0))  # fmt: skip
    rows.cone(waist, under_neck, (belly, chest), f.chest_left, material=SHIRT, part="torso",
              widen=(1.48, 1.0), offset_m=rib, print_m=outfit.print_m)  # fmt: skip
    ahead = outfit.belly - 1.0
    if ahead > 0.05:
        axes = np.stack([f.hips_left, -f.hips_ahead, f.trunk_up], axis=1)
        middle = 0.5 * (below + waist) + (0.05 * s * ahead + 0.01) * f.hips_ahead
        rows.ellipsoid(middle, axes, (1.3 * belly, 1.05 * belly, 0.075 * s), material=SHIRT,
                       part="torso")  # fmt: skip
    _add_hips(rows, f, outfit)
    for side, outward in _SIDES:
        _add_shoulder(rows, f, outfit, side, outward)
        if outfit.bust > 0:
            axes = np.stack([f.chest_left, -f.chest_ahead, f.chest_up], axis=1)
            breast = under_neck - 0.035 * s * f.chest_up + outward * 0.042 * s * f.chest_left
            r = 0.036 * s * outfit.bust
            rows.ellipsoid(breast + (chest - 0.3 * r) * f.chest_ahead, axes, (r, r, r),
                           material=SHIRT, part="torso")  # fmt: skip


def _add_hips(rows: ShapeRows, f: BodyFrames, outfit: Outfit) -> None:
    s, at = f.stature_m, f.at
    hips, round_ = 0.056 * s * outfit.hips + outfit.loose_m, 0.050 * s * outfit.hips
    inward, dip = 0.020 * s * f.hips_left, 0.004 * s * f.trunk_up
    rows.cone(at["right_hip"] + inward - dip, at["left_hip"] - inward - dip, (hips, hips),
              f.trunk_up, material=LEGWEAR, part="torso", widen=(1.1, 1.0))  # fmt: skip
    axes = np.stack([f.hips_left, f.hips_ahead, f.trunk_up], axis=1)
    for side, outward in _SIDES:
        seat = at[f"{side}_hip"] - 0.030 * s * f.hips_ahead - 0.012 * s * f.trunk_up
        seat = seat - outward * 0.008 * s * f.hips_left
        rows.ellipsoid(seat, axes, (round_, round_ * 0.95, round_ * 1.1), material=LEGWEAR,
                       part="torso")  # fmt: skip


def _add_shoulder(
    rows: ShapeRows, f: BodyFrames, outfit: Outfit, side: str, outward: float
) -> None:
    s, thorax = f.stature_m, f.at["thorax"]
    girdle = thorax - 0.018 * s * f.chest_up + outward * 0.02 * s * f.chest_left
    tip = f.at[f"{side}_shoulder"] - 0.004 * s * f.chest_up
    thick = 0.033 * s * outfit.girth + 0.5 * outfit.loose_m
    rows.cone(girdle, tip, (thick * 1.05, thick), f.chest_ahead, material=SHIRT, part="torso",
              widen=(1.15, 1.0))  # fmt: skip
    slope = thorax + 0.030 * s * f.chest_up + outward * 0.012 * s * f.chest_left
    rows.cone(slope, tip, (0.024 * s, 0.020 * s + outfit.loose_m), f.chest_ahead, material=SHIRT,
              part="torso")  # fmt: skip


def _add_arm(rows: ShapeRows, f: BodyFrames, outfit: Outfit, side: str) -> None:
    s, g = f.stature_m, f.stature_m * outfit.girth
    shoulder, elbow, wrist = (f.at[f"{side}_{j}"] for j in ("shoulder", "elbow", "wrist"))
    upper, fore = unit(elbow - shoulder), unit(wrist - elbow)
    # Elbows bend one way, so the bend tells which way the arm is turned; a straight arm is
    # turned as the chest is.
    hinge = unit(-np.cross(upper, fore) + 0.2 * across(upper, f.chest_left))
    thumb = unit(np.cross(hinge, -fore))
    arm = f"{side}_upper_arm"
    rows.cone(shoulder, elbow, (0.0285 * g, 0.0225 * g), hinge, material=SKIN, part=arm)
    bulge = shoulder + 0.45 * (elbow - shoulder)
    rows.cone(shoulder + 0.2 * (elbow - shoulder), bulge, (0.029 * g, 0.0275 * g), hinge,
              material=SKIN, part=arm)  # fmt: skip
    fore_part, skin = f"{side}_forearm", SHIRT if outfit.sleeve >= 1 else SKIN
    slack = outfit.loose_m if outfit.sleeve >= 1 else 0.0
    belly = elbow + 0.28 * (wrist - elbow)
    rows.cone(elbow, belly, (0.0215 * g + slack, 0.0245 * g + slack), hinge, material=skin,
              part=fore_part)  # fmt: skip
    rows.cone(belly, wrist - 0.02 * s * fore * (slack > 0),
              (0.0245 * g + slack, 0.0155 * g + 0.7 * slack), thumb, material=skin,
              part=fore_part)  # fmt: skip
    if slack > 0:
        rows.cone(wrist - 0.03 * s * fore, wrist, (0.0155 * g, 0.0155 * g), thumb, material=SKIN,
                  part=fore_part)  # fmt: skip
    if outfit.sleeve > 0:
        share = min(1.0, outfit.sleeve / 0.6)
        end = shoulder + share * (elbow - shoulder)
        away = outfit.loose_m + 0.004
        rows.cone(shoulder, end, (0.0300 * g + away, (0.0300 - 0.006 * share) * g + 1.3 * away),
                  hinge, material=SHIRT, part=arm)  # fmt: skip
    _add_hand(rows, s, wrist, fore, thumb, hinge, f"{side}_hand")


def _add_hand(
    rows: ShapeRows, s: float, wrist: Points, fore: Points, thumb: Points, hinge: Points, part: str
) -> None:
    """Palm, half-closed fingers and thumb; the hinge is across the palm, towards its back."""
    knuckles = wrist + 0.050 * s * fore
    rows.cone(wrist, knuckles, (0.0105 * s, 0.0105 * s), thumb, material=SKIN, part=part,
              widen=(1.9, 1.0))  # fmt: skip
    tips = knuckles + 0.038 * s * unit(fore + 0.35 * thumb)
    rows.cone(knuckles, tips, (0.0100 * s, 0.0070 * s), thumb, material=SKIN, part=part,
              widen=(2.0, 1.0))  # fmt: skip
    root = wrist + 0.016 * s * fore + 0.014 * s * thumb
    tip = root + 0.036 * s * unit(fore + 0.6 * thumb)
    rows.cone(root, tip, (0.0085 * s, 0.0060 * s), hinge, material=SKIN, part=part)


def _add_leg(rows: ShapeRows, f: BodyFrames, outfit: Outfit, side: str, outward: float) -> None:
    s, g = f.stature_m, f.stature_m * outfit.girth
    hip, knee, ankle = (f.at[f"{side}_{j}"] for j in ("hip", "knee", "ankle"))
    thigh, shank = unit(knee - hip), unit(ankle - knee)
    hinge = unit(np.cross(thigh, shank) + 0.2 * across(thigh, f.hips_left))
    ahead = unit(np.cross(hinge, -shank))
    covered = 0.0 if outfit.skirt else outfit.leg
    part, long_ = f"{side}_thigh", covered >= 1
    wear, slack = (LEGWEAR, outfit.loose_m) if long_ else (SKIN, 0.0)
    top = hip - outward * 0.006 * s * f.hips_left
    rows.cone(top, knee, (0.0495 * g * outfit.hips**0.5 + slack, 0.0315 * g + slack), hinge,
              material=wear, part=part)  # fmt: skip
    calf = knee + 0.27 * (ankle - knee) - 0.006 * s * ahead
    part = f"{side}_shank"
    rows.cone(knee, calf, (0.0305 * g + slack, 0.0325 * g + slack), hinge, material=wear,
              part=part)  # fmt: skip
    # Trousers hang from the calf; skin narrows down to the ankle.
    hem = 0.020 * g + 2.2 * slack
    rows.cone(calf, ankle, (0.0325 * g + slack, hem), hinge, material=wear, part=part)
    if 0 < covered < 1:
        share = min(1.0, covered / 0.5)
        away = outfit.loose_m + 0.008
        rows.cone(top, hip + share * (knee - hip),
                  (0.0500 * g + away, (0.0500 - 0.016 * share) * g + 1.5 * away), hinge,
                  material=LEGWEAR, part=f"{side}_thigh")  # fmt: skip
    _add_foot(rows, s, ankle, shank, hinge, long_, f"{side}_foot")


def _add_foot(
    rows: ShapeRows,
    s: float,
    ankle: Points,
    shank: Points,
    hinge: Points,
    covered: bool,
    part: str,
) -> None:
    ahead = foot_direction(ankle, shank, hinge, s)
    down = unit(np.cross(hinge, ahead))
    heel = ankle - 0.022 * s * ahead + 0.016 * s * down
    ball = ankle + 0.066 * s * ahead + 0.0235 * s * down
    toe = ankle + 0.098 * s * ahead + 0.026 * s * down
    rows.cone(heel, ball, (0.0215 * s, 0.0165 * s), hinge, material=SHOE, part=part,
              widen=(1.1, 1.0))  # fmt: skip
    rows.cone(ball, toe, (0.0165 * s, 0.0130 * s), hinge, material=SHOE, part=part,
              widen=(1.55, 1.0))  # fmt: skip
    instep = ankle + 0.045 * s * ahead + 0.014 * s * down
    rows.cone(ankle + 0.006 * s * down, instep, (0.0215 * s, 0.0165 * s), hinge, material=SHOE,
              part=part)  # fmt: skip
    if not covered:
        rows.cone(ankle - 0.035 * s * down, ankle - 0.006 * s * down, (0.0210 * s, 0.0215 * s),
                  hinge, material=SOCK, part=part)  # fmt: skip


def foot_direction(ankle: Points, shank: Points, hinge: Points, stature_m: float) -> Points:
    """Unit vector from heel to toe, T x 3.

    At right angles to the hinge; between 25 degrees up and 50 degrees down from where it is square
    to the shank. Near the ground the toes are put on it, in the air they hang a little.
    """
    square = unit(np.cross(hinge, -shank))
    pitch = np.radians(np.arange(-25.0, 50.5, 1.0))[None]
    height = np.cos(pitch) * square[:, 2:] + np.sin(pitch) * shank[:, 2:]
    above_m = ankle[:, 2] - 0.039 * stature_m
    wanted = np.clip(-above_m / (0.09 * stature_m), -0.9, 0.9)[:, None]
    on_ground = np.clip(1.5 - above_m / (0.08 * stature_m), 0.0, 1.0)[:, None]
    cost = on_ground * (height - wanted) ** 2 + 0.03 * (pitch - np.radians(12)) ** 2
    best = pitch[0, cost.argmin(axis=1)][:, None]
    return np.cos(best) * square + np.sin(best) * shank


def _add_skirt(rows: ShapeRows, f: BodyFrames, outfit: Outfit) -> None:
    s = f.stature_m
    hem = f.at["pelvis"] + (0.9 if outfit.leg < 1 else 1.25) * (
        0.5 * (f.at["left_knee"] + f.at["right_knee"]) - f.at["pelvis"]
    )
    waist = f.at["pelvis"] + 0.02 * s * f.trunk_up
    apart = np.linalg.norm(f.at["left_knee"] - f.at["right_knee"], axis=-1).mean()
    wide = 0.05 * s + min(0.22 * float(apart), 0.05 * s)
    rows.cone(waist, hem, (0.055 * s * outfit.hips, wide), f.hips_left, material=LEGWEAR,
              part="torso", widen=(1.35, 1.15))  # fmt: skip
