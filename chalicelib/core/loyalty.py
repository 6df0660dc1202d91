"""The loyalty programme of a policy, compiled: what earns points, what they are good for.

Amounts of money are in the smallest unit of the programme's currency (whole rials, cents).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Literal
from zoneinfo import ZoneInfo

from chalicelib.core.model import Json, Text

Calendar = Literal["gregorian", "jalali"]
Period = Literal["week", "month", "quarter", "year"]
Fits = Callable[[Mapping[str, Json]], bool]
"""Whether an event with these attributes is meant."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """When points die.

    ``days`` after they were earned, to the instant or at the end of that local day; at the end of
    the ``periods``-th ``end_of_month`` or ``end_of_year`` (1 is the running one); or ``days`` after
    the last earning or redemption, all at once (``inactivity``).
    """

    kind: Literal["none", "days", "end_of_month", "end_of_year", "inactivity"]
    days: int = 0
    to_day_end: bool = True
    periods: int = 1
    calendar: Calendar = "gregorian"


@dataclass(frozen=True, slots=True)
class Dates:
    """A campaign: ``[begins, ends)``, open where one is None."""

    begins: datetime | None = None
    ends: datetime | None = None

    def __contains__(self, at: datetime) -> bool:
        return (self.begins is None or self.begins <= at) and (self.ends is None or at < self.ends)


ALWAYS = Dates()


@dataclass(frozen=True, slots=True)
class EarningRule:
    """``points`` for every event of a kind, or for every ``step`` of the amount of a purchase.

    With ``linear`` parts of a step earn their share, floored once. ``max_per_day`` and
    ``max_total`` count events, the earlier first. ``expiry`` and ``pending_days`` are the
    programme's where None. Points that do not ``qualify`` lift no tier.
    """

    id: str
    event: str
    points: int
    text: Text
    fits: Fits | None = None
    step: int | None = None
    linear: bool = False
    max_per_day: int | None = None
    max_total: int | None = None
    dates: Dates = ALWAYS
    expiry: Expiry | None = None
    pending_days: int | None = None
    qualifies: bool = True


@dataclass(frozen=True, slots=True)
class Multiplier:
    """Raises what the ``rules`` give to who is in one of ``tiers``, for lines that fit."""

    id: str
    factor: Fraction
    rules: frozenset[str]
    tiers: frozenset[str] | None = None
    fits: Fits | None = None
    dates: Dates = ALWAYS


@dataclass(frozen=True, slots=True)
class MissionWindow:
    """A ``period`` of a calendar, the last ``days``, or the campaign's ``dates``."""

    period: Period | None = None
    calendar: Calendar = "gregorian"
    days: int | None = None
    dates: Dates = ALWAYS


@dataclass(frozen=True, slots=True)
class Mission:
    """``points`` when ``target`` is reached in a window, by count or (``sums``) by amount.

    With ``streak`` k, when k consecutive windows have been; only windows of a period.
    """

    id: str
    event: str
    target: int
    points: int
    window: MissionWindow
    text: Text
    fits: Fits | None = None
    sums: bool = False
    once_per_window: bool = True
    reverse_on_refund: bool = True
    streak: int = 1
    expiry: Expiry | None = None
    qualifies: bool = True


@dataclass(frozen=True, slots=True)
class Level:
    name: str
    minimum: Fraction
    text: Text


@dataclass(frozen=True, slots=True)
class Measured:
    """A part of the index: ``weight`` of 100 when ``of`` reaches ``target``."""

    of: str
    weight: Fraction
    target: Fraction


@dataclass(frozen=True, slots=True)
class TierWindow:
    """All time, the last ``days`` as ``(t - days, t]``, or the ``year`` of a calendar."""

    kind: Literal["lifetime", "rolling", "year"]
    days: int = 0
    calendar: Calendar = "gregorian"


@dataclass(frozen=True, slots=True)
class TierRules:
    """``levels`` rise from 0. ``metric`` names a measure, or is ``index`` or ``score``.

    Measures are ``points``, ``purchase_points``, ``spend``, ``count`` (of purchases) and kinds of
    activity. ``validity`` none lets the tier follow its window at every instant.
    """

    levels: tuple[Level, ...]
    metric: str
    window: TierWindow
    index: tuple[Measured, ...] = ()
    validity: Literal["none", "days", "end_of_period", "end_of_next_period"] = "end_of_next_period"
    validity_days: int = 0
    validity_calendar: Calendar = "gregorian"
    grace_days: int = 30
    downgrade: Literal["to_earned", "one_step"] = "one_step"
    immediate_downgrade: bool = False
    pending_lifts: bool = False

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures that the metric is made of."""
        if self.metric == "index":
            return tuple(part.of for part in self.index)
        return () if self.metric == "score" else (self.metric,)


@dataclass(frozen=True, slots=True)
class Refunds:
    """Where points that have been spent come from when their purchase goes back."""

    scope: Literal["any", "own"] = "any"
    shortage: Literal["debt", "forgive"] = "debt"


RewardKind = Literal["discount", "voucher", "product", "money"]


@dataclass(frozen=True, slots=True)
class Reward:
    """``cost`` in points. ``value`` is money of a discount or of itself, ``percent`` a discount.

    ``stock`` limits how many there are; every redemption of a reward with ``codes`` takes one.
    """

    id: str
    kind: RewardKind
    cost: int
    text: Text
    value: int | None = None
    percent: int | None = None
    stock: int | None = None
    dates: Dates = ALWAYS
    tiers: frozenset[str] | None = None
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """The section ``loyalty`` of one policy.

    ``excluded`` are members of a purchase whose amounts earn nothing. ``point_value`` is what a
    point is worth, in the smallest unit of the currency.
    """

    time_zone: ZoneInfo
    calendar: Calendar
    currency: str
    earning: tuple[EarningRule, ...] = ()
    multipliers: tuple[Multiplier, ...] = ()
    missions: tuple[Mission, ...] = ()
    tiers: TierRules | None = None
    rewards: tuple[Reward, ...] = ()
    expiry: Expiry = Expiry("days", 365)
    pending_days: int = 0
    excluded: tuple[str, ...] = ()
    refunds: Refunds = Refunds()
    notify_days: int = 10
    expired_grace_days: int = 0
    point_value: Fraction = Fraction(0)
    by_event: Mapping[str, tuple[EarningRule, ...]] = field(default_factory=dict)
    missions_by_event: Mapping[str, tuple[Mission, ...]] = field(default_factory=dict)
