"""A subject's facts, sorted out once for all models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import cast

from chalicelib.core.facts import FactSet, earliest, parse_instant
from chalicelib.core.model import Activity, Json, Ref
from chalicelib.core.policy import MachineTraffic, Profile
from chalicelib.core.purchases import turnover
from chalicelib.scoring.machine_traffic import sift

_DEFAULT = MachineTraffic()


def profile_of(
    subject: Ref, facts: FactSet, now: datetime, machines: MachineTraffic = _DEFAULT
) -> tuple[Profile, datetime | None]:
    """The profile as of ``now``, and when the next fact that lies in the future begins to count.

    A purchase of nothing or of less is none, an activity without a positive count neither.
    """
    done, coming = _by_kind(facts.activities(), now)
    activities, suspects = sift(done, machines)
    bought = turnover(facts, now)
    purchases, credited = bought.purchases, bought.credited
    sold = [*purchases, *[one.purchase for one in credited]] if credited else purchases
    ahead = [one.occurred_at for one in sold if one.occurred_at > now]
    coming += ahead
    coming += [bought.changes_at] if bought.changes_at else []
    coming += _told_ahead(facts, now)
    profile = Profile(
        subject=subject,
        now=now,
        attributes=_attributes(subject, facts),
        activities=activities,
        purchases=tuple([one for one in purchases if one.occurred_at <= now])
        if ahead
        else purchases,
        in_doubt=bought.in_doubt,
        facts=facts,
        machines=suspects,
        credited=tuple([one for one in credited if one.purchase.occurred_at <= now])
        if ahead
        else credited,
    )
    return profile, earliest(coming)


def _attributes(subject: Ref, facts: FactSet) -> Mapping[str, Json]:
    record = facts.record()
    own = record.data if record else {}
    account = own if subject.kind == "account" else _first_account(facts, own)
    return {**own, "account": dict(account)}


def _first_account(facts: FactSet, own: Mapping[str, Json]) -> Mapping[str, Json]:
    """The CRM lists a record's primary account first; a lead's is told by the lead itself."""
    accounts = {fact.id: fact.data for fact in facts.by_type.get("account", ())}
    links = facts.facts.get("FACT#links")
    order = cast(list[str], links.data.get("account", [])) if links else sorted(accounts)
    for identity in order:
        if identity in accounts:
            return accounts[identity]
    return cast("Mapping[str, Json]", own.get("account", {}))


def _by_kind(
    activities: Iterable[Activity], now: datetime
) -> tuple[Mapping[str, tuple[Activity, ...]], list[datetime]]:
    """What was done until now, in order of time, and when the rest is going to be."""
    done: defaultdict[str, list[Activity]] = defaultdict(list)
    coming = []
    for activity in activities:
        _, kind, at, count, _ = activity
        if count < 1:
            continue
        if at <= now:
            done[kind].append(activity)
        else:
            coming.append(at)
    return {kind: tuple(found) for kind, found in done.items()}, coming


def _told_ahead(facts: FactSet, now: datetime) -> list[datetime]:
    """When tickets and answers to surveys are going to be, where a clock put them ahead."""
    tickets, surveys = facts.by_type.get("ticket"), facts.by_type.get("survey")
    if not tickets and not surveys:
        return []
    told = [fact.data.get("opened_at") for fact in tickets or ()]
    told += [fact.data.get("answered_at") for fact in surveys or ()]
    return [at for text in told if text and (at := parse_instant(str(text))) > now]
