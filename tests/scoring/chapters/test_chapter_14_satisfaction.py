"""Chapter 14: NPS and CSAT, for all and for one."""

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.card_json import card_json
from chalicelib.core.policy import FittedModels
from chalicelib.policy import compile_policy
from chalicelib.scoring import score_card
from chalicelib.scoring.course import damped
from chalicelib.scoring.profile import profile_of
from chalicelib.training.satisfaction import (
    Nps,
    csat,
    has_declined,
    mean_satisfaction,
    nps,
    wilson,
)
from tests.scoring.chapters.test_chapter_10_customer_score import page_of
from tests.scoring.examples import NOW, SUBJECT, ago, answer, fact_set, row, won


def measure(rows, mean=None, now=NOW, **options):
    page = page_of({"model": "satisfaction", **options})
    model = compile_policy(page).customer.components[0].model
    fitted = {} if mean is None else {"mean": mean}
    return model.measure(profile_of(SUBJECT, fact_set(rows), now)[0], fitted)


def quality(rows, mean=None, now=NOW, **options):
    return math.fsum(term.points for term in measure(rows, mean, now, **options).terms)


def test_14_nps_is_promoters_less_detractors_of_a_hundred():
    found = nps([10] * 50 + [9] * 10 + [8] * 20 + [6] * 15 + [0] * 5)
    assert found.value == pytest.approx(40)
    # variance 0.6 + 0.2 - 0.4² = 0.64, margin 1.96 · √(0.64 / 100) · 100
    assert found.margin == pytest.approx(15.68)
    assert found.is_telling


def test_14_fewer_than_thirty_answers_are_shown_but_not_coloured():
    assert not nps([10] * 29).is_telling
    assert nps([10] * 30).is_telling
    assert nps([]) is None


def test_14_csat_is_the_share_of_four_and_five_with_wilsons_interval():
    found = csat([5] * 50 + [4] * 30 + [3] * 10 + [1] * 10)
    assert found.share == 0.8
    assert (found.low, found.high) == pytest.approx((0.7112, 0.8666), abs=5e-5)
    assert csat([]) is None


@given(st.integers(0, 300), st.integers(1, 300))
def test_14_wilsons_bounds_solve_the_equation_they_come_from(hits, count):
    hits = min(hits, count)
    share = hits / count
    for bound in wilson(hits, count):
        assert 0 <= bound <= 1
        distance = (share - bound) ** 2
        assert distance == pytest.approx(1.96**2 * bound * (1 - bound) / count, abs=1e-9)


def test_14_a_segment_has_declined_if_it_fell_by_more_than_both_margins():
    assert has_declined(Nps(40, 10, 99), Nps(19.9, 10, 99))
    assert not has_declined(Nps(40, 10, 99), Nps(20, 10, 99))
    assert not has_declined(None, Nps(20, 10, 99))


def test_14_only_the_latest_answer_to_a_survey_counts():
    rows = [answer("a", ago(days=50), 2), answer("b", ago(days=10), 9)]
    assert quality(rows) == 90
    assert measure(rows).detail.answers == 1
    asked_elsewhere = [answer("a", ago(days=10), 2, survey="x"), answer("b", ago(days=10), 9)]
    assert quality(asked_elsewhere) == pytest.approx(55)


def test_14_answers_of_all_scales_are_brought_to_a_hundred():
    assert quality([answer("a", NOW, 7)]) == 70
    assert quality([answer("a", NOW, 4, kind="csat")]) == 75


@pytest.mark.parametrize("given_", [answer("a", NOW, 11), answer("a", NOW, 0, kind="csat"),
                                    answer("a", NOW, 5, kind="ces"), row("survey", "a", {"kind": "nps"})])  # fmt: skip
def test_14_who_gave_no_answer_is_missing_and_not_neutral(given_):
    found = measure([given_], mean=70)
    assert (found.known, found.terms) == (0, ())


def test_14_answers_fade_with_a_half_life_of_180_days():
    rows = [answer("a", ago(days=180), 0), answer("b", NOW, 5, kind="csat")]
    assert quality(rows) == pytest.approx(100 / 1.5)
    assert quality(rows, half_life_days=90) == pytest.approx(100 / 1.25)


def test_14_a_customer_is_drawn_to_the_mean_of_all_with_weight_one():
    assert quality([answer("a", NOW, 10)], mean=70) == pytest.approx((100 + 70) / 2)
    assert quality([answer("a", ago(days=180), 10)], mean=70) == pytest.approx(120 / 1.5)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 10)), min_size=1, max_size=4),
       st.integers(0, 100), st.floats(0, 2000))  # fmt: skip
def test_14_between_answers_satisfaction_goes_back_to_the_mean_exactly_as_its_terms_say(
    given_, mean, days
):
    rows = [
        answer(f"a{n}", ago(days=age), value, survey=f"s{n}")
        for n, (age, value) in enumerate(given_)
    ]
    terms = measure(rows, mean).terms
    later = math.fsum(
        term.points * damped(2 ** (-days / term.half_life_days), term.damping)
        if term.half_life_days
        else term.points
        for term in terms
    )
    at = NOW + timedelta(days=days)
    assert later == pytest.approx(quality(rows, mean, at), abs=1e-9)
    assert abs(later - mean) <= abs(quality(rows, mean) - mean) + 1e-9


def test_14_an_answer_dated_ahead_counts_from_then_on():
    at = NOW + timedelta(days=3)
    found = measure([answer("a", at, 10)])
    assert (found.known, found.changes_at) == (0, at)


def test_14_the_mean_is_that_of_the_customers():
    assert mean_satisfaction([100, 50, 75]) == 75


def test_14_the_reason_says_what_was_answered():
    card = score_card(
        SUBJECT,
        fact_set([won("1", ago(days=5)), answer("a", ago(days=4), 9)]),
        compile_policy(page_of({"model": "satisfaction"})),
        FittedModels("none", {}),
        NOW,
    )
    assert card.reasons[0].en == "Gave 9 of 10 (NPS) 4 days ago (+90)"
    assert card_json(card)["satisfaction"] == {"mean": 90.0, "answers": 1}


def test_answers_of_a_survey_that_is_no_longer_linked_do_not_count():
    links = {"contact": [], "survey": ["b"]}
    rows = [answer("a", NOW, 10), row("links", "links", links)]
    assert measure(rows).known == 0
    assert measure([answer("a", NOW, 10), row("links", "links", {"deal": []})]).known == 1
