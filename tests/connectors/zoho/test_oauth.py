"""Codes, tokens, and an accounts server that says no in its own ways."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
from responses import matchers

from chalicelib.core.connector import OAuthGrant
from chalicelib.core.errors import CredentialsInvalid, CrmUnavailable, RateLimited
from connectors.zoho.oauth import App, accounts_server, authorize_url, exchange, refresher
from tests.connectors.zoho.api_double import CONNECTION, NOW, SECRET

EU = replace(CONNECTION, base_url="https://www.zohoapis.eu", details={})
TOKEN_URL = "https://accounts.zoho.eu/oauth/v2/token"
SELF_CLIENT = App("1000.ID", "a-client-secret")
GRANT = OAuthGrant("1000.ID", "a-client-secret", "1000.refresh")
GOOD = {
    "access_token": "1000.access",
    "refresh_token": "1000.refresh",
    "api_domain": "https://www.zohoapis.eu",
    "scope": "ZohoCRM.coql.READ ZohoCRM.org.READ",
    "token_type": "Bearer",
    "expires_in": 3600,
}


@pytest.fixture
def accounts():
    with responses.RequestsMock() as double:
        yield double


def refresh():
    return refresher(EU, replace(SECRET, oauth=GRANT), lambda: NOW)("1000.refresh")


@pytest.mark.parametrize(
    ("base_url", "server"),
    [
        ("https://www.zohoapis.com", "https://accounts.zoho.com"),
        ("https://www.zohoapis.com.au", "https://accounts.zoho.com.au"),
        ("https://developer.zohoapis.in", "https://accounts.zoho.in"),
        ("https://www.zohoapis.ca", "https://accounts.zohocloud.ca"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
    ],
)
def test_each_data_centre_has_an_accounts_server(base_url, server):
    assert accounts_server(replace(EU, base_url=base_url)) == server


def test_the_server_that_was_told_is_believed():
    told = replace(EU, details={"accounts": "https://accounts.example.org/"})
    assert accounts_server(told) == "https://accounts.example.org"


def test_the_page_asks_for_a_refresh_token_every_time():
    app = App("1000.ID", "a-client-secret", "http://localhost:8976/callback")
    page = urlsplit(authorize_url(EU, app, ["ZohoCRM.org.READ"], ["ZohoCRM.coql.READ"], "s"))
    assert (page.netloc, page.path) == ("accounts.zoho.eu", "/oauth/v2/auth")
    assert parse_qs(page.query) == {
        "response_type": ["code"],
        "client_id": ["1000.ID"],
        "redirect_uri": ["http://localhost:8976/callback"],
        "scope": ["ZohoCRM.org.READ,ZohoCRM.coql.READ"],
        "access_type": ["offline"],
        "prompt": ["consent"],
        "state": ["s"],
    }


def test_a_code_becomes_a_grant_and_its_first_token(accounts):
    form = {
        "grant_type": "authorization_code",
        "client_id": "1000.ID",
        "client_secret": "a-client-secret",
        "code": "a-code",
    }
    accounts.post(TOKEN_URL, json=GOOD, match=[matchers.urlencoded_params_matcher(form)])
    granted = exchange(EU, SELF_CLIENT, "a-code", NOW)
    assert granted.grant == GRANT
    assert granted.scopes == {"ZohoCRM.coql.READ", "ZohoCRM.org.READ"}
    assert granted.base_url == "https://www.zohoapis.eu"
    assert (granted.token.token, granted.token.expires_at) == (
        "1000.access",
        NOW + timedelta(hours=1),
    )


def test_an_agreement_without_a_refresh_token_is_not_enough(accounts):
    accounts.post(TOKEN_URL, json={**GOOD, "refresh_token": None})
    with pytest.raises(CredentialsInvalid, match="agree again"):
        exchange(EU, SELF_CLIENT, "a-code", NOW)


def test_a_refresh_keeps_the_refresh_token(accounts):
    accounts.post(TOKEN_URL, json={name: GOOD[name] for name in ("access_token", "expires_in")})
    assert refresh().refresh_token == "1000.refresh"


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    ("error", "told"), [("invalid_code", "withdrawn"), ("invalid_client", "invalid_client")]
)
def test_a_refusal_is_one_with_either_status(accounts, status, error, told):
    accounts.post(TOKEN_URL, json={"error": error}, status=status)
    with pytest.raises(CredentialsInvalid, match=told) as caught:
        refresh()
    assert "a-client-secret" not in str(caught.value)
    assert "1000.refresh" not in str(caught.value)


@pytest.mark.parametrize("status", [200, 400])
def test_too_many_tokens_are_no_dead_grant(accounts, status):
    told = {"error": "Access Denied", "error_description": "You have made too many requests."}
    accounts.post(TOKEN_URL, json=told, status=status)
    with pytest.raises(RateLimited) as caught:
        refresh()
    assert caught.value.retry_after == 600
    assert len(accounts.calls) == 1


@pytest.mark.parametrize(
    ("status", "body"), [(200, {}), (200, {"error": "general_error"}), (503, {}), (500, {})]
)
def test_what_says_nothing_of_the_grant_is_tried_again(accounts, status, body):
    accounts.post(TOKEN_URL, json=body, status=status)
    with pytest.raises(CrmUnavailable):
        refresh()


def test_a_static_token_cannot_be_refreshed():
    with pytest.raises(CredentialsInvalid, match="static"):
        refresher(EU, SECRET, lambda: NOW)("1000.refresh")
