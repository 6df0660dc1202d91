from __future__ import annotations

from datetime import timedelta

import pytest
import requests

from infra.sandbox.zoho import StandIn
from tests.infra.sandbox.zoho.conftest import Api, code, refresh_token, token, tokens


def test_a_code_is_good_once_and_for_ten_minutes(zoho: StandIn) -> None:
    form = {"grant_type": "authorization_code"}
    first, late = (zoho.oauth.grant_code(["ZohoCRM.org.READ"]) for _ in range(2))

    assert tokens(zoho, code=first, **form).keys() >= {"access_token", "refresh_token"}
    assert tokens(zoho, code=first, **form)["error"] == "invalid_code"
    zoho.clock.advance(timedelta(minutes=10))
    assert tokens(zoho, code=late, **form)["error"] == "invalid_code"


def test_a_refresh_names_the_api_and_an_hour(zoho: StandIn) -> None:
    found = tokens(zoho, grant_type="refresh_token", refresh_token=refresh_token(zoho))

    assert (found["api_domain"], found["expires_in"], found["token_type"]) == (
        zoho.url, 3600, "Bearer",
    )  # fmt: skip
    assert "refresh_token" not in found


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_id": "other"}, "invalid_client"),
        ({"client_secret": "other"}, "invalid_client_secret"),
        ({"refresh_token": "other"}, "invalid_code"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_errors_of_the_token_endpoint_come_with_200(
    zoho: StandIn, form: dict[str, str], error: str
) -> None:
    app = zoho.org.settings.app
    good = {
        "client_id": app.client_id, "client_secret": app.client_secret,
        "grant_type": "refresh_token", "refresh_token": refresh_token(zoho),
    }  # fmt: skip
    answer = requests.post(f"{zoho.url}/oauth/v2/token", data=good | form, timeout=5)

    assert (answer.status_code, answer.json()["error"]) == (200, error)


def test_the_eleventh_token_in_ten_minutes_is_denied_until_the_window_frees(zoho: StandIn) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token(zoho)}
    found = [tokens(zoho, **form) for _ in range(10)]

    assert [one.get("error") for one in found] == [None] * 9 + ["Access Denied"]
    assert "too many requests" in found[-1]["error_description"]
    zoho.clock.advance(timedelta(minutes=10))
    assert "access_token" in tokens(zoho, **form)


def test_the_twenty_first_refresh_token_ends_the_oldest(zoho: StandIn) -> None:
    oldest = refresh_token(zoho)
    for _ in range(20):
        zoho.clock.advance(timedelta(minutes=1))
        refresh_token(zoho)

    assert tokens(zoho, grant_type="refresh_token", refresh_token=oldest)["error"] == "invalid_code"
    assert len(zoho.oauth.refresh_tokens()) == 20


def test_an_access_token_ends_after_an_hour(zoho: StandIn, api: Api) -> None:
    assert api.get("org").ok

    zoho.clock.advance(timedelta(hours=1))

    assert code(api.get("org")) == (401, "INVALID_TOKEN")


def test_revoking_ends_all_tokens_of_the_grant(zoho: StandIn, api: Api) -> None:
    (held,) = zoho.oauth.refresh_tokens()
    requests.post(f"{zoho.url}/oauth/v2/token/revoke", data={"token": held}, timeout=5)

    assert code(api.get("org")) == (401, "INVALID_TOKEN")


def test_bearer_is_not_the_scheme(api: Api) -> None:
    value = str(api.session.headers["Authorization"]).partition(" ")[2]
    api.session.headers["Authorization"] = f"Bearer {value}"

    assert code(api.get("org")) == (401, "INVALID_TOKEN")


def test_a_missing_scope_is_named_by_its_code(zoho: StandIn, api: Api, ann: str) -> None:
    scopes = ["ZohoCRM.modules.leads.ALL", "ZohoCRM.coql.READ"]
    api.session.headers["Authorization"] = f"Zoho-oauthtoken {token(zoho, scopes)}"

    mismatch = 401, "OAUTH_SCOPE_MISMATCH"
    assert code(api.get("Contacts", fields="Email")) == mismatch
    assert code(api.query("select Email from Contacts where id is not null")) == mismatch
    assert code(api.get("org")) == mismatch
    assert api.get("Leads", fields="Email").status_code == 204


def test_the_consent_page_returns_a_code_and_where_to_exchange_it(zoho: StandIn) -> None:
    query = {
        "client_id": zoho.org.settings.app.client_id, "redirect_uri": "http://localhost/back",
        "scope": "ZohoCRM.org.READ,ZohoCRM.users.READ", "access_type": "offline", "state": "s",
    }  # fmt: skip
    answer = requests.get(
        f"{zoho.url}/oauth/v2/auth", params=query, allow_redirects=False, timeout=5
    )

    address = answer.headers["Location"]
    assert address.startswith("http://localhost/back?code=1000.")
    assert "accounts-server=http" in address
    assert "state=s" in address


def test_without_offline_access_there_is_no_refresh_token(zoho: StandIn) -> None:
    found = tokens(
        zoho, grant_type="authorization_code",
        code=zoho.oauth.grant_code(["ZohoCRM.org.READ"], offline=False),
    )  # fmt: skip

    assert "refresh_token" not in found
