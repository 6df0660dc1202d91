"""A hundred quantiles, by which any value has its percentile rank.

The i-th cut point, i = 1 … 100, is the smallest value that at least ``(i - ½) %`` of the population
do not exceed (quantiles of type 1). So among the cut points a value has as many below it and as
many equal to it, per cent, as in the population, each to half a point; the mid-rank
``100 · (below + ½ · equal) / n`` read off them is right to half a point, ties included.

Source: Hyndman and Fan 1996 for the types of quantiles.
"""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.core.model import Json

POINTS = 100
ENOUGH = 15
"""Below so many there is nothing worth being compared with."""


def percentile_cuts(values: Iterable[float]) -> list[Json]:
    """Empty if there are too few values.

    >>> percentile_cuts(range(1, 1001))[:3]
    [5, 15, 25]
    >>> percentile_cuts([1, 2])
    []
    """
    ordered = sorted(values)
    if len(ordered) < ENOUGH:
        return []
    # The position of the first value with rank/n ≥ (2i - 1)/200, in whole numbers.
    return [
        ordered[-(-(2 * point - 1) * len(ordered) // (2 * POINTS)) - 1]
        for point in range(1, POINTS + 1)
    ]
