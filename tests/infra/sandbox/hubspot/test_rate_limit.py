from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.sandbox.hubspot.errors import ApiError
from infra.sandbox.hubspot.rate_limit import Rate, RateLimit
from tests.infra.sandbox.hubspot.conftest import Api

DETAILS = "/account-info/{v}/details"


def passes(limit: RateLimit) -> bool:
    try:
        limit.spend()
    except ApiError:
        return False
    return True


@given(st.lists(st.floats(0, 5), max_size=60))
def test_a_call_passes_if_fewer_than_the_limit_came_in_the_window_before_it(
    gaps: list[float],
) -> None:
    now = 0.0
    limit = RateLimit(Rate(calls=5, seconds=10), lambda: now)
    times: list[float] = []
    for gap in gaps:
        now += gap
        earlier = sum(time > now - 10 for time in times)
        times.append(now)
        assert passes(limit) is (earlier < 5)


def test_the_limit_answers_in_hubspots_words_without_saying_how_long_to_wait(api: Api) -> None:
    api.control("PUT", "rate-limit", {"calls": 2, "seconds": 60})

    answers = [api.get(DETAILS) for _ in range(3)]

    assert [one.status_code for one in answers] == [200, 200, 429]
    remaining = [one.headers["X-HubSpot-RateLimit-Remaining"] for one in answers]
    assert remaining == ["1", "0", "0"]
    assert answers[0].headers["X-HubSpot-RateLimit-Max"] == "2"
    assert answers[0].headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "60000"
    assert answers[2].json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert answers[2].json()["errorType"] == "RATE_LIMIT"
    assert "Retry-After" not in answers[2].headers


def test_the_control_api_is_not_limited(api: Api) -> None:
    api.control("PUT", "rate-limit", {"calls": 0, "seconds": 60})

    assert api.control("GET", "dump")["contacts"] == []


@pytest.mark.parametrize("status", [429, 503])
def test_planned_faults_strike_the_next_requests_of_their_route(api: Api, status: int) -> None:
    api.control("POST", "faults", {"count": 2, "status": status, "route": "account-info"})

    other = api.get("/crm/objects/{v}/contacts").status_code
    struck = [api.get(DETAILS).status_code for _ in range(3)]

    assert (other, struck) == (200, [status, status, 200])


def test_a_fault_after_the_work_loses_the_answer_and_keeps_the_work(api: Api) -> None:
    contact = api.load(contacts=[{"firstname": "Alice"}])["contacts"][0]
    api.control("POST", "faults", {"count": 1, "route": "batch/update", "applied": True})
    body = {"inputs": [{"id": contact, "properties": {"firstname": "Anna"}}]}

    assert api.post("/crm/objects/{v}/contacts/batch/update", body).status_code == 503
    found = api.get(f"/crm/objects/{{v}}/contacts/{contact}", properties="firstname").json()
    assert found["properties"]["firstname"] == "Anna"
