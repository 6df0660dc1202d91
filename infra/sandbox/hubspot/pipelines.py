"""Pipelines: HubSpot's default ones, for deals with words as ids, and custom ones with numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.instants import EPOCH, spell
from infra.sandbox.hubspot.records import DEALS, TICKETS, ObjectType

_CREATED = spell(EPOCH)  # HubSpot: default pipelines have createdAt 0


@dataclass(frozen=True, slots=True)
class Stage:
    """``probability`` is text from "0.0" to "1.0"; a ticket has none."""

    id: str
    label: str
    probability: str = ""
    closed: bool = False

    @property
    def won(self) -> bool:
        return self.closed and self.probability == "1.0"

    def to_json(self, order: int) -> Wire:
        return {
            "id": self.id,
            "label": self.label,
            "displayOrder": order,
            "metadata": {"isClosed": str(self.closed).lower(), **self._measure()},
            "archived": False,
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
            "createdAt": _CREATED,
            "updatedAt": _CREATED,
        }

    def _measure(self) -> Mapping[str, str]:
        if self.probability:
            return {"probability": self.probability}
        return {"ticketState": "CLOSED" if self.closed else "OPEN"}


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
SUPPORT = Pipeline(
    "0",
    "Support pipeline",
    (
        Stage("1", "New"),
        Stage("2", "Waiting on contact"),
        Stage("3", "Waiting on us"),
        Stage("4", "Closed", closed=True),
    ),
)
RETURNS = Pipeline(
    "7800200",
    "Returns",
    (
        Stage("7800201", "Announced"),
        Stage("7800202", "Refunded", closed=True),
        Stage("7800203", "Refused", closed=True),
    ),
)
PIPELINES: Mapping[ObjectType, tuple[Pipeline, ...]] = {
    DEALS: (SALES, RENEWALS),
    TICKETS: (SUPPORT, RETURNS),
}


def pipeline(kind: ObjectType, pipeline_id: str) -> Pipeline | None:
    return next((one for one in PIPELINES.get(kind, ()) if one.id == pipeline_id), None)


def default_pipeline(kind: ObjectType) -> str:
    """Where a record goes that names none; the empty text for a kind without pipelines."""
    return PIPELINES[kind][0].id if kind in PIPELINES else ""
