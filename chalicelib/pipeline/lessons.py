"""What one subject teaches of the future of all: purchases, renewals, and whether it did what was
hoped for.

Leads and subscribers are looked at as they were at a time of the past, see ``snapshots``. A deal
teaches when it came into its stages, and whether and when it ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import chain
from typing import Any, NamedTuple, TypeVar, cast

from chalicelib import logs
from chalicelib.core.facts import FactSet, iso
from chalicelib.core.model import Json
from chalicelib.core.policy import Policy
from chalicelib.core.stored import Collection
from chalicelib.pipeline.snapshots import (
    LeadSnapshot,
    RenewalSnapshot,
    leads_of,
    renewals_of,
    subscribers_of,
)
from chalicelib.prediction.propensity import Value
from chalicelib.scoring.funnel import closed_deals
from chalicelib.scoring.future import Bought, bought_by
from chalicelib.scoring.profile import profile_of
from chalicelib.scoring.wins import more_of, open_deals

_DAY = timedelta(days=1)

MOST = 50_000
"""Snapshots of a kind that are learned of."""

MALFORMED = (ArithmeticError, LookupError, TypeError, ValueError)
"""What facts raise that nobody can reckon with, such as a sum of 400 digits."""

MOST_SPENT = 10**30
"""In a day; squares of more are soon beyond a float."""

T = TypeVar("T")
_Look = TypeVar("_Look", RenewalSnapshot, LeadSnapshot)

Point = tuple[int, int, int]
"""Days since the last purchase, purchases, and their sum."""


class DealLesson(NamedTuple):
    """Of a deal that ended, or is open still as of ``ended``; ``days_left`` are the days from each
    stage that it saw until then.
    """

    days_left: Mapping[str, float]
    won: bool
    ended: str
    more: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Lessons:
    """``buyers`` counts customers by the days on which they bought, which are ordinal numbers;
    ``spend`` those who came back by how often, and their mean in the smallest unit of money.
    ``lost`` and ``stayed`` count subscribers by renewals; ``renewals`` tell of some of these who
    left. ``deals`` that ended and ``still_open`` are by the ids of deals, which several people may
    share. ``malformed`` counts subjects whose facts cannot be reckoned with, and ``left_out``
    snapshots and renewals that a sample does without.
    """

    buyers: Mapping[tuple[int, ...], int] = field(default_factory=dict)
    spend: Mapping[tuple[int, float], int] = field(default_factory=dict)
    points: tuple[Point, ...] = ()
    snapshots: tuple[LeadSnapshot, ...] = ()
    lost: Mapping[int, int] = field(default_factory=dict)
    stayed: Mapping[int, int] = field(default_factory=dict)
    renewals: tuple[RenewalSnapshot, ...] = ()
    deals: Mapping[str, DealLesson] = field(default_factory=dict)
    still_open: Mapping[str, DealLesson] = field(default_factory=dict)
    malformed: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, parts: Iterable[Lessons]) -> Lessons:
        """All together; in an order that does not depend on that of the parts.

        Of more snapshots than ``MOST`` those are kept that a hash chooses, whatever came of them:
        the same ones however the parts are put together.
        """
        found = list(parts)
        snapshots, less_snapshots = _sample(chain.from_iterable(one.snapshots for one in found))
        renewals, less_renewals = _sample(chain.from_iterable(one.renewals for one in found))
        counts = {"snapshots": less_snapshots, "renewals": less_renewals}
        less = {name: count for name, count in counts.items() if count}
        return cls(
            buyers=_sum(one.buyers for one in found),
            spend=_sum(one.spend for one in found),
            points=tuple(sorted(chain.from_iterable(one.points for one in found))),
            snapshots=snapshots,
            lost=_sum(one.lost for one in found),
            stayed=_sum(one.stayed for one in found),
            renewals=renewals,
            deals=_fullest((one.deals for one in found), _told),
            still_open=_fullest((one.still_open for one in found), _told),
            malformed=sum(one.malformed for one in found),
            left_out=_sum([less, *(one.left_out for one in found)]),
        )

    def to_json(self) -> dict[str, Json]:
        return {
            "buyers": [[list(days), n] for days, n in self.buyers.items()],
            "spend": [[x, mean, n] for (x, mean), n in self.spend.items()],
            "points": [list(one) for one in self.points],
            "snapshots": _told_rows(self.snapshots),
            "lost": [[renewals, n] for renewals, n in self.lost.items()],
            "stayed": [[renewals, n] for renewals, n in self.stayed.items()],
            "renewals": _told_rows(self.renewals),
            "deals": _listed(self.deals),
            "still_open": _listed(self.still_open),
            "malformed": self.malformed,
            "left_out": dict(self.left_out),
        }

    @classmethod
    def from_json(cls, held: Mapping[str, Any]) -> Lessons:
        return cls(
            buyers={tuple(days): n for days, n in held["buyers"]},
            spend={(x, mean): n for x, mean, n in held["spend"]},
            points=tuple((r, f, m) for r, f, m in held["points"]),
            snapshots=tuple(LeadSnapshot(*one) for one in held["snapshots"]),
            lost=dict(held["lost"]),
            stayed=dict(held["stayed"]),
            renewals=tuple(RenewalSnapshot(*one) for one in held.get("renewals", ())),
            deals={name: DealLesson(*one) for name, one in held.get("deals", {}).items()},
            still_open={name: DealLesson(*one) for name, one in held.get("still_open", {}).items()},
            malformed=held.get("malformed", 0),
            left_out=held.get("left_out", {}),
        )


def lessons_of(collections: Iterable[Collection], policy: Policy, now: datetime) -> Lessons:
    """As of the local day of ``now``; companies, which buy through their people, teach of deals
    alone. Whoever's facts cannot be reckoned with teaches nothing, and keeps nobody from it.
    """
    if policy.prediction is None:
        return Lessons()
    return Lessons.of(_taught(one, policy, now) for one in collections)


def _taught(one: Collection, policy: Policy, now: datetime) -> Lessons:
    today = now.astimezone(policy.time_zone).date()
    try:
        deals = _of_deals(one.facts, policy, now)
        more = Lessons() if one.ref.kind == "account" else _lesson(one, policy, now, today)
    except MALFORMED as fault:
        logs.warning("teaches nothing", subject=str(one.ref), reason=repr(fault))
        return Lessons(malformed=1)
    return Lessons.of([deals, more])


def _of_deals(facts: FactSet, policy: Policy, now: datetime) -> Lessons:
    funnel = policy.funnel
    if funnel is None or policy.prediction is None or policy.prediction.deals is None:
        return Lessons()
    closed, deals = closed_deals(facts, funnel), {deal.id: deal for deal in facts.deals()}
    ended = {name: deal.closed_at for name, deal in deals.items() if deal.closed_at}
    days = {
        deal.id: {stage: (now - at) / _DAY for stage, at in entries.items() if at <= now}
        for deal, entries in open_deals(facts, funnel)
    }
    return Lessons(
        deals={
            name: DealLesson(one.days_left, one.won, iso(ended[name]), more_of(deals[name]))
            for name, one in closed.items()
        },
        still_open={
            name: DealLesson(since, False, iso(now), more_of(deals[name]))
            for name, since in days.items()
            if since
        },
    )


def _lesson(one: Collection, policy: Policy, now: datetime, today: date) -> Lessons:
    profile, _ = profile_of(one.ref, one.facts, now, policy.machine_traffic)
    bought = bought_by(profile, policy)
    renewed = renewals_of(profile, policy, bought, today)
    return replace(
        taught_by(bought, policy, today),
        snapshots=tuple(leads_of(profile, policy)),
        renewals=tuple(subscribers_of(profile, policy, bought, today)),
        lost={renewed.survived + 1: 1} if renewed and renewed.lost else {},
        stayed={renewed.survived: 1} if renewed and not renewed.lost else {},
    )


def taught_by(bought: Bought, policy: Policy, today: date) -> Lessons:
    """What purchases alone teach. Raises ValueError for sums that nobody can reckon with."""
    asked = policy.prediction
    buys = asked is not None and asked.purchases is not None and bool(bought.days)
    clustered = asked is not None and asked.clusters is not None and bool(bought.days)
    if (buys or clustered) and any(abs(one or 0) > MOST_SPENT for one in bought.spent):
        raise ValueError(f"more than {MOST_SPENT:.0e} was spent in a day")
    return Lessons(
        buyers={tuple(day.toordinal() for day in bought.days): 1} if buys else {},
        spend=_spend(bought) if buys else {},
        points=(_point(bought, today),) if clustered else (),
    )


def _spend(bought: Bought) -> dict[tuple[int, float], int]:
    again = len(bought.again)
    return {(again, bought.usual): 1} if again else {}


def _point(bought: Bought, today: date) -> Point:
    return (today - bought.days[-1]).days, bought.purchases, bought.realised


def _sample(snapshots: Iterable[_Look]) -> tuple[tuple[_Look, ...], int]:
    """In order, and how many were left out."""
    found = list(snapshots)
    if len(found) > MOST:
        kept = sorted(found, key=_drawn)[:MOST]
        return tuple(sorted(kept, key=_in_order)), len(found) - MOST
    return tuple(sorted(found, key=_in_order)), 0


def _drawn(one: RenewalSnapshot | LeadSnapshot) -> tuple[bytes, bool]:
    """By what was known and when: nobody else was looked at at that instant."""
    at, did, row, *_ = one
    return sha256(repr((at, sorted(row.items()))).encode()).digest(), did


def _told_rows(rows: Iterable[RenewalSnapshot | LeadSnapshot]) -> Json:
    return [[at, came, cast(Json, dict(row)), *more] for at, came, row, *more in rows]


def _in_order(one: RenewalSnapshot | LeadSnapshot) -> tuple[str, bool, str]:
    at, did, row, *more = one
    return at, did, repr((sorted(row.items()), more))


def _listed(deals: Mapping[str, DealLesson]) -> dict[str, Json]:
    return {
        name: [dict(one.days_left), one.won, one.ended, cast(Json, dict(one.more))]
        for name, one in deals.items()
    }


def _told(one: DealLesson) -> tuple[int, str]:
    """Two people may have seen different parts of the way of one deal."""
    return len(one.days_left), repr((sorted(one.days_left.items()), *one[1:]))


def _fullest(parts: Iterable[Mapping[str, T]], how: Callable[[T], Any]) -> dict[str, T]:
    """Of each name that which tells most."""
    whole: dict[str, T] = {}
    for part in parts:
        for name, one in part.items():
            if name not in whole or how(one) > how(whole[name]):
                whole[name] = one
    return dict(sorted(whole.items()))


def _sum(parts: Iterable[Mapping[T, int]]) -> dict[T, int]:
    whole: Counter[T] = Counter()
    for one in parts:
        whole.update(one)
    return dict(whole)
