"""A guarded BFGS for a handful of unknowns.

Each step goes along -H·g with a line search that ends where the function has fallen enough and its
slope has flattened (weak Wolfe conditions, found by doubling and halving). No step is longer than
``_LONGEST``, no unknown leaves ±bound, and a Hessian's inverse that points uphill is forgotten.
What came out is judged by its gradient, not by how the search ended: at the optimum the last digits
of the function allow no further step, and that is no failure.

>>> def bowl(at):
...     x, y = at
...     return (x - 1) ** 2 + 10 * (y + 2) ** 2, (2 * (x - 1), 20 * (y + 2))
>>> found = minimise(bowl, (0.0, 0.0))
>>> [round(x, 6) for x in found.at], found.steepest < 1e-6
([1.0, -2.0], True)

Source: Nocedal and Wright 2006, chapters 3 and 6; Lewis and Overton 2013 for the line search.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, isfinite, sqrt

Vector = tuple[float, ...]
Objective = Callable[[Vector], tuple[float, Sequence[float]]]
"""The value and the gradient at a place."""

STEEPEST = 1e-6
_LONGEST = 3.0
_FALLS = 1e-4
_FLATTENS = 0.9
_TRIES = 25
_MOST_STEPS = 200


@dataclass(frozen=True, slots=True)
class Minimum:
    """``steepest`` is the largest member of the gradient by size, those aside that point out of
    the bounds; ``evaluations`` counts how often the function was asked.
    """

    at: Vector
    value: float
    steepest: float
    evaluations: int

    @property
    def found(self) -> bool:
        return self.steepest < STEEPEST


@dataclass(frozen=True, slots=True)
class _Place:
    at: Vector
    value: float
    gradient: Vector


def minimise(
    objective: Objective, start: Vector, *, bound: float = 12.0, steepest: float = 1e-8
) -> Minimum:
    """From ``start`` until no member of the gradient is larger than ``steepest``, or none falls."""
    search = _Search(objective, bound)
    here = search.place(start)
    inverse = _identity(len(start))
    fresh = True
    for _ in range(_MOST_STEPS):
        if search.steepest(here) <= steepest:
            break
        there = search.along(here, _downhill(inverse, here.gradient))
        if there is None and fresh:
            break
        if there is None:
            inverse, fresh = _identity(len(start)), True
            continue
        inverse, fresh = _updated(inverse, here, there, fresh), False
        here = there
    return Minimum(here.at, here.value, search.steepest(here), search.evaluations)


class _Search:
    """Asks the function, within bounds, and counts."""

    def __init__(self, objective: Objective, bound: float) -> None:
        self._objective = objective
        self._bound = bound
        self.evaluations = 0

    def place(self, at: Vector) -> _Place:
        self.evaluations += 1
        value, gradient = self._objective(at)
        known = isfinite(value) and all(map(isfinite, gradient))
        return _Place(at, value if known else inf, tuple(gradient))

    def steepest(self, here: _Place) -> float:
        return max(map(abs, self._free(here)))

    def along(self, here: _Place, direction: Vector) -> _Place | None:
        """A place that is better by enough; None where there is none in this direction."""
        slope = _dot(direction, here.gradient)
        if slope >= 0:
            return None
        low, high, step = 0.0, inf, min(1.0, _LONGEST / sqrt(_dot(direction, direction)))
        best: _Place | None = None
        for _ in range(_TRIES):
            there = self.place(self._step(here.at, direction, step))
            if not there.value <= here.value + _FALLS * step * slope:
                high = step
            elif _dot(direction, there.gradient) < _FLATTENS * slope and there.at != here.at:
                low, best = step, there
            else:
                return there
            step = (low + high) / 2 if high < inf else 2 * low
        return best

    def _step(self, at: Vector, direction: Vector, step: float) -> Vector:
        bound = self._bound
        return tuple(
            max(-bound, min(bound, x + step * d)) for x, d in zip(at, direction, strict=True)
        )

    def _free(self, here: _Place) -> Vector:
        """The gradient without what points out of the bounds."""
        return tuple(
            0.0 if abs(x) >= self._bound and x * g < 0 else g
            for x, g in zip(here.at, here.gradient, strict=True)
        )


Matrix = list[list[float]]


def _identity(size: int) -> Matrix:
    return [[float(i == j) for j in range(size)] for i in range(size)]


def _downhill(inverse: Matrix, gradient: Vector) -> Vector:
    return tuple(-_dot(row, gradient) for row in inverse)


def _updated(inverse: Matrix, here: _Place, there: _Place, fresh: bool) -> Matrix:
    """The inverse of the Hessian with what the step has shown; as it is if it showed no bend."""
    s = [new - old for new, old in zip(there.at, here.at, strict=True)]
    y = [new - old for new, old in zip(there.gradient, here.gradient, strict=True)]
    bend = _dot(s, y)
    if bend <= 0:
        return inverse
    if fresh:  # so that the first steps have about the right length
        scale = bend / _dot(y, y)
        inverse = [[scale * one for one in row] for row in inverse]
    turned = [_dot(row, y) for row in inverse]
    stretch = (1 + _dot(y, turned) / bend) / bend
    size = range(len(s))
    return [
        [inverse[i][j] + stretch * s[i] * s[j] - (turned[i] * s[j] + s[i] * turned[j]) / bend
         for j in size]
        for i in size
    ]  # fmt: skip


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))
