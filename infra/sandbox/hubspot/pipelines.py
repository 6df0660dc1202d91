"""Deal pipelines: HubSpot's default one with words as ids, and a custom one with numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from infra.sandbox.hubspot.errors import Wire
from infra.sandbox.hubspot.instants import spell

_CREATED = spell(datetime(1970, 1, 1, tzinfo=UTC))  # HubSpot: default pipelines have createdAt 0


@dataclass(frozen=True, slots=True)
class Stage:
    """``probability`` is text from "0.0" to "1.0"."""

    id: str
    label: str
    probability: str
    closed: bool = False

    @property
    def won(self) -> bool:
        return self.closed and self.probability == "1.0"

    def to_json(self, order: int) -> Wire:
        return {
            "id": self.id,
            "label": self.label,
            "displayOrder": order,
            "metadata": {
                "isClosed": str(self.closed).lower(),
                "probability": self.probability,
            },
            "archived": False,
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
            "createdAt": _CREATED,
            "updatedAt": _CREATED,
        }


@dataclass(frozen=True, slots=True)
class Pipeline:
    id: str
    label: str
    stages: tuple[Stage, ...]

    def stage(self, stage_id: str) -> Stage | None:
        return next((stage for stage in self.stages if stage.id == stage_id), None)

    def won_stage(self) -> Stage:
        return next(stage for stage in self.stages if stage.won)

    def to_json(self, order: int) -> Wire:
        return {
            "id": self.id,
            "label": self.label,
            "displayOrder": order,
            "stages": [stage.to_json(place) for place, stage in enumerate(self.stages)],
            "archived": False,
            "createdAt": _CREATED,
            "updatedAt": _CREATED,
        }


SALES = Pipeline(
    "default",
    "Sales pipeline",
    (
        Stage("appointmentscheduled", "Appointment scheduled", "0.2"),
        Stage("qualifiedtobuy", "Qualified to buy", "0.4"),
        Stage("presentationscheduled", "Presentation scheduled", "0.6"),
        Stage("decisionmakerboughtin", "Decision maker bought-in", "0.8"),
        Stage("contractsent", "Contract sent", "0.9"),
        Stage("closedwon", "Closed won", "1.0", closed=True),
        Stage("closedlost", "Closed lost", "0.0", closed=True),
    ),
)
RENEWALS = Pipeline(
    "7700100",
    "Renewals",
    (
        Stage("7700101", "Due", "0.5"),
        Stage("7700102", "Renewed", "1.0", closed=True),
        Stage("7700103", "Upgraded", "1.0", closed=True),
        Stage("7700104", "Not renewed", "0.0", closed=True),
    ),
)
PIPELINES = (SALES, RENEWALS)


def pipeline(pipeline_id: str) -> Pipeline | None:
    return next((one for one in PIPELINES if one.id == pipeline_id), None)
