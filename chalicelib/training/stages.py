"""How probable a win is from each stage of the funnel, and how long it still takes.

Of the n_s closed deals that ever reached stage s, of which won_s were won::

    p_s = (won_s + m · p0) / (n_s + m)        p0 = share won of all closed deals, m = 10

A later stage is never less probable: neighbours out of order are pooled to their mean, weighted by
n_s + m. A deal has reached the last stage that it was seen in, and all before that; a stage that no
deal has reached has p0, or what the one before it has if that is more.

>>> deals = [ClosedDeal({"intro": 30}, won=False)] * 6 + [
...     ClosedDeal({"intro": 40, "offer": 10}, won=True)] * 4
>>> fitted = stage_probabilities(deals)
>>> fitted["p"]["intro"], round(fitted["p"]["offer"], 4), fitted["remaining_days"]["offer"]
(0.4, 0.5714, 10.0)

Source: the smoothing is that of a beta prior of weight m; pooling is Ayer, Brunk, Ewing, Reid and
Silverman 1955, "An empirical distribution function for sampling with incomplete information".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import cast

from chalicelib.core.funnel import STAGES, ClosedDeal
from chalicelib.core.model import Json

PRIOR_WEIGHT = 10


def stage_probabilities(deals: Iterable[ClosedDeal]) -> Mapping[str, Json]:
    """``p`` and ``remaining_days`` by stage, and ``n`` deals; without any deal only ``n``.

    The days are the median, of won deals where there are any; a stage that no deal has left
    has none.
    """
    closed = list(deals)
    if not closed:
        return {"n": 0}
    prior = sum(deal.won for deal in closed) / len(closed)
    reached = [[deal for deal in closed if _last(deal) >= place] for place in range(len(STAGES))]
    raw = [_smoothed(found, prior) for found in reached]
    pooled = pooled_upwards(raw, [len(found) + PRIOR_WEIGHT if found else 0 for found in reached])
    seen = {stage: [one for one in closed if stage in one.days_left] for stage in STAGES}
    days = {stage: _remaining(stage, found) for stage, found in seen.items() if found}
    return {
        "p": cast(Json, dict(zip(STAGES, pooled, strict=True))),
        "remaining_days": cast(Json, days),
        "n": len(closed),
    }


def pooled_upwards(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The nearest sequence that never falls.

    >>> pooled_upwards([0.1, 0.4, 0.2, 0.5], [1, 1, 1, 1])
    [0.1, 0.30000000000000004, 0.30000000000000004, 0.5]
    """
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        blocks.append((value, weight, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (low, a, m), (high, b, n) = blocks[-2:]
            blocks[-2:] = [((low * a + high * b) / (a + b), a + b, m + n)]
    return [value for value, _, size in blocks for _ in range(size)]


def _last(deal: ClosedDeal) -> int:
    """Place of the last stage that it was seen in; -1 for a deal that was first seen closed."""
    return max((place for place, stage in enumerate(STAGES) if stage in deal.days_left), default=-1)


def _smoothed(reached: Sequence[ClosedDeal], prior: float) -> float:
    won = sum(deal.won for deal in reached)
    return (won + PRIOR_WEIGHT * prior) / (len(reached) + PRIOR_WEIGHT)


def _remaining(stage: str, reached: Sequence[ClosedDeal]) -> float:
    won = [deal.days_left[stage] for deal in reached if deal.won]
    return median(won or [deal.days_left[stage] for deal in reached])
