"""How well chances foretold what came: figures, intervals and tenths."""

from datetime import date
from random import Random

import pytest

from infra.prediction.chances import ChanceTrial

DAY, UNTIL = date(2025, 1, 1), date(2025, 4, 1)


def trial(cases):
    return ChanceTrial("propensity", DAY, UNTIL, cases)


def drawn(people, seed=1, skill=1.0):
    """Chances that are right, mixed with their mean where ``skill`` is less than 1."""
    chance = Random(seed)
    for _ in range(people):
        true = chance.betavariate(1, 4)
        yield 0.2 + skill * (true - 0.2), chance.random() < true


def test_figures_are_those_of_the_books():
    """By hand: pairs (0.2, no), (0.4, yes), (0.4, no), (0.9, yes)."""
    found = trial([(0.2, False), (0.4, True), (0.4, False), (0.9, True)])
    area, low, high = found.area
    assert area == 3.5 / 4
    # Hanley and McNeil with two of each: Q1 = A/(2-A), Q2 = 2A²/(1+A).
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    error = ((area * (1 - area) + q1 - area**2 + q2 - area**2) / 4) ** 0.5
    assert (low, high) == (pytest.approx(area - 1.959964 * error), 1.0)
    assert found.brier[0] == pytest.approx((0.04 + 0.36 + 0.16 + 0.01) / 4)
    assert found.base_brier == 0.25


def test_right_chances_are_told_to_be_right():
    found = trial([*drawn(4000)])
    assert found.holds
    assert found.ece < 0.03
    inside = sum(one.low <= one.foretold <= one.high for one in found.tenths)
    assert inside >= 8


def test_chances_without_skill_do_not_hold():
    turned = [(0.4 - chance if chance < 0.4 else 0.0, came) for chance, came in drawn(4000)]
    assert not trial(turned).holds


def test_where_nobody_did_nothing_is_known():
    found = trial([(0.1, False)] * 30)
    assert found.area is None
    assert found.holds
    assert found.to_json()["deciles"] == []


def test_tenths_do_not_hang_on_the_order_of_a_file():
    cases = [(round(chance, 1), came) for chance, came in drawn(333)]
    shuffled = Random(2).sample(cases, len(cases))
    for one, other in zip(trial(cases).lifts(), trial(shuffled).lifts(), strict=True):
        assert one[1:] == pytest.approx(other[1:])
        assert one[0].happened == pytest.approx(other[0].happened)
