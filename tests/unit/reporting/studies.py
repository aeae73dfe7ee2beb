"""Made-up studies for the tests of reports: values are set here, by hand or from a seed."""

from typing import Any

import numpy as np

from monopose.evaluation.leaderboard import CurvePoint, Leaderboard, Scalar, TrialRecord
from monopose.evaluation.records import ClipScore, Evaluation, Score
from monopose.reporting.animation import WorstClip
from monopose.skeleton import joint_set

PROTOCOL = "h36m17/mpjpe/pooled"


def make_trial(
    number: int, val_mpjpe_mm: float | None, state: str = "completed", **changes: Any
) -> TrialRecord:
    errors_mm: tuple[float | None, ...] = ()
    if val_mpjpe_mm is not None:
        errors_mm = (3.0 * val_mpjpe_mm, None, val_mpjpe_mm)
    values: dict[str, Any] = {
        "number": number,
        "trial_id": f"t{number:03d}",
        "parameters": {"optimiser.learning_rate": 1e-3},
        "recipe": {"name": "x", "losses": [{"term": "mpjpe"}]},
        "recipe_digest": f"{number:012x}",
        "state": state,
        "reason": "",
        "epochs": len(errors_mm),
        "seconds": 12.4,
        "num_parameters": 123456,
        "curve": tuple(
            CurvePoint(epoch=epoch, seconds=1.0 + epoch, train_loss=0.1, val_mpjpe_mm=error_mm)
            for epoch, error_mm in enumerate(errors_mm, start=1)
        ),
        "val_mpjpe_mm": val_mpjpe_mm,
    }
    return TrialRecord(**(values | changes))


def make_leaderboard(*trials: TrialRecord, **changes: Any) -> Leaderboard:
    values: dict[str, Any] = {
        "study": "autumn",
        "space": "all_papers",
        "dataset": "studio",
        "dataset_digest": "0a1b2c3d4e5f",
        "synthetic": True,
        "protocol": PROTOCOL,
        "split": "val",
        "seed": 7,
        "code_version": "v0.1-3-gabc",
        "date": "2026-01-01T00:00:00Z",
        "trials": trials,
    }
    return Leaderboard(**(values | changes))


def make_score(value: float, low: float | None, high: float | None, **changes: Any) -> Score:
    values: dict[str, Any] = {
        "protocol": PROTOCOL,
        "joint_set": "h36m17",
        "joints": 17,
        "alignment": "none",
        "aggregation": "pooled",
        "unit": "mm",
        "value": value,
        "low": low,
        "high": high,
        "clips": 40,
        "frames": 9000,
    }
    return Score(**(values | changes))


def make_evaluation(
    mask_share: float = 0.0, score: Score | None = None, **changes: Any
) -> Evaluation:
    joints = joint_set("h36m17").joints
    values: dict[str, Any] = {
        "dataset": "studio",
        "dataset_digest": "0a1b2c3d4e5f",
        "synthetic": True,
        "split": "test",
        "recipe_name": "winner",
        "recipe_digest": "abcdef012345",
        "code_version": "v0.1-3-gabc",
        "date": "2026-01-02T00:00:00Z",
        "joint_set": "h36m17",
        "seed": 8,
        "mask_share": mask_share,
        "scores": (score or make_score(52.31, 50.12, 54.44),),
        "by_joint": {name: 10.0 + 7.3 * index for index, name in enumerate(joints)},
        "by_action": {"walk": 41.5, "lie": 88.25},
        "by_camera": {"cam0": 50.0, "cam1": 54.75},
        "by_subject": {"S1": 51.0},
        "clips": (
            ClipScore(
                clip_id="c0",
                camera_id="cam0",
                subject="S1",
                action="lie",
                frames=100,
                mpjpe_mm=141.5,
            ),
        ),
        "skipped_clips": 0,
    }
    return Evaluation(**(values | changes))


def make_worst(frames: int = 12, **changes: Any) -> WorstClip:
    """A person who stands 4 m before the camera and sways; the prediction is 5 cm to the right."""
    bones = joint_set("h36m17")
    heights_m = [0, 0, 0.45, 0.85, 0, 0.45, 0.85, -0.25, -0.5, -0.6, -0.75]
    heights_m += [-0.45, -0.2, 0.05, -0.45, -0.2, 0.05]
    sides = [("left" in name) - 1.0 * ("right" in name) for name in bones.joints]
    target_m = np.zeros((frames, 17, 3), np.float32)
    target_m[..., 0] = 0.15 * np.array(sides)
    target_m[..., 1] = heights_m
    sway_m = 0.1 * np.sin(np.arange(frames) / 8)
    target_m[..., 2] = 4.0 + sway_m[:, None] * np.array(heights_m)
    pose_m = target_m.copy()
    pose_m[:, 1:, 0] += 0.05
    values: dict[str, Any] = {
        "clip_id": "c0",
        "camera_id": "cam0",
        "joint_set": "h36m17",
        "fps": 50.0,
        "pose_m": pose_m,
        "target_m": target_m,
        "mpjpe_mm": 47.1,
    }
    return WorstClip(**(values | changes))


def make_study(trials: int = 30, failed: int = 3) -> Leaderboard:
    """Trials over conditional parameters; the last ones failed, were refused or were stopped."""
    rng = np.random.default_rng(3)
    return make_leaderboard(*(_drawn(rng, number, trials - failed) for number in range(trials)))


def _drawn(rng: np.random.Generator, number: int, succeed: int) -> TrialRecord:
    temporal = ("tcn_single", "none", "lstm")[rng.integers(3)]
    parameters: dict[str, Scalar] = {
        "encoder.kind": ("keypoints", "mlp")[rng.integers(2)],
        "temporal.kind": temporal,
        "optimiser.learning_rate": float(10 ** rng.uniform(-4.5, -2)),
        "data.flip": bool(rng.integers(2)),
        "losses.velocity.weight": float(rng.uniform(0, 2)),
    }
    if temporal == "tcn_single":
        parameters["temporal.channels"] = int(rng.choice([64, 128, 256, 512]))
        parameters["temporal.dropout"] = float(rng.uniform(0, 0.5))
    if parameters["encoder.kind"] == "mlp":
        parameters["encoder.width"] = int(rng.choice([128, 256, 512]))
    if number >= succeed:
        state, reason = ("failed", "refused", "stopped")[number % 3], "loss is NaN at epoch 3"
        value = 150.0 if state == "stopped" else None
        return make_trial(number, value, state, reason=reason, parameters=parameters)
    final_mm = float(45 + 60 * rng.gamma(1.2, 0.5))
    curve = tuple(
        CurvePoint(
            epoch=epoch,
            seconds=2.0 * epoch,
            train_loss=float(np.exp(-epoch / 6)),
            val_mpjpe_mm=final_mm * (1 + 3 * float(np.exp(-epoch / 4))),
        )
        for epoch in range(5, 41, 5)
    )
    return make_trial(number, final_mm, parameters=parameters, curve=curve, epochs=40)
