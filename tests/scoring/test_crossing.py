import math

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.scoring.crossing import first_crossing, first_loud

ENDS = st.integers(0, 10**6)


@given(st.integers(0, 10**6 - 2), ENDS, st.floats(0.001, 1000), st.floats(0.2, 5))
def test_a_falling_margin_is_crossed_at_its_first_minute(at, end, scale, bend):
    # Straight, convex or concave, and zero at exactly one place.
    def margin(minute):
        return scale * (math.pow(10**6 - minute, bend) - math.pow(10**6 - at, bend) + 1e-9)

    found = first_crossing(margin, end)
    naive = min((minute for minute in (max(at, 1), at + 1) if margin(minute) <= 0), default=None)
    assert found == (naive if naive is not None and naive <= end else None)


@given(st.integers(1, 10**6), ENDS)
def test_a_loud_minute_is_found_wherever_it_is(at, end):
    found = first_loud(lambda start, stop: not start <= at <= stop, end)
    assert found == (at if at <= end else None)


def test_a_search_that_is_lost_in_detail_tells_too_early_rather_than_too_late():
    # Every stretch of more than one minute might be loud, but no minute is until the last.
    found = first_loud(lambda start, stop: start == stop < 10**6, 10**6)
    assert 1 <= found < 10**6
