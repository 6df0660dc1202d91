"""How loyal they are: where their tier stands among all, and how many points they earned lately.

    L = 100 · (s · place / top + (1 - s) · min(1, earned / target))

``place`` counts the tiers below the subject's, ``top`` those below the highest; the tier's share is
s = ``tier_share`` = 0.6. ``earned`` are the points of ``(t - window_days, t]`` by when they were
earned, net of what was taken back, however many have been spent or have expired. A programme
without tiers leaves all to the points; without a programme nothing is known, which is not zero.

The second of three tiers, and 250 of 500 points in a year, give 60/2 + 40/2:

>>> [round(line, 6) for line in parts(place=1, top=2, earned=250, share=0.6, target=500)]
[30.0, 20.0]

Source: tier position and points activity as the two signals of a programme; Sharp and Sharp 1997,
"Loyalty programs and their impact on repeat-purchase loyalty patterns".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from chalicelib.core.model import Json
from chalicelib.core.policy import Measure, Profile, Term
from chalicelib.core.standing import Standing
from chalicelib.localization.customers import earned_points, in_tier
from chalicelib.scoring.models import Context, Parameters

SCHEMA: Mapping[str, Json] = {
    "required": [],
    "properties": {
        "tier_share": {"type": "number", "minimum": 0, "maximum": 1},
        "target": {"type": "integer", "minimum": 1},
        "window_days": {"type": "integer", "minimum": 1, "maximum": 36500},
    },
    "examples": [{"model": "loyalty", "tier_share": 0.6, "target": 500, "window_days": 365}],
}

TIER_SHARE = 0.6
TARGET = 500
WINDOW_DAYS = 365
"""The points of a silver tier, in a year."""


@dataclass(frozen=True, slots=True)
class Model:
    tier_share: float
    target: int
    window: timedelta

    @classmethod
    def from_page(cls, parameters: Parameters, _: Context) -> Model:
        return cls(
            tier_share=cast(float, parameters.get("tier_share", TIER_SHARE)),
            target=cast(int, parameters.get("target", TARGET)),
            window=timedelta(days=cast(int, parameters.get("window_days", WINDOW_DAYS))),
        )

    @property
    def maximum(self) -> float:
        return 100.0

    def measure(self, profile: Profile, _: Mapping[str, Json]) -> Measure:
        found = profile.loyalty
        if found is None:
            return Measure(terms=(), known=0, asked=1)
        counted = [
            (at, points)
            for at, points in found.earned
            if profile.now - self.window < at <= profile.now
        ]
        leaves_at = min((at + self.window for at, _ in counted), default=None)
        terms = self._terms(found, sum(points for _, points in counted))
        return Measure(terms, known=1, asked=1, changes_at=leaves_at)

    def _terms(self, found: Standing, earned: int) -> tuple[Term, ...]:
        tier = found.tier
        place, top = (tier.place, tier.top) if tier else (0, 0)
        by_tier, by_points = parts(place, top, earned, self.tier_share, self.target)
        points = Term("points", by_points, earned_points(earned, self.window.days))
        return (Term("tier", by_tier, in_tier(tier.text)), points) if tier else (points,)


def parts(place: int, top: int, earned: int, share: float, target: int) -> tuple[float, float]:
    """For the tier and for the points; where there is but one tier, it tells nothing."""
    share = share if top else 0.0
    by_tier = 100 * share * place / top if top else 0.0
    return by_tier, 100 * (1 - share) * min(1.0, max(0, earned) / target)
