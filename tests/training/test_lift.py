"""The lift of a score against what people then bought, held against drawing everybody out."""

from random import Random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.training.lift import Judged, difference, lift

everybody = st.lists(
    st.builds(Judged, st.integers(0, 5), st.integers(0, 5), st.booleans()), min_size=1, max_size=60
)


def naive(people, share):
    """The mean over all orders of equals: each of a score's people has the buyers' mean share."""
    mean = {
        score: fmean(one.bought for one in people if one.old == score)
        for score in {one.old for one in people}
    }
    ranked = sorted((one.old for one in people), reverse=True)
    best = share * len(people)
    whole = int(best)
    hits = sum(mean[score] for score in ranked[:whole])
    hits += (best - whole) * mean[ranked[whole]] if whole < len(ranked) else 0
    return hits / best / (sum(one.bought for one in people) / len(people))


@given(everybody, st.sampled_from([0.1, 0.2, 0.5]))
def test_the_lift_is_that_of_an_average_order_of_equals(people, share):
    found = lift(people, share, "old")
    if not any(one.bought for one in people):
        assert found is None
    else:
        assert found.lift == pytest.approx(naive(people, share))
        assert found.low <= found.lift + 1e-9
        assert found.high >= found.lift - 1e-9


@given(everybody)
def test_a_score_that_says_nothing_has_a_lift_of_one(people):
    alike = [Judged(50, 50, one.bought) for one in people]
    found = lift(alike, 0.1, "new")
    assert found is None or found.lift == pytest.approx(1)


def test_two_equal_scores_do_not_differ():
    people = [Judged(n, n, bought=n % 3 == 0) for n in range(90)]
    assert difference(people, 0.2, Random(1)) == (0, 0)


def test_the_same_seed_gives_the_same_interval():
    people = [Judged(n % 7, n % 11, bought=n % 3 == 0) for n in range(200)]
    assert difference(people, 0.2, Random(1)) == difference(people, 0.2, Random(1))


def test_many_people_are_resampled_less_often():
    people = [Judged(n % 101, (n * 7) % 101, bought=n % 5 == 0) for n in range(30_000)]
    low, high = difference(people, 0.1, Random(1))
    assert low < 0 < high
