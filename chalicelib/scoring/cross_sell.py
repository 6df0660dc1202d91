"""What to offer somebody beside what they have bought.

Of the pairs that training kept, the one with the best bound of which they have bought the first
and not the second.

>>> goes_with = {"tea": [["cups", 2.0, 1.6878], ["cake", 1.5, 1.2]]}
>>> best_offer(goes_with, frozenset(["tea"]), ["tea", "cups"])
('cups', 'tea', 2.0, 1.6878)
>>> best_offer(goes_with, frozenset(["tea", "cups"]), ["tea", "cups"]) is None
True

Source: association rules with one item on each side, see ``training.cross_sell``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import cast

from chalicelib.core.card import Suggestion
from chalicelib.core.model import Json, Text
from chalicelib.core.policy import Policy, Profile
from chalicelib.localization.numbers import persian
from chalicelib.scoring.products import bought_categories

CROSS_SELL = "cross_sell"
"""The name under which training keeps the pairs."""

Pairs = Mapping[str, Sequence[tuple[str, float, float]]]


def suggestion(profile: Profile, policy: Policy, fitted: Mapping[str, Json]) -> Suggestion | None:
    goes_with = cast("Pairs | None", fitted.get("goes_with"))
    if not goes_with or not policy.categories:
        return None
    net, facts = profile.purchases, profile.facts
    bought = bought_categories(facts, net, policy.categories, profile.now)
    offer = best_offer(goes_with, bought, policy.categories)
    return offer and Suggestion(*offer, text=_text(*offer))


def best_offer(
    goes_with: Pairs, bought: frozenset[str], categories: Sequence[str]
) -> tuple[str, str, float, float] | None:
    """Category, what it goes with, lift and bound; of equals the first in the alphabet."""
    offers = [
        (d, c, lift, bound)
        for c in bought
        for d, lift, bound in goes_with.get(c, ())
        if d not in bought and d in categories
    ]
    return min(offers, key=lambda one: (-one[3], one[0], one[1]), default=None)


def _text(category: str, given: str, lift: float, bound: float) -> Text:
    times, least = _floored(lift), _floored(bound)
    return Text(
        f"Offer {category}: buyers of {given} buy it {times} times as often as all customers, "
        f"at least {least} times (95 %)",
        f"{category} پیشنهاد دهید: خریداران {given} آن را {persian(times)} برابر همهٔ مشتریان "
        f"می‌خرند، دست‌کم {persian(least)} برابر (با اطمینان {persian('95')}٪)",
    )


def _floored(ratio: float) -> str:
    """Never more than is certain."""
    return f"{math.floor(ratio * 100 + 1e-6) / 100:.2f}"
