"""How several records become one: whose values win, and what is written about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from infra.sandbox.hubspot.associations import Associations
from infra.sandbox.hubspot.record_store import RecordStore, addresses
from infra.sandbox.hubspot.records import CONTACTS, HUBSPOT, Actor, Record, Revision

MERGED_IDS = "hs_merged_object_ids"
OTHER_EMAILS = "hs_additional_emails"


def absorb(survivor: Record, others: Sequence[Record], at: datetime, by: Actor) -> int:
    """The survivor's values win; what it lacks comes with its history from the first that has it.

    Returns how many properties moved.
    """
    moved = 0
    for other in others:
        for name in other.history.keys() - {MERGED_IDS, OTHER_EMAILS}:
            moved += _move(name, other, survivor, at, by)
    survivor.created_at = min(one.created_at for one in (survivor, *others))
    survivor.updated_at = max(survivor.updated_at, at)
    return moved


def bookkeeping(survivor: Record, merged: Sequence[Record]) -> dict[str, str]:
    """What HubSpot itself notes on the survivor: old ids, and addresses beside the main one."""
    held = survivor.value(MERGED_IDS).split(";")
    before = [one for other in merged for one in (*other.value(MERGED_IDS).split(";"), other.id)]
    notes = {MERGED_IDS: ";".join(dict.fromkeys(one for one in (*held, *before) if one))}
    if survivor.kind is CONTACTS:
        known = dict.fromkeys(one for record in (survivor, *merged) for one in addresses(record))
        known.pop(survivor.value("email"), None)
        notes[OTHER_EMAILS] = ";".join(known)
    return {name: value for name, value in notes.items() if value}


def hand_over(
    store: RecordStore,
    associations: Associations,
    survivor: Record,
    merged: Sequence[Record],
    at: datetime,
) -> None:
    """Ids, addresses and associations of what is gone go over to the survivor."""
    if store.find(survivor.kind, survivor.id) is None:
        store.add(survivor)
    survivor.write(bookkeeping(survivor, merged), at, HUBSPOT)
    for one in merged:
        store.replace(one, survivor)
        associations.inherit((survivor.kind, survivor.id), (one.kind, one.id))
    for address in addresses(survivor):
        store.note_email(survivor, address)


def _move(name: str, other: Record, survivor: Record, at: datetime, by: Actor) -> bool:
    value = other.value(name)
    if not value or survivor.value(name):
        return False
    revisions = [*survivor.history.get(name, ()), *other.history[name]]
    revisions.sort(key=lambda revision: revision.at)
    survivor.history[name] = [*revisions, Revision(value, at, by)]
    return True
