"""Real OpenPose detections of a real video: imported as they lie there, followed, and lifted.

What they are compared with was triangulated from these very detections of four cameras; it is no
ground truth (its reprojection error is 8 to 20 px), so the bounds here are wide.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import Float
from tests.present import present

from monopose.data.batches import clip_tensors
from monopose.data.clip import Clip, validate
from monopose.data.importers.catalog import plan_import
from monopose.data.importers.source import ImportOptions
from monopose.data.importers.videopose3d import videopose3d_clips
from monopose.evaluation.metrics import pa_mpjpe_mm
from monopose.geometry.camera import project, world_to_camera
from monopose.inference.predictor import Keypoints2d, Predictor
from monopose.recipes.recipe import with_values
from monopose.recipes.videopose3d import videopose3d
from monopose.skeleton import joint_set
from monopose.training.loop import fit, start
from monopose.training.run import cached

DATA = Path(__file__).parents[3] / "../shared/data"
WALK, CMU17 = DATA / "openpose_walk", DATA / "cmu17"
CALIBRATION = WALK / "Calib_qualisys.toml"
TRIANGULATED = WALK / "S00_P00_T01_BalancingTrial_0-100.trc"
VIEWS = ("cam01_json", "cam02_json", "cam03_json", "cam04_json")
H36M = joint_set("h36m17")
# The joints that both have: our name -> the marker's.
MARKERS = {
    f"{side}_{joint}": f"{side[0].upper()}{joint.capitalize()}"
    for side in ("left", "right")
    for joint in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
}
COMMON = [H36M.index(joint) for joint in MARKERS]

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not WALK.is_dir(), reason="the shared real detections are not here"),
    pytest.mark.skipif(not CMU17.is_dir(), reason="the shared real motion is not here"),
]


def triangulated_world_m() -> Float[np.ndarray, "T 12 3"]:
    """The file's markers; its axes (Z, X, Y) are the calibration's world."""
    rows = [line.split("\t") for line in TRIANGULATED.read_text().splitlines()]
    names = [name.strip() for name in rows[3][2:] if name.strip()]
    frames = [row[2 : 2 + 3 * len(names)] for row in rows[5:] if len(row) > 3 * len(names)]
    markers_m = np.array(frames, np.float64).reshape(-1, len(names), 3)[..., [2, 0, 1]]
    return markers_m[:, [names.index(marker) for marker in MARKERS.values()]]


@pytest.fixture(scope="module")
def views() -> Clip:
    options = ImportOptions(fps=60.0, cameras=CALIBRATION)
    (clip,) = plan_import("openpose", [WALK / "keypoints_person"], options).clips()
    return validate(clip)


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    """Half a minute of training on real motion."""
    recipe = with_values(videopose3d("smoke"), {"budget.epochs": 4, "budget.evaluate_every": 4})
    clips = [c for c in videopose3d_clips([CMU17], detections="det") if c.split == "train"]
    training = start(recipe, torch.device("cpu"))
    fit(training, cached(recipe, clip_tensors(clips, "h36m17")), None)
    return Predictor(training.evaluated, recipe, "smoke")


@pytest.mark.parametrize("view", VIEWS)
def test_the_participant_is_followed_among_others(view: str) -> None:
    """As sorted by whoever published the data, by triangulation: the same body in every frame."""
    options = ImportOptions(fps=60.0, image_size=(1088, 1920))
    found = list(plan_import("openpose", [WALK / "keypoints_all" / view], options).clips())
    (participant,) = plan_import("openpose", [WALK / "keypoints_person" / view], options).clips()
    assert len(found) == (2 if view in VIEWS[:2] else 1)
    assert {validate(clip).joint_set for clip in found} == {"body25b"}
    there = present(participant.keypoint_score)[0].max(axis=1) > 0
    assert there.sum() == (99 if view == "cam03_json" else 100)
    np.testing.assert_array_equal(
        present(found[0].keypoints_px)[0, there], present(participant.keypoints_px)[0, there]
    )


def test_the_calibration_projects_the_triangulated_points_onto_the_detections(views: Clip) -> None:
    """Within the error that comes with the data: medians of 12, 7, 20 and 8 px."""
    source = joint_set("body25b")
    order = [source.index(joint) for joint in MARKERS]
    medians_px = []
    for view, camera in enumerate(views.cameras):
        projected = project(world_to_camera(triangulated_world_m(), camera), camera)
        seen = present(views.keypoint_score)[view][:, order] > 0
        error_px = np.linalg.norm(projected - present(views.keypoints_px)[view][:, order], axis=-1)
        medians_px.append(np.median(error_px[seen]))
    np.testing.assert_allclose(medians_px, [12, 7, 20, 8], rtol=0.2)


def test_the_walk_is_lifted_upright_with_its_own_sides(views: Clip, predictor: Predictor) -> None:
    """Closer to the triangulated pose than the same pose with its sides swapped by a wide margin.

    For scale: poses of the training set, held still, are 186 mm away on average and the best of 27
    of them 145 mm.
    """
    mirrored = [H36M.mirror[joint] for joint in COMMON]
    for view, camera in enumerate(views.cameras):
        keypoints = Keypoints2d(
            present(views.keypoints_px)[view],
            present(views.keypoint_score)[view],
            views.joint_set,
            camera,
        )
        (pose_m,) = predictor.lift([keypoints])
        target_m = world_to_camera(triangulated_world_m(), camera)
        error_mm = pa_mpjpe_mm(pose_m[:, COMMON].astype(np.float64), target_m)
        swapped_mm = pa_mpjpe_mm(pose_m[:, mirrored].astype(np.float64), target_m)
        assert error_mm.mean() < 170
        assert error_mm.mean() < swapped_mm.mean() - 30
        height_m = (pose_m @ present(camera.rotation))[..., 2]
        head, thorax, pelvis = (H36M.index(n) for n in ("head_top", "thorax", "pelvis"))
        ankles = [H36M.index("left_ankle"), H36M.index("right_ankle")]
        upright = (height_m[:, head] > height_m[:, thorax]) & (
            height_m[:, thorax] > height_m[:, pelvis]
        )
        assert upright.mean() > 0.95
        assert (height_m[:, pelvis] > height_m[:, ankles].max(axis=1)).mean() > 0.95
