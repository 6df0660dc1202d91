"""The way of a deal: the stages that all CRMs' pipelines are mapped to, and what is seen of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from chalicelib.core.model import Json, Money, Text

STAGES: Mapping[str, Text] = {
    "intro": Text("Introduction", "آشنایی"),
    "trial": Text("Trial", "آزمایش"),
    "offer": Text("Offer", "پیشنهاد قیمت"),
    "negotiation": Text("Negotiation", "مذاکره"),
    "contract": Text("Contract", "قرارداد"),
}
"""Of open deals, from the first to the last; won and lost are how a deal ends."""


@dataclass(frozen=True, slots=True)
class FunnelPolicy:
    """``stages`` maps a CRM's stage id, or ``pipeline/stage``, to one of ``STAGES``.

    A deal has just entered or left a stage for ``recent_days``, and is stalled after the
    ``stalled_days`` of its stage.
    """

    stages: Mapping[str, str]
    recent_days: float
    stalled_days: Mapping[str, float]

    def stage_of(self, place: Mapping[str, Json]) -> str | None:
        """None for a stage that the policy does not know."""
        stage, pipeline = str(place.get("stage", "")), str(place.get("pipeline", ""))
        return self.stages.get(f"{pipeline}/{stage}") or self.stages.get(stage)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the most advanced open deal of a subject stands.

    ``segments`` tell of all its deals; ``changes_at`` is when one of them begins or ends by
    itself.
    """

    stage: str | None
    since: datetime | None
    is_stalled: bool
    segments: tuple[str, ...]
    changes_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClosedDeal:
    """``days_left`` are the days from entering each stage that it reached to its end."""

    days_left: Mapping[str, float]
    won: bool


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the open deals of a subject will bring, give or take ``deviation``.

    ``months`` are by ``year-month`` of the expected close in the policy's calendar; deals without
    a date are in none. ``overdue`` are ids of deals whose date has passed and was moved,
    ``incomplete`` of those that lack a sum or a known stage. ``by_model`` says that a model of
    deals tells how likely they are to be won, and not only the stages they are in.
    """

    expected: Money
    deviation: Money
    months: Mapping[str, int]
    overdue: tuple[str, ...]
    incomplete: tuple[str, ...]
    by_model: bool = False

    def to_json(self) -> dict[str, Json]:
        return {
            "expected": self.expected.to_json(),
            "deviation": self.deviation.to_json(),
            "months": dict(self.months),
            "overdue": list(self.overdue),
            "incomplete": list(self.incomplete),
            "by_model": self.by_model,
        }
