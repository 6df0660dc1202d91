"""Purchases are counted in the connection's currency wherever what they are worth is known."""

import pytest

from chalicelib.core.facts import FactSet
from chalicelib.core.model import Money
from tests.scoring.examples import NOW, ago, fact_set, row, won


def sums(*rows):
    return [purchase.amount for purchase in fact_set(rows).purchases()]


def test_a_deal_in_the_connections_currency_counts_as_it_is():
    assert sums(won("1", NOW, 2933, "USD")) == [Money(2933, "USD")]


def test_a_foreign_deal_counts_with_what_it_is_worth():
    assert sums(won("1", NOW, 1000, "EUR", worth=1086)) == [Money(1086, "USD")]


def test_a_foreign_deal_without_a_rate_counts_as_it_is():
    assert sums(won("1", NOW, 1000, "EUR")) == [Money(1000, "EUR")]


def test_the_original_amount_of_a_deal_stays():
    [deal] = fact_set([won("1", NOW, 1000, "EUR", worth=1086)]).deals()
    assert (deal.amount, deal.value) == (Money(1000, "EUR"), Money(1086, "USD"))


def test_an_order_of_a_shop_may_tell_its_worth_too():
    amount = {"amount": 1000, "currency": "EUR"}
    order = row("purchase", "A", {"amount": amount}, ago(days=2))
    worth = {"amount": 1086, "currency": "USD"}
    told = row("purchase", "B", {"amount": amount, "value": worth}, ago(days=1))
    assert sums(told, order) == [Money(1000, "EUR"), Money(1086, "USD")]


def test_an_order_without_any_sum_is_refused():
    with pytest.raises(ValueError, match="needs an amount"):
        fact_set([row("purchase", "A", {})]).purchases()


def test_a_better_rate_replaces_an_older_one_of_the_same_deal():
    earlier, later = (
        fact_set([won("1", NOW, 1000, "EUR", worth=worth) | {"occurred_at": at}])
        for worth, at in ((1086, "2026-03-21T12:30:00Z"), (1090, "2026-03-22T12:30:00Z"))
    )
    merged = earlier.merge(later)
    assert merged == later.merge(earlier)
    assert [one.amount for one in merged.purchases()] == [Money(1090, "USD")]
    assert merged.beyond(earlier)
    assert isinstance(merged, FactSet)


def test_what_others_bought_is_credited_and_no_purchase_of_ones_own():
    amount = {"amount": 1000, "currency": "USD"}
    own = row("purchase", "A", {"amount": amount}, ago(days=2))
    others = row("purchase", "B", {"amount": amount, "credit": "referral"}, ago(days=1))
    facts = fact_set([own, others])
    assert [purchase.id for purchase in facts.purchases()] == ["A"]
    assert [purchase.id for purchase in facts.credited("referral")] == ["B"]
    assert facts.credited("gift") == ()
