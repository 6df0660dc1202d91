"""What the pages show of a contact or a lead, read from nothing but fields of Salesforce."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.instants import spell
from infra.sandbox._serving.record_page.view import (
    DealLine,
    Field,
    Moment,
    Panel,
    moment,
    money,
    newest,
    panel_of,
    version_of,
)
from infra.sandbox.salesforce.fields import Value
from infra.sandbox.salesforce.org import Org
from infra.sandbox.salesforce.ours import OUTPUT_OF, text_of
from infra.sandbox.salesforce.records import STAMPS, Record, Written
from infra.sandbox.salesforce.topics import assignments_of, names_of

PAGES = "/lightning/r/"
"""Begins the address of a record's page; ``page_of`` goes on."""

_ABOUT = (
    "Email", "Phone", "Title", "Status", "LeadSource", "Industry", "Country", "MailingCountry",
    "CreatedDate",
)  # fmt: skip
_QUIET = {*STAMPS, "Id", "IsDeleted", "CreatedDate", "CreatedById", "OwnerId", "Name"}
"""Fields that tell a reader of the history nothing."""

Line = tuple[Written, Record, str]


class Contacts:
    """Whom the pages show."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def rows(self) -> Sequence[Wire]:
        with self._org.lock:
            return [self._row(one) for one in self._listed()]

    def list_version(self) -> str:
        with self._org.lock:
            return version_of([_revised(one) for one in self._listed()])

    def view(self, record_id: str) -> Mapping[str, Any]:
        with self._org.lock:
            person = self._found(record_id)
            deals = self._deals(person)
            about = [self._field(person, name, person.value(name)) for name in _ABOUT]
            about.append(_topics(names_of(self._org, person.id)))
            return self._row(person) | {
                "about": [one for one in about if one.value],
                "deals": [self._deal_line(one) for one in deals],
                "moments": self._moments(person, deals),
            }

    def version(self, record_id: str) -> str:
        with self._org.lock:
            person = self._found(record_id)
            topics = assignments_of(self._org, person.id)
            return version_of([_revised(one) for one in (person, *self._deals(person), *topics)])

    def _listed(self) -> list[Record]:
        """A lead that was converted is its contact."""
        leads = [one for one in self._org.living("Lead") if not one.value("IsConverted")]
        return [*self._org.living("Contact"), *leads]

    def _found(self, page: str) -> Record:
        """By the end of the page's address. Raises ``ApiError``."""
        record_id = page.rpartition("/")[2]
        return self._org.get(_object_of(record_id), record_id)

    def _row(self, person: Record) -> Wire:
        """A lead itself says where it works."""
        company = self._org.find(person.text("AccountId"))
        return {
            "id": page_of(person.id),
            "name": person.text("Name"),
            "company": company.text("Name") if company else person.text("Company"),
            "panel": self._panel(person),
        }

    def _panel(self, contact: Record) -> Panel | None:
        written = {
            output: self._field(contact, name, value)
            for name, output in OUTPUT_OF.items()
            if (value := contact.value(name)) is not None
        }
        tags = written.get("tags")
        parts = (tags.value.split(";"), tags.shown.split(", ")) if tags else ((), ())
        return panel_of(written, dict(zip(*parts, strict=True)))

    def _field(self, record: Record, name: str, value: Value) -> Field:
        found = self._org.schema.field(record.object, name)
        text, labels = text_of(value), dict(found.values) if found else {}
        shown = ", ".join(labels.get(part, part) for part in text.split(";")) if labels else text
        if found and found.type == "reference" and (other := self._org.find(text)):
            shown = other.text("Name") or text
        kind, label = (found.type, found.label) if found else ("string", "")
        return Field(name, label or words(name), text, shown, kind)

    def _deals(self, contact: Record) -> list[Record]:
        """Open ones first, then the newest."""
        roles = self._org.living("OpportunityContactRole")
        mine = [one.text("OpportunityId") for one in roles if one.value("ContactId") == contact.id]
        deals = list(self._org.rows("Opportunity", mine))
        deals.sort(key=lambda one: str(one.value("CloseDate")), reverse=True)
        return sorted(deals, key=lambda one: bool(one.value("IsClosed")))

    def _deal_line(self, deal: Record) -> DealLine:
        won, closed, amount = (deal.value(name) for name in ("IsWon", "IsClosed", "Amount"))
        currency = deal.text("CurrencyIsoCode") or self._org.settings.currency
        return DealLine(
            name=deal.text("Name"),
            stage=deal.text("StageName"),
            state="won" if won else "lost" if closed else "open",
            amount=money("" if amount is None else str(amount), currency),
            closed_at=text_of(deal.value("CloseDate")),
        )

    def _moments(self, contact: Record, deals: Sequence[Record]) -> Sequence[Moment]:
        """The history of the contact and its deals, newest first."""
        lines = [
            (written, record, name)
            for record in (contact, *deals)
            for name, history in record.history.items()
            for written in _telling(history)
            if name not in _QUIET
        ]
        lines.sort(key=lambda line: line[0].at)
        groups = groupby(lines, key=lambda line: (line[0].at, line[0].by.user, line[1].id))
        return newest([self._moment([*group]) for _, group in groups])

    def _moment(self, lines: Sequence[Line]) -> Moment:
        written, record, _ = lines[0]
        is_ours = written.by.is_integration and any(name in OUTPUT_OF for _, _, name in lines)
        who = "Emtiaz" if is_ours else "An app" if written.by.is_integration else "A rep"
        return moment(
            spell(written.at),
            "Import" if written.by.is_trusted else who,
            "integration" if written.by.is_integration else "crm_ui",
            record.text("Name") if record.object == "Opportunity" else "",
            [self._field(record, name, one.value) for one, _, name in lines],
        )


def page_of(person: str) -> str:
    """Where the address of its page ends.

    >>> page_of("00QWs00000Kp3QdMAJ")
    'Lead/00QWs00000Kp3QdMAJ'
    """
    return f"{_object_of(person)}/{person}"


def words(name: str) -> str:
    """What a person calls a field that has no label of its own.

    >>> words("MailingCountry"), words("AccountId"), words("IsWon"), words("Shoe_Size__c")
    ('Mailing Country', 'Account', 'Is Won', 'Shoe Size')
    """
    plain = name.removesuffix("__c").removesuffix("Id").replace("_", " ")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", plain)


def _object_of(person: str) -> str:
    return "Lead" if person.startswith("00Q") else "Contact"


def _topics(names: Sequence[str]) -> Field:
    shown = ", ".join(names)
    return Field("Topics", "Topics", shown, shown, "string")


def _telling(history: Sequence[Written]) -> list[Written]:
    """Without those that left everything as it was."""
    before: tuple[Value, ...] = (None, *(one.value for one in history))
    return [one for value, one in zip(before, history, strict=False) if value != one.value]


def _revised(record: Record) -> tuple[str, str, int]:
    return record.object, record.id, sum(map(len, record.history.values()))
