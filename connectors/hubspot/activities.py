"""What a person did, as far as the properties of a contact tell it, now and in their history.

A *last time* property holds an instant: each value that it ever had is one activity then, and
the present value gives the same one however it is read. A *counter* holds a number: each rise
between two revisions is one activity at the later of them, with the rise as its count. Falls
and clearings tell nothing, and neither does the oldest revision that HubSpot still has, since
what was before it is not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise

from chalicelib.core.facts import Fact, parse_instant
from chalicelib.core.model import Json, Ref
from chalicelib.core.policy import Attribute
from connectors._values import decimal, instant
from connectors.hubspot.records import CRM, Record, Revision, held_by


def activities(subject: Ref, record: Record, attributes: Sequence[Attribute]) -> Iterator[Fact]:
    """Those that a contact tells; ones of the past only where its history was asked for."""
    for attribute in held_by("contact", attributes):
        if attribute.type == "activity":
            yield from _of_property(subject, record, attribute)


def _of_property(subject: Ref, record: Record, attribute: Attribute) -> Iterator[Fact]:
    name = attribute.fields[CRM]
    history = record.get("propertiesWithHistory", {}).get(name, ())
    values = [record["properties"].get(name), *(one["value"] for one in history)]
    for at in sorted({at for value in values if (at := instant(value))}):
        yield _activity(subject, name, at, {"kind": attribute.activity})
    for at, rise in _rises(history).items():
        yield _activity(subject, name, at, {"kind": attribute.activity, "count": rise})


def _rises(history: Sequence[Revision]) -> Mapping[str, int]:
    """By instant, oldest first."""
    # Of two revisions of one instant the later in order counts; HubSpot lists the newest first.
    counts = {
        at: _count(one["value"]) for one in reversed(history) if (at := instant(one["timestamp"]))
    }
    instants = sorted(counts)
    rises: dict[str, int] = {}
    for earlier, later in pairwise(instants):
        before, after = counts[earlier], counts[later]
        if before is not None and after is not None and after - before >= 1:
            rises[later] = int(after - before)
    return rises


def _count(value: str | None) -> Decimal | None:
    return None if instant(value) else decimal(value)


def _activity(subject: Ref, name: str, at: str, data: Mapping[str, Json]) -> Fact:
    return Fact(subject, "activity", f"{name}@{at}", parse_instant(at), data)
