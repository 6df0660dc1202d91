"""Who is about to leave, in words, and who is worth being kept.

Overdue is the time since the last purchase in the customer's usual gaps: the median of the own
gaps, drawn towards the population's median with a weight of x/(x+3) on the own. Of regular buyers,
whose gaps hardly vary, it tells earlier than a chance to be alive, which takes purchases to be
random.

>>> late = overdue([30, 32, 28, 31], 75, usual=60)
>>> round(late.gaps, 1), late.level, late.regular
(1.7, 'in_time', True)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import sqrt
from statistics import fmean, median
from typing import Literal

Lateness = Literal["in_time", "at_risk", "probably_lost"]

AT_RISK, PROBABLY_LOST = 2.0, 4.0
"""Gaps since the last purchase."""

REGULAR = 0.5
"""Coefficient of variation below which gaps are regular."""

_SHRINK = 3
_FEWEST_FOR_VARIATION = 3


@dataclass(frozen=True, slots=True)
class Overdue:
    """``typical`` is the usual gap in the unit of the gaps; ``gaps`` counts those that went by."""

    gaps: float
    typical: float
    regular: bool

    @property
    def level(self) -> Lateness:
        if self.gaps >= PROBABLY_LOST:
            return "probably_lost"
        return "at_risk" if self.gaps >= AT_RISK else "in_time"


def overdue(own: Sequence[float], since: float, *, usual: float | None) -> Overdue | None:
    """Of the ``own`` gaps, the time ``since`` the last purchase and the ``usual`` gap of all.

    None where neither tells of a gap.
    """
    if not own and not usual:
        return None
    weight = len(own) / (len(own) + _SHRINK) if usual else 1.0
    typical = weight * (median(own) if own else 0.0) + (1 - weight) * (usual or 0.0)
    return Overdue(since / typical, typical, _regular(own)) if typical > 0 else None


def gaps_of(days: Sequence[date]) -> list[float]:
    """Days between the purchases, of which several on one day are one.

    >>> gaps_of([date(2024, 1, 9), date(2024, 1, 1), date(2024, 1, 9)])
    [8.0]
    """
    known = sorted(set(days))
    return [float((late - early).days) for early, late in pairwise(known)]


def value_at_risk(churn: float, value_if_kept: float) -> float:
    """What to rank actions by: a likely leaver of no value is worth no call."""
    return churn * max(value_if_kept, 0.0)


def _regular(gaps: Sequence[float]) -> bool:
    if len(gaps) < _FEWEST_FOR_VARIATION:
        return False
    mean = fmean(gaps)
    spread = sqrt(sum((gap - mean) ** 2 for gap in gaps) / (len(gaps) - 1))
    return mean > 0 and spread / mean < REGULAR
