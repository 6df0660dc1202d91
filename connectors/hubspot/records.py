"""HubSpot's records as it sends them, and which of their properties we ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NotRequired, TypedDict

from chalicelib.core.model import SENT, Kind
from chalicelib.core.policy import Attribute

CRM = "hubspot"

OBJECT_TYPES: Mapping[Kind, str] = {
    "contact": "contacts",
    "account": "companies",
    "deal": "deals",
    "ticket": "tickets",
    "line_item": "line_items",
    "survey": "feedback_submissions",
}
"""As the API names them in paths. HubSpot's own leads are not read."""

TIER_GATED: frozenset[Kind] = frozenset({"survey"})
"""An account of a lower tier lacks these, and cannot install an app that requires them."""

PRODUCTS = "products"

MODIFIED: Mapping[Kind, str] = {
    kind: "lastmodifieddate" if kind == "contact" else "hs_lastmodifieddate"
    for kind in OBJECT_TYPES
}
"""Only contacts call it so."""

SWALLOWED = "hs_merged_object_ids"
"""Ids that were merged into a record, joined by ``;``."""

_MERGEABLE: frozenset[Kind] = frozenset({"contact", "account", "deal", "ticket"})

ROLL_UP: Mapping[str, str] = {
    "contacts": "num_associated_contacts",
    "deals": "num_associated_deals",
    "open_deals": "hs_num_open_deals",
    "revenue": "total_revenue",
    "last_won_at": "recent_deal_close_date",
    "last_won_amount": "recent_deal_amount",
}
"""What HubSpot sums up over a company's deals and contacts."""

_OWN: Mapping[Kind, tuple[str, ...]] = {
    "account": tuple(ROLL_UP.values()),
    "deal": (
        "dealstage", "pipeline", "amount", "amount_in_home_currency", "deal_currency_code",
        "closedate",
    ),
    "ticket": (
        "hs_pipeline", "hs_pipeline_stage", "hs_ticket_priority", "hs_ticket_category",
        "createdate", "closed_date",
    ),
    "line_item": (
        "name", "hs_sku", "hs_product_id", "quantity", "price", "amount",
        "hs_line_item_currency_code", "recurringbillingfrequency", "hs_recurring_billing_period",
    ),
    "survey": (
        "hs_survey_type", "hs_value", "hs_sentiment", "hs_response_group", "hs_survey_channel",
        "hs_submission_timestamp",
    ),
}  # fmt: skip

PRODUCT_PROPERTIES = ("hs_product_type", "hs_sku", "name")

PLACES: Mapping[Kind, tuple[str, str]] = {
    "deal": ("pipeline", "dealstage"),
    "ticket": ("hs_pipeline", "hs_pipeline_stage"),
}
"""The properties that say where a record stands: pipeline and stage."""

PRIMARY_COMPANY = 1
"""Type id of contact to primary company, among HUBSPOT_DEFINED ones."""

Properties = Mapping[str, str | None]
"""Every value is a text, whatever the property's type."""


class Revision(TypedDict):
    """A value that a property had from ``timestamp`` on."""

    value: str | None
    timestamp: str


class Record(TypedDict):
    """``id`` is that of the survivor, where the record was asked for under a merged id.

    ``propertiesWithHistory`` holds the revisions of what was asked for so, newest first.
    """

    id: str
    properties: Properties
    propertiesWithHistory: NotRequired[Mapping[str, Sequence[Revision]]]
    archived: NotRequired[bool]


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


class ExchangeRate(TypedDict):
    """One unit of the first currency is ``conversionRate`` of the second."""

    fromCurrencyCode: str
    toCurrencyCode: str
    conversionRate: float


def held_by(kind: Kind, attributes: Iterable[Attribute]) -> tuple[Attribute, ...]:
    """The attributes that HubSpot keeps on records of this kind."""
    return tuple(one for one in attributes if one.of == kind and CRM in one.fields)


def properties_of(kind: Kind, attributes: Iterable[Attribute]) -> tuple[str, ...]:
    """What to ask for when reading records of this kind: no more than a score needs."""
    fields = {attribute.fields[CRM] for attribute in held_by(kind, attributes)}
    merged = {SWALLOWED} if kind in _MERGEABLE else set()
    return tuple(sorted(fields | merged | {MODIFIED[kind], *_OWN.get(kind, ())}))


def activity_fields(attributes: Iterable[Attribute]) -> tuple[str, ...]:
    """The contact properties whose past values tell what a person did."""
    held = held_by("contact", attributes)
    return tuple(sorted({one.fields[CRM] for one in held if one.type == "activity"}))


def doing_fields(attributes: Iterable[Attribute]) -> tuple[str, ...]:
    """Those whose news say that somebody did something.

    A mailing goes to everybody at once, and says nothing of anybody before they click.
    """
    did = [one for one in attributes if one.activity != SENT]
    return activity_fields(did)


def place(kind: Kind, record: Record) -> tuple[str, str]:
    """Where a deal or a ticket stands: pipeline id and stage id."""
    pipeline, stage = PLACES[kind]
    properties = record["properties"]
    return properties.get(pipeline) or "", properties.get(stage) or ""


def swallowed_ids(record: Record) -> frozenset[str]:
    """What was merged into a record.

    >>> sorted(swallowed_ids({"id": "9", "properties": {"hs_merged_object_ids": "7;8"}}))
    ['7', '8']
    """
    return frozenset(filter(None, (record["properties"].get(SWALLOWED) or "").split(";")))


def linked_ids(associations: Iterable[Association]) -> list[str]:
    """Ids sorted as text, those of primary associations first."""
    ranked = {(not _is_primary(one), str(one["toObjectId"])) for one in associations}
    return [identity for _, identity in sorted(ranked)]


def _is_primary(association: Association) -> bool:
    return any(
        kind["category"] == "HUBSPOT_DEFINED" and kind["typeId"] == PRIMARY_COMPANY
        for kind in association["associationTypes"]
    )
