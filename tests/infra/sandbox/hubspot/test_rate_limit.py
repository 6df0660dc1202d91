from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.sandbox._serving.rate_limit import Rate
from infra.sandbox.hubspot.rate_limit import RateLimit
from tests.infra.sandbox.hubspot.conftest import Api

DETAILS = "/account-info/{v}/details"


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
        assert (limit.spend() is None) is (earlier < 5)


@given(st.lists(st.floats(0, 30), min_size=1, max_size=60))
def test_every_call_is_counted_in_its_window(gaps: list[float]) -> None:
    now = 100.0
    limit = RateLimit(Rate(calls=2, seconds=10), lambda: now)
    outcomes: list[tuple[float, bool]] = []
    for gap in gaps:
        now += gap
        outcomes.append((now, limit.spend() is None))

    usage = limit.usage()

    assert usage.passed == sum(passed for _, passed in outcomes)
    assert usage.passed + usage.refused == len(gaps)
    for number, window in enumerate(usage.windows):
        inside = [ok for at, ok in outcomes if int((at - outcomes[0][0]) / 10) == number]
        assert (window.passed, window.refused) == (sum(inside), inside.count(False))


def test_the_share_is_of_what_was_possible_in_the_windows_that_are_over() -> None:
    now = 0.0
    limit = RateLimit(Rate(calls=10, seconds=10), lambda: now)
    for window_calls in (9, 10, 3):
        for _ in range(window_calls):
            limit.spend()
        now += 10

    assert limit.usage().share == pytest.approx(0.95)
    limit.reset(Rate(5))
    assert limit.usage().share == 0.0


def test_usage_of_every_limit_is_told(api: Api) -> None:
    api.control("PUT", "rate-limit", {"calls": 2, "seconds": 60})
    for _ in range(3):
        api.get(DETAILS)
    api.post("/crm/objects/{v}/contacts/search", {})

    limits = api.control("GET", "limits")
    assert limits["static"]["windows"] == [{"passed": 2, "refused": 1}]
    assert (limits["static"]["refused"], limits["search"]["passed"]) == (1, 1)
    assert limits["oauth"]["windows"] == []


@pytest.mark.parametrize(
    ("fault", "category", "retry_after"),
    [
        ({"status": 423}, "LOCKED", None),
        ({"status": 477}, "MIGRATION_IN_PROGRESS", "60"),
        ({"status": 477, "retry_after": 3}, "MIGRATION_IN_PROGRESS", "3"),
        ({"status": 429, "retry_after": 3}, "RATE_LIMITS", "3"),
        ({"status": 477, "applied": True}, "MIGRATION_IN_PROGRESS", "60"),
    ],
)
def test_locks_and_migrations_answer_in_their_own_way(
    api: Api, fault: dict[str, object], category: str, retry_after: str | None
) -> None:
    api.control("POST", "faults", {"count": 1, **fault})

    answer = api.get(DETAILS)

    assert (answer.status_code, answer.json()["category"]) == (fault["status"], category)
    assert answer.headers.get("Retry-After") == retry_after


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
