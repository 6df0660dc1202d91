"""How well chances foretold what happened, held against looking at every pair."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.training.metrics import (
    auc,
    brier,
    deciles,
    expected_calibration_error,
    lift_at,
    log_loss,
    mean_interval,
    reliability,
    share_in_top,
)
from tests.oracle.propensity import naive_auc, naive_calibration_error

foretold = st.lists(
    st.tuples(st.integers(0, 20).map(lambda n: n / 20), st.booleans()), min_size=1, max_size=60
)


@given(foretold)
def test_the_area_is_the_share_of_pairs_in_order(pairs):
    scores, outcomes = zip(*pairs, strict=True)
    assert auc(scores, outcomes) == pytest.approx(naive_auc(scores, outcomes))


@given(foretold)
def test_the_calibration_error_is_that_of_every_bin(pairs):
    chances, outcomes = zip(*pairs, strict=True)
    # 0.05 steps fall on edges of bins, where binary fractions differ in the last place.
    chances = [chance + 0.001 if chance < 1 else chance for chance in chances]
    found = expected_calibration_error(chances, outcomes)
    assert found == pytest.approx(naive_calibration_error(chances, outcomes))


@given(foretold, st.sampled_from([0.1, 0.2, 0.5, 1.0]))
def test_equals_at_the_edge_of_the_best_count_in_proportion(pairs, share):
    scores, outcomes = zip(*pairs, strict=True)
    found = share_in_top(scores, outcomes, share)
    if not any(outcomes):
        assert found is None
        assert lift_at(scores, outcomes, share) is None
        return
    room, hits = share * len(pairs), 0.0
    for score in sorted(set(scores), reverse=True):
        own = [outcome for one, outcome in pairs if one == score]
        part = max(0.0, min(1.0, room / len(own)))
        hits, room = hits + part * sum(own), room - len(own)
    assert found == pytest.approx(hits / sum(outcomes))
    assert share_in_top(scores, outcomes, 1.0) == pytest.approx(1.0)


@given(foretold)
def test_no_row_is_lost_in_bins_and_deciles(pairs):
    chances, outcomes = zip(*pairs, strict=True)
    for bins in (reliability(chances, outcomes), deciles(chances, outcomes)):
        assert sum(one.rows for one in bins) == len(pairs)
        assert sum(one.rows * one.happened for one in bins) == pytest.approx(sum(outcomes))
    best = [one.foretold for one in deciles(chances, outcomes)]
    assert all(a >= b - 1e-12 for a, b in itertools.pairwise(best))


def test_a_certain_chance_that_was_wrong_costs_much_but_not_everything():
    assert log_loss([0.0, 1.0], [True, False]) == pytest.approx(-math.log(1e-15), rel=1e-3)
    assert log_loss([0.5], [True]) == pytest.approx(math.log(2))
    assert brier([0.5, 1.0], [True, False]) == pytest.approx((0.25 + 1) / 2)


def test_a_mean_of_one_value_has_no_width():
    assert mean_interval([3.0]) == (3.0, 3.0)
    low, high = mean_interval([1.0, 2.0, 3.0])
    assert (low + high) / 2 == pytest.approx(2.0)
    assert high - low == pytest.approx(2 * 1.959964 / math.sqrt(3), rel=1e-6)
