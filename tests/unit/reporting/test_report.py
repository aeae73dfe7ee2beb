import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.unit.reporting.studies import (
    make_evaluation,
    make_leaderboard,
    make_score,
    make_study,
    make_trial,
    make_worst,
)

from monopose.errors import StorageError
from monopose.evaluation.leaderboard import TrialRecord
from monopose.reporting.report import build_report, write_report

VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """Checks that tags are balanced, and collects what the tests ask about."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.stack: list[tuple[str, dict[str, str]]] = []
        self.links: list[tuple[str, str, str | None]] = []
        self.figures: dict[str, Any] = {}
        self.headings: list[tuple[str, str]] = []
        self.labels: list[str] = []
        self.scripts, self.text = 0, ""
        self.feed(html)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {key: value or "" for key, value in attrs}
        self.links += [(tag, key, value) for key, value in attrs if key in ("src", "href")]
        self.scripts += tag == "script"
        if tag not in VOID:
            self.stack.append((tag, named))
        if "data-figure" in named:
            self.labels.append(named["aria-label"])

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        tag, named = self.stack[-1] if self.stack else ("", {})
        if named.get("type") == "application/json":
            self.figures[named["id"]] = json.loads(data)
        elif tag in ("h1", "h2", "h3"):
            self.headings.append((tag, data))
        elif tag not in ("script", "style"):
            self.text += data


EVALUATIONS = tuple(
    make_evaluation(share, make_score(value, value - 2, value + 3))
    for share, value in ((0.0, 52.3), (0.1, 60.1), (0.5, 99.9))
)


def full_report() -> str:
    return build_report(
        make_study(), EVALUATIONS, make_worst(60), command="monopose sweep --trials 30"
    )


def test_a_full_report_has_every_part() -> None:
    page = Page(full_report())
    headings = [text for _, text in page.headings]
    assert headings == [
        "Study autumn",
        "Where the numbers come from",
        "Scores",
        "Leaderboard",
        "The winner's recipe",
        "Learning curves",
        "Parameters and error",
        "Where the error is",
        "Error by joint",
        "Error by action",
        "Error by camera",
        "Error against hidden keypoints",
        "The worst clip",
    ]
    kinds = [figure["data"][0]["type"] for figure in page.figures.values()]
    assert kinds == ["scatter", "parcoords", "bar", "bar", "bar", "scatter", "scatter3d"]
    assert len(list(page.figures.values())[-1]["frames"]) == 60
    assert len(page.labels) == len(kinds)
    assert all(page.labels)


def test_the_page_says_what_the_numbers_depend_on() -> None:
    text = Page(full_report()).text
    for part in (
        "studio",
        "0a1b2c3d4e5f",
        "h36m17/mpjpe/pooled",
        "v0.1-3-gabc",
        "2026-01-01T00:00:00Z",
        "monopose sweep --trials 30",
        "7, 8",
        "Synthetic data: no number here is about real people.",
        "52.3 [50.3, 55.3] mm",
    ):
        assert part in text
    real = make_leaderboard(make_trial(0, 50.0), synthetic=False)
    assert "Synthetic data" not in Page(build_report(real)).text


def test_the_page_needs_no_network() -> None:
    html = full_report()
    assert Page(html).links == []
    own = re.sub(r"<script>.*?</script>", "", html, flags=re.S)
    assert not re.search(r"https?://|url\(|@import", own)
    assert "default-src 'none'" in html
    assert len(html.encode()) < 8_000_000


def test_names_are_text_wherever_they_appear() -> None:
    evil = "<script>alert(1)</script>"
    study = make_leaderboard(
        make_trial(0, 50.0, trial_id=evil, parameters={evil: evil}, recipe={evil: evil}),
        make_trial(1, 60.0, trial_id=evil, parameters={evil: 2}),
        make_trial(2, None, "failed", reason=evil),
        study=evil,
        dataset=evil,
        code_version=evil,
    )
    shown = [
        make_evaluation(share, recipe_name=evil, by_action={evil: 1.0, 'x" onload="y': 2.0})
        for share in (0.0, 0.5)
    ]
    html = build_report(study, shown, make_worst(clip_id=evil), command=evil)
    page = Page(html)
    assert evil not in html
    assert page.scripts == 2 + len(page.figures)
    assert page.headings[0] == ("h1", f"Study {evil}")


def test_the_winners_recipe_can_be_copied() -> None:
    recipe = {"name": "a<b", "losses": [{"term": "mpjpe"}]}
    html = build_report(make_leaderboard(make_trial(4, 50.0, recipe=recipe)))
    page = Page(html)
    found = re.search(r"<pre>(.*?)</pre>", html, re.S)
    assert found is not None
    assert json.loads(found.group(1).replace("&lt;", "<").replace("&quot;", '"')) == recipe
    assert "Trial 4 (t004), recipe digest 000000000004" in page.text


@pytest.mark.parametrize(
    ("trials", "headings"),
    [
        ((), ["Leaderboard"]),
        ((make_trial(0, None, "failed", reason="out of memory"),), ["Leaderboard"]),
        ((make_trial(0, 50.0),), ["Leaderboard", "The winner's recipe", "Learning curves"]),
        ((make_trial(0, 50.0, recipe=None, curve=()),), ["Leaderboard"]),
    ],
)
def test_small_studies_give_a_valid_page_without_empty_parts(
    trials: tuple[TrialRecord, ...], headings: list[str]
) -> None:
    page = Page(build_report(make_leaderboard(*trials)))
    assert [text for _, text in page.headings[2:]] == headings
    assert all(trial.reason in page.text for trial in trials)
    assert f"{len(trials)} trials: " in page.text


def test_the_leaderboards_own_evaluations_are_used_when_none_are_given() -> None:
    study = make_leaderboard(make_trial(0, 50.0), winner=EVALUATIONS)
    assert build_report(study) == build_report(study, EVALUATIONS)
    assert "52.3 [50.3, 55.3] mm" in build_report(study)


def test_a_model_without_the_studys_protocol_is_shown_under_its_own() -> None:
    score = make_score(30.0, 28.0, 31.0, protocol="h36m17/pa_mpjpe/pooled")
    shown = [make_evaluation(share, score) for share in (0.0, 0.5)]
    page = Page(build_report(make_leaderboard(make_trial(0, 50.0)), shown))
    assert "h36m17/pa_mpjpe/pooled when a share" in page.text


def test_models_without_a_common_protocol_are_shown_without_a_comparison() -> None:
    other = make_score(30.0, 28.0, 31.0, protocol="h36m17/pa_mpjpe/pooled")
    shown = [make_evaluation(0.0), make_evaluation(0.5, other)]
    page = Page(build_report(make_leaderboard(make_trial(0, 50.0)), shown))
    assert "Error against hidden keypoints" not in [text for _, text in page.headings]
    assert "30.0 [28.0, 31.0] mm" in page.text


def test_the_report_is_written_to_storage(tmp_path: Path) -> None:
    study = make_leaderboard(make_trial(0, 50.0))
    write_report(study, (), None, str(tmp_path / "studies" / "s" / "report.html"))
    assert (tmp_path / "studies/s/report.html").read_text() == build_report(study)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file"):
        write_report(study, (), None, str(tmp_path / "file" / "report.html"))
