import math

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.policy import Band
from chalicelib.policy import compile_policy
from chalicelib.scoring.levels import band_of, levels, whole
from tests.scoring.examples import starter

SUMS = st.lists(st.floats(-200, 200), min_size=2, max_size=2)
POLICY = compile_policy(starter())


@given(SUMS, SUMS, st.integers(0, 3), st.floats(0, 50))
def test_no_level_falls_when_a_sum_rises(lead, components, index, more):
    groups = POLICY.customer.components
    raised = [*lead, *components]
    raised[index] += more
    before = levels(POLICY.lead, lead, groups, components)
    after = levels(POLICY.lead, raised[:2], groups, raised[2:])
    assert all(low <= high + 1e-9 for low, high in zip(before, after, strict=True))


def test_missing_components_are_left_out_of_the_mix():
    behaviour, value = POLICY.customer.components
    both = levels(POLICY.lead, [0, 0], [behaviour, value], [50, 100]).customer
    assert both == (40 * 50 + 60 * 100) / 100
    assert levels(POLICY.lead, [0, 0], [value], [100]).customer == 100
    assert levels(POLICY.lead, [0, 0], [], []).customer is None


def test_rounding_is_half_up_whatever_binary_arithmetic_makes_of_it():
    assert whole(1.005 * 1000 - 980.5) == 25  # 24.499999999999886 in binary
    assert whole(24.4999) == 24


def test_a_band_begins_at_its_minimum():
    bands = (Band("A", 0.7), Band("B", 0.4), Band("C", -math.inf))
    assert [band_of(bands, share) for share in (0.7, 35 / 50, 0.69, 0.4, -3)] == list("AABBC")
