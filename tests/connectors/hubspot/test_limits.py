"""What HubSpot's answers tell of its limits."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.connector import Rate
from chalicelib.core.errors import OutOfService, RateLimited
from connectors._wire import Answer
from connectors.hubspot.limits import (
    CALLS,
    LOOK_AGAIN_AFTER,
    MOVED_FOR,
    SEARCHES,
    HubSpotLimits,
    next_day,
)
from tests.connectors.hubspot.api_double import CONNECTION, OBJECTS, client, contact
from tests.fakes.clock import NOON, FakeClock

PATH = OBJECTS + "contacts/batch/read"
ROLLING = {
    "status": "error",
    "message": "You have reached your ten_secondly_rolling limit.",
    "errorType": "RATE_LIMIT",
    "policyName": "TEN_SECONDLY_ROLLING",
    "correlationId": "c0ffee00-0000-4000-8000-000000000000",
}
TOLD = {
    "X-HubSpot-RateLimit-Max": "190",
    "X-HubSpot-RateLimit-Remaining": "189",
    "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
    "X-HubSpot-RateLimit-Daily": "625000",
    "X-HubSpot-RateLimit-Daily-Remaining": "624999",
}


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def limits(clock):
    return HubSpotLimits("Asia/Tehran", clock.now)


def answer(status=200, body=None, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, TOLD | named, body)


def test_at_first_an_account_is_held_to_be_of_the_smallest_kind(limits):
    assert limits.rate(PATH) == CALLS == Rate("calls", 100, 10.0)


def test_an_answer_tells_what_the_account_is_allowed(limits):
    limits.heed(answer())
    assert limits.rate(PATH) == Rate("calls", 190, 10.0)
    limits.heed(answer(**{"X-HubSpot-RateLimit-Max": "110"}))
    assert limits.rate(PATH) == Rate("calls", 110, 10.0)


@pytest.mark.parametrize("nonsense", ["", "0", "-5", "many", "1e3", "١٩٠"])
def test_nonsense_teaches_nothing(limits, nonsense):
    limits.heed(answer(**{"X-HubSpot-RateLimit-Max": nonsense}))
    limits.heed(answer(**{"X-HubSpot-RateLimit-Interval-Milliseconds": nonsense}))
    assert limits.rate(PATH) == CALLS
    assert limits.closure() is None


def test_searches_have_a_limit_of_their_own(limits):
    assert limits.rate("/crm/objects/2026-03/contacts/search") == SEARCHES == Rate("search", 5, 1.0)


def test_an_account_without_a_daily_limit_stays_open(limits):
    limits.heed(Answer(200, {}, None))
    assert limits.closure() is None


@pytest.mark.parametrize(
    ("left", "is_open"), [("626", True), ("625", False), ("0", False), ("", True)]
)
def test_the_last_thousandth_of_a_day_is_left_to_other_apps(limits, left, is_open):
    limits.heed(answer(**{"X-HubSpot-RateLimit-Daily-Remaining": left}))
    assert (limits.closure() is None) == is_open


def test_a_spent_day_ends_a_minute_after_midnight_where_the_account_is(limits, clock):
    limits.heed(answer(429, ROLLING | {"policyName": "DAILY"}))
    closure = limits.closure()
    midnight = datetime(2026, 3, 22, tzinfo=ZoneInfo("Asia/Tehran"))
    assert closure.until == midnight + timedelta(minutes=1)
    assert "day" in closure.why
    clock.advance(hours=8, minutes=30)
    assert limits.closure() == closure
    clock.advance(minutes=1)
    assert limits.closure() is None


def test_a_day_that_seems_spent_when_it_has_just_begun_is_asked_for_again_soon(limits, clock):
    clock.advance(hours=8, minutes=32)
    limits.heed(answer(429, ROLLING | {"policyName": "DAILY"}))
    assert limits.closure().until == clock.now() + LOOK_AGAIN_AFTER


@given(
    st.integers(0, 10 * 365 * 24 * 60).map(lambda minutes: NOON + timedelta(minutes=minutes)),
    st.sampled_from(["Asia/Tehran", "America/New_York", "Pacific/Apia", "America/Sao_Paulo"]),
)
def test_a_spent_day_is_over_within_a_day_and_never_at_once(now, name):
    zone = ZoneInfo(name)
    until = next_day(now, zone)
    assert timedelta(minutes=1) <= until - now <= timedelta(hours=25)
    far = until - now > LOOK_AGAIN_AFTER
    assert not far or until.astimezone(zone).date() != now.astimezone(zone).date()


def test_an_account_that_is_being_moved_rests_for_as_long_as_it_says(limits):
    limits.heed(answer(477, Retry_After="7200"))
    assert limits.closure().until == NOON + timedelta(hours=2)
    limits.heed(answer(477, Retry_After="999999"))
    assert limits.closure().until == NOON + timedelta(hours=24)
    limits.heed(answer(477))
    assert limits.closure().until == NOON + MOVED_FOR


@pytest.mark.parametrize(
    ("status", "body", "seconds"),
    [
        (423, None, 2.0),
        (429, ROLLING, 10.0),
        (429, None, 10.0),
        (429, {"policyName": "SECONDLY"}, 1.0),
        (503, None, 0.0),
    ],
)
def test_what_a_busy_answer_asks_for_at_the_least(limits, status, body, seconds):
    assert limits.least_wait_s(Answer(status, {}, body)) == seconds


def test_a_window_is_as_long_as_the_account_says(limits):
    limits.heed(answer(**{"X-HubSpot-RateLimit-Interval-Milliseconds": "2000"}))
    assert limits.least_wait_s(answer(429, ROLLING)) == 2.0


@pytest.mark.parametrize("zone", ["", "Nowhere/Special", "../etc", "/etc/passwd"])
def test_days_end_by_utc_where_no_zone_is_known(zone, clock):
    limits = HubSpotLimits(zone, clock.now)
    limits.heed(answer(429, {"policyName": "DAILY"}))
    assert limits.closure().until == datetime(2026, 3, 22, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(("policy", "error"), [("DAILY", OutOfService), (None, RateLimited)])
def test_a_client_says_by_its_error_how_long_to_wait(api, monkeypatch, policy, error):
    monkeypatch.setattr("connectors._http.sleep", lambda _: None)
    api.answer("POST", PATH, ROLLING | {"policyName": policy}, status=429)
    with pytest.raises(error, match="ten_secondly") as caught:
        client().fetch([contact(1)], NOON)
    if error is OutOfService:
        midnight = datetime(2026, 3, 22, tzinfo=ZoneInfo(CONNECTION.time_zone))
        assert caught.value.until == midnight + timedelta(minutes=1)
    else:
        assert 10 <= caught.value.retry_after <= 11


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
def test_what_hubspot_does_not_list_as_worth_another_try_is_sent_once(api, status):
    api.answer("POST", PATH, {"message": "no"}, status=status)
    with pytest.raises(Exception, match=f"answered {status}"):
        client().fetch([contact(1)], NOON)
    assert len(api.calls) == 1


@pytest.mark.parametrize("status", [423, 429, 502, 503, 504, 521, 523, 524])
def test_what_hubspot_lists_as_worth_another_try_is_sent_again(api, monkeypatch, status):
    waits = []
    monkeypatch.setattr("connectors._http.sleep", waits.append)
    found = {"results": [{"id": "1", "properties": {}}]}
    replies = iter([(status, {"message": "busy"}), (200, found)])
    api.answer("POST", PATH, lambda _: next(replies))
    api.answer("POST", "/crm/associations/2026-03/contacts/deals/batch/read", {"results": []})
    assert client().fetch([contact(1)], NOON).facts
    assert len(waits) == 1
    assert status != 423 or waits[0] >= 2
