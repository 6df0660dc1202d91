"""The webhooks component of a HubSpot project app, written for one installation.

HubSpot takes it as ``src/app/webhooks/<name>-hsmeta.json``. The file is static, so the real
address must stand in it before the project is uploaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from chalicelib.core.policy import Attribute

OBJECTS = {"contact": "contact", "account": "company", "deal": "deal"}

# What makes a purchase of a deal; read whatever the policy says.
_DEAL_PROPERTIES = ("amount", "closedate", "deal_currency_code", "dealstage", "pipeline")


def component(url: str, attributes: Sequence[Attribute]) -> dict[str, Any]:
    """``attributes`` of the policy decide which properties ring.

    Those of type ``activity`` do not: HubSpot computes them, and computed properties send
    no webhooks.
    """
    return {
        "uid": "emtiaz_webhooks",
        "type": "webhooks",
        "config": {
            "settings": {"targetUrl": url, "maxConcurrentRequests": 10},
            "subscriptions": {
                "crmObjects": [*_creations(), *_changes(attributes)],
                # Whether an association rings from both ends is not confirmed: a contact that
                # hears of it twice is read once.
                "legacyCrmObjects": [
                    {"subscriptionType": f"{kind}.associationChange", "active": True}
                    for kind in OBJECTS.values()
                ],
            },
        },
    }


def subscriptions(component: dict[str, Any]) -> list[dict[str, Any]]:
    """All that a component subscribes to, in one list."""
    return [row for rows in component["config"]["subscriptions"].values() for row in rows]


def _creations() -> Iterable[dict[str, Any]]:
    # A new company or deal matters once it is associated, which rings by itself.
    yield {"subscriptionType": "object.creation", "objectType": "contact", "active": True}


def _changes(attributes: Sequence[Attribute]) -> list[dict[str, Any]]:
    wanted = {("deal", name) for name in _DEAL_PROPERTIES} | {
        (OBJECTS[attribute.of], attribute.fields["hubspot"])
        for attribute in attributes
        if attribute.type != "activity"
        and attribute.of in OBJECTS
        and "hubspot" in attribute.fields
    }
    return [
        {
            "subscriptionType": "object.propertyChange",
            "objectType": kind,
            "propertyName": name,
            "active": True,
        }
        for kind, name in sorted(wanted)
    ]
