"""People without a company: an account and a contact that are one, written through the account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from infra.sandbox.salesforce.errors import ApiError
from infra.sandbox.salesforce.fields import Value
from infra.sandbox.salesforce.records import Record

if TYPE_CHECKING:
    from infra.sandbox.salesforce.work import Work

_ON_CONTACT = {
    "FirstName": "FirstName",
    "LastName": "LastName",
    "Name": "Name",
    "PersonEmail": "Email",
    "PersonTitle": "Title",
    "PersonMailingCountry": "MailingCountry",
    "Phone": "Phone",
}
_OURS = "__pc"
"""How a contact's own field ends on the account."""


def refuse(record: Record) -> None:
    """The contact of a person account is changed by its account alone."""
    if record.object == "Contact" and record.value("IsPersonAccount"):
        message = "You cannot update the contact of a person account: update the account"
        raise ApiError("INVALID_PERSON_ACCOUNT_OPERATION", message)


def follow_creation(work: Work, record: Record) -> None:
    """Its contact comes with it."""
    if record.object != "Account" or not record.value("LastName"):
        return
    contact = work.create("Contact", {"LastName": record.value("LastName"), "AccountId": record.id})
    person = {"IsPersonAccount": True}
    work.write(contact, {**person, **_mirrored(record.values)}, stamped=False)
    work.write(record, {**person, "PersonContactId": contact.id}, stamped=False)


def follow_update(work: Work, record: Record, changed: Mapping[str, Value]) -> None:
    if record.object != "Account" or not record.value("IsPersonAccount"):
        return
    contact = work.org.find(record.text("PersonContactId"))
    if contact and (mirrored := _mirrored(changed)):
        work.write(contact, mirrored)


def _mirrored(values: Mapping[str, Value]) -> dict[str, Value]:
    return {
        _ON_CONTACT.get(name) or f"{name.removesuffix(_OURS)}__c": value
        for name, value in values.items()
        if name in _ON_CONTACT or name.endswith(_OURS)
    }
