"""HubSpot's records as facts, and outputs as HubSpot's texts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TypedDict

from chalicelib.core.card import Fields, FieldValue
from chalicelib.core.facts import Fact, iso, parse_instant
from chalicelib.core.model import DealStatus, Json, Kind, Money, Ref
from chalicelib.core.policy import Attribute, AttributeType
from connectors.hubspot.owned import PREFIX

CRM = "hubspot"
OBJECT_TYPES: Mapping[Kind, str] = {
    "contact": "contacts",
    "account": "companies",
    "deal": "deals",
}
"""As the API names them in paths."""

MODIFIED: Mapping[Kind, str] = {
    "contact": "lastmodifieddate",  # only contacts call it so
    "account": "hs_lastmodifieddate",
    "deal": "hs_lastmodifieddate",
}

DEAL_PROPERTIES = ("dealstage", "pipeline", "amount", "deal_currency_code", "closedate")

# More digits than any sum of money has; beyond them "1e999999" would fill the memory.
_MOST_DIGITS = 18


class Record(TypedDict):
    """As HubSpot returns it: every value is a text, whatever the property's type."""

    id: str
    properties: Mapping[str, str | None]


class Stage(TypedDict):
    id: str
    metadata: Mapping[str, str]


class Pipeline(TypedDict):
    id: str
    stages: Sequence[Stage]


class AssociationType(TypedDict):
    category: str
    typeId: int


class Association(TypedDict):
    toObjectId: int | str
    associationTypes: Sequence[AssociationType]


Stages = Mapping[tuple[str, str], DealStatus]
"""Status by pipeline id and stage id; ids are words in the default pipeline, else numbers."""

PRIMARY_COMPANY = 1
"""Type id of contact to primary company, among HUBSPOT_DEFINED ones."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Makes facts of the records of one connection, as read at ``now``.

    A record's data holds the policy's attributes by canonical name. What is empty, or is not
    of the attribute's type, is left out.
    """

    attributes: Sequence[Attribute]
    currency: str
    stages: Stages
    now: datetime

    def facts(
        self, subject: Ref, contact: Record, related: Mapping[Kind, Sequence[Record]]
    ) -> tuple[Fact, ...]:
        """Everything known of a contact; ``related`` are all its deals and, if read, accounts."""
        return (
            self._state(subject, "contact", contact),
            *self._activities(subject, contact),
            self._links(subject, related),
            *(self._deal(subject, deal) for deal in related.get("deal", ())),
            *(self._state(subject, "account", account) for account in related.get("account", ())),
        )

    def _deal(self, subject: Ref, record: Record) -> Fact:
        properties = record["properties"]
        pipeline, stage = place(record)
        status = self.stages.get((pipeline, stage), "open")
        amount = _money(properties, self.currency)
        # An open deal's closedate is a hope, not the time of anything.
        closed_at = None if status == "open" else _instant(properties.get("closedate"))
        return self._state(
            subject,
            "deal",
            record,
            status=status,
            amount=amount.to_json() if amount else None,
            stage=stage,
            pipeline=pipeline,
            closed_at=closed_at,
        )

    def _links(self, subject: Ref, related: Mapping[Kind, Sequence[Record]]) -> Fact:
        data: dict[str, Json] = {
            kind: [record["id"] for record in records] for kind, records in related.items()
        }
        return Fact(subject, "links", "links", self.now, data)

    def _state(self, subject: Ref, kind: Kind, record: Record, **own: Json) -> Fact:
        properties = record["properties"]
        modified = _instant(properties.get(MODIFIED[kind]))
        return Fact(
            subject=subject,
            type=kind,
            id=record["id"],
            occurred_at=self.now,
            data=self._values(kind, properties) | own,
            modified_at=parse_instant(modified) if modified else None,
        )

    def _values(self, kind: Kind, properties: Mapping[str, str | None]) -> dict[str, Json]:
        typed = {
            attribute.name: _TYPED[attribute.type](text)
            for attribute in held_by(kind, self.attributes)
            if attribute.type != "activity" and (text := properties.get(attribute.fields[CRM]))
        }
        return {name: value for name, value in typed.items() if value is not None}

    def _activities(self, subject: Ref, record: Record) -> Iterable[Fact]:
        for attribute in held_by("contact", self.attributes):
            field = attribute.fields[CRM]
            at = _instant(record["properties"].get(field))
            if attribute.type == "activity" and at:
                data: dict[str, Json] = {"kind": attribute.activity}
                yield Fact(subject, "activity", f"{field}@{at}", parse_instant(at), data)


def held_by(kind: Kind, attributes: Iterable[Attribute]) -> tuple[Attribute, ...]:
    """The attributes that HubSpot keeps on records of this kind."""
    return tuple(one for one in attributes if one.of == kind and CRM in one.fields)


def properties_of(kind: Kind, attributes: Iterable[Attribute]) -> tuple[str, ...]:
    """What to ask for when reading records of this kind: no more than a score needs."""
    own = DEAL_PROPERTIES if kind == "deal" else ()
    fields = {attribute.fields[CRM] for attribute in held_by(kind, attributes)}
    return tuple(sorted(fields | {MODIFIED[kind], *own}))


def place(deal: Record) -> tuple[str, str]:
    """Where a deal stands: pipeline id and stage id."""
    properties = deal["properties"]
    return properties.get("pipeline") or "", properties.get("dealstage") or ""


def stage_statuses(pipelines: Iterable[Pipeline]) -> Stages:
    """Won is closed with probability 1, lost is closed with probability 0.

    >>> closed = {"isClosed": "true", "probability": "1.0"}
    >>> stage_statuses([{"id": "default", "stages": [{"id": "closedwon", "metadata": closed}]}])
    {('default', 'closedwon'): 'won'}
    """
    return {
        (pipeline["id"], stage["id"]): _status(stage["metadata"])
        for pipeline in pipelines
        for stage in pipeline["stages"]
    }


def linked_ids(associations: Iterable[Association]) -> list[str]:
    """Ids sorted as text, those of primary associations first."""
    ranked = {(not _is_primary(one), str(one["toObjectId"])) for one in associations}
    return [identity for _, identity in sorted(ranked)]


def property_values(fields: Fields) -> dict[str, str]:
    """Property texts by name; an empty text clears the property.

    >>> property_values({"score": 82, "tags": ("class:A", "segment:loyal"), "class": None})
    {'emtiaz_score': '82', 'emtiaz_tags': 'class:A;segment:loyal', 'emtiaz_class': ''}
    """
    return {PREFIX + name: _text(value) for name, value in fields.items()}


def _text(value: FieldValue) -> str:
    match value:
        case None:
            return ""
        case tuple():
            return ";".join(value)
        case float():
            return format(Decimal(repr(value)), "f")  # HubSpot does not read exponents
        case _:
            return str(value)


def _status(metadata: Mapping[str, str]) -> DealStatus:
    if metadata.get("isClosed") != "true":
        return "open"
    match _number(metadata.get("probability", "")):
        case 1:
            return "won"
        case 0:
            return "lost"
        case _:
            return "open"


def _is_primary(association: Association) -> bool:
    return any(
        kind["category"] == "HUBSPOT_DEFINED" and kind["typeId"] == PRIMARY_COMPANY
        for kind in association["associationTypes"]
    )


def _money(properties: Mapping[str, str | None], currency: str) -> Money | None:
    try:
        amount = Decimal(properties.get("amount") or "")
    except InvalidOperation:
        return None
    if not amount.is_finite() or amount.adjusted() >= _MOST_DIGITS:
        return None
    return Money.from_decimal(amount, properties.get("deal_currency_code") or currency)


def _number(text: str) -> int | float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _boolean(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text.lower())


def _date(text: str) -> str | None:
    """A plain date stays one; an instant is written as everywhere."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return _instant(text)


def _instant(text: str | None) -> str | None:
    """None as well for the years 0001 and 9999, by which other systems say "never"."""
    try:
        instant = datetime.fromisoformat(text or "")
        told = iso(instant if instant.tzinfo else instant.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None
    return told if "1900" <= told < "2200" else None


_TYPED: Mapping[AttributeType, Callable[[str], Json]] = {
    "text": str,
    "choice": str,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
}
