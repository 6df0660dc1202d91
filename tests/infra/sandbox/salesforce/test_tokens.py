"""Who gets a token, and how long it lives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from infra.sandbox.salesforce import StandIn
from infra.sandbox.salesforce.settings import ConnectedClient, Settings
from tests.infra.sandbox.salesforce.conftest import Api

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def test_client_credentials_give_a_token_that_says_whose_it_is(api: Api) -> None:
    told = api.log_in().json()

    assert told["instance_url"] == api.url
    assert told["id"].endswith("/id/00DWs000000ExA1MAK/005Ws0000000001IAA")
    assert "expires_in" not in told
    assert "refresh_token" not in told


def test_client_credentials_may_come_by_basic_authentication(api: Api) -> None:
    answer = requests.post(
        f"{api.url}/services/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=("stand-in-consumer-key", "stand-in-consumer-secret"),
        timeout=5,
    )

    assert answer.json()["token_type"] == "Bearer"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_id": "nobody"}, "invalid_client_id"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": JWT_BEARER, "assertion": "a.b.c"}, "invalid_grant"),
    ],
)
def test_others_are_refused(api: Api, form: dict[str, str], error: str) -> None:
    answer = api.log_in(**form)

    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_a_session_is_shared_by_all_who_ask_for_one(api: Api) -> None:
    tokens = {api.log_in().json()["access_token"] for _ in range(3)}

    assert len(tokens) == 1


def test_a_session_lives_as_long_as_it_is_used(stand_in: StandIn, api: Api) -> None:
    for _ in range(3):
        stand_in.clock.advance(timedelta(minutes=90))
        assert api.call("GET", "/limits").status_code == 200

    stand_in.clock.advance(timedelta(minutes=121))
    answer = api.call("GET", "/limits")
    assert answer.status_code == 401
    assert answer.json() == [
        {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}
    ]
    api.log_in()
    assert api.call("GET", "/limits").status_code == 200


def test_without_a_token_nobody_comes_in(api: Api) -> None:
    del api.session.headers["Authorization"]

    assert api.call("GET", "/limits").status_code == 401


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({}, ""),
        ({"iss": "nobody"}, "client identifier invalid"),
        ({"sub": "rep@example.com"}, "user hasn't approved this consumer"),
        ({"aud": "https://elsewhere.example.com"}, "audience is invalid"),
        ({"exp": -10}, "expired authorization code"),
        ({"exp": 240}, "expired authorization code"),
    ],
)
def test_a_jwt_is_looked_at_closely(claims: dict[str, object], told: str) -> None:
    key = rsa.generate_private_key(65537, 2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    client = ConnectedClient(public_key=public.decode())
    expires = datetime.now(UTC) + timedelta(seconds=int(str(claims.pop("exp", 150))))
    right = {"iss": client.key, "sub": client.username, "aud": "https://login.salesforce.com"}
    assertion = jwt.encode({**right, "exp": expires, **claims}, key, "RS256")

    with StandIn.start(settings=Settings(client=client)) as running:
        form = {"grant_type": JWT_BEARER, "assertion": assertion}
        answer = requests.post(f"{running.url}/services/oauth2/token", data=form, timeout=5)

    assert answer.json().get("error_description", "") == told
    assert answer.ok is not bool(told)


def test_a_jwt_of_another_key_is_refused() -> None:
    with StandIn.start() as running:
        client = running.org.settings.client
        stranger = rsa.generate_private_key(65537, 2048)
        assertion = jwt.encode({"iss": client.key, "aud": running.url}, stranger, "RS256")
        form = {"grant_type": JWT_BEARER, "assertion": assertion}
        answer = requests.post(f"{running.url}/services/oauth2/token", data=form, timeout=5)

    assert answer.json()["error"] == "invalid_grant"
