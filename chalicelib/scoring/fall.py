"""When the first level falls to its bound, where no search is needed for that.

A level is ``Σ w · clamp(x, low, high)`` over the sums of its groups. Where one sum decays and the
others stay, a bound on the level is one on that sum, ``x(t) = c + Σ p · 2^(-r·t)``. With a single
half-life it is down to b at ``t = log2(p / (b - c)) / r``. With several the logarithm of what
decays is convex, so that Newton's method comes to it from the left, and never too late::

    t ← t + log2(s / (b - c)) / (Σ r·s_i / s)       s = Σ s_i,  s_i = p_i · 2^(-r_i·t)

Eight points that halve every 100 minutes are down to two after 200:

>>> round(falls_to(2, [(8, 0.01)]), 6)
200.0

Source: log-sum-exp is convex, Boyd and Vandenberghe 2004, "Convex Optimization", 3.1.5.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from chalicelib.scoring.course import Course, Decaying, Sum
from chalicelib.scoring.levels import clamp
from chalicelib.scoring.quiet import Quiet

_NEAR = 1e-6  # minutes


class _Part(NamedTuple):
    """What the sum of one group gives to a level: ``weight`` times as much, within bounds."""

    weight: float
    low: float
    high: float
    sum: Sum


def first_fall(course: Course, calm: Quiet) -> float | None:
    """In minutes, ``inf`` if no level ever falls so far; None if that has to be searched for."""
    if not all(one.only_gains for one in (*course.lead, *course.components)):
        return None
    first = math.inf
    for bound, parts in _levels(course, calm):
        moving = [part for part in parts if part.sum.gains]
        if len(moving) > 1:
            return None
        for part in moving:
            needed = _needed(bound, part, parts)
            if first == math.inf or part.sum.at(first, first) <= needed:
                first = min(first, falls_to(needed - part.sum.constant, part.sum.gains))
    return first


def _levels(course: Course, calm: Quiet) -> Iterator[tuple[float, Sequence[_Part]]]:
    """The bound and the parts of each level."""
    scales = course.policy.scales
    lead = [_Part(*scale[:3], one) for scale, one in zip(scales, course.lead, strict=True)]
    in_fit = [part for part, (*_, counts, _) in zip(lead, scales, strict=True) if counts]
    in_engagement = [part for part, (*_, counts) in zip(lead, scales, strict=True) if counts]
    # Whatever its parts sum up to, the lead level itself is never below zero.
    yield calm.lead.low if calm.lead.low >= 0 else -math.inf, lead
    yield calm.fit.low, in_fit
    yield calm.engagement.low, in_engagement
    whole = sum([group.weight for group in course.known])
    yield (
        calm.customer.low,
        [
            _Part(group.weight / whole, group.low, group.high, one)
            for group, one in zip(course.known, course.components, strict=True)
        ],
    )


def _needed(bound: float, part: _Part, parts: Sequence[_Part]) -> float:
    """The sum of ``part`` at which the level is at its bound, ``-inf`` if that is out of reach."""
    others = [
        one.weight * clamp(one.sum.constant, one.low, one.high) for one in parts if one is not part
    ]
    needed = (bound - sum(others)) / part.weight
    if needed < part.low:
        return -math.inf
    return needed if needed < part.high else math.inf


def falls_to(wanted: float, gains: Decaying) -> float:
    """The minute at which no more than ``wanted`` is left of gains; 0 if that is so already."""
    if wanted <= 0:
        return math.inf
    minute, step = 0.0, math.inf
    while step > _NEAR:
        left = [points * math.exp2(-minute * rate) for points, rate in gains]
        total = sum(left)
        pace = sum([part * rate for part, (_, rate) in zip(left, gains, strict=True)]) / total
        step = math.log2(total / wanted) / pace
        minute += step
    return max(minute, 0.0)
