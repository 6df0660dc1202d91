"""Linear equations with a symmetric positive definite matrix, solved many times.

>>> solve = solver([[4.0, 2.0], [2.0, 3.0]])
>>> [round(x, 12) for x in solve([8.0, 8.0])]
[1.0, 2.0]

Source: Cholesky's factorisation, as in Golub and Van Loan 2013, algorithm 4.2.1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import mul

Vector = list[float]


def solver(matrix: Sequence[Sequence[float]]) -> Callable[[Vector], Vector]:
    """Raises ValueError where the matrix is not positive definite."""
    lower = _factor(matrix)
    upper = [[lower[row][column] for row in range(column, len(lower))] for column in _down(lower)]

    def solved(right: Vector) -> Vector:
        forward: Vector = []
        for row, value in zip(lower, right, strict=True):
            forward.append((value - sum(map(mul, row, forward))) / row[-1])
        backward: Vector = []
        for column, value in zip(upper, reversed(forward), strict=True):
            # The unknowns behind this one stand in reverse.
            behind = sum(map(mul, column[1:], reversed(backward)))
            backward.append((value - behind) / column[0])
        return backward[::-1]

    return solved


def _down(lower: Sequence[Sequence[float]]) -> range:
    return range(len(lower) - 1, -1, -1)


def _factor(matrix: Sequence[Sequence[float]]) -> list[Vector]:
    """The lower triangle, each row to its diagonal."""
    lower: list[Vector] = []
    for values in matrix:
        row: Vector = []
        # map ends with the shorter of the two, which is what has been found of this row.
        for value, above in zip(values, lower, strict=False):
            row.append((value - sum(map(mul, row, above))) / above[-1])
        rest = values[len(lower)] - sum(map(mul, row, row))
        if not rest > 0:
            raise ValueError("not positive definite")
        lower.append([*row, math.sqrt(rest)])
    return lower
