from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.prediction.purchases import History, PurchaseModel
from chalicelib.training.buyers import Population
from chalicelib.training.purchases import (
    best_fit,
    fit,
    gate,
    interval,
    rate_gate,
    rate_of,
)
from tests.training import cdnow


def drawn(family, r, alpha, a, b, *, people, seed, weeks=(30, 60)):
    """Customers who live and buy as the model says, in whole days."""
    chance = Random(seed)
    for _ in range(people):
        age = chance.randint(*(7 * week for week in weeks))
        rate, drop = chance.gammavariate(r, 1 / alpha), chance.betavariate(a, b)
        alive = family == "bg_nbd" or chance.random() >= drop
        x = last = 0
        time = 0.0
        while alive and (time := time + 7 * chance.expovariate(rate)) <= age:
            if int(time) > last:
                x, last = x + 1, int(time)
            alive = chance.random() >= drop
        yield History(x, last / 7, age / 7)


def test_bg_nbd_on_cdnow_has_the_estimates_of_the_paper():
    """Fader, Hardie and Lee 2005, table 2."""
    found = fit(cdnow.cells(), "bg_nbd")
    model = found.model
    assert model.r == pytest.approx(0.243, abs=0.0006)
    assert model.alpha == pytest.approx(4.414, abs=0.0006)
    assert model.a == pytest.approx(0.793, abs=0.0006)
    assert model.b == pytest.approx(2.426, abs=0.0006)
    assert found.log_likelihood == pytest.approx(-9582.4, abs=0.05)
    assert (found.customers, found.repeaters) == (2357, 946)
    assert found.converged
    assert found.determined


def test_the_modified_model_on_cdnow_has_the_estimates_of_btydplus():
    found = fit(cdnow.cells(), "mbg_nbd")
    model = found.model
    assert [model.r, model.alpha, model.a, model.b] == pytest.approx(
        [0.525, 6.183, 0.891, 1.614], abs=0.0006
    )
    assert found.log_likelihood == pytest.approx(-9582.13, abs=0.01)


@pytest.mark.parametrize("family", ["bg_nbd", "mbg_nbd"])
def test_who_lives_by_a_model_is_found_to(family):
    told = (0.6, 6.0, 0.9, 2.5)
    found = fit(Counter(drawn(family, *told, people=20_000, seed=3)), family)
    model = found.model
    assert [model.r, model.alpha, model.a, model.b] == pytest.approx(told, rel=0.15)


@pytest.mark.parametrize("family", ["bg_nbd", "mbg_nbd"])
def test_the_unit_of_time_does_not_matter(family):
    weekly = fit(cdnow.cells(), family)
    daily = fit(
        Counter({History(x, 7 * t, 7 * age): n for (x, t, age), n in cdnow.cells().items()}),
        family,
        unit_days=1,
    )
    assert daily.model.alpha == pytest.approx(7 * weekly.model.alpha, rel=1e-3)
    assert daily.model.r == pytest.approx(weekly.model.r, rel=1e-3)
    held = fit(cdnow.cells(), family, penalty=True)
    held_daily = fit(
        Counter({History(x, 7 * t, 7 * age): n for (x, t, age), n in cdnow.cells().items()}),
        family,
        unit_days=1,
        penalty=True,
    )
    assert held_daily.model.alpha == pytest.approx(7 * held.model.alpha, rel=1e-3)


def test_a_penalty_moves_much_data_little_and_little_data_much():
    free, held = (fit(cdnow.cells(), "mbg_nbd", penalty=one) for one in (False, True))
    assert held.model.r == pytest.approx(free.model.r, rel=0.05)
    alone = fit({History(1, 3.0, 9.0): 1, History(0, 0.0, 12.0): 1}, "mbg_nbd", penalty=True)
    model = alone.model
    assert alone.converged
    assert [model.r, model.alpha, model.a, model.b] == pytest.approx([0.5, 10, 1, 2.5], rel=0.6)


def test_a_fit_goes_on_from_where_another_ended():
    first = fit(cdnow.cells(), "mbg_nbd")
    again = fit(cdnow.cells(), "mbg_nbd", start=first.model)
    assert again.evaluations <= 3
    assert again.model.r == pytest.approx(first.model.r, rel=1e-4)


def population(cells, gaps=None):
    return Population(cells, gaps or {2.0: 100})


@pytest.mark.parametrize(
    ("cells", "gaps", "told"),
    [
        ({}, {}, "0 of the 100 customers"),
        ({History(0, 0.0, 9.0): 1}, {}, "1 of the 100 customers"),
        ({History(0, 0.0, 9.0): 500}, {}, "Nobody bought a second time"),
        ({History(1, 5.0, 9.0): 49, History(0, 0.0, 9.0): 900}, {}, "49 of the 50 customers"),
        ({History(1, 5.0, 8.9): 90, History(0, 0.0, 9.0): 90}, {3.1: 9}, "2.9 usual gaps"),
        ({History(2, 5.0, 9.0): 500}, {2.0: 9}, "All customers have the same history"),
    ],
)
def test_what_lacks_is_told(cells, gaps, told):
    found = gate(Population(cells, gaps))
    assert not found.passed
    assert told in " ".join(sentence.en for sentence in found.sentences)
    assert all(sentence.fa for sentence in found.sentences)


def test_enough_is_told_too():
    found = gate(population({History(1, 5.0, 9.0): 50, History(0, 0.0, 9.0): 50}))
    assert found.passed
    assert found.sentences[0].en == "Fitted on 100 customers, 50 of whom bought again"


@pytest.mark.parametrize(("back", "passed"), [(0, False), (9, False), (10, True)])
def test_a_rate_needs_some_who_came_back(back, passed):
    cells = {History(1, 5.0, 9.0): back, History(0, 0.0, 9.0): 500}
    assert rate_gate(population({h: n for h, n in cells.items() if n})).passed is passed


def test_the_rate_is_that_of_all_together():
    model = rate_of(population({History(3, 5.0, 10.0): 1, History(0, 0.0, 20.0): 1}))
    assert (model.rate, model.tau, model.median_gap) == (0.1, 26, 2)


def test_customers_who_tell_nothing_apart_make_no_model():
    """Everybody buys every week and nobody leaves: the likelihood has no maximum."""
    cells = {History(age, float(age), age + 0.1): 20 for age in range(30, 40)}
    assert not fit(cells, "mbg_nbd").determined
    held = best_fit(population(cells), "mbg_nbd")
    assert held is None or held.penalised


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.integers(0, 50), st.integers(0, 50)),
        min_size=1,
        max_size=60,
    ),
    st.sampled_from(["bg_nbd", "mbg_nbd"]),
)
def test_no_population_trips_the_fit(rows, family):
    cells = Counter(
        History(x, float(min(recency, age)) if x else 0.0, float(age)) for x, recency, age in rows
    )
    people = Population(cells, {1.0: 1})
    if people.longest:
        found = best_fit(people, family)
        assert found is None or found.converged


def test_an_interval_is_the_same_for_the_same_seed_and_narrower_for_more_people():
    few = Counter(drawn("mbg_nbd", 0.6, 6, 0.9, 2.5, people=400, seed=1))
    many = Counter(drawn("mbg_nbd", 0.6, 6, 0.9, 2.5, people=3000, seed=1))
    assert interval(few, "mbg_nbd", 7, 10) == interval(few, "mbg_nbd", 7, 10)
    assert 0 < interval(many, "mbg_nbd", 7, 10) < interval(few, "mbg_nbd", 7, 10) < 0.6


def test_whoever_resamples_fewer_than_all_allows_for_it(monkeypatch):
    cells = Counter(drawn("mbg_nbd", 0.6, 6, 0.9, 2.5, people=3000, seed=2))
    whole = interval(cells, "mbg_nbd", 7, 30)
    monkeypatch.setattr("chalicelib.training.purchases._ENOUGH_TO_RESAMPLE", 1000)
    assert 0.4 * whole < interval(cells, "mbg_nbd", 7, 30) < 2.5 * whole


def test_a_model_that_is_fitted_can_be_asked():
    model = fit(cdnow.cells(), "mbg_nbd").model
    assert isinstance(model, PurchaseModel)
    assert 0 < model.alive(History(0, 0.0, 30.0)) < 1
