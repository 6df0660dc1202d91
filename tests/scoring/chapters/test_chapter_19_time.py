"""Chapter 19, as far as it speaks of time: the Persian calendar, weeks, and Tehran's clock."""

from datetime import UTC, date, datetime, timedelta
from importlib.metadata import requires, version
from zoneinfo import ZoneInfo

import pytest

from chalicelib.core.policy import FittedModels
from chalicelib.localization.periods import midnight, span, window
from chalicelib.policy import compile_policy
from chalicelib.scoring import Written, next_change_at, publish, score_card
from tests.scoring.chapters.test_chapter_01_lead_score import lead, page_of, rule
from tests.scoring.examples import CUTS, SUBJECT, activity, fact_set, starter, won

TEHRAN = ZoneInfo("Asia/Tehran")

FIRST_DAYS = {
    1403: date(2024, 3, 20), 1404: date(2025, 3, 21), 1405: date(2026, 3, 21),
    1406: date(2027, 3, 21), 1407: date(2028, 3, 20), 1408: date(2029, 3, 20),
    1409: date(2030, 3, 21),
}  # fmt: skip
LEAP_YEARS = {1399, 1403, 1408, 1412, 1416, 1420, 1424, 1428, 1432, 1436}


@pytest.mark.parametrize(("year", "first"), FIRST_DAYS.items())
def test_19_1_farvardin_is_the_day_of_the_table(year, first):
    start, _ = span(first, "year", "jalali")
    assert start == first
    assert span(first - timedelta(days=1), "year", "jalali")[1] == first
    assert year - first.year == 621


def test_19_leap_years_are_those_of_the_33_year_pattern_until_1436():
    year, first, found = 1399, date(2020, 3, 20), set()
    while year <= 1436:
        start, end = span(first, "year", "jalali")
        assert (end - start).days in (365, 366)
        found |= {year} if (end - start).days == 366 else set()
        year, first = year + 1, end
    assert found == LEAP_YEARS


@pytest.mark.parametrize(("first", "last"), [(date(2024, 3, 20), 30), (date(2025, 3, 21), 29)])
def test_19_six_months_have_31_days_five_have_30_and_the_last_29_or_30(first, last):
    lengths = []
    for _ in range(12):
        start, first = span(first, "month", "jalali")
        lengths.append((first - start).days)
    assert lengths == [31] * 6 + [30] * 5 + [last]


def test_19_quarters_are_three_months_from_farvardin_on():
    start, end = span(date(2025, 7, 1), "quarter", "jalali")
    assert (start, end) == (date(2025, 6, 22), date(2025, 9, 23))  # Tir to Shahrivar


def test_19_weeks_begin_on_saturday():
    start, end = span(date(2026, 3, 27), "week", "jalali")  # a Friday
    assert (start.strftime("%A"), end - start) == ("Saturday", timedelta(days=7))


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (date(2021, 7, 1), 4.5),
        (date(2021, 1, 1), 3.5),
        (date(2022, 9, 21), 4.5),
        (date(2022, 9, 22), 3.5),
        (date(2023, 7, 1), 3.5),
        (date(2026, 7, 1), 3.5),
    ],
)
def test_19_tehran_is_ahead_by_three_and_a_half_hours_and_was_by_one_more_in_summer(day, hours):
    begins = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=hours)
    assert midnight(day, TEHRAN) == begins


def test_19_the_zones_are_shipped_and_so_is_a_calendar_without_dependencies():
    assert version("tzdata")
    assert not requires("persiantools")


@pytest.mark.parametrize(
    ("year", "utc_hour", "days"), [(2021, 19, 1), (2021, 20, 0), (2023, 20, 1), (2023, 21, 0)]
)
def test_19_a_purchase_of_the_summer_lies_on_the_day_that_tehran_had(year, utc_hour, days):
    """Half past seven in the evening of UTC was midnight until 2022, half past eight is it now."""
    bought = datetime(year, 7, 1, utc_hour, 15, tzinfo=UTC)
    now = datetime(year, 7, 2, 12, tzinfo=UTC)
    policy = compile_policy(starter(time_zone="Asia/Tehran"))
    card = score_card(SUBJECT, fact_set([won("1", bought)]), policy, FittedModels("c", {}), now)
    assert card.rfm.recency_days == days


@pytest.mark.parametrize(("year", "hour"), [(2021, 19), (2023, 20)])
def test_19_recency_falls_at_tehrans_midnight_of_that_summer(year, hour):
    policy = compile_policy(starter(time_zone="Asia/Tehran"))
    facts = fact_set([won("1", datetime(year, 6, 1, 12, tzinfo=UTC))])
    models, now = FittedModels("c", {"rfm": CUTS}), datetime(year, 6, 20, tzinfo=UTC)
    shown = publish(score_card(SUBJECT, facts, policy, models, now), Written({}, True), policy)
    change = next_change_at(SUBJECT, facts, policy, models, now, shown)
    assert change == datetime(year, 7, 1, hour, 30, tzinfo=UTC)  # the 31st day is 2 July


def test_19_a_daily_limit_goes_by_tehrans_days_before_and_after_2022():
    page = page_of(("doing", [0, 100], 1, [rule(5, max_per_day=1)]), time_zone="Asia/Tehran")
    evenings = [datetime(year, 7, 1, 20, minute, tzinfo=UTC) for year in (2021, 2023)
                for minute in (15, 45)]  # fmt: skip
    scores = [
        lead(page, *(activity("page.viewed", at) for at in two), now=two[1])
        for two in (evenings[:2], evenings[2:])
    ]
    assert [found.score for found in scores] == [5, 10]


def test_19_a_month_of_a_policy_is_tehrans_also_where_the_clock_is_put_forward():
    start, end = window(datetime(2021, 3, 25, tzinfo=UTC), "month", "jalali", TEHRAN)
    assert start == datetime(2021, 3, 20, 20, 30, tzinfo=UTC)  # before the clock went forward
    assert end == datetime(2021, 4, 20, 19, 30, tzinfo=UTC)
