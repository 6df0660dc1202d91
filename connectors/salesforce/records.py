"""Salesforce's records as it sends them, and which of their fields we ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chalicelib.core.model import SENT, Kind
from chalicelib.core.policy import Attribute
from connectors.salesforce.objects import OBJECTS, ORDER, ORDER_ITEM

CRM = "salesforce"

PERSONS: tuple[Kind, ...] = ("contact", "lead")

ID = "Id"
MODIFIED = "SystemModstamp"
DELETED = "IsDeleted"
MASTER = "MasterRecordId"
"""Of a record that was merged into another, as long as it lies in the recycle bin."""

OWNER = "OwnerId"
ACCOUNT = "AccountId"
CURRENCY = "CurrencyIsoCode"
"""There only in an organisation with several currencies."""

CONVERTED, CONVERTED_CONTACT = "IsConverted", "ConvertedContactId"
PERSON_CONTACT = "PersonContactId"
"""Of an account, where the organisation has person accounts: the contact that it is."""

CONVERTED_ACCOUNT = "ConvertedAccountId"
CONVERTED_PERSON = f"ConvertedAccount.{PERSON_CONTACT}"
"""Of a lead that became a person account, the contact that this is."""

Record = Mapping[str, Any]
"""Values by field, of the field's own JSON type; a parent's are an object of their own."""

ROLES = "OpportunityContactRole"

OWN: Mapping[str, tuple[str, ...]] = {
    "Contact": (ID, MODIFIED, DELETED, MASTER, ACCOUNT),
    "Lead": (ID, MODIFIED, DELETED, MASTER, CONVERTED, CONVERTED_CONTACT),
    "Account": (ID, MODIFIED),
    "Opportunity": (
        ID, MODIFIED, "LastModifiedDate", "StageName", "IsWon", "IsClosed", "Amount", "CloseDate",
        CURRENCY,
    ),
    ROLES: ("ContactId", "OpportunityId"),
    "Case": (
        ID, MODIFIED, "ContactId", "Status", "IsClosed", "Priority", "Type", "CreatedDate",
        "ClosedDate",
    ),
    "OpportunityLineItem": (
        ID, MODIFIED, "OpportunityId", "Name", "ProductCode", "Quantity", "UnitPrice",
        "TotalPrice", "Product2Id", CURRENCY,
    ),
    ORDER: (
        ID, MODIFIED, ACCOUNT, "BillToContactId", "OpportunityId", "StatusCode", "EffectiveDate",
        "ActivatedDate", "TotalAmount", "IsReductionOrder", "OriginalOrderId", CURRENCY,
    ),
    ORDER_ITEM: (ID, "OrderId", "Quantity", "TotalPrice", "Product2Id", CURRENCY),
    "Product2": ("Name", "ProductCode", "Family"),
    "Task": (ID, DELETED, "WhoId", "TaskSubtype"),
    "Event": (ID, DELETED, "WhoId"),
    "CampaignMember": (ID, "ContactId", "LeadId", "HasResponded"),
}  # fmt: skip
"""Fields that are read whatever the policy says, of those that the organisation lets us see."""

DOINGS: Mapping[str, tuple[str, str, Any]] = {
    "Call": ("Task", "TaskSubtype", "Call"),
    "Email": ("Task", "TaskSubtype", "Email"),
    "Task": ("Task", "TaskSubtype", "Task"),
    "Event": ("Event", DELETED, False),
    "CampaignMember": ("CampaignMember", "HasResponded", True),
}
"""What was done with a person: the object that tells it, and by which of its values it is that."""

WHO: Mapping[str, tuple[str, ...]] = {
    "Task": ("WhoId",),
    "Event": ("WhoId",),
    "CampaignMember": ("ContactId", "LeadId"),
}

_MOVED_BY: Mapping[str, tuple[str, ...]] = {"LastActivityDate": ("Task", "Event")}
"""Fields that Salesforce computes of the records that name somebody, and tells nobody of."""

_LEAD_NAMES: Mapping[Kind, Mapping[str, str]] = {
    "contact": {
        "MailingStreet": "Street",
        "MailingCity": "City",
        "MailingState": "State",
        "MailingPostalCode": "PostalCode",
        "MailingCountry": "Country",
    },
    "account": {
        "Name": "Company",
        "NumberOfEmployees": "NumberOfEmployees",
        "AnnualRevenue": "AnnualRevenue",
        "Industry": "Industry",
        "Website": "Website",
        "BillingStreet": "Street",
        "BillingCity": "City",
        "BillingState": "State",
        "BillingPostalCode": "PostalCode",
        "BillingCountry": "Country",
    },
}
"""What a lead calls the fields of a contact, and of the account that it has not got yet.

Other standard fields of an account would mean something else on a lead, such as its phone.
"""


def held_by(kind: Kind, attributes: Iterable[Attribute]) -> tuple[Attribute, ...]:
    """The attributes that Salesforce keeps on records of this kind."""
    return tuple(one for one in attributes if one.of == kind and CRM in one.fields)


def field_of(attribute: Attribute, kind: Kind) -> str:
    """What the attribute's field is called on records of ``kind``; empty where it has none.

    A custom field of an account is looked for on a lead under its own name, since admins who map
    the two for a conversion usually call them alike.
    """
    name = attribute.fields[CRM]
    if kind != "lead" or attribute.of == "lead":
        return name
    found = _LEAD_NAMES.get(attribute.of, {}).get(name)
    is_known = attribute.of == "contact" or name.endswith("__c")
    return found or (name if is_known else "")


def doing(attribute: Attribute) -> tuple[str, str]:
    """Of an attribute that other records tell, such as ``Call.CompletedDateTime``: both parts.

    Empty for one that a field of the person tells.
    """
    source, _, field = attribute.fields[CRM].partition(".")
    return (source, field) if field and source in DOINGS else ("", "")


def place_of(attribute: Attribute) -> tuple[str, str]:
    """The object and the field in which its values stand."""
    source, field = doing(attribute)
    if source:
        return DOINGS[source][0], field
    name = attribute.fields[CRM]
    of_product = name.removeprefix("Product2.")
    if attribute.of == "line_item" and of_product != name:
        return "Product2", of_product
    return OBJECTS.get(attribute.of, attribute.of), name


def told_by(kind: Kind, attributes: Iterable[Attribute]) -> tuple[Attribute, ...]:
    """The attributes whose values stand in a record of this kind itself."""
    of: tuple[Kind, ...] = ("contact", "lead", "account") if kind == "lead" else (kind,)
    held = (one for each in of for one in held_by(each, attributes))
    return tuple(one for one in held if field_of(one, kind) and not doing(one)[0])


def fields_of(kind: Kind, attributes: Iterable[Attribute]) -> frozenset[str]:
    """What to ask for when reading records of this kind: no more than a score needs."""
    named = (field_of(one, kind) for one in told_by(kind, attributes))
    return frozenset((*OWN[OBJECTS[kind]], *named))


def doings(kind: Kind, attributes: Iterable[Attribute]) -> Mapping[str, tuple[Attribute, ...]]:
    """The attributes that other records tell of a person, by the object that does."""
    asked = [
        one
        for one in attributes
        if one.of in ("contact", kind) and CRM in one.fields and doing(one)[0]
    ]
    objects = sorted({DOINGS[doing(one)[0]][0] for one in asked})
    return {
        name: tuple(one for one in asked if DOINGS[doing(one)[0]][0] == name) for name in objects
    }


def tellers(attributes: Sequence[Attribute]) -> frozenset[str]:
    """The objects that tell what was done with persons, be it by moving a field of theirs alone."""
    told = {name for kind in PERSONS for name in doings(kind, attributes)}
    asked = [one for kind in (*PERSONS, "account") for one in held_by(kind, attributes)]
    return frozenset(told).union(*(_MOVED_BY.get(one.fields[CRM], ()) for one in asked))


def last_times(kind: Kind, attributes: Iterable[Attribute]) -> tuple[str, ...]:
    """The fields of a person whose news say that they did something."""
    held = told_by(kind, attributes)
    did = [one for one in held if one.type == "activity" and one.activity != SENT]
    return tuple(sorted({field_of(one, kind) for one in did}))


def at(record: Record, way: str) -> Any:
    """The value at the end of a dotted way; None where a parent is missing.

    >>> at({"Product2": {"Family": "Hardware"}}, "Product2.Family")
    'Hardware'
    """
    *parents, name = way.split(".")
    for one in parents:
        record = parent(record, one)
    return record.get(name)


def parent(record: Record, name: str) -> Record:
    """Empty where a record has none, or it is hidden.

    >>> parent({"Account": {"Id": "001"}}, "Account"), parent({"Account": None}, "Account")
    ({'Id': '001'}, {})
    """
    found = record.get(name)
    return found if isinstance(found, dict) else {}
