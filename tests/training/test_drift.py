"""Whether those who come now are others."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.prediction.propensity import FieldModel
from chalicelib.training.drift import drift, is_off, psi, upkeep
from chalicelib.training.propensity import train
from tests.oracle.propensity import naive_psi
from tests.training.examples import cases

counts = st.lists(st.integers(0, 200), min_size=3, max_size=8)


@given(counts, counts)
def test_the_index_is_that_of_the_formula(one, other):
    size = min(len(one), len(other))
    pairs = [(e, a) for e, a in zip(one[:size], other[:size], strict=True) if e or a]
    expected, actual = [e for e, _ in pairs], [a for _, a in pairs]
    if sum(expected) and sum(actual):
        assert psi(one[:size], other[:size]) == pytest.approx(naive_psi(expected, actual))
        assert psi(expected, actual) == pytest.approx(psi(expected, actual[:]))
    assert psi(one, one) == 0
    assert psi(one, [0] * len(one)) == 0


def fitted():
    return train(*cases(3000), seed=0, horizon_days=90).model


MODEL = fitted()


def test_the_same_people_have_not_drifted():
    rows, _, _ = cases(3000, seed=2)
    assert max(drift(MODEL, rows).values()) < 0.02
    found = upkeep(MODEL, rows, age_days=5, observed=100, expected=101.0)
    assert (found.verdict, found.sentences) == ("keep", ())


def test_others_make_the_model_be_trained_anew():
    rows = [row | {"source": "expo", "visits": 11} for row in cases(500, seed=2)[0]]
    found = upkeep(MODEL, rows, age_days=5)
    assert found.verdict == "retrain"
    assert found.psi["source"] > 0.25
    assert found.psi[""] > 0.25
    assert any(one.en.startswith("source is no longer") for one in found.sentences)
    assert any(one.en.startswith("The score is no longer") for one in found.sentences)


def test_of_fewer_rows_than_twenty_per_level_no_index_is_told():
    """Thirteen that were met in training need 260, and nothing is told of fewer than 200."""
    towns = tuple("abcdefghijklm")
    town = FieldModel("town", None, towns, (0.0,) * 15, (20,) * 13 + (0, 0))
    model = replace(MODEL, fields=(town, *MODEL.fields))
    rows = [row | {"source": "expo", "town": "a"} for row in cases(260, seed=2)[0]]
    assert drift(model, rows)["town"] > 0.25
    assert drift(model, rows[:259]).keys() == drift(model, rows).keys() - {"town"}
    assert drift(model, rows[:199]) == {}
    few = replace(town, counts=(19,) * 13 + (0, 0))
    assert "town" not in drift(replace(MODEL, fields=(few,)), rows * 10)


def test_a_little_drift_is_watched():
    rows = [row | ({"demo": True} if n % 5 == 0 else {}) for n, row in enumerate(cases(3000)[0])]
    found = upkeep(MODEL, rows, age_days=5)
    assert found.verdict in ("watch", "keep")
    assert 0.05 < found.psi["demo"] < 0.25


def test_wrong_numbers_of_successes_ask_for_new_odds():
    rows, _, _ = cases(1000, seed=2)
    found = upkeep(MODEL, rows, age_days=5, observed=80, expected=50.0)
    assert found.verdict == "recalibrate"
    assert found.sentences[0].en == "80 succeeded lately where 50.0 were expected"


def test_after_thirty_days_it_is_trained_anew_whatever_is():
    rows, _, _ = cases(1000, seed=2)
    assert upkeep(MODEL, rows, age_days=30).verdict == "retrain"
    assert upkeep(MODEL, [], age_days=29).verdict == "keep"


@pytest.mark.parametrize(
    ("observed", "expected", "off"),
    [(50, 40.0, False), (50, 39.9, True), (50, 62.5, False), (50, 62.6, True), (49, 10.0, False)],
)
def test_successes_are_off_from_fifty_on(observed, expected, off):
    assert is_off(observed, expected) is off
