"""Chapters 9 and 10: what a customer is worth, the mixed score, its confidence and its class."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.card_json import card_json
from chalicelib.core.policy import FittedModels
from chalicelib.policy import PolicyInvalid, compile_policy, validate
from chalicelib.scoring import Written, next_change_at, publish, score_card
from chalicelib.scoring.models._ranks import percentile
from chalicelib.scoring.profile import profile_of
from chalicelib.training.classes import class_borders
from chalicelib.training.ranks import percentile_cuts
from tests.scoring.examples import (
    CUTS,
    NOW,
    SUBJECT,
    ago,
    answer,
    bought,
    contact,
    fact_set,
    refunded,
    starter,
    ticket,
    won,
)


def page_of(*components, **customer):
    page = starter()
    page["attributes"] |= {
        "nps": {"type": "number", "of": "survey"},
        "subject": {"type": "text", "of": "ticket"},
        "acquisition_cost": {"type": "number", "of": "contact"},
    }
    page["customer"]["components"] = [{"id": one["model"], **one} for one in components]
    page["customer"] |= customer
    validate(page)
    return page


def value_of(rows, now=NOW, **options):
    model = compile_policy(page_of({"model": "value", **options})).customer.components[0].model
    measure = model.measure(profile_of(SUBJECT, fact_set(rows), now)[0], {})
    return measure.detail


def fitted(page, values=(), **more):
    """Trained on customers of these values."""
    basis = compile_policy(page).customer.components[0].model.basis
    cuts = {"cuts": percentile_cuts(values), "basis": basis}
    return FittedModels("v", {"value": cuts, "rfm": CUTS, **more})


def card_of(page, rows, models, now=NOW):
    return score_card(SUBJECT, fact_set(rows), compile_policy(page), models, now)


YEAR = [won("1", ago(days=400), 1_000), won("2", ago(days=200), 200), won("3", ago(days=10), 30)]


def test_9_realised_revenue_is_told_in_windows():
    found = value_of(YEAR)
    assert found.realised.amount == 1_230
    assert {days: money.amount for days, money in found.windows.items()} == {90: 30, 365: 230}


def test_9_last_three_months_compare_ten_million_with_two():
    page = page_of({"model": "value", "window_days": 90})
    page["currency"] = "IRR"
    models = fitted(page, [20_000_000] * 50 + [100_000_000] * 50)
    cards = [
        card_of(page, [won("1", ago(days=30), rial, "IRR")], models)
        for rial in (100_000_000, 20_000_000)
    ]
    assert [card.customer.components["value"] for card in cards] == [75, 25]


def test_9_net_revenue_is_after_refunds():
    assert value_of([*YEAR, refunded("r", "deal:1", ago(days=9), 400)]).realised.amount == 830


def test_what_others_bought_counts_with_its_share_and_no_more_than_the_page_says():
    rows = [
        *YEAR,
        bought("A", ago(days=5), 10_000, credit="referral"),
        bought("B", ago(days=5), 10_000, credit="referral", share=0.05),
        bought("C", ago(days=5), 10_000, credit="referral", share=1),
        bought("D", ago(days=5), 10_000, credit="influence"),
    ]
    found = value_of(rows, credit={"referral": 0.2})
    assert found.indirect.amount == 2_000 + 500 + 2_000
    assert value_of(rows).indirect.amount == 0


def test_acquisition_and_service_cost_are_subtracted_when_known():
    rows = [*YEAR, contact(acquisition_cost=5), ticket("t", ago(days=3)), ticket("u", ago(days=2))]
    costs = {"attributes": ["acquisition_cost"], "per_ticket": 1.5}
    found = value_of(rows, costs=costs)
    assert (found.cost.amount, found.total.amount) == (800, 430)
    assert value_of(YEAR, costs=costs).cost.amount == 0


def test_money_without_a_rate_is_left_out_and_flagged():
    page = page_of({"model": "value"})
    card = card_of(page, [*YEAR, won("4", ago(days=1), 900, "EUR")], fitted(page, range(100)))
    assert card.value.realised.amount == 1_230
    assert card.flags == ("no_rate",)


@given(st.lists(st.integers(-50, 50), min_size=15, max_size=300), st.integers(-60, 60))
def test_10_a_value_has_its_mid_rank_to_half_a_point(values, value):
    below = sum(one < value for one in values)
    equal = sum(one == value for one in values)
    exact = 100 * (below + equal / 2) / len(values)
    assert percentile(percentile_cuts(values), value) == pytest.approx(exact, abs=0.5 + 1e-9)


def test_10_thresholds_may_stand_for_the_rank():
    page = page_of({"model": "value", "thresholds": [1, 5, 10, 20], "thresholds_serve": "always"})
    card = card_of(page, YEAR, fitted(page, [1] * 100))
    assert card.customer.components["value"] == 75  # 12.30 USD is above three of four


MIXED = (
    {"model": "behaviour", "weight": 40, "purchases": 60, "rules": starter()["lead"]["groups"][1]["rules"]},
    {"model": "value", "weight": 40},
    {"model": "satisfaction", "weight": 20},
)  # fmt: skip


def test_10_behaviour_is_engagement_and_purchase_activity():
    page = page_of(MIXED[0])
    card = card_of(page, YEAR, FittedModels("c", {"rfm": CUTS}))
    # R = 5 gives 30 of 60, F = 3 half of the other 30.
    assert card.customer.components["behaviour"] == 45
    assert card.rfm.segment == "potential_loyalist"


def test_10_the_score_is_mixed_of_what_is_known_and_confidence_tells_how_much_that_is():
    page = page_of(*MIXED)
    card = card_of(page, YEAR, FittedModels("c", {"rfm": CUTS}))
    assert card.customer.components == {"behaviour": 45}
    assert (card.customer.score, card.customer.confidence) == (45, 0.4)
    answered = [*YEAR, answer("s", NOW, 10)]
    card = card_of(page, answered, FittedModels("c", {"rfm": CUTS}))
    assert card.customer.score == round((40 * 45 + 20 * 100) / 60)
    assert card.customer.confidence == pytest.approx(0.6)


@pytest.mark.parametrize(("known", "certain"), [(0.4, False), (0.6, True)])
def test_10_below_half_the_class_has_a_question_mark(known, certain):
    rows = [*YEAR, answer("s", NOW, 10)] if known > 0.5 else YEAR
    card = card_of(page_of(*MIXED), rows, FittedModels("c", {"rfm": CUTS}))
    assert card.customer.class_certain is certain
    assert card_json(card)["customer"]["class_certain"] is certain


@pytest.mark.parametrize(("days", "kept"), [(89, True), (90, False), (None, False)])
def test_10_an_uncertain_class_never_replaces_a_founded_one_of_less_than_90_days(days, kept):
    policy = compile_policy(page_of(*MIXED))
    card = card_of(page_of(*MIXED), YEAR, FittedModels("c", {"rfm": CUTS}))
    founded_at = None if days is None else ago(days=days)
    fields = publish(card, Written({"class": "A"}, certain=True, founded_at=founded_at), policy)
    assert fields["class"] == ("A" if kept else card.customer.class_)
    assert f"class:{fields['class']}" in fields["tags"]


def test_10_the_card_is_due_when_the_founded_class_has_had_its_time():
    page, models = page_of(MIXED[1], MIXED[2] | {"weight": 100}), FittedModels("none", {})
    page["customer"]["components"][0] |= {"thresholds": [1, 5, 10, 20]}
    policy, facts = compile_policy(page), fact_set(YEAR)
    card = score_card(SUBJECT, facts, policy, models, NOW)
    assert not card.customer.class_certain
    founded_at = ago(days=30)
    shown = publish(card, Written({"class": "C"}, True, founded_at), policy)
    assert (shown["class"], card.customer.class_) == ("C", "A")
    change = next_change_at(SUBJECT, facts, policy, models, NOW, shown, founded_at)
    assert change == founded_at + timedelta(days=90)


def test_10_classes_are_who_makes_the_first_80_and_the_next_15_per_cent_of_value():
    assert class_borders([60, 20, 10, 5, 3, 2], (0.8, 0.95)) == {"A": 20, "B": 5}


def test_10_ties_at_the_border_stay_together():
    values = [40, 20, 20, 20, 0]
    borders = class_borders(values, (0.8, 0.95))
    assert borders == {"A": 20, "B": 20}
    assert sum(value >= borders["A"] for value in values) == 4


def test_10_where_everybody_has_nothing_all_are_in_class_c():
    assert class_borders([0, 0, -5], (0.8, 0.95)) == {"A": None, "B": None}


@pytest.mark.parametrize(("cents", "class_"), [(2_000, "A"), (1_999, "B"), (500, "B"), (499, "C")])
def test_10_a_class_by_value_does_not_look_at_the_score(cents, class_):
    page = page_of({"model": "value"}, classes={"A": 70, "B": 40, "value_shares": [0.8, 0.95]})
    models = fitted(page, [1] * 100)
    borders = {"A": 2_000, "B": 500, "basis": models.parameters["value"]["basis"]}
    models = replace(models, parameters={**models.parameters, "classes": borders})
    assert card_of(page, [won("1", ago(days=5), cents)], models).customer.class_ == class_


def test_10_until_borders_are_known_the_score_decides():
    page = page_of({"model": "value"}, classes={"A": 70, "B": 40, "value_shares": [0.8, 0.95]})
    assert card_of(page, YEAR, fitted(page, [1] * 100)).customer.class_ == "A"


def test_cut_points_of_values_that_were_made_otherwise_are_not_used():
    page = page_of({"model": "value", "window_days": 90})
    models = fitted(page_of({"model": "value"}), range(100))
    assert card_of(page, YEAR, models).customer is None


def test_first_time_and_new_customers_are_recognised():
    page = page_of({"model": "rfm"}, new_days=30)
    models = FittedModels("c", {"rfm": CUTS})
    once, twice, old = (
        card_of(page, rows, models).tags
        for rows in (YEAR[2:], [*YEAR[2:], won("4", ago(days=2))], YEAR)
    )
    assert {"customer:first-time", "customer:new"} <= set(once)
    assert "customer:new" in twice
    assert "customer:first-time" not in twice
    assert not any(tag.startswith("customer:") for tag in old)


def test_a_customer_ceases_to_be_new_when_the_window_ends():
    page = page_of({"model": "rfm"}, new_days=12)
    policy, facts, models = (
        compile_policy(page),
        fact_set(YEAR[2:]),
        FittedModels("c", {"rfm": CUTS}),
    )
    shown = publish(score_card(SUBJECT, facts, policy, models, NOW), Written({}, True), policy)
    assert next_change_at(SUBJECT, facts, policy, models, NOW, shown) == NOW + timedelta(days=2)


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({"classes": {"A": 70, "B": 40, "value_shares": [0.95, 0.8]}}, "shares that rise"),
        ({"components": [{"id": "r", "model": "rfm"}],
          "classes": {"A": 70, "B": 40, "value_shares": [0.8, 0.95]}}, "add a component of the model value"),
        ({"components": [{"id": "v", "model": "value", "costs": {"attributes": ["email"]}}]}, "no attribute of type number"),
        ({"components": [{"id": "v", "model": "value", "costs": {"per_ticket": 1}}]}, "add an attribute of: ticket"),
        ({"components": [{"id": "s", "model": "satisfaction"}]}, "add an attribute of: survey"),
    ],
)  # fmt: skip
def test_a_page_that_cannot_mean_it_is_told_what_to_write(change, advice):
    page = starter()
    page["customer"]["components"] = [{"id": "v", "model": "value"}]
    page["customer"] |= change
    with pytest.raises(PolicyInvalid, match=advice):
        validate(page)
