"""HubSpot's OAuth: agreeing, exchanging, renewing, and what is said when it fails."""

import traceback
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib.core.connector import AccessToken, OAuthGrant, Secret
from chalicelib.core.errors import CredentialsInvalid, CrmUnavailable, Retryable
from chalicelib.pipeline.local_access import local_access
from connectors.hubspot.client import HubSpotClient
from connectors.hubspot.oauth import App, authorize_url, exchange, refresher
from tests.connectors.hubspot.api_double import CONNECTION
from tests.connectors.scripted_server import HANG_UP, Reply, serving
from tests.fakes.clock import NOON, FakeClock

APP = App("a-client", "hunter2-client", "http://localhost:8976/callback")
GRANT = OAuthGrant("a-client", "hunter2-client", "hunter2-refresh")
SECRET = Secret("https://hooks.example.com/", ("hunter2-client",), "", oauth=GRANT)
TOKENS = {
    "token_type": "bearer",
    "access_token": "hunter2-access",
    "refresh_token": "hunter2-refresh",
    "expires_in": 1800,
    "hub_id": 62515,
    "user_id": 77,
    "scopes": ["oauth", "crm.objects.contacts.read"],
    "token_use": "access",
}
WITHDRAWN = {
    "status": "BAD_REFRESH_TOKEN",
    "message": "missing or unknown refresh token hunter2-refresh",
    "error": "invalid_grant",
    "error_description": "missing or unknown refresh token hunter2-refresh",
}
DETAILS = {"portalId": 62515, "companyCurrency": "USD", "timeZone": "Asia/Tehran"}


def at(server, **changes):
    return replace(CONNECTION, base_url=server.url, **changes)


def form(request):
    return {name: value for name, [value] in parse_qs(request[3].decode()).items()}


def refresh(server, secret=SECRET):
    return refresher(at(server), secret, lambda: NOON)(GRANT.refresh_token)


def test_an_admin_is_sent_to_hubspots_page_with_all_that_the_app_wants():
    url = authorize_url(CONNECTION, APP, ["oauth", "tickets"], ["crm.x.read"], "a-state")
    assert url == (
        "https://app.hubspot.com/oauth/authorize?client_id=a-client"
        "&redirect_uri=http%3A%2F%2Flocalhost%3A8976%2Fcallback"
        "&scope=oauth%20tickets&optional_scope=crm.x.read&state=a-state"
    )


def test_another_server_has_its_own_page():
    connection = replace(CONNECTION, base_url="http://127.0.0.1:9")
    url = urlsplit(authorize_url(connection, APP, ["oauth"], [], "a-state"))
    assert (url.netloc, url.path) == ("127.0.0.1:9", "/oauth/authorize")
    assert "optional_scope" not in parse_qs(url.query)


def test_a_code_becomes_a_grant_a_token_and_the_scopes_that_were_agreed_to():
    with serving(Reply(body=TOKENS)) as server:
        granted = exchange(at(server, api_version="2026-09"), APP, "hunter2-code", NOON)
    [request] = server.requests
    assert request[:2] == ("POST", "/oauth/2026-09/token")
    assert form(request) == {
        "grant_type": "authorization_code",
        "client_id": "a-client",
        "client_secret": "hunter2-client",
        "redirect_uri": APP.redirect_url,
        "code": "hunter2-code",
    }
    assert granted.grant == GRANT
    assert granted.token == AccessToken(
        "hunter2-access", NOON + timedelta(minutes=30), "hunter2-refresh"
    )
    assert granted.scopes == {"oauth", "crm.objects.contacts.read"}
    assert "hunter2" not in repr((granted, APP))


def test_scopes_that_the_answer_does_not_tell_are_asked_for():
    silent = {name: value for name, value in TOKENS.items() if name != "scopes"}
    told = {"active": True, "scopes": ["oauth"]}
    with serving(Reply(body=silent), Reply(body=told)) as server:
        assert exchange(at(server), APP, "hunter2-code", NOON).scopes == {"oauth"}
    asked = form(server.requests[1])
    assert server.requests[1][1] == "/oauth/2026-03/token/introspect"
    assert asked["token"] == asked["access_token"] == "hunter2-access"


def test_a_refresh_token_becomes_an_access_token():
    with serving(Reply(body=TOKENS | {"refresh_token": "a new one"})) as server:
        made = refresh(server)
    assert made == AccessToken("hunter2-access", NOON + timedelta(minutes=30), "a new one")
    [request] = server.requests
    assert request[:2] == ("POST", "/oauth/2026-03/token")
    assert form(request) == {
        "grant_type": "refresh_token",
        "client_id": "a-client",
        "client_secret": "hunter2-client",
        "refresh_token": "hunter2-refresh",
    }


def test_a_refresh_token_that_is_not_named_again_stays():
    silent = {name: value for name, value in TOKENS.items() if name != "refresh_token"}
    with serving(Reply(body=silent)) as server:
        assert refresh(server).refresh_token == "hunter2-refresh"


def test_a_withdrawn_grant_is_said_so():
    with (
        serving(Reply(400, body=WITHDRAWN)) as server,
        pytest.raises(CredentialsInvalid, match="the account has withdrawn its grant"),
    ):
        refresh(server)


@pytest.mark.parametrize(
    ("reply", "error", "said"),
    [
        (Reply(400, body=WITHDRAWN), CredentialsInvalid, "withdrawn"),
        (Reply(400, body={"status": "BAD_CLIENT_SECRET"}), CredentialsInvalid, "BAD_CLIENT_SECRET"),
        (Reply(400, body={"status": "hunter2 is bad"}), CredentialsInvalid, "answered 400"),
        (Reply(401, body=["hunter2"]), CredentialsInvalid, "answered 401"),
        (Reply(body={"access_token": "hunter2"}), CrmUnavailable, "no access token"),
        (Reply(body=["hunter2"]), CrmUnavailable, "no access token"),
        (Reply(500), CrmUnavailable, "answered 500"),
        (HANG_UP, CrmUnavailable, "ConnectionError"),
    ],
)
def test_what_goes_wrong_is_said_without_a_secret(reply, error, said):
    with serving(reply) as server, pytest.raises(error, match=said) as caught:
        refresh(server)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_a_static_token_has_nothing_to_refresh():
    with serving(Reply()) as server, pytest.raises(CredentialsInvalid, match="static"):
        refresh(server, Secret("", (), "static"))
    assert server.requests == []


class Desk:
    """A client with a grant, before a server that answers as it is told."""

    def __init__(self, server):
        self.clock = FakeClock()
        self.client = HubSpotClient(at(server), SECRET, (), local_access(SECRET, self.clock))
        self.server = server

    @property
    def sent(self):
        """What was asked for, in order: a token by a form, the account with a token."""
        return [
            "token" if path.endswith("/token") else headers["Authorization"].removeprefix("Bearer ")
            for _, path, headers, _ in self.server.requests
        ]


def tokens(name):
    return Reply(body=TOKENS | {"access_token": name})


def test_a_client_makes_its_token_and_renews_it_before_it_lapses():
    with serving(tokens("one"), Reply(body=DETAILS), Reply(body=DETAILS), tokens("two"), Reply(body=DETAILS)) as server:  # fmt: skip
        desk = Desk(server)
        desk.client.account()
        desk.clock.advance(minutes=24)
        desk.client.account()
        desk.clock.advance(minutes=1)
        desk.client.account()
    assert desk.sent == ["token", "one", "one", "token", "two"]


def test_a_token_that_is_refused_though_it_should_live_is_replaced_once():
    with serving(tokens("one"), Reply(body=DETAILS), Reply(401), tokens("two"), Reply(body=DETAILS)) as server:  # fmt: skip
        desk = Desk(server)
        desk.client.account()
        desk.clock.advance(minutes=2)
        desk.client.account()
    assert desk.sent == ["token", "one", "one", "token", "two"]


def test_a_replacement_that_is_refused_as_well_is_left_to_the_queue():
    with serving(tokens("one"), Reply(401), tokens("two"), Reply(401)) as server:
        desk = Desk(server)
        for _ in range(2):
            with pytest.raises(Retryable) as caught:
                desk.client.account()
            assert caught.value.retry_after == 60
    assert desk.sent == ["token", "one", "token", "two", "two"]


def test_a_missing_scope_is_no_reason_for_a_new_token():
    refusal = {"category": "MISSING_SCOPES", "message": "not granted all required scopes"}
    with serving(tokens("one"), Reply(403, body=refusal)) as server:
        desk = Desk(server)
        desk.clock.advance(minutes=2)
        with pytest.raises(CredentialsInvalid, match="required scopes"):
            desk.client.account()
    assert desk.sent == ["token", "one"]


def test_a_tokens_length_is_nobodys_business():
    long = "x" * 4000
    with serving(tokens(long)) as server:
        assert refresh(server).token == long
