"""A subject's facts, sorted out once for all models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import cast

from chalicelib.core.facts import FactSet
from chalicelib.core.model import Activity, Json, Purchase, Ref
from chalicelib.core.policy import Profile


def profile_of(subject: Ref, facts: FactSet, now: datetime) -> tuple[Profile, datetime | None]:
    """The profile as of ``now``, and when the next fact that lies in the future begins to count.

    A purchase of nothing or of less is none, an activity without a positive count neither.
    """
    activities = [one for one in facts.activities() if one.count > 0]
    purchases = [one for one in facts.purchases() if one.amount.amount > 0]
    profile = Profile(
        subject=subject,
        now=now,
        attributes=_attributes(subject, facts),
        activities=_by_kind(one for one in activities if one.occurred_at <= now),
        purchases=tuple(one for one in purchases if one.occurred_at <= now),
        facts=facts,
    )
    return profile, _first_after(now, (*activities, *purchases))


def _attributes(subject: Ref, facts: FactSet) -> Mapping[str, Json]:
    record = facts.record()
    own = record.data if record else {}
    account = own if subject.kind == "account" else _first_account(facts)
    return {**own, "account": dict(account)}


def _first_account(facts: FactSet) -> Mapping[str, Json]:
    """The CRM lists a record's primary account first."""
    accounts = {fact.id: fact.data for fact in facts.states("account")}
    links = facts.facts.get("FACT#links")
    order = cast(list[str], links.data.get("account", [])) if links else sorted(accounts)
    return next((accounts[identity] for identity in order if identity in accounts), {})


def _by_kind(activities: Iterable[Activity]) -> Mapping[str, tuple[Activity, ...]]:
    kinds: defaultdict[str, list[Activity]] = defaultdict(list)
    for activity in activities:
        kinds[activity.kind].append(activity)
    return {kind: tuple(found) for kind, found in kinds.items()}


def _first_after(now: datetime, events: Iterable[Activity | Purchase]) -> datetime | None:
    return min((one.occurred_at for one in events if one.occurred_at > now), default=None)
