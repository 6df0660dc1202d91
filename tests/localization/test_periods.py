from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from chalicelib.localization.periods import midnight, span, window

TEHRAN = ZoneInfo("Asia/Tehran")

LEAP_YEARS = {1391, 1395, 1399, 1403, 1408, 1412, 1416, 1420, 1424, 1428, 1432, 1436}


def periods(first, last, period, calendar):
    """Those that follow each other from one day to another."""
    start, end = span(first, period, calendar)
    while start < last:
        yield start, end
        start, end = span(end, period, calendar)


@pytest.mark.parametrize("period", ["week", "month", "quarter", "year"])
@pytest.mark.parametrize("calendar", ["jalali", "gregorian"])
def test_22_11_periods_tile_the_time_line_from_1390_to_1430(period, calendar):
    end_of_last = None
    for start, end in periods(date(2011, 3, 21), date(2052, 3, 20), period, calendar):
        assert start < end
        assert end_of_last in (None, start)
        assert span(start, period, calendar) == span(end - timedelta(days=1), period, calendar)
        end_of_last = end


def test_19_every_day_lies_in_its_own_period():
    day = date(2011, 3, 21)
    while day < date(2052, 3, 20):
        start, end = span(day, "month", "jalali")
        assert start <= day < end
        day += timedelta(days=1)


@pytest.mark.parametrize(
    ("first_day", "year"),
    [
        (date(2024, 3, 20), 1403),
        (date(2025, 3, 21), 1404),
        (date(2026, 3, 21), 1405),
        (date(2027, 3, 21), 1406),
        (date(2028, 3, 20), 1407),
        (date(2029, 3, 20), 1408),
        (date(2030, 3, 21), 1409),
    ],
)
def test_19_the_persian_year_begins_on_the_day_of_the_table(first_day, year):
    assert span(first_day, "year", "jalali")[0] == first_day
    assert (span(first_day, "year", "jalali")[1] - first_day).days == 365 + (year in LEAP_YEARS)


def test_19_leap_years_follow_the_pattern_of_33_years():
    years = list(periods(date(2011, 3, 21), date(2058, 3, 20), "year", "jalali"))
    leap = {1390 + n for n, (start, end) in enumerate(years) if (end - start).days == 366}
    assert leap == LEAP_YEARS


def test_19_the_first_six_months_have_31_days_the_next_five_30_and_the_last_29_or_30():
    months = list(periods(date(2011, 3, 21), date(2052, 3, 20), "month", "jalali"))
    for number, (start, end) in enumerate(months):
        year, month = 1390 + number // 12, number % 12 + 1
        last = 30 if year in LEAP_YEARS else 29
        assert (end - start).days == (31 if month <= 6 else 30 if month <= 11 else last)


def test_19_quarters_begin_with_farvardin_tir_mehr_and_dey():
    starts = [
        start for start, _ in periods(date(2025, 3, 21), date(2026, 3, 21), "quarter", "jalali")
    ]
    assert starts == [date(2025, 3, 21), date(2025, 6, 22), date(2025, 9, 23), date(2025, 12, 22)]


def test_19_a_persian_week_begins_on_saturday():
    start, end = span(date(2026, 3, 25), "week", "jalali")
    assert (start.strftime("%A"), end - start) == ("Saturday", timedelta(days=7))


def test_19_tehran_is_three_and_a_half_hours_ahead_all_year_since_2022_and_was_more_in_summer():
    assert midnight(date(2021, 7, 1), TEHRAN) == datetime(2021, 6, 30, 19, 30, tzinfo=UTC)
    assert midnight(date(2021, 12, 1), TEHRAN) == datetime(2021, 11, 30, 20, 30, tzinfo=UTC)
    assert midnight(date(2022, 9, 21), TEHRAN) == datetime(2022, 9, 20, 19, 30, tzinfo=UTC)
    assert midnight(date(2022, 9, 22), TEHRAN) == datetime(2022, 9, 21, 20, 30, tzinfo=UTC)
    assert midnight(date(2023, 7, 1), TEHRAN) == datetime(2023, 6, 30, 20, 30, tzinfo=UTC)


def test_22_11_windows_in_tehran_tile_the_time_line_across_every_change_of_the_clock():
    start, end = window(datetime(2011, 3, 21, tzinfo=UTC), "month", "jalali", TEHRAN)
    while end < datetime(2052, 3, 1, tzinfo=UTC):
        following, after = window(end, "month", "jalali", TEHRAN)
        assert following == end
        assert start <= end - timedelta(microseconds=1) < end
        start, end = following, after


def test_19_a_day_whose_midnight_is_skipped_begins_when_the_clock_is_put_forward():
    # In 2021 the clock went from 00:00 to 01:00 on 2 Farvardin, which was 22 March.
    begins = midnight(date(2021, 3, 22), TEHRAN)
    assert begins == datetime(2021, 3, 21, 20, 30, tzinfo=UTC)
    assert begins.astimezone(TEHRAN).date() == date(2021, 3, 22)
