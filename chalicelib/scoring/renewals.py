"""When a subscription is to be renewed, whether that was missed, and what the chance of leaving is
told by: what leads are told by, less their purchases, and the use of late against that before,
tickets and answers.

All of a row is of before it is asked for. Rows stay as they are once nothing has been heard for
90 days.

Source: the discrete-time hazard of Singer and Willett 1993, one row per customer and renewal.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from chalicelib.core.facts import Fact, parse_instant
from chalicelib.core.model import SENT, Json
from chalicelib.core.policy import Policy, Profile
from chalicelib.core.prediction import SubscriptionPrediction
from chalicelib.localization.reading import day_of
from chalicelib.prediction.propensity import Value
from chalicelib.prediction.subscriptions import usage_trend
from chalicelib.scoring.features import (
    HALF_LIFE_DAYS,
    LATELY,
    MOST_COUNTED,
    RENEWAL,
    known_of,
    row_of,
)
from chalicelib.scoring.models.satisfaction import answers

SURVIVED, TREND, TICKETS, ANSWER = (
    f"{RENEWAL}{name}" for name in ("survived", "usage", "tickets", "answer:")
)
"""Fields of a row; the kind of survey follows the last."""

_DAY = timedelta(days=1)


def renewal_of(profile: Profile, policy: Policy) -> date | None:
    """The local day on which a subscription is to be renewed."""
    asked = policy.foretells.subscriptions
    value: Json = profile.value(asked.renewal) if asked else None
    return day_of(value, policy.time_zone) if value is not None else None


def is_missed(
    renewal: date, bought: Sequence[date], day: date, asked: SubscriptionPrediction
) -> bool:
    """Whether the grace is over by ``day``. Whoever paid on the day of renewal or later has
    renewed, though the record was not told.
    """
    if bought and bought[-1] >= renewal:
        return False
    return (day - renewal).days > asked.grace_days


def subscriber_row(
    profile: Profile, policy: Policy, survived: int, at: datetime
) -> dict[str, Value]:
    """Of who has come through so many renewals, as of ``at``, which is not before anything
    that was done or bought.
    """
    asked = policy.foretells.subscriptions
    known = asked.known if asked else frozenset[str]()
    row = known_of(row_of(profile, policy, at), known)
    row[SURVIVED] = survived
    trend = usage_trend(_uses(profile, policy, at))
    if trend is not None:
        row[TREND] = trend
    row[TICKETS] = math.fsum(
        2.0 ** (-age / HALF_LIFE_DAYS) for age in _tickets(profile, at) if age < LATELY / _DAY
    )
    return row | {f"{ANSWER}{kind}": value for kind, value in _answers(profile, at)}


def _uses(profile: Profile, policy: Policy, at: datetime) -> Iterator[tuple[float, int]]:
    for kind, activities in profile.activities.items():
        if _is_use(kind, policy):
            for one in activities:
                yield (at - one.occurred_at) / _DAY, min(one.count, MOST_COUNTED)


def _is_use(kind: str, policy: Policy) -> bool:
    asked = policy.foretells.subscriptions
    return kind in asked.usage if asked and asked.usage else kind != SENT


def _tickets(profile: Profile, at: datetime) -> Iterator[float]:
    for fact in profile.facts.states("ticket"):
        opened = _opened(fact)
        if opened and opened <= at:
            yield (at - opened) / _DAY


def _opened(fact: Fact) -> datetime | None:
    at = fact.data.get("opened_at")
    return parse_instant(str(at)) if at else None


def _answers(profile: Profile, at: datetime) -> Iterator[tuple[str, float]]:
    """The newest of each kind of survey."""
    told = [one for _, one in answers(profile.facts) if one.at <= at]
    yield from {
        one.kind: one.quality for one in sorted(told, key=lambda one: (one.at, one.quality))
    }.items()
