import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.pipeline.foresight import foreseen
from chalicelib.pipeline.lessons import Lessons
from chalicelib.policy import compile_policy
from chalicelib.prediction.purchases import PurchaseModel, RateModel
from chalicelib.scoring.fitted import Buying
from chalicelib.training.backtest import chances_within
from chalicelib.training.buyers import Population, apart, past_of, population_of, two_thirds
from chalicelib.training.purchase_learning import learn
from chalicelib.training.purchases import best_fit
from tests.scoring.examples import starter
from tests.training import cdnow

NOW = date(2024, 6, 1)
START = date(2024, 1, 1)


def learned(people, now=NOW, start=START, **told):
    past = past_of(people, two_thirds(start, now), now, 7)
    return learn(population_of(people, now, 7), past, seed=7, refits=5, **told)


@pytest.fixture(scope="module")
def of_cdnow():
    return learned(list(cdnow.days().values()), date(1998, 6, 30), date(1997, 1, 1))


def test_cdnow_passes_its_gate_and_is_tried_on_its_past(of_cdnow):
    assert of_cdnow.gate.passed
    assert isinstance(of_cdnow.model, PurchaseModel)
    assert of_cdnow.counts
    assert of_cdnow.backtest.total_ratio == pytest.approx(1, abs=0.25)
    assert 0 < of_cdnow.interval < 0.5
    share = f"within ±{round(100 * of_cdnow.interval)} %, four times of five"
    assert share in of_cdnow.gate.sentences[-1].en
    assert of_cdnow.gate.sentences[0].en.startswith("Fitted on 295")


def test_what_is_published_is_json_and_makes_the_same_model(of_cdnow):
    stated = json.loads(json.dumps(of_cdnow.parameters))
    assert PurchaseModel.from_json(stated) == of_cdnow.model
    assert RateModel.from_json(stated) == of_cdnow.rate
    assert (stated["method"], stated["unit_days"], stated["counts"]) == ("model", 7, True)
    assert stated["medians"].keys() == {"frequency", "recency", "age"}


def test_the_card_says_when_and_of_whom(of_cdnow):
    card = of_cdnow.card(datetime(2024, 6, 1, tzinfo=UTC))
    stated = json.loads(json.dumps(card.to_json()))
    assert stated["passed"]
    assert stated["figures"]["customers"] == 295
    assert stated["figures"]["backtest"]["actual"] == of_cdnow.backtest.actual
    assert all(sentence["fa"] for sentence in stated["sentences"])


def test_the_same_seed_teaches_the_same(of_cdnow):
    again = learned(list(cdnow.days().values()), date(1998, 6, 30), date(1997, 1, 1))
    assert again == of_cdnow


def steady(people, times, every, start=START):
    """Each buys so many times, every so many days."""
    return [
        [start + timedelta(days=n % 9 + every * time) for time in range(times)]
        for n in range(people)
    ]


NOBODY = []
ONE = [[START, date(2024, 3, 1)]]
ONCE = steady(300, 1, 1)
TWINS = [[START, date(2024, 2, 1), date(2024, 4, 1)]] * 300
AHEAD = [[date(2031, 1, 1)]] * 300
TODAY = [[NOW]] * 300
ONE_DAY = [[START] * 6] * 300
FEW = steady(30, 3, 20) + steady(20, 1, 1)


@pytest.mark.parametrize(
    ("people", "told"),
    [
        (NOBODY, "0 of the 100"),
        (ONE, "1 of the 100"),
        (ONCE, "Nobody bought a second time"),
        (AHEAD, "0 of the 100"),
        (TODAY, "Nobody bought a second time"),
        (ONE_DAY, "All customers have the same history"),
    ],
    ids=["nobody", "one", "once", "ahead", "today", "one day"],
)
def test_without_ground_there_is_a_sentence_and_no_number(people, told):
    found = learned(people)
    assert not found.gate.passed
    assert told in " ".join(sentence.en for sentence in found.gate.sentences)
    assert found.model is None
    assert found.parameters is None
    assert not found.card().passed


@pytest.mark.parametrize(
    ("people", "told"),
    [(TWINS, "All customers have the same history"), (FEW, "50 of the 100")],
    ids=["twins", "few"],
)
def test_where_no_model_can_be_fitted_a_rate_serves_and_says_so(people, told):
    found = learned(people)
    assert not found.gate.passed
    said = " ".join(sentence.en for sentence in found.gate.sentences)
    assert told in said
    assert "rule of thumb" in said
    assert isinstance(found.model, RateModel)
    assert found.parameters["method"] == "rate"
    assert RateModel.from_json(found.parameters) == found.model


def test_counts_that_were_wrong_in_the_past_are_not_shown():
    """Everybody stopped when the test began."""
    people = steady(100, 9, 10) + steady(100, 4, 9) + steady(100, 1, 1)
    found = learn(
        population_of(people, NOW, 7), past_of(people, date(2024, 3, 25), NOW, 7), seed=7, refits=5
    )
    assert not found.counts
    assert found.parameters["counts"] is False


def test_what_could_not_be_tried_shows_no_counts():
    people = list(cdnow.days().values())
    found = learn(population_of(people, date(1998, 6, 30), 7), None, seed=7, refits=3)
    assert found.gate.passed
    assert not found.counts
    assert "too little history to try it" in found.gate.sentences[-2].en


@settings(max_examples=15)
@given(st.lists(st.lists(st.integers(-200, 40), max_size=6), min_size=100, max_size=160))
def test_no_population_trips_the_training(offsets):
    people = [[NOW + timedelta(days=n) for n in days] for days in offsets]
    found = learned(people, start=NOW - timedelta(days=200))
    assert found.gate.sentences
    if found.parameters:
        json.dumps(found.parameters, allow_nan=False)


def by_the_models_story(people, drops, seed):
    """Each at a rate of their own until they drop out, within two years."""
    chance = Random(seed)
    for _ in range(people):
        rate, leaves = chance.gammavariate(1.2, 1 / 20), drops(chance)
        day, found = chance.uniform(1, 700), []
        while day > 0:
            found.append(NOW - timedelta(days=int(day)))
            if chance.random() < leaves:
                break
            day -= max(chance.expovariate(rate), 1)
        yield found


@pytest.fixture(scope="module")
def of_many():
    people = list(by_the_models_story(2400, lambda chance: chance.betavariate(1, 6), 4))
    start = NOW - timedelta(days=700)
    return people, learned(people, start=start), past_of(people, two_thirds(start, NOW), NOW, 7)


def test_chances_are_set_right_where_the_past_has_enough_customers(of_many):
    _, found, past = of_many
    stated = json.loads(json.dumps(found.parameters))["calibration"]
    assert stated.keys() == {"30", "90"}
    assert all(points == sorted(points) and points[0] == [0, 0] for points in stated.values())
    right = Buying.from_json(found.parameters)
    before = best_fit(Population(past.cells, {}), "mbg_nbd").model
    for days in (30, 90):
        told = chances_within(past, before, days)
        line = dict(right.calibration.lines)[days]
        came = sum(one.buyers for one in told)
        assert sum(line.at(one.chance) * one.customers for one in told) == pytest.approx(
            came, rel=0.05
        )
    said = [sentence for sentence in found.gate.sentences if "set right by" in sentence.en]
    assert len(said) == 1
    assert found.card().figures["calibrated"] is True


@pytest.mark.parametrize(
    "old", [[date(1970, 1, 1)], [date(1402, 5, 1)], [date(1402, 5, 1), NOW - timedelta(days=40)]]
)
def test_an_order_dated_long_before_all_others_takes_nobodys_numbers_away(of_many, old):
    people, without, _ = of_many
    lessons = Lessons(buyers=Counter(tuple(map(date.toordinal, days[::-1])) for days in people))
    lessons.buyers[tuple(map(date.toordinal, old))] += 1
    policy = compile_policy(starter(prediction={"purchases": {}}))
    found = foreseen(lessons, policy, {}, datetime(2024, 6, 1, 12, tzinfo=UTC))
    assert found["purchases"]["counts"]
    assert found["purchases"]["calibration"]
    card = found["model_cards"]["purchases"]
    tried = card["figures"]["backtest"]
    assert tried["customers"] == pytest.approx(without.backtest.customers, rel=0.02)
    assert card["figures"]["began_long_before"] == 1
    assert "1 of the customers began long before" in card["sentences"][-1]["en"]


def test_who_began_within_the_time_of_the_others_is_left_out_of_no_trial(of_many):
    people, _, _ = of_many
    early = [[NOW - timedelta(days=days)] for days in (800, 1000)]
    assert apart([*people, *early], NOW) == ([*people, *early], 0)
    assert apart([*people, [NOW - timedelta(days=1100)]], NOW)[1] == 1
    assert apart([], NOW) == ([], 0)


def test_with_few_customers_or_a_short_trial_chances_stay_as_they_are(of_cdnow, of_many):
    assert of_cdnow.parameters["calibration"] is None
    assert "1,000 customers of the past" in of_cdnow.gate.sentences[-2].en
    people, _, _ = of_many
    lately = past_of(people, NOW - timedelta(days=60), NOW, 7)
    found = learn(population_of(people, NOW, 7), lately, seed=7, refits=3)
    assert found.counts
    assert found.parameters["calibration"] is None
    assert "shorter than 90 days" in found.gate.sentences[-2].en


def regulars(people, seed):
    """Each by a gap of their own, which the model takes to be random, until they drop out."""
    chance = Random(seed)
    for _ in range(people):
        day, gap, leaves = chance.uniform(0, 799), chance.uniform(20, 90), chance.betavariate(1, 6)
        found = []
        while day < 890:
            found.append(START + timedelta(days=int(day)))
            if chance.random() < leaves:
                break
            day += max(chance.gauss(gap, gap / 5), 1)
        yield found


def error(chances):
    """The mean calibration error by tenths of the chance, of (chance, customers, buyers)."""
    tenths = {}
    for chance, customers, buyers in chances:
        tenth = tenths.setdefault(min(int(10 * chance), 9), [0, 0])
        tenth[0] += chance * customers
        tenth[1] += buyers
    people = sum(customers for _, customers, _ in chances)
    return sum(abs(told - came) for told, came in tenths.values()) / people


def test_what_the_model_gets_wrong_of_regular_buyers_is_set_right_in_the_time_that_follows():
    people, now = list(regulars(2500, 3)), START + timedelta(days=800)
    known = [[day for day in days if day <= now] for days in people]
    found = learned(known, now=now)
    right = Buying.from_json(found.parameters)
    after = past_of(people, now, now + timedelta(days=90), 7)
    plain = chances_within(after, found.model, 90)
    lines = dict(right.calibration.lines)
    set_right = [(lines[90].at(one.chance), one.customers, one.buyers) for one in plain]
    assert error(plain) > 0.1
    assert error(set_right) < 0.03
