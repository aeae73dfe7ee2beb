import pytest

from monopose.errors import InputError
from monopose.tuning.space import Space
from monopose.tuning.study import Plan


def space(_trial: object) -> dict[str, object]:
    return {"preset": "videopose3d"}


def plan(name: str, of: Space = space) -> Plan:
    return Plan(of, "space", "studio", name)


@pytest.mark.parametrize("name", ["", "_first", "two words", "a/b", "../up", "first\n"])
def test_a_name_that_is_no_folder_is_refused_before_anything_runs(name: str) -> None:
    with pytest.raises(InputError, match=r"--name: .* is no name for a study; use letters"):
        plan(name)


@pytest.mark.parametrize("name", ["first", "sweep-20261121-120000", "v1.2_b", "7"])
def test_names_of_studies(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONOPOSE_ROOT", "s3://bucket/team")
    assert plan(name).uri == f"s3://bucket/team/studies/{name}"
