"""Borders of scores: those that tell who buys are found, and none where nothing does."""

from itertools import combinations
from random import Random

import numpy as np
import pytest

from chalicelib.training.bands import Scored, _halves, bands, best_borders, is_out_of_order

GRID = range(5, 100, 5)


def people(count, chance, seed=1):
    random = Random(seed)
    found = []
    for number in range(count):
        score = random.randrange(101)
        found.append(Scored(f"c{number}", score, random.random() < chance(score)))
    return found


def steps(score):
    return 0.5 if score >= 60 else 0.2 if score >= 25 else 0.03


def test_planted_borders_are_found_and_judged_better():
    found = best_borders(people(3000, steps), (90, 80), GRID)
    assert found.proposed == (60, 25)
    assert found.is_better
    assert [round(band.share, 1) for band in found.after] == [0.5, 0.2, 0.0]
    assert sum(band.people for band in found.after) == 3000


def test_borders_that_are_right_already_are_not_beaten():
    assert not best_borders(people(3000, steps), (60, 25), GRID).is_better


def test_where_the_score_tells_nothing_new_borders_are_hardly_ever_proposed():
    wrong = sum(
        best_borders(people(400, lambda _: 0.2, seed), (70, 40), GRID).is_better
        for seed in range(200)
    )
    assert wrong <= 10


def test_the_half_that_chose_does_not_judge():
    """What holds among the first half alone is no reason to change anything."""
    choosing, _ = _halves(people(3000, steps))
    _, judging = _halves(people(3000, lambda score: 0.5 if score < 60 else 0.2))
    found = best_borders([*choosing, *judging], (90, 80), GRID)
    assert found.proposed == (60, 25)
    assert not found.is_better


def test_the_choice_is_the_likeliest_pair_of_a_naive_search():
    found = best_borders(people(600, steps, seed=4), (90, 80), GRID)
    choosing, _ = _halves(people(600, steps, seed=4))
    scores = np.array([one.score for one in choosing])
    bought = np.array([one.bought for one in choosing])
    best = {}
    for low, high in combinations(GRID, 2):
        parts = [bought[scores < low], bought[(scores >= low) & (scores < high)]]
        parts.append(bought[scores >= high])
        rates = [part.mean() if len(part) else np.nan for part in parts]
        if min(map(len, parts)) >= 30 and rates == sorted(rates):
            logs = [
                np.log(rate if one else 1 - rate)
                for part, rate in zip(parts, rates, strict=True)
                for one in part
            ]
            best[high, low] = sum(logs)
    assert found.proposed == max(best, key=best.get)


def test_the_order_of_the_people_does_not_matter():
    rows = people(500, steps)
    assert best_borders(rows[::-1], (70, 40), GRID) == best_borders(rows, (70, 40), GRID)


@pytest.mark.parametrize("chance", [0.0, 0.01, 1.0])
def test_too_few_outcomes_are_a_reason_to_say_nothing(chance):
    found = best_borders(people(300, lambda _: chance), (70, 40), GRID)
    assert found.proposed is None
    assert "needed" in found.why_not


def test_a_score_exactly_on_a_border_is_in_the_better_band():
    found = bands([Scored("a", 70, True), Scored("b", 69, False), Scored("c", 40, False)], (70, 40))
    assert [band.people for band in found] == [1, 2, 0]


def test_a_better_band_that_clearly_buys_less_is_out_of_order():
    rows = people(600, lambda score: 0.05 if score >= 70 else 0.4)
    assert is_out_of_order(bands(rows, (70, 40)))
    assert not is_out_of_order(bands(people(600, steps), (70, 40)))
    assert not is_out_of_order(bands([], (70, 40)))
