"""Percentile ranks by the hundred cut points that training stores."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence


def percentile(cuts: Sequence[float], value: float) -> float:
    """``100 · (below + ½ · equal) / n``, the mid-rank, in a population known by its cut points.

    >>> percentile([1] * 40 + [5] * 60, 5), percentile([1] * 40 + [5] * 60, 3)
    (70.0, 40.0)
    """
    below, not_above = bisect_left(cuts, value), bisect_right(cuts, value)
    return 50 * (below + not_above) / len(cuts)
