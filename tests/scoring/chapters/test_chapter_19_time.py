"""Chapter 19, as far as it speaks of time: scores by Tehran's clock before and after 2022.

The calendar itself is tested in ``tests/localization/test_periods.py``.
"""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from chalicelib.core.policy import FittedModels
from chalicelib.policy import compile_policy
from chalicelib.scoring import Written, next_change_at, publish, score_card
from tests.scoring.chapters.test_chapter_01_lead_score import lead, page_of, rule
from tests.scoring.examples import CUTS, SUBJECT, activity, fact_set, starter, won


def test_19_the_zones_are_shipped_for_an_image_may_have_none():
    assert "tzdata" in Path("requirements.txt").read_text("utf-8")


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
