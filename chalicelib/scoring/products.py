"""Which kinds of product somebody prefers, by what they buy and look at.

At t, category c has the decayed sum ``x_c = Σ w · 2^(-(t - e) / 90 days)`` over purchases, each
with its net value as a multiple of the mean one, and views with w = 0.1. Sums of which nobody told
the worth in the policy's currency are left out. Of C categories that the
policy names, x_c makes the share::

    s_c = (x_c + 0.5) / (Σ x + 0.5 · C)

A category is preferred from 2/C on, with at least 3 purchases and views; ``publish`` takes the tag
away below 1.5/C. In between what the CRM shows stays. As all sums decay alike, s_c reaches k/C when
what is left of them is ``d = 0.5 (k - 1) / (x_c - k · Σ x / C)``, which needs no search.

Four purchases of tea just now, in a shop of four categories:

>>> found = leanings({"tea": [(0.0, 1.0)] * 4}, 4)
>>> [(one.category, round(one.share, 3), one.is_preferred, one.stays) for one in found]
[('tea', 0.75, True, True)]
>>> round(days_to(2, 4.0, 4.0, 4))
180

Source: shares smoothed by Laplace's rule; the two thresholds are a Schmitt trigger.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean
from typing import NamedTuple

from chalicelib.core.facts import Fact, FactSet, money
from chalicelib.core.model import Deal, Json, Money, Purchase
from chalicelib.core.policy import Profile

HALF_LIFE_DAYS = 90
VIEW_WEIGHT = 0.1
FEWEST_EVENTS = 3
ENTER, LEAVE = 2.0, 1.5
"""Multiples of an even share."""

_SMOOTHING = 0.5
_DAY = timedelta(days=1)

Doings = Mapping[str, Sequence[tuple[float, float]]]
"""Ages in days and weights of what was bought and looked at, by category."""


@dataclass(frozen=True, slots=True)
class Leaning:
    """``is_preferred`` earns the tag, ``stays`` is enough to keep it."""

    category: str
    share: float
    is_preferred: bool
    stays: bool
    changes_in_days: float | None


class Bought(NamedTuple):
    """Something of a category, net of what was given back, in smallest units of the currency."""

    category: str
    at: datetime
    worth: float
    currency: str


@dataclass(frozen=True, slots=True)
class Preferences:
    """Categories that earn a tag, and those that keep one.

    ``changes_at`` is when they do so otherwise, by decay or because a deal that tells no sum, which
    is no purchase of the profile, counts from then on.
    """

    preferred: tuple[str, ...]
    staying: tuple[str, ...]
    changes_at: datetime | None


def preferences(profile: Profile, categories: Sequence[str], currency: str) -> Preferences:
    named = frozenset(categories)
    bought = [
        one
        for one in _bought(profile.facts, profile.purchases)
        if one.category in named and one.currency == currency
    ]
    found = leanings(_doings(profile, bought, named), len(categories))
    changes = [one.at for one in bought if one.at > profile.now]
    days = [one.changes_in_days for one in found if one.changes_in_days is not None]
    changes += [_whole_minute(profile.now, min(days))] if days else []
    return Preferences(
        preferred=tuple(one.category for one in found if one.is_preferred),
        staying=tuple(one.category for one in found if one.stays),
        changes_at=min(changes, default=None),
    )


def leanings(doings: Doings, categories: int) -> list[Leaning]:
    """Of all categories that something was done in, in alphabetical order."""
    sums = {one: math.fsum(w * _left(age) for age, w in doings[one]) for one in sorted(doings)}
    total = math.fsum(sums.values())
    return [_leaning(one, x, total, len(doings[one]), categories) for one, x in sums.items()]


def _leaning(category: str, x: float, total: float, events: int, categories: int) -> Leaning:
    share = (x + _SMOOTHING) / (total + _SMOOTHING * categories)
    crossings = [days_to(k, x, total, categories) for k in (ENTER, LEAVE)]
    is_enough = events >= FEWEST_EVENTS
    return Leaning(
        category,
        share,
        is_preferred=is_enough and share * categories >= ENTER,
        stays=is_enough and share * categories >= LEAVE,
        changes_in_days=min((days for days in crossings if days is not None), default=None),
    )


def days_to(k: float, x: float, total: float, categories: int) -> float | None:
    """Until the share falls below k times an even one; None if it never does, or has."""
    excess = x - k * total / categories
    if excess <= 0:
        return None
    left = _SMOOTHING * (k - 1) / excess
    return -HALF_LIFE_DAYS * math.log2(left) if left < 1 else None


def _left(age: float) -> float:
    return math.exp2(-age / HALF_LIFE_DAYS)


def _whole_minute(now: datetime, days: float) -> datetime:
    """The first one at which the share is below the threshold for certain."""
    return now + timedelta(minutes=math.floor(days * 1440 + 1e-6) + 1)


def _doings(profile: Profile, bought: Iterable[Bought], categories: frozenset[str]) -> Doings:
    found: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    until_now = [one for one in bought if one.at <= profile.now]
    mean = fmean(one.worth for one in until_now) if until_now else 1.0
    for one in until_now:
        found[one.category].append(((profile.now - one.at) / _DAY, one.worth / mean))
    for view in profile.activities.get("page.viewed", ()):
        category = str(view.attributes.get("category", ""))
        if category in categories:
            age = (profile.now - view.occurred_at) / _DAY
            # One fact may count any number of times, of which only so many make a difference.
            found[category].append((age, VIEW_WEIGHT * view.count))
            found[category] += [(age, 0.0)] * (min(view.count, FEWEST_EVENTS) - 1)
    return found


def bought_categories(
    facts: FactSet, purchases: Iterable[Purchase], categories: Sequence[str], now: datetime
) -> frozenset[str]:
    """Of those named, what has ever been bought until now and not been given back."""
    found = _bought(facts, purchases)
    return frozenset(one.category for one in found if one.at <= now and one.category in categories)


def _bought(facts: FactSet, purchases: Iterable[Purchase]) -> Iterator[Bought]:
    """Orders and the line items of won deals, each as far as ``purchases`` are left of them."""
    net = {one.id: one.amount for one in purchases}
    for fact in facts.by_type.get("purchase", ()):
        if fact.id in net and "credit" not in fact.data:
            left = net[fact.id]
            for category, share in _kinds(fact.data):
                yield Bought(category, fact.occurred_at, left.amount * share, left.currency)
    won = {deal.id: deal for deal in facts.deals() if deal.status == "won"}
    for item in facts.states("line_item"):
        deal = won.get(str(item.data.get("deal_id")))
        paid = money(item.data.get("value")) or money(item.data.get("amount"))
        if deal and deal.closed_at and paid and (worth := paid.amount * _kept(deal, net)) > 0:
            yield Bought(category_of(item), deal.closed_at, worth, paid.currency)


def _kinds(order: Mapping[str, Json]) -> list[tuple[str, float]]:
    """What an order was of, and the share of each: as it says itself, else by its lines."""
    category, lines = order.get("category"), order.get("lines")
    if isinstance(category, str) or not isinstance(lines, list):
        return [(str(category or ""), 1.0)]
    rows = [row for row in lines if isinstance(row, dict)]
    paid = [(_category(row), _paid(row)) for row in rows]
    total = sum(amount for _, amount in paid)
    return [(kind, amount / total) for kind, amount in paid if amount]


def _paid(line: Mapping[str, Json]) -> int:
    paid = money(line.get("amount"))
    return max(paid.amount, 0) if paid else 0


def _kept(deal: Deal, net: Mapping[str, Money]) -> float:
    """The share of a deal that was not given back; all of one that tells no sum."""
    whole, left = deal.value or deal.amount, net.get(f"deal:{deal.id}")
    if whole is None:
        return 1.0
    return left.amount / whole.amount if left else 0.0


def category_of(item: Fact) -> str:
    """Of a line item: what the policy calls so, else the type of the product."""
    return _category(item.data)


def _category(line: Mapping[str, Json]) -> str:
    match line:
        case {"category": str(category)}:
            return category
        case {"product": {"type": str(kind)}}:
            return kind
        case _:
            return ""
