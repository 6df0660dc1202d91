from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from infra.sandbox._serving.fault_plan import FaultPlan
from infra.sandbox._serving.rate_limit import Rate
from infra.sandbox.hubspot import StandIn
from infra.sandbox.hubspot.oauth import OAuthApp
from infra.sandbox.hubspot.portal import Settings
from tests.infra.sandbox.hubspot.conftest import Api

TARGET = "https://app.example.com/installed?from=hubspot"
APP = OAuthApp(
    app_id=54321,
    scopes=("oauth", "crm.objects.contacts.read"),
    optional_scopes=("tickets", "e-commerce"),
    unavailable_scopes=("e-commerce",),
    redirect_urls=(TARGET, "http://localhost:3000"),
)
CLIENT = {"client_id": APP.client_id, "client_secret": APP.client_secret}
CONTACTS = "/crm/objects/{v}/contacts"


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with StandIn.start(settings=Settings(oauth_app=APP)) as running:
        yield running


def authorize(api: Api, **changes: str) -> requests.Response:
    query = {
        "client_id": APP.client_id,
        "redirect_uri": TARGET,
        "scope": " ".join(APP.scopes),
        "state": "a b",
    }
    return api.session.get(
        f"{api.url}/oauth/authorize", params=query | changes, allow_redirects=False, timeout=5
    )


def ask(api: Api, version: str = "2026-03", path: str = "", **form: str) -> requests.Response:
    address = f"{api.url}/oauth/{version}/token{path}"
    return requests.post(address, data=CLIENT | form, timeout=5)


def code_of(answer: requests.Response) -> str:
    assert answer.status_code == 302, answer.text
    return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]


def exchange(api: Api, code: str, **changes: str) -> requests.Response:
    return ask(
        api,
        **{"grant_type": "authorization_code", "code": code, "redirect_uri": TARGET} | changes,
    )


def refresh(api: Api, token: str, **changes: str) -> requests.Response:
    return ask(api, **{"grant_type": "refresh_token", "refresh_token": token} | changes)


def read(api: Api, token: str) -> requests.Response:
    api.session.headers["Authorization"] = f"Bearer {token}"
    return api.get(CONTACTS)


@pytest.fixture
def tokens(stand_in: StandIn) -> dict[str, Any]:
    return stand_in.oauth.install()


def refused(answer: requests.Response) -> tuple[int, str, str]:
    body = answer.json()
    assert body["message"] == body["error_description"]
    return answer.status_code, body["error"], body["status"]


def test_a_person_comes_back_with_a_code_for_tokens_that_open_the_account(api: Api) -> None:
    answer = authorize(api, optional_scope="tickets e-commerce")
    target = urlsplit(answer.headers["Location"])
    assert f"{target.scheme}://{target.netloc}{target.path}" == "https://app.example.com/installed"
    assert parse_qs(target.query) == {
        "from": ["hubspot"],
        "code": [code_of(answer)],
        "state": ["a b"],
    }

    tokens = exchange(api, code_of(answer)).json()

    assert read(api, tokens["access_token"]).status_code == 200
    assert tokens["scopes"] == ["oauth", "crm.objects.contacts.read", "tickets"]
    assert (tokens["hub_id"], tokens["expires_in"]) == (62515, 1800)
    assert len(tokens["access_token"]) > 255
    assert api.get("/crm/objects/{v}/tickets").status_code == 200
    assert api.get("/crm/objects/{v}/products").status_code == 403


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"client_id": "other"}, "client id"),
        ({"redirect_uri": "https://elsewhere.example.com"}, "redirect"),
        ({"scope": "oauth"}, "lacks required scopes"),
        ({"scope": "oauth crm.objects.contacts.read crm.objects.deals.read"}, "does not have"),
        ({"scope": "oauth crm.objects.contacts.read e-commerce"}, "no access"),
    ],
)
def test_a_wrong_address_is_shown_to_the_person(
    api: Api, change: dict[str, str], reason: str
) -> None:
    answer = authorize(api, **change)

    assert answer.status_code == 400
    assert reason in answer.json()["message"]


def test_an_account_may_be_preselected_in_the_address(api: Api) -> None:
    query = urlsplit(authorize(api).request.url).query
    statuses = [
        requests.get(
            f"{api.url}/oauth/{hub}/authorize?{query}", allow_redirects=False, timeout=5
        ).status_code
        for hub in (62515, 1)
    ]

    assert statuses == [302, 400]


def test_a_code_is_good_once_and_for_a_minute(api: Api) -> None:
    used, late = code_of(authorize(api)), code_of(authorize(api))
    assert exchange(api, used).status_code == 200
    api.control("POST", "clock", {"seconds": 61})

    for code in (used, late, "no code"):
        assert refused(exchange(api, code)) == (400, "invalid_grant", "BAD_AUTH_CODE")


def test_a_code_is_only_for_the_address_that_asked_for_it(api: Api) -> None:
    answer = exchange(api, code_of(authorize(api)), redirect_uri="http://localhost:3000")

    assert refused(answer) == (400, "invalid_grant", "MISMATCH_REDIRECT_URI_AUTH_CODE")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"client_id": "other"}, "BAD_CLIENT_ID"),
        ({"client_secret": "other"}, "BAD_CLIENT_SECRET"),
        ({"grant_type": "password"}, "BAD_GRANT_TYPE"),
        ({"refresh_token": "other"}, "BAD_REFRESH_TOKEN"),
    ],
)
def test_a_wrong_request_for_tokens_is_refused_by_name(
    api: Api, tokens: dict[str, Any], change: dict[str, str], status: str
) -> None:
    assert refused(refresh(api, tokens["refresh_token"], **change))[2] == status


def test_secrets_travel_as_a_form_in_the_body_alone(api: Api, tokens: dict[str, Any]) -> None:
    address = f"{api.url}/oauth/2026-03/token"
    form = CLIENT | {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}

    assert requests.post(address, json=form, timeout=5).status_code == 415
    assert requests.post(address, params=form, data={}, timeout=5).status_code in (400, 415)
    assert requests.post(address, params=CLIENT, data=form, timeout=5).status_code == 400


@pytest.mark.parametrize("version", ["2026-03", "2026-09", "v3"])
def test_every_version_refreshes(api: Api, tokens: dict[str, Any], version: str) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    answer = ask(api, version, **form).json()

    assert answer["refresh_token"] == tokens["refresh_token"]
    assert answer["access_token"] != tokens["access_token"]
    assert read(api, answer["access_token"]).status_code == 200


def test_an_access_token_ends_by_the_stand_ins_clock_and_a_refresh_helps(
    api: Api, tokens: dict[str, Any]
) -> None:
    api.control("POST", "clock", {"seconds": 1799})
    assert read(api, tokens["access_token"]).status_code == 200
    api.control("POST", "clock", {"seconds": 1})
    answer = read(api, tokens["access_token"])

    assert (answer.status_code, answer.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")
    renewed = refresh(api, tokens["refresh_token"]).json()
    assert read(api, renewed["access_token"]).status_code == 200


def test_tokens_live_as_long_as_they_are_told_to(api: Api, tokens: dict[str, Any]) -> None:
    api.control("PUT", "oauth/policy", {"expires_in": 5})

    assert refresh(api, tokens["refresh_token"]).json()["expires_in"] == 5


@pytest.mark.parametrize("way", ["control", "app", "revoke"])
def test_an_uninstalled_app_has_no_access_and_a_dead_grant(
    api: Api, tokens: dict[str, Any], way: str
) -> None:
    read(api, tokens["access_token"])
    if way == "control":
        api.control("DELETE", "oauth/grants")
    elif way == "app":
        assert api.delete("/appinstalls/{v}/external-install").status_code == 204
    else:
        assert ask(api, path="/revoke", token=tokens["refresh_token"]).status_code == 200

    assert read(api, tokens["access_token"]).json()["category"] == "INVALID_AUTHENTICATION"
    answer = refresh(api, tokens["refresh_token"])
    assert refused(answer) == (400, "invalid_grant", "BAD_REFRESH_TOKEN")


def test_refreshes_are_counted(api: Api, stand_in: StandIn, tokens: dict[str, Any]) -> None:
    for _ in range(3):
        refresh(api, tokens["refresh_token"])
    refresh(api, "wrong")

    assert len(stand_in.oauth.refreshes()) == 3
    state = api.control("GET", "oauth")
    assert [one["outdated"] for one in state["refreshes"]] == [False] * 3
    assert state["refresh_tokens"] == [tokens["refresh_token"]]


def test_a_rotated_refresh_token_ends_the_one_before_at_once(
    api: Api, tokens: dict[str, Any]
) -> None:
    api.control("PUT", "oauth/policy", {"rotation": "strict"})
    first = tokens["refresh_token"]

    second = refresh(api, first).json()["refresh_token"]

    assert second != first
    assert refresh(api, first).status_code == 400
    assert refresh(api, second).status_code == 200


def test_a_gracefully_rotated_one_lives_until_its_successor_is_used(
    api: Api, stand_in: StandIn, tokens: dict[str, Any]
) -> None:
    api.control("PUT", "oauth/policy", {"rotation": "graceful"})
    first = tokens["refresh_token"]

    refresh(api, first)  # the answer is lost
    second = refresh(api, first).json()["refresh_token"]
    third = refresh(api, second).json()["refresh_token"]

    assert refresh(api, first).status_code == 400
    assert [one.outdated for one in stand_in.oauth.refreshes()] == [False, True, False]
    assert stand_in.oauth.refresh_tokens() == (third,)


def test_tokens_are_introspected_under_either_name(api: Api, tokens: dict[str, Any]) -> None:
    access, refreshing = tokens["access_token"], tokens["refresh_token"]
    found = ask(api, path="/introspect", token=access).json()
    assert (found["active"], found["app_id"]) == (True, 54321)
    assert 1700 < found["expires_in"] <= 1800
    found = ask(
        api, path="/introspect", token_type_hint="refresh_token", refresh_token=refreshing
    ).json()
    assert (found["active"], found["token_use"]) == (True, "refresh_token")
    assert ask(api, path="/introspect", token="other").json() == {"active": False}


def test_oauth_apps_have_a_limit_of_their_own_and_no_daily_one(
    api: Api, stand_in: StandIn, tokens: dict[str, Any]
) -> None:
    stand_in.rate_limit.reset(Rate(0, 60))
    stand_in.daily_quota.leave(0)
    api.control("PUT", "oauth/limit", {"calls": 2, "seconds": 60})

    answers = [read(api, tokens["access_token"]) for _ in range(3)]

    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[0].headers["X-HubSpot-RateLimit-Max"] == "2"
    assert not [name for name in answers[0].headers if "Daily" in name]


def test_the_plan_expires_an_oauth_token_in_earnest(
    api: Api, stand_in: StandIn, tokens: dict[str, Any]
) -> None:
    stand_in.faults.follow(FaultPlan(share=1, kinds=["expired"]))
    answer = read(api, tokens["access_token"])
    stand_in.faults.clear()

    assert (answer.status_code, answer.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")
    assert read(api, tokens["access_token"]).status_code == 401
    renewed = refresh(api, tokens["refresh_token"]).json()
    assert read(api, renewed["access_token"]).status_code == 200
    assert stand_in.faults.struck() == {"expired": 1}


def test_the_token_endpoint_shares_the_trouble_and_the_log(
    api: Api, stand_in: StandIn, tokens: dict[str, Any]
) -> None:
    stand_in.faults.outage()
    assert refresh(api, tokens["refresh_token"]).status_code == 503
    stand_in.faults.lift()
    stand_in.faults.follow(FaultPlan(share=1, kinds=["lost"], routes=["/token"]))
    with pytest.raises(requests.ConnectionError):
        refresh(api, tokens["refresh_token"])

    assert [one.route for one in stand_in.requests.entries()] == ["POST /oauth/{version}/token"] * 2
    assert len(stand_in.oauth.refreshes()) == 1
