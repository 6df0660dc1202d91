"""What chances are worth by what came of them: rising, between the points, and not before its time."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.prediction.calibration import Calibration, Isotonic
from chalicelib.prediction.purchases import History, PurchaseModel, RateModel
from chalicelib.scoring.fitted import Buying
from tests.oracle.prediction import on_line

MODEL = PurchaseModel("mbg_nbd", r=0.525, alpha=6.183, a=0.891, b=1.614)
RATE = RateModel(rate=0.05, tau=26, median_gap=4)

share = st.floats(0, 1)


@st.composite
def lines(draw):
    size = draw(st.integers(1, 6))
    scores = sorted(draw(st.lists(share, min_size=size, max_size=size, unique=True)))
    chances = sorted(draw(st.lists(share, min_size=size, max_size=size)))
    return Isotonic(tuple(scores), tuple(chances))


calibrations = st.tuples(lines(), lines()).map(
    lambda both: Calibration(((30, both[0]), (90, both[1])))
)
models = st.sampled_from([MODEL, RATE])
histories = st.tuples(st.integers(0, 30), st.floats(0, 1), st.floats(0, 200)).map(
    lambda one: History(one[0], one[1] * one[2] if one[0] else 0.0, one[2])
)


def buying(model, calibration):
    return Buying(model, 7, True, History(1, 5.0, 30.0), 21.0, None, calibration)


@given(lines(), st.floats(-0.5, 1.5))
def test_a_line_is_straight_between_its_points_and_flat_beyond(line, score):
    points = list(zip(line.scores, line.chances, strict=True))
    assert line.at(score) == pytest.approx(on_line(points, score), abs=1e-9)


@given(models, calibrations, histories, st.lists(st.floats(0, 300), min_size=2, max_size=9))
def test_a_calibrated_chance_falls_in_silence_as_the_models_does(model, right, history, waits):
    one = buying(model, right)
    for days in (30, 90):
        told = [
            one.any_purchase(history._replace(age=history.age + wait), days)
            for wait in sorted(waits)
        ]
        assert all(later <= before + 1e-9 for before, later in pairwise(told))


@given(models, calibrations, histories)
def test_a_chance_is_what_came_of_chances_as_large(model, right, history):
    one, told = buying(model, right), []
    for days, line in right.lines:
        points = list(zip(line.scores, line.chances, strict=True))
        told.append(on_line(points, model.any_purchase(history, days / 7)))
    found = one.any_purchase(history, 30), one.any_purchase(history, 90)
    assert found == pytest.approx((min(told), told[1]), abs=1e-9)


@given(models, calibrations, histories)
def test_a_month_is_never_likelier_than_three(model, right, history):
    one = buying(model, right)
    assert one.any_purchase(history, 30) <= one.any_purchase(history, 90)


@given(models, histories)
def test_without_a_line_the_model_is_believed(model, history):
    one = buying(model, None)
    for days in (30, 90):
        assert one.any_purchase(history, days) == model.any_purchase(history, days / 7)


@given(calibrations)
def test_it_is_read_as_it_was_written(right):
    read = Calibration.from_json(json.loads(json.dumps(right.to_json())))
    assert [days for days, _ in read.lines] == [30, 90]
    for (_, line), (_, again) in zip(right.lines, read.lines, strict=True):
        assert again.scores == pytest.approx(line.scores, abs=1e-6)
        assert again.chances == pytest.approx(line.chances, abs=1e-6)
