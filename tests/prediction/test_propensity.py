"""Asking a fitted model: levels, parts of the log-odds, limits, and what JSON keeps."""

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.prediction.propensity import (
    FieldModel,
    Propensity,
    chance_of,
    is_missing,
    written,
)

SOURCE = FieldModel("source", None, ("expo", "web"), (0.6, -0.2, 0.1, -0.4), (10, 30, 5, 5))
VISITS = FieldModel("visits", (3.0, 8.0), (), (-0.5, 0.2, 0.9, 0.0, -0.7), (20, 15, 10, 0, 5))
MODEL = Propensity(
    "logistic", -1.0, (SOURCE, VISITS), None, "trusted", 90, 50, (-1.0, 0.5), (20, 20, 10)
)

values = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.integers(-100, 100),
    st.sampled_from(["expo", "web", "x", ""]),
)
rows = st.fixed_dictionaries({}, optional={"source": values, "visits": values, "other": values})


@given(rows)
def test_the_parts_and_the_base_sum_to_the_log_odds(row):
    parts = [part for _, part in MODEL.contributions(row)]
    odds = MODEL.base + sum(parts)
    assert MODEL.log_odds(row) == pytest.approx(odds)
    assert MODEL.probability(row) == pytest.approx(1 / (1 + math.exp(-odds)))


@given(rows)
def test_json_keeps_everything(row):
    again = Propensity.from_json(json.loads(json.dumps(MODEL.to_json())))
    assert again == MODEL
    assert again.probability(row) == MODEL.probability(row)


@pytest.mark.parametrize(
    ("value", "level"),
    [(2, 0), (3.0, 0), (3.01, 1), (8, 1), (9, 2), (1e300, 2), (-5, 0), ("many", 3), (True, 3),
     (None, 4), (math.nan, 4), (math.inf, 4), ("", 4)],
)  # fmt: skip
def test_a_number_falls_into_the_range_whose_upper_edge_is_inside(value, level):
    assert VISITS.level(value) == level


@pytest.mark.parametrize(
    ("value", "level"), [("expo", 0), (" web ", 1), ("fair", 2), (7, 2), (None, 3), ("  ", 3)]
)
def test_a_text_is_one_of_the_values_or_other(value, level):
    assert SOURCE.level(value) == level


def test_fields_without_data_are_named():
    assert MODEL.missing({"visits": 3}) == ("source",)
    assert MODEL.missing({}) == ("source", "visits")


def test_what_was_counted_stays_within_its_limits():
    sure = FieldModel("x", None, ("a",), (50.0, -50.0, 0.0), ())
    model = Propensity("naive_bayes", 0.0, (sure,), None, "learning", 90, 50)
    assert model.probability({"x": "a"}) == pytest.approx(0.995)
    assert model.probability({"x": "b"}) == pytest.approx(0.005)
    assert model.log_odds({"x": "a"}) == 50


@given(rows, st.floats(0.1, 3), st.floats(-2, 2))
def test_new_odds_are_within_the_parts_and_keep_the_order(row, a, b):
    again = MODEL.recalibrated((a, b)).recalibrated((0.5, 0.25))
    assert again.log_odds(row) == pytest.approx(0.5 * (a * MODEL.log_odds(row) + b) + 0.25)
    assert again.platt == pytest.approx((0.5 * a, 0.5 * b + 0.25))


def test_a_segment_is_asked_its_own_model():
    own = Propensity("naive_bayes", 2.0, (), None, "learning", 90, 9)
    both = Propensity(
        "logistic", -1.0, (VISITS,), None, "trusted", 90, 50, segment="city",
        segments=(("tabriz", own),),
    )  # fmt: skip
    assert both.of({"city": " tabriz"}) is own
    assert both.probability({"city": "tabriz", "visits": 9}) == pytest.approx(chance_of(2.0))
    assert both.contributions({"city": "tabriz", "visits": 9}) == ()
    assert both.of({"city": "shiraz"}) is both.of({}) is both
    assert Propensity.from_json(json.loads(json.dumps(both.to_json()))) == both


def test_segments_get_new_odds_too():
    own = Propensity("logistic", 2.0, (SOURCE,), None, "trusted", 90, 9)
    both = replace(MODEL, segment="city", segments=(("tabriz", own),))
    row = {"city": "tabriz", "source": "expo"}
    again = both.recalibrated((0.5, -1.0))
    assert again.log_odds(row) == pytest.approx(0.5 * 2.6 - 1)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_chance_is_never_outside_0_and_1(odds):
    assert 0 <= chance_of(odds) <= 1


@given(values)
def test_whatever_is_not_missing_has_a_name(value):
    assert is_missing(value) or written(value)
