"""Chapter 7.2, indirect value: who brought in enough purchases of others is an influencer."""

from datetime import timedelta

from chalicelib.core.policy import NOTHING_FITTED
from chalicelib.policy import compile_policy, validate
from chalicelib.scoring import Written, next_change_at, publish, score_card
from tests.scoring.examples import NOW, SUBJECT, ago, bought, fact_set, refunded, starter


def policy(**referrals):
    attribute = {"referred_by": {"type": "text", "of": "contact", "hubspot": "referred_by"}}
    page = starter(referrals={"attribute": "referred_by", **referrals})
    page["attributes"] |= attribute
    validate(page)
    return compile_policy(page)


def brought_in(count, when=None):
    return [bought(str(n), when or ago(days=n), 1000, credit="referral") for n in range(count)]


def card(rows, now=NOW, **referrals):
    return score_card(SUBJECT, fact_set(rows), policy(**referrals), NOTHING_FITTED, now)


def test_7_2_three_purchases_of_others_make_an_influencer():
    assert card(brought_in(2)).tags == ()
    assert card(brought_in(3)).tags == ("influencer",)


def test_7_2_the_policy_says_how_many():
    assert card(brought_in(1), influencer_from=1).tags == ("influencer",)


def test_7_2_what_was_brought_back_makes_none_from_then_on():
    back = refunded("r", "2", NOW + timedelta(days=1), 1000)
    assert card([*brought_in(3), back]).tags == ("influencer",)
    assert card([*brought_in(3), back], NOW + timedelta(days=1)).tags == ()


def test_7_2_purchases_to_come_make_one_when_they_come_and_the_crm_hears_of_it():
    at = NOW + timedelta(days=3)
    rows = brought_in(3, at)
    assert card(rows).tags == ()
    shown = publish(card(rows), Written({}, certain=True), policy())
    found = next_change_at(SUBJECT, fact_set(rows), policy(), NOTHING_FITTED, NOW, shown)
    assert found == at
    assert card(rows, at).tags == ("influencer",)
