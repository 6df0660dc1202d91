"""What Salesforce's objects are to us, by the names that its API has for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.core.model import Kind
from connectors.salesforce.ids import full

KINDS: Mapping[str, Kind] = {
    "Contact": "contact",
    "Lead": "lead",
    "Account": "account",
    "Opportunity": "deal",
    "Case": "ticket",
    "OpportunityLineItem": "line_item",
}

OBJECTS: Mapping[Kind, str] = {kind: name for name, kind in KINDS.items()}

ORDER, ORDER_ITEM = "Order", "OrderItem"

POINTERS: Mapping[str, tuple[str, ...]] = {
    "Task": ("WhoId",),
    "Event": ("WhoId",),
    "CampaignMember": ("ContactId", "LeadId"),
    "OpportunityContactRole": ("ContactId", "OpportunityId"),
    ORDER: ("BillToContactId",),
}
"""Objects that are nothing to us themselves, and the fields in which they name a person.

A role names its deal as well, by which those are found who had a role in it before.
"""

_POINTED_AT: Mapping[str, Kind] = {"003": "contact", "00Q": "lead", "006": "deal"}
"""By the first three characters of an id, which tell the object."""


def pointed_at(name: str, values: Mapping[str, Any]) -> Iterator[tuple[Kind, str]]:
    """The persons whom a record names, and the deal that a role is in.

    >>> list(pointed_at("Task", {"WhoId": "003Ws00000A1b2C", "WhatId": "001Ws00000Qw1Er"}))
    [('contact', '003Ws00000A1b2CIAR')]
    """
    for field in POINTERS.get(name, ()):
        identity = full(values.get(field))
        if kind := _POINTED_AT.get(identity[:3]):
            yield kind, identity
