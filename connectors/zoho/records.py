"""Zoho's records as it sends them, and which of their fields we ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NotRequired, TypedDict

from chalicelib.core.model import SENT, Kind
from chalicelib.core.policy import Attribute

CRM = "zoho"

MODULES: Mapping[Kind, str] = {
    "contact": "Contacts",
    "lead": "Leads",
    "account": "Accounts",
    "deal": "Deals",
    "ticket": "Cases",
}
"""By kind, their API names. Line items are the products of deals, and no module of their own."""

PERSONS: tuple[Kind, ...] = ("contact", "lead")

MODIFIED = "Modified_Time"
OWNER = "Owner"
TAG = "Tag"
EMAIL, SECOND_EMAIL = "Email", "Secondary_Email"

CONVERTED, CONVERTED_CONTACT = "Converted__s", "Converted_Contact"
"""Of a lead: whether it became a contact, and which one."""

LEADING: Mapping[Kind, str] = {
    "account": "Account_Name",
    "deal": "Contact_Name",
    "ticket": "Related_To",
}
"""The lookup between a contact and records of each kind: an account's is the contact's own."""

DOINGS: Mapping[str, Mapping[Kind, str]] = {
    "Calls": {"contact": "Who_Id", "lead": "What_Id"},
    "Events": {"contact": "Who_Id", "lead": "What_Id"},
    "Tasks": {"contact": "Who_Id", "lead": "What_Id"},
}
"""Modules of what was done with people, and where they stand: Zoho has leads among "what"."""

LISTS = frozenset({"Campaigns", "Visits_Zoho_Livedesk"})
"""Related lists of a person that tell what they did; each is asked for by itself."""

_LEAD_NAMES: Mapping[Kind, Mapping[str, str]] = {
    "contact": {
        "Title": "Designation",
        "Mailing_Street": "Street",
        "Mailing_City": "City",
        "Mailing_State": "State",
        "Mailing_Zip": "Zip_Code",
        "Mailing_Country": "Country",
    },
    "account": {
        "Account_Name": "Company",
        "Employees": "No_of_Employees",
        "Billing_Street": "Street",
        "Billing_City": "City",
        "Billing_State": "State",
        "Billing_Code": "Zip_Code",
        "Billing_Country": "Country",
    },
}
"""What a lead calls the fields of a contact, and of the account that it has not got yet."""

_OWN: Mapping[Kind, tuple[str, ...]] = {
    "contact": (MODIFIED,),
    "lead": (MODIFIED, CONVERTED, CONVERTED_CONTACT),
    "account": (MODIFIED,),
    "deal": (
        MODIFIED, "Contact_Name", "Stage", "Pipeline", "Amount", "Closing_Date", "Probability",
        "Currency",
    ),
    "ticket": (
        MODIFIED, "Related_To", "Status", "Priority", "Type", "Created_Time",
    ),
}  # fmt: skip

_TELLS_NOTHING = frozenset({MODIFIED, "Created_Time", "Probability"})
"""Changed with any change, never, or by a stage."""

PRODUCT_FIELDS = ("Product_Name", "Product_Code", "Product_Category", "Unit_Price", MODIFIED)

Record = Mapping[str, Any]
"""Values by API name, of the field's own JSON type; ``id`` is always among them."""


class PickValue(TypedDict):
    """``actual_value`` is what records hold, ``display_value`` what people call it."""

    id: NotRequired[str]
    actual_value: str
    display_value: str
    forecast_type: NotRequired[str | None]
    probability: NotRequired[float | None]


class Field(TypedDict):
    """As ``/settings/fields`` describes it; only the members that we look at."""

    id: str
    api_name: str
    field_label: str
    data_type: str
    custom_field: NotRequired[bool]
    length: NotRequired[int]
    pick_list_values: NotRequired[list[PickValue]]


Fields = Mapping[str, Field]
"""Of one module, by API name."""


class Currency(TypedDict):
    """``exchange_rate`` is how much of it one unit of the base currency is worth."""

    iso_code: str
    exchange_rate: str
    is_base: NotRequired[bool]


def held_by(kind: Kind, attributes: Iterable[Attribute]) -> tuple[Attribute, ...]:
    """The attributes that Zoho keeps on records of this kind."""
    return tuple(one for one in attributes if one.of == kind and CRM in one.fields)


def field_of(attribute: Attribute, kind: Kind) -> str:
    """What the attribute's field is called on records of ``kind``."""
    name = attribute.fields[CRM]
    return _LEAD_NAMES.get(attribute.of, {}).get(name, name) if kind == "lead" else name


def is_doing(attribute: Attribute) -> bool:
    """Whether it is told by other records, as ``Calls.Call_Start_Time`` is."""
    module, _, field = attribute.fields[CRM].partition(".")
    return bool(field) and (module in DOINGS or module in LISTS)


def place_of(attribute: Attribute) -> tuple[str, str] | None:
    """The module and the field in which its values stand; None where nothing describes them."""
    name = attribute.fields.get(CRM, "")
    module, _, field = name.partition(".")
    if field and module in DOINGS:
        return module, field
    is_described = bool(name) and module not in LISTS and attribute.of in MODULES
    return (MODULES[attribute.of], name) if is_described else None


def told_by(kind: Kind, attributes: Iterable[Attribute]) -> tuple[Attribute, ...]:
    """The attributes whose values stand in a record of this kind itself."""
    of: tuple[Kind, ...] = ("contact", "lead", "account") if kind == "lead" else (kind,)
    held = (one for each in of for one in held_by(each, attributes))
    return tuple(one for one in held if not is_doing(one))


def fields_of(kind: Kind, attributes: Iterable[Attribute]) -> tuple[str, ...]:
    """What to ask for when reading records of this kind: no more than a score needs."""
    attributes = tuple(attributes)
    named = {field_of(one, kind) for one in told_by(kind, attributes)}
    if kind == "contact" and held_by("account", attributes):
        named.add(LEADING["account"])
    return (*_OWN[kind], *sorted(named - set(_OWN[kind])))


def inputs_of(kind: Kind, attributes: Iterable[Attribute]) -> tuple[str, ...]:
    """The fields whose changes can move a score."""
    return tuple(name for name in fields_of(kind, attributes) if name not in _TELLS_NOTHING)


def doings(kind: Kind, attributes: Iterable[Attribute]) -> Mapping[str, tuple[Attribute, ...]]:
    """The attributes that other records tell of a person, by their module or related list."""
    asked = [
        one
        for one in attributes
        if one.of in PERSONS and CRM in one.fields and is_doing(one)
        if one.of in ("contact", kind)
    ]
    modules = {one.fields[CRM].partition(".")[0] for one in asked}
    return {
        module: tuple(one for one in asked if one.fields[CRM].startswith(f"{module}."))
        for module in sorted(modules)
    }


def last_times(kind: Kind, attributes: Iterable[Attribute]) -> tuple[str, ...]:
    """The fields of a person whose news say that they did something."""
    held = told_by(kind, attributes)
    did = [one for one in held if one.type == "activity" and one.activity != SENT]
    return tuple(sorted({field_of(one, kind) for one in did}))


def lookup(record: Record, field: str) -> str:
    """The id of the record that a lookup leads to; empty where it leads nowhere.

    >>> lookup({"id": "7", "Account_Name": {"name": "Rangoni", "id": "9"}}, "Account_Name")
    '9'
    """
    value = record.get(field)
    found = value.get("id") if isinstance(value, dict) else value
    return str(found) if found else ""


def converted_into(lead: Record) -> str:
    """The id of the contact that a lead became; empty for one that is still a lead."""
    return lookup(lead, CONVERTED_CONTACT) if lead.get(CONVERTED) else ""


def address(record: Record, field: str) -> str:
    """An e-mail address, as it is compared."""
    return str(record.get(field) or "").strip().lower()
