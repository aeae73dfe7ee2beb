"""Evaluating a stored model on a stored data set: every number with where it comes from."""

import datetime
from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float32

import monopose
from monopose import skeleton, storage
from monopose.data.clip import Clip
from monopose.data.maps import ViewMaps, view_maps
from monopose.data.shards import read_clips, read_manifest
from monopose.errors import InputError
from monopose.evaluation.evaluate import Evaluation, Lift, Provenance, evaluate
from monopose.geometry.camera import Camera
from monopose.inference.predictor import Keypoints2d, Predictor

MASK_SHARES = (0.0, 0.1, 0.3, 0.5)


def assess(
    predictor: Predictor,
    data: str,
    split: str,
    mask_shares: Sequence[float] = MASK_SHARES,
    seed: int = 0,
) -> tuple[Evaluation, ...]:
    """One Evaluation for each share of masked keypoints, on one split of a data set.

    Raises InputError for an unknown split or one without labels, IntegrityError, StorageError.
    """
    data_uri = storage.resolve(data, "data")
    manifest, maps = read_manifest(data_uri), predictor.recipe.stored_maps_px is not None
    provenance = Provenance(
        dataset=manifest.dataset,
        dataset_digest=manifest.digest,
        synthetic=manifest.synthetic,
        split=split,
        recipe_name=predictor.recipe.name,
        recipe_digest=predictor.recipe.digest(),
        code_version=monopose.__version__,
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )
    return evaluate(
        lift_of(predictor),
        read_clips(data_uri, split, images=False, heatmaps=maps),
        joint_set=predictor.joints.name,
        mask_shares=mask_shares,
        seed=seed,
        provenance=provenance,
    )


def lift_of(predictor: Predictor) -> Lift:
    """The predictor as a function of one sequence, without its frame rate.

    Nothing is resampled: protocols measure the frames that are there, and a clip played faster or
    slower (evaluation/conditions.py) keeps its rate.
    """

    def lift(
        keypoints_px: Float32[np.ndarray, "T J 2"],
        score: Float32[np.ndarray, "T J"],
        camera: Camera,
        maps: ViewMaps | None,
    ) -> Float32[np.ndarray, "T J 3"]:
        sequence = Keypoints2d(keypoints_px, score, predictor.joints.name, camera, maps=maps)
        return predictor.lift([sequence])[0]

    return lift


def lifted_view(
    predictor: Predictor, clips: Iterable[Clip], clip_id: str, camera_id: str
) -> tuple[Clip, Float32[np.ndarray, "T J 3"], Float32[np.ndarray, "T J 3"]]:
    """One view of one clip, its lifted and its true root-relative pose, metres, camera frame.

    Raises InputError when there is no such view with labels.
    """
    for clip in clips:
        poses_m = clip.camera_poses_m()
        views = [i for i, camera in enumerate(clip.cameras) if camera.camera_id == camera_id]
        if clip.clip_id == clip_id and views and poses_m is not None:
            lifted_m = _lift_view(predictor, clip, views[0])
            true_m = skeleton.conversion(clip.joint_set, predictor.joints.name).apply(
                poses_m[views[0]]
            )
            root = predictor.joints.root
            return clip, lifted_m, true_m - true_m[:, root : root + 1]
    raise InputError(f"there is no labelled view {camera_id!r}", where=f"clip {clip_id!r}")


def _lift_view(predictor: Predictor, clip: Clip, view: int) -> Float32[np.ndarray, "T J 3"]:
    if clip.keypoints_px is None:
        raise InputError("clip has no 2D keypoints", where=f"clip {clip.clip_id!r}")
    keypoints_px = clip.keypoints_px[view]
    score = np.ones(keypoints_px.shape[:2], np.float32)
    if clip.keypoint_score is not None:
        score = clip.keypoint_score[view]
    maps = view_maps(clip, view)
    sequence = Keypoints2d(keypoints_px, score, clip.joint_set, clip.cameras[view], maps=maps)
    return predictor.lift([sequence])[0]
