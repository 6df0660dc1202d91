"""Counters, held against the formula worked out row by row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.training import naive_bayes
from tests.oracle.propensity import naive_bayes as by_formula
from tests.training.test_logistic import tables


@given(tables(), st.sampled_from([0.1, 1.0, 3.0]))
def test_the_log_odds_are_those_of_the_formula(table, smoothing):
    columns, sizes, outcomes = table
    found = naive_bayes.fit(columns, sizes, outcomes, smoothing)
    for row in zip(*columns, strict=True):
        odds = found.base + sum(w[v] for w, v in zip(found.weights, row, strict=True))
        assert odds == pytest.approx(by_formula(columns, outcomes, row, smoothing))


def test_a_level_that_nobody_had_says_nothing():
    found = naive_bayes.fit([[0, 0, 1, 1]], [4], [True, False, False, False])
    assert found.weights[0][2:] == (0.0, 0.0)


def test_one_outcome_alone_is_refused():
    with pytest.raises(ValueError, match="nothing to tell apart"):
        naive_bayes.fit([[0, 1]], [2], [True, True])
