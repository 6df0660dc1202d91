"""Models of leads, of renewals and of deals that know a past day only, tried on what followed.

Attributes, a date of renewal among them, are as they are in the file, since no history of them is
kept. So leads are told by those alone that the policy says were known from the start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from chalicelib.core.facts import iso, parse_instant
from chalicelib.core.policy import FittedModels, Policy, Profile
from chalicelib.core.prediction import (
    DealPrediction,
    LeadPrediction,
    PredictionPolicy,
    SubscriptionPrediction,
)
from chalicelib.pipeline.foresight import foreseen
from chalicelib.pipeline.lessons import DealLesson, Lessons, lessons_of
from chalicelib.pipeline.snapshots import first_seen, renewal_at, renewals_of, snapshot_at
from chalicelib.prediction.deals import row_of
from chalicelib.prediction.propensity import Value
from chalicelib.scoring.fitted import CARDS, Fitted, fitted
from chalicelib.scoring.future import bought_by
from chalicelib.scoring.profile import profile_of
from chalicelib.scoring.renewals import renewal_of
from chalicelib.scoring.wins import more_of, open_deals
from chalicelib.training.buyers import two_thirds
from infra.prediction.chances import ChanceTrial
from infra.prediction.evidence import Evidence
from infra.prediction.trial import UntriedError

_DAY = timedelta(days=1)


def leads_tried(known: Evidence, asked: LeadPrediction, cut_off: date | None) -> ChanceTrial:
    """Of all who had not reached the target by the cut-off day, which is the last with a whole
    horizon after it. Raises UntriedError with the gate's sentences.
    """
    day = _day_of(known, asked.horizon_days, cut_off)
    policy, at = replace(known.policy, prediction=PredictionPolicy(leads=asked)), known.end_of(day)
    taught = lessons_of(known.collections("learning of the past"), policy, at)
    model = _fitted("propensity", taught, policy, day, at).propensity
    assert model
    found = []
    for profile in known.profiles("trying leads"):
        first = first_seen(profile, policy)
        if first and first <= at and (seen := snapshot_at(at, profile, policy, asked)):
            found.append((model.probability(seen.row), seen.did))
    until = day + asked.horizon_days * _DAY
    return _trial(ChanceTrial("propensity", day, until, found))


def renewals_tried(
    known: Evidence, asked: SubscriptionPrediction, cut_off: date | None
) -> ChanceTrial:
    """Of all whose next renewal came between the cut-off day and the end: by default in the last
    third of the time. Raises UntriedError with the gate's sentences.
    """
    bought = [one.bought.days[0] for one in known.buyers]
    day = cut_off or two_thirds(min(bought, default=known.end), known.end)
    if day >= known.end:
        raise UntriedError(
            f"nothing lies between {day} and {known.end}: choose an earlier --cut-off"
        )
    policy = replace(known.policy, prediction=PredictionPolicy(subscriptions=asked))
    at = known.end_of(day)
    taught = lessons_of(known.collections("learning of the past"), policy, at)
    models = _fitted("subscriptions", taught, policy, day, at)
    found = []
    for profile in known.profiles("trying renewals"):
        due = renewal_of(profile, policy)
        if due is None or due <= day:  # whoever was late by then had missed that renewal already
            continue
        then, _ = profile_of(profile.subject, profile.facts, at, policy.machine_traffic)
        before = renewals_of(then, policy, bought_by(then, policy), day)
        after = renewals_of(profile, policy, bought_by(profile, policy), known.end)
        if before and after and (after.survived > before.survived or after.lost):
            left = after.survived == before.survived
            found.append((_risk(models, then, policy, day, before.survived), left))
    return _trial(ChanceTrial("subscriptions", day, known.end, found))


def _risk(models: Fitted, then: Profile, policy: Policy, day: date, survived: int) -> float:
    if models.renewals:
        seen = renewal_at(day + _DAY, then, policy, survived, missed=False)
        return models.renewals.probability(seen.row)
    assert models.subscriptions
    return models.subscriptions.leaves_at(survived)


@dataclass(frozen=True, slots=True)
class _Way:
    """When a deal came into each stage that it saw, and ``ended``, which is None of an open one."""

    entries: Mapping[str, datetime]
    more: Mapping[str, Value]
    ended: datetime | None = None
    won: bool = False

    def since(self, at: datetime) -> dict[str, float]:
        """Days since each stage that it had come into by then."""
        entered = {stage: time for stage, time in self.entries.items() if time <= at}
        return {stage: (at - time) / _DAY for stage, time in entered.items()}

    def is_open_at(self, at: datetime) -> bool:
        return (self.ended is None or self.ended > at) and bool(self.since(at))

    def is_won_by(self, at: datetime) -> bool:
        return self.won and self.ended is not None and self.ended <= at


def deals_tried(known: Evidence, asked: DealPrediction, cut_off: date | None) -> ChanceTrial:
    """Of all that were open on the cut-off day, which is the last with a whole horizon after it.

    Raises UntriedError with the gate's sentences.
    """
    day = _day_of(known, asked.horizon_days, cut_off)
    policy, at = replace(known.policy, prediction=PredictionPolicy(deals=asked)), known.end_of(day)
    whole = lessons_of(known.collections("learning of the past"), policy, known.now)
    ways = {name: one for name, one in _ways(known, policy, whole).items() if one.is_open_at(at)}
    ended = {name: one for name, one in whole.deals.items() if parse_instant(one.ended) <= at}
    met = {name: DealLesson(one.since(at), False, iso(at), one.more) for name, one in ways.items()}
    model = _fitted("deals", Lessons(deals=ended, still_open=met), policy, day, at).deals
    assert model
    until = day + asked.horizon_days * _DAY
    found = [
        (model.probability(row_of(one.since(at), one.more)), one.is_won_by(known.end_of(until)))
        for one in ways.values()
    ]
    return _trial(ChanceTrial("deals", day, until, found))


def _ways(known: Evidence, policy: Policy, taught: Lessons) -> dict[str, _Way]:
    """By ids; each of the people of a deal tells the same of it."""
    found = {}
    for one in known.collections("trying deals"):
        for deal, entries in open_deals(one.facts, policy.funnel) if policy.funnel else ():
            found[deal.id] = _Way(entries, more_of(deal))
    for name, lesson in taught.deals.items():
        ended = parse_instant(lesson.ended)
        entries = {stage: ended - left * _DAY for stage, left in lesson.days_left.items()}
        found[name] = _Way(entries, lesson.more, ended, lesson.won)
    return found


def _day_of(known: Evidence, horizon_days: int, cut_off: date | None) -> date:
    """By default the last that has the whole horizon after it. Raises UntriedError."""
    try:
        day = cut_off or known.end - horizon_days * _DAY
    except OverflowError as error:
        raise UntriedError(f"nothing lies before {known.end}") from error
    if day + horizon_days * _DAY > known.end:
        raise UntriedError(
            f"the {horizon_days} days after {day} are not over by {known.end}: "
            "choose an earlier --cut-off"
        )
    return day


def _fitted(name: str, taught: Lessons, policy: Policy, day: date, at: datetime) -> Fitted:
    """By the functions that training uses. Raises UntriedError with the gate's sentences."""
    parameters: Any = foreseen(taught, policy, {}, at)
    card = parameters[CARDS][name]
    if not card["passed"]:
        lacking = ". ".join(one["en"] for one in card["sentences"])
        raise UntriedError(f"by {day} there was too little to fit a model to. {lacking}")
    return fitted(FittedModels("trial", parameters))


def _trial(found: ChanceTrial) -> ChanceTrial:
    if not found.cases:
        raise UntriedError(
            f"of nobody known by {found.cut_off} is it known what came by {found.until}"
        )
    return found
