"""People who are alike, compared: the numbers, and how often the intervals are right."""

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.training.association import (
    Stratum,
    association,
    discoveries,
    too_few,
    two_sided,
)

FOUR = [Stratum(20, 40, 10, 60), Stratum(5, 30, 2, 50), Stratum(8, 12, 9, 20), Stratum(0, 5, 1, 9)]


@st.composite
def strata(draw):
    reached, others = draw(st.integers(1, 60)), draw(st.integers(1, 60))
    bought, others_bought = draw(st.integers(0, reached)), draw(st.integers(0, others))
    return Stratum(bought, reached, others_bought, others)


MANY = st.lists(strata(), min_size=1, max_size=8)


def test_the_pooled_odds_and_the_test_are_those_of_statsmodels():
    """``StratifiedTable`` of statsmodels 0.15.0, without a correction."""
    found = association(FOUR)
    assert found.log_odds == pytest.approx(1.344112747083596)
    assert found.error == pytest.approx(0.3520497402416326)
    assert found.probability == pytest.approx(8.39763319557818e-05)


@given(MANY)
def test_the_difference_is_that_of_a_naive_sum_and_lies_within_its_interval(rows):
    a, n1, c, n0 = np.array(rows, dtype=float).T
    weight = n1 * n0 / (n1 + n0)
    found = association(rows)
    assert found.difference == pytest.approx(np.sum(weight * (a / n1 - c / n0)) / np.sum(weight))
    low, high = found.interval
    assert -1 <= low <= found.difference + 1e-12
    assert found.difference - 1e-12 <= high <= 1


@given(MANY)
def test_whom_it_is_compared_with_only_turns_the_sign(rows):
    found = association(rows)
    turned = association([Stratum(c, n0, a, n1) for a, n1, c, n0 in rows])
    assert turned.difference == pytest.approx(-found.difference)
    assert turned.deviation == pytest.approx(found.deviation)
    assert turned.log_odds == pytest.approx(-found.log_odds)
    assert turned.error == pytest.approx(found.error)
    assert turned.probability == pytest.approx(found.probability)


@given(MANY)
def test_strata_that_compare_nobody_change_nothing(rows):
    assert association([*rows, Stratum(3, 9, 0, 0), Stratum(0, 0, 2, 7)]) == association(rows)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
def test_of_one_stratum_it_is_the_odds_ratio_of_any_textbook(a, b, c, d):
    found = association([Stratum(a, a + b, c, c + d)])
    assert found.log_odds == pytest.approx(math.log(a * d / (b * c)))
    assert found.error == pytest.approx(math.sqrt(1 / a + 1 / b + 1 / c + 1 / d))


@pytest.mark.parametrize("rows", [[(0, 40, 9, 50)], [(40, 40, 9, 50)], [(0, 40, 0, 50)]])
def test_where_none_or_all_bought_the_odds_stay_finite(rows):
    found = association([Stratum(*row) for row in rows])
    assert math.isfinite(found.log_odds)
    assert math.isfinite(found.error)
    assert 0 <= found.probability <= 1


def test_nobody_to_compare_with_is_an_error_and_named_before():
    with pytest.raises(ValueError, match="nobody"):
        association([Stratum(3, 9, 0, 0)])
    assert too_few([Stratum(3, 9, 0, 0)]) == "0 people reached, 30 needed"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ((10, 40, 10, 40), ""),
        ((10, 29, 10, 400), "29 people reached, 30 needed"),
        ((10, 400, 10, 29), "29 others to compare with, 30 needed"),
        ((4, 400, 5, 400), "9 of them bought later, 10 needed"),
        ((400, 400, 391, 400), "9 of them did not buy later, 10 needed"),
    ],
)
def test_too_few_people_or_outcomes_are_named(row, reason):
    assert too_few([Stratum(*row)]) == reason


def drawn(random, shift, sizes=((0.05, 30, 60), (0.2, 40, 40), (0.4, 15, 10))):
    def buyers(people, chance):
        return sum(random.random() < chance for _ in range(people))

    return [Stratum(buyers(n1, base + shift), n1, buyers(n0, base), n0) for base, n1, n0 in sizes]


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.25])
def test_the_interval_holds_the_truth_in_about_95_of_100_histories(shift):
    random, times = Random(5), 1500
    held = 0
    for _ in range(times):
        low, high = association(drawn(random, shift)).interval
        held += low <= shift <= high
    assert held / times == pytest.approx(0.95, abs=0.02)


def test_what_strata_confound_is_not_called_a_finding():
    """In both strata reached and others buy alike; taken together it looks like an effect."""
    rows = [Stratum(80, 100, 16, 20), Stratum(2, 20, 10, 100)]
    crude = association([Stratum(*map(sum, zip(*rows, strict=True)))])
    assert crude.interval[0] > 0.3
    assert association(rows).difference == pytest.approx(0)
    assert association(rows).probability == pytest.approx(1)


@given(st.lists(st.floats(0, 1), max_size=30), st.floats(0.01, 0.2))
def test_discoveries_are_those_up_to_the_last_that_fits_its_rank(probabilities, share):
    found = discoveries(probabilities, share)
    ordered = sorted(probabilities)
    count = len(ordered)
    ranks = [k for k in range(1, count + 1) if ordered[k - 1] <= share * k / count]
    assert sum(found) >= max(ranks, default=0)
    assert {p for p, is_one in zip(probabilities, found, strict=True) if is_one} == set(
        ordered[: max(ranks, default=0)]
    )


def test_among_nothing_but_chance_there_is_a_discovery_in_one_of_twenty_histories():
    random, times = Random(11), 2000
    wrong = sum(any(discoveries([random.random() for _ in range(20)])) for _ in range(times))
    assert wrong / times == pytest.approx(0.05, abs=0.02)


def test_a_normal_deviate_of_1_96_is_seen_in_one_of_twenty():
    assert two_sided(1.959964) == pytest.approx(0.05, abs=1e-6)
    assert two_sided(0) == 1
