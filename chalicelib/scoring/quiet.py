"""How far each level may move before ``publish`` would speak, all else being as it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from chalicelib.core.model import Kind
from chalicelib.core.outputs import Fields, FieldValue
from chalicelib.core.policy import Band, LeadPolicy, Policy
from chalicelib.core.structs import struct
from chalicelib.scoring.levels import EDGE, TOP, Levels
from chalicelib.scoring.publication import moved, published


@struct
class Range:
    """Half open: ``low <= level < high``."""

    low: float
    high: float

    def margin(self, level: float) -> float:
        """How far the level is from the nearer end; not positive outside."""
        return min(level - self.low, self.high - level)

    def within(self, other: Range) -> Range:
        if other.low <= self.low and self.high <= other.high:
            return self
        return Range(max(self.low, other.low), min(self.high, other.high))


class Ladder(NamedTuple):
    """Priorities by whole lead score, and the lead score that is now.

    As a call about the near-certain gains little, two stretches may have the same priorities; only
    the one around ``now`` is sure to be quiet.
    """

    priorities: Sequence[int]
    now: int


_OF_LEVELS = frozenset({
    "score", "lead_score", "computed_score", "customer_score", "temperature", "class", "grade",
    "priority", "tier",
})  # fmt: skip
"""What moves with a level."""

EVERYWHERE = Range(-math.inf, math.inf)
NOWHERE = Range(math.inf, -math.inf)


@struct
class Quiet:
    lead: Range
    fit: Range
    engagement: Range
    customer: Range

    def margin(self, at: Levels) -> float:
        """The least distance of a level from speaking; not positive where one speaks."""
        nearest = min(
            at.lead - self.lead.low,
            self.lead.high - at.lead,
            at.fit - self.fit.low,
            self.fit.high - at.fit,
            at.engagement - self.engagement.low,
            self.engagement.high - at.engagement,
        )
        return nearest if at.customer is None else min(nearest, self.customer.margin(at.customer))


def quiet(
    policy: Policy,
    kind: Kind,
    shown: Fields,
    *,
    customer: bool,
    class_by_score: bool = True,
    by_hand: bool = False,
    priority: Ladder | None = None,
) -> Quiet:
    """The levels that keep what is ``shown``.

    ``customer`` says whose score the headline is, ``by_hand`` that a person has set the lead score,
    so that its level moves only what is shown beside it. ``priority`` is None where it stays. Where
    the class does not go by the score, no level changes it.
    """
    # A name that is not published is absent here, one that was never shown yet is None.
    names = published(policy, kind)
    show = {name: shown.get(name) for name in _OF_LEVELS if name in names}
    step = policy.publish.step
    headline = _near(show, "score", step)
    lead = _near(show, "computed_score" if by_hand else "lead_score", step)
    if not by_hand:
        lead = lead.within(_in_whole_band(show, "temperature", policy.lead.temperatures))
    if priority:
        lead = lead.within(_near_priority(show, step, priority))
    bought = _near(show, "customer_score", step)
    if class_by_score:
        bought = bought.within(_in_whole_band(show, "class", policy.customer.classes))
    bought = bought.within(_in_whole_band(show, "tier", _tiers_by_score(policy)))
    fit, engagement = _in_grade(show, policy.lead)
    return Quiet(
        lead=lead if customer or by_hand else lead.within(headline),
        fit=fit,
        engagement=engagement,
        customer=bought.within(headline) if customer else bought,
    )


def _tiers_by_score(policy: Policy) -> tuple[Band, ...]:
    """From the top; none where tiers do not go by the customer score."""
    rules = policy.loyalty.tiers if policy.loyalty else None
    if rules is None or rules.metric != "score":
        return ()
    levels = [Band(level.name, float(level.minimum)) for level in rules.levels[1:]]
    return (*reversed(levels), Band(rules.levels[0].name, -math.inf))


def _near(show: Fields, name: str, step: float) -> Range:
    """Less than a step from the score shown, and not at an end of the scale."""
    if name not in show:
        return EVERYWHERE
    score = show[name]
    if not isinstance(score, int):
        return NOWHERE
    return _near_score(score, step)


@lru_cache(maxsize=1024)
def _near_score(score: int, step: float) -> Range:
    lowest, highest = math.floor(score - step) + 1, math.ceil(score + step) - 1
    return _wholes(
        -math.inf if score == 0 else max(min(lowest, score), 1),
        math.inf if score == TOP else min(max(highest, score), TOP - 1),
    )


def _near_priority(show: Fields, step: float, ladder: Ladder) -> Range:
    if "priority" not in show:
        return EVERYWHERE
    old, (priorities, lowest) = show["priority"], ladder
    if not isinstance(old, int) or moved(old, priorities[lowest], step):
        return NOWHERE
    highest = lowest
    while lowest > 0 and not moved(old, priorities[lowest - 1], step):
        lowest -= 1
    while highest < TOP and not moved(old, priorities[highest + 1], step):
        highest += 1
    return _wholes(lowest or -math.inf, highest if highest < TOP else math.inf)


def _wholes(lowest: float, highest: float) -> Range:
    """The levels that are rounded to whole numbers from ``lowest`` to ``highest``."""
    return Range(lowest - 0.5 - EDGE, highest + 0.5 - EDGE)


def _in_whole_band(show: Fields, name: str, bands: Sequence[Band]) -> Range:
    if name not in show or not bands:
        return EVERYWHERE
    return _near_band(*_band(bands, show[name]))


@lru_cache(maxsize=1024)
def _near_band(low: float, high: float) -> Range:
    return _wholes(_ceil(low), _ceil(high) - 1)


def _ceil(value: float) -> float:
    return math.ceil(value) if math.isfinite(value) else value


def _in_grade(show: Fields, policy: LeadPolicy) -> tuple[Range, Range]:
    if "grade" not in show:
        return EVERYWHERE, EVERYWHERE
    grade = str(show["grade"] or "")
    return (
        _in_share_band(grade[:1], policy.fit_grades, policy.most_fit),
        _in_share_band(grade[1:], policy.engagement_grades, policy.most_engagement),
    )


def _in_share_band(name: str, bands: Sequence[Band], maximum: float) -> Range:
    if maximum <= 0:
        return EVERYWHERE  # such a share is always 0
    low, high = _band(bands, name)
    return Range((low - EDGE) * maximum, (high - EDGE) * maximum)


def _band(bands: Sequence[Band], name: FieldValue) -> tuple[float, float]:
    ceiling = math.inf
    for band in bands:
        if band.name == name:
            return band.minimum, ceiling
        ceiling = band.minimum
    return math.inf, -math.inf
