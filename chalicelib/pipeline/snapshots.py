"""Subscribers and leads as they were at some day of the past, and what came of it.

A lead is looked at as it was at an age that its id draws, by what it had done until then, and by
attributes that the policy says were known from the start: all are as they are now, since no
history of them is kept. Whoever was past the target then teaches nothing, nor does whoever is
younger than that age and the horizon together.

Its age counts from the date that the policy names, or else from the first that is known to have
happened. When a record was read tells nothing: who buys has it read anew, and who does nothing has
not. So without such a date and without a trace of them neither these nor those teach.

A subscriber is looked at some days before the renewals that came next at a few days of the last
year, the same for all. So those who left are among them at their share of all renewals, though
everybody leaves but once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from typing import NamedTuple

from chalicelib.core.facts import earliest, iso
from chalicelib.core.policy import Policy, Profile
from chalicelib.core.prediction import LeadPrediction
from chalicelib.localization.periods import midnight
from chalicelib.localization.reading import day_of
from chalicelib.prediction.propensity import Value
from chalicelib.scoring.features import known_of, lead_row
from chalicelib.scoring.future import Bought
from chalicelib.scoring.profile import profile_of
from chalicelib.scoring.renewals import is_missed, renewal_of, subscriber_row

OLDEST_SNAPSHOT = timedelta(days=180)

LOOKS = (331, 231, 131, 31)
"""Days before the last grace began; by the newest a month that was under way is over."""

AHEAD_DAYS = 30
"""Before a renewal that a subscriber is looked at, or half of what was paid for if that is less."""

_DAY = timedelta(days=1)


class LeadSnapshot(NamedTuple):
    """``lag`` are the days from the record's last change to the outcome, where both are known."""

    at: str
    did: bool
    row: Mapping[str, Value]
    lag: float | None = None


class RenewalSnapshot(NamedTuple):
    """``known_at`` is when the grace was over, of who stayed too; older ones do not tell it."""

    at: str
    left: bool
    row: Mapping[str, Value]
    known_at: str | None = None


def leads_of(profile: Profile, policy: Policy) -> Iterator[LeadSnapshot]:
    asked = policy.foretells.leads
    first = first_seen(profile, policy)
    if asked is None or first is None:
        return
    room = profile.now - first - timedelta(days=asked.horizon_days)
    if room <= timedelta(0):
        return
    at = first + _drawn(str(profile.subject)) * min(room, OLDEST_SNAPSHOT)
    yield from filter(None, [snapshot_at(at, profile, policy, asked)])


def snapshot_at(
    at: datetime, profile: Profile, policy: Policy, asked: LeadPrediction
) -> LeadSnapshot | None:
    """Of somebody whose ``profile`` is of the horizon's end, or later; None of who had reached the
    target.
    """
    then, until = _as_of(profile, policy, at), at + timedelta(days=asked.horizon_days)
    if asked.target.holds(then):
        return None
    did, kept = bool(asked.target.holds(_as_of(profile, policy, until))), asked.known_ones
    known = known_of(lead_row(then, policy, at), kept)
    return LeadSnapshot(iso(at), did, known, _lag(profile, policy, at, until) if did else None)


def _lag(profile: Profile, policy: Policy, at: datetime, until: datetime) -> float | None:
    """The outcome came with the last thing that was done in time; a record that was changed later
    may have been changed because of it.
    """
    record, asked = profile.facts.record(), policy.foretells.leads
    if record is None or record.modified_at is None or asked is None:
        return None
    done = _times(_as_of(profile, policy, until))
    inside = [one for one in (*done, until) if at < one <= until]

    def reached(time: datetime) -> bool:
        return bool(asked.target.holds(_as_of(profile, policy, time)))

    place = bisect_left(inside, True, hi=len(inside) - 1, key=reached)
    return (inside[place] - record.modified_at) / _DAY


def _times(profile: Profile) -> list[datetime]:
    done = [one.occurred_at for found in profile.activities.values() for one in found]
    return sorted([*done, *(one.occurred_at for one in profile.purchases)])


def _as_of(profile: Profile, policy: Policy, at: datetime) -> Profile:
    return profile_of(profile.subject, profile.facts, at, policy.machine_traffic)[0]


def first_seen(profile: Profile, policy: Policy) -> datetime | None:
    """None where nothing tells it."""
    leads = policy.foretells.leads
    day = day_of(profile.value(leads.since), policy.time_zone) if leads and leads.since else None
    began = midnight(day, policy.time_zone) if day else None
    return earliest([began, *_times(profile)[:1]])


def _drawn(name: str) -> float:
    """0 to 1, the same for the same name; more often near 0, as leads are mostly young."""
    share = int.from_bytes(sha256(name.encode()).digest()[:6], "big") / 2**48
    return share * share


class Renewals(NamedTuple):
    """A subscriber came through so many renewals, and was then lost or is still there."""

    survived: int
    lost: bool


def renewals_of(profile: Profile, policy: Policy, bought: Bought, today: date) -> Renewals | None:
    """Of who has a date of renewal."""
    asked = policy.foretells.subscriptions
    due = renewal_of(profile, policy)
    if asked is None or due is None or not bought.days:
        return None
    return Renewals(len(bought.days) - 1, is_missed(due, bought.days, today, asked))


class _Renewal(NamedTuple):
    """The ``number``-th, counted from 0, of somebody who paid on the day ``since`` before it."""

    number: int
    since: date
    due: date
    missed: bool

    @property
    def seen_on(self) -> date:
        return self.due - min(AHEAD_DAYS, (self.due - self.since).days // 2) * _DAY


def subscribers_of(
    profile: Profile, policy: Policy, bought: Bought, today: date
) -> Iterator[RenewalSnapshot]:
    """Of each renewal that is looked at, and whether it was missed."""
    for one in _chosen(_renewals(profile, policy, bought, today), policy, today):
        found = renewal_at(one.seen_on, profile, policy, one.number, missed=one.missed)
        over = midnight(one.due + _grace(policy) + _DAY, policy.time_zone)
        yield found._replace(known_at=iso(over))


def renewal_at(
    day: date, profile: Profile, policy: Policy, survived: int, *, missed: bool
) -> RenewalSnapshot:
    """What was known when the day began."""
    at = midnight(day, policy.time_zone)
    row = subscriber_row(_as_of(profile, policy, at), policy, survived, at)
    return RenewalSnapshot(iso(at), missed, row)


def _chosen(told: Sequence[_Renewal], policy: Policy, today: date) -> list[_Renewal]:
    """Those under way at each look, if their grace is over by now, however they ended."""
    last = today - _grace(policy)
    known = [one for one in told if one.due < last]
    looks = [last - days * _DAY for days in LOOKS]
    found = [one for look in looks for one in known if one.since < look <= one.due]
    return list(dict.fromkeys(found))


def _grace(policy: Policy) -> timedelta:
    asked = policy.foretells.subscriptions
    return asked.grace_days * _DAY if asked else timedelta(0)


def _renewals(profile: Profile, policy: Policy, bought: Bought, today: date) -> Sequence[_Renewal]:
    """Oldest first; without one whose end is not known yet."""
    found = [
        _Renewal(number, since, due, missed=False)
        for number, (since, due) in enumerate(pairwise(bought.days))
    ]
    told, due = renewals_of(profile, policy, bought, today), renewal_of(profile, policy)
    if told and told.lost and due:
        found.append(_Renewal(told.survived, bought.days[-1], due, missed=True))
    return found if told else ()
