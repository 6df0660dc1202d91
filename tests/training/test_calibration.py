"""Chances from scores, held against Newton's steps by hand and against all means of stretches."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.prediction.propensity import FieldModel, Propensity, chance_of
from chalicelib.training.calibration import calibrated, isotonic, new_odds, platt, rising
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


class TestNewOdds:
    """Of a model that gives half a chance to those from the web, and less to others."""

    SOURCE = FieldModel("source", None, ("web",), (1.0, -1.0, 0.0))
    MODEL = Propensity("logistic", 0.0, (SOURCE,), None, "trusted", 90, 900)

    def of(self, web, others, rows=150):
        """So many in the hundred did, of so many rows of either kind."""
        told = [{"source": "web"}] * rows + [{"source": "fair"}] * rows
        came = [n % 100 < web for n in range(rows)] + [n % 100 < others for n in range(rows)]
        return new_odds(self.MODEL, told, came)

    def test_they_are_those_that_came_of_late(self):
        a, b = self.of(40, 20, rows=1000)
        assert chance_of(a + b) == pytest.approx(0.40, abs=0.005)
        assert chance_of(b - a) == pytest.approx(0.20, abs=0.005)

    def test_few_cases_or_few_of_one_outcome_tell_of_none(self):
        assert self.of(40, 20, rows=100) is not None
        assert self.of(40, 20, rows=99) is None
        assert self.of(99, 99) is None

    def test_where_whoever_is_likelier_did_less_there_are_none(self):
        assert self.of(20, 40) is None


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


@settings(max_examples=60, deadline=None)
@given(scored)
def test_rows_that_are_counted_give_the_line_of_single_ones(pairs):
    counted = {}
    for score, outcome in pairs:
        rows, did = counted.get(score, (0, 0))
        counted[score] = rows + 1, did + outcome
    points = [(score, *counted[score]) for score in sorted(counted)]
    assert rising(points) == isotonic(*zip(*pairs, strict=True))


told = st.lists(
    st.tuples(st.integers(1, 40).map(lambda n: n / 40), st.integers(1, 300), st.floats(0, 1)),
    min_size=1,
    max_size=60,
    unique_by=lambda one: one[0],
).map(lambda rows: sorted((score, n, round(n * part)) for score, n, part in rows))


def naive_groups(points):
    """Neighbours together until they are enough, and are enough still."""
    least = max(50, sum(n for _, n, _ in points) / 100)
    groups, open_ones = [], []
    for place, one in enumerate(points):
        open_ones.append(one)
        rest = sum(n for _, n, _ in points[place + 1 :])
        if sum(n for _, n, _ in open_ones) >= least and rest >= least:
            groups.append(open_ones)
            open_ones = []
    return [*groups, open_ones] if open_ones else groups


@settings(max_examples=100, deadline=None)
@given(told)
def test_chances_are_set_right_by_the_best_rising_line_of_groups(points):
    people, did = (sum(one[part] for one in points) for part in (1, 2))
    found = calibrated([(90, points)])
    if people < 1000 or min(did, people - did) < 30:
        assert found is None
        return
    ((days, line),) = found.lines
    assert (days, line.at(0.0)) == (90, 0.0)
    means = []
    for group in naive_groups(points):
        size = sum(n for _, n, _ in group)
        assert size >= 50
        means.append((sum(x * n for x, n, _ in group) / size, size, sum(k for _, _, k in group)))
    for place, (score, _, _) in enumerate(means):
        best = max(
            min(
                sum(k for _, _, k in means[low:high]) / sum(n for _, n, _ in means[low:high])
                for high in range(place + 1, len(means) + 1)
            )
            for low in range(place + 1)
        )
        assert line.at(score) == pytest.approx(best, abs=1e-9)


def test_one_time_of_several_that_cannot_be_set_right_leaves_all_as_they_are():
    enough, few = [(0.1, 600, 40), (0.3, 600, 200)], [(0.02, 1200, 9)]
    assert calibrated([(30, enough), (90, enough)]) is not None
    assert calibrated([(30, few), (90, enough)]) is None
