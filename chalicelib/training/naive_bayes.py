"""Naive Bayes by counters: how often each level was among those who did and those who did not.

With smoothing s towards the K levels of a field, and one more for what was never seen::

    P(v | did) = (did with v + s) / (did + s (K + 1)),          likewise for those who did not
    log-odds   = ln(did / did not) + κ Σ over fields [ln P(v | did) - ln P(v | did not)]

κ is below 1 because fields that say the same are counted twice. A level that nobody had says
nothing, whatever the formula makes of it: otherwise each unknown would draw the odds towards even.

>>> outcomes = [True] * 10 + [False] * 20 + [True] * 20 + [False] * 10
>>> counters = fit([[0] * 30 + [1] * 30], [2], outcomes)
>>> [[round(weight, 3) for weight in field] for field in counters.weights], counters.base
([[-0.647, 0.647]], 0.0)

Source: Odoo CRM's predictive lead scoring for the counters; Laplace's rule for s = 1.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

SMOOTHING = 1.0
KAPPA = 0.5
"""Until it is fitted on rows that were not counted."""


@dataclass(frozen=True, slots=True)
class Counted:
    """``weights`` by field and level, with κ = 1."""

    base: float
    weights: tuple[tuple[float, ...], ...]


def fit(
    columns: Sequence[Sequence[int]],
    sizes: Sequence[int],
    outcomes: Sequence[bool],
    smoothing: float = SMOOTHING,
) -> Counted:
    """As :func:`chalicelib.training.logistic.fit`; raises ValueError where all outcomes are one."""
    did = sum(outcomes)
    others = len(outcomes) - did
    if not did or not others:
        raise ValueError("nothing to tell apart")
    weights = [
        _weights(column, size, outcomes, smoothing)
        for column, size in zip(columns, sizes, strict=True)
    ]
    return Counted(math.log(did / others), tuple(weights))


def _weights(
    column: Sequence[int], size: int, outcomes: Sequence[bool], smoothing: float
) -> tuple[float, ...]:
    cells = Counter(zip(column, map(bool, outcomes), strict=True))
    seen = {level for level, _ in cells}
    room = smoothing * (len(seen) + 1)
    did = sum(count for (_, outcome), count in cells.items() if outcome)
    total = math.log((did + room) / (len(column) - did + room))
    return tuple(
        math.log((cells[level, True] + smoothing) / (cells[level, False] + smoothing)) - total
        if level in seen
        else 0.0
        for level in range(size)
    )
