"""How likely each open deal is to be won, by the model that training has fitted of closed ones.

As of the local start of the week, or of the deal's newest stage if that is later; so a chance
moves once a week at most by itself, and only where a time in the deal leaves a range of the model.
Without such a model the shares of deals serve that were won from each stage.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta

from chalicelib.core.facts import FactSet, earliest
from chalicelib.core.funnel import FunnelPolicy
from chalicelib.core.model import Deal
from chalicelib.core.policy import FittedModels, Policy, Profile
from chalicelib.core.prediction import Wins
from chalicelib.localization.periods import midnight, span
from chalicelib.prediction.deals import row_of
from chalicelib.prediction.propensity import Propensity, Value
from chalicelib.scoring.fitted import fitted
from chalicelib.scoring.funnel import stays

PIPELINE = "pipeline"

_AGEING = ("days_in_stage", "age_days")
_DAY = timedelta(days=1)
_WEEK = 7 * _DAY

Entries = Mapping[str, datetime]
"""When a deal came into each stage that it has seen, for the first time."""


def wins_of(profile: Profile, policy: Policy, models: FittedModels) -> Wins | None:
    """None where deals are not to be predicted, or cannot be yet."""
    if policy.prediction is None or policy.prediction.deals is None or policy.funnel is None:
        return None
    model, now = fitted(models).deals, profile.now
    if model is None:
        return None
    week = _week(now, policy)
    chances: dict[str, float] = {}
    changes: list[datetime | None] = []
    for deal, entries in open_deals(profile.facts, policy.funnel):
        known = {stage: at for stage, at in entries.items() if at <= now}
        changes += [at for at in entries.values() if at > now]
        if known:
            as_of = max(week, *known.values())
            row = row_of(_days(known, as_of), more_of(deal))
            chances[deal.id] = model.probability(row)
            changes += [_week_after(at, policy) for at in _edges(model, row, as_of)]
    return Wins(chances, earliest(changes))


def open_deals(facts: FactSet, funnel: FunnelPolicy) -> Iterator[tuple[Deal, Entries]]:
    found = stays(facts, funnel)
    for deal in facts.deals():
        if deal.status == "open":
            yield deal, {stay.stage: stay.entered for stay in found[::-1] if stay.deal == deal.id}


def more_of(deal: Deal) -> dict[str, Value]:
    """What is known of a deal from its beginning to its end."""
    return {PIPELINE: str(deal.attributes.get(PIPELINE) or "")}


def _days(entries: Entries, at: datetime) -> dict[str, float]:
    return {stage: (at - entered) / _DAY for stage, entered in entries.items()}


def _edges(model: Propensity, row: Mapping[str, Value], as_of: datetime) -> Iterator[datetime]:
    """Until when the times in a row stay in their ranges."""
    for field in model.of(row).fields:
        days = row.get(field.name)
        if field.name in _AGEING and field.edges and isinstance(days, float):
            for edge in field.edges[bisect_left(field.edges, days) :][:1]:
                yield as_of + timedelta(days=edge - days)


def _week(at: datetime, policy: Policy) -> datetime:
    return midnight(_first_day(at, policy), policy.time_zone)


def _week_after(at: datetime, policy: Policy) -> datetime | None:
    try:
        return midnight(_first_day(at, policy) + _WEEK, policy.time_zone)
    except OverflowError:
        return None


def _first_day(at: datetime, policy: Policy) -> date:
    return span(at.astimezone(policy.time_zone).date(), "week", policy.calendar)[0]
