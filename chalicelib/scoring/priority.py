"""What a call is worth: the priority of one subject.

With p = chance of a purchase, V = its value and m = minutes that a call takes::

    gain = κ · p · (1 - p) · V          κ = 0.3: a call changes little for the near-certain and
    index = gain / m                    the hopeless
    score = 100 · (1 - 2^(-index / i))  i = the index of the usual deal at even chance

So 50 is a call as good as one about a deal of the usual value that may go either way. Until a
model of its own predicts it, p is read off the lead score along a line that the policy draws. V
is the sum of the open deals, else the average purchase, else the usual deal's value.

Two deals of 1,200 in all, at a chance of one half, in a call of 15 minutes:

>>> chance = 0.5
>>> gain = gain_of(chance, 1200)
>>> gain, gain / 15
(90.0, 6.0)

Source: expected net gain per unit of a scarce resource, Dantzig's rule for knapsacks (1957); the
uplift of p(1-p) is the derivative of a logistic response.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Sequence
from datetime import datetime
from functools import lru_cache

from chalicelib.core.calls import Advice, Priority
from chalicelib.core.facts import FactSet
from chalicelib.core.model import SENT, Money
from chalicelib.core.policy import PriorityPolicy, Profile

UPLIFT = 0.3
MINUTES = 15
SERVICE_LEVEL_DAYS = 7
CHANCES = ((0, 0.02), (40, 0.1), (70, 0.3), (100, 0.6))
"""Lead scores and chances; in between, a straight line."""

CONTACTS = ("call.held", "meeting.held")
TOP = 100


def gain_of(chance: float, value: float, uplift: float = UPLIFT) -> float:
    return uplift * chance * (1 - chance) * value


def line_through(points: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    """The chance at each whole score from 0 to 100; flat beyond the first and last point.

    >>> line_through([(0, 0.0), (50, 0.5)])[25], line_through([(0, 0.0), (50, 0.5)])[80]
    (0.25, 0.5)
    """
    return tuple(_at(score, points) for score in range(TOP + 1))


def _at(score: float, points: Sequence[tuple[float, float]]) -> float:
    after = bisect_right([one for one, _ in points], score)
    if after in (0, len(points)):
        return points[min(after, len(points) - 1)][1]
    (x, low), (y, high) = points[after - 1], points[after]
    return low + (high - low) * (score - x) / (y - x)


def priority_of(
    policy: PriorityPolicy,
    profile: Profile,
    lead_score: int,
    advice: Advice,
    *,
    low: bool,
) -> Priority:
    value, chance = value_of(policy, profile), policy.chances[lead_score]
    gain = gain_of(chance, value.amount, policy.uplift)
    last, waiting_since = _contact(profile, policy.contacts)
    level = advice.service_level
    return Priority(
        score=_scores(policy.chances, value.amount / policy.usual.amount)[lead_score],
        index=gain / policy.minutes,
        gain=gain,
        chance=chance,
        value=value,
        minutes=policy.minutes,
        existing=bool(profile.purchases),
        low=low,
        opted_out=policy.opted_out is not None and policy.opted_out.holds(profile) is True,
        owner=_owner(policy.owner, profile),
        last_contact_at=last,
        waiting_since=waiting_since,
        service_level_days=level.days if level else policy.service_level_days,
        assign_to=advice.assign_to,
    )


def scores_of(policy: PriorityPolicy, profile: Profile) -> Sequence[int]:
    """By whole lead score: all that the priority may become while the value stays."""
    value = value_of(policy, profile)
    return _scores(policy.chances, value.amount / policy.usual.amount)


@lru_cache(maxsize=1024)
def _scores(chances: Sequence[float], worth: float) -> tuple[int, ...]:
    """By whole lead score; ``worth`` is in usual deals, of which one at even chance is 50.

    The uplift is the same on both sides, so it does not matter here.
    """
    return tuple([round(TOP * (1 - 2 ** (-4 * p * (1 - p) * worth))) for p in chances])


def value_of(policy: PriorityPolicy, profile: Profile) -> Money:
    """In the policy's currency; sums whose worth in it nobody told are left out."""
    code = policy.usual.currency
    open_sum = _open_deals(profile.facts, code)
    if open_sum > 0:
        return Money(open_sum, code)
    bought = [one.amount.amount for one in profile.purchases if one.amount.currency == code]
    return Money(_mean(bought), code) if bought else policy.usual


def _mean(amounts: Sequence[int]) -> int:
    """Half a unit goes up."""
    return (2 * sum(amounts) + len(amounts)) // (2 * len(amounts))


def _owner(attribute: str | None, profile: Profile) -> str | None:
    value = profile.attributes.get(attribute) if attribute else None
    return None if value in (None, "") else str(value)


def _contact(profile: Profile, contacts: Container[str]) -> tuple[datetime | None, datetime | None]:
    """When somebody last spoke to them, and the first thing that they did after that.

    Who did nothing since then waits since then; of whom nothing is known does not wait.
    """
    spoken: list[datetime] = []
    done = [one.occurred_at for one in profile.purchases]
    for kind, activities in profile.activities.items():
        times = [one.occurred_at for one in activities]
        if kind != SENT:
            (spoken if kind in contacts else done).extend(times)
    last = max(spoken, default=None)
    since = (at for at in done if last is None or at > last)
    return last, min(since, default=last)


def _open_deals(facts: FactSet, currency: str) -> int:
    sums = [deal.value or deal.amount for deal in facts.deals() if deal.status == "open"]
    return sum(one.amount for one in sums if one and one.currency == currency and one.amount > 0)
