"""What the open deals of a subject will bring.

Over open deals with amounts a that are won with probability p, of their stage or as a model of
deals tells::

    expected = Σ a·p        deviation = √Σ a²·p(1 - p)

and by the month of the expected close, in the policy's calendar. A date that has passed is moved
to today and the median time that deals of the stage still take, and flagged. A deal without a
date is in the total and in no month. One without a sum in the policy's currency, or in a stage
that nobody knows, counts nothing and is listed.

>>> expected_and_deviation([(1000, 0.5), (2000, 0.25)])
(1000.0, 1000.0)

Source: the weighted pipeline of all three CRMs; the deviation is that of independent deals.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import cast

from chalicelib.core.facts import parse_instant
from chalicelib.core.funnel import Forecast
from chalicelib.core.model import Deal, Json, Money
from chalicelib.core.policy import Policy, Profile
from chalicelib.localization.dates import month_key

STAGES_MODEL = "stages"


def forecast(profile: Profile, policy: Policy, fitted: Mapping[str, Json]) -> Forecast | None:
    """None without a funnel, without probabilities, or without an open deal."""
    odds = cast("Mapping[str, float] | None", fitted.get("p"))
    deals = [deal for deal in profile.facts.deals() if deal.status == "open"]
    if policy.funnel is None or not odds or not deals:
        return None
    days = cast("Mapping[str, float]", fitted.get("remaining_days", {}))
    chances = profile.wins.chances if profile.wins else {}
    counted: list[tuple[int, float]] = []
    months: defaultdict[str, list[float]] = defaultdict(list)
    overdue, incomplete = [], []
    for deal in deals:
        stage, amount = policy.funnel.stage_of(deal.attributes), _amount(deal, policy.currency)
        if stage is None or amount is None:
            incomplete.append(deal.id)
            continue
        chance = chances.get(deal.id, odds[stage])
        counted.append((amount, chance))
        if (closes := _expected_at(deal)) is not None:
            if closes < profile.now:
                overdue.append(deal.id)
                closes = profile.now + timedelta(days=days.get(stage, 0))
            month = month_key(closes.astimezone(policy.time_zone).date(), policy.calendar)
            months[month].append(amount * chance)
    expected, deviation = expected_and_deviation(counted)
    return Forecast(
        expected=Money(_whole(expected), policy.currency),
        deviation=Money(_whole(deviation), policy.currency),
        months={month: _whole(math.fsum(sums)) for month, sums in sorted(months.items())},
        overdue=tuple(sorted(overdue)),
        incomplete=tuple(sorted(incomplete)),
        by_model=bool(chances),
    )


def expected_and_deviation(deals: Iterable[tuple[int, float]]) -> tuple[float, float]:
    rows = list(deals)
    variance = math.fsum(amount**2 * p * (1 - p) for amount, p in rows)
    return math.fsum(amount * p for amount, p in rows), math.sqrt(variance)


def _amount(deal: Deal, currency: str) -> int | None:
    worth = deal.value or deal.amount
    if worth is None or worth.amount <= 0 or worth.currency != currency:
        return None
    return worth.amount


def _expected_at(deal: Deal) -> datetime | None:
    told = deal.attributes.get("expected_at")
    return parse_instant(str(told)) if told else None


def _whole(amount: float) -> int:
    return math.floor(amount + 0.5)
