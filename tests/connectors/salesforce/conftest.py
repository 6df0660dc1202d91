import pytest
import responses

from chalicelib.core.connector import OAuthGrant, Secret
from connectors.salesforce.client import SalesforceClient
from tests.connectors import cases
from tests.connectors.salesforce.organisation import Organisation
from tests.fakes.access import FakeAccess

SECRET = Secret("https://hooks.example.com/v1/hooks/salesforce-main", ("a-secret",), "token")
GRANT = OAuthGrant("client-id", "client-secret", "")


@pytest.fixture
def connection():
    return cases.connection_of("salesforce")


@pytest.fixture
def double():
    with responses.RequestsMock() as double:
        yield double


@pytest.fixture
def organisation(double):
    return Organisation(double)


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """Nobody waits; how long they would have."""
    waited = []
    monkeypatch.setattr("connectors._http.sleep", waited.append)
    monkeypatch.setattr("connectors.salesforce.batch_write.sleep", waited.append)
    return waited


@pytest.fixture
def client_of(connection, organisation):
    """A client under a policy with these attributes."""

    def made(*attributes, **access):
        return SalesforceClient(connection, SECRET, attributes, FakeAccess("token", **access))

    return made


@pytest.fixture
def client(client_of):
    return client_of()
