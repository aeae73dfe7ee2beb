import stat
import threading
import time
from pathlib import Path

import pytest

from monopose.embedded import client_token, parts
from monopose.embedded.state import Ports, locked, new_state, read_state, write_state
from monopose.errors import InputError, UnavailableError


def test_a_state_is_read_back_and_is_the_owners_only(tmp_path: Path) -> None:
    state = new_state(Ports(s3=4001, ray=4002, dashboard=4003))
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state
    assert stat.S_IMODE((tmp_path / "up.json").stat().st_mode) == 0o600
    assert new_state(Ports()).s3_secret != state.s3_secret


def test_no_state_is_none_and_a_damaged_one_says_what_to_do(tmp_path: Path) -> None:
    assert read_state(tmp_path) is None
    (tmp_path / "up.json").write_text('{"ports": 1}')
    with pytest.raises(InputError, match=r"up.json: is not a state .*; move it away"):
        read_state(tmp_path)


def test_a_second_one_waits_for_the_lock(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with locked(tmp_path / "folder"):
            order.append("second")

    with locked(tmp_path / "folder"):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.2)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(UnavailableError, match="file/folder: cannot be used"),
        locked(tmp_path / "file" / "folder"),
    ):
        pass


def test_nothing_runs_where_nothing_was_started(tmp_path: Path) -> None:
    assert [part.state for part in parts.status(tmp_path)] == ["down", "down"]
    assert parts.client_environment(tmp_path) == {}
    assert parts.down(tmp_path / "absent") == []


def test_dead_parts_give_no_environment(tmp_path: Path) -> None:
    write_state(tmp_path, new_state(Ports()))
    assert parts.client_environment(tmp_path) == {}


def test_an_existing_token_is_used_and_a_new_one_is_the_owners_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    made = client_token.ensure_token("")
    file = tmp_path / ".ray" / "auth_token"
    assert file.read_text() == made
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert client_token.ensure_token("another, recorded one") == made
    file.unlink()
    assert client_token.ensure_token("recorded") == "recorded" == file.read_text()
