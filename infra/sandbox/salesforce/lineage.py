"""Records that become part of others: merges, and leads that are converted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from infra.sandbox.salesforce.cascades import referring
from infra.sandbox.salesforce.errors import ApiError
from infra.sandbox.salesforce.fields import Value
from infra.sandbox.salesforce.records import Record
from infra.sandbox.salesforce.values import to_second

if TYPE_CHECKING:
    from infra.sandbox.salesforce.work import Work

MOST_LOSERS = 2
_COPIED = {
    "Salutation": "Salutation",
    "FirstName": "FirstName",
    "LastName": "LastName",
    "Name": "Name",
    "Title": "Title",
    "Email": "Email",
    "Phone": "Phone",
    "MobilePhone": "MobilePhone",
    "Street": "MailingStreet",
    "City": "MailingCity",
    "State": "MailingState",
    "PostalCode": "MailingPostalCode",
    "Country": "MailingCountry",
    "LeadSource": "LeadSource",
    "HasOptedOutOfEmail": "HasOptedOutOfEmail",
}
"""What a contact has of the lead that it was."""

_COPIED_TO_PERSON = {
    "FirstName": "FirstName",
    "LastName": "LastName",
    "Title": "PersonTitle",
    "Email": "PersonEmail",
    "Country": "PersonMailingCountry",
    "Phone": "Phone",
}


@dataclass(frozen=True, slots=True)
class Converted:
    account: str
    contact: str
    opportunity: str


def merge(work: Work, object_name: str, master_id: str, loser_ids: Sequence[str]) -> Record:
    """The master keeps its own values; what belonged to the others is its now."""
    if not 1 <= len(loser_ids) <= MOST_LOSERS or master_id in loser_ids:
        raise ApiError("INVALID_MERGE_RECORD", "a merge takes a master and one or two others")
    master = work.record(object_name, master_id)
    for loser in [work.record(object_name, one) for one in loser_ids]:
        for child, field in list(referring(work.org, loser)):
            work.write(child, {field: master.id})
        work.delete(object_name, loser.id, master.id)
    work.write(master, {})
    return master


def convert(
    work: Work, lead_id: str, *, account: str = "", contact: str = "", opportunity: str = ""
) -> Converted:
    """Into records that are there, or new ones; an opportunity comes only with a name.

    A lead without a company becomes a person account.
    """
    lead = work.record("Lead", lead_id)
    if lead.value("IsConverted"):
        raise ApiError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    account = account or work.create("Account", _account_of(work, lead)).id
    person = work.record("Account", account).text("PersonContactId")
    contact = person or contact
    contact = contact or work.create("Contact", {**_contact_of(lead), "AccountId": account}).id
    deal = _opportunity(work, lead, opportunity, account, contact) if opportunity else ""
    for child, field in list(referring(work.org, lead)):
        work.write(child, {"ContactId" if field == "LeadId" else field: contact})
    made = Converted(account, contact, deal)
    is_told = not person or work.org.settings.guesses.conversion_tells_person
    told = made if is_told else replace(made, contact="")
    work.write(lead, _converted(told, work.at.date()))
    return made


def _account_of(work: Work, lead: Record) -> Mapping[str, Value]:
    if not lead.value("Company") and work.org.settings.person_accounts:
        return {theirs: lead.value(ours) for ours, theirs in _COPIED_TO_PERSON.items()}
    copied = ("Industry", "AnnualRevenue", "NumberOfEmployees", "Phone", "Website")
    return {"Name": lead.value("Company"), **{name: lead.value(name) for name in copied}}


def _contact_of(lead: Record) -> Mapping[str, Value]:
    """Name is made of its parts."""
    return {
        theirs: lead.value(ours)
        for ours, theirs in _COPIED.items()
        if theirs != "Name" and lead.value(ours) is not None
    }


def _opportunity(work: Work, lead: Record, name: str, account: str, contact: str) -> str:
    closes = to_second(work.at).date()
    deal = {"Name": name, "StageName": "Prospecting", "CloseDate": closes, "AccountId": account}
    made = work.create("Opportunity", {**deal, "LeadSource": lead.value("LeadSource")})
    role = {"OpportunityId": made.id, "ContactId": contact, "IsPrimary": True}
    work.create("OpportunityContactRole", role)
    return made.id


def _converted(made: Converted, on: date) -> Mapping[str, Value]:
    return {
        "Status": "Closed - Converted",
        "IsConverted": True,
        "ConvertedDate": on,
        "ConvertedAccountId": made.account,
        "ConvertedContactId": made.contact or None,
        "ConvertedOpportunityId": made.opportunity or None,
    }
