"""Value, satisfaction, behaviour and classes by value, held against the naive scorer."""

import random
from datetime import timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chalicelib.policy import compile_policy
from chalicelib.scoring import Written, next_change_at, publish, score_card
from chalicelib.scoring.assessment import assess
from chalicelib.scoring.explanation import customer_points, line_ids
from tests.oracle.scorer import naive_card
from tests.scoring.customer_examples import kinds, models_for, pages, rows
from tests.scoring.examples import NOW, SUBJECT, assert_well_formed, fact_set
from tests.scoring.test_against_oracle import (
    customer_of,
    lines,
    naive_customer,
    on_an_edge,
    rfm_of,
)

MINUTE = timedelta(minutes=1)


@settings(max_examples=120)
@given(pages, rows, kinds)
def test_a_customer_is_what_the_naive_scorer_says(page, facts, kind):
    assert_well_formed(page)
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


@settings(max_examples=80)
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
