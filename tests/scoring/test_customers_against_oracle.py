"""Value, satisfaction, behaviour and classes by value, held against the naive scorer."""

import random
from datetime import timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chalicelib.core.policy import FittedModels
from chalicelib.policy import compile_policy, validate
from chalicelib.scoring import Written, next_change_at, publish, score_card
from chalicelib.scoring.assessment import assess
from chalicelib.scoring.explanation import customer_points, line_ids
from tests.oracle.scorer import naive_card
from tests.scoring.examples import (
    BY_ID,
    CUTS,
    NOW,
    SUBJECT,
    answer,
    contact,
    engagement_parameters,
    fact_rows,
    fact_set,
    instants,
    starter,
    ticket,
)
from tests.scoring.test_against_oracle import (
    customer_of,
    lines,
    naive_customer,
    on_an_edge,
    rfm_of,
)

MINUTE = timedelta(minutes=1)

answers = st.builds(
    answer,
    st.sampled_from(["s1", "s2", "s3", "s4"]),
    instants,
    st.integers(-1, 11),
    kind=st.sampled_from(["nps", "csat", "ces"]),
    survey=st.sampled_from([None, "after-sale"]),
)
tickets = st.builds(ticket, st.sampled_from(["t1", "t2"]), instants)
costs = st.builds(lambda spent: contact(acquisition_cost=spent), st.sampled_from([None, 5, 12.5]))
rows = st.tuples(fact_rows, st.lists(st.one_of(answers, answers, tickets, costs), max_size=10)).map(
    lambda both: both[0] + both[1]
)

values = st.fixed_dictionaries(
    {"id": st.just("value"), "model": st.just("value")},
    optional={
        "window_days": st.sampled_from([30, 365]),
        "credit": st.just({"referral": 0.2, "influence": 0.1}),
        "costs": st.sampled_from([{"attributes": ["acquisition_cost"]}, {"per_ticket": 7.5}]),
        "thresholds": st.just([10, 100, 500, 2000]),
        "thresholds_serve": st.sampled_from(["until_fitted", "always"]),
    },
)
satisfactions = st.fixed_dictionaries(
    {"id": st.just("satisfaction"), "model": st.just("satisfaction")},
    optional={"half_life_days": st.sampled_from([30, 180]), "weight": st.just(0.25)},
)
behaviours = st.builds(
    lambda rules, more: {**rules, **more, "id": "behaviour", "model": "behaviour"},
    engagement_parameters,
    st.fixed_dictionaries(
        {"purchases": st.sampled_from([30, 100])},
        optional={"window_days": st.just(90), "ties": st.just("first")},
    ),
)


def _page(components, shares, new_days, step):
    page = starter(publish={"step": step, "profile": "full"})
    page["attributes"] |= {
        "nps": {"type": "number", "of": "survey"},
        "subject": {"type": "text", "of": "ticket"},
        "acquisition_cost": {"type": "number", "of": "contact"},
    }
    page["customer"]["components"] = components
    if shares and any(one["model"] == "value" for one in components):
        page["customer"]["classes"]["value_shares"] = shares
    if new_days:
        page["customer"]["new_days"] = new_days
    return page


pages = st.builds(
    _page,
    st.tuples(behaviours, values, satisfactions).flatmap(
        lambda three: st.lists(st.sampled_from(three), min_size=1, max_size=3,
                               unique_by=lambda one: one["id"])
    ),
    st.sampled_from([None, [0.8, 0.95]]),
    st.sampled_from([None, 60]),
    st.sampled_from([1, 5]),
)  # fmt: skip


def models_for(page, kind):
    """What training would have learned, if it saw this policy."""
    policy = compile_policy(page)
    found = {"rfm": BY_ID if kind == "by id" else CUTS, "satisfaction": {"mean": 64.0}}
    if kind == "nothing":
        return FittedModels("none", {})
    for group in policy.customer.components:
        if group.model_name == "value":
            cuts = sorted([0] * 10 + [500 * n for n in range(60)] + [20_000] * 30)
            basis = group.model.basis if kind != "of another basis" else "{}"
            found["value"] = {"cuts": cuts, "basis": basis}
            found["classes"] = {"A": 50_000, "B": 9_000, "basis": basis}
    return FittedModels(kind, found)


kinds = st.sampled_from(["learned", "learned", "by id", "nothing", "of another basis"])


@settings(max_examples=300)
@given(pages, rows, kinds)
def test_a_customer_is_what_the_naive_scorer_says(page, facts, kind):
    validate(page)
    models = models_for(page, kind)
    cuts = models.parameters.get("rfm")
    naive = naive_card(page, facts, cuts, str(SUBJECT), NOW, fitted=models.parameters)
    assume(not on_an_edge(naive))
    policy = compile_policy(page)
    card = score_card(SUBJECT, fact_set(facts), policy, models, NOW)
    assert card.score == naive["score"]
    assert list(card.tags) == naive["tags"]
    assert card.completeness == pytest.approx(naive["completeness"])
    assert rfm_of(card) == naive["rfm"]
    assert customer_of(card) == pytest.approx(naive_customer(naive))
    if naive["customer"]:
        known = assess(SUBJECT, fact_set(facts), policy, models, NOW).known_components
        points = lines(known, customer_points(known))
        assert points == pytest.approx(naive["customer"]["contributions"])
        assert set(points) == set(line_ids(known))
        assert sum(line.points for line in card.contributions) == card.score


@settings(max_examples=60)
@given(pages, rows, kinds, st.integers(0, 10**6))
def test_22_1_no_order_and_no_second_arrival_changes_the_card(page, facts, kind, seed):
    models, policy = models_for(page, kind), compile_policy(page)
    kept = list({(fact["type"], fact["id"]): fact for fact in facts}.values())
    shuffled = kept * 2
    random.Random(seed).shuffle(shuffled)
    once, twice = (
        score_card(SUBJECT, fact_set(arrived), policy, models, NOW) for arrived in (kept, shuffled)
    )
    assert once == twice


@settings(max_examples=150)
@given(pages, rows, kinds, st.lists(st.floats(0, 1), min_size=8, max_size=8),
       st.sampled_from([None, 10, 89, 200]))  # fmt: skip
def test_nothing_is_published_before_the_change_and_something_at_it(
    page, facts, kind, shares, founded
):
    models, policy, known = models_for(page, kind), compile_policy(page), fact_set(facts)
    founded_at = None if founded is None else NOW - timedelta(days=founded)

    def published(at, shown):
        card = score_card(SUBJECT, known, policy, models, at)
        return publish(card, Written(shown, certain=True, founded_at=founded_at), policy)

    first = published(NOW, {"class": "A"} if founded else {})
    change = next_change_at(SUBJECT, known, policy, models, NOW, first, founded_at)
    quiet_for = (change - NOW if change else timedelta(days=1000)) - 1.001 * MINUTE
    if change:
        assert change > NOW
        assert published(change, first) is not None
    for share in shares if quiet_for > timedelta(0) else ():
        assert published(NOW + share * quiet_for, first) is None
