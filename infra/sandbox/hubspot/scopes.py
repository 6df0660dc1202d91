"""What a token must be allowed to, by the kind of record; HubSpot's names follow no one rule."""

from __future__ import annotations

from collections.abc import Mapping

from infra.sandbox.hubspot.records import (
    FEEDBACK_SUBMISSIONS,
    LINE_ITEMS,
    NOTES,
    PRODUCTS,
    TASKS,
    TICKETS,
    ObjectType,
)

CURRENCIES = "settings.currencies.read"
REQUIRED = (
    "oauth",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.companies.read",
    "crm.objects.deals.read",
    "crm.schemas.contacts.read",
    "crm.schemas.contacts.write",
)
OPTIONAL = (
    "crm.objects.companies.write",
    "crm.objects.deals.write",
    "crm.objects.line_items.read",
    "crm.objects.line_items.write",
    "crm.objects.feedback_submissions.read",
    "crm.objects.products.read",
    "crm.schemas.companies.read",
    "crm.schemas.companies.write",
    "crm.schemas.deals.read",
    "crm.schemas.deals.write",
    "e-commerce",
    "tickets",
    CURRENCIES,
)
"""With the required ones, all that open anything here."""

# One scope for all there is to do with a kind.
_WHOLE: Mapping[ObjectType, str] = {
    TICKETS: "tickets",
    PRODUCTS: "e-commerce",
    FEEDBACK_SUBMISSIONS: "crm.objects.feedback_submissions.read",
    # HubSpot lets whoever may write contacts write what is pinned to them.
    TASKS: "crm.objects.contacts.write",
    NOTES: "crm.objects.contacts.write",
}
# HubSpot's guides and its API description do not name them alike; either opens the kind here.
_ALSO: Mapping[str, frozenset[str]] = {
    "e-commerce": frozenset({"crm.objects.products.read"}),
    "crm.objects.feedback_submissions.read": frozenset({"crm.objects.feedback_submission.read"}),
}
_SCHEMAS: Mapping[ObjectType, str] = {LINE_ITEMS: "e-commerce"}


def scope_of(kind: ObjectType, *, schema: bool, reading: bool) -> str:
    if kind in _WHOLE:
        return _WHOLE[kind]
    if schema and kind in _SCHEMAS:
        return _SCHEMAS[kind]
    family = "schemas" if schema else "objects"
    return f"crm.{family}.{kind.name}.{'read' if reading else 'write'}"


def opens(scopes: frozenset[str], needed: str) -> bool:
    """Whether a token with these scopes may do what needs that one."""
    return needed in scopes or bool(scopes & _ALSO.get(needed, frozenset()))
