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


ages_open = st.lists(days, max_size=9)


def still(ages):
    """Open deals that are in their first stage for so long."""
    return {f"open{n}": {"intro": age} for n, age in enumerate(ages)}


@given(histories, ages_open, st.integers(1, 200))
def test_a_snapshot_shows_a_deal_as_it_was_at_an_age_of_open_deals(deals, ages, horizon):
    ways = {**{name: one.days_left for name, one in deals.items()}, **still(ages)}
    won = {name for name, one in deals.items() if one.won}
    lives = [max(one.days_left.values()) for one in deals.values() if any(one.days_left.values())]
    for one in snapshots_of(deals, still(ages), horizon):
        left = ways[one.id]
        lasted = max(left.values())
        age = lasted - one.days_before
        assert one.row["age_days"] == pytest.approx(age, abs=1e-9)
        assert 0 <= age <= lasted
        if lives and min(ages, default=201) <= min(lives):
            assert any(age == pytest.approx(open_age) for open_age in ages)
        assert left[one.row["stage"]] >= one.days_before
        assert one.won is (one.id in won and one.days_before <= horizon)


@given(histories, ages_open)
def test_the_age_is_drawn_by_the_id_and_not_by_the_order(deals, ages):
    whole = list(snapshots_of(deals, still(ages), 90))
    backwards = dict([*deals.items()][::-1]), dict([*still(ages).items()][::-1])
    assert list(snapshots_of(*backwards, 90)) == whole


def test_a_deal_that_had_ended_at_the_age_that_was_drawn_tells_nothing():
    deals = {f"d{n:03}": ClosedDeal({"intro": 20.0 if n % 10 else 50.0}, True) for n in range(400)}
    found = list(snapshots_of(deals, still([10.0, 40.0]), 90))
    short = [one.row["age_days"] for one in found if not one.id.endswith("0")]
    assert set(short) == {10.0}
    assert 140 < len(short) < 220


class TestForgotten:
    """Open deals that nobody ever closes."""

    def test_one_that_is_open_after_the_horizon_was_not_won(self):
        deals = {f"d{n}": ClosedDeal({"intro": 100.0}, won=True) for n in range(9)}
        found = list(snapshots_of(deals, {"a": {"intro": 99.0}, "b": {"intro": 95.0}}, 90))
        assert {one.id for one in found} == deals.keys()
        found = list(
            snapshots_of(deals, {"a": {"intro": 5.0}, "b": {"intro": 95.5, "offer": 93}}, 90)
        )
        (old,) = [one for one in found if one.id == "b"]
        assert (old.won, old.days_before, old.days_known) == (False, 90.5, 0.5)
        assert (old.row["stage"], old.row["age_days"]) == ("offer", 5.0)

    def test_of_short_deals_one_is_known_not_to_be_won_long_before_the_horizon(self):
        deals = {f"d{n}": ClosedDeal({"intro": 20.0}, won=True) for n in range(9)}
        for age, known in ((44.9, set()), (45.1, {"b"})):
            found = snapshots_of(deals, {"a": {"intro": 5.0}, "b": {"intro": age}}, 365)
            young = {one.id for one in found if one.row["age_days"] == pytest.approx(5.0)}
            assert young - deals.keys() == known

    def test_they_keep_no_deal_that_ended_from_teaching(self):
        chance = Random(2)
        deals = {f"d{n}": ClosedDeal({"intro": chance.uniform(20, 100)}, True) for n in range(600)}
        fresh, old = ([chance.uniform(*of) for _ in range(60)] for of in ((0, 80), (400, 900)))
        before = [one for one in snapshots_of(deals, still(fresh), 365) if one.id in deals]
        after = [
            one for one in snapshots_of(deals, still(fresh + 10 * old), 365) if one.id in deals
        ]
        assert before == after

    @pytest.mark.parametrize("horizon", [90, 365])
    @pytest.mark.parametrize("share", [0.4, 0.7])
    def test_chances_are_right_where_many_are_forgotten(self, share, horizon):
        """Of those that somebody closes half are won, within 40 days, and the others lost."""
        chance, today = Random(4), 1500.0
        deals, still_open, ended, young = {}, {}, {}, []
        for n in range(6000):
            begun, won = chance.uniform(0, today), chance.random() < 0.5
            lasts = chance.uniform(10, 40) if won else chance.uniform(20, 150)
            is_closed = chance.random() >= share
            if is_closed and begun + lasts <= today:
                deals[f"d{n}"] = ClosedDeal({"intro": lasts}, won)
                ended[f"d{n}"] = START + timedelta(days=begun + lasts)
                continue
            still_open[f"d{n}"] = {"intro": today - begun}
            ended[f"d{n}"] = START + timedelta(days=today)
            if today - begun < 40:
                young.append((today - begun, is_closed and won))
        found = train_deals(deals, still_open, seed=0, horizon_days=horizon, ended=ended)
        assert found.gate.passed, found.gate.sentences
        told = [found.model.probability(row_of({"intro": age}, {})) for age, _ in young]
        came = sum(won for _, won in young)
        assert len(young) > 120
        assert abs(sum(told) - came) / len(young) < 0.06
        assert found.model.probability(row_of({"intro": 700.0}, {})) < 0.02


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
    found = train_deals(deals, still(ages), seed=0, horizon_days=200)
    told = sum(found.model.probability(row_of({"intro": age}, {})) for age in ages)
    came = sum(won for _, won in met)
    assert came < 0.25 * len(met)
    assert told == pytest.approx(came, rel=0.25)


def test_a_deal_that_was_seen_in_no_stage_tells_nothing():
    deals = {"a": ClosedDeal({}, won=True), "b": ClosedDeal({"offer": 0.0}, won=True)}
    assert list(snapshots_of(deals, still([1.0]), 90)) == []
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
    found = train_deals(deals, still(ages), seed=0, ended=ended)
    assert found.gate.passed, found.gate.sentences
    assert found.card.name == "deals"
    soon = found.model.probability(row_of({"intro": 15.0, "offer": 2.0}, {}))
    late = found.model.probability(row_of({"intro": 55.0, "offer": 2.0}, {}))
    assert late < soon


def test_few_deals_give_a_sentence():
    deals = {f"d{n}": ClosedDeal({"intro": 10.0}, n % 2 == 0) for n in range(40)}
    found = train_deals(deals, {}, seed=0)
    assert found.model is None
    assert found.gate.sentences[0].en.startswith("Not enough outcomes (20 of 30")
    assert train_deals({}, {}, seed=0).gate.sentences[0].en.startswith("Nothing to learn from")
