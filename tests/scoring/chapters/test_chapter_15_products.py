"""Chapter 15, product preference tags: shares, thresholds, and hysteresis in ``publish``."""

from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.core.facts import iso
from chalicelib.core.policy import NOTHING_FITTED
from chalicelib.policy import compile_policy, validate
from chalicelib.scoring import Written, next_change_at, publish, score_card
from chalicelib.scoring.products import leanings
from chalicelib.scoring.publication import provisioned
from tests.oracle.products import naive_shares
from tests.scoring.examples import (
    NOW,
    SUBJECT,
    ago,
    bought,
    fact_set,
    refunded,
    row,
    starter,
    won,
)

CATEGORIES = ["tea", "coffee", "cups", "books"]


def page():
    made = starter(products={"categories": CATEGORIES})
    validate(made)
    return compile_policy(made)


POLICY = page()


def order(identity, category, at, amount=1000):
    data = {"amount": {"amount": amount, "currency": "USD"}, "category": category}
    return row("purchase", identity, data, at)


def view(identity, category, at):
    return row("activity", identity, {"kind": "page.viewed", "category": category}, at)


def item(identity, deal, category, amount):
    worth = {"amount": amount, "currency": "USD"}
    return row("line_item", identity, {"deal_id": deal, "amount": worth, "category": category})


def tags(*rows, shown=(), now=NOW):
    card = score_card(SUBJECT, fact_set(rows), POLICY, NOTHING_FITTED, now)
    fields = publish(card, Written({"tags": shown}, certain=False), POLICY)
    return {tag for tag in fields["tags"] if tag.startswith("product:")}


TEA = [order(str(n), "tea", ago(days=n)) for n in range(4)]


def test_15_who_buys_one_category_far_more_than_an_even_share_prefers_it():
    assert tags(*TEA) == {"product:tea"}


def test_15_fewer_than_three_events_make_no_preference():
    rich = [order(str(n), "tea", ago(days=n), 10_000_000) for n in range(2)]
    assert tags(*rich) == set()


def test_15_two_preferences_may_stand_side_by_side():
    rows = [*TEA, *(order(f"c{n}", "coffee", ago(days=n)) for n in range(4))]
    assert tags(*rows) == set()  # (4 + 0.5) / (8 + 2) = 0.45 each, below a half
    assert tags(*rows, shown=("product:tea",)) == {"product:tea"}  # above 1.5 / 4


def test_15_below_one_and_a_half_even_shares_the_tag_goes():
    rows = [*TEA, *(order(f"c{n}", "coffee", ago(days=n)) for n in range(9))]
    assert tags(*rows, shown=("product:tea",)) == {"product:coffee"}


def test_15_views_weigh_a_tenth_of_a_mean_purchase():
    views = [view(str(n), "books", ago()) for n in range(30)]
    [only] = leanings({"books": [(0.0, 0.1)] * 30}, 4)
    assert only.share == pytest.approx((3 + 0.5) / (3 + 2))
    assert tags(*views) == {"product:books"}


def test_15_line_items_of_won_deals_count_at_the_time_of_the_deal():
    rows = [won("1", ago(days=1)), *(item(str(n), "1", "cups", 500) for n in range(4))]
    assert tags(*rows) == {"product:cups"}
    assert tags(*rows[1:]) == set()


def lines(*told):
    return [{"category": kind, "amount": {"amount": n, "currency": "USD"}} for kind, n in told]


def test_15_an_order_that_tells_no_kind_is_of_its_lines_by_what_they_cost():
    mixed = [("tea", 900), ("cups", 100), ("books", 0)]
    rows = [bought(str(n), ago(days=n), 1000, lines=lines(*mixed)) for n in range(4)]
    assert tags(*rows) == {"product:tea"}
    both = [bought(str(n), ago(days=n), 1000, category=["tea", "cups"], lines=lines(*mixed)) for n in range(4)]  # fmt: skip
    assert tags(*both) == {"product:tea"}
    free = [bought(str(n), ago(days=n), 1000, lines=lines(("tea", 0))) for n in range(4)]
    assert tags(*free) == set()


def test_15_what_was_brought_back_is_no_preference():
    back = [refunded(f"r{n}", str(n), ago(), 1000) for n in range(4)]
    assert tags(*TEA, *back[:1]) == {"product:tea"}
    assert tags(*TEA, *back) == set()
    sold = [won("1", ago(days=1), 2000), *(item(str(n), "1", "cups", 500) for n in range(4))]
    assert tags(*sold) == {"product:cups"}
    assert tags(*sold, refunded("r", "deal:1", ago(), 2000)) == set()


def test_15_money_that_nobody_told_the_worth_of_is_left_out():
    foreign = [bought(f"e{n}", ago(days=n), 10**9, "EUR", category="books") for n in range(4)]
    assert tags(*TEA, *foreign) == tags(*TEA)
    assert tags(*foreign) == set()


def test_15_items_of_a_deal_without_a_sum_count_from_its_closing_and_the_crm_hears_of_it():
    at = NOW + timedelta(days=2)
    deal = row("deal", "1", {"status": "won", "closed_at": iso(at)}, NOW, NOW)
    rows = [deal, *(item(str(n), "1", "cups", 500) for n in range(4))]
    assert tags(*rows) == set()
    assert tags(*rows, now=at) == {"product:cups"}
    facts = fact_set(rows)
    card = score_card(SUBJECT, facts, POLICY, NOTHING_FITTED, NOW)
    shown = publish(card, Written({}, certain=True), POLICY)
    assert next_change_at(SUBJECT, facts, POLICY, NOTHING_FITTED, NOW, shown) == at


def test_15_categories_that_the_policy_does_not_name_are_none():
    assert tags(*(order(str(n), "zebra", ago(days=n)) for n in range(5))) == set()


def test_15_a_preference_fades_and_the_crm_hears_of_it_at_the_minute():
    rows = [order(str(n), "tea", NOW) for n in range(4)]
    facts, now, shown = fact_set(rows), NOW, {}
    for _ in range(40):
        card = score_card(SUBJECT, facts, POLICY, NOTHING_FITTED, now)
        shown = publish(card, Written(shown, certain=True), POLICY) or shown
        if "product:tea" not in shown["tags"]:
            break
        then = next_change_at(SUBJECT, facts, POLICY, NOTHING_FITTED, now, shown)
        before = score_card(SUBJECT, facts, POLICY, NOTHING_FITTED, then - timedelta(minutes=2))
        assert publish(before, Written(shown, certain=True), POLICY) is None
        now = then
    # (4d + 0.5) / (4d + 2) = 1.5 / 4 at d = 0.1, so after 90 · log2(10) days
    assert (now - NOW) / timedelta(days=1) == pytest.approx(298.97, abs=0.01)


def test_15_scaling_all_amounts_changes_no_preference():
    rows = [*TEA, order("c", "coffee", NOW, 3000)]
    scaled = [order(str(n), "tea", ago(days=n), 70_000) for n in range(4)]
    assert tags(*rows) == tags(*scaled, order("c", "coffee", NOW, 210_000))


def test_15_every_tag_that_a_policy_can_give_is_provisioned():
    (row_,) = [one for one in provisioned(POLICY, "contact") if one.name == "tags"]
    assert {f"product:{one}" for one in CATEGORIES} <= {choice.value for choice in row_.choices}


doings = st.lists(
    st.tuples(st.sampled_from(CATEGORIES), st.floats(0, 500), st.floats(0.1, 9)), max_size=12
)


@given(doings)
def test_15_shares_are_the_naive_ones(rows):
    by_category = {one: [(a, w) for c, a, w in rows if c == one] for one, _, _ in rows}
    found = {one.category: one.share for one in leanings(by_category, 4)}
    assert found == pytest.approx(naive_shares(rows, 4))


@given(doings)
def test_15_a_threshold_is_crossed_when_it_was_foretold(rows):
    by_category = {one: [(a, w) for c, a, w in rows if c == one] for one, _, _ in rows}
    for leaning in leanings(by_category, 4):
        days = leaning.changes_in_days
        assume(days is None or days > 1e-6)
        if days is not None:
            later = naive_shares([(c, a + days, w) for c, a, w in rows], 4)[leaning.category]
            assert min(abs(later * 4 - k) for k in (2, 1.5)) < 1e-6
