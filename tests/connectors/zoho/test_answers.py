"""Whatever the status of an answer: what does it amount to?"""

import pytest

from chalicelib.core.connector import Update
from chalicelib.core.errors import (
    CredentialsInvalid,
    CrmStumbled,
    CrmUnavailable,
    OutOfService,
    RateLimited,
    RequestRefused,
)
from connectors._http import Forbidden, Refused
from tests.connectors.zoho.api_double import NOW, V8, client, contact, error, rows

CONTACTS = V8 + "/Contacts"
ONE = contact(1)


def fetch():
    return client().fetch([ONE], NOW)


@pytest.mark.parametrize(
    ("status", "code", "meaning"),
    [
        (401, "INVALID_TOKEN", CredentialsInvalid),
        (400, "INVALID_TOKEN", CredentialsInvalid),
        (401, "OAUTH_SCOPE_MISMATCH", Forbidden),
        (403, "NO_PERMISSION", Forbidden),
        (200, "NO_PERMISSION", Forbidden),
        (429, "TOO_MANY_REQUESTS", RateLimited),
        (200, "TOO_MANY_REQUESTS", RateLimited),
        (500, "INTERNAL_ERROR", CrmStumbled),
        (200, "INTERNAL_ERROR", CrmStumbled),
        (404, "INVALID_URL_PATTERN", RequestRefused),
        (400, "LIMIT_EXCEEDED", RequestRefused),
    ],
)
def test_an_error_is_sorted_by_its_code(api, status, code, meaning):
    api.answer("GET", CONTACTS, error(code, "It is like this."), status)
    api.answer("GET", V8 + "/settings/fields", error(code, "It is like this."), status)
    with pytest.raises(meaning, match=r"It is like this\."):
        fetch()


@pytest.mark.parametrize(("status", "in_doubt"), [(502, True), (503, False), (504, True)])
def test_a_gateway_is_known_by_its_status_whatever_the_body_says(api, status, in_doubt):
    for _ in range(9):
        api.answer("PUT", CONTACTS, error("INTERNAL_ERROR", "It is like this."), status)
    with pytest.raises(CrmUnavailable) as raised:
        client().write([Update(ONE, {"score": 5})])
    assert not isinstance(raised.value, CrmStumbled)
    assert raised.value.in_doubt is in_doubt


def test_a_missing_scope_is_not_taken_for_a_bad_token(api):
    api.answer("GET", CONTACTS, error("OAUTH_SCOPE_MISMATCH"), 401)
    with pytest.raises(Forbidden):
        fetch()
    assert len(api.calls) == 1


@pytest.mark.parametrize("status", [204, 304])
def test_nothing_found_has_no_body(api, status):
    api.answer("GET", CONTACTS, None, status)
    api.answer("GET", CONTACTS + "/deleted", None, status)
    reading = fetch()
    assert (reading.facts, reading.gone, reading.moved) == ({}, frozenset(), {})


def test_an_answer_without_what_was_asked_for_is_none(api):
    api.answer("GET", CONTACTS, {"info": {}})
    with pytest.raises(CrmStumbled, match="without data"):
        fetch()


@pytest.mark.parametrize(
    "text",
    [
        "You have reached the maximum API credits for the last 24 hours.",
        "The daily limit of API calls is reached",
    ],
)
def test_spent_credits_rest_the_connection_for_an_hour(api, text):
    api.answer("GET", CONTACTS, error("TOO_MANY_REQUESTS", text), 429)
    one = client()
    with pytest.raises(OutOfService) as caught:
        one.fetch([ONE], NOW)
    assert caught.value.retry_after == 3600
    with pytest.raises(OutOfService):
        one.account()
    assert len(api.calls) == 1


@pytest.mark.parametrize(
    "text", ["You have exceeded the sub-concurrency limit", "10 downloads a minute", "", "no"]
)
def test_a_crowd_is_waited_for(api, text):
    api.answer("GET", CONTACTS, error("TOO_MANY_REQUESTS", text), 429)
    with pytest.raises(RateLimited) as caught:
        fetch()
    assert 2 <= caught.value.retry_after <= 3
    assert len(api.calls) == 4


def test_few_credits_that_are_left_are_left_to_others(api):
    left = {"X-API-CREDITS-REMAINING": "49"}
    api.answer("GET", CONTACTS, rows(), headers=left)
    with pytest.raises(OutOfService):
        fetch()


def test_half_of_the_credits_is_enough(api):
    api.answer("GET", CONTACTS, rows(), headers={"X-API-CREDITS-REMAINING": "25000"})
    api.answer("GET", CONTACTS + "/deleted", None, 204)
    fetch()


def test_a_refusal_tells_its_code_and_its_place(api):
    path = "$.data[0].Title"
    api.answer("GET", CONTACTS, error("INVALID_DATA", "invalid data", json_path=path), 400)
    api.answer("GET", V8 + "/settings/fields", {"fields": []})
    with pytest.raises(Refused, match=r"INVALID_DATA invalid data at \$\.data\[0\]\.Title"):
        fetch()
