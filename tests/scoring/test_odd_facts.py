"""Facts as odd as they may be still make a card, and one that wakes."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.core.card_json import card_json
from chalicelib.core.policy import NOTHING_FITTED
from chalicelib.policy import compile_policy, validate
from chalicelib.scoring import next_change_at, score_card
from chalicelib.scoring.models.satisfaction import Answer, parts
from tests.scoring.examples import NOW, SUBJECT, TEXT, bought, contact, fact_set, row, starter

LAST = datetime(9999, 12, 31, tzinfo=UTC)


def card(page, *rows):
    validate(page)
    policy, facts = compile_policy(page), fact_set(list(rows))
    next_change_at(SUBJECT, facts, policy, NOTHING_FITTED, NOW, {})
    made = score_card(SUBJECT, facts, policy, NOTHING_FITTED, NOW)
    return json.loads(json.dumps(card_json(made), allow_nan=False))


def test_of_answers_given_ages_ago_the_latest_still_counts():
    old = [Answer("nps", 9, 90.0, NOW - timedelta(days=days)) for days in (5000, 5100)]
    (weight, points), (_, less) = parts(old, NOW, 1, None)
    assert (weight, points, less) == (1.0, 90.0, pytest.approx(0))


def test_a_view_that_counts_any_number_of_times_is_one_preference():
    page = starter(products={"categories": ["tea", "cups", "cake"]})
    view = {"kind": "page.viewed", "category": "tea", "count": 10**30}
    assert "product:tea" in card(page, row("activity", "a", view))["tags"]


@pytest.mark.parametrize("minutes", [float("inf"), float("-inf"), float("nan"), 10**400])
def test_minutes_that_no_sum_can_hold_do_not_count(minutes):
    page = starter()
    rule = {"id": "long", "points": 5, "per": "minutes", "text": TEXT}
    page["lead"]["groups"][1]["rules"] = [rule | {"when": {"activity": "page.viewed"}}]
    seen = card(page, row("activity", "a", {"kind": "page.viewed", "minutes": minutes}))
    assert all("long" not in line["id"] for line in seen["lead"]["contributions"])


def test_costs_that_no_sum_can_hold_do_not_count():
    page = starter()
    page["attributes"]["cost"] = {"type": "number", "of": "contact", "hubspot": "cost"}
    worth = {"id": "worth", "model": "value", "costs": {"attributes": ["cost"]}}
    page["customer"]["components"].append(worth)
    assert card(page, contact(cost=float("inf")), bought("o", NOW))["customer"]


def test_a_first_purchase_in_the_year_one_has_no_jalali_date_and_a_card():
    page = starter(calendar="jalali", time_zone="Asia/Tehran")
    assert card(page, bought("o", datetime(1, 1, 2, tzinfo=UTC)))["customer"]


def test_a_deal_seen_in_the_last_year_of_all_is_recent_until_then():
    page = starter(funnel={"stages": {"intro": ["s1"]}, "stalled_days": {"intro": 3}})
    sighting = {"deal": "d", "stage": "s1", "pipeline": "p", "status": "open"}
    assert card(page, row("stage", "d@s1", sighting, LAST))["stage"] is None
