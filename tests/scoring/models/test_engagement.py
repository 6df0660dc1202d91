from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.policy import compile_policy
from chalicelib.scoring.profile import profile_of
from tests.scoring.examples import (
    NOW,
    SUBJECT,
    TEXT,
    activities,
    activity,
    ago,
    fact_set,
    past,
    starter,
)


def terms(rows, now=NOW, zone="UTC", calendar="gregorian", **rule):
    page = starter(time_zone=zone, calendar=calendar)
    rule = {"when": {"activity": "page.viewed"}, "points": 5, "text": TEXT} | rule
    page["lead"]["groups"][1]["rules"] = [{"id": "rule", **rule}]
    model = compile_policy(page).lead.groups[1].model
    return model.measure(profile_of(SUBJECT, fact_set(rows), now)[0], {}).terms


def points(*arguments, **rule):
    return sum(term.points for term in terms(*arguments, **rule))


def test_points_halve_with_every_half_life():
    visit = [activity("page.viewed", NOW)]
    for lives in range(5):
        later = NOW + timedelta(days=7 * lives)
        assert points(visit, later, half_life_days=7) == pytest.approx(5 / 2**lives)


def test_without_a_half_life_points_stay_for_ever():
    assert points([activity("page.viewed", ago(days=3000))]) == 5


def test_a_count_is_so_many_activities():
    assert points([activity("page.viewed", NOW, count=3)]) == 15


def test_what_has_not_happened_yet_does_not_count():
    assert points([activity("page.viewed", NOW + timedelta(minutes=1))]) == 0
    assert points([activity("page.viewed", NOW)]) == 5


def test_of_one_day_the_earlier_occurrences_count():
    day = datetime(2026, 3, 20, tzinfo=UTC)
    visits = [activity("page.viewed", day + timedelta(hours=hour)) for hour in (20, 8, 14)]
    earliest = [activity("page.viewed", day + timedelta(hours=8))]
    assert points(visits, max_per_day=1, half_life_days=7) == points(earliest, half_life_days=7)


def test_days_are_those_of_the_policys_zone():
    # 20:00 and 21:00 UTC are 23:30 and, on the next day, 00:30 in Tehran.
    evening = datetime(2026, 3, 18, 20, tzinfo=UTC)
    visits = [activity("page.viewed", evening + timedelta(hours=hours)) for hours in (0, 1)]
    assert points(visits, max_per_day=1, zone="UTC") == 5
    assert points(visits, max_per_day=1, zone="Asia/Tehran") == 10


def test_a_limit_holds_for_the_longest_of_all_days():
    # Kwajalein went from one side of the date line to the other, and had 30 September twice.
    start = datetime(1969, 9, 29, 13, tzinfo=UTC)
    visits = [activity("page.viewed", start + timedelta(hours=hours)) for hours in (0, 46)]
    assert points(visits, max_per_day=1, zone="Pacific/Kwajalein") == 5
    late = [activity("page.viewed", start + timedelta(hours=hours)) for hours in (0, 48)]
    assert points(late, max_per_day=1, zone="Pacific/Kwajalein") == 10


def test_a_daily_limit_cuts_through_a_count():
    visits = [activity("page.viewed", ago(hours=2), count=3), activity("page.viewed", ago(hours=1))]
    assert points(visits, max_per_day=2) == 10


def test_the_text_says_how_often_and_when_last():
    visits = [activity("page.viewed", ago(days=days)) for days in (9, 4)]
    (term,) = terms(visits)
    assert term.text.en == "Did it 2 times, last 4 days ago"
    assert term.text.fa == "\u2068۲\u2069 بار، آخرین بار \u2068۴\u2069 روز پیش"


def test_a_single_time_has_its_own_words():
    once = {"en": "Did it once", "fa": "یک بار"}
    (term,) = terms([activity("page.viewed", ago(days=1))], once=once)
    assert (term.text.en, term.text.fa) == ("Did it once yesterday", "یک بار، دیروز")


def test_what_is_long_past_is_told_by_its_date_in_the_policys_calendar():
    (term,) = terms([activity("page.viewed", ago(days=59))], calendar="jalali")
    assert term.text.en == "Did it 1 times on 1 Bahman 1404"


@given(
    st.lists(activities(past, ("page.viewed",)), max_size=20),
    st.integers(0, 100_000),
    st.one_of(st.none(), st.integers(1, 3)),
)
def test_silence_never_raises_positive_engagement(rows, minutes, limit):
    rule = {"half_life_days": 14, **({"max_per_day": limit} if limit else {})}
    later = NOW + timedelta(minutes=minutes)
    assert points(rows, later, **rule) <= points(rows, **rule) + 1e-9


@given(
    st.lists(activities(past, ("page.viewed",)), max_size=20), activities(past, ("page.viewed",))
)
def test_one_more_activity_never_lowers_an_unlimited_rule(rows, more):
    assert points([*rows, more], half_life_days=14) >= points(rows, half_life_days=14) - 1e-9
