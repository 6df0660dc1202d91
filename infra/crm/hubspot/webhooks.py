"""The webhooks component of a HubSpot project app, written for one installation.

HubSpot takes it as ``src/app/webhooks/<name>-hsmeta.json``. The file is static, so the real
address must stand in it before the project is uploaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chalicelib.core.model import Kind
from chalicelib.core.policy import Attribute
from connectors.hubspot.owned import PREFIX

UID = "emtiaz_webhooks"

OBJECTS: Mapping[Kind, str] = {
    "contact": "contact",
    "account": "company",
    "deal": "deal",
    "ticket": "ticket",
    "line_item": "line_item",
    "survey": "feedback_submission",
}
"""As subscriptions name them."""

Subscription = dict[str, Any]

# Read whatever the policy says: a deal is a purchase, the others only come with a policy that
# looks at them.
_OWN: Mapping[Kind, tuple[str, ...]] = {
    "deal": ("amount", "closedate", "deal_currency_code", "dealstage", "pipeline"),
    "ticket": ("hs_pipeline", "hs_pipeline_stage", "hs_ticket_category", "hs_ticket_priority"),
    "line_item": (
        "amount", "hs_line_item_currency_code", "hs_product_id", "hs_recurring_billing_period",
        "hs_sku", "name", "price", "quantity", "recurringbillingfrequency",
    ),
    "survey": ("hs_value",),
}  # fmt: skip

# HubSpot refuses a whole component that subscribes to one of these.
_REFUSED = frozenset({"lastmodifieddate", "hs_lastmodifieddate", "num_unique_conversion_events"})

# There is no classic name for surveys, and nobody merges or restores one.
_CLASSIC = frozenset(OBJECTS) - {"survey"}


def kinds_read(attributes: Sequence[Attribute]) -> tuple[Kind, ...]:
    """Contacts, their deals, and whatever else the policy looks at."""
    held = {attribute.of for attribute in attributes if "hubspot" in attribute.fields}
    return tuple(kind for kind in OBJECTS if kind in {"contact", "deal", *held})


def component(
    url: str, attributes: Sequence[Attribute], held: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """``attributes`` of the policy decide what rings; ``held`` is the component as it was.

    What was subscribed to and is not wanted any more stays, switched off: an upload that removes
    a subscription is reported to fail.
    """
    wanted = _wanted(attributes)
    retired = _retired(wanted, held)
    return {
        "uid": UID,
        "type": "webhooks",
        "config": {
            "settings": {"targetUrl": url, "maxConcurrentRequests": 10},
            "subscriptions": {
                family: [*rows, *retired.get(family, ())] for family, rows in wanted.items()
            },
        },
    }


def subscriptions(component: Mapping[str, Any]) -> list[Subscription]:
    """All that a component subscribes to, in one list."""
    return [row for rows in component["config"]["subscriptions"].values() for row in rows]


def _wanted(attributes: Sequence[Attribute]) -> dict[str, list[Subscription]]:
    kinds = kinds_read(attributes)
    classic = [OBJECTS[kind] for kind in kinds if kind in _CLASSIC]
    return {
        "crmObjects": [*_lives(kinds), *_changes(kinds, attributes)],
        # An association rings from both ends, and a contact that hears of it twice is read once:
        # were one end not to ring, the other would do.
        "legacyCrmObjects": [_active(f"{name}.associationChange") for name in classic],
        "hubEvents": [_active("contact.privacyDeletion")],
    }


def _lives(kinds: Sequence[Kind]) -> Iterator[Subscription]:
    """How records come and go. What belongs to a contact matters once it is associated, which
    rings by itself; but no association of a survey does.
    """
    for kind in kinds:
        if kind in ("contact", "survey"):
            yield _active("object.creation", objectType=OBJECTS[kind])
        for what in ("deletion", "restore", "merge") if kind in _CLASSIC else ():
            yield _active(f"object.{what}", objectType=OBJECTS[kind])


def _changes(kinds: Sequence[Kind], attributes: Sequence[Attribute]) -> Iterator[Subscription]:
    """Attributes of type ``activity`` are left out: HubSpot computes them, and computed
    properties send no webhooks.
    """
    named = {
        (attribute.of, attribute.fields["hubspot"])
        for attribute in attributes
        if attribute.type != "activity" and "hubspot" in attribute.fields
    }
    own = {(kind, name) for kind in kinds for name in _OWN.get(kind, ())}
    rung = sorted((OBJECTS[kind], name) for kind, name in named | own if kind in kinds)
    for object_type, name in rung:
        if name not in _REFUSED and not name.startswith(PREFIX):
            yield _active("object.propertyChange", objectType=object_type, propertyName=name)


def _active(what: str, **particulars: str) -> Subscription:
    return {"subscriptionType": what, **particulars, "active": True}


def _retired(
    wanted: Mapping[str, Sequence[Subscription]], held: Mapping[str, Any] | None
) -> dict[str, list[Subscription]]:
    before: Mapping[str, Sequence[Subscription]] = (
        held["config"].get("subscriptions", {}) if held else {}
    )
    current = [_off(row) for rows in wanted.values() for row in rows]
    return {
        family: [_off(row) for row in rows if _off(row) not in current]
        for family, rows in before.items()
    }


def _off(row: Subscription) -> Subscription:
    return {**row, "active": False}
