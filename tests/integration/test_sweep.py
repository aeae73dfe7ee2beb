"""The main job: trials, leaderboard, refit, evaluation, registry, report, all on S3."""

import orjson
import pytest
from tests.conftest import S3Store

from monopose import storage
from monopose.commands.sweeping import sweep
from monopose.data.shards import write_clips
from monopose.data.studio.studio import studio_clips
from monopose.evaluation import leaderboard
from monopose.inference import registry

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]

SPACE = """
def space(trial):
    trial.suggest_float("optimiser.learning_rate", 1e-4, 1e-2, log=True)
    width = trial.suggest_categorical("choose_width", [2, 3])
    return {
        "preset": "videopose3d", "size": "smoke", "temporal.channels": 8, "budget.epochs": 4,
        "budget.batch_chunks": 4, "temporal.filter_widths": [3, width],
    }
"""


@pytest.fixture(scope="module")
def space_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Half of what this space draws is impossible: a filter of two frames has no middle."""
    path = tmp_path_factory.mktemp("spaces") / "tiny_test_space.py"
    path.write_text(SPACE)
    return str(path)


def test_a_sweep_leaves_a_ranked_study_a_champion_and_a_report(
    s3_store: S3Store, space_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    clips = studio_clips(0, 1.0, subjects=3, actions=["walk", "wave"])
    uri = storage.join(s3_store.root, "data", "tiny")
    manifest = write_clips(clips, uri, dataset="studio", synthetic=True)
    sweep(space=space_file, data="tiny", trials=4, name="first", refit_epochs=2)
    printed = capsys.readouterr().out
    study = storage.join(s3_store.root, "studies", "first")
    board = leaderboard.from_json(storage.read_bytes(storage.join(study, "leaderboard.json")))

    ran = [trial for trial in board.trials if trial.state in ("completed", "stopped")]
    refused = [trial for trial in board.trials if trial.state == "refused"]
    assert len(ran) == 4
    assert all(trial.val_mpjpe_mm is not None and trial.val_mpjpe_mm < 2000 for trial in ran)
    assert all("filter_widths must be odd" in trial.reason for trial in refused)
    assert all(trial.parameters["choose_width"] == 3 for trial in ran)
    best = min(trial.val_mpjpe_mm or 1e9 for trial in ran)
    assert board.ranked()[0].val_mpjpe_mm == best
    assert board.dataset_digest == manifest.digest
    assert [evaluation.mask_share for evaluation in board.winner] == [0.0, 0.1, 0.3, 0.5]

    lines = storage.read_bytes(storage.join(study, "trials.jsonl")).splitlines()
    assert len(lines) == len(board.trials)
    assert {orjson.loads(line)["trial_id"] for line in lines} == {t.trial_id for t in board.trials}
    about = registry.describe(registry.aliases()[registry.CHAMPION])
    assert about["recipe_digest"] == board.winner[0].recipe_digest
    page = storage.read_bytes(storage.join(study, "report.html")).decode()
    assert board.trials[0].trial_id in page
    assert manifest.digest[:12] in page
    assert storage.join(study, "report.html") in printed
