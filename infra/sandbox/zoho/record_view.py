"""What the pages show of a contact, read from nothing but fields of Zoho."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
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
from infra.sandbox.zoho import fields
from infra.sandbox.zoho.modules import ACCOUNTS, CONTACTS, DEALS
from infra.sandbox.zoho.org import Org
from infra.sandbox.zoho.organisation import ROBOT
from infra.sandbox.zoho.ours import TAGS, our_fields, output_of, text_of
from infra.sandbox.zoho.records import Record, Revision

_ABOUT = ("Email", "Phone", "Title", "Lead_Source", "Mailing_Country", "Created_Time")
_STATES = {"Closed Won": "won", "Closed Lost": "lost"}
_ACTORS = {"UI": "A rep", "API": "An app", "Import": "Import", "Zoho": "Zoho"}

Line = tuple[Revision, Record, fields.Field]


class Contacts:
    """Whom the pages show."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def rows(self) -> Sequence[Wire]:
        with self._org.lock:
            return [self._row(one) for one in self._org.records(CONTACTS)]

    def list_version(self) -> str:
        return version_of(map(_revised, self._org.records(CONTACTS)))

    def view(self, record_id: str) -> Mapping[str, Any]:
        with self._org.lock:
            contact = self._org.get(CONTACTS, record_id)
            about = [self._field(contact, name) for name in _ABOUT]
            return self._row(contact) | {
                "about": [one for one in about if one.value],
                "deals": [self._deal_line(one) for one in self._deals(contact)],
                "moments": self._moments(contact),
            }

    def version(self, record_id: str) -> str:
        with self._org.lock:
            contact = self._org.get(CONTACTS, record_id)
            return version_of(map(_revised, (contact, *self._org.related(contact, "Deals"))))

    def _row(self, contact: Record) -> Wire:
        company = self._org.find(ACCOUNTS, contact.values.get("Account_Name") or "")
        return {
            "id": contact.id,
            "name": contact.name,
            "company": company.name if company else "",
            "panel": self._panel(contact),
        }

    def _panel(self, contact: Record) -> Panel | None:
        """Tags of the rep's own are shown beside ours: nothing tells them apart."""
        ours = our_fields(self._org, CONTACTS)
        found = {output: self._field(contact, one.name) for output, one in ours.items()}
        written = {output: one for output, one in found.items() if one.value}
        if contact.tags:
            written[TAGS] = self._field(contact, "Tag")
        return panel_of(written, {one.name: one.name for one in contact.tags})

    def _field(self, record: Record, name: str) -> Field:
        field = self._org.schema.get(record.module, name)
        return self._shown(field, self._org.value(record, name))

    def _shown(self, field: fields.Field, value: Any) -> Field:
        text = text_of(self._org, field, value)
        choice, shown = field.value_of(text), text
        if field.type == "lookup" and value:
            shown = found.name if (found := self._org.find_anywhere(value)) else ""
        elif choice:
            shown = choice.label
        return Field(field.name, field.label, text, shown, field.type)

    def _deals(self, contact: Record) -> list[Record]:
        """Open ones first, then the newest."""
        deals = self._org.related(contact, "Deals")
        deals.sort(key=lambda one: one.values.get("Closing_Date") or "", reverse=True)
        return sorted(deals, key=lambda one: self._state(one) != "open")

    def _state(self, deal: Record) -> str:
        stage = self._stage(deal)
        return _STATES.get(stage.forecast_type, "open") if stage else "open"

    def _stage(self, deal: Record) -> fields.PickListValue | None:
        return self._org.schema.get(DEALS, "Stage").value_of(deal.values.get("Stage") or "")

    def _deal_line(self, deal: Record) -> DealLine:
        stage, amount = self._stage(deal), deal.values.get("Amount")
        return DealLine(
            name=deal.name,
            stage=stage.label if stage else "",
            state=self._state(deal),
            amount=money("" if amount is None else str(amount), deal.values["Currency"]),
            closed_at=deal.values.get("Closing_Date") or "",
        )

    def _moments(self, contact: Record) -> Sequence[Moment]:
        """The history of the contact and its deals, newest first."""
        lines = [
            (revision, record, field)
            for record in (contact, *self._org.related(contact, "Deals"))
            for name, revisions in record.history.items()
            for revision in _telling(revisions)
            if revision.by.source != "Import" or record is contact
            for field in [self._org.schema.get(record.module, name)]
        ]
        lines.sort(key=lambda line: line[0].order)
        groups = groupby(lines, key=lambda line: (line[0].at, line[0].by, line[1].id))
        return newest([self._moment(at, [*group]) for (at, _, _), group in groups])

    def _moment(self, at: datetime, lines: Sequence[Line]) -> Moment:
        by, record = lines[0][0].by, lines[0][1]
        ours = by.user is ROBOT and any(output_of(field) for _, _, field in lines)
        return moment(
            spell(at),
            "Emtiaz" if ours else _ACTORS[by.source],
            by.source.lower(),
            "" if record.module is CONTACTS else record.name,
            [self._shown(field, revision.value) for revision, _, field in lines],
        )


def _telling(revisions: Sequence[Revision]) -> list[Revision]:
    """Without those that left everything as it was."""
    before = (None, *(revision.value for revision in revisions))
    return [one for value, one in zip(before, revisions, strict=False) if value != one.value]


def _revised(record: Record) -> tuple[str, str, int]:
    return record.module.name, record.id, sum(map(len, record.history.values()))
