"""What the app must be allowed to do: no more than the policy makes it do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from chalicelib.core.model import Kind
from connectors.hubspot.records import TIER_GATED

BASE = (
    "oauth",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    # Creating the properties is not implied by writing their values.
    "crm.schemas.contacts.read",
    "crm.schemas.contacts.write",
    "crm.objects.companies.read",
    "crm.objects.deals.read",
)

OF_KIND: Mapping[Kind, tuple[str, ...]] = {
    "line_item": ("crm.objects.line_items.read", "crm.objects.products.read"),
    "ticket": ("tickets",),
    "survey": ("crm.objects.feedback_submissions.read",),
}
"""For kinds of record that only some policies look at."""

EXCHANGE_RATES = "settings.currencies.read"

EVERY = frozenset((*BASE, *(scope for scopes in OF_KIND.values() for scope in scopes)))
"""All that any policy makes us ask for; other scopes in a file are the admin's own."""


def static(kinds: Iterable[Kind]) -> tuple[str, ...]:
    """All are required: HubSpot knows no others for a static token."""
    return _of(kinds)


def oauth(kinds: Iterable[Kind]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Required ones, and optional ones that HubSpot leaves out where the account lacks them."""
    gated = [kind for kind in kinds if kind in TIER_GATED]
    required = _of(kind for kind in kinds if kind not in TIER_GATED)
    optional = [scope for scope in _of(gated) if scope not in BASE]
    return required, (EXCHANGE_RATES, *optional)


def _of(kinds: Iterable[Kind]) -> tuple[str, ...]:
    return (*BASE, *(scope for kind in kinds for scope in OF_KIND.get(kind, ())))
