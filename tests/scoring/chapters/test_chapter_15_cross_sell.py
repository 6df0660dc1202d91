"""Chapter 15, cross-sell: lift with 20 joint customers and a lower bound above 1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.card_json import card_json
from chalicelib.core.policy import FittedModels
from chalicelib.policy import compile_policy, validate
from chalicelib.scoring import Written, publish, score_card
from chalicelib.training.cross_sell import cross_sell, lift_and_bound
from tests.oracle.cross_sell import naive_pairs
from tests.scoring.examples import NOW, SUBJECT, ago, bought, fact_set, refunded, starter

TEA, CUPS, BOTH, CAKE = (frozenset(one.split()) for one in ("tea", "cups", "tea cups", "cake"))


def pairs(customers):
    found = cross_sell(customers)["goes_with"]
    return {(c, d): (lift, bound) for c, rows in found.items() for d, lift, bound in rows}


def policy():
    page = starter(products={"categories": ["tea", "cups", "cake"]})
    validate(page)
    return compile_policy(page)


MODELS = FittedModels("m", {"cross_sell": cross_sell([BOTH] * 40 + [TEA] * 40 + [CAKE] * 120)})


def card(*categories, models=MODELS, at=None):
    rows = [bought(one, at or ago(days=9), category=one) for one in categories]
    return score_card(SUBJECT, fact_set(rows), policy(), models, NOW)


def test_15_lift_is_how_much_more_often_buyers_of_one_buy_the_other():
    lift, bound = lift_and_bound(both=40, c=80, d=50, n=200)
    assert lift == pytest.approx((40 / 80) / (50 / 200))
    assert bound == pytest.approx(1.6878, abs=1e-4)


def test_15_nineteen_joint_customers_are_too_few():
    assert pairs([BOTH] * 19 + [CAKE] * 200) == {}
    assert ("tea", "cups") in pairs([BOTH] * 20 + [CAKE] * 200)


def test_15_a_lift_that_may_be_chance_is_none():
    customers = [BOTH] * 26 + [TEA] * 74 + [CUPS] * 24 + [CAKE] * 96
    lift, bound = lift_and_bound(both=26, c=100, d=50, n=220)
    assert (lift > 1, bound > 1) == (True, False)
    assert pairs(customers) == {}


def test_15_all_who_buy_everything_tell_nothing():
    assert pairs([BOTH] * 100) == {}


@given(st.lists(st.tuples(st.frozensets(st.sampled_from("abcd")), st.integers(1, 60)), max_size=8))
def test_15_pairs_are_the_naive_ones(groups):
    customers = [one for one, size in groups for _ in range(size)]
    naive = {pair: row for pair, row in naive_pairs(customers).items() if row[1] > 1 + 1e-9}
    found = {pair: row for pair, row in pairs(customers).items() if row[1] > 1}
    assert found.keys() <= naive.keys()
    for pair, row in found.items():
        assert row == pytest.approx(naive[pair], abs=1e-4)
    assert all(naive[pair][1] < 1.0001 for pair in naive.keys() - found.keys())


def test_15_who_has_one_and_not_the_other_is_suggested_it_with_the_bound():
    found = card("tea").suggestion
    assert (found.category, found.given, found.lift) == ("cups", "tea", 2.5)
    assert found.text.en == (
        "Offer cups: buyers of tea buy it 2.50 times as often as all customers, "
        f"at least {found.at_least:.4f}"[:-2]
        + " times (95 %)"
    )
    assert "برابر همهٔ مشتریان" in found.text.fa


def test_15_who_has_both_or_neither_is_suggested_nothing():
    assert card("tea", "cups").suggestion is None
    assert card("cake").suggestion is None
    assert card("tea", at=ago(days=-1)).suggestion is None
    assert card("tea", models=FittedModels("none", {})).suggestion is None


def test_15_what_was_brought_back_asks_for_nothing_beside_it_and_foreign_money_does():
    back = [bought("tea", ago(days=9), category="tea"), refunded("r", "tea", ago(days=1), 10_000)]
    foreign = [bought("tea", ago(days=9), 900, "EUR", category="tea")]
    for rows, category in ((back, None), (foreign, "cups")):
        found = score_card(SUBJECT, fact_set(rows), policy(), MODELS, NOW).suggestion
        assert (found and found.category) == category


def test_15_a_suggestion_is_no_reason_to_write():
    with_one, without = card("tea"), card("tea", models=FittedModels("none", {}))
    shown = publish(without, Written({}, certain=True), policy())
    assert publish(with_one, Written(shown, certain=True), policy()) is None
    assert card_json(with_one)["suggestion"]["category"] == "cups"
