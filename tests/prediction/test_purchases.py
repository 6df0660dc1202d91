from datetime import date, timedelta
from itertools import pairwise
from math import isfinite

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.prediction.purchases import (
    History,
    PurchaseModel,
    RateModel,
    contributions,
    history_of,
)
from tests.oracle.purchase_models import naive_alive, naive_expected

PAPER = PurchaseModel("bg_nbd", r=0.243, alpha=4.414, a=0.793, b=2.426)
MODIFIED = PurchaseModel("mbg_nbd", r=0.525, alpha=6.183, a=0.891, b=1.614)

parameter = st.floats(0.05, 20)
models = st.builds(
    PurchaseModel,
    st.sampled_from(["bg_nbd", "mbg_nbd"]),
    r=parameter,
    alpha=st.floats(0.1, 100),
    a=parameter,
    b=parameter,
)
rates = st.builds(
    RateModel, rate=st.floats(0, 5), tau=st.floats(1, 60), median_gap=st.floats(0.1, 60)
)


@st.composite
def histories(draw, most=300):
    x = draw(st.integers(0, most))
    age = draw(st.floats(0, 300))
    return History(x, draw(st.floats(0, 1)) * age if x else 0.0, age)


def test_the_worked_customer_of_the_paper_has_its_expectation():
    """Fader, Hardie and Lee 2005, and note 004: customer 0001 within the next 39 weeks."""
    assert PAPER.expected(History(2, 30.43, 38.86), 39) == pytest.approx(1.226, abs=0.001)


def test_who_bought_once_is_alive_by_construction_and_not_in_the_modified_model():
    once = History(0, 0.0, 38.86)
    assert PAPER.alive(once) == 1
    assert 0 < MODIFIED.alive(once) < 1


@given(models, histories(most=40), st.floats(0.1, 100))
def test_a_customer_has_the_numbers_of_the_forms_in_print(model, h, t):
    assume(abs(model.a - 1) > 0.01)
    assume(model.a + model.b > 1.05)
    told = (model.family, model.r, model.alpha, model.a, model.b, h)
    assert model.alive(h) == pytest.approx(naive_alive(*told), rel=1e-8, abs=1e-12)
    if t / (model.alpha + h.age + t) < 0.9:
        assert model.expected(h, t) == pytest.approx(naive_expected(*told, t), rel=1e-5, abs=1e-7)


@given(st.one_of(models, rates), histories(), st.floats(0, 200), st.floats(0, 200))
def test_expectations_and_chances_grow_with_time(model, h, t, more):
    assert model.expected(h, 0) == model.any_purchase(h, 0) == 0
    rounding = 1e-9 * (1 + model.expected(h, t))
    assert 0 <= model.expected(h, t) <= model.expected(h, t + more) + rounding
    assert 0 <= model.any_purchase(h, t) <= model.any_purchase(h, t + more) <= 1


@given(st.one_of(models, rates), st.integers(1, 300), st.floats(0, 300), st.floats(0, 300))
def test_the_chance_to_be_alive_falls_with_silence(model, x, recency, silence):
    now = History(x, recency, recency + silence / 2)
    later = History(x, recency, recency + silence)
    rounding = 1e-12
    assert 0 <= model.alive(later) <= model.alive(now) + rounding <= 1 + rounding
    assert model.any_purchase(later, 13) <= model.any_purchase(now, 13) + rounding


@given(models, histories(), st.floats(0.1, 100))
def test_no_more_than_one_purchase_is_needed_for_any(model, h, t):
    assert model.any_purchase(h, t) <= model.alive(h)
    if model.alive(h) > 1e-9:
        assert model.any_purchase(h, t) <= model.expected(h, t) * (1 + 1e-6) + 1e-9


@given(models, st.floats(1, 1000), st.floats(0, 1), st.floats(0.1, 200))
def test_five_thousand_purchases_overflow_nothing(model, age, share, t):
    h = History(5000, share * age, age)
    assert isfinite(model.expected(h, t))
    assert isfinite(model.any_purchase(h, t))
    assert 0 <= model.alive(h) <= 1
    at_most = t * (model.r + 5000) / (model.alpha + age)
    assert 0 <= model.expected(h, t) <= at_most * (1 + 1e-9)


def test_many_purchases_go_smoothly_into_more():
    """Where the form in print overflows, nothing jumps."""
    told = [MODIFIED.expected(History(x, x / 10, x / 10 + 0.1), 13) for x in range(150, 600)]
    steps = [late / early for early, late in pairwise(told)]
    assert all(0.99 < step < 1.01 for step in steps)


@pytest.mark.parametrize("family", ["bg_nbd", "mbg_nbd"])
@pytest.mark.parametrize("near", [1 - 1e-7, 1.0, 1 + 1e-7])
def test_nothing_happens_where_a_is_one(family, near):
    h = History(3, 20.0, 30.0)
    around = [PurchaseModel(family, 0.5, 6, a, 1.6).expected(h, 13) for a in (0.999, near, 1.001)]
    assert around[0] > around[1] > around[2]
    assert around[1] == pytest.approx((around[0] + around[2]) / 2, rel=1e-4)


def test_a_small_drop_out_leaves_one_time_buyers_their_expectation():
    """a + b = 1, where a parameter of the series is nought."""
    once = History(0, 0.0, 30.0)
    told = [PurchaseModel("bg_nbd", 0.5, 6, a, 0.7).expected(once, 13) for a in (0.29, 0.3, 0.31)]
    assert told[0] > told[1] > told[2]
    assert told[1] == pytest.approx((told[0] + told[2]) / 2, rel=1e-3)


@given(models, st.floats(0.1, 60))
def test_the_chances_of_all_numbers_of_purchases_sum_to_one(model, t):
    assume(model.r * t < 5 * model.alpha)
    assume(t < 2 * model.alpha)
    chances = [model.probability_of(n, t) for n in range(120)]
    assert sum(chances) == pytest.approx(1, abs=1e-6)
    mean = sum(n * chance for n, chance in enumerate(chances))
    assert mean == pytest.approx(model.unconditional(t), rel=1e-4, abs=1e-6)


@given(models)
def test_a_model_is_read_as_it_was_written(model):
    assert PurchaseModel.from_json(model.to_json()) == model


def test_a_model_of_no_known_family_is_refused():
    with pytest.raises(ValueError, match="pareto"):
        PurchaseModel.from_json({**PAPER.to_json(), "family": "pareto_nbd"})


def test_a_rate_is_read_as_it_was_written():
    model = RateModel(0.1, 26, 5.5)
    assert RateModel.from_json(model.to_json()) == model


def test_a_rate_is_halved_for_each_gap_that_is_missed():
    model = RateModel(rate=0.1, tau=26, median_gap=4)
    told = [model.alive(History(2, 8.0, 8.0 + silence)) for silence in (0, 4, 8, 12)]
    assert told == [1, 1, 0.5, 0.25]


def test_a_rate_is_drawn_towards_that_of_all():
    model = RateModel(rate=0.1, tau=26, median_gap=4)
    assert model.expected(History(0, 0.0, 0.0), 10) == pytest.approx(1.0)
    assert model.expected(History(26, 52.0, 52.0), 10) == pytest.approx(10 * 28.6 / 78)


@given(
    st.one_of(models, rates),
    histories(),
    histories(),
    st.sampled_from(["alive", "any", "expected"]),
)
def test_contributions_add_up_to_what_sets_a_customer_apart(model, h, usual, what):
    measure = {
        "alive": model.alive,
        "any": lambda one: model.any_purchase(one, 13),
        "expected": lambda one: model.expected(one, 13),
    }[what]
    told = contributions(measure, h, usual)
    assert told.base == measure(usual)
    whole = told.base + told.frequency + told.recency + told.age
    assert whole == pytest.approx(measure(h), rel=1e-9, abs=1e-9)


@given(models, st.floats(0, 300), histories())
def test_of_who_bought_once_the_time_since_is_all_that_is_told(model, age, usual):
    told = contributions(lambda one: model.any_purchase(one, 13), History(0, 0.0, age), usual)
    assert (told.frequency, told.age) == (0, 0)
    assert told.base + told.recency == pytest.approx(model.any_purchase(History(0, 0.0, age), 13))


def test_silence_is_what_speaks_against_a_customer_who_is_silent():
    told = contributions(MODIFIED.alive, History(6, 10.0, 40.0), History(1, 20.0, 40.0))
    assert told.recency < 0
    assert abs(told.recency) > abs(told.age)


@given(st.lists(st.integers(-400, 400), max_size=30))
def test_a_history_is_of_distinct_days_up_to_now(offsets):
    as_of = date(2024, 6, 1)
    days = [as_of + timedelta(days=offset) for offset in offsets]
    past = sorted({offset for offset in offsets if offset <= 0})
    if not past:
        assert history_of(days, as_of, 7) is None
        return
    expected = History(len(past) - 1, (past[-1] - past[0]) / 7, -past[0] / 7)
    assert history_of(days, as_of, 7) == expected
