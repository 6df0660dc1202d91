"""Logistic regression by sparse rows, held against Newton's steps on rows of zeros and ones."""

import math
import time
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.training import logistic
from tests.oracle.propensity import naive_logistic


@st.composite
def tables(draw):
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    rows = draw(st.integers(2, 25))
    columns = [
        draw(st.lists(st.integers(0, size - 1), min_size=rows, max_size=rows)) for size in sizes
    ]
    outcomes = draw(st.lists(st.booleans(), min_size=rows, max_size=rows))
    return columns, sizes, [True, False, *outcomes[2:]]


@settings(max_examples=40, deadline=None)
@given(tables(), st.sampled_from([0.1, 1.0, 5.0]))
def test_the_weights_are_those_of_newtons_steps(table, strength):
    columns, sizes, outcomes = table
    found = logistic.fit(columns, sizes, outcomes, strength)
    assert found.converged
    flat = [found.base, *(weight for field in found.weights for weight in field)]
    assert flat == pytest.approx(naive_logistic(columns, sizes, outcomes, strength), abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(tables())
def test_the_mean_chance_in_training_is_the_base_rate(table):
    columns, sizes, outcomes = table
    found = logistic.fit(columns, sizes, outcomes)
    chances = [
        1 / (1 + math.exp(-found.base - sum(w[v] for w, v in zip(found.weights, row, strict=True))))
        for row in zip(*columns, strict=True)
    ]
    share = sum(outcomes) / len(outcomes)
    assert sum(chances) / len(chances) == pytest.approx(share, abs=1e-6)


def test_what_parts_outcomes_perfectly_has_weights_that_end():
    column = [0] * 50 + [1] * 50
    found = logistic.fit([column, column], [2, 2], [False] * 50 + [True] * 50)
    assert found.converged
    assert all(1 < weight < 5 for weight in (found.weights[0][1], found.weights[1][1]))


@pytest.mark.parametrize("outcomes", [[True] * 4, [False] * 4])
def test_one_outcome_alone_is_refused(outcomes):
    with pytest.raises(ValueError, match="nothing to tell apart"):
        logistic.fit([[0, 1, 0, 1]], [2], outcomes)


def test_no_field_is_refused():
    with pytest.raises(ValueError, match="no field"):
        logistic.fit([], [], [True, False])


def test_ten_thousand_rows_of_seventeen_fields_take_about_half_a_second():
    chance = Random(0)
    hidden = [chance.gauss(0, 1) for _ in range(10_000)]
    sizes = [chance.choice([2, 3, 10, 10, 11]) for _ in range(17)]
    columns = [
        [
            min(size - 1, max(0, int((one / 2 + chance.gauss(0, 1) + 2) / 4 * size)))
            for one in hidden
        ]
        for size in sizes
    ]
    outcomes = [chance.random() < 1 / (1 + math.exp(1.5 - one)) for one in hidden]
    start = time.process_time()
    found = logistic.fit(columns, sizes, outcomes)
    # Processor time, so that others on the machine do not count; 0.4 s where it was measured.
    assert time.process_time() - start < 1.5
    assert found.converged
    assert found.evaluations < 60


def test_values_that_come_in_turn_take_no_more_steps():
    """A stride over the rows would never meet every second one."""
    chance = Random(5)
    columns = [[row % 40 for row in range(8_000)], [chance.randrange(6) for _ in range(8_000)]]
    outcomes = [chance.random() < (0.7 if kind > 2 else 0.3) for kind in columns[1]]
    found = logistic.fit(columns, [40, 6], outcomes)
    assert found.converged
    assert found.evaluations < 30
