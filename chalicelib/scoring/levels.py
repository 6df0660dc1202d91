"""From sums of points to the numbers that a card shows.

::

    G_g = clamp(Σ points, low_g, high_g)                 one group
    lead = clamp(Σ W_g · G_g, 0, 100)
    fit, engagement = Σ W_g · G_g                        over the groups that the grade names
    customer = Σ w_c · C_c / Σ w_c                       over the components that are known

No step falls when a sum rises, so bounds on the sums are bounds on the levels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from chalicelib.core.policy import Band, Group, LeadPolicy

TOP = 100

EDGE = 5e-10
"""What a level may miss by binary arithmetic and still count as reached: 0.7 · 35 is 24.5."""


class Levels(NamedTuple):
    """``lead`` and ``customer`` are 0-100; ``customer`` is None where no component is known."""

    lead: float
    fit: float
    engagement: float
    customer: float | None


def levels(
    policy: LeadPolicy, lead: Sequence[float], known: Sequence[Group], components: Sequence[float]
) -> Levels:
    """``lead`` and ``components`` are the sums of points of each lead group and component."""
    total, fit, engagement = lead_totals(policy, lead)
    return Levels(clamp(total, 0, TOP), fit, engagement, mixed(known, components))


def lead_totals(policy: LeadPolicy, sums: Sequence[float]) -> tuple[float, float, float]:
    """Of all lead groups, before bounds, and of those of the grade's letter and digit."""
    total = fit = engagement = 0.0
    for (weight, low, high, in_fit, in_engagement), points in zip(policy.scales, sums, strict=True):
        worth = weight * clamp(points, low, high)
        total += worth
        if in_fit:
            fit += worth
        if in_engagement:
            engagement += worth
    return total, fit, engagement


def mixed(known: Sequence[Group], sums: Sequence[float]) -> float | None:
    worth = weight = 0.0
    for group, points in zip(known, sums, strict=True):
        worth += group.weight * clamp(points, group.low, group.high)
        weight += group.weight
    return worth / weight if weight else None


def clamp(value: float, low: float, high: float) -> float:
    # A call of ``min`` would take as long as all the rest, and this is called most of all.
    return low if value < low else high if value > high else value  # noqa: FURB136


def whole(level: float) -> int:
    """Rounded half up, once, at the edge of the product.

    >>> whole(24.5), whole(0.7 * 35), whole(24.4)
    (25, 25, 24)
    """
    return math.floor(level + 0.5 + EDGE)


def band_of(bands: Sequence[Band], value: float) -> str:
    """Bands stand from the highest minimum down; the last one takes the rest.

    >>> band_of((Band("hot", 70), Band("cold", -math.inf)), 70)
    'hot'
    """
    for band in bands:
        if value + EDGE >= band.minimum:
            return band.name
    return bands[-1].name
