from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from infra.sandbox.hubspot.daily_quota import DailyQuota
from tests.infra.sandbox.hubspot.conftest import Api

DETAILS = "/account-info/{v}/details"
TEHRAN = "Asia/Tehran"  # midnight there is half past eight of the evening in UTC
MIDNIGHT = datetime(2026, 1, 1, 20, 30, tzinfo=UTC)


class Watch:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def quota(watch: Watch) -> DailyQuota:
    return DailyQuota(2, lambda: watch.now, TEHRAN)


def test_the_day_ends_at_midnight_of_the_account(quota: DailyQuota, watch: Watch) -> None:
    passed = []
    for now in (watch.now, watch.now, watch.now, MIDNIGHT - timedelta(seconds=1), MIDNIGHT):
        watch.now = now
        passed.append(quota.spend() is None)

    assert passed == [True, True, False, False, True]
    assert quota.to_json() == {
        "limit": 2,
        "left": 1,
        "refused": 2,
        "resets_at": "2026-01-02T20:30:00.000Z",
    }


def test_the_reset_can_be_moved(quota: DailyQuota, watch: Watch) -> None:
    quota.leave(0, resets_at=watch.now + timedelta(minutes=1))
    assert quota.spend() is not None
    watch.now += timedelta(minutes=1)

    assert quota.spend() is None
    assert quota.to_json()["resets_at"] == "2026-01-01T20:30:00.000Z"


def test_the_answers_say_what_is_left_of_the_day(api: Api) -> None:
    assert api.control("PUT", "daily-quota", {"left": 1})["left"] == 1

    answers = [api.get(DETAILS) for _ in range(2)]

    assert [one.status_code for one in answers] == [200, 429]
    assert answers[1].json()["policyName"] == "DAILY"
    assert {one.headers["X-HubSpot-RateLimit-Daily-Remaining"] for one in answers} == {"0"}
    assert answers[0].headers["X-HubSpot-RateLimit-Daily"] == "625000"


def test_the_day_is_over_when_the_stand_ins_clock_says_so(api: Api) -> None:
    api.control("PUT", "daily-quota", {"left": 0})
    assert api.get(DETAILS).status_code == 429
    api.control("POST", "clock", {"seconds": 24 * 3600})

    assert api.get(DETAILS).status_code == 200


def test_searches_count_for_the_day_and_say_nothing_of_it(api: Api) -> None:
    api.control("PUT", "daily-quota", {"left": 1})

    answers = [api.post("/crm/objects/{v}/contacts/search", {}) for _ in range(2)]

    assert [one.status_code for one in answers] == [200, 429]
    assert not [name for one in answers for name in one.headers if "RateLimit" in name]
