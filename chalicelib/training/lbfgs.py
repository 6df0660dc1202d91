"""The minimum of a smooth convex function of many variables, by limited-memory BFGS.

>>> bowl = lambda at: (at[0] ** 2 + 50 * (at[1] - 1) ** 2, [2 * at[0], 100 * (at[1] - 1)])
>>> found = minimised(bowl, [3.0, -2.0], tolerance=1e-9)
>>> [round(abs(x), 6) for x in found], bowl(found)[0] < 1e-12
([0.0, 1.0], True)

Source: Nocedal and Wright 2006, algorithms 7.4 and 7.5; the step is found by bisection (Lewis and
Overton 2013), with the approximate condition of Hager and Zhang 2005 where a fall of the value is
below the precision of its sum.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from operator import mul
from typing import NamedTuple

Vector = list[float]
Evaluate = Callable[[Vector], tuple[float, Vector]]
"""The value and the gradient at a place."""

Solve = Callable[[Vector], Vector]

_MEMORY = 20
_ITERATIONS = 1000
_STEPS = 60
_FALL, _CURVE = 1e-4, 0.9
_PRECISION = 1e-12


class _Pair(NamedTuple):
    step: Vector
    change: Vector
    weight: float


class _Place(NamedTuple):
    at: Vector
    value: float
    gradient: Vector


def minimised(
    evaluate: Evaluate, start: Vector, tolerance: float, solve: Solve | None = None
) -> Vector:
    """Where the norm of the gradient is at most ``tolerance``, or no step gets any further.

    ``solve`` divides by a curvature that is nearly that of the function, if one is known; few steps
    are needed then.
    """
    here = _Place(start, *evaluate(start))
    memory: deque[_Pair] = deque(maxlen=_MEMORY)
    for _ in range(_ITERATIONS):
        if norm(here.gradient) <= tolerance:
            break
        there = _stepped(evaluate, here, _direction(here.gradient, memory, solve))
        if there is None:
            if not memory:
                break
            memory.clear()
            continue
        _remember(memory, here, there)
        here = there
    return here.at


def norm(vector: Vector) -> float:
    return math.sqrt(math.fsum(map(mul, vector, vector)))


def _direction(gradient: Vector, memory: deque[_Pair], solve: Solve | None) -> Vector:
    """The two loops: minus the gradient through the inverse of the curvature seen so far."""
    left, parts = list(gradient), []
    for pair in reversed(memory):
        part = pair.weight * _dot(pair.step, left)
        parts.append(part)
        left = _moved(left, pair.change, -part)
    left = solve(left) if solve else _scaled(left, gradient, memory)
    for pair, part in zip(memory, reversed(parts), strict=True):
        left = _moved(left, pair.step, part - pair.weight * _dot(pair.change, left))
    return [-one for one in left]


def _scaled(left: Vector, gradient: Vector, memory: deque[_Pair]) -> Vector:
    scale = 1 / max(norm(gradient), 1.0)
    if memory:
        last = memory[-1]
        scale = 1 / (last.weight * _dot(last.change, last.change))
    return [scale * one for one in left]


def _stepped(evaluate: Evaluate, here: _Place, direction: Vector) -> _Place | None:
    slope = _dot(here.gradient, direction)
    low, high, length = 0.0, math.inf, 1.0
    for _ in range(_STEPS if slope < 0 else 0):
        at = _moved(here.at, direction, length)
        there = _Place(at, *evaluate(at))
        new_slope = _dot(there.gradient, direction)
        if not _falls(here, there, length * slope, slope, new_slope):
            high = length
        elif new_slope < _CURVE * slope:
            low = length
        else:
            return there
        length = (low + high) / 2 if high < math.inf else 2 * length
    return None


def _falls(here: _Place, there: _Place, foretold: float, slope: float, new_slope: float) -> bool:
    if there.value <= here.value + _FALL * foretold:
        return True
    is_level = there.value <= here.value + _PRECISION * abs(here.value)
    return is_level and new_slope <= (2 * _FALL - 1) * slope


def _remember(memory: deque[_Pair], here: _Place, there: _Place) -> None:
    step = _moved(there.at, here.at, -1.0)
    change = _moved(there.gradient, here.gradient, -1.0)
    curvature = _dot(step, change)
    if curvature > 0:
        memory.append(_Pair(step, change, 1 / curvature))


def _dot(a: Vector, b: Vector) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def _moved(a: Vector, b: Vector, by: float) -> Vector:
    return [x + by * y for x, y in zip(a, b, strict=True)]
