from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.training.subscriptions import (
    Period,
    _mean,
    _survived,
    _tenures,
    fit_renewals,
    hazard_rows,
)
from tests.oracle.purchase_models import naive_renewal_likelihood

# Fader and Hardie 2007: of 1,000 customers, who left at each of seven renewals.
HIGH_END = {1: 131, 2: 126, 3: 90, 4: 60, 5: 42, 6: 34, 7: 26}
REGULAR = {1: 369, 2: 163, 3: 86, 4: 56, 5: 37, 6: 27, 7: 21}

counts = st.dictionaries(st.integers(1, 9), st.integers(1, 50), max_size=9)


@pytest.mark.parametrize(
    ("lost", "alpha", "beta", "likelihood"),
    [(HIGH_END, 0.668, 3.806, -1611.2), (REGULAR, 0.704, 1.182, -1680.3)],
)
def test_the_cohorts_of_the_paper_have_its_estimates(lost, alpha, beta, likelihood):
    found = fit_renewals(lost, {7: 1000 - sum(lost.values())})
    assert found.model.alpha == pytest.approx(alpha, abs=0.001)
    assert found.model.beta == pytest.approx(beta, abs=0.001)
    assert found.log_likelihood == pytest.approx(likelihood, abs=0.1)
    assert found.n == 1000


@given(counts, counts, st.floats(0.1, 9), st.floats(0.1, 9))
def test_the_likelihood_is_that_of_each_by_itself(lost, stayed, alpha, beta):
    if not lost and not stayed:
        return
    gone, still = _tenures(lost), _tenures(stayed)
    value, gradient = _mean((log(alpha), log(beta)), gone, _survived(gone, still), 1)
    assert -value == pytest.approx(naive_renewal_likelihood(alpha, beta, lost, stayed), rel=1e-6)
    near = _mean((log(alpha) + 1e-6, log(beta)), gone, _survived(gone, still), 1)[0]
    assert (near - value) / 1e-6 == pytest.approx(gradient[0], rel=1e-3, abs=1e-2)


@pytest.mark.parametrize(
    ("lost", "stayed", "told"),
    [
        ({}, {}, "Nobody has left or stayed"),
        ({0: 5}, {0: 900}, "Nobody has left or stayed"),
        ({1: 29}, {1: 500}, "29 left and 500 stayed"),
        ({1: 500}, {1: 3}, "500 left and 3 stayed"),
        ({1: 0, 2: -4}, {}, "Nobody has left or stayed"),
    ],
)
def test_too_little_is_told(lost, stayed, told):
    found = fit_renewals(lost, stayed)
    assert found.model is None
    assert not found.gate.passed
    assert told in found.gate.sentences[0].en


def test_who_has_not_come_to_a_renewal_tells_nothing():
    with_new = fit_renewals(HIGH_END, {0: 5000, 7: 491})
    without = fit_renewals(HIGH_END, {7: 491})
    assert with_new.model == without.model


def test_leaving_at_one_rate_for_ever_makes_no_model():
    """Everybody has the same chance, so that α and β grow without end."""
    lost = {t: round(1000 * 0.9 ** (t - 1) * 0.1) for t in range(1, 12)}
    found = fit_renewals(lost, {11: 1000 - sum(lost.values())})
    assert found.model is None or found.model.leaves_at(0) == pytest.approx(0.1, abs=0.01)


def test_periods_become_rows_with_their_tenure():
    rows, left = hazard_rows([Period(4, {"plan": "gold"}, left=True), Period(0, {}, left=False)])
    assert rows == [{"plan": "gold", "tenure": "3-5"}, {"tenure": "0"}]
    assert left == [True, False]
