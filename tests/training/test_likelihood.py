from collections import Counter
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.prediction.purchases import History
from chalicelib.training.likelihood import Likelihood
from chalicelib.training.special_functions import digamma
from tests.oracle.purchase_models import naive_log_likelihood

FAMILIES = st.sampled_from(["bg_nbd", "mbg_nbd"])
PARAMETERS = st.tuples(
    st.floats(0.05, 8), st.floats(0.05, 3), st.floats(0.05, 8), st.floats(0.05, 8)
)


@st.composite
def populations(draw):
    rows = draw(
        st.lists(
            st.tuples(st.integers(0, 30), st.integers(0, 90), st.integers(1, 90)),
            min_size=1,
            max_size=40,
        )
    )
    return [
        History(x, float(min(recency, age)) if x else 0.0, float(age)) for x, recency, age in rows
    ]


@given(FAMILIES, PARAMETERS, populations())
def test_counted_customers_have_the_likelihood_of_each_by_itself(family, parameters, customers):
    counted = Likelihood(Counter(customers), family)
    scaled = [
        (x, recency / counted.longest, age / counted.longest) for x, recency, age in customers
    ]
    naive = naive_log_likelihood(family, *parameters, scaled)
    assert counted.at(*parameters)[0] == pytest.approx(naive, rel=1e-9, abs=1e-8)
    assert counted.customers == len(customers)


@given(FAMILIES, PARAMETERS, populations())
def test_the_gradient_is_the_slope_of_the_likelihood(family, parameters, customers):
    counted = Likelihood(Counter(customers), family)
    _, gradient = counted.at(*parameters)
    for place, slope in enumerate(gradient):
        step = 1e-5 * parameters[place]
        there, back = (
            counted.at(*(one + sign * step * (at == place) for at, one in enumerate(parameters)))[0]
            for sign in (1, -1)
        )
        assert slope == pytest.approx((there - back) / (2 * step), rel=1e-4, abs=1e-3)


@pytest.mark.parametrize("family", ["bg_nbd", "mbg_nbd"])
def test_odds_beyond_a_float_are_certainty(family):
    """Five thousand purchases in a week, and silence ever since."""
    cells = {History(5000, 1.0, 300.0): 2, History(3, 250.0, 300.0): 5, History(0, 0.0, 300.0): 9}
    counted = Likelihood(cells, family)
    value, gradient = counted.at(0.5, 0.1, 0.9, 2.0)
    assert isfinite(value)
    assert all(map(isfinite, gradient))
    far, near = (counted.at(r, 0.1, 0.9, 2.0) for r in (0.500001, 0.499999))
    assert (far[0] - near[0]) / 2e-6 == pytest.approx(gradient[0], rel=1e-4)


def test_what_is_far_is_summed_as_what_is_near():
    cells = {History(4, 3.0, 30.0): 2, History(2, 25.0, 30.0): 5}
    times = Likelihood(cells, "bg_nbd")
    near = times.at(0.5, 0.1, 0.9, 2.0)
    from chalicelib.training import likelihood

    swapped = likelihood._Times._gone
    likelihood._Times._gone = likelihood._Times._long_gone
    try:
        far = times.at(0.5, 0.1, 0.9, 2.0)
    finally:
        likelihood._Times._gone = swapped
    assert far[0] == pytest.approx(near[0])
    assert far[1] == pytest.approx(near[1])


def test_customers_of_today_alone_have_no_likelihood():
    with pytest.raises(ValueError, match="some time"):
        Likelihood({History(0, 0.0, 0.0): 5}, "mbg_nbd")


@given(st.floats(1e-3, 1e6))
def test_digamma_grows_by_the_inverse(x):
    assert digamma(x + 1) == pytest.approx(digamma(x) + 1 / x, rel=1e-10, abs=1e-10)
