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
from collections.abc import Iterable
from operator import itemgetter

from chalicelib.scoring.course import Course, Decaying, Sum
from chalicelib.scoring.levels import lead_totals, mixed
from chalicelib.scoring.quiet import Quiet

Need = tuple[float, Sum]
"""What a sum that moves must not fall to."""

_NEEDED = itemgetter(0)

_NEAR = 1e-3  # minutes; the next step would be less than a millionth of this one


def first_fall(course: Course, calm: Quiet) -> float | None:
    """In minutes, ``inf`` if no level ever falls so far; None if that has to be searched for."""
    if not (_one_gain_moves(course.lead) and _one_gain_moves(course.components)):
        return None
    first, second = _lead_need(course, calm), _customer_need(course, calm)
    if first and second and first[1] is second[1]:
        first, second = max(first, second, key=_NEEDED), None
    falls = [
        falls_to(need[0] - need[1].constant, need[1].gains) for need in (first, second) if need
    ]
    return min(falls) if falls else math.inf


def _one_gain_moves(sums: Iterable[Sum]) -> bool:
    """One at most, and nothing else."""
    moving = 0
    for one in sums:
        if not one.only_gains:
            return False
        if one.gains:
            moving += 1
    return moving <= 1


def _lead_need(course: Course, calm: Quiet) -> Need | None:
    """What the sum that moves must not fall to, lest a level be at its bound."""
    lead, fit, engagement = lead_totals(course.policy, _staying(course.lead))
    for (weight, low, high, in_fit, in_engagement), one in zip(
        course.policy.scales, course.lead, strict=True
    ):
        if one.gains:
            # Whatever its parts sum up to, the lead level itself is never below zero.
            missing = [calm.lead.low - lead] if calm.lead.low >= 0 else [-math.inf]
            missing += [calm.fit.low - fit] if in_fit else []
            missing += [calm.engagement.low - engagement] if in_engagement else []
            return _unbounded(max(missing) / weight, low, high), one
    return None


def _customer_need(course: Course, calm: Quiet) -> Need | None:
    for group, one in zip(course.known, course.components, strict=True):
        if one.gains:
            missing = calm.customer.low - (mixed(course.known, _staying(course.components)) or 0)
            share = group.weight / sum([each.weight for each in course.known])
            return _unbounded(missing / share, group.low, group.high), one
    return None


def _staying(sums: Iterable[Sum]) -> list[float]:
    """With nothing of the one that moves."""
    return [0.0 if one.gains else one.constant for one in sums]


def _unbounded(needed: float, low: float, high: float) -> float:
    """A sum that is bounded never falls below ``low``, and is never more than ``high``."""
    if needed < low:
        return -math.inf
    return needed if needed < high else math.inf


def falls_to(wanted: float, gains: Decaying) -> float:
    """The minute at which no more than ``wanted`` is left of gains; 0 if that is so already."""
    if wanted <= 0:
        return math.inf
    if wanted == math.inf:
        return 0.0
    minute, step = 0.0, math.inf
    while step > _NEAR:
        total = falling = 0.0
        for points, rate in gains:
            left = points * math.exp2(-minute * rate)
            total += left
            falling += left * rate
        step = math.log2(total / wanted) * total / falling
        minute += step
    return max(minute, 0.0)
