from datetime import date, timedelta

import pytest

from chalicelib.localization.dates import RECENT_DAYS, date_name, month_key, when

TODAY = date(2026, 3, 24)


@pytest.mark.parametrize(
    ("days", "en", "fa"),
    [
        (0, "today", "امروز"),
        (1, "yesterday", "دیروز"),
        (4, "4 days ago", "\u2068۴\u2069 روز پیش"),
        (31, "on 21 February 2026", "در \u2068۲۱\u2069 فوریه \u2068۲۰۲۶\u2069"),
    ],
)
def test_days_are_named_as_people_name_them(days, en, fa):
    named = when(TODAY - timedelta(days=days), TODAY, "gregorian")
    assert (named.en, named.fa) == (en, fa)


def test_a_date_replaces_the_distance_only_after_the_recent_days():
    last_recent = when(TODAY - timedelta(days=RECENT_DAYS), TODAY, "gregorian")
    assert last_recent.en == "30 days ago"


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
def test_the_persian_year_begins_on_the_day_of_the_calendar(first_day, year):
    assert date_name(first_day, "jalali").en == f"1 Farvardin {year}"


def test_leap_years_have_a_thirtieth_of_esfand():
    assert date_name(date(2025, 3, 20), "jalali").en == "30 Esfand 1403"
    assert date_name(date(2026, 3, 20), "jalali").en == "29 Esfand 1404"


@pytest.mark.parametrize("day", [date(1, 1, 1), date(9999, 12, 31)])
def test_a_day_without_a_jalali_name_has_its_gregorian_one(day):
    assert str(day.year) in date_name(day, "jalali").en
    assert month_key(day, "jalali") == f"{day.year:04}-{day.month:02}"
