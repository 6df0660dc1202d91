from datetime import UTC, datetime, timedelta

from chalicelib.adapters.clock import SystemClock
from chalicelib.core.facts import iso, parse_instant


def test_what_the_clock_says_survives_being_stored():
    now = SystemClock().now()
    assert parse_instant(iso(now)) == now
    assert abs(datetime.now(UTC) - now) < timedelta(minutes=1)
