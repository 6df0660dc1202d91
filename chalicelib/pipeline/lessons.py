"""What one subject teaches of the future of all: purchases, renewals, and whether it did what was
hoped for.

A lead is looked at as it was at an age that its id draws, by what it had done until then; its
attributes are as they are now, since no history of them is kept. Whoever was past the target then
teaches nothing, nor does whoever is younger than that age and the horizon together. A deal teaches
when it came into its stages, and whether and when it ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import chain
from typing import Any, NamedTuple, TypeVar, cast

from chalicelib.core.facts import FactSet, iso
from chalicelib.core.model import Json
from chalicelib.core.policy import Policy, Profile
from chalicelib.core.prediction import LeadPrediction
from chalicelib.core.stored import Collection
from chalicelib.prediction.propensity import Value
from chalicelib.scoring.features import row_of
from chalicelib.scoring.funnel import closed_deals
from chalicelib.scoring.future import Bought, bought_by, renewal_of
from chalicelib.scoring.profile import profile_of
from chalicelib.scoring.wins import more_of, open_deals

OLDEST_SNAPSHOT = timedelta(days=180)

_DAY = timedelta(days=1)

T = TypeVar("T")

Snapshot = tuple[str, bool, Mapping[str, Value]]
"""When somebody is looked at, what came of it, and what was known."""

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
    ``lost`` and ``stayed`` count subscribers by renewals. ``deals`` that ended and ``still_open``
    are by the ids of deals, which several people may share.
    """

    buyers: Mapping[tuple[int, ...], int] = field(default_factory=dict)
    spend: Mapping[tuple[int, float], int] = field(default_factory=dict)
    points: tuple[Point, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    lost: Mapping[int, int] = field(default_factory=dict)
    stayed: Mapping[int, int] = field(default_factory=dict)
    deals: Mapping[str, DealLesson] = field(default_factory=dict)
    still_open: Mapping[str, DealLesson] = field(default_factory=dict)

    @classmethod
    def of(cls, parts: Iterable[Lessons]) -> Lessons:
        """All together; in an order that does not depend on that of the parts."""
        found = list(parts)
        return cls(
            buyers=_sum(one.buyers for one in found),
            spend=_sum(one.spend for one in found),
            points=tuple(sorted(chain.from_iterable(one.points for one in found))),
            snapshots=tuple(
                sorted(chain.from_iterable(one.snapshots for one in found), key=_in_order)
            ),
            lost=_sum(one.lost for one in found),
            stayed=_sum(one.stayed for one in found),
            deals=_fullest((one.deals for one in found), _told),
            still_open=_fullest((one.still_open for one in found), _told),
        )

    def to_json(self) -> dict[str, Json]:
        return {
            "buyers": [[list(days), n] for days, n in self.buyers.items()],
            "spend": [[x, mean, n] for (x, mean), n in self.spend.items()],
            "points": [list(one) for one in self.points],
            "snapshots": [[at, did, cast(Json, dict(row))] for at, did, row in self.snapshots],
            "lost": [[renewals, n] for renewals, n in self.lost.items()],
            "stayed": [[renewals, n] for renewals, n in self.stayed.items()],
            "deals": _listed(self.deals),
            "still_open": _listed(self.still_open),
        }

    @classmethod
    def from_json(cls, held: Mapping[str, Any]) -> Lessons:
        return cls(
            buyers={tuple(days): n for days, n in held["buyers"]},
            spend={(x, mean): n for x, mean, n in held["spend"]},
            points=tuple((r, f, m) for r, f, m in held["points"]),
            snapshots=tuple((at, did, row) for at, did, row in held["snapshots"]),
            lost=dict(held["lost"]),
            stayed=dict(held["stayed"]),
            deals={name: DealLesson(*one) for name, one in held.get("deals", {}).items()},
            still_open={name: DealLesson(*one) for name, one in held.get("still_open", {}).items()},
        )


def lessons_of(collections: Iterable[Collection], policy: Policy, now: datetime) -> Lessons:
    """As of the local day of ``now``; companies, which buy through their people, teach of deals
    alone. Whoever paid more than can be reckoned with teaches nothing, and keeps nobody from it.
    """
    if policy.prediction is None:
        return Lessons()
    return Lessons.of(_taught(one, policy, now) for one in collections)


def _taught(one: Collection, policy: Policy, now: datetime) -> Lessons:
    today = now.astimezone(policy.time_zone).date()
    try:
        deals = _of_deals(one.facts, policy, now)
        more = Lessons() if one.ref.kind == "account" else _lesson(one, policy, now, today)
    except OverflowError:
        return Lessons()
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
        snapshots=tuple(_snapshots(profile, policy)),
        lost={renewed.survived + 1: 1} if renewed and renewed.lost else {},
        stayed={renewed.survived: 1} if renewed and not renewed.lost else {},
    )


def taught_by(bought: Bought, policy: Policy, today: date) -> Lessons:
    """What purchases alone teach."""
    asked = policy.prediction
    buys = asked is not None and asked.purchases is not None and bool(bought.days)
    clustered = asked is not None and asked.clusters is not None and bool(bought.days)
    return Lessons(
        buyers={tuple(day.toordinal() for day in bought.days): 1} if buys else {},
        spend=_spend(bought) if buys else {},
        points=(_point(bought, today),) if clustered else (),
    )


def _spend(bought: Bought) -> dict[tuple[int, float], int]:
    again = len(bought.days) - 1
    return {(again, bought.usual): 1} if again else {}


def _point(bought: Bought, today: date) -> Point:
    return (today - bought.days[-1]).days, bought.purchases, bought.realised


class Renewals(NamedTuple):
    """A subscriber came through so many renewals, and was then lost or is still there."""

    survived: int
    lost: bool


def renewals_of(profile: Profile, policy: Policy, bought: Bought, today: date) -> Renewals | None:
    """Of who has a date of renewal."""
    asked = policy.prediction.subscriptions if policy.prediction else None
    due = renewal_of(profile, policy)
    if asked is None or due is None or not bought.days:
        return None
    return Renewals(len(bought.days) - 1, (today - due).days > asked.grace_days)


def _snapshots(profile: Profile, policy: Policy) -> Iterator[Snapshot]:
    asked, first = policy.prediction.leads if policy.prediction else None, first_seen(profile)
    if asked is None or first is None:
        return
    room = profile.now - first - timedelta(days=asked.horizon_days)
    if room <= timedelta(0):
        return
    at = first + _drawn(str(profile.subject)) * min(room, OLDEST_SNAPSHOT)
    yield from filter(None, [snapshot_at(at, profile, policy, asked)])


def snapshot_at(
    at: datetime, profile: Profile, policy: Policy, asked: LeadPrediction
) -> Snapshot | None:
    """Of somebody whose ``profile`` is of the horizon's end, or later; None of who was no lead."""
    then = _as_of(profile, policy, at)
    if then.purchases or asked.target.holds(then):
        return None
    later = _as_of(profile, policy, at + timedelta(days=asked.horizon_days))
    return iso(at), bool(asked.target.holds(later)), row_of(then, policy, at)


def _as_of(profile: Profile, policy: Policy, at: datetime) -> Profile:
    return profile_of(profile.subject, profile.facts, at, policy.machine_traffic)[0]


def first_seen(profile: Profile) -> datetime | None:
    """By the first that is known to have happened; a record's own fact is of when it was read."""
    times = [found[0].occurred_at for found in profile.activities.values()]
    times += [one.occurred_at for one in profile.purchases[:1]]
    record = profile.facts.record()
    times += [record.occurred_at] if record and not times else []
    return min(times, default=None)


def _drawn(name: str) -> float:
    """0 to 1, the same for the same name; more often near 0, as leads are mostly young."""
    share = int.from_bytes(sha256(name.encode()).digest()[:6], "big") / 2**48
    return share * share


def _in_order(one: Snapshot) -> tuple[str, bool, str]:
    at, did, row = one
    return at, did, repr(sorted(row.items()))


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
