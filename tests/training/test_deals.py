"""How likely open deals are to be won: what is looked at, when, and what is learned of it."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.funnel import STAGES, ClosedDeal
from chalicelib.prediction.deals import row_of
from chalicelib.training.deals import snapshots_of, train_deals
from tests.training.examples import START

days = st.floats(0, 200)
histories = st.dictionaries(
    st.text("abc", min_size=1, max_size=3),
    st.builds(ClosedDeal, st.dictionaries(st.sampled_from(list(STAGES)), days), st.booleans()),
    max_size=12,
)


@given(histories, st.lists(days, max_size=9), st.integers(1, 200))
def test_a_snapshot_shows_a_deal_as_it_was_at_an_age_of_open_deals(deals, ages, horizon):
    for one in snapshots_of(deals, ages, horizon):
        left = deals[one.id].days_left
        lasted = max(left.values())
        age = lasted - one.days_before
        assert one.row["age_days"] == pytest.approx(age, abs=1e-9)
        assert 0 <= age <= lasted
        assert not ages or any(age == pytest.approx(open_age) for open_age in ages)
        assert left[one.row["stage"]] >= one.days_before
        assert one.won is (deals[one.id].won and one.days_before <= horizon)


@given(histories, st.lists(days, max_size=9))
def test_the_age_is_drawn_by_the_id_alone(deals, ages):
    whole = list(snapshots_of(deals, ages, 90))
    for one in whole:
        assert list(snapshots_of({one.id: deals[one.id]}, ages[::-1], 90)) == [one]


def test_a_deal_that_had_ended_at_the_age_that_was_drawn_tells_nothing():
    deals = {f"d{n}": ClosedDeal({"intro": 20.0}, won=True) for n in range(400)}
    found = list(snapshots_of(deals, [10.0, 40.0], 90))
    assert {one.row["age_days"] for one in found} == {10.0}
    assert 150 < len(found) < 250


def test_chances_are_right_of_deals_as_they_are_met_open():
    """Half of all are won, and soon; of those that are open at some time many fewer will be."""
    chance, ways = Random(8), {}
    for n in range(4000):
        won = chance.random() < 0.5
        ways[f"d{n}"] = chance.uniform(0, 1000), chance.uniform(10, 30 if won else 150), won
    middle = 800.0
    met = [(middle - start, won) for start, lasted, won in ways.values()
           if start <= middle < start + lasted]  # fmt: skip
    deals = {n: ClosedDeal({"intro": lasted}, won) for n, (_, lasted, won) in ways.items()}
    ages = [age for age, _ in met]
    found = train_deals(deals, ages, seed=0, horizon_days=200)
    told = sum(found.model.probability(row_of({"intro": age}, {})) for age in ages)
    came = sum(won for _, won in met)
    assert came < 0.25 * len(met)
    assert told == pytest.approx(came, rel=0.25)


def test_a_deal_that_was_seen_in_no_stage_tells_nothing():
    deals = {"a": ClosedDeal({}, won=True), "b": ClosedDeal({"offer": 0.0}, won=True)}
    assert list(snapshots_of(deals, [1.0], 90)) == []
    assert row_of({}, {"pipeline": "x"}) == {"pipeline": "x"}


def test_a_stage_that_was_left_out_is_told():
    assert row_of({"intro": 9, "offer": 3}, {})["skipped"] is True
    assert row_of({"intro": 9, "trial": 3}, {})["skipped"] is False


def test_deals_that_stay_long_in_a_stage_are_learned_to_be_lost():
    chance = Random(5)
    deals, ended = {}, {}
    for n in range(2000):
        won = chance.random() < 0.5
        deals[f"d{n}"] = ClosedDeal(
            {"intro": chance.uniform(20, 40) if won else chance.uniform(40, 120), "offer": 10.0},
            won,
        )
        ended[f"d{n}"] = START + timedelta(hours=n)
    ages = [chance.uniform(1, 60) for _ in range(200)]
    found = train_deals(deals, ages, seed=0, ended=ended)
    assert found.gate.passed, found.gate.sentences
    assert found.card.name == "deals"
    soon = found.model.probability(row_of({"intro": 15.0, "offer": 2.0}, {}))
    late = found.model.probability(row_of({"intro": 55.0, "offer": 2.0}, {}))
    assert late < soon


def test_few_deals_give_a_sentence():
    deals = {f"d{n}": ClosedDeal({"intro": 10.0}, n % 2 == 0) for n in range(40)}
    found = train_deals(deals, [], seed=0)
    assert found.model is None
    assert found.gate.sentences[0].en.startswith("Not enough outcomes (20 of 30")
    assert train_deals({}, [], seed=0).gate.sentences[0].en.startswith("Nothing to learn from")
