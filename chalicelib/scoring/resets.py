"""When some groups begin anew: a deal was lost, a record recycled, or its owner asked for it.

A reset at an instant lets its groups forget all that happened then or before, however late they
hear of it; only the latest reset of a group matters. It is a reading of the facts like any
other: if the lost deal is opened again, the reset is gone, and what was forgotten counts again.

>>> from datetime import UTC, datetime
>>> from chalicelib.core.facts import FactSet
>>> from chalicelib.core.model import Ref
>>> recycled = Reset("recycled", frozenset({"engagement"}), "attribute", "recycled_at")
>>> profile = Profile(Ref("hubspot-main", "contact", "1"), datetime(2026, 3, 21, tzinfo=UTC),
...                   {"recycled_at": "2026-03-01T09:00:00.000Z"}, {}, (), FactSet())
>>> begun, coming = beginnings([recycled], profile, ZoneInfo("UTC"))
>>> begun["engagement"].reset, begun["engagement"].at.date().isoformat(), coming
('recycled', '2026-03-01', None)

Source: the score resets of marketing automation when a lead is recycled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from chalicelib.core.card import Beginning
from chalicelib.core.facts import earliest, parse_instant
from chalicelib.core.policy import Profile, Reset


def beginnings(
    resets: Iterable[Reset], profile: Profile, zone: ZoneInfo
) -> tuple[Mapping[str, Beginning], datetime | None]:
    """The latest reset of each group so far, and when the next one that lies ahead will be."""
    begun: dict[str, Beginning] = {}
    coming: list[datetime] = []
    for reset in resets:
        instants = list(_INSTANTS[reset.by](reset, profile, zone))
        coming += [at for at in instants if at > profile.now]
        past = [at for at in instants if at <= profile.now]
        for group in reset.groups if past else ():
            found = Beginning(group, reset.id, max(past))
            begun[group] = max(begun.get(group, found), found, key=_rank)
    return begun, earliest(coming)


def _rank(one: Beginning) -> tuple[datetime, str]:
    return one.at, one.reset


def since(profile: Profile, at: datetime) -> Profile:
    """As if nothing had happened until ``at``; what the records say of now stays."""
    return replace(
        profile,
        activities={
            kind: kept
            for kind, found in profile.activities.items()
            if (kept := tuple(one for one in found if one.occurred_at > at))
        },
        purchases=tuple(one for one in profile.purchases if one.occurred_at > at),
    )


def _activity(reset: Reset, profile: Profile, _: ZoneInfo) -> Iterator[datetime]:
    yield from (one.occurred_at for one in profile.activities.get(reset.name, ()))


def _deal(_: Reset, profile: Profile, __: ZoneInfo) -> Iterator[datetime]:
    for deal in profile.facts.deals():
        if deal.status == "lost" and deal.closed_at:
            yield deal.closed_at


def _attribute(reset: Reset, profile: Profile, zone: ZoneInfo) -> Iterator[datetime]:
    value = profile.value(reset.name)
    if isinstance(value, str) and (at := _instant(value, zone)):
        yield at


def _instant(text: str, zone: ZoneInfo) -> datetime | None:
    """A plain date is its local midnight, from which on it is that day."""
    try:
        return parse_instant(text)
    except ValueError:
        pass
    try:
        return datetime.combine(date.fromisoformat(text), time.min, zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


_INSTANTS: Mapping[str, Callable[[Reset, Profile, ZoneInfo], Iterator[datetime]]] = {
    "activity": _activity,
    "attribute": _attribute,
    "deal": _deal,
}
