import pytest
import responses

from tests.connectors.hubspot.api_double import ApiDouble


@pytest.fixture
def api():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield ApiDouble(mock)
