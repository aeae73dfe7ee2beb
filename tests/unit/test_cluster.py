import pytest
from tests.conftest import free_port

from monopose import cluster
from monopose.errors import UnavailableError


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_an_address_where_nobody_listens_is_named_at_once(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"{scheme}127.0.0.1:{free_port()}"
    monkeypatch.setenv("RAY_ADDRESS", address)
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    with pytest.raises(UnavailableError) as raised:
        cluster.connect()
    assert str(raised.value).startswith(f"{address}: no Ray cluster answers (")
    assert "monopose up" in raised.value.fix
