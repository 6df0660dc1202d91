"""Chapter 9, forecast: what open deals will bring, by the probability of their stage."""

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.facts import iso
from chalicelib.core.funnel import STAGES, ClosedDeal
from chalicelib.core.policy import FittedModels
from chalicelib.policy import compile_policy
from chalicelib.scoring import outputs, score_card
from chalicelib.scoring.funnel import closed_deals, sightings
from chalicelib.training.stages import pooled_upwards, stage_probabilities
from tests.oracle.pipeline_value import naive_probabilities
from tests.scoring.examples import NOW, SUBJECT, ago, fact_set, row, starter

FUNNEL = {"stages": {"intro": ["s1"], "offer": ["s3"], "contract": ["s5"]}}
ODDS = {"intro": 0.25, "trial": 0.25, "offer": 0.5, "negotiation": 0.5, "contract": 0.8}
FITTED = FittedModels("f", {"stages": {"p": ODDS, "remaining_days": {"offer": 20}, "n": 90}})


def deal(identity, stage, amount, closes=None, currency="USD", status="open"):
    data = {"status": status, "stage": stage, "pipeline": "default"}
    if amount is not None:
        data["amount"] = {"amount": amount, "currency": currency}
    if closes:
        data["expected_at"] = iso(closes)
    return row("deal", identity, data, NOW, ago(days=3))


def forecast(*rows, **changes):
    policy = compile_policy(starter(funnel=FUNNEL, **changes))
    return score_card(SUBJECT, fact_set(rows), policy, FITTED, NOW).forecast


def test_9_the_forecast_is_the_sum_of_amounts_by_their_probability():
    found = forecast(deal("1", "s3", 1000), deal("2", "s1", 2000))
    assert found.expected.amount == 1000
    assert found.deviation.amount == round(math.sqrt(1000**2 * 0.25 + 2000**2 * 0.25 * 0.75))


def test_9_it_goes_by_the_month_of_the_expected_close():
    rows = [
        deal("1", "s3", 1000, NOW + timedelta(days=1)),
        deal("2", "s5", 500, NOW + timedelta(40)),
    ]
    assert forecast(*rows).months == {"2026-03": 500, "2026-04": 400}


def test_9_the_months_may_be_jalali_in_the_policys_zone():
    rows = [deal("1", "s3", 1000, NOW + timedelta(hours=1))]
    assert forecast(*rows, calendar="jalali", time_zone="Asia/Tehran").months == {"1405-01": 500}


def test_9_a_past_close_is_moved_by_the_median_time_that_is_left_and_flagged():
    found = forecast(deal("1", "s3", 1000, ago(days=50)))
    assert found.months == {"2026-04": 500}  # 21 March and 20 days
    assert found.overdue == ("1",)


def test_9_without_a_date_it_is_in_the_total_and_in_no_month():
    found = forecast(deal("1", "s3", 1000))
    assert (found.expected.amount, found.months) == (500, {})


@pytest.mark.parametrize(
    "incomplete",
    [
        deal("1", "s3", None), deal("1", "s3", 0), deal("1", "s3", -5),
        deal("1", "s3", 900, currency="EUR"), deal("1", "s9", 900),
    ],
)  # fmt: skip
def test_9_what_lacks_a_sum_or_a_stage_counts_0_and_is_listed(incomplete):
    found = forecast(incomplete, deal("2", "s3", 1000))
    assert (found.expected.amount, found.incomplete) == (500, ("1",))


def test_9_closed_deals_are_no_forecast():
    assert forecast(deal("1", "s3", 1000, status="lost")) is None


def test_9_the_expected_value_is_written_in_major_units():
    policy = compile_policy(starter(funnel=FUNNEL))
    card = score_card(SUBJECT, fact_set([deal("1", "s3", 5055)]), policy, FITTED, NOW)
    (output,) = [one for one in outputs(policy, "contact") if one.name == "expected_value"]
    assert output.read(card, "en") == 25.28


def test_9_a_stages_probability_is_smoothed_towards_the_share_that_was_won():
    deals = [ClosedDeal({"offer": 5.0}, won=place < 3) for place in range(4)]
    deals += [ClosedDeal({"intro": 9.0}, won=False)] * 6
    p = stage_probabilities(deals)["p"]
    prior = 3 / 10
    assert p["intro"] == pytest.approx((3 + 10 * prior) / (10 + 10))
    assert p["offer"] == pytest.approx((3 + 10 * prior) / (4 + 10))


def test_9_the_probabilities_never_fall_along_the_funnel():
    assert pooled_upwards([0.5, 0.1], [1, 3]) == pytest.approx([0.2, 0.2])


def test_9_no_closed_deal_makes_no_probability():
    assert stage_probabilities([]) == {"n": 0}


def test_9_the_time_that_is_left_is_the_median_of_won_deals():
    deals = [ClosedDeal({"offer": days}, won=True) for days in (10.0, 30.0, 20.0)]
    deals += [ClosedDeal({"offer": 500.0}, won=False)]
    assert stage_probabilities(deals)["remaining_days"] == {"offer": 20.0}


def test_9_closed_deals_are_learned_from_with_the_stages_that_they_were_seen_in():
    opened = deal("1", "s1", 1000) | {"modified_at": iso(ago(days=40))}
    offered = deal("1", "s3", 1000) | {"modified_at": iso(ago(days=30))}
    closed = deal("1", "closedwon", 1000, status="won") | {"modified_at": iso(ago(days=9))}
    closed["data"]["closed_at"] = iso(ago(days=10))
    rows = [opened, offered, closed]
    history = sightings(next(iter(fact_set([one]))) for one in rows)
    policy = compile_policy(starter(funnel=FUNNEL)).funnel
    found = closed_deals(fact_set(rows).merge(history), policy)
    assert found == {"1": ClosedDeal({"intro": 30.0, "offer": 20.0}, won=True)}


seen = st.sets(st.sampled_from(sorted(STAGES)), max_size=3)


@given(st.lists(st.tuples(seen, st.booleans()), min_size=1, max_size=30))
def test_9_probabilities_are_those_of_the_naive_fit(deals):
    fitted = stage_probabilities(ClosedDeal(dict.fromkeys(s, 1.0), won) for s, won in deals)["p"]
    assert fitted == pytest.approx(naive_probabilities(deals), abs=1e-6)
    assert list(fitted.values()) == sorted(fitted.values())
