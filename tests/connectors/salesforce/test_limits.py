from datetime import timedelta

import pytest

from connectors._wire import Answer
from connectors.salesforce.limits import SPENT_FOR, SalesforceLimits, used_percent
from tests.fakes.clock import NOON, FakeClock


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def limits(clock):
    return SalesforceLimits(clock.now)


def told(used, of=100_000):
    return Answer(200, {"Sforce-Limit-Info": f"api-usage={used}/{of}"}, {})


@pytest.mark.parametrize(
    ("used", "scarce", "closed"),
    [(79_999, False, False), (80_000, True, False), (94_999, True, False), (95_000, True, True)],
)
def test_what_is_left_of_a_day_is_kept_for_what_people_wait_for(limits, used, scarce, closed):
    limits.heed(told(used))
    assert limits.is_scarce is scarce
    assert (limits.closure() is not None) is closed


def test_a_closed_organisation_is_asked_again_after_a_while(limits, clock):
    limits.heed(told(100_000))
    assert limits.closure().until == NOON + SPENT_FOR
    clock.advance(seconds=SPENT_FOR.total_seconds())
    assert limits.closure() is None
    assert not limits.is_scarce


def test_calls_that_come_back_make_it_plentiful_again(limits, clock):
    limits.heed(told(81_000))
    clock.advance(seconds=timedelta(minutes=1).total_seconds())
    limits.heed(told(70_000))
    assert not limits.is_scarce


@pytest.mark.parametrize(
    ("header", "percent"),
    [
        ("api-usage=25/100", 25),
        ("api-usage=25/100; per-app-api-usage=250/250(appName=x)", 25),
        ("per-app-api-usage=250/250(appName=x)", None),
        ("per-app-api-usage=250/250(appName=x); api-usage=25/100", 25),
        ("api-usage=25/0", None),
        ("api-usage=many", None),
        ("", None),
    ],
)
def test_the_usage_of_the_organisation_is_found_beside_others(header, percent):
    assert used_percent(header) == percent
