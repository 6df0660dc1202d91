"""What Zoho's values say, and what becomes of the ones that say nothing."""

import pytest

from chalicelib.core.outputs import OutputType
from connectors._json_values import midnight, money
from connectors.zoho.values import TYPED, field_value, sent


@pytest.mark.parametrize(
    ("of_type", "value", "expected"),
    [
        ("text", "CEO", "CEO"),
        ("text", None, None),
        ("text", "", None),
        ("text", {"name": "Rangoni", "id": "9"}, "Rangoni"),
        ("text", {"id": "9"}, None),
        ("text", 7, "7"),
        ("choice", ["Mail", "Phone"], "Mail;Phone"),
        ("choice", [], None),
        ("number", 3, 3),
        ("number", 3.0, 3),
        ("number", 3.5, 3.5),
        ("number", True, None),
        ("number", "250", 250),
        ("number", "۲۵۰٬۰۰۰", "۲۵۰٬۰۰۰"),
        ("number", "many", None),
        ("number", [3], None),
        ("boolean", True, True),
        ("boolean", False, False),
        ("boolean", "true", True),
        ("boolean", None, None),
        ("date", "1981-04-02", "1981-04-02"),
        ("date", "2026-11-21T10:15:00+05:30", "2026-11-21T04:45:00.000Z"),
        ("date", "soon", None),
        ("date", 7, None),
    ],
)
def test_a_value_is_read_by_the_attributes_type(of_type, value, expected):
    assert TYPED[of_type](value) == expected


@pytest.mark.parametrize(
    ("day", "zone", "expected"),
    [
        ("2026-11-01", "Europe/Berlin", "2026-10-31T23:00:00.000Z"),
        ("2026-11-01", "no such zone", "2026-11-01T00:00:00.000Z"),
        ("2026-11-01T12:00:00+01:00", "Asia/Tehran", "2026-11-01T11:00:00.000Z"),
        ("9999-12-31", "America/New_York", None),
        ("soon", "UTC", None),
        (None, "UTC", None),
    ],
)
def test_a_day_begins_where_the_organisation_is(day, zone, expected):
    assert midnight(day, zone) == expected


def test_a_sum_is_a_number_and_nothing_else():
    assert money(12.5, "USD").to_json() == {"amount": 1250, "currency": "USD"}
    assert [money(one, "USD") for one in (None, True, "12", float("nan"), 1e300)] == [None] * 5


@pytest.mark.parametrize(
    ("of_type", "value"),
    [
        (OutputType.SCORE, 82),
        (OutputType.NUMBER, 0.25),
        (OutputType.CHOICE, "A"),
        (OutputType.TEXT, "+5 · ایمیل"),
        (OutputType.INSTANT, "2026-11-01T08:00:00.000Z"),
        (OutputType.TEXT, None),
    ],
)
def test_what_is_written_is_read_back_the_same(of_type, value):
    assert field_value(sent(value, of_type), of_type) == value


def test_what_somebody_else_wrote_stays_to_be_seen():
    assert field_value("soon", OutputType.INSTANT) == "soon"
    assert field_value("many", OutputType.NUMBER) == "many"
    assert field_value("", OutputType.TEXT) is None
