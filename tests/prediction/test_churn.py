from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.prediction.churn import gaps_of, overdue, value_at_risk
from chalicelib.prediction.subscriptions import ShiftedBetaGeometric, usage_trend
from tests.oracle.purchase_models import naive_survival


@pytest.mark.parametrize(
    ("since", "level"),
    [(0, "in_time"), (59, "in_time"), (60, "at_risk"), (119, "at_risk"), (120, "probably_lost")],
)
def test_two_gaps_are_a_risk_and_four_a_loss(since, level):
    late = overdue([30, 30, 30], since, usual=30)
    assert (late.level, late.typical) == (level, 30)


def test_few_own_gaps_weigh_little_against_those_of_all():
    assert overdue([10], 0, usual=50).typical == pytest.approx(0.25 * 10 + 0.75 * 50)
    assert overdue([], 10, usual=50).typical == 50
    assert overdue([10], 10, usual=None).typical == 10


def test_without_any_gap_nobody_is_overdue():
    assert overdue([], 500, usual=None) is None
    assert overdue([], 500, usual=0.0) is None


@pytest.mark.parametrize(
    ("gaps", "regular"),
    [([30, 31, 29, 30], True), ([5, 90, 10, 60], False), ([30, 30], False), ([0, 0, 0], False)],
)
def test_gaps_that_hardly_vary_are_regular(gaps, regular):
    assert overdue(gaps, 1, usual=30).regular is regular


@given(st.lists(st.integers(1, 400), max_size=20), st.integers(0, 900), st.integers(1, 400))
def test_who_is_silent_for_longer_is_not_less_overdue(gaps, since, usual):
    assert overdue(gaps, since, usual=usual).gaps <= overdue(gaps, since + 9, usual=usual).gaps


def test_purchases_of_one_day_leave_no_gap():
    assert gaps_of([date(2024, 1, 1), date(2024, 1, 1), date(2024, 1, 4)]) == [3]


def test_a_likely_leaver_of_no_value_is_at_no_risk():
    assert value_at_risk(0.9, 0) == value_at_risk(0.9, -5) == 0
    assert value_at_risk(0.5, 100) == 50


@given(st.floats(0.05, 20), st.floats(0.05, 20), st.integers(0, 40))
def test_survival_is_what_is_left_by_those_who_leave(alpha, beta, renewals):
    model = ShiftedBetaGeometric(alpha, beta)
    assert model.survival(renewals) == pytest.approx(naive_survival(alpha, beta, renewals))
    left = 1 - model.survival(renewals + 1) / model.survival(renewals)
    assert model.leaves_at(renewals) == pytest.approx(left, rel=1e-6, abs=1e-9)


@given(st.floats(0.05, 20), st.floats(0.05, 20), st.integers(0, 40))
def test_who_stayed_for_longer_is_less_likely_to_leave(alpha, beta, renewals):
    model = ShiftedBetaGeometric(alpha, beta)
    assert model.leaves_at(renewals) > model.leaves_at(renewals + 1)
    assert ShiftedBetaGeometric.from_json(model.to_json()) == model


@given(st.lists(st.tuples(st.floats(0, 400), st.integers(1, 50)), max_size=30))
def test_the_trend_of_use_is_the_ratio_of_two_decayed_counts(uses):
    late = sum(times * 0.5 ** (age / 14) for age, times in uses)
    ever = sum(times * 0.5 ** (age / 56) for age, times in uses)
    if not uses:
        assert usage_trend(uses) is None
    elif all(age >= 90 for age, _ in uses):
        assert usage_trend(uses) == 0
    else:
        assert usage_trend(uses) == pytest.approx(4 * late / ever)


def test_use_that_ceases_shows_in_the_trend_and_what_is_to_come_does_not():
    daily = [(age, 1) for age in range(300)]
    assert usage_trend(daily) == pytest.approx(1, abs=0.06)
    assert usage_trend(daily[30:]) < 0.5
    assert usage_trend([(-3, 90), *daily]) == usage_trend(daily)
    assert usage_trend([(-1, 5)]) is None
