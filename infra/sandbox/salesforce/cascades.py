"""What is deleted together with a record, and what goes over to another one in a merge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from infra.sandbox.salesforce.records import Record

if TYPE_CHECKING:
    from infra.sandbox.salesforce.org import Org

_DETAILS = {
    "Account": (
        ("Contact", "AccountId"), ("Opportunity", "AccountId"), ("Case", "AccountId"),
        ("Order", "AccountId"), ("TopicAssignment", "EntityId"),
    ),
    "Contact": (
        ("OpportunityContactRole", "ContactId"), ("CampaignMember", "ContactId"),
        ("TopicAssignment", "EntityId"),
    ),
    "Lead": (("CampaignMember", "LeadId"), ("TopicAssignment", "EntityId")),
    "Opportunity": (
        ("OpportunityContactRole", "OpportunityId"),
        ("OpportunityLineItem", "OpportunityId"),
    ),
    "Campaign": (("CampaignMember", "CampaignId"),),
    "Order": (("OrderItem", "OrderId"),),
    "Topic": (("TopicAssignment", "TopicId"),),
}  # fmt: skip
_REFERRING = {
    "Account": (
        ("Contact", "AccountId"), ("Opportunity", "AccountId"), ("Case", "AccountId"),
        ("Account", "ParentId"), ("Task", "WhatId"), ("Event", "WhatId"), ("Order", "AccountId"),
    ),
    "Contact": (
        ("OpportunityContactRole", "ContactId"), ("CampaignMember", "ContactId"),
        ("Case", "ContactId"), ("Contact", "ReportsToId"), ("Task", "WhoId"), ("Event", "WhoId"),
        ("Order", "BillToContactId"),
    ),
    "Lead": (("CampaignMember", "LeadId"), ("Task", "WhoId"), ("Event", "WhoId")),
}  # fmt: skip


def taken_along(org: Org, record: Record) -> Iterator[Record]:
    """Living details, and theirs."""
    for child in _holding(org, _DETAILS.get(record.object, ()), record.id):
        yield child
        yield from taken_along(org, child)


def referring(org: Org, record: Record) -> Iterator[tuple[Record, str]]:
    """Living records that name this one, and the field that does."""
    for object_name, field in _REFERRING.get(record.object, ()):
        for child in _holding(org, ((object_name, field),), record.id):
            yield child, field


def _holding(org: Org, places: tuple[tuple[str, str], ...], record_id: str) -> Iterator[Record]:
    for object_name, field in places:
        yield from [one for one in org.living(object_name) if one.value(field) == record_id]
