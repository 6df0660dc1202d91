from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest

from tests.infra.sandbox.conftest import Receiver
from tests.infra.sandbox.hubspot.conftest import Api

SECRET = "client-secret"


@pytest.fixture
def contact(api: Api) -> str:
    return api.load(contacts=[{"firstname": "سارا", "email": "s@example.com"}])["contacts"][0]


def send(api: Api, receiver: Receiver, contact: str, **changes: Any) -> list[int | None]:
    """Returns the status of each attempt."""
    action = {"target_url": receiver.url, "secret": SECRET, "retry_ms": 1, **changes}
    api.control("POST", f"records/contacts/{contact}/workflow", action)
    api.control("POST", "flush?timeout=30")
    return [one["status"] for one in api.control("GET", "deliveries")["workflows"]]


def test_a_workflow_sends_the_record_as_the_object_api_gives_it(
    api: Api, receiver: Receiver, contact: str
) -> None:
    assert send(api, receiver, contact) == [200]

    body = json.loads(receiver.requests[0][1])
    path = f"/crm/objects/{{v}}/contacts/{contact}"
    assert body == api.get(path, properties="firstname,email").json()


def test_it_is_signed_over_secret_method_address_and_body(
    api: Api, receiver: Receiver, contact: str
) -> None:
    send(api, receiver, contact)

    headers, body = receiver.requests[0]
    signed = SECRET.encode() + b"POST" + receiver.url.encode() + body
    assert headers["x-hubspot-signature"] == sha256(signed).hexdigest()
    assert headers["x-hubspot-signature-version"] == "v2"
    assert "x-hubspot-signature-v3" not in headers


@pytest.mark.parametrize(
    ("answers", "attempts"),
    [
        ([500, 302, 200], [500, 302, 200]),
        ([429, 429, 200], [429, 429, 200]),
        ([400, 200], [400]),
        ([404, 200], [404]),
        ([500] * 9, [500] * 4),
    ],
)
def test_it_is_retried_but_for_errors_of_the_target(
    api: Api, receiver: Receiver, contact: str, answers: list[int], attempts: list[int]
) -> None:
    receiver.statuses = answers

    assert send(api, receiver, contact, retries=3) == attempts


def test_a_target_that_is_down_is_tried_again(api: Api, receiver: Receiver, contact: str) -> None:
    down = "http://127.0.0.1:9/"

    assert send(api, receiver, contact, target_url=down, retries=1) == [None, None]


def test_the_target_says_in_milliseconds_when_to_come_again(
    api: Api, receiver: Receiver, contact: str
) -> None:
    receiver.statuses, receiver.headers = [429], {"Retry-After": "2"}

    assert send(api, receiver, contact, retry_ms=60_000, retry_limit_ms=60_000) == [429, 200]


def test_only_a_record_that_exists_is_sent(api: Api, receiver: Receiver) -> None:
    with pytest.raises(AssertionError, match="OBJECT_NOT_FOUND"):
        send(api, receiver, "99")
