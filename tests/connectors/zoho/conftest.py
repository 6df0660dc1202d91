import pytest
import responses

from tests.connectors.zoho.api_double import ApiDouble


@pytest.fixture
def api():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield ApiDouble(mock)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("connectors._http.sleep", lambda _: None)
    monkeypatch.setattr("connectors.zoho.listing.sleep", lambda _: None)
