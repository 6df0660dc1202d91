import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.policy import compile_policy
from chalicelib.scoring import score_card
from chalicelib.scoring.explanation import capped, shared_out
from tests.scoring.examples import (
    NOW,
    SUBJECT,
    activity,
    ago,
    contact,
    fact_rows,
    fact_set,
    fitted,
    pages,
    starter,
)

POINTS = st.lists(st.floats(-100, 100), max_size=12)


@settings(max_examples=200)
@given(pages, fact_rows, fitted)
def test_contributions_sum_to_the_score_shown(page, rows, models):
    card = score_card(SUBJECT, fact_set(rows), compile_policy(page), models, NOW)
    for explained in (card.lead, card.customer) if card.customer else (card.lead,):
        assert sum(line.points for line in explained.contributions) == explained.score
        assert all(line.points != 0 for line in explained.contributions)
        assert 0 <= explained.score <= 100


@given(POINTS, st.floats(-50, 0), st.floats(0.5, 50))
def test_capped_points_sum_to_the_clamped_sum(points, low, high):
    clamped = min(max(math.fsum(points), low), high)
    assert math.fsum(capped(points, low, high)) == pytest.approx(clamped, abs=1e-9)


@given(POINTS, st.floats(-50, 0), st.floats(0.5, 50))
def test_a_cap_turns_no_gain_into_a_loss(points, low, high):
    for before, after in zip(points, capped(points, low, high), strict=True):
        assert before * after >= 0
        assert abs(after) <= abs(before) + 1e-9


@given(POINTS)
def test_shares_sum_to_the_rounded_total_and_stay_next_to_their_points(points):
    total = math.floor(math.fsum(points) + 0.5)
    shares = shared_out([str(index) for index in range(len(points))], points, total)
    if points:
        assert sum(shares) == total
        assert all(abs(share - part) < 1 + 1e-9 for share, part in zip(shares, points, strict=True))


def test_equal_remainders_go_by_id():
    assert shared_out(["b", "a"], [0.5, 0.5], 1) == [0, 1]


def card_of(*rows):
    return score_card(SUBJECT, fact_set(rows), compile_policy(starter()), fitted_none(), NOW)


def fitted_none():
    from chalicelib.core.policy import NOTHING_FITTED

    return NOTHING_FITTED


def test_reasons_are_the_three_that_weigh_most_with_their_points():
    card = card_of(
        contact(job_title="CEO", phone="+982112345678", email="a@acme.example"),
        activity("email.opened", ago(days=0)),
        activity("call.held", ago(days=0)),
    )
    assert [reason.en for reason in card.reasons] == [
        "Was in touch with us today (+15)",
        "Decides in the company (+15)",
        "Writes from a company address (+8)",
    ]


def test_a_heavy_loss_is_a_reason_too():
    card = card_of(
        contact(job_title="Student", lifecycle_stage="opportunity", phone="+982112345678"),
        activity("form.submitted", NOW),
    )
    assert [line.points for line in card.contributions] == [20, -15, 10, 5]
    assert card.reasons[1].en == "Student or intern (-15)"


def test_what_gave_nothing_is_no_reason():
    assert card_of().reasons == ()
