"""How they behave: what they do, and how lately and how often they buy.

The points of ``engagement`` rules, and beside them those of purchase activity: the recency and the
frequency score of ``rfm``, which give at most ``purchases`` points together, half of them each. The
group's bounds hold the sum within 0 and 100.

Somebody with R = 5 and F = 3 has, of 50, half for recency and a quarter for frequency:

>>> activity_points(50, (5, 3, 1))
(25.0, 12.5)

Source: RFM's behavioural half, Hughes 1994, beside decayed engagement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

from chalicelib.core.card import Rfm
from chalicelib.core.model import Json
from chalicelib.core.policy import Measure, Profile, Term
from chalicelib.scoring.models import Context, Parameters, engagement, rfm

_OF_RFM = {
    name: part for name, part in rfm.PROPERTIES.items() if name not in ("weights", "monetary")
}

SCHEMA: Mapping[str, Json] = {
    "required": ["rules", "purchases"],
    "properties": {
        **cast(Mapping[str, Json], engagement.SCHEMA["properties"]),
        **_OF_RFM,
        "purchases": {"type": "number", "exclusiveMinimum": 0, "maximum": 100},
    },
    "examples": [
        {
            "model": "behaviour",
            "purchases": 50,
            "thresholds": {"r": [30, 90, 180, 365], "f": [1, 2, 4, 8]},
            "rules": [
                {
                    "id": "email_opened",
                    "when": {"activity": "email.opened"},
                    "points": 5,
                    "half_life_days": 7,
                    "text": {"en": "Opened {count} e-mails", "fa": "{count} ایمیل باز کرد"},
                }
            ],
        }
    ],
}

FITTED = "rfm"
"""It goes by the cut points of that model."""

_STEPS = 4  # between the lowest score and the highest


@dataclass(frozen=True, slots=True)
class Model:
    """``purchases`` is the most that purchase activity gives."""

    purchases: float
    doing: engagement.Model
    buying: rfm.Model

    @classmethod
    def from_page(cls, parameters: Parameters, context: Context) -> Model:
        return cls(
            purchases=cast(float, parameters["purchases"]),
            doing=engagement.Model.from_page(parameters, context),
            buying=rfm.Model.from_page(
                {**parameters, "weights": {"r": 1, "f": 1, "m": 0}}, context
            ),
        )

    @property
    def maximum(self) -> float:
        return self.doing.maximum

    def measure(self, profile: Profile, fitted: Mapping[str, Json]) -> Measure:
        did, bought = self.doing.measure(profile, fitted), self.buying.measure(profile, fitted)
        scores = bought.detail.scores if isinstance(bought.detail, Rfm) else None
        points = activity_points(self.purchases, scores) if scores else ()
        terms = tuple(map(_with, bought.terms, points))
        return Measure(
            terms=did.terms + terms,
            known=did.known + (2 if bought.terms else 0),
            asked=did.asked + 2,
            changes_at=bought.changes_at,
            flags=tuple(flag for flag in bought.flags if flag != "alike:m"),
            detail=bought.detail,
        )


def _with(term: Term, points: float) -> Term:
    return replace(term, points=points)


def activity_points(most: float, scores: tuple[int, int, int]) -> tuple[float, float]:
    r, f, _ = scores
    return most * (r - 1) / (2 * _STEPS), most * (f - 1) / (2 * _STEPS)
