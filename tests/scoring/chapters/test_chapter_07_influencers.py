"""Chapter 7.2, indirect value: who brought in enough purchases of others is an influencer."""

from chalicelib.core.policy import NOTHING_FITTED
from chalicelib.policy import compile_policy, validate
from chalicelib.scoring import score_card
from tests.scoring.examples import NOW, SUBJECT, ago, fact_set, row, starter


def tags(count, when=None, **referrals):
    attribute = {"referred_by": {"type": "text", "of": "contact", "hubspot": "referred_by"}}
    page = starter(referrals={"attribute": "referred_by", **referrals})
    page["attributes"] |= attribute
    validate(page)
    data = {"amount": {"amount": 1000, "currency": "USD"}, "credit": "referral"}
    rows = [row("purchase", str(n), data, when or ago(days=n)) for n in range(count)]
    return score_card(SUBJECT, fact_set(rows), compile_policy(page), NOTHING_FITTED, NOW).tags


def test_7_2_three_purchases_of_others_make_an_influencer():
    assert tags(2) == ()
    assert tags(3) == ("influencer",)


def test_7_2_the_policy_says_how_many():
    assert tags(1, influencer_from=1) == ("influencer",)


def test_7_2_purchases_to_come_make_none():
    assert tags(3, when=ago(days=-3)) == ()
