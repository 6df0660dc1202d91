"""Chances from scores, held against Newton's steps by hand and against all means of stretches."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.training.calibration import isotonic, platt
from tests.oracle.propensity import naive_isotonic, naive_platt

scored = st.lists(
    st.tuples(st.integers(-12, 12).map(lambda n: n / 4), st.booleans()), min_size=4, max_size=25
)


@settings(max_examples=60, deadline=None)
@given(scored)
def test_platts_two_numbers_give_the_chances_of_the_naive_search(pairs):
    scores, outcomes = zip(*pairs, strict=True)
    a, b = platt(scores, outcomes)
    naive_a, naive_b = naive_platt(scores, outcomes)
    for score in scores:
        assert a * score + b == pytest.approx(naive_a * score + naive_b, abs=1e-4)


@settings(max_examples=100, deadline=None)
@given(scored)
def test_the_isotonic_line_is_the_greatest_of_least_means(pairs):
    scores, outcomes = zip(*pairs, strict=True)
    line = isotonic(scores, outcomes)
    for score, chance in naive_isotonic(scores, outcomes).items():
        assert line.at(score) == pytest.approx(chance)
    grid = [n / 10 for n in range(-50, 51)]
    told = [line.at(score) for score in grid]
    assert all(a <= b + 1e-12 for a, b in itertools.pairwise(told))


def test_scores_that_are_all_the_same_give_the_share():
    a, b = platt([2.0] * 40, [True] * 10 + [False] * 30)
    assert 1 / (1 + math.exp(-2 * a - b)) == pytest.approx(0.25, abs=0.03)
    line = isotonic([2.0] * 4, [True, False, False, False])
    assert (line.at(-9), line.at(2.0), line.at(9)) == (0.25, 0.25, 0.25)


def test_scores_far_out_do_not_overflow():
    a, b = platt([-900.0, -800.0, 800.0, 900.0] * 5, [False, False, True, True] * 5)
    assert a > 0
    assert math.isfinite(b)
