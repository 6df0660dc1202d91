"""The product and the naive scorer of ``tests/oracle`` must say the same of anybody."""

import math

import pytest
from hypothesis import assume, given, settings

from chalicelib.policy import compile_policy
from chalicelib.scoring import score_card
from chalicelib.scoring.assessment import assess
from chalicelib.scoring.explanation import customer_points, lead_points, line_ids
from tests.oracle.scorer import naive_card
from tests.scoring.examples import (
    NOW,
    SUBJECT,
    assert_well_formed,
    fact_rows,
    fact_set,
    fitted,
    pages,
)


@settings(max_examples=150)
@given(pages, fact_rows, fitted)
def test_a_card_is_what_the_naive_scorer_says(page, rows, models):
    assert_well_formed(page)
    naive = naive_card(page, rows, models.parameters.get("rfm"), str(SUBJECT), NOW)
    assume(not on_an_edge(naive))
    policy = compile_policy(page)
    card = score_card(SUBJECT, fact_set(rows), policy, models, NOW)

    assert card.score == naive["score"]
    assert card.lead.score == naive["lead"]["score"]
    assert card.lead.grade == naive["lead"]["grade"]
    assert card.lead.temperature == naive["lead"]["temperature"]
    assert list(card.tags) == naive["tags"]
    assert card.completeness == pytest.approx(naive["completeness"])
    assert action_id(card, page) == naive["next_action"]
    assert rfm_of(card) == naive["rfm"]
    assert customer_of(card) == pytest.approx(naive_customer(naive))


@settings(max_examples=100)
@given(pages, fact_rows, fitted)
def test_contributions_before_rounding_are_those_of_the_naive_scorer(page, rows, models):
    naive = naive_card(page, rows, models.parameters.get("rfm"), str(SUBJECT), NOW)
    assessment = assess(SUBJECT, fact_set(rows), compile_policy(page), models, NOW)
    lead, known = assessment.lead, assessment.known_components
    assert lines(lead, lead_points(lead)) == pytest.approx(naive["lead"]["contributions"])
    if naive["customer"]:
        points = customer_points(known)
        assert lines(known, points) == pytest.approx(naive["customer"]["contributions"])


def lines(readings, points):
    return dict(zip(line_ids(readings), points, strict=True))


def on_an_edge(naive):
    """Two ways to add may differ in the last bit, and fall on two sides of a threshold."""
    points = [naive["lead"]["points"]]
    points += [naive["customer"]["points"]] if naive["customer"] else []
    return any(math.isclose(value % 1, 0.5, abs_tol=1e-6) for value in points)


def action_id(card, page):
    texts = {row["text"]["en"]: row["id"] for row in page["actions"]}
    return texts[card.next_action.en] if card.next_action else None


def rfm_of(card):
    if card.rfm is None:
        return None
    return {
        "recency_days": card.rfm.recency_days,
        "frequency": card.rfm.frequency,
        "monetary": card.rfm.monetary.amount,
        "scores": list(card.rfm.scores) if card.rfm.scores else None,
        "segment": card.rfm.segment,
        "next_segment": card.rfm.next_segment
        and [card.rfm.next_segment.purchases, card.rfm.next_segment.segment],
        "one_time_buyer": card.rfm.one_time_buyer,
    }


def customer_of(card):
    if card.customer is None:
        return {}
    return {
        "score": card.customer.score,
        "class": card.customer.class_,
        "confidence": card.customer.confidence,
        **{f"component {name}": value for name, value in card.customer.components.items()},
    }


def naive_customer(naive):
    if naive["customer"] is None:
        return {}
    found = naive["customer"]
    return {
        "score": found["score"],
        "class": found["class"],
        "confidence": found["confidence"],
        **{f"component {name}": value for name, value in found["components"].items()},
    }
