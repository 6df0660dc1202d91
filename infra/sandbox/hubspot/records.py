"""Records with the full history of every property, and who wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.instants import spell


@dataclass(frozen=True, slots=True, eq=False)
class ObjectType:
    """A kind of record. ``defaults`` are the properties of an answer that asked for none.

    ``stage_properties`` name a pipeline and a stage in it; ``read_only`` ones only HubSpot writes.
    Without the ``required`` properties none is made.
    """

    name: str
    singular: str
    type_id: str
    defaults: tuple[str, ...]
    modified: str = "hs_lastmodifieddate"
    stage_properties: tuple[str, str] | None = None
    read_only: bool = False
    required: tuple[str, ...] = ()

    @property
    def always(self) -> tuple[str, ...]:
        """The properties that every answer holds."""
        return ("hs_object_id", "createdate", self.modified)


End = tuple[ObjectType, str]
"""A record as one side of an association: its kind and id."""

CONTACTS = ObjectType(
    "contacts", "contact", "0-1", ("email", "firstname", "lastname"), modified="lastmodifieddate"
)
COMPANIES = ObjectType("companies", "company", "0-2", ("domain", "name"))
DEALS = ObjectType(
    "deals", "deal", "0-3", ("amount", "closedate", "dealname", "dealstage", "pipeline"),
    stage_properties=("pipeline", "dealstage"),
)  # fmt: skip
TICKETS = ObjectType(
    "tickets", "ticket", "0-5",
    ("content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_priority", "subject"),
    stage_properties=("hs_pipeline", "hs_pipeline_stage"),
)  # fmt: skip
PRODUCTS = ObjectType("products", "product", "0-7", ("description", "name", "price"))
LINE_ITEMS = ObjectType(
    "line_items", "line_item", "0-8", ("amount", "hs_product_id", "name", "price", "quantity")
)
FEEDBACK_SUBMISSIONS = ObjectType(
    "feedback_submissions", "feedback_submission", "0-19",
    ("hs_content", "hs_survey_type", "hs_submission_timestamp"),
    read_only=True,
)  # fmt: skip

TASKS = ObjectType(
    "tasks", "task", "0-27", ("hs_task_body", "hs_task_subject", "hs_timestamp"),
    required=("hs_timestamp",),
)  # fmt: skip
NOTES = ObjectType(
    "notes", "note", "0-46", ("hs_note_body", "hs_timestamp"), required=("hs_timestamp",)
)

KINDS = (
    CONTACTS, COMPANIES, DEALS, TICKETS, PRODUCTS, LINE_ITEMS, FEEDBACK_SUBMISSIONS, TASKS, NOTES,
)  # fmt: skip
OBJECT_TYPES: Mapping[str, ObjectType] = {
    spelling: kind for kind in KINDS for spelling in (kind.name, kind.singular, kind.type_id)
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changed something. ``trusted`` is HubSpot itself: it may write read-only properties.

    ``bound`` is an app through a version of the API that enforces all rules of admins.
    """

    source_type: str
    source_id: str | None = None
    user_id: int | None = None
    trusted: bool = False
    bound: bool = False

    @classmethod
    def user(cls, user_id: int) -> Actor:
        return cls("CRM_UI", f"userId:{user_id}", user_id)

    @classmethod
    def app(cls, app_id: int, *, bound: bool = False) -> Actor:
        return cls("INTEGRATION", str(app_id), bound=bound)


HUBSPOT = Actor("CALCULATED", trusted=True)
IMPORT = Actor("IMPORT", trusted=True)


@dataclass(frozen=True, slots=True)
class Revision:
    """One value that a property had; the empty text is a cleared one."""

    value: str
    at: datetime
    by: Actor

    def to_json(self) -> Wire:
        optional = {"sourceId": self.by.source_id, "updatedByUserId": self.by.user_id}
        return {
            "value": self.value,
            "timestamp": spell(self.at),
            "sourceType": self.by.source_type,
        } | {name: value for name, value in optional.items() if value is not None}


class Written(NamedTuple):
    """A value, when it was written, and the kind of writer."""

    value: str
    at: datetime
    source: str


@dataclass(slots=True)
class Record:
    """``history`` holds the revisions of each property that was ever set, oldest first."""

    kind: ObjectType
    id: str
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None = None
    history: dict[str, list[Revision]] = field(default_factory=dict)

    def value(self, name: str) -> str:
        """The present value; the empty text where there is none."""
        revisions = self.history.get(name)
        return revisions[-1].value if revisions else ""

    def copy(self, record_id: str) -> Record:
        history = {name: list(revisions) for name, revisions in self.history.items()}
        return replace(self, id=record_id, history=history)

    def written(self, name: str) -> list[Written]:
        """Everything that a property ever was, oldest first."""
        return [
            Written(one.value, one.at, one.by.source_type) for one in self.history.get(name, ())
        ]

    def as_of(self, instant: datetime) -> Record | None:
        """The record as it was then, None if there was none yet."""
        if self.created_at > instant:
            return None
        if all(revisions[-1].at <= instant for revisions in self.history.values()):
            return self
        history = {
            name: earlier
            for name, revisions in self.history.items()
            if (earlier := [one for one in revisions if one.at <= instant])
        }
        latest = max((revisions[-1].at for revisions in history.values()), default=self.created_at)
        return replace(self, updated_at=min(latest, self.updated_at), history=history)

    def write(
        self, values: Mapping[str, str], at: datetime, by: Actor, *, moves_date: bool = True
    ) -> tuple[str, ...]:
        """Set properties; returns the names of those whose value changed.

        A value that is written again is a revision too, as in HubSpot: who wants one
        entry per value must not write twice.
        """
        changed = tuple(name for name, value in values.items() if self.value(name) != value)
        for name, value in values.items():
            self.history.setdefault(name, []).append(Revision(value, at, by))
        if moves_date:
            self.updated_at = max(self.updated_at, at)
        return changed
