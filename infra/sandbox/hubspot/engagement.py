"""What contacts do, and what HubSpot writes about it: no webhook rings for any of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from infra.sandbox._serving.instants import spell
from infra.sandbox.hubspot.errors import invalid
from infra.sandbox.hubspot.portal import Portal
from infra.sandbox.hubspot.records import CONTACTS, HUBSPOT, Record


@dataclass(frozen=True, slots=True)
class Activity:
    """Properties that count it, that hold its latest instant, and that hold its first."""

    counters: Sequence[str] = ()
    latest: Sequence[str] = ()
    first: Sequence[str] = ()


ACTIVITIES: Mapping[str, Activity] = {
    "email_delivery": Activity(["hs_email_delivered"], ["hs_email_last_send_date"]),
    "email_open": Activity(
        ["hs_email_open"], ["hs_email_last_open_date"], ["hs_email_first_open_date"]
    ),
    "email_click": Activity(["hs_email_click"], ["hs_email_last_click_date"]),
    "email_reply": Activity(["hs_email_replied"], ["hs_email_last_reply_date"]),
    "sales_email_open": Activity(latest=["hs_sales_email_last_opened"]),
    "sales_email_click": Activity(latest=["hs_sales_email_last_clicked"]),
    "sales_email_reply": Activity(latest=["hs_sales_email_last_replied"]),
    "visit": Activity(
        ["hs_analytics_num_visits", "hs_analytics_num_page_views"],
        ["hs_analytics_last_visit_timestamp", "hs_analytics_last_timestamp"],
        ["hs_analytics_first_timestamp"],
    ),
    "form": Activity(
        ["num_conversion_events", "num_unique_conversion_events"],
        ["recent_conversion_date"],
        ["first_conversion_date"],
    ),
    "call": Activity(
        ["num_notes", "num_contacted_notes"], ["notes_last_contacted", "notes_last_updated"]
    ),
}


def engage(portal: Portal, contact_id: str, name: str, at: datetime | None = None) -> Record:
    """A contact does something, now or at another instant. Raises ``ApiError``.

    HubSpot notes it now. Whether that moves the modified date is one of the guesses.
    """
    if name not in ACTIVITIES:
        raise invalid(f"{name!r} is not one of {sorted(ACTIVITIES)}")
    with portal.lock:
        contact = portal.get(CONTACTS, contact_id)
        noted = _noted(contact, ACTIVITIES[name], spell(at or portal.now()))
        moves = portal.guesses.engagement_moves_dates
        return portal.update(CONTACTS, contact.id, noted, HUBSPOT, moves_date=moves)


def _noted(contact: Record, activity: Activity, at: str) -> dict[str, str]:
    """An instant that is not the latest is counted all the same."""
    counts = {name: str(int(contact.value(name) or 0) + 1) for name in activity.counters}
    latest = {name: at for name in activity.latest if contact.value(name) < at}
    first = {name: at for name in activity.first if not contact.value(name)}
    return counts | latest | first
