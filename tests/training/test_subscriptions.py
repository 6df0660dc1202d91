import re
from datetime import UTC, datetime, timedelta
from math import log
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.prediction.subscriptions import ShiftedBetaGeometric
from chalicelib.training.subscriptions import (
    _mean,
    _survived,
    _tenures,
    fit_renewals,
    tenure_model,
    train_hazard,
)
from tests.oracle.purchase_models import naive_renewal_likelihood

# Fader and Hardie 2007: of 1,000 customers, who left at each of seven renewals.
HIGH_END = {1: 131, 2: 126, 3: 90, 4: 60, 5: 42, 6: 34, 7: 26}
REGULAR = {1: 369, 2: 163, 3: 86, 4: 56, 5: 37, 6: 27, 7: 21}

counts = st.dictionaries(st.integers(1, 9), st.integers(1, 50), max_size=9)


@pytest.mark.parametrize(
    ("lost", "alpha", "beta", "likelihood"),
    [(HIGH_END, 0.668, 3.806, -1611.2), (REGULAR, 0.704, 1.182, -1680.3)],
)
def test_the_cohorts_of_the_paper_have_its_estimates(lost, alpha, beta, likelihood):
    found = fit_renewals(lost, {7: 1000 - sum(lost.values())})
    assert found.model.alpha == pytest.approx(alpha, abs=0.001)
    assert found.model.beta == pytest.approx(beta, abs=0.001)
    assert found.log_likelihood == pytest.approx(likelihood, abs=0.1)
    assert found.n == 1000


@given(counts, counts, st.floats(0.1, 9), st.floats(0.1, 9))
def test_the_likelihood_is_that_of_each_by_itself(lost, stayed, alpha, beta):
    if not lost and not stayed:
        return
    gone, still = _tenures(lost), _tenures(stayed)
    value, gradient = _mean((log(alpha), log(beta)), gone, _survived(gone, still), 1)
    assert -value == pytest.approx(naive_renewal_likelihood(alpha, beta, lost, stayed), rel=1e-6)
    near = _mean((log(alpha) + 1e-6, log(beta)), gone, _survived(gone, still), 1)[0]
    assert (near - value) / 1e-6 == pytest.approx(gradient[0], rel=1e-3, abs=1e-2)


@pytest.mark.parametrize(
    ("lost", "stayed", "told"),
    [
        ({}, {}, "Nobody has left or stayed"),
        ({0: 5}, {0: 900}, "Nobody has left or stayed"),
        ({1: 29}, {1: 500}, "29 left and 500 stayed"),
        ({1: 500}, {1: 3}, "500 left and 3 stayed"),
        ({1: 0, 2: -4}, {}, "Nobody has left or stayed"),
    ],
)
def test_too_little_is_told(lost, stayed, told):
    found = fit_renewals(lost, stayed)
    assert found.model is None
    assert not found.gate.passed
    assert told in found.gate.sentences[0].en


def test_who_has_not_come_to_a_renewal_tells_nothing():
    with_new = fit_renewals(HIGH_END, {0: 5000, 7: 491})
    without = fit_renewals(HIGH_END, {7: 491})
    assert with_new.model == without.model


def test_leaving_at_one_rate_for_ever_makes_no_model():
    """Everybody has the same chance, so that α and β grow without end."""
    lost = {t: round(1000 * 0.9 ** (t - 1) * 0.1) for t in range(1, 12)}
    found = fit_renewals(lost, {11: 1000 - sum(lost.values())})
    assert found.model is None or found.model.leaves_at(0) == pytest.approx(0.1, abs=0.01)


FIRST = datetime(2024, 1, 1, tzinfo=UTC)


def renewals(number, chance_of, seed=5):
    """Rows of renewals, one a day, with who left."""
    chance = Random(seed)
    for day in range(number):
        row = {"survived": chance.randrange(12), "use": chance.uniform(0, 2)}
        yield row, chance.random() < chance_of(row), FIRST + timedelta(days=day)


def trained(number, chance_of, by_tenure=None):
    rows, left, times = zip(*renewals(number, chance_of), strict=True)
    known_at = [at + timedelta(days=30) for at in times]
    return train_hazard(
        rows, left, times,
        seed=1, horizon_days=45, survived="survived", known_at=known_at, by_tenure=by_tenure,
    )  # fmt: skip


def falling(row):
    return 0.4 if row["use"] < 0.6 else 0.05


def test_use_that_falls_tells_who_leaves():
    found = trained(3000, falling, ShiftedBetaGeometric(0.7, 3))
    assert found.model.probability({"survived": 3, "use": 0.2}) == pytest.approx(0.4, abs=0.05)
    assert found.model.probability({"survived": 3, "use": 1.5}) == pytest.approx(0.05, abs=0.03)
    assert found.card.name == "renewals"
    assert re.match(
        r"Learned of [45]\d\d who left at a renewal and [\d,]+ who stayed",
        found.gate.sentences[0].en,
    )


def test_few_who_left_teach_nothing_of_use():
    found = trained(600, falling)
    assert found.model is None
    assert "from 120 of each on, use and tickets count as well" in found.gate.sentences[0].en


def test_a_model_that_knows_no_more_than_the_tenure_is_not_used():
    geometric = ShiftedBetaGeometric(0.668, 1.806)
    found = trained(4000, lambda row: geometric.leaves_at(row["survived"]), geometric)
    assert found.model is None
    assert "No better than the number of renewals alone" in found.gate.sentences[0].en


@given(st.floats(0.05, 20), st.floats(0.05, 20), st.integers(0, 60))
def test_tenure_alone_has_the_same_chances_as_a_model_of_one_field(alpha, beta, renewals):
    geometric = ShiftedBetaGeometric(alpha, beta)
    model = tenure_model(geometric, "survived", 45, 10)
    told = model.probability({"survived": renewals})
    assert told == pytest.approx(geometric.leaves_at(renewals), rel=1e-9)
