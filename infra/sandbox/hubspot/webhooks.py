"""Subscriptions, and changes spelled as webhook events, in the generic and the classic form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import count
from typing import Any

from infra.sandbox._serving.deliveries import Unkindness
from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.instants import epoch_ms
from infra.sandbox.hubspot.changes import (
    AssociationChanged,
    Change,
    Created,
    Deleted,
    Erased,
    Merged,
    PropertyChanged,
    Restored,
)
from infra.sandbox.hubspot.errors import invalid
from infra.sandbox.hubspot.records import (
    CONTACTS,
    FEEDBACK_SUBMISSIONS,
    NOTES,
    OBJECT_TYPES,
    PRODUCTS,
    TASKS,
    ObjectType,
)
from infra.sandbox.hubspot.signature import SCHEMES

_HAPPENINGS: dict[type[Change], str] = {
    Created: "creation",
    Deleted: "deletion",
    Restored: "restore",
    Erased: "privacyDeletion",
    Merged: "merge",
    PropertyChanged: "propertyChange",
    AssociationChanged: "associationChange",
}
_SILENT = (FEEDBACK_SUBMISSIONS, TASKS, NOTES)
"""Kinds that no subscription can be for."""

Topic = tuple[ObjectType, str, str | None]
"""A kind of record, what happens to it, and for a change of a property which one."""

# HubSpot refuses subscriptions to these.
_REFUSED_PROPERTIES = {"num_unique_conversion_events", "hs_lastmodifieddate", "lastmodifieddate"}


@dataclass(frozen=True, slots=True)
class Subscription:
    """``generic`` is the ``object.*`` form; one property change needs one subscription each."""

    id: int
    kind: ObjectType
    happening: str
    generic: bool
    property_name: str | None = None

    @classmethod
    def from_json(cls, body: Wire, number: int) -> Subscription:
        """As a project app's component file has it. Raises ``ApiError``."""
        family, _, happening = str(body.get("subscriptionType")).partition(".")
        kind = OBJECT_TYPES.get(str(body.get("objectType")) if family == "object" else family)
        name = body.get("propertyName")
        if kind is None or happening not in _HAPPENINGS.values():
            raise invalid(f"Unknown subscription {body}")
        if kind in _SILENT or (kind is PRODUCTS and happening == "associationChange"):
            raise invalid(f"HubSpot has no such event: {body}")
        if happening == "privacyDeletion" and family != CONTACTS.singular:
            raise invalid(f"A privacy deletion is of a contact: {body}")
        if (happening == "propertyChange") is (name is None) or name in _REFUSED_PROPERTIES:
            raise invalid(f"propertyName does not fit subscription {body}")
        return cls(body.get("id", number), kind, happening, family == "object", name)

    @property
    def hears(self) -> Topic:
        return self.kind, self.happening, self.property_name

    @property
    def type(self) -> str:
        return f"{'object' if self.generic else self.kind.singular}.{self.happening}"


@dataclass(frozen=True, slots=True)
class WebhookSettings(Unkindness):
    """Where events go, and how unkind the way is. ``signature`` is v1, v2 or v3.

    HubSpot spreads ten retries over a day; here they are closer.
    """

    target_url: str = ""
    secret: str = ""
    app_id: int = 54321
    subscriptions: tuple[Subscription, ...] = ()
    signature: str = "v3"

    def __post_init__(self) -> None:
        if self.signature not in SCHEMES:
            raise invalid(f"A signature is one of {SCHEMES}, not {self.signature!r}")

    @classmethod
    def from_json(cls, body: Wire) -> WebhookSettings:
        """Raises ``ApiError`` for an unknown member."""
        known = {one.name for one in fields(cls)}
        if not body.keys() <= known:
            raise invalid(f"Unknown webhook settings: {sorted(body.keys() - known)}")
        return cls(**body | {"subscriptions": subscriptions(body.get("subscriptions", []))})


def subscriptions(rows: Iterable[Wire]) -> tuple[Subscription, ...]:
    """Numbered from 1; rows that are not ``active`` are left out."""
    active = (row for row in rows if row.get("active", True))
    return tuple(Subscription.from_json(row, number) for number, row in enumerate(active, 1))


class EventSpeller:
    """Spells changes for a portal; every event gets a number of its own."""

    def __init__(self, portal_id: int) -> None:
        self.portal_id = portal_id
        self._numbers = count(1001)
        self._known: tuple[Subscription, ...] = ()
        self._listening: dict[Topic, list[Subscription]] = {}

    def events(self, change: Change, settings: WebhookSettings) -> Sequence[Wire]:
        if settings.subscriptions is not self._known:
            self._sort(settings.subscriptions)
        listening = self._listening.get(_topic(change), ())
        return [self._event(change, one, settings.app_id) for one in listening]

    def _sort(self, subscriptions: tuple[Subscription, ...]) -> None:
        self._known, self._listening = subscriptions, {}
        for one in subscriptions:
            self._listening.setdefault(one.hears, []).append(one)

    def _event(self, change: Change, subscription: Subscription, app_id: int) -> Wire:
        event: dict[str, Any] = {
            "eventId": next(self._numbers),
            "subscriptionId": subscription.id,
            "portalId": self.portal_id,
            "appId": app_id,
            "occurredAt": epoch_ms(change.at),
            "subscriptionType": subscription.type,
            "attemptNumber": 0,
            "changeSource": change.by.source_type,
        }
        if change.by.source_id is not None:
            event["sourceId"] = change.by.source_id
        if subscription.generic:
            event["objectTypeId"] = change.kind.type_id
        return event | _particulars(change, generic=subscription.generic)


def _topic(change: Change) -> Topic:
    name = change.name if isinstance(change, PropertyChanged) else None
    return change.kind, _HAPPENINGS[type(change)], name


def _particulars(change: Change, *, generic: bool) -> Wire:
    match change:
        case Created():
            return {"objectId": int(change.id), "changeFlag": "CREATED"}
        case Deleted():
            return {"objectId": int(change.id), "changeFlag": "DELETED"}
        case Restored() | Erased():
            return {"objectId": int(change.id)}
        case Merged():
            return {
                "objectId": int(change.id),
                "primaryObjectId": int(change.id),
                "mergedObjectIds": [int(one) for one in change.merged_ids],
                "newObjectId": int(change.new_id),
                "numberOfPropertiesMoved": change.properties_moved,
            }
        case PropertyChanged():
            return {
                "objectId": int(change.id),
                "propertyName": change.name,
                "propertyValue": change.value,
            } | ({"isSensitive": False} if generic else {})
        case AssociationChanged():
            return {
                "associationType": f"{change.kind.singular}_to_{change.to_kind.singular}".upper(),
                "fromObjectId": int(change.id),
                "toObjectId": int(change.to_id),
                "associationRemoved": change.removed,
                "isPrimaryAssociation": change.primary,
            }
