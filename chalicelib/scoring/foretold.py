"""Why somebody's chances are what they are, and when to reach them.

A buyer's factors are what sets the log-odds of a purchase within 90 days apart from the usual
customer's; a lead's are the fields that raise its chance most, and those that lower it most, and a
subscriber's, whose purchases nothing is learned of, those that do so to the risk to leave, and
attributes that are not known.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from chalicelib.core.card import ScoreCard
from chalicelib.core.model import SENT, Text
from chalicelib.core.outputs import Fields
from chalicelib.core.policy import Profile
from chalicelib.core.prediction import Factor, Moment, Prediction
from chalicelib.localization import predictions
from chalicelib.localization.predictions import Part
from chalicelib.prediction.propensity import Propensity, Value
from chalicelib.prediction.purchases import History, RateModel, contributions
from chalicelib.scoring import features
from chalicelib.scoring.assessment import Assessment
from chalicelib.scoring.fitted import Buying
from chalicelib.scoring.future import SETTLED, WEEK, Future, first_week
from chalicelib.scoring.publication import tells_of_future

MOST = 3
"""Fields that are told on either side."""

ENOUGH_DONE, ENOUGH_SHARE = 10, 0.25
"""A moment is told of no fewer activities, of which so many were in it."""

NO_DATA = "no_data"
"""The factor that names attributes which a chance would go by, were they known."""

_SURE = 1e-9
_PARTS: tuple[tuple[int, Part], ...] = (
    (6, "night"), (11, "morning"), (14, "noon"), (17, "afternoon"), (22, "evening"), (24, "night"),
)  # fmt: skip
"""Each up to an hour of the day."""


def explained(future: Future, found: Prediction) -> Prediction | None:
    """With factors, moment and the likely range of the value to come; None where there is nothing
    to tell.
    """
    at = moment(future.profile, future.policy.time_zone)
    made = replace(found, factors=tuple(_factors(future, found)), moment=at)
    if outlook := found.outlook:
        likely = future.likely(outlook, found.as_of)
        made = replace(made, outlook=replace(outlook, likely=likely))
    return None if made == Prediction(made.as_of) else made


def foretells_at(assessment: Assessment, card: ScoreCard, shown: Fields) -> datetime | None:
    """The start of the first week in which what is predicted is worth a write, or a risk has
    another level, for no other reason than that time passed.
    """
    future, before = assessment.future, card.prediction
    if future is None or before is None:
        return None
    week, policy = future.week_of(assessment.profile.now), assessment.policy

    def differs(other: date) -> bool:
        found = future.on(other)
        there = replace(card, prediction=found)
        return found.level != before.level or tells_of_future(there, shown, policy)

    if not future.only_falls:
        for one in range(1, SETTLED):
            if differs(week + one * WEEK):
                return future.begins(week + one * WEEK)
        week += (SETTLED - 1) * WEEK
    first = first_week(week, differs)
    return future.begins(first) if first else None


def _factors(future: Future, found: Prediction) -> Iterator[Factor]:
    buying = future.fitted.buying
    if buying and (found.alive, found.purchase_90) != (None, None):
        yield from _of_buyer(buying, future.history(buying, found.as_of))
    elif found.chance is not None and (model := future.fitted.propensity):
        yield from _of_fields(future, model, future.row, predictions.odds)
    elif future.renewal and found.churn not in (None, 1) and (model := future.fitted.renewals):
        yield from _of_fields(future, model, future.renewal_row, predictions.leaving)


def _of_buyer(buying: Buying, history: History) -> Iterator[Factor]:
    def log_odds(one: History) -> float:
        chance = min(max(buying.any_purchase(one, 90), _SURE), 1 - _SURE)
        return math.log(chance / (1 - chance))

    if isinstance(buying.model, RateModel):
        yield Factor("rule_of_thumb", 0.0, predictions.RULE_OF_THUMB)
    parts = contributions(log_odds, history, buying.usual)
    named = {"frequency": parts.frequency, "recency": parts.recency, "age": parts.age}
    if not history.frequency:
        named = {"only": parts.recency}
    for name, odds in sorted(named.items(), key=lambda one: -abs(one[1])):
        text = predictions.odds(predictions.purchase_input(name), odds)
        yield Factor(name, odds, text)


def _of_fields(
    future: Future,
    model: Propensity,
    row_of: Callable[[date], Mapping[str, Value]],
    say: Callable[[Text, float], Text],
) -> Iterator[Factor]:
    """Those that raise the chance most, and those that lower it most."""
    row, labels = row_of(future.week_of(future.profile.now)), features.labels(future.policy)
    parts = sorted(model.contributions(row), key=lambda one: (-one[1], one[0]))
    chosen = [one for one in parts[:MOST] if one[1] > 0]
    chosen += [one for one in parts[-MOST:] if one[1] < 0]
    for name, odds in chosen:
        yield Factor(name, odds, say(features.told(name, row, labels), odds))
    told = {name for name, _ in chosen}
    lacking = [name for name in model.missing(row) if name not in told]
    if unknown := features.without_data(lacking, labels):
        yield Factor(NO_DATA, 0.0, predictions.no_data(unknown))


def moment(profile: Profile, zone: ZoneInfo) -> Moment | None:
    """The part of a week in which most of what they did was done."""
    done = Counter(
        _moment(one.occurred_at.astimezone(zone))
        for kind, activities in profile.activities.items()
        if kind != SENT
        for one in activities
    )
    if done.total() < ENOUGH_DONE:
        return None
    (weekday, part), count = min(done.items(), key=lambda one: (-one[1], one[0]))
    share = count / done.total()
    if share < ENOUGH_SHARE:
        return None
    return Moment(weekday, part, share, predictions.best_moment(weekday, part))


def _moment(local: datetime) -> tuple[int, Part]:
    return local.weekday(), next(part for until, part in _PARTS if local.hour < until)
