from math import exp, inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.training.optimiser import minimise

numbers = st.floats(-3, 3)


@given(st.tuples(numbers, numbers, numbers), st.tuples(*[st.floats(0.01, 100)] * 3))
def test_the_bottom_of_a_bowl_is_found(middle, steepness):
    def bowl(at):
        away = [x - m for x, m in zip(at, middle, strict=True)]
        value = sum(s * a * a for s, a in zip(steepness, away, strict=True))
        return value, [2 * s * a for s, a in zip(steepness, away, strict=True)]

    found = minimise(bowl, (0.0, 0.0, 0.0))
    assert found.at == pytest.approx(middle, abs=1e-5)
    assert found.found


def test_the_bent_valley_of_rosenbrock_is_walked_to_its_end():
    def valley(at):
        x, y = at
        return (1 - x) ** 2 + 100 * (y - x * x) ** 2, (
            -2 * (1 - x) - 400 * x * (y - x * x),
            200 * (y - x * x),
        )

    found = minimise(valley, (-1.2, 1.0))
    assert found.at == pytest.approx((1, 1), abs=1e-6)
    assert found.evaluations < 80


def test_a_slope_without_end_ends_at_the_bound():
    found = minimise(lambda at: (exp(-at[0]), (-exp(-at[0]),)), (0.0,), steepest=1e-12)
    assert found.at[0] == pytest.approx(12)
    down = minimise(lambda at: (-at[0], (-1.0,)), (0.0,), bound=5)
    assert (down.at, down.steepest) == ((5.0,), 0.0)


def test_where_the_function_is_not_defined_nobody_goes():
    def half(at):
        x = at[0]
        return ((x - 1) ** 2, (2 * (x - 1),)) if x < 1.2 else (nan, (nan,))

    assert minimise(half, (-2.0,)).at == pytest.approx((1,), abs=1e-6)
    assert minimise(lambda _: (inf, (inf,)), (0.5,)).at == (0.5,)


def test_an_end_is_judged_by_its_gradient():
    flat = minimise(lambda at: (abs(at[0]), (1.0 if at[0] >= 0 else -1.0,)), (0.3,))
    assert not flat.found
