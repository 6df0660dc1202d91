"""What the population teaches, and how slowly what is in force follows it."""

import random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.scoring.models.rfm import Cuts
from chalicelib.training.cuts import rfm_cuts
from chalicelib.training.population import Row, Wanted, fitted
from chalicelib.training.ranks import percentile_cuts
from chalicelib.training.steadiness import SEEN, adopted, steadied, worth_a_refresh

ROWS = [
    Row(f"{n:03}", (n, 1 + n % 9, 70 * n + 1), value=100 * n, satisfaction=n) for n in range(99)
]


def test_all_that_a_policy_wants_is_learned():
    found = fitted(ROWS, Wanted(basis="b", value_shares=(0.8, 0.95)))
    assert set(found) == {"rfm", "value", "classes", "satisfaction"}
    assert len(found["value"]["cuts"]) == 100
    assert found["classes"]["basis"] == found["value"]["basis"] == "b"
    assert found["satisfaction"] == {"mean": 49}


def test_what_nobody_wants_or_few_tell_is_not_learned():
    assert set(fitted(ROWS, Wanted())) == {"rfm", "satisfaction"}
    assert set(fitted(ROWS[:14], Wanted(basis="b"))) == {"rfm", "satisfaction"}
    assert fitted([Row("lead", None)], Wanted()) == {"rfm": {"n": 0}}


def test_the_order_of_the_population_does_not_matter():
    shuffled = ROWS[:]
    random.Random(3).shuffle(shuffled)
    wanted = Wanted(ties_by_id=True, basis="b", value_shares=(0.8, 0.95))
    assert fitted(shuffled, wanted) == fitted(ROWS, wanted)


def test_ties_by_id_are_learned_where_they_are_wanted():
    assert "ids" in fitted(ROWS, Wanted(ties_by_id=True))["rfm"]
    assert "ids" not in fitted(ROWS, Wanted())["rfm"]


def test_a_hundred_quantiles_of_a_thousand():
    assert percentile_cuts(range(1, 1001)) == [10 * n - 5 for n in range(1, 101)]


numbers = st.lists(st.floats(0, 100), min_size=4, max_size=4).map(sorted)


@given(numbers, numbers, numbers, st.floats(0, 100))
def test_4_3_a_score_changes_only_when_the_new_one_has_held_for_two_refreshes(
    old, seen, fresh, value
):
    def score(cuts):
        return Cuts(r=(), f=tuple(cuts), m=()).scores(0, value, 1)[1]

    before, after = score(old), score(steadied(old, seen, fresh))
    assert steadied(old, seen, fresh) == sorted(steadied(old, seen, fresh))
    assert after == median([before, score(seen), score(fresh)])
    if after != before:
        assert (score(seen) > before) == (score(fresh) > before) == (after > before)


def test_4_3_a_border_follows_when_two_refreshes_agree():
    first = rfm_cuts((day, day, day) for day in range(60))
    moved = rfm_cuts((day + 10, day, day) for day in range(60))
    in_force = adopted({}, first)
    once = adopted(in_force, moved)
    twice = adopted(once, moved)
    assert once["r"] == first["r"]
    assert twice["r"] == moved["r"]
    back = adopted(once, first)
    assert back["r"] == first["r"]


def test_4_3_cuts_of_another_number_are_taken_at_once():
    few, many = (rfm_cuts((day, day, day) for day in range(count)) for count in (20, 80))
    found = adopted(adopted({}, few), many)
    assert found["r"] == many["r"]
    assert (found["n"], found[SEEN]) == (80, many)


@pytest.mark.parametrize(("changed", "worth"), [(49, False), (50, True)])
def test_4_3_a_refresh_is_worth_it_when_five_per_cent_have_changed(changed, worth):
    assert worth_a_refresh(changed, 1000) is worth
