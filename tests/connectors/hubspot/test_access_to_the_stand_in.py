"""Grants, tokens and limits against the stand-in, which has ideas of its own about them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest

from chalicelib.adapters.clock import SystemClock
from chalicelib.core.connector import OAuthGrant, Secret
from chalicelib.core.errors import CredentialsInvalid, OutOfService, RateLimited
from chalicelib.pipeline.access import SharedAccess
from chalicelib.pipeline.local_access import LocalGrants, LocalState
from connectors.hubspot.client import HubSpotClient
from connectors.hubspot.limits import LOOK_AGAIN_AFTER
from infra.sandbox._serving.faults import Fault
from infra.sandbox.hubspot import StandIn
from infra.sandbox.hubspot.oauth import TokenPolicy
from tests.connectors.hubspot.api_double import CONNECTION


@pytest.fixture
def hubspot():
    with StandIn.start() as running:
        yield running


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("connectors._http.sleep", lambda _: None)


class Workers:
    """Clients of one connection; ``reports`` is what is said of its grant when it is dead."""

    def __init__(self, hubspot, secret):
        self.hubspot = hubspot
        self.grants = LocalGrants(secret)
        self.state = LocalState()
        self.reports = []

    def client(self):
        access = SharedAccess(
            "hubspot-main",
            grants=self.grants,
            state=self.state,
            clock=SystemClock(),
            revoked=lambda _until, reason: self.reports.append(reason),
        )
        connection = replace(CONNECTION, base_url=self.hubspot.url)
        return HubSpotClient(connection, self.grants.secret, (), access)

    @property
    def token(self):
        return self.state.token("hubspot-main").token


@pytest.fixture
def granted(hubspot):
    """Workers with a grant, and the app of it installed."""

    def install(**policy):
        hubspot.oauth.policy = TokenPolicy(**policy)
        app, made = hubspot.oauth.app, hubspot.oauth.install()
        grant = OAuthGrant(app.client_id, app.client_secret, made["refresh_token"])
        return Workers(hubspot, Secret("", (), "", oauth=grant))

    return install


@pytest.mark.parametrize("rotation", ["none", "graceful", "strict"])
def test_racing_workers_renew_a_grant_once_and_never_with_what_it_was(hubspot, granted, rotation):
    workers, start = granted(rotation=rotation), Barrier(6)

    def call(client):
        start.wait()
        return client.account().id

    for rounds in (1, 2, 3):
        clients = [workers.client() for _ in range(6)]
        with ThreadPoolExecutor(6) as crowd:
            assert list(crowd.map(call, clients)) == ["62515"] * 6
        assert [one.outdated for one in hubspot.oauth.refreshes()] == [False] * rounds
        workers.state._tokens.clear()


def test_a_short_lived_token_is_renewed_before_hubspot_refuses_it(hubspot, granted):
    client = granted(expires_in=2).client()
    end = datetime.now() + timedelta(seconds=3)  # noqa: DTZ005 - how long the test goes on
    while datetime.now() < end:  # noqa: DTZ005
        client.account()
    assert len(hubspot.oauth.refreshes()) >= 3
    assert {entry.status for entry in hubspot.requests.entries()} == {200}


def test_a_token_that_hubspot_ends_early_is_replaced(hubspot, granted):
    workers = granted()
    one, other = workers.client(), workers.client()
    one.account()
    other.account()
    hubspot.oauth.expire(workers.token)
    assert one.account() == other.account()
    assert len(hubspot.oauth.refreshes()) == 2


def test_an_app_that_was_uninstalled_is_said_to_be(hubspot, granted):
    workers = granted()
    client = workers.client()
    client.account()
    hubspot.oauth.uninstall()
    with pytest.raises(CredentialsInvalid, match="the account has withdrawn its grant"):
        client.account()
    assert workers.reports == ["the account has withdrawn its grant; run emtiaz connect again"]


def test_the_limit_of_an_oauth_app_is_learned(granted):
    client = granted().client()
    client.account()
    assert client._api._http._reading.line.limits.rate("/any").calls == 110


def test_a_spent_day_closes_the_account_until_its_midnight(hubspot):
    client = Workers(hubspot, Secret("", (), hubspot.token)).client()
    hubspot.daily_quota.limit = 1000
    hubspot.daily_quota.leave(2)
    client.account()  # the last one that is ours: one in a thousand is left to other apps
    with pytest.raises(OutOfService, match="calls of this day are spent") as caught:
        client.account()
    local = caught.value.until.astimezone(ZoneInfo(hubspot.portal.settings.time_zone))
    just_begun = caught.value.retry_after <= LOOK_AGAIN_AFTER.total_seconds()
    assert (local.hour, local.minute) == (0, 1) or just_begun
    assert len(hubspot.requests.entries()) == 1


def test_an_account_that_is_being_moved_is_left_alone_for_as_long_as_it_says(hubspot):
    client = Workers(hubspot, Secret("", (), hubspot.token)).client()
    hubspot.faults.plan(Fault(count=5, status=477, retry_after=3600))
    for _ in range(2):
        with pytest.raises(OutOfService, match="is being moved") as caught:
            client.account()
        assert 3590 <= caught.value.retry_after <= 3600
    assert len(hubspot.requests.entries()) == 1


def test_a_rate_limit_that_lasts_is_left_to_the_queue(hubspot):
    client = Workers(hubspot, Secret("", (), hubspot.token)).client()
    hubspot.faults.plan(Fault(count=9, status=429))
    with pytest.raises(RateLimited):
        client.account()
    assert len(hubspot.requests.entries()) == 2
