from math import exp, nan
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.prediction.spend import ShrunkenSpend, SpendByFrequency, SpendModel, spending_of
from chalicelib.training.spend import _Likelihood, fit_spend
from tests.oracle.purchase_models import naive_spend_likelihood
from tests.training import cdnow


def test_cdnow_has_the_estimates_of_the_note():
    """Fader and Hardie, note 025: 946 customers, p = 6.25, q = 3.74, v = 15.44."""
    found = fit_spend(cdnow.spends())
    model = found.model
    assert found.n == 946
    assert model.p == pytest.approx(6.25, abs=0.005)
    assert model.q == pytest.approx(3.74, abs=0.005)
    assert model.v == pytest.approx(15.44, abs=0.01)
    assert found.log_likelihood == pytest.approx(-4055.92, abs=0.05)
    assert found.correlation == pytest.approx(0.11, abs=0.01)


@given(st.floats(0.1, 20), st.floats(0.1, 20), st.floats(0.1, 20))
def test_the_likelihood_is_that_of_each_by_itself(p, q, v):
    from math import log

    rows = [(1, 20.0), (1, 31.0), (3, 12.5), (7, 40.0)]
    mean = _Likelihood(rows)
    at = (log(p), log(q), log(v))
    value, gradient = mean.at(at)
    scaled = [(x, m / mean.scale) for x, m in rows]
    assert value == pytest.approx(-naive_spend_likelihood(p, q, v, scaled) / 4, rel=1e-9)
    for place, slope in enumerate(gradient):
        there, back = (
            mean.at(tuple(one + sign * 1e-5 * (n == place) for n, one in enumerate(at)))[0]
            for sign in (1, -1)
        )
        assert slope == pytest.approx((there - back) / 2e-5, rel=1e-4, abs=1e-6)


def test_the_unit_of_money_does_not_matter():
    dollars = fit_spend(cdnow.spends()).model
    rials = fit_spend([(x, 600_000 * mean) for x, mean in cdnow.spends()]).model
    assert rials.v == pytest.approx(600_000 * dollars.v, rel=1e-4)
    assert rials.p == pytest.approx(dollars.p, rel=1e-4)


@pytest.mark.parametrize(
    "rows",
    [[], [(0, 0.0)] * 500, [(3, 0.0)] * 500, [(2, -40.0)] * 500, [(1, nan)] * 60],
    ids=["nobody", "once", "nothing", "refunds", "unknown"],
)
def test_without_an_amount_there_is_no_spend_and_a_sentence(rows):
    found = fit_spend(rows)
    assert found.model is None
    assert not found.gate.passed
    assert "No repeat purchase has an amount" in found.gate.sentences[0].en


def test_few_customers_get_means_that_are_drawn_together():
    found = fit_spend([(2, 10.0)] * 20 + [(1, 30.0)] * 20)
    assert found.model == ShrunkenSpend(20.0)
    assert found.gate.sentences[0].en.startswith("40 of the 50 customers")


def test_where_all_spend_the_same_it_is_told_for_everybody():
    found = fit_spend([(1 + n % 4, 500.0) for n in range(300)])
    assert found.model == ShrunkenSpend(500.0)
    assert found.model.expected(0, 0.0) == 500


def test_amounts_without_a_mean_are_held_back():
    chance = Random(1)
    rows = []
    for n in range(400):
        rate, x = chance.gammavariate(0.6, 1), 1 + n % 3
        rows.append((x, chance.gammavariate(2 * x, 1 / rate) / x))
    found = fit_spend(rows)
    assert found.model.q >= 1.05
    assert any("no mean" in sentence.en for sentence in found.gate.sentences)


def test_a_spend_that_follows_frequency_is_told_by_it():
    chance = Random(1)
    rows = [(x := 1 + n % 8, 10 * exp(0.3 * x + chance.gauss(0, 0.2))) for n in range(400)]
    found = fit_spend(rows)
    assert isinstance(found.model, SpendByFrequency)
    assert found.model.slope == pytest.approx(0.3, abs=0.02)
    assert found.model.expected(1, 0.01) < found.model.expected(8, 0.01)
    assert "Spend depends on how often" in found.gate.sentences[0].en


def test_a_weaker_tie_is_a_warning():
    chance = Random(2)
    rows = [(x := 1 + n % 8, 10 * exp(0.1 * x + chance.gauss(0, 0.45))) for n in range(400)]
    found = fit_spend(rows)
    assert 0.3 < found.correlation < 0.5
    assert isinstance(found.model, SpendModel)
    assert any("read spend with care" in sentence.en for sentence in found.gate.sentences)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 20), st.floats(0, 1e9)), max_size=90))
def test_no_amounts_trip_the_fit_and_what_is_published_is_what_was_fitted(rows):
    found = fit_spend(rows)
    if found.model is None:
        return
    published = spending_of(found.to_json("IRR"))
    assert published == found.model
    assert published.expected(2, 100.0) >= 0
