"""Pictures say what they show, in both formats, and the same figures make the same file."""

from datetime import date
from xml.etree import ElementTree as ET

import pytest

from infra.prediction.pictures import (
    Caption,
    HeatMap,
    Place,
    Point,
    alive,
    calibration,
    lift,
    weekly,
)

CAPTION = Caption("4% fewer purchases than expected", "295 customers until 1998-01-01")
POINTS = [Point(0.1, 0.2, 0.0, 0.5), Point(2.0, 1.5, 1.0, 2.5)]
WEEKS = [(date(1998, 1, day), 3.0 * day, 40.0) for day in (1, 8, 15, 22)]
MAP = HeatMap([1, 2, 3], [0, 14], [[0.9, 0.9, 1.0], [None, 0.6, 0.2]])
DRAWN = {
    "calibration": lambda place: calibration(place, CAPTION, POINTS),
    "lift": lambda place: lift(place, CAPTION, {"model": [0, 0.7, 1], "rate": [0, 0.6, 1]}),
    "weekly": lambda place: weekly(place, CAPTION, WEEKS, date(1998, 1, 15)),
    "alive": lambda place: alive(place, CAPTION, MAP),
}
LABELS = {
    "calibration": {"expected purchases per customer", "actual purchases per customer"},
    "lift": {"best customers by expectation, %", "of all later purchases, %", "model", "rate"},
    "weekly": {"week", "repeat purchases", "actual", "expected"},
    "alive": {"purchases so far", "days since the last purchase", "P(alive)"},
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_says_what_it_shows_and_is_labelled(tmp_path, name):
    path = DRAWN[name](Place(tmp_path, "svg"))
    assert path == tmp_path / f"{name}.svg"
    texts = {one.text for one in ET.parse(path).iter("{http://www.w3.org/2000/svg}text")}
    assert {CAPTION.says, CAPTION.of} <= texts
    assert texts >= LABELS[name]


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_figures_make_the_same_file(tmp_path, name):
    (tmp_path / "again").mkdir()
    first = DRAWN[name](Place(tmp_path, "svg")).read_bytes()
    assert DRAWN[name](Place(tmp_path / "again", "svg")).read_bytes() == first


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_can_be_a_png(tmp_path, name):
    assert DRAWN[name](Place(tmp_path, "png")).read_bytes().startswith(b"\x89PNG")


def test_pictures_of_next_to_nothing_can_be_drawn(tmp_path):
    place = Place(tmp_path, "svg")
    calibration(place, CAPTION, [Point(0.0, 0.0, 0.0, 0.0)])
    lift(place, CAPTION, {"model": [0.0]})
    weekly(place, CAPTION, [(date(1998, 1, 1), 0.0, 0.0)], date(1998, 1, 1))
    alive(place, CAPTION, HeatMap([1], [0], [[1.0]]))
    assert len([*tmp_path.iterdir()]) == 4
