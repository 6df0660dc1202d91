"""Chapter 0, "Refunds": what goes back makes a purchase smaller, and never less than nothing."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.model import Money
from chalicelib.core.purchases import turnover
from chalicelib.scoring.profile import profile_of
from tests.scoring.examples import NOW, SUBJECT, ago, bought, fact_set, refunded, row, won


def sums(*rows, as_of=None):
    return [one.amount.amount for one in turnover(fact_set(rows), as_of).purchases]


def doubts(*rows):
    return turnover(fact_set(rows)).in_doubt


ORDER = bought("A", ago(days=9), 10_000)


def test_a_refund_is_taken_from_the_purchase_that_it_names():
    assert sums(ORDER, refunded("r", "A", ago(days=2), 2_500)) == [7_500]


def test_a_refund_of_a_won_deal_names_the_deal():
    assert sums(won("5", ago(days=9), 800), refunded("r", "deal:5", ago(days=2), 300)) == [500]


@pytest.mark.parametrize("amount", [10_000, 10_001, 10**9])
def test_what_is_wholly_refunded_is_no_purchase_and_never_less_than_nothing(amount):
    assert sums(ORDER, refunded("r", "A", ago(days=2), amount)) == []


@pytest.mark.parametrize("amount", [2_500, -2_500])
def test_a_refund_may_be_written_with_either_sign(amount):
    assert sums(ORDER, refunded("r", "A", ago(days=2), amount)) == [7_500]


def test_a_negative_purchase_that_names_another_is_a_refund():
    back = bought("B", ago(days=2), -2_500, purchase="A")
    assert sums(ORDER, back) == [7_500]
    assert doubts(ORDER, back) == ()


def test_a_negative_amount_without_a_reference_is_set_aside_and_seen():
    assert sums(bought("B", ago(days=2), -2_500)) == []
    assert doubts(bought("B", ago(days=2), -2_500)) == ("negative_amount:B",)


def test_an_amount_of_zero_is_no_purchase_and_in_no_doubt():
    assert sums(bought("B", ago(days=2), 0)) == []
    assert doubts(bought("B", ago(days=2), 0)) == ()


def test_a_refund_waits_for_its_purchase_and_is_seen_until_then():
    early = refunded("r", "A", ago(days=20), 2_500)
    assert doubts(early) == ("refund_without_purchase:r",)
    assert sums(early, ORDER) == [7_500]
    assert doubts(early, ORDER) == ()


def test_a_refund_counts_from_its_own_time_on():
    later = refunded("r", "A", NOW + timedelta(days=1), 2_500)
    assert sums(ORDER, later, as_of=NOW) == [10_000]
    assert sums(ORDER, later, as_of=NOW + timedelta(days=1)) == [7_500]
    profile, next_fact_at = profile_of(SUBJECT, fact_set([ORDER, later]), NOW)
    assert profile.purchases[0].amount == Money(10_000, "USD")
    assert next_fact_at == NOW + timedelta(days=1)


def test_a_refund_on_the_bill_takes_its_share_of_what_the_bill_is_worth():
    foreign = won("5", ago(days=9), 1_000, "EUR", worth=1_087)
    assert sums(foreign, refunded("r", "deal:5", ago(days=2), 250, "EUR")) == [815]  # of 815.25
    assert sums(foreign, refunded("r", "deal:5", ago(days=2), 250, "USD")) == [837]


def test_a_refund_in_a_currency_of_neither_is_set_aside():
    rows = ORDER, refunded("r", "A", ago(days=2), 2_500, "EUR")
    assert sums(*rows) == [10_000]
    assert doubts(*rows) == ("refund_in_another_currency:r",)


@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=6), st.integers(1, 2_000))
def test_22_6_a_refund_in_parts_ends_like_the_refund_at_once(parts, worth):
    sale = won("5", ago(days=9), 10_000, "EUR", worth=worth)
    split = [refunded(f"r{i}", "deal:5", ago(days=2), part, "EUR") for i, part in enumerate(parts)]
    at_once = refunded("r", "deal:5", ago(days=2), sum(parts), "EUR")
    assert sums(sale, *split) == sums(sale, at_once)


def test_a_purchase_of_somebody_else_is_credited_and_not_ones_own():
    rows = [ORDER, bought("B", ago(days=2), 400, credit="referral", share=0.5)]
    found = turnover(fact_set([*rows, refunded("r", "B", ago(days=1), 100)]))
    assert [one.id for one in found.purchases] == ["A"]
    (credited,) = found.credited
    assert (credited.credit, credited.share) == ("referral", 0.5)
    assert credited.purchase.amount == Money(300, "USD")


def test_a_refund_without_an_amount_is_refused():
    with pytest.raises(ValueError, match="a refund needs an amount"):
        turnover(fact_set([row("refund", "r", {"purchase": "A"})]))


def test_a_bill_of_nothing_that_is_worth_something_stays_what_it_is_worth():
    sale = won("5", ago(days=9), 0, "EUR", worth=1)
    assert sums(sale, refunded("r", "deal:5", ago(days=2), 0, "USD")) == [1]
