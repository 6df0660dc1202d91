"""The way without a search must come to the minute that a search finds."""

import math

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.scoring.crossing import first_crossing
from chalicelib.scoring.fall import falls_to

END = 10**7

gains = st.lists(
    st.tuples(st.floats(0.5, 80), st.floats(1 / 90, 1 / 0.25).map(lambda rate: rate / 1440)),
    min_size=1,
    max_size=4,
)


@given(gains, st.floats(1e-3, 400))
def test_gains_fall_to_a_value_at_the_minute_that_a_search_finds(parts, wanted):
    def left(minute):
        return sum(points * math.exp2(-minute * rate) for points, rate in parts)

    searched = first_crossing(lambda minute: left(minute) - wanted, END)
    found = falls_to(wanted, parts)
    # Within a thousandth of a minute of a whole one, the last bit of a sum decides.
    assert searched in {max(1, math.ceil(found + slack)) for slack in (-1e-3, 1e-3)}


def test_gains_never_fall_to_nothing():
    assert falls_to(0, [(8, 0.01)]) == math.inf


def test_what_is_less_already_is_so_at_once():
    assert falls_to(9, [(8, 0.01)]) == 0
